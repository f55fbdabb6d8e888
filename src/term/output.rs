//! What is written to the terminal: buffered whole frames, each inside a synchronized update, so that none is seen half.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

/// Begin of a synchronized update (DEC private mode 2026). Terminals that do not know it ignore it.
const BEGIN: &[u8] = b"\x1b[?2026h";
/// Its end.
const END: &[u8] = b"\x1b[?2026l";
/// Room for a full repaint, so that a frame is one write.
const ROOM: usize = 256 * 1024;

/// Collects what a frame writes and sends it at once on [`Frames::send`]; a `flush` in between sends nothing, because the
/// backend flushes on its own before a frame is whole. Clones are handles of the same frames.
#[derive(Clone, Debug, Default)]
pub struct Frames(Arc<Mutex<Vec<u8>>>);

impl Frames {
    /// No frame yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Vec::with_capacity(ROOM))))
    }

    /// Sends the frame; an empty one sends nothing.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn send(&self, mut to: impl Write) -> io::Result<()> {
        let mut frame = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if frame.is_empty() {
            return Ok(());
        }
        let mut whole = Vec::with_capacity(BEGIN.len() + frame.len() + END.len());
        whole.extend_from_slice(BEGIN);
        whole.append(&mut frame);
        whole.extend_from_slice(END);
        to.write_all(&whole)?;
        to.flush()
    }
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
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
        let mut frames = Frames::new();
        frames.send(&mut seen).unwrap();
        frames.write_all(b"a").unwrap();
        frames.flush().unwrap();
        frames.write_all(b"b").unwrap();
        frames.send(&mut seen).unwrap();
        assert_eq!(seen, b"\x1b[?2026hab\x1b[?2026l");
    }
}
