//! The world of these tests: a pretended Lambda, a clock that is set by hand, and two transports: one over it, signed; one that says what
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
        aws::KEY,
        lambda::{
            Lambda,
            spec::{Action, Spec},
        },
        system::{Reply, System},
    },
    domain::{
        object::ObjectId,
        offer::Risk,
        rollout::Rollout,
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
        lambda::{self, Chosen, Settings, TARGETS},
    },
};
use http::{Request, Response};
use serde_json::Value;
use tower::service_fn;

use crate::inventory::Listing;

/// Where it is.
pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const ADDRESS: &str = "https://lambda.eu-west-1.amazonaws.com";

/// A clock that stands until it is moved.
#[derive(Clone, Debug)]
pub(crate) struct HandClock(Arc<Mutex<Timestamp>>);

/// 02:00, the begin of every test.
pub(crate) fn start() -> Timestamp {
    chrono::Utc.with_ymd_and_hms(2026, 3, 10, 2, 0, 0).single().unwrap()
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

/// A transport that says of a path or an operation what stands under a part of its name; of all else that there is no such thing. Signed.
pub(crate) fn saying(diary: &Diary, answers: Vec<(&'static str, u16, Value)>, clock: &HandClock) -> Transport {
    let plain = transport(move |request| {
        let target = request.headers().get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
        let asked = target.unwrap_or_else(|| request.uri().path().to_owned());
        let none = (404, serde_json::json!({"__type": "ResourceNotFoundException", "Message": "no such thing"}));
        let found = answers.iter().find(|(known, ..)| asked.ends_with(*known));
        let (status, body) = found.map_or(none, |(_, status, body)| (*status, body.clone()));
        let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        let content = if text.starts_with('<') { "text/html" } else { "application/json" };
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
    let path = format!("{}/tests/fixtures/lambda/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What is configured: an alias called `live` is `prod/eu`.
pub(crate) fn chosen(function: &str, alias: Option<&str>) -> Chosen {
    let prod = Environment { name: "prod/eu".into(), risk: Risk::Medium };
    Chosen {
        function: (function != "*").then(|| function.to_owned()),
        alias: alias.map(str::to_owned),
        service: None,
        environments: BTreeMap::from([("live".to_owned(), prod)]),
        version: None,
    }
}

/// Our client for these.
pub(crate) fn connect(transport: Transport, functions: Vec<Chosen>, clock: &HandClock) -> Connection {
    let settings = Settings {
        name: "aws".into(),
        region: REGION.to_owned(),
        address: None,
        functions,
        interval: Duration::from_secs(30),
    };
    lambda::over(transport, settings, clock.shared())
}

/// Our client at work on a pretended Lambda.
pub(crate) struct Scene {
    pub(crate) system: Arc<Mutex<Lambda>>,
    pub(crate) clock: HandClock,
    pub(crate) diary: Diary,
    pub(crate) connection: Connection,
}

impl Scene {
    /// Of all functions of the built-in scenario.
    pub(crate) fn new() -> Self {
        Self::of("", vec![chosen("*", None)])
    }

    /// The same with more said of the region, and these looked at.
    pub(crate) fn of(more: &str, functions: Vec<Chosen>) -> Self {
        Self::over(&spec(more), functions)
    }

    pub(crate) fn over(spec: &Spec, functions: Vec<Chosen>) -> Self {
        let system = Arc::new(Mutex::new(Lambda::new(spec, start())));
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
        let connection = connect(noted(&diary, signed(plain, &clock)), functions, &clock);
        Self { system, clock, diary, connection }
    }

    pub(crate) fn inventory(&self) -> &dyn Inventory {
        &*self.connection.inventories[0]
    }

    /// An alias, as it is read now.
    pub(crate) async fn alias(&self, path: &str) -> Rollout {
        let all = self.inventory().rollouts().await.unwrap();
        all.iter().find(|one| one.id.path == path).unwrap_or_else(|| panic!("{all:#?}")).clone()
    }

    pub(crate) fn happens(&self, action: &str) {
        let action: Action = toml::from_str(action).unwrap();
        self.system.lock().unwrap().act(self.clock.now(), &action).unwrap();
    }

    /// Sends the only call of a draft, filled with the facts of its target as they are now.
    pub(crate) async fn send(&self, ask: &Ask, draft: &Draft) -> Result<Sent, ProviderError> {
        let inventory = self.inventory();
        let reading = inventory.read(&draft.steps[0].target).await.unwrap();
        let supplies =
            Supplies { facts: Some(&reading.facts), revision: reading.revision.as_deref(), ..Supplies::default() };
        let checked = Checked::of(&draft.steps[0], ask.verb, inventory, &supplies).unwrap();
        inventory.send(checked).await
    }

    pub(crate) async fn facts(&self, target: &ObjectId) -> Facts {
        self.inventory().read(target).await.unwrap().facts
    }
}

/// The only system of the built-in scenario, with more said of the region.
pub(crate) fn spec(more: &str) -> Spec {
    let text = include_str!("../../examples/scenarios/lambda.toml");
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
