//! What is measured of every service, by version: the newest values, through which source, and how old they are.

use crate::view::{
    Part, chrome, freshness, number,
    row::measured,
    scene::Scene,
    section::{Section, stack},
    span::{Line, Role},
};

/// Everything between the rules.
pub(super) fn body(scene: &Scene<'_>) -> Vec<Part> {
    let mut parts = sources(scene);
    parts.push(Part::Rule);
    let room = scene.rows.saturating_sub(chrome(scene.rows) + parts.len());
    let all = scene.lists.measured.clone();
    let selected = scene.selected_of(&all);
    let section = Section::new(scene, "SIGNALS", all, selected, (measured::specs, measured::glyph));
    let filter = &scene.model.nav.filter;
    let nothing =
        if filter.is_empty() { "no rollout is known".to_owned() } else { format!("no row contains '{filter}'") };
    parts.extend(stack(scene, vec![section.or_nothing(nothing)], room, Line::new()));
    parts
}

/// A line for each source that measures; that there is none is said.
fn sources(scene: &Scene<'_>) -> Vec<Part> {
    let measuring = |name: &str| scene.model.store.signal_sources().any(|(source, _)| source.as_str() == name);
    let mut lines: Vec<Line> = Vec::new();
    for state in scene.sources.iter().filter(|state| measuring(state.source.as_str())) {
        let how = freshness::sentence(state);
        let how = if how.is_empty() { Line::of(Role::Good, freshness::word(state)) } else { how };
        let line = Line::of(Role::Text, format!("   {}  ", state.source)).join(how);
        lines.push(
            line.and(
                Role::Dim,
                format!("   numbers are of its newest {}", number::age(scene.model.session.signal_step)),
            ),
        );
    }
    if lines.is_empty() {
        lines.push(Line::of(Role::Unknown, "   no connection measures: nothing can be judged"));
    }
    lines.into_iter().map(|line| Part::Line(line.cut(scene.columns))).collect()
}
