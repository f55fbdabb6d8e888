//! Flags of every command that name something: it must be there, also where the command itself has no use for it. What they do is
//! with those who take them.

use std::collections::BTreeMap;

use crate::{
    cli::{Cli, CliError, Command},
    run::paint,
    theme,
};

/// Holds them against what there is. What the environment says is said for every command and means those that take it.
pub(super) fn named(cli: &Cli, environment: &BTreeMap<String, String>) -> Result<(), CliError> {
    let globals = &cli.globals;
    let in_demo = globals.demo.is_some() || matches!(cli.command, Some(Command::Demo(_)));
    let flag = |value: &Option<String>, variable: &str| {
        value.clone().filter(|value| !value.is_empty() && environment.get(variable) != Some(value))
    };
    if let Some(profile) = flag(&globals.profile, "HOLDSHORT_PROFILE").filter(|_| in_demo) {
        let said =
            format!("--profile '{profile}' is one of a configuration: the built-in world has none, leave it out");
        return Err(CliError::usage(said));
    }
    match flag(&globals.theme, "HOLDSHORT_THEME").filter(|theme| theme::built_in(theme).is_none()) {
        Some(theme) => Err(paint::no_theme(&theme)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse;

    #[test]
    fn a_flag_that_names_nothing_is_a_mistake_and_the_environment_is_for_those_that_take_it() {
        let of = |line: &str, variables: &[(&str, &str)]| {
            let environment = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            named(&parse(line.split(' ')).unwrap(), &environment).err().map(|error| error.text().to_owned())
        };
        let theme = "there is no theme 'nosuch': `holdshort themes list` shows them";
        let profile = "--profile 'nosuch' is one of a configuration: the built-in world has none, leave it out";
        assert_eq!(of("holdshort status --theme nosuch", &[]).as_deref(), Some(theme));
        assert_eq!(of("holdshort status --theme nosuch --demo", &[]).as_deref(), Some(theme));
        assert_eq!(of("holdshort status --theme light --demo", &[]), None);
        for line in ["holdshort status --demo --profile nosuch", "holdshort demo --profile nosuch"] {
            assert_eq!(of(line, &[]).as_deref(), Some(profile), "{line}");
        }
        assert_eq!(of("holdshort status --profile night", &[]), None, "the configuration knows");
        let variables = [("HOLDSHORT_THEME", "nosuch"), ("HOLDSHORT_PROFILE", "night")];
        assert_eq!(of("holdshort status --demo --theme nosuch --profile night", &variables), None);
    }
}
