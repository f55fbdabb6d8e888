//! A writer that turns everything between two flushes into one write: a frame is never seen half.

use std::io::{self, Write};

use crate::term::escape::{BeginFrame, EndFrame};

/// Frames below this size are one write anyway and go without brackets: an idle screen costs few bytes.
const BRACKETED_FROM: usize = 256;

/// Collects a frame and writes it at once.
#[derive(Debug)]
pub struct FrameWriter<W: Write> {
    inner: W,
    frame: Vec<u8>,
}

impl<W: Write> FrameWriter<W> {
    /// Frames for this writer.
    pub fn new(inner: W) -> Self {
        Self { inner, frame: Vec::new() }
    }

    /// What it writes to.
    pub fn inner(&self) -> &W {
        &self.inner
    }
}

impl<W: Write> Write for FrameWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let mut frame = std::mem::take(&mut self.frame);
        if frame.len() >= BRACKETED_FROM {
            frame = [BeginFrame.to_string().as_bytes(), &frame, EndFrame.to_string().as_bytes()].concat();
        }
        self.inner.write_all(&frame)?;
        self.inner.flush()?;
        frame.clear();
        self.frame = frame;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts writes.
    #[derive(Default)]
    struct Writes(Vec<Vec<u8>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_is_one_write_and_only_a_large_one_has_brackets() {
        let mut frames = FrameWriter::new(Writes::default());
        for part in ["\x1b[3;1H", "12 s"] {
            frames.write_all(part.as_bytes()).unwrap();
        }
        frames.flush().unwrap();
        frames.flush().unwrap();
        let large = "x".repeat(BRACKETED_FROM);
        frames.write_all(large.as_bytes()).unwrap();
        frames.flush().unwrap();
        let written: Vec<&str> = frames.inner().0.iter().map(|bytes| std::str::from_utf8(bytes).unwrap()).collect();
        assert_eq!(written, ["\x1b[3;1H12 s".to_owned(), format!("\x1b[?2026h{large}\x1b[?2026l")]);
    }
}
