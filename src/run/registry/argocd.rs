//! From the settings of Argo CD to its provider, and where this machine tells of one.

use std::sync::Arc;

use crate::{
    config::{draft::Drafted, kind::argocd::Argocd, object::Object},
    port::{error::ProviderError, facet::Connection},
    provider::argocd::{self, Chosen},
    run::registry::{
        Wired, Wiring,
        found::{Here, Part},
        gauged,
    },
};

/// In the place of a name: all of them.
const ALL: &str = "*";

impl Wired for Argocd {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let (transport, budget) = wiring.wire(&self.url, &self.access)?;
        let all = wiring.config.looked_at(wiring.name, &self.applications);
        let settings = argocd::Settings {
            name: wiring.source(),
            address: self.url.clone(),
            applications: all.into_iter().map(|object| chosen(wiring, object)).collect(),
            interval: self.interval,
        };
        Ok(gauged(argocd::over(transport, settings, Arc::clone(wiring.clock)), budget, &self.access))
    }
}

fn chosen(wiring: &Wiring<'_>, object: Object) -> Chosen {
    let environments = object.environments.iter().map(|(to, ours)| (to.clone(), wiring.environment(ours))).collect();
    let parts: Vec<&str> = object.name.split('/').collect();
    let (project, namespace, name) = match parts.as_slice() {
        [name] => (None, None, *name),
        [project, name] => (Some(*project), None, *name),
        [project, namespace, .., name] => (Some(*project), Some(*namespace), *name),
        [] => (None, None, ALL),
    };
    Chosen {
        project: project.map(str::to_owned),
        namespace: namespace.map(str::to_owned),
        name: (name != ALL).then(|| name.to_owned()),
        service: object.service,
        environments,
    }
}

/// The server that the environment names, as its own command line has it.
pub(super) fn found(here: &Here) -> Part {
    let of = |name: &str| here.environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let (server, token) = (of("ARGOCD_SERVER"), of("ARGOCD_AUTH_TOKEN").is_some());
    let Some(server) = server else { return Part::default() };
    let mut one = Drafted::new("argocd", "argocd", "ARGOCD_SERVER is set".to_owned());
    let address = if server.contains("://") { server.to_owned() } else { format!("https://{server}") };
    one.set("url", address.trim_end_matches('/').into(), String::new());
    let source = toml::Table::from_iter([("env".to_owned(), "ARGOCD_AUTH_TOKEN".into())]);
    one.set("token", source.into(), "of a project's role, or of a local account".to_owned());
    if !token {
        one.off = Some(
            "there is no token: put one of a project's role into ARGOCD_AUTH_TOKEN (`argocd proj role create-token`)"
                .to_owned(),
        );
    }
    let all = toml::Table::from_iter([("name".to_owned(), ALL.into())]);
    let why = "all that the token may see; environments = { \"CLUSTER/NAMESPACE\" = \"prod\" } says where one goes";
    one.set("applications", vec![toml::Value::from(all)].into(), why.to_owned());
    Part { connections: vec![one], missing: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drafted(environment: &[(&str, &str)]) -> Option<Drafted> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        found(&Here { environment, ..Here::default() }).connections.pop()
    }

    #[test]
    fn a_server_in_the_environment_is_found_and_its_token_is_never_read() {
        assert!(drafted(&[("ARGOCD_AUTH_TOKEN", "x")]).is_none());
        let one = drafted(&[("ARGOCD_SERVER", "cd.acme.test"), ("ARGOCD_AUTH_TOKEN", "eyJ-secret")]).unwrap();
        assert_eq!(one.off, None);
        let said = format!("{one:?}");
        assert!(said.contains("https://cd.acme.test") && !said.contains("eyJ-secret"), "{said}");
        let without = drafted(&[("ARGOCD_SERVER", "http://localhost:8080/")]).unwrap();
        assert!(without.off.unwrap().contains("ARGOCD_AUTH_TOKEN"));
    }
}
