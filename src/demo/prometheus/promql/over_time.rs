//! Functions of ranges: `rate` and its kin, extrapolated as Prometheus does it, and the `…_over_time` ones.

use promql_parser::parser::{Call, Expr};

use crate::demo::prometheus::{
    promql::{Context, Fail, Row, Value, ranges, unite},
    store::NAME,
};

/// The samples of one series in one range.
pub(super) struct Window<'a> {
    samples: &'a [(i64, f64)],
    from: i64,
    to: i64,
}

pub(super) type Reduce = fn(&Window<'_>) -> Option<f64>;

/// The function with this name, if it is one of ranges.
pub(super) fn named(name: &str) -> Option<Reduce> {
    Some(match name {
        "rate" => |w| extrapolated(w, true).map(|value| value / ((w.to - w.from) as f64 / 1000.0)),
        "increase" => |w| extrapolated(w, true),
        "delta" => |w| extrapolated(w, false),
        "irate" => {
            |w| last_two(w).map(|(before, last, seconds)| (last - if last < before { 0.0 } else { before }) / seconds)
        }
        "idelta" => |w| last_two(w).map(|(before, last, _)| last - before),
        "resets" => |w| counted(w, |before, after| after < before),
        "changes" => |w| counted(w, |before, after| after.to_bits() != before.to_bits()),
        "sum_over_time" => |w| some(w).map(Iterator::sum),
        "count_over_time" => |w| some(w).map(|values| values.count() as f64),
        "avg_over_time" => |w| some(w).map(|values| values.sum::<f64>() / w.samples.len() as f64),
        "min_over_time" => |w| some(w).and_then(|values| values.reduce(f64::min)),
        "max_over_time" => |w| some(w).and_then(|values| values.reduce(f64::max)),
        "last_over_time" => |w| some(w).and_then(Iterator::last),
        _ => return None,
    })
}

/// Applies it to each series' range at each moment.
pub(super) fn evaluate(context: Context<'_>, call: &Call, reduce: Reduce) -> Result<Value, Fail> {
    let Some(Expr::MatrixSelector(selector)) = call.args.args.first().map(|arg| bare(arg)) else {
        return Err(Fail::execution(format!("{} needs a range like x[5m]", call.func.name)));
    };
    let (series, back, length) = ranges(context, selector)?;
    let rows = series.into_iter().map(|series| {
        let mut labels = series.labels.clone();
        if call.func.name != "last_over_time" {
            labels.remove(NAME);
        }
        let mut samples = Vec::new();
        let values = context.moments.iter().map(|at| {
            let (from, to) = (at - back - length, at - back);
            samples.clear();
            samples.extend(series.range(from, to));
            reduce(&Window { samples: &samples, from, to })
        });
        Row { labels, values: values.collect() }
    });
    Ok(Value::Vector(unite(rows, "vector cannot contain metrics with the same labelset")?))
}

/// Without parentheses around it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => bare(&inner.expr),
        other => other,
    }
}

fn some<'a>(window: &Window<'a>) -> Option<impl Iterator<Item = f64> + use<'a>> {
    (!window.samples.is_empty()).then(|| window.samples.iter().map(|(_, value)| *value))
}

fn counted(window: &Window<'_>, counts: fn(f64, f64) -> bool) -> Option<f64> {
    let _ = window.samples.first()?;
    let pairs = window.samples.iter().zip(window.samples.iter().skip(1));
    Some(pairs.filter(|((_, before), (_, after))| counts(*before, *after)).count() as f64)
}

fn last_two(window: &Window<'_>) -> Option<(f64, f64, f64)> {
    let [.., before, last] = window.samples else { return None };
    Some((before.1, last.1, (last.0 - before.0) as f64 / 1000.0))
}

/// The growth over the whole range, guessed from the samples in it: Prometheus' `extrapolatedRate`. A range that ends less
/// than 1.1 sample distances past the last sample is taken to be covered, else half a distance is added; a counter is not
/// extrapolated below zero.
fn extrapolated(window: &Window<'_>, counter: bool) -> Option<f64> {
    let [first, .., last] = window.samples else { return None };
    let mut growth = last.1 - first.1;
    if counter {
        let pairs = window.samples.iter().zip(window.samples.iter().skip(1));
        growth += pairs.filter(|(before, after)| after.1 < before.1).map(|(before, _)| before.1).sum::<f64>();
    }
    let seconds = |millis: i64| millis as f64 / 1000.0;
    let sampled = seconds(last.0 - first.0);
    let distance = sampled / (window.samples.len() - 1) as f64;
    let mut to_start = seconds(first.0 - window.from);
    let to_end = seconds(window.to - last.0);
    if counter && growth > 0.0 && first.1 >= 0.0 {
        to_start = to_start.min(sampled * (first.1 / growth));
    }
    let covered = |gap: f64| if gap < distance * 1.1 { gap } else { distance / 2.0 };
    Some(growth * ((sampled + covered(to_start) + covered(to_end)) / sampled))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, samples: &[(i64, f64)]) -> Option<f64> {
        let samples: Vec<_> = samples.iter().map(|(second, value)| (second * 1000, *value)).collect();
        named(name).unwrap()(&Window { samples: &samples, from: 0, to: 60_000 })
    }

    #[test]
    fn a_rate_is_extrapolated_to_the_whole_range_and_counts_a_reset_as_a_start_from_zero() {
        assert_eq!(of("increase", &[(0, 10.0), (15, 20.0), (30, 30.0), (45, 40.0), (60, 50.0)]), Some(40.0));
        assert_eq!(of("rate", &[(15, 100.0), (30, 115.0), (45, 130.0)]), Some(1.0));
        assert_eq!(of("increase", &[(0, 30.0), (30, 10.0), (60, 20.0)]), Some(20.0));
        // Only a third of the range has samples: half a distance is added on the far side.
        assert_eq!(of("increase", &[(45, 100.0), (60, 115.0)]), Some(22.5));
        // A counter that began at zero is not extrapolated to before its begin.
        assert_eq!(of("increase", &[(10, 0.0), (20, 10.0), (60, 50.0)]), Some(50.0));
    }

    #[test]
    fn one_sample_has_no_rate_and_no_sample_has_no_sum() {
        assert_eq!(of("rate", &[(30, 1.0)]), None);
        assert_eq!(of("sum_over_time", &[]), None);
        assert_eq!(of("changes", &[(0, 1.0), (15, 1.0), (30, 2.0)]), Some(1.0));
    }
}
