//! The world of these tests: a pretended Flow, a clock that is set by hand, and two transports: one over it, one that says what it
//! was told to say. Both write down what was asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use holdshort::{
    demo::{
        flow::{
            Flow,
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
    provider::flow::{self, Door, Pipeline, Settings},
};
use http::Response;
use serde_json::{Value, json};

use crate::inventory::Listing;

pub(crate) use crate::diary::{Diary, HandClock, start, transport};

/// Whose names are Chinese: a release of checkout was stopped half way, one of order waits for you and one for others, one of search
/// pauses between batches, a test of gateway failed, and another run of it waits for a hand: see the comments.
pub(crate) const SCENARIO: &str = r#"
user = "dana"

# Deployed by hosts: 39 is live, 40 was stopped after its first batch.
[[pipelines]]
id = 101
name = "checkout-prod"
jobs = [
  { name = "构建", takes = "2m", log = ["mvn \u001b[31mpackage\u001b[0m"] },
  { name = "主机部署", stage = "部署", kind = "hosts", takes = "40s", artifact = "checkout.tgz", script = "deploy.sh", machines = [
    { sn = "i-a", ip = "10.0.0.1", batch = 1 }, { sn = "i-b", ip = "10.0.0.2", batch = 2 },
  ] },
]
runs = [
  { id = 38, branch = "v1.4.0", commit = "66aa01236", message = "checkout 1.4.0", by = "kim", started = "-21d", through = true },
  { id = 39, branch = "v1.4.1", commit = "77aa01237", message = "checkout 1.4.1", by = "lee", started = "-9d", through = true },
  { id = 40, branch = "v1.4.2", commit = "88bb01238", message = "新收银台", by = "kim", started = "-3h", through = true, stopped = true },
]

[[pipelines]]
id = 102
name = "下单服务-发布"
jobs = [
  { name = "上线审批", stage = "审批", kind = "validate", validators = ["dana"] },
  { name = "发布", stage = "部署", kind = "deploy", takes = "1m" },
]
runs = [
  { id = 72, branch = "v3.9.0", commit = "c0ffee123", message = "合并支付\nand more", by = "wei", started = "-14h" },
  { id = 73, branch = "v3.9.1", commit = "d00dfeed1", message = "超时重试", by = "lee", started = "-40m" },
]

# Pauses after the first of three batches; a machine of the second will fail.
[[pipelines]]
id = 103
name = "search-prod"
jobs = [
  { name = "主机部署", kind = "hosts", takes = "1m", machines = [
    { sn = "i-2a", ip = "10.0.1.1", batch = 1 }, { sn = "i-2b", ip = "10.0.1.2", batch = 2, fails = true }, { sn = "i-2c", ip = "10.0.1.3", batch = 3 },
  ] },
]
runs = [{ id = 13, branch = "v2.2.0", commit = "99cc01239", message = "search 2.2.0", by = "lee", started = "-25m" }]

# For somebody else.
[[pipelines]]
id = 104
name = "payment-prod"
jobs = [{ name = "财务审批", kind = "validate", validators = ["lee"] }]
runs = [{ id = 5, branch = "v5.0.1", commit = "aa11bb22c", message = "payment", by = "dana", started = "-2h" }]

[[pipelines]]
id = 105
name = "gateway-ci"
jobs = [{ name = "集成测试", takes = "4m", log = ["compile", "88 tests"] }, { name = "手动发布", kind = "manual", takes = "1m" }]
runs = [
  { id = 30, branch = "main", commit = "77ff01230", message = "gateway: clock", by = "kim", started = "-5h" },
  { id = 31, branch = "main", commit = "66ff01231", message = "gateway: certificates", by = "lee", started = "-50m", trouble = "集成测试" },
  { id = 32, branch = "main", commit = "55ff01232", message = "gateway: read", by = "lee", started = "-1m" },
]
"#;

/// One answer: status, headers, body.
pub(crate) type Said = (u16, Vec<(&'static str, &'static str)>, Value);

/// A transport that says what stands under the first of these that the path (without its query) ends with; to all else 404.
pub(crate) fn saying(diary: &Diary, answers: Vec<(&'static str, Said)>) -> Transport {
    transport(diary, move |request| {
        let found = answers.iter().find(|(path, _)| request.uri().path().ends_with(path)).map(|(_, said)| said.clone());
        let (status, headers, body) =
            found.unwrap_or((404, Vec::new(), json!({"errorCode": "NotFound", "errorMessage": "not there"})));
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
    let path = format!("{}/tests/fixtures/flow/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The organisation of the pretended one.
pub(crate) const ORGANIZATION: &str = "5ebbc0228123212b59";

/// All that it has: what is behind `上线审批`, and `主机部署`, go to `prod/eu`.
pub(crate) fn all() -> Pipeline {
    let prod = || Environment { name: "prod/eu".into(), risk: Risk::Medium };
    let environments = ["上线审批", "主机部署"].map(|job| (job.to_owned(), prod()));
    Pipeline { name: None, service: None, environments: BTreeMap::from(environments), version: None }
}

/// A pipeline by its name.
pub(crate) fn pipeline(name: &str) -> Pipeline {
    Pipeline { name: Some(name.to_owned()), ..all() }
}

/// The API of tokens, and the older one.
pub(crate) fn token() -> Door {
    Door::Token { prefix: "/oapi/v1".into(), organization: Some(ORGANIZATION.into()) }
}

pub(crate) fn key() -> Door {
    Door::Key { organization: ORGANIZATION.into() }
}

/// Our client for these pipelines.
pub(crate) fn connect(transport: Transport, door: Door, pipelines: Vec<Pipeline>, clock: &HandClock) -> Connection {
    let settings = Settings {
        name: "flow".into(),
        address: "https://flow.test".to_owned(),
        door,
        pipelines,
        interval: Duration::from_secs(30),
    };
    flow::over(transport, settings, Arc::new(clock.clone()))
}

/// Our client at work on a pretended Flow.
pub(crate) struct Scene {
    pub(crate) system: Arc<Mutex<Flow>>,
    pub(crate) clock: HandClock,
    pub(crate) diary: Diary,
    pub(crate) connection: Connection,
}

impl Scene {
    /// Of the whole organisation, by a token.
    pub(crate) fn new() -> Self {
        Self::of(SCENARIO, token())
    }

    pub(crate) fn of(scenario: &str, door: Door) -> Self {
        Self::looking(scenario, door, vec![all()])
    }

    /// The same, where these pipelines are looked at.
    pub(crate) fn looking(scenario: &str, door: Door, pipelines: Vec<Pipeline>) -> Self {
        let spec: Spec = toml::from_str(scenario).unwrap();
        let system = Arc::new(Mutex::new(Flow::new(&spec, start())));
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
        let connection = connect(over, door, pipelines, &clock);
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

    /// Sends a call of a draft.
    pub(crate) async fn send(&self, ask: &Ask, draft: &Draft, step: usize) -> Result<Sent, ProviderError> {
        let inventory = self.inventory();
        let checked = Checked::of(&draft.steps[step], ask.verb, inventory, &Supplies::default()).unwrap();
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
