//! Answers for people: numbers as they stand in a line.

/// A number with at most four digits that matter: `0.02155`, `12.3`, `1234`, `1.2e30`; `unknown` where it is not known.
pub(super) fn number(number: f64) -> String {
    const DIGITS: usize = 4;
    const LARGE: f64 = 1e9;
    if !number.is_finite() {
        return if number.is_nan() { "unknown".to_owned() } else { "beyond measure".to_owned() };
    }
    if number.abs() >= LARGE {
        return format!("{number:.1e}");
    }
    let (mut decimals, mut shifted) = (DIGITS - 1, number.abs());
    while shifted >= 10.0 && decimals > 0 {
        (decimals, shifted) = (decimals - 1, shifted / 10.0);
    }
    while shifted < 1.0 && shifted > 0.0 && decimals < 2 * DIGITS {
        (decimals, shifted) = (decimals + 1, shifted * 10.0);
    }
    let text = format!("{number:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits_are_enough() {
        let table = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (95.5, "95.5"),
            (100.0, "100"),
            (0.021_554_3, "0.02155"),
            (-12.345_6, "-12.35"),
            (123_456.7, "123457"),
            (1e-12, "0"),
            (1e308, "1.0e308"),
            (f64::NAN, "unknown"),
            (f64::INFINITY, "beyond measure"),
        ];
        for (value, text) in table {
            assert_eq!(number(value), text);
        }
    }
}
