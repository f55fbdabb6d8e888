//! The pipelines that are looked at: those that the configuration names, by name or id, and all of an organisation's where it says so.
//! Which there are is asked for now and then; what was listed last stays known when that fails.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    domain::{
        object::Family,
        pipeline::Run,
        text::clean,
        time::{Timestamp, age},
    },
    port::{
        error::ProviderError,
        inventory::{Part, Scope},
    },
    provider::flow::{
        CALLED, Pipeline, api,
        client::{Client, Pages},
        pipeline::Watched,
    },
};

/// How long the list counts before it is asked for again, and how long after a failure.
const KEPT: Duration = Duration::from_mins(10);
const AGAIN: Duration = Duration::from_mins(1);
/// The scope that the list itself is.
const LIST: &str = "pipelines";

/// All of them.
#[derive(Debug)]
pub(super) struct Roster {
    named: Vec<Pipeline>,
    others: Option<Pipeline>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    watched: Vec<Arc<Watched>>,
    asked: Option<Timestamp>,
    /// Why the newest attempt failed, and what of the list is not looked at.
    fault: Option<ProviderError>,
    gaps: Vec<String>,
}

impl Roster {
    pub(super) fn new(pipelines: Vec<Pipeline>) -> Self {
        let (named, others): (Vec<Pipeline>, Vec<Pipeline>) =
            pipelines.into_iter().partition(|pipeline| pipeline.name.is_some());
        Self { named, others: others.into_iter().next(), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each pipeline, as far as they are known.
    pub(super) fn all(&self) -> Vec<Arc<Watched>> {
        self.known().watched.clone()
    }

    /// The pipeline of this id, if it is looked at.
    pub(super) fn get(&self, id: u64) -> Option<Arc<Watched>> {
        self.known().watched.iter().find(|one| one.id == id).cloned()
    }

    /// The scopes: one for each pipeline, and one for the list of them.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        self.all().iter().map(|one| one.scope()).chain([Self::list()]).collect()
    }

    /// The scope that the list itself is.
    pub(super) fn list() -> Scope {
        Scope::of(&Family::run(), LIST)
    }

    /// What the list tells: no run, and what is not looked at.
    pub(super) fn told(&self) -> Result<Vec<Part>, ProviderError> {
        let known = self.known();
        match &known.fault {
            Some(error) => Err(error.clone()),
            None => Ok(vec![Part::whole(Family::run(), Vec::<Run>::new()).without(known.gaps.clone())]),
        }
    }

    /// Asks for the pipelines that there are, where that is not known or old.
    pub(super) async fn ask(&self, client: &Client, now: Timestamp) {
        let due = {
            let known = self.known();
            let kept = if known.fault.is_some() { AGAIN } else { KEPT };
            known.asked.is_none_or(|at| age(now, at) >= kept)
        };
        if !due {
            return;
        }
        let read = client.pages::<api::Pipeline>(|page| client.door.list("", None, page), LIST).await;
        let mut known = self.known();
        known.asked = Some(now);
        match read {
            Ok(pages) => {
                let found = self.found(&pages, &known.watched);
                known.gaps = self.gaps(&pages, &found);
                (known.watched, known.fault) = (found, None);
            }
            Err(error) => {
                known.fault = Some(error);
                if known.watched.is_empty() {
                    // What is named by its id can be looked at without the list.
                    known.watched = self.by_id().collect();
                }
            }
        }
    }

    fn by_id(&self) -> impl Iterator<Item = Arc<Watched>> + '_ {
        self.named.iter().filter_map(|pipeline| {
            let name = pipeline.name.clone()?;
            Some(Arc::new(Watched::new(pipeline.clone(), name.parse().ok()?, name)))
        })
    }

    /// What the configuration says of this pipeline; `None` where it is not looked at.
    fn settings(&self, id: u64, name: &str) -> Option<&Pipeline> {
        let is_it =
            |pipeline: &&Pipeline| pipeline.name.as_deref().is_some_and(|own| own == name || own == id.to_string());
        self.named.iter().find(is_it).or(self.others.as_ref())
    }

    fn found(&self, pages: &Pages<api::Pipeline>, before: &[Arc<Watched>]) -> Vec<Arc<Watched>> {
        let one = |wire: &api::Pipeline| {
            let id = wire.pipeline_id?;
            let name =
                wire.pipeline_name.clone().filter(|name| !name.trim().is_empty()).unwrap_or_else(|| id.to_string());
            let settings = self.settings(id, &name)?;
            let known = before.iter().find(|one| one.id == id && one.name == name).cloned();
            Some(known.unwrap_or_else(|| Arc::new(Watched::new(settings.clone(), id, name))))
        };
        let mut all: Vec<Arc<Watched>> = pages.all.read.iter().filter_map(one).collect();
        let rest: Vec<Arc<Watched>> = self.by_id().filter(|named| !all.iter().any(|one| one.id == named.id)).collect();
        all.extend(rest.into_iter().map(|new| before.iter().find(|one| one.id == new.id).cloned().unwrap_or(new)));
        all
    }

    fn gaps(&self, pages: &Pages<api::Pipeline>, found: &[Arc<Watched>]) -> Vec<String> {
        let mut gaps: Vec<String> = pages.cut.iter().filter(|_| self.others.is_some()).cloned().collect();
        if pages.all.unread > 0 {
            gaps.push(format!("{CALLED}: {} of its pipelines cannot be read", pages.all.unread));
        }
        let names = self.named.iter().filter_map(|pipeline| pipeline.name.as_deref());
        let lost = names.filter(|name| !found.iter().any(|one| one.name == *name || one.id.to_string() == **name));
        gaps.extend(lost.map(|name| {
            format!(
                "{CALLED}: it lists no pipeline '{}' that we may see; check the name, or name it by its id",
                clean(name)
            )
        }));
        gaps
    }
}
