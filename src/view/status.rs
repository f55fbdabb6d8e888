//! The status bar: each source's word and age, and what is left of a budget that runs short.

use crate::{
    app::store::SourceState,
    domain::observed::Freshness,
    view::{
        freshness, number,
        scene::Scene,
        span::{Line, Role},
        table,
    },
};

/// A budget is worth a word below this many percent.
const SHORT_BUDGET: u8 = 50;

/// Sources in the order of their names. What does not fit is counted, and those not live are kept longest.
pub(super) fn line(scene: &Scene<'_>) -> Line {
    let mut begin = Line::of(Role::Text, " ");
    if let Some(why) = &scene.model.journal_broken {
        begin = begin.and(Role::Bad, format!("✖ JOURNAL cannot be written: {why}")).gap(3);
    }
    let mut shown: Vec<&SourceState> = scene.sources.iter().collect();
    let mut left_out = 0;
    // What went wrong is said where there is room; that something did is always said.
    let mut whole = true;
    loop {
        let line = sources(&begin, &shown, left_out, whole, table::gap(scene.columns) + 1);
        if line.width() <= scene.columns || shown.is_empty() {
            return line.cut(scene.columns);
        }
        if std::mem::take(&mut whole) {
            continue;
        }
        let dropped = shown.iter().rposition(|state| state.freshness == Freshness::Live).unwrap_or(shown.len() - 1);
        shown.remove(dropped);
        left_out += 1;
    }
}

fn sources(begin: &Line, shown: &[&SourceState], left_out: usize, whole: bool, gap: usize) -> Line {
    let mut line = begin.clone();
    for state in shown {
        line = line.join(source(state, whole)).gap(gap);
    }
    if left_out > 0 {
        line = line.and(Role::Dim, format!("+{left_out} more"));
    }
    line
}

fn source(state: &SourceState, whole: bool) -> Line {
    let name = Line::of(Role::Dim, format!("{} ", state.source));
    let word = match (state.freshness, state.age) {
        (Freshness::Live, Some(age)) => Line::of(Role::Text, number::age(age)),
        _ if whole => freshness::sentence(state).cut(44),
        _ => freshness::warning(state),
    };
    let budget = match state.budget_percent {
        Some(left) if whole && left < SHORT_BUDGET => Line::of(Role::Warn, format!(" budget {left} %")),
        _ => Line::new(),
    };
    name.join(word).join(budget)
}
