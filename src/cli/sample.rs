//! A model made by hand for the tests of this room: two rollouts of payments, a gate before ledger with its run.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use crate::{
    app::{
        model::{Model, Session},
        sample::{hears, measures, source},
        store::SourceInfo,
        update::update,
    },
    domain::{
        evidence::Verdict,
        gate::{Behind, Eligibility, Gate},
        ids::SourceName,
        item::Noun,
        object::{Family, ObjectId},
        observed::{Fault, FaultKind},
        offer::{Offer, Risk},
        pipeline::{Run, RunStatus},
        rollout::{
            Arm, Identity, Pause, PauseReason, Phase, Pods, Role, Rollout, Share, Step, StepKind, Strategy, Weight,
        },
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    judge::{counts::Tally, forecast::Progress},
    port::{
        facet::Window,
        fill::Fill,
        inventory::Part,
        lookup::Topic,
        plan::{Draft, Expect, Expectation, Facts, WireCall, fact},
        step,
    },
};

const ARGO: &str = "argo_rollouts";

/// 2026-03-10T02:07:00Z plus some seconds.
pub(super) fn at(second: i64) -> Timestamp {
    "2026-03-10T02:07:00Z".parse::<Timestamp>().unwrap() + chrono::TimeDelta::seconds(second)
}

fn cluster(name: &str) -> SourceInfo {
    source(name, &[(ARGO, Noun::Rollout)], 30)
}

fn metrics() -> SourceInfo {
    SourceInfo { answers: vec![Topic::Signals], ..source("prometheus", &[], 30) }
}

/// Nothing observed yet.
pub(super) fn silent() -> Model {
    let forge = source("github", &[("run", Noun::Run), ("gate", Noun::Gate)], 30);
    let session = Session {
        who: "dana".into(),
        profile: "test".into(),
        read_only: false,
        sources: vec![cluster("eu"), cluster("us"), forge],
        signal_step: Duration::from_secs(30),
        most_targets: 5,
        files: crate::domain::files::Files::default(),
        comparing: crate::domain::setting::Comparing::default(),
        watch: crate::domain::watch::Watch::default(),
        waves: crate::domain::wave::Waves::default(),
    };
    Model::new(session, at(0), (120, 36))
}

/// Payments in two regions, the one in `prod/eu` paused at step 1 of 2; ledger waits for an approval.
pub(super) fn model() -> Model {
    let mut model = observed();
    model.judgements.clear();
    model
}

/// The same, with a judgement on both rollouts: nothing was measured.
fn observed() -> Model {
    let mut model = silent();
    for (source, phase) in [("eu", Phase::Paused), ("us", Phase::Progressing)] {
        let parts = vec![Part::whole(ARGO.into(), [rollout(&source.into(), phase)])];
        hears(&mut model, (source, ARGO), at(-4), Ok(parts));
    }
    let runs = Part::whole(Family::run(), [run(812, true), run(811, false)]);
    hears(&mut model, ("github", "run"), at(-10), Ok(vec![runs, Part::whole(Family::gate(), [gate()])]));
    model
}

/// The same, with a verdict on the rollout in `prod/eu`.
pub(super) fn judged(verdict: Verdict) -> Model {
    let mut model = observed();
    model.judgements.retain(|id, _| *id == payments("eu"));
    for judgement in model.judgements.values_mut() {
        judgement.verdict = verdict;
        judgement.tested.harm = verdict == Verdict::NoGo;
        (judgement.covers_from, judgement.at) = (Some(at(-1230)), Some(at(-30)));
        judgement.canary = Tally { requests: 1000, errors: 31 };
        judgement.stable = Tally { requests: 3000, errors: 6 };
        judgement.requests = Progress { seen: 174, needed: Some(4066) };
        judgement.missing = Vec::new();
    }
    model
}

/// The same, with GO on both rollouts.
pub(super) fn going_well() -> Model {
    let mut model = observed();
    for judgement in model.judgements.values_mut() {
        judgement.verdict = Verdict::Go;
        judgement.missing.clear();
        judgement.canary.requests = 4_000;
    }
    model
}

/// A cluster shows one rollout.
pub(super) fn sees(model: &mut Model, source: &str, rollout: Rollout) {
    hears(model, (source, ARGO), at(0), Ok(vec![Part::changed(rollout)]));
}

/// A pipe that nobody reads from.
pub(super) struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

/// A source stops answering.
pub(super) fn fails(model: &mut Model, source: &str) {
    let fault = Fault::new(at(0), FaultKind::Unreachable, "connection refused");
    hears(model, (source, if source == "github" { "run" } else { ARGO }), at(0), Err(fault));
}

/// A part of a source cannot be read, though the rest can.
pub(super) fn cannot_read(model: &mut Model, source: &str, why: &str) {
    hears(model, (source, ARGO), at(0), Ok(vec![Part::unread(ARGO.into(), vec![why.to_owned()])]));
}

/// All of it can be read.
pub(super) fn can_read(model: &mut Model, source: &str) {
    hears(model, (source, ARGO), at(0), Ok(vec![Part::unread(ARGO.into(), Vec::new())]));
}

/// A cluster that failed, and metrics that answered.
pub(super) fn only_metrics() -> Model {
    let sources = vec![cluster("eu"), metrics()];
    let mut model = Model::new(Session { sources, ..silent().session }, at(0), (120, 36));
    fails(&mut model, "eu");
    let window = Window { from: at(-30), to: at(0), step: Duration::from_secs(30) };
    update(&mut model, measures("prometheus", at(0), window, Ok(Vec::new())));
    model
}

/// Only metrics are connected, and they answered.
pub(super) fn no_inventory() -> Model {
    let sources = vec![metrics()];
    let mut model = Model::new(Session { sources, ..silent().session }, at(0), (120, 36));
    let window = Window { from: at(-30), to: at(0), step: Duration::from_secs(30) };
    update(&mut model, measures("prometheus", at(0), window, Ok(Vec::new())));
    model
}

/// Only a forge is connected, and it answered.
pub(super) fn no_cluster() -> Model {
    let mut session = silent().session;
    session.sources.retain(|source| source.name.as_str() == "github");
    let mut model = Model::new(session, at(0), (120, 36));
    let runs = Part::whole(Family::run(), [run(812, true)]);
    hears(&mut model, ("github", "run"), at(0), Ok(vec![runs, Part::whole(Family::gate(), [gate()])]));
    model
}

pub(super) fn payments(source: &str) -> ObjectId {
    ObjectId::new(&source.into(), "argo_rollouts", "shop/payments")
}

fn arm(role: Role, tag: &str, revision: u64) -> Arm {
    Arm {
        name: format!("payments-{revision}"),
        hash: format!("hash{revision}"),
        revision: Some(revision),
        earlier_revisions: Vec::new(),
        role,
        version: Some(Version::tagged(tag)),
        pods: Some(Pods { desired: 4, current: 4, ready: 4, available: 4 }),
        created: None,
        scale_down_at: None,
    }
}

pub(super) fn rollout(source: &SourceName, phase: Phase) -> Rollout {
    let pause = Pause { reason: PauseReason::Step, since: Some(at(-60)), until: None };
    Rollout {
        id: payments(source.as_str()),
        service: "payments".into(),
        environment: format!("prod/{source}").as_str().into(),
        system: "Argo Rollouts".to_owned(),
        strategy: Strategy::Canary,
        stable: Some(Version::tagged("1.41.3")),
        canary: Some(Version::tagged("1.42.0")),
        phase,
        message: None,
        steps: vec![
            Step { label: "setWeight: 25".into(), kind: StepKind::SetWeight(25) },
            Step { label: "pause".into(), kind: StepKind::Pause(None) },
        ],
        step: Some(1),
        weight: Weight { declared: 25, actual: Share::Told(25), max: 100 },
        pause: (phase == Phase::Paused).then_some(pause),
        held: false,
        aborted_in_spec: false,
        arms: vec![arm(Role::Canary, "1.42.0", 8), arm(Role::Stable, "1.41.3", 7)],
        replicas: 4,
        started: Some(at(-1200)),
        step_times: BTreeMap::new(),
        settled: None,
        analyses: Vec::new(),
        events: Vec::new(),
        troubles: Vec::new(),
        unknown: Vec::new(),
        lag: None,
        written: None,
        hands: Vec::new(),
        identity: Identity {
            uid: "u-1".into(),
            generation: 3,
            revision: "17".into(),
            canary_hash: "hash8".into(),
            stable_hash: "hash7".into(),
        },
        offers: vec![
            Offer::open(Verb::Promote, Risk::High),
            Offer::blocked(Verb::Retry, Risk::High, "it is not aborted"),
            Offer::open(Verb::Abort, Risk::Medium),
            Offer::open(Verb::Rollback, Risk::Medium),
            Offer::open(Verb::Pause, Risk::Low),
        ],
    }
}

fn gate() -> Gate {
    Gate {
        id: ObjectId::new(&"github".into(), "gate", "acme/ledger/812/prod"),
        service: "ledger".into(),
        environment: "prod/eu".into(),
        system: "GitHub environment".into(),
        title: "deploy #812".into(),
        version: Some(Version::tagged("main").at_commit("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678")),
        since: at(-300),
        eligible: Eligibility::Cannot { why: "you started this run".into(), ask: vec!["lee".into()] },
        approvals: None,
        behind: Behind::Run(ObjectId::new(&"github".into(), "run", "acme/ledger/812")),
        newer_behind: 0,
        live: None,
        url: None,
        identity: BTreeMap::new(),
        offers: vec![Offer::open(Verb::Approve, Risk::High), Offer::open(Verb::Reject, Risk::Medium)],
    }
}

fn run(number: u64, waits: bool) -> Run {
    let cancel = Offer::blocked(Verb::Cancel, Risk::Low, "it has ended");
    let cancel = if waits { Offer::open(Verb::Cancel, Risk::Low) } else { cancel };
    Run {
        id: ObjectId::new(&"github".into(), "run", format!("acme/ledger/{number}")),
        service: "ledger".into(),
        pipeline: "deploy".into(),
        number,
        attempt: 1,
        title: "release".into(),
        branch: Some("main".into()),
        version: Version::tagged("main"),
        status: if waits { RunStatus::Waiting } else { RunStatus::Failed },
        raw: None,
        queued: None,
        started: at(-400),
        updated: at(-300),
        actor: Some("dana".into()),
        url: None,
        offers: vec![cancel, Offer::open(Verb::Rerun, Risk::Medium)],
    }
}

/// What a provider would draft for a verb on the rollout in `prod/eu`.
pub(super) fn draft(verb: Verb) -> Draft {
    Draft {
        from: Some(Version::tagged(if verb == Verb::Promote { "1.41.3" } else { "1.42.0" })),
        to: Some(Version::tagged(if verb == Verb::Promote { "1.42.0" } else { "1.41.3" })),
        effect: "25 % → 0 % of traffic".into(),
        steps: vec![step::Step::new(
            &payments("eu"),
            WireCall {
                words: "set abort".into(),
                method: "PATCH".into(),
                path: "rollouts/payments/status".into(),
                content_type: "application/merge-patch+json".into(),
                body: r#"{"status":{"abort":true}}"#.into(),
                fills: vec![Fill::revision("/metadata/resourceVersion")],
                command: "kubectl argo rollouts abort payments -n shop".into(),
                ..WireCall::default()
            },
        )],
        obligations: Vec::new(),
        moment: None,
        bound: Facts::from([(fact::UID.to_owned(), "u-1".to_owned())]),
        expect: Expectation {
            all: vec![Expect::is(fact::ABORTED, true)],
            fails_if: Vec::new(),
            frees: None,
            rests: Vec::new(),
            words: None,
            within: Duration::from_mins(1),
            progress: None,
        },
        undo: "retry".into(),
        notes: vec!["the spec still holds 1.42.0 afterwards".into()],
    }
}

/// The rollout in `prod/eu` as a target.
pub(super) fn target() -> ObjectId {
    payments("eu")
}
