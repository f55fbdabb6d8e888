//! What differs from line to line by its form alone: numbers, times, durations, sizes, hexadecimal ids, UUIDs, addresses, and those
//! parts of a path that are such. By hand, in one pass and without backtracking: lines come from whoever writes them.

use std::borrow::Cow;

/// Stands where lines differ.
pub const ANY: &str = "<*>";
/// Hexadecimal digits from which on they are an id and no word, where a digit is among them.
const ID: usize = 8;

/// The word with what differs replaced.
pub(super) fn masked(word: &str) -> Cow<'_, str> {
    if !word.bytes().any(|byte| byte.is_ascii_digit()) && !is_address_v6(word) {
        return Cow::Borrowed(word);
    }
    let core = word.trim_matches(is_wrapping);
    if is_uuid(core) || is_address_v6(core) {
        return Cow::Owned(word.replacen(core, ANY, 1));
    }
    let mut kept = String::with_capacity(word.len() + ANY.len());
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(is_between).unwrap_or(rest.len());
        let (atom, after) = if end == 0 { rest.split_at(first.len_utf8()) } else { rest.split_at(end) };
        if end > 0 && differs(atom) {
            push_any(&mut kept);
        } else {
            kept.push_str(atom);
        }
        rest = after;
    }
    Cow::Owned(kept)
}

/// Once for parts that only marks of a number, a time or an address hold together: `<*>.<*>:<*>` is one.
fn push_any(kept: &mut String) {
    let joins = |c: char| matches!(c, '.' | ',' | ':' | '-' | '+' | '%');
    let before = kept.trim_end_matches(joins);
    if before.ends_with(ANY) && kept.len() - before.len() <= 1 {
        kept.truncate(before.len());
    } else {
        kept.push_str(ANY);
    }
}

/// What stands between the parts of a word.
fn is_between(c: char) -> bool {
    !c.is_alphanumeric() && c != '_'
}

/// What stands around a word.
fn is_wrapping(c: char) -> bool {
    "()[]{}<>\"'`,;".contains(c)
}

/// Begins with a digit (`3002ms`, `7cc75`, `20260310T0149Z`), is a long hexadecimal id, or ends a name as a number does (`id_812`).
fn differs(atom: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit();
    let hex = atom.len() >= ID && atom.bytes().all(|b| b.is_ascii_hexdigit()) && atom.bytes().any(digit);
    let numbered = atom.rsplit_once('_').is_some_and(|(_, last)| !last.is_empty() && last.bytes().all(digit));
    atom.bytes().next().is_some_and(digit) || hex || numbered
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    let all = lengths.iter().all(|length| {
        parts.next().is_some_and(|part| part.len() == *length && part.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    all && parts.next().is_none()
}

/// `fe80::1`, `2001:db8::8a2e`: at least two colons, and nothing but hexadecimal digits between them.
fn is_address_v6(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b':').count() >= 2
        && text.bytes().any(|byte| byte.is_ascii_hexdigit())
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_by_its_form_is_masked_and_words_are_left() {
        for (word, expected) in [
            ("timeout", "timeout"),
            ("größe", "größe"),
            ("3002", "<*>"),
            ("-0.25", "-<*>"),
            ("3002ms", "<*>"),
            ("1m30.5s", "<*>"),
            ("97%", "<*>%"),
            ("1,024KiB", "<*>"),
            ("0x7ffde81a", "<*>"),
            ("2026-11-21T06:26:05.123Z", "<*>"),
            ("06:26:05", "<*>"),
            ("10.2.0.17:8443", "<*>"),
            ("[fe80::1]", "[<*>]"),
            ("4a3fbba7ee5c89918de31460267671b4", "<*>"),
            ("cafebabe", "cafebabe"),
            ("550e8400-e29b-41d4-a716-446655440000", "<*>"),
            ("(550e8400-e29b-41d4-a716-446655440000),", "(<*>),"),
            ("order=8275", "order=<*>"),
            ("caller=checkout.go:88", "caller=checkout.go:<*>"),
            ("/api/orders/8206/items", "/api/orders/<*>/items"),
            ("\"took_ms\":1032}", "\"took_ms\":<*>}"),
            ("shard_12", "<*>"),
            ("http2", "http2"),
            ("", ""),
        ] {
            assert_eq!(masked(word), expected, "{word}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_word_is_masked_and_masking_it_again_changes_nothing_but_marks(word in "\\S{0,60}") {
            let once = masked(&word).into_owned();
            proptest::prop_assert!(once.len() <= word.len() * ANY.len() + ANY.len());
            proptest::prop_assert_eq!(masked(&once).into_owned(), once);
        }
    }
}
