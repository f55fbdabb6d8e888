//! What a service is held to, as it is written: its objective and its rules.
//!
//! Here lives the form; what makes an objective or a rule a possible one is the domain's to say (`domain::objective`,
//! `domain::standard`), and is told here at the value that is wrong.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    config::{
        schema::{Config, Service},
        span,
    },
    domain::{
        ids::ServiceName,
        objective::{self, LatencyObjective, NoObjective, Objective},
        standard::{self, IfBroken, Importance, Standard, USUAL_WINDOW},
    },
};

/// A service level objective: `{ objective = 0.999, period = "30d" }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// The share of requests that do not fail, above 0 and below 1.
    pub objective: f64,
    /// The time it is held to.
    #[serde(default = "thirty_days", with = "span")]
    pub period: Duration,
    /// Of response times, where something is promised of them.
    pub latency: Option<Latency>,
}

fn thirty_days() -> Duration {
    Duration::from_hours(30 * 24)
}

/// An objective of response times: `{ le = 0.5, objective = 0.99 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Seconds that a good request takes at most: one of the histogram's bucket bounds.
    pub le: f64,
    /// The share of requests that do, above 0 and below 1.
    pub objective: f64,
}

/// A fixed limit: `{ signal = "error_ratio", max = 0.01, importance = "critical" }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `error_ratio`, `request_rate`, `latency_p50`, `latency_p95` or `latency_p99`.
    pub signal: String,
    /// The value must not be below this.
    pub min: Option<f64>,
    /// The value must not be above this.
    pub max: Option<f64>,
    /// The time that one value is about.
    #[serde(default = "usual_window", with = "span")]
    pub window: Duration,
    /// `critical`: broken, it is NO-GO; `required`: it must hold for a GO; `advisory`: it never decides.
    #[serde(default = "required")]
    pub importance: Importance,
    /// How many windows in a row must violate it until it is broken.
    #[serde(default = "one")]
    pub consecutive: u32,
    /// What a broken `required` rule does: `wait` (no GO) or `no_go`.
    pub if_broken: Option<IfBroken>,
}

fn usual_window() -> Duration {
    USUAL_WINDOW
}

fn required() -> Importance {
    Importance::Required
}

fn one() -> u32 {
    1
}

/// Something that cannot be, and where below the table it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Keys below the table.
    pub path: Vec<&'static str>,
    /// What is wrong, with the way out.
    pub why: String,
}

impl Slo {
    /// As the domain has it.
    ///
    /// # Errors
    /// The value that cannot be.
    pub fn read(&self) -> Result<objective::Slo, Wrong> {
        let field = |why: &NoObjective| match why {
            NoObjective::Target(_) => "objective",
            NoObjective::Period(_) => "period",
            NoObjective::Bound(_) => "le",
        };
        let here = |why: NoObjective| Wrong { path: vec![field(&why)], why: why.to_string() };
        let requests = Objective::new(self.objective, self.period).map_err(here)?;
        let latency = self.latency.as_ref().map(|it| {
            let below = |why: NoObjective| Wrong { path: vec!["latency", field(&why)], why: why.to_string() };
            let objective = Objective::new(it.objective, self.period).map_err(below)?;
            LatencyObjective::new(it.le, objective).map_err(below)
        });
        Ok(objective::Slo { requests, latency: latency.transpose()? })
    }
}

impl Rule {
    /// As the domain has it.
    ///
    /// # Errors
    /// The value that cannot be.
    pub fn read(&self) -> Result<standard::Rule, Wrong> {
        let wrong = |why: standard::BadRule| Wrong { path: why.field().into_iter().collect(), why: why.to_string() };
        let signal: standard::Measure = self.signal.parse().map_err(wrong)?;
        if let standard::Measure::Series(_) = signal {
            // Nothing that is configured can measure one yet: a rule on it would be NO DATA for ever.
            return Err(wrong(standard::BadRule::Signal(self.signal.clone())));
        }
        if self.if_broken.is_some() && self.importance != Importance::Required {
            let why = format!("`if_broken` is for required rules; this one is {}", self.importance);
            return Err(Wrong { path: vec!["if_broken"], why });
        }
        let rule = standard::Rule {
            signal,
            min: self.min,
            max: self.max,
            window: self.window,
            importance: self.importance,
            consecutive: self.consecutive,
            if_broken: self.if_broken.unwrap_or_default(),
        };
        rule.checked().map_err(wrong)
    }
}

impl Service {
    /// What it is held to.
    ///
    /// # Errors
    /// The first value that cannot be; a configuration that was checked has none.
    pub fn standard(&self) -> Result<Standard, Wrong> {
        let slo = self.slo.as_ref().map(Slo::read).transpose()?;
        Ok(Standard { slo, rules: self.rules.iter().map(Rule::read).collect::<Result<_, _>>()? })
    }
}

impl Config {
    /// What services are held to; those that are held to nothing are not in it.
    ///
    /// # Errors
    /// As [`Service::standard`], with the service's name before it.
    pub fn standards(&self) -> Result<BTreeMap<ServiceName, Standard>, String> {
        let mut all = BTreeMap::new();
        for (name, service) in &self.services {
            let standard = service.standard().map_err(|wrong| format!("services.{name}: {}", wrong.why))?;
            if standard != Standard::default() {
                all.insert(ServiceName::new(name), standard);
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standards(text: &str) -> Result<BTreeMap<ServiceName, Standard>, String> {
        toml::from_str::<Config>(text).unwrap().standards()
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let all = standards(
            r#"
            [services.payments]
            slo = { objective = 0.999, latency = { le = 0.5, objective = 0.99 } }
            rules = [{ signal = "latency_p99", max = 1 }]
            [services.ledger]
            owner = "team-money"
            "#,
        );
        let month = Duration::from_hours(720);
        let requests = Objective::new(0.999, month).unwrap();
        let latency = LatencyObjective::new(0.5, Objective::new(0.99, month).unwrap()).unwrap();
        let rule = standard::Rule {
            signal: standard::Measure::LatencyP99,
            min: None,
            max: Some(1.0),
            window: Duration::from_mins(5),
            importance: Importance::Required,
            consecutive: 1,
            if_broken: IfBroken::Wait,
        };
        let payments = Standard { slo: Some(objective::Slo { requests, latency: Some(latency) }), rules: vec![rule] };
        assert_eq!(all, Ok(BTreeMap::from([("payments".into(), payments)])));
    }

    #[test]
    fn what_cannot_be_is_told_with_the_service() {
        let wrong = standards("services.payments.slo.objective = 1").unwrap_err();
        assert!(wrong.starts_with("services.payments: `objective` is 1: it must lie above 0 and below 1"), "{wrong}");
    }
}
