//! How much of one kind is kept: what a list or a watch brings is counted and weighed, and what is too much is a fault of the
//! source. A part of a list is never taken for the whole.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
};

use super::request::Query;
use crate::{
    domain::observed::FaultKind,
    port::error::ProviderError,
    provider::http::items::{LONGEST, grouped},
};

/// Objects of one query: a large cluster has 5,000 Deployments with ten ReplicaSets each.
pub const MOST_OBJECTS: usize = 50_000;
/// Bytes of one query, as they are kept.
const MOST_BYTES: usize = 512 << 20;
/// What each value of a tree takes beyond its text: templates are kept as trees.
const VALUE: usize = 32;
/// Pages of one list. A server that gives nothing and a token again and again would be asked for ever.
pub const MOST_PAGES: usize = 1_000;

/// What is kept of one query: no object, only that it is there and what it takes.
#[derive(Debug, Default)]
pub struct Room {
    hasher: RandomState,
    /// By a hash of namespace and name.
    weights: BTreeMap<u64, usize>,
    bytes: usize,
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// One object is too long.
    Object,
    /// There are too many.
    Objects,
    /// Together they are too long.
    Bytes,
    /// They come on too many pages.
    Pages,
}

impl Room {
    /// Takes an object in, new or changed.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn take(&mut self, namespace: &str, name: &str, weight: usize) -> Result<(), Full> {
        self.forget(namespace, name);
        if self.weights.len() >= MOST_OBJECTS {
            return Err(Full::Objects);
        }
        if self.bytes + weight > MOST_BYTES {
            return Err(Full::Bytes);
        }
        self.bytes += weight;
        self.weights.insert(self.key(namespace, name), weight);
        Ok(())
    }

    /// An object is gone.
    pub fn forget(&mut self, namespace: &str, name: &str) {
        let key = self.key(namespace, name);
        self.bytes -= self.weights.remove(&key).unwrap_or_default();
    }

    fn key(&self, namespace: &str, name: &str) -> u64 {
        self.hasher.hash_one((namespace, name))
    }
}

/// What an object takes at most while it is kept: its text, and as a tree so much more for each of its values.
pub fn weight(text: &str) -> usize {
    let (mut values, mut quoted, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b',' | b':' | b'[' | b'{' if !quoted => values += 1,
            _ => {}
        }
    }
    text.len() + VALUE * values
}

/// The fault of a source that brings more than can be kept.
pub fn no_room(cluster: &str, query: &Query, full: Full) -> ProviderError {
    let what = query.resource.full_name();
    let many = match full {
        Full::Object => return too_long(cluster, &what, LONGEST),
        Full::Objects => format!("more than {} {what}", grouped(MOST_OBJECTS)),
        Full::Bytes => format!("more than {} MiB of {what}", MOST_BYTES >> 20),
        Full::Pages => format!("{what} on more than {} pages", grouped(MOST_PAGES)),
    };
    let text =
        format!("{cluster} lists {many}: none is shown rather than a part; narrow it by `namespaces` or `selector`");
    ProviderError::new(FaultKind::Unreadable, text)
}

/// One thing that is too long to be read.
pub fn too_long(cluster: &str, what: &str, most: usize) -> ProviderError {
    ProviderError::new(
        FaultKind::Unreadable,
        format!("{cluster} sent one of {what} that is longer than {} MiB", most >> 20),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::kubernetes::request::PODS;

    #[test]
    fn what_is_kept_is_bounded_by_number_and_by_length_and_what_goes_makes_room() {
        let mut room = Room::default();
        for number in 0..MOST_OBJECTS {
            room.take("shop", &number.to_string(), 10).unwrap();
        }
        assert_eq!(room.take("shop", "one-more", 10), Err(Full::Objects));
        room.take("shop", "7", 20).unwrap();
        room.forget("shop", "8");
        room.take("shop", "one-more", 10).unwrap();
        assert_eq!((room.weights.len(), room.bytes), (MOST_OBJECTS, 10 * MOST_OBJECTS + 10));

        let mut room = Room::default();
        for number in 0..MOST_BYTES / LONGEST {
            room.take("shop", &number.to_string(), LONGEST).unwrap();
        }
        assert_eq!(room.take("shop", "one-more", 1), Err(Full::Bytes));
    }

    #[test]
    fn a_tree_weighs_more_than_its_text_and_what_stands_in_quotes_is_text() {
        let of = |text: &str| weight(text) - text.len();
        assert_eq!(of(r#"{"a":[0,0,0]}"#), 5 * VALUE);
        assert_eq!(of(r#"{"a":"[0,\"0,0]:{\\"}"#), 2 * VALUE);
    }

    #[test]
    fn the_fault_says_how_many_of_what_and_the_way_out() {
        assert_eq!(
            no_room("eu", &Query::all(PODS, None), Full::Objects).text,
            "eu lists more than 50,000 pods: none is shown rather than a part; narrow it by `namespaces` or `selector`"
        );
    }
}
