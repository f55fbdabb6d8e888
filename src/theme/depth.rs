//! How many colours a terminal has, and how a colour is said to one with fewer.

use ratatui::style::Color;
use strum::{Display, EnumString};

/// How many colours may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Display, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Depth {
    /// None: bold, dim, underline and reverse only (`NO_COLOR`, `TERM=dumb`).
    None,
    /// The sixteen that the terminal's own theme defines.
    #[strum(serialize = "16")]
    Ansi16,
    /// The fixed cube and grey ramp of xterm.
    #[strum(serialize = "256")]
    Ansi256,
    /// Any colour.
    True,
}

impl Depth {
    /// What a terminal can, by the variables it sets: `NO_COLOR` (any text in it, no-color.org), `TERM`, `COLORTERM`.
    pub fn of(no_color: Option<&str>, term: Option<&str>, colorterm: Option<&str>) -> Self {
        let term = term.unwrap_or_default();
        if no_color.is_some_and(|text| !text.is_empty()) || term == "dumb" {
            return Self::None;
        }
        match colorterm {
            Some("truecolor" | "24bit") => Self::True,
            _ if term.ends_with("-direct") => Self::True,
            _ if term.contains("256color") => Self::Ansi256,
            _ => Self::Ansi16,
        }
    }
}

/// The levels of one channel in xterm's colour cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest colour of xterm's 256 that no terminal theme redefines (16 to 255).
pub(super) fn nearest_of_256(red: u8, green: u8, blue: u8) -> Color {
    let cube = (0_u8..).zip(CUBE).flat_map(|(r, red)| {
        (0_u8..).zip(CUBE).flat_map(move |(g, green)| {
            (0_u8..).zip(CUBE).map(move |(b, blue)| (16 + 36 * r + 6 * g + b, [red, green, blue]))
        })
    });
    let greys = (0_u8..24).map(|step| (232 + step, [8 + 10 * step; 3]));
    let distance = |[r, g, b]: [u8; 3]| {
        let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        square(r, red) + square(g, green) + square(b, blue)
    };
    let nearest = cube.chain(greys).min_by_key(|(_, rgb)| distance(*rgb));
    Color::Indexed(nearest.map_or(15, |(index, _)| index))
}

/// Red, green and blue of one of xterm's 256 colours; the first sixteen as xterm ships them.
pub fn rgb_of_256(index: u8) -> (u8, u8, u8) {
    const FIRST: [(u8, u8, u8); 16] = [
        (0, 0, 0),
        (205, 0, 0),
        (0, 205, 0),
        (205, 205, 0),
        (0, 0, 238),
        (205, 0, 205),
        (0, 205, 205),
        (229, 229, 229),
        (127, 127, 127),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (92, 92, 255),
        (255, 0, 255),
        (0, 255, 255),
        (255, 255, 255),
    ];
    if let Some(rgb) = FIRST.get(usize::from(index)) {
        return *rgb;
    }
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return (grey, grey, grey);
    }
    let level = |at: u8| CUBE.get(usize::from(at % 6)).copied().unwrap_or_default();
    let cell = index - 16;
    (level(cell / 36), level(cell / 6), level(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_a_terminal_say_what_it_can() {
        let table = [
            ((None, Some("xterm-256color"), Some("truecolor")), Depth::True),
            ((None, Some("tmux-256color"), None), Depth::Ansi256),
            ((None, Some("linux"), None), Depth::Ansi16),
            ((None, None, None), Depth::Ansi16),
            ((None, Some("dumb"), Some("truecolor")), Depth::None),
            ((Some("1"), Some("xterm-256color"), Some("truecolor")), Depth::None),
            ((Some(""), Some("xterm-256color"), None), Depth::Ansi256),
        ];
        for ((no_color, term, colorterm), depth) in table {
            assert_eq!(Depth::of(no_color, term, colorterm), depth, "{no_color:?} {term:?} {colorterm:?}");
        }
    }

    #[test]
    fn a_colour_of_the_cube_or_of_the_ramp_finds_itself() {
        for index in 16..=255 {
            let (r, g, b) = rgb_of_256(index);
            let Color::Indexed(found) = nearest_of_256(r, g, b) else { panic!("not indexed") };
            assert_eq!(rgb_of_256(found), (r, g, b));
        }
    }
}
