//! The endpoints of both APIs: which of them a path means, and what it says or does.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    demo::{
        flow::{
            Flow,
            door::{No, Said, of_key, of_token},
            run::{Job, Pipeline, Run},
            spec::{JobKind, RunSpec},
            wire,
        },
        rest::{parts, query},
        time::Offset,
    },
    domain::time::Timestamp,
};

/// What something that is asked for says.
type Outcome = Result<Said, No>;

fn missing(what: &str) -> No {
    No::new(StatusCode::NOT_FOUND, "NotFound", format!("{what} 不存在"))
}

fn refused(message: &str) -> No {
    No::new(StatusCode::BAD_REQUEST, "InvalidParam.Status", message)
}

fn said(value: Value, under: &'static str) -> Said {
    Said { value, under, page: None }
}

/// Done: the newer API answers with a bare `true`.
fn done(so: bool, why: &str) -> Outcome {
    if so { Ok(said(true.into(), "")) } else { Err(refused(why)) }
}

impl Flow {
    /// The whole way of a request.
    pub(super) fn answer(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let path = parts(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["oapi", "v1", rest @ ..] => {
                if !self.knows(request.headers()) {
                    return of_token(Err(No::new(
                        StatusCode::UNAUTHORIZED,
                        "InvalidToken",
                        "令牌无效 (invalid token)",
                    )));
                }
                of_token(self.by_token(now, request, rest))
            }
            ["organization" | "organizations", organization, rest @ ..] => {
                if let Some(refusal) = self.unsigned(request) {
                    return refusal;
                }
                if *organization != self.spec.organization {
                    return of_key(Err(missing("organization")));
                }
                of_key(self.by_key(now, request, rest))
            }
            _ => of_token(Err(missing("path"))),
        }
    }

    fn by_token(&mut self, now: Timestamp, request: &Request<Bytes>, path: &[&str]) -> Outcome {
        let own = self.spec.organization.clone();
        let rest = match path {
            ["platform", "user"] => {
                return Ok(said(
                    json!({"id": wire::account(&self.spec.user), "name": self.spec.user, "lastOrganization": own}),
                    "",
                ));
            }
            ["flow", "organizations", organization, rest @ ..] if !self.spec.region && *organization == own => rest,
            ["flow", rest @ ..] if self.spec.region => rest,
            _ => return Err(missing("organization")),
        };
        if *request.method() != Method::GET {
            return self.write(now, request, rest);
        }
        match rest {
            ["variableGroups"] => self.groups(request),
            ["pipelines"] => Ok(self.list(request)),
            ["pipelines", "getComponentsWithoutButtons"] => {
                let id = query(request, "pipelineId").unwrap_or_default();
                self.records(request, &id)
            }
            ["pipelines", id, "listTasksByCategory", "DEPLOY"] => self.deploys(id),
            ["pipelines", id, "runs"] => self.runs(request, id),
            ["pipelines", id, "runs", "latestPipelineRun"] => {
                let pipeline = self.pipeline(id)?;
                let newest = pipeline.runs.last().ok_or_else(|| missing("pipeline run"))?;
                Ok(said(wire::run(pipeline, newest, &self.spec.user), ""))
            }
            ["pipelines", id, "runs", run] => self.run(id, run),
            ["pipelines", id, "runs", run, "job", job, "log"] => self.job_log(now, (id, run, job)),
            ["pipelines", id, "pipelineRuns", run, "jobs", job, "steps"] => {
                Ok(said(wire::steps(self.job(id, run, job)?), ""))
            }
            ["pipelines", id, "pipelineRuns", run, "jobs", job, "step", "log"] => {
                self.step_log(now, request, (id, run, job))
            }
            ["pipelines", id, "deploy", order] => self.order(id, order),
            ["pipelines", id, "deploy", order, "machine", sn, "log"] => self.machine_log(id, order, sn),
            _ => Err(missing("path")),
        }
    }

    fn by_key(&mut self, now: Timestamp, request: &Request<Bytes>, path: &[&str]) -> Outcome {
        let get = *request.method() == Method::GET;
        match path {
            ["variableGroups"] if get => self.groups(request),
            ["pipelines"] if get => Ok(self.list(request)),
            ["pipelines", id, "pipelineRuns"] if get => self.runs(request, id),
            ["pipelines", id, "pipelineRuns", run] if get => self.run(id, run),
            ["pipeline", id, "pipelineRun", run, "job", job, "logs"] if get => self.job_log(now, (id, run, job)),
            ["pipelines", id, "deploy", order] if get => self.order(id, order),
            ["pipelines", id, "deploy", order, "machine", sn, "log"] if get => self.machine_log(id, order, sn),
            ["pipeline", id, "jobs"] => self.deploys(id),
            ["pipeline", id, "job", "historys"] => self.records(request, id),
            ["pipelines", id, "pipelineRuns", run, "stop"] => {
                self.may_act()?;
                let (id, run) = (number(id)?, number(run)?);
                let found = self.pipelines.iter_mut().find(|one| one.spec.id == id).and_then(|one| one.run(run));
                let so = found.ok_or_else(|| missing("pipeline run"))?.stop(now);
                self.revision += 1;
                done(so, "流水线已结束 (the run has ended)")
            }
            // What retries a job ends with its id here.
            ["pipelines", id, "pipelineRuns", run, "jobs", job] => {
                self.write(now, request, &["pipelines", id, "pipelineRuns", run, "jobs", job, "retry"])
            }
            ["pipelines", id, "run"] => self.write(now, request, &["pipelines", id, "runs"]),
            ["pipelines", _, "pipelineRuns", _, "jobs", _, "start" | "rerun"] => Err(missing("path")),
            rest => self.write(now, request, rest),
        }
    }

    fn may_act(&self) -> Result<(), No> {
        let text = "没有权限 (no permission to change runs)";
        if self.spec.acts { Ok(()) } else { Err(No::new(StatusCode::FORBIDDEN, "Forbidden.NoPermission", text)) }
    }

    fn pipeline(&self, id: &str) -> Result<&Pipeline, No> {
        let found = self.pipelines.iter().find(|pipeline| pipeline.spec.id.to_string() == id);
        found.ok_or_else(|| missing("pipeline"))
    }

    fn run_of(&self, id: &str, run: &str) -> Result<(&Pipeline, &Run), No> {
        let pipeline = self.pipeline(id)?;
        let found = pipeline.runs.iter().find(|one| one.spec.id.to_string() == run);
        Ok((pipeline, found.ok_or_else(|| missing("pipeline run"))?))
    }

    fn job(&self, id: &str, run: &str, job: &str) -> Result<&Job, No> {
        let (_, run) = self.run_of(id, run)?;
        run.jobs.iter().find(|one| one.id.to_string() == job).ok_or_else(|| missing("job"))
    }

    fn run(&self, id: &str, run: &str) -> Outcome {
        let (pipeline, run) = self.run_of(id, run)?;
        Ok(said(wire::run(pipeline, run, &self.spec.user), "pipelineRun"))
    }

    /// The pipelines that are in one of these states, or began to run after that.
    fn list(&self, request: &Request<Bytes>) -> Said {
        let states = query(request, "statusList").unwrap_or_default();
        let since = query(request, "executeStartTime").and_then(|text| text.parse::<i64>().ok());
        let fits = |pipeline: &&Pipeline| {
            let of = |run: &Run| {
                let late = since.is_none_or(|since| run.began.timestamp_millis() >= since);
                late && (states.is_empty() || states.split(',').any(|state| state == run.word()))
            };
            let any = pipeline.runs.iter().any(of);
            (states.is_empty() && since.is_none()) || any
        };
        paged(request, self.pipelines.iter().filter(fits).map(wire::pipeline).collect(), "pipelines")
    }

    fn groups(&self, request: &Request<Bytes>) -> Outcome {
        if self.spec.groups.is_empty() {
            let text = "没有权限 (no permission to read groups of variables)";
            return Err(No::new(StatusCode::FORBIDDEN, "Forbidden.NoPermission", text));
        }
        let all = self.spec.groups.iter().map(|group| wire::group(group, self.start)).collect();
        Ok(paged(request, all, "variableGroups"))
    }

    fn runs(&self, request: &Request<Bytes>, id: &str) -> Outcome {
        let pipeline = self.pipeline(id)?;
        let all = pipeline.runs.iter().rev().map(|run| wire::listed(pipeline, run)).collect();
        Ok(paged(request, all, "pipelineRuns"))
    }

    fn deploys(&self, id: &str) -> Outcome {
        let pipeline = self.pipeline(id)?;
        let jobs = pipeline.spec.jobs.iter().zip(1..);
        let deploys = jobs.filter(|(job, _)| matches!(job.kind, JobKind::Hosts | JobKind::Deploy));
        let all: Vec<Value> =
            deploys.map(|(job, place)| wire::deploy(pipeline, &format!("10_{place}"), &job.name)).collect();
        Ok(said(all.into(), "jobs"))
    }

    fn records(&self, request: &Request<Bytes>, id: &str) -> Outcome {
        let pipeline = self.pipeline(id)?;
        let sign = query(request, "identifier").unwrap_or_default();
        let its = pipeline.records.iter().rev().filter(|record| record.sign == sign);
        Ok(paged(request, its.map(|record| wire::record(pipeline, record)).collect(), "jobs"))
    }

    fn job_log(&self, now: Timestamp, (id, run, job): (&str, &str, &str)) -> Outcome {
        let job = self.job(id, run, job)?;
        let text = wire::lines(job, now);
        let last = text.lines().count();
        Ok(said(json!({"content": text, "last": last, "more": !job.is_over()}), "log"))
    }

    fn step_log(&self, now: Timestamp, request: &Request<Bytes>, (id, run, job): (&str, &str, &str)) -> Outcome {
        let text = wire::lines(self.job(id, run, job)?, now);
        let of = |name: &str| query(request, name).and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
        let (from, limit) = (of("offset").min(text.len()), of("limit"));
        let end = (from + limit).min(text.len());
        let part = String::from_utf8_lossy(text.as_bytes().get(from..end).unwrap_or_default()).into_owned();
        Ok(said(json!({"logs": part, "last": end, "more": end < text.len()}), ""))
    }

    fn order(&self, id: &str, order: &str) -> Outcome {
        let runs = &self.pipeline(id)?.runs;
        let each = runs.iter().flat_map(|run| run.jobs.iter().filter_map(move |job| Some((run, job.order.as_ref()?))));
        let found = each.into_iter().find(|(_, one)| one.id.to_string() == order);
        let (run, order) = found.ok_or_else(|| missing("deploy order"))?;
        Ok(said(wire::order(order, &run.spec.by), "deployOrder"))
    }

    fn machine_log(&self, id: &str, order: &str, sn: &str) -> Outcome {
        let orders = self.pipeline(id)?.runs.iter().flat_map(|run| &run.jobs).filter_map(|job| job.order.as_ref());
        let order =
            orders.into_iter().find(|one| one.id.to_string() == order).ok_or_else(|| missing("deploy order"))?;
        let machine = order.machines.iter().find(|machine| machine.spec.sn == sn).ok_or_else(|| missing("machine"))?;
        Ok(said(wire::machine_log(machine), "deployMachineLog"))
    }

    fn write(&mut self, now: Timestamp, request: &Request<Bytes>, path: &[&str]) -> Outcome {
        self.may_act()?;
        let Self { pipelines, ids, spec, .. } = self;
        let ["pipelines", id, rest @ ..] = path else { return Err(missing("path")) };
        let id = number(id)?;
        let pipeline = pipelines.iter_mut().find(|one| one.spec.id == id).ok_or_else(|| missing("pipeline"))?;
        let outcome = match (request.method(), rest) {
            (&Method::POST, ["runs"]) => {
                let made = begin(pipeline, request, &spec.user)?;
                let id = made.id;
                pipeline.begin(&made, now, ids);
                Ok(said(id.into(), "pipelineRunId"))
            }
            (method, ["pipelineRuns", run, "jobs", job, verb]) => {
                let (run, job) = (number(run)?, number(job)?);
                let found = pipeline.run(run).ok_or_else(|| missing("pipeline run"))?;
                let one = found.job(job).ok_or_else(|| missing("job"))?;
                let deploys = one.deploys();
                let barred = !one.spec.validators.is_empty() && !one.spec.validators.contains(&spec.user);
                let word = one.word();
                match (method.as_str(), *verb) {
                    ("POST", "pass" | "refuse" | "start") if barred => {
                        return Err(No::new(
                            StatusCode::FORBIDDEN,
                            "Forbidden.NotValidator",
                            "不是验证者 (not a validator)",
                        ));
                    }
                    ("POST", "pass") => done(found.answer(now, job, true), "当前状态不允许 (it does not wait)"),
                    ("POST", "refuse") => done(found.answer(now, job, false), "当前状态不允许 (it does not wait)"),
                    ("POST", "start") => done(found.start(now, job, ids), "当前状态不允许 (it does not wait)"),
                    ("PUT", "stop") => done(found.stop_job(now, job), "任务未运行 (the job does not run)"),
                    ("PUT", "skip") => done(found.skip(now, job), "任务不能跳过 (the job cannot be skipped)"),
                    ("PUT", "retry") if matches!(word, "FAIL" | "CANCELED") => {
                        done(pipeline.again(run, job, now, &spec.user, ids), "任务不能重试 (the job cannot be retried)")
                    }
                    ("PUT", "rerun") if deploys => done(
                        pipeline.again(run, job, now, &spec.user, ids),
                        "任务不能重新运行 (the job cannot be rerun)",
                    ),
                    _ => Err(refused("当前状态不允许 (not in this state)")),
                }
            }
            (&Method::PUT, ["deploy", order, rest @ ..]) => {
                let order = number(order)?;
                let job = pipeline.runs.iter_mut().find_map(|run| run.of_order(order));
                let order = job.and_then(|job| job.order.as_mut()).ok_or_else(|| missing("deploy order"))?;
                match rest {
                    ["resume"] => done(order.resume(now), "部署单未暂停 (the deployment does not wait)"),
                    ["stop"] => done(order.stop(now), "部署单已结束 (the deployment has ended)"),
                    ["machine", sn, verb @ ("retry" | "skip")] => {
                        done(order.machine(now, sn, *verb == "skip"), "机器未失败 (the machine has not failed)")
                    }
                    _ => Err(missing("path")),
                }
            }
            _ => Err(missing("path")),
        };
        pipeline.advance(now, ids);
        self.revision += 1;
        outcome
    }
}

fn number(text: &str) -> Result<u64, No> {
    text.parse().map_err(|_| No::new(StatusCode::BAD_REQUEST, "InvalidParam", "参数错误 (an id is a number)"))
}

/// What a new run is of: what its parameters say, JSON in a text, else what the newest one was of.
fn begin(pipeline: &Pipeline, request: &Request<Bytes>, by: &str) -> Result<RunSpec, No> {
    // The older API takes a form, the newer one JSON.
    let text = if request.uri().path().starts_with("/organizations/") {
        form_urlencoded::parse(request.body()).find(|(name, _)| name == "params").map(|(_, text)| text.into_owned())
    } else {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        body.get("params").and_then(Value::as_str).map(str::to_owned)
    };
    let text = text.as_deref().unwrap_or("{}");
    let wrong = |_| No::new(StatusCode::BAD_REQUEST, "InvalidParam", "params 不是 JSON (params is no JSON)");
    let params: Value = serde_json::from_str(text).map_err(wrong)?;
    let last = pipeline.runs.last().map(|run| run.spec.clone()).unwrap_or_default();
    let branch = params.pointer("/runningBranchs").and_then(|map| map.get(&pipeline.spec.repo)).and_then(Value::as_str);
    let comment = params.get("comment").and_then(Value::as_str);
    Ok(RunSpec {
        id: pipeline.next_id(),
        branch: branch.map_or(last.branch, str::to_owned),
        message: comment.map_or(last.message, str::to_owned),
        by: by.to_owned(),
        started: Offset::default(),
        through: false,
        trouble: None,
        stopped: false,
        commit: last.commit,
    })
}

/// The page that was asked for, in either API's way.
fn paged(request: &Request<Bytes>, all: Vec<Value>, under: &'static str) -> Said {
    let of = |name: &str| query(request, name).and_then(|text| text.parse::<usize>().ok());
    let size = of("perPage").or(of("maxResults")).unwrap_or(10).clamp(1, 30);
    let at = of("page").or(of("nextToken")).unwrap_or(1).max(1);
    let total = all.len();
    let items: Vec<Value> = all.into_iter().skip((at - 1).saturating_mul(size)).take(size).collect();
    Said { value: items.into(), under, page: Some((at, size, total)) }
}
