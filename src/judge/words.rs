//! Numbers as they stand in a reason: two digits that matter, groups of three.

use std::fmt;

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
}
