//! `doctor` on set-ups that are broken, each in one way: it names the thing, says what is wrong with it and what mends it, and ends with
//! 1 where something does not work. The program is a process of its own; what it asks is a served world, or a listener that misbehaves.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail, and says what it leaves out"
)]

#[path = "network/listener.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod listener;
#[path = "support/machine.rs"]
mod machine;
#[path = "support/people.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod people;
#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::chown,
    process::{Command, Output},
};

use listener::{Listener, answer, nobody, silent};
use machine::{Machine, by_hand, found};
use serde_json::Value;
use served::Served;

/// A world by a scenario that differs from a built-in one.
fn world_but(scenario: &str, change: impl Fn(String) -> String) -> Served {
    let text = change(fs::read_to_string(format!("examples/scenarios/{scenario}.toml")).unwrap());
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    fs::write(file.path(), text).unwrap();
    Served::start(&file.path().display().to_string(), &["--at", "+21m"])
}

/// What this machine is found to be, by what it is about: the grade, and all it says.
fn here(doctor: &Value, about: &str) -> (String, String) {
    let one = doctor["here"].as_array().unwrap().iter().find(|one| one["about"] == about).unwrap();
    (one["grade"].as_str().unwrap().to_owned(), format!("{} {}", one["said"], one["way"]))
}

/// Only metrics, at this address, reached so.
fn metrics_at(at: SocketAddr, how: &str) -> String {
    format!("[connections.metrics]\nkind = \"prometheus\"\nurl = \"http://{at}\"\npreset = \"istio\"\n{how}\n")
}

/// Asserts that a finding is broken, and that it says each of these.
fn broken(doctor: &Value, connection: &str, about: &str, all: &[&str]) {
    let (grade, said) = &found(doctor, connection, about)[0];
    assert_eq!(*grade, "broken", "{doctor:#}");
    for text in all {
        assert!(said.contains(text), "{text}: {said}");
    }
    assert_eq!(doctor["exit"], 1);
}

#[test]
fn a_context_that_is_not_there_is_named_with_those_that_are() {
    let machine = Machine::new(&[]);
    let kubeconfig = machine.home.path().join("kubeconfig");
    fs::write(&kubeconfig, holdshort::demo::kubernetes::kubeconfig("http://127.0.0.1:1", ["eu", "us"])).unwrap();
    let file = kubeconfig.display();
    machine.configured(&format!(
        "[connections.prod]\nkind = \"kubernetes\"\nkubeconfig = '{file}'\ncontext = \"nosuch\"\nenvironment = \"prod\"\n"
    ));
    let doctor = machine.json("doctor --json");
    broken(&doctor, "prod", "reached", &["context 'nosuch'", "it has eu, us", "set `context`"]);
    // What lies between is not what is wrong.
    assert!(!doctor.to_string().contains("curl"), "{doctor:#}");
}

#[test]
fn a_token_that_counts_no_more_is_told_from_a_server_that_is_away() {
    let world = world_but("bad-canary", |text| {
        text.replacen(
            "[[systems.cluster.rollouts]]",
            "[systems.cluster]\ntoken = \"renewed\"\n\n[[systems.cluster.rollouts]]",
            1,
        )
    });
    let machine = Machine::before(&world, false);
    let server = world.address("kubernetes");
    fs::write(machine.home.path().join("token"), "expired\n").unwrap();
    machine.configured(&format!(
        "[connections.eu]\nkind = \"kubernetes\"\nserver = \"{server}\"\ntoken = {{ file = \"token\" }}\nenvironment = \"prod\"\n"
    ));
    let doctor = machine.json("doctor --json");
    broken(&doctor, "eu", "reached", &["eu does not know who we are", "has expired", "a credential that counts"]);
}

#[test]
fn an_engine_that_is_not_installed_is_named_with_the_setting_that_leaves_it_out() {
    let world = world_but("bad-canary", |text| {
        let (before, _) = text.split_once("[[systems.cluster.rollouts]]").unwrap();
        format!(
            "{before}[systems.cluster]\ncrds = []\n\n[[systems.cluster.deployments]]\nnamespace = \"shop\"\nname = \"payments\"\n\
             image = \"registry.shop.example/payments\"\nhistory = [{{ tag = \"1.41.3\", commit = \"9f8e7d6\" }}]\n\n[[systems]]\n\
             kind = \"prometheus\"\n"
        )
    });
    let machine = Machine::before(&world, false);
    machine.configured(&by_hand(&world, "", "preset = \"otel-http\""));
    let doctor = machine.json("doctor --json");
    let (grade, said) = &found(&doctor, "eu", "argo_rollouts")[0];
    assert_eq!(*grade, "good", "nobody asked for it: {doctor:#}");
    assert!(said.contains("Argo Rollouts is not installed there: nothing of it is looked for"), "{said}");
    let named = "engines = [\"argo_rollouts\", \"deployment\"]\n";
    machine.configured(&by_hand(&world, named, "preset = \"otel-http\""));
    let doctor = machine.json("doctor --json");
    let (grade, said) = &found(&doctor, "eu", "argo_rollouts")[0];
    assert_eq!(*grade, "limited", "{doctor:#}");
    assert!(said.contains("Argo Rollouts is not installed there"), "{said}");
    assert!(said.contains("engines = [\\\"deployment\\\"] in [connections.eu]"), "{said}");
    assert_eq!(found(&doctor, "eu", "deployment")[0].0, "good", "{doctor:#}");
}

#[test]
fn series_without_the_label_of_the_version_are_named_with_the_label_that_would_tell_it() {
    let world = Served::start("bad-canary", &["--at", "+21m"]);
    let machine = Machine::before(&world, false);
    let total = "http_server_request_duration_seconds_count{job!=\"\"$SEL}";
    let rate = "sum by (service_name, revision) (rate(http_server_request_duration_seconds_count{job!=\"\"$SEL}[$W]))";
    let buckets =
        "sum by (service_name, revision, le) (rate(http_server_request_duration_seconds_bucket{job!=\"\"$SEL}[$W]))";
    machine.configured(&by_hand(
        &world,
        "",
        &format!(
            "[connections.metrics.queries]\nservice_label = \"service_name\"\nversion_label = \"revision\"\nlatency_unit = \"s\"\n\
             rate = '{rate}'\nerror_ratio = '{rate}'\nbuckets = '{buckets}'\nrequests_total = '{total}'\nerrors_total = '{total}'\n"
        ),
    ));
    let doctor = machine.json("doctor --json");
    let (grade, said) = &found(&doctor, "metrics", "versions")[0];
    assert_eq!(*grade, "limited", "{doctor:#}");
    assert!(said.contains("series of payments have no revision: its versions cannot be told apart"), "{said}");
    assert!(said.contains("service_version is on them (1.41.3, 1.42.0): relabel it to revision"), "{said}");
}

#[test]
fn a_login_page_in_the_place_of_any_system_is_no_answer_of_it() {
    let page = Listener::plain(|_| {
        answer(200, &["Content-Type: text/html"], "<!DOCTYPE html><html><title>Sign in</title></html>")
    });
    let at = page.http();
    let machine = Machine::new(&[("TOKEN", "secret-token")]);
    machine.configured(&format!(
        "[connections.metrics]\nkind = \"prometheus\"\nurl = \"{at}\"\npreset = \"istio\"\n\
         [connections.logs]\nkind = \"loki\"\nurl = \"{at}\"\n\
         [connections.eu]\nkind = \"kubernetes\"\nserver = \"{at}\"\nenvironment = \"prod\"\n\
         [connections.github]\nkind = \"github\"\nbase_url = \"{at}\"\ntoken = {{ env = \"TOKEN\" }}\nrepos = [{{ name = \"a/b\" }}]\n\
         [connections.buildkite]\nkind = \"buildkite\"\nurl = \"{at}\"\ntoken = {{ env = \"TOKEN\" }}\npipelines = [{{ name = \"a/b\" }}]\n"
    ));
    let doctor = machine.json("doctor --json");
    for connection in ["metrics", "logs", "eu", "github", "buildkite"] {
        broken(&doctor, connection, "reached", &["web page", "login page"]);
        assert!(found(&doctor, connection, "as whom").is_empty(), "{doctor:#}");
    }
    assert!(!doctor.to_string().contains("secret-token"), "{doctor:#}");
}

#[test]
fn a_proxy_that_is_dead_is_named_wherever_it_was_set() {
    let (system, proxy) = (nobody(), nobody());
    let machine = Machine::new(&[]);
    machine.configured(&metrics_at(system, &format!("proxy = \"http://{proxy}\"")));
    let named = format!("through the proxy http://{proxy}");
    let all = ["Connection refused", named.as_str(), "proxy = \\\"none\\\""];
    broken(&machine.json("doctor --json"), "metrics", "reached", &all);
    let machine = Machine::new(&[("http_proxy", &format!("http://dana:hunter2@{proxy}"))]);
    // Loopback is asked past the environment's proxy; another address is not.
    machine.configured(&metrics_at(system, "").replace("127.0.0.1", "prometheus.invalid"));
    let doctor = machine.json("doctor --json");
    broken(&doctor, "metrics", "reached", &[proxy.to_string().as_str(), "Connection refused"]);
    assert!(!doctor.to_string().contains("hunter2"), "{doctor:#}");
}

#[test]
fn a_server_that_takes_too_long_is_named_with_the_setting_that_waits_longer() {
    let machine = Machine::new(&[]);
    machine.configured(&metrics_at(silent(), "timeout = \"200ms\""));
    let doctor = machine.json("doctor --json");
    broken(&doctor, "metrics", "reached", &["did not answer within", "timeout = \\\"30s\\\""]);
    // What rests on it does not say it again.
    assert!(found(&doctor, "metrics", "reading").is_empty(), "{doctor:#}");
}

#[test]
fn where_no_terminal_is_it_says_so_and_what_needs_none() {
    let machine = Machine::new(&[]);
    machine.configured(&metrics_at(nobody(), ""));
    let (grade, said) = here(&machine.json("doctor --json"), "terminal");
    assert_eq!(grade, "limited");
    assert!(said.contains("the cockpit cannot be drawn") && said.contains("ssh -t HOST holdshort"), "{said}");
}

/// Runs it where a script has mounted something that nobody else sees. Says loudly what is left out where nobody may mount.
fn mounted(machine: &Machine, script: &str, variables: &[(&str, &str)], left_out: &str) -> Option<Output> {
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &format!("set -e; {script}; exec \"$@\""), "sh"]);
    command.arg(program::holdshort().get_program()).args(["doctor", "--json"]);
    let mut command = machine.dressed(command);
    command.envs(variables.iter().copied());
    let output = command.output().ok().filter(|output| serde_json::from_slice::<Value>(&output.stdout).is_ok());
    if output.is_none() {
        eprintln!("SKIPPED: nothing can be mounted here (unshare -rm): what doctor says of {left_out}");
    }
    output
}

#[test]
fn a_home_that_is_read_only_or_on_a_full_disk_is_named_with_where_the_journal_may_go_instead() {
    let machine = Machine::new(&[]);
    machine.configured(&metrics_at(nobody(), ""));
    for (place, options, fill, why) in
        [("read-only", "ro,size=64k", false, "Read-only file system"), ("full", "size=64k", true, "the disk is full")]
    {
        let folder = machine.home.path().join(place);
        fs::create_dir_all(&folder).unwrap();
        let fill = if fill { "cat /dev/zero > \"$FOLDER/fill\" 2>/dev/null || true" } else { "true" };
        let script = format!("mount -t tmpfs -o {options} tmpfs \"$FOLDER\"; {fill}");
        let (folder, journal) = (folder.display().to_string(), folder.join("journal").display().to_string());
        let variables = [("FOLDER", folder.as_str()), ("HOLDSHORT_STATE__PATH", &journal)];
        let Some(output) = mounted(&machine, &script, &variables, place) else { continue };
        let doctor: Value = serde_json::from_slice(&output.stdout).unwrap();
        let (grade, said) = here(&doctor, "journal");
        assert_eq!((grade.as_str(), doctor["exit"].as_i64()), ("broken", Some(1)), "{doctor:#}");
        for text in [place, why, "state.path"] {
            assert!(said.contains(text), "{text}: {said}");
        }
    }
}

#[test]
fn a_log_out_that_ends_an_executor_is_told_from_one_that_does_not_and_from_one_of_which_nothing_is_known() {
    let machine = Machine::new(&[]);
    machine.configured(&metrics_at(nobody(), ""));
    // A machine of systemd, with nothing of its configuration but this.
    let script = "for folder in /run /etc/systemd /usr/lib/systemd; do [ ! -d $folder ] || mount -t tmpfs tmpfs $folder; done; \
                  mkdir -p /run/systemd/system /run/systemd/logind.conf.d; \
                  printf '[Login]\\nKillExcludeUsers=nobody\\n%s\\n' \"$SAYS\" > /run/systemd/logind.conf.d/50-here.conf";
    for (says, grade, expected) in [
        ("KillUserProcesses=yes", "limited", "logging out ends an executor in the middle of an act"),
        ("KillUserProcesses=no", "good", "an executor goes on when you log out"),
        ("#KillUserProcesses=no", "unknown", "KillUserProcesses is not set"),
    ] {
        let Some(output) = mounted(&machine, script, &[("SAYS", says), ("XDG_SESSION_ID", "7")], "log-out") else {
            return;
        };
        let (found, said) = here(&serde_json::from_slice(&output.stdout).unwrap(), "log-out");
        assert!(found == grade && said.contains(expected), "{says}: {found} {said}");
    }
}

#[test]
fn a_journal_of_another_user_is_named_with_whose_it_is_and_how_a_team_keeps_one() {
    if !people::are_several("whose journal doctor finds") {
        return;
    }
    let machine = Machine::new(&[]);
    machine.configured(&metrics_at(nobody(), ""));
    let journal = machine.home.path().join("state/journal");
    fs::create_dir_all(&journal).unwrap();
    chown(&journal, Some(7_654), Some(7_654)).unwrap();
    let doctor = machine.json("doctor --json");
    let (grade, said) = here(&doctor, "journal");
    assert_eq!((grade.as_str(), doctor["exit"].as_i64()), ("broken", Some(1)), "{doctor:#}");
    for text in ["state/journal", "belongs to", "7654", "holdshort state init --group"] {
        assert!(said.contains(text), "{text}: {said}");
    }
}

#[test]
fn doctor_says_which_preset_would_fit_and_of_which_services_nothing_is_found() {
    let world = Served::start("bad-canary", &["--at", "+21m"]);
    let machine = Machine::before(&world, false);
    machine.configured(&by_hand(&world, "", "preset = \"istio\""));
    let (code, said) = machine.said("doctor");
    assert_eq!(code, Some(1), "{said}");
    let doctor = machine.json("doctor --json");
    let (grade, said) = &found(&doctor, "metrics", "preset")[0];
    assert_eq!(*grade, "broken");
    assert!(said.contains("preset = \\\"otel-http\\\" reads payments"), "{said}");
    // The preset fits, and one of two services is not in its series.
    let world = world_but("bad-canary", |text| {
        let unmeasured = "[[systems.cluster.deployments]]\nnamespace = \"shop\"\nname = \"ledger\"\n\
                          image = \"registry.shop.example/ledger\"\nhistory = [{ tag = \"4.1.0\", commit = \"1edea00\" }]\n\n";
        text.replacen("[[systems.cluster.rollouts]]", &format!("{unmeasured}[[systems.cluster.rollouts]]"), 1)
    });
    let machine = Machine::before(&world, false);
    machine.configured(&by_hand(&world, "", "preset = \"otel-http\""));
    let doctor = machine.json("doctor --json");
    assert_eq!(found(&doctor, "metrics", "preset")[0].0, "good", "{doctor:#}");
    let (grade, said) = &found(&doctor, "metrics", "services")[0];
    assert_eq!((*grade, said.contains("nothing is found of ledger")), ("limited", true), "{said}");
    assert!(said.contains("metrics = ") && !said.contains("payments"), "{said}");
    assert_eq!(doctor["exit"], 0);
}

#[test]
fn doctor_names_the_rule_that_is_missing_and_prints_all_that_are_needed() {
    let scenario = fs::read_to_string("examples/scenarios/bad-canary.toml").unwrap();
    let rights =
        "[[systems.cluster.rights]]\nverbs = [\"get\", \"list\", \"watch\"]\ngroups = [\"*\"]\nresources = [\"*\"]\n";
    let scenario =
        scenario.replacen("[[systems.cluster.rollouts]]", &format!("{rights}\n[[systems.cluster.rollouts]]"), 1);
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    fs::write(file.path(), scenario).unwrap();
    let world = Served::start(&file.path().display().to_string(), &["--at", "+21m"]);
    let machine = Machine::before(&world, false);
    machine.configured(&by_hand(&world, "namespaces = [\"shop\"]", "preset = \"otel-http\""));
    let doctor = machine.json("doctor --json");
    let lacking = found(&doctor, "eu", "rights to act");
    assert!(lacking.iter().all(|(grade, _)| *grade == "limited"), "{doctor:#}");
    let status = lacking.iter().find(|(_, said)| said.contains("rollouts/status")).unwrap();
    assert!(status.1.contains("promote, skip, abort, retry") && status.1.contains("resources: ["), "{}", status.1);
    let (code, said) = machine.said("doctor --rbac");
    assert_eq!(code, Some(0), "{said}");
    let (look, act) = said.split_once("# eu: to look and to act").unwrap();
    assert!(look.contains("kind: Role\n") && look.contains("namespace: shop") && !look.contains("patch"), "{look}");
    assert!(act.contains("\"rollouts/status\"") && act.contains("patch"), "{act}");
}

#[test]
fn doctor_names_the_one_right_that_is_missing_and_no_other() {
    let world = world_but("bad-canary", |text| {
        let right = |verbs: &str, resources: &str| {
            format!("[[systems.cluster.rights]]\nverbs = [{verbs}]\ngroups = [\"*\"]\nresources = [{resources}]\n")
        };
        let look = right("\"get\", \"list\", \"watch\"", "\"*\"");
        // All but rollouts/status.
        let act = right("\"patch\"", "\"rollouts\", \"deployments\"");
        text.replacen("[[systems.cluster.rollouts]]", &format!("{look}{act}\n[[systems.cluster.rollouts]]"), 1)
    });
    let machine = Machine::before(&world, false);
    let engines = "namespaces = [\"shop\"]\nengines = [\"argo_rollouts\", \"deployment\"]";
    machine.configured(&by_hand(&world, engines, "preset = \"otel-http\""));
    let doctor = machine.json("doctor --json");
    let lacking: Vec<String> = found(&doctor, "eu", "rights to act")
        .into_iter()
        .filter(|(grade, _)| *grade != "good")
        .map(|(grade, said)| format!("{grade}: {said}"))
        .collect();
    assert_eq!(lacking.len(), 1, "{lacking:#?}");
    assert!(lacking[0].starts_with("limited: ") && lacking[0].contains("rollouts/status"), "{lacking:#?}");
}

#[test]
fn doctor_says_that_a_clock_is_off_and_that_a_system_is_not_there() {
    let world = Served::start("bad-canary", &["--at", "+21m"]);
    let machine = Machine::new(&[]);
    machine.configured(
        &by_hand(&world, "", "preset = \"otel-http\"").replace(world.address("prometheus"), "http://127.0.0.1:1"),
    );
    let doctor = machine.json("doctor --json");
    let clock = &found(&doctor, "eu", "clock")[0];
    assert_eq!((clock.0, clock.1.contains("behind ours")), ("broken", true), "{}", clock.1);
    let reached = &found(&doctor, "metrics", "reached")[0];
    assert_eq!((reached.0, reached.1.contains("Connection refused")), ("broken", true), "{}", reached.1);
    assert_eq!(doctor["exit"], 1);
}

#[test]
fn doctor_finds_every_system_of_the_built_in_world_in_order_and_says_as_whom_it_is_asked() {
    let machine = Machine::new(&[]);
    for (scenario, connection, whom) in
        [("bad-canary", "kubernetes-eu", ""), ("waiting-approval", "github", "dana"), ("buildkite", "buildkite", "")]
    {
        let doctor = machine.json(&format!("--demo={scenario} doctor --json"));
        assert_eq!(doctor["exit"], 0, "{doctor:#}");
        let (grade, said) = &found(&doctor, connection, "as whom")[0];
        assert!(*grade == "good" && said.contains(whom), "{doctor:#}");
    }
    let doctor = machine.json("--demo=bad-canary doctor --json");
    assert_eq!(found(&doctor, "loki", "services")[0].0, "good", "{doctor:#}");
}

#[test]
fn doctor_says_how_much_of_a_budget_is_left_and_when_only_verbs_go_out() {
    let doctor = Machine::new(&[]).json("--demo=waiting-approval doctor --json");
    let (grade, said) = &found(&doctor, "github", "budget")[0];
    assert!(*grade == "good" && said.contains(" % of its requests are left"), "{doctor:#}");
    let used_up = Listener::plain(|_| {
        let limits = ["X-RateLimit-Limit: 5000", "X-RateLimit-Remaining: 505", "X-RateLimit-Reset: 4102444800"];
        answer(200, &[&["Content-Type: application/json"][..], &limits].concat(), "{}")
    });
    let machine = Machine::new(&[("TOKEN", "secret-token")]);
    machine.configured(&format!(
        "[connections.github]\nkind = \"github\"\nbase_url = \"{}\"\ntoken = {{ env = \"TOKEN\" }}\nrepos = [{{ name = \"a/b\" }}]\n",
        used_up.http()
    ));
    let doctor = machine.json("doctor --json");
    let (grade, said) = &found(&doctor, "github", "budget")[0];
    assert!(*grade == "limited" && said.contains("10 % of its requests are left: only verbs go out"), "{doctor:#}");
}

#[test]
fn doctor_says_which_system_does_not_answer() {
    let doctor = Machine::new(&[]).json("--demo=hung-api --at +5m doctor --json");
    assert_eq!(found(&doctor, "kubernetes-eu", "reached")[0].0, "broken", "{doctor:#}");
    assert_eq!(found(&doctor, "kubernetes-us", "reached")[0].0, "good", "{doctor:#}");
    assert_eq!(doctor["exit"], 1);
}
