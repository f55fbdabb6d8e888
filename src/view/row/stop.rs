//! A gate or a run as a row of the board: where a version stands on its way, and what is in it.

use crate::{
    app::{inbox::Item, quarantine, rows::Stop},
    domain::{
        ids::EnvironmentName,
        pipeline::{Run, RunStatus},
        place::Place,
        time::age,
    },
    view::{
        freshness, measure, number,
        row::{run, waits},
        scene::Scene,
        span::{Line, Role},
        table::{Align, Spec},
    },
};

/// The columns; on a narrow screen the less telling ones leave first.
pub(in crate::view) fn specs<'a, 's>(scene: &Scene<'a>) -> Vec<Spec<Scene<'a>, &'s Stop<'a>>> {
    let left = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Left, cell };
    let right = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Right, cell };
    let (name, place) = (scene.name_cells(), scene.place_cells());
    let wide = scene.columns >= 110;
    vec![
        left("", name.0, name.1, 0, service),
        left("where", place.0, place.1, 0, place_of),
        left("version", 7, if wide { 18 } else { 12 }, 2, version),
        left("system", 9, if wide { 13 } else { 9 }, 4, system),
        left("what", 14, 26, 0, what),
        right("age", 6, 6, 1, waited),
        left("", if wide { 28 } else { 10 }, 40, 0, said),
    ]
}

/// Its status in one cell.
pub(in crate::view) fn glyph(scene: &Scene<'_>, stop: &Stop<'_>) -> Line {
    match stop {
        Stop::Gate(item) => waits::glyph(scene, item),
        Stop::Run(run) => run::glyph(scene, run),
    }
}

fn of(stop: &Stop<'_>, gate: impl FnOnce(&Item) -> Line, run: impl FnOnce(&Run) -> Line) -> Line {
    match stop {
        Stop::Gate(item) => gate(item),
        Stop::Run(one) => run(one),
    }
}

fn old(scene: &Scene<'_>, run: &Run, line: Line) -> Line {
    if freshness::is_old(scene.state(&run.id).as_ref()) { line.stale() } else { line }
}

fn service(scene: &Scene<'_>, stop: &Stop<'_>, width: usize) -> Line {
    of(stop, |item| waits::service(scene, item, width), |run| run::service(scene, run, width))
}

fn place_of(scene: &Scene<'_>, stop: &Stop<'_>, width: usize) -> Line {
    let gate = |item: &Item| {
        waits::old(scene, item, Line::of(Role::Dim, scene.places.short(item.environment.as_str(), width)))
    };
    let branch = |run: &Run| {
        let branch = run.branch.as_deref().unwrap_or("—");
        old(scene, run, Line::of(Role::Dim, measure::cut(branch, width)))
    };
    of(stop, gate, branch)
}

fn version(scene: &Scene<'_>, stop: &Stop<'_>, width: usize) -> Line {
    let run = |run: &Run| {
        let whole = run.version.to_string();
        let words = if measure::width(&whole) <= width { whole } else { run.version.short_tag() };
        old(scene, run, Line::of(Role::Canary, words))
    };
    of(stop, |item| waits::version(scene, item, width), run)
}

fn system(scene: &Scene<'_>, stop: &Stop<'_>, width: usize) -> Line {
    of(
        stop,
        |item| waits::gate(scene, item, width),
        |run| old(scene, run, Line::of(Role::Dim, measure::cut(run.id.source.as_str(), width))),
    )
}

fn what(scene: &Scene<'_>, stop: &Stop<'_>, width: usize) -> Line {
    let gate = |item: &Item| waits::old(scene, item, Line::of(Role::Text, measure::cut(&item.title, width)));
    let run = |run: &Run| {
        let words = format!("{} #{}", run.pipeline, run.number);
        old(scene, run, Line::of(Role::Text, measure::cut(&words, width)))
    };
    of(stop, gate, run)
}

fn waited(scene: &Scene<'_>, stop: &Stop<'_>, width: usize) -> Line {
    let run = |run: &Run| {
        let since = if run.status.ended() { run.updated } else { run.started };
        old(scene, run, Line::of(Role::Text, number::age(age(scene.now(), since))))
    };
    of(stop, |item| waits::waited(scene, item, width), run)
}

fn said(scene: &Scene<'_>, stop: &Stop<'_>, width: usize) -> Line {
    let run = |run: &Run| {
        let warning = scene.state(&run.id).map(|state| freshness::warning(&state)).unwrap_or_default();
        let line = if warning.is_empty() { warning } else { warning.gap(2) };
        let line = line.join(run::word(run));
        let place = Place::of(&run.service, &EnvironmentName::new(""));
        let again = || quarantine::comes_again(scene.model, &place, &run.version);
        if let Some(left) = Some(run).filter(|run| !run.status.ended()).and_then(|_| again()) {
            return line.gap(2).and(Role::Bad, format!("✖ {} left it", left.who)).cut(width);
        }
        if run.status == RunStatus::Failed { line.gap(2).and(Role::Dim, run.title.clone()).cut(width) } else { line }
    };
    of(stop, |item| waits::you_may(scene, item, width), run)
}
