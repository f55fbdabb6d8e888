//! Numbers and times as people read them, always with their unit.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// A share as percent: `0.20 %`, `24.6 %`, `100 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = match percent {
        p if p < 9.995 => 2,
        p if p < 99.95 => 1,
        _ => 0,
    };
    format!("{percent:.decimals$} %")
}

/// A count in groups of three: `29,800`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with about two digits that matter: `0.2`, `15`, `1240`.
pub(super) fn short(number: f64) -> String {
    if number.abs() < 9.95 { format!("{number:.1}") } else { format!("{number:.0}") }
}

/// A response time: `180 ms`, `1.2 s`.
pub(super) fn latency(seconds: f64) -> String {
    match seconds {
        s if s < 0.9995 => format!("{:.0} ms", s * 1000.0),
        s if s < 9.95 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

/// Requests a second: `2.4 rps`, `240 rps`.
pub(super) fn rate(per_second: f64) -> String {
    format!("{} rps", short(per_second))
}

/// How long ago or how long: `48 s`, `12 min`, `14 h`, `3 d`.
pub(super) fn age(span: Duration) -> String {
    match span.as_secs() {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3_600 => format!("{} min", s / 60),
        s @ 3_600..172_800 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

/// How long ago at most: `<20 s`, `<1 min`; from a minute on as [`age`]. Of what is heard of at such intervals, the least of few
/// bounds that it keeps while it is as young as it should be (two intervals): so it stands still.
pub(super) fn within(span: Duration, every: Duration) -> String {
    const BOUNDS: [u64; 3] = [10, 20, 30];
    let least = span.max(every * 2);
    match BOUNDS.into_iter().find(|bound| least.as_secs() < *bound) {
        Some(bound) => format!("<{bound} s"),
        None if span.as_secs() < 60 => "<1 min".to_owned(),
        None => age(span),
    }
}

/// How long until: `9:19`, `1:02:03`.
pub(super) fn countdown(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// How long until, for a list: by the minute, so that it stands still, and by the second where it is due soon or `exact`.
pub(super) fn left(span: Duration, exact: bool) -> String {
    const SOON: Duration = Duration::from_mins(2);
    if exact || span < SOON { countdown(span) } else { age(span) }
}

/// The time of day to the second: `02:07:41`.
pub(super) fn clock(at: Timestamp) -> String {
    at.format("%H:%M:%S").to_string()
}

/// The time of day: `01:49`; with the day where it is another one.
pub(super) fn moment(now: Timestamp, at: Timestamp) -> String {
    let form = if now.date_naive() == at.date_naive() { "%H:%M" } else { "%m-%d %H:%M" };
    at.format(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_carry_the_digits_that_matter_and_their_unit() {
        let shares = [(0.0, "0.00 %"), (0.002, "0.20 %"), (0.031, "3.10 %"), (0.246, "24.6 %"), (1.0, "100 %")];
        for (share, text) in shares {
            assert_eq!(percent(share), text);
        }
        let times = [(0.0004, "0 ms"), (0.18, "180 ms"), (0.9996, "1.0 s"), (1.24, "1.2 s"), (12.0, "12 s")];
        for (seconds, text) in times {
            assert_eq!(latency(seconds), text);
        }
        assert_eq!([0, 999, 29_800, 1_000_000].map(count), ["0", "999", "29,800", "1,000,000"]);
        assert_eq!([rate(2.44), rate(240.0)], ["2.4 rps", "240 rps"]);
    }

    #[test]
    fn spans_are_said_in_one_unit_and_counted_down_in_two() {
        let table = [(0, "0 s", "0:00"), (59, "59 s", "0:59"), (719, "11 min", "11:59"), (3_723, "1 h", "1:02:03")];
        for (seconds, said, counted) in table {
            let span = Duration::from_secs(seconds);
            assert_eq!((age(span).as_str(), countdown(span).as_str()), (said, counted));
        }
        assert_eq!(age(Duration::from_hours(72)), "3 d");
    }

    #[test]
    fn a_young_age_is_bounded_by_how_often_it_is_made_young_again_and_never_said_to_be_less_than_it_is() {
        let table = [
            (0, 0, "<10 s"),
            (0, 5, "<20 s"),
            (10, 5, "<20 s"),
            (3, 10, "<30 s"),
            (20, 10, "<30 s"),
            (31, 10, "<1 min"),
            (3, 30, "<1 min"),
            (59, 5, "<1 min"),
            (60, 5, "1 min"),
            (140, 300, "2 min"),
        ];
        for (seconds, every, said) in table {
            assert_eq!(within(Duration::from_secs(seconds), Duration::from_secs(every)), said, "{seconds} {every}");
        }
    }

    #[test]
    fn a_list_counts_down_by_the_minute_until_it_is_due_soon() {
        let said = |seconds, exact| left(Duration::from_secs(seconds), exact);
        assert_eq!([578, 120, 119, 3].map(|seconds| said(seconds, false)), ["9 min", "2 min", "1:59", "0:03"]);
        assert_eq!(said(578, true), "9:38");
    }
}
