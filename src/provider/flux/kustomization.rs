//! What is its own of a Kustomization: which revision is applied and which was tried, where it comes from, and what it manages.

use std::time::Duration;

use super::{
    AUTOMATIONS, KUSTOMIZATIONS,
    api::{Inventory, Kustomization, Progress, Reconciliation},
    declared::{self, Declared, Sides, arm, held_by, version},
    source::{BUCKETS, GIT, OCI, Sought},
};
use crate::{
    domain::{form::Field, rollout::Role, text::clean, time::Timestamp},
    provider::kubernetes::request::Resource,
};

/// How long a reconciliation may take where nothing says it.
const TIMEOUT: Duration = Duration::from_mins(5);
/// How a reconciliation that came to a good end is called.
const GOOD: &str = "ReconciliationSucceeded";

impl Declared for Kustomization {
    const FAMILY: &'static str = "kustomization";
    const WORDS: &'static str = "Flux Kustomization";
    const NOUN: &'static str = "Kustomization";
    const RESOURCE: Resource = KUSTOMIZATIONS;
    const OLDER: &'static [&'static str] = &["v1beta2", "v1beta1"];
    const BESIDE: &'static [Resource] = &[GIT, OCI, BUCKETS, AUTOMATIONS];
    const OPTIONAL: bool = false;
    const KEEPS: Option<&'static str> = Some(KUSTOMIZATIONS.group);

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
        declared::span(&self.spec.timeout).or_else(|| declared::span(&self.spec.interval)).unwrap_or(TIMEOUT)
    }

    fn sources(&self) -> Vec<Sought> {
        declared::sought(&self.spec.source_ref, &self.metadata).into_iter().collect()
    }

    fn sides(&self) -> Sides {
        let status = &self.status;
        let (stable, tried) = (&status.last_applied_revision, &status.last_attempted_revision);
        let tried = if tried.is_empty() { stable } else { tried };
        let one = |role, revision: &str| arm(role, version(revision), revision, self.since(revision));
        let mut arms = Vec::new();
        if tried != stable {
            arms.push(one(Role::Canary, tried));
        }
        if !stable.is_empty() {
            arms.push(one(Role::Stable, stable));
        }
        for revision in self.status.history.iter().filter(|past| past.last_reconciled_status == GOOD).map(revision) {
            if !revision.is_empty() && !arms.iter().any(|arm| arm.name == revision) {
                arms.push(one(Role::Old, revision));
            }
        }
        Sides { stable_hash: stable.clone(), canary_hash: tried.clone(), arms, started: self.since(tried) }
    }

    fn inventory(&self) -> Option<&Inventory> {
        Some(&self.status.inventory)
    }

    fn form() -> Vec<Field> {
        vec![super::draft::source_first()]
    }

    fn keeps(&self, id: &str) -> String {
        let path = clean(&self.metadata.path());
        if self.spec.suspend {
            return format!(
                "Flux Kustomization {path} is suspended{}: it puts nothing back until it is resumed",
                held_by(self)
            );
        }
        let every = declared::shown(&self.spec.interval);
        format!(
            "Flux Kustomization {path} puts its own spec back at its next interval ({every}) or sooner: \
             `holdshort pause {id}` keeps it from that"
        )
    }

    fn by_hand(&self) -> String {
        "roll back what it manages".to_owned()
    }
}

fn revision(past: &Reconciliation) -> &str {
    past.metadata.get("revision").map_or("", String::as_str)
}

impl Kustomization {
    /// When a revision was first tried, as far as the history goes back.
    fn since(&self, of: &str) -> Option<Timestamp> {
        let all = self.status.history.iter().filter(|past| revision(past) == of);
        all.filter_map(|past| past.first_reconciled).min()
    }
}
