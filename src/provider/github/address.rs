//! Where a run or an environment is: our ids, taken apart. `run/acme/ledger/16234`, `gate/acme/ledger/16234/prod`.

use crate::{
    domain::{
        ids::SourceName,
        object::{Family, ObjectId},
        observed::FaultKind,
    },
    port::error::ProviderError,
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
    /// The address behind an id of ours.
    pub(super) fn of(target: &ObjectId) -> Result<Self, ProviderError> {
        Self::parse(target).ok_or_else(|| {
            let text = format!(
                "'{target}' is nothing on GitHub: expected {0}/run/OWNER/NAME/ID or {0}/gate/OWNER/NAME/ID/ENVIRONMENT",
                target.source
            );
            ProviderError::new(FaultKind::Missing, text)
        })
    }

    pub(super) fn parse(target: &ObjectId) -> Option<Self> {
        // An environment's name may hold slashes: it is the rest.
        let mut parts = target.path.splitn(4, '/');
        let (owner, repo) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let run = parts.next()?.parse().ok()?;
        let environment = parts.next().map(str::to_owned);
        // A run may wait to be let in, for no environment yet.
        let known = target.family == Family::gate() || target.family == Family::run() && environment.is_none();
        known.then_some(Self { owner, repo, run, environment })
    }

    pub(super) fn run_id(source: &SourceName, owner: &str, repo: &str, run: u64) -> ObjectId {
        ObjectId::new(source, Family::run(), format!("{owner}/{repo}/{run}"))
    }

    /// The gate of a run that waits to be let in: it goes to no environment.
    pub(super) fn run_gate_id(run: &ObjectId) -> ObjectId {
        ObjectId::new(&run.source, Family::gate(), &run.path)
    }

    pub(super) fn gate_id(run: &ObjectId, environment: &str) -> ObjectId {
        ObjectId::new(&run.source, Family::gate(), format!("{}/{environment}", run.path))
    }
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
        assert_eq!(Address::of(&run), Ok(at(None)));
        assert_eq!(Address::of(&gate), Ok(at(Some("prod/eu"))));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (family, path) in [
            ("run", ""),
            ("run", "acme"),
            ("run", "acme/ledger/x"),
            ("run", "acme/ledger/1/prod"),
            ("argo_rollouts", "shop/payments"),
        ] {
            let id = ObjectId::new(&"github".into(), family, path);
            assert_eq!(Address::parse(&id), None, "{id}");
        }
        let error = Address::of(&ObjectId::new(&"github".into(), "run", "acme")).unwrap_err();
        assert_eq!(
            error.text,
            "'github/run/acme' is nothing on GitHub: expected github/run/OWNER/NAME/ID or \
             github/gate/OWNER/NAME/ID/ENVIRONMENT"
        );
    }
}
