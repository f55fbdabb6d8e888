//! What others did to a release past us, as `status` tells it: an object for scripts, a line for people.

use std::io::{self, Write};

use serde::Serialize;

use crate::{
    app::{
        board,
        model::Model,
        past_us::{self, Act},
    },
    domain::{
        hand::{By, Did},
        rollout::Rollout,
        time::Timestamp,
    },
};

/// Somebody's act on a release that is none of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastUsOut {
    /// `paused`, `resumed`, `promoted`, `promoted_full`, `aborted`, `retried`, `put`, `scaled`, `restarted` or `steered`.
    pub did: Did,
    /// Who did, where the system names a person; else `null`.
    pub person: Option<String>,
    /// With which program, by the name that it gives itself; `null` where the system notes none. Not a person.
    pub client: Option<String>,
    /// When, as the system notes it; `null` where it does not.
    pub at: Option<Timestamp>,
    /// When it was seen to change; `null` where it had changed before anybody here looked.
    pub seen_at: Option<Timestamp>,
    /// All of it in a sentence.
    pub said: String,
}

/// What others did to a release, the newest first.
pub(in crate::cli) fn all(model: &Model, rollout: &Rollout) -> Vec<PastUsOut> {
    past_us::on(model, rollout).iter().map(|act| out(model, act)).collect()
}

fn out(model: &Model, act: &Act) -> PastUsOut {
    let (person, client) = match &act.hand.by {
        By::Person(person) => (Some(person.to_string()), None),
        By::Client(client) => (None, Some(client.clone())),
        By::Us | By::NotTold => (None, None),
    };
    let (did, at, seen_at) = (act.hand.did, act.hand.at, act.seen.map(|seen| seen.at));
    PastUsOut { did, person, client, at, seen_at, said: act.said(model.now) }
}

/// `past us, payments in prod/eu: resumed with an-editor at 02:14:05`, a line for each act on what is in flight since it began.
pub(in crate::cli) fn lines(model: &Model, shown: impl Fn(&Rollout) -> bool, out: &mut dyn Write) -> io::Result<()> {
    for rollout in board::in_flight(model).into_iter().filter(|rollout| shown(rollout)) {
        for act in past_us::on(model, rollout).iter().filter(|act| act.is_on_it()) {
            let said = act.said(model.now);
            writeln!(out, "past us, {} in {}: {said}", rollout.service, rollout.environment)?;
        }
    }
    Ok(())
}
