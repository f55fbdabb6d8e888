//! J1 and J2 in the company that they happen in: seventeen services, four in flight, gates of six CI systems, fifty pipelines.

use holdshort::{
    app::headline::{Cause, headline},
    domain::{evidence::Verdict, observed::Freshness, pipeline::RunStatus, rollout::Rollout},
    run::Demo,
};

use crate::{Look, SMALL, WIDE, mutations, open, pass, press, says, screen};

fn rollout<'d>(demo: &'d Demo, service: &str) -> &'d Rollout {
    demo.cockpit.model().store.rollouts().find(|rollout| rollout.service.as_str() == service).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_fleet_is_a_company_in_which_four_releases_fly_and_each_stands_differently() {
    let demo = open("fleet", WIDE).await;
    let model = demo.cockpit.model();
    let services: std::collections::BTreeSet<_> = model.store.rollouts().map(|one| one.service.to_string()).collect();
    assert_eq!(services.len(), 14, "{services:?}");
    let flying: Vec<_> = model.store.rollouts().filter(|one| one.in_flight()).collect();
    let mut stand: Vec<_> = flying.iter().map(|one| (one.service.as_str(), model.verdict(&one.id).unwrap())).collect();
    stand.sort_by_key(|(service, _)| *service);
    let expected =
        [("checkout", Verdict::Wait), ("payments", Verdict::NoGo), ("recs", Verdict::NoData), ("search", Verdict::Go)];
    assert_eq!(stand, expected, "{}", screen(&demo, WIDE));
    assert!(model.store.sources(model.now).iter().all(|source| source.freshness == Freshness::Live));
    assert_eq!(demo.world.look(|world| world.failures()), Vec::<String>::new());
    let answer = headline(model);
    assert_eq!((answer.cause, answer.rollout.as_ref()), (Cause::Release, Some(&rollout(&demo, "payments").id)));
}

#[tokio::test(start_paused = true)]
async fn payments_burns_in_the_fleet_as_it_burns_alone() {
    let (fleet, alone) = (open("fleet", WIDE).await, open("bad-canary", WIDE).await);
    let judged = |demo: &Demo| {
        let model = demo.cockpit.model();
        let judgement = &model.judgements[&rollout(demo, "payments").id];
        format!("{:#?}", (judgement.verdict, &judgement.tested, judgement.at, judgement.decided_at, judgement.onset))
    };
    assert_eq!(judged(&fleet), judged(&alone));
    let pods = |demo: &Demo| {
        let serving = demo.world.look(|world| world.serving());
        serving.into_iter().find(|one| one.service == "payments").unwrap()
    };
    assert_eq!(pods(&fleet), pods(&alone));
}

#[tokio::test(start_paused = true)]
async fn the_pipelines_have_a_past_in_which_some_fail_and_one_runs() {
    let demo = open("fleet", WIDE).await;
    let model = demo.cockpit.model();
    let runs: Vec<_> = model.store.runs().collect();
    let pipelines: std::collections::BTreeSet<_> =
        runs.iter().map(|run| format!("{} {} {}", run.id.source, run.service, run.pipeline)).collect();
    assert!(pipelines.len() >= 48, "{} {pipelines:#?}", pipelines.len());
    let count = |status| runs.iter().filter(|run| run.status == status).count();
    assert!(count(RunStatus::Succeeded) > 150, "{}", count(RunStatus::Succeeded));
    assert!((3..60).contains(&count(RunStatus::Failed)), "{}", count(RunStatus::Failed));
    assert!(count(RunStatus::Running) >= 1 && count(RunStatus::Waiting) >= 4);
}

async fn paged(look: Look) {
    let mut demo = open("fleet", look).await;
    let head = ["LIKELY THE RELEASE", "payments", "1.42.0 (a1b2c3d)", "25 %", "2 min after step 5, 01:49", "NO-GO"];
    says(&demo, look, &head);
    press(&mut demo, "r").await;
    says(&demo, look, &["roll back payments", "1.41.3 (9f8e7d6)", "choose a reason, 1 to 5"]);
    press(&mut demo, "1 Enter").await;
    pass(&mut demo, 20).await;
    says(&demo, look, &["roll back payments", "DONE", "12 of 12 pods on 1.41.3 (9f8e7d6), verified"]);
    let sent = mutations(&demo);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].method == "PATCH" && sent[0].path.contains("/rollouts/payments"), "{sent:?}");
    let serving = demo.world.look(|world| world.serving());
    let payments = serving.iter().find(|one| one.service == "payments").unwrap();
    let arms: Vec<_> = payments.arms.iter().map(|arm| (arm.version.as_str(), arm.pods.len())).collect();
    assert_eq!(arms, [("1.41.3", 12)]);
}

#[tokio::test(start_paused = true)]
async fn j1_the_bad_canary_among_many_is_rolled_back_with_three_keys_and_one_mutation() {
    paged(WIDE).await;
}

#[tokio::test(start_paused = true)]
async fn j1_the_line_that_names_the_cause_is_one_key_away_and_only_the_new_version_writes_it() {
    for look in [WIDE, SMALL] {
        let mut demo = open("fleet", look).await;
        press(&mut demo, "l").await;
        pass(&mut demo, 5).await;
        says(&demo, look, &["payments", "ERROR card vault timeout after <*> ms 835 0"]);
    }
}

#[tokio::test(start_paused = true)]
async fn j1_works_at_80_by_24_in_ascii_without_colour() {
    paged(SMALL).await;
    let demo = open("fleet", SMALL).await;
    assert!(screen(&demo, SMALL).is_ascii());
}

#[tokio::test(start_paused = true)]
async fn j2_of_what_waits_in_six_systems_one_gate_is_mine_to_open_and_takes_exactly_one_call() {
    for look in [WIDE, SMALL] {
        let mut demo = open("fleet", look).await;
        press(&mut demo, "i").await;
        says(&demo, look, &["ledger", "invoices", "web-release", "returns", "vouchers", "warehouse"]);
        press(&mut demo, "G").await;
        says(&demo, look, &["search", "tax", "gateway", "cannot"]);
        press(&mut demo, "g").await;
        // The second row: run 812 of ledger, before which an older one waits still.
        press(&mut demo, "j").await;
        pass(&mut demo, 3).await;
        says(&demo, look, &["2 commits by kim, lee since live 4.1.9 (d00dfee)", "2 settings: limits."]);
        press(&mut demo, "y").await;
        says(&demo, look, &["approve ledger", "c0ff", "brings", "2 settings: limits."]);
        press(&mut demo, "c 0 f f Enter").await;
        pass(&mut demo, 60).await;
        says(&demo, look, &["approve ledger", "DONE"]);
        let sent = mutations(&demo);
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(
            sent[0].path.contains("/repos/acme/ledger/") && sent[0].path.ends_with("/pending_deployments"),
            "{sent:?}"
        );
        // The older one would put the earlier version back over it.
        press(&mut demo, "g y").await;
        says(&demo, look, &["approve ledger", "4.2.0 (c0ffee1) was let through to prod at"]);
        assert_eq!(mutations(&demo).len(), 1);
    }
}
