//! A run of a pipeline as a row.

use crate::{
    domain::{
        pipeline::{Run, RunStatus},
        time::age,
    },
    view::{
        freshness, measure, number,
        scene::Scene,
        span::{Line, Role},
        table::{Align, Spec},
    },
};

/// Cells of a trend.
const TREND: usize = 10;

/// The columns; on a narrow screen the less telling ones leave first.
pub(in crate::view) fn specs<'a>(scene: &Scene<'a>) -> Vec<Spec<Scene<'a>, &'a Run>> {
    let left = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Left, cell };
    let right = |title, least, ideal, drops, cell| Spec { title, least, ideal, drops, align: Align::Right, cell };
    let (wide, name) = (scene.columns >= 110, scene.name_cells());
    vec![
        left("", name.0, name.1, 0, service),
        left("pipeline", 8, 18, 0, |scene, run, width| {
            // One that is called as its service says nothing new.
            let same = run.pipeline == run.service.as_str();
            let line =
                if same { Line::of(Role::Dim, "·") } else { Line::of(Role::Text, measure::cut(&run.pipeline, width)) };
            old(scene, run, line)
        }),
        left("system", 9, 12, 4, |scene, run, width| {
            old(scene, run, Line::of(Role::Dim, measure::cut(run.id.source.as_str(), width)))
        }),
        right("run", 5, 7, 0, |scene, run, _| old(scene, run, Line::of(Role::Text, format!("#{}", run.number)))),
        left("what", 14, if wide { 36 } else { 24 }, 0, what),
        left("by", 5, 10, 3, by),
        right("began", 6, 6, 2, |scene, run, _| {
            old(scene, run, Line::of(Role::Text, number::age(age(scene.now(), run.started))))
        }),
        right("took", 6, 10, 1, took),
        left("last 10", TREND, TREND, 5, trend),
        right("passed", 6, 9, 6, passed),
        left("status", if wide { 13 } else { 9 }, 24, 0, said),
    ]
}

/// Its status in one cell.
pub(in crate::view) fn glyph(scene: &Scene<'_>, run: &Run) -> Line {
    if freshness::is_old(scene.state(&run.id).as_ref()) {
        return Line::of(Role::Unknown, "?");
    }
    let (role, glyph) = sign(run.status);
    Line::of(role, glyph)
}

/// How a status looks in one cell.
pub(in crate::view) fn sign(status: RunStatus) -> (Role, &'static str) {
    match status {
        RunStatus::Failed => (Role::Bad, "✖"),
        RunStatus::Waiting => (Role::Accent, "○"),
        RunStatus::Running => (Role::Text, "◷"),
        RunStatus::Queued => (Role::Dim, "◌"),
        RunStatus::Succeeded => (Role::Good, "✔"),
        RunStatus::Cancelled | RunStatus::Skipped => (Role::Dim, "·"),
        RunStatus::Unknown => (Role::Unknown, "?"),
    }
}

/// Its status in a word.
pub(in crate::view) fn word(run: &Run) -> Line {
    let (role, word) = match run.status {
        RunStatus::Failed => (Role::Bad, "failed"),
        RunStatus::Waiting => (Role::Accent, "waits"),
        RunStatus::Running => (Role::Text, "runs"),
        RunStatus::Queued => (Role::Dim, "is queued"),
        RunStatus::Succeeded => (Role::Dim, "passed"),
        RunStatus::Cancelled => (Role::Dim, "cancelled"),
        RunStatus::Skipped => (Role::Dim, "skipped"),
        RunStatus::Unknown => (Role::Unknown, "cannot be told"),
    };
    Line::of(role, word)
}

fn old(scene: &Scene<'_>, run: &Run, line: Line) -> Line {
    if freshness::is_old(scene.state(&run.id).as_ref()) { line.stale() } else { line }
}

pub(in crate::view) fn service(scene: &Scene<'_>, run: &Run, width: usize) -> Line {
    let mark = scene.mark(&run.id);
    let name = measure::cut(run.service.as_str(), width.saturating_sub(mark.width()));
    mark.join(old(scene, run, Line::of(Role::Strong, name)))
}

/// `1.42.0 a1b2c3d`: without signs between them, for there is little room.
fn version(run: &Run) -> String {
    match run.version.short_commit() {
        Some(commit) => format!("{} {commit}", run.version.tag),
        None => run.version.tag.clone(),
    }
}

/// Who started it; where there is no room for the whole name, the first one.
fn by(scene: &Scene<'_>, run: &Run, width: usize) -> Line {
    let whole = run.actor.as_ref().map_or_else(|| "—".to_owned(), ToString::to_string);
    let first = whole.split(' ').next().unwrap_or_default();
    let words = if measure::width(&whole) <= width { &whole } else { first };
    old(scene, run, Line::of(Role::Dim, measure::cut(words, width)))
}

/// Branch or tag, commit, title.
fn what(scene: &Scene<'_>, run: &Run, width: usize) -> Line {
    let mut line = Line::of(Role::Canary, version(run));
    if let Some(branch) = run.branch.as_ref().filter(|branch| !line.plain().contains(branch.trim_start_matches('v'))) {
        line = Line::of(Role::Dim, format!("{branch} ")).join(line);
    }
    if !run.title.is_empty() {
        line = line.gap(1).and(Role::Text, run.title.clone());
    }
    old(scene, run, line.cut(width))
}

/// How long it took; while it runs, how long it still takes if that is known.
fn took(scene: &Scene<'_>, run: &Run, width: usize) -> Line {
    let row = scene.history.row(run);
    let left = row.left(scene.now()).map(|left| {
        let (whole, short) = (format!("~{} left", number::age(left)), format!("~{}", number::age(left)));
        Line::of(Role::Text, if measure::width(&whole) <= width { whole } else { short })
    });
    let so_far = || match run.took() {
        Some(took) => Line::of(Role::Text, number::countdown(took)),
        // What grows is said by the minute: a list stands still.
        None => Line::of(Role::Text, number::age(age(scene.now(), run.started))),
    };
    let idle = matches!(run.status, RunStatus::Queued | RunStatus::Waiting);
    let line = if idle { Line::of(Role::Dim, "—") } else { left.unwrap_or_else(so_far) };
    old(scene, run, line)
}

/// How the last of its pipeline and branch ended, oldest first, one sign each.
fn trend(scene: &Scene<'_>, run: &Run, _: usize) -> Line {
    let signs = scene.history.row(run).trend.into_iter().map(sign);
    let line = signs.fold(Line::new(), |line, (role, glyph)| line.and(role, glyph));
    old(scene, run, line)
}

/// How many of its pipeline passed, of all that ended either way; what failed for no reason of its own is not held against it.
fn passed(scene: &Scene<'_>, run: &Run, _: usize) -> Line {
    let rates = scene.history.row(run).rates;
    let ended = rates.passed + rates.failed - rates.flaky;
    let line = if ended == 0 {
        Line::of(Role::Dim, "—")
    } else {
        let role = if rates.passed * 2 < ended { Role::Warn } else { Role::Dim };
        Line::of(role, format!("{}/{ended}", rates.passed))
    };
    old(scene, run, line)
}

fn said(scene: &Scene<'_>, run: &Run, width: usize) -> Line {
    let warning = scene.state(&run.id).map(|state| freshness::warning(&state)).unwrap_or_default();
    let line = if warning.is_empty() { warning } else { warning.gap(2) };
    let line = line.join(word(run));
    let history = scene.history.row(run);
    let ended = history.rates.passed + history.rates.failed;
    let flaky = format!(", flaky ({} of {ended})", history.rates.flaky);
    let line = if history.flaky { line.and(Role::Warn, flaky) } else { line };
    let overtaken = scene.model.lineage.overtaken(&scene.model.store, &run.id);
    let line = match overtaken {
        Some(older) => line.and(Role::Warn, format!(", ▲ older than live {}", older.live.short_tag())),
        None => line,
    };
    let line = if run.attempt > 1 { line.and(Role::Dim, format!(", attempt {}", run.attempt)) } else { line };
    old(scene, run, line.cut(width))
}
