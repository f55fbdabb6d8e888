//! `audit`: who did what, with what evidence, and how it ended. Reads records that it is handed; the journal is elsewhere.

use std::io::Write;

use serde::Serialize;

use crate::{
    cli::{
        action::{self, EachOut, PlanOut, StageOut},
        exit::{CliError, Exit},
        json,
        table::{Layout, Table, labelled},
    },
    domain::{evidence::Evidence, time::Timestamp, verb::Verb},
    port::{
        record::{Origin, Record, RecordId, Stage},
        step::Obligation,
    },
};

/// `holdshort/audit/v1`, for `list` and `show`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// `holdshort/audit/v1`.
    pub schema: &'static str,
    /// The newest first; exactly one for `show`.
    pub records: Vec<RecordOut>,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordOut {
    /// Its number.
    pub id: u64,
    /// When it was confirmed.
    pub at: Timestamp,
    /// Who confirmed it, as they call themselves.
    pub who: String,
    /// Where it was written from, as the system says; `null` in records of before.
    pub origin: Option<Origin>,
    /// The record before it on the same target.
    pub follows: Option<u64>,
    /// The records that it ended by going back.
    pub preempts: Vec<u64>,
    /// The record that went back and ended this one, or carries it on.
    pub preempted_by: Option<u64>,
    /// Of one that rests: the newer record since which it does so no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rests_until: Option<u64>,
    /// The record whose executor died, which this one carries on.
    pub takes_over: Option<u64>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// The verb.
    pub verb: Verb,
    /// The full id of what it acts on.
    pub target: String,
    /// `done`, `refused`, `failed`, `unknown`, `rests`, `preempted`, or `under_way`.
    pub outcome: &'static str,
    /// How it ended, in words; how far it is while it is under way.
    pub said: String,
    /// What it does.
    pub plan: PlanOut,
    /// What was on screen when it was decided.
    pub evidence: Evidence,
    /// What happened, in order.
    pub stages: Vec<StageOut>,
    /// What is still held by it, and by whom; `takeover` ends it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<String>,
    /// Of an act on several targets: how far it is on each, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<EachOut>,
}

/// `holdshort/audit/v1`, for `verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// `holdshort/audit/v1`.
    pub schema: &'static str,
    /// Is every byte as it was written?
    pub intact: bool,
    /// Is nobody among the signers whose name is contested and, where a list says who may sign, nobody unknown?
    pub known: bool,
    /// How many lines were checked.
    pub checked: u64,
    /// The hash of the last one; `null` where something was changed.
    pub head: Option<String>,
    /// Who signed them; lines of before signatures are in none.
    pub signers: Vec<SignerOut>,
    /// The first record that was changed, where it can be told.
    pub record: Option<u64>,
    /// What is wrong with it.
    pub why: Option<String>,
}

/// What one key has signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignerOut {
    /// The key, in hex.
    pub key: String,
    /// Whom its records say they were written by.
    pub claims: Vec<String>,
    /// How many lines.
    pub lines: u64,
    /// Is it the key of whoever asks?
    pub own: bool,
    /// `own`, `trusted`, `vouched`, `unknown`, or `contested`: its records say that they are of somebody whose key is another.
    pub standing: &'static str,
    /// Whose it is where that is known; whose name it takes where it is contested.
    pub name: Option<String>,
}

/// What a check of the whole journal found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Every byte is as it was written.
    Intact {
        /// How many lines there are.
        records: u64,
        /// The hash of the last one.
        head: String,
        /// Who signed them.
        signers: Vec<SignerOut>,
        /// A list says who may sign: nobody else may.
        listed: bool,
    },
    /// Something was changed.
    Broken {
        /// How many records hold before it.
        intact: u64,
        /// Which one, where it can be told.
        record: Option<RecordId>,
        /// What is wrong, as a sentence.
        why: String,
    },
}

impl RecordOut {
    /// Of a record, among all that are known: what came later ends the wait of one that rests.
    pub fn of(record: &Record, all: &[Record]) -> Self {
        let shown = record.end().or(record.entries.last()).map(|entry| action::words(&entry.stage));
        let (stage, said) = shown.unwrap_or(("recorded", String::new()));
        let intent = &record.intent;
        let held = |owed: &usize| intent.plan.draft.obligations.get(*owed).map(Obligation::held);
        Self {
            id: record.id.0,
            at: intent.at,
            who: intent.who.to_string(),
            origin: intent.origin.clone(),
            follows: intent.follows.map(|id| id.0),
            preempts: intent.preempts.iter().map(|id| id.0).collect(),
            preempted_by: record.end().and_then(|end| match &end.stage {
                Stage::Preempted { by, .. } => Some(by.0),
                _ => None,
            }),
            rests_until: record.rests_until(all).map(|id| id.0),
            takes_over: intent.takes_over.as_ref().map(|takeover| takeover.record.0),
            reason: intent.reason.clone(),
            verb: intent.plan.verb,
            target: intent.plan.target.to_string(),
            outcome: if record.end().is_some() { stage } else { "under_way" },
            said,
            plan: PlanOut::of(&intent.plan),
            evidence: intent.plan.evidence.clone(),
            stages: record.entries.iter().map(StageOut::of).collect(),
            holds: record.owed().iter().filter_map(held).collect(),
            each: EachOut::of(record),
        }
    }
}

impl RecordOut {
    /// How it ended or how far it is, in a line; where it rested once, that is all: what it waited for then nobody waits for now.
    pub fn ended(&self) -> String {
        match self.rests_until {
            Some(later) => format!("rested: until record {later}"),
            None => format!("{}: {}", self.outcome.replace('_', " "), self.said),
        }
    }
}

fn audit<'a>(records: impl Iterator<Item = &'a Record>, all: &[Record]) -> Audit {
    let mut records: Vec<RecordOut> = records.map(|record| RecordOut::of(record, all)).collect();
    records.sort_by_key(|record| std::cmp::Reverse(record.id));
    Audit { schema: "holdshort/audit/v1", records }
}

/// Who confirmed it: as they call themselves, and where that is another name, as the system knows them.
fn by(record: &RecordOut) -> String {
    let who = &record.who;
    match &record.origin {
        Some(Origin { login: Some(login), .. }) if login == who => who.clone(),
        Some(Origin { login: Some(login), .. }) => format!("{who} ({login})"),
        Some(Origin { uid, .. }) => format!("{who} (uid {uid})"),
        None => who.clone(),
    }
}

/// A word of each target's plan, in order, each once.
fn of_all(plan: &PlanOut, word: impl Fn(&PlanOut) -> String) -> String {
    let mut words: Vec<String> = std::iter::once(plan).chain(&plan.then).map(word).collect();
    words.dedup();
    words.join(", ")
}

/// `audit list`.
pub fn list(records: &[Record], as_json: bool, layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    let audit = audit(records.iter(), records);
    if as_json {
        return json::print(&audit, out);
    }
    if audit.records.is_empty() {
        return Ok(writeln!(out, "nothing is recorded yet")?);
    }
    let mut table = Table::new(&["ID", "AT", "WHO", "VERB", "SERVICE", "ENVIRONMENT", "VERSION", "OUTCOME", "REASON"]);
    for record in &audit.records {
        table.row([
            record.id.to_string(),
            record.at.format("%Y-%m-%d %H:%M:%S").to_string(),
            by(record),
            record.verb.words().to_owned(),
            of_all(&record.plan, |plan| plan.service.clone()),
            // A run is in none.
            of_all(
                &record.plan,
                |plan| if plan.environment.is_empty() { "-".into() } else { plan.environment.clone() },
            ),
            of_all(&record.plan, |plan| plan.version.clone().unwrap_or_default()),
            record.ended(),
            record.reason.clone().unwrap_or_default(),
        ]);
    }
    Ok(table.print_as(layout, out)?)
}

/// `audit show`.
pub fn show(
    records: &[Record],
    id: RecordId,
    as_json: bool,
    layout: Layout,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let Some(record) = records.iter().find(|record| record.id == id) else {
        let newest = records.iter().map(|record| record.id).max();
        let there = newest.map_or_else(
            || "`holdshort audit list` shows what there is".to_owned(),
            |id| format!("the newest is {id}"),
        );
        return Err(CliError::usage(format!("there is no record {id}; {there}")));
    };
    if as_json {
        return json::print(&audit(std::iter::once(record), records), out);
    }
    let shown = RecordOut::of(record, records);
    whose(record, &shown, layout, out)?;
    action::print_plan(&record.intent.plan, layout, out)?;
    let evidence = &shown.evidence;
    let verdict = evidence.verdict.map_or("nothing to judge", crate::domain::evidence::Verdict::words);
    let why = if evidence.said.is_empty() { String::new() } else { format!(" {}", evidence.said) };
    writeln!(out, "evidence at {}: {verdict}{why}", evidence.at.format("%H:%M:%S"))?;
    for source in &evidence.sources {
        let age = source.age_seconds.map_or_else(|| "never answered".to_owned(), |age| format!("{age} s old"));
        within(layout, &format!("{} {}, {age}", source.source, source.freshness), out)?;
    }
    for (index, one) in shown.each.iter().enumerate() {
        let said = if one.said.is_empty() { String::new() } else { format!(", {}", one.said) };
        let gap = if layout == Layout::Columns { "  " } else { " " };
        within(layout, &format!("{}{gap}{}: {}{said}", index + 1, one.target, one.outcome.replace('_', " ")), out)?;
    }
    happened(&shown.stages, layout, out)
}

/// Whose record it is, why, and which others it has to do with.
fn whose(record: &Record, shown: &RecordOut, layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    let id = shown.id;
    writeln!(out, "record {id} of {}, by {}", shown.at.format("%Y-%m-%d %H:%M:%S UTC"), shown.who)?;
    let origin = shown.origin.as_ref().map_or_else(|| "not recorded".to_owned(), ToString::to_string);
    labelled(layout, "from", origin, out)?;
    labelled(layout, "reason", shown.reason.as_deref().unwrap_or("none given"), out)?;
    for ended in &shown.preempts {
        labelled(layout, "ended", format!("record {ended}, which was under way on the same target"), out)?;
    }
    if let Some(takeover) = &record.intent.takes_over {
        within(layout, &format!("takes over record {} ({})", takeover.record, takeover.whose()), out)?;
    }
    match record.end().map(|end| &end.stage) {
        Some(Stage::Preempted { by, taken_over: true, .. }) => {
            within(layout, &format!("taken over by record {by}, its executor was gone"), out)?;
        }
        Some(Stage::Preempted { by, .. }) => {
            within(layout, &format!("ended by record {by}, which went back"), out)?;
        }
        _ => {}
    }
    if let Some(later) = shown.rests_until {
        within(layout, &format!("rested until record {later}, which went on from there"), out)?;
    }
    for held in &shown.holds {
        labelled(layout, "holds", format!("{held}: `holdshort takeover {id}` ends it"), out)?;
    }
    if let Some(before) = shown.follows {
        within(layout, &format!("follows record {before} on the same target"), out)?;
    }
    Ok(())
}

/// A sentence that belongs to the line above it: further in, where that is seen.
fn within(layout: Layout, said: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let begin = if layout == Layout::Columns { "  " } else { "" };
    writeln!(out, "{begin}{said}")
}

/// What happened, in order; for whoever hears it each line says that it is of that.
fn happened(stages: &[StageOut], layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    if layout == Layout::Columns {
        writeln!(out, "what happened")?;
    }
    for stage in stages {
        let (at, name, said) = (stage.at.format("%H:%M:%S"), stage.stage.replace('_', " "), &stage.said);
        match layout {
            Layout::Columns => writeln!(out, "  {at}  {name}  {said}")?,
            Layout::Lines if said.is_empty() => writeln!(out, "happened at {at}: {name}")?,
            Layout::Lines => writeln!(out, "happened at {at}: {name}, {said}")?,
        }
    }
    Ok(())
}

/// As much of a key as people compare.
const SHOWN: usize = 16;

impl SignerOut {
    /// May it stand, given whether a list says who may sign?
    fn may_stand(&self, listed: bool) -> bool {
        self.standing != "contested" && !(listed && self.standing == "unknown")
    }

    /// What is known of it, as the end of "12 signed by …".
    fn words(&self) -> String {
        let Self { key, claims, .. } = self;
        let short = key.get(..SHOWN).unwrap_or(key);
        let claims = if claims.is_empty() { "nothing of who wrote them".to_owned() } else { claims.join(", ") };
        let name = self.name.as_deref().unwrap_or_default();
        match self.standing {
            "own" => format!("your key {short}, whose records say {claims}"),
            "trusted" => format!("{name}'s key {short}, which you trust; its records say {claims}"),
            "vouched" => format!("{name}'s key {short}, as an SSH key of the list vouches; its records say {claims}"),
            "contested" => format!(
                "key {key}, which is NOT to be believed: its records say {name}, whose key is another, or who has two; `holdshort audit trust KEY --as NAME` says whose is whose"
            ),
            _ => format!(
                "key {key}, of which you do not know whose it is; its records say {claims}; compare it with what `holdshort audit key` prints for them, then `holdshort audit trust KEY --as NAME`"
            ),
        }
    }
}

/// `audit verify`: names the record that was changed (F22), and who signed.
pub fn verify(chain: &Chain, as_json: bool, out: &mut dyn Write) -> Result<Exit, CliError> {
    let none = Vec::new();
    let (head, checked, record, why, signers, listed) = match chain {
        Chain::Intact { records, head, signers, listed } => (Some(head), *records, None, None, signers, *listed),
        Chain::Broken { intact, record, why } => (None, *intact, *record, Some(why.clone()), &none, false),
    };
    let (intact, head) = (head.is_some(), head.cloned());
    let record = record.map(|id| id.0);
    let known = signers.iter().all(|one| one.may_stand(listed));
    if as_json {
        let signers = signers.clone();
        json::print(
            &Verified { schema: "holdshort/audit/v1", intact, known, checked, head, signers, record, why },
            out,
        )?;
    } else if let Some(why) = why {
        let which = record.map_or_else(|| "the journal".to_owned(), |id| format!("record {id}"));
        writeln!(out, "{which} was changed: {why}; {checked} lines before it are intact")?;
    } else {
        writeln!(out, "{checked} lines, every byte as it was written")?;
        for one in signers {
            let mark = if one.may_stand(listed) { " " } else { "!" };
            writeln!(out, "{mark} {} signed by {}", one.lines, one.words())?;
        }
        let signed: u64 = signers.iter().map(|one| one.lines).sum();
        if signed < checked {
            writeln!(out, "  {} not signed: written before records were", checked - signed)?;
        }
    }
    Ok(if intact && known { Exit::Done } else { Exit::Failed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{card::Card, guard},
        cli::sample,
        port::{
            plan::Ask,
            record::{Entry, NewRecord},
        },
    };

    fn record(id: u64, stages: &[Stage]) -> Record {
        let model = sample::model();
        let ask = Ask { reason: Some("errors".into()), ..Ask::new(Verb::Abort, sample::target()) };
        let plan = guard::plan(&model, &ask, Ok(sample::draft(Verb::Abort))).unwrap();
        let mut card = Card::new(ask, plan);
        card.reason = Some(0);
        let intent: NewRecord = guard::confirm(&model, &card).unwrap().record().clone();
        let entries = stages.iter().map(|stage| Entry { at: sample::at(1), stage: stage.clone() }).collect();
        Record { id: RecordId(id), intent, entries }
    }

    fn records() -> Vec<Record> {
        let done = Stage::Done { said: "4 of 4 pods, verified".into() };
        vec![
            record(1, &[Stage::Recorded, done]),
            record(2, &[Stage::Recorded, Stage::Sending { call: 0, revision: None }]),
        ]
    }

    fn text(print: impl FnOnce(&mut dyn Write)) -> String {
        let mut out = Vec::new();
        print(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_newest_record_stands_first_and_says_how_far_it_is() {
        let listed = text(|out| list(&records(), false, Layout::Columns, out).unwrap());
        let expected = "\
ID  AT                   WHO   VERB   SERVICE   ENVIRONMENT  VERSION  OUTCOME                      REASON
2   2026-03-10 02:07:00  dana  abort  payments  prod/eu      1.42.0   under way: call 1            errors
1   2026-03-10 02:07:00  dana  abort  payments  prod/eu      1.42.0   done: 4 of 4 pods, verified  errors
";
        assert_eq!(listed, expected);
        assert_eq!(text(|out| list(&[], false, Layout::Columns, out).unwrap()), "nothing is recorded yet\n");
    }

    #[test]
    fn what_waited_for_a_human_is_said_to_wait_only_until_something_else_was_sent_there() {
        let rests = || record(1, &[Stage::Rests { said: "not done yet: paused at step 2/3".into() }]);
        let next = |stage| vec![rests(), record(2, &[stage])];
        let listed = |records: &[Record]| {
            let listed = text(|out| list(records, false, Layout::Lines, out).unwrap());
            listed.lines().last().unwrap().split("; ").find(|cell| cell.starts_with("outcome")).map(str::to_owned)
        };
        let refused = next(Stage::Refused { why: "the world has changed".into(), changed: true });
        assert_eq!(listed(&refused).unwrap(), "outcome: rests: not done yet: paused at step 2/3");
        let sent = next(Stage::Sending { call: 0, revision: None });
        assert_eq!(listed(&sent).unwrap(), "outcome: rested: until record 2");
        let shown = text(|out| show(&sent, RecordId(1), false, Layout::Columns, out).unwrap());
        assert!(shown.contains("  rested until record 2, which went on from there\n"), "{shown}");
        let json = text(|out| show(&sent, RecordId(1), true, Layout::Columns, out).unwrap());
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&value["records"][0]["outcome"], &value["records"][0]["rests_until"]),
            (&"rests".into(), &2.into())
        );
    }

    #[test]
    fn one_record_is_shown_with_what_was_seen_and_what_happened() {
        let shown = text(|out| show(&records(), RecordId(1), false, Layout::Columns, out).unwrap());
        assert!(shown.contains("  eu live, 4 s old\n"), "{shown}");
        assert!(shown.ends_with("  02:07:01  done  4 of 4 pods, verified\n"), "{shown}");
        let json = text(|out| show(&records(), RecordId(1), true, Layout::Columns, out).unwrap());
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let record = &value["records"][0];
        assert_eq!((&record["id"], &record["outcome"], &record["who"]), (&1.into(), &"done".into(), &"dana".into()));
        let missing = show(&records(), RecordId(9), false, Layout::Columns, &mut Vec::new()).unwrap_err();
        assert_eq!(missing, CliError::usage("there is no record 9; the newest is 2"));
    }

    #[test]
    fn where_lines_are_asked_for_each_says_what_it_is_of() {
        let listed = text(|out| list(&records()[..1], false, Layout::Lines, out).unwrap());
        let expected = "id: 1; at: 2026-03-10 02:07:00; who: dana; verb: abort; service: payments; environment: prod/eu; \
                        version: 1.42.0; outcome: done: 4 of 4 pods, verified; reason: errors\n";
        assert_eq!(listed, expected);
        let shown = text(|out| show(&records(), RecordId(1), false, Layout::Lines, out).unwrap());
        assert!(shown.lines().all(|line| line == line.trim() && !line.contains("  ")), "{shown}");
        for line in
            ["reason: errors", "to: 1.41.3", "eu live, 4 s old", "happened at 02:07:01: done, 4 of 4 pods, verified"]
        {
            assert!(shown.lines().any(|said| said == line), "{line}\n{shown}");
        }
    }

    #[test]
    fn a_changed_journal_fails_and_names_the_record() {
        let chain = Chain::Broken { intact: 3, record: Some(RecordId(4)), why: "its hash does not match".into() };
        let mut out = Vec::new();
        assert_eq!(verify(&chain, false, &mut out), Ok(Exit::Failed));
        let said = "record 4 was changed: its hash does not match; 3 lines before it are intact\n";
        assert_eq!(String::from_utf8(out).unwrap(), said);
        assert_eq!(
            verify(
                &Chain::Intact { records: 4, head: "ab".into(), signers: Vec::new(), listed: false },
                false,
                &mut Vec::new()
            ),
            Ok(Exit::Done)
        );
    }
}
