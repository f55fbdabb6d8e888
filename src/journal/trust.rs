//! Whose key is whose: what makes a signature say more than that somebody signed.
//!
//! A key is the reader's own, or they said so (`audit trust`, kept in their own state), or an SSH key of a list that they
//! name vouches for it. Any other is unknown, and one that claims to be somebody whose key is another is named as such. Here
//! must not live: how a vouch is checked (that is `run::vouch`'s), or what is printed.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::{
    domain::text::clean,
    journal::{
        Signed,
        place::{self, Keepers},
    },
};

/// The most that is read of a list of keys.
const MOST: u64 = 1 << 20;
/// The file that lists the keys that a user trusts.
const TRUSTED: &str = "trusted-keys";
/// Hex digits of a key.
const KEY: usize = 64;

/// Whom a record says it was written by, where the system said so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The user id.
    pub uid: u32,
    /// The machine.
    pub host: String,
    /// The login name; it says nothing that the user id does not.
    pub login: Option<String>,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.login {
            Some(login) => write!(f, "{login} (uid {}) on {}", self.uid, self.host),
            None => write!(f, "uid {} on {}", self.uid, self.host),
        }
    }
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the reader's.
    Own,
    /// The reader trusts it, under this name.
    Trusted(String),
    /// An SSH key of the list that the configuration names vouches for it: the name there.
    Vouched(String),
    /// Nobody said whose it is.
    Unknown,
    /// Its records say that they are of somebody whose key is another, or who claims two.
    Contested(Claim),
}

impl Standing {
    /// May what it signed be taken for what its writer says?
    pub fn holds(&self) -> bool {
        matches!(self, Self::Own | Self::Trusted(_) | Self::Vouched(_))
    }
}

/// The keys that the reader knows, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Those that they trust, with names.
    pub trusted: BTreeMap<String, String>,
    /// Those that somebody of their list vouches for, with the names there.
    pub vouched: BTreeMap<String, String>,
    /// Who the reader is.
    pub reader: Option<Claim>,
}

/// What is known of each key, in order. `signed` is what [`crate::journal::Chain::Whole`] tells.
pub fn standings(signed: &[Signed], known: &Known) -> Vec<Standing> {
    let first = |one: &Signed| {
        let vouched = || known.vouched.get(&one.key).cloned().map(Standing::Vouched);
        let trusted = || known.trusted.get(&one.key).cloned().map(Standing::Trusted);
        let own = one.own.then_some(Standing::Own);
        own.or_else(trusted).or_else(vouched).unwrap_or(Standing::Unknown)
    };
    let all: Vec<Standing> = signed.iter().map(first).collect();
    let contested = |one: &Signed| {
        let taken = |claim: &&Claim| {
            let is_reader = known.reader.as_ref().is_some_and(|reader| same(reader, claim));
            let others = signed.iter().filter(|other| other.key != one.key);
            is_reader || others.flat_map(|other| &other.claims).any(|other| same(other, claim))
        };
        one.claims.iter().find(taken).cloned()
    };
    let stands = |(one, standing): (&Signed, &Standing)| match (standing, contested(one)) {
        (Standing::Unknown, Some(claim)) => Standing::Contested(claim),
        (standing, _) => standing.clone(),
    };
    signed.iter().zip(&all).map(stands).collect()
}

fn same(one: &Claim, other: &Claim) -> bool {
    (one.uid, &one.host) == (other.uid, &other.host)
}

/// The list of keys that a user trusts, in their own state.
#[derive(Debug)]
pub struct Trusted(PathBuf);

impl Trusted {
    /// The list in a user's own folder.
    pub fn of(own: &Path) -> Self {
        Self(own.join(TRUSTED))
    }

    /// Every key with its name; none where there is no list.
    ///
    /// # Errors
    /// When somebody else may have written it, or a line is no key.
    pub fn read(&self) -> io::Result<BTreeMap<String, String>> {
        place::examine(&self.0)?;
        match place::open_there(&self.0) {
            Ok(mut file) => parse(&mut file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error),
        }
    }

    /// Trusts a key under a name from now on. A key that is there already gets the new name.
    ///
    /// # Errors
    /// As reading, and when the file cannot be written.
    pub fn add(&self, key: &str, name: &str) -> io::Result<()> {
        if let Some(folder) = self.0.parent() {
            place::folder(folder)?;
        }
        place::examine(&self.0)?;
        let mut file = place::open(&self.0)?;
        file.lock()?;
        let mut all = parse(&mut file)?;
        all.insert(key.to_owned(), clean(name));
        file.seek(SeekFrom::Start(0))?;
        file.set_len(0)?;
        for (key, name) in all {
            writeln!(file, "{key} {name}")?;
        }
        file.sync_all()
    }
}

/// Is this a key as `audit key` prints it?
pub fn is_key(text: &str) -> bool {
    text.len() == KEY && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn parse(file: &mut fs::File) -> io::Result<BTreeMap<String, String>> {
    let mut text = String::new();
    Read::by_ref(file).take(MOST).read_to_string(&mut text)?;
    let line = |(at, line): (usize, &str)| {
        let (key, name) = line.split_once(' ').unwrap_or((line, ""));
        let whole = is_key(key) && !name.is_empty();
        whole
            .then(|| (key.to_owned(), clean(name)))
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("line {} is no key and a name", at + 1)))
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(line).collect()
}

/// Where vouches for the keys of a journal's writers lie: beside it, for all who read it. Each is checked when it is read, so
/// whoever writes there can make a key unknown and no more.
#[derive(Debug)]
pub struct Vouches {
    folder: PathBuf,
    keepers: Keepers,
}

impl Vouches {
    /// The longest vouch that is read.
    const MOST: u64 = 16 << 10;

    /// Those beside a journal, which these keep.
    pub fn beside(journal: &Path, keepers: Keepers) -> Self {
        let mut name = journal.file_name().unwrap_or_default().to_owned();
        name.push(".signers");
        Self { folder: journal.with_file_name(name), keepers }
    }

    /// The vouch for a key; `None` where nobody gave one, or it cannot be read.
    pub fn of(&self, key: &str) -> Option<String> {
        let path = self.path(key)?;
        place::examine_for(&path, &self.keepers).ok()?;
        let mut text = String::new();
        place::open_to_read(&path).ok()?.take(Self::MOST).read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Keeps a vouch in place of an earlier one. Returns where.
    pub fn keep(&self, key: &str, vouch: &str) -> io::Result<PathBuf> {
        let path = self.path(key).ok_or_else(|| io::Error::other("that is no key"))?;
        place::folder_beside(&self.folder, &self.keepers)?;
        place::examine_for(&path, &self.keepers)?;
        let mut file = place::open_for(&path, &self.keepers)?;
        file.lock()?;
        file.set_len(0)?;
        file.write_all(vouch.as_bytes())?;
        file.sync_all()?;
        Ok(path)
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        is_key(key).then(|| self.folder.join(format!("{key}.sig")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(uid: u32) -> Claim {
        Claim { uid, host: "bastion".into(), login: Some(format!("user{uid}")) }
    }

    fn one(key: &str, uids: &[u32], own: bool) -> Signed {
        Signed { key: key.into(), claims: uids.iter().copied().map(claim).collect(), lines: 3, own }
    }

    #[test]
    fn a_key_is_known_by_its_owner_by_trust_or_by_a_vouch_and_else_unknown() {
        let known = Known {
            trusted: [("lee".to_owned(), "Lee".to_owned())].into(),
            vouched: [("kim".to_owned(), "kim@shop.example".to_owned())].into(),
            reader: Some(claim(1)),
        };
        let signed = [one("me", &[1], true), one("lee", &[2], false), one("kim", &[3], false), one("who", &[4], false)];
        let expected = [
            Standing::Own,
            Standing::Trusted("Lee".into()),
            Standing::Vouched("kim@shop.example".into()),
            Standing::Unknown,
        ];
        assert_eq!(standings(&signed, &known), expected);
    }

    #[test]
    fn a_key_that_says_it_is_somebody_whose_key_is_another_is_named() {
        let mut known = Known { reader: Some(claim(1)), ..Known::default() };
        let signed = [one("me", &[1], true), one("lee", &[2], false), one("forger", &[1, 2], false)];
        let found = standings(&signed, &known);
        // Until somebody says which of them is Lee's, neither is.
        let expected = [Standing::Own, Standing::Contested(claim(2)), Standing::Contested(claim(1))];
        assert_eq!(found, expected);
        known.trusted.insert("lee".into(), "Lee".into());
        let found = standings(&signed, &known);
        assert_eq!(found, [Standing::Own, Standing::Trusted("Lee".into()), Standing::Contested(claim(1))]);
        // The reader's own name is theirs, also where they never wrote.
        let found = standings(&[one("forger", &[1], false)], &known);
        assert_eq!(found, [Standing::Contested(claim(1))]);
        // The same user id on another machine is somebody else.
        let elsewhere = Signed { claims: vec![Claim { host: "other".into(), ..claim(1) }], ..one("far", &[], false) };
        assert_eq!(standings(&[elsewhere], &known), [Standing::Unknown]);
    }

    #[test]
    fn what_is_trusted_is_kept_by_key_and_a_list_that_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let list = Trusted::of(&dir.path().join("own"));
        let (lee, kim) = ("a".repeat(64), "0".repeat(64));
        assert_eq!(list.read().unwrap(), BTreeMap::new());
        list.add(&lee, "Lee\u{1b}[2J Brook").unwrap();
        list.add(&kim, "Kim").unwrap();
        list.add(&kim, "Kim Oh").unwrap();
        let expected = BTreeMap::from([(kim, "Kim Oh".to_owned()), (lee, "Lee Brook".to_owned())]);
        assert_eq!(list.read().unwrap(), expected);
        fs::write(dir.path().join("own/trusted-keys"), "notes\n").unwrap();
        assert_eq!(list.read().unwrap_err().to_string(), "line 1 is no key and a name");
    }

    #[test]
    fn vouches_lie_beside_the_journal_under_the_name_of_their_key() {
        let dir = tempfile::tempdir().unwrap();
        let vouches = Vouches::beside(&dir.path().join("journal.sqlite"), Keepers::Own);
        let key = "b".repeat(64);
        assert_eq!(vouches.of(&key), None);
        vouches.keep(&key, "a longer vouch").unwrap();
        vouches.keep(&key, "a vouch").unwrap();
        assert_eq!(vouches.of(&key).as_deref(), Some("a vouch"));
        assert!(vouches.keep("../key", "x").is_err());
        let mine = dir.path().join("journal.sqlite.signers");
        assert!(mine.is_dir());
    }
}
