//! The file, and what SQLite would play back into it: looked at before SQLite opens any of them.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use crate::{
    domain::text::clean,
    journal::{
        JournalError,
        place::{self, Keepers},
    },
};

/// With this a rollback file ends that names another file, which SQLite removes once it has played it back. We never write
/// two databases at once, so that none of ours does.
const NAMES_ANOTHER: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Refuses a file, or one beside it, that somebody outside its keepers may have written.
pub(super) fn examine(path: &Path, keepers: &Keepers) -> Result<(), JournalError> {
    let beside = |suffix: &str| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        path.with_file_name(name)
    };
    let hot = beside("-journal");
    for file in [path.to_owned(), hot.clone(), beside("-wal"), beside("-shm")] {
        let examined = place::examine_for(&file, keepers);
        let examined = examined.and_then(|()| if file == hot { removes_nothing(&file) } else { Ok(()) });
        examined.map_err(|error| {
            let why = format!("cannot be trusted: {}: {error}", clean(&file.display().to_string()));
            let way = "keep a copy, move it aside, or name another place with state.path";
            JournalError::Broken { path: path.to_owned(), why, way }
        })?;
    }
    Ok(())
}

fn removes_nothing(hot: &Path) -> io::Result<()> {
    let mut end = [0; NAMES_ANOTHER.len()];
    let mut file = match File::open(hot) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() < u64::try_from(end.len()).unwrap_or_default() {
        return Ok(());
    }
    file.seek(SeekFrom::End(-i64::try_from(end.len()).unwrap_or_default()))?;
    file.read_exact(&mut end)?;
    if end == NAMES_ANOTHER {
        return Err(io::Error::other("it names another file, which would be removed in your name"));
    }
    Ok(())
}
