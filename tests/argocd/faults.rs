//! What Argo CD says when it does not answer, in words; and what stays known meanwhile.

use std::sync::Arc;

use futures::StreamExt;
use holdshort::{
    domain::{observed::FaultKind, verb::Verb},
    port::{clock::SharedClock, error::ProviderError, inventory::Heard, record::Stage},
};
use serde_json::{Value, json};

use crate::{
    golden::around,
    inventory::{Change, Listing},
    scene::{Diary, HandClock, SCENARIO, Said, Scene, ask, chosen, connect, saying},
};

async fn refused(said: Said) -> ProviderError {
    let clock: SharedClock = Arc::new(HandClock::new());
    let connection = connect(saying(&Diary::default(), vec![("/applications", said)]), vec![chosen("shop/*")], &clock);
    let inventory = &connection.inventories[0];
    let scopes = inventory.discover().await.unwrap();
    let told: Vec<Heard> = inventory.list(scopes).collect().await;
    let [one] = <[_; 1]>::try_from(told).unwrap();
    one.parts.unwrap_err()
}

#[tokio::test]
async fn every_refusal_is_a_sentence_with_the_way_out() {
    let json = "application/json";
    let said = |code: u32, text: &str| json!({"error": text, "code": code, "message": text});
    let page = Value::from("<html><title>Sign in</title>");
    let table: Vec<(Said, FaultKind, &str)> = vec![
        (
            (401, json, said(16, "no session information")),
            FaultKind::Unauthenticated,
            "Argo CD, shop: the token is not accepted (no session information); put a valid one into the configuration: ",
        ),
        (
            (403, json, said(7, "permission denied")),
            FaultKind::Forbidden,
            "Argo CD, shop: it does not let us (permission denied); it takes the right `applications, get, shop/*`",
        ),
        (
            (404, json, said(5, "not found")),
            FaultKind::Missing,
            "Argo CD, shop: it has nothing there that the token may see (not found); check the name and the project",
        ),
        (
            (429, json, said(8, "slow down")),
            FaultKind::RateLimited,
            "Argo CD, shop: it asks us to ask less often (slow down)",
        ),
        ((500, json, said(13, "internal")), FaultKind::Server, "Argo CD, shop: it failed (500: internal)"),
        ((502, "text/html", page.clone()), FaultKind::Server, "Argo CD, shop: it failed (502: a web page ('Sign in'))"),
        (
            (200, "text/html", page),
            FaultKind::Unreadable,
            "Argo CD, shop: it answers with a web page ('Sign in'): is there a proxy or a login page before it? Check its address \
             and how we sign in",
        ),
        ((200, json, Value::from("{\"items\": [")), FaultKind::Unreadable, "Argo CD, shop: cannot read the answer"),
        ((200, json, json!({"message": "no list"})), FaultKind::Unreadable, "Argo CD, shop: cannot read the answer"),
        ((200, json, json!([])), FaultKind::Unreadable, "Argo CD, shop: cannot read the answer"),
    ];
    for (said, kind, text) in table {
        let error = refused(said).await;
        assert!(error.kind == kind && error.text.starts_with(text), "{error:?}, not {text}");
    }
}

#[tokio::test]
async fn a_project_that_lists_nothing_is_not_taken_for_a_calm_one_and_what_is_named_is_missed() {
    let clock: SharedClock = Arc::new(HandClock::new());
    let calm = "Argo CD: it lists no Application of the project shpo; check the name, and what the token may see";
    let connection =
        connect(saying(&Diary::default(), around(Value::Null, "/applications")), vec![chosen("shpo/*")], &clock);
    assert_eq!(connection.inventories[0].look().await, (vec![], vec![calm.to_owned()]));
    let scene = Scene::of(SCENARIO, vec![chosen("shop/payments-prod"), chosen("shop/paymnets")]);
    let (items, unread) = scene.inventory().look().await;
    let missed =
        "Argo CD: there is no Application shop/paymnets that the token may see; check its name, and the token's rights";
    assert_eq!((items.len(), unread), (1, vec![missed.to_owned()]));
}

#[tokio::test]
async fn one_that_cannot_be_read_sinks_no_other_and_is_counted() {
    let clock: SharedClock = Arc::new(HandClock::new());
    let items = json!([{"metadata": {"name": 7}}, {"metadata": {"name": "web"}, "spec": {"project": "shop"}}]);
    let connection = connect(saying(&Diary::default(), around(items, "/applications")), vec![chosen("shop/*")], &clock);
    let (items, unread) = connection.inventories[0].look().await;
    assert_eq!((items.len(), unread), (1, vec!["Argo CD: 1 of 2 Applications could not be read".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_is_opened_anew_behind_a_list_and_misses_nothing() {
    let faults = "[[faults]]\non = '/argocd'\nfrom = '70s'\nwhat = 'drop_watch'\n\
                  [[systems.script]]\nat = '80s'\nact = { sync = { application = 'search-prod', by = 'lee' } }\n";
    // The script belongs to the system before it.
    let (fault, script) = faults.split_at(faults.find("[[systems").unwrap());
    let scene = Scene::of(&format!("{SCENARIO}\n{script}\n{fault}"), vec![chosen("shop/search-prod")]);
    let mut changes = scene.inventory().changes();
    let Change::All(first) = changes.next().await.unwrap().unwrap() else { panic!("not everything") };
    assert_eq!(first.len(), 1);
    let end = scene.clock.now() + chrono::TimeDelta::minutes(4);
    let mut arrived = false;
    while scene.clock.now() < end && !arrived {
        let told = match changes.next().await.unwrap().unwrap() {
            Change::All(all) => all,
            Change::One(one) => vec![*one],
            _ => continue,
        };
        arrived = told.iter().any(|one| one.stable.as_ref().is_some_and(|version| version.tag == "4.2.0"));
    }
    assert!(arrived, "the sync was never told");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_silent_is_given_up_after_forty_seconds() {
    let fault = "[[faults]]\non = '/argocd'\nfrom = '1m'\nwhat = 'hang'\n";
    let scene = Scene::of(&format!("{SCENARIO}\n{fault}"), vec![chosen("shop/search-prod")]);
    let mut changes = scene.inventory().changes();
    let begin = scene.clock.now();
    let error = loop {
        if let Err(error) = changes.next().await.unwrap() {
            break error;
        }
    };
    let after = (scene.clock.now() - begin).num_seconds();
    assert_eq!(error.kind, FaultKind::TimedOut);
    // The last byte, 40 s without another one, and a list that has no answer, thrice at most.
    assert!((85..125).contains(&after), "{after} s");
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_told_and_what_cannot_be_seen_is_not_taken_for_gone() {
    let script = "[[systems.script]]\nat = '1m'\nact = { delete = { application = 'search-prod' } }\n";
    let scene = Scene::new(script);
    let mut changes = scene.inventory().changes();
    let gone = loop {
        if let Change::Gone(id) = changes.next().await.unwrap().unwrap() {
            break id;
        }
    };
    assert_eq!(gone.to_string(), "cd/application/shop/search-prod");
    let error = scene.inventory().read(&gone).await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Missing, "{error}");
    let scene = Scene::new("");
    let search = scene.app("search-prod").await;
    let hidden = SCENARIO.replace("user = \"dana\"", "user = \"dana\"\ndenied = [\"get, shop/search-prod\"]");
    let error = Scene::of(&hidden, vec![chosen("shop/*")]).inventory().read(&search.id).await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Forbidden, "{error}");
    assert!(error.text.ends_with("it takes the right `applications, get, shop/search-prod`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn another_operation_that_began_meanwhile_is_a_sentence_and_nothing_is_sent_twice() {
    let scene =
        Scene::new("[[systems.script]]\nat = '30s'\nact = { sync = { application = 'search-prod', by = 'kim' } }\n");
    let search = scene.app("search-prod").await;
    let ask = ask(Verb::Sync, &search);
    let draft = scene.draft(&search, &ask).unwrap();
    scene.pass(35).await;
    let record = scene.carry_out(&search, &ask, draft).await;
    let end = &record.end().unwrap().stage;
    assert!(matches!(end, Stage::Refused { changed: true, .. }), "{end:?}");
    assert_eq!(scene.writes(), [""; 0]);
}
