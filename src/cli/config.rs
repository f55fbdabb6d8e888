//! `config check|show`, and what is said where there is no configuration.

use std::io::Write;

use crate::{
    cli::exit::{CliError, Exit},
    config::{Failure, Loaded, show},
};

/// `config check`: says that it holds, and what of it was probably not meant. What does not is an error of loading, see [`refused`].
pub fn check(loaded: &Loaded, out: &mut dyn Write) -> Result<Exit, CliError> {
    let config = &loaded.config;
    writeln!(
        out,
        "the configuration holds: {}, {}, from {}",
        counted(config.connections.len(), "connection"),
        counted(config.services.len(), "service"),
        loaded.layers.join(", ")
    )?;
    // Nothing of it keeps the configuration from being used, and a script that only asks whether it can be is told so.
    for remark in &loaded.remarks {
        writeln!(out)?;
        // Each of its lines is ours: what it quotes was cleaned where it was quoted.
        remark.to_string().lines().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    Ok(Exit::Done)
}

/// `1 service`, `2 services`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `config show`: what is in force, without secrets.
pub fn show(loaded: &Loaded, out: &mut dyn Write) -> Result<Exit, CliError> {
    let text = show::show(loaded).map_err(|e| CliError::failed(format!("cannot write the configuration: {e}")))?;
    out.write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// Every setting: the page that is made of the schema.
const SETTINGS: &str = include_str!("../../docs/configuration.md");

/// `config schema`: every setting with its type, its default and an example.
pub fn schema(out: &mut dyn Write) -> Result<Exit, CliError> {
    let said = out.write_all(SETTINGS.as_bytes()).map_err(CliError::from);
    Exit::Done.whoever_reads(said)
}

/// What is said where the configuration cannot be had: every error at its place; or, where there is none at all, what to
/// do instead.
pub fn refused(failure: &Failure) -> CliError {
    match failure {
        // Each of its lines is ours: what it quotes was cleaned where it was quoted.
        Failure::Bad(_) => CliError::lines(Exit::Usage, failure.to_string().lines()),
        Failure::Nothing(looked) => {
            let path = looked.last().map_or_else(|| "config.toml".to_owned(), |path| path.display().to_string());
            let lines = [
                failure.to_string(),
                String::new(),
                "To look around without one:   holdshort demo".to_owned(),
                format!("To use your own systems:      holdshort init, which writes {path}"),
                "(`holdshort config schema` has every setting, `holdshort config check FILE` reads a file)".to_owned(),
            ];
            CliError::lines(Exit::Usage, lines)
        }
    }
}

/// A configuration that names no system has nothing to show.
pub fn needs_connections(loaded: &Loaded) -> Result<(), CliError> {
    if loaded.config.connections.is_empty() {
        let layers = loaded.layers.join(", ");
        return Err(CliError::usage(format!(
            "{layers}: no connection is configured; add [connections.NAME], or let `holdshort init --force` find them and write the file anew; `holdshort demo` needs none"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::door::Door,
        config::{
            Config,
            source::{Diagnostic, Place, Weight},
        },
    };

    #[test]
    fn without_a_configuration_the_demo_and_a_path_are_offered() {
        let error = refused(&Failure::Nothing(vec!["/etc/holdshort/config.toml".into(), "/home/d/config.toml".into()]));
        assert_eq!(error.exit, Exit::Usage);
        assert!(
            error.text().contains("holdshort demo")
                && error.text().contains("holdshort init, which writes /home/d/config.toml"),
            "{error}"
        );
    }

    #[test]
    fn what_was_probably_not_meant_is_said_line_by_line_and_keeps_nothing_from_being_used() {
        let place =
            Place { name: "a.toml".into(), line: 1, column: 1, text: "[environments.prodd]".into(), length: 20 };
        let remark =
            Diagnostic { weight: Weight::Warning, message: "nothing is in 'prodd'".into(), place: Some(place) };
        let (layers, remarks) = (vec!["a.toml".to_owned()], vec![remark]);
        let loaded = Loaded { config: Config::default(), layers, profile: None, remarks };
        let mut out = Door::new(Vec::new());
        assert_eq!(check(&loaded, &mut out), Ok(Exit::Done));
        let expected = "the configuration holds: 0 connections, 0 services, from a.toml\n\nwarning: nothing is in 'prodd'\n \
                        --> a.toml:1:1\n  |\n1 | [environments.prodd]\n  | ^^^^^^^^^^^^^^^^^^^^\n";
        assert_eq!(String::from_utf8(out.into_inner()).unwrap(), expected);
    }

    #[test]
    fn every_setting_is_printed_without_a_configuration() {
        let mut out = Vec::new();
        assert_eq!(schema(&mut out), Ok(Exit::Done));
        let page = String::from_utf8(out).unwrap();
        let needed = ["# Configuration", "| `most_targets` |", "`kind = \"kubernetes\"`", "| `client_certificate` |"];
        assert_eq!(needed.map(|text| page.contains(text)), [true; 4]);
    }

    #[test]
    fn a_configuration_without_a_connection_says_what_to_add() {
        let loaded =
            Loaded { config: Config::default(), layers: vec!["a.toml".into()], profile: None, remarks: Vec::new() };
        let error = needs_connections(&loaded).unwrap_err();
        assert_eq!(error.exit, Exit::Usage);
        let said =
            "a.toml: no connection is configured; add [connections.NAME], or let `holdshort init --force` find them";
        assert!(error.text().starts_with(said), "{error}");
    }
}
