//! What everything that answers questions must do, whatever they are about: one suite, run for each over the built-in world. A test
//! leaves out the topics that a lookup does not have.
//!
//! A new lookup adds a case, a line to `lookups!` and its system to `lookups.toml`.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use futures::{
    StreamExt,
    future::{BoxFuture, Either, select},
};
use holdshort::{
    demo::{scenario::Scenario, shared::SharedWorld, transport::transport, world::World},
    domain::{
        ids::SourceName,
        log::Line,
        object::ObjectId,
        observed::FaultKind,
        offer::Risk,
        pipeline::{LogRef, rows},
        preflight::{Heading, Kept},
        report::{Outcome, TestName},
        service::Environment,
        time::{Timestamp, age},
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::Window,
        lookup::{Lines, LogPiece, Lookup, Question, Told, Topic},
        wire::Transport,
    },
    provider::{
        buildkite, circleci, codepipeline, flow, github, gitlab,
        http::{Layers, layered},
        jenkins, loki, oci,
        prometheus::{self, presets},
    },
    runtime::clock::VirtualClock,
};

const SCENARIO: &str = include_str!("lookups.toml");
const SOURCE: &str = "source";
/// Where a system is served that has one path for all, and whose requests say in their body what is asked.
const ALIKE: &str = "/codepipeline";

/// A lookup, and what of the scenario it can be asked about.
#[derive(Clone, Copy)]
struct Case {
    /// Where its system is served.
    mount: &'static str,
    open: fn(Transport, SharedClock) -> Arc<dyn Lookup>,
    /// A run with jobs that have ended, and another one: family and path.
    runs: Option<[&'static str; 2]>,
    /// A service that is measured, or that writes.
    service: Option<&'static str>,
}

/// What is called so in a system goes to prod.
fn goes(theirs: &[&str]) -> BTreeMap<String, Environment> {
    let prod = |name: &&str| ((*name).to_owned(), Environment { name: "prod".into(), risk: Risk::High });
    theirs.iter().map(prod).collect()
}

const GITHUB: Case = Case {
    mount: "/github",
    open: |transport, clock| {
        let settings = github::Settings {
            name: SOURCE.into(),
            roots: github::Roots::default(),
            token: Some("gho_demo".into()),
            repos: vec![github::Repository {
                owner: "acme".into(),
                repo: "ledger".into(),
                service: "ledger".into(),
                environments: BTreeMap::new(),
                version: None,
            }],
            interval: Duration::from_secs(15),
        };
        github::over(transport, settings, clock).unwrap().lookups.remove(0)
    },
    runs: Some(["acme/ledger/26412000812", "acme/ledger/26412000811"]),
    service: None,
};

const BUILDKITE: Case = Case {
    mount: "/buildkite",
    open: |transport, clock| {
        let settings = buildkite::Settings {
            name: SOURCE.into(),
            address: "https://api.buildkite.com".into(),
            pipelines: Vec::new(),
            interval: Duration::from_secs(30),
        };
        buildkite::over(transport, settings, clock).lookups.remove(0)
    },
    runs: Some(["acme/ledger/812", "acme/ledger/811"]),
    service: None,
};

const JENKINS: Case = Case {
    mount: "/jenkins",
    open: |transport, clock| {
        let settings = jenkins::Settings {
            name: SOURCE.into(),
            address: "https://ci.example.com".into(),
            jobs: Vec::new(),
            administrator: false,
            interval: Duration::from_secs(30),
        };
        jenkins::over(transport, settings, clock).lookups.remove(0)
    },
    runs: Some(["acme/ledger/812", "acme/ledger/811"]),
    service: None,
};

const GITLAB: Case = Case {
    mount: "/gitlab",
    open: |transport, clock| {
        let settings = gitlab::Settings {
            name: SOURCE.into(),
            address: "https://gitlab.com".into(),
            projects: vec![gitlab::Project {
                path: "acme/ledger".into(),
                service: None,
                environments: BTreeMap::new(),
                version: None,
            }],
            interval: Duration::from_secs(30),
        };
        gitlab::over(transport, settings, clock).lookups.remove(0)
    },
    runs: Some(["acme/ledger/812", "acme/ledger/811"]),
    service: None,
};

const CIRCLECI: Case = Case {
    mount: "/circleci",
    open: |transport, clock| {
        let settings = circleci::Settings {
            name: SOURCE.into(),
            address: "https://circleci.com".into(),
            projects: vec![circleci::Project {
                slug: "gh/acme/ledger".into(),
                service: None,
                environments: goes(&["prod-secrets"]),
                version: None,
                definition: None,
                deploys: None,
            }],
            interval: Duration::from_secs(30),
        };
        circleci::over(transport, settings, clock).lookups.remove(0)
    },
    runs: Some([
        "gh/acme/ledger/c26c5210-9c38-4049-cf7f-101ef007d4f0",
        "gh/acme/ledger/d8e1effa-9347-16c4-aaa4-1d5d4bdf4a3b",
    ]),
    service: None,
};

const FLOW: Case = Case {
    mount: "/flow",
    open: |transport, clock| {
        let organization = Some("5ebbc0228123212b59".to_owned());
        let settings = flow::Settings {
            name: SOURCE.into(),
            address: "https://openapi-rdc.aliyuncs.com".into(),
            door: flow::Door::Token { prefix: "/oapi/v1".into(), organization },
            pipelines: vec![flow::Pipeline {
                name: Some("ledger".into()),
                service: None,
                environments: goes(&["发布"]),
                version: None,
            }],
            interval: Duration::from_secs(30),
        };
        flow::over(transport, settings, clock).lookups.remove(0)
    },
    runs: Some(["201/812", "201/811"]),
    service: None,
};

const CODEPIPELINE: Case = Case {
    mount: ALIKE,
    open: |transport, clock| {
        let settings = codepipeline::Settings {
            name: SOURCE.into(),
            region: "eu-west-1".into(),
            address: None,
            pipelines: vec![crate::inventories::pipeline("ledger")],
            interval: Duration::from_secs(30),
        };
        let signed = crate::inventories::signed(transport, &clock);
        codepipeline::over(signed, settings, clock).lookups.remove(0)
    },
    runs: Some(["ledger/2b0a7c77-30cc-c2cd-7e2d-dbeaec2c6c28", "ledger/2b0de177-30cf-a443-7e2a-56eaec295452"]),
    service: None,
};

const PROMETHEUS: Case = Case {
    mount: "/prometheus",
    open: |transport, clock| {
        let settings = prometheus::Settings::new(presets::named("otel-http").unwrap());
        prometheus::over(SOURCE.into(), transport, settings, clock).lookups.remove(0)
    },
    runs: None,
    service: Some("payments"),
};

const LOKI: Case = Case {
    mount: "/loki",
    open: |transport, clock| {
        let settings = loki::Settings::new(Duration::from_secs(2));
        loki::over(SOURCE.into(), transport, settings, clock).lookups.remove(0)
    },
    runs: None,
    service: Some("payments"),
};

const REGISTRY: Case = Case {
    mount: "/registry",
    open: |transport, clock| {
        let settings = oci::Settings {
            hosts: vec!["registry.shop.example".into()],
            token_server: "https://registry.shop.example/token".into(),
            interval: Duration::from_mins(1),
        };
        let ways = oci::Ways { plain: transport.clone(), named: None, tokens: transport };
        oci::over(SOURCE.into(), ways, settings, clock).lookups.remove(0)
    },
    runs: None,
    service: None,
};

/// Runs each test for each lookup.
macro_rules! lookups {
    ($($test:ident)*) => {
        lookups!(@of runs_of_github GITHUB: $($test)*);
        lookups!(@of runs_of_buildkite BUILDKITE: $($test)*);
        lookups!(@of runs_of_jenkins JENKINS: $($test)*);
        lookups!(@of runs_of_gitlab GITLAB: $($test)*);
        lookups!(@of runs_of_flow FLOW: $($test)*);
        lookups!(@of runs_of_circleci CIRCLECI: $($test)*);
        lookups!(@of runs_of_codepipeline CODEPIPELINE: $($test)*);
        lookups!(@of signals_of_prometheus PROMETHEUS: $($test)*);
        lookups!(@of lines_of_loki LOKI: $($test)*);
        lookups!(@of images_of_a_registry REGISTRY: $($test)*);
    };
    (@of $lookup:ident $case:ident: $($test:ident)*) => {
        mod $lookup {
            $(#[tokio::test(start_paused = true)]
            async fn $test() {
                super::$test(super::$case).await;
            })*
        }
    };
}

lookups! {
    what_it_can_be_asked_about_it_answers_once_and_to_the_point
    what_it_cannot_be_asked_about_it_refuses
    what_is_not_there_is_said_or_left_out
    an_answer_keeps_to_its_bounds
    what_nobody_waits_for_any_more_is_given_up
    a_system_that_is_silent_is_said_to_be_once
    one_that_is_refused_is_refused_alone
}

/// The world with one lookup over it.
struct Stage {
    clock: SharedClock,
    world: SharedWorld,
    lookup: Arc<dyn Lookup>,
    case: Case,
}

type Answer = Result<Told, ProviderError>;

impl Stage {
    /// The scenario, and these faults.
    fn new(case: Case, faults: &str) -> Self {
        let scenario = Scenario::parse("lookups", &format!("{SCENARIO}\n{faults}")).unwrap();
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
        let world = SharedWorld::new(World::new(&scenario).unwrap());
        let leaf = transport(world.clone(), clock.clone(), case.mount);
        let transport = layered(leaf, Layers::new(SourceName::new(SOURCE)), clock.clone());
        Self { lookup: (case.open)(transport, clock.clone()), clock, world, case }
    }

    fn window(&self) -> Window {
        Window::newest(self.clock.now(), Duration::from_secs(30), Duration::from_secs(30), 10)
    }

    /// Everything that it says to a question.
    fn ask(&self, question: Question) -> BoxFuture<'_, Vec<Answer>> {
        Box::pin(self.lookup.ask(question).collect())
    }

    fn requests(&self) -> usize {
        self.world.look(|world| world.calls().count())
    }

    /// The log of the first job of a run.
    async fn log(&self, run: &ObjectId) -> LogRef {
        match self.ask(Question::Jobs { run: run.clone() }).await.remove(0) {
            Ok(Told::Jobs(jobs)) => rows(&jobs).into_iter().find_map(|(_, node)| node.log.clone()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// A question about each of its topics, about what is there.
    async fn questions(&self) -> Vec<Question> {
        let mut questions = Vec::new();
        for topic in self.lookup.topics() {
            questions.push(match topic {
                Topic::Jobs => Question::Jobs { run: self.run(0) },
                Topic::Log => Question::Log { run: self.run(0), log: self.log(&self.run(0)).await, most: 100 },
                Topic::Tests => Self::tests(self.run(0), &["build", "unit"]),
                Topic::Signals => self.signals(self.case.service.unwrap()),
                Topic::Lines => self.lines(self.case.service.unwrap(), 1_000),
                Topic::Changes => self.changes(),
                Topic::Settings => Self::settings("prod"),
                Topic::Preflight => Self::preflight(),
                Topic::Image => Self::image("1.41.3"),
            });
        }
        questions
    }

    fn run(&self, which: usize) -> ObjectId {
        ObjectId::new(&SOURCE.into(), "run", self.case.runs.unwrap()[which])
    }

    /// How a test of one of these suites ended.
    fn tests(run: ObjectId, suites: &[&str]) -> Question {
        let named = suites.iter().map(|suite| TestName::new(suite, "shop.Basket", "pays")).collect();
        Question::Tests { run, named }
    }

    /// What the newer of the runs has that the older one has not.
    fn changes(&self) -> Question {
        Question::Changes { run: self.run(0), base: "c0ffee10".to_owned(), head: "c0ffee11".to_owned() }
    }

    /// What the service of the runs is given there.
    fn settings(environment: &str) -> Question {
        Question::Settings { service: "ledger".into(), environment: environment.into() }
    }

    /// What stands in the way of a version: no system of these is a cluster.
    fn preflight() -> Question {
        let rollout = ObjectId::new(&SOURCE.into(), "rollout", "shop/payments");
        Question::Preflight { rollout, hash: "5d5c777b9d".to_owned(), heading: Heading::Back }
    }

    /// Whether the image of payments is kept under this tag.
    fn image(tag: &str) -> Question {
        Question::Image { name: format!("registry.shop.example/shop/payments:{tag}") }
    }

    fn signals(&self, service: &str) -> Question {
        Question::Signals { services: vec![service.into()], window: self.window(), environment: None }
    }

    fn lines(&self, service: &str, most: usize) -> Question {
        Question::Lines(Lines::newest(service.into(), self.window(), most))
    }
}

/// Ends of everything that was counted.
fn ends(told: &Told) -> Vec<Timestamp> {
    let Told::Signals(signals) = told else { panic!("{told:?}") };
    let versions = signals.iter().flat_map(|one| &one.versions);
    versions.flat_map(|version| version.counts.iter().map(|counts| counts.to)).collect()
}

async fn what_it_can_be_asked_about_it_answers_once_and_to_the_point(case: Case) {
    let stage = Stage::new(case, "");
    for question in stage.questions().await {
        let told = stage.ask(question.clone()).await;
        let to_the_point = match (&question, told.as_slice()) {
            (Question::Jobs { .. }, [Ok(Told::Jobs(jobs))]) => {
                let names: Vec<_> = jobs.iter().map(|job| (&job.name, job.status.state.ended())).collect();
                names.len() > 1 && names.iter().all(|(name, ended)| !name.is_empty() && *ended)
            }
            (Question::Log { .. }, [Ok(Told::Log(LogPiece { lines, goes_on: false, over: true, .. }))]) => {
                !lines.is_empty()
            }
            (Question::Tests { .. }, [Ok(Told::Tests(report))]) => {
                let told: Vec<_> = report.tests.iter().map(|test| (test.test.name.as_str(), test.outcome)).collect();
                told == [("pays", Outcome::Passed)] && (report.passed, report.count()) == (2, 2)
            }
            (Question::Changes { .. }, [Ok(Told::Changes(changes))]) => changes.count == 1 && !changes.files.is_empty(),
            (Question::Settings { .. }, [Ok(Told::Settings(settings))]) => {
                !settings.all.is_empty() && settings.unread.is_empty()
            }
            (Question::Image { .. }, [Ok(Told::Image(Kept::There { digest: Some(digest), tags: Ok(tags) }))]) => {
                digest.starts_with("sha256:") && *tags > 0
            }
            (Question::Signals { .. }, [Ok(told)]) => !ends(told).is_empty(),
            (Question::Lines(_), [Ok(Told::Lines(written))]) => !written.lines.is_empty() && written.dropped == 0,
            _ => false,
        };
        assert!(to_the_point, "{question:?}: {told:?}");
        assert_eq!(stage.ask(question).await, told, "asked again it is the same");
    }
}

async fn what_it_cannot_be_asked_about_it_refuses(case: Case) {
    let stage = Stage::new(case, "");
    let run = ObjectId::new(&SOURCE.into(), "run", "acme/ledger/1");
    let all = [
        Question::Jobs { run: run.clone() },
        Question::Log { run: run.clone(), log: LogRef::new("1"), most: 1 },
        Stage::tests(run.clone(), &[]),
        Question::Changes { run, base: "a".to_owned(), head: "b".to_owned() },
        Stage::settings("prod"),
        Stage::preflight(),
        Stage::image("1.41.3"),
        stage.signals("payments"),
        stage.lines("payments", 1),
    ];
    for question in all.into_iter().filter(|question| !stage.lookup.topics().contains(&question.topic())) {
        let told = stage.ask(question.clone()).await;
        assert!(matches!(told.as_slice(), [Err(error)] if error.kind == FaultKind::Missing), "{question:?}: {told:?}");
    }
    assert_eq!(stage.requests(), 0, "nobody is asked for that");
}

async fn what_is_not_there_is_said_or_left_out(case: Case) {
    let stage = Stage::new(case, "");
    let run = ObjectId::new(&SOURCE.into(), "run", "acme/ledger/1");
    for topic in stage.lookup.topics() {
        let question = match topic {
            Topic::Jobs => Question::Jobs { run: run.clone() },
            Topic::Log => Question::Log { run: run.clone(), log: LogRef::new("1"), most: 1 },
            Topic::Tests => Stage::tests(run.clone(), &[]),
            Topic::Signals => stage.signals("nobody"),
            Topic::Lines => stage.lines("nobody", 1),
            Topic::Changes => Question::Changes { run: stage.run(0), base: "c0ffee10".into(), head: "d00d".into() },
            Topic::Settings => Stage::settings("moon"),
            Topic::Preflight => Stage::preflight(),
            Topic::Image => Stage::image("moon"),
        };
        let told = stage.ask(question).await;
        let is_said = match told.as_slice() {
            [Ok(told @ Told::Signals(_))] => ends(told).is_empty(),
            [Ok(Told::Lines(written))] => written.lines.is_empty() && written.whole.is_some(),
            [Ok(Told::Image(kept))] => *kept == Kept::Gone,
            // Whose settings they would be is said by their service.
            [Err(error)] if topic == Topic::Settings => {
                error.kind == FaultKind::Missing && error.text.contains("ledger") && error.text.contains("moon")
            }
            [Err(error)] => error.kind == FaultKind::Missing && error.text.contains("acme/ledger"),
            _ => false,
        };
        assert!(is_said, "{topic:?}: {told:?}");
    }
}

async fn an_answer_keeps_to_its_bounds(case: Case) {
    let stage = Stage::new(case, "");
    for question in stage.questions().await {
        let told = stage.ask(question.clone()).await.remove(0).unwrap();
        match (question, told) {
            (Question::Log { run, log, .. }, Told::Log(LogPiece { lines, .. })) => {
                let few = stage.ask(Question::Log { run, log, most: 2 }).await.remove(0).unwrap();
                let Told::Log(few) = few else { panic!("{few:?}") };
                let texts = |lines: &[Line]| lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
                // What stood before is not known any more, and so neither is under which heading they stand.
                assert!(few.lines.len() <= 2 && few.cut && few.over, "{few:?}");
                assert!(texts(&lines).ends_with(&texts(&few.lines)), "{lines:?} {few:?}");
            }
            (Question::Signals { window, .. }, told) => {
                assert!(ends(&told).iter().all(|end| window.from < *end && *end <= window.to), "{told:?}");
            }
            (Question::Lines(asked), Told::Lines(all)) => {
                let within = |at: Timestamp| asked.window.from < at && at <= asked.window.to;
                assert!(all.lines.iter().all(|line| within(line.at)));
                let few = stage.ask(stage.lines(asked.service.as_str(), 2)).await.remove(0).unwrap();
                let Told::Lines(few) = few else { panic!("{few:?}") };
                let newest = all.lines.last().map(|line| line.at);
                assert_eq!((few.lines.len() <= 2, few.lines.last().map(|line| line.at)), (true, newest));
            }
            _ => {}
        }
    }
}

/// All of the system, from the begin.
fn fault(case: Case, path: &str, what: &str) -> String {
    let key = if case.mount == ALIKE && path != "/" { "said" } else { "path" };
    format!("[[faults]]\non = '{}'\n{key} = '{path}'\nfrom = '1s'\nwhat = {what}\n", case.mount)
}

async fn what_nobody_waits_for_any_more_is_given_up(case: Case) {
    let stage = Stage::new(case, &fault(case, "/", "'hang'"));
    let questions = stage.questions().await;
    stage.clock.sleep(Duration::from_secs(2)).await;
    for question in questions {
        let mut answers = stage.lookup.ask(question);
        let answered = {
            let waited = pin!(stage.clock.sleep(Duration::from_secs(1)));
            matches!(select(waited, answers.next()).await, Either::Right(_))
        };
        assert!(!answered, "a system that hangs answers nothing");
        drop(answers);
        let before = stage.requests();
        stage.clock.sleep(Duration::from_mins(2)).await;
        assert_eq!(stage.requests(), before, "it is asked no further");
    }
}

async fn a_system_that_is_silent_is_said_to_be_once(case: Case) {
    let stage = Stage::new(case, &fault(case, "/", "'hang'"));
    let questions = stage.questions().await;
    stage.clock.sleep(Duration::from_secs(2)).await;
    for question in questions {
        let begun = stage.clock.now();
        let told = stage.ask(question.clone()).await;
        let kinds: Vec<_> = told.iter().map(|told| told.as_ref().unwrap_err().kind).collect();
        assert_eq!(kinds, [FaultKind::TimedOut], "{question:?}");
        assert!(age(stage.clock.now(), begun) < Duration::from_mins(1), "{question:?}");
    }
}

async fn one_that_is_refused_is_refused_alone(case: Case) {
    let path = case.runs.map_or("/", |[_, other]| other.rsplit('/').next().unwrap());
    let until = "until = '10s'";
    let stage = Stage::new(case, &format!("{}{until}\n", fault(case, path, "{ server_error = 403 }")));
    let questions = stage.questions().await;
    stage.clock.sleep(Duration::from_secs(2)).await;
    let refused = match case.runs {
        Some(_) => Question::Jobs { run: stage.run(1) },
        None => questions[0].clone(),
    };
    let told = stage.ask(refused).await;
    assert!(matches!(told.as_slice(), [Err(error)] if error.kind == FaultKind::Forbidden), "{told:?}");
    if case.runs.is_none() {
        // It has one question for all: what was refused leaves nothing behind.
        stage.clock.sleep(Duration::from_mins(1)).await;
    }
    for question in questions {
        let told = stage.ask(question.clone()).await;
        assert!(matches!(told.as_slice(), [Ok(_)]), "{question:?}: {told:?}");
    }
}
