//! The verbs: the same guard, plan and record as the keys. Ask, plan, compare, confirm, send, follow to the end.

mod commands;
mod drawn_up;
mod meant;

use std::{
    io::{self, Write},
    time::Duration,
};

use futures::future::BoxFuture;

use self::{
    drawn_up::{drawn_up, plan_of, without},
    meant::{answers, meaningful, said, unexpected},
};
use crate::{
    app::{
        card::{Card, REASONS},
        guard::{self, Confirmed, Refusal},
        model::Model,
        takeover,
    },
    cli::{
        action::{self, Action},
        args::VerbArgs,
        cells,
        exit::{CliError, Exit},
        json,
        table::Layout,
        target,
        value::Wait,
    },
    domain::{
        evidence::Verdict,
        form::{Args, Value},
        object::ObjectId,
        offer::Risk,
        text::clean,
        time::age,
        verb::{Direction, Verb},
        version::Version,
    },
    port::{
        plan::{Ask, Blocked, Draft, Plan},
        record::{Record, RecordId, Stage},
        secrets::Secrets,
    },
};

/// Whoever can see the world and act in it: the runtime's cockpit without a screen.
pub trait Pilot {
    /// What is observed now.
    fn model(&self) -> &Model;

    /// Asks what is to be known of these before anything is done to them, for a moment: what they bring, and which settings differ.
    fn look_at<'a>(&'a mut self, targets: &'a [ObjectId]) -> BoxFuture<'a, ()> {
        let _ = targets;
        Box::pin(async {})
    }

    /// Lets the providers draft an ask from what is observed, for each of its targets in their order.
    fn drafts<'a>(&'a mut self, ask: &'a Ask) -> BoxFuture<'a, Vec<Result<Draft, Blocked>>>;

    /// Writes the intent and starts carrying it out; the record as it was begun. An error is a sentence: nothing was sent.
    fn execute(&mut self, confirmed: Confirmed) -> BoxFuture<'_, Result<Record, String>>;

    /// Waits until a record has more than `seen` entries, or until `within` has passed; the record as it stands then.
    fn follow(&mut self, id: RecordId, seen: usize, within: Option<Duration>) -> BoxFuture<'_, Result<Record, String>>;

    /// Lets a span of the world's time pass, and takes in what happens in it.
    fn pass(&mut self, span: Duration) -> BoxFuture<'_, ()>;

    /// Is the journal there once this command has ended? That of a demo is not: nobody is sent there.
    fn keeps_records(&self) -> bool {
        true
    }
}

/// Asks a question and takes a line.
pub type Prompt<'a> = &'a mut dyn FnMut(&str) -> io::Result<String>;

/// Where a command reads and writes.
pub struct Console<'a> {
    /// Data.
    pub out: &'a mut dyn Write,
    /// Messages.
    pub err: &'a mut dyn Write,
    /// How a plan is laid out.
    pub layout: Layout,
    /// Asks the operator; `None` where nobody sits at a terminal.
    pub prompt: Option<Prompt<'a>>,
    /// The secrets that were handed over for what the verb asks for.
    pub secrets: Secrets,
}

impl std::fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("asks", &self.prompt.is_some()).finish_non_exhaustive()
    }
}

/// How long an act whose executor died is waited for.
const ORPHAN: Duration = Duration::from_secs(5);

/// Carries on an act whose executor died, from the number of its record to the end of the one that carries it on.
pub async fn take_over(pilot: &mut dyn Pilot, args: &VerbArgs, console: &mut Console<'_>) -> Result<Exit, CliError> {
    let said = args.targets.first().map(String::as_str).unwrap_or_default();
    let id = said.parse().map(RecordId).map_err(|_| {
        CliError::usage(format!("'{}' is no number of a record: `holdshort audit list` shows them", clean(said)))
    })?;
    let record = pilot.follow(id, 0, Some(Duration::ZERO)).await.map_err(CliError::usage)?;
    match takeover::asked(pilot.model(), &record, reason(args)) {
        Ok(ask) => carry_out(pilot, ask, args, console).await,
        // Nobody has to confirm that somebody looks: this session does.
        Err(why)
            if pilot.model().actions.iter().any(|action| action.record == id && action.is_only_watched())
                && !args.dry_run =>
        {
            let _ = writeln!(console.err, "record {id} ({}): {why}", record.intent.who);
            to_its_end(pilot, record, Vec::new(), args, console).await
        }
        Err(why) => {
            let plan = &record.intent.plan;
            let refusal = Refusal {
                verb: plan.verb,
                what: plan.place().to_string(),
                reasons: vec![format!("record {id} ({}) cannot be taken over: {why}", record.intent.who)],
                ways: (pilot.keeps_records())
                    .then(|| format!("`holdshort audit show {id}` says how far it came and how it ended"))
                    .into_iter()
                    .collect(),
                changed: false,
                verdict: None,
                forces: None,
                without: None,
            };
            refuse(&plan.target, &refusal, None, args, console)
        }
    }
}

fn reason(args: &VerbArgs) -> Option<String> {
    args.reason.as_deref().map(clean).filter(|reason| !reason.trim().is_empty())
}

/// Carries out a verb, from the words on the command line to the end of its record.
pub async fn run(
    pilot: &mut dyn Pilot,
    verb: Verb,
    args: &VerbArgs,
    to: Option<&str>,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    let mut targets = Vec::new();
    for (index, name) in args.targets.iter().enumerate() {
        targets.push(target::resolve(pilot.model(), verb, name, args.expected(index))?);
    }
    for (index, target) in targets.iter().enumerate() {
        let before = targets.iter().take(index);
        meaningful(pilot.model(), &Ask::new(verb, target.clone()), before, to)?;
    }
    for target in &targets {
        await_orphan(pilot, target).await?;
    }
    let mut targets = targets.into_iter();
    let Some(target) = targets.next() else { return Err(CliError::usage("name what it is to act on")) };
    let said = said(&args.set)?.into_iter().map(|(name, value)| (name, Value::Text(value)));
    let secrets = args.secret.iter().map(|(name, _)| (name, Value::Secret));
    let answers = said.chain(secrets).fold(Args::back_to(to), |all, (name, value)| all.with(name, value));
    let force = forced(pilot.model(), verb, &target, args)?;
    let ask = Ask { args: answers, reason: reason(args), force, ..Ask::new(verb, target) };
    carry_out(pilot, ask.and_then(targets), args, console).await
}

/// Is it to be done although its preflight is red? Whoever says so names whose it is.
fn forced(model: &Model, verb: Verb, target: &ObjectId, args: &VerbArgs) -> Result<bool, CliError> {
    let Some(name) = &args.force else { return Ok(false) };
    if verb != Verb::Rollback {
        return Err(CliError::usage(format!("--force is for roll back only, {} has no use for it", verb.words())));
    }
    match model.store.item(target).map(|item| item.service().clone()) {
        Some(service) if service.as_str() == name => Ok(true),
        Some(service) => Err(CliError::usage(format!("--force {} names another service than {service}", clean(name)))),
        None => Err(CliError::usage(format!("nothing is known of {target}"))),
    }
}

/// From an ask to the end of its record.
async fn carry_out(
    pilot: &mut dyn Pilot,
    ask: Ask,
    args: &VerbArgs,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    if args.print_commands {
        return commands::print(pilot, ask, args, console).await;
    }
    if ask.then.is_empty() {
        answers(pilot.model(), &ask)?;
    }
    let (mut asked, mut plan, left) = match drawn_up(pilot, ask.clone(), args).await {
        Ok(drawn_up) => drawn_up,
        Err(refusal) => return refuse(&ask.target, &refusal, None, args, console),
    };
    let args = &without(args, &ask, &asked);
    for left in &left {
        let _ = writeln!(console.err, "left out: {left}");
    }
    if let Some(refusal) = unexpected(&plan, args)? {
        return refuse(&asked.target, &refusal, Some(&plan), args, console);
    }
    if args.dry_run {
        if args.json {
            json::print(&Action { left, ..Action::planned(&plan).bringing(pilot.model(), &plan) }, console.out)?;
        } else {
            action::print_plan(&plan, console.layout, console.out)?;
            action::print_brings(pilot.model(), &plan, console.layout, console.out)?;
        }
        return Ok(Exit::Done);
    }
    if let Some(refusal) = not_accepted(&plan, args) {
        return refuse_as(Exit::Wait, &asked.target, &refusal, Some(&plan), args, console);
    }
    if asked.reason.is_none() && plan.friction.needs_reason() {
        asked.reason = Some(ask_why(&plan, args, console)?);
        // Systems that take a comment get it with the call.
        plan = match plan_of(pilot, &asked).await {
            Ok(plan) => plan,
            Err(refusal) => return refuse(&asked.target, &refusal, Some(&plan), args, console),
        };
    }
    let asks = args.expect.is_empty() && !args.yes && console.prompt.is_some();
    let card = fill(pilot.model(), asked, plan, args, (&*console, asks))?;
    if !args.yes {
        ask_first(pilot.model(), &card.plan, asks, console)?;
    }
    match guard::confirm(pilot.model(), &card) {
        Ok(confirmed) => send(pilot, confirmed, left, args, console).await,
        Err(refusal) => refuse(&card.plan.target, &refusal, Some(&card.plan), args, console),
    }
}

/// An act on this target whose executor died: this session looks how it ended, which is mostly a matter of one look.
async fn await_orphan(pilot: &mut dyn Pilot, target: &ObjectId) -> Result<(), CliError> {
    let orphan = pilot.model().actions.running_on(target).filter(|action| action.lost.is_some());
    if let Some((record, seen)) = orphan.map(|action| (action.record, action.entries.len())) {
        pilot.follow(record, seen, Some(ORPHAN)).await.map_err(CliError::failed)?;
    }
    Ok(())
}

/// What a version may be named by, so that no other one is meant.
fn bound_name(version: &Version) -> String {
    if version.is_bound_by(&version.tag) { version.tag.clone() } else { version.to_string() }
}

/// Answers the card as the command line does: `--expect` is the read-back, `--reason` the reason. Whoever sits there may be
/// asked to read it back instead.
fn fill(
    model: &Model,
    ask: Ask,
    plan: Plan,
    args: &VerbArgs,
    (console, asks): (&Console<'_>, bool),
) -> Result<Card, CliError> {
    // What names no version is a risk of its own, which is accepted, not compared.
    let risky = |one: &&Plan| one.direction() == Direction::Forward && one.risk == Risk::High;
    let named = plan.each().filter(risky).find_map(|one| Some((one, guard::acts_on(one.verb, &one.draft)?)));
    if let Some((one, version)) = named.filter(|_| args.expect.is_empty() && !asks) {
        let version = bound_name(version);
        return Err(CliError::usage(format!(
            "{} {}: a high risk needs --expect VERSION; it would act on {version}, nothing was sent",
            plan.verb.words(),
            one.place()
        )));
    }
    let form = guard::form(model, &ask).unwrap_or_default();
    let mut card = Card::new(ask, plan).asking(form);
    card.secrets = console.secrets.clone();
    card.typed = card.plan.friction.read_back().map(str::to_owned).unwrap_or_default();
    let other = REASONS.len() - 1;
    let given = card.ask.reason.as_deref().and_then(|reason| REASONS.iter().position(|known| *known == reason));
    // What somebody wrote counts as "other"; where nobody wrote anything, none was given.
    card.reason = given.or(card.ask.reason.as_ref().map(|_| other));
    Ok(card)
}

/// The reason, from whoever sits there. In a script it must be on the command line.
fn ask_why(plan: &Plan, args: &VerbArgs, console: &mut Console<'_>) -> Result<String, CliError> {
    let (verb, service) = (plan.verb.words(), action::services(plan));
    let needed = format!("{verb} {service} needs --reason TEXT: it goes into the record; nothing was sent");
    let Some(prompt) = console.prompt.as_mut().filter(|_| !args.yes) else { return Err(CliError::usage(needed)) };
    let said = clean(prompt(&format!("Why {verb} {service}? "))?.trim());
    if said.is_empty() { Err(CliError::usage(needed)) } else { Ok(said) }
}

/// Sentences about one target of a plan: where there are others, each says which it is about.
fn of_which(plan: &Plan, one: &Plan, said: &[String]) -> Vec<String> {
    let of = if plan.then.is_empty() { String::new() } else { format!("{}: ", one.place()) };
    said.iter().map(|said| format!("{of}{said}")).collect()
}

/// Going forward on what is not known is a risk that a script must take by name.
fn not_accepted(plan: &Plan, args: &VerbArgs) -> Option<Refusal> {
    let risks: Vec<String> = plan.each().flat_map(|one| of_which(plan, one, &one.risks)).collect();
    // Whoever forces it has taken more upon them.
    let taken = args.accept_wait || args.force.is_some();
    if plan.direction() != Direction::Forward || risks.is_empty() || taken {
        return None;
    }
    let reasons =
        risks.into_iter().chain(["it takes --accept-wait and --reason TEXT to go on all the same".to_owned()]);
    // Only what flies is judged, and goes back.
    let flies = [
        "wait: `holdshort status --exit-code` ends with 0 once it is GO",
        "--accept-wait --reason TEXT, if you know more than the numbers say",
        "hold it until somebody can look",
        "roll back or abort",
    ];
    let ways = if plan.each().any(|one| one.evidence.verdict.is_some()) { &flies[..] } else { &flies[1..2] };
    Some(Refusal {
        verb: plan.verb,
        what: plan.place().to_string(),
        reasons: reasons.collect(),
        ways: ways.iter().map(ToString::to_string).collect(),
        changed: false,
        verdict: Some(Verdict::Wait),
        forces: None,
        without: None,
    })
}

/// Shows what would be sent, and asks: whether to send it, or to read back what it acts on.
fn ask_first(model: &Model, plan: &Plan, reads_back: bool, console: &mut Console<'_>) -> Result<(), CliError> {
    let Some(prompt) = console.prompt.as_mut() else {
        return Err(CliError::usage("nobody is here to confirm: add --yes, or look with --dry-run; nothing was sent"));
    };
    // Who cannot read what would be sent cannot say yes to it.
    let unseen = |_| CliError::failed("the plan cannot be shown; nothing was sent");
    action::print_plan(plan, console.layout, console.err).map_err(unseen)?;
    action::print_brings(model, plan, console.layout, console.err).map_err(unseen)?;
    if let Some(text) = plan.friction.read_back().filter(|_| reads_back) {
        let said = prompt(&format!("Read back {text} to send it: "))?;
        return if said.trim().eq_ignore_ascii_case(text) {
            Ok(())
        } else {
            Err(CliError::new(Exit::Interrupted, format!("that is not {text}; nothing was sent")))
        };
    }
    let said = prompt("Send it? [y/N] ")?;
    if matches!(said.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(CliError::new(Exit::Interrupted, "not confirmed; nothing was sent"))
}

async fn send(
    pilot: &mut dyn Pilot,
    confirmed: Confirmed,
    left: Vec<String>,
    args: &VerbArgs,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    let plan = confirmed.record().plan.clone();
    let record = match pilot.execute(confirmed).await {
        Ok(record) => record,
        Err(why) => {
            // A journal that can be written has it from somebody who was faster.
            let exit = if pilot.model().journal_broken.is_some() { Exit::Failed } else { Exit::Refused };
            return not_begun(&plan, why, exit, args, console);
        }
    };
    if let Some(why) = &pilot.model().journal_broken {
        let _ = writeln!(console.err, "NOT IN THE JOURNAL: {why}; it is carried out all the same");
    }
    to_its_end(pilot, record, left, args, console).await
}

/// That the journal did not take the intent, so that nothing was sent: somebody else was faster, or it cannot be written.
fn not_begun(
    plan: &Plan,
    why: String,
    exit: Exit,
    args: &VerbArgs,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    if args.json {
        exit.whoever_reads(json::print(&Action::not_begun(plan, &why, exit), console.out))?;
    }
    Err(CliError::new(exit, why))
}

/// Follows a record to its end, or as long as was asked for.
async fn to_its_end(
    pilot: &mut dyn Pilot,
    mut record: Record,
    left: Vec<String>,
    args: &VerbArgs,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    let (began, mut told) = (pilot.model().now, 0);
    loop {
        for entry in record.entries.iter().skip(told) {
            let (stage, said) = action::words(&entry.stage);
            // That nobody reads along is no reason to look away.
            let _ = writeln!(console.err, "{}  {}  {said}", entry.at.format("%H:%M:%S"), stage.replace('_', " "));
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
    let exit = match record.end() {
        // Done where it may is not done everywhere.
        Some(end) if !left.is_empty() && matches!(end.stage, Stage::Done { .. }) => Exit::Refused,
        Some(end) => action::exit_of(&end.stage).unwrap_or(Exit::Unknown),
        // Not verified is not done, also where nobody wanted to wait for it.
        None => Exit::Wait,
    };
    let ended = if matches!(record.end().map(|end| &end.stage), Some(Stage::Done { .. })) {
        cells::ended(pilot.model(), &record.intent.plan)
    } else {
        Vec::new()
    };
    if args.json {
        json::print(&Action { cells: ended, left, ..Action::recorded(&record, exit) }, console.out)?;
    } else {
        let plan = &record.intent.plan;
        let shown = Action::recorded(&record, exit);
        let outcome = shown.outcome.replace('_', " ");
        let (verb, service) = (plan.verb.words(), action::about(plan));
        if record.end().is_some() {
            writeln!(console.out, "{verb} {service}: {outcome}, {} (record {})", shown.said, record.id)?;
            for said in ended.into_iter().chain(left.iter().map(|left| format!("left out: {left}"))) {
                writeln!(console.out, "{said}")?;
            }
        } else {
            let look = if pilot.keeps_records() {
                format!("`holdshort audit show {}` says how it ends", record.id)
            } else {
                "the demo ends with this command: without --wait it goes on to its end".to_owned()
            };
            let said = format!("not verified yet, {}; {look}", shown.said);
            writeln!(console.out, "{verb} {service}: {outcome}, {said} (record {})", record.id)?;
        }
    }
    Ok(exit)
}

fn refuse(
    target: &ObjectId,
    refusal: &Refusal,
    plan: Option<&Plan>,
    args: &VerbArgs,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    refuse_as(exit_of(refusal), target, refusal, plan, args, console)
}

fn refuse_as(
    exit: Exit,
    target: &ObjectId,
    refusal: &Refusal,
    plan: Option<&Plan>,
    args: &VerbArgs,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    let _ = writeln!(console.err, "{refusal}");
    for way in &refusal.ways {
        let _ = writeln!(console.err, "  instead: {way}");
    }
    if refusal.without.is_some() {
        let _ = writeln!(console.err, "  go on with the others: --leave-refused");
    }
    if refusal.forces.is_some() {
        let _ = writeln!(console.err, "  all the same: --force SERVICE --reason TEXT, with its service typed out");
    }
    if args.json {
        return exit.whoever_reads(json::print(&Action::refused(target, refusal, plan, exit), console.out));
    }
    Ok(exit)
}

/// Evidence of harm ends with its own code, whatever else stands against it; that something is missing does so where it is
/// the only reason.
fn exit_of(refusal: &Refusal) -> Exit {
    match refusal.verdict {
        _ if refusal.changed => Exit::Changed,
        Some(Verdict::NoGo) => Exit::NoGo,
        Some(Verdict::NoData) => Exit::NoData,
        Some(Verdict::Wait) => Exit::Wait,
        Some(Verdict::Go) | None => Exit::Refused,
    }
}

#[cfg(test)]
mod tests;
