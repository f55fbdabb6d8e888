//! The confirm card: a plan, what the verb asks for, what was said against it, and whether the world moved meanwhile.
//!
//! The plan is made for exactly one ask. Whoever changes what is asked changes [`Card::ask`]; until the plan was drawn up for
//! that, nothing can be sent.

use crate::{
    domain::{
        form::{Field, Kind, Value},
        verb::Direction,
    },
    port::{
        plan::{Ask, Plan},
        secrets::Secrets,
    },
};

/// Reasons that one digit gives; the last is for anything else and takes words.
pub const REASONS: [&str; 5] = ["errors", "latency", "wrong behaviour", "precaution", "other"];
/// As many characters as a reason or an answer in words may have.
const WORDS: usize = 200;

/// What a key that is typed goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus<'a> {
    /// A field of what the verb asks for.
    Field(&'a Field),
    /// A digit chooses a reason.
    Reason,
    /// The reason in somebody's own words.
    Words,
    /// The read-back.
    ReadBack,
}

impl Focus<'_> {
    /// Does it take words that confirm nothing, so that they may be pasted?
    pub fn takes_text(self) -> bool {
        match self {
            Self::Words => true,
            Self::Field(field) => matches!(field.kind, Kind::Text | Kind::Number | Kind::Secret),
            Self::Reason | Self::ReadBack => false,
        }
    }
}

/// A plan that waits to be confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// What is asked, as the card says it now.
    pub ask: Ask,
    /// What would be done.
    pub plan: Plan,
    /// What the plan was drawn up for.
    pub asked: Ask,
    /// What the verb asks for.
    pub form: Vec<Field>,
    /// The secrets that were given: they are nowhere but here.
    pub secrets: Secrets,
    /// Why nothing is drawn up for what is asked now, as a sentence.
    pub against: Option<String>,
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
    /// The revision since which there is nothing else to read on it than what stands there now.
    pub since: u64,
    /// How many of its lines frames have shown since then, from the first on, where a screen has no room for all at once.
    pub read: usize,
    /// The reason that the ask came with.
    brought: Option<String>,
    /// The field that keys go into; behind the last one they confirm.
    at: usize,
    /// Reason and read-back before the last key, if that changed one of them.
    before: Option<(Option<usize>, String)>,
}

impl Card {
    /// A card with nothing typed, of a plan that was drawn up for this ask.
    pub fn new(ask: Ask, plan: Plan) -> Self {
        Self {
            brought: ask.reason.clone(),
            asked: ask.clone(),
            ask,
            plan,
            form: Vec::new(),
            secrets: Secrets::default(),
            against: None,
            typed: String::new(),
            reason: None,
            words: String::new(),
            moved: None,
            revision: 0,
            since: 0,
            read: 0,
            at: 0,
            before: None,
        }
    }

    /// The same, for a verb that asks for this. Keys go where something is missing first, or where nothing else takes any.
    #[must_use]
    pub fn asking(self, form: Vec<Field>) -> Self {
        let confirms = self.plan.friction.needs_reason() || self.plan.friction.read_back().is_some();
        let card = Self { form, ..self };
        let first = card.unanswered().and_then(|lacks| card.form.iter().position(|field| field.name == lacks.name));
        let at = first.unwrap_or(if confirms { card.form.len() } else { 0 });
        Self { at, ..card }
    }

    /// The first field that is not answered and must be: a secret that an act was given which is carried on, too.
    fn unanswered(&self) -> Option<&Field> {
        let lost = |field: &&Field| {
            self.ask.args.get(&field.name) == Some(&Value::Secret) && self.secrets.get(&field.name).is_none()
        };
        self.ask.args.missing(&self.form).or_else(|| self.form.iter().find(lost))
    }

    /// Is it this field that is not answered and must be?
    pub fn lacks(&self, field: &Field) -> bool {
        self.unanswered().is_some_and(|lacks| lacks.name == field.name)
    }

    /// Is the chosen reason the one that takes words?
    pub fn takes_words(&self) -> bool {
        self.reason == Some(REASONS.len() - 1)
    }

    /// What a key that is typed goes into: a field, or what confirms: the read-back, then a reason, then its words. A digit may
    /// be part of what is read back: it is a reason only once that is complete.
    pub fn focus(&self) -> Focus<'_> {
        if let Some(field) = self.form.get(self.at) {
            return Focus::Field(field);
        }
        let friction = &self.plan.friction;
        match friction.read_back() {
            Some(text) if !friction.needs_reason() || !self.is_read_back(text) => Focus::ReadBack,
            _ if self.takes_words() => Focus::Words,
            _ => Focus::Reason,
        }
    }

    /// Do keys go into this field?
    pub fn is_in(&self, field: &Field) -> bool {
        matches!(self.focus(), Focus::Field(at) if at.name == field.name)
    }

    /// Goes to the next field, or to the one before; behind the last one is what confirms.
    pub fn step(&mut self, on: bool) {
        let places = self.form.len() + 1;
        self.at = (self.at + if on { 1 } else { places - 1 }) % places;
        self.before = None;
    }

    /// Takes the next option of the field that keys go into, or the one before.
    pub fn turn(&mut self, on: bool) {
        let Focus::Field(field) = self.focus() else { return };
        let name = field.name.clone();
        let value = match (&field.kind, self.ask.args.get(&name)) {
            (Kind::Flag, set) => Value::Flag(set != Some(&Value::Flag(true))),
            (Kind::Choice(options), now) if !options.is_empty() => {
                let at = options.iter().position(|option| now == Some(&Value::OneOf(option.clone())));
                let next = match (at, on) {
                    (Some(at), true) => (at + 1) % options.len(),
                    (Some(at), false) => (at + options.len() - 1) % options.len(),
                    (None, true) => 0,
                    (None, false) => options.len() - 1,
                };
                let Some(option) = options.get(next) else { return };
                Value::OneOf(option.clone())
            }
            _ => return,
        };
        self.answer(&name, Some(value));
    }

    /// Takes a typed character.
    pub fn typed(&mut self, c: char) {
        let before = (self.reason, self.typed.clone());
        match self.focus() {
            Focus::Field(field) => {
                let field = field.clone();
                self.typed_into(&field, c);
            }
            Focus::Words => {
                if self.words.chars().count() < WORDS {
                    self.words.push(c);
                }
            }
            Focus::ReadBack => self.typed.push(c),
            Focus::Reason => {
                let chosen =
                    c.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).and_then(|d| d.checked_sub(1));
                // Where none is asked for none is taken: it would stand in the record, and nowhere on the card.
                let asked = self.plan.friction.needs_reason();
                if let Some(chosen) = chosen.filter(|index| asked && *index < REASONS.len()) {
                    self.reason = Some(chosen);
                }
            }
        }
        self.before = (before != (self.reason, self.typed.clone())).then_some(before);
        self.say_why();
    }

    fn typed_into(&mut self, field: &Field, c: char) {
        match &field.kind {
            Kind::Text | Kind::Number => {
                let mut text = self.ask.args.text(&field.name).unwrap_or_default().to_owned();
                if text.chars().count() < WORDS {
                    text.push(c);
                }
                self.answer(&field.name, Some(Value::Text(text)));
            }
            Kind::Secret => {
                let so_far = self.secrets.get(&field.name).unwrap_or_default().to_owned();
                self.secrets = std::mem::take(&mut self.secrets).with(&field.name, format!("{so_far}{c}"));
                self.answer(&field.name, Some(Value::Secret));
            }
            Kind::Flag | Kind::Choice(_) => {
                if c == ' ' {
                    self.turn(true);
                }
            }
        }
    }

    /// Deletes what was typed last: in a field its end; else the words, then the choice, then the read-back.
    pub fn erase(&mut self) {
        self.before = None;
        let nothing_left = match self.focus() {
            Focus::Field(field) => {
                let field = field.clone();
                return self.erase_in(&field);
            }
            Focus::Words => self.words.pop().is_none(),
            Focus::Reason => true,
            Focus::ReadBack => {
                self.typed.pop();
                false
            }
        };
        if nothing_left && self.reason.take().is_none() {
            self.typed.pop();
        }
        self.say_why();
    }

    fn erase_in(&mut self, field: &Field) {
        match &field.kind {
            Kind::Text | Kind::Number => {
                let mut text = self.ask.args.text(&field.name).unwrap_or_default().to_owned();
                text.pop();
                // Left empty is said too: the default does not come back.
                self.answer(&field.name, Some(Value::Text(text)));
            }
            // Nobody sees what is left of it: it goes as a whole.
            Kind::Secret => {
                self.secrets = std::mem::take(&mut self.secrets).without(&field.name);
                self.answer(&field.name, None);
            }
            Kind::Flag | Kind::Choice(_) => {}
        }
    }

    fn answer(&mut self, name: &str, value: Option<Value>) {
        let args = self.ask.args.clone();
        let args = match value {
            Some(value) => args.with(name, value),
            None => args.without(name),
        };
        // In the order of the form, whatever the order in which they were said.
        self.ask.args = args.in_order_of(&self.form);
    }

    /// Takes the last key's choice or read-back back: it turned out to be the first of a paste.
    pub fn unsay(&mut self) {
        if let Some((reason, typed)) = self.before.take() {
            (self.reason, self.typed) = (reason, typed);
            self.say_why();
        }
    }

    /// What is asked says why, so that it reaches a system that takes a comment.
    fn say_why(&mut self) {
        let chosen = self.reason.and_then(|index| REASONS.get(index)).map(|words| (*words).to_owned());
        let own = self.words.trim();
        let chosen = chosen
            .map(|chosen| if self.takes_words() && !own.is_empty() { format!("{chosen}: {own}") } else { chosen });
        self.ask.reason = self.brought.clone().or(chosen);
    }

    /// Was this typed?
    pub fn is_read_back(&self, text: &str) -> bool {
        self.typed.eq_ignore_ascii_case(text)
    }

    /// Is the reason one in words, and none are said? Going back waits for no prose.
    fn lacks_words(&self) -> bool {
        let asked = self.plan.friction.needs_reason() && self.takes_words() && !self.goes_back();
        asked && self.words.trim().is_empty() && self.brought.is_none()
    }

    /// Is the plan the one for what is asked now?
    pub fn is_drawn_up(&self) -> bool {
        self.asked == self.ask
    }

    /// What is still missing before it can be sent, as a sentence; `None` when nothing is.
    pub fn missing(&self) -> Option<String> {
        if let Some(moved) = &self.moved {
            return Some(format!("{moved}: nothing is sent from this card"));
        }
        if let Some(field) = self.unanswered() {
            return Some(format!("{} is missing", field.label));
        }
        if let Some(why) = &self.against {
            return Some(why.clone());
        }
        match self.plan.friction.read_back() {
            Some(text) if !self.is_read_back(text) => Some(format!("type {text} to send it")),
            _ if self.plan.friction.needs_reason() && self.reason.is_none() => {
                Some(format!("choose a reason, 1 to {}", REASONS.len()))
            }
            _ if self.lacks_words() => Some("say the reason in words".to_owned()),
            _ if !self.is_drawn_up() => Some("it is drawn up anew for what was changed".to_owned()),
            _ => None,
        }
    }

    /// The reason in words: what the ask brought, else the chosen digit's, with what was typed behind it.
    pub fn reason_words(&self) -> Option<String> {
        self.ask.reason.clone()
    }

    /// Does it go back? Those cards are shorter and look different.
    pub fn goes_back(&self) -> bool {
        self.plan.direction() == Direction::Back
    }

    /// Is there something else to read on it? What is typed and chosen stands apart from that.
    pub fn reads_otherwise(&self, before: &Self) -> bool {
        let reads = |card: &Self, plan: &Plan| {
            let draft = &plan.draft;
            let moves = (draft.from.clone(), draft.to.clone(), draft.notes.clone(), plan.risks.clone());
            // On the way back a weight may move all the time.
            let effect = (!card.goes_back()).then(|| draft.effect.clone());
            (plan.verb, plan.target.clone(), moves, effect)
        };
        let all = |card: &Self| card.plan.each().map(|one| reads(card, one)).collect::<Vec<_>>();
        all(self) != all(before)
    }

    /// A frame of the card as it was at a revision showed these lines.
    pub fn shown(&mut self, revision: Option<u64>, from: usize, to: usize) {
        if revision.is_some_and(|revision| revision >= self.since) && from <= self.read {
            self.read = self.read.max(to);
        }
    }

    /// Is there anything on it that must be seen anew before it is sent? What only ages is not: evidence, and on the way back
    /// a weight or a count, for a system that writes its status all the time must not be able to block it.
    pub fn must_be_seen_anew(&self, before: &Self) -> bool {
        let said = |card: &Self| (card.typed.clone(), card.reason, card.words.clone(), card.moved.clone());
        let asks = |card: &Self| (card.ask.clone(), card.form.clone(), card.against.clone());
        let sends = |plan: &Plan| {
            (plan.verb, plan.target.clone(), plan.draft.bound.clone(), plan.draft.sends().cloned().collect::<Vec<_>>())
        };
        let moves = |plan: &Plan| (plan.draft.from.clone(), plan.draft.to.clone(), plan.friction.clone());
        let words = |plan: &Plan| (plan.draft.effect.clone(), plan.draft.expect.said(), plan.draft.notes.clone());
        let differs = |plan: &Plan, old: &Plan| {
            (sends(plan), moves(plan), &plan.risks) != (sends(old), moves(old), &old.risks)
                || (!self.goes_back() && (words(plan) != words(old) || plan.evidence.verdict != old.evidence.verdict))
        };
        (said(self), asks(self)) != (said(before), asks(before))
            || self.plan.count() != before.plan.count()
            || self.plan.each().zip(before.plan.each()).any(|(plan, old)| differs(plan, old))
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

    /// Typed by somebody, and drawn up anew for it.
    fn type_in(card: &mut Card, text: &str) {
        text.chars().for_each(|c| card.typed(c));
        card.asked = card.ask.clone();
    }

    #[test]
    fn another_reason_takes_words_which_the_record_keeps() {
        let mut back = card(Verb::Rollback);
        type_in(&mut back, "5");
        assert_eq!((back.focus(), back.missing()), (Focus::Words, None), "going back waits for no prose");
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
        assert_eq!(forward.focus(), Focus::ReadBack);
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
        assert_eq!((card.focus(), card.missing().as_deref()), (Focus::Reason, Some("choose a reason, 1 to 5")));
        type_in(&mut card, "5");
        assert_eq!((card.focus(), card.missing().as_deref()), (Focus::Words, Some("say the reason in words")));
        type_in(&mut card, "seen in 2 regions");
        assert_eq!((card.missing(), card.typed.as_str()), (None, "a1b2"));
        (0.."seen in 2 regions".len() + 2).for_each(|_| card.erase());
        assert_eq!((card.typed.as_str(), card.reason, card.words.as_str()), ("a1b", None, ""));
    }
}
