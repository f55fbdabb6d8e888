//! The panels of a release: which are shown in so many lines, over which stretch of time, with which steps marked.

use std::time::Duration;

use crate::{
    domain::{
        rollout::{Role as Side, Rollout, StepKind},
        signal::{Series, VersionSignals},
    },
    view::{
        number,
        panel::{self, Mark, Panel, Panels, Span},
        row::flight,
        scene::Scene,
        span::{Line, Role},
    },
};

/// What is shown before the release began, and how much at least and at most.
const BEFORE: Duration = Duration::from_mins(10);
const LEAST: Duration = Duration::from_mins(20);
const MOST: Duration = Duration::from_hours(3);
/// Lines that a panel needs to say anything, and with which it is content.
const LEAST_HEIGHT: usize = 2;
const GOOD_HEIGHT: usize = 7;
/// Panels that should be there even if they are flat, and which of them is the latency.
const LEAST_PANELS: usize = 3;
const LATENCY: usize = 1;
/// Cells beside the charts.
const LABELS: usize = 21;
const WORDS: usize = 20;

/// One kind of measurement.
struct Kind {
    title: &'static str,
    series: fn(&VersionSignals) -> &Series,
    words: fn(f64) -> String,
    /// The axis never ends below this: a flat line near zero must not look like a mountain.
    least: f64,
}

/// In the order in which they lose their place on a low screen, the last first.
const KINDS: [Kind; 5] = [
    Kind { title: "errors", series: |s| &s.error_ratio, words: number::percent, least: 0.01 },
    Kind { title: "latency p99", series: |s| &s.latency.p99, words: number::latency, least: 0.01 },
    Kind { title: "requests", series: |s| &s.request_rate, words: number::rate, least: 1.0 },
    Kind { title: "latency p95", series: |s| &s.latency.p95, words: number::latency, least: 0.01 },
    Kind { title: "latency p50", series: |s| &s.latency.p50, words: number::latency, least: 0.01 },
];

/// As many panels as so many lines hold, the axis included.
pub(super) fn panels(scene: &Scene<'_>, rollout: &Rollout, lines: usize) -> Panels {
    let span = span(scene, rollout);
    let room = lines.saturating_sub(1);
    // Few high panels say more than many flat ones, as long as the first three are there.
    let count = (room / if room < 4 * LEAST_PANELS { 3 } else { 4 }).clamp(1, KINDS.len());
    let height = (room / count).clamp(LEAST_HEIGHT, GOOD_HEIGHT);
    let spare = room.saturating_sub(height * count).min(GOOD_HEIGHT.saturating_sub(height));
    let panel = |(index, kind): (usize, &Kind)| {
        // What does not divide evenly goes to the latency, which has most to say beside its chart.
        let height = if index == LATENCY.min(count - 1) { height + spare } else { height };
        one(scene, rollout, kind, span, height, count)
    };
    Panels {
        panels: KINDS.iter().take(count).enumerate().map(panel).collect(),
        ends: panel::ends(span),
        marks: marks(scene, rollout, span),
        labels: LABELS,
        words: WORDS,
    }
}

fn span(scene: &Scene<'_>, rollout: &Rollout) -> Span {
    let now = scene.now();
    let began = rollout.started.unwrap_or(now) - BEFORE;
    Span { from: began.min(now - LEAST).max(now - MOST), to: now }
}

fn one(scene: &Scene<'_>, rollout: &Rollout, kind: &Kind, span: Span, height: usize, shown: usize) -> Panel {
    let none = Series::new();
    let series = |side| scene.model.curve(rollout, side).map_or(&none, kind.series);
    let (canary, stable) = (series(Side::Canary), series(Side::Stable));
    let top = panel::top(panel::largest(&[canary, stable], span), kind.least);
    let step = scene.model.session.signal_step;
    let mut words = vec![
        said(scene, rollout, kind, Side::Canary, "canary", Role::Canary),
        said(scene, rollout, kind, Side::Stable, "stable", Role::Stable),
    ];
    // Quantiles that have no panel of their own are said beside the one that has.
    if kind.title == "latency p99" {
        words.extend(KINDS.iter().skip(shown.max(LEAST_PANELS)).map(|other| both(scene, rollout, other)));
    }
    words.truncate(height);
    Panel {
        title: kind.title,
        top: (kind.words)(top).replace(".00 %", " %").replace(".0 ", " "),
        height,
        canary: panel::trace(canary, span, top, step),
        stable: panel::trace(stable, span, top, step),
        words,
    }
}

fn said(scene: &Scene<'_>, rollout: &Rollout, kind: &Kind, side: Side, name: &'static str, role: Role) -> Line {
    if side == Side::Canary && scene.model.taken_back(rollout).is_some() {
        return panel::taken_back(name, role);
    }
    let value = flight::latest(scene, rollout, side, kind.series).map(kind.words);
    let line = panel::words(name, role, value);
    if scene.signals_live(rollout) { line } else { line.stale() }
}

/// `p95 280 ms, 140 ms`: canary and stable of one quantile.
fn both(scene: &Scene<'_>, rollout: &Rollout, kind: &Kind) -> Line {
    let value = |side| flight::latest(scene, rollout, side, kind.series).map_or_else(|| "—".to_owned(), kind.words);
    let name = kind.title.rsplit(' ').next().unwrap_or_default();
    Line::of(Role::Dim, format!("{name} "))
        .and(Role::Canary, value(Side::Canary))
        .and(Role::Dim, " / ")
        .and(Role::Stable, value(Side::Stable))
}

/// When steps began: weights by their number, as that is what moves traffic.
fn marks(scene: &Scene<'_>, rollout: &Rollout, span: Span) -> Vec<Mark> {
    let times = scene.model.step_times.get(&rollout.id).into_iter().flatten();
    let mut marks: Vec<Mark> = Vec::new();
    for (step, began) in times {
        let Some(at) = span.place(*began) else { continue };
        let label = match rollout.steps.get(*step).map(|step| step.kind) {
            Some(StepKind::SetWeight(weight)) => format!("{} %", rollout.weight.percent(weight)),
            _ => format!("step {step}"),
        };
        // A pause begins right after the weight it belongs to: one mark says both.
        match marks.last() {
            Some(last) if (at - last.at).abs() < 0.02 && last.label.ends_with('%') => {}
            _ => marks.push(Mark { at, label }),
        }
    }
    marks
}
