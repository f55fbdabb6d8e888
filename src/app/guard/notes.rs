//! What is said beside what policy checks: on a card what else is under way there, who has said yes, what was let through
//! meanwhile, and that a way back leads to what was left for cause; on a refusal which ways on there really are.

use crate::{
    app::{
        action::Action,
        drift,
        guard::{Subject, acts_on, facts::ways_back},
        lineage::Lineage,
        model::Model,
        quarantine::Quarantine,
    },
    domain::{
        evidence::Verdict,
        gate::{Behind, Gate},
        object::ObjectId,
        offer::{Risk, offer_for},
        rollout::Rollout,
        setting::Weight,
        verb::{Direction, Verb},
        version::Version,
    },
    policy::Way,
    port::{
        plan::{Ask, Draft, Plan, fact},
        record::Stage,
    },
    words,
};

/// What going back does to another act, as the card says it.
pub(super) fn ends_another(model: &Model, asked: &Ask) -> Option<String> {
    let action = model.actions.running_on(&asked.target)?;
    let (verb, who, since) = (action.plan.verb.words(), &action.who, action.since.format("%H:%M:%S"));
    // Its order is what it rests on: without this one nothing of it goes on.
    let others: Vec<String> =
        action.plan.each().filter(|one| one.target != asked.target).map(|one| one.place().to_string()).collect();
    let others = if others.is_empty() { String::new() } else { format!(", nor to {}", others.join(", ")) };
    let here = action.on(&asked.target)?;
    let sent = here.entries.iter().any(|entry| matches!(entry.stage, Stage::Sending { .. }));
    let rest = match (sent, action.plan.direction()) {
        (false, _) => "it has sent nothing yet",
        (true, Direction::Forward) => "and this takes back what it has sent",
        // Pods that are being replaced, or a version that was being put back, go on as the system sees fit.
        (true, _) => "what it has sent may still take effect",
    };
    Some(format!("ends {verb} ({who}, {since}), which is under way: nothing more of it is sent{others}, {rest}"))
}

/// Of a gate that counts approvals: who has said yes, as a check; and as notes, that one more does not open it yet, and when it
/// ends by itself.
pub(super) fn with_yours(model: &Model, asked: &Ask) -> (Option<String>, Vec<String>) {
    let gate = model.store.gate(&asked.target).filter(|_| asked.verb == Verb::Approve);
    let Some(approvals) = gate.and_then(|gate| gate.approvals.as_ref()) else { return (None, Vec::new()) };
    let ends = approvals.expires.map(|at| format!("it ends by itself at {}", at.format("%m-%d %H:%M")));
    let (given, needed) = (approvals.given() + 1, approvals.needed());
    let note = if approvals.is_given_by(&model.session.who) {
        Some("you have said yes already".to_owned())
    } else {
        (given < needed).then(|| format!("{given} of {needed} after yours; does not open it yet"))
    };
    (Some(format!("approvals so far: {}", approvals.said())), note.into_iter().chain(ends).collect())
}

/// That the verdict on what moves forward has a doubt which changes what it says: a GO is none without it.
pub(super) fn doubted(model: &Model, rollout: &Rollout, verb: Verb) -> Option<String> {
    let judgement = model.judgements.get(&rollout.id).filter(|_| verb.direction() == Direction::Forward)?;
    let doubt = judgement.doubts.first().filter(|doubt| doubt.is_strong())?;
    Some(format!("verdict {} has a doubt: {}", judgement.verdict.words(), words::doubt(doubt)))
}

/// That something else was let through where a gate leads, while this waited: what is let through now comes after it.
pub(super) fn overtaken(model: &Model, verb: Verb, target: &ObjectId) -> Option<String> {
    let gate = model.store.gate(target).filter(|_| verb == Verb::Approve)?;
    let (record, plan, at) = model.actions.let_through(&gate.place(), gate.since, target)?;
    let named = |version: Option<&Version>| version.map_or_else(|| "another run".to_owned(), ToString::to_string);
    let (before, now) = (named(acts_on(plan.verb, &plan.draft)), named(gate.version.as_ref()));
    let time = at.format("%H:%M:%S");
    Some(format!(
        "{before} was let through to {} at {time}, record {}; this puts {now} after it",
        gate.environment, record.0
    ))
}

/// That what a gate lets through would replace something newer (F20).
pub(super) fn older_than_live(model: &Model, verb: Verb, target: &ObjectId) -> Option<String> {
    let gate = model.store.gate(target).filter(|_| verb == Verb::Approve)?;
    let older = model.lineage.older_than_live(&model.store, target)?;
    let this = gate.version.as_ref().map_or_else(|| "it".to_owned(), ToString::to_string);
    Some(format!("{this} is {}", older.words()))
}

/// That settings differ between where something goes and where it comes from: a risk where policy says so, else worth knowing (F6).
/// That a token may not see all there is, is no news of this release; that it lets nothing be compared is.
pub(super) fn settings_differ(model: &Model, verb: Verb, target: &ObjectId) -> (Option<String>, Option<String>) {
    let forward = verb.direction() == Direction::Forward;
    let Some(drift) = drift::of(model, target).filter(|_| forward) else { return (None, None) };
    let differs = drift.differing().next().is_some();
    let blind = !drift.is_compared() && !drift.reading && !drift.unknown.is_empty();
    if !differs && !blind {
        return (None, None);
    }
    if differs && model.session.comparing.weight == Weight::Risk {
        (Some(drift.words()), None)
    } else {
        (None, Some(drift.words()))
    }
}

/// What flies where a gate leads, or is what it lets through: a risk where that does harm, else worth knowing (F10).
pub(super) fn flies(model: &Model, verb: Verb, target: &ObjectId) -> (Vec<String>, Vec<String>) {
    let Some(gate) = model.store.gate(target).filter(|_| verb == Verb::Approve) else {
        return (Vec::new(), Vec::new());
    };
    let mut said = (Vec::new(), Vec::new());
    for rollout in Lineage::flying(&model.store, gate) {
        let Some(canary) = &rollout.canary else { continue };
        let verdict = model.verdict(&rollout.id);
        let word = verdict.map_or("not judged", Verdict::words);
        let same = gate.version.as_ref().is_some_and(|version| version.is_same(canary));
        let what = if same { "what this lets through".to_owned() } else { canary.to_string() };
        let then = if same { "" } else { "; this would come over it" };
        let words = format!("{what} is on its way in {} and is {word}{then}", rollout.environment);
        if verdict == Some(Verdict::NoGo) { said.0.push(words) } else { said.1.push(words) }
    }
    said
}

/// That nobody can say which version would go forward where a mistake costs much: there is nothing to read back.
pub(super) fn which(verb: Verb, risk: Risk, draft: &Draft) -> Option<String> {
    let blind = verb.direction() == Direction::Forward && risk == Risk::High && acts_on(verb, draft).is_none();
    blind.then(|| "its system does not say which version that is".to_owned())
}

/// That somebody takes the same service back where a gate leads, just now: what is let through would come over that. The way back may
/// wait at this very gate, so it stays open; and what it is about itself is no news.
pub(super) fn goes_back(model: &Model, verb: Verb, target: &ObjectId) -> Option<String> {
    let gate = model.store.gate(target).filter(|_| verb == Verb::Approve)?;
    // Where one of the versions is not known it may be another one.
    let same = |plan: &Plan| {
        plan.draft.to.as_ref().zip(gate.version.as_ref()).is_some_and(|(to, version)| to.is_same(version))
    };
    let there = |plan: &&Plan| {
        plan.direction() == Direction::Back
            && !same(plan)
            && plan.service == gate.service
            && gate.environment.meets(&plan.environment)
            && plan.target != gate.id
    };
    let (action, plan) = model.actions.iter().filter(|action| action.is_running()).find_map(|action| {
        let plan = action.plan.each().find(there)?;
        Some((action, plan))
    })?;
    let (verb, who, since) = (plan.verb.words(), &action.who, action.since.format("%H:%M:%S"));
    Some(format!("{verb} of {} is under way ({who}, {since}): what is let through would come over it", plan.place()))
}

/// The gates that wait in a run: cancelling it closes them for good, as rejecting them would.
pub(super) fn closes<'a>(model: &'a Model, verb: Verb, target: &'a ObjectId) -> Vec<&'a Gate> {
    let of = |gate: &&Gate| verb == Verb::Cancel && matches!(&gate.behind, Behind::Run(run) if run == target);
    model.store.gates().filter(of).collect()
}

/// That with a run a gate closes which somebody was to open.
pub(super) fn closed(gate: &Gate) -> String {
    let what = gate.version.as_ref().map_or_else(|| gate.title.clone(), ToString::to_string);
    if gate.environment.as_str().is_empty() {
        return format!("it waits for a human, and that ends with it: {what} goes no further");
    }
    format!("it waits to go to {}, and that ends with it: {what} does not get there", gate.environment)
}

/// That what a gate lets through is another major version than what is live where it goes.
pub(super) fn major_step(model: &Model, verb: Verb, target: &ObjectId) -> Option<String> {
    let gate = model.store.gate(target).filter(|_| verb == Verb::Approve)?;
    let (live, (from, to)) = model.lineage.major_step(&model.store, gate)?;
    Some(format!("another major version, {from} → {to}: {} runs {live} now", gate.environment))
}

/// That a way back leaves what was itself put back, or ends at a version which somebody left for cause: allowed, and said in red.
pub(super) fn goes_to_what_was_left(model: &Model, rollout: &Rollout, verb: Verb, draft: &Draft) -> Vec<String> {
    let hash = match verb {
        Verb::Abort => Some(&rollout.identity.stable_hash),
        Verb::Rollback => {
            rollout.arms.iter().find(|arm| arm.version.is_some() && arm.version == draft.to).map(|arm| &arm.hash)
        }
        _ => return Vec::new(),
    };
    let quarantine = Quarantine::of(&model.actions, rollout);
    let version = draft.to.as_ref().map_or_else(|| "an unknown version".to_owned(), ToString::to_string);
    let left = hash.and_then(|hash| quarantine.of_hash(hash)).map(|left| format!("it goes to {version}, and {left}"));
    quarantine.put_back().map(ToString::to_string).into_iter().chain(left).collect()
}

/// Is this a way on from here? Policy knows of no system what it can do: only what flies goes back, and only what pauses is held.
pub(super) fn is_there(way: &Way, subject: &Subject<'_>) -> bool {
    match way {
        Way::Back => subject.rollout.is_some_and(Rollout::in_flight) && !ways_back(subject.offers).is_empty(),
        Way::Hold | Way::FindTheCause => subject.rollout.is_some() || offer_for(subject.offers, Verb::Pause).is_some(),
        _ => true,
    }
}

/// The other way back, where one of the two is under way already and does not come on: it goes ahead of that. Not where it would
/// lead to the version that is being left.
pub(super) fn other_way_back(verb: Verb, busy: &Action, subject: &Subject<'_>) -> Option<String> {
    let other = match verb {
        Verb::Abort => Verb::Rollback,
        Verb::Rollback => Verb::Abort,
        _ => return None,
    };
    let rollout = subject.rollout;
    let left = rollout.and_then(|rollout| busy.plan.of(&rollout.id)?.draft.bound.get(fact::CANARY));
    let stable = rollout.map(|rollout| &rollout.identity.stable_hash);
    let comes_again = other == Verb::Abort && left.is_some() && left == stable;
    (ways_back(subject.offers).contains(&other) && !comes_again)
        .then(|| format!("{} goes ahead of it, and ends it", other.words()))
}

/// That the run behind a gate is being stopped: what is let through now would go nowhere, or on its way out.
pub(super) fn is_stopped(model: &Model, ask: &Ask) -> Option<String> {
    let gate = model.store.gate(&ask.target).filter(|_| ask.verb == Verb::Approve)?;
    let Behind::Run(run) = &gate.behind else { return None };
    let stops = model.actions.running_on(run).filter(|action| action.plan.verb == Verb::Cancel)?;
    let (who, since) = (&stops.who, stops.since.format("%H:%M:%S"));
    Some(format!("its run is being cancelled ({who}, {since})"))
}
