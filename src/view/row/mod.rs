//! Rows of lists, one kind a file: its columns, and its status in one cell. A list is a section (`super::section`), and a screen
//! is a list of them.

pub(super) mod cached;
pub(super) mod flight;
pub(super) mod measured;
pub(super) mod run;
pub(super) mod steady;
pub(super) mod stop;
pub(super) mod waits;
