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

/// How much is said of each source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    /// Its age only: what went wrong is said where there is room; that something did is always said.
    Least,
    /// Also what went wrong, and a budget that runs short.
    Whole,
    /// The same, and ages of one width, so that nothing moves while nothing happens.
    Still,
}

impl Said {
    fn less(self) -> Option<Self> {
        match self {
            Self::Still => Some(Self::Whole),
            Self::Whole => Some(Self::Least),
            Self::Least => None,
        }
    }
}

/// Sources in the order of their names. What does not fit is counted, and those not live are kept longest.
pub(super) fn line(scene: &Scene<'_>) -> Line {
    let mut begin = Line::of(Role::Text, " ");
    if let Some(why) = &scene.model.journal_broken {
        begin = begin.and(Role::Bad, format!("✖ JOURNAL cannot be written: {why}")).gap(3);
    }
    let mut shown: Vec<&SourceState> = scene.sources.iter().collect();
    let mut left_out = 0;
    let mut said = Said::Still;
    loop {
        let line = sources(&begin, &shown, left_out, said, table::gap(scene.columns) + 1);
        if line.width() <= scene.columns || shown.is_empty() {
            return line.cut(scene.columns);
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
    for state in shown {
        line = line.join(source(state, said)).gap(gap);
    }
    if left_out > 0 {
        line = line.and(Role::Dim, format!("+{left_out} more"));
    }
    line
}

fn source(state: &SourceState, said: Said) -> Line {
    let name = Line::of(Role::Dim, format!("{} ", state.source));
    let word = match (state.freshness, state.age) {
        (Freshness::Live, Some(age)) if state.is_whole() && said == Said::Still => {
            Line::of(Role::Text, number::within(age))
        }
        (Freshness::Live, Some(age)) if state.is_whole() => Line::of(Role::Text, number::age(number::bound(age))),
        _ if said == Said::Least => freshness::warning(state),
        _ => freshness::sentence(state).cut(44),
    };
    let budget = match state.budget_percent {
        Some(left) if said > Said::Least && left < SHORT_BUDGET => Line::of(Role::Warn, format!(" budget {left} %")),
        _ => Line::new(),
    };
    name.join(word).join(budget)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::*;
    use crate::{domain::observed::Observed, view::sample};

    /// What the line says of a source that answered last so many seconds ago and should answer every five.
    fn said(seconds: i64) -> String {
        let mut seen = Observed::never("eu".into(), Duration::from_secs(5));
        seen.saw(sample::now(), ());
        let at = sample::now() + TimeDelta::seconds(seconds);
        let (freshness, age) = (seen.freshness(at), seen.age(at));
        let state = SourceState {
            source: seen.source,
            freshness,
            age,
            fault: None,
            unread: Vec::new(),
            every: seen.interval,
            budget_percent: None,
        };
        source(&state, Said::Still).plain()
    }

    #[test]
    fn a_live_source_stands_still_for_five_seconds_and_one_that_is_old_counts_every_second() {
        let all: Vec<String> = (3..13).map(said).collect();
        let live = ["eu < 5 s", "eu < 5 s", "eu <10 s", "eu <10 s", "eu <10 s", "eu <10 s", "eu <10 s", "eu <15 s"];
        assert_eq!(all, [&live[..], &["eu STALE 11 s", "eu STALE 12 s"]].concat());
    }
}
