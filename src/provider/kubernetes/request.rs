//! Requests, built without I/O. kube-core knows how queries are written; what each request does to the far side is said
//! here.

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use kube::{
    api::{GetParams, ListParams, WatchParams},
    core::Request as Builder,
};
use serde_json::{Value, json};

use crate::{
    domain::observed::FaultKind,
    port::{error::ProviderError, wire::Class},
};

/// How many objects come in one page.
pub const PAGE: u32 = 500;
/// After how many seconds the server ends a watch, so that both sides notice one that is dead. Below kube-core's bound.
const WATCH_SECONDS: u32 = 290;

/// A kind of object, as it stands in paths and sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// `argoproj.io`; empty for the core group.
    pub group: &'static str,
    /// `v1alpha1`.
    pub version: &'static str,
    /// `rollouts`.
    pub plural: &'static str,
    /// What must be installed for it to exist: `Argo Rollouts`.
    pub product: &'static str,
}

/// `ReplicaSets`.
pub const REPLICA_SETS: Resource =
    Resource { group: "apps", version: "v1", plural: "replicasets", product: "Kubernetes apps/v1" };
/// Pods.
pub const PODS: Resource = Resource { group: "", version: "v1", plural: "pods", product: "Kubernetes v1" };
/// Events.
pub const EVENTS: Resource = Resource { group: "", version: "v1", plural: "events", product: "Kubernetes v1" };

/// ConfigMaps.
pub const CONFIG_MAPS: Resource = Resource { group: "", version: "v1", plural: "configmaps", product: "Kubernetes v1" };
/// Secrets.
pub const SECRETS: Resource = Resource { group: "", version: "v1", plural: "secrets", product: "Kubernetes v1" };

/// `ResourceQuotas`.
pub const QUOTAS: Resource = Resource { group: "", version: "v1", plural: "resourcequotas", product: "Kubernetes v1" };
/// `HorizontalPodAutoscalers`.
pub const AUTOSCALERS: Resource = Resource {
    group: "autoscaling",
    version: "v2",
    plural: "horizontalpodautoscalers",
    product: "Kubernetes autoscaling/v2",
};
/// `PodDisruptionBudgets`.
pub const DISRUPTION_BUDGETS: Resource =
    Resource { group: "policy", version: "v1", plural: "poddisruptionbudgets", product: "Kubernetes policy/v1" };

/// Kinds of Kubernetes itself that clusters serve in other versions, newest first: `autoscaling/v2` comes with 1.23, `policy/v1` with
/// 1.21. What is read of them is the same in each.
pub const OLDER: [(Resource, &[&str]); 2] = [(AUTOSCALERS, &["v2beta2", "v1"]), (DISRUPTION_BUDGETS, &["v1beta1"])];

impl Resource {
    /// The path of all objects of a namespace, or of the cluster.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let Self { group, version, plural, .. } = self;
        let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        match namespace {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
            None => format!("{root}/{plural}"),
        }
    }

    /// Is this what one object of it calls its kind? `Rollout`, `Canary`, `Ingress`.
    pub fn is_kind(&self, kind: &str) -> bool {
        let plurals =
            [Some(format!("{kind}s")), Some(format!("{kind}es")), kind.strip_suffix('y').map(|it| format!("{it}ies"))];
        plurals.iter().flatten().any(|plural| plural.eq_ignore_ascii_case(self.plural))
    }

    /// Has every cluster it?
    pub fn is_built_in(&self) -> bool {
        self.product.starts_with("Kubernetes ")
    }

    /// Is this what a list of them calls its kind: `RolloutList`?
    pub fn is_list(&self, kind: &str) -> bool {
        kind.strip_suffix("List").is_some_and(|one| self.is_kind(one))
    }

    /// `rollouts.argoproj.io`.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// What to list or watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Of which kind.
    pub resource: Resource,
    /// Where; `None` for the whole cluster.
    pub namespace: Option<String>,
    /// Only objects with these labels.
    pub labels: Option<String>,
    /// Only objects with these fields.
    pub fields: Option<String>,
}

impl Query {
    /// Everything of a kind in a namespace, or in the cluster.
    pub fn all(resource: Resource, namespace: Option<String>) -> Self {
        Self { resource, namespace, labels: None, fields: None }
    }

    /// Only those with these labels.
    #[must_use]
    pub fn labelled(mut self, labels: Option<String>) -> Self {
        self.labels = labels;
        self
    }

    /// Only those with these fields.
    #[must_use]
    pub fn fields(mut self, fields: String) -> Self {
        self.fields = Some(fields);
        self
    }

    fn builder(&self) -> Builder {
        Builder::new(self.resource.path(self.namespace.as_deref()))
    }
}

/// One page of a list.
///
/// # Errors
/// When the query cannot be written.
pub fn list(query: &Query, limit: u32, next: Option<&str>) -> Result<Request<Bytes>, ProviderError> {
    let params = ListParams {
        label_selector: query.labels.clone(),
        field_selector: query.fields.clone(),
        limit: Some(limit),
        continue_token: next.map(str::to_owned),
        ..ListParams::default()
    };
    classed(query.builder().list(&params), Class::Read)
}

/// Changes since a revision, with bookmarks.
///
/// # Errors
/// When the query cannot be written.
pub fn watch(query: &Query, revision: &str) -> Result<Request<Bytes>, ProviderError> {
    let params = WatchParams {
        label_selector: query.labels.clone(),
        field_selector: query.fields.clone(),
        timeout: Some(WATCH_SECONDS),
        bookmarks: true,
        // Not every API server can send the first objects on the watch itself: some answer 200 and an ERROR line.
        send_initial_events: false,
    };
    classed(query.builder().watch(&params, revision), Class::Stream)
}

/// One object, past the server's watch cache.
///
/// # Errors
/// When the name cannot stand in a path.
pub fn get(resource: Resource, namespace: &str, name: &str) -> Result<Request<Bytes>, ProviderError> {
    let builder = Builder::new(resource.path(Some(namespace)));
    classed(builder.get(name, &GetParams::default()), Class::Read)
}

/// The metadata of one object, and nothing of what it holds.
///
/// # Errors
/// When the name cannot stand in a path.
pub fn metadata(resource: Resource, namespace: &str, name: &str) -> Result<Request<Bytes>, ProviderError> {
    let mut request = get(resource, namespace, name)?;
    let form = HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    request.headers_mut().insert(header::ACCEPT, form);
    Ok(request)
}

/// The body of a review: may we patch this? Asked with the object's name where there is one, because rights may be given
/// by name only, and a question without a name is then denied.
pub fn review(resource: Resource, subresource: &str, namespace: &str, name: Option<&str>) -> Value {
    let mut attributes = json!({
        "namespace": namespace, "verb": "patch", "group": resource.group, "resource": resource.plural,
    });
    for (key, value) in [("subresource", Some(subresource).filter(|s| !s.is_empty())), ("name", name)] {
        if let (Some(value), Some(map)) = (value, attributes.as_object_mut()) {
            map.insert(key.to_owned(), value.into());
        }
    }
    json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    })
}

/// Sends a review. It is a POST that changes nothing.
///
/// # Errors
/// Never in practice; the parts are fixed.
pub fn ask_review(review: &Value) -> Result<Request<Bytes>, ProviderError> {
    ask_about_us("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
}

/// Asks something about ourselves: a POST that changes nothing.
///
/// # Errors
/// Never in practice; the parts are fixed.
pub fn ask_about_us(path: &str, question: &Value) -> Result<Request<Bytes>, ProviderError> {
    let request =
        Request::post(path).header(header::CONTENT_TYPE, "application/json").body(question.to_string().into_bytes());
    classed(request, Class::Read)
}

/// Gives a request its class and asks for JSON.
fn classed<E: std::fmt::Display>(
    request: Result<Request<Vec<u8>>, E>,
    class: Class,
) -> Result<Request<Bytes>, ProviderError> {
    let request = request
        .map_err(|error| ProviderError::new(FaultKind::Rejected, format!("no such request can be made: {error}")))?;
    let mut request = request.map(Bytes::from);
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request.extensions_mut().insert(class);
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLLOUTS: Resource =
        Resource { group: "argoproj.io", version: "v1alpha1", plural: "rollouts", product: "Argo Rollouts" };

    fn line(request: &Request<Bytes>) -> (String, Class) {
        (format!("{} {}", request.method(), request.uri()), *request.extensions().get().unwrap())
    }

    #[test]
    fn each_request_is_written_as_kubernetes_takes_it() {
        let shop = Query::all(ROLLOUTS, Some("shop".into())).labelled(Some("team=pay".into()));
        let base = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts";
        assert_eq!(
            line(&list(&shop, 500, Some("abc=")).unwrap()),
            (format!("GET {base}?&labelSelector=team%3Dpay&limit=500&continue=abc%3D"), Class::Read)
        );
        assert_eq!(
            line(&watch(&Query::all(EVENTS, None), "7").unwrap()),
            (
                "GET /api/v1/events?&watch=true&timeoutSeconds=290&allowWatchBookmarks=true&resourceVersion=7".into(),
                Class::Stream
            )
        );
        assert_eq!(line(&get(ROLLOUTS, "shop", "cart").unwrap()), (format!("GET {base}/cart"), Class::Read));
        assert!(get(ROLLOUTS, "shop", "").is_err());
    }

    #[test]
    fn a_review_names_the_object_and_the_subresource() {
        assert_eq!(
            review(ROLLOUTS, "status", "shop", Some("cart")),
            json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": {"namespace": "shop", "verb": "patch", "group": "argoproj.io",
                    "resource": "rollouts", "subresource": "status", "name": "cart"}}})
        );
    }
}
