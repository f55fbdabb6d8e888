//! What would be done for an ask: drafted by the providers from what was observed last, one draft for each target.

use super::Cockpit;
use crate::{
    app::{msg::Msg, takeover},
    domain::item::Item,
    port::{
        facet::Connection,
        plan::{Ask, Blocked, Draft},
    },
};

impl Cockpit {
    /// What the providers would do; where that takes another act over, only if the journal vouches for what it says of it.
    pub async fn drafts_vouched(&mut self, ask: &Ask) -> Vec<Result<Draft, Blocked>> {
        match self.actions.vouched(ask).await {
            Ok(()) => self.drafts(ask),
            Err(why) => vec![Err(Blocked(why))],
        }
    }

    /// What would be done to each target, in order. What an act that is taken over has sent there is drafted by nobody.
    pub fn drafts(&self, ask: &Ask) -> Vec<Result<Draft, Blocked>> {
        let each = ask.each();
        let one = |(index, one): (usize, &Ask)| match takeover::kept(&self.model, ask, index) {
            Some(kept) => Ok(kept.draft),
            None => self.draft(one),
        };
        each.iter().enumerate().map(one).collect()
    }

    /// What the provider would do, from the object as last observed. No I/O.
    pub fn draft(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let gone = || Blocked(format!("{} is no longer there", ask.target));
        let item = self.model.store.item(&ask.target).ok_or_else(gone)?;
        of(&self.connections, item, ask)
    }
}

/// What the provider would do to an object as it was last observed. No I/O.
pub(super) fn of(connections: &[Connection], item: &Item, ask: &Ask) -> Result<Draft, Blocked> {
    let source = connections.iter().find(|one| one.name == ask.target.source);
    let inventory = source.and_then(|source| source.inventory(&ask.target));
    inventory.ok_or_else(|| Blocked(format!("{} is no longer there", ask.target)))?.draft(item, ask)
}

/// What was drafted for each target of an ask, as it is told.
pub(super) fn drafted(ask: Ask, drafts: Vec<Result<Draft, Blocked>>) -> Msg {
    let mut drafts = drafts.into_iter();
    let nothing = || Err(Blocked("nothing was drafted".to_owned()));
    let draft = Box::new(drafts.next().unwrap_or_else(nothing));
    Msg::Drafted { ask, draft, then: drafts.collect() }
}
