//! What both versions of a release wrote: the patterns that stand out, held against each other, and the lines.

mod lines;
mod patterns;

use std::time::Duration;

use crate::{
    app::logs::{
        Logs,
        look::{self, Around, Look, Shown},
        mixed,
    },
    domain::{
        line::Level,
        rollout::{Arm, Role as Side, Rollout},
        time::age,
    },
    view::{
        Bar, Body, Part, chrome, freshness, measure, number,
        pane::Text,
        scene::Scene,
        span::{Line, Role},
    },
};

/// With fewer lines between the rules there is room for the patterns or for the lines, not for both.
const LOW: usize = 11;
/// A source settles what it tells within half a minute.
const BEHIND: Duration = Duration::from_mins(1);
/// Lines that one line takes by itself at most.
const WRAPPED: usize = 6;

/// ` payments › logs  prod/eu  canary 1.42.0 and stable 1.41.3          level >= warn  canary only  "vault"   02:07:41`.
pub(super) fn title(scene: &Scene<'_>, rollout: &Rollout) -> Bar {
    let mut left =
        Line::of(Role::Strong, format!(" {}", rollout.service)).and(Role::Dim, " › ").and(Role::Strong, "logs");
    left = left.gap(2).and(Role::Accent, rollout.environment.to_string()).gap(2);
    let state = scene.state(&rollout.id);
    let old = state.as_ref().filter(|state| freshness::is_old(Some(state))).map(freshness::warning);
    // Whose lines they are goes before all of what is looked for, which stands above them too.
    let right = filters(&scene.model.look, if scene.narrow(80) { 12 } else { 24 })
        .gap(2)
        .and(Role::Text, number::clock(scene.now()))
        .gap(1);
    let right = right.join(old.unwrap_or_default());
    // What is left out says more than which versions there are.
    let named = versions(scene, rollout);
    if left.width() + named.width() + right.width() + 2 <= scene.columns {
        left = left.join(named);
    }
    Bar { left, right }
}

/// `canary 1.42.0 and stable 1.41.3`.
fn versions(scene: &Scene<'_>, rollout: &Rollout) -> Line {
    let canary = rollout.side(Side::Canary).or_else(|| scene.model.taken_back(rollout)).map(Arm::tag);
    let stable = rollout.side(Side::Stable).map(Arm::tag);
    let (narrow, and) = if scene.narrow(100) { (true, ", ") } else { (false, " and ") };
    let of = |name: &str, tag: String| if narrow { tag } else { format!("{name} {tag}") };
    let one = |role, name, tag: Option<String>| tag.map(|tag| Line::of(role, of(name, tag)));
    match (one(Role::Canary, "canary", canary), one(Role::Stable, "stable", stable)) {
        (Some(canary), Some(stable)) => canary.and(Role::Dim, and).join(stable),
        (canary, stable) => canary.or(stable).unwrap_or_default(),
    }
}

/// `level >= warn  canary only  "vault"`: what is left out.
fn filters(look: &Look, most: usize) -> Line {
    if look.around.is_some() {
        return Line::of(Role::Accent, "around one line");
    }
    let level = match look.level {
        Some(Level::Fatal) => "level fatal".to_owned(),
        Some(level) => format!("level >= {level}"),
        None => "all levels".to_owned(),
    };
    let mut line = Line::of(Role::Accent, level);
    match look.side {
        Some(Side::Canary) => line = line.gap(2).and(Role::Accent, "canary only"),
        Some(_) => line = line.gap(2).and(Role::Accent, "stable only"),
        None => {}
    }
    if !look.text().is_empty() {
        line = line.gap(2).and(Role::Accent, format!("\"{}\"", measure::cut(look.text(), most)));
    }
    line
}

/// Everything between the rules: patterns above, lines below, the newest last.
pub(super) fn body(scene: &Scene<'_>, rollout: &Rollout) -> Body {
    let room = scene.rows.saturating_sub(chrome(scene.rows));
    let Some(shown) = look::shown(scene.model, rollout) else {
        let words = format!("   No connection keeps what {} writes: docs/ says how to add one.", rollout.service);
        return vec![Part::blank(), Part::Line(Line::of(Role::Unknown, words).cut(scene.columns))].into();
    };
    if let Some(around) = &scene.model.look.around {
        return around_one(scene, rollout, around, room);
    }
    let stale = shown.logs.fault.is_some();
    let dressed = |line: Line| Part::Line(if stale { line.stale() } else { line }.cut(scene.columns));
    let mut parts: Vec<Part> = said(scene, rollout, &shown).into_iter().map(dressed).collect();
    let in_lines = scene.model.nav.pane > 0;
    if room >= LOW || !in_lines {
        let most = if room >= LOW { (room.saturating_sub(5) / 3).max(3) } else { room.saturating_sub(parts.len() + 1) };
        parts.extend(patterns::lines(scene, rollout, &shown, most).into_iter().map(dressed));
    }
    if room < LOW && !in_lines {
        parts.truncate(room);
        return parts.into();
    }
    if room >= LOW {
        parts.push(Part::Rule);
    }
    let pane = &scene.model.look.pane;
    let all = lines::Lines::of(scene, rollout, &shown.lines);
    let text = Text { lines: shown.lines.len(), pane, line: |place: usize| all.line(place) };
    let left = room.saturating_sub(parts.len() + 1);
    parts.push(dressed(lines::heading(scene, text.place(left), pane)));
    parts.extend(text.lay_out(scene.columns, left).into_iter().map(dressed));
    Body { parts, window: window(&text, left) }
}

/// The lines around one, and all of that one.
fn around_one(scene: &Scene<'_>, rollout: &Rollout, around: &Around, room: usize) -> Body {
    let (line, logs) = (&around.line, &around.logs);
    let whose = if line.pod.is_empty() { "its source names no pod: of all of them" } else { line.pod.as_str() };
    let head =
        Line::of(Role::Title, format!(" {whose}")).gap(2).and(Role::Dim, format!("around {}", number::clock(line.at)));
    let state = match (&logs.fault, logs.at) {
        (Some(fault), _) => Line::of(Role::Warn, format!("{}: {fault}", logs.source)),
        (None, None) => Line::of(Role::Dim, format!("{} is being read", logs.source)),
        (None, Some(_)) if !logs.lines.iter().any(|one| (one.at, &one.text) == (line.at, &line.text)) => {
            Line::of(Role::Warn, "it wrote too much since: the line itself is not among them")
        }
        (None, Some(_)) => Line::new(),
    };
    let mut parts = vec![Part::Line(head.gap(2).join(state).cut(scene.columns))];
    let fields = line.fields.iter().map(|(name, value)| format!("{name}={value}"));
    let text = std::iter::once(line.text.clone()).chain(fields).collect::<Vec<_>>().join("  ");
    let most = WRAPPED.min(room / 3).max(1);
    let all = measure::wrap_within(&text, scene.columns.saturating_sub(2), most);
    parts.extend(all.into_iter().map(|text| Part::Line(Line::of(lines::role(line), format!(" {text}")))));
    parts.push(Part::Rule);
    let shown: Vec<_> = logs.lines.iter().collect();
    let each = lines::Lines::of(scene, rollout, &shown);
    let text = Text { lines: shown.len(), pane: &around.pane, line: |place: usize| each.line(place) };
    let left = room.saturating_sub(parts.len() + 1);
    parts.push(Part::Line(Line::new().gap(1).join(text.place(left)).cut(scene.columns)));
    parts.extend(text.lay_out(scene.columns, left).into_iter().map(Part::Line));
    Body { parts, window: window(&text, left) }
}

fn window<F>(text: &Text<'_, F>, rows: usize) -> Option<(std::ops::Range<usize>, usize)> {
    (text.lines > rows).then(|| (text.pane.window(text.lines, rows), text.lines))
}

/// ` logs, 1 s ago   since 01:37   1,204 lines read   7 left out`; and where nothing follows from how many there are, why.
fn said(scene: &Scene<'_>, rollout: &Rollout, shown: &Shown<'_>) -> Vec<Line> {
    let logs = shown.logs;
    let source = format!(" {}", logs.source);
    if let Some(fault) = &logs.fault {
        return vec![Line::of(Role::Warn, format!("{source}: {fault}"))];
    }
    let Some(at) = logs.at else { return vec![Line::of(Role::Dim, format!("{source} is being read"))] };
    let ago = number::within(age(scene.now(), at), Duration::ZERO);
    let mut line = Line::of(Role::Dim, format!("{source}, {ago}")).gap(3);
    if let Some(since) = logs.since() {
        line = line.and(Role::Text, format!("since {}", number::moment(scene.now(), since))).gap(3);
    }
    line = line.and(Role::Text, format!("{} lines read", number::count(logs.read))).gap(3);
    // It answers, and has not come to what is now: what it told last is as old as that.
    if let Some(until) = logs.until().filter(|until| age(scene.now(), *until) > BEHIND) {
        line = line.and(Role::Warn, format!("read until {}", number::moment(scene.now(), until))).gap(3);
    }
    if logs.dropped > 0 {
        line = line.and(Role::Warn, format!("{} left out", number::count(logs.dropped))).gap(3);
    }
    if shown.waits {
        line = line.and(Role::Warn, "more is being read").gap(3);
    }
    std::iter::once(line).chain(of_several(scene, rollout, logs)).collect()
}

/// Where lines of several environments come as one.
fn of_several(scene: &Scene<'_>, rollout: &Rollout, logs: &Logs) -> Option<Line> {
    let all = mixed(scene.model, rollout, &logs.source);
    let names: Vec<String> = all.iter().map(ToString::to_string).collect();
    let words = format!(
        " ▲ of {} as one: nothing follows from their numbers; set `place_label` or `covers` of {}",
        names.join(" and "),
        logs.source
    );
    (!names.is_empty()).then(|| Line::of(Role::Warn, words))
}
