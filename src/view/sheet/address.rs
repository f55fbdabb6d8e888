//! Where a browser shows an object: the address in words, as a link where the terminal can, and in the clipboard where it may.

use crate::{
    app::{intent::Intent, model::Address},
    view::{
        measure,
        scene::Scene,
        sheet::Sheet,
        span::{Line, Role},
    },
};

pub(super) fn sheet(scene: &Scene<'_>, address: &Address, width: usize) -> Sheet {
    let lines = measure::wrap(&address.url, width.saturating_sub(2)).into_iter();
    let mut lines: Vec<Line> = lines.map(|text| Line::of(Role::Text, " ").and(Role::Link, text)).collect();
    lines.push(Line::new());
    let words = "A link, where the terminal shows links. It was handed to the terminal's clipboard; whether there is one, \
                 only the terminal knows.";
    let said = measure::wrap(words, width.saturating_sub(2));
    lines.extend(said.into_iter().map(|text| Line::of(Role::Dim, format!(" {text}"))));
    Sheet::said(format!("in a browser: {}", address.what), lines, scene.hint(Intent::Back, "back"), width)
}
