//! The reason of a verdict as a sentence.

use crate::{
    domain::evidence::Verdict,
    judge::{
        counts::Tally,
        doubt::Doubt,
        eprocess::REJECTED,
        forecast::Progress,
        gaps,
        ratio::Ratio,
        verdict::{Judgement, Timing},
        words::{Grouped, Short},
    },
};

/// What the tests said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tested {
    /// They showed harm.
    pub(super) harm: bool,
    /// They showed safety.
    pub(super) safe: bool,
    /// Response times show more harm than errors.
    pub(super) slow: bool,
}

/// `broken`: the limits that made the verdict worse than the tests alone, or that join them.
pub(super) fn reason(judgement: &Judgement, tested: Tested, broken: &[String]) -> String {
    let Tested { harm, safe, slow } = tested;
    let mut parts = Vec::new();
    match judgement.verdict {
        // Only a limit speaks against it: what it says comes first, below.
        Verdict::NoGo if !harm => {}
        Verdict::NoGo if slow && judgement.timing.is_some() => parts.extend(judgement.timing.iter().map(slower)),
        Verdict::NoGo | Verdict::Go => {
            parts.extend(by_stratum(judgement).or_else(|| Some(format!("errors {}", shares(judgement)?))));
            parts.push(format!("n {}", Grouped(judgement.canary.requests)));
            parts.extend(ratio_words(judgement.ratio));
            if judgement.verdict == Verdict::Go {
                parts.push(format!("{REJECTED} times stable's errors is ruled out"));
            }
        }
        Verdict::Wait => {
            parts.push(match judgement.requests {
                Progress { seen, needed: Some(needed) } => {
                    format!("{} requests of about {} needed", Grouped(seen), Grouped(needed))
                }
                Progress { seen, needed: None } => format!("{} requests", Grouped(seen)),
            });
            parts.extend(shares(judgement));
            parts.push(match (judgement.covers_from, judgement.requests.needed, judgement.events.seen) {
                _ if safe => "errors alone would be GO".to_owned(),
                (None, ..) => "no whole interval of both arms yet".to_owned(),
                (_, Some(_), _) => String::new(),
                (_, None, 0) => "no error on either side to compare by".to_owned(),
                (_, None, _) => "too few errors to say when".to_owned(),
            });
        }
        Verdict::NoData => {}
    }
    parts.extend(broken.iter().cloned());
    if !judgement.missing.is_empty() {
        parts.push(format!("NO DATA {}", gaps::list(&judgement.missing)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// `errors in us 0.6 % against 0.3 % on stable, in eu 3.1 % against 2 %`: where the mix of callers differs, totals mislead. The
/// two strata with the most requests stand for all.
fn by_stratum(judgement: &Judgement) -> Option<String> {
    judgement.doubts.iter().find(|doubt| matches!(doubt, Doubt::Mix(_)))?;
    let mut strata: Vec<_> = judgement.strata.iter().collect();
    strata.sort_by_key(|(_, arms)| std::cmp::Reverse(arms.requests()));
    let percent = |tally: Tally| tally.error_share().map(|share| Short(share * 100.0));
    let mut each = strata.iter().filter_map(|(name, arms)| Some((name, percent(arms.canary)?, percent(arms.stable)?)));
    let (name, canary, stable) = each.next()?;
    let first = format!("errors in {name} {canary} % against {stable} % on stable");
    let second = each.next().map(|(name, canary, stable)| format!(", in {name} {canary} % against {stable} %"));
    Some(first + &second.unwrap_or_default())
}

/// `3.1 % against 0.2 % on stable`.
fn shares(judgement: &Judgement) -> Option<String> {
    let percent = |tally: Tally| tally.error_share().map(|share| Short(share * 100.0));
    Some(format!("{} % against {} % on stable", percent(judgement.canary)?, percent(judgement.stable)?))
}

/// `ratio 15 (13–18)`.
fn ratio_words(ratio: Ratio) -> Option<String> {
    match (ratio.estimate, ratio.low, ratio.high) {
        (Some(estimate), Some(low), Some(high)) => {
            Some(format!("ratio {} ({}–{})", Short(estimate), Short(low), Short(high)))
        }
        (_, Some(low), None) => Some(format!("ratio above {}", Short(low))),
        _ => None,
    }
}

/// `slower: 2.1 % of requests over 0.5 s against 0.3 % on stable, n 29,800, ratio 7 (5–9)`.
fn slower(timing: &Timing) -> String {
    let percent = |tally: Tally| Short(tally.error_share().unwrap_or_default() * 100.0);
    let mut parts = vec![
        format!(
            "slower: {} % of requests over {} s against {} % on stable",
            percent(timing.canary),
            Short(timing.bound),
            percent(timing.stable)
        ),
        format!("n {}", Grouped(timing.canary.requests)),
    ];
    parts.extend(ratio_words(timing.ratio));
    parts.join(", ")
}
