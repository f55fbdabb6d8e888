//! The built-in world with the engines over it: the layers, the transport and the clock that a demo has.

use crate::inventory::{Change, Listing};
use holdshort::port::inventory::Inventory;
use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use holdshort::{
    demo::{scenario::Scenario, shared::SharedWorld, transport::transport, world::World},
    domain::{
        ids::SourceName, observed::FaultKind, offer::Risk, rollout::Rollout, time::after, verb::Verb, version::Version,
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        fill::Supplies,
        plan::{Ask, Blocked, Draft, Expect, Facts, Reading, Sent, WireCall},
        shape::{Checked, check},
        step::Step,
        wire::Class,
    },
    provider::{
        http::{Layers, layered},
        kubernetes::{Cluster, Scope, scope::Pairing},
    },
    runtime::clock::VirtualClock,
};
use http::{Method, StatusCode};
use strum::IntoEnumIterator;

const SCENARIO: &str = include_str!("two_engines.toml");

/// One engine, and its object in the scenario.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) family: &'static str,
    pub(crate) facet: fn(Arc<Cluster>) -> Arc<dyn Inventory>,
    pub(crate) name: &'static str,
    /// The version that ran well before, and the one that does not arrive.
    pub(crate) good: &'static str,
    pub(crate) bad: &'static str,
}

pub(crate) struct Stage {
    pub(crate) case: Case,
    pub(crate) world: SharedWorld,
    pub(crate) clock: SharedClock,
    pub(crate) facet: Arc<dyn Inventory>,
}

/// The scenario with these lists of its cluster empty.
fn without(lists: &[&str]) -> Scenario {
    let mut scenario: toml::Table = SCENARIO.parse().unwrap();
    for list in lists {
        let mut table = scenario["systems"][0].as_table_mut().unwrap();
        let (within, name) = list.rsplit_once('.').unwrap_or(("", list));
        for part in within.split('.').filter(|part| !part.is_empty()) {
            table = table[part].as_table_mut().unwrap();
        }
        table.insert(name.to_owned(), toml::Value::Array(Vec::new()));
    }
    Scenario::parse("contract", &scenario.to_string()).unwrap()
}

impl Stage {
    /// The scenario at its start, when all is well. `extra` is TOML that is put after it: faults, further deeds.
    pub(crate) fn new(case: Case, extra: &str) -> Self {
        Self::of(case, &Scenario::parse("contract", &format!("{SCENARIO}\n{extra}")).unwrap())
    }

    fn of(case: Case, scenario: &Scenario) -> Self {
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
        let world = SharedWorld::new(World::new(scenario).unwrap());
        let leaf = transport(world.clone(), clock.clone(), "/kubernetes/eu");
        let name = SourceName::new("kubernetes-eu");
        let transport = layered(leaf, Layers::new(name.clone()), clock.clone());
        let mut scope = Scope::new(name, "prod/eu-west-1".into(), Risk::High, vec!["shop".to_owned()]);
        // As somebody declares them who has such a Service.
        let deployments = ["web-blue".to_owned(), "web-green".to_owned()];
        scope.pairs.insert("shop/web".to_owned(), Pairing { deployments, switch: Some("slot".to_owned()) });
        let facet = (case.facet)(Cluster::new(transport, scope, clock.clone()));
        Self { case, world, clock, facet }
    }

    /// The scenario without its release: nothing happens but what the test does.
    pub(crate) async fn at_rest(case: Case) -> (Self, Rollout) {
        let stage = Self::of(case, &without(&["script"]));
        let rollout = stage.rollout().await;
        assert!(!rollout.in_flight());
        (stage, rollout)
    }

    /// At rest, or in flight. One at a time: all stages of a test share the time that passes.
    pub(crate) async fn when(case: Case, in_flight: bool) -> (Self, Rollout) {
        if in_flight { Self::in_flight(case, "").await } else { Self::at_rest(case).await }
    }

    /// The scenario in a cluster without the custom kinds of Argo Rollouts.
    pub(crate) fn without_crds(case: Case) -> Self {
        Self::of(case, &without(&["script", "cluster.rollouts", "cluster.crds"]))
    }

    /// Two minutes later: the bad version is as far in as it comes.
    pub(crate) async fn in_flight(case: Case, extra: &str) -> (Self, Rollout) {
        let stage = Self::new(case, extra);
        stage.pass(Duration::from_mins(2)).await;
        let rollout = stage.rollout().await;
        assert_eq!((rollout.in_flight(), tag(rollout.canary.as_ref())), (true, case.bad));
        assert_eq!(tag(rollout.stable.as_ref()), case.good);
        (stage, rollout)
    }

    /// Virtual time passes.
    pub(crate) async fn pass(&self, span: Duration) {
        self.clock.sleep(span).await;
    }

    /// The case's object, from a new list.
    pub(crate) async fn rollout(&self) -> Rollout {
        self.facet.rollouts().await.unwrap().into_iter().find(|rollout| self.is_mine(rollout)).unwrap()
    }

    pub(crate) fn is_mine(&self, rollout: &Rollout) -> bool {
        rollout.id.path == format!("shop/{}", self.case.name)
    }

    pub(crate) async fn read(&self, rollout: &Rollout) -> Reading {
        self.facet.read(&rollout.id).await.unwrap()
    }

    pub(crate) fn draft(&self, rollout: &Rollout, verb: Verb) -> Result<Draft, Blocked> {
        let target = rollout.id.clone();
        self.facet.draft_for(rollout, &Ask::new(verb, target))
    }

    /// Sends a call of any verb that can draft it.
    pub(crate) async fn send(
        &self,
        rollout: &Rollout,
        call: &WireCall,
        revision: Option<&str>,
    ) -> Result<Sent, ProviderError> {
        let (step, actor): (_, &dyn Inventory) = (Step::new(&rollout.id, call.clone()), &*self.facet);
        let shapes = |verb| actor.shapes(&rollout.id, verb);
        let verb = Verb::iter().find(|verb| check(&step, *verb, &shapes(*verb)).is_ok()).unwrap();
        let checked = Checked::of(&step, verb, actor, &Supplies::revision(revision));
        let checked = checked.map_err(|why| ProviderError::new(FaultKind::Rejected, why.to_string()))?;
        self.facet.send(checked).await
    }

    /// Reads, compares what the draft is bound to, and sends its calls, each with the revision that came last.
    pub(crate) async fn carry_out(&self, rollout: &Rollout, draft: &Draft) {
        let Reading { facts, mut revision } = self.read(rollout).await;
        let bound: Facts = draft.bound.keys().map(|name| (name.clone(), facts[name].clone())).collect();
        assert_eq!(bound, draft.bound);
        for call in draft.calls() {
            revision = self.send(rollout, call, revision.as_deref()).await.unwrap().revision;
        }
    }

    /// What of the expectation does not hold when the time for it is over; looks again at every change.
    pub(crate) async fn misses(&self, rollout: &Rollout, draft: &Draft) -> Vec<String> {
        let end = after(self.clock.now(), draft.expect.within);
        let mut changes = self.facet.changes();
        loop {
            let facts = self.read(rollout).await.facts;
            let open: Vec<_> = draft.expect.all.iter().filter(|expect| !expect.holds(&facts)).collect();
            let rests = !draft.expect.rests.is_empty() && draft.expect.rests.iter().all(|expect| expect.holds(&facts));
            if rests {
                // It is under way, and waits where the plan said that it would.
                return Vec::new();
            }
            if open.is_empty() || self.clock.now() > end {
                return open.into_iter().map(Expect::to_string).collect();
            }
            changes.next().await.unwrap().unwrap();
        }
    }

    /// The calls that changed something, and those that were refused because the object had moved.
    pub(crate) fn writes(&self) -> (usize, usize) {
        self.world.look(|world| {
            let writes = world.calls().filter(|call| call.class == Class::Write).count();
            let conflicts = world.calls().filter(|call| call.status == Some(StatusCode::CONFLICT)).count();
            (writes, conflicts)
        })
    }

    /// How many patches the world was sent, whatever became of them.
    pub(crate) fn patches(&self) -> usize {
        self.world.look(|world| world.calls().filter(|call| call.method == Method::PATCH).count())
    }

    /// How many watches were opened.
    pub(crate) fn streams(&self) -> usize {
        self.world.look(|world| world.calls().filter(|call| call.class == Class::Stream).count())
    }

    /// Follows until a change of the case's object is as wanted; what else it is told on the way does not matter.
    pub(crate) async fn until(&self, wanted: impl Fn(&Rollout) -> bool) -> Option<Rollout> {
        let mut changes = self.facet.changes();
        let end = after(self.clock.now(), Duration::from_mins(5));
        while self.clock.now() < end {
            let told = match changes.next().await.unwrap().unwrap() {
                Change::All(all) => all,
                Change::One(one) => vec![*one],
                Change::Gone(_) | Change::Alive | Change::Unread(_) => continue,
            };
            if let Some(found) = told.into_iter().find(|rollout| self.is_mine(rollout) && wanted(rollout)) {
                return Some(found);
            }
        }
        None
    }
}

pub(crate) fn tag(version: Option<&Version>) -> &str {
    version.map_or("", |version| version.tag.as_str())
}

/// The path that a call patches, without its query.
pub(crate) fn patched(call: &WireCall) -> &str {
    call.path.split('?').next().unwrap_or_default()
}
