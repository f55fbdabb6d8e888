//! In one line, how settings differ where something goes: for the inbox and for cards.

use crate::{
    app::drift,
    domain::object::ObjectId,
    view::{scene::Scene, span::Role},
};

/// What is said of it and how that is meant; nothing where nothing is compared.
pub(super) fn line(scene: &Scene<'_>, id: &ObjectId) -> Option<(Role, String)> {
    let drift = drift::of(scene.model, id).filter(|drift| !drift.is_empty())?;
    let differs = drift.differing().next().is_some();
    let role = match (differs, drift.unknown.is_empty(), drift.reading) {
        (true, ..) => Role::Warn,
        (false, false, _) => Role::Unknown,
        (false, true, true) => Role::Dim,
        (false, true, false) => Role::Text,
    };
    Some((role, if differs { format!("▲ {}", drift.words()) } else { drift.words() }))
}
