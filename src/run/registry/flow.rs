//! From the settings of Flow to its provider, and where this machine tells of one.

use std::{sync::Arc, time::Duration};

use crate::{
    config::{
        access::Access,
        draft::Drafted,
        kind::flow::{Api, Flow},
        object::Object,
        secret::Text,
    },
    port::{error::ProviderError, facet::Connection},
    provider::{
        flow::{self, Door, Pipeline},
        http::Allowance,
    },
    run::registry::{
        Wired, Wiring,
        found::{Here, Part},
        gauged,
    },
};

/// In the place of a pipeline's name: all that the organisation has.
const ALL: &str = "*";
/// The header that carries a personal token.
const TOKEN: &str = "x-yunxiao-token";
/// What we allow ourselves: Flow says of no limit, and may have one.
const ALLOWANCE: Allowance = Allowance { requests: 120, window: Duration::from_mins(1) };

impl Wired for Flow {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let organization = self.organization.clone().filter(|name| !name.trim().is_empty());
        let access = access(self);
        let (door, (transport, budget)) = match self.api {
            Api::Token => {
                let door = Door::Token { prefix: self.prefix.clone(), organization };
                (door, wiring.wire(self.base(), &access)?)
            }
            Api::AccessKey => {
                let door = Door::Key { organization: organization.unwrap_or_default() };
                (door, wiring.wire_signed(self.base(), &access, flow::signed)?)
            }
        };
        let all = wiring.config.looked_at(wiring.name, &self.pipelines);
        let settings = flow::Settings {
            name: wiring.source(),
            address: self.base().to_owned(),
            door,
            pipelines: all.into_iter().map(|object| pipeline(wiring, object)).collect(),
            interval: self.interval,
        };
        Ok(gauged(flow::over(transport, settings, Arc::clone(wiring.clock)), budget, &self.access))
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(ALLOWANCE)
    }
}

/// How it is reached: a personal token is sent in a header of Flow's own.
fn access(settings: &Flow) -> Access {
    let mut access = settings.access.clone();
    if let (Api::Token, Some(token)) = (settings.api, access.token.take()) {
        access.headers.insert(TOKEN.to_owned(), Text::From(token));
    }
    access
}

fn pipeline(wiring: &Wiring<'_>, object: Object) -> Pipeline {
    let environments = object.environments.iter().map(|(job, ours)| (job.clone(), wiring.environment(ours)));
    Pipeline {
        environments: environments.collect(),
        name: (object.name != ALL).then_some(object.name),
        service: object.service,
        version: object.version,
    }
}

/// The organisation that the environment names, as Flow's own server for assistants and the SDK of Alibaba Cloud have it.
pub(super) fn found(here: &Here) -> Part {
    let of = |name: &str| here.environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let organization = of("YUNXIAO_ORGANIZATION_ID").or(of("YUNXIAO_ORG_ID"));
    let token = of("YUNXIAO_ACCESS_TOKEN").is_some();
    if organization.is_none() && !token {
        return Part::default();
    }
    let why = if token { "YUNXIAO_ACCESS_TOKEN is set" } else { "YUNXIAO_ORGANIZATION_ID is set" };
    let mut one = Drafted::new("flow", "flow", why.to_owned());
    let own = of("YUNXIAO_API_BASE_URL").filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    if let Some(url) = own {
        one.set("url", url.trim_end_matches('/').into(), String::new());
    }
    if let Some(organization) = organization {
        one.set("organization", organization.into(), String::new());
    }
    let source = toml::Table::from_iter([("env".to_owned(), "YUNXIAO_ACCESS_TOKEN".into())]);
    one.set("token", source.into(), "a personal token (个人访问令牌)".to_owned());
    if !token {
        one.off = Some("there is no token: put a personal one into YUNXIAO_ACCESS_TOKEN".to_owned());
    } else if organization.is_none() && own.is_none() {
        one.off = Some(
            "which organisation is not known: organization = \"…\", the id in devops.aliyun.com/organization/ID"
                .to_owned(),
        );
    }
    let all = toml::Table::from_iter([("name".to_owned(), ALL.into())]);
    let why = "all of them; environments = { \"job or stage\" = \"prod\" } says where one deploys";
    one.set("pipelines", vec![toml::Value::from(all)].into(), why.to_owned());
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
    fn a_token_in_the_environment_tells_of_an_organisation_and_is_never_read() {
        assert!(drafted(&[]).is_none());
        let one = drafted(&[("YUNXIAO_ACCESS_TOKEN", "pt-secret"), ("YUNXIAO_ORGANIZATION_ID", "5ebb")]).unwrap();
        assert_eq!(one.off, None);
        let said = format!("{one:?}");
        assert!(said.contains("5ebb") && !said.contains("pt-secret"), "{said}");
    }

    #[test]
    fn without_a_token_or_an_organisation_it_is_not_in_force() {
        assert!(drafted(&[("YUNXIAO_ORGANIZATION_ID", "5ebb")]).unwrap().off.unwrap().contains("no token"));
        assert!(drafted(&[("YUNXIAO_ACCESS_TOKEN", "pt")]).unwrap().off.unwrap().contains("organisation"));
        let region = [("YUNXIAO_ACCESS_TOKEN", "pt"), ("YUNXIAO_API_BASE_URL", "https://devops.acme.test/")];
        assert_eq!(drafted(&region).unwrap().off, None);
    }
}
