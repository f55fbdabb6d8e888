//! How auto-sync is switched off for as long as an act needs it, and on again: by its flag where this Argo CD knows that (since 3.1), else by
//! taking its block away and putting the same block back. A flag that the server does not know is forgotten silently, so what became of
//! it is always read back.

use serde_json::{Map, Value, json};

use crate::provider::argocd::api::Automated;

/// The first version whose Applications have `automated.enabled`.
const ENABLED_SINCE: (u64, u64) = (3, 1);

/// Does this version know the flag? Of one that it does not tell: no, since taking the block away works everywhere.
pub(super) fn has_enabled(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split(['.', '+', '-']).map(|part| part.parse::<u64>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= ENABLED_SINCE,
        _ => false,
    }
}

fn patch(automated: &Value) -> String {
    json!({"spec": {"syncPolicy": {"automated": automated}}}).to_string()
}

/// The merge patch that switches it off.
pub(super) fn off(has_enabled: bool) -> String {
    patch(&if has_enabled { json!({"enabled": false}) } else { Value::Null })
}

/// The merge patch that makes it as it was.
pub(super) fn on(has_enabled: bool, was: Automated) -> String {
    if has_enabled {
        return patch(&json!({"enabled": was.enabled}));
    }
    let fields = [("prune", was.prune), ("selfHeal", was.self_heal), ("allowEmpty", was.allow_empty)];
    let block: Map<String, Value> =
        fields.into_iter().filter_map(|(name, set)| Some((name.to_owned(), set?.into()))).collect();
    patch(&Value::Object(block))
}

/// Every patch that is ever sent.
pub(super) fn patches() -> Vec<String> {
    [off(true), off(false)].into_iter().chain(all_on()).collect()
}

/// Every patch that makes it as it was, however it was.
pub(super) fn all_on() -> Vec<String> {
    let mut all: Vec<String> =
        [None, Some(true)].map(|enabled| on(true, Automated { enabled, ..Automated::default() })).into();
    let each = [None, Some(true), Some(false)];
    for prune in each {
        for self_heal in each {
            all.extend(each.map(|allow_empty| on(false, Automated { prune, self_heal, allow_empty, enabled: None })));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_used_only_where_the_server_knows_it() {
        for (version, wanted) in [
            ("v3.1.0+abc", true),
            ("v3.6.0", true),
            ("v4.0.0-rc1", true),
            ("v3.0.12+x", false),
            ("v2.14.1", false),
            ("", false),
            ("v99.99.99", true),
            ("dev", false),
        ] {
            assert_eq!(has_enabled(version), wanted, "{version}");
        }
    }

    #[test]
    fn what_was_switched_off_comes_back_as_it_was() {
        let was = Automated { prune: Some(true), self_heal: Some(false), allow_empty: None, enabled: None };
        assert_eq!(off(true), r#"{"spec":{"syncPolicy":{"automated":{"enabled":false}}}}"#);
        assert_eq!(on(true, was), r#"{"spec":{"syncPolicy":{"automated":{"enabled":null}}}}"#);
        assert_eq!(off(false), r#"{"spec":{"syncPolicy":{"automated":null}}}"#);
        assert_eq!(on(false, was), r#"{"spec":{"syncPolicy":{"automated":{"prune":true,"selfHeal":false}}}}"#);
        for one in [off(true), off(false), on(true, was), on(false, was)] {
            assert!(patches().contains(&one), "{one}");
        }
    }
}
