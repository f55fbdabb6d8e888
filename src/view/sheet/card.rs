//! A confirm card: what would be sent, what it does, what was checked, how to undo it. Going forward is long, in capitals and
//! wants something read back; going back is short.
//!
//! On a low screen what only explains folds away, and is read by the keys for pages. What must be seen before it is sent is there at
//! once: target, environment, versions, effect, warnings, and what confirms it. Where even that does not fit, it is read by the same
//! keys, and must be.

mod several;

use std::ops::Range;

use crate::{
    app::{
        card::{Card, Focus, REASONS},
        intent::Intent,
        preflight,
    },
    domain::{offer::Risk, preflight::Heading, verb::Direction},
    port::{fill, plan::Plan},
    view::{
        changes, drift, measure, number,
        scene::Scene,
        sheet::{LABEL, NARROWEST, Sheet, Tone, form, labelled, place, rows_for},
        span::{Line, Role},
        way_back,
    },
};

/// Lines that the body of a call may take.
const CALL_LINES: usize = 3;
/// As many lines as it takes.
const ALL: usize = usize::MAX;

/// Lines of a card that stay or fold away together.
struct Block {
    lines: Vec<Line>,
    /// The highest folds away first; what must be seen never does.
    folds: Option<u8>,
    /// It is what confirms the card: it stands still where the rest moves.
    confirms: bool,
}

/// How much of a card that goes back is said; one that goes forward says everything, or is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Everything.
    Full,
    /// Notes and risks by their number.
    Counted,
    /// And a line each for the target, the environment, the versions and the effect.
    Least,
}

pub(super) fn sheet(scene: &Scene<'_>, card: &Card, width: usize, room: usize) -> Sheet {
    let plan = &card.plan;
    let (title, name) = title(card, width);
    let mut shown = (Vec::new(), None);
    // The way back is never locked by what there is to say about it; the way forward is.
    let back = plan.direction() == Direction::Back;
    for depth in if back { &[Depth::Full, Depth::Counted, Depth::Least][..] } else { &[Depth::Full][..] } {
        let mut head = name.clone();
        head.extend(several::what(scene, plan, width));
        if *depth == Depth::Least {
            head = several::least(scene, plan, !name.is_empty(), width);
        }
        shown = fold(blocks(scene, card, head, width, *depth), room);
        if shown.1.is_none() {
            break;
        }
    }
    let (mut lines, mut needs) = shown;
    let (mut window, mut of, mut explains) = (None, 0, false);
    if needs.is_none() {
        let mut head = name.clone();
        head.extend(several::what(scene, plan, width));
        let all = blocks(scene, card, head, width, Depth::Full);
        if let Some(rest) = rest(&lines, all, room, scene.model.nav.scroll) {
            (lines, window, of, explains) = (rest.0, Some(rest.1), rest.2, true);
        }
    }
    if needs.is_some() {
        let mut head = name;
        head.extend(several::what(scene, plan, width));
        if let Some(part) = part(blocks(scene, card, head, width, Depth::Full), room, scene.model.nav.scroll) {
            (lines, window, of, needs) = (part.0, Some(part.1), part.2, None);
        }
    }
    let keys = if needs.is_some() { leave(scene) } else { keys(scene, card, width) };
    Sheet { tone: tone(plan), title, lines, keys, width, tight: false, needs, window, of, explains, least: NARROWEST }
}

/// What must be seen, as much of it as there is room for above what confirms it; the rest is reached by keys. Nothing where
/// there is not even room for that.
fn part(blocks: Vec<Block>, room: usize, scroll: usize) -> Option<(Vec<Line>, Range<usize>, usize)> {
    let (confirms, reads) = apart(blocks.into_iter().filter(|block| block.folds.is_none()));
    let space = room.checked_sub(confirms.len() + 1).filter(|space| *space >= 2)?;
    let (mut shown, window) = super::window(&reads, scroll, space);
    let how = if window.end < reads.len() { "PageDown shows the rest, which must be read" } else { "PageUp goes back" };
    shown.push(place(&window, reads.len(), how));
    shown.extend(confirms);
    Some((shown, window, reads.len()))
}

/// Where something is folded away: the lines that are shown, which they are of all, and how many there are. First what must be
/// seen, as it is; behind that, from the begin on, everything there is to say, as much at once as there is room for above what
/// confirms it. Nothing where nothing is folded away.
fn rest(shown: &[Line], all: Vec<Block>, room: usize, scroll: usize) -> Option<(Vec<Line>, Range<usize>, usize)> {
    let said = |lines: &[Line]| lines.iter().filter(|line| !line.is_empty()).count();
    let (confirms, reads) = apart(all.into_iter());
    let reads: Vec<Line> = reads.into_iter().filter(|line| !line.is_empty()).collect();
    if said(shown) >= reads.len() + said(&confirms) {
        return None;
    }
    let of = reads.len() + 1;
    let space = room.checked_sub(confirms.len() + 1).filter(|space| *space >= 2)?;
    let Some(first) = scroll.checked_sub(1) else {
        let mut lines = shown.to_vec();
        if lines.len() < room {
            lines.push(Line::of(Role::Dim, " … PageDown shows all that there is to say"));
        }
        return Some((lines, 0..2, of));
    };
    let (mut lines, window) = super::window(&reads, first, space);
    lines.push(place(&window, reads.len(), "PageDown and PageUp move"));
    lines.extend(confirms);
    Some((lines, window.start + 1..window.end + 1, of))
}

/// What confirms a card, and what there is to read above it.
fn apart(blocks: impl Iterator<Item = Block>) -> (Vec<Line>, Vec<Line>) {
    let (confirms, reads): (Vec<Block>, Vec<Block>) = blocks.partition(|block| block.confirms);
    let lines = |blocks: Vec<Block>| blocks.into_iter().flat_map(|block| block.lines).collect::<Vec<Line>>();
    (lines(confirms), lines(reads))
}

/// Everything on the card from top to bottom.
fn blocks(scene: &Scene<'_>, card: &Card, head: Vec<Line>, width: usize, depth: Depth) -> Vec<Block> {
    let plan = &card.plan;
    let must = |lines| Block { lines, folds: None, confirms: false };
    let may = |folds, lines| Block { lines, folds: Some(folds), confirms: false };
    let blank = || may(9, vec![Line::new()]);
    let (forward, back) = (plan.direction() == Direction::Forward, plan.direction() == Direction::Back);
    let mut blocks = vec![must(head), blank()];
    let (role, mark) = if forward { (Role::Warn, "▲") } else { (Role::Bad, "✖") };
    for (index, one) in plan.each().enumerate() {
        blocks.extend(several::which(plan, index).map(|line| may(5, vec![line])));
        blocks.extend(calls(one, width, !back).into_iter().flat_map(|(words, wire)| [may(5, words), may(8, wire)]));
        blocks.push(may(4, afterwards(one, width)));
        if let Some(new) = changes::new(scene, &one.target).filter(|_| forward && !one.goes_back) {
            blocks.push(may(2, labelled("brings", new.role, &new.what, width, 2)));
            let warnings = new.warnings.iter().map(|text| labelled("", Role::Warn, &format!("▲ {text}"), width, ALL));
            blocks.extend(warnings.map(must));
        }
        if let Some((role, said)) = drift::line(scene, &one.target).filter(|_| forward && !one.goes_back) {
            // What was known when it was drawn up stands among its notes.
            let noted = one.draft.notes.iter().chain(&one.risks).any(|note| said.ends_with(note.as_str()));
            blocks.extend((!noted).then(|| may(2, labelled("settings", role, &said, width, 3))));
        }
        blocks.extend(ahead(scene, one, width).map(|lines| may(3, lines)));
        if forward || one.goes_back {
            blocks.extend([may(6, checked(one, width)), may(3, labelled("seen", Role::Text, &seen(one), width, 2))]);
        }
        if !back || one.goes_back {
            blocks.push(may(7, labelled("undo", Role::Text, &one.draft.undo, width, 2)));
        }
    }
    if depth == Depth::Full {
        for one in plan.each() {
            let of = several::of(plan, one);
            let risks = one.risks.iter().map(|risk| labelled("risk", role, &format!("{mark} {of}{risk}"), width, ALL));
            blocks.extend(risks.map(must));
            let notes = one.draft.notes.iter();
            blocks.extend(notes.map(|note| must(labelled("note", Role::Warn, &format!("▲ {of}{note}"), width, ALL))));
        }
    } else {
        blocks.push(must(counted(plan, width)));
    }
    let ask = ask(card, width, depth);
    if !ask.is_empty() {
        blocks.extend([blank(), Block { confirms: true, ..must(ask) }]);
    }
    blocks
}

/// Of what goes forward, the way back from it; of what goes back, what that interrupts. Nothing of what moves no traffic.
fn ahead(scene: &Scene<'_>, plan: &Plan, width: usize) -> Option<Vec<Line>> {
    let rollout = scene.model.store.rollout(&plan.target)?;
    match plan.direction() {
        Direction::Forward => {
            let line = way_back::line(scene.model, rollout);
            let role = line.spans.first().map_or(Role::Text, |span| span.role);
            Some(labelled("way back", role, &line.plain().replacen("back: ", "", 1), width, 2))
        }
        Direction::Back => {
            let to = rollout.arms.iter().find(|arm| arm.version.is_some() && arm.version == plan.draft.to)?;
            let outlook = preflight::to(scene.model, rollout, to, Heading::Back);
            let takes = outlook.takes.words().map(|takes| format!("{takes} until it serves"));
            let said: Vec<String> = takes.into_iter().chain(outlook.interrupts).collect();
            (!said.is_empty()).then(|| labelled("takes", Role::Text, &said.join("; "), width, 3))
        }
        Direction::Still => None,
    }
}

/// ` ▲ 1 risk, 3 notes: PageDown shows them`.
fn counted(plan: &Plan, width: usize) -> Vec<Line> {
    let some = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        many => Some(format!("{many} {word}s")),
    };
    let count = |of: fn(&Plan) -> usize| plan.each().map(of).sum::<usize>();
    let all: Vec<String> = some(count(|one| one.risks.len()), "risk")
        .into_iter()
        .chain(some(count(|one| one.draft.notes.len()), "note"))
        .collect();
    let line = || Line::of(Role::Warn, format!(" ▲ {}: PageDown shows them", all.join(", "))).cut(width);
    if all.is_empty() { Vec::new() } else { vec![line()] }
}

/// What must be seen of a card that goes back, a line each, where there is no room for more: what is too long is cut. The
/// target, where its name does not stand in the border; the versions, the one that is put back whole where it can be; the
/// effect.
fn least(plan: &Plan, name: bool, width: usize) -> Vec<Line> {
    let room = width.saturating_sub(2);
    let line = |role: Role, text: &str| Line::of(role, format!(" {}", measure::cut(text, room)));
    let mut lines = Vec::new();
    if name {
        lines.push(line(Role::Strong, plan.service.as_str()));
        lines.push(line(Role::Strong, &format!("in {}", plan.environment)));
    }
    let (from, to) = (&plan.draft.from, &plan.draft.to);
    match (from, to) {
        (Some(old), Some(new)) if old != new => {
            let (old, new) = (old.to_string(), new.to_string());
            let half = room.saturating_sub(3) / 2;
            let new = measure::cut(&new, room.saturating_sub(3 + measure::width(&old).min(half)));
            let old = measure::cut(&old, room.saturating_sub(3 + measure::width(&new)));
            let versions = Line::of(Role::Canary, format!(" {old}")).and(Role::Dim, " → ").and(Role::Stable, new);
            lines.push(versions);
        }
        (_, Some(one)) => lines.push(line(Role::Stable, &one.to_string())),
        (Some(one), None) => lines.push(line(Role::Canary, &one.to_string())),
        (None, None) => {}
    }
    lines.push(line(Role::Strong, &plan.draft.effect));
    lines
}

/// As many of the blocks as fit; and where not even those do that must be seen, the rows of a screen on which they would.
fn fold(mut blocks: Vec<Block>, room: usize) -> (Vec<Line>, Option<usize>) {
    let height = |blocks: &[Block]| blocks.iter().map(|block| block.lines.len()).sum::<usize>();
    let mut folded = false;
    // A line is left to say that there is more.
    while height(&blocks) + usize::from(folded) > room {
        let Some(first) = blocks.iter().filter_map(|block| block.folds).max() else { break };
        // A blank says nothing that somebody could miss.
        folded |= blocks.iter().any(|block| block.folds == Some(first) && block.lines.iter().any(|it| !it.is_empty()));
        blocks.retain(|block| block.folds != Some(first));
    }
    let needed = height(&blocks);
    let mut lines: Vec<Line> = blocks.into_iter().flat_map(|block| block.lines).collect();
    if needed > room {
        lines.truncate(room.saturating_sub(1));
        let rows = rows_for(needed);
        lines.push(Line::of(Role::Bad, format!(" ✖ cut: make the terminal {rows} rows high, nothing is sent before")));
        return (lines, Some(rows));
    }
    (lines, None)
}

fn tone(plan: &Plan) -> Tone {
    match (plan.direction(), plan.risk) {
        (Direction::Back, _) => Tone::Back,
        (Direction::Forward, _) if plan.each().any(|one| !one.risks.is_empty()) => Tone::Unsure,
        (Direction::Forward, _) if plan.each().any(|one| one.risk == Risk::High) => Tone::Forward,
        _ => Tone::Still,
    }
}

/// The environment first, in capitals where it is dangerous: the wrong one must jump to the eye (F15). What is too long for a
/// border stands in lines below it: no letter of a target may be lost.
fn title(card: &Card, width: usize) -> (String, Vec<Line>) {
    let plan = &card.plan;
    let verb = match &card.ask.takes_over {
        Some(takeover) if takeover.releases => "end what is held".to_owned(),
        Some(_) => format!("take over: {}", plan.verb.words()),
        None => plan.verb.words().to_owned(),
    };
    let place = several::places(plan);
    let place = if place.is_empty() { place } else { format!("{place}  ") };
    let whole = format!("{place}{verb} {}", several::subject(plan));
    if measure::width(&whole) + 6 <= width {
        return (whole, Vec::new());
    }
    let below = measure::wrap(&format!("{} in {}", several::subject(plan), place.trim_end()), width.saturating_sub(2));
    let lines = below.into_iter().map(|text| Line::of(Role::Strong, format!(" {text}")));
    (verb, lines.collect())
}

/// `1.41.3 (9f8e7d6) → 1.42.0 (a1b2c3d)   25 % → 50 % of traffic`: beside one another where that fits, else below one another,
/// for no word of it may be lost.
fn what(plan: &Plan, width: usize) -> Vec<Line> {
    // The version on its way in keeps its colour, whichever way it moves.
    let back = plan.direction() == Direction::Back;
    let (from, to) = if back { (Role::Canary, Role::Stable) } else { (Role::Stable, Role::Canary) };
    let room = width.saturating_sub(2);
    let below = |role: Role, text: &str| -> Vec<Line> {
        measure::wrap(text, room).into_iter().map(|text| Line::of(role, format!(" {text}"))).collect()
    };
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
    let mut lines = match (&plan.draft.from, &plan.draft.to) {
        _ if line.width() <= room => vec![line],
        (Some(old), Some(new)) if old != new => {
            let mut lines = below(from, &old.to_string());
            lines.extend(below(to, &format!("→ {new}")));
            lines
        }
        _ => below(to, line.plain().trim()),
    };
    lines.extend(below(Role::Strong, effect));
    lines
}

/// Each call in words, and on the wire.
fn calls(plan: &Plan, width: usize, whole: bool) -> Vec<(Vec<Line>, Vec<Line>)> {
    let count = plan.draft.sends().count();
    let each = plan.draft.sends().enumerate().map(|(index, step)| {
        let call = &step.call;
        let label = if count > 1 { format!("call {}", index + 1) } else { "call".to_owned() };
        let wire = if whole { call.line() } else { format!("{} {}", call.method, fill::shown_path(call)) };
        (labelled(&label, Role::Text, &step.to_string(), width, 2), labelled("", Role::Dim, &wire, width, CALL_LINES))
    });
    each.collect()
}

fn afterwards(plan: &Plan, width: usize) -> Vec<Line> {
    let expect = &plan.draft.expect;
    if expect.said().is_empty() {
        return Vec::new();
    }
    let then = expect.promised(&number::age(expect.within));
    labelled("done when", Role::Text, &then, width, 2)
}

/// What was checked and holds.
fn checked(plan: &Plan, width: usize) -> Vec<Line> {
    let lines = plan.checks.iter().flat_map(|check| labelled("checked", Role::Text, &format!("✔ {check}"), width, 2));
    lines.enumerate().map(|(index, line)| if index == 0 { line } else { unlabelled(line) }).collect()
}

/// `verdict GO, cluster live 2 s`: what was on screen.
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
fn ask(card: &Card, width: usize, depth: Depth) -> Vec<Line> {
    if let Some(moved) = &card.moved {
        let most = if depth == Depth::Least { 3 } else { ALL };
        return labelled("✖ moved", Role::Bad, &format!("{moved}: nothing is sent from this card"), width, most);
    }
    let mut lines = form::lines(card, width);
    if let Some(why) = &card.against {
        lines.extend(labelled("✖ not so", Role::Bad, why, width, ALL));
    }
    if let Some(text) = card.plan.friction.read_back() {
        lines.extend(read_back(card, text, width));
    }
    if card.plan.friction.needs_reason() {
        lines.extend(reasons(card, width));
    }
    if card.takes_words() {
        let cursor = if card.focus() == Focus::Words { "▏" } else { "" };
        let typed = if depth == Depth::Least { end_of(&card.words, width) } else { card.words.clone() };
        lines.extend(labelled("in words", Role::Strong, &format!("{typed}{cursor}"), width, ALL));
    }
    lines
}

/// The end of what is typed, where only one line is left for it.
fn end_of(words: &str, width: usize) -> String {
    let room = width.saturating_sub(LABEL + 4);
    let mut end = words;
    while measure::width(end) > room {
        let Some((index, _)) = end.char_indices().nth(1) else { break };
        end = end.get(index..).unwrap_or_default();
    }
    if end.len() < words.len() { format!("…{end}") } else { end.to_owned() }
}

/// ` Reason  1 errors  2 latency  …`, in as many lines as it takes.
fn reasons(card: &Card, width: usize) -> Vec<Line> {
    const HEAD: &str = " Reason";
    let mut lines = vec![Line::of(Role::Title, HEAD)];
    for (index, reason) in REASONS.iter().enumerate() {
        let chosen = card.reason == Some(index);
        let role = if chosen { Role::Strong } else { Role::Text };
        let item = Line::of(Role::Accent, if chosen { " ●" } else { "  " })
            .and(Role::Key, (index + 1).to_string())
            .and(role, format!(" {reason}"));
        match lines.pop() {
            Some(line) if line.width() + item.width() < width => lines.push(line.join(item)),
            line => lines.extend(line.into_iter().chain([Line::new().gap(measure::width(HEAD)).join(item)])),
        }
    }
    lines
}

fn read_back(card: &Card, text: &str, width: usize) -> Vec<Line> {
    let right = card.is_read_back(text);
    let role = if right { Role::Good } else { Role::Strong };
    let cursor = if card.focus() == Focus::ReadBack { "▏" } else { "" };
    let typed =
        Line::of(role, card.typed.clone()).and(Role::Accent, cursor).and(Role::Good, if right { "  ✔" } else { "" });
    let begin = Line::of(Role::Text, " Read back ").and(Role::Strong, text.to_owned()).and(Role::Text, " to send it: ");
    if begin.width() + measure::width(text) + 4 < width && begin.width() + typed.width() < width {
        return vec![begin.join(typed)];
    }
    let below = |role: Role, text: &str| -> Vec<Line> {
        let wrapped = measure::wrap(text, width.saturating_sub(2)).into_iter();
        wrapped.map(|text| Line::of(role, format!(" {text}"))).collect()
    };
    let mut lines = below(Role::Strong, &format!("Read back {text} to send it:"));
    lines.extend(below(role, &typed.plain()));
    lines
}

fn leave(scene: &Scene<'_>) -> Line {
    scene.hint(Intent::Back, "leaves it, nothing is sent")
}

fn keys(scene: &Scene<'_>, card: &Card, width: usize) -> Line {
    let leave = leave(scene);
    if card.moved.is_some() {
        return leave;
    }
    let begin = match card.missing() {
        None => scene.hint(Intent::Send, "sends it"),
        Some(missing) => Line::of(Role::Dim, missing),
    };
    let short = scene.hint(Intent::Back, "leaves it");
    let room = width.saturating_sub(4);
    let next = scene.hint(Intent::NextField, "next field");
    let fits = begin.width() + next.width() + short.width() + 6 <= room;
    let begin = if fits && !card.form.is_empty() { begin.gap(3).join(next) } else { begin };
    if begin.width() + leave.width() <= room {
        begin.gap(3).join(leave)
    } else if begin.width() + short.width() <= room {
        begin.gap(3).join(short)
    } else {
        // A read-back that is as long as this stands above, whole.
        Line::of(Role::Dim, "type it to send it").gap(3).join(short)
    }
}

#[cfg(test)]
mod tests;
