//! What is owed: ended when the act ends, however it does, or when somebody releases it. What cannot be ended stays owed, and
//! is said.

use super::{Flight, Stop, send::Call, watch::Watched, words};
use crate::port::{
    plan::{Facts, Plan},
    record::Stage,
    step::{Due, Obligation},
};

impl Flight<'_> {
    /// Ends what is due at the end of an act that ends like this, and says in that end what is left.
    pub(super) async fn end_what_is_owed(&mut self, plan: &Plan, stage: Stage) -> Result<Stage, Stop> {
        for owed in self.record.owed() {
            let Some(obligation) = plan.draft.obligations.get(owed) else { continue };
            if self.without_effect.contains(&obligation.after) {
                let said = "its call had no effect".to_owned();
                self.note(Stage::Released { obligation: owed, said }).await?;
            } else if self.may_send && obligation.due == Due::AtEnd && !self.releases() {
                self.release_one(plan, owed, obligation).await?;
            }
        }
        let left = self.record.owed();
        let words = left.iter().filter_map(|owed| plan.draft.obligations.get(*owed));
        let words: Vec<String> = words.map(Obligation::held).collect();
        Ok(if words.is_empty() {
            stage
        } else {
            stage.saying(|said| format!("{said}; still held: {}", words.join(", ")))
        })
    }

    /// An act that ends what another one owes, and nothing else.
    pub(super) async fn release(&mut self, plan: &Plan) -> Result<Stage, Stop> {
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for owed in self.record.owed() {
            let Some(obligation) = plan.draft.obligations.get(owed) else { continue };
            match self.release_one(plan, owed, obligation).await? {
                None => done.push(obligation.step.call.words.clone()),
                Some(why) => left.push(format!("{}: {why}", obligation.step.call.words)),
            }
        }
        Ok(if left.is_empty() {
            Stage::Done { said: format!("{}, released", done.join(", ")) }
        } else {
            Stage::Failed { why: left.join("; "), fault: None }
        })
    }

    /// Does it only end what another act holds?
    pub(super) fn releases(&self) -> bool {
        self.record.intent.takes_over.as_ref().is_some_and(|takeover| takeover.releases)
    }

    /// Ends one obligation; why not, where it could not be.
    async fn release_one(&mut self, plan: &Plan, owed: usize, obligation: &Obligation) -> Result<Option<String>, Stop> {
        let (index, step) = (plan.draft.steps.len() + owed, &obligation.step);
        let why = |halt: Stop| match halt {
            Stop::Taken | Stop::Sent => Err(halt),
            Stop::End(stage) => Ok(Some(stage.said().to_owned())),
        };
        let reading = match self.read(plan, &step.target).await {
            Ok(reading) => reading,
            Err(halt) => return why(halt),
        };
        if let Some(why) = words::unmet(&step.when, &reading.facts) {
            self.note(Stage::Released { obligation: owed, said: format!("nothing was left to end: {why}") }).await?;
            return Ok(None);
        }
        match self.attempt(plan, index, step, &reading).await {
            Ok(Ok(Call::Taken(_))) => {}
            Ok(Ok(Call::Unanswered)) if step.expect.is_some() => {}
            Ok(Ok(Call::Unanswered)) => return Ok(Some("it was sent and has no answer".to_owned())),
            Ok(Err(error)) => return Ok(Some(error.text)),
            Err(halt) => return why(halt),
        }
        if let Some(expect) = &step.expect {
            let part = Watched { expect, on: step.target.clone(), is_whole: false };
            match self.watch(plan, &part, &Facts::new()).await {
                Ok(Stage::Done { .. }) => {}
                Ok(other) => return Ok(Some(other.said().to_owned())),
                Err(halt) => return why(halt),
            }
        }
        self.note(Stage::Released { obligation: owed, said: step.call.words.clone() }).await?;
        Ok(None)
    }
}
