//! The log of a job: where it is, and the last lines of it.

use http::header;
use http_body_util::BodyExt;

use crate::{
    domain::{
        log::{Line, Mark, shown},
        object::ObjectId,
        observed::FaultKind,
        pipeline::LogRef,
        time::Timestamp,
    },
    port::{
        error::ProviderError,
        lookup::LogPiece,
        wire::{WireBody, WireError},
    },
    provider::{
        github::{address::Address, client::Client, request},
        http::lines::LastLines,
    },
};

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

/// What GitHub puts before a line of a job's log to say what it is (github.com/actions/toolkit, `core/src/command.ts`).
const MARKS: [(&str, Mark); 7] = [
    ("##[group]", Mark::Group),
    ("##[command]", Mark::Command),
    ("##[error]", Mark::Error),
    ("##[warning]", Mark::Warning),
    ("##[notice]", Mark::Notice),
    ("##[section]", Mark::Notice),
    ("##[debug]", Mark::Debug),
];
const END_OF_GROUP: &str = "##[endgroup]";

/// Lines as GitHub writes them, each with its time before it, as ours.
fn lines(raw: Vec<String>) -> Vec<Line> {
    let mut grouped = false;
    let mut read = |raw: String| {
        let (at, said) = timed(raw.trim_start_matches('\u{feff}'));
        if said.starts_with(END_OF_GROUP) {
            grouped = false;
            return None;
        }
        let marked = MARKS.iter().find_map(|(word, mark)| Some((*mark, said.strip_prefix(word)?)));
        let (mark, text) = marked.unwrap_or((Mark::Plain, said));
        grouped &= mark != Mark::Group;
        let line = Line { at, mark, grouped, text: shown(text) };
        grouped |= mark == Mark::Group;
        Some(line)
    };
    raw.into_iter().filter_map(&mut read).collect()
}

/// `2023-01-10T08:24:28.1234567Z Running tests`: when it came, and what.
fn timed(line: &str) -> (Option<Timestamp>, &str) {
    let Some((time, said)) = line.split_once(' ') else { return (None, line) };
    match chrono::DateTime::parse_from_rfc3339(time) {
        Ok(at) => (Some(at.to_utc()), said),
        Err(_) => (None, line),
    }
}

/// Reads a body to its end and keeps the last lines.
async fn tail(mut body: WireBody, most: usize) -> Result<LastLines, WireError> {
    let mut tail = LastLines::new(most);
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame?.into_data() {
            tail.take(&piece);
        }
    }
    Ok(tail)
}

/// What was read of a log. There is one once the job has ended: nothing is added to it.
fn told(mut read: LastLines) -> LogPiece {
    let raw = read.all();
    LogPiece { lines: lines(raw), goes_on: false, cut: read.is_cut(), over: true }
}

/// The last lines of a job's log: asks where it is, and fetches it from there without the token.
pub(super) async fn last_lines(
    client: &Client,
    run: &ObjectId,
    log: &LogRef,
    most: usize,
) -> Result<LogPiece, ProviderError> {
    let (Address { owner, repo, run, .. }, job) = (Address::of(run)?, log.as_str());
    let about = format!("{owner}/{repo} run {run}, log of job {job}");
    let id = job.parse().map_err(|_| ProviderError::new(FaultKind::Missing, format!("'{job}' is no job of GitHub")))?;
    let wanted = request::log(&owner, &repo, id);
    let path = wanted.path.clone();
    let answer = client.send(wanted, &about).await?;
    if answer.status().is_success() {
        // An Enterprise server may answer with the log itself.
        let mut tail = LastLines::new(most);
        tail.take(answer.body());
        return Ok(told(tail));
    }
    let location = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    let opened = match location.filter(|_| answer.status().is_redirection()).and_then(|to| redirected(&path, to)) {
        Some(to) => client.elsewhere(to, &about).await,
        None => Err(client.fault(&answer, &about)),
    };
    match opened {
        Ok(log) => tail(log.into_body(), most).await.map(told).map_err(|error| client.broken(&error, &about)),
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
    fn a_line_says_when_it_came_and_what_it_is_and_stands_below_its_heading() {
        let raw = [
            "\u{feff}2023-01-10T08:24:28.1234567Z ##[group]Run \u{1b}[36mtests\u{1b}[0m",
            "2023-01-10T08:24:29.0000000Z shell: bash\0",
            "2023-01-10T08:24:29.0000000Z ##[endgroup]",
            "2023-01-10T08:24:30.5000000Z ##[error]Process completed with exit code 1.",
            "without a time",
        ];
        let line = |at: Option<&str>, mark, grouped, text: &str| Line {
            at: at.map(|at| at.parse().unwrap()),
            mark,
            grouped,
            text: text.to_owned(),
        };
        let expected = [
            line(Some("2023-01-10T08:24:28.1234567Z"), Mark::Group, false, "Run tests"),
            line(Some("2023-01-10T08:24:29Z"), Mark::Plain, true, "shell: bash�"),
            line(Some("2023-01-10T08:24:30.5Z"), Mark::Error, false, "Process completed with exit code 1."),
            line(None, Mark::Plain, false, "without a time"),
        ];
        assert_eq!(lines(raw.map(str::to_owned).to_vec()), expected);
    }
}
