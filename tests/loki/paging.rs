//! Our client against a Loki of a few lines of code that has lines where they are hardest to read: many in one nanosecond at the end of
//! a page, and late ones. Each must be read once, whatever the pages are.

use std::sync::{Arc, Mutex};

use futures::StreamExt;
use holdshort::port::lookup::{Lines, Question, Told, Written};
use serde_json::{Value, json};
use url::form_urlencoded::parse;

use crate::{all, answering, asked, over, settings};

const SECOND: i64 = 1_000_000_000;
const FROM: i64 = 1_773_107_160 * SECOND;

/// Lines by their time and text, in no order.
type Kept = Arc<Mutex<Vec<(i64, String)>>>;

/// Answers as the documentation says: `start` belongs to the range and `end` does not, newest first, at most `limit`, and no more than
/// `most`.
fn loki(kept: &Kept, most: usize) -> holdshort::port::wire::Transport {
    let kept = kept.clone();
    answering(move |request| {
        let query: Vec<(String, String)> =
            parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
        let text = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let number = |name: &str| text(name).unwrap().parse::<i64>().unwrap();
        let mut lines = kept.lock().unwrap().clone();
        match request.uri().path() {
            "/loki/api/v1/labels" => (200, json!({"data": ["service_name"]}).to_string().into_bytes()),
            "/loki/api/v1/query" => {
                let (at, range) = (number("time"), text("query").unwrap());
                let range: i64 = range.rsplit_once('[').unwrap().1.strip_suffix("ns]))").unwrap().parse().unwrap();
                let count = lines.iter().filter(|(time, _)| at - range < *time && *time <= at).count();
                let result = json!([{"metric": {}, "value": [0.5, count.to_string()]}]);
                (200, json!({"data": {"result": result}}).to_string().into_bytes())
            }
            _ => {
                let (start, end) = (number("start"), number("end"));
                let limit = most.min(usize::try_from(number("limit")).unwrap());
                if number("limit") > i64::try_from(most).unwrap() {
                    let text =
                        format!("max entries limit per query exceeded, limit > x ({} > {most})", number("limit"));
                    return (400, text.into_bytes());
                }
                lines.retain(|(at, _)| start <= *at && *at < end);
                lines.sort();
                lines.reverse();
                lines.truncate(limit);
                let values: Vec<Value> = lines.iter().map(|(at, text)| json!([at.to_string(), text])).collect();
                let stream = json!({"stream": {"service_name": "checkout"}, "values": values});
                (200, json!({"data": {"result": [stream]}}).to_string().into_bytes())
            }
        }
    })
}

fn texts(written: &[Written]) -> Vec<String> {
    let mut all: Vec<String> = written.iter().flat_map(|one| one.lines.iter().map(|line| line.text.clone())).collect();
    all.sort();
    all
}

#[tokio::test(start_paused = true)]
async fn every_line_of_a_window_is_read_once_however_many_share_a_nanosecond_with_the_end_of_a_page() {
    for same in [1, 2, 3, 5, 6] {
        for most in [7, 10, 13] {
            let lines: Vec<(i64, String)> =
                (0..100).map(|n| (FROM + 1 + n / same * SECOND, format!("line {n:03}"))).collect();
            let expected: Vec<String> = lines.iter().map(|(_, text)| text.clone()).collect();
            let (loki, _) = over(loki(&Arc::new(Mutex::new(lines)), most), settings(), FROM + 600 * SECOND);
            let written = all(&*loki, asked(FROM, FROM + 200 * SECOND)).await.unwrap();
            assert_eq!(texts(&written), expected, "{same} in a nanosecond, pages of {most}");
            assert_eq!(written.iter().map(|one| one.dropped).sum::<u64>(), 0);
            let whole =
                written.iter().filter_map(|one| one.whole).reduce(|all, one| all.joined(&one).unwrap()).unwrap();
            assert_eq!((whole.from, whole.to), (crate::at(FROM), crate::at(FROM + 200 * SECOND)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn more_lines_in_a_nanosecond_than_a_page_holds_are_said_to_be_dropped() {
    let lines = (0..30).map(|n| (FROM + 5, format!("line {n:02}"))).chain([(FROM + 9, "last".to_owned())]).collect();
    let (loki, _) = over(loki(&Arc::new(Mutex::new(lines)), 10), settings(), FROM + 600 * SECOND);
    let written = all(&*loki, asked(FROM, FROM + 200 * SECOND)).await.unwrap();
    assert!(written.iter().map(|one| one.dropped).sum::<u64>() > 0);
    let holds =
        |one: &Written| one.whole.is_some_and(|span| span.from < crate::at(FROM + 5) && crate::at(FROM + 5) <= span.to);
    assert!(!written.iter().any(holds), "{written:?}");
    assert!(texts(&written).contains(&"last".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn only_the_newest_lines_of_a_window_are_read_where_no_more_are_asked_for() {
    let lines = (0..100).map(|n| (FROM + 1 + n * SECOND, format!("line {n:03}"))).collect();
    let (loki, _) = over(loki(&Arc::new(Mutex::new(lines)), 1000), settings(), FROM + 600 * SECOND);
    let written = all(&*loki, Lines { most: 10, ..asked(FROM, FROM + 200 * SECOND) }).await.unwrap();
    let texts = texts(&written);
    assert_eq!(texts.last().unwrap(), "line 099");
    assert!((9..=10).contains(&texts.len()), "{texts:?}");
    let since = written.iter().filter_map(|one| one.whole).map(|span| span.from).min().unwrap();
    assert!(since > crate::at(FROM + 80 * SECOND), "what was not read is not called whole");
}

#[tokio::test(start_paused = true)]
async fn what_is_written_later_is_told_once_and_late_lines_are_not_missed() {
    let kept: Kept = Arc::new(Mutex::new(vec![(FROM + SECOND, "first".to_owned())]));
    let now = FROM + 60 * SECOND;
    let (loki, _) = over(loki(&kept, 1000), settings(), now);
    let mut answers = loki.ask(Question::Lines(Lines { follow: true, ..asked(FROM, now) }));
    let mut told = Vec::new();
    let mut wholes = Vec::new();
    // Each look is 2 s after the one before.
    for look in 0..20_i64 {
        let Some(Ok(Told::Lines(written))) = answers.next().await else { panic!("it follows") };
        assert_eq!(written.dropped, 0);
        wholes.extend(written.whole);
        told.extend(written.lines.into_iter().map(|line| line.text));
        let mut kept = kept.lock().unwrap();
        let now = now + look * 2 * SECOND;
        kept.push((now + SECOND, format!("in time {look:02}")));
        // Written 17 s ago, and here only now.
        kept.push((now - 17 * SECOND, format!("late {look:02}")));
    }
    let times = |text: &str| told.iter().filter(|one| *one == text).count();
    assert_eq!(times("first"), 1);
    for look in 0..18 {
        let (in_time, late) = (format!("in time {look:02}"), format!("late {look:02}"));
        assert_eq!((times(&in_time), times(&late)), (1, 1), "{look}: {told:?}");
    }
    let whole = wholes.into_iter().reduce(|all, one| all.joined(&one).expect("without a hole")).unwrap();
    assert_eq!(whole.from, crate::at(FROM));
    assert!(whole.to < crate::at(now + 40 * SECOND - 19 * SECOND), "what may still come late is not called whole");
}

#[tokio::test(start_paused = true)]
async fn what_is_followed_and_too_much_is_dropped_and_counted() {
    let kept: Kept = Arc::default();
    let now = FROM + 60 * SECOND;
    let (loki, _) = over(loki(&kept, 5000), settings(), now);
    let mut answers = loki.ask(Question::Lines(Lines { follow: true, ..asked(FROM, now) }));
    answers.next().await.unwrap().unwrap();
    let flood = 150_000;
    kept.lock().unwrap().extend((0..flood).map(|n| (now + 1 + n, format!("flood {n}"))));
    let (mut read, mut dropped) = (0, 0);
    while dropped == 0 {
        let Some(Ok(Told::Lines(written))) = answers.next().await else { panic!("it follows") };
        read += i64::try_from(written.lines.len()).unwrap();
        dropped = i64::try_from(written.dropped).unwrap();
    }
    assert_eq!(read + dropped, flood, "{read} read and {dropped} dropped");
    assert!(read >= 98_000, "{read}");
}
