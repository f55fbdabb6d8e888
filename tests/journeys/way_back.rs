//! J5 and F4: the rollback that must not happen is refused in red, with each reason and what is safe; who knows better types the service's
//! name. Before anybody goes forward, the way back says how it stands and how long it takes.

use holdshort::port::record::RecordId;

use crate::{SMALL, WIDE, mutations, open, pass, press, says, screen};

const IMAGE: &str = "registry.shop.example/shop/ledger:2.8.0";

/// The row of ledger is chosen, and what is asked about it was answered.
async fn at_ledger(look: crate::Look) -> holdshort::run::Demo {
    let mut demo = open("no-way-back", look).await;
    pass(&mut demo, 5).await;
    demo
}

#[tokio::test(start_paused = true)]
async fn the_key_is_refused_with_each_reason_and_with_ways_that_are_safe_and_nothing_is_sent() {
    for look in [WIDE, SMALL] {
        let mut demo = at_ledger(look).await;
        press(&mut demo, "r").await;
        let mut shown = screen(&demo, look);
        for _ in 0..6 {
            press(&mut demo, "PageDown").await;
            shown.push_str(&screen(&demo, look));
        }
        // What stands in the frame: the screen below shows beside it.
        let inside = |line: &'_ str| line.split(['│', '|']).nth(1).unwrap_or(line).to_owned();
        let unframed = shown.lines().map(inside).collect::<Vec<_>>().join(" ");
        let words = unframed.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in [
            "roll back ledger in prod/eu-west-1: refused",
            "data: 2.9.0 changed what cannot be taken back",
            "migrations/0042_drop_legacy_id.sql",
            "the image",
            "is gone, and 2 pods would have to start",
            "automation: Argo CD manages it",
            "pause: 2.9.0 is held where it is",
            "switch off what 2.9.0 brought, where a flag does that",
            "go on: release a version that mends 2.9.0",
            "abort is open, and no safer: 2.9.0 changed what cannot be taken back",
            "Nothing was sent.",
        ] {
            assert!(words.contains(text), "'{text}':\n{shown}");
        }
        press(&mut demo, "Enter").await;
        assert_eq!(mutations(&demo), []);
    }
}

#[tokio::test(start_paused = true)]
async fn the_board_and_the_release_say_in_red_that_there_is_no_way_back() {
    let mut demo = at_ledger(WIDE).await;
    press(&mut demo, "Enter").await;
    pass(&mut demo, 20).await;
    let red = "✖ back: 2.8.0 (77aa012), 2.9.0 changed what cannot be taken back: migrations/0042_drop_legacy_id";
    says(&demo, WIDE, &[red]);
    let mut shown = screen(&demo, WIDE);
    for _ in 0..8 {
        press(&mut demo, "PageDown").await;
        shown.push_str(&screen(&demo, WIDE));
    }
    for text in ["WAY BACK", "✖ data", "✖ image", IMAGE, "▲ automation", "✔ settings", "ConfigMap ledger-env is there"]
    {
        assert!(shown.contains(text), "'{text}':\n{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_must_all_the_same_types_the_service_and_a_reason_and_the_record_keeps_what_was_known() {
    let mut demo = at_ledger(WIDE).await;
    press(&mut demo, "r r").await;
    says(&demo, WIDE, &["roll back ledger", "Read back ledger to send it"]);
    press(&mut demo, "Enter").await;
    assert_eq!(mutations(&demo), [], "not before it is typed");
    press(&mut demo, "l e d g e r 4").await;
    // More is to be read than there is room for at once.
    press(&mut demo, "PageDown PageDown PageDown PageDown Enter").await;
    pass(&mut demo, 5).await;
    assert_eq!(mutations(&demo).len(), 1, "{}", screen(&demo, WIDE));
    let record = demo.ledger.get(RecordId(1)).unwrap().unwrap();
    let risks = &record.intent.plan.risks;
    assert!(risks.iter().any(|risk| risk.contains("0042_drop_legacy_id.sql")), "{risks:?}");
    assert!(risks.iter().any(|risk| risk.contains(IMAGE)), "{risks:?}");
    assert_eq!(record.intent.reason.as_deref(), Some("precaution"));
}

#[tokio::test(start_paused = true)]
async fn abort_ends_the_harm_at_once_whatever_is_known_of_the_way_back() {
    let mut demo = at_ledger(WIDE).await;
    press(&mut demo, "a 1 Enter").await;
    pass(&mut demo, 5).await;
    assert_eq!(mutations(&demo).len(), 1, "{}", screen(&demo, WIDE));
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_works_says_how_long_it_takes() {
    let mut demo = open("bad-canary", WIDE).await;
    pass(&mut demo, 5).await;
    let shown = screen(&demo, WIDE);
    assert!(shown.contains("✔ back: 1.41.3 (9f8e7d6), 9 of 12 pods ready; about "), "{shown}");
    press(&mut demo, "r").await;
    says(&demo, WIDE, &["roll back payments", "until it serves"]);
}
