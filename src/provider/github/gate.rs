//! What waits on GitHub, from its wire to our gates: environments, whoever or whatever opens them, and runs that begin only once
//! somebody lets them in.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::{
    domain::{
        gate::{Behind, Eligibility, Gate},
        ids::{EnvironmentName, Person, SourceName},
        offer::{Offer, Risk},
        service::Environment,
        text::clean,
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::github::{
        Repository,
        address::Address,
        api, fact as own,
        normalize::{pipeline, risk, starter, status_of, unapproved, version},
    },
};

/// A run and what it waits for.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) run: api::Run,
    pub(super) pending: Vec<api::Pending>,
}

/// What was read of a repository that tells what waits there.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) waiting: Vec<Waiting>,
    /// Runs that begin only once somebody lets them.
    pub(super) unapproved: Vec<api::Run>,
    /// Runs that another one of their concurrency group holds back.
    pub(super) held: Vec<api::Run>,
    /// The apps whose rules protect an environment, by its name; absent where that could not be read.
    pub(super) rules: BTreeMap<String, Vec<String>>,
    /// Whether an environment lets nobody answer for a run of their own, by its name; absent where GitHub does not say.
    pub(super) own_barred: BTreeMap<String, bool>,
    /// What is live, by GitHub's name of the environment; absent where nobody knows.
    pub(super) live: BTreeMap<String, Version>,
}

/// Where and for whom gates are made, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    pub(super) source: &'a SourceName,
    pub(super) repo: &'a Repository,
    pub(super) me: Option<&'a Person>,
    pub(super) now: Timestamp,
}

/// Does it wait for a human? With no reviewers it waits for a timer or for an app's rule, which nobody here can answer.
pub(super) fn human(pending: &api::Pending) -> bool {
    pending.reviewers.len() > 0
}

/// Until when its timer runs, where it has one that is not over.
fn opens(pending: &api::Pending, now: Timestamp) -> Option<Timestamp> {
    let span = TimeDelta::try_minutes(pending.wait_timer.filter(|minutes| *minutes > 0)?)?;
    pending.wait_timer_started_at?.checked_add_signed(span).filter(|at| *at > now)
}

/// Is it for an app's rule to open it, as far as that can be told?
pub(super) fn by_rule(pending: &api::Pending, now: Timestamp) -> bool {
    !human(pending) && opens(pending, now).is_none()
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
    say(own::UNAPPROVED, unapproved(run).then(|| "yes".to_owned()));
    facts
}

/// The environment that waits under this name: its id. Absent when no human is waited for there.
pub(super) fn pending_id(pending: &[api::Pending], environment: &str) -> Option<u64> {
    pending.iter().filter(|p| human(p)).find(|p| clean(&called(p)) == environment)?.id()
}

/// What is live in each environment, by GitHub's name of it. Where the newest deployment failed nobody knows what is.
/// A commit that a known run carries is called as that run calls it.
pub(super) fn live(repo: &Repository, answer: &api::Live, runs: &[api::Run]) -> BTreeMap<String, Version> {
    let one = |environment: &api::LiveEnvironment| {
        let deployment = environment.latest_completed_deployment.clone()?;
        let state = deployment.state?.to_ascii_uppercase();
        let sha = deployment.commit_oid.filter(|_| matches!(state.as_str(), "ACTIVE" | "SUCCESS"))?;
        let deployed = api::Run {
            head_sha: Some(sha.clone()),
            head_branch: deployment.reference.and_then(|reference| reference.name),
            ..api::Run::default()
        };
        let run = runs.iter().find(|run| run.head_sha.as_ref() == Some(&sha)).unwrap_or(&deployed);
        Some((clean(environment.name.as_ref()?), version(repo, run)))
    };
    environments(answer).filter_map(one).collect()
}

/// Whether each environment lets nobody answer for a run of their own, by GitHub's name of it, where GitHub says that.
pub(super) fn own_barred(answer: &api::Live) -> BTreeMap<String, bool> {
    let one = |environment: &api::LiveEnvironment| {
        let rules = environment.protection_rules.iter().flat_map(|rules| &rules.nodes);
        let barred = rules.filter_map(|rule| rule.prevent_self_review).reduce(|one, other| one || other)?;
        Some((environment.name.clone()?, barred))
    };
    environments(answer).filter_map(one).collect()
}

fn environments(answer: &api::Live) -> impl Iterator<Item = &api::LiveEnvironment> {
    let repository = answer.data.as_ref().and_then(|data| data.repository.as_ref());
    repository.into_iter().flat_map(|repository| &repository.environments.nodes)
}

/// What an environment is called; one that GitHub does not name goes by its id.
fn called(pending: &api::Pending) -> String {
    let by_id = || pending.id().map_or_else(|| "unknown".to_owned(), |id| id.to_string());
    pending.name().map_or_else(by_id, str::to_owned)
}

/// All gates of a repository.
pub(super) fn gates(site: Site<'_>, seen: &Seen) -> Vec<Gate> {
    let pairs = seen.waiting.iter().flat_map(|w| w.pending.iter().map(move |p| (w, p)));
    let environments = pairs.filter_map(|(one, pending)| environment(site, &one.run, pending, seen));
    let runs = seen.unapproved.iter().filter_map(|run| unapproved_run(site, run, seen));
    environments.chain(runs).collect()
}

/// GitHub does not tell when it began to wait; a run that waits moves no more, so its last move was that.
fn since(run: &api::Run, now: Timestamp) -> Timestamp {
    run.updated_at.or(run.created_at).unwrap_or(now)
}

/// What plans for a gate are bound to, besides where the run is: that is what they change.
fn identity(run: &api::Run) -> Facts {
    let mut identity = facts(run);
    identity.remove(fact::STATUS);
    identity
}

fn environment(site: Site<'_>, run: &api::Run, pending: &api::Pending, seen: &Seen) -> Option<Gate> {
    let Site { source, repo, .. } = site;
    let theirs = called(pending);
    let ours = repo.environments.get(&theirs).cloned();
    let ours = ours.unwrap_or_else(|| Environment { name: EnvironmentName::new(&theirs), risk: Risk::High });
    let run_id = Address::run_id(source, &repo.owner, &repo.repo, run.id?);
    let eligible = eligible(site, run, pending, seen);
    let mut identity = identity(run);
    identity.extend(pending.id().map(|id| (own::PENDING.to_owned(), id.to_string())));
    Some(Gate {
        id: Address::gate_id(&run_id, &theirs),
        service: repo.service.clone(),
        system: "GitHub environment".to_owned(),
        title: clean(&format!("{} #{} to {theirs}", pipeline(run), run.run_number.unwrap_or_default())),
        version: Some(version(repo, run)),
        since: since(run, site.now),
        offers: offers(&eligible, ours.risk),
        environment: ours.name,
        eligible,
        // Any one of its reviewers is enough.
        approvals: None,
        behind: Behind::Run(run_id),
        newer_behind: newer(run, pending, seen),
        live: seen.live.get(&theirs).cloned(),
        url: run.html_url.as_deref().map(clean),
        identity,
    })
}

/// A run that waits for "Approve and run". It goes to no place that GitHub tells.
fn unapproved_run(site: Site<'_>, run: &api::Run, seen: &Seen) -> Option<Gate> {
    let Site { source, repo, .. } = site;
    let run_id = Address::run_id(source, &repo.owner, &repo.repo, run.id?);
    let why = "GitHub does not say whether you may: it takes the right to write";
    let eligible = Eligibility::Unknown { why: why.to_owned() };
    let mut offers = offers(&eligible, risk(repo));
    let reject =
        Offer::blocked(Verb::Reject, Risk::Medium, "GitHub knows no 'no' here: close its pull request instead");
    offers.retain(|offer| offer.verb != Verb::Reject);
    offers.push(reject);
    let same = |other: &&api::Run| {
        (other.workflow_id, &other.head_branch) == (run.workflow_id, &run.head_branch)
            && other.run_number > run.run_number
    };
    Some(Gate {
        id: Address::run_gate_id(&run_id),
        service: repo.service.clone(),
        environment: EnvironmentName::new(""),
        system: "GitHub run".to_owned(),
        title: clean(&format!("approve and run {} #{}", pipeline(run), run.run_number.unwrap_or_default())),
        version: Some(version(repo, run)),
        since: since(run, site.now),
        eligible,
        approvals: None,
        behind: Behind::Run(run_id),
        newer_behind: count(seen.unapproved.iter().filter(same)),
        live: None,
        url: run.html_url.as_deref().map(clean),
        identity: identity(run),
        offers,
    })
}

fn count<T>(all: impl Iterator<Item = T>) -> u32 {
    u32::try_from(all.count()).unwrap_or(u32::MAX)
}

/// A gate of which GitHub does not say now whether it still stands.
pub(super) fn as_it_was(gate: Gate, why: &str) -> Gate {
    let why = format!("it is as it was: {why}");
    let offers = gate.offers.into_iter().map(|offer| Offer { unsure: Some(why.clone()), ..offer }).collect();
    Gate { eligible: Eligibility::Unknown { why: why.clone() }, offers, ..gate }
}

/// Newer runs of the same workflow that wait for the same environment, or are held back until this one is through. GitHub
/// does not tell a run's concurrency group: of one workflow it is the same as a rule.
fn newer(run: &api::Run, pending: &api::Pending, seen: &Seen) -> u32 {
    let later = |other: &api::Run| other.workflow_id == run.workflow_id && other.run_number > run.run_number;
    let same = |other: &&Waiting| later(&other.run) && other.pending.iter().any(|p| p.id() == pending.id());
    let held = seen.held.iter().filter(|other| later(other));
    count(seen.waiting.iter().filter(same)).saturating_add(count(held))
}

/// May I, and if not, why and whom to ask. GitHub says yes or no; the reason is ours to find.
fn eligible(site: Site<'_>, run: &api::Run, pending: &api::Pending, seen: &Seen) -> Eligibility {
    let theirs = called(pending);
    if !human(pending) {
        return by_itself(pending, seen.rules.get(&theirs).map(Vec::as_slice), site.now);
    }
    match pending.current_user_can_approve {
        Some(true) => return Eligibility::Can,
        None => return Eligibility::Unknown { why: "GitHub does not say whether you may".to_owned() },
        Some(false) => {}
    }
    let owner = &site.repo.owner;
    let who = |reviewer: &api::Reviewer| match reviewer.reviewer.as_ref()? {
        api::Answerer { login: Some(login), .. } => Some(Person::new(login)),
        // A team, as GitHub mentions one.
        api::Answerer { slug: Some(slug), .. } => Some(Person::new(format!("{owner}/{slug}"))),
        api::Answerer { .. } => None,
    };
    let named: Vec<Person> = pending.reviewers.read.iter().flatten().filter_map(who).collect();
    let hidden = pending.reviewers.len() - named.len();
    // Where nobody answers for a run of their own, a gate whose only reviewer began the run waits for ever.
    if let (Some(author), [only], 0, Some(true)) =
        (starter(run), named.as_slice(), hidden, seen.own_barred.get(&theirs))
        && author == *only
    {
        let why = format!("the only reviewer of {theirs} is {only}, who started this run and may not approve it");
        return Eligibility::Nobody { why: clean(&why) };
    }
    let named_too = named.iter().any(|person| Some(person) == site.me);
    let ask: Vec<Person> = named.into_iter().filter(|person| Some(person) != site.me).collect();
    let unnamed = match (hidden, ask.is_empty()) {
        (0, _) => "",
        (_, true) => "; GitHub does not say who may approve",
        (_, false) => "; GitHub does not name every reviewer",
    };
    let mine = site.me.is_some() && starter(run).as_ref() == site.me;
    let why = match (mine, named_too, seen.own_barred.get(&theirs)) {
        (true, _, Some(true)) => "you started this run".to_owned(),
        // A reviewer who may not, or one whose run may be barred: nobody but GitHub knows why, and it gives no reason.
        (_, true, _) | (true, false, None) => "GitHub does not say why you may not".to_owned(),
        _ => format!("you are not a reviewer of {theirs}"),
    };
    Eligibility::Cannot { why: clean(&format!("{why}{unnamed}")), ask }
}

/// What opens an environment for which no human is asked.
fn by_itself(pending: &api::Pending, rules: Option<&[String]>, now: Timestamp) -> Eligibility {
    let why = match (opens(pending, now), rules) {
        (Some(at), _) if at.date_naive() == now.date_naive() => {
            format!("opens by itself at {} UTC", at.format("%H:%M"))
        }
        (Some(at), _) => format!("opens by itself on {} UTC", at.format("%-d %b at %H:%M")),
        (None, Some(rules)) if !rules.is_empty() => format!("waits for the rule {}, no human", rules.join(" and ")),
        (None, _) if pending.wait_timer.is_some_and(|m| m > 0) && pending.wait_timer_started_at.is_none() => {
            "opens by itself when its timer is over; GitHub does not say when".to_owned()
        }
        (None, None) => "waits for a rule that GitHub does not name, no human".to_owned(),
        (None, Some(_)) => return Eligibility::Unknown { why: "GitHub does not say who or what opens it".to_owned() },
    };
    Eligibility::Cannot { why: clean(&why), ask: Vec::new() }
}

fn offers(eligible: &Eligibility, risk: Risk) -> Vec<Offer> {
    [(Verb::Approve, risk), (Verb::Reject, Risk::Medium)].map(|(verb, risk)| eligible.offer(verb, risk)).to_vec()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gate_whose_only_reviewer_began_the_run_and_may_not_answer_for_it_waits_for_nobody() {
        let repo = Repository {
            owner: "acme".to_owned(),
            repo: "ledger".to_owned(),
            service: "ledger".into(),
            environments: BTreeMap::new(),
            version: None,
        };
        let (me, now, source) = (Person::new("dana"), Timestamp::UNIX_EPOCH, "github".into());
        let site = Site { source: &source, repo: &repo, me: Some(&me), now };
        let run: api::Run = serde_json::from_value(json!({"id": 5, "actor": {"login": "kim"}})).unwrap();
        let waits = |reviewers: serde_json::Value| -> api::Pending {
            let pending = json!({"environment": {"id": 7, "name": "prod"}, "current_user_can_approve": false,
                "reviewers": reviewers});
            serde_json::from_str(&pending.to_string()).unwrap()
        };
        let user = |login: &str| json!({"type": "User", "reviewer": {"login": login}});
        let kim = waits(json!([user("kim")]));
        let of = |pending: &api::Pending, barred: Option<bool>| {
            let own_barred = barred.map(|barred| ("prod".to_owned(), barred)).into_iter().collect();
            eligible(site, &run, pending, &Seen { own_barred, ..Seen::default() })
        };
        let why = "the only reviewer of prod is kim, who started this run and may not approve it".to_owned();
        assert_eq!(of(&kim, Some(true)), Eligibility::Nobody { why });
        // Where that is not known, or somebody else may, it waits for them.
        let ask = |names: &[&str]| Eligibility::Cannot {
            why: "you are not a reviewer of prod".to_owned(),
            ask: names.iter().map(Person::new).collect(),
        };
        assert_eq!((of(&kim, None), of(&kim, Some(false))), (ask(&["kim"]), ask(&["kim"])));
        assert_eq!(of(&waits(json!([user("kim"), user("lee")])), Some(true)), ask(&["kim", "lee"]));
        let team = json!({"type": "Team", "reviewer": {"slug": "releasers"}});
        assert_eq!(of(&waits(json!([team])), Some(true)), ask(&["acme/releasers"]));
    }
}
