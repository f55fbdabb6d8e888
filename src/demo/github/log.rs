//! Job logs: plain text behind a signed URL that is good for a minute and takes no token, as GitHub's blob storage does it.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};

use crate::{
    demo::{
        github::{
            Forge,
            run::{Job, Run, Stage},
            wire::run::{share, step_names},
        },
        rest::{Good, Refused, fnv, plain, query},
    },
    domain::time::Timestamp,
};

/// Seconds for which a log's URL is good.
const GOOD_FOR: i64 = 60;

/// Where the log of a job is. GitHub names another host; here it is a reference up to the root under which the world serves
/// the forge, because the forge does not know that root.
pub(super) fn redirect(now: Timestamp, job: &Job) -> Result<Good, Refused> {
    let Stage::Done { .. } = job.stage else { return Err(Refused::not_found()) };
    let until = now.timestamp() + GOOD_FOR;
    let location = format!("../../../../../../_logs/{}?se={until}&sig={}", job.id, signature(job.id, until));
    Ok(Good::with(StatusCode::FOUND, None).header(header::LOCATION, &location))
}

/// Below which the logs are.
const LOGS: &str = "/_logs/";

/// Does it ask for a log?
pub(super) fn is_one(request: &Request<Bytes>) -> bool {
    request.uri().path().starts_with(LOGS)
}

fn signature(job: u64, until: i64) -> String {
    format!("{:016x}", fnv(job, ["log until ", &until.to_string()]))
}

impl Forge {
    /// The text of a log, if the request is for one.
    pub(super) fn log_file(&self, now: Timestamp, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let id = request.uri().path().strip_prefix(LOGS)?;
        let until = query(request, "se").and_then(|text| text.parse::<i64>().ok());
        let signed = |job: u64| until.is_some_and(|until| query(request, "sig") == Some(signature(job, until)));
        let job = id.parse().ok().filter(|id| signed(*id) && until.is_some_and(|until| now.timestamp() <= until));
        let Some(id) = job.filter(|_| !has_token(request.headers())) else {
            return Some(plain(StatusCode::FORBIDDEN, "AuthenticationFailed: the URL has expired or is not signed"));
        };
        let jobs = self
            .repos
            .iter()
            .flat_map(|repo| &repo.runs)
            .flat_map(|run| run.attempts().flat_map(|attempt| &attempt.jobs).map(move |job| (run, job)));
        let found = jobs.into_iter().find(|(_, job)| job.id == id);
        Some(match found {
            Some((run, job)) => plain(StatusCode::OK, &text(run, job)),
            None => plain(StatusCode::NOT_FOUND, "BlobNotFound"),
        })
    }
}

/// Blob storage refuses a request that carries somebody else's token besides the signature.
fn has_token(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

/// The whole log of a job that ended.
fn text(run: &Run, job: &Job) -> String {
    let Stage::Done { since, at, conclusion } = job.stage else { return String::new() };
    let names = step_names(job);
    let count = names.len();
    let mut text = String::from("\u{feff}");
    let mut line = |at: Timestamp, said: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {said}", at.format("%Y-%m-%dT%H:%M:%S%.6f0Z"));
    };
    for (index, name) in names.into_iter().enumerate() {
        let begin = share(since, at, index, count);
        line(begin, &format!("##[group]{name}"));
        match index {
            0 => line(begin, "Current runner version: '2.330.0'"),
            1 => line(begin, &format!("HEAD is now at {} {}", run.commit, run.title)),
            _ => line(begin, &format!("shell: /usr/bin/bash -e {{0}}  # {}", job.plan.name)),
        }
        line(begin, "##[endgroup]");
        if index + 2 == count {
            let end = share(since, at, index + 1, count);
            job.plan.log.iter().for_each(|said| line(begin, said));
            match conclusion {
                "success" => {}
                "cancelled" => line(end, "##[error]The operation was canceled."),
                _ => line(end, "##[error]Process completed with exit code 1."),
            }
        }
    }
    text
}
