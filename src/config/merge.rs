//! Laying trees over one another: the `config` crate merges, and the places travel with the values, as their origins.
//!
//! The crate keeps the origin of what it replaces, not that of a table, which it makes anew. So a table is handed to it
//! as two: what it holds, and the places it was written at, which are merged like everything else. This also keeps the
//! crate from reading our keys: it takes those at the top for paths, and `"a.b" = 1` is no path. Its tables have the
//! order of a hash; ours are sorted, so none of that gets out.

use std::{borrow::Cow, fmt, iter, ops::Range};

use ::config::{ConfigError, Map, Source, Value, ValueKind};
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use crate::config::tree::{Node, Path, Problem};

/// What a table holds.
const HOLDS: &str = "holds";
/// The places a table was written at, by the number of the layer.
const AT: &str = "at";

/// The place of what is made from all layers: none of them has it.
pub(super) const NOWHERE: Range<usize> = usize::MAX..usize::MAX;

/// Lays trees over one another, later wins: tables are merged, everything else is replaced.
pub(super) fn merge<'t, 'i: 't>(
    layers: impl IntoIterator<Item = &'t DeTable<'i>>,
    problems: &mut Vec<Problem>,
) -> Option<Merged> {
    let builder = ::config::Config::builder();
    let layers = layers.into_iter().enumerate();
    match layers.fold(builder, |builder, (number, layer)| builder.add_source(Layer::new(number, layer))).build() {
        Ok(merged) => Some(Merged(merged.cache)),
        Err(e) => {
            let message = format!("the layers cannot be merged: {e}");
            problems.push(Problem { message, at: None, path: Path::new() });
            None
        }
    }
}

/// One layer as the `config` crate takes it.
#[derive(Clone, Debug)]
struct Layer(Map<String, Value>);

impl Layer {
    fn new(number: usize, table: &DeTable<'_>) -> Self {
        Self(table_of(table, number, &Origin::nowhere()))
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// All layers, merged.
#[derive(Debug)]
pub(super) struct Merged(Value);

impl Merged {
    /// The tree again. Every value has the place of the layer that won, a table the first one it was written at.
    pub(super) fn tree(&self) -> DeTable<'_> {
        match &self.0.kind {
            ValueKind::Table(table) => held(table),
            _ => DeTable::new(),
        }
    }
}

/// Where a value was written, in the texts of all layers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    /// Its key's place; its own for an item of a list.
    key: Range<usize>,
    /// Its own.
    value: Range<usize>,
    /// Whether it is no text but a number or a time that travels as it was written: the `config` crate has no times,
    /// and `toml` makes either only from what is written.
    literal: bool,
}

impl Origin {
    fn nowhere() -> Self {
        Self { key: NOWHERE, value: NOWHERE, literal: false }
    }

    /// Reads what `Display` writes.
    fn read(text: &str) -> Option<Self> {
        let [from, to, begin, end, literal] = text.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let place = |from: &str, to: &str| Some(from.parse().ok()?..to.parse().ok()?);
        Some(Self { key: place(from, to)?, value: place(begin, end)?, literal: literal.parse().ok()? })
    }

    /// That of a value; that of a table is the first place it was written at.
    fn of(value: &Value) -> Option<Self> {
        let ValueKind::Table(table) = &value.kind else { return Self::read(value.origin()?) };
        let ValueKind::Table(places) = &table.get(AT)?.kind else { return None };
        let first = places.iter().min_by_key(|(layer, _)| layer.parse::<usize>().unwrap_or(usize::MAX))?;
        Self::read(first.1.origin()?)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, literal } = self;
        write!(f, "{} {} {} {} {literal}", key.start, key.end, value.start, value.end)
    }
}

fn table_of(table: &DeTable<'_>, layer: usize, origin: &Origin) -> Map<String, Value> {
    let entry =
        |(key, node): (&Spanned<Cow<'_, str>>, _)| (key.get_ref().to_string(), value_of(key.span(), node, layer));
    let holds: Map<String, Value> = table.iter().map(entry).collect();
    let place = Value::new(Some(&origin.to_string()), ValueKind::Nil);
    let at: Map<String, Value> = iter::once((layer.to_string(), place)).collect();
    [(HOLDS.to_owned(), holds.into()), (AT.to_owned(), at.into())].into_iter().collect()
}

fn value_of(key: Range<usize>, node: &Node<'_>, layer: usize) -> Value {
    let literal = matches!(node.get_ref(), DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_));
    let origin = Origin { key, value: node.span(), literal };
    let kind = match node.get_ref() {
        DeValue::String(text) => ValueKind::String(text.to_string()),
        DeValue::Integer(number) => ValueKind::String(number.to_string()),
        DeValue::Float(number) => ValueKind::String(number.to_string()),
        DeValue::Datetime(time) => ValueKind::String(time.to_string()),
        DeValue::Boolean(truth) => ValueKind::Boolean(*truth),
        DeValue::Array(all) => ValueKind::Array(all.iter().map(|one| value_of(one.span(), one, layer)).collect()),
        DeValue::Table(table) => ValueKind::Table(table_of(table, layer, &origin)),
    };
    Value::new(Some(&origin.to_string()), kind)
}

fn held(table: &Map<String, Value>) -> DeTable<'_> {
    let mut tree = DeTable::new();
    let holds = table.get(HOLDS).map(|value| &value.kind);
    let Some(ValueKind::Table(holds)) = holds else { return tree };
    for (key, value) in holds {
        let (at, node) = node_of(value);
        tree.insert(Spanned::new(at, key.into()), node);
    }
    tree
}

/// The value as a node, and the place of its key.
fn node_of(value: &Value) -> (Range<usize>, Node<'_>) {
    let Origin { key, value: at, literal } = Origin::of(value).unwrap_or_else(Origin::nowhere);
    let node = match &value.kind {
        ValueKind::Table(table) => DeValue::Table(held(table)),
        ValueKind::Array(all) => {
            let mut array = DeArray::new();
            for one in all {
                array.push(node_of(one).1);
            }
            DeValue::Array(array)
        }
        ValueKind::Boolean(truth) => DeValue::Boolean(*truth),
        ValueKind::String(text) => {
            let read = literal.then(|| DeValue::parse(text).ok()).flatten();
            read.map_or_else(|| DeValue::String(text.into()), Spanned::into_inner)
        }
        // No layer of ours has another kind.
        other => DeValue::String(other.to_string().into()),
    };
    (key, Spanned::new(at, node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::{find, parse};

    fn merged(layers: &[DeTable<'_>]) -> Merged {
        let mut problems = Vec::new();
        let merged = merge(layers, &mut problems).unwrap();
        assert_eq!(problems, []);
        merged
    }

    #[test]
    fn a_later_layer_replaces_values_and_merges_tables() {
        let merged = merged(&[parse("[a]\nx = 1\ny = 2\n", 0).unwrap(), parse("a.y = 3\nb = 'new'\n", 100).unwrap()]);
        let root = Spanned::new(0..0, DeValue::Table(merged.tree()));
        assert_eq!(find(&root, &["a", "x"]).unwrap().span(), 8..9);
        assert_eq!(find(&root, &["a", "y"]).unwrap().span(), 106..107);
        assert!(find(&root, &["b"]).is_some());
        // A replaced value takes its key's place with it; a table stays where it was first.
        let keys: Vec<_> =
            ["a", "b"].map(|key| root.get_ref().as_table().unwrap().get_key_value(key).unwrap().0.span()).into();
        assert_eq!(keys, [1..2, 108..109]);
        let a = find(&root, &["a"]).unwrap().get_ref().as_table().unwrap();
        assert_eq!(a.get_key_value("y").unwrap().0.span(), 102..103);
    }

    #[test]
    fn a_single_layer_comes_back_as_it_was_with_every_place() {
        let text = "Case = 'kept'\n\"a.b[0]\" = ''\n\"\" = 0x1F\nholds = 1_000\nbig = 99999999999999999999999\nhalf = 1.50\n\
            never = inf\ntruth = true\nday = 1979-05-27\nat = 1979-05-27T07:32:00.5-07:00\nempty = {}\n\
            list = [1, 'two', [3.0], { four = 4, at = [] }]\n[x.y]\nholds = { at = 1 }\n[[many]]\nname = 'a'\n";
        let tree = parse(text, 7).unwrap();
        let expected = format!("{tree:?}");
        assert_eq!(format!("{:?}", merged(&[tree]).tree()), expected);
    }

    #[test]
    fn a_value_over_a_table_replaces_it_and_a_table_over_a_value_has_its_own_place() {
        let texts = ["a.x = 1\n", "a = 2\n", "a.y = 3\n"];
        let layers: Vec<_> = texts.into_iter().zip([0, 100, 200]).map(|(text, at)| parse(text, at).unwrap()).collect();
        let expected = format!("{:?}", layers[2]);
        assert_eq!(format!("{:?}", merged(&layers).tree()), expected);
        assert_eq!(format!("{:?}", merged(&layers[..2]).tree()), format!("{:?}", layers[1]));
    }

    #[test]
    fn a_table_stays_where_the_first_layer_has_it_however_many_follow() {
        // The first layer's text is the last: what counts is the order of the layers, as with a profile above its base.
        let layers: Vec<_> = (0..12).rev().map(|at| parse("[t.u]\nx = 1\n", at * 100).unwrap()).collect();
        let merged = merged(&layers);
        let root = Spanned::new(0..0, DeValue::Table(merged.tree()));
        let span = |path: &[&str]| find(&root, path).unwrap().span();
        assert_eq!((span(&["t", "u"]), span(&["t", "u", "x"])), (1100..1105, 10..11));
    }

    #[test]
    fn an_origin_reads_back_and_another_text_is_none() {
        let origin = Origin { key: 3..4, value: NOWHERE, literal: true };
        assert_eq!(Origin::read(&origin.to_string()), Some(origin));
        for text in ["", "/etc/holdshort/config.toml", "1 2 3 true", "1 2 3 x 4 true"] {
            assert_eq!(Origin::read(text), None, "{text}");
        }
    }
}
