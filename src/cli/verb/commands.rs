//! `--print-commands`: what a verb would send, as plain commands.

use super::{Console, Pilot, exit_of};
use crate::{
    app::{
        guard, inbox,
        model::Model,
        quarantine::{Quarantine, WayBack},
    },
    cli::{
        args::VerbArgs,
        exit::{CliError, Exit},
        named,
    },
    domain::{rollout::Rollout, verb::Verb},
    port::{commands, plan::Ask},
};

/// Prints each call as a plain command. Policy is told and does not stand in the way: this is for the night when holdshort
/// itself is what is broken, and it sends nothing.
pub(super) async fn print(
    pilot: &mut dyn Pilot,
    ask: Ask,
    args: &VerbArgs,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    let ask = match guard::ask(pilot.model(), ask.clone()) {
        Ok(asked) => asked,
        Err(refusal) => {
            let _ = writeln!(console.err, "holdshort would refuse: {}", refusal.reasons.join("; "));
            match pilot.model().store.rollout(&ask.target).filter(|_| ask.then.is_empty()) {
                // Nobody named a version: the only one was left for cause, or what it holds was put back already.
                Some(rollout)
                    if ask.verb == Verb::Rollback && ask.to().is_none() && goes_nowhere(pilot.model(), rollout) =>
                {
                    let text = format!("there are no commands for it; instead: {}", refusal.ways.join("; "));
                    return Err(CliError::new(Exit::Refused, text));
                }
                Some(_) => inbox::meant(pilot.model(), ask),
                None => ask,
            }
        }
    };
    let ask = match guard::form(pilot.model(), &ask).filter(|_| ask.then.is_empty()) {
        Some(form) => Ask { args: ask.args.over(&form), ..ask },
        None => ask,
    };
    let drafts = pilot.drafts(&ask).await;
    let mut lines = Vec::new();
    for (index, (one, draft)) in ask.each().into_iter().zip(drafts).enumerate() {
        let draft = draft.map_err(|blocked| {
            let text = format!("{} {}: {blocked}; there are no commands", one.verb.words(), one.target);
            CliError::new(Exit::Refused, text)
        })?;
        if let Some(name) = args.expected(index) {
            if let Some(error) = named::too_short(guard::acts_on(one.verb, &draft), name) {
                return Err(error);
            }
            guard::expect_of(one.verb, one.target.to_string(), &draft, name)
                .map_err(|refusal| CliError::new(exit_of(&refusal), refusal.to_string()))?;
        }
        // What was taken of an act that is carried on is not sent again.
        lines.extend(commands::lines(&draft, one.sent_before()));
    }
    // All of them or none: half of what was asked for is something else.
    for line in lines {
        writeln!(console.out, "{line}")?;
    }
    Ok(Exit::Done)
}

fn goes_nowhere(model: &Model, rollout: &Rollout) -> bool {
    let quarantine = Quarantine::of(&model.actions, rollout);
    matches!(quarantine.way_back(rollout), WayBack::OnlyLeft(..) | WayBack::PutBack(..))
}
