//! The terminal itself: session guard, output, watchdog, signals to ourselves. Knows nothing of releases.
//!
//! Whoever takes the terminal gives it back: on return, on panic, on a signal. Once it is gone (SSH dropped), nothing here
//! prints: a print to a dead terminal panics, and a panic in a panic hook aborts the process.

pub mod output;
pub mod session;
pub mod watchdog;
