//! JSON for scripts: one object, indented, a line feed at the end. `docs/json.md` describes each schema.

use std::io::Write;

use serde::Serialize;

use crate::cli::exit::CliError;

/// Prints one object.
pub fn print(value: &impl Serialize, out: &mut dyn Write) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|e| CliError::failed(e.to_string()))?;
    Ok(writeln!(out, "{text}")?)
}
