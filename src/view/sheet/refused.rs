//! Why a verb will not run: every reason at once, and honest ways on.

use crate::{
    app::{
        guard::{Refusal, WAYS_ON},
        intent::Intent,
    },
    view::{
        footer,
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
    let title = format!("{} {}: refused", refusal.verb.words(), refusal.what);
    Sheet::said(title, lines, keys(scene, refusal), width)
}

/// The keys that go a way that is named and would not be refused, and the one that goes back. They work from here.
fn keys(scene: &Scene<'_>, refusal: &Refusal) -> Line {
    let mut line = Line::new();
    let offered = scene.selected_rollout().filter(|_| !refusal.ways.is_empty());
    for intent in WAYS_ON.map(Intent::Do) {
        let target = offered.map(|rollout| rollout.id.clone());
        if target.is_some_and(|target| footer::refused(scene.model, intent, &target).is_none()) {
            line = line.join(scene.hint(intent, intent.row().title)).gap(3);
        }
    }
    line.join(scene.hint(Intent::Back, "back"))
}
