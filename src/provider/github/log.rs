//! The log of a job: where it is, and the last lines of it.

use std::collections::VecDeque;

use http::header;
use http_body_util::BodyExt;

use crate::{
    domain::{object::ObjectId, observed::FaultKind, text::clean_lines},
    port::{
        error::ProviderError,
        wire::{WireBody, WireError},
    },
    provider::github::{address::Address, client::Client, request},
};

/// Bytes of one line that are kept: a log may hold a file without line breaks.
const LONGEST: usize = 16 * 1024;

/// The address that a redirect names, seen from the path that was asked for. A path where it is on the same host, else a
/// whole URL.
fn redirected(path: &str, location: &str) -> Option<http::Uri> {
    let here = url::Url::parse("http://here.invalid").ok()?.join(path).ok()?;
    let there = here.join(location).ok()?;
    if there.origin() == here.origin() {
        let query = there.query().map_or_else(String::new, |query| format!("?{query}"));
        format!("{}{query}", there.path()).parse().ok()
    } else {
        there.as_str().parse().ok()
    }
}

/// The last lines of a text that comes in pieces.
#[derive(Debug)]
struct Tail {
    most: usize,
    lines: VecDeque<String>,
    begun: Vec<u8>,
}

impl Tail {
    fn new(most: usize) -> Self {
        Self { most, lines: VecDeque::new(), begun: Vec::new() }
    }

    /// Takes the next piece.
    fn take(&mut self, piece: &[u8]) {
        let mut parts = piece.split(|byte| *byte == b'\n');
        let Some(first) = parts.next() else { return };
        self.grow(first);
        for part in parts {
            self.end_line();
            self.grow(part);
        }
    }

    fn grow(&mut self, part: &[u8]) {
        let room = LONGEST.saturating_sub(self.begun.len()).min(part.len());
        self.begun.extend(part.iter().take(room));
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.begun).trim_end_matches('\r').to_owned();
        self.begun.clear();
        self.lines.push_back(line);
        if self.lines.len() > self.most {
            self.lines.pop_front();
        }
    }

    /// The lines, printable.
    fn lines(mut self) -> Vec<String> {
        if !self.begun.is_empty() {
            self.end_line();
        }
        self.lines.into_iter().map(|line| clean_lines(&line)).collect()
    }
}

/// Reads a body to its end and keeps the last lines.
async fn tail(mut body: WireBody, most: usize) -> Result<Vec<String>, WireError> {
    let mut tail = Tail::new(most);
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame?.into_data() {
            tail.take(&piece);
        }
    }
    Ok(tail.lines())
}

/// The last lines of a job's log: asks where it is, and fetches it from there without the token.
pub(super) async fn last_lines(
    client: &Client,
    run: &ObjectId,
    job: &str,
    most: usize,
) -> Result<Vec<String>, ProviderError> {
    let Address { owner, repo, run, .. } = Address::of(run)?;
    let about = format!("{owner}/{repo} run {run}, log of job {job}");
    let id = job.parse().map_err(|_| ProviderError::new(FaultKind::Missing, format!("'{job}' is no job of GitHub")))?;
    let wanted = request::log(&owner, &repo, id);
    let path = wanted.path.clone();
    let answer = client.send(wanted, &about).await?;
    if answer.status().is_success() {
        // An Enterprise server may answer with the log itself.
        let mut tail = Tail::new(most);
        tail.take(answer.body());
        return Ok(tail.lines());
    }
    let location = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    let opened = match location.filter(|_| answer.status().is_redirection()).and_then(|to| redirected(&path, to)) {
        Some(to) => client.elsewhere(to, &about).await,
        None => Err(client.fault(&answer, &about)),
    };
    match opened {
        Ok(log) => tail(log.into_body(), most).await.map_err(|error| client.broken(&error, &about)),
        Err(error) if error.kind == FaultKind::Missing => {
            let text = format!("GitHub, {about}: no log; there is one once the job has ended, and until it expires");
            Err(ProviderError::new(FaultKind::Missing, text))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_to_another_host_is_a_whole_url_and_one_to_the_same_host_a_path() {
        let path = "/repos/acme/ledger/actions/jobs/5/logs";
        let to = |location: &str| redirected(path, location).map(|uri| uri.to_string());
        assert_eq!(to("https://blob.test/logs?sig=a%2Fb"), Some("https://blob.test/logs?sig=a%2Fb".into()));
        assert_eq!(to("../../../../../../_logs/5?se=1"), Some("/_logs/5?se=1".into()));
        assert_eq!(to("/_logs/5"), Some("/_logs/5".into()));
        assert_eq!(to("https://"), None);
    }

    #[test]
    fn the_last_lines_stay_however_the_text_is_cut() {
        let text = b"\xef\xbb\xbfone\r\ntwo \x1b[31mred\x1b[0m\nthree\nfour";
        for size in 1..text.len() {
            let mut tail = Tail::new(3);
            text.chunks(size).for_each(|piece| tail.take(piece));
            assert_eq!(tail.lines(), ["two red", "three", "four"], "in pieces of {size}");
        }
    }

    #[test]
    fn a_log_without_line_breaks_is_cut() {
        let mut tail = Tail::new(2);
        for _ in 0..10 {
            tail.take(&[b'x'; 4096]);
        }
        assert_eq!(tail.lines().iter().map(String::len).collect::<Vec<_>>(), [LONGEST]);
    }
}
