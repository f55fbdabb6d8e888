//! Statistics: what the counts say of a canary. Pure functions over `domain::signal` values; no clock, no I/O, no screen.
pub mod verdict;
