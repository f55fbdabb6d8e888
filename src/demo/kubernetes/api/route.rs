//! Requests as the API server reads them: path, query, headers.

use std::borrow::Cow;

use bytes::Bytes;
use http::{Method, Request};

use super::super::kind::Kind;

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'p> {
    Version,
    Ready,
    Discovery(Discovery<'p>),
    Review(Review),
    Object {
        kind: Kind,
        namespace: Option<&'p str>,
        name: Option<&'p str>,
        subresource: Option<&'p str>,
    },
    /// What a service of the cluster answers, through the API server.
    Proxy {
        namespace: &'p str,
        /// `flagger-loadtester:80`.
        service: &'p str,
        /// Below the service: `/gate/open`.
        path: &'p str,
    },
    /// A group that is served, but no such resource in it.
    NoResource,
    Unknown,
}

/// A document that says what is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Discovery<'p> {
    /// `/api`.
    Core,
    /// `/apis`.
    Groups,
    /// `/apis/apps`.
    Group(&'p str),
    /// `/api/v1`, `/apis/apps/v1`.
    Resources { group: &'p str, version: &'p str },
}

/// What one may ask about oneself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Review {
    Access,
    Rules,
    Subject,
}

/// Finds the route of a path.
pub(super) fn find(path: &str) -> Route<'_> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["version"] => Route::Version,
        ["readyz" | "livez" | "healthz"] => Route::Ready,
        ["api"] => Route::Discovery(Discovery::Core),
        ["apis"] => Route::Discovery(Discovery::Groups),
        ["apis", group] => Route::Discovery(Discovery::Group(group)),
        ["api", version] => Route::Discovery(Discovery::Resources { group: "", version }),
        ["apis", group, version] => Route::Discovery(Discovery::Resources { group, version }),
        ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"] => Route::Review(Review::Access),
        ["apis", "authorization.k8s.io", "v1", "selfsubjectrulesreviews"] => Route::Review(Review::Rules),
        ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"] => Route::Review(Review::Subject),
        ["api", "v1", "namespaces", namespace, "services", service, "proxy", ..] => {
            let below = path.split_once("/proxy").map_or("", |(_, below)| below);
            Route::Proxy { namespace, service, path: below }
        }
        ["api", version, rest @ ..] => object("", version, rest),
        ["apis", group, version, rest @ ..] => object(group, version, rest),
        _ => Route::Unknown,
    }
}

fn object<'p>(group: &'p str, version: &'p str, rest: &[&'p str]) -> Route<'p> {
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() && *rest != ["status"] => (Some(*namespace), rest),
        rest => (None, rest),
    };
    let Some((plural, rest)) = rest.split_first() else { return Route::Unknown };
    let Some(kind) = Kind::find(group, version, plural) else {
        // Custom resources are served by other code, which knows no half-known paths.
        let own = |kind: &&Kind| (kind.meta().group, kind.meta().version) == (group, version) && !kind.is_custom();
        return if Kind::ALL.iter().any(|kind| own(&kind)) { Route::NoResource } else { Route::Unknown };
    };
    if kind.meta().namespaced != namespace.is_some() && !(kind.meta().namespaced && rest.is_empty()) {
        return Route::NoResource;
    }
    match rest {
        [] => Route::Object { kind, namespace, name: None, subresource: None },
        [name] => Route::Object { kind, namespace, name: Some(name), subresource: None },
        [name, subresource] => Route::Object { kind, namespace, name: Some(name), subresource: Some(subresource) },
        _ => Route::NoResource,
    }
}

/// A request, read.
#[derive(Debug)]
pub(super) struct Call<'r> {
    pub(super) method: Method,
    pub(super) body: &'r Bytes,
    request: &'r Request<Bytes>,
    query: Vec<(Cow<'r, str>, Cow<'r, str>)>,
}

impl<'r> Call<'r> {
    pub(super) fn read(request: &'r Request<Bytes>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        Self {
            method: request.method().clone(),
            body: request.body(),
            request,
            query: url::form_urlencoded::parse(query.as_bytes()).collect(),
        }
    }

    pub(super) fn path(&self) -> &'r str {
        self.request.uri().path()
    }

    /// A parameter of the query; empty if it is not given.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A parameter that is on or off.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.parameter(name), "1" | "true" | "True")
    }

    /// A header as text; empty if it is not given.
    pub(super) fn header(&self, name: &str) -> &'r str {
        self.request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Who writes: the field manager that is named, or the program, as the user agent has it.
    pub(super) fn manager(&self) -> &str {
        match self.parameter("fieldManager") {
            "" => self.header("user-agent").split('/').next().filter(|name| !name.is_empty()).unwrap_or("unknown"),
            manager => manager,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_objects_and_collections() {
        let rollout =
            |namespace, name, subresource| Route::Object { kind: Kind::Rollout, namespace, name, subresource };
        let base = "/apis/argoproj.io/v1alpha1";
        assert_eq!(find(&format!("{base}/rollouts")), rollout(None, None, None));
        assert_eq!(find(&format!("{base}/namespaces/shop/rollouts")), rollout(Some("shop"), None, None));
        assert_eq!(find(&format!("{base}/namespaces/shop/rollouts/pay")), rollout(Some("shop"), Some("pay"), None));
        assert_eq!(
            find(&format!("{base}/namespaces/shop/rollouts/pay/status")),
            rollout(Some("shop"), Some("pay"), Some("status"))
        );
        let namespace = |name| Route::Object { kind: Kind::Namespace, namespace: None, name, subresource: None };
        assert_eq!(find("/api/v1/namespaces"), namespace(None));
        assert_eq!(find("/api/v1/namespaces/shop"), namespace(Some("shop")));
    }

    #[test]
    fn what_is_not_served_is_told_apart_from_what_is_not_there() {
        assert_eq!(find("/api/v1/namespaces/shop/endpoints"), Route::NoResource);
        assert_eq!(find("/apis/argoproj.io/v1alpha1/namespaces/shop/experiments"), Route::Unknown);
        assert_eq!(find("/apis/example.test/v1/things"), Route::Unknown);
        assert_eq!(find("/api/v1/pods/web"), Route::NoResource);
        assert_eq!(find("/"), Route::Unknown);
    }
}
