//! holdshort, a terminal release cockpit. The rooms and the arrows between them are drawn in `ARCHITECTURE.md` and kept by
//! `tests/architecture.rs`.

// The documents of tests are deep.
#![cfg_attr(test, recursion_limit = "256")]

pub mod app;
pub mod cache;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod journal;
pub mod judge;
pub mod keymap;
pub mod ownership;
pub mod policy;
pub mod port;
pub mod program;
pub mod provider;
pub mod run;
pub mod runtime;
pub mod term;
pub mod theme;
pub mod ui;
pub mod view;
pub mod words;
