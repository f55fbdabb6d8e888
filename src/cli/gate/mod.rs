//! `gate`: waits for the verdict on a release, says each change of it, and ends by it. It looks, and may ask the guard; it never
//! sends anything.

pub mod args;
mod seen;
mod wire;

use std::{io::Write, time::Duration};

use self::{
    args::GateArgs,
    seen::{Gated, Seen, Standing},
};
use crate::{
    app::guard,
    cli::{
        exit::{CliError, Exit},
        target,
        verb::Pilot,
    },
    domain::{
        evidence::Verdict,
        object::ObjectId,
        time::{Timestamp, age},
        verb::Verb,
    },
    port::plan::Ask,
};

/// Waits, from when it began to look. NO-GO and GO end it at once, and so does another version in the place of the one that is
/// waited for (exit code 6); everything else may pass, and counts only when the time is up.
pub async fn run(
    pilot: &mut dyn Pilot,
    args: &GateArgs,
    began: Timestamp,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let (mut target, mut gated, mut told) = (None, Gated::of(args.expect.as_deref()), None);
    loop {
        let seen = look(pilot, args, &mut target, &mut gated).await?;
        let now = pilot.model().now;
        let left = args.timeout.saturating_sub(age(now, began));
        let up = left.is_zero() && !seen.standing.ends();
        let exit = (up || seen.standing.ends()).then(|| seen.standing.exit());
        let printed = if exit.is_some() || told.as_ref() != Some(&seen.key()) {
            let up = up.then_some(args.timeout);
            wire::print(&seen, (now, args.verb, up, exit), args.json, out)
        } else {
            Ok(())
        };
        if let Some(exit) = exit {
            return exit.whoever_reads(printed);
        }
        // That nobody reads along is no reason to look away, and none to end as if it were GO.
        if let Err(error) = printed
            && error.exit != Exit::Done
        {
            return Err(error);
        }
        told = Some(seen.key());
        pilot.pass(args.interval.min(left).max(Duration::from_millis(1))).await;
    }
}

/// What is to be said of the release now.
async fn look(
    pilot: &mut dyn Pilot,
    args: &GateArgs,
    target: &mut Option<ObjectId>,
    gated: &mut Gated,
) -> Result<Seen, CliError> {
    if target.is_none() {
        let found = match args.verb {
            Some(verb) => target::resolve(pilot.model(), verb, &args.target, args.expect.as_deref()),
            None => target::resolve_release(pilot.model(), &args.target),
        };
        match found {
            Ok(found) => {
                let lacked = |verb| guard::lacked(pilot.model(), &Ask::new(verb, found.clone()));
                if let Some(why) = args.verb.and_then(lacked) {
                    return Err(CliError::usage(why));
                }
                *target = Some(found);
            }
            // What may have it could not be read, and may be back with the next look.
            Err(why) if why.exit == Exit::Unreachable => return Ok(Seen::unread(None, why.text())),
            Err(why) => return Err(why),
        }
    }
    let Some(target) = target else { return Ok(Seen::unread(None, "")) };
    let seen = seen::look(pilot.model(), target, gated)?;
    match args.verb {
        Some(verb) if seen.standing == Standing::Go || seen.nothing => Ok(asked(pilot, verb, target, seen).await),
        _ => Ok(seen),
    }
}

/// The same, once the guard was asked whether it would let the verb through.
async fn asked(pilot: &mut dyn Pilot, verb: Verb, target: &ObjectId, seen: Seen) -> Seen {
    let plan = match guard::ask(pilot.model(), Ask::new(verb, target.clone())) {
        Ok(asked) => {
            let drafts = pilot.drafts(&asked).await;
            guard::plan_of(pilot.model(), &asked, drafts)
        }
        Err(refusal) => Err(refusal),
    };
    match plan {
        Ok(plan) => {
            let risks = plan.each().flat_map(|one| one.risks.clone()).collect();
            Seen { standing: Standing::Go, risks, ..seen }
        }
        Err(refusal) => {
            let standing = match refusal.verdict {
                Some(Verdict::NoGo) => Standing::NoGo,
                Some(Verdict::NoData) => Standing::NoData,
                Some(Verdict::Wait) => Standing::Wait,
                Some(Verdict::Go) | None => Standing::Refused,
            };
            let said = format!("{} {}", verb.words(), refusal.reasons.join("; "));
            Seen {
                standing,
                said: if standing == Standing::Refused { said } else { refusal.reasons.join("; ") },
                ..seen
            }
        }
    }
}

#[cfg(test)]
mod tests;
