//! The tests of a canary as they go, and when each first reached its bar.

use crate::{
    domain::{evidence::Verdict, time::Timestamp},
    judge::{
        counts::{Pair, Stratified},
        eprocess::{ALPHA_HARM, ALPHA_SAFE, REJECTED, TOLERATED},
        gaps::Missing,
        joint::Joint,
        sequential::{LEAST_EVENTS_FOR_GO, whole},
        stream::{PRESENT, Stream},
        verdict::{Tested, timing::Timed},
    },
};

/// What is further away than this is not a forecast.
const FURTHEST: f64 = 30.0 * 86_400.0;

/// The tests. A NO-GO stays; a GO stays unless harm shows later.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tests {
    pub(super) errors: Stream,
    pub(super) timed: Timed,
    /// The largest evidence so far, of harm and of safety.
    pub(super) largest: (f64, f64),
    pub(super) harm_at: Option<Timestamp>,
    pub(super) safe_at: Option<Timestamp>,
    /// Response times showed the harm, and errors alone have never been enough.
    pub(super) slow: bool,
}

impl Tests {
    /// Nothing seen yet.
    pub(super) fn new() -> Self {
        Self {
            errors: Stream::new(TOLERATED, REJECTED),
            timed: Timed::default(),
            largest: (0.0, 0.0),
            harm_at: None,
            safe_at: None,
            slow: false,
        }
    }

    /// Takes what alike arms teach of bursts; it comes before the interval it is from.
    pub(super) fn learn(&mut self, alike: &Stratified) {
        self.errors.learn(&alike.stratum, &alike.pair.arms());
    }

    /// Takes an interval and looks; in order of time.
    pub(super) fn fold(&mut self, stratum: &str, pair: &Pair) {
        self.errors.fold(stratum, &pair.arms());
        self.timed.fold(stratum, pair);
        self.look(pair.to);
    }

    fn look(&mut self, at: Timestamp) {
        let joint = self.joint();
        let (harm, safe) = (joint.harm(), joint.safe());
        let errors = joint.errors.map_or(0.0, |(harm, _)| harm);
        self.largest = (self.largest.0.max(harm), self.largest.1.max(safe));
        self.timed.saw(joint.latency);
        if self.harm_at.is_none() && harm >= -ALPHA_HARM.ln() {
            self.harm_at = Some(at);
            self.slow = joint.latency.is_some_and(|(harm, _)| harm > errors);
        }
        // Errors are what people ask for first.
        self.slow &= errors < -ALPHA_HARM.ln();
        let events = self.errors.totals().events();
        if self.safe_at.is_none() && safe >= -ALPHA_SAFE.ln() && events >= LEAST_EVENTS_FOR_GO {
            self.safe_at = Some(at);
        }
    }

    /// The evidence now.
    pub(super) fn joint(&self) -> Joint {
        Joint::of(Some(&self.errors), self.timed.latency())
    }

    pub(super) fn verdict(&self, missing: &[Missing]) -> Verdict {
        if self.harm_at.is_some() {
            Verdict::NoGo
        } else if missing.iter().any(Missing::prevents_judging) {
            Verdict::NoData
        } else if self.safe_at.is_some() && missing.is_empty() {
            Verdict::Go
        } else {
            Verdict::Wait
        }
    }

    /// What they say by themselves.
    pub(super) fn tested(&self) -> Tested {
        Tested { harm: self.harm_at.is_some(), safe: self.safe_at.is_some(), slow: self.slow }
    }

    /// Seconds until a decision from the last of these intervals on, and the canary's requests by then.
    pub(super) fn forecast(&self, all: &[Stratified]) -> Option<(f64, u64)> {
        let recent = all.get(all.len().saturating_sub(PRESENT)..)?;
        let (first, last) = (recent.first()?, recent.last()?);
        let span = (last.pair.to - first.pair.from).to_std().ok()?.as_secs_f64();
        let intervals = self.errors.intervals_to_go(ALPHA_HARM, ALPHA_SAFE)?;
        let seconds = intervals * span / recent.len() as f64;
        let requests = whole(intervals * self.errors.present_requests());
        (seconds <= FURTHEST).then(|| (seconds, self.errors.totals().canary.requests.saturating_add(requests)))
    }
}
