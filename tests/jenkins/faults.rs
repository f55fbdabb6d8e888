//! What Jenkins says when it does not answer, in words; and what stays known meanwhile.

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
    domain::{gate::Eligibility, observed::FaultKind, verb::Verb},
    port::{
        error::ProviderError,
        facet::Connection,
        inventory::{Heard, Part},
        secrets::Secrets,
    },
};
use http::Response;
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    scene::{Diary, HandClock, JSON, Said, Scene, ask, connect, dana, fixture, job, saying, transport},
};

const WHO: &str = "it does not accept who we are: check the user name and the API token of `basic_auth`";

/// One look at the only folder.
async fn look(connection: &Connection) -> Result<Vec<Part>, ProviderError> {
    let inventory = &connection.inventories[0];
    let scopes = inventory.discover().await.unwrap();
    let told: Vec<Heard> = inventory.list(scopes).collect().await;
    let [one] = <[_; 1]>::try_from(told).unwrap();
    one.parts
}

async fn refused(said: Said) -> ProviderError {
    let answers = vec![dana(), ("/job/shop/api/json", said)];
    look(&connect(saying(&Diary::default(), answers), vec![job("shop/*")], &HandClock::new())).await.unwrap_err()
}

#[tokio::test]
async fn every_refusal_is_a_sentence_with_the_way_out() {
    let page = |title: &str| Value::from(format!("<html><head><title>{title}</title></head></html>"));
    let html = ("content-type", "text/html;charset=utf-8");
    let table: Vec<(Said, FaultKind, String)> = vec![
        ((401, vec![html], page("Unauthorized")), FaultKind::Unauthenticated, format!("Jenkins, shop: {WHO}")),
        (
            (403, vec![html], page("Forbidden")),
            FaultKind::Forbidden,
            "Jenkins, shop: it does not let us; it takes Job/Read".into(),
        ),
        (
            (404, vec![html], page("Not Found")),
            FaultKind::Missing,
            "Jenkins, shop: it has nothing there, or does not show it to us: check the name, and who we are to it"
                .into(),
        ),
        (
            (409, vec![], page("Conflict")),
            FaultKind::Conflict,
            "Jenkins, shop: it cannot be built now: it is disabled, or being deleted".into(),
        ),
        (
            (422, vec![("x-error", "no such thing")], Value::from("")),
            FaultKind::Rejected,
            "Jenkins, shop: it refuses: no such thing".into(),
        ),
        (
            (429, vec![("retry-after", "90")], page("Slow down")),
            FaultKind::RateLimited,
            "Jenkins, shop: it asks to slow down; again at 10:13:30 UTC (429)".into(),
        ),
        ((429, vec![], Value::from("")), FaultKind::RateLimited, "Jenkins, shop: it asks us to ask less often".into()),
        (
            (500, vec![("x-error", "out of heap")], page("Oops")),
            FaultKind::Server,
            "Jenkins, shop: it failed (500: out of heap)".into(),
        ),
        (
            (502, vec![html], page("Bad gateway")),
            FaultKind::Server,
            "Jenkins, shop: it failed (502: a web page ('Bad gateway'))".into(),
        ),
        (
            (503, vec![html], page("Please wait while Jenkins is getting ready to work")),
            FaultKind::Server,
            "Jenkins, shop: it is starting, and answers nothing yet".into(),
        ),
        (
            (200, vec![html], page("Sign in")),
            FaultKind::Unreadable,
            "Jenkins, shop: it answers with a web page ('Sign in'): is there a proxy or a login page before it?".into(),
        ),
        (
            (200, vec![JSON], Value::from("{\"jobs\": [{\"name\"")),
            FaultKind::Unreadable,
            "Jenkins, shop: cannot read the answer".into(),
        ),
        ((200, vec![JSON], json!([1])), FaultKind::Unreadable, "Jenkins, shop: cannot read the answer".into()),
    ];
    for (said, kind, text) in table {
        let error = refused(said).await;
        assert!(error.kind == kind && error.text.starts_with(&text), "{error:?}, not {text}");
    }
    let error = refused((429, vec![("retry-after", "90")], Value::from(""))).await;
    assert_eq!(error.retry_after, Some(Duration::from_secs(90)));
}

#[tokio::test]
async fn a_token_that_has_expired_is_said_for_everything_and_nobody_is_not_somebody() {
    let answers = vec![("/whoAmI/api/json", (401, vec![], Value::from("<html>")))];
    let diary = Diary::default();
    let error = look(&connect(saying(&diary, answers), vec![job("shop/*")], &HandClock::new())).await.unwrap_err();
    assert_eq!((error.kind, error.text), (FaultKind::Unauthenticated, format!("Jenkins, who we are: {WHO}")));
    assert_eq!(diary.all().len(), 1, "nothing more is asked");
    let answers = vec![
        ("/whoAmI/api/json", (200, vec![JSON], json!({"name": "anonymous", "anonymous": true}))),
        ("/job/shop/api/json", (200, vec![JSON], fixture("folder"))),
    ];
    let connection = connect(saying(&Diary::default(), answers), vec![job("shop/*")], &HandClock::new());
    let gates = connection.inventories[0].gates().await.unwrap();
    let why = "Jenkins takes us for anonymous: say who you are in `basic_auth`, with an API token";
    assert_eq!(gates[0].eligible, Eligibility::Cannot { why: why.into(), ask: vec![] });
    let runs = connection.inventories[0].runs().await.unwrap();
    assert!(runs.iter().flat_map(|run| &run.offers).all(|offer| offer.blocked.is_some()));
}

#[tokio::test]
async fn a_folder_that_shows_nothing_or_a_name_that_is_misspelt_is_not_taken_for_a_calm_one() {
    let missing = "that we may see: check the name, and who we are to it";
    let table = [
        (vec![job("shop/*")], json!({"jobs": []}), format!("Jenkins, shop: it holds no job {missing}")),
        (
            vec![job("shop/gatewy"), job("shop/cart")],
            json!({"jobs": [{"name": "cart", "builds": []}]}),
            format!("Jenkins, shop/gatewy: there is no such job {missing}"),
        ),
    ];
    for (jobs, body, text) in table {
        let answers = vec![
            dana(),
            ("/job/shop/api/json", (200, vec![JSON], body)),
            ("/computer/api/json", (200, vec![JSON], json!({}))),
        ];
        let connection = connect(saying(&Diary::default(), answers), jobs, &HandClock::new());
        let (_, unread) = connection.inventories[0].look().await;
        assert!(unread.contains(&text), "{unread:?}, not {text}");
    }
}

#[tokio::test]
async fn a_build_that_left_the_list_and_cannot_be_asked_for_is_as_it_was_and_said_to_be() {
    let breaks = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&breaks);
    let over = transport(&Diary::default(), move |request| {
        let broken = now.load(Ordering::SeqCst);
        let body = match request.uri().path() {
            "/whoAmI/api/json" => dana().1.2,
            "/job/shop/api/json" if broken => json!({"jobs": [{"name": "gateway", "builds": []}]}),
            "/job/shop/api/json" => fixture("folder"),
            "/job/shop/job/gateway/813/api/json" => {
                return Ok(Response::builder().status(500).header("x-error", "no").body(Bytes::new()).unwrap());
            }
            _ => json!({}),
        };
        Ok(Response::new(Bytes::from(body.to_string())))
    });
    let connection = connect(over, vec![job("shop/*")], &HandClock::new());
    look(&connection).await.unwrap();
    breaks.store(true, Ordering::SeqCst);
    let (items, unread) = connection.inventories[0].look().await;
    let lost = "Jenkins, shop/gateway build 813: it failed (500: no)";
    assert!(unread.contains(&lost.to_owned()), "{unread:?}");
    let gates: Vec<_> = items.iter().filter_map(|item| item.gate()).collect();
    assert_eq!(gates[0].eligible, Eligibility::Unknown { why: format!("it is as it was: {lost}") });
}

/// What a write gets, by the end of its path, where the crumb is answered so.
async fn written(crumb: Said, said: Said) -> Result<(), ProviderError> {
    let answers = vec![
        dana(),
        ("/job/shop/api/json", (200, vec![JSON], fixture("folder"))),
        ("/crumbIssuer/api/json", crumb),
        ("/input/Ship/abort", said),
    ];
    let scene = Scene {
        connection: connect(saying(&Diary::default(), answers), vec![job("shop/*")], &HandClock::new()),
        ..Scene::new()
    };
    let gate = scene.gate("gateway #813: Ship to prod?").await;
    let asked = ask(Verb::Reject, &gate.id);
    let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
    scene.send(&asked, &draft, &Secrets::default()).await.map(|_| ())
}

#[tokio::test]
async fn a_write_that_is_refused_sent_to_sign_in_or_answered_without_a_crumb_says_so() {
    let none = || (404, vec![], Value::from("<html>"));
    let page = |text: &str| Value::from(format!("<html><title>{text}</title>{text}</html>"));
    let begin = "Jenkins, abort gateway #813: Ship to prod?:";
    let table: Vec<(Said, FaultKind, String)> = vec![
        (
            (
                400,
                vec![("x-error", "You need to be 'lee' (or have Job CANCEL permissions) to cancel this.")],
                page("Error"),
            ),
            FaultKind::Rejected,
            format!("{begin} it refuses: You need to be 'lee' (or have Job CANCEL permissions) to cancel this."),
        ),
        (
            (403, vec![], page("No valid crumb was included in the request")),
            FaultKind::Forbidden,
            format!("{begin} it wants a crumb, and took ours for none: use an API token instead of a password"),
        ),
        (
            (302, vec![("location", "/login?from=%2F")], Value::from("")),
            FaultKind::Unauthenticated,
            format!("{begin} it sends us to sign in: check the user name and the API token of `basic_auth`"),
        ),
        (
            (403, vec![], page("lee is missing the Job/Build permission")),
            FaultKind::Forbidden,
            format!("{begin} it does not let us; it takes Job/Build"),
        ),
    ];
    for (said, kind, text) in table {
        let error = written(none(), said).await.unwrap_err();
        assert_eq!((error.kind, error.text, error.maybe_done), (kind, text, false));
    }
    assert_eq!(written(none(), (302, vec![("location", "../..")], Value::from(""))).await, Ok(()));
    // Where the crumb cannot be had, nothing is sent.
    let error =
        written((500, vec![("x-error", "no heap")], page("Oops")), (200, vec![], Value::from(""))).await.unwrap_err();
    assert_eq!(
        (error.text.as_str(), error.maybe_done),
        ("Jenkins, abort gateway #813: Ship to prod?: it failed (500: no heap)", false)
    );
}
