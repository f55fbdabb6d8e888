//! What is told to policy, and taken down as evidence: from the model as it is now. What is not there is told as not known.

use crate::{
    app::{model::Model, quarantine::Quarantine},
    domain::{
        evidence::{Evidence, SourceAge, Verdict},
        object::ObjectId,
        observed::Freshness,
        rollout::{Identity, Phase, Rollout},
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    judge::verdict::Judgement,
    policy::{Assessment, Circumstances, Judged, Source, Unjudged},
    port::plan::Ask,
};

pub(super) fn circumstances(model: &Model, ask: &Ask, rollout: Option<&Rollout>) -> Circumstances {
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
        back: rollout.filter(|_| ask.verb == Verb::PromoteFull).and_then(|rollout| homeward(model, rollout)),
        read_only: model.session.read_only,
        journal_broken: model.journal_broken.clone(),
        judged: match rollout.map(|rollout| (rollout.phase, assess(model, rollout))) {
            None => Assessment::NotJudgedBecause(Unjudged::BeforeTraffic),
            Some((Phase::Aborted, Assessment::Judged(judged))) if ask.verb == Verb::Retry => {
                Assessment::Judged(of_an_attempt(judged))
            }
            Some((_, assessment)) => assessment,
        },
        unknown: rollout.map_or_else(Vec::new, |rollout| rollout.unknown.clone()),
        sources,
    }
}

/// Why a full promotion goes back here, where it does: it ends what a roll back began.
fn homeward(model: &Model, rollout: &Rollout) -> Option<String> {
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

/// What policy is told of the version that would move: its verdict, or why there is none. That nothing is judged is only
/// told where that is seen: both sides are looked at, and neither is taken for absent because it was not found.
fn assess(model: &Model, rollout: &Rollout) -> Assessment {
    if let Some(judgement) = model.judgements.get(&rollout.id) {
        return Assessment::Judged(judged(model, rollout, judgement));
    }
    let Identity { canary_hash, stable_hash, .. } = &rollout.identity;
    let seen = |hash: &String| rollout.arms.iter().any(|arm| arm.hash == *hash && arm.pods.is_some());
    let others_run = || rollout.arms.iter().any(|arm| arm.hash != *canary_hash && arm.may_run());
    let engine = &rollout.system;
    let unseen =
        |side: &str, hash: &String| format!("{engine} names {hash} as the {side} version, and its pods were not seen");
    Assessment::NotJudgedBecause(if canary_hash.is_empty() {
        Unjudged::Missing(format!("{engine} does not say yet which version this is"))
    } else if !seen(canary_hash) {
        Unjudged::Missing(unseen("new", canary_hash))
    } else if stable_hash.is_empty() && others_run() {
        Unjudged::Missing("other versions run beside it, and which of them is stable is not known".to_owned())
    } else if stable_hash.is_empty() {
        Unjudged::FirstVersion
    } else if !seen(stable_hash) {
        Unjudged::Missing(unseen("stable", stable_hash))
    } else if canary_hash != stable_hash {
        Unjudged::Missing("it has no verdict".to_owned())
    } else if rollout.canary != rollout.stable {
        Unjudged::Missing(format!("{engine} has not taken up the version that the spec asks for"))
    } else {
        Unjudged::OneVersion
    })
}

/// What of a rollout without a verdict keeps anybody from calling it good, as a sentence.
pub fn blind_spot(model: &Model, rollout: &Rollout) -> Option<String> {
    let known = rollout.unknown.first().map(|unknown| unknown.what.clone());
    known.or_else(|| match assess(model, rollout) {
        Assessment::NotJudgedBecause(Unjudged::Missing(what)) => Some(what),
        Assessment::Judged(judged) => judged.old,
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
        Assessment::Judged(judged) if judged.verdict == Verdict::NoGo => Some(Verdict::NoGo),
        Assessment::Judged(judged) if judged.old.is_some() || !rollout.unknown.is_empty() => Some(Verdict::NoData),
        Assessment::Judged(judged) => Some(judged.verdict),
        Assessment::NotJudgedBecause(Unjudged::Missing(_)) => Some(Verdict::NoData),
        Assessment::NotJudgedBecause(_) => ill.then_some(Verdict::NoData),
    }
}

/// What of a rollout's verdict speaks against going forward.
#[cfg(test)]
pub(in crate::app) fn against(model: &Model, id: &crate::domain::object::ObjectId) -> Vec<String> {
    match assess(model, model.store.rollout(id).unwrap()) {
        Assessment::Judged(judged) => judged.against(),
        Assessment::NotJudgedBecause(why) => panic!("{why:?}"),
    }
}

fn judged(model: &Model, rollout: &Rollout, judgement: &Judgement) -> Judged {
    let missing: Vec<String> = judgement.missing.iter().map(ToString::to_string).collect();
    // The reason ends with what is missing, which policy says for itself, with how it is missing.
    let why = match judgement.reason.split_once("NO DATA ") {
        Some((why, _)) if !missing.is_empty() => why.trim_end_matches([',', ' ']),
        _ => &judgement.reason,
    };
    let day = |at: Timestamp| if at.date_naive() == model.now.date_naive() { "%H:%M" } else { "%m-%d %H:%M" };
    let due = judgement.eta.map(|at| at.format(day(at)).to_string());
    if judgement.verdict == Verdict::Wait && judgement.canary.requests == 0 {
        // No evidence is no evidence.
        let why = "not one request of the canary was measured yet".to_owned();
        return Judged { verdict: Verdict::NoData, why, missing, due: None, old: None };
    }
    let old = model.outdated(&rollout.id);
    Judged { verdict: judgement.verdict, why: why.to_owned(), missing, due, old }
}

/// A version that was taken back is judged anew when it is tried again. That nothing is measured of it now is no wonder and
/// speaks against nothing; harm that it did does.
fn of_an_attempt(judged: Judged) -> Judged {
    if judged.verdict == Verdict::NoGo {
        return judged;
    }
    let history = format!("the attempt that was aborted ended as {}", judged.verdict.words());
    let why = std::iter::once(history).chain([judged.why]).chain(judged.missing).filter(|part| !part.is_empty());
    let why = why.collect::<Vec<_>>().join(", ") + "; a retry is judged anew";
    Judged { verdict: Verdict::Wait, why, missing: Vec::new(), due: None, old: None }
}

/// The sources that a decision about the target rests on, with their state in words.
fn source_ages(model: &Model, target: &ObjectId, rollout: Option<&Rollout>) -> Vec<(SourceAge, String)> {
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

pub(super) fn evidence(model: &Model, target: &ObjectId, rollout: Option<&Rollout>) -> Evidence {
    let judged = rollout.and_then(|rollout| model.judgements.get(&rollout.id));
    Evidence {
        at: model.now,
        verdict: judged.map(|judgement| judgement.verdict),
        said: judged.map_or_else(String::new, |judgement| judgement.reason.clone()),
        sources: source_ages(model, target, rollout).into_iter().map(|(age, _)| age).collect(),
    }
}
