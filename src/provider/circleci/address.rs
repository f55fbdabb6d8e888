//! Where things are: our ids, taken apart. A project's slug has three parts; behind it stands a workflow
//! (`run/gh/acme/site/26c36d9b-…`), a job of it that holds (`gate/gh/acme/site/26c36d9b-…/0d5b6f0f-…`), or a pipeline
//! (`run/gh/acme/site/pipeline/5034460f-…`).
//!
//! Nobody is told of a place where a component is live, and of what puts it back there; they are of the gates' family, so that an act
//! finds who acts there: `gate/gh/acme/site/live/COMPONENT/ENVIRONMENT/NAMESPACE`, with the id of what was begun behind it.

use crate::{
    domain::{
        ids::SourceName,
        object::{Family, ObjectId},
        observed::FaultKind,
    },
    port::{error::ProviderError, fill::is_part},
};

const PIPELINE: &str = "pipeline";
const LIVE: &str = "live";
/// Parts of a slug.
const SLUG: usize = 3;

/// Something of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A workflow.
    Workflow(String),
    /// A job of a workflow that holds.
    Hold(String, String),
    /// A pipeline.
    Pipeline(String),
    /// Where a component is live, and perhaps what was begun to put an earlier version back there.
    Live(Place, Option<String>),
}

/// Where a component is live: all by their ids, but for the namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) component: String,
    pub(super) environment: String,
    pub(super) namespace: String,
}

/// Something, and the project that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) slug: String,
    pub(super) what: What,
}

impl Address {
    /// The address behind an id of ours.
    pub(super) fn of(target: &ObjectId) -> Result<Self, ProviderError> {
        Self::parse(target).ok_or_else(|| {
            let text = format!(
                "'{target}' is nothing on CircleCI: expected {0}/run/VCS/ORG/PROJECT/WORKFLOW or \
                 {0}/gate/VCS/ORG/PROJECT/WORKFLOW/JOB",
                target.source
            );
            ProviderError::new(FaultKind::Missing, text)
        })
    }

    pub(super) fn parse(target: &ObjectId) -> Option<Self> {
        let parts: Vec<&str> = target.path.split('/').collect();
        if !parts.iter().all(|part| is_part(part)) {
            return None;
        }
        let (slug, rest) = parts.split_at_checked(SLUG)?;
        let own = |text: &&str| (*text).to_owned();
        let is_gate = target.family == Family::gate();
        let what = match rest {
            [workflow] if target.family == Family::run() => What::Workflow(own(workflow)),
            [word, pipeline] if target.family == Family::run() && *word == PIPELINE => What::Pipeline(own(pipeline)),
            [workflow, job] if is_gate => What::Hold(own(workflow), own(job)),
            [word, component, environment, namespace, made @ ..] if is_gate && *word == LIVE && made.len() <= 1 => {
                let (component, environment) = (own(component), own(environment));
                What::Live(Place { component, environment, namespace: own(namespace) }, made.first().map(own))
            }
            _ => return None,
        };
        Some(Self { slug: slug.join("/"), what })
    }

    pub(super) fn run_id(source: &SourceName, slug: &str, workflow: &str) -> ObjectId {
        ObjectId::new(source, Family::run(), format!("{slug}/{workflow}"))
    }

    pub(super) fn pipeline_id(source: &SourceName, slug: &str, pipeline: &str) -> ObjectId {
        ObjectId::new(source, Family::run(), format!("{slug}/{PIPELINE}/{pipeline}"))
    }

    pub(super) fn gate_id(run: &ObjectId, job: &str) -> ObjectId {
        ObjectId::new(&run.source, Family::gate(), format!("{}/{job}", run.path))
    }

    pub(super) fn live_id(source: &SourceName, slug: &str, place: &Place) -> ObjectId {
        let Place { component, environment, namespace } = place;
        ObjectId::new(source, Family::gate(), format!("{slug}/{LIVE}/{component}/{environment}/{namespace}"))
    }

    /// `gh/acme/site workflow 26c36d9b`.
    pub(super) fn said(&self) -> String {
        let slug = &self.slug;
        match &self.what {
            What::Workflow(id) => format!("{slug} workflow {}", short(id)),
            What::Hold(_, job) => format!("{slug} hold {}", short(job)),
            What::Pipeline(id) => format!("{slug} pipeline {}", short(id)),
            What::Live(place, _) => format!("{slug} component {}", short(&place.component)),
        }
    }
}

/// The first part of a UUID, which is enough to find it.
pub(super) fn short(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_found_again_by_its_id_whatever_the_form_of_the_slug() {
        let source = SourceName::new("circleci");
        for slug in ["gh/acme/site", "bb/acme/site", "circleci/8e4z1Akd74woxagxnvLT5q/V29Cenkg8EaiSZARmWm8Lz"] {
            let at = |what| Ok(Address { slug: slug.to_owned(), what });
            let run = Address::run_id(&source, slug, "26c36d9b-0cc3");
            assert_eq!(Address::of(&run), at(What::Workflow("26c36d9b-0cc3".into())));
            let gate = Address::gate_id(&run, "0d5b6f0f-9f0c");
            assert_eq!(Address::of(&gate), at(What::Hold("26c36d9b-0cc3".into(), "0d5b6f0f-9f0c".into())));
            let pipeline = Address::pipeline_id(&source, slug, "5034460f-c7c4");
            assert_eq!(Address::of(&pipeline), at(What::Pipeline("5034460f-c7c4".into())));
            let place = Place { component: "c0-1".into(), environment: "e0-1".into(), namespace: "default".into() };
            let live = Address::live_id(&source, slug, &place);
            assert_eq!(Address::of(&live), at(What::Live(place.clone(), None)));
            let made = ObjectId::new(&source, Family::gate(), format!("{}/f0-1", live.path));
            assert_eq!(Address::of(&made), at(What::Live(place, Some("f0-1".into()))));
        }
        let run = Address::run_id(&source, "gh/acme/site", "26c36d9b-0cc3");
        assert_eq!(run.to_string(), "circleci/run/gh/acme/site/26c36d9b-0cc3");
        assert_eq!(Address::of(&run).unwrap().said(), "gh/acme/site workflow 26c36d9b");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (family, path) in [
            ("run", ""),
            ("run", "gh/acme/site"),
            ("run", "gh/acme/site/1/2"),
            ("run", "gh/acme/../1"),
            ("run", "gh/acme//1"),
            ("gate", "gh/acme/site/1"),
            ("gate", "gh/acme/site/live/c/e"),
            ("gate", "gh/acme/site/live/c/e/n/made/more"),
            ("deployment", "gh/acme/site/1"),
        ] {
            let id = ObjectId::new(&"circleci".into(), family, path);
            assert_eq!(Address::parse(&id), None, "{id}");
        }
        let error = Address::of(&ObjectId::new(&"circleci".into(), "run", "gh/acme")).unwrap_err();
        assert!(
            error.text.starts_with("'circleci/run/gh/acme' is nothing on CircleCI: expected circleci/run/VCS/ORG/")
        );
    }
}
