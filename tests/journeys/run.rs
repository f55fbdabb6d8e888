//! A build that failed, from the list of pipelines to the line that says why; and what can be done from there.

use crate::{SMALL, WIDE, mutations, open, pass, press, says, screen};

#[tokio::test(start_paused = true)]
async fn a_failed_build_stands_first_and_its_log_is_two_keys_away() {
    for look in [WIDE, SMALL] {
        let mut demo = open("buildkite", look).await;
        press(&mut demo, "2").await;
        says(&demo, look, &["gateway", "#77", "failed"]);
        press(&mut demo, "Enter").await;
        pass(&mut demo, 3).await;
        // The log of what failed is there without another key.
        says(&demo, look, &["gateway #77", "Test", "1 of 214 tests failed", "commit 77aa012"]);
        press(&mut demo, "n").await;
        assert!(screen(&demo, look).contains("1 of 214 tests failed"), "{}", screen(&demo, look));
        press(&mut demo, "Esc Esc").await;
        says(&demo, look, &["#77"]);
        assert_eq!(mutations(&demo), []);
    }
}

#[tokio::test(start_paused = true)]
async fn the_tests_that_failed_stand_below_the_jobs_and_of_the_log_only_what_went_wrong_can_be_seen() {
    for look in [WIDE, SMALL] {
        let mut demo = open("gitlab", look).await;
        press(&mut demo, "2").await;
        says(&demo, look, &["gateway", "#77", "failed"]);
        press(&mut demo, "Enter").await;
        pass(&mut demo, 3).await;
        says(&demo, look, &["TESTS 1 of 4 failed", "refuses_an_expired"]);
        press(&mut demo, "L").await;
        says(&demo, look, &["level >= warn", "1 of 4 tests failed"]);
        assert!(!screen(&demo, look).contains("make test"), "{}", screen(&demo, look));
        press(&mut demo, "L L").await;
        says(&demo, look, &["make test"]);
        assert_eq!(mutations(&demo), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_written_is_followed_and_searched() {
    let mut demo = open("buildkite", WIDE).await;
    press(&mut demo, "2").await;
    let rows = screen(&demo, WIDE);
    let down = rows.lines().filter(|line| line.contains('#')).position(|line| line.contains("#78")).unwrap();
    press(&mut demo, &"j ".repeat(down)).await;
    press(&mut demo, "Enter").await;
    pass(&mut demo, 3).await;
    says(&demo, WIDE, &["gateway #78", "Running commands", "follows"]);
    assert!(!screen(&demo, WIDE).contains("1 of 214"), "{}", screen(&demo, WIDE));
    pass(&mut demo, 400).await;
    says(&demo, WIDE, &["1 of 214 tests failed", "The command exited with status 1", "ended"]);
    press(&mut demo, "/ c l o c k Enter").await;
    says(&demo, WIDE, &["no line contains 'clock'"]);
    press(&mut demo, "Esc / 2 1 4 Enter").await;
    says(&demo, WIDE, &["/214", "›"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_forge_gives_no_log_of_says_why() {
    let mut demo = open("waiting-approval", WIDE).await;
    press(&mut demo, "2").await;
    press(&mut demo, "Enter").await;
    pass(&mut demo, 3).await;
    says(&demo, WIDE, &["deploy-prod has no log: it is waiting"]);
    press(&mut demo, "k k k k k k k k k k").await;
    pass(&mut demo, 3).await;
    says(&demo, WIDE, &["build", "HEAD is now at"]);
}

#[tokio::test(start_paused = true)]
async fn one_job_of_a_run_is_started_again_from_the_row_that_is_chosen() {
    let mut demo = open("waiting-approval", WIDE).await;
    press(&mut demo, "2 G Enter").await;
    pass(&mut demo, 3).await;
    press(&mut demo, "c").await;
    says(&demo, WIDE, &["by force"]);
    press(&mut demo, "Esc").await;
    assert_eq!(mutations(&demo), []);
}
