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
}

/// A clock that many hold.
pub type SharedClock = Arc<dyn Clock>;
