//! What CircleCI gives jobs that deploy somewhere: names of its own variables and of contexts, and where a context may not be seen into.

use std::collections::BTreeMap;

use holdshort::{
    domain::{observed::FaultKind, offer::Risk, service::Environment, setting::Settings},
    provider::circleci::Project,
};

use crate::{
    lookup::Asking,
    scene::{Scene, project},
};

const SCENARIO: &str = r#"
user = "dana"
contexts = { site-prod = ["DB_HOST", "PIN", "BANNER"], site-staging = ["DB_HOST", "PIN"], closed = ["X"], other = ["Y"] }
restricted = ["closed"]
[[projects]]
slug = "gh/acme/site"
variables = ["PIN", "LEVEL"]
jobs = [{ name = "hold-production", hold = true }, { name = "deploy", takes = "1m" }]
pipelines = [{ number = 1, tag = "v1.0.0", commit = "aaaa1111aaaa1111aaaa1111aaaa1111aaaa1111", subject = "site", user = "kim", started = "-1d" }]
"#;

fn with(environments: &[(&str, &str)]) -> Vec<Project> {
    let ours = |name: &str| Environment { name: name.into(), risk: Risk::High };
    let environments: BTreeMap<String, Environment> =
        environments.iter().map(|(theirs, name)| ((*theirs).to_owned(), ours(name))).collect();
    vec![Project { environments, ..project("gh/acme/site") }]
}

fn shown(settings: &Settings) -> Vec<(&str, &str)> {
    settings.all.iter().map(|one| (one.name.as_str(), one.place.as_str())).collect()
}

#[tokio::test]
async fn a_context_that_is_for_there_goes_before_the_project_and_what_both_are_given_once_is_the_same() {
    let named = with(&[("site-prod", "prod/eu"), ("site-staging", "staging")]);
    let scene = Scene::of(SCENARIO, named);
    let prod = scene.connection.lookups[0].settings("site", "prod/eu").await.unwrap();
    let expected = [
        ("DB_HOST", "context site-prod"),
        ("PIN", "context site-prod"),
        ("BANNER", "context site-prod"),
        ("LEVEL", "variable of the project"),
    ];
    assert_eq!(shown(&prod), expected);
    assert!(prod.unread.is_empty() && prod.all[0].changed.is_some(), "{prod:#?}");
    let staging = scene.connection.lookups[0].settings("site", "staging").await.unwrap();
    let of = |settings: &Settings, name: &str| settings.all.iter().find(|one| one.name == name).map(|one| one.content);
    assert!(prod.all.iter().all(|one| one.content.is_hidden()), "{prod:#?}");
    assert_eq!(of(&prod, "LEVEL"), of(&staging, "LEVEL"));
    assert_ne!(of(&prod, "DB_HOST"), of(&staging, "DB_HOST"));
    assert!(scene.diary.writes().is_empty());
}

#[tokio::test]
async fn a_context_that_may_not_be_seen_into_is_said_and_where_none_is_named_that_is_said() {
    let scene = Scene::of(SCENARIO, with(&[("closed", "prod")]));
    let told = scene.connection.lookups[0].settings("site", "prod").await.unwrap();
    let own = [("PIN", "variable of the project"), ("LEVEL", "variable of the project")];
    assert_eq!(shown(&told), own);
    let said = "variables of the context closed for prod cannot be read: CircleCI, context closed: ";
    assert!(told.unread.len() == 1 && told.unread[0].starts_with(said), "{told:#?}");
    let scene = Scene::of(SCENARIO, with(&[("hold-production", "prod")]));
    let told = scene.connection.lookups[0].settings("site", "prod").await.unwrap();
    let said =
        "CircleCI, gh/acme/site: which contexts jobs for prod are given is not said: name them in `environments`";
    assert_eq!((shown(&told), told.unread.as_slice()), (own.to_vec(), [said.to_owned()].as_slice()));
}

#[tokio::test]
async fn an_environment_or_a_service_that_is_not_there_is_missing() {
    let scene = Scene::of(SCENARIO, with(&[("site-prod", "prod")]));
    for (service, environment, said) in [
        ("site", "moon", "CircleCI: nothing of site is said to go to moon"),
        ("nobody", "prod", "CircleCI: no project of nobody is looked at"),
    ] {
        let error = scene.connection.lookups[0].settings(service, environment).await.unwrap_err();
        assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, said));
    }
}
