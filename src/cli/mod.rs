//! The command line: clap types and one file per command. The same verbs as the keys, with the same guard and record.
//!
//! Commands take what they need (a model, records, parsed arguments) and write to a writer they are handed; they start
//! nothing. `run.rs` makes the world they look at.

pub mod action;
pub mod args;
pub mod audit;
pub mod cells;
pub mod color;
pub mod config;
pub mod doctor;
pub mod door;
pub mod drift;
pub mod emergency;
pub mod exit;
pub mod gate;
pub mod inbox;
pub mod init;
pub mod json;
pub mod judge;
pub mod keys;
pub mod linear;
pub mod listing;
pub mod logs;
mod named;
pub mod past_us;
pub mod release;
pub mod run;
pub mod runs;
#[cfg(test)]
mod sample;
pub mod secret;
pub mod shell;
pub mod snapshot;
pub mod source;
pub mod span;
pub mod state;
pub mod status;
pub mod table;
pub mod target;
pub mod value;
pub mod verb;

pub use args::{Cli, Command, parse};
pub use exit::{CliError, Exit};
