//! How an Application moves: what git has, what was compared, what runs; operations that begin, wait for windows, are ended, succeed; health
//! that follows; and auto-sync, which begins one for a revision that it has not tried yet.

use std::time::Duration;

use serde_json::Value;

use crate::{
    demo::argocd::spec::{ApplicationSpec, AutoSpec, DeployedSpec},
    domain::time::{Timestamp, after},
};

/// How long until the controller takes up what was asked of it, and until it has compared again.
const TAKEN_UP: Duration = Duration::from_secs(1);
/// How long an operation takes to end once it is told to.
const ENDS: Duration = Duration::from_secs(3);

/// A hook that does not end lasts longer than anybody looks.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// A commit, and the tag that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Revision {
    pub(super) revision: String,
    pub(super) tag: String,
}

/// An entry of the history.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) what: Revision,
    pub(super) at: Timestamp,
    /// A person; `None` for auto-sync.
    pub(super) by: Option<String>,
}

/// Where an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Asked,
    Running,
    Terminating,
    Succeeded,
    Failed,
}

/// What is asked of the controller, or was.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) to: Revision,
    pub(super) stage: Stage,
    pub(super) message: String,
    pub(super) by: Option<String>,
    pub(super) automated: bool,
    /// Who asked says why.
    pub(super) infos: Value,
    pub(super) began: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    /// When it goes on by itself.
    next: Timestamp,
}

/// An Application.
#[derive(Debug)]
pub(super) struct App {
    pub(super) spec: ApplicationSpec,
    pub(super) version: u64,
    pub(super) auto: Option<AutoSpec>,
    /// What git has.
    git: Revision,
    /// What was compared last.
    pub(super) seen: Revision,
    pub(super) live: Option<Revision>,
    /// When it is compared next.
    looks: Option<Timestamp>,
    pub(super) operation: Option<Operation>,
    pub(super) last: Option<Operation>,
    pub(super) history: Vec<Entry>,
    pub(super) health: &'static str,
    /// What that becomes, and when.
    becomes: Option<(Timestamp, &'static str)>,
    pub(super) reconciled: Timestamp,
}

impl App {
    pub(super) fn new(spec: &ApplicationSpec, start: Timestamp) -> Self {
        let entry = |(id, one): (usize, &DeployedSpec)| Entry {
            id: u64::try_from(id).unwrap_or_default(),
            what: Revision { revision: one.revision.clone(), tag: one.tag.clone() },
            at: start - chrono::TimeDelta::from_std(one.ago).unwrap_or_default(),
            by: one.by.clone(),
        };
        let history: Vec<Entry> = spec.history.iter().enumerate().map(entry).collect();
        let live = history.last().map(|entry| entry.what.clone());
        let pushed = spec.pushed.as_ref().map(|one| Revision { revision: one.revision.clone(), tag: one.tag.clone() });
        let none = || Revision { revision: "0".repeat(40), tag: "0.0.0".to_owned() };
        let git = pushed.or_else(|| live.clone()).unwrap_or_else(none);
        let ran = |entry: &Entry| Operation {
            to: entry.what.clone(),
            stage: Stage::Succeeded,
            message: "successfully synced (all tasks run)".to_owned(),
            by: entry.by.clone(),
            automated: entry.by.is_none(),
            infos: Value::Null,
            began: Some(entry.at - chrono::TimeDelta::from_std(spec.takes).unwrap_or_default()),
            ended: Some(entry.at),
            next: entry.at,
        };
        let is_bad = live.as_ref().is_some_and(|live| spec.bad.contains(&live.tag));
        Self {
            spec: spec.clone(),
            version: 0,
            auto: spec.auto_sync,
            seen: git.clone(),
            looks: None,
            operation: None,
            last: history.last().map(ran),
            health: match (&live, is_bad) {
                (None, _) => "Missing",
                (_, true) => "Degraded",
                (_, false) => "Healthy",
            },
            becomes: None,
            reconciled: start,
            git,
            live,
            history,
        }
    }

    /// Does it sync by itself?
    pub(super) fn is_automated(&self) -> bool {
        self.auto.is_some_and(|auto| auto.enabled != Some(false))
    }

    pub(super) fn is_synced(&self) -> bool {
        self.live.as_ref() == Some(&self.seen)
    }

    pub(super) fn push(&mut self, revision: Revision, now: Timestamp) {
        self.git = revision;
        self.looks = Some(after(now, self.spec.notices));
    }

    pub(super) fn set_auto(&mut self, on: bool, now: Timestamp) {
        let mut auto = self.auto.unwrap_or_default();
        auto.enabled = if on { None } else { Some(false) };
        self.change_auto(Some(auto), now);
    }

    /// What is said of auto-sync changes: that is looked at at once.
    pub(super) fn change_auto(&mut self, auto: Option<AutoSpec>, now: Timestamp) {
        self.auto = auto;
        let soon = after(now, TAKEN_UP);
        self.looks = Some(self.looks.map_or(soon, |looks| looks.min(soon)));
    }

    /// A sync to what git has, or to this revision.
    pub(super) fn sync(
        &mut self,
        to: Option<&str>,
        by: &str,
        infos: &Value,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        let known = |revision: &str| {
            let all = self.history.iter().map(|entry| &entry.what).chain([&self.seen, &self.git]);
            all.into_iter().find(|what| what.revision == revision).cloned()
        };
        let to = match to {
            None => self.git.clone(),
            Some(revision) => known(revision).ok_or("unable to resolve the revision to a commit SHA")?,
        };
        self.begin(to, Some(by.to_owned()), infos.clone(), now)
    }

    /// A sync of an entry of the history.
    pub(super) fn rollback(&mut self, id: u64, by: &str, now: Timestamp) -> Result<(), &'static str> {
        let entry = self.history.iter().find(|entry| entry.id == id).ok_or("gone")?;
        self.begin(entry.what.clone(), Some(by.to_owned()), Value::Null, now)
    }

    fn begin(&mut self, to: Revision, by: Option<String>, infos: Value, now: Timestamp) -> Result<(), &'static str> {
        if self.operation.is_some() {
            return Err("another operation is already in progress");
        }
        let (automated, message, next) = (by.is_none(), String::new(), after(now, TAKEN_UP));
        let stage = Stage::Asked;
        self.operation = Some(Operation { to, stage, message, by, automated, infos, began: None, ended: None, next });
        self.last = None;
        Ok(())
    }

    pub(super) fn terminate(&mut self, now: Timestamp) -> Result<(), &'static str> {
        let running = self.operation.as_mut().filter(|operation| operation.stage != Stage::Asked);
        let operation = running.ok_or("Unable to terminate operation. No operation is in progress")?;
        operation.stage = Stage::Terminating;
        "operation is terminating".clone_into(&mut operation.message);
        operation.next = after(now, ENDS);
        Ok(())
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        let operation = self.operation.as_ref().map(|operation| operation.next);
        [operation, self.looks, self.becomes.map(|(at, _)| at)].into_iter().flatten().min()
    }

    /// Moves on; says whether it is another one now. `closed` is until when a sync window forbids its operation.
    pub(super) fn advance(&mut self, now: Timestamp, closed: Option<Timestamp>) -> bool {
        let mut changed = false;
        if let Some((_, health)) = self.becomes.take_if(|(at, _)| *at <= now) {
            self.health = health;
            changed = true;
        }
        if self.operation.as_ref().is_some_and(|operation| operation.next <= now) {
            self.operate(now, closed);
            changed = true;
        }
        if self.looks.take_if(|at| *at <= now).is_some() {
            self.look(now);
            changed = true;
        }
        changed
    }

    fn operate(&mut self, now: Timestamp, closed: Option<Timestamp>) {
        let takes = self.spec.takes;
        let Some(operation) = self.operation.as_mut() else { return };
        match (operation.stage, closed) {
            (Stage::Asked, _) => {
                operation.stage = Stage::Running;
                operation.began = Some(now);
                "one or more synchronization tasks are not complete".clone_into(&mut operation.message);
                operation.next = after(now, takes);
                if self.spec.hangs.contains(&operation.to.tag) {
                    let hook = format!("waiting for completion of hook batch/Job/{}-migrate", self.spec.name);
                    operation.message = hook;
                    operation.next = after(now, NEVER);
                }
                if let Some(until) = closed {
                    "Sync operation blocked by sync window".clone_into(&mut operation.message);
                    operation.next = until;
                }
            }
            // Nothing is done for it until the window opens, not even its end.
            (_, Some(until)) => operation.next = until,
            (Stage::Terminating, None) => {
                "Operation terminated".clone_into(&mut operation.message);
                self.end(Stage::Failed, now);
            }
            (_, None) => {
                "successfully synced (all tasks run)".clone_into(&mut operation.message);
                self.end(Stage::Succeeded, now);
            }
        }
    }

    fn end(&mut self, stage: Stage, now: Timestamp) {
        let Some(operation) = self.operation.take() else { return };
        if stage == Stage::Succeeded {
            let id = self.history.last().map_or(0, |entry| entry.id + 1);
            self.history.push(Entry { id, what: operation.to.clone(), at: now, by: operation.by.clone() });
            if self.live.as_ref() != Some(&operation.to) {
                self.health = "Progressing";
                let is_bad = self.spec.bad.contains(&operation.to.tag);
                let becomes = if is_bad { "Degraded" } else { "Healthy" };
                self.becomes = Some((after(now, self.spec.settles), becomes));
            }
            self.live = Some(operation.to.clone());
        }
        self.last = Some(Operation { stage, ended: Some(now), ..operation });
        self.looks = Some(after(now, TAKEN_UP));
    }

    /// Compares what git has with what runs, and syncs where it does so by itself.
    fn look(&mut self, now: Timestamp) {
        self.seen = self.git.clone();
        self.reconciled = now;
        let tried = self.last.as_ref().is_some_and(|last| last.to == self.seen);
        if self.is_automated() && !self.is_synced() && self.operation.is_none() && !tried {
            // It is refused only where one runs.
            let _ = self.begin(self.seen.clone(), None, Value::Null, now);
        }
    }
}
