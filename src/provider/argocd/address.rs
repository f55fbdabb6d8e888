//! Where an Application is: in its project, and in its namespace where that is not the control plane's.

use crate::{
    domain::{ids::SourceName, object::ObjectId, observed::FaultKind},
    port::{error::ProviderError, fill::is_part},
    provider::argocd::{FAMILY, api::Application},
};

/// Where Argo CD is installed, unless somebody chose another place.
const USUAL: &str = "argocd";

/// `PROJECT/NAME`, or `PROJECT/NAMESPACE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) project: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

impl Address {
    /// Where this one is. One whose controller's namespace is not told counts as in the usual one.
    pub(super) fn of(app: &Application) -> Self {
        let meta = &app.metadata;
        let home = app.status.controller_namespace.as_deref().filter(|home| !home.is_empty()).unwrap_or(USUAL);
        let away = !meta.namespace.is_empty() && meta.namespace != home;
        Self {
            project: app.project().to_owned(),
            namespace: away.then(|| meta.namespace.clone()),
            name: meta.name.clone(),
        }
    }

    /// The address that an id says, where it says one.
    pub(super) fn parse(id: &ObjectId) -> Option<Self> {
        if id.family.as_str() != FAMILY {
            return None;
        }
        let parts: Vec<&str> = id.path.split('/').collect();
        if !parts.iter().all(|part| is_part(part)) {
            return None;
        }
        let (project, namespace, name) = match parts.as_slice() {
            [project, name] => (project, None, name),
            [project, namespace, name] => (project, Some((*namespace).to_owned()), name),
            _ => return None,
        };
        Some(Self { project: (*project).to_owned(), namespace, name: (*name).to_owned() })
    }

    /// The address that an id must say.
    pub(super) fn must(id: &ObjectId) -> Result<Self, ProviderError> {
        Self::parse(id).ok_or_else(|| ProviderError::new(FaultKind::Missing, format!("'{id}' is no Application")))
    }

    pub(super) fn path(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{}/{namespace}/{}", self.project, self.name),
            None => format!("{}/{}", self.project, self.name),
        }
    }

    pub(super) fn id(&self, source: &SourceName) -> ObjectId {
        ObjectId::new(source, FAMILY, self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Option<Address> {
        Address::parse(&ObjectId::new(&"cd".into(), FAMILY, path))
    }

    #[test]
    fn an_id_names_the_project_and_the_namespace_only_where_it_is_another_one() {
        let plain = parsed("shop/payments").unwrap();
        assert_eq!((plain.namespace.as_deref(), plain.path().as_str()), (None, "shop/payments"));
        let away = parsed("shop/team-a/payments").unwrap();
        assert_eq!((away.namespace.as_deref(), away.path().as_str()), (Some("team-a"), "shop/team-a/payments"));
        assert_eq!(away.id(&"cd".into()).to_string(), "cd/application/shop/team-a/payments");
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_address() {
        for path in ["payments", "a/b/c/d", "../payments", "shop/..", "shop/%2e%2e", "shop/a?x=1", "shop/"] {
            assert_eq!(parsed(path), None, "{path}");
        }
        assert_eq!(Address::parse(&ObjectId::new(&"cd".into(), "run", "shop/payments")), None);
    }

    #[test]
    fn an_application_of_the_control_plane_has_no_namespace_in_its_address() {
        let of = |namespace: &str, home: Option<&str>| {
            let mut app = Application::default();
            app.metadata.name = "payments".to_owned();
            app.metadata.namespace = namespace.to_owned();
            app.status.controller_namespace = home.map(str::to_owned);
            Address::of(&app).path()
        };
        assert_eq!(of("argocd", None), "default/payments");
        assert_eq!(of("cd", Some("cd")), "default/payments");
        assert_eq!(of("team-a", Some("argocd")), "default/team-a/payments");
        assert_eq!(of("", None), "default/payments");
    }
}
