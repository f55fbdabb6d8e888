//! What an act holds after it has ended: somebody else ends it, by a command and by the key that the board names, between processes.

use super::{CONFIRMED, Pty, Served, Value, json, program, served};

const SCENARIO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/scenarios/argocd.toml");

fn told(world: &Served, who: &str, args: &[&str]) -> Value {
    let mut command = program::holdshort();
    command.args(["--config", world.address("config")]).args(args).env("HOLDSHORT_OPERATOR", who);
    json(&command.output().unwrap())
}

/// dana has put payments back, and auto-sync is off since.
fn held() -> Served {
    let world = served::Served::start(SCENARIO, &["--at", "+1m"]);
    let back = told(&world, "dana", &[&["rollback", "payments"], &CONFIRMED[..]].concat());
    let said = back["said"].as_str().unwrap();
    assert!(said.ends_with("still held: auto-sync of payments-prod is off (dana)"), "{back:#}");
    world
}

#[test]
fn auto_sync_that_a_roll_back_switched_off_is_switched_on_again_by_a_command_of_somebody_else_and_once() {
    let world = held();
    let ended = told(&world, "lee", &[&["takeover", "1"], &CONFIRMED[..]].concat());
    let said = "switch auto-sync of payments-prod on again, released";
    assert_eq!((&ended["outcome"], &ended["said"]), (&"done".into(), &said.into()), "{ended:#}");
    assert_eq!(ended["plan"]["calls"].as_array().unwrap().len(), 1, "{ended:#}");
    let again = told(&world, "lee", &[&["takeover", "1"], &CONFIRMED[..]].concat());
    assert_eq!(again["outcome"], "refused", "{again:#}");
}

#[test]
fn the_key_that_the_board_names_beside_what_is_held_ends_it() {
    let world = held();
    let args = ["--config", world.address("config")];
    let mut cockpit = Pty::start_in(&args, &[("HOLDSHORT_OPERATOR", "lee")], 120, 36);
    cockpit.until("what is held", |screen| screen.contains("auto-sync of payments-prod is off"));
    cockpit.keys("/payments\r");
    cockpit.until("the row", |screen| screen.contains("only 'payments'"));
    let whole = |screen: &str| screen.contains("end what is held") && screen.contains("Esc leaves it");
    let card = cockpit.press("t", "the card", whole);
    for said in ["ends what record 1 (dana, ", "switch auto-sync of payments-prod on again", "git still says "] {
        assert!(card.contains(said), "{said}:\n{card}");
    }
    cockpit.press("4", "the reason", |screen| screen.contains("sends it"));
    cockpit.press("\r", "the end", |screen| screen.contains("DONE") && screen.contains("record 2"));
}
