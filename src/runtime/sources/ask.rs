//! A task for each question that is wanted: it asks, tells, pauses after failures, and asks again for as long as somebody cares.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{
    StreamExt,
    future::{pending, select},
};
use tokio::sync::Mutex;

use super::{BEAT_LIMIT, Seat, mine, no_answer, pause};
use crate::{
    app::msg::Msg,
    domain::{
        observed::FaultKind,
        time::{Timestamp, after, until},
    },
    port::{
        error::ProviderError,
        lookup::{Answers, LogPiece, Lookup, Question, Told},
    },
    runtime::{
        clock::within,
        note::{Key, Note},
    },
};

/// How often a source that failed is asked the cheapest question.
const BEAT: Duration = Duration::from_secs(5);

/// Where the questions about one topic to one source stand in line.
pub(super) struct Desk {
    seat: Seat,
    lookup: Arc<dyn Lookup>,
    /// Held by whoever waits for an answer: one question at a time, and none before the pause after a failure is over.
    trouble: Mutex<Trouble>,
    /// Does the pause after a failure hold up whoever stands here?
    holds: AtomicBool,
}

/// What went wrong since it last went well.
#[derive(Default)]
struct Trouble {
    failures: u32,
    until: Option<Timestamp>,
    /// Does the system ask for the pause?
    is_asked_for: bool,
}

impl Desk {
    pub(super) fn new(seat: &Seat, lookup: &Arc<dyn Lookup>) -> Arc<Self> {
        let (trouble, holds) = (Mutex::default(), AtomicBool::new(false));
        Arc::new(Self { seat: seat.clone(), lookup: Arc::clone(lookup), trouble, holds })
    }

    /// Does who stands here wait for the end of the pause after a failure, which was told when it began?
    pub(super) fn holds(&self) -> bool {
        self.holds.load(Ordering::Relaxed)
    }

    /// The answers as they are told: lines are counted first.
    fn ask(&self, question: &Question) -> Answers<'_> {
        let answers = self.lookup.ask(question.clone());
        match question {
            Question::Lines(lines) => mine::mined(answers, lines, Arc::clone(&self.seat.clock)),
            _ => answers,
        }
    }
}

/// Answers a question until nobody wants that any more, which ends this task. What is told again is told only where it changed.
pub(super) async fn attend(desk: Arc<Desk>, question: Question) {
    let mut last = None;
    loop {
        let mut answers = {
            let mut trouble = desk.trouble.lock().await;
            trouble.over(&desk, &question).await;
            let mut answers = desk.ask(&question);
            let first = within(&*desk.seat.clock, desk.seat.patience, answers.next()).await;
            let first = match first {
                None => Err(no_answer(&desk.seat.source, desk.seat.patience)),
                Some(None) => Err(ProviderError::new(FaultKind::Unreadable, "it ended without an answer")),
                Some(Some(answer)) => answer,
            };
            trouble.note(&desk.seat, &first);
            desk.holds.store(trouble.until.is_some(), Ordering::Relaxed);
            if !tell(&desk.seat, &question, &mut last, first).await {
                return;
            }
            answers
        };
        // Others may ask while this one goes on.
        while let Some(answer) = answers.next().await {
            if !tell(&desk.seat, &question, &mut last, answer).await {
                return;
            }
        }
        drop(answers);
        desk.seat.clock.sleep(desk.seat.interval).await;
    }
}

/// Tells an answer, if it is news; false once nobody listens.
async fn tell(seat: &Seat, question: &Question, last: &mut Option<Told>, answer: Result<Told, ProviderError>) -> bool {
    match &answer {
        Ok(told) if last.as_ref() == Some(told) => return true,
        // What goes on is new even where it reads the same, and signals are not asked for twice.
        Ok(Told::Log(LogPiece { goes_on: true, .. }) | Told::Signals(_) | Told::Mined(_)) | Err(_) => *last = None,
        Ok(told) => *last = Some(told.clone()),
    }
    let (source, at) = (seat.source.clone(), seat.clock.now());
    let key = Key::Question(source.clone(), question.clone());
    let told = answer.map_err(|error| error.at(at));
    let msg = Msg::Told { source, at, question: question.clone(), told };
    seat.notes.send(Note::Answered(msg, key)).await.is_ok()
}

impl Trouble {
    /// Takes how a question went.
    fn note(&mut self, seat: &Seat, answer: &Result<Told, ProviderError>) {
        *self = match answer {
            Ok(_) => Self::default(),
            Err(error) => {
                let failures = self.failures + 1;
                let pause = pause(seat.interval, failures, error.retry_after);
                Self {
                    failures,
                    until: Some(after(seat.clock.now(), pause)),
                    is_asked_for: error.retry_after.is_some(),
                }
            }
        };
    }

    /// Waits until the pause is over. The cheapest question, asked every few seconds, ends it sooner; not where the source asked to
    /// be left alone. What it answers is told by the next real question.
    async fn over(&mut self, desk: &Desk, question: &Question) {
        let (seat, Some(end)) = (&desk.seat, self.until) else { return };
        let may_ask = !self.is_asked_for;
        let mended = async {
            let Question::Signals { window, .. } = question else { return pending().await };
            if !may_ask {
                return pending().await;
            }
            loop {
                seat.clock.sleep(BEAT).await;
                let proof = Question::Signals { services: Vec::new(), window: *window, environment: None };
                let mut answers = desk.lookup.ask(proof);
                if let Some(Some(Ok(_))) = within(&*seat.clock, BEAT_LIMIT, answers.next()).await {
                    return;
                }
            }
        };
        select(seat.clock.sleep(until(seat.clock.now(), end)), pin!(mended)).await;
        // Only now: whoever gives up meanwhile leaves it to the next.
        self.until = None;
        desk.holds.store(false, Ordering::Relaxed);
    }
}
