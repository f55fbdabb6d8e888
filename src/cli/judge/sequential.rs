//! Cases of the method `sequential`, and their answers. The judge itself is `judge::sequential`; what is checked here is what
//! only its written form can get wrong.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};

use crate::{
    cli::judge::{
        SCHEMA,
        wire::{Count, Key, Malformed, object},
        words::number,
    },
    domain::text::clean,
    judge::{
        ratio::Ratio,
        sequential::{self, Arm, Interval, Invalid, Sequential, Settings, Verdict},
    },
    words,
};

/// JSON has no infinity.
const BEYOND: f64 = 1e308;

object!(
    /// One interval of one stratum.
    IntervalIn { canary: ArmIn, baseline: ArmIn, stratum: String, declared: f64 }
);

object!(
    /// One arm of it.
    ArmIn { requests: Count, errors: Count, buckets: Buckets }
);

/// How many requests took at most each bound, in seconds; ascending, whatever order they were written in.
#[derive(Debug)]
pub(super) struct Buckets(Vec<(f64, u64)>);

impl<'de> Deserialize<'de> for Buckets {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bounds;
        impl<'de> Visitor<'de> for Bounds {
            type Value = Buckets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of bounds in seconds, such as \"0.25\" and \"+Inf\", with cumulative counts")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Buckets, M::Error> {
                let mut found = Vec::new();
                while let Some(Key(name)) = map.next_key::<Key<'de>>()? {
                    let bound = name.parse::<f64>().ok().filter(|bound| *bound >= 0.0);
                    let Some(bound) = bound else {
                        return Err(M::Error::custom(format!("`{name}` is no bound in seconds, such as 0.25 or +Inf")));
                    };
                    let Count(count) = map.next_value()?;
                    found.push((bound, count));
                }
                found.sort_by(|(bound, _), (other, _)| bound.total_cmp(other));
                Ok(Buckets(found))
            }
        }
        from.deserialize_map(Bounds)
    }
}

/// What a case of this method says of itself.
#[derive(Debug, Default)]
pub(super) struct CaseIn {
    pub(super) alpha_harm: Option<f64>,
    pub(super) tolerate: Option<f64>,
    pub(super) alpha_safe: Option<f64>,
    pub(super) reject: Option<f64>,
    pub(super) slo_le: Option<f64>,
    pub(super) weight: Option<f64>,
    pub(super) intervals: Option<Vec<IntervalIn>>,
}

impl CaseIn {
    /// Judges the case.
    pub(super) fn answer(self, name: Option<String>) -> Result<Answer, Malformed> {
        let wrong = |invalid: Invalid| Malformed::at(invalid.field, invalid.why);
        let default = Settings::default();
        let settings = Settings {
            alpha_harm: self.alpha_harm.unwrap_or(default.alpha_harm),
            tolerate: self.tolerate.unwrap_or(default.tolerate),
            alpha_safe: self.alpha_safe.unwrap_or(default.alpha_safe),
            reject: self.reject.unwrap_or(default.reject),
            slo_le: self.slo_le,
            weight: self.weight,
        };
        let Some(intervals) = self.intervals else {
            return Err(Malformed::at("intervals", "missing; write [] where there are none yet"));
        };
        let mut judge = Sequential::new(settings).map_err(wrong)?;
        for interval in intervals {
            judge.fold(&interval.read()).map_err(wrong)?;
        }
        Ok(Answer::of(name, &judge.answer()))
    }
}

impl IntervalIn {
    fn read(self) -> Interval {
        Interval {
            canary: self.canary.and_then(ArmIn::read),
            baseline: self.baseline.and_then(ArmIn::read),
            stratum: self.stratum,
            declared: self.declared,
        }
    }
}

impl ArmIn {
    /// An arm whose requests nobody counted is one that is missing, whatever else is known of it.
    fn read(self) -> Option<Arm> {
        let Count(requests) = self.requests?;
        let errors = self.errors.map(|Count(errors)| errors);
        let buckets = self.buckets.map(|Buckets(mut buckets)| {
            // Without +Inf the requests stand for it.
            if buckets.last().is_some_and(|(bound, _)| bound.is_finite()) {
                buckets.push((f64::INFINITY, requests));
            }
            buckets
        });
        Some(Arm { requests, errors, buckets })
    }
}

/// `holdshort/judge/v1` of this method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Answer {
    schema: &'static str,
    name: Option<String>,
    method: &'static str,
    verdict: Verdict,
    decided_at: Option<usize>,
    harm: EvidenceOut,
    safe: EvidenceOut,
    ratio: Ratio,
    events: EventsOut,
    eta_intervals: Option<u64>,
    doubts: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct EvidenceOut {
    e: f64,
    p: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct EventsOut {
    canary: u64,
    baseline: u64,
    needed: Option<u64>,
}

impl Answer {
    fn of(name: Option<String>, answer: &sequential::Answer) -> Self {
        let evidence = |of: sequential::Evidence| EvidenceOut { e: of.e.min(BEYOND), p: of.p };
        Self {
            schema: SCHEMA,
            name,
            method: "sequential",
            verdict: answer.verdict,
            decided_at: answer.decided_at,
            harm: evidence(answer.harm),
            safe: evidence(answer.safe),
            ratio: answer.ratio,
            events: EventsOut { canary: answer.canary_events, baseline: answer.baseline_events, needed: answer.needed },
            eta_intervals: answer.eta_intervals,
            doubts: answer.doubts.iter().map(words::doubt).collect(),
        }
    }

    /// For people: the word first, then its arithmetic. `place` names a case that has no name.
    pub(super) fn words(&self, place: &str) -> String {
        let word = match self.verdict {
            Verdict::Fail => "NO-GO",
            Verdict::Pass => "GO",
            Verdict::Undecided => "WAIT",
            Verdict::NoData => "NO DATA",
        };
        let name = self.name.as_deref().unwrap_or(place);
        let known = |value: Option<f64>| value.map_or("unknown".to_owned(), number);
        let evidence = |of: EvidenceOut| format!("e {}, p {}", number(of.e), number(of.p));
        let Ratio { estimate, low, high } = self.ratio;
        let mut parts = vec![
            format!("ratio {} ({} to {})", known(estimate), known(low), known(high)),
            format!("harm {}", evidence(self.harm)),
            format!("safe {}", evidence(self.safe)),
            format!("{} events against {}", self.events.canary, self.events.baseline),
        ];
        parts.extend(self.decided_at.map(|at| format!("decided at interval {at}")));
        parts.extend(self.eta_intervals.map(|eta| format!("about {eta} more intervals")));
        parts.extend(self.doubts.iter().map(|doubt| format!("doubt: {doubt}")));
        clean(&format!("{word}  {name}: {}", parts.join("; ")))
    }
}
