//! What each verb would do, drawn up from recorded states without asking again.

use crate::inventory::Listing;
use holdshort::port::inventory::Inventory;
use std::time::Duration;

use holdshort::{
    domain::{
        form::Args,
        rollout::{Phase, Rollout, Share},
        verb::Verb,
        version::Version,
    },
    port::{
        fill::Fill,
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, WireCall, fact},
        step::Step,
    },
    provider::argo_rollouts,
};
use serde_json::{Value, json};

use crate::server::{EVENTS, ROLLOUTS, RUNS, SETS, Say, Server, cluster, list, recorded, recorded_json};

/// A facet that has seen one recorded rollout and its ReplicaSets, and the rollout.
async fn stage(rollout: Value, sets: &str) -> (std::sync::Arc<dyn Inventory>, Rollout) {
    stage_of(rollout, &recorded_json(sets)).await
}

async fn stage_of(rollout: Value, sets: &Value) -> (std::sync::Arc<dyn Inventory>, Rollout) {
    let server = Server::default()
        .says("GET", &format!("{ROLLOUTS}/checkout"), Say::Whole(200, rollout.to_string()))
        .says("GET", ROLLOUTS, Say::Whole(200, list("Rollout", "1", &[rollout])))
        .says("GET", SETS, Say::Whole(200, sets.to_string()))
        .says("GET", RUNS, Say::Whole(200, list("AnalysisRun", "1", &[])))
        .says("GET", EVENTS, Say::Whole(200, list("Event", "1", &[])));
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let rollout = facet.rollouts().await.unwrap().remove(0);
    (facet, rollout)
}

fn ask(rollout: &Rollout, verb: Verb, to: Option<&str>) -> Ask {
    Ask { args: Args::back_to(to), ..Ask::new(verb, rollout.id.clone()) }
}

async fn drafted(name: &str, sets: &str, verb: Verb, to: Option<&str>) -> Result<Draft, Blocked> {
    let (facet, rollout) = stage(recorded_json(name), sets).await;
    facet.draft_for(&rollout, &ask(&rollout, verb, to))
}

const PAUSED: (&str, &str) = ("rollout-canary-05-paused-indefinite", "replicasets-of-checkout-at-344");
const ABORTED: (&str, &str) = ("rollout-canary-12-aborted-by-analysis", "replicasets-of-checkout-at-469");
const PROMOTED: (&str, &str) = ("rollout-canary-09-healthy-v1.1", "replicasets-of-rollout-checkout");
const UID: &str = "11791e41-22a9-4067-8077-3e84ac593e6c";

fn facts(pairs: &[(&str, &str)]) -> holdshort::port::plan::Facts {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn abort_is_one_call_bound_to_the_object_and_the_bad_version_only() {
    let expected = Draft {
        from: Some(Version::tagged("1.1.0")),
        to: Some(Version::tagged("1.0.0")),
        effect: "50 % → 0 % of traffic on 1.1.0; all of it to 1.0.0".into(),
        steps: vec![Step::new(
            &"eu/argo_rollouts/shop/checkout".parse().unwrap(),
            WireCall {
                words: "abort".into(),
                method: "PATCH".into(),
                path: format!("{ROLLOUTS}/checkout/status?fieldManager=holdshort"),
                content_type: "application/merge-patch+json".into(),
                body: r#"{"status":{"abort":true}}"#.into(),
                fills: vec![Fill::revision("/metadata/resourceVersion")],
                command: "kubectl -n shop patch rollouts.argoproj.io checkout --subresource=status --type=merge -p \
                      '{\"status\":{\"abort\":true}}'"
                    .into(),
                ..WireCall::default()
            },
        )],
        obligations: Vec::new(),
        moment: None,
        bound: facts(&[(fact::UID, UID), (fact::CANARY, "5d5c777b9d")]),
        expect: Expectation {
            all: vec![
                Expect::is(fact::ABORTED, true),
                Expect { fact: fact::WEIGHT.into(), condition: Condition::AtMost(0) },
            ],
            fails_if: vec![],
            frees: None,
            rests: vec![],
            words: Some("aborted, no traffic on 1.1.0".into()),
            within: Duration::from_mins(1),
            progress: Some((fact::WEIGHT.into(), "%".into())),
        },
        undo: "retry tries the version again, from its first step".into(),
        notes: vec!["the spec still holds 1.1.0 afterwards: any edit of it brings that version back".into()],
    };
    assert_eq!(drafted(PAUSED.0, PAUSED.1, Verb::Abort, None).await, Ok(expected));
}

#[tokio::test]
async fn aborting_what_a_person_paused_ends_that_pause_after_the_abort_and_says_so() {
    let mut rollout = recorded_json(PAUSED.0);
    rollout["spec"]["paused"] = json!(true);
    let (facet, rollout) = stage(rollout, PAUSED.1).await;
    let draft = facet.draft_for(&rollout, &ask(&rollout, Verb::Abort, None)).unwrap();
    let calls: Vec<_> = draft.calls().map(|call| (call.body.shown(), call.path.contains("/status?"))).collect();
    assert_eq!(calls, [(r#"{"status":{"abort":true}}"#, true), (r#"{"spec":{"paused":false}}"#, false)]);
    assert!(!draft.steps[1].call.is_guarded());
    assert_eq!(draft.notes[0], "the person's pause is ended right after: it would hold the way back up");
    let plain = drafted(PAUSED.0, PAUSED.1, Verb::Abort, None).await.unwrap();
    assert_eq!((draft.expect, draft.bound), (plain.expect, plain.bound));
}

#[tokio::test]
async fn a_router_that_says_nothing_of_the_canary_leaves_its_share_unknown_and_no_abort_verified() {
    let table = [
        (json!({"stable": {"weight": 80}}), Share::Told(20)),
        (json!({"stable": {"weight": 80}, "additional": [{"weight": 10}]}), Share::Unknown),
        (json!({"canary": {}}), Share::Unknown),
        (json!({}), Share::Unknown),
        (json!({"canary": {"weight": 0}, "stable": {"weight": 100}}), Share::Told(0)),
    ];
    for (weights, share) in table {
        let mut rollout = recorded_json(PAUSED.0);
        rollout["spec"]["strategy"]["canary"]["trafficRouting"] = json!({"nginx": {}});
        rollout["status"]["canary"]["weights"] = weights.clone();
        let (facet, rollout) = stage(rollout, PAUSED.1).await;
        let facts = facet.read(&rollout.id).await.unwrap().facts;
        let told = share.known().map(|share| share.to_string());
        assert_eq!((rollout.weight.actual, facts.get(fact::WEIGHT)), (share, told.as_ref()), "{weights}");
        let abort = facet.draft_for(&rollout, &ask(&rollout, Verb::Abort, None)).unwrap();
        let gone = abort.expect.all.iter().filter(|expect| expect.fact == fact::WEIGHT).all(|it| it.holds(&facts));
        assert_eq!(gone, share == Share::Told(0), "{weights}");
    }
}

#[tokio::test]
async fn pods_that_the_status_counts_and_no_replica_set_has_are_degraded() {
    for (name, sets) in [PAUSED, PROMOTED] {
        let mut sets = recorded_json(sets);
        for set in sets["items"].as_array_mut().unwrap() {
            set["status"] = json!({"replicas": set["spec"]["replicas"], "readyReplicas": 0, "availableReplicas": 0});
        }
        let rollout = stage_of(recorded_json(name), &sets).await.1;
        let told = "0 of 4 pods are available by its ReplicaSets; its own status says 4";
        assert_eq!((rollout.phase, rollout.message.as_deref()), (Phase::Degraded, Some(told)), "{name}");
    }
}

#[tokio::test]
async fn a_roll_back_of_what_asks_for_no_pods_can_come_true() {
    let mut rollout = recorded_json(PROMOTED.0);
    let mut sets = recorded_json(PROMOTED.1);
    rollout["spec"]["replicas"] = json!(0);
    for set in sets["items"].as_array_mut().unwrap() {
        set["spec"]["replicas"] = json!(0);
        set["status"] = json!({"replicas": 0});
    }
    let (facet, rollout) = stage_of(rollout, &sets).await;
    let facts = facet.read(&rollout.id).await.unwrap().facts;
    assert_eq!(facts.get(fact::WEIGHT).map(String::as_str), Some("0"));
    let draft = facet.draft_for(&rollout, &ask(&rollout, Verb::Rollback, None)).unwrap();
    let about = |name: &str| draft.expect.all.iter().filter(|expect| expect.fact == name).cloned().collect::<Vec<_>>();
    assert!(about(fact::UPDATED_READY).iter().chain(&about(fact::WEIGHT)).all(|expect| expect.holds(&facts)));
    assert_eq!(draft.expect.words.as_deref(), Some("the spec holds 1.0.0; 0 pods are asked for"));
}

#[tokio::test]
async fn promote_is_bound_to_everything_on_screen_and_names_what_comes_next() {
    let draft = drafted(PAUSED.0, PAUSED.1, Verb::Promote, None).await.unwrap();
    assert_eq!(draft.effect, "continues past step 3/7 (pause); next is step 4/7 (analysis)");
    assert_eq!(draft.steps[0].call.body.shown(), r#"{"status":{"pauseConditions":null}}"#);
    let bound = [
        (fact::UID, UID),
        (fact::CANARY, "5d5c777b9d"),
        (fact::STABLE, "b558f4fc7"),
        (fact::GENERATION, "3"),
        (fact::STEP, "3"),
    ];
    assert_eq!(draft.bound, facts(&bound));
    assert_eq!(draft.expect.all, [Expect::is_not(fact::STEP, 3)]);
    assert_eq!(draft.expect.fails_if, [Expect::is(fact::ABORTED, true)]);
}

#[tokio::test]
async fn rolling_back_in_flight_puts_the_stable_template_into_the_spec_in_one_call() {
    let draft = drafted(PAUSED.0, PAUSED.1, Verb::Rollback, None).await.unwrap();
    assert_eq!((draft.from, draft.to), (Some(Version::tagged("1.1.0")), Some(Version::tagged("1.0.0"))));
    assert_eq!(draft.effect, "50 % → 0 % of traffic on 1.1.0; 1.0.0 everywhere");
    assert_eq!(draft.bound, facts(&[(fact::UID, UID), (fact::CANARY, "5d5c777b9d")]));
    assert_eq!(draft.steps.len(), 1);
    let body: Value = serde_json::from_str(draft.steps[0].call.body.sent().unwrap()).unwrap();
    let mut template = recorded_json("replicasets-of-rollout-checkout")["items"][1]["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut().unwrap().remove("rollouts-pod-template-hash").unwrap();
    assert_eq!(body, json!([{"op": "replace", "path": "/spec/template", "value": template}]));
    assert_eq!(
        (draft.steps[0].call.content_type.as_str(), draft.steps[0].call.is_guarded()),
        ("application/json-patch+json", true)
    );
    assert!(draft.expect.all.contains(&Expect::is(fact::CANARY, "b558f4fc7")));
    assert!(draft.expect.all.contains(&Expect::is(fact::PHASE, "healthy")));
    assert_eq!(draft.expect.progress, Some((fact::WEIGHT.into(), "%".into())));
}

#[tokio::test]
async fn after_full_promotion_the_way_back_is_the_version_before_and_goes_through_its_steps() {
    let draft = drafted(PROMOTED.0, PROMOTED.1, Verb::Rollback, None).await.unwrap();
    assert_eq!(draft.to, Some(Version::tagged("1.0.0")));
    assert_eq!(draft.effect, "1.1.0 → 1.0.0, through all its steps; it waits for a human at step 3/7 (pause)");
    let notes = [
        "it goes through its steps like a new version; promote full leaves them out",
        "1.0.0 runs no pods now: they must come up before it can take the traffic",
    ];
    assert_eq!(draft.notes, notes);
    // It is not done before every pod is of that version; where a human must let it go on, it is not done either.
    let all: Vec<_> = draft.expect.all.iter().map(ToString::to_string).collect();
    let done = [
        "canary hash b558f4fc7",
        "spec taken up by the controller",
        "stable hash b558f4fc7",
        "weight at most 0",
        "pods of another version at most 0",
        "updated pods ready at least 1",
        "phase healthy",
    ];
    assert_eq!(all, done);
    assert_eq!(draft.expect.rests.last().unwrap().to_string(), "waits for a human at step 3/7");
}

#[tokio::test]
async fn a_target_is_named_by_version_hash_or_revision_and_a_wrong_name_lists_the_history() {
    for name in ["1.0.0", "b558f4fc7", "1"] {
        let draft = drafted(ABORTED.0, ABORTED.1, Verb::Rollback, Some(name)).await.unwrap();
        assert_eq!(draft.to, Some(Version::tagged("1.0.0")), "{name}");
    }
    let error = |name| drafted(ABORTED.0, ABORTED.1, Verb::Rollback, Some(name));
    assert_eq!(error("1.2.0").await.unwrap_err().0, "the spec holds 1.2.0 already");
    assert_eq!(
        error("9.9").await.unwrap_err().0,
        "'9.9' is not in its history: 1.2.0 (revision 3), 1.1.0 (revision 2), 1.0.0 (revision 1)"
    );
}

#[tokio::test]
async fn rolling_back_what_a_person_paused_ends_that_pause_in_the_same_call() {
    let mut rollout = recorded_json(PAUSED.0);
    rollout["spec"]["paused"] = json!(true);
    let (facet, rollout) = stage(rollout, PAUSED.1).await;
    let draft = facet.draft_for(&rollout, &ask(&rollout, Verb::Rollback, None)).unwrap();
    let body: Value = serde_json::from_str(draft.steps[0].call.body.sent().unwrap()).unwrap();
    assert_eq!(body[1], json!({"op": "replace", "path": "/spec/paused", "value": false}));
    assert_eq!((draft.steps.len(), body.as_array().unwrap().len()), (1, 2));
}

#[tokio::test]
async fn retry_says_that_it_ships_the_aborted_version_again() {
    let draft = drafted(ABORTED.0, ABORTED.1, Verb::Retry, None).await.unwrap();
    assert_eq!(draft.effect, "tries 1.2.0 again, from step 0/7 (setWeight: 25)");
    assert_eq!(draft.notes, ["this ships 1.2.0, the version that was aborted"]);
    assert_eq!(draft.steps[0].call.body.shown(), r#"{"status":{"abort":false}}"#);
}

#[tokio::test]
async fn promoting_past_an_inconclusive_step_leaves_that_step() {
    let mut rollout = recorded_json(PAUSED.0);
    rollout["status"]["currentStepIndex"] = json!(4);
    rollout["status"]["pauseConditions"] = json!([{"reason": "InconclusiveAnalysisRun", "startTime": null}]);
    rollout["status"]["canary"]["currentStepAnalysisRunStatus"] = json!({"name": "a", "status": "Inconclusive"});
    let (facet, rollout) = stage(rollout, PAUSED.1).await;
    let draft = facet.draft_for(&rollout, &ask(&rollout, Verb::Promote, None)).unwrap();
    let body: Value = serde_json::from_str(draft.steps[0].call.body.sent().unwrap()).unwrap();
    let status = json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": 5});
    assert_eq!(body, json!({ "status": status }));
}

#[tokio::test]
async fn a_full_promotion_counts_the_steps_that_it_leaves_out_as_people_do() {
    for (step, left) in [(5, "leaving out 2 steps"), (6, "leaving out 1 step")] {
        let mut rollout = recorded_json(PAUSED.0);
        rollout["status"]["currentStepIndex"] = json!(step);
        let (facet, rollout) = stage(rollout, PAUSED.1).await;
        let draft = facet.draft_for(&rollout, &ask(&rollout, Verb::PromoteFull, None)).unwrap();
        assert!(draft.effect.ends_with(left), "{}", draft.effect);
    }
}

#[tokio::test]
async fn verbs_that_make_no_sense_now_are_refused_in_a_sentence() {
    let healthy = |verb| drafted(PROMOTED.0, PROMOTED.1, verb, None);
    assert_eq!(healthy(Verb::PromoteFull).await.unwrap_err().0, "nothing is on its way");
    assert_eq!(
        healthy(Verb::Abort).await.unwrap_err().0,
        "nothing is on its way, so there is nothing to abort; roll back puts an earlier version back"
    );
    assert_eq!(healthy(Verb::Approve).await.unwrap_err().0, "Argo Rollouts cannot approve");
    let reference = "rollout-workloadref-missing-deployment";
    assert_eq!(
        drafted(reference, PROMOTED.1, Verb::Rollback, Some("1.0.0")).await.unwrap_err().0,
        "'1.0.0' is not in its history: there is none"
    );
    let first = drafted(PAUSED.0, PAUSED.1, Verb::Abort, Some("1.0.0")).await;
    assert_eq!(first.unwrap_err().0, "abort takes no version");
}

#[tokio::test]
async fn an_automation_that_may_undo_it_is_named_before_the_key() {
    let mut rollout = recorded_json(PAUSED.0);
    rollout["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] =
        json!("shop:argoproj.io/Rollout:shop/checkout");
    let (facet, rollout) = stage(rollout, PAUSED.1).await;
    let draft = facet.draft_for(&rollout, &ask(&rollout, Verb::Rollback, None)).unwrap();
    let warning = "Argo CD manages this object: with self-heal on it may put its own spec back within seconds";
    assert_eq!(draft.notes, [warning]);
}

#[tokio::test]
async fn an_object_made_anew_since_it_was_drawn_is_not_planned_for() {
    let (facet, mut rollout) = stage(recorded_json(PAUSED.0), PAUSED.1).await;
    rollout.identity.uid = "another".into();
    let error = facet.draft_for(&rollout, &ask(&rollout, Verb::Abort, None)).unwrap_err();
    assert_eq!(error.0, "shop/checkout is gone, or was made anew since it was drawn");
}

/// Reads a recorded state again, as the executor does after a call.
async fn read_again(rollout: &str, sets: &str) -> holdshort::port::plan::Facts {
    let server = Server::default()
        .says("GET", &format!("{ROLLOUTS}/checkout"), Say::Whole(200, recorded(&format!("{rollout}.json"))))
        .says("GET", SETS, Say::Whole(200, recorded(&format!("{sets}.json"))));
    let target = "eu/argo_rollouts/shop/checkout".parse().unwrap();
    argo_rollouts::facet(cluster(server.transport())).read(&target).await.unwrap().facts
}

fn open(draft: &Draft, facts: &holdshort::port::plan::Facts) -> Vec<String> {
    draft.expect.all.iter().filter(|expect| !expect.holds(facts)).map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_roll_back_is_verified_by_what_the_controller_reached_and_not_before() {
    let draft = drafted(ABORTED.0, ABORTED.1, Verb::Rollback, None).await.unwrap();
    let before = read_again(ABORTED.0, ABORTED.1).await;
    assert!(draft.bound.iter().all(|(name, value)| before.get(name) == Some(value)));
    assert_eq!(
        open(&draft, &before),
        ["canary hash 5d5c777b9d", "weight at most 0", "pods of another version at most 0", "phase healthy"]
    );
    let after = read_again("rollout-canary-20-healthy-after-rollback", "replicasets-of-checkout-at-571").await;
    assert_eq!(open(&draft, &after), Vec::<String>::new());
}

#[tokio::test]
async fn an_abort_is_not_done_while_pods_of_the_bad_version_still_serve() {
    let mut retrying = recorded_json("rollout-canary-16-aborted-manually");
    retrying["status"]["abort"] = json!(false);
    retrying["status"]["phase"] = json!("Progressing");
    let (facet, rollout) = stage(retrying, "replicasets-of-checkout-at-497").await;
    let draft = facet.draft_for(&rollout, &ask(&rollout, Verb::Abort, None)).unwrap();
    let aborted = read_again("rollout-canary-16-aborted-manually", "replicasets-of-checkout-at-497").await;
    assert_eq!(open(&draft, &aborted), ["weight at most 0"]);
    assert_eq!(aborted[fact::WEIGHT], "25");
}

#[tokio::test]
async fn a_restart_says_how_many_pods_go_at_once_and_which_version_may_be_without_any() {
    let (name, sets) = PAUSED;
    let drafted = async |strategy: Value, replicas: u64| {
        let mut rollout = recorded_json(name);
        rollout["spec"]["replicas"] = replicas.into();
        let canary = rollout["spec"]["strategy"]["canary"].as_object_mut().unwrap();
        canary.remove("maxUnavailable");
        canary.extend(strategy.as_object().unwrap().clone());
        let (facet, rollout) = stage(rollout, sets).await;
        let draft = facet.draft_for(&rollout, &ask(&rollout, Verb::Restart, None)).unwrap();
        (draft.effect, draft.notes)
    };
    let stays = ", of both versions; versions and traffic stay";
    let gone = |version: &str| format!("all pods of {version} may be gone at once: none comes before one has gone");
    for (strategy, replicas, effect, notes) in [
        (json!({"maxUnavailable": 0}), 4, format!("replaces 4 pods one after the other{stays}"), vec![]),
        (json!({}), 12, format!("replaces 12 pods, up to 3 at once{stays}"), vec![gone("1.1.0"), gone("1.0.0")]),
        (json!({"maxUnavailable": "10%"}), 12, format!("replaces 12 pods one after the other{stays}"), vec![]),
        (
            json!({"maxUnavailable": 2}),
            4,
            format!("replaces 4 pods, up to 2 at once{stays}"),
            vec![gone("1.1.0"), gone("1.0.0")],
        ),
        (
            json!({"maxUnavailable": "many"}),
            4,
            format!("replaces 4 pods, some at once{stays}"),
            vec![gone("1.1.0"), gone("1.0.0")],
        ),
    ] {
        assert_eq!(drafted(strategy.clone(), replicas).await, (effect, notes), "{strategy} of {replicas}");
    }
}
