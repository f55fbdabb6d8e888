//! GraphQL for pretended systems that speak it: reading a query, and cutting what it selects out of the full picture of an object.
//!
//! Selections, aliases, arguments, variables and inline fragments; no directives or named fragments. Here must not live: what any
//! system has.

use serde_json::{Map, Value, json};

/// One selected field.
#[derive(Debug, PartialEq)]
pub(in crate::demo) struct Field {
    /// Under which name it is answered.
    pub(in crate::demo) called: String,
    pub(in crate::demo) name: String,
    pub(in crate::demo) args: Map<String, Value>,
    pub(in crate::demo) of: Vec<Part>,
}

impl Field {
    /// What a picture has it under where it depends on how it is asked for: `pipelines(status: MANUAL)`.
    fn chosen(&self) -> String {
        let pages = |name: &str| ["first", "last", "after"].contains(&name);
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let asked = self.args.iter().filter(|(name, _)| !pages(name));
        let asked: Vec<String> = asked.map(|(name, value)| format!("{name}: {}", plain(value))).collect();
        format!("{}({})", self.name, asked.join(", "))
    }
}

/// One part of a selection.
#[derive(Debug, PartialEq)]
pub(in crate::demo) enum Part {
    Field(Field),
    /// `... on Type { … }`.
    On(String, Vec<Part>),
}

/// How deep selections may nest.
const DEEPEST: usize = 24;

/// Reads tokens: names, `$names`, numbers, strings and punctuation.
pub(in crate::demo) struct Reader<'a> {
    tokens: Vec<&'a str>,
    at: usize,
    variables: &'a Value,
}

impl<'a> Reader<'a> {
    pub(in crate::demo) fn new(text: &'a str, variables: &'a Value) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || c == '-';
            let length = match first {
                '#' => rest.find('\n').unwrap_or(rest.len()),
                '"' => rest.get(1..).and_then(|tail| tail.find('"')).map_or(rest.len(), |end| end + 2),
                c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
                _ if rest.starts_with("...") => 3,
                c => c.len_utf8(),
            };
            let (token, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
            if !first.is_whitespace() && !matches!(first, ',' | '#') {
                tokens.push(token);
            }
            rest = tail;
        }
        Self { tokens, at: 0, variables }
    }

    fn peek(&self) -> &'a str {
        self.tokens.get(self.at).copied().unwrap_or_default()
    }

    fn take(&mut self) -> &'a str {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        match self.take() {
            token if token == wanted => Ok(()),
            token => Err(format!("Expected \"{wanted}\", actual: \"{token}\"")),
        }
    }

    /// `query Name($v: Type!) { … }`: the root selection of the first operation.
    pub(in crate::demo) fn operation(&mut self) -> Result<Vec<Part>, String> {
        while !matches!(self.peek(), "" | "{" | "(") {
            self.take();
        }
        if self.peek() == "(" {
            while !matches!(self.take(), "" | ")") {}
        }
        let parts = self.selection(0)?;
        match self.peek() {
            "" => Ok(parts),
            token => Err(format!("Expected the end of the document, actual: \"{token}\"")),
        }
    }

    fn selection(&mut self, depth: usize) -> Result<Vec<Part>, String> {
        if depth > DEEPEST {
            return Err("The query is nested too deeply".to_owned());
        }
        self.expect("{")?;
        let mut parts = Vec::new();
        loop {
            match self.take() {
                "}" => return Ok(parts),
                "..." => {
                    self.expect("on")?;
                    let kind = self.take().to_owned();
                    parts.push(Part::On(kind, self.selection(depth + 1)?));
                }
                called if called.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => {
                    let aliased = self.peek() == ":";
                    let name = if aliased { (self.take(), self.take()).1 } else { called };
                    let args = if self.peek() == "(" { self.arguments()? } else { Map::new() };
                    let of = if self.peek() == "{" { self.selection(depth + 1)? } else { Vec::new() };
                    parts.push(Part::Field(Field { called: called.to_owned(), name: name.to_owned(), args, of }));
                }
                token => return Err(format!("Expected a field, actual: \"{token}\"")),
            }
        }
    }

    fn arguments(&mut self) -> Result<Map<String, Value>, String> {
        self.expect("(")?;
        let mut args = Map::new();
        while self.peek() != ")" {
            let name = self.take().to_owned();
            self.expect(":")?;
            args.insert(name, self.value(0)?);
        }
        self.expect(")")?;
        Ok(args)
    }

    /// A variable, an object, a constant; a bare word is a value of an enumeration.
    fn value(&mut self, depth: usize) -> Result<Value, String> {
        let token = self.take();
        if token == "{" && depth < DEEPEST {
            let mut object = Map::new();
            while self.peek() != "}" {
                let name = self.take().to_owned();
                self.expect(":")?;
                object.insert(name, self.value(depth + 1)?);
            }
            self.expect("}")?;
            return Ok(Value::Object(object));
        }
        if let Some(variable) = token.strip_prefix('$') {
            return Ok(self.variables.get(variable).cloned().unwrap_or(Value::Null));
        }
        if token.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Ok(Value::from(token));
        }
        serde_json::from_str(token).map_err(|_| format!("Unexpected value \"{token}\""))
    }
}

/// Cuts a selection out of the full picture of an object, which names its type under `__typename`.
fn cut(full: &Value, parts: &[Part]) -> Result<Value, String> {
    let kind = full.get("__typename").and_then(Value::as_str).unwrap_or("Query");
    let mut chosen = Map::new();
    for part in parts {
        match part {
            Part::On(on, of) if on == kind => {
                if let Value::Object(more) = cut(full, of)? {
                    chosen.extend(more);
                }
            }
            Part::On(..) => {}
            Part::Field(field) => {
                let name = &field.name;
                let value = full.get(field.chosen().as_str()).or_else(|| full.get(name));
                let value = value.ok_or_else(|| format!("Field '{name}' doesn't exist on type '{kind}'"))?;
                chosen.insert(field.called.clone(), below(value, field)?);
            }
        }
    }
    Ok(Value::Object(chosen))
}

/// A field's value: lists item by item, connections cut to `first`, behind the place that `after` names.
pub(in crate::demo) fn below(value: &Value, field: &Field) -> Result<Value, String> {
    match value {
        Value::Array(items) => items.iter().map(|item| below(item, field)).collect::<Result<_, _>>().map(Value::Array),
        Value::Object(_) if field.of.is_empty() => Err(format!("Field '{}' must have selections", field.name)),
        Value::Object(object) => {
            let number = |name| field.args.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
            match (object.get("nodes"), number("first").or(number("last"))) {
                (Some(Value::Array(nodes)), Some(most)) => {
                    let mut object = object.clone();
                    let cursor = field.args.get("after").and_then(Value::as_str).and_then(|text| text.parse().ok());
                    let back = || nodes.len().saturating_sub(most);
                    let skipped: usize = if number("first").is_some() { cursor.unwrap_or(0) } else { back() };
                    let end = nodes.len().min(skipped.saturating_add(most));
                    object.insert("nodes".into(), nodes.iter().skip(skipped).take(most).cloned().collect());
                    if let Some(page) = object.get_mut("pageInfo") {
                        *page = json!({ "hasNextPage": end < nodes.len(), "endCursor": end.to_string() });
                    }
                    cut(&Value::Object(object), &field.of)
                }
                (Some(_), None) => Err(format!("You must provide a `first` value to paginate '{}'", field.name)),
                _ => cut(value, &field.of),
            }
        }
        plain => Ok(plain.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(query: &str, full: &Value) -> Result<Value, String> {
        let variables = json!({ "w": ["a"] });
        cut(full, &Reader::new(query, &variables).operation()?)
    }

    #[test]
    fn only_what_is_selected_comes_back() {
        let full = json!({ "a": { "b": 1, "c": 2 }, "d": [{ "e": null, "f": 1 }] });
        assert_eq!(
            answer("query X($w: [ID!]!) { a { b } d { e } } # end", &full).unwrap(),
            json!({ "a": { "b": 1 }, "d": [{ "e": null }] })
        );
    }

    #[test]
    fn a_fragment_speaks_of_its_type_only() {
        let full = json!({ "n": [{ "__typename": "A", "x": 1 }, { "__typename": "B", "y": 2 }] });
        assert_eq!(
            answer("{ n { __typename ... on A { x } } }", &full).unwrap(),
            json!({ "n": [{ "__typename": "A", "x": 1 }, { "__typename": "B" }] })
        );
    }

    #[test]
    fn a_connection_gives_the_first_that_were_asked_for_and_insists_on_a_number() {
        let full = json!({ "all": { "nodes": [{ "x": 1 }, { "x": 2 }] } });
        assert_eq!(
            answer("{ all(first: 1) { nodes { x } } }", &full).unwrap(),
            json!({ "all": { "nodes": [{ "x": 1 }] } })
        );
        assert_eq!(
            answer("{ all { nodes { x } } }", &full).unwrap_err(),
            "You must provide a `first` value to paginate 'all'"
        );
    }

    #[test]
    fn pages_follow_each_other_and_a_field_may_depend_on_how_it_is_asked_for() {
        let nodes = |names: &[&str]| json!({ "nodes": names.iter().map(|name| json!({ "x": name })).collect::<Vec<_>>(), "pageInfo": {} });
        let full = json!({ "all": nodes(&["a"]), "all(state: OPEN)": nodes(&["b", "c", "d"]) });
        let page = |after: &str| {
            let query = format!(
                "{{ all(state: OPEN, first: 2{after}) {{ nodes {{ x }} pageInfo {{ hasNextPage endCursor }} }} }}"
            );
            answer(&query, &full).unwrap()["all"].clone()
        };
        let told = |names: &[&str], more: bool, end: &str| {
            let nodes: Vec<Value> = names.iter().map(|name| json!({ "x": name })).collect();
            json!({ "nodes": nodes, "pageInfo": { "hasNextPage": more, "endCursor": end } })
        };
        assert_eq!(page(""), told(&["b", "c"], true, "2"));
        assert_eq!(page(", after: \"2\""), told(&["d"], false, "3"));
    }

    #[test]
    fn the_same_field_is_answered_under_several_names_and_a_list_from_its_end() {
        let full = json!({ "a": { "x": 1 }, "all": { "nodes": [{ "x": 1 }, { "x": 2 }] } });
        assert_eq!(
            answer("{ r0: a { x } r1: all(last: 1, orderBy: { field: X, direction: DESC }) { nodes { x } } }", &full)
                .unwrap(),
            json!({ "r0": { "x": 1 }, "r1": { "nodes": [{ "x": 2 }] } })
        );
    }

    #[test]
    fn what_is_not_known_or_not_whole_is_refused() {
        let full = json!({ "__typename": "Repository", "a": 1 });
        assert_eq!(answer("{ b }", &full).unwrap_err(), "Field 'b' doesn't exist on type 'Repository'");
        for broken in ["", "{", "{ a", "{ a } }", "{ a(x 1) }", "{ ... x { a } }"] {
            assert!(answer(broken, &full).is_err(), "{broken}");
        }
    }
}
