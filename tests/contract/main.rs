//! What every engine that moves rollouts must do, whichever it is: one suite, run for each over the built-in world in
//! process and in virtual time. A test asks for what the object offers, and leaves out what it does not.
//!
//! A new engine adds a line to `engines!` and an object to `two_engines.toml`.

#[cfg(test)]
#[path = "../support/inventory.rs"]
mod inventory;
#[cfg(test)]
mod rollouts;
#[cfg(test)]
mod stage;
