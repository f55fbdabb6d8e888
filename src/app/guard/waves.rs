//! Where something stands in an order of waves: what comes before it, and whether that is done. Forward only; going back knows no waves.
//!
//! A wave is done where everything of the service there runs the version that would go forward, is seen now to be well, and has run it for
//! as long as the order says. What could not be read is not done.

use std::collections::BTreeSet;

use crate::{
    app::{cells, guard::facts::standing, model::Model, watch},
    domain::{
        cell::{Cell, Standing},
        evidence::Verdict,
        gate::Gate,
        ids::{EnvironmentName, ServiceName},
        object::ObjectId,
        rollout::Rollout,
        time::{Timestamp, after},
        verb::{Direction, Verb},
        version::Version,
        wave::Order,
    },
    policy::{Ahead, Behind, Turn},
    port::plan::Ask,
};

/// What would go where.
struct Going<'a> {
    service: &'a ServiceName,
    environment: &'a EnvironmentName,
    /// `None` where nobody says which.
    version: Option<&'a Version>,
}

impl<'a> Going<'a> {
    /// A rollout on its way, or what a gate lets through. Of a run nobody says where it leads; its gates are asked.
    fn of(rollout: Option<&'a Rollout>, gate: Option<&'a Gate>) -> Option<Self> {
        if let Some(Rollout { service, environment, canary, .. }) = rollout.filter(|one| one.in_flight()) {
            return Some(Self { service, environment, version: canary.as_ref() });
        }
        let Gate { service, environment, version, .. } = gate?;
        Some(Self { service, environment, version: version.as_ref() })
    }
}

/// Where a target stands that comes behind these in one act.
pub(super) fn turn(model: &Model, ask: &Ask, rollout: Option<&Rollout>, before: &[ObjectId]) -> Turn {
    let mut turn = Turn::default();
    let forward = ask.verb.direction() == Direction::Forward;
    let Some(going) = Going::of(rollout, model.store.gate(&ask.target)).filter(|_| forward) else { return turn };
    let Some(order) = model.session.waves.of(going.service) else { return turn };
    // A rollout is in one place; a gate may lead to a whole stage.
    if rollout.is_none() && order.waves_within(going.environment).len() > 1 {
        let environment = going.environment.clone();
        turn.ahead.push(Ahead { environment, version: going.version.cloned(), why: Behind::AtOnce });
        return turn;
    }
    let Some(wave) = order.wave(going.environment) else { return turn };
    let cells = cells::of(model, going.service, going.environment);
    let earlier = |cell: &&Cell| cell.wave.is_some_and(|own| own < wave);
    let ahead: Vec<&Cell> = cells.iter().flat_map(|cells| &cells.all).filter(earlier).collect();
    for cell in &ahead {
        let why = match going.version {
            None => Some(Behind::Stands(Standing::Unknown("which version goes there is not known".to_owned()))),
            Some(version) => {
                behind(model, order, cell, version).filter(|why| !is_done_by_then(ask, cell, why, order, before))
            }
        };
        let environment = cell.environment.clone();
        match why {
            Some(why) => turn.ahead.push(Ahead { environment, version: going.version.cloned(), why }),
            None => turn.passed.push(environment),
        }
    }
    let seen = |name: &EnvironmentName| ahead.iter().any(|cell| cell.environment.meets(name));
    let absent = order.named().filter(|(own, name)| *own < wave && !seen(name)).map(|(_, name)| name.clone());
    for environment in absent {
        if cells::is_anything_unread(model) {
            let why =
                Behind::Stands(Standing::Unknown("nothing of it was seen, and not everything was read".to_owned()));
            turn.ahead.push(Ahead { environment, version: going.version.cloned(), why });
        } else {
            turn.absent.push(environment);
        }
    }
    turn
}

/// Why a cell is not done with a version; `None` where it is.
fn behind(model: &Model, order: &Order, cell: &Cell, version: &Version) -> Option<Behind> {
    let stands = cell.standing(version);
    if !matches!(stands, Standing::Has { .. }) {
        return Some(Behind::Stands(stands));
    }
    let rollouts = || cell.shares.iter().filter_map(|share| model.store.rollout(&share.rollout));
    let arrived = |one: &Rollout| model.arrivals.get(&one.id).and_then(|arrival| arrival.verdict);
    let worst = rollouts().flat_map(|one| [standing(model, one), arrived(one)]).flatten();
    if let Some(word) = worst.max_by_key(|word| word.severity()).filter(|word| *word != Verdict::Go) {
        return Some(Behind::Verdict(word));
    }
    let since: Option<Vec<Timestamp>> = rollouts().map(|one| watch::surely_arrived(model, one)).collect();
    match (order.soak, since.and_then(|all| all.into_iter().max())) {
        (None, _) => None,
        (Some(_), None) => Some(Behind::SinceWhen),
        (Some(soak), Some(since)) => {
            let until = after(since, soak);
            (until > model.now).then_some(Behind::Soaks { until })
        }
    }
}

/// Is it done once its part of the same act is? Only a full promotion ends with all traffic there, and what must soak is not done with it.
fn is_done_by_then(ask: &Ask, cell: &Cell, why: &Behind, order: &Order, before: &[ObjectId]) -> bool {
    let arrives = matches!(why, Behind::Stands(Standing::Arrives { .. }));
    let in_act = cell.shares.iter().all(|share| before.contains(&share.rollout));
    ask.verb == Verb::PromoteFull && order.soak.is_none() && arrives && in_act
}

/// The same act with the targets of each service that has an order in that of its waves, in the places that the service has in it: what is
/// of other services stays where it was put. Going back, and what is taken over, stays as it was given.
pub(super) fn in_order(model: &Model, ask: &Ask) -> Ask {
    if ask.verb.direction() != Direction::Forward || ask.takes_over.is_some() {
        return ask.clone();
    }
    let given = ask.each();
    let key = |one: &Ask| {
        let (rollout, gate) = (model.store.rollout(&one.target), model.store.gate(&one.target));
        let (service, environment) = rollout
            .map(|one| (&one.service, &one.environment))
            .or_else(|| gate.map(|one| (&one.service, &one.environment)))?;
        let wave = model.session.waves.of(service)?.wave(environment)?;
        Some((service.clone(), wave))
    };
    let keys: Vec<Option<(ServiceName, usize)>> = given.iter().map(key).collect();
    let mut each = given.clone();
    let services: BTreeSet<&ServiceName> = keys.iter().flatten().map(|(service, _)| service).collect();
    for service in services {
        let own = |key: &Option<(ServiceName, usize)>| key.as_ref().is_some_and(|(of, _)| of == service);
        let places: Vec<usize> = keys.iter().enumerate().filter(|(_, key)| own(key)).map(|(place, _)| place).collect();
        let mut sorted = places.clone();
        sorted.sort_by_key(|place| keys.get(*place).and_then(|key| key.as_ref().map(|(_, wave)| *wave)));
        for (place, from) in places.into_iter().zip(sorted) {
            if let (Some(to), Some(one)) = (each.get_mut(place), given.get(from)) {
                *to = one.clone();
            }
        }
    }
    Ask::joined(each, None).unwrap_or_else(|| ask.clone())
}

#[cfg(test)]
mod tests;
