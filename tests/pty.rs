//! The program in a real pseudo-terminal: first paint, sizes, and that it gives the terminal back however it ends.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/program.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod program;
#[path = "support/pty.rs"]
mod pty;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read},
    process::Command,
};

use holdshort::{
    app::{
        drawn::Extent,
        model::{Model, Screen},
    },
    keymap::Keymap,
    run::demo_cockpit,
    runtime::{
        terminal::{Ended, Terminal, run_terminal},
        watchdog::Watchdog,
    },
    term::{painter::on_stdout, session::Session},
    theme::{Depth, Glyphs, Theme},
    ui, view,
};
use pty::Pty;
use ratatui::{buffer::Buffer, layout::Rect};

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
    pty.keys("1");
    pty.until("the reason", |screen| screen.contains("●1 errors") && screen.contains("Enter sends it"));
    pty.keys("\r");
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

[[systems]]
kind = "kubernetes"
name = "eu"
environment = "prod/eu-west-1"
risk = "high"
connection = "kubernetes-eu"

[[systems.cluster.rollouts]]
namespace = "shop"
name = "payments"
replicas = 4
image = "registry.shop.example/payments"
steps = [{ setWeight = 25 }, { pause = {} }]
history = [{ tag = "1.41.3", commit = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", ago = "1d" }]

[[systems.script]]
at = "-5m"
act = { set_image = { namespace = "shop", name = "payments", tag = "1.42.0", commit = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678" } }

[[systems.script]]
at = "30s"
act = { event = { namespace = "shop", name = "payments", reason = "Hostile", message = "before\u001b]0;owned\u0007\u001b[2J\u202e after" } }

[[systems]]
kind = "prometheus"
"#;

#[test]
fn a_terminal_that_is_too_small_says_so_and_comes_back() {
    let mut pty = Pty::start(&["demo"], 120, 36);
    pty.until("the headline", likely);
    pty.resize(20, 5);
    pty.until("the smallest size", |screen| screen.contains("60x12"));
    pty.resize(80, 23);
    pty.until("the headline again, with a row less", likely);
    pty.keys("q");
    assert!(pty.wait().success());
}

#[test]
fn under_a_card_that_cannot_be_seen_the_keys_that_confirm_are_dead_and_q_leaves() {
    let mut pty = Pty::start(&["demo"], 120, 36);
    pty.until("the headline", likely);
    pty.press("r", "the card", |screen| screen.contains("choose a reason"));
    pty.press("1", "the reason", |screen| screen.contains("Enter sends it"));
    pty.resize(80, 9);
    pty.until("that it is too small", |screen| screen.contains("nothing is sent; q leaves"));
    pty.keys("\r");
    pty.keys("q");
    assert!(pty.wait().success());
    let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
    assert!(!raw.contains("record 1"), "{raw:?}");
}

#[test]
fn a_terminal_that_answers_that_it_is_light_gets_the_light_theme_and_its_answer_presses_no_key() {
    // The frame of the answer may be one with that of the key: what both have is the accent.
    let look = |name| {
        let theme = Theme::named(name, Depth::True, Glyphs::Unicode).unwrap();
        let Some(ratatui::style::Color::Rgb(r, g, b)) = theme.style("accent").fg else { panic!("{name}") };
        format!("38;2;{r};{g};{b}m")
    };
    let environment = [("COLORTERM", "truecolor"), ("COLORFGBG", ""), ("HOLDSHORT_THEME", "dark")];
    for (chosen, expected) in [(false, "light"), (true, "dark")] {
        let environment = environment.get(..if chosen { 3 } else { 2 }).unwrap();
        let mut pty = Pty::start_in(&["demo"], environment, 120, 36);
        pty.until("the headline", likely);
        let asked = String::from_utf8_lossy(&pty.raw()).contains("\x1b]11;?\x1b\\");
        assert_eq!(asked, !chosen, "it is asked unless somebody chose a theme");
        if asked {
            pty.keys("\x1b]11;rgb:ffff/ffff/ffff\x1b\\");
        }
        let screen = pty.press("?", "the keys", |screen| screen.contains(" keys "));
        assert!(!screen.contains("roll back payments"), "no key of the answer is pressed: {screen}");
        let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
        let last = |name| raw.rfind(&look(name));
        let other = if chosen { "light" } else { "dark" };
        assert!(last(expected) > last(other), "{expected} is what was drawn last");
        pty.keys("q");
        assert!(pty.wait().success());
    }
}

#[test]
fn keys_that_come_all_at_once_open_a_card_at_most_and_say_why_nothing_is_sent() {
    let mut pty = Pty::start(&["demo"], 120, 36);
    pty.until("the headline", likely);
    pty.keys("r1\r");
    let screen = pty.until("why not", |screen| screen.contains("faster than a hand"));
    assert!(screen.contains("choose a reason"), "{screen}");
    pty.keys("\u{3}");
    assert!(pty.wait().success());
}

#[test]
fn whoever_leaves_while_an_act_runs_is_told_of_it_and_of_its_end() {
    let mut pty = Pty::start(&["demo", "--scenario", "bad-canary", "--speed", "20"], 80, 24);
    pty.until("the headline", likely);
    pty.keys("r");
    pty.until("the card", |screen| screen.contains("choose a reason"));
    pty.keys("1");
    pty.until("the reason", |screen| screen.contains("Enter sends it"));
    pty.keys("\r");
    pty.until("that it runs", |screen| screen.contains("record 1"));
    pty.keys("\u{3}");
    assert!(pty.wait().success());
    let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
    let left = raw.rfind("\u{1b}[?1049l").unwrap();
    let after = raw.get(left..).unwrap();
    // It may have ended before the key was taken: then the screen said so.
    let told = after.contains("roll back payments in prod/eu-west-1 is under way in this process")
        && after.contains("record 1 ended: done, 12 of 12 pods on 1.41.3 (9f8e7d6)");
    assert!(told || raw.contains("DONE"), "{after:?}");
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

/// The cockpit over the built-in world in the terminal that this test binary is started in, as the program runs it: the same
/// loop and the same guard. `draw` and `aside` are the faults.
fn fly(aside: impl Future<Output = ()> + Send + 'static, draw: impl FnMut(&Model, Rect, &mut Buffer) -> Extent) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut demo = runtime.block_on(demo_cockpit("bad-canary", (120, 36))).unwrap();
    runtime.block_on(async {
        tokio::time::resume();
        let (_watchdog, mut signals) = Watchdog::start().unwrap();
        let mut screen = Session::take().unwrap();
        let mut painter = on_stdout().unwrap();
        let terminal = Terminal {
            painter: &mut painter,
            screen: &mut screen,
            input: crossterm::event::EventStream::new(),
            signals: &mut signals,
            pace: std::time::Duration::ZERO,
        };
        let _task = tokio::spawn(aside);
        assert_eq!(run_terminal(&mut demo.cockpit, terminal, draw).await, Ended::Panicked);
    });
}

fn paint(model: &Model, area: Rect, buffer: &mut Buffer) -> Extent {
    let theme = Theme::named("dark", Depth::True, Glyphs::Unicode).unwrap();
    let keymap = Keymap::with(&BTreeMap::new()).unwrap();
    ui::draw(&view::view(model, &keymap), &theme, area, buffer)
}

#[test]
#[ignore = "panics in the terminal of the test below"]
fn child_that_panics_while_it_draws() {
    fly(std::future::pending(), |model, area, buffer| {
        let extent = paint(model, area, buffer);
        assert!(!matches!(model.nav.screen(), Screen::Inbox), "a bug in the view");
        extent
    });
}

#[test]
#[ignore = "panics in the terminal of the test below"]
fn child_that_panics_in_a_task() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let mut tell = Some(tell);
    let aside = async {
        told.await.unwrap();
        panic!("a bug in a task");
    };
    fly(aside, move |model, area, buffer| {
        let extent = paint(model, area, buffer);
        if matches!(model.nav.screen(), Screen::Inbox)
            && let Some(tell) = tell.take()
        {
            tell.send(()).unwrap();
        }
        extent
    });
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_says_what_happened() {
    let table =
        [("child_that_panics_while_it_draws", "a bug in the view"), ("child_that_panics_in_a_task", "a bug in a task")];
    for (child, bug) in table {
        let this = std::env::current_exe().unwrap();
        let args = ["--exact", child, "--ignored", "--nocapture", "--test-threads=1"];
        let mut pty = Pty::start_program(this, &args, &[], 120, 36);
        pty.until("the headline", likely);
        pty.keys("i");
        // On the screen that the shell has: the alternate one would take the message with it.
        pty.until("the message", |screen| screen.contains(bug) && !likely(screen));
        pty.wait();
        assert!(!pty.is_left_dirty(), "{child}");
        let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
        let (left, said) = (raw.find("\u{1b}[?1049l").unwrap(), raw.find(bug).unwrap());
        assert!(left < said, "{child}: {raw:?}");
        assert_eq!(raw.matches("\u{1b}[?1049l").count(), 1, "{child}: given back once");
    }
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

#[test]
fn a_locale_or_a_console_that_cannot_show_what_is_drawn_gets_ascii_in_charts_too() {
    for variables in [&[("LC_ALL", "C")], &[("TERM", "linux")]] {
        let mut pty = Pty::start_in(&["demo"], variables, 80, 24);
        pty.until("the headline", likely);
        pty.keys("\r");
        pty.until("the release", |screen| screen.contains("last 30 s"));
        pty.keys("q");
        assert!(pty.wait().success());
        let raw = pty.raw();
        assert!(raw.is_ascii(), "{variables:?}: {}", String::from_utf8_lossy(&raw));
    }
}

#[test]
fn a_program_that_was_to_give_a_token_is_ended_with_the_cockpit() {
    let folder = tempfile::tempdir().unwrap();
    let (config, pipe) = (folder.path().join("config.toml"), folder.path().join("pipe"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Whoever reads the pipe is at its end once nobody has it open any more: the script, or what it started.
    let script = format!("exec 9>{}; echo begun >&9; sleep 120; echo late >&9", pipe.display());
    let text = format!(
        "operator = 'dana'\nstate.path = '{}/state'\n[connections.forge]\nkind = 'github'\nbase_url = 'http://127.0.0.1:9'\n\
         token = {{ command = ['sh', '-c', '{script}'] }}\nrepos = [{{ name = 'acme/ledger' }}]\n",
        folder.path().display()
    );
    fs::write(&config, text).unwrap();
    let mut pty = Pty::start(&["--config", config.to_str().unwrap()], 120, 36);
    let mut told = BufReader::new(fs::File::open(&pipe).unwrap());
    let (mut begun, mut rest) = (String::new(), String::new());
    told.read_line(&mut begun).unwrap();
    pty.until("the first frame", |screen| screen.contains("forge"));
    pty.keys("q");
    pty.wait();
    told.read_to_string(&mut rest).unwrap();
    assert_eq!((begun.as_str(), rest.as_str()), ("begun\n", ""));
}
