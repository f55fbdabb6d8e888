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
    mark("value", name, value).map_or(Content::Hidden, Content::Marked)
}

/// What may be said of a setting that is shown to nobody, where it is known which one it is: by where it is set, in words that mean the
/// same one to every environment that is given it (`acme/site`, and never a name that each environment has of its own).
pub fn hidden(name: &str, holder: &str) -> Content {
    mark("holder", name, holder.as_bytes()).map_or(Content::Hidden, Content::HiddenOne)
}

/// The mark of something of a name; none where no key could be made or there are too many.
fn mark(of: &str, name: &str, value: &[u8]) -> Option<Mark> {
    let met = MET.get_or_init(|| {
        let key = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new()).ok()?;
        Some(Mutex::new(Met { key, marks: BTreeMap::new() }))
    });
    let met = met.as_ref()?;
    let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
    let mut hash = hmac::Context::with_key(&met.key);
    for part in [of, name] {
        hash.update(&part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.update(value);
    let hash = hash.sign().as_ref().try_into().ok()?;
    let next = met.marks.len();
    match met.marks.get(&hash) {
        Some(known) => Some(Mark(*known)),
        None if next >= MOST => None,
        None => {
            let mark = u64::try_from(next).unwrap_or(u64::MAX);
            met.marks.insert(hash, mark);
            Some(Mark(mark))
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
    fn what_nobody_shows_is_the_same_where_it_is_set_once_and_is_never_taken_for_a_value() {
        let one = hidden("ALIKE_D", "acme/site");
        assert!(one.is_hidden() && one == hidden("ALIKE_D", "acme/site"));
        let others = [hidden("ALIKE_D", "acme/shop"), hidden("ALIKE_E", "acme/site"), content("ALIKE_D", b"acme/site")];
        assert!(others.iter().all(|other| *other != one), "{one:?} {others:?}");
    }

    #[test]
    fn a_mark_says_nothing_of_the_value() {
        let said = serde_json::to_string(&content("ALIKE_C", b"marker-value")).unwrap();
        assert!(said.len() < 24 && !said.contains("marker"), "{said}");
    }
}
