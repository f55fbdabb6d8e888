//! What is told of scopes, and what is known after it: one part broken is one part broken.

use super::*;
use crate::{
    app::sample::{now, payments, source},
    domain::{observed::FaultKind, time::after},
};

const ARGO: &str = "argo_rollouts";

fn scope(name: &str) -> Scope {
    Scope::of(&ARGO.into(), name)
}

/// One cluster, with these namespaces.
fn cluster(namespaces: &[&str]) -> Store {
    let mut store = Store::of(&[source("eu", &[(ARGO, Noun::Rollout)], 5)]);
    let scopes = namespaces.iter().map(|name| scope(name)).collect();
    store.take_scopes(&"eu".into(), &ARGO.into(), Ok(scopes));
    store
}

fn rollout(path: &str) -> Rollout {
    Rollout { id: ObjectId::new(&"eu".into(), ARGO, path), ..payments() }
}

fn tell(store: &mut Store, namespace: &str, seconds: u64, parts: Result<Vec<Part>, Fault>) {
    let at = after(now(), Duration::from_secs(seconds));
    store.take(&"eu".into(), &scope(namespace), (at, after(at, Duration::from_secs(5))), parts);
}

fn whole(paths: &[&str]) -> Vec<Part> {
    vec![Part::whole(ARGO.into(), paths.iter().map(|path| rollout(path)))]
}

fn refused() -> Fault {
    Fault::new(now(), FaultKind::Forbidden, "not permitted to list rollouts")
}

fn paths(store: &Store) -> Vec<&str> {
    store.rollouts().map(|rollout| rollout.id.path.as_str()).collect()
}

fn of_source(store: &Store, seconds: u64) -> SourceState {
    store.sources(after(now(), Duration::from_secs(seconds))).remove(0)
}

#[test]
fn a_scope_that_fails_is_named_beside_the_others_and_only_what_it_told_is_not_fresh() {
    let mut store = cluster(&["pay", "shop"]);
    tell(&mut store, "pay", 0, Ok(whole(&["pay/one"])));
    tell(&mut store, "shop", 0, Ok(whole(&["shop/two"])));
    assert!(store.knows_all_rollouts() && of_source(&store, 1).is_whole());
    tell(&mut store, "shop", 1, Err(refused()));
    let state = of_source(&store, 1);
    assert_eq!(
        (state.freshness, state.fault, state.unread),
        (Freshness::Live, None, vec!["shop: not permitted to list rollouts".to_owned()])
    );
    assert_eq!(paths(&store), ["pay/one", "shop/two"]);
    let fresh = |path| store.target_state(&rollout(path).id, now()).unwrap().freshness;
    assert_eq!((fresh("pay/one"), fresh("shop/two")), (Freshness::Live, Freshness::Failing));
    assert!(!store.knows_all_rollouts(), "more may be in flight than is known");
}

#[test]
fn a_source_of_which_every_scope_fails_is_failing() {
    let mut store = cluster(&["pay", "shop"]);
    tell(&mut store, "pay", 0, Err(refused()));
    assert_eq!(of_source(&store, 0).freshness, Freshness::Never, "the other one has not answered yet");
    tell(&mut store, "shop", 0, Err(refused()));
    let state = of_source(&store, 0);
    assert_eq!((state.freshness, state.fault, state.unread), (Freshness::Failing, Some(refused()), Vec::new()));
    assert!(store.has_looked_for_rollouts() && !store.knows_all_rollouts());
}

#[test]
fn only_what_is_whole_or_named_as_gone_makes_anything_vanish() {
    let mut store = cluster(&["pay", "shop"]);
    tell(&mut store, "pay", 0, Ok(whole(&["pay/one"])));
    tell(&mut store, "shop", 0, Ok(whole(&["shop/two", "shop/three"])));
    tell(&mut store, "shop", 1, Ok(vec![Part::changed(rollout("shop/four"))]));
    tell(&mut store, "shop", 2, Ok(Vec::new()));
    assert_eq!(paths(&store), ["pay/one", "shop/four", "shop/three", "shop/two"]);
    tell(&mut store, "shop", 3, Ok(vec![Part::gone(rollout("shop/two").id)]));
    assert_eq!(paths(&store), ["pay/one", "shop/four", "shop/three"]);
    tell(&mut store, "shop", 4, Ok(whole(&["shop/three"])));
    assert_eq!(paths(&store), ["pay/one", "shop/three"]);
    store.take_scopes(&"eu".into(), &ARGO.into(), Ok(vec![scope("shop")]));
    assert_eq!(paths(&store), ["shop/three"]);
}

#[test]
fn a_sign_of_life_before_the_first_whole_proves_nothing() {
    let mut store = cluster(&["shop"]);
    tell(&mut store, "shop", 0, Ok(Vec::new()));
    tell(&mut store, "shop", 0, Ok(vec![Part::changed(rollout("shop/one"))]));
    assert_eq!((of_source(&store, 0).freshness, store.knows_all_rollouts()), (Freshness::Never, false));
    tell(&mut store, "shop", 0, Ok(whole(&[])));
    tell(&mut store, "shop", 9, Ok(Vec::new()));
    let state = of_source(&store, 10);
    assert_eq!((state.freshness, state.age), (Freshness::Live, Some(Duration::from_secs(1))));
}

#[test]
fn what_is_promised_for_later_is_fresh_for_longer_and_says_how_often_it_is_read() {
    let mut store = cluster(&["shop"]);
    let at = |seconds| after(now(), Duration::from_secs(seconds));
    store.take(&"eu".into(), &scope("shop"), (at(0), at(120)), Ok(whole(&[])));
    let states = [240, 241].map(|seconds| of_source(&store, seconds));
    assert_eq!(states.map(|state| state.freshness), [Freshness::Live, Freshness::Stale]);
    assert_eq!(of_source(&store, 0).every, Duration::from_mins(2));
    store.take(&"eu".into(), &scope("shop"), (at(240), at(245)), Ok(Vec::new()));
    assert_eq!([250, 251].map(|seconds| of_source(&store, seconds).freshness), [Freshness::Live, Freshness::Stale]);
}

#[test]
fn what_a_list_lacks_is_said_until_one_is_told_that_lacks_nothing() {
    let mut store = cluster(&["shop"]);
    let cut = || vec!["100 of 130 were read".to_owned()];
    let part = whole(&["shop/one"]).remove(0).without(cut());
    tell(&mut store, "shop", 0, Ok(vec![part]));
    tell(&mut store, "shop", 1, Ok(vec![Part::changed(rollout("shop/one"))]));
    assert_eq!((of_source(&store, 1).unread, store.knows_all_rollouts()), (cut(), false));
    tell(&mut store, "shop", 2, Ok(vec![Part::unread(ARGO.into(), Vec::new())]));
    assert_eq!((of_source(&store, 2).unread, store.knows_all_rollouts()), (Vec::new(), true));
}

#[test]
fn while_nobody_could_say_which_scopes_there_are_nothing_is_known_and_the_reason_is_there() {
    let mut store = Store::of(&[source("eu", &[(ARGO, Noun::Rollout)], 5)]);
    assert_eq!(of_source(&store, 0).freshness, Freshness::Never);
    store.take_scopes(&"eu".into(), &ARGO.into(), Err(refused()));
    let state = of_source(&store, 0);
    assert_eq!((state.freshness, state.fault), (Freshness::Failing, Some(refused())));
    assert!(!store.knows_all_rollouts() && store.has_looked_for_rollouts());
    assert_eq!(store.target_state(&rollout("shop/one").id, now()).unwrap().freshness, Freshness::Failing);
}
