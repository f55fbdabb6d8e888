//! `inbox`: everything that waits for a human. As a table for people and as `holdshort/inbox/v1` for scripts. Where a source
//! that would tell of more does not answer, it says so, and never that nothing waits. Over 500 lines with its tests, by a few.

use std::io::Write;

use serde::Serialize;

use crate::{
    app::{
        guard,
        inbox::{self, Item},
        model::Model,
    },
    cli::{
        exit::{CliError, Exit},
        json,
        release::OlderOut,
        source::{self, SourceOut},
        span::short,
        table::{Layout, Table},
    },
    domain::{
        evidence::Verdict,
        form::{Field, Kind},
        gate::{Approvals, Eligibility, Rule, nobody_can},
        item::Noun,
        time::{Timestamp, age},
        verb::Verb,
    },
    port::plan::Ask,
};

/// `holdshort/inbox/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inbox {
    /// `holdshort/inbox/v1`.
    pub schema: &'static str,
    /// When this was so: the world's time.
    pub now: Timestamp,
    /// Is that everything? False while a source that would tell of more does not answer.
    pub complete: bool,
    /// Everything that waits, oldest first.
    pub items: Vec<ItemOut>,
    /// Every connection, by name.
    pub sources: Vec<SourceOut>,
}

/// One thing that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemOut {
    /// Its full id: a TARGET for `approve` and `reject`.
    pub id: String,
    /// What it is: `gate`, `rollout` (a pause that only a human ends) or `run`.
    pub kind: Noun,
    /// Whose release waits.
    pub service: String,
    /// Where it would go.
    pub environment: String,
    /// The kind of gate in the system's own words.
    pub system: String,
    /// What is asked.
    pub title: String,
    /// The tag of what would be let through.
    pub version: Option<String>,
    /// Its commit, where the system tells.
    pub commit: Option<String>,
    /// Since when it waits.
    pub since: Option<Timestamp>,
    /// The same in seconds.
    pub age_seconds: Option<u64>,
    /// May I? `null` where the system does not say.
    pub eligible: Option<bool>,
    /// Why not, or why it is not known.
    pub reason: Option<String>,
    /// Who can, where I cannot.
    pub ask: Vec<String>,
    /// How many must say yes, and who has; `null` where one is enough or the system does not count.
    pub approvals: Option<ApprovalsOut>,
    /// The verdict on what would be let through: `go`, `no_go`, `wait`, `no_data`; `null` where it is not judged.
    pub verdict: Option<Verdict>,
    /// Newer ones that wait behind it.
    pub newer_behind: u32,
    /// What is live where it would go, where that is newer; else `null`.
    pub older_than_live: Option<OlderOut>,
    /// Who left this version where it would go, for cause, when and why, a sentence; else `null`.
    pub left: Option<String>,
    /// What `approve` asks for beside its target, to be answered with `--set NAME=VALUE` (a secret with `--secret`); empty where
    /// it asks for nothing.
    pub form: Vec<FieldOut>,
}

/// One thing that a verb asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldOut {
    /// Its name: what stands before the `=`.
    pub name: String,
    /// As it stands on a card.
    pub label: String,
    /// `text`, `choice`, `flag` or `secret`.
    pub kind: &'static str,
    /// What a choice is among.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Nothing is sent without it.
    pub required: bool,
    /// What it is where nobody says anything.
    pub default: Option<String>,
    /// A few words on what it means.
    pub hint: Option<String>,
}

impl FieldOut {
    fn of(field: &Field) -> Self {
        let (kind, options) = match &field.kind {
            Kind::Text => ("text", Vec::new()),
            Kind::Number => ("number", Vec::new()),
            Kind::Choice(options) => ("choice", options.clone()),
            Kind::Flag => ("flag", Vec::new()),
            Kind::Secret => ("secret", Vec::new()),
        };
        let Field { name, label, required, default, hint, .. } = field.clone();
        Self { name, label, kind, options, required, default, hint }
    }
}

/// The approvals of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApprovalsOut {
    /// Every rule must be met.
    pub rules: Vec<RuleOut>,
    /// When what was given, or the gate itself, ends by itself.
    pub expires: Option<Timestamp>,
}

/// So many of those.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleOut {
    /// Whose word counts.
    pub who: String,
    /// How many of them must say yes.
    pub needed: u32,
    /// Who has.
    pub given: Vec<String>,
}

impl ApprovalsOut {
    pub(super) fn of(approvals: &Approvals) -> Self {
        let rule = |rule: &Rule| RuleOut {
            who: rule.who.clone(),
            needed: rule.needed,
            given: rule.given.iter().map(ToString::to_string).collect(),
        };
        Self { rules: approvals.rules.iter().map(rule).collect(), expires: approvals.expires }
    }
}

/// Everything that waits.
pub fn inbox(model: &Model) -> Inbox {
    let items = inbox::items(model).iter().map(|item| item_out(model, item)).collect();
    let (complete, sources) = (gaps(model).is_empty(), source::all(model));
    Inbox { schema: "holdshort/inbox/v1", now: model.now, complete, items, sources }
}

/// Why nothing is known where only metrics are connected.
const NOBODY: &str = "no connection tells of gates or rollouts";

/// The sources that may know of more and do not answer, and the parts of others that could not be read, each in a sentence.
pub(super) fn gaps(model: &Model) -> Vec<String> {
    let all = model.store.inventories(model.now);
    if all.is_empty() {
        return vec![NOBODY.to_owned()];
    }
    let each = all.into_iter().filter(|state| !state.is_whole());
    each.map(|state| source::sentence(&state)).collect()
}

fn item_out(model: &Model, item: &Item) -> ItemOut {
    let (eligible, reason) = may_i(item);
    let ask = match &item.eligible {
        Eligibility::Cannot { ask, .. } => ask.iter().map(ToString::to_string).collect(),
        Eligibility::Can | Eligibility::Nobody { .. } | Eligibility::Unknown { .. } => Vec::new(),
    };
    ItemOut {
        id: item.target.to_string(),
        kind: if model.store.rollout(&item.target).is_some() {
            Noun::Rollout
        } else if inbox::is_run(model, &item.target) {
            Noun::Run
        } else {
            Noun::Gate
        },
        service: item.service.to_string(),
        environment: item.environment.to_string(),
        system: item.system.clone(),
        title: item.title.clone(),
        version: item.version.as_ref().map(|version| version.tag.clone()),
        commit: item.version.as_ref().and_then(|version| version.commit.clone()),
        since: item.since,
        age_seconds: age_seconds(model, item),
        eligible,
        reason,
        ask,
        approvals: item.approvals.as_ref().map(ApprovalsOut::of),
        verdict: item.verdict,
        newer_behind: item.newer_behind,
        older_than_live: item.older.as_ref().map(|older| OlderOut::of(&item.target, older)),
        left: item.left.as_ref().map(ToString::to_string),
        form: guard::form(model, &Ask::new(Verb::Approve, item.target.clone()))
            .unwrap_or_default()
            .iter()
            .map(FieldOut::of)
            .collect(),
    }
}

/// Eligibility as JSON has it: yes, no or not known; and why.
pub(super) fn may_i(item: &Item) -> (Option<bool>, Option<String>) {
    match &item.eligible {
        _ if item.refused.is_some() => (Some(false), item.refused.clone()),
        Eligibility::Can => (Some(true), None),
        Eligibility::Cannot { why, .. } => (Some(false), Some(why.clone())),
        Eligibility::Nobody { why } => (Some(false), Some(nobody_can(why))),
        Eligibility::Unknown { why } => (None, Some(why.clone())),
    }
}

pub(super) fn age_seconds(model: &Model, item: &Item) -> Option<u64> {
    item.since.map(|since| age(model.now, since).as_secs())
}

/// Prints everything that waits, as far as it is known; the exit code says whether that is everything.
pub fn print(model: &Model, as_json: bool, out: &mut dyn Write) -> Result<Exit, CliError> {
    print_as(model, as_json, Layout::Columns, out)
}

/// The same, laid out as it is wanted.
pub fn print_as(model: &Model, as_json: bool, layout: Layout, out: &mut dyn Write) -> Result<Exit, CliError> {
    let gaps = gaps(model);
    let exit = if gaps.is_empty() { Exit::Done } else { Exit::Unreachable };
    exit.whoever_reads(if as_json { json::print(&inbox(model), out) } else { text(model, &gaps, layout, out) })
}

fn text(model: &Model, gaps: &[String], layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    let table = table(model, |_| true);
    if !table.is_empty() {
        table.print_as(layout, out)?;
    } else if gaps.is_empty() {
        writeln!(out, "nothing waits for a human")?;
    } else if model.store.inventories(model.now).is_empty() {
        writeln!(out, "cannot tell what waits for a human: {NOBODY}")?;
        writeln!(out)?;
        return Ok(source::table(model).print_as(layout, out)?);
    } else if model.store.knows_anything() {
        writeln!(out, "nothing is known to wait for a human")?;
    } else {
        writeln!(out, "cannot tell what waits for a human: no source has answered")?;
    }
    if !gaps.is_empty() {
        writeln!(out)?;
        writeln!(out, "incomplete, more may wait: {}", gaps.join("; "))?;
        writeln!(out)?;
        source::table(model).print_as(layout, out)?;
    }
    Ok(())
}

/// What waits and is wanted, as a table.
pub(super) fn table(model: &Model, wanted: impl Fn(&Item) -> bool) -> Table {
    let mut table = Table::new(&["WAITS", "SERVICE", "ENVIRONMENT", "SYSTEM", "ASKS", "VERSION", "YOU"]);
    for item in inbox::items(model).iter().filter(|item| wanted(item)) {
        let newer = inbox::newer_words(item).map(|words| format!(" ({words} behind it)")).unwrap_or_default();
        let older = item.older.as_ref().map(|older| format!(" ({})", older.words())).unwrap_or_default();
        let approvals = item.approvals.as_ref().map(|approvals| format!("; {}", approvals.said())).unwrap_or_default();
        let you = match &item.eligible {
            _ if item.refused.is_some() => format!("refused: {}", item.refused.as_deref().unwrap_or_default()),
            Eligibility::Can => "can".to_owned(),
            Eligibility::Cannot { why, ask } if ask.is_empty() => format!("cannot: {why}"),
            Eligibility::Cannot { why, ask } => {
                let ask: Vec<String> = ask.iter().map(ToString::to_string).collect();
                format!("cannot: {why}; ask {}", ask.join(", "))
            }
            Eligibility::Nobody { why } => nobody_can(why),
            Eligibility::Unknown { why } => why.clone(),
        };
        table.row([
            age_seconds(model, item).map_or_else(|| "-".to_owned(), short),
            item.service.to_string(),
            if item.environment.as_str().is_empty() { "-".to_owned() } else { item.environment.to_string() },
            item.system.clone(),
            format!("{}{newer}{older}", item.title),
            item.version.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            format!("{you}{approvals}"),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        app::sample::hears,
        cli::sample,
        domain::{
            gate::Behind,
            object::{Family, ObjectId},
        },
        port::inventory::Part,
    };

    #[test]
    fn the_json_says_who_may_and_whom_to_ask() {
        let mut items = inbox(&sample::judged(Verdict::Wait)).items;
        assert_eq!(items.len(), 2);
        let expected = json!({
            "id": "github/gate/acme/ledger/812/prod",
            "kind": "gate",
            "service": "ledger",
            "environment": "prod/eu",
            "system": "GitHub environment",
            "title": "deploy #812",
            "version": "main",
            "commit": "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678",
            "since": "2026-03-10T02:02:00Z",
            "age_seconds": 300,
            "eligible": false,
            "reason": "you started this run",
            "ask": ["lee"],
            "approvals": null,
            "verdict": null,
            "newer_behind": 0,
            "older_than_live": null,
            "left": null,
            "form": [],
        });
        assert_eq!(serde_json::to_value(items.remove(0)).unwrap(), expected);
        let pause = items.remove(0);
        assert_eq!((pause.kind, pause.eligible, pause.verdict), (Noun::Rollout, Some(true), Some(Verdict::Wait)));
        assert_eq!(pause.title, "promote past step 1/2");
    }

    #[test]
    fn the_json_says_what_approve_asks_for() {
        let model = crate::app::sample::gated(crate::app::sample::ship());
        let form = serde_json::to_value(&inbox(&model).items[0].form).unwrap();
        let field = |name: &str, label: &str, kind: &str, required: bool| json!({"name": name, "label": label, "kind": kind, "required": required, "default": null, "hint": null});
        let mut expected = [
            field("note", "Release note", "text", true),
            field("place", "Place", "choice", false),
            field("drain", "Drain first", "flag", false),
            field("pin", "PIN", "secret", true),
        ];
        expected[0]["hint"] = "stands in the change log".into();
        (expected[1]["options"], expected[1]["default"]) = (json!(["blue", "green"]), "blue".into());
        assert_eq!(form, json!(expected));
    }

    fn said(model: &Model) -> (Exit, String) {
        let mut out = Vec::new();
        let exit = print(model, false, &mut out).unwrap();
        (exit, String::from_utf8(out).unwrap())
    }

    #[test]
    fn while_a_source_never_answered_nobody_is_told_that_nothing_waits() {
        let (exit, text) = said(&sample::silent());
        assert_eq!(exit, Exit::Unreachable);
        let expected = "\
cannot tell what waits for a human: no source has answered

incomplete, more may wait: eu has not answered; github has not answered; us has not answered

SOURCE  STATE  AGE  ERROR
eu      never  -
github  never  -
us      never  -
";
        assert_eq!(text, expected);
        let json = serde_json::to_value(inbox(&sample::silent())).unwrap();
        assert_eq!((&json["complete"], &json["items"]), (&json!(false), &json!([])));
        let source = json!({"name": "eu", "freshness": "never", "age_seconds": null, "every_seconds": 30, "error": null, "unread": []});
        assert_eq!(json["sources"][0], source);
    }

    #[test]
    fn what_is_known_is_shown_and_what_may_be_missing_is_said() {
        let mut model = sample::model();
        sample::fails(&mut model, "github");
        let (exit, text) = said(&model);
        assert_eq!(exit, Exit::Unreachable);
        assert!(text.starts_with("WAITS  SERVICE") && text.contains("deploy #812"), "{text}");
        let missing = "incomplete, more may wait: github is failing, last good answer 10 s ago: connection refused\n";
        assert!(text.contains(missing), "{text}");
        let empty = sample::only_metrics();
        assert_eq!(said(&empty).0, Exit::Unreachable);
        assert!(!said(&empty).1.contains("nothing waits"), "{}", said(&empty).1);
        assert!(inbox(&sample::model()).complete);
        assert_eq!(said(&sample::model()).0, Exit::Done);
    }

    #[test]
    fn a_part_that_could_not_be_read_is_named_beside_what_is_shown_and_it_is_not_all() {
        let mut model = sample::model();
        let text = "GitHub, acme/archived: not found or no permission";
        let lacks = |unread: &[&str]| {
            let unread = unread.iter().map(|text| (*text).to_owned()).collect();
            Ok(vec![Part::unread(Family::gate(), unread)])
        };
        let now = model.now;
        hears(&mut model, ("github", "run"), now, lacks(&[text]));
        let (exit, said_text) = said(&model);
        assert_eq!(exit, Exit::Unreachable);
        assert!(said_text.contains("deploy #812"), "{said_text}");
        assert!(
            said_text.contains(&format!("\nincomplete, more may wait: github was not read whole: {text}\n")),
            "{said_text}"
        );
        let row = said_text.lines().find(|line| line.starts_with("github")).unwrap();
        assert!(row.contains("incomplete") && row.ends_with(text), "{row}");
        let json = serde_json::to_value(inbox(&model)).unwrap();
        let github = json["sources"].as_array().unwrap().iter().find(|source| source["name"] == "github").unwrap();
        assert_eq!(
            (&json["complete"], &github["freshness"], &github["unread"]),
            (&json!(false), &json!("live"), &json!([text]))
        );
        hears(&mut model, ("github", "run"), now, lacks(&[]));
        assert_eq!(said(&model).0, Exit::Done);
    }

    #[test]
    fn a_gate_that_nobody_can_open_says_so() {
        let mut model = sample::model();
        let mut gate = model.store.gates().next().unwrap().clone();
        gate.eligible = Eligibility::Nobody { why: "its only reviewer is kim, who started this run".to_owned() };
        let why = "nobody can satisfy this gate: its only reviewer is kim, who started this run";
        assert_eq!(gate.eligible.offer(Verb::Approve, crate::domain::offer::Risk::High).blocked.as_deref(), Some(why));
        let at = model.now;
        hears(&mut model, ("github", "run"), at, Ok(vec![Part::whole(Family::gate(), [gate])]));
        let item = inbox(&model).items.remove(0);
        assert_eq!((item.eligible, item.reason.as_deref(), item.ask), (Some(false), Some(why), Vec::new()));
        assert!(said(&model).1.contains(why), "{}", said(&model).1);
    }

    #[test]
    fn a_run_that_waits_to_be_let_in_is_of_the_kind_run() {
        let mut model = sample::model();
        let mut gate = model.store.gates().next().unwrap().clone();
        let Behind::Run(run) = &gate.behind else { panic!("{gate:?}") };
        (gate.id, gate.environment) = (ObjectId::new(&run.source, Family::gate(), &run.path), "".into());
        gate.newer_behind = 1;
        let at = model.now;
        hears(&mut model, ("github", "run"), at, Ok(vec![Part::whole(Family::gate(), [gate])]));
        let item = inbox(&model).items.remove(0);
        assert_eq!(
            (item.kind, item.id.as_str(), item.environment.as_str()),
            (Noun::Run, "github/gate/acme/ledger/812", "")
        );
        let text = said(&model).1;
        assert!(text.contains("ledger    -  ") && text.contains("(1 newer waits behind it)"), "{text}");
    }

    #[test]
    fn where_no_connection_tells_of_gates_or_rollouts_nobody_is_told_that_nothing_waits() {
        let model = sample::no_inventory();
        let (exit, text) = said(&model);
        assert_eq!(exit, Exit::Unreachable);
        let expected = "\
cannot tell what waits for a human: no connection tells of gates or rollouts

SOURCE      STATE  AGE  ERROR
prometheus  live   0 s
";
        assert_eq!(text, expected);
        assert!(!inbox(&model).complete);
    }

    #[test]
    fn who_only_looks_is_told_that_they_cannot_and_unknown_rights_are_not_can() {
        let mut model = sample::model();
        model.session.read_only = true;
        for item in inbox(&model).items {
            assert_eq!((item.eligible, item.reason.as_deref()), (Some(false), Some("this session is read-only")));
        }
        let mut rollout = sample::model().store.rollout(&sample::payments("eu")).unwrap().clone();
        rollout.offers[0].unsure = Some("not known whether you may: eu has not said yet".to_owned());
        let mut model = sample::model();
        sample::sees(&mut model, "eu", rollout.clone());
        let pause = inbox(&model).items.remove(1);
        assert_eq!(pause.eligible, Some(false), "nothing is measured here, and what is not known is not let through");
        assert!(pause.reason.unwrap().starts_with("verdict NO DATA"));
        for judgement in model.judgements.values_mut() {
            (judgement.verdict, judgement.at) = (Verdict::Wait, Some(model.now));
            judgement.canary.requests = 174;
            judgement.missing.clear();
        }
        let pause = inbox(&model).items.remove(1);
        assert_eq!((pause.eligible, pause.reason), (None, rollout.offers[0].unsure.clone()));
        assert!(said(&model).1.contains("not known whether you may: eu has not said yet"), "{}", said(&model).1);
        rollout.offers[0].blocked = Some("you may not patch rollouts/status in shop on eu".to_owned());
        sample::sees(&mut model, "eu", rollout);
        assert!(
            said(&model).1.contains("cannot: you may not patch rollouts/status in shop on eu"),
            "{}",
            said(&model).1
        );
    }
}
