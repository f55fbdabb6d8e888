//! Doubts, and what else it could have been.

use std::fmt;

use super::{
    limit::limit,
    number::{Grouped, Short},
    reason::arithmetic,
};
use crate::judge::{
    doubt::{Doubt, MixShift, OnePod},
    pattern::Proven,
    rivals::Rival,
    split::Uneven,
};

/// A doubt with its numbers: `41 of 57 errors on one pod of 3, payments-x2; without it the ratio is 1.1`.
pub fn doubt(doubt: &Doubt) -> String {
    match doubt {
        Doubt::Split(Uneven { got, declared }) => {
            format!("traffic share {}, declared {}", Share(*got), Share(*declared))
        }
        Doubt::Pod(one) => pod(one),
        Doubt::Mix(shift) => mix(shift),
        Doubt::Written(proven, 0) => format!("a pattern {}", written(proven)),
        Doubt::Written(proven, more) => format!("a pattern {}, and {more} more", written(proven)),
        Doubt::Bursts(by) => format!("errors come in bursts, evidence is divided by {}", Short(*by)),
        Doubt::Partial { arm, missing, of } => {
            format!("{} of {} intervals without {arm}", Grouped(*missing), Grouped(*of))
        }
        Doubt::WarmUp(age) => format!("the canary has run for {} min, it may still warm up", age.as_secs() / 60),
        Doubt::FewEvents { seen, needed } => {
            format!("{} errors so far, about {} show a doubling", Grouped(*seen), Grouped(*needed))
        }
        Doubt::Limit(advisory) => limit(advisory),
        Doubt::Engine { analysis, says } => format!("analysis {analysis}: {says}"),
        Doubt::Earlier(then) => format!("an earlier attempt of this version was NO-GO: {}", arithmetic(then)),
    }
}

fn pod(OnePod { pod, errors, of, pods, without }: &OnePod) -> String {
    let without = without.map(|ratio| format!("; without it the ratio is {}", Short(ratio)));
    format!("{errors} of {of} errors on one pod of {pods}, {pod}{}", without.unwrap_or_default())
}

/// What is proven of a pattern of log lines: `new in 1.42.0: card vault timeout after <*> ms, 412 lines, 15.9 for each 1,000 requests`.
pub fn written(Proven { version, pattern, only, counted, per_thousand, ratio, .. }: &Proven) -> String {
    let lines = Grouped(counted.canary.errors);
    let rate = match per_thousand {
        Some((canary, stable)) if *only || *stable == 0.0 => format!(", {} for each 1,000 requests", Short(*canary)),
        Some((canary, stable)) => {
            format!(", {} for each 1,000 requests against {} on stable", Short(*canary), Short(*stable))
        }
        None => String::new(),
    };
    if *only {
        return format!("new in {version}: {pattern}, {lines} lines{rate}");
    }
    let bounds = ratio.low.zip(ratio.high).map(|(low, high)| format!(" ({}–{})", Short(low), Short(high)));
    let times = ratio.estimate.map_or_else(|| "more".to_owned(), |ratio| format!("{} times as", Short(ratio)));
    format!("{times} frequent in {version}{}: {pattern}, {lines} lines{rate}", bounds.unwrap_or_default())
}

fn mix(MixShift { stratum, stable, canary, pooled, stratified }: &MixShift) -> String {
    let percent = |share: f64| Short((share * 100.0).round());
    let misleads = match (pooled, stratified) {
        (Some(pooled), Some(stratified)) if (*pooled > 1.0) != (*stratified > 1.0) => {
            format!("; totals say ratio {}, stratum by stratum it is {}", Short(*pooled), Short(*stratified))
        }
        _ => String::new(),
    };
    format!("mix shift: {stratum} {} % → {} %{misleads}", percent(*stable), percent(*canary))
}

/// `what hits both (stable 0.21 % since, 0.2 % before)`.
pub fn rival(rival: &Rival) -> String {
    let kind = rival_kind(rival);
    match rival {
        Rival::Shared { before, since } => {
            format!("{kind} (stable {} % since, {} % before)", Short(since * 100.0), Short(before * 100.0))
        }
        Rival::Mix(strata) => format!("{kind} (alike in {strata} strata)"),
        Rival::Pod(pods) => format!("{kind} (all {pods} alike)"),
    }
}

/// The same without what rules it out.
pub fn rival_kind(rival: &Rival) -> &'static str {
    match rival {
        Rival::Shared { .. } => "what hits both",
        Rival::Mix(_) => "traffic mix",
        Rival::Pod(_) => "one bad pod",
    }
}

/// A share as the configuration has it: `0.02`, `0.10`.
struct Share(f64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0.0 && self.0 < 0.005 { write!(f, "{}", Short(self.0)) } else { write!(f, "{:.2}", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        domain::time::Timestamp,
        judge::{
            counts::{Arms, Tally},
            gaps::Arm,
            ratio::Ratio,
        },
    };

    fn proven(only: bool, stable: u64) -> Proven {
        let tally = |requests, errors| Tally { requests, errors };
        let bounds = if only { (None, None, None) } else { (Some(6.94), Some(2.0), Some(26.3)) };
        Proven {
            version: "1.42.0".to_owned(),
            pattern: "card vault timeout after <*> ms".to_owned(),
            only,
            counted: Arms { canary: tally(25_850, 1_412), stable: tally(77_400, stable) },
            per_thousand: Some((54.6, if only { 0.0 } else { 0.05 })),
            ratio: Ratio { estimate: bounds.0, low: bounds.1, high: bounds.2 },
            first: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_doubt_is_a_sentence_with_its_numbers() {
        let one = |without| OnePod { pod: "pod-1".to_owned(), errors: 41, of: 57, pods: 3, without };
        let mix = |pooled, stratified| MixShift {
            stratum: "US".to_owned(),
            stable: 0.1,
            canary: 0.9,
            pooled: Some(pooled),
            stratified: Some(stratified),
        };
        let table = [
            (Doubt::Split(Uneven { got: 0.02, declared: 0.1 }), "traffic share 0.02, declared 0.10"),
            (Doubt::Split(Uneven { got: 0.0, declared: 0.2 }), "traffic share 0.00, declared 0.20"),
            (Doubt::Pod(one(Some(1.1))), "41 of 57 errors on one pod of 3, pod-1; without it the ratio is 1.1"),
            (Doubt::Pod(one(None)), "41 of 57 errors on one pod of 3, pod-1"),
            (
                Doubt::Mix(mix(0.5, 1.5)),
                "mix shift: US 10 % → 90 %; totals say ratio 0.5, stratum by stratum it is 1.5",
            ),
            (Doubt::Mix(mix(1.4, 1.5)), "mix shift: US 10 % → 90 %"),
            (
                Doubt::Written(Box::new(proven(true, 0)), 0),
                "a pattern new in 1.42.0: card vault timeout after <*> ms, 1,412 lines, 55 for each 1,000 requests",
            ),
            (
                Doubt::Written(Box::new(proven(false, 4)), 2),
                "a pattern 6.9 times as frequent in 1.42.0 (2–26): card vault timeout after <*> ms, 1,412 lines, 55 for \
                 each 1,000 requests against 0.05 on stable, and 2 more",
            ),
            (Doubt::Bursts(3.24), "errors come in bursts, evidence is divided by 3.2"),
            (Doubt::Partial { arm: Arm::Canary, missing: 3, of: 12 }, "3 of 12 intervals without canary"),
            (Doubt::WarmUp(Duration::from_secs(130)), "the canary has run for 2 min, it may still warm up"),
            (Doubt::FewEvents { seen: 4, needed: 1220 }, "4 errors so far, about 1,220 show a doubling"),
            (
                Doubt::Engine { analysis: "errors".to_owned(), says: "the run says Successful".to_owned() },
                "analysis errors: the run says Successful",
            ),
        ];
        for (said, text) in table {
            assert_eq!(doubt(&said), text);
        }
    }

    #[test]
    fn what_is_ruled_out_is_said_with_what_rules_it_out() {
        let table = [
            (Rival::Shared { before: 0.002, since: 0.0021 }, "what hits both (stable 0.21 % since, 0.2 % before)"),
            (Rival::Mix(2), "traffic mix (alike in 2 strata)"),
            (Rival::Pod(3), "one bad pod (all 3 alike)"),
        ];
        for (said, text) in table {
            assert_eq!(rival(&said), text);
        }
    }
}
