//! Alert rules. What fires is worked out from the samples when it is asked for: a rule is evaluated at each minute back to
//! where its condition began, so nothing is kept and nothing depends on who asked before.

use chrono::{DateTime, SecondsFormat};
use promql_parser::parser::Expr;
use serde_json::{Value as Json, json};

use crate::demo::prometheus::{
    BadRule, answer, api,
    promql::{self, Fail, Row},
    spec::RuleSpec,
    store::{Labels, NAME, Store},
};

/// Milliseconds between two evaluations.
const INTERVAL: i64 = 60_000;

/// How many evaluations back an alert's begin is looked for, at last a day. Most alerts are young, so few are tried first.
const BACK: [i64; 3] = [15, 120, 24 * 60];

/// A rule whose query has been read.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    spec: RuleSpec,
    expr: Expr,
}

impl Rule {
    /// Reads the rule's query.
    pub(crate) fn new(spec: RuleSpec) -> Result<Self, BadRule> {
        match promql::parse(&spec.expr) {
            Ok(expr) => Ok(Self { spec, expr }),
            Err(fail) => Err(BadRule { alert: spec.alert, text: fail.to_string() }),
        }
    }

    /// What it alerts about at the newest evaluation.
    fn active(&self, store: &Store, now: i64) -> Result<Vec<Alert>, Fail> {
        let newest = now.div_euclid(INTERVAL) * INTERVAL;
        let held = i64::try_from(self.spec.held.as_millis()).unwrap_or(i64::MAX);
        let mut alerts = Vec::new();
        for row in api::vector(store, &[newest], &self.expr)? {
            let Some(value) = row.values.first().copied().flatten() else { continue };
            let mut labels = row.labels.clone();
            labels.remove(NAME);
            labels.extend(self.spec.labels.clone());
            labels.insert("alertname".to_owned(), self.spec.alert.clone());
            let since = self.since(store, newest, &row)?;
            let state = if newest - since >= held { "firing" } else { "pending" };
            alerts.push(Alert { labels, state, since, value });
        }
        Ok(alerts)
    }

    /// The evaluation since which the condition has held without a gap.
    fn since(&self, store: &Store, newest: i64, row: &Row) -> Result<i64, Fail> {
        let mut since = newest;
        for back in BACK {
            let moments: Vec<i64> = (1..=back).map(|ago| newest - ago * INTERVAL).collect();
            let rows = api::vector(store, &moments, &self.expr)?;
            let same = rows.iter().find(|other| other.labels == row.labels);
            let held = same.map_or(0, |row| row.values.iter().take_while(|value| value.is_some()).count());
            since = newest - i64::try_from(held).unwrap_or_default() * INTERVAL;
            if held < moments.len() {
                break;
            }
        }
        Ok(since)
    }
}

/// An alert that is pending or fires.
#[derive(Debug)]
struct Alert {
    labels: Labels,
    state: &'static str,
    since: i64,
    value: f64,
}

impl Alert {
    fn json(&self, rule: &Rule) -> Json {
        json!({
            "labels": self.labels, "annotations": rule.spec.annotations, "state": self.state,
            "activeAt": time(self.since), "value": answer::exponent(self.value),
        })
    }
}

/// `/api/v1/rules`: all rules are in one group.
pub(super) fn groups(store: &Store, rules: &[Rule], now: i64, kind: Option<&str>) -> Result<Json, Fail> {
    let rules = match kind {
        None | Some("alert") => rules,
        Some("record") => &[],
        Some(other) => {
            return Err(Fail::BadData(format!("invalid parameter \"type\": not supported value \"{other}\"")));
        }
    };
    let evaluated = time(now.div_euclid(INTERVAL) * INTERVAL);
    let rules: Vec<Json> = rules.iter().map(|rule| entry(store, rule, now, &evaluated)).collect();
    if rules.is_empty() {
        return Ok(json!({"groups": []}));
    }
    let interval = INTERVAL / 1000;
    Ok(json!({"groups": [{
        "name": "scenario", "file": "scenario", "rules": rules, "interval": interval, "limit": 0, "evaluationTime": 0.0,
        "lastEvaluation": evaluated,
    }]}))
}

/// One rule with its alerts. A rule that cannot be evaluated says so and sinks no other.
fn entry(store: &Store, rule: &Rule, now: i64, evaluated: &str) -> Json {
    let spec = &rule.spec;
    let mut entry = json!({
        "name": spec.alert, "query": spec.expr, "duration": spec.held.as_secs(), "keepFiringFor": 0,
        "labels": spec.labels, "annotations": spec.annotations, "evaluationTime": 0.0, "lastEvaluation": evaluated,
        "type": "alerting",
    });
    let (state, alerts, health, error) = match rule.active(store, now) {
        Ok(alerts) => {
            let states: Vec<&str> = alerts.iter().map(|alert| alert.state).collect();
            let worst = ["firing", "pending"].into_iter().find(|state| states.contains(state)).unwrap_or("inactive");
            (worst, alerts.iter().map(|alert| alert.json(rule)).collect(), "ok", None)
        }
        Err(fail) => ("inactive", Vec::new(), "err", Some(fail.to_string())),
    };
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("state".to_owned(), json!(state));
        fields.insert("alerts".to_owned(), Json::Array(alerts));
        fields.insert("health".to_owned(), json!(health));
        fields.extend(error.map(|error| ("lastError".to_owned(), json!(error))));
    }
    entry
}

/// `/api/v1/alerts`: those of rules that can be evaluated, as a real server has it.
pub(super) fn alerts(store: &Store, rules: &[Rule], now: i64) -> Json {
    let mut all = Vec::new();
    for rule in rules {
        all.extend(rule.active(store, now).unwrap_or_default().iter().map(|alert| alert.json(rule)));
    }
    json!({"alerts": all})
}

fn time(millis: i64) -> String {
    DateTime::from_timestamp_millis(millis).unwrap_or_default().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
