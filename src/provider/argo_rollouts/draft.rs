//! From a verb to what would be done: calls, binding, expectation, undo, and what to know before pressing.

use std::time::Duration;

use chrono::SecondsFormat;

use super::{
    api::Rollout as Wire,
    back,
    facts::{MISSING, OBSERVED, RESTARTED},
    refusal::{refusal, refusal_to_named, refusal_to_the_rest},
    request,
};
use crate::{
    domain::{
        rollout::{Arm, Role, Rollout, StepKind, Strategy},
        time::Timestamp,
        verb::Verb,
    },
    port::{
        plan::{Ask, Blocked, Draft, Expect, Expectation, WireCall, fact, moves},
        step::Step,
    },
    provider::kubernetes::{
        facade::View,
        gitops,
        verbs::{at_most, binding, canary, must_come_up, share, share_now, stable},
    },
};

/// How long the controller may take to act on a changed status or spec.
const SOON: Duration = Duration::from_secs(30);
/// How long traffic may take to leave an aborted version.
const AWAY: Duration = Duration::from_mins(1);
/// `progressDeadlineSeconds` where the spec says nothing.
const DEADLINE: u64 = 600;

/// What it would do; the object as it was on screen is `rollout`, the view may be newer.
pub(super) fn draft(rollout: &Rollout, view: &View<'_, Wire>, ask: &Ask, now: Timestamp) -> Result<Draft, Blocked> {
    if ask.to().is_some() && ask.verb != Verb::Rollback {
        return Err(Blocked(format!("{} takes no version", ask.verb.words())));
    }
    let stage = Stage { rollout, view };
    let refused = match ask.sent_before() {
        0 if ask.to().is_some() => refusal_to_named(view),
        0 => refusal(ask.verb, rollout, view),
        _ => refusal_to_the_rest(ask.verb, view),
    };
    if let Some(why) = refused {
        return Err(Blocked(why));
    }
    match ask.verb {
        Verb::Promote => Ok(stage.promote()),
        Verb::Skip => stage.skip(),
        Verb::PromoteFull => Ok(stage.promote_full()),
        Verb::Pause => Ok(stage.hold(true)),
        Verb::Resume => Ok(stage.hold(false)),
        Verb::Abort => Ok(stage.abort()),
        Verb::Rollback if ask.sent_before() > 0 => back::the_rest(&stage, ask.to()),
        Verb::Rollback => back::rollback(&stage, ask.to()),
        Verb::Retry => Ok(stage.retry()),
        Verb::Restart => Ok(stage.restart(now)),
        _ => Err(Blocked(format!("Argo Rollouts cannot {}", ask.verb.words()))),
    }
}

/// What a draft is made from.
pub(super) struct Stage<'a> {
    /// As it was on screen.
    pub rollout: &'a Rollout,
    /// As it is known now.
    pub view: &'a View<'a, Wire>,
}

impl Stage<'_> {
    fn promote(&self) -> Draft {
        let wire = self.view.object;
        let paused_at = self.rollout.step.filter(|_| self.analysis_is_inconclusive());
        let next = paused_at.map(|index| (index + 1).min(self.rollout.steps.len()));
        let effect = match self.rollout.step {
            Some(index) => format!("continues past step {}; {}", self.step(index), self.next(index + 1)),
            None => format!("traffic moves from {} to {}", stable(self.rollout), canary(self.rollout)),
        };
        // A step that is over moves the index; a blue-green rollout has none, and a doubt may arise outside of pauses.
        let moved = match (self.rollout.step, self.rollout.current_step().map(|step| step.kind)) {
            (Some(index), Some(StepKind::Pause(_))) => Expect::is_not(fact::STEP, index),
            _ => Expect::is(fact::PAUSED, false),
        };
        let mut draft = self.forward(request::promote(&wire.metadata, next), effect, vec![moved], SOON);
        draft.expect.fails_if = vec![Expect::is(fact::ABORTED, true)];
        let undo = match self.rollout.strategy {
            Strategy::BlueGreen => {
                "roll back puts the earlier version back; once the traffic has moved, abort does not"
            }
            Strategy::Canary | Strategy::Rolling | Strategy::Declared => {
                "abort takes all traffic back to the stable version"
            }
        };
        undo.clone_into(&mut draft.undo);
        draft
    }

    fn skip(&self) -> Result<Draft, Blocked> {
        let Some(index) = self.rollout.step.filter(|index| *index < self.rollout.steps.len()) else {
            return Err(Blocked("all its steps are done".to_owned()));
        };
        let call = request::skip(&self.view.object.metadata, index + 1, self.rollout_is_in_a_pause());
        let effect = format!("leaves out step {}; {}", self.step(index), self.next(index + 1));
        let moved = vec![Expect::is_not(fact::STEP, index)];
        let mut draft = self.forward(call, effect, moved, SOON);
        draft.expect.fails_if = vec![Expect::is(fact::ABORTED, true)];
        if self.rollout.current_step().is_some_and(|step| step.kind == StepKind::Analysis) {
            draft.notes.push("the analysis of this step is cancelled and decides nothing".to_owned());
        }
        "abort takes all traffic back to the stable version".clone_into(&mut draft.undo);
        Ok(draft)
    }

    fn promote_full(&self) -> Draft {
        let weight = self.rollout.weight;
        let left = self.rollout.steps.len().saturating_sub(self.rollout.step.unwrap_or(0));
        let steps = if left == 1 { "1 step".to_owned() } else { format!("{left} steps") };
        let effect = format!("{}, leaving out {steps}", self.moves(weight.max));
        let done = vec![Expect::is(fact::STABLE, &self.rollout.identity.canary_hash)];
        let call = request::promote_full(&self.view.object.metadata);
        let mut draft = self.forward(call, effect, done, self.deadline());
        draft.expect.fails_if = vec![Expect::is(fact::ABORTED, true)];
        draft.expect.progress = Some((fact::UPDATED_READY.to_owned(), "pods".to_owned()));
        draft.notes.push("every pause and every analysis that is left is skipped".to_owned());
        "roll back puts the earlier version back".clone_into(&mut draft.undo);
        draft
    }

    fn hold(&self, paused: bool) -> Draft {
        let call = request::hold(&self.view.object.metadata, paused);
        let share = self.now();
        let expected = vec![Expect::is(fact::HELD, paused), Expect::is(OBSERVED, true)];
        let mut draft = if paused {
            let effect = format!("stays at {share} of traffic until somebody resumes it");
            let mut draft = self.bound(Verb::Pause, call, effect, expected, SOON);
            draft.notes.push("analyses go on meanwhile, and one that fails still aborts".to_owned());
            "resume".clone_into(&mut draft.undo);
            draft
        } else {
            let effect = match self.rollout.pause.filter(|_| self.rollout_is_in_a_pause()) {
                Some(_) => "ends the person's pause; the pause that its step asks for stays".to_owned(),
                None => format!("goes on from {share} of traffic"),
            };
            let mut draft = self.bound(Verb::Resume, call, effect, expected, SOON);
            "pause".clone_into(&mut draft.undo);
            draft
        };
        self.warn_of_automation(&mut draft);
        draft
    }

    fn abort(&self) -> Draft {
        let (from, to) = (canary(self.rollout), stable(self.rollout));
        let effect = format!("{} on {from}; all of it to {to}", self.moves(0));
        let expected = vec![Expect::is(fact::ABORTED, true), at_most(fact::WEIGHT, 0)];
        let mut draft = self.bound(Verb::Abort, request::abort(&self.view.object.metadata), effect, expected, AWAY);
        draft.expect.words = Some(format!("aborted, no traffic on {from}"));
        (draft.from, draft.to) = (self.rollout.canary.clone(), self.rollout.stable.clone());
        if self.view.object.spec.paused {
            // Last: ended first, the pause would let the bad version go on.
            let last = request::hold_after(&self.view.object.metadata, false);
            draft.steps.push(Step::new(&self.rollout.id, last));
            draft.notes.push("the person's pause is ended right after: it would hold the way back up".to_owned());
            self.warn_of_automation(&mut draft);
        }
        draft.notes.extend(self.stable_arm().and_then(|arm| must_come_up(self.rollout, arm)));
        draft.notes.push(format!("the spec still holds {from} afterwards: any edit of it brings that version back"));
        "retry tries the version again, from its first step".clone_into(&mut draft.undo);
        draft
    }

    fn retry(&self) -> Draft {
        let version = canary(self.rollout);
        let effect = format!("tries {version} again, from step {}", self.step(0));
        let call = request::retry(&self.view.object.metadata);
        let mut draft = self.forward(call, effect, vec![Expect::is(fact::ABORTED, false)], SOON);
        draft.notes.push(format!("this ships {version}, the version that was aborted"));
        "abort takes all traffic back to the stable version".clone_into(&mut draft.undo);
        draft
    }

    fn restart(&self, now: Timestamp) -> Draft {
        let at = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let call = request::restart(&self.view.object.metadata, &at);
        let (pods, most) = (self.pods(), self.at_once());
        let which = if self.rollout.in_flight() { ", of both versions" } else { "" };
        let effect = match most {
            _ if pods == 1 => "replaces its pod; version and traffic stay".to_owned(),
            Some(1) => format!("replaces {pods} pods one after the other{which}; versions and traffic stay"),
            Some(most) => format!("replaces {pods} pods, up to {most} at once{which}; versions and traffic stay"),
            None => format!("replaces {pods} pods, some at once{which}; versions and traffic stay"),
        };
        // The controller is done when the last old pod is told to go; the pods are when the new ones are ready.
        let expected = vec![Expect::is(RESTARTED, &at), Expect::is(OBSERVED, true), at_most(MISSING, 0)];
        let mut draft = self.bound(Verb::Restart, call, effect, expected, self.deadline());
        (draft.from, draft.to) = (self.rollout.canary.clone(), self.rollout.canary.clone());
        draft.moment = Some(now);
        draft.expect.progress = Some((fact::UPDATED_READY.to_owned(), "pods".to_owned()));
        "none is needed: the same version runs".clone_into(&mut draft.undo);
        draft.expect.words = Some(match pods {
            1 => "its pod is a new one and ready".to_owned(),
            pods => format!("all {pods} pods are new ones and ready"),
        });
        // A pod goes before the one that replaces it comes: nothing is surged.
        let gone = |arm: &&Arm| arm.pods.is_some_and(|it| it.desired > 0 && most.is_none_or(|most| it.desired <= most));
        for arm in self.rollout.arms.iter().filter(gone) {
            let (called, one) = (arm.called(), arm.pods.is_some_and(|pods| pods.desired == 1));
            draft.notes.push(if one {
                format!("the only pod of {called} goes before another comes")
            } else {
                format!("all pods of {called} may be gone at once: none comes before one has gone")
            });
        }
        self.warn_of_automation(&mut draft);
        draft
    }

    /// Pods of all versions.
    fn pods(&self) -> u32 {
        let standing = self.rollout.arms.iter().filter_map(|arm| Some(arm.pods?.desired)).sum();
        self.rollout.replicas.max(standing)
    }

    /// How many pods the controller evicts at once, whichever version they are of: `maxUnavailable`, and one at least. `None`
    /// where the spec says what we cannot read.
    ///
    /// Source: `rollout/restart.go` and `MaxUnavailable` in `utils/replicaset/replicaset.go` of Argo Rollouts 1.9.
    fn at_once(&self) -> Option<u32> {
        let strategy = &self.view.object.spec.strategy;
        let Some(canary) = &strategy.canary else { return Some(1) };
        let most = match &canary.max_unavailable {
            None => self.rollout.replicas / 4,
            Some(value) => match (value.as_u64(), value.as_str()) {
                (Some(pods), _) => u32::try_from(pods).ok()?,
                (None, Some(text)) => {
                    let percent: u64 = text.strip_suffix('%')?.parse().ok()?;
                    u32::try_from(u64::from(self.rollout.replicas) * percent / 100).ok()?
                }
                (None, None) => return None,
            },
        };
        Some(most.clamp(1, self.rollout.replicas.max(1)))
    }

    /// A draft of a verb that lets the new version go on.
    fn forward(&self, call: WireCall, effect: String, all: Vec<Expect>, within: Duration) -> Draft {
        self.bound(Verb::Promote, call, effect, all, within)
    }

    fn stable_arm(&self) -> Option<&Arm> {
        self.rollout.side(Role::Stable)
    }

    pub(super) fn bound(
        &self,
        verb: Verb,
        call: WireCall,
        effect: String,
        all: Vec<Expect>,
        within: Duration,
    ) -> Draft {
        let progress = Some((fact::WEIGHT.to_owned(), self.unit().to_owned()));
        let expect = Expectation { all, within, progress, ..Expectation::default() };
        let draft = Draft::of(&self.rollout.id, call, effect, binding(self.rollout, verb.direction()), expect);
        Draft { from: self.rollout.stable.clone(), to: self.rollout.canary.clone(), ..draft }
    }

    /// Did the running step's own analysis come to no conclusion?
    fn analysis_is_inconclusive(&self) -> bool {
        let status = &self.view.object.status;
        let run = status.canary.current_step_analysis_run_status.as_ref();
        let in_doubt = run.is_some_and(|run| run.status == "Inconclusive");
        in_doubt && status.controller_pause && !status.pause_conditions.is_empty()
    }

    fn rollout_is_in_a_pause(&self) -> bool {
        !self.view.object.status.pause_conditions.is_empty()
    }

    pub(super) fn deadline(&self) -> Duration {
        Duration::from_secs(self.view.object.spec.progress_deadline_seconds.unwrap_or(DEADLINE)).max(AWAY)
    }

    /// `3/7 (pause)`, in kubectl-argo-rollouts' numbers: so many steps are done.
    pub(super) fn step(&self, index: usize) -> String {
        let label = self.rollout.steps.get(index).map_or("", |step| step.label.as_str());
        format!("{index}/{} ({label})", self.rollout.steps.len())
    }

    fn next(&self, index: usize) -> String {
        if index < self.rollout.steps.len() {
            format!("next is step {}", self.step(index))
        } else {
            "no step is left".to_owned()
        }
    }

    fn unit(&self) -> &'static str {
        if self.rollout.weight.max == 100 { "%" } else { "weight" }
    }

    pub(super) fn share(&self, weight: u32) -> String {
        share(weight, self.rollout.weight)
    }

    /// `25 % → 0 % of traffic`, or that it stays where it is.
    pub(super) fn moves(&self, weight: u32) -> String {
        moves(&self.now(), &self.share(weight), " of traffic")
    }

    pub(super) fn now(&self) -> String {
        share_now(self.rollout.weight)
    }

    pub(super) fn warn_of_automation(&self, draft: &mut Draft) {
        draft.notes.extend(gitops::warning(&self.view.object.metadata));
    }
}
