//! What a project gives a job that deploys to an environment: its CI/CD variables and those of its groups, each for some environments.
//!
//! Source: `docs.gitlab.com/api/project_level_variables`, `/api/group_level_variables`, and "Limit the environment scope of a CI/CD variable"
//! and "CI/CD variable precedence" for which of several of one name counts. Here must not live: a value, any longer than it takes to mark
//! it.

use secrecy::ExposeSecret;

use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName},
        observed::FaultKind,
        setting::{Setting, Settings},
    },
    port::{alike, error::ProviderError},
    provider::gitlab::{
        CALLED, Project, api,
        client::Pages,
        facade::Gitlab,
        request::{self, Wanted},
    },
};

impl Gitlab {
    /// What the projects of a service give jobs that deploy to an environment.
    pub(super) async fn settings(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Settings, ProviderError> {
        let watched = self.watched();
        let projects: Vec<&Project> =
            watched.iter().map(|one| &one.settings).filter(|one| one.service() == *service).collect();
        if projects.is_empty() {
            return Err(ProviderError::new(
                FaultKind::Missing,
                format!("{CALLED}: no project of {service} is looked at"),
            ));
        }
        let (mut told, mut missing) = (Settings::default(), None);
        for project in projects {
            match self.given_by(project, environment, &mut told).await {
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
        project: &Project,
        environment: &EnvironmentName,
        told: &mut Settings,
    ) -> Result<(), ProviderError> {
        let path = &project.path;
        let about = format!("{path}, environments");
        let all: Pages<api::EnvironmentOf> = self.client().pages(&request::environments(path), &about).await?;
        let names = all.all.read.iter().filter_map(|one| one.name.as_deref());
        let mut found: Vec<&str> = names.filter(|theirs| project.environment(theirs).name.meets(environment)).collect();
        // One of that very name goes before one that it is a part of.
        found.sort_by_key(|theirs| project.environment(theirs).name != *environment);
        let Some(theirs) = found.first() else {
            let text = format!("{CALLED}, {path}: it has no environment {environment}");
            return Err(ProviderError::new(FaultKind::Missing, text));
        };
        let mut nearer: Vec<String> = Vec::new();
        let own = (request::variables(path), path.as_str(), format!("{path}, variables"), "project".to_owned());
        let groups = groups(path).map(|group| {
            let about = format!("{group}, variables of the group");
            (request::group_variables(group), group, about, format!("group {group}"))
        });
        for (list, holder, about, whose) in std::iter::once(own).chain(groups) {
            match self.variables(&list, &about).await {
                Ok(variables) => {
                    let new = effective(variables, theirs, (holder, &whose)).into_iter();
                    let new: Vec<Setting> = new.filter(|one| !nearer.contains(&one.name)).collect();
                    nearer.extend(new.iter().map(|one| one.name.clone()));
                    told.all.extend(new);
                }
                Err(error) if error.leaves_a_gap() => {
                    let needs = if error.kind == FaultKind::Unreadable { "" } else { "; it needs the role Maintainer" };
                    told.unread.push(format!(
                        "variables of the {whose} for {environment} cannot be read: {}{needs}",
                        error.text
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn variables(&self, list: &Wanted, about: &str) -> Result<Vec<api::Variable>, ProviderError> {
        let Pages { all, cut } = self.client().pages::<api::Variable>(list, about).await?;
        let unread = (all.unread > 0).then(|| format!("{CALLED}, {about}: {} of them cannot be read", all.unread));
        match cut.or(unread) {
            Some(why) => Err(ProviderError::new(FaultKind::Unreadable, why)),
            None => Ok(all.read),
        }
    }
}

/// The groups that a project is in, the nearest first.
fn groups(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/').map(|(group, _)| group), |group| {
        group.rsplit_once('/').map(|(above, _)| above)
    })
}

/// Of several variables of one name the one that counts in an environment: the one whose scope says most. They are those of a project or
/// group, by its path and in words.
fn effective(variables: Vec<api::Variable>, environment: &str, (holder, whose): (&str, &str)) -> Vec<Setting> {
    let mut chosen: Vec<(usize, api::Variable)> = Vec::new();
    for variable in variables {
        let Some(rank) = fits(variable.environment_scope.as_deref().unwrap_or("*"), environment) else { continue };
        match chosen.iter_mut().find(|(_, known)| known.key == variable.key) {
            Some(known) if known.0 < rank => *known = (rank, variable),
            Some(_) => {}
            None => chosen.push((rank, variable)),
        }
    }
    let setting = |(_, one): (usize, api::Variable)| {
        let value = one.value.as_ref().filter(|_| !one.hidden);
        let value = value.map(|value| value.expose_secret().as_bytes());
        let scope = one.environment_scope.as_deref().unwrap_or("*");
        let content = match value {
            Some(value) => alike::content(&one.key, value),
            None => alike::hidden(&one.key, &format!("{CALLED} {holder} {scope}")),
        };
        Setting::new(&one.key, &format!("variable of the {whose} for {scope}"), content)
    };
    chosen.into_iter().map(setting).collect()
}

/// Whether a scope takes an environment, and how much it says: `*` the least, a name without `*` the most.
fn fits(scope: &str, environment: &str) -> Option<usize> {
    if scope == environment {
        return Some(usize::MAX);
    }
    let mut parts = scope.split('*');
    let mut rest = environment.strip_prefix(parts.next()?)?;
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            let at = rest.find(before)?;
            rest = rest.get(at + before.len()..)?;
        }
    }
    // Without a star it would have been the environment itself.
    rest.ends_with(last?).then_some(scope.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scope_takes_what_its_stars_stand_for_and_says_more_the_longer_it_is() {
        let table = [
            ("*", "prod", Some(1)),
            ("prod", "prod", Some(usize::MAX)),
            ("prod", "prod/eu", None),
            ("prod/*", "prod/eu", Some(6)),
            ("prod/*", "prod", None),
            ("*/eu", "prod/eu", Some(4)),
            ("review/*/app", "review/feature/x/app", Some(12)),
            ("review/*/app", "review/app", None),
            ("a*a", "a", None),
        ];
        for (scope, environment, expected) in table {
            assert_eq!(fits(scope, environment), expected, "{scope} {environment}");
        }
    }

    #[test]
    fn of_one_name_the_nearest_scope_counts_and_what_is_hidden_cannot_be_compared() {
        let one = |key: &str, value: serde_json::Value, scope: &str| json!({"key": key, "value": value, "environment_scope": scope, "hidden": value.is_null()});
        let all = json!([
            one("MODE", json!("slow"), "*"),
            one("MODE", json!("fast"), "prod/*"),
            one("PIN", json!(null), "*"),
            one("X", json!("1"), "staging")
        ]);
        let told = |environment: &str| {
            let all: Vec<api::Variable> = serde_json::from_value(all.clone()).unwrap();
            effective(all, environment, ("acme/site", "project"))
        };
        let (prod, staging) = (told("prod/eu"), told("staging"));
        let known: Vec<_> = prod.iter().map(|one| (one.name.as_str(), one.place.as_str())).collect();
        let expected = [("MODE", "variable of the project for prod/*"), ("PIN", "variable of the project for *")];
        assert_eq!((known, prod[0].content), (expected.to_vec(), alike::content("MODE", b"fast")));
        // Both are given the very same one.
        assert!(prod[1].content.is_hidden() && prod[1].content == staging[1].content, "{prod:?} {staging:?}");
        assert!(!format!("{prod:?}").contains("fast"));
    }

    #[test]
    fn a_project_is_in_every_group_above_it_the_nearest_first() {
        assert_eq!(groups("acme/shop/site").collect::<Vec<_>>(), ["acme/shop", "acme"]);
    }
}
