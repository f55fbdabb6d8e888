//! Reading a repository: its runs through the memory, what waits there and for what, what is live.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream};

use crate::{
    domain::{
        gate::{Behind, Gate},
        ids::{Person, SourceName},
        object::Family,
        observed::FaultKind,
        pipeline::Run,
        time::{Timestamp, age},
        version::Version,
    },
    port::{error::ProviderError, inventory::Scope},
    provider::github::{
        Repository,
        address::Address,
        api::{self, Counted},
        client::{Client, Pages},
        gate::{self, Seen, Site, Waiting},
        kept::Kept,
        memory::Memory,
        moved::{self, Motion},
        normalize,
        request::{self, Wanted},
        workflow::Asks,
    },
};

/// Runs that are asked for one by one; each is a request.
const MOST_ABSENT: usize = 200;
/// Files of workflows that are read at one look.
const MOST_FILES: usize = 8;
/// How long holds what a workflow was read to ask for, and how long that it could not be read. What it asks for changes seldom, and GitHub
/// itself refuses what does not fit any more.
const READ_HOLDS: Duration = Duration::from_hours(6);
const UNREAD_HOLDS: Duration = Duration::from_mins(10);
/// Runs of a repository that are asked at the same time what they wait for.
const AT_ONCE: usize = 8;

/// One repository and what was seen of it.
#[derive(Debug)]
pub(super) struct Watched {
    repo: Repository,
    memory: Mutex<Memory>,
    /// What is live, by GitHub's name of the environment, as of the last list of gates.
    live: Mutex<BTreeMap<String, Version>>,
    gates: Kept<Gate>,
    runs: Kept<Run>,
    motion: Motion,
    /// What each workflow asks whoever starts it by hand, by its file.
    asks: Mutex<BTreeMap<String, Read>>,
}

/// What was read of a workflow's file.
#[derive(Clone, Debug)]
struct Read {
    at: Timestamp,
    asks: Result<Asks, String>,
}

impl Watched {
    pub(super) fn new(repo: Repository) -> Self {
        Self {
            repo,
            memory: Mutex::default(),
            live: Mutex::default(),
            gates: Kept::default(),
            runs: Kept::default(),
            motion: Motion::default(),
            asks: Mutex::default(),
        }
    }

    /// What is said of it.
    pub(super) fn repository(&self) -> &Repository {
        &self.repo
    }

    /// The scope that it is.
    pub(super) fn scope(&self) -> Scope {
        Scope::of(&Family::run(), self.about())
    }

    /// Is this the repository of that address?
    pub(super) fn is_at(&self, at: &Address) -> bool {
        (&self.repo.owner, &self.repo.repo) == (&at.owner, &at.repo)
    }

    /// Is it this one? GitHub knows a name by any case of its letters.
    pub(super) fn is(&self, owner: &str, repo: &str) -> bool {
        self.repo.owner.eq_ignore_ascii_case(owner) && self.repo.repo.eq_ignore_ascii_case(repo)
    }

    /// `acme/ledger`: what ids of it begin with.
    pub(super) fn about(&self) -> String {
        format!("{}/{}", self.repo.owner, self.repo.repo)
    }

    /// Its gates as they were read last.
    pub(super) fn known_gates(&self) -> &Kept<Gate> {
        &self.gates
    }

    /// Its runs as they were read last.
    pub(super) fn known_runs(&self) -> &Kept<Run> {
        &self.runs
    }

    /// Its owner and name.
    pub(super) fn name(&self) -> (&str, &str) {
        (&self.repo.owner, &self.repo.repo)
    }

    /// Whether it moves, as far as was asked.
    pub(super) fn motion(&self) -> &Motion {
        &self.motion
    }

    /// May what is known of its gates stand, or must they be read?
    pub(super) fn gates_rest(&self, now: Timestamp, interval: Duration) -> bool {
        let old = |at| age(now, at) >= moved::GATES_AGE;
        let aged = self.gates.seen().is_none_or(old) && !self.gates.is_empty();
        self.rests(now, interval) && self.gates.is_whole() && !aged && !self.lacks_a_gate()
    }

    /// Does a run wait that no gate is known of?
    fn lacks_a_gate(&self) -> bool {
        let about = self.about();
        let waiting: Vec<String> = self.memory().waiting().map(|id| format!("{about}/{id}")).collect();
        let stands_behind = |gate: &Gate, path: &str| matches!(&gate.behind, Behind::Run(run) if run.path == path);
        waiting.iter().any(|path| self.gates.of(|gate| stands_behind(gate, path)).is_empty())
    }

    /// As [`Self::gates_rest`], of its runs.
    pub(super) fn runs_rest(&self, now: Timestamp, interval: Duration) -> bool {
        self.rests(now, interval) && self.runs.is_whole()
    }

    fn rests(&self, now: Timestamp, interval: Duration) -> bool {
        self.motion.rests(now, interval) && !self.memory().moves()
    }

    fn live(&self) -> MutexGuard<'_, BTreeMap<String, Version>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that is not read while the rest is.
    fn gap(&self, text: &str) -> String {
        format!("GitHub, {}: {text}", self.about())
    }

    /// Reads a list of runs to its end, and says what of it could not be read.
    async fn list(
        &self,
        client: &Client,
        list: &Wanted,
        what: &str,
    ) -> Result<(Vec<api::Run>, Vec<String>), ProviderError> {
        let size = |page: &api::Runs| (page.workflow_runs.len(), page.total_count);
        let Pages { pages, cut } = client.pages(list, &self.about(), size).await?;
        let Counted { read, unread } = pages.into_iter().map(|page| page.workflow_runs).fold(
            Counted::default(),
            |mut all: Counted<api::Run>, mut page| {
                all.read.append(&mut page.read);
                all.unread += page.unread;
                all
            },
        );
        let mut gaps: Vec<String> = cut.iter().map(|cut| self.gap(&cut.said(&format!("runs {what}")))).collect();
        let unread = unread + read.iter().filter(|run| run.id.is_none()).count();
        if unread > 0 {
            gaps.push(self.gap(&format!("{unread} of the runs {what} cannot be read")));
        }
        Ok((read, gaps))
    }

    /// Takes a list of runs into the memory, asks directly for those that matter and are absent, and gives all that is known.
    async fn remember(
        &self,
        client: &Client,
        runs: Vec<api::Run>,
        matter: fn(&api::Run) -> bool,
    ) -> Result<Vec<api::Run>, ProviderError> {
        let about = self.about();
        let listed: BTreeSet<_> = runs.iter().filter_map(|run| run.id).collect();
        let absent = {
            let mut memory = self.memory();
            for run in runs {
                memory.take(run);
            }
            memory.absent(&listed, matter)
        };
        if absent.len() > MOST_ABSENT {
            let text = format!("GitHub, {about}: {} runs are no longer listed and not known to be over", absent.len());
            return Err(ProviderError::new(FaultKind::Unreadable, text));
        }
        for id in absent {
            match client.read(request::run(&self.repo.owner, &self.repo.repo, id), &about).await {
                Ok(run) => self.memory().take(run),
                Err(error) if error.kind == FaultKind::Missing => self.memory().forget(id),
                Err(error) => return Err(error),
            }
        }
        Ok(self.memory().newest_first())
    }

    /// Reads its newest runs.
    pub(super) async fn read_runs(
        &self,
        client: &Client,
        source: &SourceName,
        now: Timestamp,
    ) -> Result<(), ProviderError> {
        let list = request::newest_runs(&self.repo.owner, &self.repo.repo);
        let runs: api::Runs = client.read(list, &self.about()).await?;
        let Counted { read, unread } = runs.workflow_runs;
        let unread = unread + read.iter().filter(|run| run.id.is_none()).count();
        let gaps = (unread > 0).then(|| self.gap(&format!("{unread} of its newest runs cannot be read")));
        let runs = self.remember(client, read, moves).await?;
        self.read_workflows(client, &runs, now).await;
        let asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let of = |run: &api::Run| match run.path.as_deref().and_then(|path| asks.get(path)) {
            Some(read) => read.asks.as_ref().map_err(String::as_str),
            None => Err("GitHub does not say in which file it is"),
        };
        let runs = runs.iter().filter_map(|run| normalize::run(source, &self.repo, run, of(run), now)).collect();
        self.runs.saw(runs, gaps.into_iter().collect(), now);
        Ok(())
    }

    /// Reads what the workflows of these runs ask for, each once in a while. It is only a help: what cannot be read is one text field.
    async fn read_workflows(&self, client: &Client, runs: &[api::Run], now: Timestamp) {
        let due = {
            let asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
            let holds = |read: &Read| age(now, read.at) < if read.asks.is_ok() { READ_HOLDS } else { UNREAD_HOLDS };
            let paths: BTreeSet<&str> = runs.iter().filter_map(|run| run.path.as_deref()).collect();
            let due = paths.into_iter().filter(|path| !asks.get(*path).is_some_and(holds));
            due.map(str::to_owned).take(MOST_FILES).collect::<Vec<_>>()
        };
        for path in due {
            let wanted = request::contents(&self.repo.owner, &self.repo.repo, &path);
            let read: Result<api::Contents, _> = client.read(wanted, &format!("{}, {path}", self.about())).await;
            let asks = read.map_err(|error| error.text).and_then(|contents| Asks::of(&contents));
            self.asks.lock().unwrap_or_else(PoisonError::into_inner).insert(path, Read { at: now, asks });
        }
    }

    /// Reads its gates, as `me` sees them.
    pub(super) async fn read_gates(
        &self,
        client: &Client,
        source: &SourceName,
        me: Option<&Person>,
        now: Timestamp,
    ) -> Result<(), ProviderError> {
        let Repository { owner, repo, .. } = &self.repo;
        let (listed, mut gaps) = self.list(client, &request::waiting_runs(owner, repo), "that wait").await?;
        let runs = self.remember(client, listed, waits).await?;
        let unapproved = self.unapproved(client, &mut gaps).await?;
        let (waiting, kept) = self.waiting(client, source, &runs, &mut gaps).await?;
        let held = if waiting.is_empty() { Vec::new() } else { self.held(client, &mut gaps).await? };
        let rules = self.rules(client, &waiting, now).await;
        let (mut own_barred, mut live) = (BTreeMap::new(), BTreeMap::new());
        if waiting.iter().any(|one| one.pending.iter().any(gate::human)) {
            // Without an answer the card says that it is not known; the gates stand all the same.
            let answer = client.read(request::live(owner, repo), &self.about()).await.unwrap_or_default();
            live = gate::live(&self.repo, &answer, &runs);
            self.live().clone_from(&live);
            own_barred = gate::own_barred(&answer);
        }
        let seen = Seen { waiting, unapproved, held, rules, own_barred, live };
        let mut gates = gate::gates(Site { source, repo: &self.repo, me, now }, &seen);
        gates.extend(kept);
        self.gates.saw(gates, gaps, now);
        Ok(())
    }

    /// The runs that begin only once somebody lets them.
    async fn unapproved(&self, client: &Client, gaps: &mut Vec<String>) -> Result<Vec<api::Run>, ProviderError> {
        let list = request::unapproved_runs(&self.repo.owner, &self.repo.repo);
        let (listed, more) = match self.list(client, &list, "that wait to be let in").await {
            Err(error) if is_partial(&error) => {
                let text = "the runs that wait to be let in cannot be read";
                gaps.push(self.gap(&format!("{text} ({})", error.text)));
                (Vec::new(), Vec::new())
            }
            other => other?,
        };
        gaps.extend(more);
        let runs = self.remember(client, listed, normalize::unapproved).await?;
        Ok(runs.into_iter().filter(normalize::unapproved).collect())
    }

    /// The runs that others of their concurrency group hold back. They open nothing: where they cannot be read, only their
    /// number behind a gate is not known.
    async fn held(&self, client: &Client, gaps: &mut Vec<String>) -> Result<Vec<api::Run>, ProviderError> {
        let list = request::held_runs(&self.repo.owner, &self.repo.repo);
        match self.list(client, &list, "that are held back").await {
            Err(error) if is_partial(&error) => {
                let text = "the runs that are held back behind others cannot be read";
                gaps.push(self.gap(&format!("{text} ({})", error.text)));
                Ok(Vec::new())
            }
            Err(error) => Err(error),
            Ok((read, more)) => {
                gaps.extend(more);
                Ok(read)
            }
        }
    }

    /// What each run waits for; and for those of which GitHub does not say it now, the gates that were known of them.
    async fn waiting(
        &self,
        client: &Client,
        source: &SourceName,
        runs: &[api::Run],
        gaps: &mut Vec<String>,
    ) -> Result<(Vec<Waiting>, Vec<Gate>), ProviderError> {
        let Repository { owner, repo, .. } = &self.repo;
        let each = runs.iter().filter(|run| waits(run)).filter_map(|run| Some((run, run.id?)));
        let each: Vec<_> =
            each.map(|(run, id)| async move { (run, id, pending(client, (owner, repo), id).await) }).collect();
        let answers: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
        let (mut waiting, mut kept) = (Vec::new(), Vec::new());
        for (run, id, answer) in answers {
            let run_id = Address::run_id(source, owner, repo, id);
            match answer {
                Ok(Counted { read, unread }) => {
                    if unread > 0 {
                        let run = format!("run {id} waits for {unread} more that cannot be read");
                        gaps.push(self.gap(&run));
                    }
                    waiting.push(Waiting { run: run.clone(), pending: read });
                }
                Err(error) if is_partial(&error) => {
                    let known = self.gates.of(|gate| gate.behind == Behind::Run(run_id.clone()));
                    kept.extend(known.into_iter().map(|gate| gate::as_it_was(gate, &error.text)));
                    gaps.push(error.text);
                }
                Err(error) => return Err(error),
            }
        }
        Ok((waiting, kept))
    }

    /// The apps whose rules are waited for, by environment.
    async fn rules(&self, client: &Client, waiting: &[Waiting], now: Timestamp) -> BTreeMap<String, Vec<String>> {
        let Repository { owner, repo, .. } = &self.repo;
        let pending = waiting.iter().flat_map(|one| &one.pending).filter(|pending| gate::by_rule(pending, now));
        let names: BTreeSet<&str> = pending.filter_map(api::Pending::name).collect();
        let mut rules = BTreeMap::new();
        for name in names {
            let answer: Result<api::Rules, _> = client.read(request::rules(owner, repo, name), &self.about()).await;
            // Who may not read the rules is told that GitHub does not name them.
            let Ok(answer) = answer else { continue };
            let enabled =
                answer.custom_deployment_protection_rules.into_iter().filter(|rule| rule.enabled != Some(false));
            let apps = enabled.filter_map(|rule| rule.app?.slug);
            rules.insert(name.to_owned(), apps.collect());
        }
        rules
    }

    /// What is live at an address of this repository, as far as that is known.
    pub(super) fn live_at(&self, at: &Address) -> Option<Version> {
        let here = at.owner == self.repo.owner && at.repo == self.repo.repo;
        at.environment.as_deref().filter(|_| here).and_then(|environment| self.live().get(environment).cloned())
    }
}

/// Does this speak of one part only? That we may ask nothing now, or by this token never, holds for everything.
pub(super) fn is_partial(error: &ProviderError) -> bool {
    !matches!(error.kind, FaultKind::RateLimited | FaultKind::Unauthenticated)
}

/// Is it on its way? What waits is looked after with the gates.
fn moves(run: &api::Run) -> bool {
    !normalize::over(run) && !waits(run) && !normalize::unapproved(run)
}

/// Does GitHub say that it waits? A run with the conclusion `action_required` waits, too, but for no environment.
fn waits(run: &api::Run) -> bool {
    run.status.as_deref() == Some("waiting")
}

/// What a run waits for; nothing if it was deleted since it was listed.
pub(super) async fn pending(
    client: &Client,
    (owner, repo): (&str, &str),
    run: u64,
) -> Result<Counted<api::Pending>, ProviderError> {
    let about = format!("{owner}/{repo} run {run}");
    match client.read(request::pending(owner, repo, run), &about).await {
        Ok(api::AllPending(pending)) => Ok(pending),
        Err(error) if error.kind == FaultKind::Missing => Ok(Counted::default()),
        Err(error) => Err(error),
    }
}
