//! The only async: clocks, the loop, watches and polls, the executor, the recorder.
//!
//! Here must not live: what a key means (`app`), how anything looks (`ui`), or a vendor (`provider`): the connections and
//! the draw function are handed in.

pub mod actions;
pub mod clock;
pub mod cockpit;
pub mod detach;
pub mod executor;
#[cfg(test)]
mod fake;
pub mod input;
pub mod keys;
mod note;
pub mod player;
pub mod recorder;
pub mod sources;
pub mod terminal;
pub mod watchdog;
