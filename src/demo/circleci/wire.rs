//! The JSON of what there is: of `/api/v2` as CircleCI's documentation and clients have it, of `/api/v3` as the server has it that its command
//! line is tested with (`internal/testing/fakes/circleci.go` of CircleCI-Public/circleci-cli).

use serde_json::{Value, json};

use crate::{
    demo::{
        circleci::{
            Project,
            pipeline::{Job, Pipeline, Stage, Workflow},
        },
        rest::uuid,
    },
    domain::time::Timestamp,
};

/// `2026-03-10T02:07:00.000Z`.
pub(super) fn time(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn repository(project: &Project) -> String {
    let (_, path) = project.spec.slug.split_once('/').unwrap_or_default();
    format!("https://github.com/{path}")
}

/// A project of `/api/v2`.
pub(super) fn project(project: &Project, org: &str) -> Value {
    let slug = &project.spec.slug;
    let mut parts = slug.rsplit('/');
    let (name, organization) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    json!({
        "id": project.id, "slug": slug, "name": name, "organization_name": organization,
        "organization_slug": slug.rsplit_once('/').map(|(org, _)| org), "organization_id": org,
        "vcs_info": {"vcs_url": repository(project), "provider": "GitHub", "default_branch": "main"},
    })
}

/// An environment variable of a project: all but four letters of it are masked.
pub(super) fn masked(name: &str) -> Value {
    json!({"name": name, "value": "xxxx1234", "created-at": null})
}

/// An environment variable of a context, set then.
pub(super) fn of_context(name: &str, context: &str, at: Timestamp) -> Value {
    json!({"variable": name, "context_id": context, "created_at": time(at), "updated_at": time(at), "truncated_value": "1234"})
}

/// A pipeline of `/api/v2`.
pub(super) fn pipeline(project: &Project, pipeline: &Pipeline) -> Value {
    let (spec, at, url) = (&pipeline.spec, time(pipeline.created), repository(project));
    let mut vcs = json!({
        "provider_name": "GitHub", "origin_repository_url": url, "target_repository_url": url,
        "revision": spec.commit, "commit": {"subject": spec.subject, "body": ""},
    });
    for (name, value) in [("branch", &spec.branch), ("tag", &spec.tag)] {
        if let (Some(vcs), Some(value)) = (vcs.as_object_mut(), value) {
            vcs.insert(name.to_owned(), json!(value));
        }
    }
    json!({
        "id": pipeline.id, "errors": [], "project_slug": project.spec.slug, "updated_at": at, "number": spec.number,
        "state": "created", "created_at": at,
        "trigger": {"received_at": at, "type": "webhook", "actor": {"login": spec.user, "avatar_url": null}},
        "vcs": vcs,
    })
}

/// Where all of a pipeline is, in the words of `/api/v3`: phase, and outcome of the newest workflow of each name.
fn phase(pipeline: &Pipeline) -> (&'static str, &'static str) {
    let newest = |one: &&Workflow| {
        let later = pipeline.workflows.iter().filter(|other| other.name == one.name && other.created > one.created);
        later.count() == 0
    };
    let all: Vec<&str> = pipeline.workflows.iter().filter(newest).map(Workflow::status).collect();
    let outcome = |status: &str| match status {
        "success" => "succeeded",
        "failed" => "failed",
        "canceled" => "canceled",
        "unauthorized" => "unauthorized",
        _ => "",
    };
    if pipeline.workflows.iter().any(|one| !one.ended()) {
        return ("started", "");
    }
    ("ended", all.iter().map(|status| outcome(status)).find(|outcome| *outcome != "succeeded").unwrap_or("succeeded"))
}

/// What `pipeline.status` in a filter of `/api/v3` means of it.
pub(super) fn status(pipeline: &Pipeline) -> &'static str {
    let live = pipeline.workflows.iter().filter(|one| !one.ended()).map(Workflow::status);
    let live: Vec<&str> = live.collect();
    match (live.contains(&"running"), live.is_empty(), phase(pipeline).1) {
        (true, ..) => "running",
        (false, false, _) => "on_hold",
        (_, _, "succeeded") => "success",
        (_, _, other) => other,
    }
}

/// A run of `/api/v3`.
pub(super) fn run(project: &Project, pipeline: &Pipeline) -> Value {
    let (spec, (phase, outcome)) = (&pipeline.spec, phase(pipeline));
    let mut vcs = json!({
        "branch": spec.branch.as_deref().unwrap_or_default(),
        "revision": spec.commit,
        "commit": {
            "subject": spec.subject,
            "url": format!("{}/commit/{}", repository(project), spec.commit),
            "author": {"name": spec.user, "login": spec.user},
        },
    });
    if let (Some(vcs), Some(tag)) = (vcs.as_object_mut(), &spec.tag) {
        vcs.insert("tag".to_owned(), json!(tag));
    }
    json!({
        "id": pipeline.id,
        "attributes": {"created_at": time(pipeline.created), "current_outcome": outcome, "phase": phase},
        "references": {
            "event": {"attributes": {"vcs": vcs}},
            "trigger": {"attributes": {"event_source": {"type": "webhook"}}},
            "project": {"id": project.id},
            "user": {"id": uuid(&["user", &spec.user])},
        },
    })
}

/// A workflow of `/api/v2`.
pub(super) fn workflow(project: &Project, pipeline: &Pipeline, workflow: &Workflow) -> Value {
    json!({
        "pipeline_id": pipeline.id, "id": workflow.id, "name": workflow.name, "project_slug": project.spec.slug,
        "status": workflow.status(), "started_by": uuid(&["user", &pipeline.spec.user]),
        "pipeline_number": pipeline.spec.number, "created_at": time(workflow.created),
        "stopped_at": workflow.stopped().map(time),
    })
}

/// CircleCI's word for where a job is, when it began, and when it ended.
fn stage(job: &Job) -> (&'static str, Option<Timestamp>, Option<Timestamp>) {
    match &job.stage {
        Stage::Blocked => ("blocked", None, None),
        Stage::OnHold { since } | Stage::Approving { since, .. } => ("on_hold", Some(*since), None),
        Stage::Running { since, .. } => ("running", Some(*since), None),
        Stage::Ended { since, at, status: "unauthorized" } => ("unauthorized", None, Some(*at).filter(|_| since == at)),
        Stage::Ended { since, at, status } => (status, Some(*since), Some(*at)),
        Stage::Never(status) => (status, None, None),
    }
}

/// A job of a workflow of `/api/v2`. One that holds has no number, and the id that an approval names.
pub(super) fn job(project: &Project, workflow: &Workflow, place: usize) -> Option<Value> {
    let job = workflow.jobs.get(place)?;
    let (status, started, stopped) = stage(job);
    let before = place.checked_sub(1).and_then(|before| workflow.jobs.get(before));
    let mut value = json!({
        "dependencies": before.map(|job| &job.id).into_iter().collect::<Vec<_>>(),
        "id": job.id, "name": job.spec.name, "project_slug": project.spec.slug, "status": status,
        "type": if job.spec.hold { "approval" } else { "build" },
    });
    let fields = value.as_object_mut()?;
    if let Some(at) = started {
        fields.insert("started_at".to_owned(), json!(time(at)));
    }
    if let Some(at) = stopped {
        fields.insert("stopped_at".to_owned(), json!(time(at)));
    }
    if job.spec.hold {
        fields.insert("approval_request_id".to_owned(), json!(job.id));
    } else {
        fields.insert("job_number".to_owned(), json!(number(job)));
    }
    Some(value)
}

/// The number of a job in its project.
pub(super) fn number(job: &Job) -> u64 {
    300 + crate::demo::rest::fnv(0, [job.id.as_str()]) % 1_000_000
}

/// How the tests of a job ended; of one that has not, none is told.
pub(super) fn tests(pipeline: &Pipeline, job: &Job) -> Vec<Value> {
    let Stage::Ended { status, .. } = job.stage else { return Vec::new() };
    let bad = pipeline.spec.trouble.as_ref().filter(|trouble| trouble.job == job.spec.name && status == "failed");
    let one = |test: &String| {
        let (class, name) = test.rsplit_once('.').unwrap_or(("", test));
        let failed = bad.is_some_and(|trouble| trouble.tests.contains(test));
        json!({
            "classname": class, "file": null, "name": name, "run_time": 0.2, "source": "unknown",
            "message": if failed { format!("{name}: expected true, got false") } else { String::new() },
            "result": if failed { "failure" } else { "success" },
        })
    };
    job.spec.tests.iter().map(one).collect()
}

/// The steps of a job: two of CircleCI's own, and what it is for.
const STEPS: [(u64, &str, &str); 2] =
    [(0, "Spin up environment", "spinup_environment"), (101, "Checkout code", "checkout")];
pub(super) const OWN_STEP: u64 = 103;

/// A job of `/api/v3`, with its steps.
pub(super) fn detail(project: &Project, pipeline: &Pipeline, workflow: &Workflow, job: &Job) -> Value {
    let (status, started, stopped) = stage(job);
    let outcome = match status {
        "success" => "succeeded",
        "failed" | "canceled" | "unauthorized" | "not_run" => status,
        _ => "",
    };
    let phase = match job.stage {
        Stage::Blocked => "created",
        Stage::OnHold { .. } | Stage::Approving { .. } | Stage::Running { .. } => "started",
        Stage::Ended { .. } | Stage::Never(_) => "ended",
    };
    let step = |num: u64, name: &str, kind: &str, phase: &str, outcome: &str| {
        json!({
            "name": name, "type": kind, "num": num, "phase": phase, "outcome": outcome,
            "started_at": started.map(time), "ended_at": stopped.map(time),
        })
    };
    let mut steps: Vec<Value> = Vec::new();
    if started.is_some() && !job.spec.hold {
        steps.extend(STEPS.iter().map(|(num, name, kind)| step(*num, name, kind, "ended", "succeeded")));
        let mut own = step(OWN_STEP, &job.spec.name, "run", phase, outcome);
        if let Some(own) = own.as_object_mut() {
            own.insert("command".to_owned(), json!(format!("#!/bin/bash -eo pipefail\nmake {}", job.spec.name)));
            let exit = [("success", 0), ("failed", 1)].into_iter().find(|(ended, _)| *ended == status);
            if let Some((_, exit)) = exit {
                own.insert("exit_code".to_owned(), json!(exit));
            }
        }
        steps.push(own);
    }
    json!({"data": {
        "id": job.id,
        "attributes": {
            "name": job.spec.name, "type": if job.spec.hold { "approval" } else { "build" }, "phase": phase,
            "outcome": outcome, "started_at": started.map(time), "ended_at": stopped.map(time),
            "parallel_executions": [{"steps": steps}],
        },
        "references": {
            "project": {"id": project.id}, "workflow": {"id": workflow.id}, "pipeline": {"id": pipeline.id},
            "user": {"id": uuid(&["user", &pipeline.spec.user])},
        },
    }})
}

/// What a step of a job wrote to its first stream until `now`, and whether it writes no more. A job's own lines share its time evenly.
pub(super) fn stdout(job: &Job, step: u64, now: Timestamp) -> Option<(String, bool)> {
    let (since, until, ended) = match &job.stage {
        Stage::Running { since, until } => (*since, *until, false),
        Stage::Ended { since, at, .. } => (*since, *at, true),
        _ => return None,
    };
    match step {
        0 => Some(("Build-agent version 1.0\nStarting container cimg/base\n".to_owned(), true)),
        101 => Some(("Cloning into '.'...\n".to_owned(), true)),
        OWN_STEP => {
            let parts = i32::try_from(job.spec.log.len()).unwrap_or(i32::MAX).saturating_add(1);
            let each = (until - since).checked_div(parts).unwrap_or_default();
            let came = job.spec.log.iter().zip(1..).filter(|(_, place)| since + each * *place <= now);
            Some((came.fold(String::new(), |text, (line, _)| text + line + "\n"), ended))
        }
        _ => None,
    }
}

/// What it wrote to its second one.
pub(super) fn stderr(job: &Job, step: u64) -> Option<String> {
    let failed = matches!(job.stage, Stage::Ended { status: "failed", .. });
    (failed && step == OWN_STEP).then(|| "\u{1b}[31mmake: *** [Makefile:7] Error 1\u{1b}[0m\n".to_owned())
}
