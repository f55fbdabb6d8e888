//! What AWS says when it does not answer, in words; and what stays known meanwhile.

use bytes::Bytes;
use futures::StreamExt;
use holdshort::{
    domain::observed::FaultKind,
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
    scene::{Diary, HandClock, Scene, connect, fixture, noted, pipeline, saying, signed, transport},
};

/// One look at the only pipeline.
async fn look(connection: &Connection) -> Result<Vec<Part>, ProviderError> {
    let inventory = &connection.inventories[0];
    let scopes = inventory.discover().await.unwrap();
    let told: Vec<Heard> = inventory.list(scopes).collect().await;
    let [one] = <[_; 1]>::try_from(told).unwrap();
    one.parts
}

async fn refused(status: u16, body: Value) -> ProviderError {
    let clock = HandClock::new();
    let answers = vec![("GetPipelineState", status, body)];
    look(&connect(saying(&Diary::default(), answers, &clock), vec![pipeline("till")], &clock)).await.unwrap_err()
}

fn aws(name: &str, message: &str) -> Value {
    json!({"__type": format!("com.amazonaws.codepipeline#{name}"), "message": message})
}

#[tokio::test]
async fn every_refusal_is_a_sentence_with_the_way_out() {
    let none = "there is no such pipeline in this account and region: check its name, the region and who we are";
    let table: Vec<(u16, Value, FaultKind, String)> = vec![
        (
            400,
            aws("ExpiredTokenException", "expired"),
            FaultKind::Unauthenticated,
            "the session has ended (expired): sign in again (`aws sso login`), or renew what lends the credentials"
                .into(),
        ),
        (
            400,
            aws("UnrecognizedClientException", "invalid"),
            FaultKind::Unauthenticated,
            "it does not accept our credentials (invalid): check the access key, its secret and the region".into(),
        ),
        (
            400,
            aws("AccessDeniedException", "dana may not"),
            FaultKind::Forbidden,
            "it does not let us (dana may not); it takes codepipeline:GetPipelineState".into(),
        ),
        (400, aws("PipelineNotFoundException", "no"), FaultKind::Missing, none.into()),
        (409, aws("ConflictException", "busy"), FaultKind::Rejected, "something else is under way there (busy)".into()),
        (400, aws("ValidationException", "too long"), FaultKind::Rejected, "it refuses: too long".into()),
        (
            400,
            aws("ThrottlingException", "Rate exceeded"),
            FaultKind::RateLimited,
            "it asks to slow down; again at 10:12:05 UTC (Rate exceeded)".into(),
        ),
        (429, json!(""), FaultKind::RateLimited, "it asks to slow down; again at 10:12:05 UTC".into()),
        (500, aws("InternalFailure", "oops"), FaultKind::Server, "it failed (500: oops)".into()),
        (503, json!(""), FaultKind::Server, "it failed (503)".into()),
    ];
    for (status, body, kind, text) in table {
        let error = refused(status, body).await;
        assert_eq!((error.kind, error.text), (kind, format!("CodePipeline, till: {text}")), "{status}");
        assert!(!error.maybe_done);
    }
}

#[tokio::test]
async fn a_page_in_the_place_of_an_answer_and_one_that_is_cut_are_told() {
    let page = json!("<html><head><title>Sign in</title></head></html>");
    let error = refused(200, page).await;
    assert_eq!(error.kind, FaultKind::Unreadable);
    assert!(error.text.contains("a web page ('Sign in')"), "{error}");
    let error = refused(200, json!("{\"stageStates\": [{\"stageName\": ")).await;
    assert_eq!(error.kind, FaultKind::Unreadable);
    assert!(error.text.starts_with("CodePipeline, till: cannot read the answer (at `stageStates"), "{error}");
    let clock = HandClock::new();
    let broken = transport(|_| Err::<Response<Bytes>, _>(WireError::Lost("reset".into())));
    let connection = connect(noted(&Diary::default(), signed(broken, &clock)), vec![pipeline("till")], &clock);
    assert_eq!(look(&connection).await.unwrap_err().kind, FaultKind::Unreachable);
}

#[tokio::test]
async fn where_a_stage_may_not_be_looked_back_in_there_is_no_roll_back_and_it_says_why() {
    let scene = Scene::of("denied = ['codepipeline:ListActionExecutions']", vec![pipeline("cart")]);
    let (items, unread) = scene.inventory().look().await;
    assert_eq!((items.len(), unread), (1, vec![]), "one that does not run side by side needs no actions");
    let scene = Scene::of("denied = ['codepipeline:ListPipelines']", vec![pipeline("*")]);
    let error = scene.inventory().discover().await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Forbidden);
    assert!(error.text.ends_with("; it takes codepipeline:ListPipelines"), "{error}");
}

#[tokio::test]
async fn a_right_that_is_missing_for_a_verb_is_named_and_nothing_is_changed() {
    let scene = Scene::of("denied = ['codepipeline:PutApprovalResult']", vec![pipeline("gateway")]);
    let gate = scene.gate("gateway").await;
    let ask = crate::scene::ask(holdshort::domain::verb::Verb::Approve, &gate.id);
    let draft = scene.inventory().draft_for(&gate, &ask).unwrap();
    let error = scene.send(&ask, &draft).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (FaultKind::Forbidden, false));
    assert!(error.text.ends_with("; it takes codepipeline:PutApprovalResult"), "{error}");
    assert_eq!(scene.facts(&gate.id).await["approval is"], "waiting");
}

#[tokio::test]
async fn a_doctor_says_who_we_are_and_which_rights_are_missing_and_prints_policies() {
    let scene = Scene::of(
        "denied = ['codepipeline:ListPipelineExecutions', 'logs:GetLogEvents']",
        vec![pipeline("gateway"), pipeline("gone")],
    );
    let examiner = scene.connection.examiner.clone().unwrap();
    let found = examiner.examine(&holdshort::port::examine::LookedAt::default()).await;
    let told: Vec<_> = found.iter().map(|one| (one.about.as_str(), one.said.as_str())).collect();
    assert!(told.contains(&("as whom", "arn:aws:iam::123456789012:user/dana in account 123456789012")), "{told:#?}");
    assert!(
        told.contains(&("rights", "these are missing: codepipeline:ListPipelineExecutions, logs:GetLogEvents")),
        "{told:#?}"
    );
    assert!(told.iter().any(|(about, said)| *about == "pipelines" && said.contains("gone")), "{told:#?}");
    let policy: Value = serde_json::from_str(&examiner.grants(true).unwrap()).unwrap();
    assert_eq!(policy["Statement"][2]["Resource"][0], "arn:aws:codepipeline:eu-west-1:*:gateway");
    let looking: Value = serde_json::from_str(&examiner.grants(false).unwrap()).unwrap();
    assert_eq!(looking["Statement"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_was_read_of_a_pipeline_is_told_again_when_its_list_is_refused_later() {
    let clock = HandClock::new();
    let answers = vec![
        ("GetPipelineState", 200, fixture("get_pipeline_state_cli_example")),
        ("ListPipelineExecutions", 400, aws("AccessDeniedException", "no")),
    ];
    let connection = connect(saying(&Diary::default(), answers, &clock), vec![pipeline("till")], &clock);
    let error = look(&connection).await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Forbidden);
    assert!(error.text.ends_with("; it takes codepipeline:ListPipelineExecutions"), "{error}");
}
