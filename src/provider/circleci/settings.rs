//! What a project gives jobs that deploy to an environment: its own environment variables, and those of the contexts that configuration
//! says are for there. CircleCI shows nobody what they are, so of two contexts only names are compared.
//!
//! Source: `GET /project/SLUG/envvar`, `/context` and `/context/ID/environment-variable` of circleci.com/docs/api/v2; "Environment
//! variable usage" of CircleCI's documentation for which of several of one name counts: a context's goes before the project's. Here must
//! not live: a value, or a part of one.

use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName},
        observed::FaultKind,
        setting::{Setting, Settings},
        text::clean,
    },
    port::{alike, error::ProviderError},
    provider::circleci::{
        CALLED, Project, api,
        client::Pages,
        facade::Circleci,
        request::{self, Wanted},
    },
};

impl Circleci {
    /// What the projects of a service give jobs that deploy to an environment.
    pub(super) async fn settings(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Settings, ProviderError> {
        let projects = self.projects().iter().map(|one| &one.settings);
        let projects: Vec<&Project> = projects.filter(|one| one.service() == *service).collect();
        if projects.is_empty() {
            let text = format!("{CALLED}: no project of {service} is looked at");
            return Err(ProviderError::new(FaultKind::Missing, text));
        }
        let deploying: Vec<&Project> = projects.into_iter().filter(|one| one.goes_to(environment)).collect();
        if deploying.is_empty() {
            let text = format!("{CALLED}: nothing of {service} is said to go to {environment}");
            return Err(ProviderError::new(FaultKind::Missing, text));
        }
        let mut told = Settings::default();
        for project in deploying {
            self.given_by(project, environment, &mut told).await?;
        }
        Ok(told)
    }

    async fn given_by(
        &self,
        project: &Project,
        environment: &EnvironmentName,
        told: &mut Settings,
    ) -> Result<(), ProviderError> {
        let slug = clean(&project.slug);
        let mut nearer: Vec<Setting> = Vec::new();
        match self.contexts(project, environment).await {
            Ok(contexts) if contexts.is_empty() => told.unread.push(format!(
                "{CALLED}, {slug}: which contexts jobs for {environment} are given is not said: name them in `environments`"
            )),
            Ok(contexts) => {
                for (id, name) in contexts {
                    let place = format!("context {name}");
                    let list = self.variables(&request::context_variables(&id), (&place, &place, &id)).await;
                    nearer.extend(read(list, &format!("variables of the {place}"), environment, told)?);
                }
            }
            Err(error) => drop(read(Err(error), "the contexts", environment, told)?),
        }
        let (about, holder) = (format!("{slug}, environment variables"), project.slug.as_str());
        let list =
            self.variables(&request::variables(&project.slug), (&about, "variable of the project", holder)).await;
        let own = read(list, &format!("variables of {slug}"), environment, told)?;
        let is_nearer = |one: &Setting| nearer.iter().any(|known| known.name == one.name);
        let own: Vec<Setting> = own.into_iter().filter(|one| !is_nearer(one)).collect();
        told.all.extend(nearer.into_iter().chain(own));
        Ok(())
    }

    /// The contexts that configuration says are for an environment: id and name.
    async fn contexts(
        &self,
        project: &Project,
        environment: &EnvironmentName,
    ) -> Result<Vec<(String, String)>, ProviderError> {
        let owner = project.slug.rsplit_once('/').map_or(project.slug.as_str(), |(owner, _)| owner);
        let about = format!("contexts of {}", clean(owner));
        let all = whole(self.client().pages::<api::Named>(&request::contexts(owner), &about).await?, &about)?;
        let is_for = |name: &str| project.environments.get(name).is_some_and(|ours| ours.name.meets(environment));
        let found = all.into_iter().filter_map(|one| one.id.zip(one.name)).filter(|(_, name)| is_for(name));
        Ok(found.map(|(id, name)| (id, clean(&name))).collect())
    }

    async fn variables(
        &self,
        list: &Wanted,
        (about, place, holder): (&str, &str, &str),
    ) -> Result<Vec<Setting>, ProviderError> {
        let all = whole(self.client().pages::<api::Variable>(list, about).await?, about)?;
        let one = |one: api::Variable| {
            let content = alike::hidden(&one.name, &format!("{CALLED} {holder}"));
            Setting::new(&one.name, place, content).changed(one.updated_at.or(one.created_at))
        };
        Ok(all.into_iter().filter(|one| !one.name.is_empty()).map(one).collect())
    }
}

impl Project {
    /// Does anything of it deploy to an environment, as far as configuration says?
    fn goes_to(&self, environment: &EnvironmentName) -> bool {
        self.environments.values().any(|ours| ours.name.meets(environment))
    }
}

/// A list that was read to its end.
fn whole<T>(pages: Pages<T>, about: &str) -> Result<Vec<T>, ProviderError> {
    let unread =
        (pages.all.unread > 0).then(|| format!("{CALLED}, {about}: {} of them cannot be read", pages.all.unread));
    match pages.cut.or(unread) {
        Some(why) => Err(ProviderError::new(FaultKind::Unreadable, why)),
        None => Ok(pages.all.read),
    }
}

/// What was read; of what may not be read it is said.
fn read(
    list: Result<Vec<Setting>, ProviderError>,
    what: &str,
    environment: &EnvironmentName,
    told: &mut Settings,
) -> Result<Vec<Setting>, ProviderError> {
    match list {
        Err(error) if error.leaves_a_gap() => {
            told.unread.push(format!("{what} for {environment} cannot be read: {}", error.text));
            Ok(Vec::new())
        }
        list => list,
    }
}
