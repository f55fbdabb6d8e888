//! Plain Deployments on recorded replies of a real API server and controller.

#[cfg(test)]
mod golden;
#[cfg(test)]
#[path = "../support/inventory.rs"]
mod inventory;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod verbs;
