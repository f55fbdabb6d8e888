//! The cockpit without a screen, as the commands fly it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Either, select},
    stream::FuturesUnordered,
};
use tempfile::TempDir;

use crate::{
    app::{guard::Confirmed, model::Model, msg::Msg, wants},
    cli::verb::Pilot,
    domain::{ids::SourceName, object::ObjectId, observed::Freshness, rollout::Rollout, verb::Verb},
    journal::ledger::Ledger,
    port::{
        lookup::{Question, Topic},
        plan::{Ask, Blocked, Draft},
        record::{Record, RecordId},
    },
    runtime::cockpit::Cockpit,
};

/// Columns and rows of a model that nobody looks at.
pub(super) const UNSEEN: (u16, u16) = (120, 36);
/// How long a command waits to learn what we may do: less is said without it, and nothing that is not so.
pub(super) const RIGHTS: Duration = Duration::from_secs(2);

/// How long it waits for what is worth knowing before an act.
const ANSWERS: Duration = Duration::from_secs(5);
/// How long it waits to learn what stands in the way back.
const WAY_BACK: Duration = Duration::from_secs(4);

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

/// Does something rest of which nobody has asked yet what we may do with it, and is there who can be asked? What flies was waited for.
fn rests_unasked(model: &Model, target: &ObjectId) -> bool {
    let answers =
        model.session.sources.iter().any(|info| info.name == target.source && info.answers.contains(&Topic::Preflight));
    let unsure = |rollout: &Rollout| !rollout.in_flight() && rollout.offers.iter().any(|offer| offer.unsure.is_some());
    answers && model.store.rollout(target).is_some_and(unsure)
}

impl Autopilot {
    /// Waits until every source has answered once, well or badly, and for a moment to learn what we may do.
    pub(super) async fn settle(&mut self) {
        self.cockpit.settle().await;
        self.cockpit.until(knows_our_rights, RIGHTS).await;
    }

    /// Asks these, all at once, and takes in what comes back within a moment.
    pub(super) async fn ask(&mut self, asked: BTreeSet<(SourceName, Question)>) {
        let answers = asked.into_iter().filter_map(|(source, question)| {
            let lookup = Arc::clone(self.cockpit.lookup(&source, question.topic())?);
            let answer = async move {
                let told = lookup.ask(question.clone()).next().await;
                told.map(|told| (source, question, told))
            };
            Some(answer.boxed())
        });
        let mut answers: FuturesUnordered<_> = answers.collect();
        let mut limit = self.cockpit.pause(ANSWERS);
        while let Either::Left((Some(answer), _)) = select(answers.next(), &mut limit).await {
            let Some((source, question, told)) = answer else { continue };
            let at = self.cockpit.model().now;
            let told = told.map_err(|error| error.at(at));
            self.cockpit.feed(Msg::Told { source, at, question, told });
        }
    }

    /// Waits for a moment to learn what stands in the way back: who does not answer in time forbids nothing.
    async fn look_into(&mut self, ask: &Ask) {
        self.cockpit.look_into(ask, WAY_BACK).await;
    }

    /// A record as far as it has come. What its executor told goes before what the journal holds of it: a journal that is lost on the way,
    /// or cannot be written, is no reason to wait for what has happened already.
    fn record(&self, id: RecordId) -> Result<Record, String> {
        let told = self.cockpit.model().actions.record(id);
        match (self.ledger.get(id), told) {
            (Ok(Some(kept)), Some(told)) if told.entries.len() > kept.entries.len() => {
                Ok(Record { entries: told.entries, ..kept })
            }
            (Ok(Some(kept)), _) => Ok(kept),
            (_, Some(told)) => Ok(told),
            (Ok(None), None) => Err(format!("record {id} is not in the journal")),
            (Err(why), None) => Err(why.to_string()),
        }
    }
}

impl Pilot for Autopilot {
    fn model(&self) -> &Model {
        self.cockpit.model()
    }

    fn drafts<'a>(&'a mut self, ask: &'a Ask) -> BoxFuture<'a, Vec<Result<Draft, Blocked>>> {
        async move {
            let unasked =
                |model: &Model| ask.targets().filter(|target| rests_unasked(model, target)).cloned().collect();
            let unsure: Vec<ObjectId> = unasked(self.cockpit.model());
            if ask.takes_over.is_none() {
                // Whoever looks into a way learns with it what we may do there; for other verbs the way to what runs is looked into.
                let ways = match ask.verb {
                    Verb::Rollback => vec![ask.clone()],
                    _ => unsure.iter().map(|target| Ask::new(Verb::Abort, target.clone())).collect(),
                };
                for way in &ways {
                    self.look_into(way).await;
                }
            }
            if !unsure.is_empty() {
                self.cockpit.until(|model| unasked(model).is_empty(), RIGHTS).await;
            }
            self.cockpit.drafts_vouched(ask).await
        }
        .boxed()
    }

    fn look_at<'a>(&'a mut self, targets: &'a [ObjectId]) -> BoxFuture<'a, ()> {
        async move {
            let model = self.cockpit.model();
            let asked = targets.iter().flat_map(|target| wants::before_an_act(model, target)).collect();
            self.ask(asked).await;
        }
        .boxed()
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
