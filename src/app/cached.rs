//! What lists show of what is known from cache only: old news, below what was read.

use crate::{
    app::{
        model::{Model, Screen},
        rows,
        store::cached::Cached,
    },
    domain::{item::Item, pipeline::RunStatus},
};

/// What the visible screen shows of it, as far as it matches the filter: rollouts in flight first, then gates, runs, and what was steady.
pub fn shown(model: &Model) -> Vec<&Cached> {
    let screen = model.nav.screen();
    let is_shown = |cached: &&Cached| is_of(screen, &cached.item) && matches(model, &cached.item);
    let mut all: Vec<&Cached> = model.store.cached().filter(is_shown).collect();
    all.sort_by_cached_key(|cached| (place(&cached.item), cached.item.service(), cached.item.id()));
    all
}

/// Would this screen show it, had it been read?
fn is_of(screen: &Screen, item: &Item) -> bool {
    match (screen, item) {
        (Screen::Board, Item::Rollout(_) | Item::Gate(_)) | (Screen::Pipelines, Item::Run(_)) => true,
        (Screen::Board, Item::Run(run)) => {
            matches!(run.status, RunStatus::Running | RunStatus::Queued | RunStatus::Waiting)
        }
        _ => false,
    }
}

fn place(item: &Item) -> u8 {
    match item {
        Item::Rollout(rollout) if rollout.in_flight() => 0,
        Item::Gate(_) => 1,
        Item::Run(_) => 2,
        Item::Rollout(_) => 3,
    }
}

fn matches(model: &Model, item: &Item) -> bool {
    rows::matches(model, || match item {
        Item::Rollout(rollout) => format!("{} {}", rollout.service, rollout.environment),
        Item::Gate(gate) => format!("{} {} {} {}", gate.service, gate.environment, gate.system, gate.title),
        Item::Run(run) => format!("{} {} {} {}", run.service, run.pipeline, run.number, run.title),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        app::{
            guard,
            headline::{Cause, headline},
            model::RowKey,
            msg::Msg,
            sample::{ask, blind, now, payments, see},
            update::update,
        },
        domain::{observed::Freshness, time::after, verb::Verb},
        port::{cached::CachedScope, inventory::Scope},
    };

    /// What was seen of payments so many seconds ago, and what was seen of another connection.
    fn from_cache(seconds: u64) -> Model {
        let mut model = blind();
        let of = |source: &str, item: Item| CachedScope {
            source: source.into(),
            scope: Scope::all(&"argo_rollouts".into()),
            at: now() - Duration::from_secs(seconds),
            items: vec![item],
            ways: Vec::new(),
        };
        let elsewhere = of("gone", payments().into());
        update(&mut model, Msg::Cached(vec![of("kubernetes-eu", payments().into()), elsewhere]));
        model
    }

    #[test]
    fn what_is_known_from_cache_only_is_shown_with_its_age_and_nothing_else_finds_it() {
        let mut model = from_cache(1);
        let cached: Vec<_> = shown(&model).into_iter().map(|one| (one.item.id().clone(), one.at)).collect();
        assert_eq!(cached, [(payments().id, now() - Duration::from_secs(1))]);
        assert_eq!(rows::rows(&model), [RowKey::Cached(payments().id)]);
        let store = &model.store;
        assert_eq!(
            (store.rollouts().count(), store.knows_anything(), store.has_looked_for_rollouts()),
            (0, false, false)
        );
        assert_eq!(store.sources(now()).iter().map(|it| it.freshness).max(), Some(Freshness::Never));
        assert_eq!((headline(&model).cause, model.judgements.len(), model.attempts.len()), (Cause::Unknown, 0, 0));
        model.nav.filter = "ledger".to_owned();
        assert_eq!(shown(&model), Vec::<&Cached>::new());
    }

    #[test]
    fn no_verb_goes_forward_or_back_on_what_is_known_from_cache_only() {
        let model = from_cache(60);
        for verb in [Verb::Promote, Verb::Abort, Verb::Rollback] {
            let refusal = guard::ask(&model, ask(verb)).unwrap_err();
            let why = "it is known from cache only, as it was at 2026-03-10 02:06:30 UTC: kubernetes-eu has not been read since";
            assert_eq!(refusal.reasons, [why]);
        }
    }

    #[test]
    fn what_is_read_takes_the_place_of_what_was_cached_and_what_comes_late_takes_the_place_of_nothing() {
        let mut model = from_cache(60);
        let unread = model.store.to_cache();
        model.nav.selected = Some(RowKey::Cached(payments().id));
        see(&mut model, now(), vec![payments()]);
        assert_eq!(rows::rows(&model), [RowKey::Rollout(payments().id)]);
        assert_eq!(rows::selected(&model), Some(RowKey::Rollout(payments().id)), "the choice goes with the object");
        assert_eq!(model.steps_seen.len(), 1, "only what was read is a step that we saw");
        update(&mut model, Msg::Cached(unread.clone()));
        assert_eq!(shown(&model), Vec::<&Cached>::new());
        let mut model = from_cache(60);
        see(&mut model, now(), Vec::new());
        assert_eq!(rows::rows(&model), [], "it is not there any more");
        // From another machine's clock: nothing was seen in the future.
        let mut model = blind();
        let late = unread.into_iter().map(|one| CachedScope { at: after(now(), Duration::from_secs(9)), ..one });
        update(&mut model, Msg::Cached(late.collect()));
        assert_eq!(shown(&model), Vec::<&Cached>::new());
    }

    #[test]
    fn what_is_kept_for_the_next_process_is_what_was_read_and_what_is_still_known_from_cache_only() {
        let old = from_cache(60);
        let ages = |model: &Model| {
            let kept = model.store.to_cache();
            kept.iter().map(|one| (one.source.to_string(), one.at, one.items.len())).collect::<Vec<_>>()
        };
        assert_eq!(ages(&old), [("kubernetes-eu".to_owned(), now() - Duration::from_mins(1), 1)]);
        let mut read = old;
        see(&mut read, now(), vec![payments()]);
        assert_eq!(ages(&read), [("kubernetes-eu".to_owned(), now(), 1)]);
        assert_eq!(ages(&blind()), []);
    }
}
