//! A team's place, made on purpose: its folder, the journal in it and the folder of executors' locks, all of one group and
//! with modes that do not depend on the umask of whoever makes them.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use crate::{
    domain::text::clean,
    journal::{
        JournalError,
        attendance::Register,
        place::{self, Keepers},
        sqlite::SqliteJournal,
    },
    ownership::{group, is_ours, own, user},
};

/// What became of one file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It was not there.
    Made,
    /// It was there, with another group or mode.
    Changed,
    /// It was as it should be.
    AsItWas,
}

/// One part of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where.
    pub path: PathBuf,
    /// What became of it.
    pub became: Became,
    /// Its mode now.
    pub mode: u32,
}

/// Makes a place of these keepers, the journal being the file of this name in it. Doing it twice changes nothing.
///
/// # Errors
/// A sentence: where something is there that is somebody else's, or is used for something else.
pub fn make(folder: &Path, journal: &str, keepers: &Keepers) -> Result<Vec<Part>, String> {
    let Keepers::Team { gid, .. } = keepers else { return Err("a team's place needs a group".to_owned()) };
    let shown = clean(&folder.display().to_string());
    let failed = |error: io::Error| format!("{shown}: {error}");
    let mut parts = vec![make_folder(folder, journal, *gid).map_err(failed)?];
    let file = folder.join(journal);
    let mut inside = vec![file.clone()];
    inside.extend(["-journal", "-wal", "-shm"].map(|end| folder.join(format!("{journal}{end}"))));
    let was_there = file.exists();
    for path in inside.iter().filter(|path| fs::symlink_metadata(path).is_ok()) {
        parts.push(hand_over(path, *gid, keepers.file_mode()).map_err(failed)?);
    }
    SqliteJournal::open_for(&file, keepers).map_err(|error: JournalError| error.to_string())?;
    if !was_there {
        parts.push(Part { path: file.clone(), became: Became::Made, mode: keepers.file_mode() });
    }
    parts.extend(locks(&Register::folder_beside(&file), keepers).map_err(failed)?);
    Ok(parts)
}

fn locks(folder: &Path, keepers: &Keepers) -> io::Result<Vec<Part>> {
    let Keepers::Team { gid, .. } = keepers else { return Ok(Vec::new()) };
    if fs::symlink_metadata(folder).is_err() {
        place::folder_beside(folder, keepers)?;
        return Ok(vec![Part { path: folder.to_owned(), became: Became::Made, mode: keepers.folder_mode() }]);
    }
    let mut parts = vec![hand_over(folder, *gid, keepers.folder_mode())?];
    for entry in fs::read_dir(folder)? {
        let part = hand_over(&entry?.path(), *gid, keepers.file_mode())?;
        parts.extend(Some(part).filter(|part| part.became != Became::AsItWas));
    }
    Ok(parts)
}

fn make_folder(folder: &Path, journal: &str, gid: u32) -> io::Result<Part> {
    let mode = 0o2770;
    if fs::symlink_metadata(folder).is_err() {
        let above: Vec<&Path> = folder.ancestors().skip(1).take_while(|above| !above.exists()).collect();
        for missing in above.into_iter().rev() {
            // Its members must come through.
            DirBuilder::new().mode(0o700).create(missing)?;
            fs::set_permissions(missing, Permissions::from_mode(0o755))?;
        }
        // Nobody else's until it is the group's.
        DirBuilder::new().mode(0o700).create(folder)?;
        let part = hand_over(folder, gid, mode)?;
        place::folder_for(folder, &Keepers::Team { name: gid.to_string(), gid })?;
        return Ok(Part { became: Became::Made, ..part });
    }
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() {
        return Err(io::Error::other("it is there and is no folder: name another place"));
    }
    let is_right = found.is_dir() && found.gid() == gid && found.mode() & 0o7777 == mode;
    if !is_right && found.is_dir() {
        let other = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.file_name());
        let other = other.map(|name| name.to_string_lossy().into_owned()).find(|name| !name.starts_with(journal));
        if let Some(other) = other {
            let why = format!(
                "it is there with other things in it ('{}'), and would be handed to the group: name another folder",
                clean(&other)
            );
            return Err(io::Error::other(why));
        }
    }
    hand_over(folder, gid, mode)
}

/// Gives what is there to a group, with this mode; only what this user made, or what is the group's already.
fn hand_over(path: &Path, gid: u32, mode: u32) -> io::Result<Part> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    #[expect(clippy::cast_possible_wrap, reason = "a flag, not a number")]
    let file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path);
    let shown = clean(&path.display().to_string());
    let file = file.map_err(|error| io::Error::new(error.kind(), format!("{shown} cannot be opened: {error}")))?;
    let found = file.metadata()?;
    if found.gid() == gid && found.mode() & 0o7777 == mode {
        return Ok(Part { path: path.to_owned(), became: Became::AsItWas, mode });
    }
    let theirs = found.uid() != own() && (own() != 0 || found.gid() != gid);
    if theirs {
        let (owner, group) = (user(found.uid()), group(found.gid()));
        let way = "name another folder, or have its owner or root put it right";
        return Err(io::Error::other(format!("{shown} was made by {owner} for group {group}: {way}")));
    }
    // A second name would be handed over with it.
    if !(found.is_dir() || found.is_file() && found.nlink() == 1) {
        return Err(io::Error::other(format!("{shown} is no plain file")));
    }
    give(&file, gid, mode)?;
    Ok(Part { path: path.to_owned(), became: Became::Changed, mode })
}

fn give(file: &File, gid: u32, mode: u32) -> io::Result<()> {
    if file.metadata()?.gid() != gid {
        fchown(file, None, Some(gid))?;
    }
    // After the owner: that takes such bits away.
    file.set_permissions(Permissions::from_mode(mode))
}

/// Is a folder above one that only its owner comes through? Then the team does not.
pub fn closed_above(folder: &Path) -> Option<&Path> {
    let is_closed = |path: &&Path| fs::metadata(path).is_ok_and(|it| is_ours(it.uid()) && it.mode() & 0o011 == 0);
    folder.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()).find(is_closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keepers() -> Keepers {
        Keepers::Team { name: "ops".to_owned(), gid: rustix::process::getegid().as_raw() }
    }

    fn made(folder: &Path) -> Result<Vec<(String, Became, u32)>, String> {
        let parts = make(folder, "journal.sqlite", &keepers())?;
        let name = |part: &Part| part.path.file_name().unwrap().to_string_lossy().into_owned();
        let mode = |part: &Part| fs::metadata(&part.path).unwrap().mode() & 0o7777;
        assert!(parts.iter().all(|part| mode(part) == part.mode), "{parts:?}");
        Ok(parts.iter().map(|part| (name(part), part.became, part.mode)).collect())
    }

    #[test]
    fn a_teams_place_is_made_once_and_mended_where_it_is_not_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("srv/ops");
        let parts = |became: [Became; 3]| {
            let all = [("ops", 0o2770), ("journal.sqlite", 0o660), ("journal.sqlite.executors", 0o2770)];
            all.into_iter().zip(became).map(|((name, mode), became)| (name.to_owned(), became, mode)).collect()
        };
        assert_eq!(made(&folder), Ok(parts([Became::Made; 3])));
        assert_eq!(made(&folder), Ok(parts([Became::AsItWas; 3])));
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(folder.join("journal.sqlite"), Permissions::from_mode(0o644)).unwrap();
        assert_eq!(made(&folder), Ok(parts([Became::Changed, Became::Changed, Became::AsItWas])));
        assert_eq!(fs::metadata(dir.path().join("srv")).unwrap().mode() & 0o7777, 0o755);
    }

    #[test]
    fn a_folder_that_is_used_for_something_else_and_a_link_stay_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("etc");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("passwd"), "").unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let why = made(&folder).unwrap_err();
        assert!(why.contains("other things in it ('passwd')"), "{why}");
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o7777, 0o755);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(made(&link).unwrap_err().contains("it is there and is no folder"));
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o7777, 0o755);
    }
}
