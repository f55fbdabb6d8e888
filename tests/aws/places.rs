//! Each place by itself: what it asks, what it makes of the answer, and the sentence where there is none.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use holdshort::{
    domain::time::Timestamp,
    port::wire::{Transport, WireError, whole},
    provider::aws::{Chain, Credentials, Role, Ways},
    runtime::clock::VirtualClock,
};
use http::{Request, Response};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tower::service_fn;
use url::Url;

const LENT: &str =
    r#"{"AccessKeyId":"ASIA1","SecretAccessKey":"hush","Token":"tok","Expiration":"2026-03-10T11:12:00Z"}"#;
const ASSUMED: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA2</AccessKeyId><SecretAccessKey>hush&amp;2\
                       </SecretAccessKey><SessionToken>tok2</SessionToken><Expiration>2026-03-10T11:12:00Z</Expiration></Credentials>\
                       </AssumeRoleResult></AssumeRoleResponse>";

fn now() -> Timestamp {
    "2026-03-10T10:12:00Z".parse().unwrap()
}

/// Where it was asked, and what.
type Asked = (String, Request<Bytes>);

/// A machine: its home, its environment, and what answers at which address.
struct Machine {
    home: TempDir,
    environment: BTreeMap<String, String>,
    answers: Vec<(&'static str, u16, &'static str)>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Machine {
    fn new(environment: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut all: BTreeMap<String, String> = environment.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        all.insert("HOME".into(), home.path().display().to_string());
        all.insert("PATH".into(), "/usr/bin:/bin".into());
        Self { home, environment: all, answers: Vec::new(), asked: Arc::default() }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// What answers at an address that begins so.
    fn answering(mut self, at: &'static str, status: u16, body: &'static str) -> Self {
        self.answers.push((at, status, body));
        self
    }

    async fn lend(&self, chain: &Chain) -> Result<Credentials, String> {
        let (answers, asked) = (self.answers.clone(), Arc::clone(&self.asked));
        let reach = move |origin: &Url| {
            let (answers, asked, origin) =
                (answers.clone(), Arc::clone(&asked), origin.as_str().trim_end_matches('/').to_owned());
            Ok(Transport::new(service_fn(move |request: Request<Bytes>| {
                let at = format!("{origin}{}", request.uri());
                let found = answers.iter().find(|(begin, ..)| at.starts_with(begin)).copied();
                asked.lock().unwrap().push((at, request));
                std::future::ready(match found {
                    Some((_, status, body)) => Ok(Response::builder().status(status).body(whole(body)).unwrap()),
                    None => Err(WireError::NotConnected("no route".into())),
                })
            })))
        };
        let ways = Ways {
            environment: self.environment.clone(),
            region: "eu-west-1".into(),
            address: None,
            reach: Arc::new(reach),
            clock: Arc::new(VirtualClock::starting_at(now())),
        };
        chain.lend(&ways).await.map_err(|why| why.text)
    }

    async fn found(&self) -> Result<Credentials, String> {
        self.lend(&Chain::default()).await
    }

    fn last(&self) -> (String, Request<Bytes>) {
        self.asked.lock().unwrap().last().unwrap().clone()
    }
}

fn said(who: &Credentials) -> (&str, &str, Option<&str>, &str) {
    (&who.key, who.secret.expose_secret(), who.session.as_ref().map(ExposeSecret::expose_secret), &who.from)
}

#[tokio::test(start_paused = true)]
async fn the_environment_stands_before_a_profile_and_a_profile_that_is_named_before_all() {
    let machine = Machine::new(&[("AWS_ACCESS_KEY_ID", "AKIA1"), ("AWS_SECRET_ACCESS_KEY", "one"), ("AWS_SESSION_TOKEN", "s")])
        .file(".aws/credentials", "[default]\naws_access_key_id = AKIA2\naws_secret_access_key = two\n[prod]\naws_access_key_id = AKIA3\naws_secret_access_key = three\n");
    assert_eq!(said(&machine.found().await.unwrap()), ("AKIA1", "one", Some("s"), "the environment"));
    let named = Chain { profile: Some("prod".into()), ..Chain::default() };
    assert_eq!(said(&machine.lend(&named).await.unwrap()), ("AKIA3", "three", None, "profile prod"));
    let key = Chain { key: Some(Credentials::lasting("AKIA4", "four", "`basic_auth`")), ..Chain::default() };
    assert_eq!(said(&machine.lend(&key).await.unwrap()).0, "AKIA4");
    let nobody = Chain { profile: Some("other".into()), ..Chain::default() };
    assert_eq!(
        machine.lend(&nobody).await.unwrap_err(),
        "AWS: profile 'other' is in no file, or says nothing of who we are"
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_is_taken_with_the_keys_of_another_profile_by_a_signed_request() {
    let machine = Machine::new(&[("AWS_PROFILE", "prod")])
        .file(
            ".aws/config",
            "[profile prod]\nrole_arn = arn:aws:iam::1:role/release\nsource_profile = base\nexternal_id = shop\n",
        )
        .file(".aws/credentials", "[base]\naws_access_key_id = AKIA2\naws_secret_access_key = two\n")
        .answering("https://sts.eu-west-1.amazonaws.com/", 200, ASSUMED);
    let who = machine.found().await.unwrap();
    let from = "the role arn:aws:iam::1:role/release of profile prod, taken with profile base";
    assert_eq!(said(&who), ("ASIA2", "hush&2", Some("tok2"), from));
    assert_eq!(who.life(now()), Some(std::time::Duration::from_mins(55)));
    let (_, request) = machine.last();
    let body = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Frelease&RoleSessionName=holdshort&ExternalId=shop";
    assert_eq!(request.body(), body);
    let signed = request.headers()["authorization"].to_str().unwrap();
    assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIA2/20260310/eu-west-1/sts/aws4_request"), "{signed}");
    // A role of the connection is taken with whatever was found.
    let chain = Chain { role: Some(Role::new("arn:aws:iam::2:role/look", None)), ..Chain::default() };
    assert!(
        machine.lend(&chain).await.unwrap().from.starts_with("the role arn:aws:iam::2:role/look, taken with the role")
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_refused_and_profiles_in_a_circle_are_sentences() {
    let denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>";
    let config = "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = other\n[profile other]\nrole_arn = arn:aws:iam::1:role/s\nsource_profile = default\n\
                  [profile plain]\nrole_arn = arn:aws:iam::1:role/t\ncredential_source = Environment\n[profile mfa]\nrole_arn = arn:aws:iam::1:role/u\nmfa_serial = x\n";
    let machine = Machine::new(&[]).file(".aws/config", config).answering("https://sts", 403, denied);
    let why = machine.found().await.unwrap_err();
    assert!(why.ends_with("its profiles name one another in a circle"), "{why}");
    let of =
        async |name: &str| machine.lend(&Chain { profile: Some(name.into()), ..Chain::default() }).await.unwrap_err();
    assert_eq!(of("plain").await, "AWS: profile 'plain': it takes its role with the environment, which has no key");
    assert!(of("mfa").await.contains("asks for a code of an MFA device"));
    let mut keyed = Machine::new(&[("AWS_ACCESS_KEY_ID", "AKIA1"), ("AWS_SECRET_ACCESS_KEY", "one")]);
    keyed = keyed.file(".aws/config", config).answering("https://sts", 403, denied);
    let why = keyed.lend(&Chain { profile: Some("plain".into()), ..Chain::default() }).await.unwrap_err();
    assert_eq!(why, "AWS: profile 'plain': the role arn:aws:iam::1:role/t cannot be taken: not you");
}

#[tokio::test(start_paused = true)]
async fn a_token_of_an_identity_provider_vouches_without_a_signature() {
    let mut machine = Machine::new(&[("AWS_ROLE_ARN", "arn:aws:iam::1:role/pod"), ("AWS_ROLE_SESSION_NAME", "pod-1")])
        .file("token", "eyJ\n")
        .answering("https://sts.eu-west-1.amazonaws.com/", 200, ASSUMED);
    let token = machine.home.path().join("token").display().to_string();
    machine.environment.insert("AWS_WEB_IDENTITY_TOKEN_FILE".into(), token);
    assert_eq!(said(&machine.found().await.unwrap()).0, "ASIA2");
    let (_, request) = machine.last();
    let body = String::from_utf8(request.body().to_vec()).unwrap();
    assert!(
        body.contains("Action=AssumeRoleWithWebIdentity")
            && body.ends_with("RoleSessionName=pod-1&WebIdentityToken=eyJ"),
        "{body}"
    );
    assert!(!request.headers().contains_key("authorization"));
    fs::remove_file(machine.home.path().join("token")).unwrap();
    assert!(machine.found().await.unwrap_err().contains("cannot be read"));
}

fn session(ends: &str) -> String {
    format!(
        r#"{{"accessToken":"sso-hush","expiresAt":"{ends}","region":"us-east-1","startUrl":"https://acme.awsapps.com/start"}}"#
    )
}

#[tokio::test(start_paused = true)]
async fn what_single_sign_on_left_behind_is_exchanged_until_it_ends() {
    let config = "[profile prod]\nsso_session = acme\nsso_account_id = 1\nsso_role_name = look\n[sso-session acme]\nsso_region = us-east-1\n\
                  sso_start_url = https://acme.awsapps.com/start\n";
    let lent = r#"{"roleCredentials":{"accessKeyId":"ASIA3","secretAccessKey":"h","sessionToken":"t","expiration":1773141120000}}"#;
    let file = ".aws/sso/cache/293abb6b76d7791c0732cc517d38c4b5c734b87f.json";
    let machine = |ends: &str| {
        Machine::new(&[("AWS_PROFILE", "prod")]).file(".aws/config", config).file(file, &session(ends)).answering(
            "https://portal.sso.us-east-1.amazonaws.com/federation/credentials?role_name=look&account_id=1",
            200,
            lent,
        )
    };
    let good = machine("2026-03-10T12:00:00Z");
    assert_eq!(said(&good.found().await.unwrap()), ("ASIA3", "h", Some("t"), "single sign-on of profile prod"));
    assert_eq!(good.last().1.headers()["x-amz-sso_bearer_token"], "sso-hush");
    let over = machine("2026-03-10T09:00:00Z").found().await.unwrap_err();
    assert_eq!(
        over,
        "AWS: profile 'prod': its session ended at 2026-03-10 09:00 UTC: sign in with `aws sso login --profile prod`"
    );
    let never = machine("2026-03-10T12:00:00Z");
    fs::remove_file(never.home.path().join(file)).unwrap();
    assert!(
        never.found().await.unwrap_err().ends_with("it has no session: sign in with `aws sso login --profile prod`")
    );
}

#[tokio::test(start_paused = true)]
async fn a_program_that_a_profile_names_prints_them() {
    let machine = Machine::new(&[])
        .file(".aws/config", "")
        .file("tool", "#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"ASIA4\",\"SecretAccessKey\":\"h\"}'\n");
    let tool = machine.home.path().join("tool");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(&tool, mode).unwrap();
    let machine = machine.file(".aws/config", &format!("[default]\ncredential_process = {}\n", tool.display()));
    let own: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(Path::new(machine.home.path()).join(".aws/config"), own).unwrap();
    assert_eq!(said(&machine.found().await.unwrap()), ("ASIA4", "h", None, "credential_process of profile default"));
}

#[tokio::test(start_paused = true)]
async fn the_agent_of_a_container_is_asked_with_its_token_and_only_where_nobody_else_listens() {
    let machine = Machine::new(&[
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "agent-hush"),
    ])
    .answering("http://169.254.170.2/v2/x", 200, LENT);
    assert_eq!(said(&machine.found().await.unwrap()), ("ASIA1", "hush", Some("tok"), "the container's agent"));
    assert_eq!(machine.last().1.headers()["authorization"], "agent-hush");
    let elsewhere = Machine::new(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.test/x")]);
    assert!(elsewhere.found().await.unwrap_err().ends_with("it is not asked"));
    assert!(elsewhere.asked.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_metadata_of_a_machine_is_asked_in_its_second_version_only() {
    let machine = Machine::new(&[])
        .answering("http://169.254.169.254/latest/api/token", 200, "imds-token")
        .answering("http://169.254.169.254/latest/meta-data/iam/security-credentials/release", 200, LENT)
        .answering("http://169.254.169.254/latest/meta-data/iam/security-credentials/", 200, "release\n");
    assert_eq!(
        said(&machine.found().await.unwrap()),
        ("ASIA1", "hush", Some("tok"), "the role release of this machine")
    );
    let asked = machine.asked.lock().unwrap();
    let lines: Vec<_> =
        asked.iter().map(|(at, request)| (request.method().as_str(), at.rsplit('/').next().unwrap())).collect();
    assert_eq!(lines, [("PUT", "token"), ("GET", ""), ("GET", "release")]);
    assert!(asked[1..].iter().all(|(_, request)| request.headers()["x-aws-ec2-metadata-token"] == "imds-token"));
}

#[tokio::test(start_paused = true)]
async fn where_there_are_none_every_place_is_named_and_what_has_ended_is_none() {
    let why = Machine::new(&[]).found().await.unwrap_err();
    for place in [
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS",
        "profile 'default'",
        "metadata",
        "`basic_auth`",
    ] {
        assert!(why.contains(place), "{place}: {why}");
    }
    let off = Machine::new(&[("AWS_EC2_METADATA_DISABLED", "true")]);
    off.found().await.unwrap_err();
    assert!(off.asked.lock().unwrap().is_empty());
    let over = r#"{"AccessKeyId":"A","SecretAccessKey":"b","Token":"c","Expiration":"2026-03-10T09:00:00Z"}"#;
    let over = Machine::new(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")]).answering(
        "http://169.254.170.2/x",
        200,
        over,
    );
    assert_eq!(over.found().await.unwrap_err(), "AWS: the credentials of the container's agent have ended: renew them");
}
