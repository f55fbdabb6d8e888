//! F1 and F2: the world moves under the operator's hand, and an API that accepts and never answers.

use holdshort::{
    port::record::{RecordId, Stage},
    run::Demo,
};

use crate::{Look, SMALL, WIDE, frame, mutations, open, pass, press, says, screen};

async fn moved_under_the_card(look: Look) {
    let mut demo = open("moved-sha", look).await;
    press(&mut demo, "p").await;
    says(&demo, look, &["promote checkout", "2.9.0"]);
    pass(&mut demo, 15).await;
    says(&demo, look, &["moved 2.9.0", &look.arrow("→ 2.9.1"), "approval void"]);
    press(&mut demo, "a 1 b 2 Enter").await;
    says(&demo, look, &["promote checkout", "refused", "moved 2.9.0", "Nothing was sent."]);
    assert_eq!(mutations(&demo), []);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_moves_between_card_and_key_voids_the_card_and_sends_nothing() {
    moved_under_the_card(WIDE).await;
}

#[tokio::test(start_paused = true)]
async fn a_voided_card_says_so_at_80_by_24_in_ascii_without_colour() {
    moved_under_the_card(SMALL).await;
}

/// It hangs from some moment on: until the first request that it swallows.
async fn hung(look: Look) -> Demo {
    let mut demo = open("hung-api", look).await;
    while demo.world.look(|world| !world.calls().any(|call| call.status.is_none() && call.path.contains("/eu/"))) {
        pass(&mut demo, 1).await;
    }
    demo
}

async fn never_answered(look: Look) {
    let mut demo = hung(look).await;
    pass(&mut demo, 10).await;
    says(&demo, look, &["kubernetes-eu FAILING", "did not answer within 4 s"]);
    assert!(!screen(&demo, look).contains("kubernetes-us FAILING"), "{}", screen(&demo, look));
    press(&mut demo, "p").await;
    says(&demo, look, &["refused", "kubernetes-eu is failing"]);
    press(&mut demo, "Esc ?").await;
    says(&demo, look, &["Put the last version known good back"]);
    press(&mut demo, "Esc r").await;
    says(&demo, look, &["roll back payments", "choose a reason"]);
    assert_eq!(mutations(&demo), []);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_never_answers_is_said_within_ten_seconds_while_keys_and_other_sources_go_on() {
    never_answered(WIDE).await;
}

#[tokio::test(start_paused = true)]
async fn an_api_that_never_answers_is_said_at_80_by_24_in_ascii_without_colour() {
    never_answered(SMALL).await;
}

#[tokio::test(start_paused = true)]
async fn a_version_that_moves_between_the_key_and_the_call_is_refused_on_re_read_and_nothing_is_sent() {
    let mut demo = open("moved-sha", WIDE).await;
    // Nothing is decided about it yet: going forward all the same wants a reason too.
    press(&mut demo, "p a 1 b 2 4").await;
    demo.cockpit.key("Enter".parse().unwrap());
    // The key was taken, the intent is not on disk yet, and nobody has looked since: the world moves exactly now.
    demo.world.look(|world| world.advance(world.now() + std::time::Duration::from_secs(12)));
    pass(&mut demo, 5).await;
    let record = demo.ledger.get(RecordId(1)).unwrap().unwrap();
    let stages: Vec<&Stage> = record.entries.iter().map(|entry| &entry.stage).collect();
    let [Stage::Recorded, Stage::Refused { why, changed: true }] = stages[..] else { panic!("{record:#?}") };
    assert!(why.contains('→'), "{why}");
    assert_eq!(mutations(&demo), []);
    let patched = demo.world.look(|world| world.calls().filter(|call| call.method == "PATCH").count());
    assert_eq!(patched, 0, "not even a call that would have been refused");
}

#[tokio::test(start_paused = true)]
async fn keys_are_answered_without_waiting_while_a_request_hangs() {
    let mut demo = hung(WIDE).await;
    // No await between a key and its picture: nothing can be waited for.
    for (key, said) in [("?", "Put the last version known good back"), ("Esc", "RELEASES"), ("Enter", "step 1/4")] {
        frame(&mut demo);
        demo.cockpit.key(key.parse().unwrap());
        says(&demo, WIDE, &[said]);
    }
}
