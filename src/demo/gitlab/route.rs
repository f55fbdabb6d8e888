//! The endpoints, and what every request passes: the limit, the token, its scopes, the role in a project.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    demo::{
        gitlab::{
            Gitlab, Project,
            pipeline::{Approval, Job, Pipeline},
            pushed,
            wire::{self, WEB, user},
        },
        rest::{self, Good, Outcome, Refused, parts, plain, query, set},
    },
    domain::time::Timestamp,
};

/// Why something is not there, as GitLab says it.
fn missing(what: &str) -> Refused {
    Refused::new(StatusCode::NOT_FOUND, format!("404 {what}Not Found"))
}

fn refused(message: &str) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, message)
}

fn forbidden() -> Refused {
    Refused::new(StatusCode::FORBIDDEN, "403 Forbidden")
}

/// An answer as it goes out.
fn sent(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", "application/json");
    response
}

impl Gitlab {
    /// The whole way of a request.
    pub(super) fn answer(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let minute = now.timestamp().div_euclid(60);
        let used = if self.minute.0 == minute { self.minute.1 + 1 } else { 1 };
        self.minute = (minute, used);
        let (limit, reset) = (self.spec.rate_limit, (minute + 1) * 60);
        let mut response = if used > limit {
            let mut response = plain(StatusCode::TOO_MANY_REQUESTS, "Retry later\n");
            set(response.headers_mut(), "retry-after", &(reset - now.timestamp()).to_string());
            response
        } else if !self.knows(request) {
            sent(StatusCode::UNAUTHORIZED, &json!({"message": "401 Unauthorized"}))
        } else if self.lacks(request) {
            let text = "The request requires higher privileges than provided by the access token.";
            sent(
                StatusCode::FORBIDDEN,
                &json!({"error": "insufficient_scope", "error_description": text, "scope": "api"}),
            )
        } else if let Some(trace) = self.trace(now, request) {
            trace
        } else {
            match self.route(now, request) {
                Ok(Good { status, body, headers, .. }) => {
                    let mut response = sent(status, &body.unwrap_or_default());
                    response.headers_mut().extend(headers);
                    response
                }
                Err(Refused { status, message }) => sent(status, &json!({ "message": message })),
            }
        };
        let left = limit.saturating_sub(used);
        for (name, value) in
            [("limit", limit), ("observed", used), ("remaining", left), ("reset", reset.unsigned_abs())]
        {
            set(response.headers_mut(), &format!("ratelimit-{name}"), &value.to_string());
        }
        response
    }

    /// Tokens come in either header; who brings none may come in.
    fn knows(&self, request: &Request<Bytes>) -> bool {
        let headers = request.headers();
        let own = headers.get("private-token").map(header::HeaderValue::as_bytes);
        let bearer = headers.get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
        let bearer = bearer.map(|value| value.strip_prefix(b"Bearer ").unwrap_or(value));
        own.or(bearer).is_none_or(|token| token == self.spec.token.as_bytes())
    }

    /// Does it change something, and may the token only look?
    fn lacks(&self, request: &Request<Bytes>) -> bool {
        let asks = request.method() == Method::GET || request.uri().path().ends_with("/graphql");
        !asks && !self.spec.scopes.iter().any(|scope| scope == "api")
    }

    fn route(&mut self, now: Timestamp, request: &Request<Bytes>) -> Outcome {
        let path = parts(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let get = request.method() == Method::GET;
        match path.as_slice() {
            ["api", "graphql"] if request.method() == Method::POST => Ok(self.graphql(request)),
            ["api", "v4", "user"] if get => Ok(Good::json(user(&self.spec.user))),
            ["api", "v4", "version"] if get => Ok(Good::json(json!({"version": "18.5.0-ee", "revision": "0"}))),
            ["api", "v4", "personal_access_tokens", "self"] if get => Ok(Good::json(self.token())),
            ["api", "v4", "groups", group, "projects"] if get => self.of_group(request, group),
            ["api", "v4", "groups", group, "variables"] if get => match self.spec.groups.get(*group) {
                Some(all) => Ok(rest::page(WEB, request, None, all.iter().map(wire::variable).collect())),
                None => Err(forbidden()),
            },
            ["api", "v4", "projects"] if get => {
                Ok(rest::page(WEB, request, None, self.visible().map(wire::project).collect()))
            }
            ["api", "v4", "projects", named, rest @ ..] if get => self.read(request, self.project(named)?, rest),
            ["api", "v4", "projects", named, rest @ ..] if request.method() == Method::POST => {
                let path = self.project(named)?.spec.path.clone();
                self.change(now, request, &path, rest)
            }
            _ => Err(missing("")),
        }
    }

    /// A project by its path or number; one that may not be seen is not there.
    fn project(&self, named: &str) -> Result<&Project, Refused> {
        let found = self.visible().find(|project| project.spec.path == named || project.id.to_string() == named);
        found.ok_or_else(|| missing("Project "))
    }

    fn token(&self) -> Value {
        json!({
            "id": 42,
            "name": "on call",
            "revoked": false,
            "created_at": "2026-01-01T00:00:00.000Z",
            "description": null,
            "scopes": self.spec.scopes,
            "user_id": 7,
            "last_used_at": null,
            "active": true,
            "expires_at": self.spec.expires,
        })
    }

    fn of_group(&self, request: &Request<Bytes>, group: &str) -> Outcome {
        let below =
            |project: &&Project| project.spec.path.strip_prefix(group).is_some_and(|rest| rest.starts_with('/'));
        let all: Vec<Value> = self.visible().filter(below).map(wire::project).collect();
        if all.is_empty() { Err(missing("Group ")) } else { Ok(rest::page(WEB, request, None, all)) }
    }

    fn read(&self, request: &Request<Bytes>, project: &Project, path: &[&str]) -> Outcome {
        let list = |all: Vec<Value>| Ok(rest::page(WEB, request, None, all));
        let of = |id: &str| {
            let found = project.pipelines.iter().find(|one| one.spec.id.to_string() == id);
            found.ok_or_else(|| missing(""))
        };
        match path {
            [] => Ok(Good::json(wire::project(project))),
            ["variables" | "freeze_periods" | "runners"] if project.spec.access < 40 => Err(forbidden()),
            ["runners"] => {
                let tags = query(request, "tag_list").unwrap_or_default();
                let tags: Vec<String> = tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
                let fitting = self.spec.runners.iter().zip(1..).filter(|(runner, _)| runner.has(&tags));
                list(fitting.map(|(runner, id)| wire::runner(runner, id)).collect())
            }
            ["variables"] => list(project.spec.variables.iter().map(wire::variable).collect()),
            ["freeze_periods"] => list(project.spec.freezes.iter().zip(1_u64..).map(freeze).collect()),
            ["pipelines"] => {
                list(project.pipelines.iter().rev().map(|one| wire::pipeline(project, one).into()).collect())
            }
            ["pipelines", id] => Ok(Good::json(wire::whole(project, of(id)?))),
            ["pipelines", id, "test_report"] => Ok(Good::json(wire::tests(of(id)?))),
            ["pipelines", id, "jobs"] => {
                let one = of(id)?;
                let jobs = one.latest().filter(|job| job.spec.trigger.is_none());
                list(jobs.map(|job| wire::job(project, one, job)).collect())
            }
            ["pipelines", id, "bridges"] => {
                let one = of(id)?;
                let bridges = one.latest().filter(|job| job.spec.trigger.is_some());
                list(bridges.map(|job| wire::bridge(project, one, job, self.begun_by(job))).collect())
            }
            ["jobs", id] => {
                let (one, job) = job(project, id)?;
                Ok(Good::json(wire::job(project, one, job)))
            }
            ["environments"] => {
                list(wire::environments(project).iter().map(|name| environment(project, name)).collect())
            }
            ["deployments"] => {
                let wanted = |name: &str, value: &str| query(request, name).is_none_or(|wanted| wanted == value);
                let all = wire::deployments(project).into_iter().filter(|(_, job)| {
                    wanted("status", job.deployed())
                        && wanted("environment", job.spec.environment.as_deref().unwrap_or_default())
                });
                list(all.filter_map(|(one, job)| wire::deployment(project, one, job, false)).collect())
            }
            ["deployments", id] => {
                let (one, job) = deployed(project, id)?;
                wire::deployment(project, one, job, true).map(Good::json).ok_or_else(|| missing(""))
            }
            ["repository", "compare"] => compare(request, project),
            _ => Err(missing("")),
        }
    }

    fn begun_by(&self, job: &Job) -> Option<(&Project, &Pipeline)> {
        let project = self.projects.iter().find(|project| Some(&project.spec.path) == job.spec.trigger.as_ref())?;
        Some((project, project.pipelines.iter().find(|one| Some(one.spec.id) == job.began)?))
    }

    /// What a job wrote; `None` where something else is asked for.
    fn trace(&self, now: Timestamp, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let path = parts(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let ["api", "v4", "projects", named, "jobs", id, "trace"] = path.as_slice() else { return None };
        let (_, job) = job(self.project(named).ok()?, id).ok()?;
        let text = wire::trace(job, now);
        if text.is_empty() { None } else { Some(plain(StatusCode::OK, &text)) }
    }

    fn change(&mut self, now: Timestamp, request: &Request<Bytes>, path: &str, verb: &[&str]) -> Outcome {
        let who = self.spec.user.clone();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let said = |name: &str| body.get(name).and_then(Value::as_str);
        let Self { projects, ids, .. } = self;
        let project = projects.iter_mut().find(|one| one.spec.path == path).ok_or_else(|| missing("Project "))?;
        if project.spec.access < 30 {
            return Err(forbidden());
        }
        let created = |value: Value| Good::with(StatusCode::CREATED, Some(value));
        let good = match verb {
            ["deployments", id, "approval"] => approve(project, now, id, &who, (said("status"), said("comment")))?,
            ["jobs", id, "play"] => {
                let number = of_job(project, id)?;
                let job_id: u64 = id.parse().map_err(|_| missing(""))?;
                let one = project.pipeline(number).map_err(|_| missing(""))?;
                if !one.play(now, job_id) {
                    return Err(refused("400 Bad request - Unplayable Job"));
                }
                Good::json(told(project, id)?)
            }
            ["jobs", id, "retry"] => {
                let (number, allowed) = (of_job(project, id)?, project.spec.rollback);
                let job_id: u64 = id.parse().map_err(|_| missing(""))?;
                let newest = project.pipelines.iter().map(|one| one.spec.id).max() == Some(number);
                let one = project.pipeline(number).map_err(|_| missing(""))?;
                let deploys = one.job(job_id).is_some_and(|job| job.deployment.is_some());
                if deploys && !allowed && !newest {
                    return Err(forbidden());
                }
                let made = one
                    .retry(now, job_id, ids)
                    .ok_or_else(|| Refused::new(StatusCode::FORBIDDEN, "403 Forbidden - Job is not retryable"))?;
                created(told(project, &made.to_string())?)
            }
            ["jobs", id, "cancel"] => {
                let number = of_job(project, id)?;
                project.pipeline(number).map_err(|_| missing(""))?.cancel(now);
                created(told(project, id)?)
            }
            ["pipelines", id, what @ ("retry" | "cancel")] => {
                let number: u64 = id.parse().map_err(|_| missing(""))?;
                let one = project.pipeline(number).map_err(|_| missing(""))?;
                if *what == "retry" {
                    one.retry_all(now, ids);
                } else {
                    one.cancel(now);
                }
                let one = project.pipelines.iter().find(|one| one.spec.id == number).ok_or_else(|| missing(""))?;
                // Whatever the pipeline does, it says that all is well.
                Good::with(
                    if *what == "retry" { StatusCode::CREATED } else { StatusCode::OK },
                    Some(wire::whole(project, one)),
                )
            }
            ["pipeline"] => {
                let reference = said("ref").ok_or_else(|| refused("ref is missing"))?;
                let known = project.pipelines.iter().rev().find(|one| one.spec.reference == reference);
                let commit = known.map(|one| one.spec.commit.clone()).ok_or_else(|| refused("Reference not found"))?;
                let spec = pushed(project.next_id(), reference, &commit, &who);
                project.begin(&spec, now, ids);
                let one = project.pipelines.last().ok_or_else(|| missing(""))?;
                created(wire::whole(project, one))
            }
            _ => return Err(missing("")),
        };
        self.revision += 1;
        Ok(good)
    }
}

/// A job of a project, as it is told.
fn told(project: &Project, id: &str) -> Result<Value, Refused> {
    let (one, job) = job(project, id)?;
    Ok(wire::job(project, one, job))
}

fn job<'a>(project: &'a Project, id: &str) -> Result<(&'a Pipeline, &'a Job), Refused> {
    let mut all = project.pipelines.iter().flat_map(|one| one.jobs.iter().map(move |job| (one, job)));
    all.find(|(_, job)| job.id.to_string() == id).ok_or_else(|| missing(""))
}

/// The pipeline of a job.
fn of_job(project: &Project, id: &str) -> Result<u64, Refused> {
    job(project, id).map(|(one, _)| one.spec.id)
}

fn deployed<'a>(project: &'a Project, id: &str) -> Result<(&'a Pipeline, &'a Job), Refused> {
    let is_it = |job: &Job| job.deployment.as_ref().is_some_and(|deployment| deployment.id.to_string() == id);
    wire::deployments(project).into_iter().find(|(_, job)| is_it(job)).ok_or_else(|| missing(""))
}

/// Somebody says yes or no to a deployment, in the words in which GitLab refuses
/// (its `ee/spec/services/deployments/approval_service_spec.rb`).
fn approve(
    project: &mut Project,
    now: Timestamp,
    id: &str,
    who: &str,
    (status, comment): (Option<&str>, Option<&str>),
) -> Outcome {
    let word = match status {
        Some("approved") => "approved",
        Some("rejected") => "rejected",
        _ => return Err(refused("Unrecognized approval status.")),
    };
    let (one, job) = deployed(project, id)?;
    if job.rules.is_empty() {
        return Err(refused("This environment is not protected."));
    }
    if job.deployed() != "blocked" {
        return Err(refused("This deployment is not waiting for approvals."));
    }
    if !job.rules.iter().any(|rule| rule.members.iter().any(|member| member == who)) {
        let text = "You don't have permission to approve this deployment. Contact the project or group owner for help.";
        return Err(refused(text));
    }
    if word == "approved" && one.spec.user == who && !project.spec.own_approval {
        let text = "You cannot approve your own deployment. This configuration can be adjusted in the protected environment settings.";
        return Err(refused(text));
    }
    let (number, id) = (one.spec.id, job.id);
    let approval = Approval { by: who.to_owned(), word, comment: comment.map(str::to_owned), at: now };
    let told = wire::approval(&approval);
    project.pipeline(number).map_err(|_| missing(""))?.say(now, id, approval);
    Ok(Good::with(StatusCode::CREATED, Some(told)))
}

fn freeze((spec, id): (&crate::demo::gitlab::spec::FreezeSpec, u64)) -> Value {
    json!({
        "id": id,
        "freeze_start": spec.start,
        "freeze_end": spec.end,
        "cron_timezone": spec.zone,
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
    })
}

fn environment(project: &Project, name: &str) -> Value {
    json!({
        "id": wire::environment_id(project, name),
        "name": name,
        "slug": name.replace('/', "-"),
        "external_url": null,
        "state": "available",
        "tier": if name.starts_with("prod") { "production" } else { "staging" },
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
    })
}

/// What lies between two commits: those of the pipelines between them, in their order.
fn compare(request: &Request<Bytes>, project: &Project) -> Outcome {
    let place = |name: &str| {
        let commit = query(request, name).unwrap_or_default();
        project.pipelines.iter().position(|one| one.spec.commit == commit).ok_or_else(|| missing("Ref "))
    };
    let (from, to) = (place("from")?, place("to")?);
    let between: Vec<&Pipeline> = project.pipelines.iter().skip(from + 1).take(to.saturating_sub(from)).collect();
    let files = between.iter().flat_map(|one| &one.spec.files);
    let diffs: Vec<Value> =
        files.map(|file| json!({"old_path": file, "new_path": file, "diff": "@@ -1 +1 @@\n-a\n+b\n"})).collect();
    let commits: Vec<Value> = between.iter().map(|one| wire::commit(one)).collect();
    let newest = commits.last().cloned().unwrap_or_default();
    Ok(Good::json(
        json!({"commit": newest, "commits": commits, "diffs": diffs, "compare_timeout": false, "compare_same_ref": from == to}),
    ))
}
