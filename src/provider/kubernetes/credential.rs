//! Credentials that change while we look: those of a credential plugin (`exec` in a kubeconfig), run by us and not by kube, which
//! gives it the terminal and all the time it likes; and a file with a token, read again by and by.
//!
//! What a plugin answers is a secret; what it complains about is said, without what it was told (`crate::program`).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use http::HeaderValue;
use k8s_openapi::ByteString;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::{
    domain::{
        text::clean,
        time::{Timestamp, until},
    },
    ownership,
    program::{self, Ran},
    provider::http::Ours,
};

/// So long before its end a credential is fetched anew: a request that goes out must arrive before it.
const MARGIN: Duration = Duration::from_secs(10);
/// How often a file with a token is read again: those of pods change every hour, and the old one counts for minutes.
const REREAD: Duration = Duration::from_secs(10);
/// Where a plugin's answer has no version of its own.
const VERSION: &str = "client.authentication.k8s.io/v1";

/// A plugin's answer.
#[derive(Deserialize)]
struct Answer {
    status: Option<Credential>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    token: Option<SecretString>,
    client_certificate_data: Option<String>,
    client_key_data: Option<SecretString>,
    expiration_timestamp: Option<Timestamp>,
}

/// Runs the credential plugin of a user, where there is one, and puts what it answers in its place; how long that counts. For
/// a thread that may wait. `path` is where programs are looked for.
pub(super) fn fetch(user: &mut AuthInfo, path: &str) -> Result<Option<Duration>, String> {
    let own = has_its_own(user);
    let Some(plugin) = user.exec.take().filter(|_| !own) else { return Ok(None) };
    let called = called(&plugin);
    let answer = run(&plugin, &called, path, program::LIMIT)?;
    let by_hand = || format!("what {called} printed is no credential: run it by hand to see why");
    let credential = answer.and_then(|answer| answer.status).ok_or_else(by_hand)?;
    let certificate = credential.client_certificate_data.zip(credential.client_key_data);
    if credential.token.is_none() && certificate.is_none() {
        return Err(by_hand());
    }
    user.token = credential.token.map(|token| token.expose_secret().trim().to_owned().into());
    if let Some((certificate, key)) = certificate {
        user.client_certificate_data = Some(encoded(certificate.as_bytes()));
        user.client_key_data = Some(encoded(key.expose_secret().as_bytes()).into());
    }
    Ok(credential.expiration_timestamp.map(life))
}

/// What stands in the file itself goes before a plugin, as kubectl has it.
fn has_its_own(user: &AuthInfo) -> bool {
    let basic = user.username.is_some() && user.password.is_some();
    basic || user.token.is_some() || user.token_file.is_some() || user.auth_provider.is_some()
}

/// Why a user's credential plugin cannot be started as things are now. Looks, and runs nothing.
pub(super) fn not_started(user: &AuthInfo, path: &str) -> Option<String> {
    let plugin = user.exec.as_ref().filter(|_| !has_its_own(user))?;
    program(plugin, &called(plugin), path).err()
}

/// Which file of a user's certificate and key cannot be read as things are now, and why.
pub(super) fn unread(user: &AuthInfo) -> Option<String> {
    let files = [("client-certificate", &user.client_certificate), ("client-key", &user.client_key)];
    let of = |(name, path): (&str, &Option<String>)| {
        let path = path.as_ref()?;
        let why = fs::File::open(path).err()?;
        Some(format!("its {name} {} cannot be read: {why}", clean(path)))
    };
    files.into_iter().find_map(of)
}

fn encoded(bytes: &[u8]) -> String {
    let encoded = serde_json::to_value(ByteString(bytes.to_vec()));
    encoded.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// How long a credential that ends then is used. One that is short-lived is used for half of what is left at least.
#[expect(clippy::disallowed_methods, reason = "a credential ends in real time, whatever the world's clock says")]
fn life(end: Timestamp) -> Duration {
    let left = until(SystemTime::now().into(), end);
    left.saturating_sub(MARGIN).max(left / 2)
}

/// How a plugin is called in sentences.
fn called(plugin: &ExecConfig) -> String {
    plugin
        .command
        .as_ref()
        .map_or_else(|| "the credential plugin".to_owned(), |name| format!("the credential plugin '{}'", clean(name)))
}

/// The program that it means.
fn program(plugin: &ExecConfig, called: &str, path: &str) -> Result<PathBuf, String> {
    let command = plugin.command.as_deref().filter(|command| !command.is_empty());
    let command = command.ok_or_else(|| "the kubeconfig names no command for its credential plugin".to_owned())?;
    if plugin.interactive_mode == Some(ExecInteractiveMode::Always) {
        return Err(format!(
            "{called} wants a terminal (interactiveMode: Always), and gets none here: sign in with it by hand, or name a \
             kubeconfig whose user needs none"
        ));
    }
    let whole = if command.contains('/') { Some(PathBuf::from(command)) } else { ownership::program(command, path) };
    let whole = whole.ok_or_else(|| cannot_start(called, plugin, "there is no such program in PATH"))?;
    if whole.exists() { Ok(whole) } else { Err(cannot_start(called, plugin, "there is no such file")) }
}

fn cannot_start(called: &str, plugin: &ExecConfig, why: &str) -> String {
    let hint = plugin.install_hint.as_deref().map(clean).filter(|hint| !hint.trim().is_empty());
    let hint = hint.map(|hint| format!("; its kubeconfig says: {}", hint.chars().take(200).collect::<String>()));
    format!("{called} cannot be started: {why}{}", hint.unwrap_or_default())
}

/// What it printed, where that is what it should be.
fn run(plugin: &ExecConfig, called: &str, path: &str, limit: Duration) -> Result<Option<Answer>, String> {
    let whole = program(plugin, called, path)?;
    let arguments: Vec<&str> = plugin.args.iter().flatten().map(String::as_str).collect();
    let told = told(plugin);
    let environment: Vec<(&str, &str)> = told.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let ran = program::run(&whole, arguments.iter().copied(), environment.iter().copied(), limit)
        .map_err(|why| cannot_start(called, plugin, &why.to_string()))?;
    let secrets = arguments.iter().copied().chain(environment.iter().map(|(_, value)| *value));
    let said = ran.words(secrets).unwrap_or_else(|| "run it by hand to see why".to_owned());
    let Ran { status, answer, .. } = ran;
    match status {
        Some(status) if status.success() => Ok(serde_json::from_slice(&answer).ok()),
        Some(status) => Err(format!("{called} failed ({status}): {said}")),
        None => Err(format!("{called} did not end within {} s: {said}", limit.as_secs_f32())),
    }
}

/// The environment that the kubeconfig gives it, and what a plugin is told by its protocol.
fn told(plugin: &ExecConfig) -> BTreeMap<String, String> {
    let given = plugin.env.iter().flatten();
    let given = given.filter_map(|one| Some((one.get("name")?.clone(), one.get("value")?.clone())));
    let mut spec = json!({"interactive": false});
    if let (true, Some(cluster), Some(spec)) = (plugin.provide_cluster_info, &plugin.cluster, spec.as_object_mut()) {
        spec.insert("cluster".to_owned(), serde_json::to_value(cluster).unwrap_or_default());
    }
    let version = plugin.api_version.as_deref().unwrap_or(VERSION);
    let info = json!({"apiVersion": version, "kind": "ExecCredential", "spec": spec});
    given.chain([("KUBERNETES_EXEC_INFO".to_owned(), info.to_string())]).collect()
}

/// What of a user's credentials the server may repeat and nobody may see, as it is at any time.
pub(super) fn ours(user: &AuthInfo, tokens: Option<Arc<TokenFile>>) -> Ours {
    let provider = user.auth_provider.iter().flat_map(|provider| &provider.config);
    let provider = provider.filter(|(key, _)| key.contains("token") || key.contains("secret"));
    let mut fixed: Vec<SecretString> = user.token.iter().chain(&user.password).cloned().collect();
    fixed.extend(provider.map(|(_, value)| SecretString::from(value.clone())));
    if let (Some(name), Some(password)) = (&user.username, &user.password) {
        fixed.push(encoded(format!("{name}:{}", password.expose_secret()).as_bytes()).into());
    }
    Arc::new(move || {
        let token = tokens.as_ref().map(|tokens| tokens.authorization());
        let token = token.as_ref().and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        fixed.iter().cloned().chain(token.map(SecretString::from)).collect()
    })
}

/// A token in a file that others write.
pub(super) struct TokenFile {
    path: PathBuf,
    read: Mutex<(Instant, HeaderValue)>,
}

impl TokenFile {
    /// Reads it. A line's end behind it is no part of it.
    #[expect(clippy::disallowed_methods, reason = "a file changes in real time, whatever the world's clock says")]
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let read = Mutex::new((Instant::now(), header(path)?));
        Ok(Self { path: path.to_owned(), read })
    }

    /// What stands in front of requests. Where the file is gone, the last that was in it.
    #[expect(clippy::disallowed_methods, reason = "a file changes in real time, whatever the world's clock says")]
    pub(super) fn authorization(&self) -> HeaderValue {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.0.elapsed() >= REREAD {
            let known = header(&self.path).unwrap_or_else(|_| read.1.clone());
            *read = (Instant::now(), known);
        }
        read.1.clone()
    }
}

fn header(path: &Path) -> Result<HeaderValue, String> {
    let shown = clean(&path.display().to_string());
    let text = fs::read_to_string(path).map_err(|why| format!("the token file {shown} cannot be read: {why}"))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(format!("the token file {shown} is empty"));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| format!("the token file {shown} holds characters that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(script: &str) -> AuthInfo {
        let exec: ExecConfig =
            serde_json::from_value(json!({"command": "sh", "args": ["-c", script, "told-secret"]})).unwrap();
        AuthInfo { exec: Some(exec), ..AuthInfo::default() }
    }

    fn fetched(script: &str) -> (Result<Option<Duration>, String>, AuthInfo) {
        let mut user = plugin(script);
        let fetched = fetch(&mut user, "/usr/bin:/bin");
        (fetched, user)
    }

    #[test]
    fn a_plugin_gives_a_token_or_a_certificate_and_says_how_long_it_counts() {
        let (ends, user) = fetched(r#"echo "WARN update available" >&2; printf '%s' '{"status":{"token":"t1\n"}}'"#);
        assert_eq!((ends, user.token.unwrap().expose_secret()), (Ok(None), "t1"));
        let (ends, user) = fetched(
            r#"echo '{"status":{"clientCertificateData":"CERT","clientKeyData":"KEY","expirationTimestamp":"2999-01-01T00:00:00Z"}}'"#,
        );
        assert!(ends.unwrap().unwrap() > Duration::from_hours(24));
        assert_eq!(user.client_certificate_data.as_deref(), Some("Q0VSVA=="));
        assert_eq!(user.client_key_data.unwrap().expose_secret(), "S0VZ");
    }

    #[test]
    fn a_plugin_knows_that_nobody_answers_it_and_for_which_version_it_is_asked() {
        let info =
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false}}"#;
        let script =
            format!(r#"test "$KUBERNETES_EXEC_INFO" = '{info}' && ! read -r x && echo '{{"status":{{"token":"t"}}}}'"#);
        assert_eq!(fetched(&script).0, Ok(None));
    }

    #[test]
    fn a_plugin_that_gives_nothing_is_named_with_its_words_but_without_what_it_was_told() {
        let called = "the credential plugin 'sh'";
        let said = |script: &str| fetched(script).0.unwrap_err();
        assert_eq!(
            said("printf 'lo''gin'; printf ' fi''rst, told-secret\\n' >&2; exit 3"),
            format!("{called} failed (exit status: 3): first, •")
        );
        assert_eq!(said("exit 3"), format!("{called} failed (exit status: 3): run it by hand to see why"));
        let no_credential = format!("what {called} printed is no credential: run it by hand to see why");
        for script in ["echo secret", "echo '{}'", r#"echo '{"status":{}}'"#] {
            assert_eq!(said(script), no_credential);
        }
        let mut user = plugin("");
        user.exec.as_mut().unwrap().interactive_mode = Some(ExecInteractiveMode::Always);
        assert!(fetch(&mut user, "").unwrap_err().starts_with(&format!("{called} wants a terminal")));
        let mut user = plugin("");
        user.exec.as_mut().unwrap().install_hint = Some("brew install sh".into());
        let missing = format!(
            "{called} cannot be started: there is no such program in PATH; its kubeconfig says: brew install sh"
        );
        assert_eq!(fetch(&mut user, "/nowhere").unwrap_err(), missing);
    }

    #[test]
    fn a_plugin_that_does_not_end_is_named_with_the_time_that_it_had() {
        let exec = plugin("echo not yet >&2; sleep 600").exec.unwrap();
        let ended = run(&exec, "the credential plugin 'sh'", "/usr/bin:/bin", Duration::from_millis(500));
        assert_eq!(ended.err().unwrap(), "the credential plugin 'sh' did not end within 0.5 s: not yet");
    }

    #[test]
    fn a_token_in_the_file_goes_before_a_plugin() {
        let mut user = AuthInfo { token: Some("inline".into()), ..plugin("exit 1") };
        assert_eq!((fetch(&mut user, "/bin"), user.exec.is_none()), (Ok(None), true));
    }

    #[test]
    fn a_tokens_file_is_read_without_the_end_of_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tok");
        fs::write(&path, "t\n").unwrap();
        assert_eq!(TokenFile::open(&path).unwrap().authorization(), "Bearer t");
        fs::write(&path, "\n").unwrap();
        assert!(TokenFile::open(&path).err().unwrap().ends_with("tok is empty"));
        assert!(
            TokenFile::open(&folder.path().join("none")).err().unwrap().contains("none cannot be read: No such file")
        );
    }
}
