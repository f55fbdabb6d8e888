//! Flux, in states built as its controllers write them.

use holdshort::provider::flux;
use serde_json::{Value, json};

use crate::{Engine, State, bag::state};

pub(crate) const ENGINE: Engine = Engine {
    name: "Flux",
    about: "What git declares is applied: nothing is promoted, and nothing goes back but git. Reconcile asks for its source (`source`) \
            to be fetched first, of a HelmRelease also to force (`force`) or to forget failures (`reset`).",
    states: || Box::pin(states()),
};

const GOOD: &str = "main@sha1:450796ddb2ab6724ee1cc32a4be56da032d1cca0";
const BAD: &str = "main@sha1:67e2c98a60dc92283531412a9e604dd4bae005a9";

async fn states() -> Vec<State> {
    let applied = |status: Value, suspend: bool| vec![kustomization(status, suspend), git(BAD)];
    let well = json!({"observedGeneration": 3, "lastAppliedRevision": GOOD, "lastAttemptedRevision": GOOD,
        "conditions": [condition("Ready", "True", "ReconciliationSucceeded", "Applied revision")]});
    let moving = json!({"observedGeneration": 3, "lastAppliedRevision": GOOD, "lastAttemptedRevision": BAD,
        "conditions": [condition("Ready", "Unknown", "Progressing", "Reconciliation in progress")]});
    let failed = json!({"observedGeneration": 2, "lastAppliedRevision": GOOD, "lastAttemptedRevision": BAD,
        "conditions": [condition("Ready", "False", "HealthCheckFailed", "timeout waiting for: [Deployment/shop/web]")]});
    let mut all = Vec::new();
    for (name, status, suspend) in [
        ("a Kustomization, applied", well.clone(), false),
        ("a Kustomization, being applied", moving, false),
        ("a Kustomization whose health check failed", failed, false),
        ("a Kustomization, suspended", well, true),
        ("a Kustomization that no controller has taken up", json!({"observedGeneration": -1}), false),
    ] {
        all.push(state(name, flux::kustomizations, "web", applied(status, suspend)).await);
    }
    for (name, release) in
        [("a HelmRelease, installed", release(false)), ("a HelmRelease, taken back by Flux", release(true))]
    {
        all.push(state(name, flux::helm_releases, "web", vec![release]).await);
    }
    all
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 3})
}

fn object(version: &str, kind: &str, spec: Value, status: Value) -> Value {
    let mut object = json!({
        "apiVersion": version, "kind": kind,
        "metadata": {"name": "web", "namespace": "shop", "uid": format!("uid-{kind}"), "generation": 3, "resourceVersion": "41"},
    });
    (object["spec"], object["status"]) = (spec, status);
    object
}

fn git(revision: &str) -> Value {
    let ready = condition("Ready", "True", "Succeeded", "stored artifact");
    let status = json!({"observedGeneration": 3, "conditions": [ready], "artifact": {"revision": revision}});
    object("source.toolkit.fluxcd.io/v1", "GitRepository", json!({"interval": "1m0s"}), status)
}

fn kustomization(status: Value, suspend: bool) -> Value {
    let spec = json!({"interval": "10m0s", "timeout": "2m0s", "suspend": suspend,
        "sourceRef": {"kind": "GitRepository", "name": "web"}});
    object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", spec, status)
}

fn release(taken_back: bool) -> Value {
    let of = |version: u64, chart: &str, status: &str| {
        json!({"name": "web", "namespace": "shop", "version": version, "status": status, "chartName": "web",
            "chartVersion": chart, "configDigest": "sha256:e15c415d"})
    };
    let (history, conditions) = if taken_back {
        let said = "Helm rollback to previous release shop/web.v2 with chart web@2.1.0 succeeded";
        let conditions = [("Ready", "False"), ("Remediated", "True")];
        let conditions = conditions.map(|(kind, status)| condition(kind, status, "RollbackSucceeded", said)).to_vec();
        (json!([of(4, "2.1.0", "deployed"), of(3, "2.2.0", "failed"), of(2, "2.1.0", "superseded")]), conditions)
    } else {
        let ready = condition("Ready", "True", "UpgradeSucceeded", "Helm upgrade succeeded");
        (json!([of(2, "2.1.0", "deployed"), of(1, "2.0.3", "superseded")]), vec![ready])
    };
    let tried = if taken_back { "2.2.0" } else { "2.1.0" };
    let status = json!({"observedGeneration": 3, "conditions": conditions, "history": history,
        "lastAttemptedRevision": tried, "lastAttemptedConfigDigest": "sha256:e15c415d"});
    object("helm.toolkit.fluxcd.io/v2", "HelmRelease", json!({"interval": "10m0s"}), status)
}
