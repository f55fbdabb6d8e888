//! Where credentials come from: every place that AWS's own tools look in, in their order, until one has some.
//!
//! Source: docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html. A place that is there and gives nothing ends the search
//! with its sentence, for whoever set it up means it; one that is not there is named in the end.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{
    FutureExt,
    future::{BoxFuture, Either, select},
};
use http::Request;
use secrecy::SecretString;
use url::Url;

use super::{
    CALLED, Credentials, metadata, process,
    profile::{Files, Profiles, Section},
    sso,
    sts::{self, Voucher},
};
use crate::{
    domain::observed::FaultKind,
    port::{
        clock::SharedClock,
        error::ProviderError,
        wire::{Class, Transport},
    },
    provider::http::{body, client::Answer, send},
};

/// How long whatever gives credentials may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Profiles that name one another are followed so far.
const DEEPEST: usize = 5;
/// What a role's session is called where nobody says: audit trails show it.
const SESSION: &str = "holdshort";

/// What asking gave, or why not in a sentence.
pub(super) type Asked<T> = Result<T, String>;
/// A transport to whatever is at an address.
type Reach = Arc<dyn Fn(&Url) -> Result<Transport, ProviderError> + Send + Sync>;

/// A role that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// `arn:aws:iam::123456789012:role/holdshort`
    pub arn: String,
    /// What whoever lends it asks for.
    pub external_id: Option<String>,
    /// What its session is called in audit trails.
    pub session: String,
}

impl Role {
    /// A role, with the session called as we are.
    pub fn new(arn: impl Into<String>, external_id: Option<String>) -> Self {
        Self { arn: arn.into(), external_id, session: SESSION.to_owned() }
    }
}

/// What there is to look in.
#[derive(Clone)]
pub struct Ways {
    /// The environment of this process.
    pub environment: BTreeMap<String, String>,
    /// Where whatever lends credentials is asked.
    pub region: String,
    /// The address of services, where it is configured.
    pub address: Option<String>,
    /// A transport to the system at an address.
    pub reach: Reach,
    /// What time it is.
    pub clock: SharedClock,
}

impl fmt::Debug for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ways").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Ways {
    pub(super) fn configured(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// Where a service is.
    pub(super) fn address(&self, service: &str) -> String {
        super::address(self.configured(), service, &self.region)
    }

    /// Asks whatever is at an address, once.
    pub(super) async fn ask(&self, address: &str, request: Request<Bytes>) -> Asked<Answer> {
        self.ask_within(address, request, PATIENCE).await
    }

    /// The same, within this time. The request has a whole address; what is sent has its path, below the origin.
    pub(super) async fn ask_within(
        &self,
        address: &str,
        mut request: Request<Bytes>,
        limit: Duration,
    ) -> Asked<Answer> {
        let mut origin = Url::parse(address).map_err(|_| format!("'{address}' is no address"))?;
        let host = origin.origin().ascii_serialization();
        origin.set_path("");
        origin.set_query(None);
        let leaf = (self.reach)(&origin).map_err(|why| why.text)?;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        *request.uri_mut() = path.parse().map_err(|_| format!("'{path}' is no path"))?;
        request.extensions_mut().insert(Class::Read);
        let asking = async move {
            let (head, body) = send(&leaf, request).await.map_err(|why| format!("{host}: {why}"))?.into_parts();
            let body = body::collect(body).await.map_err(|why| format!("{host}: {why}"))?;
            Ok(Answer::from_parts(head, body))
        };
        match select(asking.boxed(), self.clock.sleep(limit)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => {
                Err(format!("{} did not answer within {} s", origin.as_str().trim_end_matches('/'), limit.as_secs()))
            }
        }
    }

    fn of(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// Where credentials are looked for.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// A key that the configuration names, before everything else.
    pub key: Option<Credentials>,
    /// A profile that the configuration names: then nothing else is looked in.
    pub profile: Option<String>,
    /// A role that is taken with what was found.
    pub role: Option<Role>,
}

impl Chain {
    /// The files that are read before AWS is asked: credentials are made anew when one changes.
    pub fn files(&self, environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
        let token = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE").map(PathBuf::from);
        Files::of(environment).all().into_iter().chain(token).collect()
    }

    /// Credentials of the first place that has some; of the role, where one is to be taken.
    ///
    /// # Errors
    /// Why there are none, with where was looked.
    pub async fn lend(&self, ways: &Ways) -> Result<Credentials, ProviderError> {
        let refused = |text: String| ProviderError::new(FaultKind::Unauthenticated, format!("{CALLED}: {text}"));
        let found = self.found(ways).await.map_err(refused)?;
        if found.are_over(ways.clock.now()) {
            return Err(refused(format!("the credentials of {} have ended: renew them", found.from)));
        }
        let Some(role) = &self.role else { return Ok(found) };
        let from = format!("the role {}, taken with {}", role.arn, found.from);
        sts::assume(role, Voucher::Keys(&found), from, ways).await.map_err(refused)
    }

    async fn found(&self, ways: &Ways) -> Asked<Credentials> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        if let Some(name) = &self.profile {
            let read = of_profile(name, ways).await?;
            return read.ok_or_else(|| format!("profile '{name}' is in no file, or says nothing of who we are"));
        }
        if let Some(found) = of_environment(ways) {
            return Ok(found);
        }
        if let Some(found) = of_web_identity(ways).await? {
            return Ok(found);
        }
        let name = ways.of("AWS_PROFILE").unwrap_or("default");
        if let Some(found) = of_profile(name, ways).await? {
            return Ok(found);
        }
        if let Some(found) = metadata::of_container(ways).await? {
            return Ok(found);
        }
        if let Some(found) = metadata::of_machine(ways).await? {
            return Ok(found);
        }
        Err(format!(
            "there are no credentials: neither AWS_ACCESS_KEY_ID nor AWS_WEB_IDENTITY_TOKEN_FILE nor AWS_CONTAINER_CREDENTIALS_* is in the \
             environment, profile '{name}' of ~/.aws says nothing of who we are, and this machine's metadata gives none; name one with \
             `profile`, or put a key into `basic_auth`"
        ))
    }
}

/// Keys that stand in the environment.
fn of_environment(ways: &Ways) -> Option<Credentials> {
    let (key, secret) = (ways.of("AWS_ACCESS_KEY_ID")?, ways.of("AWS_SECRET_ACCESS_KEY")?);
    let session = ways.of("AWS_SESSION_TOKEN").map(Into::into);
    Some(Credentials { session, ..Credentials::lasting(key, secret, "the environment") })
}

/// A role that a token vouches for, as pods and pipelines have it.
async fn of_web_identity(ways: &Ways) -> Asked<Option<Credentials>> {
    let Some((file, arn)) = ways.of("AWS_WEB_IDENTITY_TOKEN_FILE").zip(ways.of("AWS_ROLE_ARN")) else {
        return Ok(None);
    };
    let session = ways.of("AWS_ROLE_SESSION_NAME").unwrap_or(SESSION).to_owned();
    with_token(file, Role { session, ..Role::new(arn, None) }, ways).await.map(Some)
}

async fn with_token(file: &str, role: Role, ways: &Ways) -> Asked<Credentials> {
    let token = std::fs::read_to_string(file).map_err(|why| format!("the token {file} cannot be read: {why}"))?;
    let from = format!("the role {}, vouched for by {file}", role.arn);
    sts::assume(&role, Voucher::Token(token.trim()), from, ways).await
}

/// What a profile gives; nothing where no file has it, or it says nothing of who we are.
async fn of_profile(name: &str, ways: &Ways) -> Asked<Option<Credentials>> {
    let files = Files::of(&ways.environment);
    let reading = files.clone();
    let read = tokio::task::spawn_blocking(move || Profiles::read(&reading)).await;
    let all = read.map_err(|_| "the profiles were not read to their end".to_owned())??;
    let find = Find { all: &all, files: &files, ways };
    find.profile(name, 0).await.map_err(|why| format!("profile '{name}': {why}"))
}

/// Follows profiles that name one another.
struct Find<'a> {
    all: &'a Profiles,
    files: &'a Files,
    ways: &'a Ways,
}

impl Find<'_> {
    fn profile<'b>(&'b self, name: &'b str, depth: usize) -> BoxFuture<'b, Asked<Option<Credentials>>> {
        async move {
            let Some(profile) = self.all.get(name) else {
                let known = self.all.names();
                return if depth == 0 {
                    Ok(None)
                } else {
                    Err(format!("there is no profile '{name}': there are {}", known.join(", ")))
                };
            };
            if depth > DEEPEST {
                return Err("its profiles name one another in a circle".to_owned());
            }
            if let Some(arn) = profile.get("role_arn") {
                return self.role(name, profile, arn, depth).await.map(Some);
            }
            if let Some(sso) = sso::of(profile, self.all)? {
                return sso.credentials(self.files.sessions.as_deref(), name, self.ways).await.map(Some);
            }
            if let Some(found) = of_keys(name, profile) {
                return Ok(Some(found));
            }
            let Some(line) = profile.get("credential_process").map(str::to_owned) else { return Ok(None) };
            let (file, path) = (self.files.config.clone(), self.ways.of("PATH").unwrap_or_default().to_owned());
            let from = format!("credential_process of profile {name}");
            let ran =
                tokio::task::spawn_blocking(move || process::credentials(&line, file.as_deref(), &path, &from)).await;
            ran.map_err(|_| "its credential_process was not run to its end".to_owned())?.map(Some)
        }
        .boxed()
    }

    /// The role that a profile takes, with whatever it says that it is taken with.
    async fn role(&self, name: &str, profile: &Section, arn: &str, depth: usize) -> Asked<Credentials> {
        let session = profile.get("role_session_name").unwrap_or(SESSION).to_owned();
        let role = Role { session, ..Role::new(arn, profile.get("external_id").map(str::to_owned)) };
        if profile.get("mfa_serial").is_some() {
            return Err(
                "its role asks for a code of an MFA device, and nobody can be asked here: use single sign-on, or a \
                        credential_process that has it"
                    .to_owned(),
            );
        }
        if let Some(file) = profile.get("web_identity_token_file") {
            return with_token(file, role, self.ways).await;
        }
        let base = match (profile.get("source_profile"), profile.get("credential_source")) {
            (Some(source), _) if source == name => {
                of_keys(name, profile).ok_or("it takes its role with keys that it does not have")?
            }
            (Some(source), _) => {
                let found = self.profile(source, depth + 1).await?;
                found.ok_or_else(|| format!("its source_profile '{source}' says nothing of who we are"))?
            }
            (None, Some("Environment")) => {
                of_environment(self.ways).ok_or("it takes its role with the environment, which has no key")?
            }
            (None, Some("EcsContainer")) => metadata::of_container(self.ways)
                .await?
                .ok_or("it takes its role with a container's agent, and there is none")?,
            (None, Some("Ec2InstanceMetadata")) => metadata::of_machine(self.ways)
                .await?
                .ok_or("it takes its role with this machine's metadata, which gives none")?,
            (None, other) => {
                let named = other.map(|other| format!(", and knows no credential_source {other}")).unwrap_or_default();
                return Err(format!("it has a role_arn and neither a source_profile nor a credential_source{named}"));
            }
        };
        let from = format!("the role {arn} of profile {name}, taken with {}", base.from);
        sts::assume(&role, Voucher::Keys(&base), from, self.ways).await
    }
}

/// Keys that stand in a profile.
fn of_keys(name: &str, profile: &Section) -> Option<Credentials> {
    let (key, secret) = (profile.get("aws_access_key_id")?, profile.secret("aws_secret_access_key")?);
    let session: Option<SecretString> = profile.secret("aws_session_token");
    Some(Credentials { session, ..Credentials::lasting(key, secret, format!("profile {name}")) })
}
