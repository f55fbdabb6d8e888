//! A series in one line of text: a cell for each stretch of time, in eighths of its height. Where nothing was measured there is
//! nothing: a gap is no zero, and what is measured as zero shows as the lowest of the bars.

use std::time::Duration;

use crate::{
    domain::{
        signal::Series,
        time::{Timestamp, age},
    },
    view::span::{Line, Role},
};

/// From the lowest to the highest.
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// The mean of each stretch of the span that ends now, as a bar up to this value. `None` where nothing was measured in all of it.
///
/// The stretches lie on a grid of time, so that one which is over stands still; the last of them is that of the newest value, as long
/// as that is no older than such a stretch.
pub(super) fn bars(
    series: &Series,
    (now, span): (Timestamp, Duration),
    cells: usize,
    top: f64,
    role: Role,
) -> Option<Line> {
    let stretch = span / u32::try_from(cells).ok().filter(|cells| *cells > 0)?;
    let span = stretch.saturating_mul(u32::try_from(cells).ok()?);
    let newest = series.iter().rev().map(|point| point.at).find(|at| *at <= now);
    let now = end(newest.filter(|at| age(now, *at) < stretch).unwrap_or(now), stretch)?;
    let mut sums = vec![(0.0_f64, 0_u32); cells];
    let newest = series.iter().rev().take_while(|point| point.at <= now && age(now, point.at) < span);
    for point in newest.filter(|point| point.value.is_finite()) {
        if let Some((sum, count)) = sums.get_mut(cell(age(now, point.at), span, cells)) {
            (*sum, *count) = (*sum + point.value, *count + 1);
        }
    }
    if sums.iter().all(|(_, count)| *count == 0) {
        return None;
    }
    let bar = |(sum, count): &(f64, u32)| match count {
        0 => " ",
        _ => bar(sum / f64::from(*count) / top),
    };
    Some(Line::of(role, sums.iter().map(bar).collect::<String>()))
}

/// The end of the stretch in which a moment lies; what is measured at its very end belongs to it.
fn end(at: Timestamp, stretch: Duration) -> Option<Timestamp> {
    let stretch = i64::try_from(stretch.as_millis()).ok().filter(|millis| *millis > 0)?;
    let begun = (at.timestamp_millis() - 1).div_euclid(stretch) + 1;
    Timestamp::from_timestamp_millis(begun * stretch)
}

/// The cell in which a point of this age stands, the newest in the last.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1 times a number of cells")]
fn cell(age: Duration, span: Duration, cells: usize) -> usize {
    let back = age.as_secs_f64() / span.as_secs_f64().max(1.0) * cells as f64;
    cells.saturating_sub(1 + (back as usize).min(cells.saturating_sub(1)))
}

/// The bar of a share of the height, 0 to 1; never less than the lowest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1 times eight")]
fn bar(share: f64) -> &'static str {
    let eighths = (share.clamp(0.0, 1.0) * 8.0).ceil() as usize;
    BARS.get(eighths.saturating_sub(1)).copied().unwrap_or("█")
}

/// `██▌░░░░░`: a share of so many cells in eighths; a little is never nothing, and almost everything never all.
pub(super) fn gauge(percent: u32, cells: usize, role: Role) -> Line {
    const PARTS: [&str; 7] = ["▎", "▎", "▍", "▌", "▋", "▊", "▉"];
    let percent = usize::try_from(percent.min(100)).unwrap_or_default();
    let eighths = percent * cells * 8 / 100;
    let least = usize::from(percent > 0);
    let most = cells * 8 - usize::from(percent < 100);
    let eighths = eighths.clamp(least, most.max(least));
    let (full, part) = (eighths / 8, eighths % 8);
    let line = Line::of(role, "█".repeat(full));
    let (line, used) = match part.checked_sub(1).and_then(|part| PARTS.get(part)) {
        Some(part) => (line.and(role, *part), full + 1),
        None => (line, full),
    };
    line.and(Role::Dim, "░".repeat(cells.saturating_sub(used)))
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::domain::signal::Point;

    fn at(second: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_107_160 + second, 0).unwrap()
    }

    fn drawn(points: &[(i64, f64)], cells: usize) -> Option<String> {
        let series = points.iter().map(|(second, value)| Point { at: at(*second), value: *value }).collect();
        let span = (at(100), Duration::from_secs(100));
        bars(&series, span, cells, 0.08, Role::Canary).map(|line| line.plain())
    }

    #[test]
    fn each_cell_is_the_mean_of_its_time_and_a_gap_is_none() {
        assert_eq!(drawn(&[(5, 0.0), (15, 0.01), (55, 0.08), (95, 0.02), (99, 0.06)], 5), Some("▁ █ ▄".to_owned()));
        assert_eq!(drawn(&[(90, 0.3)], 5), Some("    █".to_owned()), "what is above the top ends there");
        assert_eq!(drawn(&[(-50, 0.01), (0, 0.01)], 5), None, "what is older than the span is not in it");
        assert_eq!(drawn(&[], 5), None);
    }

    #[test]
    fn a_trend_stands_still_until_there_is_a_new_value_and_what_is_over_stays_as_it_is() {
        let values = [(5, 0.01), (25, 0.04), (45, 0.08), (65, 0.02), (85, 0.06)];
        let at_second = |second, values: &[(i64, f64)]| {
            let series = values.iter().map(|(second, value)| Point { at: at(*second), value: *value }).collect();
            bars(&series, (at(second), Duration::from_secs(100)), 5, 0.08, Role::Canary).map(|line| line.plain())
        };
        let still: Vec<_> = (86..105).map(|second| at_second(second, &values)).collect();
        assert_eq!(still, vec![Some("▁▄█▂▆".to_owned()); still.len()]);
        let more = [&values[..], &[(101, 0.08)]].concat();
        assert_eq!(at_second(102, &more), Some("▄█▂▆█".to_owned()));
        assert_eq!(at_second(131, &values), Some("█▂▆  ".to_owned()), "what ended is not drawn as if it went on");
    }

    #[test]
    fn a_gauge_is_drawn_in_eighths_and_only_nothing_is_empty_and_only_all_is_full() {
        let drawn = |percent| gauge(percent, 8, Role::Canary).plain();
        let table = [
            (0, "░░░░░░░░"),
            (1, "▎░░░░░░░"),
            (5, "▍░░░░░░░"),
            (25, "██░░░░░░"),
            (30, "██▍░░░░░"),
            (99, "███████▉"),
            (100, "████████"),
        ];
        for (percent, expected) in table {
            assert_eq!(drawn(percent), expected, "{percent} %");
        }
    }
}
