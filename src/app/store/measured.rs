//! What sources of signals told, each by place; and which of it is of a rollout's place.
//!
//! A number of another environment must never stand for this one: where a source does not say what its series are of, and there is
//! more than one thing that they could be of, none of it is taken, and it is said which setting is missing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{SourceInfo, merge, older::Older};
use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName, SourceName},
        observed::{Fault, Observed},
        place::{Coverage, Place},
        signal::ServiceSignals,
        time::Timestamp,
    },
    judge::gaps::Unread,
    port::facet::Window,
};

/// The signals of services, by the environment that the source tells apart; the empty one where it does not.
pub type Places = BTreeMap<ServiceName, BTreeMap<EnvironmentName, ServiceSignals>>;

/// One source.
#[derive(Clone, Debug, PartialEq)]
struct Source {
    seen: Observed<Places>,
    coverage: Coverage,
    /// What is older than what is at hand.
    older: BTreeMap<Place, Older>,
    /// How often what was folded of a place's signals ceased to hold.
    rewrites: BTreeMap<Place, u64>,
}

/// All sources of signals.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Measured {
    sources: BTreeMap<SourceName, Source>,
    /// In which environments each service runs, as far as rollouts are known.
    runs_in: BTreeMap<ServiceName, BTreeSet<EnvironmentName>>,
    /// Limits are held to what is so old.
    limits_reach: Duration,
}

/// No panel shows more, so no more points are kept for them.
const SHOWN: Duration = Duration::from_hours(3);

/// What there is of a place.
enum Found<'a> {
    Signals(&'a SourceName, &'a ServiceSignals),
    Nothing,
    /// Something, and it cannot be told whether it is of this place.
    Unplaced(Vec<&'a SourceName>),
}

impl Measured {
    pub(super) fn add(&mut self, info: &SourceInfo) {
        let seen = Observed::never(info.name.clone(), info.interval);
        let (coverage, older, rewrites) = (info.coverage.clone(), BTreeMap::new(), BTreeMap::new());
        let source = Source { seen, coverage, older, rewrites };
        self.sources.insert(info.name.clone(), source);
    }

    pub(super) fn note_places<'a>(&mut self, places: impl Iterator<Item = (&'a ServiceName, &'a EnvironmentName)>) {
        self.runs_in.clear();
        for (service, environment) in places {
            match self.runs_in.get_mut(service) {
                Some(known) if known.contains(environment) => {}
                Some(known) => drop(known.insert(environment.clone())),
                None => drop(self.runs_in.insert(service.clone(), BTreeSet::from([environment.clone()]))),
            }
        }
    }

    pub(super) fn take(
        &mut self,
        source: &SourceName,
        at: Timestamp,
        window: Window,
        signals: Result<Vec<ServiceSignals>, Fault>,
    ) {
        let reach = self.limits_reach;
        let Some(source) = self.sources.get_mut(source) else { return };
        match signals {
            Err(fault) => source.seen.failed(fault),
            Ok(signals) => {
                source.seen.value.get_or_insert_default();
                for new in signals {
                    source.take(new, window, reach);
                }
                source.seen.confirmed(at);
            }
        }
    }

    pub(super) fn restore(&mut self, source: &SourceName, window: Window, signals: ServiceSignals) -> bool {
        let reach = self.limits_reach;
        let Some(source) = self.sources.get_mut(source) else { return false };
        source.take(signals, window, reach);
        true
    }

    pub(super) fn limits_reach(&mut self, back: Duration) {
        self.limits_reach = back;
    }

    /// Everything that ended by then is not at hand; `None` where everything is.
    pub(super) fn packed_until(&self, source: &SourceName, signals: &ServiceSignals) -> Option<Timestamp> {
        self.older(source, signals)?.until
    }

    /// The same signals with everything that is not at hand.
    pub(super) fn whole(&self, source: &SourceName, signals: &ServiceSignals) -> ServiceSignals {
        self.older(source, signals).map_or_else(|| signals.clone(), |older| older.whole(signals))
    }

    fn older(&self, source: &SourceName, signals: &ServiceSignals) -> Option<&Older> {
        self.sources.get(source)?.older.get(&signals.place()).filter(|older| !older.is_empty())
    }

    pub(super) fn rewrites(&self, source: &SourceName, signals: &ServiceSignals) -> u64 {
        let of = self.sources.get(source).and_then(|source| source.rewrites.get(&signals.place()));
        of.copied().unwrap_or_default()
    }

    pub(super) fn seen(&self) -> impl Iterator<Item = (&SourceName, &Observed<Places>)> {
        self.sources.iter().map(|(name, source)| (name, &source.seen))
    }

    /// Each source with what it may be asked of a place, as the source tells it apart; one that does not cover it is left out.
    pub(super) fn asked_of(&self, place: &Place) -> impl Iterator<Item = (&SourceName, Place)> {
        let covering = self.sources.iter().filter(move |(_, source)| source.coverage.covers(&place.environment));
        covering.map(move |(name, source)| {
            let nowhere = EnvironmentName::new("");
            let environment = if source.coverage.apart { &place.environment } else { &nowhere };
            (name, Place::of(&place.service, environment))
        })
    }

    pub(super) fn signals(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Option<(&SourceName, &ServiceSignals)> {
        match self.find(service, environment) {
            Found::Signals(source, signals) => Some((source, signals)),
            Found::Nothing | Found::Unplaced(_) => None,
        }
    }

    fn find(&self, service: &ServiceName, environment: &EnvironmentName) -> Found<'_> {
        let alone = |covers: &dyn Fn(&EnvironmentName) -> bool| {
            let known = self.runs_in.get(service).into_iter().flatten();
            known.filter(|known| covers(known)).all(|known| known == environment)
        };
        let mut vague = Vec::new();
        for (name, source) in &self.sources {
            let coverage = &source.coverage;
            let told = source.of(service, environment).filter(|_| coverage.covers(environment));
            let Some(signals) = told else { continue };
            let placed = coverage.apart || alone(&|known| coverage.covers(known));
            if placed && coverage.is_said() {
                return Found::Signals(name, signals);
            }
            vague.push((name, signals, placed));
        }
        let telling: Vec<_> = vague.iter().filter(|(_, signals, _)| !signals.versions.is_empty()).collect();
        match (telling.as_slice(), vague.first()) {
            // Who knows the service and has nothing of it says the same of every environment.
            ([(name, signals, true)], _) | ([], Some((name, signals, _))) => Found::Signals(name, signals),
            ([], None) => Found::Nothing,
            _ => Found::Unplaced(telling.into_iter().map(|(name, ..)| *name).collect()),
        }
    }

    pub(super) fn unread(&self, service: &ServiceName, environment: &EnvironmentName) -> Option<Unread> {
        if self.sources.is_empty() {
            return Some(Unread::NothingMeasures);
        }
        let of_place = match self.find(service, environment) {
            Found::Signals(source, _) => Some(source),
            Found::Nothing => None,
            Found::Unplaced(sources) => {
                let environments = self.runs_in.get(service).into_iter().flatten().map(ToString::to_string);
                return Some(Unread::Unplaced {
                    sources: sources.into_iter().map(ToString::to_string).collect(),
                    service: service.to_string(),
                    environments: environments.collect(),
                });
            }
        };
        let mut covering = self.sources.iter().filter(|(_, source)| source.coverage.covers(environment)).peekable();
        if covering.peek().is_none() {
            return Some(Unread::Uncovered { environment: environment.to_string() });
        }
        let mut asked = covering.filter(|(source, _)| of_place.is_none_or(|of| of == *source));
        let (source, Source { seen, .. }) = asked.find(|(_, source)| source.seen.observed_at.is_none())?;
        let fault = seen.last_error.as_ref().map(ToString::to_string);
        Some(Unread::Silent { source: source.to_string(), fault })
    }
}

impl Source {
    /// What it told of a service there.
    fn of(&self, service: &ServiceName, environment: &EnvironmentName) -> Option<&ServiceSignals> {
        let places = self.seen.value.as_ref()?.get(service)?;
        if self.coverage.apart {
            return places.get(environment);
        }
        places.iter().find(|(environment, _)| environment.as_str().is_empty()).map(|(_, signals)| signals)
    }

    /// Takes what was told of a place in a window; limits are held to what is `reach` old.
    fn take(&mut self, mut new: ServiceSignals, window: Window, reach: Duration) {
        let known = self.seen.value.get_or_insert_default();
        let place = new.place();
        let older = self.older.entry(place.clone()).or_default();
        let places = known.entry(place.service.clone()).or_default();
        let changed = match places.get_mut(&place.environment) {
            Some(old) if old.step == new.step => {
                let span = merge::newest(old).map(|newest| (window, newest));
                let laid = span.is_some_and(|span| older.lay_before(&mut new, old, span, reach));
                let touched = older.until.is_some_and(|until| window.from < until)
                    || older.reaches(merge::forgotten(&place.service, window.to))
                    || !older.fits(&new);
                if touched && !laid {
                    *old = older.whole(old);
                    *older = Older::default();
                }
                merge::service(old, new, window) || laid
            }
            _ => {
                *older = Older::default();
                new.versions.iter_mut().for_each(merge::ordered);
                places.insert(place.environment.clone(), new).is_some()
            }
        };
        if let Some(signals) = places.get_mut(&place.environment)
            && let Some(newest) = merge::newest(signals)
        {
            older.pack(signals, newest, reach);
            older.name(signals);
            merge::forget_points(signals, newest - reach.max(SHOWN));
        }
        if changed {
            *self.rewrites.entry(place).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::{
        domain::signal::{BucketCounts, Counts, LatencyCounts, PartCounts, Point, VersionSignals},
        port::lookup::Topic,
    };

    fn at(second: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_107_160 + second, 0).unwrap()
    }

    fn coverage(environments: &[&str], apart: bool) -> Coverage {
        Coverage { environments: environments.iter().map(|it| (*it).to_owned()).collect(), apart }
    }

    /// Payments in these environments, and sources with what each says of itself and of which environments it told (nothing said: "").
    fn measured(runs_in: &[&str], sources: &[(&str, Coverage, &[&str])]) -> Measured {
        let mut measured = Measured::default();
        let payments = ServiceName::new("payments");
        let environments: Vec<EnvironmentName> = runs_in.iter().map(EnvironmentName::new).collect();
        measured.note_places(environments.iter().map(|environment| (&payments, environment)));
        for (name, coverage, told) in sources {
            let (name, step) = (SourceName::new(name), Duration::from_secs(30));
            measured.add(&SourceInfo {
                name: name.clone(),
                inventories: Vec::new(),
                answers: vec![Topic::Signals],
                interval: step,
                coverage: coverage.clone(),
            });
            let signals = |environment: &&str| ServiceSignals {
                service: payments.clone(),
                environment: (*environment).into(),
                step,
                versions: vec![VersionSignals { label: format!("{name} {environment}"), ..VersionSignals::default() }],
            };
            let window = Window { from: at(0), to: at(30), step };
            measured.take(&name, at(30), window, Ok(told.iter().map(signals).collect()));
        }
        measured
    }

    /// By what it is judged there, or why by nothing.
    fn judged_by(measured: &Measured, environment: &str) -> Result<String, Option<Unread>> {
        let (service, environment) = ("payments".into(), environment.into());
        let signals = measured.signals(&service, &environment);
        signals
            .map(|(_, signals)| signals.versions[0].label.clone())
            .ok_or_else(|| measured.unread(&service, &environment))
    }

    #[test]
    fn numbers_of_one_region_never_stand_for_another() {
        let (eu, us) = ("prod/eu", "prod/us");
        let nothing = || coverage(&[], false);
        let told = |label: &str| Ok(label.to_owned());
        let of = |runs_in: &[&str], sources: &[(&str, Coverage, &[&str])]| {
            let measured = measured(runs_in, sources);
            (judged_by(&measured, eu), judged_by(&measured, us))
        };
        let unplaced = |sources: &[&str], environments: &[&str]| {
            let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let service = "payments".to_owned();
            Err(Some(Unread::Unplaced { sources: all(sources), service, environments: all(environments) }))
        };
        // One thing that it can be of.
        assert_eq!(of(&[eu], &[("prom", nothing(), &[""])]).0, told("prom "));
        // Two regions, and nobody says of which the series are.
        let both = unplaced(&["prom"], &[eu, us]);
        assert_eq!(of(&[eu, us], &[("prom", nothing(), &[""])]), (both.clone(), both));
        // Two sources that know it, and neither says where.
        let vague = [("a", nothing(), &[""][..]), ("b", nothing(), &[""][..])];
        assert_eq!(of(&[eu], &vague).0, unplaced(&["a", "b"], &[eu]));
        // Each says what it covers.
        let each = [("a", coverage(&[eu], false), &[""][..]), ("b", coverage(&[us], false), &[""][..])];
        assert_eq!(of(&[eu, us], &each), (told("a "), told("b ")));
        // One covers both and tells them apart.
        let apart = [("prom", coverage(&["prod/*"], true), &[eu, us][..])];
        assert_eq!(of(&[eu, us], &apart), (told("prom prod/eu"), told("prom prod/us")));
        // One covers both and does not.
        let together = unplaced(&["prom"], &[eu, us]);
        assert_eq!(of(&[eu, us], &[("prom", coverage(&["prod/*"], false), &[""])]).0, together);
        // What is said goes before what is not.
        let said = [("a", nothing(), &[""][..]), ("b", coverage(&[eu], false), &[""][..])];
        assert_eq!(of(&[eu], &said).0, told("b "));
        // Nobody covers it.
        let uncovered = Err(Some(Unread::Uncovered { environment: us.to_owned() }));
        assert_eq!(of(&[eu, us], &[("a", coverage(&[eu], false), &[""])]).1, uncovered);
    }

    #[test]
    fn a_source_is_asked_about_what_it_covers_and_by_environment_where_it_tells_them_apart() {
        let sources = [
            ("all", coverage(&[], false), &[][..]),
            ("apart", coverage(&[], true), &[][..]),
            ("eu", coverage(&["prod/eu"], false), &[][..]),
        ];
        let measured = measured(&[], &sources);
        let asked = |environment: &str| -> Vec<(String, String)> {
            let place = Place::of(&"payments".into(), &environment.into());
            let asked = measured.asked_of(&place);
            asked.map(|(source, place)| (source.to_string(), place.environment.to_string())).collect()
        };
        let pairs =
            |all: &[(&str, &str)]| all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
        assert_eq!(asked("prod/eu"), pairs(&[("all", ""), ("apart", "prod/eu"), ("eu", "")]));
        assert_eq!(asked("prod/us"), pairs(&[("all", ""), ("apart", "prod/us")]));
    }

    #[test]
    fn a_day_of_a_canary_is_kept_in_a_bounded_number_of_points_intervals_and_bytes() {
        const STEPS: i64 = 2880;
        const PODS: usize = 8;
        const BOUNDS: usize = 14;
        let (name, step) = (SourceName::new("prom"), Duration::from_secs(30));
        let mut measured = measured(&["prod/eu"], &[("prom", coverage(&[], false), &[])]);
        let span = |number: i64| (at(number * 30), at((number + 1) * 30));
        let told = |number: i64| {
            let (from, to) = span(number);
            let requests = 600 + number.unsigned_abs() % 37;
            let counts = Counts { from, to, requests, errors: number.unsigned_abs() % 3 };
            let part =
                |pod: usize| PartCounts { stratum: "eu".into(), pod: format!("pod-{pod}"), counts: vec![counts] };
            let within = (1..=BOUNDS).map(|bound| requests * u64::try_from(bound).unwrap() / 14).collect();
            let bounds = (1_u32..=14).map(f64::from).collect();
            let intervals = vec![BucketCounts { from, to, requests, within }];
            let version = VersionSignals {
                label: "1".into(),
                error_ratio: vec![Point { at: to, value: 0.1 }],
                counts: vec![counts],
                parts: (0..PODS).map(part).collect(),
                latency_counts: vec![LatencyCounts { stratum: "eu".into(), bounds, intervals }],
                ..VersionSignals::default()
            };
            ServiceSignals { service: "payments".into(), environment: "".into(), step, versions: vec![version] }
        };
        for number in 0..STEPS {
            let (from, to) = span(number);
            measured.take(&name, to, Window { from, to, step }, Ok(vec![told(number)]));
        }
        let (source, signals) = measured.signals(&"payments".into(), &"prod/eu".into()).unwrap();
        let version = &signals.versions[0];
        let hour_and_a_quarter = 150;
        assert!(version.parts.iter().all(|part| part.counts.len() <= hour_and_a_quarter), "{:?}", version.parts.len());
        assert!(version.latency_counts[0].intervals.len() <= hour_and_a_quarter);
        assert!(version.counts.len() <= hour_and_a_quarter);
        assert_eq!(version.error_ratio.len(), 360);
        let bytes = measured.older(source, signals).unwrap().bytes();
        let steps = usize::try_from(STEPS).unwrap();
        assert!(bytes <= steps * ((PODS + 1) * 8 + 3 + 2 * (BOUNDS + 1)), "{} bytes a step", bytes / steps);
        // And nothing is lost.
        let whole = measured.whole(source, signals);
        assert_eq!(whole.versions[0].parts.iter().map(|part| part.counts.len()).collect::<Vec<_>>(), [2880; PODS]);
        assert_eq!(
            whole.versions[0].latency_counts[0].intervals[7],
            told(7).versions[0].latency_counts[0].intervals[0]
        );
    }
}
