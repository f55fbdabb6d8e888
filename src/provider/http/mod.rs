//! The transport and the layers around it, the same for every system.
//!
//! From the outside in: trace, conditional GET, retry of reads, rate budget, no page for a write, time-outs, the transport.
//! The budget sits inside the retry so that every attempt counts; the time-outs inside both so that each attempt has its
//! own. What a request does to the far side travels with it ([`Class`]); one that says nothing is treated as a write, the
//! safest.
//!
//! Here must not live: anything one vendor has and another has not.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tower::ServiceExt;

use crate::{
    domain::ids::SourceName,
    port::{
        clock::SharedClock,
        wire::{Class, Transport, WireBody, WireError},
    },
};

pub mod backoff;
mod base;
pub mod body;
mod budget;
mod changed;
pub mod client;
mod conditional;
pub mod error;
pub mod handshake;
mod home;
pub mod items;
pub mod kept;
mod lazy;
mod leaf;
pub mod lines;
pub mod link;
pub mod listed;
pub mod page;
pub mod proxy;
mod retry;
mod timeout;
mod trace;
mod veil;

pub use base::{Base, Way, based};
pub use budget::{Allowance, Budget, BudgetState, Budgets};
pub use home::{WantsRedirect, at_home};
pub use lazy::{Made, Maker};
pub(crate) use leaf::USER_AGENT;
pub use leaf::reqwest_leaf;
pub use timeout::Timeouts;
pub use veil::{Ours, veiled};

/// How the layers around one connection behave.
#[derive(Clone, Debug)]
pub struct Layers {
    /// Names the connection in traces.
    pub source: SourceName,
    /// How long each class of request may take.
    pub timeouts: Timeouts,
    /// How often a read is sent at most; 1 means never again.
    pub attempts: u32,
    /// What we allow ourselves to ask of the system. Keep a clone to show how much is left.
    pub budget: Budget,
    /// The proxy that the system is asked through, as it may be shown; `None` where it is asked directly.
    pub proxy: Option<String>,
}

impl Layers {
    /// The defaults: three attempts, 4 s for a read, 10 s for a write, and 600 requests a minute.
    pub fn new(source: SourceName) -> Self {
        let budget = Budget::new(Allowance { requests: 600, window: Duration::from_mins(1) });
        Self { source, timeouts: Timeouts::default(), attempts: 3, budget, proxy: None }
    }
}

/// Puts the layers around a leaf.
pub fn layered(leaf: Transport, options: Layers, clock: SharedClock) -> Transport {
    let timed = timeout::timed(leaf, options.timeouts, options.source.clone(), options.proxy.clone(), clock.clone());
    around(timed, options, clock)
}

/// The same around a way that is made when it is first asked: what that takes is not the system's time.
pub fn layered_when_made(maker: Maker, options: Layers, clock: SharedClock) -> Transport {
    let (timeouts, source, own) = (options.timeouts, options.source.clone(), clock.clone());
    let timed = maker.within(move |made| timeout::timed(made.leaf, timeouts, source.clone(), made.proxy, own.clone()));
    around(lazy::made_when_asked(timed, clock.clone()), options, clock)
}

fn around(timed: Transport, options: Layers, clock: SharedClock) -> Transport {
    let Layers { source, attempts, budget, .. } = options;
    let budgeted = budget::budgeted(page::refused(timed), budget, clock.clone());
    let retried = retry::retried(budgeted, attempts, clock.clone());
    let conditional = conditional::conditional(retried);
    trace::traced(conditional, source, clock)
}

/// The class a request travels with; a write when it says nothing.
pub fn class_of<B>(request: &Request<B>) -> Class {
    request.extensions().get().copied().unwrap_or(Class::Write)
}

/// Sends a request through a transport once.
pub async fn send(transport: &Transport, request: Request<Bytes>) -> Result<Response<WireBody>, WireError> {
    transport.clone().oneshot(request).await
}

#[cfg(test)]
pub(crate) mod testing;
