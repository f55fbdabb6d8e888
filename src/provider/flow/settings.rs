//! What pipelines give jobs that deploy to an environment: the variables that the newest run was begun with, and those of the groups that
//! the pipeline is related to. An encrypted one is compared by where it is set only.
//!
//! Source: `ListVariableGroups` and `GetPipelineRun` (`globalParams`) of help.aliyun.com/zh/yunxiao/developer-reference. Here must not
//! live: a value, any longer than it takes to mark it.

use secrecy::ExposeSecret;

use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName},
        observed::FaultKind,
        setting::{Setting, Settings},
        text::clean,
    },
    port::{alike, error::ProviderError},
    provider::flow::{CALLED, Pipeline, api, client::Pages, facade::Flow, pipeline::Watched, request::Page},
};

impl Flow {
    /// What the pipelines of a service give jobs that deploy to an environment.
    pub(super) async fn settings(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Settings, ProviderError> {
        self.roster().ask(self.client(), self.now()).await;
        let all = self.roster().all();
        let of: Vec<_> = all.iter().filter(|one| one.settings.service(&one.name) == *service).collect();
        let going: Vec<_> = of.iter().filter(|one| one.settings.goes_to(environment)).collect();
        if going.is_empty() {
            // What cannot be listed may have one.
            self.roster().told()?;
            let text = if of.is_empty() {
                format!("{CALLED}: no pipeline of {service} is looked at")
            } else {
                format!("{CALLED}: nothing of {service} is said to go to {environment}")
            };
            return Err(ProviderError::new(FaultKind::Missing, text));
        }
        let mut told = Settings::default();
        for one in &going {
            match self.begun_with(one).await {
                Ok(own) => told.all.extend(own),
                Err(error) => refused(error, &format!("variables of {}", clean(&one.name)), environment, &mut told)?,
            }
        }
        match self.groups().await {
            Ok(groups) => {
                let is_given = |group: &api::Group| {
                    let related = group.related_pipelines.read.iter().filter_map(|one| one.id);
                    related.into_iter().any(|id| going.iter().any(|one| one.id == id))
                };
                told.all.extend(groups.into_iter().filter(is_given).flat_map(of_group));
            }
            Err(error) => refused(error, "groups of variables", environment, &mut told)?,
        }
        Ok(told)
    }

    /// What the newest run of a pipeline was begun with.
    async fn begun_with(&self, pipeline: &Watched) -> Result<Vec<Setting>, ProviderError> {
        let (name, door) = (clean(&pipeline.name), &self.client().door);
        let run = if let Some(run) = pipeline.newest() {
            run
        } else {
            let (page, about) = (Page::default(), format!("{name}, its runs"));
            let (runs, _) = self.client().page::<api::Run>(&door.runs(pipeline.id, &page, 1), &page, &about).await?;
            runs.read.iter().find_map(|run| run.pipeline_run_id).ok_or_else(|| {
                ProviderError::new(FaultKind::Missing, format!("{CALLED}, {name}: it has not run yet"))
            })?
        };
        let about = format!("{name}, run {run}");
        let run: api::Begun = self.client().read(&door.run(pipeline.id, run), &about).await?;
        let holder = format!("{CALLED} pipeline {}", pipeline.id);
        complete(run.global_params.unread, &about)?;
        Ok(settings(run.global_params.read, &format!("variable of pipeline {name}"), &holder))
    }

    async fn groups(&self) -> Result<Vec<api::Group>, ProviderError> {
        let about = "groups of variables";
        let Pages { all, cut } = self.client().pages(|page: &Page| self.client().door.groups(page), about).await?;
        if let Some(cut) = cut {
            return Err(ProviderError::new(FaultKind::Unreadable, cut));
        }
        let unread = |group: &api::Group| group.variables.unread + group.related_pipelines.unread;
        complete(all.unread + all.read.iter().map(unread).sum::<usize>(), about)?;
        Ok(all.read)
    }
}

impl Pipeline {
    /// Does any of its jobs go to an environment, as far as configuration says?
    fn goes_to(&self, environment: &EnvironmentName) -> bool {
        self.environments.values().any(|ours| ours.name.meets(environment))
    }
}

fn complete(unread: usize, about: &str) -> Result<(), ProviderError> {
    if unread == 0 {
        return Ok(());
    }
    Err(ProviderError::new(FaultKind::Unreadable, format!("{CALLED}, {about}: {unread} of them cannot be read")))
}

fn of_group(group: api::Group) -> Vec<Setting> {
    let id = group.id.unwrap_or_default();
    let name = group.name.as_deref().map_or_else(|| id.to_string(), clean);
    let all = settings(group.variables.read, &format!("group of variables {name}"), &format!("{CALLED} group {id}"));
    all.into_iter().map(|one| one.changed(group.update_time)).collect()
}

/// Variables of a place in words, and of whoever holds them.
fn settings(all: Vec<api::Variable>, place: &str, holder: &str) -> Vec<Setting> {
    let one = |one: api::Variable| {
        let shown = one.value.as_ref().filter(|_| one.encrypted == Some(false));
        let content = match shown {
            Some(value) => alike::content(&one.name, value.expose_secret().as_bytes()),
            None => alike::hidden(&one.name, holder),
        };
        Setting::new(&one.name, place, content)
    };
    all.into_iter().filter(|one| !one.name.is_empty()).map(one).collect()
}

/// Of what may not be read it is said; whatever else fails is a failure.
fn refused(
    error: ProviderError,
    what: &str,
    environment: &EnvironmentName,
    told: &mut Settings,
) -> Result<(), ProviderError> {
    if !error.leaves_a_gap() {
        return Err(error);
    }
    told.unread.push(format!("{what} for {environment} cannot be read: {}", error.text));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::setting::Content;

    #[test]
    fn what_is_encrypted_or_does_not_say_so_is_never_compared_by_what_stands_in_its_place() {
        let group = |id: u64| {
            let group = json!({"id": id, "name": "prod", "updateTime": 1_773_100_800_000_i64, "variables": [
                {"name": "MODE", "value": "marker-fast", "isEncrypted": false},
                {"name": "PIN", "value": "******", "isEncrypted": true},
                {"name": "ODD", "value": "******"},
            ]});
            of_group(serde_json::from_str(&group.to_string()).unwrap())
        };
        let (one, other) = (group(7), group(8));
        let told: Vec<_> = one.iter().map(|it| (it.name.as_str(), it.place.as_str())).collect();
        let place = "group of variables prod";
        assert_eq!(told, [("MODE", place), ("PIN", place), ("ODD", place)]);
        let alike: Vec<bool> = one.iter().zip(&other).map(|(one, other)| one.content == other.content).collect();
        assert_eq!(alike, [true, false, false]);
        assert!(
            matches!(one[0].content, Content::Marked(_)) && one[1].content.is_hidden() && one[2].content.is_hidden()
        );
        assert!(!format!("{one:?}").contains("marker"));
    }
}
