//! Flow, both sides: the pretended one against published models and a client of others, our client against written answers, and the
//! two together.

// `cfg(test)` says to clippy that helpers beside the tests are tests, too.
#[cfg(test)]
#[path = "../support/clients.rs"]
mod clients;
#[cfg(test)]
#[path = "../support/diary.rs"]
mod diary;
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
#[expect(dead_code, reason = "of what a served world has not every test wants all")]
#[path = "../support/served.rs"]
mod served;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod world;
