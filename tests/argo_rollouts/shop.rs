//! A whole namespace of a real cluster at one moment: blue-green with its preview up, a `workloadRef`, no steps, an invalid spec, a
//! plugin step, an aborted version, header routes.

use crate::inventory::Listing;
use holdshort::{
    domain::{rollout::Rollout, verb::Verb},
    port::plan::{Ask, Draft, Expectation},
};
use serde_json::{Value, json};

use crate::{
    field::{Stage, holding},
    server::recorded_json,
    words::said,
};

fn objects() -> Vec<Value> {
    let kinds = ["rollouts", "replicasets", "deployments", "events", "analysisruns"];
    let items = |kind: &str| recorded_json(&format!("shop-{kind}"))["items"].as_array().unwrap().clone();
    kinds.into_iter().flat_map(items).collect()
}

#[tokio::test]
async fn every_rollout_of_the_namespace_reads_as_it_was() {
    let expected = "
shop/cart v1.0.0 -> v1.1.0-bad, paused 3/4, 50 of 50 by pods, in flight
  arms: canary v1.1.0-bad 2/2, stable v1.0.0 2/2; back: v1.0.0
  open: promote, skip, promote full, pause, abort, roll back, restart
  message: CanaryPauseStep
shop/gateway v5.0.0 -> v5.1.0, paused 5/7, 25 of 25 told, in flight
  arms: canary v5.1.0 1/1, stable v5.0.0 4/4; back: v5.0.0
  open: promote, skip, promote full, pause, abort, roll back, restart
  message: CanaryPauseStep
shop/invalid ? -> v1.0.0, degraded, 0 of 0 by pods, in flight
  arms: canary v1.0.0 0/0; back: none
  open: pause, restart
  message: InvalidSpec: The Rollout \"invalid\" is invalid: spec.strategy.steps[0].setWeight: Invalid value: 200: SetWeight needs to be between 0 and 100
shop/ledger v3.1.0 -> v3.0.0, paused, 0 of 0 told, in flight
  arms: canary v3.0.0 2/2, stable v3.1.0 2/2; back: v3.1.0
  open: promote, promote full, pause, abort, roll back, restart
  message: BlueGreenPause
shop/nosteps v1.0.0 -> v1.0.0, healthy, 100 of 100 by pods, steady
  arms: stable v1.0.0 3/3, old v1.1.0-slow 0/0; back: none
  open: pause, restart
shop/payments v1.0.0 -> v1.3.0-bad, aborted 0/7, 0 of 0 by pods, in flight
  arms: canary v1.3.0-bad 0/0, stable v1.0.0 5/5, old v1.2.0-bad 0/0, old v1.1.0-bad 0/0; back: v1.0.0
  open: roll back, retry, restart
  message: RolloutAborted: Rollout aborted update to revision 6
shop/plug v1.0.0 -> v1.1.0, aborted 0/3, 0 of 0 by pods, in flight
  arms: canary v1.1.0 0/0, stable v1.0.0 2/2; back: v1.0.0
  open: roll back, retry, restart
  message: RolloutAborted: Rollout aborted update to revision 2
shop/recs v1.1.0 -> v1.1.0, healthy 3/3, 100 of 100 by pods, steady
  arms: stable v1.1.0 3/3, old v1.0.0 0/0; back: v1.0.0
  open: pause, roll back, restart
shop/search v1.0.0 -> v1.1.0, paused 1/2, 34 of 33 by pods, in flight
  arms: canary v1.1.0 1/1, stable v1.0.0 2/2; back: v1.0.0
  open: promote, skip, promote full, pause, abort, roll back, restart
  message: CanaryPauseStep
shop/zero v1.0.0 -> v1.2.0, paused 1/2, 34 of 33 by pods, in flight
  arms: canary v1.2.0 1/1, old v1.1.0 0/0, stable v1.0.0 2/2; back: v1.0.0
  open: promote, skip, promote full, pause, abort, roll back, restart
  message: CanaryPauseStep";
    let all: Vec<String> = Stage::of(&holding(&objects())).all().await.iter().map(said).collect();
    assert_eq!(format!("\n{}", all.join("\n")), expected);
}

/// The Rollout of this name, changed, with its ReplicaSets; and what a roll back of it would do.
async fn rolled_back(name: &str, change: impl Fn(&mut Value, &mut [Value])) -> (Rollout, Draft) {
    let (mut all, uid) = (objects(), |one: &Value| one["metadata"]["uid"].clone());
    let at = all.iter().position(|one| one["kind"] == "Rollout" && one["metadata"]["name"] == name).unwrap();
    let mut rollout = all.remove(at);
    all.retain(|one| one["kind"] == "ReplicaSet" && one["metadata"]["ownerReferences"][0]["uid"] == uid(&rollout));
    change(&mut rollout, &mut all);
    all.push(rollout);
    let stage = Stage::of(&holding(&all));
    let rollout = stage.argo.rollouts().await.unwrap().remove(0);
    let ask = Ask::new(Verb::Rollback, rollout.id.clone());
    let draft = stage.argo.draft_for(&rollout, &ask).unwrap();
    (rollout, draft)
}

fn expected(draft: &Draft) -> Vec<String> {
    draft.expect.all.iter().map(ToString::to_string).collect()
}

/// v3.1.0 was promoted, and the pods of v3.0.0 are gone.
fn promoted(rollout: &mut Value, sets: &mut [Value]) {
    let status = &mut rollout["status"];
    (status["currentPodHash"], status["phase"]) = (json!("8554c5fb9b"), json!("Healthy"));
    status["blueGreen"]["activeSelector"] = json!("8554c5fb9b");
    status["pauseConditions"] = json!([]);
    status["controllerPause"] = json!(false);
    let stable = sets.iter().find(|set| set["metadata"]["name"] == "ledger-8554c5fb9b").unwrap();
    rollout["spec"]["template"] = stable["spec"]["template"].clone();
    for set in sets.iter_mut().filter(|set| set["metadata"]["name"] == "ledger-7579c6854b") {
        set["metadata"]["annotations"] = json!({"rollout.argoproj.io/revision": "1"});
        (set["spec"]["replicas"], set["status"]) = (json!(0), json!({"replicas": 0}));
    }
}

#[tokio::test]
async fn a_blue_green_roll_back_is_a_preview_first_and_done_when_the_active_service_moved() {
    let (_, draft) = rolled_back("ledger", promoted).await;
    assert_eq!(
        draft.effect,
        "v3.0.0 comes up as a preview first and waits for a promote; until then all traffic stays on v3.1.0"
    );
    let done = [
        "canary hash 7579c6854b",
        "spec taken up by the controller",
        "active hash 7579c6854b",
        "updated pods ready at least 1",
    ];
    assert_eq!(expected(&draft), done);
    assert_eq!(draft.expect.words.as_deref(), Some("all traffic on v3.0.0"));
    let rests: Vec<_> = draft.expect.rests.iter().map(ToString::to_string).collect();
    assert_eq!(
        rests,
        ["canary hash 7579c6854b", "spec taken up by the controller", "waits for a human at its preview"]
    );
}

#[tokio::test]
async fn a_blue_green_roll_back_whose_pods_still_run_or_that_promotes_itself_waits_for_nobody() {
    let (_, fast) = rolled_back("ledger", |rollout, sets| {
        promoted(rollout, sets);
        for set in sets.iter_mut().filter(|set| set["metadata"]["name"] == "ledger-7579c6854b") {
            set["metadata"]["annotations"]["scale-down-deadline"] = json!("2026-11-28T11:57:00Z");
            (set["spec"]["replicas"], set["status"]) =
                (json!(2), json!({"replicas": 2, "readyReplicas": 2, "availableReplicas": 2}));
        }
    })
    .await;
    assert_eq!(
        (fast.effect.as_str(), fast.expect.rests.len()),
        ("traffic moves from v3.1.0 to v3.0.0, whose pods still run", 0)
    );
    let (_, by_itself) = rolled_back("ledger", |rollout, sets| {
        promoted(rollout, sets);
        rollout["spec"]["strategy"]["blueGreen"]["autoPromotionEnabled"] = json!(true);
    })
    .await;
    let effect = "v3.0.0 comes up as a preview first; then traffic moves from v3.1.0 to it";
    assert_eq!((by_itself.effect.as_str(), by_itself.expect.rests.len()), (effect, 0));
}

#[tokio::test]
async fn within_the_rollback_window_the_plan_leaves_the_steps_out_as_the_controller_does() {
    let within = |window: Value| async move {
        let (_, draft) = rolled_back("recs", |rollout, _| rollout["spec"]["rollbackWindow"] = window.clone()).await;
        (draft.effect, draft.expect.rests.len(), draft.notes[0].clone())
    };
    assert_eq!(
        within(json!({"revisions": 1})).await,
        (
            "v1.1.0 → v1.0.0".to_owned(),
            0,
            "the controller leaves its steps out: it is within the rollbackWindow".to_owned()
        )
    );
    let (effect, rests, _) = within(Value::Null).await;
    assert_eq!(
        (effect.as_str(), rests),
        ("v1.1.0 → v1.0.0, through all its steps; it waits for a human at step 2/3 (pause)", 3)
    );
}

#[tokio::test]
async fn a_roll_back_through_several_pauses_says_how_many_and_promises_no_time_for_the_humans() {
    let (_, draft) = rolled_back("recs", |rollout, _| {
        let steps = rollout["spec"]["strategy"]["canary"]["steps"].as_array_mut().unwrap();
        steps.extend([json!({"setWeight": 80}), json!({"pause": {}})]);
    })
    .await;
    let stops = "v1.1.0 → v1.0.0, through all its steps; it waits for a human 2 times, first at step 2/5 (pause)";
    assert_eq!(draft.effect, stops);
    let promised = draft.expect.promised("44 min");
    assert!(promised.ends_with(", within 44 min and however long it waits for a human"), "{promised}");
    let at_once = Expectation { rests: Vec::new(), ..draft.expect };
    assert!(at_once.promised("10 min").ends_with(", within 10 min"), "{}", at_once.promised("10 min"));
}

#[tokio::test]
async fn a_version_to_which_a_roll_back_was_aborted_can_still_be_gone_back_to() {
    // v1.0.0 (1), v1.1.0 (2), back to v1.0.0 (3), aborted, v1.1.0 applied again (4).
    let (rollout, draft) = rolled_back("recs", |_, sets| {
        for set in sets.iter_mut() {
            let stable = set["metadata"]["name"] == "recs-797968495d";
            let (revision, history) = if stable { ("4", "2") } else { ("3", "1") };
            set["metadata"]["annotations"]["rollout.argoproj.io/revision"] = json!(revision);
            set["metadata"]["annotations"]["rollout.argoproj.io/revision-history"] = json!(history);
        }
    })
    .await;
    assert_eq!(rollout.way_back().map(holdshort::domain::rollout::Arm::called).as_deref(), Some("v1.0.0"));
    assert!(draft.to.is_some_and(|version| version.is_called("v1.0.0")));
}

#[tokio::test]
async fn a_restart_is_done_when_every_pod_is_new_and_ready() {
    let stage = Stage::of(&holding(&objects()));
    let recs = stage.argo.rollouts().await.unwrap().into_iter().find(|one| one.id.path == "shop/recs").unwrap();
    let ask = Ask::new(Verb::Restart, recs.id.clone());
    let draft = stage.argo.draft_for(&recs, &ask).unwrap();
    let all = expected(&draft);
    assert_eq!(all[1..], ["spec taken up by the controller", "pods missing at most 0"]);
    let facts = stage.argo.read(&ask.target).await.unwrap().facts;
    assert_eq!(facts["pods missing"], "0");
    let mut less = objects();
    let set = less.iter_mut().find(|one| one["metadata"]["name"] == "recs-797968495d").unwrap();
    (set["status"]["replicas"], set["status"]["readyReplicas"]) = (json!(2), json!(2));
    let facts = Stage::of(&holding(&less)).argo.read(&ask.target).await.unwrap().facts;
    assert_eq!(facts["pods missing"], "1");
}
