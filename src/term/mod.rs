//! The terminal as a device: taken and given back exactly once, painted in whole frames, spoken to in escape sequences.
//!
//! Here must not live: what is painted, what a key means, or anything asynchronous. Nothing here asks the terminal a question
//! and waits for the answer: a dead terminal answers none.

pub mod background;
pub mod compact;
pub mod escape;
pub mod frame;
pub mod painter;
pub mod session;
