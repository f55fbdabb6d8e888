//! The operations, and what every request passes: its signature, how many there were, and whether whoever signs may.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    demo::{
        aws,
        codepipeline::{
            CodePipeline,
            pipeline::{Pipeline, Retry},
            spec::ExecutionSpec,
            wire,
        },
        rest::set,
    },
    domain::time::Timestamp,
};

/// Where it is served, as signatures have it: under the mount, or alone.
const PATHS: [&str; 3] = ["/", "/codepipeline/", "/codepipeline"];
/// As many things are on a page where nobody says.
const PAGE: usize = 100;

/// A refusal: AWS's name for it, and a sentence.
type Refused = (String, String);
type Outcome = Result<Value, Refused>;

fn refused(name: &str, message: impl Into<String>) -> Refused {
    (name.to_owned(), message.into())
}

fn answered(status: StatusCode, body: String, content: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", content);
    response
}

fn said(outcome: Outcome) -> Response<Bytes> {
    match outcome {
        Ok(body) => answered(StatusCode::OK, body.to_string(), "application/x-amz-json-1.1"),
        Err((name, message)) => {
            let body = json!({"__type": name, "message": message}).to_string();
            let mut response = answered(StatusCode::BAD_REQUEST, body, "application/x-amz-json-1.1");
            set(response.headers_mut(), "x-amzn-errortype", &name);
            response
        }
    }
}

/// A field that must be there.
fn field<'v>(body: &'v Value, name: &str) -> Result<&'v str, Refused> {
    let missing = || {
        let text = format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        );
        refused("ValidationException", text)
    };
    body.get(name).and_then(Value::as_str).ok_or_else(missing)
}

/// The page that was asked for, under this key.
fn page(body: &Value, key: &str, all: Vec<Value>) -> Outcome {
    let number = |name: &str| body.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let size = number("maxResults").unwrap_or(PAGE).clamp(1, 1000);
    let token = body.get("nextToken").and_then(Value::as_str);
    let from = match token.map(str::parse::<usize>) {
        None => 0,
        Some(Ok(from)) => from,
        Some(Err(_)) => {
            return Err(refused("InvalidNextTokenException", "The next token was specified in an invalid format."));
        }
    };
    let more = from + size < all.len();
    let items: Vec<Value> = all.into_iter().skip(from).take(size).collect();
    let mut answer = json!({key: items});
    if let (true, Some(fields)) = (more, answer.as_object_mut()) {
        fields.insert("nextToken".to_owned(), (from + size).to_string().into());
    }
    Ok(answer)
}

impl CodePipeline {
    /// The whole way of a request.
    pub(super) fn answer(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        if let Err((name, message)) = aws::verify(request, &PATHS, now) {
            return said(Err(refused(name, message)));
        }
        if self.is_too_much(now) {
            return said(Err(refused("ThrottlingException", "Rate exceeded")));
        }
        let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let Some((service, operation)) = target.split_once('.') else { return self.form(request) };
        let body: Result<Value, _> = serde_json::from_slice(request.body());
        let Ok(body) = body else { return said(Err(refused("SerializationException", "the body is not JSON"))) };
        said(match service {
            "CodePipeline_20150709" => self.operate(now, operation, &body),
            "CodeBuild_20161006" if operation == "BatchGetBuilds" => {
                self.may("codebuild:BatchGetBuilds", "*").map(|()| self.builds(&body))
            }
            "Logs_20140328" if operation == "GetLogEvents" => {
                self.may("logs:GetLogEvents", "*").and_then(|()| self.events(now, &body))
            }
            _ => Err(refused("UnknownOperationException", "")),
        })
    }

    /// The older protocol: a form, answered with XML.
    fn form(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let body = String::from_utf8_lossy(request.body());
        if !body.split('&').any(|field| field == "Action=GetCallerIdentity") {
            let body = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>Could not find operation</Message>\
                        </Error></ErrorResponse>";
            return answered(StatusCode::BAD_REQUEST, body.to_owned(), "text/xml");
        }
        let (arn, account) = (self.spec.arn(&self.spec.user), &self.spec.account);
        let body = aws::identity(&arn, account);
        answered(StatusCode::OK, body, "text/xml")
    }

    fn is_too_much(&mut self, now: Timestamp) -> bool {
        let Some(limit) = self.spec.limit else { return false };
        if self.second.0 != now.timestamp() {
            self.second = (now.timestamp(), 0);
        }
        self.second.1 += 1;
        self.second.1 > limit
    }

    /// May whoever signs?
    fn may(&self, right: &str, on: &str) -> Result<(), Refused> {
        if !self.spec.denied.iter().any(|denied| denied == right) {
            return Ok(());
        }
        let who = self.spec.arn(&self.spec.user);
        let arn = format!("arn:aws:codepipeline:{}:{}:{on}", self.spec.region, self.spec.account);
        let text = format!(
            "User: {who} is not authorized to perform: {right} on resource: {arn} because no identity-based policy allows the {right} action"
        );
        Err(refused("AccessDeniedException", text))
    }

    fn operate(&mut self, now: Timestamp, operation: &str, body: &Value) -> Outcome {
        let right = format!("codepipeline:{operation}");
        if operation == "ListPipelines" {
            self.may(&right, "*")?;
            return page(body, "pipelines", self.pipelines.iter().map(wire::named).collect());
        }
        let key = match operation {
            "GetPipeline" | "GetPipelineState" | "StartPipelineExecution" => "name",
            _ => "pipelineName",
        };
        let name = field(body, key)?;
        self.may(&right, name)?;
        let account = self.spec.account.clone();
        let place = self.pipelines.iter().position(|one| one.spec.name == name);
        let unknown = || {
            let text = format!("Account '{account}' does not have a pipeline with name '{name}'");
            refused("PipelineNotFoundException", text)
        };
        let place = place.ok_or_else(unknown)?;
        let pipeline = self.pipelines.get(place).ok_or_else(unknown)?;
        match operation {
            "GetPipeline" => Ok(wire::definition(pipeline, &self.spec)),
            "GetPipelineState" => Ok(wire::state(pipeline, now)),
            "GetPipelineExecution" => {
                let execution = execution(pipeline, field(body, "pipelineExecutionId")?)?;
                Ok(wire::single(pipeline, execution, &self.spec))
            }
            "ListPipelineExecutions" => self.executions(pipeline, body),
            "ListActionExecutions" => self.actions(pipeline, body),
            _ => {
                let (arn, pipeline) =
                    (self.spec.arn(&self.spec.user), self.pipelines.get_mut(place).ok_or_else(unknown)?);
                let done = change(pipeline, now, operation, body, &arn)?;
                self.revision += 1;
                Ok(done)
            }
        }
    }

    fn executions(&self, pipeline: &Pipeline, body: &Value) -> Outcome {
        let stage = body.pointer("/filter/succeededInStage/stageName").and_then(Value::as_str);
        let place = match stage {
            Some(stage) => {
                Some(pipeline.stage(stage).ok_or_else(|| refused("ValidationException", "there is no such stage"))?)
            }
            None => None,
        };
        let fits = |one: &&super::execution::Execution| {
            let good = |place: usize| {
                one.stays.get(place).is_some_and(|stay| stay.place == super::execution::Place::Ended("Succeeded"))
            };
            place.is_none_or(good)
        };
        let all = pipeline.executions.iter().rev().filter(fits).map(|one| wire::summary(pipeline, one, &self.spec));
        page(body, "pipelineExecutionSummaries", all.collect())
    }

    fn actions(&self, pipeline: &Pipeline, body: &Value) -> Outcome {
        let one = body.pointer("/filter/pipelineExecutionId").and_then(Value::as_str);
        if let Some(id) = one {
            execution(pipeline, id)?;
        }
        let wanted = pipeline.executions.iter().rev().filter(|execution| one.is_none_or(|id| execution.id == id));
        let all = wanted.flat_map(|execution| wire::actions(pipeline, execution, &self.spec)).collect();
        page(body, "actionExecutionDetails", all)
    }

    fn builds(&self, body: &Value) -> Value {
        let ids: Vec<&str> =
            body.get("ids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let known = self.pipelines.iter().flat_map(wire::builds).filter(|(id, ..)| ids.contains(&id.as_str()));
        let one = |(id, _, end, _): (String, Timestamp, Option<Timestamp>, _)| {
            let (project, stream) = id.split_once(':').unwrap_or((&id, ""));
            json!({"id": id, "projectName": project, "buildComplete": end.is_some(),
                "logs": {"groupName": format!("/aws/codebuild/{project}"), "streamName": stream}})
        };
        let builds: Vec<Value> = known.map(one).collect();
        let found = |id: &str| builds.iter().any(|build| build.get("id").and_then(Value::as_str) == Some(id));
        let missing: Vec<&str> = ids.iter().copied().filter(|id| !found(id)).collect();
        json!({"builds": builds, "buildsNotFound": missing})
    }

    fn events(&self, now: Timestamp, body: &Value) -> Outcome {
        let (group, stream) = (field(body, "logGroupName")?, field(body, "logStreamName")?);
        let project = group.strip_prefix("/aws/codebuild/").unwrap_or_default();
        let id = format!("{project}:{stream}");
        let known = self.pipelines.iter().flat_map(wire::builds).find(|(known, ..)| *known == id);
        let missing = || refused("ResourceNotFoundException", "The specified log stream does not exist.");
        let (_, since, _, action) = known.ok_or_else(missing)?;
        let all = wire::lines(since, action, now);
        let limit =
            body.get("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(10_000);
        let from_head = body.get("startFromHead").and_then(Value::as_bool).unwrap_or(false);
        let token = body
            .get("nextToken")
            .and_then(Value::as_str)
            .and_then(|token| token.strip_prefix("f/")?.parse::<usize>().ok());
        let from = token.unwrap_or(if from_head { 0 } else { all.len().saturating_sub(limit) });
        let items: Vec<&(i64, String)> = all.iter().skip(from).take(limit).collect();
        let end = from + items.len();
        let events: Vec<Value> =
            items.iter().map(|(at, text)| json!({"timestamp": at, "message": text, "ingestionTime": at})).collect();
        Ok(json!({"events": events, "nextForwardToken": format!("f/{end}"), "nextBackwardToken": format!("b/{from}")}))
    }
}

fn execution<'p>(pipeline: &'p Pipeline, id: &str) -> Result<&'p super::execution::Execution, Refused> {
    pipeline.execution(id).ok_or_else(|| {
        let text = format!("Pipeline '{}' does not have an execution with id '{id}'", pipeline.spec.name);
        refused("PipelineExecutionNotFoundException", text)
    })
}

/// What changes something.
fn change(pipeline: &mut Pipeline, now: Timestamp, operation: &str, body: &Value, who: &str) -> Outcome {
    let of = |name: &str| body.get(name).and_then(Value::as_str);
    let stage = |pipeline: &Pipeline| {
        let name = field(body, "stageName")?;
        pipeline.stage(name).ok_or_else(|| refused("StageNotFoundException", format!("there is no stage {name}")))
    };
    match operation {
        "PutApprovalResult" => answer(pipeline, now, body),
        "DisableStageTransition" | "EnableStageTransition" => {
            stage(pipeline)?;
            field(body, "transitionType")?;
            let held = if operation == "DisableStageTransition" { Some((who.to_owned(), reason(body)?)) } else { None };
            pipeline.hold(field(body, "stageName")?, held, now).map_err(|why| refused("ValidationException", why))?;
            Ok(json!({}))
        }
        "StopPipelineExecution" => {
            let id = field(body, "pipelineExecutionId")?;
            execution(pipeline, id)?;
            let abandon = body.get("abandon").and_then(Value::as_bool).unwrap_or(false);
            pipeline
                .stop(now, id, abandon, of("reason").map(str::to_owned))
                .map_err(|name| refused(&name, "it cannot be stopped"))?;
            Ok(json!({"pipelineExecutionId": id}))
        }
        "RetryStageExecution" => {
            let (place, id) = (stage(pipeline)?, field(body, "pipelineExecutionId")?);
            execution(pipeline, id)?;
            if pipeline.latest.get(place).and_then(Option::as_deref) != Some(id) {
                return Err(refused("NotLatestPipelineExecutionException", "a newer execution has entered the stage"));
            }
            let what = if of("retryMode") == Some("ALL_ACTIONS") { Retry::All } else { Retry::Failed };
            pipeline.retry(now, id, what).map_err(|name| refused(&name, "the stage has not failed"))?;
            Ok(json!({"pipelineExecutionId": id}))
        }
        "RollbackStage" => {
            let (place, target) = (stage(pipeline)?, field(body, "targetPipelineExecutionId")?);
            let unable = |why: &str| refused("UnableToRollbackStageException", why);
            let found = execution(pipeline, target)?;
            let good =
                found.stays.get(place).is_some_and(|stay| stay.place == super::execution::Place::Ended("Succeeded"));
            if place == 0 || found.back_to.is_some() || !good {
                return Err(unable(
                    "the target did not succeed in the stage, or is itself a rollback, or the stage has the sources",
                ));
            }
            let there = pipeline.latest.get(place).cloned().flatten();
            if there
                .and_then(|id| pipeline.execution(&id))
                .is_some_and(|one| one.stays.get(place).is_some_and(|stay| stay.place == super::execution::Place::In))
            {
                return Err(refused("ConflictException", "the stage runs"));
            }
            let made = pipeline.roll_back(now, place, target).ok_or_else(|| unable("the target is gone"))?;
            Ok(json!({"pipelineExecutionId": made}))
        }
        "StartPipelineExecution" => Ok(json!({"pipelineExecutionId": start(pipeline, now, body, who)})),
        _ => Err(refused("UnknownOperationException", "")),
    }
}

/// A reason of a transition: AWS takes only these signs.
fn reason(body: &Value) -> Result<String, Refused> {
    let reason = field(body, "reason")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "!@ ().*?-".contains(c);
    if reason.is_empty() || reason.len() > 300 || !reason.chars().all(fits) {
        let text = "1 validation error detected: Value at 'reason' failed to satisfy constraint: Member must satisfy regular expression \
                    pattern: [a-zA-Z0-9!@ \\(\\)\\.\\*\\?\\-]+";
        return Err(refused("ValidationException", text));
    }
    Ok(reason.to_owned())
}

fn answer(pipeline: &mut Pipeline, now: Timestamp, body: &Value) -> Outcome {
    let (stage, action, token) = (field(body, "stageName")?, field(body, "actionName")?, field(body, "token")?);
    let status = body.pointer("/result/status").and_then(Value::as_str);
    let summary = body.pointer("/result/summary").and_then(Value::as_str);
    let (Some(status @ ("Approved" | "Rejected")), Some(summary)) = (status, summary) else {
        return Err(refused("ValidationException", "the result has no status or no summary"));
    };
    if summary.len() > 512 {
        return Err(refused("ValidationException", "the summary has more than 512 characters"));
    }
    let place = pipeline.stage(stage).ok_or_else(|| refused("StageNotFoundException", "there is no such stage"))?;
    let known = pipeline.spec.stages.get(place).is_some_and(|stage| stage.actions.iter().any(|one| one.name == action));
    if !known {
        return Err(refused("ActionNotFoundException", "there is no such action"));
    }
    if !pipeline.answer(now, token, status == "Approved", Some(summary)) {
        return Err(refused("InvalidApprovalTokenException", "The approval token is not valid or has expired."));
    }
    Ok(json!({"approvedAt": now.timestamp_millis() as f64 / 1000.0}))
}

/// Starts it; the same token starts nothing again.
fn start(pipeline: &mut Pipeline, now: Timestamp, body: &Value, who: &str) -> String {
    let token = body.get("clientRequestToken").and_then(Value::as_str).unwrap_or_default();
    if let Some((_, known)) = pipeline.started.iter().find(|(known, _)| !token.is_empty() && known == token) {
        return known.clone();
    }
    let last = pipeline
        .executions
        .iter()
        .rev()
        .find(|one| one.back_to.is_none())
        .map(|one| one.spec.clone())
        .unwrap_or_default();
    let by = who.rsplit('/').next().unwrap_or_default().to_owned();
    let spec = ExecutionSpec { commit: last.commit, title: last.title, by, ..ExecutionSpec::default() };
    let id = pipeline.begin(spec, now);
    let given = body.get("variables").and_then(Value::as_array).into_iter().flatten();
    let one = |value: &Value| Some((value.get("name")?.as_str()?.to_owned(), value.get("value")?.as_str()?.to_owned()));
    let variables: Vec<(String, String)> = given.filter_map(one).collect();
    if let Some(made) = pipeline.executions.iter_mut().find(|made| made.id == id) {
        made.variables = variables;
    }
    pipeline.started.push((token.to_owned(), id.clone()));
    id
}
