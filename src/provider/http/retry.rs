//! Trying again: a read that broke, a few times, after a pause; a read or a stream that was asked to wait, after that time. A
//! write is sent exactly once, whatever happens to it.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower::service_fn;

use super::{backoff, class_of, error::retry_after, send};
use crate::{
    domain::time::Timestamp,
    port::{
        clock::SharedClock,
        wire::{Class, Transport, WireBody, WireError},
    },
};

/// The pause after the first failure.
const FIRST: Duration = Duration::from_millis(200);
/// Whoever asks to be left alone for longer than this is not waited for: the caller's schedule comes back later.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How long one read keeps a pause that was asked for, all its pauses together. A system that asks for short ones again and
/// again is there: giving up on it early would lock the way back.
const PATIENCE: Duration = Duration::from_secs(12);

/// Sends reads again that did not get through.
pub(super) fn retried(inner: Transport, attempts: u32, clock: SharedClock) -> Transport {
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (inner, clock) = (inner.clone(), clock.clone());
        async move {
            match class_of(&request) {
                Class::Read if attempts > 1 => persist(&inner, request, attempts, &clock).await,
                // It keeps the pauses that are asked for; what follows a break is for whoever reads it.
                Class::Stream if attempts > 1 => persist(&inner, request, 1, &clock).await,
                Class::Read | Class::Stream | Class::Write => send(&inner, request).await,
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
    let (mut failures, mut pauses, mut waited) = (0, 0_u32, Duration::ZERO);
    loop {
        let answer = send(inner, request.clone()).await;
        if !worth_another(&answer) {
            return answer;
        }
        let asked = asked_wait(&answer, clock.now());
        if let Some(wait) = asked {
            // Whoever asks for none, or for one that is over, is not asked ever again at once.
            let least = FIRST.saturating_mul(2_u32.saturating_pow(pauses)).min(LONGEST_WAIT);
            let wait = wait.max(least);
            pauses += 1;
            waited += wait;
            if wait > LONGEST_WAIT || waited > PATIENCE {
                return answer;
            }
            clock.sleep(wait).await;
            continue;
        }
        failures += 1;
        if failures >= attempts {
            return answer;
        }
        clock.sleep(backoff::pause(FIRST, failures, request.uri().path(), clock.now())).await;
    }
}

/// The pause that was asked for.
fn asked_wait(answer: &Result<Response<WireBody>, WireError>, now: Timestamp) -> Option<Duration> {
    match answer {
        Ok(response) => retry_after(response.headers(), now),
        Err(WireError::AskedToWait(wait) | WireError::NoBudget(wait)) => Some(*wait),
        Err(_) => None,
    }
}

/// A time-out stands: the far side is hung, and three time-outs in a row would hide that for too long. So does what no second
/// attempt would change.
fn worth_another(answer: &Result<Response<WireBody>, WireError>) -> bool {
    match answer {
        Ok(response) => matches!(
            response.status(),
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ),
        Err(
            WireError::TimedOut(_)
            | WireError::ProxySilent { .. }
            | WireError::Moved(_)
            | WireError::Barred(_)
            | WireError::Page(_)
            | WireError::Unready(_),
        ) => false,
        Err(_) => true,
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
    async fn a_pause_of_nothing_that_is_asked_for_again_and_again_becomes_longer() {
        let clock = Jumping::shared();
        let start = clock.now();
        let (leaf, seen) = scripted((0..100).map(|_| reply(429, &[("retry-after", "0")], "")));
        let answer = send(&retried(leaf, 3, clock.clone()), get(Class::Read)).await.unwrap();
        assert_eq!((seen.count(), answer.status().as_u16()), (6, 429));
        assert_eq!(age(clock.now(), start), Duration::from_millis(6_200));
    }

    #[tokio::test]
    async fn a_read_outlasts_short_pauses_however_often_they_are_asked_for_but_not_for_ever() {
        let busy = || reply(429, &[("retry-after", "1")], "");
        let closed = || Err(WireError::AskedToWait(Duration::from_millis(999)));
        let (leaf, seen) = scripted([
            busy(),
            closed(),
            busy(),
            Err(WireError::NoBudget(Duration::from_secs(1))),
            busy(),
            reply(200, &[], ""),
        ]);
        let answer = send(&retried(leaf, 3, Jumping::shared()), get(Class::Read)).await.unwrap();
        assert_eq!((seen.count(), answer.status().as_u16()), (6, 200));

        let (leaf, seen) = scripted([closed(), reply(200, &[], "")]);
        let answer = send(&retried(leaf, 3, Jumping::shared()), get(Class::Stream)).await.unwrap();
        assert_eq!((seen.count(), answer.status().as_u16()), (2, 200));

        let (leaf, seen) = scripted([Err(WireError::AskedToWait(Duration::from_mins(2))), reply(200, &[], "")]);
        let error = send(&retried(leaf, 3, Jumping::shared()), get(Class::Read)).await.unwrap_err();
        assert_eq!((seen.count(), error), (1, WireError::AskedToWait(Duration::from_mins(2))));

        let (leaf, seen) = scripted((0..100).map(|_| reply(429, &[("retry-after", "4")], "")));
        let answer = send(&retried(leaf, 3, Jumping::shared()), get(Class::Read)).await.unwrap();
        assert_eq!((seen.count(), answer.status().as_u16()), (4, 429));
    }

    #[tokio::test]
    async fn what_a_second_attempt_would_not_change_is_not_asked_three_times() {
        for error in [WireError::TimedOut(Duration::from_secs(4).into()), WireError::Barred("expired".into())] {
            let (leaf, seen) = scripted([Err(error), reply(200, &[], "")]);
            assert!(send(&retried(leaf, 3, Jumping::shared()), get(Class::Read)).await.is_err());
            assert_eq!(seen.count(), 1);
        }
    }
}
