//! Several metrics, one verdict, at the error rates that were stated for the whole.
//!
//! Here lives how tests and limits of several metrics become one answer. Here must not live: the tests themselves.
//!
//! Five tests at 1 % each give a false alarm with up to 5 %. Two principles keep the stated rate:
//! * **Harm, a union** (any metric may say NO-GO): α is split by weights wᵢ that sum to 1, and metric i needs an e-value of
//!   1/(wᵢα). By Ville's inequality that happens, ever, with chance at most wᵢα while i is fine; the sum over i is at most α,
//!   whatever the metrics' dependence. Where one number is wanted it is the weighted mean Σ wᵢeᵢ, itself an e-process; it
//!   reaches 1/α no later than any part of the split does.
//! * **Safety, an intersection** (every deciding metric must be safe): each needs 1/α, unsplit. A false GO needs the test of
//!   *the* unsafe metric to err, and that one alone does so with chance at most α.
//!
//! Sources: Vovk and Wang, *E-values: calibration, combination and applications* (Annals of Statistics 49, 2021): weighted
//! means of e-values under any dependence; Ville's inequality (1939); Berger, *Multiparameter hypothesis testing and
//! acceptance sampling* (Technometrics 24, 1982): intersection–union tests.

use crate::{
    domain::{
        evidence::Verdict,
        standard::{IfBroken, Importance},
    },
    judge::{
        eprocess::log_sum_exp,
        rule::{Limit, Standing},
    },
};

/// The error rates of the family as a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Chance of a false NO-GO by any of the tests, ever. Above 0 and below 1.
    pub harm: f64,
    /// Chance of a false GO, ever. Above 0 and below 1.
    pub safe: f64,
}

/// Evidence about one metric, from an e-process each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Natural logarithm of the largest e-value of harm so far.
    pub harm: f64,
    /// Natural logarithm of the largest e-value of safety so far.
    pub safe: f64,
}

/// One metric that is tested.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name in a sentence: `errors`, `p99`.
    pub name: String,
    /// How much it weighs.
    pub importance: Importance,
    /// What harm to a required metric does.
    pub if_broken: IfBroken,
    /// What is known; `None` where it cannot be told.
    pub evidence: Option<Evidence>,
}

/// What the verdict rests on, or what is doubted.
#[derive(Clone, Debug, PartialEq)]
pub enum By {
    /// The test of the metric with this name.
    Test(String),
    /// A limit.
    Limit(Limit),
    /// Nothing that decides is tested.
    Untested,
}

/// One answer for all metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The word.
    pub verdict: Verdict,
    /// What it rests on: those alone that led to this word.
    pub by: Vec<By>,
    /// What advisory metrics say against it. Never decides.
    pub doubts: Vec<By>,
}

/// Each metric's part of α, in their order. Critical ones weigh twice as much as required ones; advisory ones, which never
/// decide, nothing. Sums to 1, unless nobody decides.
pub fn weights(importances: &[Importance]) -> Vec<f64> {
    let raw = |importance: &Importance| match importance {
        Importance::Critical => 2.0,
        Importance::Required => 1.0,
        Importance::Advisory => 0.0,
    };
    let sum: f64 = importances.iter().map(raw).sum();
    importances.iter().map(|it| if sum > 0.0 { raw(it) / sum } else { 0.0 }).collect()
}

/// Natural logarithm of the e-value that a metric of this weight needs: `ln 1/(wα)`. Infinite for weight 0.
pub fn bar(weight: f64, alpha: f64) -> f64 {
    -(weight * alpha).ln()
}

/// Natural logarithm of the weighted mean of e-values, `ln Σ wᵢeᵢ`, of `(weight, ln e)`. Weights must sum to 1; all e-values
/// must be those of one moment, never each its own largest, for only then is the mean an e-process: 1/α is its bar.
pub fn mean_log_e(members: &[(f64, f64)]) -> f64 {
    log_sum_exp(members.iter().filter(|(weight, _)| *weight > 0.0).map(|(weight, log_e)| weight.ln() + log_e), 1.0)
}

/// What one metric or rule says of the verdict, worst first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Harm,
    Missing,
    NotYet,
    Fine,
}

/// One verdict from tests and limits.
///
/// NO-GO by harm or a broken limit of a critical metric, or of a required one that says so. Else NO DATA where one that decides
/// cannot be told; else WAIT where a required limit is broken or a test has not shown safety; else GO. Without any deciding
/// test there is no GO: a limit that is held is no evidence. Advisory ones go to the doubts.
///
/// Units: natural logarithms of e-values. What it assumes and its sources: see the module.
pub fn outcome(members: &[Member], limits: &[Limit], rates: Rates) -> Outcome {
    let importances: Vec<_> = members.iter().map(|member| member.importance).collect();
    let tests = members
        .iter()
        .zip(weights(&importances))
        .map(|(member, weight)| (of_test(member, weight, rates), member.importance, By::Test(member.name.clone())));
    let ruled = limits.iter().map(|limit| (of_rule(limit), limit.rule.importance, By::Limit(limit.clone())));
    let (advisory, deciding): (Vec<_>, Vec<_>) =
        tests.chain(ruled).partition(|(_, importance, _)| *importance == Importance::Advisory);
    let against = advisory.into_iter().filter(|(says, ..)| matches!(says, Says::Harm | Says::Missing));
    let doubts = against.map(|(_, _, by)| by);
    let tested = members.iter().any(|member| member.importance != Importance::Advisory);
    let those = |wanted: Says| -> Vec<By> {
        deciding.iter().filter(|(says, ..)| *says == wanted).map(|(_, _, by)| by.clone()).collect()
    };
    let (mut verdict, mut by) = (Verdict::Go, those(Says::Fine));
    for (word, says) in [(Verdict::NoGo, Says::Harm), (Verdict::NoData, Says::Missing), (Verdict::Wait, Says::NotYet)] {
        let found = those(says);
        if !found.is_empty() {
            (verdict, by) = (word, found);
            break;
        }
    }
    if verdict == Verdict::Go && !tested {
        verdict = Verdict::NoData;
        by = vec![By::Untested];
    }
    Outcome { verdict, by, doubts: doubts.collect() }
}

/// A required metric that is in trouble: NO-GO, or only no GO.
fn trouble(importance: Importance, if_broken: IfBroken) -> Says {
    match (importance, if_broken) {
        (Importance::Required, IfBroken::Wait) => Says::NotYet,
        _ => Says::Harm,
    }
}

fn of_test(member: &Member, weight: f64, rates: Rates) -> Says {
    let Some(Evidence { harm, safe }) = member.evidence else { return Says::Missing };
    // An advisory metric spends none of α: its doubt is its own test at α.
    let harm_bar = bar(if member.importance == Importance::Advisory { 1.0 } else { weight }, rates.harm);
    if harm >= harm_bar {
        trouble(member.importance, member.if_broken)
    } else if safe >= bar(1.0, rates.safe) {
        Says::Fine
    } else {
        Says::NotYet
    }
}

fn of_rule(Limit { rule, standing }: &Limit) -> Says {
    match standing {
        Standing::Held { .. } => Says::Fine,
        Standing::NoData(_) => Says::Missing,
        Standing::Broken { .. } => trouble(rule.importance, rule.if_broken),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::standard::Rule,
        judge::{rule::tests::rule, slo::Lack},
    };

    const RATES: Rates = Rates { harm: 0.01, safe: 0.05 };

    use Importance::{Advisory, Critical, Required};

    fn member(name: &str, importance: Importance, harm: f64, safe: f64) -> Member {
        let evidence = Some(Evidence { harm: harm.ln(), safe: safe.ln() });
        Member { name: name.to_owned(), importance, if_broken: IfBroken::Wait, evidence }
    }

    /// The names of the tests that it rests on, and nothing else.
    fn tests(by: &[By]) -> Vec<String> {
        let name = |by: &By| match by {
            By::Test(name) => name.clone(),
            other => panic!("{other:?}"),
        };
        by.iter().map(name).collect()
    }

    #[test]
    fn weights_sum_to_one_and_critical_metrics_have_twice_the_part() {
        let table = [
            (vec![Critical, Required, Required], vec![0.5, 0.25, 0.25]),
            (vec![Required, Advisory], vec![1.0, 0.0]),
            (vec![Advisory], vec![0.0]),
            (vec![], vec![]),
        ];
        for (importances, expected) in table {
            assert_eq!(weights(&importances), expected);
        }
    }

    #[test]
    fn harm_needs_more_evidence_the_less_a_metric_weighs_and_safety_needs_it_of_every_one() {
        // Weights 1/2, 1/4, 1/4 at 1 %: 200 for the critical one, 400 for the others; safety 20 each.
        let family = |critical: f64, required: f64| {
            let members = [
                member("errors", Critical, critical, 30.0),
                member("p99", Required, required, 25.0),
                member("p50", Required, 1.0, 21.0),
            ];
            outcome(&members, &[], RATES)
        };
        assert_eq!(family(199.0, 399.0).verdict, Verdict::Go);
        let no_go = family(201.0, 1.0);
        assert_eq!(no_go.verdict, Verdict::NoGo);
        assert_eq!(tests(&no_go.by), ["errors"]);
        let wait = family(1.0, 401.0);
        assert_eq!(wait.verdict, Verdict::Wait, "a required metric only blocks GO");
        assert_eq!(tests(&wait.by), ["p99"]);
        let members = [member("errors", Critical, 1.0, 30.0), member("p99", Required, 1.0, 19.0)];
        let wait = outcome(&members, &[], RATES);
        assert_eq!((wait.verdict, tests(&wait.by)), (Verdict::Wait, vec!["p99".to_owned()]));
    }

    #[test]
    fn every_importance_and_standing_leads_to_the_word_that_is_stated_for_it() {
        let safe = [member("errors", Critical, 1.0, 100.0)];
        let held = || Standing::Held { value: 0.0, violations: 0 };
        let broken = || Standing::Broken { value: 0.5 };
        let none = || Standing::NoData(Lack::Nothing);
        let table = [
            (Critical, IfBroken::Wait, [Verdict::Go, Verdict::NoGo, Verdict::NoData], [0, 0, 0]),
            (Required, IfBroken::Wait, [Verdict::Go, Verdict::Wait, Verdict::NoData], [0, 0, 0]),
            (Required, IfBroken::NoGo, [Verdict::Go, Verdict::NoGo, Verdict::NoData], [0, 0, 0]),
            (Advisory, IfBroken::Wait, [Verdict::Go, Verdict::Go, Verdict::Go], [0, 1, 1]),
        ];
        for (importance, if_broken, verdicts, doubts) in table {
            let limit = |standing| Limit { rule: Rule { if_broken, ..rule(importance) }, standing };
            let outcomes = [held(), broken(), none()].map(|it| outcome(&safe, &[limit(it)], RATES));
            assert_eq!(outcomes.each_ref().map(|it| it.verdict), verdicts, "{importance} {if_broken}");
            assert_eq!(outcomes.each_ref().map(|it| it.doubts.len()), doubts, "{importance} {if_broken}");
        }
    }

    #[test]
    fn harm_outweighs_missing_data_and_missing_data_outweighs_waiting() {
        let missing = Member { evidence: None, ..member("p99", Required, 1.0, 1.0) };
        let waiting = member("p50", Required, 1.0, 1.0);
        let harmful = member("errors", Critical, 1e9, 1.0);
        let all = [waiting.clone(), missing.clone(), harmful];
        let no_go = outcome(&all, &[], RATES);
        assert_eq!((no_go.verdict, tests(&no_go.by)), (Verdict::NoGo, vec!["errors".to_owned()]));
        let no_data = outcome(&[waiting, missing], &[], RATES);
        assert_eq!((no_data.verdict, tests(&no_data.by)), (Verdict::NoData, vec!["p99".to_owned()]));
    }

    #[test]
    fn advisory_metrics_are_doubts_and_spend_none_of_the_error_rate() {
        let members = [member("errors", Critical, 1.0, 30.0), member("cpu", Advisory, 150.0, 1.0)];
        let outcome = outcome(&members, &[], RATES);
        assert_eq!((outcome.verdict, tests(&outcome.by)), (Verdict::Go, vec!["errors".to_owned()]));
        assert_eq!(tests(&outcome.doubts), ["cpu"]);
    }

    #[test]
    fn limits_that_are_held_and_no_test_are_no_evidence() {
        let held = Standing::Held { value: 0.0, violations: 0 };
        for limits in [vec![], vec![Limit { rule: rule(Critical), standing: held }]] {
            let outcome = outcome(&[], &limits, RATES);
            assert_eq!((outcome.verdict, outcome.by), (Verdict::NoData, vec![By::Untested]));
        }
    }

    /// Steele, Lea and Flood's `SplitMix64`: a few lines, seeded, the same everywhere.
    struct Random(u64);

    impl Random {
        fn chance(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// Runs of `looks` intervals in which all five metrics are fine; how many runs had an alarm at any look, by the split, by
    /// the weighted mean, and by five tests that each take all of α. `alike`: so often a metric does what the first one does.
    fn false_alarms(alike: f64, runs: usize, looks: usize, alpha: f64) -> [usize; 3] {
        const FINE: f64 = 0.5;
        const HARMFUL: f64 = 0.75;
        let weights = weights(&[Critical, Required, Required, Required, Required]);
        let mut random = Random(20_260_310);
        let mut alarms = [0; 3];
        for _ in 0..runs {
            let mut logs = [0.0_f64; 5];
            let mut alarmed = [false; 3];
            for _ in 0..looks {
                let first = random.chance() < FINE;
                for (index, log) in logs.iter_mut().enumerate() {
                    let event = if index == 0 || random.chance() < alike { first } else { random.chance() < FINE };
                    *log += if event { (HARMFUL / FINE).ln() } else { ((1.0 - HARMFUL) / (1.0 - FINE)).ln() };
                }
                let pairs: Vec<_> = weights.iter().copied().zip(logs).collect();
                alarmed[0] |= pairs.iter().any(|(weight, log)| *log >= bar(*weight, alpha));
                alarmed[1] |= mean_log_e(&pairs) >= bar(1.0, alpha);
                alarmed[2] |= logs.iter().any(|log| *log >= bar(1.0, alpha));
            }
            for (count, alarmed) in alarms.iter_mut().zip(alarmed) {
                *count += usize::from(alarmed);
            }
        }
        alarms
    }

    #[test]
    fn five_fine_metrics_looked_at_after_every_interval_alarm_as_rarely_as_stated_and_unsplit_ones_do_not() {
        const RUNS: usize = 3000;
        const ALPHA: f64 = 1.0 / 20.0;
        let stated = RUNS / 20;
        for alike in [0.0, 0.5, 1.0] {
            let [split, mean, unsplit] = false_alarms(alike, RUNS, 80, ALPHA);
            assert!(split <= stated && mean <= stated, "{split} and {mean} of {RUNS}, alike {alike}");
            assert!(split <= mean, "the mean is reached no later: {split}, {mean}");
            assert!(alike > 0.5 || unsplit > stated, "{unsplit} of {RUNS} without the split, alike {alike}");
        }
    }

    proptest! {
        #[test]
        fn the_mean_lies_between_its_parts_and_reaches_the_bar_when_a_part_of_the_split_does(
            logs in proptest::collection::vec(-50.0_f64..900.0, 1..8),
        ) {
            let weights = weights(&vec![Required; logs.len()]);
            let pairs: Vec<_> = weights.iter().copied().zip(logs.iter().copied()).collect();
            let mean = mean_log_e(&pairs);
            let (low, high) = logs.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
            prop_assert!(mean >= low - 1e-9 && mean <= high + 1e-9, "{mean} of {logs:?}");
            if pairs.iter().any(|(weight, log)| *log >= bar(*weight, 0.01)) {
                prop_assert!(mean >= bar(1.0, 0.01) - 1e-9);
            }
        }
    }
}
