//! From what is asked to its plan: asked for, drafted and checked; of several that go back, without those that are refused, where the
//! command line says so.

use super::Pilot;
use crate::{
    app::{
        guard::{self, Refusal},
        inbox,
    },
    cli::args::VerbArgs,
    domain::{object::ObjectId, verb::Direction},
    port::plan::{Ask, Plan},
};

/// What is asked and its plan; with what of several was left out because it is refused, where that was asked for.
pub(super) async fn drawn_up(
    pilot: &mut dyn Pilot,
    mut ask: Ask,
    args: &VerbArgs,
) -> Result<(Ask, Plan, Vec<String>), Refusal> {
    let mut left = Vec::new();
    loop {
        let tried = match guard::ask(pilot.model(), ask.clone()) {
            Ok(asked) => {
                if asked.verb.direction() == Direction::Forward {
                    pilot.look_at(&asked.targets().cloned().collect::<Vec<_>>()).await;
                }
                plan_of(pilot, &asked).await.map(|plan| (asked, plan))
            }
            // That it moved comes first: what stands against the other version was not asked.
            Err(refusal) => Err(moved(pilot, &ask, &args.expect).await.unwrap_or(refusal)),
        };
        match tried {
            Ok((asked, plan)) => return Ok((asked, plan, left)),
            Err(Refusal { without: Some(rest), reasons, .. }) if args.leave_refused => {
                left.extend(reasons);
                ask = *rest;
            }
            Err(refusal) => return Err(refusal),
        }
    }
}

/// What was said on the command line, without what was said of targets that are left out.
pub(super) fn without(args: &VerbArgs, all: &Ask, asked: &Ask) -> VerbArgs {
    let mut args = args.clone();
    if args.expect.len() == all.targets().count() {
        let stays = |target: &ObjectId| asked.targets().any(|one| one == target);
        let named = all.targets().zip(&args.expect).filter(|(target, _)| stays(target));
        args.expect = named.map(|(_, name)| name.clone()).collect();
    }
    args
}

/// Of an ask that is refused: is it another version than the one that was named for it?
async fn moved(pilot: &mut dyn Pilot, ask: &Ask, names: &[String]) -> Option<Refusal> {
    let ([name], []) = (names, ask.then.as_slice()) else { return None };
    let ask = inbox::meant(pilot.model(), ask.clone());
    let draft = pilot.drafts(&ask).await.pop()?.ok()?;
    let short = guard::acts_on(ask.verb, &draft).is_some_and(|version| version.is_too_short(name));
    let refusal = guard::expect_of(ask.verb, ask.target.to_string(), &draft, name).err()?;
    (refusal.changed && !short).then_some(refusal)
}

/// The plan of what is asked, as its providers would draft it now.
pub(super) async fn plan_of(pilot: &mut dyn Pilot, asked: &Ask) -> Result<Plan, Refusal> {
    let drafts = pilot.drafts(asked).await;
    guard::plan_of(pilot.model(), asked, drafts)
}
