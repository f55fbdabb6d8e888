//! Reading a folder: all jobs in it, with their newest builds and what these wait for, in one answer. What that leaves out is asked for
//! by itself, a few at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;

use crate::{
    domain::{
        gate::Gate,
        ids::SourceName,
        object::Family,
        observed::FaultKind,
        pipeline::{Run, RunStatus},
        text::clean,
        time::{Timestamp, age},
        version::Version,
    },
    port::{
        error::ProviderError,
        inventory::{Part, Scope},
    },
    provider::jenkins::{
        CALLED, Job,
        address::Address,
        api::{self, Build},
        client::Client,
        gate,
        memory::{Key, Known, Memory},
        normalize,
        request::{self, FEW, MANY, PAGE},
        watched::{Watched, Who, settings},
    },
};

/// Builds that are asked for by themselves in one look.
const MOST_ABSENT: usize = 10;
/// What was asked for by itself this lately is known well enough, and what so long ago is not.
const ASKED_LATELY: Duration = Duration::from_secs(20);
const LONG_AGO: Duration = Duration::from_mins(5);
/// Pages of builds of one job that are read because all before were not over.
const MOST_PAGES: usize = 10;
/// What the top is called where it must be called something.
const TOP: &str = "/";

/// Who looks, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) client: &'a Client,
    pub(super) source: &'a SourceName,
    pub(super) who: &'a Who,
    pub(super) now: Timestamp,
}

/// What is read as one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A folder; the top is called with nothing.
    Folder(String),
    /// One job or multibranch project.
    Job(String),
}

/// What is read as one, and what was seen of it.
#[derive(Debug)]
pub(super) struct Group {
    place: Place,
    /// What is looked at there.
    jobs: Vec<Job>,
    memory: Mutex<Memory>,
}

/// A job as a folder tells it, with where it lies.
struct Found<'a> {
    name: String,
    project: String,
    wire: &'a api::Job,
}

impl Group {
    /// What is to be read for these jobs: a folder once, where all in it or several are looked at.
    pub(super) fn all(jobs: Vec<Job>) -> Vec<Self> {
        let mut folders: BTreeMap<String, Vec<Job>> = BTreeMap::new();
        for job in jobs {
            let above = job.name.rsplit_once('/').map_or("", |(above, _)| above);
            let folder = if job.all { job.name.clone() } else { above.to_owned() };
            folders.entry(folder).or_default().push(job);
        }
        let group = |(folder, jobs): (String, Vec<Job>)| {
            let place = match jobs.as_slice() {
                [one] if !one.all => Place::Job(one.name.clone()),
                _ => Place::Folder(folder),
            };
            Self { place, jobs, memory: Mutex::default() }
        };
        folders.into_iter().map(group).collect()
    }

    /// Its name, as sentences have it.
    fn name(&self) -> &str {
        match &self.place {
            Place::Folder(name) if name.is_empty() => TOP,
            Place::Folder(name) | Place::Job(name) => name,
        }
    }

    /// The scope that it is.
    pub(super) fn scope(&self) -> Scope {
        Scope::of(&Family::run(), self.name())
    }

    /// The settings of a job, if it is looked at.
    pub(super) fn watches(&self, job: &str) -> Option<&Job> {
        settings(&self.jobs, job)
    }

    /// What is known of a job and of one of its builds: what it asks for, the inputs of the build, and what runs it again.
    pub(super) fn known(&self, at: &Address) -> (Vec<api::Parameter>, Vec<api::Input>, Option<u64>) {
        let (memory, key) = (self.memory(), (at.job.clone(), at.build));
        let parameters = memory.job(&at.job).map(|known| known.parameters.clone()).unwrap_or_default();
        (parameters, memory.inputs(&key), memory.again(&key))
    }

    /// Something was sent there: what was asked for lately is asked for again at the next look.
    pub(super) fn stir(&self) {
        self.memory().stir();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One look at it.
    pub(super) async fn look(&self, look: Look<'_>) -> Result<Vec<Part>, ProviderError> {
        let all = self.memory().wants_all(look.now);
        let mut gaps = Vec::new();
        let mut read = self.read(look, all, &mut gaps).await?;
        self.read_further(look, &mut read, &mut gaps).await?;
        if all {
            self.read_running(look, &mut gaps).await?;
        }
        let unsure = self.read_absent(look, &read).await?;
        gaps.extend(unsure.values().cloned());
        let mut silent = self.read_hidden(look).await?;
        self.read_since(look).await?;
        if all && gaps.is_empty() {
            self.memory().read_all(look.now);
        }
        gaps.sort();
        gaps.dedup();
        let builds = self.memory().newest_first();
        let gates = self.gates(&builds, &unsure, look);
        silent.extend(gaps.iter().cloned());
        Ok(vec![
            Part::whole(Family::gate(), gates).without(silent),
            Part::whole(Family::run(), self.runs(&builds, look)).without(gaps),
        ])
    }

    /// Reads the jobs and their newest builds; gives which were read.
    async fn read(&self, look: Look<'_>, all: bool, gaps: &mut Vec<String>) -> Result<BTreeSet<Key>, ProviderError> {
        let many = if all { MANY } else { FEW };
        let wanted = match &self.place {
            Place::Folder(folder) => request::folder(folder, many),
            Place::Job(job) => request::job(job, many),
        };
        let top: api::Job = look.client.read(&wanted, self.name()).await?;
        let mut found = Vec::new();
        match &self.place {
            Place::Folder(folder) => self.find(folder, &top, &mut found, gaps),
            Place::Job(job) => self.find_one(job, &top, &mut found, gaps),
        }
        let (mut read, mut there) = (BTreeSet::new(), BTreeSet::new());
        for Found { name, project, wire } in &found {
            let builds = wire.builds.clone().unwrap_or_default();
            if builds.unread > 0 {
                gaps.push(gap(name, &format!("{} of its newest builds cannot be read", builds.unread)));
            }
            read.extend(builds.read.iter().filter_map(|build| Some((name.clone(), build.number?))));
            there.insert(name.clone());
            let known = Known { project: project.clone(), parameters: wire.parameters() };
            self.memory().take_job(name, known, builds.read, all);
        }
        self.memory().keep_jobs(&there);
        self.say_what_is_missing(&there, gaps);
        Ok(read)
    }

    /// The jobs in a folder that are looked at, and in what lies in it.
    fn find<'a>(&self, folder: &str, wire: &'a api::Job, found: &mut Vec<Found<'a>>, gaps: &mut Vec<String>) {
        let listed = wire.jobs.as_ref();
        let lost = listed.map_or(0, |jobs| jobs.unread);
        if lost > 0 {
            gaps.push(gap(if folder.is_empty() { TOP } else { folder }, &format!("{lost} of its jobs cannot be read")));
        }
        for job in listed.map(|jobs| jobs.read.as_slice()).unwrap_or_default() {
            let Some(name) = job.name.as_deref() else { continue };
            let name = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let project = if wire.is_multibranch() { folder.to_owned() } else { name.clone() };
            if !job.is_folder() {
                if self.watches(&name).is_some() {
                    found.push(Found { name, project, wire: job });
                }
            } else if job.jobs.is_some() {
                self.find(&name, job, found, gaps);
            } else if !folder.is_empty() && self.watches(&name).is_some() {
                gaps.push(gap(&name, &format!("it lies too deep to be read with the others: name '{name}/*'")));
            } else if let Some(named) = self.jobs.iter().find(|known| known.name == name) {
                gaps.push(gap(&name, &format!("it is a folder: name '{}/*'", named.name)));
            }
        }
    }

    /// The job that is named, or its branches.
    fn find_one<'a>(&self, job: &str, wire: &'a api::Job, found: &mut Vec<Found<'a>>, gaps: &mut Vec<String>) {
        if wire.is_multibranch() {
            self.find(job, wire, found, gaps);
        } else if wire.builds.is_some() {
            found.push(Found { name: job.to_owned(), project: job.to_owned(), wire });
        } else {
            gaps.push(gap(job, &format!("it is a folder, or nothing that is built: name '{job}/*'")));
        }
    }

    /// A name that is misspelt, or rights that are missing, look like a folder without anything.
    fn say_what_is_missing(&self, there: &BTreeSet<String>, gaps: &mut Vec<String>) {
        if !gaps.is_empty() {
            return;
        }
        for job in &self.jobs {
            let below = format!("{}/", job.name);
            let is_there =
                there.iter().any(|name| *name == job.name || name.starts_with(&below) || job.name.is_empty());
            if !is_there {
                let what = if job.all { "it holds no job" } else { "there is no such job" };
                gaps.push(gap(&job.name, &format!("{what} that we may see: check the name, and who we are to it")));
            }
        }
    }

    /// Where the oldest build of a job that was read is not over, there may be more of them.
    async fn read_further(
        &self,
        look: Look<'_>,
        read: &mut BTreeSet<Key>,
        gaps: &mut Vec<String>,
    ) -> Result<(), ProviderError> {
        let mut jobs: BTreeMap<String, (usize, u64)> = BTreeMap::new();
        for (job, number) in read.iter() {
            let (many, oldest) = jobs.entry(job.clone()).or_insert((0, *number));
            (*many, *oldest) = (*many + 1, *number.min(oldest));
        }
        for (job, (mut from, mut oldest)) in jobs {
            for page in 0.. {
                let goes = self.memory().get(&(job.clone(), oldest)).is_some_and(|build| !normalize::over(build));
                if from < FEW || !goes {
                    break;
                }
                if page == MOST_PAGES {
                    gaps.push(gap(&job, &format!("only {from} of its builds that are not over were read")));
                    break;
                }
                let more = match look.client.read::<api::Job>(&request::builds(&job, from), &job).await {
                    Ok(more) => more.all_builds.unwrap_or_default(),
                    Err(error) if is_partial(&error) => {
                        gaps.push(error.text);
                        break;
                    }
                    Err(error) => return Err(error),
                };
                let many = more.len();
                oldest = more.read.iter().filter_map(|build| build.number).min().unwrap_or(oldest);
                read.extend(more.read.iter().filter_map(|build| Some((job.clone(), build.number?))));
                more.read.into_iter().for_each(|build| self.memory().take(&job, build));
                from += many;
                if many < PAGE {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whatever runs or waits behind many newer builds holds an executor: one answer tells of all.
    async fn read_running(&self, look: Look<'_>, gaps: &mut Vec<String>) -> Result<(), ProviderError> {
        let busy: api::Computers = match look.client.read(&request::running(), "what runs").await {
            Ok(busy) => busy,
            Err(error) if is_partial(&error) => {
                gaps.push(format!("{}; old builds that still wait may be missing", error.text));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for at in busy.busy_with() {
            let ours = self.memory().job(&at.job).is_some();
            if ours && self.memory().get(&(at.job.clone(), at.build)).is_none() {
                // Only a number: what it is, a direct read says.
                let build = Build { number: Some(at.build), building: Some(true), ..Build::default() };
                self.memory().take(&at.job, build);
            }
        }
        Ok(())
    }

    /// Asks directly for the builds that were not over and were not read just now; gives those of which it is still not known what
    /// became of them, and why.
    async fn read_absent(&self, look: Look<'_>, read: &BTreeSet<Key>) -> Result<BTreeMap<Key, String>, ProviderError> {
        let mut unsure = BTreeMap::new();
        let absent = self.memory().absent(read);
        let (mut asked, stirred) = (0, self.memory().was_stirred());
        for key in absent {
            let since = self.memory().asked_at(&key).map(|at| age(look.now, at));
            if since.is_some_and(|since| since < ASKED_LATELY && !stirred) {
                continue;
            }
            if asked >= MOST_ABSENT {
                if since.is_none_or(|since| since >= LONG_AGO) {
                    unsure.insert(key, gap(self.name(), "what became of some builds is not known yet"));
                }
                continue;
            }
            asked += 1;
            let at = Address { job: key.0.clone(), build: key.1, input: None };
            self.memory().asked(&key, look.now);
            match look.client.read::<Build>(&request::build(&at), &at.said()).await {
                Ok(build) => self.memory().take(&key.0, build),
                Err(error) if error.kind == FaultKind::Missing => self.memory().forget(&key),
                Err(error) if is_partial(&error) => drop(unsure.insert(key, error.text)),
                Err(error) => return Err(error),
            }
        }
        Ok(unsure)
    }

    /// Asks for inputs that builds do not tell themselves; gives a sentence for each that nobody tells.
    async fn read_hidden(&self, look: Look<'_>) -> Result<Vec<String>, ProviderError> {
        let mut silent = Vec::new();
        let hiding = self.memory().hiding();
        for key in hiding.into_iter().take(MOST_ABSENT) {
            let at = Address { job: key.0.clone(), build: key.1, input: None };
            match look.client.read_of_plugin::<Vec<api::Pending>>(&request::inputs(&at), &at.said()).await {
                Ok(Some(inputs)) => self.memory().take_hidden(key, inputs.into_iter().map(Into::into).collect()),
                Ok(None) => silent.push(gap(
                    &at.said(),
                    "it may wait for input, and this Jenkins does not tell for what: update its plugin pipeline-input-step",
                )),
                Err(error) if is_partial(&error) => silent.push(error.text),
                Err(error) => return Err(error),
            }
        }
        Ok(silent)
    }

    /// Finds out since when inputs wait, once for each. Only the stages tell; without them it is no earlier than the build's begin.
    async fn read_since(&self, look: Look<'_>) -> Result<(), ProviderError> {
        let timeless = self.memory().timeless();
        for key in timeless.into_iter().take(MOST_ABSENT) {
            let at = Address { job: key.0.clone(), build: key.1, input: None };
            let began = self.memory().get(&key).and_then(|build| build.timestamp).unwrap_or(look.now);
            let since = match look.client.read_of_plugin::<api::Stages>(&request::stages(&at), &at.said()).await {
                Ok(stages) => stages.and_then(|stages| paused_since(&stages)).unwrap_or(began),
                Err(error) if is_partial(&error) => began,
                Err(error) => return Err(error),
            };
            self.memory().wait_since(&key, since);
        }
        Ok(())
    }

    fn runs(&self, builds: &[(Key, Build)], look: Look<'_>) -> Vec<Run> {
        let memory = self.memory();
        let watched = |job: &str| self.watched(&memory, job);
        let mut good: BTreeMap<String, Vec<Version>> = BTreeMap::new();
        for ((job, _), build) in builds.iter().filter(|(_, build)| normalize::status(build) == RunStatus::Succeeded) {
            let Some((known, settings)) = watched(job) else { continue };
            let version = normalize::version_of(&of(job, known, settings, look.who), build);
            let all = good.entry(known.project.clone()).or_default();
            if !all.iter().any(|one| one.is_same(&version)) {
                all.push(version);
            }
        }
        let one = |((job, _), build): &(Key, Build)| {
            let (known, settings) = watched(job)?;
            let earlier = good.get(&known.project).map(Vec::as_slice).unwrap_or_default();
            normalize::run(look.source, &of(job, known, settings, look.who), build, earlier)
        };
        builds.iter().filter_map(one).collect()
    }

    fn gates(&self, builds: &[(Key, Build)], unsure: &BTreeMap<Key, String>, look: Look<'_>) -> Vec<Gate> {
        let memory = self.memory();
        let waiting: Vec<(&Key, &Build, Vec<api::Input>)> = builds
            .iter()
            .map(|(key, build)| (key, build, memory.inputs(key)))
            .filter(|(.., all)| !all.is_empty())
            .collect();
        let one = |(key, build, inputs): &(&Key, &Build, Vec<api::Input>)| {
            let found = self.watched(&memory, &key.0);
            let newer = waiting.iter().filter(|(other, ..)| other.0 == key.0 && other.1 > key.1).count();
            let newer = u32::try_from(newer).unwrap_or(u32::MAX);
            let gate = |input: &api::Input| {
                let (known, settings) = found?;
                let since = memory.since(key, input.id.as_deref()?).or(build.timestamp).unwrap_or(look.now);
                let gate =
                    gate::gate(look.source, &of(&key.0, known, settings, look.who), (build, input), newer, since)?;
                Some(match unsure.get(*key) {
                    Some(why) => gate::as_it_was(gate, why),
                    None => gate,
                })
            };
            inputs.iter().filter_map(gate).collect::<Vec<_>>()
        };
        waiting.iter().flat_map(one).collect()
    }

    fn watched<'a>(&'a self, memory: &'a Memory, job: &str) -> Option<(&'a Known, &'a Job)> {
        Some((memory.job(job)?, self.watches(job)?))
    }
}

fn of<'a>(job: &'a str, known: &'a Known, settings: &'a Job, who: &'a Who) -> Watched<'a> {
    Watched { job, project: &known.project, settings, parameters: &known.parameters, who }
}

/// Since when the stage waits that waits longest.
fn paused_since(stages: &api::Stages) -> Option<Timestamp> {
    let all = stages.stages.iter().flat_map(|all| &all.read);
    let waits = all.filter(|stage| stage.status.as_deref() == Some("PAUSED_PENDING_INPUT"));
    let since = |stage: &api::Stage| {
        let start = stage.start_time_millis?;
        // What it did before it began to wait.
        let (took, waited) = (stage.duration_millis.unwrap_or(0), stage.pause_duration_millis.unwrap_or(0));
        let before = if waited > 0 { (took - waited).max(0) } else { 0 };
        start.checked_add_signed(TimeDelta::try_milliseconds(before)?)
    };
    waits.filter_map(since).min()
}

/// Something that is not read while the rest is.
fn gap(what: &str, text: &str) -> String {
    format!("{CALLED}, {}: {text}", clean(what))
}

/// The group that looks at this job.
pub(super) fn home<'a>(all: &'a [Group], job: &str) -> Option<(&'a Group, &'a Job)> {
    let found = all.iter().filter_map(|group| Some((group, group.watches(job)?)));
    found.max_by_key(|(_, settings)| (settings.name.len(), !settings.all))
}

/// Does this speak of one part only? Who we are to it holds for everything, and so does that it answers nothing.
fn is_partial(error: &ProviderError) -> bool {
    !matches!(
        error.kind,
        FaultKind::RateLimited | FaultKind::Unauthenticated | FaultKind::TimedOut | FaultKind::Unreachable
    )
}
