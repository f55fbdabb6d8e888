//! `doctor` over a ground: every connection examined at the same time, and this machine. What a system tells of itself is the
//! provider's; how it is said is the command's.

mod logout;
mod seen;
mod terminal;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{Either, join_all, select};

use crate::{
    cli::{
        args::Globals,
        doctor::{self, Doctor, DoctorArgs, Examined},
        exit::{CliError, Exit},
        table::Layout,
    },
    domain::{gate::Gate, observed::Freshness, place::Place},
    port::{
        clock::SharedClock,
        examine::{Finding, Grade, LookedAt},
        facet::Connection,
    },
    run::{ground::Ground, pilot::UNSEEN},
    words,
};

/// Below this much of a budget only verbs go out.
const KEPT: f64 = 0.2;
/// Sentences of one kind that are said.
const NAMED: usize = 5;
/// How long all questions to one connection may take together, in times of what one answer may.
const PATIENCE: u32 = 4;

/// Examines everything, or prints the rights that are needed.
pub(super) async fn examine(
    ground: &Ground,
    globals: &Globals,
    environment: &BTreeMap<String, String>,
    args: &DoctorArgs,
    out: &mut dyn std::io::Write,
) -> Result<Exit, CliError> {
    let connections = ground.connections()?;
    if args.rbac {
        let of = |one: &Connection| {
            let examiner = one.examiner.as_ref()?;
            Some((one.name.to_string(), examiner.grants(false)?, examiner.grants(true)?))
        };
        return doctor::rights(&connections.iter().filter_map(of).collect::<Vec<_>>(), out);
    }
    let mut pilot = ground.cockpit(globals, environment, UNSEEN, None)?;
    pilot.settle().await;
    let model = pilot.cockpit.model();
    let places: Vec<Place> = model.store.rollouts().map(crate::domain::rollout::Rollout::place).collect();
    let unread: BTreeMap<String, Vec<String>> = model
        .store
        .sources(model.now)
        .into_iter()
        .map(|source| {
            let fault = source.fault.filter(|_| source.freshness != Freshness::Live).map(|fault| fault.text);
            (source.source.to_string(), fault.into_iter().chain(source.unread).collect())
        })
        .collect();
    // Why nothing would be judged there, each once however many run there.
    let blind: BTreeSet<String> = model
        .store
        .rollouts()
        .filter_map(|rollout| model.store.unread_signals(rollout).as_ref().map(words::unread))
        .collect();
    let (at, clock) = (LookedAt { places }, &ground.clock);
    let each = connections.iter().map(|one| {
        let (at, unread) = (&at, unread.get(one.name.as_str()).cloned().unwrap_or_default());
        async move {
            let mut findings = of_connection(one, at, clock).await;
            let more: Vec<String> = unread.into_iter().filter(|said| !is_told(said, &findings)).collect();
            let more = more.into_iter();
            findings.extend(more.map(|said| Finding::of(Grade::Limited, "reading", said, "")));
            Examined { name: one.name.to_string(), system: one.system.to_owned(), findings }
        }
    });
    let examined = join_all(each).await;
    let told: Vec<&Finding> = examined.iter().flat_map(|one| &one.findings).collect();
    let blind = blind.into_iter().map(|why| once(why, &told)).collect();
    let stuck: Vec<Finding> = model.store.gates().filter_map(stuck).collect();
    let seen = seen::seen(ground, globals, environment);
    let here = here(ground, globals, environment).into_iter().chain(seen).chain(judging(&blind)).chain(stuck).collect();
    doctor::print(&Doctor::of(clock.now(), examined, here), args.json, Layout::of(globals.linear), out)
}

async fn of_connection(one: &Connection, at: &LookedAt, clock: &SharedClock) -> Vec<Finding> {
    let Some(examiner) = &one.examiner else {
        return vec![Finding::of(Grade::Unknown, "reached", "nobody can say how it is set up", "")];
    };
    let limit = one.patience().saturating_mul(PATIENCE);
    let mut findings = match select(examiner.examine(at), clock.sleep(limit)).await {
        Either::Left((findings, _)) => findings,
        Either::Right(_) => vec![Finding::silent(limit)],
    };
    if let Some(left) = one.budget.as_ref().map(|budget| budget(clock.now())) {
        let percent = left * 100.0;
        let said = format!("{percent:.0} % of its requests are left");
        findings.push(if left < KEPT {
            Finding::of(
                Grade::Limited,
                "budget",
                format!("{said}: only verbs go out"),
                "wait, or a credential of its own",
            )
        } else {
            Finding::good("budget", said)
        });
    }
    findings
}

/// Does a finding say it already? What was asked stands before it: `request rate: cannot connect …`.
fn is_told(said: &str, findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.grade != Grade::Good && said.ends_with(&finding.said))
}

/// Why nothing is judged, without what its connection says of itself above.
fn once(why: String, told: &[&Finding]) -> String {
    let told = told.iter().any(|finding| finding.grade != Grade::Good && why.ends_with(&finding.said));
    match why.split_once(": ") {
        Some((begin, _)) if told => format!("{begin}, see there: nothing is judged until it does"),
        _ => why,
    }
}

/// What of what runs cannot be judged, whatever its systems answer.
fn judging(blind: &BTreeSet<String>) -> Vec<Finding> {
    let mut said: Vec<Finding> =
        blind.iter().take(NAMED).map(|why| Finding::of(Grade::Limited, "judging", why.clone(), "")).collect();
    if blind.len() > NAMED {
        said.push(Finding::of(Grade::Limited, "judging", format!("{} more like these", blind.len() - NAMED), ""));
    }
    said
}

/// That a gate waits for ever, as it is set up.
fn stuck(gate: &Gate) -> Option<Finding> {
    let said = format!("{}, {}: {}", gate.place(), gate.title, gate.nobody()?);
    Some(Finding::of(Grade::Limited, "gates", said, "another reviewer in its system, or cancel what waits there"))
}

/// What is found on this machine.
fn here(ground: &Ground, globals: &Globals, environment: &BTreeMap<String, String>) -> Vec<Finding> {
    let journal = match ground.ledger().1 {
        Ok(()) => Finding::good("journal", format!("can be written: {}", ground.places().journal_file().display())),
        Err(why) => {
            let way = "state.path in the configuration, or `holdshort state init --group GROUP`";
            Finding::of(Grade::Broken, "journal", why.to_string(), way)
        }
    };
    let executor = if ground.world().is_some() {
        Finding::good("log-out", "the built-in world's acts are carried out in this process")
    } else {
        logout::survives(&logout::Machine::here(environment))
    };
    vec![journal, executor, terminal::drawn(&terminal::Terminal::here(globals, environment))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_connection_says_of_itself_is_not_said_again_by_what_rests_on_it() {
        let broken = Finding::of(Grade::Broken, "reached", "cannot connect to it: refused", "");
        assert!(is_told("request rate: cannot connect to it: refused", std::slice::from_ref(&broken)));
        assert!(!is_told("it answers with 500", std::slice::from_ref(&broken)));
        let once = |why: &str| once(why.to_owned(), &[&broken]);
        let expected = "metrics has not answered, see there: nothing is judged until it does";
        assert_eq!(once("metrics has not answered: request rate: cannot connect to it: refused"), expected);
        assert_eq!(once("nothing covers eu: set covers"), "nothing covers eu: set covers");
    }
}
