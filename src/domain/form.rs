//! What a verb asks for beside its target, and what was answered: fields, and named values in their order. What a field is
//! good for is the provider's business; that it is filled in as it must be is checked here, for every system alike.

use serde::{Deserialize, Serialize};

use crate::domain::text::clean;

/// The name of the version that a roll back puts back.
pub const TO: &str = "to";

/// What a field takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Words.
    Text,
    /// A number, in words.
    Number,
    /// One of these.
    Choice(Vec<String>),
    /// Yes or no.
    Flag,
    /// Words that are shown to nobody and written down nowhere.
    Secret,
}

/// One thing that a verb asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name, as scripts and the system call it.
    pub name: String,
    /// As it stands on a card.
    pub label: String,
    /// What it takes.
    pub kind: Kind,
    /// Nothing is sent without it.
    #[serde(default)]
    pub required: bool,
    /// What it is where nobody says anything; of a flag `true` or `false`. A secret has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// A few words on what it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Of a number: the more, the more of the new version reaches users; and how much it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposes: Option<u32>,
}

impl Field {
    /// A field that need not be filled in.
    pub fn new(name: impl Into<String>, label: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), label: label.into(), kind, required: false, default: None, hint: None, exposes: None }
    }

    /// The same, where nothing is sent without it.
    #[must_use]
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same, with what it is where nobody says anything.
    #[must_use]
    pub fn default(self, value: impl Into<String>) -> Self {
        Self { default: Some(value.into()), ..self }
    }

    /// The same, with a few words on what it means.
    #[must_use]
    pub fn hint(self, words: impl Into<String>) -> Self {
        Self { hint: Some(words.into()), ..self }
    }

    /// The same, of a number that says how much of the new version reaches users, with what it is now.
    #[must_use]
    pub fn exposes(self, now: u32) -> Self {
        Self { exposes: Some(now), ..self }
    }

    /// What it is before anybody says anything; nothing where only somebody can.
    fn at_first(&self) -> Option<Value> {
        match (&self.kind, &self.default) {
            (Kind::Flag, default) => Some(Value::Flag(default.as_deref() == Some("true"))),
            (Kind::Secret, _) | (_, None) => None,
            (_, Some(default)) => self.value(default).ok(),
        }
    }

    /// A text as a value of this field.
    ///
    /// # Errors
    /// Why it is none, as a sentence.
    pub fn value(&self, text: &str) -> Result<Value, String> {
        let name = &self.name;
        match &self.kind {
            Kind::Text => Ok(Value::Text(clean(text))),
            Kind::Number if text.trim().is_empty() || is_number(text) => Ok(Value::Text(clean(text.trim()))),
            Kind::Number => Err(format!("{name} is a number, not '{}'", clean(text))),
            Kind::Choice(options) if options.iter().any(|option| option == text) => Ok(Value::OneOf(text.to_owned())),
            Kind::Choice(options) => Err(format!("{name} is one of {}, not '{}'", options.join(", "), clean(text))),
            Kind::Flag => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Ok(Value::Flag(true)),
                "false" | "no" | "0" => Ok(Value::Flag(false)),
                _ => Err(format!("{name} is true or false, not '{}'", clean(text))),
            },
            Kind::Secret => Err(format!("{name} is a secret: say where it stands, not what it is")),
        }
    }

    /// What is wrong with this value of the field, as a sentence.
    fn against(&self, value: &Value) -> Option<String> {
        match (&self.kind, value) {
            (Kind::Text, Value::Text(_)) | (Kind::Flag, Value::Flag(_)) | (Kind::Secret, Value::Secret) => None,
            (Kind::Choice(_), Value::OneOf(text)) | (Kind::Number, Value::Text(text)) => self.value(text).err(),
            (Kind::Secret, _) => self.value("").err(),
            (_, Value::Secret) => Some(format!("{} is no secret", self.name)),
            (_, value) => self.value(&value.to_string()).err(),
        }
    }
}

/// As JSON has numbers: neither an infinity nor what is none.
fn is_number(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok_and(f64::is_finite)
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Words.
    Text(String),
    /// One of the options of its field.
    OneOf(String),
    /// Yes or no.
    Flag(bool),
    /// That a secret was given. What it is never stands here: it goes beside the plan to whoever sends it.
    Secret,
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) | Self::OneOf(text) => f.write_str(text),
            Self::Flag(set) => set.fmt(f),
            Self::Secret => f.write_str("(set, not shown)"),
        }
    }
}

/// An answer and what it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arg {
    /// The field's name.
    pub name: String,
    /// The answer.
    pub value: Value,
}

/// Named values in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Args(Vec<Arg>);

/// How args are written down: the version of a roll back under a name of its own, as it was before there were others.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    args: Vec<Arg>,
}

impl From<Written> for Args {
    fn from(written: Written) -> Self {
        let to = written.to.map(|to| Arg { name: TO.to_owned(), value: Value::Text(to) });
        Self(to.into_iter().chain(written.args).collect())
    }
}

impl From<Args> for Written {
    fn from(args: Args) -> Self {
        let (to, args): (Vec<Arg>, Vec<Arg>) =
            args.0.into_iter().partition(|arg| arg.name == TO && matches!(arg.value, Value::Text(_)));
        Self { to: to.into_iter().next().map(|arg| arg.value.to_string()), args }
    }
}

impl Args {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// The version that a roll back puts back, where one is named.
    pub fn back_to(version: Option<&str>) -> Self {
        version.map_or_else(Self::none, |version| Self::none().with(TO, Value::Text(version.to_owned())))
    }

    /// The same, with this answer: in the place of the one before it, or as the last.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        match self.0.iter_mut().find(|arg| arg.name == name) {
            Some(arg) => arg.value = value,
            None => self.0.push(Arg { name: name.to_owned(), value }),
        }
        self
    }

    /// The same, without this answer.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|arg| arg.name != name);
        self
    }

    /// The same, in the order of a form.
    #[must_use]
    pub fn in_order_of(mut self, form: &[Field]) -> Self {
        self.0.sort_by_key(|arg| form.iter().position(|field| field.name == arg.name).unwrap_or(form.len()));
        self
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arg> {
        self.0.iter()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An answer.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|arg| arg.name == name).map(|arg| &arg.value)
    }

    /// An answer in words.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) | Value::OneOf(text) => Some(text),
            Value::Flag(_) | Value::Secret => None,
        }
    }

    /// Is this answered with yes?
    pub fn is_set(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Flag(true))
    }

    /// What a form is before anybody answers, with these answers laid over it, in the form's order. What the form does not
    /// ask for stays, at the end: whether it belongs there is for [`Self::against`] to say.
    #[must_use]
    pub fn over(&self, form: &[Field]) -> Self {
        let asked = form.iter().filter_map(|field| {
            let value = self.get(&field.name).cloned().or_else(|| field.at_first())?;
            // A script says everything in words; what they mean depends on the field.
            let value = match (&value, &field.kind) {
                (Value::Text(text), Kind::Choice(_) | Kind::Flag) => field.value(text).unwrap_or(value),
                _ => value,
            };
            Some(Arg { name: field.name.clone(), value })
        });
        let others = self.0.iter().filter(|arg| form.iter().all(|field| field.name != arg.name)).cloned();
        Self(asked.chain(others).collect())
    }

    /// What is wrong with these answers to a form, each as a sentence. Whether something is missing is another question: a
    /// card is opened to be filled in.
    pub fn against(&self, form: &[Field]) -> Vec<String> {
        let known = || form.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
        let each = self.0.iter().filter_map(|arg| match form.iter().find(|field| field.name == arg.name) {
            Some(field) => field.against(&arg.value),
            None if form.is_empty() => Some(format!("it takes no '{}': there is nothing to set", clean(&arg.name))),
            None => Some(format!("it takes no '{}': it takes {}", clean(&arg.name), known())),
        });
        each.collect()
    }

    /// The first field of a form that must be filled in and is not.
    pub fn missing<'a>(&self, form: &'a [Field]) -> Option<&'a Field> {
        let is_empty = |field: &&Field| match self.get(&field.name) {
            None => true,
            Some(Value::Text(text) | Value::OneOf(text)) => text.trim().is_empty(),
            Some(Value::Flag(_) | Value::Secret) => false,
        };
        form.iter().filter(|field| field.required).find(is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Vec<Field> {
        let places = ["blue", "green"].map(str::to_owned).to_vec();
        vec![
            Field::new("note", "Note", Kind::Text).required(),
            Field::new("place", "Place", Kind::Choice(places)).default("blue"),
            Field::new("drain", "Drain first", Kind::Flag),
            Field::new("password", "Password", Kind::Secret),
        ]
    }

    fn text(words: &str) -> Value {
        Value::Text(words.to_owned())
    }

    #[test]
    fn the_words_of_a_script_mean_what_the_field_takes() {
        let said = Args::none().with("drain", text("yes")).with("place", text("green")).with("note", text("now"));
        let args = said.over(&form());
        let expected = Args::none()
            .with("note", text("now"))
            .with("place", Value::OneOf("green".to_owned()))
            .with("drain", Value::Flag(true));
        assert_eq!((&args, args.against(&form())), (&expected, Vec::new()));
        assert_eq!(args.missing(&form()), None);
    }

    #[test]
    fn what_nobody_says_is_the_default_and_what_must_be_said_is_missing() {
        let args = Args::none().over(&form());
        let expected = Args::none().with("place", Value::OneOf("blue".to_owned())).with("drain", Value::Flag(false));
        assert_eq!(args, expected);
        assert_eq!(args.missing(&form()).unwrap().name, "note");
        assert_eq!(args.with("note", text("  ")).missing(&form()).unwrap().name, "note");
    }

    #[test]
    fn a_number_is_one_or_nothing() {
        let form = [Field::new("count", "Count", Kind::Number)];
        let against = |said: &str| Args::none().with("count", text(said)).over(&form).against(&form);
        for said in ["5", "-0.5", "", " 7 "] {
            assert_eq!(against(said), Vec::<String>::new(), "{said}");
        }
        for said in ["five", "inf", "NaN", "1,5"] {
            assert_eq!(against(said), [format!("count is a number, not '{said}'")]);
        }
    }

    #[test]
    fn an_answer_that_nobody_asked_for_lists_what_is_asked_for() {
        let said =
            Args::none().with("plaice", text("green")).with("drain", text("perhaps")).with("password", text("x"));
        let expected = [
            "drain is true or false, not 'perhaps'",
            "password is a secret: say where it stands, not what it is",
            "it takes no 'plaice': it takes note, place, drain, password",
        ];
        assert_eq!(said.over(&form()).against(&form()), expected);
        assert_eq!(
            said.without("drain").without("password").against(&[]),
            ["it takes no 'plaice': there is nothing to set"]
        );
    }

    #[test]
    fn the_version_of_a_roll_back_is_written_as_it_always_was_and_a_secret_only_as_given() {
        let back = Args::back_to(Some("1.40.0"));
        assert_eq!(serde_json::to_value(&back).unwrap(), serde_json::json!({"to": "1.40.0"}));
        for before in [serde_json::json!({"to": "1.40.0"}), serde_json::json!({"to": "1.40.0", "args": []})] {
            assert_eq!(serde_json::from_value::<Args>(before).unwrap(), back);
        }
        assert_eq!(serde_json::from_value::<Args>(serde_json::json!({"to": null})).unwrap(), Args::none());
        let all = back.with("password", Value::Secret).with("drain", Value::Flag(true));
        let written = serde_json::json!({"to": "1.40.0", "args": [
            {"name": "password", "value": "secret"}, {"name": "drain", "value": {"flag": true}}]});
        assert_eq!(serde_json::to_value(&all).unwrap(), written);
        assert_eq!(serde_json::from_value::<Args>(written).unwrap(), all);
    }
}
