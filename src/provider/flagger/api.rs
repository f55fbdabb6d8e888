//! Flagger's wire structs, as far as we read them, with upstream's defaults (`pkg/apis/flagger/v1beta1/canary.go`).

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use strum::{Display, EnumString};

use crate::{
    domain::time::Timestamp,
    provider::kubernetes::{
        api::{Condition, Meta, Object, lenient, readable},
        template::Template,
        workload::Marks,
    },
};

/// The label by which ReplicaSets and pods of one template are known: Flagger moves Deployments, and has none of its own.
pub const HASH_LABEL: &str = "pod-template-hash";
/// Annotation of a template by which its pods are replaced though nothing else changes.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// Annotation that Flagger puts on the primary's template, a new value each time.
pub const FLAGGER_ID: &str = "flagger-id";
/// Annotation of a ReplicaSet with the revision numbers it had before: it was taken up again.
pub const HISTORY: &str = "deployment.kubernetes.io/revision-history";

/// How the Deployment controller marks its ReplicaSets.
pub const MARKS: Marks =
    Marks { hash: HASH_LABEL, revision: "deployment.kubernetes.io/revision", history: HISTORY, scale_down: None };

/// Between two looks of the controller where the Canary does not say.
const INTERVAL: Duration = Duration::from_mins(1);
/// Flagger looks no more often than this.
const LEAST_INTERVAL: Duration = Duration::from_secs(10);
/// `progressDeadlineSeconds` where the spec says nothing.
const DEADLINE: u64 = 600;
/// Iterations that Flagger makes of none where nothing can split traffic.
const ITERATIONS: i64 = 10;

/// A Canary.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Canary {
    /// Its metadata.
    pub metadata: Meta,
    /// What it asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: Spec,
    /// Where it is.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Status,
    /// It has no pods of its own: what it runs is its target's.
    #[serde(skip)]
    pub template: Template,
}

impl Object for Canary {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

/// `spec`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// What splits the traffic; empty where the controller's own setting counts, which no object tells.
    #[serde(default, deserialize_with = "lenient")]
    pub provider: String,
    /// What is released.
    #[serde(default, deserialize_with = "lenient")]
    pub target_ref: Reference,
    /// The ingress that splits, of those providers that split by one.
    #[serde(default, deserialize_with = "lenient")]
    pub ingress_ref: Option<Reference>,
    /// What the services are called.
    #[serde(default, deserialize_with = "lenient")]
    pub service: Service,
    /// After how many seconds without progress it fails.
    #[serde(default, deserialize_with = "lenient")]
    pub progress_deadline_seconds: Option<u64>,
    /// A new version is promoted unmeasured.
    #[serde(default, deserialize_with = "lenient")]
    pub skip_analysis: bool,
    /// Nothing is done with it.
    #[serde(default, deserialize_with = "lenient")]
    pub suspend: bool,
    /// How it is measured.
    #[serde(default, deserialize_with = "lenient")]
    pub analysis: Option<Analysis>,
    /// The same under its older name.
    #[serde(default, deserialize_with = "lenient")]
    pub canary_analysis: Option<Analysis>,
}

/// A reference to another object of the namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Reference {
    /// `Deployment`.
    #[serde(default, deserialize_with = "lenient")]
    pub kind: String,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
}

/// `spec.service`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Service {
    /// The name of the service that users go through; the target's where it is left out.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
}

/// `spec.analysis`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// Between two looks, in Go's form.
    #[serde(default, deserialize_with = "lenient")]
    pub interval: String,
    /// Checks of an A/B or blue-green release.
    #[serde(default, deserialize_with = "lenient")]
    pub iterations: i64,
    /// The share after which it is promoted.
    #[serde(default, deserialize_with = "lenient")]
    pub max_weight: i64,
    /// By how much the share grows.
    #[serde(default, deserialize_with = "lenient")]
    pub step_weight: i64,
    /// The shares, one after the other.
    #[serde(default, deserialize_with = "lenient")]
    pub step_weights: Vec<i64>,
    /// So many failed checks take it back.
    #[serde(default, deserialize_with = "lenient")]
    pub threshold: i64,
    /// Which requests go to the canary, of an A/B release.
    #[serde(default, deserialize_with = "lenient")]
    pub r#match: Vec<Value>,
    /// Who is asked.
    #[serde(default, deserialize_with = "readable")]
    pub webhooks: Vec<Webhook>,
}

/// An entry of `spec.analysis.webhooks`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Webhook {
    /// When it is asked: `confirm-promotion`.
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// Who.
    #[serde(default, deserialize_with = "lenient")]
    pub url: String,
}

/// `status`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Where it is, in Flagger's word.
    #[serde(default, deserialize_with = "lenient")]
    pub phase: String,
    /// Checks that failed in this run.
    #[serde(default, deserialize_with = "lenient")]
    pub failed_checks: i64,
    /// The share of the canary, where the phase is one that keeps it: it is 0 in the others, whatever the router does.
    #[serde(default, deserialize_with = "lenient")]
    pub canary_weight: i64,
    /// Checks that passed, of an A/B or blue-green release; -1 is written for others that wait to be promoted.
    #[serde(default, deserialize_with = "lenient")]
    pub iterations: i64,
    /// Hash of the template that it took up last.
    #[serde(default, deserialize_with = "lenient")]
    pub last_applied_spec: String,
    /// Hash of the template that it promoted last.
    #[serde(default, deserialize_with = "lenient")]
    pub last_promoted_spec: String,
    /// When its status was written last.
    #[serde(default, deserialize_with = "lenient")]
    pub last_transition_time: Option<Timestamp>,
    /// `Promoted`, whose reason is the phase.
    #[serde(default, deserialize_with = "readable")]
    pub conditions: Vec<Condition>,
}

/// Flagger's phases (`pkg/apis/flagger/v1beta1/status.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString)]
pub enum Word {
    /// The primary is being made.
    Initializing,
    /// It was made, and nothing was released yet.
    Initialized,
    /// A new version is not let in until its start is confirmed.
    Waiting,
    /// A new version is measured.
    Progressing,
    /// It was measured, and its promotion is not confirmed yet.
    WaitingPromotion,
    /// The primary gets the new version.
    Promoting,
    /// The canary's pods go.
    Finalising,
    /// It was promoted.
    Succeeded,
    /// It was taken back, or its promotion failed.
    Failed,
    /// The Canary is deleted, and the target gets its pods back.
    Terminating,
    /// That is done.
    Terminated,
}

impl Canary {
    /// The phase; none before the controller has looked, and where it says something that we do not know.
    pub fn word(&self) -> Option<Word> {
        self.status.phase.parse().ok()
    }

    /// Has any controller ever looked at it?
    pub fn is_taken_up(&self) -> bool {
        !self.status.phase.is_empty() || !self.status.conditions.is_empty()
    }

    /// How it is measured, where it is.
    pub fn analysis(&self) -> Option<&Analysis> {
        self.spec.analysis.as_ref().or(self.spec.canary_analysis.as_ref())
    }

    /// Is a new version promoted unmeasured?
    pub fn skips(&self) -> bool {
        self.analysis().is_none() || self.spec.skip_analysis
    }

    /// Who is asked when.
    pub fn webhooks(&self, kind: &str) -> impl Iterator<Item = &Webhook> {
        self.analysis().into_iter().flat_map(|analysis| &analysis.webhooks).filter(move |hook| hook.kind == kind)
    }

    /// Between two looks of the controller: nothing happens in between.
    pub fn interval(&self) -> Duration {
        let text = self.analysis().map_or("", |analysis| analysis.interval.as_str());
        span(text).map_or(INTERVAL, |interval| interval.max(LEAST_INTERVAL))
    }

    /// So many failed checks take it back.
    pub fn threshold(&self) -> i64 {
        self.analysis().map_or(1, |analysis| analysis.threshold.max(1))
    }

    /// How long pods may take to come up.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.spec.progress_deadline_seconds.unwrap_or(DEADLINE))
    }

    /// Can nothing split its traffic?
    pub fn is_unrouted(&self) -> bool {
        self.spec.provider == "kubernetes"
    }

    /// The checks of an A/B or blue-green release; none of one by weight.
    pub fn iterations(&self) -> Option<i64> {
        let iterations = self.analysis()?.iterations;
        if iterations > 0 { Some(iterations) } else { self.is_unrouted().then_some(ITERATIONS) }
    }

    /// Do some requests go to the canary by what they carry?
    pub fn is_by_match(&self) -> bool {
        let matched = self.analysis().is_some_and(|analysis| !analysis.r#match.is_empty() && analysis.iterations > 0);
        matched && !self.is_unrouted()
    }

    /// Is it a Deployment that it releases?
    pub fn has_deployment(&self) -> bool {
        self.spec.target_ref.kind == "Deployment"
    }

    /// The name of the Deployment that serves: the target's is the canary.
    pub fn primary(&self) -> String {
        format!("{}-primary", self.spec.target_ref.name)
    }

    /// The service that users go through; those of primary and canary are called after it.
    pub fn apex(&self) -> &str {
        if self.spec.service.name.is_empty() { &self.spec.target_ref.name } else { &self.spec.service.name }
    }

    /// Since when it is in its phase, where the condition says so: every tick writes the other time anew.
    pub fn since(&self) -> Option<Timestamp> {
        let told = self.status.conditions.iter().find(|it| it.kind == "Promoted" && it.reason == self.status.phase);
        told.and_then(|told| told.last_update_time)
    }
}

/// A span in Go's form: `1h30m`, `90s`, `1.5m`.
pub fn span(text: &str) -> Option<Duration> {
    let (mut rest, mut total) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at_checked(end)?;
        let unit = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()?)?;
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

/// A Deployment, as far as it is read here.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Deployment {
    /// What it asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: DeploymentSpec,
    /// Where it is.
    #[serde(default, deserialize_with = "lenient")]
    pub status: DeploymentStatus,
}

/// `spec` of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct DeploymentSpec {
    /// Pods asked for; one when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub replicas: Option<u32>,
    /// What runs in them.
    #[serde(default, deserialize_with = "lenient")]
    pub template: Template,
}

/// `status` of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentStatus {
    /// Pods that are available.
    #[serde(default, deserialize_with = "lenient")]
    pub available_replicas: u32,
    /// What else its controller says.
    #[serde(default, deserialize_with = "readable")]
    pub conditions: Vec<Condition>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_interval_is_a_minute_where_none_is_said_and_never_below_ten_seconds() {
        let table = [("", 60), ("a while", 60), ("5s", 10), ("30s", 30), ("1m30s", 90), ("1.5m", 90), ("1h", 3600)];
        for (text, seconds) in table {
            let wire = json!({"metadata": {"name": "a"}, "spec": {"analysis": {"interval": text}}});
            let canary: Canary = serde_json::from_value(wire).unwrap();
            assert_eq!(canary.interval(), Duration::from_secs(seconds), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_of_a_canary_is_absent_and_the_rest_is_read() {
        let wire = json!({
            "metadata": {"name": "podinfo"},
            "spec": {"targetRef": 7, "suspend": "yes", "analysis": {"webhooks": [{"type": 3, "url": "http://x/"}, 4]}},
            "status": {"phase": "Dancing", "canaryWeight": "many", "iterations": -1},
        });
        let canary: Canary = serde_json::from_value(wire).unwrap();
        let hook = Webhook { url: "http://x/".into(), ..Webhook::default() };
        let analysis = Analysis { webhooks: vec![hook], ..Analysis::default() };
        let expected = Canary {
            metadata: Meta { name: "podinfo".into(), ..Meta::default() },
            spec: Spec { analysis: Some(analysis), ..Spec::default() },
            status: Status { phase: "Dancing".into(), iterations: -1, ..Status::default() },
            template: Template::default(),
        };
        assert_eq!((canary.word(), canary), (None, expected));
    }
}
