//! Actions as the screen follows them: from the intent to *done and verified*, *refused*, *failed* or *outcome unknown*.

use crate::{
    domain::{ids::Person, time::Timestamp},
    port::{
        plan::{Plan, Target},
        record::{ActionNews, Entry, Record, RecordId},
    },
};

/// Where one action is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its record.
    pub record: RecordId,
    /// Who began it.
    pub who: Person,
    /// When it was confirmed.
    pub since: Timestamp,
    /// Why, in their words.
    pub reason: Option<String>,
    /// What it does.
    pub plan: Plan,
    /// What happened since.
    pub entries: Vec<Entry>,
}

impl Action {
    /// From a record.
    pub fn of(record: Record) -> Self {
        let intent = record.intent;
        let (who, since, reason) = (intent.who, intent.at, intent.reason);
        Self { record: record.id, who, since, reason, plan: intent.plan, entries: record.entries }
    }

    /// The newest entry.
    pub fn latest(&self) -> Option<&Entry> {
        self.entries.last()
    }

    /// Is it still under way?
    pub fn is_running(&self) -> bool {
        !self.entries.iter().any(|entry| entry.stage.is_end())
    }
}

/// Every action that this session knows of, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actions(Vec<Action>);

impl Actions {
    /// Takes a record that was begun, or the whole of one known before.
    pub fn recorded(&mut self, record: Record) {
        match self.0.iter_mut().find(|action| action.record == record.id) {
            Some(known) => *known = Action::of(record),
            None => self.0.push(Action::of(record)),
        }
    }

    /// Takes news of an action; news of an unknown one, or of a stage known already, changes nothing.
    pub fn news(&mut self, news: ActionNews) {
        if let Some(action) = self.0.iter_mut().find(|action| action.record == news.record)
            && !action.entries.contains(&news.entry)
        {
            action.entries.push(news.entry);
        }
    }

    /// The action under way on a target, if there is one: a second verb must not be sent on top of it (F3).
    pub fn running_on(&self, target: &Target) -> Option<&Action> {
        self.0.iter().rev().find(|action| action.plan.target == *target && action.is_running())
    }

    /// The newest action on a target.
    pub fn newest_on(&self, target: &Target) -> Option<&Action> {
        self.0.iter().rev().find(|action| action.plan.target == *target)
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Action> {
        self.0.iter()
    }
}
