//! The tree of a workflow: its jobs in the order in which they follow each other, and the holds between them.

use crate::{
    domain::{
        pipeline::{Flag, LogRef, Node, NodeKind, RunStatus, Status},
        text::clean,
    },
    provider::circleci::api,
};

/// What CircleCI says of a job whose machine failed, or that was never let in.
const INFRASTRUCTURE: &str = "infrastructure_fail";
pub(super) const UNAUTHORIZED: &str = "unauthorized";

/// The tree of these jobs, in CircleCI's order.
pub(super) fn tree(jobs: &[api::Job]) -> Vec<Node> {
    jobs.iter().map(node).collect()
}

/// Where a job is.
pub(super) fn state(job: &api::Job) -> RunStatus {
    match job.word() {
        "success" => RunStatus::Succeeded,
        "running" | "failing" => RunStatus::Running,
        "queued" | "not_running" | "blocked" => RunStatus::Queued,
        "on_hold" => RunStatus::Waiting,
        "failed" | "timedout" | "terminated-unknown" | INFRASTRUCTURE | UNAUTHORIZED => RunStatus::Failed,
        "canceled" => RunStatus::Cancelled,
        "not_run" | "retried" => RunStatus::Skipped,
        _ => RunStatus::Unknown,
    }
}

fn node(wire: &api::Job) -> Node {
    let status = Status::said(state(wire), wire.word()).with(Flag::TimedOut, wire.word() == "timedout");
    let kind = if wire.is_hold() { NodeKind::Stage } else { NodeKind::Job };
    // One that never began wrote nothing.
    let log = wire.id.as_deref().filter(|_| !wire.is_hold() && wire.started_at.is_some()).map(LogRef::new);
    let name = clean(wire.name.as_deref().unwrap_or("no name"));
    // A word that is worth more than ours stands behind the name.
    let name = match wire.word() {
        UNAUTHORIZED => {
            format!("{name} (unauthorized: a context that it uses does not let in who approved or began it)")
        }
        INFRASTRUCTURE => format!("{name} (its machine failed)"),
        _ => name,
    };
    Node { started: wire.started_at, ended: wire.stopped_at, log, ..Node::new(kind, name, status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_for_a_job_has_one_meaning() {
        let table = [
            ("success", RunStatus::Succeeded),
            ("running", RunStatus::Running),
            ("queued not_running blocked", RunStatus::Queued),
            ("on_hold", RunStatus::Waiting),
            ("failed timedout terminated-unknown infrastructure_fail unauthorized", RunStatus::Failed),
            ("canceled", RunStatus::Cancelled),
            ("not_run retried", RunStatus::Skipped),
            ("sleeping", RunStatus::Unknown),
        ];
        for (words, wanted) in table {
            for word in words.split(' ') {
                let job = api::Job { status: Some(word.to_owned()), ..api::Job::default() };
                assert_eq!(state(&job), wanted, "{word}");
            }
        }
    }
}
