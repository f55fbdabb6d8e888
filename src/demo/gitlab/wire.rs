//! The JSON of what there is, as GitLab's published examples have it (docs.gitlab.com/api/).

use serde_json::{Map, Value, json};

use crate::{
    demo::gitlab::{
        Project,
        pipeline::{Approval, Job, Pipeline, State},
        spec::{RunnerSpec, VariableSpec},
    },
    domain::time::Timestamp,
};

/// Where its own pages are.
pub(super) const WEB: &str = "https://gitlab.example";

pub(super) fn time(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Somebody. Only the name says anything.
pub(super) fn user(name: &str) -> Value {
    json!({
        "id": crate::demo::rest::fnv(0, [name]) % 10_000,
        "name": name,
        "username": name,
        "state": "active",
        "avatar_url": null,
        "web_url": format!("{WEB}/{name}"),
    })
}

/// A CI/CD variable. What is hidden comes without what it is.
pub(super) fn variable(spec: &VariableSpec) -> Value {
    json!({
        "variable_type": "env_var",
        "key": spec.key,
        "value": if spec.hidden { Value::Null } else { spec.value.as_str().into() },
        "protected": false,
        "masked": spec.hidden,
        "hidden": spec.hidden,
        "raw": false,
        "environment_scope": spec.scope,
        "description": null,
    })
}

pub(super) fn commit(pipeline: &Pipeline) -> Value {
    let spec = &pipeline.spec;
    json!({
        "id": spec.commit,
        "short_id": spec.commit.get(..8).unwrap_or(&spec.commit),
        "title": spec.title,
        "message": spec.title,
        "author_name": spec.user,
        "author_email": format!("{}@example.com", spec.user),
        "created_at": time(pipeline.created),
    })
}

/// Where the page of a pipeline is, from GitLab's own address on.
pub(super) fn path(project: &Project, pipeline: &Pipeline) -> String {
    format!("/{}/-/pipelines/{}", project.spec.path, pipeline.spec.id)
}

fn is_tag(reference: &str) -> bool {
    reference.starts_with('v') && reference.contains('.')
}

/// A pipeline, as lists have it.
pub(super) fn pipeline(project: &Project, pipeline: &Pipeline) -> Map<String, Value> {
    let spec = &pipeline.spec;
    let source = if spec.upstream.is_some() { "pipeline" } else { "push" };
    let value = json!({
        "id": spec.id,
        "iid": spec.id,
        "project_id": project.id,
        "status": pipeline.word(),
        "source": source,
        "ref": spec.reference,
        "sha": spec.commit,
        "name": null,
        "web_url": format!("{WEB}{}", path(project, pipeline)),
        "created_at": time(pipeline.created),
        "updated_at": time(pipeline.updated),
    });
    map(value)
}

fn map(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

/// A pipeline by itself.
pub(super) fn whole(project: &Project, one: &Pipeline) -> Value {
    let mut all = pipeline(project, one);
    let (started, finished, word) = (one.started(), one.finished(), one.word());
    let duration = started.zip(finished).map(|(from, to)| (to - from).num_seconds());
    all.extend(map(json!({
        "before_sha": "0000000000000000000000000000000000000000",
        "tag": is_tag(&one.spec.reference),
        "yaml_errors": null,
        "user": user(&one.spec.user),
        "started_at": started.map(time),
        "finished_at": finished.map(time),
        "committed_at": null,
        "duration": duration,
        "queued_duration": 0,
        "coverage": null,
        "detailed_status": {
            "icon": format!("status_{word}"), "text": word, "label": word, "group": word, "tooltip": word,
            "has_details": true, "details_path": path(project, one), "illustration": null,
            "favicon": format!("/assets/ci_favicons/favicon_status_{word}.png"),
        },
    })));
    Value::Object(all)
}

/// A runner, as lists have it: without its tags.
pub(super) fn runner(spec: &RunnerSpec, id: u64) -> Value {
    json!({
        "active": !spec.paused, "paused": spec.paused, "description": spec.name, "id": id, "ip_address": "", "is_shared": false,
        "runner_type": "project_type", "name": null, "online": !spec.offline,
        "status": if spec.offline { "offline" } else { "online" },
    })
}

/// A job, as it is alone and in the list of a pipeline's.
pub(super) fn job(project: &Project, one: &Pipeline, job: &Job) -> Value {
    let (started, finished) = match job.state {
        State::Running { since, .. } => (Some(since), None),
        State::Ended { since, at, .. } => (Some(since), Some(at)),
        _ => (None, None),
    };
    let duration =
        started.zip(finished).and_then(|(from, to)| (to - from).to_std().ok()).map(|span| span.as_secs_f64());
    let failure = (job.word() == "failed").then_some("script_failure");
    let runner = started.map(|_| json!({"id": 32, "description": "runner-eu-1", "active": true, "is_shared": true}));
    let mut value = map(json!({
        "id": job.id,
        "name": job.spec.name,
        "stage": job.spec.stage,
        "status": job.word(),
        "ref": one.spec.reference,
        "tag": is_tag(&one.spec.reference),
        "coverage": null,
        "allow_failure": job.spec.allow_failure,
        "created_at": time(one.created),
        "started_at": started.map(time),
        "finished_at": finished.map(time),
        "duration": duration,
        "queued_duration": started.map(|_| 4.0),
        "artifacts": [],
        "artifacts_expire_at": null,
        "tag_list": job.spec.tags,
        "runner": runner,
        "user": user(&one.spec.user),
        "commit": commit(one),
        "pipeline": pipeline(project, one),
        "project": {"ci_job_token_scope_enabled": false},
        "web_url": format!("{WEB}/{}/-/jobs/{}", project.spec.path, job.id),
    }));
    if let Some(failure) = failure {
        value.insert("failure_reason".to_owned(), failure.into());
    }
    Value::Object(value)
}

/// A job that begins another pipeline.
pub(super) fn bridge(project: &Project, one: &Pipeline, bridge: &Job, began: Option<(&Project, &Pipeline)>) -> Value {
    let mut value = map(job(project, one, bridge));
    let began = began.map(|(project, one)| Value::Object(pipeline(project, one)));
    value.insert("downstream_pipeline".to_owned(), began.unwrap_or_default());
    Value::Object(value)
}

pub(super) fn approval(approval: &Approval) -> Value {
    json!({
        "user": user(&approval.by),
        "status": approval.word,
        "created_at": time(approval.at),
        "comment": approval.comment,
    })
}

/// The deployment of a job; by itself with who approved it.
pub(super) fn deployment(project: &Project, one: &Pipeline, made_by: &Job, whole: bool) -> Option<Value> {
    let deployment = made_by.deployment.as_ref()?;
    let environment = made_by.spec.environment.as_deref().unwrap_or_default();
    let mut value = map(json!({
        "id": deployment.id,
        "iid": deployment.iid,
        "ref": one.spec.reference,
        "sha": one.spec.commit,
        "created_at": time(one.created),
        "updated_at": time(deployment.updated),
        "status": made_by.deployed(),
        "user": user(&one.spec.user),
        "environment": {"id": environment_id(project, environment), "name": environment, "external_url": null},
        "deployable": job(project, one, made_by),
    }));
    if whole && !made_by.rules.is_empty() {
        let rule = |(rule, id): (&crate::demo::gitlab::spec::RuleSpec, u64)| {
            json!({
                "user_id": null,
                "group_id": 130 + id,
                "access_level": null,
                "access_level_description": rule.group,
                "required_approvals": rule.needed,
                "deployment_approvals": made_by.given(rule).map(approval).collect::<Vec<_>>(),
            })
        };
        let rules: Vec<Value> = made_by.rules.iter().zip(1..).map(rule).collect();
        value.insert("pending_approval_count".to_owned(), made_by.missing().into());
        value.insert("approvals".to_owned(), deployment.approvals.iter().map(approval).collect());
        value.insert("approval_summary".to_owned(), json!({ "rules": rules }));
    }
    Some(Value::Object(value))
}

/// Every name that its jobs deploy to, in their order.
pub(super) fn environments(project: &Project) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for name in project.spec.jobs.iter().filter_map(|job| job.environment.as_deref()) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

pub(super) fn environment_id(project: &Project, name: &str) -> u64 {
    let place = environments(project).iter().position(|known| *known == name).unwrap_or_default();
    project.id * 100 + u64::try_from(place).unwrap_or_default()
}

/// The deployments of a project, the newest first.
pub(super) fn deployments(project: &Project) -> Vec<(&Pipeline, &Job)> {
    let jobs = project.pipelines.iter().flat_map(|one| one.jobs.iter().map(move |job| (one, job)));
    let mut all: Vec<_> = jobs.filter(|(_, job)| job.deployment.is_some()).collect();
    all.sort_by_key(|(_, job)| std::cmp::Reverse(job.deployment.as_ref().map(|deployment| deployment.id)));
    all
}

/// A project, as far as anybody asks.
pub(super) fn project(project: &Project) -> Value {
    let spec = &project.spec;
    let name = spec.path.rsplit('/').next().unwrap_or_default();
    json!({
        "id": project.id,
        "name": name,
        "path": name,
        "path_with_namespace": spec.path,
        "web_url": format!("{WEB}/{}", spec.path),
        "default_branch": "main",
        "archived": false,
        "visibility": "private",
        "ci_forward_deployment_enabled": true,
        "ci_forward_deployment_rollback_allowed": spec.rollback,
        "allow_pipeline_trigger_approve_deployment": spec.own_approval,
        "permissions": {"project_access": {"access_level": spec.access, "notification_level": 3}, "group_access": null},
    })
}

/// How the tests of a pipeline ended: of each job that reports any and was not tried again.
pub(super) fn tests(pipeline: &Pipeline) -> Value {
    let bad = pipeline.spec.trouble.as_ref();
    let suites = pipeline.latest().filter(|job| !job.spec.tests.is_empty() && matches!(job.state, State::Ended { .. }));
    let suites: Vec<Value> = suites
        .map(|job| {
            let fails = |test: &String| {
                job.word() == "failed" && bad.is_some_and(|bad| bad.job == job.spec.name && bad.tests.contains(test))
            };
            let one = |test: &String| {
                let (class, name) = test.rsplit_once('.').unwrap_or(("", test));
                let failed = fails(test);
                json!({
                    "status": if failed { "failed" } else { "success" },
                    "name": name,
                    "classname": class,
                    "file": null,
                    "execution_time": 0.2,
                    "system_output": failed.then(|| format!("{name}: expected true, got false")),
                    "stack_trace": null,
                    "recent_failures": null,
                })
            };
            let (count, failed) = (job.spec.tests.len(), job.spec.tests.iter().filter(|test| fails(test)).count());
            let mut suite = map(totals(count, failed));
            suite.insert("name".to_owned(), job.spec.name.as_str().into());
            suite.insert("suite_error".to_owned(), Value::Null);
            suite.insert("test_cases".to_owned(), job.spec.tests.iter().map(one).collect());
            Value::Object(suite)
        })
        .collect();
    let sum = |key: &str| suites.iter().filter_map(|suite| suite.get(key)?.as_u64()).sum::<u64>();
    let of = |key: &str| usize::try_from(sum(key)).unwrap_or_default();
    let mut all = map(totals(of("total_count"), of("failed_count")));
    all.insert("test_suites".to_owned(), suites.into());
    Value::Object(all)
}

fn totals(count: usize, failed: usize) -> Value {
    json!({
        "total_time": 1.4,
        "total_count": count,
        "success_count": count - failed,
        "failed_count": failed,
        "skipped_count": 0,
        "error_count": 0,
    })
}

/// What a job wrote until now, as its runner sends it: in a section, its own lines shared evenly over its time.
pub(super) fn trace(job: &Job, now: Timestamp) -> String {
    let (since, until, failed) = match &job.state {
        State::Running { since, until, .. } => (*since, *until, false),
        State::Ended { since, at, word } => (*since, *at, *word == "failed"),
        _ => return String::new(),
    };
    let parts = i32::try_from(job.spec.log.len()).unwrap_or(i32::MAX).saturating_add(1);
    let each = (until - since).checked_div(parts).unwrap_or_default();
    let second = since.timestamp();
    let begin = format!(
        "\u{1b}[0KRunning with gitlab-runner 18.5.0\u{1b}[0;m\n\
         section_start:{second}:step_script\r\u{1b}[0K\u{1b}[36;1mExecuting \"step_script\" stage of the job script\u{1b}[0;m\n\
         \u{1b}[32;1m$ make {}\u{1b}[0;m\n",
        job.spec.name
    );
    let own = job.spec.log.iter().zip(1..).filter(|(_, place)| since + each * *place <= now);
    let text = own.fold(begin, |text, (line, _)| format!("{text}{line}\n"));
    if !matches!(job.state, State::Ended { .. }) {
        return text;
    }
    let end = if failed {
        "\u{1b}[31;1mERROR: Job failed: exit code 1\u{1b}[0;m\n"
    } else {
        "\u{1b}[32;1mJob succeeded\u{1b}[0;m\n"
    };
    format!("{text}section_end:{}:step_script\r\u{1b}[0K{end}", until.timestamp())
}
