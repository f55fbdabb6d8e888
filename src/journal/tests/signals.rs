//! The signals beside the chain: as they were read, by whom, and in how few bytes.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use crate::{
    domain::signal::{Counts, LatencyCounts, ServiceSignals, VersionSignals},
    journal::{Chain, Journal, sample::at, signer::Signer, sqlite::SqliteJournal},
    port::{
        facet::Window,
        kept::{KeptSignals, Outlived},
    },
};

/// Signals of a window that ends so many seconds after the start.
pub(super) fn kept(service: &str, until: i64) -> KeptSignals {
    let bounds = vec![0.1 + 0.2, f64::from_bits(0x3fd5_5555_5555_5555)];
    let latency = LatencyCounts { stratum: "eu".into(), bounds, intervals: Vec::new() };
    let version = VersionSignals { label: "1".into(), latency_counts: vec![latency], ..VersionSignals::default() };
    let step = std::time::Duration::from_secs(30);
    KeptSignals {
        source: "prom".into(),
        window: Window { from: at(until - 30), to: at(until), step },
        signals: ServiceSignals { service: service.into(), environment: "".into(), step, versions: vec![version] },
    }
}

#[test]
fn kept_signals_read_back_bit_by_bit_in_another_process_until_they_are_outlived_and_no_chain_knows_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = SqliteJournal::open(&path).unwrap();
    let before = |second| Outlived { before: at(second), services: Vec::new() };
    let all = [kept("payments", 30), kept("ledger", 30), kept("payments", 60)];
    journal.keep_signals(&all, &before(0)).unwrap();
    journal.keep_signals(&all[2..], &before(0)).unwrap();
    let elsewhere = SqliteJournal::open(&path).unwrap();
    let [payments, ledger] = [kept("payments", 30), kept("ledger", 30)].map(|one| (one.source, one.signals.service));
    assert_eq!(elsewhere.kept_services(at(0)).unwrap(), [ledger.clone(), payments.clone()]);
    assert_eq!(elsewhere.kept_signals(&payments, at(0)).unwrap(), [all[0].clone(), all[2].clone()]);
    assert_eq!(elsewhere.kept_signals(&ledger, at(0)).unwrap(), all[1..2]);
    assert_eq!(elsewhere.kept_services(at(30)).unwrap(), std::slice::from_ref(&payments));
    assert_eq!(elsewhere.kept_signals(&payments, at(30)).unwrap(), all[2..]);
    assert!(matches!(elsewhere.verify().unwrap(), Chain::Whole { lines: 0, .. }));
    journal.keep_signals(&[], &before(30)).unwrap();
    assert_eq!(elsewhere.kept_services(at(0)).unwrap(), std::slice::from_ref(&payments));
    assert_eq!(elsewhere.kept_signals(&payments, at(0)).unwrap(), all[2..]);
    journal.keep_signals(&[], &Outlived { before: at(0), services: vec!["payments".into()] }).unwrap();
    assert_eq!(elsewhere.kept_services(at(0)).unwrap(), []);
}

#[test]
fn kept_signals_take_a_fraction_of_their_text_and_what_was_kept_as_text_is_still_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = SqliteJournal::open(&path).unwrap();
    let mut hour = kept("payments", 3600);
    let version = &mut hour.signals.versions[0];
    let count = |number: i64| Counts {
        from: at(number * 30),
        to: at(number * 30 + 30),
        requests: 600 + number.unsigned_abs() * 7 % 31,
        errors: number.unsigned_abs() % 3,
    };
    version.counts = (0..120).map(count).collect();
    journal.keep_signals(&[hour.clone()], &Outlived { before: at(0), services: Vec::new() }).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    let length = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let (text, kept_as) =
        (serde_json::to_string(&hour).unwrap(), length("SELECT length(body) FROM signals").unsigned_abs());
    assert!(usize::try_from(kept_as).unwrap() * 4 < text.len(), "{kept_as} of {}", text.len());
    let of = (hour.source.clone(), hour.signals.service.clone());
    assert_eq!(journal.kept_signals(&of, at(0)).unwrap(), std::slice::from_ref(&hour));
    connection.execute("UPDATE signals SET body = ?1", [&text]).unwrap();
    assert_eq!(journal.kept_signals(&of, at(0)).unwrap(), std::slice::from_ref(&hour));
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
    let folded = STANDARD_NO_PAD.encode(encoder.finish().unwrap());
    connection.execute("UPDATE signals SET body = ?1", [format!("z:{folded}")]).unwrap();
    assert_eq!(journal.kept_signals(&of, at(0)).unwrap(), [hour]);
    connection.execute("UPDATE signals SET body = 'z:AAAA'", []).unwrap();
    assert_eq!(journal.kept_signals(&of, at(0)).unwrap(), []);
}

#[test]
fn signals_of_a_service_in_two_environments_are_kept_beside_each_other_and_go_together() {
    let journal = SqliteJournal::in_memory().unwrap();
    let none = Outlived { before: at(0), services: Vec::new() };
    let [mut eu, mut us] = [kept("payments", 30), kept("payments", 30)];
    eu.signals.environment = "prod/eu".into();
    us.signals.environment = "prod/us".into();
    let (all, other) = ([eu, us], kept("payments-api", 30));
    journal.keep_signals(&all, &none).unwrap();
    journal.keep_signals(std::slice::from_ref(&other), &none).unwrap();
    let of = |one: &KeptSignals| (one.source.clone(), one.signals.service.clone());
    assert_eq!(journal.kept_services(at(0)).unwrap(), [of(&all[0]), of(&other)]);
    assert_eq!(journal.kept_signals(&of(&all[0]), at(0)).unwrap(), all);
    journal.keep_signals(&[], &Outlived { before: at(0), services: vec!["payments".into()] }).unwrap();
    assert_eq!(journal.kept_services(at(0)).unwrap(), [of(&other)]);
}

#[test]
fn rows_that_follow_each_other_are_joined_and_those_of_somebody_else_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let of = |name: &str| {
        let own = dir.path().join(name);
        let signer = Arc::new(Signer::of(&own.join("key")).unwrap());
        SqliteJournal::open(&path).unwrap().signed(signer, &own)
    };
    let (dana, lee) = (of("dana"), of("lee"));
    let none = Outlived { before: at(0), services: Vec::new() };
    for number in 1..=30 {
        // lee looks too, for a while.
        let who = if number == 7 { &lee } else { &dana };
        who.keep_signals(&[kept("payments", number * 30)], &none).unwrap();
    }
    let of_it = ("prom".into(), "payments".into());
    let windows = |journal: &SqliteJournal| {
        let kept = journal.kept_signals(&of_it, at(0)).unwrap();
        kept.iter().map(|one| (one.window.from, one.window.to)).collect::<Vec<_>>()
    };
    let alone = |numbers: std::ops::RangeInclusive<i64>| numbers.map(|number| (at(number * 30 - 30), at(number * 30)));
    let joined = [(at(0), at(180)), (at(210), at(600))].into_iter();
    assert_eq!(windows(&dana), joined.chain(alone(21..=30)).collect::<Vec<_>>());
    assert_eq!(windows(&lee), [(at(180), at(210))]);
}
