//! The rate budget: what we allow ourselves, and what the system says it allows. One fifth is kept for verbs (F18): their calls and
//! what they read for them; so that reading a board can never use up the request that takes a release back.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use tower::service_fn;

use super::{class_of, error::retry_after, send};
use crate::{
    domain::time::{Timestamp, after, age, until},
    port::{
        clock::SharedClock,
        wire::{Class, Transport, WireError, is_for_a_verb},
    },
};

/// The share that only verbs may use.
const RESERVED: f64 = 0.2;
/// Told to a reader when nothing says how long it will take.
const SOON: Duration = Duration::from_secs(1);

/// What we allow ourselves: so many requests in a window, refilled evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests in a window; also the most that can be sent at once.
    pub requests: u32,
    /// The window.
    pub window: Duration,
}

/// The budget of one credential at one system, shared by all who send with it.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Mutex<Inner>>);

/// The budgets by what they belong to: a system counts by credential, however many connections go there with it.
#[derive(Debug)]
pub struct Budgets<K>(Mutex<Vec<(K, Budget)>>);

impl<K> Default for Budgets<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq> Budgets<K> {
    /// The one that belongs to this; `new` where there is none yet.
    pub fn of(&self, key: K, new: &Budget) -> Budget {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, budget)) = known.iter().find(|(of, _)| *of == key) {
            return budget.clone();
        }
        known.push((key, new.clone()));
        new.clone()
    }
}

/// How much is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BudgetState {
    /// Of the tighter of the two budgets, 0 to 1. Below 0.2 only writes go out.
    pub remaining: f64,
    /// Until when the system wants no reads, where it said so.
    pub closed_until: Option<Timestamp>,
}

#[derive(Debug)]
struct Inner {
    allowance: Allowance,
    tokens: f64,
    refilled: Option<Timestamp>,
    told: Option<Told>,
    closed_until: Option<Timestamp>,
}

/// What the system last said of its own limit.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Told {
    limit: f64,
    remaining: f64,
    reset: Timestamp,
}

impl Budget {
    /// A full budget.
    pub fn new(allowance: Allowance) -> Self {
        let tokens = f64::from(allowance.requests);
        Self(Arc::new(Mutex::new(Inner { allowance, tokens, refilled: None, told: None, closed_until: None })))
    }

    /// How much is left now.
    pub fn state(&self, now: Timestamp) -> BudgetState {
        self.with(now, |inner| {
            let own = inner.tokens / f64::from(inner.allowance.requests.max(1));
            let theirs = inner.told.map_or(1.0, |told| told.remaining / told.limit);
            BudgetState { remaining: own.min(theirs).clamp(0.0, 1.0), closed_until: inner.closed_until }
        })
    }

    /// Takes one request out, or says how long until one may be sent.
    fn take(&self, class: Class, now: Timestamp) -> Result<(), WireError> {
        self.with(now, |inner| {
            // What a verb has to read goes out as its calls do: without it they could not be sent.
            let for_a_verb = class == Class::Write || is_for_a_verb();
            let kept = if for_a_verb { 0.0 } else { RESERVED };
            if let Some(closed) = inner.closed_until.filter(|_| !for_a_verb) {
                return Err(WireError::AskedToWait(until(now, closed)));
            }
            if let Some(told) = inner.told.filter(|told| told.remaining < 1.0 + told.limit * kept) {
                return Err(WireError::NoBudget(until(now, told.reset).max(SOON)));
            }
            let most = f64::from(inner.allowance.requests);
            let missing = 1.0 + most * kept - inner.tokens;
            if missing > 0.0 {
                let wait = inner.allowance.window.mul_f64((missing / most.max(1.0)).min(1.0)).max(SOON);
                return Err(WireError::NoBudget(wait));
            }
            inner.tokens -= 1.0;
            if let Some(told) = &mut inner.told {
                told.remaining -= 1.0;
            }
            Ok(())
        })
    }

    /// Learns from an answer's headers.
    fn learn(&self, status: StatusCode, headers: &HeaderMap, now: Timestamp) {
        self.with(now, |inner| {
            if let Some(told) = Told::read(headers, now) {
                inner.told = Some(told);
            }
            let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE, StatusCode::FORBIDDEN];
            if busy.contains(&status)
                && let Some(wait) = retry_after(headers, now)
            {
                inner.closed_until = Some(after(now, wait));
            }
        });
    }

    fn with<T>(&self, now: Timestamp, act: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.refill(now);
        act(&mut inner)
    }
}

impl Inner {
    fn refill(&mut self, now: Timestamp) {
        let most = f64::from(self.allowance.requests);
        if let Some(then) = self.refilled {
            let share = age(now, then).as_secs_f64() / self.allowance.window.as_secs_f64().max(f64::MIN_POSITIVE);
            self.tokens = (self.tokens + share * most).min(most);
        }
        self.refilled = Some(now);
        self.told = self.told.filter(|told| told.reset > now);
        self.closed_until = self.closed_until.filter(|closed| *closed > now);
    }
}

impl Told {
    /// In whichever of the usual headers it says so.
    fn read(headers: &HeaderMap, now: Timestamp) -> Option<Self> {
        Self::as_one(headers, now).or_else(|| Self::apart(headers, "x-", now)).or_else(|| Self::apart(headers, "", now))
    }

    fn of(limit: f64, remaining: f64, reset: Timestamp) -> Option<Self> {
        (limit >= 1.0).then_some(Self { limit, remaining, reset })
    }

    /// `(x-)ratelimit-limit`, `-remaining` and `-reset`. Only the general budget: searches and the like have small ones of their own,
    /// which say nothing of the rest.
    fn apart(headers: &HeaderMap, prefix: &str, now: Timestamp) -> Option<Self> {
        let of = |name: &str| text(headers, &format!("{prefix}ratelimit-{name}"));
        if of("resource").is_some_and(|resource| resource != "core") {
            return None;
        }
        Self::of(number(of("limit")?)?, number(of("remaining")?)?, moment(of("reset")?, now)?)
    }

    /// `RateLimit: limit=100, remaining=50, reset=5`, as it once was to be; or `RateLimit: "default";r=50;t=5` with
    /// `RateLimit-Policy: "default";q=100;w=60`, as it is to be. Of several the tightest counts.
    fn as_one(headers: &HeaderMap, now: Timestamp) -> Option<Self> {
        let said = text(headers, "ratelimit")?;
        if let Some(remaining) = parameter(said, "remaining") {
            return Self::of(parameter(said, "limit")?, remaining, later(now, parameter(said, "reset")?));
        }
        let name = |item: &str| item.split(';').next().map(|name| name.trim().to_owned());
        let policies = text(headers, "ratelimit-policy").unwrap_or_default();
        let each = said.split(',').filter_map(|item| {
            let policy = policies.split(',').find(|policy| name(policy) == name(item))?;
            let window = parameter(item, "t").or_else(|| parameter(policy, "w"))?;
            Self::of(parameter(policy, "q")?, parameter(item, "r")?, later(now, window))
        });
        each.min_by(|one, other| (one.remaining / one.limit).total_cmp(&(other.remaining / other.limit)))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The number that a text begins with: `100, 100;w=60` is 100.
fn number(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).and_then(|end| text.get(..end)).unwrap_or(text);
    digits.parse::<u32>().ok().map(f64::from)
}

/// What stands behind `name=` in a list of parameters.
fn parameter(text: &str, name: &str) -> Option<f64> {
    let value = |part: &str| number(part.trim().strip_prefix(name)?.trim_start().strip_prefix('=')?.trim());
    text.split([',', ';']).find_map(value)
}

/// When a budget is whole again: some count the seconds until then, some give the moment, in seconds or in thousandths.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    const SECONDS: i64 = 1_000_000_000;
    const THOUSANDTHS: i64 = 100_000_000_000;
    let whole = text.split('.').next().unwrap_or(text);
    match whole.parse::<i64>() {
        Ok(number) if number >= THOUSANDTHS => Timestamp::from_timestamp_millis(number),
        Ok(number) if number >= SECONDS => Timestamp::from_timestamp(number, 0),
        Ok(number) => Some(after(now, Duration::from_secs(u64::try_from(number).ok()?))),
        Err(_) => text.parse().ok(),
    }
}

fn later(now: Timestamp, seconds: f64) -> Timestamp {
    after(now, Duration::try_from_secs_f64(seconds).unwrap_or(SOON))
}

/// Sends only what the budget allows.
pub(super) fn budgeted(inner: Transport, budget: Budget, clock: SharedClock) -> Transport {
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (inner, budget, clock) = (inner.clone(), budget.clone(), clock.clone());
        async move {
            budget.take(class_of(&request), clock.now())?;
            let answer = send(&inner, request).await;
            if let Ok(response) = &answer {
                budget.learn(response.status(), response.headers(), clock.now());
            }
            answer
        }
    }))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;
    use crate::{
        port::{clock::Clock, wire::for_a_verb},
        provider::http::testing::{Jumping, answering, get, reply},
    };

    fn ten_a_minute() -> Budget {
        Budget::new(Allowance { requests: 10, window: Duration::from_mins(1) })
    }

    #[test]
    fn connections_with_one_credential_at_one_system_have_one_budget() {
        let now = chrono::DateTime::UNIX_EPOCH;
        let new = || Budget::new(Allowance { requests: 10, window: Duration::from_mins(1) });
        let budgets = Budgets::default();
        let [one, same, other] = [("forge", "a"), ("forge", "a"), ("forge", "b")].map(|key| budgets.of(key, &new()));
        one.take(Class::Read, now).unwrap();
        let left = |budget: &Budget| budget.state(now).remaining;
        assert_eq!((left(&one), left(&same), left(&other)), (0.9, 0.9, 1.0));
    }

    #[tokio::test]
    async fn reads_stop_at_a_fifth_and_writes_still_go_out() {
        let (leaf, seen) = answering(|_| reply(200, &[], ""));
        let (clock, budget) = (Jumping::shared(), ten_a_minute());
        let layer = budgeted(leaf, budget.clone(), clock.clone());
        for _ in 0..8 {
            send(&layer, get(Class::Read)).await.unwrap();
        }
        assert_eq!(
            send(&layer, get(Class::Read)).await.unwrap_err(),
            WireError::NoBudget(Duration::from_secs(6)),
            "one of ten a minute comes back in 6 s"
        );
        assert!(send(&layer, get(Class::Stream)).await.is_err());
        send(&layer, get(Class::Write)).await.unwrap();
        assert_eq!(seen.count(), 9);
        assert!((budget.state(clock.now()).remaining - 0.1).abs() < 1e-9);
        clock.sleep(Duration::from_mins(1)).await;
        send(&layer, get(Class::Read)).await.unwrap();
    }

    #[tokio::test]
    async fn what_a_verb_reads_goes_out_as_its_calls_do() {
        let (leaf, _) = answering(|_| reply(200, &[], ""));
        let clock = Jumping::shared();
        let layer = budgeted(leaf, ten_a_minute(), clock);
        for _ in 0..8 {
            send(&layer, get(Class::Read)).await.unwrap();
        }
        for_a_verb(send(&layer, get(Class::Read))).await.unwrap();
        send(&layer, get(Class::Write)).await.unwrap();
        assert!(for_a_verb(send(&layer, get(Class::Read))).await.is_err(), "more than there is nobody has");
    }

    #[tokio::test]
    async fn the_systems_own_limit_is_learnt_and_forgotten_when_it_resets() {
        let clock = Jumping::shared();
        let reset = (clock.now() + Duration::from_secs(90)).timestamp().to_string();
        let (leaf, _) = answering(move |_| {
            let told =
                [("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "1000"), ("x-ratelimit-reset", &reset)];
            reply(200, &told, "")
        });
        let budget = Budget::new(Allowance { requests: 100, window: Duration::from_mins(1) });
        let layer = budgeted(leaf, budget.clone(), clock.clone());
        send(&layer, get(Class::Read)).await.unwrap();
        assert!((budget.state(clock.now()).remaining - 0.2).abs() < 1e-9);
        let refused = send(&layer, get(Class::Read)).await.unwrap_err();
        assert_eq!(refused, WireError::NoBudget(Duration::from_secs(90)));
        send(&layer, get(Class::Write)).await.unwrap();
        clock.sleep(Duration::from_secs(91)).await;
        assert!((budget.state(clock.now()).remaining - 1.0).abs() < 1e-9);
        send(&layer, get(Class::Read)).await.unwrap();
    }

    #[test]
    fn a_systems_own_limit_is_read_in_whichever_way_it_is_said() {
        let now = Timestamp::from_timestamp(1_773_107_160, 0).unwrap();
        let read = |said: &[(&'static str, &str)]| {
            let headers = said.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            let told = Told::read(&headers.collect(), now)?;
            Some((told.limit, told.remaining, (told.reset - now).num_seconds()))
        };
        let apart = |prefix: &str, reset: &str| {
            let name = |end: &str| -> &'static str { format!("{prefix}ratelimit-{end}").leak() };
            read(&[(name("limit"), "200"), (name("remaining"), "150"), (name("reset"), reset)])
        };
        let told = Some((200.0, 150.0, 40));
        for prefix in ["x-", ""] {
            for reset in ["40", "40.7", "1773107200", "1773107200000", "2026-03-10T01:46:40Z"] {
                assert_eq!(apart(prefix, reset), told, "{prefix}{reset}");
            }
        }
        let listed = [("ratelimit-limit", "200, 200;w=60"), ("ratelimit-remaining", "150"), ("ratelimit-reset", "40")];
        assert_eq!(read(&listed), told);
        assert_eq!(read(&[("ratelimit", "limit=200, remaining=150, reset=40")]), told);
        let two = r#""hour";r=900;t=3000, "burst";r=150;t=40"#;
        let policies = ("ratelimit-policy", r#""burst";q=200;w=60,"hour";q=1000;w=3600"#);
        assert_eq!(read(&[("ratelimit", two), policies]), told);
        assert_eq!(read(&[("ratelimit", r#""burst";r=150"#), policies]), Some((200.0, 150.0, 60)));
        for nothing in ["", "soon", "-5"] {
            assert_eq!(apart("", nothing), None, "{nothing}");
        }
        assert_eq!(read(&[("ratelimit", two)]), None, "a share of nobody knows what");
        assert_eq!(read(&[]), None);
    }

    #[tokio::test]
    async fn a_system_that_asks_to_be_left_alone_gets_no_reads_meanwhile() {
        for status in [429, 503] {
            let (leaf, seen) = answering(move |_| reply(status, &[("retry-after", "30")], ""));
            let (clock, budget) = (Jumping::shared(), ten_a_minute());
            let layer = budgeted(leaf, budget.clone(), clock.clone());
            send(&layer, get(Class::Read)).await.unwrap();
            let refused = send(&layer, get(Class::Read)).await.unwrap_err();
            assert_eq!((refused, seen.count()), (WireError::AskedToWait(Duration::from_secs(30)), 1));
            assert_eq!(budget.state(clock.now()).closed_until, Some(after(clock.now(), Duration::from_secs(30))));
        }
    }
}
