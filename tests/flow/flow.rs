//! Our client over the pretended Flow, by both of its APIs: what waits, verbs, logs, the way back.

use std::time::Duration;

use holdshort::{
    domain::{
        form::{TO, Value},
        gate::{Eligibility, Gate},
        object::ObjectId,
        observed::FaultKind,
        offer::{Offer, offer_for},
        pipeline::{LogRef, Node, NodeKind, RunStatus, rows},
        verb::Verb,
    },
    port::{
        plan::{Ask, Draft, Expect},
        step::Watch,
    },
};

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{SCENARIO, Scene, ask, key, token},
};

/// An ask with these said to it.
fn saying(verb: Verb, target: &ObjectId, said: &[(&str, &str)]) -> Ask {
    let plain = ask(verb, target);
    let args = said.iter().fold(plain.args.clone(), |args, (name, text)| args.with(name, Value::Text((*text).into())));
    Ask { args, ..plain }
}

fn offer(offers: &[Offer], verb: Verb) -> &Offer {
    offer_for(offers, verb).unwrap()
}

/// Sends the steps of a draft, and says whether what it expects is seen then.
async fn fly(scene: &Scene, asked: &Ask, draft: &Draft) -> bool {
    for step in 0..draft.steps.len() {
        scene.send(asked, draft, step).await.unwrap();
    }
    seen(scene, draft).await
}

async fn seen(scene: &Scene, draft: &Draft) -> bool {
    let last = draft.steps.last().unwrap();
    let watched = match &last.watch {
        Watch::Made(made) => made,
        Watch::Target if draft.steps.len() == 1 => &last.target,
        Watch::Target => &last.target,
    };
    let facts = scene.facts(watched).await;
    draft.expect.all.iter().all(|one| one.holds(&facts))
}

async fn gate_of(scene: &Scene, begin: &str) -> Gate {
    let gates = scene.inventory().gates().await.unwrap();
    gates.iter().find(|gate| gate.title.starts_with(begin)).unwrap_or_else(|| panic!("{gates:#?}")).clone()
}

fn log_of(tree: &[Node], name: &str) -> LogRef {
    let all = rows(tree);
    let found = all.iter().find(|(_, node)| node.name == name && node.log.is_some());
    found.unwrap_or_else(|| panic!("{all:#?}")).1.log.clone().unwrap()
}

#[tokio::test]
async fn what_waits_says_whether_i_may_where_it_leads_and_what_is_behind_it() {
    for door in [token(), key()] {
        let scene = Scene::of(SCENARIO, door);
        let mine = scene.gate("下单服务-发布 #72 上线审批").await;
        assert_eq!((&mine.eligible, mine.environment.as_str(), mine.newer_behind), (&Eligibility::Can, "prod/eu", 1));
        assert_eq!(mine.version.as_ref().unwrap().to_string(), "3.9.0 (c0ffee1)");
        let other = scene.gate("payment-prod #5 财务审批").await;
        let why = "Flow does not let you pass it; the pipeline says who may";
        assert_eq!(other.eligible, Eligibility::Cannot { why: why.into(), ask: Vec::new() });
        assert_eq!(offer(&other.offers, Verb::Approve).blocked.as_deref(), Some(why));
        let run = scene.run("下单服务-发布", 72).await;
        assert_eq!(
            (run.status, run.title.as_str(), run.raw.as_deref()),
            (RunStatus::Waiting, "合并支付", Some("WAITING"))
        );
    }
}

#[tokio::test]
async fn a_validation_is_passed_or_refused_by_either_api_and_takes_no_comment() {
    for door in [token(), key()] {
        let older = door == key();
        for (verb, state) in [(Verb::Approve, RunStatus::Running), (Verb::Reject, RunStatus::Failed)] {
            let scene = Scene::of(SCENARIO, door.clone());
            let gate = scene.gate("下单服务-发布 #72 上线审批").await;
            let asked = ask(verb, &gate.id);
            let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
            assert_eq!(draft.bound, gate.identity);
            assert!(draft.notes.contains(&"Flow takes no comment: your reason stays in the record".to_owned()));
            assert!(fly(&scene, &asked, &draft).await, "{verb}");
            let sent = scene.diary.writes().pop().unwrap();
            let end = if verb == Verb::Approve { "pass" } else { "refuse" };
            assert!(sent.line.starts_with("POST ") && sent.line.ends_with(end), "{}", sent.line);
            assert_eq!(sent.headers.contains_key("x-acs-action"), older);
            assert_eq!(scene.run("下单服务-发布", 72).await.status, state);
        }
    }
}

#[tokio::test]
async fn a_validation_that_somebody_else_answered_is_refused_in_a_sentence_by_either_api() {
    for (door, credential) in [(token(), "token"), (key(), "access key")] {
        let scene = Scene::of(SCENARIO, door);
        let gate = scene.gate("下单服务-发布 #72 上线审批").await;
        let asked = ask(Verb::Approve, &gate.id);
        let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
        scene.happens("pass = { pipeline = 102, run = 72, pass = true }");
        let facts = scene.facts(&gate.id).await;
        assert_ne!(facts["job is"], draft.bound["job is"], "the executor sees it before it sends");
        let error = scene.send(&asked, &draft, 0).await.unwrap_err();
        let text = "Flow, approve 下单服务-发布 #72 上线审批: it refuses: 当前状态不允许 (it does not wait) [InvalidParam.Status]";
        assert_eq!(
            (error.kind, error.text.as_str(), error.maybe_done),
            (FaultKind::Rejected, text, false),
            "{credential}"
        );
    }
}

#[tokio::test]
async fn one_batch_goes_and_no_further_and_a_machine_that_failed_is_tried_again_or_left_out() {
    for (verb, done) in [(Verb::Rerun, "running"), (Verb::Skip, "skipped")] {
        let scene = Scene::new();
        let gate = gate_of(&scene, "search-prod #13 batch 1/3 done").await;
        let asked = ask(Verb::Next, &gate.id);
        let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
        assert_eq!(
            (draft.effect.as_str(), draft.bound["batch"].as_str()),
            ("batch 2 of the deployment goes: 2.2.0 (99cc012)", "1")
        );
        assert!(!seen(&scene, &draft).await);
        assert!(fly(&scene, &asked, &draft).await);
        assert!(scene.diary.writes()[0].line.ends_with("/resume"));
        scene.clock.pass(Duration::from_mins(2));
        // Its machine fails: the deployment waits for whoever does something about it, and says so in the tree.
        let run = scene.run("search-prod", 13).await;
        let tree = scene.connection.lookups[0].jobs(&run.id).await.unwrap();
        let machine = log_of(&tree, "10.0.1.2 (i-2b)");
        let lines = scene.connection.lookups[0].log(&run.id, &machine, 9).await.unwrap();
        assert!(lines.last().unwrap().is_trouble(), "{lines:?}");
        let asked = saying(verb, &run.id, &[("job", machine.as_str())]);
        let draft = scene.inventory().draft_for(&run, &asked).unwrap();
        assert!(fly(&scene, &asked, &draft).await, "{verb}");
        assert_eq!(scene.facts(&draft.steps[0].target).await["machine i-2b is"], done);
        scene.clock.pass(Duration::from_mins(2));
        gate_of(&scene, "search-prod #13 batch 2/3 done: 主机部署, 2 of 3 machines").await;
    }
}

#[tokio::test]
async fn a_batch_that_moved_since_the_card_is_not_the_one_that_was_seen() {
    let scene = Scene::new();
    let gate = gate_of(&scene, "search-prod #13").await;
    let draft = scene.inventory().draft_for(&gate, &ask(Verb::Next, &gate.id)).unwrap();
    scene.happens("next = { pipeline = 103, run = 13 }");
    let facts = scene.facts(&gate.id).await;
    let moved: Vec<_> = draft
        .bound
        .iter()
        .filter(|(name, value)| facts.get(*name) != Some(*value))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(moved, ["batch", "deploy order is"]);
}

#[tokio::test]
async fn a_deployment_is_stopped_from_its_gate_or_its_run_and_then_leads_back() {
    let scene = Scene::new();
    let run = scene.run("search-prod", 13).await;
    let asked = ask(Verb::Stop, &run.id);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    assert!(fly(&scene, &asked, &draft).await);
    assert_eq!(scene.run("search-prod", 13).await.status, RunStatus::Cancelled);
    let scene = Scene::new();
    let gate = gate_of(&scene, "search-prod #13").await;
    let asked = ask(Verb::Stop, &gate.id);
    let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
    assert!(fly(&scene, &asked, &draft).await);
}

#[tokio::test]
async fn a_deployment_that_stopped_half_way_goes_back_to_the_record_before_it_batch_by_batch() {
    let scene = Scene::new();
    let run = scene.run("checkout-prod", 40).await;
    assert_eq!(run.status, RunStatus::Cancelled);
    let asked = ask(Verb::Rollback, &run.id);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    assert_eq!(draft.effect, "主机部署 goes back to 1.4.1 (77aa012): it runs again as in run 39");
    let version = |version: &Option<_>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    assert_eq!((version(&draft.from), version(&draft.to)), ("1.4.2 (88bb012)".into(), "1.4.1 (77aa012)".into()));
    assert!(
        draft
            .notes
            .iter()
            .any(|note| note.contains("by lee") && note.contains("checkout.tgz") && note.contains("deploy.sh")),
        "{:?}",
        draft.notes
    );
    let step = &draft.steps[0];
    assert_eq!(step.target.to_string(), "flow/gate/101/deploy-10_2");
    assert_eq!(step.bound, scene.facts(&step.target).await, "bound to the record that is live");
    assert_eq!(draft.expect.rests, [Expect::is("waits between batches", true)]);
    assert!(!fly(&scene, &asked, &draft).await, "it has begun, and not ended");
    assert!(scene.diary.writes()[0].line.contains("/pipelineRuns/39/jobs/"), "{:?}", scene.diary.writes());
    scene.clock.pass(Duration::from_mins(1));
    let Watch::Made(made) = &step.watch else { panic!("{step:?}") };
    let facts = scene.facts(made).await;
    assert!(draft.expect.rests.iter().all(|one| one.holds(&facts)), "it pauses after its first batch: {facts:?}");
    assert!(!draft.expect.fails_if.iter().any(|one| one.holds(&facts)));
    let gate = gate_of(&scene, "checkout-prod #39 batch 1/2 done").await;
    let next = ask(Verb::Next, &gate.id);
    let batch = scene.inventory().draft_for(&gate, &next).unwrap();
    assert!(fly(&scene, &next, &batch).await);
    scene.clock.pass(Duration::from_mins(1));
    assert!(seen(&scene, &draft).await, "1.4.1 is everywhere");
    let facts = scene.facts(&step.target).await;
    assert_ne!(facts["live record"], step.bound["live record"], "the same card leads nowhere once more");
}

#[tokio::test]
async fn the_records_of_a_deploy_job_stand_in_the_tree_and_each_leads_to_its_run_which_puts_itself_back() {
    let scene = Scene::new();
    let live = scene.run("checkout-prod", 39).await;
    let tree = scene.connection.lookups[0].jobs(&live.id).await.unwrap();
    let all = rows(&tree);
    let records: Vec<&Node> =
        all.iter().filter(|(_, node)| node.kind == NodeKind::Child).map(|(_, node)| *node).collect();
    let said: Vec<(String, RunStatus)> =
        records.iter().map(|node| (node.name.split(", by").next().unwrap().to_owned(), node.status.state)).collect();
    let expected = [
        ("1.4.2 (88bb012), run 40".to_owned(), RunStatus::Cancelled),
        ("1.4.1 (77aa012), run 39".to_owned(), RunStatus::Succeeded),
        ("1.4.0 (66aa012), run 38".to_owned(), RunStatus::Succeeded),
    ];
    assert_eq!(said, expected);
    let older = records[2].run.clone().unwrap();
    assert_eq!(older.to_string(), "flow/run/101/38");
    let run = scene.run("checkout-prod", 38).await;
    let draft = scene.inventory().draft_for(&run, &ask(Verb::Rollback, &older)).unwrap();
    assert_eq!(
        draft.notes[0], "1.4.2 (88bb012) of run 40 may be on some machines: all of them get 1.4.0 (66aa012)",
        "what stopped half way is said from wherever one goes back"
    );
    assert_eq!((draft.from.unwrap().tag, draft.to.unwrap().tag), ("1.4.1".into(), "1.4.0".into()));
    // From what is live a record is named by its version or its run.
    for name in ["1.4.0", "38", "#38"] {
        let asked = saying(Verb::Rollback, &live.id, &[(TO, name)]);
        assert_eq!(scene.inventory().draft_for(&live, &asked).unwrap().to.unwrap().tag, "1.4.0", "{name}");
    }
    let none = scene.inventory().draft_for(&live, &saying(Verb::Rollback, &live.id, &[(TO, "9.9.9")])).unwrap_err();
    assert_eq!(none.0, "主机部署 has no record of 9.9.9: it has 1.4.0 (66aa012) (run 38)");
}

#[tokio::test]
async fn a_run_is_stopped_job_by_job_with_a_token_and_whole_with_an_access_key() {
    for (door, end) in [(token(), "/stop"), (key(), "/pipelineRuns/32/stop")] {
        let scene = Scene::of(SCENARIO, door);
        let run = scene.run("gateway-ci", 32).await;
        let asked = ask(Verb::Cancel, &run.id);
        let draft = scene.inventory().draft_for(&run, &asked).unwrap();
        scene.send(&asked, &draft, 0).await.unwrap();
        assert!(scene.diary.writes()[0].line.ends_with(end), "{:?}", scene.diary.writes());
        let facts = scene.facts(&run.id).await;
        assert!(draft.expect.all[0].holds(&facts), "{facts:?}");
    }
    let waits = Scene::new().run("下单服务-发布", 72).await;
    let why =
        "nothing of it runs: with a token Flow stops jobs and no whole run; refuse what it waits for, or leave it";
    assert_eq!(offer(&waits.offers, Verb::Cancel).blocked.as_deref(), Some(why));
}

#[tokio::test]
async fn a_job_that_failed_is_tried_again_or_left_out_and_one_by_hand_is_started() {
    let scene = Scene::new();
    let run = scene.run("gateway-ci", 31).await;
    assert_eq!(run.status, RunStatus::Failed);
    let form = &offer(&run.offers, Verb::Rerun).form[0];
    let asked = saying(Verb::Rerun, &run.id, &[("job", form.default.as_deref().unwrap())]);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    assert!(fly(&scene, &asked, &draft).await);
    assert!(scene.diary.writes()[0].line.ends_with("/retry"));
    let run = scene.run("gateway-ci", 30).await;
    let tree = scene.connection.lookups[0].jobs(&run.id).await.unwrap();
    let job = log_of(&tree, "手动发布");
    let asked = saying(Verb::Play, &run.id, &[("job", job.as_str())]);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    assert!(fly(&scene, &asked, &draft).await);
    let odd = scene.inventory().draft_for(&run, &saying(Verb::Skip, &run.id, &[("job", "../5")])).unwrap_err();
    assert_eq!(odd.0, "'../5' is the id of no job and of no machine");
    let asked = saying(Verb::Skip, &run.id, &[("job", "7")]);
    let other = scene.inventory().draft_for(&run, &asked).unwrap();
    assert_eq!(other.notes, ["gateway-ci #30 had no job 7 when it was read last: nothing is sent then"]);
    let facts = scene.facts(&other.steps[0].target).await;
    assert!(!facts.contains_key("job"), "so the executor finds that it moved: {facts:?}");
}

#[tokio::test]
async fn a_new_run_takes_branch_variables_and_comment_as_json_in_a_text_and_is_watched() {
    for door in [token(), key()] {
        let scene = Scene::of(SCENARIO, door);
        let run = scene.run("gateway-ci", 31).await;
        let said = [("branch", "v9.0.0"), ("variables", "LEVEL=warn"), ("comment", "夜间 release")];
        let asked = saying(Verb::Dispatch, &run.id, &said);
        let draft = scene.inventory().draft_for(&run, &asked).unwrap();
        let sent = scene.send(&asked, &draft, 0).await.unwrap();
        assert_eq!(sent.given["made"], "33");
        let body = scene.diary.writes()[0].body.clone();
        let form = || {
            url::form_urlencoded::parse(body.as_bytes())
                .find(|(name, _)| name == "params")
                .map(|(_, text)| text.into_owned())
        };
        let json = |body: serde_json::Value| body["params"].as_str().unwrap().to_owned();
        let params = serde_json::from_str(&body).map_or_else(|_| form().unwrap(), json);
        let params: serde_json::Value = serde_json::from_str(&params).unwrap();
        let branches = serde_json::json!({"https://codeup.aliyun.com/acme/shop.git": "v9.0.0"});
        assert_eq!((&params["runningBranchs"], &params["envs"]["LEVEL"]), (&branches, &"warn".into()));
        let made = scene.run("gateway-ci", 33).await;
        assert_eq!((made.branch.as_deref(), made.title.as_str()), (Some("v9.0.0"), "夜间 release"));
    }
}

#[tokio::test]
async fn the_older_api_says_what_it_cannot_do() {
    let scene = Scene::of(SCENARIO, key());
    let back = scene.run("checkout-prod", 40).await;
    let why = "the older API of Flow runs no deploy job again: use a token, or begin a run of the earlier version";
    assert_eq!(offer(&back.offers, Verb::Rollback).blocked.as_deref(), Some(why));
    let hand = scene.gate("gateway-ci #30 手动发布").await;
    assert_eq!(
        offer(&hand.offers, Verb::Approve).blocked.as_deref(),
        Some("the older API of Flow starts no jobs: use a token")
    );
    let batch = gate_of(&scene, "search-prod #13").await;
    let asked = ask(Verb::Next, &batch.id);
    let draft = scene.inventory().draft_for(&batch, &asked).unwrap();
    assert!(fly(&scene, &asked, &draft).await);
}

#[tokio::test]
async fn a_log_is_read_as_it_grows_with_nothing_in_it_that_a_terminal_obeys() {
    let scene = Scene::new();
    let run = scene.run("checkout-prod", 39).await;
    let tree = scene.connection.lookups[0].jobs(&run.id).await.unwrap();
    let lookup = &scene.connection.lookups[0];
    for name in ["构建", "执行命令"] {
        let lines = lookup.log(&run.id, &log_of(&tree, name), 99).await.unwrap();
        let words: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(words, ["[INFO] 任务开始", "mvn package", "[INFO] 任务运行成功"], "{name}");
    }
}
