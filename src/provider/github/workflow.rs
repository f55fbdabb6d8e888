//! What a workflow asks for where somebody starts it by hand: `on.workflow_dispatch.inputs` of its file, as a form. Pure.
//!
//! GitHub has no interface that tells it; its file does, on the default branch, without which a workflow cannot be started by hand
//! at all (docs.github.com, "Events that trigger workflows", `workflow_dispatch`).

use base64::{Engine, engine::general_purpose::STANDARD};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    domain::{
        form::{Args, Field, Kind},
        text::clean,
    },
    provider::github::{again::OURS, api},
};

/// GitHub takes so many inputs at most.
const MOST: usize = 25;
/// Longer words about an input are cut: they stand on a card.
const LONGEST_HINT: usize = 120;

/// What a workflow's file says of being started by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asks {
    /// May it be?
    pub(super) by_hand: bool,
    /// What it asks for then.
    pub(super) inputs: Vec<Field>,
}

/// A file, as far as it is of interest. YAML 1.2: `on` is no truth value there.
#[derive(Deserialize)]
struct File {
    on: Option<On>,
}

/// What starts it, in each of the three ways that it may be written.
#[derive(Deserialize)]
#[serde(untagged)]
enum On {
    One(String),
    Several(Vec<String>),
    Each(IndexMap<String, Option<Event>>),
}

/// Other events have lists here, or other keys.
#[derive(Deserialize)]
#[serde(untagged)]
enum Event {
    With { inputs: Option<IndexMap<String, Option<Input>>> },
    Other(serde::de::IgnoredAny),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    description: Option<String>,
    required: Option<bool>,
    default: Option<Value>,
    r#type: Option<String>,
    options: Vec<Value>,
}

/// What starts a workflow that somebody starts by hand.
pub(super) const BY_HAND: &str = "workflow_dispatch";
/// Stands before the name of an input that is called as a field of ours is.
const APART: &str = "inputs.";

impl Asks {
    /// Reads what the interface for contents gives.
    ///
    /// # Errors
    /// Why it cannot be read, as the end of a sentence.
    pub(super) fn of(contents: &api::Contents) -> Result<Self, String> {
        let encoded = contents.content.as_deref().filter(|_| contents.encoding.as_deref() == Some("base64"));
        let encoded: String = encoded.ok_or("its file is too long")?.split_whitespace().collect();
        let bytes = STANDARD.decode(encoded).map_err(|_| "its file came broken")?;
        Self::read(&String::from_utf8_lossy(&bytes))
    }

    fn read(text: &str) -> Result<Self, String> {
        let file: File = serde_saphyr::from_str(text).map_err(|_| "its file is no workflow that we can read")?;
        let inputs = match file.on {
            Some(On::One(event)) if event == BY_HAND => None,
            Some(On::Several(events)) if events.iter().any(|event| event == BY_HAND) => None,
            None | Some(On::One(_) | On::Several(_)) => return Ok(Self::default()),
            Some(On::Each(mut events)) => match events.shift_remove(BY_HAND) {
                None => return Ok(Self::default()),
                Some(Some(Event::With { inputs })) => inputs,
                Some(Some(Event::Other(_)) | None) => None,
            },
        };
        let inputs = inputs.into_iter().flatten().take(MOST);
        let inputs = inputs.map(|(name, input)| field(&name, &input.unwrap_or_default())).collect();
        Ok(Self { by_hand: true, inputs })
    }
}

/// The inputs among the fields of a form, each as its workflow calls it, with what was answered: all that was filled in, and what was
/// emptied that would have been something.
pub(super) fn answered(form: &[Field], args: &Args) -> Vec<(String, String)> {
    let inputs = form.iter().filter(|field| !OURS.contains(&field.name.as_str()));
    let each = inputs.filter_map(|field| {
        let value = args.get(&field.name).map(ToString::to_string).unwrap_or_default();
        let value = value.trim().to_owned();
        let emptied = field.default.as_deref().is_some_and(|default| !default.is_empty());
        let name = field.name.strip_prefix(APART).filter(|name| OURS.contains(name)).unwrap_or(&field.name);
        (!value.is_empty() || emptied).then(|| (name.to_owned(), value))
    });
    each.collect()
}

/// An input that is called as something of ours has its place before its name.
fn called(name: &str) -> String {
    if OURS.contains(&name) { format!("{APART}{name}") } else { name.to_owned() }
}

fn field(name: &str, input: &Input) -> Field {
    let words = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let options: Vec<String> = input.options.iter().map(|option| clean(&words(option))).collect();
    let kind = match input.r#type.as_deref() {
        Some("boolean") => Kind::Flag,
        Some("number") => Kind::Number,
        Some("choice") if !options.is_empty() => Kind::Choice(options),
        _ => Kind::Text,
    };
    let what = match input.r#type.as_deref() {
        Some("number") => Some("a number"),
        Some("environment") => Some("an environment of the repository"),
        _ => None,
    };
    let said = clean(input.description.as_deref().unwrap_or_default());
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let hint = match (said.as_str(), what) {
        ("", what) => what.map(str::to_owned),
        (said, Some(what)) => Some(format!("{said} ({what})")),
        (said, None) => Some(said.to_owned()),
    };
    let hint = hint.map(|hint| hint.chars().take(LONGEST_HINT).collect());
    let default = input.default.as_ref().map(|value| clean(&words(value)));
    // Whether a box is ticked is always known.
    let required = input.required == Some(true) && kind != Kind::Flag;
    let name = clean(name);
    Field { required, default, hint, ..Field::new(called(&name), name, kind) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::form, provider::github::again};

    const DEPLOY: &str = "\
name: deploy
on:
  push:
    branches: [main]
  schedule:
    - cron: '0 4 * * *'
  workflow_dispatch:
    inputs:
      level:
        description: |
          How much it says,
          while it works
        type: choice
        required: true
        default: warn
        options: [info, warn, 3]
      dry:
        type: boolean
        required: true
        default: true
      count:
        type: number
        default: 5
      where:
        type: environment
        required: true
      ref:
        description: another ref
      note:
jobs: {}
";

    fn all() -> Vec<Field> {
        let options = ["info", "warn", "3"].map(str::to_owned).to_vec();
        vec![
            Field::new("level", "level", Kind::Choice(options))
                .required()
                .default("warn")
                .hint("How much it says, while it works"),
            Field::new("dry", "dry", Kind::Flag).default("true"),
            Field::new("count", "count", Kind::Number).default("5").hint("a number"),
            Field::new("where", "where", Kind::Text).required().hint("an environment of the repository"),
            Field::new("inputs.ref", "ref", Kind::Text).hint("another ref"),
            Field::new("note", "note", Kind::Text),
        ]
    }

    #[test]
    fn each_input_is_a_field_of_its_type_with_what_it_is_at_first() {
        let asks = Asks::read(DEPLOY).unwrap();
        assert!(asks.by_hand);
        assert_eq!(asks.inputs, all());
    }

    #[test]
    fn a_workflow_is_started_by_hand_however_it_says_so_and_else_not() {
        for text in [
            "on: workflow_dispatch",
            "on: [push, workflow_dispatch]",
            "on:\n  workflow_dispatch:\n",
            "'on': {workflow_dispatch: {}}",
        ] {
            assert_eq!(Asks::read(text), Ok(Asks { by_hand: true, ..Asks::default() }), "{text}");
        }
        for text in ["on: push", "on: [push]", "on: {push: {branches: [a]}}", "jobs: {}", "{}"] {
            assert_eq!(Asks::read(text), Ok(Asks::default()), "{text}");
        }
        for text in ["on: [", "on: 3", "on: &a [*a]"] {
            assert_eq!(Asks::read(text), Err("its file is no workflow that we can read".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_was_filled_in_is_sent_and_what_was_emptied_that_would_have_been_something() {
        let form = [again::dispatching(Some("main"), Ok(&Asks::read(DEPLOY).unwrap()))].concat();
        let sent = |count: &str| {
            let text = |said: &str| form::Value::Text(said.to_owned());
            let said = Args::none().with("count", text(count)).with("inputs.ref", text("x")).with("ref", text("v1"));
            answered(&form, &said.over(&form))
        };
        let pairs =
            |all: &[(&str, &str)]| all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
        assert_eq!(sent("7"), pairs(&[("level", "warn"), ("dry", "true"), ("count", "7"), ("ref", "x")]));
        assert_eq!(sent(""), pairs(&[("level", "warn"), ("dry", "true"), ("count", ""), ("ref", "x")]));
    }

    #[test]
    fn a_file_that_did_not_come_whole_is_said() {
        let contents = |content: Option<&str>, encoding: &str| api::Contents {
            content: content.map(str::to_owned),
            encoding: Some(encoding.to_owned()),
        };
        let encoded = STANDARD.encode("on: workflow_dispatch");
        let (begin, end) = encoded.split_at(8);
        assert!(Asks::of(&contents(Some(&format!("{begin}\n{end}\n")), "base64")).unwrap().by_hand);
        assert_eq!(Asks::of(&contents(Some(""), "none")), Err("its file is too long".to_owned()));
        assert_eq!(Asks::of(&contents(Some("%%%"), "base64")), Err("its file came broken".to_owned()));
    }
}
