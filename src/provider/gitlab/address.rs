//! Where things are: our ids, taken apart. `run/acme/shop/payments/47`, `gate/acme/shop/payments/47/deployment-42`,
//! `gate/acme/shop/payments/47/job-664`; and an environment, which who puts an earlier version back binds to: it is told by
//! nobody, and is of the gates' family, so that an act finds who acts there: `gate/acme/shop/payments/environment-prod%2Feu`.
//! A project has two parts or more.

use crate::{
    domain::{
        ids::SourceName,
        object::{Family, ObjectId},
        observed::FaultKind,
    },
    port::{error::ProviderError, fill::is_part},
    provider::http::client::part,
};

const DEPLOYMENT: &str = "deployment-";
const JOB: &str = "job-";
const ENVIRONMENT: &str = "environment-";

/// What of a pipeline a gate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// A deployment that waits for approvals, by its id.
    Deployment(u64),
    /// A job, by its id.
    Job(u64),
}

/// Something of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A pipeline by its id, and perhaps something within.
    Pipeline(u64, Option<Within>),
    /// An environment, by GitLab's name of it.
    Environment(String),
}

/// Something, and the project that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The project's full path.
    pub(super) project: String,
    pub(super) what: What,
}

impl Address {
    /// The address behind an id of ours.
    pub(super) fn of(target: &ObjectId) -> Result<Self, ProviderError> {
        Self::parse(target).ok_or_else(|| {
            let text = format!(
                "'{target}' is nothing on GitLab: expected {0}/run/GROUP/PROJECT/PIPELINE or \
                 {0}/gate/GROUP/PROJECT/PIPELINE/deployment-ID or …/job-ID",
                target.source
            );
            ProviderError::new(FaultKind::Missing, text)
        })
    }

    pub(super) fn parse(target: &ObjectId) -> Option<Self> {
        let (before, last) = target.path.rsplit_once('/')?;
        let (project, what) = if target.family == Family::run() {
            (before, What::Pipeline(number(last)?, None))
        } else if target.family != Family::gate() {
            return None;
        } else if let Some(name) = last.strip_prefix(ENVIRONMENT) {
            (before, What::Environment(decoded(name)?))
        } else {
            let (project, pipeline) = before.rsplit_once('/')?;
            let within = match (last.strip_prefix(DEPLOYMENT), last.strip_prefix(JOB)) {
                (Some(id), _) => Within::Deployment(number(id)?),
                (None, Some(id)) => Within::Job(number(id)?),
                (None, None) => return None,
            };
            (project, What::Pipeline(number(pipeline)?, Some(within)))
        };
        let whole = project.split('/').count() >= 2 && project.split('/').all(is_part);
        whole.then(|| Self { project: project.to_owned(), what })
    }

    /// The pipeline, where it is one or something within one.
    pub(super) fn pipeline(&self) -> Option<u64> {
        if let What::Pipeline(id, _) = self.what { Some(id) } else { None }
    }

    pub(super) fn run_id(source: &SourceName, project: &str, pipeline: u64) -> ObjectId {
        ObjectId::new(source, Family::run(), format!("{project}/{pipeline}"))
    }

    pub(super) fn deployment_id(run: &ObjectId, deployment: u64) -> ObjectId {
        ObjectId::new(&run.source, Family::gate(), format!("{}/{DEPLOYMENT}{deployment}", run.path))
    }

    /// `job` is an id, or what stands for one that an answer will give.
    pub(super) fn job_id(source: &SourceName, project: &str, pipeline: u64, job: &str) -> ObjectId {
        ObjectId::new(source, Family::gate(), format!("{project}/{pipeline}/{JOB}{job}"))
    }

    pub(super) fn environment_id(source: &SourceName, project: &str, environment: &str) -> ObjectId {
        ObjectId::new(source, Family::gate(), format!("{project}/{ENVIRONMENT}{}", part(environment)))
    }

    /// `acme/shop/payments pipeline 47`.
    pub(super) fn said(&self) -> String {
        let project = &self.project;
        match &self.what {
            What::Pipeline(id, None) => format!("{project} pipeline {id}"),
            What::Pipeline(_, Some(Within::Deployment(id))) => format!("{project} deployment {id}"),
            What::Pipeline(_, Some(Within::Job(id))) => format!("{project} job {id}"),
            What::Environment(name) => format!("{project} environment {name}"),
        }
    }
}

/// A number as it is written: two writings of one would be two objects.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// The name behind one part of a path, where it is written as it would be.
fn decoded(text: &str) -> Option<String> {
    let decoded: String = percent(text)?;
    (part(&decoded) == text && !decoded.is_empty()).then_some(decoded)
}

fn percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(family: &str, path: &str) -> Option<Address> {
        Address::parse(&ObjectId::new(&"gitlab".into(), family, path))
    }

    #[test]
    fn everything_is_found_again_by_its_id_however_deep_its_project_lies() {
        let source = SourceName::new("gitlab");
        let project = "acme/shop/payments";
        let run = Address::run_id(&source, project, 47);
        let at = |what| Ok(Address { project: project.to_owned(), what });
        assert_eq!(run.to_string(), "gitlab/run/acme/shop/payments/47");
        assert_eq!(Address::of(&run), at(What::Pipeline(47, None)));
        let deployment = Address::deployment_id(&run, 42);
        assert_eq!(Address::of(&deployment), at(What::Pipeline(47, Some(Within::Deployment(42)))));
        let job = Address::job_id(&source, project, 47, "664");
        assert_eq!(Address::of(&job), at(What::Pipeline(47, Some(Within::Job(664)))));
        let environment = Address::environment_id(&source, project, "prod/eu west");
        assert_eq!(environment.path, "acme/shop/payments/environment-prod%2Feu%20west");
        assert_eq!(Address::of(&environment), at(What::Environment("prod/eu west".into())));
        assert_eq!(of("run", "acme/ledger/1").map(|at| at.said()).as_deref(), Some("acme/ledger pipeline 1"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (family, path) in [
            ("run", ""),
            ("run", "ledger/1"),
            ("run", "acme/ledger/x"),
            ("run", "acme/ledger/01"),
            ("run", "acme//1"),
            ("run", "acme/../1"),
            ("gate", "acme/ledger/1"),
            ("gate", "acme/ledger/1/job-x"),
            ("gate", "acme/ledger/1/step-2"),
            ("gate", "acme/ledger/environment-"),
            ("gate", "acme/ledger/environment-%2"),
            ("gate", "acme/ledger/environment-%61"),
            ("environment", "acme/ledger/prod"),
            ("deployment", "acme/ledger/1"),
        ] {
            assert_eq!(of(family, path), None, "{family}/{path}");
        }
        let error = Address::of(&ObjectId::new(&"gitlab".into(), "run", "acme")).unwrap_err();
        assert!(error.text.starts_with("'gitlab/run/acme' is nothing on GitLab: expected gitlab/run/GROUP/PROJECT/"));
    }
}
