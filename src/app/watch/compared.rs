//! A release that has arrived has nothing beside it any more: it is held against what ran before it, over the time before it began to move.
//! The same test as for a canary, interval beside interval; but what differs between two hours is no fault of a version, so that it says
//! less than side by side, and nothing goes by it.

use std::{collections::BTreeSet, time::Duration};

use super::{arrived, until};
use crate::{
    app::{measuring::aligned, model::Model, quarantine::Quarantine},
    domain::{
        ids::ServiceName,
        object::ObjectId,
        rollout::{Role, Rollout},
        time::{Timestamp, after, age},
    },
    judge::verdict::{Case, Judgement, judge},
};

/// What a release that is watched does beside what was before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The version that ran before it: `1.41.3`.
    pub against: String,
    /// What the test says: its canary is the release, its stable is what ran before.
    pub judgement: Judgement,
}

/// The time that it is held against: as long before it began to move as it is watched. `None` where it is not known when that was, and where
/// it was put back: what ran before it then is what was left.
pub fn before_it(model: &Model, rollout: &Rollout) -> Option<(Timestamp, Timestamp)> {
    let arrived = arrived(model, rollout)?;
    if rollout.way_back().is_none() || Quarantine::of(&model.actions, rollout).put_back().is_some() {
        return None;
    }
    let stable = rollout.side(Role::Stable)?;
    let began = rollout.started.or(stable.created)?.min(arrived);
    Some((began - model.session.watch.of(&rollout.service), began))
}

/// Compares anew what is watched of these services, or all of it; what is watched no longer is forgotten.
pub fn judge_watched(model: &mut Model, services: Option<&[ServiceName]>) {
    let watched = |rollout: &&Rollout| until(model, rollout).is_some();
    let still: BTreeSet<ObjectId> = model.store.rollouts().filter(watched).map(|rollout| rollout.id.clone()).collect();
    let meant = |rollout: &&Rollout| services.is_none_or(|services| services.contains(&rollout.service));
    let anew = model.store.rollouts().filter(watched).filter(meant);
    let anew: Vec<(ObjectId, Option<Compared>)> =
        anew.map(|rollout| (rollout.id.clone(), compare(model, rollout))).collect();
    model.watched.retain(|id, _| still.contains(id));
    for (id, compared) in anew {
        match compared {
            Some(compared) => drop(model.watched.insert(id, compared)),
            None => drop(model.watched.remove(&id)),
        }
    }
}

/// What was before begins where it is laid: at the first interval that is all of the new version's. So each interval keeps its
/// partner however long it goes on, and the test may be looked at as often as one likes.
fn compare(model: &Model, rollout: &Rollout) -> Option<Compared> {
    let step = model.session.signal_step;
    let (from, to) = before_it(model, rollout)?;
    let (stable, old) = (rollout.side(Role::Stable)?, rollout.way_back()?);
    let (begin, since) = (aligned(from, step)?, after(aligned(arrived(model, rollout)?, step)?, step));
    let (source, signals) = model.store.signals(rollout)?;
    let whole = model.store.whole(source, signals);
    let by: Duration = age(since, begin);
    // What served while the new version came in is of both.
    let before = Model::of(&whole, rollout, old).map(|old| old.later(by, model.now.min(after(to, by))));
    let case = Case {
        standard: model.standards.get(&rollout.service),
        unmeasured: None,
        ..Case::new(Model::of(&whole, rollout, stable), before.as_ref(), since, model.now)
    };
    Some(Compared { against: old.tag(), judgement: judge(&case) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            msg::Msg,
            sample::{measures, now, see, seeing},
            update::update,
            watch::tests::promoted,
        },
        domain::{
            evidence::Verdict,
            signal::{Counts, Point, ServiceSignals, VersionSignals},
        },
        port::facet::Window,
    };

    const STEP: Duration = Duration::from_secs(30);

    fn minute(minute: i64) -> Timestamp {
        aligned(now(), STEP).unwrap() + chrono::TimeDelta::minutes(minute)
    }

    /// A version that had so many errors of 600 requests in each interval of these minutes.
    fn served(label: &str, (from, to): (i64, i64), errors: u64) -> VersionSignals {
        let begins = (0..(to - from) * 2).map(|number| minute(from) + STEP * u32::try_from(number).unwrap());
        let counts: Vec<Counts> =
            begins.map(|from| Counts { from, to: after(from, STEP), requests: 600, errors }).collect();
        let points = |value: f64| counts.iter().map(|one| Point { at: one.to, value }).collect();
        let (error_ratio, request_rate) = (points(errors as f64 / 600.0), points(20.0));
        VersionSignals { label: label.to_owned(), error_ratio, request_rate, counts, ..VersionSignals::default() }
    }

    /// 1.42.0 began to move 40 minutes ago and arrived 20 minutes ago; this was measured of both.
    fn told(versions: Vec<VersionSignals>) -> Model {
        let mut rollout = promoted();
        rollout.started = Some(minute(-40));
        let mut model = seeing(vec![crate::app::sample::payments()]);
        see(&mut model, minute(0), vec![rollout]);
        model.arrivals.values_mut().for_each(|arrival| arrival.at = minute(-20));
        let window = Window { from: minute(-110), to: minute(0), step: STEP };
        let environment = "".into();
        let signals = ServiceSignals { service: "payments".into(), environment, step: STEP, versions };
        update(&mut model, measures("prometheus", minute(0), window, Ok(vec![signals])));
        model
    }

    fn found(model: &Model) -> Option<(String, Verdict)> {
        model.watched.values().next().map(|compared| (compared.against.clone(), compared.judgement.verdict))
    }

    #[test]
    fn what_has_arrived_is_held_against_what_ran_before_it_and_no_verdict_is_made_of_that() {
        let model = told(vec![served("1.41.3", (-110, -35), 1), served("1.42.0", (-40, 0), 30)]);
        assert_eq!(found(&model), Some(("1.41.3".to_owned(), Verdict::NoGo)));
        assert_eq!((model.judgements.len(), model.verdict(&promoted().id)), (0, None), "no guard goes by it");
        let model = told(vec![served("1.41.3", (-110, -35), 1), served("1.42.0", (-40, 0), 1)]);
        assert_ne!(found(&model).map(|(_, verdict)| verdict), Some(Verdict::NoGo));
    }

    #[test]
    fn where_nothing_was_measured_before_it_there_is_nothing_to_say() {
        let model = told(vec![served("1.42.0", (-40, 0), 30)]);
        assert_eq!(found(&model), Some(("1.41.3".to_owned(), Verdict::NoData)));
    }

    #[test]
    fn it_ends_with_its_watching_time() {
        let mut model = told(vec![served("1.41.3", (-110, -35), 1), served("1.42.0", (-40, 0), 30)]);
        update(&mut model, Msg::Tick(minute(41)));
        assert_eq!(found(&model), None);
    }
}
