//! The program in a real pseudo-terminal: first paint, sizes, and that it gives the terminal back however it ends.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/program.rs"]
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

/// How a theme's accent is said to a terminal of all colours.
fn accent(theme: &str) -> String {
    let style = Theme::named(theme, Depth::True, Glyphs::Unicode).unwrap().style("accent");
    let Some(ratatui::style::Color::Rgb(r, g, b)) = style.fg else { return format!("no colour of {theme}") };
    format!("38;2;{r};{g};{b}m")
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
    pty.press("r", "the card", |screen| screen.contains("roll back payments"));
    pty.press("1", "the reason", |screen| screen.contains("●1 errors") && screen.contains("Enter sends it"));
    pty.press("\r", "the verified end", |screen| screen.contains("DONE"));
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
    pty.until("what is below", |screen| screen.contains("more below"));
    pty.keys("\x1b[6~");
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
        let last = |name| raw.rfind(&accent(name));
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
    assert_eq!(pty.wait().exit_code(), 130);
}

#[test]
fn whoever_leaves_while_an_act_runs_is_told_of_it_and_of_its_end() {
    let mut pty = Pty::start(&["demo", "--scenario", "bad-canary", "--speed", "20"], 80, 24);
    pty.until("the headline", likely);
    pty.press("r", "the card", |screen| screen.contains("choose a reason"));
    pty.press("1", "the reason", |screen| screen.contains("Enter sends it"));
    pty.press("\r", "that it runs", |screen| screen.contains("record 1"));
    pty.keys("\u{3}");
    assert_eq!(pty.wait().exit_code(), 130);
    let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
    let left = raw.rfind("\u{1b}[?1049l").unwrap();
    let after = raw.get(left..).unwrap();
    // It may have ended before the screen was left: then the screen said so, or this does.
    let told = after.contains("record 1 ended: done, 12 of 12 pods on 1.41.3 (9f8e7d6)");
    assert!(told || pty.left().contains("DONE"), "{}\n{after:?}", pty.left());
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
fn control_c_leaves_at_once_with_130_and_gives_the_terminal_back() {
    let mut pty = Pty::start(&["demo"], 120, 36);
    pty.until("the headline", likely);
    pty.keys("\u{3}");
    assert_eq!(pty.wait().exit_code(), 130);
    assert!(!pty.is_left_dirty());
}

#[test]
fn without_a_configuration_the_first_screen_offers_the_demo_and_init() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path().to_str().unwrap();
    let mut pty = Pty::start_in(&[], &[("HOME", at), ("XDG_CONFIG_HOME", at)], 80, 24);
    pty.until("both ways on", |screen| screen.contains("holdshort demo") && screen.contains("holdshort init"));
    assert_eq!(pty.wait().exit_code(), 2);
    assert!(!pty.is_left_dirty());
}

#[test]
fn the_demo_is_drawn_in_the_theme_that_a_flag_or_the_environment_names() {
    let by_flag = (&["demo", "--theme", "light"][..], ("HOLDSHORT_THEME", "dark"));
    for (arguments, variable) in [by_flag, (&["demo"], ("HOLDSHORT_THEME", "light"))] {
        let mut pty = Pty::start_in(arguments, &[("COLORTERM", "truecolor"), variable], 120, 36);
        pty.until("the headline", likely);
        pty.keys("q");
        assert!(pty.wait().success());
        let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
        let drawn = ["light", "dark"].map(|name| raw.contains(&accent(name)));
        assert_eq!(drawn, [true, false], "{arguments:?} {variable:?}");
    }
}

#[test]
fn a_recording_is_walked_through_by_keys_and_one_moment_of_it_is_printed_where_no_terminal_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("night").display().to_string();
    let mut pty = Pty::start(&["demo", "--record", &file], 120, 36);
    pty.until("the headline", likely);
    pty.press("3", "the inbox", |screen| screen.contains("WAITS FOR A HUMAN"));
    pty.keys("q");
    assert!(pty.wait().success());

    let mut pty = Pty::start(&["replay", &file], 120, 36);
    pty.until("its begin", |screen| screen.contains("replay ") && screen.contains("paused"));
    pty.keys("\u{1b}[F");
    pty.until("its end", |screen| screen.contains("at the end"));
    let taken = |screen: &str| -> usize {
        screen.split("replay ").nth(1).and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap()
    };
    pty.keys("\u{1b}[H");
    let begin = taken(&pty.until("its begin again", |screen| screen.contains("paused")));
    pty.keys("\u{1b}[C");
    pty.until("a step", |screen| taken(screen) > begin && screen.contains("paused"));
    pty.keys("+");
    pty.until("a speed", |screen| screen.contains("   2x   "));
    pty.keys(" ");
    pty.until("its end by itself", |screen| screen.contains("at the end"));
    pty.keys("\u{3}");
    assert_eq!(pty.wait().exit_code(), 130);
    assert!(!pty.is_left_dirty());

    let output = program::holdshort().args(["replay", &file, "--until", "+9h"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("WAITS FOR A HUMAN"), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("the recording ends at "), "{said}");
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
