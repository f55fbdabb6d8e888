//! The scenario `flagger` with the engine over it, and an executor for what is confirmed.

use std::{sync::Arc, time::Duration};

use holdshort::{
    demo::{scenario::Scenario, shared::SharedWorld, transport::transport, world::World},
    domain::{
        evidence::Evidence,
        form::Args,
        ids::SourceName,
        item::Item,
        offer::{Risk, offer_for},
        rollout::Rollout,
        verb::Verb,
        version::Version,
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
        record::{NewRecord, Record, Stage},
        secrets::Secrets,
        wire::Class,
    },
    provider::{
        flagger,
        http::{Layers, layered},
        kubernetes::{Cluster, Scope},
    },
    runtime::{
        clock::VirtualClock,
        executor::{self, Host},
    },
};

use crate::inventory::Listing;

const SCENARIO: &str = include_str!("../../examples/scenarios/flagger.toml");

pub(crate) struct Scene {
    pub(crate) world: SharedWorld,
    pub(crate) clock: SharedClock,
    connections: Vec<Connection>,
    ledger: Arc<Ledger>,
}

impl Scene {
    /// The scenario after so long; `extra` is TOML that is put into its cluster's script.
    pub(crate) async fn after(minutes: u64, extra: &str) -> Self {
        let (before, after) = SCENARIO.split_once("[[systems.script]]").unwrap();
        Self::of(&format!("{before}{extra}\n[[systems.script]]{after}"), minutes).await
    }

    /// The scenario with another text of its own.
    pub(crate) async fn of(text: &str, minutes: u64) -> Self {
        let scenario = Scenario::parse("flagger", text).unwrap();
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
        let world = SharedWorld::new(World::new(&scenario).unwrap());
        let name = SourceName::new("kubernetes-eu");
        let leaf = transport(world.clone(), clock.clone(), "/kubernetes/eu");
        let wire = layered(leaf, Layers::new(name.clone()), clock.clone());
        let scope = Scope::new(name.clone(), "prod/eu-west-1".into(), Risk::High, vec!["shop".to_owned()]);
        let mut connection = Connection::new(name, "kubernetes", Duration::from_secs(5));
        connection.inventories.push(flagger::facet(Cluster::new(wire, scope, clock.clone())));
        let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::in_memory().unwrap());
        let (ledger, _) = Ledger::open(move || Ok(Arc::clone(&journal)), Spool::new(Vec::new()));
        let scene = Self { world, clock, connections: vec![connection], ledger: Arc::new(ledger) };
        scene.pass(minutes * 60).await;
        scene
    }

    pub(crate) async fn pass(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    fn inventory(&self) -> &dyn Inventory {
        &*self.connections[0].inventories[0]
    }

    /// Everything, and what could not be read.
    pub(crate) async fn look(&self) -> (Vec<Rollout>, Vec<String>) {
        let (items, unread) = self.inventory().look().await;
        let all = items.iter().filter_map(Item::rollout).cloned().collect();
        (all, unread.into_iter().filter(|one| !one.is_empty()).collect())
    }

    pub(crate) async fn canary(&self, name: &str) -> Rollout {
        let all = self.look().await.0;
        all.into_iter().find(|one| one.id.path == format!("shop/{name}")).unwrap_or_else(|| panic!("no {name}"))
    }

    pub(crate) async fn draft(&self, name: &str, verb: Verb, to: Option<&str>) -> Result<Draft, Blocked> {
        let rollout = self.canary(name).await;
        let mut ask = Ask::new(verb, rollout.id.clone());
        ask.args = Args::back_to(to);
        self.inventory().draft(&rollout.into(), &ask)
    }

    /// What is drawn up now, carried out to its end. Its record.
    pub(crate) async fn fly(&self, name: &str, verb: Verb, to: Option<&str>) -> Record {
        let draft = self.draft(name, verb, to).await.unwrap_or_else(|why| panic!("{name}, {verb}: {why}"));
        let target = self.canary(name).await.id;
        let plan = Plan {
            verb,
            target,
            service: name.into(),
            environment: "prod/eu-west-1".into(),
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
        let new = NewRecord::confirmed(self.clock.now(), "dana".into(), Some("errors".into()), plan);
        let Begun::Kept(record, attended) = self.ledger.begin(&new) else { panic!("{new:?}") };
        let host = Host { ledger: &self.ledger, connections: &self.connections, clock: &*self.clock, news: &|_| {} };
        executor::run(record.id, &record.intent, &Secrets::default(), &host).await.unwrap().unwrap();
        drop(attended);
        self.ledger.get(record.id).unwrap().unwrap()
    }

    /// The mutations that the world took, in order: method and path without what stands before the object.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.world.look(|world| {
            let writes = world
                .calls()
                .filter(|call| call.class == Class::Write && call.status.is_some_and(|it| it.is_success()));
            let short = |path: &str| {
                let path = path.split('?').next().unwrap_or_default().to_owned();
                path.rsplit_once("/namespaces/shop/").map_or(path.clone(), |(_, rest)| rest.to_owned())
            };
            writes.map(|call| format!("{} {}", call.method, short(&call.path))).collect()
        })
    }
}

/// How a record ended, and what of that which it owed was ended.
pub(crate) fn end(record: &Record) -> (Stage, Vec<String>) {
    let released = record.entries.iter().filter_map(|entry| match &entry.stage {
        Stage::Released { said, .. } => Some(said.clone()),
        _ => None,
    });
    (record.end().unwrap().stage.clone(), released.collect())
}

pub(crate) fn done(said: &str) -> Stage {
    Stage::Done { said: said.to_owned() }
}

/// What was promoted last and what is on its way, by tag.
pub(crate) fn tags(rollout: &Rollout) -> [String; 2] {
    let tag = |version: Option<&Version>| version.map_or_else(String::new, |version| version.tag.clone());
    [tag(rollout.stable.as_ref()), tag(rollout.canary.as_ref())]
}

/// Why a verb is refused; `None` where it is open.
pub(crate) fn refused(rollout: &Rollout, verb: Verb) -> Option<String> {
    offer_for(&rollout.offers, verb).unwrap_or_else(|| panic!("{verb} is not offered")).blocked.clone()
}
