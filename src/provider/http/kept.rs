//! What is asked for now and then, and why it could not be read last. Pure: no requests here.

use std::time::Duration;

use crate::domain::time::{Timestamp, age};

/// Something that is asked for seldom.
#[derive(Debug)]
pub struct Kept<T> {
    known: Option<T>,
    asked: Option<Timestamp>,
    why: Option<String>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { known: None, asked: None, why: None }
    }
}

impl<T: Clone> Kept<T> {
    /// Is it time to ask for it?
    pub fn is_due(&self, now: Timestamp, every: Duration) -> bool {
        self.asked.is_none_or(|at| age(now, at) >= every)
    }

    /// It was asked for.
    pub fn take(&mut self, read: Result<T, String>, now: Timestamp) {
        self.asked = Some(now);
        match read {
            Ok(known) => (self.known, self.why) = (Some(known), None),
            // What may be old is no knowledge: what was allowed then need not be now.
            Err(why) => (self.known, self.why) = (None, Some(why)),
        }
    }

    /// It may be another one by now: it is asked for at the next occasion.
    pub fn stir(&mut self) {
        self.asked = None;
    }

    /// What is known.
    pub fn get(&self) -> Option<&T> {
        self.known.as_ref()
    }

    /// Why nothing is.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_any_more_is_not_known_any_more() {
        let (mut kept, at) = (Kept::default(), |minute: i64| Timestamp::from_timestamp(minute * 60, 0).unwrap());
        let every = Duration::from_mins(10);
        assert!(kept.is_due(at(0), every));
        kept.take(Ok(7), at(0));
        assert_eq!((kept.get(), kept.is_due(at(9), every), kept.is_due(at(10), every)), (Some(&7), false, true));
        kept.take(Err("403".into()), at(10));
        assert_eq!((kept.get(), kept.why()), (None, Some("403")));
    }
}
