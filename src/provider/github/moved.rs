//! What moved: one question about many repositories decides which of them are read. GitHub tells of runs one repository at a time,
//! and nothing of most of them changes from one look to the next. What a question like this cannot see (a run that was neither
//! pushed nor asked for in a pull request and deploys nothing) is found by reading the repositories in turn, one after the other.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;

use crate::domain::time::{Timestamp, after, age};

/// How long a repository is read at every turn after something moved there: a run begins after its push.
const WARM: Duration = Duration::from_mins(2);
/// How old what is known of gates may be, whatever else says that nothing moved.
pub(super) const GATES_AGE: Duration = Duration::from_mins(2);
/// Repositories in one question.
pub(super) const MOST_ASKED: usize = 100;

/// The question about these repositories, by owner and name; each is answered under its place.
pub(super) fn question<'a>(repositories: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = "query Moved {".to_owned();
    for (place, (owner, name)) in repositories.into_iter().enumerate() {
        let (owner, name) = (Value::from(owner), Value::from(name));
        // Writing to a String cannot fail.
        let _ = write!(
            query,
            " r{place}: repository(owner: {owner}, name: {name}) {{ pushedAt deployments(last: 5) {{ nodes {{ createdAt state \
             }} }} pullRequests(first: 1, orderBy: {{ field: UPDATED_AT, direction: DESC }}) {{ nodes {{ updatedAt }} }} }}"
        );
    }
    query.push_str(" }");
    query
}

/// What the answer says of the repository at a place: another one where something moved. `None` where it says nothing.
pub(super) fn mark(answer: &BTreeMap<String, Value>, place: usize) -> Option<Value> {
    answer.get(&format!("r{place}")).filter(|said| said.is_object()).cloned()
}

/// When something last moved there, as far as the mark tells: what it began may be about to show.
fn moved_at(mark: &Value) -> Option<Timestamp> {
    let times = [mark.get("pushedAt"), mark.pointer("/pullRequests/nodes/0/updatedAt")];
    times.into_iter().flatten().filter_map(|time| time.as_str()?.parse().ok()).max()
}

/// What is known of whether a repository moves.
#[derive(Debug, Default)]
pub(super) struct Motion(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    mark: Option<Value>,
    marked: Option<Timestamp>,
    warm_until: Option<Timestamp>,
}

impl Motion {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the question said of it. Where it said nothing, nothing is known to rest.
    pub(super) fn take(&self, mark: Option<Value>, now: Timestamp) {
        let mut known = self.known();
        let Some(mark) = mark else {
            known.marked = None;
            return;
        };
        if known.mark.as_ref().is_some_and(|before| *before != mark) {
            known.warm_until = Some(after(now, WARM));
        }
        let lately = moved_at(&mark).map(|at| after(at, WARM)).filter(|until| *until > now);
        known.warm_until = known.warm_until.max(lately);
        (known.mark, known.marked) = (Some(mark), Some(now));
    }

    /// Something was sent there.
    pub(super) fn stir(&self, now: Timestamp) {
        self.known().warm_until = Some(after(now, WARM));
    }

    /// Is it known that nothing moved there? Not without an answer of late.
    pub(super) fn rests(&self, now: Timestamp, interval: Duration) -> bool {
        let known = self.known();
        known.marked.is_some_and(|at| age(now, at) <= interval * 2) && known.warm_until.is_none_or(|until| until <= now)
    }
}

/// How many of the repositories at rest are read all the same at each turn, so that each of them is within one round.
#[derive(Debug)]
pub(super) struct Pace {
    round: Duration,
    due: Mutex<Option<Timestamp>>,
}

impl Pace {
    pub(super) fn new(round: Duration) -> Self {
        Self { round, due: Mutex::default() }
    }

    /// The turns of so many that have come: of those that were read longest ago, the ones that `takes` takes are taken. Whose turn
    /// it is and is not taken now keeps it: somebody may look at one of them more often than at all.
    pub(super) fn take<T>(&self, longest_ago_first: Vec<T>, now: Timestamp, takes: impl Fn(&T) -> bool) -> Vec<T> {
        let of = longest_ago_first.len();
        if of == 0 {
            return Vec::new();
        }
        let each = self.round / u32::try_from(of).unwrap_or(u32::MAX);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = due.unwrap_or_else(|| after(now, each));
        let turns = std::iter::successors(Some(next), |turn| Some(after(*turn, each))).take(of);
        let come = turns.take_while(|turn| *turn <= now).count();
        let picked: Vec<T> = longest_ago_first.into_iter().take(come).filter(takes).collect();
        next = picked.iter().fold(next, |next, _| after(next, each));
        // What was left out while nobody asked is not made up for.
        *due = Some(if next <= now && picked.len() == come { after(now, each) } else { next });
        picked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(1_773_137_520 + second, 0).unwrap()
    }

    #[test]
    fn a_repository_rests_until_its_mark_changes_and_for_a_while_after_it_does_not() {
        let (motion, interval) = (Motion::default(), Duration::from_secs(30));
        let mark = |name: &str| Some(Value::from(name));
        assert!(!motion.rests(at(0), interval), "nobody has asked");
        motion.take(mark("a"), at(0));
        assert!(motion.rests(at(60), interval) && !motion.rests(at(61), interval));
        motion.take(None, at(50));
        assert!(!motion.rests(at(50), interval), "no answer is no rest");
        motion.take(mark("b"), at(90));
        assert!(!motion.rests(at(90), interval));
        motion.take(mark("b"), at(210));
        assert!(motion.rests(at(210), interval));
        motion.stir(at(210));
        assert!(!motion.rests(at(211), interval));
    }

    #[test]
    fn what_was_pushed_just_before_the_first_look_may_be_about_to_begin() {
        let (motion, interval) = (Motion::default(), Duration::from_secs(30));
        let pushed = |second| Some(serde_json::json!({ "pushedAt": at(second).to_rfc3339() }));
        motion.take(pushed(-300), at(0));
        assert!(motion.rests(at(0), interval));
        let motion = Motion::default();
        motion.take(pushed(-10), at(0));
        assert!(!motion.rests(at(0), interval));
        motion.take(pushed(-10), at(110));
        assert!(motion.rests(at(110), interval));
    }

    #[test]
    fn each_is_read_once_a_round_however_often_somebody_asks() {
        for interval in [7, 10, 30, 60] {
            let pace = Pace::new(Duration::from_mins(5));
            let read: usize = (0..600).step_by(interval).map(|second| taken(&pace, 50, second)).sum();
            assert!((90..=100).contains(&read), "{interval}: {read}");
        }
        let pace = Pace::new(Duration::from_mins(5));
        assert_eq!((taken(&pace, 50, 0), taken(&pace, 50, 86_400), taken(&pace, 50, 86_401)), (0, 50, 0));
        let pace = Pace::new(Duration::from_mins(5));
        assert_eq!((taken(&pace, 0, 0), taken(&pace, 50, 1), taken(&pace, 50, 7)), (0, 0, 1));
    }

    /// How many of so many take their turn.
    fn taken(pace: &Pace, of: usize, second: i64) -> usize {
        pace.take((0..of).collect(), at(second), |_| true).len()
    }

    #[test]
    fn whoever_is_looked_at_more_often_takes_nobody_s_turn() {
        let pace = Pace::new(Duration::from_mins(5));
        taken(&pace, 50, 0);
        let only = |one: usize, second| pace.take((0..50).collect(), at(second), |each| *each == one);
        assert_eq!((only(7, 10), only(7, 20), only(0, 20)), (vec![], vec![], vec![0]));
        assert_eq!(taken(&pace, 50, 30), 4, "one each six seconds, and one of them was taken");
    }

    #[test]
    fn what_names_hold_stays_in_their_quotes() {
        let query = question([("acme", "le\"dger")]);
        assert!(query.contains(r#"r0: repository(owner: "acme", name: "le\"dger")"#), "{query}");
        let answer = BTreeMap::from([
            ("r0".to_owned(), Value::Null),
            ("r1".to_owned(), serde_json::json!({ "pushedAt": null })),
        ]);
        assert_eq!(
            (mark(&answer, 0), mark(&answer, 1), mark(&answer, 2)),
            (None, Some(serde_json::json!({ "pushedAt": null })), None)
        );
    }
}
