//! Journey J3: an ordered roll back of three services. The line of whoever began it drops after the first step; somebody else sees
//! how far it is, cannot begin it twice, and takes it over once its executor is killed too. Every step goes exactly once.

use super::{
    Door, LOOKS, MutexGuard, Pty, Signal, Value, Writes, assert_intact, begun, executor, fs, holdshort, json,
    kill_process, lee, records, text, world_of,
};

/// In the order in which they are put back.
const SERVICES: [&str; 3] = ["web", "search", "cart"];

fn three() -> (Door, MutexGuard<'static, ()>) {
    world_of(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/scenarios/three-services.toml"))
}

fn deployment(door: &Door, service: &str) -> Value {
    let (status, body) =
        door.ask(&format!("GET /kubernetes/eu/apis/apps/v1/namespaces/shop/deployments/{service}"), &[], "");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// How often the spec of each was changed, and the version that it holds.
fn changes(door: &Door) -> Vec<(i64, String)> {
    let one = |service: &&str| {
        let object = deployment(door, service);
        let image = object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
        (object["metadata"]["generation"].as_i64().unwrap(), image.rsplit(':').next().unwrap().to_owned())
    };
    SERVICES.iter().map(one).collect()
}

/// The first step is done, and the call of the second is held on its way; dana's own process is gone, her executor lives.
fn after_the_first_step(door: &Door) {
    door.writes(Writes::Held);
    let mut foreground = begun(door, &[&["rollback"], &SERVICES[..]].concat());
    door.until_held(1);
    door.release();
    door.until_held(1);
    foreground.kill().unwrap();
    foreground.wait().unwrap();
}

fn outcomes(record: &Value) -> Vec<&str> {
    record["each"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect()
}

#[test]
fn an_ordered_rollback_whose_session_and_executor_die_is_taken_over_and_every_step_goes_once() {
    let (door, _alone) = three();
    let before = changes(&door);
    after_the_first_step(&door);
    let config = door.config();
    let mut cockpit = Pty::start_in(&["--config", config.to_str().unwrap()], &[("HOLDSHORT_OPERATOR", "lee")], 120, 36);
    cockpit.until("how far it is", |screen| screen.contains("step 2 of 3: search"));
    // lee presses `r` by reflex, on one of the three.
    cockpit.keys("/web\r");
    cockpit.until("the row", |screen| screen.contains("only 'web'") && screen.contains("1.0.0"));
    let refused = cockpit.press("r", "the refusal", |screen| screen.contains("already under way: roll back (dana,"));
    assert!(!refused.contains("sends it"), "{refused}");
    cockpit.press("\u{1b}", "the board", |screen| !screen.contains("already under way"));
    // Her executor is killed too.
    kill_process(executor(&door, "1").unwrap(), Signal::KILL).unwrap();
    cockpit.until("that it is gone", |screen| screen.contains("executor is gone") && screen.contains("t take over"));
    door.writes(Writes::Pass);
    let whole = |screen: &str| screen.contains("take over: roll back 3 objects") && screen.contains("Esc leaves it");
    let card = cockpit.press("t", "the card", whole);
    for said in ["1 of 3  web in prod/eu-west-1", "2 of 3  search in prod/eu-west-1", "3 of 3  cart in prod/eu-west-1"]
    {
        assert!(card.contains(said), "{said}:\n{card}");
    }
    // What does not fit is read to its end first.
    cockpit.press("\u{1b}[6~", "its rest", |screen| !screen.contains("PageDown shows all"));
    cockpit.press("1", "the reason", |screen| screen.contains("sends it"));
    cockpit.press("\r", "the end", |screen| screen.contains("DONE") && screen.contains("3 of 3, each verified"));
    // dana's second call lands now, too late for anything.
    door.release();
    let all = (0..LOOKS).map(|_| records(&door)).find(|all| all[1]["outcome"] == "done").unwrap();
    assert_eq!(outcomes(&all[0])[0], "done", "{:#}", all[0]);
    assert_eq!(outcomes(&all[1]), ["done_before", "done", "done"], "{:#}", all[1]);
    assert_eq!((&all[1]["takes_over"], &all[0]["preempted_by"]), (&1.into(), &2.into()));
    let once: Vec<(i64, String)> =
        before.iter().zip(["1.0.0", "2.0.0", "3.0.0"]).map(|(was, tag)| (was.0 + 1, tag.to_owned())).collect();
    assert_eq!(changes(&door), once);
    assert_intact(&door);
}

#[test]
fn a_script_puts_several_back_in_its_order_and_one_that_is_refused_refuses_all_of_them() {
    let (door, _alone) = three();
    let before = changes(&door);
    let confirmed = ["--yes", "--reason", "errors", "--json"];
    let twice = lee(&door, &[&["rollback", "web", "search", "web"], &confirmed[..]].concat());
    let said = String::from_utf8_lossy(&twice.stderr);
    assert_eq!(twice.status.code(), Some(2), "{said}");
    assert!(said.contains("deployment/shop/web is named twice: name it once; nothing was sent"), "{said}");
    let none = json(&lee(&door, &[&["abort", "web", "search"], &confirmed[..]].concat()));
    let said = none["said"].as_str().unwrap();
    assert!(said.contains("web in prod/eu-west-1: ") && said.contains("; search in prod/eu-west-1: "), "{said}");
    let planned = text(&lee(&door, &["rollback", "cart", "web", "--dry-run"]));
    let order = "roll back 2 objects, in this order, each once the one before it is verified: cart in prod/eu-west-1, web in prod/eu-west-1\n";
    assert!(planned.starts_with(order), "{planned}");
    assert_eq!(changes(&door), before, "nothing was sent so far");

    let done = json(&lee(&door, &[&["rollback", "cart", "web"], &confirmed[..]].concat()));
    assert_eq!((&done["outcome"], &done["exit"]), (&"done".into(), &0.into()), "{done:#}");
    assert_eq!(outcomes(&done), ["done", "done"]);
    let sent: Vec<&str> =
        done["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    let place = |name: &str| sent.iter().position(|stage| *stage == name).unwrap();
    let last = sent.iter().rposition(|stage| *stage == "sending").unwrap();
    assert!(place("sending") < place("verified") && place("verified") < last, "{sent:?}");
    let now = changes(&door);
    assert_eq!(now[1], before[1], "nobody asked for search");
    assert_eq!([&now[0].1, &now[2].1], ["1.0.0", "3.0.0"]);
    let shown = text(&lee(&door, &["audit", "show", "1"]));
    assert!(
        shown.contains("  1  kubernetes-eu/deployment/shop/cart: done")
            && shown.contains("  2  kubernetes-eu/deployment/shop/web: done"),
        "{shown}"
    );
}

#[test]
fn more_objects_than_one_act_may_touch_are_refused_with_the_setting_that_says_so() {
    let (door, _alone) = three();
    let config = door.config().with_file_name("few.toml");
    fs::write(&config, "[policy]\nmost_targets = 2\n").unwrap();
    let mut command = holdshort(&door, &["--config", config.to_str().unwrap(), "rollback"]);
    let refused = json(&command.args(SERVICES).args(["--yes", "--reason", "errors", "--json"]).output().unwrap());
    let said = "3 objects in one act, and no more than 2 may be: policy.most_targets says so";
    assert_eq!((&refused["outcome"], &refused["said"]), (&"refused".into(), &said.into()), "{refused:#}");
}
