//! An act on several targets: one after the other, in the order that somebody confirmed, each once the one before it was seen
//! to be as expected. What happens on one is what would happen in an act on it alone; here is whose turn it is, and what is said
//! of all of them.
//!
//! Nothing is begun that cannot be whole: before the first call every target is read and compared. And nothing goes on past a
//! target that is not verified, whatever the reason: the order is there because the next one rests on it.
//!
//! Cells of one service that go back rest on nothing (`several::together`), and there it is the other way round: everything is sent before
//! anything is waited for, and a cell that cannot go, fails, or stops for a human is told as that and holds none of the others.

use std::ops::Range;

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
        for part in several::together(plan) {
            let halted = if part.len() > 1 {
                self.fly_apart(plan, part).await?
            } else {
                self.fly_in_turn(plan, part.start).await?
            };
            if let Some(stage) = halted {
                return Ok(stage);
            }
        }
        let (count, places) = (plan.count(), plan.places());
        Ok(Stage::Done { said: format!("{count} of {count}, each verified: {places}") })
    }

    /// One whose turn it is; how all of it ends where that is not verified.
    async fn fly_in_turn(&mut self, plan: &Plan, index: usize) -> Result<Option<Stage>, Stop> {
        let Some(mut one) = self.on(index).filter(|_| !self.is_done(index)) else { return Ok(None) };
        let part = one.record.intent.plan.clone();
        if !self.may_send && !one.has_sent() {
            let (how_far, left) =
                (format!("interrupted after {index} of {}", plan.count()), left(plan, index..plan.count()));
            return Ok(Some(interrupted(&how_far, &left)));
        }
        let reached = self.flown(&mut one, &part).await?;
        match reached {
            Stage::Done { said } => self.note(Stage::Verified { target: index, said }).await.map(|_| None),
            other => Ok(Some(self.halted(plan, index, other))),
        }
    }

    /// Those that wait for none of one another: what goes out goes out everywhere, then each is watched to its end. How all of it ends
    /// where one of them is not verified.
    async fn fly_apart(&mut self, plan: &Plan, part: Range<usize>) -> Result<Option<Stage>, Stop> {
        let steps = |one: &Plan| one.draft.steps.len();
        let most = plan.each().skip(part.start).take(part.len()).map(steps).max().unwrap_or_default();
        // What a call brings about is waited for once the next one of every other was sent too.
        let rounds = (0..most).map(|round| Some(round.min(1))).filter(|_| self.may_send).chain([None]);
        for patience in rounds.collect::<Vec<_>>() {
            for index in part.clone() {
                let Some(mut one) = self.on(index).filter(|one| one.record.end().is_none() && !self.is_done(index))
                else {
                    continue;
                };
                (one.apart, one.patience) = (Some(index), patience);
                // Whoever only looks sends nothing; and what only is to be watched waits until everything is sent.
                if (!self.may_send && !one.has_sent()) || (patience.is_some() && !one.may_send) {
                    continue;
                }
                let own = one.record.intent.plan.clone();
                match self.flown(&mut one, &own).await {
                    Ok(Stage::Done { said }) => self.note(Stage::Verified { target: index, said }).await.map(|_| ())?,
                    Ok(stage) => {
                        let stage = Box::new(stage);
                        self.note(Stage::Apart { target: index, stage }).await.map(|_| ())?;
                    }
                    Err(Stop::Sent) => {}
                    Err(stop) => return Err(stop),
                }
            }
        }
        Ok(self.ended_apart(plan, &part))
    }

    /// Carries one of them on, and takes down what was written of it. Every end of its own is one that it came to.
    async fn flown(&mut self, one: &mut Self, own: &Plan) -> Result<Stage, Stop> {
        if one.may_send {
            one.against = one.unanswered_calls_of_preempted(own).await;
        }
        let reached = one.fly(own).await;
        if matches!(reached, Err(Stop::Taken)) {
            return Err(Stop::Taken);
        }
        self.record.entries = std::mem::take(&mut one.written);
        self.written.clone_from(&self.record.entries);
        match reached {
            Ok(stage) | Err(Stop::End(stage)) => Ok(stage),
            Err(stop) => Err(stop),
        }
    }

    fn is_done(&self, index: usize) -> bool {
        matches!(several::standings(&self.record).get(index), Some(Standing::Done(_) | Standing::DoneBefore))
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

    /// Looks at every target that has its turn, and on which nothing was sent yet; the first that is not as it was on the card, and how
    /// that would end. What waits for no other keeps none from going either.
    async fn examine(&self, plan: &Plan) -> Option<(usize, Stage)> {
        let in_turn = several::together(plan).into_iter().filter(|part| part.len() == 1).map(|part| part.start);
        for index in in_turn {
            let Some(one) = self.on(index).filter(|one| one.may_send && !one.has_sent()) else { continue };
            let part = &one.record.intent.plan;
            if self.actor(&part.target).is_none() {
                let why = format!("there is no connection '{}' here", part.target.source);
                return Some((index, one.give_up(part, &why, None)));
            }
            let reading = match one.read(part, &part.target).await {
                Ok(reading) => reading,
                Err(Stop::End(stage)) => return Some((index, stage)),
                Err(Stop::Taken | Stop::Sent) => continue,
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
        let left = left(plan, index + 1..plan.count());
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

    /// How all of it ends once each of those that wait for none of one another has ended: how many are done, and of each other one how it
    /// ended there. Nothing where all of them are done.
    fn ended_apart(&self, plan: &Plan, part: &Range<usize>) -> Option<Stage> {
        let standings = several::standings(&self.record);
        let done = |standing: &Standing| matches!(standing, Standing::Done(_) | Standing::DoneBefore);
        let others = || part.clone().zip(standings.iter().skip(part.start)).filter(|(_, standing)| !done(standing));
        let ends: Vec<(usize, &Stage)> = others()
            .filter_map(
                |(index, standing)| if let Standing::Begun(stage) = standing { Some((index, stage)) } else { None },
            )
            .collect();
        let (untouched, count) = (others().count() - ends.len(), standings.iter().filter(|one| done(one)).count());
        others().next()?;
        let begun = self.has_sent();
        let place = |index: usize| plan.on(index).map_or_else(String::new, |one| one.place().to_string());
        let each = ends.iter().map(|(index, stage)| match stage {
            Stage::Refused { why, .. } => format!("{}: not begun, {why}", place(*index)),
            stage => format!("{}: {}", place(*index), stage.said()),
        });
        let not_begun = others().filter(|(_, standing)| **standing == Standing::NotBegun).map(|(index, _)| index);
        let left = left(plan, not_begun.chain(part.end..plan.count()));
        let said = each.collect::<Vec<_>>().join("; ");
        let said = format!("{count} of {} done; {said}{left}", plan.count());
        Some(match worst(ends.iter().map(|(_, stage)| *stage)) {
            _ if untouched > 0 => interrupted(&format!("interrupted, {count} of {} done", plan.count()), &left),
            Some(Stage::Unknown { .. }) => Stage::Unknown { check: said },
            Some(Stage::Refused { changed, .. }) if !begun => Stage::Refused { why: said, changed: *changed },
            Some(Stage::Rests { .. }) => Stage::Rests { said },
            Some(Stage::Failed { fault, .. }) => Stage::Failed { why: said, fault: *fault },
            _ => Stage::Failed { why: said, fault: None },
        })
    }
}

/// The end that says most of what is left to be done: what nobody knows, what went wrong, what was not begun, what waits.
fn worst<'a>(ends: impl Iterator<Item = &'a Stage>) -> Option<&'a Stage> {
    ends.min_by_key(|stage| match stage {
        Stage::Unknown { .. } => 0,
        Stage::Failed { .. } => 1,
        Stage::Refused { .. } => 2,
        _ => 3,
    })
}

/// How it ends when its executor died between two targets: everybody knows how far it came, and what it has left.
fn interrupted(how_far: &str, left: &str) -> Stage {
    Stage::Unknown { check: format!("{how_far}, and nothing is under way{left}; taking it over goes on there") }
}

/// `; not begun: search in prod/eu`.
fn left(plan: &Plan, places: impl Iterator<Item = usize>) -> String {
    let left: Vec<String> = places.filter_map(|left| Some(plan.on(left)?.place().to_string())).collect();
    if left.is_empty() { String::new() } else { format!("; not begun: {}", left.join(", ")) }
}
