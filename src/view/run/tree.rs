//! The jobs and steps of a run as a tree.

use crate::{
    app::reading::{NodeRow, node_rows},
    domain::{
        pipeline::{Node, NodeKind, Run},
        runners::Runners,
    },
    view::{
        measure, number,
        row::run::sign,
        scene::Scene,
        span::{Line, Role},
        table,
    },
};

/// Cells for how long something took, and between it and its name.
const TOOK: usize = 8;

/// The heading, and the rows that there is room for.
pub(super) fn lines(scene: &Scene<'_>, run: &Run, (columns, rows): (usize, usize)) -> Vec<Line> {
    let model = scene.model;
    let tree = model.store.inside.tree(&run.id);
    let all = node_rows(model, &run.id);
    let mut lines = vec![heading(&all, columns)];
    let fault = tree.and_then(|tree| tree.fault.as_ref());
    if let Some(fault) = fault {
        let words = measure::wrap_within(&fault.text, columns.saturating_sub(4), 3);
        lines.extend(words.into_iter().map(|words| Line::of(Role::Warn, format!(" ▲ {words}"))));
    }
    if all.is_empty() {
        let words = match tree {
            Some(tree) if tree.nodes.is_some() => "it has no jobs",
            _ if fault.is_some() => "its jobs are not known",
            _ => "its jobs are being read",
        };
        lines.push(Line::of(Role::Unknown, format!("   {words}")));
        return lines;
    }
    let at = model.reading.at(&all);
    let room = rows.saturating_sub(lines.len());
    let shown = table::window(all.len(), room, Some(at));
    let here = model.nav.pane == 0;
    for (place, row) in all.iter().enumerate().skip(shown.start).take(shown.len()) {
        let mark = match (place == at, here) {
            (true, true) => Line::of(Role::Accent, "›"),
            (true, false) => Line::of(Role::Dim, "›"),
            _ => Line::of(Role::Text, " "),
        };
        lines.push(mark.join(one(scene, row, columns.saturating_sub(1))));
    }
    lines
}

fn heading(all: &[NodeRow<'_>], columns: usize) -> Line {
    let jobs = all.iter().filter(|row| row.node.kind == NodeKind::Job).count();
    let title = if jobs > 0 { format!("   JOBS {jobs}") } else { "   JOBS".to_owned() };
    Line::of(Role::Title, title).pad(columns.saturating_sub(TOOK)).and(Role::Dim, format!("{:>TOOK$}", "took"))
}

fn one(scene: &Scene<'_>, row: &NodeRow<'_>, columns: usize) -> Line {
    let node = row.node;
    let (role, glyph) = if node.status.is_failure() || node.status.state != crate::domain::pipeline::RunStatus::Failed {
        sign(node.status.state)
    } else {
        // It failed, and nothing hangs on it.
        (Role::Warn, "✖")
    };
    let indent = "│ ".repeat(row.depth);
    let name = match node.kind {
        NodeKind::Stage | NodeKind::Job => Role::Text,
        NodeKind::Step | NodeKind::Child => Role::Dim,
    };
    let mut left = Line::of(Role::Dim, indent).and(role, glyph).gap(1).and(name, node.name.clone());
    if let Some(attempt) = node.attempt.filter(|attempt| *attempt > 1) {
        left = left.and(Role::Dim, format!(" ({attempt})"));
    }
    if !node.status.flags.is_empty() || node.status.state == crate::domain::pipeline::RunStatus::Unknown {
        left = left.and(Role::Warn, format!("  {}", node.status.words()));
    }
    let right = took(scene, node);
    let room = columns.saturating_sub(right.width() + 1);
    left.pad(room).gap(1).join(right)
}

/// How long it took; of one that has not begun, how long it has waited for a machine.
fn took(scene: &Scene<'_>, node: &Node) -> Line {
    let now = scene.now();
    let no_runner = node.runners.as_ref().is_some_and(Runners::is_none);
    match (node.took(now), node.waited(now)) {
        (Some(took), _) => Line::of(Role::Text, number::countdown(took)),
        (None, Some(waited)) if !node.status.state.ended() => {
            let why = if no_runner { "no runner, " } else { "" };
            Line::of(Role::Warn, format!("{why}queued {}", number::countdown(waited)))
        }
        (None, None) if no_runner => Line::of(Role::Warn, "no runner"),
        _ => Line::new(),
    }
}
