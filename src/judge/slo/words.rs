//! Spans, shares and bounds as they stand in a sentence.

use std::{fmt, time::Duration};

use crate::judge::words::Short;

/// A span in its largest whole unit: `30 d`, `6 h`, `5 min`, `70 s`.
pub(in crate::judge) struct Span(pub(in crate::judge) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (number, unit) = match seconds {
            s if s > 0 && s.is_multiple_of(86_400) => (s / 86_400, "d"),
            s if s > 0 && s.is_multiple_of(3_600) => (s / 3_600, "h"),
            s if s > 0 && s.is_multiple_of(60) => (s / 60, "min"),
            s if s >= 10 * 86_400 => (s / 86_400, "d"),
            s if s >= 10 * 3_600 => (s / 3_600, "h"),
            s if s >= 10 * 60 => (s / 60, "min"),
            s => (s, "s"),
        };
        write!(f, "{number} {unit}")
    }
}

/// Bucket bounds: `0.1, 0.25, 0.5 s`.
pub(super) struct Bounds<'a>(pub(super) &'a [f64]);

impl fmt::Display for Bounds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let bounds: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "{} s", bounds.join(", "))
    }
}

/// A share in percent, without the sign: 0.008 is `0.8`.
pub(super) fn percent(share: f64) -> Short {
    Short(share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_in_its_largest_whole_unit_and_a_long_crooked_one_is_rounded_down() {
        let table = [
            (0, "0 s"),
            (70, "70 s"),
            (300, "5 min"),
            (3_600, "1 h"),
            (21_600, "6 h"),
            (5_400, "90 min"),
            (259_200, "3 d"),
            (2_592_000, "30 d"),
            (601, "10 min"),
            (36_001, "10 h"),
            (864_001, "10 d"),
        ];
        for (seconds, text) in table {
            assert_eq!(Span(Duration::from_secs(seconds)).to_string(), text);
        }
        assert_eq!(Bounds(&[0.1, 0.5, 1.0]).to_string(), "0.1, 0.5, 1 s");
        assert_eq!(Bounds(&[]).to_string(), "none");
    }
}
