//! What the source says of settings: structs with their doc comments, types and defaults, as serde reads them. Knows as much Rust as the
//! house writes there, and nothing of what a page looks like.

use std::fs;

/// A struct that is read from a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) fields: Vec<Field>,
}

/// A field of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) about: String,
    /// As Rust has it: `Option<String>`.
    pub(crate) kind: String,
    /// What stands within `#[serde(…)]`.
    pub(crate) serde: String,
}

/// A file of the source.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    text: String,
}

impl Source {
    pub(crate) fn read(path: &str) -> Self {
        let text = fs::read_to_string(path).unwrap();
        // Tests have structs of their own.
        Self { text: text.split("#[cfg(test)]").next().unwrap_or_default().to_owned() }
    }

    /// What stands in quotes behind this: `name: "kubernetes"`.
    pub(crate) fn quoted(&self, before: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(before)?;
        rest.trim_start().strip_prefix('"')?.split('"').next()
    }

    pub(crate) fn contains(&self, part: &str) -> bool {
        self.text.contains(part)
    }

    /// What stands between two texts, the first time.
    pub(crate) fn between(&self, before: &str, after: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(before)?;
        Some(rest.split_once(after)?.0)
    }

    /// Every struct with public fields that serde reads.
    pub(crate) fn structs(&self) -> Vec<Struct> {
        let mut all: Vec<Struct> = Vec::new();
        let (mut about, mut serde, mut reads, mut open) = (Vec::new(), String::new(), false, false);
        for line in self.text.lines().map(str::trim) {
            if let Some(text) = line.strip_prefix("/// ") {
                about.push(text.to_owned());
            } else if let Some(text) = line.strip_prefix("#[serde(") {
                serde.push_str(text.trim_end_matches(")]"));
            } else if line.starts_with("#[derive(") {
                reads = line.contains("Deserialize");
            } else if let Some(rest) = line.strip_prefix("pub struct ").and_then(|rest| rest.strip_suffix(" {")) {
                open = reads;
                if open {
                    let (name, about) = (rest.to_owned(), about.join(" "));
                    all.push(Struct { name, about, fields: Vec::new() });
                }
                (about, serde) = (Vec::new(), String::new());
            } else if let Some((name, kind)) =
                line.strip_prefix("pub ").and_then(|rest| rest.strip_suffix(',')?.split_once(": ")).filter(|_| open)
            {
                let field = Field { name: name.to_owned(), about: about.join(" "), kind: kind.to_owned(), serde };
                all.last_mut().unwrap().fields.push(field);
                (about, serde) = (Vec::new(), String::new());
            } else if line == "}" {
                (open, reads) = (false, false);
                about.clear();
            } else if !line.starts_with("#[") {
                (about, serde) = (Vec::new(), String::new());
            }
        }
        all
    }

    /// The values of an enum as they are written, where this file has one of this name.
    pub(crate) fn choices(&self, name: &str) -> Option<Vec<String>> {
        let body = self.between(&format!("pub enum {name} {{\n"), "\n}")?;
        let mut renamed: Option<String> = None;
        let mut all = Vec::new();
        for line in body.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("#[serde(rename = \"") {
                renamed = rest.split('"').next().map(str::to_owned);
            } else if let Some(variant) = line.strip_suffix(',').filter(|line| line.chars().all(char::is_alphanumeric))
            {
                all.push(renamed.take().unwrap_or_else(|| snake(variant)));
            }
        }
        Some(all).filter(|all| !all.is_empty())
    }

    /// What a function of no arguments gives, as a configuration writes it: `"30s"`.
    pub(crate) fn given(&self, function: &str) -> Option<String> {
        let (_, rest) = self.text.split_once(&format!("fn {function}() -> "))?;
        let body = rest.split_once("{\n")?.1.split("\n}").next()?.trim();
        if let Some(text) = body.strip_suffix(".to_owned()") {
            return Some(text.to_owned());
        }
        if let Some(all) = body.strip_prefix("vec![").and_then(|rest| rest.strip_suffix(']')) {
            let each = all.split(", ").map(|one| format!("\"{}\"", snake(one.rsplit("::").next().unwrap_or(one))));
            return Some(format!("[{}]", each.collect::<Vec<_>>().join(", ")));
        }
        if let Some(variant) = body.split_once("::").filter(|(_, rest)| rest.chars().all(char::is_alphanumeric)) {
            return Some(format!("\"{}\"", snake(variant.1)));
        }
        span(body).or_else(|| ["true", "false"].contains(&body).then(|| body.to_owned())).or_else(|| {
            // A constant, of this file or of the domain.
            let mut words = body.split(|c: char| !c.is_alphanumeric() && c != '_');
            let name = words.find(|word| word.len() > 2 && word.chars().all(|c| c.is_uppercase() || c == '_'));
            name.and_then(|name| self.constant(name))
                .or_else(|| body.parse::<u32>().ok().map(|number| number.to_string()))
        })
    }

    fn constant(&self, name: &str) -> Option<String> {
        let files = ["src/config/schema.rs", "src/domain/standard.rs"].map(|path| fs::read_to_string(path).unwrap());
        let all = files.iter().map(String::as_str).chain([self.text.as_str()]);
        let value = all.into_iter().find_map(|text| {
            let (_, rest) = text.split_once(&format!("const {name}: "))?;
            Some(rest.split_once(" = ")?.1.split(';').next()?.to_owned())
        })?;
        span(&value).or(Some(value))
    }
}

/// `Duration::from_secs(30)` as a configuration writes it.
fn span(body: &str) -> Option<String> {
    let (unit, number) = body.strip_prefix("Duration::from_")?.strip_suffix(')')?.split_once('(')?;
    Some(match (unit, number) {
        ("hours", number) if number.ends_with(" * 24") => format!("\"{}d\"", number.trim_end_matches(" * 24")),
        (unit, number) => format!("\"{number}{}\"", unit.get(..1)?),
    })
}

/// `ArgoRollouts` as serde writes it.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}

#[test]
fn a_struct_is_read_with_what_is_said_of_its_fields_and_their_defaults() {
    let text = "/// A system.\n#[derive(Debug, Deserialize)]\npub struct System {\n    /// Where it is,\n    /// and how.\n    \
                #[serde(default = \"half\")]\n    pub every: Duration,\n    /// Which.\n    pub kinds: Vec<Kind>,\n}\n\npub enum Kind \
                {\n    ArgoLike,\n    Other,\n}\n\nfn half() -> Duration {\n    Duration::from_secs(30)\n}\n";
    let source = Source { text: text.to_owned() };
    let field = |name: &str, about: &str, kind: &str, serde: &str| Field {
        name: name.into(),
        about: about.into(),
        kind: kind.into(),
        serde: serde.into(),
    };
    let fields = vec![
        field("every", "Where it is, and how.", "Duration", "default = \"half\""),
        field("kinds", "Which.", "Vec<Kind>", ""),
    ];
    assert_eq!(source.structs(), [Struct { name: "System".into(), about: "A system.".into(), fields }]);
    assert_eq!(source.given("half").as_deref(), Some("\"30s\""));
    assert_eq!(source.choices("Kind"), Some(vec!["argo_like".to_owned(), "other".to_owned()]));
}
