//! Versions that were left for cause: our own record knows that somebody rolled back or aborted from them, who, when and why.
//! Such a version is never "the way back", however new its revision is. And whether the version that the spec holds was itself
//! put back: our record knows it, and so does the engine's history, whoever did it and with whatever. Then there is nothing to
//! go back from, and one more roll back that names no version goes nowhere. Derived from records and from what is observed.

mod returned;

use std::{borrow::Cow, collections::BTreeMap, fmt, time::Duration};

pub use self::returned::{Returned, returned};

use crate::{
    app::{
        action::{Action, Actions},
        model::Model,
    },
    domain::{
        ids::Person,
        object::ObjectId,
        place::Place,
        rollout::{Arm, Role, Rollout, Written},
        time::{Timestamp, age},
        verb::{Direction, Verb},
        version::Version,
    },
    port::{
        plan::{Condition, Plan, fact},
        record::{self, Entry, Record, RecordId, Stage},
        several,
    },
};

/// Why a version counts as left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The record that says so.
    pub record: RecordId,
    /// Which version, where the record knows it.
    pub version: Option<Version>,
    /// Who went back from it.
    pub who: Person,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    pub reason: Option<String>,
    /// The hash of what was put in its place, where the record names one.
    pub put_back: Option<String>,
}

impl fmt::Display for Left {
    /// `dana left it on 2026-03-10 at 02:10 (errors)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason.as_deref().unwrap_or("no reason given");
        write!(f, "{} left it on {} ({reason})", self.who, self.at.format("%Y-%m-%d at %H:%M"))
    }
}

/// That the version which the spec holds was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// The version that was put back: `1.41.3 (9f8e7d6)`.
    pub to: String,
    /// The hash of the version that was left, and what it is called, where that is known.
    pub left: Option<(String, String)>,
    /// Who did, and when, where that is known.
    pub by: Option<By>,
}

/// Who put a version back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Our record knows the person, and when they confirmed it.
    Person(Person, Timestamp),
    /// The engine knows only what wrote it, and when.
    Program(Written),
}

impl fmt::Display for By {
    /// ` on 2026-03-10 at 02:10 by dana`, ` on 2026-03-10 at 02:10 with helm`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, who) = match self {
            Self::Person(who, at) => (at, format!("by {who}")),
            Self::Program(Written { at, by }) => (at, format!("with {by}")),
        };
        write!(f, " on {} {who}", at.format("%Y-%m-%d at %H:%M"))
    }
}

impl PutBack {
    /// `1.41.3 (9f8e7d6) was put back on 2026-03-10 at 02:10 by dana`.
    pub fn said(&self) -> String {
        format!("{} was put back{}", self.to, self.by.as_ref().map(ToString::to_string).unwrap_or_default())
    }
}

impl fmt::Display for PutBack {
    /// `1.41.3 (9f8e7d6) was put back on 2026-03-10 at 02:10 by dana; 1.42.0 (a1b2c3d) is what was left`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.left.as_ref().map(|(_, left)| format!("; {left} is what was left")).unwrap_or_default();
        write!(f, "{}{left}", self.said())
    }
}

/// What of one rollout was left for cause, by the hash that tells versions apart, and whether what it holds was put back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quarantine {
    left: BTreeMap<String, Left>,
    put_back: Option<PutBack>,
}

/// What a roll back without a named version goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayBack<'a> {
    /// The one that the engine would take as well.
    Usual(&'a Arm),
    /// An older one: the usual one was left for cause.
    Older(&'a Arm, &'a Left),
    /// There is one, but it was left for cause, and so was everything older.
    OnlyLeft(&'a Arm, &'a Left),
    /// What it holds was put back already: there is nothing to go back from. With what is older and was not left, where there is.
    PutBack(&'a PutBack, Option<&'a Arm>),
    /// There is none.
    None,
}

impl<'a> WayBack<'a> {
    /// The version that a roll back without a named one goes to.
    pub fn arm(self) -> Option<&'a Arm> {
        match self {
            Self::Usual(arm) | Self::Older(arm, _) => Some(arm),
            Self::OnlyLeft(..) | Self::PutBack(..) | Self::None => None,
        }
    }
}

impl Quarantine {
    /// Of one rollout, from what is known to have been done, oldest first. The newest record about a version decides: whoever
    /// puts it back by name, or lets it go on, has made up their mind about it; so has whoever released it again since.
    pub fn of(actions: &Actions, rollout: &Rollout) -> Self {
        let target = rollout.id.clone();
        let mut left: BTreeMap<String, Left> = BTreeMap::new();
        for deed in Deed::all_on(&target, actions).filter(Deed::was_sent) {
            let plan = deed.plan;
            let about = plan.draft.bound.get(fact::CANARY).filter(|hash| !hash.is_empty());
            if plan.goes_back && plan.verb == Verb::Set {
                // That less of it is exposed says nothing about it.
            } else if plan.brings_again {
                // Somebody made up their mind about it; what stood in its place is none the worse for that.
                if let Some(there) = goes_to(plan).filter(|_| deed.is_done()) {
                    left.remove(&there);
                }
            } else if plan.goes_back || plan.direction() == Direction::Forward {
                if let Some(hash) = about.filter(|_| deed.is_done()) {
                    left.remove(hash);
                }
            } else if plan.direction() == Direction::Back {
                let put_back = goes_to(plan);
                if let Some(there) = &put_back {
                    left.remove(there);
                }
                left.extend(about.map(|hash| (hash.clone(), deed.left(put_back))));
            }
        }
        let put_back = put_back(actions, rollout, &left);
        left.retain(|hash, left| !came_again(rollout, hash, left));
        Self { left, put_back }
    }

    /// Why this version was left, where it was.
    pub fn of_hash(&self, hash: &str) -> Option<&Left> {
        self.left.get(hash)
    }

    /// That the version which the spec holds was put back, where it was.
    pub fn put_back(&self) -> Option<&PutBack> {
        self.put_back.as_ref()
    }

    /// Every version that was left: for cause, as our record has it, or for the one that was put back, as the engine tells.
    pub fn versions(&self, rollout: &Rollout) -> Vec<Version> {
        let of_hash = |hash: &String| rollout.arms.iter().find(|arm| arm.hash == *hash)?.version.clone();
        let put_back = self.put_back.as_ref().and_then(|back| back.left.as_ref());
        let told = put_back.and_then(|(hash, _)| of_hash(hash));
        let recorded = self.left.iter().filter_map(|(hash, left)| left.version.clone().or_else(|| of_hash(hash)));
        recorded.chain(told).collect()
    }

    /// What a roll back without a named version goes to: never to a version that was left for cause, and nowhere from one that
    /// was put back: whoever asks again, here or elsewhere, more likely wants the same thing than to go further back.
    pub fn way_back<'a>(&'a self, rollout: &'a Rollout) -> WayBack<'a> {
        if let Some(put_back) = &self.put_back {
            return WayBack::PutBack(put_back, self.older(rollout));
        }
        let Some(usual) = rollout.way_back() else { return WayBack::None };
        let Some(left) = self.of_hash(&usual.hash) else { return WayBack::Usual(usual) };
        match self.older(rollout) {
            Some(older) => WayBack::Older(older, left),
            None => WayBack::OnlyLeft(usual, left),
        }
    }

    /// The newest earlier version that nobody left.
    fn older<'a>(&self, rollout: &'a Rollout) -> Option<&'a Arm> {
        let (left, current) = (self.put_back.as_ref().and_then(|it| it.left.as_ref()), &rollout.identity.canary_hash);
        let fits = |arm: &&Arm| {
            let is_left = self.of_hash(&arm.hash).is_some() || left.is_some_and(|(hash, _)| *hash == arm.hash);
            arm.hash != *current && arm.role == Role::Old && !rollout.was_taken_back(arm) && !is_left
        };
        rollout.arms.iter().filter(fits).max_by_key(|arm| arm.revision)
    }

    /// Why a full promotion of what is on its way goes back: what still counts as stable was left for cause, and what is on
    /// its way is what was put in its place then.
    pub fn homeward(&self, rollout: &Rollout) -> Option<&Left> {
        let identity = &rollout.identity;
        let moving = identity.canary_hash != identity.stable_hash;
        let left = self.of_hash(&identity.stable_hash).filter(|_| moving)?;
        let put_back = left.put_back.as_ref() == Some(&identity.canary_hash);
        (put_back && self.of_hash(&identity.canary_hash).is_none()).then_some(left)
    }
}

/// That a version which was left for cause where something goes is about to come there again. Which version that is, its digest, commit
/// or release number tells.
pub fn comes_again(model: &Model, place: &Place, version: &Version) -> Option<Left> {
    let here = |rollout: &&Rollout| {
        let anywhere = place.environment.as_str().is_empty();
        rollout.service == place.service && (anywhere || place.environment.meets(&rollout.environment))
    };
    let is_it = |left: &Left| left.version.as_ref().is_some_and(|of| of.is_same(version));

    model.store.rollouts().filter(here).find_map(|rollout| {
        let known = Quarantine::of(&model.actions, rollout).left;
        known.into_values().find(is_it)
    })
}

/// Did it come again after it was left, past us? Then the engine has a newer revision of it than of what took its place. Where
/// nothing was put in its place it was aborted on its way in: if it is the stable one now, it was let through since.
fn came_again(rollout: &Rollout, hash: &str, left: &Left) -> bool {
    let revision = |hash: &str| rollout.arms.iter().find(|arm| arm.hash == hash).and_then(|arm| arm.revision);
    match &left.put_back {
        Some(instead) => revision(hash).zip(revision(instead)).is_some_and(|(it, instead)| it > instead),
        None => rollout.identity.stable_hash == hash,
    }
}

/// Something that was done, in this session or before it.
struct Deed<'a> {
    record: RecordId,
    who: &'a Person,
    at: Timestamp,
    reason: &'a Option<String>,
    /// What of it is about the target.
    plan: &'a Plan,
    entries: Cow<'a, [Entry]>,
}

/// So long after a version was left nobody who brings it is taken to go back to it.
const FRESH: Duration = Duration::from_hours(24);

/// Was the version put back that the spec holds, as our record or the engine tells? Our record knows it as soon as the call was
/// sent, and whose it was; the engine knows of everybody's. One that was itself `left` for cause just before has not been put back: it is back.
fn put_back(actions: &Actions, rollout: &Rollout, left: &BTreeMap<String, Left>) -> Option<PutBack> {
    let holds = &rollout.identity.canary_hash;
    let mut newest: Vec<Deed<'_>> = Deed::all_on(&rollout.id, actions).collect();
    newest.sort_by_key(|deed| deed.record);
    // Sent is enough: that the spec holds it shows that it landed, whatever became of its executor.
    let last = newest.into_iter().rfind(|deed| deed.was_sent() || record::was_sent(&deed.entries));
    let brings_again =
        last.as_ref().is_some_and(|last| last.plan.brings_again && goes_to(last.plan).as_ref() == Some(holds));
    let ours =
        last.filter(|last| last.plan.direction() == Direction::Back && goes_to(last.plan).as_ref() == Some(holds));
    let written = rollout.written.as_ref().map(|written| written.at);
    let is_fresh = |left: &Left| written.is_some_and(|at| left.at < at && age(at, left.at) <= FRESH);
    let told = rollout.put_back().filter(|_| !brings_again && !left.get(holds).is_some_and(is_fresh));
    if ours.is_none() && told.is_none() {
        return None;
    }
    let to = rollout.arms.iter().find(|arm| arm.hash == *holds).map(Arm::called);
    let to = to.or_else(|| rollout.canary.as_ref().map(ToString::to_string));
    let recorded = ours.as_ref().and_then(|ours| {
        let hash = ours.plan.draft.bound.get(fact::CANARY)?;
        Some((hash.clone(), ours.plan.draft.from.as_ref()?.to_string()))
    });
    Some(PutBack {
        to: to.unwrap_or_else(|| "an earlier version".to_owned()),
        left: told.map(|told| (told.left.hash.clone(), told.left.called())).or(recorded),
        by: match &ours {
            Some(ours) => Some(By::Person(ours.who.clone(), ours.at)),
            None => rollout.written.clone().map(By::Program),
        },
    })
}

impl<'a> Deed<'a> {
    /// What was done on a target, before this session began and in it.
    fn all_on(target: &'a ObjectId, actions: &'a Actions) -> impl Iterator<Item = Self> {
        let past = actions.past_on(target).iter().filter_map(move |record| Self::of_record(record, target));
        past.chain(actions.iter().filter_map(move |action| Self::of_action(action, target)))
    }

    fn of_record(record: &'a Record, target: &ObjectId) -> Option<Self> {
        let Record { id, intent, entries } = record;
        // What only ends a hold puts no version anywhere.
        if intent.takes_over.as_ref().is_some_and(|takeover| takeover.releases) {
            return None;
        }
        let (plan, entries) = on(target, &intent.plan, entries)?;
        Some(Self { record: *id, who: &intent.who, at: intent.at, reason: &intent.reason, plan, entries })
    }

    fn of_action(action: &'a Action, target: &ObjectId) -> Option<Self> {
        let Action { record, who, since, reason, plan, entries, .. } = action;
        if action.releases() {
            return None;
        }
        let (plan, entries) = on(target, plan, entries)?;
        Some(Self { record: *record, who, at: *since, reason, plan, entries })
    }

    /// Did it reach the system? What was refused, or failed before a call was taken, changed nothing.
    fn was_sent(&self) -> bool {
        let taken = |stage: &Stage| {
            matches!(
                stage,
                Stage::Accepted { .. }
                    | Stage::Moving { .. }
                    | Stage::Done { .. }
                    | Stage::Unknown { .. }
                    | Stage::Rests { .. }
            )
        };
        self.entries.iter().any(|entry| taken(&entry.stage))
    }

    fn is_done(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.stage, Stage::Done { .. }))
    }

    fn left(&self, put_back: Option<String>) -> Left {
        let (who, reason) = (self.who.clone(), self.reason.clone());
        Left { record: self.record, version: self.plan.draft.from.clone(), who, at: self.at, reason, put_back }
    }
}

/// What of a plan, and of what came of it, is about a target; nothing where it does not act on it.
fn on<'a>(target: &ObjectId, plan: &'a Plan, entries: &'a [Entry]) -> Option<(&'a Plan, Cow<'a, [Entry]>)> {
    let index = plan.targets().position(|one| one == target)?;
    let entries = if plan.then.is_empty() {
        Cow::Borrowed(entries)
    } else {
        Cow::Owned(several::entries_on(plan, index, entries))
    };
    Some((plan.each().nth(index)?, entries))
}

/// The hash of the version that a plan puts back, as it expects it afterwards.
pub(in crate::app) fn goes_to(plan: &Plan) -> Option<String> {
    let wanted = plan.draft.expect.all.iter().find(|expect| expect.fact == fact::CANARY)?;
    if let Condition::Is(hash) = &wanted.condition { Some(hash.clone()) } else { None }
}

#[cfg(test)]
mod tests;
