//! The full picture of what a query may select from: workflows with their runs, repositories with what is live.

use serde_json::{Value, json};

use crate::{
    demo::github::{
        repo::{Deployment, Environment, Repo, Reviewer, Workflow},
        run::{Reviewed, Run, Stage},
        wire::{API, WEB, node, time},
    },
    domain::time::Timestamp,
};

/// A connection: a list under `nodes`.
fn connection(kind: &str, nodes: impl IntoIterator<Item = Value>) -> Value {
    let nodes: Vec<_> = nodes.into_iter().collect();
    json!({ "__typename": kind, "totalCount": nodes.len(), "nodes": nodes })
}

/// GraphQL's `databaseId` is a 32-bit number; what does not fit is null.
fn database_id(id: u64) -> Option<i32> {
    i32::try_from(id).ok()
}

fn person(login: &str) -> Value {
    json!({ "__typename": "User", "login": login })
}

/// A workflow with its runs, as `login` sees them.
pub(super) fn workflow(repo: &Repo, workflow: &Workflow, login: &str) -> Value {
    let runs = repo.runs.iter().rev().filter(|run| run.workflow == workflow.id);
    json!({
        "__typename": "Workflow",
        "id": node("W", workflow.id),
        "name": workflow.plan.name,
        "state": "ACTIVE",
        "runs": connection("WorkflowRunConnection", runs.map(|r| run(repo, r, login))),
    })
}

fn run(repo: &Repo, run: &Run, login: &str) -> Value {
    let (status, conclusion) = run.current.status();
    let waiting = run.current.jobs.iter().filter_map(|job| match job.stage {
        Stage::Waiting { since, approved } => job.waits_for(&repo.environments).map(|e| (e, since, approved)),
        _ => None,
    });
    let request = |(environment, since, approved): (&Environment, Timestamp, bool)| {
        let reviewers = environment.reviewers.iter().filter(|_| !approved).map(|r| reviewer(&repo.owner, r));
        json!({
            "__typename": "DeploymentRequest",
            "environment": brief(environment),
            "currentUserCanApprove": !approved && environment.admits(login, &run.current.by),
            "waitTimer": environment.wait_timer,
            "waitTimerStartedAt": (environment.wait_timer > 0).then(|| time(since)),
            "reviewers": connection("DeploymentReviewerConnection", reviewers),
        })
    };
    let review = |review: &Reviewed| {
        let environments = repo.environments.iter().filter(|e| review.environments.contains(&e.id)).map(brief);
        json!({
            "__typename": "DeploymentReview",
            "state": if review.approved { "APPROVED" } else { "REJECTED" },
            "comment": review.comment,
            "user": person(&review.by),
            "environments": connection("EnvironmentConnection", environments),
        })
    };
    json!({
        "__typename": "WorkflowRun",
        "id": node("WFR", run.id),
        "databaseId": database_id(run.id),
        "runNumber": run.number,
        "event": "push",
        "url": format!("{WEB}/{}/actions/runs/{}", repo.full_name(), run.id),
        "createdAt": time(run.created),
        "updatedAt": time(run.current.updated),
        "checkSuite": {
            "__typename": "CheckSuite",
            "status": status.to_ascii_uppercase(),
            "conclusion": conclusion.map(str::to_ascii_uppercase),
            "branch": run.branch.as_ref().map(|name| json!({ "__typename": "Ref", "name": name })),
            "commit": { "__typename": "Commit", "oid": run.commit, "messageHeadline": run.title },
            "creator": person(&run.actor),
        },
        "pendingDeploymentRequests": connection("DeploymentRequestConnection", waiting.map(request)),
        "deploymentReviews": connection("DeploymentReviewConnection", run.reviews.iter().map(review)),
    })
}

fn reviewer(owner: &str, reviewer: &Reviewer) -> Value {
    match reviewer {
        Reviewer::User(login) => person(login),
        Reviewer::Team { slug, .. } => {
            json!({ "__typename": "Team", "slug": slug, "combinedSlug": format!("{owner}/{slug}") })
        }
    }
}

fn brief(environment: &Environment) -> Value {
    json!({
        "__typename": "Environment",
        "id": node("EN", environment.id),
        "databaseId": database_id(environment.id),
        "name": environment.name,
    })
}

/// A repository with its environments and what is live there.
pub(super) fn repository(repo: &Repo) -> Value {
    let environments = repo.environments.iter().map(|environment| {
        let mut full = brief(environment);
        let more = json!({
            "latestCompletedDeployment": repo.deployments.live(&environment.name).map(|d| deployment(repo, d)),
            "protectionRules": connection("DeploymentProtectionRuleConnection", rules(&repo.owner, environment)),
        });
        if let (Some(full), Value::Object(more)) = (full.as_object_mut(), more) {
            full.extend(more);
        }
        full
    });
    let mut requests: Vec<&Run> = repo.runs.iter().filter(|run| run.fork).collect();
    requests.sort_by_key(|run| std::cmp::Reverse(run.created));
    let requests =
        requests.into_iter().map(|run| json!({ "__typename": "PullRequest", "updatedAt": time(run.created) }));
    json!({
        "__typename": "Repository",
        "name": repo.name,
        "pushedAt": repo.pushed().map(time),
        "deployments": connection("DeploymentConnection", repo.deployments.0.iter().map(|d| deployment(repo, d))),
        "pullRequests": connection("PullRequestConnection", requests),
        "url": format!("{API}/repos/{}", repo.full_name()),
        "environments": connection("EnvironmentConnection", environments),
    })
}

fn rules(owner: &str, environment: &Environment) -> Vec<Value> {
    let reviewers = environment.reviewers.iter().map(|r| reviewer(owner, r)).collect();
    let rule = |kind: &str, reviewers: Vec<Value>| {
        json!({
            "__typename": "DeploymentProtectionRule",
            "type": kind,
            "preventSelfReview": (kind == "REQUIRED_REVIEWERS").then_some(environment.prevent_self_review),
            "timeout": environment.wait_timer,
            "reviewers": connection("DeploymentReviewerConnection", reviewers),
        })
    };
    let timer = (environment.wait_timer > 0).then(|| rule("WAIT_TIMER", Vec::new()));
    let people = (!environment.reviewers.is_empty()).then(|| rule("REQUIRED_REVIEWERS", reviewers));
    timer.into_iter().chain(people).collect()
}

fn deployment(repo: &Repo, deployment: &Deployment) -> Value {
    let status = deployment.statuses.last().map(|status| {
        json!({
            "__typename": "DeploymentStatus",
            "state": status.state.to_ascii_uppercase(),
            "logUrl": format!("{WEB}/{}/actions/runs/{}/job/{}", repo.full_name(), deployment.run, deployment.job),
            "environmentUrl": null,
            "createdAt": time(status.at),
        })
    });
    json!({
        "__typename": "Deployment",
        "databaseId": database_id(deployment.id),
        "commitOid": deployment.sha,
        "ref": { "__typename": "Ref", "name": deployment.reference },
        "state": if deployment.state() == "success" { "ACTIVE".to_owned() } else { deployment.state().to_ascii_uppercase() },
        "createdAt": time(deployment.created),
        "creator": person(&deployment.creator),
        "latestStatus": status,
    })
}
