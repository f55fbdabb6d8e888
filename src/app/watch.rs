//! After all traffic it is not over: a release that has just arrived, or was just taken back, is watched for a while, and held against
//! what ran before it.

mod compared;

pub use self::compared::{Compared, before_it, judge_watched};

use crate::{
    app::model::Model,
    domain::{
        evidence::Verdict,
        ids::SourceName,
        object::{Family, ObjectId},
        rollout::{Role, Rollout},
        time::{Timestamp, after},
        verb::Verb,
    },
    port::{plan::Plan, record::Stage},
};

/// A flight that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When we saw that it had ended.
    pub at: Timestamp,
    /// The last verdict on it, where it was judged.
    pub verdict: Option<Verdict>,
}

/// What of a source is in flight, before it tells something new.
pub(super) fn flying(model: &Model, source: &SourceName, engine: &Family) -> Vec<ObjectId> {
    let flies =
        |rollout: &&Rollout| rollout.id.source == *source && rollout.id.family == *engine && rollout.in_flight();
    model.store.rollouts().filter(flies).map(|rollout| rollout.id.clone()).collect()
}

/// Notes which of those have ended their flight since, before their verdicts are forgotten; and forgets what flies again or is
/// watched no longer.
pub(super) fn note(model: &mut Model, flew: Vec<ObjectId>, at: Timestamp) {
    for id in flew {
        if model.store.rollout(&id).is_some_and(|rollout| !rollout.in_flight()) {
            let verdict = model.judgements.get(&id).map(|judgement| judgement.verdict);
            model.arrivals.insert(id, Arrival { at, verdict });
        }
    }
    let (store, session) = (&model.store, &model.session);
    model.arrivals.retain(|id, arrival| {
        let watched = |rollout: &Rollout| after(arrival.at, session.watch.of(&rollout.service)) > at;
        store.rollout(id).is_some_and(|rollout| !rollout.in_flight() && watched(rollout))
    });
}

/// When its flight ended: as its engine tells everybody, else as we saw it, else as our record says, else not before its pods were made nor
/// its last step began; `None` while it flies or where nobody knows.
pub fn arrived(model: &Model, rollout: &Rollout) -> Option<Timestamp> {
    if rollout.in_flight() {
        return None;
    }
    known(model, rollout).or_else(|| {
        let made = rollout.side(Role::Stable)?.created?;
        Some(rollout.step_times.values().copied().fold(made, Timestamp::max))
    })
}

/// The same where it is not only known that it was not before: what must last a while is counted from when it began. What has steps began
/// after the last of them; what has none, with its pods.
pub fn surely_arrived(model: &Model, rollout: &Rollout) -> Option<Timestamp> {
    if rollout.in_flight() {
        return None;
    }
    let last = || rollout.step_times.get(&rollout.steps.len()).copied();
    let made = || rollout.side(Role::Stable).filter(|_| rollout.steps.is_empty())?.created;
    known(model, rollout).or_else(|| if rollout.steps.is_empty() { made() } else { last() })
}

fn known(model: &Model, rollout: &Rollout) -> Option<Timestamp> {
    let seen = || model.arrivals.get(&rollout.id).map(|arrival| arrival.at);
    rollout.settled.or_else(seen).or_else(|| recorded(model, rollout))
}

/// When our record says that what serves was put there for all.
fn recorded(model: &Model, rollout: &Rollout) -> Option<Timestamp> {
    let past = model.actions.past_on(&rollout.id).iter().map(|record| (&record.intent.plan, &record.entries));
    let all = past.chain(model.actions.iter().map(|action| (&action.plan, &action.entries)));
    let serves = |plan: &Plan| plan.draft.to.is_some() && plan.draft.to == rollout.stable;
    let of_it = all.filter_map(|(plan, entries)| {
        let one = plan.of(&rollout.id).filter(|one| matches!(one.verb, Verb::PromoteFull | Verb::Rollback))?;
        let done = entries.iter().find(|entry| matches!(entry.stage, Stage::Done { .. }))?;
        serves(one).then_some(done.at)
    });
    of_it.max()
}

/// Until when it is watched; `None` for what flies and for what is steady.
pub fn until(model: &Model, rollout: &Rollout) -> Option<Timestamp> {
    let window = model.session.watch.of(&rollout.service);
    arrived(model, rollout).map(|at| after(at, window)).filter(|until| *until > model.now)
}

/// Is it in flight, or has it just arrived? What is measured of it is asked for.
pub fn is_followed(model: &Model, rollout: &Rollout) -> bool {
    rollout.in_flight() || until(model, rollout).is_some()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        app::{
            board,
            model::RowKey,
            msg::Msg,
            rows,
            sample::{acted, now, payments, see, seeing},
            update::update,
        },
        domain::rollout::Phase,
    };

    /// How long it is watched where nobody says so.
    const WATCHED: Duration = Duration::from_hours(1);

    /// All traffic on 1.42.0.
    pub(super) fn promoted() -> Rollout {
        let mut rollout = payments();
        rollout.stable.clone_from(&rollout.canary);
        rollout.identity.stable_hash.clone_from(&rollout.identity.canary_hash);
        (rollout.arms[0].role, rollout.arms[1].role) = (Role::Stable, Role::Old);
        (rollout.phase, rollout.pause) = (Phase::Healthy, None);
        rollout
    }

    fn shown(model: &Model) -> (Vec<String>, Vec<String>) {
        let names = |all: Vec<&Rollout>| all.into_iter().map(|rollout| rollout.service.to_string()).collect();
        (names(board::releases(model)), names(board::resting(model)))
    }

    #[test]
    fn a_release_that_arrived_stays_on_top_for_its_watching_time_and_is_steady_then() {
        let mut model = seeing(vec![payments()]);
        see(&mut model, now(), vec![promoted()]);
        let all = || vec!["payments".to_owned()];
        assert_eq!(shown(&model), (all(), Vec::new()));
        assert_eq!(until(&model, &promoted()), Some(now() + WATCHED));
        assert_eq!(model.arrivals.values().map(|arrival| arrival.verdict).collect::<Vec<_>>(), [Some(Verdict::NoData)]);
        update(&mut model, Msg::Tick(now() + WATCHED));
        assert_eq!(shown(&model), (Vec::new(), all()));
        let key = RowKey::Rollout(payments().id);
        assert_eq!((rows::rows(&model), rows::selected(&model)), (vec![key.clone()], Some(key)), "it can be selected");
    }

    #[test]
    fn one_that_was_steady_before_we_looked_is_not_watched_and_one_that_flies_again_is_in_flight() {
        let mut model = seeing(vec![promoted()]);
        assert_eq!((shown(&model).0, until(&model, &promoted())), (Vec::<String>::new(), None));
        see(&mut model, now(), vec![payments()]);
        see(&mut model, now(), vec![promoted()]);
        see(&mut model, now(), vec![payments()]);
        assert_eq!((model.arrivals.len(), arrived(&model, &payments())), (0, None));
    }

    #[test]
    fn pods_that_were_just_made_say_that_it_arrived_before_we_looked() {
        let mut young = promoted();
        young.arms[0].created = Some(now() - Duration::from_mins(5));
        let model = seeing(vec![young.clone()]);
        assert_eq!(until(&model, &young), Some(now() + Duration::from_mins(55)));
        young.step_times = [(8, now() - Duration::from_mins(2))].into();
        assert_eq!(until(&model, &young), Some(now() + Duration::from_mins(58)), "its last step began later");
    }

    #[test]
    fn what_the_engine_tells_of_when_it_was_done_goes_before_what_each_of_us_saw() {
        let done = now() - Duration::from_mins(20);
        let settled = Rollout { settled: Some(done), ..promoted() };
        let late = seeing(vec![settled.clone()]);
        let mut present = seeing(vec![payments()]);
        see(&mut present, now(), vec![settled.clone()]);
        for model in [&late, &present] {
            assert_eq!(until(model, &settled), Some(done + WATCHED));
            assert_eq!(surely_arrived(model, &settled), Some(done));
        }
    }

    #[test]
    fn a_service_is_watched_for_as_long_as_it_says_and_our_record_knows_when_it_arrived() {
        let mut model = seeing(vec![promoted()]);
        let done = Stage::Done { said: "verified".to_owned() };
        let mut record =
            acted((1, now() - Duration::from_mins(30)), ("dana", "x"), Verb::PromoteFull, ("c0ffee", None), done);
        record.intent.plan.draft.to = promoted().stable;
        model.actions.recorded(record);
        assert_eq!(until(&model, &promoted()), Some(now() + Duration::from_mins(30)));
        model.session.watch.services.insert("payments".into(), Duration::from_hours(4));
        assert_eq!(until(&model, &promoted()), Some(now() + Duration::from_mins(210)));
        model.session.watch.services.insert("payments".into(), Duration::from_mins(20));
        assert_eq!(until(&model, &promoted()), None);
    }
}
