//! The file that keeps what was seen last, for the next process to show at once. It is a help and no record: one that is broken, of
//! another holdshort, of another configuration or somebody else's is left alone, and everything works without it.
//!
//! Here must not live: what may be done with it (`app::store::cached`), and any secret: it holds objects as they are shown.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    domain::time::{Timestamp, age},
    journal::place,
    port::cached::CachedScope,
};

/// The form of the file. One of another form is left alone.
const FORM: u32 = 1;
/// Bytes of it at most.
const LARGEST: u64 = 8 << 20;
/// What was confirmed longer ago than this says nothing any more.
const OLDEST: Duration = Duration::from_hours(7 * 24);
/// Files of other configurations that stay beside it: the newest.
const OTHERS: usize = 15;
/// How their names begin and end.
const NAMED: (&str, &str) = ("seen-", ".json");

/// Where it is, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    folder: PathBuf,
    of: String,
    about: About,
}

/// What whoever reads it without that configuration must know of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What the configuration is called; empty where it has no name.
    pub profile: String,
    /// The folder in which its records are, where there is one.
    pub records: Option<PathBuf>,
    /// The group that keeps them, by name; without it this user alone.
    pub group: Option<String>,
    /// The files that were named as it on the command line; none where the usual ones were read.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// The configuration itself, as it is shown: which systems to ask in the night in which its files are broken.
    #[serde(default)]
    pub settings: Option<String>,
}

/// A file of what was seen, whichever configuration it is of: for the night when that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub file: PathBuf,
    /// Of which configuration.
    pub about: About,
    /// The version of holdshort that wrote it, where that is another one: it may have meant something else by the same words.
    pub program: Option<String>,
    /// What stands in it, however old.
    pub scopes: Vec<CachedScope>,
}

/// What stands in it.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    form: u32,
    /// Which holdshort wrote it: another one may mean something else by the same words.
    program: String,
    /// Of which configuration.
    of: String,
    #[serde(default)]
    about: About,
    scopes: Vec<CachedScope>,
}

/// The same, as far as it says who wrote it.
#[derive(Debug, Deserialize)]
struct Head {
    form: u32,
    program: String,
    of: String,
}

impl Cache {
    /// The one in this folder of the configuration that is in force, its profile with it.
    pub fn of(folder: PathBuf, configuration: &str) -> Self {
        Self { folder, of: format!("{:x}", Sha256::digest(configuration)), about: About::default() }
    }

    /// The same, which says this of its configuration.
    #[must_use]
    pub fn about(self, about: About) -> Self {
        Self { about, ..self }
    }

    /// Every file in this folder, the newest first, and why one of them is left alone. Nothing where there is none. Blocks.
    ///
    /// # Errors
    /// Why nothing of the folder is read.
    pub fn every(folder: &Path) -> io::Result<Vec<Result<Found, (PathBuf, String)>>> {
        if !folder.exists() {
            return Ok(Vec::new());
        }
        place::examine_folder(folder, &place::Keepers::Own)?;
        let mut files: Vec<_> = files(folder).collect();
        files.sort();
        let read = |file: PathBuf| match text(&file).and_then(|text| written(&text)) {
            Ok((Head { program, .. }, Written { about, scopes, .. })) => {
                let program = Some(program).filter(|program| program != env!("CARGO_PKG_VERSION"));
                Ok(Found { file, about, program, scopes })
            }
            Err(why) => Err((file, why.to_string())),
        };
        Ok(files.into_iter().rev().map(|(_, file)| read(file)).collect())
    }

    /// The file.
    pub fn file(&self) -> PathBuf {
        let (begin, end) = NAMED;
        self.folder.join(format!("{begin}{}{end}", self.of.get(..16).unwrap_or_default()))
    }

    /// What was seen last, without what is too old; nothing where there is no file. Blocks.
    ///
    /// # Errors
    /// Why it is left alone.
    pub fn read(&self, now: Timestamp) -> io::Result<Vec<CachedScope>> {
        let path = self.file();
        if !path.exists() {
            return Ok(Vec::new());
        }
        place::examine_folder(&self.folder, &place::Keepers::Own)?;
        let text = text(&path)?;
        // First who wrote it: another one's may not be read at all.
        let head = head(&text)?;
        if head.program != env!("CARGO_PKG_VERSION") {
            return Err(strange(ANOTHERS));
        }
        if head.of != self.of {
            return Err(strange("it is of another configuration"));
        }
        let (_, mut written) = written(&text)?;
        written.scopes.retain(|scope| age(now, scope.at) <= OLDEST);
        Ok(written.scopes)
    }

    /// Writes what is seen now in its place, whole or not at all; where it is too much without how it is gone back from. Blocks.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, scopes: Vec<CachedScope>) -> io::Result<()> {
        place::folder(&self.folder)?;
        let (of, about) = (self.of.clone(), self.about.clone());
        let mut all = Written { form: FORM, program: env!("CARGO_PKG_VERSION").to_owned(), of, about, scopes };
        let mut text = serde_json::to_vec(&all)?;
        if is_too_large(&text) {
            all.scopes.iter_mut().for_each(|scope| scope.ways.clear());
            text = serde_json::to_vec(&all)?;
        }
        if is_too_large(&text) {
            return Err(io::Error::other("there is too much of it"));
        }
        let new = self.folder.join(format!("new-{}", std::process::id()));
        let written = place::begin(&new).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_data()?;
            fs::rename(&new, self.file())
        });
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written?;
        self.tidy();
        Ok(())
    }

    /// Removes what nobody has written for long: a configuration that changed has another file.
    fn tidy(&self) {
        let own = self.file();
        let mut others: Vec<_> = files(&self.folder).filter(|(_, path)| *path != own).collect();
        others.sort();
        let most = others.len().saturating_sub(OTHERS);
        for (_, path) in others.into_iter().take(most) {
            let _ = fs::remove_file(path);
        }
    }
}

/// What is said of a file that holdshort of another version wrote.
const ANOTHERS: &str = "another version of holdshort wrote it";

/// Every file of this kind in a folder, with when it was written.
fn files(folder: &Path) -> impl Iterator<Item = (SystemTime, PathBuf)> {
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(NAMED.0) && name.ends_with(NAMED.1)
    };
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_one);
    files.filter_map(|path| Some((fs::symlink_metadata(&path).ok()?.modified().ok()?, path)))
}

fn strange(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

fn is_too_large(text: &[u8]) -> bool {
    u64::try_from(text.len()).is_ok_and(|length| length > LARGEST)
}

/// What stands in a file of this user's.
fn text(path: &Path) -> io::Result<Vec<u8>> {
    place::examine(path)?;
    let mut text = Vec::new();
    place::open_to_read(path)?.take(LARGEST + 1).read_to_end(&mut text)?;
    if is_too_large(&text) { Err(strange("it is too large")) } else { Ok(text) }
}

/// Who wrote it, in a form that we read.
fn head(text: &[u8]) -> io::Result<Head> {
    let head = serde_json::from_slice::<Head>(text).map_err(|_| strange("it is broken"))?;
    if head.form == FORM { Ok(head) } else { Err(strange(ANOTHERS)) }
}

fn written(text: &[u8]) -> io::Result<(Head, Written)> {
    let head = head(text)?;
    let written = serde_json::from_slice(text).map_err(|_| strange("it is broken"))?;
    Ok((head, written))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{
        domain::{object::Family, verb::Verb},
        journal::sample::at,
        port::{cached::Way, inventory::Scope},
    };

    fn seen(second: i64) -> CachedScope {
        let (items, ways) = (Vec::new(), Vec::new());
        CachedScope { source: "eu".into(), scope: Scope::all(&Family::run()), at: at(second), items, ways }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn what_was_written_is_read_by_the_next_one_of_the_same_configuration_until_it_is_too_old() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("cache/holdshort");
        let cache = Cache::of(folder.clone(), "profile a");
        assert_eq!(cache.read(at(0)).unwrap(), []);
        cache.write(vec![seen(0), seen(9)]).unwrap();
        cache.write(vec![seen(1), seen(60)]).unwrap();
        assert_eq!(cache.read(at(61)).unwrap(), [seen(1), seen(60)]);
        assert_eq!(cache.read(at(30) + OLDEST).unwrap(), [seen(60)]);
        assert_eq!(Cache::of(folder.clone(), "profile b").read(at(61)).unwrap(), []);
        assert_eq!([mode(&folder), mode(&cache.file())], [0o700, 0o600]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_broken_foreign_or_of_another_version_is_left_alone_and_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::of(dir.path().to_owned(), "a");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        cache.write(vec![seen(0)]).unwrap();
        let (file, text) = (cache.file(), fs::read_to_string(cache.file()).unwrap());
        let why = || cache.read(at(1)).unwrap_err().to_string();
        fs::write(&file, text.split_at(text.len() / 2).0).unwrap();
        assert_eq!(why(), "it is broken");
        fs::write(&file, text.replace("\"form\":1", "\"form\":9")).unwrap();
        assert_eq!(why(), "another version of holdshort wrote it");
        fs::write(&file, text.replace("\"scopes\"", "\"other\"")).unwrap();
        assert_eq!(why(), "it is broken");
        fs::write(&file, &text).unwrap();
        fs::copy(&file, Cache::of(dir.path().to_owned(), "b").file()).unwrap();
        let other = Cache::of(dir.path().to_owned(), "b").read(at(1)).unwrap_err();
        assert_eq!(other.to_string(), "it is of another configuration");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(why(), "everybody can write it: chmod o-w");
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
        assert_eq!(why(), "it is a symbolic link");
        cache.write(vec![seen(0)]).unwrap();
        assert_eq!(cache.read(at(1)).unwrap(), [seen(0)], "it is written in place of the link");
    }

    #[test]
    fn who_has_no_configuration_reads_every_file_however_old_and_is_told_whose_it_is_and_which_cannot_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("cache");
        assert_eq!(Cache::every(&folder).unwrap(), []);
        let about = About {
            profile: "eu".to_owned(),
            records: Some("/srv/ops".into()),
            group: Some("ops".to_owned()),
            files: vec!["/etc/eu.toml".into()],
            settings: Some("read_only = true\n".to_owned()),
        };
        let cache = Cache::of(folder.clone(), "a").about(about.clone());
        cache.write(vec![seen(0)]).unwrap();
        assert_eq!(cache.read(at(30) + OLDEST).unwrap(), []);
        let (file, text) = (cache.file(), fs::read_to_string(cache.file()).unwrap());
        let found = |program| Ok(Found { file: file.clone(), about: about.clone(), program, scopes: vec![seen(0)] });
        assert_eq!(Cache::every(&folder).unwrap(), [found(None)]);
        let version = format!("\"program\":\"{}\"", env!("CARGO_PKG_VERSION"));
        fs::write(&file, text.replace(&version, "\"program\":\"0.0.1\"")).unwrap();
        assert_eq!(Cache::every(&folder).unwrap(), [found(Some("0.0.1".to_owned()))]);
        fs::write(&file, "{").unwrap();
        assert_eq!(Cache::every(&folder).unwrap(), [Err((file.clone(), "it is broken".to_owned()))]);
    }

    #[test]
    fn where_there_is_too_much_of_it_how_it_is_gone_back_from_is_left_out_first() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::of(dir.path().join("cache"), "a");
        let way = |length: usize| Way {
            target: "eu/deployment/shop/web".parse().unwrap(),
            verb: Verb::Rollback,
            from: None,
            to: None,
            said: String::new(),
            commands: vec!["x".repeat(length)],
            standing: crate::port::cached::Standing::default(),
        };
        let with = |length| CachedScope { ways: vec![way(length)], ..seen(0) };
        cache.write(vec![with(9)]).unwrap();
        assert_eq!(cache.read(at(1)).unwrap(), [with(9)]);
        cache.write(vec![with(9 << 20)]).unwrap();
        assert_eq!(cache.read(at(1)).unwrap(), [seen(0)]);
    }

    #[test]
    fn files_of_configurations_that_are_gone_do_not_pile_up() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("cache");
        for number in 0..40 {
            Cache::of(folder.clone(), &number.to_string()).write(Vec::new()).unwrap();
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), OTHERS + 1);
        assert!(Cache::of(folder, "39").file().exists());
    }
}
