//! The endpoints, and what every request passes: who asks, and the crumb that a write brings.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    demo::{
        jenkins::{
            Jenkins,
            build::{Build, Job, Why},
            spec::{BuildSpec, Plugin},
            tree::Tree,
            wire,
        },
        rest::{parts, plain, query, set},
        time::Offset,
    },
    domain::time::Timestamp,
};

/// The version that it says to be.
const VERSION: &str = "2.528.2";
/// The crumb, the header that carries it, and the session that it belongs to.
const CRUMB: (&str, &str) = ("Jenkins-Crumb", "c0ffee");
const SESSION: &str = "JSESSIONID.demo=s1";

/// What an endpoint says.
type Outcome = Result<Response<Bytes>, Refused>;
/// A refusal.
type Refused = Box<Response<Bytes>>;

/// A refusal as Jenkins writes it: a page.
fn page(status: StatusCode, text: &str) -> Refused {
    let body = format!("<html><head><title>Error {} {text}</title></head><body>{text}</body></html>", status.as_u16());
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", "text/html;charset=utf-8");
    Box::new(response)
}

fn missing() -> Refused {
    page(StatusCode::NOT_FOUND, "Not Found")
}

/// A failure that says why in a header of its own.
fn failure(text: &str) -> Refused {
    let mut response = page(StatusCode::BAD_REQUEST, "Error");
    set(response.headers_mut(), "x-error", text);
    response
}

fn json(body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    set(response.headers_mut(), "content-type", "application/json;charset=utf-8");
    response
}

/// Done, and where to look next.
fn sent_on(status: StatusCode, to: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    set(response.headers_mut(), "location", to);
    response
}

fn done() -> Response<Bytes> {
    Response::new(Bytes::new())
}

/// The fields of a form, in its body or in the query.
fn form(request: &Request<Bytes>) -> BTreeMap<String, String> {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let all = form_urlencoded::parse(query).chain(form_urlencoded::parse(request.body()));
    all.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// The answers of a form: `json={"parameter":[{"name":…,"value":…}]}`.
fn answers(form: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let whole: Value = form.get("json").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let all = whole.get("parameter").and_then(Value::as_array).into_iter().flatten();
    let one = |item: &Value| {
        let value = item.get("value")?;
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some((item.get("name")?.as_str()?.to_owned(), value))
    };
    all.filter_map(one).collect()
}

impl Jenkins {
    /// The whole way of a request.
    pub(super) fn answer(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let mut response = match self.route(now, request) {
            Ok(response) => response,
            Err(response) => *response,
        };
        set(response.headers_mut(), "x-jenkins", VERSION);
        response
    }

    fn route(&mut self, now: Timestamp, request: &Request<Bytes>) -> Outcome {
        let token = self.signs_in(request)?;
        let mut path = parts(request);
        path.retain(|part| !part.is_empty());
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if request.method() == Method::POST {
            if self.spec.crumbs && !token && !has_crumb(request) {
                return Err(page(StatusCode::FORBIDDEN, "No valid crumb was included in the request"));
            }
            let done = self.write(now, request, &path)?;
            self.revision += 1;
            return Ok(done);
        }
        match path.as_slice() {
            ["whoAmI", "api", "json"] => Ok(json(&filtered(request, self.whoami()))),
            ["me", "api", "json"] => Ok(json(&json!({"id": self.spec.user, "fullName": self.spec.user}))),
            ["crumbIssuer", "api", "json"] if self.spec.crumbs => {
                let mut response = json(&json!({"crumb": CRUMB.1, "crumbRequestField": CRUMB.0}));
                set(response.headers_mut(), "set-cookie", &format!("{SESSION}; Path=/; HttpOnly"));
                Ok(response)
            }
            ["computer", "api", "json"] => Ok(json(&filtered(request, self.computers()))),
            ["queue", "item", id, "api", "json"] => {
                let found = id.parse().ok().and_then(|id: u64| Some((id, self.queue.get(&id)?)));
                let (id, item) = found.ok_or_else(missing)?;
                let job = self.jobs.get(item.job).ok_or_else(missing)?;
                Ok(json(&filtered(request, wire::item(id, item, job))))
            }
            [] => Ok(plain(StatusCode::OK, "Jenkins")),
            ["api", "json"] => Ok(json(&filtered(request, self.folder("", now)))),
            path => self.read(now, request, path),
        }
    }

    /// Does whoever asks bring the API token? Whoever brings another one is nobody.
    fn signs_in(&self, request: &Request<Bytes>) -> Result<bool, Refused> {
        let Some(given) = request.headers().get(header::AUTHORIZATION) else { return Ok(false) };
        let own = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.spec.user, self.spec.token)));
        if given.as_bytes() == own.as_bytes() { Ok(true) } else { Err(page(StatusCode::UNAUTHORIZED, "Unauthorized")) }
    }

    fn whoami(&self) -> Value {
        let groups: Vec<&str> = self.spec.groups.iter().map(String::as_str).chain(["authenticated"]).collect();
        json!({"_class": "hudson.security.WhoAmI", "name": self.spec.user, "anonymous": false, "authenticated": true, "authorities": groups})
    }

    fn has(&self, plugin: Plugin) -> bool {
        self.spec.plugins.contains(&plugin)
    }

    /// What everything is busy with.
    fn computers(&self) -> Value {
        let all = self.jobs.iter().flat_map(|job| job.builds.iter().map(move |build| (job, build)));
        let busy = all.filter(|(_, build)| !build.is_over()).map(|(job, build)| {
            let number = build.spec.number;
            let url = format!("{}{number}/", wire::url(&job.spec.name));
            json!({"currentExecutable": {"number": number, "url": url}})
        });
        let busy: Vec<Value> = busy.collect();
        json!({"computer": [{"displayName": "Built-In Node", "executors": [], "oneOffExecutors": busy}]})
    }

    /// A folder with what lies in it.
    fn folder(&self, name: &str, now: Timestamp) -> Value {
        let below = if name.is_empty() { String::new() } else { format!("{name}/") };
        let inside = self.jobs.iter().filter(|job| job.spec.name.starts_with(&below));
        let names: BTreeSet<&str> =
            inside.clone().filter_map(|job| job.spec.name.get(below.len()..)?.split('/').next()).collect();
        let is_multibranch = inside
            .clone()
            .any(|job| job.spec.is_branch && job.spec.name.rsplit_once('/').is_some_and(|(above, _)| above == name));
        let each = names.into_iter().map(|last| {
            let whole = format!("{below}{last}");
            match self.jobs.iter().find(|job| job.spec.name == whole) {
                Some(job) => wire::job(job, now, self.has(Plugin::ExportedInputs)),
                None => self.folder(&whole, now),
            }
        });
        wire::folder(name, is_multibranch, &each.collect::<Vec<_>>())
    }

    /// The job, and what of it is meant: what stands behind its name.
    fn job<'p>(&self, path: &'p [&'p str]) -> Option<(usize, &'p [&'p str])> {
        let mut name = String::new();
        let mut rest = path;
        while let ["job", part, behind @ ..] = rest {
            name = if name.is_empty() { (*part).to_owned() } else { format!("{name}/{part}") };
            rest = behind;
        }
        self.jobs.iter().position(|job| job.spec.name == name).map(|place| (place, rest))
    }

    fn read(&self, now: Timestamp, request: &Request<Bytes>, path: &[&str]) -> Outcome {
        let exports = self.has(Plugin::ExportedInputs);
        let Some((place, rest)) = self.job(path) else {
            let names: Vec<&str> = path.iter().skip(1).step_by(2).copied().collect();
            let is_folder =
                path.len() > 3 && path.iter().step_by(2).take(names.len().saturating_sub(1)).all(|part| *part == "job");
            let name = names.get(..names.len().saturating_sub(1)).unwrap_or_default().join("/");
            let ends = matches!(path, [.., "api", "json"]);
            let folder = self.folder(&name, now);
            let is_there =
                is_folder && ends && folder.get("jobs").and_then(Value::as_array).is_some_and(|jobs| !jobs.is_empty());
            return if is_there { Ok(json(&filtered(request, folder))) } else { Err(missing()) };
        };
        let job = self.jobs.get(place).ok_or_else(missing)?;
        if let ["api", "json"] = rest {
            return Ok(json(&filtered(request, wire::job(job, now, exports))));
        }
        // What people are sent to, whoever follows that.
        let [number, rest @ ..] = rest else { return Ok(plain(StatusCode::OK, &job.spec.name)) };
        let build = job.builds.iter().find(|build| build.spec.number.to_string() == *number).ok_or_else(missing)?;
        let wfapi = || if self.has(Plugin::Wfapi) { Ok(()) } else { Err(missing()) };
        match rest {
            ["api", "json"] => Ok(json(&filtered(request, wire::build(job, build, now, exports)))),
            [] => Ok(plain(StatusCode::OK, &format!("{} #{number}", job.spec.name))),
            ["testReport", "api", "json"] => {
                wire::tests(build).map(|report| json(&filtered(request, report))).ok_or_else(missing)
            }
            ["consoleText"] => Ok(plain(StatusCode::OK, &wire::console(build, now))),
            ["logText", "progressiveText"] => Ok(progressive(request, build, now)),
            ["wfapi"] | ["wfapi", "describe"] => wfapi().map(|()| json(&wire::describe(job, build, now))),
            ["wfapi", "pendingInputActions"] => wfapi().map(|()| json(&wire::pending(job, build).into())),
            ["execution", "node", id, "wfapi", "describe"] => {
                wfapi()?;
                wire::node(job, build, id, now).map(|node| json(&node)).ok_or_else(missing)
            }
            ["execution", "node", id, "wfapi", "log"] => {
                wfapi()?;
                wire::node_log(build, id, now).map(|log| json(&log)).ok_or_else(missing)
            }
            ["stages", "tree"] if self.has(Plugin::GraphView) => Ok(json(&wire::graph(build, now))),
            ["stages", "log"] if self.has(Plugin::GraphView) => {
                let id = query(request, "nodeId").and_then(|id| id.parse::<u64>().ok()).ok_or_else(missing)?;
                let log = wire::node_log(build, &(id + 1).to_string(), now).ok_or_else(missing)?;
                Ok(plain(StatusCode::OK, log.get("text").and_then(Value::as_str).unwrap_or_default()))
            }
            _ => Err(missing()),
        }
    }

    fn write(&mut self, now: Timestamp, request: &Request<Bytes>, path: &[&str]) -> Outcome {
        let (place, rest) = self.job(path).ok_or_else(missing)?;
        let form = form(request);
        match rest {
            ["build"] => self.dispatch(now, place, answers(&form)),
            ["buildWithParameters"] => self.dispatch_with_parameters(now, place, &form),
            [number, rest @ ..] => {
                let number: u64 = number.parse().map_err(|_| missing())?;
                self.change(now, (place, number), &form, rest)
            }
            [] => Err(missing()),
        }
    }

    /// A new build with these parameters, and no others.
    fn dispatch(&mut self, now: Timestamp, place: usize, given: BTreeMap<String, String>) -> Outcome {
        let job = self.jobs.get(place).ok_or_else(missing)?;
        let known = |name: &String| job.spec.parameters.iter().any(|one| one.name == *name);
        if let Some(odd) = given.keys().find(|name| !known(name)) {
            return Err(page(StatusCode::INTERNAL_SERVER_ERROR, &format!("No such parameter definition: {odd}")));
        }
        let last = job.builds.last().map(|build| build.spec.clone()).unwrap_or_default();
        let (name, trouble, about) = (given.get("VERSION").cloned(), None, None);
        let (failed, started) = (Vec::new(), Offset::default());
        let spec = BuildSpec { name, about, started, trouble, failed, given, ..last };
        let item = self.enqueue(place, spec, Why::User, now);
        Ok(sent_on(StatusCode::CREATED, &format!("https://ci.shop.example/queue/item/{item}/")))
    }

    /// The same, where what nobody names is as it is when nobody says anything.
    fn dispatch_with_parameters(&mut self, now: Timestamp, place: usize, form: &BTreeMap<String, String>) -> Outcome {
        let job = self.jobs.get(place).ok_or_else(missing)?;
        if job.spec.parameters.is_empty() {
            let text = format!("{} is not parameterized", job.spec.name);
            return Err(page(StatusCode::BAD_REQUEST, &text));
        }
        let of = |name: &str, default: &str| form.get(name).cloned().unwrap_or_else(|| default.to_owned());
        let given = job.spec.parameters.iter().map(|one| (one.name.clone(), of(&one.name, &one.default))).collect();
        self.dispatch(now, place, given)
    }

    fn change(
        &mut self,
        now: Timestamp,
        (place, number): (usize, u64),
        form: &BTreeMap<String, String>,
        verb: &[&str],
    ) -> Outcome {
        let who: Vec<String> = self.spec.groups.iter().chain([&self.spec.user]).cloned().collect();
        let build = self.jobs.get_mut(place).and_then(|job| job.build(number)).ok_or_else(missing)?;
        match verb {
            [how @ ("stop" | "term" | "kill")] => {
                build.stop(now, how);
                Ok(sent_on(StatusCode::FOUND, "."))
            }
            ["input", id, end] => {
                let waits = build.input().filter(|input| super::build::capitalized(&input.id) == *id).cloned();
                let input = waits.ok_or_else(missing)?;
                let may = input.submitter.as_deref().unwrap_or_default();
                let mut all = may.split(',').map(str::trim);
                if *end != "abort" && !may.is_empty() && !all.any(|name| who.iter().any(|own| own == name)) {
                    return Err(failure(&format!("You need to be {may} to submit this.")));
                }
                match *end {
                    "proceedEmpty" => {}
                    "proceed" => build.answers.extend(answers(form)),
                    "abort" => {
                        build.answer(now, id, false);
                        return Ok(done());
                    }
                    _ => return Err(missing()),
                }
                build.answer(now, id, true);
                Ok(done())
            }
            ["replay", "rebuild"] => {
                let spec = build.spec.clone();
                self.enqueue(place, spec, Why::Replay(number), now);
                Ok(sent_on(StatusCode::FOUND, "../.."))
            }
            ["restart", "restartPipeline"] => {
                let stage = form.get("stageName").cloned().unwrap_or_default();
                let known = build.stages.iter().any(|one| one.spec.name == stage);
                if !build.is_over() || !known {
                    let why = if known { "not allowed to restart" } else { "Failure restarting from stage" };
                    return Ok(json(&json!({"status": "ok", "data": {"success": "false", "message": why}})));
                }
                let spec = build.spec.clone();
                self.enqueue(place, spec, Why::Restart(number, stage), now);
                Ok(json(&json!({"status": "ok", "data": {"success": "true", "message": "ok"}})))
            }
            _ => Err(missing()),
        }
    }

    /// What was answered to the inputs of a build: for whoever looks whether it arrived.
    pub fn answered(&self, job: &str, number: u64) -> Option<&BTreeMap<String, String>> {
        let job = self.jobs.iter().find(|one: &&Job| one.spec.name == job)?;
        job.builds.iter().find(|build| build.spec.number == number).map(|build| &build.answers)
    }
}

fn has_crumb(request: &Request<Bytes>) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    header(CRUMB.0) == CRUMB.1 && header("cookie").contains(SESSION)
}

/// What of an answer is wanted.
fn filtered(request: &Request<Bytes>, value: Value) -> Value {
    Tree::read(&query(request, "tree").unwrap_or_default()).of(value)
}

/// A log from a byte on; a number below zero counts from its end.
fn progressive(request: &Request<Bytes>, build: &Build, now: Timestamp) -> Response<Bytes> {
    let text = wire::console(build, now);
    let size = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let start = query(request, "start").and_then(|start| start.parse::<i64>().ok()).unwrap_or(0);
    let from = if start < 0 {
        (size + start).max(0)
    } else if start > size {
        0
    } else {
        start
    };
    let from = usize::try_from(from).unwrap_or(0);
    let mut response = plain(StatusCode::OK, &String::from_utf8_lossy(text.as_bytes().get(from..).unwrap_or_default()));
    set(response.headers_mut(), "x-text-size", &size.to_string());
    if !build.is_over() {
        set(response.headers_mut(), "x-more-data", "true");
    }
    response
}
