//! Who owns a file, and who else can write it: what this program obeys must be its user's own or root's.
//!
//! Here live the questions that the journal, the configuration and credentials all ask of a file. Here must not live: what
//! stands in the files, or what becomes of somebody who is refused.

use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::domain::text::clean;

/// Everybody may write.
pub const BY_ALL: u32 = 0o002;
/// The group may write.
pub const BY_GROUP: u32 = 0o020;
/// Only owners may remove or rename what lies in the folder.
const STICKY: u32 = 0o1000;
/// Knows the groups and users that are in no file of this machine.
const GETENT: &str = "/usr/bin/getent";

/// Who this process acts as.
pub fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Is it this user's, or root's, who can do everything anyway?
pub fn is_ours(uid: u32) -> bool {
    uid == own() || uid == 0
}

/// A user for people: `lee (uid 1001)`.
pub fn user(uid: u32) -> String {
    login(uid).map_or_else(|| format!("uid {uid}"), |name| format!("{name} (uid {uid})"))
}

/// The account of a user: `lee`, or `uid 1001` where it is in no file of this machine.
pub fn account(uid: u32) -> String {
    login(uid).unwrap_or_else(|| format!("uid {uid}"))
}

fn login(uid: u32) -> Option<String> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = entries(&passwd).find(|fields| number(fields, 2) == Some(uid))?.first().copied()?;
    Some(clean(name))
}

/// A group for people: `'ops'`, or `gid 1005` where it has no name.
pub fn group(gid: u32) -> String {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    match entries(&groups).find(|fields| number(fields, 2) == Some(gid)).and_then(|fields| fields.first().copied()) {
        Some(name) => format!("'{}'", clean(name)),
        None => format!("gid {gid}"),
    }
}

/// The number of a group that is written by name or by number.
pub fn group_named(name: &str) -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let local = entries(&groups).find(|fields| fields.first() == Some(&name)).and_then(|fields| number(&fields, 2));
    let plain = || name.parse().ok();
    // Groups of a directory service are in no file.
    let elsewhere = || {
        let plain = !name.is_empty() && !name.starts_with('-');
        let asked = plain.then(|| Command::new(GETENT).args(["group", name]).stdin(Stdio::null()).output().ok())??;
        let said = String::from_utf8(asked.stdout).ok()?;
        entries(&said).find_map(|fields| number(&fields, 2))
    };
    local.or_else(plain).or_else(elsewhere)
}

/// Is this process in the group?
pub fn is_member(gid: u32) -> bool {
    let of_process = rustix::process::getgroups().unwrap_or_default();
    rustix::process::getegid().as_raw() == gid || of_process.iter().any(|one| one.as_raw() == gid)
}

/// Is there nobody but this user in the group? So it is where each user has a group of their own, called as they are; what
/// that group can write nobody else can. A group that is not in the files of this machine may have anybody.
fn is_group_of_one(uid: u32, gid: u32) -> bool {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    is_private(&passwd, &groups, uid, gid)
}

fn is_private(passwd: &str, groups: &str, uid: u32, gid: u32) -> bool {
    let Some(login) = entries(passwd).find(|it| number(it, 2) == Some(uid) && number(it, 3) == Some(gid)) else {
        return false;
    };
    let Some(login) = login.first().copied() else { return false };
    let named = entries(groups).find(|it| it.first() == Some(&login) && number(it, 2) == Some(gid));
    let alone = named.is_some_and(|it| {
        it.get(3).is_none_or(|members| members.split(',').all(|member| member.is_empty() || member == login))
    });
    // Somebody else's first group stands in passwd only.
    alone && entries(passwd).all(|it| number(&it, 3) != Some(gid) || number(&it, 2) == Some(uid))
}

/// The lines of passwd(5) or group(5), in fields.
fn entries(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect())
}

fn number(fields: &[&str], at: usize) -> Option<u32> {
    fields.get(at)?.parse().ok()
}

/// Why a file is not obeyed: somebody else could have written it. Links are followed, as whoever reads it follows them.
/// `None` where it is ours, and for what whoever started us handed over: standard input, an open file.
///
/// # Errors
/// Where nothing can be said of it: it is not there, or lies in a folder that cannot be looked into.
pub fn distrust(path: &Path) -> io::Result<Option<String>> {
    if is_handed_over(path) {
        return Ok(None);
    }
    Ok(strange(path, &fs::metadata(path)?))
}

/// Reads a text that this program obeys.
///
/// # Errors
/// Where it cannot be read, or somebody else could have written it: then of the kind `PermissionDenied`, with the way out.
pub fn read(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    // What is looked at is what is read, whatever the path means by then.
    if !is_handed_over(path)
        && let Some(why) = strange(path, &file.metadata()?)
    {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    let mut text = String::new();
    io::Read::read_to_string(&mut file, &mut text)?;
    Ok(text)
}

/// Did whoever started us open it? Then they have chosen what is in it.
pub fn is_handed_over(path: &Path) -> bool {
    let number = |folder: &str| {
        let rest = path.strip_prefix(folder).ok().and_then(Path::to_str);
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    path == Path::new("/dev/stdin") || number("/dev/fd") || number("/proc/self/fd")
}

fn strange(path: &Path, found: &Metadata) -> Option<String> {
    let shown = |path: &Path| clean(&path.display().to_string());
    if !is_ours(found.uid()) {
        let (owner, shown) = (user(found.uid()), shown(path));
        return Some(format!(
            "it belongs to {owner}, who could make it run anything in your name; if it is meant for you, copy it and use \
             the copy, or have root do chown root {shown}"
        ));
    }
    if let Some(who) = writers(found) {
        return Some(format!("{who} can write it; chmod go-w {}", shown(path)));
    }
    let folder = fs::canonicalize(path).ok().and_then(|whole| Some(whole.parent()?.to_owned()))?;
    let around = fs::metadata(&folder).ok()?;
    let kept = around.mode() & STICKY != 0 || !found.file_type().is_file();
    let who = writers(&around).filter(|_| !kept)?;
    Some(format!("{who} can put another in its place; chmod go-w {}", shown(&folder)))
}

/// Who else can write a file or a folder of ours.
pub fn writers(found: &Metadata) -> Option<String> {
    if found.file_type().is_char_device() {
        // `/dev/null`: what is written there nobody reads.
        return None;
    }
    if found.mode() & BY_ALL != 0 {
        return Some("everybody".to_owned());
    }
    let by_group = found.mode() & BY_GROUP != 0 && !is_group_of_one(found.uid(), found.gid());
    by_group.then(|| format!("every member of group {}", group(found.gid())))
}

/// The program that a bare name means, looked for in the whole paths of `PATH` only: a `.` there would run whatever lies in
/// the folder one stands in.
pub fn program(name: &str, path: &str) -> Option<PathBuf> {
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(name)).find(|path| is_program(path))
}

/// Is it a file that can be run?
pub fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.is_file() && it.mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_group_is_private_where_it_is_called_as_its_only_member() {
        let passwd = "root:x:0:0::/root:/bin/sh\ndana:x:1000:1000::/:/bin/sh\nlee:x:1001:100::/:/bin/sh\n\
                      kim:x:1002:1002::/:/bin/sh\nmax:x:1003:1002::/:/bin/sh\nann:x:1004:1004::/:/bin/sh\n";
        let groups = "root:x:0:\nusers:x:100:\ndana:x:1000:dana\nkim:x:1002:\nann:x:1004:lee\nops:x:1005:\n";
        let table = [
            (0, 0, true),
            (1000, 1000, true),
            // Another group, everybody's group, somebody else's first group, one with a member.
            (1000, 1005, false),
            (1001, 100, false),
            (1002, 1002, false),
            (1004, 1004, false),
            // Nobody knows them.
            (7000, 7000, false),
        ];
        for (uid, gid, private) in table {
            assert_eq!(is_private(passwd, groups, uid, gid), private, "{uid} {gid}");
        }
    }

    #[test]
    fn what_others_can_write_is_not_obeyed_and_the_way_out_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        fs::write(&file, "x").unwrap();
        for mode in [0o600, 0o644, 0o400] {
            chmod(&file, mode);
            assert_eq!(distrust(&file).unwrap(), None, "{mode:o}");
        }
        for mode in [0o666, 0o602] {
            chmod(&file, mode);
            let said = format!("everybody can write it; chmod go-w {}", file.display());
            assert_eq!(distrust(&file).unwrap().as_deref(), Some(said.as_str()), "{mode:o}");
            assert_eq!(read(&file).unwrap_err().to_string(), said);
        }
        chmod(&file, 0o600);
        chmod(dir.path(), 0o777);
        let said = format!("everybody can put another in its place; chmod go-w {}", dir.path().display());
        assert_eq!(distrust(&file).unwrap(), Some(said));
        chmod(dir.path(), 0o1777);
        assert_eq!(read(&file).unwrap(), "x");
    }

    #[test]
    fn what_was_handed_over_open_is_taken_and_what_is_missing_is_no_stranger_s() {
        assert_eq!(distrust(Path::new("/dev/stdin")).unwrap(), None);
        assert_eq!(distrust(Path::new("/proc/self/fd/0")).unwrap(), None);
        assert_eq!(distrust(Path::new("/dev/null")).unwrap(), None);
        for path in ["/dev/fd", "/dev/fd/../../tmp/x", "/proc/self/fd/x", "/tmp/dev/fd/3"] {
            assert!(!is_handed_over(Path::new(path)), "{path}");
        }
        assert_eq!(distrust(Path::new("/no/such")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_program_is_found_in_whole_paths_only() {
        let dir = tempfile::tempdir().unwrap();
        let there = dir.path().join("get");
        fs::write(&there, "").unwrap();
        let path = format!(".::{}", dir.path().display());
        assert_eq!(program("get", &path), None);
        chmod(&there, 0o700);
        assert_eq!(program("get", &path), Some(there));
        assert_eq!(program("get", "."), None);
    }

    #[test]
    fn a_group_is_known_by_name_and_by_number() {
        assert_eq!(group_named("root"), Some(0));
        assert_eq!(group_named("70123"), Some(70123));
        assert_eq!([group_named("no-such-group-here"), group_named(""), group_named("-h")], [None; 3]);
        assert_eq!((group(0), group(70123)), ("'root'".to_owned(), "gid 70123".to_owned()));
        assert!(user(0).starts_with("root (uid 0)") && user(70123) == "uid 70123");
    }
}
