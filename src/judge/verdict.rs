//! The verdict on a canary, with its arithmetic. NO-GO needs evidence of harm, GO evidence of safety and nothing missing;
//! everything else is WAIT or NO DATA.

mod alike;
mod doubts;
mod look;
mod running;
mod standard;
mod testing;
mod timing;

use crate::{
    domain::{
        evidence::Verdict,
        rollout::Analysis,
        signal::VersionSignals,
        standard::Standard,
        time::{Timestamp, after, age},
    },
    judge::{
        counts::{Arms, Tally},
        doubt::Doubt,
        eprocess::ALPHA_HARM,
        forecast::{Progress, events_needed},
        gaps::{self, Missing, Unmeasured},
        pattern::Proven,
        ratio::Ratio,
        rivals::{self, Rival},
        rule::Limit,
        sequential::A_DOUBLING,
        slo::Budget,
        verdict::running::Folded,
    },
};

pub use self::{
    running::{Past, Running},
    timing::Timing,
};

/// What is judged: the signals of two versions, and what the engine and the configuration say of them.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The version on its way in; `None` where the source does not know it.
    pub canary: Option<&'a VersionSignals>,
    /// The version that served before.
    pub stable: Option<&'a VersionSignals>,
    /// When the canary first got traffic.
    pub since: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// From when on which share of the traffic (0 to 1) was declared for the canary, in order of time.
    pub declared: &'a [(Timestamp, f64)],
    /// What the service is held to.
    pub standard: Option<&'a Standard>,
    /// The engine's own analyses of the canary.
    pub analyses: &'a [Analysis],
    /// Why nothing is measured, where that is known.
    pub unmeasured: Option<&'a Unmeasured>,
}

impl<'a> Case<'a> {
    /// A case of which no more is known than the signals.
    pub fn new(
        canary: Option<&'a VersionSignals>,
        stable: Option<&'a VersionSignals>,
        since: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self { canary, stable, since, now, declared: &[], standard: None, analyses: &[], unmeasured: None }
    }
}

/// Evidence against one hypothesis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Natural logarithm of the e-value now.
    pub log_e: f64,
    /// Anytime-valid p-value, 0 to 1.
    pub p: f64,
}

impl Evidence {
    /// From the logarithm of the e-value now, and of the largest there ever was.
    fn of(log_e: f64, largest: f64) -> Self {
        Self { log_e, p: (-largest).exp().min(1.0) }
    }
}

/// What the tests of counts and times said, whatever else speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tested {
    /// They showed harm.
    pub harm: bool,
    /// They showed safety.
    pub safe: bool,
    /// Response times show more harm than errors.
    pub slow: bool,
}

/// What is thought of a canary, and why: all of it as data, in words by `words`.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The word.
    pub verdict: Verdict,
    /// The begin of the first interval of both arms; `None` where there is none.
    pub begins: Option<Timestamp>,
    /// The end of the newest interval that it rests on; `None` where there is none.
    pub at: Option<Timestamp>,
    /// What the tests said.
    pub tested: Tested,
    /// What the numbers below cover begins here: the onset of a NO-GO, else the first interval of both arms. The verdict
    /// itself always rests on all intervals.
    pub covers_from: Option<Timestamp>,
    /// The canary's requests and errors.
    pub canary: Tally,
    /// Stable's, in the same intervals.
    pub stable: Tally,
    /// The ratio of the two error rates.
    pub ratio: Ratio,
    /// Evidence that the canary does harm: of errors and of response times, averaged.
    pub harm: Evidence,
    /// Evidence that it is safe: the smaller of the two.
    pub safe: Evidence,
    /// Response times, where both versions have histograms.
    pub timing: Option<Timing>,
    /// The requests and errors of each stratum, where there are several: what the verdict compares within.
    pub strata: Vec<(String, Arms)>,
    /// The end of the interval in which GO or NO-GO was first reached.
    pub decided_at: Option<Timestamp>,
    /// Errors of both arms, and how many would show twice the errors.
    pub events: Progress,
    /// Requests of the canary, and about how many a decision takes if it goes on as so far.
    pub requests: Progress,
    /// When that decision is due at the present traffic; only while it waits.
    pub eta: Option<Timestamp>,
    /// Since when the canary is worse, where it is.
    pub onset: Option<Timestamp>,
    /// What is missing, by name.
    pub missing: Vec<Missing>,
    /// Other explanations of a NO-GO that the numbers speak against.
    pub ruled_out: Vec<Rival>,
    /// Where each of the service's limits stands.
    pub limits: Vec<Limit>,
    /// Those of them that made the verdict worse than the tests alone, or that join them.
    pub broken: Vec<Limit>,
    /// What the canary costs of the error budget; `None` where nothing is promised.
    pub budget: Option<Budget>,
    /// Patterns of log lines that the canary writes more often than stable, as far as its lines were read.
    pub written: Vec<Proven>,
    /// What may make the verdict say less than it seems to, the strongest first.
    pub doubts: Vec<Doubt>,
}

/// So many intervals after the end of the newest one, a verdict still says what is. A source is read a little after each
/// interval's end, and may miss one.
const FRESH_FOR: u32 = 2;
/// And so much later: scrapes, ingestion and reading take a while.
const READING: std::time::Duration = std::time::Duration::from_secs(5);

impl Judgement {
    /// Takes what is proven of the lines that both versions write. It is evidence beside the verdict, which stays the word that it is:
    /// the chance of a false finding is no part of the verdict's own. Where that is not NO-GO it is a doubt, for whoever goes on ought to
    /// know what is new there.
    pub fn hears(&mut self, written: Vec<Proven>) {
        if let Some((first, more)) = written.split_first()
            && self.verdict != Verdict::NoGo
        {
            let place = self.doubts.iter().position(|doubt| !doubt.is_strong()).unwrap_or(self.doubts.len());
            self.doubts.insert(place, Doubt::Written(Box::new(first.clone()), more.len()));
        }
        self.written = written;
    }

    /// How old the newest of its evidence is; `None` where there is none.
    pub fn age(&self, now: Timestamp) -> Option<std::time::Duration> {
        self.at.map(|at| age(now, at))
    }

    /// Its age, where it is so old that it no longer says what is: nothing of both versions was told for more than two
    /// intervals of this length. Harm that was shown stays shown; what has no evidence says so already.
    pub fn stale(&self, now: Timestamp, interval: std::time::Duration) -> Option<std::time::Duration> {
        self.old(now, interval).filter(|_| matches!(self.verdict, Verdict::Go | Verdict::Wait))
    }

    /// Its age, where that is more than this, whatever it says.
    pub fn old(&self, now: Timestamp, interval: std::time::Duration) -> Option<std::time::Duration> {
        self.age(now).filter(|age| *age > interval * FRESH_FOR + READING)
    }

    /// The word that holds at this moment: what is too old is no data.
    pub fn holds(&self, now: Timestamp, interval: std::time::Duration) -> Verdict {
        if self.stale(now, interval).is_some() { Verdict::NoData } else { self.verdict }
    }
}

/// Judges a canary by its errors and response times beside those of stable, from `since` to `now`.
///
/// A series that is not there, or has ended, is named in `missing`: without requests or errors of an arm the verdict is NO DATA,
/// without latency it is at best WAIT.
///
/// This folds every interval. What judges the same canary again and again keeps a [`Running`].
pub fn judge(case: &Case<'_>) -> Judgement {
    Running::default().judge(case, Past::Changed)
}

/// What follows from all that was folded.
fn conclude(case: &Case<'_>, folded: &mut Folded) -> Judgement {
    let Folded { all, both, tests, onset, doubted, covered, .. } = folded;
    let missing = gaps::missing(case.canary, case.stable, case.unmeasured, *both, look::starves(case, all), case.now);
    let limits = standard::limits(case);
    let held = standard::held_to(&limits, tests.verdict(&missing), tests.largest);
    let verdict = held.verdict;
    let no_go = verdict == Verdict::NoGo;
    let onset = if no_go && tests.slow { tests.timed.onset() } else { onset.since() };
    // Minutes before the trouble began would make it look smaller than it is.
    let begin = onset.filter(|_| no_go);
    covered.take(all, begin);
    let forecast = match verdict {
        Verdict::Wait if tests.safe_at.is_none() => tests.forecast(all),
        _ => None,
    };
    let last = all.last().map_or(case.now, |one| one.pair.to);
    let due = |seconds: f64| Some(after(last, std::time::Duration::try_from_secs_f64(seconds).ok()?).max(case.now));
    let seen = tests.errors.totals();
    let share = seen.share().unwrap_or_default();
    let joint = tests.joint();
    let mut judgement = Judgement {
        verdict,
        at: all.last().map(|one| one.pair.to),
        begins: all.first().map(|one| one.pair.from),
        tested: tests.tested(),
        covers_from: covered.from,
        canary: covered.canary,
        stable: covered.stable,
        ratio: covered.ratio(tests.errors.dispersion()),
        harm: Evidence::of(joint.harm(), tests.largest.0),
        safe: Evidence::of(joint.safe(), tests.largest.1),
        timing: tests.timed.timing(begin),
        strata: look::several(&tests.errors),
        limits,
        broken: held.broken,
        budget: None,
        ruled_out: Vec::new(),
        decided_at: match verdict {
            Verdict::NoGo => tests.harm_at,
            Verdict::Go => tests.safe_at,
            Verdict::Wait | Verdict::NoData => None,
        },
        events: Progress { seen: seen.events(), needed: events_needed(A_DOUBLING, share, ALPHA_HARM) },
        requests: Progress { seen: seen.canary.requests, needed: forecast.map(|(_, requests)| requests) },
        eta: forecast.and_then(|(seconds, _)| due(seconds)),
        onset,
        missing,
        written: Vec::new(),
        doubts: doubted.doubts(case, all, &tests.errors),
    };
    judgement.doubts.extend(held.doubts.into_iter().map(Doubt::Limit).chain(standard::disagreements(case)));
    judgement.budget = standard::budget(case, all, begin, &judgement.ratio);
    if no_go {
        judgement.ruled_out = rivals::ruled_out(case, all, &judgement);
    }
    judgement
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
