//! From a verb to what would be done: calls, binding, expectation, undo, and what to know before pressing.

use std::time::Duration;

use chrono::SecondsFormat;

use super::{
    api::{Counts, Exchange, Workload},
    facts::{IN_THE_WAY, MISSING, OBSERVED, PARTITION, RESTARTED},
    refusal::{denied, refusal},
    request,
    sides::Sides,
};
use crate::{
    domain::{
        rollout::{Arm, Rollout},
        text::shell_word,
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
/// How long one pod may take. Nothing says how long it does: there is no deadline for these.
const A_POD: Duration = Duration::from_mins(10);

/// What it would do; the object as it was on screen is `rollout`, the view may be newer.
pub(super) fn draft<W: Workload>(
    rollout: &Rollout,
    view: &View<'_, W>,
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
    let stage = Stage { rollout, view, sides: Sides::of(view) };
    match ask.verb {
        Verb::Pause => Ok(stage.pause()),
        Verb::Resume => Ok(stage.resume()),
        Verb::Promote => Ok(stage.go_on(Verb::Promote, 0)),
        Verb::Next => Ok(stage.go_on(Verb::Next, view.object.partition().min(rollout.replicas).saturating_sub(1))),
        Verb::Abort => stage.abort(),
        Verb::Rollback => stage.back(Verb::Rollback, target(rollout, ask.to())?),
        Verb::Restart => Ok(stage.restart(now)),
        _ => Err(Blocked(format!("a {} cannot {}", W::WORDS, ask.verb.words()))),
    }
}

struct Stage<'a, W> {
    rollout: &'a Rollout,
    view: &'a View<'a, W>,
    sides: Sides<'a>,
}

impl<W: Workload> Stage<'_, W> {
    fn counts(&self) -> Counts {
        self.view.object.counts()
    }

    fn pause(&self) -> Draft {
        let Counts { wanted, updated, .. } = self.counts();
        let (object, moving) = (self.view.object, self.sides.is_moving());
        let at = if moving { wanted.saturating_sub(updated) } else { wanted };
        let effect = if moving {
            format!("stays at {updated} of {wanted} pods until somebody resumes it")
        } else {
            format!("the next version stops at 0 of {wanted} pods until somebody resumes it")
        };
        let expected = vec![Expect::is(fact::HELD, true), Expect::is(PARTITION, at), Expect::is(OBSERVED, true)];
        let call = request::pause::<W>(object.meta(), at, object.partition());
        let mut draft = self.bound(Verb::Pause, call, effect, expected, SOON);
        if moving {
            draft.notes.insert(0, "both versions go on serving meanwhile".to_owned());
        }
        "resume".clone_into(&mut draft.undo);
        draft
    }

    fn resume(&self) -> Draft {
        let object = self.view.object;
        let to = object.before().unwrap_or(0);
        let wanted = self.counts().wanted;
        let mut effect = format!("goes on from {} of its pods", self.now());
        if to > 0 {
            effect = format!("{effect}, up to {} of {wanted}", wanted.saturating_sub(to));
        }
        let expected = vec![Expect::is(fact::HELD, false), Expect::is(PARTITION, to), Expect::is(OBSERVED, true)];
        let mut draft = self.bound(Verb::Resume, request::resume::<W>(object.meta(), to), effect, expected, SOON);
        "pause".clone_into(&mut draft.undo);
        draft
    }

    /// Past the partition that holds it: all of it, or one pod.
    fn go_on(&self, verb: Verb, to: u32) -> Draft {
        let Counts { wanted, updated, .. } = self.counts();
        let goal = wanted.saturating_sub(to);
        let (object, version) = (self.view.object, canary(self.rollout));
        let expected = vec![
            Expect::is(fact::CANARY, &self.sides.canary_hash),
            Expect::is(OBSERVED, true),
            Expect::is(PARTITION, to),
            at_most(MISSING, i64::from(to)),
        ];
        let effect = format!("{updated} → {goal} of {wanted} pods on {version}");
        let within = within(goal.saturating_sub(updated));
        let mut draft = self.bound(verb, request::go_on::<W>(object.meta(), to), effect, expected, within);
        draft.expect.words = Some(format!("{goal} of {wanted} pods on {version}"));
        draft.undo = format!("abort: {} everywhere again", crate::provider::kubernetes::verbs::stable(self.rollout));
        draft.notes.push(HOW_LONG.to_owned());
        draft
    }

    fn restart(&self, now: Timestamp) -> Draft {
        let at = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let effect = match self.rollout.replicas {
            1 => "replaces its pod; the version stays".to_owned(),
            pods => format!("replaces {pods} pods one after the other; the version stays"),
        };
        let mut expected = vec![Expect::is(RESTARTED, &at)];
        expected.extend(settled());
        let call = request::restart::<W>(self.view.object.meta(), &at);
        let mut draft = self.bound(Verb::Restart, call, effect, expected, within(self.rollout.replicas));
        (draft.from, draft.to) = (self.rollout.canary.clone(), self.rollout.canary.clone());
        draft.moment = Some(now);
        draft.notes.push(HOW_LONG.to_owned());
        "none is needed: the same version runs".clone_into(&mut draft.undo);
        draft
    }

    /// These cannot be aborted; what comes nearest is to put back what served before.
    fn abort(&self) -> Result<Draft, Blocked> {
        let before = &self.rollout.identity.stable_hash;
        let target = self.rollout.arms.iter().find(|arm| arm.hash == *before);
        let gone = || Blocked("what served before is gone since it was drawn".to_owned());
        let mut draft = self.back(Verb::Abort, target.ok_or_else(gone)?)?;
        let note = format!("a {} cannot be aborted: the version that served before is put back", W::WORDS);
        draft.notes.insert(0, note);
        Ok(draft)
    }

    /// Puts a version back: one call, whether a partition holds it or not.
    fn back(&self, verb: Verb, target: &Arm) -> Result<Draft, Blocked> {
        let object = self.view.object;
        let gone = || Blocked(format!("the template of {} is gone", target.called()));
        let to = self.sides.find(&target.hash).ok_or_else(gone)?;
        if to.is_version_of(object.template()) {
            return Err(Blocked(format!("the spec holds {} already", target.called())));
        }
        let from = canary(self.rollout);
        let effect = format!("{} on {from}; {} everywhere", moves(&self.now(), "0 %", " of its pods"), target.called());
        let mut expected = vec![Expect::is(fact::CANARY, &target.hash)];
        expected.extend(settled());
        expected.push(serves(self.rollout));
        // A partition would keep those pods that never left the version that served before: only to that one they need not go.
        let partition = object.before().or_else(|| {
            let elsewhere = object.partition() > 0 && target.hash != self.sides.stable_hash;
            elsewhere.then_some(0)
        });
        let call = request::rollback(object, to, partition);
        let mut draft = self.bound(verb, call, effect, expected, within(self.leaving()));
        draft.expect.words = Some(everywhere(self.rollout, target));
        draft.expect.rests = self.rests(target);
        draft.expect.frees = self.frees(target);
        (draft.from, draft.to) = (self.rollout.canary.clone(), target.version.clone());
        if object.before().is_some() {
            let note = "the person's pause is ended in the same call: it would hold the way back up";
            draft.notes.insert(0, note.to_owned());
        } else if partition.is_some() {
            draft
                .notes
                .insert(0, "the partition is lifted in the same call: it would keep pods from going back".to_owned());
        }
        draft.notes.extend(gitops::applied(object.meta(), &from));
        draft.notes.extend(self.in_the_way(target));
        draft.notes.extend(must_come_up(self.rollout, target));
        draft.notes.push(HOW_LONG.to_owned());
        draft.undo = format!("roll back to {from}");
        Ok(draft)
    }

    /// Where a way back can come to a halt of which nothing frees it but a person: a broken pod, or pods that nobody exchanges.
    fn rests(&self, target: &Arm) -> Vec<Expect> {
        let taken_up = [Expect::is(fact::CANARY, &target.hash), Expect::is(OBSERVED, true)];
        let halt = match self.view.object.exchange() {
            Exchange::OnDelete => Expect::is_not(fact::OTHER_PODS, 0),
            _ if self.view.object.is_ordered() => Expect::is(IN_THE_WAY, true),
            _ => return Vec::new(),
        };
        taken_up.into_iter().chain([halt]).collect()
    }

    /// What lets a way back go on that came to such a halt: no verb does.
    fn frees(&self, target: &Arm) -> Option<String> {
        let object = self.view.object;
        let namespace = shell_word(&object.meta().namespace);
        if object.exchange() == Exchange::OnDelete {
            let selector = crate::provider::kubernetes::api::selector(object.selector()).unwrap_or_default();
            let selector = shell_word(&selector);
            return Some(format!("delete each pod that is to go back: kubectl -n {namespace} get pods -l {selector}"));
        }
        let broken = self.sides.broken(&target.hash);
        object.is_ordered().then(|| match broken.first() {
            Some(_) => {
                let names: Vec<_> = broken.iter().map(|name| shell_word(name)).collect();
                format!("delete it, nothing else frees it: kubectl -n {namespace} delete pod {}", names.join(" "))
            }
            None => "delete the pod that does not become ready, nothing else frees it (kubernetes#67250)".to_owned(),
        })
    }

    /// What somebody must do with their own hands after the call, where something is.
    fn in_the_way(&self, target: &Arm) -> Option<String> {
        let object = self.view.object;
        let namespace = shell_word(&object.meta().namespace);
        if object.exchange() == Exchange::OnDelete {
            let selector = crate::provider::kubernetes::api::selector(object.selector()).unwrap_or_default();
            let list = format!("kubectl -n {namespace} get pods -l {}", shell_word(&selector));
            return Some(format!("its update strategy is OnDelete: each pod goes back when you delete it ({list})"));
        }
        let broken = self.sides.broken(&target.hash);
        let first = broken.first().filter(|_| object.is_ordered())?;
        let others = if broken.len() > 1 { format!(" and {} more", broken.len() - 1) } else { String::new() };
        Some(format!(
            "the controller waits until {first}{others} is ready before it puts any pod back, which a broken pod never is \
             (kubernetes#67250): once this is sent, delete it: kubectl -n {namespace} delete pod {}",
            broken.iter().map(|name| shell_word(name)).collect::<Vec<_>>().join(" ")
        ))
    }

    /// How many pods a way back exchanges at most.
    fn leaving(&self) -> u32 {
        if self.sides.is_moving() { self.counts().updated } else { self.rollout.replicas }
    }

    fn bound(&self, verb: Verb, call: WireCall, effect: String, all: Vec<Expect>, within: Duration) -> Draft {
        let progress = Some((fact::UPDATED_READY.to_owned(), "pods".to_owned()));
        let expect = Expectation { all, within, progress, ..Expectation::default() };
        let draft = Draft::of(&self.rollout.id, call, effect, binding(self.rollout, verb.direction()), expect);
        Draft {
            from: self.rollout.stable.clone(),
            to: self.rollout.canary.clone(),
            notes: gitops::warning(self.view.object.meta()).into_iter().collect(),
            ..draft
        }
    }

    fn now(&self) -> String {
        share_now(self.rollout.weight)
    }
}

/// What is said of the time, for want of one.
const HOW_LONG: &str = "how long it takes is not known: pods go one after the other, and none of them has a deadline";

/// All pods are of the version that the spec holds, and ready.
fn settled() -> [Expect; 4] {
    [Expect::is(OBSERVED, true), at_most(MISSING, 0), at_most(fact::OTHER_PODS, 0), Expect::is(fact::PHASE, "healthy")]
}

/// How long so many pods may take, one after the other.
fn within(pods: u32) -> Duration {
    A_POD * pods.max(1)
}
