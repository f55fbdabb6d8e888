//! Why a verb will not run: every reason at once, and honest ways on.

use crate::{
    app::{
        guard::{Refusal, WAYS_ON},
        intent::Intent,
    },
    domain::verb::Verb,
    view::{
        footer, measure,
        scene::Scene,
        sheet::{Sheet, labelled},
        span::{Line, Role},
    },
};

pub(super) fn sheet(scene: &Scene<'_>, refusal: &Refusal, width: usize) -> Sheet {
    let mut lines = Vec::new();
    for reason in &refusal.reasons {
        lines.extend(labelled("✖ because", Role::Text, reason, width, 4));
    }
    lines.push(Line::new());
    for (index, way) in refusal.ways.iter().enumerate() {
        let label = if index == 0 { "you can" } else { "" };
        lines.extend(labelled(label, Role::Text, &format!("› {way}"), width, 3));
    }
    if !refusal.ways.is_empty() {
        lines.push(Line::new());
    }
    lines.push(Line::of(Role::Dim, " Nothing was sent."));
    if refusal.forces.is_some() {
        let text = " Once more, and it is asked all the same: with the service's name read back, and a reason.";
        let wrapped = measure::wrap(text.trim(), width.saturating_sub(2)).into_iter();
        lines.extend(wrapped.map(|text| Line::of(Role::Dim, format!(" {text}"))));
    }
    let title = format!("{} {}: refused", refusal.verb.words(), refusal.what);
    Sheet::said(title, lines, keys(scene, refusal), width)
}

/// The keys that go a way that is named and would not be refused, and the one that goes back. They work from here.
fn keys(scene: &Scene<'_>, refusal: &Refusal) -> Line {
    let mut line = Line::new();
    let offered = scene.selected_rollout().filter(|_| !refusal.ways.is_empty());
    // Of a way back that stands badly only what is named as safe is; of several, the key of the verb goes on without what is refused.
    let safe = |verb: Verb| {
        let begin = format!("{}: ", verb.words());
        refusal.forces.is_none() || refusal.ways.iter().any(|way| way.starts_with(&begin))
    };
    let named = |verb: &Verb| safe(*verb) && (refusal.without.is_none() || *verb != refusal.verb);
    for intent in WAYS_ON.into_iter().filter(named).map(Intent::Do) {
        let target = offered.map(|rollout| std::slice::from_ref(&rollout.id));
        if target.is_some_and(|target| footer::refused(scene.model, intent, target).is_none()) {
            line = line.join(scene.hint(intent, intent.row().title)).gap(3);
        }
    }
    if refusal.forces.is_some() {
        line = line.join(scene.hint(Intent::Do(refusal.verb), "all the same")).gap(3);
    } else if let Some(without) = &refusal.without {
        let words = match without.targets().count() {
            1 => "goes on with the other one".to_owned(),
            count => format!("goes on with the other {count}"),
        };
        line = line.join(scene.hint(Intent::Do(refusal.verb), words)).gap(3);
    }
    line.join(scene.hint(Intent::Back, "back"))
}
