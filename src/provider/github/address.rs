//! Where a run or an environment is: our ids, taken apart. `acme/ledger/runs/16234`, with `/environments/prod` for a gate.

use crate::{
    domain::{
        ids::{GateId, RunId, SourceName},
        observed::FaultKind,
    },
    port::{error::ProviderError, plan::Target},
};

/// A run, and perhaps one of the environments it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) owner: String,
    pub(super) repo: String,
    pub(super) run: u64,
    pub(super) environment: Option<String>,
}

impl Address {
    /// The address behind a target of ours.
    pub(super) fn of(target: &Target) -> Result<Self, ProviderError> {
        let path = match target {
            Target::Gate(id) => &id.path,
            Target::Run(id) => &id.path,
            Target::Rollout(id) => return Err(stranger(&id.path)),
        };
        Self::parse(path).ok_or_else(|| stranger(path))
    }

    /// The address of a run.
    pub(super) fn of_run(id: &RunId) -> Result<Self, ProviderError> {
        Self::parse(&id.path).ok_or_else(|| stranger(&id.path))
    }

    pub(super) fn parse(path: &str) -> Option<Self> {
        // An environment's name may hold slashes: it is the rest.
        let mut parts = path.splitn(6, '/');
        let (owner, repo) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let run = (parts.next()? == "runs").then(|| parts.next()?.parse().ok()).flatten()?;
        let environment = match (parts.next(), parts.next()) {
            (None, _) => None,
            (Some("environments"), Some(name)) => Some(name.to_owned()),
            _ => return None,
        };
        Some(Self { owner, repo, run, environment })
    }

    pub(super) fn run_id(source: &SourceName, owner: &str, repo: &str, run: u64) -> RunId {
        RunId::new(source, format!("{owner}/{repo}/runs/{run}"))
    }

    pub(super) fn gate_id(run: &RunId, environment: &str) -> GateId {
        GateId::new(&run.source, format!("{}/environments/{environment}", run.path))
    }
}

fn stranger(path: &str) -> ProviderError {
    let text =
        format!("'{path}' is nothing on GitHub: expected OWNER/NAME/runs/ID or OWNER/NAME/runs/ID/environments/NAME");
    ProviderError::new(FaultKind::Missing, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_and_a_run_are_found_again_by_their_ids() {
        let run = Address::run_id(&"github".into(), "acme", "ledger", 26_400_000_017);
        let gate = Address::gate_id(&run, "prod/eu");
        let at = |environment: Option<&str>| Address {
            owner: "acme".into(),
            repo: "ledger".into(),
            run: 26_400_000_017,
            environment: environment.map(str::to_owned),
        };
        assert_eq!(Address::of_run(&run), Ok(at(None)));
        assert_eq!(Address::of(&Target::Gate(gate)), Ok(at(Some("prod/eu"))));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for path in ["", "acme", "acme/ledger", "acme/ledger/runs/x", "acme/ledger/jobs/1", "acme/ledger/runs/1/prod"] {
            assert_eq!(Address::parse(path), None, "{path}");
        }
    }
}
