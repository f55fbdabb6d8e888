//! One object that is known from cache only, as a row: what it was, and how long ago. Nothing of it is drawn as if it were so now.

use std::borrow::Cow;

use crate::{
    app::store::cached::Cached,
    domain::{item::Item, rollout::Rollout, time::age},
    view::{
        measure, number,
        scene::Scene,
        span::{Line, Role},
        table::{Align, Spec},
    },
};

/// The columns.
pub(in crate::view) fn specs<'a>(scene: &Scene<'a>) -> Vec<Spec<Scene<'a>, &'a Cached>> {
    let left = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Left, cell };
    let right = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Right, cell };
    let (name, place) = (scene.name_cells(), scene.place_cells());
    vec![
        left("", name.0, name.1, 0, service),
        left("where", place.0, place.1, 0, place_of),
        left("version", 8, 18, 2, version),
        left("was", 12, 40, 0, was),
        right("read", 7, 10, 0, read),
        left("", 8, 30, 3, source),
    ]
}

/// Its status in one cell: nobody knows.
pub(in crate::view) fn glyph(_: &Scene<'_>, _: &Cached) -> Line {
    Line::of(Role::Unknown, "?")
}

fn text(role: Role, words: impl Into<Cow<'static, str>>) -> Line {
    Line::of(role, words).stale()
}

fn service(_: &Scene<'_>, cached: &Cached, width: usize) -> Line {
    text(Role::Text, measure::cut(cached.item.service().as_str(), width))
}

fn place_of(scene: &Scene<'_>, cached: &Cached, width: usize) -> Line {
    let words = match &cached.item {
        Item::Rollout(rollout) => scene.places.short(rollout.environment.as_str(), width),
        Item::Gate(gate) => scene.places.short(gate.environment.as_str(), width),
        Item::Run(run) => measure::cut(run.branch.as_deref().unwrap_or("—"), width),
    };
    text(Role::Dim, words)
}

fn version(_: &Scene<'_>, cached: &Cached, width: usize) -> Line {
    let version = match &cached.item {
        Item::Rollout(rollout) => rollout.canary.as_ref(),
        Item::Gate(gate) => gate.version.as_ref(),
        Item::Run(run) => Some(&run.version),
    };
    let words = version.map_or_else(
        || "—".to_owned(),
        |version| {
            let whole = version.to_string();
            if measure::width(&whole) <= width { whole } else { version.short_tag() }
        },
    );
    text(Role::Dim, words)
}

fn was(_: &Scene<'_>, cached: &Cached, width: usize) -> Line {
    let words = match &cached.item {
        Item::Rollout(rollout) => rollout_was(rollout),
        Item::Gate(gate) => format!("waiting: {}", gate.title),
        Item::Run(run) => format!("{} #{} {}", run.pipeline, run.number, run.status),
    };
    text(Role::Dim, measure::cut(&words, width))
}

/// `paused, step 3/8, 25 %`.
fn rollout_was(rollout: &Rollout) -> String {
    if !rollout.in_flight() {
        return "steady".to_owned();
    }
    let step = rollout.step_words().map(|step| format!(", step {step}")).unwrap_or_default();
    let weight = rollout.weight.reached().map(|weight| format!(", {weight} %")).unwrap_or_default();
    format!("{}{step}{weight}", rollout.phase)
}

fn read(scene: &Scene<'_>, cached: &Cached, _: usize) -> Line {
    text(Role::Warn, number::age(age(scene.now(), cached.at)))
}

fn source(_: &Scene<'_>, cached: &Cached, width: usize) -> Line {
    text(Role::Dim, measure::cut(&format!("{}, from cache", cached.item.id().source), width))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        app::{msg::Msg, update::update},
        port::{cached::CachedScope, inventory::Scope},
        view::sample,
    };

    #[test]
    fn what_is_known_from_cache_only_says_how_long_ago_it_was_read_and_what_it_was_then() {
        let (keymap, mut model) = (sample::keymap(), sample::unseen(120, 36));
        let payments = sample::payments();
        let scope = CachedScope {
            source: payments.id.source.clone(),
            scope: Scope::all(&payments.id.family),
            at: model.now - Duration::from_mins(12),
            items: vec![payments.into()],
            ways: Vec::new(),
        };
        update(&mut model, Msg::Cached(vec![scope]));
        let scene = Scene::new(&model, &keymap);
        let cached: Vec<&Cached> = model.store.cached().collect();
        let cells =
            |cached| specs(&scene).iter().map(|spec| (spec.cell)(&scene, cached, 40).plain()).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = cached.into_iter().map(cells).collect();
        let expected = [
            "payments",
            "prod/eu",
            "1.42.0 (a1b2c3d)",
            "paused, step 5/8, 25 %",
            "12 min",
            "kubernetes-eu, from cache",
        ];
        assert_eq!(rows, [expected.map(str::to_owned).to_vec()]);
    }
}
