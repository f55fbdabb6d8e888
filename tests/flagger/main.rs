//! Flagger: its Canaries over a bag of objects and over the built-in world, and what its verbs do there with the executor that carries
//! out what people confirm.

#[cfg(test)]
mod bag;
#[cfg(test)]
mod flow;
#[cfg(test)]
#[path = "../support/inventory.rs"]
mod inventory;
#[cfg(test)]
mod phases;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod scene;
