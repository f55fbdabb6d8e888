//! Functions of instant vectors and scalars.

use promql_parser::{
    label::{MatchOp, Matcher},
    parser::{Call, Expr, VectorSelector, token::T_EQL_REGEX},
};

use crate::demo::prometheus::{
    promql::{Context, Fail, Row, Value, instant, map, over_time, quantile, scalar, unite, vector},
    store::{Labels, NAME},
};

/// Evaluates a call. The parser has checked the number of arguments and their types.
pub(super) fn evaluate(context: Context<'_>, call: &Call) -> Result<Value, Fail> {
    let name = call.func.name;
    if let Some(reduce) = over_time::named(name) {
        return over_time::evaluate(context, call, reduce);
    }
    if let Some(change) = pointwise(name) {
        return Ok(Value::Vector(map(vector(context, argument(call, 0)?)?, |_, value| change(value))?));
    }
    let seconds = || context.moments.iter().map(|at| *at as f64 / 1000.0);
    match name {
        "time" => Ok(Value::Scalar(seconds().collect())),
        "vector" => {
            let values = scalar(context, argument(call, 0)?)?;
            Ok(Value::Vector(vec![Row { labels: Labels::new(), values: values.into_iter().map(Some).collect() }]))
        }
        "scalar" => Ok(Value::Scalar(single(context, &vector(context, argument(call, 0)?)?))),
        "timestamp" => timestamp(context, argument(call, 0)?),
        "absent" => absent(context, argument(call, 0)?),
        "histogram_quantile" => {
            let quantiles = scalar(context, argument(call, 0)?)?;
            Ok(Value::Vector(quantile::histogram_quantile(&quantiles, vector(context, argument(call, 1)?)?)))
        }
        "clamp_min" | "clamp_max" | "clamp" => clamp(context, call),
        "label_replace" => label_replace(context, call),
        _ => Err(Fail::execution(format!("the function {name} is not part of the built-in world"))),
    }
}

fn pointwise(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "sqrt" => f64::sqrt,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        _ => return None,
    })
}

fn argument(call: &Call, index: usize) -> Result<&Expr, Fail> {
    let argument = call.args.args.get(index).map(|arg| &**arg);
    argument.ok_or_else(|| Fail::execution(format!("{} lacks an argument", call.func.name)))
}

fn text(call: &Call, index: usize) -> Result<&str, Fail> {
    match argument(call, index)? {
        Expr::StringLiteral(text) => Ok(&text.val),
        _ => Err(Fail::execution(format!("{} needs a text here", call.func.name))),
    }
}

/// The value of the only series at each moment; NaN where there is none or more than one.
fn single(context: Context<'_>, rows: &[Row]) -> Vec<f64> {
    let at = |moment: usize| {
        let mut values = rows.iter().filter_map(|row| row.values.get(moment).copied().flatten());
        match (values.next(), values.next()) {
            (Some(value), None) => value,
            _ => f64::NAN,
        }
    };
    (0..context.moments.len()).map(at).collect()
}

/// The time of the sample for a plain selector, else the time of evaluation.
fn timestamp(context: Context<'_>, expr: &Expr) -> Result<Value, Fail> {
    let rows = if let Expr::VectorSelector(selector) = expr {
        map(instant(context, selector, |(at, _)| at as f64 / 1000.0)?, |_, value| value)?
    } else {
        let at = |index| context.moments.get(index).map_or(f64::NAN, |at: &i64| *at as f64 / 1000.0);
        map(vector(context, expr)?, |index, _| at(index))?
    };
    Ok(Value::Vector(rows))
}

/// 1 at each moment at which the vector is empty, with the labels that its selector asks for by equality.
fn absent(context: Context<'_>, expr: &Expr) -> Result<Value, Fail> {
    let rows = vector(context, expr)?;
    let labels = match expr {
        Expr::VectorSelector(VectorSelector { matchers, .. }) => {
            let equal = |matcher: &&Matcher| matcher.op == MatchOp::Equal && matcher.name != NAME;
            let names: Vec<&str> = matchers.matchers.iter().map(|matcher| matcher.name.as_str()).collect();
            let once = |matcher: &&Matcher| names.iter().filter(|name| **name == matcher.name).count() == 1;
            let asked = matchers.matchers.iter().filter(equal).filter(once);
            asked.map(|matcher| (matcher.name.clone(), matcher.value.clone())).collect()
        }
        _ => Labels::new(),
    };
    let is_absent = |moment: usize| rows.iter().all(|row| row.values.get(moment).copied().flatten().is_none());
    let values = (0..context.moments.len()).map(|moment| is_absent(moment).then_some(1.0)).collect();
    Ok(Value::Vector(unite([Row { labels, values }], "absent has one result")?))
}

fn clamp(context: Context<'_>, call: &Call) -> Result<Value, Fail> {
    let rows = vector(context, argument(call, 0)?)?;
    let bound = scalar(context, argument(call, 1)?)?;
    let upper = if call.func.name == "clamp" { scalar(context, argument(call, 2)?)? } else { bound.clone() };
    let at = |bounds: &[f64], index: usize| bounds.get(index).copied().unwrap_or(f64::NAN);
    if call.func.name == "clamp" && (0..bound.len()).any(|index| at(&bound, index) > at(&upper, index)) {
        return Err(Fail::execution("clamp with a minimum above its maximum is not part of the built-in world"));
    }
    // `f64::max` and `min` would let a number win over NaN; in Prometheus NaN wins.
    let max = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) };
    let min = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) };
    let rows = match call.func.name {
        "clamp_min" => map(rows, |index, value| max(value, at(&bound, index)))?,
        "clamp_max" => map(rows, |index, value| min(value, at(&bound, index)))?,
        _ => map(rows, |index, value| max(at(&bound, index), min(value, at(&upper, index))))?,
    };
    Ok(Value::Vector(rows))
}

/// `label_replace(v, dst, replacement, src, regex)`: where the whole of `src` matches, `dst` becomes the replacement with
/// its `$1` and `${name}` filled in; empty removes it.
fn label_replace(context: Context<'_>, call: &Call) -> Result<Value, Fail> {
    let rows = vector(context, argument(call, 0)?)?;
    let (target, replacement, source, pattern) = (text(call, 1)?, text(call, 2)?, text(call, 3)?, text(call, 4)?);
    // The parser's way to read a pattern: anchored, and with braces as Go takes them.
    let matcher = Matcher::new_matcher(T_EQL_REGEX, source.to_owned(), pattern.to_owned());
    let Ok(MatchOp::Re(regex)) = matcher.map(|matcher| matcher.op) else {
        return Err(Fail::execution(format!("invalid regular expression in label_replace(): {pattern}")));
    };
    let is_name = |name: &str| {
        let mut letters = name.chars();
        let first = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        first && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if !is_name(target) {
        return Err(Fail::execution(format!("invalid destination label name in label_replace(): {target}")));
    }
    let replaced = rows.into_iter().map(|mut row| {
        let value = row.labels.get(source).map(String::as_str).unwrap_or_default();
        if let Some(captures) = regex.captures(value) {
            let mut filled = String::new();
            captures.expand(replacement, &mut filled);
            if filled.is_empty() {
                row.labels.remove(target);
            } else {
                row.labels.insert(target.to_owned(), filled);
            }
        }
        row
    });
    Ok(Value::Vector(unite(replaced, "vector cannot contain metrics with the same labelset")?))
}
