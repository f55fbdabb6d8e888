//! Cleaning text from outside: nothing but printable text may reach a terminal or a record (F21).
//!
//! Escape sequences are parsed away (not merely their first byte), controls, bidirectional overrides and zero-width
//! characters are dropped. Layout (cutting, padding, width) is the screen's business and does not live here.

/// Escape sequences end here; only what would be printed is kept.
struct Printable {
    kept: String,
    lines: bool,
}

impl vte::Perform for Printable {
    fn print(&mut self, c: char) {
        if !is_invisible(c) {
            self.kept.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' if self.lines => self.kept.push('\n'),
            b'\n' | b'\t' | b'\r' if !self.kept.ends_with([' ', '\n']) => self.kept.push(' '),
            _ => {}
        }
    }
}

/// One line of printable text: line breaks and tabs become one space.
pub fn clean(text: &str) -> String {
    let mut kept = strip(text, false);
    kept.truncate(kept.trim_end().len());
    kept
}

/// Printable text that keeps its line breaks.
pub fn clean_lines(text: &str) -> String {
    strip(text, true)
}

/// As [`printable`], in one line: a line break is seen as one, so that no text from outside can look like a line more.
pub fn one_line(text: &str) -> String {
    printable(text.trim_end_matches('\n')).replace('\n', "⏎").replace('\t', " ")
}

/// Text whose every character can be printed: the last thing that is done before it leaves, whoever made it. Line breaks and
/// tabs stay. Nothing is parsed, so that nothing which follows can be hidden; a control is seen as one.
pub fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => Some(c),
        c if c.is_control() => Some(char::REPLACEMENT_CHARACTER),
        c if is_invisible(c) => None,
        c => Some(c),
    };
    text.chars().filter_map(shown).collect()
}

/// Is it a character that a terminal would obey, or not show?
pub fn is_unprintable(c: char) -> bool {
    is_invisible(c)
}

/// The text with whoever asks left out of the addresses in it: `https://…@host`. It may hold a password, also in one that
/// cannot be read as an address.
pub fn without_userinfo(text: &str) -> String {
    let mut parts = text.split("://");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str("://");
        let end = part.find(|c: char| c.is_whitespace() || "\"'`<>".contains(c)).unwrap_or(part.len());
        let (address, rest) = part.split_at(end);
        match address.rsplit_once('@') {
            Some((_, host)) => kept.extend(["…@", host]),
            None => kept.push_str(address),
        }
        kept.push_str(rest);
    }
    kept
}

fn strip(text: &str, lines: bool) -> String {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return text.to_owned();
    }
    let mut parser = vte::Parser::new();
    let mut printable = Printable { kept: String::with_capacity(text.len()), lines };
    parser.advance(&mut printable, text.as_bytes());
    printable.kept
}

/// Characters that take no cell or change the order of others: C1 controls, zero-width, joiners, bidirectional controls,
/// tags and other default-ignorables (Unicode TR 9 and TR 36).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Bytes as hexadecimal digits, as signatures and digests are written.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// So many of something, in words that fit one as well: `1 pod`, `3 pods`.
pub fn counted(number: u32, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A word as a POSIX shell reads it back, quoted where it must be.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_left_as_it_is() {
        assert_eq!(clean("payments 1.42.0"), "payments 1.42.0");
        assert_eq!(clean("größe ✔ 支付"), "größe ✔ 支付");
    }

    #[test]
    fn one_of_something_is_told_as_one() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "pod")), ["0 pods", "1 pod", "2 pods"]);
    }

    #[test]
    fn escape_sequences_bells_and_bidi_are_dropped_whole() {
        assert_eq!(clean("a\u{1b}[31mred\u{1b}[0m\u{7}"), "ared");
        assert_eq!(clean("title\u{1b}]0;owned\u{7}!"), "title!");
        assert_eq!(clean("abc\u{202e}fed\u{200b}"), "abcfed");
        assert_eq!(clean("\u{9b}2Jx"), "2Jx");
    }

    #[test]
    fn line_breaks_become_one_space_or_stay() {
        assert_eq!(clean("a\r\nb\tc\n"), "a b c");
        assert_eq!(clean_lines("a\nb"), "a\nb");
    }

    #[test]
    fn a_line_that_came_from_outside_cannot_look_like_two() {
        assert_eq!(one_line("a\nrecord 12 ended: done\n"), "a⏎record 12 ended: done");
        assert_eq!(one_line("a\tb\u{1b}]0;x\u{202e}c"), "a b�]0;xc");
    }

    #[test]
    fn what_leaves_shows_a_control_and_hides_nothing_that_follows_it() {
        assert_eq!(printable("a\u{1b}]0;never ended\n\tb\r\u{7f}\u{85}\u{202e}"), "a�]0;never ended\n\tb���");
    }

    #[test]
    fn an_address_is_shown_without_whoever_asks() {
        let table = [
            ("no URL: https://u:p@host/x?y", "no URL: https://…@host/x?y"),
            ("'http://u:p@ss/w@host:port' and http://b/c", "'http://…@host:port' and http://b/c"),
            ("mail dana@example.com about https://example.com", "mail dana@example.com about https://example.com"),
        ];
        for (text, expected) in table {
            assert_eq!(without_userinfo(text), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_printable_text_is_ever_kept(text in ".*", raw in proptest::collection::vec(0_u8..=255, 0..200)) {
            for input in [text, String::from_utf8_lossy(&raw).into_owned()] {
                let kept = clean(&input);
                proptest::prop_assert!(!kept.chars().any(|c| c.is_control() || is_invisible(c)), "{kept:?}");
                proptest::prop_assert_eq!(clean(&kept), kept);
            }
        }
    }

    #[test]
    fn words_are_quoted_for_the_shell_only_where_they_need_it() {
        assert_eq!(shell_word("shop"), "shop");
        assert_eq!(shell_word("a b"), "'a b'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
