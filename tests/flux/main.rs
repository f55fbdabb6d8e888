//! Flux: objects as its documentation has them, every verb in every state, the versions that a cluster serves, and the pretended
//! controllers with the engine over them.

#[cfg(test)]
mod flow;
#[cfg(test)]
mod golden;
#[cfg(test)]
#[path = "../support/inventory.rs"]
mod inventory;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod served;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod verbs;
