//! What the configuration names and the cluster does not have: a namespace that is empty, labels that nothing carries, an object of
//! a service that is not there. Whoever misspelt a name would take the silence of that place for calm.
//!
//! A name counts as absent only once every engine has read the place where it would be.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

use super::{scope::Scope, store::Key};

/// A namespace, or `None` for the whole cluster.
type Space = Option<String>;

/// What one engine has of what is sought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The spaces that hold something of it.
    pub(super) filled: BTreeSet<Space>,
    /// The objects that are named and there.
    pub(super) named: BTreeSet<Key>,
}

/// What an engine told, and of which spaces it read all there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    read: BTreeSet<Space>,
    found: Found,
    /// The cluster does not have it, and need not.
    absent: bool,
}

/// What is sought on one cluster, by engine.
#[derive(Debug, Default)]
pub(super) struct Sought(watch::Sender<BTreeMap<&'static str, Told>>);

impl Sought {
    /// This engine is asked, too: nothing is absent before it has said so.
    pub(super) fn expect(&self, engine: &'static str) {
        self.0.send_modify(|told| drop(told.insert(engine, Told::default())));
    }

    /// What an engine has now; `read` is a space of which it has just read all.
    pub(super) fn tell(&self, engine: &'static str, read: Option<Space>, found: Found) {
        self.0.send_if_modified(|told| {
            let told = told.entry(engine).or_default();
            let before = told.clone();
            told.read.extend(read);
            told.found = found;
            *told != before
        });
    }

    /// The cluster does not have this engine, and need not; or it has it after all.
    pub(super) fn is_absent(&self, engine: &'static str, absent: bool) {
        self.0.send_if_modified(|told| {
            let told = told.entry(engine).or_default();
            std::mem::replace(&mut told.absent, absent) != absent
        });
    }

    /// A space cannot be read any more: nobody knows what it lacks.
    pub(super) fn lost(&self, engine: &'static str, space: &Space) {
        self.0.send_if_modified(|told| told.get_mut(engine).is_some_and(|told| told.read.remove(space)));
    }

    /// Wakes on every change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<BTreeMap<&'static str, Told>> {
        self.0.subscribe()
    }

    /// What is not there, a sentence each.
    pub(super) fn absent(&self, scope: &Scope) -> Vec<String> {
        let told = self.0.borrow();
        let whole = |space: &Space| told.values().all(|told| told.read.contains(space) || told.read.contains(&None));
        let filled = |space: &Space| told.values().any(|told| told.found.filled.contains(space));
        let named = |key: &Key| told.values().any(|told| told.found.named.contains(key));
        let those = |absent: bool| {
            let of = told.iter().filter(move |(_, told)| told.absent == absent).map(|(engine, _)| *engine);
            of.collect::<Vec<&str>>().join(", ")
        };
        let lacks = Some(those(true)).filter(|lacks| !lacks.is_empty()).map(|lacks| format!("not installed: {lacks}"));
        let engines: Vec<String> = Some(those(false)).filter(|has| !has.is_empty()).into_iter().chain(lacks).collect();
        let engines = engines.join("; ");
        let picked = !scope.namespaces.is_empty() || scope.label_selector.is_some() || !scope.unsought.is_empty();
        let empty = scope.spaces().into_iter().filter(|space| picked && whole(space) && !filled(space));
        let mut absent: Vec<String> = empty.map(|space| nothing_in(scope, space.as_deref(), &engines)).collect();
        for (path, service) in &scope.services {
            let Some(key) = split(path) else { continue };
            let cluster = &scope.cluster;
            let outside = !scope.namespaces.is_empty() && !scope.namespaces.contains(&key.0);
            if outside {
                let add = format!("add it to `namespaces` in [connections.{cluster}]");
                absent.push(format!(
                    "{service} names {path}, and namespace {} of {cluster} is not looked at: {add}",
                    key.0
                ));
            } else if whole(&Some(key.0.clone())) && !named(&key) {
                let labels = scope.label_selector.as_ref().map_or("", |_| ", or it lacks the labels of `selector`");
                absent.push(format!(
                    "there is no {path} on {cluster} ({engines}){labels}: `rollouts` in [services.{service}] names it"
                ));
            }
        }
        absent
    }
}

/// That nothing of what is looked for is there.
fn nothing_in(scope: &Scope, space: Option<&str>, engines: &str) -> String {
    let cluster = &scope.cluster;
    let labels = scope.label_selector.as_ref().map(|labels| format!(" with the labels {labels}")).unwrap_or_default();
    let what = match space {
        Some(space) => format!("nothing{labels} is in namespace {space} of {cluster} ({engines})"),
        None => format!("nothing{labels} is on {cluster} ({engines})"),
    };
    // Whatever narrows it down may be what is wrong.
    let by = [
        space.map(|_| "`namespaces` names it".to_owned()),
        scope.label_selector.as_ref().map(|_| "`selector` asks for the labels".to_owned()),
        (!scope.unsought.is_empty()).then(|| format!("`engines` leaves out {}", scope.unsought.join(", "))),
    ];
    let by: Vec<String> = by.into_iter().flatten().collect();
    format!("{what}: in [connections.{cluster}] {}", by.join(", "))
}

/// An object as a service names it: `shop/payments`.
pub(super) fn split(path: &str) -> Option<Key> {
    path.split_once('/').map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::offer::Risk;

    fn scope(namespaces: &[&str], named: &[&str]) -> Scope {
        let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
        let mut scope = Scope::new("eu".into(), "prod/eu".into(), Risk::High, namespaces);
        scope.services = named.iter().map(|path| ((*path).to_owned(), "pay".into())).collect();
        scope
    }

    fn found(filled: &[&str], named: &[&str]) -> Found {
        Found {
            filled: filled.iter().map(|space| Some((*space).to_owned())).collect(),
            named: named.iter().filter_map(|path| split(path)).collect(),
        }
    }

    #[test]
    fn a_namespace_is_empty_only_once_every_engine_has_read_it_and_has_nothing_there() {
        let (sought, scope) = (Sought::default(), scope(&["shop", "shpo"], &[]));
        sought.expect("Argo Rollouts");
        sought.expect("Deployment");
        sought.tell("Argo Rollouts", Some(Some("shpo".into())), Found::default());
        sought.tell("Argo Rollouts", Some(Some("shop".into())), Found::default());
        assert_eq!(sought.absent(&scope), Vec::<String>::new());
        sought.tell("Deployment", Some(Some("shpo".into())), Found::default());
        sought.tell("Deployment", Some(Some("shop".into())), found(&["shop"], &[]));
        let said =
            "nothing is in namespace shpo of eu (Argo Rollouts, Deployment): in [connections.eu] `namespaces` names it";
        assert_eq!(sought.absent(&scope), [said]);
        sought.lost("Deployment", &Some("shpo".into()));
        assert_eq!(sought.absent(&scope), Vec::<String>::new());
    }

    #[test]
    fn labels_that_nothing_carries_are_named_and_an_empty_cluster_of_which_nobody_says_anything_is_not() {
        let (sought, mut scope) = (Sought::default(), scope(&[], &[]));
        sought.expect("Deployment");
        sought.tell("Deployment", Some(None), Found::default());
        assert_eq!(sought.absent(&scope), Vec::<String>::new());
        scope.label_selector = Some("team=pya".to_owned());
        let said = "nothing with the labels team=pya is on eu (Deployment): in [connections.eu] `selector` asks for the labels";
        assert_eq!(sought.absent(&scope), [said]);
    }

    #[test]
    fn where_an_engine_is_left_out_that_may_be_why_nothing_is_found() {
        let (sought, mut scope) = (Sought::default(), scope(&["shop"], &[]));
        scope.unsought = vec!["Deployment"];
        sought.expect("Argo Rollouts");
        sought.tell("Argo Rollouts", Some(Some("shop".into())), Found::default());
        let said = "nothing is in namespace shop of eu (Argo Rollouts): in [connections.eu] `namespaces` names it, `engines` leaves out \
                    Deployment";
        assert_eq!(sought.absent(&scope), [said]);
        scope.namespaces.clear();
        sought.tell("Argo Rollouts", Some(None), Found::default());
        let said = "nothing is on eu (Argo Rollouts): in [connections.eu] `engines` leaves out Deployment";
        assert_eq!(sought.absent(&scope), [said]);
    }

    #[test]
    fn an_object_of_a_service_that_is_not_there_or_not_looked_at_is_named() {
        let (sought, scope) = (Sought::default(), scope(&["shop"], &["shop/pay", "shop/pya", "other/pay"]));
        sought.expect("Deployment");
        let outside = "pay names other/pay, and namespace other of eu is not looked at: add it to `namespaces` in \
                       [connections.eu]";
        assert_eq!(sought.absent(&scope), [outside]);
        sought.tell("Deployment", Some(Some("shop".into())), found(&["shop"], &["shop/pay"]));
        let lacking = "there is no shop/pya on eu (Deployment): `rollouts` in [services.pay] names it";
        assert_eq!(sought.absent(&scope), [outside, lacking]);
    }
}
