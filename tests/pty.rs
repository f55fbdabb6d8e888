//! The program in a real pseudo-terminal: first paint, sizes, and that it gives the terminal back however it ends.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/pty.rs"]
mod pty;

use std::process::Command;

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
