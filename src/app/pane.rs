//! A text on screen that is longer than its room: where it stands, whether it follows its end, and what is looked for in it. It knows
//! how many lines there are and never what they say: whoever has them asks.

use std::ops::Range;

/// See the module. At first it follows the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pane {
    /// The line that stands first; `None` while the end is followed.
    top: Option<usize>,
    /// The line that was found last.
    found: Option<usize>,
    /// What is looked for.
    pub search: String,
    /// Is that being typed?
    pub typing: bool,
}

impl Pane {
    /// What is looked for is typed from now on, anew.
    pub fn begin_search(&mut self) {
        self.search.clear();
        self.typing = true;
    }

    /// Takes a character of it; false where nothing is typed.
    pub fn typed(&mut self, c: char) -> bool {
        if self.typing {
            self.search.push(c);
        }
        self.typing
    }

    /// The lines that are shown where there is room for so many.
    pub fn window(&self, lines: usize, rows: usize) -> Range<usize> {
        let last = lines.saturating_sub(rows);
        let from = self.top.map_or(last, |top| top.min(last));
        from..(from + rows).min(lines)
    }

    /// Does it show its end, and what is added to it?
    pub fn follows(&self) -> bool {
        self.top.is_none()
    }

    /// Shows the end from now on; once more stays where it is.
    pub fn follow(&mut self, lines: usize, rows: usize) {
        self.top = match self.top {
            Some(_) => None,
            None => Some(self.window(lines, rows).start),
        };
    }

    /// Moves so many lines, down where that is positive. Whoever comes to the end follows it.
    pub fn scroll(&mut self, (lines, rows): (usize, usize), by: isize) {
        let to = self.window(lines, rows).start.saturating_add_signed(by);
        self.top = (to < lines.saturating_sub(rows)).then_some(to);
    }

    /// Shows the begin.
    pub fn begin(&mut self) {
        self.top = Some(0);
    }

    /// Shows the end.
    pub fn end(&mut self) {
        self.top = None;
    }

    /// For another text: from its end, with what is looked for.
    pub fn renew(&mut self) {
        (self.top, self.found) = (None, None);
    }

    /// The line that was found last, as long as it is there.
    pub fn found(&self) -> Option<usize> {
        self.found
    }

    /// Goes to the next line that is wanted, or to the one before; from the end it goes on at the begin. False where there is none.
    pub fn find(&mut self, (lines, rows): (usize, usize), wanted: impl Fn(usize) -> bool, back: bool) -> bool {
        let window = self.window(lines, rows);
        let (before, after) = match self.found.filter(|line| window.contains(line)) {
            Some(line) => (line, line + 1),
            // Where nothing was found yet, the last screen of a text is what is looked at first.
            None => (window.end, window.start),
        };
        let line = if back {
            (0..before).rev().chain((before..lines).rev()).find(|line| wanted(*line))
        } else {
            (after..lines).chain(0..after).find(|line| wanted(*line))
        };
        let Some(line) = line else { return false };
        self.found = Some(line);
        if !window.contains(&line) || self.top.is_none() {
            // Some of what stands before it is read with it.
            let top = if window.contains(&line) { window.start } else { line.saturating_sub(rows / 3) };
            self.top = Some(top.min(lines.saturating_sub(rows)));
        }
        true
    }

    /// Moves the mark of what was found by so many lines; where there is none in sight, to the last line that is shown, or, downwards
    /// from where one reads, to the first. It stays in sight.
    pub fn step(&mut self, (lines, rows): (usize, usize), by: isize) {
        let window = self.window(lines, rows);
        let Some(last) = lines.checked_sub(1) else { return };
        let to = match self.found.filter(|line| window.contains(line)) {
            Some(line) => line.saturating_add_signed(by).min(last),
            None if by > 0 && !self.follows() => window.start,
            None => window.end.saturating_sub(1),
        };
        self.show((lines, rows), to);
    }

    /// Marks this line, and shows it where it is out of sight, by as few lines as that takes.
    pub fn show(&mut self, (lines, rows): (usize, usize), line: usize) {
        let window = self.window(lines, rows);
        let top = if line < window.start { line } else { (line + 1).saturating_sub(rows).max(window.start) };
        (self.top, self.found) = (Some(top), Some(line));
    }

    /// The line that stands first, where it does not follow the end, and the one that was found last.
    pub fn stands(&self) -> (Option<usize>, Option<usize>) {
        (self.top, self.found)
    }

    /// The same lines are at other places now; one that is gone is `None`.
    pub fn moor(&mut self, top: Option<usize>, found: Option<usize>) {
        // Whoever stayed somewhere stays: at what comes next where that is gone.
        self.top = self.top.map(|_| top.unwrap_or(0));
        self.found = self.found.and(found);
    }

    /// So many lines at the begin are there no more.
    pub fn dropped(&mut self, lines: usize) {
        self.top = self.top.map(|top| top.saturating_sub(lines));
        self.found = self.found.and_then(|found| found.checked_sub(lines));
    }
}

/// Does a line contain what is looked for? Without regard to case.
pub fn contains(text: &str, search: &str) -> bool {
    !search.is_empty() && text.to_lowercase().contains(&search.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_end_until_somebody_moves_and_again_from_there_on() {
        let mut pane = Pane::default();
        assert_eq!((pane.window(100, 10), pane.window(3, 10), pane.window(0, 10)), (90..100, 0..3, 0..0));
        pane.scroll((100, 10), -5);
        assert_eq!((pane.window(100, 10), pane.window(120, 10), pane.follows()), (85..95, 85..95, false));
        pane.scroll((120, 10), 99);
        assert_eq!((pane.window(120, 10), pane.follows()), (110..120, true));
        pane.begin();
        assert_eq!(pane.window(120, 10), 0..10);
        pane.follow(120, 10);
        assert!(pane.follows());
        pane.follow(120, 10);
        assert_eq!(pane.window(130, 10), 110..120);
    }

    #[test]
    fn the_next_line_that_is_wanted_is_shown_and_from_the_end_it_goes_on_at_the_begin() {
        let mut pane = Pane::default();
        pane.begin();
        let wanted = |line: usize| [5, 40, 41].contains(&line);
        let mut next = |back| {
            let found = pane.find((100, 12), wanted, back);
            (found, pane.found(), pane.window(100, 12).start)
        };
        assert_eq!(next(false), (true, Some(5), 0));
        assert_eq!(next(false), (true, Some(40), 36));
        assert_eq!(next(false), (true, Some(41), 36));
        assert_eq!(next(false), (true, Some(5), 1));
        assert_eq!(next(true), (true, Some(41), 37));
        assert!(!Pane::default().find((100, 12), |_| false, false));
        assert!(!Pane::default().find((0, 12), |_| true, false));
    }

    #[test]
    fn the_mark_goes_from_line_to_line_and_takes_the_text_with_it() {
        let mut pane = Pane::default();
        pane.step((100, 10), -1);
        assert_eq!((pane.found(), pane.window(100, 10), pane.follows()), (Some(99), 90..100, false));
        pane.step((100, 10), -10);
        assert_eq!((pane.found(), pane.window(100, 10)), (Some(89), 89..99));
        pane.step((100, 10), 99);
        assert_eq!((pane.found(), pane.window(100, 10)), (Some(99), 90..100));
        pane.begin();
        pane.step((100, 10), 1);
        assert_eq!((pane.found(), pane.window(100, 10)), (Some(0), 0..10), "the mark was out of sight");
        pane.step((0, 10), 1);
        assert_eq!(pane.found(), Some(0));
    }

    #[test]
    fn lines_that_come_in_before_those_that_are_read_do_not_move_them() {
        let mut pane = Pane::default();
        pane.moor(Some(3), Some(4));
        assert_eq!(pane.stands(), (None, None), "it follows, and nothing was found");
        pane.show((100, 10), 20);
        let (top, found) = pane.stands();
        pane.moor(top.map(|line| line + 7), found.map(|line| line + 7));
        assert_eq!((pane.found(), pane.window(200, 10)), (Some(27), 27..37));
        pane.moor(None, None);
        assert_eq!((pane.found(), pane.window(200, 10)), (None, 0..10));
    }

    #[test]
    fn a_find_stops_following_so_that_what_was_found_stays() {
        let mut pane = Pane::default();
        assert!(pane.find((100, 10), |line| line == 95, false));
        assert_eq!((pane.window(200, 10), pane.found()), (90..100, Some(95)));
        pane.dropped(20);
        assert_eq!((pane.window(180, 10), pane.found()), (70..80, Some(75)));
        pane.dropped(80);
        assert_eq!((pane.window(100, 10), pane.found()), (0..10, None));
    }
}
