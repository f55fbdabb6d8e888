//! What AWS says when it does not answer, in words; and what stays known meanwhile.

use bytes::Bytes;
use futures::StreamExt;
use holdshort::{
    domain::{observed::FaultKind, verb::Verb},
    port::{
        error::ProviderError,
        facet::Connection,
        inventory::{Heard, Part},
        wire::WireError,
    },
};
use http::Response;
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    scene::{Diary, HandClock, Scene, ask, chosen, connect, fixture, noted, saying, signed, transport},
};

/// One look at the only function.
async fn look(connection: &Connection) -> Result<Vec<Part>, ProviderError> {
    let inventory = &connection.inventories[0];
    let scopes = inventory.discover().await.unwrap();
    let told: Vec<Heard> = inventory.list(scopes).collect().await;
    let [one] = <[_; 1]>::try_from(told).unwrap();
    one.parts
}

async fn refused(status: u16, body: Value) -> ProviderError {
    let clock = HandClock::new();
    let answers = vec![("/till/aliases", status, body)];
    look(&connect(saying(&Diary::default(), answers, &clock), vec![chosen("till", None)], &clock)).await.unwrap_err()
}

fn aws(name: &str, message: &str) -> Value {
    json!({"__type": name, "Message": message})
}

#[tokio::test]
async fn every_refusal_is_a_sentence_with_the_way_out() {
    let table: Vec<(u16, Value, FaultKind, String)> = vec![
        (
            403,
            aws("ExpiredTokenException", "expired"),
            FaultKind::Unauthenticated,
            "the session has ended (expired): sign in again (`aws sso login`), or renew what lends the credentials"
                .into(),
        ),
        (
            403,
            aws("UnrecognizedClientException", "invalid"),
            FaultKind::Unauthenticated,
            "it does not accept our credentials (invalid): check the access key, its secret and the region".into(),
        ),
        (
            403,
            aws("AccessDeniedException", "dana may not"),
            FaultKind::Forbidden,
            "it does not let us (dana may not); it takes lambda:ListAliases".into(),
        ),
        (
            404,
            aws("ResourceNotFoundException", "Function not found"),
            FaultKind::Missing,
            "it has nothing there (Function not found); check the name and the region".into(),
        ),
        (
            429,
            aws("TooManyRequestsException", "Rate exceeded"),
            FaultKind::RateLimited,
            "it asks to slow down; again at 02:00:05 UTC (Rate exceeded)".into(),
        ),
        (500, aws("ServiceException", "oops"), FaultKind::Server, "it failed (500: oops)".into()),
        (503, json!(""), FaultKind::Server, "it failed (503)".into()),
    ];
    for (status, body, kind, text) in table {
        let error = refused(status, body).await;
        assert_eq!((error.kind, error.text), (kind, format!("Lambda, till: {text}")), "{status}");
        assert!(!error.maybe_done);
    }
}

#[tokio::test]
async fn a_page_in_the_place_of_an_answer_and_one_that_is_cut_are_told() {
    let error = refused(200, json!("<html><head><title>Sign in</title></head></html>")).await;
    assert_eq!(error.kind, FaultKind::Unreadable);
    assert!(error.text.contains("a web page ('Sign in')"), "{error}");
    let error = refused(200, json!("{\"Aliases\": [{\"Name\": ")).await;
    assert_eq!(error.kind, FaultKind::Unreadable);
    assert!(error.text.starts_with("Lambda, till: cannot read the answer (at `Aliases"), "{error}");
    let clock = HandClock::new();
    let broken = transport(|_| Err::<Response<Bytes>, _>(WireError::Lost("reset".into())));
    let connection = connect(noted(&Diary::default(), signed(broken, &clock)), vec![chosen("till", None)], &clock);
    assert_eq!(look(&connection).await.unwrap_err().kind, FaultKind::Unreachable);
}

#[tokio::test]
async fn published_answers_are_read_and_what_they_do_not_tell_stays_unknown() {
    let (clock, examples) = (HandClock::new(), fixture("examples"));
    let answers = vec![
        ("/till/aliases", 200, examples["ListAliases"][0].clone()),
        ("/till/versions", 200, examples["ListVersionsByFunction"][0].clone()),
        ("/till/provisioned-concurrency", 200, examples["ListProvisionedConcurrencyConfigs"][0].clone()),
        ("/till/concurrency", 200, examples["GetFunctionConcurrency"][0].clone()),
    ];
    let connection = connect(saying(&Diary::default(), answers, &clock), vec![chosen("till", None)], &clock);
    let all = connection.inventories[0].rollouts().await.unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|one| {
            (
                one.id.path.as_str(),
                one.identity.stable_hash.as_str(),
                one.identity.canary_hash.as_str(),
                one.weight.reached(),
            )
        })
        .collect();
    assert_eq!(told, [("till/BLUE", "2", "1", Some(70)), ("till/GREEN", "1", "1", Some(100))]);
    assert!(all[0].unknown[0].what.starts_with("whether CodeDeploy moves it is not known"), "{:?}", all[0].unknown);
}

#[tokio::test]
async fn a_right_that_is_missing_for_a_verb_is_named_and_nothing_is_changed() {
    let scene = Scene::of("denied = ['lambda:UpdateAlias']", vec![chosen("search", None)]);
    let rollout = scene.alias("search/live").await;
    let ask = ask(Verb::Abort, &rollout.id);
    let draft = scene.inventory().draft(&rollout.clone().into(), &ask).unwrap();
    let error = scene.send(&ask, &draft).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (FaultKind::Forbidden, false));
    assert!(error.text.ends_with("; it takes lambda:UpdateAlias"), "{error}");
    assert_eq!(scene.facts(&rollout.id).await["weight"], "25");
}

#[tokio::test]
async fn a_doctor_says_who_we_are_and_which_rights_are_missing_and_prints_policies() {
    let denied = "denied = ['lambda:GetFunctionConcurrency', 'codedeploy:GetDeploymentConfig']";
    let scene = Scene::of(denied, vec![chosen("mail", Some("live")), chosen("gone", None)]);
    let examiner = scene.connection.examiner.clone().unwrap();
    let found = examiner.examine(&holdshort::port::examine::LookedAt::default()).await;
    let told: Vec<_> = found.iter().map(|one| (one.about.as_str(), one.said.as_str())).collect();
    assert!(told.contains(&("as whom", "arn:aws:iam::123456789012:user/dana in account 123456789012")), "{told:#?}");
    let missing = "these are missing: lambda:GetFunctionConcurrency, codedeploy:GetDeploymentConfig";
    assert!(told.contains(&("rights", missing)), "{told:#?}");
    assert!(told.iter().any(|(about, said)| *about == "functions" && said.contains("gone")), "{told:#?}");
    let policy: Value = serde_json::from_str(&examiner.grants(true).unwrap()).unwrap();
    assert_eq!(policy["Statement"][2]["Action"], "lambda:UpdateAlias");
    assert_eq!(policy["Statement"][2]["Resource"][1], "arn:aws:lambda:eu-west-1:*:function:mail:*");
    let looking: Value = serde_json::from_str(&examiner.grants(false).unwrap()).unwrap();
    assert_eq!(looking["Statement"].as_array().unwrap().len(), 2);
}
