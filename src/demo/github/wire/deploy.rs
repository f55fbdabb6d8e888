//! The JSON of environments, what waits for them, reviews and deployments.

use serde_json::{Value, json};

use crate::demo::rest::fnv;
use crate::{
    demo::github::{
        repo::{Deployment, DeploymentStatus, Environment, Repo, Reviewer},
        run::{Reviewed, Run, Stage},
        wire::{API, WEB, account, node, team, time},
    },
    domain::time::Timestamp,
};

/// The short form of an environment.
fn brief(repo: &Repo, environment: &Environment) -> Value {
    let (full, name) = (repo.full_name(), segment(&environment.name));
    json!({
        "id": environment.id,
        "node_id": node("EN", environment.id),
        "name": environment.name,
        "url": format!("{API}/repos/{full}/environments/{name}"),
        "html_url": format!("{WEB}/{full}/deployments/activity_log?environments_filter={name}"),
    })
}

/// A name as a part of a path.
fn segment(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F").replace(' ', "%20")
}

fn with(mut object: Value, more: Value) -> Value {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

fn reviewer(repo: &Repo, reviewer: &Reviewer) -> Value {
    match reviewer {
        Reviewer::User(login) => json!({ "type": "User", "reviewer": account(login) }),
        Reviewer::Team { slug, .. } => json!({ "type": "Team", "reviewer": team(&repo.owner, slug) }),
    }
}

/// An environment with its protection rules.
pub(in crate::demo::github) fn environment(repo: &Repo, environment: &Environment) -> Value {
    let rule = |kind: &str| fnv(environment.id, [kind]) % 9_000_000;
    let head = |kind: &str| json!({ "id": rule(kind), "node_id": node("GA", rule(kind)), "type": kind });
    let mut rules = Vec::new();
    if environment.wait_timer > 0 {
        rules.push(with(head("wait_timer"), json!({ "wait_timer": environment.wait_timer })));
    }
    if !environment.reviewers.is_empty() {
        let reviewers: Vec<_> = environment.reviewers.iter().map(|r| reviewer(repo, r)).collect();
        let more = json!({ "prevent_self_review": environment.prevent_self_review, "reviewers": reviewers });
        rules.push(with(head("required_reviewers"), more));
    }
    let more = json!({
        "created_at": time(repo.made),
        "updated_at": time(repo.made),
        "protection_rules": rules,
        "deployment_branch_policy": null,
    });
    with(brief(repo, environment), more)
}

/// What a run waits for, as this person sees it. Once the human part of a rule is done only its timer is left, so the
/// reviewers are gone.
pub(in crate::demo::github) fn pending(repo: &Repo, run: &Run, login: &str) -> Vec<Value> {
    let waiting = run.current.jobs.iter().filter_map(|job| match job.stage {
        Stage::Waiting { since, approved } => {
            job.waits_for(&repo.environments).map(|environment| (environment, since, approved))
        }
        _ => None,
    });
    let one = |(environment, since, approved): (&Environment, Timestamp, bool)| {
        let reviewers = environment.reviewers.iter().filter(|_| !approved);
        json!({
            "environment": brief(repo, environment),
            "wait_timer": environment.wait_timer,
            "wait_timer_started_at": (environment.wait_timer > 0).then(|| time(since)),
            "current_user_can_approve": !approved && environment.admits(login, &run.current.by),
            "reviewers": reviewers.map(|r| reviewer(repo, r)).collect::<Vec<_>>(),
        })
    };
    waiting.map(one).collect()
}

/// One answer that was given.
pub(in crate::demo::github) fn approval(repo: &Repo, review: &Reviewed) -> Value {
    let dates = json!({ "created_at": time(repo.made), "updated_at": time(repo.made) });
    let environments = repo.environments.iter().filter(|e| review.environments.contains(&e.id));
    json!({
        "state": if review.approved { "approved" } else { "rejected" },
        "comment": review.comment,
        "environments": environments.map(|e| with(brief(repo, e), dates.clone())).collect::<Vec<_>>(),
        "user": account(&review.by),
    })
}

/// A deployment.
pub(in crate::demo::github) fn deployment(repo: &Repo, deployment: &Deployment) -> Value {
    let (full, id) = (repo.full_name(), deployment.id);
    let url = format!("{API}/repos/{full}/deployments/{id}");
    json!({
        "url": url,
        "id": id,
        "node_id": node("DE", id),
        "sha": deployment.sha,
        "ref": deployment.reference,
        "task": "deploy",
        "payload": {},
        "original_environment": deployment.environment,
        "environment": deployment.environment,
        "description": null,
        "creator": account(&deployment.creator),
        "created_at": time(deployment.created),
        "updated_at": time(deployment.updated()),
        "statuses_url": format!("{url}/statuses"),
        "repository_url": format!("{API}/repos/{full}"),
        "transient_environment": false,
        "production_environment": deployment.environment == "production",
        "performed_via_github_app": null,
    })
}

/// One entry of a deployment's history.
pub(in crate::demo::github) fn status(repo: &Repo, deployment: &Deployment, status: &DeploymentStatus) -> Value {
    let full = repo.full_name();
    let url = format!("{API}/repos/{full}/deployments/{}", deployment.id);
    let log = format!("{WEB}/{full}/actions/runs/{}/job/{}", deployment.run, deployment.job);
    json!({
        "url": format!("{url}/statuses/{}", status.id),
        "id": status.id,
        "node_id": node("DES", status.id),
        "state": status.state,
        "creator": account(&deployment.creator),
        "description": "",
        "environment": deployment.environment,
        "target_url": log,
        "created_at": time(status.at),
        "updated_at": time(status.at),
        "deployment_url": url,
        "repository_url": format!("{API}/repos/{full}"),
        "environment_url": "",
        "log_url": log,
        "performed_via_github_app": null,
    })
}
