//! Every phase of a Canary, and the share of the users that is really on the new version: what upstream writes, and what it means.

use holdshort::domain::{
    offer::Offer,
    rollout::{Pause, PauseReason, Phase, Share},
    verb::Verb,
};
use serde_json::{Value, json};

use crate::bag::{Bag, event, podinfo, route};

fn at(phase: &str) -> Value {
    let condition =
        json!({"type": "Promoted", "reason": phase, "status": "Unknown", "lastUpdateTime": "2026-03-10T09:20:00Z"});
    json!({
        "phase": phase, "canaryWeight": 0, "failedChecks": 0, "iterations": 0, "lastAppliedSpec": "14788816656920327485",
        "lastTransitionTime": "2026-03-10T09:30:00Z", "conditions": [condition],
    })
}

/// In flight in this phase.
fn moving(phase: &str) -> Bag {
    podinfo("6.2.0", "6.1.0", &at(phase))
}

#[tokio::test(start_paused = true)]
async fn each_phase_is_one_of_ours_with_what_is_to_be_known_about_it() {
    let tick = "takes effect within 60 s";
    let rests = podinfo("6.1.0", "6.1.0", &at("Initialized"));
    let table: [(Bag, Phase, &str, Share); 11] = [
        (rests.clone(), Phase::Healthy, "", Share::Told(100)),
        (
            podinfo("6.2.0", "6.1.0", &at("Succeeded")),
            Phase::Progressing,
            "Flagger has not taken the new version up; takes effect within 60 s",
            Share::Told(0),
        ),
        (
            moving("Initializing"),
            Phase::Progressing,
            "Flagger makes the primary; until then its target serves",
            Share::ByPods(100),
        ),
        (moving("Waiting"), Phase::Paused, "its start waits to be confirmed; takes effect within 60 s", Share::Told(0)),
        (moving("Progressing"), Phase::Progressing, "Flagger looks every 60 s", Share::Told(30)),
        (
            moving("WaitingPromotion"),
            Phase::Paused,
            "its promotion waits to be confirmed; takes effect within 60 s",
            Share::Told(30),
        ),
        (
            moving("Promoting"),
            Phase::Progressing,
            "podinfo-primary gets the new version; no way back until that is done",
            Share::Told(30),
        ),
        (
            moving("Failed"),
            Phase::Aborted,
            "Flagger has taken it back and its target still holds it: no event of Flagger's tells why",
            Share::Told(30),
        ),
        (moving("Terminating"), Phase::Progressing, "it is deleted; its target gets its pods back", Share::Unknown),
        (moving("Terminated"), Phase::Unknown, "Flagger has let go of it: nothing moves it any more", Share::Unknown),
        (
            moving("Dancing\u{1b}[2J"),
            Phase::Unknown,
            "Flagger says 'Dancing', which holdshort does not know",
            Share::Unknown,
        ),
    ];
    for (bag, phase, message, share) in table {
        let rollout = bag.rollout().await;
        let said = rollout.message.clone().unwrap_or_default();
        assert_eq!(
            (rollout.phase, said.as_str(), rollout.weight.actual),
            (phase, message, share),
            "{}",
            bag.objects[0]
        );
        assert!(rollout.unknown.is_empty(), "{:?}", rollout.unknown);
    }
    assert!(tick.ends_with("60 s"));
}

#[tokio::test(start_paused = true)]
async fn what_no_controller_has_looked_at_is_unknown_and_nothing_is_asked_of_it() {
    let rollout = podinfo("6.1.0", "6.1.0", &json!({})).rollout().await;
    assert_eq!(rollout.phase, Phase::Unknown);
    let why = "no controller has taken it up, so nothing that is asked of it would happen";
    let all: Vec<Option<&str>> = rollout.offers.iter().map(|offer| offer.blocked.as_deref()).collect();
    assert_eq!(all, vec![Some(why); rollout.offers.len()]);
}

#[tokio::test(start_paused = true)]
async fn a_phase_that_nobody_knows_refuses_whatever_moves_a_version() {
    let rollout = moving("Dancing").rollout().await;
    let why = "Flagger says 'Dancing', which holdshort does not know: look at it with kubectl";
    let open: Vec<Verb> =
        rollout.offers.iter().filter(|offer| offer.blocked.is_none()).map(|offer| offer.verb).collect();
    assert_eq!(open, [Verb::Pause]);
    let by_phase = |offer: &&Offer| offer.blocked.as_deref() == Some(why);
    assert_eq!(rollout.offers.iter().filter(by_phase).count(), 6);
}

#[tokio::test(start_paused = true)]
async fn the_share_is_the_routers_word_and_unknown_where_that_cannot_be_read() {
    let bag = moving("WaitingPromotion");
    assert_eq!(bag.clone().and(route(50)).rollout().await.weight.actual, Share::Told(50));
    let mut forbidden = bag.clone();
    forbidden.forbidden = vec!["httproutes"];
    let rollout = forbidden.rollout().await;
    assert_eq!(rollout.weight.actual, Share::Unknown);
    let why = "how much of the traffic the canary gets is not known: dana may not get httproutes.gateway.networking.k8s.io in shop \
               on eu: ask who administers it for that right";
    assert_eq!(rollout.unknown.iter().map(|it| it.what.as_str()).collect::<Vec<_>>(), [why]);
    let missing = bag.clone().without("HTTPRoute", "podinfo").rollout().await;
    assert_eq!(missing.weight.actual, Share::Unknown);
    // Of a router that is not read here nothing is said, and it keeps nobody from confirming.
    let other = bag.with(|canary| canary["spec"]["provider"] = json!("contour")).rollout().await;
    assert_eq!((other.weight.actual, other.unknown.len()), (Share::Unknown, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_router_nobody_is_on_the_canary_until_the_primary_runs_it() {
    let none = |bag: Bag| bag.with(|canary| canary["spec"]["provider"] = json!("kubernetes"));
    let measured = none(moving("Progressing")).rollout().await;
    assert_eq!(measured.weight.actual, Share::ByPods(0));
    assert_eq!(measured.steps.len(), 14, "ten iterations are made of none");
    let promoted = none(podinfo("6.2.0", "6.2.0", &at("Promoting"))).rollout().await;
    assert_eq!(promoted.weight.actual, Share::ByPods(50), "two of the primary's four pods run it");
}

#[tokio::test(start_paused = true)]
async fn an_ab_release_has_no_share_and_says_who_gets_it() {
    let matched = |canary: &mut Value| {
        let analysis = &mut canary["spec"]["analysis"];
        analysis["iterations"] = json!(3);
        analysis["match"] = json!([{"headers": {"x-canary": {"exact": "yes"}}}]);
        canary["status"]["iterations"] = json!(1);
    };
    let rollout = moving("Progressing").with(matched).rollout().await;
    assert_eq!(rollout.weight.actual, Share::Unknown);
    let said = "Flagger looks every 60 s; only requests that match go to the canary";
    assert_eq!(rollout.message.as_deref(), Some(said));
}

#[tokio::test(start_paused = true)]
async fn a_promotion_that_failed_says_that_users_are_on_the_new_version() {
    let mut status = at("Failed");
    status["canaryWeight"] = json!(100);
    let rollout = podinfo("6.2.0", "6.2.0", &status).and(route(100)).rollout().await;
    assert_eq!(
        (rollout.phase, rollout.aborted_in_spec, rollout.weight.actual),
        (Phase::Degraded, false, Share::Told(100))
    );
    assert!(rollout.message.unwrap().ends_with("users are on the new version, by the pods of podinfo"));
}

#[tokio::test(start_paused = true)]
async fn that_the_next_share_waits_is_told_by_the_newest_event_and_by_no_status() {
    let halt = "Halt podinfo.shop advancement waiting for traffic increase approval more";
    let mut status = at("Progressing");
    (status["canaryWeight"], status["failedChecks"]) = (json!(30), json!(2));
    let rollout = podinfo("6.2.0", "6.1.0", &status).and(event(halt)).rollout().await;
    let said = "its next share of traffic waits to be confirmed; 2 of 5 failed checks that take it back; takes effect within 60 s";
    assert_eq!((rollout.phase, rollout.message.as_deref()), (Phase::Paused, Some(said)));
    assert_eq!(rollout.pause, Some(Pause { reason: PauseReason::Step, since: None, until: None }));
    assert_eq!(
        rollout.analyses[0].message.as_deref(),
        Some(&*format!("2 of 5 failed checks that take it back: {halt}"))
    );
    let open: Vec<Verb> = rollout.offers.iter().filter(|it| it.blocked.is_none()).map(|it| it.verb).collect();
    assert_eq!(open, [Verb::Promote, Verb::PromoteFull, Verb::Pause, Verb::Abort, Verb::Rollback]);
}

#[tokio::test(start_paused = true)]
async fn where_the_primary_was_changed_past_flagger_both_ways_back_name_one_that_is_there() {
    let rollout = podinfo("6.1.0", "6.9.9", &at("Succeeded")).rollout().await;
    let why = |verb| rollout.offers.iter().find(|it| it.verb == verb).and_then(|it| it.blocked.clone()).unwrap();
    let undo = "podinfo-primary was changed past Flagger: kubectl -n shop rollout undo deployment/podinfo-primary \
                --to-revision=1 takes that back";
    let abort = format!("Flagger has not begun with it, so there is nothing to abort yet; {undo}");
    let back = format!("podinfo keeps no ReplicaSet of 6.9.9, so there is no template to put back; {undo}");
    assert_eq!((why(Verb::Abort), why(Verb::Rollback)), (abort, back));
    // Where the target has only forgotten what serves, it is given its programs.
    let forgotten = podinfo("6.2.0", "6.9.9", &at("Succeeded")).rollout().await;
    let why = forgotten.offers.iter().find(|it| it.verb == Verb::Rollback).and_then(|it| it.blocked.clone()).unwrap();
    let set = "kubectl -n shop set image deployment/podinfo podinfod=ghcr.io/stefanprodan/podinfo:6.9.9 gives it the \
               programs of what serves";
    assert!(why.ends_with(set), "{why}");
}
