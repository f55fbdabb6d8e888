//! The panels of a release: which are shown in so many lines, over which stretch of time, with which steps marked.

use std::time::Duration;

use crate::{
    app::measuring::aligned,
    domain::{
        rollout::{Role as Side, Rollout, StepKind},
        signal::{Series, VersionSignals},
        time::Timestamp,
    },
    view::{
        number,
        panel::{self, AROUND, Mark, Panel, Panels, Span},
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
const GOOD_HEIGHT: usize = 12;
/// With fewer lines two panels are both lower than three.
const BOTH_LOW: usize = 6;
/// Panels that should be there even if they are flat, and which of them is the latency.
const LEAST_PANELS: usize = 3;
const LATENCY: usize = 1;
/// Cells left of the charts, and right of them on a narrow screen, where only the newest values are said.
const LABELS: usize = 18;
const NARROW_WORDS: usize = 20;
/// A chart of fewer columns has no longer window beside its newest values.
const WIDE: usize = 100;

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
    Kind { title: "p99", series: |s| &s.latency.p99, words: number::latency, least: 0.01 },
    Kind { title: "requests", series: |s| &s.request_rate, words: number::rate, least: 1.0 },
    Kind { title: "p95", series: |s| &s.latency.p95, words: number::latency, least: 0.01 },
    Kind { title: "p50", series: |s| &s.latency.p50, words: number::latency, least: 0.01 },
];

/// As many panels as so many lines and columns hold.
pub(super) fn panels(scene: &Scene<'_>, rollout: &Rollout, lines: usize, columns: usize) -> Panels {
    let span = span(scene, rollout);
    let room = lines.saturating_sub(AROUND);
    // Few high panels say more than many flat ones, as long as the first three are there; on the lowest screens the latency stays beside
    // the errors.
    let each = match room {
        0..BOTH_LOW => LEAST_HEIGHT,
        _ if room < 4 * LEAST_PANELS => 3,
        _ => 4,
    };
    let count = (room / each).clamp(1, KINDS.len());
    let height = (room / count).clamp(LEAST_HEIGHT, GOOD_HEIGHT);
    let spare = room.saturating_sub(height * count).min(GOOD_HEIGHT.saturating_sub(height));
    let wide = columns >= WIDE;
    let panel = |(index, kind): (usize, &Kind)| {
        // What does not divide evenly goes to the latency, which has most to say beside its chart.
        let height = if index == LATENCY.min(count - 1) { height + spare } else { height };
        one(scene, rollout, kind, span, (height, count, wide))
    };
    let (name, newest, whole) = panel::VALUES;
    let words = if wide { name + newest + whole } else { NARROW_WORDS };
    Panels {
        panels: KINDS.iter().take(count).enumerate().map(panel).collect(),
        windows: windows(scene, rollout, wide),
        ends: panel::ends(span),
        marks: marks(scene, rollout, span),
        labels: LABELS,
        words,
    }
}

/// Over the values: `last 30 s   since 01:49`.
fn windows(scene: &Scene<'_>, rollout: &Rollout, wide: bool) -> Line {
    let (name, newest, whole) = panel::VALUES;
    let last = format!("last {}", number::age(scene.model.session.signal_step));
    let line = Line::of(Role::Dim, format!("{last:>width$}", width = name + newest));
    match covers(scene, rollout).filter(|_| wide) {
        Some(from) => {
            let since = format!("since {}", number::moment(scene.now(), from));
            line.and(Role::Dim, format!("{since:>whole$}"))
        }
        None => line,
    }
}

/// Since when the numbers of the verdict count, where it has any.
fn covers(scene: &Scene<'_>, rollout: &Rollout) -> Option<Timestamp> {
    scene.model.judgements.get(&rollout.id)?.covers_from
}

fn span(scene: &Scene<'_>, rollout: &Rollout) -> Span {
    // To the end of the running interval: between two of them nothing moves.
    let step = scene.model.session.signal_step;
    let now = aligned(scene.now(), step).map_or(scene.now(), |begun| begun + step);
    let began = rollout.started.unwrap_or(now) - BEFORE;
    Span { from: began.min(now - LEAST).max(now - MOST), to: now }
}

fn one(
    scene: &Scene<'_>,
    rollout: &Rollout,
    kind: &Kind,
    span: Span,
    (height, shown, wide): (usize, usize, bool),
) -> Panel {
    let none = Series::new();
    let series = |side| scene.model.curve(rollout, side).map_or(&none, kind.series);
    let (canary, stable) = (series(Side::Canary), series(Side::Stable));
    let top = panel::top(panel::largest(&[canary, stable], span), kind.least);
    let step = scene.model.session.signal_step;
    let mut words = vec![
        said(scene, rollout, (kind, wide), Side::Canary, "canary", Role::Canary),
        said(scene, rollout, (kind, wide), Side::Stable, "stable", Role::Stable),
    ];
    // Quantiles that have no panel of their own are said beside the one that has.
    if kind.title == "p99" {
        words.extend(KINDS.iter().skip(shown.max(LEAST_PANELS)).map(|other| both(scene, rollout, other)));
    }
    words.truncate(height);
    Panel {
        title: kind.title,
        scale: (round(kind, top), round(kind, top / 2.0)),
        height,
        canary: panel::trace(canary, span, top, step),
        stable: panel::trace(stable, span, top, step),
        words,
    }
}

/// A value of the axis: without digits that say nothing.
fn round(kind: &Kind, value: f64) -> String {
    let words = (kind.words)(value);
    let Some((number, unit)) = words.split_once(' ') else { return words };
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    format!("{number} {unit}")
}

fn said(
    scene: &Scene<'_>,
    rollout: &Rollout,
    (kind, wide): (&Kind, bool),
    side: Side,
    name: &'static str,
    role: Role,
) -> Line {
    if side == Side::Canary && scene.model.taken_back(rollout).is_some() {
        return panel::taken_back(name, role);
    }
    let value = flight::latest(scene, rollout, side, kind.series).map(kind.words);
    let judgement = scene.model.judgements.get(&rollout.id).filter(|judgement| wide && judgement.covers_from.is_some());
    let tally = judgement.map(|judgement| if side == Side::Canary { judgement.canary } else { judgement.stable });
    // A quantile of quantiles is none: only what is counted has a value over a longer window.
    let longer = tally.and_then(|tally| match kind.title {
        "errors" => tally.error_share().map(number::percent),
        "requests" => Some(number::count(tally.requests)),
        _ => None,
    });
    let line = panel::words(name, role, value, longer);
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
            _ => marks.push(Mark { at, label, time: number::moment(scene.now(), *began) }),
        }
    }
    marks
}
