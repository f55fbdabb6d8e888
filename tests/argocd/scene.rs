//! The world of these tests: a pretended Argo CD on a virtual clock with our client over it, and a transport that says what it was told to.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use holdshort::{
    demo::{scenario::Scenario, shared::SharedWorld, transport::transport as over_world, world::World},
    domain::{
        evidence::Evidence, item::Item, offer::Risk, offer::offer_for, rollout::Rollout, service::Environment,
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
        plan::{Ask, Blocked, Draft, Friction, Plan},
        record::{NewRecord, Record},
        secrets::Secrets,
        wire::{Class, Transport},
    },
    provider::{
        argocd::{self, Chosen, Settings},
        http::{Layers, layered},
    },
    runtime::{
        clock::VirtualClock,
        executor::{self, Host},
    },
};
use http::Response;
use serde_json::Value;

pub(crate) use crate::diary::{Diary, HandClock, transport};
use crate::inventory::Listing;

pub(crate) const SCENARIO: &str = include_str!("../../examples/scenarios/argocd.toml");

/// One answer: status, content type, body.
pub(crate) type Said = (u16, &'static str, Value);

/// A transport that says what stands under the first of these that the path (without its query) ends with; to all else 404.
pub(crate) fn saying(diary: &Diary, answers: Vec<(&'static str, Said)>) -> Transport {
    transport(diary, move |request| {
        let found = answers.iter().find(|(path, _)| request.uri().path().ends_with(path)).map(|(_, said)| said.clone());
        let nothing = serde_json::json!({"error": "Not Found", "code": 5, "message": "Not Found"});
        let (status, kind, body) = found.unwrap_or((404, "application/json", nothing));
        let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        Ok(Response::builder().status(status).header("content-type", kind).body(Bytes::from(text)).unwrap())
    })
}

/// What is configured of an Application, or of a project: `PROJECT/NAME`, `PROJECT/*`. `prod-eu` is `prod/eu-west-1`.
pub(crate) fn chosen(name: &str) -> Chosen {
    let (project, name) = name.split_once('/').unwrap();
    let prod = Environment { name: "prod/eu-west-1".into(), risk: Risk::High };
    Chosen {
        project: Some(project.to_owned()),
        namespace: None,
        name: (name != "*").then(|| name.to_owned()),
        service: name.strip_suffix("-prod").map(Into::into),
        environments: BTreeMap::from([("prod-eu".to_owned(), prod)]),
    }
}

/// Our client for these.
pub(crate) fn connect(transport: Transport, applications: Vec<Chosen>, clock: &SharedClock) -> Connection {
    let settings = Settings {
        name: "cd".into(),
        address: "https://cd.example.com".to_owned(),
        applications,
        interval: Duration::from_secs(30),
    };
    argocd::over(transport, settings, Arc::clone(clock))
}

/// Our client at work on a pretended Argo CD.
pub(crate) struct Scene {
    pub(crate) world: SharedWorld,
    pub(crate) clock: SharedClock,
    connections: [Connection; 1],
    ledger: Arc<Ledger>,
}

impl Scene {
    /// The built-in scenario, with TOML behind it.
    pub(crate) fn new(extra: &str) -> Self {
        let text = format!("{SCENARIO}\n{extra}");
        Self::of(
            &text,
            ["payments-prod", "search-prod", "ledger-prod", "till-eu"]
                .map(|name| chosen(&format!("shop/{name}")))
                .to_vec(),
        )
    }

    pub(crate) fn of(text: &str, applications: Vec<Chosen>) -> Self {
        let scenario = Scenario::parse("argocd", text).unwrap();
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
        let world = SharedWorld::new(World::new(&scenario).unwrap());
        let leaf = over_world(world.clone(), clock.clone(), "/argocd");
        let over = layered(leaf, Layers::new("cd".into()), clock.clone());
        let connections = [connect(over, applications, &clock)];
        let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::in_memory().unwrap());
        let (ledger, _) = Ledger::open(move || Ok(Arc::clone(&journal)), Spool::new(Vec::new()));
        Self { world, clock, connections, ledger: Arc::new(ledger) }
    }

    pub(crate) fn inventory(&self) -> &dyn Inventory {
        &*self.connections[0].inventories[0]
    }

    pub(crate) async fn pass(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// The Application of this name, from a new list.
    pub(crate) async fn app(&self, name: &str) -> Rollout {
        let all = self.inventory().rollouts().await.unwrap();
        all.into_iter().find(|one| one.id.path.ends_with(&format!("/{name}"))).unwrap_or_else(|| panic!("no {name}"))
    }

    pub(crate) fn draft(&self, rollout: &Rollout, ask: &Ask) -> Result<Draft, Blocked> {
        self.inventory().draft_for(rollout, ask)
    }

    /// What somebody sees on the card, carried out to its end.
    pub(crate) async fn fly(&self, rollout: &Rollout, ask: &Ask) -> Record {
        let draft = self.draft(rollout, ask).unwrap();
        self.carry_out(rollout, ask, draft).await
    }

    pub(crate) async fn carry_out(&self, rollout: &Rollout, ask: &Ask, draft: Draft) -> Record {
        let plan = Plan {
            verb: ask.verb,
            target: rollout.id.clone(),
            service: rollout.service.clone(),
            environment: rollout.environment.clone(),
            risk: Risk::High,
            friction: Friction::Enter,
            draft,
            goes_back: false,
            brings_again: false,
            checks: Vec::new(),
            risks: Vec::new(),
            evidence: Evidence { at: self.clock.now(), verdict: None, said: String::new(), sources: Vec::new() },
            then: Vec::new(),
        };
        let new = NewRecord::confirmed(self.clock.now(), "dana".into(), ask.reason.clone(), plan).asked(ask);
        let Begun::Kept(record, attended) = self.ledger.begin(&new) else { panic!("{new:?}") };
        let host = Host { ledger: &self.ledger, connections: &self.connections, clock: &*self.clock, news: &|_| {} };
        executor::run(record.id, &record.intent, &Secrets::default(), &host).await.unwrap().unwrap();
        drop(attended);
        self.ledger.get(record.id).unwrap().unwrap()
    }

    /// What of a record is held now.
    pub(crate) fn owed(&self, record: &Record) -> Vec<usize> {
        self.ledger.get(record.id).unwrap().unwrap().owed()
    }

    /// What changed something, as `METHOD path`.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.world.look(|world| {
            let writes = world.calls().filter(|call| call.class == Class::Write);
            writes.map(|call| format!("{} {}", call.method, call.path)).collect()
        })
    }

    /// How many requests there were.
    pub(crate) fn asked(&self) -> usize {
        self.world.look(|world| world.calls().count())
    }
}

/// An ask, with what its form is before anybody answers.
pub(crate) fn ask(verb: Verb, rollout: &Rollout) -> Ask {
    let item = Item::from(rollout.clone());
    let form = offer_for(item.offers(), verb).map(|offer| offer.form.clone()).unwrap_or_default();
    let plain = Ask::new(verb, rollout.id.clone());
    Ask { args: plain.args.over(&form), reason: Some("errors".to_owned()), ..plain }
}

/// Why a verb is not open; nothing where it is.
pub(crate) fn blocked(rollout: &Rollout, verb: Verb) -> Option<String> {
    offer_for(&rollout.offers, verb).unwrap().blocked.clone()
}
