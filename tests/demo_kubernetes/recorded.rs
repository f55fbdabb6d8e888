//! Recorded requests, asked again: status, headers that clients read, and the whole body must be those of the real server.

use serde_json::{Value, json};

use crate::bench::{Bench, fixture};

/// The cluster in which the recordings were made, as far as they need it.
fn recording(user: &str, more: &str) -> Bench {
    Bench::new(&format!(
        r#"
        user = "{user}"
        {more}

        [[deployments]]
        namespace = "shop"
        name = "web"
        image = "registry.test/web"
        history = [{{ tag = "1.4.0", commit = "a" }}]

        [[rollouts]]
        namespace = "shop"
        name = "checkout"
        image = "registry.test/checkout"
        history = [{{ tag = "1.0.0", commit = "a" }}]

        [[rollouts]]
        namespace = "shop"
        name = "nocontroller"
        image = "registry.test/x"
        history = [{{ tag = "1", commit = "a" }}]

        [[rollouts]]
        namespace = "shop"
        name = "pay"
        image = "registry.test/pay"
        history = [{{ tag = "1", commit = "a" }}]
        "#
    ))
}

fn ask_again(bench: &mut Bench, name: &str) {
    let meta: Value = serde_json::from_str(&fixture(&format!("{name}.meta.json"))).unwrap();
    let (request, response) = (&meta["request"], &meta["response"]);
    let headers: Vec<(&str, &str)> = request["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(header, value)| (header.as_str(), value.as_str().unwrap()))
        .collect();
    let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
    let answer = bench.ask(method, path, &headers, request["body"].as_str().unwrap_or_default());
    assert_eq!(Some(u64::from(answer.code)), response["status"].as_u64(), "{name}: {}", answer.text);
    for header in ["Cache-Control", "Content-Type", "X-Content-Type-Options", "Retry-After", "Vary"] {
        let given = answer.headers.get(header).map(|value| value.to_str().unwrap());
        assert_eq!(given, response["headers"][header].as_str(), "{name}: {header}");
    }
    let recorded = fixture(&format!("{name}.json"));
    match serde_json::from_str::<Value>(&recorded) {
        Ok(mut recorded) => {
            // The real server also enters who asked a review, which nobody reads.
            if let Some(Value::Object(metadata)) = recorded.get_mut("metadata") {
                metadata.remove("managedFields");
            }
            assert_eq!(answer.json(), recorded, "{name}");
        }
        Err(_) => assert_eq!(answer.text, recorded, "{name}"),
    }
}

const NO_RIGHTS: &str = "rights = []";

#[test]
fn refusals_for_want_of_rights_are_those_recorded() {
    let read_only =
        r#"rights = [{ verbs = ["get", "list", "watch"], groups = ["*"], resources = ["*"], namespaces = ["shop"] }]"#;
    let mut viewer = recording("viewer", read_only);
    for name in ["403-viewer-promote", "403-viewer-cluster-list", "ssar-viewer-patch-rollouts-denied"] {
        ask_again(&mut viewer, name);
    }
    ask_again(&mut recording("nobody", NO_RIGHTS), "403-nobody-list-deployments");
    ask_again(&mut recording("admin", "token = \"secret\""), "401-bad-token");
}

#[test]
fn a_missing_custom_kind_is_a_plain_page_that_is_not_there() {
    ask_again(&mut recording("admin", "crds = []"), "404-crd-missing-list");
}

#[test]
fn refusals_of_bad_requests_are_those_recorded() {
    let mut bench = recording("admin", "");
    for name in [
        "400-bad-field-selector",
        "400-bad-json",
        "400-bad-label-selector",
        "404-deployment-not-found",
        "404-rollout-not-found",
        "405-method-not-allowed",
        "406-not-acceptable",
        "409-conflict-strategic-patch-old-rv",
        "409-rollout-conflict-merge-patch",
        "409-rollout-status-conflict",
        "415-rollout-strategic-merge-patch",
        "415-unsupported-media-type",
        "422-dryrun-bogus",
        "422-json-patch-test-failed",
        "422-negative-replicas",
        "422-rollout-status-json-patch-test-failed",
        "422-uid-precondition",
        "500-watch-bad-rv",
        "ssar-admin-all-allowed",
        "ssrr-no-namespace-400",
        "version",
        "apis-argoproj-group",
    ] {
        ask_again(&mut bench, name);
    }
}

#[test]
fn a_version_from_the_future_is_a_timeout() {
    let mut bench = recording("admin", "");
    let path = "/apis/apps/v1/namespaces/shop/deployments?resourceVersion=99999999&resourceVersionMatch=NotOlderThan";
    let answer = bench.ask("GET", path, &[], "");
    let current = bench.get("/api/v1/pods")["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let recorded = fixture("504-rv-too-large.json").replace("496", &current);
    assert_eq!((answer.code, answer.json()), (504, serde_json::from_str(&recorded).unwrap()));
}

#[test]
fn an_empty_list_has_the_form_of_its_kind() {
    for (name, kind) in
        [("deployments-list-empty.json", "apps/v1"), ("rollouts-list-empty.json", "argoproj.io/v1alpha1")]
    {
        let mut bench = Bench::new("namespaces = [\"shop\"]");
        let plural = if kind == "apps/v1" { "deployments" } else { "rollouts" };
        let mut list = bench.get(&format!("/apis/{kind}/namespaces/shop/{plural}"));
        let mut recorded: Value = serde_json::from_str(&fixture(name)).unwrap();
        for list in [&mut list, &mut recorded] {
            assert!(list["metadata"]["resourceVersion"].take().is_string());
        }
        assert_eq!(list, recorded);
    }
}

#[test]
fn the_kinds_that_are_served_are_described_as_recorded() {
    let mut bench = recording("admin", "");
    let resources = bench.get("/apis/argoproj.io/v1alpha1");
    let recorded: Value = serde_json::from_str(&fixture("apis-argoproj-v1alpha1.json")).unwrap();
    for ours in resources["resources"].as_array().unwrap() {
        let same = |theirs: &&Value| theirs["name"] == ours["name"];
        let theirs = recorded["resources"].as_array().unwrap().iter().find(same).unwrap();
        assert_eq!(without_verbs(ours), without_verbs(theirs));
        // Only what is answered is promised.
        let promised = |verb: &Value| theirs["verbs"].as_array().unwrap().contains(verb);
        assert!(ours["verbs"].as_array().unwrap().iter().all(promised), "{ours}");
    }
}

#[test]
fn the_aggregated_document_describes_rollouts_as_recorded() {
    let mut bench = recording("admin", "");
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let answer = bench.ask("GET", "/apis", &[("accept", accept)], "");
    let recorded: Value = serde_json::from_str(&fixture("apis-aggregated-with-argo.json")).unwrap();
    let rollouts = |document: &Value| {
        let items = document["items"].as_array().unwrap();
        let group = items.iter().find(|group| group["metadata"]["name"] == "argoproj.io").unwrap();
        let resources = group["versions"][0]["resources"].as_array().unwrap();
        let mut rollouts = resources.iter().find(|resource| resource["resource"] == "rollouts").unwrap().clone();
        rollouts["subresources"].as_array_mut().unwrap().truncate(1);
        without_verbs(&rollouts)
    };
    assert_eq!(rollouts(&answer.json()), rollouts(&recorded));
    let form = answer.headers["content-type"].to_str().unwrap();
    assert_eq!(form, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
}

fn without_verbs(resource: &Value) -> Value {
    let mut resource = resource.clone();
    resource.as_object_mut().unwrap().remove("verbs");
    resource
}

#[test]
fn the_table_of_rollouts_has_the_columns_of_the_custom_resource() {
    let mut bench = recording("admin", "");
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")];
    let table = bench.ask("GET", "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts", &accept, "").json();
    let recorded: Value = serde_json::from_str(&fixture("rollouts-list-as-table.json")).unwrap();
    assert_eq!(table["columnDefinitions"], recorded["columnDefinitions"]);
    assert_eq!(table["rows"][0]["cells"], json!(["checkout", 3, 3, 3, 3, "24h"]));
}

#[test]
fn rights_that_are_given_say_by_whom() {
    let rights = r#"rights = [{ verbs = ["patch"], groups = ["argoproj.io"], resources = ["rollouts"], namespaces = ["shop"] }]"#;
    let mut bench = recording("releaser", rights);
    let ask = |bench: &mut Bench, name: &str, namespace: &str, subresource: &str| {
        let attributes = json!({
            "namespace": namespace, "verb": "patch", "group": "argoproj.io", "resource": "rollouts", "name": name,
            "subresource": subresource,
        });
        let body = json!({"spec": {"resourceAttributes": attributes}}).to_string();
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        bench.ask("POST", path, &[], &body).json()["status"].clone()
    };
    let reason = "RBAC: allowed by RoleBinding \"releaser/shop\" of Role \"releaser\" to User \"releaser\"";
    assert_eq!(ask(&mut bench, "pay", "shop", ""), json!({"allowed": true, "reason": reason}));
    assert_eq!(ask(&mut bench, "pay", "shop", "status"), json!({"allowed": false}));
    assert_eq!(ask(&mut bench, "pay", "other", ""), json!({"allowed": false}));
}

#[test]
fn pages_show_a_list_as_it_was_at_the_first_of_them() {
    let mut bench = recording("admin", "");
    let path = "/api/v1/namespaces/shop/pods?limit=5";
    let first = bench.get(path);
    let (token, left) = (&first["metadata"]["continue"], &first["metadata"]["remainingItemCount"]);
    assert_eq!(left, &json!(7));
    bench.act("scale = { namespace = \"shop\", name = \"web\", replicas = 9 }");
    bench.run(30);
    let rest = bench.get(&format!("/api/v1/namespaces/shop/pods?limit=50&continue={}", token.as_str().unwrap()));
    assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert_eq!(rest["items"].as_array().unwrap().len(), 7);
    assert_eq!(bench.get("/api/v1/namespaces/shop/pods")["items"].as_array().unwrap().len(), 18);
}

#[test]
fn an_update_needs_the_newest_version_and_counts_a_generation() {
    let mut bench = recording("admin", "");
    let path = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/checkout";
    let mut rollout = bench.get(path);
    rollout["spec"]["paused"] = true.into();
    let updated = bench.ask("PUT", path, &[], &rollout.to_string());
    assert_eq!((updated.code, &updated.json()["metadata"]["generation"]), (200, &json!(2)));
    let again = bench.ask("PUT", path, &[], &rollout.to_string());
    let recorded = fixture("409-rollout-conflict-merge-patch.json").replace("nocontroller", "checkout");
    assert_eq!((again.code, again.json()), (409, serde_json::from_str(&recorded).unwrap()));
}

#[test]
fn a_page_that_is_too_old_says_how_to_go_on() {
    let mut bench = recording("admin", "");
    let answer = bench.ask("GET", "/api/v1/namespaces/shop/pods?limit=2&continue=7_shop_nocontroller", &[], "");
    let body = answer.json();
    assert_eq!((answer.code, &body["reason"]), (410, &json!("Expired")));
    let resume = body["metadata"]["continue"].as_str().unwrap();
    let rest = bench.get(&format!("/api/v1/namespaces/shop/pods?limit=50&continue={resume}"));
    let names = rest["items"].as_array().unwrap();
    assert!(names.len() == 9 && names[0]["metadata"]["name"].as_str().unwrap().starts_with("nocontroller-"));
}
