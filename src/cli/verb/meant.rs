//! What a command line says of an act, held against what there is: whether it can be meant at all, whether all of it is answered,
//! and whether it is about the version that was named. A mistake ends with the code of wrong usage; what else stands against it
//! is for the guard.

use crate::{
    app::{
        guard::{self, Refusal},
        model::Model,
    },
    cli::{args::VerbArgs, exit::CliError, named},
    domain::{form::Kind, object::ObjectId, text::clean},
    port::plan::{Ask, Plan},
};

/// What was said with `--set`, word for word: what would be sent as something else is refused.
pub(super) fn said(set: &[(String, String)]) -> Result<Vec<(&String, String)>, CliError> {
    let mut all: Vec<(&String, String)> = Vec::new();
    for (name, value) in set {
        if all.iter().any(|(before, _)| *before == name) {
            return Err(CliError::usage(format!("--set {} is said twice", clean(name))));
        }
        let printable = clean(value);
        if printable != value.trim_end() {
            let text = format!("--set {}: its value holds characters that cannot be printed", clean(name));
            return Err(CliError::usage(text));
        }
        all.push((name, printable));
    }
    Ok(all)
}

/// That what is asked can be meant: of something that has such a verb, once, and back to a version that is known there. Whatever
/// else stands against it is for the guard.
pub(super) fn meaningful<'a>(
    model: &Model,
    ask: &Ask,
    mut before: impl Iterator<Item = &'a ObjectId>,
    to: Option<&str>,
) -> Result<(), CliError> {
    if before.any(|one| *one == ask.target) {
        return Err(CliError::usage(format!("{} is named twice: name it once; nothing was sent", ask.target)));
    }
    if let Some(why) = guard::lacked(model, ask) {
        return Err(CliError::usage(format!("{why}; nothing was sent")));
    }
    let rollout = model.store.rollout(&ask.target).filter(|rollout| rollout.unknown.is_empty());
    match rollout.zip(to) {
        Some((rollout, name)) if rollout.arm_called(name).is_none() => {
            let (place, name, history) = (rollout.place(), clean(name), rollout.history());
            let said = format!("roll back {place}: '{name}' is not in its history: {history}; nothing was sent");
            Err(CliError::usage(said))
        }
        _ => Ok(()),
    }
}

/// What of a plan is not the version that was named for it: one for all targets, or one for each.
pub(super) fn unexpected(plan: &Plan, args: &VerbArgs) -> Result<Option<Refusal>, CliError> {
    let (said, count) = (args.expect.len(), plan.count());
    if ![0, 1, count].contains(&said) {
        return Err(CliError::usage(format!(
            "--expect is said {said} times for {count} targets: once, or once for each"
        )));
    }
    let each = || plan.each().enumerate().filter_map(|(index, one)| Some((one, args.expected(index)?)));
    let short = |(one, name): (&Plan, &str)| named::too_short(guard::acts_on(one.verb, &one.draft), name);
    if let Some(error) = each().find_map(short) {
        return Err(error);
    }
    Ok(each().map(|(one, name)| guard::expect(one, name)).find_map(Result::err))
}

/// Whatever the verb asks for must be answered, and nothing else: in a script there is no card to fill in.
pub(super) fn answers(model: &Model, ask: &Ask) -> Result<(), CliError> {
    let Some(form) = guard::form(model, ask) else { return Ok(()) };
    let wrong = guard::unasked(ask, &form);
    let missing = form.iter().filter(|field| ask.args.over(&form).missing(std::slice::from_ref(field)).is_some());
    let missing = missing.map(|field| match &field.kind {
        Kind::Secret => format!("--secret {}=@FILE is missing: {}", field.name, field.label),
        Kind::Choice(options) => format!("--set {}={} is missing: {}", field.name, options.join("|"), field.label),
        Kind::Text | Kind::Number | Kind::Flag => format!("--set {}=VALUE is missing: {}", field.name, field.label),
    });
    let all: Vec<String> = wrong.into_iter().chain(missing).collect();
    if all.is_empty() {
        return Ok(());
    }
    Err(CliError::usage(format!("{} {}: {}; nothing was sent", ask.verb.words(), ask.target, all.join("; "))))
}
