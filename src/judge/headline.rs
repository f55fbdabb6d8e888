//! "Is it the release?": from the comparison of the two versions and from its timing. Data only; the words are the view's.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::{
    domain::{
        evidence::Verdict,
        time::{Timestamp, age},
    },
    judge::verdict::Judgement,
};

/// What is behind the errors, as far as canary and stable tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// The version on its way in does harm that the one beside it, at the same time, does not.
    Release,
    /// It cannot be told: something is missing, or the canary looks worse and it is not proven.
    Unknown,
    /// Nothing points to the release.
    None,
}

/// The moment at which a step began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTime {
    /// Index of the step, from 0.
    pub step: usize,
    /// When it began.
    pub at: Timestamp,
}

/// When it began, beside the steps of the rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Began {
    /// Begin of the first bad interval.
    pub at: Timestamp,
    /// The last step that began before or with it, and how long before; `None` where no such step is known.
    pub after: Option<(StepTime, Duration)>,
}

/// The answer for one canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headline {
    /// Is it the release?
    pub cause: Cause,
    /// Since when.
    pub began: Option<Began>,
}

/// Answers for one canary. Both arms run at the same time behind the same callers, so what hits both alike is not the
/// release; harm on the canary alone is.
pub fn headline(judgement: &Judgement, steps: &[StepTime]) -> Headline {
    let began = judgement.onset.map(|at| Began { at, after: last_before(at, steps) });
    let cause = match (judgement.verdict, began) {
        (Verdict::NoGo, _) => Cause::Release,
        (Verdict::NoData, _) | (Verdict::Wait | Verdict::Go, Some(_)) => Cause::Unknown,
        (Verdict::Wait | Verdict::Go, None) => Cause::None,
    };
    Headline { cause, began }
}

fn last_before(at: Timestamp, steps: &[StepTime]) -> Option<(StepTime, Duration)> {
    let last = steps.iter().filter(|step| step.at <= at).max_by_key(|step| (step.at, step.step))?;
    Some((*last, age(at, last.at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::signal::VersionSignals,
        judge::{
            counts::tests::minute,
            verdict::{
                Case, judge,
                tests::{bad_canary, version},
            },
        },
    };

    #[test]
    fn the_step_that_counts_is_the_last_one_before_the_errors() {
        let step = |step, begin| StepTime { step, at: minute(begin) };
        let steps = [step(0, 0), step(4, 1), step(5, 9)];
        let two_minutes = Duration::from_mins(2);
        assert_eq!(last_before(minute(3), &steps), Some((step(4, 1), two_minutes)));
        assert_eq!(last_before(minute(3), &[step(5, 9)]), None);
        let together = [step(3, 1), step(4, 1)];
        assert_eq!(last_before(minute(1), &together), Some((step(4, 1), Duration::ZERO)));
    }

    #[test]
    fn harm_on_the_canary_alone_is_the_release_and_began_so_long_after_the_step() {
        let (canary, stable) = bad_canary();
        let judgement = judge(&Case::new(Some(&version(&canary)), Some(&version(&stable)), minute(0), minute(21)));
        let step = StepTime { step: 4, at: minute(1) };
        let began = Began { at: minute(3), after: Some((step, Duration::from_mins(2))) };
        assert_eq!(headline(&judgement, &[step]), Headline { cause: Cause::Release, began: Some(began) });
    }

    #[test]
    fn a_canary_like_stable_is_nothing_to_blame() {
        let alike = version(&[(1000, 2); 10]);
        let judgement = judge(&Case::new(Some(&alike), Some(&alike), minute(0), minute(10)));
        assert_eq!(headline(&judgement, &[]), Headline { cause: Cause::None, began: None });
    }

    #[test]
    fn a_canary_without_data_is_not_cleared() {
        let blind = judge(&Case::new(None, Some(&VersionSignals::default()), minute(0), minute(5)));
        assert_eq!(headline(&blind, &[]), Headline { cause: Cause::Unknown, began: None });
    }
}
