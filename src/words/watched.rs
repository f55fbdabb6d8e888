//! What is said of a release that is watched: against what ran before it, and that this is weaker than side by side.

use crate::{
    domain::evidence::Verdict,
    judge::{counts::Tally, verdict::Judgement},
    words::number::{Grouped, Short},
};

/// `as good as 1.41.3 before it`, `worse than 1.41.3 before it`: in a few words, for a row.
pub fn watched_beside(judgement: &Judgement, against: &str) -> String {
    match judgement.verdict {
        Verdict::Go => format!("as good as {against} before it"),
        Verdict::NoGo => format!("worse than {against} before it"),
        Verdict::Wait => format!("too few to hold against {against} before it"),
        Verdict::NoData => format!("nothing to hold against {against} before it"),
    }
}

/// `worse than 1.41.3 before it: errors 3.1 % against 0.2 %, n 29,800; before and after is weaker than side by side`.
pub fn watched(judgement: &Judgement, against: &str) -> String {
    let share = |tally: Tally| Some(format!("{} %", Short(tally.error_share()? * 100.0)));
    let counted = share(judgement.canary).zip(share(judgement.stable));
    let counted = counted
        .filter(|_| judgement.verdict != Verdict::NoData)
        .map(|(now, then)| format!(": errors {now} against {then}, n {}", Grouped(judgement.canary.requests)));
    let weaker = "before and after is weaker than side by side";
    format!("{}{}; {weaker}", watched_beside(judgement, against), counted.unwrap_or_default())
}
