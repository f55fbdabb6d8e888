//! Where a canary is, in our words, and what is to be known about that in a sentence: Flagger's own words are few.

use super::{
    api::{Canary, Word},
    ask,
    gate::{self, Confirms, Gate},
    sides::{Sides, Standing},
};
use crate::{
    domain::{
        rollout::{Pause, PauseReason, Phase},
        text::clean,
    },
    provider::kubernetes::facade::View,
};

/// The phase and what goes with it.
pub(super) fn phase(view: &View<'_, Canary>, sides: &Sides<'_>) -> (Phase, String) {
    let canary = view.object;
    let (phase, said) = match sides.standing {
        Standing::Unknown if !canary.is_taken_up() => {
            (Phase::Unknown, "no controller has taken it up: nothing that is asked of it happens".to_owned())
        }
        Standing::Unknown => {
            let word = clean(&canary.status.phase);
            (Phase::Unknown, format!("Flagger says '{word}', which holdshort does not know"))
        }
        Standing::First => (Phase::Progressing, "Flagger makes the primary; until then its target serves".to_owned()),
        Standing::Ends if canary.word() == Some(Word::Terminated) => {
            (Phase::Unknown, "Flagger has let go of it: nothing moves it any more".to_owned())
        }
        Standing::Ends => (Phase::Progressing, "it is deleted; its target gets its pods back".to_owned()),
        Standing::Rests => resting(canary, sides),
        Standing::Asked => (Phase::Progressing, format!("Flagger has not taken the new version up; {}", next(canary))),
        Standing::Back => (Phase::Aborted, failed(view)),
        Standing::Stranded => (Phase::Degraded, stranded(canary)),
        Standing::Moves => moving(view, sides),
    };
    if canary.spec.suspend && matches!(phase, Phase::Progressing | Phase::Paused | Phase::Healthy) {
        let stands = "a person has suspended it: Flagger neither measures nor takes back, and no version begins";
        return (Phase::Paused, if said.is_empty() { stands.to_owned() } else { format!("{stands}; {said}") });
    }
    (phase, said)
}

/// `takes effect within 60 s`: everything waits for the controller's next look.
pub(super) fn next(canary: &Canary) -> String {
    format!("takes effect within {} s", canary.interval().as_secs())
}

fn resting(canary: &Canary, sides: &Sides<'_>) -> (Phase, String) {
    let (name, primary) = (clean(&canary.spec.target_ref.name), clean(&canary.primary()));
    let serves = sides.primary.as_ref();
    let down = serves.filter(|side| side.replicas() > 0 && side.deployment.status.available_replicas == 0);
    if let Some(side) = down {
        return (Phase::Degraded, format!("0 of {} pods of {primary} are available", side.replicas()));
    }
    let idle = sides.target.as_ref().is_some_and(|target| target.replicas() == 0);
    let rest = idle.then(|| format!("{name} has 0 pods, as it must at rest: {primary} serves"));
    let put_back = (canary.word() == Some(Word::Failed) && sides.hold_the_same())
        .then(|| format!("the version that failed was put back: {name} holds what serves"));
    let said = put_back.into_iter().chain(rest).collect::<Vec<_>>().join("; ");
    (Phase::Healthy, said)
}

/// The last word of the controller about why.
fn why(view: &View<'_, Canary>) -> Option<String> {
    const TELLING: [&str; 4] = ["Rolling back", "Promotion of", "Halt", "Canary failed"];
    let tells = |message: &str| TELLING.iter().any(|start| message.starts_with(start));
    let warnings = view.extras.events.iter().filter(|event| event.warning);
    let mut telling = warnings.filter(|event| tells(&event.message) && !event.message.starts_with("Canary failed"));
    telling.next().map(|event| event.message.clone())
}

fn failed(view: &View<'_, Canary>) -> String {
    // Flagger's events are aggregated and dropped: no word is no reason.
    let why = why(view).unwrap_or_else(|| "no event of Flagger's tells why".to_owned());
    format!("Flagger has taken it back and its target still holds it: {why}")
}

fn stranded(canary: &Canary) -> String {
    let (name, primary) = (clean(&canary.spec.target_ref.name), clean(&canary.primary()));
    format!(
        "its promotion failed, for {primary} did not become ready: users are on the new version, by the pods of {name}"
    )
}

fn moving(view: &View<'_, Canary>, sides: &Sides<'_>) -> (Phase, String) {
    let canary = view.object;
    let checks = checks(canary).map(|checks| format!("; {checks}")).unwrap_or_default();
    let gate = waits_at(view);
    let waits = |what: &str| {
        let gate = if gate_is(view, Gate::Confirm, ask::OPEN) { ": its gate is open" } else { "" };
        (Phase::Paused, format!("{what} waits to be confirmed{gate}{checks}; {}", next(canary)))
    };
    let by_match = if canary.is_by_match() { "; only requests that match go to the canary" } else { "" };
    match (canary.word(), gate) {
        (Some(Word::Waiting), _) if sides.hold_the_same() => {
            (Phase::Paused, format!("the start of what serves already waits to be confirmed; {}", next(canary)))
        }
        (_, Some(Confirms::Start)) => waits("its start"),
        (_, Some(Confirms::Promotion)) => waits("its promotion"),
        (_, Some(Confirms::Increase)) => waits("its next share of traffic"),
        (Some(Word::Promoting), None) => {
            (Phase::Progressing, format!("{} gets the new version; no way back until that is done", canary.primary()))
        }
        (Some(Word::Finalising), None) => {
            (Phase::Progressing, "all traffic is on the primary; the canary's pods go".to_owned())
        }
        _ if no_steps(canary) => {
            let why = "its analysis names neither weights nor iterations: it never gets past its start";
            (Phase::Degraded, why.to_owned())
        }
        _ => (Phase::Progressing, format!("Flagger looks every {} s{checks}{by_match}", canary.interval().as_secs())),
    }
}

fn no_steps(canary: &Canary) -> bool {
    let weights = canary.analysis().map(super::strategy::weights).unwrap_or_default();
    canary.iterations().is_none() && weights.is_empty() && !canary.skips()
}

/// `2 of 5 failed checks`, where any failed.
pub(super) fn checks(canary: &Canary) -> Option<String> {
    let failed = canary.status.failed_checks;
    (failed > 0).then(|| format!("{failed} of {} failed checks that take it back", canary.threshold()))
}

/// What it waits to be confirmed, where it does. That its next share waits stands in no status: the controller's newest word says
/// so.
pub(super) fn waits_at(view: &View<'_, Canary>) -> Option<Confirms> {
    let canary = view.object;
    match canary.word()? {
        Word::Waiting => Some(Confirms::Start),
        Word::WaitingPromotion => Some(Confirms::Promotion),
        Word::Progressing if canary.webhooks(Confirms::Increase.hook()).next().is_some() => {
            let moves = |message: &str| {
                ["Advance", "Starting canary", "New revision", "Halt"].iter().any(|start| message.starts_with(start))
            };
            let newest = view.extras.events.iter().find(|event| moves(&event.message))?;
            newest.message.contains("waiting for traffic increase approval").then_some(Confirms::Increase)
        }
        _ => None,
    }
}

/// The pause in force.
pub(super) fn pause(view: &View<'_, Canary>) -> Option<Pause> {
    let canary = view.object;
    let by = |reason, since| Some(Pause { reason, since, until: None });
    if canary.spec.suspend {
        return by(PauseReason::Person, None);
    }
    waits_at(view)
        .and_then(|_| by(PauseReason::Step, canary.since().filter(|_| canary.word() != Some(Word::Progressing))))
}

/// Is a gate known to be this?
pub(super) fn gate_is(view: &View<'_, Canary>, gate: Gate, state: &str) -> bool {
    matches!(view.extras.told.get(ask::name(gate)), Some(Ok(said)) if said == state)
}

/// What is wrong with its gates: one that stands open lets the next version through, or takes it back at once.
pub(super) fn warnings(view: &View<'_, Canary>, sides: &Sides<'_>) -> Vec<String> {
    let canary = view.object;
    let rests = !sides.moves();
    let open = |gate| gate_is(view, gate, ask::OPEN) && gate::of(canary, gate).is_some();
    let confirm = (rests && open(Gate::Confirm))
        .then(|| "its gate stands open: the next version passes unconfirmed; reject closes it".to_owned());
    let rollback = open(Gate::Rollback)
        .then(|| "its rollback gate stands open: every version is taken back as soon as it begins".to_owned());
    confirm.into_iter().chain(rollback).collect()
}
