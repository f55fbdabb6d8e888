//! What can be done with the selected row: each verb with its key, what a mistake would cost, and where it is refused, why.

use crate::{
    app::{
        intent::Intent,
        menu::{self, Menu},
    },
    domain::{
        ids::ServiceName,
        offer::{Offer, Risk},
    },
    view::{
        measure,
        scene::Scene,
        sheet::{Sheet, labelled, place, window},
        span::{Line, Role},
    },
};

/// Cells of a key and of a verb.
const KEY: usize = 7;
const VERB: usize = 14;

/// Verbs that are seen at least, where there is not room for all.
const LEAST: usize = 2;

pub(super) fn sheet(scene: &Scene<'_>, menu: &Menu, width: usize, room: usize) -> Sheet {
    let offers = menu::offers(scene.model, &menu.target);
    let at = menu.at(&offers);
    let mut lines: Vec<Line> =
        offers.iter().enumerate().map(|(index, offer)| row(scene, offer, index == at, width)).collect();
    if lines.is_empty() {
        lines.push(Line::of(Role::Unknown, " It offers nothing, as far as its system says."));
    }
    if let Some(offer) = offers.get(at) {
        let told = chosen(offer, width);
        // The blank between them goes first.
        if lines.len() + told.len() > room {
            lines = around(&lines, at, told, room);
        } else {
            lines.push(Line::new());
            lines.extend(told);
        }
    }
    let ask = scene.hint(Intent::Open, "asks for it: a card says what would be sent");
    let back = scene.hint(Intent::Back, "back");
    let keys = if offers.is_empty() { back } else { ask.gap(3).join(back) };
    Sheet::said(title(scene, menu), lines, keys, width)
}

/// The verbs around the chosen one, and all that there is room for of what is to be said about that: it is never below the end of the
/// screen, however many verbs there are.
fn around(rows: &[Line], at: usize, mut told: Vec<Line>, room: usize) -> Vec<Line> {
    let space = room.saturating_sub(1);
    told.truncate(space.saturating_sub(LEAST.min(rows.len())));
    let of = rows.len();
    let (mut lines, window) = window(rows, (at + 1).saturating_sub(space - told.len()), space - told.len());
    if window.len() < of {
        lines.push(place(&window, of, "the arrows move"));
    }
    lines.extend(told);
    lines
}

fn title(scene: &Scene<'_>, menu: &Menu) -> String {
    let store = &scene.model.store;
    let rollout = store.rollout(&menu.target).map(|one| format!("{} in {}", one.service, one.environment));
    // Some call a run by its service, and say so first.
    let of = |service: &ServiceName, title: &str| {
        let named = title.strip_prefix(service.as_str()).is_some_and(|rest| rest.starts_with([' ', ':']));
        if named { title.to_owned() } else { format!("{service} {title}") }
    };
    let gate = || store.gate(&menu.target).map(|gate| of(&gate.service, &gate.title));
    let run = || store.run(&menu.target).map(|run| of(&run.service, &run.title));
    let name = rollout.or_else(gate).or_else(run).unwrap_or_else(|| menu.target.to_string());
    format!("what can be done: {name}")
}

fn row(scene: &Scene<'_>, offer: &Offer, here: bool, width: usize) -> Line {
    let intent = Intent::Do(offer.verb);
    let chord = scene.keymap.shown(intent).map(|chord| chord.to_string()).unwrap_or_default();
    let (role, words) = match (&offer.blocked, &offer.unsure) {
        (Some(why), _) => (Role::Warn, format!("refused: {why}")),
        (None, Some(why)) => (Role::Unknown, why.clone()),
        (None, None) => (Role::Text, intent.row().doc.to_owned()),
    };
    let name = if offer.blocked.is_some() { Role::Dim } else { Role::Strong };
    let begin = Line::of(Role::Accent, if here { " ›" } else { "  " })
        .join(Line::of(Role::Key, measure::cut(&chord, KEY)).pad(KEY))
        .join(Line::of(name, intent.row().title).pad(VERB))
        .join(risk(offer.risk).pad(5));
    begin.and(role, words).cut(width)
}

fn risk(risk: Risk) -> Line {
    match risk {
        Risk::Low => Line::of(Role::Dim, "low"),
        Risk::Medium => Line::of(Role::Text, "mid"),
        Risk::High => Line::of(Role::Strong, "high"),
    }
}

/// All there is to say about the chosen one; its row may be cut.
fn chosen(offer: &Offer, width: usize) -> Vec<Line> {
    let doc = Intent::Do(offer.verb).row().doc;
    // First what forbids it: a low screen cuts the end.
    let mut lines = match (&offer.blocked, &offer.unsure) {
        (Some(why), _) => labelled("✖ because", Role::Warn, why, width, 6),
        (None, Some(why)) => labelled("? unsure", Role::Unknown, why, width, 4),
        (None, None) => Vec::new(),
    };
    lines.extend(labelled("does", Role::Text, doc, width, 3));
    lines.extend(labelled("risk", Role::Text, &offer.risk.to_string(), width, 1));
    if !offer.form.is_empty() {
        let asks: Vec<&str> = offer.form.iter().map(|field| field.label.as_str()).collect();
        lines.extend(labelled("asks for", Role::Text, &asks.join(", "), width, 3));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::model::Overlay,
        view::{sample, sheet::sheet},
    };

    #[test]
    fn on_the_least_terminal_each_verb_can_be_chosen_and_all_that_forbids_it_is_seen_beside_it() {
        let (keymap, mut model) = (sample::keymap(), sample::board(60, 12));
        let target = sample::payments().id;
        let offers = menu::offers(&model, &target);
        assert!(offers.len() > LEAST + 2, "{offers:?}");
        for offer in &offers {
            model.nav.overlay = Some(Overlay::Menu(Menu { target: target.clone(), verb: Some(offer.verb) }));
            let shown = sheet(&Scene::new(&model, &keymap)).unwrap();
            let lines: Vec<String> = shown.lines.iter().map(|line| line.plain().trim().to_owned()).collect();
            let said = lines.join(" ");
            let chosen = lines.iter().find(|line| line.starts_with('›')).unwrap();
            assert!(chosen.contains(Intent::Do(offer.verb).row().title), "{lines:#?}");
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            match &offer.blocked {
                Some(why) => assert!(said.contains(&format!("✖ because {}", first_words(why))), "{lines:#?}"),
                None => assert!(said.contains("does"), "{lines:#?}"),
            }
            assert!(lines.len() <= 8, "{lines:#?}");
        }
    }

    /// As much of a sentence as stands in one line.
    fn first_words(why: &str) -> String {
        why.split_whitespace().take(4).collect::<Vec<_>>().join(" ")
    }
}
