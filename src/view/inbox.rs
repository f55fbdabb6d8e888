//! What waits for a human, over all systems: as a list on the board, and on a screen of its own with all there is to say
//! about the selected one.

use std::ops::Range;

use crate::{
    app::{
        inbox::{self, Item},
        intent::Intent,
    },
    domain::{gate::Eligibility, time::age, verb::Verb},
    view::{
        Part, action,
        board::flight,
        chrome, footer, freshness, measure, number,
        scene::{Scene, Told},
        span::{Line, Role},
        table::{self, Align, List, Spec, heading},
    },
};

/// Something that waits longer than this has probably been forgotten.
const FORGOTTEN_SECONDS: u64 = 8 * 3_600;
/// From so many columns on there is room for a gate's whole name.
const WIDE: usize = 140;
/// Actions that are shown below the list.
const ACTIONS: usize = 2;
/// Lines that the selected item may take below the list.
const DETAIL: usize = 9;
/// Rows that the list keeps on a low screen, whatever there is to say about the selected one.
const LEAST: usize = 3;

/// The screen.
pub(super) fn body(scene: &Scene<'_>) -> Vec<Part> {
    // A gate that was opened leaves the list; what became of it must not leave the screen with it.
    let done = action::recent(scene, ACTIONS);
    let incomplete = incomplete(scene).filter(|_| !scene.waiting.is_empty());
    let room = scene.rows.saturating_sub(chrome(scene.rows) + done.len() + usize::from(incomplete.is_some()));
    // Two lines: the heading, and the rule below the list.
    let rows = room.saturating_sub(DETAIL + 2).max(LEAST).min(scene.waiting.len());
    let mut parts = if scene.waiting.is_empty() { empty(scene) } else { list(scene, rows) };
    parts.extend(incomplete);
    if let Some(item) = scene.selected_item().and_then(|index| scene.waiting.get(index)) {
        let left = room.saturating_sub(rows + 2).min(DETAIL);
        parts.push(Part::Rule);
        parts.extend(detail(scene, item, left).into_iter().take(left).map(Part::Line));
    }
    if !done.is_empty() {
        parts.push(Part::Rule);
        parts.extend(done);
    }
    parts
}

/// Nothing waits, as far as is known.
fn empty(scene: &Scene<'_>) -> Vec<Part> {
    let filter = &scene.model.nav.filter;
    let (role, words) = match scene.told {
        _ if !filter.is_empty() => (Role::Text, format!("Nothing that waits contains '{filter}'.")),
        Told::All => (Role::Text, "Nothing waits for a human.".to_owned()),
        Told::Before => (Role::Unknown, "Nothing is known to wait for a human.".to_owned()),
        Told::Never => (Role::Unknown, "What waits for a human is not known.".to_owned()),
        Told::Nobody => {
            let words = "What waits for a human is not known: no connection tells of gates or rollouts.";
            (Role::Unknown, words.to_owned())
        }
    };
    let mut parts = vec![Part::blank(), Part::Line(Line::of(role, format!("   {words}")).cut(scene.columns))];
    let old = scene.sources.iter().filter(|state| freshness::is_old(Some(state)));
    parts.extend(old.map(|state| {
        let begin = Line::of(Role::Text, format!("   But {}: ", state.source));
        Part::Line(begin.join(freshness::sentence(state)).cut(scene.columns))
    }));
    parts.extend(incomplete(scene));
    parts
}

/// What the lists lack, one line for all of it; nothing where they are whole.
fn incomplete(scene: &Scene<'_>) -> Option<Part> {
    let all: Vec<&str> = scene.sources.iter().flat_map(|state| &state.unread).map(String::as_str).collect();
    let line = Line::of(Role::Warn, format!("   ▲ incomplete, more may wait: {}", all.join("; ")));
    (!all.is_empty()).then(|| Part::Line(line.cut(scene.columns)))
}

/// The list with its heading, in so many rows.
pub(super) fn list(scene: &Scene<'_>, room: usize) -> Vec<Part> {
    let selected = scene.selected_item();
    let shown: Range<usize> = table::window(scene.waiting.len(), room, selected);
    let rows: Vec<&Item> = scene.waiting.get(shown.clone()).unwrap_or_default().iter().collect();
    let list = List {
        title: heading("WAITS FOR A HUMAN", scene.waiting.len(), &shown),
        specs: &specs(scene),
        selected: selected.and_then(|index| index.checked_sub(shown.start)),
        rows: &rows,
        glyph,
    };
    vec![Part::Table(list.lay_out(scene, scene.columns))]
}

/// The columns; on a narrow screen the less telling ones leave first. A verdict has one only where there is a verdict, and then
/// it stays.
fn specs<'a>(scene: &Scene<'a>) -> Vec<Spec<Scene<'a>, &'a Item>> {
    let left = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Left, cell };
    let right = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Right, cell };
    let (columns, place) = (scene.columns, scene.places.least());
    let you = match columns {
        110.. => 28,
        80..110 => 15,
        _ => 10,
    };
    let mut specs = vec![
        left("", 8, 18, 0, service),
        left("where", place, place.max(16), 0, |scene, item, width| {
            old(scene, item, Line::of(Role::Dim, scene.places.short(item.environment.as_str(), width)))
        }),
        left("gate", 13, if columns < WIDE { 13 } else { 20 }, 4, gate),
        // `promote past step 1` is whole where there is room for it.
        left("what", 14, 26, 0, |scene, item, width| {
            old(scene, item, Line::of(Role::Text, measure::cut(&item.title, width)))
        }),
        // Where there is no room for both, the reason comes before the commit.
        left("version", 7, if columns < WIDE { 12 } else { 18 }, 2, version),
        right("age", 6, 6, 1, waited),
        left("verdict", 7, 8, 0, |scene, item, _| {
            let line = item.verdict.map_or_else(Line::new, |verdict| Line::of(flight::role(verdict), verdict.words()));
            old(scene, item, line)
        }),
        left("you", you, you, 0, you_may),
    ];
    if scene.waiting.iter().all(|item| item.verdict.is_none()) {
        specs.retain(|spec| spec.title != "verdict");
    }
    specs
}

fn glyph(_: &Scene<'_>, item: &Item) -> Line {
    match item.eligible {
        Eligibility::Can if item.refused.is_some() => Line::of(Role::Dim, "○"),
        Eligibility::Can => Line::of(Role::Accent, "○"),
        Eligibility::Cannot { .. } => Line::of(Role::Dim, "·"),
        Eligibility::Unknown { .. } => Line::of(Role::Unknown, "?"),
    }
}

fn state(scene: &Scene<'_>, item: &Item) -> Option<crate::app::store::SourceState> {
    scene.model.store.target_state(&item.target, scene.now())
}

fn old(scene: &Scene<'_>, item: &Item, line: Line) -> Line {
    if freshness::is_old(state(scene, item).as_ref()) { line.stale() } else { line }
}

fn service(scene: &Scene<'_>, item: &Item, _: usize) -> Line {
    old(scene, item, Line::of(Role::Strong, item.service.to_string()))
}

/// The system, and what it calls its gate where there is room for that.
fn gate(scene: &Scene<'_>, item: &Item, width: usize) -> Line {
    let whole = item.system.as_str();
    let short = whole.rsplit_once(' ').map_or(whole, |(system, _)| system);
    let words = if measure::width(whole) <= width { whole } else { short };
    old(scene, item, Line::of(Role::Text, words.to_owned()))
}

fn version(scene: &Scene<'_>, item: &Item, width: usize) -> Line {
    let words = item.version.as_ref().map(|version| {
        let whole = version.to_string();
        if measure::width(&whole) <= width { whole } else { version.tag.clone() }
    });
    old(scene, item, words.map_or_else(|| Line::of(Role::Unknown, "—"), |words| Line::of(Role::Canary, words)))
}

fn waited(scene: &Scene<'_>, item: &Item, _: usize) -> Line {
    let Some(since) = item.since else { return Line::of(Role::Unknown, "—") };
    let waited = age(scene.now(), since);
    let role = if waited.as_secs() > FORGOTTEN_SECONDS { Role::Warn } else { Role::Text };
    old(scene, item, Line::of(role, number::age(waited)))
}

/// What is not live, what was said of this one elsewhere, and whether I may.
fn you_may(scene: &Scene<'_>, item: &Item, width: usize) -> Line {
    let warning = state(scene, item).map(|state| freshness::warning(&state)).unwrap_or_default();
    let mut line = if warning.is_empty() { warning } else { warning.gap(2) };
    line = match &item.eligible {
        _ if item.refused.is_some() => {
            let why = item.refused.as_deref().unwrap_or_default();
            line.and(Role::Dim, format!("refused: {why}"))
        }
        Eligibility::Can => line.and(Role::Good, "can"),
        Eligibility::Cannot { why, .. } => line.and(Role::Dim, format!("cannot: {why}")),
        Eligibility::Unknown { why } => line.and(Role::Unknown, why.clone()),
    };
    if let Some(approvals) = &item.approvals {
        line = line.gap(2).and(Role::Text, format!("{} of {}", approvals.given(), approvals.needed()));
    }
    if item.newer_behind > 0 {
        line = line.gap(2).and(Role::Warn, format!("{} newer behind", item.newer_behind));
    }
    line.cut(width)
}

/// Everything about one item, as lines; where there are few, whether I may comes first.
fn detail(scene: &Scene<'_>, item: &Item, most: usize) -> Vec<Line> {
    let room = scene.columns.saturating_sub(14);
    let mut lines = vec![
        Line::of(Role::Strong, format!("   {}", item.service))
            .and(Role::Dim, format!("  {}  {}  ", item.environment, item.system))
            .and(Role::Text, item.title.clone())
            .cut(scene.columns),
    ];
    let mut add = |label: &'static str, role: Role, text: String| {
        for (index, text) in measure::wrap(&text, room).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            lines.push(Line::of(Role::Dim, format!("   {label:<10}")).and(role, text));
        }
    };
    if let Some(version) = item.version.as_ref().filter(|_| most > 2) {
        add("version", Role::Canary, version.to_string());
    }
    match &item.eligible {
        _ if item.refused.is_some() => {
            let why = item.refused.as_deref().unwrap_or_default();
            add("you", Role::Warn, format!("refused: {why}"));
        }
        Eligibility::Can => add("you", Role::Good, "can".to_owned()),
        Eligibility::Cannot { why, ask } if ask.is_empty() => add("you", Role::Warn, format!("cannot: {why}")),
        Eligibility::Cannot { why, ask } => {
            let ask: Vec<String> = ask.iter().map(ToString::to_string).collect();
            add("you", Role::Warn, format!("cannot: {why}; ask {}", ask.join(", ")));
        }
        Eligibility::Unknown { why } => add("you", Role::Unknown, why.clone()),
    }
    if let Some(approvals) = &item.approvals {
        let ends = approvals.expires.map(|at| format!("; ends {}", number::moment(scene.now(), at)));
        add("approvals", Role::Text, format!("{}{}", approvals.said(), ends.unwrap_or_default()));
    }
    if let Some(newer) = inbox::newer_words(item) {
        add("behind", Role::Warn, format!("{newer} behind this one"));
    }
    if let Some(url) = scene.model.store.gate(&item.target).and_then(|gate| gate.url.clone()) {
        add("open", Role::Dim, url);
    }
    for intent in [Intent::Do(Verb::Approve), Intent::Do(Verb::Reject), Intent::Do(Verb::Promote)] {
        if let Some(why) = footer::refused(scene.model, intent, &item.target)
            && !why.starts_with("there is no")
            && item.refused.as_ref() != Some(&why)
        {
            add(intent.row().title, Role::Dim, format!("refused: {why}"));
        }
    }
    lines
}
