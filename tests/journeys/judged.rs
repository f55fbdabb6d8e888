//! J4 and its kin: what counts say, and what they do not. Seven worlds that mislead; each is read on the board, on the release
//! and under `w`, and `p` says why not. Nothing that is only looked at is ever sent.

use std::fs;

use holdshort::{domain::evidence::Verdict, judge::verdict::Judgement, run::Demo};

use crate::{Look, SMALL, WIDE, mutations, open, pass, press, says, screen};

/// What is said where; pieces that stand on one line at both sizes.
struct Said {
    scenario: &'static str,
    /// The top line, its reason, and the row.
    board: &'static [&'static str],
    /// On the release: verdict and doubt.
    release: &'static [&'static str],
    /// Under `w`.
    why: &'static [&'static str],
    /// What `p` answers; its ways on.
    refused: &'static [&'static str],
}

const HARM: &[&str] = &["roll back or abort", "hold it where it is and find the cause"];
const GAPS: &[&str] = &[
    "bring the missing series back; missing data is never healthy",
    "hold it until somebody can look",
    "roll back or abort",
];

async fn read(said: &Said, ways: &[&str], look: Look) {
    let mut demo = open(said.scenario, look).await;
    let before = mutations(&demo);
    says(&demo, look, said.board);
    press(&mut demo, "Enter").await;
    says(&demo, look, said.release);
    press(&mut demo, "w").await;
    says(&demo, look, said.why);
    press(&mut demo, "Esc p").await;
    says(&demo, look, said.refused);
    says(&demo, look, ways);
    says(&demo, look, &["refused", "Nothing was sent.", "h hold a abort r roll back Esc back"]);
    press(&mut demo, "Enter").await;
    pass(&mut demo, 5).await;
    assert_eq!(mutations(&demo), before, "a refusal sends nothing");
    if look.size == SMALL.size {
        assert!(screen(&demo, look).is_ascii());
    }
}

async fn read_at_both_sizes(said: &Said, ways: &[&str]) {
    read(said, ways, WIDE).await;
    read(said, ways, SMALL).await;
}

fn judgement(demo: &Demo) -> &Judgement {
    demo.cockpit.model().judgements.values().next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn low_traffic_without_latency_waits_and_p_refuses_with_both_reasons_and_three_ways_on() {
    let said = Said {
        scenario: "low-traffic",
        board: &[
            "NO RELEASE IN FLIGHT SHOWS HARM",
            "1 undecided",
            "174 requests of about 4,066 needed",
            "NO DATA latency",
            "WAIT",
        ],
        release: &[
            "WAIT 174 requests of about 4,066 needed",
            "latency p99 (canary), ready about 03-11 01:27",
            "canary no data",
        ],
        why: &[
            "WAIT 174 requests of about 4,066 needed",
            "? missing latency p99 (canary) has no series",
            "174 0 0.00 %",
            "3,020 5 0.17 %",
            "decision 174 requests of about 4,066 needed, about 03-11 01:27",
        ],
        refused: &[
            "because verdict WAIT, undecided: 174 requests of about 4,066 needed",
            "because NO DATA: latency p99 (canary) has no series",
        ],
    };
    let ways =
        ["wait, about until 03-11 01:27 at this traffic", "hold it until somebody can look", "roll back or abort"];
    read_at_both_sizes(&said, &ways).await;
}

#[tokio::test(start_paused = true)]
async fn the_row_of_low_traffic_says_when_it_is_ready() {
    let demo = open("low-traffic", WIDE).await;
    says(&demo, WIDE, &["WAIT ~03-11"]);
}

#[tokio::test(start_paused = true)]
async fn from_the_refusal_one_key_holds_the_rollout() {
    let mut demo = open("low-traffic", WIDE).await;
    press(&mut demo, "p h").await;
    says(&demo, WIDE, &["pause recs"]);
    press(&mut demo, "Enter").await;
    pass(&mut demo, 20).await;
    says(&demo, WIDE, &["pause recs", "DONE"]);
    assert_eq!(mutations(&demo).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_looks_better_in_total_and_is_worse_in_each_region_is_no_go() {
    let said = Said {
        scenario: "simpson",
        board: &["LIKELY THE RELEASE checkout 3.9.0", "in eu 4.1 % against 2 %", "shift: us 10 %", "NO-GO"],
        release: &["NO-GO errors in eu 4.1 % against 2 % on stable", "doubt mix shift: us 10 %", "stratum it is 2.1"],
        why: &[
            "doubt mix shift: us 10 %",
            "17,589 146 0.83 %",
            "70,365 1,274 1.81 %",
            "strata eu 4.10 % against 1.99 %",
        ],
        refused: &["because verdict NO-GO: errors in eu 4.1 % against 2 % on stable, in us"],
    };
    read_at_both_sizes(&said, HARM).await;
}

#[tokio::test(start_paused = true)]
async fn series_that_vanished_are_no_data_and_never_green() {
    let said = Said {
        scenario: "no-data",
        board: &["CANNOT TELL WHETHER IT IS THE RELEASE search 3.9.0", "requests (canary) has ended", "NO DATA"],
        release: &["NO DATA requests, errors, latency p99 (canary)", "canary no data"],
        why: &["? missing requests (canary) has ended", "? missing latency p99 (canary) has ended", "6,786 10 0.15 %"],
        refused: &["because verdict NO DATA: requests (canary) has ended, errors (canary)"],
    };
    read_at_both_sizes(&said, GAPS).await;
}

#[tokio::test(start_paused = true)]
async fn when_the_series_come_back_there_is_a_verdict_again() {
    let vanished = fs::read_to_string("examples/scenarios/no-data.toml").unwrap();
    let back = "\n[[traffic.behaviour]]\nversion = \"3.9.0\"\nafter = \"16m\"\nerror_ratio = 0.002\nmedian = \"60ms\"\n\
                p99 = \"200ms\"\n";
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    fs::write(file.path(), vanished + back).unwrap();
    let mut demo = open(file.path().to_str().unwrap(), WIDE).await;
    says(&demo, WIDE, &["CANNOT TELL WHETHER IT IS THE RELEASE", "NO DATA"]);
    pass(&mut demo, 5 * 60).await;
    says(&demo, WIDE, &["NO RELEASE IN FLIGHT SHOWS HARM", "1 undecided", "WAIT"]);
    assert_eq!((judgement(&demo).verdict, judgement(&demo).missing.as_slice()), (Verdict::Wait, [].as_slice()));
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_no_request_reaches_is_no_data_whatever_weight_is_declared() {
    let said = Said {
        scenario: "no-canary-traffic",
        board: &["CANNOT TELL WHETHER IT IS THE RELEASE cart 3.9.0", "requests (canary) has no traffic", "NO DATA"],
        release: &[
            "NO DATA requests, latency p99 (canary)",
            "doubt traffic share 0.00, declared 0.20",
            "canary no data",
        ],
        why: &["doubt traffic share 0.00, declared 0.20", "? missing requests (canary) has no traffic", "873 1 0.11 %"],
        refused: &["because verdict NO DATA: requests (canary) has no traffic, latency p99"],
    };
    read_at_both_sizes(&said, GAPS).await;
}

#[tokio::test(start_paused = true)]
async fn most_errors_of_one_pod_are_a_doubt_with_the_name_of_the_pod() {
    let said = Said {
        scenario: "bad-pod",
        board: &[
            "LIKELY ONE POD, NOT THE RELEASE pricing 3.9.0",
            "41 of 56 errors on one pod of 3",
            "ratio is 0.95",
            "NO-GO",
        ],
        release: &["NO-GO errors 0.51 % against 0.19 % on stable", "pricing-d98bbdd65-c4lgt", "the ratio is 0.95"],
        why: &[
            "doubt 41 of 56 errors on one pod of 3, pricing-d98bbdd65-c4lgt",
            "10,845 55 0.51 %",
            "32,419 63 0.19 %",
        ],
        refused: &["because verdict NO-GO: errors 0.51 % against 0.19 % on stable"],
    };
    read_at_both_sizes(&said, HARM).await;
}

#[tokio::test(start_paused = true)]
async fn one_slow_request_in_a_hundred_is_no_go_though_errors_and_the_median_are_alike() {
    let said = Said {
        scenario: "slow-canary",
        board: &["LIKELY THE RELEASE media 3.9.0", "slower: 1.1 % of requests over 1 s against 0 %", "NO-GO"],
        release: &["NO-GO slower: 1.1 % of requests over 1 s against 0 % on stable", "errors", "0.21 %"],
        why: &["over 1.0 s", "17,476 187 1.07 %", "52,853 0 0.00 %", "17,476 45 0.26 %"],
        refused: &["because verdict NO-GO: slower: 1.1 % of requests over 1 s against 0 %"],
    };
    read_at_both_sizes(&said, HARM).await;
}

async fn bursts(look: Look) -> Demo {
    let mut demo = open("burst", look).await;
    says(&demo, look, &["NO RELEASE IN FLIGHT SHOWS HARM", "errors come in bursts, evidence is divided by", "WAIT"]);
    press(&mut demo, "Enter").await;
    says(
        &demo,
        look,
        &["WAIT 26,439 requests of about 73,797 needed", "doubt errors come in bursts, evidence is divided by 5.9"],
    );
    press(&mut demo, "w").await;
    says(
        &demo,
        look,
        &["doubt errors come in bursts, evidence is divided by 5.9", "26,439 183 0.69 %", "79,452 523 0.66 %"],
    );
    // Undecided and nothing missing: a person may know more. The card says what is not known and asks why; leaving it sends
    // nothing.
    press(&mut demo, "Esc p").await;
    says(
        &demo,
        look,
        &[
            "promote feed",
            "verdict WAIT, not known yet whether it does harm: 26,439",
            "Read back c0ff to send it",
            "Reason 1 errors",
        ],
    );
    press(&mut demo, "Enter Esc").await;
    assert_eq!(mutations(&demo), []);
    demo
}

#[tokio::test(start_paused = true)]
async fn bursts_on_both_versions_alike_are_never_called_the_release_for_an_hour() {
    let mut demo = bursts(WIDE).await;
    press(&mut demo, "Esc").await;
    for minute in 1..=60 {
        pass(&mut demo, 60).await;
        let judgement = judgement(&demo);
        assert_ne!(judgement.verdict, Verdict::NoGo, "after {minute} min: {judgement:#?}");
    }
    assert!(!screen(&demo, WIDE).contains("LIKELY THE RELEASE"), "{}", screen(&demo, WIDE));
    assert_eq!(mutations(&demo), []);
}

#[tokio::test(start_paused = true)]
async fn bursts_read_the_same_at_80_by_24_in_ascii_without_colour() {
    let demo = bursts(SMALL).await;
    assert!(screen(&demo, SMALL).is_ascii());
}
