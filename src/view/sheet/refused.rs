//! Why a verb will not run: every reason at once, and honest ways on.

use crate::{
    app::{guard::Refusal, intent::Intent},
    view::{
        scene::Scene,
        sheet::{Sheet, Tone, labelled},
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
    Sheet { tone: Tone::Info, title, lines, keys: scene.hint(Intent::Back, "back"), width }
}
