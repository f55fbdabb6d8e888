//! The cockpit without a screen, as the commands fly it.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tempfile::TempDir;

use crate::{
    app::{guard::Confirmed, model::Model},
    cli::verb::Pilot,
    domain::{observed::Freshness, rollout::Rollout},
    journal::ledger::Ledger,
    port::{
        plan::{Ask, Blocked, Draft},
        record::{Record, RecordId},
    },
    runtime::cockpit::Cockpit,
};

/// Columns and rows of a model that nobody looks at.
pub(super) const UNSEEN: (u16, u16) = (120, 36);
/// How long a command waits to learn what we may do: less is said without it, and nothing that is not so.
pub(super) const RIGHTS: Duration = Duration::from_secs(2);

/// A cockpit and its journal.
pub(super) struct Autopilot {
    pub(super) cockpit: Cockpit,
    pub(super) ledger: Arc<Ledger>,
    /// The folder that a demo journals into, which ends with it.
    pub(super) folder: Option<Arc<TempDir>>,
}

/// Has every cluster said what we may do with what is in flight there? One that does not answer is not waited for.
fn knows_our_rights(model: &Model) -> bool {
    let live = |rollout: &&Rollout| {
        let seen = model.store.target_state(&rollout.id, model.now);
        rollout.in_flight() && seen.is_some_and(|seen| seen.freshness == Freshness::Live)
    };
    model.store.rollouts().filter(live).all(|rollout| rollout.offers.iter().all(|offer| offer.unsure.is_none()))
}

impl Autopilot {
    /// Waits until every source has answered once, well or badly, and for a moment to learn what we may do.
    pub(super) async fn settle(&mut self) {
        self.cockpit.settle().await;
        self.cockpit.until(knows_our_rights, RIGHTS).await;
    }

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

    fn pass(&mut self, span: Duration) -> BoxFuture<'_, ()> {
        self.cockpit.pass(span).boxed()
    }

    fn keeps_records(&self) -> bool {
        self.folder.is_none()
    }
}
