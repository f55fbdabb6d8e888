//! An act on several targets: one after the other, in the order that somebody confirmed, each once the one before it was seen
//! to be as expected. What happens on one is what would happen in an act on it alone; here is whose turn it is, and what is said
//! of all of them.
//!
//! Nothing is begun that cannot be whole: before the first call every target is read and compared. And nothing goes on past a
//! target that is not verified, whatever the reason: the order is there because the next one rests on it.

use super::{Flight, Stop, words};
use crate::port::{
    plan::Plan,
    record::{Record, Stage},
    several::{self, Standing},
    shape,
};

impl Flight<'_> {
    /// From where it stands to its end.
    pub(super) async fn fly_each(&mut self, plan: &Plan) -> Result<Stage, Stop> {
        if !self.may_send && !self.has_sent() {
            let why = "interrupted before anything was sent".to_owned();
            return Ok(Stage::Refused { why, changed: false });
        }
        if self.may_send
            && let Some((index, stage)) = self.examine(plan).await
        {
            return Ok(self.halted(plan, index, stage));
        }
        for index in 0..plan.count() {
            let Some(mut one) = self.on(index) else { continue };
            if matches!(several::standings(&self.record).get(index), Some(Standing::Done(_) | Standing::DoneBefore)) {
                continue;
            }
            let part = one.record.intent.plan.clone();
            if !self.may_send && !one.has_sent() {
                return Ok(interrupted(plan, index));
            }
            if one.may_send {
                one.against = one.unanswered_calls_of_preempted(&part).await;
            }
            let reached = match one.fly(&part).await {
                Ok(stage) | Err(Stop::End(stage)) => stage,
                Err(Stop::Taken) => return Err(Stop::Taken),
            };
            self.record.entries = std::mem::take(&mut one.written);
            self.written.clone_from(&self.record.entries);
            match reached {
                Stage::Done { said } => self.note(Stage::Verified { target: index, said }).await.map(|_| ())?,
                other => return Ok(self.halted(plan, index, other)),
            }
        }
        let (count, places) = (plan.count(), plan.places());
        Ok(Stage::Done { said: format!("{count} of {count}, each verified: {places}") })
    }

    /// The part of one target, as an act of its own. What was sent of it by an act that this one carries on is only watched.
    fn on(&self, index: usize) -> Option<Self> {
        let whole = Record { entries: self.written.clone(), ..self.record.clone() };
        let record = several::record_on(&whole, index)?;
        let (calls, before) = (record.intent.plan.calls(), several::calls_on(&self.record.intent.plan, index).start);
        let sent = record.intent.takes_over.as_ref().map_or(0, |takeover| takeover.sent);
        let may_send = self.may_send && sent < calls;
        let one = Self::of(record, self.host);
        Some(Self { secrets: self.secrets.clone(), may_send, before, written: self.written.clone(), ..one })
    }

    /// Looks at every target on which nothing was sent yet; the first that is not as it was on the card, and how that would end.
    async fn examine(&self, plan: &Plan) -> Option<(usize, Stage)> {
        for index in 0..plan.count() {
            let Some(one) = self.on(index).filter(|one| one.may_send && !one.has_sent()) else { continue };
            let part = &one.record.intent.plan;
            if self.actor(&part.target).is_none() {
                let why = format!("there is no connection '{}' here", part.target.source);
                return Some((index, one.give_up(part, &why, None)));
            }
            let reading = match one.read(part, &part.target).await {
                Ok(reading) => reading,
                Err(Stop::End(stage)) => return Some((index, stage)),
                Err(Stop::Taken) => continue,
            };
            if let Some(moved) = words::moved(part, &reading.facts)
                && !words::is_going_back_already(part, &reading.facts)
            {
                return Some((index, Stage::Refused { why: format!("{moved}; nothing was sent"), changed: true }));
            }
            let shapes = |target: &_| self.actor(target).map_or_else(Vec::new, |actor| actor.shapes(target, part.verb));
            // What a step on another object may send is looked at when that was read.
            let simple = part.draft.steps.iter().all(|step| step.target == part.target);
            if simple && let Err(forged) = shape::check_all(&part.draft, part.verb, shapes) {
                return Some((index, one.give_up(part, &forged.to_string(), None)));
            }
        }
        None
    }

    /// How all of it ends when one target did not come to what was expected: nothing of those behind it is begun.
    fn halted(&self, plan: &Plan, index: usize, stage: Stage) -> Stage {
        let place = plan.on(index).map_or_else(String::new, |one| one.place().to_string());
        let left = left(plan, index);
        let begun = self.has_sent();
        let head = if begun { format!("{index} of {} done, {place} not", plan.count()) } else { place };
        match stage {
            // Of the whole act something was sent.
            Stage::Refused { why, .. } if begun => {
                Stage::Failed { why: format!("{head}: {why} to it{left}"), fault: None }
            }
            Stage::Refused { why, changed } => Stage::Refused { why: format!("{head}: {why}"), changed },
            stage => stage.saying(|said| format!("{head}: {said}{left}")),
        }
    }
}

/// How it ends when its executor died between two targets: everybody knows how far it came.
fn interrupted(plan: &Plan, index: usize) -> Stage {
    let (count, left) = (plan.count(), left(plan, index.saturating_sub(1)));
    let check =
        format!("interrupted after {index} of {count}, and nothing is under way{left}; taking it over goes on there");
    Stage::Unknown { check }
}

/// `; not begun: search in prod/eu`, of what stands behind a target.
fn left(plan: &Plan, index: usize) -> String {
    let left: Vec<String> =
        (index + 1..plan.count()).filter_map(|left| Some(plan.on(left)?.place().to_string())).collect();
    if left.is_empty() { String::new() } else { format!("; not begun: {}", left.join(", ")) }
}
