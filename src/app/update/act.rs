//! From a verb's key to an `Execute`: ask, draft, card, confirm. Every way out but the last sends nothing.

use std::collections::BTreeSet;

use crate::{
    app::{
        card::{Card, Focus},
        drawn::{Drawn, Extent, Press},
        effect::Effect,
        guard::{self, WAYS_ON},
        menu,
        model::{Model, Overlay},
        preflight, reading, rows, takeover,
    },
    domain::{object::ObjectId, verb::Verb},
    port::{
        plan::{Ask, Blocked, Draft, Plan, fact},
        record::{ActionNews, Record, Stage},
    },
};

/// Said where keys came in faster than a hand presses them.
const TOO_FAST: &str = "these keys came faster than a hand presses them, as a paste does; nothing was sent";
/// Said where the key before is held down.
const HELD: &str = "a key that is held down, or pressed twice at once, confirms nothing; nothing was sent";
/// Said where a verb asks for something else than when its card was drawn.
const ASKS_OTHERWISE: &str = "what it asks for changed since this card was drawn, approval void";
/// Said where there is more on a card than was on screen.
const UNREAD: &str = "read it to its end first, PageDown shows the rest; nothing was sent";
/// Said where a card was changed after the newest frame.
const UNSEEN: &str = "this card is not on screen yet as it is: look again; nothing was sent";

/// The keys that follow came in this way.
pub(super) fn came(model: &mut Model, press: Press) -> Vec<Effect> {
    model.press = press;
    // The first key of a paste cannot be told from one of a hand until the second one comes.
    if press == Press::Burst { change(model, Card::unsay) } else { Vec::new() }
}

/// A verb's key was pressed.
pub(super) fn press(model: &mut Model, verb: Verb) -> Vec<Effect> {
    let targets = rows::targets(model);
    if targets.is_empty() {
        if model.card().is_none() {
            let why = rows::unselected(model);
            model.say(format!("{why}; nothing to {} here", verb.words()));
        }
        return Vec::new();
    }
    press_on(model, verb, targets)
}

/// Marks the selected row, or takes its mark away: the next verb acts on all that are marked, in the order of their marks.
pub(super) fn mark(model: &mut Model) {
    let Some(target) = rows::target(model).filter(|_| rows::is_list(model)) else {
        model.say("there is nothing to mark here: rows of a list are marked");
        return;
    };
    let marked = &mut model.nav.marked;
    match marked.iter().position(|one| *one == target) {
        Some(at) => drop(marked.remove(at)),
        None => marked.push(target),
    }
    match model.nav.marked.len() {
        0 => model.say("no row is marked: a verb acts on the one you are on"),
        1 => model.say("1 row is marked: a verb acts on it, wherever you are in the list"),
        many => model.say(format!("{many} rows are marked: a verb acts on these, in the order of their marks")),
    }
}

/// What the menu has chosen is asked for, of the object that it is about.
pub(super) fn choose(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Menu(menu)) = &model.nav.overlay else { return Vec::new() };
    let (offers, target) = (menu::offers(model, &menu.target), menu.target.clone());
    match offers.get(menu.at(&offers)).map(|offer| offer.verb) {
        Some(verb) => press_on(model, verb, vec![target]),
        None => Vec::new(),
    }
}

/// Does a refusal lie over the screen that has not named this verb as a way on? What somebody types to read back, for a card that they
/// expected, must not begin something else.
fn is_under_refusal(model: &mut Model, verb: Verb) -> bool {
    let Some(Overlay::Refused(refusal)) = &model.nav.overlay else { return false };
    let forces = (refusal.forces.is_some() || refusal.without.is_some()) && refusal.verb == verb;
    let named = forces || (!refusal.ways.is_empty() && WAYS_ON.contains(&verb));
    if !named {
        model.say("this was refused: Esc leaves it, nothing else is begun from here");
    }
    !named
}

fn press_on(model: &mut Model, verb: Verb, targets: Vec<ObjectId>) -> Vec<Effect> {
    if model.card().is_some() || is_under_refusal(model, verb) {
        return Vec::new();
    }
    if model.press == Press::Burst {
        model.say(TOO_FAST);
        return Vec::new();
    }
    model.notice = None;
    // Whoever acts on a row has chosen it: should it go away, the next key must not act on the one that takes its place.
    model.nav.selected = rows::selected(model);
    let forced = match &model.nav.overlay {
        // Once more, of what was refused for nothing but what is known of the way back: it is asked all the same; and of several, without
        // those that are refused.
        Some(Overlay::Refused(refusal)) if refusal.verb == verb => {
            refusal.forces.as_deref().or(refusal.without.as_deref()).cloned()
        }
        _ => None,
    };
    let mut targets = targets.into_iter();
    let Some(first) = targets.next() else { return Vec::new() };
    let ask = forced.unwrap_or_else(|| reading::asked(model, Ask::new(verb, first).and_then(targets)));
    match guard::ask(model, ask) {
        Ok(ask) => {
            // A card lies over the screen, not over the menu that led to it.
            model.nav.overlay = None;
            vec![Effect::Draft(ask)]
        }
        Err(refusal) => {
            model.nav.overlay = Some(Overlay::Refused(refusal));
            Vec::new()
        }
    }
}

/// Somebody takes over what a dead executor left on the selected row.
pub(super) fn take_over(model: &mut Model) -> Vec<Effect> {
    if model.card().is_some() || matches!(model.nav.overlay, Some(Overlay::Refused(_))) {
        return Vec::new();
    }
    if model.press == Press::Burst {
        model.say(TOO_FAST);
        return Vec::new();
    }
    let Some(target) = rows::target(model) else {
        let why = rows::unselected(model);
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
pub(super) fn drafted(model: &mut Model, ask: &Ask, drafts: Vec<Result<Draft, Blocked>>) {
    let impossible = drafts.iter().find_map(|draft| draft.as_ref().err()).map(|blocked| blocked.0.clone());
    let made = guard::plan_of(model, ask, drafts);
    let form = guard::form(model, ask).unwrap_or_default();
    match (model.card(), made) {
        // A card is open for the same ask: this draft was made because it asks for something else, or the world moved under it.
        (Some(card), made) if card.ask == *ask => {
            // What was sent there by an act that this one carries on has changed it: that is no move under the card.
            let left = card.plan.each().enumerate().filter(|(index, _)| takeover::kept(model, ask, *index).is_none());
            let moved = left.map(|(_, one)| one).find_map(|one| moved_to(model, one));
            let moved = moved.or_else(|| (form != card.form).then(|| ASKS_OTHERWISE.to_owned()));
            change(model, |card| match impossible {
                // What was chosen does not work, which is no reason to leave: something else can be chosen.
                Some(why) if !card.is_drawn_up() && moved.is_none() => card.against = Some(why),
                _ => hold_against(card, made, moved),
            });
        }
        (Some(_), _) => {}
        (None, Ok(plan)) => {
            let card = Card::new(ask.clone(), plan).asking(form);
            model.nav.overlay = Some(Overlay::Card(Box::new(card)));
            renew(model);
            read_from_the_start(model);
        }
        (None, Err(refusal)) => model.nav.overlay = Some(Overlay::Refused(refusal)),
    }
}

/// Changes the open card. Where it must be seen anew it gets another number; where it asks for something else now, that is
/// drafted.
pub(super) fn change(model: &mut Model, change: impl FnOnce(&mut Card)) -> Vec<Effect> {
    let Some(Overlay::Card(card)) = &mut model.nav.overlay else { return Vec::new() };
    let before = card.clone();
    change(card);
    let asks = (card.ask != before.ask).then(|| Effect::Draft(card.ask.clone()));
    let (anew, otherwise) = (card.must_be_seen_anew(&before), card.reads_otherwise(&before));
    if anew || otherwise {
        renew(model);
    }
    if otherwise {
        read_from_the_start(model);
    }
    asks.into_iter().collect()
}

/// Nothing of what is on the open card now, as it stands there now, was read yet.
pub(super) fn read_from_the_start(model: &mut Model) {
    model.nav.scroll = 0;
    if let Some(Overlay::Card(card)) = &mut model.nav.overlay {
        (card.since, card.read) = (card.revision, 0);
    }
}

/// A frame is on screen.
pub(super) fn drawn(model: &mut Model, drawn: Drawn) {
    model.drawn = drawn;
    if let (Extent::Part { from, to, .. }, Some(Overlay::Card(card))) = (drawn.extent, &mut model.nav.overlay) {
        card.shown(drawn.card, from, to);
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
        Ok(plan) if is_as_it_was(card, &plan) && card.moved.is_some() => {}
        Ok(plan) if is_as_it_was(card, &plan) => {
            // Words changed (an age, a weight), or what is asked: the card follows, what was typed stays.
            card.plan = plan;
            card.asked = card.ask.clone();
            card.against = None;
        }
        Ok(plan) => {
            let others = plan.each().zip(card.plan.each()).find(|(is, was)| is.draft.bound != was.draft.bound);
            let fact = others.and_then(|(is, was)| {
                is.draft.bound.iter().find(|(name, value)| was.draft.bound.get(*name) != Some(value))
            });
            let name = fact.map_or("state", |(name, _)| name.as_str());
            let of = others
                .filter(|_| !plan.then.is_empty())
                .map_or_else(String::new, |(is, _)| format!(" of {}", is.place()));
            card.moved = Some(format!("the {name}{of} changed since this card was drawn, approval void"));
        }
        Err(refusal) if card.moved.is_none() => card.moved = Some(refusal.reasons.join("; ")),
        Err(_) => {}
    }
}

/// Is the object the one that the card was drawn from? What it is bound to says so. Where something else is asked now, it may be
/// bound to more or to less; which object it is and which version that holds must be the same all the same.
fn is_as_it_was(card: &Card, now: &Plan) -> bool {
    let (was, is) = (&card.plan.draft.bound, &now.draft.bound);
    if card.ask.args == card.asked.args {
        let bound = |plan: &Plan| plan.each().map(|one| one.draft.bound.clone()).collect::<Vec<_>>();
        return bound(&card.plan) == bound(now);
    }
    fact::IDENTITY.iter().all(|name| match (was.get(*name), is.get(*name)) {
        (Some(was), Some(is)) => was == is,
        _ => true,
    })
}

/// The world was observed anew: an open card is drafted again, so that it can never send what is no longer on screen.
pub(super) fn recheck(model: &mut Model) -> Vec<Effect> {
    match &model.nav.overlay {
        Some(Overlay::Card(card)) => vec![Effect::Draft(card.ask.clone())],
        _ => Vec::new(),
    }
}

/// The same where it was told of one rollout: only a card that is about that is drafted again.
pub(super) fn recheck_on(model: &mut Model, rollout: &ObjectId) -> Vec<Effect> {
    let leads_there = |plan: &Plan| {
        let led = preflight::led_by(model, plan.verb, &plan.target, plan.draft.to.as_ref());
        led.iter().any(|(id, _)| id == rollout)
    };
    let is_about = model
        .card()
        .is_some_and(|card| card.ask.targets().any(|target| target == rollout) || card.plan.each().any(leads_there));
    if is_about { recheck(model) } else { Vec::new() }
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
        return next_field(model);
    }
    let Some(Overlay::Card(card)) = model.nav.overlay.take() else { return Vec::new() };
    match guard::confirm(model, &card) {
        Ok(confirmed) => {
            // Whatever was said against keys before does not speak of what is done now.
            model.notice = None;
            // What was marked was marked for this.
            model.nav.marked.clear();
            vec![Effect::Execute(Box::new(confirmed))]
        }
        Err(refusal) => {
            model.nav.overlay = Some(Overlay::Refused(refusal));
            Vec::new()
        }
    }
}

/// Enter in a field of a form that is not whole goes on to the next one: what is typed then is not meant for the one before.
fn next_field(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Card(card)) = &model.nav.overlay else { return Vec::new() };
    let goes_on = match card.focus() {
        Focus::Field(field) => model.press == Press::Hand && !card.lacks(field),
        Focus::Reason | Focus::Words | Focus::ReadBack => false,
    };
    if goes_on { change(model, |card| card.step(true)) } else { Vec::new() }
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
    card.missing().or_else(|| model.is_card_unread().then(|| UNREAD.to_owned()))
}

/// An action went on. Once it has ended, or is done with one of its targets, what it is about is read again at once: what was
/// done must not stand as undone until the next turn.
pub(super) fn news(model: &mut Model, news: ActionNews) -> Vec<Effect> {
    let (record, stage) = (news.record, &news.entry.stage);
    let settled = stage.is_end() || matches!(stage, Stage::Verified { .. });
    model.actions.news(news);
    let action = model.actions.iter().find(|action| action.record == record).filter(|_| settled);
    action.map_or_else(Vec::new, |action| hurry(&action.plan))
}

/// A record is there, or went on in another process: its end counts as one of ours does.
pub(super) fn recorded(model: &mut Model, record: Record) -> Vec<Effect> {
    let hurried = hurry(&record.intent.plan);
    let (id, ended) = (record.id, record.end().is_some());
    let was_running = |model: &Model| model.actions.iter().any(|action| action.record == id && action.is_running());
    let ends = ended && was_running(model);
    model.actions.recorded(record);
    if ends { hurried } else { Vec::new() }
}

/// Reads again what a plan acts on.
fn hurry(plan: &Plan) -> Vec<Effect> {
    let sources: BTreeSet<_> = plan.targets().map(|target| target.source.clone()).collect();
    sources.into_iter().map(Effect::Hurry).collect()
}

/// A character for whatever takes text. Into a card only a hand types, but for a reason in words, which confirms nothing.
pub(super) fn typed(model: &mut Model, c: char) -> Vec<Effect> {
    if let Some(why) = model.blind() {
        model.say(why);
    } else if model.nav.filtering {
        model.nav.filter.push(c);
        rows::choose(model);
    } else if let Some(Overlay::Palette(palette)) = &mut model.nav.overlay {
        palette.typed(c);
    } else if let Some(card) = model.card() {
        if model.press == Press::Burst && !card.focus().takes_text() {
            model.say(TOO_FAST);
        } else {
            return change(model, |card| card.typed(c));
        }
    }
    Vec::new()
}

/// Backspace.
pub(super) fn erase(model: &mut Model) -> Vec<Effect> {
    if model.nav.filtering {
        model.nav.filter.pop();
        rows::choose(model);
        return Vec::new();
    }
    if let Some(Overlay::Palette(palette)) = &mut model.nav.overlay {
        palette.erase();
        return Vec::new();
    }
    change(model, Card::erase)
}

#[cfg(test)]
mod tests;
