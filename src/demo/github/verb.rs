//! The endpoints that change something: answer for an environment, let a run in, cancel, run again.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::demo::github::{
    Forge,
    repo::{Ids, Repo, Workflow},
    route::Asked,
    run::{Again, Answer, Run},
    spec::{Access, Push},
    wire::{API, WEB, deploy},
    workflow,
};
use crate::demo::rest::{Good, Outcome, Refused};

impl Forge {
    /// Everything under `/repos/{owner}/{name}` that changes something.
    pub(super) fn change(&mut self, repo: usize, asked: Asked<'_>, path: &[&str]) -> Outcome {
        let (Some(repo), ids) = (self.repos.get_mut(repo), &mut self.ids) else { return Err(Refused::not_found()) };
        if asked.request.method() != Method::POST {
            return Err(Refused::not_found());
        }
        let (run, verb) = match path {
            ["actions", "runs", id, verb] => (position(repo, id)?, *verb),
            ["actions", "jobs", id, "rerun"] => {
                let id: u64 = id.parse().map_err(|_| Refused::not_found())?;
                let has = |jobs: &[super::run::Job]| jobs.iter().any(|job| job.id == id);
                let run = repo.runs.iter().position(|run| has(&run.current.jobs)).ok_or_else(Refused::not_found)?;
                writable(repo)?;
                let outcome = again(repo, run, asked, Again::Job(id), ids);
                self.revision += u64::from(outcome.is_ok());
                return outcome;
            }
            ["actions", "workflows", which, "dispatches"] => {
                writable(repo)?;
                let outcome = dispatch(repo, which, asked, ids);
                self.revision += u64::from(outcome.is_ok());
                return outcome;
            }
            _ => return Err(Refused::not_found()),
        };
        writable(repo)?;
        let outcome = match verb {
            "pending_deployments" => review(repo, run, asked, ids),
            "approve" => let_in(repo, run, asked, ids),
            "cancel" | "force-cancel" => cancel(repo, run, asked),
            "rerun" => again(repo, run, asked, Again::All, ids),
            "rerun-failed-jobs" => again(repo, run, asked, Again::Failed, ids),
            _ => Err(Refused::not_found()),
        };
        self.revision += u64::from(outcome.is_ok());
        outcome
    }
}

fn position(repo: &Repo, id: &str) -> Result<usize, Refused> {
    repo.runs.iter().position(|run| run.id.to_string() == id).ok_or_else(Refused::not_found)
}

fn writable(repo: &Repo) -> Result<(), Refused> {
    match repo.access {
        Access::Write => Ok(()),
        Access::Read | Access::None => {
            Err(Refused::new(StatusCode::FORBIDDEN, "Must have admin rights to Repository."))
        }
    }
}

fn let_in(repo: &mut Repo, run: usize, asked: Asked<'_>, ids: &mut Ids) -> Outcome {
    if !repo.runs.get_mut(run).is_some_and(|run| run.let_in(asked.now)) {
        return Err(Refused::new(StatusCode::FORBIDDEN, "This run is not from a fork pull request"));
    }
    repo.advance(asked.now, ids);
    Ok(Good::with(StatusCode::CREATED, Some(json!({}))))
}

fn cancel(repo: &mut Repo, run: usize, asked: Asked<'_>) -> Outcome {
    if repo.runs.get_mut(run).is_some_and(|run| run.cancel(asked.now)) {
        Ok(Good::with(StatusCode::ACCEPTED, Some(json!({}))))
    } else {
        Err(Refused::new(StatusCode::CONFLICT, "Cannot cancel a workflow run that is completed."))
    }
}

fn again(repo: &mut Repo, run: usize, asked: Asked<'_>, which: Again, ids: &mut Ids) -> Outcome {
    let run = repo.runs.get_mut(run).ok_or_else(Refused::not_found)?;
    run.again(asked.now, which, asked.login, ids).map_err(|why| Refused::new(StatusCode::FORBIDDEN, why))?;
    repo.advance(asked.now, ids);
    Ok(Good::with(StatusCode::CREATED, Some(json!({}))))
}

/// Starts a workflow by hand, at a branch or tag that there is. Which run that makes is told to whoever asks for it.
fn dispatch(repo: &mut Repo, which: &str, asked: Asked<'_>, ids: &mut Ids) -> Outcome {
    let unfit = |message: &str| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, message);
    let named = |workflow: &&Workflow| workflow.id.to_string() == which || workflow.plan.file == which;
    let plan = repo.workflows.iter().find(named).ok_or_else(Refused::not_found)?.plan.clone();
    let body: Value = serde_json::from_slice(asked.request.body())
        .map_err(|_| Refused::new(StatusCode::BAD_REQUEST, "Problems parsing JSON"))?;
    let reference = body.get("ref").and_then(Value::as_str);
    let reference = reference.ok_or_else(|| unfit("Invalid request.\n\n\"ref\" wasn't supplied."))?;
    let known = repo.runs.iter().filter(|run| run.branch.as_deref() == Some(reference));
    let newest = known.max_by_key(|run| run.created);
    let commit =
        newest.map(|run| run.commit.clone()).ok_or_else(|| unfit(&format!("No ref found for: {reference}")))?;
    workflow::check(&plan, body.get("inputs"))?;
    let push = Push {
        repo: repo.full_name(),
        commit,
        title: None,
        branch: Some(reference.to_owned()),
        by: Some(asked.login.to_owned()),
        workflow: Some(plan.file),
        supersedes: false,
    };
    let run = Run::pushed(&push, repo, asked.now, ids).ok_or_else(Refused::not_found)?;
    let id = run.id;
    repo.runs.push(run);
    repo.advance(asked.now, ids);
    if body.get("return_run_details") != Some(&Value::Bool(true)) {
        return Ok(Good::with(StatusCode::NO_CONTENT, None));
    }
    let full = repo.full_name();
    Ok(Good::json(json!({
        "workflow_run_id": id,
        "run_url": format!("{API}/repos/{full}/actions/runs/{id}"),
        "html_url": format!("{WEB}/{full}/actions/runs/{id}"),
    })))
}

/// What a review says. All three fields are required.
struct Said {
    environments: Vec<u64>,
    approve: bool,
    comment: String,
}

fn said(body: &[u8]) -> Result<Said, Refused> {
    let wrong = |why: String| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, format!("Invalid request.\n\n{why}"));
    let body: Value =
        serde_json::from_slice(body).map_err(|_| Refused::new(StatusCode::BAD_REQUEST, "Problems parsing JSON"))?;
    let field = |name: &str| body.get(name).ok_or_else(|| wrong(format!("\"{name}\" wasn't supplied.")));
    let ids = field("environment_ids")?;
    let environments = ids.as_array().and_then(|ids| ids.iter().map(Value::as_u64).collect::<Option<Vec<_>>>());
    let environments = environments.ok_or_else(|| wrong(format!("For 'environment_ids', {ids} is not an array.")))?;
    let state = field("state")?;
    let approve = match state.as_str() {
        Some("approved") => true,
        Some("rejected") => false,
        _ => return Err(wrong(format!("{state} is not a member of [\"approved\", \"rejected\"]."))),
    };
    let comment = field("comment")?;
    let comment = comment.as_str().ok_or_else(|| wrong(format!("For 'comment', {comment} is not a string.")))?;
    Ok(Said { environments, approve, comment: comment.to_owned() })
}

fn review(repo: &mut Repo, run: usize, asked: Asked<'_>, ids: &mut Ids) -> Outcome {
    let said = said(asked.request.body())?;
    let Repo { runs, environments, deployments, .. } = repo;
    let run = runs.get_mut(run).ok_or_else(Refused::not_found)?;
    let refused = |why: &str| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why);
    let admitted = |id: &u64| environments.iter().any(|e| e.id == *id && e.admits(asked.login, &run.current.by));
    // No recording of these two refusals exists; only that they are 4xx is sure.
    if !said.environments.iter().all(admitted) {
        return Err(refused("You are not allowed to review a deployment of this run to that environment."));
    }
    let answer =
        Answer { environments: &said.environments, approve: said.approve, by: asked.login, comment: &said.comment };
    let touched = run
        .answer(asked.now, &answer, environments, (deployments, ids))
        .ok_or_else(|| refused("No pending deployment requests to approve or reject"))?;
    let all = touched.iter().filter_map(|id| repo.deployments.get(*id));
    Ok(Good::json(Value::Array(all.map(|d| deploy::deployment(repo, d)).collect())))
}
