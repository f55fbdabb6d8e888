//! A rollout in a few lines, to be compared whole.

use holdshort::domain::{
    rollout::{Arm, Rollout, Share},
    version::Version,
};

/// A rollout in a few lines: what is shown of it, and which verbs are open.
pub(crate) fn said(rollout: &Rollout) -> String {
    let name = |version: &Option<Version>| version.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    let share = match rollout.weight.actual {
        Share::Told(share) => format!("{share} told"),
        Share::ByPods(share) => format!("{share} by pods"),
        Share::Unknown => "unknown".to_owned(),
    };
    let step = rollout.step.map(|step| format!(" {step}/{}", rollout.steps.len())).unwrap_or_default();
    let arms: Vec<String> = rollout
        .arms
        .iter()
        .map(|arm| {
            let pods = arm.pods.map_or_else(|| "?".to_owned(), |pods| format!("{}/{}", pods.ready, pods.desired));
            format!("{} {} {pods}", arm.role, arm.called())
        })
        .collect();
    let flies = if rollout.in_flight() { "in flight" } else { "steady" };
    let back = rollout.way_back().map_or_else(|| "none".to_owned(), Arm::called);
    let open: Vec<&str> =
        rollout.offers.iter().filter(|offer| offer.blocked.is_none()).map(|offer| offer.verb.words()).collect();
    let mut lines = vec![
        format!(
            "{} {} -> {}, {}{step}, {} of {share}, {flies}",
            rollout.id.path,
            name(&rollout.stable),
            name(&rollout.canary),
            rollout.phase,
            rollout.weight.declared
        ),
        format!("  arms: {}; back: {back}", arms.join(", ")),
        format!("  open: {}", open.join(", ")),
    ];
    lines.extend(rollout.message.iter().map(|message| format!("  message: {message}")));
    lines.extend(rollout.lag.map(|lag| format!("  behind since {:?}", lag.since.map(|since| since.to_string()))));
    lines.extend(rollout.troubles.iter().map(|trouble| format!("  trouble: {trouble}")));
    lines.extend(rollout.unknown.iter().map(|unknown| format!("  unknown: {} ({})", unknown.what, unknown.way)));
    lines.join("\n")
}
