//! Files and folders of the record, as nobody else may have made them: explicit modes whatever the umask, never through a
//! symbolic link, never in a place that a stranger owns or can write.
//!
//! A place is its user's own (folders 0700, files 0600) unless the configuration names the group that keeps it: then its
//! folders are 2770 and its files 0660, all of that group, and nobody outside may write there. No sticky bit: a file beside
//! the journal that a killed process left behind must be for the next one to play back and remove.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use crate::{
    domain::text::clean,
    ownership::{BY_ALL, BY_GROUP, group, is_member, is_ours, own, user, writers},
};

/// `O_NOFOLLOW`: the last part of a path is no symbolic link. `O_NONBLOCK`: a pipe that somebody put there is no place to
/// wait at.
#[expect(clippy::cast_possible_wrap, reason = "a flag, not a number")]
fn careful() -> i32 {
    (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32
}

const SETGID: u32 = 0o2000;
/// Nobody but the owner reads or writes.
const PRIVATE: u32 = 0o600;

/// Whose a place is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keepers {
    /// Nobody else's.
    #[default]
    Own,
    /// Of everybody in a group, which the configuration names.
    Team {
        /// The group's name.
        name: String,
        /// Its number.
        gid: u32,
    },
}

impl Keepers {
    /// The mode of their folders.
    pub fn folder_mode(&self) -> u32 {
        if *self == Self::Own { 0o700 } else { 0o2770 }
    }

    /// The mode of their files.
    pub fn file_mode(&self) -> u32 {
        if *self == Self::Own { PRIVATE } else { 0o660 }
    }
}

fn denied<T>(why: impl Into<String>) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why.into()))
}

/// Makes a folder of this user's own where it is missing, and refuses one that somebody else can put things into.
pub fn folder(path: &Path) -> io::Result<()> {
    folder_for(path, &Keepers::Own)
}

/// The same of a folder of its keepers'. A team's is made on purpose, by `state init`, and never in passing.
pub(super) fn folder_for(path: &Path, keepers: &Keepers) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Keepers::Team { name, .. } = keepers {
                let name = clean(name);
                return Err(io::Error::new(error.kind(), format!("`holdshort state init --group {name}` makes it")));
            }
            make(path)?;
            fs::symlink_metadata(path)?
        }
        found => found?,
    };
    examine_folder(path, keepers)?;
    above(path).next().map_or(Ok(()), |parent| at_home(parent, found.uid()))
}

/// What a path lies in, the nearest first.
fn above(path: &Path) -> impl Iterator<Item = &Path> {
    path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty())
}

fn make(path: &Path) -> io::Result<()> {
    if let Some(there) = above(path).find(|folder| folder.exists()) {
        at_home(there, own())?;
    }
    if let Some(parent) = above(path).next() {
        // Those above that are missing too: in a folder that everybody can write, this one could be put aside.
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(0o700)),
        // Somebody was quicker: it is looked at as any other.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Refuses a folder around one of `owner`'s that belongs to somebody else, who could put another in place of it.
fn at_home(around: &Path, owner: u32) -> io::Result<()> {
    let uid = fs::metadata(around)?.uid();
    if is_ours(uid) || uid == owner {
        return Ok(());
    }
    denied(format!("it lies in {}, which belongs to {}", clean(&around.display().to_string()), user(uid)))
}

/// Refuses a folder that is not its keepers'.
pub fn examine_folder(path: &Path, keepers: &Keepers) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if found.file_type().is_symlink() {
        return denied("it is a symbolic link: name the folder itself");
    }
    if !found.is_dir() {
        return Err(io::Error::other("is no directory"));
    }
    if *keepers == Keepers::Own && !is_ours(found.uid()) {
        return denied(format!("it belongs to {}", user(found.uid())));
    }
    if found.mode() & BY_ALL != 0 {
        let team = "make it private with chmod 700, or a team's with `holdshort state init --group GROUP`";
        return denied(format!("everybody can write there: {team}"));
    }
    let Keepers::Team { name, gid } = keepers else {
        let way = "if that is your team, name it: state.group in the configuration; else chmod go-w";
        return writers(&found).map_or(Ok(()), |who| denied(format!("{who} can write there: {way}")));
    };
    let name = clean(name);
    let way = format!("`holdshort state init --group {name}` makes it right where it can");
    if found.gid() != *gid {
        return denied(format!("it belongs to group {}, and state.group is '{name}': {way}", group(found.gid())));
    }
    if found.mode() & (BY_GROUP | SETGID) != BY_GROUP | SETGID {
        return denied(format!("its mode is {:o}, and a team's folder has 2770: {way}", found.mode() & 0o7777));
    }
    if own() != 0 && !is_member(*gid) {
        return denied(format!("it is kept by group '{name}', and you are not in it"));
    }
    Ok(())
}

/// Makes a folder inside one of its keepers' where it is missing.
pub(super) fn folder_beside(path: &Path, keepers: &Keepers) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(keepers.folder_mode())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => examine_folder(path, keepers),
        Err(error) => Err(error),
    }
}

/// Opens a file of this user's own for reading and writing; it is made where it is missing.
pub(super) fn open(path: &Path) -> io::Result<File> {
    open_for(path, &Keepers::Own)
}

/// Opens a file of its keepers' for reading and writing; it is made where it is missing, with their mode.
pub(super) fn open_for(path: &Path, keepers: &Keepers) -> io::Result<File> {
    let new =
        OpenOptions::new().read(true).write(true).create_new(true).mode(PRIVATE).custom_flags(careful()).open(path);
    match new {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(keepers.file_mode()))?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = open_there(path)?;
            let found = file.metadata()?;
            if *keepers == Keepers::Own && found.uid() == own() && found.mode() & 0o077 != 0 {
                // An older holdshort made it as the umask had it.
                file.set_permissions(Permissions::from_mode(PRIVATE))?;
            }
            Ok(file)
        }
        Err(error) => Err(error),
    }
}

/// Opens a file of this user's own to be written from its beginning: a recording, a log.
///
/// # Errors
/// Where it cannot be written, or one is there that is a link or somebody else's.
pub fn begin(path: &Path) -> io::Result<File> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // Nothing is kept in a pipe or in `/dev/null`; whoever made it is who reads it.
    if found.is_none_or(|found| found.is_file() || found.is_symlink() || !is_ours(found.uid())) {
        examine(path)?;
        let file = open(path)?;
        file.set_len(0)?;
        return Ok(file);
    }
    OpenOptions::new().write(true).custom_flags(careful()).open(path)
}

/// Opens a file that is there.
pub(super) fn open_there(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(careful()).open(path)
}

/// Opens a file to read it only: it may be another user's.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(careful()).open(path)
}

/// Refuses a file that somebody else may have written: a link, a stranger's, one that others can write.
pub fn examine(path: &Path) -> io::Result<()> {
    examine_for(path, &Keepers::Own)
}

/// Refuses a file that somebody outside its keepers may have written, and one that is not for all of them.
pub(super) fn examine_for(path: &Path, keepers: &Keepers) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if found.file_type().is_symlink() {
        return denied("it is a symbolic link");
    }
    if !found.is_file() {
        return denied("it is no plain file");
    }
    if *keepers == Keepers::Own && !is_ours(found.uid()) {
        return denied(format!("it belongs to {}", user(found.uid())));
    }
    if found.mode() & BY_ALL != 0 {
        return denied("everybody can write it: chmod o-w");
    }
    match keepers {
        Keepers::Own => match writers(&found) {
            Some(who) => denied(format!("{who} can write it: chmod go-w")),
            None => Ok(()),
        },
        Keepers::Team { name, gid } if found.gid() != *gid || found.mode() & 0o660 != 0o660 => {
            // One that only its owner may write has no business beside those of all.
            let (name, mode) = (clean(name), found.mode() & 0o7777);
            let is = format!("it is of group {} with mode {mode:o}, by {}", group(found.gid()), user(found.uid()));
            denied(format!(
                "{is}: `holdshort state init --group {name}`, run by its owner or root, makes it the team's"
            ))
        }
        Keepers::Team { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// The group that what this process makes belongs to.
    fn team() -> Keepers {
        Keepers::Team { name: "ops".to_owned(), gid: rustix::process::getegid().as_raw() }
    }

    #[test]
    fn what_is_made_is_private_and_in_a_teams_folder_the_teams() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("a/b/state");
        folder(&own).unwrap();
        open(&own.join("file")).unwrap();
        folder_beside(&own.join("inner"), &Keepers::Own).unwrap();
        assert_eq!([mode(&own), mode(&own.join("file")), mode(&own.join("inner"))], [0o700, 0o600, 0o700]);
        assert_eq!([mode(&dir.path().join("a")), mode(&dir.path().join("a/b"))], [0o700, 0o700]);
        let shared = dir.path().join("team");
        fs::create_dir(&shared).unwrap();
        chmod(&shared, 0o2770);
        examine_folder(&shared, &team()).unwrap();
        open_for(&shared.join("file"), &team()).unwrap();
        folder_beside(&shared.join("inner"), &team()).unwrap();
        examine_for(&shared.join("file"), &team()).unwrap();
        folder_beside(&shared.join("inner"), &team()).unwrap();
        assert_eq!([mode(&shared), mode(&shared.join("file")), mode(&shared.join("inner"))], [0o2770, 0o660, 0o2770]);
    }

    #[test]
    fn a_folder_that_is_not_its_keepers_is_refused_by_name_of_the_fault() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("place");
        fs::create_dir(&place).unwrap();
        let stranger = Keepers::Team { name: "ops".to_owned(), gid: 70_123 };
        let table = [
            (0o777, Keepers::Own, "everybody can write there"),
            (0o1777, Keepers::Own, "everybody can write there"),
            (0o2777, team(), "everybody can write there"),
            (0o2770, stranger, "and state.group is 'ops': `holdshort state init --group ops`"),
            (0o770, team(), "its mode is 770, and a team's folder has 2770"),
            (0o2750, team(), "its mode is 2750, and a team's folder has 2770"),
        ];
        for (mode, keepers, said) in table {
            chmod(&place, mode);
            let why = examine_folder(&place, &keepers).unwrap_err().to_string();
            assert!(why.contains(said), "{mode:o}: {why}");
        }
        chmod(&place, 0o700);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&place, &link).unwrap();
        assert_eq!(folder(&link).unwrap_err().to_string(), "it is a symbolic link: name the folder itself");
        fs::remove_dir(&place).unwrap();
        assert_eq!(folder(&link).unwrap_err().to_string(), "it is a symbolic link: name the folder itself");
        assert!(!place.exists(), "nothing is made at the end of a link");
    }

    #[test]
    fn a_file_that_others_can_write_and_a_link_are_refused_by_name_of_the_fault() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        fs::write(&target, "x").unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert_eq!(examine(&link).unwrap_err().to_string(), "it is a symbolic link");
        assert!(open(&link).is_err());
        assert_eq!(fs::read_to_string(&target).unwrap(), "x");
        chmod(&target, 0o666);
        assert_eq!(examine(&target).unwrap_err().to_string(), "everybody can write it: chmod o-w");
        chmod(&target, 0o640);
        let why = examine_for(&target, &team()).unwrap_err().to_string();
        assert!(why.contains("with mode 640") && why.contains("`holdshort state init --group ops`"), "{why}");
        assert_eq!(examine(dir.path()).unwrap_err().to_string(), "it is no plain file");
        examine(&dir.path().join("not there")).unwrap();
    }
}
