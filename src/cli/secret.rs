//! Secrets that a verb asks for, from where the command line says that they stand: never from the command line itself, where
//! every user of the machine could read them.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
};

use crate::{cli::exit::CliError, domain::text::clean, port::secrets::Secrets};

/// A secret that is longer than this is none.
const MOST: u64 = 1 << 20;

/// Reads each: `NAME=@FILE`, `NAME=env:VARIABLE`, `NAME=-` for standard input.
pub fn read(
    said: &[(String, String)],
    environment: &BTreeMap<String, String>,
    stdin: &mut dyn Read,
) -> Result<Secrets, CliError> {
    let mut secrets = Secrets::default();
    for (name, place) in said {
        if secrets.get(name).is_some() {
            return Err(CliError::usage(format!("--secret {} is said twice", clean(name))));
        }
        let text = one(name, place, environment, stdin)?;
        // The line feed is the file's, not the secret's.
        let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        if text.is_empty() {
            return Err(CliError::usage(format!("--secret {}: there is nothing in it", clean(name))));
        }
        secrets = secrets.with(name.as_str(), text);
    }
    Ok(secrets)
}

fn one(
    name: &str,
    place: &str,
    environment: &BTreeMap<String, String>,
    stdin: &mut dyn Read,
) -> Result<String, CliError> {
    let bad = |why: &io::Error| CliError::usage(format!("--secret {}: it cannot be read: {why}", clean(name)));
    if place == "-" {
        return all(stdin).map_err(|e| bad(&e));
    }
    if let Some(variable) = place.strip_prefix("env:") {
        let unset = || CliError::usage(format!("--secret {}: {} is not set", clean(name), clean(variable)));
        return environment.get(variable).cloned().ok_or_else(unset);
    }
    if let Some(file) = place.strip_prefix('@') {
        return fs::File::open(file).and_then(|mut file| all(&mut file)).map_err(|e| bad(&e));
    }
    // What stands there may be the secret itself: it is not repeated.
    let how = "say where it stands: @FILE, env:VARIABLE or - for standard input";
    Err(CliError::usage(format!("--secret {}: {how}", clean(name))))
}

fn all(from: &mut dyn Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(said: &[(&str, &str)], input: &str) -> Result<Secrets, String> {
        let said: Vec<_> = said.iter().map(|(name, place)| ((*name).to_owned(), (*place).to_owned())).collect();
        let environment = BTreeMap::from([("PIN".to_owned(), "1234".to_owned()), ("EMPTY".to_owned(), String::new())]);
        read(&said, &environment, &mut input.as_bytes()).map_err(|error| error.text().to_owned())
    }

    #[test]
    fn a_secret_comes_from_a_variable_or_from_standard_input_without_its_line_feed() {
        let secrets = taken(&[("pin", "env:PIN"), ("password", "-")], "hunter2\r\n").unwrap();
        assert_eq!((secrets.get("pin"), secrets.get("password")), (Some("1234"), Some("hunter2")));
    }

    #[test]
    fn what_stands_on_the_command_line_is_refused_and_not_repeated() {
        let table = [
            ("hunter2", "--secret password: say where it stands: @FILE, env:VARIABLE or - for standard input"),
            ("env:NOT", "--secret password: NOT is not set"),
            ("env:EMPTY", "--secret password: there is nothing in it"),
            ("-", "--secret password: there is nothing in it"),
        ];
        for (place, words) in table {
            assert_eq!(taken(&[("password", place)], "").unwrap_err(), words);
        }
        assert!(taken(&[("password", "@/there/is/none")], "").unwrap_err().contains("it cannot be read"));
        let twice = taken(&[("pin", "env:PIN"), ("pin", "env:PIN")], "").unwrap_err();
        assert_eq!(twice, "--secret pin is said twice");
    }
}
