//! The table of `docs/judge-figures.md`: how often the judge is wrong and how soon it is right, ten thousand seeded releases a
//! row, each looked at after every interval. `cargo bench --bench judge_simulation`, about ten minutes on one core;
//! `-- --runs 500` for a first look.

#![expect(clippy::print_stdout, reason = "it prints a table")]

#[path = "../tests/support/releases.rs"]
mod releases;

use releases::{Bar, Release, Slowness, fly, fly_slow};

/// Only harm is looked for, at the ratio 1.
const HARM: Bar = Bar { tolerate: 1.0, reject: 0.02 };
/// As the program is set.
const USUAL: Bar = Bar { tolerate: 1.1, reject: 1.5 };

fn main() {
    let runs = runs().unwrap_or(10_000);
    println!(
        "{runs} releases a row, 120 intervals each, looked at after every one. α is 1 % for harm, 5 % for safety.\n"
    );
    alike(runs);
    power(runs);
    three_way(runs);
    bursts(runs);
    coverage(runs.min(2_000));
    slowness(runs / 10);
}

fn runs() -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--runs");
    arguments.nth(1)?.parse().ok()
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// The upper end of the 95 % interval of Clopper and Pearson, to be held against α; by halving.
fn upper(share: f64, runs: u64) -> f64 {
    let hits = share * runs as f64;
    let at_most = |chance: f64| {
        let (mut term, mut sum, n) = (((-chance).ln_1p() * runs as f64).exp(), 0.0, runs as f64);
        let mut k = 0.0;
        while k <= hits + 0.5 {
            sum += term;
            term *= (n - k) / (k + 1.0) * chance / (1.0 - chance);
            k += 1.0;
        }
        sum
    };
    let (mut low, mut high) = (share, 1.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if at_most(middle) > 0.025 { low = middle } else { high = middle }
    }
    high
}

fn alike(runs: u64) {
    println!("## False NO-GO when both versions are alike\n");
    println!("| error rate | requests an interval | share 0.01 | share 0.1 | share 0.5 | worst upper limit (95 %) |");
    println!("|---|---|---|---|---|---|");
    for rate in [1e-4, 1e-3, 0.01, 0.1] {
        for requests in [1, 10, 1000] {
            let cells = [0.01, 0.1, 0.5]
                .map(|share| fly(&Release { requests, share, rate, ..Release::usual() }, HARM, runs, false).fail);
            let worst = cells.into_iter().map(|fail| upper(fail, runs)).fold(0.0, f64::max);
            let [a, b, c] = cells.map(percent);
            println!("| {rate} | {requests} | {a} | {b} | {c} | {} |", percent(worst));
        }
    }
    let stepped = Release { stepped: true, rate: 0.001, ..Release::usual() };
    let (drift, found) = (fly(&stepped, HARM, runs, false), fly(&Release { ratio: 2.0, ..stepped }, HARM, runs, false));
    println!(
        "\nWeights 5, 10, 25, 50 % while the error rate of both drifts to the fivefold: {} false NO-GO; twice the errors are found \
         in {}, in the middle case after {:?} intervals.\n",
        percent(drift.fail),
        percent(found.fail),
        found.fail_at.unwrap_or_default()
    );
}

fn power(runs: u64) {
    println!("## Harm found (3,000 requests an interval, share 0.1, 0.2 % errors, tolerate 1)\n");
    println!("| ratio | published: found, middle interval | measured |");
    println!("|---|---|---|");
    for (ratio, published) in
        [(1.0, "0.27 %"), (1.5, "66 %, 67"), (2.0, "100 %, 27"), (3.0, "100 %, 9"), (5.0, "100 %, 3")]
    {
        let flown = fly(&Release { ratio, ..Release::usual() }, HARM, runs, false);
        println!("| {ratio} | {published} | {}, {} |", percent(flown.fail), flown.fail_at.unwrap_or_default());
    }
    println!();
}

fn three_way(runs: u64) {
    println!("## Both ways (share 0.25, tolerate 1.1, reject 1.5)\n");
    println!("| ratio | NO-GO, middle interval | GO, middle interval | undecided |");
    println!("|---|---|---|---|");
    for ratio in [1.0, 1.1, 1.25, 1.5, 2.0, 3.0] {
        let flown = fly(&Release { share: 0.25, ratio, ..Release::usual() }, USUAL, runs, false);
        let at = |interval: Option<usize>| interval.map(|at| format!(", {at}")).unwrap_or_default();
        let (fail, pass) = (percent(flown.fail), percent(flown.pass));
        let rest = percent(1.0 - flown.fail - flown.pass);
        println!("| {ratio} | {fail}{} | {pass}{} | {rest} |", at(flown.fail_at), at(flown.pass_at));
    }
    println!();
}

fn bursts(runs: u64) {
    println!(
        "## False NO-GO when errors come in bursts (each arm's rate times a gamma, share 0.1, ratio 1, tolerate 1)\n"
    );
    println!("| errors an interval | squared variation | nothing learnt | 30 intervals of alike arms learnt |");
    println!("|---|---|---|---|");
    // Ten times the requests take ten times as long: fewer releases.
    for (requests, runs) in [(300, runs), (3000, runs), (30_000, runs / 5)] {
        for variation in [0.05, 0.2, 1.0] {
            let release = Release { requests, variation, ..Release::usual() };
            let plain = fly(&release, HARM, runs, false).fail;
            let learnt = fly(&Release { learnt: 30, ..release }, HARM, runs, false).fail;
            let errors = requests as f64 * release.rate;
            println!("| {errors} | {variation} | {} | {} |", percent(plain), percent(learnt));
        }
    }
    println!();
}

fn slowness(runs: u64) {
    println!("## Slower canaries found ({runs} releases of 60 intervals, 300 and 2,700 requests each, tolerate 1)\n");
    println!("| canary | published: found, middle interval | measured |");
    println!("|---|---|---|");
    for (words, factor, tail, published) in [
        ("alike", 1.0, 0.0, "0.33 %"),
        ("a tenth faster", 0.9, 0.0, "never"),
        ("1.05 times as slow", 1.05, 0.0, "100 %, 23"),
        ("1.1 times", 1.1, 0.0, "7"),
        ("1.2 times", 1.2, 0.0, ""),
        ("1 % of requests take a second longer", 1.0, 0.01, "4"),
    ] {
        let (found, at) = fly_slow(Slowness { factor, tail }, runs);
        let at = at.map(|at| format!(", {at}")).unwrap_or_default();
        println!("| {words} | {published} | {}{at} |", percent(found));
    }
    println!();
}

fn coverage(runs: u64) {
    println!("## The 95 % confidence sequence: how often the true ratio is ever outside ({runs} releases)\n");
    println!("| ratio | share 0.1 | share 0.5 |");
    println!("|---|---|---|");
    for ratio in [0.5, 1.0, 2.0, 5.0] {
        let missed =
            [0.1, 0.5].map(|share| fly(&Release { share, ratio, ..Release::usual() }, USUAL, runs, true).missed);
        println!("| {ratio} | {} | {} |", percent(missed[0]), percent(missed[1]));
    }
    println!();
}
