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
pub fn unread(why: &Unread) -> String {
    match why {
        Unread::NothingMeasures => {
            "no metrics are connected, so nothing can be judged: add a connection that measures (`holdshort config schema` shows how)"
                .to_owned()
        }
        Unread::Silent { source, fault: Some(fault) } => format!("{source} has not answered: {fault}"),
        Unread::Silent { source, fault: None } => format!("{source} has not answered yet"),
        Unread::Times(why) => format!("response times cannot be read: {why}"),
        Unread::Uncovered { environment } => {
            format!("no metrics are connected that cover {environment}: name it in `covers` of those that do")
        }
        Unread::Unplaced { sources, service, environments } => unplaced(sources, service, environments),
        Unread::Earlier(at) => format!("what it did before {} is not read yet", at.format("%m-%d %H:%M")),
    }
}

/// `metrics has series of payments, which runs in prod/eu and prod/us, and does not say of which they are: …`.
fn unplaced(sources: &[String], service: &str, environments: &[String]) -> String {
    let all = |names: &[String]| names.join(" and ");
    match sources {
        [source] => format!(
            "{source} has series of {service}, which runs in {}, and does not say of which they are: set `place_label` or \
             `covers` of that connection",
            all(environments)
        ),
        _ => format!(
            "{} have series of {service}, and do not say of which environment: set `covers` of each of these connections",
            all(sources)
        ),
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
