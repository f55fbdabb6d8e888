//! How the program ends: one enum for all commands, printed by `--help`. Scripts rely on these numbers.

use std::{fmt, io};

use strum::{EnumIter, IntoEnumIterator};

use crate::domain::text::{one_line, without_userinfo};

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter)]
#[repr(u8)]
pub enum Exit {
    /// Done, or GO.
    Done = 0,
    /// It was tried and failed.
    Failed = 1,
    /// Usage, unknown or ambiguous target, bad configuration.
    Usage = 2,
    /// NO-GO: evidence of harm.
    NoGo = 3,
    /// WAIT: undecided when the time ran out.
    Wait = 4,
    /// NO DATA: cannot be judged.
    NoData = 5,
    /// Changed since it was looked at.
    Changed = 6,
    /// Sent, could not be confirmed.
    Unknown = 7,
    /// Unreachable, not all of it could be read, or not permitted.
    Unreachable = 8,
    /// Refused by policy.
    Refused = 9,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// As `--help` says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "done, or GO",
            Self::Failed => "failed",
            Self::Usage => "usage, unknown or ambiguous target, bad configuration",
            Self::NoGo => "NO-GO: evidence of harm",
            Self::Wait => "WAIT: undecided, or not verified when the time ran out",
            Self::NoData => "NO DATA: cannot be judged",
            Self::Changed => "changed since you looked: --expect did not hold, or 409",
            Self::Unknown => "outcome unknown: sent, could not be confirmed",
            Self::Unreachable => "unreachable, incomplete or not permitted",
            Self::Refused => "refused by policy: freeze, rights, people, staleness",
            Self::Interrupted => "interrupted",
        }
    }

    /// Ends with this also where nobody reads the answer any more (`… | head -1`): what was found stays found.
    pub fn whoever_reads(self, printed: Result<(), CliError>) -> Result<Self, CliError> {
        match printed {
            Err(error) if error.exit != Self::Done => Err(error),
            Ok(()) | Err(_) => Ok(self),
        }
    }

    /// The table below `--help`.
    pub fn table() -> String {
        let line = |exit: Self| format!("\n  {:>3}  {}", exit.code(), exit.words());
        format!("Exit codes:{}", Self::iter().map(line).collect::<String>())
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do what was asked, and with which code it ends. Goes to stderr as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    /// With which code.
    pub exit: Exit,
    /// Private, so that every one of its lines was made here.
    text: String,
}

impl CliError {
    /// An error that is said in one line. It quotes arguments, files and systems: nothing of them begins another line, and no
    /// address in it says by whose name it is asked.
    pub fn new(exit: Exit, text: impl AsRef<str>) -> Self {
        Self::lines(exit, [text])
    }

    /// An error that is said in lines, each as in [`CliError::new`].
    pub fn lines(exit: Exit, lines: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let lines = lines.into_iter().map(|line| without_userinfo(&one_line(line.as_ref())));
        Self { exit, text: lines.collect::<Vec<_>>().join("\n") }
    }

    /// Wrong usage: an unknown target, a flag that is needed.
    pub fn usage(text: impl AsRef<str>) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// Something went wrong.
    pub fn failed(text: impl AsRef<str>) -> Self {
        Self::new(Exit::Failed, text)
    }

    /// A sentence that names the thing and the way out; empty where there is nothing to say.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for CliError {}

impl From<io::Error> for CliError {
    fn from(e: io::Error) -> Self {
        // `holdshort status | head` is no failure of ours.
        if e.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Done, text: String::new() };
        }
        Self::failed(format!("cannot write the answer: {e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_quotes_begins_no_line_of_its_own() {
        let error = CliError::usage("there is no 'x\nholdshort: done\u{1b}[2J' at https://u:p@host");
        assert_eq!(error.text(), "there is no 'x⏎holdshort: done�[2J' at https://…@host");
        assert_eq!(CliError::lines(Exit::Usage, ["a", "  b\nc"]).text(), "a\n  b⏎c");
    }

    #[test]
    fn the_codes_are_those_that_scripts_rely_on() {
        let codes: Vec<u8> = Exit::iter().map(Exit::code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130]);
        assert!(Exit::table().contains("\n  130  interrupted"));
    }
}
