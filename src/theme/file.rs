//! Theme files: TOML in, looks by role out, and errors that name the line.

use std::{collections::BTreeMap, ops::Range, str::FromStr};

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use toml::Spanned;

use crate::theme::depth::{Depth, nearest_of_256};

/// A theme as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeFile {
    /// What it is called.
    pub name: String,
    /// Text and background of a terminal that it is made for: used in pictures and to measure contrast.
    pub canvas: (Color, Color),
    pub(super) looks: BTreeMap<String, Look>,
}

/// How one role looks, at every depth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Text and background, where there are many colours.
    pub(super) full: (Option<Color>, Option<Color>),
    /// Text and background, where there are sixteen: said by hand, because the nearest of sixteen is often the wrong one.
    pub(super) sixteen: (Option<Color>, Option<Color>),
    /// With colour.
    pub(super) attributes: Modifier,
    /// Without colour.
    pub(super) mono: Modifier,
}

impl Look {
    pub(super) fn style(&self, depth: Depth) -> Style {
        let reduce = |color: Option<Color>| match color {
            Some(Color::Rgb(r, g, b)) if depth == Depth::Ansi256 => Some(nearest_of_256(r, g, b)),
            other => other,
        };
        let (fg, bg) = match depth {
            Depth::None => (None, None),
            Depth::Ansi16 => self.sixteen,
            Depth::Ansi256 | Depth::True => (reduce(self.full.0), reduce(self.full.1)),
        };
        let attributes = if depth == Depth::None { self.mono } else { self.attributes };
        Style { fg, bg, ..Style::new() }.add_modifier(attributes)
    }
}

/// Why a theme cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text}")]
pub struct ThemeError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    foreground: Spanned<String>,
    background: Spanned<String>,
    #[serde(default)]
    palette: BTreeMap<String, Spanned<String>>,
    roles: BTreeMap<String, WrittenLook>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLook {
    fg: Option<Spanned<String>>,
    bg: Option<Spanned<String>>,
    fg16: Option<Spanned<String>>,
    bg16: Option<Spanned<String>>,
    #[serde(default)]
    attributes: Vec<Spanned<String>>,
    mono: Option<Vec<Spanned<String>>>,
}

impl ThemeFile {
    /// How a role looks: as it says itself, else as its nearest parent does, else as `text`.
    pub(super) fn look(&self, role: &str) -> Look {
        let mut name = role;
        loop {
            if let Some(look) = self.looks.get(name) {
                return look.clone();
            }
            match name.rsplit_once('.') {
                Some((parent, _)) => name = parent,
                None if name == "text" => return Look::default(),
                None => name = "text",
            }
        }
    }
}

impl FromStr for ThemeFile {
    type Err = ThemeError;

    fn from_str(text: &str) -> Result<Self, ThemeError> {
        let written: Written =
            toml::from_str(text).map_err(|error| at(text, error.span(), error.message().to_owned()))?;
        let reader = Reader { text, palette: &written.palette };
        let canvas = (reader.hex(&written.foreground)?, reader.hex(&written.background)?);
        let looks = written.roles.iter().map(|(role, look)| Ok((role.clone(), reader.look(look)?)));
        Ok(Self { name: written.name.clone(), canvas, looks: looks.collect::<Result<_, _>>()? })
    }
}

/// Reads values, and knows where they stand.
struct Reader<'a> {
    text: &'a str,
    palette: &'a BTreeMap<String, Spanned<String>>,
}

impl Reader<'_> {
    fn look(&self, written: &WrittenLook) -> Result<Look, ThemeError> {
        let named = |name: &Option<Spanned<String>>| name.as_ref().map(|name| self.named(name)).transpose();
        let sixteen = |name: &Option<Spanned<String>>| name.as_ref().map(|name| self.sixteen(name)).transpose();
        let attributes = self.attributes(&written.attributes)?;
        Ok(Look {
            full: (named(&written.fg)?, named(&written.bg)?),
            sixteen: (sixteen(&written.fg16)?, sixteen(&written.bg16)?),
            attributes,
            mono: written.mono.as_ref().map_or(Ok(attributes), |list| self.attributes(list))?,
        })
    }

    /// A palette entry by its name.
    fn named(&self, name: &Spanned<String>) -> Result<Color, ThemeError> {
        match self.palette.get(name.get_ref()) {
            Some(hex) => self.hex(hex),
            None => Err(self.wrong(name, "is not in [palette]")),
        }
    }

    fn hex(&self, written: &Spanned<String>) -> Result<Color, ThemeError> {
        match written.get_ref().parse() {
            Ok(color @ Color::Rgb(..)) => Ok(color),
            _ => Err(self.wrong(written, "is not a colour: write #rrggbb")),
        }
    }

    fn sixteen(&self, written: &Spanned<String>) -> Result<Color, ThemeError> {
        match written.get_ref().parse() {
            Ok(Color::Rgb(..) | Color::Indexed(_)) | Err(_) => {
                Err(self.wrong(written, "is not one of the sixteen: write e.g. red, light-red, dark-gray, white"))
            }
            Ok(color) => Ok(color),
        }
    }

    fn attributes(&self, written: &[Spanned<String>]) -> Result<Modifier, ThemeError> {
        written.iter().try_fold(Modifier::empty(), |all, one| {
            Ok(all
                | match one.get_ref().as_str() {
                    "bold" => Modifier::BOLD,
                    "dim" => Modifier::DIM,
                    "italic" => Modifier::ITALIC,
                    "underline" => Modifier::UNDERLINED,
                    "reverse" => Modifier::REVERSED,
                    _ => return Err(self.wrong(one, "is none of bold, dim, italic, underline, reverse")),
                })
        })
    }

    fn wrong(&self, what: &Spanned<String>, why: &str) -> ThemeError {
        at(self.text, Some(what.span()), format!("'{}' {why}", what.get_ref()))
    }
}

fn at(text: &str, span: Option<Range<usize>>, why: String) -> ThemeError {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    ThemeError { line: before.matches('\n').count() + 1, text: why }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "name = 'x'\nforeground = '#ffffff'\nbackground = '#000000'\n";

    #[test]
    fn a_wrong_value_is_named_with_its_line() {
        let table = [
            ("[roles]\ntext = { fg = 'mauve' }\n", "line 5: 'mauve' is not in [palette]"),
            ("[palette]\nred = 'red'\n[roles]\ntext = { fg = 'red' }", "line 5: 'red' is not a colour: write #rrggbb"),
            (
                "[roles]\ntext = { fg16 = '#ff0000' }",
                "line 5: '#ff0000' is not one of the sixteen: write e.g. red, light-red, dark-gray, white",
            ),
            (
                "[roles]\ntext = { attributes = ['loud'] }",
                "line 5: 'loud' is none of bold, dim, italic, underline, reverse",
            ),
        ];
        for (body, error) in table {
            assert_eq!(format!("{HEAD}{body}").parse::<ThemeFile>().unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn what_is_not_toml_or_has_an_unknown_field_names_its_line() {
        for body in ["[roles\n", "[roles]\ntext = { colour = 'red' }\n"] {
            let error = format!("{HEAD}{body}").parse::<ThemeFile>().unwrap_err();
            assert!((4..=5).contains(&error.line), "{error}");
        }
    }

    #[test]
    fn a_colour_is_said_as_each_depth_can() {
        let text = format!(
            "{HEAD}[palette]\nr = '#ff0000'\n[roles]\nstatus = {{ fg = 'r', fg16 = 'light-red', attributes = ['bold'], mono = ['reverse'] }}"
        );
        let file: ThemeFile = text.parse().unwrap();
        let style = |depth| file.look("status.bad").style(depth);
        let bold = Style::new().add_modifier(Modifier::BOLD);
        assert_eq!(style(Depth::True), bold.fg(Color::Rgb(255, 0, 0)));
        assert_eq!(style(Depth::Ansi256), bold.fg(Color::Indexed(196)));
        assert_eq!(style(Depth::Ansi16), bold.fg(Color::LightRed));
        assert_eq!(style(Depth::None), Style::new().add_modifier(Modifier::REVERSED));
    }
}
