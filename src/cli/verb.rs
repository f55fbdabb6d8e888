//! The verbs: the same guard, plan and record as the keys. Ask, plan, compare, confirm, send, follow to the end.

use std::{
    io::{self, Write},
    time::Duration,
};

use futures::future::BoxFuture;

use crate::{
    app::{
        card::{Card, REASONS},
        guard::{self, Confirmed, Refusal},
        inbox,
        model::Model,
    },
    cli::{
        action::{self, Action},
        args::VerbArgs,
        exit::{CliError, Exit},
        json, target,
        value::Wait,
    },
    domain::{
        evidence::Verdict,
        offer::Risk,
        time::age,
        verb::{Direction, Verb},
    },
    port::{
        plan::{Ask, Blocked, Draft, Friction, Plan, Target},
        record::{Record, RecordId},
    },
};

/// Whoever can see the world and act in it: the runtime's cockpit without a screen.
pub trait Pilot {
    /// What is observed now.
    fn model(&self) -> &Model;

    /// Lets the provider draft an ask from what is observed.
    fn draft<'a>(&'a mut self, ask: &'a Ask) -> BoxFuture<'a, Result<Draft, Blocked>>;

    /// Writes the intent and starts carrying it out; the record as it was begun. An error is a sentence: nothing was sent.
    fn execute(&mut self, confirmed: Confirmed) -> BoxFuture<'_, Result<Record, String>>;

    /// Waits until a record has more than `seen` entries, or until `within` has passed; the record as it stands then.
    fn follow(&mut self, id: RecordId, seen: usize, within: Option<Duration>) -> BoxFuture<'_, Result<Record, String>>;
}

/// Asks a question and takes a line.
pub type Prompt<'a> = &'a mut dyn FnMut(&str) -> io::Result<String>;

/// Where a command reads and writes.
pub struct Console<'a> {
    /// Data.
    pub out: &'a mut dyn Write,
    /// Messages.
    pub err: &'a mut dyn Write,
    /// Asks the operator; `None` where nobody sits at a terminal.
    pub prompt: Option<Prompt<'a>>,
}

impl std::fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("asks", &self.prompt.is_some()).finish_non_exhaustive()
    }
}

/// Carries out a verb, from the words on the command line to the end of its record.
pub async fn run(
    pilot: &mut dyn Pilot,
    verb: Verb,
    args: &VerbArgs,
    to: Option<&str>,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    let target = target::resolve(pilot.model(), verb, &args.target)?;
    let reason = args.reason.as_deref().map(crate::domain::text::clean);
    let ask = Ask { verb, target, to: to.map(str::to_owned), reason };
    if args.print_commands {
        return print_commands(pilot, ask, args, console).await;
    }
    let asked = match guard::ask(pilot.model(), ask.clone()) {
        Ok(asked) => asked,
        Err(refusal) => return refuse(pilot.model(), &ask.target, &refusal, None, args, console),
    };
    let draft = pilot.draft(&asked).await;
    let plan = match guard::plan(pilot.model(), &asked, draft) {
        Ok(plan) => plan,
        Err(refusal) => return refuse(pilot.model(), &asked.target, &refusal, None, args, console),
    };
    if let Some(Err(refusal)) = args.expect.as_deref().map(|name| guard::expect(&plan, name)) {
        return refuse(pilot.model(), &asked.target, &refusal, Some(&plan), args, console);
    }
    if args.dry_run {
        if args.json {
            json::print(&Action::planned(&plan), console.out)?;
        } else {
            action::print_plan(&plan, console.out)?;
        }
        return Ok(Exit::Done);
    }
    let card = fill(asked, plan, args)?;
    if !args.yes {
        ask_first(&card.plan, console)?;
    }
    match guard::confirm(pilot.model(), &card) {
        Ok(confirmed) => send(pilot, confirmed, args, console).await,
        Err(refusal) => refuse(pilot.model(), &card.plan.target, &refusal, Some(&card.plan), args, console),
    }
}

/// Answers the card as the command line does: `--expect` is the read-back, `--reason` the reason.
fn fill(ask: Ask, plan: Plan, args: &VerbArgs) -> Result<Card, CliError> {
    if plan.verb.direction() == Direction::Forward && plan.risk == Risk::High && args.expect.is_none() {
        let version = guard::acts_on(plan.verb, &plan.draft).map_or_else(|| "VERSION".to_owned(), |v| v.tag.clone());
        return Err(CliError::usage(format!(
            "{} {} in {}: a high risk needs --expect VERSION; it would act on {version}, nothing was sent",
            plan.verb.words(),
            plan.service,
            plan.environment
        )));
    }
    let mut card = Card::new(ask, plan);
    if let Friction::ReadBack(text) = &card.plan.friction {
        card.typed.clone_from(text);
    }
    let other = REASONS.len() - 1;
    let given = args.reason.as_deref().and_then(|reason| REASONS.iter().position(|known| *known == reason));
    card.reason = Some(given.unwrap_or(other));
    Ok(card)
}

fn ask_first(plan: &Plan, console: &mut Console<'_>) -> Result<(), CliError> {
    let Some(prompt) = console.prompt.as_mut() else {
        return Err(CliError::usage("nobody is here to confirm: add --yes, or look with --dry-run; nothing was sent"));
    };
    action::print_plan(plan, console.err)?;
    let said = prompt("Send it? [y/N] ")?;
    if matches!(said.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(CliError { exit: Exit::Interrupted, text: "not confirmed; nothing was sent".to_owned() })
}

async fn send(
    pilot: &mut dyn Pilot,
    confirmed: Confirmed,
    args: &VerbArgs,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    let began = pilot.model().now;
    let mut record = pilot.execute(confirmed).await.map_err(CliError::failed)?;
    let mut told = 0;
    loop {
        for entry in record.entries.iter().skip(told) {
            let (stage, said) = action::words(&entry.stage);
            writeln!(console.err, "{}  {}  {said}", entry.at.format("%H:%M:%S"), stage.replace('_', " "))?;
        }
        told = record.entries.len();
        let left = match args.wait {
            Wait::Verified => None,
            Wait::AtMost(span) => Some(span.saturating_sub(age(pilot.model().now, began))),
        };
        if record.end().is_some() || left.is_some_and(|left| left.is_zero()) {
            break;
        }
        record = pilot.follow(record.id, told, left).await.map_err(CliError::failed)?;
    }
    let exit = match (record.end(), args.wait) {
        (Some(end), _) => action::exit_of(&end.stage).unwrap_or(Exit::Unknown),
        // Nobody wanted to wait: begun is all that was asked for.
        (None, Wait::AtMost(Duration::ZERO)) => Exit::Done,
        (None, _) => Exit::Wait,
    };
    if args.json {
        json::print(&Action::recorded(&record, exit), console.out)?;
    } else {
        let plan = &record.intent.plan;
        let shown = Action::recorded(&record, exit);
        let outcome = shown.outcome.replace('_', " ");
        let (verb, service) = (plan.verb.words(), &plan.service);
        writeln!(console.out, "{verb} {service}: {outcome}, {} (record {})", shown.said, record.id)?;
    }
    Ok(exit)
}

/// Prints each call as a plain command. Policy is told and does not stand in the way: this is for the night when holdshort
/// itself is what is broken, and it sends nothing.
async fn print_commands(
    pilot: &mut dyn Pilot,
    ask: Ask,
    args: &VerbArgs,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    let ask = match guard::ask(pilot.model(), ask.clone()) {
        Ok(asked) => asked,
        Err(refusal) => {
            writeln!(console.err, "holdshort would refuse: {}", refusal.reasons.join("; "))?;
            let rollout = match &ask.target {
                Target::Rollout(id) if ask.verb == Verb::Approve => pilot.model().store.rollout(id),
                _ => None,
            };
            Ask { verb: rollout.map_or(ask.verb, inbox::let_through), ..ask }
        }
    };
    let draft = pilot.draft(&ask).await.map_err(|blocked| CliError {
        exit: Exit::Refused,
        text: format!("{} {}: {blocked}; there are no commands", ask.verb.words(), ask.target),
    })?;
    if let Some(name) = args.expect.as_deref() {
        let version = guard::acts_on(ask.verb, &draft);
        if !version.is_some_and(|version| version.is_called(name)) {
            let acts_on = version.map_or_else(|| "an unknown version".to_owned(), ToString::to_string);
            return Err(CliError { exit: Exit::Changed, text: format!("it would act on {acts_on}, not on {name}") });
        }
    }
    for call in &draft.calls {
        writeln!(console.out, "{}", call.command)?;
    }
    Ok(Exit::Done)
}

fn refuse(
    model: &Model,
    target: &Target,
    refusal: &Refusal,
    plan: Option<&Plan>,
    args: &VerbArgs,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    let exit = exit_of(model, target, refusal);
    writeln!(console.err, "{refusal}")?;
    for way in &refusal.ways {
        writeln!(console.err, "  instead: {way}")?;
    }
    if args.json {
        json::print(&Action::refused(target, refusal, plan, exit), console.out)?;
    }
    Ok(exit)
}

/// Evidence of harm ends with its own code, whatever else stands against it; that something is missing does so where it is
/// the only reason.
fn exit_of(model: &Model, target: &Target, refusal: &Refusal) -> Exit {
    if refusal.changed {
        return Exit::Changed;
    }
    let judged = match target {
        Target::Rollout(id) => guard::judged(model, id),
        Target::Gate(_) | Target::Run(_) => None,
    };
    let Some(judged) = judged else { return Exit::Refused };
    // As policy says it: only then the verdict is among the reasons.
    let against = judged.against();
    match judged.verdict {
        Verdict::NoGo if against.iter().all(|said| refusal.reasons.contains(said)) => Exit::NoGo,
        Verdict::NoData | Verdict::Wait if !against.is_empty() && refusal.reasons == against => Exit::NoData,
        _ => Exit::Refused,
    }
}

#[cfg(test)]
mod tests;
