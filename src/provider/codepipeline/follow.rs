//! Reading logs: that of a build of CodeBuild, or of an action that writes one itself, to its end in CloudWatch Logs.

use std::time::Duration;

use futures::{StreamExt, stream};

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
        lookup::{Answers, LogPiece, Told},
    },
    provider::codepipeline::{
        CALLED,
        address::Address,
        api,
        facade::CodePipeline,
        request,
        tree::{self, BUILD, STREAM},
    },
};

/// How soon more is looked for after something came, and after nothing did.
const PACES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(10)];

/// A log that is followed.
struct Following {
    at: Address,
    log: LogRef,
    most: usize,
    /// Its group and stream, once they are known.
    place: Option<(String, String)>,
    /// Where it goes on.
    token: Option<String>,
    over: bool,
}

impl CodePipeline {
    /// The end of a log, and then what is added to it, until whatever writes it has ended.
    pub(super) fn log(&self, run: &ObjectId, log: LogRef, most: usize) -> Answers<'_> {
        let begin = Address::of(run).map(|at| Following { at, log, most, place: None, token: None, over: false });
        stream::try_unfold(Some(begin), move |state| async move {
            let Some(begin) = state else { return Ok(None) };
            let mut it = begin?;
            if it.over {
                return Ok(None);
            }
            let piece = self.next_piece(&mut it).await?;
            Ok(Some((Told::Log(piece), Some(Ok(it)))))
        })
        .boxed()
    }

    async fn next_piece(&self, it: &mut Following) -> Result<LogPiece, ProviderError> {
        let goes_on = it.token.is_some();
        let [mut pace, quiet] = PACES;
        loop {
            if goes_on {
                self.clock().sleep(pace).await;
                pace = quiet;
            }
            // Asked before the lines: what it wrote last is read then.
            it.over = self.has_ended(&it.at, &it.log).await?;
            let (lines, full) = self.more(it).await?;
            if it.over || !goes_on || !lines.is_empty() {
                return Ok(LogPiece { lines, goes_on, cut: !goes_on && full, over: it.over });
            }
        }
    }

    /// The lines that are next, and whether as many came as were asked for.
    async fn more(&self, it: &mut Following) -> Result<(Vec<Line>, bool), ProviderError> {
        let what = format!("{}, its log", it.at.said());
        if it.place.is_none() {
            it.place = self.place(&it.log, &what).await?;
        }
        let Some((group, stream)) = &it.place else {
            // A build that has just begun has none yet.
            return Ok((Vec::new(), false));
        };
        let (mut lines, mut full) = (Vec::new(), false);
        // One answer has a megabyte; the same token twice is the end.
        loop {
            let wanted = request::events(group, stream, it.most, it.token.as_deref());
            let read: api::Events = self.client().read(&wanted, &what).await?;
            let empty = read.events.is_empty();
            full |= read.events.len() >= it.most;
            lines.extend(read.events.into_iter().flat_map(of_event));
            let same = read.next_forward_token.is_none() || read.next_forward_token == it.token;
            let first = it.token.is_none();
            if read.next_forward_token.is_some() {
                it.token = read.next_forward_token;
            }
            if same || empty || first || lines.len() >= it.most {
                break;
            }
        }
        let left_out = lines.len().saturating_sub(it.most);
        lines.drain(..left_out);
        Ok((lines, full || left_out > 0))
    }

    /// Where the lines of a log are; nothing while nobody has written any.
    async fn place(&self, log: &LogRef, what: &str) -> Result<Option<(String, String)>, ProviderError> {
        let nothing = |why: &str| ProviderError::new(FaultKind::Missing, format!("{CALLED}, {what}: {why}"));
        if let Some(arn) = log.as_str().strip_prefix(STREAM) {
            return of_arn(arn).map(Some).ok_or_else(|| nothing("it does not say where it is"));
        }
        let id = log.as_str().strip_prefix(BUILD).ok_or_else(|| nothing("there is no such log"))?;
        let read: api::Builds = self.client().read(&request::build(id), what).await?;
        let build = read.builds.into_iter().next().ok_or_else(|| nothing("CodeBuild knows no such build any more"))?;
        let logs = build.logs.unwrap_or_default();
        Ok(logs.group_name.zip(logs.stream_name))
    }

    /// Has what writes a log ended? An action that its execution does not have is not known to have.
    async fn has_ended(&self, at: &Address, log: &LogRef) -> Result<bool, ProviderError> {
        let actions = self.actions(at).await?;
        let one = actions.iter().find(|action| tree::log(action).as_ref() == Some(log));
        Ok(one.is_some_and(|action| tree::state(action).ended()))
    }
}

/// `arn:aws:logs:REGION:ACCOUNT:log-group:GROUP:log-stream:STREAM`.
fn of_arn(arn: &str) -> Option<(String, String)> {
    let (_, rest) = arn.split_once(":log-group:")?;
    let (group, stream) = rest.split_once(":log-stream:")?;
    Some((group.to_owned(), stream.to_owned()))
}

fn of_event(event: api::Event) -> Vec<Line> {
    let at = event.timestamp.and_then(Timestamp::from_timestamp_millis);
    let message = event.message.unwrap_or_default();
    message.trim_end_matches(['\r', '\n']).lines().map(|raw| line(at, raw)).collect()
}

/// One line; what CodeBuild says of itself begins with `[Container]` and a moment.
fn line(at: Option<Timestamp>, raw: &str) -> Line {
    let text = shown(raw);
    let own = text.strip_prefix("[Container] ");
    let mark = match own {
        Some(own) if own.contains("Running command ") => Mark::Command,
        Some(own) if own.contains("Entering phase ") => Mark::Group,
        Some(_) => Mark::Debug,
        None => Mark::Plain,
    };
    Line { at, mark, grouped: false, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_log_is_read_from_its_name_and_what_codebuild_says_itself_is_marked() {
        let arn = "arn:aws:logs:eu-west-1:1:log-group:/aws/codepipeline/till:log-stream:a/b";
        assert_eq!(of_arn(arn), Some(("/aws/codepipeline/till".into(), "a/b".into())));
        assert_eq!(of_arn("arn:aws:logs:eu-west-1:1"), None);
        let event = api::Event {
            timestamp: Some(1_000),
            message: Some("[Container] 2026/03/10 10:12:00 Running command make\n\u{1b}[31mred\n".into()),
        };
        let lines: Vec<_> = of_event(event).into_iter().map(|line| (line.mark, line.text)).collect();
        let command = "[Container] 2026/03/10 10:12:00 Running command make".to_owned();
        assert_eq!(lines, [(Mark::Command, command), (Mark::Plain, "red".into())]);
    }
}
