//! From a verb's key to an `Execute`: ask, draft, card, confirm. Every way out but the last sends nothing.

use crate::{
    app::{
        board,
        card::{Card, Field},
        drawn::Press,
        effect::Effect,
        guard,
        model::{Model, Overlay},
        takeover,
    },
    domain::verb::Verb,
    port::{
        plan::{Ask, Blocked, Draft, Plan, fact},
        record::{ActionNews, Record},
    },
};

/// Said where keys came in faster than a hand presses them.
const TOO_FAST: &str = "these keys came faster than a hand presses them, as a paste does; nothing was sent";
/// Said where the key before is held down.
const HELD: &str = "a key that is held down, or pressed twice at once, confirms nothing; nothing was sent";
/// Said where a card was changed after the newest frame.
const UNSEEN: &str = "this card is not on screen yet as it is: look again; nothing was sent";

/// The keys that follow came in this way.
pub(super) fn came(model: &mut Model, press: Press) {
    model.press = press;
    if press == Press::Burst {
        // The first key of a paste cannot be told from one of a hand until the second one comes.
        change(model, Card::unsay);
    }
}

/// A verb's key was pressed.
pub(super) fn press(model: &mut Model, verb: Verb) -> Vec<Effect> {
    if model.card().is_some() {
        return Vec::new();
    }
    if model.press == Press::Burst {
        model.say(TOO_FAST);
        return Vec::new();
    }
    let Some(target) = board::target(model) else {
        let why = board::unselected(model);
        model.say(format!("{why}; nothing to {} here", verb.words()));
        return Vec::new();
    };
    model.notice = None;
    // Whoever acts on a row has chosen it: should it go away, the next key must not act on the one that takes its place.
    model.nav.selected = board::selected(model);
    match guard::ask(model, Ask::new(verb, target)) {
        Ok(ask) => vec![Effect::Draft(ask)],
        Err(refusal) => {
            model.nav.overlay = Some(Overlay::Refused(refusal));
            Vec::new()
        }
    }
}

/// Somebody takes over what a dead executor left on the selected row.
pub(super) fn take_over(model: &mut Model) -> Vec<Effect> {
    if model.card().is_some() {
        return Vec::new();
    }
    if model.press == Press::Burst {
        model.say(TOO_FAST);
        return Vec::new();
    }
    let Some(target) = board::target(model) else {
        let why = board::unselected(model);
        model.say(format!("{why}; nothing to take over here"));
        return Vec::new();
    };
    model.notice = None;
    match takeover::ask(model, &target) {
        Err(why) => {
            model.say(why);
            Vec::new()
        }
        Ok(asked) => match guard::ask(model, asked) {
            Ok(ask) => vec![Effect::Draft(ask)],
            Err(refusal) => {
                model.nav.overlay = Some(Overlay::Refused(refusal));
                Vec::new()
            }
        },
    }
}

/// A provider drafted what was asked.
pub(super) fn drafted(model: &mut Model, ask: &Ask, draft: Result<Draft, Blocked>) {
    let made = guard::plan(model, ask, draft);
    match (model.card(), made) {
        // A card is open for the same ask: this draft was made because the world moved under it.
        (Some(card), made) if card.ask == *ask => {
            let moved = moved_to(model, &card.plan);
            change(model, |card| hold_against(card, made, moved));
        }
        (Some(_), _) => {}
        (None, Ok(plan)) => {
            model.nav.overlay = Some(Overlay::Card(Box::new(Card::new(ask.clone(), plan))));
            renew(model);
        }
        (None, Err(refusal)) => model.nav.overlay = Some(Overlay::Refused(refusal)),
    }
}

/// Changes the open card. Where it must be seen anew it gets another number.
fn change(model: &mut Model, change: impl FnOnce(&mut Card)) {
    let Some(Overlay::Card(card)) = &mut model.nav.overlay else { return };
    let before = card.clone();
    change(card);
    if card.must_be_seen_anew(&before) {
        renew(model);
    }
}

/// Gives the open card a number that no frame has shown.
fn renew(model: &mut Model) {
    let Some(Overlay::Card(card)) = &mut model.nav.overlay else { return };
    model.nav.revision += 1;
    card.revision = model.nav.revision;
}

/// Which version took the place of the one that a plan acts on, as a sentence.
fn moved_to(model: &Model, plan: &Plan) -> Option<String> {
    let rollout = model.store.rollout(&plan.target)?;
    let (before, after) = (guard::acts_on(plan.verb, &plan.draft)?, rollout.canary.as_ref()?);
    let same = plan.draft.bound.get(fact::CANARY).is_none_or(|bound| *bound == rollout.identity.canary_hash);
    (!same && before != after).then(|| format!("moved {before} → {after}, approval void"))
}

/// Compares an open card with what would be done now, and with the version that is there now.
fn hold_against(card: &mut Card, now: Result<Plan, guard::Refusal>, moved: Option<String>) {
    if moved.is_some() {
        card.moved = moved;
        return;
    }
    match now {
        // What moved and came back has moved: a void card stays void.
        Ok(plan) if plan.draft.bound == card.plan.draft.bound && card.moved.is_some() => {}
        Ok(plan) if plan.draft.bound == card.plan.draft.bound => {
            // Only words changed (an age, a weight): the card follows, what was typed stays.
            card.plan = plan;
        }
        Ok(plan) => {
            let fact = plan.draft.bound.iter().find(|(name, value)| card.plan.draft.bound.get(*name) != Some(value));
            let name = fact.map_or("state", |(name, _)| name.as_str());
            card.moved = Some(format!("the {name} changed since this card was drawn, approval void"));
        }
        Err(refusal) if card.moved.is_none() => card.moved = Some(refusal.reasons.join("; ")),
        Err(_) => {}
    }
}

/// The world was observed anew: an open card is drafted again, so that it can never send what is no longer on screen.
pub(super) fn recheck(model: &mut Model) -> Vec<Effect> {
    match &model.nav.overlay {
        Some(Overlay::Card(card)) => vec![Effect::Draft(card.ask.clone())],
        _ => Vec::new(),
    }
}

/// Enter on a card: the only way to an `Execute`.
pub(super) fn send(model: &mut Model) -> Vec<Effect> {
    if model.nav.filtering {
        model.nav.filtering = false;
        return Vec::new();
    }
    let Some(card) = model.card() else { return Vec::new() };
    if let Some(why) = unsent(model, card).filter(|_| card.moved.is_none()) {
        model.say(why);
        return Vec::new();
    }
    let Some(Overlay::Card(card)) = model.nav.overlay.take() else { return Vec::new() };
    match guard::confirm(model, &card) {
        Ok(confirmed) => {
            // Whatever was said against keys before does not speak of what is done now.
            model.notice = None;
            vec![Effect::Execute(Box::new(confirmed))]
        }
        Err(refusal) => {
            model.nav.overlay = Some(Overlay::Refused(refusal));
            Vec::new()
        }
    }
}

/// Why Enter does not send the card, as a sentence: it was not seen as it is, no hand pressed the key, something is missing.
fn unsent(model: &Model, card: &Card) -> Option<String> {
    match model.press {
        Press::Burst => return Some(TOO_FAST.to_owned()),
        Press::Held => return Some(HELD.to_owned()),
        Press::Hand => {}
    }
    if model.is_card_unseen() {
        return Some(UNSEEN.to_owned());
    }
    card.missing()
}

/// An action went on. Once it has ended, its source is read again at once: what was done must not stand as undone until
/// the next turn.
pub(super) fn news(model: &mut Model, news: ActionNews) -> Vec<Effect> {
    let (record, ended) = (news.record, news.entry.stage.is_end());
    model.actions.news(news);
    let action = model.actions.iter().find(|action| action.record == record).filter(|_| ended);
    action.map(|action| Effect::Hurry(action.plan.target.source.clone())).into_iter().collect()
}

/// A record is there, or went on in another process: its end counts as one of ours does.
pub(super) fn recorded(model: &mut Model, record: Record) -> Vec<Effect> {
    let source = record.intent.plan.target.source.clone();
    let (id, ended) = (record.id, record.end().is_some());
    let was_running = |model: &Model| model.actions.iter().any(|action| action.record == id && action.is_running());
    let ends = ended && was_running(model);
    model.actions.recorded(record);
    ends.then_some(Effect::Hurry(source)).into_iter().collect()
}

/// A character for whatever takes text. Into a card only a hand types, but for a reason in words, which confirms nothing.
pub(super) fn typed(model: &mut Model, c: char) {
    if let Some(why) = model.blind() {
        model.say(why);
    } else if model.nav.filtering {
        model.nav.filter.push(c);
        board::choose(model);
    } else if let Some(card) = model.card() {
        if model.press == Press::Burst && card.field() != Field::Words {
            model.say(TOO_FAST);
        } else {
            change(model, |card| card.typed(c));
        }
    }
}

/// Backspace.
pub(super) fn erase(model: &mut Model) {
    if model.nav.filtering {
        model.nav.filter.pop();
        board::choose(model);
    } else {
        change(model, Card::erase);
    }
}
