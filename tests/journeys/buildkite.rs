//! A release that waits behind a block step, from the inbox through its form to the one call; and the ways out of it.

use crate::{SMALL, WIDE, mutations, open, pass, press, says, screen};

/// Fills the form of the card in: a name, and another stream than the one that is chosen.
async fn fill_in(demo: &mut holdshort::run::Demo) {
    press(demo, "o s p r e y Tab Right Tab").await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_stands_in_the_inbox_with_its_version_and_that_nobody_says_whether_i_may() {
    for look in [WIDE, SMALL] {
        let mut demo = open("buildkite", look).await;
        press(&mut demo, "i").await;
        says(
            &demo,
            look,
            &["ledger #812: Release", "4.2.0", "ledger #813: R", "4.3.0", "does not say whether you may"],
        );
        assert!(!screen(&demo, look).contains("gateway"), "what failed before its step waits for nobody");
    }
}

#[tokio::test(start_paused = true)]
async fn approving_asks_for_what_the_step_asks_for_and_makes_exactly_one_call() {
    for look in [WIDE, SMALL] {
        let mut demo = open("buildkite", look).await;
        press(&mut demo, "i y").await;
        says(&demo, look, &["approve ledger", "Code name", "must be filled in", "Stream"]);
        press(&mut demo, "Enter").await;
        assert_eq!(mutations(&demo), []);
        fill_in(&mut demo).await;
        press(&mut demo, "c 0 f f Enter").await;
        pass(&mut demo, 10).await;
        says(&demo, look, &["approve ledger", "DONE"]);
        let sent = mutations(&demo);
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(sent[0].method == "PUT" && sent[0].path.ends_with("/unblock"), "{sent:?}");
        assert!(!screen(&demo, look).contains("#812: Release"), "{}", screen(&demo, look));
    }
}

#[tokio::test(start_paused = true)]
async fn the_build_behind_a_step_is_not_built_again_while_it_waits_and_is_cancelled_for_a_reason() {
    let mut demo = open("buildkite", WIDE).await;
    press(&mut demo, "i e").await;
    says(&demo, WIDE, &["rerun ledger", "the build has not ended; cancel it first"]);
    press(&mut demo, "Esc c").await;
    says(&demo, WIDE, &["cancel ledger", "ledger #812 stops; what it has deployed stays", "does not get there"]);
    press(&mut demo, "Enter").await;
    assert_eq!(mutations(&demo), []);
    press(&mut demo, "1 Enter").await;
    pass(&mut demo, 30).await;
    let sent = mutations(&demo);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].method == "PUT" && sent[0].path.ends_with("/builds/812/cancel"), "{sent:?}");
    assert!(!screen(&demo, WIDE).contains("#812: Release"), "{}", screen(&demo, WIDE));
}
