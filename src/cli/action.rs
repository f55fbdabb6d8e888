//! The result of a verb for scripts (`holdshort/action/v1`), and plans and stages in words. How it is reached is in `verb`.

use std::{
    fmt::Display,
    io::{self, Write},
};

use serde::Serialize;

use crate::{
    app::{
        brings,
        guard::{self, Refusal},
        model::Model,
    },
    cli::{
        exit::Exit,
        table::{Layout, labelled},
    },
    domain::{
        object::ObjectId,
        observed::FaultKind,
        offer::Risk,
        time::Timestamp,
        verb::{Direction, Verb},
    },
    port::{
        plan::Plan,
        record::{Entry, Record, Stage},
        several::{self, Standing},
        step::Step,
    },
};

/// `holdshort/action/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// `holdshort/action/v1`.
    pub schema: &'static str,
    /// The record's number; `null` where nothing was recorded.
    pub record: Option<u64>,
    /// The verb that was carried out: approving a paused rollout is `promote` or `resume`.
    pub verb: Verb,
    /// The full id of what it acts on.
    pub target: String,
    /// `planned` (`--dry-run`), `refused`, `under_way`, `done`, `failed`, `unknown`, `rests` or `preempted`.
    pub outcome: &'static str,
    /// What was observed, why it was refused or failed, or what to check.
    pub said: String,
    /// Honest ways on, where it was refused.
    pub ways: Vec<String>,
    /// The exit code.
    pub exit: u8,
    /// What it does; `null` where it was refused before there was a plan.
    pub plan: Option<PlanOut>,
    /// What happened, in order.
    pub stages: Vec<StageOut>,
    /// Of an act on several targets: how far it is on each, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<EachOut>,
    /// Where it ended as done on a service that has several cells: in how many of them what it put there is, a sentence for each service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<String>,
    /// With `--leave-refused`: what of several targets was left out, each with its reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
}

/// How far an act is on one of its targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EachOut {
    /// The full id.
    pub target: String,
    /// `done`, `done_before` (by the act that this one carries on), `not_begun`, or the stage that it has come to there.
    pub outcome: &'static str,
    /// What was observed there, or why not.
    pub said: String,
}

impl EachOut {
    /// Of a record on several targets; of one on one target nothing, for that is what the record itself says.
    pub fn of(record: &Record) -> Vec<Self> {
        let standings = several::standings(record);
        let targets = record.intent.plan.targets();
        let each = targets.zip(standings).map(|(target, standing)| {
            let (outcome, said) = match standing {
                Standing::Done(said) => ("done", said),
                Standing::DoneBefore => ("done_before", String::new()),
                Standing::NotBegun => ("not_begun", String::new()),
                Standing::Begun(stage) => words(&stage),
            };
            Self { target: target.to_string(), outcome, said }
        });
        each.collect()
    }
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanOut {
    /// Whose release.
    pub service: String,
    /// Where; empty for a run.
    pub environment: String,
    /// What a mistake costs: `low`, `medium` or `high`.
    pub risk: Risk,
    /// The version it acts on: what `--expect` is compared with.
    pub version: Option<String>,
    /// What runs before.
    pub from: Option<String>,
    /// What runs, or moves on, afterwards.
    pub to: Option<String>,
    /// The effect in a sentence.
    pub effect: String,
    /// The calls, in order.
    pub calls: Vec<CallOut>,
    /// What must be observed afterwards, each in words.
    pub expects: Vec<String>,
    /// Within how many seconds.
    pub within_seconds: u64,
    /// How to undo it.
    pub undo: String,
    /// What to know before.
    pub notes: Vec<String>,
    /// What policy checked.
    pub checks: Vec<String>,
    /// What is not known, or speaks against it.
    pub risks: Vec<String>,
    /// What would be new there: commits, people, parts of the code; then what of it must be seen before it goes (migrations, settings).
    /// Only in a plan that is shown before it is sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brings: Vec<String>,
    /// The full id of what all of this is about.
    pub target: String,
    /// What it does to further targets, in this order, each once the one before it is verified.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<PlanOut>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallOut {
    /// In words.
    pub words: String,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The body, without the object's revision.
    pub body: String,
    /// The plain command that does the same.
    pub command: String,
    /// It is left out unless each of these holds right before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only_where: Vec<String>,
}

/// One stage of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageOut {
    /// When.
    pub at: Timestamp,
    /// `recorded`, `sending`, `accepted`, `skipped`, `released`, `handed_over`, `moving`, `not_moving`, `verified`, `done`,
    /// `refused`, `failed`, `unknown`, `rests` or `preempted`.
    pub stage: &'static str,
    /// In words.
    pub said: String,
}

impl PlanOut {
    /// Of a plan.
    pub fn of(plan: &Plan) -> Self {
        let draft = &plan.draft;
        let call = |step: &Step| CallOut {
            words: step.call.words.clone(),
            method: step.call.method.clone(),
            path: step.call.path.clone(),
            body: step.call.body.shown().to_owned(),
            command: step.call.command.clone(),
            only_where: step.when.iter().map(ToString::to_string).collect(),
        };
        Self {
            service: plan.service.to_string(),
            environment: plan.environment.to_string(),
            risk: plan.risk,
            version: guard::acts_on(plan.verb, draft).map(ToString::to_string),
            from: draft.from.as_ref().map(ToString::to_string),
            to: draft.to.as_ref().map(ToString::to_string),
            effect: draft.effect.clone(),
            calls: draft.sends().map(call).collect(),
            expects: draft.expect.all.iter().map(ToString::to_string).collect(),
            within_seconds: draft.expect.within.as_secs(),
            undo: draft.undo.clone(),
            notes: draft.notes.clone(),
            checks: plan.checks.clone(),
            risks: plan.risks.clone(),
            brings: Vec::new(),
            target: plan.target.to_string(),
            then: plan.then.iter().map(Self::of).collect(),
        }
    }
}

impl StageOut {
    /// Of an entry of a record.
    pub fn of(entry: &Entry) -> Self {
        let (stage, said) = words(&entry.stage);
        Self { at: entry.at, stage, said }
    }
}

/// A stage's name and what it says.
pub fn words(stage: &Stage) -> (&'static str, String) {
    match stage {
        Stage::Recorded => ("recorded", "the intent, before anything is sent".to_owned()),
        Stage::Sending { call, .. } => ("sending", format!("call {}", call + 1)),
        Stage::Accepted { call, said, .. } => ("accepted", format!("call {}: {said}", call + 1)),
        Stage::Skipped { call, why } => ("skipped", format!("call {}: {why}", call + 1)),
        Stage::Released { said, .. } => ("released", said.clone()),
        Stage::HandedOver { by, said } => ("handed_over", format!("what it owes, to record {by}: {said}")),
        Stage::Moving { said } => ("moving", said.clone()),
        Stage::NotMoving { seconds } => ("not_moving", format!("nothing moves for {seconds} s")),
        Stage::Verified { target, said } => ("verified", format!("target {}: {said}", target + 1)),
        Stage::Apart { target, stage } => {
            let (name, said) = words(stage);
            (name, format!("target {}: {said}", target + 1))
        }
        Stage::Done { said } => ("done", said.clone()),
        Stage::Refused { why, .. } => ("refused", why.clone()),
        Stage::Failed { why, .. } => ("failed", why.clone()),
        Stage::Unknown { check } => ("unknown", check.clone()),
        Stage::Rests { said } => ("rests", said.clone()),
        Stage::Preempted { by, said, taken_over: true } => ("preempted", format!("{said}: goes on as record {by}")),
        Stage::Preempted { by, said, .. } => {
            ("preempted", format!("by record {by}: {said}; nothing more of it is sent"))
        }
    }
}

/// How an action ends with this stage as its last; `None` while it is under way.
pub fn exit_of(stage: &Stage) -> Option<Exit> {
    match stage {
        Stage::Done { .. } => Some(Exit::Done),
        // Of an act that was ended: somebody went back, so the world is not as it was when this was confirmed.
        Stage::Refused { changed: true, .. } | Stage::Preempted { .. } => Some(Exit::Changed),
        Stage::Refused { changed: false, .. } => Some(Exit::Refused),
        Stage::Failed { fault, .. } => Some(match fault {
            Some(FaultKind::Unreachable | FaultKind::TimedOut | FaultKind::Unauthenticated | FaultKind::Forbidden) => {
                Exit::Unreachable
            }
            _ => Exit::Failed,
        }),
        Stage::Unknown { .. } => Some(Exit::Unknown),
        Stage::Rests { .. } => Some(Exit::Wait),
        _ => None,
    }
}

impl Action {
    /// A plan that is only shown.
    pub fn planned(plan: &Plan) -> Self {
        Self {
            schema: "holdshort/action/v1",
            record: None,
            verb: plan.verb,
            target: plan.target.to_string(),
            outcome: "planned",
            said: "nothing was sent".to_owned(),
            ways: Vec::new(),
            exit: Exit::Done.code(),
            plan: Some(PlanOut::of(plan)),
            stages: Vec::new(),
            each: Vec::new(),
            cells: Vec::new(),
            left: Vec::new(),
        }
    }

    /// The same with what would be new there.
    #[must_use]
    pub fn bringing(mut self, model: &Model, plan: &Plan) -> Self {
        if let Some(out) = &mut self.plan {
            out.brings = brings(model, plan);
            for (out, one) in out.then.iter_mut().zip(&plan.then) {
                out.brings = brings(model, one);
            }
        }
        self
    }

    /// A refusal.
    pub fn refused(target: &ObjectId, refusal: &Refusal, plan: Option<&Plan>, exit: Exit) -> Self {
        let said = refusal.reasons.join("; ");
        Self { ways: refusal.ways.clone(), ..Self::not_sent((refusal.verb, target), said, plan, exit) }
    }

    /// Of what was confirmed, and not begun.
    pub fn not_begun(plan: &Plan, why: &str, exit: Exit) -> Self {
        Self::not_sent((plan.verb, &plan.target), why.to_owned(), Some(plan), exit)
    }

    fn not_sent((verb, target): (Verb, &ObjectId), said: String, plan: Option<&Plan>, exit: Exit) -> Self {
        Self {
            schema: "holdshort/action/v1",
            record: None,
            verb,
            target: target.to_string(),
            outcome: "refused",
            said,
            ways: Vec::new(),
            exit: exit.code(),
            plan: plan.map(PlanOut::of),
            stages: Vec::new(),
            each: Vec::new(),
            cells: Vec::new(),
            left: Vec::new(),
        }
    }

    /// A record, as far as it has come. `exit` is how this command ends.
    pub fn recorded(record: &Record, exit: Exit) -> Self {
        let plan = &record.intent.plan;
        let last = record.end().or(record.entries.last()).map(|entry| words(&entry.stage));
        let ended = record.end().is_some();
        let (stage, said) = last.unwrap_or(("recorded", String::new()));
        Self {
            schema: "holdshort/action/v1",
            record: Some(record.id.0),
            verb: plan.verb,
            target: plan.target.to_string(),
            outcome: if ended { stage } else { "under_way" },
            said,
            ways: Vec::new(),
            exit: exit.code(),
            plan: Some(PlanOut::of(plan)),
            stages: record.entries.iter().map(StageOut::of).collect(),
            each: EachOut::of(record),
            cells: Vec::new(),
            left: Vec::new(),
        }
    }
}

/// Of what a verb is, with its version: `payments 1.42.0 (a1b2c3d)`, and where it goes back, to what. Several targets in order.
pub fn about(plan: &Plan) -> String {
    plan.each().map(about_one).collect::<Vec<_>>().join(", ")
}

fn about_one(plan: &Plan) -> String {
    let service = &plan.service;
    let (from, to) = (&plan.draft.from, &plan.draft.to);
    match (from, to) {
        (Some(from), Some(to)) if plan.direction() == Direction::Back && from != to => {
            format!("{service} {from} → {to}")
        }
        _ => guard::acts_on(plan.verb, &plan.draft)
            .map_or_else(|| service.to_string(), |version| format!("{service} {version}")),
    }
}

/// What would be new where a plan goes forward, and what of it must be seen first.
fn brings(model: &Model, plan: &Plan) -> Vec<String> {
    let forward = plan.direction() == Direction::Forward && !plan.goes_back;
    let new = Some(&plan.target).filter(|_| forward).and_then(|target| brings::of(model, target));
    new.into_iter().flat_map(|new| std::iter::once(new.what).chain(new.warnings)).collect()
}

/// The same for people, a line each.
pub fn print_brings(model: &Model, plan: &Plan, layout: Layout, out: &mut dyn Write) -> io::Result<()> {
    plan.each().flat_map(|one| brings(model, one)).try_for_each(|said| labelled(layout, "brings", said, out))
}

/// The services that a plan is about, in order: `payments, search`.
pub fn services(plan: &Plan) -> String {
    plan.each().map(|one| one.service.to_string()).collect::<Vec<_>>().join(", ")
}

/// Prints a plan as people read it before they say yes: of several targets how many they are, and then each.
pub fn print_plan(plan: &Plan, layout: Layout, out: &mut dyn Write) -> io::Result<()> {
    let count = plan.count();
    if count > 1 {
        let verb = plan.verb.words();
        writeln!(out, "{verb} {count} objects, {}: {}", several::order(plan), plan.places())?;
    }
    for (index, one) in plan.each().enumerate() {
        let number = if count > 1 { format!("{} of {count}: ", index + 1) } else { String::new() };
        print_one(one, &number, layout, out)?;
    }
    Ok(())
}

fn print_one(plan: &Plan, number: &str, layout: Layout, out: &mut dyn Write) -> io::Result<()> {
    let shown = PlanOut::of(plan);
    let place = if shown.environment.is_empty() { String::new() } else { format!(" in {}", shown.environment) };
    writeln!(out, "{number}{} {}{place} ({} risk)", plan.verb.words(), shown.service, shown.risk)?;
    let mut line = |label: &str, text: &dyn Display| labelled(layout, label, text, out);
    // What its system does not tell is left out: a gate tells what it lets through, and rarely what that replaces.
    for (label, version) in [("from", &shown.from), ("to", &shown.to)] {
        if let Some(version) = version {
            line(label, version)?;
        }
    }
    if shown.from.is_none() && shown.to.is_none() {
        line("version", &"not told by its system")?;
    }
    line("effect", &shown.effect)?;
    for step in plan.draft.sends() {
        line("sends", &format!("{step}: {}", step.call.line()))?;
    }
    let expect = &plan.draft.expect;
    line("then", &expect.promised(&format!("{} s", expect.within.as_secs())))?;
    line("undo", &shown.undo)?;
    for (label, all) in [("note", &shown.notes), ("check", &shown.checks), ("risk", &shown.risks)] {
        all.iter().try_for_each(|text| line(label, text))?;
    }
    Ok(())
}
