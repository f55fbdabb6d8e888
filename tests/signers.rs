//! Whose keys signed the journal, over a served world and with OpenSSH's own programs: what `audit verify` says of keys that
//! nobody knows, that are trusted, that an SSH key vouches for, and of one that takes somebody's name.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use served::{Served, installed, text};

/// A world, its journal, and the keys of those who use it in turn.
struct Bastion {
    world: Served,
    config: PathBuf,
    folder: tempfile::TempDir,
}

impl Bastion {
    fn new() -> Self {
        let scenario = format!("{}/tests/fixtures/scenarios/every-verb.toml", env!("CARGO_MANIFEST_DIR"));
        let world = Served::start(&scenario, &["--at", "+1m"]);
        let config = PathBuf::from(world.address("config"));
        Self { world, config, folder: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> PathBuf {
        Path::new(self.world.address("config")).with_file_name("state")
    }

    fn said(&self, args: &[&str]) -> Output {
        program::holdshort().arg("--config").arg(&self.config).args(args).output().unwrap()
    }

    /// Somebody does something.
    fn acts(&self, verb: &str, target: &str) {
        let output = self.said(&[verb, target, "--yes", "--reason", "weekly"]);
        assert!(output.status.success(), "{output:?}");
    }

    /// The key goes, and with it what its user remembers: whoever comes next makes another. Returns where it is.
    fn leaves(&self, name: &str) -> PathBuf {
        let (key, kept) = (self.state().join("key"), self.folder.path().join(name));
        fs::rename(key, &kept).unwrap();
        for entry in fs::read_dir(self.state()).unwrap().map(Result::unwrap) {
            if entry.file_name().to_string_lossy().starts_with("head-") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        kept
    }

    fn verify(&self) -> (Option<i32>, Value) {
        let output = self.said(&["audit", "verify", "--json"]);
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}")))
    }

    /// Exit code, and standing and name of each key in the order of `keys`.
    fn standings(&self, keys: &[&str]) -> (Option<i32>, Vec<(String, Value)>) {
        let (code, verified) = self.verify();
        let of = |key: &&str| {
            let all = verified["signers"].as_array().unwrap();
            let one = all.iter().find(|one| one["key"] == **key).unwrap_or_else(|| panic!("{key}: {verified:#}"));
            (one["standing"].as_str().unwrap().to_owned(), one["name"].clone())
        };
        (code, keys.iter().map(of).collect())
    }

    fn key(&self) -> String {
        text(&self.said(&["audit", "key"])).split_whitespace().next().unwrap().to_owned()
    }
}

/// An SSH key without a passphrase, and the line of a list that allows it.
fn ssh_key(folder: &Path, name: &str) -> (PathBuf, String) {
    let file = folder.join(name);
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&file).output();
    assert!(made.unwrap().status.success());
    let public = fs::read_to_string(file.with_extension("pub")).unwrap();
    (file, format!("{name}@shop.example {public}"))
}

#[test]
fn a_key_that_takes_a_name_is_contested_until_somebody_says_whose_is_whose() {
    let bastion = Bastion::new();
    bastion.acts("pause", "argo-pause");
    let dana = bastion.key();
    assert_eq!(bastion.standings(&[&dana]), (Some(0), vec![("own".into(), Value::Null)]));
    bastion.leaves("dana");
    bastion.acts("restart", "argo-restart");
    let lee = bastion.key();
    let (code, found) = bastion.standings(&[&lee, &dana]);
    assert_eq!((code, found[0].0.as_str(), found[1].0.as_str()), (Some(1), "own", "contested"));
    let words = text_of_failure(&bastion.said(&["audit", "verify"]));
    assert!(words.contains("! ") && words.contains("NOT to be believed") && words.contains(&dana), "{words}");
    let refused = bastion.said(&["audit", "trust", "abc", "--as", "Dana"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    text(&bastion.said(&["audit", "trust", &dana, "--as", "Dana"]));
    let expected = (Some(0), vec![("own".into(), Value::Null), ("trusted".into(), "Dana".into())]);
    assert_eq!(bastion.standings(&[&lee, &dana]), expected);
}

fn text_of_failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn an_ssh_key_of_the_list_vouches_for_a_journal_key_and_no_other_does() {
    if !installed("ssh-keygen", "openssh-client") {
        return;
    }
    let mut bastion = Bastion::new();
    bastion.acts("pause", "argo-pause");
    let dana = bastion.key();
    let (ssh, allowed) = ssh_key(bastion.folder.path(), "dana");
    let (strange, _) = ssh_key(bastion.folder.path(), "stranger");
    text(&bastion.said(&["audit", "vouch", "--with", ssh.to_str().unwrap()]));
    let vouch = bastion.state().join(format!("journal.sqlite.signers/{dana}.sig"));
    let good = fs::read(&vouch).unwrap();
    bastion.leaves("dana.key");
    bastion.acts("restart", "argo-restart");
    let lee = bastion.key();

    let list = bastion.folder.path().join("allowed_signers");
    fs::write(&list, allowed).unwrap();
    let config = fs::read_to_string(&bastion.config).unwrap();
    assert!(config.contains("[state]\n"), "{config}");
    let listed = config.replace("[state]\n", &format!("[state]\nsigners = '{}'\n", list.display()));
    bastion.config = bastion.folder.path().join("config.toml");
    fs::write(&bastion.config, listed).unwrap();
    let expected = (Some(0), vec![("own".into(), Value::Null), ("vouched".into(), "dana@shop.example".into())]);
    assert_eq!(bastion.standings(&[&lee, &dana]), expected);

    // Signed by a key that the list does not have; for another key; and nothing of the kind.
    let other = bastion.folder.path().join("statement");
    fs::write(&other, format!("holdshort key {lee}\n")).unwrap();
    let sign = |with: &Path| {
        let mut child = Command::new("ssh-keygen")
            .args(["-Y", "sign", "-n", "holdshort", "-f"])
            .arg(with)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(format!("holdshort key {dana}\n").as_bytes()).unwrap();
        child.wait_with_output().unwrap().stdout
    };
    let for_another = {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-Y", "sign", "-n", "holdshort", "-f"]).arg(&ssh).arg(&other);
        assert!(command.status().unwrap().success());
        fs::read(bastion.folder.path().join("statement.sig")).unwrap()
    };
    for bad in [sign(&strange), for_another, b"a vouch".to_vec()] {
        fs::write(&vouch, bad).unwrap();
        let (code, found) = bastion.standings(&[&dana]);
        assert_eq!((code, found[0].0.as_str()), (Some(1), "contested"));
    }
    fs::write(&vouch, good).unwrap();
    assert_eq!(bastion.verify().0, Some(0));
}

#[test]
fn an_agent_lends_its_key_to_a_vouch_and_without_one_the_way_out_is_named() {
    if !installed("ssh-agent", "openssh-client") {
        return;
    }
    let bastion = Bastion::new();
    bastion.acts("pause", "argo-pause");
    let socket = bastion.folder.path().join("agent");
    let mut agent = Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::piped()).spawn().unwrap();
    // It says where it listens before it serves.
    let mut said = std::io::BufReader::new(agent.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut said, &mut String::new()).unwrap();
    let (ssh, _) = ssh_key(bastion.folder.path(), "dana");
    let vouch = |socket: &Path| {
        let mut command = program::holdshort();
        command.env("SSH_AUTH_SOCK", socket).arg("--config").arg(&bastion.config).args(["audit", "vouch"]).output()
    };
    let none = vouch(&socket).unwrap();
    let why = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(!none.status.success() && why.contains("--with FILE"), "{why}");
    let added = Command::new("ssh-add").env("SSH_AUTH_SOCK", &socket).arg(&ssh).output().unwrap();
    assert!(added.status.success(), "{added:?}");
    fs::remove_file(&ssh).unwrap();
    let done = vouch(&socket).unwrap();
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert!(bastion.state().join(format!("journal.sqlite.signers/{}.sig", bastion.key())).is_file());
}

#[test]
fn what_the_machines_log_was_told_is_held_against_the_journal() {
    let bastion = Bastion::new();
    bastion.acts("pause", "argo-pause");
    let (_, verified) = bastion.verify();
    let (lines, head) = (verified["checked"].as_u64().unwrap(), verified["head"].as_str().unwrap().to_owned());
    let path = bastion.state().join("journal.sqlite");
    let log = bastion.folder.path().join("log");
    let told = |lines: u64, head: &str| {
        let line =
            format!("Nov 28 02:00:00 b holdshort[7]: journal={} lines={lines} head={head} key=ab\n", path.display());
        fs::write(&log, line).unwrap();
        bastion.said(&["audit", "verify", "--heads", log.to_str().unwrap()])
    };
    text(&told(lines, &head));
    for (lines, head) in [(lines, "0".repeat(64)), (lines + 2, head)] {
        let said = text_of_failure(&told(lines, &head));
        assert!(said.contains("the log was told of a line that is not there any more"), "{said}");
    }
    fs::write(&log, "noise\n").unwrap();
    let nothing = bastion.said(&["audit", "verify", "--heads", log.to_str().unwrap()]);
    assert_eq!(nothing.status.code(), Some(2), "{nothing:?}");
}
