//! From what stands on the command line to the one thing a verb acts on: never a guess.

use std::{iter, time::Duration};

use crate::{
    app::{inbox, model::Model, store::SourceState},
    cli::exit::{CliError, Exit},
    domain::{
        gate::{Behind, Gate},
        ids::{EnvironmentName, ServiceName},
        item::{Item, Noun},
        object::ObjectId,
        observed::Freshness,
        offer::{Offer, offer_for},
        pipeline::Run,
        place::Named,
        rollout::StepKind,
        time::{Timestamp, age},
        verb::Verb,
        version::Version,
    },
    port::plan::Ask,
};

/// So long ago something may have been let through by somebody who was faster.
const LATELY: Duration = Duration::from_mins(15);
/// How many candidates an error lists.
const LISTED: usize = 20;

/// What something is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// To act on it.
    Verb(Verb),
    /// To show the screen of a release.
    Release,
}

impl Purpose {
    /// Behind "to": `roll back`, `show`.
    fn words(self) -> &'static str {
        match self {
            Self::Verb(verb) => verb.words(),
            Self::Release => "show",
        }
    }

    /// Is it one of these verbs?
    fn is(self, verbs: &[Verb]) -> bool {
        matches!(self, Self::Verb(verb) if verbs.contains(&verb))
    }
}

/// Something that can be named.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate<'a> {
    target: ObjectId,
    service: &'a ServiceName,
    /// Where it is; several where a run waits for more than one environment, none where it waits for none.
    environments: Vec<&'a EnvironmentName>,
    offers: &'a [Offer],
    /// The run that it is, or that waits at it.
    run: Option<&'a Run>,
    /// What a verb would let through, run or take back, where that is known.
    version: Option<&'a Version>,
    /// What it is about: `deploy #812, 4.2.0 (c0ffee1)`.
    about: String,
}

impl Candidate<'_> {
    /// By what it can be named, its id first of all, and what it is about.
    fn words(&self) -> String {
        let called = match (self.run, self.environments.first()) {
            (Some(run), _) if run.id == self.target => format!("{}#{}", self.service, run.number),
            (_, Some(environment)) if !environment.as_str().is_empty() => format!("{}@{environment}", self.service),
            _ => self.service.to_string(),
        };
        format!("{called}  {}  {}", self.target, self.about).trim_end().to_owned()
    }

    /// Is it what `SERVICE`, `SERVICE@ENVIRONMENT` or, of a run and what it waits at, `SERVICE#NUMBER` names?
    fn is_called(&self, name: &str) -> bool {
        self.service.as_str() == name
            || self.environments.iter().any(|environment| Named(name).is_at(self.service, environment))
            || self.run.is_some_and(|run| run.is_called(name))
    }

    /// May it be about this version? What is not known may be.
    fn may_be_of(&self, version: &str) -> bool {
        self.version.is_none_or(|known| known.is_called(version))
    }
}

fn rollouts(model: &Model) -> Vec<Candidate<'_>> {
    let each = model.store.rollouts().map(|rollout| Candidate {
        target: rollout.id.clone(),
        service: &rollout.service,
        environments: vec![&rollout.environment],
        offers: &rollout.offers,
        run: None,
        version: rollout.canary.as_ref().or(rollout.stable.as_ref()),
        about: match (&rollout.stable, &rollout.canary) {
            (Some(stable), Some(canary)) if stable != canary => format!("{stable} → {canary}"),
            (Some(one), _) | (None, Some(one)) => one.to_string(),
            (None, None) => String::new(),
        },
    });
    each.collect()
}

fn gates(model: &Model) -> Vec<Candidate<'_>> {
    let each = model.store.gates().map(|gate| Candidate {
        target: gate.id.clone(),
        service: &gate.service,
        environments: vec![&gate.environment],
        offers: &gate.offers,
        run: match &gate.behind {
            Behind::Run(run) => model.store.run(run),
            Behind::Rollout(_) => None,
        },
        version: gate.version.as_ref(),
        about: titled(&gate.title, gate.version.as_ref()),
    });
    each.collect()
}

fn runs(model: &Model, goes_back: bool) -> Vec<Candidate<'_>> {
    let each = model.store.runs().map(|run| Candidate {
        target: run.id.clone(),
        service: &run.service,
        environments: places(model, run, goes_back),
        offers: &run.offers,
        run: Some(run),
        version: Some(&run.version),
        about: titled(&run.title, Some(&run.version)),
    });
    each.collect()
}

/// Where a run leads as far as gates tell: where it waits to go, and where what it built is live.
fn places<'a>(model: &'a Model, run: &Run, goes_back: bool) -> Vec<&'a EnvironmentName> {
    let waits = |gate: &Gate| matches!(&gate.behind, Behind::Run(behind) if *behind == run.id);
    let lives = |gate: &Gate| {
        run.status.ended()
            && gate.service == run.service
            && gate.live.as_ref().is_some_and(|live| live.is_same(&run.version))
    };
    // What is to go back from a place is what is live there, not what waits for it.
    let is_there = |gate: &&Gate| lives(gate) || (waits(gate) && !(goes_back && gate.live.is_some()));
    model.store.gates().filter(is_there).map(|gate| &gate.environment).collect()
}

/// `deploy #812, 4.2.0 (c0ffee1)`.
fn titled(title: &str, version: Option<&Version>) -> String {
    version.map_or_else(|| title.to_owned(), |version| format!("{title}, {version}"))
}

/// What can be meant.
fn candidates(model: &Model, purpose: Purpose) -> Vec<Candidate<'_>> {
    let Purpose::Verb(verb) = purpose else { return rollouts(model) };
    match verb {
        Verb::Approve => {
            let paused = |one: &Candidate<'_>| model.store.rollout(&one.target).is_some_and(inbox::waits);
            gates(model).into_iter().chain(rollouts(model).into_iter().filter(paused)).collect()
        }
        Verb::Reject => {
            // An engine may hold a gate of its own, which is closed where it is.
            let closes = |one: &Candidate<'_>| offer_for(one.offers, verb).is_some();
            gates(model).into_iter().chain(rollouts(model).into_iter().filter(closes)).collect()
        }
        Verb::Rerun | Verb::Cancel => runs(model, false),
        _ => {
            let offers = |one: &Candidate<'_>| offer_for(one.offers, verb).is_some();
            let others = gates(model).into_iter().chain(runs(model, verb == Verb::Rollback)).filter(offers);
            // A rollout that has no such verb is named all the same: the guard says that it has none.
            rollouts(model).into_iter().chain(others).collect()
        }
    }
}

/// The one thing that the name stands for; of several the only one that is of the version that is expected. Ambiguous or unknown: an
/// error that lists what there is.
pub fn resolve(model: &Model, verb: Verb, name: &str, expect: Option<&str>) -> Result<ObjectId, CliError> {
    if let Some(target) = by_id(model, verb, name) {
        return Ok(target);
    }
    find(model, Purpose::Verb(verb), name, expect)
}

/// The rollout that the name stands for.
pub fn release(model: &Model, name: &str) -> Result<ObjectId, CliError> {
    let whole = model.store.rollouts().find(|rollout| rollout.id.to_string() == name);
    whole.map_or_else(|| find(model, Purpose::Release, name, None), |rollout| Ok(rollout.id.clone()))
}

fn find(model: &Model, purpose: Purpose, name: &str, expect: Option<&str>) -> Result<ObjectId, CliError> {
    let all = candidates(model, purpose);
    let mut called: Vec<&Candidate<'_>> = all.iter().filter(|one| one.is_called(name)).collect();
    let open = |verb, one: &Candidate<'_>| offer_for(one.offers, verb).is_some_and(|offer| offer.blocked.is_none());
    if purpose.is(&[Verb::Cancel]) && called.len() > 1 {
        // What has ended is not meant by who wants it to end. Which of several is to run again, nobody can tell.
        called.retain(|one| open(Verb::Cancel, one));
    }
    if purpose.is(&[Verb::Rollback]) && called.iter().any(|one| open(Verb::Rollback, one)) {
        // A run that is not live is not meant by who wants it away. Of places that serve none is passed over.
        called.retain(|one| one.run.is_none() || open(Verb::Rollback, one));
    }
    if purpose.is(&[Verb::Rollback]) && !name.contains('#') && called.iter().any(|one| moves(model, one)) {
        // What exchanges versions in a place is the way back there; a run that would deploy again is named by its number.
        called.retain(|one| one.run.is_none());
    }
    called = that_move(model, purpose, &called);
    // A number is a run's; a place is a gate's, where one waits there. What both offer is meant by how it is named.
    let runs = |one: &&Candidate<'_>| one.run.is_some_and(|run| run.id == one.target);
    for (sign, is_meant) in [('#', true), ('@', false)] {
        if called.len() > 1 && name.contains(sign) && called.iter().any(|one| runs(one) == is_meant) {
            called.retain(|one| runs(one) == is_meant);
        }
    }
    if let Some(version) = expect.filter(|_| called.len() > 1) {
        called = of_version(purpose, name, version, called)?;
    }
    match called.as_slice() {
        [one] if Named(name).says_where() => Ok(one.target.clone()),
        [one] => the_only_one(model, purpose.words(), name, one),
        [] => Err(unknown(model, purpose, name, &all)),
        several => Err(ambiguous(purpose.words(), name, several)),
    }
}

/// The one thing whose release the name stands for: a rollout; where none is called so a gate, else a run that is not over.
pub fn resolve_release(model: &Model, name: &str) -> Result<ObjectId, CliError> {
    let running = |one: &Candidate<'_>| model.store.run(&one.target).is_some_and(|run| !run.status.ended());
    let runs = runs(model, false).into_iter().filter(running).collect();
    let all = [rollouts(model), gates(model), runs];
    let named: Option<ObjectId> = name.parse().ok();
    if let Some(one) = named.and_then(|named| all.iter().flatten().find(|one| one.target == named)) {
        return Ok(one.target.clone());
    }
    let called = all.iter().map(|all| all.iter().filter(|one| one.is_called(name)).collect::<Vec<_>>());
    let called: Vec<&Candidate<'_>> = called.into_iter().find(|called| !called.is_empty()).unwrap_or_default();
    match called.as_slice() {
        [one] if Named(name).says_where() => Ok(one.target.clone()),
        [one] => the_only_one(model, JUDGE, name, one),
        [] => Err(nowhere(model, name, all.iter().flatten())),
        several => Err(ambiguous(JUDGE, name, several)),
    }
}

/// What is done with a release by whoever only waits for its verdict.
const JUDGE: &str = "judge";

/// That nothing is called so; a source that would show it may not have answered.
fn nowhere<'a>(model: &Model, name: &str, all: impl Iterator<Item = &'a Candidate<'a>>) -> CliError {
    let silent = silent(model, &[Noun::Rollout, Noun::Gate, Noun::Run]);
    let there = listed(all);
    if !silent.is_empty() {
        return CliError::lines(
            Exit::Unreachable,
            iter::once(format!("cannot look for '{name}' everywhere:")).chain(silent),
        );
    }
    let head = format!("there is no '{name}' to {JUDGE}");
    let what = if there.is_empty() { "nothing is known to run or wait" } else { "there is:" };
    CliError::lines(Exit::Usage, iter::once(format!("{head}; {what}")).chain(there))
}

/// Is it a rollout that exchanges versions itself?
fn moves(model: &Model, one: &Candidate<'_>) -> bool {
    model.store.rollout(&one.target).is_some_and(|rollout| !rollout.is_declared())
}

/// Of the rollouts of one place those that are meant: what exchanges versions there, not the source that declares them, where both have the
/// verb alike; and whichever has it, or has it open, where only one does.
fn that_move<'a>(model: &Model, purpose: Purpose, called: &[&'a Candidate<'a>]) -> Vec<&'a Candidate<'a>> {
    let rollout = |one: &Candidate<'_>| model.store.rollout(&one.target);
    // Open, there and blocked, not there.
    let has = |one: &Candidate<'_>| match purpose {
        Purpose::Verb(verb) => offer_for(one.offers, verb).map_or(0, |offer| 1 + u8::from(offer.blocked.is_none())),
        Purpose::Release => 1,
    };
    let better = |one: &Candidate<'_>, other: &Candidate<'_>| {
        let (Some(this), Some(that)) = (rollout(one), rollout(other)) else { return false };
        one.environments == other.environments
            && this.is_declared() != that.is_declared()
            && (has(other) > has(one) || (has(other) == has(one) && this.is_declared()))
    };
    called.iter().copied().filter(|one| !called.iter().any(|other| better(one, other))).collect()
}

/// That a name stands for several things.
fn ambiguous(to: &str, name: &str, several: &[&Candidate<'_>]) -> CliError {
    let head = format!("'{name}' is more than one thing to {to}; name one:");
    CliError::lines(Exit::Usage, iter::once(head).chain(listed(several.iter().copied())))
}

/// Of several those that may be of a version. One of which it is not known may be; so it is never left out.
fn of_version<'a>(
    purpose: Purpose,
    name: &str,
    version: &str,
    called: Vec<&'a Candidate<'a>>,
) -> Result<Vec<&'a Candidate<'a>>, CliError> {
    let (fits, others): (Vec<_>, Vec<_>) = called.into_iter().partition(|one| one.may_be_of(version));
    if !fits.is_empty() {
        return Ok(fits);
    }
    let head = format!("nothing of '{name}' to {} is {version}; there is:", purpose.words());
    Err(CliError::lines(Exit::Changed, iter::once(head).chain(listed(others))))
}

/// The only one that is known by a name. Where not everything could be looked at, another one may be meant.
fn the_only_one(model: &Model, to: &str, name: &str, one: &Candidate<'_>) -> Result<ObjectId, CliError> {
    let nouns: Vec<Noun> = model.store.item(&one.target).map(Item::noun).into_iter().collect();
    let silent = silent(model, &nouns);
    if silent.is_empty() {
        return Ok(one.target.clone());
    }
    let head = format!("'{name}' may be more than one thing to {to}: not everything could be looked at.");
    let rest = iter::once("name it fully:".to_owned()).chain(listed([one]));
    Err(CliError::lines(Exit::Unreachable, iter::once(head).chain(silent).chain(rest)))
}

/// What could tell of more of these and has not, a line each: a source that never answered, or a part of one that cannot be read.
/// What was read before and fails now is known as it was.
fn silent(model: &Model, nouns: &[Noun]) -> Vec<String> {
    let of = |state: SourceState| {
        let name = state.source;
        let never = state.age.is_none() && state.freshness != Freshness::Live;
        let why = never.then(|| state.fault.map_or_else(|| "has not answered yet".to_owned(), |it| it.to_string()));
        why.into_iter().chain(state.unread).map(move |why| format!("  {name}: {why}")).collect::<Vec<_>>()
    };
    model.store.inventories_of(nouns, model.now).into_iter().flat_map(of).collect()
}

/// A full id names anything there is; whether the verb works on it is for the guard to say. Behind a gate is its run.
fn by_id(model: &Model, verb: Verb, name: &str) -> Option<ObjectId> {
    let all = rollouts(model).into_iter().chain(gates(model)).chain(runs(model, false)).map(|one| one.target);
    let named: ObjectId = name.parse().ok()?;
    let target = all.into_iter().find(|target| *target == named)?;
    Some(inbox::meant(model, Ask::new(verb, target)).target)
}

/// What was there and is no more, where that can be told from a name that never was one: somebody else was faster.
fn passed(model: &Model, purpose: Purpose, name: &str) -> Option<CliError> {
    let words = purpose.words();
    let by = |target: &ObjectId| {
        let action = model.actions.newest_on(target)?;
        let (verb, who, at) = (action.plan.verb.words(), &action.who, action.since.format("%H:%M:%S"));
        Some(format!("{who} asked for {verb} at {at}, record {}", action.record))
    };
    if let Ok(target) = name.parse::<ObjectId>() {
        if purpose.is(&[Verb::Approve, Verb::Reject]) && !tells_of_gates(model, &target) {
            return None;
        }
        let state = model.store.inventories(model.now).into_iter().find(|state| state.source == target.source)?;
        let seen = state.is_whole().then(|| {
            by(&target).unwrap_or_else(|| "it was opened or ended meanwhile, or never was there".to_owned())
        })?;
        return Some(CliError::new(Exit::Changed, format!("there is no '{name}' to {words}: {seen}")));
    }
    if !purpose.is(&[Verb::Approve, Verb::Reject]) {
        return None;
    }
    let all: Vec<Candidate<'_>> =
        rollouts(model).into_iter().chain(runs(model, false)).filter(|one| one.is_called(name)).collect();
    if all.is_empty() {
        return None;
    }
    if all.iter().any(|one| may_have_had_a_gate(model, one)) {
        let said = format!("nothing of '{name}' waits to be let through: it was, or has ended");
        return Some(CliError::new(Exit::Changed, said));
    }
    let there = all.iter().map(|one| format!("  {}", one.words()));
    let head = format!("no gate here: '{name}' waits for nobody, and nothing says that it ever did; there is:");
    Some(CliError::lines(Exit::Usage, iter::once(head).chain(there)))
}

/// May this have waited for a human a short while ago? A run of whose system gates are told, a rollout that has just come past a
/// pause which only a human ends, and whatever our record says was let through or closed.
fn may_have_had_a_gate(model: &Model, one: &Candidate<'_>) -> bool {
    let recent = |at: Timestamp| age(model.now, at) <= LATELY;
    let recorded = model.actions.newest_on(&one.target).is_some_and(|action| {
        let lets = matches!(action.plan.verb, Verb::Approve | Verb::Reject | Verb::Promote | Verb::Resume);
        lets && recent(action.since)
    });
    let past_a_pause = model.store.rollout(&one.target).is_some_and(|rollout| {
        let past = rollout.step.unwrap_or_default();
        let paused = rollout.steps.iter().take(past).rposition(|step| step.kind == StepKind::Pause(None));
        let times = model.step_times.get(&rollout.id).unwrap_or(&rollout.step_times);
        paused.and_then(|pause| times.range(pause + 1..).next()).is_some_and(|(_, ended)| recent(*ended))
    });
    recorded || past_a_pause || (one.run.is_some() && tells_of_gates(model, &one.target))
}

/// Does the connection that this is of tell of gates?
fn tells_of_gates(model: &Model, target: &ObjectId) -> bool {
    model.store.inventories_of(&[Noun::Gate], model.now).iter().any(|state| state.source == target.source)
}

fn unknown(model: &Model, purpose: Purpose, name: &str, all: &[Candidate<'_>]) -> CliError {
    let what = format!("there is no '{name}' to {}", purpose.words());
    let silent = silent(model, nouns(purpose));
    // It may well exist: the source that would show it never answered.
    if !silent.is_empty() {
        let (head, there) =
            (format!("cannot look for '{name}' everywhere:"), (!all.is_empty()).then(|| "there is:".into()));
        let lines = iter::once(head).chain(silent).chain(there).chain(listed(all));
        return CliError::lines(Exit::Unreachable, lines);
    }
    if let Some(error) = passed(model, purpose, name) {
        return error;
    }
    if all.is_empty() {
        return CliError::usage(format!("{what}: there is nothing to {} now", purpose.words()));
    }
    let head = format!("{what}; there is:");
    CliError::lines(Exit::Usage, iter::once(head).chain(listed(all)))
}

/// What can be meant.
fn nouns(purpose: Purpose) -> &'static [Noun] {
    let Purpose::Verb(verb) = purpose else { return &[Noun::Rollout] };
    match verb {
        Verb::Approve => &[Noun::Gate, Noun::Rollout],
        Verb::Reject => &[Noun::Gate],
        Verb::Rerun | Verb::Cancel => &[Noun::Run],
        _ => &[Noun::Rollout, Noun::Gate, Noun::Run],
    }
}

/// A line for each, as many as somebody reads.
fn listed<'a>(all: impl IntoIterator<Item = &'a Candidate<'a>>) -> Vec<String> {
    let mut words: Vec<String> = all.into_iter().map(|one| format!("  {}", one.words())).collect();
    let more = words.len().saturating_sub(LISTED);
    words.truncate(LISTED);
    words.extend((more > 0).then(|| format!("  … and {more} more")));
    words
}

#[cfg(test)]
mod tests;
