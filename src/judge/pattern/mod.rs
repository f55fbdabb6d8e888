//! Patterns of log lines, and whether a canary writes one more often than stable does.
//!
//! `mask` takes out what differs from line to line by its form (numbers, ids, addresses, times), `miner` groups what is left,
//! `rate` holds the counts of both versions against their requests. Here must not live: where lines come from.
//!
//! One miner takes the lines of both versions and never sees whose they are. That is what makes the test of `rate` exact although the
//! patterns come from the same lines: where both versions write alike, whose a line is is chance, whatever pattern it fell into.

mod mask;
mod miner;
mod rate;

pub use self::{
    mask::ANY,
    miner::{MOST, Miner, Taken},
    rate::{ALPHA, Finding, Proven, Rate},
};
