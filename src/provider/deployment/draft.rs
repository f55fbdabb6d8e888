//! From a verb to what would be done: calls, binding, expectation, undo, and what to know before pressing.

use std::time::Duration;

use chrono::SecondsFormat;

use super::{
    api::{Deployment, MARKS},
    facts::{MISSING, OBSERVED, RESTARTED},
    refusal::{denied, refusal},
    request,
    sides::Sides,
};
use crate::{
    domain::{
        rollout::{Arm, Rollout},
        time::Timestamp,
        verb::Verb,
    },
    port::plan::{Ask, Blocked, Draft, Expect, Expectation, WireCall, fact, moves},
    provider::kubernetes::{
        facade::View,
        gitops,
        verbs::{at_most, binding, canary, everywhere, must_come_up, serves, share_now, target},
    },
};

/// How long the controller may take to act on a changed spec.
const SOON: Duration = Duration::from_secs(30);
/// `progressDeadlineSeconds` where the spec says nothing.
const DEADLINE: u64 = 600;
/// The least time in which pods are exchanged.
const EXCHANGED: Duration = Duration::from_mins(1);

/// What it would do; the object as it was on screen is `rollout`, the view may be newer.
pub(super) fn draft(
    rollout: &Rollout,
    view: &View<'_, Deployment>,
    ask: &Ask,
    now: Timestamp,
) -> Result<Draft, Blocked> {
    if ask.to().is_some() && ask.verb != Verb::Rollback {
        return Err(Blocked(format!("{} takes no version", ask.verb.words())));
    }
    if ask.sent_before() > 0 {
        return Err(Blocked("it is one call, and that was sent".to_owned()));
    }
    // A version that is named may be there where the default one is not.
    let refused = if ask.to().is_some() { denied(view) } else { refusal(ask.verb, rollout, view) };
    if let Some(why) = refused {
        return Err(Blocked(why));
    }
    let stage = Stage { rollout, view };
    match ask.verb {
        Verb::Pause => Ok(stage.hold(true)),
        Verb::Resume => Ok(stage.hold(false)),
        Verb::Abort => stage.abort(),
        Verb::Rollback => stage.back(Verb::Rollback, target(rollout, ask.to())?),
        Verb::Restart => Ok(stage.restart(now)),
        _ => Err(Blocked(format!("a Deployment cannot {}", ask.verb.words()))),
    }
}

struct Stage<'a> {
    rollout: &'a Rollout,
    view: &'a View<'a, Deployment>,
}

impl Stage<'_> {
    fn hold(&self, paused: bool) -> Draft {
        let (verb, undo) = if paused { (Verb::Pause, "resume") } else { (Verb::Resume, "pause") };
        let now = self.now();
        let effect = if paused {
            format!("stays at {now} of its pods until somebody resumes it")
        } else {
            format!("goes on from {now} of its pods")
        };
        let expected = vec![Expect::is(fact::HELD, paused), Expect::is(OBSERVED, true)];
        let call = request::hold(&self.view.object.metadata, paused);
        let mut draft = self.bound(verb, call, effect, expected, SOON);
        if paused && self.rollout.identity.canary_hash != self.rollout.identity.stable_hash {
            draft.notes.insert(0, "both versions go on serving meanwhile".to_owned());
        }
        undo.clone_into(&mut draft.undo);
        draft
    }

    fn restart(&self, now: Timestamp) -> Draft {
        let at = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let effect = match self.rollout.replicas {
            1 => "replaces its pod; the version stays".to_owned(),
            pods => format!("replaces {pods} pods a few at a time; the version stays"),
        };
        let mut expected = vec![Expect::is(RESTARTED, &at)];
        expected.extend(settled());
        let call = request::restart(&self.view.object.metadata, &at);
        let mut draft = self.bound(Verb::Restart, call, effect, expected, self.deadline());
        (draft.from, draft.to) = (self.rollout.canary.clone(), self.rollout.canary.clone());
        draft.moment = Some(now);
        "none is needed: the same version runs".clone_into(&mut draft.undo);
        draft
    }

    /// A Deployment cannot be aborted; what comes nearest is to put back what served before.
    fn abort(&self) -> Result<Draft, Blocked> {
        let before = &self.rollout.identity.stable_hash;
        let target = self.rollout.arms.iter().find(|arm| arm.hash == *before);
        let gone = || Blocked("what served before is gone since it was drawn".to_owned());
        let mut draft = self.back(Verb::Abort, target.ok_or_else(gone)?)?;
        draft.notes.insert(0, "a Deployment cannot be aborted: the version that served before is put back".to_owned());
        Ok(draft)
    }

    /// Puts a version back: one call, whether a person has paused it or not.
    fn back(&self, verb: Verb, target: &Arm) -> Result<Draft, Blocked> {
        let wire = self.view.object;
        let set = MARKS.find(&self.view.sets, &target.hash);
        let set = set.ok_or_else(|| Blocked(format!("the template of {} is gone", target.called())))?;
        if Sides::of(wire, &self.view.sets).is_held(set) {
            return Err(Blocked(format!("the spec holds {} already", target.called())));
        }
        let from = canary(self.rollout);
        let effect = format!("{} on {from}; {} everywhere", moves(&self.now(), "0 %", " of its pods"), target.called());
        let mut expected = vec![Expect::is(fact::CANARY, &target.hash)];
        expected.extend(settled());
        expected.push(serves(self.rollout));
        let mut draft =
            self.bound(verb, request::rollback(wire, set, &self.view.sets), effect, expected, self.deadline());
        draft.expect.words = Some(everywhere(self.rollout, target));
        (draft.from, draft.to) = (self.rollout.canary.clone(), target.version.clone());
        if wire.spec.paused {
            let note = "the person's pause is ended in the same call: it would hold the way back up";
            draft.notes.insert(0, note.to_owned());
        }
        draft.notes.extend(gitops::applied(&wire.metadata, &from));
        draft.notes.extend(must_come_up(self.rollout, target));
        draft.undo = format!("roll back to {from}");
        Ok(draft)
    }

    fn bound(&self, verb: Verb, call: WireCall, effect: String, all: Vec<Expect>, within: Duration) -> Draft {
        let progress = Some((fact::UPDATED_READY.to_owned(), "pods".to_owned()));
        // No failure: for a while after the patch the conditions still tell of the version that was taken back.
        let expect = Expectation { all, within, progress, ..Expectation::default() };
        let draft = Draft::of(&self.rollout.id, call, effect, binding(self.rollout, verb.direction()), expect);
        Draft {
            from: self.rollout.stable.clone(),
            to: self.rollout.canary.clone(),
            notes: gitops::warning(&self.view.object.metadata).into_iter().collect(),
            ..draft
        }
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(self.view.object.spec.progress_deadline_seconds.unwrap_or(DEADLINE)).max(EXCHANGED)
    }

    fn now(&self) -> String {
        share_now(self.rollout.weight)
    }
}

/// All pods are of the version that the spec holds, and ready.
fn settled() -> [Expect; 4] {
    [Expect::is(OBSERVED, true), at_most(MISSING, 0), at_most(fact::OTHER_PODS, 0), Expect::is(fact::PHASE, "healthy")]
}
