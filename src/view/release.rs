//! One rollout: its steps, its verdict, the way back, what was measured of both versions on one time axis, its pods, and
//! what happened to it.

mod below;
mod charts;
mod logs;
mod pods;
mod preflight;
mod steps;

use crate::{
    app::{intent::Intent, store::SourceInfo},
    domain::{object::ObjectId, rollout::Rollout},
    judge::{gaps::Unread, verdict::Judgement},
    view::{
        Bar, Beside, Body, Part, action, cells, chrome, freshness, measure, number, past_us,
        row::flight::{self, Commits},
        run::path,
        scene::Scene,
        sheet::unjudged,
        span::{Line, Role},
        way_back,
    },
    words,
};

/// Lines that what stands below the charts keeps at least.
const LEAST_BELOW: usize = 4;
/// With so few lines two low charts leave a third of them for what stands below them, and never fewer than two.
const TWO_CHARTS: usize = 14;
const LEAST_OF_FEW: usize = 2;
/// From this size on there is room for it beside the charts, and so many columns they take of it, in percent.
const BESIDE: (usize, usize) = (160, 40);
const CHARTS_PERCENT: usize = 62;

/// ` payments   prod/eu   Deployment   1.41.3 (9f8e7d6) → 1.42.0 (a1b2c3d)`.
pub(super) fn title(scene: &Scene<'_>, rollout: &Rollout) -> Bar {
    let mut left = Line::of(Role::Strong, format!(" {}", rollout.service)).gap(2);
    left = left.and(Role::Accent, rollout.environment.to_string()).gap(2);
    if !scene.narrow(110) {
        left = left.and(Role::Dim, rollout.system.clone()).gap(2);
    }
    // The way back names the commit of stable too.
    let commits = match scene.columns {
        100.. => Commits::Both,
        70..100 => Commits::Canary,
        _ => Commits::None,
    };
    left = left.join(flight::versions(rollout, commits));
    let state = scene.state(&rollout.id);
    let word = match &state {
        Some(state) if freshness::is_old(Some(state)) => freshness::warning(state),
        // On the narrowest screens the versions come first; what is not live is said on each.
        Some(state) if !scene.narrow(70) => Line::of(Role::Good, freshness::word(state)),
        _ => Line::new(),
    };
    Bar { left, right: Line::of(Role::Text, number::clock(scene.now())).gap(2).join(word).gap(1) }
}

/// Screens of fewer rows have no room for rules and for all that a verdict rests on: `w` says it.
const SHORT: usize = 20;
/// From so many rows on cells may take two lines.
const TALL: usize = 30;
/// Lines in which a chart says anything: a panel, what is marked, the axis.
const LEAST_CHART: usize = 4;

/// Everything between the rules.
pub(super) fn body(scene: &Scene<'_>, rollout: &Rollout) -> Body {
    let room = scene.rows.saturating_sub(chrome(scene.rows));
    if scene.rows < SHORT {
        return short(scene, rollout, room).into();
    }
    let mut parts = steps::parts(scene, rollout);
    parts.extend(path::of_rollout(scene, rollout).map(Part::Line));
    let strip = cells::strip(scene, rollout, if scene.rows < TALL { 1 } else { 2 });
    parts.extend(strip.into_iter().map(Part::Line));
    parts.push(Part::Rule);
    parts.extend(verdict(scene, rollout));
    parts.extend(actions(scene, rollout));
    parts.push(Part::Rule);
    let first = scene.model.nav.below;
    if !scene.model.session.sources.iter().any(SourceInfo::measures) {
        // Empty charts would look like a release without traffic.
        parts.push(Part::Line(unmeasured().cut(scene.columns)));
        parts.push(Part::Rule);
        let lines = below::sections(scene, rollout, scene.columns);
        let (below, window) = below::window(lines, first, room.saturating_sub(parts.len()));
        parts.extend(below);
        return Body { parts, window };
    }
    let left = room.saturating_sub(parts.len());
    if scene.columns >= BESIDE.0 && scene.rows >= BESIDE.1 {
        let columns = scene.columns * CHARTS_PERCENT / 100;
        let panels = charts::panels(scene, rollout, left, columns);
        let lines = below::sections(scene, rollout, scene.columns.saturating_sub(columns + 2));
        let (right, window) = below::window(lines, first, left);
        let beside = Beside { left: vec![Part::Panels(panels)], right, columns, rows: left };
        parts.push(Part::Beside(beside));
        return Body { parts, window };
    }
    let lines = below::sections(scene, rollout, scene.columns);
    // Charts take two thirds; what stands below is moved.
    let most = (left / 3).max(if left > TWO_CHARTS { LEAST_BELOW } else { LEAST_OF_FEW });
    let for_below = lines.len().min(most);
    let panels = charts::panels(scene, rollout, left.saturating_sub(for_below + 1), scene.columns);
    let rest = left.saturating_sub(panels.height() + 1);
    parts.push(Part::Panels(panels));
    parts.push(Part::Rule);
    let (below, window) = below::window(lines, first, rest);
    parts.extend(below);
    Body { parts, window }
}

/// The same where there are few lines: no rules, one line for pods.
fn short(scene: &Scene<'_>, rollout: &Rollout, room: usize) -> Vec<Part> {
    let mut parts = steps::parts(scene, rollout);
    parts.extend(cells::strip(scene, rollout, 1).into_iter().map(Part::Line));
    parts.extend(actions(scene, rollout).into_iter().take(2));
    parts.extend(verdict(scene, rollout));
    parts.truncate(room);
    let left = room - parts.len();
    if left > LEAST_CHART {
        let panels = charts::panels(scene, rollout, left - 1, scene.columns);
        parts.push(Part::Panels(panels));
    }
    let pods = Line::of(Role::Title, " PODS").gap(3).join(pods::all(rollout));
    parts.push(Part::Line(pods.cut(scene.columns)));
    parts
}

/// In the place of the charts, where nothing is connected that could draw them.
fn unmeasured() -> Line {
    Line::of(Role::Title, " SIGNALS").gap(4).and(Role::Dim, words::unread(&Unread::NothingMeasures))
}

/// A rollout that is no longer there.
pub(super) fn gone(id: &ObjectId) -> Vec<Part> {
    vec![
        Part::blank(),
        Part::Line(Line::of(Role::Warn, format!("   {id} is no longer there. ")).and(Role::Text, "Esc goes back.")),
    ]
}

/// The verdict with its arithmetic, the way back, and what holds.
fn verdict(scene: &Scene<'_>, rollout: &Rollout) -> Vec<Part> {
    let judgement = scene.model.judgements.get(&rollout.id);
    let glyph = flight::glyph(scene, rollout);
    let mut first = Line::of(Role::Text, " ").join(glyph).gap(1).join(flight::word(scene, rollout, judgement));
    let indent = (first.width() + 2).max(12);
    first = first.pad(indent);
    let reason = flight::trouble(scene, rollout)
        .or_else(|| scene.model.outdated(&rollout.id).as_ref().map(words::outdated))
        .or_else(|| judgement.map(|judgement| flight::reason(scene, judgement)));
    let reason = reason.unwrap_or_else(|| unjudged(scene, rollout));
    let most = if scene.rows < SHORT { 1 } else { 2 };
    let mut wrapped = measure::wrap_within(&reason, scene.columns.saturating_sub(indent + 1), most).into_iter();
    let role = if scene.signals_live(rollout) { Role::Text } else { Role::Stale };
    let mut parts = vec![Part::Line(first.and(role, wrapped.next().unwrap_or_default()))];
    parts.extend(wrapped.map(|text| Part::Line(Line::new().gap(indent).and(role, text))));
    parts.extend(doubts(scene, judgement, indent, most));
    if scene.rows >= SHORT {
        parts.extend(budget(scene, judgement, indent));
    }
    if rollout.aborted_in_spec {
        let tag = rollout.canary.as_ref().map(|version| version.tag.as_str()).unwrap_or_default();
        let words = if rollout.is_declared() {
            format!(" ▲ HOLD     its source still holds {tag}: a sync brings it back, until that is reverted there")
        } else {
            format!(" ▲ HOLD     the spec still holds {tag}: any edit or retry brings it back")
        };
        parts.push(Part::Line(Line::of(Role::Warn, words).cut(scene.columns)));
    }
    let left = Line::of(Role::Text, " ").join(way_back::line(scene.model, rollout));
    let right = scene.hint(Intent::Why, "the arithmetic").gap(1);
    parts.push(Part::Bar(Bar { left, right: if scene.narrow(100) { Line::new() } else { right } }));
    parts
}

/// The strongest doubt, and how many more there are; in so many lines where one is too short.
fn doubts(scene: &Scene<'_>, judgement: Option<&Judgement>, indent: usize, most: usize) -> Vec<Part> {
    let Some((first, others)) = judgement.and_then(|judgement| judgement.doubts.split_first()) else {
        return Vec::new();
    };
    let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
    let room = scene.columns.saturating_sub(indent + 1);
    let line = |(index, text): (usize, String)| {
        let label = if index == 0 { Line::of(Role::Warn, " ▲ doubt").pad(indent) } else { Line::new().gap(indent) };
        Part::Line(label.and(Role::Text, text))
    };
    measure::wrap_within(&format!("{}{more}", words::doubt(first)), room, most)
        .into_iter()
        .enumerate()
        .map(line)
        .collect()
}

/// What waiting costs, where something is promised.
fn budget(scene: &Scene<'_>, judgement: Option<&Judgement>, indent: usize) -> Option<Part> {
    let budget = judgement?.budget.as_ref()?;
    let text = measure::cut(&words::cost(&budget.objective, &budget.cost), scene.columns.saturating_sub(indent + 1));
    Some(Part::Line(Line::of(Role::Dim, "   budget").pad(indent).and(Role::Text, text)))
}

fn actions(scene: &Scene<'_>, rollout: &Rollout) -> Vec<Part> {
    let newest = scene.model.actions.newest_on(&rollout.id);
    let current = newest.filter(|action| action::is_current(action, scene.now()));
    let holding = scene.model.actions.holding(&rollout.id);
    let holding = holding.filter(|holding| current.is_none_or(|current| current.record != holding.record));
    let acts = current.into_iter().chain(holding).flat_map(|action| action::of(scene, action)).map(Part::Line);
    past_us::newest(scene, rollout).into_iter().chain(acts).collect()
}
