//! Places of the record between the users of one machine: what a team writes together, what nobody else gets into, and what
//! becomes of an act whose record cannot be kept where it belongs.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "support/people.rs"]
mod people;
#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::{
    fs::{self, Permissions},
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use holdshort::{
    journal::{Journal, place::Keepers, sqlite::SqliteJournal},
    port::{record::RecordId, secrets::Secrets},
    runtime::detach::Order,
};
use people::{Person, are_several, open_folder};
use serde_json::Value;
use served::{Served, text};

const PAYMENTS: &str = "apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/payments";
#[test]
fn a_configuration_that_is_handed_over_open_serves_the_command_and_the_executor_that_it_leaves_behind() {
    let (folder, world) = (open_folder(), Served::start("bad-canary", &["--at", "+21m30s"]));
    let person = Person::own(folder.path());
    let state = format!("path = '{}'", folder.path().join("state").display());
    let config = configuration(folder.path(), world.address("kubernetes"), &state);
    let mut command = person.holdshort("022");
    command.args(["--config", "/dev/fd/0", "abort", "payments", "--yes", "--reason", "x"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(config).unwrap()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success() && rollout(&world).1, "{}", said(&done));
}

/// A group and users that nobody has.
const OPS: u32 = 70_100;
const DANA: u32 = 70_001;
const LEE: u32 = 70_002;
const KIM: u32 = 70_003;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run(command: &mut Command, args: &[&str]) -> Output {
    command.args(args).output().unwrap()
}

/// A configuration as a team writes it: the served cluster, and where records go.
fn configuration(folder: &Path, server: &str, state: &str) -> PathBuf {
    let path = folder.join("config.toml");
    let cluster = format!("[connections.eu]\nkind = 'kubernetes'\nenvironment = 'prod'\nserver = '{server}'\n");
    fs::write(&path, format!("{cluster}[state]\n{state}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    path
}

/// How often the spec of the rollout was changed, read past holdshort; and whether it is aborted.
fn rollout(world: &Served) -> (i64, bool) {
    let address = world.address("kubernetes").strip_prefix("http://").unwrap();
    let (host, path) = address.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path}/{PAYMENTS} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let found: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    (found["metadata"]["generation"].as_i64().unwrap(), found["status"]["abort"] == true)
}

/// A team's place made by root for a group that exists nowhere else, and a configuration that names it.
fn team(folder: &Path, world: &Served) -> (PathBuf, PathBuf) {
    let place = folder.join("ops");
    let root = Person::own(folder);
    let group = OPS.to_string();
    let init = ["state", "init", "--group", &group, "--path", place.to_str().unwrap()];
    text(&run(&mut root.holdshort("077"), &init));
    let state = format!("path = '{}'\ngroup = '{OPS}'", place.display());
    let config = configuration(folder, world.address("kubernetes"), &state);
    (place, config)
}

#[test]
fn state_init_makes_a_teams_place_whatever_the_umask_and_says_what_it_made() {
    let folder = open_folder();
    let person = Person::own(folder.path());
    let group = person.gid.to_string();
    let place = folder.path().join("srv/ops");
    let init = ["state", "init", "--group", &group, "--path", place.to_str().unwrap()];
    for (umask, word) in [("077", "made"), ("000", "there")] {
        let printed = text(&run(&mut person.holdshort(umask), &init));
        let at = place.display();
        assert_eq!(
            printed,
            format!(
                "{word:<8} {at} (group {group}, 2770)\n{word:<8} {at}/journal.sqlite (group {group}, 0660)\n\
                 {word:<8} {at}/journal.sqlite.executors (group {group}, 2770)\n\n\
                 In the configuration of everybody in the group, /etc/holdshort/config.toml:\n\n\
                 [state]\npath = \"{at}\"\ngroup = \"{group}\"\n"
            )
        );
        let parts = ["", "journal.sqlite", "journal.sqlite.executors"].map(|part| mode(&place.join(part)));
        assert_eq!(parts, [0o2770, 0o660, 0o2770]);
    }
    let refused = |args: &[&str]| {
        let output = run(&mut person.holdshort("022"), &[&["state", "init"], args].concat());
        (output.status.code(), said(&output))
    };
    let (code, why) = refused(&["--group", "no-such-group-here", "--path", "/tmp/x"]);
    assert!(code == Some(2) && why.contains("there is no group 'no-such-group-here'"), "{why}");
    let (code, why) = refused(&["--group", &group, "--path", "here"]);
    assert!(code == Some(2) && why.contains("name a whole path"), "{why}");
    let (code, why) = refused(&["--group", &group, "--path", "/etc"]);
    assert!(code == Some(1) && why.contains("/etc: ") && mode(Path::new("/etc")) == 0o755, "{why}");
}

#[test]
fn a_file_is_made_no_teams_place_and_stays_as_it_was() {
    let folder = open_folder();
    let person = Person::own(folder.path());
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let group = person.gid.to_string();
    let refused =
        run(&mut person.holdshort("022"), &["state", "init", "--group", &group, "--path", file.to_str().unwrap()]);
    assert!(said(&refused).contains("it is there and is no folder"), "{}", said(&refused));
    assert_eq!((mode(&file), refused.status.success()), (0o644, false));
}

#[test]
fn two_of_a_team_write_one_journal_each_with_a_key_of_their_own() {
    if !are_several("whether two users of a group write one journal") {
        return;
    }
    let (folder, world) = (open_folder(), Served::start("bad-canary", &["--at", "+21m30s"]));
    let (place, config) = team(folder.path(), &world);
    let people = [Person::new(folder.path(), DANA, OPS), Person::new(folder.path(), LEE, OPS)];
    let config = config.to_str().unwrap();
    for (person, verb) in people.iter().zip(["pause", "abort"]) {
        // The umask of each would keep the other out.
        let done = run(&mut person.holdshort("077"), &["--config", config, verb, "payments", "--yes", "--reason", "x"]);
        assert!(done.status.success() && !said(&done).contains("aside"), "{}", said(&done));
        let modes = |path: &Path| (mode(path), fs::metadata(path).unwrap().gid());
        assert_eq!(modes(&place.join("journal.sqlite")), (0o660, OPS));
        assert_eq!(modes(&place), (0o2770, OPS));
    }
    assert!(rollout(&world).1);
    for person in &people {
        let audit = ["--config", config, "audit", "verify", "--json"];
        let verified: Value = serde_json::from_str(&text(&run(&mut person.holdshort("022"), &audit))).unwrap();
        let claims: Vec<&Value> = verified["signers"].as_array().unwrap().iter().map(|one| &one["claims"][0]).collect();
        let is_of =
            |uid: u32| claims.iter().any(|claim| claim.as_str().unwrap().starts_with(&format!("uid {uid} on ")));
        assert!(claims.len() == 2 && is_of(DANA) && is_of(LEE), "{verified:#}");
        assert_eq!(mode(&person.state().join("key")), 0o600);
    }
}

#[test]
fn who_is_outside_the_team_is_told_so_and_goes_back_with_a_private_record_and_forward_not_at_all() {
    if !are_several("what somebody outside a team can do") {
        return;
    }
    let (folder, world) = (open_folder(), Served::start("bad-canary", &["--at", "+21m30s"]));
    let (place, config) = team(folder.path(), &world);
    let kim = Person::new(folder.path(), KIM, KIM);
    let config = config.to_str().unwrap();
    let verb =
        |verb: &str| run(&mut kim.holdshort("000"), &["--config", config, verb, "payments", "--yes", "--reason", "x"]);
    let why = "it is kept by group '70100', and you are not in it";
    let before = rollout(&world);
    let held = verb("pause");
    assert!(!held.status.success() && said(&held).contains(why), "{}", said(&held));
    assert_eq!(rollout(&world), before);
    let back = verb("abort");
    let spool = kim.state().join("spool.jsonl");
    let loud = said(&back);
    assert!(back.status.success() && rollout(&world).1, "{loud}");
    assert!(loud.contains(why) && loud.contains(&format!("kept aside in {}", spool.display())), "{loud}");
    assert_eq!((mode(&spool), mode(&kim.state())), (0o600, 0o700));
    assert!(fs::read_to_string(&spool).unwrap().contains("signature"));
    let audit = run(&mut kim.holdshort("022"), &["--config", config, "audit", "list"]);
    assert!(!audit.status.success() && said(&audit).contains(why), "{}", said(&audit));
    let init = ["state", "init", "--group", "70100", "--path", place.to_str().unwrap()];
    let refused = run(&mut kim.holdshort("022"), &init);
    assert!(
        refused.status.code() == Some(8) && said(&refused).contains("you are not in group '70100'"),
        "{}",
        said(&refused)
    );
    // And what somebody else made with another group is not handed over, not even by root.
    let theirs = folder.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    kim.owns(&theirs, 0o755);
    let root = Person::own(&folder.path().join("theirs"));
    let init = ["state", "init", "--group", "70100", "--path", theirs.to_str().unwrap()];
    fs::remove_dir(theirs.join("0")).unwrap();
    let refused = run(root.holdshort("022").current_dir("/"), &init);
    assert!(!refused.status.success() && said(&refused).contains("was made by uid 70003"), "{}", said(&refused));
    assert_eq!(mode(&theirs), 0o755);
}

/// Somebody does something to what lies in a folder.
type Deed<'a> = &'a dyn Fn(&Path);

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn sql(path: &Path, text: &str) {
    let sqlite = SqliteJournal::open(path).unwrap();
    drop(sqlite);
    rusqlite::Connection::open(path).unwrap().execute_batch(text).unwrap();
}

/// Does each deed to a journal of this person's own, and looks what is said of it: by `audit list`, and by an act.
fn done_to_a_journal(person: &Person, folder: &Path, deeds: &[(&str, Deed<'_>)]) {
    for (number, (why, deed)) in deeds.iter().enumerate() {
        let around = folder.join(format!("deed-{number}"));
        fs::create_dir(&around).unwrap();
        person.owns(&around, 0o755);
        let state = around.join("state");
        let config = configuration(&around, "http://127.0.0.1:9", &format!("path = '{}'", state.display()));
        let list = ["--config", config.to_str().unwrap(), "audit", "list"];
        text(&run(&mut person.holdshort("000"), &list));
        assert_eq!([mode(&state), mode(&state.join("journal.sqlite"))], [0o700, 0o600], "{why}");
        deed(&state);
        let refused = run(&mut person.holdshort("022"), &list);
        assert!(!refused.status.success() && said(&refused).contains(why), "{why}: {}", said(&refused));
    }
}

#[test]
fn a_journal_that_others_could_have_written_is_refused_with_the_reason() {
    let folder = open_folder();
    let person = Person::own(folder.path());
    let journal = |state: &Path| state.join("journal.sqlite");
    let trigger = "CREATE TRIGGER t AFTER INSERT ON lines BEGIN UPDATE lines SET body = 'x'; END";
    let instead = "ALTER TABLE lines RENAME TO hidden; CREATE VIEW lines AS SELECT * FROM hidden";
    let super_name = [&[0; 100][..], &[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]].concat();
    let deeds: &[(&str, Deed<'_>)] = &[
        ("everybody can write there", &|state| chmod(state, 0o777)),
        ("everybody can write there", &|state| chmod(state, 0o1777)),
        ("everybody can write it: chmod o-w", &|state| chmod(&journal(state), 0o606)),
        ("holds a trigger 't' that holdshort did not make", &|state| sql(&journal(state), trigger)),
        ("that holdshort did not make", &|state| sql(&journal(state), instead)),
        ("it is a symbolic link", &|state| {
            fs::rename(journal(state), state.join("elsewhere")).unwrap();
            symlink(state.join("elsewhere"), journal(state)).unwrap();
        }),
        ("it is a symbolic link: name the folder itself", &|state| {
            fs::rename(state, state.with_extension("moved")).unwrap();
            symlink(state.with_extension("moved"), state).unwrap();
        }),
        ("journal.sqlite-journal: it is a symbolic link", &|state| {
            symlink("/etc/passwd", state.join("journal.sqlite-journal")).unwrap();
        }),
        ("it names another file, which would be removed", &|state| {
            fs::write(state.join("journal.sqlite-journal"), &super_name).unwrap();
            chmod(&state.join("journal.sqlite-journal"), 0o600);
        }),
    ];
    done_to_a_journal(&person, folder.path(), deeds);
}

#[test]
fn a_journal_that_another_user_had_a_hand_in_is_refused_with_the_reason() {
    if !are_several("what another user does to a journal") {
        return;
    }
    let folder = open_folder();
    let (dana, lee) = (Person::new(folder.path(), DANA, DANA), Person::new(folder.path(), LEE, LEE));
    let lees = |path: PathBuf| {
        fs::write(&path, "hot").unwrap();
        lee.owns(&path, 0o600);
    };
    let deeds: &[(&str, Deed<'_>)] = &[
        ("it belongs to uid 70002", &|state| lee.owns(&state.join("journal.sqlite"), 0o666)),
        ("journal.sqlite-journal: it belongs to uid 70002", &|state| lees(state.join("journal.sqlite-journal"))),
        ("journal.sqlite-wal: it belongs to uid 70002", &|state| lees(state.join("journal.sqlite-wal"))),
        ("journal.sqlite-shm: it belongs to uid 70002", &|state| lees(state.join("journal.sqlite-shm"))),
        ("it belongs to uid 70002", &|state| lee.owns(state, 0o755)),
        // Of a group: nobody has said that it is a team.
        ("every member of group gid 70100 can write there", &|state| {
            chown(state, None, Some(OPS)).unwrap();
            chmod(state, 0o2770);
        }),
        ("it belongs to uid 70002", &|state| {
            // A folder that was there first.
            fs::rename(state, state.with_extension("moved")).unwrap();
            fs::create_dir(state).unwrap();
            lee.owns(state, 0o755);
        }),
    ];
    done_to_a_journal(&dana, folder.path(), deeds);
}

#[test]
fn a_hot_file_of_a_colleague_beside_a_journal_that_they_may_not_write_is_refused_and_going_back_goes_on() {
    if !are_several("what a colleague puts beside a journal") {
        return;
    }
    let (folder, world) = (open_folder(), Served::start("bad-canary", &["--at", "+21m30s"]));
    let (place, config) = team(folder.path(), &world);
    let (dana, lee) = (Person::new(folder.path(), DANA, OPS), Person::new(folder.path(), LEE, OPS));
    // Sticky, and the journal is dana's alone: so it was planted.
    chmod(&place, 0o3770);
    dana.owns(&place.join("journal.sqlite"), 0o600);
    fs::write(place.join("journal.sqlite-journal"), "hot").unwrap();
    lee.owns(&place.join("journal.sqlite-journal"), 0o660);
    let args = ["--config", config.to_str().unwrap(), "abort", "payments", "--yes", "--reason", "x"];
    let back = run(&mut dana.holdshort("022"), &args);
    let loud = said(&back);
    assert!(back.status.success() && rollout(&world).1, "{loud}");
    assert!(loud.contains("cannot be trusted: ") && loud.contains("kept aside in "), "{loud}");
    // Once root has put it right, the record is taken in: by dana, with dana's signature.
    fs::remove_file(place.join("journal.sqlite-journal")).unwrap();
    chown(place.join("journal.sqlite"), Some(0), Some(OPS)).unwrap();
    team_again(folder.path(), &place);
    let list = |person: &Person| text(&run(&mut person.holdshort("022"), &["--config", args[1], "audit", "list"]));
    assert!(!list(&lee).contains("abort"));
    assert!(list(&dana).contains("abort") && list(&lee).contains("abort"));
    assert_eq!(mode(&place), 0o2770);
}

fn team_again(folder: &Path, place: &Path) {
    let root = Command::new(program::holdshort().get_program())
        .args(["state", "init", "--group", &OPS.to_string(), "--path", place.to_str().unwrap()])
        .current_dir(folder)
        .output();
    assert!(text(&root.unwrap()).contains("mended"));
}

/// What is set in the environment, and what is said.
type Case<'a> = (&'a [(&'a str, Option<&'a str>)], &'a str);

#[test]
fn without_a_place_of_ones_own_nothing_is_put_into_somebody_elses() {
    let folder = open_folder();
    let person = Person::own(folder.path());
    let bare = configuration(folder.path(), "http://127.0.0.1:9", "");
    // Nothing is where it is not to be.
    let table: &[Case<'_>] = &[
        (&[("HOME", None)], "HOME is not set"),
        (&[("HOME", Some(""))], "HOME is not set"),
        (&[("HOME", Some("here"))], "HOME is not set"),
        (&[("HOLDSHORT_STATE__PATH", Some(""))], "'' is no whole path"),
        (&[("HOLDSHORT_STATE__PATH", Some("here/state"))], "'here/state' is no whole path"),
    ];
    let list = ["--config", bare.to_str().unwrap(), "audit", "list"];
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    if !Path::new("/var/lib/holdshort").exists() {
        for (variables, why) in table {
            let mut command = person.holdshort("000");
            command.current_dir(&work);
            for (name, value) in *variables {
                command.env_remove(name);
                command.envs(value.map(|value| (*name, value)));
            }
            let refused = run(&mut command, &list);
            assert!(
                refused.status.code() == Some(2) && said(&refused).contains(why),
                "{variables:?}: {}",
                said(&refused)
            );
            assert_eq!(fs::read_dir(&work).unwrap().count(), 0, "{variables:?}");
        }
        // A path that is none says nothing (XDG), and under an open umask everything is private.
        let mut command = person.holdshort("000");
        command.current_dir(&work).env("XDG_STATE_HOME", "here");
        text(&run(&mut command, &list));
        assert_eq!(fs::read_dir(&work).unwrap().count(), 0);
        let state = person.state();
        let above = state.ancestors().take(3).map(mode).collect::<Vec<_>>();
        assert_eq!(above, [0o700; 3]);
        assert_eq!(["key", "journal.sqlite"].map(|file| mode(&state.join(file))), [0o600; 2]);
    }
}

#[test]
fn a_folder_that_somebody_else_made_takes_nothing_and_neither_does_one_inside_it() {
    if !are_several("what becomes of a folder that another user made") {
        return;
    }
    let folder = open_folder();
    let (dana, lee) = (Person::new(folder.path(), DANA, DANA), Person::new(folder.path(), LEE, LEE));
    let theirs = folder.path().join("state");
    fs::create_dir(&theirs).unwrap();
    lee.owns(&theirs, 0o1777);
    for path in [theirs.clone(), theirs.join("holdshort"), theirs.join("a/b")] {
        let config = configuration(folder.path(), "http://127.0.0.1:9", &format!("path = '{}'", path.display()));
        let refused = run(&mut dana.holdshort("022"), &["--config", config.to_str().unwrap(), "audit", "list"]);
        let why = said(&refused);
        assert!(!refused.status.success(), "{why}");
        assert!(why.contains("it belongs to uid 70002") || why.contains("which belongs to uid 70002"), "{why}");
        assert_eq!(fs::read_dir(&theirs).unwrap().count(), 0);
    }
}

/// An order to carry out the act of record 1 anew, with its record begun in the journal.
fn order_of_first(journal: &Path, keepers: &Keepers) -> Order {
    let journal = SqliteJournal::open_for(journal, keepers).unwrap();
    let mut confirmed = journal.get(RecordId(1)).unwrap().unwrap().intent;
    // Whoever confirms has what is sent; this act hides nothing.
    for step in &mut confirmed.plan.draft.steps {
        step.call.body = step.call.body.shown().into();
    }
    let (record, _attendance) = journal.begin(&confirmed).unwrap();
    Order::new(record.id, confirmed, &Secrets::default(), [].into())
}

fn executor(command: &mut Command, order: &Order) -> Output {
    let id = order.record.to_string();
    let mut child = command
        .args(["executor", &id])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses at once reads nothing.
    let _ = child.stdin.take().unwrap().write_all(&serde_json::to_vec(order).unwrap());
    child.wait_with_output().unwrap()
}

#[test]
fn an_executor_that_only_looks_sends_nothing_and_neither_does_one_of_another_user() {
    let (folder, world) = (open_folder(), Served::start("bad-canary", &["--at", "+21m30s"]));
    let several = are_several("whether a record of another user is carried out");
    let (place, config, keepers, dana) = if several {
        let (place, config) = team(folder.path(), &world);
        let keepers = Keepers::Team { name: OPS.to_string(), gid: OPS };
        (place, config, keepers, Person::new(folder.path(), DANA, OPS))
    } else {
        let place = folder.path().join("state");
        let state = format!("path = '{}'", place.display());
        let config = configuration(folder.path(), world.address("kubernetes"), &state);
        (place, config, Keepers::Own, Person::own(folder.path()))
    };
    let config_path = config.to_str().unwrap();
    let first = ["--config", config_path, "abort", "payments", "--yes", "--reason", "x"];
    let done = run(&mut dana.holdshort("022"), &first);
    assert!(done.status.success(), "{}", said(&done));
    let order = order_of_first(&place.join("journal.sqlite"), &keepers);
    // Another day: the same cluster, where nobody has aborted anything yet.
    let old = world.address("kubernetes").to_owned();
    drop(world);
    let world = Served::start("bad-canary", &["--at", "+21m30s"]);
    assert_ne!(old, world.address("kubernetes"));
    fs::write(&config, fs::read_to_string(&config).unwrap().replace(&old, world.address("kubernetes"))).unwrap();
    let before = rollout(&world);
    let read_only = folder.path().join("read-only.toml");
    fs::write(&read_only, "read_only = true\n").unwrap();
    chmod(&read_only, 0o644);
    let with = |more: &[&str], env: &[(&str, &str)], person: &Person| {
        let mut command = person.holdshort("022");
        command.args(["--config", config_path]).args(more).envs(env.iter().copied());
        let output = executor(&mut command, &order);
        (output.status.code(), said(&output))
    };
    let looks = "this session is read-only: nothing is carried out";
    for (more, env) in [
        (&["--read-only"][..], &[][..]),
        (&[], &[("HOLDSHORT_READ_ONLY", "true")]),
        (&["--config", read_only.to_str().unwrap()], &[]),
    ] {
        let (code, why) = with(more, env, &dana);
        assert!(code == Some(2) && why.contains(looks), "{more:?} {env:?}: {why}");
        assert_eq!(rollout(&world), before);
    }
    if several {
        let lee = Person::new(folder.path(), LEE, OPS);
        let (code, why) = with(&[], &[], &lee);
        assert!(code == Some(9) && why.contains("is of uid 70001: nobody else carries it out"), "{why}");
        assert_eq!(rollout(&world), before);
    }
    // Whoever confirmed it has it carried out.
    with(&[], &[], &dana);
    assert_ne!(rollout(&world), before);
}

#[test]
fn a_configuration_that_somebody_else_could_have_written_is_not_obeyed() {
    let folder = open_folder();
    let person = Person::own(folder.path());
    let config = configuration(folder.path(), "http://127.0.0.1:9", "");
    let args = ["--config", config.to_str().unwrap(), "config", "check"];
    let check = |person: &Person| {
        let output = run(&mut person.holdshort("022"), &args);
        (output.status.code(), said(&output))
    };
    assert_eq!(check(&person), (Some(0), String::new()));
    let (taken, refused) = (0o644, [0o666, 0o646]);
    for mode in refused {
        chmod(&config, mode);
        let (code, why) = check(&person);
        let way = format!("everybody can write it; chmod go-w {}", config.display());
        assert!(code == Some(2) && why.contains(&way), "{mode:o}: {why}");
    }
    chmod(&config, taken);
    // Root's own link to it, and what whoever starts it hands over, whatever the rights of the file are.
    let link = folder.path().join("link.toml");
    symlink(&config, &link).unwrap();
    let linked = ["--config", link.to_str().unwrap(), "config", "check"];
    text(&run(&mut person.holdshort("022"), &linked));
    chmod(&config, 0o666);
    for path in ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
        let mut command = person.holdshort("022");
        command.stdin(fs::File::open(&config).unwrap());
        text(&run(&mut command, &["--config", path, "config", "check"]));
    }
    chmod(&config, taken);
    if are_several("whether a configuration of another user is obeyed") {
        let (dana, lee) = (Person::new(folder.path(), DANA, DANA), Person::new(folder.path(), LEE, LEE));
        // Root's is obeyed by everybody, one's own by oneself, root included; a group is somebody else too.
        assert_eq!(check(&dana), (Some(0), String::new()));
        dana.owns(&config, 0o644);
        assert_eq!(check(&dana), (Some(0), String::new()));
        for other in [&lee, &person] {
            let (code, why) = check(other);
            assert!(
                code == Some(2) && why.contains("it belongs to uid 70001, who could make it run anything"),
                "{why}"
            );
        }
        dana.owns(&config, 0o664);
        let (code, why) = check(&dana);
        assert!(code == Some(2) && why.contains("every member of group gid 70001 can write it; chmod go-w"), "{why}");
        // A user's own file over the machine's is a layer as any other.
        dana.owns(&config, 0o644);
        let own = dana.state().ancestors().nth(3).unwrap().join(".config/holdshort/config.toml");
        fs::create_dir_all(own.parent().unwrap()).unwrap();
        fs::write(&own, "theme = 'dark'\n").unwrap();
        lee.owns(&own, 0o644);
        let (code, why) = check(&dana);
        assert!(code == Some(2) && why.contains("it belongs to uid 70002"), "{why}");
    }
}

#[test]
fn a_kubeconfig_that_runs_a_program_is_obeyed_only_where_nobody_else_could_have_written_it() {
    let folder = open_folder();
    let person = Person::own(folder.path());
    let kubeconfig = folder.path().join("kubeconfig");
    let config = folder.path().join("config.toml");
    fs::write(
        &config,
        format!(
            "[connections.eu]\nkind = 'kubernetes'\nenvironment = 'prod'\nkubeconfig = '{}'\n",
            kubeconfig.display()
        ),
    )
    .unwrap();
    chmod(&config, 0o644);
    let ran = folder.path().join("ran");
    let exec = format!(
        "{{ exec: {{ apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: /usr/bin/touch, args: ['{}'] }} }}",
        ran.display()
    );
    let look = |command: &str, user: &str, mode: u32| {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:9'}}}}]\nusers: [{{name: u, user: {user}}}]\n"
        );
        fs::write(&kubeconfig, text).unwrap();
        chmod(&kubeconfig, mode);
        let args: Vec<&str> = ["--config", config.to_str().unwrap()].into_iter().chain(command.split(' ')).collect();
        let output = run(&mut person.holdshort("022"), &args);
        format!("{}{}", String::from_utf8_lossy(&output.stdout), said(&output))
    };
    let why = "is not obeyed, for it names a program to run: everybody can write it; chmod go-w";
    for command in ["status", "config check"] {
        let said = look(command, &exec, 0o666);
        assert!(said.contains(why) && !ran.exists(), "{command}: {said}");
    }
    let files = "{ tokenFile: /var/run/secrets/token }";
    let said = look("config check", files, 0o666);
    assert!(said.contains("for it names a file with credentials: everybody can write it"), "{said}");
    // Nothing of ours goes where this one leads.
    let said = look("config check", "{ token: t }", 0o666);
    assert!(said.contains("the configuration holds"), "{said}");
    look("status", &exec, 0o600);
    assert!(ran.exists(), "one's own is obeyed");
}

#[test]
fn a_served_world_has_a_private_folder_that_goes_with_it_whichever_signal_ends_it() {
    use rustix::process::{Pid, Signal, kill_process};

    let folder = open_folder();
    let person = Person::own(folder.path());
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut command = person.holdshort("000");
        command.args(["demo", "serve"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        let first = lines.next().unwrap().unwrap();
        let config = PathBuf::from(first.strip_prefix("config ").unwrap());
        let kubeconfig = config.with_file_name("kubeconfig");
        assert!(lines.any(|line| line.unwrap() == "ready"));
        let around = config.parent().unwrap();
        assert_eq!([mode(around), mode(&config), mode(&kubeconfig)], [0o700, 0o600, 0o600]);
        text(&run(&mut person.holdshort("000"), &["--config", config.to_str().unwrap(), "config", "check"]));
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal:?}");
        assert!(!around.exists(), "{signal:?}");
    }
}

#[test]
fn a_served_world_answers_programs_on_this_machine_and_no_page_from_elsewhere() {
    let world = Served::start("bad-canary", &[]);
    let address = world.address("prometheus").strip_prefix("http://").unwrap();
    let host = address.split('/').next().unwrap();
    let ask = |headers: &str| {
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "GET /prometheus/-/ready HTTP/1.0\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    let named = format!("Host: {host}\r\n");
    assert_eq!([ask(&named), ask("Host: localhost:1\r\n"), ask("")], ["200", "200", "200"]);
    assert_eq!(ask("Host: evil.example\r\n"), "403");
    assert_eq!(ask(&format!("{named}Origin: https://evil.example\r\n")), "403");
    assert_eq!(ask(&format!("{named}Origin: http://{host}\r\n")), "200");
}
