//! Pods by version: from ReplicaSets, templates and events to the domain.

use chrono::DateTime;

use std::collections::BTreeSet;

use super::{
    api::{Event, Meta, ReplicaSet},
    template::Template,
};
use crate::domain::{
    rollout::{self, Arm, Pods, Role, Written},
    text::clean,
    version::Version,
};

/// Annotations that name the commit a template was built from, ours first.
const COMMIT: &[&str] = &["holdshort.dev/commit", "org.opencontainers.image.revision"];
/// The recommended label for a version, used where the image's tag says nothing.
const VERSION: &str = "app.kubernetes.io/version";

/// How many events are kept of one object.
const MOST_EVENTS: usize = 20;

/// The container that stands for the whole: the one that differs between the two sides, else the one that bears the name of
/// the service or its object, else the first. A proxy in front of it does not change from release to release.
pub fn container(names: &[&str], new: &Template, before: Option<&Template>) -> String {
    let changed = |(name, image): &(&str, &str)| {
        before.and_then(|before| before.image_of(name)).is_some_and(|other| other != *image)
    };
    let moved: Vec<_> = new.containers().filter(changed).collect();
    let all: Vec<_> = if moved.is_empty() { new.containers().collect() } else { moved };
    let bears = |(name, image): &&(&str, &str)| names.contains(name) || names.contains(&repository(image));
    let one = all.iter().find(bears).or_else(|| all.first());
    one.map(|(name, _)| (*name).to_owned()).unwrap_or_default()
}

/// `checkout` of `registry.test:5000/team/checkout:1.1.0@sha256:…`.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split(':').next().unwrap_or(last)
}

/// What a template runs. Tag and digest are those of a container, or of the first where there is none of that name; the
/// commit comes from an annotation of the template, or else of the object that holds it.
pub fn version(template: &Template, holder: &Meta, container: &str) -> Option<Version> {
    let first = || template.containers().next().map(|(_, image)| image);
    let mut version = Version::from_image(template.image_of(container).or_else(first)?);
    let named = |key: &str| {
        let of_holder = || holder.annotations.get(key).or_else(|| holder.labels.get(key)).map(String::as_str);
        template.annotation(key).or_else(|| template.label(key)).or_else(of_holder).map(str::to_owned)
    };
    let says_nothing = version.tag == "latest" || version.tag.starts_with("sha256:");
    if let Some(name) = named(VERSION).filter(|_| says_nothing) {
        version.tag = clean(&name);
    }
    match COMMIT.iter().find_map(|key| named(key)) {
        Some(commit) => Some(version.at_commit(commit)),
        None => Some(version),
    }
}

/// Who wrote last what an object's pods are to run.
pub fn written(meta: &Meta) -> Option<Written> {
    let put = meta.last_written.template.as_deref()?;
    Some(Written { at: put.at, by: clean(&put.manager) })
}

/// How an engine marks its ReplicaSets.
#[derive(Clone, Copy, Debug)]
pub struct Marks {
    /// The label that holds the pod template hash.
    pub hash: &'static str,
    /// The annotation that holds the revision number.
    pub revision: &'static str,
    /// The annotation that lists the revision numbers of before, by comma.
    pub history: &'static str,
    /// The annotation that holds the time of a delayed scale-down, where the engine has one.
    pub scale_down: Option<&'static str>,
}

impl Marks {
    /// The pod template hash of a set; empty when it has none.
    pub fn hash_of<'a>(&self, set: &'a ReplicaSet) -> &'a str {
        set.metadata.labels.get(self.hash).map_or("", String::as_str)
    }

    /// The revision number of a set, where it has one.
    pub fn revision_of(&self, set: &ReplicaSet) -> Option<u64> {
        set.metadata.annotations.get(self.revision).and_then(|text| text.trim().parse().ok())
    }

    fn earlier_revisions(&self, set: &ReplicaSet) -> Vec<u64> {
        let listed = set.metadata.annotations.get(self.history).map_or("", String::as_str);
        listed.split(',').filter_map(|number| number.trim().parse().ok()).collect()
    }

    /// The set with this hash.
    pub fn find<'a>(&self, sets: &[&'a ReplicaSet], hash: &str) -> Option<&'a ReplicaSet> {
        sets.iter().copied().find(|set| !hash.is_empty() && self.hash_of(set) == hash)
    }

    /// One version with its pods.
    pub fn arm(&self, set: &ReplicaSet, role: Role, container: &str) -> Arm {
        let deadline = self.scale_down.and_then(|key| set.metadata.annotations.get(key));
        Arm {
            role,
            version: version(&set.spec.template, &set.metadata, container),
            hash: clean(self.hash_of(set)),
            name: clean(&set.metadata.name),
            revision: self.revision_of(set),
            earlier_revisions: self.earlier_revisions(set),
            pods: Some(pods(set)),
            created: set.metadata.creation_timestamp,
            scale_down_at: deadline.and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|at| at.to_utc()),
        }
    }
}

/// Versions with one tag are told apart: the two sides from each other, and an earlier one from what it would be put back
/// in place of. By digest, else by revision, else by hash.
pub fn tell_apart(arms: &mut [Arm]) {
    let tag = |arm: &Arm| arm.version.as_ref().map(|version| version.tag.clone());
    let side = |role: Role| arms.iter().find(|arm| arm.role == role).and_then(tag);
    let sides = [side(Role::Stable), side(Role::Canary)];
    let shared = sides.first() == sides.last();
    let mut kept: BTreeSet<String> = BTreeSet::new();
    for arm in arms.iter_mut() {
        let Some(own) = tag(arm) else { continue };
        let of_sides = sides.iter().flatten().any(|tag| *tag == own);
        let twice = if arm.role == Role::Old { of_sides || !kept.insert(own.clone()) } else { of_sides && shared };
        let by = told_by(arm);
        if let Some(version) = arm.version.as_mut().filter(|_| twice) {
            version.tag = format!("{own} ({by})");
        }
    }
}

fn told_by(arm: &Arm) -> String {
    let digest = arm.version.as_ref().and_then(|version| version.digest.as_ref());
    match (digest, arm.revision) {
        (Some(digest), _) => digest.chars().take("sha256:".len() + 7).collect(),
        (None, Some(revision)) => format!("revision {revision}"),
        (None, None) => arm.hash.clone(),
    }
}

/// That the ReplicaSets count no pod as available though pods are asked for and the status of their owner counts some: then
/// the status is old, or nobody tends it.
pub fn contradicted(sets: &[&ReplicaSet], wanted: u32, told: u32) -> Option<String> {
    let asked: u32 = sets.iter().map(|set| set.spec.replicas.unwrap_or(1)).sum();
    let none = sets.iter().all(|set| set.status.available_replicas == 0);
    (none && asked > 0 && wanted > 0 && told > 0)
        .then(|| format!("0 of {wanted} pods are available by its ReplicaSets; its own status says {told}"))
}

/// The pods of a set.
pub fn pods(set: &ReplicaSet) -> Pods {
    Pods {
        desired: set.spec.replicas.unwrap_or(1),
        current: set.status.replicas,
        ready: set.status.ready_replicas,
        available: set.status.available_replicas,
    }
}

/// The newest events first, the rest left out. One without a time cannot be put in order and is left out too.
pub fn events(wire: &[Event]) -> Vec<rollout::Event> {
    // Times are whole seconds. A list comes by name, and names end in the nanoseconds: the later of two is the newer.
    let mut events: Vec<_> = wire.iter().rev().filter_map(event).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events.truncate(MOST_EVENTS);
    events
}

fn event(wire: &Event) -> Option<rollout::Event> {
    Some(rollout::Event {
        at: wire.last_timestamp.or(wire.event_time).or(wire.metadata.creation_timestamp)?,
        reason: clean(&wire.reason),
        message: clean(&wire.message),
        warning: wire.kind == "Warning",
        count: wire.count.unwrap_or(1),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_is_the_tag_with_the_commit_where_an_annotation_names_it() {
        let template = |image: &str, annotations: serde_json::Value, labels: serde_json::Value| {
            let metadata = json!({"annotations": annotations, "labels": labels});
            Template(json!({"metadata": metadata, "spec": {"containers": [{"image": image}, {"image": "sidecar:9"}]}}))
        };
        let none = Meta::default();
        let holder = Meta {
            annotations: [("org.opencontainers.image.revision".to_owned(), "beef".to_owned())].into(),
            ..Meta::default()
        };
        let commit = json!({"holdshort.dev/commit": "a1b2"});
        let table = [
            (template("r/pay:1.2", json!({}), json!({})), &none, Version::tagged("1.2")),
            (template("r/pay:1.2", commit, json!({})), &holder, Version::tagged("1.2").at_commit("a1b2")),
            (template("r/pay:1.2", json!(null), json!({})), &holder, Version::tagged("1.2").at_commit("beef")),
            (template("r/pay", json!({}), json!({"app.kubernetes.io/version": "7"})), &none, Version::tagged("7")),
            (
                template("r/pay:1.2", json!({}), json!({"app.kubernetes.io/version": "7"})),
                &none,
                Version::tagged("1.2"),
            ),
        ];
        for (template, holder, expected) in table {
            assert_eq!(version(&template, holder, "pay"), Some(expected), "{template:?}");
        }
        assert_eq!(version(&Template::default(), &none, "pay"), None);
    }

    #[test]
    fn the_container_that_changed_stands_for_the_version_or_the_one_that_bears_the_name() {
        let of = |images: &[(&str, &str)]| {
            let each = images.iter().map(|(name, image)| json!({"name": name, "image": image}));
            Template(json!({"spec": {"containers": each.collect::<Vec<_>>()}}))
        };
        let proxy = ("proxy", "r/nginx:1.27");
        let new = of(&[proxy, ("app", "r:5000/team/shop@sha256:ab")]);
        let table = [
            (Some(of(&[proxy, ("app", "r:5000/team/shop@sha256:cd")])), "app"),
            (Some(of(&[("proxy", "r/nginx:1.26"), ("app", "r:5000/team/shop@sha256:ab")])), "proxy"),
            (Some(of(&[("proxy", "r/nginx:1.26"), ("app", "r:5000/team/shop@sha256:cd")])), "app"),
            (None, "app"),
        ];
        for (before, expected) in table {
            assert_eq!(container(&["shop"], &new, before.as_ref()), expected, "{before:?}");
        }
        assert_eq!(container(&["other"], &new, None), "proxy");
        assert_eq!(container(&["other"], &Template::default(), None), "");
    }
}
