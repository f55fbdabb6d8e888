//! Every run of every pipeline: failed and waiting ones first, then what runs, then the rest by age.

use crate::{
    domain::item::Noun,
    view::{
        Part, chrome, freshness,
        row::run,
        scene::Scene,
        section::{Section, cached, stack},
        span::{Line, Role},
    },
};

/// Everything between the rules.
pub(super) fn body(scene: &Scene<'_>) -> Vec<Part> {
    let runs = scene.lists.runs.clone();
    let selected = scene.selected_run(&runs);
    let unread: Vec<String> = scene.model.store.unread(Noun::Run).collect();
    let incomplete = (!unread.is_empty()).then(|| {
        Line::of(Role::Warn, format!("   ▲ incomplete, there may be more: {}", unread.join("; "))).cut(scene.columns)
    });
    let room = scene.rows.saturating_sub(chrome(scene.rows) + usize::from(incomplete.is_some()));
    let section = Section::new(scene, "PIPELINES", runs, selected, (run::specs, run::glyph)).or_nothing(nothing(scene));
    let mut parts = stack(scene, vec![section, cached(scene)], room, Line::new());
    parts.extend(incomplete.map(Part::Line));
    parts
}

/// Why there is no row.
fn nothing(scene: &Scene<'_>) -> String {
    let filter = &scene.model.nav.filter;
    let old = scene.sources.iter().find(|state| freshness::is_old(Some(state)));
    match old {
        _ if !filter.is_empty() => format!("no run contains '{filter}'"),
        _ if !scene.model.store.tells_of(Noun::Run) => "no connection tells of pipelines".to_owned(),
        Some(state) => format!("no run is known, and {} is not live", state.source),
        None => "no pipeline has run".to_owned(),
    }
}
