//! The tree of a build: its jobs in order, its block steps between them, and the builds that jobs began. What a block step is about
//! stands in `gate`.

use std::collections::BTreeMap;

use crate::{
    domain::{
        ids::SourceName,
        pipeline::{Flag, LogRef, Node, NodeKind, RunStatus, Status},
        runners::Runners,
        text::clean,
    },
    provider::buildkite::{
        address::Address,
        api,
        normalize::{called, waits},
    },
};

/// The tree of these jobs, in Buildkite's order; `organization` is whose builds they begin, `runners` what there is for those that wait
/// for an agent.
pub(super) fn tree(
    source: &SourceName,
    organization: &str,
    jobs: &[api::Job],
    runners: &BTreeMap<String, Runners>,
) -> Vec<Node> {
    let one = |job: &api::Job| {
        let runners = job.id.as_ref().and_then(|id| runners.get(id).cloned());
        Some(Node { runners, ..node(source, organization, job)? })
    };
    jobs.iter().filter_map(one).collect()
}

/// Where a job is.
pub(super) fn state(job: &api::Job) -> RunStatus {
    match job.state.as_deref().unwrap_or_default() {
        "blocked" if waits(job) => RunStatus::Waiting,
        "pending" | "waiting" | "blocked" | "limiting" | "limited" | "platform_limiting" | "platform_limited"
        | "scheduled" | "reserved" | "assigned" | "accepted" => RunStatus::Queued,
        "running" | "canceling" | "timing_out" => RunStatus::Running,
        "passed" | "unblocked" => RunStatus::Succeeded,
        "failed" | "timed_out" | "expired" => RunStatus::Failed,
        "canceled" => RunStatus::Cancelled,
        "skipped" | "broken" | "waiting_failed" | "blocked_failed" | "unblocked_failed" => RunStatus::Skipped,
        "finished" => match job.exit_status {
            Some(0) => RunStatus::Succeeded,
            Some(_) => RunStatus::Failed,
            None => RunStatus::Unknown,
        },
        _ => RunStatus::Unknown,
    }
}

/// A job or a block step. `None` for what is neither to people: a wait step, what was tried again, what has no id.
fn node(source: &SourceName, organization: &str, wire: &api::Job) -> Option<Node> {
    if wire.retried == Some(true) || wire.kind.as_deref() == Some("waiter") {
        return None;
    }
    let id = wire.id.as_deref()?;
    let mut name = called(wire);
    if let (Some(index), Some(total)) = (wire.parallel_group_index, wire.parallel_group_total) {
        name = format!("{name} {}/{total}", index + 1);
    }
    let word = wire.state.as_deref().unwrap_or_default();
    let status = Status::said(state(wire), word)
        .with(Flag::SoftFailed, wire.soft_failed == Some(true))
        .with(Flag::TimedOut, word == "timed_out")
        .with(Flag::Stopping, matches!(word, "canceling" | "timing_out"));
    // A block step has no log, nor has a job that only begins a build.
    let has_log = matches!(wire.kind.as_deref(), None | Some("script"));
    let kind = if wire.is_block() { NodeKind::Stage } else { NodeKind::Job };
    let child = wire.triggered_build.as_ref().map(|build| child(source, organization, build, status.state));
    Some(Node {
        queued: wire.runnable_at,
        started: wire.started_at,
        ended: wire.finished_at,
        attempt: wire.retries_count.map(|retries| retries.saturating_add(1)),
        runner: wire.agent.as_ref().and_then(|agent| agent.name.as_deref()).map(clean),
        log: has_log.then(|| LogRef::new(id)),
        nodes: child.into_iter().collect(),
        ..Node::new(kind, name, status)
    })
}

/// `deploy build 41`: the build that a job began. Where it is, only the job that waits for it says.
fn child(source: &SourceName, organization: &str, build: &api::Triggered, state: RunStatus) -> Node {
    let slug = || build.url.as_deref()?.split_once("/pipelines/")?.1.split('/').next();
    let number = build.number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    let name = clean(&format!("{} build {number}", slug().unwrap_or("another")));
    let run = slug().zip(build.number).map(|(slug, number)| Address::run_id(source, organization, slug, number));
    Node { run, ..Node::new(NodeKind::Child, name, Status::said(state, "")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_for_a_job_has_one_meaning() {
        let of = |kind: &str, state: &str, exit_status| {
            let (kind, state) = (Some(kind.to_owned()), Some(state.to_owned()));
            super::state(&api::Job { kind, state, exit_status, ..api::Job::default() })
        };
        let table = [
            ("pending waiting blocked limiting limited platform_limiting platform_limited", RunStatus::Queued),
            ("scheduled reserved assigned accepted", RunStatus::Queued),
            ("running canceling timing_out", RunStatus::Running),
            ("passed unblocked", RunStatus::Succeeded),
            ("failed timed_out expired", RunStatus::Failed),
            ("canceled", RunStatus::Cancelled),
            ("skipped broken waiting_failed blocked_failed unblocked_failed", RunStatus::Skipped),
            ("sleeping", RunStatus::Unknown),
        ];
        for (states, wanted) in table {
            for state in states.split(' ') {
                assert_eq!(of("script", state, None), wanted, "{state}");
            }
        }
        let finished = [Some(0), Some(1), None].map(|exit| of("script", "finished", exit));
        assert_eq!(finished, [RunStatus::Succeeded, RunStatus::Failed, RunStatus::Unknown]);
        assert_eq!(of("manual", "blocked", None), RunStatus::Waiting);
    }
}
