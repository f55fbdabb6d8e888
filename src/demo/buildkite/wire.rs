//! The JSON of what there is: Buildkite's published examples as templates, and what of each is another here.

use serde_json::{Map, Value, json};

use crate::{
    demo::buildkite::{
        build::{Build, Job, Pipeline, Stage, uuid},
        spec::AgentSpec,
    },
    domain::time::Timestamp,
};

/// Every key of an object of each kind (buildkite.com/docs/apis/rest-api/builds, …/jobs).
const BUILD: &str = include_str!("template/build.json");
const PIPELINE: &str = include_str!("template/pipeline.json");
const SCRIPT: &str = include_str!("template/script.json");
const MANUAL: &str = include_str!("template/manual.json");
const USER: &str = include_str!("template/user.json");

/// What every `url` begins with, and every `web_url`.
const API: &str = "https://api.buildkite.com/v2/organizations";
const WEB: &str = "https://buildkite.com";

/// A template with what is another in it.
fn filled(template: &str, id: &str, values: Value) -> Map<String, Value> {
    let mut whole: Map<String, Value> = serde_json::from_str(template).unwrap_or_default();
    whole.insert("id".to_owned(), json!(id));
    whole.insert("graphql_id".to_owned(), json!(format!("graphql-{id}")));
    if let Value::Object(values) = values {
        whole.extend(values);
    }
    whole
}

/// `2026-03-10T02:07:00.000Z`.
fn time(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn person(name: &str) -> Value {
    let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
    filled(USER, &uuid(&["user", name]), json!({"name": name, "email": email})).into()
}

/// A build, with or without its jobs and its pipeline.
pub(super) fn build(pipeline: &Pipeline, build: &Build, (jobs, whole): (bool, bool)) -> Value {
    let (number, slug, organization) = (build.number, &pipeline.slug, &pipeline.organization);
    let url = format!("{API}/{organization}/pipelines/{slug}/builds/{number}");
    let web = format!("{WEB}/{organization}/{slug}/builds/{number}");
    let (state, blocked) = build.state();
    let id = |number: u64| uuid(&["build", organization, slug, &number.to_string()]);
    let created = time(build.created);
    let begun = build.jobs.iter().any(|job| job.stage != Stage::Later);
    let mut keys = filled(
        BUILD,
        &id(number),
        json!({
            "url": url,
            "web_url": web,
            "number": number,
            "state": state,
            "blocked": blocked,
            "message": build.message,
            "commit": build.commit,
            "branch": build.branch,
            "source": if build.rebuilt_from.is_some() { "api" } else { "webhook" },
            "creator": person(&build.creator),
            "jobs": build.jobs.iter().map(|one| job((&url, &web), build, one)).collect::<Vec<_>>(),
            "created_at": created,
            "scheduled_at": created,
            "started_at": begun.then_some(&created),
            "finished_at": build.finished().map(time),
            "meta_data": build.kept,
            "rebuilt_from": build.rebuilt_from.map(|from| json!({"id": id(from), "number": from})),
            "pipeline": self::pipeline(organization, slug),
        }),
    );
    for (key, shown) in [("jobs", jobs), ("pipeline", whole)] {
        if !shown {
            keys.remove(key);
        }
    }
    keys.into()
}

/// A pipeline, as a build carries it.
fn pipeline(organization: &str, slug: &str) -> Value {
    let url = format!("{API}/{organization}/pipelines/{slug}");
    let repository = format!("git@example.com:{organization}/{slug}.git");
    let (web, builds) = (format!("{WEB}/{organization}/{slug}"), format!("{url}/builds"));
    let values =
        json!({"url": url, "web_url": web, "name": slug, "slug": slug, "repository": repository, "builds_url": builds});
    filled(PIPELINE, &uuid(&["pipeline", slug]), values).into()
}

/// A job, below the addresses of its build. A block step has keys of its own.
pub(super) fn job((url, web): (&str, &str), build: &Build, job: &Job) -> Value {
    let id = &job.id;
    let never = |stage: &Stage| if let Stage::Never(state) = stage { *state } else { "finished" };
    if let Some(label) = &job.step.block {
        let (state, by, at) = match &job.stage {
            // Later and now are told apart by `unblockable` only.
            Stage::Later | Stage::Blocked => ("blocked", None, None),
            Stage::Unblocked { at, by } => ("unblocked", Some(person(by)), Some(time(*at))),
            stage => (never(stage), None, None),
        };
        let (waits, url) = (job.stage == Stage::Blocked, format!("{web}#{id}"));
        let values = json!({
            "label": label, "state": state, "step_key": job.step.key, "unblocked_by": by, "unblocked_at": at,
            "unblockable": waits, "unblock_url": url,
        });
        return filled(MANUAL, id, values).into();
    }
    let (state, started, finished) = match &job.stage {
        Stage::Later => ("waiting", None, None),
        Stage::Scheduled(_) => ("scheduled", None, None),
        Stage::Running { since, .. } => ("running", Some(time(*since)), None),
        Stage::Ended { since, at, state } => (*state, Some(time(*since)), Some(time(*at))),
        stage => (never(stage), None, None),
    };
    let exit = [("passed", 0), ("failed", 1)].into_iter().find(|(ended, _)| *ended == state).map(|(_, exit)| exit);
    let (log, created) = (format!("{url}/jobs/{id}/log"), time(build.created));
    let runnable = if let Stage::Scheduled(at) = &job.stage { Some(time(*at)) } else { started.clone() };
    let values = json!({
        "agent_query_rules": job.step.agents, "name": job.step.label, "step_key": job.step.key, "step": {"id": uuid(&["step", id]), "signature": null},
        "state": state, "soft_failed": state == "failed" && job.step.soft_fail, "exit_status": exit,
        "build_url": url, "web_url": format!("{web}#{id}"), "log_url": log, "raw_log_url": format!("{log}.txt"),
        "artifacts_url": format!("{url}/jobs/{id}/artifacts"), "created_at": created, "scheduled_at": created,
        "runnable_at": runnable, "started_at": started, "finished_at": finished,
        "retried": job.retried_in.is_some(), "retried_in_job_id": job.retried_in,
    });
    filled(SCRIPT, id, values).into()
}

/// An agent that is connected.
pub(super) fn agent(spec: &AgentSpec, of: &str) -> Value {
    let id = uuid(&["agent", of, &spec.name]);
    let job = spec.busy.then(|| json!({"id": uuid(&["elsewhere", &id]), "type": "script", "state": "running"}));
    json!({
        "id": id, "name": spec.name, "connection_state": "connected", "hostname": spec.name, "paused": spec.paused,
        "job": job, "meta_data": spec.tags,
    })
}

/// What the agent writes last where a command failed.
const EXITED: &str = "\u{1b}[31m🚨 Error: The command exited with status 1\u{1b}[0m";

/// A job's log as it is at `now`, as its agent sends it: each line behind a mark of when it came. Its own lines share its time evenly.
pub(super) fn log(job: &Job, now: Timestamp) -> String {
    let (since, until, failed) = match &job.stage {
        Stage::Running { since, until } => (*since, *until, false),
        Stage::Ended { since, at, state } => (*since, *at, *state == "failed"),
        _ => return String::new(),
    };
    let own = job.step.log.iter().map(String::as_str).chain(failed.then_some(EXITED));
    let parts = i32::try_from(job.step.log.len()).unwrap_or(i32::MAX).saturating_add(1);
    let each = (until - since).checked_div(parts).unwrap_or_default();
    let begin = [(since, "~~~ Running commands"), (since, "$ make")];
    let own = own.zip(1..).map(|(line, place)| (since + each * place, line));
    let came = begin.into_iter().chain(own).filter(|(at, _)| *at <= now);
    came.fold(String::new(), |text, (at, line)| format!("{text}\u{1b}_bk;t={}\u{7}{line}\r\n", at.timestamp_millis()))
}
