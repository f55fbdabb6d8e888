//! The arithmetic of a verdict: counts, ratio, evidence, what is missing, how much more it takes.

use crate::{
    app::{intent::Intent, quarantine::Quarantine, watch},
    domain::{object::ObjectId, rollout::Rollout, time::age},
    judge::{
        counts::{Arms, Tally},
        eprocess::{ALPHA_HARM, ALPHA_SAFE, REJECTED, TOLERATED},
        latency::Between,
        ratio::Ratio,
        verdict::{Evidence, Judgement, Timing},
    },
    view::{
        measure, number,
        row::flight,
        scene::Scene,
        sheet::{Sheet, labelled},
        span::{Line, Role},
    },
    words,
};

/// Evidence beyond this is only said to be beyond it.
const MOST_DIGITS: f64 = 12.0;
/// Patterns of log lines that are told.
const WRITTEN: usize = 3;

pub(super) fn sheet(scene: &Scene<'_>, id: &ObjectId, width: usize) -> Sheet {
    let rollout = scene.model.store.rollout(id);
    let name = rollout.map_or_else(|| id.to_string(), |rollout| rollout.service.to_string());
    let judgement = scene.model.judgements.get(id);
    let mut lines = Vec::new();
    if let (Some(judgement), Some(rollout)) = (judgement, rollout) {
        let word = flight::word(scene, rollout, Some(judgement));
        let reason = flight::reason(scene, judgement);
        let mut reason = measure::wrap(&reason, width.saturating_sub(word.width() + 4)).into_iter();
        let indent = word.width() + 3;
        lines.push(Line::of(Role::Text, " ").join(word).gap(2).and(Role::Text, reason.next().unwrap_or_default()));
        lines.extend(reason.map(|text| Line::new().gap(indent).and(Role::Text, text)));
        let outdated = scene.model.outdated(id).into_iter();
        let outdated = outdated.map(|outdated| words::outdated(&outdated));
        lines.extend(outdated.flat_map(|text| labelled("? old", Role::Unknown, &text, width, 3)));
        // First what a verdict must not be read without: a low screen cuts the end.
        lines.extend(cautions(judgement, width));
        lines.push(Line::new());
        lines.extend(counts(judgement, ["canary", "stable"]));
        lines.push(Line::new());
        lines.extend(evidence(scene, judgement, width));
    } else {
        let text = rollout.map_or_else(|| format!("{id} is no longer there"), |rollout| unjudged(scene, rollout));
        let wrapped = measure::wrap(&sentence(&text), width.saturating_sub(2));
        lines.extend(wrapped.into_iter().map(|text| Line::of(Role::Text, format!(" {text}"))));
        lines.extend(before_and_after(scene, id, width));
    }
    Sheet::said(format!("why: {name}"), lines, scene.hint(Intent::Back, "back"), width)
}

/// With a capital at its begin and a full stop.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).chain(['.']).collect()
}

/// Why there is no verdict on a rollout: what it is held against instead, while it is watched, or why there is nothing.
pub(in crate::view) fn unjudged(scene: &Scene<'_>, rollout: &Rollout) -> String {
    let Some(until) = watch::until(scene.model, rollout) else {
        return "there is no second version to compare it with: nothing is judged".to_owned();
    };
    let watched = format!("it has arrived and is watched until {}", number::moment(scene.now(), until));
    if let Some(back) = Quarantine::of(&scene.model.actions, rollout).put_back() {
        return format!(
            "{watched}; {}: what was left is nothing to hold it against, so nothing is judged",
            back.said()
        );
    }
    match scene.model.watched.get(&rollout.id) {
        Some(compared) => format!("{watched}, {}", words::watched(&compared.judgement, &compared.against)),
        None => format!("{watched}; what ran before it was not measured, so nothing is judged"),
    }
}

/// The counts of what is watched beside what ran before it, and what makes them say less.
fn before_and_after(scene: &Scene<'_>, id: &ObjectId, width: usize) -> Vec<Line> {
    let Some(compared) = scene.model.watched.get(id) else { return Vec::new() };
    let judgement = &compared.judgement;
    let mut lines = cautions(judgement, width);
    lines.push(Line::new());
    lines.extend(counts(judgement, ["now", "before"]));
    lines
}

/// What may make it say less than it seems to, and what is missing.
fn cautions(judgement: &Judgement, width: usize) -> Vec<Line> {
    let doubts = judgement.doubts.iter().map(|doubt| ("▲ doubt", Role::Warn, words::doubt(doubt)));
    let missing = judgement.missing.iter().map(|missing| ("? missing", Role::Unknown, words::missing(missing)));
    doubts.chain(missing).flat_map(|(label, role, text)| labelled(label, role, &text, width, 3)).collect()
}

fn counts(judgement: &Judgement, [new, old]: [&'static str; 2]) -> Vec<Line> {
    let row = |name: &'static str, role: Role, tally: Tally| {
        let share = tally.error_share().map_or_else(|| "no data".to_owned(), number::percent);
        Line::of(role, format!(" {name:<10}")).and(
            Role::Text,
            format!("{:>12}{:>14}{share:>12}", number::count(tally.requests), number::count(tally.errors)),
        )
    };
    let mut lines = vec![
        Line::of(Role::Title, format!(" {:<10}{:>12}{:>14}{:>12}", "", "requests", "errors", "share")),
        row(new, Role::Canary, judgement.canary),
        row(old, Role::Stable, judgement.stable),
    ];
    if let Some(Timing { bound, canary, stable, .. }) = &judgement.timing {
        let over = format!("over {}", number::latency(*bound));
        lines.push(Line::of(Role::Title, format!(" {:<10}{:>12}{over:>14}{:>12}", "", "requests", "share")));
        lines.push(row(new, Role::Canary, *canary));
        lines.push(row(old, Role::Stable, *stable));
    }
    lines
}

/// Each stratum with both error shares: the comparison that the verdict makes.
fn strata(judgement: &Judgement) -> String {
    const SHOWN: usize = 4;
    let share = |tally: Tally| tally.error_share().map_or_else(|| "no data".to_owned(), number::percent);
    let one = |(name, Arms { canary, stable }): &(String, Arms)| {
        format!("{name} {} against {}", share(*canary), share(*stable))
    };
    let mut all: Vec<String> = judgement.strata.iter().take(SHOWN).map(one).collect();
    if judgement.strata.len() > SHOWN {
        all.push(format!("and {} more", judgement.strata.len() - SHOWN));
    }
    all.join("; ")
}

fn evidence(scene: &Scene<'_>, judgement: &Judgement, width: usize) -> Vec<Line> {
    let now = scene.now();
    let mut lines = Vec::new();
    let mut add = |label: &str, role: Role, text: String| lines.extend(labelled(label, role, &text, width, 3));
    if let Some(from) = judgement.covers_from {
        add("covers", Role::Text, format!("from {} to now", number::moment(now, from)));
    }
    add("ratio", Role::Text, ratio(judgement.ratio, "errors"));
    if !judgement.strata.is_empty() {
        add("strata", Role::Text, strata(judgement));
    }
    if let Some(timing) = &judgement.timing {
        add("slow", Role::Text, slow(timing));
    }
    let what = if judgement.timing.is_some() { "errors or slow requests" } else { "errors" };
    let both = if judgement.timing.is_some() { "errors and slow requests" } else { "errors" };
    add("harm", Role::Text, bar(judgement.harm, ALPHA_HARM, &format!("more than {TOLERATED} times stable's {what}")));
    add("safety", Role::Text, bar(judgement.safe, ALPHA_SAFE, &format!("less than {REJECTED} times stable's {both}")));
    if let Some(at) = judgement.decided_at {
        add("decided", Role::Text, format!("{}, {} ago", number::clock(at), number::age(age(now, at))));
    }
    if let Some(onset) = judgement.onset {
        add("began", Role::Text, number::clock(onset));
    }
    if let Some(needed) = judgement.events.needed {
        let (seen, needed) = (number::count(judgement.events.seen), number::count(needed));
        // Of all that was measured: the table is of a part of it, where that tells more.
        let since = judgement.begins.map(|at| format!(" since {}", number::clock(at))).unwrap_or_default();
        let said = format!("{seen} errors of both{since}, about {needed} show a doubling");
        add("events", Role::Text, said);
    }
    if let (Some(needed), seen) = (judgement.requests.needed, judgement.requests.seen) {
        let eta = judgement.eta.map(|eta| format!(", about {}", number::moment(now, eta))).unwrap_or_default();
        add(
            "decision",
            Role::Text,
            format!("{} requests of about {} needed{eta}", number::count(seen), number::count(needed)),
        );
    }
    for proven in judgement.written.iter().take(WRITTEN) {
        add("logs", Role::Text, words::written(proven));
    }
    for limit in &judgement.limits {
        add("limit", Role::Text, words::limit(limit));
    }
    for line in judgement.budget.iter().flat_map(words::budget) {
        add(line.about, Role::Text, line.text);
    }
    lines
}

/// `15 times stable's slow requests, between 11 and 22; p99 in (500 ms, 1 s], stable's in (100 ms, 250 ms]`.
fn slow(timing: &Timing) -> String {
    let quantiles = match timing.p99 {
        (Some(canary), Some(stable)) => format!("; p99 {}, stable's {}", between(canary), between(stable)),
        _ => String::new(),
    };
    let slower =
        timing.slower.map(|share| format!("; slower than one of stable {} of the time", number::percent(share)));
    format!("{}{quantiles}{}", ratio(timing.ratio, "slow requests"), slower.unwrap_or_default())
}

/// The bucket that a quantile lies in: an interval, because that is all a histogram knows.
fn between(between: Between) -> String {
    match (between.above, between.at_most) {
        (Some(above), Some(at_most)) => format!("in ({}, {}]", number::latency(above), number::latency(at_most)),
        (None, Some(at_most)) => format!("at most {}", number::latency(at_most)),
        (Some(above), None) => format!("above {}", number::latency(above)),
        (None, None) => "not known".to_owned(),
    }
}

fn ratio(ratio: Ratio, of: &str) -> String {
    match (ratio.estimate, ratio.low, ratio.high) {
        (Some(estimate), Some(low), Some(high)) => {
            let (estimate, low, high) = (number::short(estimate), number::short(low), number::short(high));
            format!("{estimate} times stable's {of}, between {low} and {high}")
        }
        (_, Some(low), None) => format!("above {} times stable's {of}", number::short(low)),
        _ => "cannot be said yet".to_owned(),
    }
}

/// `not reached: e 45, of 100 needed to show more than 1.1 times stable's errors`.
fn bar(evidence: Evidence, alpha: f64, claim: &str) -> String {
    let digits = evidence.log_e / std::f64::consts::LN_10;
    let e = if digits > MOST_DIGITS {
        format!("above 1e{MOST_DIGITS:.0}")
    } else if digits > 4.0 {
        format!("1e{:.0}", digits.floor())
    } else {
        number::short(evidence.log_e.exp())
    };
    let reached = if evidence.log_e >= -alpha.ln() { "reached" } else { "not reached" };
    format!("{reached}: e {e}, of {:.0} needed to show {claim}", 1.0 / alpha)
}
