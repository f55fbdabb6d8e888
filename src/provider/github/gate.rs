//! Environments that wait for a reviewer, from GitHub's wire to our gates.

use std::collections::BTreeMap;

use crate::{
    domain::{
        gate::{Behind, Eligibility, Gate},
        ids::{EnvironmentName, Person, SourceName},
        offer::{Offer, Risk},
        service::Environment,
        text::clean,
        verb::Verb,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::github::{
        Repository,
        address::Address,
        api, fact as own,
        normalize::{pipeline, starter, status_of, version},
    },
};

/// A run and what it waits for.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) run: api::Run,
    pub(super) pending: Vec<api::Pending>,
}

/// Does it wait for a human? With no reviewers it waits for a timer or for an app's rule, which nobody here can answer.
pub(super) fn human(pending: &api::Pending) -> bool {
    !pending.reviewers.is_empty()
}

/// The facts that a plan for a run is bound to, and what it may expect.
pub(super) fn facts(run: &api::Run) -> Facts {
    let mut facts = Facts::new();
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), clean(&value));
        }
    };
    say(own::RUN, run.id.map(|id| id.to_string()));
    say(fact::ATTEMPT, Some(run.run_attempt.unwrap_or(1).to_string()));
    say(fact::COMMIT, run.head_sha.clone());
    say(fact::STATUS, Some(status_of(run).to_string()));
    facts
}

/// The environment that waits under this name: its id. Absent when no human is waited for there.
pub(super) fn pending_id(pending: &[api::Pending], environment: &str) -> Option<u64> {
    let named = |p: &&api::Pending| p.environment.name.as_deref().is_some_and(|name| clean(name) == environment);
    pending.iter().filter(|p| human(p)).find(named)?.environment.id
}

/// What is live in each environment, by GitHub's name of it. Where the newest deployment failed nobody knows what is.
/// A commit that a known run carries is called as that run calls it.
pub(super) fn live(answer: api::Live, runs: &[api::Run]) -> BTreeMap<String, Version> {
    let repository = answer.data.and_then(|data| data.repository).unwrap_or_default();
    let one = |environment: api::LiveEnvironment| {
        let deployment = environment.latest_completed_deployment?;
        let state = deployment.state?.to_ascii_uppercase();
        let sha = deployment.commit_oid.filter(|_| matches!(state.as_str(), "ACTIVE" | "SUCCESS"))?;
        let deployed = api::Run {
            head_sha: Some(sha.clone()),
            head_branch: deployment.reference.and_then(|reference| reference.name),
            ..api::Run::default()
        };
        let run = runs.iter().find(|run| run.head_sha.as_ref() == Some(&sha)).unwrap_or(&deployed);
        Some((clean(&environment.name?), version(run)))
    };
    repository.environments.nodes.into_iter().filter_map(one).collect()
}

/// All gates of a repository.
pub(super) fn gates(source: &SourceName, repo: &Repository, me: Option<&Person>, waiting: &[Waiting]) -> Vec<Gate> {
    let pairs = waiting.iter().flat_map(|w| w.pending.iter().filter(|p| human(p)).map(move |p| (w, p)));
    pairs.filter_map(|(one, pending)| gate(source, repo, me, &one.run, pending, waiting)).collect()
}

fn gate(
    source: &SourceName,
    repo: &Repository,
    me: Option<&Person>,
    run: &api::Run,
    pending: &api::Pending,
    all: &[Waiting],
) -> Option<Gate> {
    let theirs = pending.environment.name.as_deref()?;
    let environment = repo.environments.get(theirs).cloned();
    let environment =
        environment.unwrap_or_else(|| Environment { name: EnvironmentName::new(theirs), risk: Risk::High });
    let run_id = Address::run_id(source, &repo.owner, &repo.repo, run.id?);
    let eligible = eligible(run, pending, theirs, me, &repo.owner);
    let mut identity: BTreeMap<_, _> = facts(run);
    identity.remove(fact::STATUS);
    identity.insert(own::PENDING.to_owned(), pending.environment.id?.to_string());
    Some(Gate {
        id: Address::gate_id(&run_id, theirs),
        service: repo.service.clone(),
        system: "GitHub environment".to_owned(),
        title: clean(&format!("{} #{} to {theirs}", pipeline(run), run.run_number.unwrap_or_default())),
        version: Some(version(run)),
        // GitHub does not tell when it began to wait; a run that waits moves no more, so its last move was that.
        since: run.updated_at.or(run.created_at)?,
        offers: offers(&eligible, environment.risk),
        environment: environment.name,
        eligible,
        behind: Behind::Run(run_id),
        newer_behind: newer(run, pending, all),
        url: run.html_url.as_deref().map(clean),
        identity,
    })
}

/// Newer runs of the same workflow that wait for the same environment.
fn newer(run: &api::Run, pending: &api::Pending, all: &[Waiting]) -> u32 {
    let same = |other: &&Waiting| {
        other.run.workflow_id == run.workflow_id
            && other.run.run_number > run.run_number
            && other.pending.iter().any(|p| p.environment.id == pending.environment.id)
    };
    u32::try_from(all.iter().filter(same).count()).unwrap_or(u32::MAX)
}

/// May I, and if not, why and whom to ask. GitHub says yes or no; the reason is ours to find.
fn eligible(
    run: &api::Run,
    pending: &api::Pending,
    environment: &str,
    me: Option<&Person>,
    owner: &str,
) -> Eligibility {
    match pending.current_user_can_approve {
        Some(true) => return Eligibility::Can,
        None => return Eligibility::Unknown { why: "GitHub does not say whether you may".to_owned() },
        Some(false) => {}
    }
    let who = |reviewer: &api::Reviewer| match &reviewer.reviewer {
        api::Answerer { login: Some(login), .. } => Some(Person::new(login)),
        // A team, as GitHub mentions one.
        api::Answerer { slug: Some(slug), .. } => Some(Person::new(format!("{owner}/{slug}"))),
        api::Answerer { .. } => None,
    };
    let ask = pending.reviewers.iter().filter_map(who).filter(|person| Some(person) != me).collect();
    let author = me.is_some() && starter(run).as_ref() == me;
    let why = if author {
        "you started this run".to_owned()
    } else {
        clean(&format!("you are not a reviewer of {environment}"))
    };
    Eligibility::Cannot { why, ask }
}

fn offers(eligible: &Eligibility, risk: Risk) -> Vec<Offer> {
    [(Verb::Approve, risk), (Verb::Reject, Risk::Medium)]
        .map(|(verb, risk)| match eligible {
            Eligibility::Can => Offer::open(verb, risk),
            Eligibility::Unknown { why } => Offer { unsure: Some(why.clone()), ..Offer::open(verb, risk) },
            Eligibility::Cannot { why, ask } if ask.is_empty() => Offer::blocked(verb, risk, why),
            Eligibility::Cannot { why, ask } => {
                let names: Vec<_> = ask.iter().map(Person::as_str).collect();
                Offer::blocked(verb, risk, format!("{why}; ask {}", names.join(", ")))
            }
        })
        .to_vec()
}
