//! What a person typed and nobody may see: it travels beside a confirmed plan, in memory or through an executor's pipe, and
//! shows and serialises nothing.
//!
//! Here must not live: where a secret goes. A call's fill says so (`port::fill`).

use std::{collections::BTreeMap, fmt};

use secrecy::{ExposeSecret, SecretString};

/// Stands for a secret wherever one would be seen.
pub const MASK: &str = "•";

/// Secrets by name. Two are equal where their names are.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, SecretString>);

impl Secrets {
    /// The same, and one more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// The same, without this one.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// One of them, to be sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(ExposeSecret::expose_secret)
    }

    /// All of them, to be told to an executor through its pipe.
    pub fn told(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect()
    }

    /// A text without any of them: what a system says may repeat what it was sent.
    pub fn masked(&self, text: &str) -> String {
        let values = self.0.values().map(ExposeSecret::expose_secret).filter(|value| !value.is_empty());
        values.fold(text.to_owned(), |text, value| text.replace(value, MASK))
    }
}

impl FromIterator<(String, String)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(all: I) -> Self {
        Self(all.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

impl PartialEq for Secrets {
    fn eq(&self, other: &Self) -> bool {
        self.0.keys().eq(other.0.keys())
    }
}

impl Eq for Secrets {}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_sent_and_told_and_never_shown() {
        let secrets = Secrets::default().with("password", "hunter2");
        assert_eq!((secrets.get("password"), secrets.get("other")), (Some("hunter2"), None));
        assert_eq!(format!("{secrets:?}"), "{\"password\"}");
        assert_eq!(secrets.masked("no 'hunter2' here: hunter2"), "no '•' here: •");
        let told: Secrets = secrets.told().into_iter().collect();
        assert_eq!((told.get("password"), &told), (Some("hunter2"), &secrets));
    }
}
