//! `tree=jobs[name,builds[number]{0,5}]`: which fields of an answer are wanted, and which of a list (the core's remote access API).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What is wanted of an object; of nothing in particular, everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree(BTreeMap<String, (Self, Option<(usize, usize)>)>);

impl Tree {
    /// Reads it; what cannot be read is left out.
    pub(super) fn read(text: &str) -> Self {
        Self::fields(&mut text.chars().peekable())
    }

    fn fields(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Self {
        let mut tree = Self::default();
        loop {
            let mut name = String::new();
            while let Some(c) = rest.next_if(|c| !",[]{}".contains(*c)) {
                name.push(c);
            }
            let below = if rest.next_if_eq(&'[').is_some() { Self::fields(rest) } else { Self::default() };
            let mut range = None;
            if rest.next_if_eq(&'{').is_some() {
                let text: String = std::iter::from_fn(|| rest.next_if(|c| *c != '}')).collect();
                let _ = rest.next();
                range = text.split_once(',').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
            }
            if !name.is_empty() {
                tree.0.insert(name, (below, range));
            }
            if rest.next_if_eq(&',').is_none() {
                let _ = rest.next_if_eq(&']');
                return tree;
            }
        }
    }

    /// What of a value is wanted.
    pub(super) fn of(&self, value: Value) -> Value {
        match value {
            value if self.0.is_empty() => value,
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.of(item)).collect()),
            Value::Object(mut fields) => {
                let mut kept: Map<String, Value> = Map::new();
                for name in ["_class"].into_iter().chain(self.0.keys().map(String::as_str)) {
                    let Some(value) = fields.remove(name) else { continue };
                    let (below, range) = self.0.get(name).cloned().unwrap_or_default();
                    let value = match (value, range) {
                        (Value::Array(items), Some((from, to))) => {
                            items.into_iter().skip(from).take(to.saturating_sub(from)).collect()
                        }
                        (value, _) => value,
                    };
                    kept.insert(name.to_owned(), below.of(value));
                }
                Value::Object(kept)
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_wanted_is_told_and_of_a_list_only_that_part() {
        let all = json!({"_class": "F", "jobs": [{"name": "a", "color": "red", "builds": [{"n": 3, "x": 1}, {"n": 2}, {"n": 1}]}], "url": "u"});
        let tree = Tree::read("jobs[name,builds[n]{0,2},jobs[name]],absent");
        assert_eq!(
            tree.of(all.clone()),
            json!({"_class": "F", "jobs": [{"name": "a", "builds": [{"n": 3}, {"n": 2}]}]})
        );
        assert_eq!(Tree::read("").of(all.clone()), all);
    }
}
