//! The store as `OpenMetrics` text, so that a real server can be filled with the same samples.

use std::fmt::Write;

use crate::demo::prometheus::store::{NAME, Store};

/// One line a sample, with its time, and the end mark. Stale markers have no form in this text and are left out.
pub(super) fn openmetrics(store: &Store) -> String {
    let mut text = String::new();
    for series in store.all() {
        let name = series.labels.get(NAME).map(String::as_str).unwrap_or_default();
        let pairs = series.labels.iter().filter(|(label, _)| label.as_str() != NAME);
        let pairs: Vec<String> = pairs.map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
        for (at, value) in series.samples() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}{{{}}} {value} {}", pairs.join(","), at / 1000);
        }
    }
    text + "# EOF\n"
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
