//! A job that waits for a machine: what there is for it stands where its log would be.

use crate::{SMALL, WIDE, mutations, open, pass, press, says};

const SCENARIO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/scenarios/runners.toml");

/// Of each job that waits, below the one that runs.
const WAITS: [&str; 3] =
    ["1 runner with gpu is online", "the only runner with mac is away or paused", "there is no runner with moon"];

#[tokio::test(start_paused = true)]
async fn whoever_opens_a_run_reads_of_each_job_that_waits_which_runners_there_are() {
    for look in [WIDE, SMALL] {
        let mut demo = open(SCENARIO, look).await;
        press(&mut demo, "2 Enter").await;
        for words in WAITS {
            press(&mut demo, "j").await;
            pass(&mut demo, 5).await;
            says(&demo, look, &[words]);
        }
        assert_eq!(mutations(&demo), []);
    }
}
