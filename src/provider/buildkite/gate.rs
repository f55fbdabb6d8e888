//! What waits on Buildkite: block steps that somebody may unblock now, from its wire to our gates.

use crate::{
    domain::{
        form::Field,
        gate::{Behind, Eligibility, Gate},
        ids::SourceName,
        offer::{Offer, Risk},
        text::clean,
        time::Timestamp,
        verb::Verb,
    },
    port::plan::{Facts, fact},
    provider::buildkite::{
        Watched,
        address::Address,
        api, fact as own,
        form::fields,
        normalize::{called, facts, step_state, version, waits},
    },
};

/// Buildkite does not name the teams that a step lets pass.
const WHO: &str = "Buildkite does not say whether you may: it takes the right to build, or one of the step's teams";

/// The block steps of a build that wait now.
pub(super) fn waiting(build: &api::Build) -> impl Iterator<Item = &api::Job> {
    build.jobs().iter().filter(|job| waits(job))
}

/// The facts of a build, and of one of its block steps. Of a step that is not there only the build's.
pub(super) fn step_facts(build: &api::Build, step: &str) -> Facts {
    let mut facts = facts(build);
    let job = build.jobs().iter().find(|job| job.id.as_deref().is_some_and(|id| clean(id) == step));
    if let Some(job) = job {
        facts.insert(own::STEP.to_owned(), step.to_owned());
        facts.insert(own::STEP_STATE.to_owned(), step_state(job));
    }
    facts
}

/// A block step that waits. `None` when it has no id, or its build no number: nothing could be sent to it.
pub(super) fn gate(
    source: &SourceName,
    watched: &Watched<'_>,
    (build, job): (&api::Build, &api::Job),
    all: &[api::Build],
    now: Timestamp,
) -> Option<Gate> {
    let (number, id) = (build.number?, clean(job.id.as_deref()?));
    let run = Address::run_id(source, watched.organization, watched.pipeline, number);
    let environment = watched.environment(job);
    let eligible = watched.may_not().map_or_else(|| may(job), |why| Eligibility::Cannot { why, ask: Vec::new() });
    let mut identity = step_facts(build, &id);
    // A build may fail beside a step that waits; what is let through is bound to the step.
    identity.remove(fact::STATUS);
    Some(Gate {
        id: Address::gate_id(&run, &id),
        service: watched.service(),
        system: "Buildkite block step".to_owned(),
        title: clean(&format!("{} #{number}: {}", watched.pipeline, called(job))),
        version: Some(version(watched.settings.version.as_ref(), build)),
        since: since(build, now),
        offers: offers(&eligible, environment.risk, fields(watched.inputs(job).unwrap_or_default())),
        environment: environment.name,
        eligible,
        // One is enough, whoever that is.
        approvals: None,
        behind: Behind::Run(run),
        newer_behind: newer(watched, build, job, all),
        live: None,
        url: build.web_url.as_deref().map(clean),
        identity,
    })
}

/// A gate of which Buildkite does not say now whether it still stands.
pub(super) fn as_it_was(gate: Gate, why: &str) -> Gate {
    let why = format!("it is as it was: {why}");
    let offers = gate.offers.into_iter().map(|offer| Offer { unsure: Some(why.clone()), ..offer }).collect();
    Gate { eligible: Eligibility::Unknown { why: why.clone() }, offers, ..gate }
}

/// A gate that the configuration may mean by a name that no step has: unblocked without what it asks for, it would go on with
/// nothing in its place.
pub(super) fn misnamed(gate: Gate, nowhere: &[&str], job: &api::Job) -> Gate {
    let (steps, called) = (nowhere.join("', '"), called(job));
    let why = format!(
        "`blocks` says what a step '{steps}' asks for, and no build has it; of '{called}' it says nothing: mend the name, or take it out"
    );
    let closed = |offer: Offer| match offer.verb {
        Verb::Approve => Offer { blocked: offer.blocked.or_else(|| Some(why.clone())), unsure: None, ..offer },
        _ => offer,
    };
    Gate { offers: gate.offers.into_iter().map(closed).collect(), ..gate }
}

/// Buildkite does not tell since when a step waits: that is when the last job before it ended, else when the build began.
fn since(build: &api::Build, now: Timestamp) -> Timestamp {
    let ended = build.jobs().iter().filter_map(|job| job.finished_at).max();
    ended.or(build.started_at).or(build.created_at).unwrap_or(now)
}

/// Newer builds of the pipeline that wait for the same step.
fn newer(watched: &Watched<'_>, build: &api::Build, job: &api::Job, all: &[api::Build]) -> u32 {
    let same = |other: &api::Job| match (&job.step_key, &other.step_key) {
        (Some(one), Some(two)) => one == two,
        _ => called(job) == called(other),
    };
    let later = |other: &&api::Build| other.slug() == Some(watched.pipeline) && other.number > build.number;
    let count = all.iter().filter(later).filter(|other| waiting(other).any(same)).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// May I? Buildkite never says so: only that the step can be unblocked at all.
fn may(job: &api::Job) -> Eligibility {
    let why = match job.unblockable {
        Some(_) => WHO,
        None => "Buildkite does not say whether it can be unblocked yet, nor by whom",
    };
    Eligibility::Unknown { why: why.to_owned() }
}

fn offers(eligible: &Eligibility, risk: Risk, form: Vec<Field>) -> Vec<Offer> {
    let reject = "Buildkite knows no 'no' to a block step: leave it, or cancel its build";
    vec![eligible.offer(Verb::Approve, risk).asking(form), Offer::blocked(Verb::Reject, Risk::Medium, reject)]
}
