//! Numbers as they stand in a sentence: two digits that matter, groups of three, spans in their largest whole unit.

use std::{fmt, time::Duration};

/// A number with the two digits that matter: `0.021`, `3.1`, `31`, `1,234`.
pub(super) struct Short(pub(super) f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST_DECIMALS: usize = 4;
        let (mut decimals, mut shifted) = (0, self.0.abs());
        while shifted < 9.95 && decimals < MOST_DECIMALS {
            decimals += 1;
            shifted *= 10.0;
        }
        let text = format!("{:.decimals$}", self.0);
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        grouped(f, whole)?;
        match fraction.trim_end_matches('0') {
            "" => Ok(()),
            fraction => write!(f, ".{fraction}"),
        }
    }
}

/// A count: `29,800`.
pub(super) struct Grouped(pub(super) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        grouped(f, &self.0.to_string())
    }
}

fn grouped(f: &mut fmt::Formatter<'_>, digits: &str) -> fmt::Result {
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            f.write_str(",")?;
        }
        write!(f, "{digit}")?;
    }
    Ok(())
}

/// A span in its largest whole unit: `30 d`, `6 h`, `5 min`, `70 s`.
pub(super) struct Span(pub(super) Duration);

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

/// How much time numbers cover, to the whole minute, hour or day: `75 s`, `20 min`, `25 h`.
pub(super) struct Window(pub(super) Duration);

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            s @ 0..120 => write!(f, "{s} s"),
            s @ 120..7_200 => write!(f, "{} min", s / 60),
            s @ 7_200..172_800 => write!(f, "{} h", s / 3_600),
            s => write!(f, "{} d", s / 86_400),
        }
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
    fn two_digits_are_enough() {
        let table = [
            (0.0, "0"),
            (0.000_001, "0"),
            (0.0213, "0.021"),
            (0.2, "0.2"),
            (3.1006, "3.1"),
            (9.96, "10"),
            (15.4, "15"),
            (100.0, "100"),
            (1234.5, "1,234"),
        ];
        for (number, text) in table {
            assert_eq!(Short(number).to_string(), text);
        }
        assert_eq!([0, 999, 29_800, 1_000_000].map(|n| Grouped(n).to_string()), ["0", "999", "29,800", "1,000,000"]);
    }

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
