//! The verdict on a canary, with its arithmetic. NO-GO needs evidence of harm, GO evidence of safety and nothing missing;
//! everything else is WAIT or NO DATA.

mod look;
mod standard;
mod timing;
mod words;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        evidence::Verdict,
        rollout::Analysis,
        signal::VersionSignals,
        standard::Standard,
        time::{Timestamp, after},
    },
    judge::{
        counts::{Arms, Pair, Stratified, Tally, pairs, totals},
        doubt::Doubt,
        eprocess::{ALPHA_HARM, ALPHA_SAFE, REJECTED, TOLERATED, log_mean_exp},
        forecast::{Progress, events_needed},
        gaps::{self, Missing},
        latency::Latency,
        onset::onset,
        ratio::{Likelihood, Ratio},
        rivals::{self, Rival},
        rule,
        sequential::{A_DOUBLING, LEAST_EVENTS_FOR_GO, whole},
        stream::Stream,
        verdict::timing::Timed,
    },
};

pub use self::timing::Timing;

/// What is further away than this is not a forecast.
const FURTHEST: f64 = 30.0 * 86_400.0;

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
}

impl<'a> Case<'a> {
    /// A case of which no more is known than the signals.
    pub fn new(
        canary: Option<&'a VersionSignals>,
        stable: Option<&'a VersionSignals>,
        since: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self { canary, stable, since, now, declared: &[], standard: None, analyses: &[] }
    }
}

/// Evidence against one hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Natural logarithm of the e-value now.
    pub log_e: f64,
    /// Anytime-valid p-value, 0 to 1.
    pub p: f64,
}

/// What is thought of a canary, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The word.
    pub verdict: Verdict,
    /// The arithmetic in a sentence, without times: `errors 3.1 % against 0.2 % on stable, n 29,800, ratio 15 (13–18)`.
    pub reason: String,
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
    /// Where each of the service's limits stands, a sentence each.
    pub limits: Vec<String>,
    /// What the canary costs of the error budget, then each burn-rate alert that fires; a sentence each. Empty where nothing is
    /// promised.
    pub budget: Vec<String>,
    /// What may make the verdict say less than it seems to, the strongest first.
    pub doubts: Vec<Doubt>,
}

/// The tests as they go, and when each first reached its bar. A NO-GO stays; a GO stays unless harm shows later.
struct Tests {
    errors: Stream,
    timed: Timed,
    /// The largest evidence so far, of harm and of safety.
    largest: (f64, f64),
    harm_at: Option<Timestamp>,
    safe_at: Option<Timestamp>,
    /// Response times showed the harm, and errors alone have never been enough.
    slow: bool,
}

impl Tests {
    /// Looks after every interval, in order of time; what alike arms teach of bursts comes before the interval it is from.
    fn run(case: &Case<'_>, all: &[Stratified]) -> Self {
        let mut tests = Self {
            errors: Stream::new(TOLERATED, REJECTED),
            timed: Timed::new(case),
            largest: (0.0, 0.0),
            harm_at: None,
            safe_at: None,
            slow: false,
        };
        let mut alike = look::alike(case).into_iter().peekable();
        for Stratified { stratum, pair } in all {
            while let Some(one) = alike.next_if(|one| one.pair.to <= pair.to) {
                tests.errors.learn(&one.stratum, &one.pair.arms());
            }
            tests.errors.fold(stratum, &pair.arms());
            tests.timed.fold(stratum, pair);
            tests.look(pair.to);
        }
        tests
    }

    fn look(&mut self, at: Timestamp) {
        let (harm, safe) = (self.harm(), self.safe());
        self.largest = (self.largest.0.max(harm), self.largest.1.max(safe));
        if self.harm_at.is_none() && harm >= -ALPHA_HARM.ln() {
            self.harm_at = Some(at);
            self.slow = self.timed.is_the_worse(self.errors.harm());
        }
        // Errors are what people ask for first.
        self.slow &= self.errors.harm() < -ALPHA_HARM.ln();
        let events = self.errors.totals().events();
        if self.safe_at.is_none() && safe >= -ALPHA_SAFE.ln() && events >= LEAST_EVENTS_FOR_GO {
            self.safe_at = Some(at);
        }
    }

    fn harm(&self) -> f64 {
        match self.timed.latency() {
            Some(latency) => log_mean_exp([self.errors.harm(), latency.harm()].into_iter()),
            None => self.errors.harm(),
        }
    }

    fn safe(&self) -> f64 {
        self.timed.latency().map_or(f64::INFINITY, Latency::safety).min(self.errors.safety())
    }

    fn verdict(&self, missing: &[Missing]) -> Verdict {
        if self.harm_at.is_some() {
            Verdict::NoGo
        } else if missing.iter().any(|missing| missing.prevents_judging()) {
            Verdict::NoData
        } else if self.safe_at.is_some() && missing.is_empty() {
            Verdict::Go
        } else {
            Verdict::Wait
        }
    }

    /// What the words of a reason depend on.
    fn words(&self, slow: bool) -> words::Tested {
        words::Tested { harm: self.harm_at.is_some(), safe: self.safe_at.is_some(), slow }
    }

    /// Seconds until a decision from the last of these intervals on, and the canary's requests by then.
    fn forecast(&self, all: &[Stratified]) -> Option<(f64, u64)> {
        const PRESENT: usize = 10;
        let recent = all.get(all.len().saturating_sub(PRESENT)..)?;
        let (first, last) = (recent.first()?, recent.last()?);
        let span = (last.pair.to - first.pair.from).to_std().ok()?.as_secs_f64();
        let intervals = self.errors.intervals_to_go(ALPHA_HARM, ALPHA_SAFE)?;
        let seconds = intervals * span / recent.len() as f64;
        let requests = whole(intervals * self.errors.present_requests());
        (seconds <= FURTHEST).then(|| (seconds, self.errors.totals().canary.requests.saturating_add(requests)))
    }
}

/// Judges a canary by its errors and response times beside those of stable, from `since` to `now`.
///
/// A series that is not there, or has ended, is named in `missing`: without requests or errors of an arm the verdict is NO DATA,
/// without latency it is at best WAIT.
pub fn judge(case: &Case<'_>) -> Judgement {
    let nothing = VersionSignals::default();
    let all = pairs(case.canary.unwrap_or(&nothing), case.stable.unwrap_or(&nothing), case.since);
    let both = all.iter().map(|one| one.pair.arms()).reduce(|all, one| all + one);
    let missing = gaps::missing(case.canary, case.stable, both, look::starves(case, &all), case.now);
    let tests = Tests::run(case, &all);
    let limits = standard::limits(case);
    let (verdict, broken) = standard::held_to(&limits, tests.verdict(&missing), tests.largest);
    let slow = tests.slow;
    let onset =
        if verdict == Verdict::NoGo && slow { tests.timed.onset() } else { onset(all.iter().map(|one| &one.pair)) };
    // Minutes before the trouble began would make it look smaller than it is.
    let covered: Vec<&Pair> = match (verdict, onset) {
        (Verdict::NoGo, Some(onset)) => all.iter().map(|one| &one.pair).filter(|pair| pair.from >= onset).collect(),
        _ => all.iter().map(|one| &one.pair).collect(),
    };
    let (canary, stable) = totals(covered.iter().copied());
    let forecast = match verdict {
        Verdict::Wait if tests.safe_at.is_none() => tests.forecast(&all),
        _ => None,
    };
    let last = all.last().map_or(case.now, |one| one.pair.to);
    let due = |seconds: f64| Some(after(last, std::time::Duration::try_from_secs_f64(seconds).ok()?).max(case.now));
    let seen = tests.errors.totals();
    let share = seen.share().unwrap_or_default();
    let evidence = |log_e: f64, largest: f64| Evidence { log_e, p: (-largest).exp().min(1.0) };
    let mut judgement = Judgement {
        verdict,
        reason: String::new(),
        covers_from: covered.first().map(|pair| pair.from),
        canary,
        stable,
        ratio: ratio(&covered, tests.errors.dispersion()),
        harm: evidence(tests.harm(), tests.largest.0),
        safe: evidence(tests.safe(), tests.largest.1),
        timing: tests.timed.timing(onset.filter(|_| verdict == Verdict::NoGo)),
        strata: look::several(&tests.errors),
        limits: limits.iter().map(|(rule, standing)| rule::sentence(rule, standing)).collect(),
        budget: Vec::new(),
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
        doubts: look::doubts(case, &all, &tests.errors),
    };
    judgement.doubts.extend(standard::advice(case, &limits));
    let (all, covered): (Vec<Pair>, Vec<Pair>) =
        (all.iter().map(|one| one.pair).collect(), covered.into_iter().copied().collect());
    judgement.budget = standard::budget(case, &all, &covered, &judgement.ratio);
    if verdict == Verdict::NoGo {
        judgement.ruled_out = rivals::ruled_out(case, &all, &judgement);
    }
    judgement.reason = words::reason(&judgement, tests.words(slow), &broken);
    judgement
}

/// The ratio in these intervals.
fn ratio(pairs: &[&Pair], dispersion: f64) -> Ratio {
    let mut likelihood = Likelihood::default();
    for pair in pairs {
        likelihood.fold(&pair.arms());
    }
    likelihood.ratio(dispersion)
}

#[cfg(test)]
pub(super) mod tests;
