//! The tree of a pipeline: its stages in order, the jobs of each, and the pipelines that bridges began.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    domain::{
        ids::SourceName,
        pipeline::{Flag, LogRef, Node, NodeKind, Status},
        runners::Runners,
        text::clean,
    },
    provider::gitlab::{
        address::Address,
        api,
        normalize::{job_status, status},
    },
};

/// What a job failed of that took too long.
const TOO_LONG: [&str; 2] = ["job_execution_timeout", "stuck_or_timeout_failure"];

/// The tree of these jobs and bridges. GitLab tells no order of stages: their jobs are numbered in it.
/// `runners` is what there is for those that wait for one.
pub(super) fn tree(
    source: &SourceName,
    jobs: Vec<api::Job>,
    bridges: Vec<api::Job>,
    runners: &BTreeMap<u64, Runners>,
) -> Vec<Node> {
    let jobs = jobs.into_iter().map(|job| (job, false));
    let mut all: Vec<(api::Job, bool)> = jobs.chain(bridges.into_iter().map(|job| (job, true))).collect();
    all.sort_by_key(|(job, _)| job.id);
    let mut stages: Vec<(String, Vec<Node>)> = Vec::new();
    for (job, is_bridge) in all {
        let stage = clean(job.stage.as_deref().unwrap_or("no stage"));
        let runners = job.id.and_then(|id| runners.get(&id).cloned());
        let node = Node { runners, ..node(source, &job, is_bridge) };
        match stages.iter_mut().find(|(name, _)| *name == stage) {
            Some((_, nodes)) => nodes.push(node),
            None => stages.push((stage, vec![node])),
        }
    }
    stages.into_iter().map(|(name, nodes)| Node::stage(name, nodes)).collect()
}

fn node(source: &SourceName, wire: &api::Job, is_bridge: bool) -> Node {
    let word = wire.status.as_deref().unwrap_or_default();
    let failed_by = wire.failure_reason.as_deref().unwrap_or_default();
    let status = Status::said(job_status(wire), word)
        .with(Flag::SoftFailed, word == "failed" && wire.allow_failure == Some(true))
        .with(Flag::TimedOut, word == "failed" && TOO_LONG.contains(&failed_by))
        .with(Flag::Stopping, word == "canceling");
    let waited = wire.queued_duration.map(Duration::from_secs);
    let queued = wire
        .started_at
        .zip(waited)
        .and_then(|(began, waited)| began.checked_sub_signed(chrono::TimeDelta::from_std(waited).ok()?));
    // A bridge has no log: what it began has.
    let log = wire.id.filter(|_| !is_bridge).map(|id| LogRef::new(id.to_string()));
    Node {
        queued,
        started: wire.started_at,
        ended: wire.finished_at.filter(|_| wire.started_at.is_some()),
        runner: wire.runner.as_ref().and_then(|runner| runner.description.as_deref()).map(clean),
        log,
        nodes: wire.downstream_pipeline.as_deref().map(|pipeline| child(source, pipeline)).into_iter().collect(),
        ..Node::new(NodeKind::Job, clean(wire.name.as_deref().unwrap_or("no name")), status)
    }
}

/// `deploy/fleet pipeline 48`: what a bridge began. Its page names its project.
fn child(source: &SourceName, wire: &api::Pipeline) -> Node {
    let project = wire.web_url.as_deref().and_then(project_of);
    let number = wire.id.map_or_else(|| "?".to_owned(), |id| id.to_string());
    let name = clean(&format!("{} pipeline {number}", project.as_deref().unwrap_or("another")));
    let run = project.zip(wire.id).map(|(project, id)| Address::run_id(source, &project, id));
    let run = run.filter(|run| Address::parse(run).is_some());
    // GitLab does not say there when it ended: when it last moved.
    let ended = wire.updated_at.filter(|_| status(wire).ended());
    Node {
        run,
        started: wire.created_at,
        ended,
        ..Node::new(NodeKind::Child, name, Status::said(status(wire), wire.status.as_deref().unwrap_or_default()))
    }
}

/// `https://ci.test/acme/deploy/fleet/-/pipelines/48` is of `acme/deploy/fleet`.
fn project_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let (project, _) = path.split_once("/-/")?;
    Some(project.to_owned())
}

/// Has a job ended?
pub(super) fn ended(job: &api::Job) -> bool {
    job_status(job).ended() && job.status.as_deref() != Some("manual")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_of_a_pipeline_is_told_by_its_page() {
        assert_eq!(
            project_of("https://ci.test/acme/deploy/fleet/-/pipelines/48").as_deref(),
            Some("acme/deploy/fleet")
        );
        assert_eq!(project_of("https://ci.test/acme/pipelines/48"), None);
    }
}
