//! The tree of a build: what it writes as a whole, and its stages. Jenkins itself knows none; two plugins tell them.

use std::time::Duration;

use crate::{
    domain::{
        pipeline::{Flag, LogRef, Node, NodeKind, RunStatus, Status},
        text::clean,
        time::after,
    },
    provider::jenkins::{
        api::{Build, Stage},
        normalize::{plain, status},
    },
};

/// The name of what a build writes as a whole.
pub(super) const CONSOLE: &str = "console";
/// What stands before the id of a stage in the name of its log, by which plugin tells it.
pub(super) const STAGE: &str = "stage-";
pub(super) const GRAPH: &str = "graph-";

/// Where a stage is; `live` while its build goes on. Both plugins have words of their own.
pub(super) fn state(stage: &Stage, live: bool) -> RunStatus {
    let word = stage.status.as_deref().or(stage.state.as_deref()).unwrap_or_default();
    match word.to_ascii_uppercase().as_str() {
        "NOT_EXECUTED" if live => RunStatus::Queued,
        "QUEUED" => RunStatus::Queued,
        "IN_PROGRESS" | "RUNNING" => RunStatus::Running,
        "PAUSED_PENDING_INPUT" | "PAUSED" => RunStatus::Waiting,
        "SUCCESS" | "FINISHED" => RunStatus::Succeeded,
        "FAILED" | "FAILURE" | "UNSTABLE" => RunStatus::Failed,
        "ABORTED" => RunStatus::Cancelled,
        "NOT_EXECUTED" | "NOT_BUILT" | "SKIPPED" => RunStatus::Skipped,
        _ => RunStatus::Unknown,
    }
}

/// What the whole build writes, and its stages behind it; `prefix` says by which plugin these are told.
pub(super) fn tree(build: &Build, stages: &[Stage], prefix: &str) -> Vec<Node> {
    let word = build.result.as_deref().unwrap_or(if build.building == Some(true) { "building" } else { "" });
    let whole = Node {
        started: build.timestamp,
        ended: build
            .timestamp
            .zip(span(build.duration))
            .map(|(at, took)| after(at, took))
            .filter(|_| status(build).ended()),
        log: Some(LogRef::new(CONSOLE)),
        ..Node::new(NodeKind::Job, CONSOLE, Status::said(status(build), word))
    };
    let live = !status(build).ended();
    std::iter::once(whole).chain(stages.iter().map(|stage| node(stage, prefix, live))).collect()
}

fn span(millis: Option<i64>) -> Option<Duration> {
    u64::try_from(millis?).ok().filter(|millis| *millis > 0).map(Duration::from_millis)
}

fn node(stage: &Stage, prefix: &str, live: bool) -> Node {
    let word = stage.status.as_deref().or(stage.state.as_deref()).unwrap_or_default();
    let is_at = state(stage, live);
    let name = plain(stage.name.as_deref().unwrap_or_default());
    let took = span(stage.duration_millis.or(stage.total_duration_millis));
    let status = Status::said(is_at, word).with(Flag::SoftFailed, word.eq_ignore_ascii_case("unstable"));
    let begun = !matches!(is_at, RunStatus::Queued | RunStatus::Skipped);
    Node {
        started: stage.start_time_millis,
        ended: stage.start_time_millis.zip(took).map(|(at, took)| after(at, took)).filter(|_| is_at.ended()),
        runner: stage.agent.as_deref().map(clean).filter(|agent| !agent.is_empty()),
        log: stage.id.as_deref().filter(|_| begun).map(|id| LogRef::new(format!("{prefix}{id}"))),
        nodes: stage.children.iter().flatten().map(|child| node(child, prefix, live)).collect(),
        ..Node::new(NodeKind::Stage, if name.is_empty() { "stage".to_owned() } else { name }, status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_of_both_plugins_has_one_meaning() {
        let of = |word: &str, live| state(&Stage { status: Some(word.to_owned()), ..Stage::default() }, live);
        let table = [
            ("QUEUED queued", RunStatus::Queued),
            ("IN_PROGRESS running", RunStatus::Running),
            ("PAUSED_PENDING_INPUT paused", RunStatus::Waiting),
            ("SUCCESS success finished", RunStatus::Succeeded),
            ("FAILED failure UNSTABLE unstable", RunStatus::Failed),
            ("ABORTED aborted", RunStatus::Cancelled),
            ("NOT_EXECUTED not_built skipped", RunStatus::Skipped),
            ("A_NEW_WORD unknown", RunStatus::Unknown),
        ];
        for (words, wanted) in table {
            for word in words.split(' ') {
                assert_eq!(of(word, false), wanted, "{word}");
            }
        }
        assert_eq!((of("NOT_EXECUTED", true), of("", false)), (RunStatus::Queued, RunStatus::Unknown));
    }
}
