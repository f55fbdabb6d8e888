//! Log patterns: how often one is found that is none, how soon one that is, and how many lines are mined in a second.
//! `cargo bench --bench log_patterns`; `-- --lines FILE` writes the lines that are mined, for `benches/beside_drain3.py FILE`, and mines those.

#![expect(clippy::print_stdout, reason = "it prints a table")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(clippy::expect_used, reason = "a bench may fail")]

#[path = "../tests/support/written.rs"]
mod written;

use std::{fs, time::Instant};

use holdshort::judge::pattern::Miner;
use written::{Random, Writing, write};

/// Lines that are mined.
const LINES: usize = 200_000;

fn main() {
    let file = std::env::args().skip_while(|argument| argument != "--lines").nth(1);
    throughput(file.as_deref());
    if file.is_none() {
        let releases = 2_000;
        println!(
            "\n{releases} releases a row, 60 intervals each, looked at after every one. α is 1 % over all patterns.\n"
        );
        println!(
            "| requests an interval | canary's share | bad lines a request | false finding | found | middle interval |"
        );
        println!("|---|---|---|---|---|---|");
        for (requests, share, bad) in [
            (300, 0.05, 0.0),
            (300, 0.5, 0.0),
            (3000, 0.05, 0.0),
            (3000, 0.25, 0.0),
            (3000, 0.5, 0.0),
            (3000, 0.25, 0.03),
            (3000, 0.25, 0.003),
            (3000, 0.05, 0.003),
            (300, 0.25, 0.003),
        ] {
            let found = write(&Writing { requests, share, intervals: 60, bad }, releases);
            let at = found.at.map_or_else(|| "–".to_owned(), |at| at.to_string());
            let percent = |share: f64| format!("{:.2} %", 100.0 * share);
            println!("| {requests} | {share} | {bad} | {} | {} | {at} |", percent(found.any), percent(found.bad));
        }
    }
}

fn throughput(file: Option<&str>) {
    let mut random = Random(20_260_310);
    let lines: Vec<String> = (0..LINES).map(|_| random.any_line()).collect();
    if let Some(file) = file {
        fs::write(file, lines.join("\n")).expect("the file is written");
    }
    let begun = Instant::now();
    let mut miner = Miner::default();
    for line in &lines {
        miner.take(line);
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{LINES} lines in {seconds:.3} s: {:.0} a second, {} patterns", LINES as f64 / seconds, miner.len());
}
