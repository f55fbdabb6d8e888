//! Lists and times as systems of this kind write them: a list of which every entry counts, and a time that may be none.

use serde::{Deserialize, Deserializer};

use super::items;
use crate::domain::time::Timestamp;

/// Items of one list. A page has a hundred at most, because that many are asked for; a build may have thousands of jobs.
const MOST: usize = 5_000;

/// A list of which every entry counts: how many could not be read is told, never passed over.
pub type Listed<T> = items::Listed<T, MOST>;

/// Reads a time; one that is no time counts as absent.
///
/// # Errors
/// When it is neither a text nor null.
pub fn time<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    Ok(text.and_then(|text| Some(chrono::DateTime::parse_from_rfc3339(&text).ok()?.to_utc())))
}

/// Reads something that may be null: that is nothing of it.
///
/// # Errors
/// When it is there, and is something else.
pub fn or_nothing<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_too_long_is_no_answer() {
        let text = format!("[{}{{}}]", "{},".repeat(MOST));
        let error = serde_json::from_str::<Listed<u8>>(&text).unwrap_err().to_string();
        assert!(error.starts_with("it lists 5,001 things where 5,000 are the most"), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_sinks_no_other() {
        let listed: Listed<u8> = serde_json::from_str(r#"[1, "two", null, 3]"#).unwrap();
        assert_eq!((listed.len(), &listed), (4, &Listed { read: vec![1, 3], unread: 2 }));
    }
}
