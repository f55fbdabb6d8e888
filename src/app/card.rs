//! The confirm card: a plan, what was said against it, and whether the world moved meanwhile.

use crate::{
    domain::verb::Direction,
    port::plan::{Ask, Friction, Plan},
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
    /// The words are all said: what is typed next is the read-back.
    pub said: bool,
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
            said: false,
            moved: None,
            revision: 0,
            before: None,
        }
    }

    /// What must be read back before it is sent.
    pub fn read_back(&self) -> Option<&str> {
        match &self.plan.friction {
            Friction::ReadBack(text) => Some(text),
            Friction::Reason | Friction::Enter => None,
        }
    }

    /// Must a reason be chosen before it is sent?
    pub fn asks_reason(&self) -> bool {
        matches!(self.plan.friction, Friction::Reason)
    }

    /// Is the chosen reason the one that takes words?
    pub fn takes_words(&self) -> bool {
        self.reason == Some(REASONS.len() - 1)
    }

    /// What a key that is typed goes into: reason, its words, read-back, in this order.
    pub fn field(&self) -> Field {
        if self.takes_words() && !self.said {
            return Field::Words;
        }
        match self.read_back() {
            Some(_) if self.reason.is_some() || !self.asks_reason() => Field::ReadBack,
            _ => Field::Reason,
        }
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

    /// Deletes what was typed last; where nothing is left of it, the choice before it.
    pub fn erase(&mut self) {
        self.before = None;
        let emptied = match self.field() {
            Field::Words => self.words.pop().is_none(),
            Field::ReadBack => self.typed.pop().is_none() && self.asks_reason(),
            Field::Reason => true,
        };
        if emptied {
            (self.reason, self.said) = (None, false);
        }
    }

    /// Takes the last key's choice or read-back back: it turned out to be the first of a paste.
    pub fn unsay(&mut self) {
        if let Some((reason, typed)) = self.before.take() {
            (self.reason, self.typed) = (reason, typed);
        }
    }

    /// Goes on from the words of the reason to the read-back; false where there is nothing to go on to.
    pub fn next_field(&mut self) -> bool {
        let goes_on = self.field() == Field::Words && self.read_back().is_some() && !self.words.trim().is_empty();
        self.said |= goes_on;
        goes_on
    }

    /// Is the reason one in words, and none are said? Going back waits for no prose.
    fn lacks_words(&self) -> bool {
        let asked = self.asks_reason() && self.takes_words() && !self.goes_back();
        asked && self.words.trim().is_empty() && self.ask.reason.is_none()
    }

    /// What is still missing before it can be sent, as a sentence; `None` when nothing is.
    pub fn missing(&self) -> Option<String> {
        if let Some(moved) = &self.moved {
            return Some(format!("{moved}: nothing is sent from this card"));
        }
        if self.asks_reason() && self.reason.is_none() {
            return Some(format!("choose a reason, 1 to {}", REASONS.len()));
        }
        if self.lacks_words() {
            return Some("say the reason in words".to_owned());
        }
        let text = self.read_back()?;
        (!self.typed.eq_ignore_ascii_case(text)).then(|| format!("type {text} to send it"))
    }

    /// The reason in words: what the ask brought, else the chosen digit's, with what was typed behind it.
    pub fn reason_words(&self) -> Option<String> {
        let chosen = self.reason.and_then(|index| REASONS.get(index)).map(|words| (*words).to_owned());
        let own = self.words.trim();
        let chosen = chosen.map(|chosen| {
            if self.takes_words() && !own.is_empty() { format!("{chosen}: {own}") } else { chosen }
        });
        self.ask.reason.clone().or(chosen)
    }

    /// Does it go back? Those cards are shorter and look different.
    pub fn goes_back(&self) -> bool {
        self.plan.verb.direction() == Direction::Back
    }

    /// Is there anything on it that must be seen anew before it is sent? What only ages is not: evidence, and on the way back
    /// a weight or a count, for a system that writes its status all the time must not be able to block it.
    pub fn must_be_seen_anew(&self, before: &Self) -> bool {
        let said = |card: &Self| (card.typed.clone(), card.reason, card.words.clone(), card.said, card.moved.clone());
        let (plan, old) = (&self.plan, &before.plan);
        let acts = |plan: &Plan| {
            let draft = &plan.draft;
            let calls = draft.calls.clone();
            (plan.target.clone(), plan.friction.clone(), draft.from.clone(), draft.to.clone(), draft.bound.clone(), calls)
        };
        let words = |plan: &Plan| (plan.draft.effect.clone(), plan.draft.expect.said(), plan.draft.notes.clone());
        said(self) != said(before)
            || plan.verb != old.verb
            || acts(plan) != acts(old)
            || (!self.goes_back() && (words(plan) != words(old) || plan.evidence.verdict != old.evidence.verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            guard,
            sample::{ask, draft, payments, seeing},
        },
        domain::verb::Verb,
    };

    fn card(verb: Verb) -> Card {
        let mut model = seeing(vec![payments()]);
        model.judgements.clear();
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
}
