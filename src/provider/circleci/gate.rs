//! What waits on CircleCI: jobs that hold until somebody approves them, from its wire to our gates.

use chrono::TimeDelta;

use crate::{
    domain::{
        gate::{Approvals, Behind, Eligibility, Gate, Rule},
        offer::Offer,
        text::clean,
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::circleci::{
        address::Address,
        api, fact as own,
        normalize::{Pipeline, Site, page, workflow_facts},
        request::HELD_DAYS,
        tree::UNAUTHORIZED,
    },
};

/// CircleCI names nobody: whoever may push may approve, and whether what is behind it lets them in shows afterwards.
const WHO: &str = "CircleCI does not say whether you may: it takes the right to push, and a restricted context behind it may not let you in";
/// Who counts, in CircleCI's terms.
const ANYBODY: &str = "whoever may push";

/// A workflow, its pipeline and its jobs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) workflow: &'a api::Workflow,
    pub(super) jobs: &'a [api::Job],
}

/// Does this job hold now?
pub(super) fn holds(job: &api::Job) -> bool {
    job.is_hold() && job.word() == "on_hold"
}

/// What the jobs do that wait for this one, as far as they wait for no other.
fn behind(job: &api::Job, jobs: &[api::Job]) -> &'static str {
    let has_passed = |id: &String| jobs.iter().any(|one| one.id.as_ref() == Some(id) && one.word() == "success");
    let own = job.id.as_ref();
    let next = jobs.iter().filter(|one| one.dependencies.iter().any(|id| Some(id) == own));
    let next: Vec<&api::Job> =
        next.filter(|one| one.dependencies.iter().filter(|id| Some(*id) != own).all(has_passed)).collect();
    if next.iter().any(|one| one.word() == UNAUTHORIZED) {
        UNAUTHORIZED
    } else if next.iter().any(|one| matches!(one.word(), "blocked" | "not_running" | "")) {
        "waits"
    } else {
        "goes on"
    }
}

/// The facts of a job that holds. Of one that is not there only its workflow's.
pub(super) fn hold_facts(within: Within<'_>, id: &str) -> Facts {
    let mut facts = workflow_facts(within.workflow, within.pipeline);
    let job = within.jobs.iter().find(|job| job.is_hold() && job.id.as_deref().is_some_and(|own| clean(own) == id));
    if let Some(job) = job {
        let mut say = |name: &str, value: &str| facts.insert(name.to_owned(), clean(value));
        say(own::HOLD, id);
        say(own::HOLD_IS, Some(job.word()).filter(|word| !word.is_empty()).unwrap_or("unknown"));
        if let Some(request) = &job.approval_request_id {
            say(own::REQUEST, request);
        }
        say(own::BEHIND, behind(job, within.jobs));
    }
    facts
}

/// A job that holds. `None` where it or its workflow has no id: nothing could be sent to it.
pub(super) fn gate(
    Site { source, project, web }: Site<'_>,
    within: Within<'_>,
    job: &api::Job,
    (newer_behind, live): (u32, Option<Version>),
    now: Timestamp,
) -> Option<Gate> {
    let (workflow, id) = (clean(within.workflow.id.as_deref()?), clean(job.id.as_deref()?));
    let name = clean(job.name.as_deref().unwrap_or_default());
    let number = within.workflow.pipeline_number.or(within.pipeline.number).unwrap_or_default();
    let run = Address::run_id(source, &project.slug, &workflow);
    let environment = project.environment(&name);
    let since = job.started_at.or(within.workflow.created_at).unwrap_or(now);
    let eligible = Eligibility::Unknown { why: WHO.to_owned() };
    let mut identity = hold_facts(within, &id);
    // Another job of the workflow may fail beside it, and what is behind it waits anyway.
    for moving in [fact::STATUS, own::BEHIND] {
        identity.remove(moving);
    }
    let approve = match &job.approval_request_id {
        Some(_) => eligible.offer(Verb::Approve, environment.risk),
        None => Offer::blocked(Verb::Approve, environment.risk, "CircleCI gave no id that an approval could name"),
    };
    let rules = vec![Rule { who: ANYBODY.to_owned(), needed: 1, given: Vec::new() }];
    Some(Gate {
        id: Address::gate_id(&run, &id),
        service: project.service(),
        environment: environment.name,
        system: "CircleCI hold".to_owned(),
        title: clean(&format!("{} #{number}: {name}", project.name())),
        version: Some(within.pipeline.version(project)),
        since,
        // It ends the workflow, as cancelling it does.
        offers: vec![approve, Offer::open(Verb::Reject, environment.risk)],
        eligible,
        approvals: Some(Approvals { rules, expires: since.checked_add_signed(TimeDelta::days(HELD_DAYS)) }),
        behind: Behind::Run(run),
        newer_behind,
        live,
        url: page(web, "workflow", &workflow),
        identity,
    })
}

/// A gate of which CircleCI does not say now whether it still stands.
pub(super) fn as_it_was(gate: Gate, why: &str) -> Gate {
    let why = format!("it is as it was: {why}");
    let offers = gate.offers.into_iter().map(|offer| Offer { unsure: Some(why.clone()), ..offer }).collect();
    Gate { eligible: Eligibility::Unknown { why: why.clone() }, offers, ..gate }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str, status: &str, after: &[&str]) -> api::Job {
        api::Job {
            id: Some(id.to_owned()),
            status: Some(status.to_owned()),
            dependencies: after.iter().map(|id| (*id).to_owned()).collect(),
            ..api::Job::default()
        }
    }

    #[test]
    fn what_is_behind_a_hold_waits_goes_on_or_was_not_let_in_and_what_waits_for_others_too_says_nothing() {
        let hold = job("h", "success", &[]);
        let of = |next: &[api::Job]| behind(&hold, next);
        assert_eq!(of(&[job("d", "blocked", &["h"])]), "waits");
        assert_eq!(of(&[job("d", "queued", &["h"])]), "goes on");
        assert_eq!(of(&[job("d", "on_hold", &["h"])]), "goes on", "the next hold has its turn");
        assert_eq!(of(&[job("d", "running", &["h"]), job("e", "unauthorized", &["h"])]), "unauthorized");
        assert_eq!(of(&[job("d", "blocked", &["h", "x"]), job("x", "running", &[])]), "goes on");
        assert_eq!(of(&[]), "goes on");
    }
}
