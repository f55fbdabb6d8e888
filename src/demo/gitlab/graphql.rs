//! GraphQL as far as a cockpit asks: what projects have that move, and who may approve. The query is cut out of a full picture of each
//! project (`demo::query`); a field that the picture lacks is refused as GitLab refuses one it does not know, and a question that asks
//! for too much by its count (docs.gitlab.com/api/graphql/#max-query-complexity).

use bytes::Bytes;
use http::Request;
use serde_json::{Map, Value, json};

use crate::demo::{
    gitlab::{
        Gitlab, Project,
        pipeline::{Job, Pipeline},
        wire::{WEB, deployments, environments, path, time},
    },
    query::{Field, Part, Reader, below},
    rest::Good,
};

/// Fields that count twice, because they are looked up in the repository.
const DEAR: [&str; 2] = ["commit", "canPlayJob"];

impl Gitlab {
    pub(super) fn graphql(&self, request: &Request<Bytes>) -> Good {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let text = body.get("query").and_then(Value::as_str).unwrap_or_default();
        let none = Value::Null;
        let variables = body.get("variables").unwrap_or(&none);
        let answer = Reader::new(text, variables).operation().and_then(|parts| self.resolve(&parts));
        Good::json(match answer {
            Ok(data) => json!({ "data": data }),
            Err(message) => json!({ "errors": [{ "message": message }] }),
        })
    }

    fn resolve(&self, parts: &[Part]) -> Result<Value, String> {
        let (asks, most) = (complexity(parts), self.spec.complexity);
        if asks > most {
            return Err(format!("Query has complexity of {asks}, which exceeds max complexity of {most}"));
        }
        let mut data = Map::new();
        for part in parts {
            let Part::Field(field) = part else { return Err("A fragment cannot stand at the root".to_owned()) };
            let full = match field.name.as_str() {
                "project" => {
                    let named = field.args.get("fullPath").and_then(Value::as_str);
                    let found = self.visible().find(|project| Some(project.spec.path.as_str()) == named);
                    found.map_or(Value::Null, |project| self.picture(project))
                }
                "projects" => self.named(field),
                other => return Err(format!("Field '{other}' doesn't exist on type 'Query'")),
            };
            data.insert(field.called.clone(), below(&full, field)?);
        }
        Ok(Value::Object(data))
    }

    /// The projects that a question names.
    fn named(&self, field: &Field) -> Value {
        let paths = field.args.get("fullPaths").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let is_named = |project: &&Project| paths.iter().any(|path| path.as_str() == Some(&project.spec.path));
        connection(self.visible().filter(is_named).map(|project| self.picture(project)))
    }

    /// Everything that may be asked of a project.
    fn picture(&self, project: &Project) -> Value {
        let newest: Vec<&Pipeline> = project.pipelines.iter().rev().collect();
        let pipelines = |wanted: Option<&str>| {
            let all = newest.iter().filter(|one| wanted.is_none_or(|wanted| one.word() == wanted));
            connection(all.map(|one| pipeline(project, one)))
        };
        let mut picture = json!({
            "__typename": "Project",
            "fullPath": project.spec.path,
            "webUrl": format!("{WEB}/{}", project.spec.path),
            "maxAccessLevel": {"__typename": "AccessLevel", "integerValue": project.spec.access},
            "pipelines": pipelines(None),
            "pipelines(status: MANUAL)": pipelines(Some("manual")),
            "pipelines(status: RUNNING)": pipelines(Some("running")),
            "environments": connection(environments(project).iter().map(|name| environment(project, name))),
        });
        let all = deployments(project).into_iter().filter_map(|(_, job)| {
            let may = json!({"__typename": "DeploymentPermissions", "approveDeployment": self.may_approve(job)});
            let iid = job.deployment.as_ref()?.iid;
            Some((format!("deployment(iid: {iid})"), json!({"__typename": "Deployment", "userPermissions": may})))
        });
        if let Some(picture) = picture.as_object_mut() {
            picture.extend(all);
            picture.insert("deployment".to_owned(), Value::Null);
        }
        picture
    }

    fn may_approve(&self, job: &Job) -> bool {
        job.rules.iter().any(|rule| rule.members.contains(&self.spec.user))
    }
}

fn pipeline(project: &Project, one: &Pipeline) -> Value {
    let jobs = |wanted: Option<&str>| {
        let all = one.latest().filter(|job| wanted.is_none_or(|wanted| job.word() == wanted));
        connection(all.map(|job| picture_of(project, job)))
    };
    json!({
        "__typename": "Pipeline",
        "id": format!("gid://gitlab/Ci::Pipeline/{}", one.spec.id),
        "iid": one.spec.id.to_string(),
        "status": one.word().to_ascii_uppercase(),
        "sha": one.spec.commit,
        "ref": one.spec.reference,
        "path": path(project, one),
        "createdAt": time(one.created),
        "startedAt": one.started().map(time),
        "finishedAt": one.finished().map(time),
        "updatedAt": time(one.updated),
        "user": {"__typename": "UserCore", "username": one.spec.user},
        "commit": {"__typename": "Commit", "title": one.spec.title},
        "jobs": jobs(None),
        "jobs(statuses: MANUAL)": jobs(Some("manual")),
    })
}

fn picture_of(project: &Project, job: &Job) -> Value {
    json!({
        "__typename": "CiJob",
        "id": format!("gid://gitlab/Ci::Build/{}", job.id),
        "name": job.spec.name,
        "status": job.word().to_ascii_uppercase(),
        "allowFailure": job.spec.allow_failure,
        "canPlayJob": job.word() == "manual" && job.missing() == 0 && project.spec.access >= 30,
        "stage": {"__typename": "CiStage", "name": job.spec.stage},
    })
}

fn environment(project: &Project, name: &str) -> Value {
    let last = |word: &str| {
        let mut here =
            deployments(project).into_iter().filter(|(_, job)| job.spec.environment.as_deref() == Some(name));
        let found = here.find(|(_, job)| job.deployed() == word);
        found.map_or(Value::Null, |(one, job)| {
            let id = job.deployment.as_ref().map(|deployment| deployment.id).unwrap_or_default();
            json!({
                "__typename": "Deployment",
                "id": format!("gid://gitlab/Deployment/{id}"),
                "sha": one.spec.commit,
                "ref": one.spec.reference,
            })
        })
    };
    json!({
        "__typename": "Environment",
        "name": name,
        "lastDeployment(status: SUCCESS)": last("success"),
        "lastDeployment(status: BLOCKED)": last("blocked"),
    })
}

fn connection(nodes: impl Iterator<Item = Value>) -> Value {
    json!({ "nodes": nodes.collect::<Vec<_>>(), "pageInfo": {"hasNextPage": false, "endCursor": null} })
}

/// What a question counts: one for each field, and of a list a hundredth more for each item that it may have.
fn complexity(parts: &[Part]) -> u64 {
    let one = |part: &Part| match part {
        Part::On(_, of) => complexity(of),
        Part::Field(field) => {
            let own = 1 + u64::from(DEAR.contains(&field.name.as_str())) + complexity(&field.of);
            let first = field.args.get("first").and_then(Value::as_u64).unwrap_or_default();
            own + own * first / 100
        }
    };
    parts.iter().map(one).sum()
}
