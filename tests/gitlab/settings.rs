//! What GitLab gives jobs that deploy somewhere: read from its published example, from the pretended one, and where it is refused.

use holdshort::domain::{observed::FaultKind, setting::Settings};
use serde_json::json;

use crate::{
    lookup::Asking,
    scene::{Diary, HandClock, JSON, Scene, connect, fixture, project, saying},
};

const SCENARIO: &str = r#"
user = "dana"
groups = { acme = [{ key = "REGION", value = "eu" }, { key = "MODE", value = "marker-group" }] }
[[projects]]
path = "acme/shop/site"
jobs = [{ name = "to-staging", stage = "a", environment = "staging" }, { name = "to-production", stage = "b", environment = "production" }]
pipelines = [{ id = 1, ref = "v1.0.0", commit = "aaaa1111aaaa1111aaaa1111aaaa1111aaaa1111", title = "site", user = "kim", started = "-1d" }]
variables = [
  { key = "MODE", value = "marker-all" },
  { key = "MODE", value = "marker-prod", scope = "production" },
  { key = "PIN", value = "marker-pin", hidden = true },
  { key = "ONLY", value = "1", scope = "stag*" },
]
"#;

fn shown(settings: &Settings) -> Vec<(&str, &str, bool)> {
    settings.all.iter().map(|one| (one.name.as_str(), one.place.as_str(), one.content.is_hidden())).collect()
}

#[tokio::test]
async fn the_published_example_is_read_and_what_it_holds_is_told_by_nothing() {
    let ok = |body| (200, vec![JSON], body);
    let answers = vec![
        ("projects/acme%2Fsite/environments", ok(json!([{"id": 1, "name": "production"}]))),
        ("projects/acme%2Fsite/variables", ok(fixture("project_variables"))),
        ("groups/acme/variables", ok(json!([]))),
    ];
    let connection = connect(saying(&Diary::default(), answers), vec![project("acme/site")], &HandClock::new());
    let told = connection.lookups[0].settings("site", "prod/eu").await.unwrap();
    let place = "variable of the project for *";
    assert_eq!(shown(&told), [("TEST_VARIABLE_1", place, false), ("TEST_VARIABLE_2", place, false)]);
    assert!(!format!("{told:?}").contains("TEST_1"));
}

#[tokio::test]
async fn the_nearest_scope_and_level_count_and_a_group_that_may_not_be_seen_is_said() {
    let scene = Scene::of(SCENARIO, vec![project("acme/shop/site")]);
    let prod = scene.connection.lookups[0].settings("site", "prod/eu").await.unwrap();
    let expected = [
        ("MODE", "variable of the project for production", false),
        ("PIN", "variable of the project for *", true),
        ("REGION", "variable of the group acme for *", false),
    ];
    assert_eq!(shown(&prod), expected);
    let said = "variables of the group acme/shop for prod/eu cannot be read: GitLab, acme/shop, variables of the group: it does not let us";
    assert!(prod.unread.len() == 1 && prod.unread[0].starts_with(said), "{prod:#?}");
    assert!(prod.unread[0].ends_with("it needs the role Maintainer"), "{prod:#?}");
    let staging = scene.connection.lookups[0].settings("site", "staging").await.unwrap();
    let names: Vec<&str> = staging.all.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["MODE", "PIN", "ONLY", "REGION"]);
    assert!(!serde_json::to_string(&(prod, staging)).unwrap().contains("marker"));
    assert!(scene.diary.writes().is_empty());
}

#[tokio::test]
async fn an_environment_or_a_service_that_is_not_there_is_missing() {
    let scene = Scene::of(SCENARIO, vec![project("acme/shop/site")]);
    for (service, environment, said) in [
        ("site", "moon", "GitLab, acme/shop/site: it has no environment moon"),
        ("nobody", "staging", "GitLab: no project of nobody is looked at"),
    ] {
        let error = scene.connection.lookups[0].settings(service, environment).await.unwrap_err();
        assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, said));
    }
}
