//! J1, 02:07, paged: the top line says that it is the release, and the way back is three keys.

use holdshort::{
    app::headline::{Cause, headline},
    domain::{evidence::Verdict, observed::Freshness},
    port::record::{RecordId, Stage},
    run::Demo,
};

use crate::{Look, SMALL, WIDE, mutations, open, pass, press, says, screen};

async fn flown_with_roll_back(look: Look) {
    let mut demo = open("bad-canary", look).await;
    says(
        &demo,
        look,
        &["LIKELY THE RELEASE", "payments", "1.42.0 (a1b2c3d)", "25 %", "2 min after step 5, 01:49", "NO-GO"],
    );
    let before = mutations(&demo).len();
    press(&mut demo, "r").await;
    says(&demo, look, &["roll back payments", "1.41.3 (9f8e7d6)", "choose a reason, 1 to 5"]);
    press(&mut demo, "1 Enter").await;
    pass(&mut demo, 20).await;
    says(&demo, look, &["roll back payments", "DONE", "12 of 12 pods on 1.41.3 (9f8e7d6), verified"]);
    let sent = &mutations(&demo)[before..];
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].method, "PATCH");
    let serving = demo.world.look(|world| world.serving());
    let arms: Vec<_> = serving[0].arms.iter().map(|arm| (arm.version.as_str(), arm.pods.len())).collect();
    assert_eq!(arms, [("1.41.3", 12)]);
    let record = demo.ledger.get(RecordId(1)).unwrap().unwrap();
    assert_eq!(record.intent.reason.as_deref(), Some("errors"));
    assert_eq!(record.intent.plan.evidence.verdict, Some(Verdict::NoGo));
    assert!(record.intent.plan.evidence.said.contains("on stable"), "{:?}", record.intent.plan.evidence);
    assert_eq!(record.intent.plan.evidence.sources.len(), 2);
    let stages: Vec<&Stage> = record.entries.iter().map(|entry| &entry.stage).collect();
    assert!(matches!(stages[..3], [Stage::Recorded, Stage::Sending { call: 0, .. }, Stage::Accepted { call: 0, .. }]));
    assert!(stages.iter().any(|stage| matches!(stage, Stage::Moving { .. })), "{stages:?}");
    assert!(matches!(stages.last(), Some(Stage::Done { .. })), "{stages:?}");
}

#[tokio::test(start_paused = true)]
async fn the_bad_canary_is_rolled_back_with_three_keys_and_one_mutation() {
    flown_with_roll_back(WIDE).await;
}

#[tokio::test(start_paused = true)]
async fn the_same_flight_works_at_80_by_24_in_ascii_without_colour() {
    flown_with_roll_back(SMALL).await;
    let demo = open("bad-canary", SMALL).await;
    assert!(screen(&demo, SMALL).is_ascii());
}

#[tokio::test(start_paused = true)]
async fn an_abort_says_that_the_spec_still_holds_the_version_and_guards_what_would_bring_it_back() {
    let mut demo = open("bad-canary", WIDE).await;
    press(&mut demo, "a 1 Enter").await;
    pass(&mut demo, 20).await;
    says(&demo, WIDE, &["abort payments", "DONE", "aborted, no traffic on 1.42.0 (a1b2c3d), verified"]);
    assert_eq!(mutations(&demo).len(), 1);
    press(&mut demo, "Enter").await;
    says(&demo, WIDE, &["the spec still holds 1.42.0"]);
    press(&mut demo, "P").await;
    says(&demo, WIDE, &["promote full payments", "refused"]);
    press(&mut demo, "Esc R").await;
    says(&demo, WIDE, &["retry payments", "refused", "NO-GO"]);
    assert_eq!(mutations(&demo).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_press_while_it_is_under_way_sends_nothing() {
    let mut demo = open("bad-canary", WIDE).await;
    press(&mut demo, "r 1 Enter r").await;
    says(&demo, WIDE, &["already under way: roll back"]);
    pass(&mut demo, 20).await;
    assert_eq!(mutations(&demo).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_the_roll_back_the_way_back_is_not_the_bad_version() {
    let mut demo = open("bad-canary", WIDE).await;
    press(&mut demo, "Enter r 1 Enter").await;
    pass(&mut demo, 20).await;
    press(&mut demo, "r").await;
    says(&demo, WIDE, &["roll back payments", "1.41.2"]);
    assert!(!screen(&demo, WIDE).contains("→ 1.42.0"), "{}", screen(&demo, WIDE));
}

#[tokio::test(start_paused = true)]
async fn while_it_goes_back_the_version_that_is_put_back_is_never_accused() {
    let mut demo = open("bad-canary", WIDE).await;
    press(&mut demo, "r 1 Enter").await;
    says(&demo, WIDE, &["GOING BACK payments 1.42.0 → 1.41.3"]);
    for _ in 0..20 {
        let shown = screen(&demo, WIDE);
        assert!(!shown.contains("LIKELY THE RELEASE   payments 1.41.3"), "{shown}");
        pass(&mut demo, 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_it_goes_back_the_top_line_says_so_and_is_never_green() {
    for keys in ["r 1 Enter", "a 1 Enter"] {
        let mut demo = open("bad-canary", WIDE).await;
        press(&mut demo, keys).await;
        let mut seen = 0;
        while !screen(&demo, WIDE).contains("DONE") {
            let answer = headline(demo.cockpit.model());
            let traffic = answer.back.as_ref().is_some_and(|back| back.serves);
            assert!(answer.back.is_some(), "{}", screen(&demo, WIDE));
            assert_eq!(answer.cause == Cause::Release, traffic, "{answer:?}");
            says(&demo, WIDE, &["▲ GOING BACK payments 1.42.0 → 1.41.3, "]);
            seen += 1;
            pass(&mut demo, 1).await;
        }
        assert!(seen > 0, "{keys}");
        assert_eq!(headline(demo.cockpit.model()).cause, Cause::None, "{}", screen(&demo, WIDE));
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_says_how_old_each_source_was_when_it_was_decided() {
    let mut demo = open("bad-canary", WIDE).await;
    pass(&mut demo, 4).await;
    press(&mut demo, "a 1 Enter").await;
    let record = demo.ledger.get(RecordId(1)).unwrap().unwrap();
    let sources = &record.intent.plan.evidence.sources;
    let ages: Vec<_> = sources.iter().map(|one| (one.source.as_str(), one.freshness, one.age_seconds)).collect();
    assert_eq!(ages, [("kubernetes-eu", Freshness::Live, Some(4)), ("prometheus", Freshness::Live, Some(4))]);
    assert_eq!(record.intent.who.as_str(), "you");
}

#[tokio::test(start_paused = true)]
async fn an_abort_is_done_only_when_nobody_is_sent_to_the_bad_version_any_more() {
    let mut demo = open("bad-canary", WIDE).await;
    press(&mut demo, "a 1 Enter").await;
    while !screen(&demo, WIDE).contains("DONE") {
        pass(&mut demo, 1).await;
    }
    let arms = |demo: &Demo| -> Vec<(String, usize)> {
        let serving = demo.world.look(|world| world.serving());
        serving[0].arms.iter().map(|arm| (arm.version.clone(), arm.pods.len())).collect()
    };
    assert!(arms(&demo).iter().all(|(version, _)| version == "1.41.3"), "{:?}", arms(&demo));
    pass(&mut demo, 30).await;
    assert_eq!(arms(&demo), [("1.41.3".to_owned(), 12)]);
}

#[tokio::test(start_paused = true)]
async fn what_the_bad_canary_costs_of_the_promised_budget_can_be_told_from_what_is_known() {
    let demo = open("bad-canary", WIDE).await;
    let model = demo.cockpit.model();
    let payments = model.store.rollouts().find(|rollout| rollout.service == "payments".into()).unwrap();
    let budget = &model.judgements[&payments.id].budget;
    let said = holdshort::words::budget(budget.as_ref().unwrap());
    assert_eq!(said[0].about, "budget");
    assert!(said[0].text.starts_with("this canary costs ") && said[0].text.contains(" %/h of 30 d ("), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn an_act_is_seen_to_its_end_on_screens_that_are_about_something_else() {
    for look in [WIDE, SMALL] {
        let mut demo = open("bad-canary", look).await;
        press(&mut demo, "l r 1 Enter").await;
        pass(&mut demo, 30).await;
        says(&demo, look, &["payments", "logs", "roll back payments", "DONE"]);
        press(&mut demo, "4").await;
        says(&demo, look, &["roll back payments", "DONE"]);
    }
}
