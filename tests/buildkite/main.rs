//! Buildkite, both sides: the pretended one against published examples, our client against written answers, and the two together.

// `cfg(test)` says to clippy that helpers beside the tests are tests, too.
#[cfg(test)]
mod command;
#[cfg(test)]
#[path = "../support/diary.rs"]
mod diary;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod idle;
#[cfg(test)]
#[path = "../support/inventory.rs"]
mod inventory;
#[cfg(test)]
#[path = "../support/lookup.rs"]
mod lookup;
#[cfg(test)]
#[path = "../support/program.rs"]
mod program;
#[cfg(test)]
mod runners;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod world;
