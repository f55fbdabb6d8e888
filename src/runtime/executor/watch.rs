//! After the calls: reading until what was expected is observed, it failed, or the time is up. Never silent meanwhile.

use std::time::Duration;

use super::{Flight, Stop, words};
use crate::{
    domain::{
        object::ObjectId,
        time::{Timestamp, after, age},
    },
    port::{
        plan::{Expectation, Facts, Plan},
        record::Stage,
    },
};

/// Nothing moved for this long: it is said, and again at double the time (F14).
const QUIET: Duration = Duration::from_secs(20);
/// A resumed record whose time is up is still watched for this long.
const LEAST: Duration = Duration::from_secs(5);

/// What is watched for, and of what.
pub(super) struct Watched<'a> {
    /// What must be observed.
    pub(super) expect: &'a Expectation,
    /// Of this object.
    pub(super) on: ObjectId,
    /// Is it what the whole act expects?
    pub(super) is_whole: bool,
}

/// What has been seen to move.
struct Movement {
    /// The first value of the progress fact.
    from: Option<String>,
    /// The progress and the expected facts when they last changed.
    seen: Vec<Option<String>>,
    /// When they last changed.
    at: Timestamp,
    /// Say so when nothing moved for this long.
    alarm: Duration,
}

impl Flight<'_> {
    /// Watches until the end; `before` are the facts as they were before the (first) call. Done is what ends well, of a part
    /// too.
    pub(super) async fn watch(&mut self, plan: &Plan, part: &Watched<'_>, before: &Facts) -> Result<Stage, Stop> {
        let expect = part.expect;
        // What is bound is the target: of another object nothing can be said by it.
        let here = part.on == plan.target;
        let clock = self.host.clock;
        let sent = self.record.entries.iter().rev().find(|entry| is_call(&entry.stage)).map(|entry| entry.at);
        // A call of an act that this one ended may still land: until it cannot, done is not over.
        let settled = self.against.iter().copied().max().filter(|_| part.is_whole);
        let deadline = after(sent.unwrap_or(clock.now()), expect.within).max(after(clock.now(), LEAST));
        let deadline = settled.map_or(deadline, |settled| deadline.max(after(settled, LEAST)));
        let mut seen = false;
        let mut movement =
            Movement { from: progress(expect, before), seen: watched(expect, before), at: clock.now(), alarm: QUIET };
        let mut last = before.clone();
        loop {
            let fault;
            match self.look(&part.on).await {
                Ok(reading) => {
                    self.note_movement(expect, &reading.facts, &mut movement).await?;
                    let holds = expect.all.iter().all(|one| one.holds(&reading.facts));
                    if holds && settled.is_none_or(|settled| settled <= clock.now()) {
                        return Ok(match words::replaced(plan, &reading.facts).filter(|_| here) {
                            None => Stage::Done { said: words::observed(expect) },
                            Some(moved) => {
                                Stage::Unknown { check: words::check(plan, &format!("it was sent, and {moved}")) }
                            }
                        });
                    }
                    if seen && !holds && here && self.may_send && words::became_another(plan, &reading.facts).is_none()
                    {
                        // It was so and is no longer: what had been on its way has landed. Once more, and never again.
                        seen = false;
                        self.send_once_more(plan, &reading).await?;
                    }
                    seen |= holds && settled.is_some();
                    if let Some(bad) = expect.fails_if.iter().find(|one| one.holds(&reading.facts)) {
                        return Ok(Stage::Failed { why: format!("it was sent, and then: {bad}"), fault: None });
                    }
                    if !expect.rests.is_empty() && expect.rests.iter().all(|one| one.holds(&reading.facts)) {
                        return Ok(Stage::Rests { said: words::resting(expect, &plan.target) });
                    }
                    (last, fault) = (reading.facts, None);
                }
                Err(error) => fault = Some(error.text),
            }
            if clock.now() >= deadline {
                let mut why = format!(
                    "not observed within {} s: {}",
                    expect.within.as_secs(),
                    words::pending(&expect.all, &last)
                );
                if let Some(fault) = fault {
                    why = format!("{why}; the last reading failed: {fault}");
                }
                return Ok(Stage::Unknown { check: words::check(plan, &why) });
            }
            let quiet = age(clock.now(), movement.at);
            if quiet >= movement.alarm {
                self.note(Stage::NotMoving { seconds: quiet.as_secs() }).await?;
                movement.alarm *= 2;
            }
            clock.sleep(self.pace(&part.on)).await;
        }
    }

    /// Says what moved since the last reading.
    async fn note_movement(&mut self, expect: &Expectation, now: &Facts, movement: &mut Movement) -> Result<(), Stop> {
        let seen = watched(expect, now);
        if seen == movement.seen {
            return Ok(());
        }
        let said = match (&movement.from, progress(expect, now)) {
            // It went there and came back.
            (Some(from), Some(to)) if movement.seen.first() != seen.first() && *from == to => Some(to),
            (Some(from), Some(to)) if movement.seen.first() != seen.first() => Some(format!("{from} → {to}")),
            _ => None,
        };
        (movement.seen, movement.at, movement.alarm) = (seen, self.host.clock.now(), QUIET);
        match said {
            Some(said) => self.note(Stage::Moving { said }).await.map(|_| ()),
            None => Ok(()),
        }
    }
}

fn is_call(stage: &Stage) -> bool {
    matches!(stage, Stage::Sending { .. } | Stage::Accepted { .. })
}

/// The progress fact with its unit: `25 %`, `1 pod`, `2 pods`.
fn progress(expect: &Expectation, facts: &Facts) -> Option<String> {
    let (name, unit) = expect.progress.as_ref()?;
    let unit = |value: &str| if value == "1" { unit.strip_suffix('s').unwrap_or(unit) } else { unit };
    facts.get(name).map(|value| format!("{value} {}", unit(value)).trim_end().to_owned())
}

/// The values whose change counts as movement, the progress fact first.
fn watched(expect: &Expectation, facts: &Facts) -> Vec<Option<String>> {
    let names = expect.all.iter().map(|expect| &expect.fact);
    expect.progress.iter().map(|(name, _)| name).chain(names).map(|name| facts.get(name).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_told_with_its_unit_and_one_as_one() {
        let of = |value: &str, unit: &str| {
            let progress = Some(("n".to_owned(), unit.to_owned()));
            let facts = Facts::from([("n".to_owned(), value.to_owned())]);
            super::progress(&Expectation { progress, ..Expectation::default() }, &facts)
        };
        let told = [("1", "pods"), ("2", "pods"), ("1", "%"), ("1", "")].map(|(value, unit)| of(value, unit).unwrap());
        assert_eq!(told, ["1 pod", "2 pods", "1 %", "1"]);
    }
}
