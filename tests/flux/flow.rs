//! The pretended controllers with the engine over them: the layers, the transport and the clock that a demo has.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use holdshort::{
    demo::{scenario::Scenario, shared::SharedWorld, transport::transport, world::World},
    domain::{
        form::{Args, Value},
        ids::SourceName,
        offer::Risk,
        rollout::{Arm, Phase, Rollout},
        verb::Verb,
        version::Version,
    },
    port::{
        clock::SharedClock,
        fill::Supplies,
        inventory::Inventory,
        plan::{Ask, Draft, Facts},
        shape::Checked,
    },
    provider::{
        deployment, flux,
        http::{Layers, layered},
        kubernetes::{Cluster, Scope},
    },
    runtime::clock::VirtualClock,
};

use crate::inventory::Listing;

struct Stage {
    clock: SharedClock,
    cluster: Arc<Cluster>,
}

impl Stage {
    /// The scenario as it is when a demo of it opens.
    fn open() -> Self {
        let scenario = Scenario::load("flux").unwrap();
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.opens()));
        let world = SharedWorld::new(World::new(&scenario).unwrap());
        let leaf = transport(world.clone(), clock.clone(), "/kubernetes/eu");
        let name = SourceName::new("kubernetes-eu");
        let transport = layered(leaf, Layers::new(name.clone()), clock.clone());
        let namespaces = vec!["flux-system".to_owned(), "shop".to_owned()];
        let scope = Scope::new(name, "prod/eu-west-1".into(), Risk::High, namespaces);
        Self { cluster: Cluster::new(transport, scope, clock.clone()), clock }
    }

    fn facet(&self, of: fn(Arc<Cluster>) -> Arc<dyn Inventory>) -> Arc<dyn Inventory> {
        of(self.cluster.clone())
    }

    /// Sends what was drawn up, each call once what was to come of the one before it is there; whether it came to a good end.
    async fn carry_out(&self, facet: &dyn Inventory, rollout: &Rollout, draft: &Draft, verb: Verb) -> bool {
        let bound =
            |facts: &Facts| -> Facts { draft.bound.keys().map(|name| (name.clone(), facts[name].clone())).collect() };
        for step in &draft.steps {
            let reading = facet.read(&rollout.id).await.unwrap();
            assert_eq!(bound(&reading.facts), draft.bound);
            let call = Checked::of(step, verb, facet, &Supplies::revision(reading.revision.as_deref())).unwrap();
            facet.send(call).await.unwrap();
            if let Some(expect) = &step.expect
                && !self.comes_true(facet, rollout, expect).await
            {
                return false;
            }
        }
        self.comes_true(facet, rollout, &draft.expect).await
    }

    async fn comes_true(
        &self,
        facet: &dyn Inventory,
        rollout: &Rollout,
        expect: &holdshort::port::plan::Expectation,
    ) -> bool {
        let end = self.clock.now() + expect.within;
        while self.clock.now() < end {
            let facts = facet.read(&rollout.id).await.unwrap().facts;
            if expect.all.iter().all(|one| one.holds(&facts)) {
                return true;
            }
            if expect.fails_if.iter().any(|one| one.holds(&facts)) {
                return false;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
        let facts = facet.read(&rollout.id).await.unwrap().facts;
        panic!("{:?} of {facts:?}", expect.all);
    }
}

async fn called(facet: &dyn Inventory, path: &str) -> Rollout {
    facet.rollouts().await.unwrap().into_iter().find(|rollout| rollout.id.path == path).unwrap()
}

fn ask(verb: Verb, rollout: &Rollout, fields: &[&str]) -> Ask {
    let args = fields.iter().fold(Args::none(), |args, name| args.with(name, Value::Flag(true)));
    Ask { args, ..Ask::new(verb, rollout.id.clone()) }
}

#[tokio::test(start_paused = true)]
async fn the_scenario_opens_with_what_it_says() {
    let stage = Stage::open();
    let applied = stage.facet(flux::kustomizations);
    let checkout = called(&*applied, "flux-system/checkout").await;
    assert_eq!(
        (checkout.phase, checkout.held, checkout.message.as_deref()),
        (Phase::Paused, true, Some("suspended by kim"))
    );
    assert_eq!(checkout.stable.as_ref().and_then(Version::short_commit).as_deref(), Some("9f8e7d6"));
    let age = stage.clock.now() - checkout.pause.unwrap().since.unwrap();
    assert_eq!(age.num_days(), 3);
    let search = called(&*applied, "flux-system/search").await;
    assert_eq!((search.phase, search.in_flight()), (Phase::Progressing, true));
    let charts = stage.facet(flux::helm_releases);
    let cart = called(&*charts, "shop/cart").await;
    let said = "taken back by Flux, 2.1.0 serves: Helm rollback to previous release shop/cart.v2 with chart cart@2.1.0 succeeded";
    assert_eq!((cart.phase, cart.message.as_deref(), cart.aborted_in_spec), (Phase::Aborted, Some(said), true));
    let numbers: Vec<_> =
        cart.arms.iter().map(|arm| (arm.tag(), arm.revision, arm.earlier_revisions.clone())).collect();
    assert_eq!(numbers, [("2.1.0".to_owned(), Some(4), vec![2]), ("2.2.0".to_owned(), Some(3), vec![])]);
    let sessions = called(&*charts, "shop/sessions").await;
    assert_eq!((sessions.phase, sessions.in_flight()), (Phase::Healthy, false));
    let tags = called(&*stage.facet(flux::automations), "flux-system/tags").await;
    assert_eq!(tags.phase, Phase::Healthy);
}

#[tokio::test(start_paused = true)]
async fn resuming_applies_what_was_pushed_meanwhile_and_the_deployment_follows() {
    let stage = Stage::open();
    let (applied, pods) = (stage.facet(flux::kustomizations), stage.facet(deployment::facet));
    let checkout = called(&*applied, "flux-system/checkout").await;
    assert_eq!(called(&*pods, "shop/checkout").await.canary.unwrap().tag, "1.41.3");
    let draft = applied.draft_for(&checkout, &ask(Verb::Resume, &checkout, &[])).unwrap();
    assert_eq!(draft.effect, "applies at once what its source holds: main (b1b2c3d)");
    assert!(stage.carry_out(&*applied, &checkout, &draft, Verb::Resume).await);
    let after = called(&*applied, "flux-system/checkout").await;
    assert_eq!((after.held, after.phase, after.in_flight()), (false, Phase::Healthy, false));
    assert_eq!(called(&*pods, "shop/checkout").await.canary.unwrap().tag, "1.42.1");
}

#[tokio::test(start_paused = true)]
async fn suspending_leaves_everything_as_it_runs() {
    let stage = Stage::open();
    let charts = stage.facet(flux::helm_releases);
    let sessions = called(&*charts, "shop/sessions").await;
    let draft = charts.draft_for(&sessions, &ask(Verb::Pause, &sessions, &[])).unwrap();
    assert!(stage.carry_out(&*charts, &sessions, &draft, Verb::Pause).await);
    let held = called(&*charts, "shop/sessions").await;
    assert_eq!((held.phase, held.held, &held.stable), (Phase::Paused, true, &sessions.stable));
    assert_eq!(held.message.as_deref(), Some("suspended by flux-client-side-apply"));
}

#[tokio::test(start_paused = true)]
async fn a_source_is_fetched_first_and_then_what_it_holds_is_applied() {
    let stage = Stage::open();
    stage.clock.sleep(Duration::from_mins(5)).await;
    let applied = stage.facet(flux::kustomizations);
    let search = called(&*applied, "flux-system/search").await;
    assert_eq!((search.phase, search.in_flight()), (Phase::Healthy, false));
    let draft = applied.draft_for(&search, &ask(Verb::Reconcile, &search, &["source"])).unwrap();
    assert_eq!(draft.steps.len(), 2);
    assert!(stage.carry_out(&*applied, &search, &draft, Verb::Reconcile).await);
    assert_eq!(called(&*applied, "flux-system/search").await.phase, Phase::Healthy);
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_stays_given_up_until_its_failures_are_forgotten_and_fails_again_then() {
    let stage = Stage::open();
    let charts = stage.facet(flux::helm_releases);
    for (fields, number) in [([].as_slice(), 4), (["reset"].as_slice(), 6)] {
        let cart = called(&*charts, "shop/cart").await;
        let draft = charts.draft_for(&cart, &ask(Verb::Reconcile, &cart, fields)).unwrap();
        assert!(!stage.carry_out(&*charts, &cart, &draft, Verb::Reconcile).await, "{fields:?}");
        let after = called(&*charts, "shop/cart").await;
        let newest = after.arms.iter().filter_map(|arm: &Arm| arm.revision).max();
        assert_eq!((after.phase, newest), (Phase::Aborted, Some(number)), "{fields:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_roll_back_of_a_deployment_says_who_undoes_it_and_when_and_that_one_does() {
    let stage = Stage::open();
    stage.clock.sleep(Duration::from_mins(5)).await;
    let (applied, pods) = (stage.facet(flux::kustomizations), stage.facet(deployment::facet));
    applied.rollouts().await.unwrap();
    let notes =
        |rollout: &Rollout| pods.draft_for(rollout, &Ask::new(Verb::Rollback, rollout.id.clone())).unwrap().notes;
    let checkout = called(&*pods, "shop/checkout").await;
    let held = "Flux Kustomization flux-system/checkout is suspended by kim: it puts nothing back until it is resumed";
    assert!(notes(&checkout).contains(&held.to_owned()), "{:?}", notes(&checkout));
    let search = called(&*pods, "shop/search").await;
    let undone = "Flux Kustomization flux-system/search puts its own spec back at its next interval (10m) or sooner: `holdshort \
                  pause kubernetes-eu/kustomization/flux-system/search` keeps it from that";
    assert!(notes(&search).contains(&undone.to_owned()), "{:?}", notes(&search));
    let bad = search.canary.clone().unwrap().tag;
    let draft = pods.draft_for(&search, &Ask::new(Verb::Rollback, search.id.clone())).unwrap();
    assert!(stage.carry_out(&*pods, &search, &draft, Verb::Rollback).await);
    assert_ne!(called(&*pods, "shop/search").await.canary.unwrap().tag, bad);
    stage.clock.sleep(Duration::from_mins(11)).await;
    assert_eq!(called(&*pods, "shop/search").await.canary.unwrap().tag, bad, "it was put back");
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_what_a_source_changes_around_an_object() {
    let stage = Stage::open();
    let applied = stage.facet(flux::kustomizations);
    let mut changes = applied.changes();
    let end = stage.clock.now() + Duration::from_mins(5);
    while stage.clock.now() < end {
        let told = match changes.next().await.unwrap().unwrap() {
            crate::inventory::Change::All(all) => all,
            crate::inventory::Change::One(one) => vec![*one],
            _ => continue,
        };
        let done = |rollout: &Rollout| rollout.id.path == "flux-system/search" && rollout.phase == Phase::Healthy;
        if told.iter().any(done) {
            return;
        }
    }
    panic!("that it was applied was never told");
}
