//! The patterns: how many lines of each version, for how many requests, and what is proven of that.

use crate::{
    app::logs::{
        Standing,
        look::{self, Shown},
    },
    domain::{line::Level, rollout::Rollout},
    judge::pattern::Finding,
    view::{
        measure, number,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Cells of a number, and of what is proven.
const NUMBER: usize = 9;
const RATES: usize = 16;
const PROVEN: usize = 20;

/// The heading, and so many of them at most: those around the chosen one.
pub(super) fn lines(scene: &Scene<'_>, rollout: &Rollout, shown: &Shown<'_>, most: usize) -> Vec<Line> {
    let all = look::patterns(scene.model, rollout, shown);
    let mut lines = vec![heading(scene)];
    if all.is_empty() {
        lines.push(Line::of(Role::Dim, "   none"));
        return lines;
    }
    let most = if all.len() > most { most.saturating_sub(1).max(1) } else { most };
    let (at, here) = (scene.model.look.at(&all), scene.model.nav.pane == 0);
    // All of the chosen one can be read, however narrow it is here.
    let room = room(scene).saturating_sub(1);
    let whole = all.get(at).map(|one| measure::wrap_within(&one.pattern.text, room, 2));
    let whole = whole.filter(|words| here && words.len() > 1 && most > 1);
    let most = if whole.is_some() && all.len() >= most { most - 1 } else { most };
    let from = (at + 1).saturating_sub(most);
    for (place, one) in all.iter().enumerate().skip(from).take(most) {
        let chosen = here && place == at;
        let mut said = whole.iter().flatten().filter(|_| chosen);
        let first = said.next().cloned().unwrap_or_else(|| measure::cut(&one.pattern.text, room));
        lines.push(pattern(scene, one, &first, chosen));
        lines.extend(said.map(|rest| Line::new().gap(5).and(standing(one).1, rest.clone())));
    }
    if all.len() > most {
        lines.push(Line::of(Role::Dim, format!("   {} of {} patterns", number::count(most as u64), all.len())));
    }
    lines
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

/// How bad it is, at a glance.
fn standing(one: &Standing<'_>) -> (&'static str, Role) {
    match (one.finding, one.pattern.level) {
        (Finding::New | Finding::More, _) => ("✖ ", Role::Bad),
        (_, Some(Level::Error | Level::Fatal)) => ("● ", Role::Warn),
        _ => ("  ", Role::Text),
    }
}

fn pattern(scene: &Scene<'_>, one: &Standing<'_>, words: &str, chosen: bool) -> Line {
    let (mark, role) = standing(one);
    let (canary, stable, _) = one.lines;
    let choice = Line::of(Role::Accent, if chosen { "›" } else { " " });
    let line = choice.and(role, format!("{mark}{words}")).pad(3 + room(scene));
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
