//! What is held: paused by a person, aborted and still asked for by the spec, or held by an act of ours for its time. Each with
//! whose it is and since when, as far as that is known: a forgotten hold is what keeps the next release from going out.

use crate::{
    app::model::Model,
    domain::{
        ids::{EnvironmentName, Person, ServiceName},
        object::ObjectId,
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
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// The act that holds it is still under way: it ends it by itself.
    pub under_way: bool,
}

/// Everything that is held, the oldest first; what nobody knows the age of last.
pub fn all(model: &Model) -> Vec<Hold> {
    let mut all: Vec<Hold> = by_acts(model).chain(of_rollouts(model)).collect();
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
                since: Some(since),
                under_way: action.is_running(),
            }
        })
    })
}

fn of_rollouts(model: &Model) -> impl Iterator<Item = Hold> + '_ {
    let held =
        model.store.rollouts().filter(|rollout| rollout.in_flight() && (rollout.held || rollout.aborted_in_spec));
    held.map(|rollout| {
        let (how, verb) = if rollout.held { (How::Paused, Verb::Pause) } else { (How::AbortedInSpec, Verb::Abort) };
        // Whose it is only our own record knows: the system names nobody.
        let ours = model.actions.newest_on(&rollout.id).filter(|action| action.plan.verb == verb);
        let paused = rollout.pause.filter(|_| rollout.held).and_then(|pause| pause.since);
        Hold {
            target: rollout.id.clone(),
            service: rollout.service.clone(),
            environment: rollout.environment.clone(),
            how,
            owner: ours.map(|action| action.who.clone()),
            since: paused.or(ours.map(|action| action.since)),
            under_way: false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::sample::{acted, draft, now, payments, seeing},
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
}
