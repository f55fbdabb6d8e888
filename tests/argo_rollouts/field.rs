//! Situations that people reported, as the objects that an API server held then: what is shown of each, and what its verbs
//! would do. `"@-90"` in an object is 90 seconds ago.

use crate::inventory::{Change, Listing};
use holdshort::port::inventory::Inventory;
use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use holdshort::{
    domain::{
        form::Args,
        offer::offer_for,
        rollout::{Pause, PauseReason, Rollout},
        time::Timestamp,
        verb::Verb,
    },
    port::plan::{Ask, Blocked, Draft, Facts, fact},
    provider::{argo_rollouts, deployment, kubernetes::Cluster},
};
use serde_json::{Value, json};

use crate::server::{
    DEPLOYMENTS, EVENTS, PODS, REVIEWS, ROLLOUTS, RUNS, SETS, Say, Server, at, cluster, list, recorded,
};
use crate::words::said;

/// When the objects are looked at.
fn now() -> Timestamp {
    at("2026-11-21T06:22:00Z")
}

/// The objects of a case, their times filled in.
fn objects(case: &str) -> Vec<Value> {
    let path = format!("{}/tests/fixtures/field/{case}.json", env!("CARGO_MANIFEST_DIR"));
    let mut all: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect(&path)).unwrap();
    fill(&mut all);
    all["items"].as_array().unwrap().clone()
}

fn fill(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(seconds) = text.strip_prefix("@-").and_then(|seconds| seconds.parse().ok()) {
                *text = (now() - chrono::TimeDelta::seconds(seconds)).to_rfc3339();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(fill),
        Value::Object(fields) => fields.values_mut().for_each(fill),
        _ => {}
    }
}

/// An API server that holds these objects and grants everything.
pub(crate) fn holding(objects: &[Value]) -> Server {
    let of = |kind: &str| -> Vec<Value> { objects.iter().filter(|one| one["kind"] == kind).cloned().collect() };
    let mut server = Server::default()
        .says("GET", EVENTS, Say::Whole(200, list("Event", "1", &of("Event"))))
        .says("GET", PODS, Say::Whole(200, list("Pod", "1", &of("Pod"))))
        .says("GET", SETS, Say::Whole(200, list("ReplicaSet", "1", &of("ReplicaSet"))))
        .says("GET", RUNS, Say::Whole(200, list("AnalysisRun", "1", &of("AnalysisRun"))))
        .says("POST", REVIEWS, Say::Whole(201, recorded("ssar-releaser-patch-rollouts-status-allowed.json")));
    for (kind, path) in [("Rollout", ROLLOUTS), ("Deployment", DEPLOYMENTS)] {
        let all = of(kind);
        server = server.says("GET", path, Say::Whole(200, list(kind, "1", &all)));
        for one in all {
            let path = format!("{path}/{}", one["metadata"]["name"].as_str().unwrap());
            server = server.says("GET", &path, Say::Whole(200, one.to_string()));
        }
    }
    server
}

/// Both engines on one cluster.
pub(crate) struct Stage {
    pub(crate) argo: Arc<dyn Inventory>,
    pub(crate) plain: Arc<dyn Inventory>,
}

impl Stage {
    pub(crate) fn of(server: &Server) -> Self {
        let cluster: Arc<Cluster> = cluster(server.transport());
        Self { argo: argo_rollouts::facet(Arc::clone(&cluster)), plain: deployment::facet(cluster) }
    }

    fn case(case: &str) -> Self {
        Self::of(&holding(&objects(case)))
    }

    /// Every rollout there is, by its path; those of a Rollout first.
    pub(crate) async fn all(&self) -> Vec<Rollout> {
        let mut all = self.argo.rollouts().await.unwrap();
        all.extend(self.plain.rollouts().await.unwrap());
        all
    }

    async fn one(&self, name: &str) -> Rollout {
        let path = format!("shop/{name}");
        self.all().await.into_iter().find(|rollout| rollout.id.path == path).unwrap()
    }

    fn facet(&self, rollout: &Rollout) -> &dyn Inventory {
        if rollout.id.family == self.argo.tells()[0].0 { &*self.argo } else { &*self.plain }
    }

    fn draft(&self, rollout: &Rollout, verb: Verb, to: Option<&str>) -> Result<Draft, Blocked> {
        let target = rollout.id.clone();
        self.facet(rollout).draft_for(rollout, &Ask { args: Args::back_to(to), ..Ask::new(verb, target) })
    }

    async fn read(&self, rollout: &Rollout) -> Facts {
        self.facet(rollout).read(&rollout.id).await.unwrap().facts
    }
}

/// What is said of every rollout of a case.
async fn case(name: &str) -> String {
    Stage::case(name).all().await.iter().map(said).collect::<Vec<_>>().join("\n")
}

fn lines(text: &str) -> String {
    text.trim_matches('\n').to_owned()
}

#[tokio::test]
async fn a_stable_version_that_is_named_and_not_seen_is_unknown_and_not_none() {
    let expected = lines(
        "
shop/pay ? -> 2, paused 1/2, 20 of unknown, in flight
  arms: canary 2 1/1, stable unknown (p1) ?; back: unknown (p1)
  open: promote, skip, promote full, pause, abort, restart
  message: CanaryPauseStep
  unknown: the stable version is not known: its ReplicaSet (p1) is named and not seen (look whether it was deleted: without it there is nothing to go back to)
",
    );
    assert_eq!(case("stable-set-gone").await, expected);
    let stage = Stage::case("stable-set-gone");
    let pay = stage.one("pay").await;
    assert!(pay.has_stable() && pay.stable.is_none());
    let back = stage.draft(&pay, Verb::Rollback, None).unwrap_err().0;
    assert_eq!(
        back,
        "the ReplicaSet of the stable version (p1) is not seen, so there is no template to put back; abort takes the \
         traffic off the new one"
    );
    let abort = stage.draft(&pay, Verb::Abort, None).unwrap();
    assert_eq!(abort.notes[0], "whether any pod of unknown (p1) runs is not known");
}

#[tokio::test]
async fn without_the_right_to_list_replicasets_a_rollout_is_listed_with_its_pods_and_versions_unknown() {
    let objects = objects("rbac-no-replicasets");
    let why = json!({"kind": "Status", "status": "Failure", "code": 403, "message": "replicasets.apps is forbidden: User \
        \"dev-team-a\" cannot list resource \"replicasets\" in API group \"apps\" in the namespace \"shop\""});
    let server = holding(&objects.iter().filter(|one| one["kind"] != "ReplicaSet").cloned().collect::<Vec<_>>());
    let server = server.instead("GET", SETS, Say::Whole(403, why.to_string()));
    let stage = Stage::of(&server);
    let expected = lines(
        "
shop/pay ? -> 2, paused 1/2, 20 of unknown, in flight
  arms: canary 2 ?, stable unknown (p1) ?; back: unknown (p1)
  open: promote, skip, promote full, pause, abort, restart
  message: CanaryPauseStep
  unknown: its ReplicaSets could not be read, so its pods and versions are not known: dev-team-a may not list replicasets.apps in shop on eu: ask who administers it for that right (get the right to list replicasets.apps)
",
    );
    let pay = stage.one("pay").await;
    assert_eq!(said(&pay), expected);
    // No fact says that there are no other pods: what could not be read proves nothing.
    let facts = stage.read(&pay).await;
    assert!(
        [fact::OTHER_PODS, fact::UPDATED_READY, fact::WEIGHT].iter().all(|name| !facts.contains_key(*name)),
        "{facts:?}"
    );
}

#[tokio::test]
async fn what_is_promoted_and_has_no_pod_left_is_degraded_with_its_reason() {
    let expected = lines(
        "
shop/borker 5 -> 5, degraded 2/2, 100 of 0 by pods, in flight
  arms: stable 5 0/4, old 4 0/0; back: 4
  open: pause, roll back, restart
  message: 0 of 4 pods are available: updated replicas are still becoming available
shop/crash 5 -> 5, degraded, 100 of 0 by pods, in flight
  arms: stable 5 0/4, old 4 0/0; back: 4
  open: pause, roll back, restart
  message: 0 of 4 pods are available: MinimumReplicasUnavailable: Deployment does not have minimum availability.
",
    );
    assert_eq!(case("down-after-promotion").await, expected);
}

/// A pod of a ReplicaSet that does not run.
fn pod(name: &str, set: &str, waiting: &Value) -> Value {
    let owner = json!([{"uid": set, "kind": "ReplicaSet", "name": set, "controller": true}]);
    json!({"kind": "Pod", "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "ownerReferences": owner},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "app", "state": {"waiting": waiting}}]}})
}

#[tokio::test]
async fn pods_say_why_they_do_not_run_and_their_events_stand_beside_those_of_the_object() {
    let mut all = objects("down-after-promotion");
    let pull = json!({"reason": "ImagePullBackOff", "message": "Back-off pulling image \"r.test/borker:5\""});
    let crash = json!({"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"});
    all.extend([pod("a", "uid-borker-k5", &pull), pod("b", "uid-borker-k5", &pull), pod("c", "uid-borker-k5", &crash)]);
    all.push(pod("d", "somebody-else", &crash));
    let event = |name: &str, uid: &str, reason: &str, at: &str| {
        json!({"kind": "Event", "metadata": {"name": name, "namespace": "shop"}, "reason": reason, "message": reason,
            "type": "Warning", "count": 1, "lastTimestamp": at, "involvedObject": {"uid": uid}})
    };
    all.push(event("e1", "uid-borker", "RolloutNotCompleted", "2026-11-21T05:00:00Z"));
    all.push(event("e2", "uid-a", "Failed", "2026-11-21T06:21:30Z"));
    let borker = Stage::of(&holding(&all)).one("borker").await;
    let troubles = [
        "2 of 4 pods of 5: ImagePullBackOff: Back-off pulling image \"r.test/borker:5\"",
        "1 of 4 pods of 5: CrashLoopBackOff: back-off 5m0s restarting failed container",
    ];
    assert_eq!(borker.troubles, troubles);
    assert_eq!(borker.events.first().map(|event| event.reason.as_str()), Some("Failed"));
}

#[tokio::test]
async fn pods_that_a_quota_refuses_are_said_of_the_version_that_lacks_them() {
    let mut all = objects("down-after-promotion");
    let set = all.iter_mut().find(|one| one["metadata"]["name"] == "borker-k5").unwrap();
    set["status"]["conditions"] =
        json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: q"}]);
    let borker = Stage::of(&holding(&all)).one("borker").await;
    assert_eq!(borker.troubles, ["pods of 5 cannot be made: FailedCreate: exceeded quota: q"]);
}

#[tokio::test]
async fn a_step_that_is_not_told_is_the_first_and_a_weight_is_what_the_pods_or_the_router_say() {
    let edge = lines(
        "
shop/edge 1 -> 2, progressing 0/4, 10 of 0 by pods, in flight
  arms: canary 2 0/0, stable 1 5/5; back: 1
  open: skip, promote full, pause, abort, roll back, restart
  message: more replicas need to be updated
",
    );
    let rank = lines(
        "
shop/rank 10 -> 9, progressing 4/4, 100 of 40 told, in flight
  arms: canary 9 4/10, stable 10 10/10; back: 10
  open: promote full, pause, abort, roll back, restart
  message: updated replicas are still becoming available
",
    );
    assert_eq!([case("no-step-index").await, case("index-at-end-weights-40").await], [edge, rank]);
}

#[tokio::test]
async fn a_version_that_the_controller_has_not_noticed_is_the_one_on_its_way() {
    let expected = lines(
        "
shop/bill 154 -> 155, progressing, 0 of 0 by pods, in flight
  arms: canary 155 0/0, stable 154 3/3; back: 154
  open: pause, roll back, restart
  message: the controller has not taken up what the spec asks for; it is still at 154
  behind since None
",
    );
    assert_eq!(case("stale-hash").await, expected);
    let stage = Stage::case("stale-hash");
    let bill = stage.one("bill").await;
    let why = stage.draft(&bill, Verb::PromoteFull, None).unwrap_err().0;
    assert_eq!(why, "the controller has not taken up the last change of the spec yet");
    // The way back is the version that serves, not the one before it.
    let back = stage.draft(&bill, Verb::Rollback, None).unwrap();
    assert_eq!(back.effect, "0 % of traffic, as now, on 155; 154 everywhere");
    assert_eq!(back.bound.get(fact::CANARY), stage.read(&bill).await.get(fact::CANARY));
}

#[tokio::test]
async fn how_long_the_controller_is_behind_is_told_by_whoever_wrote_the_spec() {
    let mut all = objects("stale-hash");
    let written = json!([
        {"time": "2026-11-21T06:10:00Z", "fieldsV1": {"f:spec": {}}, "manager": "deployer"},
        {"time": "2026-11-21T06:20:00Z", "fieldsV1": {"f:status": {}}, "subresource": "status", "manager": "c"},
    ]);
    all[0]["metadata"]["managedFields"] = written;
    let bill = Stage::of(&holding(&all)).one("bill").await;
    assert_eq!(bill.lag.and_then(|lag| lag.since), Some(at("2026-11-21T06:10:00Z")));
}

#[tokio::test]
async fn a_rollout_that_no_controller_has_taken_up_says_so_and_offers_nothing() {
    let mut all = objects("no-step-index");
    all.retain(|one| one["kind"] == "Rollout");
    all[0].as_object_mut().unwrap().remove("status");
    let expected = lines(
        "
shop/edge ? -> 2, unknown, 0 of unknown, in flight
  arms: canary 2 0/0; back: none
  open: 
  message: no controller has taken it up: nothing that is asked of it happens
  behind since Some(\"2026-10-22 06:22:00 UTC\")
",
    );
    let stage = Stage::of(&holding(&all));
    let edge = stage.one("edge").await;
    assert_eq!(said(&edge), expected);
    let why = offer_for(&edge.offers, Verb::Restart).unwrap().blocked.clone();
    let sentence = "no controller has taken it up, so nothing that is asked of it would happen";
    assert_eq!(why.as_deref(), Some(sentence));
}

#[tokio::test]
async fn null_is_absent_where_templates_are_compared() {
    let expected = lines(
        "
shop/web 2 -> 2, healthy, 100 of 100 by pods, steady
  arms: stable 2 3/3, old 1 0/0; back: 1
  open: pause, roll back, restart
",
    );
    assert_eq!(case("creation-timestamp-null").await, expected);
}

#[tokio::test]
async fn versions_are_told_apart_by_the_container_that_changed_or_bears_the_name() {
    let expected = lines(
        "
shop/shopfront 2.3.0 -> 2.4.0, paused 1/2, 20 of 20 by pods, in flight
  arms: canary 2.4.0 1/1, stable 2.3.0 4/4; back: 2.3.0
  open: promote, skip, promote full, pause, abort, roll back, restart
  message: CanaryPauseStep
shop/search 9.1 -> 9.1, healthy, 100 of 100 by pods, steady
  arms: stable 9.1 3/3, old 9.0 0/0; back: 9.0
  open: pause, roll back, restart
",
    );
    assert_eq!(case("several-containers").await, expected);
    let stage = Stage::case("several-containers");
    let front = stage.one("shopfront").await;
    let back = stage.draft(&front, Verb::Rollback, Some("2.3.0")).unwrap();
    assert!(back.to.is_some_and(|version| version.is_called("2.3.0")));
}

/// The objects of a case, where every image of a container is called this.
fn tagged(case: &str, container: &str, image: impl Fn(&str) -> String) -> Vec<Value> {
    let mut all = objects(case);
    for one in &mut all {
        let Some(containers) = one.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut) else {
            continue;
        };
        for one in containers.iter_mut().filter(|one| one["name"] == container) {
            let was = one["image"].as_str().unwrap().to_owned();
            one["image"] = image(&was).into();
        }
    }
    all
}

#[tokio::test]
async fn versions_with_one_tag_are_told_apart_by_digest_or_revision_and_each_name_leads_to_its_own() {
    let digest = |was: &str| {
        format!("r.test/shopfront:main@sha256:{}", if was.ends_with("2.4.0") { "b".repeat(64) } else { "a".repeat(64) })
    };
    let latest = |_: &str| "r.test/shopfront:latest".to_owned();
    let table = [
        (
            tagged("several-containers", "shopfront", digest),
            "main (sha256:aaaaaaa) -> main (sha256:bbbbbbb)",
            "aaaaaaa",
        ),
        (
            tagged("several-containers", "shopfront", latest),
            "latest (revision 1) -> latest (revision 2)",
            "latest (revision 1)",
        ),
    ];
    for (all, versions, name) in table {
        let stage = Stage::of(&holding(&all));
        let front = stage.one("shopfront").await;
        assert!(said(&front).starts_with(&format!("shop/shopfront {versions},")), "{}", said(&front));
        let back = stage.draft(&front, Verb::Rollback, Some(name)).unwrap();
        assert_eq!(back.to, front.stable, "{name}");
        assert!(!back.from.unwrap().is_called(name), "{name}");
    }
}

#[tokio::test]
async fn a_rollout_that_takes_its_pods_from_a_deployment_is_one_rollout_and_is_rolled_back_there() {
    let expected = lines(
        "
shop/cart 7 -> 8, paused 1/2, 20 of 20 by pods, in flight
  arms: canary 8 1/1, stable 7 4/4; back: 7
  open: promote, skip, promote full, pause, abort, roll back, restart
  message: CanaryPauseStep
",
    );
    assert_eq!(case("workloadref").await, expected, "the Deployment at 0 is no rollout of its own");
    let stage = Stage::case("workloadref");
    let cart = stage.one("cart").await;
    let back = stage.draft(&cart, Verb::Rollback, None).unwrap();
    let body: Value = serde_json::from_str(back.steps[0].call.body.sent().unwrap()).unwrap();
    let template = json!({"metadata": {"labels": {"app": "cart"}},
        "spec": {"containers": [{"name": "cart", "image": "r.test/cart:7", "resources": {}}]}});
    let test = json!({"op": "test", "path": "/spec/template/spec/containers/0/image", "value": "r.test/cart:8"});
    assert_eq!(body, json!([test, {"op": "replace", "path": "/spec/template", "value": template}]));
    assert!(back.steps[0].call.path.starts_with(&format!("{DEPLOYMENTS}/cart?")), "{}", back.steps[0].call.path);
    // The Deployment has settled with no pods at once: the Rollout has not left the bad version, so nothing is done.
    let mut all = objects("workloadref");
    let deployment = all.iter_mut().find(|one| one["kind"] == "Deployment").unwrap();
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "r.test/cart:7".into();
    let after = Stage::of(&holding(&all));
    let facts = after.read(&cart).await;
    let open: Vec<_> = back.expect.all.iter().filter(|one| !one.holds(&facts)).map(|one| one.fact.as_str()).collect();
    let pending = [fact::CANARY, "spec taken up by the controller", fact::WEIGHT, fact::OTHER_PODS, fact::PHASE];
    assert_eq!(open, pending);
}

#[tokio::test]
async fn a_watch_of_deployments_waits_for_the_word_of_who_claims_them() {
    let stage = Stage::case("workloadref");
    let mut plain = stage.plain.changes();
    assert!(plain.next().now_or_never().is_none(), "nobody has said yet what is claimed");
    let mut argo = stage.argo.changes();
    assert!(matches!(argo.next().now_or_never(), Some(Some(Ok(Change::All(all)))) if all.len() == 1));
    assert!(matches!(plain.next().now_or_never(), Some(Some(Ok(Change::All(all)))) if all.is_empty()));
}

#[tokio::test]
async fn a_doubt_that_waits_for_a_human_and_one_that_goes_on_by_itself_are_told_apart() {
    let stage = Stage::case("background-inconclusive");
    let (feed, news) = (stage.one("feed").await, stage.one("news").await);
    let doubt = |since: &str, until: Option<&str>| {
        Some(Pause { reason: PauseReason::Inconclusive, since: Some(at(since)), until: until.map(at) })
    };
    assert_eq!(feed.pause, doubt("2026-11-21T06:03:40Z", None));
    assert_eq!(news.pause, doubt("2026-11-21T06:20:00Z", Some("2026-11-21T06:30:00Z")));
    // The step waits since its pause began, whatever the analysis came to meanwhile.
    let waits = |rollout: &Rollout| rollout.step_times.get(&1).copied();
    assert_eq!((waits(&feed), waits(&news)), (Some(at("2026-11-21T06:02:00Z")), Some(at("2026-11-21T06:20:00Z"))));
}

#[tokio::test]
async fn a_target_without_pods_is_said_on_the_card() {
    let stage = Stage::case("abort-to-empty-stable");
    let pay = stage.one("pay").await;
    let sentence = "1.4.0 runs no pods now: they must come up before it can take the traffic";
    for verb in [Verb::Abort, Verb::Rollback] {
        assert!(stage.draft(&pay, verb, None).unwrap().notes.iter().any(|note| note == sentence), "{verb}");
    }
}

#[tokio::test]
async fn a_command_that_cannot_name_the_revision_takes_the_template_from_where_it_stands() {
    let stage = Stage::case("no-revision-annotation");
    let back = stage.draft(&stage.one("web").await, Verb::Rollback, None).unwrap();
    assert_eq!(back.effect, "0 % of its pods, as now, on 3; 2 everywhere");
    let read = "kubectl -n shop get replicasets.apps web-w2 -o jsonpath='[";
    let patch = " | kubectl -n shop patch deployments.apps web --type=json --patch-file=/dev/stdin";
    let command = &back.steps[0].call.command;
    assert!(command.starts_with(read) && command.ends_with(patch), "{command}");
}

#[tokio::test]
async fn while_the_spec_goes_back_the_version_that_still_serves_stays_in_sight() {
    let mut all = tagged("several-containers", "shopfront", |_| "reg.test:5000/team/shopfront:2.3.0".to_owned());
    all.retain(|one| one["kind"] == "Rollout");
    all[0]["spec"]["template"]["spec"]["initContainers"][0]["image"] = "r.test/shopfront-assets:2.3.0".into();
    all[0]["metadata"]["generation"] = 6.into();
    all.extend(objects("several-containers").into_iter().filter(|one| one["kind"] == "ReplicaSet"));
    let front = Stage::of(&holding(&all)).one("shopfront").await;
    let expected = lines(
        "
shop/shopfront 2.3.0 -> 2.4.0, progressing 1/2, 20 of 20 by pods, in flight
  arms: canary 2.4.0 1/1, stable 2.3.0 4/4; back: 2.3.0
  open: pause, abort, roll back, restart
  message: waiting for rollout spec update to be observed
  behind since None
",
    );
    assert_eq!(said(&front), expected);
}
