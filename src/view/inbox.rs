//! What waits for a human, over all systems, with all there is to say about the selected one.

use crate::{
    app::{
        inbox::{self, Item as Waits},
        intent::Intent,
    },
    domain::{
        gate::{Eligibility, nobody_can},
        item::Item,
        offer::offer_for,
        verb::Verb,
    },
    view::{
        Part, action, changes, chrome, drift, footer, freshness, measure, number,
        row::waits,
        scene::{Scene, Told},
        section::{Section, stack},
        span::{Line, Role},
        title,
    },
};

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
    let incomplete = incomplete(scene).filter(|_| !scene.lists.waiting.is_empty());
    let room = scene.rows.saturating_sub(chrome(scene.rows) + done.len() + usize::from(incomplete.is_some()));
    // Two lines: the heading, and the rule below the list.
    let rows = room.saturating_sub(DETAIL + 2).max(LEAST).min(scene.lists.waiting.len());
    let mut parts = if scene.lists.waiting.is_empty() { empty(scene) } else { list(scene, rows) };
    parts.extend(incomplete);
    if let Some(item) = scene.selected_item().and_then(|index| scene.lists.waiting.get(index)) {
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
        // The title says how many need somebody: here it is said where.
        _ if let harm @ 1.. = title::harmful(scene) => {
            let what = if harm == 1 { "a release does".to_owned() } else { format!("{harm} releases do") };
            (Role::Bad, format!("{what} harm: the board says which. No gate and no pause waits, as far as is known."))
        }
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
fn list(scene: &Scene<'_>, rows: usize) -> Vec<Part> {
    let waiting = scene.lists.waiting.iter().collect();
    let section =
        Section::new(scene, "WAITS FOR A HUMAN", waiting, scene.selected_item(), (waits::specs, waits::glyph));
    stack(scene, vec![section], rows + 1, Line::new())
}

/// Everything about one item, as lines; where there are few, whether I may comes first.
fn detail(scene: &Scene<'_>, item: &Waits, most: usize) -> Vec<Line> {
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
        Eligibility::Nobody { why } => add("you", Role::Warn, nobody_can(why)),
        Eligibility::Unknown { why } => add("you", Role::Unknown, why.clone()),
    }
    if let Some(approvals) = &item.approvals {
        let ends = approvals.expires.map(|at| format!("; ends {}", number::moment(scene.now(), at)));
        add("approvals", Role::Text, format!("{}{}", approvals.said(), ends.unwrap_or_default()));
    }
    if let Some(older) = &item.older {
        add("live", Role::Warn, older.words());
    }
    if let Some(left) = &item.left {
        add("left", Role::Bad, left.to_string());
    }
    if let Some(new) = changes::new(scene, &item.target) {
        add("brings", new.role, new.what);
        for warning in new.warnings {
            add("", Role::Warn, format!("▲ {warning}"));
        }
    }
    if let Some((role, said)) = drift::line(scene, &item.target) {
        add("settings", role, said);
    }
    if let Some(newer) = inbox::newer_words(item) {
        add("behind", Role::Warn, format!("{newer} behind this one"));
    }
    if let Some(url) = scene.model.store.gate(&item.target).and_then(|gate| gate.url.clone()) {
        add("open", Role::Dim, url);
    }
    for intent in
        [Verb::Approve, Verb::Reject, Verb::Promote, Verb::PromoteFull, Verb::Sync, Verb::Resume].map(Intent::Do)
    {
        let offers = scene.model.store.item(&item.target).map(Item::offers).unwrap_or_default();
        let offered = intent.verb().is_some_and(|verb| offer_for(offers, verb).is_some());
        if let Some(why) = footer::refused(scene.model, intent, std::slice::from_ref(&item.target)).filter(|_| offered)
            && item.refused.as_ref() != Some(&why)
        {
            add(intent.row().title, Role::Dim, format!("refused: {why}"));
        }
    }
    lines
}
