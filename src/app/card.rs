//! The confirm card: a plan, what was said against it, and whether the world moved meanwhile.

use crate::{
    domain::verb::Direction,
    port::plan::{Ask, Plan},
};

/// Reasons that one digit gives; the last is for anything else and takes words.
pub const REASONS: [&str; 5] = ["errors", "latency", "wrong behaviour", "precaution", "other"];
/// As many characters as a reason in words may have.
const WORDS: usize = 200;

/// What a key that is typed goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A digit chooses a reason.
    Reason,
    /// The reason in somebody's own words.
    Words,
    /// The read-back.
    ReadBack,
}

/// A plan that waits to be confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// What was asked.
    pub ask: Ask,
    /// What would be done.
    pub plan: Plan,
    /// What was typed: the read-back.
    pub typed: String,
    /// The reason chosen, an index of [`REASONS`].
    pub reason: Option<usize>,
    /// The reason in words, where the last of [`REASONS`] is chosen.
    pub words: String,
    /// The world moved since the card was drawn: what changed, as a sentence. Nothing can be sent from this card any more.
    pub moved: Option<String>,
    /// Another number for every card and each state of it that must be seen before it is sent.
    pub revision: u64,
    /// Reason and read-back before the last key, if that changed one of them.
    before: Option<(Option<usize>, String)>,
}

impl Card {
    /// A card with nothing typed.
    pub fn new(ask: Ask, plan: Plan) -> Self {
        Self {
            ask,
            plan,
            typed: String::new(),
            reason: None,
            words: String::new(),
            moved: None,
            revision: 0,
            before: None,
        }
    }

    /// Is the chosen reason the one that takes words?
    pub fn takes_words(&self) -> bool {
        self.reason == Some(REASONS.len() - 1)
    }

    /// What a key that is typed goes into: the read-back, then a reason, then its words. A digit may be part of what is read
    /// back: it is a reason only once that is complete.
    pub fn field(&self) -> Field {
        let friction = &self.plan.friction;
        match friction.read_back() {
            Some(text) if !friction.needs_reason() || !self.is_read_back(text) => Field::ReadBack,
            _ if self.takes_words() => Field::Words,
            _ => Field::Reason,
        }
    }

    /// Was this typed?
    pub fn is_read_back(&self, text: &str) -> bool {
        self.typed.eq_ignore_ascii_case(text)
    }

    /// Takes a typed character.
    pub fn typed(&mut self, c: char) {
        let before = (self.reason, self.typed.clone());
        match self.field() {
            Field::Words => {
                if self.words.chars().count() < WORDS {
                    self.words.push(c);
                }
            }
            Field::ReadBack => self.typed.push(c),
            Field::Reason => {
                let chosen =
                    c.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).and_then(|d| d.checked_sub(1));
                if let Some(chosen) = chosen.filter(|index| *index < REASONS.len()) {
                    self.reason = Some(chosen);
                }
            }
        }
        self.before = (before != (self.reason, self.typed.clone())).then_some(before);
    }

    /// Deletes what was typed last: the words, then the choice, then the read-back.
    pub fn erase(&mut self) {
        self.before = None;
        let nothing_left = match self.field() {
            Field::Words => self.words.pop().is_none(),
            Field::Reason => true,
            Field::ReadBack => {
                self.typed.pop();
                false
            }
        };
        if nothing_left && self.reason.take().is_none() {
            self.typed.pop();
        }
    }

    /// Takes the last key's choice or read-back back: it turned out to be the first of a paste.
    pub fn unsay(&mut self) {
        if let Some((reason, typed)) = self.before.take() {
            (self.reason, self.typed) = (reason, typed);
        }
    }

    /// Is the reason one in words, and none are said? Going back waits for no prose.
    fn lacks_words(&self) -> bool {
        let asked = self.plan.friction.needs_reason() && self.takes_words() && !self.goes_back();
        asked && self.words.trim().is_empty() && self.ask.reason.is_none()
    }

    /// What is still missing before it can be sent, as a sentence; `None` when nothing is.
    pub fn missing(&self) -> Option<String> {
        if let Some(moved) = &self.moved {
            return Some(format!("{moved}: nothing is sent from this card"));
        }
        match self.plan.friction.read_back() {
            Some(text) if !self.is_read_back(text) => Some(format!("type {text} to send it")),
            _ if self.plan.friction.needs_reason() && self.reason.is_none() => {
                Some(format!("choose a reason, 1 to {}", REASONS.len()))
            }
            _ if self.lacks_words() => Some("say the reason in words".to_owned()),
            _ => None,
        }
    }

    /// The reason in words: what the ask brought, else the chosen digit's, with what was typed behind it.
    pub fn reason_words(&self) -> Option<String> {
        let chosen = self.reason.and_then(|index| REASONS.get(index)).map(|words| (*words).to_owned());
        let own = self.words.trim();
        let chosen = chosen
            .map(|chosen| if self.takes_words() && !own.is_empty() { format!("{chosen}: {own}") } else { chosen });
        self.ask.reason.clone().or(chosen)
    }

    /// Does it go back? Those cards are shorter and look different.
    pub fn goes_back(&self) -> bool {
        self.plan.direction() == Direction::Back
    }

    /// Is there anything on it that must be seen anew before it is sent? What only ages is not: evidence, and on the way back
    /// a weight or a count, for a system that writes its status all the time must not be able to block it.
    pub fn must_be_seen_anew(&self, before: &Self) -> bool {
        let said = |card: &Self| (card.typed.clone(), card.reason, card.words.clone(), card.moved.clone());
        let (plan, old) = (&self.plan, &before.plan);
        let sends = |plan: &Plan| (plan.verb, plan.target.clone(), plan.draft.bound.clone(), plan.draft.calls.clone());
        let moves = |plan: &Plan| (plan.draft.from.clone(), plan.draft.to.clone(), plan.friction.clone());
        let words = |plan: &Plan| (plan.draft.effect.clone(), plan.draft.expect.said(), plan.draft.notes.clone());
        said(self) != said(before)
            || (sends(plan), moves(plan), &plan.risks) != (sends(old), moves(old), &old.risks)
            || (!self.goes_back() && (words(plan) != words(old) || plan.evidence.verdict != old.evidence.verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            guard,
            sample::{ask, draft, go, payments, seeing},
        },
        domain::verb::Verb,
        port::plan::Friction,
    };

    fn card(verb: Verb) -> Card {
        let mut model = seeing(vec![payments()]);
        go(&mut model);
        let plan = guard::plan(&model, &ask(verb), Ok(draft(&payments(), verb))).unwrap();
        Card::new(ask(verb), plan)
    }

    fn type_in(card: &mut Card, text: &str) {
        text.chars().for_each(|c| card.typed(c));
    }

    #[test]
    fn another_reason_takes_words_which_the_record_keeps() {
        let mut back = card(Verb::Rollback);
        type_in(&mut back, "5");
        assert_eq!((back.field(), back.missing()), (Field::Words, None), "going back waits for no prose");
        type_in(&mut back, "1 of 3 pods hangs");
        assert_eq!(back.reason_words().as_deref(), Some("other: 1 of 3 pods hangs"));
        for _ in 0.."1 of 3 pods hangs".len() {
            back.erase();
        }
        assert_eq!(back.reason_words().as_deref(), Some("other"));
        back.erase();
        assert_eq!((back.reason, back.missing().as_deref()), (None, Some("choose a reason, 1 to 5")));
    }

    #[test]
    fn a_read_back_takes_digits_as_letters_and_no_reason() {
        let mut forward = card(Verb::Promote);
        assert_eq!(forward.field(), Field::ReadBack);
        type_in(&mut forward, "a1b");
        assert_eq!((forward.missing().as_deref(), forward.reason), (Some("type a1b2 to send it"), None));
        type_in(&mut forward, "2");
        assert_eq!(forward.missing(), None);
        forward.unsay();
        assert_eq!(forward.typed, "a1b");
        forward.unsay();
        assert_eq!(forward.typed, "a1b", "only the last key is taken back");
    }

    #[test]
    fn read_back_and_reason_are_typed_in_this_order_and_erased_in_the_other() {
        let mut card = card(Verb::Promote);
        card.plan.friction = Friction::ReadBackAndReason("a1b2".to_owned());
        type_in(&mut card, "a1b2");
        assert_eq!((card.field(), card.missing().as_deref()), (Field::Reason, Some("choose a reason, 1 to 5")));
        type_in(&mut card, "5");
        assert_eq!((card.field(), card.missing().as_deref()), (Field::Words, Some("say the reason in words")));
        type_in(&mut card, "seen in 2 regions");
        assert_eq!((card.missing(), card.typed.as_str()), (None, "a1b2"));
        (0.."seen in 2 regions".len() + 2).for_each(|_| card.erase());
        assert_eq!((card.typed.as_str(), card.reason, card.words.as_str()), ("a1b", None, ""));
    }
}
