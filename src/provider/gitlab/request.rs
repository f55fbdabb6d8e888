//! What is asked of GitLab: pure builders, one for each endpoint (docs.gitlab.com/api), and the questions of GraphQL.
//!
//! GraphQL answers for many projects at once. How much one question may ask is counted by GitLab (its *complexity*, 250 at most): each
//! field counts one, a list of projects adds a hundredth for each, so that fifty projects cost half as much again as one does.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use serde_json::{Value, json};

use crate::{
    domain::observed::FaultKind,
    port::{error::ProviderError, fill::Outgoing, wire::Class},
    provider::http::{USER_AGENT, client::part},
};

/// Entries of a page: as many as there may be.
pub(super) const PAGE: usize = 100;
/// Projects that one question may name.
pub(super) const MOST_NAMED: usize = 50;
/// Pipelines that are asked for of each project: the newest, and those that wait or run.
pub(super) const NEWEST: usize = 15;
const MOVING: usize = 20;
/// Environments of a project.
const ENVIRONMENTS: usize = 100;
/// Deployments of a project that are remembered, to go back to.
pub(super) const HISTORY: usize = 50;

/// What is asked of a pipeline.
const PIPELINE: &str =
    "id status sha ref path createdAt startedAt finishedAt updatedAt user { username } commit { title }";
/// What waits in one.
const WAITS: &str =
    "jobs(statuses: MANUAL, first: 20) { nodes { id name status allowFailure canPlayJob stage { name } } }";

/// What a token must be allowed for what is asked.
pub(super) mod scope {
    pub(in crate::provider::gitlab) const READ: &str = "read_api";
    pub(in crate::provider::gitlab) const ACT: &str = "api";
}

/// A request, before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) class: Class,
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    /// Its type, where there is one.
    pub(super) content_type: &'static str,
    pub(super) body: String,
    /// The scope that the token needs.
    pub(super) scope: &'static str,
}

/// The content type of whatever has a body.
pub(super) const JSON: &str = "application/json";

impl Wanted {
    fn get(path: String) -> Self {
        let (class, method, body) = (Class::Read, Method::GET, String::new());
        Self { class, method, path, content_type: "", body, scope: scope::READ }
    }

    /// A question of GraphQL: it is sent by POST and changes nothing.
    fn question(query: &str, variables: &Value) -> Self {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let path = "/api/graphql".to_owned();
        Self { method: Method::POST, content_type: JSON, body, ..Self::get(path) }
    }

    /// The same list from another of its pages on, from 1.
    pub(super) fn page(&self, number: usize) -> Self {
        let path = if number > 1 { format!("{}&page={number}", self.path) } else { self.path.clone() };
        Self { path, ..self.clone() }
    }

    /// A call of a plan.
    pub(super) fn call(outgoing: &Outgoing<'_>) -> Result<Self, ProviderError> {
        let method = outgoing.call.method.parse().map_err(|_| unfit(&outgoing.call.method))?;
        let content_type = if outgoing.body.is_empty() { "" } else { JSON };
        let (path, body) = (outgoing.path.clone(), outgoing.body.clone());
        Ok(Self { class: Class::Write, method, path, content_type, body, scope: scope::ACT })
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
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/plain"));
        if !self.content_type.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        Ok(request)
    }
}

fn unfit(what: &str) -> ProviderError {
    ProviderError::new(FaultKind::Rejected, format!("'{what}' cannot be sent to GitLab"))
}

/// The path of a project. Its full path is one part of it, percent-encoded.
pub(super) fn project_path(project: &str) -> String {
    format!("/api/v4/projects/{}", part(project))
}

/// The path of a pipeline.
pub(super) fn pipeline_path(project: &str, pipeline: u64) -> String {
    format!("{}/pipelines/{pipeline}", project_path(project))
}

/// The path of a job; `id` may stand for one that is filled in.
pub(super) fn job_path(project: &str, id: &str) -> String {
    format!("{}/jobs/{id}", project_path(project))
}

/// Of many projects: their newest pipelines, those that wait or run, and what is deployed where.
pub(super) fn look(projects: &[&str]) -> Wanted {
    let query = format!(
        "query Look($paths: [String!], $states: [String!]) {{ projects(fullPaths: $paths, first: {many}) {{ nodes {{ \
         fullPath webUrl maxAccessLevel {{ integerValue }} \
         newest: pipelines(first: {NEWEST}) {{ nodes {{ {PIPELINE} }} }} \
         waiting: pipelines(status: MANUAL, first: {MOVING}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {PIPELINE} {WAITS} }} }} \
         running: pipelines(status: RUNNING, first: {MOVING}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {PIPELINE} {WAITS} }} }} \
         environments(states: $states, first: {ENVIRONMENTS}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ name \
         live: lastDeployment(status: SUCCESS) {{ id sha ref }} blocked: lastDeployment(status: BLOCKED) {{ id }} }} }} \
         }} }} }}",
        many = projects.len(),
    );
    Wanted::question(&query, &json!({ "paths": projects, "states": ["available"] }))
}

/// The pipelines of a project that are in this state, behind a place of their list.
pub(super) fn more(project: &str, state: &str, after: &str) -> Wanted {
    let query = format!(
        "query More($path: ID!, $after: String) {{ project(fullPath: $path) {{ \
         waiting: pipelines(status: {state}, first: {PAGE}, after: $after) {{ \
         pageInfo {{ hasNextPage endCursor }} nodes {{ {PIPELINE} {WAITS} }} }} }} }}"
    );
    Wanted::question(&query, &json!({ "path": project, "after": after }))
}

/// Whether whoever asks may approve each of these deployments of a project, by their numbers there; each is answered under its place.
pub(super) fn may(project: &str, deployments: &[u64]) -> Wanted {
    let one = |place: usize| {
        format!(
            "d{place}: project(fullPath: $path) {{ deployment(iid: $d{place}) {{ userPermissions {{ approveDeployment }} }} }}"
        )
    };
    let names: Vec<String> = (0..deployments.len()).map(|place| format!("$d{place}: ID!")).collect();
    let each: Vec<String> = (0..deployments.len()).map(one).collect();
    let query = format!("query May($path: ID!, {}) {{ {} }}", names.join(", "), each.join(" "));
    let numbers = deployments.iter().enumerate().map(|(place, iid)| (format!("d{place}"), iid.to_string().into()));
    let variables = [("path".to_owned(), project.into())].into_iter().chain(numbers).collect();
    Wanted::question(&query, &Value::Object(variables))
}

/// Who asks.
pub(super) fn user() -> Wanted {
    Wanted::get("/api/v4/user".to_owned())
}

/// What the token may do, and until when.
pub(super) fn token() -> Wanted {
    Wanted::get("/api/v4/personal_access_tokens/self".to_owned())
}

/// The projects of a group and of the groups below it, those first in which something happened last.
pub(super) fn projects_of_a_group(group: &str) -> Wanted {
    let group = part(group);
    Wanted::get(format!(
        "/api/v4/groups/{group}/projects?include_subgroups=true&with_shared=false&archived=false&simple=true\
         &order_by=last_activity_at&per_page={PAGE}"
    ))
}

/// The projects of a person.
pub(super) fn projects_of_a_person(name: &str) -> Wanted {
    let name = part(name);
    Wanted::get(format!(
        "/api/v4/users/{name}/projects?archived=false&simple=true&order_by=last_activity_at&per_page={PAGE}"
    ))
}

/// What a project allows.
pub(super) fn project(project: &str) -> Wanted {
    Wanted::get(project_path(project))
}

/// When nothing is to be deployed.
pub(super) fn freezes(project: &str) -> Wanted {
    Wanted::get(format!("{}/freeze_periods?per_page={PAGE}", project_path(project)))
}

/// A pipeline.
pub(super) fn pipeline(project: &str, id: u64) -> Wanted {
    Wanted::get(pipeline_path(project, id))
}

/// The runners that a project may use and that have all of these tags.
pub(super) fn runners(project: &str, tags: &[String]) -> Wanted {
    let tags = if tags.is_empty() { String::new() } else { format!("&tag_list={}", part(&tags.join(","))) };
    Wanted::get(format!("{}/runners?per_page={PAGE}{tags}", project_path(project)))
}

/// The jobs of a pipeline, without those that were tried again.
pub(super) fn jobs(project: &str, pipeline: u64) -> Wanted {
    Wanted::get(format!("{}/jobs?per_page={PAGE}", pipeline_path(project, pipeline)))
}

/// The jobs of a pipeline that begin other ones.
pub(super) fn bridges(project: &str, pipeline: u64) -> Wanted {
    Wanted::get(format!("{}/bridges?per_page={PAGE}", pipeline_path(project, pipeline)))
}

/// How the tests of a pipeline ended.
pub(super) fn tests(project: &str, pipeline: u64) -> Wanted {
    Wanted::get(format!("{}/test_report", pipeline_path(project, pipeline)))
}

/// A job.
pub(super) fn job(project: &str, id: u64) -> Wanted {
    Wanted::get(job_path(project, &id.to_string()))
}

/// What a job wrote so far: all of it.
pub(super) fn trace(project: &str, job: &str) -> Wanted {
    Wanted::get(format!("{}/trace", job_path(project, &part(job))))
}

/// The deployments that wait for approvals, the newest first.
pub(super) fn blocked(project: &str) -> Wanted {
    Wanted::get(format!("{}/deployments?status=blocked&order_by=id&sort=desc&per_page={PAGE}", project_path(project)))
}

/// The deployments that ended well, the newest first.
pub(super) fn history(project: &str) -> Wanted {
    let below = project_path(project);
    Wanted::get(format!("{below}/deployments?status=success&order_by=id&sort=desc&per_page={HISTORY}"))
}

/// The deployment that is live in an environment.
pub(super) fn live(project: &str, environment: &str) -> Wanted {
    let (below, environment) = (project_path(project), part(environment));
    Wanted::get(format!(
        "{below}/deployments?environment={environment}&status=success&order_by=id&sort=desc&per_page=1"
    ))
}

/// A deployment, with who approved it.
pub(super) fn deployment(project: &str, id: u64) -> Wanted {
    Wanted::get(format!("{}/deployments/{id}", project_path(project)))
}

/// The environments of a project.
pub(super) fn environments(project: &str) -> Wanted {
    Wanted::get(format!("{}/environments?states=available&per_page={PAGE}", project_path(project)))
}

/// The variables of a project, whatever environment they are for.
pub(super) fn variables(project: &str) -> Wanted {
    Wanted::get(format!("{}/variables?per_page={PAGE}", project_path(project)))
}

/// The same of a group.
pub(super) fn group_variables(group: &str) -> Wanted {
    Wanted::get(format!("/api/v4/groups/{}/variables?per_page={PAGE}", part(group)))
}

/// What one commit has that another one has not.
pub(super) fn compare(project: &str, from: &str, to: &str) -> Wanted {
    let (below, from, to) = (project_path(project), part(from), part(to));
    Wanted::get(format!("{below}/repository/compare?from={from}&to={to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_read_is_a_get_of_one_path_in_which_a_project_is_one_part() {
        let below = "/api/v4/projects/acme%2Fshop%2Fpayments";
        let project_ = "acme/shop/payments";
        let table = [
            (user(), "/api/v4/user".to_owned()),
            (token(), "/api/v4/personal_access_tokens/self".to_owned()),
            (project(project_), below.to_owned()),
            (freezes(project_), format!("{below}/freeze_periods?per_page=100")),
            (runners(project_, &[]), format!("{below}/runners?per_page=100")),
            (
                runners(project_, &["a b".into(), "c".into()]),
                format!("{below}/runners?per_page=100&tag_list=a%20b%2Cc"),
            ),
            (pipeline(project_, 47), format!("{below}/pipelines/47")),
            (jobs(project_, 47).page(2), format!("{below}/pipelines/47/jobs?per_page=100&page=2")),
            (bridges(project_, 47), format!("{below}/pipelines/47/bridges?per_page=100")),
            (tests(project_, 47), format!("{below}/pipelines/47/test_report")),
            (job(project_, 6), format!("{below}/jobs/6")),
            (trace(project_, "6"), format!("{below}/jobs/6/trace")),
            (blocked(project_), format!("{below}/deployments?status=blocked&order_by=id&sort=desc&per_page=100")),
            (history(project_), format!("{below}/deployments?status=success&order_by=id&sort=desc&per_page=50")),
            (
                live(project_, "prod/eu"),
                format!("{below}/deployments?environment=prod%2Feu&status=success&order_by=id&sort=desc&per_page=1"),
            ),
            (deployment(project_, 42), format!("{below}/deployments/42")),
            (environments(project_), format!("{below}/environments?states=available&per_page=100")),
            (variables(project_), format!("{below}/variables?per_page=100")),
            (group_variables("acme/shop"), "/api/v4/groups/acme%2Fshop/variables?per_page=100".to_owned()),
            (compare(project_, "a1", "b2"), format!("{below}/repository/compare?from=a1&to=b2")),
        ];
        for (wanted, path) in table {
            assert_eq!((wanted.class, &wanted.method, &wanted.path), (Class::Read, &Method::GET, &path));
            assert_eq!(wanted.request().unwrap().uri().to_string(), path);
        }
    }

    #[test]
    fn a_question_names_many_projects_in_its_variables_and_is_a_read() {
        let wanted = look(&["acme/shop/payments", "acme/web"]);
        assert_eq!((wanted.class, &wanted.method, wanted.path.as_str()), (Class::Read, &Method::POST, "/api/graphql"));
        let body: Value = serde_json::from_str(&wanted.body).unwrap();
        assert_eq!(body["variables"]["paths"], json!(["acme/shop/payments", "acme/web"]));
        let query = body["query"].as_str().unwrap();
        assert!(query.contains("projects(fullPaths: $paths, first: 2)") && !query.contains("acme"), "{query}");
        assert_eq!(query.matches('{').count(), query.matches('}').count());
        let asked: Value = serde_json::from_str(&may("acme/web", &[7, 9]).body).unwrap();
        assert_eq!(asked["variables"], json!({"path": "acme/web", "d0": "7", "d1": "9"}));
    }
}
