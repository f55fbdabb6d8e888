//! What every system that can be acted on must do: one suite, run for each over the built-in world with the executor that
//! carries out what people confirm. Each test goes through every verb that is open on every object; what a system does not
//! offer it need not do, and says so.
//!
//! A new system adds a line to `acting!` and to `acting.toml` what can be acted on.

mod page;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use holdshort::{
    demo::{shared::SharedWorld, transport::transport, world::World},
    domain::{
        evidence::Evidence,
        form::{Kind, Value as Answer},
        item::Item,
        object::ObjectId,
        observed::FaultKind,
        offer::{Offer, Risk, offer_for},
        verb::Verb,
    },
    journal::{
        Journal,
        ledger::{Begun, Ledger},
        spool::Spool,
        sqlite::SqliteJournal,
    },
    port::{
        clock::SharedClock,
        facet::Connection,
        inventory::Inventory,
        plan::{Ask, Blocked, Draft, Expect, Friction, Plan, WireCall},
        record::{NewRecord, Record, Stage as Reached},
        secrets::Secrets,
        shape::check,
        step::{Due, Obligation, Step},
        wire::{Class, Transport, WireError, whole},
    },
    provider::http::{Layers, layered},
    runtime::{
        clock::VirtualClock,
        executor::{self, Host},
    },
};
use http::{Request, Response};
use serde_json::{Value, json};
use strum::IntoEnumIterator;
use tower::{ServiceExt, service_fn};

use crate::{
    inventories::{self, SOURCE},
    inventory::Listing,
};

const SCENARIO: &str = include_str!("acting.toml");

/// A system, and what of it only its own scenario can say.
#[derive(Clone, Copy)]
struct Case {
    system: inventories::Case,
    /// Behind which line of the scenario its script goes on.
    after: &'static str,
    /// What moves every object once it was looked at.
    moves: &'static str,
    /// What of it never moves, whoever does something: an ended build is built again as another one, and so is a workflow.
    stays: &'static [Verb],
    /// The act of which something can be owed.
    owes: Owes,
}

/// What an act may hold, and what ends it.
#[derive(Clone, Copy)]
enum Owes {
    /// The first verb holds its target, and the second one lets go of it.
    Undo(Verb, Verb),
    /// The same verb on another object.
    Another(Verb),
}

const ARGO_ROLLOUTS: Case = Case {
    system: inventories::ARGO_ROLLOUTS,
    after: "# More of the cluster.",
    moves: r#"
        [[systems.script]]
        at = "4m"
        act = { set_image = { namespace = "shop", name = "payments", tag = "1.43.0", commit = "c1b2c3d4e5f60718293a4b5c6d7e8f9012345678" } }
        [[systems.script]]
        at = "4m"
        act = { set_image = { namespace = "shop", name = "billing", tag = "2.1.0", commit = "c2b2c3d4e5f60718293a4b5c6d7e8f9012345678" } }
        [[systems.script]]
        at = "4m"
        act = { set_image = { namespace = "books", name = "ledger", tag = "4.2.0", commit = "c4b2c3d4e5f60718293a4b5c6d7e8f9012345678" } }
    "#,
    stays: &[],
    owes: Owes::Undo(Verb::Pause, Verb::Resume),
};

const DEPLOYMENT: Case = Case {
    system: inventories::DEPLOYMENT,
    after: "# More of the cluster.",
    moves: r#"
        [[systems.script]]
        at = "4m"
        act = { set_image = { namespace = "shop", name = "checkout", tag = "1.43.0", commit = "c1b2c3d4e5f60718293a4b5c6d7e8f9012345678" } }
        [[systems.script]]
        at = "4m"
        act = { set_image = { namespace = "shop", name = "till", tag = "3.1.0", commit = "c3b2c3d4e5f60718293a4b5c6d7e8f9012345678" } }
        [[systems.script]]
        at = "4m"
        act = { set_image = { namespace = "books", name = "shelf", tag = "1.1.0", commit = "c5b2c3d4e5f60718293a4b5c6d7e8f9012345678" } }
    "#,
    stays: &[],
    owes: Owes::Undo(Verb::Pause, Verb::Resume),
};

const KUSTOMIZATION: Case = Case {
    system: inventories::KUSTOMIZATION,
    after: "# More of the cluster.",
    moves: r#"
        [[systems.script]]
        at = "4m"
        act = { set_suspended = { namespace = "shop", name = "gateway", suspended = true } }
        [[systems.script]]
        at = "4m"
        act = { set_suspended = { namespace = "books", name = "reader", suspended = false } }
        [[systems.script]]
        at = "4m"
        act = { push = { namespace = "shop", name = "shop", commit = { sha = "c1b2c3d4e5f60718293a4b5c6d7e8f9012345678" } } }
    "#,
    // What is looked at once more is as it was.
    stays: &[Verb::Reconcile],
    owes: Owes::Undo(Verb::Pause, Verb::Resume),
};

const GITHUB: Case = Case {
    system: inventories::GITHUB,
    after: "# More of the forge.",
    moves: r#"
        [[systems.script]]
        at = "4m"
        act = { review = { repo = "acme/ledger", run = 811, environment = "prod", by = "lee", approve = true } }
        [[systems.script]]
        at = "4m"
        act = { review = { repo = "acme/ledger", run = 812, environment = "prod", by = "lee", approve = false } }
        [[systems.script]]
        at = "4m"
        act = { rerun = { repo = "acme/ledger", run = 7, by = "lee" } }
    "#,
    stays: &[Verb::Dispatch],
    owes: Owes::Another(Verb::Approve),
};

const BUILDKITE: Case = Case {
    system: inventories::BUILDKITE,
    after: "# More builds.",
    moves: r#"
        [[systems.script]]
        at = "4m"
        act = { unblock = { pipeline = "acme/ledger", build = 812, by = "Kim Lo" } }
        [[systems.script]]
        at = "4m"
        act = { cancel = { pipeline = "acme/ledger", build = 813 } }
    "#,
    stays: &[Verb::Rerun, Verb::Dispatch],
    owes: Owes::Another(Verb::Approve),
};

const JENKINS: Case = Case {
    system: inventories::JENKINS,
    after: "# More builds of a job.",
    moves: r#"
        [[systems.script]]
        at = "4m"
        act = { answer = { job = "acme/ledger", build = 812, proceed = true } }
        [[systems.script]]
        at = "4m"
        act = { stop = { job = "acme/ledger", build = 813 } }
        [[systems.script]]
        at = "4m"
        act = { rerun = { job = "acme/web", build = 7 } }
        [[systems.script]]
        at = "4m"
        act = { rerun = { job = "books/till", build = 3 } }
    "#,
    stays: &[Verb::Dispatch],
    owes: Owes::Another(Verb::Approve),
};

const GITLAB: Case = Case {
    system: inventories::GITLAB,
    after: "# More projects.",
    moves: r#"
        [[systems.script]]
        at = "4m"
        act = { approve = { project = "acme/ledger", pipeline = 812, by = "lee", approve = true } }
        [[systems.script]]
        at = "4m"
        act = { play = { project = "acme/ledger", pipeline = 812, job = "to-prod" } }
        [[systems.script]]
        at = "4m"
        act = { approve = { project = "acme/ledger", pipeline = 813, by = "lee", approve = false } }
        [[systems.script]]
        at = "4m"
        act = { retry = { project = "acme/gateway", pipeline = 7 } }
        [[systems.script]]
        at = "4m"
        act = { cancel = { project = "acme/web", pipeline = 3 } }
        [[systems.script]]
        at = "4m"
        act = { play = { project = "acme/till", pipeline = 5, job = "go-live" } }
    "#,
    stays: &[Verb::Dispatch],
    owes: Owes::Another(Verb::Reject),
};

const CIRCLECI: Case = Case {
    system: inventories::CIRCLECI,
    after: "# More of CircleCI.",
    moves: r#"
        [[systems.script]]
        at = "4m"
        act = { approve = { project = "gh/acme/ledger", pipeline = 812, by = "lee" } }
        [[systems.script]]
        at = "4m"
        act = { cancel = { project = "gh/acme/ledger", pipeline = 813 } }
        [[systems.script]]
        at = "4m"
        act = { cancel = { project = "gh/acme/web", pipeline = 3 } }
    "#,
    stays: &[Verb::Rerun, Verb::Dispatch],
    owes: Owes::Another(Verb::Reject),
};

const FLOW: Case = Case {
    system: inventories::FLOW,
    after: "# More of Flow.",
    moves: r#"
        [[systems.script]]
        at = "4m"
        act = { pass = { pipeline = 301, run = 812, pass = true } }
        [[systems.script]]
        at = "4m"
        act = { pass = { pipeline = 301, run = 813, pass = false } }
        [[systems.script]]
        at = "4m"
        act = { again = { pipeline = 302, run = 7, job = "测试" } }
        [[systems.script]]
        at = "4m"
        act = { start = { pipeline = 303, run = 5 } }
        [[systems.script]]
        at = "4m"
        act = { stop = { pipeline = 304, run = 3 } }
        [[systems.script]]
        at = "4m"
        act = { stop = { pipeline = 305, run = 13 } }
        [[systems.script]]
        at = "4m"
        act = { again = { pipeline = 306, run = 20, job = "发布" } }
    "#,
    stays: &[Verb::Dispatch],
    owes: Owes::Another(Verb::Approve),
};

const CODEPIPELINE: Case = Case {
    system: inventories::CODEPIPELINE,
    after: "# More executions.",
    moves: r#"
        [[systems.script]]
        at = "3m 30s"
        act = { push = { pipeline = "web", commit = "cccc1111cccc1111cccc1111cccc1111cccc1111", title = "web", by = "kim" } }
        [[systems.script]]
        at = "4m"
        act = { answer = { pipeline = "ledger", commit = "d00d", approve = true } }
        [[systems.script]]
        at = "4m"
        act = { answer = { pipeline = "till", commit = "77aa", approve = true } }
        [[systems.script]]
        at = "4m 30s"
        act = { hold = { pipeline = "till", stage = "Prod", by = "kim", reason = "wait" } }
        [[systems.script]]
        at = "4m 30s"
        act = { release = { pipeline = "shelf", stage = "Prod" } }
        [[systems.script]]
        at = "4m 30s"
        act = { hold = { pipeline = "ledger", stage = "Prod", by = "kim", reason = "wait" } }
        [[systems.script]]
        at = "4m 30s"
        act = { hold = { pipeline = "web", stage = "Prod", by = "kim", reason = "wait" } }
        [[systems.script]]
        at = "4m 30s"
        act = { hold = { pipeline = "shelf", stage = "Staging", by = "kim", reason = "wait" } }
    "#,
    stays: &[Verb::Dispatch],
    owes: Owes::Another(Verb::Approve),
};

const ARGOCD: Case = Case {
    system: inventories::ARGOCD,
    after: "# More Applications to act on.",
    moves: r#"
        [[systems.script]]
        at = "4m"
        act = { push = { application = "waiting", revision = "1111111111111111111111111111111111111111", tag = "9.0.0" } }
        [[systems.script]]
        at = "4m"
        act = { push = { application = "payments", revision = "2222222222222222222222222222222222222222", tag = "9.0.0" } }
        [[systems.script]]
        at = "4m"
        act = { push = { application = "zealous", revision = "3333333333333333333333333333333333333333", tag = "9.0.0" } }
        [[systems.script]]
        at = "4m"
        act = { terminate = { application = "syncing" } }
        [[systems.script]]
        at = "4m"
        act = { push = { application = "syncing", revision = "4444444444444444444444444444444444444444", tag = "9.0.0" } }
        [[systems.script]]
        at = "4m"
        act = { push = { application = "pears", revision = "6666666666666666666666666666666666666666", tag = "9.0.0" } }
        [[systems.script]]
        at = "4m"
        act = { push = { application = "books", revision = "5555555555555555555555555555555555555555", tag = "9.0.0" } }
    "#,
    stays: &[],
    owes: Owes::Another(Verb::Rollback),
};

/// Runs each test for each system.
macro_rules! acting {
    ($($test:ident)*) => {
        acting!(@of argo_rollouts ARGO_ROLLOUTS: $($test)*);
        acting!(@of deployment DEPLOYMENT: $($test)*);
        acting!(@of kustomization KUSTOMIZATION: $($test)*);
        acting!(@of github GITHUB: $($test)*);
        acting!(@of buildkite BUILDKITE: $($test)*);
        acting!(@of jenkins JENKINS: $($test)*);
        acting!(@of gitlab GITLAB: $($test)*);
        acting!(@of flow FLOW: $($test)*);
        acting!(@of circleci CIRCLECI: $($test)*);
        acting!(@of codepipeline CODEPIPELINE: $($test)*);
        acting!(@of argocd ARGOCD: $($test)*);
    };
    (@of $system:ident $case:ident: $($test:ident)*) => {
        mod $system {
            $(#[tokio::test(start_paused = true)]
            async fn $test() {
                super::$test(super::$case).await;
            })*
        }
    };
}

acting! {
    what_is_offered_is_drafted_and_what_is_not_is_said_why_not
    every_call_that_is_drafted_passes_and_no_other_does
    an_act_is_sent_once_and_followed_until_what_it_expects_is_seen
    what_was_done_is_not_done_once_more_from_the_same_card
    what_moved_since_the_card_is_left_alone
    what_a_system_refuses_fails_in_a_sentence_and_is_not_sent_again
    an_answer_that_is_lost_is_looked_for_and_nothing_is_sent_again
    a_call_of_which_nothing_is_seen_ends_as_unknown_with_what_to_check
    a_step_whose_condition_does_not_hold_is_left_out_and_said
    what_is_owed_ends_with_the_act_or_stays_owed_and_is_said
}

/// What becomes of a call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It arrives, and is answered.
    Arrives,
    /// It arrives, and the answer is lost.
    Unanswered,
    /// It is lost on the way, which the sender cannot know.
    Lost,
    /// It is refused.
    Refused,
}

/// The world with one system over it, and an executor.
struct Stage {
    world: SharedWorld,
    clock: SharedClock,
    connections: [Connection; 1],
    ledger: Arc<Ledger>,
    /// What becomes of the next calls that change something; of all others that they arrive.
    fates: Arc<Mutex<VecDeque<Fate>>>,
    /// How many such calls came this far, whatever became of them.
    tried: Arc<Mutex<usize>>,
}

/// The transport, in which calls that change something meet their fate.
fn fated(over: Transport, fates: &Arc<Mutex<VecDeque<Fate>>>, tried: &Arc<Mutex<usize>>) -> Transport {
    let (fates, tried) = (Arc::clone(fates), Arc::clone(tried));
    Transport::new(service_fn(move |request: Request<bytes::Bytes>| {
        let writes = request.extensions().get::<Class>().is_none_or(|class| *class == Class::Write);
        let fate = if writes { fates.lock().unwrap().pop_front() } else { None };
        *tried.lock().unwrap() += usize::from(writes);
        let over = over.clone();
        async move {
            match fate.unwrap_or(Fate::Arrives) {
                Fate::Arrives => over.oneshot(request).await,
                Fate::Unanswered => {
                    over.oneshot(request).await?;
                    Err(WireError::Lost("reset".to_owned()))
                }
                Fate::Lost => Err(WireError::Lost("reset".to_owned())),
                Fate::Refused => {
                    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "not today",
                        "reason": "Forbidden", "code": 403});
                    let response = Response::builder().status(403).header("content-type", "application/json");
                    Ok(response.body(whole(body.to_string())).unwrap())
                }
            }
        }
    }))
}

impl Stage {
    /// Two minutes into the scenario, when everything is where it stays by itself; `moves` is what its script goes on with.
    async fn with(case: Case, moves: &str) -> Self {
        let at = SCENARIO.find(case.after).unwrap();
        let (before, behind) = SCENARIO.split_at(at);
        let scenario = case.system.alone("acting", &format!("{before}\n{moves}\n{behind}"));
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
        let world = SharedWorld::new(World::new(&scenario).unwrap());
        let (fates, tried) = Default::default();
        let leaf = fated(transport(world.clone(), clock.clone(), case.system.mount), &fates, &tried);
        let over = layered(leaf, Layers::new(SOURCE.into()), clock.clone());
        let mut connection = Connection::new(SOURCE.into(), "any", Duration::from_secs(15));
        connection.inventories.push((case.system.open)(over, clock.clone()));
        let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::in_memory().unwrap());
        let (ledger, _) = Ledger::open(move || Ok(Arc::clone(&journal)), Spool::new(Vec::new()));
        clock.sleep(Duration::from_mins(2)).await;
        Self { world, clock, connections: [connection], ledger: Arc::new(ledger), fates, tried }
    }

    async fn new(case: Case) -> Self {
        Self::with(case, "").await
    }

    fn inventory(&self) -> &dyn Inventory {
        &*self.connections[0].inventories[0]
    }

    async fn items(&self) -> Vec<Item> {
        let (items, unread) = self.inventory().look().await;
        assert_eq!(unread, [""; 0]);
        items
    }

    async fn item(&self, target: &ObjectId) -> Item {
        self.items().await.into_iter().find(|item| item.id() == target).unwrap_or_else(|| panic!("no {target}"))
    }

    async fn draft(&self, target: &ObjectId, verb: Verb) -> Result<Draft, Blocked> {
        let item = self.item(target).await;
        self.inventory().draft(&item, &ask(&item, verb))
    }

    /// What somebody sees on the card now.
    async fn plan(&self, target: &ObjectId, verb: Verb) -> Plan {
        Plan {
            verb,
            target: target.clone(),
            service: "ledger".into(),
            environment: "prod".into(),
            risk: Risk::High,
            friction: Friction::Enter,
            draft: self.draft(target, verb).await.unwrap(),
            goes_back: false,
            brings_again: false,
            checks: Vec::new(),
            risks: Vec::new(),
            evidence: Evidence { at: self.clock.now(), verdict: None, said: String::new(), sources: Vec::new() },
            then: Vec::new(),
        }
    }

    /// Carries a plan out to its end.
    async fn fly(&self, plan: Plan) -> Record {
        let new = NewRecord::confirmed(self.clock.now(), "dana".into(), Some("errors".into()), plan);
        let Begun::Kept(record, attended) = self.ledger.begin(&new) else { panic!("{new:?}") };
        let host = Host { ledger: &self.ledger, connections: &self.connections, clock: &*self.clock, news: &|_| {} };
        executor::run(record.id, &record.intent, &Secrets::default(), &host).await.unwrap().unwrap();
        drop(attended);
        self.ledger.get(record.id).unwrap().unwrap()
    }

    fn fate(&self, fates: &[Fate]) {
        self.fates.lock().unwrap().extend(fates);
    }

    /// How many calls that change something were sent, and how many of them the system took.
    fn writes(&self) -> (usize, usize) {
        let taken = self.world.look(|world| {
            let writes = world.calls().filter(|call| call.class == Class::Write);
            // Some say that it is done by where to look next.
            let taken = |status: http::StatusCode| status.is_success() || status.is_redirection();
            writes.filter(|call| call.status.is_some_and(taken)).count()
        });
        (*self.tried.lock().unwrap(), taken)
    }
}

/// The ask for a verb, with everything that it asks for.
fn ask(item: &Item, verb: Verb) -> Ask {
    let form = offer_for(item.offers(), verb).map_or(&[][..], |offer| &offer.form);
    let plain = Ask::new(verb, item.id().clone());
    let mut args = plain.args.clone().over(form);
    while let Some(field) = args.missing(form) {
        let answer = match &field.kind {
            Kind::Choice(options) => Answer::OneOf(options[0].clone()),
            Kind::Text | Kind::Number => Answer::Text("7".into()),
            Kind::Flag => Answer::Flag(true),
            Kind::Secret => Answer::Secret,
        };
        let name = field.name.clone();
        args = args.with(&name, answer);
    }
    Ask { args, ..plain }
}

/// Does it ask for words that only somebody who looks can say, as which job? Each system's own tests say them.
fn asks_for_words(offer: &Offer) -> bool {
    offer.form.iter().any(|field| field.required && field.kind == Kind::Text && field.default.is_none())
}

/// Every verb that is open, on every object: never none.
async fn open(case: Case) -> Vec<(ObjectId, Verb)> {
    let items = Stage::new(case).await.items().await;
    let open = |item: &Item| {
        let offers = item.offers().iter().filter(|offer| offer.blocked.is_none() && !asks_for_words(offer));
        offers.map(|offer| (item.id().clone(), offer.verb)).collect::<Vec<_>>()
    };
    let all: Vec<_> = items.iter().flat_map(open).collect();
    assert!(all.len() > 2, "{all:?}");
    all
}

fn end(record: &Record) -> &Reached {
    &record.end().unwrap().stage
}

/// It went as far as it goes by itself.
fn went_well(stage: &Reached) -> bool {
    matches!(stage, Reached::Done { .. } | Reached::Rests { .. })
}

async fn what_is_offered_is_drafted_and_what_is_not_is_said_why_not(case: Case) {
    let stage = Stage::new(case).await;
    for item in stage.items().await {
        let id = item.id();
        for verb in Verb::iter() {
            let offer: Option<&Offer> = offer_for(item.offers(), verb);
            match (stage.inventory().draft(&item, &ask(&item, verb)), offer.map(|offer| &offer.blocked)) {
                (Ok(draft), Some(None)) => {
                    assert!(!draft.expect.all.is_empty() && !draft.undo.is_empty(), "{verb} {id}");
                    assert!(!draft.bound.is_empty() && !draft.effect.is_empty(), "{verb} {id}");
                    assert!(
                        draft.calls().all(|call| !call.words.is_empty() && call.command.contains(' ')),
                        "{verb} {id}"
                    );
                }
                (Err(why), Some(Some(sentence))) => assert_eq!(&why.0, sentence, "{verb} {id}"),
                (Err(why), None) => assert!(why.0.contains(' '), "{verb} {id}: {why}"),
                (draft, offer) => panic!("{verb} {id} is offered as {offer:?} and drafts {draft:?}"),
            }
        }
    }
    assert_eq!(stage.writes(), (0, 0), "nobody asks a system by a draft");
}

/// The same call, forged in each way: another place, another host, another way to write it.
fn forged(call: &WireCall) -> Vec<WireCall> {
    let at = |path: String| WireCall { path, ..call.clone() };
    let path = &call.path;
    let further = if path.contains('?') { "&force=true" } else { "?force=true" };
    let mut all: Vec<WireCall> =
        ["https://elsewhere.test", "//elsewhere.test", "/"].map(|host| at(format!("{host}{path}"))).into();
    all.extend(["x", "/x", "#x", further].map(|end| at(format!("{path}{end}"))));
    let parts: Vec<&str> = path.split('/').collect();
    for place in 1..parts.len() {
        for other in ["other", "..", "%2e%2e", "x/../x"] {
            let mut parts = parts.clone();
            parts[place] = other;
            all.push(at(parts.join("/")));
        }
    }
    let methods = ["DELETE", "PUT", "POST", "PATCH"].into_iter().filter(|method| *method != call.method);
    all.extend(methods.map(|method| WireCall { method: method.to_owned(), ..call.clone() }));
    all.extend(
        ["text/plain", "application/apply-patch+yaml"].map(|it| WireCall { content_type: it.into(), ..call.clone() }),
    );
    all.push(WireCall { body: "{}".into(), ..call.clone() });
    let body = match serde_json::from_str(call.body.shown()) {
        Ok(Value::Array(mut operations)) => {
            operations.push(json!({"op": "replace", "path": "/spec/replicas", "value": 0}));
            Value::Array(operations)
        }
        Ok(Value::Object(mut body)) => {
            body.insert("finalizers".to_owned(), json!([]));
            Value::Object(body)
        }
        _ => json!({"force": true}),
    };
    all.push(WireCall { body: body.to_string().into(), ..call.clone() });
    all
}

async fn every_call_that_is_drafted_passes_and_no_other_does(case: Case) {
    let stage = Stage::new(case).await;
    let inventory = stage.inventory();
    for (target, verb) in open(case).await {
        let draft = stage.draft(&target, verb).await.unwrap();
        for step in &draft.steps {
            let checked = |call: &WireCall, target: &ObjectId, verb| {
                check(&Step::new(target, call.clone()), verb, &inventory.shapes(target, verb))
            };
            assert_eq!(checked(&step.call, &target, verb), Ok(()), "{verb}: {}", step.call.line());
            for forged in forged(&step.call) {
                assert!(checked(&forged, &target, verb).is_err(), "{verb}: {}", forged.line());
            }
            // Whose object it is and which one; behind that stands only where within it.
            let parts: Vec<&str> = target.path.split('/').collect();
            for place in 0..parts.len().min(3) {
                for other in ["other", "..", "%2e%2e", "", "x/y"] {
                    let mut parts = parts.clone();
                    parts[place] = other;
                    let other = ObjectId::new(&target.source, target.family.as_str(), parts.join("/"));
                    assert!(checked(&step.call, &other, verb).is_err(), "{verb} of {other}");
                }
            }
            let elsewhere = ObjectId::new(&target.source, "flag", &target.path);
            assert!(checked(&step.call, &elsewhere, verb).is_err(), "{verb} of {elsewhere}");
        }
        let offered: BTreeSet<Verb> = stage.item(&target).await.offers().iter().map(|offer| offer.verb).collect();
        for other in Verb::iter().filter(|verb| !offered.contains(verb)) {
            let passes = draft.steps.iter().any(|step| check(step, other, &inventory.shapes(&target, other)).is_ok());
            assert!(!passes, "{verb} of {target} goes out as {other}");
        }
    }
}

async fn an_act_is_sent_once_and_followed_until_what_it_expects_is_seen(case: Case) {
    for (target, verb) in open(case).await {
        let stage = Stage::new(case).await;
        let plan = stage.plan(&target, verb).await;
        let calls = plan.draft.steps.len();
        let record = stage.fly(plan).await;
        assert!(went_well(end(&record)), "{verb} {target}: {:?}", record.entries);
        assert_eq!(stage.writes(), (calls, calls), "{verb} {target}");
    }
}

async fn what_was_done_is_not_done_once_more_from_the_same_card(case: Case) {
    for (target, verb) in open(case).await {
        let stage = Stage::new(case).await;
        let plan = stage.plan(&target, verb).await;
        stage.fly(plan.clone()).await;
        let (_, taken) = stage.writes();
        if case.stays.contains(&verb) {
            // What it acts on is as it was, and what it makes is another one each time: the card is what stands between.
            continue;
        }
        let again = stage.fly(plan).await;
        assert_eq!(stage.writes().1, taken, "{verb} {target}: {:?}", again.entries);
        assert!(!matches!(end(&again), Reached::Unknown { .. }), "{verb} {target}: {:?}", again.entries);
    }
}

async fn what_moved_since_the_card_is_left_alone(case: Case) {
    for (target, verb) in open(case).await {
        if case.stays.contains(&verb) {
            continue;
        }
        let stage = Stage::with(case, case.moves).await;
        let plan = stage.plan(&target, verb).await;
        stage.clock.sleep(Duration::from_mins(5)).await;
        let record = stage.fly(plan).await;
        assert_eq!(stage.writes().1, 0, "{verb} {target}: {:?}", record.entries);
        match end(&record) {
            Reached::Refused { why, changed: true } => assert!(why.ends_with("nothing was sent"), "{why}"),
            // Bound to no state, for it may go from one to the next: then the system says that it has ended.
            Reached::Failed { why, .. } if verb == Verb::Cancel => {
                assert!(why.ends_with("nothing was changed"), "{why}");
            }
            other => panic!("{verb} {target}: {other:?}"),
        }
    }
}

async fn what_a_system_refuses_fails_in_a_sentence_and_is_not_sent_again(case: Case) {
    for (target, verb) in open(case).await {
        let stage = Stage::new(case).await;
        let plan = stage.plan(&target, verb).await;
        stage.fate(&[Fate::Refused]);
        let record = stage.fly(plan).await;
        let Reached::Failed { why, fault } = end(&record) else { panic!("{verb} {target}: {:?}", record.entries) };
        assert_eq!((fault, stage.writes()), (&Some(FaultKind::Forbidden), (1, 0)), "{verb} {target}: {why}");
        assert!(why.ends_with("; nothing was changed") && why.contains(' '), "{verb} {target}: {why}");
    }
}

async fn an_answer_that_is_lost_is_looked_for_and_nothing_is_sent_again(case: Case) {
    for (target, verb) in open(case).await {
        let stage = Stage::new(case).await;
        let plan = stage.plan(&target, verb).await;
        let gives = plan.draft.calls().any(|call| !call.gives.is_empty());
        // What a call alone brings about is looked for, and where that shows, the next one goes.
        let calls = if plan.draft.steps[0].expect.is_some() { plan.draft.steps.len() } else { 1 };
        stage.fate(&[Fate::Unanswered]);
        let record = stage.fly(plan).await;
        assert_eq!(stage.writes(), (calls, calls), "{verb} {target}: {:?}", record.entries);
        match end(&record) {
            Reached::Unknown { check } if gives => {
                assert!(check.starts_with("call 1 has no answer, which would tell what it made"), "{check}");
            }
            stage => assert!(!gives && went_well(stage), "{verb} {target}: {:?}", record.entries),
        }
    }
}

async fn a_call_of_which_nothing_is_seen_ends_as_unknown_with_what_to_check(case: Case) {
    for (target, verb) in open(case).await {
        let stage = Stage::new(case).await;
        let plan = stage.plan(&target, verb).await;
        let command = plan.draft.steps[0].call.command.clone();
        stage.fate(&[Fate::Lost]);
        let record = stage.fly(plan).await;
        let Reached::Unknown { check } = end(&record) else { panic!("{verb} {target}: {:?}", record.entries) };
        assert!(check.contains(&format!("look at {target} ")) && check.contains(&command), "{check}");
        assert_eq!(stage.writes(), (1, 0), "{verb} {target}: {check}");
    }
}

async fn a_step_whose_condition_does_not_hold_is_left_out_and_said(case: Case) {
    for (target, verb) in open(case).await {
        let stage = Stage::new(case).await;
        let mut plan = stage.plan(&target, verb).await;
        plan.draft.steps[0].when = vec![Expect::is("approvals", 2)];
        let record = stage.fly(plan).await;
        let skipped = record.entries.iter().any(|entry| matches!(&entry.stage, Reached::Skipped { call: 0, .. }));
        let Reached::Refused { why, changed: true } = end(&record) else {
            panic!("{verb} {target}: {:?}", record.entries)
        };
        assert!(
            skipped && why.starts_with("left out: ") && why.ends_with("; nothing was sent"),
            "{verb} {target}: {why}"
        );
        assert_eq!(stage.writes(), (0, 0), "{verb} {target}");
    }
}

/// An act that holds something, and its stage.
async fn holding(case: Case) -> (Stage, Plan) {
    let all = open(case).await;
    let of = |wanted: Verb| all.iter().filter(move |(_, verb)| *verb == wanted).map(|(target, _)| target);
    let (stage, mut plan, step) = match case.owes {
        Owes::Undo(verb, back) => {
            // What lets go of it can be drafted only where it is held.
            let (target, held) = (of(verb).next().unwrap(), Stage::new(case).await);
            held.fly(held.plan(target, verb).await).await;
            let step = held.draft(target, back).await.unwrap().steps.remove(0);
            // All stages of a test share the time that passes.
            let stage = Stage::new(case).await;
            let plan = stage.plan(target, verb).await;
            (stage, plan, step)
        }
        Owes::Another(verb) => {
            let mut both = of(verb);
            let (one, other) = (both.next().unwrap(), both.next().unwrap());
            let stage = Stage::new(case).await;
            let step = stage.draft(other, verb).await.unwrap().steps.remove(0);
            let plan = stage.plan(one, verb).await;
            (stage, plan, step)
        }
    };
    let words = "it is held".to_owned();
    plan.draft.obligations = vec![Obligation { after: 0, due: Due::AtEnd, owner: Some("dana".into()), words, step }];
    (stage, plan)
}

async fn what_is_owed_ends_with_the_act_or_stays_owed_and_is_said(case: Case) {
    let (stage, plan) = holding(case).await;
    let record = stage.fly(plan).await;
    let released = record.entries.iter().any(|entry| matches!(entry.stage, Reached::Released { obligation: 0, .. }));
    assert!(went_well(end(&record)) && released, "{:?}", record.entries);
    assert_eq!((stage.writes(), record.owed()), ((2, 2), Vec::new()));

    for (fate, taken) in [(Fate::Refused, 1), (Fate::Lost, 1), (Fate::Unanswered, 2)] {
        let (stage, plan) = holding(case).await;
        stage.fate(&[Fate::Arrives, fate]);
        let record = stage.fly(plan).await;
        let said = end(&record).said();
        assert!(went_well(end(&record)) && said.ends_with("; still held: it is held (dana)"), "{fate:?}: {said}");
        assert_eq!((stage.writes(), record.owed()), ((2, taken), vec![0]), "{fate:?}");
    }
}
