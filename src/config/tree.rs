//! Trees of TOML in which every value keeps its place: finding what a place belongs to, and reading a tree into a struct
//! with every error rather than the first. Merging them is in `merge`.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue, ValueDeserializer},
};

/// A value with its place.
pub(super) type Node<'i> = Spanned<DeValue<'i>>;

/// Keys and indices from the root.
pub(super) type Path = Vec<String>;

/// Something that is wrong, and the place in the texts of all layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) at: Option<Range<usize>>,
    /// What it belongs to.
    pub(super) path: Path,
}

/// Parses a text that begins at `base`. All syntax errors at once.
pub(super) fn parse(text: &str, base: usize) -> Result<DeTable<'_>, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(shift_table(table.into_inner(), base));
    }
    let problem = |e: toml::de::Error| Problem {
        message: e.message().to_owned(),
        at: e.span().map(|span| moved(&span, base)),
        path: Path::new(),
    };
    Err(errors.into_iter().map(problem).collect())
}

fn moved(span: &Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

fn shift_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    let mut shifted = DeTable::new();
    for (key, value) in table {
        let at = moved(&key.span(), by);
        shifted.insert(Spanned::new(at, key.into_inner()), shift(value, by));
    }
    shifted
}

fn shift(node: Node<'_>, by: usize) -> Node<'_> {
    let at = moved(&node.span(), by);
    let value = match node.into_inner() {
        DeValue::Table(table) => DeValue::Table(shift_table(table, by)),
        DeValue::Array(array) => {
            let mut shifted = DeArray::new();
            for one in array {
                shifted.push(shift(one, by));
            }
            DeValue::Array(shifted)
        }
        leaf => leaf,
    };
    Spanned::new(at, value)
}

/// The value at a path.
pub(super) fn find<'t, 'i>(root: &'t Node<'i>, path: &[&str]) -> Option<&'t Node<'i>> {
    let Some((first, rest)) = path.split_first() else { return Some(root) };
    let child = match root.get_ref() {
        DeValue::Table(table) => table.get(*first),
        DeValue::Array(array) => first.parse::<usize>().ok().and_then(|index| array.get(index)),
        _ => None,
    };
    find(child?, rest)
}

/// The path of the key or value that has exactly this place; else of the innermost value around it.
pub(super) fn locate(root: &Node<'_>, at: &Range<usize>) -> Path {
    let mut best = (usize::MAX, Path::new());
    search(root, at, &mut Path::new(), &mut best);
    best.1
}

fn search(node: &Node<'_>, at: &Range<usize>, path: &mut Path, best: &mut (usize, Path)) {
    // Zero for the very place, else one more than what is around it: the smallest wins, the deeper one of equals.
    let distance = |span: Range<usize>| {
        let around = span.start <= at.start && at.end <= span.end;
        around.then(|| if span == *at { 0 } else { 1 + span.len() })
    };
    let mut child = |name: String, key: Option<Range<usize>>, value: &Node<'_>| {
        path.push(name);
        let near = key.and_then(distance).into_iter().chain(distance(value.span())).min();
        if let Some(near) = near.filter(|near| *near <= best.0) {
            *best = (near, path.clone());
        }
        search(value, at, path, best);
        path.pop();
    };
    match node.get_ref() {
        DeValue::Table(table) => {
            for (key, value) in table {
                child(key.get_ref().to_string(), Some(key.span()), value);
            }
        }
        DeValue::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                child(index.to_string(), None, value);
            }
        }
        _ => {}
    }
}

/// Takes away what is at a path; false when there is nothing.
fn remove(node: &mut Node<'_>, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    match node.get_mut() {
        DeValue::Table(table) if rest.is_empty() => table.remove(first.as_str()).is_some(),
        DeValue::Table(table) => table.get_mut(first.as_str()).is_some_and(|child| remove(child, rest)),
        DeValue::Array(array) => {
            let Ok(index) = first.parse::<usize>() else { return false };
            if !rest.is_empty() {
                return array.get_mut(index).is_some_and(|child| remove(child, rest));
            }
            let before = array.len();
            let mut kept = DeArray::new();
            for (_, one) in array.iter().enumerate().filter(|(i, _)| *i != index) {
                kept.push(one.clone());
            }
            *array = kept;
            array.len() < before
        }
        _ => false,
    }
}

/// Reads a tree into a struct. What is wrong is noted, taken away, and the rest is read again: every error at once.
/// `None` when even the rest cannot be read.
pub(super) fn read<T: DeserializeOwned>(mut node: Node<'_>, under: &[&str], problems: &mut Vec<Problem>) -> Option<T> {
    let mut removed: Vec<Path> = Vec::new();
    loop {
        let error = match T::deserialize(ValueDeserializer::from(node.clone())) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let at = error.span();
        let path = at.as_ref().map(|at| locate(&node, at)).unwrap_or_default();
        // A field that is missing because we took its bad value away has been told already.
        let missing = error.message().strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        let told = missing.is_some_and(|field| {
            let whole: Path = path.iter().cloned().chain([field.to_owned()]).collect();
            removed.contains(&whole)
        });
        if !told {
            let path = under.iter().map(|part| (*part).to_owned()).chain(path.iter().cloned()).collect();
            problems.push(Problem { message: error.message().to_owned(), at, path });
        }
        if !remove(&mut node, &path) {
            return None;
        }
        removed.push(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node<'_> {
        Spanned::new(0..text.len(), DeValue::Table(parse(text, 0).unwrap()))
    }

    #[test]
    fn a_place_is_found_by_key_and_by_value() {
        let text = "[a.b]\nkey = ['x', 'yy']\n";
        let root = node(text);
        let place = |of: &str| locate(&root, &(text.find(of).unwrap()..text.find(of).unwrap() + of.len()));
        assert_eq!(place("key"), ["a", "b", "key"]);
        assert_eq!(place("'yy'"), ["a", "b", "key", "1"]);
    }
}
