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
        sheet::{Sheet, labelled},
        span::{Line, Role},
    },
};

/// Cells of a key and of a verb.
const KEY: usize = 7;
const VERB: usize = 14;

pub(super) fn sheet(scene: &Scene<'_>, menu: &Menu, width: usize) -> Sheet {
    let offers = menu::offers(scene.model, &menu.target);
    let at = menu.at(&offers);
    let mut lines: Vec<Line> =
        offers.iter().enumerate().map(|(index, offer)| row(scene, offer, index == at, width)).collect();
    if lines.is_empty() {
        lines.push(Line::of(Role::Unknown, " It offers nothing, as far as its system says."));
    }
    if let Some(offer) = offers.get(at) {
        lines.push(Line::new());
        lines.extend(chosen(offer, width));
    }
    let ask = scene.hint(Intent::Open, "asks for it: a card says what would be sent");
    let back = scene.hint(Intent::Back, "back");
    let keys = if offers.is_empty() { back } else { ask.gap(3).join(back) };
    Sheet { follows: Some(at), ..Sheet::said(title(scene, menu), lines, keys, width) }
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
    let mut lines = labelled("does", Role::Text, doc, width, 3);
    lines.extend(labelled("risk", Role::Text, &offer.risk.to_string(), width, 1));
    if !offer.form.is_empty() {
        let asks: Vec<&str> = offer.form.iter().map(|field| field.label.as_str()).collect();
        lines.extend(labelled("asks for", Role::Text, &asks.join(", "), width, 3));
    }
    if let Some(why) = &offer.blocked {
        lines.extend(labelled("✖ because", Role::Warn, why, width, 6));
    } else if let Some(why) = &offer.unsure {
        lines.extend(labelled("? unsure", Role::Unknown, why, width, 4));
    }
    lines
}
