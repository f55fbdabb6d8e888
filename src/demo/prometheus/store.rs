//! Samples as scraped: one grid of ticks for all series, so a series is its first tick and its values.
//!
//! Only storing, finding and reading by time live here; what is scraped is in `target`, what is asked in `promql`.

use std::collections::{BTreeMap, VecDeque};

use promql_parser::label::{Matcher, Matchers};

use crate::{demo::traffic::INTERVAL, domain::time::Timestamp};

/// A series' labels, its name among them.
pub(crate) type Labels = BTreeMap<String, String>;

/// The label that holds the name.
pub(crate) const NAME: &str = "__name__";

/// Milliseconds between two scrapes: whatever is served is told that often.
pub(crate) const TICK: i64 = INTERVAL;

/// How long samples are kept: a day, as the longest panel wants, and an hour for its ranges.
const KEPT: i64 = 25 * 3600 * 1000 / TICK;

/// How far an instant looks back for a sample, as `query.lookback-delta` has it by default.
const LOOKBACK: i64 = 300_000;

/// A moment as Prometheus counts it: milliseconds since 1970.
pub(crate) fn millis(at: Timestamp) -> i64 {
    at.timestamp_millis()
}

/// Which series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeriesId(usize);

/// One series.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// The tick of the first value.
    first: i64,
    /// One value a tick. NaN is the stale marker: there was no sample, and the series ended here. Nothing that is scraped
    /// is NaN.
    values: VecDeque<f64>,
}

impl Series {
    /// What an instant at `at` sees.
    pub(crate) fn at(&self, at: i64) -> Option<(i64, f64)> {
        let last = self.first + i64::try_from(self.values.len()).ok()? - 1;
        let tick = at.div_euclid(TICK).min(last);
        let value = self.value(tick)?;
        (tick * TICK >= at - LOOKBACK && !value.is_nan()).then_some((tick * TICK, value))
    }

    /// The samples of a range, which is closed on both ends as in Prometheus 2. Stale markers are no samples.
    pub(crate) fn range(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, f64)> + '_ {
        let begin = from.div_euclid(TICK) + i64::from(from.rem_euclid(TICK) > 0);
        (begin.max(self.first)..=to.div_euclid(TICK))
            .map_while(|tick| self.value(tick).map(|value| (tick * TICK, value)))
            .filter(|(_, value)| !value.is_nan())
    }

    /// All samples.
    pub(crate) fn samples(&self) -> impl Iterator<Item = (i64, f64)> + '_ {
        (self.first..).zip(&self.values).map(|(tick, value)| (tick * TICK, *value)).filter(|(_, value)| !value.is_nan())
    }

    fn value(&self, tick: i64) -> Option<f64> {
        usize::try_from(tick - self.first).ok().and_then(|index| self.values.get(index)).copied()
    }

    fn put(&mut self, tick: i64, value: f64) {
        if self.values.is_empty() {
            self.first = tick;
        }
        while self.first + i64::try_from(self.values.len()).unwrap_or(i64::MAX) < tick {
            self.values.push_back(f64::NAN);
        }
        self.values.push_back(value);
    }
}

/// All series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    series: Vec<Series>,
    /// By name, because nearly every selector has one.
    named: BTreeMap<String, Vec<usize>>,
}

impl Store {
    /// A new series.
    pub(crate) fn open(&mut self, labels: Labels) -> SeriesId {
        let id = self.series.len();
        self.named.entry(labels.get(NAME).cloned().unwrap_or_default()).or_default().push(id);
        self.series.push(Series { labels, first: 0, values: VecDeque::new() });
        SeriesId(id)
    }

    /// One more sample; ticks only grow.
    pub(crate) fn append(&mut self, id: SeriesId, tick: i64, value: f64) {
        if let Some(series) = self.series.get_mut(id.0) {
            series.put(tick, value);
        }
    }

    /// The series ends before this tick: its target is gone.
    pub(crate) fn end(&mut self, id: SeriesId, tick: i64) {
        self.append(id, tick, f64::NAN);
    }

    /// Forgets what is older than a day.
    pub(crate) fn forget(&mut self, tick: i64) {
        for series in &mut self.series {
            while series.first < tick - KEPT && series.values.pop_front().is_some() {
                series.first += 1;
            }
        }
    }

    /// The series that a selector finds, in the order of their labels.
    pub(crate) fn select(&self, name: Option<&str>, matchers: &Matchers) -> Vec<&Series> {
        let mut found: Vec<&Series> = match name {
            Some(name) => {
                let ids = self.named.get(name).map(Vec::as_slice).unwrap_or_default();
                ids.iter().filter_map(|id| self.series.get(*id)).collect()
            }
            None => self.series.iter().collect(),
        };
        found.retain(|series| !series.values.is_empty() && matches(&series.labels, matchers));
        found.sort_by(|one, two| one.labels.cmp(&two.labels));
        found
    }

    /// Every series.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Series> {
        self.series.iter().filter(|series| !series.values.is_empty())
    }
}

fn matches(labels: &Labels, matchers: &Matchers) -> bool {
    let all = |group: &[Matcher]| {
        group.iter().all(|matcher| matcher.is_match(labels.get(&matcher.name).map(String::as_str).unwrap_or_default()))
    };
    // `{a="1" or b="2"}`: the parser puts every side into `or_matchers` then.
    all(&matchers.matchers) && (matchers.or_matchers.is_empty() || matchers.or_matchers.iter().any(|group| all(group)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(values: &[(i64, f64)]) -> Store {
        let mut store = Store::default();
        let id = store.open(Labels::from([(NAME.to_owned(), "up".to_owned())]));
        for (tick, value) in values {
            store.append(id, *tick, *value);
        }
        store
    }

    fn only(store: &Store) -> &Series {
        store.select(Some("up"), &Matchers::empty())[0]
    }

    #[test]
    fn an_instant_looks_back_five_minutes_and_not_past_the_end_of_a_series() {
        let mut store = store(&[(100, 1.0)]);
        assert_eq!(only(&store).at(100 * TICK - 1), None);
        assert_eq!(only(&store).at(100 * TICK + LOOKBACK), Some((100 * TICK, 1.0)));
        assert_eq!(only(&store).at(100 * TICK + LOOKBACK + 1), None);
        store.end(SeriesId(0), 101);
        assert_eq!(only(&store).at(100 * TICK + 1), Some((100 * TICK, 1.0)));
        assert_eq!(only(&store).at(101 * TICK), None);
    }

    #[test]
    fn a_range_is_closed_on_both_ends_and_has_no_sample_where_none_was_scraped() {
        let store = store(&[(100, 1.0), (101, 2.0), (104, 3.0)]);
        let range = |from: i64, to: i64| only(&store).range(from, to).map(|(_, v)| v).collect::<Vec<_>>();
        assert_eq!(range(100 * TICK, 104 * TICK), [1.0, 2.0, 3.0]);
        assert_eq!(range(100 * TICK + 1, 104 * TICK - 1), [2.0]);
        assert_eq!(range(0, 99 * TICK), [0.0; 0]);
        assert_eq!(range(105 * TICK, 200 * TICK), [0.0; 0]);
    }

    #[test]
    fn samples_older_than_a_day_are_forgotten() {
        let mut store = store(&[(100, 1.0), (101, 2.0)]);
        store.forget(101 + KEPT);
        assert_eq!(only(&store).samples().collect::<Vec<_>>(), [(101 * TICK, 2.0)]);
    }
}
