//! `update`: the only place where the model changes. Total and synchronous; an error is a value in the store.

mod act;
pub(in crate::app) mod lines;
mod look;
mod measure;
mod navigate;
mod observe;
mod read;

use std::{collections::BTreeSet, mem};

use crate::{
    app::{drawn::Drawn, effect::Effect, intent::Intent, model::Model, msg::Msg, typing},
    domain::{ids::ServiceName, standard::Rule},
};

/// Takes one message and says what is to be done outside.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let before = model.nav.overlay.as_ref().map(mem::discriminant);
    let effects = take(model, msg);
    lines::due(model);
    look::settle(model);
    read::open(model);
    if model.nav.overlay.as_ref().map(mem::discriminant) != before {
        model.nav.scroll = 0;
    }
    effects
}

fn take(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Tick(now) => {
            model.now = model.now.max(now);
            measure::due(model);
            Vec::new()
        }
        Msg::Resized(columns, rows) => {
            // What was said of a screen that was too small is over with it.
            let blind = model.blind();
            model.notice.take_if(|notice| Some(&notice.text) == blind.as_ref());
            model.size = (columns, rows);
            // What was on screen is not any more, or stands elsewhere.
            model.drawn = Drawn::default();
            act::read_from_the_start(model);
            Vec::new()
        }
        Msg::Drawn(drawn) => {
            act::drawn(model, drawn);
            Vec::new()
        }
        Msg::Press(press) => act::came(model, press),
        Msg::Intent(intent) => intend(model, intent),
        Msg::Typed(c) if read::typed(model, c) || look::typed(model, c) => Vec::new(),
        Msg::Typed(c) => act::typed(model, c),
        Msg::Discovered { source, inventory, scopes } => {
            let known: BTreeSet<ServiceName> = model.store.services(&source).collect();
            model.store.take_scopes(&source, &inventory, scopes);
            model.lineage.rebuild(&model.store, &known);
            Vec::new()
        }
        Msg::Heard { source, scope, at, due, parts } => observe::heard(model, &source, &scope, (at, due), parts),
        Msg::Told { source, at, question, told } => measure::told(model, &source, at, &question, told),
        Msg::Kept(kept) => {
            measure::kept(model, kept);
            Vec::new()
        }
        Msg::Cached(cached) => {
            model.store.take_cached(cached, model.now);
            Vec::new()
        }
        Msg::Judge => {
            observe::judge_owed(model);
            act::recheck(model)
        }
        Msg::Budget { source, left } => {
            model.store.take_budget(source, left);
            Vec::new()
        }
        Msg::Drafted { ask, draft, then } => {
            act::drafted(model, &ask, std::iter::once(*draft).chain(then).collect());
            Vec::new()
        }
        Msg::Recorded(record) => act::recorded(model, *record),
        Msg::Action(news) => act::news(model, news),
        Msg::Lost(record, why) => {
            model.actions.lost(record, why);
            Vec::new()
        }
        Msg::Past(past) => {
            model.actions.remember(past);
            Vec::new()
        }
        Msg::JournalBroken(why) => {
            model.journal_broken = why;
            Vec::new()
        }
        Msg::Standards(standards) => {
            let reach = |rule: &Rule| rule.window.saturating_mul(rule.consecutive);
            let rules = standards.values().flat_map(|standard| &standard.rules);
            model.store.limits_reach(rules.map(reach).max().unwrap_or_default());
            model.standards = standards;
            Vec::new()
        }
        Msg::Said(text) => {
            model.say(text);
            Vec::new()
        }
    }
}

/// Takes what somebody wants. While what must be seen cannot be seen, only leaving works.
fn intend(model: &mut Model, intent: Intent) -> Vec<Effect> {
    let leaves = matches!(intent, Intent::Back | Intent::Quit | Intent::Interrupt | Intent::Suspend);
    if let Some(why) = model.blind().filter(|_| !leaves) {
        model.say(why);
        return Vec::new();
    }
    let erased = match intent {
        Intent::EraseWord => typing::word(model),
        // As a shell has it; where nothing was typed it moves.
        Intent::HalfUp if typing::line(model) > 0 => typing::line(model),
        _ => return intended(model, intent),
    };
    // What was drawn up on the way is drawn up for nobody.
    (0..erased).fold(Vec::new(), |_, _| intended(model, Intent::Erase))
}

fn intended(model: &mut Model, intent: Intent) -> Vec<Effect> {
    match intent.verb() {
        Some(verb) => act::press(model, verb),
        None if read::intent(model, intent) || look::intent(model, intent) => Vec::new(),
        None => navigate::intent(model, intent),
    }
}

#[cfg(test)]
mod tests;
