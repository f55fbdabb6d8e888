//! The palette: what is typed, and what it finds, each with its key. A verb says what it would act on, or why not.

use crate::{
    app::{
        intent::Intent,
        palette::{self, Choice, Entry, Palette},
    },
    domain::object::ObjectId,
    view::{
        footer, measure,
        scene::Scene,
        sheet::Sheet,
        span::{Line, Role},
    },
};

/// Cells of a key and of what is found.
const KEY: usize = 9;
const NAME: usize = 18;

/// As many entries as there is room for, from the one on that must be seen.
pub(super) fn sheet(scene: &Scene<'_>, palette: &Palette, width: usize, room: usize) -> Sheet {
    let entries = palette::entries(scene.model, &palette.typed);
    let at = palette.at(&entries);
    let typed = measure::cut(&palette.typed, width.saturating_sub(6));
    let mut lines = vec![Line::of(Role::Accent, " : ").and(Role::Strong, typed).and(Role::Accent, "▏")];
    if entries.is_empty() {
        lines.push(Line::of(Role::Unknown, " nothing is called so"));
    }
    // The line that is typed stays; the list below it moves.
    let space = room.saturating_sub(2).max(1);
    let first = (at + 1).saturating_sub(space);
    let shown = entries.iter().enumerate().skip(first).take(space);
    lines.extend(shown.map(|(index, entry)| row(scene, entry, index == at).cut(width)));
    let hidden = entries.len().saturating_sub(space);
    let of = if hidden > 0 { format!("{} of {}", at + 1, entries.len()) } else { String::new() };
    let keys = scene.hint(Intent::Send, "takes it").gap(3).join(scene.hint(Intent::NextField, "next"));
    let keys = keys.gap(3).join(scene.hint(Intent::Back, "back")).gap(3).and(Role::Dim, of);
    let sheet = Sheet::said("find a key, a screen, an object".to_owned(), lines, keys, width);
    Sheet { least: width, ..sheet }
}

fn row(scene: &Scene<'_>, entry: &Entry, here: bool) -> Line {
    let begin = Line::of(Role::Accent, if here { " ›" } else { "  " });
    match &entry.choice {
        Choice::Intent(intent) => key(scene, begin, *intent),
        Choice::Object(id) => {
            begin.join(Line::of(Role::Dim, noun(scene, id)).pad(KEY)).and(Role::Text, entry.words.clone())
        }
    }
}

fn key(scene: &Scene<'_>, begin: Line, intent: Intent) -> Line {
    let row = intent.row();
    let chord = scene.keymap.shown(intent).map(|chord| chord.to_string()).unwrap_or_default();
    let begin = begin.join(Line::of(Role::Key, chord).pad(KEY));
    let named = |role| begin.clone().join(Line::of(role, row.title).pad(NAME));
    if intent.verb().is_none() {
        return named(Role::Strong).and(Role::Dim, row.doc);
    }
    let targets = &scene.targets;
    let Some(target) = targets.first() else { return named(Role::Dim).and(Role::Dim, "nothing is selected") };
    match footer::refused(scene.model, intent, targets) {
        Some(why) => named(Role::Dim).and(Role::Warn, "refused: ").and(Role::Dim, why),
        None if targets.len() > 1 => named(Role::Strong).and(Role::Text, format!("{} that are marked", targets.len())),
        None => named(Role::Strong).and(Role::Text, object(scene, target)),
    }
}

fn noun(scene: &Scene<'_>, id: &ObjectId) -> &'static str {
    let store = &scene.model.store;
    if store.rollout(id).is_some() {
        "release"
    } else if store.gate(id).is_some() {
        "gate"
    } else {
        "run"
    }
}

/// What a verb would act on.
fn object(scene: &Scene<'_>, id: &ObjectId) -> String {
    let store = &scene.model.store;
    let rollout = store.rollout(id).map(|one| format!("{} in {}", one.service, one.environment));
    let gate = || store.gate(id).map(|gate| format!("{} {}", gate.service, gate.title));
    let run = || store.run(id).map(|run| format!("{} {} #{}", run.service, run.pipeline, run.number));
    rollout.or_else(gate).or_else(run).unwrap_or_else(|| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::model::Overlay,
        view::{sample, sheet::sheet},
    };

    #[test]
    fn on_the_least_terminal_whatever_is_chosen_is_seen_and_what_is_typed_stays() {
        let (keymap, mut model) = (sample::keymap(), sample::board(60, 12));
        let entries = palette::entries(&model, "");
        assert!(entries.len() > 12, "{}", entries.len());
        for entry in &entries {
            let chosen = Palette { typed: String::new(), chosen: Some(entry.choice.clone()) };
            model.nav.overlay = Some(Overlay::Palette(chosen));
            let shown = sheet(&Scene::new(&model, &keymap)).unwrap();
            let lines: Vec<String> = shown.lines.iter().map(Line::plain).collect();
            assert!(lines[0].starts_with(" : "), "{lines:#?}");
            assert_eq!(lines.iter().filter(|line| line.starts_with(" ›")).count(), 1, "{:?} {lines:#?}", entry.choice);
        }
    }
}
