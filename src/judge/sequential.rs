//! One case for the sequential judge: intervals in, an answer after each of them. The shape behind `holdshort judge`.
//!
//! What a case may be: errors, response times, or both; then either may show harm (their evidence is averaged) and both must
//! be safe. State is small, can be stored, and goes on bit for bit where it was.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::judge::{
    counts::{Arms, Tally},
    doubt::{self, Doubt},
    eprocess::{ALPHA_HARM, ALPHA_SAFE, REJECTED, TOLERATED},
    forecast::events_needed,
    gaps::Arm as Side,
    joint::Joint,
    latency::{Latency, Times},
    ratio::Ratio,
    split::Split,
    stream::Stream,
};

/// Fewer errors than this, of both arms, never make a pass, however they are distributed.
pub const LEAST_EVENTS_FOR_GO: u64 = 10;
/// The ratio whose detection [`Answer::needed`] counts towards: twice the errors.
pub const A_DOUBLING: f64 = 2.0;
/// An answer that is further away than this many intervals is no forecast.
const FURTHEST: f64 = 1e6;

/// What is asked of a case.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Chance of a false fail, 0 to 1.
    pub alpha_harm: f64,
    /// The ratio of error rates up to which a canary does no harm.
    pub tolerate: f64,
    /// Chance of a false pass, 0 to 1.
    pub alpha_safe: f64,
    /// The ratio from which on a canary is not safe.
    pub reject: f64,
    /// The latency objective's bound, seconds: the bucket bound that carries half of the weight.
    pub slo_le: Option<f64>,
    /// The canary's declared share of the traffic, 0 to 1, where an interval names none.
    pub weight: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            alpha_harm: ALPHA_HARM,
            tolerate: TOLERATED,
            alpha_safe: ALPHA_SAFE,
            reject: REJECTED,
            slo_le: None,
            weight: None,
        }
    }
}

impl Settings {
    /// Are these numbers that a test can be made with?
    pub fn check(&self) -> Result<(), Invalid> {
        for (field, alpha) in [("alpha_harm", self.alpha_harm), ("alpha_safe", self.alpha_safe)] {
            if !(alpha > 0.0 && alpha < 1.0) {
                return Err(Invalid::new(field, format!("{alpha} is not a chance between 0 and 1, both excluded")));
            }
        }
        for (field, ratio) in [("tolerate", self.tolerate), ("reject", self.reject)] {
            if !(ratio > 0.0 && ratio.is_finite()) {
                return Err(Invalid::new(field, format!("{ratio} is not a ratio above 0")));
            }
        }
        if let Some(bound) = self.slo_le.filter(|bound| !(*bound > 0.0 && bound.is_finite())) {
            return Err(Invalid::new("slo_le", format!("{bound} is not a time in seconds above 0")));
        }
        check_share("weight", self.weight)
    }
}

/// One arm of one interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arm {
    /// Requests that ended in it.
    pub requests: u64,
    /// Those of them that failed; `None` where nobody counted.
    pub errors: Option<u64>,
    /// How many took at most each bound (seconds, ascending; the last may be infinite); `None` where nobody measured.
    pub buckets: Option<Vec<(f64, u64)>>,
}

/// One interval of one stratum. Intervals of a stratum must not overlap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// The version on its way in; `None` where its data are missing.
    pub canary: Option<Arm>,
    /// The version beside it; `None` where its data are missing.
    pub baseline: Option<Arm>,
    /// Region, tenant, endpoint; the same text is the same stratum.
    pub stratum: Option<String>,
    /// The canary's declared share of the traffic, 0 to 1.
    pub declared: Option<f64>,
}

/// What is wrong with a case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Invalid {
    /// The field, as a path: `intervals[3].canary.errors`.
    pub field: String,
    /// Why it cannot be taken.
    pub why: String,
}

impl Invalid {
    /// An error at this field.
    pub fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }
}

/// The answer's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Evidence of harm.
    Fail,
    /// Evidence of safety.
    Pass,
    /// Neither yet.
    Undecided,
    /// Nothing to compare.
    NoData,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "fail",
            Self::Pass => "pass",
            Self::Undecided => "undecided",
            Self::NoData => "no_data",
        })
    }
}

/// Evidence against one hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Natural logarithm of the e-value now.
    pub log_e: f64,
    /// The e-value now; infinite where it is beyond what a number holds.
    pub e: f64,
    /// Anytime-valid p-value, 0 to 1: one over the largest e-value there ever was.
    pub p: f64,
}

/// What is thought of a case now.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The word. The first decision stays.
    pub verdict: Verdict,
    /// The interval, from 1, after which the decision was reached; `None` without one.
    pub decided_at: Option<usize>,
    /// Evidence of harm.
    pub harm: Evidence,
    /// Evidence of safety.
    pub safe: Evidence,
    /// The ratio of the error rates; of the shares of slow requests where errors were not counted.
    pub ratio: Ratio,
    /// Errors of the canary, in intervals that both arms have.
    pub canary_events: u64,
    /// Errors of the baseline, in intervals that both arms have.
    pub baseline_events: u64,
    /// About how many errors of both arms show a doubling, at this traffic share.
    pub needed: Option<u64>,
    /// About how many more intervals a decision takes; `None` once decided and where nothing can be said.
    pub eta_intervals: Option<u64>,
    /// What may make the verdict say less than it seems to, the strongest first.
    pub doubts: Vec<Doubt>,
}

/// A case, interval by interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequential {
    settings: Settings,
    errors: Option<Stream>,
    latency: Option<Latency>,
    bounds: Vec<f64>,
    split: Split,
    seen: usize,
    /// Has an interval had something to compare?
    compared: bool,
    /// Intervals that lack the canary, and that lack the baseline.
    missing: (u64, u64),
    decided: Option<(Verdict, usize)>,
    /// The largest evidence so far, of harm and of safety.
    largest: (f64, f64),
}

impl Sequential {
    /// A case before its first interval.
    pub fn new(settings: Settings) -> Result<Self, Invalid> {
        settings.check()?;
        Ok(Self {
            settings,
            errors: None,
            latency: None,
            bounds: Vec::new(),
            split: Split::default(),
            seen: 0,
            compared: false,
            missing: (0, 0),
            decided: None,
            largest: (0.0, 0.0),
        })
    }

    /// Takes the next interval, or leaves everything as it was and says what is wrong with it.
    pub fn fold(&mut self, interval: &Interval) -> Result<(), Invalid> {
        self.check(interval)?;
        self.seen += 1;
        let stratum = interval.stratum.as_deref().unwrap_or_default();
        self.missing.0 += u64::from(interval.canary.is_none());
        self.missing.1 += u64::from(interval.baseline.is_none());
        let (Some(canary), Some(baseline)) = (&interval.canary, &interval.baseline) else { return Ok(()) };
        let tally = |arm: &Arm, errors| Tally { requests: arm.requests, errors };
        if let Some(declared) = interval.declared.or(self.settings.weight) {
            self.split.fold(declared, &Arms { canary: tally(canary, 0), stable: tally(baseline, 0) });
        }
        if let (Some(x), Some(y)) = (canary.errors, baseline.errors) {
            let Settings { tolerate, reject, .. } = self.settings;
            let stream = self.errors.get_or_insert_with(|| Stream::new(tolerate, reject));
            stream.fold(stratum, &Arms { canary: tally(canary, x), stable: tally(baseline, y) });
            self.compared |= canary.requests > 0 && baseline.requests > 0;
        }
        self.fold_latency(stratum, canary, baseline)?;
        self.decide();
        Ok(())
    }

    fn fold_latency(&mut self, stratum: &str, canary: &Arm, baseline: &Arm) -> Result<(), Invalid> {
        let (Some(x), Some(y)) = (&canary.buckets, &baseline.buckets) else { return Ok(()) };
        if self.latency.is_none() {
            let Settings { tolerate, reject, slo_le, .. } = self.settings;
            self.bounds = finite(x).map(|(bound, _)| bound).collect();
            self.latency = Some(Latency::new(&self.bounds, slo_le, tolerate, reject));
        }
        let times = |arm: &Arm, buckets| Times {
            requests: arm.requests,
            within: finite(buckets).map(|(_, count)| count).collect(),
        };
        let Some(latency) = &mut self.latency else { return Ok(()) };
        self.compared |= canary.requests > 0 && baseline.requests > 0;
        // The bounds were checked before anything was taken.
        let taken = latency.fold(stratum, &times(canary, x), &times(baseline, y));
        taken.map_err(|why| Invalid::new(format!("intervals[{}]", self.seen - 1), why.to_string()))
    }

    fn decide(&mut self) {
        let joint = self.joint();
        let (harm, safe) = (joint.harm(), joint.safe());
        self.largest = (self.largest.0.max(harm), self.largest.1.max(safe));
        if self.decided.is_some() {
            return;
        }
        if harm >= -self.settings.alpha_harm.ln() {
            self.decided = Some((Verdict::Fail, self.seen));
        } else if safe >= -self.settings.alpha_safe.ln() && self.events().events() >= LEAST_EVENTS_FOR_GO {
            self.decided = Some((Verdict::Pass, self.seen));
        }
    }

    /// The word now, and the interval that decided it.
    pub fn verdict(&self) -> (Verdict, Option<usize>) {
        match self.decided {
            Some((verdict, at)) => (verdict, Some(at)),
            None if !self.compared => (Verdict::NoData, None),
            None => (Verdict::Undecided, None),
        }
    }

    fn joint(&self) -> Joint {
        Joint::of(self.errors.as_ref(), self.latency.as_ref())
    }

    /// The stream that is reported: errors, else what exceeds the main bound.
    fn stream(&self) -> Option<&Stream> {
        self.errors.as_ref().or_else(|| Some(self.latency.as_ref()?.main()?.1))
    }

    fn events(&self) -> Arms {
        self.stream().map(Stream::totals).unwrap_or_default()
    }

    /// Everything that is thought of the case now.
    pub fn answer(&self) -> Answer {
        let (verdict, decided_at) = self.verdict();
        let joint = self.joint();
        let evidence = |log_e: f64, largest: f64| Evidence { log_e, e: log_e.exp(), p: (-largest).exp().min(1.0) };
        let events = self.events();
        let needed = events.share().and_then(|share| events_needed(A_DOUBLING, share, self.settings.alpha_harm));
        let eta = match (verdict, self.stream()) {
            (Verdict::Undecided, Some(stream)) => {
                stream.intervals_to_go(self.settings.alpha_harm, self.settings.alpha_safe)
            }
            _ => None,
        };
        Answer {
            verdict,
            decided_at,
            harm: evidence(joint.harm(), self.largest.0),
            safe: evidence(joint.safe(), self.largest.1),
            ratio: self.stream().map(Stream::ratio).unwrap_or_default(),
            canary_events: events.canary.errors,
            baseline_events: events.stable.errors,
            needed,
            eta_intervals: eta.filter(|eta| *eta <= FURTHEST).map(whole),
            doubts: self.doubts(needed),
        }
    }

    fn doubts(&self, needed: Option<u64>) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        doubts.extend(self.split.uneven().map(Doubt::Split));
        if let Some(stream) = self.stream() {
            doubts.extend(doubt::mix_shift(stream.strata(), || stream.ratio()).map(Doubt::Mix));
            doubts.extend(Some(stream.dispersion()).filter(|by| *by > 1.0).map(Doubt::Bursts));
        }
        let of = u64::try_from(self.seen).unwrap_or(u64::MAX);
        let partial = |arm, missing| (missing > 0).then_some(Doubt::Partial { arm, missing, of });
        doubts.extend(partial(Side::Canary, self.missing.0));
        doubts.extend(partial(Side::Stable, self.missing.1));
        if let (Verdict::Undecided, seen, Some(needed)) = (self.verdict().0, self.events().events(), needed)
            && seen < LEAST_EVENTS_FOR_GO
        {
            doubts.push(Doubt::FewEvents { seen, needed });
        }
        doubts
    }

    fn check(&self, interval: &Interval) -> Result<(), Invalid> {
        let at = format!("intervals[{}]", self.seen);
        check_share(&format!("{at}.declared"), interval.declared)?;
        let mut bounds: Option<Vec<f64>> = (!self.bounds.is_empty()).then(|| self.bounds.clone());
        for (name, arm) in [("canary", &interval.canary), ("baseline", &interval.baseline)] {
            let Some(arm) = arm else { continue };
            if let Some(errors) = arm.errors.filter(|errors| *errors > arm.requests) {
                let why = format!("{errors} errors of {} requests", arm.requests);
                return Err(Invalid::new(format!("{at}.{name}.errors"), why));
            }
            if let Some(buckets) = &arm.buckets {
                let field = format!("{at}.{name}.buckets");
                check_buckets(&field, arm.requests, buckets)?;
                let own: Vec<f64> = finite(buckets).map(|(bound, _)| bound).collect();
                if bounds.get_or_insert_with(|| own.clone()) != &own {
                    return Err(Invalid::new(field, "the bounds differ from those of the arm or interval before it"));
                }
            }
        }
        Ok(())
    }
}

fn finite(buckets: &[(f64, u64)]) -> impl Iterator<Item = (f64, u64)> {
    buckets.iter().copied().filter(|(bound, _)| bound.is_finite())
}

fn check_buckets(field: &str, requests: u64, buckets: &[(f64, u64)]) -> Result<(), Invalid> {
    let mut before: Option<(f64, u64)> = None;
    for &(bound, count) in buckets {
        if bound.is_nan() || bound == f64::NEG_INFINITY {
            return Err(Invalid::new(field, format!("{bound} is not a bound in seconds")));
        }
        if let Some((lower, fewer)) = before {
            if bound <= lower {
                return Err(Invalid::new(field, format!("the bound {bound} stands behind {lower}; bounds ascend")));
            }
            if count < fewer {
                let why = format!("{count} within {bound} s after {fewer} within {lower} s; counts are cumulative");
                return Err(Invalid::new(field, why));
            }
        }
        if count > requests {
            return Err(Invalid::new(field, format!("{count} within {bound} s of {requests} requests")));
        }
        if bound == f64::INFINITY && count != requests {
            return Err(Invalid::new(field, format!("+Inf holds {count} of {requests} requests; it must hold all")));
        }
        before = Some((bound, count));
    }
    if finite(buckets).next().is_none() {
        return Err(Invalid::new(field, "there is no finite bound"));
    }
    Ok(())
}

fn check_share(field: &str, share: Option<f64>) -> Result<(), Invalid> {
    match share {
        Some(share) if !(0.0..=1.0).contains(&share) => {
            Err(Invalid::new(field, format!("{share} is not a share between 0 and 1")))
        }
        _ => Ok(()),
    }
}

/// Up to the next whole number.
pub(super) fn whole(value: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
    let whole = value.ceil() as u64;
    whole
}

#[cfg(test)]
mod tests;
