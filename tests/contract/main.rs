//! What every system of a kind must do, whichever it is: suites that run for each over the built-in world, in process and in virtual
//! time. A test asks for what the system offers, and leaves out what it does not.
//!
//! A new engine that moves rollouts adds a line to `engines!` and an object to `two_engines.toml`; whatever tells of objects adds
//! a line to `inventories!` and its system to `inventories.toml`, and whatever can be acted on a line to `acting!` and what is
//! acted on to `acting.toml`.

#[cfg(test)]
mod acting;
#[cfg(test)]
mod inventories;
#[cfg(test)]
#[path = "../support/inventory.rs"]
mod inventory;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod pairs;
#[cfg(test)]
mod pod_logs;
#[cfg(test)]
mod pod_preflight;
#[cfg(test)]
mod pod_settings;
#[cfg(test)]
mod rollouts;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod workloads;
