//! Where one case ends and the next begins: one case a line, or cases that are spread over lines. What they say is not read.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read},
};

use serde::de::IgnoredAny;

/// The mark that some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Cases, read as they come: a line is handed out before the next one is waited for.
pub(super) struct Cases<R> {
    input: BufReader<R>,
    /// The lines read so far.
    line: u64,
    text: Vec<u8>,
    /// Cases of a text that is spread over lines, with the lines where they begin.
    spread: VecDeque<(u64, Vec<u8>)>,
    begun: bool,
}

impl<R: Read> Cases<R> {
    pub(super) fn of(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 16, input),
            line: 0,
            text: Vec::new(),
            spread: VecDeque::new(),
            begun: false,
        }
    }

    /// The next case, and the line on which it begins.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        if self.spread.is_empty() {
            if !self.next_line()? {
                return Ok(None);
            }
            if self.begun || !is_unfinished(&self.text) {
                self.begun = true;
                return Ok(Some((self.line, &self.text)));
            }
            self.begun = true;
            let first = self.line;
            self.input.read_to_end(&mut self.text)?;
            self.spread = split(&self.text, first);
        }
        let Some((line, text)) = self.spread.pop_front() else { return Ok(None) };
        self.text = text;
        Ok(Some((line, &self.text)))
    }

    /// Whether the next case must be waited for: time to show the answers so far.
    pub(super) fn must_wait(&self) -> bool {
        self.spread.is_empty() && self.input.buffer().is_empty()
    }

    /// Reads on to a line that is not blank.
    fn next_line(&mut self) -> io::Result<bool> {
        loop {
            self.text.clear();
            if self.input.read_until(b'\n', &mut self.text)? == 0 {
                return Ok(false);
            }
            self.line += 1;
            if self.line == 1 && self.text.starts_with(BYTE_ORDER_MARK) {
                self.text.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.text.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }
}

fn is_unfinished(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_err_and(|error| error.is_eof())
}

/// Splits a text whose first line is not a whole case. Where that line is only broken, and others are whole, it is one case a
/// line after all.
fn split(text: &[u8], first: u64) -> VecDeque<(u64, Vec<u8>)> {
    if let Some(cases) = split_by_values(text, first) {
        return cases;
    }
    let is_whole = |line: &[u8]| line.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(line).is_ok();
    if !text.split(|byte| *byte == b'\n').any(is_whole) {
        return VecDeque::from([(first, text.to_vec())]);
    }
    (first..)
        .zip(text.split(|byte| *byte == b'\n'))
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(at, line)| (at, line.to_vec()))
        .collect()
}

fn split_by_values(text: &[u8], first: u64) -> Option<VecDeque<(u64, Vec<u8>)>> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    let (mut cases, mut line) = (VecDeque::new(), first);
    loop {
        let from = values.byte_offset();
        let value = values.next();
        let case = text.get(from..values.byte_offset())?;
        let breaks = |text: &[u8]| text.split(|byte| *byte == b'\n').skip(1).count() as u64;
        let blank = case.len() - case.trim_ascii_start().len();
        line += breaks(case.get(..blank)?);
        match value {
            None => return Some(cases),
            Some(value) => drop(value.ok()?),
        }
        cases.push_back((line, case.to_vec()));
        line += breaks(case.get(blank..)?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, String)> {
        let mut cases = Cases::of(text.as_bytes());
        let mut found = Vec::new();
        while let Some((line, text)) = cases.next().unwrap() {
            found.push((line, String::from_utf8(text.to_vec()).unwrap().split_whitespace().collect()));
        }
        found
    }

    fn cases(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
        expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
    }

    #[test]
    fn a_case_is_a_line_or_spread_over_lines() {
        assert_eq!(read(""), cases(&[]));
        assert_eq!(read("\n \r\n"), cases(&[]));
        assert_eq!(read("\u{feff}{\"a\":1}\r\n\n{\"b\":2}"), cases(&[(1, r#"{"a":1}"#), (3, r#"{"b":2}"#)]));
        assert_eq!(read("\n{\n \"a\": 1\n}\n"), cases(&[(2, r#"{"a":1}"#)]));
        assert_eq!(read("{\n \"a\": 1\n}\n\n{\n \"b\": 2\n}"), cases(&[(1, r#"{"a":1}"#), (5, r#"{"b":2}"#)]));
    }

    #[test]
    fn a_broken_line_spoils_only_itself() {
        assert_eq!(read("{\"a\":\n{\"b\":2}\n"), cases(&[(1, "{\"a\":"), (2, r#"{"b":2}"#)]));
        assert_eq!(
            read("{\"a\":1}\n{\"b\":\n{\"c\":3}"),
            cases(&[(1, r#"{"a":1}"#), (2, "{\"b\":"), (3, r#"{"c":3}"#)])
        );
    }

    #[test]
    fn a_broken_text_over_lines_is_one_case() {
        assert_eq!(read("{\n \"a\": [\n  {\"b\": 1}\n"), cases(&[(1, "{\"a\":[{\"b\":1}")]));
    }
}
