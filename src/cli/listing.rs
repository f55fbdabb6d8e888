//! Lists of what comes with the program: scenarios and themes, and what is wrong with a theme.

use std::io::Write;

use crate::cli::{
    exit::{CliError, Exit},
    table::{Layout, Table},
};

/// A name and one line about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// One line.
    pub about: String,
}

/// `demo --list` and `themes list`: a name and one line each.
pub fn list(all: &[Named], heading: &str, layout: Layout, out: &mut dyn Write) -> Result<Exit, CliError> {
    let mut table = Table::new(&[heading, "ABOUT"]);
    for one in all {
        table.row([one.name.clone(), one.about.clone()]);
    }
    table.print_as(layout, out)?;
    Ok(Exit::Done)
}

/// `themes check`: what is wrong with each theme that was looked at, each as a sentence.
pub fn check(themes: &[(String, Vec<String>)], out: &mut dyn Write) -> Result<Exit, CliError> {
    for (name, problems) in themes {
        if problems.is_empty() {
            writeln!(out, "{name}: good")?;
        }
        for problem in problems {
            writeln!(out, "{name}: {problem}")?;
        }
    }
    let good = themes.iter().all(|(_, problems)| problems.is_empty());
    Ok(if good { Exit::Done } else { Exit::Failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_with_a_problem_fails_the_check_and_says_it() {
        let themes = [("dark".to_owned(), Vec::new()), ("mine".to_owned(), vec!["status.go has no glyph".to_owned()])];
        let mut out = Vec::new();
        assert_eq!(check(&themes, &mut out), Ok(Exit::Failed));
        assert_eq!(String::from_utf8(out).unwrap(), "dark: good\nmine: status.go has no glyph\n");
        assert_eq!(check(&themes[..1], &mut Vec::new()), Ok(Exit::Done));
    }
}
