//! The cells of a service, made of what the store has: places whose environments are parts of one environment, and those that one order of
//! waves names. What was not read is a cell all the same where something says that it is there, and nothing is known of it.
//!
//! Here must not live: how a version stands among cells (`domain::cell`), and words.

use std::collections::BTreeMap;

use crate::{
    app::{model::Model, quarantine::Quarantine, store::Store, watch},
    domain::{
        cell::{Arrives, Cell, Cells, Share},
        ids::{EnvironmentName, ServiceName},
        item::{Item, Noun},
        observed::Freshness,
        rollout::{Phase, Rollout},
        wave::Order,
    },
};

/// The cells that a place is one of; `None` where it has no sibling.
pub fn of(model: &Model, service: &ServiceName, environment: &EnvironmentName) -> Option<Cells> {
    let order = model.session.waves.of(service);
    let belongs = |other: &EnvironmentName| are_siblings(order, environment, other);
    if !belongs(environment) {
        return None;
    }
    let mut cells: BTreeMap<EnvironmentName, Vec<&Rollout>> = BTreeMap::new();
    for rollout in model.store.rollouts().filter(|one| one.service == *service && belongs(&one.environment)) {
        cells.entry(rollout.environment.clone()).or_default().push(rollout);
    }
    let cached = cached(&model.store, service).filter(|(rollout, _)| belongs(&rollout.environment));
    let cached: Vec<(&Rollout, String)> = cached.collect();
    let unseen = unseen(model, order, |name| {
        belongs(name) && !cells.keys().chain(cached.iter().map(|(one, _)| &one.environment)).any(|it| it.meets(name))
    });
    let places = cells.keys().chain(cached.iter().map(|(one, _)| &one.environment)).chain(&unseen);
    let mut names: Vec<EnvironmentName> = places.cloned().collect();
    names.sort();
    names.dedup();
    if names.len() < 2 {
        return None;
    }
    let mut all: Vec<Cell> = names
        .into_iter()
        .map(|environment| {
            let seen = cells.get(&environment).map(Vec::as_slice).unwrap_or_default();
            let old = cached.iter().filter(|(one, _)| one.environment == environment);
            let old: Vec<Share> =
                old.map(|(one, why)| Share { unknown: Some(why.clone()), ..share(model, one) }).collect();
            let why = unseen.contains(&environment).then(|| not_read(model));
            let shares = working(seen).map(|one| share(model, one)).chain(old).collect();
            let wave = order.and_then(|order| order.wave(&environment));
            Cell { environment, wave, shares, unread: why }
        })
        .collect();
    all.sort_by(|one, other| {
        (one.wave.is_none(), one.wave, &one.environment).cmp(&(other.wave.is_none(), other.wave, &other.environment))
    });
    Some(Cells { service: service.clone(), all })
}

/// Every group of cells of which two at least were seen or are known from cache, each once, by service and name. Of others an order of
/// waves may say more; that is said where it matters, on the release and by the guard.
pub fn all(model: &Model) -> Vec<Cells> {
    let cached = model.store.cached().filter_map(|cached| cached.item.rollout());
    let mut places: Vec<(&ServiceName, &EnvironmentName)> =
        model.store.rollouts().chain(cached).map(|rollout| (&rollout.service, &rollout.environment)).collect();
    places.sort();
    places.dedup();
    let mut found: Vec<Cells> = Vec::new();
    for own in places.chunk_by(|one, other| one.0 == other.0).filter(|own| own.len() > 1) {
        let begin = found.len();
        for (service, environment) in own {
            let known = found.iter().skip(begin).any(|cells| cells.cell(environment).is_some());
            if !known {
                found.extend(of(model, service, environment));
            }
        }
    }
    found
}

/// The part of an environment before the first `/`.
fn stage(environment: &EnvironmentName) -> &str {
    environment.as_str().split('/').next().unwrap_or_default()
}

fn are_siblings(order: Option<&Order>, one: &EnvironmentName, other: &EnvironmentName) -> bool {
    let ordered = |name: &EnvironmentName| order.is_some_and(|order| order.wave(name).is_some());
    !stage(one).is_empty() && (stage(one) == stage(other) || (ordered(one) && ordered(other)))
}

/// What brings about what a source says runs nothing itself: it counts only where nothing else tells what runs.
fn working<'m>(seen: &[&'m Rollout]) -> impl Iterator<Item = &'m Rollout> {
    let declared = seen.iter().all(|one| one.is_declared());
    seen.iter().copied().filter(move |one| declared || !one.is_declared())
}

fn share(model: &Model, rollout: &Rollout) -> Share {
    let moves = rollout.identity.canary_hash != rollout.identity.stable_hash || rollout.phase != Phase::Healthy;
    let arrives = moves.then(|| Arrives {
        version: rollout.canary.clone(),
        percent: rollout.weight.reached(),
        taken_back: rollout.phase == Phase::Aborted,
    });
    Share {
        rollout: rollout.id.clone(),
        serves: rollout.stable.clone(),
        since: watch::arrived(model, rollout),
        arrives,
        left: Quarantine::of(&model.actions, rollout).versions(rollout),
        unknown: old(model, rollout).or_else(|| rollout.unknown.first().map(|unknown| unknown.what.clone())),
    }
}

/// That what is known of it is not from now, where it is not.
fn old(model: &Model, rollout: &Rollout) -> Option<String> {
    let live = model.store.target_state(&rollout.id, model.now).is_some_and(|state| state.freshness == Freshness::Live);
    (!live).then(|| match model.store.observed_at(&rollout.id) {
        Some(at) => format!("{} was not read since {}", rollout.id.source, at.format("%H:%M:%S")),
        None => format!("{} was not read", rollout.id.source),
    })
}

/// What is known from cache only, and how old that is.
fn cached<'m>(store: &'m Store, service: &'m ServiceName) -> impl Iterator<Item = (&'m Rollout, String)> {
    let all = store.cached().filter_map(|cached| match &cached.item {
        Item::Rollout(rollout) if rollout.service == *service => Some((rollout, cached.at)),
        _ => None,
    });
    all.map(|(rollout, at)| {
        let at = at.format("%Y-%m-%d %H:%M:%S");
        (rollout.as_ref(), format!("{} was not read, this is from cache, of {at}", rollout.id.source))
    })
}

/// The environments of an order of which nothing was seen, while something that could tell of them was not read. Once everything was
/// read, what is not seen is not there.
fn unseen(model: &Model, order: Option<&Order>, is_missing: impl Fn(&EnvironmentName) -> bool) -> Vec<EnvironmentName> {
    let Some(order) = order.filter(|_| is_anything_unread(model)) else { return Vec::new() };
    order.named().map(|(_, name)| name).filter(|name| is_missing(name)).cloned().collect()
}

/// Could there be a rollout that nobody told of?
pub(super) fn is_anything_unread(model: &Model) -> bool {
    let sources = model.store.inventories_of(&[Noun::Rollout], model.now);
    sources.is_empty() || sources.iter().any(|state| !state.is_whole())
}

fn not_read(model: &Model) -> String {
    let sources = model.store.inventories_of(&[Noun::Rollout], model.now);
    let unread: Vec<&str> = sources.iter().filter(|it| !it.is_whole()).map(|it| it.source.as_str()).collect();
    match unread.as_slice() {
        [] => "no connection tells what runs there".to_owned(),
        names => format!("nothing seen there, {} not all read", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
