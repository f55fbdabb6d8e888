//! Doubts: what may make a verdict say less than it seems to, each with its numbers; the strongest comes first and stands
//! beside the verdict.

use std::time::Duration;

use crate::judge::{
    counts::Arms, eprocess::TOLERATED, gaps::Arm, pattern::Proven, ratio::Ratio, rule::Limit, split::Uneven,
    verdict::Judgement,
};

/// A stratum whose share moved by less than this says nothing.
const SHIFT: f64 = 0.1;
/// One pod is out of line when so many errors fall on it by chance less often than this.
const BY_CHANCE: f64 = 0.001;
/// Fewer errors than this are nobody's pattern.
const LEAST_ERRORS: u64 = 8;

/// A reason to believe a verdict less. The order is that of strength.
#[derive(Clone, Debug, PartialEq)]
pub enum Doubt {
    /// The traffic is not split as declared.
    Split(Uneven),
    /// Most errors are one pod's.
    Pod(OnePod),
    /// The arms serve different callers.
    Mix(MixShift),
    /// Errors come in bursts; evidence is divided by this.
    Bursts(f64),
    /// The canary writes what stable does not, or writes it more often: what was found first, and how many more there are.
    Written(Box<Proven>, usize),
    /// Intervals without one of the arms.
    Partial {
        /// The arm that is missing.
        arm: Arm,
        /// In how many intervals.
        missing: u64,
        /// Of how many.
        of: u64,
    },
    /// The canary has run for no longer than a process takes to warm up.
    WarmUp(Duration),
    /// Both sides had so few errors that only an enormous difference could show.
    FewEvents {
        /// Errors of both sides.
        seen: u64,
        /// About how many show a doubling.
        needed: u64,
    },
    /// An advisory limit that is broken or cannot be told.
    Limit(Limit),
    /// What the engine's own analysis says that its measurements do not.
    Engine {
        /// The analysis.
        analysis: String,
        /// Where it disagrees with its measurements.
        says: String,
    },
    /// An earlier attempt of the same version did harm.
    Earlier(Box<Judgement>),
}

/// One pod of an arm has most of its errors.
#[derive(Clone, Debug, PartialEq)]
pub struct OnePod {
    /// Its name.
    pub pod: String,
    /// Its errors.
    pub errors: u64,
    /// The errors of the whole arm.
    pub of: u64,
    /// The pods of the arm.
    pub pods: usize,
    /// The ratio without it.
    pub without: Option<f64>,
}

/// The canary's callers are other ones than stable's.
#[derive(Clone, Debug, PartialEq)]
pub struct MixShift {
    /// The stratum whose share differs most.
    pub stratum: String,
    /// Its share of stable's requests, 0 to 1.
    pub stable: f64,
    /// Its share of the canary's requests, 0 to 1.
    pub canary: f64,
    /// The ratio of the totals, which misleads.
    pub pooled: Option<f64>,
    /// The ratio stratum by stratum.
    pub stratified: Option<f64>,
}

impl Doubt {
    /// Does it change what a verdict says, and not just how sure it is?
    pub fn is_strong(&self) -> bool {
        matches!(self, Self::Split(_) | Self::Pod(_) | Self::Mix(_) | Self::Bursts(_) | Self::Written(..))
    }

    /// Does it leave open whether the version is worse at all? Where callers differ or errors come in bursts, the verdict has
    /// taken that into account.
    pub fn leaves_open(&self) -> bool {
        match self {
            Self::Split(_) => true,
            Self::Pod(pod) => pod.without.is_none(),
            _ => false,
        }
    }

    /// The pod that has the trouble by itself: without it the canary is no worse than is tolerated.
    pub fn one_pod(&self) -> Option<&OnePod> {
        match self {
            Self::Pod(pod) if pod.without.is_some_and(|ratio| ratio <= TOLERATED) => Some(pod),
            _ => None,
        }
    }
}

/// Does the mix of callers differ between the arms? Half the sum of the differences of all shares (total variation) must be
/// at least a tenth. `ratio`, stratum by stratum, is computed only then.
pub(super) fn mix_shift<'a>(
    strata: impl Iterator<Item = (&'a str, Arms)> + Clone,
    ratio: impl FnOnce() -> Ratio,
) -> Option<MixShift> {
    let all = strata.clone().fold(Arms::default(), |all, (_, arms)| all + arms);
    let (canary, stable) = (all.canary.requests as f64, all.stable.requests as f64);
    if canary == 0.0 || stable == 0.0 {
        return None;
    }
    let shares =
        strata.map(|(name, arms)| (name, arms.stable.requests as f64 / stable, arms.canary.requests as f64 / canary));
    let distance: f64 = shares.clone().map(|(_, stable, canary)| (canary - stable).abs() / 2.0).sum();
    if distance < SHIFT {
        return None;
    }
    // Of two equal shifts the one upwards: "US 10 % → 90 %" reads as what came, not as what went.
    let (stratum, stable, canary) = shares.max_by(|a, b| (a.2 - a.1).total_cmp(&(b.2 - b.1)))?;
    let pooled = all.canary.error_share().zip(all.stable.error_share()).map(|(canary, stable)| canary / stable);
    let pooled = pooled.filter(|ratio| ratio.is_finite());
    Some(MixShift { stratum: stratum.to_owned(), stable, canary, pooled, stratified: ratio().estimate })
}

/// Does one pod have more of its arm's errors than its requests explain? `pods` are names with requests and errors; the
/// chance of so many errors on it, if errors fall as requests do, must be below one in a thousand even for the worst of all.
/// `without` is the ratio of the arms without the pod of this name.
pub(super) fn one_pod(pods: &[(String, Arms)], without: impl FnOnce(&str) -> Option<f64>) -> Option<OnePod> {
    let all = pods.iter().fold(Arms::default(), |all, (_, arms)| all + *arms);
    let (requests, errors) = (all.canary.requests, all.canary.errors);
    if pods.len() < 2 || errors < LEAST_ERRORS || requests == 0 {
        return None;
    }
    let (pod, arms) = pods.iter().max_by_key(|(_, arms)| arms.canary.errors)?;
    let share = arms.canary.requests as f64 / requests as f64;
    let expected = share * errors as f64;
    let got = arms.canary.errors as f64;
    if share >= 1.0 || got <= 1.5 * expected {
        return None;
    }
    // Chernoff: the chance of at least so many is at most exp(−errors · KL(got share, share)).
    let got_share = got / errors as f64;
    let rest = if got_share < 1.0 { (1.0 - got_share) * ((1.0 - got_share) / (1.0 - share)).ln() } else { 0.0 };
    let chance = (-(errors as f64) * (got_share * (got_share / share).ln() + rest)).exp() * pods.len() as f64;
    (chance < BY_CHANCE).then(|| OnePod {
        pod: pod.clone(),
        errors: arms.canary.errors,
        of: errors,
        pods: pods.len(),
        without: without(pod),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::counts::tests::pair;

    fn pods(errors: &[u64]) -> Vec<(String, Arms)> {
        let one = |(index, errors): (usize, &u64)| (format!("pod-{index}"), pair(0, (1000, *errors, 0, 0)).arms());
        errors.iter().enumerate().map(one).collect()
    }

    #[test]
    fn a_pod_with_most_errors_is_named_and_an_even_spread_is_not() {
        let found = one_pod(&pods(&[8, 41, 8]), |_| Some(1.1)).unwrap();
        let one = OnePod { pod: "pod-1".to_owned(), errors: 41, of: 57, pods: 3, without: Some(1.1) };
        assert_eq!(found, one);
        assert_eq!(Doubt::Pod(one.clone()).one_pod(), Some(&one), "it is that pod and not the version");
        let worse = OnePod { without: Some(1.5), ..one };
        assert_eq!(Doubt::Pod(worse).one_pod(), None, "the others are worse than stable too");
        assert_eq!(one_pod(&pods(&[18, 21, 18]), |_| None), None);
        assert_eq!(one_pod(&pods(&[0, 5, 0]), |_| None), None, "five errors are no pattern");
        assert_eq!(one_pod(&pods(&[50]), |_| None), None, "the only pod is not out of line");
    }

    #[test]
    fn a_shift_of_the_mix_is_named_with_what_the_totals_would_say() {
        let strata = [("EU", pair(0, (100, 3, 900, 18)).arms()), ("US", pair(0, (900, 6, 100, 0)).arms())];
        let ratio = Ratio { estimate: Some(1.5), low: None, high: None };
        let shift = mix_shift(strata.iter().map(|(name, arms)| (*name, *arms)), || ratio).unwrap();
        assert_eq!((shift.stratum.as_str(), shift.stable, shift.canary), ("US", 0.1, 0.9));
        assert_eq!((shift.pooled, shift.stratified), (Some(0.5), Some(1.5)));
        let alike = [("EU", pair(0, (95, 3, 900, 18)).arms()), ("US", pair(0, (15, 0, 100, 2)).arms())];
        assert_eq!(mix_shift(alike.iter().map(|(name, arms)| (*name, *arms)), || ratio), None);
    }
}
