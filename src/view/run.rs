//! One run: what it is about, where it stands, and its jobs.

use crate::{
    app::reading::node_rows,
    domain::{pipeline::Run, time::age},
    view::{
        Bar, Part, freshness, measure, number,
        row::run::{sign, word},
        scene::Scene,
        span::{Line, Role},
    },
};

/// ` ledger › deploy #812   ci   4.2.0 (c0ffee1)   by lee   12 min ago`.
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
    let state = scene.state(&run.id);
    let live = state.map_or_else(Line::new, |state| Line::of(Role::Good, freshness::word(&state)));
    Bar { left, right: Line::of(Role::Text, number::clock(scene.now())).gap(2).join(live).gap(1) }
}

/// Everything between the rules.
pub(super) fn body(scene: &Scene<'_>, run: &Run) -> Vec<Part> {
    let (role, glyph) = sign(run.status);
    let took = number::countdown(age(if run.status.ended() { run.updated } else { scene.now() }, run.started));
    let mut lines = vec![
        Line::of(role, format!(" {glyph} "))
            .join(word(run))
            .and(Role::Dim, format!(", {took}"))
            .gap(3)
            .and(Role::Text, run.title.clone()),
    ];
    if let Some(url) = &run.url {
        lines.push(Line::of(Role::Dim, format!("   {url}")));
    }
    let nodes = node_rows(scene.model, &run.id);
    lines.push(Line::new());
    lines.push(Line::of(Role::Title, "   JOBS"));
    if nodes.is_empty() {
        lines.push(Line::of(Role::Unknown, "   its jobs were not read"));
    }
    for row in nodes {
        let (role, glyph) = sign(row.node.status.state);
        let took = row.node.took(scene.now()).map(number::countdown).unwrap_or_default();
        let name = format!("{}{}", "  ".repeat(row.depth), row.node.name);
        let line = Line::of(role, format!(" {glyph} ")).and(Role::Text, measure::cut(&name, 40)).pad(44);
        lines.push(line.and(Role::Dim, took));
    }
    lines.into_iter().map(|line| Part::Line(line.cut(scene.columns))).collect()
}
