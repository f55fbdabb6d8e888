//! Reading what the versions of a release write: which question is open, and what its answers change.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    app::{
        logs::{self, Logs},
        measuring::aligned,
        model::{Model, Screen},
    },
    domain::{ids::SourceName, line::Level, object::ObjectId, observed::Fault, rollout::Rollout, time::Timestamp},
    port::{
        facet::Window,
        lookup::{Lines, Told},
    },
};

/// How far back is read, at most.
const BACK: Duration = Duration::from_mins(30);
/// How long before its release began.
const BEFORE: Duration = Duration::from_mins(10);
/// Lines of that time that are read, the newest.
const MOST: usize = 200_000;
/// Releases whose lines are kept: those that somebody looked at last.
const KEPT: usize = 4;

/// Opens the question about the release that somebody looks at, and once more where another version is on its way.
pub(super) fn due(model: &mut Model) {
    let Some(rollout) = looked_at(model).and_then(|id| model.store.rollout(id)) else { return };
    let Some(source) = logs::keeper(model, Some(rollout)) else { return };
    let canary = rollout.identity.canary_hash.clone();
    let known = model.logs.get(&rollout.id);
    if known.is_some_and(|logs| logs.source == source && (logs.canary == canary || !rollout.in_flight())) {
        return;
    }
    let (id, asked) = (rollout.id.clone(), question(model, rollout));
    while model.logs.len() >= KEPT {
        let oldest = model.logs.iter().min_by_key(|(_, logs)| logs.asked.window.to).map(|(id, _)| id.clone());
        let Some(oldest) = oldest else { break };
        model.logs.remove(&oldest);
    }
    model.logs.insert(id, Logs::new(source, asked, canary));
}

/// The release whose lines are on screen.
pub(crate) fn looked_at(model: &Model) -> Option<&ObjectId> {
    match model.nav.screen() {
        Screen::Release(id) | Screen::Logs { rollout: id } => Some(id),
        _ => None,
    }
}

/// What is not fine, of all versions, from before the release on.
fn question(model: &Model, rollout: &Rollout) -> Lines {
    let step = model.session.signal_step;
    let begins = rollout.started.map_or(model.now - BACK, |started| (started - BEFORE).max(model.now - BACK));
    let window = Window { from: aligned(begins, step).unwrap_or(begins), to: model.now, step };
    Lines {
        service: rollout.service.clone(),
        versions: BTreeSet::new(),
        window,
        level: Some(Level::Warn),
        text: String::new(),
        most: MOST,
        follow: true,
    }
}

/// Takes an answer, or why there is none.
pub(super) fn told(model: &mut Model, source: &SourceName, at: Timestamp, asked: &Lines, told: Result<Told, Fault>) {
    let is_it = |logs: &&mut Logs| logs.source == *source && logs.asked == *asked;
    let Some(logs) = model.logs.values_mut().find(is_it) else { return };
    match told {
        Ok(Told::Mined(mined)) => logs.take(at, mined),
        Ok(_) => {}
        Err(fault) => logs.fault = Some(fault),
    }
    logs::test(model);
}
