//! `--linear`: the board as plain lines, for screen readers, braille lines, logs and terminals that cannot move a cursor. Everything once,
//! and from then on what changed, a line each.
//!
//! What only grows older is no change: a line says no ages, and a verdict is said anew when it becomes another one, not with every
//! request that is counted.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    app::{
        action::Action,
        board, cells,
        headline::{self, Headline},
        inbox,
        model::Model,
        past_us,
        store::SourceState,
        watch,
    },
    cli::{action, source},
    domain::{
        evidence::Verdict,
        gate::{Eligibility, nobody_can},
        item::Item,
        object::ObjectId,
        observed::Freshness,
        rollout::Rollout,
        version::Version,
    },
    words,
};

/// How long an act that has ended is told of.
const TOLD: Duration = Duration::from_mins(10);

/// One line: what it is about, what must change for it to be said again, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    about: String,
    state: String,
    text: String,
}

impl Said {
    /// A line that is said again whenever it says something else.
    fn of(about: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { about: about.into(), state: text.clone(), text }
    }
}

/// What was said so far.
#[derive(Clone, Debug, Default)]
pub struct Linear {
    said: BTreeMap<String, Said>,
}

impl Linear {
    /// The lines that have not been said yet, in the order of the board; what is not there any more is said to be gone. `words` makes
    /// the headline's text.
    pub fn news(&mut self, model: &Model, words: fn(&Model) -> String) -> Vec<String> {
        let now = lines(model, words);
        let is_new = |one: &&Said| self.said.get(&one.about).is_none_or(|before| before.state != one.state);
        let mut news: Vec<String> = now.iter().filter(is_new).map(|one| one.text.clone()).collect();
        let still = |about: &String| now.iter().any(|one| one.about == *about);
        let gone = self.said.keys().filter(|about| !still(about));
        news.extend(gone.filter_map(|about| Some(format!("{about}: {}", left(about)?))));
        self.said = now.into_iter().map(|one| (one.about.clone(), one)).collect();
        news
    }
}

/// What is said of what is not there any more; nothing where something else has taken its place, or it is long over.
fn left(about: &str) -> Option<&'static str> {
    let is = |what: &str| about.starts_with(what);
    is("waits ").then_some("no longer waits").or_else(|| is("release ").then_some("no longer in flight"))
}

fn lines(model: &Model, words: fn(&Model) -> String) -> Vec<Said> {
    let Headline { cause, rollout, back, returned, .. } = headline::headline(model);
    let answer = Said {
        about: "headline".to_owned(),
        state: format!("{cause} {rollout:?} {} {}", back.is_some(), returned.is_some()),
        text: format!("headline: {}", words(model)),
    };
    let mut all = vec![answer];
    all.extend(sources(model));
    all.extend(board::in_flight(model).into_iter().map(|rollout| release(model, rollout)));
    all.extend(cells::all(model).iter().map(|cells| {
        // Two stages of one service may have cells, each by itself.
        let stage = cells.all.first().map(|cell| cell.environment.as_str().split('/').next().unwrap_or_default());
        let about = format!("cells of {} in {}", cells.service, stage.unwrap_or_default());
        Said::of(&*about, format!("{about}: {}", words::cells::whole(cells, None)))
    }));
    let flying = |id: &ObjectId| model.store.rollout(id).is_some();
    let gates = inbox::items(model).into_iter().filter(|item| !flying(&item.target));
    all.extend(gates.map(|item| gate(&item)));
    let told = model.actions.iter().filter(|action| action.is_running() || !is_old(model, action));
    all.extend(told.map(|action| act(model, action)));
    all.extend(past_us::just_now(model).into_iter().map(|(rollout, act)| {
        let about = format!("past us, {} in {}", rollout.service, rollout.environment);
        let text = format!("{about}: {}", act.said_of(model.now));
        Said::of(format!("{about} {:?}", act.seen), text)
    }));
    all.extend(steady(model));
    all.extend(model.store.cached().map(|cached| {
        let (name, at) = (called(&cached.item), cached.at.format("%H:%M:%S"));
        Said::of(format!("from cache: {name}"), format!("from cache, as it was at {at} UTC, not read yet: {name}"))
    }));
    all
}

/// A source that is live is not worth a line; one that was not and is again is.
fn sources(model: &Model) -> Vec<Said> {
    let one = |state: &SourceState| {
        let about = format!("source {}", state.source);
        match state.freshness {
            Freshness::Live if state.unread.is_empty() => Said::of(&*about, format!("{about}: live")),
            Freshness::Live => Said::of(&*about, format!("{about}: incomplete: {}", state.unread.join("; "))),
            freshness => {
                // It may fail in many words, one after the other: another kind is told.
                let why = state.fault.as_ref().map(|fault| fault.kind.to_string()).unwrap_or_default();
                let text = format!("source {}", source::sentence(state));
                Said { about, state: format!("{freshness} {why}"), text }
            }
        }
    };
    model.store.sources(model.now).iter().map(one).collect()
}

/// `release payments in prod/eu: 1.41.3 to 1.42.0, paused, step 5 of 8, 25 percent, NO-GO: errors 3.1 % against 0.2 %`.
fn release(model: &Model, rollout: &Rollout) -> Said {
    let about = format!("release {} in {}", rollout.service, rollout.environment);
    let tag = |version: &Option<Version>| {
        version.as_ref().map_or_else(|| "unknown".to_owned(), |version| version.tag.clone())
    };
    let mut parts = vec![format!("{} to {}", tag(&rollout.stable), tag(&rollout.canary)), rollout.phase.to_string()];
    if rollout.held {
        parts.push("held by a person".to_owned());
    } else if inbox::waits(rollout) {
        parts.push("waits for a human".to_owned());
    }
    parts.extend(rollout.step.map(|step| format!("step {step} of {}", rollout.steps.len())));
    parts.extend(rollout.weight.reached().map(|weight| format!("{weight} percent of traffic")));
    parts.extend(rollout.troubles.first().cloned());
    parts.extend(model.verdict(&rollout.id).map(|verdict| Verdict::words(verdict).to_owned()));
    let state = parts.join(", ");
    let outdated = model.outdated(&rollout.id).as_ref().map(words::outdated);
    let why = outdated.or_else(|| model.judgements.get(&rollout.id).map(words::beside_word));
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    Said { text: format!("{about}: {state}{why}"), about, state }
}

fn gate(item: &inbox::Item) -> Said {
    let place = if item.environment.as_str().is_empty() { String::new() } else { format!(" in {}", item.environment) };
    let version = item.version.as_ref().map(|version| format!(", {version}")).unwrap_or_default();
    let you = match (&item.refused, &item.eligible) {
        (Some(why), _) => format!("refused: {why}"),
        (None, Eligibility::Can) => "you can".to_owned(),
        (None, Eligibility::Cannot { why, .. }) => format!("you cannot: {why}"),
        (None, Eligibility::Nobody { why }) => nobody_can(why),
        (None, Eligibility::Unknown { why }) => why.clone(),
    };
    let text = format!("waits {}{place}: {}, {}{version}: {you}", item.service, item.system, item.title);
    Said::of(format!("waits {}{place}: {}", item.service, item.title), text)
}

/// What ended long ago is history.
fn is_old(model: &Model, action: &Action) -> bool {
    action.entries.last().map_or(action.since, |entry| entry.at) + TOLD < model.now
}

fn act(model: &Model, action: &Action) -> Said {
    let about = format!("record {} {} {}", action.record, action.plan.verb.words(), action.plan.places());
    if let Some(later) = model.actions.rests_until(action) {
        return Said::of(&*about, format!("{about}, by {}: rested until record {later}", action.who));
    }
    let stage = action.entries.last().map(|entry| action::words(&entry.stage));
    let said = stage.map_or_else(|| "begun".to_owned(), |(name, said)| format!("{}, {said}", name.replace('_', " ")));
    Said::of(&*about, format!("{about}, by {}: {said}", action.who))
}

/// How many have nothing on their way, and which of those have just arrived.
fn steady(model: &Model) -> Vec<Said> {
    let resting = || model.store.rollouts().filter(|rollout| !rollout.in_flight());
    let count = resting().count();
    let arrived = resting().filter(|rollout| watch::is_followed(model, rollout)).map(|rollout| {
        let version = rollout.stable.as_ref().map_or_else(|| "a version".to_owned(), ToString::to_string);
        let about = format!("release {} in {}", rollout.service, rollout.environment);
        Said::of(&*about, format!("{about}: arrived, {version} serves all"))
    });
    let mut all: Vec<Said> = arrived.collect();
    if count > 0 {
        all.push(Said::of("steady", format!("steady: {count}")));
    }
    all
}

/// `payments in prod/eu`, `ledger deploy #812`, `ledger: deploy to prod`.
fn called(item: &Item) -> String {
    match item {
        Item::Rollout(rollout) => format!("{} in {}", rollout.service, rollout.environment),
        Item::Gate(gate) => format!("{}: {}", gate.service, gate.title),
        Item::Run(run) => format!("{} {} #{}", run.service, run.pipeline, run.number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::sample, domain::rollout::Phase};

    fn headline(_: &Model) -> String {
        "the answer".to_owned()
    }

    #[test]
    fn everything_is_said_once_and_then_only_what_changed() {
        let (mut model, mut linear) = (sample::judged(Verdict::Wait), Linear::default());
        let first = linear.news(&model, headline);
        assert_eq!(first.first().map(String::as_str), Some("headline: the answer"));
        assert!(
            first.iter().any(|line| line.starts_with("release payments in ") && line.contains(", WAIT")),
            "{first:#?}"
        );
        assert!(first.iter().all(|line| line.chars().all(|c| !c.is_control())));
        model.now += chrono::TimeDelta::seconds(1);
        assert_eq!(linear.news(&model, headline), [""; 0], "time alone is no change");
        let source = model.session.sources[0].name.clone();
        let aborted = sample::rollout(&source, Phase::Aborted);
        sample::sees(&mut model, source.as_str(), aborted);
        let news = linear.news(&model, headline);
        assert!(
            news.iter().any(|line| line.starts_with("release payments in ") && line.contains("aborted")),
            "{news:#?}"
        );
        assert!(!news.iter().any(|line| line.starts_with("steady")), "{news:#?}");
        sample::fails(&mut model, source.as_str());
        let news = linear.news(&model, headline);
        assert!(news.iter().any(|line| line.starts_with(&format!("source {source} is failing"))), "{news:#?}");
    }
}
