//! The world of these tests: an organisation, a clock that is set by hand, and two transports: one over the organisation, one
//! that says what it was told to say. Both write down what was asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use holdshort::{
    demo::{
        buildkite::{
            Buildkite,
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
        plan::{Ask, Draft, Sent},
        shape::Checked,
        wire::Transport,
    },
    provider::buildkite::{self, Choice, Input, Pipeline, Settings},
};
use http::Response;
use serde_json::Value;

use crate::inventory::Listing;

pub(crate) use crate::diary::{Diary, HandClock, start, transport};

/// Two builds of ledger wait for their release, one of web has failed, one runs: see the comments.
pub(crate) const SCENARIO: &str = r#"
user = "Dana Ray"

[[pipelines]]
name = "acme/ledger"
steps = [
  { label = ":package: Build", key = "build", takes = "2m", log = ["pushed \u001b[31mledger\u001b[0m"] },
  { block = ":rocket: Release", key = "release", environment = "prod/eu", fields = [{ text = "Code Name", key = "code-name" }] },
  { label = "Deploy", key = "deploy", takes = "1m" },
]
# Waits since yesterday evening.
[[pipelines.builds]]
number = 812
message = "Ledger 4.2.0"
branch = "v4.2.0"
commit = "c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11"
creator = "Kim Lo"
started = "-14h"
# Waits for the same step.
[[pipelines.builds]]
number = 813
message = "Ledger 4.3.0"
branch = "v4.3.0"
commit = "d00df00dd00df00dd00df00dd00df00dd00df00d"
creator = "Dana Ray"
started = "-1h"

[[pipelines]]
name = "acme/web"
steps = [
  { label = "Lint", takes = "10s", fails = true, soft_fail = true },
  { label = "Test", takes = "5m", fails = true },
  { block = "Go live" },
]
[[pipelines.builds]]
number = 7
message = "Fix the colours"
branch = "main"
commit = "aaaa1111aaaa1111aaaa1111aaaa1111aaaa1111"
creator = "Lee Wu"
started = "-2h"
[[pipelines.builds]]
number = 8
message = "Fix them again"
branch = "main"
commit = "bbbb2222bbbb2222bbbb2222bbbb2222bbbb2222"
creator = "Lee Wu"
started = "-1m"
"#;

/// One answer: status, headers, body.
pub(crate) type Said = (u16, Vec<(&'static str, &'static str)>, Value);

/// A transport that says what stands under the first of these that the path (without its query) ends with; to all else 404.
pub(crate) fn saying(diary: &Diary, answers: Vec<(&'static str, Said)>) -> Transport {
    transport(diary, move |request| {
        let found = answers.iter().find(|(path, _)| request.uri().path().ends_with(path)).map(|(_, said)| said.clone());
        let (status, headers, body) =
            found.unwrap_or((404, Vec::new(), serde_json::json!({"message": "No such thing"})));
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
    let path = format!("{}/tests/fixtures/buildkite/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What is configured of a pipeline: `release` goes to `prod/eu` and asks for a name and a stream.
pub(crate) fn pipeline(name: &str) -> Pipeline {
    let (organization, name) = name.split_once('/').unwrap();
    let prod = Environment { name: "prod/eu".into(), risk: Risk::Medium };
    let inputs = vec![
        Input { key: "code-name".into(), label: "Code Name".into(), required: true, ..Input::default() },
        Input {
            key: "stream".into(),
            label: "Stream".into(),
            default: vec!["beta".into()],
            options: ["beta", "stable"].map(|value| Choice { label: value.into(), value: value.into() }).to_vec(),
            ..Input::default()
        },
    ];
    Pipeline {
        organization: organization.to_owned(),
        name: (name != "*").then(|| name.to_owned()),
        service: None,
        environments: BTreeMap::from([("release".to_owned(), prod)]),
        inputs: BTreeMap::from([("release".to_owned(), inputs)]),
        own_steps: BTreeSet::new(),
        version: None,
    }
}

/// Our client for these pipelines.
pub(crate) fn connect(transport: Transport, pipelines: Vec<Pipeline>, clock: &HandClock) -> Connection {
    let settings = Settings {
        name: "buildkite".into(),
        address: "https://api.buildkite.com".to_owned(),
        pipelines,
        interval: Duration::from_secs(30),
    };
    buildkite::over(transport, settings, Arc::new(clock.clone()))
}

/// Our client at work on a pretended organisation.
pub(crate) struct Scene {
    pub(crate) system: Arc<Mutex<Buildkite>>,
    pub(crate) clock: HandClock,
    pub(crate) diary: Diary,
    pub(crate) connection: Connection,
}

impl Scene {
    /// Of the whole of acme.
    pub(crate) fn new() -> Self {
        Self::of(SCENARIO, vec![pipeline("acme/*")])
    }

    pub(crate) fn of(scenario: &str, pipelines: Vec<Pipeline>) -> Self {
        let spec: Spec = toml::from_str(scenario).unwrap();
        let system = Arc::new(Mutex::new(Buildkite::new(&spec, start())));
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
        let connection = connect(over, pipelines, &clock);
        Self { system, clock, diary, connection }
    }

    pub(crate) fn inventory(&self) -> &dyn Inventory {
        &*self.connection.inventories[0]
    }

    pub(crate) async fn gate(&self, title: &str) -> Gate {
        let gates = self.inventory().gates().await.unwrap();
        gates.iter().find(|gate| gate.title == title).unwrap_or_else(|| panic!("{gates:#?}")).clone()
    }

    pub(crate) async fn run(&self, pipeline: &str, number: u64) -> Run {
        let mut runs = self.inventory().runs().await.unwrap().into_iter();
        runs.find(|run| run.pipeline == pipeline && run.number == number).unwrap()
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
}

/// An ask.
pub(crate) fn ask(verb: Verb, target: &ObjectId) -> Ask {
    Ask::new(verb, target.clone())
}

/// A header of every answer.
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
