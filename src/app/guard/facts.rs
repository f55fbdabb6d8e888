//! What is told to policy, and taken down as evidence: from the model as it is now. What is not there is told as not known.

use super::{Subject, waves};
use crate::{
    app::{model::Model, quarantine::Quarantine},
    domain::{
        evidence::{Evidence, SourceAge, Verdict},
        object::ObjectId,
        observed::Freshness,
        offer::{self, Offer, offer_for},
        rollout::{Identity, Phase, Rollout, Unknown},
        verb::Verb,
        version::Version,
    },
    judge::verdict::Judgement,
    policy::{Assessment, Blind, Circumstances, Decision, Judged, Source, Unjudged},
    port::plan::Ask,
    words::{
        self,
        decision::{About, Said},
    },
};

pub(super) fn circumstances(model: &Model, ask: &Ask, subject: &Subject<'_>, before: &[ObjectId]) -> Circumstances {
    let rollout = subject.rollout;
    let mut sources: Vec<Source> = source_ages(model, &ask.target, rollout)
        .into_iter()
        .map(|(age, words)| Source { name: age.source.to_string(), freshness: age.freshness, words })
        .collect();
    if model.store.target_state(&ask.target, model.now).is_none() {
        let name = ask.target.source.to_string();
        sources.push(Source { name, freshness: Freshness::Never, words: "no such connection in this session".into() });
    }
    Circumstances {
        verb: ask.verb,
        back: homeward(model, ask, rollout).is_some(),
        read_only: model.session.read_only,
        journal_broken: model.journal_broken.clone(),
        judged: match rollout.map(|rollout| (rollout.phase, assess(model, rollout))) {
            None => Assessment::NotJudgedBecause(Unjudged::BeforeTraffic),
            Some((Phase::Aborted, Assessment::Judged(judged))) if ask.verb == Verb::Retry => Assessment::Over(judged),
            Some((_, assessment)) => assessment,
        },
        unknown: rollout.map_or_else(Vec::new, |rollout| unknown(model, rollout)),
        sources,
        cost: offer_for(subject.offers, ask.verb).map_or(offer::Risk::High, |offer| offer.risk),
        turn: waves::turn(model, ask, rollout, before),
    }
}

/// What the engine cannot tell of it, and a verdict that is being worked out anew.
fn unknown(model: &Model, rollout: &Rollout) -> Vec<Unknown> {
    let owed = model.unjudged.contains(&rollout.id).then(|| Unknown {
        what: "its verdict is being worked out anew, from hours of numbers".to_owned(),
        way: "press again in a moment".to_owned(),
    });
    rollout.unknown.iter().cloned().chain(owed).collect()
}

/// A decision in sentences.
pub(super) fn said(
    model: &Model,
    ask: &Ask,
    (rollout, offers): (Option<&Rollout>, &[Offer]),
    decision: &Decision,
) -> Said {
    let back = homeward(model, ask, rollout);
    let outdated = rollout.and_then(|rollout| model.outdated(&rollout.id));
    let about = About {
        judgement: rollout.and_then(|rollout| model.judgements.get(&rollout.id)),
        outdated: outdated.as_ref(),
        back: back.as_deref(),
        engine: rollout.map_or("", |rollout| &rollout.system),
        ways_back: &ways_back(offers),
        now: model.now,
    };
    words::decision::decision(decision, about)
}

/// The verbs that go back and are open.
pub(super) fn ways_back(offers: &[Offer]) -> Vec<Verb> {
    let open = |verb: &Verb| offer_for(offers, *verb).is_some_and(|offer| offer.blocked.is_none());
    [Verb::Rollback, Verb::Abort].into_iter().filter(open).collect()
}

/// Why a verb goes back here that goes forward elsewhere, where it does: it goes on with what a roll back began, or less is exposed.
fn homeward(model: &Model, ask: &Ask, rollout: Option<&Rollout>) -> Option<String> {
    if let Some(less) = rollout.and_then(|rollout| exposes_less(rollout, ask)) {
        return Some(less);
    }
    let rollout = rollout.filter(|_| GOES_ON.contains(&ask.verb))?;
    let quarantine = Quarantine::of(&model.actions, rollout);
    let left = quarantine.homeward(rollout)?;
    let named =
        |version: &Option<Version>| version.as_ref().map_or_else(|| "the other".to_owned(), ToString::to_string);
    Some(format!(
        "goes back to {}: {} still counts as stable, and {left}",
        named(&rollout.canary),
        named(&rollout.stable)
    ))
}

/// The verbs that bring what is on its way further.
const GOES_ON: [Verb; 5] = [Verb::Promote, Verb::PromoteFull, Verb::Skip, Verb::Resume, Verb::Next];

/// That fewer users would see the new version than now, where something is set that says how many.
fn exposes_less(rollout: &Rollout, ask: &Ask) -> Option<String> {
    let offer = offer_for(&rollout.offers, ask.verb).filter(|_| ask.verb == Verb::Set)?;
    offer.form.iter().find_map(|field| {
        let (now, wanted) = (field.exposes?, ask.args.text(&field.name)?.trim().parse::<u32>().ok()?);
        let version = rollout.canary.as_ref().map_or_else(|| "the new version".to_owned(), ToString::to_string);
        (wanted < now).then(|| format!("less of {version} is exposed: {} {now} → {wanted}", field.label))
    })
}

/// What policy is told of the version that would move: its verdict, or why there is none. That nothing is judged is only
/// told where that is seen: both sides are looked at, and neither is taken for absent because it was not found.
fn assess(model: &Model, rollout: &Rollout) -> Assessment {
    if let Some(judgement) = model.judgements.get(&rollout.id) {
        return Assessment::Judged(judged(model, rollout, judgement));
    }
    if rollout.is_declared() {
        return Assessment::NotJudgedBecause(Unjudged::Declared);
    }
    let Identity { canary_hash, stable_hash, .. } = &rollout.identity;
    let seen = |hash: &String| rollout.arms.iter().any(|arm| arm.hash == *hash && arm.pods.is_some());
    let others_run = || rollout.arms.iter().any(|arm| arm.hash != *canary_hash && arm.may_run());
    Assessment::NotJudgedBecause(if canary_hash.is_empty() {
        Unjudged::Missing(Blind::WhichVersion)
    } else if !seen(canary_hash) {
        Unjudged::Missing(Blind::New(canary_hash.clone()))
    } else if stable_hash.is_empty() && others_run() {
        Unjudged::Missing(Blind::WhichIsStable)
    } else if stable_hash.is_empty() {
        Unjudged::FirstVersion
    } else if !seen(stable_hash) {
        Unjudged::Missing(Blind::Stable(stable_hash.clone()))
    } else if canary_hash != stable_hash {
        Unjudged::Missing(Blind::Verdict)
    } else if rollout.canary != rollout.stable {
        Unjudged::Missing(Blind::NotTakenUp)
    } else {
        Unjudged::OneVersion
    })
}

/// What of a rollout without a verdict keeps anybody from calling it good, as a sentence.
pub fn blind_spot(model: &Model, rollout: &Rollout) -> Option<String> {
    let known = rollout.unknown.first().map(|unknown| unknown.what.clone());
    known.or_else(|| match assess(model, rollout) {
        Assessment::NotJudgedBecause(Unjudged::Missing(what)) => Some(words::decision::blind(&what, &rollout.system)),
        Assessment::Judged(_) | Assessment::Over(_) => model.outdated(&rollout.id).as_ref().map(words::outdated),
        Assessment::NotJudgedBecause(_) => {
            is_down(rollout).then(|| format!("none of its {} pods is available", rollout.replicas))
        }
    })
}

fn is_down(rollout: &Rollout) -> bool {
    rollout.replicas > 0 && rollout.arms.iter().all(|arm| arm.pods.is_some_and(|pods| pods.available == 0))
}

/// What is to be thought of a rollout by whoever does not look further: its verdict, where it is not too old to count; NO DATA
/// where it should have one, or is ill; nothing where there is nothing to judge.
pub fn standing(model: &Model, rollout: &Rollout) -> Option<Verdict> {
    let ill =
        is_down(rollout) || matches!(rollout.phase, Phase::Degraded | Phase::Unknown) || !rollout.unknown.is_empty();
    match assess(model, rollout) {
        Assessment::Judged(judged) | Assessment::Over(judged) if judged.verdict == Verdict::NoGo => Some(Verdict::NoGo),
        Assessment::Judged(judged) | Assessment::Over(judged) if judged.old || !rollout.unknown.is_empty() => {
            Some(Verdict::NoData)
        }
        Assessment::Judged(judged) | Assessment::Over(judged) => Some(judged.word()),
        Assessment::NotJudgedBecause(Unjudged::Missing(_)) => Some(Verdict::NoData),
        Assessment::NotJudgedBecause(_) => ill.then_some(Verdict::NoData),
    }
}

/// What of a rollout's verdict speaks against going forward.
#[cfg(test)]
pub(in crate::app) fn against(model: &Model, id: &crate::domain::object::ObjectId) -> Vec<String> {
    match assess(model, model.store.rollout(id).unwrap()) {
        Assessment::Judged(judged) | Assessment::Over(judged) => {
            let decision = Decision { refusals: judged.against(), ..Decision::default() };
            let ask = Ask::new(Verb::Promote, id.clone());
            said(model, &ask, (model.store.rollout(id), &[]), &decision).refusals
        }
        Assessment::NotJudgedBecause(why) => panic!("{why:?}"),
    }
}

fn judged(model: &Model, rollout: &Rollout, judgement: &Judgement) -> Judged {
    Judged {
        verdict: judgement.verdict,
        measured: judgement.canary.requests > 0,
        lacks: !judgement.missing.is_empty(),
        due: judgement.eta,
        old: model.outdated(&rollout.id).is_some(),
    }
}

/// The sources that a decision about the target rests on, with their state in words.
fn source_ages(model: &Model, target: &ObjectId, rollout: Option<&Rollout>) -> Vec<(SourceAge, String)> {
    let mut states: Vec<_> = model.store.target_state(target, model.now).into_iter().collect();
    if let Some(rollout) = rollout.filter(|rollout| rollout.is_judged()) {
        // The signals of a judged rollout count, wherever they come from; a service without signals has no such source.
        let judged = model.store.signals(rollout).map(|(source, _)| source.clone());
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

pub(super) fn evidence(model: &Model, target: &ObjectId, rollout: Option<&Rollout>) -> Evidence {
    let judged = rollout.and_then(|rollout| model.judgements.get(&rollout.id));
    Evidence {
        at: model.now,
        verdict: judged.map(|judgement| judgement.verdict),
        said: judged.map_or_else(String::new, words::reason),
        sources: source_ages(model, target, rollout).into_iter().map(|(age, _)| age).collect(),
    }
}
