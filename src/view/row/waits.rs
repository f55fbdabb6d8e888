//! Something that waits for a human as a row: a gate that a system told of, or a pause that only a human ends.

use crate::{
    app::inbox::Item,
    domain::{
        gate::{Approvals, Eligibility},
        time::age,
    },
    view::{
        freshness, measure, number,
        row::flight,
        scene::Scene,
        span::{Line, Role},
        table::{Align, Spec},
    },
};

/// Something that waits longer than this has probably been forgotten.
const FORGOTTEN_SECONDS: u64 = 8 * 3_600;
/// From so many columns on there is room for a gate's whole name.
const WIDE: usize = 140;

/// The columns; on a narrow screen the less telling ones leave first. A verdict has one only where there is a verdict, and then
/// it stays.
pub(in crate::view) fn specs<'a, 'i>(scene: &Scene<'a>) -> Vec<Spec<Scene<'a>, &'i Item>> {
    let left = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Left, cell };
    let right = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Right, cell };
    let columns = scene.columns;
    let (name, place) = (scene.name_cells(), scene.place_cells());
    let you = match columns {
        110.. => 28,
        80..110 => 15,
        _ => 10,
    };
    let mut specs = vec![
        left("", name.0, name.1, 0, service),
        left("where", place.0, place.1, 0, |scene, item, width| {
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
    if scene.lists.waiting.iter().all(|item| item.verdict.is_none()) {
        specs.retain(|spec| spec.title != "verdict");
    }
    specs
}

pub(in crate::view) fn glyph(_: &Scene<'_>, item: &Item) -> Line {
    match item.eligible {
        Eligibility::Can if item.refused.is_some() => Line::of(Role::Dim, "○"),
        Eligibility::Can => Line::of(Role::Accent, "○"),
        Eligibility::Cannot { .. } => Line::of(Role::Dim, "·"),
        Eligibility::Nobody { .. } => Line::of(Role::Warn, "▲"),
        Eligibility::Unknown { .. } => Line::of(Role::Unknown, "?"),
    }
}

fn state(scene: &Scene<'_>, item: &Item) -> Option<crate::app::store::SourceState> {
    scene.model.store.target_state(&item.target, scene.now())
}

pub(in crate::view) fn old(scene: &Scene<'_>, item: &Item, line: Line) -> Line {
    if freshness::is_old(state(scene, item).as_ref()) { line.stale() } else { line }
}

pub(in crate::view) fn service(scene: &Scene<'_>, item: &Item, _: usize) -> Line {
    scene.mark(&item.target).join(old(scene, item, Line::of(Role::Strong, item.service.to_string())))
}

/// The system, and what it calls its gate where there is room for that.
pub(in crate::view) fn gate(scene: &Scene<'_>, item: &Item, width: usize) -> Line {
    let mut words = item.system.as_str();
    while measure::width(words) > width
        && let Some((fewer, _)) = words.rsplit_once(' ')
    {
        words = fewer;
    }
    old(scene, item, Line::of(Role::Text, measure::cut(words, width)))
}

pub(in crate::view) fn version(scene: &Scene<'_>, item: &Item, width: usize) -> Line {
    let words = item.version.as_ref().map(|version| {
        let whole = version.to_string();
        if measure::width(&whole) <= width { whole } else { version.tag.clone() }
    });
    old(scene, item, words.map_or_else(|| Line::of(Role::Unknown, "—"), |words| Line::of(Role::Canary, words)))
}

pub(in crate::view) fn waited(scene: &Scene<'_>, item: &Item, _: usize) -> Line {
    let Some(since) = item.since else { return Line::of(Role::Unknown, "—") };
    let waited = age(scene.now(), since);
    let role = if waited.as_secs() > FORGOTTEN_SECONDS { Role::Warn } else { Role::Text };
    old(scene, item, Line::of(role, number::age(waited)))
}

/// What is not live, what was said of this one elsewhere, and whether I may.
pub(in crate::view) fn you_may(scene: &Scene<'_>, item: &Item, width: usize) -> Line {
    let warning = state(scene, item).map(|state| freshness::warning(&state)).unwrap_or_default();
    let mut line = if warning.is_empty() { warning } else { warning.gap(2) };
    line = match &item.eligible {
        _ if item.refused.is_some() => {
            let why = item.refused.as_deref().unwrap_or_default();
            line.and(Role::Dim, format!("refused: {why}"))
        }
        Eligibility::Can => line.and(Role::Good, "can"),
        Eligibility::Cannot { why, .. } => line.and(Role::Dim, format!("cannot: {why}")),
        Eligibility::Nobody { why } => line.and(Role::Warn, format!("nobody can: {why}")),
        // Half of a reason says less than that there is one: all of it stands below the inbox.
        Eligibility::Unknown { why } if line.width() + measure::width(why) > width => {
            line.and(Role::Unknown, "not known whether you may")
        }
        Eligibility::Unknown { why } => line.and(Role::Unknown, why.clone()),
    };
    // Where one is enough and none was given, that it waits says it.
    let counts = |approvals: &&Approvals| (approvals.given(), approvals.needed()) != (0, 1);
    if let Some(approvals) = item.approvals.as_ref().filter(counts) {
        line = line.gap(2).and(Role::Text, format!("{} of {}", approvals.given(), approvals.needed()));
    }
    if let Some(older) = &item.older {
        line = line.gap(2).and(Role::Warn, format!("▲ older than live {}", older.live.short_tag()));
    }
    if let Some(left) = &item.left {
        line = line.gap(2).and(Role::Bad, format!("✖ {} left it", left.who));
    }
    if item.newer_behind > 0 {
        let forms = [format!("{} newer behind", item.newer_behind), format!("{} newer", item.newer_behind)];
        let fits = forms.iter().find(|form| line.width() + 2 + measure::width(form) <= width);
        line = line.gap(2).and(Role::Warn, fits.unwrap_or(&forms[1]).clone());
    }
    line.cut(width)
}
