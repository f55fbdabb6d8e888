//! A list as it comes: its items as text, and no more of them than can be kept. A tree of values takes up to thirty times the
//! room of its text; whoever reads a list reads item by item what it wants of each.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, SeqAccess, Visitor},
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

/// A list, read item by item, of which every entry counts: how many could not be read is told, never passed over. One with more
/// than `MOST` is no answer: a part of it would be taken for the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T, const MOST: usize> {
    /// What could be read, in order.
    pub read: Vec<T>,
    /// How many could not.
    pub unread: usize,
}

impl<T, const MOST: usize> Default for Listed<T, MOST> {
    fn default() -> Self {
        Self { read: Vec::new(), unread: 0 }
    }
}

impl<T, const MOST: usize> Listed<T, MOST> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.read.len() + self.unread
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes what another part of the list has.
    pub fn take(&mut self, mut more: Self) {
        self.read.append(&mut more.read);
        self.unread += more.unread;
    }
}

impl<'de, T: for<'a> Deserialize<'a>, const MOST: usize> Deserialize<'de> for Listed<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let all = Items::<'de, MOST>::deserialize(input)?;
        if !all.is_whole() {
            return Err(D::Error::custom(overfull(all.count, MOST)));
        }
        let of = |item: &&RawValue| serde_json::from_str(item.get()).ok();
        let read: Vec<T> = all.kept.iter().filter_map(of).collect();
        let unread = all.count - read.len();
        Ok(Self { read, unread })
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
    fn a_list_that_is_too_long_is_no_answer_and_what_cannot_be_read_of_another_is_counted() {
        let read = serde_json::from_str::<Listed<u8, 3>>("[1, 300, 2]").unwrap();
        assert_eq!(read, Listed { read: vec![1, 2], unread: 1 });
        let error = serde_json::from_str::<Listed<u8, 3>>("[1, 2, 3, 4]").unwrap_err().to_string();
        assert!(error.starts_with("it lists 4 things where 3 are the most"), "{error}");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 500_000, 1_234_567].map(grouped), ["0", "999", "1,000", "500,000", "1,234,567"]);
    }
}
