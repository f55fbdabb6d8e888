//! The endpoints that read. What changes something is in `verb`.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::{
    demo::{
        github::{
            Forge,
            door::Caller,
            given, log,
            repo::Repo,
            run::{Job, Run},
            spec::Access,
            wire::{self, deploy},
            workflow,
        },
        rest::{self, Good, Outcome, Refused, parts, query},
    },
    domain::time::Timestamp,
};

/// Who wants what, and when.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) now: Timestamp,
    /// The login; everything that is asked of a repository has one.
    pub(super) login: &'a str,
    pub(super) request: &'a Request<Bytes>,
}

impl Forge {
    /// Finds the endpoint and asks it.
    pub(super) fn route(&mut self, now: Timestamp, caller: &Caller, request: &Request<Bytes>) -> Outcome {
        let path = parts(request);
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        let get = request.method() == Method::GET;
        match (get, path.as_slice()) {
            (true, ["rate_limit"]) => Ok(self.rate_limit(now, caller)),
            (true, ["user"]) => user(caller),
            (false, ["graphql"]) => Ok(self.graphql(now, caller, request)),
            (true, ["orgs", owner, "repos"]) => {
                let seen = |repo: &&Repo| repo.owner == *owner && repo.access != Access::None && caller.login.is_some();
                let mut all: Vec<&Repo> = self.repos.iter().filter(seen).collect();
                if all.is_empty() {
                    return Err(Refused::not_found());
                }
                // As they are sorted where somebody asks for it.
                all.sort_by_key(|repo| std::cmp::Reverse(repo.pushed()));
                Ok(page(request, None, all.into_iter().map(wire::listed).collect()))
            }
            // Without any nobody may see them.
            (true, ["orgs", _, "actions", "runners"]) if !self.runners.is_empty() => {
                let all = self.runners.iter().zip(1..).map(|(runner, id)| wire::runner(runner, id)).collect();
                Ok(page(request, Some("runners"), all))
            }
            (_, ["repos", owner, name, rest @ ..]) => {
                // All repositories are private: without a token there are none.
                let login = caller.login.as_deref().ok_or_else(Refused::not_found)?;
                let asked = Asked { now, login, request };
                let full = format!("{owner}/{name}");
                let index = self.repos.iter().position(|repo| repo.full_name() == full && repo.access != Access::None);
                let index = index.ok_or_else(Refused::not_found)?;
                if get {
                    self.repos.get(index).map_or_else(|| Err(Refused::not_found()), |repo| read(repo, asked, rest))
                } else {
                    self.change(index, asked, rest)
                }
            }
            _ => Err(Refused::not_found()),
        }
    }

    fn rate_limit(&mut self, now: Timestamp, caller: &Caller) -> Good {
        let mut rate = |resource| self.door.rate(now, caller, resource);
        let core = rate("core");
        let resources = json!({ "core": core, "search": rate("search"), "graphql": rate("graphql") });
        let mut good = Good::json(json!({ "resources": resources, "rate": core }));
        good.free = true;
        good
    }
}

fn user(caller: &Caller) -> Outcome {
    let login = caller
        .login
        .as_deref()
        .ok_or_else(|| Refused::new(http::StatusCode::UNAUTHORIZED, "Requires authentication"))?;
    let mut body = wire::account(login);
    let more = json!({
        "name": login, "company": null, "blog": "", "location": null, "email": null, "hireable": null, "bio": null,
        "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
    });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    Ok(Good::json(body))
}

/// The page of GitHub's that was asked for.
fn page(request: &Request<Bytes>, key: Option<&str>, all: Vec<Value>) -> Good {
    rest::page(wire::API, request, key, all)
}

/// Everything under `/repos/{owner}/{name}` that is read.
fn read(repo: &Repo, asked: Asked<'_>, path: &[&str]) -> Outcome {
    let request = asked.request;
    if let Some(given) = given::answer(repo, request, path) {
        return given;
    }
    match path {
        [] => Ok(Good::json(wire::repository(repo))),
        ["compare", range] => wire::compare::compare(repo, range),
        ["contents", ".github", "workflows", file] => {
            let workflow = repo.workflows.iter().find(|w| w.plan.file == *file).ok_or_else(Refused::not_found)?;
            Ok(Good::json(workflow::contents(repo, workflow)))
        }
        ["actions", "workflows"] => {
            let all = repo.workflows.iter().map(|w| wire::workflow(repo, w)).collect();
            Ok(page(request, Some("workflows"), all))
        }
        ["actions", "workflows", which, rest @ ..] => {
            let workflow = repo.workflows.iter().find(|w| w.plan.file == *which || w.id.to_string() == *which);
            let workflow = workflow.ok_or_else(Refused::not_found)?;
            match rest {
                [] => Ok(Good::json(wire::workflow(repo, workflow))),
                ["runs"] => Ok(runs(repo, asked, |run| run.workflow == workflow.id)),
                _ => Err(Refused::not_found()),
            }
        }
        ["actions", "runners"] => Ok(page(request, Some("runners"), Vec::new())),
        ["actions", "runs"] => Ok(runs(repo, asked, |_| true)),
        ["actions", "runs", id, rest @ ..] => one_run(repo, run(repo, id)?, asked, rest),
        ["actions", "jobs", id] => {
            let (run, job) = job(repo, id)?;
            Ok(Good::json(wire::run::job(repo, run, job, asked.now)))
        }
        ["actions", "jobs", id, "logs"] => log::redirect(asked.now, job(repo, id)?.1),
        ["environments"] => {
            let all = repo.environments.iter().map(|e| deploy::environment(repo, e)).collect();
            Ok(page(request, Some("environments"), all))
        }
        ["environments", name] => {
            let environment = repo.environment(name).ok_or_else(Refused::not_found)?;
            Ok(Good::json(deploy::environment(repo, environment)))
        }
        ["deployments"] => Ok(deployments(repo, request)),
        ["deployments", id, rest @ ..] => {
            let id = id.parse().map_err(|_| Refused::not_found())?;
            let deployment = repo.deployments.get(id).ok_or_else(Refused::not_found)?;
            match rest {
                [] => Ok(Good::json(deploy::deployment(repo, deployment))),
                ["statuses"] => {
                    let newest_first = deployment.statuses.iter().rev();
                    let all = newest_first.map(|status| deploy::status(repo, deployment, status)).collect();
                    Ok(page(request, None, all))
                }
                _ => Err(Refused::not_found()),
            }
        }
        _ => Err(Refused::not_found()),
    }
}

fn one_run(repo: &Repo, run: &Run, asked: Asked<'_>, path: &[&str]) -> Outcome {
    let request = asked.request;
    let jobs = |jobs: Vec<&Job>| {
        // A job whose turn has not come is not listed yet.
        let listed = jobs.into_iter().filter(|job| job.stage != super::run::Stage::Blocked);
        let all = listed.map(|job| wire::run::job(repo, run, job, asked.now)).collect();
        page(request, Some("jobs"), all)
    };
    match path {
        [] => Ok(Good::json(wire::run::run(repo, run, &run.current))),
        ["jobs"] if query(request, "filter").as_deref() == Some("all") => {
            let own = run.attempts().flat_map(|a| a.jobs.iter().filter(move |job| job.attempt == a.number));
            Ok(jobs(own.collect()))
        }
        ["jobs"] => Ok(jobs(run.current.jobs.iter().collect())),
        ["attempts", number, rest @ ..] => {
            let attempt = run.attempts().find(|attempt| attempt.number.to_string() == *number);
            let attempt = attempt.ok_or_else(Refused::not_found)?;
            match rest {
                [] => Ok(Good::json(wire::run::run(repo, run, attempt))),
                ["jobs"] => Ok(jobs(attempt.jobs.iter().collect())),
                _ => Err(Refused::not_found()),
            }
        }
        ["pending_deployments"] => Ok(Good::json(Value::Array(deploy::pending(repo, run, asked.login)))),
        ["approvals"] => {
            Ok(Good::json(Value::Array(run.reviews.iter().map(|review| deploy::approval(repo, review)).collect())))
        }
        _ => Err(Refused::not_found()),
    }
}

/// The runs, newest first, as far as the query's filters let them pass.
fn runs(repo: &Repo, asked: Asked<'_>, of: impl Fn(&Run) -> bool) -> Good {
    let request = asked.request;
    let [status, branch, sha, actor] = ["status", "branch", "head_sha", "actor"].map(|name| query(request, name));
    let passes = |run: &&Run| {
        let (state, conclusion) = run.current.status();
        of(run)
            && status.as_deref().is_none_or(|wanted| wanted == state || Some(wanted) == conclusion)
            && branch.as_deref().is_none_or(|wanted| run.branch.as_deref() == Some(wanted))
            && sha.as_deref().is_none_or(|wanted| run.commit == wanted)
            && actor.as_deref().is_none_or(|wanted| run.actor == wanted)
    };
    let all = repo.runs.iter().rev().filter(passes);
    page(request, Some("workflow_runs"), all.map(|run| wire::run::run(repo, run, &run.current)).collect())
}

/// The deployments, newest first, as far as the query's filters let them pass.
fn deployments(repo: &Repo, request: &Request<Bytes>) -> Good {
    let [environment, sha, reference] = ["environment", "sha", "ref"].map(|name| query(request, name));
    let all = repo.deployments.0.iter().rev().filter(|d| {
        environment.as_ref().is_none_or(|wanted| d.environment == *wanted)
            && sha.as_ref().is_none_or(|wanted| d.sha == *wanted)
            && reference.as_ref().is_none_or(|wanted| d.reference == *wanted)
    });
    page(request, None, all.map(|d| deploy::deployment(repo, d)).collect())
}

/// The run with this id.
fn run<'a>(repo: &'a Repo, id: &str) -> Result<&'a Run, Refused> {
    id.parse().ok().and_then(|id| repo.run(id)).ok_or_else(Refused::not_found)
}

/// The job with this id, of whatever run and attempt.
fn job<'a>(repo: &'a Repo, id: &str) -> Result<(&'a Run, &'a Job), Refused> {
    let id: u64 = id.parse().map_err(|_| Refused::not_found())?;
    let jobs = |run: &'a Run| run.attempts().flat_map(|attempt| &attempt.jobs).map(move |job| (run, job));
    repo.runs.iter().flat_map(jobs).find(|(_, job)| job.id == id).ok_or_else(Refused::not_found)
}
