//! Which of the versions that a source knows is which of a rollout's. Sources spell versions as their exporters do: with a `v`,
//! with build metadata, with a commit, as a pod template hash. One label is one version's or nobody's: two versions never get
//! the same series, and what could be two is none.

use crate::domain::rollout::{Arm, Role};

/// A commit cut shorter than this names nothing.
const LEAST_COMMIT: usize = 7;

/// A value of the version label, and the side that the source says it is, where it tells sides and not versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// The value.
    pub text: &'a str,
    /// The side.
    pub role: Option<Role>,
}

/// The place of the label that stands for `set`, which is one of the rollout's `all`; `None` where none does or where several
/// might.
pub fn label_of(labels: &[Label<'_>], all: &[&Arm], set: &Arm) -> Option<usize> {
    if labels.iter().any(|label| label.role.is_some()) {
        return only((0..).zip(labels).filter(|(_, label)| label.role == Some(set.role)).map(|(at, _)| at));
    }
    let exact = |set: &Arm| exactly(labels, all, set);
    if let Some(at) = exact(set) {
        return Some(at);
    }
    let taken: Vec<usize> = all.iter().filter_map(|other| exact(other)).collect();
    let close = (0..).zip(labels).filter(|(at, label)| !taken.contains(at) && is_close(label.text, all, set));
    let (at, label) = only(close)?;
    let others = all.iter().filter(|other| other.hash != set.hash);
    // A set of an earlier attempt has the same names; it is no other version.
    let mut others = others.filter(|other| other.role != Role::Old || tag(other) != tag(set));
    (!others.any(|other| is_close(label.text, all, other))).then_some(at)
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

/// Do two versions that are there have this tag? Then it tells nothing.
fn shares_its_tag(all: &[&Arm], set: &Arm) -> bool {
    all.iter().any(|other| {
        other.hash != set.hash && other.role != Role::Old && tag(other).is_some() && tag(other) == tag(set)
    })
}

fn exactly(labels: &[Label<'_>], all: &[&Arm], set: &Arm) -> Option<usize> {
    let called = |name: &str| labels.iter().position(|label| !name.is_empty() && label.text == name);
    let tagged = if shares_its_tag(all, set) { None } else { tag(set).and_then(called) };
    tagged.or_else(|| called(&set.hash))
}

/// Is the label another way of writing the set's hash, commit, digest or tag?
fn is_close(label: &str, all: &[&Arm], set: &Arm) -> bool {
    let hashed = !set.hash.is_empty() && label.strip_suffix(set.hash.as_str()).is_some_and(|rest| rest.ends_with('-'));
    let label = bare(label);
    let commit = commit_in(&label);
    let committed = commit.is_some_and(|commit| starts(commit_of(set), commit));
    let version = set.version.as_ref();
    let digest =
        version.and_then(|version| version.digest.as_deref()).map(|digest| digest.trim_start_matches("sha256:"));
    let digested = commit.is_some_and(|hex| starts(digest, hex));
    let spelled = |tag: &str| Spelling::of(&label).is(&Spelling::of(&bare(tag)), set);
    let tagged = || !shares_its_tag(all, set) && tag(set).is_some_and(spelled);
    hashed || committed || digested || tagged()
}

fn tag(set: &Arm) -> Option<&str> {
    set.version.as_ref().map(|version| version.tag.as_str())
}

fn commit_of(set: &Arm) -> Option<&str> {
    set.version.as_ref()?.commit.as_deref()
}

fn starts(full: Option<&str>, prefix: &str) -> bool {
    full.is_some_and(|full| full.to_ascii_lowercase().starts_with(prefix))
}

/// The tag of a whole image, in small letters and without its `v`.
fn bare(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase();
    let tag = match text.rsplit_once(':') {
        Some((name, tag)) if !name.ends_with("sha256") => tag,
        _ => &text,
    };
    let version = tag.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    version.unwrap_or(tag).to_owned()
}

/// The hex digits of a label that is nothing but a commit or a digest: `a1b2c3d`, `sha-a1b2c3d`, `sha256:…`.
fn commit_in(label: &str) -> Option<&str> {
    let hex = ["sha256:", "sha-", "git-", "g"].iter().find_map(|prefix| label.strip_prefix(prefix)).unwrap_or(label);
    is_commit(hex).then_some(hex)
}

fn is_commit(text: &str) -> bool {
    text.len() >= LEAST_COMMIT && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// A tag in its parts: `1.42.0`, `+b7`, `-a1b2c3d`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spelling {
    whole: String,
    core: String,
    build: Option<String>,
    commit: Option<String>,
}

impl Spelling {
    fn of(tag: &str) -> Self {
        let (core, mut build) = match tag.split_once('+') {
            Some((core, build)) => (core, Some(build.to_owned())),
            None => (tag, None),
        };
        let (mut core, mut commit) = (core, None);
        if let Some((rest, last)) = core.rsplit_once(['-', '_'])
            && let hex = last.strip_prefix('g').unwrap_or(last)
            && is_commit(hex)
        {
            core = rest;
            // A date is no commit.
            if hex.chars().all(|c| c.is_ascii_digit()) {
                build = build.or_else(|| Some(hex.to_owned()));
            } else {
                commit = Some(hex.to_owned());
            }
        }
        // A tag of an image cannot hold a plus sign.
        Self { whole: tag.replace(['+', '_'], "-"), core: core.replace('_', "-"), build, commit }
    }

    /// Is this label the tag of the set in another spelling? What only one of them says cannot differ.
    fn is(&self, tag: &Self, set: &Arm) -> bool {
        if self.whole == tag.whole {
            return true;
        }
        let build = self.build.is_none() || tag.build.is_none() || self.build == tag.build;
        let commit = match (&self.commit, &tag.commit, commit_of(set)) {
            (Some(one), Some(other), _) => one.starts_with(other.as_str()) || other.starts_with(one.as_str()),
            (Some(one), None, Some(commit)) => starts(Some(commit), one),
            _ => true,
        };
        let says_a_version = self.core.chars().any(|c| c.is_ascii_digit());
        says_a_version && self.core == tag.core && build && commit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{rollout::Pods, version::Version};

    fn set(tag: &str, hash: &str, role: Role) -> Arm {
        Arm {
            name: format!("payments-{hash}"),
            hash: hash.to_owned(),
            revision: Some(1),
            earlier_revisions: Vec::new(),
            role,
            version: Some(Version::tagged(tag)),
            pods: Some(Pods { desired: 1, current: 1, ready: 1, available: 1 }),
            created: None,
            scale_down_at: None,
        }
    }

    /// Which of the labels are the canary's and stable's.
    fn found<'a>(labels: &[&'a str], sets: &[Arm]) -> [Option<&'a str>; 2] {
        let all: Vec<_> = sets.iter().collect();
        let each: Vec<_> = labels.iter().map(|text| Label { text, role: None }).collect();
        [Role::Canary, Role::Stable].map(|role| {
            let set = sets.iter().find(|set| set.role == role)?;
            label_of(&each, &all, set).map(|at| labels[at])
        })
    }

    fn both(canary: &str, stable: &str) -> [Arm; 2] {
        let mut canary = set(canary, "abc7f", Role::Canary);
        canary.version = canary.version.map(|it| it.at_commit("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"));
        [canary, set(stable, "def8e", Role::Stable)]
    }

    #[test]
    fn a_version_is_found_under_each_spelling_that_can_only_be_its_own() {
        let sets = both("1.42.0", "1.41.3");
        for labels in [
            ["1.42.0", "1.41.3"],
            ["v1.42.0", "v1.41.3"],
            ["V1.42.0", "1.41.3"],
            ["1.42.0+b7", "1.41.3+b6"],
            ["1.42.0-a1b2c3d", "1.41.3-9f8e7d6"],
            ["1.42.0-ga1b2c3d", "1.41.3"],
            ["1.42.0-20260310", "1.41.3-20260301"],
            ["registry.shop.example:5000/payments:1.42.0", "registry.shop.example:5000/payments:1.41.3"],
            ["abc7f", "def8e"],
            ["payments-abc7f", "payments-def8e"],
            ["a1b2c3d", "1.41.3"],
            ["sha-a1b2c3d4e5f6", "1.41.3"],
        ] {
            assert_eq!(found(&labels, &sets), [Some(labels[0]), Some(labels[1])], "{labels:?}");
        }
        let tagged = both("v1.42.0_b7", "1.41.3-9f8e7d6");
        assert_eq!(found(&["1.42.0+b7", "1.41.3"], &tagged), [Some("1.42.0+b7"), Some("1.41.3")]);
    }

    #[test]
    fn what_may_be_two_versions_or_is_another_one_is_nobodys() {
        let sets = both("1.42.0", "1.41.3");
        for labels in [
            ["1.42", "1.41"],
            ["latest", ""],
            ["1.42.0-rc1", "1.41.30"],
            ["1.42.0-ffff000", "1.41.3-rc1"],
            ["0.1.42.0", "11.41.3"],
            ["ffff000", "sha-1234567"],
        ] {
            assert_eq!(found(&labels, &sets), [None, None], "{labels:?}");
        }
        assert_eq!(found(&["v1.42.0", "1.42.0+b7"], &sets), [None, None], "two spellings of one version");
        let nightly = both("1.42.0-aaaaaaa", "1.42.0-bbbbbbb");
        assert_eq!(found(&["1.42.0"], &nightly), [None, None], "one label of both");
        assert_eq!(found(&["1.42.0-aaaaaaa", "1.42.0"], &nightly), [Some("1.42.0-aaaaaaa"), None]);
    }

    #[test]
    fn a_tag_that_two_versions_share_tells_nothing_and_their_hashes_do() {
        let sets = both("latest", "latest");
        assert_eq!(found(&["latest"], &sets), [None, None]);
        assert_eq!(found(&["latest", "abc7f", "def8e"], &sets), [Some("abc7f"), Some("def8e")]);
        let mut again = both("1.42.0", "1.41.3").to_vec();
        again.push(set("1.42.0", "old11", Role::Old));
        assert_eq!(found(&["v1.42.0", "1.41.3"], &again), [Some("v1.42.0"), Some("1.41.3")], "an earlier attempt");
        again.push(set("1.42.0+b6", "old12", Role::Old));
        assert_eq!(found(&["v1.42.0"], &again), [None, None], "an earlier build could be meant");
    }

    #[test]
    fn an_exact_name_takes_its_label_from_every_other_spelling() {
        let mut sets = both("1.42.0", "v1.42.0").to_vec();
        assert_eq!(found(&["1.42.0", "v1.42.0"], &sets), [Some("1.42.0"), Some("v1.42.0")]);
        assert_eq!(found(&["v1.42.0"], &sets), [None, Some("v1.42.0")]);
        sets.push(set("1.40.0", "old13", Role::Old));
        assert_eq!(found(&["1.40.0"], &sets), [None, None]);
    }

    #[test]
    fn a_source_that_tells_sides_is_taken_at_its_word() {
        let sets = both("1.42.0", "1.41.3");
        let all: Vec<_> = sets.iter().collect();
        let label = |text, role| Label { text, role: Some(role) };
        let one = [label("", Role::Stable), label("shop-payments-canary-80", Role::Canary)];
        assert_eq!([label_of(&one, &all, &sets[0]), label_of(&one, &all, &sets[1])], [Some(1), Some(0)]);
        let two = [one[0], one[1], label("shop-payments-canary-443", Role::Canary)];
        assert_eq!([label_of(&two, &all, &sets[0]), label_of(&two, &all, &sets[1])], [None, Some(0)]);
    }
}
