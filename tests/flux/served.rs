//! Which versions a cluster serves, what of Flux it has, and what of it may not be read.

use holdshort::{
    domain::{observed::FaultKind, rollout::Unknown, verb::Verb},
    provider::flux,
};
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    scene::{GOOD, Holds, TODAY, drafted, git, settled},
};

fn older(mut object: Value, version: &str) -> Value {
    object["apiVersion"] = version.into();
    object
}

#[tokio::test(start_paused = true)]
async fn an_older_cluster_is_asked_in_the_version_that_it_serves_and_written_to_in_the_same() {
    let objects = vec![
        older(settled(), "kustomize.toolkit.fluxcd.io/v1beta2"),
        older(git(GOOD), "source.toolkit.fluxcd.io/v1beta2"),
    ];
    let versions = vec!["kustomize.toolkit.fluxcd.io/v1beta2", "source.toolkit.fluxcd.io/v1beta2"];
    let holds = Holds { versions, ..Holds::these(objects) };
    let (inventory, rollout) = holds.only(flux::kustomizations).await;
    let draft = drafted(&*inventory, &rollout, Verb::Pause).unwrap();
    let path = "/apis/kustomize.toolkit.fluxcd.io/v1beta2/namespaces/flux-system/kustomizations/checkout";
    assert!(draft.steps[0].call.path.starts_with(path), "{}", draft.steps[0].call.path);
    assert_eq!(inventory.read(&rollout.id).await.unwrap().facts["revision of its source"], GOOD);
}

#[tokio::test(start_paused = true)]
async fn of_two_versions_that_are_served_the_one_that_has_the_kind_is_taken() {
    // As Flux had it before 2.6: repositories of git in v1, those of OCI still in v1beta2 only.
    let mut bucket = older(git(GOOD), "source.toolkit.fluxcd.io/v1beta2");
    bucket["kind"] = "Bucket".into();
    let mut object = settled();
    object["spec"]["sourceRef"]["kind"] = "Bucket".into();
    let mut versions = TODAY.to_vec();
    versions.push("source.toolkit.fluxcd.io/v1beta2");
    let holds = Holds { versions, ..Holds::these(vec![object, bucket, git(GOOD)]) };
    let (_, rollout) = holds.only(flux::kustomizations).await;
    assert_eq!((rollout.troubles, rollout.unknown), (Vec::<String>::new(), Vec::new()));
    let asked = holds.asked.lock().unwrap().clone();
    assert!(
        asked.iter().any(|line| line.contains("/source.toolkit.fluxcd.io/v1beta2/namespaces/flux-system/buckets")),
        "{asked:?}"
    );
    assert!(
        asked.iter().any(|line| line.contains("/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories")),
        "{asked:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_flux_says_so_and_is_not_asked_for_it_kind_by_kind() {
    let holds = Holds { versions: vec!["apps/v1"], ..Holds::these(Vec::new()) };
    let inventory = flux::kustomizations(holds.cluster());
    let error = inventory.rollouts().await.unwrap_err();
    let said = "Flux is not installed on eu (no kustomizations.kustomize.toolkit.fluxcd.io): install it, or take it out of `engines`";
    assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, said));
    // Its other controllers need not be there.
    let cluster = holds.cluster();
    for facet in [flux::helm_releases, flux::automations] {
        assert_eq!(facet(cluster.clone()).rollouts().await, Ok(Vec::new()));
    }
    assert_eq!(*holds.asked.lock().unwrap(), ["GET /apis", "GET /apis"]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_may_not_be_read_is_unknown_and_not_absent() {
    let holds = Holds { hidden: vec!["gitrepositories"], ..Holds::these(vec![settled(), git(GOOD)]) };
    let (_, rollout) = holds.only(flux::kustomizations).await;
    let what = "what GitRepository flux-system/shop holds is not known: viewer may not list \
                gitrepositories.source.toolkit.fluxcd.io in flux-system on eu: ask who administers it for that right";
    let way = "get the right to list gitrepositories.source.toolkit.fluxcd.io";
    assert_eq!(rollout.unknown, [Unknown { what: what.to_owned(), way: way.to_owned() }]);
}

#[tokio::test(start_paused = true)]
async fn a_source_in_a_namespace_that_is_not_looked_at_is_unknown_and_says_which_to_add() {
    let mut object = settled();
    object["metadata"]["namespace"] = "shop".into();
    object["spec"]["sourceRef"]["namespace"] = "flux-system".into();
    let holds = Holds { namespaces: vec!["shop"], ..Holds::these(vec![object.clone(), git(GOOD)]) };
    let (_, rollout) = holds.only(flux::kustomizations).await;
    let what = "what GitRepository flux-system/shop holds is not known: that namespace is not looked at";
    let way = "add \"flux-system\" to namespaces in [connections.eu]";
    assert_eq!(rollout.unknown, [Unknown { what: what.to_owned(), way: way.to_owned() }]);
    let both = Holds { namespaces: vec!["shop", "flux-system"], ..Holds::these(vec![object, git(GOOD)]) };
    let (inventory, rollout) = both.only(flux::kustomizations).await;
    assert_eq!((rollout.unknown, rollout.troubles), (Vec::new(), Vec::<String>::new()));
    assert_eq!(inventory.read(&rollout.id).await.unwrap().facts["revision of its source"], GOOD);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_not_there_is_said_to_be_missing() {
    let (_, rollout) = Holds::these(vec![settled()]).only(flux::kustomizations).await;
    assert_eq!(rollout.troubles, ["GitRepository flux-system/shop is not there"]);
}

#[tokio::test(start_paused = true)]
async fn words_of_a_controller_cannot_move_the_cursor() {
    let mut object = settled();
    object["status"]["conditions"][0]["message"] = json!("Applied \u{1b}[31mrevision\u{202e}");
    let (_, rollout) = Holds::these(vec![object, git(GOOD)]).only(flux::kustomizations).await;
    let said = rollout.message.unwrap();
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
}
