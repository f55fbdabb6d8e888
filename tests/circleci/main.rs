//! CircleCI, both sides: the pretended one against what CircleCI's own programs read and pretend, our client against such answers, and the
//! two together.

// `cfg(test)` says to clippy that helpers beside the tests are tests, too.
#[cfg(test)]
#[path = "../support/diary.rs"]
mod diary;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod driven;
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
mod scene;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod world;
