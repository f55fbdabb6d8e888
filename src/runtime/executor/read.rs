//! Reading an object before anything is sent: patiently, for nothing is lost by it.

use std::time::Duration;

use super::{Flight, Stop};
use crate::{
    domain::{object::ObjectId, observed::FaultKind},
    port::{
        error::ProviderError,
        facet::Connection,
        plan::{Plan, Reading},
        record::Stage,
        wire::for_a_verb,
    },
    runtime::clock::within,
};

/// How long one reading of an object may take, where no more is allowed to its connection.
const LIMIT: Duration = Duration::from_secs(5);
/// So much longer than one answer may take a reading may.
const MARGIN: Duration = Duration::from_secs(1);
/// How often it is read before a call, and how long after a failure.
const READS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

impl Flight<'_> {
    /// Reads an object once, within the time that its connection has. The text is why there is no answer.
    pub(super) async fn look(&self, target: &ObjectId) -> Result<Reading, ProviderError> {
        let Some(actor) = self.actor(target) else {
            let text = format!("there is no connection '{}' here", target.source);
            return Err(ProviderError::new(FaultKind::Unreachable, text));
        };
        let connection = self.host.connections.iter().find(|one| one.name == target.source);
        let allowed = |one: &Connection| LIMIT.max(one.timeout.saturating_add(MARGIN));
        let limit = connection.map_or(LIMIT, allowed);
        let silent = || ProviderError::new(FaultKind::TimedOut, format!("no answer within {} s", limit.as_secs()));
        within(self.host.clock, limit, for_a_verb(actor.read(target))).await.unwrap_or_else(|| Err(silent()))
    }

    /// How long to wait until it is read again.
    pub(super) fn pace(&self, target: &ObjectId) -> Duration {
        let connection = self.host.connections.iter().find(|one| one.name == target.source);
        connection.map_or(LIMIT, |one| one.pace)
    }

    /// Reads an object, more than once where it does not answer.
    pub(super) async fn read(&self, plan: &Plan, target: &ObjectId) -> Result<Reading, Stop> {
        let mut tried = 1;
        loop {
            let error = match self.look(target).await {
                Ok(reading) => return Ok(reading),
                Err(error) => error,
            };
            if error.kind == FaultKind::Missing && !self.has_sent() {
                let why = format!("{target} is no longer there: {}; nothing was sent", error.text);
                return Err(Stop::End(Stage::Refused { why, changed: true }));
            }
            let hopeless = [FaultKind::Missing, FaultKind::Forbidden, FaultKind::Unauthenticated];
            // Others go first where they need not wait for this one.
            if self.patience == Some(0) && !hopeless.contains(&error.kind) {
                return Err(Stop::Sent);
            }
            if tried == READS || hopeless.contains(&error.kind) {
                let why = format!("{target} cannot be read: {}", error.text);
                return Err(Stop::End(self.give_up(plan, &why, Some(error.kind))));
            }
            self.host.clock.sleep(PAUSE).await;
            tried += 1;
        }
    }
}
