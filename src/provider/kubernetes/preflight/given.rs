//! Whether the ConfigMaps and Secrets, and their keys, are there that a template refers to. Names only: of a Secret nothing but its
//! metadata is read.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use serde_json::Value;

use super::{Ground, Set, unread};
use crate::{
    domain::{
        observed::FaultKind,
        preflight::{About, Check, Grade},
        text::clean,
    },
    port::error::ProviderError,
    provider::kubernetes::{
        cluster::Cluster,
        settings::{Holder, read},
        template::Template,
    },
};

/// Holders that are read for one answer: each is a request.
const MOST: usize = 20;

/// What a template needs of one holder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// The pods cannot start without it.
    must: bool,
    /// Keys without which they cannot start.
    keys: BTreeSet<String>,
}

/// Everything that a template refers to.
pub(super) fn needs(template: &Template, namespace: &str) -> BTreeMap<Holder, Needs> {
    let mut all: BTreeMap<Holder, Needs> = BTreeMap::new();
    let list = |of: &Value, path: &str| of.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut add = |secret: bool, named: &Value, name: &str, keys: Vec<String>| {
        let name = text(named, name);
        if name.is_empty() {
            return;
        }
        let must = !named.get("optional").and_then(Value::as_bool).unwrap_or_default();
        let needs = all.entry(Holder { secret, namespace: namespace.to_owned(), name }).or_default();
        needs.must |= must;
        needs.keys.extend(keys.into_iter().filter(|key| must && !key.is_empty()));
    };
    for container in list(&template.0, "/spec/initContainers").iter().chain(&list(&template.0, "/spec/containers")) {
        for one in list(container, "/envFrom") {
            for (path, secret) in [("configMapRef", false), ("secretRef", true)] {
                add(secret, one.get(path).unwrap_or(&Value::Null), "name", Vec::new());
            }
        }
        for one in list(container, "/env") {
            for (path, secret) in [("/valueFrom/configMapKeyRef", false), ("/valueFrom/secretKeyRef", true)] {
                let named = one.pointer(path).unwrap_or(&Value::Null);
                add(secret, named, "name", vec![text(named, "key")]);
            }
        }
    }
    for volume in list(&template.0, "/spec/volumes") {
        let items = |named: &Value| list(named, "/items").iter().map(|item| text(item, "key")).collect::<Vec<_>>();
        let mut mounted = |of: &Value, secret_name: &str| {
            for (path, secret, name) in [("configMap", false, "name"), ("secret", true, secret_name)] {
                let named = of.get(path).unwrap_or(&Value::Null);
                add(secret, named, name, items(named));
            }
        };
        mounted(&volume, "secretName");
        for source in &list(&volume, "/projected/sources") {
            mounted(source, "name");
        }
    }
    all.retain(|_, needs| needs.must);
    all
}

/// Is all of it there that pods of the version cannot start without?
pub(super) async fn checks(cluster: &Cluster, ground: &Ground, set: &Set) -> Result<Vec<Check>, ProviderError> {
    let needs = needs(&set.template, &ground.at.0);
    let asked =
        needs.iter().take(MOST).map(|(holder, needs)| async move { (holder, needs, read(cluster, holder).await) });
    let mut checks = Vec::new();
    for (holder, needs, told) in join_all(asked).await {
        match told {
            Ok(held) => {
                let there = held.keys();
                let missing: Vec<String> =
                    needs.keys.iter().filter(|key| !there.contains(key.as_str())).map(|key| clean(key)).collect();
                checks.extend((!missing.is_empty()).then(|| lacks(holder, &missing, there.is_empty())));
            }
            Err(error) if error.kind == FaultKind::Missing => {
                let words = format!("{} is not there: pods of it cannot start", holder.words());
                checks.push(Check::new(About::Configuration, Grade::Red, words).mended_by("put it back"));
            }
            Err(error) => {
                let what = format!("whether {} holds what it needs", holder.words());
                checks.push(unread(About::Configuration, &what, holder.resource(), error)?);
            }
        }
    }
    if needs.len() > MOST {
        let words = format!("only {MOST} of {} ConfigMaps and Secrets that it needs were looked for", needs.len());
        checks.push(Check::new(About::Configuration, Grade::Unknown, words));
    } else if checks.is_empty() && !needs.is_empty() {
        let names: Vec<String> = needs.keys().map(Holder::words).collect();
        checks.push(Check::new(About::Configuration, Grade::Good, format!("{} there", there(&names))));
    }
    Ok(checks)
}

/// That keys are missing. A Secret tells its keys only by who wrote them: one that is not among those may be there all the same.
fn lacks(holder: &Holder, missing: &[String], untold: bool) -> Check {
    let (name, keys) = (holder.words(), missing.join(", "));
    if holder.secret && untold {
        return Check::new(
            About::Configuration,
            Grade::Unknown,
            format!("which keys {name} has is not told: it needs {keys}"),
        );
    }
    if holder.secret {
        let words = format!("{keys} is not seen among the keys of {name}: pods of it may not start");
        return Check::new(About::Configuration, Grade::Amber, words);
    }
    let words = format!("{name} has no key {keys}: pods of it cannot start");
    Check::new(About::Configuration, Grade::Red, words).mended_by("put it back")
}

/// `ConfigMap a is`, `ConfigMap a, Secret b are`.
fn there(names: &[String]) -> String {
    const NAMED: usize = 3;
    match names {
        [one] => format!("{one} is"),
        few if few.len() <= NAMED => format!("{} are", few.join(", ")),
        many => format!("all {} ConfigMaps and Secrets that it needs are", many.len()),
    }
}
