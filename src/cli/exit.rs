//! How the program ends: one enum for all commands, printed by `--help`. Scripts rely on these numbers.

use std::{fmt, io};

use strum::{EnumIter, IntoEnumIterator};

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
    /// Unreachable or not permitted.
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
            Self::Unreachable => "unreachable or not permitted",
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
    /// A sentence that names the thing and the way out.
    pub text: String,
}

impl CliError {
    /// Wrong usage: an unknown target, a flag that is needed.
    pub fn usage(text: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, text: text.into() }
    }

    /// Something went wrong.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, text: text.into() }
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
    fn the_codes_are_those_that_scripts_rely_on() {
        let codes: Vec<u8> = Exit::iter().map(Exit::code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130]);
        assert!(Exit::table().contains("\n  130  interrupted"));
    }
}
