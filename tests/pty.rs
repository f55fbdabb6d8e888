//! The program in a real pseudo-terminal: first paint, sizes, and that it gives the terminal back however it ends.

#[path = "support/pty.rs"]
mod pty;

use std::{fs, process::Command};

use pty::Pty;

const LIKELY: &str = "LIKELY THE RELEASE";

fn likely(screen: &str) -> bool {
    screen.contains(LIKELY)
}

#[test]
fn the_demo_opens_on_the_bad_canary_and_q_gives_the_terminal_back() {
    let mut pty = Pty::start(&["demo"], 120, 36);
    let screen = pty.until("the headline", likely);
    assert!(screen.contains("payments"), "{screen}");
    pty.keys("q");
    assert!(pty.wait().success());
    assert!(!pty.is_left_dirty());
}

#[test]
fn a_bad_canary_is_rolled_back_with_three_keys() {
    let mut pty = Pty::start(&["demo", "--speed", "20"], 80, 24);
    pty.until("the headline", likely);
    pty.keys("r");
    pty.until("the card", |screen| screen.contains("roll back payments"));
    pty.keys("1\r");
    pty.until("the verified end", |screen| screen.contains("DONE"));
    pty.keys("q");
    assert!(pty.wait().success());
}

#[test]
fn provider_text_with_escape_sequences_prints_harmlessly() {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    fs::write(file.path(), HOSTILE).unwrap();
    let mut pty = Pty::start(&["demo", "--scenario", file.path().to_str().unwrap()], 120, 36);
    pty.until("the row", |screen| screen.contains("payments"));
    pty.keys("\r");
    pty.until("the event, without its escape sequences", |screen| screen.contains("before after"));
    let raw = pty.raw();
    let has = |bytes: &[u8]| raw.windows(bytes.len()).any(|window| window == bytes);
    assert!(!has(b"\x1b]0;owned") && !has(b"\x07") && !has("\u{202e}".as_bytes()));
    pty.keys("q");
    assert!(pty.wait().success());
}

/// A rollout whose event carries a title change, a bell, a clear and a bidirectional override.
const HOSTILE: &str = r#"
name = "hostile"
about = "provider text that tries to take the terminal"
start = "2026-03-10T01:46:00Z"
open_at = "1m"

[[cells]]
name = "eu"
environment = "prod/eu-west-1"
risk = "high"
connection = "kubernetes-eu"

[[cells.cluster.rollouts]]
namespace = "shop"
name = "payments"
replicas = 4
image = "registry.shop.example/payments"
steps = [{ setWeight = 25 }, { pause = {} }]
history = [{ tag = "1.41.3", commit = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", ago = "1d" }]

[[cells.script]]
at = "-5m"
act = { set_image = { namespace = "shop", name = "payments", tag = "1.42.0", commit = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678" } }

[[cells.script]]
at = "30s"
act = { event = { namespace = "shop", name = "payments", reason = "Hostile", message = "before\u001b]0;owned\u0007\u001b[2J\u202e after" } }
"#;

#[test]
fn a_terminal_that_is_too_small_says_so_and_comes_back() {
    let mut pty = Pty::start(&["demo"], 120, 36);
    pty.until("the headline", likely);
    pty.resize(20, 5);
    pty.until("the smallest size", |screen| screen.contains("80x24"));
    pty.resize(120, 36);
    pty.until("the headline again", likely);
    pty.keys("q");
    assert!(pty.wait().success());
}

#[test]
fn a_dropped_line_ends_the_program() {
    let mut pty = Pty::start(&["demo"], 120, 36);
    pty.until("the headline", likely);
    pty.hang_up();
    // It ends by itself: by the hang-up signal, or by seeing that the terminal is gone.
    pty.wait();
}

#[test]
fn a_terminated_program_gives_the_terminal_back() {
    let mut pty = Pty::start(&["demo"], 120, 36);
    pty.until("the headline", likely);
    let killed = Command::new("kill").args(["-TERM", &pty.pid().to_string()]).status().unwrap();
    assert!(killed.success());
    pty.wait();
    assert!(!pty.is_left_dirty());
}

#[test]
fn control_c_leaves_or_says_how_and_gives_the_terminal_back() {
    let mut pty = Pty::start(&["demo"], 120, 36);
    pty.until("the headline", likely);
    pty.keys("\u{3}");
    pty.wait();
    assert!(!pty.is_left_dirty());
}

#[test]
fn the_least_terminal_gets_ascii_without_colour_where_that_is_asked_for() {
    let mut pty = Pty::start_in(&["demo", "--ascii"], &[("NO_COLOR", "1")], 80, 24);
    let screen = pty.until("the headline", likely);
    assert!(screen.is_ascii(), "{screen}");
    pty.keys("q");
    assert!(pty.wait().success());
    let raw = String::from_utf8(pty.raw()).unwrap();
    for colour in ["\u{1b}[38;", "\u{1b}[48;", ";38;5;", ";38;2;", "\u{1b}[31m", "\u{1b}[32m"] {
        assert!(!raw.contains(colour), "{colour:?} in {raw:?}");
    }
}
