//! Credentials that a program of the user's prints: `credential_process` of a profile.
//!
//! Source: docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html. No shell is started, and the file that names the
//! program must be ours: whoever could write it could run anything in our name.

use std::path::{Path, PathBuf};

use super::{Credentials, credentials::Lent};
use crate::{ownership, program};

/// Runs it, and reads what it prints. Blocks.
///
/// # Errors
/// Why it gives none, as a sentence.
pub(super) fn credentials(line: &str, named_in: Option<&Path>, path: &str, from: &str) -> Result<Credentials, String> {
    if let Some(file) = named_in
        && let Some(why) = ownership::distrust(file).unwrap_or_else(|error| Some(error.to_string()))
    {
        return Err(format!("its credential_process is not run: {} names it, and {why}", file.display()));
    }
    let words = words(line);
    let (program, arguments) = words.split_first().ok_or("its credential_process is empty")?;
    let failed = |why: String| format!("its credential_process '{program}' failed: {why}");
    let whole =
        whole(program, path).ok_or_else(|| failed("there is no such program in the whole paths of PATH".to_owned()))?;
    let ran = program::run(&whole, arguments, [], program::LIMIT).map_err(|why| failed(why.to_string()))?;
    let told: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match ran.status {
        Some(status) if status.success() => {}
        Some(status) => {
            let said = ran.words(told).map(|said| format!(" ({said})")).unwrap_or_default();
            return Err(failed(format!("{status}{said}")));
        }
        None => return Err(failed(format!("it did not end within {} s", program::LIMIT.as_secs()))),
    }
    // What it printed is a secret, and no error may repeat it.
    let lent: Lent = serde_json::from_slice(&ran.answer).map_err(|_| failed("it printed no credentials".to_owned()))?;
    Ok(lent.credentials(from))
}

fn whole(program: &str, path: &str) -> Option<PathBuf> {
    if !program.contains('/') {
        return ownership::program(program, path);
    }
    // Whatever lies in the folder one stands in would be run.
    Some(PathBuf::from(program)).filter(|whole| whole.is_absolute() && ownership::is_program(whole))
}

/// The words of a line as AWS's tools split it: blanks separate, quotes keep together.
fn words(line: &str) -> Vec<String> {
    let (mut all, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, c) if c.is_whitespace() => all.extend(word.take()),
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    all.into_iter().chain(word).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_line_is_split_as_a_shell_would_without_starting_one() {
        assert_eq!(
            words(r#"/opt/my\ tool --for "the  team" '$(id)' """#),
            ["/opt/my tool", "--for", "the  team", "$(id)", ""]
        );
    }

    #[test]
    fn what_a_program_prints_is_read_and_its_failure_is_a_sentence_without_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let script = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
            path.display().to_string()
        };
        let of = |line: &str| credentials(line, None, "/usr/bin:/bin", "profile prod");
        let good = script(
            "good",
            r#"echo '{"Version":1,"AccessKeyId":"ASIA1","SecretAccessKey":"hush","SessionToken":"tok"}'"#,
        );
        let lent = of(&good).unwrap();
        assert_eq!((lent.key.as_str(), lent.from.as_str()), ("ASIA1", "profile prod"));
        let bad = script("bad", "echo sign in first >&2; exit 3");
        assert!(of(&bad).unwrap_err().ends_with("(sign in first)"), "{:?}", of(&bad));
        let odd = script("odd", "echo AKIAHUSH");
        let said = of(&odd).unwrap_err();
        assert!(said.ends_with("it printed no credentials") && !said.contains("HUSH"), "{said}");
        assert!(of("./good").unwrap_err().contains("no such program"));
    }

    #[test]
    fn a_program_that_a_strangers_file_names_is_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        std::fs::write(&config, "").unwrap();
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o666)).unwrap();
        let said = credentials("/bin/true", Some(&config), "/bin", "it").unwrap_err();
        assert!(said.starts_with("its credential_process is not run"), "{said}");
    }
}
