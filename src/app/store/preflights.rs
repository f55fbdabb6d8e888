//! What was told of versions before traffic is sent to them, and of images. An error never clears the last good answer, and is known.

use std::collections::BTreeMap;

use crate::domain::{
    ids::SourceName,
    object::ObjectId,
    observed::Fault,
    preflight::{Heading, Kept, Preflight},
    time::Timestamp,
};

/// Answers of one kind that are kept: those that were told last.
const MOST: usize = 400;

/// A version of a rollout, and which way somebody would go to it.
pub type Course = (ObjectId, String, Heading);

/// What was told last.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    /// The last good answer; `None` where there never was one.
    pub last: Option<T>,
    /// When that came; when anything was said at all, where there was none.
    pub read: Timestamp,
    /// When something was last said, well or badly.
    pub at: Timestamp,
    /// Why it could not be read since.
    pub fault: Option<Fault>,
}

/// Everything that was told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preflights {
    versions: BTreeMap<Course, Answer<Preflight>>,
    images: BTreeMap<(SourceName, String), Answer<Kept>>,
}

impl Preflights {
    /// Takes what stands in the way of a version, or why that is not told.
    pub fn take(&mut self, course: Course, at: Timestamp, told: Result<Preflight, Fault>) {
        take(&mut self.versions, course, at, told);
    }

    /// Takes what a source has of an image, or why it does not tell.
    pub fn take_image(&mut self, source: &SourceName, name: &str, at: Timestamp, told: Result<Kept, Fault>) {
        take(&mut self.images, (source.clone(), name.to_owned()), at, told);
    }

    /// What stands in the way of a version, where it was asked.
    pub fn of(&self, course: &Course) -> Option<&Answer<Preflight>> {
        self.versions.get(course)
    }

    /// What a source has of an image, where it was asked.
    pub fn image(&self, source: &SourceName, name: &str) -> Option<&Answer<Kept>> {
        self.images.get(&(source.clone(), name.to_owned()))
    }
}

fn take<K: Ord + Clone, T>(all: &mut BTreeMap<K, Answer<T>>, key: K, at: Timestamp, told: Result<T, Fault>) {
    let known = all.remove(&key);
    let answer = match told {
        Ok(told) => Answer { last: Some(told), read: at, at, fault: None },
        Err(fault) => {
            let (last, read) = known.map_or((None, at), |known| (known.last, known.read));
            Answer { last, read, at, fault: Some(fault) }
        }
    };
    all.insert(key, answer);
    while all.len() > MOST {
        let Some(oldest) = all.iter().min_by_key(|(_, answer)| answer.at).map(|(key, _)| key.clone()) else { return };
        all.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{app::sample::now, domain::observed::FaultKind};

    #[test]
    fn a_failure_leaves_the_last_answer_with_the_time_at_which_it_was_good() {
        let (mut all, source) = (Preflights::default(), SourceName::new("images"));
        let later = now() + TimeDelta::minutes(1);
        let fault = Fault::new(later, FaultKind::Server, "502");
        all.take_image(&source, "pay:1", now(), Ok(Kept::Gone));
        all.take_image(&source, "pay:1", later, Err(fault.clone()));
        let expected = Answer { last: Some(Kept::Gone), read: now(), at: later, fault: Some(fault.clone()) };
        assert_eq!(all.image(&source, "pay:1"), Some(&expected));
        all.take_image(&source, "pay:2", later, Err(fault.clone()));
        let never = Answer { last: None, read: later, at: later, fault: Some(fault) };
        assert_eq!(all.image(&source, "pay:2"), Some(&never));
    }

    #[test]
    fn what_was_told_longest_ago_is_forgotten_first() {
        let (mut all, source) = (Preflights::default(), SourceName::new("images"));
        for number in 0..=MOST {
            let at = now() + TimeDelta::seconds(i64::try_from(number).unwrap());
            all.take_image(&source, &format!("pay:{number}"), at, Ok(Kept::Gone));
        }
        assert!(all.image(&source, "pay:0").is_none() && all.image(&source, "pay:1").is_some());
    }
}
