//! From nothing to a cockpit: `init --yes`, `config check`, `doctor` and `status`, each a process of its own, on a machine that has a
//! kubeconfig and perhaps metrics; and what `doctor` says where something is wrong.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::{fs, path::PathBuf, process::Output};

use serde_json::Value;
use served::Served;
use tempfile::TempDir;

/// A machine of somebody who has configured nothing: a home, and what the environment says.
struct Machine {
    home: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    fn new(variables: &[(&'static str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { home: tempfile::tempdir().unwrap(), variables }
    }

    /// One that knows how to reach a served world, whose clock is the world's.
    fn before(world: &Served, metrics: bool) -> Self {
        let metrics_at = world.address("prometheus");
        let root = metrics_at.strip_suffix("/prometheus").unwrap();
        let world_of = format!("{{ clock = \"{root}/\", speed = 1.0 }}");
        let mut variables = vec![("KUBECONFIG", world.address("kubeconfig")), ("HOLDSHORT_WORLD", &world_of)];
        if metrics {
            variables.push(("PROMETHEUS_URL", metrics_at));
        }
        Self::new(&variables)
    }

    fn run(&self, line: &str) -> Output {
        let mut command = program::holdshort();
        for name in
            ["KUBECONFIG", "PROMETHEUS_URL", "GH_TOKEN", "GITHUB_TOKEN", "HTTP_PROXY", "http_proxy", "XDG_SESSION_ID"]
        {
            command.env_remove(name);
        }
        let home = self.home.path();
        command.args(line.split(' ')).current_dir(home).env("HOME", home);
        command.env("XDG_CONFIG_HOME", home.join("config")).env("XDG_STATE_HOME", home.join("state"));
        command.env("HOLDSHORT_STATE__PATH", home.join("state/journal"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).output().unwrap()
    }

    /// Its exit code, and all that it said.
    fn said(&self, line: &str) -> (Option<i32>, String) {
        let output = self.run(line);
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code(), said)
    }

    fn json(&self, line: &str) -> Value {
        let output = self.run(line);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{line}: {why} {output:?}"))
    }

    fn config(&self) -> PathBuf {
        self.home.path().join("config/holdshort/config.toml")
    }

    fn configured(&self, text: &str) {
        fs::create_dir_all(self.config().parent().unwrap()).unwrap();
        fs::write(self.config(), text).unwrap();
    }
}

/// What doctor found of a connection, by what it is about: the grade, and all it says.
fn found<'a>(doctor: &'a Value, connection: &str, about: &str) -> Vec<(&'a str, String)> {
    let all = doctor["connections"].as_array().unwrap().iter().find(|one| one["name"] == connection).unwrap();
    let of = all["findings"].as_array().unwrap().iter().filter(|one| one["about"] == about);
    of.map(|one| (one["grade"].as_str().unwrap(), format!("{} {}", one["said"], one["way"]))).collect()
}

#[test]
fn init_doctor_and_status_follow_one_another_on_a_machine_with_a_kubeconfig_and_metrics() {
    let world = Served::start("bad-canary", &["--at", "+21m"]);
    let machine = Machine::before(&world, true);
    let (code, said) = machine.said("init --yes");
    assert_eq!(code, Some(0), "{said}");
    let text = fs::read_to_string(machine.config()).unwrap();
    // No Deployment is there yet: it is looked for all the same.
    assert!(!text.contains("\nengines ="), "{text}");
    for line in ["namespaces = [\"shop\"]", "preset = \"otel-http\"", "covers = [\"eu\"]", "risk = \"high\""] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let (code, said) = machine.said("config check");
    assert_eq!(code, Some(0), "{said}\n{text}");
    let (code, said) = machine.said("doctor");
    assert_eq!(code, Some(0), "{said}");
    let doctor = machine.json("doctor --json");
    assert_eq!(found(&doctor, "metrics", "preset")[0].0, "good", "{doctor:#}");
    assert_eq!(found(&doctor, "metrics", "versions")[0].0, "good", "{doctor:#}");
    assert_eq!(found(&doctor, "eu", "rights")[0].0, "good", "{doctor:#}");
    assert_eq!(found(&doctor, "eu", "clock")[0].0, "good", "{doctor:#}");
    assert_eq!((&doctor["exit"], &doctor["here"][0]["grade"]), (&0.into(), &"good".into()), "{doctor:#}");
    let status = machine.json("status --json");
    assert_eq!(status["rollouts"][0]["verdict"], "no_go", "{status:#}");
}

#[test]
fn a_kubeconfig_alone_is_enough_to_look_and_the_file_says_what_to_write_for_the_rest() {
    let world = Served::start("bad-canary", &["--at", "+21m"]);
    let machine = Machine::before(&world, false);
    let (code, said) = machine.said("init --yes");
    assert_eq!((code, said.contains("missing  Metrics: PROMETHEUS_URL names no address.")), (Some(0), true), "{said}");
    let text = fs::read_to_string(machine.config()).unwrap();
    assert!(text.contains("# kind = \"prometheus\"") && text.contains("# kind = \"github\""), "{text}");
    let (code, said) = machine.said("doctor");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("limited  judging  no metrics are connected, so nothing can be judged"), "{said}");
    let status = machine.json("status --json");
    let named = ["id", "environment", "freshness"].map(|field| &status["rollouts"][0][field]);
    assert_eq!(named, ["eu/argo_rollouts/shop/payments", "eu", "live"], "{status:#}");
}

#[test]
fn a_configuration_that_is_there_stays_and_a_script_must_say_that_nothing_is_asked() {
    let machine = Machine::new(&[]);
    machine.configured("# mine\n");
    let (code, said) = machine.said("init --yes");
    assert_eq!((code, said.contains("is there already and stays as it is")), (Some(2), true), "{said}");
    assert_eq!(fs::read_to_string(machine.config()).unwrap(), "# mine\n");
    let machine = Machine::new(&[]);
    let (code, said) = machine.said("init");
    assert_eq!((code, said.contains("add --yes")), (Some(2), true), "{said}");
    assert!(!machine.config().exists());
}

#[test]
fn where_nothing_can_be_reached_the_file_says_why_and_it_ends_with_1() {
    let closed = holdshort::demo::kubernetes::kubeconfig("http://127.0.0.1:1", ["eu"]);
    let machine = Machine::new(&[]);
    let kubeconfig = machine.home.path().join("kubeconfig");
    fs::write(&kubeconfig, closed).unwrap();
    let machine = Machine { variables: vec![("KUBECONFIG", kubeconfig.display().to_string())], ..machine };
    let (code, said) = machine.said("init --yes");
    assert_eq!(code, Some(1), "{said}");
    let text = fs::read_to_string(machine.config()).unwrap();
    assert!(text.contains("# Not in force: cannot connect to eu: Connection refused"), "{text}");
    assert!(text.contains("# [connections.eu]"), "{text}");
}

#[test]
fn without_a_configuration_the_demo_and_init_are_offered() {
    let (code, said) = Machine::new(&[]).said("status");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("holdshort demo") && said.contains("holdshort init"), "{said}");
}

/// What is written by hand for a served world.
fn by_hand(world: &Served, cluster: &str, metrics: &str) -> String {
    let (kubeconfig, url) = (world.address("kubeconfig"), world.address("prometheus"));
    format!(
        "[connections.eu]\nkind = \"kubernetes\"\nkubeconfig = '{kubeconfig}'\nenvironment = \"prod\"\n{cluster}\n\
         [connections.metrics]\nkind = \"prometheus\"\nurl = \"{url}\"\n{metrics}\n"
    )
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
fn doctor_says_which_system_does_not_answer() {
    let doctor = Machine::new(&[]).json("--demo=hung-api --at +5m doctor --json");
    assert_eq!(found(&doctor, "kubernetes-eu", "reached")[0].0, "broken", "{doctor:#}");
    assert_eq!(found(&doctor, "kubernetes-us", "reached")[0].0, "good", "{doctor:#}");
    assert_eq!(doctor["exit"], 1);
}
