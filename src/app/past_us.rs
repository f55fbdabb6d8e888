//! Acts past us (F23): what somebody did to a release with another client, or on a page of its system, while we looked or before. Of what
//! the system notes of it, and of what changed between two looks, without what is ours: that has a record, or bears our name.
//!
//! An act that only changed something, and is noted nowhere, is told with the time at which it was seen, and of nobody.

use std::time::Duration;

use crate::{
    app::model::Model,
    domain::{
        hand::{By, Did, Hand, between},
        item::Item,
        object::ObjectId,
        rollout::Rollout,
        time::{Timestamp, age},
        verb::Verb,
    },
    port::{
        inventory::Part,
        record::{Entry, Stage},
    },
};

/// For so long an act that was seen under a release stands beside the answer.
const TOLD_FOR: Duration = Duration::from_mins(5);
/// What was done longer ago is history; what it left in force is told however old it is.
const RECENT: Duration = Duration::from_hours(24);
/// So many are kept of one release.
const KEPT: usize = 8;
/// Our own record of a call is written before it, and comes to us after a moment.
const SETTLES: Duration = Duration::from_secs(3);
/// Clocks differ by so much, and a call takes so long. Less where a client is named: few systems note us under another name.
const SKEW: Duration = Duration::from_secs(30);

/// That something was seen to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it was as before for the last time.
    pub after: Timestamp,
    /// When it was seen to be otherwise.
    pub at: Timestamp,
    /// Was a version on its way?
    pub in_flight: bool,
}

/// Somebody else's act on a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// What was done, by whom and when, as the system notes it.
    pub hand: Hand,
    /// Where we saw it happen.
    pub seen: Option<Seen>,
}

impl Act {
    /// When: as the system notes it, else when it was seen.
    pub fn at(&self) -> Option<Timestamp> {
        self.hand.at.or(self.seen.map(|seen| seen.at))
    }

    /// `resumed with an-editor at 02:14:05`.
    pub fn said(&self, now: Timestamp) -> String {
        self.dated().said(now)
    }

    /// `resumed with an-editor at 02:14:05, not with holdshort`.
    pub fn said_of(&self, now: Timestamp) -> String {
        self.dated().said_of(now)
    }

    /// Is it an act on the release? Who put its version there before anybody here looked began it.
    pub fn is_on_it(&self) -> bool {
        self.hand.did != Did::Put || self.seen.is_some()
    }

    fn dated(&self) -> Hand {
        Hand { at: self.at(), ..self.hand.clone() }
    }
}

/// Notes what these parts say was done, before the store takes them.
pub(in crate::app) fn note(model: &mut Model, parts: &[Part], at: Timestamp) {
    for now in parts.iter().flat_map(|part| &part.items).filter_map(Item::rollout) {
        let Some(before) = model.store.rollout(&now.id) else { continue };
        // A new release that begins where nothing was on its way is no act on one.
        let in_flight = |hand: &Hand| before.in_flight() || (now.in_flight() && hand.did != Did::Put);
        let after = model.store.observed_at(&now.id).unwrap_or(at);
        let seen = |hand: &Hand| Some(Seen { after, at, in_flight: in_flight(hand) });
        let acts: Vec<Act> = between(before, now)
            .into_iter()
            .filter(|hand| hand.by != By::Us)
            .map(|hand| Act { seen: seen(&hand), hand })
            .collect();
        if !acts.is_empty() {
            let known = model.past_us.entry(now.id.clone()).or_default();
            known.extend(acts);
            let old = known.len().saturating_sub(KEPT);
            known.drain(..old);
        }
    }
}

/// Forgets what is about objects that are gone.
pub(in crate::app) fn tidy(model: &mut Model) {
    let mut known = std::mem::take(&mut model.past_us);
    known.retain(|id, _| model.store.rollout(id).is_some());
    model.past_us = known;
}

/// What somebody did to a release, the newest first.
pub fn on(model: &Model, rollout: &Rollout) -> Vec<Act> {
    let seen: Vec<Act> = watched(model, &rollout.id).cloned().collect();
    let is_seen = |hand: &Hand| seen.iter().any(|act| act.hand.did == hand.did && act.hand.by == hand.by);
    let noted = rollout.hands.iter().filter(|hand| hand.by != By::Us && hand.stands_alone() && !is_seen(hand));
    let noted = noted.filter(|hand| is_recent(model, rollout, hand)).map(|hand| Act { hand: hand.clone(), seen: None });
    let mut all: Vec<Act> = noted.filter(|act| !is_ours(model, &rollout.id, act)).chain(seen.iter().cloned()).collect();
    all.sort_by_key(|act| std::cmp::Reverse(act.at()));
    all
}

/// What was done to releases under our eyes just now, the newest first.
pub fn just_now(model: &Model) -> Vec<(&Rollout, &Act)> {
    let fresh = |act: &&Act| {
        act.seen.is_some_and(|seen| {
            let settled = act.hand.by != By::NotTold || age(model.now, seen.at) >= SETTLES;
            seen.in_flight && settled && age(model.now, seen.at) < TOLD_FOR
        })
    };
    let known = model.past_us.keys().filter_map(|id| model.store.rollout(id));
    let mut all: Vec<(&Rollout, &Act)> =
        known.flat_map(|rollout| watched(model, &rollout.id).filter(fresh).map(move |act| (rollout, act))).collect();
    all.sort_by_key(|(_, act)| std::cmp::Reverse(act.seen.map(|seen| seen.at)));
    all
}

/// The same of one object.
pub fn just_now_on<'a>(model: &'a Model, target: &ObjectId) -> impl Iterator<Item = &'a Act> {
    just_now(model).into_iter().filter(|(rollout, _)| rollout.id == *target).map(|(_, act)| act)
}

fn watched<'a>(model: &'a Model, target: &'a ObjectId) -> impl Iterator<Item = &'a Act> {
    let known = model.past_us.get(target).into_iter().flatten();
    known.rev().filter(move |act| !is_ours(model, target, act))
}

/// Is it in force, or of this day?
fn is_recent(model: &Model, rollout: &Rollout, hand: &Hand) -> bool {
    let in_force = match hand.did {
        Did::Paused => rollout.held,
        Did::Aborted => rollout.aborted_in_spec,
        _ => false,
    };
    in_force || hand.at.is_some_and(|at| age(model.now, at) < RECENT)
}

/// Does a record of ours explain it? One that sent a call for just this, at this time.
fn is_ours(model: &Model, target: &ObjectId, act: &Act) -> bool {
    // Whoever wrote a version under a name of theirs did not do it under ours, however soon after us: so automation undoes a roll back.
    let (client, did) = (matches!(act.hand.by, By::Client(_)), act.hand.did);
    if client && did == Did::Put {
        return false;
    }
    let skew = if client { SETTLES } else { SKEW };
    let (from, until) = match (act.seen, act.hand.at) {
        (Some(seen), None) => (seen.after.min(seen.at), seen.at),
        (_, Some(at)) => (at, at),
        (None, None) => return false,
    };
    let here = model.actions.iter().filter(|one| one.plan.acts_on(target));
    let here = here.map(|action| (action.plan.verb, action.entries.as_slice()));
    let past = model.actions.past_on(target).iter();
    let past = past.map(|record| (record.intent.plan.verb, record.entries.as_slice()));
    let sent = |entry: &Entry| {
        let call = matches!(entry.stage, Stage::Sending { .. } | Stage::Accepted { .. } | Stage::Released { .. });
        call && entry.at + skew >= from && entry.at <= until + skew
    };
    here.chain(past).any(|(verb, entries)| explains(verb, did) && entries.iter().any(sent))
}

/// May this verb have done that?
fn explains(verb: Verb, did: Did) -> bool {
    match verb {
        Verb::Pause => did == Did::Paused,
        Verb::Resume => matches!(did, Did::Resumed | Did::Promoted),
        Verb::Promote | Verb::Skip | Verb::Approve | Verb::Next => did == Did::Promoted,
        Verb::PromoteFull => matches!(did, Did::Promoted | Did::PromotedFull | Did::Scaled),
        Verb::Abort => matches!(did, Did::Aborted | Did::Scaled | Did::Put),
        Verb::Retry => did == Did::Retried,
        Verb::Restart => did == Did::Restarted,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
