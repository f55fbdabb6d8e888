//! The lines that were written, by stream. Only keeping and finding by time live here.

use std::collections::{BTreeMap, VecDeque};

use crate::{demo::traffic::Served, domain::time::Timestamp};

/// The label of streams that names their cell.
pub(super) const CLUSTER: &str = "cluster";
/// How long lines are kept, in nanoseconds: three hours.
const KEPT: i64 = 3 * 3600 * 1_000_000_000;

/// What a stream, or a line beside it, is labelled with.
pub(super) type Labels = BTreeMap<String, String>;

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Nanoseconds since 1970.
    pub(super) at: i64,
    pub(super) line: String,
    pub(super) metadata: Labels,
}

/// All streams.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    streams: BTreeMap<Labels, VecDeque<Entry>>,
}

impl Store {
    /// Takes what a pod wrote. A level is what a real one detects.
    pub(super) fn take(&mut self, pod: &Served<'_>) {
        let lines = pod.lines();
        if lines.is_empty() {
            return;
        }
        let pairs = [
            (CLUSTER, pod.service.cell.as_str()),
            ("namespace", &pod.service.namespace),
            ("pod", pod.pod),
            ("service_name", &pod.service.service),
            ("version", &pod.arm.version),
        ];
        let entries = self.streams.entry(labels(&pairs)).or_default();
        entries.extend(lines.into_iter().map(|line| Entry {
            at: line.at,
            line: format!("{} {}", line.level.to_uppercase(), line.text),
            metadata: labels(&[("detected_level", line.level), ("trace_id", &line.trace)]),
        }));
    }

    /// Forgets what is too old.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let oldest = now.timestamp_nanos_opt().unwrap_or(i64::MAX).saturating_sub(KEPT);
        self.streams.retain(|_, entries| {
            while entries.pop_front_if(|entry| entry.at < oldest).is_some() {}
            !entries.is_empty()
        });
    }

    pub(super) fn streams(&self) -> impl Iterator<Item = (&Labels, &VecDeque<Entry>)> {
        self.streams.iter()
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The lines of a stream from a moment on and before another one.
pub(super) fn between(entries: &VecDeque<Entry>, from: i64, to: i64) -> impl DoubleEndedIterator<Item = &Entry> {
    let begin = entries.partition_point(|entry| entry.at < from);
    let end = entries.partition_point(|entry| entry.at < to).max(begin);
    entries.range(begin..end)
}
