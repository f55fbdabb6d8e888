//! How far each source of signals was read: the newest first, then backwards in steps of a bounded length.
//!
//! Each source is asked for itself, and each place for itself: what one of them cannot tell holds none of the others back, and what
//! lies further back than is kept is asked for by nobody.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    app::store::KEPT,
    domain::{
        ids::{EnvironmentName, ServiceName},
        place::Place,
        time::{Timestamp, age},
    },
    port::{facet::Window, lookup::Question},
};

/// So much is asked for at first: it says what is.
const NEWEST: Duration = Duration::from_hours(1);
/// And so much at a time after that, further and further back: an answer is held in memory as text, as samples and as counts.
const BACK: Duration = Duration::from_hours(1);
/// Of so many places at a time, for the same reason, and of no others before these are told.
const TOGETHER: usize = 4;

/// The time of which a source told the signals of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From then on.
    pub since: Timestamp,
    /// Until then.
    pub until: Timestamp,
    /// From when on it is wanted; `None` where nobody has asked in this process.
    pub wanted: Option<Timestamp>,
    /// What was told before a long pause: what lies between is still to be read.
    pub before: Option<(Timestamp, Timestamp)>,
}

impl Span {
    /// All of a window.
    fn of(window: Window) -> Self {
        Self { since: window.from, until: window.to, wanted: Some(window.from), before: None }
    }

    /// What an earlier process read.
    pub fn kept(since: Timestamp, until: Timestamp) -> Self {
        Self { since, until, wanted: None, before: None }
    }

    /// Takes what was told of a window. One that begins behind the end leaves a gap, which is read later.
    fn take(&mut self, window: Window) {
        if window.from > self.until {
            let before = Some((self.since, self.until));
            (self.since, self.until, self.before) = (window.from, window.to, before);
            return;
        }
        (self.since, self.until) = (self.since.min(window.from), self.until.max(window.to));
        if let Some((since, until)) = self.before
            && self.since <= until
        {
            (self.since, self.before) = (self.since.min(since), None);
        }
    }

    /// What is to be read next, in steps: what came since, then what was before. A pause that is longer than what is read at first is
    /// treated as a start.
    fn next(&self, end: Timestamp, steps: &Steps) -> Option<(Timestamp, Timestamp)> {
        if self.until < end {
            let from = if age(end, self.until) > NEWEST { end - steps.newest } else { self.until };
            return Some((from, end));
        }
        let wanted = self.wanted.unwrap_or(self.since);
        let to = self.since;
        let from = match self.before {
            Some((_, until)) => until.max(wanted).max(to - steps.back),
            None => wanted.max(to - steps.back),
        };
        (from < to).then_some((from, to))
    }

    /// Before this moment nothing was read yet, though it is wanted.
    fn unread_before(&self) -> Option<Timestamp> {
        let wanted = self.wanted?;
        (wanted < self.since || self.before.is_some()).then_some(self.since)
    }
}

/// The lengths as whole intervals.
struct Steps {
    newest: Duration,
    back: Duration,
}

impl Steps {
    fn of(step: Duration) -> Self {
        let whole = |span: Duration| {
            let count = span.as_secs().checked_div(step.as_secs()).unwrap_or(1).max(1);
            step.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
        };
        Self { newest: whole(NEWEST), back: whole(BACK) }
    }
}

/// How far a source of signals was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measuring {
    /// What it told of each place, as the source tells them apart.
    pub told: BTreeMap<Place, Span>,
    /// Until when it proved that it would answer.
    pub proven: Option<Timestamp>,
    /// The questions that it has not answered yet.
    pub open: BTreeSet<Question>,
    /// From when on each place was wanted when it was first asked about.
    wanted: BTreeMap<Place, Timestamp>,
    /// Places of which what was told outlives this process: something was on its way there.
    pub kept: BTreeSet<Place>,
}

impl Measuring {
    /// Closes a question that was answered, or (without a window) that failed. Says whether it was open.
    pub fn answered(&mut self, question: &Question, window: Option<Window>) -> bool {
        // What nobody asked for here (a recording may hold it) is all that is wanted of it.
        let asked = self.open.remove(question);
        let (Some(window), Question::Signals { services, environment, .. }) = (window, question) else { return asked };
        self.proven = self.proven.max(Some(window.to));
        for service in services {
            let place = placed(service, environment.as_ref());
            let wanted = self.wanted.get(&place).copied().filter(|_| asked);
            let span = self
                .told
                .entry(place)
                .or_insert_with(|| Span { wanted: wanted.or(Some(window.from)), ..Span::of(window) });
            span.take(window);
        }
        asked
    }

    /// Opens what is not known of these places, which began to be of interest then. `end` and `oldest` lie on the grid of `step`.
    pub fn ask(&mut self, began: &BTreeMap<Place, Timestamp>, looked: bool, end: Timestamp, step: Duration) {
        let (steps, oldest) = (Steps::of(step), aligned(end - KEPT, step).unwrap_or(end));
        let mut gaps: BTreeMap<(EnvironmentName, Timestamp, Timestamp), Vec<ServiceName>> = BTreeMap::new();
        let mut past = gaps.clone();
        for (place, began) in began {
            if self.open.iter().any(|question| is_about(question, place)) {
                continue;
            }
            let began = aligned(*began, step).unwrap_or(end).max(oldest);
            let gap = if let Some(span) = self.told.get_mut(place) {
                // What was only looked at may begin to be judged: then what lies further back is wanted too.
                let wanted = span.wanted.map_or(began, |wanted| wanted.min(began));
                span.wanted = Some(wanted.max(oldest));
                span.next(end, &steps)
            } else {
                self.wanted.insert(place.clone(), began);
                Some((began.max(end - steps.newest), end)).filter(|(from, to)| from < to)
            };
            if let Some((from, to)) = gap {
                let into = if to < end { &mut past } else { &mut gaps };
                into.entry((place.environment.clone(), from, to)).or_default().push(place.service.clone());
            }
        }
        // Of what was before, the newest first.
        let reads_back = self.open.iter().any(|question| reads_back(question, end));
        let first = past.into_iter().max_by_key(|((_, _, to), _)| *to).filter(|_| !reads_back);
        gaps.extend(first.map(|(gap, services)| (gap, services.into_iter().take(TOGETHER).collect())));
        // Nothing is in flight, or an earlier process read all of it: the source must still prove that it would answer.
        if gaps.is_empty() && self.open.is_empty() && looked && self.proven.is_none_or(|proven| proven < end) {
            gaps.insert((EnvironmentName::new(""), end - step, end), Vec::new());
        }
        let question = |((environment, from, to), services): ((EnvironmentName, Timestamp, Timestamp), Vec<_>)| {
            let environment = Some(environment).filter(|environment| !environment.as_str().is_empty());
            Question::Signals { services, window: Window { from, to, step }, environment }
        };
        self.open.extend(gaps.into_iter().map(question));
    }

    /// Is there more to be read of what was before?
    pub fn is_behind(&self) -> bool {
        self.told.values().any(|span| span.unread_before().is_some())
    }

    /// Is there more to be read of what was before of any place that a question is about?
    pub fn lacks_history_of(&self, question: &Question) -> bool {
        self.told.iter().any(|(place, span)| is_about(question, place) && span.unread_before().is_some())
    }

    /// Before this moment nothing of a place was read yet, though it is wanted.
    pub fn unread_before(&self, place: &Place) -> Option<Timestamp> {
        self.told.get(place)?.unread_before()
    }
}

fn placed(service: &ServiceName, environment: Option<&EnvironmentName>) -> Place {
    let nowhere = EnvironmentName::new("");
    Place::of(service, environment.unwrap_or(&nowhere))
}

fn is_about(question: &Question, place: &Place) -> bool {
    match question {
        Question::Signals { services, environment, .. } => {
            let name = environment.as_ref().map_or("", EnvironmentName::as_str);
            name == place.environment.as_str() && services.contains(&place.service)
        }
        _ => false,
    }
}

/// Does it ask for what was before what is now?
fn reads_back(question: &Question, end: Timestamp) -> bool {
    matches!(question, Question::Signals { window, services, .. } if window.to < end - window.step && !services.is_empty())
}

/// The last multiple of the step at or before the moment.
pub fn aligned(at: Timestamp, step: Duration) -> Option<Timestamp> {
    let step = i64::try_from(step.as_secs()).ok().filter(|step| *step > 0)?;
    Timestamp::from_timestamp(at.timestamp().div_euclid(step) * step, 0)
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone};

    use super::*;

    const STEP: Duration = Duration::from_secs(30);

    fn at(minute: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_100_800, 0).unwrap() + TimeDelta::minutes(minute)
    }

    fn place() -> Place {
        Place::of(&"payments".into(), &"".into())
    }

    /// The windows that are asked for now, in minutes.
    fn asked(measuring: &mut Measuring, began: i64, end: i64) -> Vec<(i64, i64)> {
        measuring.ask(&BTreeMap::from([(place(), at(began))]), true, at(end), STEP);
        let minutes = |to: Timestamp| (to - at(0)).num_minutes();
        let window = |question: &Question| match question {
            Question::Signals { window, .. } => (minutes(window.from), minutes(window.to)),
            other => panic!("{other:?}"),
        };
        measuring.open.iter().map(window).collect()
    }

    fn answer(measuring: &mut Measuring) {
        for question in measuring.open.clone() {
            let Question::Signals { window, .. } = question else { panic!("{question:?}") };
            measuring.answered(&question, Some(window));
        }
    }

    #[test]
    fn the_newest_hour_is_read_first_and_then_further_and_further_back_as_far_as_is_wanted_and_kept() {
        let mut measuring = Measuring::default();
        let day = 24 * 60;
        let mut windows = Vec::new();
        loop {
            let open = asked(&mut measuring, -3 * day, 0);
            let Some(one) = open.first() else { break };
            windows.push(*one);
            answer(&mut measuring);
            let unread = measuring.unread_before(&place());
            assert_eq!(unread.is_some(), one.0 > -day, "{one:?}");
        }
        let further = (1..24).map(|hour| (-60 - 60 * hour, -60 * hour));
        assert_eq!(windows, [(-60, 0)].into_iter().chain(further).collect::<Vec<_>>());
        assert_eq!(asked(&mut measuring, -3 * day, 1), [(0, 1)], "and then only what is new");
    }

    #[test]
    fn of_many_places_what_is_now_is_asked_for_together_and_what_was_before_of_a_few_at_a_time() {
        let places = (0..10).map(|number| Place::of(&format!("service-{number}").as_str().into(), &"".into()));
        let began: BTreeMap<Place, Timestamp> = places.map(|place| (place, at(-180))).collect();
        let mut measuring = Measuring::default();
        let mut counts = Vec::new();
        loop {
            measuring.ask(&began, true, at(0), STEP);
            let [question] = measuring.open.iter().collect::<Vec<_>>()[..] else { break };
            let Question::Signals { services, window, .. } = question else { panic!("{question:?}") };
            counts.push((services.len(), (window.to - at(0)).num_minutes()));
            answer(&mut measuring);
        }
        let back = |to| [(4, to), (4, to), (2, to)];
        assert_eq!(counts, [[(10, 0)].as_slice(), &back(-60), &back(-120)].concat());
        assert!(!measuring.is_behind());
    }

    #[test]
    fn a_short_release_is_asked_for_at_once_from_where_it_began() {
        let mut measuring = Measuring::default();
        assert_eq!(asked(&mut measuring, -35, 0), [(-35, 0)]);
        answer(&mut measuring);
        assert_eq!((asked(&mut measuring, -35, 0), measuring.unread_before(&place())), (vec![], None));
    }

    #[test]
    fn after_a_long_pause_what_is_now_comes_before_what_was_missed_and_nothing_is_read_twice() {
        let mut measuring = Measuring::default();
        asked(&mut measuring, -30, 0);
        answer(&mut measuring);
        assert_eq!(asked(&mut measuring, -30, 200), [(140, 200)]);
        answer(&mut measuring);
        assert_eq!(measuring.unread_before(&place()), Some(at(140)));
        assert_eq!(asked(&mut measuring, -30, 200), [(80, 140)]);
        answer(&mut measuring);
        assert_eq!(asked(&mut measuring, -30, 200), [(20, 80)]);
        answer(&mut measuring);
        assert_eq!(asked(&mut measuring, -30, 200), [(0, 20)]);
        answer(&mut measuring);
        assert_eq!(
            measuring.told[&place()],
            Span { since: at(-30), until: at(200), wanted: Some(at(-30)), before: None }
        );
        assert_eq!(asked(&mut measuring, -30, 200), []);
    }

    #[test]
    fn a_question_that_failed_is_asked_again_for_all_that_is_not_known_by_then() {
        let mut measuring = Measuring::default();
        asked(&mut measuring, -10, 0);
        answer(&mut measuring);
        assert_eq!(asked(&mut measuring, -10, 1), [(0, 1)]);
        let failed = measuring.open.first().unwrap().clone();
        measuring.answered(&failed, None);
        assert_eq!(asked(&mut measuring, -10, 2), [(0, 2)]);
    }
}
