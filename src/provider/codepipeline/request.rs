//! What is asked: pure builders, one for each operation. The path names the service and the operation (`provider::aws`); what is meant
//! stands in the body.
//!
//! Source: docs.aws.amazon.com/codepipeline/latest/APIReference, and those of CodeBuild and CloudWatch Logs.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use serde_json::{Value, json};

use crate::{
    domain::observed::FaultKind,
    port::{error::ProviderError, fill::Outgoing, wire::Class},
    provider::http::USER_AGENT,
};

/// Executions of a pipeline that are read: as many as a board shows of one.
pub(super) const FEW: usize = 25;
/// Executions that have been in a stage, for the way back.
pub(super) const EARLIER: usize = 10;
/// The most that a page has.
const PAGE: usize = 100;

/// A request, before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) class: Class,
    /// `/codepipeline/GetPipelineState`
    pub(super) path: String,
    pub(super) body: String,
}

impl Wanted {
    fn read(path: &str, body: &Value) -> Self {
        Self { class: Class::Read, path: path.to_owned(), body: body.to_string() }
    }

    /// A call of a plan.
    pub(super) fn call(outgoing: &Outgoing<'_>) -> Self {
        Self { class: Class::Write, path: outgoing.path.clone(), body: outgoing.body.clone() }
    }

    /// The right that it takes, as policies name it: `codepipeline:GetPipelineState`.
    pub(super) fn right(&self) -> String {
        self.path.trim_start_matches('/').replacen('/', ":", 1)
    }

    /// The request with its class.
    pub(super) fn request(&self) -> Result<Request<Bytes>, ProviderError> {
        let unfit = || ProviderError::new(FaultKind::Rejected, format!("'{}' cannot be sent to AWS", self.path));
        let mut request = Request::new(Bytes::from(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.parse().map_err(|_| unfit())?;
        request.extensions_mut().insert(self.class);
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        Ok(request)
    }
}

/// An operation of CodePipeline.
pub(super) fn operation(name: &str) -> String {
    format!("/codepipeline/{name}")
}

fn with_token(mut body: Value, token: Option<&str>) -> Value {
    if let (Some(fields), Some(token)) = (body.as_object_mut(), token) {
        fields.insert("nextToken".to_owned(), token.into());
    }
    body
}

/// All pipelines of the region.
pub(super) fn pipelines(token: Option<&str>) -> Wanted {
    Wanted::read(&operation("ListPipelines"), &with_token(json!({}), token))
}

/// How a pipeline is made.
pub(super) fn definition(pipeline: &str) -> Wanted {
    Wanted::read(&operation("GetPipeline"), &json!({"name": pipeline}))
}

/// Where it is.
pub(super) fn state(pipeline: &str) -> Wanted {
    Wanted::read(&operation("GetPipelineState"), &json!({"name": pipeline}))
}

/// Its executions, newest first.
pub(super) fn executions(pipeline: &str, token: Option<&str>) -> Wanted {
    let body = json!({"pipelineName": pipeline, "maxResults": FEW});
    Wanted::read(&operation("ListPipelineExecutions"), &with_token(body, token))
}

/// The executions that succeeded in a stage, newest first: those since February 2024, of the pipeline as it is made now.
pub(super) fn succeeded(pipeline: &str, stage: &str) -> Wanted {
    let filter = json!({"succeededInStage": {"stageName": stage}});
    let body = json!({"pipelineName": pipeline, "maxResults": EARLIER, "filter": filter});
    Wanted::read(&operation("ListPipelineExecutions"), &body)
}

/// One execution.
pub(super) fn execution(pipeline: &str, execution: &str) -> Wanted {
    let body = json!({"pipelineName": pipeline, "pipelineExecutionId": execution});
    Wanted::read(&operation("GetPipelineExecution"), &body)
}

/// What the actions of an execution did, newest first.
pub(super) fn actions(pipeline: &str, execution: &str, token: Option<&str>) -> Wanted {
    let filter = json!({"pipelineExecutionId": execution});
    let body = json!({"pipelineName": pipeline, "maxResults": PAGE, "filter": filter});
    Wanted::read(&operation("ListActionExecutions"), &with_token(body, token))
}

/// What the actions of all its executions did, newest first.
pub(super) fn all_actions(pipeline: &str, token: Option<&str>) -> Wanted {
    Wanted::read(
        &operation("ListActionExecutions"),
        &with_token(json!({"pipelineName": pipeline, "maxResults": PAGE}), token),
    )
}

/// Builds of CodeBuild, and where their logs are.
pub(super) fn build(id: &str) -> Wanted {
    Wanted::read("/codebuild/BatchGetBuilds", &json!({"ids": [id]}))
}

/// The last lines of a log, or those that came since.
pub(super) fn events(group: &str, stream: &str, most: usize, token: Option<&str>) -> Wanted {
    /// More than that it does not give at once.
    const MOST: usize = 10_000;
    let from_head = token.is_some();
    let body = json!({"logGroupName": group, "logStreamName": stream, "limit": most.clamp(1, MOST), "startFromHead": from_head});
    Wanted::read("/logs/GetLogEvents", &with_token(body, token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_read_names_its_operation_its_right_and_what_is_meant() {
        let table = [
            (pipelines(Some("t")), "codepipeline:ListPipelines", r#"{"nextToken":"t"}"#),
            (state("till"), "codepipeline:GetPipelineState", r#"{"name":"till"}"#),
            (
                executions("till", None),
                "codepipeline:ListPipelineExecutions",
                r#"{"maxResults":25,"pipelineName":"till"}"#,
            ),
            (
                succeeded("till", "Prod"),
                "codepipeline:ListPipelineExecutions",
                r#"{"filter":{"succeededInStage":{"stageName":"Prod"}},"maxResults":10,"pipelineName":"till"}"#,
            ),
            (build("p:1"), "codebuild:BatchGetBuilds", r#"{"ids":["p:1"]}"#),
            (
                events("g", "s", 50_000, None),
                "logs:GetLogEvents",
                r#"{"limit":10000,"logGroupName":"g","logStreamName":"s","startFromHead":false}"#,
            ),
        ];
        for (wanted, right, body) in table {
            assert_eq!((wanted.class, wanted.right().as_str(), wanted.body.as_str()), (Class::Read, right, body));
            let request = wanted.request().unwrap();
            assert_eq!((request.method(), request.uri().path()), (&Method::POST, wanted.path.as_str()));
        }
    }
}
