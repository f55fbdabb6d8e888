//! Applications as upstream writes them, by its types and its documentation, in our words.
//!
//! The shapes follow `pkg/apis/application/v1alpha1/types.go`, the docs on multiple sources, on the source hydrator and on Applications in
//! any namespace, and the controller's own messages; no server was recorded.

use std::sync::Arc;

use holdshort::{
    domain::{
        hand::{By, Did},
        item::Item,
        rollout::{Arm, Phase, Rollout},
        verb::Verb,
    },
    port::{clock::SharedClock, facet::Connection},
};
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    scene::{Diary, HandClock, Said, ask, connect, saying},
};

const NEW: &str = "53e28ff20cc530b9ada2173fbbd64d48338583ba";
const OLD: &str = "08836bd970037ebcd14494831de4635bad961139";

/// Answers to everything that is asked beside the list.
#[expect(clippy::needless_pass_by_value, reason = "tests write it where they hand it over")]
pub(crate) fn around(items: Value, list: &'static str) -> Vec<(&'static str, Said)> {
    let json = "application/json";
    vec![
        (list, (200, json, json!({"metadata": {"resourceVersion": "1"}, "items": items}))),
        ("/api/version", (200, json, json!({"Version": "v3.1.4+5a3b2c1"}))),
        ("/*", (200, json, json!({"value": "yes"}))),
    ]
}

fn over(items: Value) -> (Connection, Diary) {
    let (diary, clock): (_, SharedClock) = (Diary::default(), Arc::new(HandClock::new()));
    (connect(saying(&diary, around(items, "/applications")), Vec::new(), &clock), diary)
}

async fn only(app: Value) -> Rollout {
    let (connection, _) = over(json!([app]));
    let (items, unread) = connection.inventories[0].look().await;
    assert_eq!(unread, [""; 0]);
    let [Item::Rollout(rollout)] = items.as_slice() else { panic!("{items:?}") };
    (**rollout).clone()
}

/// The guestbook, as it stands after a sync by hand.
fn guestbook() -> Value {
    let source = json!({"repoURL": "https://github.com/argoproj/argocd-example-apps.git", "path": "guestbook", "targetRevision": "HEAD"});
    json!({
        "metadata": {"name": "guestbook", "namespace": "argocd", "uid": "8dd4ba3e-0d6c-4a3b-8c1e-5f3a1c0c9d11", "resourceVersion": "123456",
            "generation": 12, "creationTimestamp": "2026-01-05T21:38:38Z", "managedFields": [{"manager": "argocd-server"}]},
        "spec": {"destination": {"namespace": "default", "server": "https://kubernetes.default.svc"}, "project": "default", "source": source},
        "status": {
            "controllerNamespace": "argocd",
            "health": {"status": "Healthy", "lastTransitionTime": "2026-03-09T10:00:00Z"},
            "history": [
                {"deployStartedAt": "2026-02-01T09:59:58Z", "deployedAt": "2026-02-01T10:00:00Z", "id": 6, "initiatedBy": {"automated": true},
                 "revision": OLD, "source": source},
                {"deployStartedAt": "2026-03-09T09:59:58Z", "deployedAt": "2026-03-09T10:00:00Z", "id": 7, "initiatedBy": {"username": "admin"},
                 "revision": NEW, "source": source},
            ],
            "operationState": {"finishedAt": "2026-03-09T10:00:00Z", "message": "successfully synced (all tasks run)",
                "operation": {"initiatedBy": {"username": "admin"}, "retry": {}, "sync": {"revision": NEW, "syncStrategy": {"hook": {}}}},
                "phase": "Succeeded", "startedAt": "2026-03-09T09:59:58Z",
                "syncResult": {"revision": NEW, "source": source, "resources": [{"group": "apps", "version": "v1", "kind": "Deployment",
                    "namespace": "default", "name": "guestbook-ui", "status": "Synced", "message": "deployment.apps/guestbook-ui configured",
                    "hookPhase": "Running", "syncPhase": "Sync"}]}},
            "reconciledAt": "2026-03-10T10:10:00Z",
            "resources": [{"kind": "Service", "name": "guestbook-ui", "namespace": "default", "status": "Synced", "version": "v1"},
                {"group": "apps", "kind": "Deployment", "name": "guestbook-ui", "namespace": "default", "status": "Synced", "version": "v1"}],
            "sourceType": "Directory",
            "summary": {"images": ["gcr.io/heptio-images/ks-guestbook-demo:0.2"]},
            "sync": {"comparedTo": {"destination": {"namespace": "default", "server": "https://kubernetes.default.svc"}, "source": source},
                "revision": NEW, "status": "Synced"},
        },
    })
}

/// The same with these places of it changed.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut app = guestbook();
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        app.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    app
}

fn tag(version: Option<&holdshort::domain::version::Version>) -> String {
    version.map_or_else(|| "none".to_owned(), ToString::to_string)
}

#[tokio::test]
async fn a_synced_application_is_healthy_with_its_image_its_history_and_who_deployed_it() {
    let rollout = only(guestbook()).await;
    assert_eq!((rollout.id.to_string().as_str(), rollout.phase), ("cd/application/default/guestbook", Phase::Healthy));
    assert_eq!((rollout.environment.as_str(), rollout.service.as_str()), ("in-cluster", "guestbook"));
    assert_eq!((tag(rollout.stable.as_ref()), tag(rollout.canary.as_ref())), ("0.2".into(), "0.2".into()));
    assert!(!rollout.in_flight());
    let arms: Vec<_> = rollout.arms.iter().map(|arm| (arm.called(), arm.revision)).collect();
    assert_eq!(arms, [("0.2".to_owned(), Some(7)), ("08836bd".to_owned(), Some(6))]);
    assert_eq!(rollout.way_back().and_then(|arm| arm.revision), Some(6));
    assert_eq!(rollout.written.as_ref().unwrap().by, "admin");
    let hands: Vec<_> = rollout.hands.iter().map(|hand| (hand.did, hand.by.clone())).collect();
    assert_eq!(hands, [(Did::Put, By::Person("admin".into()))]);
    assert_eq!(rollout.unknown, []);
}

#[tokio::test]
async fn what_is_on_its_way_is_what_git_wants_and_what_failed_says_which_of_its_parts_did() {
    let operation = json!({"phase": "Failed", "startedAt": "2026-03-10T10:00:00Z", "finishedAt": "2026-03-10T10:01:00Z",
        "message": "one or more objects failed to apply, reason: Deployment.apps \"guestbook-ui\" is invalid",
        "operation": {"initiatedBy": {"automated": true}, "sync": {"revision": "HEAD"}},
        "syncResult": {"revision": NEW, "resources": [{"kind": "Deployment", "name": "guestbook-ui", "status": "SyncFailed",
            "message": "spec.selector: field is immutable"}]}});
    let failed = only(with(&[
        ("/status/sync/status", json!("OutOfSync")),
        ("/status/sync/revision", json!("cccccccccccccccccccccccccccccccccccccccc")),
        ("/status/operationState", operation),
    ]))
    .await;
    assert_eq!((failed.phase, tag(failed.canary.as_ref())), (Phase::Degraded, "ccccccc".into()));
    assert_eq!(failed.troubles, ["Deployment guestbook-ui: spec.selector: field is immutable"]);
    assert!(failed.message.unwrap().starts_with("Failed: one or more objects failed to apply, reason: "));
}

#[tokio::test]
async fn one_of_several_sources_has_all_its_revisions_and_one_that_is_hydrated_says_so_on_its_card() {
    let sources = json!([{"repoURL": "https://charts.example", "chart": "web", "targetRevision": "4.x"},
        {"repoURL": "https://git.example/values.git", "targetRevision": "main", "ref": "values"}]);
    let entry = |id: u64, chart: &str, values: &str| json!({"id": id, "deployedAt": "2026-03-09T10:00:00Z", "source": {"repoURL": ""}, "sources": sources, "revisions": [chart, values]});
    let several = only(with(&[
        ("/spec/source", Value::Null),
        ("/spec/sources", sources.clone()),
        ("/status/history", json!([entry(1, "4.2.0", OLD), entry(2, "4.2.1", NEW)])),
        (
            "/status/sync",
            json!({"status": "Synced", "revisions": ["4.2.1", NEW],
            "comparedTo": {"source": {"repoURL": ""}, "sources": sources}}),
        ),
        ("/status/summary", json!({})),
    ]))
    .await;
    assert_eq!((tag(several.stable.as_ref()), several.in_flight()), ("4.2.1 + 53e28ff".into(), false));
    assert_eq!(several.way_back().map(Arm::called), Some("4.2.0 + 08836bd".into()));
    let hydrator = json!({"drySource": {"repoURL": "https://git.example/x.git", "path": "y", "targetRevision": "HEAD"},
        "syncSource": {"targetBranch": "environments/prod", "path": "y"}});
    let app = with(&[
        ("/spec/sourceHydrator", hydrator),
        ("/spec/source", Value::Null),
        ("/status/sync/status", json!("OutOfSync")),
        ("/status/sync/revision", json!(OLD)),
    ]);
    let (connection, _) = over(json!([app]));
    let hydrated = connection.inventories[0].rollouts().await.unwrap().remove(0);
    let back = connection.inventories[0].draft_for(&hydrated, &ask(Verb::Sync, &hydrated)).unwrap();
    assert!(
        back.notes.contains(&"its revisions are of what was hydrated, not of what people write".to_owned()),
        "{:?}",
        back.notes
    );
}

#[tokio::test]
async fn one_in_a_namespace_of_its_own_is_asked_about_there() {
    let app = with(&[("/metadata/namespace", json!("team-a")), ("/spec/syncPolicy", json!({"automated": {}}))]);
    let (connection, diary) = over(json!([app]));
    let rollout = connection.inventories[0].rollouts().await.unwrap().remove(0);
    assert_eq!(rollout.id.to_string(), "cd/application/default/team-a/guestbook");
    let draft = connection.inventories[0].draft_for(&rollout, &ask(Verb::Rollback, &rollout)).unwrap();
    for step in &draft.steps {
        assert!(step.call.body.shown().contains(r#""appNamespace":"team-a""#), "{}", step.call.line());
    }
    assert_eq!(diary.writes(), [], "a draft asks nobody");
    assert!(diary.all().iter().all(|seen| !seen.line.contains("refresh")), "that has the repository compared");
}

#[tokio::test]
async fn what_git_cannot_say_and_words_that_nobody_knows_are_unknown_and_never_healthy() {
    let condition = json!([{"type": "ComparisonError", "message": "Failed to load target state: rpc error: code = Unknown desc = x\u{1b}[2J"}]);
    let broken = only(with(&[("/status/sync/status", json!("Unknown")), ("/status/conditions", condition)])).await;
    assert_eq!(broken.phase, Phase::Unknown);
    let said = &broken.unknown[0].what;
    assert!(said.ends_with("Failed to load target state: rpc error: code = Unknown desc = x"), "{said}");
    for (place, value) in [
        ("/status/health/status", json!("Glowing")),
        ("/status/sync/status", json!("Sideways")),
        ("/status/operationState/phase", json!("Pondering")),
        ("/status/health", json!({})),
    ] {
        let odd = only(with(&[(place, value.clone())])).await;
        assert!(odd.phase == Phase::Unknown && odd.unknown.len() == 1, "{place} {value}: {:?}", odd.unknown);
    }
}

#[tokio::test]
async fn an_application_that_another_one_made_and_heals_is_not_taken_off_auto_sync() {
    let child = with(&[
        (
            "/metadata/annotations",
            json!({"argocd.argoproj.io/tracking-id": "apps:argoproj.io/Application:argocd/guestbook"}),
        ),
        ("/spec/syncPolicy", json!({"automated": {"prune": true}})),
    ]);
    let parent = |heals: bool| {
        let mut parent = with(&[
            ("/metadata/name", json!("apps")),
            ("/metadata/uid", json!("another")),
            ("/spec/syncPolicy", json!({"automated": {"selfHeal": heals}})),
        ]);
        parent["metadata"].as_object_mut().unwrap().remove("annotations");
        parent
    };
    for (parents, open, noted) in [
        (json!([child, parent(true)]), false, false),
        (json!([child, parent(false)]), true, false),
        (json!([child]), true, true),
    ] {
        let (connection, _) = over(parents);
        let all = connection.inventories[0].rollouts().await.unwrap();
        let child = all.iter().find(|one| one.id.path == "default/guestbook").unwrap();
        let draft = connection.inventories[0].draft_for(child, &ask(Verb::Rollback, child));
        match draft {
            Ok(draft) => {
                assert!(open);
                let said = draft
                    .notes
                    .iter()
                    .any(|note| note.starts_with("the Application apps made it, and cannot be seen here"));
                assert_eq!(said, noted, "{:?}", draft.notes);
            }
            Err(why) => {
                assert!(
                    !open && why.0.starts_with("auto-sync is on, and the Application apps that made it heals itself"),
                    "{why}"
                );
            }
        }
    }
}
