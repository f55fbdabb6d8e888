//! `acme/*`: which repositories an organisation has, and what becomes of them when that cannot be told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::StreamExt;
use holdshort::{
    domain::item::Item,
    port::{
        facet::Connection,
        wire::{Transport, WireBody, whole},
    },
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::inventory::Listing;
use crate::scene::{Diary, HandClock, connect_all, transport};

/// An organisation that changes under our eyes: its repositories as GitHub lists them; what is not listed is 404.
#[derive(Clone, Default)]
struct Org(Arc<Mutex<Vec<Value>>>);

fn repo(name: &str) -> Value {
    json!({ "name": name, "full_name": format!("acme/{name}"), "archived": false })
}

impl Org {
    fn of(names: &[&str]) -> Self {
        Self(Arc::new(Mutex::new(names.iter().map(|name| repo(name)).collect())))
    }

    fn becomes(&self, repos: impl IntoIterator<Item = Value>) {
        *self.0.lock().unwrap() = repos.into_iter().collect();
    }

    fn answer(&self, uri: &str) -> Response<WireBody> {
        let say = |status: u16, body: &Value| Response::builder().status(status).body(whole(body.to_string())).unwrap();
        let all = self.0.lock().unwrap();
        if uri.starts_with("/user?") || uri == "/user" {
            return say(200, &json!({ "login": "dana" }));
        }
        if uri.starts_with("/orgs/acme/repos?") && !all.is_empty() {
            let page = uri.rsplit_once("&page=").map_or(1, |(_, page)| page.parse::<usize>().unwrap());
            let part: Vec<_> = all.iter().skip((page - 1) * 100).take(100).collect();
            return say(200, &json!(part));
        }
        let name = uri.strip_prefix("/repos/acme/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        if !name.is_empty()
            && (name == "named" || all.iter().any(|one| one["name"] == name && one["refused"].is_null()))
        {
            let id = 1_000 + name.len();
            let run = json!({ "id": id, "run_number": 1, "name": "Deploy", "status": "completed", "conclusion": "success",
                "created_at": "2026-03-10T10:00:00Z", "updated_at": "2026-03-10T10:00:00Z", "head_branch": "main" });
            let runs = if uri.contains("status=") { json!([]) } else { json!([run]) };
            return say(200, &json!({ "total_count": runs.as_array().unwrap().len(), "workflow_runs": runs }));
        }
        say(404, &json!({ "message": "Not Found" }))
    }

    fn transport(&self, diary: &Diary) -> Transport {
        let org = self.clone();
        transport(diary, move |request: &Request<Bytes>| Ok(org.answer(&request.uri().to_string())))
    }

    fn connect(&self, names: &[&str], clock: &HandClock) -> Connection {
        connect_all(self.transport(&Diary::default()), names, clock)
    }
}

/// The services of the runs that are seen, and what could not be read.
async fn seen(connection: &Connection) -> (Vec<String>, Vec<String>) {
    let (items, unread) = connection.inventories[0].look().await;
    (items.iter().filter_map(Item::run).map(|run| run.service.to_string()).collect(), unread)
}

async fn scopes(connection: &Connection) -> Vec<String> {
    connection.inventories[0].discover().await.unwrap().into_iter().map(|scope| scope.name).collect()
}

#[tokio::test]
async fn all_repositories_of_an_organisation_are_looked_at_but_for_archived_ones_and_named_ones_once() {
    let org = Org::of(&["ledger", "named", "shop"]);
    org.0.lock().unwrap().push(json!({ "name": "attic", "archived": true }));
    let connection = org.connect(&["acme/named", "acme/*"], &HandClock::new());
    assert_eq!(scopes(&connection).await, ["acme/named", "acme/ledger", "acme/shop", "acme/*"]);
    let (services, unread) = seen(&connection).await;
    assert_eq!((services, unread), (["named", "ledger", "shop"].map(str::to_owned).to_vec(), vec![]));
}

#[tokio::test]
async fn a_repository_of_it_that_is_refused_is_one_that_is_refused() {
    let org = Org::of(&["ledger"]);
    org.0.lock().unwrap().push(json!({ "name": "secret", "archived": false, "refused": true }));
    let (services, unread) = seen(&org.connect(&["acme/*"], &HandClock::new())).await;
    let why = "GitHub, acme/secret: not found or no permission; check the name and what the token may do";
    assert_eq!((services, unread), (vec!["ledger".to_owned()], vec![why.to_owned()]));
}

#[tokio::test]
async fn an_organisation_that_is_refused_is_said_and_what_is_named_is_shown() {
    let connection = Org::default().connect(&["acme/named", "acme/*"], &HandClock::new());
    let (services, unread) = seen(&connection).await;
    let why = "GitHub, acme/*: not found or no permission; check the name and what the token may do";
    assert_eq!((services, unread), (vec!["named".to_owned()], vec![why.to_owned()]));
}

#[tokio::test]
async fn what_comes_to_an_organisation_is_found_and_what_leaves_it_is_not_looked_at_any_more() {
    let (org, clock) = (Org::of(&["ledger", "shop"]), HandClock::new());
    let connection = org.connect(&["acme/*"], &clock);
    assert_eq!(scopes(&connection).await, ["acme/ledger", "acme/shop", "acme/*"]);
    org.becomes([repo("shop"), repo("till")]);
    clock.pass(Duration::from_mins(9));
    assert_eq!(scopes(&connection).await, ["acme/ledger", "acme/shop", "acme/*"], "not asked yet");
    clock.pass(Duration::from_mins(1));
    assert_eq!(scopes(&connection).await, ["acme/shop", "acme/till", "acme/*"]);
    // What was known of it stays known when it does not answer.
    org.becomes([]);
    clock.pass(Duration::from_mins(10));
    assert_eq!(scopes(&connection).await, ["acme/shop", "acme/till", "acme/*"]);
    let told = connection.inventories[0].list(connection.inventories[0].discover().await.unwrap());
    let told: Vec<_> = told.collect().await;
    let list = told.iter().find(|one| one.scope.name == "acme/*").unwrap();
    let unread: Vec<_> = list.parts.as_ref().unwrap().iter().flat_map(|part| part.unread.clone().unwrap()).collect();
    let why = "GitHub, acme/*: not found or no permission; check the name and what the token may do (its repositories are \
               those that it had)";
    assert_eq!(unread, [why]);
}

#[tokio::test]
async fn of_a_large_organisation_those_are_looked_at_that_moved_last_and_that_is_said() {
    let names: Vec<String> = (0..130).map(|number| format!("r{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let diary = Diary::default();
    let connection = connect_all(Org::of(&names).transport(&diary), &["acme/*"], &HandClock::new());
    let scopes = scopes(&connection).await;
    assert_eq!((scopes.len(), scopes[99].as_str(), scopes[100].as_str()), (101, "acme/r99", "acme/*"));
    let asked: Vec<_> = diary.lines().into_iter().filter(|line| line.contains("/orgs/")).collect();
    let list = "GET /orgs/acme/repos?sort=pushed&direction=desc&per_page=100";
    assert_eq!(asked, [list.to_owned(), format!("{list}&page=2")]);
    let (_, unread) = seen(&connection).await;
    let why = "GitHub, acme/*: only the 100 that were pushed to last of its repositories are looked at; name others one by one \
               in `repos`";
    assert_eq!(unread, [why]);
}

#[tokio::test]
async fn an_owner_that_is_no_organisation_is_a_person() {
    let diary = Diary::default();
    let answer = |request: &Request<Bytes>| {
        let body = match request.uri().path() {
            "/user" => json!({ "login": "Dana" }),
            "/user/repos" => json!([repo("own")]),
            "/users/lee/repos" => json!([repo("public")]),
            _ => return Ok(Response::builder().status(404).body(whole("{}")).unwrap()),
        };
        Ok(Response::new(whole(body.to_string())))
    };
    let connection = connect_all(transport(&diary, answer), &["dana/*", "lee/*"], &HandClock::new());
    assert_eq!(scopes(&connection).await, ["dana/own", "lee/public", "dana/*", "lee/*"]);
    let asked: Vec<_> = diary.lines().into_iter().filter(|line| line.contains("/repos?")).collect();
    let list = |path: &str| format!("GET {path}sort=pushed&direction=desc&per_page=100");
    assert_eq!(
        asked,
        [
            list("/orgs/dana/repos?"),
            list("/user/repos?affiliation=owner&"),
            list("/orgs/lee/repos?"),
            list("/users/lee/repos?"),
        ]
    );
}

#[tokio::test]
async fn an_owner_that_lists_nothing_is_not_taken_for_a_calm_one() {
    for nothing in [json!([]), json!(null), json!([{ "name": "attic", "archived": true }])] {
        let answer = move |request: &Request<Bytes>| {
            let listed = request.uri().path() == "/orgs/acmee/repos";
            let body = if listed { nothing.clone() } else { json!({}) };
            Ok(Response::new(whole(body.to_string())))
        };
        let connection = connect_all(transport(&Diary::default(), answer), &["acmee/*"], &HandClock::new());
        let why = "GitHub, acmee/*: it lists no repository; check the name, and what the token may see";
        assert_eq!(seen(&connection).await, (vec![], vec![why.to_owned()]));
    }
}
