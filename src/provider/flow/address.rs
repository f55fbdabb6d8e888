//! Where a run, a gate, a job or what is live is: our ids, taken apart. `run/123/41`, `gate/123/41/job-111`, `gate/123/41/order-9001`,
//! `gate/123/deploy-10_1`. Flow's own ids, for its names are of any characters.

use crate::{
    domain::{
        ids::SourceName,
        object::{Family, ObjectId},
        observed::FaultKind,
    },
    port::{error::ProviderError, fill::is_part},
};

const JOB: &str = "job-";
const ORDER: &str = "order-";
const DEPLOY: &str = "deploy-";

/// What of a pipeline it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A run of it.
    Run(u64),
    /// A job of a run.
    Job(u64, u64),
    /// A deploy order of a run.
    Order(u64, u64),
    /// What is live by a deploy job, which is called so.
    Deploy(String),
}

/// Something of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The pipeline's id.
    pub(super) pipeline: u64,
    pub(super) what: What,
}

impl Address {
    /// The address behind an id of ours.
    pub(super) fn of(target: &ObjectId) -> Result<Self, ProviderError> {
        Self::parse(target).ok_or_else(|| {
            let text = format!(
                "'{target}' is nothing on Flow: expected {0}/run/PIPELINE/RUN, {0}/gate/PIPELINE/RUN/job-ID or \
                 {0}/gate/PIPELINE/RUN/order-ID, with ids as Flow has them",
                target.source
            );
            ProviderError::new(FaultKind::Missing, text)
        })
    }

    pub(super) fn parse(target: &ObjectId) -> Option<Self> {
        let parts: Vec<&str> = target.path.split('/').collect();
        let (pipeline, rest) = parts.split_first()?;
        let what = match rest {
            [run] if target.family == Family::run() => What::Run(number(run)?),
            _ if target.family != Family::gate() => return None,
            [deploy] => What::Deploy(deploy.strip_prefix(DEPLOY).filter(|name| is_part(name))?.to_owned()),
            [run, job] if job.starts_with(JOB) => What::Job(number(run)?, number(job.strip_prefix(JOB)?)?),
            [run, order] => What::Order(number(run)?, number(order.strip_prefix(ORDER)?)?),
            _ => return None,
        };
        Some(Self { pipeline: number(pipeline)?, what })
    }

    /// The run that it is, or is of.
    pub(super) fn run(&self) -> Option<u64> {
        match self.what {
            What::Run(run) | What::Job(run, _) | What::Order(run, _) => Some(run),
            What::Deploy(_) => None,
        }
    }

    pub(super) fn run_id(source: &SourceName, pipeline: u64, run: u64) -> ObjectId {
        ObjectId::new(source, Family::run(), format!("{pipeline}/{run}"))
    }

    pub(super) fn job_id(source: &SourceName, pipeline: u64, run: u64, job: u64) -> ObjectId {
        ObjectId::new(source, Family::gate(), format!("{pipeline}/{run}/{JOB}{job}"))
    }

    pub(super) fn order_id(source: &SourceName, pipeline: u64, run: u64, order: u64) -> ObjectId {
        ObjectId::new(source, Family::gate(), format!("{pipeline}/{run}/{ORDER}{order}"))
    }

    pub(super) fn deploy_id(source: &SourceName, pipeline: u64, identifier: &str) -> ObjectId {
        ObjectId::new(source, Family::gate(), format!("{pipeline}/{DEPLOY}{identifier}"))
    }

    /// `pipeline 123 run 41`.
    pub(super) fn said(&self) -> String {
        match &self.what {
            What::Run(run) => format!("pipeline {} run {run}", self.pipeline),
            What::Job(run, job) => format!("pipeline {} run {run} job {job}", self.pipeline),
            What::Order(run, order) => format!("pipeline {} run {run} deploy order {order}", self.pipeline),
            What::Deploy(job) => format!("pipeline {} deployments by {job}", self.pipeline),
        }
    }
}

/// A number as Flow writes its ids, and no other way.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_is_taken_apart_as_it_was_made() {
        let source = SourceName::new("flow");
        let table = [
            (Address::run_id(&source, 123, 41), "flow/run/123/41", What::Run(41)),
            (Address::job_id(&source, 123, 41, 111), "flow/gate/123/41/job-111", What::Job(41, 111)),
            (Address::order_id(&source, 123, 41, 9), "flow/gate/123/41/order-9", What::Order(41, 9)),
            (Address::deploy_id(&source, 123, "10_1"), "flow/gate/123/deploy-10_1", What::Deploy("10_1".into())),
        ];
        for (id, text, what) in table {
            assert_eq!((id.to_string().as_str(), Address::of(&id)), (text, Ok(Address { pipeline: 123, what })));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (family, path) in [
            ("run", "123"),
            ("run", "0123/41"),
            ("run", "+1/41"),
            ("run", "123/41/job-1"),
            ("gate", "123/41"),
            ("gate", "123/41/step-1"),
            ("gate", "123/41/job-x"),
            ("gate", "123/deploy-a b"),
            ("deployment", "123/41"),
        ] {
            let id = ObjectId::new(&"flow".into(), family, path);
            assert_eq!(Address::parse(&id), None, "{id}");
        }
        let error = Address::of(&ObjectId::new(&"flow".into(), "run", "x")).unwrap_err();
        assert!(error.text.starts_with("'flow/run/x' is nothing on Flow: expected flow/run/PIPELINE/RUN"), "{error}");
    }
}
