//! The tests of a run that failed, by name, and which of them passed on the same commit.

use crate::{
    app::tested::{self, Findings},
    domain::{
        pipeline::Run,
        report::{Test, TestName},
    },
    view::{
        measure, number,
        scene::Scene,
        span::{Line, Role},
    },
};

/// What is known of them in so many lines at most; nothing where nobody tells of any.
pub(super) fn lines(scene: &Scene<'_>, run: &Run, (columns, rows): (usize, usize)) -> Vec<Line> {
    let found = match tested::findings(scene.model, &run.id) {
        None => return Vec::new(),
        Some(Err(fault)) => {
            let words = measure::wrap_within(&fault.text, columns.saturating_sub(4), 2);
            let words = words.into_iter().map(|words| Line::of(Role::Warn, format!(" ▲ {words}")));
            return [Line::of(Role::Title, "   TESTS not known")].into_iter().chain(words).take(rows).collect();
        }
        Some(Ok(found)) => found,
    };
    if found.report.count() == 0 && found.report.unread.is_empty() {
        return Vec::new();
    }
    let mut lines = heading(&found, run, columns);
    let room = rows.saturating_sub(lines.len());
    let failures: Vec<&Test> = found.report.failures().collect();
    let all = usize::try_from(found.report.failed).unwrap_or(usize::MAX);
    // The last line says how many there is no room for.
    let shown = if all <= room { failures.len() } else { room.saturating_sub(1).min(failures.len()) };
    lines.extend(failures.iter().take(shown).map(|test| one(test, &found, columns)));
    if all > shown && lines.len() < rows {
        lines.push(Line::of(
            Role::Dim,
            format!("   and {} more", number::count(u64::try_from(all.saturating_sub(shown)).unwrap_or(u64::MAX))),
        ));
    }
    lines.truncate(rows);
    lines
}

/// `TESTS 3 of 214 failed`, and what of that is known besides.
fn heading(found: &Findings<'_>, run: &Run, columns: usize) -> Vec<Line> {
    let report = found.report;
    let count = number::count;
    let there =
        if found.pair.failed.id == run.id { String::new() } else { format!(" in #{}", found.pair.failed.number) };
    let words = format!("   TESTS {} of {} failed{there}", count(report.failed), count(report.count()));
    let mut lines = vec![Line::of(Role::Title, words)];
    let mut said = |role: Role, words: String| {
        let words = measure::wrap_within(&words, columns.saturating_sub(4), 2);
        lines.extend(words.into_iter().map(|words| Line::of(role, format!(" ▲ {words}"))));
    };
    match &found.flaky {
        Some(flaky) if !flaky.is_empty() => {
            let tests = if flaky.len() == 1 { "1 test".to_owned() } else { format!("{} tests", flaky.len()) };
            said(Role::Warn, format!("failed and passed on this commit: {tests}"));
        }
        _ => {}
    }
    if report.unknown > 0 {
        said(Role::Unknown, format!("{} ended in a way that is not known", count(report.unknown)));
    }
    for unread in report.unread.iter().take(1) {
        said(Role::Warn, unread.clone());
    }
    if let Some(fault) = found.fault {
        said(Role::Warn, fault.text.clone());
    }
    lines
}

fn is_flaky(test: &TestName, found: &Findings<'_>) -> bool {
    found.flaky.as_ref().is_some_and(|flaky| flaky.contains(test))
}

/// ` ✖ pays once  shop.Basket`.
fn one(test: &Test, found: &Findings<'_>, columns: usize) -> Line {
    let flaky = is_flaky(&test.test, found);
    let sign = if flaky { Line::of(Role::Warn, " ▲ ") } else { Line::of(Role::Bad, " ✖ ") };
    let mut line = sign.and(Role::Text, test.test.name.clone());
    let place = if test.test.class.is_empty() { &test.test.suite } else { &test.test.class };
    if !place.is_empty() {
        line = line.gap(2).and(Role::Dim, place.clone());
    }
    line.cut(columns)
}
