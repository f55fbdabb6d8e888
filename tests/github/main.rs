//! GitHub, both sides: the pretended one against recordings and GitHub's schema, our client against recordings, and the two
//! together.

// `cfg(test)` says to clippy that helpers beside the tests are tests, too.
#[cfg(test)]
#[path = "../support/clients.rs"]
mod clients;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod gh;
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
mod organisations;
#[cfg(test)]
#[path = "../support/program.rs"]
mod program;
#[cfg(test)]
mod published;
#[cfg(test)]
mod runners;
#[cfg(test)]
mod scene;
#[path = "../support/served.rs"]
#[expect(dead_code, reason = "what these tests need of it is not all of it")]
mod served;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod shape;
#[cfg(test)]
mod waits;
