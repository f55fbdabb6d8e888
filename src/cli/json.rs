//! JSON for scripts: one object, indented, a line feed at the end. `docs/json.md` describes each schema.

use std::io::Write;

use serde::Serialize;

use crate::cli::exit::CliError;

/// Prints one object.
pub fn print(value: &impl Serialize, out: &mut dyn Write) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|e| CliError::failed(e.to_string()))?;
    Ok(writeln!(out, "{text}")?)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        fs,
    };

    use serde_json::Value;

    use crate::{
        cli::{
            inbox::inbox,
            keys::keys,
            sample,
            snapshot::{LineOut, RunOut, picture},
            status::status,
        },
        domain::evidence::Verdict,
        keymap::Keymap,
    };

    fn fields(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields_of) => {
                for (name, value) in fields_of {
                    found.insert(name.clone());
                    fields(value, found);
                }
            }
            Value::Array(all) => all.iter().for_each(|one| fields(one, found)),
            _ => {}
        }
    }

    #[test]
    fn every_field_is_described() {
        let described = fs::read_to_string("docs/json.md").unwrap();
        let model = sample::judged(Verdict::Wait, "too few requests");
        let keymap = Keymap::with(&BTreeMap::new()).unwrap();
        let run = RunOut { column: 0, cells: 1, role: None, selected: true };
        let lines = vec![LineOut { text: String::new(), runs: vec![run] }];
        let all = [
            serde_json::to_value(status(&model, None, |_| String::new())),
            serde_json::to_value(inbox(&model)),
            serde_json::to_value(keys(&keymap)),
            serde_json::to_value(picture(&model, lines)),
        ];
        let mut found = BTreeSet::new();
        for value in all {
            fields(&value.unwrap(), &mut found);
        }
        let is_described = |name: &&String| {
            [format!("`{name}`"), format!("`{name}[]`"), format!("`{name}.")]
                .iter()
                .any(|form| described.contains(form))
                || described.contains(&format!(".{name}`"))
        };
        let missing: Vec<&String> = found.iter().filter(|name| !is_described(name)).collect();
        assert_eq!(missing, Vec::<&String>::new());
    }
}
