//! "Is it the release?" as data: the cause, which rollout, and when it began against its steps. The words are the view's.

mod going_back;

use std::time::Duration;

pub use self::going_back::GoingBack;

use serde::{Deserialize, Serialize};
use strum::Display;

use crate::{
    app::{
        board, guard,
        model::Model,
        quarantine::{Returned, returned},
    },
    domain::{
        evidence::Verdict,
        item::Noun,
        object::ObjectId,
        observed::Freshness,
        rollout::{Phase, Rollout},
        time::{Timestamp, age},
    },
    judge::verdict::Judgement,
};

/// What the evidence points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// A release in flight does harm.
    Release,
    /// It cannot be told.
    Unknown,
    /// No release in flight shows harm.
    None,
}

/// What the strongest doubt leaves of it, where a release does harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Blame {
    /// It is likely the release.
    Release,
    /// It is likely one pod of it: without that one it is as good as is tolerated.
    OnePod,
    /// It may be something else.
    Open,
}

/// What the strongest doubt leaves of a judgement.
pub fn blame(judgement: &Judgement) -> Blame {
    match judgement.doubts.first() {
        Some(doubt) if doubt.one_pod().is_some() => Blame::OnePod,
        Some(doubt) if doubt.leaves_open() => Blame::Open,
        _ => Blame::Release,
    }
}

/// When the trouble began, against the step before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Onset {
    /// When it began.
    pub at: Timestamp,
    /// The step (from 0) that began last before that, and how long before.
    pub after_step: Option<(usize, Duration)>,
}

/// The answer to the first question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// What it points at.
    pub cause: Cause,
    /// Which rollout it speaks of.
    pub rollout: Option<ObjectId>,
    /// When it began.
    pub onset: Option<Onset>,
    /// Other rollouts that moved shortly before that, each with when it did last.
    pub moved: Vec<(ObjectId, Timestamp)>,
    /// What it speaks of is being left, and something of it may still be there.
    pub back: Option<GoingBack>,
    /// What it speaks of was left for cause, and is back.
    pub returned: Option<Returned>,
}

/// So long before the trouble began a move of another rollout may have to do with it.
const SHORTLY: Duration = Duration::from_mins(10);

/// Answers from what was observed and judged.
pub fn headline(model: &Model) -> Headline {
    // What is back may have arrived already.
    let back = model.store.rollouts().filter(|rollout| !rollout.in_flight() && returned(model, rollout).is_some());
    let flying: Vec<(&Rollout, Stand)> =
        board::in_flight(model).into_iter().chain(back).map(|it| (it, stand(model, it))).collect();
    let of = |(rollout, stand): &(&Rollout, Stand)| {
        let (rollout, back, returned) = (Some(rollout.id.clone()), stand.back.clone(), stand.returned.clone());
        Headline { cause: stand.cause, rollout, onset: None, moved: Vec::new(), back, returned }
    };
    let first = |cause| flying.iter().find(|(_, stand)| stand.cause == cause);
    if let Some(bad) = first(Cause::Release) {
        let onset = onset(model, bad.0);
        let moved = onset.map(|onset| moved(model, bad.0, onset.at)).unwrap_or_default();
        return Headline { onset, moved, ..of(bad) };
    }
    if let Some(unseen) = first(Cause::Unknown) {
        return of(unseen);
    }
    let unseen = model.store.sources(model.now).into_iter().any(|source| source.freshness != Freshness::Live)
        || model.store.unread(Noun::Rollout).next().is_some()
        || !model.store.tells_of(Noun::Rollout);
    if !unseen && let Some(back) = flying.iter().find(|(_, stand)| stand.back.is_some()) {
        return of(back);
    }
    let cause = if unseen { Cause::Unknown } else { Cause::None };
    Headline { cause, rollout: None, onset: None, moved: Vec::new(), back: None, returned: None }
}

/// What one rollout in flight says to the first question.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stand {
    cause: Cause,
    back: Option<GoingBack>,
    returned: Option<Returned>,
}

/// What one rollout says to the first question: its cause as the headline would have it, were it the only one.
pub fn cause_of(model: &Model, rollout: &Rollout) -> Cause {
    if rollout.in_flight() || returned(model, rollout).is_some() { stand(model, rollout).cause } else { Cause::None }
}

/// Is a version of it being left, of which something is still there?
pub fn goes_back(model: &Model, rollout: &Rollout) -> bool {
    rollout.in_flight() && stand(model, rollout).back.is_some()
}

/// Is a version of it being left, in flight or settled already?
pub fn is_left(model: &Model, rollout: &Rollout) -> bool {
    going_back::going_back(model, rollout).is_some()
}

fn stand(model: &Model, rollout: &Rollout) -> Stand {
    let back = going_back::going_back(model, rollout);
    let harm = model.verdict(&rollout.id) == Some(Verdict::NoGo) && rollout.phase != Phase::Aborted;
    let returned = returned(model, rollout);
    let cause = match &back {
        // Somebody left it for cause: who is sent to it again is harmed until it is shown otherwise.
        _ if returned.is_some() => Cause::Release,
        // A release that is taken back has been answered once nobody is sent to it any more, not before.
        Some(back) if back.serves && back.for_cause => Cause::Release,
        Some(back) if back.serves => Cause::Unknown,
        None if harm => Cause::Release,
        // What was aborted and serves nobody any more is answered: that nothing is measured of it is no wonder.
        _ if rollout.phase == Phase::Aborted && rollout.unknown.is_empty() && is_live(model, rollout) => Cause::None,
        _ if is_blind(model, rollout) => Cause::Unknown,
        // What is down is never under a good headline, whether its release is the cause or not.
        _ if rollout.phase == Phase::Degraded || !rollout.unknown.is_empty() => Cause::Unknown,
        _ => Cause::None,
    };
    Stand { cause, back, returned }
}

fn is_blind(model: &Model, rollout: &Rollout) -> bool {
    guard::standing(model, rollout) == Some(Verdict::NoData) || !is_live(model, rollout)
}

fn is_live(model: &Model, rollout: &Rollout) -> bool {
    model.store.target_state(&rollout.id, model.now).is_some_and(|state| state.freshness == Freshness::Live)
}

fn moved(model: &Model, bad: &Rollout, onset: Timestamp) -> Vec<(ObjectId, Timestamp)> {
    let others = model.store.rollouts().filter(|other| other.id != bad.id);
    let last = |other: &Rollout| {
        let steps = model.step_times.get(&other.id).into_iter().flat_map(|steps| steps.values().copied());
        let before = steps.chain(other.started).filter(|at| *at <= onset && age(onset, *at) <= SHORTLY);
        before.max().map(|at| (other.id.clone(), at))
    };
    others.filter_map(last).collect()
}

fn onset(model: &Model, rollout: &Rollout) -> Option<Onset> {
    let at = model.judgements.get(&rollout.id)?.onset?;
    let steps = model.step_times.get(&rollout.id);
    let after_step = steps.and_then(|steps| {
        let (step, began) = steps.iter().filter(|(_, began)| **began <= at).max_by_key(|(_, began)| **began)?;
        Some((*step, age(at, *began)))
    });
    Some(Onset { at, after_step })
}

#[cfg(test)]
mod tests;
