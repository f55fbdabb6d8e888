//! What waits on GitLab: deployments that need approvals, and jobs that a pipeline needs and somebody starts by hand. From its wire to
//! our gates, with who may and whom to ask.

use std::collections::BTreeMap;

use crate::{
    domain::{
        gate::{Approvals, Behind, Eligibility, Gate, Rule},
        ids::{EnvironmentName, Person, SourceName},
        offer::{Offer, Risk},
        service::Environment,
        text::clean,
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::gitlab::{
        Project,
        address::Address,
        api, fact as own,
        freeze::Frozen,
        normalize::{approvals, deployment_facts, job_facts, person, url, version, version_of},
    },
};

/// What everybody is called where no rule names who counts.
const ANYBODY: &str = "whoever may deploy there";

/// For whom and where gates are made, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    pub(super) source: &'a SourceName,
    pub(super) project: &'a Project,
    /// The project's page.
    pub(super) web: Option<&'a str>,
    pub(super) me: Option<&'a Person>,
    /// Why the token may change nothing here, where that is known.
    pub(super) barred: Option<&'a str>,
    pub(super) frozen: &'a Frozen,
    pub(super) rules: &'a api::Rules,
    pub(super) live: &'a BTreeMap<String, Version>,
    pub(super) now: Timestamp,
}

/// A deployment that waits, and whether whoever asks may approve it, where GitLab says so.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    pub(super) deployment: api::Deployment,
    pub(super) may: Option<bool>,
}

/// The job of a pipeline that waits to be started by hand, as far as the pipeline needs it.
pub(super) fn needed(job: &api::Job) -> bool {
    job.status.as_deref() == Some("manual") && job.allow_failure != Some(true)
}

/// Deployments that wait, as gates.
pub(super) fn deployments(site: Site<'_>, all: &[Blocked]) -> Vec<Gate> {
    all.iter().filter_map(|one| deployment(site, one, all)).collect()
}

/// A deployment. `None` where it does not say which it is, or what deploys: nothing could be sent to it.
fn deployment(site: Site<'_>, one: &Blocked, all: &[Blocked]) -> Option<Gate> {
    let wire = &one.deployment;
    let job = wire.deployable.as_ref()?;
    let pipeline = job.pipeline.as_ref()?;
    let (id, number) = (wire.id?, pipeline.id?);
    let theirs = wire.environment.clone().unwrap_or_default();
    let ours = site.project.environment(&theirs);
    let run = Address::run_id(site.source, &site.project.path, number);
    let title = job.commit.as_ref().and_then(|commit| commit.title.as_deref());
    let approvals = approvals_of(wire);
    let eligible = eligible(site, one, &approvals);
    let same = |other: &&Blocked| other.deployment.environment == wire.environment && other.deployment.id > wire.id;
    let mut identity = deployment_facts(wire, site.me);
    for moving in [own::APPROVALS, own::BEGUN, fact::STATUS] {
        identity.remove(moving);
    }
    Some(Gate {
        id: Address::deployment_id(&run, id),
        service: site.project.service(),
        system: "GitLab deployment".to_owned(),
        title: clean(&format!("{} #{number} to {theirs}", site.project.name())),
        version: Some(version(site.project, wire.reference.as_deref(), title, wire.sha.as_deref())),
        since: wire.updated_at.or(wire.created_at).unwrap_or(site.now),
        offers: vec![
            held(eligible.offer(Verb::Approve, ours.risk), site.frozen),
            may_say(site, one).offer(Verb::Reject, Risk::Medium),
        ],
        environment: ours.name,
        eligible,
        approvals: Some(approvals),
        behind: Behind::Run(run),
        newer_behind: count(all.iter().filter(same)),
        live: site.live.get(&theirs).cloned(),
        url: url(site.project, site.web, pipeline),
        identity,
    })
}

/// How many are needed and who has said yes. Without rules GitLab tells how many are missing.
fn approvals_of(wire: &api::Deployment) -> Approvals {
    let yes = |approval: &api::Approval| approval.status.as_deref() == Some("approved");
    let given =
        |all: &[api::Approval]| all.iter().filter(|one| yes(one)).filter_map(|one| person(one.user.as_ref())).collect();
    let rules = wire.approval_summary.iter().flat_map(|summary| &summary.rules.read);
    let mut rules: Vec<Rule> = rules
        .map(|rule| Rule {
            who: clean(rule.access_level_description.as_deref().unwrap_or(ANYBODY)),
            needed: rule.required_approvals.unwrap_or(1),
            given: given(&rule.deployment_approvals.read),
        })
        .collect();
    if rules.is_empty() {
        let said: Vec<Person> =
            approvals(wire).into_iter().filter(|(_, said)| said == "approved").map(|(who, _)| who).collect();
        let missing = wire.pending_approval_count.unwrap_or(1);
        rules.push(Rule { who: ANYBODY.to_owned(), needed: missing.saturating_add(count(said.iter())), given: said });
    }
    Approvals { rules, expires: None }
}

fn count<T>(all: impl Iterator<Item = T>) -> u32 {
    u32::try_from(all.count()).unwrap_or(u32::MAX)
}

/// May I approve, and if not, why and whom to ask. Who began a pipeline may not, where the project does not allow that.
fn eligible(site: Site<'_>, one: &Blocked, approvals: &Approvals) -> Eligibility {
    let mine = approvals_given(&one.deployment, site.me);
    let may = if mine {
        Eligibility::Cannot { why: "you have approved it already".to_owned(), ask: Vec::new() }
    } else {
        may_say(site, one)
    };
    let open = approvals.rules.iter().filter(|rule| !rule.is_met() && rule.who != ANYBODY);
    let ask: Vec<Person> = open.map(|rule| Person::new(&rule.who)).collect();
    match may {
        Eligibility::Cannot { why, ask: none } if none.is_empty() && site.barred.is_none() => {
            Eligibility::Cannot { why, ask }
        }
        Eligibility::Can if began(site, &one.deployment) => {
            match site.rules.allow_pipeline_trigger_approve_deployment {
                Some(true) => Eligibility::Can,
                Some(false) => {
                    let why = "you began this pipeline, and its project lets nobody approve their own".to_owned();
                    Eligibility::Cannot { why, ask }
                }
                None => {
                    let why = "you began this pipeline: GitLab refuses that unless its project allows it".to_owned();
                    Eligibility::Unknown { why }
                }
            }
        }
        other => other,
    }
}

fn began(site: Site<'_>, deployment: &api::Deployment) -> bool {
    site.me.is_some() && person(deployment.user.as_ref()).as_ref() == site.me
}

/// Has this person approved it?
fn approvals_given(deployment: &api::Deployment, me: Option<&Person>) -> bool {
    approvals(deployment).iter().any(|(who, said)| Some(who) == me && said == "approved")
}

/// May I say yes or no to it at all? Who has said yes may still say no.
fn may_say(site: Site<'_>, one: &Blocked) -> Eligibility {
    let cannot = |why: &str| Eligibility::Cannot { why: why.to_owned(), ask: Vec::new() };
    if let Some(why) = site.barred {
        return cannot(why);
    }
    match one.may {
        Some(true) => Eligibility::Can,
        Some(false) => cannot("none of its approval rules names you"),
        None => Eligibility::Unknown { why: "GitLab does not say whether you may".to_owned() },
    }
}

/// An offer that goes forward, while a freeze may be in force.
pub(super) fn held(offer: Offer, frozen: &Frozen) -> Offer {
    match frozen {
        Frozen::Until(until) => {
            let why = format!(
                "a deploy freeze of the project is in force: it opens at {}",
                until.format("%Y-%m-%d %H:%M UTC")
            );
            Offer { blocked: offer.blocked.or(Some(why)), unsure: None, ..offer }
        }
        Frozen::Unknown(why) if offer.blocked.is_none() => {
            let unsure = [offer.unsure, Some(why.clone())].into_iter().flatten().collect::<Vec<_>>().join("; ");
            Offer { unsure: Some(unsure), ..offer }
        }
        Frozen::No | Frozen::Unknown(_) => offer,
    }
}

/// The jobs that wait in these pipelines to be started by hand, and are needed; `taken` are told otherwise.
pub(super) fn jobs(site: Site<'_>, pipelines: &[api::Pipeline], taken: &[u64]) -> Vec<Gate> {
    let of = |pipeline: &api::Pipeline| -> Vec<api::Job> {
        let all = pipeline.jobs.iter().flat_map(|jobs| jobs.nodes.read.iter().cloned());
        all.filter(needed).filter(|job| job.id.is_none_or(|id| !taken.contains(&id))).collect()
    };
    let each = pipelines.iter().flat_map(|pipeline| of(pipeline).into_iter().map(move |job| (pipeline, job)));
    each.filter_map(|(pipeline, wire)| job(site, pipeline, &wire, pipelines)).collect()
}

/// A job that waits. `None` where it or its pipeline has no id.
fn job(site: Site<'_>, pipeline: &api::Pipeline, wire: &api::Job, all: &[api::Pipeline]) -> Option<Gate> {
    let (number, id) = (pipeline.id?, wire.id?);
    let name = clean(wire.name.as_deref().unwrap_or_default());
    let run = Address::run_id(site.source, &site.project.path, number);
    let ours = site.project.environments.get(&name).cloned();
    let Environment { name: environment, risk } =
        ours.unwrap_or_else(|| Environment { name: EnvironmentName::new(&name), risk: Risk::High });
    let eligible = match (site.barred, wire.can_play) {
        (Some(why), _) => Eligibility::Cannot { why: why.to_owned(), ask: Vec::new() },
        (None, Some(true)) => Eligibility::Can,
        (None, Some(false)) => Eligibility::Cannot {
            why: "GitLab does not let you start it: it takes who may deploy to its environment, or push to its branch"
                .to_owned(),
            ask: Vec::new(),
        },
        (None, None) => Eligibility::Unknown { why: "GitLab does not say whether you may start it".to_owned() },
    };
    let waits_there = |other: &&api::Pipeline| {
        let jobs = other.jobs.iter().flat_map(|jobs| &jobs.nodes.read);
        other.id > pipeline.id && jobs.filter(|job| needed(job)).any(|job| job.name == wire.name)
    };
    let reject = "GitLab knows no 'no' to a job that is started by hand: leave it, or cancel its pipeline";
    let mut identity: Facts = job_facts(&api::Job { pipeline: Some(Box::new(pipeline.clone())), ..wire.clone() });
    identity.remove(own::BEGUN);
    Some(Gate {
        id: Address::job_id(site.source, &site.project.path, number, &id.to_string()),
        service: site.project.service(),
        system: "GitLab manual job".to_owned(),
        title: clean(&format!("{} #{number}: {name}", site.project.name())),
        version: Some(version_of(site.project, pipeline)),
        since: pipeline.updated_at.or(pipeline.started_at).or(pipeline.created_at).unwrap_or(site.now),
        offers: vec![
            held(eligible.offer(Verb::Approve, risk), site.frozen),
            Offer::blocked(Verb::Reject, Risk::Medium, reject),
        ],
        environment,
        eligible,
        // One is enough, whoever that is.
        approvals: None,
        behind: Behind::Run(run),
        newer_behind: count(all.iter().filter(waits_there)),
        live: site.live.get(&name).cloned(),
        url: url(site.project, site.web, pipeline),
        identity,
    })
}

/// A gate of which GitLab does not say now whether it still stands.
pub(super) fn as_it_was(gate: Gate, why: &str) -> Gate {
    let why = format!("it is as it was: {why}");
    let offers = gate.offers.into_iter().map(|offer| Offer { unsure: Some(why.clone()), ..offer }).collect();
    Gate { eligible: Eligibility::Unknown { why: why.clone() }, offers, ..gate }
}
