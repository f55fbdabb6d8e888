//! What both versions of a release wrote: the patterns that stand out, held against each other, and the newest lines.

use crate::{
    app::logs::{self, Logs, Standing},
    domain::{
        line::{Level, LogLine},
        rollout::{Role as Side, Rollout},
        time::age,
    },
    judge::pattern::Finding,
    view::{
        Body, Part, chrome, measure, number,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Patterns take a third of the lines, and never fewer than these.
const LEAST: usize = 3;
/// Cells of a number, and of what is proven.
const NUMBER: usize = 9;
const RATES: usize = 16;
const PROVEN: usize = 20;

/// Everything between the rules: patterns above, lines below, the newest first.
pub(super) fn body(scene: &Scene<'_>, rollout: &Rollout) -> Body {
    let room = scene.rows.saturating_sub(chrome(scene.rows));
    let Some(logs) = scene.model.logs.get(&rollout.id) else {
        let words = format!("   No connection keeps what {} writes: docs/ says how to add one.", rollout.service);
        return vec![Part::blank(), Part::Line(Line::of(Role::Unknown, words).cut(scene.columns))].into();
    };
    let standing = logs::standing(scene.model, rollout);
    let mut lines = vec![said(scene, logs)];
    let most = (room.saturating_sub(4) / 3).max(LEAST);
    lines.push(heading(scene));
    lines.extend(standing.iter().take(most).map(|one| pattern(scene, one)));
    if standing.is_empty() {
        lines.push(Line::of(Role::Dim, "   none"));
    } else if standing.len() > most {
        lines.push(Line::of(Role::Dim, format!("   and {} more", standing.len() - most)));
    }
    let stale = logs.fault.is_some();
    let dressed = |line: Line| Part::Line(if stale { line.stale() } else { line }.cut(scene.columns));
    let mut parts: Vec<Part> = lines.into_iter().map(dressed).collect();
    parts.truncate(room);
    let (left, of) = (room.saturating_sub(parts.len() + 1), logs.lines.len());
    if left == 0 {
        return parts.into();
    }
    parts.push(Part::Rule);
    let from = scene.model.nav.below.min(of.saturating_sub(left));
    let shown = logs.lines.iter().rev().skip(from).take(left);
    parts.extend(shown.map(|line| dressed(written(scene, rollout, line))));
    let window = (of > left).then_some((from..from + left, of));
    Body { parts, window }
}

/// ` since 01:37   eu-logs, 1 s ago   1,204 lines read   level warn and worse`.
fn said(scene: &Scene<'_>, logs: &Logs) -> Line {
    let source = format!(" {}", logs.source);
    if let Some(fault) = &logs.fault {
        return Line::of(Role::Warn, format!("{source}: {fault}"));
    }
    let Some(at) = logs.at else { return Line::of(Role::Dim, format!("{source} is being read")) };
    let mut line = Line::of(Role::Dim, format!("{source}, {}", number::within(age(scene.now(), at)))).gap(3);
    if let Some(since) = logs.since() {
        line = line.and(Role::Text, format!("since {}", number::moment(scene.now(), since))).gap(3);
    }
    line = line.and(Role::Text, format!("{} lines read", number::count(logs.read))).gap(3);
    if logs.dropped > 0 {
        line = line.and(Role::Warn, format!("{} left out", number::count(logs.dropped))).gap(3);
    }
    match logs.asked.level {
        Some(level) => line.and(Role::Text, format!("level {level} and worse")),
        None => line,
    }
}

/// Cells of a pattern's words.
fn room(scene: &Scene<'_>) -> usize {
    let numbers = if scene.narrow(100) { 2 * NUMBER } else { 2 * NUMBER + RATES + PROVEN };
    scene.columns.saturating_sub(3 + numbers).max(20)
}

fn heading(scene: &Scene<'_>) -> Line {
    let numbers = format!("{:>NUMBER$}{:>NUMBER$}", "canary", "stable");
    let line = Line::of(Role::Title, "   PATTERN").pad(3 + room(scene)).and(Role::Dim, numbers);
    if scene.narrow(100) { line } else { line.and(Role::Dim, format!("{:>RATES$}", "per 1,000 req.")) }
}

fn pattern(scene: &Scene<'_>, one: &Standing<'_>) -> Line {
    let (mark, role) = match (one.finding, one.pattern.level) {
        (Finding::New | Finding::More, _) => (" ✖ ", Role::Bad),
        (_, Some(Level::Error | Level::Fatal)) => (" ● ", Role::Warn),
        _ => ("   ", Role::Text),
    };
    let (canary, stable, _) = one.lines;
    let words = measure::cut(&one.pattern.text, room(scene).saturating_sub(1));
    let line = Line::of(role, format!("{mark}{words}")).pad(3 + room(scene));
    let line = line
        .and(Role::Canary, format!("{:>NUMBER$}", number::count(canary)))
        .and(Role::Stable, format!("{:>NUMBER$}", number::count(stable)));
    if scene.narrow(100) {
        return line;
    }
    let rates =
        one.per_thousand.map(|(canary, stable)| format!("{} : {}", number::short(canary), number::short(stable)));
    let line = line.and(Role::Text, format!("{:>RATES$}", rates.unwrap_or_else(|| "?".to_owned())));
    line.gap(3).join(proven(one))
}

fn proven(one: &Standing<'_>) -> Line {
    let ratio = one.ratio();
    let bounds = ratio.low.zip(ratio.high);
    match (one.finding, bounds) {
        (Finding::New, _) => Line::of(Role::Bad, "only the canary"),
        (Finding::More, Some((low, high))) => {
            Line::of(Role::Bad, format!("×{}–{}", number::short(low), number::short(high)))
        }
        (Finding::More, None) => Line::of(Role::Bad, "more often"),
        (Finding::Nothing, Some((low, high))) if low <= 1.0 && high >= 1.0 => Line::of(Role::Dim, "may be alike"),
        (Finding::Nothing, _) => Line::of(Role::Dim, "not proven"),
    }
}

/// ` 02:07:39 canary payments-7cc75-x2  ERROR card vault timeout after 3002 ms`.
fn written(scene: &Scene<'_>, rollout: &Rollout, line: &LogLine) -> Line {
    let (side, role) = match logs::side(scene.model, rollout, &line.version) {
        Some(Side::Canary) => ("canary", Role::Canary),
        Some(Side::Stable) => ("stable", Role::Stable),
        _ => ("?", Role::Unknown),
    };
    let text = match line.level {
        Some(Level::Error | Level::Fatal) => Role::Bad,
        Some(Level::Warn) => Role::Warn,
        _ => Role::Text,
    };
    let mut said = Line::of(Role::Dim, format!(" {} ", number::clock(line.at))).and(role, format!("{side:<7}"));
    if !scene.narrow(100) && !line.pod.is_empty() {
        said = said.and(Role::Dim, format!("{} ", line.pod));
    }
    let left = scene.columns.saturating_sub(said.width());
    said.and(text, measure::cut(&line.text, left))
}
