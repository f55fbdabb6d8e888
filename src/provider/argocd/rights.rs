//! What the token may do, as Argo CD says it when it is asked (`account/can-i`). Who may do something in all of a project is asked about no
//! Application of it; a right that is not known is not taken for one that is missing, and not for one that is there.

use std::collections::BTreeMap;

use crate::{
    domain::time::{Timestamp, age},
    provider::argocd::{
        address::Address,
        api::CanI,
        client::Client,
        request::{can_i, right},
    },
};

/// How long an answer counts.
const LASTS: std::time::Duration = std::time::Duration::from_mins(15);
/// Applications that are asked about by themselves at one time.
const MOST: usize = 50;
/// The actions that verbs take. `rollback` is one of its own only since 3.6, and where that is switched on; else it answers as `sync` does, or
/// not at all.
const ACTIONS: [&str; 3] = ["sync", "update", "rollback"];

/// Whether something may be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum May {
    Yes,
    No,
    /// It did not say.
    #[default]
    Unsaid,
}

/// What the token may, as far as it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rights {
    said: BTreeMap<(&'static str, String), (May, Timestamp)>,
}

impl Rights {
    fn of(&self, action: &str, object: &str) -> Option<May> {
        self.said.iter().find(|((of, to), _)| *of == action && to == object).map(|(_, (may, _))| *may)
    }

    /// May it do this to that Application?
    fn may(&self, action: &str, at: &Address) -> May {
        let whole = self.of(action, &format!("{}/*", at.project)).unwrap_or_default();
        if whole == May::Yes { whole } else { self.of(action, &at.path()).unwrap_or_default() }
    }

    /// Why a verb that takes these actions cannot be used, and whether that it can is not known, each as a sentence.
    pub(super) fn against(&self, actions: &[&str], at: &Address) -> (Option<String>, Option<String>) {
        let named = |may: May| {
            let all = actions.iter().filter(|action| self.may(action, at) == may);
            let all: Vec<String> = all.map(|action| format!("`{}`", right(action, &at.path()))).collect();
            (!all.is_empty()).then(|| all.join(" and "))
        };
        let denied = named(May::No).map(|rights| {
            format!("the token lacks the right {rights}: ask whoever administers the project {} for it", at.project)
        });
        let unsure = named(May::Unsaid).map(|rights| format!("Argo CD did not say whether you may: it takes {rights}"));
        (denied, unsure)
    }

    /// Is what was said of a project still to count?
    pub(super) fn is_fresh(&self, project: &str, now: Timestamp) -> bool {
        let object = format!("{project}/*");
        self.said.iter().any(|((_, to), (_, at))| *to == object && age(now, *at) < LASTS)
    }

    fn note(&mut self, action: &'static str, object: &str, may: May, now: Timestamp) {
        self.said.insert((action, object.to_owned()), (may, now));
    }

    /// The same answers, whenever they were given?
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let plain = |it: &Self| it.said.iter().map(|(key, (may, _))| (key.clone(), *may)).collect::<Vec<_>>();
        plain(self) == plain(other)
    }
}

/// Asks what the token may do to these Applications of one project: in all of it, and where that is not said, to each.
pub(super) async fn learn(
    client: &Client,
    mut rights: Rights,
    project: &str,
    all: &[Address],
    now: Timestamp,
) -> Rights {
    let whole = format!("{project}/*");
    for action in ACTIONS {
        let may = ask(client, &rights, action, &whole).await;
        rights.note(action, &whole, may, now);
        if may != May::No {
            continue;
        }
        for at in all.iter().take(MOST) {
            let one = ask(client, &rights, action, &at.path()).await;
            rights.note(action, &at.path(), one, now);
        }
    }
    rights
}

/// What it says of one action; `rollback`, which an older one does not know, is `sync` to that.
async fn ask(client: &Client, rights: &Rights, action: &'static str, object: &str) -> May {
    let said = match client.read::<CanI>(&can_i(action, object), object).await {
        Ok(CanI { value }) if value == "yes" => May::Yes,
        Ok(CanI { value }) if value == "no" => May::No,
        Ok(_) | Err(_) => May::Unsaid,
    };
    let as_sync = || rights.of("sync", object).unwrap_or_default();
    if said == May::Unsaid && action == "rollback" { as_sync() } else { said }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str) -> Address {
        Address { project: "shop".into(), namespace: None, name: name.into() }
    }

    #[test]
    fn a_right_to_all_of_a_project_is_one_to_each_and_what_was_not_said_is_neither() {
        let mut rights = Rights::default();
        let unsure = "Argo CD did not say whether you may: it takes `applications, sync, shop/web`";
        assert_eq!(rights.against(&["sync"], &at("web")), (None, Some(unsure.to_owned())));
        rights.note("sync", "shop/*", May::Yes, Timestamp::UNIX_EPOCH);
        assert_eq!(rights.against(&["sync"], &at("web")), (None, None));
        rights.note("update", "shop/*", May::No, Timestamp::UNIX_EPOCH);
        rights.note("update", "shop/web", May::Yes, Timestamp::UNIX_EPOCH);
        rights.note("update", "shop/till", May::No, Timestamp::UNIX_EPOCH);
        assert_eq!(rights.against(&["sync", "update"], &at("web")), (None, None));
        let denied = "the token lacks the right `applications, update, shop/till`: ask whoever administers the project shop for it";
        assert_eq!(rights.against(&["sync", "update"], &at("till")), (Some(denied.to_owned()), None));
    }

    #[test]
    fn an_answer_counts_for_a_while() {
        let (mut rights, then) = (Rights::default(), Timestamp::UNIX_EPOCH);
        rights.note("sync", "shop/*", May::No, then);
        let later = |span| crate::domain::time::after(then, span);
        assert!(rights.is_fresh("shop", later(LASTS / 2)) && !rights.is_fresh("shop", later(LASTS)));
        assert!(!rights.is_fresh("books", then));
    }
}
