//! What the objects of Flux have in common: each declares something, is reconciled by a controller of its own, can be suspended, and
//! says how far it is in the same conditions. What each kind adds is in `kustomization`, `helm_release` and `image_automation`.

use std::time::Duration;

use crate::{
    domain::{
        form::Field,
        object::ObjectId,
        rollout::{Arm, Phase, Role},
        text::clean,
        time::Timestamp,
        version::Version,
    },
    provider::kubernetes::{
        api::{Meta, Object},
        request::Resource,
        settings::Use,
    },
};

use super::{
    api::{Inventory, Progress, Reference},
    source::{self, Sought},
};

/// How many digits of a checksum tell values apart.
const DIGITS: usize = 8;

/// What an object, read as it is, gives what it installs; with its namespace and name.
pub type Gives = fn(&serde_json::Value, &(String, String)) -> Vec<Use>;

/// An object of Flux.
pub trait Declared: Object {
    /// The family of its rollouts.
    const FAMILY: &'static str;
    /// As the field writes it: `Flux Kustomization`.
    const WORDS: &'static str;
    /// As Kubernetes has it: `Kustomization`.
    const NOUN: &'static str;
    /// Where its objects are, in the newest version that we know.
    const RESOURCE: Resource;
    /// The versions of before, newest first.
    const OLDER: &'static [&'static str];
    /// What may stand beside it: its sources, and what writes to them.
    const BESIDE: &'static [Resource];
    /// May Flux be installed without it?
    const OPTIONAL: bool = true;
    /// The group of the labels by which what it manages names it.
    const KEEPS: Option<&'static str> = None;
    /// What it gives what it installs, where it gives anything.
    const GIVES: Option<Gives> = None;

    /// The version that it came in: `kustomize.toolkit.fluxcd.io/v1`.
    fn api_version(&self) -> &str;
    /// How far its controller is.
    fn progress(&self) -> &Progress;
    /// Is nothing done with it?
    fn is_suspended(&self) -> bool;
    /// How often it is looked at though nothing is new, as it says: `10m0s`.
    fn interval(&self) -> &str;
    /// How long one reconciliation may take.
    fn timeout(&self) -> Duration;
    /// Where what it declares comes from, in the order in which it would be fetched.
    fn sources(&self) -> Vec<Sought>;
    /// Which versions there are.
    fn sides(&self) -> Sides;
    /// What it manages, where it says.
    fn inventory(&self) -> Option<&Inventory>;
    /// Where it is, by what its own kind says beside what all do; `None` where that is all.
    fn own_phase(&self) -> Option<(Phase, String)> {
        None
    }
    /// Was what it declares taken back by its controller, and is still declared?
    fn is_taken_back(&self) -> bool {
        false
    }
    /// What is wrong with it beside its phase, a sentence each.
    fn troubles(&self) -> Vec<String> {
        Vec::new()
    }
    /// What reconcile asks for.
    fn form() -> Vec<Field>;
    /// What it does with a change that somebody makes to what it manages; `id` is what it is called on screen.
    fn keeps(&self, id: &str) -> String {
        let _ = id;
        String::new()
    }
    /// Between suspending and resuming it: how what runs is taken back by hand, for an emergency.
    fn by_hand(&self) -> String;

    /// What it is, in the version that it came in.
    fn resource(&self) -> Resource {
        let version = self.api_version().rsplit('/').next().unwrap_or_default();
        let known = Self::OLDER.iter().find(|older| **older == version);
        Resource { version: known.copied().unwrap_or(Self::RESOURCE.version), ..Self::RESOURCE }
    }

    /// `Kustomization flux-system/apps`, where such a one applies this object.
    fn parent(&self) -> Option<String> {
        let label = |name: &str| self.meta().labels.get(&format!("kustomize.toolkit.fluxcd.io/{name}"));
        Some(format!("Kustomization {}/{}", clean(label("namespace")?), clean(label("name")?)))
    }
}

/// The versions of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sides {
    /// What was last found good: the revision, or the chart with its values; empty where nothing was.
    pub stable_hash: String,
    /// What was last tried.
    pub canary_hash: String,
    /// Each, newest first.
    pub arms: Vec<Arm>,
    /// When what was last tried began to be.
    pub started: Option<Timestamp>,
}

impl Sides {
    /// The version on a side.
    pub fn version(&self, role: Role) -> Option<&Version> {
        self.arms.iter().find(|arm| arm.role == role).and_then(|arm| arm.version.as_ref())
    }
}

/// A version that nothing is known of but what it is.
pub fn arm(role: Role, version: Option<Version>, hash: &str, created: Option<Timestamp>) -> Arm {
    Arm {
        role,
        version,
        hash: clean(hash),
        name: clean(hash),
        revision: None,
        earlier_revisions: Vec::new(),
        pods: None,
        created,
        scale_down_at: None,
    }
}

/// By whom an object is suspended, where that is known: `, by kim`.
pub fn held_by<O: Declared>(object: &O) -> String {
    object.meta().last_written.hold().map(|(_, by)| format!(" by {}", clean(by))).unwrap_or_default()
}

/// What a revision of a source is called: `main@sha1:…` by its branch and commit, `1.42.0@sha256:…` by its tag and digest. Before
/// 2023 it was `main/…`.
pub fn version(revision: &str) -> Option<Version> {
    let revision = clean(revision);
    let (name, sum) = match revision.rsplit_once('@') {
        Some(parts) => parts,
        None if is_sum(&revision) => ("", revision.as_str()),
        None => revision.rsplit_once('/').filter(|(_, sum)| is_hex(sum)).unwrap_or((&revision, "")),
    };
    let name = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")).unwrap_or(name);
    let hex = sum.rsplit(':').next().unwrap_or_default();
    let called = if name.is_empty() { hex.chars().take(7).collect() } else { name.to_owned() };
    if called.is_empty() {
        return None;
    }
    let version = Version::of_ref(&called);
    Some(match sum.split(':').next() {
        Some("sha256") => Version { digest: Some(sum.to_owned()), ..version },
        _ if is_hex(hex) => version.at_commit(hex),
        _ => version,
    })
}

fn is_sum(text: &str) -> bool {
    text.split_once(':').is_some_and(|(kind, hex)| kind.starts_with("sha") && is_hex(hex))
}

fn is_hex(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A few digits of a checksum: `2598fd0e` of `sha256:2598fd0e…`.
pub fn digits(sum: &str) -> String {
    clean(sum).rsplit(':').next().unwrap_or_default().chars().take(DIGITS).collect()
}

/// A span as Go writes it: `1h30m0s`; `None` where it is none.
pub fn span(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok().filter(|span| !span.is_zero())
}

/// A span as people write it: `10m` of `10m0s`.
pub fn shown(text: &str) -> String {
    let text = clean(text);
    let short = text.strip_suffix("m0s").map_or_else(|| text.clone(), |rest| format!("{rest}m"));
    short.strip_suffix("h0m").map_or_else(|| short.clone(), |rest| format!("{rest}h"))
}

/// An object that is named: of which kind, where, and what it is called.
pub fn sought(reference: &Reference, own: &Meta) -> Option<Sought> {
    let namespace = if reference.namespace.is_empty() { &own.namespace } else { &reference.namespace };
    let resource = source::of_kind(&reference.kind)?;
    (!reference.name.is_empty()).then(|| Sought { resource, at: (namespace.clone(), reference.name.clone()) })
}

/// The id of what an object is on screen.
pub fn id<O: Declared>(source: &crate::domain::ids::SourceName, meta: &Meta) -> ObjectId {
    ObjectId::new(source, O::FAMILY, meta.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_called_by_its_branch_or_tag_and_known_by_its_commit_or_digest() {
        let sha1 = "450796ddb2ab6724ee1cc32a4be56da032d1cca0";
        let sha256 = "sha256:0cc9a8446c95009ef382f5eade883a67c257f77d50f84e78ecef2aac9428d1e5";
        let digest = |tag: &str| Version { digest: Some(sha256.to_owned()), ..Version::tagged(tag) };
        let table = [
            (format!("main@sha1:{sha1}"), Some(Version::tagged("main").at_commit(sha1))),
            (format!("v1.0.1@sha1:{sha1}"), Some(Version::tagged("1.0.1").at_commit(sha1))),
            (format!("refs/heads/main@sha1:{sha1}"), Some(Version::tagged("main").at_commit(sha1))),
            (format!("sha1:{sha1}"), Some(Version::tagged("450796d").at_commit(sha1))),
            (format!("feature/a/{sha1}"), Some(Version::tagged("feature/a").at_commit(sha1))),
            (format!("latest@{sha256}"), Some(digest("latest"))),
            (sha256.to_owned(), Some(digest("0cc9a84"))),
            ("6.5.4".to_owned(), Some(Version::tagged("6.5.4"))),
            (String::new(), None),
        ];
        for (revision, expected) in table {
            assert_eq!(version(&revision), expected, "{revision}");
        }
    }

    #[test]
    fn a_span_of_go_is_read_and_shown_without_its_noughts() {
        let table = [("10m0s", 600, "10m"), ("1h0m0s", 3600, "1h"), ("1h30m0s", 5400, "1h30m"), ("45s", 45, "45s")];
        for (text, seconds, words) in table {
            assert_eq!((span(text), shown(text).as_str()), (Some(Duration::from_secs(seconds)), words));
        }
        assert_eq!((span(""), span("soon"), span("0s")), (None, None, None));
    }
}
