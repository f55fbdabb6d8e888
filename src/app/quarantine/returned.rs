//! A version that somebody left for cause, and that is back, by whatever hand (F5, F24): an engine of automation put the spec back, or an
//! edit let go on what was aborted. Told from our record, which knows that it was left, and from the system, which knows who wrote.

use std::{fmt, time::Duration};

use super::{Deed, Left, goes_to};
use crate::{
    app::model::Model,
    domain::{
        rollout::{Phase, Rollout, Written},
        time::{after, age},
        verb::Direction,
        version::Version,
    },
    port::{plan::fact, record::Stage},
};

/// What was seen this soon after the way back was verified may be older than what verified it.
const SETTLES: Duration = Duration::from_secs(2);
/// So long it is told of a version that has arrived since: then it has been there for a day, and somebody has made up their mind.
const TOLD_FOR: Duration = Duration::from_hours(24);

/// That a version which was left is back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// What it is called: `1.42.0`.
    pub version: String,
    /// Who put it there and when, where the system notes it.
    pub by: Option<Written>,
    /// Who left it, when and why.
    pub left: Left,
}

impl fmt::Display for Returned {
    /// `1.42.0 is back since 02:14, put there by an-application-controller; dana left it on 2026-03-10 at 02:10 (errors)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is back", self.version)?;
        if let Some(Written { at, by }) = &self.by {
            write!(f, " since {}, put there by {by}", at.format("%H:%M"))?;
        }
        write!(f, "; {}", self.left)
    }
}

/// Is the version that this rollout holds one that was left for cause, verified, and that nobody here has let come again?
pub fn returned(model: &Model, rollout: &Rollout) -> Option<Returned> {
    let holds = &rollout.identity.canary_hash;
    let mut deeds: Vec<Deed<'_>> = Deed::all_on(&rollout.id, &model.actions).filter(Deed::was_sent).collect();
    deeds.sort_by_key(|deed| deed.record);
    // The newest of them that is about this version, or puts it back, decides.
    // Whoever brings an image again by itself leaves what else the template says of it (its commit) as it is: another template, the same
    // image, and the system notes that somebody wrote it since. A name that holds another image with each push says nothing.
    let same = |version: Option<&Version>| {
        let held = version.zip(rollout.canary.as_ref()).filter(|(version, held)| version.tag == held.tag);
        held.is_some_and(|(version, held)| version.is_bound_by(&version.tag) && held.digest == version.digest)
    };
    let done_at = |deed: &Deed<'_>| {
        let done = deed.entries.iter().find(|entry| matches!(entry.stage, Stage::Done { .. }));
        done.map(|entry| entry.at)
    };
    let written_since =
        |deed: &Deed<'_>| rollout.written.as_ref().zip(done_at(deed)).is_some_and(|(it, done)| it.at > done);
    let is_about = |deed: &Deed<'_>| {
        let draft = &deed.plan.draft;
        let back = deed.plan.direction() == Direction::Back;
        draft.bound.get(fact::CANARY) == Some(holds)
            || goes_to(deed.plan).as_ref() == Some(holds)
            || (back && same(draft.from.as_ref()) && !same(draft.to.as_ref()) && written_since(deed))
    };
    let mut about = deeds.into_iter().rev().filter(is_about).peekable();
    // Who brought it again by name, and lets it go on: whoever did that to the end has made up their mind.
    let brought = about.next_if(|deed| deed.plan.brings_again && goes_to(deed.plan).as_ref() == Some(holds));
    if brought.as_ref().is_some_and(|brought| brought.is_done() && !rollout.in_flight()) {
        return None;
    }
    let deed = about.next()?;
    let instead = goes_to(deed.plan);
    let went_back = deed.plan.direction() == Direction::Back && !deed.plan.goes_back;
    if !went_back || instead.as_ref() == Some(holds) || rollout.lag.is_some() {
        return None;
    }
    let done = done_at(&deed)?;
    let seen = model.store.observed_at(&rollout.id)?;
    // An abort leaves it in the spec: it is back once it goes on there.
    let goes_on = instead.is_some() || rollout.phase != Phase::Aborted;
    let by = match &brought {
        Some(brought) => Some(Written { at: brought.at, by: brought.who.to_string() }),
        None => rollout.written.clone().filter(|written| written.at > done),
    };
    let told_from = by.as_ref().map_or(done, |by| by.at);
    let is_old = !rollout.in_flight() && age(model.now, told_from) > TOLD_FOR;
    if !goes_on || seen < after(done, SETTLES) || is_old {
        return None;
    }
    let version = rollout.canary.as_ref().map(|version| version.tag.clone());
    let left = deed.left(instead);
    Some(Returned { version: version.unwrap_or_else(|| "a version that was left".to_owned()), by, left })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            headline::{Cause, headline},
            model::Model,
            sample::{acted, now, payments, see, seeing},
        },
        domain::{rollout::Role, time::Timestamp, verb::Verb},
        port::record::Record,
    };

    fn minutes(span: u64) -> Timestamp {
        now() + Duration::from_mins(span)
    }

    /// 1.42.0 was left for 1.41.3, verified a minute from now.
    fn rolled_back(record: u64) -> Record {
        let done = Stage::Done { said: "verified".to_owned() };
        acted((record, minutes(1)), ("dana", "errors"), Verb::Rollback, ("c0ffee", Some("ba5e")), done)
    }

    #[test]
    fn one_that_somebody_brings_again_by_its_name_is_back_until_it_has_arrived_and_they_are_named() {
        let mut again = acted(
            (2, minutes(3)),
            ("lee", "other"),
            Verb::Rollback,
            ("ba5e", Some("c0ffee")),
            Stage::Moving { said: "0 % → 5 %".to_owned() },
        );
        again.intent.plan.brings_again = true;
        let (model, rollout) = after_all(vec![rolled_back(1), again], payments());
        let said = "1.42.0 is back since 02:10, put there by lee; dana left it on 2026-03-10 at 02:08 (errors)";
        assert_eq!(returned(&model, &rollout).map(|it| it.to_string()).as_deref(), Some(said));
        assert_eq!(headline(&model).cause, Cause::Release);
    }

    /// The model after these records, of a rollout that is seen ten minutes from now.
    fn after_all(records: Vec<Record>, rollout: Rollout) -> (Model, Rollout) {
        let mut model = seeing(vec![payments()]);
        for record in records {
            model.actions.recorded(record);
        }
        see(&mut model, minutes(10), vec![rollout.clone()]);
        (model, rollout)
    }

    fn told(records: Vec<Record>, rollout: Rollout) -> Option<String> {
        let (model, rollout) = after_all(records, rollout);
        returned(&model, &rollout).map(|returned| returned.to_string())
    }

    /// The spec holds 1.42.0, written so many minutes from now.
    fn written(span: u64) -> Rollout {
        let by = "an-application-controller".to_owned();
        Rollout { written: Some(Written { at: minutes(span), by }), ..payments() }
    }

    #[test]
    fn a_version_that_was_left_and_is_back_is_told_with_whoever_put_it_there_and_leads_the_headline() {
        let (model, rollout) = after_all(vec![rolled_back(1)], written(7));
        let said = returned(&model, &rollout).map(|returned| returned.to_string());
        let expected = "1.42.0 is back since 02:14, put there by an-application-controller; \
                        dana left it on 2026-03-10 at 02:08 (errors)";
        assert_eq!(said.as_deref(), Some(expected));
        let headline = headline(&model);
        assert_eq!(
            (headline.cause, headline.rollout, headline.returned.is_some()),
            (Cause::Release, Some(rollout.id), true)
        );
    }

    #[test]
    fn what_was_put_back_in_its_place_is_no_alarm_nor_is_what_was_seen_before_that_was_verified() {
        let mut back = written(1);
        std::mem::swap(&mut back.identity.canary_hash, &mut back.identity.stable_hash);
        assert_eq!(told(vec![rolled_back(1)], back), None);
        let mut model = seeing(vec![payments()]);
        model.actions.recorded(rolled_back(1));
        see(&mut model, minutes(1), vec![payments()]);
        assert_eq!(returned(&model, &payments()), None, "the store is behind the executor");
        assert_eq!(told(Vec::new(), written(7)), None, "nobody left it");
    }

    #[test]
    fn who_is_not_noted_is_not_guessed_and_a_write_of_before_is_nobody_s() {
        let bare = "1.42.0 is back; dana left it on 2026-03-10 at 02:08 (errors)";
        assert_eq!(told(vec![rolled_back(1)], payments()).as_deref(), Some(bare));
        assert_eq!(told(vec![rolled_back(1)], written(0)).as_deref(), Some(bare));
    }

    #[test]
    fn what_was_aborted_is_back_once_it_goes_on_and_not_while_the_spec_only_holds_it() {
        let done = Stage::Done { said: "aborted".to_owned() };
        let aborted = || vec![acted((1, minutes(1)), ("dana", "errors"), Verb::Abort, ("c0ffee", None), done.clone())];
        let holds = Rollout { phase: Phase::Aborted, aborted_in_spec: true, ..payments() };
        assert_eq!(told(aborted(), holds), None);
        assert!(told(aborted(), payments()).is_some_and(|said| said.starts_with("1.42.0 is back; dana left it")));
    }

    #[test]
    fn whoever_lets_it_come_again_here_has_made_up_their_mind_and_after_a_day_so_has_everybody() {
        let retried = acted(
            (2, minutes(3)),
            ("lee", "mended"),
            Verb::Retry,
            ("c0ffee", None),
            Stage::Done { said: String::new() },
        );
        assert_eq!(told(vec![rolled_back(1), retried], payments()), None);
        let mut arrived = written(7);
        arrived.identity.stable_hash.clone_from(&arrived.identity.canary_hash);
        (arrived.phase, arrived.arms[0].role, arrived.arms[1].role) = (Phase::Healthy, Role::Stable, Role::Old);
        let (mut model, rollout) = after_all(vec![rolled_back(1)], arrived);
        assert!(returned(&model, &rollout).is_some() && headline(&model).returned.is_some());
        model.now = minutes(8) + TOLD_FOR;
        assert_eq!(returned(&model, &rollout), None);
    }
}
