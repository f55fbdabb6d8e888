//! Argo CD, both sides: our client against what upstream's types say and against written answers, and over the pretended one.

// `cfg(test)` says to clippy that helpers beside the tests are tests, too.
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
mod scene;
#[cfg(test)]
mod world;
