//! One pipeline, and what is known of how to look at it: which service it is of, which environment a stage is, what a mistake costs.

use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName},
        offer::Risk,
        service::Environment,
        text::clean,
    },
    provider::codepipeline::{Pipeline, api},
};

/// What CodePipeline tells of nobody's rights.
pub(super) fn may(right: &str) -> String {
    format!("AWS does not say whether you may: it takes codepipeline:{right}")
}

/// One pipeline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watched<'a> {
    pub(super) pipeline: &'a str,
    pub(super) settings: &'a Pipeline,
    /// How it is made; `None` where that may not be read.
    pub(super) definition: Option<&'a api::Definition>,
}

impl<'a> Watched<'a> {
    pub(super) fn service(&self) -> ServiceName {
        self.settings.service.clone().unwrap_or_else(|| ServiceName::new(self.pipeline))
    }

    fn stages(&self) -> &'a [api::Stage] {
        self.definition.map(|definition| definition.stages.as_slice()).unwrap_or_default()
    }

    /// Where an approval in a stage, or the way into it, leads: what is said of the action, of the stage, or of the next stage that deploys.
    pub(super) fn environment(&self, stage: &str, action: Option<&str>) -> Environment {
        let of = |name: &str| self.settings.environments.get(name);
        let behind: Vec<&api::Stage> = self.stages().iter().skip_while(|one| one.name != stage).collect();
        let named = action.and_then(of).or_else(|| of(stage)).or_else(|| behind.iter().find_map(|one| of(&one.name)));
        named.cloned().unwrap_or_else(|| {
            let deploys = behind.into_iter().find(|one| deploys(one)).map_or(stage, |one| one.name.as_str());
            Environment { name: EnvironmentName::new(clean(deploys)), risk: Risk::High }
        })
    }

    /// The stages that deploy, in order: those that are said to be environments, and those with an action that deploys.
    pub(super) fn deploying(&self) -> Vec<&'a str> {
        let named = |stage: &&api::Stage| self.settings.environments.contains_key(&stage.name) || deploys(stage);
        // The first stage has the sources: nothing goes back there.
        self.stages().iter().skip(1).filter(named).map(|stage| stage.name.as_str()).collect()
    }

    /// An execution may deploy wherever a stage is, so a mistake costs what the riskiest of them costs.
    pub(super) fn risk(&self) -> Risk {
        self.settings.environments.values().map(|environment| environment.risk).max().unwrap_or(Risk::High)
    }

    /// The branch that its only source follows, where that is told.
    pub(super) fn branch(&self) -> Option<&'a str> {
        let mut sources = self.stages().iter().flat_map(|stage| &stage.actions).filter(|action| is(action, "Source"));
        let (only, None) = (sources.next()?, sources.next()) else { return None };
        let of = |key: &str| only.configuration.as_ref()?.get(key).map(String::as_str);
        of("BranchName").or_else(|| of("Branch")).filter(|branch| !branch.is_empty())
    }

    /// How long an approval waits, in minutes, where that is not as usual.
    pub(super) fn waits(&self, stage: &str, action: &str) -> Option<u64> {
        let stage = self.stages().iter().find(|one| one.name == stage)?;
        stage.actions.iter().find(|one| one.name == action)?.timeout_in_minutes
    }

    /// Is this action an approval? Where the pipeline's making may not be read, a token says so.
    pub(super) fn is_approval(&self, stage: &str, action: &api::ActionState) -> bool {
        let known = self.stages().iter().find(|one| one.name == stage);
        let known = known.and_then(|one| one.actions.iter().find(|one| one.name == action.action_name));
        let token = || action.latest_execution.as_ref().is_some_and(|latest| latest.token.is_some());
        known.map_or_else(token, |known| is(known, "Approval"))
    }
}

fn is(action: &api::Action, category: &str) -> bool {
    action.action_type_id.category.as_deref() == Some(category)
}

fn deploys(stage: &api::Stage) -> bool {
    stage.actions.iter().any(|action| is(action, "Deploy"))
}
