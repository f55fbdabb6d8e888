//! What the model wants to know now. Pure: the runtime asks after every message, and changes its tasks by the difference.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    app::{
        drift, lineage,
        logs::look,
        measuring::Measuring,
        model::{Model, Overlay, Screen},
        preflight,
        reading::shown_log,
        rows,
        store::inside::LOG_LINES,
        tested,
        update::lines,
        watch,
    },
    domain::{ids::SourceName, object::ObjectId},
    port::{
        inventory::Scope,
        lookup::{Lines, Question, Topic},
    },
};

/// How much somebody cares for a scope now; the most last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interest {
    /// It is there.
    #[default]
    Idle,
    /// Something of it is in flight, or something is being done to it.
    Active,
    /// Somebody looks at one object of it, or is about to act on it.
    Focused,
}

/// What is to be known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// The scopes that are of more than idle interest.
    pub scopes: BTreeMap<(SourceName, Scope), Interest>,
    /// Which questions are open, and who is asked. One that is wanted no longer is not answered any more.
    pub questions: BTreeSet<(SourceName, Question)>,
}

/// What is on screen, in flight and judged.
pub fn wants(model: &Model) -> Wants {
    Wants { scopes: scopes(model), questions: questions(model) }
}

fn scopes(model: &Model) -> BTreeMap<(SourceName, Scope), Interest> {
    let store = &model.store;
    let flying = store.rollouts().filter(|rollout| watch::is_followed(model, rollout)).map(|rollout| &rollout.id);
    let acted_on = model.actions.iter().filter(|action| action.is_running()).flat_map(|action| action.plan.targets());
    let active = flying.chain(acted_on).map(|id| (id, Interest::Active));
    let focused = on_screen(model).map(|id| (id, Interest::Focused));
    let mut found: BTreeMap<(&SourceName, &Scope), Interest> = BTreeMap::new();
    for (id, interest) in active.chain(focused) {
        let Some(scope) = store.scope(id) else { continue };
        let known = found.entry((&id.source, scope)).or_default();
        *known = interest.max(*known);
    }
    let owned =
        |((source, scope), interest): ((&SourceName, &Scope), Interest)| ((source.clone(), scope.clone()), interest);
    found.into_iter().map(owned).collect()
}

/// The objects that somebody looks at one by one. A row of a list is none: lists are left open for days.
pub(in crate::app) fn on_screen(model: &Model) -> impl Iterator<Item = &ObjectId> {
    let screen = model.nav.screen().object();
    let overlay: Vec<&ObjectId> = match &model.nav.overlay {
        Some(Overlay::Card(card)) => card.ask.targets().collect(),
        Some(Overlay::Why(id) | Overlay::Drift(id)) => vec![id],
        _ => Vec::new(),
    };
    screen.into_iter().chain(overlay)
}

fn questions(model: &Model) -> BTreeSet<(SourceName, Question)> {
    let of = |(source, measuring): (&SourceName, &Measuring)| {
        let source = source.clone();
        measuring.open.iter().map(move |question| (source.clone(), question.clone())).collect::<Vec<_>>()
    };
    let measured = model
        .measuring
        .iter()
        .flat_map(of)
        .chain(of_run(model))
        .chain(changes(model))
        .chain(settings(model))
        .chain(preflight::questions(model));
    let logs = lines::looked_at(model).filter_map(|id| model.logs.get(id)).chain(look::questions(model));
    let lines = logs.map(|logs| (logs.source.clone(), logs.asked.clone()));
    let lines = lines.map(|(source, lines)| (source, Question::Lines(lines)));
    let alive = model.store.silent_keepers(model.now).map(|name| (name.clone(), alive(model, name)));
    measured.chain(lines).chain(alive).collect()
}

/// The cheapest question, which proves that a source is alive.
fn alive(model: &Model, source: &SourceName) -> Question {
    let keeps_images =
        model.session.sources.iter().any(|info| info.name == *source && info.answers.contains(&Topic::Image));
    if keeps_images {
        Question::Image { name: String::new() }
    } else {
        Question::Lines(Lines::alive(model.session.signal_step))
    }
}

/// What is asked of the run on screen: its tree, until it has ended and was read since, the log that is shown, until that is over, and
/// once it has failed how its tests ended.
fn of_run(model: &Model) -> Vec<(SourceName, Question)> {
    let Screen::Run(id) = model.nav.screen() else { return Vec::new() };
    let inside = &model.store.inside;
    let settled = model.store.run(id).zip(inside.tree(id)).is_some_and(|(run, tree)| {
        run.status.ended() && tree.nodes.is_some() && tree.fault.is_none() && tree.at >= Some(run.updated)
    });
    let tree = (!settled).then(|| Question::Jobs { run: id.clone() });
    let log =
        shown_log(model, id).filter(|log| !inside.log(id, log).is_some_and(|log| log.over && log.fault.is_none()));
    let log = log.map(|log| Question::Log { run: id.clone(), log, most: LOG_LINES });
    let asked = tree.into_iter().chain(log).map(|question| (id.source.clone(), question));
    asked.chain(tested::question(model, id)).collect()
}

/// What is to be known of what somebody is about to act on and nobody has asked yet: what it brings, and how settings differ.
pub fn before_an_act(model: &Model, id: &ObjectId) -> Vec<(SourceName, Question)> {
    let brings = lineage::between(model, id).filter(|one| one.answer(&model.store).is_none());
    let brings = brings.map(|one| (one.run.source.clone(), one.question()));
    let differs = drift::pair(model, id).into_iter().flat_map(|pair| drift::unread(model, &pair));
    brings.into_iter().chain(differs).collect()
}

/// What would be new where the run, the rollout, the gate goes that somebody looks at or is about to act on; once for each.
fn changes(model: &Model) -> impl Iterator<Item = (SourceName, Question)> {
    let chosen = matches!(model.nav.screen(), Screen::Inbox).then(|| rows::target(model)).flatten();
    let looked_at = on_screen(model).cloned().chain(chosen);
    let between = looked_at.filter_map(|id| lineage::between(model, &id));
    between.filter(|one| one.answer(&model.store).is_none()).map(|one| (one.run.source.clone(), one.question()))
}

/// What two environments are given, where somebody is about to let something from one into the other; again once that is old.
fn settings(model: &Model) -> impl Iterator<Item = (SourceName, Question)> {
    let chosen = matches!(model.nav.screen(), Screen::Inbox).then(|| rows::target(model)).flatten();
    let looked_at = on_screen(model).cloned().chain(chosen);
    looked_at.filter_map(|id| drift::pair(model, &id)).flat_map(|pair| drift::unread(model, &pair))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            intent::Intent,
            msg::Msg,
            sample::{acted, now, payments, see, seeing},
            update::update,
        },
        domain::{
            rollout::{Phase, Rollout},
            verb::Verb,
        },
        port::record::Stage,
    };

    /// Nothing of it moves.
    fn at_rest() -> Rollout {
        let mut rollout = payments();
        rollout.canary.clone_from(&rollout.stable);
        rollout.identity.canary_hash.clone_from(&rollout.identity.stable_hash);
        rollout.phase = Phase::Healthy;
        rollout.pause = None;
        rollout.arms.truncate(1);
        rollout
    }

    fn interest(model: &Model) -> Vec<Interest> {
        let wanted = wants(model).scopes;
        let all = Scope::all(&payments().id.family);
        assert!(wanted.keys().all(|key| *key == (payments().id.source, all.clone())), "{wanted:?}");
        wanted.into_values().collect()
    }

    #[test]
    fn a_scope_is_of_interest_while_something_of_it_flies_is_looked_at_or_is_acted_on() {
        let mut model = seeing(vec![at_rest()]);
        assert_eq!(interest(&model), []);
        update(&mut model, Msg::Intent(Intent::Open));
        assert_eq!(interest(&model), [Interest::Focused]);
        update(&mut model, Msg::Intent(Intent::Back));
        assert_eq!(interest(&model), []);
        see(&mut model, now(), vec![payments()]);
        assert_eq!(interest(&model), [Interest::Active]);
        let mut model = seeing(vec![at_rest()]);
        let mut record = acted((7, now()), ("dana", "errors"), Verb::Restart, ("c0ffee", None), Stage::Recorded);
        record.entries.clear();
        update(&mut model, Msg::Recorded(Box::new(record)));
        assert_eq!(interest(&model), [Interest::Active]);
    }
}
