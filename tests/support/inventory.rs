//! An inventory as most tests want it: everything of one noun, or the changes of its only scope, one after the other.

#![allow(dead_code, reason = "not every test wants every noun")]

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use holdshort::{
    domain::{gate::Gate, item::Item, object::ObjectId, pipeline::Run, rollout::Rollout},
    port::{
        error::ProviderError,
        inventory::{Extent, Heard, Inventory},
        plan::{Ask, Blocked, Draft},
    },
};

/// What a watch of rollouts told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    All(Vec<Rollout>),
    One(Box<Rollout>),
    Gone(ObjectId),
    Alive,
    Unread(Vec<String>),
}

/// Changes, or why there are none.
pub(crate) type Changes<'a> = BoxStream<'a, Result<Change, ProviderError>>;

/// Everything of one noun.
type Listed<'a, T> = BoxFuture<'a, Result<Vec<T>, ProviderError>>;

pub(crate) trait Listing {
    fn rollouts(&self) -> Listed<'_, Rollout>;
    fn gates(&self) -> Listed<'_, Gate>;
    fn runs(&self) -> Listed<'_, Run>;
    fn changes(&self) -> Changes<'_>;
    /// One look: everything, and a sentence for each thing that could not be read.
    fn look(&self) -> BoxFuture<'_, (Vec<Item>, Vec<String>)>;
    fn draft_for<T: Into<Item> + Clone>(&self, object: &T, ask: &Ask) -> Result<Draft, Blocked>;
}

impl Listing for dyn Inventory + '_ {
    fn rollouts(&self) -> Listed<'_, Rollout> {
        all(self, |item| item.rollout().cloned())
    }

    fn gates(&self) -> Listed<'_, Gate> {
        all(self, |item| item.gate().cloned())
    }

    fn runs(&self) -> Listed<'_, Run> {
        all(self, |item| item.run().cloned())
    }

    fn changes(&self) -> Changes<'_> {
        self.watch().unwrap().map(change).boxed()
    }

    fn look(&self) -> BoxFuture<'_, (Vec<Item>, Vec<String>)> {
        async move {
            let scopes = self.discover().await.unwrap();
            let told: Vec<Heard> = self.list(scopes).collect().await;
            let (mut items, mut unread) = (Vec::new(), Vec::new());
            for one in told {
                match one.parts {
                    Ok(parts) => {
                        for part in parts {
                            items.extend(part.items);
                            unread.extend(part.unread.into_iter().flatten());
                        }
                    }
                    Err(error) => unread.push(error.text),
                }
            }
            (items, unread)
        }
        .boxed()
    }

    fn draft_for<T: Into<Item> + Clone>(&self, object: &T, ask: &Ask) -> Result<Draft, Blocked> {
        self.draft(&object.clone().into(), ask)
    }
}

fn all<'a, T: Send + 'static>(inventory: &'a (dyn Inventory + 'a), of: fn(&Item) -> Option<T>) -> Listed<'a, T> {
    async move {
        let scopes = inventory.discover().await?;
        let told: Vec<Heard> = inventory.list(scopes).collect().await;
        let mut found = Vec::new();
        for one in told {
            found.extend(one.parts?.iter().flat_map(|part| &part.items).filter_map(of));
        }
        Ok(found)
    }
    .boxed()
}

fn change(told: Heard) -> Result<Change, ProviderError> {
    let mut parts = told.parts?;
    let Some(part) = parts.pop() else { return Ok(Change::Alive) };
    assert!(parts.is_empty(), "one part at a time: {parts:?}");
    if part.is_only_unread() {
        return Ok(Change::Unread(part.unread.unwrap_or_default()));
    }
    let mut rollouts: Vec<Rollout> = part.items.iter().filter_map(|item| item.rollout().cloned()).collect();
    Ok(match (part.extent, part.gone.into_iter().next()) {
        (Extent::Whole, _) => Change::All(rollouts),
        (Extent::Changed, Some(id)) => Change::Gone(id),
        (Extent::Changed, None) => Change::One(Box::new(rollouts.remove(0))),
    })
}
