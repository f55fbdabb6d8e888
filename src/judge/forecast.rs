//! How much more it takes until a decision, in errors and requests.

use serde::{Deserialize, Serialize};

use crate::judge::{eprocess::growth, sequential::whole};

/// How far something has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many there are.
    pub seen: u64,
    /// About how many there will be when it is decided; `None` where nothing can be said.
    pub needed: Option<u64>,
}

/// Errors of both arms that show, in expectation, a ratio of `ratio` at level `alpha`, where the canary has this share of
/// the requests: ln(1/α) over the expected growth of the evidence for each error. `None` where none would.
pub fn events_needed(ratio: f64, share: f64, alpha: f64) -> Option<u64> {
    let growth = growth(ratio, share, ratio, 1.0);
    (growth > 1e-9).then(|| whole((1.0 / alpha).ln() / growth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_errors_needed_are_those_of_the_published_table() {
        let table = [
            (0.01, [16_133, 4_327, 1_220, 368, 121, 37]),
            (0.05, [3_407, 926, 267, 84, 30, 11]),
            (0.10, [1_827, 504, 150, 50, 19, 8]),
            (0.20, [1_061, 302, 95, 34, 15, 7]),
            (0.50, [744, 229, 81, 35, 19, 12]),
        ];
        for (share, row) in table {
            for (ratio, events) in [1.25, 1.5, 2.0, 3.0, 5.0, 10.0].into_iter().zip(row) {
                let needed = events_needed(ratio, share, 0.01).unwrap();
                assert!(needed.abs_diff(events) <= 1, "share {share}, ratio {ratio}: {needed} instead of {events}");
            }
        }
        assert_eq!(events_needed(2.0, 0.1, 0.01), Some(150));
        assert_eq!(events_needed(1.0, 0.1, 0.01), None);
        assert_eq!(events_needed(2.0, 0.0, 0.01), None);
    }
}
