//! `audit …`: opens the journal, asks whose keys are whose, and hands both to what prints them.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    path::Path,
};

use crate::{
    cli::{
        args::AuditCommand,
        audit::{self, SignerOut},
        exit::{CliError, Exit},
        table::Layout,
    },
    journal::{
        Chain, Journal, JournalError, Signed, syslog,
        trust::{self, Known, Standing},
    },
    port::{
        record::{self, Record, RecordId},
        takeover::Takeover,
    },
    run::{ground::Ground, vouch},
};

/// The most records that are listed.
const RECORDS: usize = 10_000;
/// The most that is read of a log.
const LOG: u64 = 256 << 20;

/// Carries one of the commands out.
pub(super) fn audit(
    ground: &Ground,
    command: &AuditCommand,
    layout: Layout,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CliError> {
    match command {
        AuditCommand::Key => return key(ground, out),
        AuditCommand::Vouch { with } => return vouch_for(ground, with.as_deref(), out),
        AuditCommand::Trust { key, name } => return trust(ground, key, name, out),
        AuditCommand::List { .. } | AuditCommand::Show { .. } | AuditCommand::Verify { .. } => {}
    }
    let journal = ground.journal_to_read().map_err(broken)?;
    if let AuditCommand::Verify { heads, json } = command {
        let chain = verified(ground, &*journal, heads.as_deref())?;
        return audit::verify(&chain, *json, out);
    }
    if let Ok(Chain::Broken { why, .. }) = journal.verify() {
        writeln!(err, "holdshort: the journal was changed: {why}; `holdshort audit verify` says where")?;
    }
    for record in journal.in_flight().unwrap_or_default() {
        if !journal.is_attended(record.id).unwrap_or(true) {
            let (id, verb) = (record.id, record.intent.plan.verb.words());
            let target = record.intent.plan.targets().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let said = format!("record {id} ({verb} of {target}): its executor is gone");
            // A command that would refuse is no way out.
            match Takeover::of(&record) {
                Ok(_) => writeln!(
                    err,
                    "holdshort: {said}, and nobody carries it out; `holdshort takeover {id}` carries it on"
                )?,
                Err(why) => writeln!(err, "holdshort: {said}; {why}: the cockpit, or the next verb there")?,
            }
        }
    }
    let journal = ground.as_written(journal);
    match command {
        AuditCommand::Show { id, json } => {
            let id = RecordId(*id);
            let found = journal.get(id).map_err(broken)?;
            // What came later says whether one that rested does so still, and what there is where there is no such record.
            let later = match &found {
                Some(record) if !record::rests(&record.entries) => Vec::new(),
                _ => journal.newest(RECORDS).map_err(broken)?,
            };
            let others = later.into_iter().filter(|record| record.id != id);
            let all: Vec<Record> = found.into_iter().chain(others).collect();
            audit::show(&all, id, *json, layout, out)?;
        }
        AuditCommand::List { json } => {
            audit::list(&journal.newest(RECORDS).map_err(broken)?, *json, layout, out)?;
        }
        _ => {}
    }
    Ok(Exit::Done)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where errors are mapped")]
fn broken(why: JournalError) -> CliError {
    CliError::failed(why.to_string())
}

fn key(ground: &Ground, out: &mut dyn Write) -> Result<Exit, CliError> {
    let signer = ground.places().signer().map_err(broken)?;
    writeln!(out, "{}  {}", signer.name(), ground.reader())?;
    Ok(Exit::Done)
}

fn vouch_for(ground: &Ground, with: Option<&Path>, out: &mut dyn Write) -> Result<Exit, CliError> {
    let key = ground.places().signer().map_err(broken)?.name();
    let signed = vouch::vouch(&key, with).map_err(CliError::failed)?;
    let kept = ground.places().vouches().map_err(broken)?.keep(&key, &signed);
    let place = kept.map_err(|why| CliError::failed(format!("the vouch cannot be kept beside the journal: {why}")))?;
    writeln!(out, "vouched for your key {key}; all who read the journal find it at {}", place.display())?;
    Ok(Exit::Done)
}

fn trust(ground: &Ground, key: &str, name: &str, out: &mut dyn Write) -> Result<Exit, CliError> {
    if !trust::is_key(key) {
        return Err(CliError::usage("a key is 64 hex digits, as `holdshort audit key` prints it"));
    }
    let failed = |why: io::Error| CliError::failed(format!("the list of keys that you trust cannot be written: {why}"));
    ground.places().trusted().add(key, name).map_err(failed)?;
    writeln!(out, "from now on what {key} signed is {name}'s for you")?;
    Ok(Exit::Done)
}

fn verified(ground: &Ground, journal: &dyn Journal, log: Option<&Path>) -> Result<audit::Chain, CliError> {
    let (lines, head, signers) = match journal.verify().map_err(broken)? {
        Chain::Whole { lines, head, signers } => (lines, head, signers),
        Chain::Broken { record, line, why } => {
            let record = (record.0 > 0).then_some(record);
            return Ok(audit::Chain::Broken { intact: line.saturating_sub(1), record, why });
        }
    };
    if let Some(log) = log
        && let Some(why) = against(ground, journal, log)?
    {
        return Ok(audit::Chain::Broken { intact: lines, record: None, why });
    }
    let (known, listed) = known(ground, &signers)?;
    let standings = trust::standings(&signers, &known);
    let signers = signers.into_iter().zip(standings).map(|(one, standing)| signer_out(one, standing)).collect();
    Ok(audit::Chain::Intact { records: lines, head, signers, listed })
}

/// What the machine's log was told that is not so any more.
fn against(ground: &Ground, journal: &dyn Journal, log: &Path) -> Result<Option<String>, CliError> {
    let shown = log.display();
    let wrong = |why: io::Error| CliError::usage(format!("{shown}: {why}"));
    let mut text = Vec::new();
    if log == Path::new("-") {
        io::stdin().take(LOG).read_to_end(&mut text).map_err(wrong)?;
    } else {
        fs::File::open(log).and_then(|file| file.take(LOG).read_to_end(&mut text)).map_err(wrong)?;
    }
    let path = ground.places().journal_file();
    let heads = syslog::heads(&String::from_utf8_lossy(&text), &path);
    if heads.is_empty() {
        let said = format!("{shown}: nothing there speaks of {}", path.display());
        return Err(CliError::usage(said));
    }
    for head in heads {
        if !journal.holds(&head).map_err(broken)? {
            let said = "the log was told of a line that is not there any more: it was cut off or written anew";
            return Ok(Some(format!("{said} from line {} on", head.lines)));
        }
    }
    Ok(None)
}

/// The keys that the reader knows, and whether a list says who may sign at all.
fn known(ground: &Ground, signers: &[Signed]) -> Result<(Known, bool), CliError> {
    let failed = |why: io::Error| CliError::failed(format!("the list of keys that you trust cannot be read: {why}"));
    let trusted = ground.places().trusted().read().map_err(failed)?;
    let mut vouched = BTreeMap::new();
    let list = ground.config.state.signers.as_deref();
    if let Some(allowed) = list {
        let kept = ground.places().vouches().map_err(broken)?;
        for one in signers {
            let Some(text) = kept.of(&one.key) else { continue };
            let name = vouch::voucher(&one.key, &text, allowed).map_err(CliError::failed)?;
            vouched.extend(name.map(|name| (one.key.clone(), name)));
        }
    }
    Ok((Known { trusted, vouched, reader: Some(ground.reader()) }, list.is_some()))
}

fn signer_out(one: Signed, standing: Standing) -> SignerOut {
    let (standing, name) = match standing {
        Standing::Own => ("own", None),
        Standing::Trusted(name) => ("trusted", Some(name)),
        Standing::Vouched(name) => ("vouched", Some(name)),
        Standing::Unknown => ("unknown", None),
        Standing::Contested(claim) => ("contested", Some(claim.to_string())),
    };
    let claims = one.claims.iter().map(ToString::to_string).collect();
    SignerOut { key: one.key, claims, lines: one.lines, own: one.own, standing, name }
}
