//! Since when: the first interval from which the canary's share of the errors left its share of the requests.

use crate::{
    domain::time::Timestamp,
    judge::{counts::Pair, eprocess::log_likelihood},
};

/// The ratios that the time after the onset is tried with.
const RATIOS: [f64; 8] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0];

/// The search for the onset as it goes, pair by pair in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Onset([Worse; RATIOS.len()]);

/// "Worse by this ratio", begun at the best moment so far.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Worse {
    ratio: f64,
    /// Log likelihood of all pairs so far against "as stable".
    sum: f64,
    /// The least that the sum was before a pair, and when that pair began: what follows it speaks most for this ratio.
    least: f64,
    from: Option<Timestamp>,
}

impl Default for Onset {
    fn default() -> Self {
        Self(RATIOS.map(|ratio| Worse { ratio, sum: 0.0, least: f64::INFINITY, from: None }))
    }
}

impl Onset {
    /// Takes the next pair. A pair without requests says nothing and divides nothing.
    pub fn fold(&mut self, pair: &Pair) {
        let Some(share) = pair.share() else { return };
        let silent = pair.events() == 0;
        for one in &mut self.0 {
            if one.sum <= one.least {
                (one.least, one.from) = (one.sum, Some(pair.from));
            }
            if !silent {
                one.sum += log_likelihood(&pair.arms(), share, one.ratio);
            }
        }
    }

    /// The begin of the interval that best divides "as stable" (ratio 1) from "worse by one ratio", by likelihood. `None` where
    /// the best division is not a hundred times as likely as none: there is no onset to speak of.
    ///
    /// Where several divisions are equally good (intervals without errors between them), the last is taken: the first interval
    /// that shows something.
    pub fn since(&self) -> Option<Timestamp> {
        let best = self.0.iter().max_by(|a, b| (a.sum - a.least).total_cmp(&(b.sum - b.least)))?;
        best.from.filter(|_| best.sum - best.least > 100_f64.ln())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::counts::tests::{minute, pair};

    fn onset(pairs: &[Pair]) -> Option<Timestamp> {
        let mut onset = Onset::default();
        for pair in pairs {
            onset.fold(pair);
        }
        onset.since()
    }

    #[test]
    fn the_onset_is_the_first_bad_minute_even_if_the_weight_rose_before() {
        let good = |i| pair(i, (100, u64::from(i == 1), 900, 2));
        let bad = |i| pair(i, (250, 8, 750, 2));
        let pairs: Vec<_> =
            (0..3).map(good).chain((3..5).map(|i| pair(i, (250, 0, 750, 1)))).chain((5..15).map(bad)).collect();
        assert_eq!(onset(&pairs), Some(minute(5)));
    }

    #[test]
    fn a_canary_that_is_bad_from_the_begin_has_its_onset_there() {
        let pairs: Vec<_> = (0..10).map(|i| pair(i, (250, 8, 750, 2))).collect();
        assert_eq!(onset(&pairs), Some(minute(0)));
    }

    #[test]
    fn a_canary_like_stable_and_an_outage_of_both_have_no_onset() {
        let alike: Vec<_> = (0..30).map(|i| pair(i, (100, 1, 900, 9))).collect();
        assert_eq!(onset(&alike), None);
        let outage: Vec<_> =
            (0..30).map(|i| pair(i, (100, 1 + i.unsigned_abs(), 900, 9 + 9 * i.unsigned_abs()))).collect();
        assert_eq!(onset(&outage), None);
        assert_eq!(onset(&[]), None);
    }
}
