//! Webhooks, as far as a load tester answers them: its gates are in its memory. Whatever else is asked says yes.

use serde_json::Value;

use super::super::super::json;
use super::Tick;

impl Tick<'_> {
    fn hooks(&self, kind: &str) -> Vec<(String, bool)> {
        let hooks = self.canary.pointer("/spec/analysis/webhooks").and_then(Value::as_array);
        let of_kind = hooks.into_iter().flatten().filter(|hook| json::text(hook, "/type") == kind);
        of_kind.map(|hook| (json::text(hook, "/name").to_owned(), self.says_yes(json::text(hook, "/url")))).collect()
    }

    fn says_yes(&self, url: &str) -> bool {
        let (name, namespace) = (&self.key.name, &self.key.namespace);
        if url.ends_with("/gate/check") {
            self.plane.is_open(&format!("{name}.{namespace}"))
        } else if url.ends_with("/rollback/check") {
            self.plane.is_open(&format!("rollback.{name}.{namespace}"))
        } else {
            !url.ends_with("/gate/halt")
        }
    }

    /// The first webhook of a kind that says no.
    pub(super) fn refuses(&self, kind: &str) -> Option<String> {
        self.hooks(kind).into_iter().find(|(_, yes)| !yes).map(|(name, _)| name)
    }

    /// Does any webhook of a kind say yes?
    pub(super) fn passes_any(&self, kind: &str) -> bool {
        self.hooks(kind).iter().any(|(_, yes)| *yes)
    }
}
