//! The JSON of what there is: recorded answers as templates, and what of each is another here.

use serde_json::{Map, Value, json};

use crate::{
    demo::jenkins::{
        build::{Build, Item, Job, Stage, State, Why, capitalized},
        spec::{InputSpec, ParameterSpec},
    },
    domain::time::Timestamp,
};

/// Every key of an object of each kind, as Jenkins with its usual plugins has them.
const BUILD: &str = include_str!("template/build.json");
const JOB: &str = include_str!("template/job.json");
const ITEM: &str = include_str!("template/item.json");
const STAGE: &str = include_str!("template/stage.json");

/// What every `url` begins with.
const HOME: &str = "https://ci.shop.example";
const INPUT_ACTION: &str = "org.jenkinsci.plugins.workflow.support.steps.input.InputAction";
const RUN: &str = "org.jenkinsci.plugins.workflow.job.WorkflowRun";

/// A template with what is another in it.
fn filled(template: &str, values: Value) -> Map<String, Value> {
    let mut whole: Map<String, Value> = serde_json::from_str(template).unwrap_or_default();
    if let Value::Object(values) = values {
        whole.extend(values);
    }
    whole
}

/// How the tests of a build ended; nothing where no stage has reported any.
pub(super) fn tests(build: &Build) -> Option<Value> {
    let over = |stage: &&Stage| !stage.spec.tests.is_empty() && matches!(stage.state, State::Ended { .. });
    let all: Vec<&String> = build.stages.iter().filter(over).flat_map(|stage| &stage.spec.tests).collect();
    if all.is_empty() {
        return None;
    }
    let fails = |test: &String| build.spec.failed.contains(test);
    let case = |test: &&String| {
        let (class, name) = test.rsplit_once('.').unwrap_or(("", test));
        let failed = fails(test);
        json!({
            "age": u8::from(failed), "className": class, "duration": 0.2, "name": name, "skipped": false,
            "status": if failed { "FAILED" } else { "PASSED" },
            "errorDetails": failed.then(|| format!("{name}: expected true, got false")),
        })
    };
    let failed = all.iter().filter(|test| fails(test)).count();
    Some(json!({
        "_class": "hudson.tasks.junit.TestResult",
        "failCount": failed, "passCount": all.len() - failed, "skipCount": 0,
        "suites": [{"name": "unit", "duration": 1.4, "cases": all.iter().map(case).collect::<Vec<_>>()}],
    }))
}

/// The address of a job or folder.
pub(super) fn url(name: &str) -> String {
    let parts = name.split('/').filter(|part| !part.is_empty());
    parts.fold(format!("{HOME}/"), |url, part| format!("{url}job/{}/", part.replace('%', "%25").replace(' ', "%20")))
}

/// A folder, or a multibranch project, with what lies in it.
pub(super) fn folder(name: &str, is_multibranch: bool, jobs: &[Value]) -> Value {
    let class = if is_multibranch {
        "org.jenkinsci.plugins.workflow.multibranch.WorkflowMultiBranchProject"
    } else {
        "com.cloudbees.hudson.plugins.folder.Folder"
    };
    let last = name.rsplit('/').next().unwrap_or(name);
    json!({"_class": class, "name": last, "fullName": name, "url": url(name), "jobs": jobs})
}

/// A job with its builds, the newest first.
pub(super) fn job(job: &Job, now: Timestamp, exports_inputs: bool) -> Value {
    let name = &job.spec.name;
    let last = name.rsplit('/').next().unwrap_or(name);
    let builds: Vec<Value> = job.builds.iter().rev().map(|one| build(job, one, now, exports_inputs)).collect();
    let parameters: Vec<Value> = job.spec.parameters.iter().map(parameter).collect();
    let property = if parameters.is_empty() {
        json!([])
    } else {
        json!([{"_class": "hudson.model.ParametersDefinitionProperty", "parameterDefinitions": parameters}])
    };
    filled(
        JOB,
        json!({
            "displayName": last, "fullDisplayName": name, "fullName": name, "name": last, "url": url(name),
            "builds": builds.iter().take(100).collect::<Vec<_>>(), "allBuilds": builds,
            "nextBuildNumber": job.next_number(), "property": property,
            "firstBuild": null, "lastBuild": builds.first(),
        }),
    )
    .into()
}

/// The definition of a parameter.
fn parameter(spec: &ParameterSpec) -> Value {
    let default = match spec.kind.as_str() {
        "Boolean" => json!({"value": spec.default == "true"}),
        "Password" => json!({"_class": "hudson.model.PasswordParameterValue"}),
        _ => json!({"value": spec.choices.first().unwrap_or(&spec.default)}),
    };
    let class = format!("hudson.model.{}ParameterDefinition", spec.kind);
    let all = json!({
        "_class": class, "name": spec.name, "description": spec.description, "defaultParameterValue": default,
        "type": format!("{}ParameterDefinition", spec.kind),
    });
    if spec.choices.is_empty() { all } else { with(all, json!({"choices": spec.choices})) }
}

/// An object with these fields, too.
fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut object, more) {
        fields.extend(more);
    }
    object
}

/// An input as the build itself tells it.
fn input(spec: &InputSpec) -> Value {
    let id = capitalized(&spec.id);
    let parameters: Vec<Value> = spec.parameters.iter().map(parameter).collect();
    json!({"id": id, "displayName": spec.message, "settled": false, "input": {
        "id": id, "message": spec.message, "ok": "Proceed", "submitter": spec.submitter, "submitterParameter": null,
        "parameters": parameters,
    }})
}

/// The same as pipeline-rest-api tells it.
pub(super) fn pending(job: &Job, build: &Build) -> Vec<Value> {
    let path = format!("{}{}", url(&job.spec.name).trim_start_matches(HOME), build.spec.number);
    let one = |spec: &InputSpec| {
        let id = capitalized(&spec.id);
        let of = |spec: &ParameterSpec| {
            let default = if spec.kind == "Boolean" { json!(spec.default == "true") } else { json!(spec.default) };
            let definition = json!({"defaultVal": default, "choices": spec.choices});
            json!({"type": format!("{}ParameterDefinition", spec.kind), "name": spec.name, "description": spec.description, "definition": definition})
        };
        json!({
            "id": id, "proceedText": "Proceed", "message": spec.message,
            "inputs": spec.parameters.iter().map(of).collect::<Vec<_>>(),
            "proceedUrl": format!("{path}/wfapi/inputSubmit?inputId={id}"), "abortUrl": format!("{path}/input/{id}/abort"),
            "redirectApprovalUrl": format!("{path}/input/"),
        })
    };
    build.input().map(one).into_iter().collect()
}

/// A build.
pub(super) fn build(job: &Job, build: &Build, now: Timestamp, exports_inputs: bool) -> Value {
    let spec = &build.spec;
    let (number, ended) = (spec.number, build.ended());
    let name = spec.name.clone().unwrap_or_else(|| format!("#{number}"));
    let url = format!("{}{number}/", url(&job.spec.name));
    let took = ended.map_or(0, |at| (at - build.began).num_milliseconds());
    let mut actions = vec![json!({"_class": "hudson.model.CauseAction", "causes": causes(build)}), json!({})];
    if !spec.given.is_empty() {
        let hidden = |name: &str| job.spec.parameters.iter().any(|one| one.name == name && one.kind == "Password");
        let one = |(name, value): (&String, &String)| {
            if hidden(name) {
                json!({"_class": "hudson.model.PasswordParameterValue", "name": name})
            } else {
                json!({"_class": "hudson.model.StringParameterValue", "name": name, "value": value})
            }
        };
        let given: Vec<Value> = spec.given.iter().map(one).collect();
        actions.push(json!({"_class": "hudson.model.ParametersAction", "parameters": given}));
    }
    if let Some(commit) = &spec.commit {
        let branch = spec.branch.as_deref().unwrap_or("main");
        let revision =
            json!({"SHA1": commit, "branch": [{"SHA1": commit, "name": format!("refs/remotes/origin/{branch}")}]});
        actions.push(json!({"_class": "hudson.plugins.git.util.BuildData", "lastBuiltRevision": revision}));
    }
    if let Some(waits) = build.input() {
        let action = json!({"_class": INPUT_ACTION});
        let told = json!({"waitingForInput": true, "executions": [input(waits)]});
        actions.push(if exports_inputs { with(action, told) } else { action });
    }
    let begun = |stage: &&Stage| !matches!(stage.state, State::Never | State::Later);
    let stages: Vec<&str> = build.stages.iter().filter(begun).map(|stage| stage.spec.name.as_str()).collect();
    let over = build.is_over();
    actions.push(json!({
        "_class": "org.jenkinsci.plugins.pipeline.modeldefinition.actions.RestartDeclarativePipelineAction",
        "restartEnabled": over, "restartableStages": stages,
    }));
    filled(
        BUILD,
        json!({
            "_class": RUN, "actions": actions, "building": !over, "inProgress": !over, "description": spec.about,
            "displayName": name, "duration": took, "fullDisplayName": format!("{} {name}", job.spec.name),
            "id": number.to_string(), "number": number, "queueId": build.queue, "result": build.result(),
            "timestamp": build.began.timestamp_millis(), "url": url, "previousBuild": null,
            "executor": null, "estimatedDuration": (now - build.began).num_milliseconds().max(60_000),
        }),
    )
    .into()
}

fn causes(build: &Build) -> Vec<Value> {
    let by = &build.spec.by;
    let user = json!({"_class": "hudson.model.Cause$UserIdCause", "shortDescription": format!("Started by user {by}"), "userId": by, "userName": by});
    let again = match &build.why {
        Why::User => None,
        Why::Replay(number) => Some(json!({
            "_class": "org.jenkinsci.plugins.workflow.cps.replay.ReplayCause", "shortDescription": format!("Replayed #{number}"),
        })),
        Why::Restart(number, stage) => Some(json!({
            "_class": "org.jenkinsci.plugins.pipeline.modeldefinition.causes.RestartDeclarativePipelineCause",
            "shortDescription": format!("Restarted from build #{number}, stage {stage}"),
        })),
    };
    std::iter::once(user).chain(again).collect()
}

/// What waits in the queue, or has left it.
pub(super) fn item(id: u64, item: &Item, job: &Job) -> Value {
    let (name, url) = (&job.spec.name, url(&job.spec.name));
    let class = if item.made.is_some() { "hudson.model.Queue$LeftItem" } else { "hudson.model.Queue$WaitingItem" };
    let mut keys = filled(
        ITEM,
        json!({
            "_class": class, "id": id, "inQueueSince": item.since.timestamp_millis(), "url": format!("queue/item/{id}/"),
            "task": {"_class": "org.jenkinsci.plugins.workflow.job.WorkflowJob", "name": name, "url": url, "color": "blue"},
        }),
    );
    if let Some(number) = item.made {
        let made = json!({"_class": RUN, "number": number, "url": format!("{url}{number}/")});
        keys.insert("executable".to_owned(), made);
    } else {
        keys.remove("executable");
        keys.remove("cancelled");
        keys.insert("why".to_owned(), json!("In the quiet period. Expires in 4.9 sec"));
        keys.insert("timestamp".to_owned(), json!(item.due.timestamp_millis()));
    }
    keys.into()
}

/// The id of the node that a stage is, and that of its only step.
fn nodes(place: usize) -> [String; 2] {
    [place * 2 + 6, place * 2 + 7].map(|id| id.to_string())
}

/// A stage as pipeline-rest-api tells it, below the path of its build.
fn stage(path: &str, place: usize, stage: &Stage, now: Timestamp) -> Option<Value> {
    let [id, _] = nodes(place);
    let (status, since, waited, at) = match &stage.state {
        State::Later | State::Never => return None,
        State::Waiting { since } => ("PAUSED_PENDING_INPUT", *since, (now - *since).to_std().unwrap_or_default(), now),
        State::Running { since, waited, .. } => ("IN_PROGRESS", *since, *waited, now),
        State::Ended { since, waited, at, status } => (*status, *since, *waited, *at),
    };
    let link = format!("{path}/execution/node/{id}/wfapi/describe");
    let millis = i64::try_from(waited.as_millis()).unwrap_or(i64::MAX);
    let values = json!({
        "_links": {"self": {"href": link}}, "id": id, "name": stage.spec.name, "status": status,
        "startTimeMillis": since.timestamp_millis(), "durationMillis": (at - since).num_milliseconds(),
        "pauseDurationMillis": millis,
    });
    Some(filled(STAGE, values).into())
}

/// The path of a build.
fn path(job: &Job, build: &Build) -> String {
    format!("{}{}", url(&job.spec.name).trim_start_matches(HOME), build.spec.number)
}

/// The stages of a build.
pub(super) fn describe(job: &Job, build: &Build, now: Timestamp) -> Value {
    let path = path(job, build);
    let all: Vec<Value> =
        build.stages.iter().enumerate().filter_map(|(place, one)| stage(&path, place, one, now)).collect();
    let status = match (build.result(), build.input()) {
        (Some("FAILURE"), _) => "FAILED",
        (Some(result), _) => result,
        (None, Some(_)) => "PAUSED_PENDING_INPUT",
        (None, None) => "IN_PROGRESS",
    };
    let ended = build.ended().unwrap_or(now);
    json!({
        "_links": {"self": {"href": format!("{path}/wfapi/describe")}}, "id": build.spec.number.to_string(),
        "name": format!("#{}", build.spec.number), "status": status, "startTimeMillis": build.began.timestamp_millis(),
        "endTimeMillis": ended.timestamp_millis(), "durationMillis": (ended - build.began).num_milliseconds(),
        "stages": all,
    })
}

/// A stage with its step.
pub(super) fn node(job: &Job, build: &Build, id: &str, now: Timestamp) -> Option<Value> {
    let path = path(job, build);
    let (place, found) = build.stages.iter().enumerate().find(|(place, _)| nodes(*place)[0] == id)?;
    let whole = stage(&path, place, found, now)?;
    let [_, step] = nodes(place);
    let of = |end: &str| format!("{path}/execution/node/{step}/wfapi/{end}");
    let links = json!({"self": {"href": of("describe")}, "log": {"href": of("log")}});
    let own = json!({"id": step, "name": "Shell Script", "parentNodes": [id], "_links": links});
    let inner = with(whole.clone(), own);
    Some(with(whole, json!({"stageFlowNodes": [inner]})))
}

/// What the step of a stage wrote.
pub(super) fn node_log(build: &Build, id: &str, now: Timestamp) -> Option<Value> {
    let (_, found) = build.stages.iter().enumerate().find(|(place, _)| nodes(*place)[1] == id)?;
    let lines: Vec<String> = lines(found, now).into_iter().map(|(_, line)| line).collect();
    let text = lines.join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") + "\n";
    let status = match &found.state {
        State::Ended { status, .. } => status,
        State::Waiting { .. } => "PAUSED_PENDING_INPUT",
        _ => "IN_PROGRESS",
    };
    Some(
        json!({"nodeId": id, "nodeStatus": status, "length": text.len(), "hasMore": false, "text": text, "consoleUrl": ""}),
    )
}

/// The stages as pipeline-graph-view tells them.
pub(super) fn graph(build: &Build, now: Timestamp) -> Value {
    let one = |(place, stage): (usize, &Stage)| {
        let [id, _] = nodes(place);
        let (state, since, until) = match &stage.state {
            State::Later => ("queued", None, None),
            State::Never => ("skipped", None, None),
            State::Waiting { since } => ("paused", Some(*since), Some(now)),
            State::Running { since, .. } => ("running", Some(*since), Some(now)),
            State::Ended { since, at, status, .. } => {
                let state = match *status {
                    "SUCCESS" => "success",
                    "FAILED" => "failure",
                    "UNSTABLE" => "unstable",
                    _ => "aborted",
                };
                (state, Some(*since), Some(*at))
            }
        };
        json!({
            "id": id, "name": stage.spec.name, "title": stage.spec.name, "state": state, "type": "STAGE", "children": [],
            "startTimeMillis": since.map_or(0, |at| at.timestamp_millis()),
            "totalDurationMillis": since.zip(until).map_or(0, |(from, to)| (to - from).num_milliseconds()),
            "pauseDurationMillis": 0, "agent": "linux", "synthetic": false, "placeholder": false,
        })
    };
    let stages: Vec<Value> = build.stages.iter().enumerate().map(one).collect();
    json!({"status": "ok", "data": {"complete": build.is_over(), "stages": stages}})
}

/// The lines of a stage that came until now, each with when.
fn lines(stage: &Stage, now: Timestamp) -> Vec<(Timestamp, String)> {
    let (since, until) = match &stage.state {
        State::Running { since, waited, until } => (crate::domain::time::after(*since, *waited), *until),
        State::Ended { since, waited, at, .. } => (crate::domain::time::after(*since, *waited), *at),
        _ => return Vec::new(),
    };
    let parts = i32::try_from(stage.spec.log.len()).unwrap_or(i32::MAX).saturating_add(1);
    let each = (until - since).checked_div(parts).unwrap_or_default();
    let own = stage.spec.log.iter().zip(1..).map(|(line, place)| (since + each * place, line.clone()));
    let all = [(since, "+ make".to_owned())].into_iter().chain(own);
    all.filter(|(at, _)| *at <= now).collect()
}

/// The whole log as it is now.
pub(super) fn console(build: &Build, now: Timestamp) -> String {
    let mut text = vec![format!("Started by user {}", build.spec.by)];
    for stage in &build.stages {
        if matches!(stage.state, State::Later | State::Never) {
            continue;
        }
        text.push(format!("[Pipeline] {{ ({})", stage.spec.name));
        if let Some(input) = &stage.spec.input {
            text.extend([input.message.clone(), "Input requested".to_owned()]);
        }
        text.extend(lines(stage, now).into_iter().map(|(_, line)| line));
        if matches!(stage.state, State::Ended { status: "FAILED", .. }) {
            text.push("ERROR: script returned exit code 1".to_owned());
        }
    }
    text.extend(build.result().map(|result| format!("Finished: {result}")));
    text.join("\n") + "\n"
}
