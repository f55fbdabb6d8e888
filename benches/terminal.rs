//! The program in a pseudo-terminal over a served world: how soon it paints and shows live data, what memory it takes, and
//! what it does while nobody does anything. `cargo bench --bench terminal`; Linux only, for it reads `/proc`.
//!
//! Prints a line for each number, `NAME VALUE`; what they should be stands in `tests/budgets/targets`.

#![expect(clippy::expect_used, reason = "a bench may fail")]

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    num::NonZero,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const PROGRAM: &str = env!("CARGO_BIN_EXE_holdshort");
const SIZE: (u16, u16) = (120, 36);
/// How long nothing is done.
const IDLE: Duration = Duration::from_secs(10);
/// How long a screen is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// Starts, of which the median counts.
const STARTS: usize = 5;

fn main() {
    let world = Served::start("bad-canary");
    let starts: Vec<Flight> = (0..STARTS).map(|_| Flight::start(&world.config)).collect();
    let figures = [
        ("first_paint_ms", median(starts.iter().map(|flight| flight.first_paint.as_secs_f64() * 1e3))),
        ("first_paint_cpu_ms", median(starts.iter().map(|flight| flight.first_paint_cpu.as_secs_f64() * 1e3))),
        ("live_data_ms", median(starts.iter().map(|flight| flight.live.as_secs_f64() * 1e3))),
    ];
    drop(starts);
    let mut flight = Flight::start(&world.config);
    // The first seconds are start, not idleness.
    flight.listen(Duration::from_secs(2));
    let before = flight.cpu();
    let bytes = flight.listen(IDLE);
    let busy = flight.cpu().saturating_sub(before);
    let idle = [
        ("idle_bytes_per_second", f64::from(bytes) / IDLE.as_secs_f64()),
        ("idle_cpu_percent", 100.0 * busy.as_secs_f64() / IDLE.as_secs_f64()),
        ("memory_peak_mib", flight.memory_peak_kib() / 1024.0),
    ];
    for (name, value) in figures.into_iter().chain(idle) {
        writeln!(io::stdout(), "{name} {value:.2}").expect("stdout");
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
fn now() -> Instant {
    Instant::now()
}

/// A world in a process of its own, so that it is not measured with the program.
struct Served {
    child: Child,
    config: String,
}

impl Served {
    fn start(scenario: &str) -> Self {
        let mut command = Command::new(PROGRAM);
        let mut child =
            command.args(["demo", "--scenario", scenario, "serve"]).stdout(Stdio::piped()).spawn().expect("a world");
        let mut config = String::new();
        for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
            let line = line.expect("a line");
            if let Some(path) = line.strip_prefix("config ") {
                path.clone_into(&mut config);
            }
            if line == "ready" {
                break;
            }
        }
        Self { child, config }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program in a terminal, with live data on its screen.
struct Flight {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    /// Keeps the terminal open.
    _terminal: Box<dyn portable_pty::MasterPty + Send>,
    first_paint: Duration,
    first_paint_cpu: Duration,
    live: Duration,
}

impl Flight {
    fn start(config: &str) -> Self {
        let (columns, rows) = SIZE;
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(["--config", config]);
        command.env("TERM", "xterm-256color");
        let mut reader = pair.master.try_clone_reader().expect("its output");
        let (bytes, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Some(read) = reader.read(&mut buffer).ok().filter(|read| *read > 0) {
                if bytes.send(buffer.get(..read).unwrap_or_default().to_vec()).is_err() {
                    return;
                }
            }
        });
        let started = now();
        let child = pair.slave.spawn_command(command).expect("the program");
        drop(pair.slave);
        let mut flight = Self {
            child,
            output,
            _terminal: pair.master,
            first_paint: Duration::ZERO,
            first_paint_cpu: Duration::ZERO,
            live: Duration::ZERO,
        };
        let rows = NonZero::new(rows).expect("rows");
        let mut screen = vt100::Parser::new(rows, NonZero::new(columns).expect("columns"), 0);
        flight.until(&mut screen, "holdshort");
        (flight.first_paint, flight.first_paint_cpu) = (started.elapsed(), flight.cpu());
        flight.until(&mut screen, "LIKELY THE RELEASE");
        flight.live = started.elapsed();
        flight
    }

    fn until(&mut self, screen: &mut vt100::Parser, text: &str) {
        while !screen.screen().contents().contains(text) {
            screen.process(&self.output.recv_timeout(PATIENCE).expect("the screen"));
        }
    }

    /// How many bytes come in a span.
    fn listen(&mut self, span: Duration) -> u32 {
        let end = now() + span;
        let mut heard = 0;
        while let Ok(bytes) = self.output.recv_timeout(end.saturating_duration_since(now())) {
            heard += u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        }
        heard
    }

    /// The CPU time of all of its threads that live.
    fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(self.proc("task")).expect("its threads");
        let nanoseconds = tasks.filter_map(|task| {
            let stat = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// The most memory it ever held.
    fn memory_peak_kib(&self) -> f64 {
        let status = fs::read_to_string(self.proc("status")).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().expect("kB")
    }

    fn proc(&self, what: &str) -> String {
        format!("/proc/{}/{what}", self.child.process_id().expect("it runs"))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
