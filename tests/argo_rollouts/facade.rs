//! The facade over a hand-made API server: the exact requests, the watch and what it survives, and writes.

use crate::inventory::{Change, Listing};
use futures::{FutureExt, StreamExt, stream::BoxStream};
use holdshort::port::inventory::Inventory;
use holdshort::{
    app::store::{SourceInfo, Store},
    domain::{
        observed::FaultKind,
        offer::{Offer, offer_for},
        rollout::Phase,
        verb::Verb,
    },
    port::{
        error::ProviderError,
        fill::Supplies,
        plan::{Ask, Sent, WireCall, fact},
        shape::Checked,
        step::Step,
        wire::Class,
    },
    provider::{
        argo_rollouts,
        http::{Layers, layered},
        kubernetes::{Cluster, Scope, scope::What},
    },
};
use serde_json::{Value, json};

use crate::server::{
    EVENTS, Jumping, PODS, REVIEWS, ROLLOUTS, RUNS, SETS, Say, Server, cluster, list, recorded, recorded_json, scope,
};

type Changes<'a> = BoxStream<'a, Result<Change, ProviderError>>;

/// A server that holds one recorded rollout, its ReplicaSets, events and analyses, and grants everything.
fn shop(rollout: &str, sets: &str) -> Server {
    let allowed = recorded("ssar-releaser-patch-rollouts-status-allowed.json");
    Server::default()
        .says("GET", ROLLOUTS, Say::Whole(200, list("Rollout", "469", &[recorded_json(rollout)])))
        .says("GET", &format!("{ROLLOUTS}/checkout"), Say::Whole(200, recorded(&format!("{rollout}.json"))))
        .says("GET", SETS, Say::Whole(200, recorded(&format!("{sets}.json"))))
        .says("GET", RUNS, Say::Whole(200, recorded("analysisruns-list-failed.json")))
        .says("GET", EVENTS, Say::Whole(200, recorded("events-of-checkout-at-469.json")))
        .says("POST", REVIEWS, Say::Whole(201, allowed))
}

fn aborted() -> Server {
    shop("rollout-canary-12-aborted-by-analysis", "replicasets-of-checkout-at-469")
}

fn line(kind: &str, object: &Value) -> String {
    json!({"type": kind, "object": object}).to_string()
}

fn bookmark(revision: &str) -> String {
    line("BOOKMARK", &json!({"kind": "Rollout", "metadata": {"resourceVersion": revision}}))
}

/// Everything that is there without waiting.
fn ready(changes: &mut Changes<'_>, most: usize) -> Vec<Result<Change, ProviderError>> {
    let mut all = Vec::new();
    while all.len() < most {
        match changes.next().now_or_never() {
            Some(Some(change)) => all.push(change),
            _ => break,
        }
    }
    all
}

/// A change in a word or two.
fn word(change: &Result<Change, ProviderError>) -> String {
    match change {
        Ok(Change::All(all)) => format!("all {}", all.len()),
        Ok(Change::One(one)) => format!("{} {}", one.id.path, one.phase),
        Ok(Change::Gone(id)) => format!("{} gone", id.path),
        Ok(Change::Alive) => "alive".to_owned(),
        Ok(Change::Unread(parts)) => format!("unread {parts:?}"),
        Err(error) => error.text.clone(),
    }
}

fn words(changes: &[Result<Change, ProviderError>]) -> Vec<String> {
    changes.iter().map(word).collect()
}

#[tokio::test]
async fn a_list_asks_by_selector_and_explains_what_is_in_flight_only() {
    let server = aborted();
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let rollouts = facet.rollouts().await.unwrap();
    let mut lines = server.lines();
    lines.sort();
    let uid = "11791e41-22a9-4067-8077-3e84ac593e6c";
    let expected = [
        format!("GET {EVENTS}?&limit=500&fieldSelector=involvedObject.uid%3D{uid}"),
        format!("GET {SETS}?&limit=500&labelSelector=rollouts-pod-template-hash"),
        format!("GET {PODS}?&limit=500&labelSelector=app%3Dcheckout"),
        format!("GET {RUNS}?&limit=500&labelSelector=rollouts-pod-template-hash%3D5bdbc96c79"),
        format!("GET {ROLLOUTS}?&limit=500"),
        format!("POST {REVIEWS}"),
        format!("POST {REVIEWS}"),
    ];
    let parameters = |line: &str| line.split(['?', '&']).map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let same = |texts: &[String]| texts.iter().map(|line| parameters(line)).collect::<std::collections::BTreeSet<_>>();
    assert_eq!((lines.len(), same(&lines)), (expected.len(), same(&expected)));
    assert!(server.asked().iter().all(|request| request.extensions().get() == Some(&Class::Read)));
    let rollout = &rollouts[0];
    assert_eq!(rollout.events[0].reason, "RolloutAborted");
    assert!(rollout.events[0].warning && rollout.events.windows(2).all(|pair| pair[0].at >= pair[1].at));
    let analyses: Vec<_> = rollout.analyses.iter().map(|run| (run.name.as_str(), run.phase.as_str())).collect();
    assert_eq!(analyses[0], ("checkout-5bdbc96c79-3-4", "Failed"));
}

#[tokio::test]
async fn what_is_no_list_of_rollouts_is_unreadable_and_never_an_empty_cluster() {
    let (kind, item) = (FaultKind::Unreadable, recorded_json("rollout-canary-09-healthy-v1.1"));
    let no_list = "eu sent no readable rollouts.argoproj.io: its answer is no list of them";
    let page = "eu sent no readable rollouts.argoproj.io: \
                it answers with a web page: a login page or a proxy in between?";
    let table = [
        ("{}".to_owned(), kind, no_list),
        ("[]".to_owned(), kind, no_list),
        (r#"{"error": "no"}"#.to_owned(), kind, no_list),
        (list("Pod", "1", &[]), kind, no_list),
        (r#"{"kind": "RolloutList"}"#.to_owned(), kind, no_list),
        (json!({"items": []}).to_string(), kind, no_list),
        (
            list("Rollout", "1", &[json!({"a": 1})]),
            kind,
            "eu sent no readable rollouts.argoproj.io: an item of its list has no name",
        ),
        (
            list("Rollout", "1", &[item, json!(7)]),
            kind,
            "eu sent no readable rollouts.argoproj.io: an item of its list has no name",
        ),
        ("\n<!doctype html><p>Sign in</p>".to_owned(), kind, page),
        (
            json!({"kind": "Status", "status": "Failure", "code": 403}).to_string(),
            FaultKind::Forbidden,
            "eu refuses: Forbidden",
        ),
        (
            json!({"kind": "Status", "status": "Failure", "code": 503, "message": "etcd is away"}).to_string(),
            FaultKind::Server,
            "eu failed with 503: etcd is away",
        ),
    ];
    for (body, kind, text) in table {
        let server = Server::default().says("GET", ROLLOUTS, Say::Whole(200, body.clone())).says(
            "GET",
            SETS,
            Say::Whole(200, list("ReplicaSet", "1", &[])),
        );
        let facet = argo_rollouts::facet(cluster(server.transport()));
        let expected = (kind, text.to_owned());
        let said = |error: ProviderError| (error.kind, error.text);
        assert_eq!(facet.rollouts().await.map_err(said).map(|all| all.len()), Err(expected.clone()), "{body}");
        assert_eq!(facet.probe().await.map_err(said), Err(expected), "{body}");
        let told = words(&ready(&mut facet.changes(), 4));
        assert!(told.iter().all(|word| word == text), "{body}: {told:?}");
    }
    let none = json!({"kind": "RolloutList", "items": null}).to_string();
    let server = Server::default().says("GET", ROLLOUTS, Say::Whole(200, none)).says(
        "GET",
        SETS,
        Say::Whole(200, list("ReplicaSet", "1", &[])),
    );
    let facet = argo_rollouts::facet(cluster(server.transport()));
    assert_eq!(facet.rollouts().await.map(|all| all.len()), Ok(0));
}

#[tokio::test]
async fn a_web_page_where_the_server_was_is_no_sign_of_life() {
    for page in ["<html>\nSign in\n</html>", "{}", ""] {
        let server = aborted()
            .says("WATCH", ROLLOUTS, Say::Lines(vec![bookmark("500")]))
            .says("WATCH", ROLLOUTS, Say::Whole(200, page.into()))
            .says("GET", ROLLOUTS, Say::Whole(200, page.into()));
        let facet = argo_rollouts::facet(cluster(server.transport()));
        let told = words(&ready(&mut facet.changes(), 20));
        let first = told.iter().position(|word| word.starts_with("eu sent no readable")).unwrap();
        let after: Vec<_> = told[first..].iter().filter(|word| !word.starts_with("eu sent no readable")).collect();
        assert_eq!(after, Vec::<&String>::new(), "{told:?}");
        assert!(facet.probe().await.is_err(), "{page}");
    }
}

#[tokio::test]
async fn a_write_that_meets_a_web_page_was_not_said_to_be_done() {
    let path = format!("{ROLLOUTS}/checkout/status");
    let server = shop("rollout-canary-05-paused-indefinite", "replicasets-of-checkout-at-344");
    let server = server.says("PATCH", &path, Say::Whole(200, "<html>Sign in</html>".into()));
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let call = abort(&*facet).await;
    let error = send(&*facet, &call, "469").await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (FaultKind::Unreadable, true));
}

#[tokio::test]
async fn what_one_may_not_do_is_blocked_with_whom_to_ask() {
    let denied = recorded("ssar-viewer-patch-rollouts-denied.json");
    let server = Server::default()
        .says(
            "GET",
            ROLLOUTS,
            Say::Whole(200, list("Rollout", "1", &[recorded_json("rollout-canary-05-paused-indefinite")])),
        )
        .says("GET", SETS, Say::Whole(200, recorded("replicasets-of-checkout-at-344.json")))
        .says("POST", REVIEWS, Say::Whole(201, denied));
    let rollout = argo_rollouts::facet(cluster(server.transport())).rollouts().await.unwrap().remove(0);
    let why = |verb| rollout.offers.iter().find(|offer| offer.verb == verb).unwrap().blocked.clone();
    let sentence =
        |what: &str| format!("you may not patch {what} in shop on eu: ask who administers it for that right");
    assert_eq!(why(Verb::Promote), Some(sentence("rollouts/status")));
    assert_eq!(why(Verb::Rollback), Some(sentence("rollouts")));
    let names: Vec<_> = server.asked().iter().filter(|request| request.method() == "POST").map(review_name).collect();
    // Without a name first; with the name where that was denied.
    assert_eq!(names, [None, Some("checkout".into()), None, Some("checkout".to_owned())]);
}

#[tokio::test]
async fn what_the_cluster_has_not_said_yet_is_not_known_and_not_allowed() {
    let allowed = json!({"status": {"allowed": true}}).to_string();
    let offers = async |review: Option<Say>| {
        let mut server = Server::default()
            .says(
                "GET",
                ROLLOUTS,
                Say::Whole(200, list("Rollout", "1", &[recorded_json("rollout-canary-05-paused-indefinite")])),
            )
            .says("GET", SETS, Say::Whole(200, recorded("replicasets-of-checkout-at-344.json")));
        if let Some(say) = review {
            server = server.says("POST", REVIEWS, say);
        }
        argo_rollouts::facet(cluster(server.transport())).rollouts().await.unwrap().remove(0).offers
    };
    let unsure = |offers: &[Offer]| -> Vec<Option<String>> {
        [Verb::Promote, Verb::Rollback].map(|verb| offer_for(offers, verb).unwrap().unsure.clone()).to_vec()
    };
    let not_known = Some("not known whether you may: eu has not said yet".to_owned());
    assert_eq!(unsure(&offers(Some(Say::Breaks)).await), vec![not_known; 2]);
    assert_eq!(unsure(&offers(Some(Say::Whole(201, allowed))).await), vec![None, None]);
}

fn review_name(request: &http::Request<bytes::Bytes>) -> Option<String> {
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    body["spec"]["resourceAttributes"]["name"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_cluster_without_the_crd_says_what_is_missing() {
    let server = Server::default().says("GET", SETS, Say::Whole(200, list("ReplicaSet", "1", &[])));
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let error = facet.rollouts().await.unwrap_err();
    let sentence = "Argo Rollouts is not installed on eu (no rollouts.argoproj.io): \
                    install it, or take it out of `engines`";
    assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, sentence));
    assert_eq!(facet.probe().await.unwrap_err().kind, FaultKind::Missing);
    assert_eq!(server.lines().last().map(String::as_str), Some(format!("GET {ROLLOUTS}?&limit=1").as_str()));
}

#[tokio::test]
async fn an_engine_that_nobody_named_and_the_cluster_lacks_has_nothing_there_and_is_looked_for_again_by_and_by() {
    let server = Server::default().says("GET", SETS, Say::Whole(200, list("ReplicaSet", "1", &[])));
    let scope = Scope { takes_what_is_there: true, ..scope() };
    let clock = Jumping::from("2026-11-21T06:22:00Z");
    let facet = argo_rollouts::facet(Cluster::new(server.transport(), scope, clock.clone()));
    assert_eq!(facet.rollouts().await.unwrap(), []);
    facet.probe().await.unwrap();
    let nothing = "unread [\"nothing is in namespace shop of eu (not installed: Argo Rollouts): in [connections.eu] `namespaces` names it\"]";
    assert_eq!(words(&ready(&mut facet.changes(), 4)), [nothing, "all 0", "alive"]);
    // One that comes later is found.
    let come = recorded_json("rollout-canary-30-progress-deadline");
    let server = server.instead("GET", ROLLOUTS, Say::Whole(200, list("Rollout", "469", &[come])));
    let told = words(&ready(&mut facet.changes(), 4));
    assert_eq!(told.first().map(String::as_str), Some("all 1"), "{told:?}");
    // And from then on that it is gone is a fault again.
    let _server = server.instead("GET", ROLLOUTS, Say::Whole(404, "404 page not found\n".to_owned()));
    assert_eq!(facet.rollouts().await.unwrap_err().kind, FaultKind::Missing);
}

#[tokio::test]
async fn a_watch_tells_all_then_changes_then_bookmarks() {
    let moved = recorded_json("rollout-canary-30-progress-deadline");
    let gone = recorded_json("rollout-canary-30-progress-deadline");
    let lines = vec![line("MODIFIED", &moved), bookmark("9000"), line("DELETED", &gone)];
    let server = aborted().says("WATCH", ROLLOUTS, Say::LinesThenSilence(lines));
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let told = words(&ready(&mut facet.changes(), 20));
    assert_eq!(told.iter().find(|word| word.starts_with("all")).map(String::as_str), Some("all 1"));
    let kept: Vec<_> = told.iter().filter(|word| word.contains("degraded") || word.contains("gone")).collect();
    assert_eq!(kept.last().map(|word| word.as_str()), Some("shop/checkout gone"));
    assert!(told.contains(&"shop/checkout degraded".to_owned()) && told.contains(&"alive".to_owned()), "{told:?}");
    let watched = server.asked().iter().filter(|request| request.extensions().get() == Some(&Class::Stream)).count();
    assert_eq!(watched, 2, "one for rollouts, one for their ReplicaSets");
}

#[tokio::test]
async fn a_forgotten_revision_is_listed_anew_without_an_error() {
    let server = aborted().says("WATCH", ROLLOUTS, Say::Lines(vec![recorded("watch-410-gone.json").trim().to_owned()]));
    let server = server.says("WATCH", ROLLOUTS, Say::LinesThenSilence(vec![]));
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let told = ready(&mut facet.changes(), 20);
    assert!(told.iter().all(Result::is_ok), "{:?}", words(&told));
    let lists = server
        .lines()
        .iter()
        .filter(|line| line.starts_with(&format!("GET {ROLLOUTS}?")) && !line.contains("watch=true"))
        .count();
    assert_eq!(lists, 2);
}

#[tokio::test]
async fn a_dropped_watch_goes_on_from_where_it_was() {
    let moved = recorded_json("rollout-canary-30-progress-deadline");
    let server = aborted().says("WATCH", ROLLOUTS, Say::Lines(vec![line("MODIFIED", &moved)])).says(
        "WATCH",
        ROLLOUTS,
        Say::LinesThenSilence(vec![]),
    );
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let told = ready(&mut facet.changes(), 20);
    assert!(told.iter().all(Result::is_ok), "{:?}", words(&told));
    let revisions: Vec<_> = server.lines().iter().filter_map(|line| watched_from(line)).collect();
    assert_eq!(revisions, ["469", "708"]);
}

fn watched_from(line: &str) -> Option<String> {
    let query = line.strip_prefix(&format!("GET {ROLLOUTS}?"))?;
    query.contains("watch=true").then_some(())?;
    query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion=")).map(str::to_owned)
}

#[tokio::test]
async fn a_watch_that_fails_says_so_and_comes_back_by_itself() {
    let server = aborted()
        .says("WATCH", ROLLOUTS, Say::Breaks)
        .says("WATCH", ROLLOUTS, Say::Whole(503, "service unavailable".into()))
        .says("WATCH", ROLLOUTS, Say::LinesThenSilence(vec![bookmark("500")]));
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let told = words(&ready(&mut facet.changes(), 20));
    let errors: Vec<_> = told.iter().filter(|word| word.contains("eu ")).collect();
    assert_eq!(errors, ["the connection to eu broke: reset by peer", "eu failed with 503: service unavailable"]);
    assert_eq!(told.last().map(String::as_str), Some("alive"));
}

#[tokio::test]
async fn an_error_on_the_watch_itself_is_told_and_everything_is_listed_anew() {
    let error = recorded("watch-sendInitialEvents-etcd34.json").trim().to_owned();
    let server = aborted().says("WATCH", ROLLOUTS, Say::Lines(vec![error]));
    let server = server.says("WATCH", ROLLOUTS, Say::LinesThenSilence(vec![]));
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let told = words(&ready(&mut facet.changes(), 20));
    let error = told.iter().position(|word| word.starts_with("eu failed with 500: a watch stream was requested"));
    let all = told.iter().rposition(|word| word == "all 1");
    assert!(error.is_some() && all > error, "{told:?}");
}

#[tokio::test]
async fn a_forbidden_kind_hides_no_rollout_and_is_no_failure_of_the_cluster() {
    let forbidden = recorded("403-viewer-cluster-list.json");
    let server = Server::default()
        .says(
            "GET",
            ROLLOUTS,
            Say::Whole(200, list("Rollout", "1", &[recorded_json("rollout-canary-09-healthy-v1.1")])),
        )
        .says("GET", SETS, Say::Whole(403, forbidden));
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let told = ready(&mut facet.changes(), 4);
    let all = told.iter().find_map(|change| if let Ok(Change::All(all)) = change { Some(all) } else { None });
    let Some(all) = all else { panic!("{:?}", words(&told)) };
    let unknown: Vec<_> = all[0].unknown.iter().map(|unknown| unknown.what.as_str()).collect();
    let why = "its ReplicaSets could not be read, so its pods and versions are not known: viewer may not list \
               deployments.apps anywhere on eu: ask who administers it for that right, or name where you may with \
               namespaces = [\"…\"] in [connections.eu]";
    assert_eq!(unknown, [why]);
    assert!(told.iter().all(Result::is_ok), "{:?}", words(&told));
}

#[tokio::test]
async fn reading_again_gives_the_facts_and_the_revision() {
    let server = shop("rollout-canary-05-paused-indefinite", "replicasets-of-checkout-at-344");
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let target = "eu/argo_rollouts/shop/checkout".parse().unwrap();
    let reading = facet.read(&target).await.unwrap();
    let expected = [
        (fact::ABORTED, "false"),
        (fact::CANARY, "5d5c777b9d"),
        (fact::GENERATION, "3"),
        (fact::HELD, "false"),
        (fact::OTHER_PODS, "2"),
        (fact::PAUSED, "true"),
        (fact::PHASE, "paused"),
        ("pods missing", "0"),
        ("waits for a human at", "step 3/7"),
        ("spec taken up by the controller", "true"),
        (fact::STABLE, "b558f4fc7"),
        (fact::STEP, "3"),
        (fact::UID, "11791e41-22a9-4067-8077-3e84ac593e6c"),
        (fact::UPDATED_READY, "2"),
        (fact::WEIGHT, "50"),
    ];
    let expected = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!((reading.facts, reading.revision.as_deref()), (expected, Some("344")));
    let lines = server.lines();
    assert_eq!(lines[0], format!("GET {ROLLOUTS}/checkout"));
    assert!(lines[1].starts_with(&format!("GET {SETS}?")) && lines[1].contains("labelSelector=app%3Dcheckout"));
}

/// The abort of a recorded paused canary.
async fn abort(facet: &dyn Inventory) -> WireCall {
    let rollout = facet.rollouts().await.unwrap().remove(0);
    assert_eq!(rollout.phase, Phase::Paused);
    let ask = Ask::new(Verb::Abort, rollout.id.clone());
    facet.draft_for(&rollout, &ask).unwrap().steps.remove(0).call
}

/// Sends that call.
async fn send(facet: &dyn Inventory, call: &WireCall, revision: &str) -> Result<Sent, ProviderError> {
    let target = facet.rollouts().await.unwrap().remove(0).id;
    let step = Step::new(&target, call.clone());
    facet.send(Checked::of(&step, Verb::Abort, facet, &Supplies::revision(Some(revision))).unwrap()).await
}

#[tokio::test]
async fn a_write_carries_the_revision_and_gives_the_next_one() {
    let path = format!("{ROLLOUTS}/checkout/status");
    let server = shop("rollout-canary-05-paused-indefinite", "replicasets-of-checkout-at-344").says(
        "PATCH",
        &path,
        Say::Whole(200, recorded("rollout-guarded-promote-first-200.json")),
    );
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let call = abort(&*facet).await;
    let sent = send(&*facet, &call, "344").await.unwrap();
    assert_eq!((sent.revision.as_deref(), sent.said.as_str()), (next_revision().as_deref(), "200 OK"));
    let request = server.asked().pop().unwrap();
    assert_eq!(request.method(), "PATCH");
    assert_eq!(request.uri(), format!("{path}?fieldManager=holdshort").as_str());
    assert_eq!(request.headers()["content-type"], "application/merge-patch+json");
    assert_eq!(request.extensions().get(), Some(&Class::Write));
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(body, json!({"metadata": {"resourceVersion": "344"}, "status": {"abort": true}}));
}

fn next_revision() -> Option<String> {
    recorded_json("rollout-guarded-promote-first-200")["metadata"]["resourceVersion"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_write_on_503_is_sent_exactly_once_through_all_layers_and_may_have_been_done() {
    let path = format!("{ROLLOUTS}/checkout/status");
    let server = shop("rollout-canary-05-paused-indefinite", "replicasets-of-checkout-at-344").says(
        "PATCH",
        &path,
        Say::Whole(503, recorded("503-aggregated-api-down.json")),
    );
    let clock = Jumping::from("2026-11-21T06:22:00Z");
    let transport = layered(server.transport(), Layers::new("eu".into()), clock.clone());
    let facet = argo_rollouts::facet(holdshort::provider::kubernetes::Cluster::new(transport, scope(), clock));
    let call = abort(&*facet).await;
    let error = send(&*facet, &call, "344").await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (FaultKind::Server, true));
    assert_eq!(server.asked().iter().filter(|request| request.method() == "PATCH").count(), 1);
}

#[tokio::test]
async fn an_object_that_moved_is_a_conflict_and_nothing_was_done() {
    let path = format!("{ROLLOUTS}/checkout/status");
    let server = shop("rollout-canary-05-paused-indefinite", "replicasets-of-checkout-at-344").says(
        "PATCH",
        &path,
        Say::Whole(409, recorded("rollout-guarded-promote-second-409.json")),
    );
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let call = abort(&*facet).await;
    let error = send(&*facet, &call, "343").await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (FaultKind::Conflict, false));
}

#[tokio::test]
async fn an_error_confirms_nothing_that_was_told_before() {
    let server = aborted()
        .says("WATCH", ROLLOUTS, Say::Whole(503, "service unavailable".into()))
        .says("WATCH", ROLLOUTS, Say::Whole(503, "service unavailable".into()))
        .says("GET", ROLLOUTS, Say::Whole(503, "service unavailable".into()));
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let told = words(&ready(&mut facet.changes(), 20));
    let first = told.iter().position(|word| word.starts_with("eu failed")).unwrap();
    let after: Vec<_> = told[first..].iter().filter(|word| !word.starts_with("eu failed")).collect();
    assert_eq!(after, Vec::<&String>::new(), "{told:?}");
}

#[tokio::test]
async fn a_quiet_watch_that_is_open_again_is_told_as_alive_whichever_kind_it_follows() {
    let server = aborted().says("WATCH", SETS, Say::Whole(503, "service unavailable".into())).says(
        "WATCH",
        SETS,
        Say::LinesThenSilence(vec![]),
    );
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let told = words(&ready(&mut facet.changes(), 20));
    let error = told.iter().position(|word| word.starts_with("eu failed")).unwrap();
    assert!(told[error..].iter().any(|word| word == "alive"), "{told:?}");
}

#[tokio::test]
async fn a_server_that_forgets_every_revision_at_once_is_asked_more_and_more_slowly() {
    let gone = recorded("watch-410-gone.json").trim().to_owned();
    let server = aborted().says("WATCH", ROLLOUTS, Say::Lines(vec![gone]));
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let told = ready(&mut facet.changes(), 60);
    // In between it is not live, and nothing says that it is.
    let errors: Vec<String> = told.iter().filter(|change| change.is_err()).map(word).collect();
    let said = "eu forgets at once what it tells of rollouts.argoproj.io (410), so that it cannot be watched: it is only \
                listed, now and then";
    assert!(errors.len() > 1 && errors.iter().all(|error| error == said), "{:?}", words(&told));
    let after = told.iter().skip_while(|change| change.is_ok()).filter(|change| matches!(change, Ok(Change::Alive)));
    assert_eq!(after.count(), 0, "{:?}", words(&told));
    let lists = server.lines().iter().filter(|line| is_list(line)).count();
    // Only short sleeps end here: once the pause is long, it is over.
    assert!((3..12).contains(&lists), "{lists}");
}

fn is_list(line: &str) -> bool {
    line.starts_with(&format!("GET {ROLLOUTS}?")) && !line.contains("watch=true")
}

fn refused(resource: &str, place: &str) -> Say {
    let message = format!(
        "{resource}.argoproj.io is forbidden: User \"dana\" cannot list resource \"{resource}\" in API group \"argoproj.io\" {place}"
    );
    Say::Whole(403, json!({"kind": "Status", "status": "Failure", "code": 403, "message": message}).to_string())
}

/// A cluster of which these namespaces are looked at.
fn looking_at(server: &Server, namespaces: &[&str]) -> std::sync::Arc<Cluster> {
    let scope = Scope { namespaces: namespaces.iter().map(|&it| it.to_owned()).collect(), ..scope() };
    Cluster::new(server.transport(), scope, Jumping::from("2026-11-21T06:22:00Z"))
}

const ELSEWHERE: &str = "/apis/argoproj.io/v1alpha1/namespaces/other/rollouts";

#[tokio::test]
async fn one_namespace_that_is_refused_is_named_and_the_others_are_shown_as_they_are() {
    let server = aborted().says("GET", ELSEWHERE, refused("rollouts", "in the namespace \"other\"")).says(
        "GET",
        "/apis/apps/v1/namespaces/other/replicasets",
        Say::Whole(200, list("ReplicaSet", "1", &[])),
    );
    let facet = argo_rollouts::facet(looking_at(&server, &["other", "shop"]));
    let told = words(&ready(&mut facet.changes(), 20));
    let part = "dana may not list rollouts.argoproj.io in other on eu: ask who administers it for that right";
    assert_eq!(told[..2], [format!("unread {:?}", [part]), "all 1".to_owned()], "{told:?}");
    assert!(told[2..].iter().all(|word| word == "alive" || word == "shop/checkout aborted"), "{told:?}");
    // And so it stands, with everything that is told after it.
    let (source, now) = ("eu".into(), "2026-11-21T06:22:00Z".parse().unwrap());
    let info = SourceInfo {
        name: "eu".into(),
        inventories: vec![facet.tells()],
        answers: Vec::new(),
        interval: std::time::Duration::from_secs(5),
        coverage: holdshort::domain::place::Coverage::default(),
    };
    let mut store = Store::of(&[info]);
    let scopes = facet.discover().await;
    store.take_scopes(&source, &facet.tells()[0].0, Ok(scopes.unwrap()));
    let mut watch = facet.watch().unwrap();
    while let Some(Some(one)) = watch.next().now_or_never() {
        store.take(&source, &one.scope, (now, now), one.parts.map_err(|error| error.at(now)));
        if store.rollouts().next().is_some() {
            break;
        }
    }
    assert_eq!(store.sources(now)[0].unread, [part]);
    // What proves it alive is asked where we may.
    facet.probe().await.unwrap();
}

#[tokio::test]
async fn where_all_namespaces_are_refused_together_that_is_a_failure() {
    let server = Server::default().says("GET", ROLLOUTS, refused("rollouts", "in the namespace \"shop\"")).says(
        "GET",
        ELSEWHERE,
        refused("rollouts", "in the namespace \"other\""),
    );
    let facet = argo_rollouts::facet(looking_at(&server, &["other", "shop"]));
    let told = ready(&mut facet.changes(), 20);
    assert!(told.iter().any(|change| matches!(change, Err(error) if error.kind == FaultKind::Forbidden)), "{told:?}");
    assert!(!told.iter().any(|change| matches!(change, Ok(Change::All(_) | Change::Alive))), "{told:?}");
}

#[tokio::test]
async fn where_all_may_not_be_listed_the_contexts_own_namespace_is_and_that_is_said() {
    let everywhere = "/apis/argoproj.io/v1alpha1/rollouts";
    let server = aborted().says("GET", everywhere, refused("rollouts", "at the cluster scope"));
    let server = server.says("GET", "/apis/apps/v1/replicasets", refused("replicasets", "at the cluster scope"));
    let cluster = looking_at(&server, &[]);
    cluster.scope.found.keep(What { namespace: Some("shop".into()), ..What::default() });
    let facet = argo_rollouts::facet(cluster);
    let told = words(&ready(&mut facet.changes(), 20));
    let said = "only namespace shop, which the context names, is looked at: dana may not list rollouts.argoproj.io anywhere \
                on eu; name where you may with namespaces = [\"shop\"] in [connections.eu]";
    assert_eq!(told[..2], [format!("unread {:?}", [said]), "all 1".to_owned()], "{told:?}");

    // Without one, what is refused names the setting and the rule.
    let facet = argo_rollouts::facet(looking_at(&server, &[]));
    let told = words(&ready(&mut facet.changes(), 20));
    let said = "dana may not list rollouts.argoproj.io anywhere on eu: ask who administers it for that right, or name where \
                you may with namespaces = [\"…\"] in [connections.eu]";
    assert!(told.iter().any(|word| word == said) && !told.iter().any(|word| word.starts_with("all")), "{told:?}");
}

#[tokio::test]
async fn a_namespace_that_is_refused_later_leaves_what_is_known_of_it_as_not_known_to_be_so() {
    let mut there = recorded_json("rollout-canary-12-aborted-by-analysis");
    there["metadata"]["namespace"] = json!("other");
    let server = aborted()
        .says("GET", ELSEWHERE, Say::Whole(200, list("Rollout", "1", &[there])))
        .says("GET", ELSEWHERE, refused("rollouts", "in the namespace \"other\""))
        .says("WATCH", ELSEWHERE, refused("rollouts", "in the namespace \"other\""))
        .says("GET", "/apis/apps/v1/namespaces/other/replicasets", Say::Whole(200, list("ReplicaSet", "1", &[])));
    let facet = argo_rollouts::facet(looking_at(&server, &["other", "shop"]));
    let told = ready(&mut facet.changes(), 40);
    assert!(told.iter().all(Result::is_ok), "{:?}", words(&told));
    let last = told.iter().rev().find_map(|change| match change {
        Ok(Change::One(one)) if one.id.path == "other/checkout" => Some(&one.unknown),
        _ => None,
    });
    let why = "it cannot be read now: dana may not list rollouts.argoproj.io in other on eu: ask who administers it for that right";
    assert!(last.is_some_and(|unknown| unknown.iter().any(|it| it.what == why)), "{last:?}");
}

#[tokio::test]
async fn what_explains_a_rollout_and_may_not_be_read_is_named() {
    let server = shop("rollout-canary-05-paused-indefinite", "replicasets-of-checkout-at-344").instead(
        "GET",
        RUNS,
        refused("analysisruns", "in the namespace \"shop\""),
    );
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let told = words(&ready(&mut facet.changes(), 20));
    let part = "dana may not list analysisruns.argoproj.io in shop on eu: ask who administers it for that right";
    assert!(told.contains(&format!("unread {:?}", [part])), "{told:?}");
}

#[tokio::test]
async fn a_watch_that_is_refused_though_the_list_is_answered_is_asked_for_more_and_more_slowly() {
    let server = aborted().says("WATCH", ROLLOUTS, refused("rollouts", "in the namespace \"shop\""));
    let facet = argo_rollouts::facet(cluster(server.transport()));
    let told = ready(&mut facet.changes(), 60);
    assert!(told.iter().any(|change| matches!(change, Err(error) if error.kind == FaultKind::Forbidden)), "{told:?}");
    let lists = server.lines().iter().filter(|line| is_list(line)).count();
    // Only short sleeps end here: once the pause is long, it is over.
    assert!((3..12).contains(&lists), "{lists}");
}
