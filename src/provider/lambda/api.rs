//! What Lambda and CodeDeploy say, as far as it is read: tolerant of what is not there or null. What a version's environment holds is never
//! read.
//!
//! Source: docs.aws.amazon.com/lambda/latest/api and docs.aws.amazon.com/codedeploy/latest/APIReference; botocore's models of both.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::time::Timestamp;

/// An alias.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Alias {
    #[serde(rename = "AliasArn")]
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) function_version: String,
    pub(super) routing_config: Option<Routing>,
    pub(super) revision_id: Option<String>,
}

/// The shares of versions beside the one that an alias points at, 0 to 1.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Routing {
    pub(super) additional_version_weights: Option<BTreeMap<String, f64>>,
}

impl Alias {
    /// The versions beside the one that it points at, with the share of each.
    pub(super) fn others(&self) -> impl Iterator<Item = (&str, f64)> {
        let weights = self.routing_config.as_ref().and_then(|routing| routing.additional_version_weights.as_ref());
        let there = weights.into_iter().flatten().filter(|(_, share)| **share > 0.0);
        there.map(|(version, share)| (version.as_str(), *share))
    }

    /// The version on its way in: the one beside it.
    pub(super) fn coming(&self) -> Option<(&str, f64)> {
        self.others().next()
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Aliases {
    pub(super) next_marker: Option<String>,
    pub(super) aliases: Vec<Alias>,
}

/// A version of a function.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Published {
    pub(super) version: String,
    pub(super) description: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) code_sha256: Option<String>,
    pub(super) state: Option<String>,
    pub(super) state_reason: Option<String>,
    pub(super) package_type: Option<String>,
    pub(super) layers: Option<Vec<Layer>>,
}

/// A layer of a version.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Layer {
    pub(super) arn: Option<String>,
}

impl Published {
    /// Its number; `None` for `$LATEST`.
    pub(super) fn number(&self) -> Option<u64> {
        self.version.parse().ok()
    }

    /// When it was published.
    pub(super) fn made(&self) -> Option<Timestamp> {
        let text = self.last_modified.as_deref()?;
        let read = chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z");
        read.or_else(|_| chrono::DateTime::parse_from_rfc3339(text)).ok().map(|at| at.to_utc())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Versions {
    pub(super) next_marker: Option<String>,
    pub(super) versions: Vec<Published>,
}

/// One of a list of functions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    pub(super) function_name: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Functions {
    pub(super) next_marker: Option<String>,
    pub(super) functions: Vec<Named>,
}

/// What is kept free for a function, of all that the account may run at once.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Reserved {
    pub(super) reserved_concurrent_executions: Option<u32>,
}

/// What is kept warm for a version or an alias.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Provisioned {
    pub(super) function_arn: String,
    pub(super) requested_provisioned_concurrent_executions: Option<u32>,
    pub(super) available_provisioned_concurrent_executions: Option<u32>,
    pub(super) status: Option<String>,
    pub(super) status_reason: Option<String>,
}

impl Provisioned {
    /// Of which version or alias it is.
    pub(super) fn qualifier(&self) -> &str {
        self.function_arn.rsplit(':').next().unwrap_or_default()
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Warm {
    pub(super) provisioned_concurrency_configs: Vec<Provisioned>,
    pub(super) next_marker: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Applications {
    pub(super) applications: Vec<String>,
    pub(super) next_token: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApplicationsInfo {
    pub(super) applications_info: Vec<Application>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Application {
    pub(super) application_name: String,
    pub(super) compute_platform: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupNames {
    pub(super) deployment_groups: Vec<String>,
    pub(super) next_token: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Groups {
    pub(super) deployment_groups_info: Vec<Group>,
}

/// A deployment group.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Group {
    pub(super) application_name: String,
    pub(super) deployment_group_name: String,
    pub(super) alarm_configuration: Option<Alarms>,
    pub(super) auto_rollback_configuration: Option<Automatic>,
    pub(super) last_attempted_deployment: Option<Last>,
}

/// The alarms that stop a deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Alarms {
    pub(super) enabled: bool,
    pub(super) alarms: Vec<Alarm>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Alarm {
    pub(super) name: Option<String>,
}

/// When it goes back by itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Automatic {
    pub(super) enabled: bool,
    pub(super) events: Vec<String>,
}

/// The last deployment that was tried.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Last {
    pub(super) deployment_id: String,
    pub(super) status: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Ids {
    pub(super) deployments: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deployments {
    pub(super) deployments_info: Vec<Deployment>,
}

/// A deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Deployment {
    #[serde(rename = "deploymentId")]
    pub(super) id: String,
    #[serde(rename = "deploymentConfigName")]
    pub(super) config_name: Option<String>,
    pub(super) status: String,
    pub(super) error_information: Option<Trouble>,
    pub(super) create_time: Option<f64>,
    pub(super) complete_time: Option<f64>,
    pub(super) description: Option<String>,
    pub(super) creator: Option<String>,
    pub(super) rollback_info: Option<Rollback>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Trouble {
    pub(super) message: Option<String>,
}

/// Which deployment undid it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Rollback {
    pub(super) rollback_deployment_id: Option<String>,
    pub(super) rollback_triggering_deployment_id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TargetIds {
    pub(super) target_ids: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Targets {
    pub(super) deployment_targets: Vec<Target>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Target {
    pub(super) lambda_target: Option<LambdaTarget>,
}

/// What a deployment does to an alias.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LambdaTarget {
    pub(super) lifecycle_events: Option<Vec<Lifecycle>>,
    pub(super) lambda_function_info: Option<FunctionInfo>,
}

/// A hook, or the shift itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Lifecycle {
    #[serde(rename = "lifecycleEventName")]
    pub(super) name: String,
    pub(super) start_time: Option<f64>,
    pub(super) status: Option<String>,
}

/// Which alias goes from which version to which.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FunctionInfo {
    pub(super) function_name: Option<String>,
    pub(super) function_alias: Option<String>,
    pub(super) current_version: Option<String>,
    pub(super) target_version: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    pub(super) deployment_config_info: Config,
}

/// How traffic is shifted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Config {
    pub(super) traffic_routing_config: Option<Shift>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Shift {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) time_based_canary: Option<Canary>,
    pub(super) time_based_linear: Option<Linear>,
}

/// So much first, and after so many minutes all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Canary {
    pub(super) canary_percentage: u32,
    pub(super) canary_interval: u32,
}

/// So much more every so many minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Linear {
    pub(super) linear_percentage: u32,
    pub(super) linear_interval: u32,
}

/// A moment, as seconds with a fraction.
pub(super) fn moment(seconds: Option<f64>) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "what does not fit is no moment")]
    let millis = (seconds? * 1000.0).round() as i64;
    chrono::DateTime::from_timestamp_millis(millis)
}
