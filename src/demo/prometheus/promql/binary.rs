//! Operators between two expressions: arithmetic, comparisons, sets, and the matching of vectors.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use crate::demo::prometheus::{
    promql::{Context, Fail, Row, Value, braces, evaluate as operand, unite, without_gaps},
    store::{Labels, NAME},
};

/// What an operator does with two numbers: a result, or whether the left one stays.
#[derive(Clone, Copy)]
enum Operator {
    Arithmetic(fn(f64, f64) -> f64),
    Comparison(fn(f64, f64) -> bool),
}

impl Operator {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "+" => Self::Arithmetic(|a, b| a + b),
            "-" => Self::Arithmetic(|a, b| a - b),
            "*" => Self::Arithmetic(|a, b| a * b),
            "/" => Self::Arithmetic(|a, b| a / b),
            "%" => Self::Arithmetic(|a, b| a % b),
            "^" => Self::Arithmetic(f64::powf),
            "==" => Self::Comparison(|a, b| a.partial_cmp(&b) == Some(Ordering::Equal)),
            "!=" => Self::Comparison(|a, b| a.partial_cmp(&b) != Some(Ordering::Equal)),
            ">" => Self::Comparison(|a, b| a > b),
            "<" => Self::Comparison(|a, b| a < b),
            ">=" => Self::Comparison(|a, b| a >= b),
            "<=" => Self::Comparison(|a, b| a <= b),
            _ => return None,
        })
    }

    /// The result; `kept` is what a comparison that holds keeps. With `bool` it is 1 or 0.
    fn apply(self, left: f64, right: f64, kept: f64, as_bool: bool) -> Option<f64> {
        match self {
            Self::Arithmetic(result) => Some(result(left, right)),
            Self::Comparison(holds) if as_bool => Some(f64::from(u8::from(holds(left, right)))),
            Self::Comparison(holds) => holds(left, right).then_some(kept),
        }
    }

    /// Is the result another thing than the operand, so that it loses the name?
    fn renames(self, as_bool: bool) -> bool {
        as_bool || matches!(self, Self::Arithmetic(_))
    }
}

/// Evaluates a binary expression.
pub(super) fn evaluate(context: Context<'_>, expr: &BinaryExpr) -> Result<Value, Fail> {
    let (left, right) = (operand(context, &expr.lhs)?, operand(context, &expr.rhs)?);
    let name = expr.op.to_string();
    let plain = BinModifier::default();
    let modifier = expr.modifier.as_ref().unwrap_or(&plain);
    if modifier.fill_values != plain.fill_values {
        return Err(Fail::execution("fill modifiers are not part of the built-in world"));
    }
    if let (true, Value::Vector(left), Value::Vector(right)) = (expr.op.is_set_operator(), &left, &right) {
        return Ok(Value::Vector(sets(&name, left, right, modifier)));
    }
    let Some(operator) = Operator::named(&name) else {
        return Err(Fail::execution(format!("the operator {name} is not part of the built-in world")));
    };
    let as_bool = modifier.return_bool;
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let pairs = left.into_iter().zip(right);
            let values = pairs.map(|(a, b)| operator.apply(a, b, a, as_bool).unwrap_or(f64::NAN));
            Ok(Value::Scalar(values.collect()))
        }
        (Value::Vector(rows), Value::Scalar(numbers)) => {
            with_scalar(rows, &numbers, operator, as_bool, |row, number| (row, number))
        }
        (Value::Scalar(numbers), Value::Vector(rows)) => {
            with_scalar(rows, &numbers, operator, as_bool, |row, number| (number, row))
        }
        (Value::Vector(left), Value::Vector(right)) => vectors(&left, &right, operator, modifier).map(Value::Vector),
        (Value::Text(_), _) | (_, Value::Text(_)) => Err(Fail::execution(format!("{name} does not work on a text"))),
    }
}

fn with_scalar(
    rows: Vec<Row>,
    numbers: &[f64],
    operator: Operator,
    as_bool: bool,
    sides: fn(f64, f64) -> (f64, f64),
) -> Result<Value, Fail> {
    let rows = rows.into_iter().map(|mut row| {
        if operator.renames(as_bool) {
            row.labels.remove(NAME);
        }
        for (value, number) in row.values.iter_mut().zip(numbers) {
            *value = value.and_then(|value| {
                let (left, right) = sides(value, *number);
                operator.apply(left, right, value, as_bool)
            });
        }
        row
    });
    Ok(Value::Vector(unite(rows, "vector cannot contain metrics with the same labelset")?))
}

/// The labels by which rows of both sides find one another.
fn signature(labels: &Labels, matching: Option<&LabelModifier>) -> Labels {
    let mut labels = labels.clone();
    match matching {
        Some(LabelModifier::Include(on)) => labels.retain(|name, _| on.labels.contains(name)),
        Some(LabelModifier::Exclude(ignored)) => {
            labels.retain(|name, _| name != NAME && !ignored.labels.contains(name));
        }
        None => {
            labels.remove(NAME);
        }
    }
    labels
}

/// By signature, the moments at which any row has a value.
fn present(rows: &[Row], matching: Option<&LabelModifier>) -> BTreeMap<Labels, Vec<bool>> {
    let mut present: BTreeMap<Labels, Vec<bool>> = BTreeMap::new();
    for row in rows {
        let moments = present.entry(signature(&row.labels, matching)).or_insert_with(|| vec![false; row.values.len()]);
        for (there, value) in moments.iter_mut().zip(&row.values) {
            *there |= value.is_some();
        }
    }
    present
}

/// `and`, `or`, `unless`: decided at each moment.
fn sets(name: &str, left: &[Row], right: &[Row], modifier: &BinModifier) -> Vec<Row> {
    let matching = modifier.matching.as_ref();
    let keep = |rows: &[Row], others: &BTreeMap<Labels, Vec<bool>>, when_there: bool| -> Vec<Row> {
        let kept = rows.iter().cloned().map(|mut row| {
            let there = others.get(&signature(&row.labels, matching));
            for (moment, value) in row.values.iter_mut().enumerate() {
                if there.and_then(|there| there.get(moment)).copied().unwrap_or_default() != when_there {
                    *value = None;
                }
            }
            row
        });
        without_gaps(kept)
    };
    match name {
        "and" => keep(left, &present(right, matching), true),
        "unless" => keep(left, &present(right, matching), false),
        _ => {
            let mut all = left.to_vec();
            all.extend(keep(right, &present(left, matching), false));
            all
        }
    }
}

/// Arithmetic and comparisons between vectors. The side that may have only one row for a signature is the right one, unless
/// `group_right` says otherwise.
fn vectors(left: &[Row], right: &[Row], operator: Operator, modifier: &BinModifier) -> Result<Vec<Row>, Fail> {
    let (swapped, include) = match &modifier.card {
        VectorMatchCardinality::OneToMany(labels) => (true, Some(labels)),
        VectorMatchCardinality::ManyToOne(labels) => (false, Some(labels)),
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => (false, None),
    };
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let matching = modifier.matching.as_ref();
    let ones = only_ones(one, matching, if swapped { "left" } else { "right" })?;
    let one_to_one = modifier.card == VectorMatchCardinality::OneToOne;
    let mut taken: BTreeSet<(Labels, usize)> = BTreeSet::new();
    let mut results = Vec::new();
    for row in many {
        let signature = signature(&row.labels, matching);
        for partner in ones.get(&signature).into_iter().flatten() {
            let pairs = row.values.iter().zip(&partner.values);
            let values = pairs.map(|(value, other)| {
                let (value, other) = ((*value)?, (*other)?);
                let (a, b) = if swapped { (other, value) } else { (value, other) };
                operator.apply(a, b, a, modifier.return_bool)
            });
            let values: Vec<Option<f64>> = values.collect();
            let moments = values.iter().enumerate().filter(|(_, value)| value.is_some());
            for (moment, _) in moments {
                if one_to_one && !taken.insert((signature.clone(), moment)) {
                    let words =
                        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
                    return Err(Fail::execution(words));
                }
            }
            let mut labels = result_labels(row, operator, modifier, one_to_one);
            for name in include.into_iter().flat_map(|labels| &labels.labels) {
                match partner.labels.get(name) {
                    Some(value) => labels.insert(name.clone(), value.clone()),
                    None => labels.remove(name),
                };
            }
            results.push(Row { labels, values });
        }
    }
    unite(results, "multiple matches for labels: grouping labels must ensure unique matches")
}

/// The rows of the side that must be unique, by signature; two with a value at one moment are an error.
fn only_ones<'a>(
    rows: &'a [Row],
    matching: Option<&LabelModifier>,
    side: &str,
) -> Result<BTreeMap<Labels, Vec<&'a Row>>, Fail> {
    let mut ones: BTreeMap<Labels, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let signature = signature(&row.labels, matching);
        let others = ones.entry(signature.clone()).or_default();
        let clash = |other: &&&Row| other.values.iter().zip(&row.values).any(|(a, b)| a.is_some() && b.is_some());
        if let Some(other) = others.iter().find(clash) {
            return Err(Fail::execution(format!(
                "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];\
                 many-to-many matching not allowed: matching labels must be unique on one side",
                braces(&signature),
                braces(&row.labels),
                braces(&other.labels)
            )));
        }
        others.push(row);
    }
    Ok(ones)
}

fn result_labels(row: &Row, operator: Operator, modifier: &BinModifier, one_to_one: bool) -> Labels {
    let mut labels = row.labels.clone();
    if operator.renames(modifier.return_bool) {
        labels.remove(NAME);
    }
    match (&modifier.matching, one_to_one) {
        (Some(LabelModifier::Include(on)), true) => labels.retain(|name, _| on.labels.contains(name)),
        (Some(LabelModifier::Exclude(ignored)), true) => labels.retain(|name, _| !ignored.labels.contains(name)),
        _ => {}
    }
    labels
}
