//! What GitHub gives jobs that deploy somewhere: read from its published examples, from the pretended one, and where it is refused.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use holdshort::{
    demo::{
        github::{Forge, spec::Spec},
        system::{Reply, System},
    },
    domain::{observed::FaultKind, setting::Settings},
    port::facet::Connection,
};
use http::Request;
use serde_json::{Value, json};

use crate::{
    lookup::Asking,
    scene::{Diary, HandClock, Said, connect, fixture, over_forge, saying, start},
    shape::differences,
};

const SCENARIO: &str = r#"
login = "dana"
[[repos]]
owner = "acme"
name = "ledger"
workflows = [{ name = "deploy", file = "deploy.yml", jobs = [{ name = "to-prod", takes = "1m", environment = "prod" }] }]
given = { variables = [{ name = "LEVEL", value = "marker-far" }, { name = "REGION", value = "eu" }], secrets = [{ name = "TOKEN" }] }
environments = [
  { name = "prod", given = { variables = [{ name = "LEVEL", value = "marker-near", changed = "-2d" }], secrets = [{ name = "KEY", changed = "-3d" }] } },
  { name = "staging", given = { variables = [{ name = "LEVEL", value = "marker-far" }] } },
]
[[repos]]
owner = "acme"
name = "shy"
hides_settings = true
workflows = [{ name = "deploy", file = "deploy.yml", jobs = [{ name = "to-prod", takes = "1m", environment = "prod" }] }]
environments = [{ name = "prod" }]
"#;

fn world(repo: &str) -> (Connection, Diary) {
    let spec: Spec = toml::from_str(SCENARIO).unwrap();
    let forge = Arc::new(Mutex::new(Forge::new(&spec, 7, start()).unwrap()));
    let (clock, diary) = (HandClock::new(), Diary::default());
    (connect(over_forge(&diary, &forge, &clock), repo, &clock), diary)
}

fn shown(settings: &Settings) -> Vec<(&str, &str, bool)> {
    settings.all.iter().map(|one| (one.name.as_str(), one.place.as_str(), one.content.is_hidden())).collect()
}

#[tokio::test]
async fn published_examples_are_read_and_what_they_hold_is_told_by_nothing() {
    let ok = |body: Value| -> Said { (200, &[("content-type", "application/json")], body) };
    let none = |kind: &str| ok(json!({ "total_count": 0, kind: [] }));
    let diary = Diary::default();
    let answers = BTreeMap::from([
        (
            "GET /repos/acme/ledger/environments?per_page=100",
            ok(json!({"total_count": 1, "environments": [{"id": 1, "name": "prod"}]})),
        ),
        ("GET /repos/acme/ledger/environments/prod/variables?per_page=30", ok(fixture("ex_environment_variables"))),
        ("GET /repos/acme/ledger/environments/prod/secrets?per_page=100", ok(fixture("ex_environment_secrets"))),
        ("GET /repos/acme/ledger/actions/variables?per_page=30", none("variables")),
        ("GET /repos/acme/ledger/actions/secrets?per_page=100", none("secrets")),
        ("GET /repos/acme/ledger/actions/organization-variables?per_page=30", none("variables")),
        ("GET /repos/acme/ledger/actions/organization-secrets?per_page=100", none("secrets")),
    ]);
    let connection = connect(saying(&diary, answers), "acme/ledger", &HandClock::new());
    let told = connection.lookups[0].settings("ledger", "prod").await.unwrap();
    let expected = [
        ("USERNAME", "variable of the environment", false),
        ("EMAIL", "variable of the environment", false),
        ("GH_TOKEN", "secret of the environment", true),
        ("GIST_ID", "secret of the environment", true),
    ];
    assert_eq!((shown(&told).as_slice(), told.unread.as_slice()), (expected.as_slice(), [].as_slice()));
    assert_eq!(told.all[0].changed, "2020-01-10T14:59:22Z".parse().ok());
    assert!(!format!("{told:?}").contains("octocat"));
    assert!(diary.writes().is_empty());
}

#[tokio::test]
async fn what_an_environment_has_goes_before_what_the_repository_has_and_equal_values_are_alike() {
    let (connection, _) = world("acme/ledger");
    let (prod, staging) = (
        connection.lookups[0].settings("ledger", "prod").await.unwrap(),
        connection.lookups[0].settings("ledger", "staging").await.unwrap(),
    );
    let expected = [
        ("LEVEL", "variable of the environment", false),
        ("REGION", "variable of the repository", false),
        ("KEY", "secret of the environment", true),
        ("TOKEN", "secret of the repository", true),
    ];
    assert_eq!(shown(&prod), expected);
    let content = |settings: &Settings, name: &str| settings.all.iter().find(|one| one.name == name).unwrap().content;
    assert_eq!(content(&prod, "REGION"), content(&staging, "REGION"));
    assert_ne!(content(&prod, "LEVEL"), content(&staging, "LEVEL"));
    assert_eq!(connection.lookups[0].settings("ledger", "prod").await.unwrap(), prod, "asked again it is the same");
    assert!(!serde_json::to_string(&(prod, staging)).unwrap().contains("marker"));
}

#[tokio::test]
async fn what_may_not_be_seen_is_said_with_the_right_that_it_needs_and_what_is_not_there_is_missing() {
    let (connection, _) = world("acme/shy");
    let told = connection.lookups[0].settings("shy", "prod").await.unwrap();
    assert_eq!((told.all.len(), told.unread.len()), (0, 6));
    assert!(
        told.unread[0].starts_with("variables of the environment for prod cannot be read: GitHub, acme/shy"),
        "{told:#?}"
    );
    assert!(
        told.unread[0].ends_with("it needs Environments: read") && told.unread[4].ends_with("it needs Secrets: read"),
        "{told:#?}"
    );
    for (service, environment, said) in [
        ("shy", "moon", "GitHub, acme/shy: it has no environment moon"),
        ("nobody", "prod", "GitHub: no repository of nobody is looked at"),
    ] {
        let error = connection.lookups[0].settings(service, environment).await.unwrap_err();
        assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, said));
    }
}

#[test]
fn the_pretended_lists_have_the_form_of_the_published_ones() {
    let spec: Spec = toml::from_str(SCENARIO).unwrap();
    let mut forge = Forge::new(&spec, 7, start()).unwrap();
    for (kind, example) in [("variables", "ex_environment_variables"), ("secrets", "ex_environment_secrets")] {
        let request = Request::get(format!("/repos/acme/ledger/environments/prod/{kind}"))
            .header("user-agent", "test")
            .header("authorization", "Bearer gho_demo")
            .body(bytes::Bytes::new())
            .unwrap();
        let Reply::Whole(answer) = forge.respond(start(), &request) else { panic!("it has no streams") };
        let ours: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(differences(&ours, &fixture(example)), Vec::<String>::new(), "{ours}");
        assert_eq!(ours["total_count"], 1);
    }
}
