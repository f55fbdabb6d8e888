//! The log of the chosen job.

use crate::{
    app::{
        intent::Intent,
        reading::{self, node_rows, shown_log},
        store::inside::Log,
    },
    domain::{
        log::{self, Mark},
        pipeline::Run,
        runners::Runners,
    },
    view::{
        measure, number,
        pane::Text,
        scene::Scene,
        span::{Line, Role},
    },
};

/// The heading, and the lines that there is room for.
pub(super) fn lines(scene: &Scene<'_>, run: &Run, (columns, rows): (usize, usize)) -> Vec<Line> {
    let model = scene.model;
    let room = rows.saturating_sub(1);
    let nodes = node_rows(model, &run.id);
    let chosen = nodes.get(model.reading.at(&nodes));
    let Some(row) = chosen else { return vec![Line::of(Role::Title, "LOG")] };
    // A step shows the log of its job.
    let job = nodes.iter().rev().find(|one| one.node.log.as_ref() == row.log && row.log.is_some());
    let name = job.map_or(row.node.name.as_str(), |job| job.node.name.as_str());
    let Some(known) = reading::log(model, &run.id) else {
        let words = match shown_log(model, &run.id) {
            None => format!("{} has no log: it is {}", row.node.name, row.node.status.words()),
            Some(_) => "its log is being read".to_owned(),
        };
        let mut lines = vec![title(scene, name), Line::of(Role::Unknown, format!(" {words}")).cut(columns)];
        lines.extend(row.node.runners.iter().flat_map(|runners| there_is(runners, columns)));
        return lines;
    };
    let shown = reading::lines(model, &run.id);
    let text = Text {
        lines: shown.len(),
        pane: &model.reading.pane,
        line: |place: usize| shown.get(place).map_or_else(Line::new, |one| line(one)),
    };
    let mut lines = vec![head(scene, (name, known), text.place(room), columns)];
    if let Some(fault) = &known.fault {
        let words = measure::wrap_within(&fault.text, columns.saturating_sub(4), 3);
        lines.extend(words.into_iter().map(|words| Line::of(Role::Warn, format!(" ▲ {words}"))));
    }
    if known.lines.is_empty() {
        // A job that waits may have a log already, with nothing in it.
        lines.extend(row.node.runners.iter().flat_map(|runners| there_is(runners, columns)));
    }
    let room = rows.saturating_sub(lines.len());
    if shown.is_empty() && !known.lines.is_empty() {
        let words = format!(" none of its {} lines reads so", known.lines.len());
        lines.push(Line::of(Role::Dim, words).cut(columns));
    }
    lines.extend(text.lay_out(columns, room));
    lines
}

/// What there is for a job that waits for a runner.
fn there_is(runners: &Runners, columns: usize) -> Vec<Line> {
    let (role, sign) = if runners.is_none() { (Role::Warn, "▲ ") } else { (Role::Text, "") };
    let said = format!("{sign}{}", runners.words());
    measure::wrap(&said, columns.saturating_sub(2))
        .into_iter()
        .map(|words| Line::of(role, format!(" {words}")))
        .collect()
}

fn title(scene: &Scene<'_>, name: &str) -> Line {
    let role = if scene.model.nav.pane > 0 { Role::Accent } else { Role::Title };
    Line::of(role, format!(" {name}"))
}

/// ` unit   412 lines, ended   / search   n next error   f follow`.
fn head(scene: &Scene<'_>, (name, known): (&str, &Log), place: Line, columns: usize) -> Line {
    let follows = scene.model.reading.pane.follows();
    let state = match (known.over, follows) {
        (true, _) => "ended".to_owned(),
        (false, true) => "follows".to_owned(),
        (false, false) => {
            let at = known.at.map(number::clock).unwrap_or_default();
            format!("stands, read {at}")
        }
    };
    let mut left = title(scene, name).gap(2).join(place).and(Role::Dim, format!(", {state}"));
    if known.cut {
        left.push(Role::Warn, ", more before");
    }
    if let Some(level) = scene.model.reading.level {
        left = left.gap(2).and(Role::Accent, format!("level >= {level}"));
    }
    let keys = [
        (Intent::Filter, "search"),
        (Intent::FindNext, "next error"),
        (Intent::Follow, "follow"),
        (Intent::Level, "level"),
    ];
    let hints = keys.into_iter().map(|(intent, words)| scene.hint(intent, words));
    hints
        .fold(left, |line, hint| if line.width() + hint.width() + 2 <= columns { line.gap(2).join(hint) } else { line })
        .cut(columns)
}

fn line(line: &log::Line) -> Line {
    let at = line.at.map(|at| at.format("%H:%M:%S ").to_string()).unwrap_or_default();
    let (role, sign) = match line.mark {
        Mark::Error => (Role::Bad, "✖ "),
        Mark::Warning => (Role::Warn, "▲ "),
        Mark::Group => (Role::Title, ""),
        Mark::Command => (Role::Canary, ""),
        Mark::Debug => (Role::Dim, ""),
        _ if line.is_trouble() => (Role::Bad, ""),
        Mark::Notice | Mark::Plain => (Role::Text, ""),
    };
    let indent = if line.grouped { "  " } else { "" };
    Line::of(Role::Dim, at).and(role, format!("{indent}{sign}{}", line.text))
}
