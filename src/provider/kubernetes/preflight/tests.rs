//! What stands in the way of a version, from wire forms: quotas, autoscalers, budgets, what templates refer to, how long pods took.

use serde_json::{Value, json};

use super::*;

fn deployments() -> Resource {
    Resource { group: "apps", version: "v1", plural: "deployments", product: "Kubernetes apps/v1" }
}

#[test]
fn bounds_of_an_exchange_are_rounded_as_the_controllers_round_them() {
    let rolling = |replicas: u32, surge: &Value, unavailable: &Value| {
        let turnover = Turnover::rolling(replicas, Some(surge), Some(unavailable));
        (turnover.surge, turnover.unavailable)
    };
    assert_eq!(rolling(10, &Value::Null, &Value::Null), (3, 2));
    assert_eq!(rolling(10, &json!("25%"), &json!("25%")), (3, 2));
    assert_eq!(rolling(10, &json!(0), &json!("5%")), (0, 1), "something must move");
    assert_eq!(rolling(4, &json!(1), &json!(0)), (1, 0));
    let turnover = Turnover::rolling(10, None, None);
    assert_eq!((turnover.batch(10), turnover.batch(2), Turnover::beside().batch(10)), (5, 2, 10));
}

#[test]
fn what_going_back_interrupts_is_said_in_pods_and_seconds() {
    let ground = Ground {
        at: ("shop".into(), "pay".into()),
        resource: deployments(),
        manager: Some("Flux"),
        replicas: 4,
        turnover: Turnover::rolling(4, None, None),
        selector: None,
        set: None,
        unread: None,
        declared: vec![("2.9.0".into(), "it dropped a column".into())],
        others: Some((4, "2.9.0".into(), 60)),
    };
    let expected = ["1 of 4 pods is missing while they turn over", "connections to 4 pods of 2.9.0 end within 60 s"];
    assert_eq!(interrupts(&ground), expected);
    let recreated =
        Ground { turnover: Turnover { recreates: true, ..ground.turnover }, others: None, ..ground.clone() };
    assert_eq!(interrupts(&recreated), ["no pod serves between the last old one and the first new one"]);
    let words: Vec<_> = declares(&ground).into_iter().map(|check| (check.grade, check.words)).collect();
    assert_eq!(words, [(Grade::Red, "2.9.0 says that nobody can go back from it: it dropped a column".to_owned())]);
    assert!(automation(&ground).unwrap().words.starts_with("Flux manages it"));
}

#[test]
fn a_template_needs_what_it_names_and_not_what_is_optional() {
    let template = Template(json!({"spec": {
        "containers": [{"name": "app",
            "envFrom": [{"configMapRef": {"name": "env"}}, {"secretRef": {"name": "keys", "optional": true}}],
            "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "urls", "key": "pay"}}},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "urls", "key": "maybe", "optional": true}}}]}],
        "volumes": [{"name": "v", "secret": {"secretName": "tls", "items": [{"key": "ca.crt", "path": "ca"}]}}],
    }}));
    let needs: Vec<_> = given::needs(&template, "shop")
        .into_iter()
        .map(|(holder, needs)| (holder.words(), format!("{needs:?}")))
        .collect();
    let said = |keys: &str| format!("Needs {{ must: true, keys: {{{keys}}} }}");
    let expected = [
        ("ConfigMap env".to_owned(), said("")),
        ("ConfigMap urls".to_owned(), said("\"pay\"")),
        ("Secret tls".to_owned(), said("\"ca.crt\"")),
    ];
    assert_eq!(needs, expected);
}

#[test]
fn images_are_told_once_each_and_those_that_prepare_among_them() {
    let template = Template(json!({"spec": {
        "containers": [{"name": "a", "image": "r/pay:1"}, {"name": "b", "image": "r/proxy:3"}],
        "initContainers": [{"name": "c", "image": "r/pay:1"}, {"name": "d", "image": "r/migrate:1"}],
    }}));
    let names: Vec<String> = images(&template).into_iter().map(|image| image.name).collect();
    assert_eq!(names, ["r/pay:1", "r/proxy:3", "r/migrate:1"]);
}
