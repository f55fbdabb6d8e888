//! What a verdict needs and does not have.

use crate::judge::gaps::{Arm, Gap, Missing, Unread};

/// `latency p99 (canary) has no series`, or what there is to say that is more than the name of the signal.
pub fn missing(missing: &Missing) -> String {
    let how = match &missing.gap {
        Gap::NoSeries => "has no series",
        Gap::EndedAt(_) => "has ended",
        Gap::NoTraffic => "has no traffic",
        Gap::Uncounted(_) | Gap::NotCalled { .. } | Gap::Unread(_) => return sentence(missing).unwrap_or_default(),
    };
    format!("{} ({}) {how}", missing.signal, missing.arm)
}

/// `requests, errors (canary); latency p99 (stable)`; what has more to say than its name comes first.
pub(super) fn list(all: &[Missing]) -> String {
    let mut said: Vec<String> = all.iter().filter_map(sentence).collect();
    said.dedup();
    let of = |arm: Arm| {
        let plain = all.iter().filter(|m| m.arm == arm && sentence(m).is_none());
        let mut signals: Vec<_> = plain.map(|m| m.signal.to_string()).collect();
        signals.dedup();
        (!signals.is_empty()).then(|| format!("{} ({arm})", signals.join(", ")))
    };
    said.extend([of(Arm::Canary), of(Arm::Stable)].into_iter().flatten());
    said.join("; ")
}

/// What there is to say that is more than the name of the signal.
fn sentence(missing: &Missing) -> Option<String> {
    let whose = match missing.arm {
        Arm::Canary => "the canary's",
        Arm::Stable => "stable's",
    };
    match &missing.gap {
        Gap::NoSeries | Gap::EndedAt(_) | Gap::NoTraffic => None,
        Gap::Uncounted(why) => {
            Some(format!("{} ({}) cannot be counted: {whose} requests {why}", missing.signal, missing.arm))
        }
        Gap::NotCalled { service, called, there } => Some(not_called(service, called, there)),
        Gap::Unread(why) => Some(unread(why)),
    }
}

/// Why nothing is known of what there is.
fn unread(why: &Unread) -> String {
    match why {
        Unread::NothingMeasures => {
            let add = "add a connection that measures to the configuration, as examples/config/full.toml shows";
            format!("no metrics are connected, so nothing can be judged: {add}")
        }
        Unread::Silent { source, fault: Some(fault) } => format!("{source} has not answered: {fault}"),
        Unread::Silent { source, fault: None } => format!("{source} has not answered yet"),
        Unread::Times(why) => format!("response times cannot be read: {why}"),
    }
}

/// `payments has series of the versions v1.41.3, v1.42.0; none is called 1.42.0`.
fn not_called(service: &str, called: &str, there: &[String]) -> String {
    const NAMED: usize = 6;
    let name = |version: &String| if version.is_empty() { "\"\" (no version)".to_owned() } else { version.clone() };
    let mut names: Vec<String> = there.iter().take(NAMED).map(name).collect();
    if there.len() > NAMED {
        names.push(format!("{} more", there.len() - NAMED));
    }
    match names.as_slice() {
        [one] => format!("{service} has series of the version {one}, which is not called {called}"),
        _ => format!("{service} has series of the versions {}; none is called {called}", names.join(", ")),
    }
}
