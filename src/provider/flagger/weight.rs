//! The share of users that is on the version on its way: what the router sends to the canary, and what of the rest goes to pods of
//! the primary that run it already. Never 0 because a status says 0, and never invented where nothing splits by weight.

use super::{
    api::{Canary, Word},
    ask,
    sides::{Sides, Standing},
    strategy::{PERCENT, weights},
};
use crate::{
    domain::rollout::{Share, Weight},
    provider::kubernetes::{facade::View, verbs::share_of},
};

/// The share that is asked for, and the share that was reached.
pub(super) fn weight(view: &View<'_, Canary>, sides: &Sides<'_>) -> Weight {
    let of = |declared, actual| Weight { declared, actual, max: PERCENT };
    match sides.standing {
        Standing::Unknown | Standing::Ends => of(0, Share::Unknown),
        Standing::First => of(PERCENT, by_target(sides)),
        Standing::Rests => of(PERCENT, serving(sides)),
        // Flagger has not begun with it, or has routed it all back.
        Standing::Asked | Standing::Back => of(0, Share::Told(routed(view).unwrap_or(0))),
        Standing::Stranded => of(PERCENT, Share::Told(routed(view).unwrap_or(PERCENT))),
        Standing::Moves => of(declared(view.object), actual(view, sides)),
    }
}

/// The share that is not on what was promoted last.
pub(super) fn off_stable(view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<u32> {
    match sides.standing {
        Standing::Unknown | Standing::Ends | Standing::First => None,
        Standing::Rests => Some(0),
        Standing::Asked | Standing::Back | Standing::Stranded | Standing::Moves => weight(view, sides).actual.known(),
    }
}

/// What the router says, where it was asked and answered.
fn routed(view: &View<'_, Canary>) -> Option<u32> {
    view.extras.told.get(ask::WEIGHT)?.as_ref().ok()?.parse().ok()
}

/// Why the router's word is not known, where it was asked.
pub(super) fn unread(view: &View<'_, Canary>) -> Option<String> {
    view.extras.told.get(ask::WEIGHT)?.as_ref().err().cloned()
}

fn by_target(sides: &Sides<'_>) -> Share {
    let serves = sides.target.as_ref().is_some_and(|side| side.deployment.status.available_replicas > 0);
    if serves { Share::ByPods(PERCENT) } else { Share::Unknown }
}

/// At rest all of it goes to the primary, as far as that has pods.
fn serving(sides: &Sides<'_>) -> Share {
    let serves = sides.primary.as_ref().is_some_and(|side| side.deployment.status.available_replicas > 0);
    if serves { Share::Told(PERCENT) } else { Share::Unknown }
}

fn declared(canary: &Canary) -> u32 {
    let weight = u32::try_from(canary.status.canary_weight).unwrap_or_default().min(PERCENT);
    match (canary.word(), canary.iterations()) {
        (Some(Word::Promoting | Word::Finalising), _) => PERCENT,
        (Some(Word::Progressing), None) => weight,
        (Some(Word::Progressing), Some(all)) if is_switched(canary, all) => PERCENT,
        (Some(Word::WaitingPromotion), None) => {
            canary.analysis().and_then(|analysis| weights(analysis).last().copied()).unwrap_or(0)
        }
        _ => 0,
    }
}

/// Has a blue-green release put all traffic on the canary?
fn is_switched(canary: &Canary, iterations: i64) -> bool {
    !canary.is_by_match() && !canary.is_unrouted() && canary.status.iterations > iterations
}

fn actual(view: &View<'_, Canary>, sides: &Sides<'_>) -> Share {
    let canary = view.object;
    let Some(routed) = on_canary(view, sides) else { return Share::Unknown };
    let promoting = matches!(canary.word(), Some(Word::Promoting | Word::Finalising));
    let share = match (promoting, new_part(sides)) {
        (false, _) => Some(routed),
        (true, Some((new, all))) => Some(routed + share_of(new, all, PERCENT - routed.min(PERCENT))),
        (true, None) => None,
    };
    match share {
        Some(share) if canary.is_unrouted() => Share::ByPods(share),
        Some(share) => Share::Told(share),
        None => Share::Unknown,
    }
}

/// What is sent to the canary's pods, where that is known.
fn on_canary(view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<u32> {
    let canary = view.object;
    let (word, status) = (canary.word()?, &canary.status);
    // Without a router the service of the users selects the primary all the time.
    if canary.is_unrouted() || word == Word::Waiting {
        return Some(0);
    }
    let has_none = sides.target.as_ref().and_then(|side| side.current).is_some_and(|set| set.status.replicas == 0);
    if has_none && view.unread.is_none() {
        // A router cannot send anything to pods that do not exist.
        return Some(0);
    }
    if canary.is_by_match() {
        let none = word == Word::Finalising || (word == Word::Progressing && status.iterations == 0);
        return none.then_some(0);
    }
    if let Some(weight) = routed(view) {
        return Some(weight);
    }
    if unread(view).is_some() {
        return None;
    }
    // Flagger writes the share after it has routed it, in this phase only; and it routes it all back before it is finalising.
    match (word, canary.iterations()) {
        (Word::Finalising, _) => Some(0),
        (Word::Progressing, None) => u32::try_from(status.canary_weight).ok(),
        (Word::Progressing, Some(all)) => Some(if status.iterations > all { PERCENT } else { 0 }),
        _ => None,
    }
}

/// The primary's available pods of the version on its way, and all of them; none where none is available.
fn new_part(sides: &Sides<'_>) -> Option<(u32, u32)> {
    let (target, primary) = (sides.target.as_ref()?, sides.primary.as_ref()?);
    let all: u32 = primary.sets.iter().map(|set| set.status.available_replicas).sum();
    (all > 0).then(|| (sides.primary_pods(target.template()).available, all))
}
