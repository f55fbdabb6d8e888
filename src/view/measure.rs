//! Text in cells: width, cutting, wrapping. By grapheme, so that nothing is ever torn apart.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What stands where something was cut off.
const ELLIPSIS: char = '…';

/// How many cells a text takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// The text in at most so many cells; ends with an ellipsis where something was cut off.
pub(super) fn cut(text: &str, cells: usize) -> String {
    if width(text) <= cells { text.to_owned() } else { cut_marked(text, cells) }
}

/// The beginning of the text and an ellipsis, together in at most so many cells.
pub(super) fn cut_marked(text: &str, cells: usize) -> String {
    let Some(room) = cells.checked_sub(1) else { return String::new() };
    let mut kept = take(text, room).to_owned();
    kept.push(ELLIPSIS);
    kept
}

/// The longest beginning of the text that fits.
fn take(text: &str, cells: usize) -> &str {
    let (mut used, mut end) = (0, 0);
    for (start, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > cells {
            break;
        }
        end = start + grapheme.len();
    }
    text.get(..end).unwrap_or_default()
}

/// The text in lines of at most so many cells, broken at blanks but never between a number and its unit. A word that is
/// too long for a line is broken behind a slash where there is one, else where it must be.
pub(super) fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        // A word that must be broken anyway begins where there is room.
        if !line.is_empty() && width(&line) + 1 + width(word) > cells && width(word) <= cells {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            // A blank that leaves no room would carry along whatever is without width.
            if width(&line) + 1 < cells {
                line.push(' ');
            } else {
                lines.push(std::mem::take(&mut line));
            }
        }
        let mut rest = word;
        while width(&line) + width(rest) > cells {
            let piece = behind_slash(take(rest, cells.saturating_sub(width(&line))));
            // A grapheme wider than the whole line would never fit.
            if piece.is_empty() && line.is_empty() {
                break;
            }
            line.push_str(piece);
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            rest = rest.get(piece.len()..).unwrap_or_default();
        }
        line.push_str(take(rest, cells));
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The same in at most so many lines; the last ends with an ellipsis where more would follow.
pub(super) fn wrap_within(text: &str, cells: usize, most: usize) -> Vec<String> {
    let mut lines = wrap(text, cells);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = cut_marked(last, cells.min(width(last) + 1));
        }
    }
    lines
}

/// Words, where a number and the unit behind it are one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    const UNITS: [&str; 8] = ["%", "s", "ms", "min", "h", "d", "rps", "pods"];
    let is_unit = |text: &str| UNITS.contains(&text.trim_end_matches(['.', ',', ';', ':', ')']));
    let mut rest = text.trim();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.find(' ').unwrap_or(rest.len());
        let after = rest.get(end..).unwrap_or_default().trim_start();
        let next = after.split(' ').next().unwrap_or_default();
        if rest.get(..end).is_some_and(|word| word.ends_with(|c: char| c.is_ascii_digit())) && is_unit(next) {
            end = rest.len() - after.len() + next.len();
        }
        let (word, behind) = rest.split_at_checked(end)?;
        rest = behind.trim_start();
        Some(word)
    })
}

/// The piece up to its last slash, if that keeps a good part of it.
fn behind_slash(piece: &str) -> &str {
    match piece.rfind('/') {
        Some(slash) if slash * 2 > piece.len() => piece.get(..=slash).unwrap_or(piece),
        _ => piece,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_blanks() {
        assert_eq!(wrap("errors 3.1 % against 0.2 %", 13), ["errors 3.1 %", "against 0.2 %"]);
        assert_eq!(wrap("PATCH rollouts/payments", 16), ["PATCH rollouts/", "payments"]);
        assert_eq!(wrap("began 2 min after", 8), ["began", "2 min", "after"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("A \u{c62}b", 1), ["A", "\u{c62}b"]);
        assert_eq!(wrap("", 9), Vec::<String>::new());
    }

    #[test]
    fn what_does_not_fit_into_the_lines_is_not_cut_in_silence() {
        assert_eq!(wrap_within("began 2 min after", 8, 3), ["began", "2 min", "after"]);
        assert_eq!(wrap_within("began 2 min after", 8, 2), ["began", "2 min…"]);
        assert_eq!(wrap_within("abcdefghij", 4, 2), ["abcd", "efg…"]);
        assert_eq!(wrap_within("began", 8, 0), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_ever_wider_than_asked(text in "\\PC{0,60}", cells in 0_usize..40) {
            proptest::prop_assert!(width(&cut(&text, cells)) <= cells);
            for line in wrap(&text, cells).into_iter().chain(wrap_within(&text, cells, 2)) {
                proptest::prop_assert!(width(&line) <= cells, "{line:?} at {cells}");
            }
        }
    }
}
