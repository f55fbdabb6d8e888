//! The steps of a rollout: the weights it goes through, where it is, what comes next, what the traffic really is.

use crate::{
    domain::{
        rollout::{Phase, Rollout, Step, StepKind, Strategy},
        time::until,
    },
    view::{
        Bar, Part, headline, is_low, number,
        row::flight,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Between the weights and the words where both stand in one line.
const BETWEEN: usize = 3;

/// The row of weights and the running step in words: in one line where both fit, else in two; on a low screen the words alone.
pub(super) fn parts(scene: &Scene<'_>, rollout: &Rollout) -> Vec<Part> {
    let mut parts = Vec::new();
    if !is_low(scene.rows) && !rollout.steps.is_empty() {
        let (left, right) = (brief(rollout).gap(BETWEEN).join(words(scene, rollout, Shown::Left)), traffic(rollout));
        if left.width() + right.width() + 2 <= scene.columns {
            return vec![Part::Bar(Bar { left, right })];
        }
    }
    if is_low(scene.rows) {
        // The step in words says where it is and what comes next.
    } else if rollout.steps.is_empty() {
        let words = match rollout.strategy {
            Strategy::Rolling => "pod by pod, without steps",
            Strategy::BlueGreen => "all at once, after a preview",
            Strategy::Canary => "without steps",
            Strategy::Declared => "as its source declares it",
        };
        parts.push(Part::Line(Line::of(Role::Dim, format!(" {words}"))));
    } else {
        parts.push(Part::Line(row(scene, rollout).cut(scene.columns)));
    }
    let shown = if is_low(scene.rows) { Shown::Left } else { Shown::Since };
    parts.push(Part::Bar(Bar { left: words(scene, rollout, shown), right: traffic(rollout) }));
    parts
}

/// ` 5 ━━ 10 ━━ ●25 ── 50 ── 100`: the weights in percent, and which of them it stands at.
fn brief(rollout: &Rollout) -> Line {
    let weight = |(index, step): (usize, &Step)| match step.kind {
        StepKind::SetWeight(weight) => Some((index, rollout.weight.percent(weight))),
        _ => None,
    };
    let mut weights: Vec<(usize, u32)> = rollout.steps.iter().enumerate().filter_map(weight).collect();
    // After the last step everything goes to the new version, whether a step says so or not.
    if weights.last().is_none_or(|(_, percent)| *percent < 100) {
        weights.push((rollout.steps.len(), 100));
    }
    let flies = rollout.in_flight() && rollout.phase != Phase::Aborted;
    let at = rollout.step.filter(|_| flies);
    let reached = at.and_then(|at| weights.iter().rposition(|(index, _)| *index <= at));
    let mut line = Line::of(Role::Text, " ");
    for (place, (_, percent)) in weights.iter().enumerate() {
        let (now, done) = (reached == Some(place), reached.is_some_and(|reached| place < reached));
        if place > 0 {
            let rule = if now || done { (Role::Canary, " ━━ ") } else { (Role::Dim, " ── ") };
            line = line.and(rule.0, rule.1);
        }
        line = match (now, done) {
            (true, _) => line.and(Role::Accent, "●").and(Role::Strong, percent.to_string()),
            (_, true) => line.and(Role::Text, percent.to_string()),
            _ => line.and(Role::Dim, percent.to_string()),
        };
    }
    line.and(Role::Dim, " %")
}

/// What is said of the running step's time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// How much of it is left, and when it ends: the row of weights does not say it.
    Left,
    /// Since when it runs.
    Since,
}

/// ` 5 % ━━ 10 % ━━ 25 % ● pause 9:19 ── 50 % ── 100 %`.
fn row(scene: &Scene<'_>, rollout: &Rollout) -> Line {
    // Where nothing is on its way no step was done by what serves now: it may have been put back past all of them.
    let at = rollout.step.filter(|_| rollout.in_flight()).unwrap_or_default();
    let mut line = Line::of(Role::Text, " ");
    let mut begun = false;
    for (index, step) in rollout.steps.iter().enumerate() {
        let (done, now) = (index < at, index == at && rollout.in_flight() && rollout.phase != Phase::Aborted);
        let name = match step.kind {
            StepKind::SetWeight(weight) => format!("{} %", rollout.weight.percent(weight)),
            StepKind::Analysis if !scene.narrow(100) || now => "analysis".to_owned(),
            StepKind::Other if !scene.narrow(100) || now => step.label.clone(),
            // Pauses lie between weights: only the one it stands in is said.
            _ if now => String::new(),
            _ => continue,
        };
        if now {
            let (_, words) = flight::at_step(scene, rollout, true);
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

fn words(scene: &Scene<'_>, rollout: &Rollout, shown: Shown) -> Line {
    let held = if rollout.held { Line::of(Role::Warn, ", paused by a person") } else { Line::new() };
    // As the engines' own tools count: how many steps are done, of how many.
    let Some(at) = rollout.step else {
        let words = rollout.message.clone().unwrap_or_else(|| rollout.phase.to_string());
        return Line::of(Role::Dim, format!(" {words}")).join(held);
    };
    if !rollout.in_flight() && rollout.phase != Phase::Aborted {
        return Line::of(Role::Dim, " nothing is on its way: the next version takes these steps").join(held);
    }
    let line = Line::of(Role::Text, format!(" step {at}/{}", rollout.steps.len()));
    if rollout.phase == Phase::Aborted {
        let back = rollout.weight.actual.known() == Some(0);
        let words = if back { ": aborted, all traffic is on stable" } else { ": aborted, traffic goes back to stable" };
        return line.and(Role::Warn, words);
    }
    let Some(step) = rollout.current_step() else { return line.and(Role::Dim, ": all steps done") };
    let line = line.and(Role::Text, format!(": {}", label(&step.label)));
    let since = scene.model.step_times.get(&rollout.id).and_then(|times| times.get(&at));
    let end = rollout.pause.and_then(|pause| pause.until).filter(|_| shown == Shown::Left);
    let line = match since {
        _ if let Some(end) = end => {
            let left = number::countdown(until(scene.now(), end));
            let line = line.and(Role::Dim, ", ").and(Role::Strong, left);
            line.and(Role::Dim, format!(" left ({})", number::moment(scene.now(), end)))
        }
        _ if shown == Shown::Left && rollout.pause.is_some() => line.and(Role::Accent, ", waits for a human"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample;

    /// The lines at a size, without what stands on the right.
    fn said(size: (u16, u16), rollout: &Rollout) -> Vec<String> {
        let (model, keymap) = (sample::board(size.0, size.1), sample::keymap());
        let line = |part: Part| match part {
            Part::Line(line) => line.plain(),
            Part::Bar(bar) => bar.left.plain(),
            other => panic!("{other:?}"),
        };
        parts(&Scene::new(&model, &keymap), rollout).into_iter().map(line).collect()
    }

    #[test]
    fn weights_and_the_running_step_share_a_line_where_there_is_room() {
        let payments = sample::payments();
        assert_eq!(
            said((120, 36), &payments),
            [" 5 ━━ 10 ━━ ●25 ── 50 ── 100 %    step 5/8: pause 30m, 9:19 left (02:17), then 50 %"]
        );
        assert_eq!(
            said((80, 24), &payments),
            [" 5 % ━━ 10 % ━━ 25 % ━● 9:19 left ── 50 % ── 100 %", " step 5/8: pause 30m, since 01:47, then 50 %"]
        );
        assert_eq!(said((60, 12), &payments), [" step 5/8: pause 30m, 9:19 left (02:17), then 50 %"]);
    }

    #[test]
    fn what_was_put_back_did_none_of_the_steps() {
        let mut rollout = sample::payments();
        rollout.identity.canary_hash.clone_from(&rollout.identity.stable_hash);
        (rollout.phase, rollout.pause, rollout.step) = (Phase::Healthy, None, Some(rollout.steps.len()));
        let lines = said((120, 36), &rollout);
        assert_eq!(
            lines,
            [" 5 ── 10 ── 25 ── 50 ── 100 %    nothing is on its way: the next version takes these steps"]
        );
        assert!(said((80, 24), &rollout).iter().all(|line| !line.contains('━')));
    }
}
