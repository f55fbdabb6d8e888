//! One act on several targets: each is asked for, drafted and checked as by itself, and all of them make one plan, in the order
//! that was given. One target that is refused refuses the act and is named: nobody gets less than they asked for without
//! saying so. Whoever wants the others asks for those; of what goes back the refusal holds that ask.

use std::collections::BTreeSet;

use crate::{
    app::{
        guard::{Refusal, ask_one, plan_one, waves},
        model::Model,
        takeover,
    },
    domain::{
        form::Field,
        object::ObjectId,
        verb::{Direction, Verb},
    },
    port::plan::{Ask, Blocked, Draft, Friction, Plan},
};

/// May this be asked of all of them?
pub(super) fn ask(model: &Model, ask: &Ask) -> Result<Ask, Refusal> {
    whole(model, ask)?;
    let ask = &waves::in_order(model, ask);
    let (each, targets) = (ask.each(), targets(ask));
    let asked = each.iter().enumerate().map(|(index, one)| match takeover::kept(model, ask, index) {
        // Nothing more is sent there: what it has become since stands in nobody's way.
        Some(_) => Ok(one.clone()),
        None => ask_one(model, one.clone(), before(&targets, index)).and_then(|asked| alone(model, asked)),
    });
    let each = all(ask, asked.collect())?;
    let verbs: BTreeSet<_> = each.iter().map(|one| one.verb).collect();
    if verbs.len() > 1 {
        let words: Vec<&str> = verbs.into_iter().map(Verb::words).collect();
        let why = format!("it means {}, each on another object: ask for each by itself", words.join(" and "));
        return Err(refuse(ask, &why));
    }
    let takes_over = ask.takes_over.clone();
    Ask::joined(each, takes_over).ok_or_else(|| refuse(ask, "it names nothing"))
}

fn targets(ask: &Ask) -> Vec<ObjectId> {
    ask.targets().cloned().collect()
}

/// What comes before one of them.
fn before(targets: &[ObjectId], index: usize) -> &[ObjectId] {
    targets.get(..index).unwrap_or_default()
}

/// What stands against the act as a whole: too many targets, or one of them twice.
fn whole(model: &Model, ask: &Ask) -> Result<(), Refusal> {
    let targets: Vec<&ObjectId> = ask.targets().collect();
    let (count, most) = (targets.len(), model.session.most_targets);
    if count > most {
        let why = format!("{count} objects in one act, and no more than {most} may be: policy.most_targets says so");
        return Err(Refusal { ways: vec![format!("do it in acts of at most {most}")], ..refuse(ask, &why) });
    }
    let twice =
        targets.iter().enumerate().find(|(index, target)| targets.iter().take(*index).any(|one| one == *target));
    match twice {
        Some((_, target)) => Err(refuse(ask, &format!("{target} is named twice"))),
        None => Ok(()),
    }
}

/// What asks for something beside its target is asked by itself: one answer for several would be a guess.
fn alone(model: &Model, asked: Ask) -> Result<Ask, Refusal> {
    let form: Vec<Field> = super::form(model, &asked).unwrap_or_default();
    match form.first() {
        None => Ok(asked),
        Some(field) => {
            let why = format!("it asks for {}, which is asked of one object at a time", field.label);
            let what = super::called(model, &asked.target);
            Err(super::refuse(asked.verb, what, &why))
        }
    }
}

/// The plan of all of them.
pub(super) fn plan(model: &Model, asked: &Ask, drafts: Vec<Result<Draft, Blocked>>) -> Result<Plan, Refusal> {
    let asked = ask(model, asked)?;
    let (each, targets) = (asked.each(), targets(&asked));
    let planned =
        each.iter().zip(drafts).enumerate().map(|(index, (one, draft))| match takeover::kept(model, &asked, index) {
            Some(kept) => Ok(carried_on(one, kept, index == 0)),
            None => plan_one(model, one, draft, (index, before(&targets, index))).and_then(holds_nothing),
        });
    let mut each = all(&asked, planned.collect())?.into_iter();
    let first = each.next().filter(|_| asked.targets().count() == each.len() + 1);
    let first = first.ok_or_else(|| refuse(&asked, "not all of it was drawn up"))?;
    let then: Vec<Plan> = each.collect();
    if then.iter().any(|one| one.direction() != first.direction()) {
        return Err(refuse(&asked, "it goes back here and forward there: ask for each by itself"));
    }
    let friction = joined(&std::iter::once(&first).chain(&then).collect::<Vec<_>>());
    Ok(Plan { friction, then, ..first })
}

/// What an act that is taken over has sent there already: it is watched, if it was not seen to its end, and sent no more.
fn carried_on(asked: &Ask, mut kept: Plan, is_first: bool) -> Plan {
    if let Some(takeover) = &asked.takes_over {
        let whose = is_first.then(|| takeover.of_whom());
        kept.draft.notes = whose.into_iter().chain(takeover.left_to_send(&kept.draft)).collect();
    }
    (kept.risks, kept.friction) = (Vec::new(), Friction::Enter);
    kept
}

/// What is held for the time of an act is held for one object: with several it would be held while others are waited for.
fn holds_nothing(plan: Plan) -> Result<Plan, Refusal> {
    match plan.draft.obligations.first() {
        None => Ok(plan),
        Some(owed) => {
            let why = format!("it holds something meanwhile ({}): do it by itself", owed.words);
            Err(super::refuse(plan.verb, plan.place().to_string(), &why))
        }
    }
}

/// How all of it is confirmed: everything that must be read back of any of them, and a reason where one wants it.
fn joined(each: &[&Plan]) -> Friction {
    let texts: Vec<&str> = each.iter().filter_map(|one| one.friction.read_back()).collect();
    let (reason, text) = (each.iter().any(|one| one.friction.needs_reason()), texts.join(" "));
    match (texts.is_empty(), reason) {
        (true, true) => Friction::Reason,
        (true, false) => Friction::Enter,
        (false, true) => Friction::ReadBackAndReason(text),
        (false, false) => Friction::ReadBack(text),
    }
}

/// All of them, or one refusal that names each target that was refused and why.
fn all<T>(ask: &Ask, each: Vec<Result<T, Refusal>>) -> Result<Vec<T>, Refusal> {
    let count = each.len();
    let (mut good, mut places, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (place, one) in each.into_iter().enumerate() {
        match one {
            Ok(one) => {
                good.push(one);
                places.push(place);
            }
            Err(refusal) => refused.push(refusal),
        }
    }
    let Some(first) = refused.first() else { return Ok(good) };
    let reasons = refused.iter().map(|refusal| format!("{}: {}", refusal.what, refusal.reasons.join("; "))).collect();
    let mut ways: Vec<String> = if refused.len() == 1 { first.ways.clone() } else { Vec::new() };
    // One that need not go back, or cannot, is no reason for the others to stay.
    let without = ask.only(&places).filter(|_| first.verb.direction() == Direction::Back).map(Box::new);
    if !good.is_empty() && (without.is_some() || ask.takes_over.is_none()) {
        let others: Vec<String> = ask
            .targets()
            .enumerate()
            .filter(|(place, _)| places.contains(place))
            .map(|(_, target)| target.to_string())
            .collect();
        ways.push(format!("without what is refused: {}", others.join(" ")));
    }
    let verdict = refused.iter().filter_map(|one| one.verdict).max_by_key(|verdict| verdict.severity());
    let what = format!("{} of {count} objects", refused.len());
    let changed = refused.iter().any(|one| one.changed);
    Err(Refusal { verb: first.verb, what, reasons, ways, changed, verdict, forces: None, without })
}

fn refuse(ask: &Ask, why: &str) -> Refusal {
    super::refuse(ask.verb, format!("{} objects", ask.targets().count()), why)
}

#[cfg(test)]
mod tests;
