//! What is measured of a rollout as a row: the newest values of both versions, through which source, and how old.

use crate::{
    domain::{
        rollout::{Role as Side, Rollout},
        signal::{Series, VersionSignals},
        time::age,
    },
    view::{
        number,
        row::{
            flight::{self, LATE_STEPS},
            steady,
        },
        scene::Scene,
        span::{Line, Role},
        table::{Align, Spec},
    },
};

/// The columns: of each signal the canary, then stable.
pub(in crate::view) fn specs<'a>(scene: &Scene<'a>) -> Vec<Spec<Scene<'a>, &'a Rollout>> {
    let left = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Left, cell };
    let right = |title, drops, cell| Spec { title, least: 7, ideal: 8, drops, align: Align::Right, cell };
    let (name, place) = (scene.name_cells(), scene.place_cells());
    vec![
        left("", name.0, name.1, 0, flight::service),
        left("where", place.0, place.1, 0, flight::environment),
        left("version", 15, 24, 1, flight::version),
        right("errors", 0, |scene, one, _| value(scene, one, Side::Canary, |s| &s.error_ratio, number::percent)),
        right("stable", 0, |scene, one, _| value(scene, one, Side::Stable, |s| &s.error_ratio, number::percent)),
        right("p99", 3, |scene, one, _| value(scene, one, Side::Canary, |s| &s.latency.p99, number::latency)),
        right("stable", 3, |scene, one, _| value(scene, one, Side::Stable, |s| &s.latency.p99, number::latency)),
        right("requests", 4, |scene, one, _| value(scene, one, Side::Canary, |s| &s.request_rate, number::rate)),
        right("stable", 4, |scene, one, _| value(scene, one, Side::Stable, |s| &s.request_rate, number::rate)),
        left("measured by", 12, 30, 2, source),
    ]
}

/// Its status in one cell, as on the board: that something is measured makes nothing good. What is not measured is unknown.
pub(in crate::view) fn glyph(scene: &Scene<'_>, rollout: &Rollout) -> Line {
    if newest(scene, rollout).is_none() || !scene.signals_live(rollout) {
        return Line::of(Role::Unknown, "?");
    }
    if rollout.in_flight() { flight::glyph(scene, rollout) } else { steady::glyph(scene, rollout) }
}

fn value(
    scene: &Scene<'_>,
    rollout: &Rollout,
    side: Side,
    series: fn(&VersionSignals) -> &Series,
    words: fn(f64) -> String,
) -> Line {
    let role = if side == Side::Canary { Role::Canary } else { Role::Stable };
    let line = match flight::latest(scene, rollout, side, series) {
        Some(value) => Line::of(role, words(value)),
        // Nothing is on its way: there is no second version to be measured.
        None if rollout.side(side).is_none() => Line::of(Role::Dim, "·"),
        None => Line::of(Role::Unknown, "no data"),
    };
    if scene.signals_live(rollout) { line } else { line.stale() }
}

/// When the newest value was measured.
fn newest(scene: &Scene<'_>, rollout: &Rollout) -> Option<crate::domain::time::Timestamp> {
    let of = |side| scene.model.arm(rollout, side)?.request_rate.last().map(|point| point.at);
    of(Side::Canary).max(of(Side::Stable))
}

fn source(scene: &Scene<'_>, rollout: &Rollout, _: usize) -> Line {
    let Some((source, _)) = scene.model.store.signals(rollout) else {
        return Line::of(Role::Unknown, "nobody");
    };
    let line = Line::of(Role::Dim, source.to_string());
    let line = match newest(scene, rollout) {
        // What is as new as it can be needs no word; how old the source is stands above.
        Some(at) if age(scene.now(), at) < scene.model.session.signal_step * LATE_STEPS => line,
        Some(at) => line.and(Role::Warn, format!(", until {} ago", number::age(age(scene.now(), at)))),
        None => line.and(Role::Unknown, ", nothing of these versions"),
    };
    if scene.signals_live(rollout) { line } else { line.stale() }
}
