//! Where a token comes from. A token itself never stands in the configuration, and never in a message.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
    ser::SerializeMap,
};

use crate::{ownership, program};

/// How a token is written, for whoever wrote it otherwise.
const HOW: &str = "write { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"gh\", \"auth\", \"token\"] }";

/// How long a command may take to print a secret: somebody may have to touch a key for it.
const LIMIT: Duration = Duration::from_secs(30);

/// Where a token is read from, when it is needed. Written, it hides what may be a secret in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// An environment variable.
    Env(String),
    /// The first line of a file.
    File(PathBuf),
    /// What a command prints: the program, then its arguments; no shell.
    Command(Vec<String>),
}

/// A text that may stand in the configuration, or a secret one that is read from elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub enum Text {
    /// It stands there.
    Plain(String),
    /// It is read when it is needed.
    From(TokenSource),
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("Plain(…)"),
            Self::From(source) => source.fmt(f),
        }
    }
}

impl Text {
    /// Where it is read from, if it does not stand there.
    pub fn source(&self) -> Option<&TokenSource> {
        match self {
            Self::Plain(_) => None,
            Self::From(source) => Some(source),
        }
    }

    /// The text itself.
    pub fn read(&self, env: &BTreeMap<String, String>) -> Result<SecretString, NoToken> {
        match self {
            Self::Plain(text) => Ok(text.as_str().into()),
            Self::From(source) => source.read(env),
        }
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(text) => to.serialize_str(text),
            Self::From(source) => source.serialize(to),
        }
    }
}

impl Serialize for TokenSource {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        match self {
            Self::Env(name) => map.serialize_entry("env", name)?,
            Self::File(path) => map.serialize_entry("file", path)?,
            Self::Command(words) => {
                let more = (words.len() > 1).then_some("…");
                let shown: Vec<&str> = words.iter().take(1).map(String::as_str).chain(more).collect();
                map.serialize_entry("command", &shown)?;
            }
        }
        map.end()
    }
}

/// The table form of a [`TokenSource`], before it is known that exactly one is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    env: Option<String>,
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
}

impl Written {
    fn source(self) -> Result<TokenSource, String> {
        match self {
            Self { env: Some(name), file: None, command: None } => Ok(TokenSource::Env(name)),
            Self { env: None, file: Some(path), command: None } => Ok(TokenSource::File(path)),
            Self { env: None, file: None, command: Some(words) } if !words.is_empty() => {
                // Whatever lies in the folder one stands in would be run.
                let is_relative = |program: &String| program.contains('/') && !program.starts_with('/');
                if words.first().is_some_and(is_relative) {
                    let said = "a relative command would run whatever lies in the folder you stand in: write its \
                                whole path, from /, or a bare name that is in PATH";
                    return Err(said.to_owned());
                }
                Ok(TokenSource::Command(words))
            }
            _ => Err(format!("a secret has exactly one source: {HOW}")),
        }
    }
}

/// Reads either form; `plain` says whether the text itself may stand there.
struct Form {
    plain: bool,
}

impl<'de> Visitor<'de> for Form {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.plain {
            write!(f, "a text, or where to read it: {HOW}")
        } else {
            write!(f, "where to read the secret: {HOW}")
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        if self.plain {
            return Ok(Text::Plain(text.to_owned()));
        }
        Err(E::custom(format!("a secret never stands in the configuration: {HOW}")))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Text, M::Error> {
        Written::deserialize(MapAccessDeserializer::new(map))?.source().map(Text::From).map_err(M::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Form { plain: true })
    }
}

impl<'de> Deserialize<'de> for TokenSource {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match from.deserialize_any(Form { plain: false })? {
            Text::From(source) => Ok(source),
            Text::Plain(_) => Err(D::Error::custom(HOW)),
        }
    }
}

/// A token that could not be read. Says where it was looked for, never what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// The variable is not set, or empty.
    #[error("the token's environment variable {0} is not set")]
    Unset(String),
    /// The file cannot be read.
    #[error("the token's file {} cannot be read: {why}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why, in the system's words.
        why: String,
    },
    /// The file or the command's answer is empty.
    #[error("the token from {0} is empty")]
    Empty(String),
    /// The command's program is not there.
    #[error("the token's command '{program}' cannot be started: {why}")]
    NoProgram {
        /// The program, without its arguments.
        program: String,
        /// Where it was looked for.
        why: &'static str,
    },
    /// The command cannot be run or failed.
    #[error("the token's command '{program}' failed: {why}")]
    Command {
        /// The program, without its arguments.
        program: String,
        /// Its exit status or the system's words.
        why: String,
    },
}

impl NoToken {
    /// The same about another secret than a token: `the password`.
    pub fn about(&self, what: &str) -> String {
        self.to_string().replacen("the token", what, 1)
    }
}

impl TokenSource {
    /// How one is written, for whoever wrote it otherwise.
    pub const HOW: &'static str = HOW;

    /// The file that it is in.
    pub fn file(&self) -> Option<&Path> {
        if let Self::File(path) = self { Some(path) } else { None }
    }

    /// Is it what a command prints?
    pub fn is_command(&self) -> bool {
        matches!(self, Self::Command(_))
    }

    /// Why its command cannot be started as things are now. Looks, and runs nothing.
    pub fn not_started(&self, env: &BTreeMap<String, String>) -> Option<NoToken> {
        match self {
            Self::Command(words) => found(words.first()?, env).err(),
            Self::Env(_) | Self::File(_) => None,
        }
    }

    /// Reads the token: once, when the connection is made. `env` is the environment of this process.
    pub fn read(&self, env: &BTreeMap<String, String>) -> Result<SecretString, NoToken> {
        match self {
            Self::Env(name) => match env.get(name).map(|value| value.trim()) {
                Some(value) if !value.is_empty() => Ok(value.into()),
                _ => Err(NoToken::Unset(name.clone())),
            },
            Self::File(path) => {
                let unreadable = |e: std::io::Error| NoToken::Unreadable { path: path.clone(), why: e.to_string() };
                first_line(&fs::read_to_string(path).map_err(unreadable)?, &path.display().to_string())
            }
            Self::Command(words) => {
                let (program, arguments) =
                    words.split_first().ok_or_else(|| NoToken::Empty("no command".to_owned()))?;
                let failed = |why: String| NoToken::Command { program: program.clone(), why };
                let whole = found(program, env)?;
                let hint = "run it by hand to see why";
                let ran = program::run(&whole, arguments, [], LIMIT).map_err(|e| failed(e.to_string()))?;
                match ran.status {
                    Some(status) if status.success() => first_line(&String::from_utf8_lossy(&ran.answer), program),
                    Some(status) => Err(failed(format!("{status}; {hint}"))),
                    None => Err(failed(format!("it did not end within {} s; {hint}", LIMIT.as_secs()))),
                }
            }
        }
    }
}

/// The program that a command means.
fn found(program: &str, env: &BTreeMap<String, String>) -> Result<PathBuf, NoToken> {
    let missing = |why| NoToken::NoProgram { program: program.to_owned(), why };
    if program.contains('/') {
        let path = PathBuf::from(program);
        return if ownership::is_program(&path) { Ok(path) } else { Err(missing("that is no file that can be run")) };
    }
    let path = env.get("PATH").map_or("", String::as_str);
    ownership::program(program, path).ok_or_else(|| missing("there is no such program in the whole paths of PATH"))
}

fn first_line(text: &str, from: &str) -> Result<SecretString, NoToken> {
    match text.lines().next().map(str::trim) {
        Some(token) if !token.is_empty() => Ok(token.into()),
        _ => Err(NoToken::Empty(from.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(source: &TokenSource) -> Result<String, NoToken> {
        let env = [("TOKEN", "s3cr3t\n"), ("EMPTY", ""), ("PATH", ".:/usr/bin:/bin")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        source.read(&env).map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn a_token_is_read_from_the_environment_a_file_or_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "from-file\nsecond line\n").unwrap();
        assert_eq!(read(&TokenSource::Env("TOKEN".into())), Ok("s3cr3t".into()));
        assert_eq!(read(&TokenSource::File(path)), Ok("from-file".into()));
        assert_eq!(read(&TokenSource::Command(vec!["echo".into(), "from-command".into()])), Ok("from-command".into()));
    }

    #[test]
    fn a_token_that_is_not_there_says_where_it_was_looked_for() {
        assert_eq!(read(&TokenSource::Env("EMPTY".into())), Err(NoToken::Unset("EMPTY".into())));
        assert_eq!(read(&TokenSource::Command(vec!["true".into()])), Err(NoToken::Empty("true".into())));
        let missing = read(&TokenSource::File("/nowhere/token".into())).unwrap_err();
        assert!(missing.to_string().starts_with("the token's file /nowhere/token cannot be read"), "{missing}");
        let script = "echo hunter2; echo hunter2 >&2; exit 1";
        let failed = read(&TokenSource::Command(vec!["sh".into(), "-c".into(), script.into()])).unwrap_err();
        let said = "the token's command 'sh' failed: exit status: 1; run it by hand to see why";
        assert_eq!(failed.to_string(), said);
    }

    #[test]
    fn a_program_that_is_not_there_is_said_without_running_one_that_is() {
        let folder = tempfile::tempdir().unwrap();
        let ran = folder.path().join("ran");
        let command = |words: &[&str]| TokenSource::Command(words.iter().map(|word| (*word).to_owned()).collect());
        let env = BTreeMap::from([("PATH".to_owned(), ".:/usr/bin:/bin".to_owned())]);
        let said = |source: &TokenSource| source.not_started(&env).map(|why| why.about("the password"));
        assert_eq!(said(&command(&["touch", ran.to_str().unwrap()])), None);
        assert!(!ran.exists());
        let nowhere = "the password's command 'no-such-vault' cannot be started: there is no such program in the whole paths of PATH";
        assert_eq!(said(&command(&["no-such-vault"])).as_deref(), Some(nowhere));
        let no_file = "the password's command '/nowhere/vault' cannot be started: that is no file that can be run";
        assert_eq!(said(&command(&["/nowhere/vault"])).as_deref(), Some(no_file));
        assert_eq!(said(&TokenSource::Env("UNSET".into())), None);
    }

    #[test]
    fn the_arguments_of_a_command_are_masked() {
        let source = TokenSource::Command(vec!["vault".into(), "read".into(), "hunter2".into()]);
        let shown = toml::to_string(&BTreeMap::from([("token", source)])).unwrap();
        assert_eq!(shown, "[token]\ncommand = [\"vault\", \"…\"]\n");
    }
}
