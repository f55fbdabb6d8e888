//! What is asked of Buildkite: pure builders, one for each endpoint (buildkite.com/docs/apis/rest-api).

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};

use crate::{
    domain::observed::FaultKind,
    port::{error::ProviderError, fill::Outgoing, wire::Class},
    provider::{
        buildkite::address::Address,
        http::{USER_AGENT, client::part},
    },
};

/// Builds on a page: as many as there may be.
pub(super) const PAGE: usize = 100;
/// Builds of one pipeline that are asked for.
pub(super) const OF_ONE: usize = 30;
/// So much of the end of a log is fetched.
pub(super) const TAIL: usize = 256 << 10;

/// What a token must be allowed for what is asked.
pub(super) mod scope {
    pub(in crate::provider::buildkite) const BUILDS: &str = "read_builds";
    pub(in crate::provider::buildkite) const LOGS: &str = "read_build_logs";
    pub(in crate::provider::buildkite) const AGENTS: &str = "read_agents";
    pub(in crate::provider::buildkite) const ACT: &str = "write_builds";
}

/// A part of a text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextRange {
    /// Its end.
    Last(usize),
    /// From there on.
    From(usize),
}

/// A request, before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) class: Class,
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    /// JSON; empty for none.
    pub(super) body: String,
    /// The scope that the token needs; none where every token may.
    pub(super) scope: Option<&'static str>,
    /// A text is asked for, and only this part of it.
    pub(super) range: Option<TextRange>,
}

impl Wanted {
    fn get(path: String, scope: &'static str) -> Self {
        let (class, method, body) = (Class::Read, Method::GET, String::new());
        Self { class, method, path, body, scope: Some(scope), range: None }
    }

    /// The same list from another of its pages on, from 1.
    pub(super) fn page(&self, number: usize) -> Self {
        let path = if number > 1 { format!("{}&page={number}", self.path) } else { self.path.clone() };
        Self { path, ..self.clone() }
    }

    /// A call of a plan.
    pub(super) fn call(outgoing: &Outgoing<'_>) -> Result<Self, ProviderError> {
        let method = outgoing.call.method.parse().map_err(|_| unfit(&outgoing.call.method))?;
        let (class, path, body) = (Class::Write, outgoing.path.clone(), outgoing.body.clone());
        Ok(Self { class, method, path, body, scope: Some(scope::ACT), range: None })
    }

    /// The request with its headers and its class.
    pub(super) fn request(&self) -> Result<Request<Bytes>, ProviderError> {
        let uri = self.path.parse().map_err(|_| unfit(&self.path))?;
        let mut request = Request::new(Bytes::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        request.extensions_mut().insert(self.class);
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        let form = if self.range.is_some() { "text/plain" } else { "application/json" };
        headers.insert(header::ACCEPT, HeaderValue::from_static(form));
        if let Some(range) = self.range {
            let range = match range {
                TextRange::Last(bytes) => format!("bytes=-{bytes}"),
                TextRange::From(place) => format!("bytes={place}-"),
            };
            headers.insert(header::RANGE, HeaderValue::try_from(range.as_str()).map_err(|_| unfit(&range))?);
        }
        if !self.body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }
}

fn unfit(what: &str) -> ProviderError {
    ProviderError::new(FaultKind::Rejected, format!("'{what}' cannot be sent to Buildkite"))
}

/// The path of an organisation.
fn organization(slug: &str) -> String {
    format!("/v2/organizations/{}", part(slug))
}

/// The path of a pipeline's builds.
pub(super) fn builds_of(slug: &str, pipeline: &str) -> String {
    format!("{}/pipelines/{}/builds", organization(slug), part(pipeline))
}

/// The path of a build.
pub(super) fn build_path(at: &Address) -> String {
    format!("{}/{}", builds_of(&at.organization, &at.pipeline), at.build)
}

/// Whose token it is, and what it may do.
pub(super) fn token() -> Wanted {
    Wanted { scope: None, ..Wanted::get("/v2/access-token".to_owned(), scope::BUILDS) }
}

/// The newest builds of all pipelines of an organisation, without their jobs.
pub(super) fn newest(slug: &str) -> Wanted {
    let builds = format!("{}/builds", organization(slug));
    Wanted::get(format!("{builds}?per_page={PAGE}&exclude_jobs=true&exclude_pipeline=true"), scope::BUILDS)
}

/// The builds of an organisation that are not over, with their jobs: a step may wait in one that still runs.
pub(super) fn live(slug: &str) -> Wanted {
    let states = ["creating", "scheduled", "running", "failing", "blocked", "canceling"];
    let states = states.map(|state| format!("state[]={state}")).join("&").replace('[', "%5B").replace(']', "%5D");
    let builds = format!("{}/builds", organization(slug));
    Wanted::get(format!("{builds}?{states}&per_page={PAGE}&exclude_pipeline=true"), scope::BUILDS)
}

/// The newest builds of one pipeline, without their jobs.
pub(super) fn newest_of(slug: &str, pipeline: &str) -> Wanted {
    let builds = builds_of(slug, pipeline);
    Wanted::get(format!("{builds}?per_page={OF_ONE}&exclude_jobs=true&exclude_pipeline=true"), scope::BUILDS)
}

/// One build, with its jobs.
pub(super) fn build(at: &Address) -> Wanted {
    Wanted::get(format!("{}?exclude_pipeline=true", build_path(at)), scope::BUILDS)
}

/// The agents of an organisation that are connected.
pub(super) fn agents(slug: &str) -> Wanted {
    Wanted::get(format!("{}/agents?per_page={PAGE}", organization(slug)), scope::AGENTS)
}

/// A job's log from there on, or the end of it.
pub(super) fn log(at: &Address, job: &str, place: Option<usize>) -> Wanted {
    let path = format!("{}/jobs/{}/log", build_path(at), part(job));
    let range = place.map_or(TextRange::Last(TAIL), TextRange::From);
    Wanted { range: Some(range), ..Wanted::get(path, scope::LOGS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Address {
        Address { organization: "acme".into(), pipeline: "ledger".into(), build: 812, step: None }
    }

    #[test]
    fn every_read_is_a_get_of_one_path() {
        let ledger = "/v2/organizations/acme/pipelines/ledger/builds";
        let states = "state%5B%5D=creating&state%5B%5D=scheduled&state%5B%5D=running&state%5B%5D=failing&\
                      state%5B%5D=blocked&state%5B%5D=canceling";
        let table = [
            (token(), "/v2/access-token".to_owned()),
            (
                newest("acme").page(1),
                "/v2/organizations/acme/builds?per_page=100&exclude_jobs=true&exclude_pipeline=true".to_owned(),
            ),
            (
                live("acme").page(2),
                format!("/v2/organizations/acme/builds?{states}&per_page=100&exclude_pipeline=true&page=2"),
            ),
            (newest_of("acme", "ledger"), format!("{ledger}?per_page=30&exclude_jobs=true&exclude_pipeline=true")),
            (build(&at()), format!("{ledger}/812?exclude_pipeline=true")),
            (log(&at(), "a/b", None), format!("{ledger}/812/jobs/a%2Fb/log")),
        ];
        for (wanted, path) in table {
            assert_eq!((wanted.class, &wanted.method, &wanted.path), (Class::Read, &Method::GET, &path));
            assert_eq!(wanted.request().unwrap().uri().to_string(), path);
        }
    }

    #[test]
    fn of_a_log_the_end_is_asked_for_as_text_and_then_what_is_new() {
        for (place, range) in [(None, "bytes=-262144"), (Some(6), "bytes=6-")] {
            let request = log(&at(), "j", place).request().unwrap();
            let header = |name: header::HeaderName| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
            assert_eq!((header(header::ACCEPT), header(header::RANGE)), ("text/plain".into(), range.into()));
        }
    }
}
