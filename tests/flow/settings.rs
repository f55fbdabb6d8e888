//! What Flow gives jobs that deploy somewhere, by either of its APIs: what the newest run was begun with, and groups of variables.

use std::collections::BTreeMap;

use holdshort::{
    domain::{observed::FaultKind, offer::Risk, service::Environment, setting::Settings},
    provider::flow::Pipeline,
};

use crate::{
    lookup::Asking,
    scene::{Scene, token},
};

const SCENARIO: &str = r#"
user = "dana"
GROUPS
[[pipelines]]
id = 101
name = "site-prod"
jobs = [{ name = "发布", kind = "deploy", takes = "1m" }]
runs = [{ id = 1, branch = "v1.0.0", commit = "66aa01236", message = "site", by = "kim", started = "-1d" }]
variables = [{ name = "MODE", value = "marker-fast" }, { name = "PIN", value = "marker-pin", encrypted = true }]
[[pipelines]]
id = 102
name = "site-staging"
jobs = [{ name = "发布", kind = "deploy", takes = "1m" }]
runs = [{ id = 1, branch = "v1.0.0", commit = "66aa01236", message = "site", by = "kim", started = "-1d" }]
variables = [{ name = "MODE", value = "marker-slow" }, { name = "PIN", value = "marker-pin", encrypted = true }]
"#;

const GROUPS: &str = r#"
[[groups]]
id = 7
name = "生产"
pipelines = [101]
variables = [{ name = "DB", value = "marker-db" }]
[[groups]]
id = 8
name = "shared"
pipelines = [101, 102]
variables = [{ name = "KEY", value = "marker-key", encrypted = true }, { name = "ZONE", value = "eu" }]
"#;

fn pipelines() -> Vec<Pipeline> {
    let one = |name: &str, environment: &str| {
        let ours = Environment { name: environment.into(), risk: Risk::High };
        let environments = BTreeMap::from([("发布".to_owned(), ours)]);
        Pipeline { name: Some(name.into()), service: Some("site".into()), environments, version: None }
    };
    vec![one("site-prod", "prod"), one("site-staging", "staging")]
}

fn looking(groups: &str) -> Scene {
    Scene::looking(&SCENARIO.replace("GROUPS", groups), token(), pipelines())
}

fn shown(settings: &Settings) -> Vec<(&str, &str, bool)> {
    settings.all.iter().map(|one| (one.name.as_str(), one.place.as_str(), one.content.is_hidden())).collect()
}

#[tokio::test]
async fn a_pipeline_is_given_its_own_variables_and_those_of_its_groups_and_no_value_is_told() {
    let scene = looking(GROUPS);
    let prod = scene.connection.lookups[0].settings("site", "prod").await.unwrap();
    let expected = [
        ("MODE", "variable of pipeline site-prod", false),
        ("PIN", "variable of pipeline site-prod", true),
        ("DB", "group of variables 生产", false),
        ("KEY", "group of variables shared", true),
        ("ZONE", "group of variables shared", false),
    ];
    assert_eq!(shown(&prod), expected);
    let staging = scene.connection.lookups[0].settings("site", "staging").await.unwrap();
    let of = |settings: &Settings, name: &str| settings.all.iter().find(|one| one.name == name).map(|one| one.content);
    let alike: Vec<bool> =
        ["MODE", "PIN", "DB", "KEY", "ZONE"].iter().map(|name| of(&prod, name) == of(&staging, name)).collect();
    assert_eq!(alike, [false, false, false, true, true]);
    assert!(!serde_json::to_string(&(&prod, &staging)).unwrap().contains("marker"), "{prod:?}");
    assert!(scene.diary.writes().is_empty());
}

#[tokio::test]
async fn groups_that_may_not_be_read_are_said_with_the_right_that_is_missing() {
    let scene = looking("");
    let told = scene.connection.lookups[0].settings("site", "prod").await.unwrap();
    assert_eq!(told.all.len(), 2);
    let said = "groups of variables for prod cannot be read: Flow, groups of variables: it does not let us (没有权限 (no permission to \
                read groups of variables) [Forbidden.NoPermission]); it takes a token with groups of variables, read (变量组 只读); \
                whoever it is needs a role in the pipeline that may";
    assert_eq!(told.unread, [said]);
}

#[tokio::test]
async fn an_environment_or_a_service_that_is_not_there_is_missing() {
    let scene = looking(GROUPS);
    for (service, environment, said) in [
        ("site", "moon", "Flow: nothing of site is said to go to moon"),
        ("nobody", "prod", "Flow: no pipeline of nobody is looked at"),
    ] {
        let error = scene.connection.lookups[0].settings(service, environment).await.unwrap_err();
        assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, said));
    }
}
