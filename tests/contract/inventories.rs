//! What every inventory must do, whatever it tells of: one suite, run for each over the built-in world. A test leaves out what an
//! inventory does not have.
//!
//! A new inventory adds a case, a line to `inventories!` and its system to `inventories.toml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::{
    StreamExt,
    future::{Either, select},
    stream::BoxStream,
};
use holdshort::{
    demo::{scenario::Scenario, shared::SharedWorld, transport::transport, world::World},
    domain::{
        ids::SourceName,
        item::Item,
        object::{Family, ObjectId},
        observed::FaultKind,
        offer::Risk,
        service::Environment,
        time::after,
    },
    port::{
        clock::SharedClock,
        inventory::{Extent, Heard, Inventory, Scope, name},
        wire::Transport,
    },
    provider::{
        self,
        http::{Layers, layered},
        kubernetes::Cluster,
    },
    runtime::clock::VirtualClock,
};

const SCENARIO: &str = include_str!("inventories.toml");
pub(crate) const SOURCE: &str = "source";

/// An inventory, and what of the scenario is its own.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// Where its system is served.
    pub(crate) mount: &'static str,
    pub(crate) open: fn(Transport, SharedClock) -> Arc<dyn Inventory>,
    /// What the paths of its other part have in them, and how that part is called in a sentence.
    part: (&'static str, &'static str),
    /// The object that the script changes after two minutes.
    changes: &'static str,
    /// The object that is gone then.
    goes: Option<&'static str>,
    /// More objects than one page has, and how many.
    many: (fn() -> String, usize),
    /// Behind which line of the scenario they stand.
    after: &'static str,
}

impl Case {
    /// Of a scenario only this system: the others would only take their time.
    pub(crate) fn alone(&self, name: &str, scenario: &str) -> Scenario {
        let mut scenario = Scenario::parse(name, scenario).unwrap();
        scenario.systems.retain(|part| part.system.mount().as_str() == self.mount);
        scenario
    }
}

fn on_cluster(facet: fn(Arc<Cluster>) -> Arc<dyn Inventory>) -> impl Fn(Transport, SharedClock) -> Arc<dyn Inventory> {
    move |transport, clock| {
        let namespaces = ["shop", "books"].map(str::to_owned).to_vec();
        let scope = provider::kubernetes::Scope::new(SOURCE.into(), "prod/eu-west-1".into(), Risk::High, namespaces);
        facet(Cluster::new(transport, scope, clock))
    }
}

fn workloads(kind: &str, rest: &str) -> String {
    let one = |number| {
        format!(
            "[[systems.cluster.{kind}]]\nnamespace = 'shop'\nname = 'w{number}'\nreplicas = 0\nimage = 'r.example/w'\n{rest}\
             history = [{{ tag = '1.0.0', commit = '77aa012bb3c4d5e6f70819203a4b5c6d7e8f9011', ago = '3d' }}]\n"
        )
    };
    (0..501).map(one).collect()
}

pub(crate) const ARGO_ROLLOUTS: Case = Case {
    mount: "/kubernetes/eu",
    open: |transport, clock| on_cluster(provider::argo_rollouts::facet)(transport, clock),
    part: ("/namespaces/books/rollouts", "books"),
    changes: "argo_rollouts/shop/payments",
    goes: None,
    many: (|| workloads("rollouts", "steps = [{ setWeight = 50 }]\n"), 501),
    after: "# More workloads.",
};

pub(crate) const DEPLOYMENT: Case = Case {
    mount: "/kubernetes/eu",
    open: |transport, clock| on_cluster(provider::deployment::facet)(transport, clock),
    part: ("/namespaces/books/deployments", "books"),
    changes: "deployment/shop/checkout",
    goes: None,
    many: (|| workloads("deployments", ""), 501),
    after: "# More workloads.",
};

pub(crate) const KUSTOMIZATION: Case = Case {
    mount: "/kubernetes/eu",
    open: |transport, clock| on_cluster(provider::flux::kustomizations)(transport, clock),
    part: ("/namespaces/books/kustomizations", "books"),
    changes: "kustomization/shop/gateway",
    goes: None,
    many: (
        || {
            let one = |number| {
                format!(
                    "[[systems.cluster.kustomizations]]\nnamespace = 'shop'\nname = 'w{number}'\nsource = 'shop'\n\
                     path = './w{number}'\n"
                )
            };
            (0..501).map(one).collect()
        },
        501,
    ),
    after: "# More workloads.",
};

pub(crate) const FLAGGER: Case = Case {
    mount: "/kubernetes/us",
    open: |transport, clock| on_cluster(provider::flagger::facet)(transport, clock),
    part: ("/namespaces/books/canaries", "books"),
    changes: "flagger/shop/podinfo",
    goes: None,
    many: (|| workloads("canaries", "analysis = { interval = '1m', iterations = 2 }\nprovider = 'kubernetes'\n"), 501),
    after: "# More canaries.",
};

pub(crate) const GITHUB: Case = Case {
    mount: "/github",
    open: |transport, clock| {
        let prod = Environment { name: "prod".into(), risk: Risk::High };
        let repo = |repo: &str| provider::github::Repository {
            owner: "acme".into(),
            repo: repo.into(),
            service: repo.into(),
            environments: BTreeMap::from([("prod".to_owned(), prod.clone())]),
            version: None,
        };
        let settings = provider::github::Settings {
            name: SOURCE.into(),
            roots: provider::github::Roots::default(),
            token: Some("gho_demo".into()),
            repos: ["ledger", "gateway"].map(repo).to_vec(),
            interval: Duration::from_secs(15),
        };
        provider::github::over(transport, settings, clock).unwrap().inventories.remove(0)
    },
    part: ("/repos/acme/gateway/", "acme/gateway"),
    changes: "run/acme/ledger/26412000812",
    goes: Some("gate/acme/ledger/26412000812/prod"),
    many: (
        || {
            let one = |number| {
                format!(
                    "[[systems.repos.runs]]\nnumber = {number}\ntitle = 'more'\ncommit = 'c0ffee{number}'\nactor = 'lee'\nstarted = '-9h'\n"
                )
            };
            (1000..1130).map(one).collect()
        },
        130,
    ),
    after: "# More runs.",
};

pub(crate) const BUILDKITE: Case = Case {
    mount: "/buildkite",
    open: |transport, clock| {
        let whole = |organization: &str| provider::buildkite::Pipeline {
            organization: organization.into(),
            name: None,
            service: None,
            environments: BTreeMap::new(),
            inputs: BTreeMap::new(),
            own_steps: BTreeSet::new(),
            version: None,
        };
        let settings = provider::buildkite::Settings {
            name: SOURCE.into(),
            address: "https://api.buildkite.com".into(),
            pipelines: ["acme", "books"].map(whole).to_vec(),
            interval: Duration::from_secs(30),
        };
        provider::buildkite::over(transport, settings, clock).inventories.remove(0)
    },
    part: ("/organizations/books/", "books"),
    changes: "run/acme/ledger/812",
    goes: Some("gate/acme/ledger/812/ce26a501-2e50-a6e0-d980-2228a466b220"),
    many: (
        || {
            let one = |number| {
                format!(
                    "[[systems.pipelines.builds]]\nnumber = {number}\nmessage = 'more'\nbranch = 'main'\n\
                     commit = 'c0ffee{number}'\ncreator = 'lee'\nstarted = '-9h'\n"
                )
            };
            (1000..1130).map(one).collect()
        },
        130,
    ),
    after: "# More builds.",
};

pub(crate) const JENKINS: Case = Case {
    mount: "/jenkins",
    open: |transport, clock| {
        let whole = |folder: &str| provider::jenkins::Job {
            name: folder.into(),
            all: true,
            service: None,
            environments: BTreeMap::new(),
            version: None,
            rollback: (folder == "books")
                .then(|| provider::jenkins::Rollback { job: "back/books".into(), version_parameter: "VERSION".into() }),
        };
        let settings = provider::jenkins::Settings {
            name: SOURCE.into(),
            address: "https://ci.example.com".into(),
            jobs: ["acme", "books"].map(whole).to_vec(),
            administrator: false,
            interval: Duration::from_secs(30),
        };
        provider::jenkins::over(transport, settings, clock).inventories.remove(0)
    },
    part: ("/job/books/", "books"),
    changes: "run/acme/ledger/812",
    goes: Some("gate/acme/ledger/812/Release"),
    many: (
        || {
            let one = |number| {
                format!(
                    "[[systems.jobs.builds]]\nnumber = {number}\nbranch = 'main'\ncommit = 'c0ffee{number}'\nby = 'lee'\n\
                     started = '-9h'\n"
                )
            };
            (1000..1130).map(one).collect()
        },
        130,
    ),
    after: "# More builds of a job.",
};

pub(crate) const GITLAB: Case = Case {
    mount: "/gitlab",
    open: |transport, clock| {
        let all = provider::gitlab::Project {
            path: "acme/*".into(),
            service: None,
            environments: BTreeMap::new(),
            version: None,
        };
        let settings = provider::gitlab::Settings {
            name: SOURCE.into(),
            address: "https://gitlab.com".into(),
            projects: vec![all],
            interval: Duration::from_secs(30),
        };
        provider::gitlab::over(transport, settings, clock).inventories.remove(0)
    },
    part: ("/projects/acme%2Fgateway/deployments", "acme/gateway"),
    changes: "run/acme/ledger/812",
    goes: Some("gate/acme/ledger/812/deployment-4001"),
    many: (
        || {
            let one = |number| {
                format!(
                    "{{ id = {number}, ref = 'main', commit = 'c0ffee{number}', title = 'more', user = 'lee', started = '-9h' }},\n"
                )
            };
            let pipelines: String = (1000..1130).map(one).collect();
            let jobs = "jobs = [{ name = 'go-live', stage = 'live', manual = true, takes = '1m' }]";
            format!("[[systems.projects]]\npath = 'acme/busy'\n{jobs}\npipelines = [\n{pipelines}]\n")
        },
        130,
    ),
    after: "# More projects.",
};

pub(crate) const CIRCLECI: Case = Case {
    mount: "/circleci",
    open: |transport, clock| {
        let project = |slug: &str| provider::circleci::Project {
            slug: slug.into(),
            service: None,
            environments: BTreeMap::new(),
            version: None,
            definition: None,
            deploys: None,
        };
        let settings = provider::circleci::Settings {
            name: SOURCE.into(),
            address: "https://circleci.com".into(),
            projects: ["gh/acme/ledger", "gh/acme/gateway", "gh/acme/web"].map(project).to_vec(),
            interval: Duration::from_secs(30),
        };
        provider::circleci::over(transport, settings, clock).inventories.remove(0)
    },
    part: ("/pipeline/83459923-d307-0225-430d-ae7a51fdb190/workflow", "gh/acme/gateway"),
    changes: "run/gh/acme/ledger/c26c5210-9c38-4049-cf7f-101ef007d4f0",
    goes: Some("gate/gh/acme/ledger/c26c5210-9c38-4049-cf7f-101ef007d4f0/5f1a523e-66ec-a0fe-f36f-da5a0ba11267"),
    many: (
        || {
            let one = |number| {
                format!(
                    "[[systems.projects.pipelines]]\nnumber = {number}\nbranch = 'main'\ncommit = 'c0ffee{number}'\n\
                     subject = 'more'\nuser = 'lee'\nstarted = '-9h'\n"
                )
            };
            (1000..1130).map(one).collect()
        },
        130,
    ),
    after: "# More workflows.",
};

pub(crate) const FLOW: Case = Case {
    mount: "/flow",
    open: |transport, clock| {
        let all = provider::flow::Pipeline { name: None, service: None, environments: BTreeMap::new(), version: None };
        let organization = Some("5ebbc0228123212b59".to_owned());
        let settings = provider::flow::Settings {
            name: SOURCE.into(),
            address: "https://openapi-rdc.aliyuncs.com".into(),
            door: provider::flow::Door::Token { prefix: "/oapi/v1".into(), organization },
            pipelines: vec![all],
            interval: Duration::from_secs(30),
        };
        provider::flow::over(transport, settings, clock).inventories.remove(0)
    },
    part: ("/pipelines/202/", "till"),
    changes: "run/201/812",
    goes: Some("gate/201/812/job-70001"),
    many: (
        || {
            let one = |number| {
                format!(
                    "{{ id = {number}, branch = 'main', commit = 'c0ffee{number}', message = 'more', by = 'lee', started = '-9h' }},\n"
                )
            };
            let runs: String = (1000..1130).map(one).collect();
            let jobs = "jobs = [{ name = '审批', kind = 'validate' }]";
            format!("[[systems.pipelines]]\nid = 203\nname = 'busy'\n{jobs}\nruns = [\n{runs}]\n")
        },
        130,
    ),
    after: "# More runs of Flow.",
};

/// Signed as the world's only user does it.
pub(crate) fn signed(transport: Transport, clock: &SharedClock) -> Transport {
    let (key, secret) = holdshort::demo::codepipeline::spec::KEY;
    let who = provider::aws::Credentials::lasting(key, secret, "a test");
    let leaves = provider::aws::Leaves::one("https://codepipeline.eu-west-1.amazonaws.com", transport);
    provider::aws::signed(leaves, provider::codepipeline::TARGETS, who, "eu-west-1", clock.clone())
}

/// A pipeline of which nothing is said but its name.
pub(crate) fn pipeline(name: &str) -> provider::codepipeline::Pipeline {
    let (environments, name) = (BTreeMap::new(), Some(name.to_owned()));
    provider::codepipeline::Pipeline { name, service: None, environments, version: None }
}

pub(crate) const CODEPIPELINE: Case = Case {
    mount: "/codepipeline",
    open: |transport, clock| {
        let settings = provider::codepipeline::Settings {
            name: SOURCE.into(),
            region: "eu-west-1".into(),
            address: None,
            pipelines: ["ledger", "till", "web", "shelf"].map(pipeline).to_vec(),
            interval: Duration::from_secs(30),
        };
        provider::codepipeline::over(signed(transport, &clock), settings, clock).inventories.remove(0)
    },
    part: ("\"till\"", "till"),
    changes: "run/ledger/2b0a7b77-30cc-c11a-7e2d-dceaec2c6ddb",
    goes: Some("gate/ledger/2b0a7b77-30cc-c11a-7e2d-dceaec2c6ddb/Prod/Approve"),
    many: (
        || {
            let one = |number| {
                format!(
                    "[[systems.pipelines.executions]]\ncommit = 'c0ffee{number}'\ntitle = 'ledger'\nby = 'lee'\n\
                     started = '-9h'\n"
                )
            };
            (1000..1130).map(one).collect()
        },
        130,
    ),
    after: "# More executions.",
};

/// All of one project of Argo CD.
fn project(name: &str) -> provider::argocd::Chosen {
    let environments = BTreeMap::new();
    provider::argocd::Chosen {
        project: Some(name.to_owned()),
        namespace: None,
        name: None,
        service: None,
        environments,
    }
}

pub(crate) const ARGOCD: Case = Case {
    mount: "/argocd",
    open: |transport, clock| {
        let settings = provider::argocd::Settings {
            name: SOURCE.into(),
            address: "https://argocd.example".to_owned(),
            applications: ["shop", "books"].map(project).to_vec(),
            interval: Duration::from_secs(30),
        };
        provider::argocd::over(transport, settings, clock).inventories.remove(0)
    },
    part: ("/applications?projects=books", "books"),
    changes: "application/shop/payments",
    goes: Some("application/shop/gone"),
    many: (
        || {
            let one = |number| {
                format!(
                    "[[systems.applications]]\nname = 'w{number}'\nproject = 'shop'\nimage = 'r.example/w'\n\
                     history = [{{ revision = '{number:040}', tag = '1.0.0', ago = '3d' }}]\n"
                )
            };
            (0..130).map(one).collect()
        },
        130,
    ),
    after: "# More Applications.",
};

/// Runs each test for each inventory.
macro_rules! inventories {
    ($($test:ident)*) => {
        inventories!(@of argo_rollouts ARGO_ROLLOUTS: $($test)*);
        inventories!(@of deployment DEPLOYMENT: $($test)*);
        inventories!(@of kustomization KUSTOMIZATION: $($test)*);
        inventories!(@of flagger FLAGGER: $($test)*);
        inventories!(@of github GITHUB: $($test)*);
        inventories!(@of buildkite BUILDKITE: $($test)*);
        inventories!(@of jenkins JENKINS: $($test)*);
        inventories!(@of gitlab GITLAB: $($test)*);
        inventories!(@of flow FLOW: $($test)*);
        inventories!(@of circleci CIRCLECI: $($test)*);
        inventories!(@of codepipeline CODEPIPELINE: $($test)*);
        inventories!(@of argocd ARGOCD: $($test)*);
    };
    (@of $inventory:ident $case:ident: $($test:ident)*) => {
        mod $inventory {
            $(#[tokio::test(start_paused = true)]
            async fn $test() {
                super::$test(super::$case).await;
            })*
        }
    };
}

inventories! {
    each_scope_is_told_of_and_everything_in_it_is_its_own
    told_again_it_is_the_same
    what_changes_and_what_goes_is_told
    a_part_that_is_refused_is_refused_alone_and_said
    what_was_known_of_a_part_stays_known_while_it_fails
    a_long_list_is_told_to_its_end
    a_system_that_is_silent_is_said_to_be
}

/// The world with one inventory over it.
struct Stage {
    clock: SharedClock,
    inventory: Arc<dyn Inventory>,
}

impl Stage {
    /// The scenario; `extra` is TOML that is put after it.
    fn new(case: Case, extra: &str) -> Self {
        Self::of(case, &format!("{SCENARIO}\n{extra}"))
    }

    fn of(case: Case, scenario: &str) -> Self {
        let scenario = case.alone("inventories", scenario);
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
        let world = SharedWorld::new(World::new(&scenario).unwrap());
        let leaf = transport(world, clock.clone(), case.mount);
        let transport = layered(leaf, Layers::new(SourceName::new(SOURCE)), clock.clone());
        Self { inventory: (case.open)(transport, clock.clone()), clock }
    }

    /// Whoever listens to it.
    fn ear(&self) -> Ear<'_> {
        Ear { stage: self, watch: self.inventory.watch(), known: Known::default() }
    }
}

/// What was told, kept as the store keeps it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    items: BTreeMap<ObjectId, (Scope, Item)>,
    unread: BTreeMap<(Scope, Family), Vec<String>>,
    failed: BTreeMap<Scope, String>,
    /// The scopes that were told whole at least once.
    whole: BTreeSet<Scope>,
}

impl Known {
    fn take(&mut self, told: Heard) {
        let Heard { scope, parts, .. } = told;
        let parts = match parts {
            Ok(parts) => parts,
            Err(error) => {
                self.failed.insert(scope, error.text);
                return;
            }
        };
        self.failed.remove(&scope);
        for part in parts {
            if let Some(unread) = part.unread {
                self.unread.insert((scope.clone(), part.family.clone()), unread);
            }
            if part.extent == Extent::Whole {
                self.whole.insert(scope.clone());
                self.items.retain(|id, (of, _)| id.family != part.family || *of != scope);
            }
            for id in part.gone {
                self.items.remove(&id);
            }
            for item in part.items {
                self.items.insert(item.id().clone(), (scope.clone(), item));
            }
        }
    }

    fn ids(&self) -> Vec<String> {
        self.items.keys().map(|id| format!("{}/{}", id.family, id.path)).collect()
    }

    /// The object with this family and path.
    fn item(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|(of, _)| format!("{}/{}", of.family, of.path) == id).map(|(_, (_, item))| item)
    }

    /// All that cannot be read, in sentences.
    fn said(&self) -> Vec<&String> {
        self.failed.values().chain(self.unread.values().flatten()).collect()
    }
}

/// Listens: to what tells by itself, or by asking again.
struct Ear<'a> {
    stage: &'a Stage,
    watch: Option<BoxStream<'a, Heard>>,
    known: Known,
}

impl Ear<'_> {
    /// For so long.
    async fn listen(&mut self, span: Duration) -> &Known {
        let clock = &self.stage.clock;
        let Some(watch) = &mut self.watch else {
            clock.sleep(span).await;
            let inventory = &self.stage.inventory;
            let scopes = inventory.discover().await.unwrap();
            let told: Vec<Heard> = inventory.list(scopes).collect().await;
            for told in told {
                self.known.take(told);
            }
            return &self.known;
        };
        let end = after(clock.now(), span);
        loop {
            let left = (end - clock.now()).to_std().unwrap_or_default();
            match select(watch.next(), clock.sleep(left)).await {
                Either::Left((told, _)) => self.known.take(told.unwrap()),
                Either::Right(_) => return &self.known,
            }
        }
    }
}

/// Long enough for whatever is told at first.
const FIRST: Duration = Duration::from_secs(20);

async fn each_scope_is_told_of_and_everything_in_it_is_its_own(case: Case) {
    let stage = Stage::new(case, "");
    let scopes = stage.inventory.discover().await.unwrap();
    assert!(!scopes.is_empty(), "a system that is configured has something to look at");
    let (tells, mut ear) = (stage.inventory.tells(), stage.ear());
    let known = ear.listen(FIRST).await;
    assert_eq!(known.whole.iter().collect::<Vec<_>>(), BTreeSet::from_iter(&scopes).into_iter().collect::<Vec<_>>());
    assert_eq!(known.said(), [""; 0]);
    assert!(
        known.item(case.changes).is_some() && case.goes.is_none_or(|id| known.item(id).is_some()),
        "{:?}",
        known.ids()
    );
    for (id, (scope, item)) in &known.items {
        assert_eq!((id.source.as_str(), &scope.inventory), (SOURCE, &name(&*stage.inventory)), "{id}");
        assert!(tells.contains(&(id.family.clone(), item.noun())), "{id} is none of {tells:?}");
    }
    assert_eq!(stage.inventory.probe().await, Ok(()));
}

async fn told_again_it_is_the_same(case: Case) {
    let stage = Stage::new(case, "");
    let (mut first, mut second) = (stage.ear(), stage.ear());
    let first = first.listen(FIRST).await.clone();
    assert_eq!(&first, second.listen(FIRST).await);
    assert!(!first.items.is_empty());
}

async fn what_changes_and_what_goes_is_told(case: Case) {
    let stage = Stage::new(case, "");
    let mut ear = stage.ear();
    let before = ear.listen(FIRST).await.clone();
    let known = ear.listen(Duration::from_mins(3)).await;
    assert_ne!(known.item(case.changes), before.item(case.changes), "it is as it was");
    let gone: Vec<String> = before.ids().into_iter().filter(|id| !known.ids().contains(id)).collect();
    assert_eq!(gone, case.goes.into_iter().collect::<Vec<_>>());
    assert_eq!(known.said(), [""; 0]);
}

/// The other part fails from then on.
fn failing(case: Case, from: &str) -> String {
    let (path, _) = case.part;
    // Some have one path for all, and say in the body what is asked.
    let key = if path.starts_with('/') { "path" } else { "said" };
    let fault =
        |what: &str| format!("[[faults]]\non = '{}'\n{key} = '{path}'\nfrom = '{from}'\nwhat = {what}\n", case.mount);
    fault("'drop_watch'") + &fault("{ server_error = 403 }")
}

async fn a_part_that_is_refused_is_refused_alone_and_said(case: Case) {
    let (whole, broken) = (Stage::new(case, ""), Stage::new(case, &failing(case, "0s")));
    let (mut whole, mut broken) = (whole.ear(), broken.ear());
    let (whole, broken) = (whole.listen(FIRST).await.clone(), broken.listen(FIRST).await);
    let (path, called) = case.part;
    let there: Vec<String> = broken.ids();
    assert!(there.contains(&case.changes.to_owned()) && there.len() < whole.ids().len(), "{there:?}");
    assert!(there.iter().all(|id| whole.ids().contains(id)));
    assert!(broken.said().iter().any(|said| said.contains(called)), "{path}: {:?}", broken.said());
    let others = |said: &&&String| !said.contains(called);
    assert_eq!(broken.said().iter().filter(others).collect::<Vec<_>>(), [&""; 0], "and nothing else");
}

async fn what_was_known_of_a_part_stays_known_while_it_fails(case: Case) {
    let stage = Stage::new(case, &failing(case, "1m"));
    let mut ear = stage.ear();
    let before = ear.listen(FIRST).await.clone();
    assert_eq!(before.said(), [""; 0]);
    // Nothing of it moved of late: only once it is its turn again is it known to fail.
    let known = ear.listen(Duration::from_mins(40)).await;
    let lost = before.ids().into_iter().filter(|id| !known.ids().contains(id) && case.goes != Some(id.as_str()));
    assert_eq!(lost.collect::<Vec<_>>(), [""; 0]);
    assert!(known.said().iter().any(|said| said.contains(case.part.1)), "{:?}", known.said());
}

async fn a_long_list_is_told_to_its_end(case: Case) {
    let (more, count) = case.many;
    // Tables of a list belong to the last system before them.
    let at = SCENARIO.find(case.after).unwrap() + case.after.len();
    let (before, behind) = SCENARIO.split_at(at);
    let (few, many) = (Stage::new(case, ""), Stage::of(case, &format!("{before}\n{}\n{behind}", more())));
    let (mut few, mut many) = (few.ear(), many.ear());
    let few = few.listen(FIRST).await.clone();
    let many = many.listen(FIRST).await;
    let gates = |known: &Known| known.items.keys().filter(|id| id.family != Family::run()).count();
    assert_eq!((gates(many), many.said()), (gates(&few) + count, vec![]));
}

async fn a_system_that_is_silent_is_said_to_be(case: Case) {
    let stage = Stage::new(case, &format!("[[faults]]\non = '{}'\nfrom = '0s'\nwhat = 'hang'\n", case.mount));
    let scopes = stage.inventory.discover().await.unwrap();
    let told: Vec<Heard> = stage.inventory.list(scopes.clone()).collect().await;
    assert_eq!(told.len(), scopes.len());
    for Heard { scope, parts, .. } in told {
        let error = parts.unwrap_err();
        assert_eq!((error.kind, error.maybe_done), (FaultKind::TimedOut, false), "{scope:?}: {error}");
    }
    if stage.inventory.watch().is_some() {
        assert_eq!(stage.inventory.probe().await.unwrap_err().kind, FaultKind::TimedOut);
    }
}
