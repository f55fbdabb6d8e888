//! What waits on GitHub as it is: reviewers that it hides, timers, rules of apps, pull requests of strangers, queues, long lists,
//! repositories that are gone. A transport that lists and pages as GitHub does, and our client over it.

use std::collections::BTreeMap;

use bytes::Bytes;
use holdshort::{
    domain::{
        gate::{Behind, Eligibility, Gate},
        object::ObjectId,
        observed::FaultKind,
        offer::{Offer, Risk},
        pipeline::RunStatus,
        verb::Verb,
    },
    port::{
        facet::Connection,
        plan::Ask,
        wire::{Transport, WireBody, WireError, whole},
    },
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::inventory::Listing;
use crate::scene::{Diary, HandClock, connect_all, send, start, transport};

/// One repository: its runs, newest first, and what each waits for.
#[derive(Clone, Default)]
struct Repo {
    runs: Vec<Value>,
    pending: BTreeMap<u64, Value>,
    /// The apps whose rules protect its environments.
    rules: Option<Value>,
}

/// Repositories by name; what is not there is 404.
#[derive(Clone, Default)]
struct Hub(BTreeMap<&'static str, Repo>);

fn ago(minutes: i64) -> String {
    (start() - chrono::TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A run that waits since half an hour.
fn run(id: u64, number: u64, more: &Value) -> Value {
    let mut run = json!({
        "id": id, "name": "Deploy", "head_branch": "main", "head_sha": format!("{id:040}"), "display_title": "Ship it",
        "run_number": number, "run_attempt": 1, "status": "waiting", "conclusion": null, "workflow_id": 777,
        "html_url": format!("https://github.test/runs/{id}"), "created_at": ago(40), "updated_at": ago(30),
        "actor": { "login": "lee" }, "triggering_actor": { "login": "lee" },
    });
    run.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    run
}

fn pending(can: Option<bool>, reviewers: &Value, more: &Value) -> Value {
    let mut pending = json!({
        "environment": { "id": 161, "name": "production" }, "wait_timer": 0, "wait_timer_started_at": null,
        "current_user_can_approve": can, "reviewers": reviewers,
    });
    pending.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    pending
}

fn person(login: &str) -> Value {
    json!({ "type": "User", "reviewer": { "login": login } })
}

impl Hub {
    fn with(mut self, name: &'static str, repo: Repo) -> Self {
        self.0.insert(name, repo);
        self
    }

    fn answer(&self, request: &Request<Bytes>) -> Option<(Value, Option<String>)> {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let query: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if path == "/user" {
            return Some((json!({ "login": "dana" }), None));
        }
        let mut parts = path.strip_prefix("/repos/")?.splitn(3, '/');
        let name = format!("{}/{}", parts.next()?, parts.next()?);
        let repo = self.0.get(name.as_str())?;
        match parts.next()?.split('/').collect::<Vec<_>>().as_slice() {
            ["actions", "runs"] => {
                let is = |run: &&Value| {
                    query.get("status").is_none_or(|wanted| run["status"] == **wanted || run["conclusion"] == **wanted)
                };
                let all: Vec<&Value> = repo.runs.iter().filter(is).collect();
                let number = |name: &str| query.get(name).map_or(1, |text| text.parse::<usize>().unwrap());
                let (size, page) = (number("per_page"), number("page"));
                let part: Vec<_> = all.iter().skip((page - 1) * size).take(size).collect();
                let next = (page * size < all.len()).then(|| {
                    format!("<https://elsewhere.test/repositories/1/actions/runs?page={}>; rel=\"next\"", page + 1)
                });
                Some((json!({ "total_count": all.len(), "workflow_runs": part }), next))
            }
            ["actions", "runs", id] => {
                let id: u64 = id.parse().ok()?;
                Some((repo.runs.iter().find(|run| run["id"] == id)?.clone(), None))
            }
            ["actions", "runs", id, "pending_deployments"] => {
                Some((repo.pending.get(&id.parse().ok()?)?.clone(), None))
            }
            ["environments", "production", "deployment_protection_rules"] => Some((repo.rules.clone()?, None)),
            _ => None,
        }
    }

    fn transport(self, diary: &Diary) -> Transport {
        transport(diary, move |request: &Request<Bytes>| -> Result<Response<WireBody>, WireError> {
            let (status, (body, next)) = match self.answer(request) {
                Some(answer) => (200, answer),
                None => (404, (json!({ "message": "Not Found" }), None)),
            };
            let response = Response::builder().status(status);
            let response = next.into_iter().fold(response, |response, next| response.header("link", next));
            Ok(response.body(whole(body.to_string())).unwrap())
        })
    }

    fn connect(self, names: &[&str]) -> Connection {
        connect_all(self.transport(&Diary::default()), names, &HandClock::new())
    }
}

/// A repository of which each run waits for this.
fn ledger(runs: impl IntoIterator<Item = (Value, Value)>) -> Repo {
    let (mut all, mut waits) = (Vec::new(), BTreeMap::new());
    for (run, pending) in runs {
        waits.insert(run["id"].as_u64().unwrap(), pending);
        all.push(run);
    }
    Repo { runs: all, pending: waits, rules: None }
}

async fn gates(connection: &Connection) -> (Vec<Gate>, Vec<String>) {
    let (items, unread) = connection.inventories[0].look().await;
    (items.iter().filter_map(|item| item.gate().cloned()).collect(), unread)
}

fn cannot(why: &str, ask: &[&str]) -> Eligibility {
    Eligibility::Cannot { why: why.to_owned(), ask: ask.iter().map(|name| (*name).into()).collect() }
}

#[tokio::test]
async fn whoever_or_whatever_opens_an_environment_it_is_a_row_and_says_what() {
    let hidden = json!({ "type": "Team", "reviewer": null });
    let unknown = Eligibility::Unknown { why: "GitHub does not say whether you may".into() };
    let timer = |started: Value| json!({ "wait_timer": 30, "wait_timer_started_at": started });
    let not = "you are not a reviewer of production";
    let table = [
        (
            pending(Some(false), &json!([hidden]), &json!({})),
            cannot(&format!("{not}; GitHub does not say who may approve"), &[]),
        ),
        (
            pending(Some(false), &json!([null]), &json!({})),
            cannot(&format!("{not}; GitHub does not say who may approve"), &[]),
        ),
        (
            pending(Some(false), &json!([person("lee"), hidden]), &json!({})),
            cannot(&format!("{not}; GitHub does not name every reviewer"), &["lee"]),
        ),
        (pending(Some(true), &json!([hidden]), &json!({})), Eligibility::Can),
        (pending(None, &json!([person("dana")]), &json!({})), unknown),
        // It is 10:12.
        (pending(Some(true), &json!([]), &timer(json!(ago(5)))), cannot("opens by itself at 10:37 UTC", &[])),
        (
            pending(Some(true), &json!([]), &json!({ "wait_timer": 2880, "wait_timer_started_at": ago(5) })),
            cannot("opens by itself on 12 Mar at 10:07 UTC", &[]),
        ),
        (
            pending(Some(false), &Value::Null, &timer(Value::Null)),
            cannot("waits for the rule gatekeeper and prices, no human", &[]),
        ),
        (
            pending(Some(false), &json!([]), &json!({})),
            cannot("waits for the rule gatekeeper and prices, no human", &[]),
        ),
    ];
    for (index, (waits, eligible)) in table.into_iter().enumerate() {
        let mut repo = ledger([(run(9000, 66, &json!({})), json!([waits]))]);
        let app = |slug: &str, enabled: bool| json!({ "enabled": enabled, "app": { "slug": slug } });
        let apps = [app("gatekeeper", true), app("retired", false), app("prices", true)];
        repo.rules = Some(json!({ "custom_deployment_protection_rules": apps }));
        let (gates, missing) = gates(&Hub::default().with("acme/ledger", repo).connect(&["acme/ledger"])).await;
        let seen: Vec<_> = gates.iter().map(|gate| (gate.title.as_str(), &gate.eligible)).collect();
        assert_eq!((seen, missing), (vec![("Deploy #66 to production", &eligible)], vec![]), "{index}");
        let open = gates[0].offers[0].blocked.is_none();
        assert_eq!(open, !matches!(eligible, Eligibility::Cannot { .. }), "{index}");
    }
}

#[tokio::test]
async fn an_environment_without_a_name_and_rules_that_may_not_be_read_are_rows_too() {
    let waits = json!([
        pending(Some(false), &json!([]), &json!({ "environment": null })),
        pending(Some(false), &json!([]), &json!({})),
    ]);
    let repo = ledger([(run(9000, 66, &json!({ "updated_at": null, "created_at": null })), waits)]);
    let (gates, _) = gates(&Hub::default().with("acme/ledger", repo).connect(&["acme/ledger"])).await;
    let seen: Vec<_> = gates.iter().map(|gate| (gate.title.as_str(), gate.since, gate.eligible.clone())).collect();
    let rule = || cannot("waits for a rule that GitHub does not name, no human", &[]);
    let titles = ["Deploy #66 to unknown", "Deploy #66 to production"];
    assert_eq!(seen, titles.map(|title| (title, start(), rule())));
}

#[tokio::test]
async fn newer_runs_that_their_concurrency_group_holds_back_are_counted_behind_a_gate() {
    let held = |id, number, more: Value| run(id, number, &more);
    let mut repo =
        ledger([(run(9900, 20, &json!({})), json!([pending(Some(true), &json!([person("dana")]), &json!({}))]))]);
    repo.runs.splice(
        0..0,
        [
            held(9906, 26, json!({ "status": "pending", "workflow_id": 1 })),
            held(9905, 25, json!({ "status": "pending" })),
            held(9904, 24, json!({ "status": "completed", "conclusion": "cancelled" })),
            held(9903, 19, json!({ "status": "pending" })),
        ],
    );
    let (gates, missing) = gates(&Hub::default().with("acme/ledger", repo).connect(&["acme/ledger"])).await;
    let seen: Vec<_> = gates.iter().map(|gate| (gate.title.as_str(), gate.newer_behind)).collect();
    assert_eq!((seen, missing), (vec![("Deploy #20 to production", 1)], vec![]));
}

fn waiting_runs(count: u64) -> Repo {
    let newest_first = (0..count).rev();
    ledger(newest_first.map(|id| {
        (run(id + 1, id + 1, &json!({})), json!([pending(Some(true), &json!([person("dana")]), &json!({}))]))
    }))
}

#[tokio::test]
async fn a_list_is_read_to_its_end_and_one_that_has_none_says_how_much_of_it_was_read() {
    let connection = Hub::default().with("acme/ledger", waiting_runs(130)).connect(&["acme/ledger"]);
    let (all, missing) = gates(&connection).await;
    assert_eq!((all.len(), all.last().unwrap().title.as_str(), missing), (130, "Deploy #1 to production", vec![]));
    let connection = Hub::default().with("acme/ledger", waiting_runs(1_030)).connect(&["acme/ledger"]);
    let (all, missing) = gates(&connection).await;
    let text = "GitHub, acme/ledger: 1000 of 1030 runs that wait were read";
    assert_eq!((all.len(), missing), (1_000, vec![text.to_owned()]));
}

/// A repository of so many runs that wait, and what befalls some of its answers.
fn ailing(
    count: u64,
    ails: impl Fn(&str, Response<WireBody>) -> Response<WireBody> + Send + Sync + 'static,
) -> Connection {
    let hub = Hub::default().with("acme/ledger", waiting_runs(count)).transport(&Diary::default());
    let transport = transport(&Diary::default(), move |request: &Request<Bytes>| {
        let answered = futures::FutureExt::now_or_never(tower::ServiceExt::oneshot(hub.clone(), request.clone()));
        Ok(ails(&request.uri().to_string(), answered.unwrap().unwrap()))
    });
    connect_all(transport, &["acme/ledger"], &HandClock::new())
}

#[tokio::test]
async fn a_page_that_fails_leaves_the_pages_before_it_and_says_how_much_was_read_and_why() {
    let connection = ailing(130, |uri, response| {
        if uri.contains("status=waiting") && uri.ends_with("&page=2") {
            return Response::builder().status(502).body(whole("bad gateway")).unwrap();
        }
        response
    });
    let (all, missing) = gates(&connection).await;
    let text = "GitHub, acme/ledger: 100 of 130 runs that wait were read: it failed (502: bad gateway)";
    assert_eq!((all.len(), all[0].title.as_str(), missing), (100, "Deploy #130 to production", vec![text.to_owned()]));
}

#[tokio::test]
async fn a_list_that_counts_more_than_it_gives_and_names_no_further_page_is_not_whole() {
    let connection = ailing(130, |uri, mut response| {
        if uri.contains("&page=2") {
            return Response::new(whole(json!({ "total_count": 130, "workflow_runs": [] }).to_string()));
        }
        response.headers_mut().remove("link");
        response
    });
    let (all, missing) = gates(&connection).await;
    let text = "GitHub, acme/ledger: 100 of 130 runs that wait were read: no further page is named";
    assert_eq!((all.len(), missing), (100, vec![text.to_owned()]));
    let connection = ailing(2, |uri, response| {
        if !uri.contains("status=waiting") {
            return response;
        }
        let waits = json!({ "total_count": 3, "workflow_runs": waiting_runs(2).runs });
        Response::new(whole(waits.to_string()))
    });
    let (all, missing) = gates(&connection).await;
    let text = "GitHub, acme/ledger: 2 of 3 runs that wait were read: no further page is named";
    assert_eq!((all.len(), missing), (2, vec![text.to_owned()]));
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_said_to_be_missing() {
    let mut repo = waiting_runs(1);
    repo.runs.push(json!({ "id": "broken", "status": "waiting" }));
    let connection = Hub::default().with("acme/ledger", repo).connect(&["acme/ledger"]);
    let (all, missing) = gates(&connection).await;
    assert_eq!(all.len(), 1);
    assert_eq!(missing[0], "GitHub, acme/ledger: 1 of the runs that wait cannot be read");
}

#[tokio::test]
async fn a_repository_that_is_gone_is_named_beside_those_that_are_shown() {
    let hub = Hub::default().with("acme/ledger", waiting_runs(1)).with("acme/shop", waiting_runs(1));
    let connection = hub.connect(&["acme/ledger", "acme/archived", "acme/shop"]);
    let (all, missing) = gates(&connection).await;
    let ids: Vec<_> = all.iter().map(|gate| gate.id.path.as_str()).collect();
    assert_eq!(ids, ["acme/ledger/1/production", "acme/shop/1/production"]);
    let text = "GitHub, acme/archived: not found or no permission; check the name and what the token may do";
    assert_eq!(missing, [text]);
}

#[tokio::test]
async fn a_run_that_does_not_say_what_it_waits_for_keeps_its_gates_and_is_named() {
    let mut repo = waiting_runs(2);
    repo.pending.insert(1, json!("no list"));
    let connection = Hub::default().with("acme/ledger", repo).connect(&["acme/ledger"]);
    let (all, missing) = gates(&connection).await;
    assert_eq!(all.iter().map(|gate| gate.title.as_str()).collect::<Vec<_>>(), ["Deploy #2 to production"]);
    assert!(missing[0].starts_with("GitHub, acme/ledger run 1: cannot read the answer"), "{missing:?}");
}

#[tokio::test]
async fn a_pull_request_of_a_stranger_waits_to_be_let_in_and_is_called_as_its_run() {
    let unapproved = json!({ "status": "completed", "conclusion": "action_required", "head_branch": "release-3.12.6" });
    let ended = json!({ "status": "completed", "conclusion": "success" });
    let runs = vec![run(9601, 2, &unapproved), run(9600, 1, &unapproved), run(9599, 0, &ended)];
    let repo = Repo { runs, ..Repo::default() };
    let connection = Hub::default().with("acme/ledger", repo).connect(&["acme/ledger"]);
    let (all, missing) = gates(&connection).await;
    assert_eq!(missing, [""; 0]);
    let why = "GitHub does not say whether you may: it takes the right to write".to_owned();
    let seen: Vec<_> = all.iter().map(|gate| (gate.title.as_str(), gate.is_the_run(), gate.newer_behind)).collect();
    assert_eq!(seen, [("approve and run Deploy #2", true, 0), ("approve and run Deploy #1", true, 1)]);
    let first = &all[0];
    assert_eq!(first.id.to_string(), "github/gate/acme/ledger/9601");
    assert_eq!(first.behind, Behind::Run(ObjectId::new(&"github".into(), "run", "acme/ledger/9601")));
    assert_eq!((first.environment.as_str(), first.system.as_str()), ("", "GitHub run"));
    assert_eq!(first.since, start() - chrono::TimeDelta::minutes(30));
    assert_eq!(first.version.as_ref().unwrap().to_string(), "release-3.12.6 (0000000)");
    assert_eq!(
        first.offers,
        [
            Offer { unsure: Some(why), ..Offer::open(Verb::Approve, Risk::High) },
            Offer::blocked(Verb::Reject, Risk::Medium, "GitHub knows no 'no' here: close its pull request instead"),
        ]
    );
    let runs = connection.inventories[0].runs().await.unwrap();
    let statuses: Vec<_> = runs.iter().map(|run| (run.number, run.status)).collect();
    assert_eq!(statuses, [(2, RunStatus::Waiting), (1, RunStatus::Waiting), (0, RunStatus::Succeeded)]);
    assert_eq!(runs[0].offers[0].blocked.as_deref(), Some("it has not begun: approve it, or close its pull request"));
}

#[tokio::test]
async fn a_run_that_is_let_in_begins_and_leaves_the_inbox() {
    let (forge, clock, diary) = crate::flow::world();
    let connection = connect_all(crate::scene::over_forge(&diary, &forge, &clock), &["acme/shop"], &clock);
    let facet = &connection.inventories[0];
    let gate = facet.gates().await.unwrap().remove(0);
    assert_eq!(gate.title, "approve and run checks #5");
    let ask = Ask::new(Verb::Approve, gate.id.clone());
    let draft = facet.draft_for(&gate, &ask).unwrap();
    assert_eq!((draft.steps[0].call.method.as_str(), draft.steps[0].call.body.shown()), ("POST", ""));
    assert_eq!(draft.steps[0].call.command, "gh api --method POST repos/acme/shop/actions/runs/26412000005/approve");
    let before = facet.read(&ask.target).await.unwrap().facts;
    let holds = |facts: &_| draft.expect.all.iter().all(|expect| expect.holds(facts));
    assert!(draft.bound.iter().all(|(name, value)| before.get(name) == Some(value)) && !holds(&before), "{before:?}");
    assert_eq!(send(&**facet, &draft.steps[0].call).await.unwrap().said, "201 Created");
    let after = facet.read(&ask.target).await.unwrap().facts;
    assert!(holds(&after) && after["status"] == "queued", "{after:?}");
    assert_eq!(facet.gates().await.unwrap(), []);
    let error = send(&**facet, &draft.steps[0].call).await.unwrap_err();
    assert_eq!((error.kind, diary.writes().len()), (FaultKind::Forbidden, 2));
}
