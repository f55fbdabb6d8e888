//! What may be seen of a patch. Pod templates hold passwords: in variables, arguments, annotations, headers of probes. So
//! every text in a body is hidden, but for fields that cannot hold a secret; what is hidden is there by one hash for each
//! part of the patch, so that two bodies can be compared.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{domain::text::clean, port::body::Body};

/// Stands where something is hidden.
const HIDDEN: &str = "•••";
/// What is hashed begins with this: the hash of the same text elsewhere is another one.
const LABEL: &str = "holdshort patch v1\0";
/// The field that the hash stands in.
const HASH: &str = "sha256";
/// Fields whose text may be seen: names, kinds and choices of which the API has a list.
const OPEN: [&str; 41] = [
    "apiVersion",
    "claimName",
    "containerName",
    "cpu",
    "divisor",
    "dnsPolicy",
    "effect",
    "ephemeral-storage",
    "fieldPath",
    "image",
    "imagePullPolicy",
    "key",
    "kind",
    "kubectl.kubernetes.io/restartedAt",
    "memory",
    "mountPath",
    "mountPropagation",
    "name",
    "nodeName",
    "op",
    "operator",
    "port",
    "preemptionPolicy",
    "priorityClassName",
    "protocol",
    "resource",
    "restartAt",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "scheme",
    "secretName",
    "serviceAccount",
    "serviceAccountName",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "topologyKey",
    "type",
    "whenUnsatisfiable",
    "sizeLimit",
    "medium",
];
/// Maps of labels: what selects pods is on every object that they belong to.
const LABELS: [&str; 3] = ["labels", "matchLabels", "nodeSelector"];

/// The body of a patch.
pub(super) fn body(patch: &Value) -> Body {
    let mut shown = patch.clone();
    match &mut shown {
        Value::Array(operations) => operations.iter_mut().for_each(operation),
        Value::Object(fields) => part(fields),
        _ => {}
    }
    Body::sealed(patch.to_string(), shown.to_string())
}

/// A text of the server's without what the body hides: it likes to repeat the value that it does not take.
pub(super) fn without_hidden(text: &str, body: &Body) -> String {
    /// Shorter ones are words that stand anywhere.
    const TELLING: usize = 4;
    let mut said = text.to_owned();
    let patch = body.sent().filter(|_| body.hides()).and_then(|sent| serde_json::from_str(sent).ok());
    let mut hidden = Vec::new();
    match patch.unwrap_or_default() {
        // The place of an operation hides nothing.
        Value::Array(operations) => {
            for value in operations.iter().filter_map(|one| one.get("value")) {
                collect(value, "", &mut hidden);
            }
        }
        patch => collect(&patch, "", &mut hidden),
    }
    // As it stands, as it is cleaned, and as the server's language quotes it.
    let quoted = |text: &String| Value::from(text.as_str()).to_string().trim_matches('"').to_owned();
    let forms = |text: String| [clean(&text), quoted(&text), text];
    let mut hidden: Vec<String> = hidden.into_iter().flat_map(forms).collect();
    hidden.retain(|text| text.chars().count() >= TELLING);
    // The longest first: one may be a part of another.
    hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
    for text in hidden {
        said = said.replace(&text, HIDDEN);
    }
    said
}

/// One operation of a JSON patch. Its path is the name of a place; its value is what that place is.
fn operation(operation: &mut Value) {
    let Value::Object(fields) = operation else { return };
    let place = fields.get("path").and_then(Value::as_str).unwrap_or_default();
    let key = place.rsplit('/').next().unwrap_or_default().replace("~1", "/");
    let whole = fields.get("value").map(Value::to_string).unwrap_or_default();
    if fields.get_mut("value").is_some_and(|value| hide(value, &key)) {
        fields.insert(HASH.to_owned(), hash(&whole).into());
    }
}

/// A merge patch.
fn part(fields: &mut Map<String, Value>) {
    let whole = Value::Object(fields.clone()).to_string();
    let mut hides = false;
    for (key, value) in fields.iter_mut() {
        hides |= hide(value, key);
    }
    if hides {
        fields.insert(HASH.to_owned(), hash(&whole).into());
    }
}

/// Hides what may not be seen of the value of a field; was there anything?
fn hide(value: &mut Value, key: &str) -> bool {
    match value {
        Value::Object(_) if LABELS.contains(&key) => false,
        Value::Object(fields) => fields.iter_mut().fold(false, |hid, (key, value)| hide(value, key) | hid),
        Value::Array(items) => items.iter_mut().fold(false, |hid, item| hide(item, key) | hid),
        Value::String(text) if !OPEN.contains(&key) && !text.is_empty() => {
            HIDDEN.clone_into(text);
            true
        }
        _ => false,
    }
}

/// The texts that are hidden.
fn collect(value: &Value, key: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(_) if LABELS.contains(&key) => {}
        Value::Object(fields) => fields.iter().for_each(|(key, value)| collect(value, key, into)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, into)),
        Value::String(text) if !OPEN.contains(&key) => into.push(text.clone()),
        _ => {}
    }
}

fn hash(text: &str) -> String {
    let hash = Sha256::new().chain_update(LABEL).chain_update(text).finalize();
    hash.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(password: &str) -> Value {
        json!({
            "metadata": {
                "labels": {"app": "web"},
                "annotations": {"vault.hashicorp.com/token": format!("anno-{password}")},
            },
            "spec": {
                "initContainers": [{"name": "db", "image": "db:1", "env": [{"name": "INIT", "value": format!("init-{password}")}]}],
                "containers": [{
                    "name": "web", "image": "web:1",
                    "command": ["serve", format!("--key={password}")], "args": [format!("--password={password}")],
                    "env": [
                        {"name": "DB_PASSWORD", "value": password},
                        {"name": "EMPTY", "value": ""},
                        {"name": "FROM", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                    ],
                    "ports": [{"containerPort": 80, "name": "http"}],
                    "livenessProbe": {"httpGet": {"path": format!("/live?k={password}"), "port": "http",
                        "httpHeaders": [{"name": "Authorization", "value": format!("Bearer {password}")}]}},
                }],
            },
        })
    }

    fn patch(password: &str) -> Value {
        json!([
            {"op": "test", "path": "/spec/template/spec/containers/0/image", "value": "web:2"},
            {"op": "replace", "path": "/spec/template", "value": template(password)},
            {"op": "replace", "path": "/metadata/annotations/kubernetes.io~1change-cause", "value": format!("set env K={password}")},
            {"op": "replace", "path": "/spec/paused", "value": false},
        ])
    }

    #[test]
    fn a_template_is_shown_by_its_names_and_every_value_in_it_is_hidden() {
        let body = body(&patch("hunter2"));
        assert_eq!(body.sent(), Some(patch("hunter2").to_string().as_str()));
        assert!(!body.shown().contains("hunter2"), "{body}");
        let shown: Value = serde_json::from_str(body.shown()).unwrap();
        let container = &shown[1]["value"]["spec"]["containers"][0];
        assert_eq!(
            container["env"],
            json!([
                {"name": "DB_PASSWORD", "value": "•••"}, {"name": "EMPTY", "value": ""},
                {"name": "FROM", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
            ])
        );
        assert_eq!((&container["image"], &container["args"]), (&json!("web:1"), &json!(["•••"])));
        assert_eq!(
            (&shown[0]["value"], &shown[2]["value"], &shown[3]["value"]),
            (&json!("web:2"), &json!("•••"), &json!(false))
        );
        assert_eq!(shown[1]["value"]["metadata"]["labels"], json!({"app": "web"}));
    }

    #[test]
    fn two_bodies_are_equal_exactly_where_what_they_hide_is() {
        assert_eq!(body(&patch("hunter2")), body(&patch("hunter2")));
        assert_ne!(body(&patch("hunter2")), body(&patch("hunter3")));
        let one = |value: &str| json!({"spec": {"template": {"metadata": {"annotations": {"a": value}}}}});
        assert_ne!(body(&one("b")), body(&one("c")));
    }

    #[test]
    fn what_hides_nothing_is_shown_as_it_is_sent() {
        for patch in [
            json!({"status": {"abort": true}}),
            json!({"spec": {"restartAt": "2026-11-21T06:21:55Z"}}),
            json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026"}}}}}),
        ] {
            assert!(!body(&patch).hides(), "{patch}");
        }
    }

    #[test]
    fn a_server_that_repeats_a_value_is_not_quoted_with_it() {
        let said = "spec.template.spec.containers[0].env[0].value: Invalid value: \"hunter2-and-more\": no";
        let body = body(&patch("hunter2-and-more"));
        let masked = "spec.template.spec.containers[0].env[0].value: Invalid value: \"•••\": no";
        assert_eq!(without_hidden(said, &body), masked);
        assert_eq!(without_hidden(said, &Body::open("{}")), said);
    }
}
