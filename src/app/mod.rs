//! The pure core: model, messages, `update(&mut Model, Msg) -> Vec<Effect>`, the table of intents, the guard.
//!
//! Here must not live: a clock, disk, environment, randomness, wire forms, or text laid out for a screen.

pub mod action;
pub mod address;
pub mod board;
pub mod brings;
pub mod cached;
pub mod card;
pub mod cells;
pub mod drawn;
pub mod drift;
pub mod effect;
pub mod guard;
pub mod headline;
pub mod history;
pub mod holds;
pub mod inbox;
pub mod intent;
mod lapse;
pub mod lineage;
pub mod logs;
pub mod measuring;
pub mod menu;
pub mod model;
pub mod msg;
pub mod palette;
pub mod pane;
pub mod past_us;
pub mod pipelines;
pub mod preflight;
pub mod quarantine;
pub mod reading;
pub mod rows;
#[cfg(test)]
pub(crate) mod sample;
pub mod store;
pub mod takeover;
pub mod tested;
mod typing;
pub mod update;
pub mod wants;
pub mod watch;
pub mod ways;
