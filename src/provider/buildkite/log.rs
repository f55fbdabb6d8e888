//! The end of a job's log. Buildkite keeps it as its agent sent it: with escape sequences, and with marks that say when each
//! line came.

use http::{HeaderMap, header};

use crate::domain::text::clean_lines;

/// Characters of one line that are kept: a log may hold a file without line breaks.
const LONGEST: usize = 16 << 10;
/// How a mark begins: `ESC _ bk;t=1700000000000 BEL`.
const MARK: &str = "\u{1b}_bk;";

/// The last lines of what was answered, `most` of them. Where only the end was sent, its first line is half a line.
pub(super) fn last_lines(headers: &HeaderMap, body: &[u8], most: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let text = unmarked(&text);
    let mut lines: Vec<&str> = text.lines().collect();
    if is_cut(headers) && lines.len() > 1 {
        lines.remove(0);
    }
    let from = lines.len().saturating_sub(most);
    lines.iter().skip(from).map(|line| clean_lines(&line.chars().take(LONGEST).collect::<String>())).collect()
}

/// Was only the end of it sent? `bytes 900-999/1000` begins after the beginning.
fn is_cut(headers: &HeaderMap) -> bool {
    let range = headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.and_then(|range| range.trim().strip_prefix("bytes ")).is_some_and(|range| !range.starts_with("0-"))
}

/// The text without the marks. A terminal's parser takes one for a sequence that ends elsewhere, and hides what follows.
fn unmarked(text: &str) -> String {
    let mut parts = text.split(MARK);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // One that never ends ends with its line.
        let end = part.find(['\u{7}', '\n']).unwrap_or(part.len());
        let rest = part.get(end..).unwrap_or_default();
        kept.push_str(rest.strip_prefix('\u{7}').unwrap_or(rest));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(range: Option<&'static str>, text: &str, most: usize) -> Vec<String> {
        let range = range.map(|range| (header::CONTENT_RANGE, range.parse().unwrap()));
        last_lines(&range.into_iter().collect(), text.as_bytes(), most)
    }

    #[test]
    fn marks_and_colours_are_taken_out_and_the_words_stay() {
        let text =
            "\u{1b}_bk;t=1700000000000\u{7}~~~ Running\r\n\u{1b}_bk;t=1700000000001\u{7}\u{1b}[31mred\u{1b}[0m\nlast";
        assert_eq!(lines(None, text, 9), ["~~~ Running", "red", "last"]);
        assert_eq!(lines(None, text, 2), ["red", "last"]);
        assert_eq!(lines(None, "\u{1b}_bk;t=17 and on\nnext", 9), ["", "next"]);
    }

    #[test]
    fn half_a_line_at_the_begin_is_left_out_and_a_whole_log_stays_whole() {
        assert_eq!(lines(Some("bytes 900-999/1000"), "lf\nwhole", 9), ["whole"]);
        assert_eq!(lines(Some("bytes 0-7/8"), "one\ntwo\n", 9), ["one", "two"]);
        assert_eq!(lines(Some("bytes 9-17/18"), "one line", 9), ["one line"]);
        assert_eq!(lines(None, "", 9), [""; 0]);
    }
}
