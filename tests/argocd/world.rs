//! The pretended Argo CD by itself: what upstream's server says, checked against its own words and not against our client.

use bytes::Bytes;
use holdshort::{
    demo::{
        argocd::{ArgoCd, spec::Spec},
        system::{Reply, System},
    },
    domain::time::{Timestamp, after},
};
use http::Request;
use serde_json::{Value, json};

const SPEC: &str = r#"
user = "dana"
denied = ["sync, books/shelf"]
[[applications]]
name = "payments"
project = "shop"
image = "r.example/payments"
auto_sync = { self_heal = true }
takes = "10s"
settles = "5s"
notices = "60s"
bad = ["1.42.0"]
history = [
  { revision = "0000000000000000000000000000000000000001", tag = "1.41.3", ago = "3d" },
  { revision = "0000000000000000000000000000000000000002", tag = "1.42.0", ago = "1h" },
]
[[applications]]
name = "shelf"
project = "books"
image = "r.example/shelf"
history = [{ revision = "0000000000000000000000000000000000000003", tag = "1.0.0", ago = "3d", by = "lee" }]
"#;

struct Bench {
    system: ArgoCd,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let now: Timestamp = "2026-03-10T02:07:00Z".parse().unwrap();
        let spec: Spec = toml::from_str(SPEC).unwrap();
        Self { system: ArgoCd::new(&spec, now), now }
    }

    fn pass(&mut self, seconds: u64) {
        self.now = after(self.now, std::time::Duration::from_secs(seconds));
        while let Some(at) = self.system.next().filter(|at| *at <= self.now) {
            self.system.advance(at);
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests write it where they hand it over")]
    fn request(&mut self, method: &str, path: &str, kind: Option<&str>, body: Value) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.body(Bytes::from(text)).unwrap();
        let Reply::Whole(response) = self.system.respond(self.now, &request) else { panic!("a stream") };
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        self.request("GET", path, None, Value::Null)
    }

    fn post(&mut self, path: &str, body: Value) -> (u16, Value) {
        self.request("POST", path, Some("application/json"), body)
    }

    fn app(&mut self) -> Value {
        self.get("/api/v1/applications/payments?project=shop").1
    }
}

fn message((status, body): (u16, Value)) -> (u16, i64, String) {
    (status, body["code"].as_i64().unwrap(), body["message"].as_str().unwrap().to_owned())
}

#[test]
fn without_the_project_what_is_not_there_and_what_may_not_be_seen_are_one_answer() {
    let mut bench = Bench::new();
    let denied = (403, 7, "permission denied".to_owned());
    assert_eq!(message(bench.get("/api/v1/applications/nothing")), denied);
    let missing = (404, 5, "applications.argoproj.io \"nothing\" not found".to_owned());
    assert_eq!(message(bench.get("/api/v1/applications/nothing?project=shop")), missing);
    assert_eq!(bench.get("/api/v1/applications/payments?project=books").0, 404, "it is in another project");
    assert_eq!(bench.get("/api/v1/applications/payments").0, 200);
}

#[test]
fn what_changes_something_needs_its_content_type_and_refusals_are_upstream_s() {
    let mut bench = Bench::new();
    let plain = bench.request("POST", "/api/v1/applications/payments/sync", None, json!({}));
    assert_eq!(plain.0, 415);
    let back = |bench: &mut Bench, id: u64| {
        message(bench.post("/api/v1/applications/payments/rollback", json!({"project": "shop", "id": id})))
    };
    let on = (400, 9, "rollback cannot be initiated when auto-sync is enabled".to_owned());
    assert_eq!(back(&mut bench, 0), on);
    let off = json!({"name": "payments", "project": "shop", "patchType": "merge",
        "patch": r#"{"spec":{"syncPolicy":{"automated":{"enabled":false}}}}"#});
    let patched = bench.request("PATCH", "/api/v1/applications/payments", Some("application/json"), off);
    assert_eq!(patched.1["spec"]["syncPolicy"]["automated"], json!({"selfHeal": true, "enabled": false}));
    let unknown = (400, 3, "application argocd/payments does not have deployment with id 9".to_owned());
    assert_eq!(back(&mut bench, 9), unknown);
    let ends = |bench: &mut Bench| {
        message(bench.request(
            "DELETE",
            "/api/v1/applications/payments/operation?project=shop",
            Some("application/json"),
            Value::Null,
        ))
    };
    assert_eq!(ends(&mut bench), (400, 3, "Unable to terminate operation. No operation is in progress".to_owned()));
    let (status, _) = bench.post("/api/v1/applications/payments/rollback", json!({"project": "shop", "id": 0}));
    assert_eq!(status, 200);
    let busy = (400, 9, "another operation is already in progress".to_owned());
    assert_eq!(back(&mut bench, 0), busy);
    let denied = message(bench.post("/api/v1/applications/shelf/sync", json!({"project": "books"})));
    assert_eq!((denied.0, denied.1), (403, 7));
    assert!(denied.2.starts_with("permission denied: applications, sync, books/shelf, sub: dana"), "{}", denied.2);
}

#[test]
fn an_operation_takes_its_time_and_the_history_grows_only_when_it_succeeds() {
    let mut bench = Bench::new();
    let off = json!({"name": "payments", "project": "shop", "patchType": "merge",
        "patch": r#"{"spec":{"syncPolicy":{"automated":null}}}"#});
    bench.request("PATCH", "/api/v1/applications/payments", Some("application/json"), off);
    bench.post("/api/v1/applications/payments/rollback", json!({"project": "shop", "id": 0}));
    let asked = bench.app();
    assert_eq!((asked["status"]["operationState"].is_null(), asked["operation"]["sync"].is_null()), (true, false));
    bench.pass(2);
    let runs = bench.app();
    assert_eq!(runs["status"]["operationState"]["phase"], "Running");
    assert_eq!(runs["status"]["history"].as_array().unwrap().len(), 2);
    bench.pass(12);
    let done = bench.app();
    assert_eq!(done["status"]["operationState"]["phase"], "Succeeded");
    let last = done["status"]["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["id"].as_u64(), last["initiatedBy"]["username"].as_str()), (Some(2), Some("dana")));
    assert_eq!((done["status"]["sync"]["status"].as_str(), done["operation"].is_null()), (Some("OutOfSync"), true));
    bench.pass(10);
    assert_eq!(bench.app()["status"]["health"]["status"], "Healthy");
}

#[test]
fn auto_sync_follows_git_after_a_while_and_tries_a_revision_once() {
    let mut bench = Bench::new();
    let push = toml::from_str(
        "push = { application = 'payments', revision = '0000000000000000000000000000000000000004', tag = '1.43.0' }",
    );
    bench.system.act(bench.now, &push.unwrap()).unwrap();
    bench.pass(50);
    assert_eq!(bench.app()["status"]["sync"]["status"], "Synced", "it has not looked yet");
    bench.pass(30);
    let app = bench.app();
    assert_eq!(app["status"]["history"].as_array().unwrap().last().unwrap()["initiatedBy"], json!({"automated": true}));
    let history = app["status"]["history"].as_array().unwrap().len();
    bench.pass(600);
    assert_eq!(bench.app()["status"]["history"].as_array().unwrap().len(), history);
}

#[test]
fn a_list_knows_only_some_fields_and_a_stream_any_and_says_that_it_is_alive() {
    let mut bench = Bench::new();
    let fields = "fields=items.metadata.name,items.status.history,items.spec.project,metadata.resourceVersion";
    let (_, list) = bench.get(&format!("/api/v1/applications?projects=shop&{fields}"));
    assert_eq!(
        list["items"],
        json!([{"metadata": {"name": "payments"}, "spec": {"project": "shop"}}]),
        "the history is not among them"
    );
    let uri = format!(
        "/api/v1/stream/applications?projects=shop&resourceVersion={}&fields=result.type,result.application.metadata.name,result.application.status.sync.revision",
        list["metadata"]["resourceVersion"].as_str().unwrap()
    );
    let request = Request::get(uri).header("accept", "text/event-stream").body(Bytes::new()).unwrap();
    let Reply::Stream { head, cursor } = bench.system.respond(bench.now, &request) else { panic!("no stream") };
    assert_eq!(head.headers()["content-type"], "text/event-stream");
    assert_eq!(bench.system.due(cursor, bench.now).chunks, Vec::<Bytes>::new(), "nothing is newer than the list");
    bench.pass(15);
    assert_eq!(bench.system.due(cursor, bench.now).chunks, [Bytes::from(":\n")]);
    let push = toml::from_str(
        "push = { application = 'payments', revision = '0000000000000000000000000000000000000004', tag = '1.43.0' }",
    );
    bench.system.act(bench.now, &push.unwrap()).unwrap();
    bench.pass(120);
    let frames = bench.system.due(cursor, bench.now).chunks;
    let told: Vec<&Bytes> = frames.iter().filter(|frame| frame.starts_with(b"data: ")).collect();
    // Of what else changed with it nothing was asked for, and what is alike is told once.
    let [only] = told.as_slice() else { panic!("{frames:?}") };
    let expected = r#"data: {"result":{"application":{"metadata":{"name":"payments"},"status":{"sync":{"revision":"0000000000000000000000000000000000000004"}}},"type":"MODIFIED"}} "#;
    assert_eq!(std::str::from_utf8(only).unwrap().trim_end_matches('\n'), expected);
}

#[test]
fn rights_are_said_for_a_project_and_for_each_of_its_applications() {
    let mut bench = Bench::new();
    let mut can = |what: &str| bench.get(&format!("/api/v1/account/can-i/applications/{what}")).1["value"].clone();
    assert_eq!(
        (can("sync/shop/*"), can("sync/books/*"), can("sync/books/shelf")),
        (json!("yes"), json!("no"), json!("no"))
    );
    assert_eq!(can("update/books/shelf"), "yes");
    assert_eq!(
        bench.get("/api/v1/account/can-i/applications/rollback/shop/*").0,
        400,
        "before 3.6 there is no such action"
    );
}
