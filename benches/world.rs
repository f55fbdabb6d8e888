//! What the built-in world costs: its start, with all of its history, and a minute of it. `cargo bench --bench world`

#![expect(clippy::expect_used, reason = "a bench may fail")]

use std::time::Duration;

use divan::Bencher;
use holdshort::{
    demo::{scenario::Scenario, world::World},
    domain::time::after,
};

const MINUTE: Duration = Duration::from_mins(1);

fn main() {
    divan::main();
}

fn scenario() -> Scenario {
    Scenario::load("bad-canary").expect("the scenario")
}

#[divan::bench(sample_count = 20)]
fn start(bencher: Bencher<'_, '_>) {
    let scenario = scenario();
    bencher.bench_local(|| World::new(&scenario).expect("the world"));
}

#[divan::bench(sample_count = 20)]
fn one_minute(bencher: Bencher<'_, '_>) {
    let scenario = scenario();
    bencher.with_inputs(|| World::new(&scenario).expect("the world")).bench_local_refs(|world| {
        world.advance(after(world.now(), MINUTE));
    });
}
