//! A system before it is built: what a scenario says of it, and what others must know to look at it.
//!
//! Each system's folder has one `Kind`, which reads its table of a scenario; `registry` lists them. Nothing here or in `world`
//! knows which systems there are.

use std::{fmt, sync::Arc};

use serde::{Deserialize, de::DeserializeOwned};
use toml::{
    Spanned, Table,
    de::{DeTable, DeValue, Error, ValueDeserializer},
};

use crate::{
    demo::{system::System, time::Offset, traffic::spec::TrafficSpec},
    domain::{
        ids::{EnvironmentName, SourceName},
        offer::Risk,
        time::Timestamp,
    },
};

/// A value of a scenario, with its place in the text.
pub(crate) type Node<'i> = Spanned<DeValue<'i>>;

/// Names of files, and their text.
pub type Files = Vec<(&'static str, String)>;

/// A kind of system that the world can play.
pub(crate) struct Kind {
    /// As `kind` of a `[[systems]]` table names it.
    pub(crate) name: &'static str,
    /// Reads such a table, from which `kind` is taken out.
    pub(crate) read: fn(Node<'_>) -> Result<Arc<dyn Blueprint>, Error>,
    /// Takes out of a scenario that has no `[[systems]]` what it says of this kind in the form of before: the tables, as they
    /// are read now.
    pub(crate) former: for<'i> fn(&mut DeTable<'i>) -> Result<Vec<Node<'i>>, String>,
    /// What leads other programs to the systems of this kind that are served at `base`: names of files, and their text.
    pub(crate) files: fn(base: &str, mounts: &[Mount]) -> Files,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Where a system is served: how its paths begin, as `/payments/eu`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mount(String);

impl Mount {
    /// A path with a slash before each part.
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last part.
    pub(crate) fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// What of a path and query is below it.
    pub(crate) fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&self.0).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }
}

/// What of a scenario concerns every system.
#[derive(Clone, Debug)]
pub struct Ground<'a> {
    /// What everything random follows from.
    pub seed: u64,
    /// The moment that offsets count from.
    pub start: Timestamp,
    /// The moment at which the world begins.
    pub begins: Timestamp,
    /// The traffic of services.
    pub traffic: &'a [TrafficSpec],
    /// Each cell that services run in, and the environment that it is.
    pub cells: Vec<(String, EnvironmentName)>,
}

/// One system as a scenario describes it.
pub trait Blueprint: fmt::Debug + Send + Sync {
    /// Where it is served.
    fn mount(&self) -> Mount;

    /// The cell that it is, if services run in it, and the environment that this is.
    fn cell(&self) -> Option<(&str, &EnvironmentName)> {
        None
    }

    /// What the reader of TOML cannot see: why it cannot be, in a sentence.
    fn check(&self, ground: &Ground<'_>) -> Result<(), String>;

    /// The system at the world's begin.
    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String>;

    /// How a configuration connects to it where it is served at this address.
    fn connection(&self, address: &str, ground: &Ground<'_>) -> Connection;
}

/// A connection, for the configuration that looks at a world.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// What it is called.
    pub name: SourceName,
    /// Its table, as a configuration has it.
    pub settings: Table,
    /// The environments that it tells of, and what a mistake costs there; nothing where others may say so.
    pub environments: Vec<(EnvironmentName, Option<Risk>)>,
}

/// Something that happens at a moment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event<A> {
    /// When.
    pub at: Offset,
    /// What.
    pub act: A,
}

/// Reads a table whose `script` is no part of what it describes.
pub(crate) fn scripted<S: DeserializeOwned, A: DeserializeOwned>(node: Node<'_>) -> Result<(S, Vec<Event<A>>), Error> {
    let at = node.span();
    let mut value = node.into_inner();
    let script = match &mut value {
        DeValue::Table(table) => table.remove("script"),
        _ => None,
    };
    let script = script.map(|script| Vec::deserialize(ValueDeserializer::from(script))).transpose()?;
    let system = S::deserialize(ValueDeserializer::from(Spanned::new(at, value)))?;
    Ok((system, script.unwrap_or_default()))
}

/// The script in the world's time.
pub(crate) fn timed<A: Clone>(script: &[Event<A>], start: Timestamp) -> Vec<(Timestamp, A)> {
    script.iter().map(|event| (event.at.from(start), event.act.clone())).collect()
}

/// What stood under a key of a scenario, one table or many.
pub(crate) fn former<'i>(root: &mut DeTable<'i>, key: &str) -> Vec<Node<'i>> {
    match root.remove(key) {
        None => Vec::new(),
        Some(node) => {
            let at = node.span();
            match node.into_inner() {
                DeValue::Array(array) => array.into_iter().collect(),
                other => vec![Spanned::new(at, other)],
            }
        }
    }
}
