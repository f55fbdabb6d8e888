//! What the executor says: which facts moved, what was observed, what to check by hand.

use crate::{
    domain::{
        object::{Family, ObjectId},
        verb::{Direction, Verb},
    },
    port::plan::{Condition, Expect, Expectation, Facts, Plan, fact},
};

/// The facts that say which object, and which versions, a plan is about.
const IDENTITY: [&str; 3] = [fact::UID, fact::CANARY, fact::STABLE];

/// How the world differs from what the plan is bound to; `None` when it does not.
pub(super) fn moved(plan: &Plan, now: &Facts) -> Option<String> {
    differs(&plan.draft.bound, now)
}

/// How the world differs from these facts; `None` when it does not.
pub(super) fn differs(bound: &Facts, now: &Facts) -> Option<String> {
    differences(bound.iter().filter(|(name, was)| now.get(*name) != Some(was)), now)
}

/// Which of the conditions of a step do not hold: `1 of 2 approvals`. `None` when all do.
pub(super) fn unmet(when: &[Expect], now: &Facts) -> Option<String> {
    let is = |expect: &Expect| {
        let (name, value) = (&expect.fact, now.get(&expect.fact).map_or("unknown", String::as_str));
        match &expect.condition {
            Condition::AtLeast(least) => format!("{value} of {least} {name}"),
            _ => format!("{name} is {value}, and not {expect}"),
        }
    };
    let each: Vec<String> = when.iter().filter(|expect| !expect.holds(now)).map(is).collect();
    (!each.is_empty()).then(|| each.join(", "))
}

/// Between the calls of one plan its own effect may show: only a change of identity that the plan does not expect counts.
pub(super) fn became_another(plan: &Plan, now: &Facts) -> Option<String> {
    let expected = |name: &str| plan.draft.expect.all.iter().any(|expect| expect.fact == name && expect.holds(now));
    let other = plan
        .draft
        .bound
        .iter()
        .filter(|(name, was)| IDENTITY.contains(&name.as_str()) && now.get(*name) != Some(was) && !expected(name));
    differences(other, now)
}

/// Is the world different from what a plan that goes back is bound to, and only in what that plan wants?
pub(super) fn is_going_back_already(plan: &Plan, now: &Facts) -> bool {
    let differs = || moved(plan, now).is_some() && became_another(plan, now).is_none();
    plan.verb.direction() == Direction::Back && differs()
}

/// How the object, or the version in its spec, is another one than the plan is about; `None` when it is not, or when the plan
/// makes it so. What is observed of another one proves nothing: a new version begins at its first step, and is not aborted.
pub(super) fn replaced(plan: &Plan, now: &Facts) -> Option<String> {
    let expected = |name: &str| plan.draft.expect.all.iter().any(|expect| expect.fact == name && expect.holds(now));
    // A restart may be a new template, and so a new hash; its time tells it from every other.
    let by_itself = |name: &str| name == fact::CANARY && (plan.verb == Verb::Restart || expected(name));
    let about = |name: &str| [fact::UID, fact::CANARY].contains(&name) && !by_itself(name);
    differences(plan.draft.bound.iter().filter(|(name, was)| about(name.as_str()) && now.get(*name) != Some(was)), now)
}

fn differences<'a>(changed: impl Iterator<Item = (&'a String, &'a String)>, now: &Facts) -> Option<String> {
    let each: Vec<String> =
        changed.map(|(name, was)| format!("{name} {was} → {}", now.get(name).map_or("gone", String::as_str))).collect();
    (!each.is_empty()).then(|| format!("moved: {}", each.join(", ")))
}

/// What was expected and has been observed.
pub(super) fn observed(expect: &Expectation) -> String {
    let said = expect.said();
    if said.is_empty() { "verified".to_owned() } else { format!("{said}, verified") }
}

/// That it has not come as far as it should, and stands where a human must let it go on.
pub(super) fn resting(expect: &Expectation, target: &ObjectId) -> String {
    let place = expect.rests.last().map(ToString::to_string).unwrap_or_default();
    // What a pipeline waits for is an object of its own, with verbs of its own.
    let on = if let Some(frees) = &expect.frees {
        frees
    } else if [Family::run(), Family::gate()].contains(&target.family) {
        "the inbox has what it waits for"
    } else {
        "promote goes on, promote full leaves out the rest"
    };
    format!("not done yet: {place}; {on}")
}

/// What was expected and is not so.
pub(super) fn pending(all: &[Expect], now: &Facts) -> String {
    let is = |expect: &Expect| {
        let value = now.get(&expect.fact).map_or("not there", String::as_str);
        format!("{expect} (it is {value})")
    };
    let each: Vec<String> = all.iter().filter(|expect| !expect.holds(now)).map(is).collect();
    each.join(", ")
}

/// What a person must check, and how.
pub(super) fn check(plan: &Plan, why: &str) -> String {
    let commands: Vec<&str> = plan.draft.sends().map(|step| step.call.command.as_str()).collect();
    format!("{why}; look at {} before anything is sent again; it was to do: {}", plan.target, commands.join(" && "))
}
