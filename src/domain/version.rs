//! A version: the identity of an artifact, and the ways people name one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::text;

/// How many hex digits of a commit are shown.
const SHORT: usize = 7;
/// How many a whole commit has.
const WHOLE: usize = 40;
/// The shortest commit or digest prefix that may stand for a version, in characters.
pub const LEAST_PREFIX: usize = 4;

/// An artifact's identity: image tag, digest and commit, as far as each is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// The image tag, or the name people use for it: `1.42.0`.
    pub tag: String,
    /// `sha256:…`, where the system tells it.
    pub digest: Option<String>,
    /// The commit it was built from, 40 hex digits, where the system tells it.
    pub commit: Option<String>,
}

impl Version {
    /// A version of which only the tag is known.
    pub fn tagged(tag: impl AsRef<str>) -> Self {
        Self { tag: text::clean(tag.as_ref()), digest: None, commit: None }
    }

    /// What a tag or a branch holds: called by the number where the name is a release number as a whole, `v4.2.0` and `4.2.0`
    /// alike; else by the name as it is. A number within a longer name is never taken for the version.
    pub fn of_ref(name: &str) -> Self {
        Self::tagged(release(name).unwrap_or(name))
    }

    /// The same version, with the commit it was built from.
    #[must_use]
    pub fn at_commit(mut self, commit: impl AsRef<str>) -> Self {
        self.commit = Some(text::clean(commit.as_ref()));
        self
    }

    /// Reads `registry/name:tag@sha256:…`. An image without a tag is called by its digest, or `latest` as registries do.
    pub fn from_image(image: &str) -> Self {
        let image = text::clean(image);
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, Some(digest.to_owned())),
            None => (image.as_str(), None),
        };
        // A colon before the last slash belongs to the registry's port.
        let tag = name.rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.contains('/'));
        let tag = match (tag, &digest) {
            (Some(tag), _) => tag.to_owned(),
            (None, Some(digest)) => digest.chars().take("sha256:".len() + SHORT).collect(),
            (None, None) => "latest".to_owned(),
        };
        Self { tag, digest, commit: None }
    }

    /// Its tag as it stands in lists; what has none is called by the first seven digits of its digest.
    pub fn short_tag(&self) -> String {
        match self.tag.strip_prefix("sha256:") {
            Some(digest) => digest.chars().take(SHORT).collect(),
            None => self.tag.clone(),
        }
    }

    /// The first seven digits of the commit, as git shows it.
    pub fn short_commit(&self) -> Option<String> {
        self.commit.as_ref().map(|c| c.chars().take(SHORT).collect())
    }

    /// Are these one artifact? Where both tell their digest, that decides; else the commit that they were built from; else the tag,
    /// if it is a release number, for what `main` or `latest` is changes from day to day. Of versions of one service only.
    pub fn is_same(&self, other: &Self) -> bool {
        if let (Some(one), Some(two)) = (&self.digest, &other.digest) {
            return one.eq_ignore_ascii_case(two);
        }
        if let (Some(one), Some(two)) = (&self.commit, &other.commit) {
            let (one, two) = (one.to_ascii_lowercase(), two.to_ascii_lowercase());
            let (short, long) = if one.len() <= two.len() { (one, two) } else { (two, one) };
            return short.len() >= SHORT && long.starts_with(&short) || short == long;
        }
        let number = |version: &Self| release(&version.tag).map(str::to_owned);
        match (number(self), number(other)) {
            (Some(one), Some(two)) => one == two,
            _ => false,
        }
    }

    /// This, and what the other one tells of the same artifact: a release number is a better name for it than a branch.
    #[must_use]
    pub fn joined(mut self, other: &Self) -> Self {
        if release(&self.tag).is_none() && release(&other.tag).is_some() {
            self.tag.clone_from(&other.tag);
        }
        self.digest = self.digest.or_else(|| other.digest.clone());
        let longer =
            other.commit.as_ref().filter(|other| self.commit.as_ref().is_none_or(|own| own.len() < other.len()));
        if let Some(commit) = longer {
            self.commit = Some(commit.clone());
        }
        self
    }

    /// The numbers of its release number: `1.42.0-rc.1` is 1, 42, 0. `None` where it is called otherwise. What stands behind a
    /// hyphen is told apart by nobody here, so two candidates of one release have no order.
    pub fn numbers(&self) -> Option<Vec<u64>> {
        let core = release(&self.tag)?.split(['-', '+']).next()?;
        core.split('.').map(|part| part.parse().ok()).collect()
    }

    /// `1 → 2`: does its release number begin with another number than that of the other one?
    pub fn major_step(&self, from: &Self) -> Option<(u64, u64)> {
        let first = |version: &Self| version.numbers().and_then(|numbers| numbers.first().copied());
        let (from, to) = (first(from)?, first(self)?);
        (from != to).then_some((from, to))
    }

    /// Is this the version that somebody named? A tag must be whole, but for the `v` that people put before a number or leave
    /// out; a commit or digest may be cut to four digits or more, and longer than the system tells it.
    pub fn is_called(&self, name: &str) -> bool {
        let name = name.trim();
        let prefix = |full: &Option<String>, name: &str| {
            full.as_ref().is_some_and(|full| {
                let (full, name) = (full.to_ascii_lowercase(), name.to_ascii_lowercase());
                name.len() >= LEAST_PREFIX && full.starts_with(&name)
                    || (SHORT..WHOLE).contains(&full.len())
                        && name.starts_with(&full)
                        && name.bytes().all(|b| b.is_ascii_hexdigit())
            })
        };
        let hex = |digest: &Option<String>| digest.as_ref().map(|d| d.trim_start_matches("sha256:").to_owned());
        let whole = self.to_string();
        unprefixed(&self.tag) == unprefixed(name)
            || unprefixed(&whole) == unprefixed(name)
            || prefix(&self.commit, name)
            || prefix(&hex(&self.digest), name.trim_start_matches("sha256:"))
    }

    /// Is the name the begin of its commit, and too short to stand for it?
    pub fn is_too_short(&self, name: &str) -> bool {
        let name = name.trim().to_ascii_lowercase();
        let begins = |commit: &String| commit.to_ascii_lowercase().starts_with(&name);
        !name.is_empty()
            && name.len() < LEAST_PREFIX
            && !self.is_called(&name)
            && self.commit.as_ref().is_some_and(begins)
    }

    /// Is it called by the begin of its commit?
    fn is_its_commit(&self) -> bool {
        self.commit.as_ref().is_some_and(|commit| self.tag.len() >= SHORT && commit.starts_with(&self.tag))
    }

    /// Does the name stand for this version and no later one? What `main` holds changes from push to push: where the commit is
    /// known, such a name alone says nothing.
    pub fn is_bound_by(&self, name: &str) -> bool {
        let moves =
            self.commit.is_some() && release(&self.tag).is_none() && name.trim() == self.tag && !self.is_its_commit();
        self.is_called(name) && !moves
    }
}

/// `v4.2.0` or `4.2.0` as `4.2.0`; `None` for a name that is no release number as a whole.
fn release(name: &str) -> Option<&str> {
    let number = name.strip_prefix('v').unwrap_or(name);
    let (core, _) = number.split_once(['-', '+']).unwrap_or((number, ""));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (core.contains('.') && core.split('.').all(digits)).then_some(number)
}

/// `v1.42.0` as `1.42.0`; whatever else begins with a `v` is a word and stays whole.
fn unprefixed(tag: &str) -> &str {
    tag.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(tag)
}

/// `1.42.0 (a1b2c3d)`: the form in which a version stands everywhere.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.short_commit() {
            Some(commit) if !self.is_its_commit() => f.pad(&format!("{} ({commit})", self.tag)),
            _ => f.pad(&self.tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_binds_nothing_and_its_commit_does() {
        let main = Version::of_ref("main").at_commit("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678");
        assert!(main.is_called("main") && !main.is_bound_by("main"));
        assert!(main.is_bound_by("a1b2c3d") && main.is_bound_by("main (a1b2c3d)"));
        let release = Version::of_ref("v4.2.0").at_commit("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678");
        assert!(release.is_bound_by("4.2.0") && release.is_bound_by("v4.2.0"));
        assert!(Version::tagged("build-77").is_bound_by("build-77"), "nothing else names it");
    }

    #[test]
    fn what_is_called_by_its_commit_says_it_once_and_is_bound_by_it() {
        let commit = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678";
        let bare = Version::tagged("a1b2c3d").at_commit(commit);
        assert_eq!(bare.to_string(), "a1b2c3d");
        assert!(bare.is_bound_by("a1b2c3d") && bare.is_bound_by(commit) && bare.is_bound_by("a1b2c3d4"));
    }

    #[test]
    fn an_image_gives_its_tag_and_digest() {
        let table = [
            ("registry.test/checkout:1.1.0", "1.1.0", None),
            ("localhost:5000/app", "latest", None),
            ("localhost:5000/app:2", "2", None),
            ("app:1.0@sha256:0123456789abcdef", "1.0", Some("sha256:0123456789abcdef")),
            ("app@sha256:0123456789abcdef", "sha256:0123456", Some("sha256:0123456789abcdef")),
        ];
        for (image, tag, digest) in table {
            let version = Version::from_image(image);
            assert_eq!((version.tag.as_str(), version.digest.as_deref()), (tag, digest), "{image}");
        }
    }

    #[test]
    fn a_version_answers_to_its_tag_and_to_prefixes_of_its_commit_only() {
        let version = Version::tagged("1.42.0").at_commit("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678");
        for name in ["1.42.0", "a1b2", "A1B2C3D", "1.42.0 (a1b2c3d)", " 1.42.0 "] {
            assert!(version.is_called(name), "{name}");
        }
        for name in ["1.42", "1.4", "a1b", "b1b2", ""] {
            assert!(!version.is_called(name), "{name}");
        }
    }

    #[test]
    fn the_begin_of_a_commit_is_too_short_below_the_least_length_and_another_name_never_is() {
        let version = Version::tagged("1.42.0").at_commit("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678");
        assert!(["a", "a1", "A1B", " a1b "].iter().all(|name| version.is_too_short(name)));
        assert!(["", "b1", "a1b2", "1.4"].iter().all(|name| !version.is_too_short(name)));
        assert!(!Version::tagged("a1").at_commit("a1b2c3d4").is_too_short("a1"), "it is called so");
    }

    #[test]
    fn a_version_answers_to_its_number_with_and_without_a_v_to_its_whole_commit_and_to_its_digest() {
        let commit = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678";
        let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let longer = format!("{digest}0");
        let bare = Version { digest: Some(digest.to_owned()), ..Version::tagged("4.2.0").at_commit("a1b2c3d") };
        let tagged = Version { tag: "v4.2.0".to_owned(), ..bare.clone() };
        for name in ["4.2.0", "v4.2.0", "v4.2.0 (a1b2c3d)", "4.2.0 (a1b2c3d)", commit, digest, "0123456789ab"] {
            assert!(bare.is_called(name) && tagged.is_called(name), "{name}");
        }
        for name in ["vv4.2.0", "4.2", "v4.2", "v", longer.as_str(), "a1b2c3dz"] {
            assert!(!bare.is_called(name) && !tagged.is_called(name), "{name}");
        }
        assert!(!Version::tagged("vanilla").is_called("anilla"));
    }

    #[test]
    fn one_artifact_is_known_by_its_digest_else_its_commit_else_its_release_number() {
        let commit = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678";
        let tagged = |tag: &str| Version::tagged(tag);
        let digest = |tag: &str, digest: &str| Version { digest: Some(format!("sha256:{digest}")), ..tagged(tag) };
        let table = [
            (tagged("main").at_commit(commit), tagged("1.42.0").at_commit("A1B2C3D"), true),
            (tagged("1.42.0").at_commit(commit), tagged("1.42.0").at_commit("b1b2c3d"), false),
            (tagged("v1.42.0"), tagged("1.42.0").at_commit(commit), true),
            (tagged("main"), tagged("main").at_commit(commit), false),
            (tagged("latest"), tagged("latest"), false),
            (digest("1.42.0", "aa"), digest("main", "aa"), true),
            (digest("1.42.0", "aa").at_commit(commit), digest("1.42.0", "bb").at_commit(commit), false),
            (digest("1.42.0", "aa"), tagged("1.42.0"), true),
            (tagged("main").at_commit("a1b2"), tagged("main").at_commit("a1b2c3d"), false),
        ];
        for (one, two, same) in table {
            assert_eq!((one.is_same(&two), two.is_same(&one)), (same, same), "{one:?} {two:?}");
        }
    }

    #[test]
    fn what_two_say_of_one_artifact_is_kept_under_the_better_name() {
        let main = Version::tagged("main").at_commit("a1b2c3d4");
        let image = Version { digest: Some("sha256:aa".into()), ..Version::tagged("1.42.0").at_commit("a1b2c3d") };
        let joined = Version { digest: Some("sha256:aa".into()), ..Version::tagged("1.42.0").at_commit("a1b2c3d4") };
        assert_eq!((main.clone().joined(&image), image.joined(&main)), (joined.clone(), joined));
    }

    #[test]
    fn a_step_to_another_major_version_is_one_of_release_numbers_only() {
        let step = |from: &str, to: &str| Version::tagged(to).major_step(&Version::tagged(from));
        let table = [
            ("1.42.0", "2.0.0", Some((1, 2))),
            ("v2.1.0", "1.9.9", Some((2, 1))),
            ("1.41.3", "1.42.0", None),
            ("main", "2.0.0", None),
        ];
        for (from, to, wanted) in table {
            assert_eq!(step(from, to), wanted, "{from} {to}");
        }
        assert_eq!(Version::tagged("1.42.0-rc.1").numbers(), Some(vec![1, 42, 0]));
    }
}
