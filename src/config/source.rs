//! The texts of all layers end to end, so that one offset names a file, a line and a column; and errors that show them.

use std::{fmt, ops::Range};

use crate::domain::text;

/// The text of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// How it is called in messages: a path, or `environment variable HOLDSHORT_THEME`.
    pub name: String,
    /// TOML.
    pub text: String,
}

/// The texts of all layers, in the order in which they are merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a layer on top.
    pub fn push(&mut self, source: Source) {
        self.0.push(source);
    }

    /// Every layer with the offset at which its text begins. One is left free between two texts: an offset at the end of
    /// one must not be the first of the next.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Source)> {
        self.0.iter().scan(0, |next, source| {
            let base = *next;
            *next += source.text.len() + 1;
            Some((base, source))
        })
    }

    /// The number of the layer that an offset is in.
    pub fn number(&self, at: &Range<usize>) -> Option<usize> {
        self.iter().take_while(|(base, _)| *base <= at.start).count().checked_sub(1)
    }

    /// Where an offset is.
    pub fn place(&self, at: &Range<usize>) -> Option<Place> {
        let (base, source) = self.iter().take_while(|(base, _)| *base <= at.start).last()?;
        let offset = at.start.checked_sub(base)?;
        let before = source.text.get(..offset)?;
        let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_text = source.text.get(begin..)?.lines().next().unwrap_or_default();
        let column = before.get(begin..)?.chars().count();
        let marked = source.text.get(offset..at.end.checked_sub(base)?).unwrap_or_default();
        let marked = marked.lines().next().unwrap_or_default().chars().count();
        Some(Place {
            name: text::one_line(&source.name),
            line: before.matches('\n').count() + 1,
            column: column + 1,
            // A blank for each control, so that the columns stay.
            text: text::clean(&line_text.replace(char::is_control, " ")),
            length: marked.min(line_text.chars().count().saturating_sub(column)).max(1),
        })
    }
}

/// A place in a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The layer.
    pub name: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The whole line, printable.
    pub text: String,
    /// How many characters are marked.
    pub length: usize,
}

impl Place {
    /// What is marked.
    pub(super) fn marked(&self) -> String {
        self.text.chars().skip(self.column - 1).take(self.length).collect()
    }

    /// Is it a key that is marked, before its value?
    pub(super) fn is_key(&self) -> bool {
        let after: String = self.text.chars().skip(self.column - 1 + self.length).collect();
        after.trim_start().starts_with('=')
    }

    /// The same place, of whose line only this is shown, where it stands, and what is before it where that may be seen.
    #[must_use]
    pub(super) fn only(mut self, before: &str, shown: &str, after: &str) -> Self {
        let blank = " ".repeat((self.column - 1).saturating_sub(before.chars().count()));
        self.text = format!("{before}{blank}{shown}{after}");
        self
    }
}

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Weight {
    /// With it there is no configuration.
    Error,
    /// The configuration holds, and probably does not say what was meant.
    Warning,
}

/// One thing that is said against the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it weighs.
    pub weight: Weight,
    /// What is wrong, as a sentence with the way out.
    pub message: String,
    /// Where, as far as there is a place.
    pub place: Option<Place>,
}

impl Diagnostic {
    /// Something without which there is no configuration.
    pub fn error(message: String, place: Option<Place>) -> Self {
        Self { weight: Weight::Error, message, place }
    }
}

/// Message, then the place as compilers show it.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.weight, self.message)?;
        let Some(place) = &self.place else { return Ok(()) };
        let number = place.line.to_string();
        let gutter = " ".repeat(number.len());
        let caret = format!("{}{}", " ".repeat(place.column - 1), "^".repeat(place.length));
        write!(f, "\n{gutter}--> {}:{}:{}", place.name, place.line, place.column)?;
        write!(f, "\n{gutter} |\n{number} | {}\n{gutter} | {caret}", place.text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_found_in_the_layer_it_belongs_to() {
        let mut sources = Sources::default();
        sources.push(Source { name: "a".into(), text: "x = 1\n".into() });
        sources.push(Source { name: "b".into(), text: "# ü\n  y = 'zz'\n".into() });
        let place = sources.place(&(18..22)).unwrap();
        assert_eq!((place.name.as_str(), place.line, place.column, place.length), ("b", 2, 7, 4));
        let diagnostic =
            Diagnostic { weight: Weight::Error, message: "no".into(), place: Some(place.only("  y = ", "…", "")) };
        assert_eq!(diagnostic.to_string(), "error: no\n --> b:2:7\n  |\n2 |   y = …\n  |       ^^^^");
        assert_eq!(sources.place(&(400..401)), None);
    }
}
