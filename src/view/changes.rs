//! What would be new where something goes, in the colours of how sure it is: a run's road, the inbox, cards.

use crate::{
    app::brings::{self, Brings, Tone},
    domain::object::ObjectId,
    view::{
        scene::Scene,
        span::{Line, Role},
    },
};

/// What is said of it.
pub(super) struct New {
    /// In a sentence.
    pub(super) what: String,
    /// How that is meant.
    pub(super) role: Role,
    /// What must be seen before it goes.
    pub(super) warnings: Vec<String>,
}

/// What would be new where the run, the gate, the rollout goes; nothing where no system can be asked.
pub(super) fn new(scene: &Scene<'_>, id: &ObjectId) -> Option<New> {
    let Brings { what, tone, warnings } = brings::of(scene.model, id)?;
    let role = match tone {
        Tone::Reading => Role::Dim,
        Tone::Unknown => Role::Unknown,
        Tone::Told => Role::Text,
    };
    Some(New { what, role, warnings })
}

/// The same in one line.
pub(super) fn line(scene: &Scene<'_>, id: &ObjectId) -> Line {
    let Some(new) = new(scene, id) else { return Line::new() };
    let line = Line::of(new.role, format!(" {}", new.what));
    new.warnings.iter().fold(line, |line, warning| line.gap(2).and(Role::Warn, format!("▲ {warning}")))
}
