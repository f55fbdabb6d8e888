//! Where an alias is: our ids, taken apart. `alias/payments/live`.

use crate::{
    domain::{
        ids::SourceName,
        object::{Family, ObjectId},
        observed::FaultKind,
    },
    port::error::ProviderError,
    provider::lambda::{CALLED, FAMILY},
};

/// An alias of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) function: String,
    pub(super) alias: String,
}

impl Address {
    /// The address behind an id of ours.
    pub(super) fn of(target: &ObjectId) -> Result<Self, ProviderError> {
        Self::parse(target).ok_or_else(|| {
            let text =
                format!("'{target}' is no alias of {CALLED}: expected {}/{FAMILY}/FUNCTION/ALIAS", target.source);
            ProviderError::new(FaultKind::Missing, text)
        })
    }

    pub(super) fn parse(target: &ObjectId) -> Option<Self> {
        let (function, alias) = target.path.split_once('/')?;
        let fits = target.family == Family::new(FAMILY) && is_name(function) && is_alias(alias);
        fits.then(|| Self { function: function.to_owned(), alias: alias.to_owned() })
    }

    pub(super) fn id(&self, source: &SourceName) -> ObjectId {
        ObjectId::new(source, FAMILY, format!("{}/{}", self.function, self.alias))
    }
}

/// As functions are called.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

/// As aliases are called: a number alone is a version.
pub(super) fn is_alias(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let number = text.bytes().all(|byte| byte.is_ascii_digit());
    (1..=128).contains(&text.len()) && text.chars().all(plain) && !number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_found_again_by_its_id_and_nothing_else_is() {
        let at = Address { function: "pay-ments_1".into(), alias: "live".into() };
        assert_eq!(Address::of(&at.id(&"aws".into())), Ok(at));
        for (family, path) in [
            (FAMILY, "payments"),
            (FAMILY, "payments/12"),
            (FAMILY, "payments/live/more"),
            (FAMILY, "../live"),
            (FAMILY, "payments/"),
            (FAMILY, "arn:aws:lambda:x/live"),
            ("run", "payments/live"),
        ] {
            assert_eq!(Address::parse(&ObjectId::new(&"aws".into(), family, path)), None, "{family}/{path}");
        }
    }
}
