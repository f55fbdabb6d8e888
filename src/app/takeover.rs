//! Taking over an act whose executor died: which can be, what is asked then, and what stands against it.

use crate::domain::object::ObjectId;
use crate::{
    app::{
        action::{Action, Lost},
        model::Model,
    },
    port::{
        plan::{Ask, Draft, Further, Plan, fact},
        record::{NewRecord, Record, RecordId},
        takeover::{self, Progress, Takeover, differs},
    },
};

/// How far an act has come that can be taken over, or what of it is left to be ended.
///
/// # Errors
/// Why it cannot, as half a sentence.
pub fn left(action: &Action) -> Result<Progress, String> {
    if action.is_running() {
        match action.lost {
            Some(Lost::Died(_)) => {}
            Some(Lost::Unreadable) => return Err("its record cannot be read".to_owned()),
            None => return Err("its executor is alive".to_owned()),
        }
    }
    Takeover::progress(&action.plan, action.takes_over.as_deref(), &action.entries)
}

/// Can this act be taken over: is it the newest on its target, or is something of it still held?
pub fn is_offered(model: &Model, action: &Action) -> bool {
    let newest = |target| model.actions.newest_on(target).is_some_and(|newest| newest.record == action.record);
    let is_newest = action.plan.targets().all(newest);
    let offers = |left: Progress| match left.places.as_slice() {
        [] => is_newest || left.releases,
        places => !untouched(model, action.record, &action.plan, places).is_empty(),
    };
    !model.session.read_only && left(action).is_ok_and(offers)
}

/// What taking over the newest act on a target asks.
///
/// # Errors
/// Why there is none to be taken over, as a sentence.
pub fn ask(model: &Model, target: &ObjectId) -> Result<Ask, String> {
    let nothing = || format!("there is nothing to take over on {target}");
    let of = |record: &Record| asked(model, record, None);
    let held = || model.actions.holding(target).filter(|action| left(action).is_ok_and(|left| left.releases));
    match model.actions.newest_on(target) {
        Some(newest) => {
            let action = Some(newest).filter(|newest| left(newest).is_ok()).or_else(held).unwrap_or(newest);
            let not = |why| format!("{} ({}) cannot be taken over: {why}", action.plan.verb.words(), action.who);
            left(action).map_err(not)?;
            of(&action.as_record()).map_err(not)
        }
        None => of(model.actions.past_on(target).last().ok_or_else(nothing)?),
    }
}

/// What taking over this record asks. Of one that has not begun everywhere: that, where nobody has done anything since.
///
/// # Errors
/// Why it cannot be taken over, as half a sentence.
pub fn asked(model: &Model, record: &Record, reason: Option<String>) -> Result<Ask, String> {
    let takeover = Takeover::of(record)?;
    let NewRecord { plan, args, then, .. } = record.intent.clone();
    if takeover.places.is_empty() {
        let takes_over = Some(Box::new(takeover));
        return Ok(Ask { verb: plan.verb, target: plan.target, args, reason, takes_over, then, force: false });
    }
    let places = untouched(model, record.id, &plan, &takeover.places);
    let since = || "somebody has done something else since wherever it was not begun".to_owned();
    let takes_over = Takeover::of_places(record, &places).ok_or_else(since)?;
    let all: Vec<Further> = std::iter::once(Further { target: plan.target, args }).chain(then).collect();
    let mut left = places.iter().filter_map(|place| all.get(*place)).cloned();
    let Further { target, args } = left.next().ok_or_else(since)?;
    let (takes_over, then) = (Some(Box::new(takes_over)), left.collect());
    Ok(Ask { verb: plan.verb, target, args, reason, takes_over, then, force: false })
}

/// Those of an act's targets, by their place, on which nobody has done anything since.
fn untouched(model: &Model, record: RecordId, plan: &Plan, places: &[usize]) -> Vec<usize> {
    let target = |place: &usize| plan.targets().nth(*place);
    let newest = |target| model.actions.newest_on(target).is_none_or(|newest| newest.record <= record);
    places.iter().copied().filter(|place| target(place).is_some_and(newest)).collect()
}

/// The targets of an act that has ended on which it was not begun, by their place, as long as nobody has done anything there since, and
/// what was to be left is still there or is not seen.
pub fn not_begun(model: &Model, action: &Action) -> Vec<usize> {
    let places = takeover::not_begun(&action.plan, action.takes_over.as_deref(), &action.entries);
    let mut places = untouched(model, action.record, &action.plan, &places);
    places.retain(|place| {
        let one = action.plan.each().nth(*place);
        one.and_then(|one| Some((one.draft.bound.get(fact::CANARY)?, model.store.rollout(&one.target)?)))
            .is_none_or(|(left, rollout)| *left == rollout.identity.canary_hash)
    });
    places
}

/// Of an act on several targets that is taken over: what its record holds of one of them, where all of that was sent already.
/// It is watched by what the record says, and nothing of it goes out.
pub fn kept(model: &Model, asked: &Ask, index: usize) -> Option<Plan> {
    let takeover = asked.takes_over.as_ref().filter(|takeover| !takeover.each.is_empty())?;
    let held = model.actions.record(takeover.record)?.intent.plan.on(takeover.place(index))?;
    (takeover.on(index).sent >= held.calls()).then_some(held)
}

/// How what would be done today to a target, which is so many behind the first, is not what the record holds that is taken over;
/// `None` where it is.
pub(super) fn against(model: &Model, takeover: &Takeover, index: usize, now: &Draft) -> Option<String> {
    let Some(held) = model.actions.record(takeover.record) else {
        return Some(format!("record {} is not among those that this session knows", takeover.record));
    };
    let place = if takeover.places.is_empty() { index } else { takeover.place(0) };
    let far = Takeover::of(&held).map(|far| match takeover.places.as_slice() {
        [] => Some(far.on(index)),
        places => Takeover::of_places(&held, places).filter(|_| places.iter().all(|place| far.places.contains(place))),
    });
    match (far, held.intent.plan.on(place)) {
        (Ok(Some(far)), Some(plan)) if far.is_as_far_as(takeover) => differs(&plan, takeover, now),
        (Ok(_), _) => Some("it has come further meanwhile".to_owned()),
        (Err(why), _) => Some(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            guard,
            sample::{acted, draft, now, payments, seeing},
        },
        domain::verb::Verb,
        port::{
            record::{Entry, Stage},
            step::{Due, Obligation},
        },
    };

    fn owed() -> Obligation {
        let step = draft(&payments(), Verb::Abort).steps.remove(0);
        Obligation { after: 0, due: Due::OnRelease, owner: None, words: "auto-sync is off".to_owned(), step }
    }

    /// An abort that has ended and still holds something.
    fn holding(id: u64) -> Record {
        let end = Stage::Done { said: "aborted".to_owned() };
        let mut record = acted((id, now()), ("dana", "errors"), Verb::Abort, ("7c9", None), end);
        record.intent.plan.draft.obligations = vec![Obligation { owner: Some("dana".into()), ..owed() }];
        record.entries.insert(0, Entry { at: now(), stage: Stage::Sending { call: 0, revision: None } });
        record
    }

    #[test]
    fn what_is_held_is_taken_over_whatever_came_since_but_not_beside_what_is_under_way() {
        let mut model = seeing(vec![payments()]);
        model.actions.recorded(holding(1));
        let done = Stage::Done { said: "promoted".to_owned() };
        model.actions.recorded(acted((2, now()), ("lee", "x"), Verb::Promote, ("7c9", None), done));
        let asked = ask(&model, &payments().id).unwrap();
        let takeover = asked.takes_over.clone().unwrap();
        assert_eq!((takeover.record.0, takeover.releases, takeover.owed), (1, true, vec![0]));
        assert_eq!(guard::ask(&model, asked.clone()), Ok(asked.clone()));
        let mut drafted = draft(&payments(), Verb::Abort);
        drafted.obligations = vec![owed()];
        let plan = guard::plan(&model, &asked, Ok(drafted)).unwrap();
        let note = "ends what record 1 (dana, 02:07:30) still holds";
        assert_eq!(plan.draft.notes, [note, "auto-sync is off: change it is sent now"]);

        let sending = Stage::Sending { call: 0, revision: None };
        model.actions.recorded(acted((3, now()), ("lee", "x"), Verb::Promote, ("7c9", None), sending));
        let refusal = guard::ask(&model, asked).unwrap_err();
        assert_eq!(refusal.reasons, ["already under way: promote (lee, 02:07:30)"]);
    }

    #[test]
    fn a_plan_says_what_will_be_held_and_whose_it_is() {
        let model = seeing(vec![payments()]);
        let mut drafted = draft(&payments(), Verb::Abort);
        drafted.obligations = vec![owed()];
        let plan = guard::plan(&model, &crate::app::sample::ask(Verb::Abort), Ok(drafted)).unwrap();
        assert_eq!(plan.draft.obligations[0].owner.as_ref(), Some(&model.session.who));
        let note = "from call 1 on: auto-sync is off, until somebody ends it: change it";
        assert_eq!(plan.draft.notes.last().map(String::as_str), Some(note));
    }
}
