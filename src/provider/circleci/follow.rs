//! Following a job's log: its steps one after the other, each from where it was read last, until the job has ended. Only `/api/v3` has
//! what a step wrote.

use futures::{StreamExt, stream};

use crate::{
    domain::{object::ObjectId, observed::FaultKind, pipeline::LogRef},
    port::{
        clock::SharedClock,
        error::ProviderError,
        lookup::{Answers, Told},
    },
    provider::circleci::{
        CALLED,
        address::Address,
        api,
        client::Client,
        log::{Log, PACES, ended, parts},
        request,
    },
};

/// A log that is followed.
struct Following {
    run: ObjectId,
    job: LogRef,
    log: Log,
    begun: bool,
    over: bool,
}

/// The end of a job's log, and then what is added to it.
pub(super) fn log<'a>(
    client: &'a Client,
    clock: &'a SharedClock,
    (run, job): (ObjectId, LogRef),
    most: usize,
) -> Answers<'a> {
    let begin = Following { run, job, log: Log::new(most), begun: false, over: false };
    stream::try_unfold(begin, move |mut it| async move {
        if it.over {
            return Ok(None);
        }
        let [mut pace, quiet] = PACES;
        let goes_on = it.begun;
        loop {
            if goes_on {
                clock.sleep(pace).await;
            }
            let cut = it.read_on(client).await?;
            it.begun = true;
            let piece = it.log.piece(goes_on, cut, it.over);
            if !goes_on || it.over || !piece.lines.is_empty() {
                return Ok(Some((Told::Log(piece), it)));
            }
            pace = quiet;
        }
    })
    .boxed()
}

impl Following {
    /// Reads what is new of the steps that are not read to their end; true where there are steps before those that are read.
    async fn read_on(&mut self, client: &Client) -> Result<bool, ProviderError> {
        let id = self.job.as_str();
        let about = format!("{}, log of job {id}", Address::of(&self.run)?.slug);
        let told: Result<api::One<api::Detail>, _> = client.read(&request::job(id), &about).await;
        let job = match told {
            Ok(job) => job.data,
            Err(error) if error.kind == FaultKind::Missing => return Err(without_v3(client, &about, error).await),
            Err(error) => return Err(error),
        };
        let (all, cut) = parts(&job);
        // What a step wrote last may come between the two: a step is read after its end is known.
        for part in &all {
            if self.log.is_done(part) {
                continue;
            }
            let from = self.log.place(part);
            let bytes = output(client, id, "stdout", part.place, from, &about).await?;
            self.log.take(&bytes);
            if !part.ended {
                continue;
            }
            let second = output(client, id, "stderr", part.place, 0, &about).await?;
            self.log.end(part, &second);
        }
        self.over = ended(&job);
        Ok(cut)
    }
}

/// What a step wrote to one of its streams from there on; nothing where it has not.
async fn output(
    client: &Client,
    job: &str,
    stream: &str,
    place: (usize, u64),
    from: usize,
    about: &str,
) -> Result<Vec<u8>, ProviderError> {
    let wanted = request::output(job, stream, place, from);
    let answer = client.send(&wanted, about).await?;
    match answer.status().as_u16() {
        // Whoever does not keep to the range sends all of it.
        200 if from > 0 && is_whole(&answer, from) => Ok(answer.body().get(from..).unwrap_or_default().to_vec()),
        200..=299 => Ok(answer.body().to_vec()),
        404 | 416 => Ok(Vec::new()),
        _ => Err(client.fault(&answer, &wanted, about)),
    }
}

/// Does the answer say that it is the whole text?
fn is_whole(answer: &http::Response<bytes::Bytes>, from: usize) -> bool {
    let range = answer.headers().get(http::header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.trim().starts_with("bytes 0-")) && answer.body().len() >= from
}

/// That a job is not there, or that nothing of this kind is.
async fn without_v3(client: &Client, about: &str, error: ProviderError) -> ProviderError {
    match client.send(&request::has_v3(), "its /api/v3").await {
        Ok(answer) if answer.status() == http::StatusCode::NOT_FOUND => {
            let text = format!("{CALLED}, {about}: this server has no /api/v3, and logs are nowhere else");
            ProviderError::new(FaultKind::Missing, text)
        }
        _ => error,
    }
}
