//! Evaluates a condition on what was measured, as the engine does with `expr-lang/expr`.
//!
//! Source: argo-rollouts 1.9, `utils/evaluate`.
//!
//! Two ways not to come to an answer are told apart: what upstream would refuse as well (an index that is not there: the
//! measurement is then an Error), and what we do not know (then nothing is recomputed).

use std::cell::Cell;

use super::{
    parse::{Node, parse},
    phase::Phase,
    value::Value,
};

/// A condition takes no more steps than this.
const MOST_STEPS: u32 = 100_000;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Upstream has none either.
    Fails(String),
    /// We do not know what upstream does.
    Unknown(String),
}

fn fails<T>(why: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Fails(why.into()))
}

/// The phase of a measurement from its value. Without conditions it succeeds; with one, the other is its opposite; with both,
/// failure wins, and neither is inconclusive; a condition that cannot be evaluated is an error.
///
/// # Errors
/// Why it cannot be recomputed.
pub(super) fn phase(value: &Value, success: Option<&str>, failure: Option<&str>) -> Result<Phase, String> {
    let holds = |text: Option<&str>| text.map(|text| condition(value, text)).transpose();
    let unless_unknown = |problem| match problem {
        Problem::Fails(_) => Ok(Phase::Error),
        Problem::Unknown(why) => Err(why),
    };
    let success = match holds(success) {
        Ok(success) => success,
        Err(problem) => return unless_unknown(problem),
    };
    let failure = match holds(failure) {
        Ok(failure) => failure,
        Err(problem) => return unless_unknown(problem),
    };
    Ok(match (success, failure) {
        (_, Some(true)) | (Some(false), None) => Phase::Failed,
        (None | Some(true), None | Some(false)) => Phase::Successful,
        (Some(false), Some(false)) => Phase::Inconclusive,
    })
}

/// Does the condition hold?
fn condition(value: &Value, text: &str) -> Result<bool, Problem> {
    let node = parse(text).map_err(|why| Problem::Unknown(format!("`{text}`: {why}")))?;
    let with = |problem| match problem {
        Problem::Fails(why) => Problem::Fails(why),
        Problem::Unknown(why) => Problem::Unknown(format!("`{text}`: {why}")),
    };
    match (Scope { result: value, item: None, steps: &Cell::new(0) }).value(&node).map_err(with)? {
        Value::Bool(it) => Ok(it),
        other => fails(format!("expected bool, but got {}", other.kind())),
    }
}

/// What names mean.
#[derive(Clone, Copy)]
struct Scope<'a> {
    result: &'a Value,
    item: Option<&'a Value>,
    steps: &'a Cell<u32>,
}

impl Scope<'_> {
    fn value(&self, node: &Node) -> Result<Value, Problem> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MOST_STEPS {
            return Err(Problem::Unknown("it takes too many steps".to_owned()));
        }
        match node {
            Node::Nil => Ok(Value::Nil),
            Node::Bool(it) => Ok(Value::Bool(*it)),
            Node::Int(it) => Ok(Value::Int(*it)),
            Node::Float(it) => Ok(Value::Float(*it)),
            Node::Text(it) => Ok(Value::Text(it.clone())),
            Node::Name(name) if name == "result" => Ok(self.result.clone()),
            Node::Name(name) => fails(format!("unknown name {name}")),
            Node::Item => match self.item {
                Some(item) => Ok(item.clone()),
                None => fails("'#' outside of a predicate"),
            },
            Node::List(items) => items.iter().map(|item| self.value(item)).collect::<Result<_, _>>().map(Value::List),
            Node::Field(of, name) => field(self.value(of)?, name),
            Node::Index(of, index) => indexed(self.value(of)?, &self.value(index)?),
            Node::Not(it) => self.truth(it).map(|it| Value::Bool(!it)),
            Node::Minus(it) => match self.value(it)? {
                Value::Int(it) => Ok(Value::Int(it.wrapping_neg())),
                Value::Float(it) => Ok(Value::Float(-it)),
                other => fails(format!("no sign before a {}", other.kind())),
            },
            Node::Choice(condition, one, other) => self.value(if self.truth(condition)? { one } else { other }),
            Node::Binary(operator, left, right) => self.binary(operator, left, right),
            Node::Call(name, arguments) => self.call(name, arguments),
        }
    }

    fn truth(&self, node: &Node) -> Result<bool, Problem> {
        match self.value(node)? {
            Value::Bool(it) => Ok(it),
            other => fails(format!("a {} is no bool", other.kind())),
        }
    }

    fn binary(&self, operator: &str, left: &Node, right: &Node) -> Result<Value, Problem> {
        match operator {
            "or" => return Ok(Value::Bool(self.truth(left)? || self.truth(right)?)),
            "and" => return Ok(Value::Bool(self.truth(left)? && self.truth(right)?)),
            "??" => match self.value(left)? {
                Value::Nil => return self.value(right),
                value => return Ok(value),
            },
            _ => {}
        }
        let (left, right) = (self.value(left)?, self.value(right)?);
        match operator {
            "==" => Ok(Value::Bool(same(&left, &right))),
            "!=" => Ok(Value::Bool(!same(&left, &right))),
            "<" | ">" | "<=" | ">=" => compare(operator, &left, &right),
            "in" => within(&left, &right),
            "contains" | "startsWith" | "endsWith" => match (&left, &right) {
                (Value::Text(text), Value::Text(part)) => Ok(Value::Bool(match operator {
                    "contains" => text.contains(part.as_str()),
                    "startsWith" => text.starts_with(part.as_str()),
                    _ => text.ends_with(part.as_str()),
                })),
                _ => fails(format!("{operator} is about strings")),
            },
            _ => arithmetic(operator, left, right),
        }
    }

    fn call(&self, name: &str, arguments: &[Node]) -> Result<Value, Problem> {
        match (name, arguments) {
            // Upstream asks after the result, whatever the argument is (`defaultFunc`, `isNilFunc`).
            ("default", [of, otherwise]) => {
                let (_, otherwise) = (self.value(of)?, self.value(otherwise)?);
                Ok(if *self.result == Value::Nil { otherwise } else { self.result.clone() })
            }
            ("isNil", [of]) => self.value(of).map(|_| Value::Bool(*self.result == Value::Nil)),
            ("all" | "any" | "none" | "one" | "count" | "filter" | "map", [list, predicate]) => {
                self.predicate(name, list, predicate)
            }
            ("max" | "min" | "sum" | "mean", several) => {
                let several = several.iter().map(|node| self.value(node)).collect::<Result<Vec<_>, _>>()?;
                summary(name, several)
            }
            (_, [one]) => function(name, &self.value(one)?),
            _ => Err(Problem::Unknown(format!("'{name}' with {} arguments is not known here", arguments.len()))),
        }
    }

    fn predicate(&self, name: &str, list: &Node, predicate: &Node) -> Result<Value, Problem> {
        let Value::List(items) = self.value(list)? else { return fails(format!("{name} is about a list")) };
        let of = |item: &Value| Scope { item: Some(item), ..*self }.value(predicate);
        if name == "map" {
            return items.iter().map(of).collect::<Result<_, _>>().map(Value::List);
        }
        let mut kept = Vec::new();
        for item in &items {
            match of(item)? {
                Value::Bool(true) => kept.push(item.clone()),
                Value::Bool(false) => {}
                other => return fails(format!("the predicate of {name} is a {}", other.kind())),
            }
        }
        Ok(match name {
            "all" => Value::Bool(kept.len() == items.len()),
            "any" => Value::Bool(!kept.is_empty()),
            "none" => Value::Bool(kept.is_empty()),
            "one" => Value::Bool(kept.len() == 1),
            "count" => Value::Int(i64::try_from(kept.len()).unwrap_or(i64::MAX)),
            _ => Value::List(kept),
        })
    }
}

fn field(of: Value, name: &str) -> Result<Value, Problem> {
    match of {
        Value::Map(mut fields) => Ok(fields.remove(name).unwrap_or(Value::Nil)),
        other => fails(format!("a {} has no {name}", other.kind())),
    }
}

fn indexed(of: Value, index: &Value) -> Result<Value, Problem> {
    match (of, index) {
        (Value::Map(mut fields), Value::Text(name)) => Ok(fields.remove(name).unwrap_or(Value::Nil)),
        (Value::List(items), Value::Int(index)) => {
            let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let place = if *index < 0 { length + index } else { *index };
            let found = usize::try_from(place).ok().and_then(|place| items.into_iter().nth(place));
            found.ok_or_else(|| Problem::Fails(format!("index out of range: {index} (array length is {length})")))
        }
        (of, index) => fails(format!("a {} has no place for a {}", of.kind(), index.kind())),
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left.number(), right.number()) {
        (Some(left), Some(right)) => equal(left, right),
        _ => left == right,
    }
}

/// Go's `==`, which is IEEE's.
#[expect(clippy::float_cmp, reason = "conditions compare as Go does")]
fn equal(left: f64, right: f64) -> bool {
    left == right
}

fn compare(operator: &str, left: &Value, right: &Value) -> Result<Value, Problem> {
    let order = match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _ => match (left.number(), right.number()) {
            // Nothing is below or above NaN.
            (Some(left), Some(right)) => left.partial_cmp(&right),
            _ => return fails(format!("invalid operation: {} {operator} {}", left.kind(), right.kind())),
        },
    };
    Ok(Value::Bool(order.is_some_and(|order| match operator {
        "<" => order.is_lt(),
        ">" => order.is_gt(),
        "<=" => order.is_le(),
        _ => order.is_ge(),
    })))
}

fn within(left: &Value, right: &Value) -> Result<Value, Problem> {
    match (left, right) {
        (_, Value::Nil) => Ok(Value::Bool(false)),
        (_, Value::List(items)) => Ok(Value::Bool(items.iter().any(|item| same(item, left)))),
        (Value::Text(name), Value::Map(fields)) => Ok(Value::Bool(fields.contains_key(name))),
        _ => fails(format!("nothing is in a {}", right.kind())),
    }
}

fn arithmetic(operator: &str, left: Value, right: Value) -> Result<Value, Problem> {
    let bad = |left: &Value, right: &Value| fails(format!("{} {operator} {}", left.kind(), right.kind()));
    match (operator, left, right) {
        ("+", Value::Text(left), Value::Text(right)) => Ok(Value::Text(left + &right)),
        ("+", Value::Int(left), Value::Int(right)) => Ok(Value::Int(left.wrapping_add(right))),
        ("-", Value::Int(left), Value::Int(right)) => Ok(Value::Int(left.wrapping_sub(right))),
        ("*", Value::Int(left), Value::Int(right)) => Ok(Value::Int(left.wrapping_mul(right))),
        ("%", Value::Int(left), Value::Int(right)) => {
            left.checked_rem(right).map(Value::Int).ok_or_else(|| Problem::Fails("integer divide by zero".to_owned()))
        }
        (_, left, right) => match (operator, left.number(), right.number()) {
            ("+", Some(left), Some(right)) => Ok(Value::Float(left + right)),
            ("-", Some(left), Some(right)) => Ok(Value::Float(left - right)),
            ("*", Some(left), Some(right)) => Ok(Value::Float(left * right)),
            ("/", Some(left), Some(right)) => Ok(Value::Float(left / right)),
            ("**", Some(left), Some(right)) => Ok(Value::Float(left.powf(right))),
            _ => bad(&left, &right),
        },
    }
}

/// Functions of one value: expr's, and those that the engine adds (`isNaN`, `isInf`, `asInt`, `asFloat`).
fn function(name: &str, of: &Value) -> Result<Value, Problem> {
    let bad = || Problem::Fails(format!("{name}() not supported on a {}", of.kind()));
    let number = || of.number().ok_or_else(bad);
    match (name, of) {
        ("len", Value::List(items)) => Ok(length(items.len())),
        ("len", Value::Map(fields)) => Ok(length(fields.len())),
        ("len", Value::Text(text)) => Ok(length(text.chars().count())),
        ("asInt" | "int", Value::Text(text)) => text.parse().map(Value::Int).map_err(|_| bad()),
        ("asFloat" | "float", Value::Text(text)) => text.parse().map(Value::Float).map_err(|_| bad()),
        #[expect(clippy::cast_possible_truncation, reason = "towards zero, as Go does")]
        ("asInt" | "int", _) => number().map(|it| Value::Int(it as i64)),
        ("asFloat" | "float", _) => number().map(Value::Float),
        ("isNaN", _) => number().map(|it| Value::Bool(it.is_nan())),
        ("isInf", _) => number().map(|it| Value::Bool(it.is_infinite())),
        ("abs", _) => number().map(|it| Value::Float(it.abs())),
        ("len", _) => Err(bad()),
        _ => Err(Problem::Unknown(format!("the function '{name}' is not known here"))),
    }
}

fn length(of: usize) -> Value {
    Value::Int(i64::try_from(of).unwrap_or(i64::MAX))
}

/// `max`, `min`, `sum` and `mean` of a list or of several values.
fn summary(name: &str, several: Vec<Value>) -> Result<Value, Problem> {
    let mut numbers = Vec::new();
    for value in several {
        let items = if let Value::List(items) = value { items } else { vec![value] };
        for item in items {
            match item.number() {
                Some(number) => numbers.push(number),
                None => return fails(format!("{name} of a {}", item.kind())),
            }
        }
    }
    let extreme = |of: fn(f64, f64) -> f64| match numbers.iter().copied().reduce(of) {
        _ if numbers.iter().any(|it| it.is_nan()) => {
            Err(Problem::Unknown(format!("{name} of NaN depends on its place")))
        }
        Some(extreme) => Ok(Value::Float(extreme)),
        None => fails(format!("{name} of nothing")),
    };
    let sum: f64 = numbers.iter().sum();
    match name {
        "max" => extreme(f64::max),
        "min" => extreme(f64::min),
        "sum" => Ok(Value::Float(sum)),
        _ if numbers.is_empty() => Ok(Value::Float(0.0)),
        _ => Ok(Value::Float(sum / numbers.len() as f64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::analysis::Form, judge::analysis::value::seen};

    fn prometheus(text: &str) -> Value {
        seen(Form::Numbers, text).unwrap()
    }

    fn holds(value: &Value, text: &str) -> Result<bool, Problem> {
        condition(value, text)
    }

    #[test]
    fn conditions_hold_as_upstream_s_documentation_and_tests_say() {
        let table = [
            ("[0.96]", "result[0] >= 0.95", true),
            ("[0.94]", "result[0] >= 0.95", false),
            ("[0.94]", "result[-1] == 0.94", true),
            ("0.94", "result > 1", false),
            ("[]", "len(result) == 0 || result[0] >= 0.95", true),
            ("[NaN]", "isNaN(result[0]) || result[0] >= 0.95", true),
            ("[NaN]", "result[0] >= 0.95", false),
            ("[NaN]", "result[0] < 0.95", false),
            ("[NaN]", "result[0] != result[0]", true),
            ("+Inf", "isInf(result)", true),
            ("[1,2,3]", "all(result, # > 0) and any(result, {# == 2}) and none(result, # > 3)", true),
            ("[1,2,3]", "len(filter(result, # >= 2)) == 2 and one(result, # == 3) and count(result, # < 3) == 2", true),
            ("[1,2,3]", "max(result) < 3.5 && min(result) == 1 && sum(result) == 6 && mean(result) == 2", true),
            ("[1,2,3]", "2 in result and 5 not in result", true),
            ("[1,2,3]", "(result[0] + result[1] * 2) / 2 == 2.5 && 5 % 3 == 2 && -2 ** 2 == -4", true),
            ("5.7", "asInt(result) == 5 && asFloat('1.5') + 0.5 == 2 && abs(-1) == 1", true),
            ("5", "result > 3 ? true : false", true),
        ];
        for (value, text, expected) in table {
            assert_eq!(holds(&prometheus(value), text), Ok(expected), "{text} of {value}");
        }
        let web = |text| seen(Form::JsonOrText, text).unwrap();
        let table = [
            (r#"{"ok":true,"successPercent":0.95}"#, "result.ok && result.successPercent >= 0.90", true),
            ("It worked!", "result == 'It worked!'", true),
            (r#"{"a":{"values":[{"value":"9901"}]}}"#, "all(result.a.values, {asFloat(.value) >= 9900})", true),
            (
                r#"{"major":"1"}"#,
                "result.minor == nil and 'major' in result and result[\"major\"] startsWith '1'",
                true,
            ),
        ];
        for (value, text, expected) in table {
            assert_eq!(holds(&web(value), text), Ok(expected), "{text} of {value}");
        }
        // Datadog without a point: the default stands for the result.
        assert_eq!(holds(&Value::Nil, "default(result, 0) < 0.05 && isNil(result) && (result ?? 1) == 1"), Ok(true));
        assert_eq!(holds(&Value::Float(0.2), "default(result, 0) < 0.05"), Ok(false));
    }

    #[test]
    fn what_upstream_refuses_fails_and_what_we_do_not_know_is_said() {
        let why = |value: &str, text| match holds(&prometheus(value), text) {
            Err(Problem::Fails(why)) => format!("fails: {why}"),
            Err(Problem::Unknown(why)) => format!("unknown: {why}"),
            Ok(it) => it.to_string(),
        };
        let table = [
            ("[]", "result[0] > 0", "fails: index out of range: 0 (array length is 0)"),
            ("[1]", "result > 0", "fails: invalid operation: list > number"),
            ("[1]", "1", "fails: expected bool, but got number"),
            ("[1]", "a == true", "fails: unknown name a"),
            ("[1]", "result[0] && true", "fails: a number is no bool"),
            ("[1]", "isNaN(result)", "fails: isNaN() not supported on a list"),
            ("[1]", "1 % 0 == 1", "fails: integer divide by zero"),
            ("[1]", "median(result) > 0", "unknown: `median(result) > 0`: the function 'median' is not known here"),
            ("[NaN,1]", "max(result) > 0", "unknown: `max(result) > 0`: max of NaN depends on its place"),
            ("[1]", "result matches 'x'", "unknown: `result matches 'x'`: 'matches' is not known here"),
        ];
        for (value, text, expected) in table {
            assert_eq!(why(value, text), expected, "{text}");
        }
        let many = Value::List(vec![Value::Float(1.0); 1000]);
        let nested = "all(result, {len(filter(result, {len(filter(result, true)) > 0})) > 0})";
        assert_eq!(holds(&many, nested), Err(Problem::Unknown(format!("`{nested}`: it takes too many steps"))));
    }

    /// Upstream's own tests, from `tests/fixtures/vectors/argo-rollouts.json`.
    #[test]
    fn conditions_give_the_phases_of_upstream_s_tests() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/vectors/argo-rollouts.json");
        let all: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let vectors = all["evaluate_conditions"]["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 4);
        for vector in vectors {
            let written = |name: &str| vector[name].as_str().filter(|text| !text.is_empty());
            let value = Value::Bool(vector["result"].as_bool().unwrap());
            let phase = phase(&value, written("successCondition"), written("failureCondition")).unwrap();
            assert_eq!(phase.to_string(), vector["phase"].as_str().unwrap(), "{vector}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_condition_makes_it_panic(
            text in "(result|len|all|max|asInt|default|[(){}#.<>=!&|0-9,' +*/%^?:-]|\\[|\\]){0,24}",
            value in "(\\[([0-9.]{1,4},?){0,3}\\]|NaN|[a-z{}\":0-9]{0,12})",
        ) {
            for form in [Form::Numbers, Form::JsonOrText, Form::Points] {
                if let Some(value) = seen(form, &value) {
                    let _ = condition(&value, &text);
                }
            }
        }
    }
}
