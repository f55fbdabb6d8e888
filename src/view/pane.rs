//! A text that is longer than its room: the lines that are shown, with what is looked for in them made visible, and a line that says
//! where one is. What a line looks like, whoever has it says.

use crate::{
    app::pane::{Pane, contains},
    view::span::{Line, Role, Span},
};

/// What is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a, F> {
    /// How many lines there are.
    pub lines: usize,
    /// Where it stands.
    pub pane: &'a Pane,
    /// Makes one of them.
    pub line: F,
}

impl<F: Fn(usize) -> Line> Text<'_, F> {
    /// The lines that are shown in so much room.
    pub fn lay_out(&self, columns: usize, rows: usize) -> Vec<Line> {
        let window = self.pane.window(self.lines, rows);
        let found = self.pane.found();
        let one = |index: usize| {
            let line = (self.line)(index);
            let line = if found == Some(index) { around(line, &self.pane.search, columns) } else { line };
            let line = highlit(line, &self.pane.search);
            let mark = if found == Some(index) { Line::of(Role::Accent, "›") } else { Line::of(Role::Text, " ") };
            mark.join(line).cut(columns)
        };
        window.map(one).collect()
    }

    /// `341–372 of 412 lines, follows the end`; with what is looked for, `/vault`.
    pub fn place(&self, rows: usize) -> Line {
        let window = self.pane.window(self.lines, rows);
        let place = match self.lines {
            0 => "no lines".to_owned(),
            1 => "1 line".to_owned(),
            lines if lines <= rows => format!("{lines} lines"),
            lines => format!("{}–{} of {lines} lines", window.start + 1, window.end),
        };
        let mut line = Line::of(Role::Dim, place);
        if self.pane.typing || !self.pane.search.is_empty() {
            line.push(Role::Key, "  /");
            line.push(Role::Accent, self.pane.search.clone());
        }
        if self.pane.typing {
            line.push(Role::Accent, "▏");
        }
        line
    }
}

/// The same line, from so far on that what is looked for in it can be seen.
fn around(line: Line, search: &str, columns: usize) -> Line {
    let text = line.plain().to_lowercase();
    let Some(at) =
        Some(search).filter(|search| !search.is_empty()).and_then(|search| text.find(&search.to_lowercase()))
    else {
        return line;
    };
    let before = text.get(..at).map_or(0, |before| before.chars().count());
    // One cell marks the line, and one is the ellipsis of what is cut.
    let room = columns.saturating_sub(search.chars().count() + 2);
    if before <= room || line.width() < columns {
        return line;
    }
    let mut skip = before.saturating_sub(columns / 3);
    let mut rest = Line::of(Role::Dim, "…");
    for span in line.spans {
        let count = span.text.chars().count();
        let kept: String = span.text.chars().skip(skip).collect();
        skip = skip.saturating_sub(count);
        rest.push(span.role, kept);
    }
    rest
}

/// The same line, with what is looked for in the accent.
fn highlit(line: Line, search: &str) -> Line {
    if !contains(&line.plain(), search) {
        return line;
    }
    let wanted = search.to_lowercase();
    let spans = line.spans.into_iter().flat_map(|span| split(span, &wanted)).collect();
    Line { spans }
}

fn split(span: Span, wanted: &str) -> Vec<Span> {
    let lower = span.text.to_lowercase();
    // Where small letters take other room than great ones, places in one text are none in the other.
    if lower.len() != span.text.len() {
        return vec![span];
    }
    let mut parts = Vec::new();
    let mut rest = 0;
    while let Some(at) = lower.get(rest..).and_then(|text| text.find(wanted)) {
        let (from, to) = (rest + at, rest + at + wanted.len());
        let (Some(before), Some(hit)) = (span.text.get(rest..from), span.text.get(from..to)) else { break };
        if !before.is_empty() {
            parts.push(Span { text: before.to_owned().into(), role: span.role });
        }
        parts.push(Span { text: hit.to_owned().into(), role: Role::Accent });
        rest = to;
    }
    if let Some(after) = span.text.get(rest..).filter(|text| !text.is_empty()) {
        parts.push(Span { text: after.to_owned().into(), role: span.role });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_seen_in_its_line_whatever_its_case() {
        let line = highlit(Line::of(Role::Dim, "01:08 ").and(Role::Text, "Vault and VAULTS"), "vault");
        let parts: Vec<_> = line.spans.iter().map(|span| (span.text.as_ref(), span.role)).collect();
        let expected = [
            ("01:08 ", Role::Dim),
            ("Vault", Role::Accent),
            (" and ", Role::Text),
            ("VAULT", Role::Accent),
            ("S", Role::Text),
        ];
        assert_eq!(parts, expected);
        assert_eq!(highlit(Line::of(Role::Text, "ẞvault"), "vault").plain(), "ẞvault");
    }

    #[test]
    fn what_is_found_far_behind_in_a_long_line_is_seen() {
        let line =
            || Line::of(Role::Dim, "01:08 ").and(Role::Text, format!("{}vault{}", "x".repeat(500), "y".repeat(500)));
        let mut pane = Pane::default();
        pane.search.push_str("VAULT");
        let text = |pane: &Pane| Text { lines: 1, pane, line: |_| line() }.lay_out(40, 1)[0].plain();
        assert!(!text(&pane).contains("vault"));
        assert!(pane.find((1, 1), |_| true, false));
        let seen = text(&pane);
        assert!(seen.starts_with("›…xxx") && seen.contains("vault") && seen.chars().count() == 40, "{seen}");
    }

    #[test]
    fn a_text_says_where_one_is_in_it() {
        let mut pane = Pane::default();
        let shown = |pane: &Pane, lines| {
            let text = Text { lines, pane, line: |index| Line::of(Role::Text, format!("line {index}")) };
            let all: Vec<String> = text.lay_out(7, 3).iter().map(Line::plain).collect();
            (all, text.place(3).plain())
        };
        assert_eq!(shown(&pane, 0), (vec![], "no lines".to_owned()));
        assert_eq!(
            shown(&pane, 9),
            (vec![" line 6".to_owned(), " line 7".to_owned(), " line 8".to_owned()], "7–9 of 9 lines".into())
        );
        pane.search = "2".into();
        pane.find((9, 3), |line| line == 2, false);
        assert_eq!(shown(&pane, 9).0[1], "›line 2");
        assert_eq!(shown(&pane, 9).1, "2–4 of 9 lines  /2");
    }
}
