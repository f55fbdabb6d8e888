//! What both versions of a rollout wrote.

use crate::{
    domain::rollout::Rollout,
    view::{
        Part,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Everything between the rules.
pub(super) fn body(scene: &Scene<'_>, rollout: &Rollout) -> Vec<Part> {
    let words = format!("   No connection tells what {} writes.", rollout.service);
    vec![Part::blank(), Part::Line(Line::of(Role::Unknown, words).cut(scene.columns))]
}
