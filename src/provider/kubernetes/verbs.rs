//! What the verbs of all engines here have in common: their risk, what their drafts are bound to, which version a roll back
//! means, and how versions and shares are said.

use crate::{
    domain::{
        offer::Risk,
        rollout::{Arm, Role, Rollout, Weight},
        text::clean,
        verb::{Direction, Verb},
        version::Version,
    },
    port::plan::{Blocked, Condition, Expect, Facts, fact},
};

/// Going forward costs what the environment costs; the way back must stay short, and a hold moves nothing.
pub fn risk(verb: Verb, environment: Risk) -> Risk {
    match (verb, verb.direction()) {
        (Verb::Pause, _) => Risk::Low,
        (_, Direction::Forward) => environment,
        (_, Direction::Back | Direction::Still) => environment.min(Risk::Medium),
    }
}

/// A forward verb is bound to everything on screen, a way back only to the object and the version it takes back: a
/// controller that writes all the time must not be able to block it.
pub fn binding(rollout: &Rollout, direction: Direction) -> Facts {
    let identity = &rollout.identity;
    let mut bound = Facts::from([
        (fact::UID.to_owned(), identity.uid.clone()),
        (fact::CANARY.to_owned(), identity.canary_hash.clone()),
    ]);
    if direction == Direction::Forward {
        bound.insert(fact::STABLE.to_owned(), identity.stable_hash.clone());
        bound.insert(fact::GENERATION.to_owned(), identity.generation.to_string());
        bound.extend(rollout.step.map(|step| (fact::STEP.to_owned(), step.to_string())));
    }
    bound
}

/// The version to put back: the one named, by version, hash or revision number, or the last one known good.
///
/// # Errors
/// When there is no such version, or the spec holds it already.
pub fn target<'a>(rollout: &'a Rollout, to: Option<&str>) -> Result<&'a Arm, Blocked> {
    let current = &rollout.identity.canary_hash;
    let found = to.map_or_else(|| rollout.way_back(), |name| rollout.arm_called(name));
    match (found, to) {
        (Some(arm), _) if arm.hash == *current => Err(Blocked(format!("the spec holds {} already", arm.called()))),
        (Some(arm), _) => Ok(arm),
        (None, Some(name)) => Err(Blocked(format!("'{}' is not in its history: {}", clean(name), rollout.history()))),
        (None, None) => Err(Blocked(rollout.no_way_back())),
    }
}

/// Expects that pods of the version that the spec holds are ready: no pods are no proof of anything, but where none are
/// asked for none can come.
pub fn serves(rollout: &Rollout) -> Expect {
    at_least(fact::UPDATED_READY, i64::from(rollout.replicas.min(1)))
}

/// That a version runs everywhere, as it is observed: `12 of 12 pods on 1.41.3`.
pub fn everywhere(rollout: &Rollout, arm: &Arm) -> String {
    if rollout.replicas == 0 {
        return format!("the spec holds {}; 0 pods are asked for", arm.called());
    }
    let pods = if rollout.replicas == 1 { "pod" } else { "pods" };
    format!("{0} of {0} {pods} on {1}", rollout.replicas, arm.called())
}

/// Expects a number of at most this.
pub fn at_most(name: &str, most: i64) -> Expect {
    Expect { fact: name.to_owned(), condition: Condition::AtMost(most) }
}

/// Expects a number of at least this.
fn at_least(name: &str, least: i64) -> Expect {
    Expect { fact: name.to_owned(), condition: Condition::AtLeast(least) }
}

/// That a version to go back to does not run as it would have to, where it does not: its pods must come up first.
pub fn must_come_up(rollout: &Rollout, arm: &Arm) -> Option<String> {
    let Some(pods) = arm.pods else {
        return Some(format!("whether any pod of {} runs is not known", arm.called()));
    };
    let (ready, wanted) = (pods.ready, rollout.replicas);
    match ready {
        _ if ready >= wanted => None,
        0 => Some(format!("{} runs no pods now: they must come up before it can take the traffic", arm.called())),
        _ if ready * 2 < wanted => {
            Some(format!("only {ready} of {wanted} pods of {} run now: the others must come up first", arm.called()))
        }
        _ => None,
    }
}

/// What the spec holds, in a sentence.
pub fn canary(rollout: &Rollout) -> String {
    named(rollout.canary.as_ref(), rollout.side(Role::Canary))
}

/// What ran before, in a sentence.
pub fn stable(rollout: &Rollout) -> String {
    named(rollout.stable.as_ref(), rollout.side(Role::Stable))
}

fn named(version: Option<&Version>, arm: Option<&Arm>) -> String {
    let unknown = || arm.map_or_else(|| "an unknown version".to_owned(), Arm::called);
    version.map_or_else(unknown, ToString::to_string)
}

/// `25 %`, or `250 of 1000` where the traffic router counts otherwise.
pub fn share(part: u32, of: Weight) -> String {
    match of.max {
        100 => format!("{part} %"),
        max => format!("{part} of {max}"),
    }
}

/// The share that was reached, in a sentence.
pub fn share_now(weight: Weight) -> String {
    weight.actual.known().map_or_else(|| "an unknown share".to_owned(), |part| share(part, weight))
}

/// How a part of so many is written as a share of this maximum, rounded down.
pub fn share_of(part: u32, whole: u32, max: u32) -> u32 {
    let share = u64::from(part) * u64::from(max) / u64::from(whole.max(1));
    u32::try_from(share).unwrap_or(max).min(max)
}
