//! Arms that ran the same version, made of stable alone: what differs between them is how errors come.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    domain::{signal::VersionSignals, time::Timestamp},
    judge::counts::{Pair, Stratified, Tally, by_interval},
};

/// Such pairs, in order of time, as they come and until they are learnt from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Alike {
    waiting: VecDeque<Stratified>,
    /// The first moment of a couple in each stratum, until the second is there.
    first: BTreeMap<String, (Timestamp, Timestamp, Tally)>,
}

impl Alike {
    /// Takes what ended after `seen`.
    pub(super) fn take(&mut self, stable: &VersionSignals, since: Timestamp, seen: Option<Timestamp>) {
        let mut new = halves(stable, seen);
        self.moments(stable, since, seen, &mut new);
        new.sort_by_key(|one| one.pair.to);
        self.waiting.extend(new);
    }

    /// The next that ended by then.
    pub(super) fn next_until(&mut self, to: Timestamp) -> Option<Stratified> {
        if self.waiting.front().is_some_and(|one| one.pair.to <= to) { self.waiting.pop_front() } else { None }
    }

    /// Gives back what was set aside for those that were learnt from: a day of them comes at once.
    pub(super) fn shrink(&mut self) {
        self.waiting.shrink_to_fit();
    }

    /// Stable beside itself an interval later, before the release: bursts that hit all of its pods at once. An outage that
    /// outlasts an interval hits both and teaches nothing.
    fn moments(
        &mut self,
        stable: &VersionSignals,
        since: Timestamp,
        seen: Option<Timestamp>,
        new: &mut Vec<Stratified>,
    ) {
        let mut by_stratum: BTreeMap<String, Vec<(Timestamp, Timestamp, Tally)>> = BTreeMap::new();
        for ((from, to, stratum), tally) in by_interval(stable, !stable.parts.is_empty(), seen, |_| true) {
            if to <= since {
                by_stratum.entry(stratum).or_default().push((from, to, tally));
            }
        }
        for (stratum, moments) in by_stratum {
            let mut first = self.first.remove(&stratum);
            for moment in moments {
                let Some((from, between, canary)) = first.take() else {
                    first = Some(moment);
                    continue;
                };
                let (begin, to, stable) = moment;
                if between == begin {
                    let stratum = format!("moments of {stratum}");
                    new.push(Stratified { stratum, pair: Pair { from, to, canary, stable } });
                }
            }
            self.first.extend(first.map(|first| (stratum, first)));
        }
    }
}

/// The pods of a version, in order.
pub(super) fn pods(signals: &VersionSignals) -> Vec<&str> {
    let mut pods: Vec<&str> = signals.parts.iter().map(|part| part.pod.as_str()).collect();
    pods.sort_unstable();
    pods.dedup();
    pods
}

/// Stable's pods in two halves, interval by interval. Nothing where pods are not told apart.
fn halves(stable: &VersionSignals, seen: Option<Timestamp>) -> Vec<Stratified> {
    let pods = pods(stable);
    if pods.len() < 2 {
        return Vec::new();
    }
    let half = |odd: usize| {
        by_interval(stable, true, seen, |pod| pods.binary_search(&pod).is_ok_and(|index| index % 2 == odd))
    };
    let other = half(1);
    let pair = |((from, to, stratum), canary): ((Timestamp, Timestamp, String), Tally)| {
        let stable = *other.get(&(from, to, stratum.clone()))?;
        Some(Stratified { stratum: format!("pods of {stratum}"), pair: Pair { from, to, canary, stable } })
    };
    half(0).into_iter().filter_map(pair).collect()
}
