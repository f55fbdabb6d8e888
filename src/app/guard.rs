//! The guard: an ask becomes a plan or a refusal, a plan becomes confirmed or not. Nothing else can make an `Execute`; a
//! key, the palette, a script and a gate all pass here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    app::{card::Card, inbox, model::Model},
    domain::{
        evidence::{Evidence, SourceAge, Verdict},
        ids::{EnvironmentName, Person, RolloutId, ServiceName},
        observed::Freshness,
        offer::{Offer, Risk, offer_for},
        rollout::{Phase, Rollout},
        time::Timestamp,
        verb::{Direction, Verb},
        version::Version,
    },
    policy::{Circumstances, Decision, Judged, Source, decide},
    port::{
        plan::{Ask, Blocked, Draft, Friction, Plan, Target},
        record::NewRecord,
    },
};

/// How much of a commit is read back.
const READ_BACK: usize = 4;

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
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: refused, {}; nothing was sent", self.verb.words(), self.what, self.reasons.join("; "))
    }
}

/// A plan that somebody confirmed. Only [`confirm`] makes one, and it cannot be read from a file or a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmed(NewRecord);

impl Confirmed {
    /// What the journal writes before the first call.
    pub fn record(&self) -> &NewRecord {
        &self.0
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
    /// The verb as this target has it: approving an Argo pause is promoting past it.
    verb: Verb,
}

fn subject<'a>(model: &'a Model, verb: Verb, target: &Target) -> Option<Subject<'a>> {
    match target {
        Target::Rollout(id) => model.store.rollout(id).map(|rollout| Subject {
            service: &rollout.service,
            environment: Some(&rollout.environment),
            offers: &rollout.offers,
            rollout: Some(rollout),
            verb: if verb == Verb::Approve { inbox::let_through(rollout) } else { verb },
        }),
        Target::Gate(id) => model.store.gates().find(|gate| gate.id == *id).map(|gate| Subject {
            service: &gate.service,
            environment: Some(&gate.environment),
            offers: &gate.offers,
            rollout: None,
            verb,
        }),
        Target::Run(id) => model.store.runs().find(|run| run.id == *id).map(|run| Subject {
            service: &run.service,
            environment: None,
            offers: &run.offers,
            rollout: None,
            verb,
        }),
    }
}

/// May this be asked at all? Answers from what is on screen, without waiting for anything.
pub fn ask(model: &Model, ask: Ask) -> Result<Ask, Refusal> {
    let Some(subject) = subject(model, ask.verb, &ask.target) else {
        return Err(refuse(ask.verb, ask.target.to_string(), "it is no longer there"));
    };
    let ask = Ask { verb: subject.verb, ..ask };
    let what = words(&subject);
    let Some(offer) = offer_for(subject.offers, ask.verb) else {
        let why = format!("there is no {} on a {}", ask.verb.words(), kind(&ask.target));
        return Err(refuse(ask.verb, what, &why));
    };
    if let Some(action) = model.actions.running_on(&ask.target) {
        let verb = action.plan.verb.words();
        let why = format!("already under way: {verb} ({}, {})", action.who, action.since.format("%H:%M:%S"));
        return Err(refuse(ask.verb, what, &why));
    }
    let Decision { refusals, mut ways, .. } = decide(&circumstances(model, &ask, &subject));
    let mut reasons: Vec<String> = offer.blocked.iter().cloned().collect();
    reasons.extend(refusals);
    if reasons.is_empty() {
        return Ok(ask);
    }
    if let Some(rollout) = subject.rollout {
        ways.retain(|way| way != "roll back or abort" || rollout.in_flight());
        if rollout.phase == Phase::Aborted && !ways.is_empty() {
            ways = after_an_abort(rollout);
        }
    }
    Err(Refusal { verb: ask.verb, what, reasons, ways, changed: false })
}

/// Makes the plan of a draft, or says why not. Policy is asked again: time has passed since the ask.
pub fn plan(model: &Model, asked: &Ask, draft: Result<Draft, Blocked>) -> Result<Plan, Refusal> {
    let asked = ask(model, asked.clone())?;
    let Some(subject) = subject(model, asked.verb, &asked.target) else {
        return Err(refuse(asked.verb, asked.target.to_string(), "it is no longer there"));
    };
    let draft = draft.map_err(|blocked| refuse(asked.verb, words(&subject), &blocked.0))?;
    let risk = offer_for(subject.offers, asked.verb).map_or(Risk::High, |offer| offer.risk);
    let decision = decide(&circumstances(model, &asked, &subject));
    Ok(Plan {
        verb: asked.verb,
        target: asked.target.clone(),
        service: subject.service.clone(),
        environment: subject.environment.cloned().unwrap_or_else(|| EnvironmentName::new("")),
        risk,
        friction: friction(asked.verb, risk, &draft),
        draft,
        checks: decision.checks,
        evidence: evidence(model, &asked.target, subject.rollout),
    })
}

/// Confirms a card. The last look before anything is written: the world must still be as it was when the card was drawn.
pub fn confirm(model: &Model, card: &Card) -> Result<Confirmed, Refusal> {
    let plan = &card.plan;
    let what = format!("{} in {}", plan.service, plan.environment);
    if let Some(moved) = &card.moved {
        return Err(Refusal { changed: true, ..refuse(plan.verb, what, moved) });
    }
    if let Some(missing) = card.missing() {
        return Err(refuse(plan.verb, what, &missing));
    }
    ask(model, card.ask.clone())?;
    Ok(Confirmed(NewRecord {
        at: model.now,
        who: model.session.who.clone(),
        reason: card.reason_words(),
        plan: plan.clone(),
    }))
}

/// Refuses unless the version that the plan acts on is the one that was named.
pub fn expect(plan: &Plan, name: &str) -> Result<(), Refusal> {
    let what = format!("{} in {}", plan.service, plan.environment);
    match acts_on(plan.verb, &plan.draft) {
        Some(version) if version.is_called(name) => Ok(()),
        Some(version) => {
            let why = format!("it would act on {version}, not on {name}");
            Err(Refusal { changed: true, ..refuse(plan.verb, what, &why) })
        }
        None => Err(refuse(plan.verb, what, "its version is not known, so it cannot be compared")),
    }
}

/// The version that a verb moves: the one going back is the one that is taken away.
pub fn acts_on(verb: Verb, draft: &Draft) -> Option<&Version> {
    match verb.direction() {
        Direction::Back => draft.from.as_ref().or(draft.to.as_ref()),
        Direction::Forward | Direction::Still => draft.to.as_ref().or(draft.from.as_ref()),
    }
}

/// Every verb of a rollout's engine, blocked by the engine or by policy, each with its reason.
pub fn offers(model: &Model, rollout: &Rollout) -> Vec<Offer> {
    let target = Target::Rollout(rollout.id.clone());
    let each = |offer: &Offer| {
        let asked = Ask { verb: offer.verb, target: target.clone(), to: None, reason: None };
        let blocked = ask(model, asked).err().map(|refusal| refusal.reasons.join("; "));
        Offer { blocked, ..offer.clone() }
    };
    rollout.offers.iter().map(each).collect()
}

fn friction(verb: Verb, risk: Risk, draft: &Draft) -> Friction {
    match (verb.direction(), risk) {
        (Direction::Back, _) => Friction::Reason,
        (Direction::Forward, Risk::High) => match acts_on(verb, draft) {
            Some(Version { commit: Some(commit), .. }) => Friction::ReadBack(commit.chars().take(READ_BACK).collect()),
            Some(version) => Friction::ReadBack(version.tag.clone()),
            None => Friction::Enter,
        },
        _ => Friction::Enter,
    }
}

fn circumstances(model: &Model, ask: &Ask, subject: &Subject<'_>) -> Circumstances {
    Circumstances {
        verb: ask.verb,
        read_only: model.session.read_only,
        journal_broken: model.journal_broken.clone(),
        judged: subject.rollout.and_then(|rollout| match judged(model, &rollout.id) {
            Some(judged) if ask.verb == Verb::Retry && rollout.phase == Phase::Aborted => Some(of_an_attempt(judged)),
            judged => judged,
        }),
        sources: source_ages(model, &ask.target, subject.rollout)
            .into_iter()
            .map(|(age, words)| Source { name: age.source.to_string(), freshness: age.freshness, words })
            .collect(),
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

/// A version that was taken back is judged anew when it is tried again. That nothing is measured of it now is no wonder and
/// speaks against nothing; harm that it did does.
fn of_an_attempt(judged: Judged) -> Judged {
    if judged.verdict == Verdict::NoGo {
        return judged;
    }
    let history = format!("the attempt that was aborted ended as {}", judged.verdict.words());
    let why = std::iter::once(history).chain([judged.why]).chain(judged.missing).filter(|part| !part.is_empty());
    let why = why.collect::<Vec<_>>().join(", ");
    Judged { verdict: Verdict::Wait, why: why + "; a retry is judged anew", missing: Vec::new(), due: None }
}

/// What policy is told of a rollout's verdict.
pub fn judged(model: &Model, id: &RolloutId) -> Option<Judged> {
    let judgement = model.judgements.get(id)?;
    // What is too old, and what nothing was seen of, is no evidence.
    let nothing = |why: String| Judged { verdict: Verdict::NoData, why, missing: Vec::new(), due: None };
    if let Some(outdated) = model.outdated(id) {
        return Some(nothing(outdated.trim_start_matches("verdict ").to_owned()));
    }
    if judgement.verdict == Verdict::Wait && judgement.canary.requests == 0 {
        return Some(nothing("not one request of the canary was measured yet".to_owned()));
    }
    let missing: Vec<String> = judgement.missing.iter().map(ToString::to_string).collect();
    // The reason ends with what is missing, which policy says for itself, with how it is missing.
    let why = match judgement.reason.split_once("NO DATA ") {
        Some((why, _)) if !missing.is_empty() => why.trim_end_matches([',', ' ']),
        _ => &judgement.reason,
    };
    let day = |at: Timestamp| if at.date_naive() == model.now.date_naive() { "%H:%M" } else { "%m-%d %H:%M" };
    let due = judgement.eta.map(|at| at.format(day(at)).to_string());
    Some(Judged { verdict: judgement.verdict, why: why.to_owned(), missing, due })
}

/// The sources that a decision about the target rests on, with their state in words.
fn source_ages(model: &Model, target: &Target, rollout: Option<&Rollout>) -> Vec<(SourceAge, String)> {
    let mut states: Vec<_> = model.store.target_state(target, model.now).into_iter().collect();
    if let Some(rollout) = rollout.filter(|rollout| rollout.in_flight()) {
        // The signals of a judged rollout count, wherever they come from; a service without signals has no such source.
        let judged = model.store.signals(&rollout.service).map(|(source, _)| source.clone());
        let all = model.store.sources(model.now);
        states.extend(judged.and_then(|source| all.into_iter().find(|state| state.source == source)));
    }
    let words = |age: Option<u64>, fault: Option<String>| match (age, fault) {
        (Some(age), Some(fault)) => format!("last good answer {age} s ago; {fault}"),
        (Some(age), None) => format!("last answer {age} s ago"),
        (None, Some(fault)) => format!("never answered; {fault}"),
        (None, None) => "never answered".to_owned(),
    };
    states
        .into_iter()
        .map(|state| {
            let age_seconds = state.age.map(|age| age.as_secs());
            let words = words(age_seconds, state.fault.map(|fault| fault.text));
            (SourceAge { source: state.source, freshness: state.freshness, age_seconds }, words)
        })
        .collect()
}

fn evidence(model: &Model, target: &Target, rollout: Option<&Rollout>) -> Evidence {
    let judged = rollout.and_then(|rollout| model.judgements.get(&rollout.id));
    Evidence {
        at: model.now,
        verdict: judged.map(|judgement| judgement.verdict),
        said: judged.map_or_else(String::new, |judgement| judgement.reason.clone()),
        sources: source_ages(model, target, rollout).into_iter().map(|(age, _)| age).collect(),
    }
}

/// Is everything that a forward verb on this rollout rests on live, and the evidence not against it?
pub fn is_clear(model: &Model, rollout: &Rollout) -> bool {
    let target = Target::Rollout(rollout.id.clone());
    let live = |(age, _): (SourceAge, String)| age.freshness == Freshness::Live;
    judged(model, &rollout.id).is_none_or(|judged| judged.against().is_empty())
        && source_ages(model, &target, Some(rollout)).into_iter().all(live)
}

fn words(subject: &Subject<'_>) -> String {
    match subject.environment {
        Some(environment) => format!("{} in {environment}", subject.service),
        None => subject.service.to_string(),
    }
}

fn kind(target: &Target) -> &'static str {
    match target {
        Target::Rollout(id) => id.engine.words(),
        Target::Gate(_) => "gate",
        Target::Run(_) => "run",
    }
}

fn refuse(verb: Verb, what: String, why: &str) -> Refusal {
    Refusal { verb, what, reasons: vec![why.to_owned()], ways: Vec::new(), changed: false }
}

/// Who decided and when, as a record begins.
pub fn begun(confirmed: &Confirmed) -> (&Person, Timestamp) {
    (&confirmed.0.who, confirmed.0.at)
}
