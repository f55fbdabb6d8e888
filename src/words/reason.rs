//! The reason of a verdict.

use super::{
    limit::limit,
    missing::list,
    number::{Grouped, Short, Window},
};
use crate::{
    domain::{evidence::Verdict, time::age},
    judge::{
        counts::Tally,
        doubt::Doubt,
        eprocess::REJECTED,
        forecast::Progress,
        ratio::Ratio,
        verdict::{Judgement, Tested, Timing},
    },
};

/// The whole reason: the arithmetic, and what is missing. `errors 3.1 % against 0.2 % on stable in 20 min, n 29,800, ratio 15
/// (13–18)`.
pub fn reason(judgement: &Judgement) -> String {
    let missing = list(&judgement.missing);
    let missing = (!missing.is_empty()).then(|| format!("NO DATA {missing}"));
    joined(std::iter::once(arithmetic(judgement)).chain(missing))
}

/// The reason as it stands beside the verdict's word: where that says already that there is no data, it is not said twice.
pub fn beside_word(judgement: &Judgement) -> String {
    match judgement.verdict {
        Verdict::NoData => joined([arithmetic(judgement), list(&judgement.missing)]),
        Verdict::Go | Verdict::NoGo | Verdict::Wait => reason(judgement),
    }
}

/// The reason without what is missing; empty where there is nothing else.
pub fn arithmetic(judgement: &Judgement) -> String {
    let Tested { harm, safe, slow } = judgement.tested;
    let mut parts = Vec::new();
    match judgement.verdict {
        // Only a limit speaks against it: what it says comes first, below.
        Verdict::NoGo if !harm => {}
        Verdict::NoGo if slow && judgement.timing.is_some() => {
            parts.extend(judgement.timing.iter().map(|timing| slower(judgement, timing)));
        }
        Verdict::NoGo | Verdict::Go => {
            parts.extend(by_stratum(judgement).or_else(|| Some(format!("errors {}", shares(judgement)?))));
            parts.push(format!("n {}", Grouped(judgement.canary.requests)));
            parts.extend(ratio_words(judgement.ratio));
            if judgement.verdict == Verdict::Go {
                parts.push(format!("{REJECTED} times stable's errors is ruled out"));
            }
        }
        Verdict::Wait => parts.extend(waits(judgement, safe)),
        Verdict::NoData => {}
    }
    parts.extend(judgement.broken.iter().map(limit));
    joined(parts)
}

/// How far it is, and what is not known of when it is decided.
fn waits(judgement: &Judgement, safe: bool) -> [String; 3] {
    let requests = match judgement.requests {
        Progress { seen, needed: Some(needed) } => {
            format!("{} requests of about {} needed", Grouped(seen), Grouped(needed))
        }
        Progress { seen, needed: None } => format!("{} requests", Grouped(seen)),
    };
    let when = match (judgement.covers_from, judgement.requests.needed, judgement.events.seen) {
        _ if safe => "errors alone would be GO",
        (None, ..) => "no whole interval of both arms yet",
        (_, Some(_), _) => "",
        (_, None, 0) => "no error on either side to compare by",
        (_, None, _) => "too few errors to say when",
    };
    [requests, shares(judgement).unwrap_or_default(), when.to_owned()]
}

/// `errors in us 0.6 % against 0.3 % on stable, in eu 3.1 % against 2 %, in 20 min`: where the mix of callers differs, totals
/// mislead. The two strata with the most requests stand for all.
fn by_stratum(judgement: &Judgement) -> Option<String> {
    judgement.doubts.iter().find(|doubt| matches!(doubt, Doubt::Mix(_)))?;
    let mut strata: Vec<_> = judgement.strata.iter().collect();
    strata.sort_by_key(|(_, arms)| std::cmp::Reverse(arms.requests()));
    let percent = |tally: Tally| tally.error_share().map(|share| Short(share * 100.0));
    let mut each = strata.iter().filter_map(|(name, arms)| Some((name, percent(arms.canary)?, percent(arms.stable)?)));
    let (name, canary, stable) = each.next()?;
    let first = format!("errors in {name} {canary} % against {stable} % on stable");
    let second = each.next().map(|(name, canary, stable)| format!(", in {name} {canary} % against {stable} %"));
    let window = whole_window(judgement).map(|window| format!(", in {window}"));
    Some(first + &second.unwrap_or_default() + &window.unwrap_or_default())
}

/// `3.1 % against 0.2 % on stable in 20 min`.
fn shares(judgement: &Judgement) -> Option<String> {
    let percent = |tally: Tally| tally.error_share().map(|share| Short(share * 100.0));
    let (canary, stable) = (percent(judgement.canary)?, percent(judgement.stable)?);
    Some(format!("{canary} % against {stable} % on stable{}", window(judgement)))
}

/// ` in 20 min`: what the numbers cover.
fn window(judgement: &Judgement) -> String {
    let covered = judgement.covers_from.zip(judgement.at);
    covered.map(|(from, to)| format!(" in {}", Window(age(to, from)))).unwrap_or_default()
}

/// What the strata cover: all intervals, not those since an onset only.
fn whole_window(judgement: &Judgement) -> Option<Window> {
    judgement.begins.zip(judgement.at).map(|(from, to)| Window(age(to, from)))
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

/// `slower: 2.1 % of requests over 0.5 s against 0.3 % on stable in 20 min, n 29,800, ratio 7 (5–9)`.
fn slower(judgement: &Judgement, timing: &Timing) -> String {
    let percent = |tally: Tally| Short(tally.error_share().unwrap_or_default() * 100.0);
    let shares = format!(
        "slower: {} % of requests over {} s against {} % on stable{}",
        percent(timing.canary),
        Short(timing.bound),
        percent(timing.stable),
        window(judgement)
    );
    joined([shares, format!("n {}", Grouped(timing.canary.requests))].into_iter().chain(ratio_words(timing.ratio)))
}

fn joined(parts: impl IntoIterator<Item = String>) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests;
