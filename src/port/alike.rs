//! Whether two values are the same, without keeping any of them: each is hashed with a key that is made for this process and never
//! leaves it, and known from then on by a number, in the order in which they were met.
//!
//! Here must not live: a value. What is kept is the keyed hash, in memory; who is told gets the number.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use ring::{
    hmac::{self, HMAC_SHA256},
    rand::SystemRandom,
};

use crate::domain::setting::{Content, Mark};

/// Values that are told apart: those of all settings of a few thousand services. What comes later cannot be compared.
const MOST: usize = 200_000;

/// The values that were met, by their hash.
struct Met {
    key: hmac::Key,
    marks: BTreeMap<[u8; 32], u64>,
}

/// Of this process. There is none where no key could be made: then nothing can be compared.
static MET: OnceLock<Option<Mutex<Met>>> = OnceLock::new();

/// What may be said of the value of a setting of this name. Values of different names are never alike, so that no mark tells
/// whether a password is used twice.
pub fn content(name: &str, value: &[u8]) -> Content {
    let met = MET.get_or_init(|| {
        let key = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new()).ok()?;
        Some(Mutex::new(Met { key, marks: BTreeMap::new() }))
    });
    let Some(met) = met else { return Content::Hidden };
    let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
    let mut hash = hmac::Context::with_key(&met.key);
    hash.update(&name.len().to_be_bytes());
    hash.update(name.as_bytes());
    hash.update(value);
    let Ok(hash) = hash.sign().as_ref().try_into() else { return Content::Hidden };
    let next = met.marks.len();
    match met.marks.get(&hash) {
        Some(known) => Content::Marked(Mark(*known)),
        None if next >= MOST => Content::Hidden,
        None => {
            let mark = u64::try_from(next).unwrap_or(u64::MAX);
            met.marks.insert(hash, mark);
            Content::Marked(Mark(mark))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_of_one_name_have_one_mark_and_all_others_have_marks_of_their_own() {
        let one = content("ALIKE_A", b"1");
        assert_eq!(content("ALIKE_A", b"1"), one);
        let others =
            [content("ALIKE_A", b"2"), content("ALIKE_B", b"1"), content("ALIKE_", b"A1"), content("ALIKE_A", b"")];
        assert!(others.iter().all(|other| *other != one), "{one:?} {others:?}");
        assert!(others.iter().all(|other| matches!(other, Content::Marked(_))), "{others:?}");
    }

    #[test]
    fn a_mark_says_nothing_of_the_value() {
        let said = serde_json::to_string(&content("ALIKE_C", b"marker-value")).unwrap();
        assert!(said.len() < 24 && !said.contains("marker"), "{said}");
    }
}
