//! Sending one call: an entry first, then the request, once; and what may be sent again, and when.

use super::{Flight, Stop, words};
use crate::{
    domain::{observed::FaultKind, verb::Direction},
    journal::ledger::Kept,
    port::{
        error::ProviderError,
        fill::{Given, Supplies},
        plan::{Facts, Plan, Reading, Sent},
        record::Stage,
        shape::Checked,
        step::Step,
    },
    runtime::clock::within,
};

/// How often a call is sent when the object's revision moves on under it and the facts still hold.
const SENDS: u32 = 3;

/// What became of a call.
pub(super) enum Call {
    /// The system took it; its revision now.
    Taken(Option<String>),
    /// It may or may not have taken effect: only looking can tell.
    Unanswered,
}

impl Flight<'_> {
    /// Sends a call of the plan as long as the facts hold: an object that moved answers with a conflict, and is then read and
    /// compared again. A controller that writes status all the time must not block the way back.
    pub(super) async fn send(
        &mut self,
        plan: &Plan,
        index: usize,
        step: &Step,
        mut reading: Reading,
    ) -> Result<Call, Stop> {
        // What was drawn up is compared before the first call of ours, whichever that is: those before it may have been left out.
        let first = !self.record.entries.iter().any(|entry| matches!(entry.stage, Stage::Sending { .. }));
        let here = step.target == plan.target;
        for sent in 0..SENDS {
            if sent > 0 {
                reading = self.read(plan, &step.target).await?;
                if is_there_already(plan, step, &reading.facts) {
                    // Somebody else did it meanwhile; there is nothing left to send.
                    return Ok(Call::Unanswered);
                }
            }
            if index == 0 && here && words::is_going_back_already(plan, &reading.facts) {
                // The same, from a record that this one ended or from somebody else, has landed since this was drawn: it is
                // watched to its end, not refused.
                return Ok(Call::Unanswered);
            }
            if here && (sent > 0 || first) {
                self.compare(plan, index, &reading.facts)?;
            } else if first && !here {
                let of_target = self.read(plan, &plan.target).await?;
                self.compare(plan, index, &of_target.facts)?;
            }
            if let Some(other) = words::differs(&step.bound, &reading.facts) {
                return Err(Stop::End(self.moved(plan, index, &other)));
            }
            match self.attempt(plan, index, step, &reading).await? {
                Ok(taken) => return Ok(taken),
                Err(error) if error.kind == FaultKind::Conflict => {}
                Err(error) => return Err(Stop::End(self.failed(plan, index, &error.text, Some(error.kind)))),
            }
        }
        let why = format!("the object changed {SENDS} times while the call was sent; it did not take effect");
        Err(Stop::End(self.failed(plan, index, &why, Some(FaultKind::Conflict))))
    }

    /// Sends a call again of which it is proven that it had no effect yet. The one before may still arrive, but only one of
    /// the two can: both are guarded by the same revision. So a conflict means that the other one won.
    pub(super) async fn send_again(
        &mut self,
        plan: &Plan,
        index: usize,
        step: &Step,
        reading: &Reading,
    ) -> Result<Call, Stop> {
        match self.attempt(plan, index, step, reading).await? {
            Ok(taken) => Ok(taken),
            Err(error) if error.kind == FaultKind::Conflict => {
                self.without_effect.remove(&index);
                Ok(Call::Unanswered)
            }
            Err(error) => Err(Stop::End(self.failed(plan, index, &error.text, Some(error.kind)))),
        }
    }

    /// Sends every call again whose effect was reversed by one of an act that this one ended. Those can land once each, so this
    /// is done no more often than there were such calls. A call that makes something anew is not one of them.
    pub(super) async fn send_once_more(&mut self, plan: &Plan, reading: &Reading) -> Result<(), Stop> {
        let simple = |step: &Step| step.target == plan.target && step.call.gives.is_empty() && step.when.is_empty();
        if !plan.draft.steps.iter().all(simple) || self.against.pop().is_none() {
            return Ok(());
        }
        let mut reading = reading.clone();
        for (index, step) in plan.draft.steps.iter().enumerate() {
            match self.attempt(plan, index, step, &reading).await? {
                Ok(Call::Taken(next)) => reading.revision = next,
                // What it could not tell is watched for like anything else.
                Ok(Call::Unanswered) | Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// One attempt: the entry, then the request. The inner error is of a call that certainly had no effect.
    pub(super) async fn attempt(
        &mut self,
        plan: &Plan,
        index: usize,
        step: &Step,
        reading: &Reading,
    ) -> Result<Result<Call, ProviderError>, Stop> {
        let Some(actor) = self.actor(&step.target) else {
            let why = format!("there is no connection '{}' here", step.target.source);
            return Err(Stop::End(self.failed(plan, index, &why, None)));
        };
        let (given, secrets) = (self.given(), self.secrets.clone());
        let (revision, facts) = (reading.revision.as_deref(), Some(&reading.facts));
        let supplies = Supplies { revision, facts, given: Some(&given), secrets: Some(&secrets) };
        let checked = Checked::of(step, plan.verb, actor, &supplies);
        let checked = checked.map_err(|why| Stop::End(self.failed(plan, index, &why.to_string(), None)))?;
        let kept = self.note(Stage::Sending { call: index, revision: reading.revision.clone() }).await?;
        // What is owed is ended whatever the journal says.
        let is_owed = index >= plan.draft.steps.len();
        if let Kept::Aside(why) = kept
            && plan.verb.direction() == Direction::Forward
            && !is_owed
        {
            self.without_effect.insert(index);
            let why = format!("the journal cannot be written: {why}");
            return Err(Stop::End(self.failed(plan, index, &why, None)));
        }
        self.without_effect.remove(&index);
        match within(self.host.clock, super::SEND_LIMIT, actor.send(checked)).await {
            Some(Ok(sent)) => self.taken(plan, index, step, sent).await.map(Ok),
            Some(Err(error)) if !error.maybe_done => {
                self.without_effect.insert(index);
                Ok(Err(error))
            }
            Some(Err(_)) | None => Ok(Ok(Call::Unanswered)),
        }
    }

    /// The system took a call. Where its answer lacks what was promised of it, nobody can tell what it has made.
    async fn taken(&mut self, plan: &Plan, index: usize, step: &Step, sent: Sent) -> Result<Call, Stop> {
        let missing = step.call.gives.iter().find(|give| !sent.given.contains_key(&give.name));
        let lacks = missing.map(|give| format!("the answer to call {} does not tell {}", index + 1, give.name));
        let given = step.call.gives.iter().filter_map(|give| sent.given.get_key_value(&give.name));
        let given: Given = given.map(|(name, value)| (name.clone(), value.clone())).collect();
        self.note(Stage::Accepted { call: index, said: sent.said, given }).await?;
        match lacks {
            Some(why) => Err(Stop::End(Stage::Unknown { check: words::check(plan, &why) })),
            None => Ok(Call::Taken(sent.revision)),
        }
    }

    /// How it ends when a call certainly had no effect: the calls before it that were sent had.
    fn failed(&self, plan: &Plan, index: usize, why: &str, fault: Option<FaultKind>) -> Stage {
        let before = plan.draft.calls().enumerate().take(index).filter(|(index, _)| self.was_sent(*index));
        let done: Vec<&str> = before.map(|(_, call)| call.words.as_str()).collect();
        let before = if done.is_empty() {
            "nothing was changed".to_owned()
        } else {
            format!("done before it: {}", done.join(", "))
        };
        Stage::Failed { why: format!("{why}; {before}"), fault }
    }

    /// Was none of the calls before this one sent?
    fn begins(&self, index: usize) -> bool {
        (0..index).all(|before| !self.was_sent(before))
    }

    /// Refuses when the world is not as it was on screen.
    fn compare(&self, plan: &Plan, index: usize, facts: &Facts) -> Result<(), Stop> {
        let other = if self.begins(index) { words::moved(plan, facts) } else { words::became_another(plan, facts) };
        other.map_or(Ok(()), |other| Err(Stop::End(self.moved(plan, index, &other))))
    }

    /// How it ends when an object moved before this call.
    fn moved(&self, plan: &Plan, index: usize, moved: &str) -> Stage {
        if self.begins(index) {
            Stage::Refused { why: format!("{moved}; nothing was sent"), changed: true }
        } else {
            self.failed(plan, index, moved, None)
        }
    }
}

/// Does what this call must bring about hold already, of the same object?
fn is_there_already(plan: &Plan, step: &Step, facts: &Facts) -> bool {
    let here = step.target == plan.target;
    let expect = match &step.expect {
        Some(own) => own,
        None if here => &plan.draft.expect,
        None => return false,
    };
    expect.all.iter().all(|expect| expect.holds(facts)) && !(here && words::replaced(plan, facts).is_some())
}
