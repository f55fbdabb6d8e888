//! The cockpit without a terminal: keys pressed by a script, verbs by a command, and waiting for how they end.

use std::time::Duration;

use super::{Cockpit, NotSent};
use crate::{
    app::{
        card::Card,
        drawn::Drawn,
        guard::{self, Confirmed, Refusal},
        model::Model,
        msg::Msg,
        preflight,
    },
    domain::{form::Args, verb::Verb},
    keymap::chord::{Chord, NotAChord},
    port::{
        plan::{Ask, Plan},
        record::{Entry, RecordId},
    },
};

impl Cockpit {
    /// Presses keys where there is no terminal, written as chords with spaces between (`i j p 1 Enter`).
    pub async fn press(&mut self, chords: &str) -> Result<(), NotAChord> {
        for chord in chords.split_whitespace() {
            self.press_one(chord.parse()?).await;
        }
        Ok(())
    }

    /// Presses one key where there is no terminal: everything counts as drawn before it, and quiet is waited for after it.
    pub async fn press_one(&mut self, chord: Chord) {
        self.feed(Msg::Drawn(Drawn::whole(&self.model)));
        self.key(chord);
        self.idle().await;
        self.feed(Msg::Drawn(Drawn::whole(&self.model)));
    }

    /// What would be done for an ask: the scripted twin of a verb's key.
    pub fn plan(&self, ask: Ask) -> Result<Plan, Refusal> {
        let ask = guard::ask(&self.model, ask)?;
        guard::plan_of(&self.model, &ask, self.drafts(&ask))
    }

    /// Asks what stands in the way of an ask, and takes in what is told of it within this span: who does not answer in time forbids nothing.
    /// Of what a run would put back it asks where that goes.
    pub async fn look_into(&mut self, ask: &Ask, limit: Duration) {
        let mut asks = Vec::new();
        for (one, draft) in ask.each().into_iter().zip(self.drafts(ask)) {
            let to = draft.ok().and_then(|draft| draft.to);
            let led = preflight::led_by(&self.model, one.verb, &one.target, to.as_ref()).into_iter();
            asks.extend(
                led.map(|(id, hash)| Ask { args: Args::back_to(Some(hash.as_str())), ..Ask::new(Verb::Rollback, id) }),
            );
            asks.push(one);
        }
        for ask in asks {
            self.model.looked_into = Some(ask.clone());
            self.tick();
            self.until(|model| preflight::is_told_of(model, &ask), limit).await;
        }
    }

    /// Sends a card that is complete: the scripted twin of Enter. Returns when the intent is on disk; the action goes on.
    pub async fn send(&mut self, card: &Card) -> Result<RecordId, NotSent> {
        let confirmed = guard::confirm(&self.model, card).map_err(|refusal| NotSent::Refused(Box::new(refusal)))?;
        self.carry_out(confirmed).await.map_err(NotSent::NotRecorded)
    }

    /// Carries out what was confirmed. Returns when the intent is on disk; the action goes on. The error is a sentence:
    /// nothing was sent.
    pub async fn carry_out(&mut self, confirmed: Confirmed) -> Result<RecordId, String> {
        self.begun = None;
        self.start();
        let ticket = self.execute(Box::new(confirmed));
        loop {
            match self.begun.take() {
                Some((begun, result)) if begun == ticket => return result,
                _ => self.turn().await,
            }
        }
    }

    /// Waits until more than `seen` entries of a record are known, or the limit is over.
    pub async fn more_of(&mut self, record: RecordId, seen: usize, limit: Option<Duration>) {
        let known = |model: &Model| {
            let action = model.actions.iter().find(|action| action.record == record);
            action.map_or(0, |action| action.entries.len())
        };
        let mut limit = limit.map(|limit| self.clock.sleep(limit));
        while known(&self.model) <= seen {
            match &mut limit {
                None => self.turn().await,
                Some(limit) => tokio::select! {
                    biased;
                    () = limit => return,
                    () = self.turn() => {}
                },
            }
        }
    }

    /// Waits until a record has ended; `None` when it has not within the limit.
    pub async fn ended(&mut self, record: RecordId, limit: Option<Duration>) -> Option<Entry> {
        let mut limit = limit.map(|limit| self.clock.sleep(limit));
        loop {
            let action = self.model.actions.iter().find(|action| action.record == record);
            if let Some(end) = action.and_then(|action| action.entries.iter().find(|entry| entry.stage.is_end())) {
                return Some(end.clone());
            }
            match &mut limit {
                None => self.turn().await,
                Some(limit) => tokio::select! {
                    biased;
                    () = limit => return None,
                    () = self.turn() => {}
                },
            }
        }
    }
}
