//! What is asked of Jenkins: pure builders, one for each endpoint. `tree=` says which fields are wanted, always: without it an answer
//! holds all there is.
//!
//! Sources: www.jenkins.io/doc/book/using/remote-access-api, and the plugins pipeline-rest-api (`wfapi`), pipeline-graph-view
//! (`stages`), workflow-cps (`replay`), pipeline-model-definition (`restart`) and pipeline-input-step (`input`).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};

use crate::{
    domain::observed::FaultKind,
    port::{error::ProviderError, fill::Outgoing, wire::Class},
    provider::{
        http::{USER_AGENT, WantsRedirect, client::part},
        jenkins::address::{Address, job_path},
    },
};

/// The newest builds of a job that are read, usually and where all that may have changed is wanted.
pub(super) const FEW: usize = 5;
pub(super) const MANY: usize = 25;
/// Builds that are read at once where more than those are not over.
pub(super) const PAGE: usize = 100;
/// So much of the end of a log is fetched, in bytes.
pub(super) const TAIL: u64 = 256 << 10;
/// How deep below a folder jobs are looked for: a folder in it, a multibranch project, its branches.
const DEPTH: usize = 3;

/// What is wanted of a parameter's definition.
const PARAMETER: &str = "name,type,description,choices,defaultParameterValue[value]";

/// A request, before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) class: Class,
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    pub(super) content_type: String,
    pub(super) body: String,
    /// What proves that a write is ours, where Jenkins wants that.
    pub(super) crumb: HeaderMap,
    /// The right that it takes.
    pub(super) right: &'static str,
}

impl Wanted {
    fn get(path: String) -> Self {
        let (class, method) = (Class::Read, Method::GET);
        let (content_type, body, crumb) = Default::default();
        Self { class, method, path, content_type, body, crumb, right: "Job/Read" }
    }

    /// A call of a plan.
    pub(super) fn call(outgoing: &Outgoing<'_>) -> Result<Self, ProviderError> {
        let method = outgoing.call.method.parse().map_err(|_| unfit(&outgoing.call.method))?;
        let (path, body, content_type) =
            (outgoing.path.clone(), outgoing.body.clone(), outgoing.call.content_type.clone());
        let stops = ["/stop", "/term", "/kill"].iter().any(|end| path.ends_with(end));
        let right = if stops { "Job/Cancel" } else { "Job/Build" };
        Ok(Self { class: Class::Write, method, path, content_type, body, crumb: HeaderMap::new(), right })
    }

    /// The request with its headers and its class. A write is often answered with where to look next, which is an answer.
    pub(super) fn request(&self) -> Result<Request<Bytes>, ProviderError> {
        let uri = self.path.parse().map_err(|_| unfit(&self.path))?;
        let mut request = Request::new(Bytes::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        request.extensions_mut().insert(self.class);
        if self.class == Class::Write {
            request.extensions_mut().insert(WantsRedirect);
        }
        let headers = request.headers_mut();
        headers.extend(self.crumb.clone());
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        if !self.content_type.is_empty() {
            let content = HeaderValue::try_from(&self.content_type).map_err(|_| unfit(&self.content_type))?;
            headers.insert(header::CONTENT_TYPE, content);
        }
        Ok(request)
    }
}

fn unfit(what: &str) -> ProviderError {
    ProviderError::new(FaultKind::Rejected, format!("'{what}' cannot be sent to Jenkins"))
}

/// What is wanted of a build. Inputs that wait are exported since late 2022 (pipeline-input-step, pull request 120), with who may answer.
fn build_fields() -> String {
    let input = format!("id,message,ok,submitter,parameters[{PARAMETER}]");
    let actions = format!(
        "_class,causes[_class,shortDescription,userId,userName],parameters[name,value],\
         lastBuiltRevision[SHA1,branch[name]],executions[id,input[{input}]],restartEnabled,restartableStages"
    );
    format!("number,url,displayName,description,result,building,inProgress,timestamp,duration,actions[{actions}]")
}

/// What is wanted of a job, with so many of its newest builds.
fn job_fields(builds: usize) -> String {
    format!(
        "_class,name,buildable,nextBuildNumber,property[parameterDefinitions[{PARAMETER}]],builds[{}]{{0,{builds}}}",
        build_fields()
    )
}

/// What is in a folder, a few folders deep.
fn nested(builds: usize, depth: usize) -> String {
    let own = job_fields(builds);
    let below = if depth > 1 { format!(",{}", nested(builds, depth - 1)) } else { String::new() };
    format!("jobs[{own}{below}]")
}

/// `tree=…` with what a query cannot carry encoded.
fn api(path: &str, tree: &str) -> String {
    format!(
        "{path}/api/json?tree={}",
        tree.replace('[', "%5B").replace(']', "%5D").replace('{', "%7B").replace('}', "%7D")
    )
}

/// Everything in a folder, by its full name; of the top, which is called with nothing, only what lies there itself.
pub(super) fn folder(folder: &str, builds: usize) -> Wanted {
    let depth = if folder.is_empty() { 1 } else { DEPTH };
    Wanted::get(api(&job_path(folder), &nested(builds, depth)))
}

/// One job; of a multibranch project its branches.
pub(super) fn job(job: &str, builds: usize) -> Wanted {
    Wanted::get(api(&job_path(job), &format!("{},{}", job_fields(builds), nested(builds, 1))))
}

/// Further builds of a job, from this one on, the newest being the first.
pub(super) fn builds(job: &str, from: usize) -> Wanted {
    let tree = format!("allBuilds[{}]{{{from},{}}}", build_fields(), from + PAGE);
    Wanted::get(api(&job_path(job), &tree))
}

/// The newest builds of a job, with why each began.
pub(super) fn begun(job: &str) -> Wanted {
    let tree = format!("builds[number,actions[causes[_class,shortDescription]]]{{0,{MANY}}}");
    Wanted::get(api(&job_path(job), &tree))
}

/// One build.
pub(super) fn build(at: &Address) -> Wanted {
    Wanted::get(api(&at.path(), &build_fields()))
}

/// Everything that runs or waits for input, by what it occupies.
pub(super) fn running() -> Wanted {
    let tree = "computer[executors[currentExecutable[url]],oneOffExecutors[currentExecutable[url]]]";
    Wanted::get(api("/computer", tree))
}

/// How the tests of a build ended, where the plugin junit is there and somebody published a report.
pub(super) fn tests(at: &Address) -> Wanted {
    let suites = "suites[name,cases[className,name,status,errorDetails]]";
    Wanted::get(api(&format!("{}/testReport", at.path()), &format!("{suites},childReports[result[{suites}]]")))
}

/// What waits to become a build, and which became of it.
pub(super) fn queue_item(item: u64) -> Wanted {
    Wanted::get(api(&format!("/queue/item/{item}"), "id,why,blocked,buildable,stuck,cancelled,executable[number,url]"))
}

/// Who we are to it.
pub(super) fn whoami() -> Wanted {
    Wanted::get(api("/whoAmI", "name,anonymous,authenticated,authorities"))
}

/// What proves that the next write is ours.
pub(super) fn crumb() -> Wanted {
    Wanted::get(api("/crumbIssuer", "crumb,crumbRequestField"))
}

/// The stages of a build, where the plugin pipeline-rest-api is there.
pub(super) fn stages(at: &Address) -> Wanted {
    Wanted::get(format!("{}/wfapi/describe", at.path()))
}

/// The same, where pipeline-graph-view is there.
pub(super) fn graph(at: &Address) -> Wanted {
    Wanted::get(format!("{}/stages/tree", at.path()))
}

/// The inputs that wait, where the build itself does not tell them.
pub(super) fn inputs(at: &Address) -> Wanted {
    Wanted::get(format!("{}/wfapi/pendingInputActions", at.path()))
}

/// What a stage did.
pub(super) fn steps(at: &Address, node: &str) -> Wanted {
    Wanted::get(format!("{}/execution/node/{}/wfapi/describe", at.path(), part(node)))
}

/// What one step wrote.
pub(super) fn step_log(at: &Address, node: &str) -> Wanted {
    Wanted::get(format!("{}/execution/node/{}/wfapi/log", at.path(), part(node)))
}

/// What a stage wrote, where pipeline-graph-view is there.
pub(super) fn graph_log(at: &Address, node: &str) -> Wanted {
    Wanted::get(format!("{}/stages/log?nodeId={}", at.path(), part(node)))
}

/// What a build wrote, from this byte on; a number below zero counts from its end, which older cores refuse.
pub(super) fn console(at: &Address, from: i64) -> Wanted {
    Wanted::get(format!("{}/logText/progressiveText?start={from}", at.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Address {
        Address { job: "shop/gateway".into(), build: 812, input: None }
    }

    #[test]
    fn every_read_is_a_get_of_one_path_with_the_fields_that_are_wanted() {
        let run = "/job/shop/job/gateway/812";
        let table = [
            (stages(&at()), format!("{run}/wfapi/describe")),
            (inputs(&at()), format!("{run}/wfapi/pendingInputActions")),
            (graph(&at()), format!("{run}/stages/tree")),
            (step_log(&at(), "6"), format!("{run}/execution/node/6/wfapi/log")),
            (graph_log(&at(), "a&b"), format!("{run}/stages/log?nodeId=a%26b")),
            (console(&at(), -9), format!("{run}/logText/progressiveText?start=-9")),
            (
                tests(&at()),
                format!(
                    "{run}/testReport/api/json?tree=suites%5Bname,cases%5BclassName,name,status,errorDetails%5D%5D,\
                     childReports%5Bresult%5Bsuites%5Bname,cases%5BclassName,name,status,errorDetails%5D%5D%5D%5D"
                ),
            ),
            (crumb(), "/crumbIssuer/api/json?tree=crumb,crumbRequestField".to_owned()),
            (
                queue_item(599),
                "/queue/item/599/api/json?tree=id,why,blocked,buildable,stuck,cancelled,executable%5Bnumber,url%5D"
                    .to_owned(),
            ),
        ];
        for (wanted, path) in table {
            assert_eq!((wanted.class, &wanted.method, &wanted.path), (Class::Read, &Method::GET, &path));
            assert_eq!(wanted.request().unwrap().uri().to_string(), path);
        }
    }

    #[test]
    fn a_folder_is_read_with_what_lies_in_it_and_the_top_without() {
        let count = |wanted: Wanted| wanted.path.matches("jobs%5B").count();
        assert_eq!([folder("shop", FEW), folder("", FEW), job("shop/gateway", FEW)].map(count), [3, 1, 1]);
        let path = folder("shop", FEW).path;
        assert!(
            path.starts_with("/job/shop/api/json?tree=jobs%5B_class,name,") && path.contains("%7B0,5%7D"),
            "{path}"
        );
        assert!(path.len() < 6_000, "a server takes so much of an address: {}", path.len());
        assert!(folder("", MANY).request().is_ok());
        assert!(builds("deploy", 100).path.contains("%7B100,200%7D"));
    }
}
