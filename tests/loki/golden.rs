//! Our client against what a real Loki answered.

use holdshort::domain::{line::Level, observed::FaultKind};

use crate::{all, answering, asked, at, body, over, settings, status};

const FROM: i64 = 1_795_240_466_568_455_168;
const TO: i64 = 1_795_242_371_568_455_168;

/// A Loki that has these labels and answers every range with one recorded reply.
async fn lines(range: &'static str) -> Vec<holdshort::domain::line::LogLine> {
    let transport = answering(move |request| match request.uri().path() {
        "/loki/api/v1/labels" => (200, body("labels")),
        "/loki/api/v1/query_range" => (status(range), body(range)),
        other => panic!("{other}"),
    });
    let (loki, _) = over(transport, settings(), TO);
    all(&*loki, asked(FROM, TO)).await.unwrap().into_iter().flat_map(|written| written.lines).collect()
}

#[tokio::test(start_paused = true)]
async fn lines_of_a_real_one_say_when_where_and_how_bad_in_order_of_time() {
    let all = lines("query_range-streams-categorize-labels").await;
    assert_eq!(all.len(), 10);
    assert!(all.is_sorted_by_key(|line| line.at));
    let last = all.last().unwrap();
    assert_eq!(last.at, at(1_795_242_365_518_455_296));
    assert_eq!(
        (last.version.as_str(), last.pod.as_str(), last.level),
        ("1.5.0", "checkout-1.5.0-a", Some(Level::Info))
    );
    assert_eq!(
        last.text,
        "level=info ts=2026-11-21T06:26:05Z caller=checkout.go:88 msg=\"order placed\" order=8275 took=11ms"
    );
    assert_eq!(last.fields["trace_id"], "26a391d7fe968f7757a56e3f06568c82");
    assert_eq!(
        last.fields.len(),
        1,
        "the level is no field, and what a parser found is in the line: {:?}",
        last.fields
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_keep_labels_apart_tells_the_same() {
    let (apart, together) =
        (lines("query_range-streams-categorize-labels").await, lines("query_range-streams-backward").await);
    let mut both = 0;
    for line in &apart {
        let Some(other) = together.iter().find(|other| other.at == line.at) else { continue };
        both += 1;
        assert_eq!(
            (&line.text, &line.version, &line.pod, line.level),
            (&other.text, &other.version, &other.pod, other.level)
        );
    }
    assert!(both > 5, "{both} lines stand in both replies");
    assert!(together.iter().any(|line| line.level == Some(Level::Error)));
}

#[tokio::test(start_paused = true)]
async fn no_lines_are_an_answer_and_say_that_everything_was_read() {
    let transport = answering(|request| match request.uri().path() {
        "/loki/api/v1/labels" => (200, body("labels")),
        _ => (200, body("query_range-empty")),
    });
    let (loki, _) = over(transport, settings(), TO + 60_000_000_000);
    let written = all(&*loki, asked(FROM, TO)).await.unwrap();
    let [only] = written.as_slice() else { panic!("{written:?}") };
    let whole = only.whole.unwrap();
    assert_eq!((only.lines.len(), only.dropped, whole.from, whole.to), (0, 0, at(FROM), at(TO)));
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses_is_told_in_its_words_with_the_way_out() {
    for (reply, kind, says) in [
        ("401-multitenant-no-org-id", FaultKind::Unauthenticated, "X-Scope-OrgID"),
        ("400-parse-error", FaultKind::Rejected, "it refuses: parse error at line 1, col 20"),
        (
            "400-range-too-long",
            FaultKind::Rejected,
            "one of its limits is reached: the query time range exceeds the limit",
        ),
        ("404-no-such-endpoint", FaultKind::Missing, "404"),
        ("push-429-rate-limited", FaultKind::RateLimited, "ask less often: ingestion rate limit exceeded"),
    ] {
        let transport = answering(move |_| (status(reply), body(reply)));
        let (loki, _) = over(transport, settings(), TO);
        let error = all(&*loki, asked(FROM, TO)).await.unwrap_err();
        assert!(error.kind == kind && error.text.contains(says), "{reply}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_label_of_services_is_found_out_once_unless_it_is_set() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = seen.clone();
    let transport = answering(move |request| {
        log.lock().unwrap().push(request.uri().to_string());
        match request.uri().path() {
            "/loki/api/v1/labels" => (200, body("labels")),
            _ => (200, body("query_range-empty")),
        }
    });
    let (loki, _) = over(transport.clone(), settings(), TO);
    for _ in 0..2 {
        all(&*loki, asked(FROM, TO)).await.unwrap();
    }
    let paths = seen.lock().unwrap().split_off(0);
    assert_eq!(paths.iter().filter(|uri| uri.contains("/labels")).count(), 1, "{paths:?}");
    assert!(paths[1].contains("query=%7Bservice_name%3D%22checkout%22%7D&"), "{paths:?}");
    let set = loki_settings("app");
    let (loki, _) = over(transport, set, TO);
    all(&*loki, asked(FROM, TO)).await.unwrap();
    let paths = seen.lock().unwrap().split_off(0);
    assert!(
        paths.len() == 1 && paths[0].contains("query=%7Bapp%3D%22payments-api%22%2Ccluster%3D%22eu%22%7D&"),
        "{paths:?}"
    );
}

fn loki_settings(label: &str) -> holdshort::provider::loki::Settings {
    holdshort::provider::loki::Settings {
        service_label: Some(label.to_owned()),
        labels: [("checkout".into(), "payments-api".to_owned())].into(),
        matchers: vec!["cluster=\"eu\"".to_owned()],
        ..settings()
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_gives_fewer_lines_at_once_is_asked_for_fewer() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = seen.clone();
    let transport = answering(move |request| {
        let limit =
            request.uri().query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("limit=")));
        let Some(limit) = limit else { return (200, body("labels")) };
        let limit: usize = limit.parse().unwrap();
        log.lock().unwrap().push(limit);
        if limit > 500 {
            let text = "max entries limit per query exceeded, limit > max_entries_limit_per_query (5000 > 500)";
            return (400, text.into());
        }
        (200, body("query_range-empty"))
    });
    let (loki, _) = over(transport, settings(), TO);
    all(&*loki, asked(FROM, TO)).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [5000, 500]);
}
