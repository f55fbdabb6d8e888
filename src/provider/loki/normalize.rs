//! From the wire to lines: whose they are, how bad they say they are, and what is kept beside them.

use std::collections::BTreeMap;

use crate::{
    domain::{
        line::{Level, LogLine},
        text::clean,
        time::Timestamp,
    },
    provider::loki::{
        Settings,
        api::{Entry, Pairs, Stream},
    },
};

/// Labels, or structured metadata, that name a version, the likeliest first.
pub(super) const VERSIONS: [&str; 9] = [
    "version",
    "service_version",
    "app_version",
    "app_kubernetes_io_version",
    "image_tag",
    "rollouts_pod_template_hash",
    "pod_template_hash",
    "k8s_replicaset_name",
    "replicaset",
];
/// The same for a pod.
pub(super) const PODS: [&str; 4] = ["pod", "k8s_pod_name", "pod_name", "service_instance_id"];
const LEVELS: [&str; 3] = ["detected_level", "level", "severity_text"];
/// What is kept beside one line.
const FIELDS: usize = 20;
/// Characters of one of these.
const VALUE: usize = 200;

/// A line, and what tells it from others that were written in the same nanosecond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    /// Nanoseconds since 1970.
    pub(super) at: i64,
    pub(super) line: LogLine,
}

/// The lines of an answer, in order of time.
pub(super) fn lines(settings: &Settings, streams: Vec<Stream>) -> Vec<Read> {
    let of = |Stream { stream, values }: Stream| {
        let one = move |entry| read(settings, &stream, entry);
        values.into_iter().map(one).collect::<Vec<_>>()
    };
    let mut all: Vec<Read> = streams.into_iter().flat_map(of).collect();
    all.sort_by(|one, other| {
        (one.at, &one.line.pod, &one.line.text).cmp(&(other.at, &other.line.pod, &other.line.text))
    });
    all
}

fn read(settings: &Settings, stream: &Pairs, Entry { at, line, metadata }: Entry) -> Read {
    let named = |chosen: Option<&str>, usual: &[&str]| {
        let value = |name: &str| metadata.get(name).or_else(|| stream.get(name)).filter(|value| !value.is_empty());
        let found = match chosen {
            Some(name) => value(name),
            None => usual.iter().find_map(|name| value(name)),
        };
        found.map(|value| short(value))
    };
    let version = named(settings.version_label.as_deref(), &VERSIONS).unwrap_or_default();
    let pod = named(settings.pod_label.as_deref(), &PODS).unwrap_or_default();
    let told = LEVELS.iter().find_map(|name| Level::named(metadata.get(*name).or_else(|| stream.get(*name))?));
    let said = LogLine::new(Timestamp::from_timestamp_nanos(at), &line);
    let level = told.or(said.level);
    let known = |name: &str| {
        LEVELS.contains(&name) || VERSIONS.contains(&name) || PODS.contains(&name) || name.starts_with("__")
    };
    let beside = metadata.iter().filter(|(name, _)| !known(name)).take(FIELDS);
    let fields: BTreeMap<_, _> = beside.map(|(name, value)| (short(name), short(value))).collect();
    Read { at, line: LogLine { version, pod, level, fields, ..said } }
}

fn short(text: &str) -> String {
    clean(&text.chars().take(VALUE).collect::<String>())
}
