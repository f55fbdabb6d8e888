//! What the network may do to us: it points elsewhere, shows the wrong certificate, stands in between, sends too much. Real
//! sockets on loopback; each kind of client, built as the program builds it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod authority;
mod broken;
mod certificates;
mod clients;
mod floods;
#[path = "../support/inventory.rs"]
mod inventory;
mod listener;
#[path = "../support/lookup.rs"]
mod lookup;
mod misspelt;
mod own_door;
#[path = "../support/program.rs"]
mod program;
mod proxies;
mod redirects;
mod sharing;
mod signing_in;
