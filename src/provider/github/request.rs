//! What is asked of GitHub: pure builders, one for each endpoint.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use serde_json::json;

use crate::{
    domain::observed::FaultKind,
    port::{error::ProviderError, fill::Outgoing, wire::Class},
    provider::{
        github::roots::GRAPHQL,
        http::{WantsRedirect, client::part},
    },
};

/// Runs on a page: the newest of a repository.
pub(super) const NEWEST: usize = 30;

/// Entries of a page of every list that is read to its end.
pub(super) const PAGE: usize = 100;

/// A request, before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) class: Class,
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    /// JSON; empty for none.
    pub(super) body: String,
    /// Is the answer a redirect, which is what is asked for?
    pub(super) redirect: bool,
}

impl Wanted {
    fn get(path: String) -> Self {
        Self { class: Class::Read, method: Method::GET, path, body: String::new(), redirect: false }
    }

    /// The same list from another of its pages on, from 1.
    pub(super) fn page(&self, number: usize) -> Self {
        let path = if number > 1 { format!("{}&page={number}", self.path) } else { self.path.clone() };
        Self { path, ..self.clone() }
    }

    /// A call of a plan.
    pub(super) fn call(outgoing: &Outgoing<'_>) -> Result<Self, ProviderError> {
        let method = outgoing.call.method.parse().map_err(|_| unfit(&outgoing.call.method))?;
        let (path, body) = (outgoing.path.clone(), outgoing.body.clone());
        Ok(Self { class: Class::Write, method, path, body, redirect: false })
    }

    /// The request with GitHub's headers and its class.
    pub(super) fn request(self) -> Result<Request<Bytes>, ProviderError> {
        let uri = self.path.parse().map_err(|_| unfit(&self.path))?;
        let body = !self.body.is_empty();
        let mut request = Request::new(Bytes::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        request.extensions_mut().insert(self.class);
        if self.redirect {
            request.extensions_mut().insert(WantsRedirect);
        }
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("holdshort/", env!("CARGO_PKG_VERSION"))));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        headers.insert("x-github-api-version", HeaderValue::from_static("2022-11-28"));
        if body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }
}

fn unfit(what: &str) -> ProviderError {
    ProviderError::new(FaultKind::Rejected, format!("'{what}' cannot be sent to GitHub"))
}

/// `/repos/acme/ledger/`: what the paths of everything there begin with.
pub(super) fn repo_path((owner, repo): (&str, &str)) -> String {
    format!("/repos/{}/{}/", part(owner), part(repo))
}

/// `/repos/acme/ledger/actions`.
pub(super) fn actions(owner: &str, repo: &str) -> String {
    format!("{}actions", repo_path((owner, repo)))
}

/// The path of a run.
pub(super) fn run_path(owner: &str, repo: &str, run: u64) -> String {
    format!("{}/runs/{run}", actions(owner, repo))
}

/// Who the token belongs to.
pub(super) fn user() -> Wanted {
    Wanted::get("/user".to_owned())
}

/// A list of repositories, those first that were pushed to last.
fn repositories_at(path: &str) -> Wanted {
    Wanted::get(format!("{path}sort=pushed&direction=desc&per_page={PAGE}"))
}

/// The repositories of an organisation.
pub(super) fn repositories(owner: &str) -> Wanted {
    repositories_at(&format!("/orgs/{}/repos?", part(owner)))
}

/// The repositories of a person, as far as everybody may see them.
pub(super) fn repositories_of_a_person(owner: &str) -> Wanted {
    repositories_at(&format!("/users/{}/repos?", part(owner)))
}

/// The repositories of whoever the token belongs to.
pub(super) fn my_repositories() -> Wanted {
    repositories_at("/user/repos?affiliation=owner&")
}

/// The newest runs. Without filters: answers of filtered lists are the ones that were seen days old.
pub(super) fn newest_runs(owner: &str, repo: &str) -> Wanted {
    Wanted::get(format!("{}/runs?per_page={NEWEST}&exclude_pull_requests=true", actions(owner, repo)))
}

/// The runs in one state, however old.
fn runs_in(owner: &str, repo: &str, status: &str) -> Wanted {
    let actions = actions(owner, repo);
    Wanted::get(format!("{actions}/runs?status={status}&per_page={PAGE}&exclude_pull_requests=true"))
}

/// The runs that wait for an environment.
pub(super) fn waiting_runs(owner: &str, repo: &str) -> Wanted {
    runs_in(owner, repo, "waiting")
}

/// The runs that begin only once somebody has pressed "Approve and run".
pub(super) fn unapproved_runs(owner: &str, repo: &str) -> Wanted {
    runs_in(owner, repo, "action_required")
}

/// The runs that another run of their concurrency group holds back.
pub(super) fn held_runs(owner: &str, repo: &str) -> Wanted {
    runs_in(owner, repo, "pending")
}

/// The rules of an app's that protect an environment.
pub(super) fn rules(owner: &str, repo: &str, environment: &str) -> Wanted {
    let (owner, repo, environment) = (part(owner), part(repo), part(environment));
    Wanted::get(format!("/repos/{owner}/{repo}/environments/{environment}/deployment_protection_rules"))
}

/// One run.
pub(super) fn run(owner: &str, repo: &str, run: u64) -> Wanted {
    Wanted::get(format!("{}?exclude_pull_requests=true", run_path(owner, repo, run)))
}

/// What a run waits for.
pub(super) fn pending(owner: &str, repo: &str, run: u64) -> Wanted {
    Wanted::get(format!("{}/pending_deployments", run_path(owner, repo, run)))
}

/// The jobs of a run's newest attempt.
pub(super) fn jobs(owner: &str, repo: &str, run: u64) -> Wanted {
    Wanted::get(format!("{}/jobs?filter=latest&per_page={PAGE}", run_path(owner, repo, run)))
}

/// What lies between two commits: a page of them, and the files that differ, three hundred at most.
pub(super) fn compare(owner: &str, repo: &str, base: &str, head: &str) -> Wanted {
    let (base, head) = (part(base), part(head));
    Wanted::get(format!("{}compare/{base}...{head}?per_page={PAGE}", repo_path((owner, repo))))
}

/// The environments of a repository.
pub(super) fn environments(owner: &str, repo: &str) -> Wanted {
    Wanted::get(format!("{}environments?per_page={PAGE}", repo_path((owner, repo))))
}

/// The runners that are registered for a repository.
pub(super) fn runners(owner: &str, repo: &str) -> Wanted {
    Wanted::get(format!("{}actions/runners?per_page={PAGE}", repo_path((owner, repo))))
}

/// Those of an organisation.
pub(super) fn runners_of(owner: &str) -> Wanted {
    Wanted::get(format!("/orgs/{}/actions/runners?per_page={PAGE}", part(owner)))
}

/// Whose settings: the nearer one hides what those further off have of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level<'a> {
    Environment(&'a str),
    Repository,
    Organisation,
}

/// The variables or the secrets of a level. Of variables GitHub gives thirty at once.
pub(super) fn settings(owner: &str, repo: &str, level: Level<'_>, kind: &str) -> Wanted {
    const FEW: usize = 30;
    let size = if kind == "variables" { FEW } else { PAGE };
    let repo = repo_path((owner, repo));
    let path = match level {
        Level::Environment(name) => format!("{repo}environments/{}/{kind}", part(name)),
        Level::Repository => format!("{repo}actions/{kind}"),
        Level::Organisation => format!("{repo}actions/organization-{kind}"),
    };
    Wanted::get(format!("{path}?per_page={size}"))
}

/// A file as it is on the default branch: at most a megabyte of it comes with it.
pub(super) fn contents(owner: &str, repo: &str, path: &str) -> Wanted {
    let path: Vec<String> = path.split('/').map(part).collect();
    Wanted::get(format!("{}contents/{}", repo_path((owner, repo)), path.join("/")))
}

/// Where the log of a job is.
pub(super) fn log(owner: &str, repo: &str, job: u64) -> Wanted {
    Wanted { redirect: true, ..Wanted::get(format!("{}/jobs/{job}/logs", actions(owner, repo))) }
}

/// What is live in each environment, for which REST would take a request for every deployment, and whether who started a run may
/// let it in there.
const LIVE: &str = "query Live($o: String!, $r: String!) { repository(owner: $o, name: $r) { environments(first: 100) { \
                    nodes { name latestCompletedDeployment { commitOid ref { name } state } \
                    protectionRules(first: 10) { nodes { preventSelfReview } } } } } }";

/// What moved, by a question of [`super::moved`].
pub(super) fn moved(question: &str) -> Wanted {
    let body = json!({ "query": question }).to_string();
    Wanted { class: Class::Read, method: Method::POST, path: GRAPHQL.to_owned(), body, redirect: false }
}

/// What is live in each environment of a repository, and who may not let a run in there.
pub(super) fn live(owner: &str, repo: &str) -> Wanted {
    let body = json!({ "query": LIVE, "variables": { "o": owner, "r": repo } }).to_string();
    Wanted { class: Class::Read, method: Method::POST, path: GRAPHQL.to_owned(), body, redirect: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{fill::Supplies, plan::WireCall};

    #[test]
    fn every_read_is_a_get_of_one_path() {
        let table = [
            (user(), "/user"),
            (newest_runs("acme", "ledger"), "/repos/acme/ledger/actions/runs?per_page=30&exclude_pull_requests=true"),
            (
                waiting_runs("acme", "ledger"),
                "/repos/acme/ledger/actions/runs?status=waiting&per_page=100&exclude_pull_requests=true",
            ),
            (
                unapproved_runs("acme", "ledger").page(2),
                "/repos/acme/ledger/actions/runs?status=action_required&per_page=100&exclude_pull_requests=true&page=2",
            ),
            (
                held_runs("acme", "ledger").page(1),
                "/repos/acme/ledger/actions/runs?status=pending&per_page=100&exclude_pull_requests=true",
            ),
            (rules("acme", "ledger", "a/b"), "/repos/acme/ledger/environments/a%2Fb/deployment_protection_rules"),
            (run("acme", "ledger", 5), "/repos/acme/ledger/actions/runs/5?exclude_pull_requests=true"),
            (pending("acme", "ledger", 5), "/repos/acme/ledger/actions/runs/5/pending_deployments"),
            (jobs("acme", "ledger", 5), "/repos/acme/ledger/actions/runs/5/jobs?filter=latest&per_page=100"),
            (log("acme", "ledger", 6), "/repos/acme/ledger/actions/jobs/6/logs"),
            (
                contents("acme", "ledger", ".github/workflows/a b.yml"),
                "/repos/acme/ledger/contents/.github/workflows/a%20b.yml",
            ),
            (compare("acme", "ledger", "a1", "b/2"), "/repos/acme/ledger/compare/a1...b%2F2?per_page=100"),
            (environments("acme", "ledger"), "/repos/acme/ledger/environments?per_page=100"),
            (
                settings("acme", "ledger", Level::Environment("prod/eu"), "variables"),
                "/repos/acme/ledger/environments/prod%2Feu/variables?per_page=30",
            ),
            (
                settings("acme", "ledger", Level::Repository, "secrets"),
                "/repos/acme/ledger/actions/secrets?per_page=100",
            ),
            (
                settings("acme", "ledger", Level::Organisation, "variables"),
                "/repos/acme/ledger/actions/organization-variables?per_page=30",
            ),
        ];
        for (wanted, path) in table {
            let get = Wanted { redirect: path.ends_with("/logs"), ..Wanted::get(path.into()) };
            assert_eq!(wanted, get);
        }
    }

    #[test]
    fn what_is_live_is_a_post_that_reads() {
        let live = live("acme", "ledger");
        assert_eq!((live.class, live.method, live.path.as_str()), (Class::Read, Method::POST, "/graphql"));
        let body: serde_json::Value = serde_json::from_str(&live.body).unwrap();
        assert_eq!(body["variables"], json!({ "o": "acme", "r": "ledger" }));
    }

    #[test]
    fn a_call_of_a_plan_is_a_write_with_githubs_headers() {
        let call = WireCall {
            words: "approve".into(),
            method: "POST".into(),
            path: "/repos/acme/ledger/actions/runs/5/pending_deployments".into(),
            content_type: "application/json".into(),
            body: r#"{"state":"approved"}"#.into(),
            ..WireCall::default()
        };
        let outgoing = Outgoing::of(&call, &Supplies::default()).unwrap();
        let request = Wanted::call(&outgoing).unwrap().request().unwrap();
        assert_eq!(request.extensions().get::<Class>(), Some(&Class::Write));
        assert_eq!((request.method(), request.uri().path()), (&Method::POST, call.path.as_str()));
        assert_eq!(request.body(), &Bytes::from(call.body.shown().to_owned()));
        let headers: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let agent = concat!("holdshort/", env!("CARGO_PKG_VERSION")).as_bytes();
        assert_eq!(
            headers,
            [
                ("user-agent", agent),
                ("accept", b"application/vnd.github+json".as_slice()),
                ("x-github-api-version", b"2022-11-28".as_slice()),
                ("content-type", b"application/json".as_slice()),
            ]
        );
    }
}
