//! The configuration: schema with docs, layers, and diagnostics with line and caret. Connects to nothing.
//!
//! Layers, later wins: the system's file, the user's, each `--config FILE`, the profile, the environment. The `config`
//! crate merges them, as trees in which every value keeps its place, so that any error, in whichever layer, points at a
//! file, line and column.

pub mod check;
pub mod layer;
mod merge;
pub mod read;
pub mod schema;
pub mod secret;
pub mod show;
pub mod source;
pub mod span;
pub mod standard;
mod tree;

pub use check::{BadKey, Known};
pub use layer::{Layers, Places};
pub use read::{Failure, Loaded, load};
pub use schema::{Config, Connection};
