//! What is its own of a HelmRelease: the releases of Helm, which of them serves, and what its controller does when one fails: it puts
//! the one before back, or takes everything away, and in either case goes on declaring what failed.

use std::time::Duration;

use super::{
    HELM_RELEASES,
    api::{HelmRelease, Inventory, Progress, Snapshot},
    declared::{self, Declared, Sides, arm, digits, held_by},
    draft,
    phase::{self, of_conditions},
    source::{self, BUCKETS, CHARTS, GIT, HELM, OCI, Sought},
    values,
};
use crate::{
    domain::{
        form::{Field, Kind as Form},
        rollout::{Arm, Phase, Role},
        text::{clean, shell_word},
        version::Version,
    },
    provider::kubernetes::{request::Resource, workload},
};

/// How long one action of Helm may take where nothing says it.
const TIMEOUT: Duration = Duration::from_mins(5);
/// How Helm calls the release that serves.
const DEPLOYED: &str = "deployed";

/// The name of the field that forces a release.
pub const FORCE: &str = "force";
/// The name of the field that lets what was given up be tried again.
pub const RESET: &str = "reset";

impl Declared for HelmRelease {
    const FAMILY: &'static str = "helm_release";
    const WORDS: &'static str = "Flux HelmRelease";
    const NOUN: &'static str = "HelmRelease";
    const RESOURCE: Resource = HELM_RELEASES;
    const OLDER: &'static [&'static str] = &["v2beta2", "v2beta1"];
    const BESIDE: &'static [Resource] = &[HELM, CHARTS, GIT, OCI, BUCKETS];
    const KEEPS: Option<&'static str> = Some(HELM_RELEASES.group);
    const GIVES: Option<declared::Gives> = Some(values::values);

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
        declared::span(&self.spec.timeout).unwrap_or(TIMEOUT)
    }

    fn sources(&self) -> Vec<Sought> {
        if let Some(reference) = &self.spec.chart_ref {
            return declared::sought(reference, &self.metadata).into_iter().collect();
        }
        let repository = declared::sought(&self.spec.chart.spec.source_ref, &self.metadata);
        let chart = self.status.helm_chart.split_once('/');
        let chart = chart.map(|(at, name)| Sought { resource: source::CHARTS, at: (at.to_owned(), name.to_owned()) });
        repository.into_iter().chain(chart).collect()
    }

    fn sides(&self) -> Sides {
        let history = &self.status.history;
        let deployed = history.iter().find(|one| one.status == DEPLOYED);
        let stable_hash = deployed.map(hash).unwrap_or_default();
        let tried = self.tried();
        let canary_hash = tried.map_or_else(|| self.tried_hash(), hash);
        let mut arms: Vec<Arm> = Vec::new();
        if tried.is_none() && canary_hash != stable_hash && !canary_hash.is_empty() {
            let version = Version::tagged(chart(&self.status.last_attempted_revision));
            arms.push(Arm { name: String::new(), ..arm(Role::Canary, Some(version), &canary_hash, None) });
        }
        for one in history {
            let hash = hash(one);
            let role = match &hash {
                hash if *hash == stable_hash => Role::Stable,
                hash if *hash == canary_hash => Role::Canary,
                _ => Role::Old,
            };
            match arms.iter_mut().find(|arm| arm.hash == hash) {
                // It was put back: one version under several numbers.
                Some(arm) => arm.earlier_revisions.push(one.version),
                None => arms.push(snapshot(one, role, &hash)),
            }
        }
        workload::tell_apart(&mut arms);
        let started = tried.filter(|_| canary_hash != stable_hash).and_then(|one| one.last_deployed);
        Sides { stable_hash, canary_hash, arms, started }
    }

    fn inventory(&self) -> Option<&Inventory> {
        Some(&self.status.inventory)
    }

    fn own_phase(&self) -> Option<(Phase, String)> {
        let progress = &self.status.progress;
        let again = progress.is("Reconciling").is_some_and(|working| working.reason != "ProgressingWithRetry");
        let failed = progress.condition("Ready").is_some_and(|ready| ready.status == "False");
        let remediated = progress.is("Remediated").or_else(|| {
            // What could not be put back is no less worth saying.
            progress.condition("Remediated").filter(|told| told.reason.ends_with("Failed"))
        });
        if let Some(told) = remediated.filter(|_| failed && !again) {
            let said = clean(&told.message);
            return Some(match told.reason.as_str() {
                "RollbackSucceeded" => {
                    (Phase::Aborted, format!("taken back by Flux, {} serves: {said}", self.serves()))
                }
                "UninstallSucceeded" => (Phase::Degraded, format!("uninstalled by Flux, nothing of it runs: {said}")),
                reason => (Phase::Degraded, format!("{}: {said}", clean(reason))),
            });
        }
        if let Some(pending) = self.pending() {
            let (phase, said) = of_conditions(&self.metadata, progress);
            return Some((phase, format!("Helm calls it {pending}: {said}")));
        }
        let (phase, said) = of_conditions(&self.metadata, progress);
        (phase == Phase::Healthy).then(|| (phase, self.contents().unwrap_or(said)))
    }

    fn is_taken_back(&self) -> bool {
        matches!(self.own_phase(), Some((Phase::Aborted, _)))
    }

    fn troubles(&self) -> Vec<String> {
        let progress = &self.status.progress;
        let drifted = progress.is("Drifted").map(|told| format!("drifted: {}", clean(&told.message)));
        let untested = progress.condition("TestSuccess").filter(|told| told.status == "False");
        let untested = untested.map(|told| format!("its tests failed: {}", clean(&told.message)));
        let first = phase::phase(self).1;
        drifted.into_iter().chain(untested).filter(|one| !first.contains(one.as_str())).collect()
    }

    fn form() -> Vec<Field> {
        let force = Field::new(FORCE, "Force", Form::Flag).hint("a Helm upgrade is made though nothing changed");
        let reset = Field::new(RESET, "Reset", Form::Flag)
            .hint("failures are forgotten, so that what was given up is tried again");
        vec![draft::source_first(), force, reset]
    }

    fn keeps(&self, id: &str) -> String {
        let path = clean(&self.metadata.path());
        if self.spec.suspend {
            return format!(
                "Flux HelmRelease {path} is suspended{}: it puts nothing back until it is resumed",
                held_by(self)
            );
        }
        let when = if self.spec.drift_detection.mode == "enabled" {
            let every = declared::shown(&self.spec.interval);
            format!("at its next interval ({every}) or sooner, for it corrects drift")
        } else {
            "with its next upgrade, which a change in its source makes at once".to_owned()
        };
        format!("Flux HelmRelease {path} puts its own spec back {when}: `holdshort pause {id}` keeps it from that")
    }

    fn by_hand(&self) -> String {
        let (namespace, name) = (self.namespace(), self.release_name());
        let before = self.status.history.iter().find(|one| one.status == "superseded");
        let number = before.map(|one| format!(" {}", one.version)).unwrap_or_default();
        format!("`helm rollback -n {} {}{number}`", shell_word(namespace), shell_word(&name))
    }
}

impl HelmRelease {
    /// The release that was tried last, as Helm made it; `None` where it did not come so far.
    fn tried(&self) -> Option<&Snapshot> {
        let status = &self.status;
        let (chart, values) = (&status.last_attempted_revision, &status.last_attempted_config_digest);
        if chart.is_empty() {
            return status.history.first();
        }
        let same_values = |one: &Snapshot| values.is_empty() || one.config_digest == *values;
        status.history.iter().find(|one| one.chart_version == *chart && same_values(one))
    }

    fn tried_hash(&self) -> String {
        let status = &self.status;
        hash_of(&status.last_attempted_revision, &status.last_attempted_config_digest)
    }

    /// What Helm calls a release that it has not finished: nobody can say what of it is there.
    fn pending(&self) -> Option<String> {
        let newest = self.status.history.first()?;
        newest.status.starts_with("pending-").then(|| clean(&newest.status))
    }

    fn serves(&self) -> String {
        let deployed = self.status.history.iter().find(|one| one.status == DEPLOYED);
        deployed.map_or_else(|| "what was there before".to_owned(), |one| chart(&one.chart_version))
    }

    /// What serves: `podinfo 6.5.4, app 1.42.0, revision 3`.
    fn contents(&self) -> Option<String> {
        let one = self.status.history.iter().find(|one| one.status == DEPLOYED)?;
        let app = if one.app_version.is_empty() { String::new() } else { format!(", app {}", clean(&one.app_version)) };
        Some(format!("{} {}{app}, revision {}", clean(&one.chart_name), chart(&one.chart_version), one.version))
    }

    fn release_name(&self) -> String {
        let known = self.status.history.first().map(|one| one.name.clone()).filter(|name| !name.is_empty());
        let named = Some(&self.spec.release_name).filter(|name| !name.is_empty()).cloned();
        let elsewhere = Some(&self.spec.target_namespace).filter(|namespace| !namespace.is_empty());
        let made = || elsewhere.map_or_else(|| self.metadata.name.clone(), |at| format!("{at}-{}", self.metadata.name));
        known.or(named).unwrap_or_else(made)
    }

    fn namespace(&self) -> &str {
        let known = self.status.history.first().map(|one| one.namespace.as_str()).filter(|at| !at.is_empty());
        let elsewhere = Some(self.spec.target_namespace.as_str()).filter(|at| !at.is_empty());
        known.or(elsewhere).unwrap_or(&self.metadata.namespace)
    }
}

fn snapshot(one: &Snapshot, role: Role, hash: &str) -> Arm {
    Arm {
        name: format!("{}.v{}", clean(&one.name), one.version),
        revision: Some(one.version),
        ..arm(role, Some(Version::tagged(chart(&one.chart_version))), hash, one.last_deployed)
    }
}

/// The chart's version without the digest that Flux puts behind it: `6.6.1` of `6.6.1+0cc9a8446c95`.
fn chart(version: &str) -> String {
    let version = clean(version);
    match version.rsplit_once('+') {
        Some((number, sum)) if sum.len() == 12 && sum.bytes().all(|byte| byte.is_ascii_hexdigit()) => number.to_owned(),
        _ => version,
    }
}

/// By what one release is told from another: its chart and its values.
fn hash(one: &Snapshot) -> String {
    hash_of(&one.chart_version, &one.config_digest)
}

fn hash_of(chart: &str, values: &str) -> String {
    let values = digits(values);
    if values.is_empty() { clean(chart) } else { format!("{} values {values}", clean(chart)) }
}
