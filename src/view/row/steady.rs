//! One steady rollout as a row: nothing is on its way, and it can be opened and rolled back like any other.

use crate::{
    app::{
        quarantine::{Quarantine, WayBack, returned},
        watch,
    },
    domain::{
        rollout::{Role as Side, Rollout, Strategy},
        time::age,
    },
    view::{
        action, cells, freshness, number,
        row::flight::{self, TREND},
        scene::Scene,
        span::{Line, Role},
        table::{Align, Spec},
    },
};

/// The mark of one that is seen now with all its pods.
pub(in crate::view) const SOUND: &str = "✔";

/// The columns.
pub(in crate::view) fn specs<'a>(scene: &Scene<'a>) -> Vec<Spec<Scene<'a>, &'a Rollout>> {
    let left = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Left, cell };
    let right = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Right, cell };
    let (name, place) = (scene.name_cells(), scene.place_cells());
    vec![
        left("", name.0, name.1, 0, flight::service),
        left("where", place.0, place.1, 0, flight::environment),
        left("version", 8, 24, 0, flight::version),
        left("pods", 9, 14, 0, pods),
        left("since", 6, 12, 1, since),
        left("errors 30m", 10, TREND, 4, trend),
        right("now", 7, 8, 3, errors),
        left("", 12, 40, 2, back),
    ]
}

/// Its status in one cell. Pods that are missing, or that nobody asks for, are no good sign.
pub(in crate::view) fn glyph(scene: &Scene<'_>, rollout: &Rollout) -> Line {
    if freshness::is_old(scene.state(&rollout.id).as_ref()) {
        return Line::of(Role::Unknown, "?");
    }
    match ready(rollout) {
        _ if returned(scene.model, rollout).is_some() => Line::of(Role::Bad, "✖"),
        Some((ready, wanted)) if wanted > 0 && ready >= wanted => Line::of(Role::Good, SOUND),
        Some((_, 0)) => Line::of(Role::Dim, "·"),
        Some((0, _)) => Line::of(Role::Bad, "✖"),
        Some(_) => Line::of(Role::Warn, "▲"),
        None => Line::of(Role::Unknown, "?"),
    }
}

/// Pods that are available, and pods that are asked for.
fn ready(rollout: &Rollout) -> Option<(u32, u32)> {
    let pods = rollout.side(Side::Stable)?.pods?;
    Some((pods.available, rollout.replicas))
}

fn pods(scene: &Scene<'_>, rollout: &Rollout, _: usize) -> Line {
    let line = match ready(rollout) {
        Some((_, 0)) => Line::of(Role::Dim, "no pods"),
        Some((ready, wanted)) => {
            let role = if ready < wanted { Role::Warn } else { Role::Dim };
            Line::of(role, format!("{ready} of {wanted}"))
        }
        None if rollout.strategy == Strategy::Declared => Line::of(Role::Dim, "—"),
        None => Line::of(Role::Unknown, "pods ?"),
    };
    flight::old(scene, rollout, line)
}

fn since(scene: &Scene<'_>, rollout: &Rollout, _: usize) -> Line {
    let Some(at) = watch::arrived(scene.model, rollout) else { return Line::of(Role::Unknown, "—") };
    flight::old(scene, rollout, Line::of(Role::Dim, number::age(age(scene.now(), at))))
}

/// How its errors went; nothing where nobody measures it, for it is judged by nobody either.
fn trend(scene: &Scene<'_>, rollout: &Rollout, width: usize) -> Line {
    if scene.model.store.signals(rollout).is_none() { Line::new() } else { flight::trend(scene, rollout, width) }
}

/// Its share of errors now.
fn errors(scene: &Scene<'_>, rollout: &Rollout, _: usize) -> Line {
    if scene.model.store.signals(rollout).is_none() {
        return Line::new();
    }
    let share = flight::latest(scene, rollout, Side::Stable, |signals| &signals.error_ratio);
    let line = share.map_or_else(|| Line::of(Role::Unknown, "—"), |share| Line::of(Role::Dim, number::percent(share)));
    flight::measured(scene, rollout, line)
}

/// The first of what is wrong with it, without what follows from that.
fn brief(rollout: &Rollout) -> String {
    let first = rollout.troubles.first().map_or("", String::as_str);
    first.split(": ").next().unwrap_or_default().to_owned()
}

/// What is not live, else where it would go back to.
fn back(scene: &Scene<'_>, rollout: &Rollout, _: usize) -> Line {
    let warning = scene.state(&rollout.id).map(|state| freshness::warning(&state)).unwrap_or_default();
    let held: Vec<String> =
        scene.model.actions.holding(&rollout.id).into_iter().flat_map(|action| action::held(scene, action)).collect();
    let quarantine = Quarantine::of(&scene.model.actions, rollout);
    let way = quarantine.way_back(rollout);
    let usual = || match way.arm() {
        Some(arm) => Line::of(Role::Dim, format!("back {}", arm.tag())),
        None if matches!(way, WayBack::PutBack(..)) => Line::of(Role::Dim, "was put back"),
        None => Line::new(),
    };
    if returned(scene.model, rollout).is_some() {
        Line::of(Role::Bad, flight::BACK).gap(2).join(warning)
    } else if !warning.is_empty() {
        warning
    } else if !held.is_empty() {
        Line::of(Role::Warn, held.join(", "))
    } else if !rollout.troubles.is_empty() {
        // A gate that was left open is no harm yet, and would be with the next version.
        Line::of(Role::Warn, brief(rollout))
    } else {
        cells::beside(scene, rollout).unwrap_or_else(usual)
    }
}
