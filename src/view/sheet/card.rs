//! The confirm card. Going forward is long, loud and wants something read back; going back is short.

use crate::{
    app::{
        card::{Card, REASONS},
        intent::Intent,
    },
    domain::{offer::Risk, verb::Direction},
    port::plan::Plan,
    view::{
        measure, number,
        scene::Scene,
        sheet::{Sheet, Tone, labelled},
        span::{Line, Role},
    },
};

/// Lines that the body of a call may take.
const CALL_LINES: usize = 3;

pub(super) fn sheet(scene: &Scene<'_>, card: &Card, width: usize) -> Sheet {
    let plan = &card.plan;
    let tone = tone(plan);
    let forward = plan.direction() == Direction::Forward;
    let mut lines = what(plan, width);
    lines.push(Line::new());
    lines.extend(calls(plan, width, forward));
    lines.extend(afterwards(plan, width));
    if forward || plan.goes_back {
        let checks =
            plan.checks.iter().flat_map(|check| labelled("checked", Role::Text, &format!("✔ {check}"), width, 2));
        lines.extend(checks.enumerate().map(|(index, line)| if index == 0 { line } else { unlabelled(line) }));
        lines.extend(labelled("seen", Role::Text, &seen(plan), width, 2));
        lines.extend(labelled("undo", Role::Text, &plan.draft.undo, width, 2));
    }
    for risk in &plan.risks {
        let (role, glyph) = if forward { (Role::Warn, "▲") } else { (Role::Bad, "✖") };
        lines.extend(labelled("risk", role, &format!("{glyph} {risk}"), width, 3));
    }
    for note in &plan.draft.notes {
        lines.extend(labelled("note", Role::Warn, &format!("▲ {note}"), width, 3));
    }
    let ask = ask(card, width);
    if !ask.is_empty() {
        lines.push(Line::new());
        lines.extend(ask);
    }
    Sheet { tone, title: title(plan), lines, keys: keys(scene, card), width }
}

fn tone(plan: &Plan) -> Tone {
    match (plan.direction(), plan.risk) {
        (Direction::Back, _) => Tone::Back,
        (Direction::Forward, Risk::High) => Tone::Forward,
        _ => Tone::Still,
    }
}

/// The environment first, in capitals where it is dangerous: the wrong one must jump to the eye (F15).
fn title(plan: &Plan) -> String {
    let place = plan.environment.as_str();
    let place = if plan.risk == Risk::High { place.to_uppercase() } else { place.to_owned() };
    let place = if place.is_empty() { place } else { format!("{place}  ") };
    format!("{place}{} {}", plan.verb.words(), plan.service)
}

/// `1.41.3 (9f8e7d6) → 1.42.0 (a1b2c3d)   25 % → 50 % of traffic`: beside one another where that fits, else the effect below,
/// for no word of it may be lost.
fn what(plan: &Plan, width: usize) -> Vec<Line> {
    // The version on its way in keeps its colour, whichever way it moves.
    let back = plan.direction() == Direction::Back;
    let (from, to) = if back { (Role::Canary, Role::Stable) } else { (Role::Stable, Role::Canary) };
    let mut line = Line::of(Role::Text, " ");
    match (&plan.draft.from, &plan.draft.to) {
        (Some(old), Some(new)) if old != new => {
            line = line.and(from, old.to_string()).and(Role::Dim, " → ").and(to, new.to_string());
        }
        (_, Some(one)) => line = line.and(to, one.to_string()),
        (Some(one), None) => line = line.and(from, one.to_string()),
        (None, None) => {}
    }
    let effect = &plan.draft.effect;
    if line.width() + 3 + measure::width(effect) < width {
        return vec![line.gap(3).and(Role::Strong, effect.clone())];
    }
    let below = measure::wrap(effect, width.saturating_sub(2)).into_iter();
    [line].into_iter().chain(below.map(|text| Line::of(Role::Strong, format!(" {text}")))).collect()
}

fn calls(plan: &Plan, width: usize, whole: bool) -> Vec<Line> {
    let calls = &plan.draft.calls;
    let each = calls.iter().enumerate().flat_map(|(index, call)| {
        let label = if calls.len() > 1 { format!("call {}", index + 1) } else { "call".to_owned() };
        let mut lines = labelled(&label, Role::Text, &call.words, width, 2);
        let wire = if whole { call.line() } else { format!("{} {}", call.method, call.path) };
        lines.extend(labelled("", Role::Dim, &wire, width, CALL_LINES));
        lines
    });
    each.collect()
}

fn afterwards(plan: &Plan, width: usize) -> Vec<Line> {
    let expect = &plan.draft.expect;
    let said = expect.said();
    if said.is_empty() {
        return Vec::new();
    }
    let then = format!("{said}, within {}", number::age(expect.within));
    labelled("done when", Role::Text, &then, width, 2)
}

/// `verdict GO, kubernetes live 2 s`: what was on screen.
fn seen(plan: &Plan) -> String {
    let verdict = plan.evidence.verdict.map_or("nothing judged", crate::domain::evidence::Verdict::words);
    let sources = plan.evidence.sources.iter().map(|source| {
        let age = source.age_seconds.map(|age| format!(" {age} s")).unwrap_or_default();
        format!("{} {}{age}", source.source, source.freshness)
    });
    [verdict.to_owned()].into_iter().chain(sources).collect::<Vec<_>>().join(", ")
}

fn unlabelled(line: Line) -> Line {
    let mut line = line;
    if let Some(first) = line.spans.first_mut() {
        first.text = " ".repeat(first.text.chars().count()).into();
    }
    line
}

/// What the operator still has to do; or why nothing can be sent any more.
fn ask(card: &Card, width: usize) -> Vec<Line> {
    if let Some(moved) = &card.moved {
        return labelled("✖ moved", Role::Bad, &format!("{moved}: nothing is sent from this card"), width, 3);
    }
    let friction = &card.plan.friction;
    let read_back = friction.read_back().map(|text| {
        let right = card.is_read_back(text);
        let role = if right { Role::Good } else { Role::Strong };
        Line::of(Role::Text, " Read back ")
            .and(Role::Strong, text.to_owned())
            .and(Role::Text, " to send it: ")
            .and(role, card.typed.clone())
            .and(Role::Accent, "▏")
            .and(Role::Good, if right { "  ✔" } else { "" })
    });
    read_back.into_iter().chain(friction.needs_reason().then(|| why(card))).collect()
}

/// The reasons, each with its digit.
fn why(card: &Card) -> Line {
    let mut line = Line::of(Role::Text, " Why?");
    for (index, reason) in REASONS.iter().enumerate() {
        let chosen = card.reason == Some(index);
        let role = if chosen { Role::Strong } else { Role::Text };
        line = line.and(Role::Accent, if chosen { "  ●" } else { "   " });
        line = line.and(Role::Key, (index + 1).to_string()).and(role, format!(" {reason}"));
    }
    line
}

fn keys(scene: &Scene<'_>, card: &Card) -> Line {
    let leave = scene.hint(Intent::Back, "leaves it, nothing is sent");
    if card.moved.is_some() {
        return leave;
    }
    match card.missing() {
        None => scene.hint(Intent::Send, "sends it").gap(3).join(leave),
        Some(missing) => Line::of(Role::Dim, missing).gap(3).join(leave),
    }
}
