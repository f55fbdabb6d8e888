//! What waits on Flow: validations that somebody may pass, jobs that somebody starts, and deployments to hosts that pause between two
//! batches; from its wire to our gates.

use crate::{
    domain::{
        gate::{Behind, Eligibility, Gate},
        offer::{Offer, Risk},
        service::Environment,
        text::clean,
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::flow::{
        address::Address,
        api::{self, Does, may},
        fact as own,
        normalize::{Site, is_manual, job_facts, machines, order_facts, order_is, waits},
        tree::called,
    },
};

/// A run as gates are told of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within<'a> {
    pub(super) site: &'a Site<'a>,
    pub(super) run: &'a api::Run,
    pub(super) number: u64,
    pub(super) version: &'a Version,
    pub(super) older: bool,
    pub(super) now: Timestamp,
}

/// What of one gate differs from another.
struct Told {
    system: &'static str,
    title: String,
    since: Option<Timestamp>,
    eligible: Eligibility,
    identity: Facts,
    offers: Vec<Offer>,
}

/// Those of a run that wait now, but for deployments between two batches. `others` are the live runs of the pipeline.
pub(super) fn waiting(within: &Within<'_>, others: &[api::Run]) -> Vec<Gate> {
    let of_job = |(stage, job): (&str, &api::Job)| {
        let id = job.id?;
        let environment = within.environment(stage, job);
        let told = if waits(job) {
            validation(within, job, &environment)
        } else if is_manual(job) {
            by_hand(within, job, &environment)
        } else {
            return None;
        };
        let address = Address::job_id(within.site.source, within.site.id, within.number, id);
        Some(within.gate(address, environment, told, newer(within, job, others)))
    };
    within.run.jobs().filter_map(of_job).collect()
}

/// A deployment that pauses between two batches; `None` for one that does not.
pub(super) fn paused(within: &Within<'_>, (stage, job): (&str, &api::Job), order: &api::Order) -> Option<Gate> {
    let id = order.deploy_order_id?;
    if order_is(order) != "paused" {
        return None;
    }
    let environment = within.environment(stage, job);
    let eligible = eligible(may(&order.actions, Does::Resume), "let its next batch go");
    let (done, all) = machines(order);
    let batch = match (order.current_batch, order.total_batch) {
        (Some(current), Some(total)) => format!("batch {current}/{total} done"),
        _ => "between batches".to_owned(),
    };
    let mut identity = job_facts(within.run, Some(job));
    identity.extend(order_facts(order));
    // Bound to the batch, and to no machine of it.
    let bound = [own::RUN, fact::COMMIT, own::ORDER, own::ORDER_IS, own::BATCH];
    identity.retain(|name, _| bound.contains(&name.as_str()));
    let offers = vec![eligible.offer(Verb::Next, environment.risk), stop(order)];
    let told = Told {
        system: "Flow batch",
        // What tells where it is stands first: lists cut the end.
        title: format!("{} {batch}: {}, {done} of {all} machines", within.site.said(within.number), called(job)),
        since: order.update_time,
        eligible,
        identity,
        offers,
    };
    let address = Address::order_id(within.site.source, within.site.id, within.number, id);
    Some(within.gate(address, environment, told, 0))
}

/// Going on with nothing of a deployment.
pub(super) fn stop(order: &api::Order) -> Offer {
    match may(&order.actions, Does::Stop) {
        Some(true) => Offer::open(Verb::Stop, Risk::Medium),
        Some(false) => Offer::blocked(Verb::Stop, Risk::Medium, "Flow does not let you stop this deployment"),
        None => Offer { unsure: Some(SILENT.to_owned()), ..Offer::open(Verb::Stop, Risk::Medium) },
    }
}

/// What a job that waits to be started is called among the gates.
pub(super) const MANUAL: &str = "Flow manual";
const SILENT: &str = "Flow does not say whether you may";

/// May I? Flow says so itself, of whoever asks, and never who else may.
fn eligible(may: Option<bool>, what: &str) -> Eligibility {
    match may {
        Some(true) => Eligibility::Can,
        Some(false) => {
            let why = format!("Flow does not let you {what}; the pipeline says who may");
            Eligibility::Cannot { why, ask: Vec::new() }
        }
        None => Eligibility::Unknown { why: SILENT.to_owned() },
    }
}

fn validation(within: &Within<'_>, job: &api::Job, environment: &Environment) -> Told {
    let eligible = eligible(may(&job.actions, Does::Pass), "pass it");
    let reject = match may(&job.actions, Does::Refuse) {
        Some(true) => Offer::open(Verb::Reject, Risk::Medium),
        Some(false) => Offer::blocked(Verb::Reject, Risk::Medium, "Flow does not let you refuse it"),
        None => Offer { unsure: Some(SILENT.to_owned()), ..Offer::open(Verb::Reject, Risk::Medium) },
    };
    Told {
        system: "Flow gate",
        title: format!("{} {}", within.site.said(within.number), called(job)),
        since: job.start_time,
        identity: within.bound(job),
        offers: vec![eligible.offer(Verb::Approve, environment.risk), reject],
        eligible,
    }
}

fn by_hand(within: &Within<'_>, job: &api::Job, environment: &Environment) -> Told {
    let eligible = if within.older {
        let why = "the older API of Flow starts no jobs: use a token".to_owned();
        Eligibility::Cannot { why, ask: Vec::new() }
    } else {
        eligible(may(&job.actions, Does::Start), "start it")
    };
    let reject = "a job that is started by hand is refused by not starting it; skip it, or leave it";
    Told {
        system: MANUAL,
        title: format!("{} {}", within.site.said(within.number), called(job)),
        since: job.start_time,
        identity: within.bound(job),
        offers: vec![
            eligible.offer(Verb::Approve, environment.risk),
            Offer::blocked(Verb::Reject, Risk::Medium, reject),
        ],
        eligible,
    }
}

impl Within<'_> {
    /// Where what is behind a job goes: where the job itself is said to go, else the next job of which that is said.
    fn environment(&self, stage: &str, job: &api::Job) -> Environment {
        let of = |stage: &str, job: &api::Job| {
            let named = &self.site.settings.environments;
            named.get(&called(job)).or_else(|| named.get(stage)).cloned()
        };
        let behind = || {
            let mut later = self.run.jobs().skip_while(|(_, other)| other.id != job.id).skip(1);
            later.find_map(|(stage, job)| of(stage, job))
        };
        of(stage, job).or_else(behind).unwrap_or_else(|| self.site.settings.environment(&called(job), stage))
    }

    /// What a plan for a job is bound to: the job as it stands there, of the code that was seen.
    fn bound(&self, job: &api::Job) -> Facts {
        let mut facts = job_facts(self.run, Some(job));
        let bound = [own::RUN, fact::COMMIT, own::JOB, own::JOB_IS, own::JOB_BEGAN];
        facts.retain(|name, _| bound.contains(&name.as_str()));
        facts
    }

    fn gate(
        &self,
        id: crate::domain::object::ObjectId,
        environment: Environment,
        told: Told,
        newer_behind: u32,
    ) -> Gate {
        let run = Address::run_id(self.site.source, self.site.id, self.number);
        Gate {
            id,
            service: self.site.settings.service(self.site.name),
            environment: environment.name,
            system: told.system.to_owned(),
            title: clean(&told.title),
            version: Some(self.version.clone()),
            since: told.since.or(self.run.update_time).or(self.run.create_time).unwrap_or(self.now),
            eligible: told.eligible,
            // One is enough, whoever that is: how many a validation wants, Flow does not tell.
            approvals: None,
            behind: Behind::Run(run),
            newer_behind,
            live: None,
            url: self.site.url(self.number),
            identity: told.identity,
            offers: told.offers,
        }
    }
}

/// A gate of which Flow does not say now whether it still stands.
pub(super) fn as_it_was(gate: Gate, why: &str) -> Gate {
    let why = format!("it is as it was: {why}");
    let offers = gate.offers.into_iter().map(|offer| Offer { unsure: Some(why.clone()), ..offer }).collect();
    Gate { eligible: Eligibility::Unknown { why: why.clone() }, offers, ..gate }
}

/// Newer runs of the pipeline that wait for the same.
fn newer(within: &Within<'_>, job: &api::Job, others: &[api::Run]) -> u32 {
    let later = others.iter().filter(|other| other.pipeline_run_id > Some(within.number));
    let same = |other: &api::Job| called(other) == called(job) && (waits(other) || is_manual(other));
    let count = later.filter(|other| other.jobs().any(|(_, job)| same(job))).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}
