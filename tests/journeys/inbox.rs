//! J2 as far as one person goes: what waits, what I may open, and one approval that makes exactly one call.

use crate::{SMALL, WIDE, mutations, open, pass, press, says, screen};

#[tokio::test(start_paused = true)]
async fn the_inbox_lists_every_system_and_says_what_i_cannot_approve_and_whom_to_ask() {
    for look in [WIDE, SMALL] {
        let mut demo = open("waiting-approval", look).await;
        press(&mut demo, "i").await;
        says(&demo, look, &["ledger", "gateway", "search", "cannot"]);
    }
    let mut demo = open("waiting-approval", WIDE).await;
    press(&mut demo, "i j j").await;
    says(&demo, WIDE, &["you started this run", "acme/releasers"]);
    press(&mut demo, "y").await;
    says(&demo, WIDE, &["refused", "you started this run"]);
    assert_eq!(mutations(&demo), []);
}

#[tokio::test(start_paused = true)]
async fn approving_reads_the_commit_back_and_makes_exactly_one_call() {
    let mut demo = open("waiting-approval", WIDE).await;
    // The second row: run 812 of ledger.
    press(&mut demo, "i j y").await;
    says(&demo, WIDE, &["approve ledger", "c0ff"]);
    press(&mut demo, "Enter").await;
    says(&demo, WIDE, &["type c0ff to send it"]);
    press(&mut demo, "c 0 f f Enter").await;
    pass(&mut demo, 60).await;
    says(&demo, WIDE, &["approve ledger", "DONE"]);
    let sent = mutations(&demo);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].method == "POST" && sent[0].path.ends_with("/pending_deployments"), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_was_opened_leaves_the_list_at_once_and_not_with_the_next_poll() {
    let mut demo = open("waiting-approval", WIDE).await;
    press(&mut demo, "i j y c 0 f f Enter").await;
    pass(&mut demo, 1).await;
    says(&demo, WIDE, &["approve ledger", "DONE"]);
    assert!(!screen(&demo, WIDE).contains("4.2.0"), "{}", screen(&demo, WIDE));
}

#[tokio::test(start_paused = true)]
async fn the_wrong_letters_send_nothing() {
    let mut demo = open("waiting-approval", WIDE).await;
    press(&mut demo, "i j y c 0 f e Enter").await;
    says(&demo, WIDE, &["type c0ff to send it"]);
    press(&mut demo, "Esc").await;
    pass(&mut demo, 30).await;
    assert_eq!(mutations(&demo), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_typed_to_read_back_under_a_refusal_begins_nothing_else() {
    for look in [WIDE, SMALL] {
        let mut demo = open("waiting-approval", look).await;
        press(&mut demo, "i j j y").await;
        says(&demo, look, &["refused", "you started this run"]);
        // `c` is cancel, and the first letter of a commit.
        press(&mut demo, "c 0 f f Enter").await;
        pass(&mut demo, 30).await;
        assert_eq!(mutations(&demo), []);
        says(&demo, look, &["you started this run"]);
    }
}

#[tokio::test(start_paused = true)]
async fn closing_a_gate_for_good_asks_a_reason_and_enter_without_one_sends_nothing() {
    let mut demo = open("waiting-approval", WIDE).await;
    press(&mut demo, "i j x").await;
    says(&demo, WIDE, &["reject ledger", "Reason 1 errors", "choose a reason, 1 to 5"]);
    press(&mut demo, "Enter").await;
    pass(&mut demo, 5).await;
    assert_eq!(mutations(&demo), []);
    press(&mut demo, "3 Enter").await;
    pass(&mut demo, 5).await;
    assert_eq!(mutations(&demo).len(), 1);
    let sent = demo.cockpit.model().actions.iter().next_back().unwrap();
    let said = serde_json::to_string(&sent.plan.draft).unwrap();
    assert!(said.contains("wrong behaviour"), "the reason that was picked is GitHub's comment: {said}");
}

#[tokio::test(start_paused = true)]
async fn the_run_behind_a_gate_is_cancelled_for_a_reason_and_is_not_run_again_while_it_waits() {
    for look in [WIDE, SMALL] {
        let mut demo = open("waiting-approval", look).await;
        press(&mut demo, "i j e").await;
        says(&demo, look, &["rerun ledger", "the run has not ended; cancel it first"]);
        press(&mut demo, "Esc c").await;
        says(
            &demo,
            look,
            &["cancel ledger", "deploy #812 stops", "it waits to go to prod, and that ends with it: 4.2.0"],
        );
        press(&mut demo, "Enter").await;
        assert_eq!(mutations(&demo), []);
        press(&mut demo, "1 Enter").await;
        pass(&mut demo, 30).await;
        let sent = mutations(&demo);
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(sent[0].method == "POST" && sent[0].path.ends_with("/cancel"), "{sent:?}");
        assert!(!screen(&demo, look).contains("#812 to"), "{}", screen(&demo, look));
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_gate_says_what_was_let_through_while_it_waited_and_the_next_key_does_not_fall_on_it() {
    for look in [WIDE, SMALL] {
        let mut demo = open("waiting-approval", look).await;
        press(&mut demo, "i j y c 0 f f Enter").await;
        pass(&mut demo, 60).await;
        press(&mut demo, "y").await;
        says(&demo, look, &["the row you were on is gone"]);
        press(&mut demo, "g y").await;
        says(&demo, look, &["approve ledger", "4.2.0 (c0ffee1) was let through to prod at"]);
    }
}
