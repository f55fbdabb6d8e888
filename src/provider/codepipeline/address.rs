//! Where an execution, an approval or a held transition is: our ids, taken apart. `run/payments/3137f7cb-…`,
//! `gate/payments/3137f7cb-…/Prod/Approve`, `gate/payments/3137f7cb-…/Prod`.

use crate::{
    domain::{
        ids::SourceName,
        object::{Family, ObjectId},
        observed::FaultKind,
    },
    port::error::ProviderError,
};

/// An execution, and perhaps a place in it where it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) pipeline: String,
    pub(super) execution: String,
    /// The stage that it waits in, or waits to enter.
    pub(super) stage: Option<String>,
    /// The approval that it waits for; without it, it waits to enter.
    pub(super) action: Option<String>,
}

impl Address {
    /// The address behind an id of ours.
    pub(super) fn of(target: &ObjectId) -> Result<Self, ProviderError> {
        Self::parse(target).ok_or_else(|| {
            let text = format!(
                "'{target}' is nothing on CodePipeline: expected {0}/run/PIPELINE/EXECUTION, {0}/gate/PIPELINE/EXECUTION/STAGE/ACTION \
                 or {0}/gate/PIPELINE/EXECUTION/STAGE",
                target.source
            );
            ProviderError::new(FaultKind::Missing, text)
        })
    }

    pub(super) fn parse(target: &ObjectId) -> Option<Self> {
        let mut parts = target.path.split('/').map(str::to_owned);
        let (pipeline, execution) = (parts.next()?, parts.next()?);
        let (stage, action) = (parts.next(), parts.next());
        let family = if stage.is_some() { Family::gate() } else { Family::run() };
        let names = [Some(&pipeline), stage.as_ref(), action.as_ref()].into_iter().flatten().all(|name| is_name(name));
        let whole = parts.next().is_none() && is_execution(&execution) && names;
        (target.family == family && whole).then_some(Self { pipeline, execution, stage, action })
    }

    pub(super) fn run_id(source: &SourceName, pipeline: &str, execution: &str) -> ObjectId {
        ObjectId::new(source, Family::run(), format!("{pipeline}/{execution}"))
    }

    /// A place in an execution where it waits: for an approval, or to enter the stage.
    pub(super) fn gate_id(run: &ObjectId, stage: &str, action: Option<&str>) -> ObjectId {
        let action = action.map(|action| format!("/{action}")).unwrap_or_default();
        ObjectId::new(&run.source, Family::gate(), format!("{}/{stage}{action}", run.path))
    }

    /// `payments, execution 3137f7cb`.
    pub(super) fn said(&self) -> String {
        format!("{}, execution {}", self.pipeline, short(&self.execution))
    }
}

/// An execution as the console cuts it.
pub(super) fn short(execution: &str) -> &str {
    execution.split('-').next().unwrap_or(execution)
}

/// As pipelines, stages and actions are called.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '-' | '_');
    (1..=100).contains(&text.len()) && text != "." && text != ".." && text.chars().all(plain)
}

/// Five groups of hex digits.
pub(super) fn is_execution(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3137f7cb-7cf7-439f-9458-d7ee30000000";

    #[test]
    fn an_execution_and_the_places_where_it_waits_are_found_again_by_their_ids() {
        let run = Address::run_id(&"aws".into(), "pay@ments", ID);
        let at = |stage: Option<&str>, action: Option<&str>| Address {
            pipeline: "pay@ments".into(),
            execution: ID.into(),
            stage: stage.map(str::to_owned),
            action: action.map(str::to_owned),
        };
        assert_eq!((run.path.as_str(), Address::of(&run)), (&*format!("pay@ments/{ID}"), Ok(at(None, None))));
        let approval = Address::gate_id(&run, "Prod", Some("Approve"));
        assert_eq!(Address::of(&approval), Ok(at(Some("Prod"), Some("Approve"))));
        assert_eq!(Address::of(&Address::gate_id(&run, "Prod", None)), Ok(at(Some("Prod"), None)));
        assert_eq!(at(None, None).said(), "pay@ments, execution 3137f7cb");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (family, path) in [
            ("run", String::new()),
            ("run", "payments".into()),
            ("run", "payments/812".into()),
            ("run", format!("../{ID}")),
            ("run", format!("payments/{ID}/Prod")),
            ("gate", format!("payments/{ID}")),
            ("gate", format!("payments/{ID}/")),
            ("gate", format!("payments/{ID}/Prod/..")),
            ("gate", format!("payments/{ID}/Prod/Approve/more")),
            ("flag", format!("payments/{ID}")),
        ] {
            let id = ObjectId::new(&"aws".into(), family, path);
            assert_eq!(Address::parse(&id), None, "{id}");
        }
        let error = Address::of(&ObjectId::new(&"aws".into(), "run", "payments")).unwrap_err();
        assert!(
            error
                .text
                .starts_with("'aws/run/payments' is nothing on CodePipeline: expected aws/run/PIPELINE/EXECUTION"),
            "{error}"
        );
    }
}
