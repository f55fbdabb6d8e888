//! The ways back. Flagger has no verb for one: its rollback gate, where a webhook asks it, or else the count of failed checks, which
//! at the threshold makes it take a version back. A roll back changes what the target runs: while a version is on its way that alone
//! takes its pods away, whatever Flagger does; at rest the earlier version comes in as a new one.

use std::time::Duration;

use super::{
    api::{MARKS, Word},
    ask::{self, CLOSED},
    draft::Stage,
    facts::{CONFIRMED, MISSING, TARGET_MISSING, WAITS, WORD},
    gate::{self, Confirms, Gate},
    phase,
    refusal::denied,
    request,
    sides::Standing,
    strategy,
};
use crate::{
    domain::{
        rollout::{Arm, Role},
        text::clean,
        verb::Verb,
    },
    port::{
        plan::{Blocked, Draft, Expect, fact, moves},
        step::{Obligation, Step},
    },
    provider::kubernetes::{
        gitops,
        verbs::{at_most, canary, must_come_up, stable, target},
    },
};

/// What makes Flagger take a version back.
struct Taken {
    steps: Vec<Step>,
    owed: Vec<Obligation>,
    notes: Vec<String>,
}

/// The calls that make it take the version back; `before` calls go before them.
fn taken_back(stage: &Stage<'_>, before: usize) -> Taken {
    let (wire, id) = (stage.wire(), &stage.rollout.id);
    let by_gate = gate::of(wire, Gate::Rollback).filter(|_| phase::gate_is(stage.view, Gate::Rollback, CLOSED));
    let mut taken = if let Some(tester) = by_gate {
        Taken {
            steps: vec![Step::new(id, request::turn(wire, &tester, Gate::Rollback, true))],
            owed: vec![stage.closes(&tester, Gate::Rollback, before)],
            notes: Vec::new(),
        }
    } else {
        let threshold = wire.threshold();
        let call = request::fail(&wire.metadata, threshold);
        let call = if before > 0 { request::unguarded(call) } else { call };
        let why = match stage.view.extras.told.get(ask::name(Gate::Rollback)) {
            Some(Err(why)) => format!("its rollback gate cannot be reached ({why})"),
            _ => "no webhook of it asks a rollback gate".to_owned(),
        };
        let note = format!("{why}: raising its failed checks to {threshold} is what makes Flagger take it back");
        Taken { steps: vec![Step::new(id, call)], owed: Vec::new(), notes: vec![note] }
    };
    taken.steps.extend(unsuspended(stage, &mut taken.notes));
    taken.notes.push(stage.tick());
    taken
}

/// What ends a person's suspension behind the calls that go back: ended first, it would let the version go on.
fn unsuspended(stage: &Stage<'_>, notes: &mut Vec<String>) -> Option<Step> {
    let wire = stage.wire();
    wire.spec.suspend.then(|| {
        notes.push("the person's suspension is ended right after: it would hold the way back up".to_owned());
        Step::new(&stage.rollout.id, request::unguarded(request::suspend(&wire.metadata, false)))
    })
}

pub(super) fn abort(stage: &Stage<'_>) -> Draft {
    let (wire, from) = (stage.wire(), canary(stage.rollout));
    let effect =
        format!("{} on {from}; all of it to {}", moves(&stage.now(), "0 %", " of traffic"), stable(stage.rollout));
    let all = vec![Expect::is(WORD, "Failed"), at_most(fact::WEIGHT, 0)];
    let call = request::fail(&wire.metadata, wire.threshold());
    let mut draft = stage.bound(Verb::Abort, call, effect, all, stage.looks(2));
    let taken = taken_back(stage, 0);
    (draft.steps, draft.obligations, draft.notes) = (taken.steps, taken.owed, taken.notes);
    draft.expect.words = Some(format!("taken back, no traffic on {from}"));
    draft.expect.fails_if = vec![Expect::is(CONFIRMED, true)];
    (draft.from, draft.to) = (stage.rollout.canary.clone(), stage.rollout.stable.clone());
    draft.notes.extend(stage.rollout.side(Role::Stable).and_then(|arm| must_come_up(stage.rollout, arm)));
    draft.notes.push(format!("{} still holds {from} afterwards: any edit of it brings that version back", name(stage)));
    "retry tries the version again, from its start".clone_into(&mut draft.undo);
    stage.warn_of_automation(&mut draft);
    draft
}

fn name(stage: &Stage<'_>) -> String {
    clean(&stage.wire().spec.target_ref.name)
}

/// Why an act that was begun cannot be carried on.
pub(super) fn refusal_to_the_rest(stage: &Stage<'_>, verb: Verb) -> Option<String> {
    let several = matches!(verb, Verb::Abort | Verb::Rollback);
    let measured = matches!(stage.wire().word(), Some(Word::Progressing | Word::WaitingPromotion));
    match verb {
        _ if !several => Some("it is one call, and that was sent".to_owned()),
        _ if !measured => Some("nothing of it is left to send".to_owned()),
        _ => denied(verb, stage.view),
    }
}

pub(super) fn rollback(stage: &Stage<'_>, to: Option<&str>) -> Result<Draft, Blocked> {
    to_arm(stage, target(stage.rollout, to)?)
}

/// What is left of a roll back whose first call was taken: the target holds the version by now.
pub(super) fn the_rest(stage: &Stage<'_>, to: Option<&str>) -> Result<Draft, Blocked> {
    match stage.rollout.arms.iter().find(|arm| to == Some(arm.hash.as_str())) {
        Some(arm) => to_arm(stage, arm),
        None => rollback(stage, to),
    }
}

fn to_arm(stage: &Stage<'_>, arm: &Arm) -> Result<Draft, Blocked> {
    let gone = || Blocked(format!("the template of {} is gone from {}", arm.called(), name(stage)));
    let (target, set) = stage.sides.target.as_ref().zip(stage.sides.set(&arm.hash)).ok_or_else(gone)?;
    let number = MARKS.revision_of(set);
    let alone = target.sets.iter().filter(|other| MARKS.revision_of(other) == number).count() == 1;
    let first = Step::new(&stage.rollout.id, request::put_back(target.meta, target.template(), set, alone));
    let is_stable = arm.hash == stage.rollout.identity.stable_hash;
    let mut draft = if stage.sides.standing == Standing::Stranded {
        by_canary(stage, arm)
    } else if is_stable {
        to_stable(stage, arm)
    } else {
        as_new(stage, arm)
    };
    draft.steps.insert(0, first);
    (draft.from, draft.to) = (stage.rollout.canary.clone(), arm.version.clone());
    draft.undo = format!("roll back to {}, which is measured like a new version", canary(stage.rollout));
    draft.notes.extend(gitops::warning(target.meta));
    Ok(draft)
}

fn drafted(stage: &Stage<'_>, effect: String, all: Vec<Expect>, within: Duration) -> Draft {
    // Its calls are written by whoever asked.
    let call = request::fail(&stage.wire().metadata, stage.wire().threshold());
    let mut draft = stage.bound(Verb::Rollback, call, effect, all, within);
    draft.steps.clear();
    draft
}

/// Back to what serves. Flagger takes exactly that for a roll back of somebody's, and begins nothing; what it has begun with goes on
/// with the other pods, so that is ended, too.
fn to_stable(stage: &Stage<'_>, arm: &Arm) -> Draft {
    let wire = stage.wire();
    let (from, to) = (canary(stage.rollout), arm.called());
    let measured = matches!(wire.word(), Some(Word::Progressing | Word::WaitingPromotion)) && stage.sides.moves();
    let mut all = vec![Expect::is(fact::CANARY, &arm.hash), at_most(fact::WEIGHT, 0)];
    if !measured {
        let effect = format!("{} holds {to} again, which serves already", name(stage));
        let waits = wire.word() == Some(Word::Waiting);
        if !waits && !wire.spec.suspend {
            all.push(Expect::is(fact::PHASE, "healthy"));
        }
        let mut draft = drafted(stage, effect, all, stage.looks(1));
        draft.expect.words = Some(format!("{} holds {to}", name(stage)));
        if waits {
            draft.notes.push(format!("Flagger still waits for a start to be confirmed, which is then one of {to}"));
        }
        return draft;
    }
    let effect =
        format!("{} on {from}: the canary's pods become {to}, and then go", moves(&stage.now(), "0 %", " of traffic"));
    let taken = (!wire.skips()).then(|| taken_back(stage, 1));
    all.push(Expect::is(fact::PHASE, "healthy"));
    all.extend(taken.is_some().then(|| Expect::is(WORD, "Failed")));
    let mut draft = drafted(stage, effect, all, wire.deadline() + stage.looks(2));
    draft.expect.words = Some(format!("no traffic on {from}, and {} holds {to}", name(stage)));
    if let Some(taken) = taken {
        (draft.steps, draft.obligations, draft.notes) = (taken.steps, taken.owed, taken.notes);
    }
    draft
}

/// To another version than the one that serves: it comes in as a new one.
fn as_new(stage: &Stage<'_>, arm: &Arm) -> Draft {
    let wire = stage.wire();
    let (from, to) = (canary(stage.rollout), arm.called());
    let span = wire.interval() * strategy::looks(wire);
    let measured = if wire.skips() {
        "unmeasured".to_owned()
    } else {
        format!("measured like a new version, in {} s at least", span.as_secs())
    };
    let all = vec![
        Expect::is(fact::CANARY, &arm.hash),
        Expect::is(fact::STABLE, &arm.hash),
        at_most(MISSING, 0),
        Expect::is(fact::PHASE, "healthy"),
    ];
    let within = wire.deadline() + span + stage.looks(2);
    let mut draft = drafted(stage, format!("{from} → {to}, {measured}"), all, within);
    draft.expect.words = Some(format!("{} runs {to}", clean(&wire.primary())));
    let waits = [Confirms::Start, Confirms::Promotion].into_iter().find(|it| wire.webhooks(it.hook()).next().is_some());
    if let Some(confirms) = waits {
        draft.expect.rests = vec![Expect::is(fact::CANARY, &arm.hash), Expect::is(WAITS, confirms.hook())];
        draft.notes.push(format!("it waits at {} to be confirmed", confirms.hook()));
    }
    if stage.sides.moves() {
        draft.notes.push(format!(
            "Flagger sends all traffic to {} when it looks again, and begins anew",
            stable(stage.rollout)
        ));
    }
    draft.notes.push("promote full leaves the analysis out".to_owned());
    draft.steps = unsuspended(stage, &mut draft.notes).into_iter().collect();
    draft.notes.push(stage.tick());
    draft
}

/// After a promotion that failed users are on the canary's pods: those become the other version, and Flagger does nothing.
fn by_canary(stage: &Stage<'_>, arm: &Arm) -> Draft {
    let (from, to) = (canary(stage.rollout), arm.called());
    let effect = format!("the pods of {}, which serve all users, become {to} in place of {from}", name(stage));
    let all = vec![Expect::is(fact::CANARY, &arm.hash), at_most(TARGET_MISSING, 0)];
    let mut draft = drafted(stage, effect, all, stage.wire().deadline());
    draft.expect.words = Some(format!("all pods of {} run {to}", name(stage)));
    let primary = clean(&stage.wire().primary());
    draft.notes.push(format!(
        "{primary} stays as it is, not ready: mend it before the next version, or that one goes down with it"
    ));
    draft
}
