//! Every verb that Deployments and `StatefulSets` have, sent to real controllers and read back; the rights that it takes; the commands that
//! are printed, run by kubectl; and what others do in the meantime.

use std::process::Command;

use serde_json::json;

use crate::shop::{Said, Shop};

fn done(said: &Said, end: &str) {
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(said.text.contains(end) && said.text.contains("verified"), "{}", said.text);
}

#[test]
fn the_role_that_doctor_prints_is_all_that_is_needed_and_without_it_what_lacks_is_named() {
    let Some(shop) = Shop::new("rights") else { return };
    let before = shop.run(&["doctor"]);
    assert_eq!(before.code, Some(1), "{}", before.text);
    assert!(before.text.contains("you may not get, list, watch deployments in namespace rights"), "{}", before.text);
    shop.grant();
    shop.deployment(&["1.41.3"]);
    let after = shop.run(&["doctor"]);
    assert_eq!(after.code, Some(0), "{}", after.text);
    assert!(after.text.contains("all that is needed, to look and to act"), "{}", after.text);
    assert!(after.text.contains("a cluster tells it from Kubernetes 1.28 on"), "{}", after.text);
}

#[test]
fn a_deployment_is_put_back_and_kubectl_sees_the_version_that_was_promised() {
    let Some(shop) = Shop::flown_by_dana("back") else { return };
    shop.deployment(&["1.41.3", "1.42.0"]);
    let back = shop.row("deployment/payments");
    assert_eq!((&back["way_back"]["version"], &back["phase"]), (&json!("1.41.3"), &json!("healthy")), "{back:#}");
    done(&shop.run(&["rollback", "payments", "--yes", "--reason", "errors"]), "4 of 4 pods on 1.41.3");
    let image = shop.field("deployment/payments", ".spec.template.spec.containers[0].image");
    assert_eq!(image, "registry.shop.example/payments:1.41.3");
    assert_eq!(shop.field("deployment/payments", ".status.updatedReplicas"), "4");
    let refused = shop.run(&["rollback", "payments", "--yes", "--reason", "errors"]);
    assert_eq!(refused.code, Some(9), "what was put back a moment ago is not put back again: {}", refused.text);
}

#[test]
fn a_version_whose_pods_crash_is_paused_and_aborted_and_the_pods_trouble_is_told() {
    let Some(shop) = Shop::flown_by_dana("crash") else { return };
    shop.deployment(&["1.41.3"]);
    shop.put("1.42.0-crash");
    let trouble = loop {
        let row = shop.row("deployment/payments");
        if row["troubles"].as_array().is_some_and(|all| !all.is_empty()) {
            break row;
        }
    };
    assert!(trouble["troubles"].to_string().contains("CrashLoopBackOff"), "{trouble:#}");
    done(&shop.run(&["pause", "payments", "--yes", "--reason", "errors"]), "paused by a person");
    assert_eq!(shop.field("deployment/payments", ".spec.paused"), "true");
    done(&shop.run(&["abort", "payments", "--yes", "--reason", "errors"]), "4 of 4 pods on 1.41.3");
    assert_eq!(shop.field("deployment/payments", ".spec.paused"), "", "what was held is let go");
}

#[test]
fn a_stateful_set_that_a_partition_holds_is_known_and_goes_back_whole() {
    let Some(shop) = Shop::flown_by_dana("state") else { return };
    let object = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "ledger", "namespace": "state"},
        "spec": {
            "replicas": 3, "serviceName": "ledger", "selector": {"matchLabels": {"app": "ledger"}},
            "template": {
                "metadata": {"labels": {"app": "ledger"}},
                "spec": {"containers": [{"name": "app", "image": "registry.shop.example/ledger:7.0.1"}]},
            },
        },
    });
    shop.cluster.apply(&object.to_string());
    shop.administer(&["rollout", "status", "statefulset/ledger", "--timeout=120s"]);
    let rests = shop.row("stateful_set/ledger");
    assert_eq!(rests["phase"], "healthy", "this server does not tell what is available: {rests:#}");
    let held = json!([
        {"op": "replace", "path": "/spec/updateStrategy/rollingUpdate", "value": {"partition": 2}},
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.shop.example/ledger:7.1.0"},
    ]);
    shop.administer(&["patch", "statefulset", "ledger", "--type=json", "-p", &held.to_string()]);
    shop.administer(&["rollout", "status", "statefulset/ledger", "--timeout=120s"]);
    let stays = shop.row("stateful_set/ledger");
    let seen = (&stays["phase"], &stays["stable"], &stays["canary"], &stays["weight"]);
    assert_eq!(seen, (&json!("paused"), &json!("7.0.1"), &json!("7.1.0"), &json!(33)), "{stays:#}");
    done(&shop.run(&["abort", "ledger", "--yes", "--reason", "errors"]), "3 of 3 pods on 7.0.1");
    let images = shop.field("pods", ".items[*].spec.containers[0].image");
    assert_eq!(images, ["registry.shop.example/ledger:7.0.1"; 3].join(" "));
}

#[test]
fn the_commands_that_are_printed_do_on_a_real_cluster_what_the_verb_would_have_done() {
    let Some(shop) = Shop::flown_by_dana("printed") else { return };
    shop.deployment(&["1.41.3", "1.42.0"]);
    for (line, path, expected) in [
        (&["pause", "payments"][..], ".spec.paused", "true"),
        (&["resume", "payments"], ".spec.paused", ""),
        (
            &["rollback", "payments", "--reason", "errors"],
            ".spec.template.spec.containers[0].image",
            "registry.shop.example/payments:1.41.3",
        ),
    ] {
        let printed = shop.run(&[line, &["--print-commands"]].concat());
        assert_eq!(printed.code, Some(0), "{line:?}: {}", printed.text);
        assert!(printed.text.starts_with("kubectl --kubeconfig "), "{line:?}: {}", printed.text);
        let run = Command::new("sh").args(["-c", &printed.text]).output();
        let output = run.unwrap_or_else(|why| panic!("{why}"));
        assert!(output.status.success(), "{}: {}", printed.text, String::from_utf8_lossy(&output.stderr));
        assert_eq!(shop.field("deployment/payments", path), expected, "{}", printed.text);
    }
}

#[test]
fn whoever_may_only_look_is_told_which_right_the_verb_takes_and_nothing_is_sent() {
    let Some(shop) = Shop::flown_by_dana("looks") else { return };
    shop.deployment(&["1.41.3", "1.42.0"]);
    shop.administer(&["delete", "rolebinding", "dana"]);
    shop.administer(&["create", "rolebinding", "dana", "--role=holdshort-look", "--user=dana"]);
    let before = shop.field("deployment/payments", ".metadata.generation");
    let said = shop.run(&["rollback", "payments", "--yes", "--reason", "errors"]);
    assert_ne!(said.code, Some(0), "{}", said.text);
    assert!(said.text.contains("patch") && said.text.contains("deployments"), "{}", said.text);
    assert_eq!(shop.field("deployment/payments", ".metadata.generation"), before);
}
