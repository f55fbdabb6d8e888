//! How long a verdict says what is: the word that holds now, and what is said of one that is too old for that. What it rests on
//! may be of another session, and of hours ago.

use std::time::Duration;

use crate::{
    app::model::Model,
    domain::{
        evidence::Verdict,
        object::ObjectId,
        observed::Freshness,
        time::{self, Timestamp},
    },
    judge::verdict::Judgement,
    words::Outdated,
};

/// Why a verdict does not say what is now.
enum Lapse {
    /// What it rests on is so old.
    Old(Duration),
    /// It is GO for what nobody sees any more.
    Unseen,
}

impl Model {
    /// The verdict on a rollout as it holds now: one that is too old is no data, and so is GO for what nobody sees any more.
    pub fn verdict(&self, id: &ObjectId) -> Option<Verdict> {
        let judgement = self.judgements.get(id)?;
        Some(if self.lapse(id, judgement).is_some() { Verdict::NoData } else { judgement.verdict })
    }

    /// Why a verdict does not say what is now, where it does not.
    fn lapse(&self, id: &ObjectId, judgement: &Judgement) -> Option<Lapse> {
        match judgement.stale(self.now, self.session.signal_step) {
            Some(age) => Some(Lapse::Old(age)),
            None => (judgement.verdict == Verdict::Go && self.unseen(id)).then_some(Lapse::Unseen),
        }
    }

    /// Does the source of a rollout not tell of it now? What its pods answer may go on being measured: which of them run, and what
    /// traffic they are meant to get, is not known.
    fn unseen(&self, id: &ObjectId) -> bool {
        self.store.target_state(id, self.now).is_none_or(|state| state.freshness != Freshness::Live)
    }

    /// The verdict on a rollout, where it is too old to say what is.
    pub fn outdated(&self, id: &ObjectId) -> Option<Outdated> {
        let judgement = self.judgements.get(id)?;
        match self.lapse(id, judgement)? {
            Lapse::Old(age) => Some(self.aged(id, judgement, age, judgement.at?)),
            Lapse::Unseen => {
                let since = self.store.observed_at(id)?;
                let (verdict, age) = (judgement.verdict, time::age(self.now, since));
                Some(Outdated { verdict, age, source: Some(id.source.clone()), since })
            }
        }
    }

    /// Harm that was shown stays shown, however old it is; how old that is must be said beside it. Nothing where it is fresh, and
    /// where there is no such verdict.
    pub fn old_harm(&self, id: &ObjectId) -> Option<Outdated> {
        let judgement = self.judgements.get(id).filter(|judgement| judgement.verdict == Verdict::NoGo)?;
        let age = judgement.old(self.now, self.session.signal_step)?;
        Some(self.aged(id, judgement, age, judgement.at?))
    }

    fn aged(&self, id: &ObjectId, judgement: &Judgement, age: Duration, since: Timestamp) -> Outdated {
        let source = self.store.rollout(id).and_then(|rollout| self.store.signals(rollout));
        Outdated { verdict: judgement.verdict, age, source: source.map(|(source, _)| source.clone()), since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::sample::{go, now, payments, see, seeing},
        words,
    };

    #[test]
    fn harm_that_was_shown_stays_shown_and_says_how_old_it_is() {
        let mut model = seeing(vec![payments()]);
        go(&mut model);
        let id = payments().id;
        for judgement in model.judgements.values_mut() {
            (judgement.verdict, judgement.at) = (Verdict::NoGo, Some(now()));
        }
        assert_eq!((model.verdict(&id), model.old_harm(&id)), (Some(Verdict::NoGo), None));
        let kept = model.judgements.clone();
        see(&mut model, now() + Duration::from_mins(12), vec![payments()]);
        model.judgements = kept;
        assert_eq!((model.verdict(&id), model.outdated(&id)), (Some(Verdict::NoGo), None));
        let old = model.old_harm(&id).unwrap();
        assert_eq!(words::how_old(&old), "evidence 12 min old: its source has told nothing since 02:07:30");
    }
}
