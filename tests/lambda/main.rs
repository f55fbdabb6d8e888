//! Lambda with CodeDeploy, both sides: the pretended one against AWS's models and a client of others, our client against published and written
//! answers, and the two together.

// `cfg(test)` says to clippy that helpers beside the tests are tests, too.
#[cfg(test)]
#[path = "../support/clients.rs"]
mod clients;
#[cfg(test)]
mod driven;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod flow;
#[cfg(test)]
#[path = "../support/inventory.rs"]
mod inventory;
#[cfg(test)]
#[path = "../support/program.rs"]
mod program;
#[cfg(test)]
mod scene;
#[expect(dead_code, reason = "of what a served world has not every test wants all")]
#[path = "../support/served.rs"]
mod served;
#[cfg(test)]
mod world;
