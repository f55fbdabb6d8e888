//! The world of these tests: a pretended Jenkins, a clock that is set by hand, and two transports: one over it, one that says what it
//! was told to say. Both write down what was asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use holdshort::{
    demo::{
        jenkins::{
            Jenkins,
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
        secrets::Secrets,
        shape::Checked,
        wire::Transport,
    },
    provider::jenkins::{self, Job, Rollback, Settings},
};
use http::Response;
use serde_json::{Value, json};

use crate::inventory::Listing;

pub(crate) use crate::diary::{Diary, HandClock, start, transport};

/// A release of gateway waits with a form, one of cart for others; a build has failed, one runs: see the comments.
pub(crate) const SCENARIO: &str = r#"
user = "dana"
groups = ["release"]

[[jobs]]
name = "shop/gateway"
parameters = [{ name = "RING", kind = "Choice", choices = ["one", "all"] }]
stages = [
  { name = "Build", takes = "2m", log = ["pushed \u001b[31mgateway\u001b[0m"] },
  { name = "Ship", takes = "1m", input = { id = "ship", message = "Ship to prod?", submitter = "release", parameters = [
    { name = "WINDOW", kind = "String", default = "now" },
    { name = "PIN", kind = "Password" },
  ] } },
]
builds = [
  { number = 811, name = "3.3.0", branch = "v3.3.0", commit = "66aa01236", by = "kim", started = "-26h", trouble = "Build" },
  { number = 812, name = "3.3.1", branch = "v3.3.1", commit = "77aa01237", by = "kim", started = "-14h" },
]

[[jobs]]
name = "shop/rollback"
parameters = [{ name = "VERSION", kind = "String" }, { name = "MODE", kind = "String", default = "soft" }]
stages = [{ name = "Back", takes = "40s" }]

# Waits for others; another one of it runs.
[[jobs]]
name = "shop/cart/main"
is_branch = true
stages = [{ name = "Test", takes = "6m", log = ["compile", "run"] }, { name = "Live", takes = "1m", input = { id = "Live", message = "Go live?", submitter = "lee,kim" } }]
builds = [
  { number = 40, branch = "main", commit = "88bb01238", by = "dana", started = "-3h" },
  { number = 41, branch = "main", commit = "99cc01239", by = "dana", started = "-1m" },
]
"#;

/// One answer: status, headers, body.
pub(crate) type Said = (u16, Vec<(&'static str, &'static str)>, Value);

/// A header of every answer in JSON.
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json;charset=utf-8");

/// Who we are, as Jenkins says it.
pub(crate) fn dana() -> (&'static str, Said) {
    let body = json!({"name": "dana", "anonymous": false, "authorities": ["authenticated", "release"]});
    ("/whoAmI/api/json", (200, vec![JSON], body))
}

/// A transport that says what stands under the first of these that the path (without its query) ends with; to all else 404.
pub(crate) fn saying(diary: &Diary, answers: Vec<(&'static str, Said)>) -> Transport {
    transport(diary, move |request| {
        let found = answers.iter().find(|(path, _)| request.uri().path().ends_with(path)).map(|(_, said)| said.clone());
        let (status, headers, body) =
            found.unwrap_or((404, Vec::new(), Value::from("<html><title>Error 404 Not Found</title>")));
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
    let path = format!("{}/tests/fixtures/jenkins/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What is configured of a job, or of a folder: `ship` goes to `prod/eu`, and a job rolls back.
pub(crate) fn job(name: &str) -> Job {
    let prod = Environment { name: "prod/eu".into(), risk: Risk::Medium };
    let folder = name.strip_suffix("/*");
    Job {
        name: folder.unwrap_or(name).to_owned(),
        all: folder.is_some(),
        service: None,
        environments: BTreeMap::from([("ship".to_owned(), prod)]),
        version: None,
        rollback: Some(Rollback { job: "shop/rollback".into(), version_parameter: "VERSION".into() }),
    }
}

/// Our client for these jobs.
pub(crate) fn connect(transport: Transport, jobs: Vec<Job>, clock: &HandClock) -> Connection {
    let settings = Settings {
        name: "jenkins".into(),
        address: "https://ci.test".to_owned(),
        jobs,
        administrator: false,
        interval: Duration::from_secs(30),
    };
    jenkins::over(transport, settings, Arc::new(clock.clone()))
}

/// Our client at work on a pretended Jenkins.
pub(crate) struct Scene {
    pub(crate) system: Arc<Mutex<Jenkins>>,
    pub(crate) clock: HandClock,
    pub(crate) diary: Diary,
    pub(crate) connection: Connection,
}

impl Scene {
    /// Of the whole of the folder shop.
    pub(crate) fn new() -> Self {
        Self::of(SCENARIO, vec![job("shop/*")])
    }

    pub(crate) fn of(scenario: &str, jobs: Vec<Job>) -> Self {
        let spec: Spec = toml::from_str(scenario).unwrap();
        let system = Arc::new(Mutex::new(Jenkins::new(&spec, start())));
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
        let connection = connect(over, jobs, &clock);
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

    /// Sends the only call of a draft, with what was typed for it.
    pub(crate) async fn send(&self, ask: &Ask, draft: &Draft, secrets: &Secrets) -> Result<Sent, ProviderError> {
        let inventory = self.inventory();
        let supplies = Supplies { secrets: Some(secrets), ..Supplies::default() };
        let checked = Checked::of(&draft.steps[0], ask.verb, inventory, &supplies).unwrap();
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
