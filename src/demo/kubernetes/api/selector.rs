//! Label selectors, equality- and set-based, and the field selectors that are known for a kind.

use serde_json::Value;

use super::super::json;
use super::super::kind::Kind;
use super::status::Failure;

/// Which objects of a list are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, String, bool)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    label: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
}

impl Selector {
    /// Reads both selectors of a call.
    pub(super) fn read(kind: Kind, labels: &str, fields: &str) -> Result<Self, Failure> {
        Ok(Self { labels: label_requirements(labels)?, fields: field_requirements(kind, fields)? })
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        self.labels.iter().all(|requirement| requirement.matches(object))
            && self.fields.iter().all(|(field, value, equal)| (field_of(object, field) == *value) == *equal)
    }
}

impl Requirement {
    fn matches(&self, object: &Value) -> bool {
        let value = json::label(object, &self.label);
        match &self.test {
            Test::In(values) => value.is_some_and(|value| values.iter().any(|known| known == value)),
            Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|known| known != value)),
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
        }
    }
}

fn field_of<'o>(object: &'o Value, field: &str) -> &'o str {
    json::text(object, &format!("/{}", field.replace('.', "/")))
}

/// The fields by which objects of a kind can be selected.
fn known_fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Event => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "source",
            "type",
        ],
        Kind::Pod => &["spec.nodeName", "spec.restartPolicy", "status.phase", "status.podIP"],
        Kind::Namespace => &["status.phase"],
        Kind::ReplicaSet => &["status.replicas"],
        Kind::Secret => &["type"],
        Kind::Service => &["spec.clusterIP", "spec.type"],
        _ => &[],
    }
}

fn field_requirements(kind: Kind, text: &str) -> Result<Vec<(String, String, bool)>, Failure> {
    let mut requirements = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (field, value, equal) = if let Some((field, value)) = part.split_once("!=") {
            (field, value, false)
        } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
            (field, value, true)
        } else {
            return Err(Failure::bad_request(format!("invalid selector: '{part}'; can't understand '{part}'")));
        };
        let field = field.trim();
        let common = ["metadata.name", "metadata.namespace"];
        if !common.contains(&field) && !known_fields(kind).contains(&field) {
            let message =
                format!("\"{field}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
            return Err(Failure::bad_request(message));
        }
        requirements.push((field.to_owned(), value.trim().to_owned(), equal));
    }
    Ok(requirements)
}

/// The words of a label selector.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(&'static str),
    End,
}

fn tokens(text: &str) -> Vec<Token> {
    const SIGNS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", "<", ">"];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some((sign, after)) = SIGNS.iter().find_map(|sign| Some((*sign, rest.strip_prefix(sign)?))) {
            tokens.push(Token::Sign(sign));
            rest = after.trim_start();
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || "=!(),<>".contains(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            tokens.push(Token::Word(word.to_owned()));
            rest = after.trim_start();
        }
    }
    tokens.push(Token::End);
    tokens
}

fn label_requirements(text: &str) -> Result<Vec<Requirement>, Failure> {
    let mut tokens = tokens(text).into_iter().peekable();
    let mut requirements = Vec::new();
    if tokens.peek() == Some(&Token::End) {
        return Ok(requirements);
    }
    loop {
        let missing = tokens.next_if_eq(&Token::Sign("!")).is_some();
        let label = word(tokens.next())?;
        let condition = if missing { Test::Missing } else { test(&mut tokens)? };
        requirements.push(Requirement { label, test: condition });
        match tokens.next() {
            Some(Token::Sign(",")) => {}
            Some(Token::End) | None => return Ok(requirements),
            other => return Err(unexpected(other, "',' or 'end of string'")),
        }
    }
}

fn test(tokens: &mut Tokens) -> Result<Test, Failure> {
    if matches!(tokens.peek(), Some(Token::Sign(",") | Token::End)) {
        return Ok(Test::Exists);
    }
    match tokens.next() {
        Some(Token::Sign("=" | "==")) => Ok(Test::In(vec![value(tokens)?])),
        Some(Token::Sign("!=")) => Ok(Test::NotIn(vec![value(tokens)?])),
        Some(Token::Word(operator)) if operator == "in" => Ok(Test::In(values(tokens)?)),
        Some(Token::Word(operator)) if operator == "notin" => Ok(Test::NotIn(values(tokens)?)),
        other => Err(unexpected(other, "in, notin, =, ==, !=, gt, lt")),
    }
}

type Tokens = std::iter::Peekable<std::vec::IntoIter<Token>>;

fn word(token: Option<Token>) -> Result<String, Failure> {
    match token {
        Some(Token::Word(word)) => Ok(word),
        other => Err(unexpected(other, "identifier")),
    }
}

/// The value of an equality; nothing at all is the empty value.
fn value(tokens: &mut Tokens) -> Result<String, Failure> {
    match tokens.peek() {
        Some(Token::Sign(",") | Token::End) => Ok(String::new()),
        _ => word(tokens.next()),
    }
}

fn values(tokens: &mut Tokens) -> Result<Vec<String>, Failure> {
    match tokens.next() {
        Some(Token::Sign("(")) => {}
        other => return Err(unexpected(other, "'('")),
    }
    let mut values = Vec::new();
    loop {
        match tokens.next() {
            Some(Token::Word(word)) => values.push(word),
            Some(Token::Sign(",")) => {}
            Some(Token::Sign(")")) => return Ok(values),
            other => return Err(unexpected(other, "',', ')' or identifier")),
        }
    }
}

fn unexpected(token: Option<Token>, expected: &str) -> Failure {
    let found = match token {
        Some(Token::Word(word)) => word,
        Some(Token::Sign(sign)) => sign.to_owned(),
        Some(Token::End) | None => String::new(),
    };
    Failure::bad_request(format!("unable to parse requirement: found '{found}', expected: {expected}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selects(labels: &str) -> Result<bool, Failure> {
        let object = json!({"metadata": {"name": "web", "labels": {"app": "web", "tier": "front"}}});
        Ok(Selector::read(Kind::Deployment, labels, "")?.matches(&object))
    }

    #[test]
    fn labels_are_selected_by_equality_and_by_sets() {
        for (selector, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app=web,tier=back", false),
            ("app!=web", false),
            ("none!=web", true),
            ("app in (api, web)", true),
            ("app notin (api,web)", false),
            ("none notin (web)", true),
            ("app", true),
            ("none", false),
            ("!none", true),
            ("!app", false),
            ("!none,app=web", true),
            ("app,!none,tier", true),
            ("none=", false),
        ] {
            assert_eq!(selects(selector), Ok(expected), "{selector}");
        }
    }

    #[test]
    fn a_broken_label_selector_is_refused_as_recorded() {
        let failure = selects("a===b").unwrap_err();
        assert_eq!(failure, Failure::bad_request("unable to parse requirement: found '=', expected: identifier"));
        for broken in ["app in", "app in (a", "app=web tier", "=", ",", "app in (=)"] {
            assert!(selects(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn fields_are_selected_where_they_are_known() {
        let event = json!({"metadata": {"name": "a"}, "involvedObject": {"kind": "Rollout", "name": "pay"}});
        let read = |fields: &str| Selector::read(Kind::Event, "", fields).map(|selector| selector.matches(&event));
        assert_eq!(read("involvedObject.name=pay,involvedObject.kind==Rollout"), Ok(true));
        assert_eq!(read("involvedObject.name!=pay"), Ok(false));
        assert_eq!(
            Selector::read(Kind::Deployment, "", "spec.foo=bar").unwrap_err(),
            Failure::bad_request(
                "\"spec.foo\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
            )
        );
    }
}
