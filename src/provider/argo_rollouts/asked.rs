//! What the spec asks for, against what the controller says: its word may be old, or never have been given.

use sha2::{Digest, Sha256};

use super::api::{HASH_LABEL, MARKS, Rollout};
use crate::{
    domain::{
        rollout::{Lag, Unknown},
        text::clean,
    },
    provider::kubernetes::{api::ReplicaSet, facade::View, template::Template},
};

/// How many hex digits tell a template that the controller has made nothing of yet.
const FINGERPRINT: usize = 10;

/// The template that the spec asks for: its own, or that of the object it refers to, where that is known.
pub(super) fn template<'a>(view: &'a View<'_, Rollout>) -> Option<&'a Template> {
    let own = Some(&view.object.spec.template).filter(|template| !template.is_empty());
    own.or(view.extras.workload.as_ref())
}

/// The ReplicaSet of the version that the controller says the spec asks for.
pub(super) fn current<'a>(view: &View<'a, Rollout>) -> Option<&'a ReplicaSet> {
    MARKS.find(&view.sets, &view.object.status.current_pod_hash)
}

/// Does the spec ask for something else than what the controller names? Only where both are known.
pub(super) fn is_behind(view: &View<'_, Rollout>) -> bool {
    let (Some(asked), Some(set)) = (template(view), current(view)) else { return false };
    !asked.runs_the_same(&set.spec.template)
}

/// Does it ask for another version to come in? While it asks for the stable one back, the version on its way is still the one
/// that the controller names: its pods serve until the controller has taken it up.
pub(super) fn is_another(view: &View<'_, Rollout>) -> bool {
    let stable = MARKS.find(&view.sets, &view.object.status.stable_rs);
    let goes_back = || template(view).zip(stable).is_some_and(|(asked, set)| asked.runs_the_same(&set.spec.template));
    is_behind(view) && !goes_back()
}

/// The hash of the version that the spec asks for: the controller's, or where its word is of another version, that of the
/// ReplicaSet that runs what is asked for, or else one of ours.
pub(super) fn hash(view: &View<'_, Rollout>) -> String {
    let Some(template) = template(view).filter(|_| is_another(view)) else {
        return clean(&view.object.status.current_pod_hash);
    };
    let runs = view.sets.iter().filter(|set| template.runs_the_same(&set.spec.template));
    let newest = runs.max_by_key(|set| MARKS.revision_of(set));
    newest.map_or_else(|| fingerprint(template), |set| clean(MARKS.hash_of(set)))
}

fn fingerprint(template: &Template) -> String {
    let digest = format!("{:x}", Sha256::digest(template.without([HASH_LABEL], []).0.to_string()));
    format!("template-{}", digest.chars().take(FINGERPRINT).collect::<String>())
}

/// How far the controller is behind, where it is.
pub(super) fn lag(view: &View<'_, Rollout>) -> Option<Lag> {
    let meta = &view.object.metadata;
    let behind = !super::phase::is_observed(view.object) || is_behind(view);
    if !view.object.is_taken_up() {
        return Some(Lag { since: meta.creation_timestamp });
    }
    behind.then_some(Lag { since: meta.last_written.spec })
}

/// What of it is not known, though something says that it is there.
pub(super) fn unknown(view: &View<'_, Rollout>) -> Vec<Unknown> {
    let status = &view.object.status;
    if let Some(why) = view.unread {
        return vec![Unknown {
            what: format!("its ReplicaSets could not be read, so its pods and versions are not known: {why}"),
            way: "get the right to list replicasets.apps".to_owned(),
        }];
    }
    let seen = |hash: &str| hash.is_empty() || MARKS.find(&view.sets, hash).is_some();
    let mut all = Vec::new();
    if !seen(&status.stable_rs) {
        all.push(Unknown {
            what: format!(
                "the stable version is not known: its ReplicaSet ({}) is named and not seen",
                clean(&status.stable_rs)
            ),
            way: "look whether it was deleted: without it there is nothing to go back to".to_owned(),
        });
    }
    if status.current_pod_hash != status.stable_rs && !seen(&status.current_pod_hash) {
        all.push(Unknown {
            what: format!(
                "the pods of the version on its way are not known: its ReplicaSet ({}) is named and not seen",
                clean(&status.current_pod_hash)
            ),
            way: "wait until the controller has made it".to_owned(),
        });
    }
    all
}
