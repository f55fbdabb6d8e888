//! The cockpit without a screen, as the commands fly it.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tempfile::TempDir;

use crate::{
    app::{guard::Confirmed, model::Model},
    cli::verb::Pilot,
    journal::ledger::Ledger,
    port::{
        plan::{Ask, Blocked, Draft},
        record::{Record, RecordId},
    },
    runtime::cockpit::Cockpit,
};

/// A settled cockpit and its journal.
pub(super) struct Autopilot {
    pub(super) cockpit: Cockpit,
    pub(super) ledger: Arc<Ledger>,
    /// The folder that a demo journals into, which ends with it.
    pub(super) folder: Option<Arc<TempDir>>,
}

impl Autopilot {
    fn record(&self, id: RecordId) -> Result<Record, String> {
        let found = self.ledger.get(id).map_err(|why| why.to_string())?;
        found.ok_or_else(|| format!("record {id} is not in the journal"))
    }
}

impl Pilot for Autopilot {
    fn model(&self) -> &Model {
        self.cockpit.model()
    }

    fn drafts<'a>(&'a mut self, ask: &'a Ask) -> BoxFuture<'a, Vec<Result<Draft, Blocked>>> {
        async move { self.cockpit.drafts_vouched(ask).await }.boxed()
    }

    fn execute(&mut self, confirmed: Confirmed) -> BoxFuture<'_, Result<Record, String>> {
        async move {
            let id = self.cockpit.carry_out(confirmed).await?;
            self.record(id)
        }
        .boxed()
    }

    fn follow(&mut self, id: RecordId, seen: usize, within: Option<Duration>) -> BoxFuture<'_, Result<Record, String>> {
        async move {
            self.cockpit.more_of(id, seen, within).await;
            self.record(id)
        }
        .boxed()
    }
}
