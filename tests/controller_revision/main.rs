//! `StatefulSets` and `DaemonSets` as Kubernetes' own documentation writes them, and every verb in every state that they can be in.

#[cfg(test)]
mod golden;
#[cfg(test)]
#[path = "../support/inventory.rs"]
mod inventory;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod verbs;
