//! Reading a pipeline: where it is, in one answer; its executions, where that has moved; how it is made, where that has changed; and what
//! succeeded in its stages before, where something else is in them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    domain::{ids::SourceName, object::Family, observed::FaultKind, pipeline::Run, text::clean, time::Timestamp},
    port::{
        error::ProviderError,
        inventory::{Part, Scope},
    },
    provider::codepipeline::{
        CALLED, Pipeline, again,
        api::{self, ActionExecution, Execution},
        client::Client,
        gate, hold,
        memory::{Earlier, Memory},
        normalize,
        request::{self},
        watched::Watched,
    },
};

/// Pages of executions that are read because all before had not ended, and of actions of one execution.
const MOST_PAGES: usize = 10;
/// Executions that are asked for by themselves in one look: those that are in a stage and behind many newer ones.
const MOST_ALONE: usize = 20;

/// Who looks, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) client: &'a Client,
    pub(super) source: &'a SourceName,
    pub(super) now: Timestamp,
}

/// A pipeline that is looked at, and what was seen of it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) name: String,
    settings: Pipeline,
    memory: Mutex<Memory>,
}

/// What could not be read of it, a sentence each.
type Gaps = Vec<String>;

impl Seen {
    pub(super) fn new(name: &str, settings: &Pipeline) -> Self {
        Self { name: name.to_owned(), settings: settings.clone(), memory: Mutex::default() }
    }

    pub(super) fn scope(&self) -> Scope {
        Scope::of(&Family::run(), self.name.clone())
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watched<'a>(&'a self, memory: &'a Memory) -> Watched<'a> {
        Watched { pipeline: &self.name, settings: &self.settings, definition: memory.definition.as_ref() }
    }

    /// Everything that it has now.
    pub(super) async fn look(&self, look: Look<'_>) -> Result<Vec<Part>, ProviderError> {
        let mut gaps = Gaps::new();
        let state: api::State = look.client.read(&request::state(&self.name), &self.name).await?;
        self.read_definition(look, &state, &mut gaps).await?;
        let anew = self.memory().wants_executions(&state, look.now);
        if anew {
            let executions = self.read_executions(look, &state, &mut gaps).await?;
            self.memory().take(executions, look.now);
        }
        self.memory().state = state;
        if anew {
            self.read_earlier(look).await?;
            self.read_actions(look, &mut gaps).await?;
        }
        let memory = self.memory().clone();
        let gates = gate::gates(look.source, &self.watched(&memory), &memory, look.now);
        let runs = self.runs(look, &memory, &gates);
        let unread = memory.executions.len() - runs.len();
        if unread > 0 {
            gaps.push(self.gap(&format!("{unread} of its executions cannot be read: they have no id, or no time")));
        }
        Ok(vec![Part::whole(Family::run(), runs).without(gaps), Part::whole(Family::gate(), gates)])
    }

    fn runs(&self, look: Look<'_>, memory: &Memory, gates: &[crate::domain::gate::Gate]) -> Vec<Run> {
        let watched = self.watched(memory);
        let newest = memory.executions.iter().map(Execution::id).next().unwrap_or_default().to_owned();
        let one = |execution: &Execution| {
            let behind = |gate: &crate::domain::gate::Gate| gate.id.path.split('/').nth(1) == Some(execution.id());
            let waiting = gates.iter().any(|gate| behind(gate) && gate.approvals.is_some());
            let run = normalize::run(look.source, &watched, execution, &memory.state, waiting)?;
            let mut offers = again::offers(&watched, memory, execution);
            // The way into a stage is the pipeline's: it is held from what goes there, or from the newest that went.
            if execution.is_live() || execution.id() == newest {
                offers.extend(hold::offers(&watched, &memory.state));
            }
            Some(Run { offers, ..run })
        };
        memory.executions.iter().filter_map(one).collect()
    }

    /// How it is made, once for each version of it.
    async fn read_definition(&self, look: Look<'_>, state: &api::State, gaps: &mut Gaps) -> Result<(), ProviderError> {
        let known = {
            let memory = self.memory();
            memory.definition.is_some() && memory.asked_version == state.pipeline_version
        };
        if known {
            return Ok(());
        }
        match look.client.read::<api::Told>(&request::definition(&self.name), &self.name).await {
            Ok(told) => {
                let mut memory = self.memory();
                memory.definition = Some(told.pipeline);
                memory.asked_version = state.pipeline_version;
                // What succeeded in a stage counts for the pipeline as it is made now only.
                memory.earlier.clear();
            }
            Err(error) if is_partial(&error) => {
                gaps.push(format!(
                    "{}; which of its stages deploy, and what starting it asks for, is not known",
                    error.text
                ));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Its newest executions, all that have not ended, and those that are in a stage or wait before one.
    async fn read_executions(
        &self,
        look: Look<'_>,
        state: &api::State,
        gaps: &mut Gaps,
    ) -> Result<Vec<Execution>, ProviderError> {
        let mut all: Vec<Execution> = Vec::new();
        let mut token: Option<String> = None;
        for page in 1.. {
            let wanted = request::executions(&self.name, token.as_deref());
            let read: api::Executions = match look.client.read(&wanted, &self.name).await {
                Ok(read) => read,
                Err(error) if page > 1 && is_partial(&error) => {
                    gaps.push(error.text);
                    break;
                }
                Err(error) => return Err(error),
            };
            all.extend(read.pipeline_execution_summaries);
            token = read.next_token;
            // Where the last of a page still runs, there may be more that do.
            let goes_on = all.last().is_some_and(Execution::is_live) && token.is_some();
            if !goes_on {
                break;
            }
            if page == MOST_PAGES {
                gaps.push(self.gap(&format!("only {} of its executions that have not ended were read", all.len())));
                break;
            }
        }
        self.read_alone(look, state, &mut all, gaps).await?;
        Ok(all)
    }

    /// Executions that are in a stage and in no page that was read: each is asked for by itself.
    async fn read_alone(
        &self,
        look: Look<'_>,
        state: &api::State,
        all: &mut Vec<Execution>,
        gaps: &mut Gaps,
    ) -> Result<(), ProviderError> {
        let stages = state.stage_states.iter();
        let named = stages.flat_map(|stage| {
            let live = stage
                .latest_execution
                .iter()
                .filter(|latest| matches!(latest.status.as_deref(), Some("InProgress" | "Stopping")));
            live.chain(stage.inbound()).filter_map(|one| one.pipeline_execution_id.clone())
        });
        let mut absent: Vec<String> = named.filter(|id| all.iter().all(|one| one.id() != id)).collect();
        absent.sort_unstable();
        absent.dedup();
        if absent.len() > MOST_ALONE {
            gaps.push(
                self.gap(&format!(
                    "{} executions that wait behind newer ones were not read",
                    absent.len() - MOST_ALONE
                )),
            );
        }
        for id in absent.into_iter().take(MOST_ALONE) {
            let known = self.memory().execution(&id).cloned();
            match look.client.read::<api::Single>(&request::execution(&self.name, &id), &self.name).await {
                Ok(single) => {
                    let one = single.pipeline_execution;
                    // When it began only its actions tell.
                    let began = match known.as_ref().and_then(|known| known.start_time) {
                        Some(began) => Some(began),
                        None => self.began(look, &id).await?,
                    };
                    all.push(Execution {
                        pipeline_execution_id: Some(id),
                        status: one.status,
                        start_time: began,
                        source_revisions: one.artifact_revisions,
                        execution_mode: one.execution_mode,
                        ..known.unwrap_or_default()
                    });
                }
                Err(error) if error.kind == FaultKind::Missing => {}
                Err(error) if is_partial(&error) => gaps.push(error.text),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn began(&self, look: Look<'_>, execution: &str) -> Result<Option<Timestamp>, ProviderError> {
        let actions = read_all_actions(look.client, &self.name, execution, &self.name).await;
        match actions {
            Ok(actions) => Ok(actions.iter().filter_map(|action| action.start_time).min()),
            Err(error) if is_partial(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What succeeded in each stage that deploys, where something else is in it than when that was asked last.
    async fn read_earlier(&self, look: Look<'_>) -> Result<(), ProviderError> {
        let due: Vec<(String, Option<String>)> = {
            let memory = self.memory();
            let deploying = self.watched(&memory).deploying();
            let stages = deploying.into_iter().map(|stage| (stage.to_owned(), memory.in_stage(stage)));
            let changed = |(stage, there): &(String, Option<String>)| {
                memory.earlier.get(stage).is_none_or(|(before, earlier)| before != there || earlier.is_err())
            };
            stages.filter(changed).collect()
        };
        for (stage, there) in due {
            let wanted = request::succeeded(&self.name, &stage);
            let read: Earlier = match look.client.read::<api::Executions>(&wanted, &self.name).await {
                Ok(read) => Ok(read.pipeline_execution_summaries),
                Err(error) if is_partial(&error) => Err(error.text),
                Err(error) => return Err(error),
            };
            self.memory().earlier.insert(stage, (there, read));
        }
        Ok(())
    }

    /// What the actions of executions do that run side by side: the state of the pipeline tells of the newest only.
    async fn read_actions(&self, look: Look<'_>, gaps: &mut Gaps) -> Result<(), ProviderError> {
        let live: Vec<(String, Option<Timestamp>)> = {
            let memory = self.memory();
            if !memory.is_parallel() {
                return Ok(());
            }
            memory.live().map(|one| (one.id().to_owned(), one.start_time)).collect()
        };
        let Some(oldest) = live.iter().filter_map(|(_, began)| *began).min() else { return Ok(()) };
        let mut token: Option<String> = None;
        let mut all: Vec<ActionExecution> = Vec::new();
        for page in 1.. {
            let wanted = request::all_actions(&self.name, token.as_deref());
            let read: api::Actions = match look.client.read(&wanted, &self.name).await {
                Ok(read) => read,
                Err(error) if is_partial(&error) => {
                    gaps.push(format!(
                        "{}; what its executions wait for that run side by side is not known",
                        error.text
                    ));
                    break;
                }
                Err(error) => return Err(error),
            };
            all.extend(read.action_execution_details);
            token = read.next_token;
            // Newest first: what began before all that has not ended is of none of them.
            let beyond = all.last().and_then(|action| action.start_time).is_some_and(|began| began < oldest);
            if token.is_none() || beyond {
                break;
            }
            if page == MOST_PAGES {
                gaps.push(self.gap(&format!("what some of its {} executions wait for is not known", live.len())));
                break;
            }
        }
        let mut memory = self.memory();
        for (id, _) in live {
            let of = |action: &&ActionExecution| action.pipeline_execution_id.as_deref() == Some(id.as_str());
            let own = all.iter().filter(of).cloned().collect();
            memory.actions.insert(id, own);
        }
        Ok(())
    }

    fn gap(&self, text: &str) -> String {
        format!("{CALLED}, {}: {text}", clean(&self.name))
    }
}

/// Everything that the actions of an execution did, newest first.
pub(super) async fn read_all_actions(
    client: &Client,
    pipeline: &str,
    execution: &str,
    what: &str,
) -> Result<Vec<ActionExecution>, ProviderError> {
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let read: api::Actions = client.read(&request::actions(pipeline, execution, token.as_deref()), what).await?;
        all.extend(read.action_execution_details);
        token = read.next_token;
        if token.is_none() {
            break;
        }
    }
    Ok(all)
}

/// Does this speak of one part only? Who we are to it holds for everything, and so does that it answers nothing.
fn is_partial(error: &ProviderError) -> bool {
    !matches!(
        error.kind,
        FaultKind::RateLimited | FaultKind::Unauthenticated | FaultKind::TimedOut | FaultKind::Unreachable
    )
}
