//! Seeded releases that write: what both versions write for their requests, mined and tested as the program does. Shared by a test of
//! small numbers and a bench of large ones.

#![allow(dead_code, reason = "the bench and the test use different parts")]

use std::{collections::BTreeMap, fmt::Write as _};

use holdshort::judge::{
    counts::Arms,
    pattern::{Finding, Miner, Rate},
};

/// What services write: templates with the part of requests that write them.
const WRITTEN: [(&str, f64); 14] = [
    ("GET /api/orders/{n} 200 in {n} ms", 0.02),
    ("order {h} placed by user {n}", 0.01),
    ("slow query {n} ms on ledger", 0.004),
    ("cache miss for basket {h}", 0.004),
    ("level=warn msg=\"retrying charge\" charge={h} attempt={n}", 0.001),
    ("{\"level\":\"error\",\"msg\":\"payment declined by upstream\",\"order\":{n}}", 0.002),
    ("connection to 10.2.{n}.7:5432 reset by peer", 0.0005),
    ("token of user {n} expires in {n}s", 0.0005),
    ("card vault answered 503 after {n} ms", 0.0003),
    ("breaker of {w} is open", 0.0003),
    ("cannot parse header of {w} from {w}", 0.0002),
    ("leader changed from {w} to {w}", 0.00005),
    ("lock on basket {h} was held by {w}", 0.00005),
    ("partition {n} of {w} is {w}", 0.00002),
];
/// What only a bad canary writes.
const BAD: &str = "card vault timeout after {n} ms";
/// Words of no form: what a miner must find out to differ.
const WORDS: [&str; 12] =
    ["ledger", "search", "cart", "basket", "tax", "mail", "stock", "ship", "vault", "rates", "geo", "auth"];

/// Steele, Lea and Flood's `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// How many events happen where `mean` are expected: Knuth's product, in pieces.
    fn poisson(&mut self, mean: f64) -> u64 {
        let (mut left, mut events) = (mean, 0);
        while left > 0.0 {
            let piece = left.min(20.0);
            left -= piece;
            let (limit, mut product) = ((-piece).exp(), self.uniform());
            while product > limit {
                product *= self.uniform();
                events += 1;
            }
        }
        events
    }

    /// A line of a template.
    pub(crate) fn line(&mut self, template: &str) -> String {
        let mut line = String::with_capacity(template.len() + 16);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (mark, behind) = match after.as_bytes() {
                [mark @ (b'n' | b'h' | b'w'), b'}', ..] => (*mark, after.get(2..).unwrap_or_default()),
                _ => (0, after),
            };
            line.push_str(before);
            match mark {
                b'n' => line.push_str(&(self.next() % 9000).to_string()),
                b'h' => {
                    // Writing to a String cannot fail.
                    let _ = write!(line, "{:08x}", self.next() >> 32);
                }
                b'w' => line.push_str(self.one_of(&WORDS)),
                _ => line.push('{'),
            }
            rest = behind;
        }
        line + rest
    }

    /// Any line that a service writes.
    pub(crate) fn any_line(&mut self) -> String {
        let (template, _) = self.one_of(&WRITTEN);
        self.line(template)
    }

    fn one_of<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let which = usize::try_from(self.next()).unwrap_or_default() % all.len();
        all.get(which).copied().unwrap_or_default()
    }
}

/// A release that is looked at after every interval of half a minute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing {
    /// Requests of an interval, both versions together.
    pub(crate) requests: u64,
    /// The canary's share of them.
    pub(crate) share: f64,
    pub(crate) intervals: usize,
    /// The part of the canary's requests that write what only a bad one writes.
    pub(crate) bad: f64,
}

/// How it went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// The share of releases with any finding, ever.
    pub(crate) any: f64,
    /// Of those with the bad pattern found, the middle interval.
    pub(crate) at: Option<usize>,
    /// The share in which it was found.
    pub(crate) bad: f64,
}

/// Flies so many releases.
pub(crate) fn write(writing: &Writing, releases: u64) -> Found {
    let (mut any, mut found) = (0_u64, Vec::new());
    for seed in 0..releases {
        let (wrong, bad) = one(writing, seed);
        any += u64::from(wrong);
        found.extend(bad);
    }
    found.sort_unstable();
    let at = found.get(found.len() / 2).copied();
    Found { any: any as f64 / releases as f64, bad: found.len() as f64 / releases as f64, at }
}

/// Was anything found that is nothing, and when was what is bad?
fn one(writing: &Writing, seed: u64) -> (bool, Option<usize>) {
    let mut random = Random(seed.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ 0x1405);
    let (mut miner, mut rates, mut wrong, mut bad) = (Miner::default(), BTreeMap::<u32, Rate>::new(), false, None);
    let requests = writing.requests as f64;
    let mut bad_pattern = None;
    for interval in 1..=writing.intervals {
        let mut lines: Vec<(bool, bool, String)> = Vec::new();
        let canary = random.poisson(requests * writing.share);
        let stable = random.poisson(requests * (1.0 - writing.share));
        for (is_canary, served) in [(true, canary), (false, stable)] {
            let templates = WRITTEN.into_iter().chain(is_canary.then_some((BAD, writing.bad)));
            for (template, part) in templates {
                for _ in 0..random.poisson(served as f64 * part) {
                    lines.push((is_canary, template == BAD, random.line(template)));
                }
            }
        }
        let mut counts: BTreeMap<u32, Arms> = BTreeMap::new();
        for (is_canary, is_bad, line) in lines {
            let taken = miner.take(&line);
            if let Some(gone) = taken.forgotten {
                rates.remove(&gone);
            }
            if is_bad {
                bad_pattern = Some(taken.pattern);
            }
            let counts = counts.entry(taken.pattern).or_default();
            let arm = if is_canary { &mut counts.canary } else { &mut counts.stable };
            arm.errors += 1;
        }
        for (pattern, mut arms) in counts {
            (arms.canary.requests, arms.stable.requests) = (canary, stable);
            let rate = rates.entry(pattern).or_default();
            rate.fold(&arms);
            let proven = rate.finding(pattern) != Finding::Nothing;
            if Some(pattern) == bad_pattern {
                bad = bad.or(proven.then_some(interval));
            } else {
                wrong |= proven;
            }
        }
    }
    (wrong, bad)
}
