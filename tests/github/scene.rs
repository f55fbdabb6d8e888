//! The world of these tests: a scenario, a clock that is set by hand, and two transports: one over the forge, one that says
//! what it was told to say. Both write down what was asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use chrono::TimeZone;
use futures::future::BoxFuture;
use holdshort::{
    demo::{
        github::{Forge, spec::Spec},
        system::{Reply, System},
    },
    domain::{
        ids::ServiceName,
        object::ObjectId,
        offer::Risk,
        service::Environment,
        time::{Timestamp, after},
        verb::Verb,
    },
    port::{
        clock::Clock,
        error::ProviderError,
        facet::{Actor, Connection},
        fill::Supplies,
        plan::{Sent, WireCall},
        shape::Checked,
        step::Step,
        wire::{Class, Transport, WireBody, WireError, whole},
    },
    provider::github::{self, Repository, Settings},
};
use http::{Request, Response, header};
use serde_json::Value;
use tower::util::BoxCloneSyncService;

/// Three runs wait for prod, one has failed: see the comments.
pub(crate) const SCENARIO: &str = r#"
login = "dana"
tokens = { token-of-lee = "lee", token-of-kim = "kim" }
teams = { release = ["kim"] }

[[repos]]
owner = "acme"
name = "ledger"

  [[repos.workflows]]
  name = "deploy"
  file = "deploy.yml"
  jobs = [
    { name = "build", takes = "2m", steps = ["Compile", "Test"] },
    { name = "to-prod", takes = "1m", environment = "prod", log = ["rolled out \u001b[31mledger\u001b[0m"] },
  ]
  inputs = [
    { name = "level", type = "choice", required = true, default = "warn", options = ["info", "warn"] },
    { name = "dry_run", type = "boolean", description = "Build only" },
    { name = "batch", type = "number", default = "500" },
    { name = "ref", description = "Another one" },
    { name = "ticket", required = true },
  ]

  [[repos.workflows]]
  name = "soak"
  file = "soak.yml"
  jobs = [{ name = "soak", takes = "5m", environment = "staging" }, { name = "report", takes = "10s", fails = 1 }]

  [[repos.environments]]
  name = "prod"
  reviewers = ["dana", "lee", "team:release"]
  prevent_self_review = true

  [[repos.environments]]
  name = "staging"
  wait_timer = 10

  # Waits for prod since yesterday; dana started it.
  [[repos.runs]]
  number = 811
  title = "ledger 4.1.0"
  branch = "v4.1.0"
  commit = "aaaa1111aaaa1111aaaa1111aaaa1111aaaa1111"
  actor = "dana"
  started = "-15h"

  # Waits for prod; dana may.
  [[repos.runs]]
  number = 812
  id = 26412000812
  title = "ledger 4.2.0"
  branch = "v4.2.0"
  commit = "c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11"
  actor = "kim"
  started = "-14h"

  # Waits behind it; dana started it.
  [[repos.runs]]
  number = 813
  title = "ledger 4.3.0"
  branch = "v4.3.0"
  commit = "d00df00dd00df00dd00df00dd00df00dd00df00d"
  actor = "dana"
  started = "-1h"

  # Fails in its last job, once.
  [[repos.runs]]
  number = 7
  workflow = "soak.yml"
  title = "soak"
  branch = "v4.2.0"
  commit = "c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11"
  actor = "dana"
  started = "-2h"

# A pull request of somebody new.
[[repos]]
owner = "acme"
name = "shop"
workflows = [{ name = "checks", file = "checks.yml", jobs = [{ name = "test", takes = "5m" }] }]
runs = [{ number = 5, id = 26412000005, title = "a fix", branch = "fix", commit = "77aa0121", actor = "newcomer", fork = true, started = "-1h" }]

[[repos]]
owner = "acme"
name = "gateway"
access = "read"
workflows = [{ name = "build", file = "build.yml", jobs = [{ name = "build", takes = "5m" }] }]
runs = [{ number = 1, title = "gateway", commit = "77aa0120", actor = "lee", started = "-10s" }]
"#;

/// 10:12, the begin of every test.
pub(crate) fn start() -> Timestamp {
    chrono::Utc.with_ymd_and_hms(2026, 3, 10, 10, 12, 0).single().unwrap()
}

/// The forge at [`start`].
pub(crate) fn forge() -> Forge {
    let spec: Spec = toml::from_str(SCENARIO).unwrap();
    Forge::new(&spec, 7, start()).unwrap()
}

/// A clock that stands until it is moved.
#[derive(Clone, Debug)]
pub(crate) struct HandClock(Arc<Mutex<Timestamp>>);

impl HandClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(start())))
    }

    pub(crate) fn pass(&self, span: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = after(*now, span);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.pass(span);
        Box::pin(std::future::ready(()))
    }
}

/// Moves a forge to `now`, event by event, as the world does.
pub(crate) fn settle(forge: &mut Forge, now: Timestamp) {
    while let Some(at) = forge.next().filter(|at| *at <= now) {
        forge.advance(at);
    }
}

/// What was asked: method, class, path with query, whether with a token, and the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) class: Option<Class>,
    pub(crate) token: bool,
    pub(crate) body: String,
}

/// What was asked, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<Seen>>>);

impl Diary {
    fn write(&self, request: &Request<Bytes>) {
        self.0.lock().unwrap().push(Seen {
            line: format!("{} {}", request.method(), request.uri()),
            class: request.extensions().get::<Class>().copied(),
            token: request.headers().contains_key(header::AUTHORIZATION),
            body: String::from_utf8(request.body().to_vec()).unwrap(),
        });
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.all().into_iter().map(|seen| seen.line).collect()
    }

    pub(crate) fn writes(&self) -> Vec<Seen> {
        self.all().into_iter().filter(|seen| seen.class == Some(Class::Write)).collect()
    }
}

/// A transport made of a function.
pub(crate) fn transport(
    diary: &Diary,
    answer: impl Fn(&Request<Bytes>) -> Result<Response<WireBody>, WireError> + Send + Sync + 'static,
) -> Transport {
    let (diary, answer) = (diary.clone(), Arc::new(answer));
    BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
        diary.write(&request);
        std::future::ready(answer(&request))
    }))
}

/// A transport over a forge.
pub(crate) fn over_forge(diary: &Diary, forge: &Arc<Mutex<Forge>>, clock: &HandClock) -> Transport {
    let (forge, clock) = (forge.clone(), clock.clone());
    transport(diary, move |request| {
        let mut forge = forge.lock().unwrap();
        settle(&mut forge, clock.now());
        let Reply::Whole(response) = forge.respond(clock.now(), request) else { panic!("the forge has no streams") };
        Ok(response.map(whole))
    })
}

/// One answer by line (`GET /user`): status, headers, body.
pub(crate) type Said = (u16, &'static [(&'static str, &'static str)], Value);

/// A transport that says what it is told; to everything else 404.
pub(crate) fn saying(diary: &Diary, answers: BTreeMap<&'static str, Said>) -> Transport {
    transport(diary, move |request| {
        let line = format!("{} {}", request.method(), request.uri());
        let missing = (404, [].as_slice(), serde_json::json!({ "message": "Not Found" }));
        let (status, headers, body) = answers.get(line.as_str()).cloned().unwrap_or(missing);
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Ok(response.body(whole(body.to_string())).unwrap())
    })
}

/// Our client for `owner/repo`, whose `prod` is ours too.
pub(crate) fn connect(transport: Transport, full: &str, clock: &HandClock) -> Connection {
    connect_all(transport, &[full], clock)
}

/// Our client for several of them.
pub(crate) fn connect_all(transport: Transport, all: &[&str], clock: &HandClock) -> Connection {
    let prod = Environment { name: "prod".into(), risk: Risk::High };
    let watched = |full: &&str| {
        let (owner, repo) = full.split_once('/').unwrap();
        Repository {
            owner: owner.into(),
            repo: repo.into(),
            service: ServiceName::new(repo),
            environments: BTreeMap::from([("prod".into(), prod.clone())]),
            version: None,
        }
    };
    let settings = Settings {
        name: "github".into(),
        roots: github::Roots::default(),
        token: Some("gho_demo".into()),
        repos: all.iter().map(watched).collect(),
        interval: Duration::from_secs(15),
    };
    github::over(transport, settings, Arc::new(clock.clone())).unwrap()
}

/// A fixture: a recorded body, or the whole file where it is not a recorded exchange.
pub(crate) fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/github/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    if name.starts_with("rec_") { file["body"].clone() } else { file }
}

/// Sends a call as the verb and target that its path is about.
pub(crate) async fn send(actor: &dyn Actor, call: &WireCall) -> Result<Sent, ProviderError> {
    let (repo, rest) = call.path.strip_prefix("/repos/").unwrap().split_once("/actions/").unwrap();
    let (run, what) = rest.rsplit_once('/').unwrap();
    let path = format!("{repo}/{}", run.strip_prefix("runs/").unwrap());
    let run = || ObjectId::new(&"github".into(), "run", path.clone());
    let (verb, target) = match what {
        "pending_deployments" => (Verb::Approve, ObjectId::new(&"github".into(), "gate", format!("{path}/prod"))),
        "approve" => (Verb::Approve, ObjectId::new(&"github".into(), "gate", path.clone())),
        "cancel" => (Verb::Cancel, run()),
        _ => (Verb::Rerun, run()),
    };
    let step = Step::new(&target, call.clone());
    actor.send(Checked::of(&step, verb, actor, &Supplies::default()).unwrap()).await
}
