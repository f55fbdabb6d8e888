//! Objects as Flux's documentation and controllers write them, to the domain.

use std::collections::BTreeMap;

use holdshort::{
    domain::{
        object::ObjectId,
        rollout::{Arm, Identity, Phase, Role, Rollout, Share, Strategy, Weight},
        version::Version,
    },
    provider::flux,
};
use serde_json::{Value, json};

use crate::scene::{BAD, GOOD, Holds, at, condition, git, kustomization, object, settled};

fn version(revision: &str) -> Version {
    Version::tagged("main").at_commit(revision.rsplit(':').next().unwrap())
}

fn arm(role: Role, revision: &str, created: Option<&str>) -> Arm {
    Arm {
        role,
        version: Some(version(revision)),
        hash: revision.to_owned(),
        name: revision.to_owned(),
        revision: None,
        earlier_revisions: Vec::new(),
        pods: None,
        created: created.map(at),
        scale_down_at: None,
    }
}

/// A health check that failed, with the history of the documentation (`Kustomization Status`, `History`).
fn failing() -> Value {
    let said = "health check failed after 2m0s: timeout waiting for: [Deployment/shop/checkout status: 'InProgress']";
    kustomization(json!({
        "observedGeneration": 2,
        "conditions": [
            condition("Ready", "False", "HealthCheckFailed", said),
            condition("Reconciling", "True", "ProgressingWithRetry", "Running health checks"),
        ],
        "lastAppliedRevision": GOOD, "lastAttemptedRevision": BAD,
        "history": [
            {
                "digest": "sha256:ec8dbfe61777b65001190260cf873ffe454451bd2e464bd6f9a154cffcdcd7e5",
                "firstReconciled": "2026-11-30T08:10:00Z", "lastReconciled": "2026-11-30T08:50:00Z",
                "lastReconciledDuration": "49.813292s", "lastReconciledStatus": "HealthCheckFailed",
                "totalReconciliations": 5, "metadata": {"revision": BAD},
            },
            {
                "digest": "sha256:43ad78c94b2655429d84f21488f29d7cca9cd45b7f54d2b27e16bbec8eff9228",
                "firstReconciled": "2026-11-28T10:11:00Z", "lastReconciled": "2026-11-30T08:00:00Z",
                "lastReconciledDuration": "2.818583s", "lastReconciledStatus": "ReconciliationSucceeded",
                "totalReconciliations": 200, "metadata": {"revision": GOOD},
            },
        ],
    }))
}

#[tokio::test(start_paused = true)]
async fn a_kustomization_whose_health_check_failed_is_read_whole() {
    let holds = Holds::these(vec![failing(), git(BAD)]);
    let (_, rollout) = holds.only(flux::kustomizations).await;
    let said = "HealthCheckFailed: health check failed after 2m0s: timeout waiting for: [Deployment/shop/checkout status: \
                'InProgress']";
    let expected = Rollout {
        id: ObjectId::new(&"eu".into(), "kustomization", "flux-system/checkout"),
        service: "checkout".into(),
        environment: "prod/eu-west-1".into(),
        system: "Flux Kustomization".to_owned(),
        strategy: Strategy::Declared,
        stable: Some(version(GOOD)),
        canary: Some(version(BAD)),
        phase: Phase::Degraded,
        message: Some(said.to_owned()),
        steps: Vec::new(),
        step: None,
        weight: Weight { declared: 100, actual: Share::Unknown, max: 100 },
        pause: None,
        held: false,
        aborted_in_spec: false,
        arms: vec![
            arm(Role::Canary, BAD, Some("2026-11-30T08:10:00Z")),
            arm(Role::Stable, GOOD, Some("2026-11-28T10:11:00Z")),
        ],
        replicas: 0,
        started: Some(at("2026-11-30T08:10:00Z")),
        step_times: BTreeMap::new(),
        settled: None,
        analyses: Vec::new(),
        events: Vec::new(),
        troubles: Vec::new(),
        unknown: Vec::new(),
        lag: None,
        written: None,
        hands: Vec::new(),
        identity: Identity {
            uid: "uid-checkout".into(),
            generation: 3,
            revision: "41".into(),
            canary_hash: BAD.into(),
            stable_hash: GOOD.into(),
        },
        offers: rollout.offers.clone(),
    };
    assert_eq!(rollout, expected);
}

/// The release of the documentation's history (`HelmRelease Status`, `History example`), and what stands above it there.
fn podinfo(conditions: &[Value], newer: &[Value], tried: &str) -> Value {
    let config = "sha256:e15c415d62760896bd8bec192a44c5716dc224db9e0fc609b9ac14718f8f9e56";
    let mut history = newer.to_vec();
    history.extend([
        json!({
            "appVersion": "6.6.1", "chartName": "podinfo", "chartVersion": "6.6.1+0cc9a8446c95", "configDigest": config,
            "digest": "sha256:e59349a6d8cf01d625de9fe73efd94b5e2a8cc8453d1b893ec367cfa2105bae9",
            "firstDeployed": "2026-11-07T04:54:21Z", "lastDeployed": "2026-11-07T04:54:55Z", "name": "podinfo",
            "namespace": "podinfo", "status": if newer.is_empty() { "deployed" } else { "superseded" }, "action": "upgrade",
            "testHooks": {"podinfo-grpc-test-goyey": {"phase": "Succeeded"}}, "version": 2,
        }),
        json!({
            "appVersion": "6.6.0", "chartName": "podinfo", "chartVersion": "6.6.0+cdd538a0167e", "configDigest": config,
            "digest": "sha256:9be0d34ced6b890a72026749bc0f1f9e3c1a89673e17921bbcc0f27774f31c3a",
            "firstDeployed": "2026-11-07T04:54:21Z", "lastDeployed": "2026-11-07T04:54:21Z", "name": "podinfo",
            "namespace": "podinfo", "status": "superseded", "action": "install", "version": 1,
        }),
    ]);
    object(
        "helm.toolkit.fluxcd.io/v2",
        "HelmRelease",
        "podinfo",
        json!({"interval": "10m0s", "chartRef": {"kind": "OCIRepository", "name": "podinfo"}, "targetNamespace": "podinfo"}),
        json!({
            "observedGeneration": 3, "conditions": conditions, "history": history, "lastAttemptedRevision": tried,
            "lastAttemptedConfigDigest": config,
        }),
    )
}

fn oci() -> Value {
    let ready = condition("Ready", "True", "Succeeded", "stored artifact for digest '6.6.1@sha256:0cc9a8446c95'");
    object(
        "source.toolkit.fluxcd.io/v1",
        "OCIRepository",
        "podinfo",
        json!({"interval": "10m0s", "url": "oci://ghcr.io/stefanprodan/charts/podinfo"}),
        json!({"observedGeneration": 3, "conditions": [ready], "artifact": {"revision": "6.6.1@sha256:0cc9a8446c95"}}),
    )
}

/// The versions of a release: side, chart, number, and the numbers before.
type Arms = Vec<(Role, String, Option<u64>, Vec<u64>)>;

/// What a release is seen to be: its phase and message, its versions and roles, and whether what failed is still declared.
fn told(rollout: &Rollout) -> (Phase, Option<&str>, Arms, bool) {
    let arm = |arm: &Arm| (arm.role, arm.tag(), arm.revision, arm.earlier_revisions.clone());
    let arms = rollout.arms.iter().map(arm).collect();
    (rollout.phase, rollout.message.as_deref(), arms, rollout.aborted_in_spec)
}

#[tokio::test(start_paused = true)]
async fn a_release_of_helm_is_told_by_its_chart_and_its_numbers() {
    let said = "Helm test succeeded for release podinfo/podinfo.v2 with chart podinfo@6.6.1+0cc9a8446c95";
    let ready = condition("Ready", "True", "TestSucceeded", said);
    let holds = Holds::these(vec![podinfo(&[ready], &[], "6.6.1+0cc9a8446c95"), oci()]);
    let (_, rollout) = holds.only(flux::helm_releases).await;
    let arms = vec![
        (Role::Stable, "6.6.1".to_owned(), Some(2), Vec::new()),
        (Role::Old, "6.6.0".to_owned(), Some(1), Vec::new()),
    ];
    let contents = "podinfo 6.6.1, app 6.6.1, revision 2";
    assert_eq!(told(&rollout), (Phase::Healthy, Some(contents), arms, false));
    assert!(!rollout.in_flight());
}

/// An upgrade to 6.7.0 that failed, and what Helm made of putting 6.6.1 back.
fn taken_back() -> Value {
    let of = |version: u64, chart: &str, status: &str| {
        json!({
            "appVersion": chart, "chartName": "podinfo", "chartVersion": chart, "name": "podinfo", "namespace": "podinfo",
            "configDigest": "sha256:e15c415d62760896bd8bec192a44c5716dc224db9e0fc609b9ac14718f8f9e56",
            "lastDeployed": "2026-11-30T08:40:00Z", "status": status, "version": version,
        })
    };
    let back = "Helm rollback to previous release podinfo/podinfo.v2 with chart podinfo@6.6.1+0cc9a8446c95 succeeded";
    let conditions = [
        condition("Ready", "False", "RollbackSucceeded", back),
        condition("Released", "False", "UpgradeFailed", "Helm upgrade failed: context deadline exceeded"),
        condition("Remediated", "True", "RollbackSucceeded", back),
        condition("Stalled", "True", "RetriesExceeded", "Failed to upgrade after 1 attempt(s)"),
    ];
    podinfo(&conditions, &[of(4, "6.6.1+0cc9a8446c95", "deployed"), of(3, "6.7.0", "failed")], "6.7.0")
}

#[tokio::test(start_paused = true)]
async fn what_flux_took_back_is_no_health_of_the_new_version_and_the_old_one_is_said_to_serve() {
    let holds = Holds::these(vec![taken_back(), oci()]);
    let (_, rollout) = holds.only(flux::helm_releases).await;
    let said = "taken back by Flux, 6.6.1 serves: Helm rollback to previous release podinfo/podinfo.v2 with chart \
                podinfo@6.6.1+0cc9a8446c95 succeeded";
    let arms = vec![
        (Role::Stable, "6.6.1".to_owned(), Some(4), vec![2]),
        (Role::Canary, "6.7.0".to_owned(), Some(3), Vec::new()),
        (Role::Old, "6.6.0".to_owned(), Some(1), Vec::new()),
    ];
    assert_eq!(told(&rollout), (Phase::Aborted, Some(said), arms, true));
    assert_eq!(rollout.started, Some(at("2026-11-30T08:40:00Z")));
    assert!(rollout.in_flight());
}

#[tokio::test(start_paused = true)]
async fn a_test_that_failed_is_the_documentations_failed_release() {
    let said = "Helm test failed for release podinfo/podinfo.v1 with chart podinfo@6.5.3: 1 error occurred: * pod \
                podinfo-fault-test-a0tew failed";
    let conditions = [
        condition("Stalled", "True", "RetriesExceeded", "Failed to install after 1 attempt(s)"),
        condition("Ready", "False", "TestFailed", said),
        condition("Released", "True", "InstallSucceeded", "Helm install succeeded"),
        condition("TestSuccess", "False", "TestFailed", said),
    ];
    let holds = Holds::these(vec![podinfo(&conditions, &[], "6.6.1+0cc9a8446c95"), oci()]);
    let (_, rollout) = holds.only(flux::helm_releases).await;
    let stalled = "RetriesExceeded: Failed to install after 1 attempt(s)";
    assert_eq!((rollout.phase, rollout.message.as_deref()), (Phase::Degraded, Some(stalled)));
    assert_eq!(rollout.troubles, [format!("its tests failed: {said}")]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_be_fetched_is_said_though_what_it_held_is_applied() {
    let mut source = git(GOOD);
    let why = "failed to checkout and determine revision: unable to clone: ssh: handshake failed";
    source["status"]["conditions"] = json!([condition("Ready", "False", "GitOperationFailed", why)]);
    let holds = Holds::these(vec![settled(), source]);
    let (_, rollout) = holds.only(flux::kustomizations).await;
    let said = format!("GitRepository flux-system/shop cannot be fetched: GitOperationFailed: {why}");
    assert_eq!((rollout.phase, rollout.message), (Phase::Degraded, Some(said)));
}

#[tokio::test(start_paused = true)]
async fn what_is_only_looked_at_at_its_interval_is_no_release() {
    let mut object = settled();
    object["status"]["conditions"] = json!([
        condition("Ready", "Unknown", "Progressing", "Reconciliation in progress"),
        condition("Reconciling", "True", "Progressing", "Detecting drift"),
    ]);
    let (_, rollout) = Holds::these(vec![object, git(GOOD)]).only(flux::kustomizations).await;
    assert_eq!((rollout.phase, rollout.in_flight()), (Phase::Healthy, false));
}

#[tokio::test(start_paused = true)]
async fn what_writes_image_tags_is_told_by_its_last_commit() {
    let ready = condition("Ready", "True", "Succeeded", "repository up-to-date");
    let automation = object(
        "image.toolkit.fluxcd.io/v1",
        "ImageUpdateAutomation",
        "tags",
        json!({"interval": "30m", "sourceRef": {"kind": "GitRepository", "name": "shop"}}),
        json!({
            "observedGeneration": 3, "conditions": [ready],
            "lastPushCommit": "67e2c98a60dc92283531412a9e604dd4bae005a9", "lastPushTime": "2026-11-30T07:00:00Z",
        }),
    );
    let (_, rollout) = Holds::these(vec![automation, git(GOOD)]).only(flux::automations).await;
    let pushed = Version::tagged("67e2c98").at_commit("67e2c98a60dc92283531412a9e604dd4bae005a9");
    assert_eq!(
        (rollout.phase, rollout.stable, rollout.arms[0].created),
        (Phase::Healthy, Some(pushed), Some(at("2026-11-30T07:00:00Z")))
    );
}
