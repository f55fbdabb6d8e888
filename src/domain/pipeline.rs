//! Runs of CI pipelines: stages, jobs, steps, normalized over all CI systems.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

use crate::domain::{
    ids::{Person, ServiceName},
    object::ObjectId,
    offer::Offer,
    runners::Runners,
    text::clean,
    time::{Timestamp, age},
    version::Version,
};

/// Where a run, job or step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumIter, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RunStatus {
    /// Waits for a machine.
    Queued,
    /// Runs.
    Running,
    /// Waits for a human or a timer.
    Waiting,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Was stopped.
    Cancelled,
    /// Was not needed.
    Skipped,
    /// The system says something that we do not know.
    Unknown,
}

impl RunStatus {
    /// Nothing more will happen to it by itself.
    pub fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Skipped)
    }
}

/// What stands beside where something is, and changes what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Flag {
    /// It failed, and what it belongs to goes on all the same.
    SoftFailed,
    /// It was ended because it took too long.
    TimedOut,
    /// Somebody asked it to stop, and it has not yet.
    Stopping,
}

/// Where something is, as one word of ours and as the system says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Where it is.
    pub state: RunStatus,
    /// What changes what that means.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub flags: BTreeSet<Flag>,
    /// The system's own word; `None` where it has none, and where it follows from what is below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

impl Status {
    /// Where something is, and the system's own word for it.
    pub fn said(state: RunStatus, raw: &str) -> Self {
        let raw = Some(clean(raw)).filter(|raw| !raw.is_empty());
        Self { state, flags: BTreeSet::new(), raw }
    }

    /// The same, with what changes what it means.
    #[must_use]
    pub fn with(mut self, flag: Flag, so: bool) -> Self {
        if so {
            self.flags.insert(flag);
        }
        self
    }

    /// Did it fail, and was that of consequence?
    pub fn is_failure(&self) -> bool {
        self.state == RunStatus::Failed && !self.flags.contains(&Flag::SoftFailed)
    }

    /// `failed`; where we do not know the word, the system's own: `half_done (unknown)`.
    pub fn words(&self) -> String {
        let state = self.state.to_string();
        let mut words = match &self.raw {
            Some(raw) if self.state == RunStatus::Unknown => format!("{raw} ({state})"),
            _ => state,
        };
        for flag in &self.flags {
            words.push_str(match flag {
                Flag::SoftFailed => ", soft",
                Flag::TimedOut => ", timed out",
                Flag::Stopping => ", stopping",
            });
        }
        words
    }
}

/// What a node of a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum NodeKind {
    /// Jobs that belong together, or a place between jobs at which somebody decides.
    Stage,
    /// What one machine does.
    Job,
    /// One step of a job.
    Step,
    /// Another run that this one began.
    Child,
}

/// The system's own name of a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogRef(String);

impl LogRef {
    /// A name, cleaned.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(clean(name.as_ref()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A stage, job, step or child of a run, and what is below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub status: Status,
    /// Since when it could have begun, where the system tells: until it did, it waited for a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<Timestamp>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Which attempt this is, from 1, where the system counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The machine that took it, as the system calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
    /// What there is for it while it waits for a machine, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runners: Option<Runners>,
    /// Where its log is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogRef>,
    /// The run that it is, or that it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<ObjectId>,
    /// What is below it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<Node>,
}

impl Node {
    /// A node of which nothing else is known.
    pub fn new(kind: NodeKind, name: impl Into<String>, status: Status) -> Self {
        Self {
            kind,
            name: name.into(),
            status,
            queued: None,
            started: None,
            ended: None,
            attempt: None,
            runner: None,
            runners: None,
            log: None,
            run: None,
            nodes: Vec::new(),
        }
    }

    /// A stage that is no more than its jobs: where they are, it is, and it took as long as they did together.
    pub fn stage(name: impl Into<String>, nodes: Vec<Self>) -> Self {
        let state = together(&nodes);
        let started = nodes.iter().filter_map(|node| node.started).min();
        let ends: Option<Vec<Timestamp>> = nodes.iter().map(|node| node.ended).collect();
        let ended = ends.filter(|_| state.ended()).and_then(|ends| ends.into_iter().max());
        let status = Status { state, flags: BTreeSet::new(), raw: None };
        Self { started, ended, nodes, ..Self::new(NodeKind::Stage, name, status) }
    }

    /// How long it waited for a machine, as far as it has; `None` where the system does not tell.
    pub fn waited(&self, now: Timestamp) -> Option<Duration> {
        Some(age(self.started.or(self.ended).unwrap_or(now), self.queued?))
    }

    /// How long it ran, as far as it has.
    pub fn took(&self, now: Timestamp) -> Option<Duration> {
        Some(age(self.ended.unwrap_or(now), self.started?))
    }

    /// It and all below it, each after what it is below, with how deep it stands.
    pub fn walk<'a>(&'a self, depth: usize, all: &mut Vec<(usize, &'a Self)>) {
        all.push((depth, self));
        for node in &self.nodes {
            node.walk(depth + 1, all);
        }
    }
}

/// All nodes of a tree as rows, from the top, with how deep each stands.
pub fn rows(nodes: &[Node]) -> Vec<(usize, &Node)> {
    let mut all = Vec::new();
    for node in nodes {
        node.walk(0, &mut all);
    }
    all
}

/// Where several are as one: what needs somebody first, then what moves, then what ended badly.
fn together(nodes: &[Node]) -> RunStatus {
    const ORDER: [RunStatus; 8] = [
        RunStatus::Unknown,
        RunStatus::Waiting,
        RunStatus::Running,
        RunStatus::Queued,
        RunStatus::Failed,
        RunStatus::Cancelled,
        RunStatus::Succeeded,
        RunStatus::Skipped,
    ];
    let state = |node: &Node| match node.status.state {
        RunStatus::Failed if !node.status.is_failure() => RunStatus::Succeeded,
        state => state,
    };
    let found = ORDER.into_iter().find(|wanted| nodes.iter().any(|node| state(node) == *wanted));
    found.unwrap_or(RunStatus::Unknown)
}

/// One execution of a CI pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its full id.
    pub id: ObjectId,
    /// Whose pipeline it is.
    pub service: ServiceName,
    /// The pipeline's name: `deploy`.
    pub pipeline: String,
    /// Its number, as people say it: 812.
    pub number: u64,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What it is about, in the system's words.
    pub title: String,
    /// The branch or tag it ran for, where there is one.
    pub branch: Option<String>,
    /// What it builds or deploys.
    pub version: Version,
    /// Where it is.
    pub status: RunStatus,
    /// The system's own word for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Since when it could have begun, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<Timestamp>,
    /// When this attempt began.
    pub started: Timestamp,
    /// When it last moved.
    pub updated: Timestamp,
    /// Who started it.
    pub actor: Option<Person>,
    /// Where a browser shows it.
    pub url: Option<String>,
    /// What can be done with it.
    pub offers: Vec<Offer>,
}

impl Run {
    /// Which pipeline it is of: the place where it runs, and the pipeline's name. Runs of one pipeline can be compared.
    pub fn line(&self) -> (&str, &str, &str) {
        let place = self.id.path.rsplit_once('/').map_or("", |(place, _)| place);
        (self.id.source.as_str(), place, &self.pipeline)
    }

    /// Is it what `SERVICE#NUMBER` names? The numbers of two pipelines of a service can be alike.
    pub fn is_called(&self, name: &str) -> bool {
        let named = name.rsplit_once('#').filter(|(service, _)| *service == self.service.as_str());
        named.is_some_and(|(_, number)| number == self.number.to_string())
    }

    /// How long it took; `None` while it has not ended.
    pub fn took(&self) -> Option<Duration> {
        self.status.ended().then(|| age(self.updated, self.started))
    }

    /// How long it waited to begin, where the system tells when it could have.
    pub fn waited(&self) -> Option<Duration> {
        Some(age(self.started, self.queued?))
    }

    /// `failed`; where we do not know the word, the system's own: `half_done (unknown)`.
    pub fn status_words(&self) -> String {
        Status::said(self.status, self.raw.as_deref().unwrap_or_default()).words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(state: RunStatus) -> Node {
        Node::new(NodeKind::Job, state.to_string(), Status::said(state, ""))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn a_word_that_we_do_not_know_stays_readable_and_is_no_success() {
        let status = Status::said(RunStatus::Unknown, "half_done\u{1b}[2J");
        assert_eq!(status.words(), "half_done (unknown)");
        assert!(!status.state.ended() && !status.is_failure());
        let soft = Status::said(RunStatus::Failed, "failed").with(Flag::SoftFailed, true);
        assert_eq!((soft.words().as_str(), soft.is_failure()), ("failed, soft", false));
    }

    #[test]
    fn a_stage_is_where_its_jobs_are_and_unknown_before_anything_else() {
        use RunStatus::{Cancelled, Failed, Queued, Running, Skipped, Succeeded, Unknown, Waiting};
        let table = [
            (vec![Succeeded, Skipped], Succeeded),
            (vec![Succeeded, Failed, Running], Running),
            (vec![Succeeded, Failed, Cancelled], Failed),
            (vec![Running, Waiting], Waiting),
            (vec![Queued, Succeeded], Queued),
            (vec![Succeeded, Unknown, Failed], Unknown),
            (vec![], Unknown),
        ];
        for (states, wanted) in table {
            let stage = Node::stage("test", states.iter().copied().map(job).collect());
            assert_eq!(stage.status.state, wanted, "{states:?}");
        }
        let soft = Node { status: job(Failed).status.with(Flag::SoftFailed, true), ..job(Failed) };
        assert_eq!(Node::stage("test", vec![soft, job(Succeeded)]).status.state, Succeeded);
    }

    #[test]
    fn a_stage_took_as_long_as_its_jobs_together_and_has_no_end_while_one_of_them_has_none() {
        let timed = |from, to| Node { started: Some(at(from)), ended: Some(at(to)), ..job(RunStatus::Succeeded) };
        let stage = Node::stage("test", vec![timed(10, 40), timed(5, 20)]);
        assert_eq!(stage.took(at(99)), Some(Duration::from_secs(35)));
        let stage = Node::stage("test", vec![timed(10, 40), job(RunStatus::Succeeded)]);
        assert_eq!((stage.ended, stage.took(at(99))), (None, Some(Duration::from_secs(89))));
        let rows: Vec<_> = rows(std::slice::from_ref(&stage)).iter().map(|(depth, node)| (*depth, node.kind)).collect();
        assert_eq!(rows, [(0, NodeKind::Stage), (1, NodeKind::Job), (1, NodeKind::Job)]);
    }

    #[test]
    fn how_long_a_machine_was_waited_for_is_told_only_where_the_system_tells_it() {
        let waits = Node { queued: Some(at(10)), ..job(RunStatus::Queued) };
        assert_eq!(waits.waited(at(25)), Some(Duration::from_secs(15)));
        let begun = Node { queued: Some(at(10)), started: Some(at(17)), ..job(RunStatus::Running) };
        assert_eq!(
            (begun.waited(at(99)), begun.took(at(20))),
            (Some(Duration::from_secs(7)), Some(Duration::from_secs(3)))
        );
        assert_eq!(job(RunStatus::Running).waited(at(1)), None);
    }
}
