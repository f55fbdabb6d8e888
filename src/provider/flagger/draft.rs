//! From a verb to what would be done: calls, binding, expectation, undo, and what to know before pressing. The ways back are in
//! `back`.

use std::time::Duration;

use chrono::SecondsFormat;

use super::{
    api::{Canary, RESTARTED_AT},
    ask::CLOSED,
    back,
    facts::{CONFIRMED, GATE, MISSING, RESTARTED, SKIPS, STARTED, WORD, of_gate},
    gate::{self, Confirms, Gate, Tester},
    phase,
    refusal::{refusal, refusal_to_named},
    request::{self, PRIMARY_REVISION, TARGET_REVISION},
    sides::{Sides, Standing},
};
use crate::{
    domain::{rollout::Rollout, text::clean, time::Timestamp, verb::Verb},
    port::{
        plan::{Ask, Blocked, Draft, Expect, Expectation, WireCall, fact, moves},
        step::{Due, Obligation, Step},
        takeover::Takeover,
    },
    provider::kubernetes::{
        facade::View,
        gitops,
        verbs::{at_most, binding, canary, share_now, stable},
    },
};

/// How long what needs no controller may take.
const SOON: Duration = Duration::from_secs(30);

/// What it would do; the object as it was on screen is `rollout`, the view may be newer.
pub(super) fn draft(rollout: &Rollout, view: &View<'_, Canary>, ask: &Ask, now: Timestamp) -> Result<Draft, Blocked> {
    if ask.to().is_some() && ask.verb != Verb::Rollback {
        return Err(Blocked(format!("{} takes no version", ask.verb.words())));
    }
    let stage = Stage { rollout, view, sides: Sides::of(view) };
    if let Some(takeover) = ask.takes_over.as_ref().filter(|takeover| takeover.releases) {
        return stage.release(takeover);
    }
    let refused = match ask.sent_before() {
        0 if ask.to().is_some() => refusal_to_named(view, &stage.sides),
        0 => refusal(ask.verb, rollout, view, &stage.sides),
        _ => back::refusal_to_the_rest(&stage, ask.verb),
    };
    if let Some(why) = refused {
        return Err(Blocked(why));
    }
    match ask.verb {
        Verb::Promote => stage.promote(),
        Verb::PromoteFull => Ok(stage.promote_full()),
        Verb::Pause => Ok(stage.hold(true)),
        Verb::Resume => Ok(stage.hold(false)),
        Verb::Abort => Ok(back::abort(&stage)),
        Verb::Rollback if ask.sent_before() > 0 => back::the_rest(&stage, ask.to()),
        Verb::Rollback => back::rollback(&stage, ask.to()),
        Verb::Retry => stage.retry(now),
        Verb::Reject => stage.reject(),
        Verb::Restart => stage.restart(now),
        _ => Err(Blocked(format!("Flagger cannot {}", ask.verb.words()))),
    }
}

/// What a draft is made from.
pub(super) struct Stage<'a> {
    /// As it was on screen.
    pub rollout: &'a Rollout,
    /// As it is known now.
    pub view: &'a View<'a, Canary>,
    pub sides: Sides<'a>,
}

impl Stage<'_> {
    pub(super) fn wire(&self) -> &Canary {
        self.view.object
    }

    fn promote(&self) -> Result<Draft, Blocked> {
        let wire = self.wire();
        let confirms = phase::waits_at(self.view);
        let gone = || Blocked("it waits for nothing to be confirmed any more".to_owned());
        let (confirms, tester) = confirms.zip(gate::of(wire, Gate::Confirm)).ok_or_else(gone)?;
        let (version, primary) = (canary(self.rollout), clean(&wire.primary()));
        let next = self.rollout.step.map_or(0, |step| step + 1);
        let (effect, passed, words) = match confirms {
            Confirms::Start => (
                format!("confirms the start of {version}; {}", self.next(next)),
                Expect::is(STARTED, true),
                format!("{version} has begun"),
            ),
            Confirms::Increase => (
                format!("confirms the next share of traffic of {version}, from {} on; {}", self.now(), self.next(next)),
                Expect::is_not(fact::STEP, self.rollout.step.unwrap_or(0)),
                "it went on to its next share".to_owned(),
            ),
            Confirms::Promotion => (
                format!("confirms the promotion: {primary} gets {version} in place of {}", stable(self.rollout)),
                Expect::is(CONFIRMED, true),
                format!("{primary} gets {version}"),
            ),
        };
        let call = request::turn(wire, &tester, Gate::Confirm, true);
        let mut draft = self.bound(Verb::Promote, call, effect, vec![passed], self.looks(2));
        draft.bound.insert(GATE.to_owned(), CLOSED.to_owned());
        draft.expect.fails_if = vec![Expect::is(fact::ABORTED, true)];
        draft.expect.words = Some(words);
        draft.obligations = vec![self.closes(&tester, Gate::Confirm, 0)];
        draft.notes.push(self.tick());
        draft.notes.push(
            "the gate is one for all confirmations of this canary: while it is open, the next one passes as well"
                .to_owned(),
        );
        draft.undo = match confirms {
            Confirms::Start | Confirms::Increase => "abort takes all traffic back to the stable version".to_owned(),
            Confirms::Promotion => {
                "roll back puts the earlier version back, which is measured like a new one".to_owned()
            }
        };
        Ok(draft)
    }

    /// That a gate that was opened is closed again, whatever becomes of the act.
    pub(super) fn closes(&self, tester: &Tester, gate: Gate, after: usize) -> Obligation {
        let wire = self.wire();
        let closed = Expectation {
            all: vec![Expect::is(of_gate(gate), CLOSED)],
            words: Some(format!("the {} is closed", gate.words())),
            within: SOON,
            ..Expectation::default()
        };
        let step = Step::new(&self.rollout.id, request::turn(wire, tester, gate, false)).then(closed);
        let words = format!("the {} of {} is open", gate.words(), clean(&wire.metadata.path()));
        Obligation { after, due: Due::AtEnd, owner: None, words, step }
    }

    /// That new versions are measured again.
    fn measured_again(&self) -> Step {
        let measured = Expectation { all: vec![Expect::is(SKIPS, false)], within: SOON, ..Expectation::default() };
        let call = request::unguarded(request::skip_analysis(&self.wire().metadata, false));
        Step::new(&self.rollout.id, call).when(vec![Expect::is(SKIPS, true)]).then(measured)
    }

    /// Ends what an act that has ended holds: a gate that is open, or that nothing is measured. What else could be done now does not
    /// matter to it.
    fn release(&self, takeover: &Takeover) -> Result<Draft, Blocked> {
        let gates = [Gate::Confirm, Gate::Rollback].into_iter();
        let gates = gates.filter_map(|one| Some(self.closes(&gate::of(self.wire(), one)?, one, 0).step));
        let could: Vec<Step> = gates.chain([self.measured_again()]).collect();
        let words: Vec<String> = takeover.holds.iter().map(|held| clean(&held.step.call.words)).collect();
        takeover.release(&could, words.join(", "))
    }

    fn promote_full(&self) -> Draft {
        let (wire, hash) = (self.wire(), &self.rollout.identity.canary_hash);
        let version = canary(self.rollout);
        let effect =
            format!("{} on {version}, which is not measured any more", moves(&self.now(), "100 %", " of traffic"));
        let all = vec![
            Expect::is(WORD, "Succeeded"),
            Expect::is(fact::STABLE, hash),
            at_most(MISSING, 0),
            Expect::is(fact::PHASE, "healthy"),
        ];
        let call = request::skip_analysis(&wire.metadata, true);
        let within = wire.deadline() + self.looks(2);
        let mut draft = self.bound(Verb::PromoteFull, call, effect, all, within);
        draft.expect.words = Some(format!("{} runs {version}", clean(&wire.primary())));
        draft.expect.fails_if = vec![Expect::is(fact::ABORTED, true)];
        let words = format!("new versions of {} are promoted unmeasured", clean(&wire.metadata.path()));
        draft.obligations =
            vec![Obligation { after: 0, due: Due::AtEnd, owner: None, words, step: self.measured_again() }];
        let before = stable(self.rollout);
        draft.notes.push(self.tick());
        draft.notes.push(format!(
            "Flagger first sends all traffic to {before}, and then replaces its pods: nothing takes it back meanwhile"
        ));
        "roll back puts the earlier version back, which is measured like a new one".clone_into(&mut draft.undo);
        self.warn_of_automation(&mut draft);
        draft
    }

    fn hold(&self, held: bool) -> Draft {
        let (wire, now) = (self.wire(), self.now());
        let moves = self.sides.moves();
        let (verb, undo, effect) = match (held, moves) {
            (true, true) => (Verb::Pause, "resume", format!("stays at {now} of traffic until somebody resumes it")),
            (true, false) => (Verb::Pause, "resume", "no new version begins until somebody resumes it".to_owned()),
            (false, true) => (Verb::Resume, "pause", format!("goes on from {now} of traffic")),
            (false, false) => (Verb::Resume, "pause", "Flagger lets new versions in again".to_owned()),
        };
        let call = request::suspend(&wire.metadata, held);
        let mut draft = self.bound(verb, call, effect, vec![Expect::is(fact::HELD, held)], SOON);
        if held && moves {
            let note = "nothing is measured and nothing is taken back by itself meanwhile, however bad it gets";
            draft.notes.push(note.to_owned());
        }
        if !held {
            draft.notes.push(self.tick());
        }
        undo.clone_into(&mut draft.undo);
        self.warn_of_automation(&mut draft);
        draft
    }

    fn retry(&self, now: Timestamp) -> Result<Draft, Blocked> {
        let at = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let target = self.sides.target.as_ref().ok_or_else(|| Blocked("its target is not seen any more".to_owned()))?;
        let version = canary(self.rollout);
        let words = format!("annotate the template of {}, which makes it a new version", clean(&target.meta.name));
        let call = request::restart(target.meta, &words, TARGET_REVISION, &at);
        let all =
            vec![Expect::is_not(WORD, "Failed"), Expect::is_not(fact::CANARY, &self.rollout.identity.canary_hash)];
        let effect = format!("tries {version} again, from its start");
        let mut draft = self.bound(Verb::Retry, call, effect, all, self.looks(2));
        draft.expect.words = Some(format!("{version} begins again"));
        draft.moment = Some(now);
        draft.notes.push(format!("this ships {version}, the version that was taken back"));
        draft.notes.push(self.tick());
        draft.notes.extend(gitops::warning(target.meta));
        "abort takes all traffic back to the stable version".clone_into(&mut draft.undo);
        Ok(draft)
    }

    fn reject(&self) -> Result<Draft, Blocked> {
        let wire = self.wire();
        let tester = gate::of(wire, Gate::Confirm).ok_or_else(|| Blocked("no webhook of it asks a gate".to_owned()))?;
        let call = request::turn(wire, &tester, Gate::Confirm, false);
        let effect = "closes its gate: what comes waits there to be confirmed".to_owned();
        let mut draft = self.bound(Verb::Reject, call, effect, vec![Expect::is(GATE, CLOSED)], SOON);
        draft.expect.words = Some("the gate is closed".to_owned());
        "promote opens it for what waits there".clone_into(&mut draft.undo);
        Ok(draft)
    }

    fn restart(&self, now: Timestamp) -> Result<Draft, Blocked> {
        let at = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let primary =
            self.sides.primary.as_ref().ok_or_else(|| Blocked("its primary is not seen any more".to_owned()))?;
        let name = clean(&primary.meta.name);
        let call = request::restart(primary.meta, &format!("restart the pods of {name}"), PRIMARY_REVISION, &at);
        let effect = match primary.replicas() {
            1 => format!("replaces the pod of {name}; the version stays"),
            pods => format!("replaces {pods} pods of {name} a few at a time; the version stays"),
        };
        let all = vec![Expect::is(RESTARTED, &at), at_most(MISSING, 0)];
        let mut draft = self.bound(Verb::Restart, call, effect, all, self.wire().deadline());
        draft.expect.words = Some(format!("all pods of {name} are new ones and ready"));
        draft.expect.progress = Some((MISSING.to_owned(), "pods missing".to_owned()));
        (draft.from, draft.to) = (self.rollout.stable.clone(), self.rollout.stable.clone());
        draft.moment = Some(now);
        if primary.template().annotation(RESTARTED_AT).is_none() && self.sides.standing == Standing::Back {
            draft.notes.push("the version that was taken back stays where it is".to_owned());
        }
        "none is needed: the same version runs".clone_into(&mut draft.undo);
        Ok(draft)
    }

    pub(super) fn bound(
        &self,
        verb: Verb,
        call: WireCall,
        effect: String,
        all: Vec<Expect>,
        within: Duration,
    ) -> Draft {
        let progress = Some((fact::WEIGHT.to_owned(), "%".to_owned()));
        let expect = Expectation { all, within, progress, ..Expectation::default() };
        let mut bound = binding(self.rollout, verb.direction());
        if verb.direction() == crate::domain::verb::Direction::Forward {
            bound.insert(WORD.to_owned(), clean(&self.wire().status.phase));
        }
        let draft = Draft::of(&self.rollout.id, call, effect, bound, expect);
        Draft { from: self.rollout.stable.clone(), to: self.rollout.canary.clone(), ..draft }
    }

    /// So many looks of the controller, and what its calls may take.
    pub(super) fn looks(&self, count: u32) -> Duration {
        self.wire().interval() * count + SOON
    }

    /// That nothing happens at once.
    pub(super) fn tick(&self) -> String {
        format!("{}: Flagger looks that often", phase::next(self.wire()))
    }

    pub(super) fn now(&self) -> String {
        share_now(self.rollout.weight)
    }

    fn next(&self, index: usize) -> String {
        let steps = &self.rollout.steps;
        let label = steps.get(index).map(|step| step.label.as_str());
        label.map_or_else(
            || "no step is left".to_owned(),
            |label| format!("next is step {index}/{} ({label})", steps.len()),
        )
    }

    pub(super) fn warn_of_automation(&self, draft: &mut Draft) {
        draft.notes.extend(gitops::warning(&self.wire().metadata));
    }
}
