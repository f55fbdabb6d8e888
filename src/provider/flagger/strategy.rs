//! The way of a new version, as steps: from the weights or the iterations of its analysis, with the places where it waits to be
//! confirmed. Flagger has no steps of its own; `scheduler.go` (`nextStepWeight`, `runAB`, `runBlueGreen`) says where it goes.

use super::{
    api::{Analysis, Canary, Word},
    gate::Confirms,
};
use crate::domain::rollout::{Step, StepKind, Strategy};

/// What "everything" is.
pub(super) const PERCENT: u32 = 100;
/// Where there are more iterations than this they are one step.
const MOST_STEPS: i64 = 50;

/// How versions are exchanged.
pub(super) fn strategy(canary: &Canary) -> Strategy {
    match canary.iterations() {
        Some(_) if !canary.is_by_match() => Strategy::BlueGreen,
        _ => Strategy::Canary,
    }
}

/// The steps and the one that runs, which is none while nothing is on its way.
pub(super) fn steps(canary: &Canary) -> (Vec<Step>, Option<usize>) {
    let Some(analysis) = canary.analysis() else { return (Vec::new(), None) };
    let plain = |label: String, kind| Step { label, kind };
    let waits = |confirms: Confirms| {
        let asked = canary.webhooks(confirms.hook()).next().is_some();
        asked.then(|| plain(confirms.hook().to_owned(), StepKind::Pause(None)))
    };
    let start = plain("start".to_owned(), StepKind::Other);
    let before: Vec<Step> = waits(Confirms::Start).into_iter().chain([start]).collect();
    let middle = match canary.iterations() {
        Some(all) if all > MOST_STEPS => vec![plain(format!("{all} iterations"), StepKind::Analysis)],
        Some(all) => (1..=all).map(|at| plain(format!("iteration {at}"), StepKind::Analysis)).collect(),
        None => {
            weights(analysis).into_iter().map(|it| plain(format!("weight {it}"), StepKind::SetWeight(it))).collect()
        }
    };
    let switch = strategy(canary) == Strategy::BlueGreen && !canary.is_unrouted();
    let switch = switch.then(|| plain("all traffic to the canary".to_owned(), StepKind::SetWeight(PERCENT)));
    let promotion = plain("promotion".to_owned(), StepKind::Other);
    let confirmed = waits(Confirms::Promotion);
    let (first, asks) = (before.len(), usize::from(confirmed.is_some()));
    let promoting = first + middle.len() + asks + usize::from(switch.is_some());
    let measured = middle.len();
    let all: Vec<Step> = before.into_iter().chain(middle).chain(confirmed).chain(switch).chain([promotion]).collect();
    let at = match canary.word() {
        Some(Word::Waiting) => Some(0),
        Some(Word::Progressing) => Some(first - 1 + reached(canary, analysis, measured, asks)),
        Some(Word::WaitingPromotion) => Some(first + measured),
        Some(Word::Promoting | Word::Finalising) => Some(promoting),
        _ => None,
    };
    (all, at)
}

/// How many of the measuring steps were begun.
fn reached(canary: &Canary, analysis: &Analysis, measured: usize, asks: usize) -> usize {
    let count = |number: i64| usize::try_from(number).unwrap_or_default();
    match canary.iterations() {
        Some(all) if all > MOST_STEPS => usize::from(canary.status.iterations > 0),
        // Once all are through, the traffic is switched, which is the step behind the confirmation.
        Some(all) if canary.status.iterations > all => measured + asks + 1,
        Some(_) => count(canary.status.iterations).min(measured),
        None => {
            let weight = u32::try_from(canary.status.canary_weight).unwrap_or_default();
            weights(analysis).iter().filter(|step| **step <= weight).count()
        }
    }
}

/// The shares that the canary gets, one after the other; none where the analysis names none, and then it never gets any.
pub(super) fn weights(analysis: &Analysis) -> Vec<u32> {
    let percent = |weight: i64| u32::try_from(weight.clamp(0, i64::from(PERCENT))).unwrap_or_default();
    if analysis.step_weight <= 0 {
        return analysis.step_weights.iter().map(|weight| percent(*weight)).collect();
    }
    let most = match analysis.step_weights.last() {
        Some(last) => percent(*last),
        None if analysis.max_weight > 0 => percent(analysis.max_weight),
        None => PERCENT,
    };
    let step = percent(analysis.step_weight).max(1);
    let mut all = Vec::new();
    let mut weight = 0;
    while weight < most {
        weight = (weight + step).min(PERCENT);
        all.push(weight);
    }
    all
}

/// How many looks of the controller a new version takes at least, until it is promoted.
pub(super) fn looks(canary: &Canary) -> u32 {
    // One to notice it, and those that promote it: the primary, the traffic, the canary's pods.
    const AROUND: u32 = 5;
    let Some(analysis) = canary.analysis() else { return AROUND };
    let measured = match canary.iterations() {
        Some(all) => u32::try_from(all).unwrap_or(u32::MAX),
        None => u32::try_from(weights(analysis).len()).unwrap_or(u32::MAX),
    };
    measured.saturating_add(AROUND)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn canary(provider: &str, analysis: &Value, status: &Value) -> Canary {
        let spec =
            json!({"provider": provider, "targetRef": {"kind": "Deployment", "name": "web"}, "analysis": analysis});
        serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": spec, "status": status})).unwrap()
    }

    fn told(canary: &Canary) -> (Vec<String>, Option<usize>) {
        let (steps, at) = steps(canary);
        (steps.into_iter().map(|step| step.label).collect(), at)
    }

    #[test]
    fn weights_grow_as_upstream_lets_them_grow() {
        let of = |analysis: Value| weights(&serde_json::from_value(analysis).unwrap());
        assert_eq!(of(json!({"stepWeight": 20, "maxWeight": 50})), [20, 40, 60]);
        assert_eq!(of(json!({"stepWeight": 10, "maxWeight": 30})), [10, 20, 30]);
        assert_eq!(of(json!({"stepWeights": [1, 2, 10, 80]})), [1, 2, 10, 80]);
        assert_eq!(of(json!({"stepWeight": 40})), [40, 80, 100]);
        assert_eq!(of(json!({"maxWeight": 50})), Vec::<u32>::new());
    }

    #[test]
    fn a_weighted_canary_goes_through_its_weights_and_waits_where_it_is_to_be_confirmed() {
        let hook = |kind: &str| json!({"type": kind, "name": "gate", "url": "http://lt.test/gate/check"});
        let analysis = json!({"stepWeight": 25, "maxWeight": 50,
            "webhooks": [hook("confirm-rollout"), hook("confirm-promotion")]});
        let labels =
            ["confirm-rollout", "start", "weight 25", "weight 50", "confirm-promotion", "promotion"].map(str::to_owned);
        let table = [
            (json!({"phase": "Waiting"}), Some(0)),
            (json!({"phase": "Progressing"}), Some(1)),
            (json!({"phase": "Progressing", "canaryWeight": 25}), Some(2)),
            (json!({"phase": "Progressing", "canaryWeight": 50}), Some(3)),
            (json!({"phase": "WaitingPromotion", "iterations": -1}), Some(4)),
            (json!({"phase": "Promoting"}), Some(5)),
            (json!({"phase": "Finalising"}), Some(5)),
            (json!({"phase": "Succeeded"}), None),
        ];
        for (status, at) in table {
            let told = told(&canary("istio", &analysis, &status));
            assert_eq!(told, (labels.to_vec(), at), "{status}");
        }
    }

    #[test]
    fn iterations_are_steps_and_a_blue_green_release_switches_after_them_where_something_can() {
        let analysis = json!({"iterations": 2});
        let at = |provider, iterations: i64| {
            told(&canary(provider, &analysis, &json!({"phase": "Progressing", "iterations": iterations})))
        };
        let labels =
            ["start", "iteration 1", "iteration 2", "all traffic to the canary", "promotion"].map(str::to_owned);
        for (iterations, step) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
            assert_eq!(at("istio", iterations), (labels.to_vec(), Some(step)), "{iterations}");
        }
        let without = ["start", "iteration 1", "iteration 2", "promotion"].map(str::to_owned);
        assert_eq!(at("kubernetes", 3), (without.to_vec(), Some(3)));
        let many = canary("istio", &json!({"iterations": 200}), &json!({"phase": "Progressing", "iterations": 7}));
        let labels = ["start", "200 iterations", "all traffic to the canary", "promotion"].map(str::to_owned);
        assert_eq!(told(&many), (labels.to_vec(), Some(1)));
    }

    #[test]
    fn without_a_router_ten_iterations_are_made_of_none_and_matches_count_for_nothing() {
        let matched = json!({"iterations": 3, "match": [{"headers": {"x": {"exact": "y"}}}]});
        let of = |provider, analysis: &Value| {
            let canary = canary(provider, analysis, &json!({}));
            (strategy(&canary), canary.iterations(), canary.is_by_match())
        };
        assert_eq!(of("istio", &matched), (Strategy::Canary, Some(3), true));
        assert_eq!(of("kubernetes", &matched), (Strategy::BlueGreen, Some(3), false));
        assert_eq!(of("kubernetes", &json!({"stepWeight": 10})), (Strategy::BlueGreen, Some(10), false));
        assert_eq!(of("istio", &json!({"stepWeight": 10})), (Strategy::Canary, None, false));
    }
}
