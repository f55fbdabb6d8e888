//! The world of these tests: a pretended CodePipeline, a clock that is set by hand, and two transports: one over it, signed; one that says what
//! it was told to say. Both write down what was asked.

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
        codepipeline::{
            CodePipeline,
            spec::{Action, KEY, Spec},
        },
        system::{Reply, System},
    },
    domain::{
        gate::Gate,
        object::ObjectId,
        offer::Risk,
        pattern::{VersionPattern, Written},
        pipeline::Run,
        service::Environment,
        time::{Timestamp, after},
        verb::Verb,
    },
    port::{
        clock::{Clock, SharedClock},
        error::ProviderError,
        facet::Connection,
        fill::Supplies,
        inventory::Inventory,
        plan::{Ask, Draft, Facts, Sent},
        shape::Checked,
        wire::{Class, Transport, WireError, whole},
    },
    provider::{
        aws::{self, Credentials, Leaves},
        codepipeline::{self, Pipeline, Settings, TARGETS},
    },
};
use http::{Request, Response};
use serde_json::Value;
use tower::service_fn;

use crate::inventory::Listing;

/// Where it is.
pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const ADDRESS: &str = "https://codepipeline.eu-west-1.amazonaws.com";

/// A clock that stands until it is moved.
#[derive(Clone, Debug)]
pub(crate) struct HandClock(Arc<Mutex<Timestamp>>);

/// 10:12, the begin of every test.
pub(crate) fn start() -> Timestamp {
    chrono::Utc.with_ymd_and_hms(2026, 3, 10, 10, 12, 0).single().unwrap()
}

impl HandClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(start())))
    }

    pub(crate) fn pass(&self, span: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = after(*now, span);
    }

    pub(crate) fn shared(&self) -> SharedClock {
        Arc::new(self.clone())
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

/// What was asked: the operation and the body, as the provider asks; and its class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) body: Value,
    pub(crate) class: Option<Class>,
}

/// What was asked, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<Seen>>>);

impl Diary {
    fn write(&self, request: &Request<Bytes>) {
        self.0.lock().unwrap().push(Seen {
            path: request.uri().path().to_owned(),
            body: serde_json::from_slice(request.body()).unwrap_or_default(),
            class: request.extensions().get::<Class>().copied(),
        });
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn writes(&self) -> Vec<Seen> {
        self.all().into_iter().filter(|seen| seen.class == Some(Class::Write)).collect()
    }
}

/// A transport made of a function.
pub(crate) fn transport(
    answer: impl Fn(&Request<Bytes>) -> Result<Response<Bytes>, WireError> + Send + Sync + 'static,
) -> Transport {
    let answer = Arc::new(answer);
    Transport::new(service_fn(move |request: Request<Bytes>| {
        std::future::ready(answer(&request).map(|response| response.map(whole)))
    }))
}

/// Writes down what goes by.
pub(crate) fn noted(diary: &Diary, over: Transport) -> Transport {
    let diary = diary.clone();
    Transport::new(service_fn(move |request: Request<Bytes>| {
        diary.write(&request);
        tower::ServiceExt::oneshot(over.clone(), request)
    }))
}

/// A transport that says of an operation what stands under its name; of all else that there is no such pipeline. Signed, as everything is.
pub(crate) fn saying(diary: &Diary, answers: Vec<(&'static str, u16, Value)>, clock: &HandClock) -> Transport {
    let plain = transport(move |request| {
        let target = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
        let name = target.rsplit('.').next().unwrap();
        let none = (400, serde_json::json!({"__type": "PipelineNotFoundException", "message": "no such pipeline"}));
        let found = answers.iter().find(|(known, ..)| *known == name).map(|(_, status, body)| (*status, body.clone()));
        let (status, body) = found.unwrap_or(none);
        let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        let content = if text.starts_with('<') { "text/html" } else { "application/x-amz-json-1.1" };
        Ok(Response::builder().status(status).header("content-type", content).body(Bytes::from(text)).unwrap())
    });
    noted(diary, signed(plain, clock))
}

/// Signed by the only one who is known.
pub(crate) fn signed(plain: Transport, clock: &HandClock) -> Transport {
    let who = Credentials::lasting(KEY.0, KEY.1, "a test");
    aws::signed(Leaves::one(ADDRESS, plain), TARGETS, who, REGION, clock.shared())
}

/// A fixture.
pub(crate) fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/codepipeline/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What is configured of a pipeline: its stage `Prod` is `prod/eu`, and versions stand in titles.
pub(crate) fn pipeline(name: &str) -> Pipeline {
    let prod = Environment { name: "prod/eu".into(), risk: Risk::Medium };
    Pipeline {
        name: (name != "*").then(|| name.to_owned()),
        service: None,
        environments: BTreeMap::from([("Prod".to_owned(), prod)]),
        version: Some(VersionPattern::new(Written::Title, r"(?P<version>\d+\.\d+\.\d+)").unwrap()),
    }
}

/// Our client for these pipelines.
pub(crate) fn connect(transport: Transport, pipelines: Vec<Pipeline>, clock: &HandClock) -> Connection {
    let settings = Settings {
        name: "aws".into(),
        region: REGION.to_owned(),
        address: None,
        pipelines,
        interval: Duration::from_secs(30),
    };
    codepipeline::over(transport, settings, clock.shared())
}

/// Our client at work on a pretended CodePipeline.
pub(crate) struct Scene {
    pub(crate) system: Arc<Mutex<CodePipeline>>,
    pub(crate) clock: HandClock,
    pub(crate) diary: Diary,
    pub(crate) connection: Connection,
}

impl Scene {
    /// Of all pipelines of the built-in scenario.
    pub(crate) fn new() -> Self {
        Self::of("", vec![pipeline("*")])
    }

    /// The same with more said of the region, and these looked at.
    pub(crate) fn of(more: &str, pipelines: Vec<Pipeline>) -> Self {
        Self::over(&spec(more), pipelines)
    }

    pub(crate) fn over(spec: &Spec, pipelines: Vec<Pipeline>) -> Self {
        let system = Arc::new(Mutex::new(CodePipeline::new(spec, start())));
        let (clock, diary) = (HandClock::new(), Diary::default());
        let (world, time) = (Arc::clone(&system), clock.clone());
        let plain = transport(move |request| {
            let mut world = world.lock().unwrap();
            while let Some(at) = world.next().filter(|at| *at <= time.now()) {
                world.advance(at);
            }
            let Reply::Whole(response) = world.respond(time.now(), request) else { panic!("it has no streams") };
            Ok(response)
        });
        let connection = connect(noted(&diary, signed(plain, &clock)), pipelines, &clock);
        Self { system, clock, diary, connection }
    }

    pub(crate) fn inventory(&self) -> &dyn Inventory {
        &*self.connection.inventories[0]
    }

    pub(crate) async fn gate(&self, within: &str) -> Gate {
        let gates = self.inventory().gates().await.unwrap();
        gates.iter().find(|gate| gate.title.contains(within)).unwrap_or_else(|| panic!("{gates:#?}")).clone()
    }

    /// The newest run of a pipeline.
    pub(crate) async fn run(&self, pipeline: &str) -> Run {
        let runs = self.inventory().runs().await.unwrap().into_iter();
        runs.filter(|run| run.pipeline == pipeline).max_by_key(|run| run.number).unwrap()
    }

    pub(crate) fn happens(&self, action: &str) {
        let action: Action = toml::from_str(action).unwrap();
        self.system.lock().unwrap().act(self.clock.now(), &action).unwrap();
    }

    /// Sends the only call of a draft, filled with the facts of its target as they are now.
    pub(crate) async fn send(&self, ask: &Ask, draft: &Draft) -> Result<Sent, ProviderError> {
        let inventory = self.inventory();
        let facts = self.facts(&draft.steps[0].target).await;
        let supplies = Supplies { facts: Some(&facts), ..Supplies::default() };
        let checked = Checked::of(&draft.steps[0], ask.verb, inventory, &supplies).unwrap();
        inventory.send(checked).await
    }

    pub(crate) async fn facts(&self, target: &ObjectId) -> Facts {
        self.inventory().read(target).await.unwrap().facts
    }
}

/// The only system of the built-in scenario, with more said of the region.
pub(crate) fn spec(more: &str) -> Spec {
    let text = include_str!("../../examples/scenarios/codepipeline.toml");
    let whole: toml::Table = text.parse().unwrap();
    let mut system = whole["systems"][0].as_table().unwrap().clone();
    system.remove("kind");
    system.remove("script");
    system.extend(more.parse::<toml::Table>().unwrap());
    system.try_into().unwrap()
}

/// An ask.
pub(crate) fn ask(verb: Verb, target: &ObjectId) -> Ask {
    Ask::new(verb, target.clone())
}
