//! JSON for scripts: one object, indented, a line feed at the end. `docs/json.md` describes each schema.

use std::{fmt::Write as _, io::Write};

use serde::Serialize;

use crate::{cli::exit::CliError, domain::text::is_unprintable};

/// Prints one object.
pub fn print(value: &impl Serialize, out: &mut dyn Write) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|e| CliError::failed(e.to_string()))?;
    Ok(out.write_all(format!("{}\n", escaped(&text)).as_bytes())?)
}

/// Prints one object on a line.
pub fn print_line(value: &impl Serialize, out: &mut dyn Write) -> Result<(), CliError> {
    let text = serde_json::to_string(value).map_err(|e| CliError::failed(e.to_string()))?;
    Ok(out.write_all(format!("{}\n", escaped(&text)).as_bytes())?)
}

/// JSON in which every character can be printed: what a terminal would obey or hide is escaped, so that it reads back as it
/// was. serde escapes only what JSON makes it.
fn escaped(json: &str) -> String {
    if json.bytes().all(|byte| (0x20..0x7f).contains(&byte) || byte == b'\n') {
        return json.to_owned();
    }
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_unprintable(c) {
            // Writing to a String cannot fail.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
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
            args::RunsArgs,
            emergency::{self, Gathered, Known, Whence},
            inbox::inbox,
            keys::keys,
            run::{LogOut, Read, TestOut, TestsOut, one_run},
            runs::runs,
            sample,
            snapshot::{LineOut, RunOut, picture},
            status::status,
        },
        domain::{
            evidence::Verdict,
            log::Line,
            pipeline::{Node, NodeKind, RunStatus, Status},
            preflight::{About, Check, Grade},
            verb::Verb,
        },
        keymap::Keymap,
        port::cached::{Standing, Way},
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
    fn what_a_terminal_would_obey_or_hide_is_escaped_and_reads_back() {
        let text = "a\u{1b}]52;c;aGk=\u{7}\n\u{7f}\u{9b}2J\u{202e}\u{e0041}größe ✔";
        let (mut one, mut line) = (Vec::new(), Vec::new());
        super::print(&[text], &mut one).unwrap();
        super::print_line(&[text], &mut line).unwrap();
        for out in [one, line] {
            let printed = String::from_utf8(out).unwrap();
            let bad = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{e0041}".contains(c));
            assert!(!printed.contains(bad), "{printed:?}");
            assert_eq!(serde_json::from_str::<[String; 1]>(&printed).unwrap(), [text]);
        }
    }

    #[test]
    fn every_field_is_described() {
        let described = fs::read_to_string("docs/json.md").unwrap();
        let model = sample::judged(Verdict::Wait);
        let keymap = Keymap::with(&BTreeMap::new()).unwrap();
        let stretch = RunOut { column: 0, cells: 1, role: None, selected: true };
        let log = LogOut {
            job: "unit".into(),
            lines: vec![Line { at: Some(model.now), grouped: true, ..Line::default() }],
            cut: false,
            over: true,
        };
        let node =
            Node { nodes: Vec::new(), ..Node::new(NodeKind::Job, "unit", Status::said(RunStatus::Failed, "failure")) };
        let run = "github/run/acme/ledger/812".parse().unwrap();
        let failure = TestOut {
            suite: "unit".into(),
            class: String::new(),
            name: "pays".into(),
            said: String::new(),
            passed_on_this_commit: None,
        };
        let tests = TestsOut {
            run: String::new(),
            passed_run: None,
            passed: 0,
            failed: 1,
            skipped: 0,
            unknown: 0,
            failures: vec![failure],
            unread: Vec::new(),
        };
        let lines = vec![LineOut { text: String::new(), runs: vec![stretch] }];
        let rollout = model.store.rollouts().next().unwrap().clone();
        let way = Way {
            target: rollout.id.clone(),
            verb: Verb::Abort,
            from: None,
            to: None,
            said: String::new(),
            commands: Vec::new(),
            standing: Standing {
                checks: vec![Check::new(About::Data, Grade::Red, "").mended_by("")],
                against: vec![String::new()],
                instead: vec![String::new()],
            },
        };
        let gate = model.store.gates().next().unwrap().clone();
        let know = |item| Known { item, at: model.now, whence: Whence::Live, ways: vec![way.clone()] };
        let night = Gathered {
            now: model.now,
            known: vec![know(rollout.into()), know(gate.into())],
            records: Vec::new(),
            broken: vec![emergency::Broken { part: "journal", why: String::new() }],
            services: Vec::new(),
        };
        let all = [
            serde_json::to_value(emergency::emergency("payments", &night)),
            serde_json::to_value(status(&model, None, |_| String::new())),
            serde_json::to_value(inbox(&model)),
            serde_json::to_value(runs(&model, &RunsArgs::default(), &[])),
            serde_json::to_value(one_run(
                &model,
                &run,
                Read { nodes: &[node], tests: Some(tests), log: Some(log), error: None },
            )),
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
