//! From a verb to what would be done: calls, binding, expectation, undo, and what to know before pressing.

use std::time::Duration;

use chrono::SecondsFormat;

use super::{
    api::managed,
    declared::{Declared, shown, version},
    facts::{ANSWER, APPLIED, OUTCOME, SOURCE, TRIED, answer_of},
    helm_release::{FORCE, RESET},
    normalize::called,
    refusal::{denied, refusal},
    request,
    source::{self, Seen},
};
use crate::{
    domain::{
        form::{Field, Kind as Form},
        rollout::{Identity, Rollout},
        text::clean,
        time::Timestamp,
        verb::Verb,
    },
    port::{
        plan::{Ask, Blocked, Draft, Expect, Expectation, Facts, fact},
        step::Step,
    },
    provider::kubernetes::facade::View,
};

/// How long it may take until a changed spec is read again.
const SOON: Duration = Duration::from_secs(30);
/// How long a source may take to be fetched.
const FETCHED: Duration = Duration::from_mins(2);
/// How long more than its own time a reconciliation is waited for: it may stand in a queue.
const QUEUED: Duration = Duration::from_mins(1);
/// What is managed of which kinds is worth naming.
const WORKLOADS: &[&str] =
    &["Deployment", "StatefulSet", "DaemonSet", "Rollout", "Canary", "HelmRelease", "Kustomization"];
/// How many of them are named.
const NAMED: usize = 4;

/// The name of the field that fetches the source first.
const FETCH: &str = "source";

/// The field that fetches the source first.
pub(super) fn source_first() -> Field {
    Field::new(FETCH, "Fetch the source first", Form::Flag)
        .hint("what it holds then is applied, not what was fetched last")
}

/// What it would do; the object as it was on screen is `rollout`, the view may be newer.
pub(super) fn draft<O: Declared>(
    rollout: &Rollout,
    view: &View<'_, O>,
    ask: &Ask,
    now: Timestamp,
) -> Result<Draft, Blocked> {
    if ask.to().is_some() {
        return Err(Blocked(match ask.verb {
            Verb::Rollback | Verb::Abort => refusal(ask.verb, rollout, view).unwrap_or_default(),
            verb => format!("{} takes no version", verb.words()),
        }));
    }
    // What was sent of it has changed what can be begun; the rest may go on.
    let refused = if ask.sent_before() == 0 { refusal(ask.verb, rollout, view) } else { denied(view) };
    if let Some(why) = refused {
        return Err(Blocked(why));
    }
    let stage = Stage { rollout, view };
    let draft = match ask.verb {
        Verb::Pause => stage.pause(),
        Verb::Resume => stage.resume(),
        Verb::Reconcile => stage.reconcile(ask, now)?,
        verb => return Err(Blocked(format!("a {} of Flux cannot {}", O::NOUN, verb.words()))),
    };
    if ask.sent_before() >= draft.steps.len() {
        return Err(Blocked("nothing of it is left to send".to_owned()));
    }
    Ok(draft)
}

struct Stage<'a, O> {
    rollout: &'a Rollout,
    view: &'a View<'a, O>,
}

impl<O: Declared> Stage<'_, O> {
    fn pause(&self) -> Draft {
        let effect = match self.applied() {
            Some(version) => format!("nothing is applied any more; {version} stays as it runs"),
            None => "nothing is applied any more; what runs stays".to_owned(),
        };
        let expect = Expectation { all: vec![Expect::is(fact::HELD, true)], within: SOON, ..Expectation::default() };
        // Whatever is applied meanwhile does not keep anybody from holding it; but somebody else's hold is not taken for ours.
        let bound = Facts::from([self.uid(), (fact::HELD.to_owned(), false.to_string())]);
        let mut draft = Draft::of(&self.rollout.id, request::suspend(self.view.object, true), effect, bound, expect);
        draft.notes = self.notes();
        draft.notes.insert(0, "what is being applied right now is not stopped by it".to_owned());
        let by_hand = "whatever is changed by hand meanwhile stays changed: nobody puts it right until it is resumed";
        draft.notes.insert(1, by_hand.to_owned());
        draft.notes.extend(source::writers(self.view).into_iter().map(|writer| {
            format!("ImageUpdateAutomation {writer} goes on writing new tags into its source meanwhile")
        }));
        "resume".clone_into(&mut draft.undo);
        self.between(draft, None)
    }

    fn resume(&self) -> Draft {
        let held = source::held(self.view);
        let next = self.rollout.identity.generation + 1;
        let expect = Expectation {
            all: vec![Expect::is(fact::HELD, false), Expect::is(OUTCOME, format!("{next} ready"))],
            fails_if: vec![Expect::is(OUTCOME, format!("{next} failed"))],
            words: Some("resumed, and what its source holds is applied".to_owned()),
            within: self.patience(),
            ..Expectation::default()
        };
        let effect = format!("applies at once what its source holds: {}", self.what(held.as_deref()));
        let call = request::suspend(self.view.object, false);
        let mut draft = Draft::of(&self.rollout.id, call, effect, self.bound(held.as_deref()), expect);
        draft.notes = self.notes();
        draft.notes.insert(0, "whatever was changed by hand meanwhile is put back to what is declared".to_owned());
        "pause; what was applied stays".clone_into(&mut draft.undo);
        self.between(draft, held.as_deref())
    }

    fn reconcile(&self, ask: &Ask, now: Timestamp) -> Result<Draft, Blocked> {
        let token = now.to_rfc3339_opts(SecondsFormat::Nanos, true);
        let (first, force) = (ask.args.is_set(FETCH), ask.args.is_set(FORCE));
        let sources = if first { self.fetched()? } else { Vec::new() };
        let held = source::held(self.view).filter(|_| !first);
        let effect = if first {
            let words: Vec<String> = sources.iter().map(|source| source.sought.words()).collect();
            format!("fetches {}, and applies what is there then", words.join(" and "))
        } else {
            format!("applies what was fetched last: {}", self.what(held.as_deref()))
        };
        let call = request::reconcile(self.view.object, &token, force, ask.args.is_set(RESET));
        let mut draft = Draft::of(&self.rollout.id, call, effect, self.bound(held.as_deref()), self.answered(&token));
        if first {
            // What the source holds then is what is asked for, and it may be applied before our own request.
            draft.bound.retain(|name, _| name == fact::UID || name == fact::GENERATION);
        }
        let fetch = |seen: &Seen| {
            let answer = answer_of(&seen.sought);
            let expect = Expectation {
                all: vec![Expect::is(&answer, format!("{token} ready"))],
                fails_if: vec![Expect::is(&answer, format!("{token} failed"))],
                words: Some(format!("{} is fetched", seen.sought.words())),
                within: FETCHED,
                ..Expectation::default()
            };
            Step::new(&self.rollout.id, request::fetch(seen, &token)).then(expect)
        };
        draft.steps.splice(0..0, sources.iter().map(fetch));
        draft.moment = Some(now);
        draft.notes = self.notes();
        if force {
            draft.notes.insert(0, "a Helm upgrade is made even where nothing changed".to_owned());
        }
        "revert it in git: what is declared is applied".clone_into(&mut draft.undo);
        Ok(self.between(draft, held.as_deref()))
    }

    /// The sources that can be fetched.
    fn fetched(&self) -> Result<Vec<Seen>, Blocked> {
        let seen = source::seen(self.view);
        if let Some(held) = seen.iter().find(|source| source.wire.spec.suspend) {
            return Err(Blocked(format!("{} is suspended, so nothing would be fetched", held.sought.words())));
        }
        let followed: Vec<Seen> = seen.into_iter().filter(Seen::is_followed).collect();
        if followed.is_empty() {
            return Err(Blocked("no source of it is seen that could be fetched".to_owned()));
        }
        Ok(followed)
    }

    fn answered(&self, token: &str) -> Expectation {
        Expectation {
            all: vec![Expect::is(ANSWER, format!("{token} ready"))],
            fails_if: vec![Expect::is(ANSWER, format!("{token} failed"))],
            words: Some("reconciled, and ready".to_owned()),
            within: self.patience(),
            ..Expectation::default()
        }
    }

    /// What a forward verb is bound to: everything on screen, and what would be applied.
    fn bound(&self, held: Option<&str>) -> Facts {
        let Identity { generation, canary_hash, stable_hash, .. } = &self.rollout.identity;
        let mut bound = Facts::from([
            self.uid(),
            (fact::GENERATION.to_owned(), generation.to_string()),
            (TRIED.to_owned(), clean(canary_hash)),
            (APPLIED.to_owned(), clean(stable_hash)),
        ]);
        bound.extend(held.map(|revision| (SOURCE.to_owned(), clean(revision))));
        bound
    }

    fn uid(&self) -> (String, String) {
        (fact::UID.to_owned(), self.rollout.identity.uid.clone())
    }

    fn what(&self, held: Option<&str>) -> String {
        match held {
            Some(held) if held == self.rollout.identity.stable_hash => format!("{}, which is applied", called(held)),
            Some(held) => called(held),
            None => "which revision that is, is not known".to_owned(),
        }
    }

    fn applied(&self) -> Option<String> {
        self.rollout.stable.as_ref().map(ToString::to_string)
    }

    fn between(&self, mut draft: Draft, held: Option<&str>) -> Draft {
        draft.from.clone_from(&self.rollout.stable);
        draft.to = held.and_then(version).or_else(|| self.rollout.canary.clone());
        draft
    }

    fn patience(&self) -> Duration {
        self.view.object.timeout() + QUEUED
    }

    fn notes(&self) -> Vec<String> {
        let object = self.view.object;
        let parent = object.parent().map(|parent| {
            format!(
                "{parent} applies this object: where git says `suspend`, its next interval writes over what is set here"
            )
        });
        parent.into_iter().chain(self.managed()).collect()
    }

    /// What it manages, as far as that is worth naming.
    fn managed(&self) -> Option<String> {
        let all = &self.view.object.inventory()?.entries;
        let named: Vec<String> = all.iter().filter_map(|entry| managed(&entry.id)).map(|it| clean(&it)).collect();
        let is_workload = |one: &&String| WORKLOADS.iter().any(|kind| one.split(' ').next() == Some(kind));
        let workloads: Vec<&str> = named.iter().filter(is_workload).map(String::as_str).collect();
        let interval = shown(self.view.object.interval());
        let how_often = if interval.is_empty() { String::new() } else { format!(", every {interval}") };
        let (first, rest) = workloads.split_at(workloads.len().min(NAMED));
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        match (all.len(), first) {
            (0, _) => None,
            (count, []) => Some(format!("it manages {}{how_often}", objects(count))),
            (count, first) => Some(format!("it manages {}{how_often}: {}{more}", objects(count), first.join(", "))),
        }
    }
}

fn objects(count: usize) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}
