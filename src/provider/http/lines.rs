//! The last lines of a text that comes in pieces, however they are cut. A line may be a whole file without breaks: of each so much is
//! kept that it can be read, and said how much is not.

use std::collections::VecDeque;

use super::items::grouped;

/// Bytes of one line that are kept.
const LONGEST: usize = 16 << 10;

/// Lines as they came; only invalid UTF-8 is replaced.
#[derive(Debug)]
pub struct LastLines {
    most: usize,
    lines: VecDeque<String>,
    begun: Vec<u8>,
    /// Bytes of the line that is begun which are not kept.
    over: usize,
    /// The piece before ended with a carriage return.
    returned: bool,
    cut: bool,
}

impl LastLines {
    /// Keeps so many.
    pub fn new(most: usize) -> Self {
        Self { most, lines: VecDeque::new(), begun: Vec::new(), over: 0, returned: false, cut: false }
    }

    /// Takes the next piece. A carriage return ends a line as a line feed does, so that nothing is hidden behind what overwrites it.
    pub fn take(&mut self, piece: &[u8]) {
        let mut rest = piece;
        if self.returned && !rest.is_empty() {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            self.returned = false;
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, behind) = rest.split_at(end);
            self.grow(line);
            self.end_line();
            let behind = match behind.strip_prefix(b"\r") {
                Some([]) => {
                    self.returned = true;
                    &[]
                }
                Some(behind) => behind.strip_prefix(b"\n").unwrap_or(behind),
                None => behind.get(1..).unwrap_or_default(),
            };
            rest = behind;
        }
        self.grow(rest);
    }

    /// Leaves out what was begun of a line: only its end was sent.
    pub fn drop_first(&mut self) {
        self.cut = true;
        if self.lines.pop_front().is_none() {
            (self.begun, self.over) = (Vec::new(), 0);
        }
    }

    /// The whole lines that came since this was asked last.
    pub fn whole(&mut self) -> Vec<String> {
        self.lines.drain(..).collect()
    }

    /// The same, with what has no end yet.
    pub fn all(&mut self) -> Vec<String> {
        if !self.begun.is_empty() {
            self.end_line();
        }
        self.whole()
    }

    /// Were there more before the first?
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    fn grow(&mut self, part: &[u8]) {
        let room = LONGEST.saturating_sub(self.begun.len()).min(part.len());
        self.begun.extend(part.iter().take(room));
        self.over += part.len() - room;
    }

    fn end_line(&mut self) {
        let mut line = String::from_utf8_lossy(&self.begun).into_owned();
        if self.over > 0 {
            line.extend(["… and ", &grouped(self.over), " bytes more"]);
        }
        (self.begun, self.over) = (Vec::new(), 0);
        self.lines.push_back(line);
        if self.lines.len() > self.most {
            self.lines.pop_front();
            self.cut = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_stay_however_the_text_is_cut() {
        let text = b"one\r\ntwo \xff\nthree\rfour\r\n\r\nfive";
        for size in 1..=text.len() {
            let mut lines = LastLines::new(5);
            text.chunks(size).for_each(|piece| lines.take(piece));
            assert!(!lines.is_cut(), "in pieces of {size}");
            assert_eq!(lines.all(), ["two \u{fffd}", "three", "four", "", "five"], "in pieces of {size}");
            assert!(lines.is_cut(), "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_begun_is_told_once_it_has_ended() {
        let mut lines = LastLines::new(9);
        lines.take(b"one\ntw");
        assert_eq!(lines.whole(), ["one"]);
        lines.take(b"o\nthree");
        assert_eq!((lines.whole(), lines.all()), (vec!["two".to_owned()], vec!["three".to_owned()]));
    }

    #[test]
    fn a_log_without_line_breaks_is_cut_and_says_how_much_is_missing() {
        let mut lines = LastLines::new(2);
        for _ in 0..256 {
            lines.take(&[b'x'; 4096]);
        }
        let all = lines.all();
        let [line] = all.as_slice() else { panic!("{} lines", all.len()) };
        assert_eq!(line.trim_start_matches('x'), "… and 1,032,192 bytes more");
        assert_eq!(line.len() - "… and 1,032,192 bytes more".len(), LONGEST);
    }

    #[test]
    fn half_a_line_at_the_begin_is_left_out() {
        let mut lines = LastLines::new(9);
        lines.take(b"lf\nwhole");
        lines.drop_first();
        assert_eq!((lines.is_cut(), lines.all()), (true, vec!["whole".to_owned()]));
    }
}
