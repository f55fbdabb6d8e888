//! Variables and secrets of a repository and its environments, as GitHub lists them: of a secret only that it is there.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    demo::{
        github::{
            repo::Repo,
            spec::{GivenSpec, SettingSpec},
            wire::time,
        },
        rest::{Outcome, Refused, page},
    },
    domain::time::Timestamp,
};

/// What a repository or an environment gives jobs.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    variables: Vec<Kept>,
    secrets: Vec<Kept>,
}

/// One setting.
#[derive(Clone, Debug)]
struct Kept {
    name: String,
    value: String,
    changed: Timestamp,
}

impl Given {
    /// As a scenario says it; `made` is a year before its start.
    pub(super) fn new(spec: &GivenSpec, made: Timestamp) -> Self {
        let start = made.checked_add_signed(TimeDelta::days(365)).unwrap_or(made);
        let kept = |one: &SettingSpec| Kept {
            name: one.name.clone(),
            value: one.value.clone(),
            changed: one.changed.from(start),
        };
        Self { variables: spec.variables.iter().map(kept).collect(), secrets: spec.secrets.iter().map(kept).collect() }
    }

    fn listed(&self, kind: &str) -> Vec<Value> {
        let all = if kind == "secrets" { &self.secrets } else { &self.variables };
        let one = |kept: &Kept| {
            let at = time(kept.changed);
            let mut one = json!({ "name": kept.name, "created_at": at, "updated_at": at });
            if let Some(fields) = one.as_object_mut().filter(|_| kind != "secrets") {
                fields.insert("value".to_owned(), kept.value.as_str().into());
            }
            one
        };
        all.iter().map(one).collect()
    }
}

/// The list that is asked for below `/repos/{owner}/{name}`; `None` where something else is.
pub(super) fn answer(repo: &Repo, request: &http::Request<bytes::Bytes>, path: &[&str]) -> Option<Outcome> {
    let (kind, given) = match path {
        ["environments", name, kind @ ("variables" | "secrets")] => match repo.environment(name) {
            Some(environment) => (*kind, Some(&environment.given)),
            None => return Some(Err(Refused::not_found())),
        },
        ["actions", kind @ ("variables" | "secrets")] => (*kind, Some(&repo.given)),
        ["actions", "organization-variables"] => ("variables", None),
        ["actions", "organization-secrets"] => ("secrets", None),
        _ => return None,
    };
    if repo.hides_settings {
        let message = "Resource not accessible by personal access token";
        return Some(Err(Refused::new(http::StatusCode::FORBIDDEN, message)));
    }
    let all = given.map(|given| given.listed(kind)).unwrap_or_default();
    Some(Ok(page(super::wire::API, request, Some(kind), all)))
}
