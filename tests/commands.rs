//! Commands as a script runs them over the built-in world: what they print, and with which code they end.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/program.rs"]
mod program;

use std::{fs, process::Output};

use serde_json::{Value, json};

/// A scenario whose cluster answers a change of the status with 403: the right was there when it was looked at.
const TAKEN_AWAY: &str = r#"
[[faults]]
on = "/kubernetes/eu"
path = "/rollouts/payments/status"
what = { server_error = 403 }
"#;

fn holdshort(line: &[&str]) -> Output {
    program::holdshort().args(line).output().unwrap()
}

/// Its exit code, and what it said on stderr.
fn refused(line: &[&str]) -> (Option<i32>, String) {
    let output = holdshort(line);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{line:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn a_right_that_is_taken_away_in_the_middle_of_an_action_ends_with_8() {
    let scenario = fs::read_to_string("examples/scenarios/bad-canary.toml").unwrap();
    let scenario = file(&format!("{scenario}\n{TAKEN_AWAY}"));
    let demo = format!("--demo={}", scenario.path().display());
    let output = holdshort(&[&demo, "abort", "payments", "--yes", "--reason", "errors", "--json"]);
    let action: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stages: Vec<&str> =
        action["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["recorded", "sending", "failed"], "{action:#}");
    assert_eq!((&action["outcome"], &action["exit"]), (&json!("failed"), &json!(8)));
    assert!(action["said"].as_str().unwrap().ends_with("nothing was changed"), "{action:#}");
    assert_eq!(output.status.code(), Some(8));
}

#[test]
fn a_picture_is_in_colour_without_a_flag_and_in_the_theme_that_a_flag_or_the_environment_names() {
    let background = |line: &[&str], theme: Option<&str>| {
        let mut command = program::holdshort();
        command.args(line).args(["--demo", "snapshot", "--size", "80x24", "--format", "svg"]).env("TERM", "dumb");
        command.envs(theme.map(|theme| ("HOLDSHORT_THEME", theme)));
        let picture = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let colours: std::collections::BTreeSet<&str> =
            picture.split("fill=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let begin = picture.split("rx=\"8\" fill=\"").nth(1).and_then(|rest| rest.split('"').next());
        (begin.unwrap().to_owned(), colours.len() > 4)
    };
    let (dark, is_coloured) = background(&[], None);
    assert!(is_coloured);
    let light = background(&["--theme", "light"], None);
    assert_ne!(light.0, dark);
    assert_eq!(background(&[], Some("light")), light);
    assert_eq!(background(&["--theme", "dark"], Some("light")), (dark.clone(), true));
    assert_eq!(background(&["--color", "never"], None), (dark, false));
}

#[test]
fn a_theme_that_is_named_goes_before_that_of_the_configuration_and_a_recording_is_drawn_in_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(
        &config,
        "theme = \"light\"\n[connections.eu]\nkind = \"kubernetes\"\nserver = \"http://127.0.0.1:1\"\nenvironment = \"prod\"\n",
    )
    .unwrap();
    let (config, recording) = (config.display().to_string(), folder.path().join("night").display().to_string());
    let recorded = holdshort(&["demo", "--record", &recording]);
    assert!(recorded.status.success(), "{recorded:?}");
    let ground = |line: &[&str]| {
        let drawn = String::from_utf8(holdshort(line).stdout).unwrap();
        let begin = drawn.split("rx=\"8\" fill=\"").nth(1).and_then(|rest| rest.split('"').next());
        begin.map(str::to_owned).unwrap_or(drawn)
    };
    let picture = ["snapshot", "--size", "80x24", "--format", "svg"];
    let own = ground(&[&["--config", &config][..], &picture].concat());
    let named = ground(&[&["--config", &config, "--theme", "dark"][..], &picture].concat());
    let dark = ground(&[&["--demo"][..], &picture].concat());
    assert_eq!(named, dark);
    assert_ne!(own, dark);
    // In colours on a terminal that is none, because that is asked for.
    let replayed = |theme: &str| holdshort(&["replay", &recording, "--color", "always", "--theme", theme]).stdout;
    assert_ne!(replayed("light"), replayed("dark"));
}

#[test]
fn a_snapshot_as_json_has_every_cell_that_has_a_role() {
    let line = ["--demo", "snapshot", "--format", "json", "--size", "80x24", "--keys", "Enter r"];
    let output = holdshort(&line);
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let head = ["schema", "view", "overlay", "columns", "rows"].map(|name| shown[name].clone());
    assert_eq!(json!(head), json!(["holdshort/snapshot/v1", "release", "card", 80, 24]));
    assert_eq!(shown["rollout"], "kubernetes-eu/argo_rollouts/shop/payments");
    let lines = shown["lines"].as_array().unwrap();
    let text = holdshort(&["--demo", "snapshot", "--size", "80x24", "--keys", "Enter r"]);
    let drawn: Vec<&str> = lines.iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(String::from_utf8(text.stdout).unwrap().lines().collect::<Vec<_>>(), drawn);
    for line in lines {
        let runs = line["runs"].as_array().unwrap();
        let covered = |column: usize| {
            runs.iter().any(|run| {
                let first = usize::try_from(run["column"].as_u64().unwrap()).unwrap();
                (first..first + usize::try_from(run["cells"].as_u64().unwrap()).unwrap()).contains(&column)
            })
        };
        let bare = line["text"].as_str().unwrap().chars().enumerate().find(|(at, c)| *c != ' ' && !covered(*at));
        assert_eq!(bare, None, "{line:#}");
    }
}

#[test]
fn bad_input_is_one_clear_sentence_and_ends_with_2() {
    let broken = file("name = 'x'\nabout = \n");
    let nothing = file("name = 'x'\nabout = 'y'\nstart = '2026-03-10T01:46:00Z'\ncolour = 'red'\n");
    let (broken, nothing) =
        (format!("--demo={}", broken.path().display()), format!("--demo={}", nothing.path().display()));
    let table: [(&[&str], &[&str]); 9] = [
        (&["--demo=no-such", "status"], &["there is no scenario 'no-such': there are bad-canary, ", "or name a file"]),
        (&["demo", "--scenario", "no-such"], &["there is no scenario 'no-such'"]),
        (&["--demo=./no/such.toml", "status"], &["cannot read the scenario ./no/such.toml: No such file"]),
        (&[&broken, "status"], &["is wrong: ", "line 2, column 9"]),
        (&[&nothing, "status"], &["is wrong: ", "line 4, column 1", "unknown field `colour`"]),
        (&["--demo", "--seed", "lucky", "status"], &["'lucky' for '--seed <N>': write a whole number, 0 or more"]),
        (&["--demo", "--at", "+9000h", "status"], &["'+9000h' for '--at <+TIME>': write e.g. 90s, 20m or 1h30m"]),
        (
            &["--demo", "--at", "+8days", "status"],
            &["'+8days' for '--at <+TIME>': the world lives through all of it: at most 7days"],
        ),
        (&["--demo", "snapshot", "--format", "png"], &["a PNG takes fonts", "--format svg", "rsvg-convert"]),
    ];
    for (line, expected) in table {
        let (code, said) = refused(line);
        assert_eq!(code, Some(2), "{line:?}: {said}");
        for words in expected {
            assert!(said.contains(words), "{line:?}: '{words}' is not in: {said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// `config check` over a configuration with one cluster.
fn config_check(cluster: &str) -> (Option<i32>, String) {
    let config = file(&format!("[connections.eu]\nkind = \"kubernetes\"\nenvironment = \"prod\"\n{cluster}\n"));
    let output = holdshort(&["--config", &config.path().display().to_string(), "config", "check"]);
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code(), said.replace(&config.path().display().to_string(), "FILE"))
}

#[test]
fn a_configuration_of_nothing_does_not_hold_and_a_file_can_be_named_by_itself() {
    let empty = file("");
    let (code, said) = refused(&["config", "check", &empty.path().display().to_string()]);
    assert_eq!((code, said.contains("no connection is configured")), (Some(2), true), "{said}");
    let wrong = file("[connections.eu]\nkind = \"kubernetes\"\nenvironment = \"prod\"\nintervall = 1\n");
    let (code, said) = refused(&["config", "check", &wrong.path().display().to_string()]);
    assert_eq!((code, said.contains("intervall")), (Some(2), true), "{said}");
}

#[test]
fn config_check_looks_whether_the_context_is_in_the_kubeconfig_and_connects_to_nothing() {
    // Nobody listens there.
    let kubeconfig = file(&holdshort::demo::kubernetes::kubeconfig("http://127.0.0.1:1", ["eu", "us"]));
    let path = kubeconfig.path().display().to_string();
    let (code, said) = config_check(&format!("kubeconfig = '{path}'\ncontext = \"eu\""));
    assert_eq!((code, said.starts_with("the configuration holds: 1 connection,")), (Some(0), true), "{said}");
    let (code, said) = config_check(&format!("kubeconfig = '{path}'\ncontext = \"eu-west\""));
    let expected = "there is no context 'eu-west'";
    assert_eq!((code, said.contains(expected)), (Some(2), true), "{said}");
    assert!(said.contains("--> FILE:5:11") && said.contains("\"eu-west\"\n  |           ^^^^^^^^^"), "{said}");
    // What is read only when it is asked, a renewer may still write: it is said, and keeps nothing from being used.
    let here = "server = \"https://127.0.0.1:1\"";
    for (setting, missing) in [
        ("token = { file = \"/no/such/token\" }", "/no/such/token"),
        ("token = { command = [\"no-such-program\"] }", "no-such-program"),
        ("token = { env = \"NO_SUCH_VARIABLE\" }", "NO_SUCH_VARIABLE"),
        ("certificate_authority = \"/no/such/ca.pem\"", "/no/such/ca.pem"),
    ] {
        let (code, said) = config_check(&format!("{here}\n{setting}"));
        assert_eq!(code, Some(0), "{said}");
        let line = said.lines().find(|line| line.starts_with("eu cannot be asked as things are now: "));
        assert!(line.is_some_and(|line| line.contains(missing)), "{missing}: {said}");
    }
    let (code, said) = config_check("kubeconfig = '/no/such/kubeconfig'");
    assert_eq!((code, said.contains("/no/such/kubeconfig")), (Some(2), true), "{said}");
}

#[test]
fn status_ends_with_the_worst_verdict_where_that_is_asked_for() {
    let code = |line: &[&str]| holdshort(line).status.code();
    assert_eq!(code(&["--demo", "status", "--exit-code"]), Some(3));
    assert_eq!(code(&["--demo", "status"]), Some(0));
    assert_eq!(code(&["--demo=steady", "status", "--exit-code"]), Some(0));
    assert_eq!(code(&["--demo=burst", "status", "--exit-code"]), Some(4));
}

#[test]
fn a_roll_back_without_a_reason_and_a_promotion_on_wait_are_refused_with_their_way_on() {
    let (code, said) = refused(&["--demo", "rollback", "payments", "--yes"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("roll back payments needs --reason TEXT") && said.contains("nothing was sent"), "{said}");
    let (code, said) = refused(&["--demo=burst", "promote", "feed", "--yes", "--expect", "c0ff"]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("not known yet whether it does harm") && said.contains("--accept-wait"), "{said}");
}

#[test]
fn the_inbox_of_a_cluster_that_does_not_answer_is_incomplete() {
    let kubeconfig = file(&holdshort::demo::kubernetes::kubeconfig("http://127.0.0.1:1", ["eu"]));
    let state = tempfile::tempdir().unwrap();
    let config = file(&format!(
        "state.path = '{}'\n[connections.eu]\nkind = \"kubernetes\"\nenvironment = \"prod\"\nkubeconfig = '{}'\n",
        state.path().display(),
        kubeconfig.path().display()
    ));
    let config = config.path().display().to_string();
    let output = holdshort(&["--config", &config, "inbox"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(8), "{said}");
    assert!(said.starts_with("cannot tell what waits for a human: no source has answered\n"), "{said}");
    let output = holdshort(&["--config", &config, "inbox", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["complete"], &said["sources"][0]["freshness"]), (&json!(false), &json!("failing")), "{said:#}");
    assert_eq!(output.status.code(), Some(8));
}

#[test]
fn a_plan_says_what_it_brings_and_which_settings_differ_as_the_card_does() {
    let output = holdshort(&["--demo=drift", "approve", "payments", "--dry-run"]);
    let said = String::from_utf8(output.stdout).unwrap();
    for line in [
        "  note    same artifact, 7 settings differ from staging: RETRIES (not set in prod), POOL_SIZE (not set in prod), FEATURE_X and 4 \
         more; 1 cannot be compared\n",
        "  brings  1 commit by lee since live 2.2.0 (d00dfee): src 2, docs 1\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let output = holdshort(&["--demo=drift", "approve", "payments", "--dry-run", "--json"]);
    let action: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        action["plan"]["brings"],
        json!(["1 commit by lee since live 2.2.0 (d00dfee): src 2, docs 1"]),
        "{action:#}"
    );
}

#[test]
fn as_many_lines_are_printed_as_were_asked_for_and_the_oldest_of_more_are_left_out() {
    let lines = |most: &str| {
        let output = holdshort(&["--demo", "--at", "+21m", "logs", "payments", "--most", most]);
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let ten = lines("10");
    assert_eq!(ten.len(), 10);
    for most in [1, 2, 3] {
        assert_eq!(lines(&most.to_string()), ten[10 - most..]);
    }
}
