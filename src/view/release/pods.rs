//! The pods of each version, the engine's own analyses, and what happened.

use crate::{
    domain::rollout::{Arm, Event, Role as Side, Rollout},
    view::{
        measure, number,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Screens with fewer lines are low.
const LOW: usize = 30;

/// One line for each version that has pods, and one for those that have none; on a low screen one for all.
pub(super) fn pods(scene: &Scene<'_>, rollout: &Rollout, narrow: bool) -> Vec<Line> {
    if scene.rows < LOW { vec![all(rollout)] } else { each(rollout, narrow) }
}

/// `canary 3 of 3 ready   stable 9 of 9 ready`.
pub(super) fn all(rollout: &Rollout) -> Line {
    let arms = rollout.arms.iter().filter(|arm| arm.role != Side::Old || arm.may_run());
    arms.fold(Line::new(), |line, arm| {
        let (name, role) = side(arm);
        let (ready, words) = counted(arm, "");
        let line = if line.is_empty() { line } else { line.gap(3) };
        line.and(role, name).and(ready, format!(" {words}"))
    })
}

fn each(rollout: &Rollout, narrow: bool) -> Vec<Line> {
    let (running, kept): (Vec<&Arm>, Vec<&Arm>) =
        rollout.arms.iter().partition(|arm| arm.role != Side::Old || arm.may_run());
    let mut lines: Vec<Line> = running.iter().map(|arm| one(arm, narrow)).collect();
    if !kept.is_empty() && !narrow {
        let tags: Vec<String> = kept.iter().map(|arm| arm.tag()).collect();
        lines.push(Line::of(Role::Dim, format!("kept    {} without pods", tags.join(", "))));
    }
    lines
}

/// `3 of 4 pods ready`, or that nobody knows.
fn counted(arm: &Arm, what: &str) -> (Role, String) {
    match arm.pods {
        Some(pods) => {
            let role = if pods.ready < pods.desired { Role::Warn } else { Role::Text };
            let what = if pods.desired == 1 { what.trim_end_matches('s') } else { what };
            (role, format!("{} of {}{what} ready", pods.ready, pods.desired))
        }
        None => (Role::Unknown, "? not known".to_owned()),
    }
}

fn side(arm: &Arm) -> (&'static str, Role) {
    match arm.role {
        Side::Canary => ("canary", Role::Canary),
        Side::Stable => ("stable", Role::Stable),
        Side::Old => ("old", Role::Dim),
    }
}

fn one(arm: &Arm, narrow: bool) -> Line {
    let (name, role) = side(arm);
    let (ready, words) = counted(arm, " pods");
    let line =
        Line::of(role, format!("{name:<8}")).and(Role::Text, format!("{:<18}", arm.called())).gap(2).and(ready, words);
    let revision = arm.revision.map(|revision| format!(", revision {revision}")).unwrap_or_default();
    if narrow || arm.name.is_empty() { line } else { line.gap(3).and(Role::Dim, format!("{}{revision}", arm.name)) }
}

/// What the engine says: its own analyses, what is not known, what is wrong with its pods, its message.
pub(super) fn engine(rollout: &Rollout) -> Vec<Line> {
    let mut lines = Vec::new();
    for analysis in &rollout.analyses {
        let (glyph, role) = match analysis.phase.as_str() {
            "Successful" => ("✔", Role::Good),
            "Failed" | "Error" => ("✖", Role::Bad),
            "Inconclusive" => ("?", Role::Unknown),
            _ => ("◷", Role::Text),
        };
        let message = analysis.message.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        lines.push(
            Line::of(Role::Dim, "analysis ")
                .and(role, format!("{glyph} {}", analysis.phase))
                .and(Role::Text, format!("  {}{message}", analysis.name)),
        );
    }
    for unknown in &rollout.unknown {
        lines.push(Line::of(Role::Unknown, format!("? {}", unknown.what)));
        lines.push(Line::of(Role::Dim, format!("  {}", unknown.way)));
    }
    lines.extend(rollout.troubles.iter().map(|trouble| Line::of(Role::Bad, format!("✖ {trouble}"))));
    lines.extend(rollout.message.iter().map(|message| Line::of(Role::Text, measure::cut(message, 400))));
    lines
}

/// What happened, newest first.
pub(super) fn events(rollout: &Rollout) -> Vec<Line> {
    let line = |event: &Event| {
        let times = if event.count > 1 { format!(" ×{}", event.count) } else { String::new() };
        let role = if event.warning { Role::Warn } else { Role::Text };
        Line::of(Role::Dim, format!("{}  ", number::clock(event.at)))
            .and(role, format!("{}{times}", event.reason))
            .and(Role::Dim, format!("  {}", event.message))
    };
    rollout.events.iter().map(line).collect()
}
