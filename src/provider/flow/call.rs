//! What is sent to Flow to change something: every call, in either of its two APIs, its shape, and the command that does the same by hand.
//! Pure.

use serde_json::json;
use url::form_urlencoded;

use crate::{
    domain::text::shell_word,
    port::{plan::WireCall, shape::Shape},
    provider::{
        flow::request::{ACTION, Door, JSON},
        http::client::part,
    },
};

/// The content type of what the older API takes.
const FORM: &str = "application/x-www-form-urlencoded";
/// The headers that a call may have.
const HEADERS: &[&str] = &[ACTION];

/// What a call does, in both APIs. What the older one does not have has no action there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act {
    pub(super) method: &'static str,
    /// What stands behind the job, the deploy order or the machine.
    end: &'static str,
    /// The same in the older API, and what it is called there.
    older: Option<(&'static str, &'static str)>,
}

const fn act(method: &'static str, end: &'static str, older: Option<(&'static str, &'static str)>) -> Act {
    Act { method, end, older }
}

pub(super) const PASS: Act = act("POST", "/pass", Some(("/pass", "PassPipelineValidate")));
pub(super) const REFUSE: Act = act("POST", "/refuse", Some(("/refuse", "RefusePipelineValidate")));
pub(super) const START: Act = act("POST", "/start", None);
pub(super) const STOP_JOB: Act = act("PUT", "/stop", Some(("/stop", "StopPipelineJobRun")));
pub(super) const RETRY_JOB: Act = act("PUT", "/retry", Some(("", "RetryPipelineJobRun")));
pub(super) const RERUN_JOB: Act = act("PUT", "/rerun", None);
pub(super) const SKIP_JOB: Act = act("PUT", "/skip", Some(("/skip", "SkipPipelineJobRun")));
pub(super) const STOP_RUN: Act = act("PUT", "/stop", Some(("/stop", "StopPipelineRun")));
pub(super) const RESUME: Act = act("PUT", "/resume", Some(("/resume", "ResumeVMDeployOrder")));
pub(super) const STOP_ORDER: Act = act("PUT", "/stop", Some(("/stop", "StopVMDeployOrder")));
pub(super) const RETRY_MACHINE: Act = act("PUT", "/retry", Some(("/retry", "RetryVMDeployMachine")));
pub(super) const SKIP_MACHINE: Act = act("PUT", "/skip", Some(("/skip", "SkipVMDeployMachine")));

impl Door {
    /// Does it have this?
    pub(super) fn has(&self, act: Act) -> bool {
        !self.is_older() || act.older.is_some()
    }

    /// The path of a call on a job. `job` may be what stands for one that fills it.
    pub(super) fn on_job(&self, act: Act, (pipeline, run): (&str, &str), job: &str) -> String {
        format!("{}/{pipeline}/pipelineRuns/{run}/jobs/{job}{}", self.pipelines(), self.end(act))
    }

    /// The path of a call on a whole run, which only the older API has.
    pub(super) fn on_run(&self, act: Act, pipeline: u64, run: u64) -> String {
        format!("{}/{pipeline}/pipelineRuns/{run}{}", self.pipelines(), self.end(act))
    }

    /// The path of a call on a deploy order, or on a machine of it.
    pub(super) fn on_order(&self, act: Act, pipeline: u64, order: &str, machine: Option<&str>) -> String {
        let machine = machine.map(|machine| format!("/machine/{machine}")).unwrap_or_default();
        format!("{}/{pipeline}/deploy/{order}{machine}{}", self.pipelines(), self.end(act))
    }

    /// The path of a new run.
    pub(super) fn new_run(&self, pipeline: u64) -> String {
        match self {
            Self::Token { .. } => format!("{}/{pipeline}/runs", self.pipelines()),
            Self::Key { organization } => format!("/organizations/{}/pipelines/{pipeline}/run", part(organization)),
        }
    }

    fn end(&self, act: Act) -> &'static str {
        if self.is_older() { act.older.map_or(act.end, |(end, _)| end) } else { act.end }
    }

    /// The shape of a call without a body.
    pub(super) fn shape(&self, act: Act, path: String) -> Shape {
        Shape { method: act.method, path, headers: self.headers(), ..Shape::default() }
    }

    /// The shape of what begins a run.
    pub(super) fn shape_of_begin(&self, pipeline: u64) -> Shape {
        Shape {
            method: "POST",
            path: self.new_run(pipeline),
            content_type: if self.is_older() { FORM } else { JSON },
            writes: &["/params"],
            headers: self.headers(),
            ..Shape::default()
        }
    }

    /// The headers that calls may have by this API.
    fn headers(&self) -> &'static [&'static str] {
        if self.is_older() { HEADERS } else { &[] }
    }

    /// A call without a body, and the command that does the same by hand.
    pub(super) fn call(&self, act: Act, words: String, path: String, base: &str) -> WireCall {
        let action = act.older.map_or("", |(_, action)| action);
        self.written((act.method, action), words, path, "", base)
    }

    /// The call that begins a run. Its parameters are JSON in a text: in JSON, or in a form where the older API takes it.
    pub(super) fn begin(&self, words: String, pipeline: u64, params: &str, base: &str) -> WireCall {
        let plain = self.written(("POST", "StartPipelineRun"), words, self.new_run(pipeline), params, base);
        let (content_type, body) = if self.is_older() {
            let body: String = form_urlencoded::Serializer::new(String::new()).append_pair("params", params).finish();
            (FORM, body)
        } else {
            (JSON, json!({ "params": params }).to_string())
        };
        WireCall { content_type: content_type.to_owned(), body: body.into(), ..plain }
    }

    /// A call without its body, and the command with these parameters.
    fn written(
        &self,
        (method, action): (&str, &str),
        words: String,
        path: String,
        params: &str,
        base: &str,
    ) -> WireCall {
        let (command, headers) = if self.is_older() {
            let body = if params.is_empty() { String::new() } else { format!(" --params {}", shell_word(params)) };
            let command = format!("aliyun devops {method} {}{body} --header {ACTION}={action}", shell_word(&path));
            (command, vec![(ACTION.to_owned(), action.to_owned())])
        } else {
            let body = if params.is_empty() {
                String::new()
            } else {
                format!(" -H 'Content-Type: {JSON}' -d {}", shell_word(&json!({ "params": params }).to_string()))
            };
            let address = shell_word(&format!("{}{path}", base.trim_end_matches('/')));
            let token = "-H \"x-yunxiao-token: $YUNXIAO_ACCESS_TOKEN\"";
            (format!("curl --fail-with-body -X {method} {token}{body} {address}"), Vec::new())
        };
        WireCall { words, method: method.to_owned(), path, headers, command, ..WireCall::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_the_older_api_names_what_it_does_and_can_be_done_by_hand_too() {
        let token = Door::Token { prefix: "/oapi/v1".into(), organization: Some("acme".into()) };
        let key = Door::Key { organization: "acme".into() };
        let path = token.on_job(PASS, ("123", "41"), "111");
        let call = token.call(PASS, "pass".into(), path, "https://openapi-rdc.aliyuncs.com/");
        assert_eq!(
            call.command,
            "curl --fail-with-body -X POST -H \"x-yunxiao-token: $YUNXIAO_ACCESS_TOKEN\" \
             https://openapi-rdc.aliyuncs.com/oapi/v1/flow/organizations/acme/pipelines/123/pipelineRuns/41/jobs/111/pass"
        );
        let path = key.on_job(RETRY_JOB, ("123", "41"), "111");
        assert_eq!(path, "/organization/acme/pipelines/123/pipelineRuns/41/jobs/111");
        let call = key.call(RETRY_JOB, "retry".into(), path, "https://devops.cn-hangzhou.aliyuncs.com");
        assert_eq!(call.headers, [(ACTION.to_owned(), "RetryPipelineJobRun".to_owned())]);
        assert!(call.command.starts_with("aliyun devops PUT /organization/acme/"), "{}", call.command);
        assert_eq!((token.has(RERUN_JOB), key.has(RERUN_JOB), key.has(STOP_RUN)), (true, false, true));
    }
    #[test]
    fn the_parameters_of_a_new_run_are_json_in_a_text_in_json_or_in_a_form() {
        let token = Door::Token { prefix: "/oapi/v1".into(), organization: None };
        let key = Door::Key { organization: "acme".into() };
        let sent = |door: &Door| {
            let call = door.begin(String::new(), 7, r#"{"comment":"a b"}"#, "https://x.test");
            (call.path.clone(), call.body.sent().unwrap().to_owned())
        };
        assert_eq!(
            sent(&token),
            ("/oapi/v1/flow/pipelines/7/runs".into(), r#"{"params":"{\"comment\":\"a b\"}"}"#.into())
        );
        assert_eq!(
            sent(&key),
            ("/organizations/acme/pipelines/7/run".into(), "params=%7B%22comment%22%3A%22a+b%22%7D".into())
        );
    }
}
