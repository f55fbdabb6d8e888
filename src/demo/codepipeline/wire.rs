//! The JSON of pipelines, executions, actions, builds and logs, as AWS writes it: moments in seconds with a fraction, and what is not there
//! left out.

use serde_json::{Map, Value, json};

use crate::{
    demo::codepipeline::{
        execution::{Act, Doing, Execution, Place, Stay, id},
        pipeline::Pipeline,
        spec::{ActionSpec, Mode, Spec},
    },
    domain::time::Timestamp,
};

fn seconds(at: Timestamp) -> Value {
    json!(at.timestamp_millis() as f64 / 1000.0)
}

/// An object of those that are there.
fn object(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let there = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}

fn mode(pipeline: &Pipeline) -> &'static str {
    match pipeline.spec.mode {
        Mode::Superseded => "SUPERSEDED",
        Mode::Queued => "QUEUED",
        Mode::Parallel => "PARALLEL",
    }
}

/// Who carries an action out.
fn provider(action: &ActionSpec) -> &'static str {
    match action.kind.as_str() {
        "Source" => "CodeStarSourceConnection",
        "Build" | "Test" => "CodeBuild",
        "Approval" => "Manual",
        _ => "CodeDeploy",
    }
}

fn kind(action: &ActionSpec) -> Value {
    json!({"category": action.kind, "owner": "AWS", "provider": provider(action), "version": "1"})
}

/// One of a list of pipelines.
pub(super) fn named(pipeline: &Pipeline) -> Value {
    json!({"name": pipeline.spec.name, "version": 1, "pipelineType": "V2", "executionMode": mode(pipeline),
        "created": 1_700_000_000.5, "updated": 1_700_000_000.5})
}

/// How a pipeline is made.
pub(super) fn definition(pipeline: &Pipeline, spec: &Spec) -> Value {
    let action = |action: &ActionSpec| {
        let configuration = match action.kind.as_str() {
            "Source" => json!({"BranchName": pipeline.spec.branch.as_deref().unwrap_or("main"),
                "FullRepositoryId": format!("shop/{}", pipeline.spec.name)}),
            "Approval" => json!({"CustomData": action.asks.as_deref().unwrap_or_default()}),
            "Build" | "Test" => json!({"ProjectName": project(pipeline)}),
            _ => json!({"ApplicationName": pipeline.spec.name}),
        };
        let minutes = action.timeout.map(|timeout| json!(timeout.as_secs() / 60));
        object([
            ("name", Some(json!(action.name))),
            ("actionTypeId", Some(kind(action))),
            ("runOrder", Some(json!(1))),
            ("configuration", Some(configuration)),
            ("timeoutInMinutes", minutes),
        ])
    };
    let stages = pipeline.spec.stages.iter();
    let stages: Vec<Value> = stages
        .map(|stage| json!({"name": stage.name, "actions": stage.actions.iter().map(action).collect::<Vec<_>>()}))
        .collect();
    let variables = pipeline.spec.variables.iter().map(|one| {
        object([
            ("name", Some(json!(one.name))),
            ("defaultValue", one.default.as_ref().map(|value| json!(value))),
            ("description", one.description.as_ref().map(|words| json!(words))),
        ])
    });
    json!({
        "pipeline": {
            "name": pipeline.spec.name, "version": 1, "pipelineType": "V2", "executionMode": mode(pipeline),
            "roleArn": format!("arn:aws:iam::{}:role/pipeline", spec.account), "stages": stages,
            "artifactStore": {"type": "S3", "location": "shop-artifacts"}, "variables": variables.collect::<Vec<_>>(),
        },
        "metadata": {"pipelineArn": format!("arn:aws:codepipeline:{}:{}:{}", spec.region, spec.account, pipeline.spec.name)},
    })
}

/// Where a pipeline is.
pub(super) fn state(pipeline: &Pipeline, now: Timestamp) -> Value {
    let stages: Vec<Value> = (0..pipeline.spec.stages.len()).filter_map(|place| stage(pipeline, place, now)).collect();
    json!({"pipelineName": pipeline.spec.name, "pipelineVersion": 1, "stageStates": stages,
        "created": 1_700_000_000.5, "updated": 1_700_000_000.5})
}

fn stage(pipeline: &Pipeline, place: usize, now: Timestamp) -> Option<Value> {
    let (spec, transition) = (pipeline.spec.stages.get(place)?, pipeline.transitions.get(place)?);
    let latest = pipeline.latest.get(place)?.as_deref().and_then(|id| pipeline.execution(id));
    let stay = latest.and_then(|one| one.stays.get(place));
    let inbound: Vec<Value> = pipeline
        .executions
        .iter()
        .filter(|one| one.is_live() && one.stays.get(place).is_some_and(|stay| matches!(stay.place, Place::Inbound(_))))
        .map(|one| json!({"pipelineExecutionId": one.id, "status": one.status, "type": "STANDARD"}))
        .collect();
    let changed = transition.changed.as_ref();
    let into = object([
        ("enabled", Some(json!(transition.held.is_none()))),
        ("lastChangedBy", changed.and_then(|(_, by)| by.as_ref()).map(|by| json!(by))),
        ("lastChangedAt", changed.map(|(at, _)| seconds(*at))),
        ("disabledReason", transition.held.as_ref().map(|(_, why)| json!(why))),
    ]);
    let actions = spec.actions.iter().enumerate().map(|(index, action)| {
        let act = stay.and_then(|stay| stay.acts.get(index));
        let doing = act.and_then(|act| latest_of(act, stay.map_or("", |stay| &stay.name), latest, pipeline, now));
        object([("actionName", Some(json!(action.name))), ("latestExecution", doing)])
    });
    let retries = stay.map_or(0, |stay| stay.retries);
    Some(object([
        ("stageName", Some(json!(spec.name))),
        ("inboundExecution", inbound.first().cloned()),
        ("inboundExecutions", Some(inbound.clone().into()).filter(|_| !inbound.is_empty())),
        ("inboundTransitionState", Some(into).filter(|_| place > 0)),
        ("actionStates", Some(actions.collect::<Vec<_>>().into())),
        ("latestExecution", latest.zip(stay).map(|(one, stay)| in_stage(one, stay))),
        (
            "retryStageMetadata",
            (retries > 0)
                .then(|| json!({"manualStageRetryAttempt": retries, "latestRetryTrigger": "ManualStageRetry"})),
        ),
    ]))
}

fn in_stage(execution: &Execution, stay: &Stay) -> Value {
    let status = match stay.place {
        Place::Ended(status) => status,
        _ => execution.status,
    };
    let kind = if execution.back_to.is_some() { "ROLLBACK" } else { "STANDARD" };
    json!({"pipelineExecutionId": execution.id, "status": status, "type": kind})
}

/// What an action did last in its stage. Of executions that run side by side the state tells no token.
fn latest_of(
    act: &Act,
    stage: &str,
    execution: Option<&Execution>,
    pipeline: &Pipeline,
    _: Timestamp,
) -> Option<Value> {
    let execution = execution?;
    let doing = if act.doing == Doing::Later { act.before.last()? } else { &act.doing };
    let (status, since, said) = told(doing)?;
    let token = match doing {
        Doing::Waiting { token, .. } if pipeline.spec.mode != Mode::Parallel => Some(json!(token)),
        _ => None,
    };
    let asks = act.spec.asks.as_ref().filter(|_| act.is_approval()).map(|asks| json!(asks));
    let failed = status == "Failed";
    let external = external(act, stage, execution, pipeline).filter(|_| !act.is_approval()).map(|id| json!(id));
    Some(object([
        ("actionExecutionId", Some(json!(id([execution.id.as_str(), stage, act.spec.name.as_str()])))),
        ("status", Some(json!(status))),
        ("lastStatusChange", Some(seconds(since))),
        ("summary", said.clone().map(|said| json!(said)).or(asks)),
        ("token", token),
        ("externalExecutionId", external),
        ("errorDetails", said.filter(|_| failed).map(|said| json!({"code": "JobFailed", "message": said}))),
    ]))
}

/// CodePipeline's word, since when it holds, and what is said of it.
fn told(doing: &Doing) -> Option<(&'static str, Timestamp, Option<String>)> {
    match doing {
        Doing::Later => None,
        Doing::Running { since, .. } | Doing::Waiting { since, .. } => Some(("InProgress", *since, None)),
        Doing::Over { at, status, said, .. } => Some((status, *at, said.clone())),
    }
}

/// The project of CodeBuild that builds it.
fn project(pipeline: &Pipeline) -> String {
    format!("{}-build", pipeline.spec.name)
}

/// What whatever carries an action out calls it; of an approval its token.
fn external(act: &Act, stage: &str, execution: &Execution, pipeline: &Pipeline) -> Option<String> {
    if let Doing::Waiting { token, .. } = &act.doing {
        return Some(token.clone());
    }
    let attempt = act.before.len().to_string();
    let of = || id([execution.id.as_str(), stage, act.spec.name.as_str(), attempt.as_str()]);
    match provider(&act.spec) {
        "CodeBuild" => Some(format!("{}:{}", project(pipeline), of())),
        "CodeDeploy" => Some(format!("d-{}", of().get(..9).unwrap_or_default().replace('-', "X").to_uppercase())),
        "CodeStarSourceConnection" => Some(execution.spec.commit.clone()),
        _ => None,
    }
}

fn revision(execution: &Execution, name: (&'static str, &str)) -> Value {
    let summary = json!({"ProviderType": "Bitbucket", "CommitMessage": execution.spec.title}).to_string();
    json!({name.0: name.1, "revisionId": execution.spec.commit, "revisionSummary": summary,
        "revisionUrl": format!("https://code.shop.example/commits/{}", execution.spec.commit)})
}

fn trigger(execution: &Execution, spec: &Spec) -> Value {
    let (kind, detail) = match (&execution.back_to, execution.spec.by.as_str()) {
        (Some(_), _) => ("ManualRollback", spec.arn(&spec.user)),
        (None, "") => ("WebhookV2", "arn:aws:codestar-connections:eu-west-1:123456789012:connection/1".to_owned()),
        (None, by) => ("StartPipelineExecution", spec.arn(by)),
    };
    json!({"triggerType": kind, "triggerDetail": detail})
}

/// One of a list of executions.
pub(super) fn summary(pipeline: &Pipeline, execution: &Execution, spec: &Spec) -> Value {
    let back = execution.back_to.as_ref().map(|id| json!({"rollbackTargetPipelineExecutionId": id}));
    let stopped = execution.stop_reason.as_ref().map(|reason| json!({"reason": reason}));
    object([
        ("pipelineExecutionId", Some(json!(execution.id))),
        ("status", Some(json!(execution.status))),
        ("startTime", Some(seconds(execution.began))),
        ("lastUpdateTime", Some(seconds(execution.moved))),
        ("sourceRevisions", Some(json!([revision(execution, ("actionName", "Source"))]))),
        ("trigger", Some(trigger(execution, spec))),
        ("stopTrigger", stopped),
        ("executionMode", Some(json!(mode(pipeline)))),
        ("executionType", Some(json!(if back.is_some() { "ROLLBACK" } else { "STANDARD" }))),
        ("rollbackMetadata", back),
    ])
}

/// One execution by itself.
pub(super) fn single(pipeline: &Pipeline, execution: &Execution, spec: &Spec) -> Value {
    let variables = execution.variables.iter().map(|(name, value)| json!({"name": name, "resolvedValue": value}));
    json!({"pipelineExecution": {
        "pipelineName": pipeline.spec.name, "pipelineVersion": 1, "pipelineExecutionId": execution.id, "status": execution.status,
        "artifactRevisions": [revision(execution, ("name", "SourceArtifact"))], "variables": variables.collect::<Vec<_>>(),
        "trigger": trigger(execution, spec), "executionMode": mode(pipeline),
        "executionType": if execution.back_to.is_some() { "ROLLBACK" } else { "STANDARD" },
    }})
}

/// What the actions of an execution did, newest first.
pub(super) fn actions(pipeline: &Pipeline, execution: &Execution, spec: &Spec) -> Vec<Value> {
    let mut all: Vec<(Timestamp, Value)> = Vec::new();
    for stay in &execution.stays {
        for act in &stay.acts {
            for (attempt, doing) in act.before.iter().chain([&act.doing]).enumerate() {
                let of = Act {
                    doing: doing.clone(),
                    before: act.before.iter().take(attempt).cloned().collect(),
                    spec: act.spec.clone(),
                };
                if let Some((since, value)) = action(pipeline, execution, stay, &of, spec) {
                    all.push((since, value));
                }
            }
        }
    }
    all.reverse();
    all.sort_by_key(|(since, _)| std::cmp::Reverse(*since));
    all.into_iter().map(|(_, value)| value).collect()
}

fn action(
    pipeline: &Pipeline,
    execution: &Execution,
    stay: &Stay,
    act: &Act,
    spec: &Spec,
) -> Option<(Timestamp, Value)> {
    let (status, updated, said) = told(&act.doing)?;
    let since = match &act.doing {
        Doing::Over { since, .. } => *since,
        _ => updated,
    };
    let failed = status == "Failed";
    let asks = act.spec.asks.as_ref().filter(|_| act.is_approval());
    let result = object([
        ("externalExecutionId", external(act, &stay.name, execution, pipeline).map(|id| json!(id))),
        ("externalExecutionSummary", said.as_ref().filter(|_| !failed).or(asks).map(|said| json!(said))),
        ("errorDetails", said.as_ref().filter(|_| failed).map(|said| json!({"code": "JobFailed", "message": said}))),
    ]);
    let value = json!({
        "pipelineExecutionId": execution.id, "actionExecutionId": id([execution.id.as_str(), &stay.name, &act.spec.name, &since.to_string()]),
        "pipelineVersion": 1, "stageName": stay.name, "actionName": act.spec.name, "startTime": seconds(since),
        "lastUpdateTime": seconds(updated), "status": status,
        "input": {"actionTypeId": kind(&act.spec), "configuration": {}, "resolvedConfiguration": {}, "region": spec.region, "inputArtifacts": []},
        "output": {"outputArtifacts": [], "executionResult": result, "outputVariables": {}},
    });
    Some((since, value))
}

/// Every build of CodeBuild: its id, since when and until when it runs, and what it writes.
pub(super) fn builds(pipeline: &Pipeline) -> Vec<(String, Timestamp, Option<Timestamp>, &ActionSpec)> {
    let mut all = Vec::new();
    for execution in &pipeline.executions {
        for (stay, act) in execution.stays.iter().flat_map(|stay| stay.acts.iter().map(move |act| (stay, act))) {
            if provider(&act.spec) != "CodeBuild" {
                continue;
            }
            let times = match act.doing {
                Doing::Running { since, .. } => Some((since, None)),
                Doing::Over { since, at, .. } => Some((since, Some(at))),
                _ => None,
            };
            if let (Some((since, end)), Some(id)) = (times, external(act, &stay.name, execution, pipeline)) {
                all.push((id, since, end, &act.spec));
            }
        }
    }
    all
}

/// The lines that a build has written by now, with when.
pub(super) fn lines(since: Timestamp, action: &ActionSpec, now: Timestamp) -> Vec<(i64, String)> {
    let own = |text: &str| format!("[Container] {} {text}", since.format("%Y/%m/%d %H:%M:%S"));
    let mut all = vec![own("Entering phase BUILD"), own("Running command make")];
    all.extend(action.log.iter().cloned());
    let step = action.takes.as_millis() / (all.len() as u128 + 1);
    let step = i64::try_from(step).unwrap_or(0);
    let first = since.timestamp_millis();
    let timed = all.into_iter().zip(1_i64..).map(|(line, place)| (first + step * place, line + "\n"));
    timed.filter(|(at, _)| *at <= now.timestamp_millis()).collect()
}
