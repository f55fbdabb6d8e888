//! What tells the versions of an Application apart, and what people call them. Two entries of the history are one version where the
//! revisions are the same and so is everything else that its source says (parameters, images).
//!
//! A revision is of the repository that declares; the image that runs has a tag of its own, and that is what people mean by a version. It
//! is known of what runs now, where all its images have one tag, and of what was seen to run before. The commit of a repository that
//! declares is not the commit that an image was built from, so a version that is called by its image has none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    domain::{text::clean, version::Version},
    provider::argocd::api::{Application, Deployed, OperationState},
};

/// Hex digits of a source's digest.
const DIGITS: usize = 6;
/// How many a whole commit has, and how many of them are shown.
const COMMIT: usize = 40;
const SHORT: usize = 7;

/// Tags of images by what tells versions apart: what was seen to run.
pub(super) type Tags = BTreeMap<String, String>;

/// One version: what tells it apart, its revisions, and the sources that they are of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Side<'a> {
    /// Empty where nothing is known of it.
    pub(super) key: String,
    pub(super) revisions: Vec<&'a str>,
    pub(super) sources: Vec<&'a Value>,
}

impl<'a> Side<'a> {
    fn new(revision: &'a str, revisions: &'a [String], source: Option<&'a Value>, sources: &'a [Value]) -> Self {
        // Of several sources the single one is there as well, and empty.
        let several = !revisions.is_empty() || !sources.is_empty();
        let revisions: Vec<&str> =
            if several { revisions.iter().map(String::as_str).collect() } else { vec![revision] };
        let revisions: Vec<&str> = revisions.into_iter().filter(|revision| !revision.is_empty()).collect();
        let sources: Vec<&Value> = if several { sources.iter().collect() } else { source.into_iter().collect() };
        Self { key: key(&revisions, &sources), revisions, sources }
    }

    /// What git wants, as it was compared last.
    pub(super) fn wanted(app: &'a Application) -> Self {
        let (sync, spec) = (&app.status.sync, &app.spec);
        let compared =
            Self::new(&sync.revision, &sync.revisions, sync.compared_to.source.as_ref(), &sync.compared_to.sources);
        if compared.sources.iter().any(|source| says_something(source)) {
            return compared;
        }
        Self::new(&sync.revision, &sync.revisions, spec.source.as_ref(), &spec.sources)
    }

    /// An entry of the history.
    pub(super) fn of(entry: &'a Deployed) -> Self {
        Self::new(&entry.revision, &entry.revisions, entry.source.as_ref(), &entry.sources)
    }

    pub(super) fn is_known(&self) -> bool {
        !self.key.is_empty()
    }

    /// Its revisions as they are said: `a1b2c3d`, `a1b2c3d + 1.4.2`.
    pub(super) fn short(&self) -> String {
        let short = |revision: &&str| match commit(revision) {
            Some(commit) => commit.chars().take(SHORT).collect(),
            None => clean(revision),
        };
        self.revisions.iter().map(short).collect::<Vec<String>>().join(" + ")
    }

    /// The version, called by its image where that is known, else by its revision.
    pub(super) fn version(&self, tags: &Tags) -> Option<Version> {
        if !self.is_known() {
            return None;
        }
        if let Some(tag) = tags.get(&self.key).cloned().or_else(|| declared_tag(&self.sources)) {
            return Some(Version::tagged(tag));
        }
        let short = Version::tagged(self.short());
        Some(match self.revisions.as_slice() {
            [only] => commit(only).map_or(short.clone(), |commit| short.at_commit(commit)),
            _ => short,
        })
    }
}

/// Does a source say where it is? One of an Application with several is there, and empty.
fn says_something(source: &Value) -> bool {
    source.get("repoURL").and_then(Value::as_str).is_some_and(|repo| !repo.is_empty())
}

fn commit(revision: &str) -> Option<&str> {
    let is_hex = revision.len() == COMMIT && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(revision)
}

/// The revisions, and a digest of what else the sources say: a parameter that differs is another version.
fn key(revisions: &[&str], sources: &[&Value]) -> String {
    if revisions.is_empty() {
        return String::new();
    }
    let mut digest = Sha256::new();
    for source in sources {
        let mut source = (*source).clone();
        if let Some(fields) = source.as_object_mut() {
            // What it follows may be renamed; where it leads is the revision.
            fields.remove("targetRevision");
            fields.retain(|_, value| !value.is_null() && value != "");
        }
        digest.update(sorted(&source).to_string());
    }
    let digest: String = crate::domain::text::hex(&digest.finalize()).chars().take(DIGITS).collect();
    let revisions: Vec<String> = revisions.iter().map(|revision| clean(revision)).collect();
    format!("{}~{digest}", revisions.join("+"))
}

/// The same, with its keys in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> = fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(fields.into_iter().map(|(name, value)| (name.clone(), value)).collect())
        }
        Value::Array(all) => Value::Array(all.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// The tag that a source itself names: an image of Kustomize, or Helm's usual parameter.
fn declared_tag(sources: &[&Value]) -> Option<String> {
    let kustomize = |source: &Value| {
        let images = source.pointer("/kustomize/images")?.as_array()?;
        only(images.iter().filter_map(Value::as_str).filter_map(|image| tag(image.rsplit('=').next()?)))
    };
    let helm = |source: &Value| {
        let parameters = source.pointer("/helm/parameters")?.as_array()?;
        let of = |name: &str| parameters.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(name));
        of("image.tag")?.get("value")?.as_str().map(clean)
    };
    sources.iter().find_map(|source| kustomize(source).or_else(|| helm(source)))
}

/// The tag of an image, where it has one.
fn tag(image: &str) -> Option<String> {
    let name = image.split('@').next()?;
    let (_, tag) = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
    Some(clean(tag)).filter(|tag| !tag.is_empty())
}

/// The only one of them, however often it is there.
fn only(all: impl Iterator<Item = String>) -> Option<String> {
    let all: BTreeSet<String> = all.collect();
    let mut all = all.into_iter();
    all.next().filter(|_| all.next().is_none())
}

/// The tag of what people mean: of the images whose name is that of the service or the Application, else of all of them.
fn of_images(images: &[String], names: &[&str]) -> Option<String> {
    let is_named = |image: &&String| {
        let path = image.split('@').next().unwrap_or_default();
        let path = path.rsplit_once(':').map_or(path, |(name, tag)| if tag.contains('/') { path } else { name });
        path.rsplit('/').next().is_some_and(|last| names.contains(&last))
    };
    let bearers: Vec<&String> = images.iter().filter(is_named).collect();
    let chosen = if bearers.is_empty() { images.iter().collect() } else { bearers };
    only(chosen.into_iter().filter_map(|image| tag(image)))
}

/// What is seen to run now, by what tells versions apart: of what is deployed while nothing moves, and of what an operation brought.
pub(super) fn seen(app: &Application, service: &str) -> Tags {
    let names = [service, app.metadata.name.as_str()];
    let mut tags = Tags::new();
    let moves = app.operation.is_some() || app.status.operation_state.as_ref().is_some_and(is_open);
    let deployed = app.status.history.last().map(Side::of);
    let deployed = deployed.or_else(|| (app.status.sync.status == "Synced").then(|| Side::wanted(app)));
    if let (Some(deployed), false) = (&deployed, moves) {
        let brought = app.status.operation_state.as_ref().filter(|state| state.phase == "Succeeded").and_then(brought);
        // What it brought is exact; the summary may have pods that are on their way out.
        let tag = brought
            .and_then(|images| of_images(&images, &names))
            .or_else(|| of_images(&app.status.summary.images, &names));
        tags.extend(tag.filter(|_| deployed.is_known()).map(|tag| (deployed.key.clone(), tag)));
    }
    tags
}

fn is_open(state: &OperationState) -> bool {
    matches!(state.phase.as_str(), "Running" | "Terminating")
}

/// The images that an operation brought, where it says them.
fn brought(state: &OperationState) -> Option<Vec<String>> {
    let images = state.sync_result.as_ref()?.resources.iter().flat_map(|one| one.images.iter().cloned());
    Some(images.collect::<Vec<String>>()).filter(|images| !images.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const A: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678";

    fn app(value: Value) -> Application {
        serde_json::from_value(value).unwrap()
    }

    fn entry(id: u64, source: &Value) -> Value {
        json!({"id": id, "revision": A, "source": source})
    }

    #[test]
    fn the_same_revision_with_another_parameter_is_another_version_and_a_renamed_branch_is_not() {
        let source = |target: &str, tag: &str| {
            json!({"repoURL": "https://git/x", "path": "p", "targetRevision": target,
                "helm": {"parameters": [{"name": "image.tag", "value": tag}]}})
        };
        let history: Vec<Deployed> = [
            entry(1, &source("main", "1.41.3")),
            entry(2, &source("main", "1.42.0")),
            entry(3, &source("trunk", "1.42.0")),
        ]
        .into_iter()
        .map(|entry| serde_json::from_value(entry).unwrap())
        .collect();
        let sides: Vec<Side<'_>> = history.iter().map(Side::of).collect();
        assert!(sides[0].key != sides[1].key && sides[1].key == sides[2].key, "{sides:?}");
        assert!(sides[0].key.starts_with(&format!("{A}~")));
        let versions: Vec<String> = sides.iter().map(|side| side.version(&Tags::new()).unwrap().to_string()).collect();
        assert_eq!(versions, ["1.41.3", "1.42.0", "1.42.0"]);
    }

    #[test]
    fn without_a_tag_a_version_is_called_by_its_revision_and_a_chart_by_its_number() {
        let plain: Deployed =
            serde_json::from_value(entry(1, &json!({"repoURL": "x", "targetRevision": "main"}))).unwrap();
        assert_eq!(Side::of(&plain).version(&Tags::new()).unwrap().to_string(), "a1b2c3d");
        let chart: Deployed =
            serde_json::from_value(json!({"id": 1, "revision": "4.2.1", "source": {"repoURL": "x", "chart": "web"}}))
                .unwrap();
        assert_eq!(Side::of(&chart).version(&Tags::new()).unwrap(), Version::tagged("4.2.1"));
        let several: Deployed = serde_json::from_value(json!({"id": 1, "revision": "", "source": {"repoURL": ""},
            "revisions": [A, "4.2.1"], "sources": [{"repoURL": "x"}, {"repoURL": "y", "chart": "web"}]}))
        .unwrap();
        let side = Side::of(&several);
        assert_eq!((side.short().as_str(), side.revisions.len()), ("a1b2c3d + 4.2.1", 2));
        assert_eq!(side.version(&Tags::new()).unwrap(), Version::tagged("a1b2c3d + 4.2.1"));
    }

    #[test]
    fn the_tag_is_that_of_the_service_s_image_and_two_tags_are_none() {
        let of = |images: &[&str]| {
            let images: Vec<String> = images.iter().map(|it| (*it).to_owned()).collect();
            of_images(&images, &["payments", "payments-prod"])
        };
        assert_eq!(of(&["r.example:5000/payments:1.42.0", "envoy:1.30"]).as_deref(), Some("1.42.0"));
        assert_eq!(of(&["r/payments:1.42.0", "r/payments:1.41.3"]), None, "two are on their way");
        assert_eq!(of(&["r/api:7", "r/worker:7@sha256:aa"]).as_deref(), Some("7"));
        assert_eq!(of(&["r/api:7", "r/worker:8"]), None);
        assert_eq!(of(&["r/payments"]), None);
    }

    #[test]
    fn what_runs_is_called_by_its_images_only_while_nothing_moves() {
        let base = json!({
            "metadata": {"name": "payments"},
            "status": {"history": [entry(1, &json!({"repoURL": "x"}))], "summary": {"images": ["r/payments:1.42.0"]}},
        });
        let tags = seen(&app(base.clone()), "payments");
        assert_eq!(tags.values().collect::<Vec<_>>(), ["1.42.0"]);
        let mut moving = base;
        moving["operation"] = json!({"sync": {}});
        assert_eq!(seen(&app(moving), "payments"), Tags::new());
    }

    #[test]
    fn what_git_wants_is_of_the_sources_that_were_compared_where_they_are_told() {
        let told = app(json!({"spec": {"source": {"repoURL": "dry"}},
            "status": {"sync": {"revision": A, "comparedTo": {"source": {"repoURL": "wet"}}}}}));
        assert_eq!(Side::wanted(&told).sources, [&json!({"repoURL": "wet"})]);
        let untold = app(json!({"spec": {"source": {"repoURL": "x"}}, "status": {"sync": {"revision": A}}}));
        assert_eq!(Side::wanted(&untold).sources, [&json!({"repoURL": "x"})]);
        assert!(!Side::wanted(&app(json!({}))).is_known());
    }
}
