//! The command line: clap types and one file per command. The same verbs as the keys, with the same guard and record.
//!
//! Commands take what they need (a model, records, parsed arguments) and write to a writer they are handed; they start
//! nothing. `run.rs` makes the world they look at.

pub mod exit;
pub mod json;
pub mod keys;
pub mod table;
