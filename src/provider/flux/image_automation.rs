//! What is its own of an `ImageUpdateAutomation`: it writes new image tags into a repository of git, so that a revert of a tag there is
//! written over within its interval.

use std::time::Duration;

use super::{
    AUTOMATIONS,
    api::{ImageUpdateAutomation, Inventory, Progress},
    declared::{self, Declared, Sides, arm, version},
    source::{GIT, Sought},
};
use crate::{
    domain::{form::Field, rollout::Role, text::clean},
    provider::kubernetes::request::Resource,
};

/// How long one run may take.
const TIMEOUT: Duration = Duration::from_mins(2);

impl Declared for ImageUpdateAutomation {
    const FAMILY: &'static str = "image_automation";
    const WORDS: &'static str = "Flux ImageUpdateAutomation";
    const NOUN: &'static str = "ImageUpdateAutomation";
    const RESOURCE: Resource = AUTOMATIONS;
    const OLDER: &'static [&'static str] = &["v1beta2", "v1beta1"];
    const BESIDE: &'static [Resource] = &[GIT];

    fn api_version(&self) -> &str {
        &self.api_version
    }

    fn progress(&self) -> &Progress {
        &self.status.progress
    }

    fn is_suspended(&self) -> bool {
        self.spec.suspend
    }

    fn interval(&self) -> &str {
        &self.spec.interval
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    fn sources(&self) -> Vec<Sought> {
        declared::sought(&self.spec.source_ref, &self.metadata).into_iter().collect()
    }

    fn sides(&self) -> Sides {
        let commit = clean(&self.status.last_push_commit);
        let pushed = (!commit.is_empty()).then(|| format!("sha1:{commit}"));
        let arms = pushed.map(|sum| arm(Role::Stable, version(&sum), &commit, self.status.last_push_time));
        let (stable_hash, canary_hash) = (commit.clone(), commit);
        Sides { stable_hash, canary_hash, arms: arms.into_iter().collect(), started: None }
    }

    fn inventory(&self) -> Option<&Inventory> {
        None
    }

    fn form() -> Vec<Field> {
        vec![super::draft::source_first()]
    }

    fn by_hand(&self) -> String {
        "revert the commit in git".to_owned()
    }
}
