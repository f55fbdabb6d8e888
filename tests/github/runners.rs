//! What GitHub tells of runners for jobs that wait: registered ones by their labels, and nothing of its own machines.

use std::sync::{Arc, Mutex};

use holdshort::{
    demo::github::{Forge, spec::Spec},
    port::facet::Connection,
};

use crate::{
    lookup::{waiting, waits},
    scene::{Diary, HandClock, connect, over_forge, start},
};

const SCENARIO: &str = r#"
login = "dana"
RUNNERS
[[repos]]
owner = "acme"
name = "ledger"
workflows = [{ name = "deploy", file = "deploy.yml", jobs = [{ name = "train", takes = "1m", runs_on = WANTS }] }]
runs = [{ number = 1, id = 26412000001, title = "ledger", branch = "v1.0.0", commit = "c0ffee10", actor = "lee", started = "-1m" }]
"#;

const RUNNERS: &str = r#"
runners = [
  { name = "gpu-1", labels = ["gpu"], busy = true }, { name = "gpu-2", labels = ["GPU"], busy = true },
  { name = "mac-1", labels = ["mac"], offline = true },
]
"#;

fn over(runners: &str, wants: &str) -> Connection {
    let spec: Spec = toml::from_str(&SCENARIO.replace("RUNNERS", runners).replace("WANTS", wants)).unwrap();
    let forge = Arc::new(Mutex::new(Forge::new(&spec, 7, start()).unwrap()));
    let (clock, diary) = (HandClock::new(), Diary::default());
    connect(over_forge(&diary, &forge, &clock), "acme/ledger", &clock)
}

#[tokio::test]
async fn of_a_job_that_waits_it_is_told_which_registered_runners_have_its_labels_and_whether_one_is_free() {
    let own = "whether a runner with big is free is not known: how many of GitHub's own machines are free is not told";
    let table = [
        (r#"["self-hosted", "gpu"]"#, "all 2 runners with self-hosted, gpu are busy"),
        (r#"["mac"]"#, "the only runner with mac is away or paused"),
        (r#"["self-hosted", "moon"]"#, "there is no runner with self-hosted, moon"),
        (r#"["big"]"#, own),
    ];
    for (wants, words) in table {
        let told = waiting(&over(RUNNERS, wants), "acme/ledger/26412000001").await;
        assert_eq!(told, waits(&[("train", Some(words))]), "{wants}");
    }
}

#[tokio::test]
async fn what_of_the_organisation_may_not_be_seen_is_said_with_the_right() {
    let told = waiting(&over("", r#"["self-hosted", "gpu"]"#), "acme/ledger/26412000001").await;
    let words = "whether a runner with self-hosted, gpu is free is not known: those of the organisation are not told: that takes \
                 Self-hosted runners: read";
    assert_eq!(told, waits(&[("train", Some(words))]));
}

#[tokio::test]
async fn of_its_own_machines_nothing_is_asked() {
    let told = waiting(&over(RUNNERS, r#"["ubuntu-latest", "none-such"]"#), "acme/ledger/26412000001").await;
    let words = "whether a runner with ubuntu-latest, none-such is free is not known: how many of GitHub's own machines are free is not told";
    assert_eq!(told, waits(&[("train", Some(words))]));
}
