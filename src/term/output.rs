//! What is written to the terminal: buffered whole frames, each inside a synchronized update, so that none is seen half.

use std::io::{self, Write};

/// Begin of a synchronized update (DEC private mode 2026). Terminals that do not know it ignore it.
const BEGIN: &[u8] = b"\x1b[?2026h";
/// Its end.
const END: &[u8] = b"\x1b[?2026l";
/// Room for a full repaint, so that a frame is one write.
const ROOM: usize = 256 * 1024;

/// Collects what a frame writes and sends it at once on [`Frames::send`]; a `flush` in between sends nothing.
#[derive(Debug)]
pub struct Frames<W: Write> {
    to: W,
    frame: Vec<u8>,
    /// Bytes that were sent since the start.
    sent: u64,
}

impl<W: Write> Frames<W> {
    /// Frames that go to `to`.
    pub fn new(to: W) -> Self {
        Self { to, frame: Vec::with_capacity(ROOM), sent: 0 }
    }

    /// Sends the frame; an empty one sends nothing.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn send(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let mut whole = Vec::with_capacity(BEGIN.len() + self.frame.len() + END.len());
        whole.extend_from_slice(BEGIN);
        whole.append(&mut self.frame);
        whole.extend_from_slice(END);
        self.sent += whole.len() as u64;
        self.to.write_all(&whole)?;
        self.to.flush()
    }

    /// How many bytes went out since the start.
    pub fn sent(&self) -> u64 {
        self.sent
    }
}

impl<W: Write> Write for Frames<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_sent_whole_and_an_empty_one_not_at_all() {
        let mut seen = Vec::new();
        let mut frames = Frames::new(&mut seen);
        frames.send().unwrap();
        frames.write_all(b"a").unwrap();
        frames.flush().unwrap();
        frames.write_all(b"b").unwrap();
        frames.send().unwrap();
        assert_eq!(frames.sent(), 18);
        assert_eq!(seen, b"\x1b[?2026hab\x1b[?2026l");
    }
}
