//! `update`: the only place where the model changes. Total and synchronous; an error is a value in the store.

mod act;
mod navigate;
mod observe;

use crate::app::{effect::Effect, model::Model, msg::Msg};

/// Takes one message and says what is to be done outside.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Tick(now) => {
            model.now = model.now.max(now);
            observe::due_signals(model)
        }
        Msg::Resized(columns, rows) => {
            model.size = (columns, rows);
            Vec::new()
        }
        Msg::Intent(intent) => match intent.verb() {
            Some(verb) => act::press(model, verb),
            None => navigate::intent(model, intent),
        },
        Msg::Typed(c) => {
            act::typed(model, c);
            Vec::new()
        }
        Msg::Rollouts { source, engine, at, change } => observe::rollouts(model, &source, engine, at, change),
        Msg::Gates { source, at, gates } => {
            model.store.take_gates(&source, at, gates);
            act::recheck(model)
        }
        Msg::Runs { source, at, runs } => {
            model.store.take_runs(&source, at, runs);
            Vec::new()
        }
        Msg::Jobs { run, jobs, .. } => {
            model.store.take_jobs(run, jobs);
            Vec::new()
        }
        Msg::Signals { source, at, window, signals } => {
            observe::signals(model, &source, at, window, signals);
            Vec::new()
        }
        Msg::Budget { source, left } => {
            model.store.take_budget(source, left);
            Vec::new()
        }
        Msg::Drafted { ask, draft } => {
            act::drafted(model, &ask, *draft);
            Vec::new()
        }
        Msg::Recorded(record) => {
            model.actions.recorded(*record);
            Vec::new()
        }
        Msg::Action(news) => {
            model.actions.news(news);
            Vec::new()
        }
        Msg::JournalBroken(why) => {
            model.journal_broken = why;
            Vec::new()
        }
        Msg::Said(text) => {
            model.say(text);
            Vec::new()
        }
    }
}
