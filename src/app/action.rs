//! Actions as the screen follows them: from the intent to *done and verified*, *refused*, *failed* or *outcome unknown*.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{form::Args, ids::Person, object::ObjectId, place::Place, time::Timestamp, verb::Verb},
    port::{
        plan::{Further, Plan},
        record::{self, ActionNews, Entry, NewRecord, Origin, Record, RecordId, Stage},
        several,
        step::Obligation,
        takeover::{self, Takeover},
    },
};

/// Why nobody can be waited for who would end a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// Its executor died; when that was first seen.
    Died(Timestamp),
    /// The journal's lines of it cannot be read.
    Unreadable,
}

/// Where one action is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its record.
    pub record: RecordId,
    /// Who began it.
    pub who: Person,
    /// When it was confirmed.
    pub since: Timestamp,
    /// Where it was written from, as the system says.
    pub origin: Option<Origin>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// What was said to it.
    pub args: Args,
    /// The targets behind the first, and what was said to each.
    pub then: Vec<Further>,
    /// The act that it carries on, where it took one over.
    pub takes_over: Option<Box<Takeover>>,
    /// What it does.
    pub plan: Plan,
    /// What happened since.
    pub entries: Vec<Entry>,
    /// Nobody carries it out any more.
    pub lost: Option<Lost>,
}

impl Action {
    /// From a record.
    pub fn of(record: Record) -> Self {
        let intent = record.intent;
        let (who, since, reason) = (intent.who, intent.at, intent.reason);
        let (origin, args, then, takes_over) = (intent.origin, intent.args, intent.then, intent.takes_over);
        let (plan, entries) = (intent.plan, record.entries);
        Self { record: record.id, who, since, origin, reason, args, then, takes_over, plan, entries, lost: None }
    }

    /// Does it only end what another act holds? Its verb is that act's, and nothing of that is done again.
    pub fn releases(&self) -> bool {
        self.takes_over.as_ref().is_some_and(|takeover| takeover.releases)
    }

    /// Is it under way without an executor, with nothing left to send?
    pub fn is_only_watched(&self) -> bool {
        let last = |entry: &Entry| matches!(entry.stage, Stage::Accepted { call, .. } if call + 1 == self.plan.calls());
        let sent = self.entries.iter().any(last);
        self.is_running() && matches!(self.lost, Some(Lost::Died(_))) && sent
    }

    /// As a record of it, without what only the journal needs.
    pub fn as_record(&self) -> Record {
        let who = (self.since, self.who.clone(), self.reason.clone());
        let mut intent = NewRecord::confirmed(who.0, who.1, who.2, self.plan.clone());
        (intent.origin, intent.args, intent.then) = (self.origin.clone(), self.args.clone(), self.then.clone());
        intent.takes_over.clone_from(&self.takes_over);
        Record { id: self.record, intent, entries: self.entries.clone() }
    }

    /// The newest entry of the act itself.
    pub fn latest(&self) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| !matches!(entry.stage, Stage::HandedOver { .. }))
    }

    /// What of its plan is owed, and no other record is there to end.
    pub fn owed(&self) -> impl Iterator<Item = &Obligation> {
        let owed = takeover::owed(&self.plan, self.takes_over.as_deref(), &self.entries);
        owed.into_iter().filter_map(|index| self.plan.draft.obligations.get(index))
    }

    /// What of it is about a target, as an act on that alone; nothing where it does not act on it.
    pub fn on(&self, target: &ObjectId) -> Option<Cow<'_, Self>> {
        let index = self.plan.targets().position(|one| one == target)?;
        if self.plan.then.is_empty() {
            return Some(Cow::Borrowed(self));
        }
        let record = several::record_on(&self.as_record(), index)?;
        Some(Cow::Owned(Self { lost: self.lost, ..Self::of(record) }))
    }

    /// Is it still under way?
    pub fn is_running(&self) -> bool {
        !self.entries.iter().any(|entry| entry.stage.is_end())
    }
}

/// Every action that this session knows of, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    all: Vec<Action>,
    /// What had ended before this session began, by target, each oldest first: screens ask for one target in every frame.
    past: BTreeMap<ObjectId, Vec<Record>>,
}

impl Actions {
    /// Takes a record that was begun, or the whole of one known before. The journal may lag behind what its executor told.
    pub fn recorded(&mut self, record: Record) {
        match self.all.iter_mut().find(|action| action.record == record.id) {
            Some(known) if known.entries.len() > record.entries.len() => {}
            Some(known) => {
                let lost = known.lost;
                *known = Action { lost, ..Action::of(record) };
            }
            None => self.all.push(Action::of(record)),
        }
    }

    /// The newest approval that put something into an environment since a moment, or is about to, but for that of one gate: its
    /// record, its plan, and when it was confirmed.
    pub fn let_through<'a>(
        &'a self,
        place: &Place,
        since: Timestamp,
        except: &ObjectId,
    ) -> Option<(RecordId, &'a Plan, Timestamp)> {
        let stands = |entries: &[Entry]| {
            !entries.iter().any(|entry| entry.stage.is_end() && !matches!(entry.stage, Stage::Done { .. }))
        };
        let here = self.all.iter().filter(|one| stands(&one.entries)).map(|one| (one.record, &one.plan, one.since));
        let past = self.past.values().flatten().filter(|one| stands(&one.entries));
        let past = past.map(|one| (one.id, &one.intent.plan, one.intent.at));
        let meant = |(_, plan, at): &(RecordId, &Plan, Timestamp)| {
            let to = plan.place() == *place && plan.target != *except;
            plan.verb == Verb::Approve && to && *at >= since
        };
        let each = |(record, plan, at): (RecordId, &'a Plan, Timestamp)| plan.each().map(move |one| (record, one, at));
        here.chain(past).flat_map(each).filter(meant).max_by_key(|(_, _, at)| *at)
    }

    /// Takes what had ended before this session began.
    pub fn remember(&mut self, past: Vec<Record>) {
        self.past.clear();
        for record in past {
            for target in record.intent.plan.targets() {
                self.past.entry(target.clone()).or_default().push(record.clone());
            }
        }
    }

    /// What had ended on a target before this session began, oldest first: what it says of versions still counts.
    pub fn past_on(&self, target: &ObjectId) -> &[Record] {
        self.past.get(target).map_or(&[], Vec::as_slice)
    }

    /// Nobody carries a record out any more.
    pub fn lost(&mut self, record: RecordId, why: Lost) {
        if let Some(action) = self.all.iter_mut().find(|action| action.record == record) {
            action.lost = Some(why);
        }
    }

    /// Takes news of an action; news of an unknown one, or of a stage known already, changes nothing.
    pub fn news(&mut self, news: ActionNews) {
        if let Some(action) = self.all.iter_mut().find(|action| action.record == news.record)
            && !action.entries.contains(&news.entry)
        {
            action.entries.push(news.entry);
        }
    }

    /// The action under way on a target, if there is one: a second verb must not be sent on top of it (F3), unless it goes
    /// back. One that cannot be read is under way for nobody.
    pub fn running_on(&self, target: &ObjectId) -> Option<&Action> {
        let holds = |action: &&Action| action.is_running() && action.lost != Some(Lost::Unreadable);
        self.all.iter().rev().find(|action| action.plan.acts_on(target) && holds(action))
    }

    /// The newest action on a target.
    pub fn newest_on(&self, target: &ObjectId) -> Option<&Action> {
        self.all.iter().rev().find(|action| action.plan.acts_on(target))
    }

    /// The newest of the acts that ended the wait of one that rests.
    pub fn rests_until(&self, action: &Action) -> Option<RecordId> {
        let later = self.all.iter().filter(|other| other.record > action.record && record::was_sent(&other.entries));
        record::rests_until(&action.plan, &action.entries, later.map(|other| (other.record, &other.plan)))
    }

    /// The newest act on a target of which something is still held.
    pub fn holding(&self, target: &ObjectId) -> Option<&Action> {
        let holds = |action: &&Action| action.plan.acts_on(target) && action.owed().next().is_some();
        self.all.iter().rev().find(holds)
    }

    /// A record, as far as this session knows of it.
    pub fn record(&self, id: RecordId) -> Option<Record> {
        let known = self.all.iter().find(|action| action.record == id).map(Action::as_record);
        known.or_else(|| self.past.values().flatten().find(|record| record.id == id).cloned())
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Action> {
        self.all.iter()
    }
}
