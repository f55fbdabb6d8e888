//! The clocks, and waiting with a limit. The only file that may touch real time.

use std::time::Duration;

use chrono::Utc;
use futures::{
    FutureExt,
    future::{BoxFuture, Either, select},
    pin_mut,
};
use tokio::time::Instant;

use crate::{
    domain::time::{Timestamp, after},
    port::clock::Clock,
};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is told to use")]
    fn now(&self) -> Timestamp {
        Utc::now()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        wall_sleep(span).boxed()
    }

    fn seed(&self) -> Option<u64> {
        let nanoseconds = self.now().timestamp_nanos_opt()?.unsigned_abs();
        Some(nanoseconds ^ u64::from(std::process::id()).rotate_left(32))
    }
}

/// A clock that starts at a moment of the built-in world and runs faster or slower than real time. Made inside a runtime.
#[derive(Clone, Copy, Debug)]
pub struct ScaledClock {
    base: Timestamp,
    started: Instant,
    speed: f64,
}

impl ScaledClock {
    /// Shows `base` now and then runs at `speed` times real time; a speed that is no positive number counts as 1.
    pub fn starting_at(base: Timestamp, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self { base, started: Instant::now(), speed }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        let passed = self.started.elapsed().as_secs_f64() * self.speed;
        after(self.base, Duration::try_from_secs_f64(passed).unwrap_or(Duration::MAX))
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let real = Duration::try_from_secs_f64(span.as_secs_f64() / self.speed).unwrap_or(Duration::MAX);
        wall_sleep(real).boxed()
    }
}

/// A clock over Tokio's paused time, for tests and `--at`: on a `current_thread` runtime built with `start_paused(true)` time
/// stands still while anything can run and then jumps to the next timer, so that waiting costs nothing. Blocking tasks hold
/// it still too. Never use it where a socket is waited for: time would jump over the answer.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock(ScaledClock);

impl VirtualClock {
    /// Shows `base` now.
    pub fn starting_at(base: Timestamp) -> Self {
        Self(ScaledClock::starting_at(base, 1.0))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(span)
    }
}

/// Waits in real time: for what concerns the terminal and this process, not the world.
pub async fn wall_sleep(span: Duration) {
    #[expect(clippy::disallowed_methods, reason = "every other wait comes here")]
    tokio::time::sleep(span).await;
}

/// The answer, or `None` when it did not come in time.
pub async fn within<T>(clock: &dyn Clock, limit: Duration, answer: impl Future<Output = T>) -> Option<T> {
    let end = clock.sleep(limit);
    pin_mut!(answer);
    match select(answer, end).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::sample::at;

    #[tokio::test(start_paused = true)]
    async fn virtual_time_passes_only_by_waiting_and_scaled_time_in_proportion() {
        let (one, sixty) = (VirtualClock::starting_at(at(0)), ScaledClock::starting_at(at(0), 60.0));
        assert_eq!((one.now(), sixty.now()), (at(0), at(0)));
        one.sleep(Duration::from_secs(2)).await;
        assert_eq!((one.now(), sixty.now()), (at(2), at(120)));
        sixty.sleep(Duration::from_mins(1)).await;
        assert_eq!((one.now(), sixty.now()), (at(3), at(180)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_comes_is_given_up_at_the_limit() {
        let clock = VirtualClock::starting_at(at(0));
        assert_eq!(within(&clock, Duration::from_secs(4), std::future::pending::<()>()).await, None);
        assert_eq!(clock.now(), at(4));
        assert_eq!(within(&clock, Duration::from_secs(4), std::future::ready(7)).await, Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_speed_that_makes_no_sense_is_real_time() {
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let clock = ScaledClock::starting_at(at(0), speed);
            clock.sleep(Duration::from_secs(1)).await;
            assert_eq!(clock.now(), at(1), "{speed}");
        }
    }
}
