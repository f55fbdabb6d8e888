//! What a verdict looks at beside its tests: whether the canary gets anything, and what each stratum did.

use crate::{
    domain::time::age,
    judge::{
        counts::{Arms, Stratified},
        gaps,
        stream::Stream,
        verdict::Case,
    },
};

/// Does the canary get nothing although a share of the traffic is declared for it? So it is when of its newest intervals, as many
/// as make a series count as ended, none has a request, and by the declared share they should have had some.
pub(super) fn starves(case: &Case<'_>, all: &[Stratified]) -> bool {
    const LEAST: f64 = 20.0;
    let (Some(last), Some((from, declared))) = (all.last(), case.declared.last()) else { return false };
    let silent = all.iter().rev().take_while(|one| one.pair.canary.requests == 0 && one.pair.from >= *from);
    let (mut requests, mut begin) = (0, last.pair.to);
    for one in silent {
        requests += one.pair.stable.requests;
        begin = one.pair.from;
    }
    age(last.pair.to, begin) >= gaps::LEAST_PATIENCE && requests as f64 * declared >= LEAST
}

/// The strata and what both arms did in them, where there is more than one.
pub(super) fn several(errors: &Stream) -> Vec<(String, Arms)> {
    let all: Vec<_> = errors.strata().map(|(name, arms)| (name.to_owned(), arms)).collect();
    if all.len() > 1 { all } else { Vec::new() }
}
