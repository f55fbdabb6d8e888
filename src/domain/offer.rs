//! What can be done with one object now, as data that travels with it: a key that does not work says why.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::domain::{form::Field, verb::Verb};

/// How much harm a mistake can do; friction grows with it and looks different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Risk {
    /// Enter is enough.
    Low,
    /// A dialog that names target and environment.
    Medium,
    /// The version is read back before it is sent.
    High,
}

/// One verb on one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The verb.
    pub verb: Verb,
    /// What a mistake would cost here.
    pub risk: Risk,
    /// Why it cannot be done now, as a sentence; `None` when it can.
    pub blocked: Option<String>,
    /// Whether we may is not known, as a sentence: the system has not said. `None` where it is known, either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsure: Option<String>,
    /// What it asks for beside its target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub form: Vec<Field>,
}

impl Offer {
    /// A verb that can be used.
    pub fn open(verb: Verb, risk: Risk) -> Self {
        Self { verb, risk, blocked: None, unsure: None, form: Vec::new() }
    }

    /// A verb that cannot be used, and why.
    pub fn blocked(verb: Verb, risk: Risk, why: impl Into<String>) -> Self {
        Self { blocked: Some(why.into()), ..Self::open(verb, risk) }
    }

    /// The same, which asks for this.
    #[must_use]
    pub fn asking(self, form: Vec<Field>) -> Self {
        Self { form, ..self }
    }
}

/// The offer for a verb, where the object has one.
pub fn offer_for(offers: &[Offer], verb: Verb) -> Option<&Offer> {
    offers.iter().find(|offer| offer.verb == verb)
}

/// May the verb be asked for here? `what` is what has the offers: `a gate`.
///
/// # Errors
/// Why not, as a sentence: it is blocked, or not one of what is offered.
pub fn open_for(offers: &[Offer], verb: Verb, what: &str) -> Result<(), String> {
    match offer_for(offers, verb) {
        Some(Offer { blocked: None, .. }) => Ok(()),
        Some(Offer { blocked: Some(why), .. }) => Err(why.clone()),
        None => {
            let known: Vec<_> = offers.iter().map(|offer| offer.verb.words()).collect();
            Err(format!("{what} knows no '{}': it knows {}", verb.words(), known.join(" and ")))
        }
    }
}
