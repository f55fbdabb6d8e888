//! What bounds the pods of a namespace: quotas, autoscalers, disruption budgets.
//!
//! Source: `ResourceQuota` of `v1`, `HorizontalPodAutoscaler` of `autoscaling/v2`, `PodDisruptionBudget` of `policy/v1`. A controller that
//! exchanges pods deletes them, and is not held up by a budget, which is for evictions.

use std::collections::BTreeMap;

use futures::future::join3;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt};
use serde::Deserialize;
use serde_json::Value;

use super::{Ground, Set, quantity::quantity, unread};
use crate::{
    domain::{
        preflight::{About, Check, Grade},
        text::clean,
    },
    port::error::ProviderError,
    provider::kubernetes::{
        api::{Meta, lenient},
        cluster::Cluster,
        request::{AUTOSCALERS, DISRUPTION_BUDGETS, QUOTAS, Query},
        template::Template,
    },
};

#[derive(Debug, Default, Deserialize)]
struct Quota {
    metadata: Meta,
    #[serde(default, deserialize_with = "lenient")]
    spec: QuotaSpec,
    #[serde(default, deserialize_with = "lenient")]
    status: QuotaStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QuotaSpec {
    #[serde(default, deserialize_with = "lenient")]
    scopes: Vec<Value>,
    #[serde(default, deserialize_with = "lenient")]
    scope_selector: Value,
}

#[derive(Debug, Default, Deserialize)]
struct QuotaStatus {
    #[serde(default, deserialize_with = "lenient")]
    hard: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "lenient")]
    used: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
struct Scaler {
    metadata: Meta,
    #[serde(default, deserialize_with = "lenient")]
    spec: ScalerSpec,
    #[serde(default, deserialize_with = "lenient")]
    status: ScalerStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScalerSpec {
    #[serde(default, deserialize_with = "lenient")]
    scale_target_ref: ScaleTarget,
    #[serde(default, deserialize_with = "lenient")]
    max_replicas: u32,
}

#[derive(Debug, Default, Deserialize)]
struct ScaleTarget {
    #[serde(default, deserialize_with = "lenient")]
    kind: String,
    #[serde(default, deserialize_with = "lenient")]
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScalerStatus {
    #[serde(default, deserialize_with = "lenient")]
    desired_replicas: u32,
}

#[derive(Debug, Default, Deserialize)]
struct Budget {
    metadata: Meta,
    #[serde(default, deserialize_with = "lenient")]
    spec: BudgetSpec,
    #[serde(default, deserialize_with = "lenient")]
    status: BudgetStatus,
}

#[derive(Debug, Default, Deserialize)]
struct BudgetSpec {
    #[serde(default, deserialize_with = "lenient")]
    selector: Option<LabelSelector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BudgetStatus {
    #[serde(default, deserialize_with = "lenient")]
    disruptions_allowed: u32,
    #[serde(default, deserialize_with = "lenient")]
    current_healthy: u32,
    #[serde(default, deserialize_with = "lenient")]
    desired_healthy: u32,
}

/// Everything that bounds the pods of a version which must start.
pub(super) async fn checks(cluster: &Cluster, ground: &Ground, set: &Set) -> Result<Vec<Check>, ProviderError> {
    let query = |resource| Query::all(resource, Some(ground.at.0.clone()));
    let (quotas, scalers, budgets) = (query(QUOTAS), query(AUTOSCALERS), query(DISRUPTION_BUDGETS));
    let told =
        join3(cluster.list::<Quota>(&quotas), cluster.list::<Scaler>(&scalers), cluster.list::<Budget>(&budgets)).await;
    let mut checks = Vec::new();
    match told.0 {
        Ok(all) => checks.extend(all.iter().filter_map(|one| quota(ground, set, one))),
        Err(error) => checks.push(unread(About::Quota, "whether a quota leaves room", QUOTAS, error)?),
    }
    match told.1 {
        Ok(all) => checks.extend(all.iter().filter_map(|one| scaler(ground, one))),
        Err(error) => checks.push(unread(About::Autoscaler, "how many pods an autoscaler allows", AUTOSCALERS, error)?),
    }
    match told.2 {
        Ok(all) => checks.extend(all.iter().filter_map(|one| budget(set, one))),
        Err(error) => {
            checks.push(unread(About::Disruption, "how many pods may be missing", DISRUPTION_BUDGETS, error)?);
        }
    }
    Ok(checks)
}

/// Whether a quota leaves room for the pods that come at once; nothing of one that bounds something else.
fn quota(ground: &Ground, set: &Set, quota: &Quota) -> Option<Check> {
    let pods = ground.turnover.batch(ground.to_start());
    let name = clean(&quota.metadata.name);
    let mut bounds = false;
    let mut tightest: Option<(u32, String)> = None;
    for (what, hard) in &quota.status.hard {
        let Some(each) = each_takes(&set.template, what).filter(|each| *each > 0.0) else { continue };
        let used = quota.status.used.get(what).map_or(Some(0.0), |used| quantity(used));
        let Some(left) = quantity(hard).zip(used).map(|(hard, used)| (hard - used).max(0.0)) else { continue };
        bounds = true;
        let fits = (1..=pods).rev().find(|pods| f64::from(*pods) * each <= left + 1e-9).unwrap_or(0);
        if fits < pods && tightest.as_ref().is_none_or(|(known, _)| fits < *known) {
            tightest = Some((fits, clean(what)));
        }
    }
    let Some((fits, what)) = tightest else {
        return bounds.then(|| Check::new(About::Quota, Grade::Good, format!("the quota {name} leaves room")));
    };
    let scoped = !quota.spec.scopes.is_empty() || !quota.spec.scope_selector.is_null();
    // Where old pods may go first, they make the room themselves; and a scope may leave these pods out.
    let stuck = fits == 0 && !scoped && ground.turnover.unavailable == 0 && set.ready == 0;
    let words = format!("the quota {name} leaves room for {fits} of {pods} pods that start at once ({what})");
    let grade = if stuck { Grade::Red } else { Grade::Amber };
    Some(Check::new(About::Quota, grade, words).mended_by("raise it, or make room"))
}

/// What one pod of a template takes of what a quota names; nothing of what pods do not take.
fn each_takes(template: &Template, what: &str) -> Option<f64> {
    let sum = |of: &[&str], name: &str| {
        let containers = template.0.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
        let one = |container: &Value| {
            let said = of.iter().find_map(|of| container.pointer(&format!("/resources/{of}/{name}")))?;
            said.as_str().map_or_else(|| said.as_f64(), quantity)
        };
        containers.filter_map(one).sum::<f64>()
    };
    // What is limited and asks for nothing asks for its limit.
    let asks = ["requests", "limits"];
    match what {
        "pods" | "count/pods" => Some(1.0),
        "cpu" | "requests.cpu" => Some(sum(&asks, "cpu")),
        "memory" | "requests.memory" => Some(sum(&asks, "memory")),
        "limits.cpu" => Some(sum(&["limits"], "cpu")),
        "limits.memory" => Some(sum(&["limits"], "memory")),
        _ => None,
    }
}

/// How much an autoscaler of the object leaves.
fn scaler(ground: &Ground, scaler: &Scaler) -> Option<Check> {
    let target = &scaler.spec.scale_target_ref;
    let own = ground.resource.is_kind(&target.kind) && target.name == ground.at.1;
    let (name, now, most) = (clean(&scaler.metadata.name), scaler.status.desired_replicas, scaler.spec.max_replicas);
    own.then(|| {
        if most > 0 && now >= most {
            Check::new(About::Autoscaler, Grade::Amber, format!("the autoscaler {name} is at its most, {most} pods"))
        } else {
            Check::new(
                About::Autoscaler,
                Grade::Good,
                format!("the autoscaler {name} has {now} of at most {most} pods"),
            )
        }
    })
}

/// How a disruption budget of the version's pods stands.
fn budget(set: &Set, budget: &Budget) -> Option<Check> {
    let labels = set.template.0.pointer("/metadata/labels").and_then(Value::as_object)?;
    let labels: BTreeMap<String, String> =
        labels.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    let selector = Selector::try_from(budget.spec.selector.clone()?).ok()?;
    if !selector.matches(&labels) {
        return None;
    }
    let (name, status) = (clean(&budget.metadata.name), &budget.status);
    let (now, wanted) = (status.current_healthy, status.desired_healthy);
    Some(if now < wanted {
        Check::new(
            About::Disruption,
            Grade::Amber,
            format!("the budget {name} asks for {wanted} healthy pods, and {now} are"),
        )
    } else if status.disruptions_allowed == 0 {
        let words = format!("the budget {name} allows no eviction now; pods that are exchanged are not evicted");
        Check::new(About::Disruption, Grade::Good, words)
    } else {
        Check::new(About::Disruption, Grade::Good, format!("the budget {name} is kept"))
    })
}
