//! How much of one kind is kept: what a list or a watch brings is counted and weighed, and what is too much is a fault of the
//! source. A part of a list is never taken for the whole.

use std::{
    collections::HashMap,
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
/// Bytes of one query, as the objects came.
const MOST_BYTES: usize = 256 << 20;
/// Pages of one list. A server that gives nothing and a token again and again would be asked for ever.
pub const MOST_PAGES: usize = 1_000;

/// What is kept of one query: no object, only that it is there and how long it was.
#[derive(Debug, Default)]
pub struct Room {
    hasher: RandomState,
    lengths: HashMap<u64, usize>,
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
    pub fn take(&mut self, namespace: &str, name: &str, length: usize) -> Result<(), Full> {
        if length > LONGEST {
            return Err(Full::Object);
        }
        self.forget(namespace, name);
        if self.lengths.len() >= MOST_OBJECTS {
            return Err(Full::Objects);
        }
        if self.bytes + length > MOST_BYTES {
            return Err(Full::Bytes);
        }
        self.bytes += length;
        self.lengths.insert(self.key(namespace, name), length);
        Ok(())
    }

    /// An object is gone.
    pub fn forget(&mut self, namespace: &str, name: &str) {
        let key = self.key(namespace, name);
        self.bytes -= self.lengths.remove(&key).unwrap_or_default();
    }

    fn key(&self, namespace: &str, name: &str) -> u64 {
        self.hasher.hash_one((namespace, name))
    }
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
        assert_eq!((room.lengths.len(), room.bytes), (MOST_OBJECTS, 10 * MOST_OBJECTS + 10));

        let mut room = Room::default();
        assert_eq!(room.take("shop", "a", LONGEST + 1), Err(Full::Object));
        for number in 0..MOST_BYTES / LONGEST {
            room.take("shop", &number.to_string(), LONGEST).unwrap();
        }
        assert_eq!(room.take("shop", "one-more", 1), Err(Full::Bytes));
    }

    #[test]
    fn the_fault_says_how_many_of_what_and_the_way_out() {
        assert_eq!(
            no_room("eu", &Query::all(PODS, None), Full::Objects).text,
            "eu lists more than 50,000 pods: none is shown rather than a part; narrow it by `namespaces` or `selector`"
        );
    }
}
