//! A list as it comes: its items as text, and no more of them than can be kept. A tree of values takes up to thirty times the
//! room of its text; whoever reads a list reads item by item what it wants of each.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// The longest text that is read as one thing. An object in etcd may have 1.5 MiB, and JSON is longer.
pub const LONGEST: usize = 8 << 20;

/// What a sentence about a list that is too long begins with.
const OVERFULL: &str = "it lists";

/// The items of a list, `MOST` of them at most.
#[derive(Debug)]
pub struct Items<'a, const MOST: usize> {
    /// Each as it came.
    pub kept: Vec<&'a RawValue>,
    /// How many there were.
    pub count: usize,
}

impl<const MOST: usize> Default for Items<'_, MOST> {
    fn default() -> Self {
        Self { kept: Vec::new(), count: 0 }
    }
}

impl<'a, const MOST: usize> Items<'a, MOST> {
    /// The items of this list; `None` where it is no list.
    pub fn of(text: &'a RawValue) -> Option<Self> {
        serde_json::from_str(text.get()).ok()
    }

    /// Are they all here?
    pub fn is_whole(&self) -> bool {
        self.kept.len() == self.count
    }
}

impl<'de: 'a, 'a, const MOST: usize> Deserialize<'de> for Items<'a, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Counting(PhantomData))
    }
}

struct Counting<'a, const MOST: usize>(PhantomData<&'a RawValue>);

impl<'de: 'a, 'a, const MOST: usize> Visitor<'de> for Counting<'a, MOST> {
    type Value = Items<'a, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Items::default();
        while items.count < MOST {
            let Some(item) = seq.next_element()? else { return Ok(items) };
            items.kept.push(item);
            items.count += 1;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            items.count += 1;
        }
        Ok(items)
    }
}

/// A number as people write it: `500,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What is said of a list that has more items than can be kept.
pub fn overfull(count: usize, most: usize) -> String {
    format!("{OVERFULL} {} things where {} are the most", grouped(count), grouped(most))
}

/// Is that what is said here?
pub fn is_overfull(text: &str) -> bool {
    text.starts_with(OVERFULL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_only_so_many_kept() {
        let text = serde_json::from_str::<&RawValue>("[1, {\"a\": [2]}, null, 4]").unwrap();
        let items = Items::<3>::of(text).unwrap();
        let kept: Vec<&str> = items.kept.iter().map(|item| item.get()).collect();
        assert_eq!((kept, items.count, items.is_whole()), (vec!["1", "{\"a\": [2]}", "null"], 4, false));
        assert!(Items::<4>::of(text).unwrap().is_whole());
        assert!(Items::<4>::of(serde_json::from_str("{}").unwrap()).is_none());
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 500_000, 1_234_567].map(grouped), ["0", "999", "1,000", "500,000", "1,234,567"]);
    }
}
