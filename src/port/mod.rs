//! What the outside must look like: the clock, the wire, the facets a connection offers, and the calls of a plan.
//!
//! Here live traits and the plain data that crosses them. Here must not live: any vendor's wire form, tasks, channels or
//! timers. `app` sees only this and `domain`; providers implement it; the runtime calls it.

pub mod alike;
pub mod body;
pub mod cached;
pub mod clock;
pub mod commands;
pub mod error;
pub mod examine;
pub mod facet;
pub mod fill;
pub mod inventory;
pub mod kept;
pub mod lookup;
pub mod plan;
pub mod record;
pub mod secrets;
pub mod several;
pub mod shape;
pub mod step;
pub mod takeover;
pub mod wire;
