//! What makes a verdict less than it seems, kept as it goes: the split of the traffic, the pods, the intervals without an arm.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{
        signal::VersionSignals,
        time::{Timestamp, age},
    },
    judge::{
        counts::{Arms, Stratified, Tally, by_interval, newer},
        doubt::{self, Doubt},
        gaps::Arm,
        ratio::Likelihood,
        sequential::LEAST_EVENTS_FOR_GO,
        split::Split,
        stream::Stream,
        verdict::Case,
    },
};

/// So long a process may warm up: caches fill, code is compiled, connections open.
const WARM_UP: std::time::Duration = std::time::Duration::from_mins(5);

/// What doubts rest on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Doubted {
    /// What was declared, of which pairs the split has taken so many.
    declared: Vec<(Timestamp, f64)>,
    split: (usize, Split),
    /// What each of the canary's pods did.
    pods: BTreeMap<String, Arms>,
    without: Without,
    ends: Ends,
}

/// The comparison without one of the canary's pods.
#[derive(Clone, Debug, Default, PartialEq)]
struct Without {
    pod: Option<String>,
    taken: usize,
    seen: Option<Timestamp>,
    likelihood: Likelihood,
}

/// Intervals between the first and the last of both arms, and those that one of the arms lacks: the canary's first.
#[derive(Clone, Debug, Default, PartialEq)]
struct Ends {
    until: Option<Timestamp>,
    of: (usize, usize),
    missing: (usize, usize),
}

impl Doubted {
    /// Takes what ended after `seen`; `all` are the pairs so far.
    pub(super) fn take(&mut self, case: &Case<'_>, all: &[Stratified], seen: Option<Timestamp>) {
        self.ends.take(case, all);
        for part in case.canary.into_iter().flat_map(|canary| &canary.parts) {
            let counts = newer(&part.counts, seen, |counts| counts.to).iter();
            let sum = counts.filter(|counts| counts.from >= case.since).map(Tally::from);
            let sum = sum.fold(Tally::default(), |sum, counts| sum + counts);
            match self.pods.get_mut(&part.pod) {
                Some(arms) => arms.canary = arms.canary + sum,
                // A pod that is known from before this attempt only is none of its pods.
                None if sum == Tally::default() => {}
                None => drop(self.pods.insert(part.pod.clone(), Arms { canary: sum, ..Arms::default() })),
            }
        }
    }

    /// All doubts, the strongest first.
    pub(super) fn doubts(&mut self, case: &Case<'_>, all: &[Stratified], errors: &Stream) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        doubts.extend(self.split(case, all).uneven().map(Doubt::Split));
        doubts.extend(self.one_pod(case, all));
        doubts.extend(doubt::mix_shift(errors.strata(), || errors.ratio()).map(Doubt::Mix));
        doubts.extend(errors.bursts().map(Doubt::Bursts));
        doubts.extend(self.ends.partial());
        if let (Some(first), Some(last)) = (all.first(), all.last()) {
            let ran = age(last.pair.to, case.since.min(first.pair.from));
            if ran < WARM_UP && errors.totals().events() >= LEAST_EVENTS_FOR_GO {
                doubts.push(Doubt::WarmUp(ran));
            }
        }
        doubts
    }

    /// The traffic beside the share that was declared when the interval began; anew where another share was declared.
    fn split(&mut self, case: &Case<'_>, all: &[Stratified]) -> &Split {
        if self.declared != case.declared {
            self.declared = case.declared.to_vec();
            self.split = (0, Split::default());
        }
        let (taken, split) = &mut self.split;
        for Stratified { pair, .. } in all.get(*taken..).unwrap_or_default() {
            // An interval in which the share was changed had two, and the one after it still counts what came before it: a
            // counter at an interval's begin was read a scrape earlier.
            let declared = case.declared.iter().rfind(|(from, _)| *from <= pair.from);
            let before = pair.from - (pair.to - pair.from);
            let changed = case.declared.iter().any(|(from, _)| before < *from && *from < pair.to);
            if let Some((_, share)) = declared.filter(|_| !changed) {
                split.fold(*share, &pair.arms());
            }
        }
        *taken = all.len();
        split
    }

    /// The canary's pods, and whether one of them is out of line.
    fn one_pod(&mut self, case: &Case<'_>, all: &[Stratified]) -> Option<Doubt> {
        let canary = case.canary?;
        let pods: Vec<_> = self.pods.iter().map(|(pod, arms)| (pod.clone(), *arms)).collect();
        doubt::one_pod(&pods, |pod| self.without.ratio(canary, pod, all)).map(Doubt::Pod)
    }
}

impl Without {
    /// The ratio of the canary without this pod; anew where it was another pod before.
    fn ratio(&mut self, canary: &VersionSignals, pod: &str, all: &[Stratified]) -> Option<f64> {
        if self.pod.as_deref() != Some(pod) {
            *self = Self { pod: Some(pod.to_owned()), ..Self::default() };
        }
        let rest = by_interval(canary, true, self.seen, |other| other != pod);
        for Stratified { stratum, pair } in all.get(self.taken..).unwrap_or_default() {
            if let Some(canary) = rest.get(&(pair.from, pair.to, stratum.clone())) {
                self.likelihood.fold(&Arms { canary: *canary, stable: pair.stable });
            }
        }
        self.taken = all.len();
        self.seen = all.last().map(|one| one.pair.to);
        self.likelihood.ratio(1.0).estimate
    }
}

impl Ends {
    fn take(&mut self, case: &Case<'_>, all: &[Stratified]) {
        let (Some(first), Some(last)) = (all.first(), all.last()) else { return };
        let until = self.until;
        let ends = |signals: Option<&VersionSignals>| -> Vec<Timestamp> {
            let counts = newer(signals.map_or(&[], |signals| &signals.counts), until, |counts| counts.to).iter();
            let within = counts.filter(|counts| counts.from >= first.pair.from && counts.to <= last.pair.to);
            within.map(|counts| counts.to).collect()
        };
        let (canary, stable) = (ends(case.canary), ends(case.stable));
        let lacks = |these: &[Timestamp], those: &[Timestamp]| {
            let these: BTreeSet<_> = these.iter().collect();
            those.iter().filter(|at| !these.contains(at)).count()
        };
        self.missing = (self.missing.0 + lacks(&canary, &stable), self.missing.1 + lacks(&stable, &canary));
        self.of = (self.of.0 + stable.len(), self.of.1 + canary.len());
        self.until = Some(last.pair.to);
    }

    fn partial(&self) -> impl Iterator<Item = Doubt> + use<> {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let doubt = move |arm, missing: usize, of: usize| {
            (missing > 0).then(|| Doubt::Partial { arm, missing: count(missing), of: count(of) })
        };
        [doubt(Arm::Canary, self.missing.0, self.of.0), doubt(Arm::Stable, self.missing.1, self.of.1)]
            .into_iter()
            .flatten()
    }
}
