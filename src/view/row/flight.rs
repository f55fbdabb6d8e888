//! One rollout in flight as a row: where it stands, what comes next and by which key, how its errors went, and the verdict. Over 500
//! lines with its tests: a row's columns are cells of one thing.

use std::time::Duration;

use crate::{
    app::{
        inbox::{self, let_through},
        intent::Intent,
        quarantine::{Quarantine, returned},
        watch,
    },
    domain::{
        evidence::Verdict,
        rollout::{PauseReason, Phase, Role as Side, Rollout, StepKind, Strategy},
        signal::{Series, VersionSignals},
        time::{Timestamp, age, until},
        verb::Verb,
    },
    judge::verdict::Judgement,
    view::{
        action, footer, freshness, headline, measure, number,
        panel::{self, Span},
        scene::Scene,
        span::{Line, Role},
        table::{self, Align, Spec},
        trend,
    },
    words,
};

type Column<'a> = Spec<Scene<'a>, &'a Rollout>;

/// A last point older than this many steps of its series is not "now" any more.
pub(in crate::view) const LATE_STEPS: u32 = 4;
/// Cells of the bar that shows a weight, and of the one that shows how errors went.
const BAR: usize = 6;
pub(in crate::view) const TREND: usize = 14;
/// The stretch of time that the latter shows; it stands in its heading.
const TREND_SPAN: Duration = Duration::from_mins(30);
/// Its top at least: a flat line near zero must not look like a mountain.
const TREND_TOP: f64 = 0.01;

/// The columns. On a narrow screen the less telling ones leave first; service, place, weight and verdict never do. The errors of the canary
/// and since when they are counted leave together: a number without its window says nothing.
pub(in crate::view) fn specs<'a>(scene: &Scene<'a>) -> Vec<Column<'a>> {
    let wide = scene.columns >= WIDE;
    let left = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Left, cell };
    let right = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Right, cell };
    let weight = if wide { left("weight", BAR + 4, BAR + 4, 0, weight_bar) } else { right("wt", 3, 3, 0, weight) };
    let (name, place) = (scene.name_cells(), scene.place_cells());
    let verdict =
        [(80, 12), (70, 8)].into_iter().find(|(columns, _)| scene.columns >= *columns).map_or(7, |(_, least)| least);
    let canary = if scene.narrow(70) { 6 } else { 7 };
    vec![
        left("", name.0, name.1, 0, service),
        left("where", place.0, place.1, 0, environment),
        left("version", 15, 24, 1, version),
        weight,
        left("next", if scene.narrow(80) { 9 } else { 10 }, if wide { 18 } else { 16 }, 3, next),
        left("errors 30m", 10, TREND, 6, trend),
        right("canary", canary, 8, 2, errors),
        right("stable", 6, 8, 4, stable_errors),
        left("since", 5, 5, 2, since),
        right("p99", 9, 9, 7, p99),
        left("verdict", verdict, 12, 0, said),
    ]
}

/// From so many columns on there is a bar for the weight.
const WIDE: usize = 110;

/// Its status in one cell.
pub(in crate::view) fn glyph(scene: &Scene<'_>, rollout: &Rollout) -> Line {
    if freshness::is_old(scene.state(&rollout.id).as_ref()) {
        // Old data must not look fresh: whatever it said, nobody knows whether it still holds.
        return Line::of(Role::Unknown, "?");
    }
    let verdict = scene.model.verdict(&rollout.id).or_else(|| arrived_with(scene, rollout));
    let (glyph, role) = match (verdict, rollout.phase) {
        _ if returned(scene.model, rollout).is_some() => ("✖", Role::Bad),
        (_, Phase::Aborted) => ("▼", Role::Warn),
        (Some(Verdict::NoGo), _) | (_, Phase::Degraded) => ("✖", Role::Bad),
        (Some(Verdict::NoData), _) | (_, Phase::Unknown) => ("?", Role::Unknown),
        _ if !rollout.unknown.is_empty() => ("?", Role::Unknown),
        _ if !rollout.in_flight() => ("◷", Role::Text),
        (Some(Verdict::Go), _) => ("✔", Role::Good),
        _ if inbox::waits(rollout) => ("○", Role::Accent),
        _ => ("◷", Role::Text),
    };
    Line::of(role, glyph)
}

/// The last verdict on a release that has arrived since.
fn arrived_with(scene: &Scene<'_>, rollout: &Rollout) -> Option<Verdict> {
    scene.model.arrivals.get(&rollout.id).filter(|_| !rollout.in_flight())?.verdict
}

/// What the row rests on is not live: its values are old.
pub(in crate::view) fn old(scene: &Scene<'_>, rollout: &Rollout, line: Line) -> Line {
    if freshness::is_old(scene.state(&rollout.id).as_ref()) { line.stale() } else { line }
}

/// As [`old`], for values that were measured.
pub(in crate::view) fn measured(scene: &Scene<'_>, rollout: &Rollout, line: Line) -> Line {
    if scene.signals_live(rollout) { old(scene, rollout, line) } else { line.stale() }
}

pub(in crate::view) fn service(scene: &Scene<'_>, rollout: &Rollout, width: usize) -> Line {
    let mark = scene.mark(&rollout.id);
    let name = measure::cut(rollout.service.as_str(), width.saturating_sub(mark.width()));
    mark.join(old(scene, rollout, Line::of(Role::Strong, name)))
}

pub(in crate::view) fn environment(scene: &Scene<'_>, rollout: &Rollout, width: usize) -> Line {
    old(scene, rollout, Line::of(Role::Dim, scene.places.short(rollout.environment.as_str(), width)))
}

pub(in crate::view) fn version(scene: &Scene<'_>, rollout: &Rollout, width: usize) -> Line {
    let line = versions(rollout, Commits::None);
    old(scene, rollout, if line.width() > width { squeezed(line, width) } else { line })
}

/// `2026.1… → 2026.12`: the new version is the last to be cut.
fn squeezed(line: Line, width: usize) -> Line {
    const LEAST: usize = 3;
    let [before, arrow, after] = line.spans.as_slice() else { return line };
    let wanted = measure::width(&arrow.text) + measure::width(&after.text);
    let room = width.saturating_sub(wanted).max(LEAST);
    let begin = Line::of(before.role, measure::cut(&before.text, room));
    begin.and(arrow.role, arrow.text.clone()).and(after.role, after.text.clone()).cut(width)
}

/// Which versions are named with their commits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::view) enum Commits {
    None,
    /// Only the one on its way in: it is the one that is approved.
    Canary,
    Both,
}

/// `1.41.3 → 1.42.0`, with their commits where asked.
pub(in crate::view) fn versions(rollout: &Rollout, commits: Commits) -> Line {
    let words = |version: &crate::domain::version::Version, whole: bool| {
        if whole { version.to_string() } else { version.short_tag() }
    };
    let stable = rollout.stable.as_ref().map(|version| words(version, commits == Commits::Both));
    let canary = rollout.canary.as_ref().map(|version| words(version, commits != Commits::None));
    match (stable, canary) {
        (Some(stable), Some(canary)) if rollout.stable != rollout.canary => {
            Line::of(Role::Stable, stable).and(Role::Dim, " → ").and(Role::Canary, canary)
        }
        (None, Some(canary)) if !rollout.is_first() => {
            Line::of(Role::Unknown, "?").and(Role::Dim, " → ").and(Role::Canary, canary)
        }
        (None, Some(canary)) => Line::of(Role::Dim, "first ").and(Role::Canary, canary),
        (Some(stable), _) => Line::of(Role::Stable, stable),
        (None, None) => Line::of(Role::Unknown, "? unknown"),
    }
}

/// What comes next: what is being done, the key that a human ends a pause with, or what the engine does.
fn next(scene: &Scene<'_>, rollout: &Rollout, width: usize) -> Line {
    let running = scene.model.actions.newest_on(&rollout.id).filter(|action| action.is_running());
    if let Some(action) = running.and_then(|action| action.on(&rollout.id)) {
        let whole = action::short(&action);
        return if whole.width() <= width { whole } else { action::stage(&action).cut(width) };
    }
    if let Some(until) = watch::until(scene.model, rollout) {
        let until = number::moment(scene.now(), until);
        return old(scene, rollout, Line::of(Role::Dim, "until ").and(Role::Text, until));
    }
    let forms = if rollout.aborted_in_spec {
        key(scene, rollout, Verb::Retry, &["retry"])
    } else if rollout.held {
        key(scene, rollout, Verb::Resume, &["resume, held", "resume"])
    } else if inbox::waits(rollout) && rollout.pause.is_some_and(|pause| pause.reason != PauseReason::Inconclusive) {
        let verb = inbox::let_through(rollout);
        match verb {
            Verb::Promote => {
                let to = format!("promote to {}", next_weight(rollout));
                key(scene, rollout, verb, &[&to, verb.words()])
            }
            verb => key(scene, rollout, verb, &[verb.words()]),
        }
    } else {
        return step(scene, rollout, width);
    };
    let place = rollout.step_words().map(|step| Line::of(Role::Text, step).gap(1)).unwrap_or_default();
    let whole = forms.iter().map(|form| place.clone().join(form.clone()));
    let fits = whole.chain(forms.iter().cloned()).find(|form| form.width() <= width);
    let line = fits.or_else(|| forms.last().cloned()).unwrap_or_default();
    old(scene, rollout, line)
}

/// `p promote to 50`, the longest form first; where it would be refused now, that it would.
fn key(scene: &Scene<'_>, rollout: &Rollout, verb: Verb, words: &[&str]) -> Vec<Line> {
    let intent = Intent::Do(verb);
    if footer::refused(scene.model, intent, std::slice::from_ref(&rollout.id)).is_none() {
        return words.iter().map(|words| scene.hint(intent, (*words).to_owned())).collect();
    }
    let dim = |words: &str| Line::of(Role::Dim, words.to_owned());
    if rollout.aborted_in_spec {
        return vec![Line::of(Role::Warn, taken_back(rollout))];
    }
    if rollout.held {
        return vec![Line::of(Role::Warn, "held")];
    }
    vec![Line::of(Role::Accent, "waits").and(Role::Dim, ", refused now"), dim("waits, refused"), dim("waits")]
}

/// What became of a version that was taken back: of what only declares nothing was aborted, an earlier one is deployed.
fn taken_back(rollout: &Rollout) -> &'static str {
    if rollout.is_declared() { "taken back" } else { "aborted" }
}

/// The share of the traffic, in percent, that the next step which sets one asks for.
fn next_weight(rollout: &Rollout) -> u32 {
    let rest = rollout.steps.iter().skip(rollout.step.map_or(0, |step| step + 1));
    let mut weights = rest.filter_map(|step| match step.kind {
        StepKind::SetWeight(weight) => Some(rollout.weight.percent(weight)),
        _ => None,
    });
    weights.next().unwrap_or(100)
}

/// How the canary's errors went; where it has arrived, its own as the version that serves now.
pub(in crate::view) fn trend(scene: &Scene<'_>, rollout: &Rollout, width: usize) -> Line {
    let side = if rollout.in_flight() { Side::Canary } else { Side::Stable };
    let bad = scene.model.verdict(&rollout.id) == Some(Verdict::NoGo);
    let role = if bad { Role::Bad } else { Role::Dim };
    let bars = scene.model.curve(rollout, side).and_then(|signals| {
        let series = &signals.error_ratio;
        let span = Span { from: scene.now() - TREND_SPAN, to: scene.now() };
        let top = panel::top(panel::largest(&[series], span), TREND_TOP);
        trend::bars(series, (scene.now(), TREND_SPAN), width.min(TREND), top, role)
    });
    measured(scene, rollout, bars.unwrap_or_else(|| Line::of(Role::Unknown, measure::cut("no series", width))))
}

fn step(scene: &Scene<'_>, rollout: &Rollout, width: usize) -> Line {
    let (place, now) = at_step(scene, rollout, false);
    let line = Line::of(Role::Text, place);
    let doubt = rollout.pause.is_some_and(|pause| pause.reason == PauseReason::Inconclusive);
    let line = match now {
        Some(now) if line.width() + 1 + now.width() <= width => line.and(Role::Text, " ").join(now),
        Some(now) if line.is_empty() => now,
        // The countdown says more than the name of the step, where only one fits; a doubt keeps its mark.
        Some(now) => match now.spans.iter().find(|span| span.role == Role::Text) {
            Some(left) if line.width() + 1 + measure::width(&left.text) <= width && now.spans.len() > 1 => {
                let marked = line.width() + 3 + measure::width(&left.text) <= width;
                let line = if doubt && marked { line.and(Role::Unknown, " ?") } else { line };
                line.and(Role::Text, " ").and(left.role, left.text.clone())
            }
            _ if now.spans.iter().any(|span| span.role == Role::Accent) => line.and(Role::Accent, " waits"),
            _ => line.gap(1).join(now).cut(width),
        },
        None => line,
    };
    old(scene, rollout, line)
}

/// `5/8`, and what happens there: `9 min left`; to the second where asked, as on a screen of its own.
pub(in crate::view) fn at_step(scene: &Scene<'_>, rollout: &Rollout, exact: bool) -> (String, Option<Line>) {
    let place = rollout.step.map(|step| format!("{step}/{}", rollout.steps.len())).unwrap_or_default();
    if rollout.phase == Phase::Aborted {
        return (place, Some(Line::of(Role::Warn, taken_back(rollout))));
    }
    if rollout.held {
        return (place, Some(Line::of(Role::Warn, "held")));
    }
    let now = match (rollout.pause, rollout.current_step().map(|step| step.kind)) {
        (Some(pause), _) => match (pause.until, pause.reason) {
            (Some(end), reason) => {
                let left = number::left(until(scene.now(), end), exact);
                // A doubt that is gone past all the same is said, and when.
                match reason {
                    PauseReason::Inconclusive => Line::of(Role::Warn, "inconclusive ").and(Role::Text, left),
                    PauseReason::Step | PauseReason::Person | PauseReason::Other => {
                        Line::of(Role::Text, left).and(Role::Dim, " left")
                    }
                }
            }
            (None, PauseReason::Inconclusive) => Line::of(Role::Accent, "inconclusive"),
            (None, _) => Line::of(Role::Accent, format!("{}?", let_through(rollout).words())),
        },
        (None, Some(StepKind::SetWeight(weight))) => {
            Line::of(Role::Dim, "to ").and(Role::Text, format!("{} %", rollout.weight.percent(weight)))
        }
        (None, Some(StepKind::Analysis)) => Line::of(Role::Dim, "analysis"),
        (None, Some(StepKind::Pause(_))) => Line::of(Role::Dim, "pause"),
        (None, Some(StepKind::Other)) => {
            let label = rollout.current_step().map(|step| step.label.clone()).unwrap_or_default();
            Line::of(Role::Dim, label.split([':', ' ']).next().unwrap_or_default().to_owned())
        }
        (None, None) => match rollout.side(Side::Canary) {
            // What only declares has none.
            Some(arm) if rollout.strategy != Strategy::Declared => {
                let ready = arm.pods.map_or_else(|| "?".to_owned(), |pods| pods.ready.to_string());
                Line::of(Role::Dim, format!("pods {ready}/{}", rollout.replicas))
            }
            _ => return (place, None),
        },
    };
    (place, Some(now))
}

fn weight(scene: &Scene<'_>, rollout: &Rollout, _: usize) -> Line {
    let line = headline::weight_percent(rollout)
        .map_or_else(|| Line::of(Role::Unknown, "?"), |percent| Line::of(Role::Text, percent.to_string()));
    old(scene, rollout, line)
}

fn weight_bar(scene: &Scene<'_>, rollout: &Rollout, _: usize) -> Line {
    let line = match headline::weight_percent(rollout) {
        None => Line::of(Role::Dim, "░".repeat(BAR)).and(Role::Unknown, format!(" {:>3}", "?")),
        Some(percent) => trend::gauge(percent, BAR, Role::Canary).and(Role::Text, format!(" {percent:>3}")),
    };
    old(scene, rollout, line)
}

/// What the verdict rests on: errors of one side, counted from [`covers`] on.
fn counted(scene: &Scene<'_>, rollout: &Rollout, side: Side) -> Option<f64> {
    let judgement = scene.model.judgements.get(&rollout.id)?;
    judgement.covers_from?;
    if side == Side::Canary { judgement.canary } else { judgement.stable }.error_share()
}

fn errors(scene: &Scene<'_>, rollout: &Rollout, width: usize) -> Line {
    let share = counted(scene, rollout, Side::Canary)
        .or_else(|| latest(scene, rollout, Side::Canary, |signals| &signals.error_ratio));
    let bad = scene.model.judgements.get(&rollout.id).is_some_and(|judgement| judgement.verdict == Verdict::NoGo);
    let role = if bad { Role::Bad } else { Role::Text };
    let none = || {
        // One that has arrived has no canary any more.
        let unknown = if width < "no data".len() { "?" } else { "no data" };
        if rollout.is_judged() { Line::of(Role::Unknown, unknown) } else { Line::of(Role::Dim, "—") }
    };
    let line = share.map_or_else(none, |share| Line::of(role, number::percent(share)));
    measured(scene, rollout, line)
}

fn stable_errors(scene: &Scene<'_>, rollout: &Rollout, _: usize) -> Line {
    let share = counted(scene, rollout, Side::Stable)
        .or_else(|| latest(scene, rollout, Side::Stable, |signals| &signals.error_ratio));
    let line =
        share.map_or_else(|| Line::of(Role::Unknown, "—"), |share| Line::of(Role::Stable, number::percent(share)));
    measured(scene, rollout, line)
}

/// Since when both are counted; where nothing is judged, the length of the interval that they were measured over.
fn since(scene: &Scene<'_>, rollout: &Rollout, _: usize) -> Line {
    let words = match covers(scene, rollout) {
        Some(from) => number::moment(scene.now(), from),
        None => number::age(scene.model.session.signal_step),
    };
    measured(scene, rollout, Line::of(Role::Dim, words))
}

/// Since when the numbers of a verdict count.
fn covers(scene: &Scene<'_>, rollout: &Rollout) -> Option<Timestamp> {
    scene.model.judgements.get(&rollout.id)?.covers_from
}

fn p99(scene: &Scene<'_>, rollout: &Rollout, _: usize) -> Line {
    let seconds = latest(scene, rollout, Side::Canary, |signals| &signals.latency.p99);
    let line = seconds.map_or_else(|| Line::of(Role::Unknown, "—"), |s| Line::of(Role::Text, number::latency(s)));
    measured(scene, rollout, line)
}

/// The newest value of a series; `None` where there is none, or where it ended while its source is alive.
pub(in crate::view) fn latest(
    scene: &Scene<'_>,
    rollout: &Rollout,
    side: Side,
    series: fn(&VersionSignals) -> &Series,
) -> Option<f64> {
    let point = series(scene.model.arm(rollout, side)?).last()?;
    let ended = age(scene.now(), point.at) > scene.model.session.signal_step * LATE_STEPS;
    (!ended || !scene.signals_live(rollout)).then_some(point.value)
}

/// What is not live, the verdict, and what to know about it; as much of it as fits, in this order.
fn said(scene: &Scene<'_>, rollout: &Rollout, width: usize) -> Line {
    let mut pieces = Vec::new();
    if let Some(state) = scene.state(&rollout.id) {
        pieces.push(freshness::warning(&state));
    }
    if returned(scene.model, rollout).is_some() {
        pieces.push(old(scene, rollout, Line::of(Role::Bad, BACK)));
    }
    let judgement = scene.model.judgements.get(&rollout.id);
    let watched = watch::until(scene.model, rollout);
    pieces.push(old(
        scene,
        rollout,
        watched.map_or_else(|| word(scene, rollout, judgement), |until| watching(scene, until, width)),
    ));
    let target = rollout.id.clone();
    pieces.push(match judgement {
        _ if scene.model.actions.holding(&target).is_some() => {
            let holding = scene.model.actions.holding(&target).into_iter();
            let held: Vec<String> = holding.flat_map(|action| action::held(scene, action)).collect();
            Line::of(Role::Warn, held.join(", "))
        }
        _ if trouble(scene, rollout).is_some() => {
            let role = if rollout.phase == Phase::Degraded { Role::Bad } else { Role::Warn };
            Line::of(role, trouble(scene, rollout).unwrap_or_default())
        }
        _ if rollout.aborted_in_spec => {
            let tag = rollout.canary.as_ref().map(|version| version.tag.as_str()).unwrap_or_default();
            let what = if rollout.is_declared() { "its source" } else { "the spec" };
            Line::of(Role::Text, format!("{what} still holds {tag}"))
        }
        Some(_) if scene.model.outdated(&rollout.id).is_some() => Line::new(),
        Some(_) if let Some(old) = scene.model.old_harm(&rollout.id) => {
            Line::of(Role::Warn, format!("evidence {} old", number::age(old.age)))
        }
        Some(judgement) => {
            let gap = table::gap(scene.columns);
            let taken: usize = pieces.iter().filter(|it| !it.is_empty()).map(|it| it.width() + gap).sum();
            detail(scene, judgement, width.saturating_sub(taken))
        }
        None if let Some(compared) = scene.model.watched.get(&rollout.id).filter(|_| watched.is_some()) => {
            let role = if compared.judgement.verdict == Verdict::NoGo { Role::Warn } else { Role::Dim };
            Line::of(role, words::watched_beside(&compared.judgement, &compared.against))
        }
        None => match arrived_with(scene, rollout) {
            Some(verdict) => Line::of(Role::Dim, "was ").and(role(verdict), verdict.words()),
            None => Line::new(),
        },
    });
    if let Some(arm) = Quarantine::of(&scene.model.actions, rollout).way_back(rollout).arm() {
        pieces.push(Line::of(Role::Dim, format!("back {}", arm.tag())));
    }
    let mut line = Line::new();
    for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
        let gap = if line.is_empty() { 0 } else { table::gap(scene.columns) };
        let room = width.saturating_sub(line.width() + gap);
        // A piece is cut only where a good part of it is left.
        if piece.width() > room && room < 10 && !line.is_empty() {
            break;
        }
        line = line.gap(gap).join(piece.cut(room));
    }
    line
}

/// Of a version that was left for cause, whoever brought it again.
pub(in crate::view) const BACK: &str = "BACK AGAIN";

/// `WATCHING until 02:22`: all traffic is on it, and that is not the end.
fn watching(scene: &Scene<'_>, until: Timestamp, width: usize) -> Line {
    let line = Line::of(Role::Accent, "WATCHING");
    let whole = line.clone().and(Role::Dim, format!(" until {}", number::moment(scene.now(), until)));
    if whole.width() <= width { whole } else { line }
}

/// A controller takes a moment for each change of the spec; what is longer is said.
const BEHIND: Duration = Duration::from_secs(30);

/// What is wrong with it, or not known of it, before any verdict: what does not run cannot be judged.
pub(in crate::view) fn trouble(scene: &Scene<'_>, rollout: &Rollout) -> Option<String> {
    let behind = rollout.lag.and_then(|lag| {
        let span = lag.since.map(|since| age(scene.now(), since));
        match span {
            Some(span) if span < BEHIND => None,
            Some(span) => Some(format!("the controller is behind the spec for {}", number::age(span))),
            None => rollout.message.clone(),
        }
    });
    // A verdict of harm says more than that something is slow to arrive.
    let harm = scene.model.judgements.get(&rollout.id).is_some_and(|judgement| judgement.verdict == Verdict::NoGo);
    if harm {
        return None;
    }
    let degraded = rollout.message.clone().filter(|_| rollout.phase == Phase::Degraded);
    let unknown = rollout.unknown.first().map(|unknown| unknown.what.clone());
    rollout.troubles.first().cloned().or(degraded).or(unknown).or(behind)
}

/// The verdict in a word, with its role; with its age where it is so old that it no longer says what is.
pub(in crate::view) fn word(scene: &Scene<'_>, rollout: &Rollout, judgement: Option<&Judgement>) -> Line {
    let stale = judgement.and_then(|judgement| judgement.stale(scene.now(), scene.model.session.signal_step));
    match judgement.map(|judgement| judgement.verdict) {
        _ if rollout.phase == Phase::Aborted => Line::of(Role::Warn, taken_back(rollout).to_uppercase()),
        Some(verdict) if let Some(age) = stale => {
            Line::of(Role::Unknown, format!("{} {} old", verdict.words(), number::age(age))).stale()
        }
        Some(verdict) => Line::of(role(verdict), verdict.words()),
        None if rollout.phase == Phase::Degraded => Line::of(Role::Bad, "DEGRADED"),
        None if !rollout.unknown.is_empty() => Line::of(Role::Unknown, "NO DATA"),
        None => Line::of(Role::Dim, "not judged"),
    }
}

/// The role of a verdict. Undecided is the ordinary case: it has no colour of its own.
pub(in crate::view) fn role(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Go => Role::Good,
        Verdict::NoGo => Role::Bad,
        Verdict::Wait => Role::Strong,
        Verdict::NoData => Role::Unknown,
    }
}

/// The verdict's reason; where it waits, with the time at which a decision is due. Without its word, which stands before it.
pub(in crate::view) fn reason(scene: &Scene<'_>, judgement: &Judgement) -> String {
    let reason = words::beside_word(judgement);
    match (judgement.verdict, judgement.eta) {
        (Verdict::Wait, Some(eta)) => format!("{reason}, ready about {}", number::moment(scene.now(), eta)),
        _ => reason,
    }
}

/// What to know about a verdict in so many cells: the longest form that fits, or nothing.
fn detail(scene: &Scene<'_>, judgement: &Judgement, room: usize) -> Line {
    let now = scene.now();
    let forms = match judgement.verdict {
        // A column says it where there is one.
        Verdict::NoGo if scene.columns >= WIDE => Vec::new(),
        Verdict::NoGo => {
            judgement.onset.map(|onset| format!("since {}", number::moment(now, onset))).into_iter().collect()
        }
        Verdict::Go => {
            judgement.decided_at.map(|at| format!("for {}", number::age(age(now, at)))).into_iter().collect()
        }
        Verdict::Wait => {
            let seen = number::count(judgement.requests.seen);
            let needed = judgement.requests.needed.map(|needed| format!("{seen} of {}", number::count(needed)));
            let due = judgement.eta.map(|eta| format!("~{}", number::moment(now, eta)));
            let another_day = judgement.eta.filter(|eta| eta.date_naive() != now.date_naive());
            let day = another_day.map(|eta| eta.format("~%m-%d").to_string());
            let pair = needed.as_ref().zip(due.as_ref());
            let said = pair.map(|(needed, due)| format!("{needed} needed, {due}"));
            let both = pair.map(|(needed, due)| format!("{needed}, {due}"));
            let so_far = needed.is_none().then(|| format!("{seen} requests so far"));
            [said, both, due, day, needed, so_far].into_iter().flatten().collect::<Vec<_>>()
        }
        Verdict::NoData => {
            let first = judgement.missing.first();
            let forms =
                first.map(|missing| [format!("{} ({})", missing.signal, missing.arm), missing.signal.to_string()]);
            forms.into_iter().flatten().collect()
        }
    };
    let fits = forms.into_iter().find(|form| measure::width(form) <= room);
    Line::of(Role::Dim, fits.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{rollout::Pause, time::after, version::Version},
        view::sample,
    };

    #[test]
    fn a_doubt_that_goes_on_by_itself_keeps_its_mark_beside_the_time_it_has_left() {
        let (keymap, model) = (sample::keymap(), sample::board(120, 36));
        let scene = Scene::new(&model, &keymap);
        let table = [
            (451, PauseReason::Inconclusive, 24, "5/8 inconclusive 7 min"),
            (451, PauseReason::Inconclusive, 16, "5/8 ? 7 min"),
            (451, PauseReason::Step, 16, "5/8 7 min left"),
            (451, PauseReason::Step, 9, "5/8 7 min"),
            (451, PauseReason::Inconclusive, 9, "5/8 7 min"),
            (71, PauseReason::Step, 16, "5/8 1:11 left"),
        ];
        for (seconds, reason, width, expected) in table {
            let end = Some(after(sample::now(), Duration::from_secs(seconds)));
            let pause = Some(Pause { reason, since: None, until: end });
            let rollout = Rollout { pause, held: false, ..sample::payments() };
            assert_eq!(step(&scene, &rollout, width).plain(), expected);
        }
    }

    #[test]
    fn the_new_version_can_be_read_beside_an_old_one_however_long_that_is() {
        let keymap = sample::keymap();
        let model = sample::board(80, 24);
        let scene = Scene::new(&model, &keymap);
        let digest = |hex: &str| Version::from_image(&format!("app@sha256:{}", hex.repeat(32)));
        let tag = |text: &str| Version::tagged(text);
        let table = [
            (digest("a1"), digest("b2"), 17, "a1a1a1a → b2b2b2b"),
            (tag("2026.11.27-nightly.1"), tag("1.42.0"), 15, "2026.… → 1.42.0"),
            (tag("2026.11.27"), tag("2026.11.28-rc"), 17, "20… → 2026.11.28…"),
            (tag("1.41.3"), tag("1.42.0"), 15, "1.41.3 → 1.42.0"),
        ];
        for (stable, canary, width, expected) in table {
            let mut rollout = sample::payments();
            (rollout.stable, rollout.canary) = (Some(stable), Some(canary));
            assert_eq!(version(&scene, &rollout, width).plain(), expected);
        }
    }
}
