//! The tree of a run: its jobs with their steps. Jobs of a workflow that another one uses are called `USES / JOB` by GitHub: they stand
//! below a stage of that name.

use std::collections::BTreeMap;

use crate::{
    domain::{
        pipeline::{Flag, LogRef, Node, NodeKind, RunStatus, Status},
        runners::Runners,
        text::clean,
    },
    provider::github::{
        api,
        normalize::{status, word},
    },
};

/// What stands between the name of what is used and the name of its job.
const BELOW: &str = " / ";

/// The tree of these jobs, in GitHub's order; `runners` is what there is for those that wait for one.
pub(super) fn tree<'a>(jobs: impl Iterator<Item = &'a api::Job>, runners: &BTreeMap<u64, Runners>) -> Vec<Node> {
    let mut tree: Vec<Node> = Vec::new();
    let mut stages: Vec<(String, Vec<Node>)> = Vec::new();
    let known = |wire: &api::Job| {
        let runners = wire.id.and_then(|id| runners.get(&id).cloned());
        Some(Node { runners, ..job(wire)? })
    };
    for job in jobs.filter_map(known) {
        let Some((stage, name)) = job.name.split_once(BELOW).map(|(stage, name)| (stage.to_owned(), name.to_owned()))
        else {
            tree.push(job);
            continue;
        };
        let job = Node { name, ..job };
        if let Some((_, nodes)) = stages.iter_mut().find(|(known, _)| *known == stage) {
            nodes.push(job);
        } else {
            // Its place is that of its first job.
            tree.push(Node::stage(stage.clone(), Vec::new()));
            stages.push((stage, vec![job]));
        }
    }
    for node in tree.iter_mut().filter(|node| node.kind == NodeKind::Stage) {
        if let Some(place) = stages.iter().position(|(stage, _)| *stage == node.name) {
            let (stage, nodes) = stages.swap_remove(place);
            *node = Node::stage(stage, nodes);
        }
    }
    tree
}

fn state(of: Option<&str>, conclusion: Option<&str>) -> Status {
    let word = word(of, conclusion);
    Status::said(status(of, conclusion), word).with(Flag::TimedOut, word.eq_ignore_ascii_case("timed_out"))
}

/// A job. `None` when it has no id.
fn job(wire: &api::Job) -> Option<Node> {
    let id = wire.id?.to_string();
    let status = state(wire.status.as_deref(), wire.conclusion.as_deref());
    // GitHub fills `started_at` of a job that waits with the time it began to wait.
    let begun = !matches!(status.state, RunStatus::Queued | RunStatus::Waiting);
    let has_log = begun && status.state != RunStatus::Skipped;
    // A job that waits for people waits for no machine.
    let queued = wire.created_at.filter(|_| !matches!(status.state, RunStatus::Waiting | RunStatus::Skipped));
    Some(Node {
        queued,
        started: wire.started_at.filter(|_| begun),
        ended: wire.completed_at,
        attempt: wire.run_attempt,
        runner: wire.runner_name.as_deref().map(clean).filter(|name| !name.is_empty()),
        log: has_log.then(|| LogRef::new(id)),
        nodes: wire.steps.iter().map(step).collect(),
        ..Node::new(NodeKind::Job, clean(wire.name.as_deref().unwrap_or_default()), status)
    })
}

fn step(wire: &api::Step) -> Node {
    let status = state(wire.status.as_deref(), wire.conclusion.as_deref());
    let name = clean(wire.name.as_deref().unwrap_or_default());
    Node { started: wire.started_at, ended: wire.completed_at, ..Node::new(NodeKind::Step, name, status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(id: u64, name: &str, conclusion: &str) -> api::Job {
        api::Job {
            id: Some(id),
            name: Some(name.to_owned()),
            status: Some("completed".to_owned()),
            conclusion: Some(conclusion.to_owned()),
            ..api::Job::default()
        }
    }

    #[test]
    fn jobs_of_a_workflow_that_is_used_stand_below_a_stage_at_the_place_of_the_first() {
        let jobs = [
            wire(1, "build", "success"),
            wire(2, "test / lint", "success"),
            wire(3, "deploy", "skipped"),
            wire(4, "test / unit", "timed_out"),
        ];
        let shown: Vec<String> = tree(jobs.iter(), &BTreeMap::new())
            .iter()
            .flat_map(|node| {
                crate::domain::pipeline::rows(std::slice::from_ref(node))
                    .into_iter()
                    .map(|(depth, node)| {
                        format!("{}{} {} {}", "  ".repeat(depth), node.kind, node.name, node.status.words())
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(
            shown,
            [
                "job build succeeded",
                "stage test failed",
                "  job lint succeeded",
                "  job unit failed, timed out",
                "job deploy skipped"
            ]
        );
    }

    #[test]
    fn a_conclusion_that_we_do_not_know_is_unknown_and_readable() {
        let all = tree([wire(1, "build", "half_done")].iter(), &BTreeMap::new());
        assert_eq!(all[0].status, Status::said(RunStatus::Unknown, "half_done"));
    }
}
