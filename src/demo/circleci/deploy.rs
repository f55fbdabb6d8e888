//! Deploy markers of the pretended CircleCI: components, environments, versions, and putting one back.
//!
//! As CircleCI's own MCP server reads and sends them (`src/clients/schemas.ts` of CircleCI-Public/mcp-server-circleci).

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::{
    demo::{
        circleci::{
            Circleci, Project, org_of,
            pipeline::Pipeline,
            pushed,
            route::{items, missing, refused},
            spec::{JobSpec, MarkSpec, PipelineSpec},
            wire::time,
        },
        rest::{Good, Outcome, Refused, query, uuid},
    },
    domain::time::Timestamp,
};

/// Something that was deployed.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) component: String,
    pub(super) environment: String,
    pub(super) name: String,
    pub(super) at: Timestamp,
    pub(super) pipeline: String,
    pub(super) workflow: String,
    pub(super) job: String,
}

/// The id of the definition by which pipelines of a project begin.
pub(super) fn definition(slug: &str) -> String {
    uuid(&["definition", slug])
}

/// What a marker calls the version that a pipeline deploys.
pub(super) fn version(spec: &PipelineSpec) -> String {
    let tag = spec.tag.as_deref().map(|tag| tag.strip_prefix('v').unwrap_or(tag).to_owned());
    tag.unwrap_or_else(|| spec.commit.get(..7).unwrap_or(&spec.commit).to_owned())
}

fn component(project: &Project, name: &str) -> String {
    uuid(&["component", &project.id, name])
}

fn environment(org: &str, name: &str) -> String {
    uuid(&["environment", org, name])
}

impl Project {
    /// What it may deploy where, as its jobs say; each once.
    fn deploys(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        for mark in self.spec.jobs.iter().filter_map(|job| job.marks.as_ref()) {
            let one = (mark.component.clone(), mark.environment.clone());
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }

    fn live(&self, component: &str, environment: &str) -> Option<&Mark> {
        self.marks.iter().rev().find(|mark| mark.component == component && mark.environment == environment)
    }
}

impl Circleci {
    pub(super) fn components(&self, request: &Request<Bytes>) -> Outcome {
        let (org, project) = (query(request, "org-id"), query(request, "project-id"));
        let Some(org) = org else { return Err(refused("org-id: missing required query parameter")) };
        let wanted = |one: &&Project| {
            !one.spec.hidden
                && org_of(&one.spec.slug) == org
                && project.as_ref().is_none_or(|project| one.id == *project)
        };
        let mut all = Vec::new();
        for project in self.projects.iter().filter(wanted) {
            let mut names: Vec<String> = project.deploys().into_iter().map(|(name, _)| name).collect();
            names.dedup();
            for name in names {
                let releases = project.marks.iter().filter(|mark| mark.component == name).count();
                let at = project.marks.first().map(|mark| time(mark.at));
                all.push(json!({
                    "id": component(project, &name), "project_id": project.id, "name": name,
                    "release_count": releases, "labels": [], "created_at": at, "updated_at": at,
                }));
            }
        }
        Ok(items(request, all))
    }

    pub(super) fn environments(&self, request: &Request<Bytes>) -> Outcome {
        let Some(org) = query(request, "org-id") else {
            return Err(refused("org-id: missing required query parameter"));
        };
        let of = self.projects.iter().filter(|one| org_of(&one.spec.slug) == org);
        let mut names: Vec<String> = of.flat_map(Project::deploys).map(|(_, environment)| environment).collect();
        names.sort();
        names.dedup();
        let one = |name: String| {
            let at = time(self.start);
            json!({
                "id": environment(&org, &name), "name": name, "description": "", "created_at": at, "updated_at": at,
                "labels": [],
            })
        };
        Ok(items(request, names.into_iter().map(one).collect()))
    }

    pub(super) fn versions(&self, request: &Request<Bytes>, id: &str) -> Outcome {
        let wanted = query(request, "environment-id");
        for project in &self.projects {
            let org = org_of(&project.spec.slug);
            let Some((name, _)) = project.deploys().into_iter().find(|(name, _)| component(project, name) == id) else {
                continue;
            };
            let here = |mark: &&Mark| {
                mark.component == name
                    && wanted.as_ref().is_none_or(|wanted| environment(&org, &mark.environment) == *wanted)
            };
            let one = |mark: &Mark| {
                let live = project.live(&mark.component, &mark.environment).is_some_and(|live| live.job == mark.job);
                json!({
                    "name": mark.name, "namespace": "default", "environment_id": environment(&org, &mark.environment),
                    "is_live": live, "pipeline_id": mark.pipeline, "workflow_id": mark.workflow, "job_id": mark.job,
                    "job_number": 300, "last_deployed_at": time(mark.at),
                })
            };
            return Ok(items(request, project.marks.iter().rev().filter(here).map(one).collect()));
        }
        Err(missing("Component"))
    }

    pub(super) fn put_back(&mut self, now: Timestamp, request: &Request<Bytes>, id: &str) -> Outcome {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let text = |name: &str| {
            let found = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            found.map(str::to_owned).ok_or_else(|| refused(&format!("{name}: missing required key")))
        };
        let (component, environment) = (text("component_name")?, text("environment_name")?);
        let (current, target) = (text("current_version")?, text("target_version")?);
        let user = self.spec.user.clone();
        let project = self.projects.iter_mut().find(|one| one.id == id && !one.spec.hidden);
        let project = project.ok_or_else(|| missing("Project"))?;
        let takes =
            project.spec.rollback.ok_or_else(|| refused("no rollback pipeline is configured for this project"))?;
        let live = project.live(&component, &environment).map(|mark| mark.name.clone());
        if live.as_deref() != Some(current.as_str()) {
            // Only that it refuses is documented, not in which words.
            return Err(refused(&format!("current_version: {current} is not the version that is deployed")));
        }
        let deployed = |mark: &&Mark| mark.component == component && mark.name == target;
        let old = project.marks.iter().rev().find(deployed).map(|mark| mark.pipeline.clone());
        let old = old.ok_or_else(|| refused(&format!("target_version: {target} was never deployed")))?;
        let of = project.pipelines.iter().find(|one| one.id == old).map(|one| one.spec.clone());
        let under_way = |one: &Pipeline| one.workflows.iter().any(|it| it.puts_back.is_some() && !it.ended());
        if project.pipelines.iter().any(under_way) {
            let said = "a command for this component is already being handled";
            return Err(Refused::new(StatusCode::CONFLICT, said));
        }
        let number = project.next_number();
        let (commit, tag) = of.map_or_else(|| ("0".repeat(40), None), |of| (of.commit, of.tag));
        let spec = pushed(number, Some("main"), tag.as_deref(), &commit, &user);
        let marks = Some(MarkSpec { component, environment });
        let log = vec![format!("put {target} back")];
        let job = JobSpec { name: "put-back".to_owned(), takes, marks, log, ..JobSpec::default() };
        let mut made = Pipeline::begin(&project.spec.slug, "rollback", &[job], &spec, now);
        made.workflows.iter_mut().for_each(|one| one.puts_back = Some(target.clone()));
        let id = made.id.clone();
        project.pipelines.push(made);
        self.revision += 1;
        Ok(Good::with(StatusCode::OK, Some(json!({"id": id, "rollback_type": "PIPELINE"}))))
    }
}
