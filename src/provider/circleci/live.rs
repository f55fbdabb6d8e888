//! What is live where, and what was before: a project's deploy markers. Components and their versions are a project's, environments its
//! organisation's.
//!
//! Source: `deploy/components`, `deploy/environments` and `deploy/components/ID/versions` of `/api/v2`, as CircleCI's own MCP server
//! reads them (`github.com/CircleCI-Public/mcp-server-circleci`, `src/clients/circleci/deploys.ts`).

use crate::{
    domain::{text::clean, time::Timestamp, version::Version},
    port::{error::ProviderError, fill::is_part, plan::Facts},
    provider::circleci::{address::Place, api, client::Client, fact as own, project::Ids, request},
};

/// Components of a project, and environments of an organisation, that are looked at.
const MOST_COMPONENTS: usize = 5;
const MOST_ENVIRONMENTS: usize = 5;
/// The namespace of what says none.
const NAMESPACE: &str = "default";

/// A version that was deployed somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deployed {
    /// As its marker calls it: that is what a roll back names.
    pub(super) name: String,
    pub(super) version: Version,
    pub(super) pipeline: Option<String>,
    pub(super) workflow: Option<String>,
    pub(super) at: Option<Timestamp>,
}

/// A place where a component is live, what is, and what was before, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Back {
    pub(super) place: Place,
    /// CircleCI's names of them.
    pub(super) component: String,
    pub(super) environment: String,
    pub(super) live: Deployed,
    pub(super) earlier: Vec<Deployed>,
}

/// Everything that is live of a project.
pub(super) async fn read(client: &Client, slug: &str, ids: &Ids) -> Result<Vec<Back>, ProviderError> {
    let what = format!("{slug}, what is deployed");
    let wanted = request::components(&ids.org, &ids.project);
    let components = client.pages::<api::Named>(&wanted, &what).await?.all.read;
    if components.is_empty() {
        return Ok(Vec::new());
    }
    let environments = client.pages::<api::Named>(&request::environments(&ids.org), &what).await?.all.read;
    let mut all = Vec::new();
    for component in components.into_iter().take(MOST_COMPONENTS) {
        let (Some(id), Some(name)) = (component.id, component.name) else { continue };
        for environment in environments.iter().take(MOST_ENVIRONMENTS) {
            let (Some(at), Some(called)) = (&environment.id, &environment.name) else { continue };
            let versions = client.pages::<api::Deployed>(&request::versions(&id, at), &what).await?.all.read;
            all.extend(backs((&id, &clean(&name)), (at, &clean(called)), &versions));
        }
    }
    Ok(all)
}

/// The places of a component in an environment, one for each namespace in which a version of it is live. `versions` is newest first.
pub(super) fn backs(
    (component, called): (&str, &str),
    (environment, named): (&str, &str),
    versions: &[api::Deployed],
) -> Vec<Back> {
    let lives = versions.iter().filter(|one| one.is_live == Some(true));
    let of = |live: &api::Deployed| {
        let namespace = namespace(live);
        let place = Place {
            component: component.to_owned(),
            environment: environment.to_owned(),
            namespace: namespace.to_owned(),
        };
        if ![&place.component, &place.environment, &place.namespace].into_iter().all(|part| is_part(part)) {
            return None;
        }
        let live = deployed(live)?;
        let mut earlier: Vec<Deployed> = Vec::new();
        let others = versions.iter().filter(|one| one.is_live != Some(true) && self::namespace(one) == namespace);
        for one in others.filter_map(deployed) {
            // What was deployed after it is no way back, and each stands once.
            if one.name != live.name && one.at <= live.at && earlier.iter().all(|known| known.name != one.name) {
                earlier.push(one);
            }
        }
        Some(Back { place, component: called.to_owned(), environment: named.to_owned(), live, earlier })
    };
    lives.filter_map(of).collect()
}

fn namespace(wire: &api::Deployed) -> &str {
    wire.namespace.as_deref().filter(|name| !name.is_empty()).unwrap_or(NAMESPACE)
}

fn deployed(wire: &api::Deployed) -> Option<Deployed> {
    let name = wire.name.as_deref().map(str::trim).filter(|name| !name.is_empty() && clean(name) == **name)?;
    Some(Deployed {
        name: name.to_owned(),
        version: Version::of_ref(name),
        pipeline: wire.pipeline_id.clone(),
        workflow: wire.workflow_id.clone(),
        at: wire.last_deployed_at,
    })
}

/// The facts of a place: what is live there now.
pub(super) fn facts(place: &Place, versions: &[api::Deployed]) -> Facts {
    let here = |one: &&api::Deployed| one.is_live == Some(true) && namespace(one) == place.namespace;
    let live = versions.iter().find(here).and_then(|one| one.name.as_deref());
    live.into_iter().map(|name| (own::LIVE.to_owned(), clean(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(name: &str, second: i64, live: bool) -> api::Deployed {
        api::Deployed {
            name: Some(name.to_owned()),
            is_live: Some(live),
            last_deployed_at: Timestamp::from_timestamp(second, 0),
            ..api::Deployed::default()
        }
    }

    #[test]
    fn what_is_live_is_what_says_so_and_what_was_before_stands_once_newest_first() {
        let all = [
            version("1.5.0", 90, false),
            version("1.4.0", 80, true),
            version("1.3.0", 70, false),
            version("1.4.0", 60, false),
            version("1.3.0", 50, false),
            version("1.2.0", 40, false),
        ];
        let [back] = <[_; 1]>::try_from(backs(("c", "web"), ("e", "production"), &all)).unwrap();
        let earlier: Vec<&str> = back.earlier.iter().map(|one| one.name.as_str()).collect();
        assert_eq!((back.live.name.as_str(), earlier), ("1.4.0", vec!["1.3.0", "1.2.0"]));
        assert_eq!(facts(&back.place, &all)[own::LIVE], "1.4.0");
        assert_eq!(facts(&Place { namespace: "other".into(), ..back.place }, &all), Facts::new());
        assert_eq!(backs(("c", "web"), ("e", "production"), &all[2..]), []);
    }
}
