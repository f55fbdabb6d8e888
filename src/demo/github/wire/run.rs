//! The JSON of runs, jobs and steps.

use serde_json::{Value, json};

use crate::demo::rest::fnv;
use crate::{
    demo::github::{
        repo::Repo,
        run::{Attempt, Job, Run, Stage},
        wire::{API, WEB, account, millis, node, repository, time},
    },
    domain::time::Timestamp,
};

/// A run, in one of its attempts.
pub(in crate::demo::github) fn run(repo: &Repo, run: &Run, attempt: &Attempt) -> Value {
    let (full, id) = (repo.full_name(), run.id);
    let plan = repo.workflow(run.workflow).map(|w| &w.plan);
    let (status, conclusion) = attempt.status();
    let suite = fnv(id, ["check suite"]) % 90_000_000_000;
    let url = format!("{API}/repos/{full}/actions/runs/{id}");
    let earlier = (attempt.number > 1).then(|| format!("{url}/attempts/{}", attempt.number - 1));
    json!({
        "id": id,
        "name": plan.map(|w| &w.name),
        "node_id": node("WFR", id),
        "head_branch": run.branch,
        "head_sha": run.commit,
        "path": plan.map(|w| format!(".github/workflows/{}", w.file)),
        "display_title": run.title,
        "run_number": run.number,
        "event": if run.fork { "pull_request" } else { "push" },
        "status": status,
        "conclusion": conclusion,
        "workflow_id": run.workflow,
        "check_suite_id": suite,
        "check_suite_node_id": node("CS", suite),
        "url": url,
        "html_url": format!("{WEB}/{full}/actions/runs/{id}"),
        "pull_requests": [],
        "created_at": time(run.created),
        "updated_at": time(attempt.updated),
        "actor": account(&run.actor),
        "run_attempt": attempt.number,
        "referenced_workflows": [],
        "run_started_at": time(attempt.started),
        "triggering_actor": account(&attempt.by),
        "jobs_url": format!("{url}/jobs"),
        "logs_url": format!("{url}/logs"),
        "check_suite_url": format!("{API}/repos/{full}/check-suites/{suite}"),
        "artifacts_url": format!("{url}/artifacts"),
        "cancel_url": format!("{url}/cancel"),
        "rerun_url": format!("{url}/rerun"),
        "previous_attempt_url": earlier,
        "workflow_url": format!("{API}/repos/{full}/actions/workflows/{}", run.workflow),
        "head_commit": {
            "id": run.commit,
            "tree_id": format!("{:040x}", fnv(2, [run.commit.as_str()])),
            "message": run.title,
            "timestamp": time(run.created),
            "author": person(&run.actor),
            "committer": person(&run.actor),
        },
        "repository": repository(repo),
        "head_repository": repository(repo),
    })
}

fn person(login: &str) -> Value {
    json!({ "name": login, "email": format!("{login}@users.noreply.github.com") })
}

/// A job as it is at `now`.
pub(in crate::demo::github) fn job(repo: &Repo, run: &Run, job: &Job, now: Timestamp) -> Value {
    let (full, id) = (repo.full_name(), job.id);
    let (status, started, completed) = match job.stage {
        Stage::Blocked => ("pending", job.created, None),
        Stage::Waiting { since, .. } => ("waiting", since, None),
        Stage::Queued { since, .. } => ("queued", since, None),
        Stage::Running { since, .. } => ("in_progress", since, None),
        Stage::Done { since, at, .. } => ("completed", since, Some(at)),
    };
    // A job that never got a machine has none.
    let steps = steps(job, now);
    let machine = !steps.is_empty();
    json!({
        "id": id,
        "run_id": run.id,
        "workflow_name": repo.workflow(run.workflow).map(|w| &w.plan.name),
        "head_branch": run.branch,
        "run_url": format!("{API}/repos/{full}/actions/runs/{}", run.id),
        "run_attempt": job.attempt,
        "node_id": node("CR", id),
        "head_sha": run.commit,
        "url": format!("{API}/repos/{full}/actions/jobs/{id}"),
        "html_url": format!("{WEB}/{full}/actions/runs/{}/job/{id}", run.id),
        "status": status,
        "conclusion": job.conclusion(),
        "created_at": time(job.created),
        "started_at": time(started),
        "completed_at": completed.map(time),
        "name": job.plan.name,
        "steps": steps,
        "check_run_url": format!("{API}/repos/{full}/check-runs/{id}"),
        "labels": if job.plan.runs_on.is_empty() { vec!["ubuntu-latest"] } else { job.plan.runs_on.iter().map(String::as_str).collect() },
        "runner_id": machine.then_some(1),
        "runner_name": machine.then_some("GitHub Actions 1"),
        "runner_group_id": machine.then_some(0),
        "runner_group_name": machine.then_some("GitHub Actions"),
    })
}

/// The names of a job's steps.
pub(in crate::demo::github) fn step_names(job: &Job) -> Vec<&str> {
    let own = if job.plan.steps.is_empty() {
        vec![job.plan.name.as_str()]
    } else {
        job.plan.steps.iter().map(String::as_str).collect()
    };
    ["Set up job", "Run actions/checkout@v5"].into_iter().chain(own).chain(["Complete job"]).collect()
}

/// When the step at `index` of `count` begins, if they share the time evenly.
pub(in crate::demo::github) fn share(from: Timestamp, to: Timestamp, index: usize, count: usize) -> Timestamp {
    let part = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    (to - from).checked_div(part(count.max(1))).map_or(from, |each| from + each * part(index))
}

/// The steps of a job that got a machine, sharing its time evenly; the last but one fails when the job does.
fn steps(job: &Job, now: Timestamp) -> Vec<Value> {
    let (from, to, ended) = match job.stage {
        Stage::Running { since, until } => (since, until, None),
        Stage::Done { since, at, conclusion } if at > since => (since, at, Some(conclusion)),
        _ => return Vec::new(),
    };
    let names = step_names(job);
    let count = names.len();
    let step = |(index, name): (usize, &str)| {
        let (begin, end) = (share(from, to, index, count), share(from, to, index + 1, count));
        let own_last = index + 2 == count;
        let conclusion = match ended {
            Some(bad) if own_last && bad != "success" => Some(bad),
            Some(_) => Some("success"),
            None => (end <= now).then_some("success"),
        };
        let status = match conclusion {
            Some(_) => "completed",
            None if begin <= now => "in_progress",
            None => "queued",
        };
        json!({
            "name": name,
            "status": status,
            "conclusion": conclusion,
            "number": index + 1,
            "started_at": (status != "queued").then(|| millis(begin)),
            "completed_at": conclusion.map(|_| millis(end)),
        })
    };
    names.into_iter().enumerate().map(step).collect()
}
