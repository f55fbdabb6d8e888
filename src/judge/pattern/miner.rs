//! Groups log lines by the words that they share, as they come: Drain, with bounded memory.
//!
//! A line is masked and cut into words. Those with as many words and the same first two are compared: the pattern that shares most
//! of its words takes the line where that is at least [`ALIKE`] of them, and keeps only what they share; else the line is a pattern
//! of its own. Lines that are JSON are read by their message. The same lines in the same order give the same patterns, any text is
//! taken, and beyond [`MOST`] patterns the one that was seen longest ago is forgotten.
//!
//! Sources: He, Zhu, Zheng and Lyu, *Drain: an online log parsing approach with fixed depth tree* (ICWS 2017); the bounds follow
//! what a log store of today does with it.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::Value;

use super::mask::{ANY, masked};

/// Patterns that are kept.
pub const MOST: usize = 300;
/// The share of words that a line and its pattern have in common at least.
const ALIKE: f64 = 0.5;
/// Words of a line that are looked at; the rest is one.
const WORDS: usize = 60;
/// Bytes of a line that are looked at.
const BYTES: usize = 3000;
/// Stands for the words beyond those that are looked at.
const REST: &str = "…";
/// Where JSON has its message.
const MESSAGES: [&str; 6] = ["msg", "message", "log", "content", "event", "error"];

/// Finds patterns.
#[derive(Clone, Debug, Default)]
pub struct Miner {
    patterns: BTreeMap<u32, Found>,
    /// By a hash of how many words there are and which the first two are.
    leaves: BTreeMap<u64, Vec<u32>>,
    /// Which was seen when, by the number of the line.
    seen: BTreeMap<u64, u32>,
    lines: u64,
    next: u32,
}

#[derive(Clone, Debug)]
struct Found {
    words: Vec<Box<str>>,
    leaf: u64,
    /// The number of its newest line.
    line: u64,
}

/// Where a line belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The pattern: the how-manieth that was found, from 0.
    pub pattern: u32,
    /// Its text is another one than before this line.
    pub changed: bool,
    /// The pattern that was forgotten for it.
    pub forgotten: Option<u32>,
}

impl Miner {
    /// Takes a line.
    pub fn take(&mut self, line: &str) -> Taken {
        let message = message(line);
        let words: Vec<_> = words(&message).collect();
        let leaf = leaf(&words);
        self.lines += 1;
        if let Some(pattern) = self.closest(leaf, &words) {
            return Taken { pattern, changed: self.seen_again(pattern, &words), forgotten: None };
        }
        let forgotten = if self.patterns.len() >= MOST { self.forget() } else { None };
        Taken { pattern: self.found(leaf, &words), changed: true, forgotten }
    }

    /// The text of a pattern.
    pub fn text(&self, pattern: u32) -> Option<String> {
        self.patterns.get(&pattern).map(|found| found.words.join(" "))
    }

    /// How many patterns are kept.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Was no line taken yet?
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The pattern of this leaf that shares most words, the oldest of several; `None` where none shares enough.
    fn closest<W: AsRef<str>>(&self, leaf: u64, words: &[W]) -> Option<u32> {
        let shared = |found: &Found| {
            let same = |own: &str, word: &str| own == word || own == ANY;
            found.words.iter().zip(words).filter(|(own, word)| same(own, word.as_ref())).count()
        };
        let enough = |shared: &usize| *shared as f64 >= ALIKE * words.len() as f64;
        let of = |number: &u32| {
            let found = self.patterns.get(number).filter(|found| found.words.len() == words.len())?;
            Some((shared(found), std::cmp::Reverse(*number)))
        };
        let best = self.leaves.get(&leaf)?.iter().filter_map(of).max()?;
        enough(&best.0).then_some(best.1.0)
    }

    /// Keeps what the pattern and the line share; was it more before?
    fn seen_again<W: AsRef<str>>(&mut self, pattern: u32, words: &[W]) -> bool {
        let Some(found) = self.patterns.get_mut(&pattern) else { return false };
        let mut changed = false;
        for (own, word) in found.words.iter_mut().zip(words) {
            if **own != *word.as_ref() && **own != *ANY {
                *own = ANY.into();
                changed = true;
            }
        }
        self.seen.remove(&found.line);
        found.line = self.lines;
        self.seen.insert(self.lines, pattern);
        changed
    }

    fn found<W: AsRef<str>>(&mut self, leaf: u64, words: &[W]) -> u32 {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        let words = words.iter().map(|word| word.as_ref().into()).collect();
        self.patterns.insert(number, Found { words, leaf, line: self.lines });
        self.leaves.entry(leaf).or_default().push(number);
        self.seen.insert(self.lines, number);
        number
    }

    /// Forgets the pattern that was seen longest ago.
    fn forget(&mut self) -> Option<u32> {
        let (_, number) = self.seen.pop_first()?;
        let found = self.patterns.remove(&number)?;
        if let Some(leaf) = self.leaves.get_mut(&found.leaf) {
            leaf.retain(|other| *other != number);
            if leaf.is_empty() {
                self.leaves.remove(&found.leaf);
            }
        }
        Some(number)
    }
}

/// What is looked at of a line: the message where it is JSON that has one.
fn message(line: &str) -> std::borrow::Cow<'_, str> {
    let line = line.get(..line.floor_char_boundary(BYTES)).unwrap_or(line).trim();
    if line.starts_with('{')
        && let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(line)
        && let Some(said) = MESSAGES.iter().find_map(|key| fields.get(*key)?.as_str())
    {
        return said.to_owned().into();
    }
    line.into()
}

/// The words of a line, masked.
fn words(message: &str) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    let mut split = message.split_whitespace();
    let mut taken = 0;
    std::iter::from_fn(move || {
        let word = split.next()?;
        taken += 1;
        match taken {
            ..=WORDS => Some(masked(word)),
            // What is left is one word more, however long it is.
            _ if taken == WORDS + 1 => Some(REST.into()),
            _ => None,
        }
    })
}

/// How many words, and the first two as far as they do not differ anyway.
fn leaf<W: AsRef<str>>(words: &[W]) -> u64 {
    // Its keys are fixed: the same words give the same leaf in every process.
    let mut hasher = DefaultHasher::new();
    words.len().hash(&mut hasher);
    for word in words.iter().take(2) {
        let word = word.as_ref();
        if word.contains(ANY) { ANY } else { word }.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mined(lines: &[&str]) -> (Vec<u32>, Vec<String>) {
        let mut miner = Miner::default();
        let numbers: Vec<u32> = lines.iter().map(|line| miner.take(line).pattern).collect();
        let mut all: Vec<u32> = miner.patterns.keys().copied().collect();
        all.sort_unstable();
        (numbers, all.into_iter().map(|number| miner.text(number).unwrap()).collect())
    }

    #[test]
    fn lines_that_share_their_words_are_one_pattern_and_others_are_others() {
        let (numbers, texts) = mined(&[
            "card vault timeout after 3002 ms",
            "card vault timeout after 2999 ms",
            "retrying charge 8f3a11c2",
            "order placed by dana",
            "order placed by lee",
            "card vault timeout after 12 ms",
        ]);
        assert_eq!(numbers, [0, 0, 1, 2, 2, 0]);
        assert_eq!(texts, ["card vault timeout after <*> ms", "retrying charge <*>", "order placed by <*>"]);
    }

    #[test]
    fn json_is_read_by_its_message_and_logfmt_by_its_words() {
        let (numbers, texts) = mined(&[
            r#"{"level":"error","msg":"payment declined by upstream","order":8206}"#,
            r#"{"order":1,"level":"error","msg":"payment declined by upstream"}"#,
            r#"level=info ts=2026-11-21T06:26:05Z caller=checkout.go:88 msg="order placed" order=8275 took=11ms"#,
            r#"level=info ts=2026-11-21T06:26:06Z caller=checkout.go:120 msg="order placed" order=1 took=9ms"#,
            r#"{"cut": "#,
        ]);
        assert_eq!(numbers, [0, 0, 1, 1, 2]);
        let logfmt = r#"level=info ts=<*> caller=checkout.go:<*> msg="order placed" order=<*> took=<*>"#;
        assert_eq!(texts, ["payment declined by upstream", logfmt, r#"{"cut":"#]);
    }

    #[test]
    fn what_was_seen_longest_ago_is_forgotten_first_and_numbers_are_never_given_twice() {
        let mut miner = Miner::default();
        let word = |n: usize| "abcdefghij".chars().cycle().skip(n % 10).take(n / 10 + 1).collect::<String>();
        assert_eq!(miner.take("hot line").pattern, 0);
        let mut forgotten = Vec::new();
        for n in 0..MOST + 20 {
            forgotten.extend(miner.take(&format!("{} {}", word(n), word(n + 1))).forgotten);
            assert_eq!(miner.take("hot line").pattern, 0, "it is seen all the time");
        }
        assert_eq!((miner.len(), forgotten.len(), forgotten[0]), (MOST, 21, 1));
        assert!(miner.seen.len() == MOST && miner.leaves.values().map(Vec::len).sum::<usize>() == MOST);
        let again = miner.take(&format!("{} {}", word(0), word(1))).pattern;
        assert!(again as usize > MOST, "{again}");
    }

    #[test]
    fn a_line_without_end_is_looked_at_as_far_as_the_bound() {
        let mut miner = Miner::default();
        let many = "word ".repeat(1 << 18);
        miner.take(&many);
        let text = miner.text(0).unwrap();
        assert_eq!((text.split(' ').count(), text.ends_with(REST)), (WORDS + 1, true));
        let (numbers, _) = mined(&["", "   ", "\0", "\u{fffd}"]);
        assert_eq!(numbers, [0, 0, 1, 2]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_and_the_same_lines_give_the_same_patterns(lines in proptest::collection::vec(".{0,80}", 0..60)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let (numbers, texts) = mined(&lines);
            proptest::prop_assert_eq!(numbers.len(), lines.len());
            proptest::prop_assert_eq!(mined(&lines), (numbers, texts));
        }
    }
}
