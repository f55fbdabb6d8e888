//! The confirm card: a plan, what was typed against it, and whether the world moved meanwhile.

use crate::{
    domain::verb::Direction,
    port::plan::{Ask, Friction, Plan},
};

/// Reasons that one digit gives; 5 is for anything else.
pub const REASONS: [&str; 5] = ["errors", "latency", "wrong behaviour", "precaution", "other"];

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
    /// The world moved since the card was drawn: what changed, as a sentence. Nothing can be sent from this card any more.
    pub moved: Option<String>,
}

impl Card {
    /// A card with nothing typed.
    pub fn new(ask: Ask, plan: Plan) -> Self {
        Self { ask, plan, typed: String::new(), reason: None, moved: None }
    }

    /// Takes a typed character.
    pub fn typed(&mut self, c: char) {
        // A digit may be part of what is read back: it is a reason only once that is complete.
        let complete = self.plan.friction.read_back().is_none_or(|text| self.is_read_back(text));
        if !complete || !(self.plan.friction.needs_reason() || self.plan.friction == Friction::Enter) {
            return self.typed.push(c);
        }
        let chosen = c.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).and_then(|d| d.checked_sub(1));
        if let Some(chosen) = chosen.filter(|index| *index < REASONS.len()) {
            self.reason = Some(chosen);
        }
    }

    /// Was this typed?
    pub fn is_read_back(&self, text: &str) -> bool {
        self.typed.eq_ignore_ascii_case(text)
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
            _ => None,
        }
    }

    /// The reason in words: what the ask brought, else the chosen digit's.
    pub fn reason_words(&self) -> Option<String> {
        let chosen = self.reason.and_then(|index| REASONS.get(index)).map(|words| (*words).to_owned());
        self.ask.reason.clone().or(chosen)
    }

    /// Does it go back? Those cards are shorter and look different.
    pub fn goes_back(&self) -> bool {
        self.plan.direction() == Direction::Back
    }
}
