//! What the pods of a service are given: the environment variables of its template, what ConfigMaps and Secrets put there or into its
//! files, and what an object gives what it installs ([`Kind::GIVES`]). Of a Secret only its metadata is asked for: which keys it has is
//! told by `managedFields`, and what they hold never comes.
//!
//! Source: `EnvVar`, `EnvFromSource`, `Volume` of `v1` (kubernetes.io/docs/reference), "Receiving resources as metadata only" of the API
//! concepts. Here must not live: a value, any longer than it takes to mark it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{FutureExt, future::join_all};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{
    api::{Object, lenient, readable},
    cluster::Cluster,
    facade::{Facade, Kind},
    logs::BESIDE,
    request::{self, CONFIG_MAPS, Resource, SECRETS},
    store::Key,
    template::Template,
};
use crate::{
    domain::{
        ids::{EnvironmentName, Person, ServiceName},
        observed::FaultKind,
        setting::{Content, Setting, Settings},
        text::clean,
        time::Timestamp,
    },
    port::{
        alike,
        error::ProviderError,
        facet::Answer,
        lookup::{self, Answers, Lookup, Question, Told, Topic, foreign},
    },
};

/// ConfigMaps and Secrets that are read for one answer: each is a request.
const MOST_HOLDERS: usize = 40;

/// What an engine's objects of a service are to run.
pub trait Configured: Send + Sync {
    /// The template of each.
    fn templates_of<'a>(&'a self, service: &'a ServiceName) -> Answer<'a, Vec<Pods>>;
}

/// Pods that are made of a template.
#[derive(Clone, Debug, PartialEq)]
pub struct Pods {
    at: Key,
    /// Nothing where it cannot be read.
    template: Option<Template>,
    /// What its object gives beside; a sentence where that cannot be read.
    given: Result<Vec<Use>, String>,
}

impl<K: Kind> Configured for Facade<K> {
    fn templates_of<'a>(&'a self, service: &'a ServiceName) -> Answer<'a, Vec<Pods>> {
        async move {
            let objects: Vec<K::Object> = {
                let (store, scope) = (self.store(), &self.cluster.scope);
                let key = |object: &K::Object| (object.meta().namespace.clone(), object.meta().name.clone());
                let is_it = |object: &&K::Object| {
                    let at = key(object);
                    scope.service(&at.0, &at.1) == *service
                        && !self.cluster.claims.has_claimed(K::WORDS, K::RESOURCE, &at)
                };
                store.objects().filter(is_it).cloned().collect()
            };
            let mut all = Vec::new();
            for object in objects {
                let elsewhere = K::defined_by(&object).is_some();
                let template =
                    if elsewhere { self.ask_workload(&object).await } else { Some(K::template(&object).clone()) };
                let meta = object.meta();
                let at = (meta.namespace.clone(), meta.name.clone());
                let given = match K::GIVES {
                    Some(gives) => self.given(&at, gives).await?,
                    None => Ok(Vec::new()),
                };
                all.push(Pods { at, template, given });
            }
            Ok(all)
        }
        .boxed()
    }
}

impl<K: Kind> Facade<K> {
    /// What an object gives, as it is now: it is not kept, for it may hold anything.
    async fn given(
        &self,
        at: &Key,
        gives: fn(&Value, &Key) -> Vec<Use>,
    ) -> Result<Result<Vec<Use>, String>, ProviderError> {
        match self.cluster.get::<Value>(K::RESOURCE, &at.0, &at.1).await {
            Ok(whole) => Ok(Ok(gives(&whole, at))),
            Err(error) if error.leaves_a_gap() => {
                Ok(Err(format!("what {} {} gives cannot be read: {}", K::WORDS, clean(&at.1), error.text)))
            }
            Err(error) => Err(error),
        }
    }
}

/// What the pods of a cluster are given.
pub fn lookup(cluster: &Arc<Cluster>, engines: Vec<Arc<dyn Configured>>) -> Arc<dyn Lookup> {
    Arc::new(Given { cluster: Arc::clone(cluster), engines })
}

struct Given {
    cluster: Arc<Cluster>,
    engines: Vec<Arc<dyn Configured>>,
}

impl Lookup for Given {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Settings]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Settings { service, environment } => {
                lookup::once(async move { self.settings(&service, &environment).await.map(Told::Settings) })
            }
            other => foreign("Kubernetes", &other),
        }
    }
}

/// What keeps values: a ConfigMap or a Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Is it a Secret?
    pub secret: bool,
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Holder {
    /// `ConfigMap pay-env`.
    pub(super) fn words(&self) -> String {
        format!("{} {}", if self.secret { "Secret" } else { "ConfigMap" }, self.name)
    }

    pub(super) fn resource(&self) -> Resource {
        if self.secret { SECRETS } else { CONFIG_MAPS }
    }

    /// Its name in another environment, too: kustomize ends it with a hash of what it holds (its `api/hasher`).
    pub fn lasting(&self) -> &str {
        const LETTERS: &str = "bcdfghkmt2456789";
        let hashed =
            self.name.rsplit_once('-').filter(|(_, end)| end.len() == 10 && end.chars().all(|c| LETTERS.contains(c)));
        hashed.map_or(&self.name, |(begin, _)| begin)
    }
}

/// One thing that a template gives its pods, or an object what it installs.
#[derive(Clone, Debug, PartialEq)]
pub enum Use {
    /// A value that stands there itself.
    Plain(Setting),
    /// One key of a holder, under a name.
    Key(String, Holder, String),
    /// All keys of a holder, each under its own name behind this.
    All(String, Holder),
}

/// A ConfigMap, or the metadata of a Secret.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Held {
    #[serde(default, deserialize_with = "lenient")]
    metadata: Written,
    #[serde(default, deserialize_with = "lenient")]
    data: BTreeMap<String, SecretString>,
    #[serde(default, deserialize_with = "lenient")]
    binary_data: BTreeMap<String, SecretString>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(default, deserialize_with = "readable")]
    managed_fields: Vec<Managed>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Managed {
    #[serde(default, deserialize_with = "lenient")]
    manager: String,
    #[serde(default, deserialize_with = "lenient")]
    time: Option<Timestamp>,
    #[serde(default, rename = "fieldsV1", deserialize_with = "lenient")]
    fields: BTreeMap<String, Value>,
}

impl Managed {
    /// The keys of its object that it has written.
    fn keys(&self) -> impl Iterator<Item = &str> {
        let parts = ["f:data", "f:binaryData", "f:stringData"]
            .into_iter()
            .filter_map(|part| self.fields.get(part)?.as_object());
        parts.flat_map(|keys| keys.keys().filter_map(|key| key.strip_prefix("f:")))
    }
}

impl Held {
    /// Its keys, as far as they are told.
    pub(super) fn keys(&self) -> BTreeSet<&str> {
        let own = self.data.keys().chain(self.binary_data.keys()).map(String::as_str);
        own.chain(self.metadata.managed_fields.iter().flat_map(Managed::keys)).collect()
    }

    /// One of them under a name, where it is there.
    fn setting(&self, holder: &Holder, key: &str, name: &str) -> Option<Setting> {
        let value = self.data.get(key).or_else(|| self.binary_data.get(key));
        let content = match value {
            Some(value) => alike::content(name, value.expose_secret().as_bytes()),
            None if holder.secret => Content::Hidden,
            None => return None,
        };
        let writers = self.metadata.managed_fields.iter().filter(|one| one.keys().any(|known| known == key));
        let last = writers.max_by_key(|one| one.time);
        let mut setting = Setting::new(name, &holder.words(), content).changed(last.and_then(|one| one.time));
        setting.by = last.map(|one| Person::new(&one.manager)).filter(|who| !who.as_str().is_empty());
        Some(setting)
    }
}

impl Given {
    async fn settings(&self, service: &ServiceName, environment: &EnvironmentName) -> Result<Settings, ProviderError> {
        let scope = &self.cluster.scope;
        let missing = |text: String| Err(ProviderError::new(FaultKind::Missing, text));
        if !scope.environment.meets(environment) {
            return missing(format!("{} is {}, not {environment}", scope.cluster, scope.environment));
        }
        let mut pods = Vec::new();
        for engine in &self.engines {
            pods.extend(engine.templates_of(service).await?);
        }
        if pods.is_empty() {
            return missing(format!("nothing on {} runs {service}", scope.cluster));
        }
        let mut told = Settings::default();
        let mut uses = Vec::new();
        for one in &pods {
            match &one.given {
                Ok(given) => uses.extend(given.iter().cloned()),
                Err(why) => told.unread.push(why.clone()),
            }
            match &one.template {
                Some(template) => uses.extend(uses_of(template, &one.at)),
                None => told.unread.push(format!(
                    "what defines the pods of {} on {} cannot be read",
                    clean(&one.at.1),
                    scope.cluster
                )),
            }
        }
        let held = self.held(&uses, environment, &mut told.unread).await?;
        for one in uses {
            match one {
                Use::Plain(setting) => told.all.push(setting),
                Use::Key(name, holder, key) => match held.get(&holder) {
                    Some(Some(it)) => told.all.extend(it.setting(&holder, &key, &name)),
                    // That it is set is known by the template alone.
                    Some(None) => told.all.push(Setting::new(&name, &holder.words(), Content::Hidden)),
                    None => {}
                },
                Use::All(before, holder) => {
                    let it = held.get(&holder).and_then(Option::as_ref);
                    let keys = it.map(Held::keys).unwrap_or_default().into_iter();
                    told.all.extend(keys.filter_map(|key| it?.setting(&holder, key, &format!("{before}{key}"))));
                }
            }
        }
        Ok(told)
    }

    /// What each holder holds; nothing of one that may not be read. One that is not there is left out.
    async fn held(
        &self,
        uses: &[Use],
        environment: &EnvironmentName,
        unread: &mut Vec<String>,
    ) -> Result<BTreeMap<Holder, Option<Held>>, ProviderError> {
        let holders: BTreeSet<&Holder> = uses
            .iter()
            .filter_map(|one| match one {
                Use::Plain(_) => None,
                Use::Key(_, holder, _) | Use::All(_, holder) => Some(holder),
            })
            .collect();
        if holders.len() > MOST_HOLDERS {
            unread.push(format!("only {MOST_HOLDERS} of {} ConfigMaps and Secrets are read", holders.len()));
        }
        let asked =
            holders.iter().take(MOST_HOLDERS).map(|holder| async move { (*holder, read(&self.cluster, holder).await) });
        let mut held: BTreeMap<Holder, Option<Held>> =
            holders.iter().skip(MOST_HOLDERS).map(|holder| ((*holder).clone(), None)).collect();
        for (holder, read) in join_all(asked).await {
            match read {
                Ok(it) => {
                    if holder.secret && it.keys().is_empty() {
                        unread.push(format!("which keys {} has in {environment} is not told", holder.words()));
                    }
                    held.insert(holder.clone(), Some(it));
                }
                Err(error) if error.kind == FaultKind::Missing => {
                    unread.push(format!("{} is not there in {environment}: {}", holder.words(), error.text));
                }
                Err(error) if matches!(error.kind, FaultKind::Forbidden | FaultKind::Unreadable) => {
                    let needs = format!("it needs the right to get {}", holder.resource().plural);
                    unread.push(format!("{} in {environment} cannot be read: {}; {needs}", holder.words(), error.text));
                    held.insert(holder.clone(), None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(held)
    }
}

/// What a holder holds: of a Secret its metadata only.
pub(super) async fn read(cluster: &Cluster, holder: &Holder) -> Result<Held, ProviderError> {
    if holder.secret {
        let request = request::metadata(SECRETS, &holder.namespace, &holder.name)?;
        let it: Held = cluster.ask(request, Some(SECRETS)).await?;
        // Whoever sends more than was asked for is not listened to.
        return Ok(Held { data: BTreeMap::new(), binary_data: BTreeMap::new(), ..it });
    }
    cluster.get(CONFIG_MAPS, &holder.namespace, &holder.name).await
}

/// Everything that a template gives its pods.
fn uses_of(template: &Template, at: &Key) -> Vec<Use> {
    let list = |of: &Value, path: &str| of.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default();
    let containers = list(&template.0, "/spec/containers");
    let name_of = |one: &Value| text(one, "/name");
    let serves = containers.iter().map(name_of).find(|name| !BESIDE.contains(&name.as_str())).unwrap_or_default();
    let holder = |secret: bool, name: String| Holder { secret, namespace: at.0.clone(), name };
    let mut uses = Vec::new();
    for container in list(&template.0, "/spec/initContainers").iter().chain(&containers) {
        // What only prepares or stands beside is told apart by its name.
        let before = if name_of(container) == serves { String::new() } else { format!("{}/", name_of(container)) };
        for one in list(container, "/envFrom") {
            for (path, secret) in [("/configMapRef/name", false), ("/secretRef/name", true)] {
                let name = text(&one, path);
                if !name.is_empty() {
                    uses.push(Use::All(format!("{before}{}", text(&one, "/prefix")), holder(secret, name)));
                }
            }
        }
        for one in list(container, "/env") {
            uses.push(variable(&one, &before, &holder, at));
        }
    }
    for volume in list(&template.0, "/spec/volumes") {
        let projected = list(&volume, "/projected/sources");
        for (of, secret_name) in
            std::iter::once((&volume, "/secret/secretName")).chain(projected.iter().map(|one| (one, "/secret/name")))
        {
            for (name, items, secret) in
                [("/configMap/name", "/configMap/items", false), (secret_name, "/secret/items", true)]
            {
                let name = text(of, name);
                if name.is_empty() {
                    continue;
                }
                let holder = holder(secret, name);
                let before = format!("{}/", holder.lasting());
                let keys: Vec<String> = list(of, items).iter().map(|item| text(item, "/key")).collect();
                if keys.is_empty() {
                    uses.push(Use::All(before, holder));
                } else {
                    uses.extend(keys.into_iter().map(|key| Use::Key(format!("{before}{key}"), holder.clone(), key)));
                }
            }
        }
    }
    uses
}

/// One variable of a container.
fn variable(one: &Value, before: &str, holder: &impl Fn(bool, String) -> Holder, at: &Key) -> Use {
    let name = format!("{before}{}", text(one, "/name"));
    for (path, secret) in [("/valueFrom/configMapKeyRef", false), ("/valueFrom/secretKeyRef", true)] {
        if one.pointer(path).is_some() {
            let key = text(one, &format!("{path}/key"));
            return Use::Key(name, holder(secret, text(one, &format!("{path}/name"))), key);
        }
    }
    // Where it comes from a field of the pod, that it does so is compared.
    let value = one.get("valueFrom").map_or_else(|| text(one, "/value"), Value::to_string);
    Use::Plain(Setting::new(&name, &format!("pod template of {}", at.1), alike::content(&name, value.as_bytes())))
}

fn text(of: &Value, path: &str) -> String {
    of.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holder(secret: bool, name: &str) -> Holder {
        Holder { secret, namespace: "shop".into(), name: name.into() }
    }

    #[test]
    fn a_template_gives_what_its_variables_and_volumes_name_and_what_stands_beside_is_told_apart() {
        let template = Template(json!({"spec": {
            "containers": [
                {"name": "istio-proxy", "env": [{"name": "MODE", "value": "x"}]},
                {"name": "app", "envFrom": [{"prefix": "PAY_", "configMapRef": {"name": "pay-env"}}, {"secretRef": {"name": "pay-db"}}],
                 "env": [{"name": "MODE", "value": "fast"}, {"name": "URL", "valueFrom": {"configMapKeyRef": {"name": "urls", "key": "pay"}}},
                         {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]},
            ],
            "volumes": [{"name": "a", "configMap": {"name": "rules-8mbk6529c4"}},
                        {"name": "b", "projected": {"sources": [{"secret": {"name": "tls", "items": [{"key": "ca.crt", "path": "ca"}]}}]}}],
        }}));
        let uses = uses_of(&template, &("shop".into(), "pay".into()));
        let plain = |name: &str, value: &str| {
            Use::Plain(Setting::new(name, "pod template of pay", alike::content(name, value.as_bytes())))
        };
        let expected = [
            plain("istio-proxy/MODE", "x"),
            Use::All("PAY_".into(), holder(false, "pay-env")),
            Use::All(String::new(), holder(true, "pay-db")),
            plain("MODE", "fast"),
            Use::Key("URL".into(), holder(false, "urls"), "pay".into()),
            plain("NODE", r#"{"fieldRef":{"fieldPath":"spec.nodeName"}}"#),
            Use::All("rules/".into(), holder(false, "rules-8mbk6529c4")),
            Use::Key("tls/ca.crt".into(), holder(true, "tls"), "ca.crt".into()),
        ];
        assert_eq!(uses, expected);
    }

    #[test]
    fn a_key_says_who_wrote_it_last_and_never_what_it_holds() {
        let held: Held = serde_json::from_value(json!({
            "metadata": {"name": "pay-env", "managedFields": [
                {"manager": "helm", "time": "2026-03-01T10:00:00Z", "fieldsV1": {"f:data": {".": {}, "f:MODE": {}, "f:LIMIT": {}}}},
                {"manager": "kubectl-edit", "time": "2026-03-09T10:00:00Z", "fieldsV1": {"f:data": {"f:MODE": {}}}},
            ]},
            "data": {"MODE": "marker-fast", "LIMIT": "5"},
        }))
        .unwrap();
        let told = held.setting(&holder(false, "pay-env"), "MODE", "MODE").unwrap();
        let by = told.by.as_ref().map(Person::as_str);
        assert_eq!((by, told.changed), (Some("kubectl-edit"), "2026-03-09T10:00:00Z".parse().ok()));
        assert!(!format!("{told:?} {held:?}").contains("marker"));
        assert_eq!(held.setting(&holder(false, "pay-env"), "GONE", "GONE"), None);
        let secret: Held = serde_json::from_value(json!({"metadata": {"managedFields": [
            {"manager": "helm", "fieldsV1": {"f:data": {".": {}, "f:PIN": {}}, "f:type": {}}}]}}))
        .unwrap();
        assert_eq!(secret.keys(), BTreeSet::from(["PIN"]));
        assert_eq!(secret.setting(&holder(true, "pay-db"), "PIN", "PIN").unwrap().content, Content::Hidden);
    }

    #[test]
    fn the_hash_that_kustomize_puts_behind_a_name_is_no_part_of_it() {
        let lasting = |name: &str| holder(false, name).lasting().to_owned();
        assert_eq!(
            (lasting("rules-8mbk6529c4"), lasting("rules-production")),
            ("rules".into(), "rules-production".into())
        );
    }
}
