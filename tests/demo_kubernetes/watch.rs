//! Watches: events, selectors, bookmarks, time-outs, and the end of memory.

use serde_json::{Value, json};

use crate::bench::{Bench, fixture};

const CELL: &str = r#"
    [[deployments]]
    namespace = "shop"
    name = "web"
    image = "registry.test/web"
    history = [{ tag = "1.4.0", commit = "a" }]
"#;
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

fn version(bench: &mut Bench) -> String {
    bench.get(DEPLOYMENTS)["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

fn label(bench: &mut Bench, value: &Value) {
    let body = json!({"metadata": {"labels": {"tier": value}}});
    assert_eq!(bench.patch(&format!("{DEPLOYMENTS}/web"), "merge", &body).code, 200);
}

#[test]
fn a_watch_tells_what_comes_into_view_and_what_goes_out_of_it() {
    let mut bench = Bench::new(CELL);
    let from = version(&mut bench);
    let all = bench.watch(&format!("{DEPLOYMENTS}?watch=1&resourceVersion={from}"));
    let front = bench.watch(&format!("{DEPLOYMENTS}?watch=1&resourceVersion={from}&labelSelector=tier%3Dfront"));
    label(&mut bench, &"front".into());
    label(&mut bench, &"back".into());
    let types = |events: &[(String, Value)]| events.iter().map(|(kind, _)| kind.clone()).collect::<Vec<_>>();
    assert_eq!(types(&bench.due(all).0), ["MODIFIED", "MODIFIED"]);
    let (events, ended) = bench.due(front);
    assert_eq!((types(&events), ended), (vec!["ADDED".to_owned(), "DELETED".to_owned()], false));
    assert_eq!(events[1].1["metadata"]["resourceVersion"], version(&mut bench));
    assert_eq!(bench.due(all), (Vec::new(), false));
}

#[test]
fn a_watch_without_a_version_begins_with_all_there_is() {
    let mut bench = Bench::new(CELL);
    let cursor = bench.watch("/api/v1/pods?watch=true");
    let (events, _) = bench.due(cursor);
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|(kind, pod)| kind == "ADDED" && pod["kind"] == "Pod"));
}

#[test]
fn the_end_of_initial_events_is_marked_and_bookmarks_follow() {
    let mut bench = Bench::new(CELL);
    let path =
        "?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=90";
    let cursor = bench.watch(&format!("{DEPLOYMENTS}{path}"));
    let (events, _) = bench.due(cursor);
    let marked = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"annotations": {"k8s.io/initial-events-end": "true"}, "resourceVersion": version(&mut bench)},
    });
    assert_eq!(events[1], ("BOOKMARK".to_owned(), marked));
    bench.run(61);
    let (events, ended) = bench.due(cursor);
    assert_eq!((events.len(), events[0].0.as_str(), ended), (1, "BOOKMARK", false));
    bench.run(30);
    assert_eq!(bench.due(cursor), (Vec::new(), true));
    assert_eq!(bench.due(cursor), (Vec::new(), true));
}

#[test]
fn a_watch_from_a_forgotten_version_ends_with_410() {
    let mut bench = Bench::new(CELL);
    let cursor = bench.watch(&format!("{DEPLOYMENTS}?watch=1&resourceVersion=300"));
    let (events, ended) = bench.due(cursor);
    let recorded = fixture("watch-410-gone.json").replace("519", &version(&mut bench));
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    assert_eq!((events, ended), (vec![("ERROR".to_owned(), recorded["object"].clone())], true));
}

#[test]
fn a_reader_that_hung_up_is_forgotten() {
    use holdshort::demo::system::System;
    let mut bench = Bench::new(CELL);
    let cursor = bench.watch("/api/v1/pods?watch=true");
    bench.cluster.hang_up(cursor);
    assert_eq!(bench.due(cursor), (Vec::new(), true));
}
