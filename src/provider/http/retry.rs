//! Trying again: reads only, a few times, after a pause. A write is sent exactly once, whatever happens to it.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower::service_fn;

use super::{backoff, class_of, error::retry_after, send};
use crate::port::{
    clock::SharedClock,
    wire::{Class, Transport, WireBody, WireError},
};

/// The pause after the first failure.
const FIRST: Duration = Duration::from_millis(200);
/// Whoever asks to be left alone for longer than this is not waited for: the caller's schedule comes back later.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Sends reads again that did not get through.
pub(super) fn retried(inner: Transport, attempts: u32, clock: SharedClock) -> Transport {
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (inner, clock) = (inner.clone(), clock.clone());
        async move {
            match class_of(&request) {
                Class::Read => persist(&inner, request, attempts, &clock).await,
                Class::Write | Class::Stream => send(&inner, request).await,
            }
        }
    }))
}

async fn persist(
    inner: &Transport,
    request: Request<Bytes>,
    attempts: u32,
    clock: &SharedClock,
) -> Result<Response<WireBody>, WireError> {
    let mut failures = 0;
    loop {
        let answer = send(inner, request.clone()).await;
        failures += 1;
        if !worth_another(&answer) {
            return answer;
        }
        let asked = answer.as_ref().ok().and_then(|response| retry_after(response.headers(), clock.now()));
        let wait = asked.unwrap_or_else(|| backoff::pause(FIRST, failures, request.uri().path(), clock.now()));
        if failures >= attempts || wait > LONGEST_WAIT {
            return answer;
        }
        clock.sleep(wait).await;
    }
}

/// A time-out stands: the far side is hung, and three time-outs in a row would hide that for too long. So does our own
/// budget, which a pause of a few hundred milliseconds does not refill.
fn worth_another(answer: &Result<Response<WireBody>, WireError>) -> bool {
    match answer {
        Ok(response) => matches!(
            response.status(),
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ),
        Err(WireError::NotConnected(_) | WireError::Lost(_)) => true,
        Err(WireError::TimedOut(_) | WireError::NoBudget(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::time::age,
        port::clock::Clock,
        provider::http::testing::{Jumping, get, reply, scripted},
    };

    fn lost() -> Result<Response<WireBody>, WireError> {
        Err(WireError::Lost("reset".into()))
    }

    #[tokio::test]
    async fn a_read_that_breaks_is_sent_again_and_a_write_or_stream_never_is() {
        for (class, sent, ends_well) in [(Class::Read, 3, true), (Class::Write, 1, false), (Class::Stream, 1, false)] {
            let (leaf, seen) = scripted([lost(), reply(503, &[], "busy"), reply(200, &[], "fine")]);
            let answer = send(&retried(leaf, 3, Jumping::shared()), get(class)).await;
            assert_eq!((seen.count(), answer.is_ok_and(|a| a.status() == 200)), (sent, ends_well), "{class}");
        }
    }

    #[tokio::test]
    async fn a_write_on_503_is_sent_once() {
        let (leaf, seen) = scripted([reply(503, &[], ""), reply(200, &[], "")]);
        let answer = send(&retried(leaf, 3, Jumping::shared()), get(Class::Write)).await.unwrap();
        assert_eq!((seen.count(), answer.status().as_u16()), (1, 503));
    }

    #[tokio::test]
    async fn the_pause_that_was_asked_for_is_kept_and_a_long_one_is_left_to_the_caller() {
        let clock = Jumping::shared();
        let start = clock.now();
        let (leaf, seen) = scripted([reply(429, &[("retry-after", "1")], ""), reply(200, &[], "")]);
        send(&retried(leaf, 3, clock.clone()), get(Class::Read)).await.unwrap();
        assert_eq!((seen.count(), age(clock.now(), start)), (2, Duration::from_secs(1)));

        let (leaf, seen) = scripted([reply(429, &[("retry-after", "60")], ""), reply(200, &[], "")]);
        let answer = send(&retried(leaf, 3, clock), get(Class::Read)).await.unwrap();
        assert_eq!((seen.count(), answer.status().as_u16()), (1, 429));
    }

    #[tokio::test]
    async fn a_hung_system_is_not_asked_three_times() {
        let (leaf, seen) = scripted([Err(WireError::TimedOut(Duration::from_secs(4))), reply(200, &[], "")]);
        assert!(send(&retried(leaf, 3, Jumping::shared()), get(Class::Read)).await.is_err());
        assert_eq!(seen.count(), 1);
    }
}
