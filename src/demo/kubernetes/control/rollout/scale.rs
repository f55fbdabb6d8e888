//! How many pods the canary and the stable ReplicaSet should have: a port of Argo's `utils/replicaset/canary.go`, in whole
//! numbers.

use super::super::fenceposts;
use super::super::replica_set::Set;
use super::state::{Canary, CanaryScale, Spec, Status};

/// The ReplicaSets that count, by their part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    /// Of the template that is wanted now.
    pub(super) new: Option<&'a Set>,
    /// Of the last version that was fully promoted.
    pub(super) stable: Option<&'a Set>,
    /// All the others.
    pub(super) others: &'a [Set],
}

impl Parts<'_> {
    /// There is a stable version, and it is another one than the wanted.
    pub(super) fn has_other_stable(&self) -> bool {
        match (self.new, self.stable) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(new), Some(stable)) => new.key != stable.key,
        }
    }

    fn stable_apart(&self) -> Option<&Set> {
        self.stable.filter(|_| self.has_other_stable())
    }
}

/// The weight of the last `setWeight` step at or before the current one.
pub(super) fn current_weight(canary: &Canary, status: &Status) -> i64 {
    if status.abort {
        return 0;
    }
    let index = status.current_step_index.unwrap_or_default();
    if canary.step(index).is_none() {
        return canary.max_weight();
    }
    (0..=index).rev().find_map(|index| canary.step(index)?.set_weight).unwrap_or_default()
}

/// What `setCanaryScale` asks for, where traffic is routed and it is not aborted.
fn canary_scale<'c>(canary: &'c Canary, status: &Status) -> Option<&'c CanaryScale> {
    if !canary.is_routed() || (status.abort && canary.abort_delay().is_some()) {
        return None;
    }
    let index = status.current_step_index.unwrap_or_default();
    canary.step(index)?;
    let scale = (0..=index).rev().find_map(|index| canary.step(index)?.set_canary_scale.as_ref())?;
    (!scale.match_traffic_weight).then_some(scale)
}

/// A count of canary pods given outright, or the weight to count by.
fn replicas_or_weight(canary: &Canary, status: &Status) -> (Option<i64>, i64) {
    if status.promote_full || status.stable_rs.is_empty() || status.is_promoted() {
        return (None, canary.max_weight());
    }
    match canary_scale(canary, status) {
        Some(CanaryScale { replicas: Some(replicas), .. }) => (Some(*replicas), 0),
        Some(CanaryScale { weight: Some(weight), .. }) => (None, *weight),
        _ => (None, current_weight(canary, status)),
    }
}

/// Pods of the canary and of the stable version, in this order, one step towards what the weight asks for.
pub(super) fn wanted(spec: &Spec, canary: &Canary, status: &Status, parts: &Parts<'_>) -> (i64, i64) {
    if canary.is_routed() { routed(spec, canary, status) } else { basic(spec, canary, status, parts) }
}

fn routed(spec: &Spec, canary: &Canary, status: &Status) -> (i64, i64) {
    let (replicas, weight) = replicas_or_weight(canary, status);
    let by_weight = ceil_div(weight * spec.replicas(), canary.max_weight());
    (replicas.unwrap_or(by_weight), spec.replicas())
}

fn basic(spec: &Spec, canary: &Canary, status: &Status, parts: &Parts<'_>) -> (i64, i64) {
    let replicas = spec.replicas();
    let (surge, unavailable) = limits(spec, canary);
    let (_, weight) = replicas_or_weight(canary, status);
    let (mut want_new, mut want_stable) = approximate(replicas, weight, canary.max_weight(), surge);
    let stable = parts.stable_apart();
    if stable.is_none() {
        (want_new, want_stable) = (replicas, 0);
    }
    let mut new_count = parts.new.map_or(0, |set| set.wanted);
    let mut stable_count = stable.map_or(0, |set| set.wanted);
    let others: i64 = parts.others.iter().map(|set| set.wanted).sum();
    let ceiling = replicas + surge;
    let mut room = ceiling - (others + new_count + stable_count);
    if stable_count < want_stable && room > 0 {
        let grown = (stable_count + room).min(want_stable);
        room -= grown - stable_count;
        stable_count = grown;
    }
    if parts.new.is_some() && new_count < want_new && room > 0 {
        new_count = (new_count + room).min(want_new);
    }
    if others > 0 {
        // Older ones go first.
        return (new_count, stable_count);
    }
    let floor = replicas - unavailable;
    let increasing = parts.new.is_none_or(|set| want_new >= set.wanted);
    let standing = counted(parts.new, !increasing) + counted(parts.stable, increasing);
    if standing <= floor {
        return (new_count, stable_count);
    }
    let spare = standing - floor;
    let limit = Limit { ceiling, floor };
    if increasing {
        if let Some(set) = stable {
            stable_count = drained(set, want_stable, spare, stable_count);
            (stable_count, new_count) = limit.apply(Some(set), parts.new, stable_count, new_count);
        }
    } else {
        if let Some(set) = parts.new {
            new_count = drained(set, want_new, spare, new_count);
        }
        (new_count, stable_count) = limit.apply(parts.new, parts.stable, new_count, stable_count);
    }
    (new_count, stable_count)
}

/// `maxSurge` and `maxUnavailable` in pods; both are a quarter by default.
pub(super) fn limits(spec: &Spec, canary: &Canary) -> (i64, i64) {
    let quarter = serde_json::Value::from("25%");
    let replicas = spec.replicas();
    let (surge, unavailable) = fenceposts(
        canary.max_surge.as_ref().or(Some(&quarter)),
        canary.max_unavailable.as_ref().or(Some(&quarter)),
        replicas,
    );
    (surge, unavailable.min(replicas))
}

/// Pods of a ReplicaSet that count when pods are to be taken away.
fn counted(set: Option<&Set>, ignore_availability: bool) -> i64 {
    set.map_or(0, |set| if ignore_availability { set.wanted } else { set.available.min(set.wanted) })
}

fn drained(set: &Set, want: i64, spare: i64, count: i64) -> i64 {
    if set.wanted > want { want.max(set.wanted - spare) } else { count }
}

/// How many pods there may be and how many there must be.
#[derive(Clone, Copy, Debug)]
struct Limit {
    ceiling: i64,
    floor: i64,
}

impl Limit {
    /// Brings two counts within the limits: the one that is drained, and the one that makes up for it.
    fn apply(self, drain: Option<&Set>, adjust: Option<&Set>, mut drain_count: i64, mut count: i64) -> (i64, i64) {
        let Some(adjust) = adjust else { return (drain_count, count) };
        count -= (count + drain_count - self.ceiling).max(0);
        let available = drain.map_or(0, |set| set.available.min(drain_count)) + adjust.available.min(count);
        let given_up = (adjust.available - count).max(0);
        count += given_up.min((self.floor - available).max(0));
        drain_count -= (count + drain_count - self.ceiling).max(0);
        (drain_count, count)
    }
}

/// The counts of canary and stable pods that come nearest to a weight. Between 1 and 99 % neither is without a pod.
fn approximate(replicas: i64, weight: i64, max: i64, surge: i64) -> (i64, i64) {
    if replicas == 0 {
        return (0, 0);
    }
    let ceil = ceil_div(replicas * weight, max);
    let floor = replicas * weight / max;
    let tied = |total: i64| 2 * (total * weight % max) == max;
    let zero_allowed = weight == max || weight == 0 || (replicas == 1 && surge == 0);
    let mut options = Vec::new();
    if ceil < replicas || zero_allowed {
        options.push((ceil, replicas));
    }
    if !tied(replicas) && (floor != 0 || zero_allowed) {
        options.push((floor, replicas));
    }
    if surge > 0 {
        options.push((ceil, replicas + 1));
        if !tied(replicas + 1) && (floor != 0 || zero_allowed) {
            options.push((floor, replicas + 1));
        }
    }
    // |canary / total - weight / max|, over the common denominator of two options.
    let off = |(canary, total): (i64, i64), other: i64| (canary * max - weight * total).abs() * other;
    let mut best = (0, replicas);
    for (at, option) in options.into_iter().enumerate() {
        if at == 0 || off(option, best.1) < off(best, option.1) {
            best = option;
        }
    }
    (best.0, best.1 - best.0)
}

fn ceil_div(number: i64, by: i64) -> i64 {
    (number + by - 1) / by.max(1)
}

/// Are the pods there that the current step asks for, so that it may be passed?
pub(super) fn is_reached(spec: &Spec, canary: &Canary, status: &Status, parts: &Parts<'_>) -> bool {
    let (new, stable) = wanted(spec, canary, status, parts);
    let new_ready = parts.new.is_some_and(|set| set.wanted == new && set.available == new);
    let stable_there = parts.stable.is_some_and(|set| set.wanted == stable && set.running == stable);
    let others_gone = canary.is_routed() || parts.others.iter().all(|set| set.available == 0);
    new_ready && stable_there && others_gone
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::super::kind::Kind;
    use super::super::super::super::store::Key;
    use super::*;

    fn set(name: &str, wanted: i64, available: i64) -> Set {
        Set {
            key: Key::new(Kind::ReplicaSet, "shop", name),
            hash: name.to_owned(),
            revision: 1,
            created: String::new(),
            wanted,
            running: wanted,
            ready: available,
            available,
            deadline: None,
        }
    }

    /// Replicas, weight, surge, unavailable, pods of canary and stable now → wanted next. The examples of Argo's source, and recorded steps.
    #[test]
    fn pods_follow_the_weight_within_surge_and_unavailability() {
        let table = [
            ((10, 10, 1, 1), (0, 10), (1, 9)),
            ((10, 30, 3, 0), (0, 10), (3, 10)),
            ((10, 30, 0, 5), (0, 10), (0, 7)),
            // One more pod in all comes nearer to 5 %: the stable ones stay.
            ((10, 5, 1, 1), (0, 10), (1, 10)),
            ((1, 5, 1, 0), (0, 1), (1, 1)),
            ((1, 95, 1, 0), (0, 1), (1, 1)),
            ((4, 25, 1, 0), (0, 4), (1, 4)),
            ((4, 25, 1, 0), (1, 4), (1, 3)),
        ];
        for ((replicas, weight, surge, unavailable), (new, stable), expected) in table {
            let spec = Spec { replicas: Some(replicas), ..Spec::default() };
            let canary = Canary {
                steps: vec![serde_json::from_value(json!({"setWeight": weight})).unwrap()],
                max_surge: Some(surge.into()),
                max_unavailable: Some(unavailable.into()),
                ..Canary::default()
            };
            let status = Status {
                stable_rs: "stable".to_owned(),
                current_pod_hash: "new".to_owned(),
                current_step_index: Some(0),
                ..Status::default()
            };
            let (new, stable) = (set("new", new, new), set("stable", stable, stable));
            let parts = Parts { new: Some(&new), stable: Some(&stable), others: &[] };
            assert_eq!(
                wanted(&spec, &canary, &status, &parts),
                expected,
                "{replicas} replicas, weight {weight}, surge {surge}, unavailable {unavailable}, {} and {} pods",
                new.wanted,
                stable.wanted
            );
        }
    }

    #[test]
    fn between_one_and_ninety_nine_percent_nobody_is_without_a_pod() {
        for replicas in 2..20 {
            for weight in 1..100 {
                let (canary, stable) = approximate(replicas, weight, 100, 1);
                assert!(canary > 0 && stable > 0, "{replicas} at {weight}: {canary} and {stable}");
                assert!((replicas..=replicas + 1).contains(&(canary + stable)));
            }
        }
    }

    #[test]
    fn a_twelfth_comes_nearest_to_five_percent() {
        assert_eq!(approximate(12, 5, 100, 3), (1, 12));
        assert_eq!(approximate(12, 25, 100, 3), (3, 9));
        assert_eq!(approximate(12, 50, 100, 3), (6, 6));
        assert_eq!(approximate(12, 100, 100, 3), (12, 0));
        assert_eq!(approximate(12, 0, 100, 3), (0, 12));
    }
}
