//! The one door by which anything leaves the program: what a command prints, errors, questions. Whatever passes is printable,
//! whoever made the text; so a command that forgets to clean does no harm.
//!
//! One formatted write is one line: a line break that comes with a value in it is seen as `⏎` and begins no line. Whole texts
//! of ours (JSON, pictures) are written as bytes and keep their lines. The drawn screen has a door of its own, in `term`.

use std::{
    fmt,
    io::{self, Write},
};

use crate::domain::text::{one_line, printable};

/// The door to somewhere.
#[derive(Debug)]
pub struct Door<W> {
    to: W,
    /// The beginning of a character that is not whole yet.
    begun: Vec<u8>,
}

/// Standard output.
pub fn out() -> Door<io::Stdout> {
    Door::new(io::stdout())
}

/// Standard error.
pub fn err() -> Door<io::Stderr> {
    Door::new(io::stderr())
}

impl<W: Write> Door<W> {
    /// The door to a writer.
    pub fn new(to: W) -> Self {
        Self { to, begun: Vec::new() }
    }

    /// Writes a picture that we drew, or help that clap did: their colours pass too.
    pub fn write_coloured(&mut self, text: &str) -> io::Result<()> {
        let mut pieces = text.split("\u{1b}[");
        let mut clean = printable(pieces.next().unwrap_or_default());
        for piece in pieces {
            let end = piece.find(|c: char| !c.is_ascii_digit() && !";:".contains(c)).unwrap_or(piece.len());
            let (numbers, rest) = piece.split_at(end);
            match rest.strip_prefix('m') {
                Some(rest) => clean.extend(["\u{1b}[", numbers, "m", &printable(rest)]),
                None => clean.extend(["\u{fffd}[", numbers, &printable(rest)]),
            }
        }
        self.to.write_all(clean.as_bytes())
    }

    /// What is behind it.
    pub fn into_inner(self) -> W {
        self.to
    }
}

impl<W: Write> Write for Door<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&all) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => all.len(),
        };
        self.begun = all.split_off(whole);
        self.to.write_all(printable(&String::from_utf8_lossy(&all)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        let text = text.to_string();
        let end = if text.ends_with('\n') { "\n" } else { "" };
        self.to.write_all(format!("{}{end}", one_line(&text)).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(write: impl FnOnce(&mut Door<Vec<u8>>)) -> String {
        let mut door = Door::new(Vec::new());
        write(&mut door);
        String::from_utf8(door.into_inner()).unwrap()
    }

    #[test]
    fn a_value_in_a_line_begins_no_other_line_and_is_obeyed_by_no_terminal() {
        let who = "dana\nrecord 9 ended: done\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{7f}\u{202e}x";
        let said = through(|door| writeln!(door, "by {who}, it is said").unwrap());
        assert_eq!(said, "by dana⏎record 9 ended: done�]52;c;aGk=��2J�x, it is said\n");
        let through_dyn = through(|door| {
            let out: &mut dyn Write = door;
            writeln!(out, "{}", String::from("a\nb")).unwrap();
        });
        assert_eq!(through_dyn, "a⏎b\n");
    }

    #[test]
    fn whole_texts_keep_their_lines_and_characters_that_come_in_pieces() {
        let text = "größe\t✔\n\u{1b}[31mred\n";
        let said = through(|door| text.as_bytes().iter().for_each(|byte| door.write_all(&[*byte]).unwrap()));
        assert_eq!(said, "größe\t✔\n�[31mred\n");
        assert_eq!(through(|door| door.write_all(b"a\xffb\n").unwrap()), "a�b\n");
    }

    #[test]
    fn of_a_picture_only_colours_pass() {
        let said =
            through(|door| door.write_coloured("\u{1b}[0;31mred\u{1b}[0m\u{1b}[2J\u{1b}]0;x\u{7}\u{1b}[1").unwrap());
        assert_eq!(said, "\u{1b}[0;31mred\u{1b}[0m�[2J�]0;x��[1");
    }
}
