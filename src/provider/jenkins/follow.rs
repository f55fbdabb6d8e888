//! Reading logs: that of a whole build to its end, and that of a stage as it is now, again and again while it goes on.

use std::time::Duration;

use futures::{StreamExt, stream};

use crate::{
    domain::{object::ObjectId, observed::FaultKind, pipeline::LogRef},
    port::{
        error::ProviderError,
        lookup::{Answers, LogPiece, Told},
    },
    provider::jenkins::{
        address::Address,
        api::{self, StepLog},
        facade::Jenkins,
        log::{self, Console},
        request::{self, TAIL},
        tree::{self, CONSOLE, GRAPH, STAGE},
    },
};

/// How soon more is looked for after something came, and after nothing did.
const PACES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(10)];
/// The last steps of a stage whose logs are read.
const STEPS: usize = 10;

/// A log that is followed.
struct Following {
    at: Address,
    log: LogRef,
    most: usize,
    console: Console,
    last: Option<LogPiece>,
}

impl Jenkins {
    /// The end of a log, and then what is added to it, until whatever writes it has ended.
    pub(super) fn log(&self, run: &ObjectId, log: LogRef, most: usize) -> Answers<'_> {
        let begin =
            Address::of(run).map(|at| Box::new(Following { at, log, most, console: Console::new(most), last: None }));
        stream::try_unfold(Begin::Yet(begin), move |state| async move {
            let mut it = match state {
                Begin::Yet(begin) => begin?,
                Begin::Over => return Ok(None),
                Begin::Going(it) => it,
            };
            let piece = if it.log.as_str() == CONSOLE { self.more(&mut it).await? } else { self.anew(&mut it).await? };
            let over = piece.over;
            Ok(Some((Told::Log(piece), if over { Begin::Over } else { Begin::Going(it) })))
        })
        .boxed()
    }

    /// The next piece of the log of a build: the end of it, or what came since.
    async fn more(&self, it: &mut Following) -> Result<LogPiece, ProviderError> {
        let Some(_) = it.console.next() else {
            self.read_end(it).await?;
            return Ok(it.console.piece(false));
        };
        let [mut pace, quiet] = PACES;
        loop {
            self.clock().sleep(pace).await;
            let from = it.console.next().and_then(|next| i64::try_from(next).ok()).unwrap_or_default();
            let answer = self.client().done(&request::console(&it.at, from), &what(&it.at)).await?;
            it.console.take(answer.headers(), answer.body());
            let piece = it.console.piece(true);
            if piece.over || !piece.lines.is_empty() {
                return Ok(piece);
            }
            pace = quiet;
        }
    }

    /// Reads the end of the log of a build; where an older core knows no end, all of it.
    async fn read_end(&self, it: &mut Following) -> Result<(), ProviderError> {
        let from = -i64::try_from(TAIL).unwrap_or(0);
        let what = what(&it.at);
        let answer = match self.client().done(&request::console(&it.at, from), &what).await {
            Err(error) if matches!(error.kind, FaultKind::Server | FaultKind::Rejected) => {
                self.client().done(&request::console(&it.at, 0), &what).await?
            }
            other => other?,
        };
        it.console.take(answer.headers(), answer.body());
        Ok(())
    }

    /// What a stage wrote, as it is now: told again where it has changed, until it has ended.
    async fn anew(&self, it: &mut Following) -> Result<LogPiece, ProviderError> {
        let [mut pace, quiet] = PACES;
        loop {
            if it.last.is_some() {
                self.clock().sleep(pace).await;
                pace = quiet;
            }
            let piece = self.stage_log(&it.at, &it.log, it.most).await?;
            if it.last.as_ref() != Some(&piece) {
                it.last = Some(piece.clone());
                return Ok(piece);
            }
        }
    }

    async fn stage_log(&self, at: &Address, log: &LogRef, most: usize) -> Result<LogPiece, ProviderError> {
        let nothing = || {
            let text = format!("Jenkins, {}: there is no log '{}'", at.said(), log.as_str());
            ProviderError::new(FaultKind::Missing, text)
        };
        if let Some(node) = log.as_str().strip_prefix(GRAPH) {
            let what = format!("{}, log of stage {node}", at.said());
            let over = self.has_ended(at, node).await?;
            let answer = self.client().done(&request::graph_log(at, node), &what).await?;
            return Ok(log::whole(&String::from_utf8_lossy(answer.body()), most, over));
        }
        let node = log.as_str().strip_prefix(STAGE).ok_or_else(nothing)?;
        let what = format!("{}, log of stage {node}", at.said());
        let stage: api::Steps = self.client().read(&request::steps(at, node), &what).await?;
        let over = tree::state(&stage.own, true).ended();
        let steps = stage.stage_flow_nodes.unwrap_or_default();
        let writes = steps.iter().filter(|step| step.links.as_ref().is_some_and(|links| links.log.is_some()));
        let writes: Vec<&api::Stage> = writes.collect();
        let left_out = writes.len().saturating_sub(STEPS);
        let mut read: Vec<(&api::Stage, StepLog)> = Vec::new();
        for step in writes.iter().skip(left_out) {
            let Some(id) = step.id.as_deref() else { continue };
            if let Some(log) = self.client().read_of_plugin(&request::step_log(at, id), &what).await? {
                read.push((step, log));
            }
        }
        let piece = log::stage(&read, most, over);
        Ok(LogPiece { cut: piece.cut || left_out > 0, ..piece })
    }

    /// Has a stage ended, as pipeline-graph-view tells it?
    async fn has_ended(&self, at: &Address, node: &str) -> Result<bool, ProviderError> {
        let graph: api::Graph = self.client().read(&request::graph(at), &at.said()).await?;
        let stages = graph.data.and_then(|data| data.stages).unwrap_or_default().read;
        Ok(find(&stages, node).is_some_and(|stage| tree::state(stage, true).ended()))
    }
}

fn what(at: &Address) -> String {
    format!("{}, its log", at.said())
}

fn find<'a>(stages: &'a [api::Stage], id: &str) -> Option<&'a api::Stage> {
    stages.iter().find_map(|stage| {
        let here = (stage.id.as_deref() == Some(id)).then_some(stage);
        here.or_else(|| find(stage.children.as_deref().unwrap_or_default(), id))
    })
}

/// Where following stands.
enum Begin {
    Yet(Result<Box<Following>, ProviderError>),
    Going(Box<Following>),
    Over,
}
