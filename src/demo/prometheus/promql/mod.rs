//! `PromQL`, evaluated over the store as Prometheus 2.42 does it.
//!
//! The grammar is the `promql-parser` crate's. An expression is evaluated for all moments of a query at once: a row is one
//! series' values at each of them. Whatever is not implemented here is an error by name, never an empty answer.
//! `tests/promql_conformance.rs` holds this against a real server.

mod aggregate;
mod binary;
mod call;
mod over_time;
mod quantile;

use std::collections::BTreeMap;

use promql_parser::parser::{Expr, MatrixSelector, Offset, VectorSelector};

use crate::demo::prometheus::store::{Labels, NAME, Series, Store};

/// Longer or deeper queries are refused: nobody writes them, and evaluation recurses.
const LONGEST: usize = 16 * 1024;
const DEEPEST: usize = 100;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fail {
    /// 400: the request makes no sense.
    #[error("{0}")]
    BadData(String),
    /// 422: it makes sense, and evaluating it fails.
    #[error("{0}")]
    Execution(String),
}

impl Fail {
    fn execution(text: impl Into<String>) -> Self {
        Self::Execution(text.into())
    }
}

/// One series' value at each moment; `None` where it has none. NaN is a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) labels: Labels,
    pub(crate) values: Vec<Option<f64>>,
}

/// What an expression gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Scalar(Vec<f64>),
    Text(String),
    Vector(Vec<Row>),
}

/// What everything is evaluated on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) store: &'a Store,
    /// The moments, in milliseconds.
    pub(crate) moments: &'a [i64],
}

/// Reads a query.
pub(crate) fn parse(query: &str) -> Result<Expr, Fail> {
    let wrong = |text: &str| Fail::BadData(format!("invalid parameter \"query\": {text}"));
    if query.trim().is_empty() {
        return Err(wrong("1:1: parse error: no expression found in input"));
    }
    syntax(query).map_err(|text| wrong(&format!("parse error: {text}")))
}

/// Reads an expression, or says why not. Whatever is written, nothing panics: a number that stands where a duration should
/// and is none (`up offset 1e400`, `up[NaN]`) panics inside promql-parser 0.11.1, in `Duration::from_secs_f64`.
pub(crate) fn syntax(text: &str) -> Result<Expr, String> {
    if text.len() > LONGEST || nesting(text) > DEEPEST {
        return Err("the query is too long or nested too deeply for the built-in world".to_owned());
    }
    let parsed = std::panic::catch_unwind(|| promql_parser::parser::parse(text));
    parsed.unwrap_or_else(|_| Err("a number is out of the range of durations".to_owned()))
}

/// No less than the depth of the tree that the parser will make: open parentheses, and operators, which nest to the left.
/// Texts, comments and matchers do not count.
fn nesting(query: &str) -> usize {
    let (mut open, mut deepest, mut operators, mut matchers) = (0_usize, 0, 0, false);
    let (mut word, mut chars) = (String::new(), query.chars().chain([' ']));
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' => {
                while let Some(inner) = chars.next().filter(|inner| *inner != c) {
                    if inner == '\\' {
                        chars.next();
                    }
                }
            }
            '`' => drop(chars.find(|inner| *inner == '`')),
            '#' => drop(chars.find(|inner| *inner == '\n')),
            '{' => matchers = true,
            '}' => matchers = false,
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            '+' | '-' | '*' | '/' | '%' | '^' | '=' | '<' | '>' => operators += usize::from(!matchers),
            _ => {}
        }
        deepest = deepest.max(open);
        if c.is_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        } else {
            operators += usize::from(matches!(word.as_str(), "and" | "or" | "unless" | "atan2"));
            word.clear();
        }
    }
    deepest + operators
}

/// Evaluates an expression at every moment.
pub(crate) fn evaluate(context: Context<'_>, expr: &Expr) -> Result<Value, Fail> {
    match expr {
        Expr::NumberLiteral(number) => Ok(Value::Scalar(vec![number.val; context.moments.len()])),
        Expr::StringLiteral(text) => Ok(Value::Text(text.val.clone())),
        Expr::Paren(inner) => evaluate(context, &inner.expr),
        Expr::Unary(inner) => negate(evaluate(context, &inner.expr)?),
        Expr::VectorSelector(selector) => Ok(Value::Vector(instant(context, selector, |(_, value)| value)?)),
        Expr::Aggregate(inner) => aggregate::evaluate(context, inner),
        Expr::Binary(inner) => binary::evaluate(context, inner),
        Expr::Call(inner) => call::evaluate(context, inner),
        Expr::MatrixSelector(_) => Err(Fail::execution("a range vector can only be an argument of a function")),
        Expr::Subquery(_) => Err(Fail::execution("subqueries are not part of the built-in world")),
        Expr::Extension(_) => Err(Fail::execution("this expression is not part of the built-in world")),
    }
}

/// Evaluates an expression that must be an instant vector.
fn vector(context: Context<'_>, expr: &Expr) -> Result<Vec<Row>, Fail> {
    match evaluate(context, expr)? {
        Value::Vector(rows) => Ok(rows),
        Value::Scalar(_) | Value::Text(_) => Err(Fail::execution("expected an instant vector")),
    }
}

/// Evaluates an expression that must be a scalar.
fn scalar(context: Context<'_>, expr: &Expr) -> Result<Vec<f64>, Fail> {
    match evaluate(context, expr)? {
        Value::Scalar(values) => Ok(values),
        Value::Vector(_) | Value::Text(_) => Err(Fail::execution("expected a scalar")),
    }
}

/// The series of a selector at each moment; `pick` chooses what of a sample counts.
fn instant(
    context: Context<'_>,
    selector: &VectorSelector,
    pick: impl Fn((i64, f64)) -> f64,
) -> Result<Vec<Row>, Fail> {
    let back = offset(selector)?;
    let rows = context.store.select(selector.name.as_deref(), &selector.matchers).into_iter().map(|series| Row {
        labels: series.labels.clone(),
        values: context.moments.iter().map(|at| series.at(at - back).map(&pick)).collect(),
    });
    Ok(without_gaps(rows))
}

/// The series of a range selector, how far back it is shifted and how long it is, both in milliseconds.
pub(crate) fn ranges<'a>(context: Context<'a>, selector: &MatrixSelector) -> Result<(Vec<&'a Series>, i64, i64), Fail> {
    let back = offset(&selector.vs)?;
    let series = context.store.select(selector.vs.name.as_deref(), &selector.vs.matchers);
    Ok((series, back, i64::try_from(selector.range.as_millis()).unwrap_or(i64::MAX / 2)))
}

fn offset(selector: &VectorSelector) -> Result<i64, Fail> {
    if selector.at.is_some() {
        return Err(Fail::execution("the @ modifier is not part of the built-in world"));
    }
    let millis = |span: &std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 2);
    Ok(match &selector.offset {
        None => 0,
        Some(Offset::Pos(span)) => millis(span),
        Some(Offset::Neg(span)) => -millis(span),
    })
}

fn negate(value: Value) -> Result<Value, Fail> {
    match value {
        Value::Scalar(values) => Ok(Value::Scalar(values.into_iter().map(|value| -value).collect())),
        Value::Vector(rows) => Ok(Value::Vector(map(rows, |_, value| -value)?)),
        Value::Text(_) => Err(Fail::execution("a text cannot be negated")),
    }
}

/// Changes every value; the result is no longer the metric that it was, so it loses the name. The function gets the index
/// of the moment.
fn map(rows: Vec<Row>, change: impl Fn(usize, f64) -> f64) -> Result<Vec<Row>, Fail> {
    let rows = rows.into_iter().map(|mut row| {
        row.labels.remove(NAME);
        for (index, value) in row.values.iter_mut().enumerate() {
            *value = value.map(|value| change(index, value));
        }
        row
    });
    unite(rows, "vector cannot contain metrics with the same labelset")
}

/// Rows with equal labels become one. Two values at one moment are an error, in these words.
fn unite(rows: impl IntoIterator<Item = Row>, words: &str) -> Result<Vec<Row>, Fail> {
    let mut united: BTreeMap<Labels, Vec<Option<f64>>> = BTreeMap::new();
    for row in rows {
        let values = united.entry(row.labels).or_insert_with(|| vec![None; row.values.len()]);
        for (value, new) in values.iter_mut().zip(row.values) {
            match (&value, new) {
                (Some(_), Some(_)) => return Err(Fail::execution(words)),
                (None, Some(_)) => *value = new,
                (_, None) => {}
            }
        }
    }
    Ok(without_gaps(united.into_iter().map(|(labels, values)| Row { labels, values })))
}

/// Leaves out the rows that have no value at any moment.
fn without_gaps(rows: impl IntoIterator<Item = Row>) -> Vec<Row> {
    rows.into_iter().filter(|row| row.values.iter().any(Option::is_some)).collect()
}

/// Labels as Prometheus prints them.
fn braces(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    const WORDS: [&str; 34] = [
        "up",
        "x",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "5m",
        "1e400",
        "-1",
        "0",
        "by",
        "on",
        "group_left",
        "rate",
        "sum",
        "topk",
        "histogram_quantile",
        "label_replace",
        "+",
        "/",
        "and",
        "or",
        "=~",
        "!=",
        "\"(.*\"",
        "\"le\"",
        ",",
        "offset",
        "@",
        "bool",
        "NaN",
        "scalar",
    ];

    fn run(query: &str) {
        let store = Store::default();
        if let Ok(expr) = parse(query) {
            let _ = evaluate(Context { store: &store, moments: &[0, 15_000] }, &expr);
        }
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(text in ".*", words in prop::collection::vec(select(WORDS.to_vec()), 0..12)) {
            run(&text);
            run(&words.join(" "));
            run(&words.concat());
        }
    }

    #[test]
    fn a_duration_that_is_none_is_refused_and_the_same_number_elsewhere_is_not() {
        for query in ["up offset 1e400", "up[1e400]", "up offset 1e20", "rate(up[NaN])"] {
            assert!(matches!(parse(query), Err(Fail::BadData(_))), "{query}");
        }
        assert!(parse("up > 1e19").is_ok());
    }

    #[test]
    fn a_query_that_would_exhaust_the_stack_is_refused() {
        let deep = "(".repeat(101) + "1" + &")".repeat(101);
        let chains =
            ["+", "==", " or ", "-", "^"].map(|operator| "up".to_owned() + &format!("{operator}up").repeat(101));
        let hidden = r#"up{a="}\""} + up # "
            "#
        .to_owned()
            + &"+up".repeat(101);
        let long = "u".repeat(LONGEST + 1);
        for query in chains.into_iter().chain([deep, hidden, long, "-".repeat(101) + "1"]) {
            assert!(matches!(parse(&query), Err(Fail::BadData(_))), "{query}");
        }
        run(&("(".repeat(100) + "1" + &")".repeat(100)));
        run(&("up".to_owned() + &"+up".repeat(100)));
    }
}
