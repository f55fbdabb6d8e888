//! When each scope of an inventory is asked for next. Pure: neither a clock nor a task.
//!
//! What somebody looks at comes often, what is in flight nearly so, the rest as its system likes it. A moment that was promised is
//! never put off: who reads the screen was told how old a thing may be.

use std::{collections::BTreeMap, time::Duration};

use super::pause;
use crate::{
    app::wants::Interest,
    domain::{
        observed::FaultKind,
        time::{Timestamp, after, until},
    },
    port::{error::ProviderError, inventory::Scope},
};

/// What somebody looks at is asked for within this.
const FOCUSED: Duration = Duration::from_secs(5);
/// What is in flight is asked for within this.
const ACTIVE: Duration = Duration::from_secs(10);
/// Where nothing is in flight a watch proves within this that it is alive.
const UNWATCHED: Duration = Duration::from_secs(30);
/// The longest pause after errors where there was no answer at all.
const SILENT: Duration = Duration::from_mins(1);
/// The share of a budget below which nothing is read that nobody looks at and that does not fly, and below which only that is read
/// which somebody looks at. Below a fifth nothing is read at all.
const FOR_ACTIVE: f64 = 0.4;
const FOR_FOCUSED: f64 = 0.3;

/// How often is asked, by interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paces {
    focused: Duration,
    active: Duration,
    idle: Duration,
}

impl Paces {
    /// Of what is read again and again.
    pub(super) fn reading(interval: Duration) -> Self {
        Self { focused: interval.min(FOCUSED), active: interval.min(ACTIVE), idle: interval }
    }

    /// Of the proofs that a watch is alive.
    pub(super) fn watching(interval: Duration) -> Self {
        Self { idle: interval.max(UNWATCHED), ..Self::reading(interval) }
    }

    pub(super) fn of(&self, interest: Interest) -> Duration {
        match interest {
            Interest::Focused => self.focused,
            Interest::Active => self.active,
            Interest::Idle => self.idle,
        }
    }
}

/// Shortens spans a little, so that many cockpits that began, or were refused, at the same moment do not ask at the same moment
/// for ever. Without a seed it leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter(Option<u64>);

impl Jitter {
    pub(super) fn seeded(seed: Option<u64>, name: &str) -> Self {
        // Each source of one process draws its own numbers.
        let mixed = |seed: u64| name.bytes().fold(seed, |mixed, byte| next(mixed ^ u64::from(byte)));
        Self(seed.map(mixed))
    }

    /// The span, by up to a tenth shorter: never later than was promised.
    fn shorten(&mut self, span: Duration) -> Duration {
        let Some(state) = &mut self.0 else { return span };
        *state = next(*state);
        let thousandths = u32::try_from(*state >> 33).unwrap_or_default() % 1_000;
        span.saturating_sub(span / 10_000 * thousandths)
    }
}

/// The next number of Knuth's linear congruential generator.
fn next(number: u64) -> u64 {
    number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}

/// What is known of when a scope is to be asked for.
#[derive(Debug)]
struct Entry {
    interest: Interest,
    due: Timestamp,
    /// When it was told last, well or badly.
    told: Option<Timestamp>,
    failures: u32,
    /// The system asks that nothing be asked before `due`.
    is_closed: bool,
    /// It is being read, and whether somebody hurried meanwhile.
    is_read: bool,
    hurried: bool,
}

/// The scopes of one inventory.
#[derive(Debug)]
pub(super) struct Agenda {
    paces: Paces,
    jitter: Jitter,
    scopes: BTreeMap<Scope, Entry>,
}

impl Agenda {
    /// All of them are due now.
    pub(super) fn new(paces: Paces, jitter: Jitter, scopes: &[Scope], now: Timestamp) -> Self {
        let mut agenda = Self { paces, jitter, scopes: BTreeMap::new() };
        agenda.set(scopes, now);
        agenda
    }

    /// These are all that there are: those that are new are due now.
    pub(super) fn set(&mut self, scopes: &[Scope], now: Timestamp) {
        self.scopes.retain(|scope, _| scopes.contains(scope));
        for scope in scopes {
            self.scopes.entry(scope.clone()).or_insert(Entry {
                interest: Interest::Idle,
                due: now,
                told: None,
                failures: 0,
                is_closed: false,
                is_read: false,
                hurried: false,
            });
        }
    }

    /// From now on these are of more than idle interest, and the others are not. What was promised for sooner stays so.
    pub(super) fn want(&mut self, interests: &BTreeMap<Scope, Interest>) {
        for (scope, entry) in &mut self.scopes {
            let interest = interests.get(scope).copied().unwrap_or(Interest::Idle);
            let told = entry.told.filter(|_| interest > entry.interest && entry.failures == 0);
            if let Some(told) = told {
                entry.due = entry.due.min(after(told, self.paces.of(interest)));
            }
            entry.interest = interest;
        }
    }

    /// Somebody knows that there is news: everything is due, but for what asks to be left alone. What is being read just now may
    /// be older than the news: it is read again.
    pub(super) fn hurry(&mut self, now: Timestamp) {
        for entry in self.scopes.values_mut().filter(|entry| !entry.is_closed) {
            entry.due = now;
            entry.hurried = entry.is_read;
        }
    }

    /// What is to be read now, in one go: what is due, and what would be due soon after. `left` is the share of the request budget
    /// that is left: the less there is, the more it is kept for what matters.
    pub(super) fn begin(&mut self, now: Timestamp, left: f64) -> Vec<Scope> {
        let paces = self.paces;
        for entry in self.scopes.values_mut().filter(|entry| entry.due <= now && entry.told.is_some()) {
            let spared = match entry.interest {
                Interest::Idle => left < FOR_ACTIVE,
                Interest::Active => left < FOR_FOCUSED,
                Interest::Focused => false,
            };
            if spared {
                entry.due = after(now, paces.of(entry.interest));
            }
        }
        let is_due = |entry: &Entry| !entry.is_read && entry.due <= now;
        let due = self.scopes.values().filter(|entry| is_due(entry) && entry.failures == 0);
        let slowest = due.map(|entry| paces.of(entry.interest)).max();
        let mut begun = Vec::new();
        for (scope, entry) in &mut self.scopes {
            let pace = paces.of(entry.interest);
            // What is asked for seldom is not drawn along by what is asked for often.
            let is_soon = slowest.is_some_and(|slowest| pace <= slowest) && entry.due <= after(now, pace / 2);
            let joins = !entry.is_read && entry.failures == 0 && left >= FOR_ACTIVE && is_soon;
            if is_due(entry) || joins {
                (entry.is_read, entry.hurried) = (true, false);
                begun.push(scope.clone());
            }
        }
        begun
    }

    /// When something is due next, of what is not being read.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.scopes.values().filter(|entry| !entry.is_read).map(|entry| entry.due).min()
    }

    /// Takes how reading a scope went, and when its system thinks that it is worth asking for again, where it says so. Gives by when
    /// it is told again: nothing that is late by more than that is fresh.
    pub(super) fn heard(
        &mut self,
        scope: &Scope,
        next_due: Option<Timestamp>,
        failed: Option<&ProviderError>,
        now: Timestamp,
    ) -> Timestamp {
        let paces = self.paces;
        let Some(entry) = self.scopes.get_mut(scope) else { return after(now, paces.idle) };
        entry.told = Some(now);
        entry.is_read = false;
        entry.is_closed = failed.is_some_and(|error| error.retry_after.is_some());
        let promised = match failed {
            None => {
                entry.failures = 0;
                let promised = after(now, paces.of(entry.interest));
                // What rests is asked for as its system says; what is of interest at least as often as that.
                match next_due.map(|due| due.max(now)) {
                    Some(due) if entry.interest == Interest::Idle => due,
                    Some(due) => due.min(promised),
                    None => promised,
                }
            }
            Some(error) => {
                entry.failures += 1;
                // Where nobody answers, asking costs nobody anything, and whoever comes back is to be seen soon.
                let silent = matches!(error.kind, FaultKind::Unreachable | FaultKind::TimedOut);
                let longest = if silent { SILENT.max(paces.idle) } else { Duration::MAX };
                let pause = pause(paces.idle, entry.failures, None).min(longest);
                after(now, pause.max(error.retry_after.unwrap_or_default()))
            }
        };
        let span = self.jitter.shorten(until(now, promised));
        entry.due = match (entry.is_closed, entry.hurried) {
            (true, _) => promised,
            (false, true) => now,
            (false, false) => after(now, span),
        };
        entry.hurried = false;
        promised
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::sample::at;

    const EVERY: Duration = Duration::from_secs(30);

    fn scope(name: &str) -> Scope {
        Scope::of(&"run".into(), name)
    }

    /// Of these scopes, read every 30 s.
    fn agenda(names: &[&str]) -> Agenda {
        let scopes: Vec<Scope> = names.iter().map(|name| scope(name)).collect();
        Agenda::new(Paces::reading(EVERY), Jitter::seeded(None, "forge"), &scopes, at(0))
    }

    fn begin(agenda: &mut Agenda, second: i64) -> Vec<String> {
        agenda.begin(at(second), 1.0).into_iter().map(|scope| scope.name).collect()
    }

    /// Reads everything that is due, well; when something is due next.
    fn read(agenda: &mut Agenda, second: i64) -> (Vec<String>, i64) {
        let begun = begin(agenda, second);
        for name in &begun {
            agenda.heard(&scope(name), None, None, at(second));
        }
        (begun, (agenda.next().unwrap() - at(0)).num_seconds())
    }

    fn want(agenda: &mut Agenda, name: &str, interest: Interest) {
        agenda.want(&BTreeMap::from([(scope(name), interest)]));
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn failure(kind: FaultKind, retry_after: Option<u64>) -> ProviderError {
        ProviderError { retry_after: retry_after.map(Duration::from_secs), ..ProviderError::new(kind, "it fails") }
    }

    #[test]
    fn what_somebody_looks_at_comes_often_what_flies_nearly_so_and_the_rest_at_its_pace() {
        let mut agenda = agenda(&["a", "b"]);
        assert_eq!(read(&mut agenda, 0), (names(&["a", "b"]), 30));
        want(&mut agenda, "a", Interest::Active);
        assert_eq!(agenda.next(), Some(at(10)));
        assert_eq!(read(&mut agenda, 10), (names(&["a"]), 20));
        want(&mut agenda, "a", Interest::Focused);
        assert_eq!(read(&mut agenda, 15), (names(&["a"]), 20));
        agenda.want(&BTreeMap::from([(scope("a"), Interest::Focused), (scope("b"), Interest::Focused)]));
        assert_eq!((begin(&mut agenda, 15), agenda.next()), (names(&["b"]), Some(at(20))), "it was told long ago");
    }

    #[test]
    fn a_moment_that_was_promised_is_not_put_off_when_nobody_looks_any_more() {
        let mut agenda = agenda(&["a"]);
        want(&mut agenda, "a", Interest::Focused);
        assert_eq!(read(&mut agenda, 0).1, 5);
        agenda.want(&BTreeMap::new());
        assert_eq!(read(&mut agenda, 5), (names(&["a"]), 35));
    }

    #[test]
    fn what_is_due_soon_after_is_read_in_the_same_go() {
        let mut agenda = agenda(&["a", "b", "c"]);
        begin(&mut agenda, 0);
        for (name, second) in [("a", 1), ("b", 8), ("c", 20)] {
            agenda.heard(&scope(name), None, None, at(second));
        }
        assert_eq!(begin(&mut agenda, 30), [""; 0]);
        assert_eq!((begin(&mut agenda, 31), agenda.next()), (names(&["a", "b"]), Some(at(50))));
    }

    #[test]
    fn a_hurry_while_something_is_read_has_it_read_again() {
        let mut agenda = agenda(&["a"]);
        begin(&mut agenda, 0);
        agenda.hurry(at(1));
        assert_eq!(begin(&mut agenda, 1), [""; 0]);
        agenda.heard(&scope("a"), None, None, at(2));
        assert_eq!(read(&mut agenda, 2), (names(&["a"]), 32));
    }

    #[test]
    fn what_fails_is_asked_for_ever_more_slowly_by_itself_and_sooner_where_nobody_answers() {
        let pauses = |kind| {
            let (mut agenda, mut now, mut pauses) = (agenda(&["a"]), 0, Vec::new());
            for _ in 0..6 {
                begin(&mut agenda, now);
                let due = agenda.heard(&scope("a"), None, Some(&failure(kind, None)), at(now));
                let next = (due - at(0)).num_seconds();
                pauses.push(next - now);
                now = next;
            }
            pauses
        };
        assert_eq!(pauses(FaultKind::Server), [30, 60, 120, 240, 300, 300]);
        assert_eq!(pauses(FaultKind::Unreachable), [30, 60, 60, 60, 60, 60]);
        let mut agenda = agenda(&["a", "b"]);
        begin(&mut agenda, 0);
        agenda.heard(&scope("a"), None, Some(&failure(FaultKind::Forbidden, None)), at(0));
        agenda.heard(&scope("b"), None, None, at(0));
        want(&mut agenda, "a", Interest::Focused);
        assert_eq!(agenda.next(), Some(at(30)), "looking at it mends nothing");
        agenda.hurry(at(3));
        assert_eq!(begin(&mut agenda, 3), names(&["a", "b"]));
    }

    #[test]
    fn what_asks_to_be_left_alone_is_left_alone_whoever_looks_or_hurries() {
        let mut agenda = agenda(&["a"]);
        begin(&mut agenda, 0);
        agenda.hurry(at(1));
        agenda.heard(&scope("a"), None, Some(&failure(FaultKind::RateLimited, Some(600))), at(2));
        agenda.hurry(at(3));
        want(&mut agenda, "a", Interest::Focused);
        assert_eq!(agenda.next(), Some(at(602)));
    }

    #[test]
    fn what_rests_is_asked_for_when_its_system_says_and_what_is_of_interest_no_later_than_its_pace() {
        let mut agenda = agenda(&["a", "b"]);
        want(&mut agenda, "b", Interest::Active);
        begin(&mut agenda, 0);
        let due = ["a", "b"].map(|name| agenda.heard(&scope(name), Some(at(120)), None, at(0)));
        assert_eq!(due, [at(120), at(10)]);
        agenda.want(&BTreeMap::from([(scope("a"), Interest::Focused), (scope("b"), Interest::Active)]));
        assert_eq!(begin(&mut agenda, 5), names(&["a"]));
        assert_eq!(agenda.heard(&scope("a"), Some(at(6)), None, at(5)), at(6));
    }

    #[test]
    fn the_less_is_left_of_a_budget_the_more_it_is_kept_for_what_matters() {
        let mut agenda = agenda(&["a", "b", "c"]);
        let wanted = [(scope("b"), Interest::Active), (scope("c"), Interest::Focused)];
        agenda.want(&wanted.into());
        let read = |agenda: &mut Agenda, second, left| {
            let begun = agenda.begin(at(second), left);
            for scope in &begun {
                agenda.heard(scope, None, None, at(second));
            }
            begun.into_iter().map(|scope| scope.name).collect::<Vec<_>>()
        };
        assert_eq!(read(&mut agenda, 0, 0.2), names(&["a", "b", "c"]), "what was never read is read");
        assert_eq!(read(&mut agenda, 30, 0.35), names(&["b", "c"]));
        assert_eq!(read(&mut agenda, 60, 0.25), names(&["c"]));
        assert_eq!(read(&mut agenda, 90, 0.5), names(&["a", "b", "c"]));
    }

    #[test]
    fn cockpits_that_began_at_the_same_moment_drift_apart_and_none_asks_later_than_it_promised() {
        let rounds = |seed| {
            let scopes = [scope("a")];
            let mut agenda = Agenda::new(Paces::reading(EVERY), Jitter::seeded(Some(seed), "forge"), &scopes, at(0));
            let mut now = at(0);
            (0..20)
                .map(|_| {
                    agenda.begin(now, 1.0);
                    let promised = agenda.heard(&scopes[0], None, None, now);
                    let due = agenda.next().unwrap();
                    assert!(due <= promised && due >= promised - EVERY / 10, "{due} {promised}");
                    now = due;
                    due
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(rounds(1), rounds(1));
        assert_ne!(rounds(1)[19], rounds(2)[19]);
    }
}
