//! Argo Rollouts on upstream's own test vectors, on recorded replies of a real controller, and the facade over a hand-made
//! API server.

#[cfg(test)]
mod examined;
#[cfg(test)]
mod facade;
#[cfg(test)]
mod field;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hands;
#[cfg(test)]
#[path = "../support/inventory.rs"]
mod inventory;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod server;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod verbs;
#[cfg(test)]
mod words;
