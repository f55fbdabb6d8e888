//! `completions` and `man`: what shells and man read, from what the command line is told of itself. Nothing here knows a command.

use std::io::Write;

use clap::{Args, Command as Described, CommandFactory, ValueEnum};

use crate::cli::{
    args::Cli,
    exit::{CliError, Exit},
};

/// What the program is called.
const NAME: &str = "holdshort";

/// Below `completions --help`.
pub(super) const COMPLETIONS: &str = "\
Once, for you alone:
  holdshort completions bash > ~/.local/share/bash-completion/completions/holdshort
  holdshort completions zsh  > ~/.zfunc/_holdshort    # a folder of fpath, before compinit
  holdshort completions fish > ~/.config/fish/completions/holdshort.fish";

/// Below `man --help`.
pub(super) const MAN: &str = "\
To read it:          holdshort man > holdshort.1 && man -l holdshort.1
To have them all:    holdshort man --out ~/.local/share/man/man1";

/// A shell that completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash, 4 and later.
    Bash,
    /// The Z shell.
    Zsh,
    /// The friendly one.
    Fish,
}

/// `man`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct ManArgs {
    /// Of this command: gate, `audit list`
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    pub command: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<std::path::PathBuf>,
}

/// Prints what completes in a shell.
pub fn completions(shell: Shell, out: &mut dyn Write) -> Result<Exit, CliError> {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut shown(&Cli::command()), NAME, &mut text);
    out.write_all(&text)?;
    Ok(Exit::Done)
}

/// Prints a page, or writes all of them.
pub fn man(args: &ManArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let mut all = shown(&Cli::command());
    all.build();
    if let Some(folder) = &args.out {
        let failed = |why: std::io::Error| CliError::failed(format!("{}: {why}", folder.display()));
        std::fs::create_dir_all(folder).map_err(failed)?;
        clap_mangen::generate_to(shown(&Cli::command()), folder).map_err(failed)?;
        return Ok(Exit::Done);
    }
    let mut command = &all;
    for name in &args.command {
        command = command.find_subcommand(name).ok_or_else(|| {
            let there: Vec<&str> = command.get_subcommands().map(Described::get_name).collect();
            CliError::usage(format!("there is no command '{name}'; there are: {}", there.join(", ")))
        })?;
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    out.write_all(&text)?;
    Ok(Exit::Done)
}

/// The command line without what only the program itself starts.
fn shown(all: &Described) -> Described {
    let of = Described::new(NAME).version(env!("CARGO_PKG_VERSION")).after_help(Exit::table());
    let of = all.get_about().cloned().into_iter().fold(of, Described::about);
    let of = of.args(all.get_arguments().cloned());
    of.subcommands(all.get_subcommands().filter(|one| !one.is_hide_set()).cloned())
}
