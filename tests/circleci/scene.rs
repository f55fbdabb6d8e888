//! The world of these tests: a pretended CircleCI, a clock that is set by hand, and two transports: one over it, one that says what it
//! was told to say. Both write down what was asked.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use holdshort::{
    demo::{
        circleci::{
            Circleci,
            spec::{Action, Spec},
        },
        system::{Reply, System},
    },
    domain::{gate::Gate, object::ObjectId, offer::Risk, pipeline::Run, service::Environment, verb::Verb},
    port::{
        clock::Clock,
        error::ProviderError,
        facet::Connection,
        fill::Supplies,
        inventory::Inventory,
        plan::{Ask, Draft, Facts, Sent},
        shape::Checked,
        wire::Transport,
    },
    provider::circleci::{self, Project, Settings},
};
use http::Response;
use serde_json::{Value, json};

use crate::inventory::Listing;

pub(crate) use crate::diary::{Diary, HandClock, start, transport};

/// A release of site holds before production, a newer one behind it; gateway failed; web runs; docs holds on a branch; billing's hold leads
/// where dana is not let in.
pub(crate) const SCENARIO: &str = r#"
user = "dana"

[[projects]]
slug = "gh/acme/site"
rollback = "50s"
jobs = [
  { name = "build", takes = "2m", log = ["pushed \u001b[31msite\u001b[0m"] },
  { name = "hold-production", hold = true },
  { name = "deploy-production", takes = "1m", marks = { component = "site", environment = "production" } },
]
pipelines = [
  { number = 801, tag = "v2.6.0", commit = "aaaa1111aaaa1111aaaa1111aaaa1111aaaa1111", subject = "site 2.6.0", user = "kim", started = "-9d", through = true },
  { number = 805, tag = "v2.7.0", commit = "bbbb2222bbbb2222bbbb2222bbbb2222bbbb2222", subject = "site 2.7.0", user = "lee", started = "-6d", through = true },
  { number = 812, tag = "v2.8.0", commit = "c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11", subject = "site 2.8.0", user = "kim", started = "-14h" },
  { number = 813, tag = "v2.9.0", commit = "d00dfeedd00dfeedd00dfeedd00dfeedd00dfeed", subject = "site 2.9.0", user = "dana", started = "-40m" },
]

[[projects]]
slug = "gh/acme/gateway"
workflow = "ship"
jobs = [{ name = "unit", takes = "4m" }, { name = "ship", takes = "1m" }]
pipelines = [
  { number = 75, branch = "main", commit = "55ee55ee55ee55ee55ee55ee55ee55ee55ee55ee", subject = "first", user = "kim", started = "-2d" },
  { number = 76, branch = "main", commit = "66ff66ff66ff66ff66ff66ff66ff66ff66ff66ff", subject = "second", user = "lee", started = "-3h" },
  { number = 77, branch = "main", commit = "88bb88bb88bb88bb88bb88bb88bb88bb88bb88bb", subject = "third", user = "lee", started = "-50m", trouble = { job = "ship", log = ["refused"] } },
]

[[projects]]
slug = "circleci/8e4z1Akd74woxagxnvLT5q/V29Cenkg8EaiSZARmWm8Lz"
jobs = [{ name = "soak", takes = "6m", log = ["compile", "run"] }]
pipelines = [
  { number = 9, branch = "main", commit = "99cc99cc99cc99cc99cc99cc99cc99cc99cc99cc", subject = "soak", user = "lee", started = "-1m" },
]

[[projects]]
slug = "gh/acme/docs"
auto_cancel = true
jobs = [{ name = "hold-preview", hold = true }, { name = "publish", takes = "30s" }]
pipelines = [
  { number = 40, branch = "new-guide", commit = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed", subject = "[skip ci] guide", user = "kim", started = "-25m" },
]

[[projects]]
slug = "gh/acme/billing"
jobs = [{ name = "hold", hold = true }, { name = "deploy", takes = "1m", restricted = true }]
pipelines = [
  { number = 31, tag = "v5.0.1", commit = "77dd77dd77dd77dd77dd77dd77dd77dd77dd77dd", subject = "billing 5.0.1", user = "kim", started = "-2h" },
]
"#;

/// Their slugs.
pub(crate) const ALL: [&str; 5] = [
    "gh/acme/site",
    "gh/acme/gateway",
    "circleci/8e4z1Akd74woxagxnvLT5q/V29Cenkg8EaiSZARmWm8Lz",
    "gh/acme/docs",
    "gh/acme/billing",
];

/// One answer: status, headers, body.
pub(crate) type Said = (u16, Vec<(&'static str, &'static str)>, Value);

/// A header of every answer in JSON.
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// A transport that says what stands under the first of these that the path (without its query) ends with; to all else 404.
pub(crate) fn saying(diary: &Diary, answers: Vec<(&'static str, Said)>) -> Transport {
    transport(diary, move |request| {
        let found = answers.iter().find(|(path, _)| request.uri().path().ends_with(path)).map(|(_, said)| said.clone());
        let (status, headers, body) = found.unwrap_or((404, vec![JSON], json!({"message": "not found"})));
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
    let path = format!("{}/tests/fixtures/circleci/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What is configured of a project: its hold before production, and production itself, are our `prod/eu`.
pub(crate) fn project(slug: &str) -> Project {
    let prod = Environment { name: "prod/eu".into(), risk: Risk::Medium };
    Project {
        slug: slug.to_owned(),
        service: slug.starts_with("circleci/").then(|| "web".into()),
        environments: ["hold-production", "production"].map(|name| (name.to_owned(), prod.clone())).into(),
        version: None,
        definition: None,
        deploys: None,
    }
}

/// Our client for these projects.
pub(crate) fn connect(transport: Transport, projects: Vec<Project>, clock: &HandClock) -> Connection {
    let settings = Settings {
        name: "circleci".into(),
        address: "https://circleci.com".to_owned(),
        projects,
        interval: Duration::from_secs(30),
    };
    circleci::over(transport, settings, Arc::new(clock.clone()))
}

/// Our client at work on a pretended CircleCI.
pub(crate) struct Scene {
    pub(crate) system: Arc<Mutex<Circleci>>,
    pub(crate) clock: HandClock,
    pub(crate) diary: Diary,
    pub(crate) connection: Connection,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::of(SCENARIO, ALL.map(project).to_vec())
    }

    pub(crate) fn of(scenario: &str, projects: Vec<Project>) -> Self {
        let spec: Spec = toml::from_str(scenario).unwrap();
        let system = Arc::new(Mutex::new(Circleci::new(&spec, start())));
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

    /// Sends the only call of a draft.
    pub(crate) async fn send(&self, ask: &Ask, draft: &Draft) -> Result<Sent, ProviderError> {
        let inventory = self.inventory();
        let checked = Checked::of(&draft.steps[0], ask.verb, inventory, &Supplies::default()).unwrap();
        inventory.send(checked).await
    }

    pub(crate) async fn facts(&self, target: &ObjectId) -> Facts {
        self.inventory().read(target).await.unwrap().facts
    }
}

/// An ask.
pub(crate) fn ask(verb: Verb, target: &ObjectId) -> Ask {
    Ask::new(verb, target.clone())
}
