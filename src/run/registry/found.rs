//! What this machine tells of systems before anything is configured: each kind looks where it is usually told of. Connects to nothing
//! and runs nothing.

use std::{collections::BTreeMap, path::PathBuf};

use crate::config::draft::{Draft, Drafted};

/// Where one stands.
#[derive(Clone, Debug, Default)]
pub(in crate::run) struct Here {
    /// The environment of this process.
    pub(in crate::run) environment: BTreeMap<String, String>,
    /// The folder that it was started in.
    pub(in crate::run) folder: PathBuf,
    /// The environments that were found so far.
    pub(in crate::run) environments: Vec<String>,
}

/// What one kind found.
#[derive(Clone, Debug, Default)]
pub(in crate::run) struct Part {
    pub(in crate::run) connections: Vec<Drafted>,
    /// What it looked for and did not find, each with what to write for it.
    pub(in crate::run) missing: Vec<String>,
}

/// How one kind looks.
pub(super) type Look = fn(&Here) -> Part;

/// All that these find, in this order. No two connections have one name.
pub(super) fn found(mut here: Here, kinds: &[Look]) -> Draft {
    let mut draft = Draft::default();
    for kind in kinds {
        let part = kind(&here);
        for mut one in part.connections {
            let (own, mut count) = (one.name.clone(), 1);
            while draft.connections.iter().any(|known| known.name == one.name) {
                count += 1;
                one.name = format!("{own}-{count}");
            }
            draft.connections.push(one);
        }
        draft.missing.extend(part.missing);
        here.environments = draft.environments();
    }
    draft
}
