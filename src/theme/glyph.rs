//! Glyph sets. The screen is written once, in Unicode; for a terminal that only has ASCII every glyph has a stand-in of
//! the same width, so that nothing moves.

/// Which characters a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// All, in a UTF-8 locale.
    Unicode,
    /// Printable ASCII only.
    Ascii,
}

/// Each glyph that the screen uses, and what stands for it in ASCII. All take one cell; those that say how something is
/// stay apart in ASCII too.
const TABLE: [(char, char); 59] = [
    ('✖', 'X'),
    ('✔', 'v'),
    ('◷', '~'),
    ('●', '*'),
    ('○', 'o'),
    ('◌', ','),
    ('▲', '!'),
    ('›', '>'),
    ('→', '>'),
    ('·', '.'),
    ('–', '-'),
    ('—', '-'),
    ('…', '~'),
    ('×', 'x'),
    ('≥', '>'),
    ('▏', '_'),
    ('█', '#'),
    ('▉', '#'),
    ('▊', '='),
    ('▋', '='),
    ('▌', '='),
    ('▍', '-'),
    ('▎', '-'),
    ('▁', '_'),
    ('▂', '.'),
    ('▃', '-'),
    ('▄', '='),
    ('▅', '+'),
    ('▆', '*'),
    ('▇', '%'),
    ('░', '.'),
    ('─', '-'),
    ('━', '='),
    ('│', '|'),
    ('┃', '#'),
    ('╎', ':'),
    ('┤', '|'),
    ('┼', '+'),
    ('┌', '+'),
    ('┐', '+'),
    ('└', '+'),
    ('┘', '+'),
    ('├', '+'),
    ('┴', '+'),
    ('┬', '+'),
    ('╭', '.'),
    ('╮', '.'),
    ('╰', '\''),
    ('╯', '\''),
    ('┏', '#'),
    ('┓', '#'),
    ('┗', '#'),
    ('┛', '#'),
    ('▼', '<'),
    ('┄', '-'),
    ('▶', '>'),
    ('‹', '<'),
    ('“', '"'),
    ('”', '"'),
];

impl Glyphs {
    /// The character as this set has it. Text from outside that it cannot show becomes `?`.
    pub fn show(self, c: char) -> char {
        if self == Self::Unicode || c.is_ascii() {
            return c;
        }
        TABLE.iter().find(|(glyph, _)| *glyph == c).map_or('?', |(_, ascii)| *ascii)
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthChar;

    use super::*;

    #[test]
    fn every_glyph_takes_one_cell_and_has_a_printable_stand_in() {
        for (glyph, ascii) in TABLE {
            assert_eq!(glyph.width(), Some(1), "{glyph}");
            assert!(ascii.is_ascii_graphic(), "{glyph}");
            assert_eq!((Glyphs::Unicode.show(glyph), Glyphs::Ascii.show(glyph)), (glyph, ascii));
        }
    }

    #[test]
    fn signs_of_status_stay_apart_in_ascii() {
        let signs = ['✖', '✔', '◷', '●', '○', '▲', '▼', '·', '›'];
        let shown: std::collections::BTreeSet<char> = signs.map(|sign| Glyphs::Ascii.show(sign)).into();
        assert_eq!(shown.len(), signs.len());
    }

    #[test]
    fn what_ascii_cannot_show_is_a_question_mark() {
        assert_eq!(Glyphs::Ascii.show('支'), '?');
        assert_eq!(Glyphs::Unicode.show('支'), '支');
    }
}
