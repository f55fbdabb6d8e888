//! What `doctor` says of a cluster by what its discovery tells, and in which versions kinds are asked for. The documents of the groups
//! are those of a real API server, 1.20.

use std::sync::Arc;

use holdshort::{
    port::examine::{Grade, LookedAt},
    provider::{
        argo_rollouts, flagger,
        kubernetes::{
            examine::examiner,
            request::{AUTOSCALERS, DISRUPTION_BUDGETS, Query},
        },
    },
};
use serde_json::{Value, json};

use crate::server::{REVIEWS, Say, Server, cluster, list, recorded};

#[tokio::test]
async fn an_engine_whose_group_is_there_without_its_kind_is_not_installed_and_an_old_cluster_is_not_asked_who_we_are() {
    // Argo CD has this group too.
    let applications = json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "argoproj.io/v1alpha1",
        "resources": [{"name": "applications", "namespaced": true, "kind": "Application", "verbs": ["get", "list"]}],
    });
    let canaries = json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "flagger.app/v1beta1",
        "resources": [{"name": "canaries", "namespaced": true, "kind": "Canary", "verbs": ["get", "list"]}],
    });
    let server = Server::default()
        .says("GET", "/apis", Say::Whole(200, recorded("apis-of-1.20.json")))
        .says("GET", "/apis/authentication.k8s.io/v1", Say::Whole(200, recorded("authentication-of-1.20.json")))
        .says("GET", "/apis/argoproj.io/v1alpha1", Say::Whole(200, applications.to_string()))
        .says("GET", "/apis/flagger.app/v1beta1", Say::Whole(200, canaries.to_string()))
        .says("POST", REVIEWS, Say::Whole(201, recorded("ssar-releaser-patch-rollouts-status-allowed.json")));
    let cluster = cluster(server.transport());
    let examiner = examiner(&Arc::clone(&cluster), vec![argo_rollouts::ENGINE, flagger::ENGINE]);
    let found = examiner.examine(&LookedAt::default()).await;
    let said: Vec<_> =
        found.iter().filter(|one| one.about != "clock").map(|one| (&*one.about, one.grade, &*one.said)).collect();
    let expected = [
        ("reached", Grade::Good, "it answers"),
        ("as whom", Grade::Unknown, "not known: a cluster tells it from Kubernetes 1.28 on"),
        ("argo_rollouts", Grade::Limited, "Argo Rollouts is not installed there"),
        ("flagger", Grade::Good, "Flagger is served"),
        ("rights", Grade::Good, "all that is needed, to look and to act"),
    ];
    assert_eq!(said, expected);
    let asked = server.lines();
    assert!(!asked.iter().any(|line| line.contains("selfsubjectreviews")), "{asked:?}");
}

#[tokio::test]
async fn what_bounds_pods_is_asked_for_in_the_version_that_an_old_cluster_serves() {
    let scalers = "/apis/autoscaling/v2beta2/namespaces/shop/horizontalpodautoscalers";
    let budgets = "/apis/policy/v1beta1/namespaces/shop/poddisruptionbudgets";
    let server = Server::default()
        .says("GET", "/apis", Say::Whole(200, recorded("apis-of-1.20.json")))
        .says("GET", "/apis/autoscaling/v2beta2", Say::Whole(200, recorded("autoscaling-v2beta2-of-1.20.json")))
        .says(
            "GET",
            scalers,
            Say::Whole(200, list("HorizontalPodAutoscaler", "1", &[json!({"metadata": {"name": "pay"}})])),
        )
        .says("GET", budgets, Say::Whole(200, list("PodDisruptionBudget", "1", &[])));
    let cluster = cluster(server.transport());
    let all = |resource| Query::all(resource, Some("shop".to_owned()));
    let read = cluster.list::<Value>(&all(AUTOSCALERS)).await.unwrap();
    assert_eq!(read, [json!({"metadata": {"name": "pay"}})]);
    assert_eq!(cluster.list::<Value>(&all(DISRUPTION_BUDGETS)).await.unwrap(), Vec::<Value>::new());
}
