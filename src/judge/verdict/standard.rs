//! What a service is held to, beside the tests: its fixed limits, its error budget, the engine's own analysis.

use std::collections::BTreeMap;

use crate::{
    domain::{
        evidence::Verdict,
        standard::{IfBroken, Importance, Rule},
        time::Timestamp,
    },
    judge::{
        analysis,
        counts::{Pair, Stratified},
        doubt::Doubt,
        eprocess::{ALPHA_HARM, ALPHA_SAFE},
        family::{self, By, Evidence, Member, Rates},
        ratio::Ratio,
        rule::{self, Limit},
        slo::{
            Budget,
            burn::{self, State},
            cost,
            window::whole,
        },
        verdict::{Case, running::covers},
    },
};

/// Where every limit of the service stands.
pub(super) fn limits(case: &Case<'_>) -> Vec<Limit> {
    let rules = case.standard.map(|standard| standard.rules.as_slice()).unwrap_or_default();
    let stand = |rule: &Rule| Limit {
        rule: rule.clone(),
        standing: rule::stand(rule, case.canary, &BTreeMap::new(), case.now),
    };
    rules.iter().map(stand).collect()
}

/// What the limits make of a verdict.
pub(super) struct Held {
    /// The verdict with them.
    pub(super) verdict: Verdict,
    /// Those that made it worse than the tests alone, or that join them.
    pub(super) broken: Vec<Limit>,
    /// Those that speak against it without deciding.
    pub(super) doubts: Vec<Limit>,
}

/// What the limits make of what the tests say: `tests` is their word, with the largest evidence so far.
pub(super) fn held_to(limits: &[Limit], tests: Verdict, evidence: (f64, f64)) -> Held {
    if limits.is_empty() {
        return Held { verdict: tests, broken: Vec::new(), doubts: Vec::new() };
    }
    let rates = Rates { harm: ALPHA_HARM, safe: ALPHA_SAFE };
    // The tests are one member here: their error rates were kept together before.
    let evidence = match tests {
        Verdict::NoData => None,
        _ => Some(Evidence { harm: evidence.0, safe: evidence.1 }),
    };
    let member =
        Member { name: "tests".to_owned(), importance: Importance::Critical, if_broken: IfBroken::default(), evidence };
    let outcome = family::outcome(&[member], limits, rates);
    let verdict = if outcome.verdict.severity() > tests.severity() { outcome.verdict } else { tests };
    let ruled = |by: Vec<By>| -> Vec<Limit> {
        let limit = |by| match by {
            By::Limit(limit) => Some(limit),
            By::Test(_) | By::Untested => None,
        };
        by.into_iter().filter_map(limit).collect()
    };
    let broken = if verdict == Verdict::Go { Vec::new() } else { ruled(outcome.by) };
    Held { verdict, broken, doubts: ruled(outcome.doubts) }
}

/// What the canary costs of the error budget, and which alerts on the budget's burning fire; `None` where nothing is promised.
/// What it costs is counted from `begin` on, where given.
pub(super) fn budget(case: &Case<'_>, all: &[Stratified], begin: Option<Timestamp>, ratio: &Ratio) -> Option<Budget> {
    let objective = case.standard?.slo?.requests;
    let all: Vec<Pair> = all.iter().map(|one| one.pair).collect();
    let covered: Vec<Pair> = all.iter().filter(|pair| covers(begin, pair)).copied().collect();
    let counts = whole(&all);
    let cost = cost::traffic(&objective, &counts)
        .and_then(|period| cost::cost(&objective, &covered, ratio, &period, case.now));
    let fires = burn::alerts(&objective, &counts, case.now).into_iter().filter(|alert| alert.state == State::Fires);
    Some(Budget { objective, cost, fires: fires.collect() })
}

/// What the engine's own analyses say that their measurements do not.
pub(super) fn disagreements(case: &Case<'_>) -> impl Iterator<Item = Doubt> {
    case.analyses.iter().flat_map(|run| {
        let said = analysis::recompute(run).disagreements;
        said.into_iter().map(|says| Doubt::Engine { analysis: run.name.clone(), says })
    })
}
