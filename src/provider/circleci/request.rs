//! What is asked of CircleCI: pure builders, one for each endpoint. Paths begin below the address, as `/api/v2/…`.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use serde_json::json;

use crate::{
    domain::{observed::FaultKind, time::Timestamp},
    port::{error::ProviderError, fill::Outgoing, wire::Class},
    provider::{
        circleci::address::Place,
        http::{USER_AGENT, client::part},
    },
};

/// The content type of whatever has a body.
pub(super) const JSON: &str = "application/json";
/// Runs on a page: no more may be asked for.
pub(super) const PAGE: usize = 20;
/// Days that a job holds before its workflow is cancelled, and that runs are searched back.
pub(super) const HELD_DAYS: i64 = 90;

/// A request, before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) class: Class,
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    /// JSON; empty for none.
    pub(super) body: String,
    /// A text is asked for, from this byte on.
    pub(super) from: Option<usize>,
}

impl Wanted {
    fn get(path: String) -> Self {
        Self { class: Class::Read, method: Method::GET, path, body: String::new(), from: None }
    }

    /// The same list where it goes on.
    pub(super) fn page(&self, token: Option<&str>) -> Self {
        let Some(token) = token else { return self.clone() };
        let and = if self.path.contains('?') { '&' } else { '?' };
        Self { path: format!("{}{and}page-token={}", self.path, part(token)), ..self.clone() }
    }

    /// A call of a plan.
    pub(super) fn call(outgoing: &Outgoing<'_>) -> Result<Self, ProviderError> {
        let method = outgoing.call.method.parse().map_err(|_| unfit(&outgoing.call.method))?;
        Ok(Self { class: Class::Write, method, path: outgoing.path.clone(), body: outgoing.body.clone(), from: None })
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
        if let Some(from) = self.from {
            let range = format!("bytes={from}-");
            headers.insert(header::RANGE, HeaderValue::try_from(range.as_str()).map_err(|_| unfit(&range))?);
        } else {
            headers.insert(header::ACCEPT, HeaderValue::from_static(JSON));
        }
        if !self.body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        }
        Ok(request)
    }
}

fn unfit(what: &str) -> ProviderError {
    ProviderError::new(FaultKind::Rejected, format!("'{what}' cannot be sent to CircleCI"))
}

/// The path of a project: each part of its slug by itself.
pub(super) fn project_path(slug: &str) -> String {
    let parts: Vec<String> = slug.split('/').map(part).collect();
    format!("/api/v2/project/{}", parts.join("/"))
}

/// The path of a workflow.
pub(super) fn workflow_path(id: &str) -> String {
    format!("/api/v2/workflow/{}", part(id))
}

/// Whose token it is.
pub(super) fn me() -> Wanted {
    Wanted::get("/api/v2/me".to_owned())
}

/// The cheapest question to `/api/v3`: is it there?
pub(super) fn has_v3() -> Wanted {
    Wanted::get("/api/v3/users?filter%5Buser_id%5D=me".to_owned())
}

/// A project: its id, and its organisation's.
pub(super) fn project(slug: &str) -> Wanted {
    Wanted::get(project_path(slug))
}

/// The environment variables of a project: what they are is masked.
pub(super) fn variables(slug: &str) -> Wanted {
    Wanted::get(format!("{}/envvar", project_path(slug)))
}

/// The contexts of an organisation, by the first two parts of a project's slug.
pub(super) fn contexts(owner: &str) -> Wanted {
    Wanted::get(format!("/api/v2/context?owner-slug={}", part(owner)))
}

/// The environment variables of a context: their names.
pub(super) fn context_variables(context: &str) -> Wanted {
    Wanted::get(format!("/api/v2/context/{}/environment-variable", part(context)))
}

/// The pipeline definitions of a project, by its id.
pub(super) fn definitions(project: &str) -> Wanted {
    Wanted::get(format!("/api/v2/projects/{}/pipeline-definitions", part(project)))
}

/// Runs of these projects, by their ids, newest first; of one state only, where one is named. It reads, although it is a POST.
pub(super) fn runs(projects: &[&str], status: Option<&str>, cursor: &str, now: Timestamp) -> Wanted {
    let from = now.checked_sub_signed(chrono::TimeDelta::days(HELD_DAYS)).unwrap_or(now);
    let time = |at: Timestamp| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let filter = status.map(|status| format!("pipeline.status == \"{status}\"")).unwrap_or_default();
    let body = json!({
        "scope": {"project_ids": projects, "from": time(from), "to": time(now)},
        "filter": filter,
        "page": {"cursor": cursor, "limit": PAGE},
    });
    let path = "/api/v3/runs/search".to_owned();
    Wanted { method: Method::POST, body: body.to_string(), ..Wanted::get(path) }
}

/// The newest pipelines of a project.
pub(super) fn pipelines(slug: &str) -> Wanted {
    Wanted::get(format!("{}/pipeline", project_path(slug)))
}

/// One pipeline.
pub(super) fn pipeline(id: &str) -> Wanted {
    Wanted::get(format!("/api/v2/pipeline/{}", part(id)))
}

/// The workflows of a pipeline.
pub(super) fn workflows(pipeline: &str) -> Wanted {
    Wanted::get(format!("/api/v2/pipeline/{}/workflow", part(pipeline)))
}

/// One workflow.
pub(super) fn workflow(id: &str) -> Wanted {
    Wanted::get(workflow_path(id))
}

/// The jobs of a workflow.
pub(super) fn jobs(workflow: &str) -> Wanted {
    Wanted::get(format!("{}/job", workflow_path(workflow)))
}

/// How the tests of a job ended, by its number in its project.
pub(super) fn tests(slug: &str, number: u64) -> Wanted {
    Wanted::get(format!("{}/{number}/tests", project_path(slug)))
}

/// One job with its steps.
pub(super) fn job(id: &str) -> Wanted {
    Wanted::get(format!("/api/v3/jobs/{}", part(id)))
}

/// What a step of a job wrote, from there on; `stream` is `stdout` or `stderr`.
pub(super) fn output(job: &str, stream: &str, (execution, step): (usize, u64), from: usize) -> Wanted {
    let path =
        format!("/api/v3/jobs/{}/{stream}?filter%5Bexecution%5D={execution}&filter%5Bstep_num%5D={step}", part(job));
    Wanted { from: Some(from), ..Wanted::get(path) }
}

/// The components of a project that have deploy markers.
pub(super) fn components(org: &str, project: &str) -> Wanted {
    Wanted::get(format!("/api/v2/deploy/components?org-id={}&project-id={}", part(org), part(project)))
}

/// The environments of an organisation.
pub(super) fn environments(org: &str) -> Wanted {
    Wanted::get(format!("/api/v2/deploy/environments?org-id={}", part(org)))
}

/// The versions of a component that were deployed to an environment, newest first.
pub(super) fn versions(component: &str, environment: &str) -> Wanted {
    let (component, environment) = (part(component), part(environment));
    Wanted::get(format!("/api/v2/deploy/components/{component}/versions?environment-id={environment}"))
}

/// The same of a place.
pub(super) fn versions_at(place: &Place) -> Wanted {
    versions(&place.component, &place.environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_read_is_a_read_of_one_path_and_a_slug_keeps_its_parts() {
        let table = [
            (me(), "/api/v2/me"),
            (has_v3(), "/api/v3/users?filter%5Buser_id%5D=me"),
            (
                pipelines("gh/acme/my site").page(Some("a=b")),
                "/api/v2/project/gh/acme/my%20site/pipeline?page-token=a%3Db",
            ),
            (versions("c", "e").page(Some("t")), "/api/v2/deploy/components/c/versions?environment-id=e&page-token=t"),
            (jobs("w"), "/api/v2/workflow/w/job"),
            (variables("gh/acme/my site"), "/api/v2/project/gh/acme/my%20site/envvar"),
            (contexts("gh/acme").page(Some("t")), "/api/v2/context?owner-slug=gh%2Facme&page-token=t"),
            (context_variables("c"), "/api/v2/context/c/environment-variable"),
            (tests("gh/acme/my site", 302), "/api/v2/project/gh/acme/my%20site/302/tests"),
            (
                output("j", "stderr", (1, 103), 0),
                "/api/v3/jobs/j/stderr?filter%5Bexecution%5D=1&filter%5Bstep_num%5D=103",
            ),
        ];
        for (wanted, path) in table {
            assert_eq!((wanted.class, wanted.request().unwrap().uri().to_string().as_str()), (Class::Read, path));
        }
        let ranged = output("j", "stdout", (0, 1), 42).request().unwrap();
        assert_eq!(ranged.headers()[header::RANGE], "bytes=42-");
    }

    #[test]
    fn runs_of_many_projects_are_asked_for_in_one_read_as_far_back_as_a_job_holds() {
        let now: Timestamp = "2026-03-10T10:12:00Z".parse().unwrap();
        let wanted = runs(&["a", "b"], Some("on_hold"), "c1", now);
        assert_eq!((wanted.class, &wanted.method), (Class::Read, &Method::POST));
        let body = r#"{"filter":"pipeline.status == \"on_hold\"","page":{"cursor":"c1","limit":20},"scope":{"from":"2025-12-10T10:12:00Z","project_ids":["a","b"],"to":"2026-03-10T10:12:00Z"}}"#;
        assert_eq!(wanted.body, body);
    }
}
