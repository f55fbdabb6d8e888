//! What the model wants to know now. Pure: the runtime asks after every message, and changes its tasks by the difference.

use std::collections::BTreeSet;

use crate::{app::model::Model, domain::ids::SourceName, port::lookup::Question};

/// What is to be known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Which questions are open, and who is asked. One that is wanted no longer is not answered any more.
    pub questions: BTreeSet<(SourceName, Question)>,
}

/// What is on screen, in flight and judged.
pub fn wants(model: &Model) -> Wants {
    let of = |(source, measuring): (&SourceName, &super::model::Measuring)| {
        let source = source.clone();
        measuring.open.iter().map(move |question| (source.clone(), question.clone())).collect::<Vec<_>>()
    };
    Wants { questions: model.measuring.iter().flat_map(of).collect() }
}
