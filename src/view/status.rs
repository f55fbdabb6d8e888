//! The status bar: each source's word and age, and what is left of a budget that runs short.

use crate::{
    app::{model::Screen, store::SourceState},
    domain::observed::Freshness,
    view::{
        action, freshness, number,
        scene::Scene,
        span::{Line, Role},
        table,
    },
};

/// A budget is worth a word below this many percent.
const SHORT_BUDGET: u8 = 50;
/// Between an act and the sources.
const BESIDE_ACT: usize = 2;

/// How much is said of each source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    /// Its age only: what went wrong is said where there is room; that something did is always said.
    Least,
    /// Also what went wrong, and a budget that runs short.
    Whole,
    /// The same, with more room between them.
    Wide,
}

impl Said {
    fn less(self) -> Option<Self> {
        match self {
            Self::Wide => Some(Self::Whole),
            Self::Whole => Some(Self::Least),
            Self::Least => None,
        }
    }
}

/// What is said at the foot of the screen: of the sources, and of what is being done where the screen itself does not say it. No act ends
/// unseen, wherever somebody looks.
pub(super) fn line(scene: &Scene<'_>) -> Line {
    let elsewhere =
        matches!(scene.model.nav.screen(), Screen::Logs { .. } | Screen::Run(_) | Screen::Pipelines | Screen::Signals);
    let act = elsewhere.then(|| action::newest(scene)).flatten();
    let Some(act) = act else { return said_of_sources(scene, scene.columns) };
    // How old what is on screen is stays there beside it, in what room the act leaves: at least a third.
    let room = scene.columns.saturating_sub(act.width().min(scene.columns * 2 / 3) + BESIDE_ACT);
    let sources = said_of_sources(scene, room);
    act.cut(scene.columns.saturating_sub(sources.width() + BESIDE_ACT)).gap(BESIDE_ACT).join(sources)
}

/// Sources in the order of their names, in so many columns. What does not fit is counted, and those not live are kept longest.
fn said_of_sources(scene: &Scene<'_>, columns: usize) -> Line {
    let mut begin = Line::of(Role::Text, " ");
    if let Some(why) = &scene.model.journal_broken {
        begin = begin.and(Role::Bad, format!("✖ JOURNAL cannot be written: {why}")).gap(3);
    }
    let mut shown: Vec<&SourceState> = scene.sources.iter().collect();
    let mut left_out = 0;
    let mut said = Said::Wide;
    loop {
        let gap = if said == Said::Wide { table::gap(columns) + 1 } else { 2 };
        let line = sources(&begin, &shown, left_out, said, gap);
        if line.width() <= columns || shown.is_empty() {
            return line.cut(columns);
        }
        if let Some(less) = said.less() {
            said = less;
            continue;
        }
        let dropped = shown.iter().rposition(|state| state.is_whole()).unwrap_or(shown.len() - 1);
        shown.remove(dropped);
        left_out += 1;
    }
}

fn sources(begin: &Line, shown: &[&SourceState], left_out: usize, said: Said, gap: usize) -> Line {
    let mut line = begin.clone();
    for (index, state) in shown.iter().enumerate() {
        let next = shown.get(index + 1).map(|next| word(next, said));
        // What is said of neighbours alike is said once: `eu, us <10 s`.
        let alike = state.is_whole() && next == Some(word(state, said));
        line = line.and(Role::Dim, state.source.to_string());
        line = if alike { line.and(Role::Dim, ", ") } else { line.gap(1).join(word(state, said)).gap(gap) };
    }
    if left_out > 0 {
        line = line.and(Role::Dim, format!("+{left_out} more"));
    }
    line
}

/// What is said of a source behind its name.
fn word(state: &SourceState, said: Said) -> Line {
    let word = match (state.freshness, state.age) {
        (Freshness::Live, Some(age)) if state.is_whole() => Line::of(Role::Text, number::within(age, state.every)),
        _ if said == Said::Least => freshness::warning(state),
        _ => freshness::sentence(state).cut(44),
    };
    let budget = match state.budget_percent {
        Some(left) if said > Said::Least && left < SHORT_BUDGET => Line::of(Role::Warn, format!(" budget {left} %")),
        _ => Line::new(),
    };
    word.join(budget)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::*;
    use crate::{domain::observed::Observed, view::sample};

    /// A source that answered last so many seconds ago and should answer every five.
    fn state(seconds: i64) -> SourceState {
        let mut seen = Observed::never("eu".into(), Duration::from_secs(5));
        seen.saw(sample::now(), ());
        let at = sample::now() + TimeDelta::seconds(seconds);
        let (freshness, age) = (seen.freshness(at), seen.age(at));
        SourceState {
            source: seen.source,
            freshness,
            age,
            fault: None,
            unread: Vec::new(),
            every: seen.interval,
            budget_percent: None,
        }
    }

    /// What the line says of it.
    fn said(seconds: i64) -> String {
        sources(&Line::new(), &[&state(seconds)], 0, Said::Wide, 0).plain()
    }

    #[test]
    fn what_is_said_of_neighbours_alike_is_said_once_and_what_is_not_well_stands_by_itself() {
        let named = |name: &str, seconds| SourceState { source: name.into(), ..state(seconds) };
        let short = SourceState { budget_percent: Some(31), ..named("forge", 1) };
        let all = [named("eu", 1), named("us", 3), named("metrics", 12), named("asia", 12), short];
        let line = sources(&Line::new(), &all.each_ref(), 0, Said::Wide, 2).plain();
        assert_eq!(line, "eu, us <20 s  metrics STALE 12 s  asia STALE 12 s  forge <20 s budget 31 %  ");
    }

    #[test]
    fn a_live_source_stands_still_as_long_as_it_is_heard_of_in_time_and_one_that_is_old_counts_every_second() {
        let all: Vec<String> = (0..13).map(said).collect();
        assert_eq!(all, [&["eu <20 s"; 11][..], &["eu STALE 11 s", "eu STALE 12 s"]].concat());
    }
}
