//! The steps of a canary: their words, as upstream writes them (`CanaryStepString`), and what they do.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::domain::{
    rollout::{Event, Step, StepKind},
    text::clean,
    time::Timestamp,
};

/// A step. Exactly one key says what it is; a key that we do not know is shown by its name.
pub fn step(wire: &Value) -> Step {
    let Some((key, value)) = wire.as_object().and_then(|fields| fields.iter().next()) else {
        return Step { label: "invalid".to_owned(), kind: StepKind::Other };
    };
    let named = |name: Option<&str>| name.map_or_else(|| key.clone(), |name| format!("{key}: {name}"));
    let (label, kind) = match key.as_str() {
        "setWeight" => set_weight(value),
        "pause" => pause(value),
        "analysis" => ("analysis".to_owned(), StepKind::Analysis),
        "setCanaryScale" => (canary_scale(value), StepKind::Other),
        "setHeaderRoute" | "setMirrorRoute" | "plugin" => {
            (named(value.get("name").and_then(Value::as_str)), StepKind::Other)
        }
        _ => (key.clone(), StepKind::Other),
    };
    Step { label: clean(&label), kind }
}

fn set_weight(value: &Value) -> (String, StepKind) {
    let kind = value.as_u64().and_then(|weight| u32::try_from(weight).ok()).map(StepKind::SetWeight);
    (format!("setWeight: {value}"), kind.unwrap_or(StepKind::Other))
}

fn pause(value: &Value) -> (String, StepKind) {
    match value.get("duration") {
        None | Some(Value::Null) => ("pause".to_owned(), StepKind::Pause(None)),
        Some(duration) => {
            let text = duration.as_str().map_or_else(|| duration.to_string(), str::to_owned);
            // A pause of unknown length is not one that waits for a human.
            let kind = seconds(&text).map_or(StepKind::Other, |span| StepKind::Pause(Some(span)));
            (format!("pause: {text}"), kind)
        }
    }
}

fn canary_scale(value: &Value) -> String {
    let number = |key: &str| value.get(key).and_then(Value::as_u64);
    if let Some(weight) = number("weight") {
        format!("setCanaryScale{{weight: {weight}}}")
    } else if value.get("matchTrafficWeight").and_then(Value::as_bool) == Some(true) {
        "setCanaryScale{matchTrafficWeight: true}".to_owned()
    } else if let Some(replicas) = number("replicas") {
        format!("setCanaryScale{{replicas: {replicas}}}")
    } else {
        "setCanaryScale".to_owned()
    }
}

/// A span as Argo writes it: seconds (`10`), or Go's form (`1h30m`, `1.5m`, `300ms`).
pub fn seconds(text: &str) -> Option<Duration> {
    if let Ok(whole) = text.parse() {
        return Some(Duration::from_secs(whole));
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
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
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()?)?;
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

/// When each step of this update began, as far as its events and its pause tell: Argo keeps no history of steps. An event
/// `Rollout step 5/8 completed (setWeight: 25)` is the begin of step 5, counted from 0; events of earlier updates are older
/// than `started`. `pause` is since when it waits in which step; what an analysis came to meanwhile says nothing of that.
pub fn times(
    events: &[Event],
    started: Option<Timestamp>,
    pause: Option<(Timestamp, usize)>,
) -> BTreeMap<usize, Timestamp> {
    let completed = |event: &Event| {
        let (done, _) = event.message.strip_prefix("Rollout step ")?.split_once('/')?;
        let of_this = event.reason == "RolloutStepCompleted" && started.is_none_or(|started| event.at >= started);
        of_this.then(|| done.parse().ok()).flatten().map(|done| (done, event.at))
    };
    let mut times: BTreeMap<usize, Timestamp> = started.into_iter().map(|started| (0, started)).collect();
    times.extend(events.iter().filter_map(completed));
    times.extend(pause.map(|(since, step)| (step, since)));
    times
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_step_says_what_it_does() {
        let minutes = |n: u64| StepKind::Pause(Some(Duration::from_secs(n * 60)));
        let table = [
            (json!({"setWeight": 25}), "setWeight: 25", StepKind::SetWeight(25)),
            (json!({"setWeight": 250}), "setWeight: 250", StepKind::SetWeight(250)),
            (json!({"setWeight": -1}), "setWeight: -1", StepKind::Other),
            (json!({"pause": {}}), "pause", StepKind::Pause(None)),
            (json!({"pause": null}), "pause", StepKind::Pause(None)),
            (json!({"pause": {"duration": 60}}), "pause: 60", minutes(1)),
            (json!({"pause": {"duration": "60"}}), "pause: 60", minutes(1)),
            (json!({"pause": {"duration": "1h30m"}}), "pause: 1h30m", minutes(90)),
            (json!({"pause": {"duration": "1.5m"}}), "pause: 1.5m", StepKind::Pause(Some(Duration::from_secs(90)))),
            (json!({"pause": {"duration": "a while"}}), "pause: a while", StepKind::Other),
            (json!({"analysis": {"templates": []}}), "analysis", StepKind::Analysis),
            (json!({"setMirrorRoute": {"name": "m"}}), "setMirrorRoute: m", StepKind::Other),
            (json!({"plugin": {"name": "acme/wait"}}), "plugin: acme/wait", StepKind::Other),
            (json!({"dance": {"\u{1b}[2J": 1}}), "dance", StepKind::Other),
            (json!({"da\u{1b}[2Jnce": 1}), "dance", StepKind::Other),
            (json!("what"), "invalid", StepKind::Other),
        ];
        for (wire, label, kind) in table {
            assert_eq!(step(&wire), Step { label: label.into(), kind }, "{wire}");
        }
    }

    #[test]
    fn steps_began_when_the_one_before_was_completed_and_earlier_updates_do_not_count() {
        let at = |second: i64| Timestamp::from_timestamp(1_773_107_160 + second, 0).unwrap();
        let event = |second, message: &str| Event {
            at: at(second),
            reason: "RolloutStepCompleted".to_owned(),
            message: message.to_owned(),
            warning: false,
            count: 1,
        };
        let events = [
            event(-90, "Rollout step 5/8 completed (setWeight: 25)"),
            event(20, "Rollout step 1/8 completed (setWeight: 5)"),
            event(30, "Rollout step two/8 completed"),
        ];
        assert_eq!(times(&events, Some(at(0)), None), BTreeMap::from([(0, at(0)), (1, at(20))]));
        assert_eq!(times(&events, Some(at(0)), Some((at(21), 1))), BTreeMap::from([(0, at(0)), (1, at(21))]));
    }
}
