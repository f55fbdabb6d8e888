//! What a cluster tells whoever sets it up: who we are there, what we may, which engines it has, and what lives where. Reads only.
//!
//! Sources: `SelfSubjectReview` (authentication.k8s.io/v1, Kubernetes 1.28), `SelfSubjectAccessReview` (authorization.k8s.io/v1),
//! `/apis` (discovery). Rights are asked one by one: a `SelfSubjectRulesReview` may be incomplete, and says so itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use http::Request;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    error::{self, Asked},
    measures::{self, Service},
    request::{
        self, AUTOSCALERS, CONFIG_MAPS, DISRUPTION_BUDGETS, EVENTS, PODS, QUOTAS, Query, REPLICA_SETS, Resource,
    },
};
use crate::port::{
    error::ProviderError,
    examine::{Examine, Finding, Fit, Grade, LookedAt, Survey},
    wire::Class,
};

/// Requests at the same time.
const AT_ONCE: usize = 8;
/// Namespaces that a configuration lists; where there are more, all are looked at.
const LISTED: usize = 12;
/// How the namespaces of the cluster's own things begin.
const SYSTEM: &str = "kube-";

/// Services: what among them measures.
const SERVICES: Resource = Resource { group: "", version: "v1", plural: "services", product: "Kubernetes v1" };

/// A right that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// To what.
    pub resource: Resource,
    /// To which part of it; empty for itself.
    pub subresource: &'static str,
    /// What one must be allowed to do with it.
    pub verbs: &'static [&'static str],
    /// What cannot be done without: `promote and abort`. Empty where nothing at all can be seen without.
    pub serves: &'static str,
    /// It changes something.
    pub acts: bool,
}

impl Need {
    /// To look at these.
    pub const fn to_see(resource: Resource, verbs: &'static [&'static str]) -> Self {
        Self { resource, subresource: "", verbs, serves: "", acts: false }
    }

    /// To explain what is looked at.
    pub const fn to_explain(
        resource: Resource,
        subresource: &'static str,
        verbs: &'static [&'static str],
        serves: &'static str,
    ) -> Self {
        Self { resource, subresource, verbs, serves, acts: false }
    }

    /// To act.
    pub const fn to_act(resource: Resource, subresource: &'static str, serves: &'static str) -> Self {
        Self { resource, subresource, verbs: &["patch"], serves, acts: true }
    }

    fn path(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.plural.to_owned()
        } else {
            format!("{}/{}", self.resource.plural, self.subresource)
        }
    }

    /// As a rule of a Role has it, without the ones of the same group and verbs.
    fn rule(&self, verbs: &[&str]) -> String {
        format!("apiGroups: [\"{}\"], resources: [\"{}\"], verbs: {verbs:?}", self.resource.group, self.path())
    }
}

/// What every engine needs.
const COMMON: [Need; 8] = [
    Need::to_see(REPLICA_SETS, &["get", "list", "watch"]),
    Need::to_explain(PODS, "", &["get", "list"], "what is wrong with pods"),
    Need::to_explain(PODS, "log", &["get"], "what pods write"),
    Need::to_explain(EVENTS, "", &["list"], "why something does not move"),
    Need::to_explain(CONFIG_MAPS, "", &["get"], "comparison of settings between environments"),
    Need::to_explain(QUOTAS, "", &["list"], "whether a quota leaves room on the way back"),
    Need::to_explain(AUTOSCALERS, "", &["list"], "how many pods an autoscaler allows there"),
    Need::to_explain(DISRUPTION_BUDGETS, "", &["list"], "how many pods may be missing there"),
];

/// Who we are, as a cluster tells it.
const SELF_REVIEWS: Resource = Resource {
    group: "authentication.k8s.io",
    version: "v1",
    plural: "selfsubjectreviews",
    product: "Kubernetes authentication.k8s.io/v1",
};

/// An engine, as far as it is examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// As the configuration names it.
    pub name: &'static str,
    /// What it looks at.
    pub resource: Resource,
    /// The rights it needs beside those that every engine does.
    pub needs: &'static [Need],
}

/// The examiner of a cluster for these engines.
pub fn examiner(cluster: &Arc<Cluster>, engines: Vec<Engine>) -> Arc<dyn Examine> {
    Arc::new(Examiner { cluster: Arc::clone(cluster), engines })
}

struct Examiner {
    cluster: Arc<Cluster>,
    engines: Vec<Engine>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    name: String,
}

/// What a cluster serves.
struct There {
    groups: BTreeSet<String>,
    /// The kinds of engines that are in none of their groups, by group and plural.
    without: BTreeSet<(&'static str, &'static str)>,
}

impl There {
    fn has(&self, resource: Resource) -> bool {
        let group = resource.group.is_empty() || self.groups.contains(resource.group);
        group && !self.without.contains(&(resource.group, resource.plural))
    }
}

/// An object of which only this is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Thing {
    metadata: Meta,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    namespace: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reviewed {
    status: Told,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    allowed: bool,
    #[serde(rename = "userInfo")]
    user: User,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct User {
    username: String,
    groups: Vec<String>,
}

impl Examine for Examiner {
    fn examine<'a>(&'a self, _: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let groups = match self.groups().await {
                Ok((groups, reached)) => (groups, reached),
                Err(error) => return vec![Finding::refused(&error)],
            };
            let (groups, mut found) = groups;
            let there = self.there(groups).await;
            found.push(self.whom().await);
            found.extend(self.engines.iter().map(|engine| self.served(engine, &there)));
            found.extend(self.rights(&there).await);
            found
        }
        .boxed()
    }

    fn survey(&self) -> BoxFuture<'_, Result<Survey, ProviderError>> {
        self.look_around().boxed()
    }

    fn grants(&self, acting: bool) -> Option<String> {
        Some(self.role(acting))
    }
}

impl Examiner {
    /// The groups of kinds that the cluster serves; and that it is reached, and what its clock says.
    async fn groups(&self) -> Result<(BTreeSet<String>, Vec<Finding>), ProviderError> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = http::Uri::from_static("/apis");
        request.extensions_mut().insert(Class::Read);
        let answer = self.cluster.answer(request, None).await?;
        let read: Groups = serde_json::from_slice(answer.body()).map_err(|why| {
            let asked = Asked { cluster: &self.cluster.scope.cluster, resource: None, class: Class::Read };
            error::of_body(asked, &answer, why, self.cluster.clock.now())
        })?;
        let clock = Finding::clock(answer.headers(), self.cluster.clock.now());
        let names = read.groups.into_iter().map(|group| group.name).collect();
        Ok((names, vec![Finding::good("reached", "it answers"), clock]))
    }

    /// What there is. A group may be there without the kind: Argo CD and Argo Rollouts share theirs. Where discovery does not
    /// tell, the kind is taken to be there, so that its rights are asked for.
    async fn there(&self, groups: BTreeSet<String>) -> There {
        let mut without = BTreeSet::new();
        for Engine { resource, .. } in self.engines.iter().filter(|engine| groups.contains(engine.resource.group)) {
            if let Ok(false) = self.cluster.is_served(*resource).await {
                without.insert((resource.group, resource.plural));
            }
        }
        There { groups, without }
    }

    async fn whom(&self) -> Finding {
        if let Ok(false) = self.cluster.is_served(SELF_REVIEWS).await {
            return Finding::of(Grade::Unknown, "as whom", "not known: a cluster tells it from Kubernetes 1.28 on", "");
        }
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        match self.review(path, &body).await {
            Ok(Reviewed { status: Told { user, .. } }) if !user.username.is_empty() => {
                let groups =
                    if user.groups.is_empty() { String::new() } else { format!(", of {}", user.groups.join(", ")) };
                Finding::good("as whom", format!("{}{groups}", user.username))
            }
            Ok(_) => Finding::of(Grade::Unknown, "as whom", "it does not say who we are", ""),
            Err(error) => Finding::of(Grade::Unknown, "as whom", format!("not known: {}", error.text), ""),
        }
    }

    fn served(&self, engine: &Engine, there: &There) -> Finding {
        if there.has(engine.resource) {
            return Finding::good(engine.name, format!("{} is served", engine.resource.product));
        }
        let others: Vec<_> = self.engines.iter().filter(|other| there.has(other.resource)).collect();
        let names: Vec<_> = others.iter().map(|engine| format!("\"{}\"", engine.name)).collect();
        let said = format!("{} is not installed there", engine.resource.product);
        if self.cluster.scope.takes_what_is_there {
            return Finding::good(engine.name, format!("{said}: nothing of it is looked for"));
        }
        let way = format!("engines = [{}] in [connections.{}]", names.join(", "), self.cluster.scope.source);
        Finding::of(Grade::Limited, engine.name, said, if names.is_empty() { String::new() } else { way })
    }

    /// All that is needed of what the cluster serves.
    fn needs<'a>(&'a self, there: Option<&'a There>) -> Vec<&'a Need> {
        let serves = move |resource: Resource| there.is_none_or(|there| there.has(resource));
        // What an engine needs of every cluster is needed only where it is there itself.
        let engines = self.engines.iter().filter(|engine| serves(engine.resource)).flat_map(|engine| engine.needs);
        let mut all: Vec<&Need> = Vec::new();
        for need in engines.chain(&COMMON).filter(|need| serves(need.resource)) {
            if !all.contains(&need) {
                all.push(need);
            }
        }
        all
    }

    async fn rights(&self, there: &There) -> Vec<Finding> {
        let spaces = self.cluster.scope.spaces();
        let needs = self.needs(Some(there));
        let mut asked: Vec<BoxFuture<'_, Vec<Finding>>> = Vec::new();
        for space in &spaces {
            for need in needs.iter().copied() {
                asked.push(self.right(need, space.as_deref()).boxed());
            }
        }
        let each: Vec<Vec<Finding>> = stream::iter(asked).buffered(AT_ONCE).collect().await;
        let lacking: Vec<Finding> = each.into_iter().flatten().collect();
        if lacking.is_empty() {
            vec![Finding::good("rights", "all that is needed, to look and to act")]
        } else {
            lacking
        }
    }

    /// What of a right is missing in a namespace, or in all of them.
    async fn right(&self, need: &Need, space: Option<&str>) -> Vec<Finding> {
        let (mut denied, mut silent) = (Vec::new(), None);
        for verb in need.verbs {
            match self.may(need, verb, space).await {
                Ok(true) => {}
                Ok(false) => denied.push(*verb),
                Err(error) => silent = Some(error.text),
            }
        }
        let place = space.map_or_else(|| "all namespaces".to_owned(), |space| format!("namespace {space}"));
        let about = if need.acts { "rights to act" } else { "rights to look" };
        if let Some(why) = silent {
            let said = format!("not known whether you may {} {} in {place}: {why}", need.verbs.join(", "), need.path());
            return vec![Finding::of(Grade::Unknown, about, said, "")];
        }
        if denied.is_empty() {
            return Vec::new();
        }
        let grade = if need.serves.is_empty() { Grade::Broken } else { Grade::Limited };
        let without = if need.serves.is_empty() { String::new() } else { format!(": without it no {}", need.serves) };
        let said = format!("you may not {} {} in {place}{without}", denied.join(", "), need.path());
        let way = format!("a rule {{{}}}; `holdshort doctor --rbac` prints all of them", need.rule(&denied));
        vec![Finding::of(grade, about, said, way)]
    }

    async fn may(&self, need: &Need, verb: &str, space: Option<&str>) -> Result<bool, ProviderError> {
        let attributes = json!({
            "namespace": space.unwrap_or_default(), "verb": verb, "group": need.resource.group,
            "resource": need.resource.plural, "subresource": need.subresource,
        });
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        });
        Ok(self.review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &body).await?.status.allowed)
    }

    async fn review(&self, path: &'static str, body: &Value) -> Result<Reviewed, ProviderError> {
        self.cluster.ask(request::ask_about_us(path, body)?, None).await
    }

    /// Which engines and namespaces there are, and what looks as if it measured.
    async fn look_around(&self) -> Result<Survey, ProviderError> {
        let there = self.there(self.groups().await?.0).await;
        let mut survey = Survey::default();
        let served: Vec<&Engine> = self.engines.iter().filter(|one| there.has(one.resource)).collect();
        let mut namespaces = BTreeSet::new();
        // Without `engines` whatever is there, or comes, is looked for.
        for engine in served {
            match self.things(engine.resource, None).await {
                Ok(things) if things.is_empty() => {
                    survey
                        .missing
                        .push(format!("{} is served, and nothing of it is there", engine.resource.full_name()));
                }
                Ok(things) => {
                    let own = things.iter().filter(|one| !one.metadata.namespace.starts_with(SYSTEM));
                    namespaces.extend(own.map(|one| one.metadata.namespace.clone()));
                    survey.found.push(format!("{} of {}", things.len(), engine.resource.full_name()));
                }
                Err(error) => {
                    // All of them may not be listed; perhaps those where we are at home.
                    survey.missing.push(error.text);
                    namespaces.extend(self.cluster.scope.found.get().namespace);
                }
            }
        }
        let absent = self.engines.iter().filter(|one| !there.has(one.resource));
        survey.missing.extend(absent.map(|one| format!("{} is not installed", one.resource.product)));
        if (1..=LISTED).contains(&namespaces.len()) {
            let all = namespaces.into_iter().collect();
            let why = "those that something to be released runs in; without this line: all";
            survey.settings.push(("namespaces".into(), Fit::Several(all), why.into()));
        }
        match self.measuring().await {
            Ok(found) => survey.found.extend(found),
            Err(error) => {
                survey.missing.push(format!("metrics were not looked for among its Services: {}", error.text));
            }
        }
        Ok(survey)
    }

    async fn measuring(&self) -> Result<Vec<String>, ProviderError> {
        let services: Vec<Service> = self.cluster.list(&Query::all(SERVICES, None)).await?;
        Ok(measures::found(&services))
    }

    async fn things(&self, resource: Resource, space: Option<String>) -> Result<Vec<Thing>, ProviderError> {
        self.cluster.list(&Query::all(resource, space)).await
    }

    /// The least rights as a manifest.
    fn role(&self, acting: bool) -> String {
        let scope = &self.cluster.scope;
        let mut rules: BTreeMap<(&str, Vec<&str>), BTreeSet<String>> = BTreeMap::new();
        for need in self.needs(None).into_iter().filter(|need| acting || !need.acts) {
            rules.entry((need.resource.group, need.verbs.to_vec())).or_default().insert(need.path());
        }
        let name = if acting { "holdshort-act" } else { "holdshort-look" };
        let mut text = String::new();
        let cluster_wide = scope.namespaces.is_empty();
        let spaces: Vec<Option<&String>> =
            if cluster_wide { vec![None] } else { scope.namespaces.iter().map(Some).collect() };
        for space in spaces {
            let (kind, place) = match space {
                None => ("ClusterRole", String::new()),
                Some(space) => ("Role", format!("\n  namespace: {space}")),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}{place}\nrules:"
            );
            for ((group, verbs), resources) in &rules {
                let resources: Vec<&String> = resources.iter().collect();
                let _ =
                    writeln!(text, "  - apiGroups: [\"{group}\"]\n    resources: {resources:?}\n    verbs: {verbs:?}");
            }
        }
        text
    }
}
