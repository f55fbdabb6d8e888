//! The JSON of what there is: templates with every key of Flow's published models, and what of each is another here.

use serde_json::{Map, Value, json};

use crate::{
    demo::flow::{
        order::{Machine, Order},
        run::{Job, Pipeline, Record, Run, State},
        spec::{GroupSpec, JobKind, VariableSpec},
    },
    domain::time::Timestamp,
};

const RUN: &str = include_str!("template/run.json");
const JOB: &str = include_str!("template/job.json");
const ORDER: &str = include_str!("template/order.json");

/// A template with what is another in it.
fn filled(template: &str, values: Value) -> Map<String, Value> {
    let mut whole: Map<String, Value> = serde_json::from_str(template).unwrap_or_default();
    if let Value::Object(values) = values {
        whole.extend(values);
    }
    whole
}

fn millis(at: Timestamp) -> i64 {
    at.timestamp_millis()
}

/// The account of somebody: a long number, as Flow has them.
pub(super) fn account(name: &str) -> String {
    (crate::demo::rest::fnv(0, [name]) % 9_000_000_000 + 1_000_000_000).to_string()
}

pub(super) fn pipeline(pipeline: &Pipeline) -> Value {
    json!({
        "pipelineId": pipeline.spec.id,
        "pipelineName": pipeline.spec.name,
        "createAccountId": account("kim"),
        "createTime": 1_586_863_220_000_i64,
    })
}

/// A run, as lists have it.
pub(super) fn listed(pipeline: &Pipeline, run: &Run) -> Value {
    let over = matches!(run.word(), "SUCCESS" | "FAIL" | "CANCELED");
    json!({
        "pipelineId": pipeline.spec.id,
        "pipelineRunId": run.spec.id,
        "status": run.word(),
        "triggerMode": 1,
        "startTime": millis(run.began),
        "endTime": over.then(|| millis(run.updated)),
        "creatorAccountId": account(&run.spec.by),
        "creator": run.spec.by,
    })
}

/// What a run was built of; what Flow writes of the commit is JSON in a text, in a field that it misspells.
fn source(pipeline: &Pipeline, run: &Run) -> Value {
    let commit = json!({"commitId": run.spec.commit, "message": run.spec.message}).to_string();
    json!({
        "name": "shop",
        "type": "codeup",
        "sign": "shop_1",
        "data": {"branch": run.spec.branch, "commint": commit, "repo": pipeline.spec.repo},
    })
}

/// A run with all that is in it, as `user` may act on it.
pub(super) fn run(pipeline: &Pipeline, run: &Run, user: &str) -> Value {
    let mut stages: Vec<(String, Vec<&Job>)> = Vec::new();
    for job in &run.jobs {
        let name = job.spec.stage.clone().unwrap_or_else(|| job.spec.name.clone());
        match stages.iter_mut().find(|(known, _)| *known == name) {
            Some((_, jobs)) => jobs.push(job),
            None => stages.push((name, vec![job])),
        }
    }
    let groups: Vec<Value> = stages.iter().map(|(name, _)| json!([name])).collect();
    let stages: Vec<Value> =
        stages.iter().zip(1..).map(|((name, jobs), place)| stage(name, jobs, place, user)).collect();
    filled(
        RUN,
        json!({
            "pipelineId": pipeline.spec.id,
            "pipelineRunId": run.spec.id,
            "status": run.word(),
            "createTime": millis(run.began),
            "updateTime": millis(run.updated),
            "creatorAccountId": account(&run.spec.by),
            "modifierAccountId": account(&run.spec.by),
            "creator": run.spec.by,
            "stageGroup": groups,
            "sources": [source(pipeline, run)],
            "stages": stages,
            "globalParams": pipeline.spec.variables.iter().map(|one| variable("key", "encrypted", one)).collect::<Vec<_>>(),
        }),
    )
    .into()
}

/// A variable: a run and a group call what it has otherwise. One that is encrypted is stars.
fn variable(name: &str, encrypted: &str, spec: &VariableSpec) -> Value {
    let value = if spec.encrypted { "******" } else { &spec.value };
    json!({name: spec.name, "value": value, encrypted: spec.encrypted})
}

/// A group of variables, last changed then.
pub(super) fn group(spec: &GroupSpec, changed: Timestamp) -> Value {
    let related: Vec<Value> = spec.pipelines.iter().map(|id| json!({"id": id, "name": id.to_string()})).collect();
    let variables: Vec<Value> = spec.variables.iter().map(|one| variable("name", "isEncrypted", one)).collect();
    json!({
        "id": spec.id, "name": spec.name, "description": "", "createTime": millis(changed), "updateTime": millis(changed),
        "creatorAccountId": "1111111111111", "modiferAccountId": "1111111111111", "relatedPipelines": related,
        "variables": variables,
    })
}

fn stage(name: &str, jobs: &[&Job], place: u64, user: &str) -> Value {
    let words: Vec<&str> = jobs.iter().map(|job| job.word()).collect();
    let order = ["RUNNING", "WAITING", "FAIL", "CANCELED", "INIT", "SUCCESS", "SKIP"];
    let word = order.into_iter().find(|word| words.contains(word)).unwrap_or("INIT");
    let begins = jobs.iter().filter_map(|job| times(job).0).min();
    let ends = jobs.iter().map(|job| times(job).1).collect::<Option<Vec<i64>>>().and_then(|all| all.into_iter().max());
    json!({
        "index": format!("{place}-1"),
        "name": name,
        "stageInfo": {
            "id": place,
            "name": name,
            "status": word,
            "startTime": begins,
            "endTime": ends,
            "jobs": jobs.iter().map(|one| job(one, user)).collect::<Vec<_>>(),
        },
    })
}

/// When a job began, and ended.
fn times(job: &Job) -> (Option<i64>, Option<i64>) {
    match job.state {
        State::Init => (None, None),
        State::Waiting { since } | State::Running { since, .. } => (Some(millis(since)), None),
        State::Ended { since, at, .. } => (Some(millis(since)), Some(millis(at))),
    }
}

/// What a job deploys, as a text of JSON.
fn params(job: &Job) -> String {
    let mut params = Map::new();
    if let Some(artifact) = &job.spec.artifact {
        params.insert("artifact".to_owned(), artifact.as_str().into());
    }
    if let Some(script) = &job.spec.script {
        params.insert("script".to_owned(), script.as_str().into());
    }
    Value::Object(params).to_string()
}

fn job(job: &Job, user: &str) -> Value {
    let (begins, ends) = times(job);
    let result = job.order.as_ref().map_or_else(|| json!({}), |order| json!({"deployOrderId": order.id}));
    filled(
        JOB,
        json!({
            "id": job.id,
            "name": job.spec.name,
            "jobSign": job.sign,
            "status": job.word(),
            "startTime": begins,
            "endTime": ends,
            "params": params(job),
            "result": result.to_string(),
            "actions": actions(job, user),
        }),
    )
    .into()
}

fn action(kind: &str, title: &str, disable: bool) -> Value {
    json!({"type": kind, "name": kind, "title": title, "displayType": "BUTTON", "disable": disable, "order": 1, "params": {}, "data": ""})
}

/// What can be done with a job now, and whether this user may.
fn actions(job: &Job, user: &str) -> Vec<Value> {
    let details = job.order.iter().map(|order| {
        let mut one = action("GetVMDeployOrder", "部署详情", false);
        if let Some(fields) = one.as_object_mut() {
            fields.insert("params".to_owned(), json!({"deployOrderId": order.id}));
        }
        one
    });
    own_actions(job, user).into_iter().chain(details).collect()
}

fn own_actions(job: &Job, user: &str) -> Vec<Value> {
    let validators = &job.spec.validators;
    let barred = !validators.is_empty() && !validators.iter().any(|one| one == user);
    match (job.word(), job.spec.kind) {
        ("WAITING", JobKind::Validate) => {
            vec![action("PassPipelineValidate", "通过", barred), action("RefusePipelineValidate", "拒绝", barred)]
        }
        ("WAITING", JobKind::Manual) => vec![action("StartPipelineJobRun", "运行", barred)],
        ("RUNNING", _) => vec![action("StopPipelineJobRun", "终止", false)],
        ("FAIL" | "CANCELED", _) => {
            vec![action("RetryPipelineJobRun", "重试", false), action("SkipPipelineJobRun", "跳过", false)]
        }
        ("SUCCESS", JobKind::Hosts | JobKind::Deploy) => vec![action("RerunPipelineJobRun", "重新运行", false)],
        _ => Vec::new(),
    }
}

pub(super) fn order(order: &Order, by: &str) -> Value {
    let one = |kind: &str| json!({"type": kind, "disable": false, "params": {}});
    let actions: Vec<Value> = match order.word {
        "Waiting" => vec![one("ResumeVMDeployOrder"), one("StopVMDeployOrder")],
        "Running" => vec![one("StopVMDeployOrder")],
        _ => Vec::new(),
    };
    let machines: Vec<Value> = order.machines.iter().map(machine).collect();
    filled(
        ORDER,
        json!({
            "deployOrderId": order.id,
            "createTime": millis(order.created),
            "updateTime": millis(order.updated),
            "creator": by,
            "currentBatch": order.batch,
            "totalBatch": order.batches,
            "status": order.word,
            "actions": actions,
            "deployMachineInfo": {"hostGroupId": 9, "batchNum": order.batches, "deployMachines": machines},
        }),
    )
    .into()
}

fn machine(machine: &Machine) -> Value {
    let one = |kind: &str| json!({"type": kind, "disable": false, "params": {}});
    let mut actions = Vec::new();
    if machine.word == "Failed" {
        actions.extend([one("RetryVMDeployMachine"), one("SkipVMDeployMachine")]);
    }
    if machine.since.is_some() {
        actions.push(one("LogVMDeployMachine"));
    }
    json!({
        "machineSn": machine.spec.sn,
        "ip": machine.spec.ip,
        "status": machine.word,
        "clientStatus": "ok",
        "batchNum": machine.spec.batch,
        "createTime": machine.since.map(millis),
        "updateTime": machine.at.or(machine.since).map(millis),
        "actions": actions,
    })
}

/// Lines, each with its end.
fn ended(lines: &[String]) -> String {
    let end = if lines.is_empty() { "" } else { "\n" };
    format!("{}{end}", lines.join("\n"))
}

/// What a machine wrote.
pub(super) fn machine_log(machine: &Machine) -> Value {
    let mut lines = Vec::new();
    if machine.since.is_some() {
        lines.push(format!("[INFO] 下载制品 to {}", machine.spec.ip));
        lines.push("[INFO] stop, unpack, start".to_owned());
    }
    match machine.word {
        "Failed" => lines.push("[ERROR] 启动失败: port 8080 is not answering".to_owned()),
        "Success" => lines.push("[INFO] 部署成功".to_owned()),
        _ => {}
    }
    json!({
        "deployLog": ended(&lines),
        "aliyunRegion": "cn-hangzhou",
        "deployLogPath": "/root/.staragent/flow.log",
        "deployBeginTime": machine.since.map(millis),
        "deployEndTime": machine.at.map(millis),
    })
}

/// What a job wrote as far as it has: a line in each part of its time.
pub(super) fn lines(job: &Job, now: Timestamp) -> String {
    let own = job.spec.log.iter().map(String::as_str);
    let ends = match job.state {
        State::Ended { word: "FAIL", .. } => vec!["[ERROR] 任务运行失败"],
        State::Ended { word: "SUCCESS", .. } => vec!["[INFO] 任务运行成功"],
        _ => Vec::new(),
    };
    let all: Vec<&str> = ["[INFO] 任务开始"].into_iter().chain(own).chain(ends).collect();
    let shown = match job.state {
        State::Init | State::Waiting { .. } => 0,
        State::Ended { .. } => all.len(),
        State::Running { since, until } => {
            let whole = until.map_or(1, |until| (until - since).num_seconds().max(1));
            let gone = (now - since).num_seconds().clamp(0, whole);
            let many = i64::try_from(all.len()).unwrap_or(1);
            usize::try_from(1 + gone * (many - 1) / whole).unwrap_or(1)
        }
    };
    ended(&all.into_iter().take(shown).map(str::to_owned).collect::<Vec<_>>())
}

/// The steps of a job.
pub(super) fn steps(job: &Job) -> Value {
    let word = job.word().to_lowercase();
    let one = |place: u64, name: &str| {
        json!({
            "nodeName": name, "stepName": name, "status": word, "stepApiVersion": "v2", "finish": job.is_over(),
            "nodeIndex": place, "stepIndex": place, "supportDebug": false, "parentIndex": 0, "running": word == "running",
        })
    };
    let begun = !matches!(job.state, State::Init | State::Waiting { .. });
    let begun = begun && matches!(job.spec.kind, JobKind::Build | JobKind::Deploy);
    let nodes: Vec<Value> = if begun { vec![one(0, "执行命令")] } else { Vec::new() };
    json!([{
        "jobId": job.id, "buildId": job.id + 500, "actionCode": "EXECUTION_COMPONENT_BUILD", "actionName": "构建",
        "startTime": times(job).0.map(|at| at.to_string()), "endTime": times(job).1.map(|at| at.to_string()),
        "buildProcessNodes": nodes,
    }])
}

/// A job of a pipeline that deploys.
pub(super) fn deploy(pipeline: &Pipeline, sign: &str, name: &str) -> Value {
    let last = pipeline.records.iter().rev().find(|record| record.sign == sign);
    json!({"identifier": sign, "jobName": name, "lastJobId": last.map(|record| record.job), "lastJobParams": "{}"})
}

/// One time that such a job ran.
pub(super) fn record(pipeline: &Pipeline, record: &Record) -> Value {
    let run = pipeline.runs.iter().find(|run| run.spec.id == record.run);
    let job = run.and_then(|run| run.jobs.iter().find(|job| job.id == record.job));
    let sources = run.map(|run| json!([source(pipeline, run)]).to_string());
    json!({
        "executeNumber": record.number,
        "identifier": record.sign,
        "jobId": record.job,
        "jobName": job.map(|job| job.spec.name.as_str()),
        "operatorAccountId": record.by,
        "pipelineId": pipeline.spec.id,
        "pipelineRunId": record.run,
        "sources": sources,
        "status": record.word.unwrap_or("RUNNING"),
    })
}
