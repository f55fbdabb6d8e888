//! The one clock: whoever needs the time or a pause is handed this. Only the runtime's implementations read a real clock.

use std::{fmt, sync::Arc, time::Duration};

use futures::future::BoxFuture;

use crate::domain::time::Timestamp;

/// Time and waiting. Implementations: system, scaled (the demo) and virtual (tests, `--at`).
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now, in the world that the providers look at.
    fn now(&self) -> Timestamp;

    /// Resolves when `span` of that world's time has passed.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()>;

    /// A number that is another one in each process, for what should not happen everywhere at the same moment. A world that is
    /// made up has none: there the same always happens at the same moment.
    fn seed(&self) -> Option<u64> {
        None
    }
}

/// A clock that many hold.
pub type SharedClock = Arc<dyn Clock>;
