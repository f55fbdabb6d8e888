//! Reading an organisation: the builds that are not over, with their jobs, and the newest of all. Two lists, however many
//! pipelines there are; what they leave out is asked for by itself, a few at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    domain::{
        gate::Gate,
        ids::SourceName,
        object::{Family, ObjectId},
        observed::FaultKind,
        pipeline::{Run, RunStatus},
        time::Timestamp,
    },
    port::{
        error::ProviderError,
        inventory::{Part, Scope},
    },
    provider::{
        buildkite::{
            Pipeline, Watched,
            address::Address,
            api::Build,
            client::Client,
            form::Input,
            gate,
            memory::{Key, Memory, key},
            normalize,
            request::{self, PAGE},
        },
        http::listed::Listed,
    },
};

/// Pages of the builds that are not over.
const MOST_PAGES: usize = 10;
/// Builds, and pipelines, that are asked for by themselves in one look.
const MOST_ABSENT: usize = 10;
const MOST_PIPELINES: usize = 5;

/// Who looks, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) client: &'a Client,
    pub(super) source: &'a SourceName,
    /// The scope that the token lacks for acting.
    pub(super) lacks: Option<&'static str>,
    /// How often the newest builds are to be read.
    pub(super) interval: Duration,
    pub(super) now: Timestamp,
}

/// What could not be read of the builds that are not over.
struct Lacking {
    gaps: Vec<String>,
    /// Of which it is not known what became of them, and why.
    unsure: BTreeMap<Key, String>,
}

/// One organisation and what was seen of it.
#[derive(Debug)]
pub(super) struct Organization {
    slug: String,
    /// The pipelines that are named.
    named: Vec<Pipeline>,
    /// What is said of all others, where they are looked at.
    others: Option<Pipeline>,
    memory: Mutex<Memory>,
}

impl Organization {
    /// The organisations of these pipelines.
    pub(super) fn all(pipelines: Vec<Pipeline>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for pipeline in pipelines {
            let slug = pipeline.organization.clone();
            if !all.iter().any(|known| known.slug == slug) {
                all.push(Self { slug: slug.clone(), named: Vec::new(), others: None, memory: Mutex::default() });
            }
            let Some(here) = all.iter_mut().find(|known| known.slug == slug) else { continue };
            match pipeline.name {
                Some(_) => here.named.push(pipeline),
                None => here.others = Some(pipeline),
            }
        }
        all
    }

    /// The scope that it is.
    pub(super) fn scope(&self) -> Scope {
        Scope::of(&Family::run(), &self.slug)
    }

    /// The pipeline of an address, if it is looked at.
    pub(super) fn watches(&self, at: &Address) -> bool {
        self.slug == at.organization && self.watched(&at.pipeline, None).is_some()
    }

    /// Something was sent there: the next look reads all of it.
    pub(super) fn stir(&self) {
        self.memory().stir();
    }

    /// What the block step of a gate asks for, where somebody has said so.
    pub(super) fn inputs(&self, at: &Address) -> Option<Vec<Input>> {
        let (watched, memory) = (self.watched(&at.pipeline, None)?, self.memory());
        let build = memory.get(&(at.pipeline.clone(), at.build))?;
        let job = build.jobs().iter().find(|job| job.id.is_some() && job.id == at.step)?;
        watched.inputs(job).map(<[Input]>::to_vec)
    }

    fn watched<'a>(&'a self, pipeline: &'a str, lacks: Option<&'static str>) -> Option<Watched<'a>> {
        let named = self.named.iter().find(|known| known.name.as_deref() == Some(pipeline));
        let settings = named.or(self.others.as_ref())?;
        Some(Watched { organization: &self.slug, pipeline, settings, lacks })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One look at it. Where one of both lists cannot be read, that is what is lacking beside the other.
    pub(super) async fn look(&self, look: Look<'_>) -> Result<Vec<Part>, ProviderError> {
        // One after the other: a build that ended between the two is then in none of both, and asked for by itself.
        let newest = self.read_newest(look).await;
        if let Err(error) = &newest
            && !is_partial(error)
        {
            return Err(error.clone());
        }
        let live = self.read_live(look).await;
        match (&newest, &live) {
            (Err(error), Err(_)) => return Err(error.clone()),
            (_, Err(error)) if !is_partial(error) => return Err(error.clone()),
            _ => {}
        }
        let builds = self.memory().newest_first();
        let gates = match live {
            Ok(lacking) => {
                let (gates, silent) = self.gates(&builds, &lacking.unsure, look);
                Part::whole(Family::gate(), gates).without(lacking.gaps.into_iter().chain(silent).collect())
            }
            Err(error) => Part::unread(Family::gate(), vec![error.text]),
        };
        let runs = match newest {
            Ok(gaps) => Part::whole(Family::run(), self.runs(&builds, look)).without(gaps),
            Err(error) => Part::unread(Family::run(), vec![error.text]),
        };
        Ok(vec![gates, runs])
    }

    /// Reads the newest builds of all pipelines, where it is time to, and of those that are named and not among them by
    /// themselves; gives what could not be read.
    async fn read_newest(&self, look: Look<'_>) -> Result<Vec<String>, ProviderError> {
        let Look { client, interval, now, .. } = look;
        if let Some(gaps) = self.memory().rests(now, interval) {
            return Ok(gaps);
        }
        let newest: Listed<Build> = client.read(&request::newest(&self.slug), &self.slug).await?;
        let mut gaps: Vec<String> = self.unreadable(&newest, "of its newest builds").into_iter().collect();
        let full = newest.len() >= PAGE;
        self.remember(newest.read);
        let named = self.named.iter().filter_map(|pipeline| pipeline.name.as_deref());
        let lacking: Vec<&str> = named.filter(|pipeline| self.memory().lacks(pipeline, now)).collect();
        for pipeline in lacking.iter().take(MOST_PIPELINES) {
            gaps.extend(self.read_pipeline(pipeline, look).await?);
        }
        gaps.extend(self.memory().unread());
        // Where the list holds all there are, a pipeline that it does not name has none.
        let later = lacking.len().saturating_sub(MOST_PIPELINES);
        if later > 0 && full {
            gaps.push(self.gap(&format!("the newest builds of {later} pipelines are not read yet")));
        }
        // A name that is misspelt, or a token that may see nothing, looks like an organisation without anything.
        if self.others.is_some() && self.memory().newest_first().is_empty() && gaps.is_empty() {
            gaps.push(self.gap("it lists no build of any pipeline; check the name, and what the token may see"));
        }
        self.memory().read_newest(now, gaps.clone());
        Ok(gaps)
    }

    async fn read_pipeline(&self, pipeline: &str, look: Look<'_>) -> Result<Option<String>, ProviderError> {
        let what = format!("{}/{pipeline}", self.slug);
        let list = request::newest_of(&self.slug, pipeline);
        match look.client.read::<Listed<Build>>(&list, &what).await {
            Ok(newest) => {
                let gap = self.unreadable(&newest, &format!("of the newest builds of {pipeline}"));
                self.remember(newest.read);
                self.memory().asked(pipeline, look.now, None);
                Ok(gap)
            }
            Err(error) if is_partial(&error) => {
                self.memory().asked(pipeline, look.now, Some(error.text));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the builds that are not over, with their jobs; gives what could not be read.
    async fn read_live(&self, look: Look<'_>) -> Result<Lacking, ProviderError> {
        let (mut live, mut gaps) = (Listed::<Build>::default(), Vec::new());
        let list = request::live(&self.slug);
        for number in 1..=MOST_PAGES {
            match look.client.page::<Listed<Build>>(&list.page(number), &self.slug).await {
                Ok((page, next)) => {
                    let many = page.len();
                    live.take(page);
                    // A full page without a link: whoever stands between may have taken it out.
                    if many == 0 || !next && many < PAGE {
                        break;
                    }
                }
                Err(error) if number > 1 && is_partial(&error) => {
                    let many = live.len();
                    gaps.push(format!("{}; only {many} of the builds that are not over were read", error.text));
                    break;
                }
                Err(error) => return Err(error),
            }
            if number == MOST_PAGES {
                gaps.push(self.gap(&format!("{} of more builds that are not over were read", live.len())));
            }
        }
        gaps.extend(self.unreadable(&live, "of the builds that are not over"));
        let listed: BTreeSet<Key> = live.read.iter().filter_map(key).collect();
        self.remember(live.read);
        let unsure = self.ask_for_absent(&listed, look.client).await?;
        gaps.extend(unsure.values().cloned());
        gaps.dedup();
        Ok(Lacking { gaps, unsure })
    }

    /// Asks directly for the builds that were not over and are not listed any more; gives those of which it is still not known
    /// what became of them, and why.
    async fn ask_for_absent(
        &self,
        listed: &BTreeSet<Key>,
        client: &Client,
    ) -> Result<BTreeMap<Key, String>, ProviderError> {
        let (absent, mut unsure) = (self.memory().absent(listed), BTreeMap::new());
        for (place, key) in absent.into_iter().enumerate() {
            let at = self.address(&key);
            if place >= MOST_ABSENT {
                unsure.insert(key, self.gap("what became of some builds is not known yet"));
                continue;
            }
            match client.read::<Build>(&request::build(&at), &at.said()).await {
                Ok(build) => self.memory().take(build),
                Err(error) if error.kind == FaultKind::Missing => self.memory().forget(&key),
                Err(error) if is_partial(&error) => drop(unsure.insert(key, error.text)),
                Err(error) => return Err(error),
            }
        }
        Ok(unsure)
    }

    fn address(&self, (pipeline, build): &Key) -> Address {
        let (organization, pipeline) = (self.slug.clone(), pipeline.clone());
        Address { organization, pipeline, build: *build, step: None }
    }

    /// Takes builds of pipelines that are looked at.
    fn remember(&self, builds: Vec<Build>) {
        let ours = |build: &Build| build.slug().is_some_and(|slug| self.watched(slug, None).is_some());
        let mut memory = self.memory();
        builds.into_iter().filter(ours).for_each(|build| memory.take(build));
    }

    /// Something that is not read while the rest is.
    fn gap(&self, text: &str) -> String {
        format!("Buildkite, {}: {text}", self.slug)
    }

    /// A sentence for the builds of a list that cannot be read, or do not say which they are.
    fn unreadable(&self, listed: &Listed<Build>, what: &str) -> Option<String> {
        let nameless = listed.read.iter().filter(|build| key(build).is_none()).count();
        let many = listed.unread + nameless;
        (many > 0).then(|| self.gap(&format!("{many} {what} cannot be read")))
    }

    fn runs(&self, builds: &[Build], look: Look<'_>) -> Vec<Run> {
        let one = |build: &Build| normalize::run(look.source, &self.watched(build.slug()?, look.lacks)?, build);
        builds.iter().filter_map(one).collect()
    }

    /// The gates; and a sentence for each build that waits without saying for what.
    fn gates(&self, builds: &[Build], unsure: &BTreeMap<Key, String>, look: Look<'_>) -> (Vec<Gate>, Vec<String>) {
        let (mut gates, mut silent) = (Vec::new(), Vec::new());
        for build in builds.iter().filter(|build| !normalize::over(build)) {
            let Some(watched) = build.slug().and_then(|slug| self.watched(slug, look.lacks)) else { continue };
            let nowhere = watched.nowhere(builds);
            let of_step = |job| {
                let gate = gate::gate(look.source, &watched, (build, job), builds, look.now)?;
                let said = watched.inputs(job).is_some() || nowhere.is_empty();
                Some(if said { gate } else { gate::misnamed(gate, &nowhere, job) })
            };
            let why = key(build).and_then(|key| unsure.get(&key));
            let known = |gate: Gate| if let Some(why) = why { gate::as_it_was(gate, why) } else { gate };
            let found: Vec<Gate> = gate::waiting(build).filter_map(of_step).map(known).collect();
            let lost = build.jobs.as_ref().map_or(0, |jobs| jobs.unread);
            let name = format!("{} build {}", watched.pipeline, build.number.unwrap_or_default());
            if lost > 0 {
                silent.push(self.gap(&format!("{lost} jobs of {name} cannot be read")));
            } else if found.is_empty() && normalize::status(build) == RunStatus::Waiting {
                silent.push(self.gap(&format!("{name} is blocked, and names no step that could be unblocked")));
            }
            gates.extend(found);
        }
        (gates, silent)
    }
}

/// The organisation that watches what a target is in.
pub(super) fn home<'a>(all: &'a [Organization], target: &ObjectId) -> Option<&'a Organization> {
    let at = Address::parse(target)?;
    all.iter().find(|organization| organization.watches(&at))
}

/// Does this speak of one part only? That we may ask nothing now, or by this token never, holds for everything.
fn is_partial(error: &ProviderError) -> bool {
    !matches!(error.kind, FaultKind::RateLimited | FaultKind::Unauthenticated)
}
