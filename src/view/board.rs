//! The board: the answer on top, then the releases, what stands in pipelines and at gates, and what is steady.

use crate::{
    app::{
        board as flying,
        headline::{self as answer, Cause},
        holds::{self, How},
    },
    domain::{rollout::Rollout, time::age},
    view::{
        Part, action, cells, chrome, headline, number, past_us,
        row::{flight, steady, stop},
        scene::Scene,
        section::{Section, cached, stack},
        span::{Line, Role},
    },
};

/// Everything between the rules.
pub(super) fn body(scene: &Scene<'_>) -> Vec<Part> {
    let (reasons, actions) = match scene.rows {
        22.. => (3, 2),
        18..22 => (2, 2),
        _ => (1, 1),
    };
    let mut parts = headline::block(scene, reasons);
    if scene.rows >= 18 {
        parts.extend(others(scene));
        parts.extend(past_us::recent(scene, 2));
    }
    parts.extend(cells::differing(
        scene,
        match scene.rows {
            30.. => 3,
            22..30 => 1,
            _ => 0,
        },
    ));
    let mut acts = action::recent(scene, actions);
    if scene.rows < 18 {
        // All of what it says stands on the release.
        acts.truncate(2);
    }
    parts.extend(acts);
    parts.push(Part::Rule);
    let room = (scene.rows.saturating_sub(chrome(scene.rows))).saturating_sub(parts.len());
    parts.extend(lists(scene, room));
    parts
}

fn lists(scene: &Scene<'_>, room: usize) -> Vec<Part> {
    let lists = &scene.lists;
    let selected = (scene.selected_of(&lists.releases), scene.selected_stop(), scene.selected_of(&lists.steady));
    let old = lists.steady.iter().filter(|rollout| !is_sound(scene, rollout)).count();
    let old = if old > 0 { Line::of(Role::Warn, format!(", {old} not all there")) } else { Line::new() };
    let sections = vec![
        Section::new(scene, "RELEASES", lists.releases.clone(), selected.0, (flight::specs, flight::glyph))
            .or_nothing(nothing(scene)),
        Section::new(
            scene,
            "PIPELINES AND GATES",
            lists.stops.iter().collect(),
            selected.1,
            (stop::specs, stop::glyph),
        ),
        Section::new(scene, "STEADY", lists.steady.clone(), selected.2, (steady::specs, steady::glyph))
            .quiet()
            .folding(old),
        cached(scene),
    ];
    stack(scene, sections, room, last(scene))
}

/// Why the list is empty: nothing is there, nothing matches, or nothing has answered.
fn nothing(scene: &Scene<'_>) -> String {
    let filter = &scene.model.nav.filter;
    let silent: Vec<&str> =
        scene.sources.iter().filter(|state| state.age.is_none()).map(|state| state.source.as_str()).collect();
    if !filter.is_empty() {
        format!("no row contains '{filter}'")
    } else if !silent.is_empty() {
        format!("nothing seen yet: waiting for {}", silent.join(", "))
    } else {
        "nothing is on its way".to_owned()
    }
}

/// Is a steady rollout seen now, with all its pods?
fn is_sound(scene: &Scene<'_>, rollout: &Rollout) -> bool {
    steady::glyph(scene, rollout).plain() == steady::SOUND
}

/// Other releases that are named one by one below the one that the answer speaks of.
const OTHERS: usize = 3;

/// The other releases that do harm, a line each: one answer must not hide them.
fn others(scene: &Scene<'_>) -> Vec<Part> {
    let first = answer::headline(scene.model).rollout;
    let harm = |rollout: &&Rollout| {
        Some(&rollout.id) != first.as_ref() && answer::cause_of(scene.model, rollout) == Cause::Release
    };
    let all: Vec<&Rollout> = flying::in_flight(scene.model).into_iter().filter(harm).collect();
    let line = |rollout: &&Rollout| {
        let judgement = scene.model.judgements.get(&rollout.id);
        let why = judgement.map(|judgement| flight::reason(scene, judgement)).unwrap_or_default();
        let name = Line::of(Role::Bad, " ✖ ").and(Role::Strong, headline::named(scene.model, rollout)).gap(2);
        Part::Line(name.and(Role::Text, why).cut(scene.columns))
    };
    let mut lines: Vec<Part> = all.iter().take(OTHERS).map(line).collect();
    if all.len() > OTHERS {
        let more = format!("   and {} more that do harm", all.len() - OTHERS);
        lines.push(Part::Line(Line::of(Role::Bad, more)));
    }
    lines
}

/// What is held, and what was done last; nothing where there is neither. A filter hides none of it.
fn last(scene: &Scene<'_>) -> Line {
    holds(scene).join(did(scene))
}

/// What a person or an abort left behind; nothing where there is none. A filter hides none of it.
fn holds(scene: &Scene<'_>) -> Line {
    let all = holds::all(scene.model);
    let Some(oldest) = all.first() else { return Line::new() };
    let how = match &oldest.how {
        How::Paused => "paused by a person",
        How::AbortedInSpec if scene.model.store.rollout(&oldest.target).is_some_and(Rollout::is_declared) => {
            "taken back and still in its source"
        }
        How::AbortedInSpec => "aborted and still in the spec",
        How::ByAct(_, words) | How::NotBegun(_, words) => words,
    };
    let since = oldest.since.map(|since| format!("{}: ", number::age(age(scene.now(), since)))).unwrap_or_default();
    let owner = oldest.owner.as_ref().map(|owner| format!(", {owner}"));
    let owner = owner.or_else(|| oldest.with.as_ref().map(|with| format!(", with {with}"))).unwrap_or_default();
    let of = if all.len() > 1 { "oldest " } else { "" };
    let words = format!(
        "{}  {of}{since}{} {how}{owner}",
        all.len(),
        cells::called(scene.model, &oldest.service, &oldest.environment)
    );
    Line::of(Role::Title, "   HOLDS").gap(1).and(Role::Warn, words)
}

/// `DID 02:01 dana hold cart ✔`: what was done last, as far as this session knows.
fn did(scene: &Scene<'_>) -> Line {
    let newest = scene.model.actions.iter().rev().find(|action| !action.is_running());
    let Some(action) = newest else { return Line::new() };
    let (glyph, role) = action::mark(action);
    Line::of(Role::Title, "   DID")
        .gap(1)
        .and(Role::Dim, format!("{} {} ", number::moment(scene.now(), action.since), action.who))
        .and(Role::Text, format!("{} {} ", action.plan.verb.words(), action::of_which(scene, action)))
        .and(role, glyph)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_is_drawn_on_the_least_screen_below_an_act_that_says_much() {
        use crate::{port::record::Stage, view::sample};
        let keymap = sample::keymap();
        for stages in [Vec::new(), vec![Stage::Unknown { check: "read Rollout shop/payments again: ".repeat(3) }]] {
            let mut model = sample::board(60, 12);
            if !stages.is_empty() {
                model.actions.recorded(sample::record(stages));
            }
            for key in crate::app::rows::rows(&model) {
                model.nav.selected = Some(key.clone());
                let scene = Scene::new(&model, &keymap);
                let parts = body(&scene);
                let lines = |part: &Part| if let Part::Table(table) = part { 1 + table.rows.len() } else { 1 };
                assert!(parts.iter().map(lines).sum::<usize>() <= 12 - chrome(12), "{key:?}: {parts:?}");
                let tables =
                    parts.iter().filter_map(|part| if let Part::Table(table) = part { Some(table) } else { None });
                let drawn = tables.flat_map(|table| &table.rows).filter(|row| row.selected).count();
                assert_eq!(drawn, 1, "{key:?}");
            }
        }
    }
}
