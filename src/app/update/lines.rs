//! Reading what the versions of a release write: which question is open, and what its answers change.

use std::{iter, time::Duration};

use crate::{
    app::{
        effect::Effect,
        logs::{self, Logs, look},
        measuring::aligned,
        model::{Model, Overlay, Screen},
        update::observe,
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

/// Opens the questions about the releases that somebody looks at, and once more where another version is on its way.
pub(super) fn due(model: &mut Model) {
    let ids: Vec<ObjectId> = looked_at(model).cloned().collect();
    for id in ids {
        let Some(rollout) = model.store.rollout(&id) else { continue };
        let Some(info) = logs::keeper(model, Some(rollout)) else { continue };
        let canary = rollout.identity.canary_hash.clone();
        let known = model.logs.get(&id);
        if known.is_some_and(|logs| logs.source == info.name && (logs.canary == canary || !rollout.in_flight())) {
            continue;
        }
        let environment = logs::named_to(info, &rollout.environment);
        let (source, asked) = (info.name.clone(), Lines { environment, ..question(model, rollout) });
        make_room(model);
        model.logs.insert(id, Logs::new(source, asked, canary));
    }
}

/// Forgets the lines that were first asked for longest ago, where there are those of many releases.
fn make_room(model: &mut Model) {
    while model.logs.len() >= KEPT {
        let oldest = model.logs.iter().min_by_key(|(_, logs)| logs.asked.window.to).map(|(id, _)| id.clone());
        let Some(oldest) = oldest else { break };
        model.logs.remove(&oldest);
    }
}

/// The releases that somebody looks at: the one on screen, the one whose verdict is explained, and the one that is about to be acted on,
/// so that whoever sends it sees what its version writes.
pub(crate) fn looked_at(model: &Model) -> impl Iterator<Item = &ObjectId> {
    let screen = match model.nav.screen() {
        Screen::Release(id) | Screen::Logs { rollout: id } => Some(id),
        _ => None,
    };
    let over = match &model.nav.overlay {
        Some(Overlay::Why(id)) => Some(id),
        Some(Overlay::Card(card)) => Some(&card.ask.target),
        _ => None,
    };
    iter::chain(screen, over.filter(move |id| Some(*id) != screen))
}

/// What is not fine, of all versions, from before the release on.
fn question(model: &Model, rollout: &Rollout) -> Lines {
    let step = model.session.signal_step;
    let begins = rollout.started.map_or(model.now - BACK, |started| (started - BEFORE).max(model.now - BACK));
    let window = Window { from: aligned(begins, step).unwrap_or(begins), to: model.now, step };
    Lines { level: Some(Level::Warn), follow: true, ..Lines::newest(rollout.service.clone(), window, MOST) }
}

/// Takes an answer, or why there is none.
pub(super) fn told(
    model: &mut Model,
    source: &SourceName,
    at: Timestamp,
    asked: &Lines,
    told: Result<Told, Fault>,
) -> Vec<Effect> {
    model.store.take_lines(source, at, told.as_ref().map(|_| ()).map_err(Fault::clone));
    let stood = look::stand(model);
    let is_it = |logs: &&mut Logs| logs.source == *source && logs.asked == *asked;
    let Some(logs) = model.logs.values_mut().chain(model.look.questions_mut()).find(is_it) else {
        return Vec::new();
    };
    match told {
        Ok(Told::Mined(mined)) => logs.take(at, mined),
        Ok(_) => {}
        Err(fault) => logs.fault = Some(fault),
    }
    logs::test(model);
    look::keep_standing(model, stood);
    observe::written(model)
}
