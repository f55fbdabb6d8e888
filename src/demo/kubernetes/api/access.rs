//! Who the caller is and what they may do: rules as in a Role, and the reviews with which a client asks about itself.

use serde_json::{Value, json};

use super::super::json;
use super::super::spec::{ClusterSpec, Right};
use super::route::Call;
use super::status::Failure;
use crate::domain::time::Timestamp;

const ANONYMOUS: &str = "system:anonymous";

/// The rules of a cluster.
#[derive(Debug)]
pub(super) struct Access {
    user: String,
    token: Option<String>,
    rights: Vec<Right>,
}

/// May somebody do this? Empty texts: of the core group, no subresource, at cluster scope, no certain object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    pub(super) verb: &'a str,
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
    pub(super) subresource: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

impl Ask<'_> {
    /// `rollouts` or `rollouts/status`.
    pub(super) fn full_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.to_owned()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }
}

impl Access {
    pub(super) fn new(spec: &ClusterSpec) -> Self {
        Self { user: spec.user.clone(), token: spec.token.clone(), rights: spec.rights.clone() }
    }

    pub(super) fn set_rights(&mut self, rights: Vec<Right>) {
        self.rights = rights;
    }

    /// Who calls. Where a token is asked for, a wrong one is refused, and none makes the caller anonymous.
    pub(super) fn user(&self, call: &Call<'_>) -> Result<&str, Failure> {
        let Some(token) = &self.token else { return Ok(&self.user) };
        match call.header("authorization") {
            "" => Ok(ANONYMOUS),
            given if given.strip_prefix("Bearer ") == Some(token) => Ok(&self.user),
            _ => Err(Failure::unauthorized()),
        }
    }

    pub(super) fn allows(&self, user: &str, ask: &Ask<'_>) -> bool {
        self.rule(user, ask).is_some()
    }

    fn rule(&self, user: &str, ask: &Ask<'_>) -> Option<&Right> {
        self.rights.iter().find(|right| user != ANONYMOUS && right.grants(ask))
    }

    /// A `SelfSubjectAccessReview`, answered.
    pub(super) fn review_access(&self, user: &str, asked: &Value) -> Value {
        let spec = asked.get("spec").cloned().unwrap_or_else(|| json!({}));
        let attribute = |name: &str| json::text(&spec, &format!("/resourceAttributes/{name}"));
        let status = if spec.get("resourceAttributes").is_some() {
            let ask = Ask {
                verb: attribute("verb"),
                group: attribute("group"),
                resource: attribute("resource"),
                subresource: attribute("subresource"),
                namespace: attribute("namespace"),
                name: attribute("name"),
            };
            match self.rule(user, &ask) {
                Some(right) if right.is_everything() => json!({"allowed": true}),
                Some(right) => json!({"allowed": true, "reason": self.binding(right, ask.namespace)}),
                None => json!({"allowed": false}),
            }
        } else {
            // Paths that are no resources: version and discovery are open to whoever is known.
            json!({"allowed": user != ANONYMOUS})
        };
        json!({
            "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": spec,
            "status": status,
        })
    }

    fn binding(&self, right: &Right, namespace: &str) -> String {
        let user = &self.user;
        if right.namespaces.is_empty() {
            format!("RBAC: allowed by ClusterRoleBinding \"{user}\" of ClusterRole \"{user}\" to User \"{user}\"")
        } else {
            format!("RBAC: allowed by RoleBinding \"{user}/{namespace}\" of Role \"{user}\" to User \"{user}\"")
        }
    }

    /// A `SelfSubjectRulesReview`, answered.
    pub(super) fn review_rules(&self, user: &str, asked: &Value) -> Result<Value, Failure> {
        let namespace = json::text(asked, "/spec/namespace");
        if namespace.is_empty() {
            return Err(Failure::bad_request("no namespace on request"));
        }
        let own = self.rights.iter().filter(|right| user != ANONYMOUS && right.is_in(namespace)).map(Right::rule);
        let always = [
            json!({
                "verbs": ["create"], "apiGroups": ["authorization.k8s.io"],
                "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
            }),
            json!({"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]}),
        ];
        let rules: Vec<Value> = always.into_iter().chain(own).collect();
        let open = json!([
            "/api",
            "/api/*",
            "/apis",
            "/apis/*",
            "/healthz",
            "/livez",
            "/openapi",
            "/openapi/*",
            "/readyz",
            "/version",
            "/version/",
        ]);
        Ok(json!({
            "kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {},
            "status": {
                "resourceRules": rules, "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": open}], "incomplete": false,
            },
        }))
    }

    /// A `SelfSubjectReview`, answered.
    pub(super) fn review_subject(user: &str, now: Timestamp) -> Value {
        let groups =
            if user == ANONYMOUS { json!(["system:unauthenticated"]) } else { json!(["system:authenticated"]) };
        json!({
            "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"creationTimestamp": json::stamp(now)},
            "status": {"userInfo": {"username": user, "uid": format!("{user}-uid"), "groups": groups}},
        })
    }
}

impl Right {
    fn grants(&self, ask: &Ask<'_>) -> bool {
        let has = |known: &[String], wanted: &str| known.iter().any(|known| known == "*" || known == wanted);
        let any_of = format!("*/{}", ask.subresource);
        let resource = has(&self.resources, &ask.full_resource())
            || (!ask.subresource.is_empty() && self.resources.contains(&any_of));
        let named = self.names.is_empty() || self.names.iter().any(|name| name == ask.name);
        has(&self.verbs, ask.verb) && has(&self.groups, ask.group) && resource && named && self.is_in(ask.namespace)
    }

    fn is_in(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|known| known == namespace)
    }

    fn is_everything(&self) -> bool {
        let all = |list: &[String]| list.iter().any(|one| one == "*");
        all(&self.verbs) && all(&self.groups) && all(&self.resources) && self.names.is_empty()
    }

    fn rule(&self) -> Value {
        let mut rule = json!({"verbs": self.verbs, "apiGroups": self.groups, "resources": self.resources});
        if !self.names.is_empty() {
            json::object(&mut rule).insert("resourceNames".to_owned(), json!(self.names));
        }
        rule
    }
}
