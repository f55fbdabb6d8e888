//! A release that has arrived is not gone: it is watched, it can be selected, and it can be rolled back from the screen.

use holdshort::{port::record::RecordId, port::record::Stage};

use crate::{LEAST, SMALL, WIDE, mutations, open, pass, press, says, screen};

#[tokio::test(start_paused = true)]
async fn a_steady_rollout_is_selected_opened_and_rolled_back() {
    let mut demo = open("steady", WIDE).await;
    says(&demo, WIDE, &["nothing is in flight", "STEADY", "payments us-east-1 1.41.3 4 of 4"]);
    press(&mut demo, "G Enter").await;
    says(&demo, WIDE, &["payments prod/us-east-1", "Argo Rollouts", "back: 1.41.2"]);
    press(&mut demo, "Esc r").await;
    says(&demo, WIDE, &["prod/us-east-1 roll back payments", "1.41.3 (9f8e7d6) → 1.41.2 (3d2c1b0)"]);
    press(&mut demo, "4 Enter").await;
    pass(&mut demo, 5).await;
    assert_eq!(mutations(&demo).len(), 1);
    let record = demo.ledger.get(RecordId(1)).unwrap().unwrap();
    assert!(record.entries.iter().any(|entry| matches!(entry.stage, Stage::Accepted { .. })), "{record:#?}");
    says(&demo, WIDE, &["1.41.3 → 1.41.2", "1 in flight"]);
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_ended_stays_on_top_for_its_watching_time_and_is_steady_then() {
    let mut demo = open("bad-canary", WIDE).await;
    press(&mut demo, "r 1 Enter").await;
    pass(&mut demo, 60).await;
    says(&demo, WIDE, &["RELEASES", "until 03:0", "WATCHING", "0 in flight"]);
    assert!(!screen(&demo, WIDE).contains("STEADY"), "{}", screen(&demo, WIDE));
    pass(&mut demo, 60 * 60).await;
    says(&demo, WIDE, &["STEADY", "payments eu-west-1 1.41.3 12 of 12", "nothing is on its way"]);
    press(&mut demo, "r").await;
    says(&demo, WIDE, &["roll back payments", "1.41.2"]);
}

#[tokio::test(start_paused = true)]
async fn on_a_small_screen_a_steady_rollout_is_listed_and_selected_too() {
    let mut demo = open("steady", SMALL).await;
    press(&mut demo, "j").await;
    let shown = screen(&demo, SMALL);
    let selected: Vec<&str> = shown.lines().filter(|line| line.starts_with('>')).collect();
    assert_eq!(selected.len(), 1, "{shown}");
    assert!(selected[0].contains("payments") && selected[0].contains("1.41.3"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn on_the_least_screen_a_steady_rollout_is_rolled_back_whatever_there_is_to_say_about_it() {
    let mut demo = open("steady", LEAST).await;
    press(&mut demo, "G").await;
    let selected = |shown: String| shown.lines().filter(|line| line.starts_with('›')).count();
    assert_eq!(selected(screen(&demo, LEAST)), 1, "{}", screen(&demo, LEAST));
    press(&mut demo, "r").await;
    let card =
        ["prod/us-east-1 roll back payments", "1.41.3 (9f8e7d6) → 1.41.2 (3d2c1b0)", "PageDown shows all", "5 other"];
    says(&demo, LEAST, &card);
    press(&mut demo, "4 Enter").await;
    pass(&mut demo, 5).await;
    assert_eq!(mutations(&demo).len(), 1);
    press(&mut demo, "G").await;
    says(&demo, LEAST, &["GOING BACK payments in us-east-1 1.41.3 → 1.41.2", "roll back payments"]);
    assert_eq!(selected(screen(&demo, LEAST)), 1, "{}", screen(&demo, LEAST));
    press(&mut demo, "Esc g a").await;
    says(&demo, LEAST, &["abort payments", "5 other", "choose a reason, 1 to 5"]);
}
