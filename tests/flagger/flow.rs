//! What the verbs bring about in the built-in world, from the confirmed plan to what is observed.

use holdshort::domain::{
    rollout::{Phase, Share},
    verb::Verb,
};

use crate::scene::{Scene, done, end, refused, tags};

#[tokio::test(start_paused = true)]
async fn the_scenario_shows_what_waits_at_its_true_share_of_the_traffic() {
    let scene = Scene::after(15, "").await;
    let podinfo = scene.canary("podinfo").await;
    assert_eq!(tags(&podinfo), ["6.1.0", "6.2.0"]);
    // Its status says 0 since it waits to be promoted; the route says 50.
    assert_eq!((podinfo.phase, podinfo.weight.actual), (Phase::Paused, Share::Told(50)));
    let said = "its promotion waits to be confirmed; takes effect within 30 s";
    assert_eq!(podinfo.message.as_deref(), Some(said));
    assert_eq!(podinfo.current_step().map(|step| step.label.as_str()), Some("confirm-promotion"));
    let pods: Vec<_> = podinfo.arms.iter().map(|arm| (arm.tag(), arm.pods.map(|pods| pods.ready))).collect();
    assert_eq!(pods, [("6.2.0".into(), Some(4)), ("6.1.0".into(), Some(4)), ("6.0.3".into(), Some(0))]);
    let search = scene.canary("search").await;
    assert_eq!((tags(&search), search.phase), (["2.4.1".into(), "2.5.0".into()], Phase::Paused));
    assert_eq!(search.weight.actual, Share::Told(0));
    let ads = scene.canary("ads").await;
    assert_eq!((tags(&ads), ads.phase, ads.aborted_in_spec), (["1.8.0".into(), "1.9.0".into()], Phase::Aborted, true));
    let why = "Flagger has taken it back and its target still holds it: Rolling back ads.shop failed checks threshold reached 2";
    assert_eq!(ads.message.as_deref(), Some(why));
    let mail = scene.canary("mail").await;
    assert_eq!((mail.phase, mail.in_flight()), (Phase::Healthy, false));
    assert_eq!(mail.troubles, ["its gate stands open: the next version passes unconfirmed; reject closes it"]);
    assert_eq!(mail.message.as_deref(), Some("mail has 0 pods, as it must at rest: mail-primary serves"));
    assert_eq!(scene.look().await.1, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_promotion_opens_the_gate_and_closes_it_again_once_it_has_passed() {
    let scene = Scene::after(15, "").await;
    let record = scene.fly("podinfo", Verb::Promote, None).await;
    assert_eq!(
        end(&record),
        (done("podinfo-primary gets 6.2.0 (a1b2c3d), verified"), vec!["close the gate".to_owned()])
    );
    let gate = "POST services/flagger-loadtester:80/proxy/gate";
    assert_eq!(scene.writes(), [format!("{gate}/open"), format!("{gate}/close")]);
    scene.pass(240).await;
    let podinfo = scene.canary("podinfo").await;
    assert_eq!((tags(&podinfo), podinfo.phase), (["6.2.0".into(), "6.2.0".into()], Phase::Healthy));
    assert_eq!(podinfo.troubles, [""; 0]);
    assert_eq!(podinfo.way_back().map(holdshort::domain::rollout::Arm::tag).as_deref(), Some("6.1.0"));
}

#[tokio::test(start_paused = true)]
async fn a_start_is_confirmed_the_same_way_and_nothing_else_passes_with_it() {
    let scene = Scene::after(15, "").await;
    let record = scene.fly("search", Verb::Promote, None).await;
    assert_eq!(end(&record), (done("2.5.0 (c1b2c3d) has begun, verified"), vec!["close the gate".to_owned()]));
    let search = scene.canary("search").await;
    assert_eq!((search.phase, refused(&search, Verb::Promote).is_some()), (Phase::Progressing, true));
}

#[tokio::test(start_paused = true)]
async fn an_abort_opens_the_rollback_gate_until_the_version_is_taken_back() {
    let scene = Scene::after(15, "").await;
    let record = scene.fly("podinfo", Verb::Abort, None).await;
    let words = "taken back, no traffic on 6.2.0 (a1b2c3d), verified";
    assert_eq!(end(&record), (done(words), vec!["close the rollback gate".to_owned()]));
    let podinfo = scene.canary("podinfo").await;
    assert_eq!((podinfo.phase, podinfo.weight.actual.known()), (Phase::Aborted, Some(0)));
    let told =
        "Flagger has taken it back and its target still holds it: Rolling back podinfo.shop manual webhook invoked";
    assert_eq!(podinfo.message.as_deref(), Some(told));
    let retried = scene.fly("podinfo", Verb::Retry, None).await;
    assert_eq!(end(&retried).0, done("6.2.0 (a1b2c3d) begins again, verified"));
    assert_eq!(scene.canary("podinfo").await.phase, Phase::Progressing);
}

#[tokio::test(start_paused = true)]
async fn without_a_rollback_gate_an_abort_raises_the_failed_checks_and_says_so() {
    let scene = Scene::after(3, "").await;
    let draft = scene.draft("ads", Verb::Abort, None).await.unwrap();
    assert_eq!(
        draft.notes[0],
        "no webhook of it asks a rollback gate: raising its failed checks to 2 is what makes Flagger take it back"
    );
    let record = scene.fly("ads", Verb::Abort, None).await;
    assert_eq!(end(&record).0, done("taken back, no traffic on 1.9.0 (b1b2c3d), verified"));
    assert_eq!(scene.writes(), ["PATCH canaries/ads/status"]);
}

#[tokio::test(start_paused = true)]
async fn a_roll_back_on_the_way_puts_the_template_back_and_ends_the_run() {
    let scene = Scene::after(15, "").await;
    let record = scene.fly("podinfo", Verb::Rollback, None).await;
    let words = "no traffic on 6.2.0 (a1b2c3d), and podinfo holds 6.1.0 (9f8e7d6), verified";
    assert_eq!(end(&record), (done(words), vec!["close the rollback gate".to_owned()]));
    let podinfo = scene.canary("podinfo").await;
    assert_eq!((tags(&podinfo), podinfo.phase), (["6.1.0".into(), "6.1.0".into()], Phase::Healthy));
    let said = podinfo.message.unwrap();
    assert!(said.starts_with("the version that failed was put back: podinfo holds what serves"), "{said}");
    // Flagger takes it for what was promoted last, and begins nothing.
    scene.pass(300).await;
    assert!(!scene.canary("podinfo").await.in_flight());
}

#[tokio::test(start_paused = true)]
async fn a_roll_back_at_rest_is_a_version_like_another_and_waits_where_those_wait() {
    let scene = Scene::after(15, "").await;
    scene.fly("podinfo", Verb::Promote, None).await;
    scene.pass(240).await;
    let draft = scene.draft("podinfo", Verb::Rollback, None).await.unwrap();
    assert_eq!(draft.effect, "6.2.0 (a1b2c3d) → 6.1.0 (9f8e7d6), measured like a new version, in 300 s at least");
    let record = scene.fly("podinfo", Verb::Rollback, None).await;
    let said = end(&record).0;
    assert!(said.said().starts_with("not done yet: waits at confirm-promotion"), "{said:?}");
    let podinfo = scene.canary("podinfo").await;
    assert_eq!((tags(&podinfo), podinfo.phase), (["6.2.0".into(), "6.1.0".into()], Phase::Paused));
}

#[tokio::test(start_paused = true)]
async fn a_full_promotion_leaves_the_analysis_out_for_this_version_only() {
    let scene = Scene::after(6, "").await;
    let before = scene.canary("podinfo").await;
    assert_eq!(before.phase, Phase::Progressing);
    let record = scene.fly("podinfo", Verb::PromoteFull, None).await;
    let released = vec!["have new versions measured again".to_owned()];
    assert_eq!(end(&record), (done("podinfo-primary runs 6.2.0 (a1b2c3d), verified"), released));
    assert_eq!(scene.writes(), ["PATCH canaries/podinfo", "PATCH canaries/podinfo"]);
    let podinfo = scene.canary("podinfo").await;
    assert_eq!((tags(&podinfo), podinfo.phase), (["6.2.0".into(), "6.2.0".into()], Phase::Healthy));
}

#[tokio::test(start_paused = true)]
async fn a_suspended_canary_stays_where_it_is_and_a_way_back_ends_the_suspension() {
    let scene = Scene::after(6, "").await;
    let paused = scene.fly("podinfo", Verb::Pause, None).await;
    assert!(matches!(end(&paused).0, holdshort::port::record::Stage::Done { .. }), "{paused:?}");
    let held = scene.canary("podinfo").await;
    assert_eq!((held.held, held.phase), (true, Phase::Paused));
    scene.pass(300).await;
    assert_eq!(scene.canary("podinfo").await.weight, held.weight);
    let why = "a person has suspended it, so that Flagger does nothing: resume first";
    assert_eq!(refused(&held, Verb::PromoteFull).as_deref(), Some(why));
    let back = scene.fly("podinfo", Verb::Abort, None).await;
    assert_eq!(end(&back).0, done("taken back, no traffic on 6.2.0 (a1b2c3d), verified"));
    assert!(!scene.canary("podinfo").await.held);
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_was_left_open_is_closed_by_reject() {
    let scene = Scene::after(2, "").await;
    let record = scene.fly("mail", Verb::Reject, None).await;
    assert_eq!(end(&record).0, done("the gate is closed, verified"));
    let mail = scene.canary("mail").await;
    assert_eq!(mail.troubles, [""; 0]);
    assert_eq!(refused(&mail, Verb::Reject).as_deref(), Some("its gate is closed: what comes waits there"));
}

#[tokio::test(start_paused = true)]
async fn a_restart_replaces_the_pods_that_serve_and_begins_no_version() {
    let scene = Scene::after(1, "").await;
    let record = scene.fly("ads", Verb::Restart, None).await;
    assert_eq!(end(&record).0, done("all pods of ads-primary are new ones and ready, verified"));
    assert_eq!(scene.writes(), ["PATCH deployments/ads-primary"]);
    let ads = scene.canary("ads").await;
    assert_eq!((ads.in_flight(), tags(&ads)), (false, ["1.8.0".into(), "1.8.0".into()]));
    assert_eq!(ads.way_back().map(holdshort::domain::rollout::Arm::tag).as_deref(), Some("1.7.0"));
}

#[tokio::test(start_paused = true)]
async fn while_the_primary_gets_the_version_there_is_no_way_back_and_the_share_is_by_its_pods() {
    let scene = Scene::after(15, "").await;
    scene.fly("podinfo", Verb::Promote, None).await;
    let podinfo = scene.canary("podinfo").await;
    let why = "it is being promoted: Flagger has no way back until that is done; then roll back";
    for verb in [Verb::Abort, Verb::Rollback] {
        assert_eq!(refused(&podinfo, verb).as_deref(), Some(why), "{verb}");
    }
    let share = podinfo.weight.actual.known().unwrap();
    assert!((50..=100).contains(&share), "{:?}", podinfo.weight);
    assert_eq!(tags(&podinfo), ["6.1.0", "6.2.0"]);
}

#[tokio::test(start_paused = true)]
async fn a_promotion_whose_primary_does_not_come_up_says_that_users_are_on_the_new_version() {
    let text = include_str!("../../examples/scenarios/flagger.toml");
    let history = "history = [\n  { tag = \"6.0.3\"";
    let text = text.replace(history, &format!("progress_deadline_seconds = 60\n{history}"));
    // The canary's pods are up before the version begins to crash.
    let script = "[[systems.script]]\nat = \"2m\"";
    let crash = "set_crashing = { tag = \"6.2.0\", crashing = true }";
    let open = "set_gate = { namespace = \"shop\", name = \"podinfo\", open = true }";
    let act = |at: &str, act: &str| format!("[[systems.script]]\nat = \"{at}\"\nact = {{ {act} }}\n\n");
    let later = format!("{}{}{script}", act("14m", crash), act("14m 30s", open));
    let text = text.replacen(script, &later, 1);
    let scene = Scene::of(&text, 20).await;
    let podinfo = scene.canary("podinfo").await;
    assert_eq!((podinfo.phase, podinfo.weight.actual), (Phase::Degraded, Share::Told(100)));
    let said = "its promotion failed, for podinfo-primary did not become ready: users are on the new version, by the pods of podinfo";
    assert_eq!(podinfo.message.as_deref(), Some(said));
    let why = "podinfo-primary is not ready, and Flagger would send all traffic there: mend that one, or roll back";
    assert_eq!(refused(&podinfo, Verb::Retry).as_deref(), Some(why));
    assert_eq!(refused(&podinfo, Verb::Rollback), None);
}
