//! What block steps ask for. Buildkite tells it to nobody but its own pages, so the configuration says it, as the pipeline does
//! (buildkite.com/docs/pipelines/configure/step-types/block-step).

use serde_json::{Map, Value};

use crate::domain::{
    form::{Args, Field, Kind},
    text::clean,
};

/// What stands between several answers, as people type them.
const AND: char = ',';

/// One thing that a block step asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// The key under which the build keeps it.
    pub key: String,
    /// As people read it.
    pub label: String,
    /// A few words on what it means.
    pub hint: Option<String>,
    /// The step is not unblocked without it.
    pub required: bool,
    /// What it is where nobody says anything.
    pub default: Vec<String>,
    /// What there is to choose from; nothing where words are asked for.
    pub options: Vec<Choice>,
    /// May several be chosen?
    pub multiple: bool,
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// As people read it.
    pub label: String,
    /// What the build keeps.
    pub value: String,
}

/// These inputs as a form.
pub(super) fn fields(inputs: &[Input]) -> Vec<Field> {
    inputs.iter().map(field).collect()
}

/// Of one with several answers all are typed in one line: only so a form can say that there must be one.
fn field(input: &Input) -> Field {
    let kind = match input.options.as_slice() {
        options if !options.is_empty() && !input.multiple => {
            Kind::Choice(options.iter().map(|choice| choice.value.clone()).collect())
        }
        _ => Kind::Text,
    };
    let default = Some(input.default.join(&AND.to_string())).filter(|default| !default.is_empty());
    Field { required: input.required, default, hint: hint(input), ..Field::new(&input.key, &input.label, kind) }
}

/// What it means, what there is to choose from where that is typed, and what options do that are written in short.
fn hint(input: &Input) -> Option<String> {
    let one = |choice: &Choice| {
        let short = choice.label == choice.value;
        if short { choice.value.clone() } else { format!("{} = {}", choice.value, choice.label) }
    };
    let listed: Vec<_> = input.options.iter().filter(|choice| input.multiple || choice.label != choice.value).collect();
    let options = listed.into_iter().map(one).collect::<Vec<_>>().join(", ");
    let options = if input.multiple { format!("one or more, with {AND} between: {options}") } else { options };
    let options = Some(options).filter(|options| !options.is_empty());
    let words: Vec<String> = input.hint.clone().into_iter().chain(options).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// The answers as Buildkite takes them. Several are lines of one text, as its own pages keep them. What is missing is left out:
/// whether that may be is for the form to say.
///
/// # Errors
/// What was said that is none of its options, as a sentence.
pub(super) fn answers(inputs: &[Input], args: &Args) -> Result<Map<String, Value>, String> {
    let mut all = Map::new();
    for input in inputs {
        let said = args.text(&input.key).unwrap_or_default();
        let said = if input.multiple { several(input, said)? } else { said.to_owned() };
        if !said.trim().is_empty() {
            all.insert(input.key.clone(), said.into());
        }
    }
    Ok(all)
}

fn several(input: &Input, said: &str) -> Result<String, String> {
    let each: Vec<&str> = said.split(AND).map(str::trim).filter(|one| !one.is_empty()).collect();
    let odd = each.iter().find(|one| !input.options.iter().any(|choice| choice.value == **one));
    if let Some(odd) = odd {
        let options: Vec<_> = input.options.iter().map(|choice| choice.value.as_str()).collect();
        return Err(format!("'{}' is none of the {}: {}", clean(odd), input.label, options.join(", ")));
    }
    Ok(each.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::form;

    fn choice(value: &str, label: &str) -> Choice {
        Choice { value: value.to_owned(), label: label.to_owned() }
    }

    fn inputs() -> Vec<Input> {
        vec![
            Input { key: "code-name".into(), label: "Code Name".into(), required: true, ..Input::default() },
            Input {
                key: "stream".into(),
                label: "Stream".into(),
                hint: Some("Where to?".into()),
                default: vec!["beta".into()],
                options: vec![choice("beta", "Beta"), choice("stable", "stable")],
                ..Input::default()
            },
            Input {
                key: "regions".into(),
                label: "Regions".into(),
                required: true,
                default: vec!["eu".into()],
                options: vec![choice("na", "North America"), choice("eu", "eu")],
                multiple: true,
                ..Input::default()
            },
        ]
    }

    #[test]
    fn each_input_is_a_field_and_several_answers_are_typed_in_one_line() {
        let options = ["beta", "stable"].map(str::to_owned).to_vec();
        let regions = Field::new("regions", "Regions", Kind::Text).required().default("eu");
        let expected = [
            Field::new("code-name", "Code Name", Kind::Text).required(),
            Field::new("stream", "Stream", Kind::Choice(options)).default("beta").hint("Where to?; beta = Beta"),
            regions.hint("one or more, with , between: na = North America, eu"),
        ];
        assert_eq!(fields(&inputs()), expected);
    }

    #[test]
    fn answers_go_out_under_their_keys_and_what_is_no_option_is_said() {
        let inputs = inputs();
        let say = |args: &Args, key: &str, text: &str| args.clone().with(key, form::Value::Text(text.to_owned()));
        let first = Args::none().over(&fields(&inputs));
        let sent = |args: &Args| answers(&inputs, args).map(Value::Object);
        assert_eq!(sent(&first), Ok(serde_json::json!({"stream": "beta", "regions": "eu"})));
        let named = say(&first, "code-name", "Flying Dolphin");
        let expected = serde_json::json!({"code-name": "Flying Dolphin", "stream": "beta", "regions": "na\neu"});
        assert_eq!(sent(&say(&named, "regions", "na, eu,")), Ok(expected));
        let odd = "'asia' is none of the Regions: na, eu".to_owned();
        assert_eq!(sent(&say(&named, "regions", "eu,asia")), Err(odd));
        assert_eq!(answers(&[], &Args::none()), Ok(Map::new()));
    }
}
