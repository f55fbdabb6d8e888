//! From nothing to a cockpit: `init --yes`, `config check`, `doctor` and `status`, each a process of its own, on a machine that has a
//! kubeconfig and perhaps metrics. What `doctor` says where something is wrong is `tests/doctor.rs`.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "network/listener.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod listener;
#[path = "support/machine.rs"]
mod machine;
#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::{fs, path::Path, process::Command};

use listener::{Listener, answer, json};
use machine::{Machine, found};
use served::Served;

#[test]
fn init_doctor_and_status_follow_one_another_on_a_machine_with_a_kubeconfig_and_metrics() {
    let world = Served::start("bad-canary", &["--at", "+21m"]);
    let machine = Machine::before(&world, true);
    let (code, said) = machine.said("init --yes");
    assert_eq!(code, Some(0), "{said}");
    let text = fs::read_to_string(machine.config()).unwrap();
    // What is not there yet is looked for all the same.
    assert!(!text.contains("\nengines ="), "{text}");
    // What there is of each engine, and which are not there, is said in it.
    for note in ["# Found: 1 of rollouts.argoproj.io.", "# Not found: Flagger is not installed"] {
        assert!(text.contains(note), "{note}\n{text}");
    }
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
fn the_first_lines_of_the_readme_lead_from_a_kubeconfig_to_a_verdict_as_a_shell_runs_them() {
    let readme = fs::read_to_string("README.md").unwrap();
    let (_, own) = readme.split_once("## Your own systems\n\n```sh\n").unwrap();
    let first = own.lines().next().unwrap();
    for part in ["holdshort init --yes && ", "holdshort doctor && ", "holdshort status "] {
        assert!(first.contains(part), "{first}");
    }
    let world = Served::start("bad-canary", &["--at", "+21m", "--now"]);
    // Its addresses are all that is known of it.
    let machine =
        Machine::new(&[("KUBECONFIG", world.address("kubeconfig")), ("PROMETHEUS_URL", world.address("prometheus"))]);
    let mut shell = Command::new("sh");
    for name in program::settings() {
        shell.env_remove(name);
    }
    let program = program::holdshort();
    let folder = Path::new(program.get_program()).parent().unwrap().display();
    let path = std::env::vars().find(|(name, _)| name == "PATH").unwrap().1;
    shell.args(["-ec", first]).env("PATH", format!("{folder}:{path}"));
    let output = machine.dressed(shell).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(said.contains("LIKELY THE RELEASE payments") && said.contains("NO-GO"), "{said}");
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
    assert!(said.contains("limited  judging   no metrics are connected, so nothing can be judged"), "{said}");
    let status = machine.json("status --json");
    let named = ["id", "environment", "freshness"].map(|field| &status["rollouts"][0][field]);
    assert_eq!(named, ["eu/argo_rollouts/shop/payments", "eu", "live"], "{status:#}");
}

#[test]
fn metrics_among_the_services_of_a_cluster_are_found_by_name_and_annotation_with_the_way_to_reach_them() {
    let cluster = Listener::plain(|asked| {
        match asked.path().split('?').next().unwrap_or_default().trim_start_matches("/kubernetes/eu") {
            "/apis" => json(
                r#"{"kind":"APIGroupList","groups":[{"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}]}]}"#,
            ),
            "/apis/apps/v1" => json(
                r#"{"kind":"APIResourceList","groupVersion":"apps/v1","resources":[{"name":"deployments","kind":"Deployment"}]}"#,
            ),
            "/apis/apps/v1/deployments" => json(
                r#"{"kind":"DeploymentList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"web","namespace":"shop"}}]}"#,
            ),
            "/api/v1/services" => json(
                r#"{"kind":"ServiceList","metadata":{"resourceVersion":"7"},"items":[
                {"metadata":{"name":"prometheus-server","namespace":"monitoring"},"spec":{"ports":[{"name":"http","port":80}]}},
                {"metadata":{"name":"prometheus-alertmanager","namespace":"monitoring"},"spec":{"ports":[{"port":9093}]}},
                {"metadata":{"name":"web","namespace":"shop","annotations":{"prometheus.io/scrape":"true"}},"spec":{"ports":[{"port":8080}]}}]}"#,
            ),
            _ => answer(404, &["Content-Type: text/plain"], "404 page not found"),
        }
    });
    let machine = Machine::new(&[]);
    let kubeconfig = machine.home.path().join("kubeconfig");
    fs::write(&kubeconfig, holdshort::demo::kubernetes::kubeconfig(&cluster.http(), ["eu"])).unwrap();
    let machine = Machine { variables: vec![("KUBECONFIG", kubeconfig.display().to_string())], ..machine };
    let (code, said) = machine.said("init --yes");
    assert_eq!(code, Some(0), "{said}");
    let text = fs::read_to_string(machine.config()).unwrap();
    for line in [
        "namespaces = [\"shop\"]",
        "# Found: what looks like metrics: http://prometheus-server.monitoring.svc:80. Where that is not reached, `kubectl -n monitoring \
         port-forward svc/prometheus-server 9090:80` brings it here: PROMETHEUS_URL=http://127.0.0.1:9090.",
        "# Found: Services that ask to be measured (prometheus.io/scrape): web.",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("alertmanager") && !text.contains("\nengines ="), "{text}");
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
    // The cockpit and every command that looks.
    for line in ["--color=never", "status", "inbox", "doctor"] {
        let (code, said) = Machine::new(&[]).said(line);
        assert_eq!(code, Some(2), "{line}: {said}");
        assert!(said.contains("holdshort demo") && said.contains("holdshort init"), "{line}: {said}");
    }
}
