//! "Is it the release?" as data: the cause, which rollout, and when it began against its steps. The words are the view's.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::Display;

use crate::{
    app::{board, guard, model::Model},
    domain::{
        evidence::Verdict,
        ids::RolloutId,
        observed::Freshness,
        rollout::{Phase, Rollout},
        time::{Timestamp, age},
    },
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
    pub rollout: Option<RolloutId>,
    /// When it began.
    pub onset: Option<Onset>,
    /// Other rollouts that moved shortly before that, each with when it did last.
    pub moved: Vec<(RolloutId, Timestamp)>,
}

/// So long before the trouble began a move of another rollout may have to do with it.
const SHORTLY: Duration = Duration::from_mins(10);

/// Answers from what was observed and judged.
pub fn headline(model: &Model) -> Headline {
    let flying: Vec<&Rollout> = board::in_flight(model);
    let verdict = |rollout: &&&Rollout| model.verdict(&rollout.id);
    // An aborted release has been answered already; one that still gets traffic has not.
    if let Some(bad) = flying.iter().find(|r| verdict(r) == Some(Verdict::NoGo) && r.phase != Phase::Aborted) {
        let onset = onset(model, bad);
        let moved = onset.map(|onset| moved(model, bad, onset.at)).unwrap_or_default();
        return Headline { cause: Cause::Release, rollout: Some(bad.id.clone()), onset, moved };
    }
    let blind = |rollout: &&&Rollout| {
        let state = model.store.seen_rollout(&rollout.id).map(|seen| seen.freshness(model.now));
        guard::standing(model, rollout) == Some(Verdict::NoData) || state != Some(Freshness::Live)
    };
    if let Some(unseen) = flying.iter().find(blind) {
        return Headline { cause: Cause::Unknown, rollout: Some(unseen.id.clone()), onset: None, moved: Vec::new() };
    }
    // What is down is never under a good headline, whether its release is the cause or not.
    if let Some(down) = flying.iter().find(|rollout| rollout.phase == Phase::Degraded || !rollout.unknown.is_empty()) {
        return Headline { cause: Cause::Unknown, rollout: Some(down.id.clone()), onset: None, moved: Vec::new() };
    }
    let unseen = model.store.sources(model.now).into_iter().any(|source| source.freshness != Freshness::Live);
    Headline { cause: if unseen { Cause::Unknown } else { Cause::None }, rollout: None, onset: None, moved: Vec::new() }
}

fn moved(model: &Model, bad: &Rollout, onset: Timestamp) -> Vec<(RolloutId, Timestamp)> {
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
