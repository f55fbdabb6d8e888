//! From a verb to what would be done: calls, binding, expectation, undo, and what to know before pressing.

use std::time::Duration;

use super::{
    api::Service,
    facts::{OTHER_RUNS, OTHER_WANTED, SAME, SERVES, UNSETTLED},
    pair::{Pair, Way},
    refusal::{PODS, denied, refusal},
    request,
};
use crate::{
    domain::{
        rollout::{Arm, Rollout},
        text::{clean, counted},
        verb::Verb,
    },
    port::{
        plan::{Ask, Blocked, Draft, Expect, Expectation, WireCall, fact, moves},
        step::Step,
    },
    provider::{
        deployment::api::MARKS,
        kubernetes::{
            facade::View,
            gitops,
            verbs::{at_most, binding, canary, must_come_up, share_now, share_of, stable, target},
        },
    },
};

/// How long a Service or a controller may take to act on a change.
const SOON: Duration = Duration::from_secs(30);
/// How long pods may take to go.
const GONE: Duration = Duration::from_mins(2);
/// `progressDeadlineSeconds` where the spec says nothing.
const DEADLINE: u64 = 600;

/// What it would do; the object as it was on screen is `rollout`, the view may be newer.
pub(super) fn draft(rollout: &Rollout, view: &View<'_, Service>, ask: &Ask) -> Result<Draft, Blocked> {
    if ask.to().is_some() && ask.verb != Verb::Rollback {
        return Err(Blocked(format!("{} takes no version", ask.verb.words())));
    }
    let pair = Pair::of(view).map_err(Blocked)?;
    // A version that is named may be there where the default one is not.
    let named = ask.to().is_some() && pair.way == Way::ByPods;
    let refused = if named { denied(ask.verb, &pair, view) } else { refusal(ask.verb, rollout, view) };
    if let Some(why) = refused {
        return Err(Blocked(why));
    }
    let stage = Stage { rollout, view, pair };
    let mut draft = match (ask.verb, stage.pair.way.clone()) {
        (Verb::Abort, _) => stage.abort(),
        (Verb::Set, _) => stage.set(ask)?,
        (Verb::PromoteFull, Way::ByPods) => stage.promote(),
        (Verb::PromoteFull, Way::BySwitch(label)) => stage.switch(Verb::PromoteFull, &label)?,
        (Verb::Rollback, Way::ByPods) => stage.back(target(rollout, ask.to())?)?,
        (Verb::Rollback, Way::BySwitch(label)) => {
            target(rollout, ask.to())?;
            stage.switch(Verb::Rollback, &label)?
        }
        _ => return Err(Blocked(format!("two Deployments behind one Service cannot {}", ask.verb.words()))),
    };
    if ask.sent_before() >= draft.steps.len() {
        return Err(Blocked("nothing of it is left to send".to_owned()));
    }
    let automation =
        [&stage.pair.stable, &stage.pair.other].into_iter().find_map(|side| gitops::warning(&side.deployment.metadata));
    draft.notes.extend(automation);
    Ok(draft)
}

struct Stage<'a> {
    rollout: &'a Rollout,
    view: &'a View<'a, Service>,
    pair: Pair<'a>,
}

impl Stage<'_> {
    /// Pods of the canary go, and all traffic is on what is stable.
    fn abort(&self) -> Draft {
        let other = &self.pair.other;
        let from = canary(self.rollout);
        let effect = match self.pair.way {
            Way::ByPods => {
                let moves = moves(&share_now(self.rollout.weight), "0 %", "");
                format!("{moves} on {from}; {} everywhere", stable(self.rollout))
            }
            Way::BySwitch(_) => {
                format!("the pods of {from} go; all traffic stays on {}, where it is", stable(self.rollout))
            }
        };
        // With its pods the canary is on its way no more: what is there then is the other one.
        let mut all = away();
        all.push(Expect::is(fact::CANARY, &self.rollout.identity.stable_hash));
        let mut draft = self.drafted(Verb::Abort, vec![request::take_away(other)], effect, all, GONE);
        (draft.from, draft.to) = (self.rollout.canary.clone(), self.rollout.stable.clone());
        draft.expect.words = Some(format!("0 pods of {from}"));
        draft.undo = format!(
            "scale {} to {} again; it still holds {from}",
            clean(other.name()),
            counted(other.deployment.replicas(), "pod")
        );
        draft.notes.push(format!("{} still holds {from}: whoever scales it up brings it back", clean(other.name())));
        draft
    }

    /// Another share, by pods.
    fn set(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let number = ask.args.text(PODS).and_then(|text| text.trim().parse::<u32>().ok());
        let pods = number.filter(|pods| (1..=1000).contains(pods));
        let pods = pods.ok_or_else(|| {
            Blocked("how many pods the canary is to have is a number from 1 on; abort takes all away".to_owned())
        })?;
        let other = &self.pair.other;
        let now = other.deployment.replicas();
        if pods == now {
            return Err(Blocked(format!("{} asks for {} already", clean(other.name()), counted(now, "pod"))));
        }
        let all = self.pair.stable.deployment.replicas() + pods;
        let share = share_of(pods, all, 100);
        let effect = format!(
            "{} on {} ({now} → {pods} of {all})",
            moves(&share_now(self.rollout.weight), &format!("{share} %"), " of the pods"),
            canary(self.rollout)
        );
        let expected = vec![Expect::is(OTHER_WANTED, pods), Expect::is(fact::UPDATED_READY, pods)];
        let mut draft = self.drafted(Verb::Set, vec![request::scale(other, pods)], effect, expected, self.deadline());
        draft.undo = format!("set it to {} again, or abort", counted(now, "pod"));
        if pods < now {
            let (fewer, left) = (now - pods, self.pair.stable.ready() + pods);
            let fewer = if fewer == 1 { "1 pod less carries".to_owned() } else { format!("{fewer} pods less carry") };
            draft.notes.push(format!("{fewer} the traffic: about {left} are left, most of them stable's"));
        }
        draft.notes.push("how much of the traffic a pod takes follows from the Service: pods count alike, nobody splits it by weight".to_owned());
        Ok(draft)
    }

    /// The stable side gets what the canary runs, and when all of its pods have it the canary's go.
    fn promote(&self) -> Draft {
        let (stable_side, other) = (&self.pair.stable, &self.pair.other);
        let version = canary(self.rollout);
        let effect =
            format!("{} on {version}; then the canary's pods go", moves(&share_now(self.rollout.weight), "100 %", ""));
        let calls = vec![request::give(stable_side, other), request::take_away(other)];
        let mut all = vec![Expect::is(SAME, true), at_most(UNSETTLED, 0)];
        all.extend(away());
        let mut draft = self.drafted(Verb::PromoteFull, calls, effect, all, GONE);
        let first = Expectation {
            all: vec![Expect::is(SAME, true), at_most(UNSETTLED, 0)],
            words: Some(format!("every pod of {} on {version}", clean(stable_side.name()))),
            within: self.deadline(),
            progress: Some((UNSETTLED.to_owned(), "pods".to_owned())),
            ..Expectation::default()
        };
        if let Some(step) = draft.steps.first_mut() {
            step.expect = Some(first);
        }
        draft.expect.words = Some(format!("all traffic on {version}"));
        draft.undo = format!("roll back to {}", stable(self.rollout));
        draft
            .notes
            .push("the two calls belong together: between them both Deployments serve the new version".to_owned());
        draft
    }

    /// Puts a version back: while a canary is on its way by taking it away, else by the stable side's own history.
    fn back(&self, target: &Arm) -> Result<Draft, Blocked> {
        if target.hash == self.rollout.identity.stable_hash {
            return Ok(self.abort());
        }
        let (side, from) = (&self.pair.stable, canary(self.rollout));
        let gone = || Blocked(format!("the template of {} is gone", target.called()));
        let set = MARKS.find(&side.sets, &target.hash).ok_or_else(gone)?;
        let mut calls = Vec::new();
        if self.pair.other.runs() {
            calls.push(request::take_away(&self.pair.other));
        }
        calls.push(request::put_back(side, set));
        let effect = format!("{from} → {} everywhere", target.called());
        let mut all = vec![Expect::is(fact::STABLE, &target.hash), at_most(UNSETTLED, 0)];
        all.extend(away());
        let mut draft = self.drafted(Verb::Rollback, calls, effect, all, self.deadline());
        (draft.from, draft.to) = (self.rollout.canary.clone(), target.version.clone());
        draft.expect.words = Some(format!("every pod of {} on {}", clean(side.name()), target.called()));
        draft.undo = format!("roll back to {from}");
        draft.notes.extend(must_come_up(self.rollout, target));
        Ok(draft)
    }

    /// All traffic to the other side, at once.
    fn switch(&self, verb: Verb, label: &str) -> Result<Draft, Blocked> {
        let (serving, other) = (&self.pair.stable, &self.pair.other);
        let no_label =
            || Blocked(format!("the pods of {} have no label {label} to select them by", clean(other.name())));
        let to = other.template().label(label).ok_or_else(no_label)?;
        let call = request::switch(self.view.object, label, to);
        let arm = self.rollout.arms.iter().find(|arm| arm.hash == other.hash());
        let called = arm.map_or_else(|| "the other side".to_owned(), Arm::called);
        let (ready, wanted) = (other.ready(), serving.deployment.replicas());
        let effect = format!("all traffic from {} to {called}, at once", stable(self.rollout));
        let expected = vec![Expect::is(SERVES, clean(other.name()))];
        let mut draft = self.drafted(verb, vec![call], effect, expected, SOON);
        (draft.from, draft.to) = (self.rollout.stable.clone(), arm.and_then(|arm| arm.version.clone()));
        draft.expect.words = Some(format!("all traffic on {called}"));
        draft.undo = format!(
            "{}: switch back, at once as long as {} runs",
            if verb == Verb::Rollback { "promote full" } else { "roll back" },
            clean(serving.name())
        );
        let (which, are) =
            (counted(ready, "pod"), if ready == 1 { "is ready and carries" } else { "are ready and carry" });
        draft.notes.push(format!("{which} of {called} {are} {label}={to}; {wanted} carry the traffic now"));
        if ready < wanted {
            draft.notes.push(format!(
                "only {ready} of {wanted} pods of {called} run now: fewer would carry all of the traffic"
            ));
        }
        Ok(draft)
    }

    fn drafted(&self, verb: Verb, calls: Vec<WireCall>, effect: String, all: Vec<Expect>, within: Duration) -> Draft {
        let progress = Some((fact::WEIGHT.to_owned(), "%".to_owned()));
        let expect = Expectation { all, within, progress, ..Expectation::default() };
        let id = &self.rollout.id;
        let steps = calls.into_iter().map(|call| Step::new(id, call)).collect();
        let none = Draft::of(id, WireCall::default(), effect, binding(self.rollout, verb.direction()), expect);
        Draft { from: self.rollout.stable.clone(), to: self.rollout.canary.clone(), steps, ..none }
    }

    fn deadline(&self) -> Duration {
        let seconds = |deployment: &crate::provider::deployment::api::Deployment| {
            deployment.spec.progress_deadline_seconds.unwrap_or(DEADLINE)
        };
        Duration::from_secs(seconds(&self.pair.stable.deployment).max(seconds(&self.pair.other.deployment)))
    }
}

/// The other side has no pods, and asks for none.
fn away() -> Vec<Expect> {
    vec![at_most(OTHER_WANTED, 0), at_most(OTHER_RUNS, 0)]
}
