//! The files that AWS's own tools share: profiles with their settings, and sessions of single sign-on.
//!
//! Source: docs.aws.amazon.com/sdkref/latest/guide/file-format.html. Only what says who we are is looked at.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

/// What stands under one heading. Any of it may be a secret.
#[derive(Clone, Default)]
pub(super) struct Section(BTreeMap<String, SecretString>);

impl Section {
    /// A setting that is there and not empty.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(ExposeSecret::expose_secret).filter(|value| !value.is_empty())
    }

    pub(super) fn secret(&self, key: &str) -> Option<SecretString> {
        self.get(key).map(Into::into)
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Where the files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    /// Settings: `~/.aws/config`.
    pub(super) config: Option<PathBuf>,
    /// Keys: `~/.aws/credentials`.
    pub(super) credentials: Option<PathBuf>,
    /// Where tools keep what single sign-on gave: `~/.aws/sso/cache`.
    pub(super) sessions: Option<PathBuf>,
}

impl Files {
    /// As the environment names them, or as they usually lie.
    pub(super) fn of(environment: &BTreeMap<String, String>) -> Self {
        let named = |name: &str| environment.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let home = named("HOME").map(|home| home.join(".aws"));
        let below = |name: &str| home.as_ref().map(|home| home.join(name));
        Self {
            config: named("AWS_CONFIG_FILE").or_else(|| below("config")),
            credentials: named("AWS_SHARED_CREDENTIALS_FILE").or_else(|| below("credentials")),
            sessions: below("sso/cache"),
        }
    }

    /// Those that are read before AWS is asked.
    pub(super) fn all(&self) -> Vec<PathBuf> {
        self.config.iter().chain(&self.credentials).cloned().collect()
    }
}

/// All profiles and sessions of the files.
#[derive(Clone, Debug, Default)]
pub(super) struct Profiles {
    profiles: BTreeMap<String, Section>,
    sessions: BTreeMap<String, Section>,
}

impl Profiles {
    /// Reads both files; one that is not there has nothing in it. Blocks.
    ///
    /// # Errors
    /// Why one of them cannot be read, as a sentence.
    pub(super) fn read(files: &Files) -> Result<Self, String> {
        let mut all = Self::default();
        for (path, named) in [(&files.config, true), (&files.credentials, false)] {
            let Some(path) = path else { continue };
            match std::fs::read_to_string(path) {
                Ok(text) => all.take(&text, named),
                Err(why) if why.kind() == std::io::ErrorKind::NotFound => {}
                Err(why) => return Err(unreadable(path, &why)),
            }
        }
        Ok(all)
    }

    /// Takes the sections of a file. In the one with settings, profiles but the default one are called so: `[profile prod]`.
    fn take(&mut self, text: &str, named: bool) {
        let mut place: Option<&mut Section> = None;
        for line in text.lines() {
            // What is indented belongs to a setting of another purpose.
            let (inner, plain) = (line.starts_with([' ', '\t']), line.trim());
            if plain.is_empty() || plain.starts_with(['#', ';']) {
                continue;
            }
            if let Some(heading) = plain.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                place = self.section(heading.trim(), named);
            } else if let (Some(section), Some((key, value)), false) = (&mut place, plain.split_once('='), inner) {
                section.0.insert(key.trim().to_ascii_lowercase(), value.trim().into());
            }
        }
    }

    fn section(&mut self, heading: &str, named: bool) -> Option<&mut Section> {
        let (kind, name) =
            heading.split_once(char::is_whitespace).map_or(("", heading), |(kind, name)| (kind, name.trim()));
        let name = name.trim_matches('"').to_owned();
        let all = match kind {
            "sso-session" if named => &mut self.sessions,
            "profile" if named => &mut self.profiles,
            "" if !named || name == "default" => &mut self.profiles,
            _ => return None,
        };
        Some(all.entry(name).or_default())
    }

    /// One profile.
    pub(super) fn get(&self, name: &str) -> Option<&Section> {
        self.profiles.get(name)
    }

    /// One session of single sign-on.
    pub(super) fn session(&self, name: &str) -> Option<&Section> {
        self.sessions.get(name)
    }

    /// What all profiles are called, for whoever named another one.
    pub(super) fn names(&self) -> Vec<&str> {
        self.profiles.keys().map(String::as_str).collect()
    }
}

fn unreadable(path: &Path, why: &std::io::Error) -> String {
    format!("{} cannot be read: {why}", path.display())
}

#[cfg(test)]
pub(super) fn parsed(config: &str, credentials: &str) -> Profiles {
    let mut all = Profiles::default();
    all.take(config, true);
    all.take(credentials, false);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_one_and_each_names_profiles_in_its_own_way() {
        let config = "[default]\nregion = eu-west-1\n# a comment\n[profile prod]\nrole_arn = arn:aws:iam::1:role/r\ns3 =\n  role_arn = no\n\
                      source_profile=base\n[sso-session acme]\nsso_region = us-east-1\n[services x]\nregion = no\n[odd]\nregion = no\n";
        let credentials =
            "[base]\nAWS_ACCESS_KEY_ID = AKIA1\naws_secret_access_key = hush=\n[default]\naws_access_key_id=\n";
        let all = parsed(config, credentials);
        assert_eq!(all.names(), ["base", "default", "prod"]);
        let of = |name: &str, key: &str| all.get(name).unwrap().get(key).unwrap_or_default().to_owned();
        assert_eq!(of("prod", "role_arn"), "arn:aws:iam::1:role/r");
        assert_eq!((of("prod", "source_profile"), of("base", "aws_access_key_id")), ("base".into(), "AKIA1".into()));
        assert_eq!(
            (of("base", "aws_secret_access_key"), of("default", "aws_access_key_id")),
            ("hush=".into(), String::new())
        );
        assert_eq!(all.session("acme").unwrap().get("sso_region"), Some("us-east-1"));
        assert!(!format!("{all:?}").contains("hush"), "{all:?}");
    }

    #[test]
    fn the_files_lie_where_the_environment_says_or_at_home() {
        let of = |pairs: &[(&str, &str)]| Files::of(&pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect());
        assert_eq!(of(&[]).all(), [""; 0].map(PathBuf::from));
        let files = of(&[("HOME", "/home/dana"), ("AWS_CONFIG_FILE", "/etc/aws")]);
        assert_eq!(files.all(), ["/etc/aws", "/home/dana/.aws/credentials"].map(PathBuf::from));
        assert_eq!(files.sessions, Some("/home/dana/.aws/sso/cache".into()));
    }
}
