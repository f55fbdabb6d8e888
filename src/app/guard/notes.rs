//! What is said beside what policy checks: on a card what else is under way there, who has said yes, what was let through
//! meanwhile, and that a way back leads to what was left for cause; on a refusal which ways on there really are.

use crate::{
    app::{
        action::Action,
        drift,
        guard::{Refusal, Subject, acts_on, facts::ways_back},
        lineage::Lineage,
        model::Model,
        past_us, preflight,
        quarantine::{self, Left, Quarantine, returned},
    },
    domain::{
        evidence::Verdict,
        form::Args,
        gate::{Behind, Gate},
        ids::EnvironmentName,
        item::Item,
        object::ObjectId,
        offer::{Risk, offer_for},
        place::Place,
        preflight::{About, Grade},
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
    let untouched = |target: &ObjectId| {
        let there = action.on(target);
        there.is_none_or(|there| !there.entries.iter().any(|entry| matches!(entry.stage, Stage::Sending { .. })))
    };
    let others = action.plan.each().filter(|one| one.target != asked.target && untouched(&one.target));
    let others: Vec<String> = others.map(|one| one.place().to_string()).collect();
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

/// That somebody else did something to the target just now: what the card shows is not only ours (F23).
pub(super) fn past_us(model: &Model, target: &ObjectId) -> Vec<String> {
    past_us::just_now_on(model, target).map(|act| act.said_of(model.now)).collect()
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
/// That a token may not see all there is, is no news of this release; that it lets nothing be compared is, and so is that nobody has
/// answered yet where it counts as a risk.
pub(super) fn settings_differ(model: &Model, verb: Verb, target: &ObjectId) -> (Option<String>, Option<String>) {
    let forward = verb.direction() == Direction::Forward;
    let Some(drift) = drift::of(model, target).filter(|_| forward) else { return (None, None) };
    let differs = drift.differing().next().is_some();
    let risk = model.session.comparing.weight == Weight::Risk;
    let blind = !drift.is_compared() && (drift.reading && risk || !drift.reading && !drift.unknown.is_empty());
    if !differs && !blind {
        return (None, None);
    }
    if risk { (Some(drift.words()), None) } else { (None, Some(drift.words())) }
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

/// That somebody goes back in the same place already, by another object of the same system: two runs that put two versions back come
/// one over the other. The way back stays open: which of them is the right one, people know.
pub(super) fn goes_back_too(model: &Model, asked: &Ask, subject: &Subject<'_>) -> Option<String> {
    if asked.verb.direction() != Direction::Back || asked.takes_over.is_some() {
        return None;
    }
    let here = |environment: &EnvironmentName| subject.environment.is_none_or(|own| own.meets(environment));
    let there = |plan: &&Plan| {
        plan.direction() == Direction::Back
            && plan.target != asked.target
            && plan.target.source == asked.target.source
            && plan.service == *subject.service
            && here(&plan.environment)
    };
    let running = model.actions.iter().filter(|action| action.is_running());
    let (action, plan) = running.filter_map(|action| Some((action, action.plan.each().find(there)?))).next_back()?;
    let (verb, who, since) = (plan.verb.words(), &action.who, action.since.format("%H:%M:%S"));
    let to = plan.draft.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
    Some(format!("{verb}{to} is under way there by {} ({who}, {since}): this would come over it", plan.target))
}

/// That what would go forward was left for cause where it goes: a gate that lets it through, a run that would
/// deploy it. Of a rollout that holds it `quarantine::returned` tells.
pub(super) fn comes_again(model: &Model, verb: Verb, target: &ObjectId) -> Option<String> {
    let item = model.store.item(target).filter(|_| verb.direction() == Direction::Forward)?;
    let (place, version) = match item {
        Item::Gate(gate) => (gate.place(), gate.version.as_ref()?),
        Item::Run(run) => (Place::of(&run.service, &EnvironmentName::new("")), &run.version),
        Item::Rollout(_) => return None,
    };
    let left = quarantine::comes_again(model, &place, version)?;
    Some(format!("{version} was left there for cause: {left}"))
}

/// Where what a run or a gate would deploy again must not run, as far as that is known of the rollouts there, with why.
fn unsafe_there<'a>(
    model: &'a Model,
    asked: &Ask,
    subject: &Subject<'a>,
    draft: &'a Draft,
) -> Vec<(&'a Rollout, Vec<preflight::Check>)> {
    let Some(to) = draft.to.as_ref().filter(|_| subject.rollout.is_none() && asked.verb.direction() == Direction::Back)
    else {
        return Vec::new();
    };
    let there = preflight::there(model, subject.service, subject.environment);
    let against = |rollout: &'a Rollout| {
        let arm = rollout.arms.iter().find(|arm| arm.version.as_ref().is_some_and(|version| version.is_same(to)))?;
        let args = Args::back_to(Some(arm.hash.as_str()));
        let ask = Ask { args, ..Ask::new(Verb::Rollback, rollout.id.clone()) };
        let red = preflight::forbids(model, rollout, &ask);
        (!red.is_empty()).then_some((rollout, red))
    };
    there.filter_map(against).collect()
}

/// The same as risks, for whoever goes there all the same.
pub(super) fn no_safe_way_there(model: &Model, asked: &Ask, subject: &Subject<'_>, draft: &Draft) -> Vec<String> {
    let Some(to) = &draft.to else { return Vec::new() };
    let said = |(rollout, red): (&Rollout, Vec<preflight::Check>)| {
        let red: Vec<String> = red.into_iter().map(|check| check.words).collect();
        format!("{to} cannot serve in {}: {}", rollout.environment, red.join("; "))
    };
    unsafe_there(model, asked, subject, draft).into_iter().map(said).collect()
}

/// Why a run or a gate must not put a version back: for the same reasons for which the engine there would not. Whoever knows better says
/// so by name, as there.
pub(super) fn forbidden_there(
    model: &Model,
    asked: &Ask,
    subject: &Subject<'_>,
    draft: &Draft,
    what: &str,
) -> Option<Refusal> {
    let decides =
        asked.verb == Verb::Rollback && !asked.force && asked.takes_over.is_none() && asked.sent_before() == 0;
    let there = if decides { unsafe_there(model, asked, subject, draft) } else { Vec::new() };
    let (first, _) = there.first()?;
    let to = draft.to.as_ref().map_or_else(|| "it".to_owned(), ToString::to_string);
    let reasons = there.iter().flat_map(|(rollout, red)| {
        let place = format!("{to} cannot serve in {}", rollout.environment);
        red.iter().map(move |check| format!("{place}: {}", of_check(check)))
    });
    Some(Refusal {
        verb: asked.verb,
        what: what.to_owned(),
        reasons: reasons.collect(),
        ways: preflight::safe_ways(model, first),
        changed: false,
        verdict: None,
        forces: Some(Box::new(Ask { force: true, ..asked.clone() })),
        without: None,
    })
}

/// `image: it is gone (push it again)`.
fn of_check(check: &preflight::Check) -> String {
    match &check.way {
        Some(way) => format!("{}: {} ({way})", check.about.words(), check.words),
        None => format!("{}: {}", check.about.words(), check.words),
    }
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

/// The hash of the version that a roll back of a rollout goes to.
fn put_back_by<'a>(rollout: &'a Rollout, draft: &Draft) -> Option<&'a String> {
    rollout.arms.iter().find(|arm| arm.version.is_some() && arm.version == draft.to).map(|arm| &arm.hash)
}

/// Does a roll back bring a version again that somebody left for cause? Then it goes no way back, whatever its verb is called.
pub(super) fn brings_again(model: &Model, rollout: &Rollout, verb: Verb, draft: &Draft) -> Option<Left> {
    let hash = put_back_by(rollout, draft).filter(|_| verb == Verb::Rollback)?;
    Quarantine::of(&model.actions, rollout).of_hash(hash).cloned()
}

/// Does this act bring such a version? What is carried on is what it was.
pub(super) fn is_brought_again(model: &Model, asked: &Ask, subject: &Subject<'_>, draft: &Draft) -> bool {
    if let Some(takeover) = &asked.takes_over {
        let was = model.actions.iter().find(|action| action.record == takeover.record);
        return was.is_some_and(|was| was.plan.brings_again && !takeover.releases);
    }
    subject.rollout.is_some_and(|rollout| brings_again(model, rollout, asked.verb, draft).is_some())
}

/// That such a one goes on only where somebody says so by name.
pub(super) fn is_left_for_cause(model: &Model, asked: &Ask, subject: &Subject<'_>, draft: &Draft) -> Option<Refusal> {
    let decides = !asked.force && asked.takes_over.is_none() && asked.sent_before() == 0;
    let rollout = subject.rollout.filter(|_| decides)?;
    let left = brings_again(model, rollout, asked.verb, draft)?;
    let version = draft.to.as_ref().map_or_else(|| "that version".to_owned(), ToString::to_string);
    let why = format!("it is no way back, it brings {version} again: {left}");
    let forces = Some(Box::new(Ask { force: true, ..asked.clone() }));
    Some(Refusal { forces, ..super::refuse(asked.verb, super::words(subject), &why) })
}

/// That a way back leaves what was itself put back, or ends at a version which somebody left for cause: allowed, and said in red.
pub(super) fn goes_to_what_was_left(model: &Model, rollout: &Rollout, verb: Verb, draft: &Draft) -> Vec<String> {
    let hash = match verb {
        Verb::Abort => Some(&rollout.identity.stable_hash),
        Verb::Rollback => put_back_by(rollout, draft),
        _ => return Vec::new(),
    };
    let quarantine = Quarantine::of(&model.actions, rollout);
    let version = draft.to.as_ref().map_or_else(|| "an unknown version".to_owned(), ToString::to_string);
    let left = hash.and_then(|hash| quarantine.of_hash(hash)).map(|left| format!("it goes to {version}, and {left}"));
    quarantine.put_back().map(ToString::to_string).into_iter().chain(left).collect()
}

/// Why a roll back must not happen, as far as that is known, with what is safe instead; nothing where it may. It may be asked all the
/// same: whoever knows better says so by name.
pub(super) fn no_safe_way(model: &Model, rollout: &Rollout, ask: &Ask, what: &str) -> Option<Refusal> {
    let against = preflight::forbids(model, rollout, ask);
    if against.is_empty() {
        return None;
    }
    Some(Refusal {
        verb: ask.verb,
        what: what.to_owned(),
        reasons: against.iter().map(of_check).collect(),
        ways: preflight::safe_ways(model, rollout),
        changed: false,
        verdict: None,
        forces: Some(Box::new(Ask { force: true, ..ask.clone() })),
        without: None,
    })
}

/// What is known of the version that an ask sends traffic to: what is red as risks, what is amber or not known as notes. Its pods and
/// who else writes the spec are told by whoever drafts it. Of a way forward also, where there is no safe way back from it.
pub(super) fn preflight(model: &Model, rollout: &Rollout, ask: &Ask) -> (Vec<String>, Vec<String>) {
    let Some(outlook) = preflight::of_ask(model, rollout, ask) else { return (Vec::new(), Vec::new()) };
    let mut risks: Vec<String> = outlook.of(Grade::Red).map(|check| check.words.clone()).collect();
    let told = |about: About| matches!(about, About::Pods | About::Automation);
    let mut notes: Vec<String> =
        outlook.of(Grade::Amber).filter(|check| !told(check.about)).map(|check| check.words.clone()).collect();
    let unknown: Vec<&str> =
        outlook.of(Grade::Unknown).filter(|check| !told(check.about)).map(|check| check.words.as_str()).collect();
    if !unknown.is_empty() {
        notes.push(unknown.join("; "));
    }
    if ask.verb.direction() == Direction::Forward
        && let Some(back) = preflight::back(model, rollout).filter(|back| back.grade() == Grade::Red)
    {
        risks.push(format!("no safe way back to {}: {}", back.arm.tag(), back.words()));
    }
    (risks, notes)
}

/// That what is let go on was left for cause, and is back by whatever hand: nobody lets it go on who has not heard of that.
pub(super) fn is_back(model: &Model, verb: Verb, goes_back: bool, subject: &Subject<'_>) -> Option<String> {
    let goes_on = verb.direction() == Direction::Forward && !goes_back;
    returned(model, subject.rollout.filter(|_| goes_on)?).map(|returned| returned.to_string())
}

/// That what undoes a roll back brings a version again which counts as left by then: nobody does that by one key.
pub(super) fn undone_by_force(draft: &mut Draft) {
    if !draft.undo.is_empty() {
        draft.undo.push_str("; only with --force, for it is left by then");
    }
}

/// Who puts back by itself what going back takes away (F5), each as a sentence.
pub(super) fn undone_by(model: &Model, rollout: &Rollout, verb: Verb, draft: &Draft) -> Vec<String> {
    if verb.direction() != Direction::Back {
        return Vec::new();
    }
    let left = draft.from.as_ref().map_or_else(|| "its own version".to_owned(), ToString::to_string);
    let all = model.store.upkeep_of(rollout);
    all.map(|upkeep| format!("{} puts {left} back {}", upkeep.called, upkeep.undoes)).collect()
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
