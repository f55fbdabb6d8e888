//! Bodies: collecting a whole one, within a bound, and reading lines as they come.

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

use crate::port::wire::{WireBody, WireError};

/// The longest answer that is read: 5,000 objects of 12 KB.
pub const LONGEST: usize = 64 << 20;

/// The longest line of a stream: one object of a cluster may have 1.5 MiB in etcd, and JSON is longer.
const LONGEST_LINE: usize = 8 << 20;

/// The whole body.
///
/// # Errors
/// When it breaks off, or is longer than [`LONGEST`].
pub async fn collect(mut body: WireBody) -> Result<Bytes, WireError> {
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if all.len() + data.len() > LONGEST {
                return Err(WireError::Lost(format!("the answer is longer than {} MiB", LONGEST >> 20)));
            }
            // What is whole already is not copied.
            if all.is_empty() && body.is_end_stream() {
                return Ok(data);
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(all.freeze())
}

/// Lines of a body, as they come.
#[derive(Debug)]
pub struct Lines {
    body: WireBody,
    rest: BytesMut,
}

impl Lines {
    /// The lines of this body.
    pub fn new(body: WireBody) -> Self {
        Self { body, rest: BytesMut::new() }
    }

    /// The next line without its break; `None` at the end. A last line without a break is half an answer, and is dropped.
    ///
    /// # Errors
    /// When the body breaks off, is silent for too long, or one line is longer than 8 MiB.
    pub async fn next(&mut self) -> Result<Option<Bytes>, WireError> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(end + 1).freeze();
                return Ok(Some(line.slice(..end)));
            }
            if self.rest.len() > LONGEST_LINE {
                return Err(WireError::Lost(format!("a line is longer than {} MiB", LONGEST_LINE >> 20)));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.rest.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    fn chunks(chunks: &'static [&'static str]) -> WireBody {
        StreamBody::new(stream::iter(chunks.iter().map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))))))
            .boxed_unsync()
    }

    #[tokio::test]
    async fn lines_come_whole_however_they_are_cut_and_half_a_line_is_no_line() {
        let mut lines = Lines::new(chunks(&["{\"a\"", ":1}\n\n{\"b\":2}\n{\"c\"", ":"]));
        let mut got = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            got.push(line);
        }
        assert_eq!(got, [Bytes::from("{\"a\":1}"), Bytes::new(), Bytes::from("{\"b\":2}")]);
    }
}
