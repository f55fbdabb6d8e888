//! What else could it be? Explanations of a canary's trouble that the numbers speak against, each with its numbers.
//!
//! Here lives what canary and stable tell by themselves. What other systems know (flags, deployments, alerts) is not here.

use crate::{
    domain::time::Timestamp,
    judge::{
        counts::{Pair, Stratified, Tally, totals},
        doubt::Doubt,
        verdict::{Case, Judgement},
    },
};

/// Stable that fails at most so many times as often as before has not changed.
const UNCHANGED: f64 = 1.25;
/// Fewer requests of stable, before or after, say nothing.
const LEAST: u64 = 100;

/// Another explanation of a canary's trouble.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rival {
    /// Whatever hits both versions: an upstream, the network, a flag, a change of configuration. Stable would show it.
    Shared {
        /// Stable's failed share before the onset, 0 to 1.
        before: f64,
        /// And since.
        since: f64,
    },
    /// Other callers than stable's: the mix is alike in so many strata.
    Mix(usize),
    /// One bad pod: so many are alike.
    Pod(usize),
}

/// The rivals that are ruled out. Only of a judgement with an onset.
pub(super) fn ruled_out(case: &Case<'_>, all: &[Stratified], judgement: &Judgement) -> Vec<Rival> {
    let Some(onset) = judgement.onset else { return Vec::new() };
    let has = |doubt: fn(&Doubt) -> bool| judgement.doubts.iter().any(doubt);
    let mut out = Vec::new();
    out.extend(shared(&all.iter().map(|one| &one.pair), onset));
    if judgement.strata.len() > 1 && !has(|doubt| matches!(doubt, Doubt::Mix(_))) {
        out.push(Rival::Mix(judgement.strata.len()));
    }
    let parts = case.canary.iter().flat_map(|canary| &canary.parts);
    let mut pods: Vec<&str> = parts.map(|part| part.pod.as_str()).collect();
    pods.sort_unstable();
    pods.dedup();
    if pods.len() > 1 && !has(|doubt| matches!(doubt, Doubt::Pod(_))) {
        out.push(Rival::Pod(pods.len()));
    }
    out
}

fn shared<'a>(pairs: &(impl Iterator<Item = &'a Pair> + Clone), onset: Timestamp) -> Option<Rival> {
    let stable = |since: bool| -> Tally { totals(pairs.clone().filter(|pair| (pair.from >= onset) == since)).1 };
    let (was, is) = (stable(false), stable(true));
    if was.requests < LEAST || is.requests < LEAST {
        return None;
    }
    let (before, since) = (was.error_share()?, is.error_share()?);
    // One error's worth of slack: a share of 0 before must not forbid a single one after.
    let slack = 1.0 / is.requests as f64;
    (since <= before * UNCHANGED + slack).then_some(Rival::Shared { before, since })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::counts::tests::{minute, pair};

    #[test]
    fn what_hits_both_is_ruled_out_only_while_stable_is_as_it_was() {
        let pairs = |after: u64| -> Vec<Pair> {
            (0..20).map(|i| pair(i, (1000, if i < 9 { 2 } else { 31 }, 3000, if i < 9 { 6 } else { after }))).collect()
        };
        let found = shared(&pairs(6).iter(), minute(9)).unwrap();
        assert_eq!(found, Rival::Shared { before: 0.002, since: 0.002 });
        assert_eq!(shared(&pairs(60).iter(), minute(9)), None, "stable got worse too");
        assert_eq!(shared(&pairs(6).iter(), minute(0)), None, "nothing is known of before");
    }
}
