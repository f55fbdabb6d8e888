//! Which layers there are: the files that are looked for, and settings in the environment.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;

use crate::{config::source::Source, domain::text::clean, ownership};

/// Variables with this prefix are settings: `HOLDSHORT_STATE__PATH` is `state.path`.
const PREFIX: &str = "HOLDSHORT_";
/// Those of them that are flags of the command line.
const FLAGS: [&str; 2] = ["HOLDSHORT_PROFILE", "HOLDSHORT_LOG"];

/// Where files are looked for that nobody named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// For everybody on this machine.
    pub system: PathBuf,
    /// For this user; `None` where there is no home.
    pub user: Option<PathBuf>,
}

impl Places {
    /// `/etc/holdshort/config.toml` and `$XDG_CONFIG_HOME/holdshort/config.toml`.
    pub fn usual() -> Self {
        let below = Path::new("holdshort").join("config.toml");
        let home = etcetera::choose_base_strategy().ok();
        Self { system: Path::new("/etc").join(&below), user: home.map(|home| home.config_dir().join(&below)) }
    }

    /// Both, in the order in which they are merged.
    pub fn all(&self) -> Vec<PathBuf> {
        std::iter::once(self.system.clone()).chain(self.user.clone()).collect()
    }
}

/// Whose files are read. A configuration names commands and servers: whoever writes it acts in the name of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// This user's and root's, as long as nobody else can write them.
    Owners,
    /// Anybody's: for texts that only tests read.
    Everybody,
}

/// What the configuration is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    /// Looked for; not there is no error.
    pub places: Places,
    /// Named on the command line, later wins; not there is an error.
    pub files: Vec<PathBuf>,
    /// The profile that is laid over the files.
    pub profile: Option<String>,
    /// The environment of this process.
    pub env: BTreeMap<String, String>,
    /// Whose files are read.
    pub trust: Trust,
    /// Texts that whoever started this process handed over, by what they are named as: they can be read once only.
    pub given: BTreeMap<PathBuf, String>,
}

impl Layers {
    /// The files' texts, in the order in which they are merged, and a sentence for each that cannot be read.
    pub(super) fn files(&self) -> (Vec<Source>, Vec<String>) {
        let (mut sources, mut unreadable) = (Vec::new(), Vec::new());
        let looked_for = self.places.all().into_iter().map(|path| (path, false));
        for (path, named) in looked_for.chain(self.files.iter().map(|path| (path.clone(), true))) {
            let read = match (self.given.get(&path), self.trust) {
                (Some(text), _) => Ok(text.clone()),
                (None, Trust::Owners) => ownership::read(&path),
                (None, Trust::Everybody) => fs::read_to_string(&path),
            };
            match read {
                Ok(text) => sources.push(Source { name: path.display().to_string(), text }),
                Err(e) if !named && matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(e) => unreadable.push(format!("{} cannot be read: {e}", clean(&path.display().to_string()))),
            }
        }
        (sources, unreadable)
    }

    /// The environment's settings, each as a layer of one line.
    pub(super) fn variables(&self) -> Vec<Source> {
        let settings = self.env.iter().filter(|(name, _)| is_setting(name));
        settings
            .map(|(name, value)| {
                let parts = name.trim_start_matches(PREFIX).to_lowercase();
                let path: Vec<String> = parts.split("__").map(quoted).collect();
                let text = format!("{} = {}", path.join("."), written(value));
                Source { name: format!("environment variable {name}"), text }
            })
            .collect()
    }
}

/// A cluster sets `HOLDSHORT_SERVICE_HOST`, `HOLDSHORT_PORT_80_TCP` … in every pod beside a Service of our name.
fn is_setting(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| {
        let of_a_service = rest.starts_with("SERVICE_HOST")
            || rest.starts_with("SERVICE_PORT")
            || rest == "PORT"
            || rest.starts_with("PORT_");
        !of_a_service && !FLAGS.contains(&name)
    })
}

fn quoted(part: &str) -> String {
    let plain = !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { part.to_owned() } else { toml::Value::from(part).to_string() }
}

/// `true`, `false`, lists, tables and quoted text are TOML; everything else is text.
fn written(value: &str) -> String {
    match value {
        "true" | "false" => value.to_owned(),
        _ if value.starts_with(['[', '{', '"']) && !value.contains('\n') => value.to_owned(),
        _ => toml::Value::from(value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_a_layer_of_one_line() {
        let env = [
            ("HOLDSHORT_STATE__PATH", "/var/x"),
            ("HOLDSHORT_READ_ONLY", "true"),
            ("HOLDSHORT_PROFILE", "eu"),
            ("HOLDSHORT_SERVICE_HOST", "10.0.0.1"),
            ("HOLDSHORT_PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("HOME", "/root"),
        ];
        let layers = Layers {
            places: Places { system: "/nowhere".into(), user: None },
            files: Vec::new(),
            profile: None,
            env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            trust: Trust::Owners,
            given: BTreeMap::new(),
        };
        let texts: Vec<String> = layers.variables().into_iter().map(|source| source.text).collect();
        assert_eq!(texts, ["read_only = true", "state.path = \"/var/x\""]);
    }

    #[test]
    fn only_a_file_that_was_named_must_be_there() {
        let named = PathBuf::from("/nowhere/named.toml");
        let layers = Layers {
            places: Places { system: "/nowhere/system.toml".into(), user: Some("/nowhere/user.toml".into()) },
            files: vec![named],
            profile: None,
            env: BTreeMap::new(),
            trust: Trust::Owners,
            given: BTreeMap::new(),
        };
        let (sources, unreadable) = layers.files();
        assert_eq!(sources, []);
        assert_eq!(unreadable, ["/nowhere/named.toml cannot be read: No such file or directory (os error 2)"]);
    }
}
