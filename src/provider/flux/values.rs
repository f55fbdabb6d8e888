//! What a HelmRelease gives its chart: values that stand in it, each by its path, and files of ConfigMaps and Secrets, each as one.
//!
//! Source: `spec.values` and `spec.valuesFrom` of helm-controller 1.6 (`docs/spec/v2/helmreleases.md`). Which version is to run is no
//! setting: what an image is tagged is left out. Here must not live: a value, any longer than it takes to mark it.

use serde_json::{Map, Value};

use crate::{
    domain::setting::Setting,
    port::alike,
    provider::kubernetes::settings::{Holder, Use},
};

/// What each name begins with, so that it is told apart from variables.
const BEGIN: &str = "values/";
/// Where values are in what they come from, unless it says.
const FILE: &str = "values.yaml";

/// Everything that it gives.
pub(super) fn values(release: &Value, at: &(String, String)) -> Vec<Use> {
    let mut all = Vec::new();
    if let Some(values) = release.pointer("/spec/values").and_then(Value::as_object) {
        below(values, "", &at.1, &mut all);
    }
    let from = release.pointer("/spec/valuesFrom").and_then(Value::as_array);
    all.extend(from.into_iter().flatten().filter_map(|from| file(from, at)));
    all
}

fn below(values: &Map<String, Value>, path: &str, release: &str, all: &mut Vec<Use>) {
    for (name, value) in values {
        // As `helm --set` writes a name with a point in it.
        let name = name.replace('.', "\\.");
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        match value {
            Value::Object(values) if !values.is_empty() => below(values, &path, release, all),
            _ if is_version(&path) => {}
            // A list is one setting: which of its entries are the same nobody can tell.
            value => {
                let name = format!("{BEGIN}{path}");
                let content = alike::content(&name, value.to_string().as_bytes());
                all.push(Use::Plain(Setting::new(&name, &format!("values of HelmRelease {release}"), content)));
            }
        }
    }
}

/// Does it say which version is to run? `image.tag`, `web.image.digest`.
fn is_version(path: &str) -> bool {
    let Some((above, last)) = path.rsplit_once('.') else { return false };
    matches!(last, "tag" | "digest") && above.to_ascii_lowercase().ends_with("image")
}

/// A file of values, or one value, that a ConfigMap or a Secret holds.
fn file(from: &Value, at: &(String, String)) -> Option<Use> {
    let text = |name: &str| from.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let holder = Holder { secret: text("kind")? == "Secret", namespace: at.0.clone(), name: text("name")?.to_owned() };
    let key = text("valuesKey").unwrap_or(FILE).to_owned();
    let name = text("targetPath").map_or_else(|| format!("{}/{key}", holder.lasting()), str::to_owned);
    Some(Use::Key(format!("{BEGIN}{name}"), holder, key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_value_goes_by_its_path_a_file_as_one_and_the_version_is_no_setting() {
        let release = json!({"spec": {
            "values": {
                "replicaCount": 3, "empty": {}, "image": {"repository": "r/pay", "tag": "1.2.0"}, "tag": "x",
                "podAnnotations": {"a.b/c": "on"}, "hosts": ["a", "b"],
            },
            "valuesFrom": [
                {"kind": "ConfigMap", "name": "pay-values"},
                {"kind": "Secret", "name": "pay-db", "valuesKey": "password", "targetPath": "db.password"},
                {"kind": "Secret"},
            ],
        }});
        let plain = |path: &str, value: &Value| {
            let name = format!("values/{path}");
            let content = alike::content(&name, value.to_string().as_bytes());
            Use::Plain(Setting::new(&name, "values of HelmRelease pay", content))
        };
        let holder = |secret: bool, name: &str| Holder { secret, namespace: "shop".into(), name: name.into() };
        let mut expected = vec![
            plain("empty", &json!({})),
            plain("hosts", &json!(["a", "b"])),
            plain("image.repository", &json!("r/pay")),
            plain("podAnnotations.a\\.b/c", &json!("on")),
            plain("replicaCount", &json!(3)),
            plain("tag", &json!("x")),
            Use::Key("values/pay-values/values.yaml".into(), holder(false, "pay-values"), "values.yaml".into()),
            Use::Key("values/db.password".into(), holder(true, "pay-db"), "password".into()),
        ];
        let mut told = values(&release, &("shop".into(), "pay".into()));
        let by = |one: &Use| format!("{one:?}");
        told.sort_by_key(by);
        expected.sort_by_key(by);
        assert_eq!(told, expected);
    }
}
