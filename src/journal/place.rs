//! Files and folders of the record, as nobody else may have made them: explicit modes whatever the umask, never through a
//! symbolic link, never in a place that a stranger owns.
//!
//! A folder is private (0700) unless it was made for a team: one that is setgid stays as it is, and what is made in it is for
//! its group (0660).

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// `O_NOFOLLOW`: the last part of a path is no symbolic link.
#[expect(clippy::cast_possible_wrap, reason = "a flag, not a number")]
fn no_follow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits() as i32
}

const SETGID: u32 = 0o2000;
const SHARED: u32 = 0o660;
const PRIVATE: u32 = 0o600;

/// Makes a folder for records where it is missing, and refuses one that somebody else can put things into.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    if !path.exists() {
        if let Some(parent) = path.parent() {
            // What lies above is not ours to restrict.
            fs::create_dir_all(parent)?;
        }
        match DirBuilder::new().mode(0o700).create(path) {
            // Somebody was quicker: it is looked at as any other.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Ok(()) => fs::set_permissions(path, Permissions::from_mode(0o700))?,
            Err(error) => return Err(error),
        }
    }
    let found = fs::metadata(path)?;
    if !found.is_dir() {
        return Err(io::Error::other("is no directory"));
    }
    let mode = found.mode();
    if mode & 0o002 != 0 {
        let why = "everybody can write there: make it private with chmod 700, or a team's with chmod 2770";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    if found.uid() != own() && found.uid() != 0 && mode & SETGID == 0 {
        let why = format!("it belongs to another user (uid {})", found.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    Ok(())
}

/// Makes a folder inside one of ours where it is missing, for the same people.
pub(super) fn folder_beside(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mode = if is_shared(path) { 0o2770 } else { 0o700 };
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a file of ours for reading and writing; it is made where it is missing, with the mode of its folder.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mode = if is_shared(path) { SHARED } else { PRIVATE };
    let new =
        OpenOptions::new().read(true).write(true).create_new(true).mode(mode).custom_flags(no_follow()).open(path);
    match new {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(mode))?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open_there(path),
        Err(error) => Err(error),
    }
}

/// Opens a file of ours that is there.
pub(super) fn open_there(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(no_follow()).open(path)
}

/// Opens a file to read it only: it may be another user's.
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(no_follow()).open(path)
}

/// Refuses a file that somebody outside may have written: a link, a stranger's, one that everybody can write.
pub(super) fn examine(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let denied = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if found.file_type().is_symlink() {
        return denied("it is a symbolic link".to_owned());
    }
    if found.mode() & 0o002 != 0 {
        return denied("everybody can write it: chmod o-w".to_owned());
    }
    if found.uid() != own() && found.uid() != 0 && !is_shared(path) {
        return denied(format!("it belongs to another user (uid {})", found.uid()));
    }
    Ok(())
}

/// Is the folder of this path a team's?
fn is_shared(path: &Path) -> bool {
    path.parent().and_then(|folder| fs::metadata(folder).ok()).is_some_and(|found| found.mode() & SETGID != 0)
}

fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn what_is_made_is_private_and_in_a_teams_folder_the_teams() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("a/b/state");
        folder(&own).unwrap();
        open(&own.join("file")).unwrap();
        folder_beside(&own.join("inner")).unwrap();
        assert_eq!([mode(&own), mode(&own.join("file")), mode(&own.join("inner"))], [0o700, 0o600, 0o700]);
        let team = dir.path().join("team");
        fs::create_dir(&team).unwrap();
        fs::set_permissions(&team, Permissions::from_mode(0o2770)).unwrap();
        folder(&team).unwrap();
        open(&team.join("file")).unwrap();
        folder_beside(&team.join("inner")).unwrap();
        assert_eq!([mode(&team), mode(&team.join("file")), mode(&team.join("inner"))], [0o2770, 0o660, 0o2770]);
    }

    #[test]
    fn a_place_that_others_can_write_and_a_link_are_refused_by_name_of_the_fault() {
        let dir = tempfile::tempdir().unwrap();
        let open_to_all = dir.path().join("open");
        fs::create_dir(&open_to_all).unwrap();
        fs::set_permissions(&open_to_all, Permissions::from_mode(0o777)).unwrap();
        assert!(folder(&open_to_all).unwrap_err().to_string().starts_with("everybody can write there"));
        let target = dir.path().join("target");
        fs::write(&target, "x").unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert_eq!(examine(&link).unwrap_err().to_string(), "it is a symbolic link");
        assert!(open(&link).is_err());
        assert_eq!(fs::read_to_string(&target).unwrap(), "x");
        fs::set_permissions(&target, Permissions::from_mode(0o666)).unwrap();
        assert_eq!(examine(&target).unwrap_err().to_string(), "everybody can write it: chmod o-w");
        examine(&dir.path().join("not there")).unwrap();
    }
}
