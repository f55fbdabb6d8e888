//! The endpoints, and what every request passes: the limit, the token, its scopes.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    demo::{
        buildkite::{
            Buildkite,
            build::{Build, Pipeline, uuid},
            spec::BuildSpec,
            wire,
        },
        rest::{self, Good, Outcome, Refused, parts, plain, query, set},
        time::Offset,
    },
    domain::time::Timestamp,
};

/// What links to other pages begin with.
const API: &str = "https://api.buildkite.com";

fn missing(what: &str) -> Refused {
    Refused::new(StatusCode::NOT_FOUND, format!("No {what} found"))
}

fn refused(message: &str) -> Refused {
    Refused::new(StatusCode::UNPROCESSABLE_ENTITY, message)
}

/// An answer as it goes out.
fn sent(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", "application/json; charset=utf-8");
    response
}

/// Are the jobs and the pipeline of builds asked for?
fn shown(request: &Request<Bytes>) -> (bool, bool) {
    let is_left_out = |name: &str| query(request, name).as_deref() == Some("true");
    (!is_left_out("exclude_jobs"), !is_left_out("exclude_pipeline"))
}

impl Buildkite {
    /// The whole way of a request.
    pub(super) fn answer(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let minute = now.timestamp().div_euclid(60);
        let used = if self.minute.0 == minute { self.minute.1 + 1 } else { 1 };
        self.minute = (minute, used);
        let reset = 60 - now.timestamp().rem_euclid(60);
        let mut response = if used > self.limit {
            let message = format!(
                "You have exceeded your API rate limit. Please wait {reset} seconds before making more requests."
            );
            let (limit, scope) = (self.limit, "rest_user");
            let body = json!({"message": message, "scope": scope, "limit": limit, "current": used, "reset": reset});
            sent(StatusCode::TOO_MANY_REQUESTS, &body)
        } else if let Some(log) = self.log(now, request) {
            log
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
        let left = self.limit.saturating_sub(used);
        for (name, value) in [("remaining", left), ("limit", self.limit), ("reset", reset.unsigned_abs())] {
            set(response.headers_mut(), &format!("ratelimit-user-{name}"), &value.to_string());
        }
        response
    }

    fn knows(&self, request: &Request<Bytes>) -> bool {
        let given = request.headers().get(header::AUTHORIZATION);
        given.is_none_or(|given| given.as_bytes() == self.token.as_bytes())
    }

    fn allow(&self, scope: &str) -> Result<(), Refused> {
        let allowed = self.scopes.iter().any(|known| known == scope);
        if allowed { Ok(()) } else { Err(Refused::new(StatusCode::FORBIDDEN, "Forbidden")) }
    }

    fn route(&mut self, now: Timestamp, request: &Request<Bytes>) -> Outcome {
        if !self.knows(request) {
            let text = "Authentication required. Please supply a valid API Access Token";
            return Err(Refused::new(StatusCode::UNAUTHORIZED, text));
        }
        let path = parts(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let get = request.method() == Method::GET;
        match path.as_slice() {
            ["v2", "access-token"] if get => Ok(Good::json(self.token())),
            ["v2", "organizations", of, rest @ ..] if self.pipelines.iter().any(|one| one.organization == *of) => {
                match rest {
                    rest if get => self.read(request, of, rest),
                    ["pipelines", slug, "builds"] if request.method() == Method::POST => {
                        self.allow("write_builds")?;
                        self.begin(now, request, &format!("{of}/{slug}"))
                    }
                    ["pipelines", slug, "builds", number, rest @ ..] if request.method() == Method::PUT => {
                        self.allow("write_builds")?;
                        self.change(now, request, (&format!("{of}/{slug}"), *number), rest)
                    }
                    _ => Err(missing("endpoint")),
                }
            }
            _ => Err(missing("organization")),
        }
    }

    fn token(&self) -> Value {
        json!({
            "uuid": uuid(&["token", &self.user]),
            "scopes": self.scopes,
            "description": "on call",
            "created_at": "2026-01-01 00:00:00 UTC",
            "expires_at": null,
            "user": {"email": format!("{}@example.com", self.user), "name": self.user},
        })
    }

    fn read(&self, request: &Request<Bytes>, of: &str, path: &[&str]) -> Outcome {
        if path == ["agents"] {
            self.allow("read_agents")?;
            return Ok(Good::json(self.agents.iter().map(|agent| wire::agent(agent, of)).collect::<Vec<_>>().into()));
        }
        self.allow("read_builds")?;
        let mut all = self.pipelines.iter().filter(|pipeline| pipeline.organization == of);
        match path {
            ["builds"] => Ok(list(request, all)),
            ["pipelines", slug, "builds", rest @ ..] => {
                let pipeline = all.find(|pipeline| pipeline.slug == *slug).ok_or_else(|| missing("pipeline"))?;
                let build = |number: &str| pipeline.builds.iter().find(|build| build.number.to_string() == number);
                match rest {
                    [] => Ok(list(request, [pipeline].into_iter())),
                    [number] => {
                        let build = build(number).ok_or_else(|| missing("build"))?;
                        Ok(Good::json(wire::build(pipeline, build, shown(request))))
                    }
                    [number, "jobs", ..] => Err(missing(if build(number).is_some() { "job" } else { "build" })),
                    _ => Err(missing("endpoint")),
                }
            }
            _ => Err(missing("endpoint")),
        }
    }

    /// The log of a job, or the end of it where only that is asked for; `None` where something else is asked for.
    fn log(&self, now: Timestamp, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let path = parts(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let ["v2", "organizations", of, "pipelines", slug, "builds", number, "jobs", id, "log"] = path.as_slice()
        else {
            return None;
        };
        if !self.knows(request) || request.method() != Method::GET {
            return None;
        }
        if self.allow("read_build_logs").is_err() {
            return Some(sent(StatusCode::FORBIDDEN, &json!({"message": "Forbidden"})));
        }
        let pipeline = self.pipelines.iter().find(|pipeline| pipeline.is(&format!("{of}/{slug}")))?;
        let build = pipeline.builds.iter().find(|build| build.number.to_string() == *number)?;
        let text = wire::log(build.jobs.iter().find(|job| job.id == *id)?, now);
        let asked = request.headers().get(header::RANGE).and_then(|range| range.to_str().ok());
        let Some((from, last)) = asked.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
            return Some(plain(StatusCode::OK, &text));
        };
        let from = match (from.parse::<usize>(), last.parse::<usize>()) {
            (Ok(from), _) => from,
            (Err(_), Ok(last)) => text.len().saturating_sub(last),
            (Err(_), Err(_)) => return Some(plain(StatusCode::OK, &text)),
        };
        if from >= text.len() {
            return Some(plain(StatusCode::RANGE_NOT_SATISFIABLE, ""));
        }
        let mut response = plain(StatusCode::PARTIAL_CONTENT, text.get(from..).unwrap_or_default());
        let range = format!("bytes {from}-{}/{}", text.len() - 1, text.len());
        set(response.headers_mut(), "content-range", &range);
        Some(response)
    }

    fn change(
        &mut self,
        now: Timestamp,
        request: &Request<Bytes>,
        (name, number): (&str, &str),
        verb: &[&str],
    ) -> Outcome {
        let user = self.user.clone();
        let pipeline = self.pipeline(name).map_err(|_| missing("pipeline"))?;
        let next = pipeline.next_number();
        let build = pipeline.builds.iter_mut().find(|build| build.number.to_string() == number);
        let build = build.ok_or_else(|| missing("build"))?;
        let mut told = build.number;
        match verb {
            ["cancel"] if build.cancel(now) => {}
            // Only that it says why is documented, not in which words.
            ["cancel"] => return Err(refused("Build can't be canceled because it's already finished.")),
            ["rebuild"] => {
                let (message, branch, commit) = (build.message.clone(), build.branch.clone(), build.commit.clone());
                let (from, started) = (Some(build.number), Offset::default());
                let (creator, pace, trouble) = (user, 100, None);
                let spec = BuildSpec { number: next, message, branch, commit, creator, started, pace, trouble };
                pipeline.begin(&spec, now, from);
                told = next;
            }
            ["jobs", id, "retry"] => {
                // Only that it says why is documented, not in which words.
                let again = build.retry(now, id).ok_or_else(|| refused("This job can't be retried"))?;
                let job = build.jobs.iter().find(|job| job.id == again).ok_or_else(|| missing("job"))?;
                let answer = wire::job(("", ""), build, job);
                self.revision += 1;
                return Ok(Good::json(answer));
            }
            ["jobs", id, "unblock"] => return self.unblock(now, request, (name, told), id),
            _ => return Err(missing("endpoint")),
        }
        self.revision += 1;
        let pipeline = self.pipeline(name).map_err(|_| missing("pipeline"))?;
        let build = pipeline.builds.iter().find(|build| build.number == told).ok_or_else(|| missing("build"))?;
        Ok(Good::json(wire::build(pipeline, build, (true, true))))
    }

    /// A new build, at the branch and commit that are asked for.
    fn begin(&mut self, now: Timestamp, request: &Request<Bytes>, name: &str) -> Outcome {
        let creator = self.user.clone();
        let pipeline = self.pipeline(name).map_err(|_| missing("pipeline"))?;
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let said = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let wanted = |name: &str| said(name).ok_or_else(|| refused(&format!("{name} is missing")));
        let (branch, commit) = (wanted("branch")?, wanted("commit")?);
        let known = |build: &&Build| build.branch == branch;
        let commit = match commit.as_str() {
            "HEAD" => pipeline.builds.iter().rev().find(known).map_or(commit, |build| build.commit.clone()),
            _ => commit,
        };
        let (number, message) = (pipeline.next_number(), said("message").unwrap_or_else(|| commit.clone()));
        let spec = BuildSpec {
            number,
            message,
            branch,
            commit,
            creator,
            started: Offset::default(),
            pace: 100,
            trouble: None,
        };
        pipeline.begin(&spec, now, None);
        self.revision += 1;
        let pipeline = self.pipeline(name).map_err(|_| missing("pipeline"))?;
        let build = pipeline.builds.iter().find(|build| build.number == number).ok_or_else(|| missing("build"))?;
        Ok(Good::with(StatusCode::CREATED, Some(wire::build(pipeline, build, (true, true)))))
    }

    fn unblock(&mut self, now: Timestamp, request: &Request<Bytes>, (name, number): (&str, u64), id: &str) -> Outcome {
        let user = self.user.clone();
        let build = self.build(name, number).map_err(|_| missing("build"))?;
        let job = build.jobs.iter().find(|job| job.id == id).ok_or_else(|| missing("job"))?;
        if !job.is_block() {
            return Err(Refused::new(StatusCode::BAD_REQUEST, "This job type cannot be unblocked"));
        }
        if build.state().0.starts_with("cancel") {
            return Err(refused("Jobs from canceled builds cannot be unblocked"));
        }
        if !build.unblock(now, id, &user) {
            // Only that it says why is documented, not in which words.
            return Err(refused("This job cannot be unblocked now"));
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let said = body.get("fields").and_then(Value::as_object).into_iter().flatten();
        build.kept.extend(said.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))));
        let job = build.jobs.iter().find(|job| job.id == id).ok_or_else(|| missing("job"))?;
        let answer = wire::job(("", ""), build, job);
        self.revision += 1;
        Ok(Good::json(answer))
    }
}

/// The builds of these pipelines, newest first, as far as the query's filter lets them pass: the page that is asked for.
fn list<'a>(request: &Request<Bytes>, pipelines: impl Iterator<Item = &'a Pipeline>) -> Good {
    let asked = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let states = asked.filter(|(key, _)| key == "state" || key == "state[]").map(|(_, state)| state.into_owned());
    let states: Vec<String> = states.collect();
    let passes = |build: &Build| {
        let (state, blocked) = build.state();
        states.is_empty() || states.iter().any(|wanted| wanted == if blocked { "blocked" } else { state })
    };
    let all = pipelines.flat_map(|pipeline| pipeline.builds.iter().map(move |build| (pipeline, build)));
    let mut all: Vec<_> = all.filter(|(_, build)| passes(build)).collect();
    all.sort_by_key(|(pipeline, build)| std::cmp::Reverse((build.created, &pipeline.slug, build.number)));
    let all = all.into_iter().map(|(pipeline, build)| wire::build(pipeline, build, shown(request))).collect();
    rest::page(API, request, None, all)
}
