//! What a repository gives a job that deploys to an environment: variables and secrets of the environment, of the repository and of the
//! organisation, the nearest first. Of a secret GitHub tells only that it is there.
//!
//! Source: docs.github.com/en/rest/actions/variables and /secrets, and "Store information in variables" for which of several of one
//! name counts. Here must not live: a value, any longer than it takes to mark it.

use futures::future::join_all;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;

use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName},
        observed::FaultKind,
        setting::{Setting, Settings},
    },
    port::{alike, error::ProviderError},
    provider::github::{
        Repository, api,
        facade::GitHub,
        request::{self, Level, Wanted},
    },
};

/// A list of settings, on the wire.
trait Page: DeserializeOwned {
    /// How many it has, how many there are, and how many of them cannot be read.
    fn size(page: &Self) -> (usize, Option<usize>);
    fn unread(&self) -> usize;
    /// Of a place in words, and of whoever holds it: what nobody shows is the same where that is the same.
    fn settings(self, place: &str, holder: &str) -> Vec<Setting>;
}

impl Page for api::Variables {
    fn size(page: &Self) -> (usize, Option<usize>) {
        (page.variables.len(), page.total_count)
    }

    fn unread(&self) -> usize {
        self.variables.unread
    }

    fn settings(self, place: &str, holder: &str) -> Vec<Setting> {
        let one = |one: api::Variable| {
            let value = one.value.as_ref().map(|value| value.expose_secret().as_bytes());
            let hidden = || alike::hidden(&one.name, holder);
            let content = value.map_or_else(hidden, |value| alike::content(&one.name, value));
            Setting::new(&one.name, place, content).changed(one.updated_at)
        };
        self.variables.read.into_iter().map(one).collect()
    }
}

impl Page for api::Secrets {
    fn size(page: &Self) -> (usize, Option<usize>) {
        (page.secrets.len(), page.total_count)
    }

    fn unread(&self) -> usize {
        self.secrets.unread
    }

    fn settings(self, place: &str, holder: &str) -> Vec<Setting> {
        let one = |one: api::SecretName| {
            Setting::new(&one.name, place, alike::hidden(&one.name, holder)).changed(one.updated_at)
        };
        self.secrets.read.into_iter().map(one).collect()
    }
}

/// What was read of one list.
type Read = Result<Vec<Setting>, ProviderError>;

impl GitHub {
    /// What the repositories of a service give jobs that deploy to an environment.
    pub(super) async fn settings(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Settings, ProviderError> {
        let repositories: Vec<Repository> = self.repositories_of(service);
        if repositories.is_empty() {
            let text = format!("GitHub: no repository of {service} is looked at");
            return Err(ProviderError::new(FaultKind::Missing, text));
        }
        let mut told = Settings::default();
        let mut missing = None;
        for repository in repositories {
            match self.given_by(&repository, environment, &mut told).await {
                Ok(()) => {}
                Err(error) if error.kind == FaultKind::Missing => missing = Some(error),
                Err(error) => return Err(error),
            }
        }
        match missing {
            Some(error) if told == Settings::default() => Err(error),
            _ => Ok(told),
        }
    }

    async fn given_by(
        &self,
        repository: &Repository,
        environment: &EnvironmentName,
        told: &mut Settings,
    ) -> Result<(), ProviderError> {
        let (owner, repo) = (repository.owner.as_str(), repository.repo.as_str());
        let about = format!("{owner}/{repo}, environments");
        let size = |page: &api::Environments| (page.environments.len(), page.total_count);
        let pages = self.client().pages(&request::environments(owner, repo), &about, size).await?;
        let names = pages.pages.iter().flat_map(|page| &page.environments.read).filter_map(|one| one.name.as_deref());
        let ours = |theirs: &str| match repository.environments.get(theirs) {
            Some(ours) => ours.name.clone(),
            None => EnvironmentName::new(theirs),
        };
        // One of that very name goes before one that it is a part of.
        let mut found: Vec<&str> = names.filter(|theirs| ours(theirs).meets(environment)).collect();
        found.sort_by_key(|theirs| ours(theirs) != *environment);
        let Some(theirs) = found.first() else {
            let text = format!("GitHub, {owner}/{repo}: it has no environment {environment}");
            return Err(ProviderError::new(FaultKind::Missing, text));
        };
        let levels = [
            (Level::Environment(theirs), "the environment", "Environments: read"),
            (Level::Repository, "the repository", "Variables: read"),
            (Level::Organisation, "the organisation", "Variables: read"),
        ];
        let variables =
            join_all(levels.map(|(level, whose, _)| self.list::<api::Variables>(repository, level, "variable", whose)));
        let secrets =
            join_all(levels.map(|(level, whose, _)| self.list::<api::Secrets>(repository, level, "secret", whose)));
        let (variables, secrets) = futures::join!(variables, secrets);
        for (kind, read) in [("variables", variables), ("secrets", secrets)] {
            let needs = levels.map(|(_, whose, right)| {
                (whose, if kind == "secrets" { right.replace("Variables", "Secrets") } else { right.to_owned() })
            });
            take(told, kind, environment, read.into_iter().zip(needs))?;
        }
        Ok(())
    }

    async fn list<T: Page>(&self, repository: &Repository, level: Level<'_>, kind: &str, whose: &str) -> Read {
        let (owner, repo) = (repository.owner.as_str(), repository.repo.as_str());
        let list: Wanted = request::settings(owner, repo, level, &format!("{kind}s"));
        let about = format!("{owner}/{repo}, {kind}s of {whose}");
        let pages = self.client().pages::<T>(&list, &about, T::size).await?;
        let unread: usize = pages.pages.iter().map(Page::unread).sum();
        if let Some(cut) = &pages.cut {
            let text = format!("GitHub, {about}: {}", cut.said(&format!("{kind}s")));
            return Err(ProviderError::new(FaultKind::Unreadable, text));
        }
        if unread > 0 {
            let text = format!("GitHub, {about}: {unread} of them cannot be read");
            return Err(ProviderError::new(FaultKind::Unreadable, text));
        }
        let place = format!("{kind} of {whose}");
        let holder = match level {
            Level::Environment(theirs) => format!("GitHub {kind} {owner}/{repo} {theirs}"),
            Level::Repository => format!("GitHub {kind} {owner}/{repo}"),
            Level::Organisation => format!("GitHub {kind} {owner}"),
        };
        Ok(pages.pages.into_iter().flat_map(|page| page.settings(&place, &holder)).collect())
    }
}

/// Takes what was read of each level, the nearest first: what a nearer one has hides what one further off has of that name. Of a level
/// that cannot be read it is said; whoever may read nothing of an environment is told why.
fn take(
    told: &mut Settings,
    kind: &str,
    environment: &EnvironmentName,
    levels: impl Iterator<Item = (Read, (&'static str, String))>,
) -> Result<(), ProviderError> {
    let mut nearer: Vec<String> = Vec::new();
    for (read, (whose, right)) in levels {
        match read {
            Ok(settings) => {
                let new: Vec<Setting> = settings.into_iter().filter(|one| !nearer.contains(&one.name)).collect();
                nearer.extend(new.iter().map(|one| one.name.clone()));
                told.all.extend(new);
            }
            Err(error) if error.leaves_a_gap() => {
                let needs =
                    if error.kind == FaultKind::Unreadable { String::new() } else { format!("; it needs {right}") };
                told.unread.push(format!("{kind} of {whose} for {environment} cannot be read: {}{needs}", error.text));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables(all: &serde_json::Value) -> Vec<Setting> {
        let text = json!({"total_count": 2, "variables": all}).to_string();
        let page: api::Variables = serde_json::from_str(&text).unwrap();
        page.settings("variable of the environment", "GitHub variable acme/ledger prod")
    }

    #[test]
    fn what_an_environment_has_hides_what_the_repository_has_of_that_name_and_what_is_refused_is_said() {
        let one = |name: &str, value: &str| json!({"name": name, "value": value, "updated_at": "2026-03-09T10:00:00Z"});
        let near = variables(&json!([one("MODE", "fast")]));
        let far = variables(&json!([one("MODE", "slow"), one("LIMIT", "5")]));
        let refused = ProviderError::new(FaultKind::Forbidden, "GitHub, acme/ledger: no");
        let mut told = Settings::default();
        let levels = [
            (Ok(near.clone()), "the environment"),
            (Ok(far.clone()), "the repository"),
            (Err(refused), "the organisation"),
        ];
        let levels = levels.into_iter().map(|(read, whose)| (read, (whose, "Variables: read".to_owned())));
        take(&mut told, "variables", &"prod".into(), levels).unwrap();
        assert_eq!(told.all, [near[0].clone(), far[1].clone()]);
        let said =
            "variables of the organisation for prod cannot be read: GitHub, acme/ledger: no; it needs Variables: read";
        assert_eq!(told.unread, [said]);
    }

    #[test]
    fn a_value_is_in_nothing_that_is_told_of_it() {
        let told = variables(&json!([{"name": "MODE", "value": "marker-5d1c-value", "updated_at": "soon"}]));
        let said = format!("{told:?} {}", serde_json::to_string(&told).unwrap());
        assert!(!said.contains("marker") && said.contains("MODE"), "{said}");
    }
}
