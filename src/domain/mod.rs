//! The nouns of the release cockpit and the rules that hold for them everywhere.
//!
//! Here live plain values: ids, versions, rollouts, gates, runs, signals, and how old each is.
//! Here must not live: I/O, async, a clock (the time always comes in as an argument), JSON values, wire forms, colours or
//! text laid out for a screen.

pub mod analysis;
pub mod cell;
pub mod changes;
pub mod evidence;
pub mod files;
pub mod form;
pub mod gate;
pub mod hand;
pub mod ids;
pub mod item;
pub mod keys;
pub mod line;
pub mod log;
pub mod naming;
pub mod object;
pub mod objective;
pub mod observed;
pub mod offer;
pub mod packed;
pub mod pattern;
pub mod pipeline;
pub mod place;
pub mod preflight;
pub mod report;
pub mod rollout;
pub mod runners;
pub mod service;
pub mod setting;
pub mod signal;
pub mod standard;
pub mod text;
pub mod time;
pub mod upkeep;
pub mod verb;
pub mod version;
pub mod watch;
pub mod wave;
