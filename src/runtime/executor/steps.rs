//! Going through the steps of an act: where it stands, what may go next, what is left out, and what comes of it all.

use super::{Flight, Stop, send::Call, watch::Watched, words};
use crate::{
    domain::time::{after, until},
    port::{
        fill::{self, Supply},
        plan::{Facts, Plan, Reading},
        record::Stage,
        step::{Step, Watch},
    },
};

impl Flight<'_> {
    /// From where it stands to its end; the target was just read.
    pub(super) async fn go(&mut self, plan: &Plan, mut reading: Reading) -> Result<Stage, Stop> {
        let before = reading.facts.clone();
        let (mut next, unanswered) = self.progress(plan);
        if let Some((call, revision)) = unanswered
            && let Some(step) = plan.draft.steps.get(call)
        {
            let there =
                if step.target == plan.target { reading.clone() } else { self.read(plan, &step.target).await? };
            let untouched = step.call.is_guarded() && revision.is_some() && revision == there.revision;
            if !untouched && self.carries_on(call) {
                return self.send_once_it_cannot_land(plan, call, step).await;
            }
            let sent = if untouched { self.send_again(plan, call, step, &there).await? } else { Call::Unanswered };
            match sent {
                Call::Taken(revision) => reading = Reading { facts: Facts::new(), revision },
                Call::Unanswered => self.look_for(plan, call, step, &before).await?,
            }
            next = call + 1;
        }
        self.send_from(plan, next, reading, &before).await
    }

    /// Sends a call again that a dead executor had sent without an answer. It was drafted anew, so its effect was not seen; a
    /// guarded one can land no more once the object has moved, another one not after its time. Then it is looked for once
    /// more: only where the facts still hold, and what is expected does not, it is sent.
    async fn send_once_it_cannot_land(&mut self, plan: &Plan, call: usize, step: &Step) -> Result<Stage, Stop> {
        self.waits()?;
        let left = self.record.intent.takes_over.as_ref().and_then(|takeover| takeover.unanswered.clone());
        if let Some(left) = left.filter(|left| !step.call.is_guarded() || left.revision.is_none()) {
            let clock = self.host.clock;
            clock.sleep(until(clock.now(), after(left.at, super::SEND_LIMIT))).await;
        }
        let reading = self.read(plan, &plan.target).await?;
        let before = reading.facts.clone();
        if step.expect.is_none() && plan.draft.expect.all.iter().all(|expect| expect.holds(&before)) {
            return self.watch_the_whole(plan, &before).await;
        }
        self.send_from(plan, call, reading, &before).await
    }

    /// Sends the calls from this one on, and watches. The reading is of the target, and as fresh as the last call allows.
    async fn send_from(
        &mut self,
        plan: &Plan,
        first: usize,
        mut reading: Reading,
        before: &Facts,
    ) -> Result<Stage, Stop> {
        let mut seen = &plan.target;
        for (index, step) in plan.draft.steps.iter().enumerate().skip(first) {
            let watched = self.settle(plan, index.checked_sub(1)).await?;
            // Of what was just changed only the revision is known, where the answer told it.
            let is_old = reading.facts.is_empty() && (reading.revision.is_none() || wants_facts(step));
            if watched || is_old || step.target != *seen {
                reading = self.read(plan, &step.target).await?;
                seen = &step.target;
            }
            if let Some(why) = words::unmet(&step.when, &reading.facts) {
                self.note(Stage::Skipped { call: index, why }).await?;
                continue;
            }
            match self.send(plan, index, step, reading.clone()).await? {
                Call::Taken(revision) => reading = Reading { facts: Facts::new(), revision },
                Call::Unanswered => self.look_for(plan, index, step, before).await?,
            }
        }
        if self.patience.is_none() {
            self.settle(plan, plan.draft.steps.len().checked_sub(1)).await?;
        }
        self.watch_the_whole(plan, before).await
    }

    /// Watches what a step alone must bring about, where it was sent and says so. Says whether it did.
    async fn settle(&mut self, plan: &Plan, index: Option<usize>) -> Result<bool, Stop> {
        let Some((index, step)) = index.and_then(|index| Some((index, plan.draft.steps.get(index)?))) else {
            return Ok(false);
        };
        let (Some(expect), true) = (&step.expect, self.was_sent(index)) else { return Ok(false) };
        self.waits()?;
        let part = Watched { expect, on: self.watched_by(plan, step)?, is_whole: false };
        match self.watch(plan, &part, &Facts::new()).await? {
            Stage::Done { .. } => Ok(true),
            other => Err(Stop::End(other)),
        }
    }

    /// A call without an answer: what it alone must bring about is looked for, and where that shows the act goes on; else
    /// nothing more is sent, and the whole is watched.
    pub(super) async fn look_for(
        &mut self,
        plan: &Plan,
        index: usize,
        step: &Step,
        before: &Facts,
    ) -> Result<(), Stop> {
        if !step.call.gives.is_empty() {
            let why = format!("call {} has no answer, which would tell what it made", index + 1);
            return Err(Stop::End(Stage::Unknown { check: words::check(plan, &why) }));
        }
        if self.patience.is_some() {
            return Err(Stop::Sent);
        }
        if step.expect.is_some() {
            return self.settle(plan, Some(index)).await.map(|_| ());
        }
        Err(Stop::End(self.watch_the_whole(plan, before).await?))
    }

    /// Watches until what the whole act expects is there; of an act of which something was left out, what was sent has been
    /// watched, and nothing else can be expected.
    pub(super) async fn watch_the_whole(&mut self, plan: &Plan, before: &Facts) -> Result<Stage, Stop> {
        if self.patience.is_some() {
            return Err(Stop::Sent);
        }
        let last = plan.draft.steps.last();
        let left_out = self.left_out(plan);
        if left_out.is_empty() {
            let on = last.map_or_else(|| Ok(plan.target.clone()), |step| self.watched_by(plan, step))?;
            let whole = Watched { expect: &plan.draft.expect, on, is_whole: true };
            return self.watch(plan, &whole, before).await;
        }
        let sent = plan.draft.steps.iter().enumerate().filter(|(index, _)| self.was_sent(*index));
        let seen: Vec<Option<String>> = sent.map(|(_, step)| step.expect.as_ref().map(words::observed)).collect();
        Ok(match seen.into_iter().collect::<Option<Vec<String>>>() {
            Some(seen) if seen.is_empty() => {
                Stage::Refused { why: format!("{left_out}; nothing was sent"), changed: true }
            }
            Some(seen) => Stage::Done { said: format!("{}; {left_out}", seen.join("; ")) },
            None => Stage::Unknown { check: words::check(plan, &format!("{left_out}, and the rest was sent")) },
        })
    }

    /// The object that is watched after a step.
    fn watched_by(&self, plan: &Plan, step: &Step) -> Result<crate::domain::object::ObjectId, Stop> {
        let Watch::Made(made) = &step.watch else { return Ok(step.target.clone()) };
        let given = self.given();
        let value = |name: &str| given.values().rev().find_map(|given| given.get(name)).map(String::as_str);
        let path = fill::in_place(&made.path, value).map(std::borrow::Cow::into_owned);
        let path = path.ok_or_else(|| {
            let why = "no answer told what was made, so it cannot be looked at".to_owned();
            Stop::End(Stage::Unknown { check: words::check(plan, &why) })
        })?;
        Ok(crate::domain::object::ObjectId::new(&made.source, made.family.as_str(), path))
    }

    /// The next call to send, and the call (with the revision that guarded it) that was sent without an answer.
    fn progress(&self, plan: &Plan) -> (usize, Option<(usize, Option<String>)>) {
        let count = plan.draft.steps.len();
        let last = self.record.entries.iter().rev().find_map(|entry| match &entry.stage {
            Stage::Accepted { call, .. } | Stage::Skipped { call, .. } if *call < count => Some((call + 1, None)),
            Stage::Sending { call, revision } if *call < count => Some((*call, Some((*call, revision.clone())))),
            _ => None,
        });
        let taken_over = || {
            let takeover = self.record.intent.takes_over.as_ref()?;
            let unanswered = takeover.unanswered.as_ref().map(|call| (takeover.sent, call.revision.clone()));
            Some((takeover.sent, unanswered))
        };
        last.or_else(taken_over).unwrap_or_default()
    }

    /// Is this the call that the act which is carried on had sent without an answer?
    fn carries_on(&self, call: usize) -> bool {
        let begun = self.record.entries.iter().any(|entry| matches!(entry.stage, Stage::Sending { .. }));
        let left = self.record.intent.takes_over.as_ref().filter(|takeover| takeover.unanswered.is_some());
        !begun && left.is_some_and(|takeover| takeover.sent == call)
    }

    /// Was this step's call sent, here or by the act that is carried on?
    pub(super) fn was_sent(&self, index: usize) -> bool {
        let before = self.record.intent.takes_over.as_ref();
        let then = before.is_some_and(|before| index < before.sent && !before.skipped.contains_key(&index));
        let here = |stage: &Stage| matches!(stage, Stage::Sending { call, .. } if *call == index);
        then || self.record.entries.iter().any(|entry| here(&entry.stage))
    }

    /// What was left out, each with its reason; empty where nothing was.
    fn left_out(&self, plan: &Plan) -> String {
        let skipped = crate::port::takeover::skipped(self.record.intent.takes_over.as_deref(), &self.record.entries);
        let words = |index: usize| plan.draft.steps.get(index).map_or("a call", |step| step.call.words.as_str());
        let each: Vec<String> =
            skipped.iter().map(|(index, why)| format!("left out: {}, {why}", words(*index))).collect();
        each.join("; ")
    }
}

/// Does a step need the facts of its target, and not only a revision?
fn wants_facts(step: &Step) -> bool {
    let filled = step.call.fills.iter().any(|fill| matches!(fill.from, Supply::Fact(_)));
    filled || !step.when.is_empty() || !step.bound.is_empty()
}
