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
        doubt::Doubt,
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

/// What the limits make of what the tests say (`tests` is their word, with the largest evidence so far), and the sentences of
/// those that changed it.
pub(super) fn held_to(limits: &[(Rule, Standing)], tests: Verdict, evidence: (f64, f64)) -> (Verdict, Vec<String>) {
    if limits.is_empty() {
        return (tests, Vec::new());
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
    let sentences = limits.iter().map(|(rule, standing)| rule::sentence(rule, standing));
    let changed = outcome.by.into_iter().map(|by| by.sentence);
    let changed = changed.filter(|sentence| verdict != Verdict::Go && sentences.clone().any(|own| own == *sentence));
    (verdict, changed.collect())
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

/// What limits and the engine's own analyses say against the verdict without deciding it.
pub(super) fn advice(case: &Case<'_>, limits: &[(Rule, Standing)]) -> Vec<Doubt> {
    let speaks = |(rule, standing): &&(Rule, Standing)| {
        rule.importance == Importance::Advisory && !matches!(standing, Standing::Held { .. })
    };
    let advisory = limits.iter().filter(speaks).map(|(rule, standing)| rule::sentence(rule, standing));
    let analyses = case.analyses.iter().flat_map(|run| {
        let said = analysis::recompute(run).disagreements;
        said.into_iter().map(|text| format!("analysis {}: {text}", run.name))
    });
    advisory.chain(analyses).map(Doubt::Advice).collect()
}
