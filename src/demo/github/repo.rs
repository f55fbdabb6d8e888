//! What a repository holds: environments, workflows, runs, deployments. How a run moves is in `run`.

use crate::demo::rest::fnv;
use crate::{
    demo::github::{
        given::Given,
        run::Run,
        spec::{Access, BadSpec, CommitSpec, EnvironmentSpec, RepoSpec, Spec, WorkflowSpec},
    },
    domain::time::Timestamp,
};

/// Gives out ids. They grow, as GitHub's do; the seed decides where they begin.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    seed: u64,
    next: u64,
}

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        // Real run ids passed 2^34 in 2026: clients that keep them in 32 bits must not get away with it.
        Self { seed, next: 26_400_000_000 + (seed % 9_973) * 1_000 }
    }

    /// The next id of a run, job, deployment or status.
    pub(super) fn fresh(&mut self) -> u64 {
        self.next += 17;
        self.next
    }

    /// The id of something that has a name; the same in every world of this seed.
    pub(super) fn named(&self, kind: &str, name: &str) -> u64 {
        let hash = fnv(self.seed, [kind, "/", name]);
        1_000_000 + hash % 899_000_000
    }
}

/// Who may answer for an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reviewer {
    User(String),
    Team { slug: String, members: Vec<String> },
}

impl Reviewer {
    fn is(&self, login: &str) -> bool {
        match self {
            Self::User(user) => user == login,
            Self::Team { members, .. } => members.iter().any(|member| member == login),
        }
    }
}

/// A place to deploy to, and what protects it.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) reviewers: Vec<Reviewer>,
    pub(super) prevent_self_review: bool,
    /// Minutes.
    pub(super) wait_timer: u32,
    pub(super) given: Given,
}

impl Environment {
    fn new(spec: &EnvironmentSpec, (repo, made): (&str, Timestamp), teams: &Spec, ids: &Ids) -> Result<Self, BadSpec> {
        let reviewer = |text: &String| match text.strip_prefix("team:") {
            None => Ok(Reviewer::User(text.clone())),
            Some(slug) => match teams.teams.get(slug) {
                Some(members) => Ok(Reviewer::Team { slug: slug.to_owned(), members: members.clone() }),
                None => Err(BadSpec::UnknownTeam(spec.name.clone(), slug.to_owned())),
            },
        };
        Ok(Self {
            id: ids.named("environment", &format!("{repo}/{}", spec.name)),
            name: spec.name.clone(),
            reviewers: spec.reviewers.iter().map(reviewer).collect::<Result<_, _>>()?,
            prevent_self_review: spec.prevent_self_review,
            wait_timer: spec.wait_timer,
            given: Given::new(&spec.given, made),
        })
    }

    pub(super) fn protected(&self) -> bool {
        !self.reviewers.is_empty() || self.wait_timer > 0
    }

    /// May this person let a run of that actor pass?
    pub(super) fn admits(&self, login: &str, actor: &str) -> bool {
        self.reviewers.iter().any(|reviewer| reviewer.is(login)) && !(self.prevent_self_review && login == actor)
    }
}

/// A workflow and its id.
#[derive(Clone, Debug)]
pub(super) struct Workflow {
    pub(super) id: u64,
    pub(super) plan: WorkflowSpec,
}

/// One entry of a deployment's history.
#[derive(Clone, Debug)]
pub(super) struct DeploymentStatus {
    pub(super) id: u64,
    pub(super) state: &'static str,
    pub(super) at: Timestamp,
}

/// The fact that a commit went, or is to go, to an environment.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub(super) id: u64,
    pub(super) run: u64,
    pub(super) job: u64,
    pub(super) environment: String,
    pub(super) sha: String,
    pub(super) reference: String,
    pub(super) creator: String,
    pub(super) created: Timestamp,
    /// Oldest first.
    pub(super) statuses: Vec<DeploymentStatus>,
}

impl Deployment {
    pub(super) fn state(&self) -> &'static str {
        self.statuses.last().map_or("pending", |status| status.state)
    }

    pub(super) fn updated(&self) -> Timestamp {
        self.statuses.last().map_or(self.created, |status| status.at)
    }
}

/// All deployments of a repository, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Deployments(pub(super) Vec<Deployment>);

impl Deployments {
    pub(super) fn get(&self, id: u64) -> Option<&Deployment> {
        self.0.iter().find(|deployment| deployment.id == id)
    }

    /// Adds a status to a deployment. A success makes earlier successes of the same environment inactive, as GitHub does by
    /// itself everywhere but in `production`.
    pub(super) fn say(&mut self, id: u64, state: &'static str, at: Timestamp, ids: &mut Ids) {
        let Some(environment) = self.get(id).map(|deployment| deployment.environment.clone()) else {
            return;
        };
        let earlier = state == "success" && environment != "production";
        for deployment in self.0.iter_mut().filter(|d| d.environment == environment) {
            if deployment.id == id {
                deployment.statuses.push(DeploymentStatus { id: ids.fresh(), state, at });
            } else if earlier && deployment.state() == "success" {
                deployment.statuses.push(DeploymentStatus { id: ids.fresh(), state: "inactive", at });
            }
        }
    }

    /// The newest deployment of an environment that ended.
    pub(super) fn live(&self, environment: &str) -> Option<&Deployment> {
        let ended = |d: &&Deployment| matches!(d.state(), "success" | "failure" | "error" | "inactive");
        self.0.iter().rev().filter(|d| d.environment == environment).find(ended)
    }
}

/// One repository.
#[derive(Clone, Debug)]
pub(super) struct Repo {
    pub(super) id: u64,
    pub(super) owner: String,
    pub(super) name: String,
    /// When it and what it is made of were made: a year before the scenario.
    pub(super) made: Timestamp,
    pub(super) access: Access,
    pub(super) archived: bool,
    pub(super) workflows: Vec<Workflow>,
    pub(super) environments: Vec<Environment>,
    /// Those before the runs, oldest first.
    pub(super) commits: Vec<CommitSpec>,
    /// In the order in which they were created.
    pub(super) runs: Vec<Run>,
    pub(super) deployments: Deployments,
    pub(super) given: Given,
    pub(super) hides_settings: bool,
}

impl Repo {
    pub(super) fn new(spec: &RepoSpec, all: &Spec, made: Timestamp, ids: &Ids) -> Result<Self, BadSpec> {
        let full = format!("{}/{}", spec.owner, spec.name);
        if spec.workflows.is_empty() {
            return Err(BadSpec::NoWorkflow(full));
        }
        let environments: Vec<_> =
            spec.environments.iter().map(|e| Environment::new(e, (&full, made), all, ids)).collect::<Result<_, _>>()?;
        let named = spec.workflows.iter().flat_map(|w| &w.jobs).filter_map(|job| job.environment.as_ref());
        for name in named {
            if !environments.iter().any(|environment| environment.name == *name) {
                return Err(BadSpec::UnknownEnvironment(full, name.clone()));
            }
        }
        let workflow =
            |w: &WorkflowSpec| Workflow { id: ids.named("workflow", &format!("{full}/{}", w.file)), plan: w.clone() };
        Ok(Self {
            id: ids.named("repository", &full),
            owner: spec.owner.clone(),
            name: spec.name.clone(),
            made,
            access: spec.access,
            archived: spec.archived,
            workflows: spec.workflows.iter().map(workflow).collect(),
            environments,
            commits: spec.commits.clone(),
            runs: Vec::new(),
            deployments: Deployments::default(),
            given: Given::new(&spec.given, made),
            hides_settings: spec.hides_settings,
        })
    }

    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// When it was pushed to last; no time before anybody did.
    pub(super) fn pushed(&self) -> Option<Timestamp> {
        self.runs.iter().filter(|run| !run.fork).map(|run| run.created).max()
    }

    pub(super) fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == name)
    }

    /// The workflow in this file, or the first.
    pub(super) fn workflow_in(&self, file: Option<&str>) -> Result<&Workflow, BadSpec> {
        let found = match file {
            None => self.workflows.first(),
            Some(file) => self.workflows.iter().find(|w| w.plan.file == file),
        };
        found.ok_or_else(|| BadSpec::UnknownWorkflow(self.full_name(), file.unwrap_or_default().to_owned()))
    }

    pub(super) fn workflow(&self, id: u64) -> Option<&Workflow> {
        self.workflows.iter().find(|w| w.id == id)
    }

    pub(super) fn run(&self, id: u64) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// When something here next moves by itself.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.runs.iter().filter_map(|run| run.next(&self.environments)).min()
    }

    /// Moves everything that is due; true when anything moved.
    pub(super) fn advance(&mut self, now: Timestamp, ids: &mut Ids) -> bool {
        let Self { runs, environments, deployments, .. } = self;
        let mut moved = false;
        for run in runs {
            moved |= run.advance(now, environments, deployments, ids);
        }
        moved
    }
}
