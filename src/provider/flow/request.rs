//! What is asked of Flow: pure builders, one for each endpoint, in either of its two APIs. Sources: the `operations/flow` folder of
//! `github.com/aliyun/alibabacloud-devops-mcp-server` for the API of tokens; the package `alibabacloud-devops20210625` for the older one.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};

use crate::{
    domain::{observed::FaultKind, time::Timestamp},
    port::{error::ProviderError, fill::Outgoing, wire::Class},
    provider::http::{USER_AGENT, client::part},
};

/// Entries of a page: as many as there may be.
pub(super) const PAGE: usize = 30;
/// Bytes of a step's log that are asked for at once.
pub(super) const OF_LOG: usize = 64 << 10;
/// The content type of whatever has a body.
pub(super) const JSON: &str = "application/json";
/// The header that names what the older API is to do.
pub(super) const ACTION: &str = "x-acs-action";
/// By which API Flow is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// That of personal tokens.
    Token {
        /// What its paths begin with: `/oapi/v1`.
        prefix: String,
        /// The organisation; none where a region of one's own leaves it out of its paths.
        organization: Option<String>,
    },
    /// The older one (POP, 2021-06-25), which takes what an access key signs.
    Key {
        /// The organisation.
        organization: String,
    },
}

/// What a credential must be allowed for what is asked, as Flow's own pages call it.
pub(super) mod right {
    pub(in crate::provider::flow) const PIPELINES: &str = "pipelines, read (流水线 只读)";
    pub(in crate::provider::flow) const RUNS: &str = "runs of pipelines, read (流水线运行实例 只读)";
    pub(in crate::provider::flow) const JOBS: &str = "jobs of runs, read (流水线运行任务 只读)";
    pub(in crate::provider::flow) const HOSTS: &str = "deployments to hosts, read (主机部署 只读)";
    pub(in crate::provider::flow) const GROUPS: &str = "groups of variables, read (变量组 只读)";
    pub(in crate::provider::flow) const ACT: &str =
        "runs, jobs and deployments to hosts, read and write (流水线运行实例, 流水线运行任务, 主机部署 读写)";
}

/// A request, before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) class: Class,
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    /// What the older API calls it; not sent to the other.
    pub(super) action: &'static str,
    /// Headers of a call.
    pub(super) headers: Vec<(String, String)>,
    /// Empty for none.
    pub(super) body: String,
    /// What the body is.
    pub(super) content_type: String,
    /// Under which name the older API has its answer.
    pub(super) under: &'static str,
    /// What the credential must be allowed.
    pub(super) right: &'static str,
}

impl Wanted {
    /// A call of a plan.
    pub(super) fn call(outgoing: &Outgoing<'_>) -> Result<Self, ProviderError> {
        let method = outgoing.call.method.parse().map_err(|_| unfit(&outgoing.call.method))?;
        Ok(Self {
            class: Class::Write,
            method,
            path: outgoing.path.clone(),
            action: "",
            headers: outgoing.headers.clone(),
            body: outgoing.body.clone(),
            content_type: outgoing.call.content_type.clone(),
            under: "",
            right: right::ACT,
        })
    }

    /// The request with its headers and its class.
    pub(super) fn request(&self, door: &Door) -> Result<Request<Bytes>, ProviderError> {
        let uri = self.path.parse().map_err(|_| unfit(&self.path))?;
        let mut request = Request::new(Bytes::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        request.extensions_mut().insert(self.class);
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(header::ACCEPT, HeaderValue::from_static(JSON));
        if !self.body.is_empty() {
            let kind = HeaderValue::try_from(&self.content_type).map_err(|_| unfit(&self.content_type))?;
            headers.insert(header::CONTENT_TYPE, kind);
        }
        if matches!(door, Door::Key { .. }) && !self.action.is_empty() {
            headers.insert(HeaderName::from_static(ACTION), HeaderValue::from_static(self.action));
        }
        for (name, value) in &self.headers {
            let pair = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
            let (name, value) = pair.ok_or_else(|| unfit(name))?;
            headers.insert(name, value);
        }
        Ok(request)
    }
}

fn unfit(what: &str) -> ProviderError {
    ProviderError::new(FaultKind::Rejected, format!("'{what}' cannot be sent to Flow"))
}

/// One endpoint in both APIs.
struct Both {
    token: String,
    key: String,
    action: &'static str,
    under: &'static str,
    right: &'static str,
}

impl Door {
    /// Is it the older API?
    pub(super) fn is_older(&self) -> bool {
        matches!(self, Self::Key { .. })
    }

    /// The organisation, where it is named.
    pub(super) fn organization(&self) -> Option<&str> {
        match self {
            Self::Token { organization, .. } => organization.as_deref(),
            Self::Key { organization } => Some(organization),
        }
    }

    /// What all paths of pipelines begin with.
    pub(super) fn pipelines(&self) -> String {
        match self {
            Self::Token { prefix, organization: Some(organization) } => {
                format!("{}/flow/organizations/{}/pipelines", prefix.trim_end_matches('/'), part(organization))
            }
            Self::Token { prefix, organization: None } => format!("{}/flow/pipelines", prefix.trim_end_matches('/')),
            Self::Key { organization } => format!("/organization/{}/pipelines", part(organization)),
        }
    }

    /// The older API has some of its paths below another word.
    fn pipeline_of_older(&self, pipeline: u64) -> String {
        format!("/organization/{}/pipeline/{pipeline}", part(self.organization().unwrap_or_default()))
    }

    fn get(&self, both: Both) -> Wanted {
        let path = if self.is_older() { both.key } else { both.token };
        let (class, method, body) = (Class::Read, Method::GET, String::new());
        let Both { action, under, right, .. } = both;
        let (headers, content_type) = Default::default();
        Wanted { class, method, path, action, headers, body, content_type, under, right }
    }

    /// Whose token it is. The older API does not tell.
    pub(super) fn user(&self) -> Option<Wanted> {
        let Self::Token { prefix, .. } = self else { return None };
        let token = format!("{}/platform/user", prefix.trim_end_matches('/'));
        Some(self.get(Both { token, key: String::new(), action: "", under: "", right: "" }))
    }

    /// The pipelines: all of them, or those that are in one of these states, or began after a moment.
    pub(super) fn list(&self, states: &str, since: Option<Timestamp>, page: &Page) -> Wanted {
        let states = if states.is_empty() { String::new() } else { format!("&statusList={}", part(states)) };
        let since = since.map(|since| format!("&executeStartTime={}", since.timestamp_millis())).unwrap_or_default();
        let query = format!("{}{states}{since}", page.query(self.is_older(), PAGE));
        let path = format!("{}?{query}", self.pipelines());
        let (action, under, right) = ("ListPipelines", "pipelines", right::PIPELINES);
        self.get(Both { token: path.clone(), key: path, action, under, right })
    }

    /// The groups of variables, with the pipelines that are given them.
    pub(super) fn groups(&self, page: &Page) -> Wanted {
        let pipelines = self.pipelines();
        let above = pipelines.strip_suffix("/pipelines").unwrap_or(&pipelines);
        let path = format!("{above}/variableGroups?{}", page.query(self.is_older(), PAGE));
        let (action, under, right) = ("ListVariableGroups", "variableGroups", right::GROUPS);
        self.get(Both { token: path.clone(), key: path, action, under, right })
    }

    /// The newest run of a pipeline, with all that is in it. The older API has no such thing.
    pub(super) fn latest(&self, pipeline: u64) -> Option<Wanted> {
        let token = format!("{}/{pipeline}/runs/latestPipelineRun", self.pipelines());
        let both = Both { token, key: String::new(), action: "", under: "", right: right::RUNS };
        (!self.is_older()).then(|| self.get(both))
    }

    /// The runs of a pipeline, newest first, without what is in them.
    pub(super) fn runs(&self, pipeline: u64, page: &Page, most: usize) -> Wanted {
        let query = page.query(self.is_older(), most);
        self.get(Both {
            token: format!("{}/{pipeline}/runs?{query}", self.pipelines()),
            key: format!("{}/{pipeline}/pipelineRuns?{query}", self.pipelines()),
            action: "ListPipelineRuns",
            under: "pipelineRuns",
            right: right::RUNS,
        })
    }

    /// One run, with all that is in it.
    pub(super) fn run(&self, pipeline: u64, run: u64) -> Wanted {
        self.get(Both {
            token: format!("{}/{pipeline}/runs/{run}", self.pipelines()),
            key: format!("{}/{pipeline}/pipelineRuns/{run}", self.pipelines()),
            action: "GetPipelineRun",
            under: "pipelineRun",
            right: right::RUNS,
        })
    }

    /// A deploy order.
    pub(super) fn order(&self, pipeline: u64, order: u64) -> Wanted {
        let path = format!("{}/{pipeline}/deploy/{order}", self.pipelines());
        let (action, under, right) = ("GetVMDeployOrder", "deployOrder", right::HOSTS);
        self.get(Both { token: path.clone(), key: path, action, under, right })
    }

    /// What a machine of it wrote.
    pub(super) fn machine_log(&self, pipeline: u64, order: u64, machine: &str) -> Wanted {
        let path = format!("{}/{pipeline}/deploy/{order}/machine/{}/log", self.pipelines(), part(machine));
        let (action, under, right) = ("LogVMDeployMachine", "deployMachineLog", right::HOSTS);
        self.get(Both { token: path.clone(), key: path, action, under, right })
    }

    /// What a job wrote, all of it as far as Flow gives it.
    pub(super) fn job_log(&self, pipeline: u64, run: u64, job: u64) -> Wanted {
        self.get(Both {
            token: format!("{}/{pipeline}/runs/{run}/job/{job}/log", self.pipelines()),
            key: format!("{}/pipelineRun/{run}/job/{job}/logs", self.pipeline_of_older(pipeline)),
            action: "LogPipelineJobRun",
            under: "log",
            right: right::JOBS,
        })
    }

    /// The steps of a job. The older API does not tell them.
    pub(super) fn steps(&self, pipeline: u64, run: u64, job: u64) -> Option<Wanted> {
        let token = format!("{}/steps", self.job(pipeline, run, job));
        let both = Both { token, key: String::new(), action: "", under: "", right: right::JOBS };
        (!self.is_older()).then(|| self.get(both))
    }

    /// What a step wrote, from there on.
    pub(super) fn step_log(&self, (pipeline, run, job): (u64, u64, u64), step: (u64, u64), offset: u64) -> Wanted {
        let (index, build) = step;
        let query = format!("stepIndex={index}&offset={offset}&limit={OF_LOG}&buildId={build}");
        let token = format!("{}/step/log?{query}", self.job(pipeline, run, job));
        self.get(Both { token, key: String::new(), action: "", under: "", right: right::JOBS })
    }

    /// The jobs of a pipeline that deploy.
    pub(super) fn deploys(&self, pipeline: u64) -> Wanted {
        let token = format!("{}/{pipeline}/listTasksByCategory/DEPLOY", self.pipelines());
        let key = format!("{}/jobs?category=DEPLOY", self.pipeline_of_older(pipeline));
        let both = Both { token, key, action: "ListPipelineJobs", under: "jobs", right: right::JOBS };
        self.posted_by_older(both)
    }

    /// What one of them has deployed, newest first.
    pub(super) fn records(&self, pipeline: u64, identifier: &str) -> Wanted {
        let named = format!("category=DEPLOY&identifier={}", part(identifier));
        let query = Page::default().query(self.is_older(), PAGE);
        let token = format!("{}/getComponentsWithoutButtons?pipelineId={pipeline}&{named}&{query}", self.pipelines());
        let key = format!("{}/job/historys?{named}&{query}", self.pipeline_of_older(pipeline));
        let both = Both { token, key, action: "ListPipelineJobHistorys", under: "jobs", right: right::JOBS };
        self.posted_by_older(both)
    }

    /// A read for which the older API wants a POST.
    fn posted_by_older(&self, both: Both) -> Wanted {
        let method = if self.is_older() { Method::POST } else { Method::GET };
        Wanted { method, ..self.get(both) }
    }

    fn job(&self, pipeline: u64, run: u64, job: impl std::fmt::Display) -> String {
        format!("{}/{pipeline}/pipelineRuns/{run}/jobs/{job}", self.pipelines())
    }
}

/// Which page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// By its number, from 1.
    Number(usize),
    /// By what the page before said.
    Token(String),
}

impl Default for Page {
    fn default() -> Self {
        Self::Number(1)
    }
}

impl Page {
    fn query(&self, older: bool, most: usize) -> String {
        match (self, older) {
            (Self::Number(_), true) => format!("maxResults={most}"),
            (Self::Number(number), false) => format!("page={number}&perPage={most}"),
            (Self::Token(token), _) => format!("maxResults={most}&nextToken={}", part(token)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors() -> [Door; 3] {
        let prefix = "/oapi/v1".to_owned();
        [
            Door::Token { prefix: prefix.clone(), organization: Some("acme".into()) },
            Door::Token { prefix, organization: None },
            Door::Key { organization: "acme".into() },
        ]
    }

    #[test]
    fn every_read_has_its_path_in_both_apis_and_in_a_region_of_ones_own() {
        type Ask = fn(&Door) -> Option<Wanted>;
        let table: [(Ask, [Option<&str>; 3]); 8] = [
            (
                |door| Some(door.groups(&Page::default())),
                [
                    Some("/oapi/v1/flow/organizations/acme/variableGroups?page=1&perPage=30"),
                    Some("/oapi/v1/flow/variableGroups?page=1&perPage=30"),
                    Some("/organization/acme/variableGroups?maxResults=30"),
                ],
            ),
            (
                |door| Some(door.list("RUNNING,WAITING", None, &Page::default())),
                [
                    Some("/oapi/v1/flow/organizations/acme/pipelines?page=1&perPage=30&statusList=RUNNING%2CWAITING"),
                    Some("/oapi/v1/flow/pipelines?page=1&perPage=30&statusList=RUNNING%2CWAITING"),
                    Some("/organization/acme/pipelines?maxResults=30&statusList=RUNNING%2CWAITING"),
                ],
            ),
            (
                |door| door.latest(123),
                [
                    Some("/oapi/v1/flow/organizations/acme/pipelines/123/runs/latestPipelineRun"),
                    Some("/oapi/v1/flow/pipelines/123/runs/latestPipelineRun"),
                    None,
                ],
            ),
            (
                |door| Some(door.run(123, 41)),
                [
                    Some("/oapi/v1/flow/organizations/acme/pipelines/123/runs/41"),
                    Some("/oapi/v1/flow/pipelines/123/runs/41"),
                    Some("/organization/acme/pipelines/123/pipelineRuns/41"),
                ],
            ),
            (
                |door| Some(door.job_log(123, 41, 111)),
                [
                    Some("/oapi/v1/flow/organizations/acme/pipelines/123/runs/41/job/111/log"),
                    Some("/oapi/v1/flow/pipelines/123/runs/41/job/111/log"),
                    Some("/organization/acme/pipeline/123/pipelineRun/41/job/111/logs"),
                ],
            ),
            (
                |door| door.steps(123, 41, 111),
                [
                    Some("/oapi/v1/flow/organizations/acme/pipelines/123/pipelineRuns/41/jobs/111/steps"),
                    Some("/oapi/v1/flow/pipelines/123/pipelineRuns/41/jobs/111/steps"),
                    None,
                ],
            ),
            (
                |door| Some(door.records(123, "10_1")),
                [
                    Some(
                        "/oapi/v1/flow/organizations/acme/pipelines/getComponentsWithoutButtons?pipelineId=123&category=DEPLOY&\
                         identifier=10_1&page=1&perPage=30",
                    ),
                    Some(
                        "/oapi/v1/flow/pipelines/getComponentsWithoutButtons?pipelineId=123&category=DEPLOY&identifier=10_1&\
                         page=1&perPage=30",
                    ),
                    Some("/organization/acme/pipeline/123/job/historys?category=DEPLOY&identifier=10_1&maxResults=30"),
                ],
            ),
            (|door| door.user(), [Some("/oapi/v1/platform/user"), Some("/oapi/v1/platform/user"), None]),
        ];
        for (ask, paths) in table {
            for (door, path) in doors().iter().zip(paths) {
                let wanted = ask(door);
                assert_eq!(wanted.as_ref().map(|wanted| wanted.path.as_str()), path);
                let Some(wanted) = wanted else { continue };
                assert_eq!(wanted.class, Class::Read);
                let request = wanted.request(door).unwrap();
                assert_eq!(request.headers().contains_key(ACTION), door.is_older(), "{path:?}");
            }
        }
    }
}
