//! The world of these tests: a GitLab, a clock that is set by hand, and two transports: one over that GitLab, one that says what it was
//! told to say. Both write down what was asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use holdshort::{
    demo::{
        gitlab::{
            Gitlab,
            spec::{Action, Spec},
        },
        system::{Reply, System},
    },
    domain::{gate::Gate, object::ObjectId, offer::Risk, pipeline::Run, service::Environment, verb::Verb},
    port::{clock::Clock, facet::Connection, inventory::Inventory, plan::Ask, wire::Transport},
    provider::gitlab::{self, Project, Settings},
};
use http::Response;
use serde_json::{Value, json};

use crate::inventory::Listing;

pub(crate) use crate::diary::{Diary, HandClock, start, transport};

/// Two deployments of site wait, the older one with one of two approvals; two pipelines of gateway wait for a hand, one has failed, one
/// runs.
pub(crate) const SCENARIO: &str = r#"
user = "dana"

[[projects]]
path = "acme/shop/site"
environments = [{ name = "production", approvals = [{ group = "release-managers", needed = 2, members = ["dana", "lee"] }] }]
jobs = [
  { name = "build", stage = "build", takes = "2m", log = ["pushed \u001b[31msite\u001b[0m"] },
  { name = "lint", stage = "build", takes = "10s", fails = true, allow_failure = true },
  { name = "to-production", stage = "deploy", environment = "production", takes = "1m" },
  { name = "fleet", stage = "after", trigger = "acme/fleet", takes = "2m" },
]
pipelines = [
  { id = 801, ref = "v2.6.0", commit = "aaaa1111aaaa1111aaaa1111aaaa1111aaaa1111", title = "site 2.6.0", user = "kim", started = "-9d", approved = ["lee", "dana"], through = true },
  { id = 805, ref = "v2.7.0", commit = "bbbb2222bbbb2222bbbb2222bbbb2222bbbb2222", title = "site 2.7.0", user = "kim", started = "-6d", approved = ["lee", "dana"], through = true },
  { id = 812, ref = "v2.8.0", commit = "c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11", title = "site 2.8.0", user = "kim", started = "-14h", approved = ["lee"] },
  { id = 813, ref = "v2.9.0", commit = "d00df00dd00df00dd00df00dd00df00dd00df00d", title = "site 2.9.0", user = "dana", started = "-1h" },
]

[[projects]]
path = "acme/gateway"
jobs = [
  { name = "test", stage = "test", takes = "5m" },
  { name = "go-live", stage = "live", manual = true, takes = "1m" },
  { name = "docs", stage = "live", manual = true, allow_failure = true, takes = "1m" },
]
pipelines = [
  { id = 76, ref = "main", commit = "7600000076000000760000007600000076000000", title = "close idle connections", user = "lee", started = "-3h" },
  { id = 77, ref = "main", commit = "7700000077000000770000007700000077000000", title = "rotate certificates", user = "lee", started = "-2h", trouble = { job = "test" } },
  { id = 78, ref = "main", commit = "7800000078000000780000007800000078000000", title = "read the clock once", user = "lee", started = "-1h" },
  { id = 79, ref = "main", commit = "7900000079000000790000007900000079000000", title = "and again", user = "lee", started = "-1m" },
]

[[projects]]
path = "acme/fleet"
jobs = [{ name = "sync", stage = "sync", takes = "1m" }]
"#;

/// One answer: status, headers, body.
pub(crate) type Said = (u16, Vec<(&'static str, &'static str)>, Value);

/// A transport that says what stands under the first of these that the path (without its query) ends with; to all else 404.
pub(crate) fn saying(diary: &Diary, answers: Vec<(&'static str, Said)>) -> Transport {
    transport(diary, move |request| {
        let found = answers.iter().find(|(path, _)| request.uri().path().ends_with(path)).map(|(_, said)| said.clone());
        let (status, headers, body) = found.unwrap_or((404, Vec::new(), json!({"message": "404 Not Found"})));
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        Ok(response.body(Bytes::from(text)).unwrap())
    })
}

/// A fixture.
pub(crate) fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/gitlab/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A project as it is configured: `production` is `prod/eu`.
pub(crate) fn project(path: &str) -> Project {
    let prod = Environment { name: "prod/eu".into(), risk: Risk::Medium };
    Project {
        path: path.to_owned(),
        service: None,
        environments: BTreeMap::from([("production".to_owned(), prod)]),
        version: None,
    }
}

/// Our client for these projects.
pub(crate) fn connect(transport: Transport, projects: Vec<Project>, clock: &HandClock) -> Connection {
    let settings = Settings {
        name: "gitlab".into(),
        address: "https://gitlab.example".to_owned(),
        projects,
        interval: Duration::from_secs(30),
    };
    gitlab::over(transport, settings, Arc::new(clock.clone()))
}

/// Our client at work on a pretended GitLab.
pub(crate) struct Scene {
    pub(crate) system: Arc<Mutex<Gitlab>>,
    pub(crate) clock: HandClock,
    pub(crate) diary: Diary,
    pub(crate) connection: Connection,
}

impl Scene {
    /// Of the whole of acme.
    pub(crate) fn new() -> Self {
        Self::of(SCENARIO, vec![project("acme/*")])
    }

    pub(crate) fn of(scenario: &str, projects: Vec<Project>) -> Self {
        let spec: Spec = toml::from_str(scenario).unwrap();
        let system = Arc::new(Mutex::new(Gitlab::new(&spec, start())));
        let (clock, diary) = (HandClock::new(), Diary::default());
        let (world, time) = (Arc::clone(&system), clock.clone());
        let over = transport(&diary, move |request| {
            let mut world = world.lock().unwrap();
            while let Some(at) = world.next().filter(|at| *at <= time.now()) {
                world.advance(at);
            }
            let Reply::Whole(response) = world.respond(time.now(), request) else { panic!("it has no streams") };
            Ok(response)
        });
        let connection = connect(over, projects, &clock);
        Self { system, clock, diary, connection }
    }

    pub(crate) fn inventory(&self) -> &dyn Inventory {
        &*self.connection.inventories[0]
    }

    pub(crate) async fn gate(&self, title: &str) -> Gate {
        let gates = self.inventory().gates().await.unwrap();
        gates.iter().find(|gate| gate.title == title).unwrap_or_else(|| panic!("{gates:#?}")).clone()
    }

    pub(crate) async fn run(&self, number: u64) -> Run {
        let mut runs = self.inventory().runs().await.unwrap().into_iter();
        runs.find(|run| run.number == number).unwrap()
    }

    pub(crate) fn happens(&self, action: &str) {
        let action: Action = toml::from_str(action).unwrap();
        self.system.lock().unwrap().act(self.clock.now(), &action).unwrap();
    }
}

/// An ask.
pub(crate) fn ask(verb: Verb, target: &ObjectId) -> Ask {
    Ask::new(verb, target.clone())
}

/// A header of every answer.
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
