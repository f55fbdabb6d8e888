//! What a verdict looks at beside its tests: whether errors come in bursts, whether the arms are what they seem to be.

use std::collections::BTreeMap;

use crate::{
    domain::{
        signal::VersionSignals,
        time::{Timestamp, age},
    },
    judge::{
        counts::{Arms, Pair, Stratified, Tally, by_interval},
        doubt::{self, Doubt},
        gaps::{self, Arm},
        ratio::Likelihood,
        sequential::LEAST_EVENTS_FOR_GO,
        split::Split,
        stream::Stream,
        verdict::Case,
    },
};

/// So long a process may warm up: caches fill, code is compiled, connections open.
const WARM_UP: std::time::Duration = std::time::Duration::from_mins(5);

/// Arms that ran the same version, made of stable alone, in order of time; what differs between them is how errors come.
pub(super) fn alike(case: &Case<'_>) -> Vec<Stratified> {
    let Some(stable) = case.stable else { return Vec::new() };
    let mut all = pods(stable);
    all.extend(moments(stable, case.since));
    all.sort_by_key(|one| one.pair.to);
    all
}

/// Stable's pods in two halves, interval by interval. Nothing where pods are not told apart.
fn pods(stable: &VersionSignals) -> Vec<Stratified> {
    let mut pods: Vec<&str> = stable.parts.iter().map(|part| part.pod.as_str()).collect();
    pods.sort_unstable();
    pods.dedup();
    if pods.len() < 2 {
        return Vec::new();
    }
    let half =
        |odd: usize| by_interval(stable, true, |pod| pods.binary_search(&pod).is_ok_and(|index| index % 2 == odd));
    let other = half(1);
    let pair = |((from, to, stratum), canary): ((Timestamp, Timestamp, String), Tally)| {
        let stable = *other.get(&(from, to, stratum.clone()))?;
        Some(Stratified { stratum: format!("pods of {stratum}"), pair: Pair { from, to, canary, stable } })
    };
    half(0).into_iter().filter_map(pair).collect()
}

/// Stable beside itself an interval later, before the release: bursts that hit all of its pods at once. An outage that outlasts
/// an interval hits both and teaches nothing.
fn moments(stable: &VersionSignals, since: Timestamp) -> Vec<Stratified> {
    let mut by_stratum: BTreeMap<String, Vec<(Timestamp, Timestamp, Tally)>> = BTreeMap::new();
    for ((from, to, stratum), tally) in by_interval(stable, !stable.parts.is_empty(), |_| true) {
        if to <= since {
            by_stratum.entry(stratum).or_default().push((from, to, tally));
        }
    }
    let couple = |stratum: &str, two: &[(Timestamp, Timestamp, Tally)]| match *two {
        [(from, between, canary), (begin, to, stable)] if between == begin => {
            let stratum = format!("moments of {stratum}");
            Some(Stratified { stratum, pair: Pair { from, to, canary, stable } })
        }
        _ => None,
    };
    let coupled = by_stratum.iter().flat_map(|(stratum, all)| all.chunks(2).filter_map(|two| couple(stratum, two)));
    coupled.collect()
}

/// Does the canary get nothing although a share of the traffic is declared for it? So it is when of its newest intervals, as many
/// as make a series count as ended, none has a request, and by the declared share they should have had some.
pub(super) fn starves(case: &Case<'_>, all: &[Stratified]) -> bool {
    const LEAST: f64 = 20.0;
    let (Some(last), Some((from, declared))) = (all.last(), case.declared.last()) else { return false };
    let silent = all.iter().rev().take_while(|one| one.pair.canary.requests == 0 && one.pair.from >= *from);
    let (mut requests, mut begin) = (0, last.pair.to);
    for one in silent {
        requests += one.pair.stable.requests;
        begin = one.pair.from;
    }
    age(last.pair.to, begin) >= gaps::LEAST_PATIENCE && requests as f64 * declared >= LEAST
}

/// The strata and what both arms did in them, where there is more than one.
pub(super) fn several(errors: &Stream) -> Vec<(String, Arms)> {
    let all: Vec<_> = errors.strata().map(|(name, arms)| (name.to_owned(), arms)).collect();
    if all.len() > 1 { all } else { Vec::new() }
}

/// All doubts, the strongest first.
pub(super) fn doubts(case: &Case<'_>, all: &[Stratified], errors: &Stream) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    doubts.extend(split(case, all).uneven().map(Doubt::Split));
    doubts.extend(one_pod(case, all));
    doubts.extend(doubt::mix_shift(errors.strata(), errors.ratio()).map(Doubt::Mix));
    doubts.extend(Some(errors.dispersion()).filter(|by| *by > 1.0).map(Doubt::Bursts));
    doubts.extend(partial(case, all));
    if let (Some(first), Some(last)) = (all.first(), all.last()) {
        let ran = age(last.pair.to, case.since.min(first.pair.from));
        if ran < WARM_UP && errors.totals().events() >= LEAST_EVENTS_FOR_GO {
            doubts.push(Doubt::WarmUp(ran));
        }
    }
    doubts
}

/// The traffic beside the share that was declared when the interval began.
fn split(case: &Case<'_>, all: &[Stratified]) -> Split {
    let mut split = Split::default();
    for Stratified { pair, .. } in all {
        // An interval in which the share was changed had two.
        let declared = case.declared.iter().rfind(|(from, _)| *from <= pair.from);
        let changed = case.declared.iter().any(|(from, _)| pair.from < *from && *from < pair.to);
        if let Some((_, share)) = declared.filter(|_| !changed) {
            split.fold(*share, &pair.arms());
        }
    }
    split
}

/// The canary's pods, and whether one of them is out of line.
fn one_pod(case: &Case<'_>, all: &[Stratified]) -> Option<Doubt> {
    let canary = case.canary?;
    let mut pods: BTreeMap<&str, Arms> = BTreeMap::new();
    for part in &canary.parts {
        let counts = part.counts.iter().filter(|counts| counts.from >= case.since);
        let sum = counts.fold(Tally::default(), |sum, counts| {
            sum + Tally { requests: counts.requests, errors: counts.errors.min(counts.requests) }
        });
        let arms = pods.entry(part.pod.as_str()).or_default();
        arms.canary = arms.canary + sum;
    }
    let pods: Vec<_> = pods.into_iter().map(|(pod, arms)| (pod.to_owned(), arms)).collect();
    doubt::one_pod(&pods, |pod| without(canary, pod, all)).map(Doubt::Pod)
}

/// The ratio of the canary without one of its pods.
fn without(canary: &VersionSignals, pod: &str, all: &[Stratified]) -> Option<f64> {
    let rest = by_interval(canary, true, |other| other != pod);
    let mut likelihood = Likelihood::default();
    for Stratified { stratum, pair } in all {
        if let Some(canary) = rest.get(&(pair.from, pair.to, stratum.clone())) {
            likelihood.fold(&Arms { canary: *canary, stable: pair.stable });
        }
    }
    likelihood.ratio(1.0).estimate
}

/// Intervals between the first and the last of both arms that one of them lacks.
fn partial(case: &Case<'_>, all: &[Stratified]) -> Vec<Doubt> {
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return Vec::new() };
    let ends = |signals: Option<&VersionSignals>| -> Vec<Timestamp> {
        let counts = signals.map(|signals| signals.counts.as_slice()).unwrap_or_default();
        let within = counts.iter().filter(|counts| counts.from >= first.pair.from && counts.to <= last.pair.to);
        within.map(|counts| counts.to).collect()
    };
    let (canary, stable) = (ends(case.canary), ends(case.stable));
    let lacks = |arm, these: &[Timestamp], those: &[Timestamp]| {
        let missing = those.iter().filter(|at| !these.contains(at)).count();
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        (missing > 0).then(|| Doubt::Partial { arm, missing: count(missing), of: count(those.len()) })
    };
    [lacks(Arm::Canary, &canary, &stable), lacks(Arm::Stable, &stable, &canary)].into_iter().flatten().collect()
}
