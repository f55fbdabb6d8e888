//! F1 and F2: the world moves under the operator's hand, and an API that accepts and never answers.

use crate::{WIDE, mutations, open, pass, press, says, screen};

#[tokio::test(start_paused = true)]
async fn a_version_that_moves_between_card_and_key_voids_the_card_and_sends_nothing() {
    let mut demo = open("moved-sha", WIDE).await;
    press(&mut demo, "p").await;
    says(&demo, WIDE, &["promote checkout", "2.9.0"]);
    pass(&mut demo, 15).await;
    says(&demo, WIDE, &["moved 2.9.0", "→ 2.9.1", "approval void"]);
    press(&mut demo, "a 1 b 2 Enter").await;
    says(&demo, WIDE, &["promote checkout", "refused", "moved 2.9.0", "Nothing was sent."]);
    assert_eq!(mutations(&demo), []);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_never_answers_is_said_within_ten_seconds_while_keys_and_other_sources_go_on() {
    let mut demo = open("hung-api", WIDE).await;
    // It hangs from some moment on: from the first request that it swallows, no more than ten seconds.
    while demo.world.look(|world| !world.calls().any(|call| call.status.is_none() && call.path.contains("/eu/"))) {
        pass(&mut demo, 1).await;
    }
    pass(&mut demo, 10).await;
    says(&demo, WIDE, &["kubernetes-eu FAILING", "did not answer within 4 s"]);
    assert!(!screen(&demo, WIDE).contains("kubernetes-us FAILING"), "{}", screen(&demo, WIDE));
    press(&mut demo, "p").await;
    says(&demo, WIDE, &["refused", "kubernetes-eu is failing"]);
    press(&mut demo, "Esc ?").await;
    says(&demo, WIDE, &["Put the last version known good back"]);
    press(&mut demo, "Esc r").await;
    says(&demo, WIDE, &["roll back payments", "choose a reason"]);
    assert_eq!(mutations(&demo), []);
}
