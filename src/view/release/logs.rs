//! What the versions of a release write that is not fine: the patterns that stand out, in a few lines.

use crate::{
    app::logs::{self, Logs, Standing},
    domain::{
        line::Level,
        rollout::{Arm, Role as Side, Rollout},
    },
    judge::pattern::Finding,
    view::{
        measure, number,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Patterns that are named.
const NAMED: usize = 2;
/// Cells of what a pattern says that are worth more than what is said about it.
const TEXT: usize = 30;

/// One line for each pattern that stands out; one that says why there is none. Nothing where nobody keeps logs.
pub(super) fn lines(scene: &Scene<'_>, rollout: &Rollout, columns: usize) -> Vec<Line> {
    let Some(logs) = scene.model.logs.get(&rollout.id) else { return Vec::new() };
    let standing = logs::standing(scene.model, rollout, logs);
    let named = standing.iter().take(NAMED);
    let mut lines: Vec<Line> = named.flat_map(|one| pattern(scene, rollout, one, columns)).collect();
    if lines.is_empty() || logs.fault.is_some() {
        lines.insert(0, said(scene, logs));
    }
    if logs.fault.is_some() { lines.into_iter().map(Line::stale).collect() } else { lines }
}

/// What there is to say where no pattern stands out, or none can be read.
fn said(scene: &Scene<'_>, logs: &Logs) -> Line {
    if let Some(fault) = &logs.fault {
        return Line::of(Role::Warn, format!("{}: {fault}", logs.source));
    }
    let Some(since) = logs.since().filter(|_| logs.at.is_some()) else {
        return Line::of(Role::Dim, format!("{} is being read", logs.source));
    };
    let level = logs.asked.level.map_or_else(|| "line".to_owned(), |level| format!("line of level {level} or worse"));
    Line::of(Role::Text, format!("no {level} since {}", number::moment(scene.now(), since)))
}

/// `✖ only in 1.42.0   412×  card vault timeout after <*> ms   first 01:49:07`; where that is too much for a line, without its end,
/// or in two.
fn pattern(scene: &Scene<'_>, rollout: &Rollout, one: &Standing<'_>, columns: usize) -> Vec<Line> {
    let arm = rollout.side(Side::Canary).or_else(|| scene.model.taken_back(rollout));
    let (canary, stable, _) = one.lines;
    let (role, mark) = match one.finding {
        Finding::New | Finding::More => (Role::Bad, "✖ "),
        Finding::Nothing => (Role::Text, "  "),
    };
    let whose = whose(one.finding, (canary, stable), arm, rollout.side(Side::Stable));
    let lines = if canary > 0 { canary } else { stable };
    let head =
        Line::of(role, format!("{mark}{whose}")).pad(20).and(Role::Strong, format!("{:>7}×", number::count(lines)));
    let tail = match one.finding {
        Finding::New => Line::of(Role::Dim, format!("first {}", number::clock(one.pattern.first))),
        Finding::More => Line::of(Role::Dim, times(one)),
        Finding::Nothing => Line::new(),
    };
    let level = if one.pattern.level >= Some(Level::Error) { Role::Bad } else { Role::Warn };
    let text = |room: usize| Line::of(level, measure::cut(&one.pattern.text, room));
    let least = measure::width(&one.pattern.text).min(TEXT);
    let beside = columns.saturating_sub(head.width() + 3);
    match beside.checked_sub(tail.width() + 3) {
        Some(room) if room >= least => vec![head.gap(2).join(text(room)).gap(2).join(tail)],
        _ if beside >= least => vec![head.gap(2).join(text(beside))],
        _ => vec![head.gap(2).join(tail), Line::new().gap(2).join(text(columns.saturating_sub(3)))],
    }
}

/// Who writes it, of so many lines of the canary and of stable.
fn whose(finding: Finding, lines: (u64, u64), canary: Option<&Arm>, stable: Option<&Arm>) -> String {
    let tag = canary.map_or_else(|| "the canary".to_owned(), Arm::tag);
    match (finding, lines) {
        (Finding::New, _) => format!("only in {tag}"),
        // Beside nothing that is on its way nobody is the only one.
        (_, (0, _)) if canary.is_none() => stable.map_or_else(String::new, |stable| format!("on {}", stable.tag())),
        (_, (0, _)) => "only on stable".to_owned(),
        (_, (_, 0)) => format!("on {tag}"),
        (_, (_, stable)) => format!("{} on stable", number::count(stable)),
    }
}

/// `6.9× (2–26) for each request`.
fn times(one: &Standing<'_>) -> String {
    let ratio = one.ratio();
    let bounds = ratio.low.zip(ratio.high);
    let bounds = bounds.map(|(low, high)| format!(" ({}–{})", number::short(low), number::short(high)));
    let times = ratio.estimate.map(|ratio| format!("{}×", number::short(ratio))).unwrap_or_default();
    format!("{times}{} for each request", bounds.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample;

    #[test]
    fn a_pattern_is_only_on_stable_where_another_version_is_beside_it() {
        let payments = sample::payments();
        let (canary, stable) = (payments.side(Side::Canary), payments.side(Side::Stable));
        let said = |finding, lines, canary| whose(finding, lines, canary, stable);
        assert_eq!(said(Finding::New, (412, 0), canary), "only in 1.42.0");
        assert_eq!(said(Finding::Nothing, (0, 90), canary), "only on stable");
        assert_eq!(said(Finding::Nothing, (31, 90), canary), "90 on stable");
        assert_eq!(said(Finding::Nothing, (31, 0), canary), "on 1.42.0");
        assert_eq!(said(Finding::Nothing, (0, 90), None), "on 1.41.3");
    }
}
