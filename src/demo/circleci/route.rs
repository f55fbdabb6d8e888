//! The endpoints, and what every request passes: the limit and the token.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    demo::{
        circleci::{
            Circleci, Project,
            deploy::definition,
            org_of,
            pipeline::{Job, Pipeline, Workflow},
            pushed, wire,
        },
        rest::{Good, Outcome, Refused, parts, plain, query, set, uuid},
    },
    domain::time::Timestamp,
};

/// Entries on a page of `/api/v2`, and the most runs that may be asked for at once.
const PAGE: usize = 20;

pub(super) fn missing(what: &str) -> Refused {
    Refused::new(StatusCode::NOT_FOUND, format!("{what} not found"))
}

pub(super) fn refused(message: &str) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, message)
}

/// The page of `/api/v2` that was asked for: its token is where it begins.
pub(super) fn items(request: &Request<Bytes>, all: Vec<Value>) -> Good {
    let from = query(request, "page-token").and_then(|token| token.parse::<usize>().ok()).unwrap_or_default();
    let next = (from + PAGE < all.len()).then(|| (from + PAGE).to_string());
    let items: Vec<Value> = all.into_iter().skip(from).take(PAGE).collect();
    Good::json(json!({"next_page_token": next, "items": items}))
}

/// An answer as it goes out.
fn sent(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", "application/json");
    response
}

fn accepted(now: bool) -> Outcome {
    // Only that it refuses is documented, not in which words.
    if now {
        Ok(Good::with(StatusCode::ACCEPTED, Some(json!({"message": "Accepted."}))))
    } else {
        Err(refused("Job is not in a state in which it can be changed."))
    }
}

impl Circleci {
    /// The whole way of a request.
    pub(super) fn answer(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let minute = now.timestamp().div_euclid(60);
        let used = if self.minute.0 == minute { self.minute.1 + 1 } else { 1 };
        self.minute = (minute, used);
        let (limit, reset) = (self.spec.rate_limit, 60 - now.timestamp().rem_euclid(60));
        let mut response = if used > limit {
            let mut response = sent(StatusCode::TOO_MANY_REQUESTS, &json!({"message": "Rate limit exceeded."}));
            set(response.headers_mut(), "retry-after", &reset.to_string());
            response
        } else if !self.knows(request) {
            sent(StatusCode::UNAUTHORIZED, &json!({"message": "Unauthorized"}))
        } else if let Some(output) = self.output(now, request) {
            output
        } else {
            let v3 = request.uri().path().starts_with("/api/v3/");
            match self.route(now, request) {
                Ok(Good { status, body, .. }) => sent(status, &body.unwrap_or_default()),
                Err(Refused { status, message }) if v3 && self.spec.v3 => {
                    sent(status, &json!({"error": {"id": uuid(&[&message]), "title": message, "detail": ""}}))
                }
                Err(Refused { status, message }) => sent(status, &json!({ "message": message })),
            }
        };
        let left = limit.saturating_sub(used);
        for (name, value) in [("limit", limit), ("remaining", left), ("reset", reset.unsigned_abs())] {
            set(response.headers_mut(), &format!("ratelimit-{name}"), &value.to_string());
        }
        response
    }

    /// Tokens come in either header; who brings none may come in.
    fn knows(&self, request: &Request<Bytes>) -> bool {
        let headers = request.headers();
        let own = headers.get("circle-token").map(header::HeaderValue::as_bytes);
        let bearer = headers.get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
        let bearer = bearer.map(|value| value.strip_prefix(b"Bearer ").unwrap_or(value));
        own.or(bearer).is_none_or(|token| token == self.spec.token.as_bytes())
    }

    fn route(&mut self, now: Timestamp, request: &Request<Bytes>) -> Outcome {
        let path = parts(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match (request.method(), path.as_slice()) {
            (_, ["api", "v3", rest @ ..]) if self.spec.v3 => self.third(request, rest),
            (&Method::GET, ["api", "v2", rest @ ..]) => self.read(request, rest),
            (&Method::POST, ["api", "v2", rest @ ..]) => self.change(now, request, rest),
            _ => Err(missing("Endpoint")),
        }
    }

    /// A project that the token may see: one that it may not answers as one that is not there.
    fn project(&self, slug: &str) -> Result<&Project, Refused> {
        let found = self.projects.iter().find(|one| one.spec.slug == slug && !one.spec.hidden);
        found.ok_or_else(|| missing("Project"))
    }

    fn visible(&self) -> impl Iterator<Item = &Project> {
        self.projects.iter().filter(|one| !one.spec.hidden)
    }

    fn pipelines(&self) -> impl Iterator<Item = (&Project, &Pipeline)> {
        self.visible().flat_map(|project| project.pipelines.iter().map(move |pipeline| (project, pipeline)))
    }

    fn workflows(&self) -> impl Iterator<Item = (&Project, &Pipeline, &Workflow)> {
        self.pipelines()
            .flat_map(|(project, pipeline)| pipeline.workflows.iter().map(move |one| (project, pipeline, one)))
    }

    fn read(&self, request: &Request<Bytes>, path: &[&str]) -> Outcome {
        match path {
            ["me"] => Ok(Good::json(json!({
                "id": uuid(&["user", &self.spec.user]), "login": self.spec.user, "name": self.spec.user,
            }))),
            ["project", vcs, org, name, rest @ ..] => {
                let project = self.project(&format!("{vcs}/{org}/{name}"))?;
                match rest {
                    [] => Ok(Good::json(wire::project(project, &org_of(&project.spec.slug)))),
                    ["pipeline"] => {
                        let all = project.pipelines.iter().rev().map(|one| wire::pipeline(project, one)).collect();
                        Ok(items(request, all))
                    }
                    ["envvar"] => {
                        Ok(items(request, project.spec.variables.iter().map(|name| wire::masked(name)).collect()))
                    }
                    [number, "tests"] => {
                        let workflows =
                            project.pipelines.iter().flat_map(|one| one.workflows.iter().map(move |it| (one, it)));
                        let mut jobs = workflows.flat_map(|(one, it)| it.jobs.iter().map(move |job| (one, job)));
                        let found = jobs.find(|(_, job)| wire::number(job).to_string() == *number);
                        let (pipeline, job) = found.ok_or_else(|| missing("Job"))?;
                        Ok(items(request, wire::tests(pipeline, job)))
                    }
                    _ => Err(missing("Endpoint")),
                }
            }
            ["projects", id, "pipeline-definitions"] => {
                let project = self.visible().find(|one| one.id == *id).ok_or_else(|| missing("Project"))?;
                let one = json!({"id": definition(&project.spec.slug), "name": "default", "description": ""});
                Ok(Good::json(json!({"items": [one]})))
            }
            ["pipeline", id, rest @ ..] => {
                let (project, pipeline) =
                    self.pipelines().find(|(_, one)| one.id == *id).ok_or_else(|| missing("Pipeline"))?;
                match rest {
                    [] => Ok(Good::json(wire::pipeline(project, pipeline))),
                    ["workflow"] => {
                        let all = pipeline.workflows.iter().rev().map(|one| wire::workflow(project, pipeline, one));
                        Ok(items(request, all.collect()))
                    }
                    _ => Err(missing("Endpoint")),
                }
            }
            ["workflow", id, rest @ ..] => {
                let (project, pipeline, workflow) =
                    self.workflows().find(|(.., one)| one.id == *id).ok_or_else(|| missing("Workflow"))?;
                match rest {
                    [] => Ok(Good::json(wire::workflow(project, pipeline, workflow))),
                    ["job"] => {
                        let all = (0..workflow.jobs.len()).filter_map(|place| wire::job(project, workflow, place));
                        Ok(items(request, all.collect()))
                    }
                    _ => Err(missing("Endpoint")),
                }
            }
            ["context"] => {
                let one = |name: &String| json!({"id": uuid(&["context", name]), "name": name, "created_at": wire::time(self.start)});
                Ok(items(request, self.spec.contexts.keys().map(one).collect()))
            }
            ["context", id, "environment-variable"] => {
                let is_it = |(name, _): &(&String, &Vec<String>)| uuid(&["context", name]) == *id;
                let (name, all) = self.spec.contexts.iter().find(is_it).ok_or_else(|| missing("Context"))?;
                if self.spec.restricted.contains(name) {
                    return Err(Refused::new(StatusCode::FORBIDDEN, "Forbidden".to_owned()));
                }
                let one = |variable: &String| wire::of_context(variable, id, self.start);
                Ok(items(request, all.iter().map(one).collect()))
            }
            ["deploy", "components"] => self.components(request),
            ["deploy", "environments"] => self.environments(request),
            ["deploy", "components", id, "versions"] => self.versions(request, id),
            _ => Err(missing("Endpoint")),
        }
    }

    fn change(&mut self, now: Timestamp, request: &Request<Bytes>, path: &[&str]) -> Outcome {
        self.revision += 1;
        match path {
            ["projects", id, "rollback"] => self.put_back(now, request, id),
            ["project", vcs, org, name, "pipeline", rest @ ..] if matches!(rest, [] | ["run"]) => {
                let slug = format!("{vcs}/{org}/{name}");
                self.project(&slug)?;
                self.begin(now, request, &slug, !rest.is_empty())
            }
            ["workflow", id, "approve", hold] => accepted(self.workflow(id)?.approve(now, Some(hold), false)),
            ["workflow", id, "cancel"] => accepted(self.workflow(id)?.cancel(now)),
            ["workflow", id, "rerun"] => self.rerun(now, request, id),
            ["jobs", id, "cancel"] => {
                let all =
                    self.projects.iter_mut().flat_map(|one| &mut one.pipelines).flat_map(|one| &mut one.workflows);
                let found = all.into_iter().find(|one| one.jobs.iter().any(|job| job.id == *id));
                accepted(found.ok_or_else(|| missing("Job"))?.cancel_job(now, id))
            }
            _ => Err(missing("Endpoint")),
        }
    }

    fn workflow(&mut self, id: &str) -> Result<&mut Workflow, Refused> {
        let visible = self.projects.iter_mut().filter(|one| !one.spec.hidden);
        let mut all = visible.flat_map(|one| &mut one.pipelines).flat_map(|one| &mut one.workflows);
        all.find(|one| one.id == id).ok_or_else(|| missing("Workflow"))
    }

    fn rerun(&mut self, now: Timestamp, request: &Request<Bytes>, id: &str) -> Outcome {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        // What it does not know it leaves aside: `is_from_failed` is the name of another interface.
        let from_failed = body.get("from_failed").and_then(Value::as_bool) == Some(true) || body.get("jobs").is_some();
        let pipelines = self.projects.iter_mut().flat_map(|one| &mut one.pipelines);
        let pipeline = pipelines.into_iter().find(|one| one.workflows.iter().any(|it| it.id == id));
        let pipeline = pipeline.ok_or_else(|| missing("Workflow"))?;
        let made = pipeline.rerun(id, from_failed, now).ok_or_else(|| refused("Workflow is still running."))?;
        Ok(Good::with(StatusCode::ACCEPTED, Some(json!({"workflow_id": made}))))
    }

    /// A new pipeline, at the branch or tag that is asked for.
    fn begin(&mut self, now: Timestamp, request: &Request<Bytes>, slug: &str, defined: bool) -> Outcome {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let (by, start) = (self.spec.user.clone(), self.start);
        let at = |name: &str| {
            let found = if defined { body.pointer(&format!("/checkout/{name}")) } else { body.get(name) };
            found.and_then(Value::as_str).map(str::to_owned)
        };
        if defined && body.get("definition_id").and_then(Value::as_str) != Some(definition(slug).as_str()) {
            return Err(missing("Pipeline definition"));
        }
        let (branch, tag) = (at("branch"), at("tag"));
        let project = self.projects.iter_mut().find(|one| one.spec.slug == slug).ok_or_else(|| missing("Project"))?;
        let is_of = |one: &&Pipeline| one.spec.branch == branch && one.spec.tag == tag;
        let known =
            project.pipelines.iter().rev().find(is_of).map(|one| (one.spec.commit.clone(), one.spec.subject.clone()));
        let Some((commit, subject)) = known else { return Err(refused("Branch or tag not found")) };
        if subject.contains("[skip ci]") {
            // It answers well, and begins nothing.
            return Ok(Good::json(json!({"message": "Pipeline was not created: the commit says [skip ci]."})));
        }
        let spec = pushed(project.next_number(), branch.as_deref(), tag.as_deref(), &commit, &by);
        project.begin(&spec, now, start);
        let made = project.pipelines.last().ok_or_else(|| missing("Pipeline"))?;
        let said =
            json!({"id": made.id, "state": "pending", "number": made.spec.number, "created_at": wire::time(now)});
        Ok(Good::with(StatusCode::CREATED, Some(said)))
    }

    /// `/api/v3`: everything of it that is asked for reads.
    fn third(&self, request: &Request<Bytes>, path: &[&str]) -> Outcome {
        match (request.method(), path) {
            (&Method::GET, ["users"]) => {
                let user = &self.spec.user;
                let one = json!({"id": uuid(&["user", user]), "attributes": {"name": user, "login": user}});
                Ok(Good::json(json!({"data": [one], "page": {"next": null, "prev": null}})))
            }
            (&Method::POST, ["runs", "search"]) => self.search(request),
            (&Method::GET, ["jobs", id]) => {
                let found = self.workflows().find_map(|(project, pipeline, workflow)| {
                    let job = workflow.jobs.iter().find(|job| job.id == *id)?;
                    Some(wire::detail(project, pipeline, workflow, job))
                });
                found.map(Good::json).ok_or_else(|| missing("Job"))
            }
            _ => Err(missing("Endpoint")),
        }
    }

    fn search(&self, request: &Request<Bytes>) -> Outcome {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let limit = body.pointer("/page/limit").and_then(Value::as_u64).unwrap_or(10);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if limit > PAGE {
            return Err(refused("Invalid page size"));
        }
        let ids: Vec<&str> = body
            .pointer("/scope/project_ids")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if ids.iter().any(|id| !self.visible().any(|one| one.id == *id)) {
            return Err(Refused::new(StatusCode::FORBIDDEN, "Forbidden"));
        }
        let filter = body.get("filter").and_then(Value::as_str).unwrap_or_default();
        let wanted = filter.strip_prefix("pipeline.status == \"").and_then(|rest| rest.strip_suffix('"'));
        let passes = |pipeline: &Pipeline| wanted.is_none_or(|wanted| wire::status(pipeline) == wanted);
        let mut all: Vec<_> =
            self.pipelines().filter(|(project, one)| ids.contains(&project.id.as_str()) && passes(one)).collect();
        all.sort_by_key(|(_, one)| std::cmp::Reverse((one.created, one.spec.number)));
        let from = body.pointer("/page/cursor").and_then(Value::as_str).and_then(|text| text.parse::<usize>().ok());
        let from = from.unwrap_or_default();
        let next = (from + limit < all.len()).then(|| (from + limit).to_string());
        let data: Vec<Value> =
            all.into_iter().skip(from).take(limit).map(|(project, one)| wire::run(project, one)).collect();
        Ok(Good::json(json!({"data": data, "page": {"next": next, "prev": null}})))
    }

    /// What a step wrote, from the byte on that is asked for; `None` where something else is asked for.
    fn output(&self, now: Timestamp, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let path = parts(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let ["api", "v3", "jobs", id, stream @ ("stdout" | "stderr")] = path.as_slice() else { return None };
        if !self.spec.v3 || request.method() != Method::GET {
            return None;
        }
        let step = query(request, "filter[step_num]")?.parse().ok()?;
        let job: &Job = self.workflows().flat_map(|(.., workflow)| &workflow.jobs).find(|job| job.id == *id)?;
        let (text, terminal) =
            if *stream == "stdout" { wire::stdout(job, step, now)? } else { (wire::stderr(job, step)?, true) };
        let asked = request.headers().get(header::RANGE).and_then(|range| range.to_str().ok());
        let from = asked.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        let mut response = plain(StatusCode::OK, text.get(from.unwrap_or_default()..).unwrap_or_default());
        if terminal {
            set(response.headers_mut(), "x-terminal", "true");
        }
        Some(response)
    }
}
