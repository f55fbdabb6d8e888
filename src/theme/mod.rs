//! How things look: roles, palettes, colour depth, glyph sets, and a lint for theme files.
//!
//! A role is a dotted name (`status.bad`); one that a theme leaves out looks like its parent (`status`, then `text`).
//! Here must not live: what is shown, or where. Nothing here knows the rest of the program.

pub mod depth;
pub mod file;
pub mod glyph;
pub mod lint;

use std::collections::BTreeMap;

use ratatui::style::{Color, Style};

pub use self::{
    depth::Depth,
    file::{ThemeError, ThemeFile},
    glyph::Glyphs,
};

/// Every role that the screen uses.
pub const ROLES: &[&str] = &[
    "text",
    "text.dim",
    "text.strong",
    "title",
    "rule",
    "accent",
    "accent.link",
    "key",
    "selection",
    "stale",
    "status",
    "status.good",
    "status.warn",
    "status.bad",
    "status.unknown",
    "canary",
    "stable",
    "marker",
    "danger",
    "danger.forward",
    "danger.back",
    "danger.still",
];

/// The role that lies under others: it has a background, and they keep their text.
const SELECTION: &str = "selection";

/// The built-in themes, by name.
const BUILT_IN: [(&str, &str); 3] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("colour-blind", include_str!("../../themes/colour-blind.toml")),
];

/// The names of the built-in themes; the first is the default.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// The text of a built-in theme.
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// A theme made ready for one terminal: a style for every role, and the glyph set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    styles: BTreeMap<&'static str, Style>,
    /// Which characters may be drawn.
    pub glyphs: Glyphs,
    /// What a terminal would use where no colour is said, for pictures: text and background.
    pub canvas: (Color, Color),
}

impl Theme {
    /// A theme file, for a terminal of this depth and glyph set.
    pub fn new(file: &ThemeFile, depth: Depth, glyphs: Glyphs) -> Self {
        let styles = ROLES.iter().map(|role| (*role, file.look(role).style(depth))).collect();
        Self { styles, glyphs, canvas: file.canvas }
    }

    /// A built-in theme by name; `None` when there is none of that name.
    pub fn named(name: &str, depth: Depth, glyphs: Glyphs) -> Option<Self> {
        let file = built_in(name)?.parse().ok()?;
        Some(Self::new(&file, depth, glyphs))
    }

    /// A theme that names instead of painting: every role has a colour of its own, from which [`Theme::roles_of`] reads it
    /// back. Nothing is drawn with it but what a program reads.
    pub fn of_roles(glyphs: Glyphs) -> Self {
        let paint = |(index, role): (u8, &&'static str)| {
            let color = Color::Indexed(index);
            (*role, if *role == SELECTION { Style::new().bg(color) } else { Style::new().fg(color) })
        };
        Self { styles: (0..).zip(ROLES).map(paint).collect(), glyphs, canvas: (Color::Reset, Color::Reset) }
    }

    /// The role of a cell that was drawn with [`Theme::of_roles`] from its text and background colours, and whether it is
    /// part of the selection.
    pub fn roles_of(text: Color, background: Color) -> (Option<&'static str>, bool) {
        let role = match text {
            Color::Indexed(index) => ROLES.get(usize::from(index)).copied(),
            _ => None,
        };
        (role, background != Color::Reset)
    }

    /// How a role looks; an unknown role looks like nothing special.
    pub fn style(&self, role: &str) -> Style {
        self.styles.get(role).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Modifier;

    use super::*;

    #[test]
    fn every_built_in_theme_is_called_as_it_says_and_passes_the_lint() {
        for name in names() {
            let file: ThemeFile = built_in(name).unwrap().parse().unwrap();
            assert_eq!(file.name, name);
            assert_eq!(lint::lint(&file), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn a_role_that_is_left_out_looks_like_its_parent() {
        let file: ThemeFile = concat!(
            "name = 'x'\nforeground = '#ffffff'\nbackground = '#000000'\n",
            "[palette]\nred = '#ff0000'\n[roles]\ntext = {}\nstatus = { fg = 'red', fg16 = 'red' }\n"
        )
        .parse()
        .unwrap();
        let theme = Theme::new(&file, Depth::True, Glyphs::Unicode);
        assert_eq!(theme.style("status.bad"), Style::new().fg(Color::Rgb(255, 0, 0)));
        assert_eq!(theme.style("rule"), Style::new());
    }

    #[test]
    fn without_colour_only_attributes_are_left_and_they_still_show_the_selection() {
        for name in names() {
            let theme = Theme::named(name, Depth::None, Glyphs::Ascii).unwrap();
            for role in ROLES {
                let style = theme.style(role);
                assert_eq!((style.fg, style.bg), (None, None), "{name} {role}");
            }
            assert!(theme.style("selection").add_modifier.contains(Modifier::REVERSED), "{name}");
        }
    }
}
