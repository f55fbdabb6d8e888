//! Where a build or a block step is: our ids, taken apart. `run/acme/ledger/812`, `gate/acme/ledger/812/ded35de2-…`.

use crate::{
    domain::{
        ids::SourceName,
        object::{Family, ObjectId},
        observed::FaultKind,
    },
    port::error::ProviderError,
};

/// A build, and perhaps one of its block steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) organization: String,
    /// The pipeline, as its address has it.
    pub(super) pipeline: String,
    pub(super) build: u64,
    /// The id of the block step's job.
    pub(super) step: Option<String>,
}

impl Address {
    /// The address behind an id of ours.
    pub(super) fn of(target: &ObjectId) -> Result<Self, ProviderError> {
        Self::parse(target).ok_or_else(|| {
            let text = format!(
                "'{target}' is nothing on Buildkite: expected {0}/run/ORGANIZATION/PIPELINE/NUMBER or \
                 {0}/gate/ORGANIZATION/PIPELINE/NUMBER/JOB",
                target.source
            );
            ProviderError::new(FaultKind::Missing, text)
        })
    }

    pub(super) fn parse(target: &ObjectId) -> Option<Self> {
        let mut parts = target.path.split('/').map(str::to_owned);
        let (organization, pipeline) = (parts.next()?, parts.next()?);
        let (build, step) = (parts.next()?.parse().ok()?, parts.next());
        let whole = parts.next().is_none() && !organization.is_empty() && !pipeline.is_empty();
        let known = match &step {
            Some(step) => target.family == Family::gate() && !step.is_empty(),
            None => target.family == Family::run(),
        };
        (known && whole).then_some(Self { organization, pipeline, build, step })
    }

    pub(super) fn run_id(source: &SourceName, organization: &str, pipeline: &str, build: u64) -> ObjectId {
        ObjectId::new(source, Family::run(), format!("{organization}/{pipeline}/{build}"))
    }

    pub(super) fn gate_id(run: &ObjectId, step: &str) -> ObjectId {
        ObjectId::new(&run.source, Family::gate(), format!("{}/{step}", run.path))
    }

    /// `acme/ledger build 812`.
    pub(super) fn said(&self) -> String {
        format!("{}/{} build {}", self.organization, self.pipeline, self.build)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_and_a_block_step_are_found_again_by_their_ids() {
        let run = Address::run_id(&"buildkite".into(), "acme", "ledger", 812);
        let gate = Address::gate_id(&run, "ded35de2-7de0");
        let at = |step: Option<&str>| Address {
            organization: "acme".into(),
            pipeline: "ledger".into(),
            build: 812,
            step: step.map(str::to_owned),
        };
        assert_eq!((run.to_string().as_str(), Address::of(&run)), ("buildkite/run/acme/ledger/812", Ok(at(None))));
        assert_eq!(Address::of(&gate), Ok(at(Some("ded35de2-7de0"))));
        assert_eq!(at(None).said(), "acme/ledger build 812");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (family, path) in [
            ("run", ""),
            ("run", "acme"),
            ("run", "acme/ledger/x"),
            ("run", "/ledger/1"),
            ("run", "acme/ledger/1/step"),
            ("gate", "acme/ledger/1"),
            ("gate", "acme/ledger/1/"),
            ("gate", "acme/ledger/1/step/more"),
            ("deployment", "shop/payments"),
        ] {
            let id = ObjectId::new(&"buildkite".into(), family, path);
            assert_eq!(Address::parse(&id), None, "{id}");
        }
        let error = Address::of(&ObjectId::new(&"buildkite".into(), "run", "acme")).unwrap_err();
        assert_eq!(
            error.text,
            "'buildkite/run/acme' is nothing on Buildkite: expected buildkite/run/ORGANIZATION/PIPELINE/NUMBER or \
             buildkite/gate/ORGANIZATION/PIPELINE/NUMBER/JOB"
        );
    }
}
