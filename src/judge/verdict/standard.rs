//! What a service is held to, beside the tests: its fixed limits, its error budget, the engine's own analysis.

use std::collections::BTreeMap;

use crate::{
    domain::{
        evidence::Verdict,
        standard::{IfBroken, Importance, Rule, Standard},
        time::Timestamp,
    },
    judge::{
        analysis,
        counts::{Pair, Stratified},
        eprocess::{ALPHA_HARM, ALPHA_SAFE},
        family::{self, Evidence, Member, Rates},
        ratio::Ratio,
        rule::{self, Standing},
        slo::{
            burn::{self, State},
            cost,
            window::whole,
        },
        verdict::{Case, running::covers},
    },
};

/// Where every limit of the service stands.
pub(super) fn limits(case: &Case<'_>) -> Vec<(Rule, Standing)> {
    let rules = case.standard.map(|standard| standard.rules.as_slice()).unwrap_or_default();
    let stand = |rule: &Rule| (rule.clone(), rule::stand(rule, case.canary, &BTreeMap::new(), case.now));
    rules.iter().map(stand).collect()
}

/// What the limits make of a verdict.
pub(super) struct Held {
    /// The verdict with them.
    pub(super) verdict: Verdict,
    /// Those that made it worse than the tests alone, or that join them; a sentence each.
    pub(super) broken: Vec<String>,
    /// Those that speak against it without deciding; a sentence each.
    pub(super) doubts: Vec<String>,
}

/// What the limits make of what the tests say: `tests` is their word, with the largest evidence so far.
pub(super) fn held_to(limits: &[(Rule, Standing)], tests: Verdict, evidence: (f64, f64)) -> Held {
    if limits.is_empty() {
        return Held { verdict: tests, broken: Vec::new(), doubts: Vec::new() };
    }
    let rates = Rates { harm: ALPHA_HARM, safe: ALPHA_SAFE };
    // The tests are one member here: their error rates were kept together before.
    let evidence = match tests {
        Verdict::NoData => Err("no data".to_owned()),
        _ => Ok(Evidence { harm: evidence.0, safe: evidence.1 }),
    };
    let member =
        Member { name: "tests".to_owned(), importance: Importance::Critical, if_broken: IfBroken::default(), evidence };
    let outcome = family::outcome(&[member], limits, rates);
    let verdict = if rank(outcome.verdict) > rank(tests) { outcome.verdict } else { tests };
    let broken = outcome.by.into_iter().filter(|by| by.limit && verdict != Verdict::Go);
    Held {
        verdict,
        broken: broken.map(|by| by.sentence).collect(),
        doubts: outcome.doubts.into_iter().map(|by| by.sentence).collect(),
    }
}

/// The worse the higher.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Go => 0,
        Verdict::Wait => 1,
        Verdict::NoData => 2,
        Verdict::NoGo => 3,
    }
}

/// What the canary costs of the error budget, and which alerts on the budget's burning fire; a sentence each. Nothing where
/// nothing is promised. What it costs is counted from `begin` on, where given.
pub(super) fn budget(case: &Case<'_>, all: &[Stratified], begin: Option<Timestamp>, ratio: &Ratio) -> Vec<String> {
    let Some(Standard { slo: Some(slo), .. }) = case.standard else { return Vec::new() };
    let objective = &slo.requests;
    let all: Vec<Pair> = all.iter().map(|one| one.pair).collect();
    let covered: Vec<Pair> = all.iter().filter(|pair| covers(begin, pair)).copied().collect();
    let counts = whole(&all);
    let cost =
        cost::traffic(objective, &counts).and_then(|period| cost::cost(objective, &covered, ratio, &period, case.now));
    let fires = burn::alerts(objective, &counts, case.now).into_iter().filter(|alert| alert.state == State::Fires);
    std::iter::once(cost::sentence(objective, &cost)).chain(fires.map(|alert| alert.sentence())).collect()
}

/// What the engine's own analyses say that their measurements do not; a sentence each.
pub(super) fn disagreements(case: &Case<'_>) -> impl Iterator<Item = String> {
    case.analyses.iter().flat_map(|run| {
        let said = analysis::recompute(run).disagreements;
        said.into_iter().map(|text| format!("analysis {}: {text}", run.name))
    })
}
