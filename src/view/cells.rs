//! The cells of a service: in a strip on its release, in a sentence on the board and behind an act that has ended. Done is what is done in
//! every cell.

use crate::{
    app::{action::Action, cells, model::Model},
    domain::{
        cell::{Cell, Cells, Standing},
        ids::{EnvironmentName, ServiceName},
        rollout::Rollout,
        time::age,
        verb::Direction,
        version::Version,
    },
    port::record::Stage,
    view::{
        Part, number,
        scene::Scene,
        span::{Line, Role},
    },
    words::cells as words,
};

/// Columns of what comes before the first cell of a strip.
const HEAD: usize = 17;

/// ` 1 of 3 cells   ✔ eu-north-1 1.42.0 2 h │ ◷ eu-west-1 25 %  ▲ us-east-1 1.41.3 2 d`, in so many lines at most; nothing where it has no
/// siblings. A `│` stands between two waves.
pub(super) fn strip(scene: &Scene<'_>, rollout: &Rollout, most: usize) -> Vec<Line> {
    let Some(cells) = cells::of(scene.model, &rollout.service, &rollout.environment) else { return Vec::new() };
    let release = cells.release();
    let head = match release.map(|version| cells.count(version)) {
        Some(count) => {
            let role = if count.is_all() { Role::Good } else { Role::Strong };
            Line::of(role, format!(" {} of {} cells", count.has, count.of))
        }
        None => Line::of(Role::Warn, format!(" {} cells", cells.all.len())),
    };
    let whole = cells.all.len() * 24 + HEAD <= scene.columns * most;
    let mut lines = vec![head.pad(HEAD)];
    let mut before: Option<&Cell> = None;
    for (index, cell) in cells.all.iter().enumerate() {
        let one = segment(scene, &cells, cell, release, whole, cell.environment == rollout.environment);
        let next_wave = before.is_some_and(|before| before.wave != cell.wave);
        let one = if next_wave { Line::of(Role::Dim, "│ ").join(one) } else { one };
        before = Some(cell);
        let rest = cells.all.len() - index;
        let full = |line: &Line, room: usize| line.width() + one.width() + room > scene.columns;
        let is_last = lines.len() == most;
        // Where this is the last line, how many are left out must fit behind.
        let room = if is_last && rest > 1 { 10 } else { 1 };
        match lines.last_mut() {
            Some(line) if line.width() <= HEAD || !full(line, room) => *line = std::mem::take(line).join(one).gap(2),
            Some(line) if is_last => {
                *line = std::mem::take(line).and(Role::Dim, format!("+{rest} more"));
                break;
            }
            _ => lines.push(Line::new().gap(HEAD).join(one).gap(2)),
        }
    }
    lines.into_iter().map(|line| line.cut(scene.columns)).collect()
}

/// What a service is called in one environment: `payments in eu-west-1` where it is known in other cells too, else `payments`.
pub(super) fn called(model: &Model, service: &ServiceName, environment: &EnvironmentName) -> String {
    let known = |cells: &Cells| cells.all.iter().filter(|cell| !cell.shares.is_empty()).count() > 1;
    let cells = cells::of(model, service, environment).filter(known);
    let name = cells.as_ref().and_then(|cells| Some(cells.name(cells.cell(environment)?)));
    name.map_or_else(|| service.to_string(), |name| format!("{service} in {name}"))
}

/// One cell: its sign, its name, and what of it the others do not have.
fn segment(
    scene: &Scene<'_>,
    cells: &Cells,
    cell: &Cell,
    release: Option<&Version>,
    whole: bool,
    is_here: bool,
) -> Line {
    let standing = release.map_or_else(|| Standing::Unknown(String::new()), |version| cell.standing(version));
    let serves = || cell.serves().map_or_else(|| "?".to_owned(), Version::short_tag);
    let since = || match cell.since().filter(|_| whole) {
        Some(since) => format!(" {}", number::age(age(scene.now(), since))),
        None => String::new(),
    };
    let (glyph, role, words) = match &standing {
        Standing::Has { .. } if whole => ("✔", Role::Good, format!("{}{}", serves(), since())),
        Standing::Has { .. } => ("✔", Role::Good, String::new()),
        Standing::Arrives { percent: Some(percent) } => ("◷", Role::Accent, format!("{percent} %")),
        Standing::Arrives { percent: None } => ("◷", Role::Accent, "? %".to_owned()),
        Standing::Yields { .. } => ("◷", Role::Warn, "leaves it".to_owned()),
        Standing::TakenBack { .. } => ("▼", Role::Warn, format!("took it back, {}", serves())),
        Standing::Other { .. } => ("▲", Role::Warn, format!("{}{}", serves(), since())),
        // Nobody can say which of them is newer; what each runs is known all the same.
        Standing::Unknown(why) if why.is_empty() => ("·", Role::Dim, serves()),
        Standing::Unknown(_) => ("?", Role::Unknown, "unknown".to_owned()),
    };
    let name = if is_here { Role::Strong } else { Role::Text };
    let line = Line::of(role, glyph).gap(1).and(name, cells.name(cell).to_owned());
    if words.is_empty() { line } else { line.gap(1).and(role, words) }
}

/// The services whose cells differ, a line each, at most so many.
pub(super) fn differing(scene: &Scene<'_>, most: usize) -> Vec<Part> {
    let all: Vec<Cells> = cells::all(scene.model).into_iter().filter(Cells::differ).collect();
    let mut lines: Vec<Part> = all
        .iter()
        .take(most)
        .map(|cells| {
            let name = Line::of(Role::Warn, " ▲ ").and(Role::Strong, cells.service.to_string()).gap(2);
            Part::Line(name.and(Role::Text, words::whole(cells, Some(scene.now()))).cut(scene.columns))
        })
        .collect();
    if all.len() > most && most > 0 {
        let more = format!("   and {} more whose cells differ", all.len() - most);
        lines.push(Part::Line(Line::of(Role::Warn, more)));
    }
    lines
}

/// Of a row that is steady by itself: how far the release is that it has, or has not; nothing where its cells agree.
pub(super) fn beside(scene: &Scene<'_>, rollout: &Rollout) -> Option<Line> {
    let cells = cells::of(scene.model, &rollout.service, &rollout.environment)?;
    let version = cells.release()?;
    let count = cells.count(version);
    if count.is_all() {
        return None;
    }
    let has = matches!(cells.cell(&rollout.environment)?.standing(version), Standing::Has { .. });
    let role = if has { Role::Dim } else { Role::Warn };
    Some(Line::of(role, format!("{} in {} of {} cells", version.short_tag(), count.has, count.of)))
}

/// Behind an act that is done: in how many cells what it put there is. An act on one of them is no end of a release.
pub(super) fn ended(scene: &Scene<'_>, action: &Action) -> Vec<Line> {
    if !matches!(action.latest().map(|entry| &entry.stage), Some(Stage::Done { .. })) {
        return Vec::new();
    }
    let mut said: Vec<&ServiceName> = Vec::new();
    let mut lines = Vec::new();
    for plan in action.plan.each().filter(|plan| plan.direction() != Direction::Still) {
        let Some(to) = plan.draft.to.as_ref().filter(|_| !said.contains(&&plan.service)) else { continue };
        let Some(cells) = cells::of(scene.model, &plan.service, &plan.environment) else { continue };
        said.push(&plan.service);
        let role = if cells.count(to).is_all() { Role::Good } else { Role::Warn };
        let words = format!("   {} {} is in {}", plan.service, to.tag, words::cells(&cells, to, Some(scene.now())));
        lines.push(Line::of(role, words).cut(scene.columns));
    }
    lines
}
