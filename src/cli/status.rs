//! `status`: what is in flight, its verdict, what waits. As a table for people and as `holdshort/status/v1` for scripts.

mod text;

use std::{collections::BTreeSet, io::Write};

use serde::Serialize;

use crate::{
    app::{
        board, guard,
        headline::{self, Blame, Cause},
        inbox::{self, Item},
        model::Model,
        preflight,
        quarantine::{self, Quarantine},
        watch,
    },
    cli::{
        cells::{self, CellsOut},
        exit::{CliError, Exit},
        inbox as waiting, json, named,
        past_us::{self, PastUsOut},
        release::{self, ReleaseOut},
        source::{self, SourceOut},
        table::Layout,
    },
    domain::{
        evidence::Verdict,
        ids::{EnvironmentName, ServiceName},
        item::Noun,
        object::ObjectId,
        observed::Freshness,
        offer::Offer,
        place::Named,
        preflight::{Check, Grade, Takes},
        rollout::{Analysis, Pause, Phase, Rollout},
        time::Timestamp,
    },
    words,
};

/// `holdshort/status/v1`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// `holdshort/status/v1`.
    pub schema: &'static str,
    /// When this was so: the world's time.
    pub now: Timestamp,
    /// Is that everything in flight and everything that waits? False while a source or a part of one could not be read.
    pub complete: bool,
    /// Is it the release?
    pub headline: HeadlineOut,
    /// Every rollout, those in flight first and the most urgent of them first.
    pub rollouts: Vec<RolloutOut>,
    /// Everything that waits for a human, oldest first.
    pub gates: Vec<GateOut>,
    /// Every version that is somewhere or on its way, with its road, by service; the newest first.
    pub releases: Vec<ReleaseOut>,
    /// Services that run in several parts of one environment, and how far the release is among them.
    pub cells: Vec<CellsOut>,
    /// Every connection, by name.
    pub sources: Vec<SourceOut>,
}

/// Is it the release?
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeadlineOut {
    /// The top line of the screen.
    pub text: String,
    /// Which service it speaks of; `null` where it speaks of none.
    pub service: Option<String>,
    /// `release`, `unknown` or `none`.
    pub cause: Cause,
    /// Where a release does harm, what its strongest doubt leaves of that: `release`, `one_pod` (without that one it is as good
    /// as is tolerated) or `open`; else `null`.
    pub blame: Option<Blame>,
}

/// One rollout.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RolloutOut {
    /// Its full id: a TARGET for every verb.
    pub id: String,
    /// Whose rollout it is.
    pub service: String,
    /// Where it runs.
    pub environment: String,
    /// Its family: `deployment`.
    pub engine: String,
    /// The tag of the version that serves; `null` on a first deployment, and where it is not known which (see `unknown`).
    pub stable: Option<String>,
    /// The tag that the spec asks for; equal to `stable` when nothing is on its way.
    pub canary: Option<String>,
    /// Where it has arrived and its watching time is not over: until when, and what it does beside what ran before it; else `null`.
    pub watching: Option<WatchingOut>,
    /// Where what the spec asks for was left for cause, verified, and is back: since when, by whom, and who left it; else `null`.
    pub returned: Option<ReturnedOut>,
    /// What others did to it past us, the newest first.
    pub past_us: Vec<PastUsOut>,
    /// `progressing`, `paused`, `degraded`, `aborted`, `healthy` or `unknown`.
    pub phase: Phase,
    /// The engine's own words about that; `null` where it has none.
    pub message: Option<String>,
    /// While the controller is behind the spec: since when, where the object tells; else `null`.
    pub behind_since: Option<Timestamp>,
    /// Index of the running step, from 0; equal to `steps` after the last; `null` where there are none.
    pub step: Option<usize>,
    /// How many steps there are.
    pub steps: usize,
    /// The pause that it stands in, and what ends it; `null` where it is in none.
    pub pause: Option<Pause>,
    /// What the engine's own analyses came to, the newest first.
    pub analyses: Vec<AnalysisOut>,
    /// The new version's share of the traffic as it was reached, percent; `null` where that is not known.
    pub weight: Option<u32>,
    /// `go`, `no_go`, `wait` or `no_data`; `null` where there is nothing to judge: no second version.
    pub verdict: Option<Verdict>,
    /// The end of the newest interval that the verdict rests on; `null` where there is none.
    pub verdict_at: Option<Timestamp>,
    /// How long ago that was, seconds. A verdict that is too old is `no_data`, and its reason says which it was.
    pub verdict_age_seconds: Option<u64>,
    /// The verdict's reason, a sentence.
    pub reason: Option<String>,
    /// The same as it stands beside the verdict's word.
    #[serde(skip)]
    beside: Option<String>,
    /// What may make the verdict say less than it seems to, a sentence each, the strongest first.
    pub doubts: Vec<String>,
    /// What is missing to judge by, a sentence each.
    pub missing: Vec<String>,
    /// What of the rollout could not be read, a sentence each: as long as there is one, nothing goes forward.
    pub unknown: Vec<String>,
    /// What is wrong with its pods, in words, the worst first.
    pub troubles: Vec<String>,
    /// When GO or NO-GO was first reached; `null` when never.
    pub decided_at: Option<Timestamp>,
    /// While it waits: about when a decision is due; `null` where that cannot be said.
    pub ready_at: Option<Timestamp>,
    /// When this was last confirmed.
    pub observed_at: Option<Timestamp>,
    /// `live`, `stale`, `failing` or `never`.
    pub freshness: Freshness,
    /// What is known of the way back; `null` where there is no earlier version that a roll back without a name goes to.
    pub way_back: Option<WayBackOut>,
    /// Every verb of the engine; `blocked` is `null` or why it will not run.
    pub offers: Vec<Offer>,
}

/// That a release which has arrived is watched.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WatchingOut {
    /// Since when all traffic is on it: as it was seen, else as our record says, else not before this.
    pub since: Timestamp,
    /// When that ends by itself.
    pub until: Timestamp,
    /// The tag of the version that it is held against; `null` where none is known.
    pub against: Option<String>,
    /// What that says, as `verdict` does: weaker than side by side, and no guard goes by it. `no_data` where nothing is known.
    pub verdict: Verdict,
    /// The same in a sentence; of what was put back, by whom and from what; `null` where there is neither.
    pub reason: Option<String>,
}

fn watching_out(model: &Model, rollout: &Rollout) -> Option<WatchingOut> {
    let compared = model.watched.get(&rollout.id);
    // What was put back is held against nothing: who left what, and when, is what there is to tell.
    let back = || Quarantine::of(&model.actions, rollout).put_back().map(ToString::to_string);
    Some(WatchingOut {
        until: watch::until(model, rollout)?,
        since: watch::arrived(model, rollout)?,
        against: compared.map(|compared| compared.against.clone()),
        verdict: compared.map_or(Verdict::NoData, |compared| compared.judgement.verdict),
        reason: compared.map(|compared| words::watched(&compared.judgement, &compared.against)).or_else(back),
    })
}

/// That a version which was left for cause is back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReturnedOut {
    /// The tag of the version.
    pub version: String,
    /// Since when; `null` where the system does not note it.
    pub since: Option<Timestamp>,
    /// The program that put it there, by the name that it gives itself; `null` where the system does not note it.
    pub by: Option<String>,
    /// Who left it, and when that was confirmed.
    pub left_by: String,
    /// See `left_by`.
    pub left_at: Timestamp,
    /// The record of that.
    pub record: u64,
    /// All of it in a sentence.
    pub said: String,
}

fn returned_out(model: &Model, rollout: &Rollout) -> Option<ReturnedOut> {
    let returned = quarantine::returned(model, rollout)?;
    Some(ReturnedOut {
        version: returned.version.clone(),
        since: returned.by.as_ref().map(|by| by.at),
        by: returned.by.as_ref().map(|by| by.by.clone()),
        left_by: returned.left.who.to_string(),
        left_at: returned.left.at,
        record: returned.left.record.0,
        said: returned.to_string(),
    })
}

/// The way back of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WayBackOut {
    /// The tag of the version that it leads to; `null` where that is not known.
    pub version: Option<String>,
    /// `good`, `unknown`, `amber` or `red`: the worst of the checks.
    pub grade: Grade,
    /// The same as it stands on screen.
    pub words: String,
    /// About so many seconds until it serves; 0 where it does at once, `null` where nobody can say.
    pub seconds: Option<u64>,
    /// Everything that was looked at, or could not be.
    pub checks: Vec<Check>,
    /// What going there interrupts, a sentence each.
    pub interrupts: Vec<String>,
    /// Is something still being read?
    pub reading: bool,
    /// When the oldest of the answers came; `null` before there is one.
    pub read_at: Option<Timestamp>,
}

impl WayBackOut {
    fn of(model: &Model, rollout: &Rollout) -> Option<Self> {
        let outlook = preflight::back(model, rollout)?;
        Some(Self {
            version: outlook.arm.version.as_ref().map(|version| version.tag.clone()),
            grade: outlook.grade(),
            words: outlook.words(),
            seconds: match outlook.takes {
                Takes::AtOnce => Some(0),
                Takes::About { span, .. } => Some(span.as_secs()),
                Takes::Unknown => None,
            },
            checks: outlook.checks,
            interrupts: outlook.interrupts,
            reading: outlook.reading,
            read_at: outlook.at,
        })
    }
}

/// An analysis of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnalysisOut {
    /// Its name.
    pub name: String,
    /// The engine's own word: `Running`, `Successful`, `Failed`, `Error`, `Inconclusive`.
    pub phase: String,
    /// The engine's own words about that; `null` where it has none.
    pub message: Option<String>,
}

/// Something that waits for a human.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GateOut {
    /// The full id of a gate, or of a paused rollout: a TARGET for `approve`.
    pub id: String,
    /// Whose release waits.
    pub service: String,
    /// The kind of gate in the system's own words.
    pub system: String,
    /// The tag of what would be let through.
    pub version: Option<String>,
    /// Since how many seconds; `null` where the system does not tell.
    pub age_seconds: Option<u64>,
    /// May I? `null` where the system does not say.
    pub eligible: Option<bool>,
    /// Why not, or why it is not known.
    pub reason: Option<String>,
    /// How many must say yes, and who has; `null` where one is enough or the system does not count.
    pub approvals: Option<waiting::ApprovalsOut>,
}

/// Is it what was named: `SERVICE`, `SERVICE@ENVIRONMENT`, or its id? Where nothing was, everything is.
fn is_named(name: Option<&str>, id: &ObjectId, (service, environment): (&ServiceName, &EnvironmentName)) -> bool {
    name.is_none_or(|name| Named(name).is_at(service, environment) || id.to_string() == name)
}

/// The state of the model, of what was named or of everything. Releases are those of the service, for their roads lead through all of its
/// environments. `words` makes the headline's text.
pub fn status(model: &Model, name: Option<&str>, words: fn(&Model) -> String) -> Status {
    let shown = |rollout: &&Rollout| is_named(name, &rollout.id, (&rollout.service, &rollout.environment));
    let headline = headline::headline(model);
    let of = headline.rollout.as_ref().and_then(|id| model.store.rollout(id));
    let steady = model.store.rollouts().filter(|rollout| !rollout.in_flight());
    let all: Vec<&Rollout> = board::in_flight(model).into_iter().chain(steady).filter(shown).collect();
    let items = inbox::items(model).into_iter();
    let items: Vec<Item> =
        items.filter(|item| is_named(name, &item.target, (&item.service, &item.environment))).collect();
    let services: BTreeSet<&ServiceName> =
        all.iter().map(|rollout| &rollout.service).chain(items.iter().map(|item| &item.service)).collect();
    let of_it =
        |service: &ServiceName| name.is_none_or(|name| Named(name).is_of(service)) || services.contains(service);
    Status {
        schema: "holdshort/status/v1",
        now: model.now,
        complete: waiting::gaps(model).is_empty(),
        headline: HeadlineOut {
            text: words(model),
            service: of.map(|rollout| rollout.service.to_string()),
            cause: headline.cause,
            blame: of
                .filter(|_| headline.cause == Cause::Release)
                .and_then(|rollout| model.judgements.get(&rollout.id).map(headline::blame)),
        },
        rollouts: all.into_iter().map(|rollout| rollout_out(model, rollout)).collect(),
        gates: items.iter().map(|item| gate_out(model, item)).collect(),
        releases: release::all(model, of_it),
        cells: cells::all(model, name),
        sources: source::all(model),
    }
}

fn rollout_out(model: &Model, rollout: &Rollout) -> RolloutOut {
    let judged = model.judgements.get(&rollout.id);
    let seen = model.store.target_state(&rollout.id, model.now);
    let outdated = model.outdated(&rollout.id).as_ref().map(words::outdated);
    let old = model.old_harm(&rollout.id).as_ref().map(|old| format!("; {}", words::how_old(old))).unwrap_or_default();
    RolloutOut {
        id: rollout.id.to_string(),
        service: rollout.service.to_string(),
        environment: rollout.environment.to_string(),
        engine: rollout.id.family.to_string(),
        stable: rollout.stable.as_ref().map(|version| version.tag.clone()),
        canary: rollout.canary.as_ref().map(|version| version.tag.clone()),
        watching: watching_out(model, rollout),
        returned: returned_out(model, rollout),
        past_us: past_us::all(model, rollout),
        phase: rollout.phase,
        message: rollout.message.clone(),
        behind_since: rollout.lag.and_then(|lag| lag.since),
        step: rollout.step,
        steps: rollout.steps.len(),
        pause: rollout.pause,
        analyses: rollout.analyses.iter().map(analysis_out).collect(),
        weight: rollout.weight.reached(),
        verdict: model.verdict(&rollout.id),
        verdict_at: judged.and_then(|judgement| judgement.at),
        verdict_age_seconds: judged.and_then(|judgement| judgement.age(model.now)).map(|age| age.as_secs()),
        reason: outdated.clone().or_else(|| Some(format!("{}{old}", words::reason(judged?)))),
        beside: outdated.or_else(|| Some(format!("{}{old}", words::beside_word(judged?)))),
        doubts: judged.iter().flat_map(|judgement| &judgement.doubts).map(words::doubt).collect(),
        missing: judged.iter().flat_map(|judgement| &judgement.missing).map(words::missing).collect(),
        unknown: rollout.unknown.iter().map(|unknown| unknown.what.clone()).collect(),
        troubles: rollout.troubles.clone(),
        decided_at: judged.and_then(|judgement| judgement.decided_at),
        ready_at: judged.and_then(|judgement| judgement.eta),
        observed_at: model.store.observed_at(&rollout.id),
        freshness: seen.map_or(Freshness::Never, |seen| seen.freshness),
        way_back: WayBackOut::of(model, rollout),
        offers: guard::offers(model, &rollout.id),
    }
}

fn analysis_out(analysis: &Analysis) -> AnalysisOut {
    let Analysis { name, phase, message, .. } = analysis;
    AnalysisOut { name: name.clone(), phase: phase.clone(), message: message.clone() }
}

fn gate_out(model: &Model, item: &Item) -> GateOut {
    let (eligible, reason) = waiting::may_i(item);
    GateOut {
        id: item.target.to_string(),
        service: item.service.to_string(),
        system: item.system.clone(),
        version: item.version.as_ref().map(|version| version.tag.clone()),
        age_seconds: waiting::age_seconds(model, item),
        eligible,
        reason,
        approvals: item.approvals.as_ref().map(waiting::ApprovalsOut::of),
    }
}

/// How `status` prints and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// As JSON.
    pub as_json: bool,
    /// The exit code says what was found, not only that it was looked for.
    pub judging: bool,
    /// How its tables are laid out.
    pub layout: Layout,
}

/// The exit code by what was found. Evidence of harm comes first; then that something could not be read, for the worst may be
/// there; then the worst verdict of what could.
fn exit_of(model: &Model, status: &Status) -> Exit {
    let shown = |rollout: &&Rollout| status.rollouts.iter().any(|row| row.id == rollout.id.to_string());
    // The headline's answer, and the verdict of each: the worse of both. What still goes back has not arrived.
    let all: Vec<&Rollout> = model.store.rollouts().filter(shown).collect();
    let causes = all.iter().filter_map(|rollout| match headline::cause_of(model, rollout) {
        Cause::Release => Some(Verdict::NoGo),
        Cause::Unknown => Some(Verdict::NoData),
        Cause::None => headline::goes_back(model, rollout).then_some(Verdict::Wait),
    });
    let standing = all.iter().filter_map(|rollout| guard::standing(model, rollout));
    let found: Vec<Verdict> = causes.chain(standing).collect();
    if found.contains(&Verdict::NoGo) {
        Exit::NoGo
    } else if unread(status) {
        Exit::Unreachable
    } else if found.contains(&Verdict::NoData) || !model.store.tells_of(Noun::Rollout) {
        // Where nothing tells of rollouts nothing can be judged.
        Exit::NoData
    } else if found.contains(&Verdict::Wait) {
        Exit::Wait
    } else {
        Exit::Done
    }
}

/// Is there a source that could not be read, or a part of one? What is measured counts, too: a verdict without it is none.
fn unread(status: &Status) -> bool {
    status.sources.iter().any(|source| source.freshness != Freshness::Live) || !status.complete
}

/// Prints the state. A service that nothing is known of is an error that lists those there are; when no connection that would
/// tell of one ever answered, what is printed is empty and the exit code says so.
pub fn print(
    model: &Model,
    name: Option<&str>,
    manner: Manner,
    words: fn(&Model) -> String,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let status = status(model, name, words);
    let silent = if model.store.inventories(model.now).is_empty() {
        !status.sources.is_empty() && status.sources.iter().all(|source| source.age_seconds.is_none())
    } else {
        !model.store.knows_anything()
    };
    if let Some(name) = name
        && !silent
        && status.rollouts.is_empty()
        && status.gates.is_empty()
        && !model.store.runs().any(|run| run.service.as_str() == name)
    {
        return Err(named::nothing_of(model, name));
    }
    let exit = match (silent, manner.judging) {
        (true, _) => Exit::Unreachable,
        (false, true) => exit_of(model, &status),
        // Part of it is shown, and nobody may take it for the whole.
        (false, false) if unread(&status) => Exit::Unreachable,
        (false, false) => Exit::Done,
    };
    exit.whoever_reads(if manner.as_json {
        json::print(&status, out)
    } else {
        text::print(model, &status, manner.layout, out)
    })
}

#[cfg(test)]
mod tests;
