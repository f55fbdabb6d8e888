//! What Buildkite says when it does not answer, in words; and what stays known meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::StreamExt;
use holdshort::{
    domain::{gate::Eligibility, observed::FaultKind},
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
    scene::{Diary, HandClock, JSON, Said, connect, fixture, pipeline, saying, transport},
};

/// One look at the only organisation.
async fn look(connection: &Connection) -> Result<Vec<Part>, ProviderError> {
    let inventory = &connection.inventories[0];
    let scopes = inventory.discover().await.unwrap();
    let told: Vec<Heard> = inventory.list(scopes).collect().await;
    let [one] = <[_; 1]>::try_from(told).unwrap();
    one.parts
}

async fn refused(said: Said) -> ProviderError {
    let token = (200, vec![JSON], json!({"scopes": null}));
    let answers = vec![("/access-token", token), ("/builds", said)];
    let connection = connect(saying(&Diary::default(), answers), vec![pipeline("acme/*")], &HandClock::new());
    look(&connection).await.unwrap_err()
}

#[tokio::test]
async fn every_refusal_is_a_sentence_with_the_way_out() {
    let message = |text: &str| json!({ "message": text });
    let page = Value::from("<html><title>Sign in</title>");
    let table: Vec<(Said, FaultKind, &str)> = vec![
        (
            (401, vec![JSON], message("Authentication required")),
            FaultKind::Unauthenticated,
            "Buildkite, acme: the token is not accepted (Authentication required); put a valid one into the configuration",
        ),
        (
            (403, vec![JSON], message("Forbidden")),
            FaultKind::Forbidden,
            "Buildkite, acme: it does not let us (Forbidden); it takes the scope read_builds",
        ),
        (
            (404, vec![JSON], message("No organization found")),
            FaultKind::Missing,
            "Buildkite, acme: it has nothing there that the token may see (No organization found); check the name",
        ),
        ((502, vec![], page.clone()), FaultKind::Server, "Buildkite, acme: it failed (502: a web page ('Sign in'))"),
        (
            (200, vec![], page),
            FaultKind::Unreadable,
            "Buildkite, acme: it answers with a web page ('Sign in'): is there a proxy or a login page before it? Check its \
             address and how we sign in",
        ),
        (
            (200, vec![JSON], Value::from("[{\"number\": 1")),
            FaultKind::Unreadable,
            "Buildkite, acme: cannot read the answer",
        ),
        ((200, vec![JSON], message("not a list")), FaultKind::Unreadable, "Buildkite, acme: cannot read the answer"),
    ];
    for (said, kind, text) in table {
        let error = refused(said).await;
        assert!(error.kind == kind && error.text.starts_with(text), "{error:?}, not {text}");
    }
}

#[tokio::test]
async fn a_limit_is_kept_for_as_long_as_it_says_and_nothing_more_is_asked_meanwhile() {
    let error = refused((429, vec![JSON], fixture("ex_limit"))).await;
    assert_eq!((error.kind, error.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(42))));
    let text = "Buildkite, acme: its limit of requests is reached, free again at ";
    assert!(error.text.starts_with(text), "{}", error.text);
    let diary = Diary::default();
    let limit = (429, vec![("ratelimit-user-remaining", "0"), ("ratelimit-user-reset", "7")], Value::from(""));
    let connection = connect(saying(&diary, vec![("", limit)]), vec![pipeline("acme/*")], &HandClock::new());
    let error = look(&connection).await.unwrap_err();
    assert_eq!((error.retry_after, diary.all().len()), (Some(Duration::from_secs(7)), 1));
}

#[tokio::test]
async fn an_organisation_that_lists_nothing_is_not_taken_for_a_calm_one() {
    let calm = "it lists no build of any pipeline; check the name, and what the token may see";
    for (nothing, why) in [(json!([]), calm), (Value::Null, "cannot read the answer (at `.`, line 1 column 4)")] {
        let answers = vec![("/access-token", (200, vec![JSON], json!({}))), ("/builds", (200, vec![JSON], nothing))];
        let connection = connect(saying(&Diary::default(), answers), vec![pipeline("acmee/*")], &HandClock::new());
        let (items, unread) = connection.inventories[0].look().await;
        assert_eq!((items.len(), unread), (0, vec![format!("Buildkite, acmee: {why}")]));
    }
}

/// Our client over answers that can be broken: by the end of the path, or by a word of the query.
fn breakable(broken: &'static str) -> (Connection, Arc<AtomicBool>, Diary) {
    let (diary, breaks) = (Diary::default(), Arc::new(AtomicBool::new(false)));
    let now = Arc::clone(&breaks);
    let over = transport(&diary, move |request| {
        let asked = request.uri().to_string();
        if now.load(Ordering::SeqCst) && asked.contains(broken) {
            return Err(WireError::Lost("reset".to_owned()));
        }
        let body = match request.uri().path() {
            path if path.ends_with("/access-token") => json!({}),
            // Gone from the list of those that are not over, and not known to be over.
            _ if now.load(Ordering::SeqCst) => json!([]),
            _ => fixture("builds"),
        };
        Ok(Response::new(Bytes::from(body.to_string())))
    });
    (connect(over, vec![pipeline("acme/*")], &HandClock::new()), breaks, diary)
}

#[tokio::test]
async fn where_one_list_cannot_be_read_the_other_is_told_and_what_was_known_stays() {
    let (connection, breaks, _) = breakable("state");
    look(&connection).await.unwrap();
    breaks.store(true, Ordering::SeqCst);
    let parts = look(&connection).await.unwrap();
    let lost = "Buildkite, acme: the connection to it broke: reset";
    assert_eq!(parts[0], Part::unread(holdshort::domain::object::Family::gate(), vec![lost.to_owned()]));
    assert_eq!(parts[1].items.len(), 3);
}

#[tokio::test]
async fn a_build_that_left_the_list_and_cannot_be_asked_for_is_as_it_was_and_said_to_be() {
    let (connection, breaks, diary) = breakable("/builds/81");
    look(&connection).await.unwrap();
    breaks.store(true, Ordering::SeqCst);
    let (items, unread) = connection.inventories[0].look().await;
    let asked: Vec<_> =
        diary.all().into_iter().map(|seen| seen.line).filter(|line| line.contains("/builds/81")).collect();
    assert_eq!(asked.len(), 3, "{asked:?}");
    let lost = |number: u32| format!("Buildkite, acme/ledger build {number}: the connection to it broke: reset");
    assert!([811, 812, 813].map(lost).iter().all(|text| unread.contains(text)), "{unread:?}");
    let gates: Vec<_> = items.iter().filter_map(|item| item.gate()).collect();
    assert_eq!(gates.len(), 2);
    let why = format!("it is as it was: {}", lost(813));
    assert_eq!(gates[0].eligible, Eligibility::Unknown { why });
}

#[tokio::test]
async fn a_pipeline_that_is_named_and_not_there_is_said_and_keeps_no_other_from_being_seen() {
    let answers = vec![
        ("/access-token", (200, vec![JSON], json!({"scopes": ["read_builds"]}))),
        ("/pipelines/ledgr/builds", (404, vec![JSON], json!({"message": "No pipeline found"}))),
        ("/builds", (200, vec![JSON], fixture("builds"))),
    ];
    let pipelines = vec![pipeline("acme/ledger"), pipeline("acme/ledgr")];
    let connection = connect(saying(&Diary::default(), answers), pipelines, &HandClock::new());
    let (items, unread) = connection.inventories[0].look().await;
    assert_eq!(items.len(), 5);
    let text = "Buildkite, acme/ledgr: it has nothing there that the token may see (No pipeline found); check the name";
    assert!(unread.contains(&text.to_owned()), "{unread:?}");
}
