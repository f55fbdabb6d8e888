//! What an automation keeps as its source says, by itself: who changes something of that by hand has it undone.

use serde::{Deserialize, Serialize};

use crate::domain::{ids::EnvironmentName, object::ObjectId};

/// An object that keeps others as its source says, while it does so by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upkeep {
    /// Which one.
    pub by: ObjectId,
    /// What it is called, with its system before its path.
    pub called: String,
    /// Where what it keeps runs.
    pub environment: EnvironmentName,
    /// What it keeps there, by their paths: `NAMESPACE/NAME`.
    pub keeps: Vec<String>,
    /// When it undoes what somebody changed, and why, in half a sentence: `within seconds: it heals itself`.
    pub undoes: String,
}

impl Upkeep {
    /// Does it keep this, which runs there? What is told of by its own system is not meant.
    pub fn has(&self, object: &ObjectId, environment: &EnvironmentName) -> bool {
        self.by.source != object.source && self.environment == *environment && self.keeps.contains(&object.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_what_has_its_path_in_its_environment_and_is_told_of_by_another_system() {
        let upkeep = Upkeep {
            by: ObjectId::new(&"cd".into(), "application", "shop/payments-prod"),
            called: "Argo CD shop/payments-prod".to_owned(),
            environment: "prod/eu".into(),
            keeps: vec!["shop/payments".to_owned()],
            undoes: "within seconds".to_owned(),
        };
        let has = |source: &str, path: &str, environment: &str| {
            upkeep.has(&ObjectId::new(&source.into(), "deployment", path), &environment.into())
        };
        assert!(has("eu", "shop/payments", "prod/eu"));
        assert!(!has("us", "shop/payments", "prod/us") && !has("eu", "shop/search", "prod/eu"));
        assert!(!has("cd", "shop/payments", "prod/eu"), "it does not undo itself");
    }
}
