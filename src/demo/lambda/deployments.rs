//! CodeDeploy's operations: applications, groups, deployments and what they are about.

use serde_json::{Map, Value, json};

use crate::{
    demo::lambda::{
        Lambda,
        deploy::{BY_HAND, Begin, Deployment, Shift},
        route::{Outcome, Refused, refused},
        spec::GroupSpec,
    },
    domain::time::{Timestamp, after},
};

fn seconds(at: Timestamp) -> Value {
    json!(at.timestamp_millis() as f64 / 1000.0)
}

/// An object of those that are there.
fn object(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let there = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}

/// A field that must be there.
fn field<'v>(body: &'v Value, name: &str, missing: &str) -> Result<&'v str, Refused> {
    body.get(name).and_then(Value::as_str).ok_or_else(|| refused(400, missing, format!("{name} is required")))
}

fn names(body: &Value, name: &str) -> Vec<String> {
    let all = body.get(name).and_then(Value::as_array).into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Lambda {
    pub(super) fn operate(&mut self, now: Timestamp, operation: &str, body: &Value) -> Outcome {
        match operation {
            "ListApplications" => {
                let mut all: Vec<&str> = self.spec.groups.iter().map(|group| group.application.as_str()).collect();
                all.dedup();
                Ok(json!({"applications": all}))
            }
            "BatchGetApplications" => {
                let wanted = names(body, "applicationNames");
                let one = |name: &String| {
                    let there = self.spec.groups.iter().any(|group| group.application == *name);
                    there.then(|| json!({"applicationName": name, "computePlatform": "Lambda"}))
                };
                Ok(json!({"applicationsInfo": wanted.iter().filter_map(one).collect::<Vec<_>>()}))
            }
            "ListDeploymentGroups" => {
                let application = self.application(body)?;
                let groups = self.spec.groups.iter().filter(|group| group.application == application);
                let all: Vec<&str> = groups.map(|group| group.name.as_str()).collect();
                Ok(json!({"applicationName": application, "deploymentGroups": all}))
            }
            "BatchGetDeploymentGroups" => {
                let (application, wanted) = (self.application(body)?, names(body, "deploymentGroupNames"));
                let groups = self.spec.groups.iter().enumerate();
                let mine = groups.filter(|(_, one)| one.application == application && wanted.contains(&one.name));
                Ok(
                    json!({"deploymentGroupsInfo": mine.map(|(place, one)| self.grouped(place, one)).collect::<Vec<_>>()}),
                )
            }
            "ListDeployments" => {
                let place = self.place(body)?;
                let mine = self.deployments.iter().rev().filter(|one| one.group == place);
                Ok(json!({"deployments": mine.map(|one| one.id.as_str()).collect::<Vec<_>>()}))
            }
            "BatchGetDeployments" => {
                let wanted = names(body, "deploymentIds");
                let mine = self.deployments.iter().filter(|one| wanted.contains(&one.id));
                Ok(json!({"deploymentsInfo": mine.map(|one| self.deployed(one)).collect::<Vec<_>>()}))
            }
            "ListDeploymentTargets" => {
                let one = self.deployment(body)?;
                let id = self.group(one.group).map(|group| format!("{}:{}", group.function, group.alias));
                Ok(json!({"targetIds": id.into_iter().collect::<Vec<_>>()}))
            }
            "BatchGetDeploymentTargets" => {
                let one = self.deployment(body)?;
                let target = self.group(one.group).map(|group| self.target(one, group, now));
                Ok(json!({"deploymentTargets": target.into_iter().collect::<Vec<_>>()}))
            }
            "GetDeploymentConfig" => {
                config(field(body, "deploymentConfigName", "DeploymentConfigNameRequiredException")?)
            }
            "StopDeployment" => {
                let id = self.deployment(body)?.id.clone();
                let back = body.get("autoRollbackEnabled").and_then(Value::as_bool).unwrap_or(false);
                if !self.stop(&id, back, now, BY_HAND) {
                    let text = format!("The deployment {id} is already in a final state.");
                    return Err(refused(400, "DeploymentAlreadyCompletedException", text));
                }
                Ok(json!({"status": "Succeeded", "statusMessage": "The deployment was stopped."}))
            }
            "CreateDeployment" => self.create(now, body),
            _ => Err(refused(400, "UnknownOperationException", "")),
        }
    }

    fn application<'v>(&self, body: &'v Value) -> Result<&'v str, Refused> {
        let name = field(body, "applicationName", "ApplicationNameRequiredException")?;
        if self.spec.groups.iter().any(|group| group.application == name) {
            return Ok(name);
        }
        Err(refused(400, "ApplicationDoesNotExistException", format!("No application found for name: {name}")))
    }

    fn place(&self, body: &Value) -> Result<usize, Refused> {
        let application = self.application(body)?;
        let name = field(body, "deploymentGroupName", "DeploymentGroupNameRequiredException")?;
        let found = self.spec.groups.iter().position(|group| group.application == application && group.name == name);
        found.ok_or_else(|| {
            let text = format!("No Deployment Group found for name: {name}");
            refused(400, "DeploymentGroupDoesNotExistException", text)
        })
    }

    fn deployment(&self, body: &Value) -> Result<&Deployment, Refused> {
        let id = field(body, "deploymentId", "DeploymentIdRequiredException")?;
        self.deployments.iter().find(|one| one.id == id).ok_or_else(|| {
            refused(400, "DeploymentDoesNotExistException", format!("The deployment {id} could not be found"))
        })
    }

    fn grouped(&self, place: usize, group: &GroupSpec) -> Value {
        let mine = || self.deployments.iter().rev().filter(|one| one.group == place);
        let last = |one: &Deployment| {
            object([
                ("deploymentId", Some(json!(one.id))),
                ("status", Some(json!(status(one)))),
                ("createTime", Some(seconds(one.begun))),
                ("endTime", one.ended.map(|(at, _)| seconds(at))),
            ])
        };
        let alarms: Vec<Value> = group.alarms.iter().map(|name| json!({"name": name})).collect();
        let events = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"];
        object([
            ("applicationName", Some(json!(group.application))),
            ("deploymentGroupName", Some(json!(group.name))),
            ("deploymentConfigName", Some(json!(group.config))),
            ("computePlatform", Some(json!("Lambda"))),
            ("serviceRoleArn", Some(json!(format!("arn:aws:iam::{}:role/codedeploy", self.spec.account)))),
            (
                "deploymentStyle",
                Some(json!({"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"})),
            ),
            (
                "alarmConfiguration",
                Some(json!({"enabled": !alarms.is_empty(), "ignorePollAlarmFailure": false, "alarms": alarms})),
            ),
            (
                "autoRollbackConfiguration",
                Some(
                    json!({"enabled": group.automatic, "events": if group.automatic { events.as_slice() } else { &[] }}),
                ),
            ),
            ("lastAttemptedDeployment", mine().next().map(last)),
            ("lastSuccessfulDeployment", mine().find(|one| status(one) == "Succeeded").map(last)),
        ])
    }

    fn deployed(&self, one: &Deployment) -> Value {
        let group = self.group(one.group);
        let undone = one.undone_by.as_ref().map(|id| json!({"rollbackDeploymentId": id}));
        let undoes = one.undoes.as_ref().map(|id| json!({"rollbackTriggeringDeploymentId": id}));
        object([
            ("applicationName", group.map(|group| json!(group.application))),
            ("deploymentGroupName", group.map(|group| json!(group.name))),
            ("deploymentConfigName", Some(json!(one.config))),
            ("deploymentId", Some(json!(one.id))),
            ("status", Some(json!(status(one)))),
            ("createTime", Some(seconds(one.begun))),
            ("completeTime", one.ended.map(|(at, _)| seconds(at))),
            ("creator", Some(json!(one.by))),
            ("description", Some(json!(one.description)).filter(|_| !one.description.is_empty())),
            ("computePlatform", Some(json!("Lambda"))),
            ("rollbackInfo", undone.or(undoes)),
            ("errorInformation", one.trouble.map(|trouble| json!({"code": "MANUAL_STOP", "message": trouble}))),
        ])
    }

    fn target(&self, one: &Deployment, group: &GroupSpec, now: Timestamp) -> Value {
        let shifts = one.shifts_at();
        let share = self.function(&group.function).and_then(|function| {
            let alias = function.aliases.iter().find(|alias| alias.name == group.alias)?;
            let beside = alias.canary.as_ref().filter(|(number, _)| *number == one.to).map(|(_, share)| *share);
            Some(beside.unwrap_or(if alias.version == one.to { 1.0 } else { 0.0 }))
        });
        let all = share.is_some_and(|share| share >= 1.0);
        let event = |name: &str, from: Timestamp, over: bool| {
            let begun = now >= from;
            let word = match (over, one.ended, begun) {
                (true, ..) | (false, Some((_, "Succeeded")), _) => "Succeeded",
                (false, Some(_), _) => "Skipped",
                (false, None, true) => "InProgress",
                (false, None, false) => "Pending",
            };
            object([
                ("lifecycleEventName", Some(json!(name))),
                ("status", Some(json!(word))),
                ("startTime", begun.then(|| seconds(from))),
            ])
        };
        let done = one.ended.map_or(now, |(at, _)| at);
        let events = [
            event("BeforeAllowTraffic", one.begun, now >= shifts),
            event("AllowTraffic", shifts, all),
            event("AfterAllowTraffic", if all { done } else { after(now, std::time::Duration::from_secs(1)) }, false),
        ];
        let info = json!({"functionName": group.function, "functionAlias": group.alias, "currentVersion": one.from,
            "targetVersion": one.to, "targetVersionWeight": share.unwrap_or_default()});
        json!({"deploymentTargetType": "LambdaTarget", "lambdaTarget": {
            "deploymentId": one.id, "targetId": format!("{}:{}", group.function, group.alias),
            "targetArn": self.spec.function(&group.function), "status": target_status(one), "lastUpdatedAt": seconds(now),
            "lifecycleEvents": events, "lambdaFunctionInfo": info}})
    }

    /// Begins a deployment of what its content says.
    fn create(&mut self, now: Timestamp, body: &Value) -> Outcome {
        let place = self.place(body)?;
        let invalid = |text: &str| refused(400, "InvalidRevisionException", text);
        let content = body.pointer("/revision/appSpecContent/content").and_then(Value::as_str);
        let content: Value = content
            .and_then(|content| serde_json::from_str(content).ok())
            .ok_or_else(|| invalid("the content is no application specification"))?;
        let resource = content.pointer("/Resources/0").and_then(Value::as_object).and_then(|all| all.values().next());
        let of = |name: &str| resource.and_then(|one| one.pointer(&format!("/Properties/{name}"))?.as_str());
        let group = self.group(place).cloned().unwrap_or_default();
        if (of("Name"), of("Alias")) != (Some(&*group.function), Some(&*group.alias)) {
            return Err(invalid("it names another function than the group moves"));
        }
        let (Some(from), Some(to)) = (of("CurrentVersion"), of("TargetVersion")) else {
            return Err(invalid("it names no versions"));
        };
        if let Some(live) = self.deployments.iter().find(|one| one.group == place && one.is_live()) {
            let text = format!("The Deployment Group '{}' already has an active Deployment '{}'", group.name, live.id);
            return Err(refused(400, "DeploymentLimitExceededException", text));
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        if text("deploymentConfigName").is_some_and(|name| Shift::of(&name).is_none()) {
            return Err(refused(400, "DeploymentConfigDoesNotExistException", "No deployment configuration found"));
        }
        let begin = Begin {
            from: from.to_owned(),
            to: to.to_owned(),
            config: text("deploymentConfigName"),
            by: "user".to_owned(),
            description: text("description").unwrap_or_default(),
        };
        let id = self.begin(place, begin, now);
        if self.version_of(place).as_deref() != Some(from) {
            self.stop(&id, false, now, BY_HAND);
        }
        Ok(json!({"deploymentId": id}))
    }
}

fn status(one: &Deployment) -> &'static str {
    one.ended.map_or("InProgress", |(_, how)| how)
}

fn target_status(one: &Deployment) -> &'static str {
    match one.ended {
        None => "InProgress",
        Some((_, "Succeeded")) => "Succeeded",
        Some(_) => "Failed",
    }
}

fn config(name: &str) -> Outcome {
    let Some(shift) = Shift::of(name) else {
        let text = format!("No deployment configuration found for name: {name}");
        return Err(refused(400, "DeploymentConfigDoesNotExistException", text));
    };
    let routing = match shift {
        Shift::AtOnce => json!({"type": "AllAtOnce"}),
        Shift::Canary(share, minutes) => {
            json!({"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": share, "canaryInterval": minutes}})
        }
        Shift::Linear(share, minutes) => {
            json!({"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": share, "linearInterval": minutes}})
        }
    };
    Ok(
        json!({"deploymentConfigInfo": {"deploymentConfigName": name, "computePlatform": "Lambda", "trafficRoutingConfig": routing}}),
    )
}
