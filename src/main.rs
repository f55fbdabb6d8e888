//! The program: hands the command line to the composition root and ends with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    holdshort::run::run(std::env::args_os())
}
