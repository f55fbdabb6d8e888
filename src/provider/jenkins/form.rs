//! What a build or an input asks for: the definitions of parameters as a form, and the answers as Jenkins takes them.
//!
//! What is left out is null, whatever the definition has as its default: everything that is asked is sent. A file cannot be.

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    domain::{
        form::{Args, Field, Kind},
        text::clean,
    },
    port::fill::{Fill, Slot, Supply},
    provider::jenkins::api::Parameter,
};

/// The content type of whatever has a body.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// The field of the form that holds the answers.
pub(super) const JSON: &str = "json";
/// Longer words about a parameter are cut: they stand on a card.
const LONGEST_HINT: usize = 120;

/// What a parameter is.
fn kind(parameter: &Parameter) -> Kind {
    let of = |end: &str| parameter.kind.as_deref().is_some_and(|kind| kind.ends_with(end));
    let choices = choices(parameter);
    if of("BooleanParameterDefinition") {
        Kind::Flag
    } else if of("PasswordParameterDefinition") {
        Kind::Secret
    } else if !choices.is_empty() {
        Kind::Choice(choices)
    } else {
        Kind::Text
    }
}

fn choices(parameter: &Parameter) -> Vec<String> {
    let own = parameter.choices.as_ref().or(parameter.definition.as_ref().and_then(|it| it.choices.as_ref()));
    own.map(|all| all.iter().map(|one| clean(one)).collect()).unwrap_or_default()
}

/// What it is where nobody says anything.
fn default(parameter: &Parameter) -> Option<String> {
    let own = parameter.default_parameter_value.as_ref().and_then(|value| value.value.as_ref());
    let value = own.or(parameter.definition.as_ref().and_then(|it| it.default_val.as_ref()))?;
    match value {
        Value::String(text) => Some(clean(text)),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// The parameters as a form.
pub(super) fn fields(parameters: &[Parameter]) -> Vec<Field> {
    parameters.iter().filter_map(field).collect()
}

fn field(parameter: &Parameter) -> Option<Field> {
    const USUAL: [&str; 5] = ["String", "Text", "Boolean", "Password", "Choice"];
    let name = clean(parameter.name.as_deref()?);
    let kind = kind(parameter);
    let written = parameter.kind.as_deref().unwrap_or_default();
    let short = written.strip_suffix("ParameterDefinition").unwrap_or(written);
    let odd = (!USUAL.contains(&short) && !short.is_empty()).then(|| format!("a {}", clean(short)));
    let said = clean(parameter.description.as_deref().unwrap_or_default());
    let said = Some(said.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|said| !said.is_empty());
    let hint: Vec<String> = said.into_iter().chain(odd).collect();
    let hint = (!hint.is_empty()).then(|| hint.join("; ").chars().take(LONGEST_HINT).collect());
    // Of a secret the default is told to nobody; of a list the first is meant.
    let first = if let Kind::Choice(options) = &kind { options.first().cloned() } else { None };
    let said = default(parameter).filter(|text| kind != Kind::Secret && !text.is_empty());
    let default = said.or(first).filter(|text| !text.is_empty());
    let required = matches!(kind, Kind::Secret | Kind::Choice(_));
    Some(Field { required, default, hint, ..Field::new(name.clone(), name, kind) })
}

/// Why none of it can be answered from here, as a sentence.
pub(super) fn unanswerable(parameters: &[Parameter]) -> Option<String> {
    let is_file = |one: &&Parameter| one.kind.as_deref().is_some_and(|kind| kind.contains("FileParameter"));
    if let Some(file) = parameters.iter().find(is_file) {
        let name = clean(file.name.as_deref().unwrap_or_default());
        return Some(format!("it asks for a file, {name}: only Jenkins' own page takes one"));
    }
    let nameless = parameters.iter().any(|one| one.name.as_deref().is_none_or(|name| name.trim().is_empty()));
    nameless.then(|| "it asks for something without a name: only Jenkins' own page can answer it".to_owned())
}

/// The answers as a body, and what fills it when it is sent. What nobody said is as it is when nobody says anything.
pub(super) fn body(parameters: &[Parameter], args: &Args) -> (String, Vec<Fill>) {
    let (mut all, mut fills) = (Vec::new(), Vec::new());
    for field in fields(parameters) {
        let value = match &field.kind {
            Kind::Flag => Value::Bool(args.is_set(&field.name)),
            Kind::Secret => {
                let place = format!("/{JSON}/parameter/{}/value", all.len());
                fills.push(Fill { from: Supply::Secret(field.name.clone()), into: Slot::Json(place) });
                Value::String(String::new())
            }
            _ => Value::String(args.text(&field.name).unwrap_or_default().to_owned()),
        };
        all.push(json!({"name": field.name, "value": value}));
    }
    (encoded(&json!({ "parameter": all }).to_string()), fills)
}

fn encoded(answers: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(JSON, answers).finish()
}

/// A body as people read it: `json={"parameter":[…]}`.
pub(super) fn decoded(body: &str) -> Vec<String> {
    form_urlencoded::parse(body.as_bytes()).map(|(name, value)| format!("{name}={value}")).collect()
}

/// The answers in a few words, for a card; of a secret only that there is one.
pub(super) fn said(parameters: &[Parameter], args: &Args) -> Vec<String> {
    let fields = fields(parameters);
    let one = |field: &Field| {
        let value = args.get(&field.name).map(ToString::to_string).unwrap_or_default();
        format!("{} = {}", field.name, if value.is_empty() { "(empty)" } else { &value })
    };
    fields.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::form;

    fn parameters() -> Vec<Parameter> {
        let text = r#"[
            {"type": "BooleanParameterDefinition", "name": "Run tests?", "description": "A checkbox", "defaultParameterValue": {"value": true}},
            {"type": "StringParameterDefinition", "name": "VERSION", "defaultParameterValue": {"value": "1.4"}},
            {"type": "PasswordParameterDefinition", "name": "PIN", "definition": {"defaultVal": "MyPasswd"}},
            {"type": "ChoiceParameterDefinition", "name": "RING", "choices": ["one", "two"], "defaultParameterValue": {"value": ""}},
            {"type": "RunParameterDefinition", "name": "FROM"}
        ]"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn each_parameter_is_a_field_and_a_secret_has_no_default() {
        let options = ["one", "two"].map(str::to_owned).to_vec();
        let expected = [
            Field::new("Run tests?", "Run tests?", Kind::Flag).default("true").hint("A checkbox"),
            Field::new("VERSION", "VERSION", Kind::Text).default("1.4"),
            Field::new("PIN", "PIN", Kind::Secret).required(),
            Field::new("RING", "RING", Kind::Choice(options)).required().default("one"),
            Field::new("FROM", "FROM", Kind::Text).hint("a Run"),
        ];
        assert_eq!(fields(&parameters()), expected);
        assert_eq!(unanswerable(&parameters()), None);
    }

    #[test]
    fn everything_that_is_asked_is_sent_and_a_secret_only_fills_it() {
        let parameters = parameters();
        let args = Args::none().over(&fields(&parameters)).with("FROM", form::Value::Text("a&b".into()));
        let (body, fills) = body(&parameters, &args);
        let answers = r#"json={"parameter":[{"name":"Run tests?","value":true},{"name":"VERSION","value":"1.4"},{"name":"PIN","value":""},{"name":"RING","value":"one"},{"name":"FROM","value":"a&b"}]}"#;
        assert_eq!(decoded(&body), [answers]);
        let place = Slot::Json("/json/parameter/2/value".into());
        assert_eq!(fills, [Fill { from: Supply::Secret("PIN".into()), into: place }]);
        assert!(!body.contains("MyPasswd"));
        let told = said(&parameters, &args.with("PIN", form::Value::Secret));
        assert_eq!(told[..3], ["Run tests? = true", "VERSION = 1.4", "PIN = (set, not shown)"]);
    }

    #[test]
    fn what_asks_for_a_file_cannot_be_answered_and_says_so() {
        let text = r#"[{"type": "FileParameterDefinition", "name": "patch.diff"}]"#;
        let why = "it asks for a file, patch.diff: only Jenkins' own page takes one";
        assert_eq!(unanswerable(&serde_json::from_str::<Vec<Parameter>>(text).unwrap()).as_deref(), Some(why));
        assert!(unanswerable(&[Parameter::default()]).is_some());
    }
}
