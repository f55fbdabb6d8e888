//! One run: the road of its release, its jobs and steps as a tree, and beside it the log of the chosen one.

mod log;
pub(in crate::view) mod path;
mod tested;
mod tree;

use crate::{
    app::reading::log_room,
    domain::{pipeline::Run, time::age},
    view::{
        Bar, Beside, Part, changes, freshness, number,
        row::run::{sign, word},
        scene::Scene,
        span::{Line, Role},
    },
};

/// Narrower screens show the tree or the log, not both.
const NARROW: usize = 76;
/// Cells that the tree takes at least and at most.
const TREE: std::ops::RangeInclusive<usize> = 26..=48;

/// ` ledger › deploy #812   forge   4.2.0 (c0ffee1)   by lee   12 min ago`.
pub(super) fn title(scene: &Scene<'_>, run: &Run) -> Bar {
    let mut left = Line::of(Role::Strong, format!(" {}", run.service)).and(Role::Dim, " › ");
    left = left.and(Role::Strong, format!("{} #{}", run.pipeline, run.number)).gap(2);
    left = left.and(Role::Dim, run.id.source.to_string()).gap(2).and(Role::Canary, run.version.to_string());
    if let Some(actor) = &run.actor {
        left = left.gap(2).and(Role::Dim, format!("by {actor}"));
    }
    left = left.gap(2).and(Role::Dim, format!("{} ago", number::age(age(scene.now(), run.started))));
    if run.attempt > 1 {
        left = left.gap(2).and(Role::Dim, format!("attempt {}", run.attempt));
    }
    let (role, glyph) = sign(run.status);
    left = left.gap(2).and(role, glyph).gap(1).join(word(run));
    let state = scene.state(&run.id);
    let live = state.map_or_else(Line::new, |state| Line::of(Role::Good, freshness::word(&state)));
    Bar { left, right: Line::of(Role::Text, number::clock(scene.now())).gap(2).join(live).gap(1) }
}

/// What the run is about, in the words of whoever began it.
fn about(run: &Run) -> Line {
    if run.title.is_empty() { Line::new() } else { Line::of(Role::Strong, format!(" {}", run.title)).gap(2) }
}

/// The jobs, and below them the tests that failed, where somebody tells of any.
fn inside(scene: &Scene<'_>, run: &Run, (columns, rows): (usize, usize)) -> Vec<Line> {
    let tests = tested::lines(scene, run, (columns, rows / 2));
    let below = if tests.is_empty() { 0 } else { tests.len() + 1 };
    let mut lines = tree::lines(scene, run, (columns, rows.saturating_sub(below)));
    if !tests.is_empty() {
        lines.push(Line::new());
        lines.extend(tests);
    }
    lines
}

/// Everything between the rules.
pub(super) fn body(scene: &Scene<'_>, run: &Run) -> Vec<Part> {
    // The heading, and what is below it.
    let rows = log_room(scene.model.size.1) + 1;
    let in_log = scene.model.nav.pane > 0;
    let mut parts = vec![
        Part::Line(path::line(scene, run).cut(scene.columns)),
        Part::Line(about(run).join(changes::line(scene, &run.id)).cut(scene.columns)),
        Part::Rule,
    ];
    if scene.columns < NARROW {
        let columns = scene.columns;
        let lines = if in_log { log::lines(scene, run, (columns, rows)) } else { inside(scene, run, (columns, rows)) };
        parts.extend(lines.into_iter().map(Part::Line));
        return parts;
    }
    let columns = (scene.columns * 2 / 5).clamp(*TREE.start(), *TREE.end());
    let right = scene.columns.saturating_sub(columns + 2);
    let stack = |lines: Vec<Line>| lines.into_iter().map(Part::Line).collect();
    parts.push(Part::Beside(Beside {
        left: stack(inside(scene, run, (columns, rows))),
        right: stack(log::lines(scene, run, (right, rows))),
        columns,
        rows,
    }));
    parts
}
