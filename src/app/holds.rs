//! What is held: paused by a person, aborted and still asked for by the spec, held by an act of ours for its time, or left by one that went
//! back and was not begun there. Each with whose it is and since when, as far as that is known: a forgotten hold is what keeps the next
//! release from going out.

use crate::{
    app::{model::Model, past_us, takeover},
    domain::{
        hand::{By, Did},
        ids::{EnvironmentName, Person, ServiceName},
        object::ObjectId,
        rollout::PauseReason,
        time::Timestamp,
        verb::Verb,
    },
    port::record::{RecordId, Stage},
};

/// How something is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// A person paused it.
    Paused,
    /// It was aborted, and any change of the spec lets it go on.
    AbortedInSpec,
    /// An act holds it, and the words for what: `auto-sync of shop is off`. The take-over key ends it, once the act has ended.
    ByAct(RecordId, String),
    /// An act that goes back has ended, and was not begun here; the words for it: `roll back to 1.41.3 was not begun`. The take-over key
    /// begins it.
    NotBegun(RecordId, String),
}

/// Something that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// What.
    pub target: ObjectId,
    /// Whose release that is.
    pub service: ServiceName,
    /// Where.
    pub environment: EnvironmentName,
    /// How.
    pub how: How,
    /// Who holds it, where that is known.
    pub owner: Option<Person>,
    /// With which program somebody held it past us, where nothing more is known of whom.
    pub with: Option<String>,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// The act that holds it is still under way: it ends it by itself.
    pub under_way: bool,
}

/// Everything that is held, the oldest first; what nobody knows the age of last.
pub fn all(model: &Model) -> Vec<Hold> {
    let mut all: Vec<Hold> = by_acts(model).chain(not_begun(model)).chain(of_rollouts(model)).collect();
    all.sort_by_key(|hold| (hold.since.is_none(), hold.since, hold.target.clone()));
    all
}

/// What an object is held by, the oldest first.
pub fn on<'a>(model: &'a Model, target: &'a ObjectId) -> impl Iterator<Item = Hold> + 'a {
    all(model).into_iter().filter(move |hold| hold.target == *target)
}

fn by_acts(model: &Model) -> impl Iterator<Item = Hold> + '_ {
    model.actions.iter().flat_map(|action| {
        action.owed().map(move |owed| {
            let sent = |stage: &Stage| matches!(stage, Stage::Sending { call, .. } if *call == owed.after);
            let since = action.entries.iter().find(|entry| sent(&entry.stage)).map_or(action.since, |entry| entry.at);
            Hold {
                target: action.plan.target.clone(),
                service: action.plan.service.clone(),
                environment: action.plan.environment.clone(),
                how: How::ByAct(action.record, owed.words.clone()),
                owner: owed.owner.clone().or_else(|| Some(action.who.clone())),
                with: None,
                since: Some(since),
                under_way: action.is_running(),
            }
        })
    })
}

fn not_begun(model: &Model) -> impl Iterator<Item = Hold> + '_ {
    model.actions.iter().flat_map(move |action| {
        takeover::not_begun(model, action).into_iter().filter_map(move |place| {
            let one = action.plan.each().nth(place)?;
            let to = one.draft.to.as_ref().map(|to| format!(" to {}", to.tag)).unwrap_or_default();
            Some(Hold {
                target: one.target.clone(),
                service: one.service.clone(),
                environment: one.environment.clone(),
                how: How::NotBegun(action.record, format!("{}{to} was not begun", one.verb.words())),
                owner: Some(action.who.clone()),
                with: None,
                since: Some(action.since),
                under_way: false,
            })
        })
    })
}

fn of_rollouts(model: &Model) -> impl Iterator<Item = Hold> + '_ {
    let held =
        model.store.rollouts().filter(|rollout| rollout.in_flight() && (rollout.held || rollout.aborted_in_spec));
    held.map(|rollout| {
        let (how, verb) = if rollout.held { (How::Paused, Verb::Pause) } else { (How::AbortedInSpec, Verb::Abort) };
        // Whose it is only our own record knows; of others the system names a program at most.
        let ours = model.actions.newest_on(&rollout.id).filter(|action| action.plan.verb == verb);
        let did = if rollout.held { Did::Paused } else { Did::Aborted };
        let past_us = past_us::on(model, rollout).into_iter().find(|act| act.hand.did == did);
        let past_us = past_us.filter(|_| ours.is_none());
        let (person, with) = match past_us.as_ref().map(|act| act.hand.by.clone()) {
            Some(By::Person(person)) => (Some(person), None),
            Some(By::Client(client)) => (None, Some(client)),
            Some(By::Us | By::NotTold) | None => (None, None),
        };
        // While a person holds it, a pause of its steps may be in force beside that, and its time is another.
        let by_person = rollout.pause.filter(|pause| rollout.held && pause.reason == PauseReason::Person);
        let paused = by_person.and_then(|pause| pause.since);
        Hold {
            target: rollout.id.clone(),
            service: rollout.service.clone(),
            environment: rollout.environment.clone(),
            how,
            owner: ours.map(|action| action.who.clone()).or(person),
            with,
            since: paused.or(ours.map(|action| action.since)).or(past_us.and_then(|act| act.at())),
            under_way: false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::sample::{acted, draft, now, payments, seeing},
        domain::{hand::Hand, rollout::Rollout},
        port::{
            record::Entry,
            step::{Due, Obligation},
        },
    };

    #[test]
    fn what_an_act_holds_and_what_a_person_paused_are_told_with_owner_and_age_the_oldest_first() {
        let mut paused = payments();
        paused.held = true;
        let mut model = seeing(vec![paused]);
        let earlier = now() - chrono::TimeDelta::hours(2);
        let done = Stage::Done { said: "aborted".to_owned() };
        let mut record = acted((1, earlier), ("dana", "errors"), Verb::Abort, ("7c9", None), done);
        let step = draft(&payments(), Verb::Abort).steps.remove(0);
        let words = "auto-sync is off".to_owned();
        record.intent.plan.draft.obligations =
            vec![Obligation { after: 0, due: Due::OnRelease, owner: Some("kim".into()), words: words.clone(), step }];
        record.entries.insert(0, Entry { at: earlier, stage: Stage::Sending { call: 0, revision: None } });
        model.actions.recorded(record);
        let told: Vec<_> = all(&model).into_iter().map(|hold| (hold.how, hold.owner, hold.under_way)).collect();
        let by_act = (How::ByAct(RecordId(1), words), Some("kim".into()), false);
        assert_eq!(told, [by_act, (How::Paused, None, false)]);
        assert_eq!(on(&model, &payments().id).next().and_then(|hold| hold.since), Some(earlier));
    }

    #[test]
    fn a_hold_of_a_person_is_not_given_the_time_of_the_step_that_pauses_beside_it() {
        let step = payments().pause.unwrap();
        assert_eq!((step.reason, step.since.is_some()), (PauseReason::Step, true));
        let model = seeing(vec![Rollout { held: true, ..payments() }]);
        assert_eq!(all(&model).into_iter().map(|hold| hold.since).collect::<Vec<_>>(), [None]);
        let by_person = crate::domain::rollout::Pause { reason: PauseReason::Person, ..step };
        let model = seeing(vec![Rollout { held: true, pause: Some(by_person), ..payments() }]);
        assert_eq!(all(&model).into_iter().map(|hold| hold.since).collect::<Vec<_>>(), [step.since]);
    }

    #[test]
    fn a_pause_past_us_bears_the_program_and_the_time_that_its_system_notes() {
        let at = now() - chrono::TimeDelta::days(3);
        let by = By::Client("kubectl-patch".to_owned());
        let hands = vec![Hand { did: Did::Paused, by, at: Some(at), whole: false }];
        let model = seeing(vec![Rollout { held: true, pause: None, hands, ..payments() }]);
        let told: Vec<_> = all(&model).into_iter().map(|hold| (hold.owner, hold.with, hold.since)).collect();
        assert_eq!(told, [(None, Some("kubectl-patch".to_owned()), Some(at))]);
    }
}
