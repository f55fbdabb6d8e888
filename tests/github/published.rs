//! What holdshort asks of GitHub and what the pretended one answers, held against what GitHub publishes: its `OpenAPI` description, by
//! Prism, and its GraphQL schema, by graphql-core (`tests/clients/github_published.py` stands between them).

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    clients, program,
    served::{self, Served},
};

/// Where what GitHub publishes is, and Prism: `.ci/published`, installed by npm.
const FOLDER: &str = "HOLDSHORT_TEST_PUBLISHED";

/// Stands before a served world; ends with this value.
struct Front {
    child: Child,
    address: String,
}

impl Front {
    /// Before this world. `None`, said loudly, where what it needs is not there.
    fn before(world: &Served) -> Option<Self> {
        let packages = clients::packages()?;
        let folder =
            clients::folder(FOLDER, "`npm ci --prefix DIR` with the files of `.ci/published` in DIR makes one")?;
        let modules = format!("{}/node_modules", folder.display());
        let mut python = Command::new("python3");
        python.args(["-B", "-s", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/github_published.py")]);
        python.arg(world.address("github"));
        python.arg(format!("{modules}/@octokit/openapi/generated/api.github.com.json"));
        python.arg(format!("{modules}/@octokit/graphql-schema/schema.graphql"));
        python.arg(format!("node {modules}/@stoplight/prism-cli/dist/index.js"));
        python.env("PYTHONPATH", packages).env("NO_PROXY", "*").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("at ").unwrap_or_else(|| panic!("it ended before it was ready"));
        Some(Self { address: address.to_owned(), child })
    }

    /// What it found: `violations`, and what was `asked`.
    fn found(&self) -> Value {
        serde_json::from_str(&self.curl(&["/published"])).unwrap()
    }

    /// What curl is answered under a path there; more of its arguments follow.
    fn curl(&self, path_and_more: &[&str]) -> String {
        let (path, more) = path_and_more.split_first().unwrap();
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--noproxy", "*"]).args(more).arg(format!("{}{path}", self.address));
        served::text(&curl.output().unwrap())
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Runs these lines of our own program over a scenario, through it, and asserts that nothing was found. What was asked; `None` where
/// it was left out.
fn asked_by(scenario: &str, lines: &[&str]) -> Option<Vec<String>> {
    let world = Served::start(scenario, &[]);
    let front = Front::before(&world)?;
    let config = std::fs::read_to_string(world.address("config")).unwrap();
    let led = std::path::Path::new(world.address("config")).with_file_name("through.toml");
    std::fs::write(&led, config.replace(world.address("github"), &front.address)).unwrap();
    for line in lines {
        let output = program::holdshort().arg("--config").arg(&led).args(line.split(' ')).output().unwrap();
        let said = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        assert!(output.status.success(), "{line}: {}{}", said(&output.stdout), said(&output.stderr));
    }
    let found = front.found();
    assert_eq!(found["violations"], json!([]), "{scenario}");
    let asked = found["asked"].as_array().unwrap();
    Some(asked.iter().map(|one| one.as_str().unwrap().to_owned()).collect())
}

/// The drills of a person who looks at everything and does everything that GitHub has a call for.
#[test]
fn every_request_and_every_reply_is_as_github_publishes_it() {
    let acts = [
        "status --json",
        "runs --json",
        "inbox --json",
        "run ledger#812 --log build",
        "approve ledger#812 --expect 4.2.0 --accept-wait --yes --reason looked",
        "reject ledger#811 --yes --reason looked",
        "cancel gateway#77 --yes --reason looked",
        "rerun gateway#77 --expect 3.3.1 --accept-wait --yes --reason looked",
        "do dispatch gateway#77 --accept-wait --yes --reason looked",
    ];
    let Some(asked) = asked_by("waiting-approval", &acts) else { return };
    let expected = [
        "GET /repos/acme/gateway/actions/runs",
        "GET /repos/acme/gateway/actions/runs/N",
        "GET /repos/acme/gateway/actions/runs/N/pending_deployments",
        "GET /repos/acme/gateway/contents/.github/workflows/deploy.yml",
        "GET /repos/acme/ledger/actions/jobs/N/logs",
        "GET /repos/acme/ledger/actions/runs",
        "GET /repos/acme/ledger/actions/runs/N",
        "GET /repos/acme/ledger/actions/runs/N/jobs",
        "GET /repos/acme/ledger/actions/runs/N/pending_deployments",
        "GET /repos/acme/ledger/contents/.github/workflows/deploy.yml",
        "GET /user",
        "POST /graphql",
        "POST /repos/acme/gateway/actions/runs/N/cancel",
        "POST /repos/acme/gateway/actions/runs/N/rerun-failed-jobs",
        "POST /repos/acme/gateway/actions/workflows/N/dispatches",
        "POST /repos/acme/ledger/actions/runs/N/pending_deployments",
    ];
    assert_eq!(asked, expected);
}

#[test]
fn settings_of_environments_are_asked_for_and_told_as_github_publishes_it() {
    let Some(asked) = asked_by("drift", &["drift payments"]) else { return };
    let settings = |one: &&String| one.contains("secrets") || one.contains("variables");
    let expected = [
        "GET /repos/acme/payments/actions/organization-secrets",
        "GET /repos/acme/payments/actions/organization-variables",
        "GET /repos/acme/payments/actions/secrets",
        "GET /repos/acme/payments/actions/variables",
        "GET /repos/acme/payments/environments/prod/secrets",
        "GET /repos/acme/payments/environments/prod/variables",
        "GET /repos/acme/payments/environments/staging/secrets",
        "GET /repos/acme/payments/environments/staging/variables",
    ];
    assert_eq!(asked.iter().filter(settings).collect::<Vec<_>>(), expected);
}

#[test]
fn what_github_does_not_publish_is_found() {
    let world = Served::start("waiting-approval", &[]);
    let Some(front) = Front::before(&world) else { return };
    let json = ["-X", "POST", "-H", "content-type: application/json", "-H", "authorization: Bearer demo", "-d"];
    let run = "/repos/acme/ledger/actions/runs/1/pending_deployments";
    front.curl(&[&[run][..], &json[..], &[r#"{"environment_ids": [1], "state": "approved"}"#]].concat());
    front.curl(&[&["/graphql"][..], &json[..], &[r#"{"query": "{ viewer { shoeSize } }"}"#]].concat());
    let found = front.found();
    let expected = json!([
        "POST /graphql: Cannot query field 'shoeSize' on type 'User'.",
        "POST /repos/acme/ledger/actions/runs/N/pending_deployments (404): request.body: \
         Request body must have required property 'comment'",
        "POST /repos/acme/ledger/actions/runs/N/pending_deployments (404): response: \
         Unable to match the returned status code with those defined in the document: 200",
    ]);
    assert_eq!(found["violations"], expected);
}
