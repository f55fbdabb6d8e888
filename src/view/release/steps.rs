//! The steps of a rollout: the weights it goes through, where it is, what comes next, what the traffic really is.

use crate::{
    domain::rollout::{Phase, Rollout, StepKind, Strategy},
    view::{
        Bar, Part, headline, is_low, number,
        row::flight,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Two lines: the row of weights (where the screen is not low), and the running step in words.
pub(super) fn parts(scene: &Scene<'_>, rollout: &Rollout) -> Vec<Part> {
    let mut parts = Vec::new();
    if is_low(scene.rows) {
        // The step in words says where it is and what comes next.
    } else if rollout.steps.is_empty() {
        let words = match rollout.strategy {
            Strategy::Rolling => "pod by pod, without steps",
            Strategy::BlueGreen => "all at once, after a preview",
            Strategy::Canary => "without steps",
        };
        parts.push(Part::Line(Line::of(Role::Dim, format!(" {words}"))));
    } else {
        parts.push(Part::Line(row(scene, rollout).cut(scene.columns)));
    }
    parts.push(Part::Bar(Bar { left: words(scene, rollout), right: traffic(rollout) }));
    parts
}

/// ` 5 % ━━ 10 % ━━ 25 % ● pause 9:19 ── 50 % ── 100 %`.
fn row(scene: &Scene<'_>, rollout: &Rollout) -> Line {
    let at = rollout.step.unwrap_or_default();
    let mut line = Line::of(Role::Text, " ");
    let mut begun = false;
    for (index, step) in rollout.steps.iter().enumerate() {
        let (done, now) = (index < at, index == at && rollout.phase != Phase::Aborted);
        let name = match step.kind {
            StepKind::SetWeight(weight) => format!("{} %", rollout.weight.percent(weight)),
            StepKind::Analysis if !scene.narrow(100) || now => "analysis".to_owned(),
            StepKind::Other if !scene.narrow(100) || now => step.label.clone(),
            // Pauses lie between weights: only the one it stands in is said.
            _ if now => String::new(),
            _ => continue,
        };
        if now {
            let (_, words) = flight::at_step(scene, rollout);
            line = line.and(Role::Accent, if begun { " ━● " } else { "● " });
            line = if name.is_empty() { line } else { line.and(Role::Strong, format!("{name} ")) };
            line = line.join(words.unwrap_or_default());
        } else {
            let (colour, rule) = if done { (Role::Canary, " ━━ ") } else { (Role::Dim, " ── ") };
            line = if begun { line.and(colour, rule) } else { line };
            line = line.and(if done { Role::Text } else { Role::Dim }, name);
        }
        begun = true;
    }
    // After the last step everything goes to the new version, whether a step says so or not.
    let ends_full = matches!(rollout.steps.last(), Some(step) if step.kind == StepKind::SetWeight(rollout.weight.max));
    if ends_full { line } else { line.and(Role::Dim, " ── 100 %") }
}

fn words(scene: &Scene<'_>, rollout: &Rollout) -> Line {
    let held = if rollout.held { Line::of(Role::Warn, ", paused by a person") } else { Line::new() };
    // As the engines' own tools count: how many steps are done, of how many.
    let Some(at) = rollout.step else {
        let words = rollout.message.clone().unwrap_or_else(|| rollout.phase.to_string());
        return Line::of(Role::Dim, format!(" {words}")).join(held);
    };
    let line = Line::of(Role::Text, format!(" step {at}/{}", rollout.steps.len()));
    if rollout.phase == Phase::Aborted {
        let back = rollout.weight.actual.known() == Some(0);
        let words = if back { ": aborted, all traffic is on stable" } else { ": aborted, traffic goes back to stable" };
        return line.and(Role::Warn, words);
    }
    let Some(step) = rollout.current_step() else { return line.and(Role::Dim, ": all steps done") };
    let line = line.and(Role::Text, format!(": {}", label(&step.label)));
    let since = scene.model.step_times.get(&rollout.id).and_then(|times| times.get(&at));
    let line = match since {
        Some(since) => line.and(Role::Dim, format!(", since {}", number::moment(scene.now(), *since))),
        None => line.and(Role::Dim, ", since before we looked"),
    };
    let line = line.join(held);
    match rollout.steps.get(at + 1) {
        Some(next) => {
            let words = match next.kind {
                StepKind::SetWeight(weight) => format!("{} %", rollout.weight.percent(weight)),
                _ => label(&next.label),
            };
            line.and(Role::Dim, format!(", then {words}"))
        }
        None => line.and(Role::Dim, ", then all traffic"),
    }
}

/// The engine's words for a step, as they stand in a sentence.
fn label(label: &str) -> String {
    match label {
        "pause: {}" | "pause" => "pause until promoted".to_owned(),
        other => other.replace(": ", " "),
    }
}

fn traffic(rollout: &Rollout) -> Line {
    let weight = rollout.weight;
    let line = Line::of(Role::Dim, "traffic ").and(Role::Canary, headline::weight_words(rollout));
    let line = if weight.actual.known().is_none_or(|share| share == weight.declared) {
        line
    } else {
        let declared = weight.percent(weight.declared);
        line.and(Role::Warn, format!(" of {declared} % declared"))
    };
    line.gap(1)
}
