//! `state init`: what was made, and what belongs into the configuration now.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use crate::{
    cli::exit::{CliError, Exit},
    domain::text::clean,
};

/// One part of a team's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where.
    pub path: PathBuf,
    /// What became of it, in a word: `made`.
    pub became: &'static str,
    /// Its mode.
    pub mode: u32,
}

/// Prints the place of a group.
pub fn print(
    parts: &[Part],
    group: &str,
    folder: &Path,
    closed: Option<&Path>,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let shown = |path: &Path| clean(&path.display().to_string());
    for Part { path, became, mode } in parts {
        writeln!(out, "{became:<8} {} (group {}, {mode:04o})", shown(path), clean(group))?;
    }
    if let Some(closed) = closed {
        writeln!(out)?;
        writeln!(
            out,
            "Only its owner comes through {}: nobody else reaches the place until that is opened (chmod +x).",
            shown(closed)
        )?;
    }
    let quoted = |text: String| toml::Value::from(text).to_string();
    let (path, group) = (quoted(folder.display().to_string()), quoted(group.to_owned()));
    writeln!(out)?;
    writeln!(out, "In the configuration of everybody in the group, /etc/holdshort/config.toml:")?;
    writeln!(out)?;
    writeln!(out, "[state]")?;
    writeln!(out, "path = {path}")?;
    writeln!(out, "group = {group}")?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_said_with_what_belongs_into_the_configuration() {
        let part = |path: &str, mode| Part { path: path.into(), became: "made", mode };
        let mut out = Vec::new();
        let parts = [part("/srv/ops", 0o2770), part("/srv/ops/journal.sqlite", 0o660)];
        print(&parts, "ops", Path::new("/srv/ops"), None, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "made     /srv/ops (group ops, 2770)\nmade     /srv/ops/journal.sqlite (group ops, 0660)\n\n\
             In the configuration of everybody in the group, /etc/holdshort/config.toml:\n\n\
             [state]\npath = \"/srv/ops\"\ngroup = \"ops\"\n"
        );
    }
}
