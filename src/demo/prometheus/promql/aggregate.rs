//! Aggregation over series: `sum`, `min`, `max`, `avg`, `count`, `group`, `topk`, `bottomk`, with `by` and `without`.

use std::collections::BTreeMap;

use promql_parser::parser::{AggregateExpr, LabelModifier};

use crate::demo::prometheus::{
    promql::{Context, Fail, Row, Value, scalar, vector, without_gaps},
    store::{Labels, NAME},
};

/// Evaluates an aggregation.
pub(super) fn evaluate(context: Context<'_>, expr: &AggregateExpr) -> Result<Value, Fail> {
    let name = expr.op.to_string();
    let rows = vector(context, &expr.expr)?;
    let mut groups: BTreeMap<Labels, Vec<Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(group(&row.labels, expr.modifier.as_ref())).or_default().push(row);
    }
    if let (Some(param), "topk" | "bottomk") = (&expr.param, name.as_str()) {
        let most = scalar(context, param)?;
        let kept = groups.into_values().flat_map(|rows| extremes(rows, &most, name == "topk"));
        return Ok(Value::Vector(without_gaps(kept)));
    }
    let Some(reduce) = named(&name) else {
        return Err(Fail::execution(format!("the aggregation {name} is not part of the built-in world")));
    };
    let rows = groups.into_iter().map(|(labels, rows)| {
        let values = (0..context.moments.len()).map(|moment| {
            let mut values = rows.iter().filter_map(|row| row.values.get(moment).copied().flatten()).peekable();
            values.peek().is_some().then(|| reduce(&mut values))
        });
        Row { labels, values: values.collect() }
    });
    Ok(Value::Vector(without_gaps(rows)))
}

/// The labels of the group that a series belongs to.
fn group(labels: &Labels, modifier: Option<&LabelModifier>) -> Labels {
    match modifier {
        None => Labels::new(),
        Some(LabelModifier::Include(kept)) => {
            let pair = |name: &String| labels.get_key_value(name).map(|(name, value)| (name.clone(), value.clone()));
            kept.labels.iter().filter_map(pair).collect()
        }
        Some(LabelModifier::Exclude(dropped)) => {
            let mut labels = labels.clone();
            labels.retain(|name, _| name != NAME && !dropped.labels.contains(name));
            labels
        }
    }
}

type Reduce = fn(&mut dyn Iterator<Item = f64>) -> f64;

/// The aggregation with this name; it is never given nothing.
fn named(name: &str) -> Option<Reduce> {
    Some(match name {
        "sum" => |values| values.sum(),
        "count" => |values| values.count() as f64,
        "group" => |_| 1.0,
        "avg" => |values| {
            let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
            sum / count
        },
        // NaN gives way to every number, as `f64::min` and `max` have it and Prometheus too.
        "min" => |values| values.fold(f64::NAN, f64::min),
        "max" => |values| values.fold(f64::NAN, f64::max),
        _ => return None,
    })
}

/// The rows of one group, each only at the moments at which it is among the extremes.
fn extremes(mut rows: Vec<Row>, most: &[f64], largest: bool) -> Vec<Row> {
    for (moment, most) in most.iter().enumerate() {
        let mut ranked: Vec<(usize, f64)> = rows
            .iter()
            .enumerate()
            .filter_map(|(index, row)| Some((index, row.values.get(moment).copied().flatten()?)))
            .collect();
        ranked.sort_by(|(_, one), (_, two)| match (one.is_nan(), two.is_nan()) {
            (true, other) => true.cmp(&other),
            (false, true) => std::cmp::Ordering::Less,
            (false, false) if largest => two.total_cmp(one),
            (false, false) => one.total_cmp(two),
        });
        let losers = ranked.iter().enumerate().skip_while(|(rank, _)| (*rank as f64) < most.floor());
        for (_, (index, _)) in losers {
            if let Some(value) = rows.get_mut(*index).and_then(|row| row.values.get_mut(moment)) {
                *value = None;
            }
        }
    }
    rows
}
