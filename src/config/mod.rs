//! The configuration: schema with docs, layers, and diagnostics with line and caret. Connects to nothing.
//!
//! Layers, later wins: the system's file, the user's, each `--config FILE`, the profile, the environment. The `config`
//! crate merges them, as trees in which every value keeps its place, so that any error, in whichever layer, points at a
//! file, line and column.
//!
//! What only holds back (`read_only`, risks, what services are held to) a later layer may tighten, never loosen, see
//! `restriction`. Files are read only where nobody but their reader and root can have written them: they name commands and
//! servers. Themes, metric presets and the built-in world's scenarios are data, which nothing runs: whose they are is not
//! asked.

pub mod access;
pub mod check;
pub mod draft;
mod expected;
pub mod kind;
pub mod layer;
mod merge;
pub mod note;
pub mod object;
mod quote;
pub mod read;
mod remark;
mod restriction;
pub mod schema;
pub mod secret;
pub mod show;
pub mod source;
pub mod span;
pub mod standard;
mod tree;

pub use check::{BadKey, Known};
pub use kind::Connection;
pub use layer::{Layers, Places, Trust};
pub use read::{Failure, Loaded, load};
pub use schema::Config;
