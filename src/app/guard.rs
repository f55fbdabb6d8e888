//! The guard: an ask becomes a plan or a refusal, a plan becomes confirmed or not. Nothing else can make an `Execute`; a
//! key, the palette, a script and a gate all pass here. Over 500 lines: the one way to a mutation is read as a whole.

mod facts;
mod notes;
mod several;
mod waves;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    app::{
        action::{Action, Lost},
        card::Card,
        guard::facts::{circumstances, evidence, said},
        inbox,
        model::Model,
        quarantine::{PutBack, Quarantine, WayBack},
        takeover,
    },
    domain::{
        evidence::Verdict,
        form::{Field, TO, Value},
        ids::{EnvironmentName, Person, ServiceName},
        object::ObjectId,
        offer::{Offer, Risk, offer_for},
        place::Place,
        rollout::{Arm, Phase, Rollout},
        time::Timestamp,
        verb::{Direction, Verb},
        version::Version,
    },
    policy::decide,
    port::{
        plan::{Ask, Blocked, Draft, Friction, Plan},
        record::NewRecord,
        secrets::Secrets,
        step::Obligation,
    },
    words::decision::Said,
};

/// How much of a commit is read back.
const READ_BACK: usize = 4;

#[cfg(test)]
pub(in crate::app) use self::facts::against;
pub use self::facts::{blind_spot, standing};
use self::notes::{
    closed, closes, doubted, ends_another, flies, goes_to_what_was_left, major_step, older_than_live, overtaken,
    settings_differ, with_yours,
};

/// Why a verb will not run: every reason at once, and honest ways on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The verb.
    pub verb: Verb,
    /// On what, in words: `payments in prod/eu-west-1`.
    pub what: String,
    /// Each reason, as a sentence.
    pub reasons: Vec<String>,
    /// What can be done instead.
    pub ways: Vec<String>,
    /// The world is not as it was on screen (exit code 6 rather than 9).
    pub changed: bool,
    /// The word that the reasons come down to: NO-GO, or NO DATA where nothing else stands in the way.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// The same asked all the same, where whoever knows better may: nothing but what is known of the way back speaks against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forces: Option<Box<Ask>>,
    /// Where it goes back on several: the same on those on which it may, without those that are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<Box<Ask>>,
}

/// The verbs that work from a refusal which names ways on: holding still, and going back.
pub const WAYS_ON: [Verb; 3] = [Verb::Pause, Verb::Abort, Verb::Rollback];

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: refused, {}; nothing was sent", self.verb.words(), self.what, self.reasons.join("; "))
    }
}

/// A plan that somebody confirmed. Only [`confirm`] makes one, and it cannot be read from a file or a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmed {
    record: NewRecord,
    /// Beside the record: nothing of it is ever written.
    secrets: Secrets,
}

impl Confirmed {
    /// What the journal writes before the first call.
    pub fn record(&self) -> &NewRecord {
        &self.record
    }

    /// What was typed for it and nobody may see.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }
}

/// What every kind of target has in common.
#[derive(Debug)]
struct Subject<'a> {
    service: &'a ServiceName,
    environment: Option<&'a EnvironmentName>,
    offers: &'a [Offer],
    /// The rollout whose evidence counts.
    rollout: Option<&'a Rollout>,
    /// What it is, in a sentence: `Deployment`, `gate`.
    noun: &'a str,
}

/// That a kind of object has no such verb: `this one has no approve`, `this gate has no roll back`.
pub fn lacks(noun: &str, verb: Verb) -> String {
    let named = noun.starts_with(char::is_uppercase);
    format!("{}{noun} has no {}", if named { "" } else { "this " }, verb.words())
}

/// That what is named has no such verb at all, and which it has; `None` where it has it, open or not.
pub fn lacked(model: &Model, ask: &Ask) -> Option<String> {
    let ask = inbox::meant(model, ask.clone());
    let subject = subject(model, &ask.target)?;
    if offer_for(subject.offers, ask.verb).is_some() {
        return None;
    }
    let has: Vec<&str> = subject.offers.iter().map(|offer| offer.verb.words()).collect();
    let has =
        if has.is_empty() { "nothing can be done with it".to_owned() } else { format!("it has {}", has.join(", ")) };
    Some(format!("{} {}: {}; {has}", ask.verb.words(), words(&subject), lacks(subject.noun, ask.verb)))
}

fn subject<'a>(model: &'a Model, target: &ObjectId) -> Option<Subject<'a>> {
    let store = &model.store;
    let rollout = || {
        store.rollout(target).map(|rollout| Subject {
            service: &rollout.service,
            environment: Some(&rollout.environment),
            offers: &rollout.offers,
            rollout: Some(rollout),
            noun: &rollout.system,
        })
    };
    let gate = || {
        store.gate(target).map(|gate| Subject {
            service: &gate.service,
            environment: Some(&gate.environment),
            offers: &gate.offers,
            rollout: None,
            noun: "gate",
        })
    };
    let run = || {
        store.run(target).map(|run| Subject {
            service: &run.service,
            environment: None,
            offers: &run.offers,
            rollout: None,
            noun: "run",
        })
    };
    rollout().or_else(gate).or_else(run)
}

/// May this be asked at all? Answers from what is on screen, without waiting for anything.
pub fn ask(model: &Model, ask: Ask) -> Result<Ask, Refusal> {
    if ask.then.is_empty() { ask_one(model, ask, &[]) } else { several::ask(model, &ask) }
}

/// The same of one target, which comes behind these in one act.
fn ask_one(model: &Model, ask: Ask, before: &[ObjectId]) -> Result<Ask, Refusal> {
    let ask = inbox::meant(model, ask);
    let Some(subject) = subject(model, &ask.target) else {
        let why = model.store.from_cache(&ask.target);
        return Err(refuse(ask.verb, ask.target.to_string(), why.as_deref().unwrap_or("it is no longer there")));
    };
    let what = words(&subject);
    let Some(offer) = offer_for(subject.offers, ask.verb) else {
        let why = lacks(subject.noun, ask.verb);
        return Err(refuse(ask.verb, what, &why));
    };
    if let Some(action) = model.actions.running_on(&ask.target).filter(|action| !goes_before(&ask, action))
        && (ask.takes_over.is_some() || action.plan.direction() != Direction::Back || !finishes(model, &ask, &subject))
    {
        let verb = action.plan.verb.words();
        let why = format!("already under way: {verb} ({}, {})", action.who, action.since.format("%H:%M:%S"));
        let ways = notes::other_way_back(ask.verb, action, &subject).into_iter().collect();
        return Err(Refusal { ways, ..refuse(ask.verb, what, &why) });
    }
    if let Some(why) = notes::is_stopped(model, &ask) {
        return Err(refuse(ask.verb, what, &why));
    }
    if ask.takes_over.as_ref().is_some_and(|takeover| takeover.releases) && !model.session.read_only {
        // What ends a hold was confirmed with the act that began it, and goes nowhere.
        return Ok(ask);
    }
    let ask = Ask { args: ask.args.over(&offer.form), ..ask };
    let (back_to, blocked) = match subject.rollout.filter(|_| ask.verb == Verb::Rollback) {
        // What was taken of it already has changed what can be begun; whether the rest can go on is for the draft to find.
        _ if ask.sent_before() > 0 => (None, None),
        Some(rollout) => way_back(model, rollout, &ask, offer)?,
        None => (None, offer.blocked.clone()),
    };
    let mut decision = decide(&circumstances(model, &ask, &subject, before));
    decision.ways.retain(|way| notes::is_there(way, &subject));
    let Said { refusals, mut ways, .. } = said(model, &ask, (subject.rollout, subject.offers), &decision);
    let verdict = decision.verdict.filter(|verdict| blocked.is_none() || *verdict == Verdict::NoGo);
    let reasons: Vec<String> = blocked.into_iter().chain(refusals).chain(unasked(&ask, &offer.form)).collect();
    if let Some(rollout) = subject.rollout.filter(|_| reasons.is_empty())
        && let Some(refusal) = notes::no_safe_way(model, rollout, &ask, &what)
    {
        return Err(refusal);
    }
    if reasons.is_empty() {
        let args = match back_to {
            Some(hash) => ask.args.with(TO, Value::Text(hash)),
            None => ask.args,
        };
        return Ok(Ask { args, ..ask });
    }
    // What is declared is taken back where it is declared.
    let aborted = |rollout: &&Rollout| rollout.phase == Phase::Aborted && !rollout.is_declared();
    if let Some(rollout) = subject.rollout.filter(aborted).filter(|_| !ways.is_empty()) {
        ways = after_an_abort(rollout);
    }
    Err(Refusal { verb: ask.verb, what, reasons, ways, changed: false, verdict, forces: None, without: None })
}

/// What was said to a verb that it does not ask for, or not so, each as a sentence.
pub fn unasked(ask: &Ask, form: &[Field]) -> Vec<String> {
    // Which versions there are to go back to, only the draft knows.
    let args = if ask.verb == Verb::Rollback { ask.args.clone().without(TO) } else { ask.args.clone() };
    args.over(form).against(form)
}

/// Which version a roll back means that names none, and what of the engine's offer stands against that. One that is named is
/// for the draft to find: the engine's reason is about the one it would take itself. One that nobody named is never one that was left for cause.
fn way_back(
    model: &Model,
    rollout: &Rollout,
    ask: &Ask,
    offer: &Offer,
) -> Result<(Option<String>, Option<String>), Refusal> {
    if ask.to().is_some() {
        return Ok((None, None));
    }
    let what = || rollout.place().to_string();
    let quarantine = Quarantine::of(&model.actions, rollout);
    match quarantine.way_back(rollout) {
        WayBack::PutBack(back, _) if ask.takes_over.is_some() => {
            let why = format!("what it would do is there: {}; it is watched to its end", back.said());
            Err(refuse(ask.verb, what(), &why))
        }
        WayBack::PutBack(back, older) if !model.session.read_only => {
            Err(put_back_already(&quarantine, rollout, (back, older), offer.blocked.as_ref()))
        }
        WayBack::Older(arm, _) => Ok((Some(arm.hash.clone()), offer.blocked.clone())),
        WayBack::OnlyLeft(arm, left) if offer.blocked.is_none() && !model.session.read_only => {
            let why = format!("the only way back is to {}, and {left}", arm.called());
            let home = finishes_it(&quarantine, rollout);
            // It was left for cause: its name alone brings it no more.
            let force = format!(" --force {} --reason TEXT", rollout.service);
            let anyway = format!("{} puts it back all the same", by_name(rollout, arm, &force));
            Err(Refusal { ways: home.into_iter().chain([anyway]).collect(), ..refuse(ask.verb, what(), &why) })
        }
        _ => Ok((None, offer.blocked.clone())),
    }
}

/// The command that rolls back to a version by its name, with what else it takes.
fn by_name(rollout: &Rollout, arm: &Arm, more: &str) -> String {
    let name = arm.version.as_ref().map_or(&arm.hash, |version| &version.tag);
    format!("`holdshort rollback {} --to {name}{more}`", rollout.id)
}

/// That what it holds was put back already, by whomever. What is older and named is open, as far as its system lets us; that what was left can
/// be brought again is nothing to be told to whoever wants to go back.
fn put_back_already(
    quarantine: &Quarantine,
    rollout: &Rollout,
    (back, older): (&PutBack, Option<&Arm>),
    blocked: Option<&String>,
) -> Refusal {
    let why = format!("{back}: there is nothing to go back from");
    // That no version is the default one is said here already; anything else stands in the way of those that are named too.
    let denied = blocked.filter(|blocked| **blocked != rollout.no_way_back());
    let further = older.map(|arm| format!("{} goes further back", by_name(rollout, arm, "")));
    let ways = finishes_it(quarantine, rollout).into_iter().chain(further);
    Refusal {
        ways: if denied.is_none() { ways.collect() } else { Vec::new() },
        reasons: [why].into_iter().chain(denied.cloned()).collect(),
        ..refuse(Verb::Rollback, rollout.place().to_string(), "")
    }
}

/// The full promotion that ends a way back which still goes through the steps.
fn finishes_it(quarantine: &Quarantine, rollout: &Rollout) -> Option<String> {
    quarantine.homeward(rollout)?;
    let version = rollout.canary.as_ref().map_or_else(String::new, |version| format!(" to {version}"));
    Some(format!("promote full: that finishes the way back{version}"))
}

/// May this be asked although that is under way? Going back may: it ends whatever else is. Only the same act is not begun
/// twice while somebody carries it out; which version a roll back without a name means is known once it is drafted.
fn goes_before(ask: &Ask, action: &Action) -> bool {
    if let Some(takeover) = &ask.takes_over {
        return takeover.record == action.record && matches!(action.lost, Some(Lost::Died(_)));
    }
    let same = ask.verb == action.plan.verb && action.lost.is_none();
    let to = action.plan.of(&ask.target).and_then(|plan| plan.draft.to.as_ref());
    let another = |name: &str| to.is_some_and(|version| !version.is_called(name));
    ask.verb.direction() == Direction::Back && (!same || ask.to().is_some_and(another))
}

/// Does it end at once what a roll back began, which still goes through the steps?
fn finishes(model: &Model, ask: &Ask, subject: &Subject<'_>) -> bool {
    ask.verb == Verb::PromoteFull && circumstances(model, ask, subject, &[]).back
}

/// Makes the plan of a draft, or says why not. Policy is asked again: time has passed since the ask.
pub fn plan(model: &Model, asked: &Ask, draft: Result<Draft, Blocked>) -> Result<Plan, Refusal> {
    plan_of(model, asked, vec![draft])
}

/// Makes the plan of what was drafted for each target, in order.
pub fn plan_of(model: &Model, asked: &Ask, mut drafts: Vec<Result<Draft, Blocked>>) -> Result<Plan, Refusal> {
    match drafts.pop() {
        Some(draft) if drafts.is_empty() && asked.then.is_empty() => plan_one(model, asked, draft, (0, &[])),
        last => several::plan(model, asked, drafts.into_iter().chain(last).collect()),
    }
}

/// The same of one target, which is so many behind the first, and comes behind these.
fn plan_one(
    model: &Model,
    asked: &Ask,
    draft: Result<Draft, Blocked>,
    (index, before): (usize, &[ObjectId]),
) -> Result<Plan, Refusal> {
    let asked = ask_one(model, asked.clone(), before)?;
    let Some(subject) = subject(model, &asked.target) else {
        return Err(refuse(asked.verb, asked.target.to_string(), "it is no longer there"));
    };
    let mut draft = draft.map_err(|blocked| refuse(asked.verb, words(&subject), &blocked.0))?;
    if let Some(refusal) = notes::forbidden_there(model, &asked, &subject, &draft, &words(&subject)) {
        return Err(refusal);
    }
    if let Some(refusal) = notes::is_left_for_cause(model, &asked, &subject, &draft) {
        return Err(refusal);
    }
    if let Some(takeover) = &asked.takes_over {
        if let Some(why) = takeover::against(model, takeover, index, &draft) {
            return Err(Refusal { changed: true, ..refuse(asked.verb, words(&subject), &why) });
        }
        let notes = if index == 0 { takeover.notes(&draft) } else { takeover.left_to_send(&draft) };
        draft.notes.splice(0..0, notes);
    } else {
        draft.notes.splice(0..0, ends_another(model, &asked));
    }
    for owed in &mut draft.obligations {
        owed.owner.get_or_insert_with(|| model.session.who.clone());
    }
    if asked.takes_over.is_none() {
        draft.notes.extend(draft.obligations.iter().map(Obligation::note));
    }
    let closes = closes(model, asked.verb, &asked.target);
    let of_gates = closes.iter().filter_map(|gate| offer_for(&gate.offers, Verb::Approve).map(|offer| offer.risk));
    let own = offer_for(subject.offers, asked.verb).map_or(Risk::High, |offer| offer.risk);
    let risk = of_gates.fold(own, Risk::max);
    let circumstances = circumstances(model, &asked, &subject, before);
    let goes_back = circumstances.back;
    let Said { mut risks, mut checks, .. } =
        said(model, &asked, (subject.rollout, subject.offers), &decide(&circumstances));
    risks.extend(
        subject.rollout.into_iter().flat_map(|rollout| goes_to_what_was_left(model, rollout, asked.verb, &draft)),
    );
    risks.splice(0..0, notes::is_back(model, asked.verb, goes_back, &subject));
    if !goes_back {
        risks.extend(subject.rollout.and_then(|rollout| doubted(model, rollout, asked.verb)));
    }
    // What only ends a hold sends nobody to another version.
    let releases = asked.takes_over.as_ref().is_some_and(|takeover| takeover.releases);
    let moving = subject.rollout.filter(|_| !releases);
    if let Some((known, others)) = moving.map(|rollout| notes::preflight(model, rollout, &asked)) {
        risks.extend(known);
        draft.notes.extend(others);
    }
    let undone = subject.rollout.map(|rollout| notes::undone_by(model, rollout, asked.verb, &draft));
    draft.notes.splice(0..0, undone.unwrap_or_default());
    draft.notes.splice(0..0, notes::past_us(model, &asked.target));
    risks.extend(notes::which(asked.verb, risk, &draft));
    risks.extend(overtaken(model, asked.verb, &asked.target));
    risks.extend(notes::goes_back(model, asked.verb, &asked.target));
    risks.extend(notes::goes_back_too(model, &asked, &subject));
    risks.extend(notes::no_safe_way_there(model, &asked, &subject, &draft));
    risks.extend(notes::comes_again(model, asked.verb, &asked.target));
    risks.extend(older_than_live(model, asked.verb, &asked.target));
    let (harmful, others) = flies(model, asked.verb, &asked.target);
    risks.extend(harmful);
    draft.notes.extend(others);
    draft.notes.extend(major_step(model, asked.verb, &asked.target));
    risks.extend(closes.iter().map(|gate| closed(gate)));
    if !goes_back {
        let (risk, note) = settings_differ(model, asked.verb, &asked.target);
        risks.extend(risk);
        draft.notes.extend(note);
    }
    let (opens, notes) = with_yours(model, &asked);
    checks.extend(opens);
    draft.notes.extend(notes);
    // Not known is no check that was passed.
    draft.notes.extend(offer_for(subject.offers, asked.verb).and_then(|offer| offer.unsure.clone()));
    let brings_again = notes::is_brought_again(model, &asked, &subject, &draft);
    if asked.verb == Verb::Rollback && !brings_again && subject.rollout.is_some() {
        notes::undone_by_force(&mut draft);
    }
    Ok(Plan {
        verb: asked.verb,
        target: asked.target.clone(),
        service: subject.service.clone(),
        environment: subject.environment.cloned().unwrap_or_else(|| EnvironmentName::new("")),
        risk,
        friction: if asked.force && asked.verb == Verb::Rollback {
            // Nothing else stops it any more: whose it is, is typed.
            Friction::ReadBackAndReason(subject.service.to_string())
        } else {
            friction(asked.verb, risk, &draft, goes_back, !risks.is_empty())
        },
        brings_again,
        draft,
        goes_back,
        checks,
        risks,
        evidence: evidence(model, &asked.target, subject.rollout),
        then: Vec::new(),
    })
}

/// What a verb asks for beside its target, as it stands now; `None` where it is not offered.
pub fn form(model: &Model, ask: &Ask) -> Option<Vec<Field>> {
    let ask = inbox::meant(model, ask.clone());
    let subject = subject(model, &ask.target)?;
    offer_for(subject.offers, ask.verb).map(|offer| offer.form.clone())
}

/// Confirms a card. The last look before anything is written: the world must still be as it was when the card was drawn, and
/// the plan must be the one for what the card asks.
pub fn confirm(model: &Model, card: &Card) -> Result<Confirmed, Refusal> {
    let plan = &card.plan;
    let what = plan.places();
    if let Some(moved) = &card.moved {
        return Err(Refusal { changed: true, ..refuse(plan.verb, what, moved) });
    }
    let otherwise = || {
        let why = "it was drawn up for something else than is asked now: ask for it again";
        Refusal { changed: true, ..refuse(plan.verb, plan.places(), why) }
    };
    if !card.is_drawn_up() {
        return Err(otherwise());
    }
    if let Some(missing) = card.missing() {
        return Err(refuse(plan.verb, what, &missing));
    }
    let asked = ask(model, card.ask.clone())?;
    if asked != card.ask || form(model, &asked).unwrap_or_default() != card.form {
        return Err(otherwise());
    }
    for (one, plan) in asked.each().iter().zip(plan.each()) {
        if let Some(subject) = subject(model, &one.target)
            && let Some(refusal) = notes::forbidden_there(model, one, &subject, &plan.draft, &words(&subject))
        {
            return Err(refusal);
        }
    }
    let who = model.session.who.clone();
    let record = NewRecord::confirmed(model.now, who, card.reason_words(), plan.clone()).asked(&card.ask);
    Ok(Confirmed { record, secrets: card.secrets.clone() })
}

/// What an object is called: `payments in prod/eu-west-1`; its id where it is gone.
fn called(model: &Model, target: &ObjectId) -> String {
    subject(model, target).map_or_else(|| target.to_string(), |subject| words(&subject))
}

/// Refuses unless the version that the plan acts on at its first target is the one that was named.
pub fn expect(plan: &Plan, name: &str) -> Result<(), Refusal> {
    expect_of(plan.verb, plan.place().to_string(), &plan.draft, name)
}

/// The same of what would be drafted, whatever else stands against it.
pub fn expect_of(verb: Verb, what: String, draft: &Draft, name: &str) -> Result<(), Refusal> {
    match acts_on(verb, draft) {
        Some(version) if version.is_bound_by(name) => Ok(()),
        Some(version) if version.is_called(name) => {
            let why = format!("{name} holds another commit with each push: name {version} by its commit");
            Err(refuse(verb, what, &why))
        }
        Some(version) => {
            let why = format!("it would act on {version}, not on {name}");
            Err(Refusal { changed: true, ..refuse(verb, what, &why) })
        }
        None => Err(refuse(verb, what, "its version is not known, so it cannot be compared")),
    }
}

/// The version that a verb moves: the one going back is the one that is taken away.
pub fn acts_on(verb: Verb, draft: &Draft) -> Option<&Version> {
    match verb.direction() {
        Direction::Back => draft.from.as_ref().or(draft.to.as_ref()),
        Direction::Forward | Direction::Still => draft.to.as_ref().or(draft.from.as_ref()),
    }
}

/// Every verb that an object's system offers, blocked by the system or by policy, each with its reason.
pub fn offers(model: &Model, target: &ObjectId) -> Vec<Offer> {
    let Some(subject) = subject(model, target) else { return Vec::new() };
    let each = |offer: &Offer| {
        let blocked = ask(model, Ask::new(offer.verb, target.clone())).err().map(|refusal| refusal.reasons.join("; "));
        Offer { blocked, ..offer.clone() }
    };
    subject.offers.iter().map(each).collect()
}

/// Going back wants a reason, and so does closing a gate for good, or going forward while something is not known. Going
/// forward where a mistake costs much wants the version read back.
fn friction(verb: Verb, risk: Risk, draft: &Draft, goes_back: bool, risky: bool) -> Friction {
    if goes_back || verb.direction() == Direction::Back || verb == Verb::Reject {
        return Friction::Reason;
    }
    let high = verb.direction() == Direction::Forward && risk == Risk::High;
    let read_back = acts_on(verb, draft).filter(|_| high).map(|version| match &version.commit {
        Some(commit) => commit.chars().take(READ_BACK).collect(),
        None => version.tag.clone(),
    });
    match (read_back, risky) {
        (Some(text), true) => Friction::ReadBackAndReason(text),
        (Some(text), false) => Friction::ReadBack(text),
        (None, true) => Friction::Reason,
        (None, false) => Friction::Enter,
    }
}

/// What can be done where a version was taken back and must not come again: nothing of it is left to hold or to abort.
fn after_an_abort(rollout: &Rollout) -> Vec<String> {
    let tag = rollout.canary.as_ref().map_or("it", |version| version.tag.as_str());
    vec![
        "deploy a version that mends it: that is judged by what it does itself".to_owned(),
        format!("roll back, so that the spec no longer holds {tag}"),
    ]
}

fn words(subject: &Subject<'_>) -> String {
    let nowhere = EnvironmentName::new("");
    Place::of(subject.service, subject.environment.unwrap_or(&nowhere)).to_string()
}

fn refuse(verb: Verb, what: String, why: &str) -> Refusal {
    Refusal {
        verb,
        what,
        reasons: vec![why.to_owned()],
        ways: Vec::new(),
        changed: false,
        verdict: None,
        forces: None,
        without: None,
    }
}

/// Who decided and when, as a record begins.
pub fn begun(confirmed: &Confirmed) -> (&Person, Timestamp) {
    (&confirmed.record.who, confirmed.record.at)
}

#[cfg(test)]
mod tests;
