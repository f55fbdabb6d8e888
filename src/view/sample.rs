//! Models built by hand for the tests of the screens: 02:07 in J1, with a few neighbours.

mod frames;
mod pressed;

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeZone;

use crate::{
    app::{
        action::Action,
        model::{Model, Overlay, Session},
        msg::Msg,
        sample::{hears, measures, source},
        store::SourceInfo,
        update::update,
    },
    domain::{
        evidence::Evidence,
        gate::{Behind, Eligibility, Gate},
        ids::{Person, SourceName},
        item::Noun,
        object::{Family, ObjectId},
        observed::{Fault, FaultKind},
        offer::{Offer, Risk},
        rollout::{
            Analysis, Arm, Event, Identity, Pause, PauseReason, Phase, Pods, Role, Rollout, Share, Step, StepKind,
            Strategy, Weight,
        },
        signal::{Counts, Latency, Point, ServiceSignals, VersionSignals},
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    keymap::Keymap,
    port::{
        facet::Window,
        fill::Fill,
        inventory::Part,
        lookup::Topic,
        plan::{Ask, Draft, Expect, Expectation, Friction, Plan, WireCall, fact},
        record::{Entry, NewRecord, Record, RecordId, Stage},
        step,
    },
};

pub(crate) use self::{
    frames::{around, endless, filtered, frames, unjudged, unmeasured},
    pressed::filled_in,
};

/// Seconds between two points.
const STEP: i64 = 30;

/// A time on the night of the sample.
pub(crate) fn at(hour: u32, minute: u32, second: u32) -> Timestamp {
    chrono::Utc.with_ymd_and_hms(2026, 3, 10, hour, minute, second).unwrap()
}

/// Now: 02:07:41.
pub(crate) fn now() -> Timestamp {
    at(2, 7, 41)
}

pub(crate) fn keymap() -> Keymap {
    Keymap::with(&BTreeMap::new()).unwrap()
}

const ARGO: &str = "argo_rollouts";

fn session() -> Session {
    Session {
        who: Person::new("dana"),
        profile: "prod".into(),
        read_only: false,
        sources: vec![
            source("kubernetes-eu", &[(ARGO, Noun::Rollout)], 5),
            source("kubernetes-us", &[(ARGO, Noun::Rollout)], 5),
            SourceInfo { answers: vec![Topic::Signals], ..source("prometheus", &[], 30) },
            source("github", &[("gate", Noun::Gate)], 5),
        ],
        signal_step: Duration::from_secs(30),
        most_targets: 5,
        files: crate::domain::files::Files::default(),
        comparing: crate::domain::setting::Comparing::default(),
        watch: crate::domain::watch::Watch::default(),
        waves: crate::domain::wave::Waves::default(),
    }
}

fn step(label: &str, kind: StepKind) -> Step {
    Step { label: label.into(), kind }
}

fn pause(minutes: u64) -> StepKind {
    StepKind::Pause(Some(Duration::from_mins(minutes)))
}

fn steps() -> Vec<Step> {
    vec![
        step("setWeight: 5", StepKind::SetWeight(5)),
        step("pause: 10m", pause(10)),
        step("setWeight: 10", StepKind::SetWeight(10)),
        step("pause: 10m", pause(10)),
        step("setWeight: 25", StepKind::SetWeight(25)),
        step("pause: 30m", pause(30)),
        step("setWeight: 50", StepKind::SetWeight(50)),
        step("pause: {}", StepKind::Pause(None)),
    ]
}

fn arm(service: &str, role: Role, version: &Version, revision: u64, pods: u32) -> Arm {
    let hash = format!("{service}{revision}");
    Arm {
        name: format!("{service}-{hash}"),
        hash,
        revision: Some(revision),
        earlier_revisions: Vec::new(),
        role,
        version: Some(version.clone()),
        pods: Some(Pods { desired: pods, current: pods, ready: pods, available: pods }),
        created: None,
        scale_down_at: None,
    }
}

/// A canary at a step, in flight.
pub(crate) fn rollout(source: &str, service: &str, stable: &Version, canary: &Version) -> Rollout {
    let place = source.trim_start_matches("kubernetes-");
    let sets = vec![
        arm(service, Role::Canary, canary, 12, 3),
        arm(service, Role::Stable, stable, 11, 9),
        arm(service, Role::Old, &Version::tagged("1.40.2"), 10, 0),
    ];
    Rollout {
        id: ObjectId::new(&source.into(), "argo_rollouts", format!("shop/{service}")),
        service: service.into(),
        environment: format!("prod/{place}").as_str().into(),
        system: "Argo Rollouts".to_owned(),
        strategy: Strategy::Canary,
        stable: Some(stable.clone()),
        canary: Some(canary.clone()),
        phase: Phase::Paused,
        message: Some("CanaryPauseStep".into()),
        steps: steps(),
        step: Some(5),
        weight: Weight { declared: 25, actual: Share::Told(25), max: 100 },
        pause: Some(Pause { reason: PauseReason::Step, since: Some(at(1, 47, 0)), until: Some(at(2, 17, 0)) }),
        held: false,
        aborted_in_spec: false,
        identity: Identity {
            uid: format!("uid-{service}"),
            generation: 7,
            revision: "81723".into(),
            canary_hash: sets[0].hash.clone(),
            stable_hash: sets[1].hash.clone(),
        },
        arms: sets,
        replicas: 12,
        started: Some(at(1, 27, 0)),
        step_times: [(0, at(1, 27, 0)), (2, at(1, 37, 0)), (4, at(1, 46, 58)), (5, at(1, 47, 0))].into(),
        settled: None,
        analyses: Vec::new(),
        events: Vec::new(),
        troubles: Vec::new(),
        unknown: Vec::new(),
        lag: None,
        written: None,
        hands: Vec::new(),
        offers: [Verb::Promote, Verb::Skip, Verb::PromoteFull, Verb::Pause, Verb::Abort, Verb::Rollback]
            .map(|verb| Offer::open(verb, Risk::High))
            .into_iter()
            .chain([
                Offer::blocked(Verb::Resume, Risk::High, "nobody paused it"),
                Offer::blocked(Verb::Retry, Risk::High, "it is not aborted"),
            ])
            .collect(),
    }
}

/// The bad canary of J1.
pub(crate) fn payments() -> Rollout {
    let stable = Version::tagged("1.41.3").at_commit("9f8e7d6c5b4a39281706f5e4d3c2b1a098765432");
    let canary = Version::tagged("1.42.0").at_commit("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678");
    let mut payments = rollout("kubernetes-eu", "payments", &stable, &canary);
    payments.analyses = vec![Analysis {
        name: "payments-success-rate-12".into(),
        phase: "Running".into(),
        message: Some("run 3 of 5".into()),
        ..Analysis::default()
    }];
    payments.events = vec![
        event(at(1, 47, 0), "RolloutPaused", "Rollout is paused (CanaryPauseStep)", false),
        event(at(1, 46, 58), "SetWeight", "Set weight to 25", false),
        event(at(1, 38, 12), "Unhealthy", "Readiness probe failed: connection refused", true),
    ];
    payments
}

fn event(at: Timestamp, reason: &str, message: &str, warning: bool) -> Event {
    Event { at, reason: reason.into(), message: message.into(), warning, count: 1 }
}

/// Signals every half minute since 01:17, with the error share and p99 of a version at each minute since then.
fn version(label: &str, rate: f64, values: fn(i64) -> (f64, f64), from: i64) -> VersionSignals {
    let begin = at(1, 17, 0);
    let seconds = (now() - begin).num_seconds() - 11;
    let times: Vec<i64> = (from..=seconds / STEP).collect();
    let when = |index: i64| begin + chrono::TimeDelta::seconds(index * STEP);
    let series = |value: &dyn Fn(i64) -> f64| -> Vec<Point> {
        times.iter().map(|index| Point { at: when(*index), value: value(*index) }).collect()
    };
    let requests = |index: i64| (rate * 30.0 * (1.0 + 0.05 * ((index * 7 % 11) as f64 / 11.0))).round();
    VersionSignals {
        label: label.into(),
        error_ratio: series(&|index| values(index).0),
        request_rate: series(&|index| requests(index) / 30.0),
        latency: Latency {
            p50: series(&|index| values(index).1 / 6.0),
            p95: series(&|index| values(index).1 / 2.0),
            p99: series(&|index| values(index).1),
            highest_bound: Some(10.0),
        },
        counts: times
            .iter()
            .skip(1)
            .map(|index| {
                let requests = requests(*index);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small whole numbers")]
                Counts {
                    from: when(index - 1),
                    to: when(*index),
                    requests: requests as u64,
                    errors: (requests * values(*index).0).round() as u64,
                }
            })
            .collect(),
        ..VersionSignals::default()
    }
}

fn wobble(index: i64, size: f64) -> f64 {
    ((index * 37 % 17) as f64 / 17.0 - 0.5) * size
}

fn good(index: i64) -> (f64, f64) {
    (0.002 + wobble(index, 0.001), 0.18 + wobble(index, 0.02))
}

/// Good until 01:49, then 3.1 %.
fn bad(index: i64) -> (f64, f64) {
    if index < 64 { good(index) } else { (0.031 + wobble(index, 0.004), 1.2 + wobble(index, 0.2)) }
}

fn signals(service: &str, versions: Vec<VersionSignals>) -> ServiceSignals {
    ServiceSignals { service: service.into(), environment: "".into(), step: Duration::from_secs(30), versions }
}

fn all_signals() -> Vec<ServiceSignals> {
    vec![
        signals("payments", vec![version("1.42.0", 24.0, bad, 20), version("1.41.3", 72.0, good, 0)]),
        signals("checkout", vec![version("2.9.0", 0.4, good, 90), version("2.8.0", 12.0, good, 0)]),
        signals("search", vec![version("7.1.0", 300.0, good, 20), version("7.0.4", 300.0, good, 0)]),
        signals("recs", vec![version("5.6.0", 40.0, good, 0)]),
    ]
}

fn flights() -> Vec<Rollout> {
    let tag = |tag: &str, commit: &str| Version::tagged(tag).at_commit(commit.repeat(10));
    let mut checkout = rollout("kubernetes-eu", "checkout", &tag("2.8.0", "c0de"), &tag("2.9.0", "bead"));
    checkout.step = Some(2);
    checkout.pause = None;
    checkout.phase = Phase::Progressing;
    checkout.steps[2] = step("analysis: success-rate", StepKind::Analysis);
    checkout.weight = Weight { declared: 10, actual: Share::Told(10), max: 100 };
    let mut recs = rollout("kubernetes-eu", "recs", &tag("5.6.0", "cafe"), &tag("5.7.0", "fade"));
    recs.step = Some(1);
    recs.weight = Weight { declared: 5, actual: Share::Told(5), max: 100 };
    let mut steady = rollout("kubernetes-eu", "ledger", &tag("4.1.0", "beef"), &tag("4.1.0", "beef"));
    steady.identity.canary_hash = steady.identity.stable_hash.clone();
    steady.phase = Phase::Healthy;
    steady.weight.actual = Share::Told(steady.weight.max);
    steady.arms.remove(0);
    steady.replicas = steady.arms[0].pods.map_or(0, |pods| pods.available);
    vec![payments(), checkout, recs, steady]
}

fn search() -> Rollout {
    let tag = |tag: &str, commit: &str| Version::tagged(tag).at_commit(commit.repeat(10));
    let mut search = rollout("kubernetes-us", "search", &tag("7.0.4", "abcd"), &tag("7.1.0", "9f8e"));
    search.step = Some(7);
    search.pause = Some(Pause { reason: PauseReason::Step, since: Some(at(2, 3, 20)), until: None });
    search.weight = Weight { declared: 50, actual: Share::Told(50), max: 100 };
    search
}

fn gates() -> Vec<Gate> {
    let gate = |service: &str, number: u32, since: Timestamp, eligible: Eligibility| {
        let source = SourceName::new("github");
        let run = ObjectId::new(&source, "run", format!("acme/{service}/{number}"));
        Gate {
            id: ObjectId::new(&source, "gate", format!("acme/{service}/{number}/prod")),
            service: service.into(),
            environment: "prod".into(),
            system: "GitHub environment".into(),
            title: format!("deploy #{number}"),
            version: Some(Version::tagged("4.2.0").at_commit("c0ffee1")),
            since,
            eligible,
            approvals: None,
            behind: Behind::Run(run),
            newer_behind: 3,
            live: None,
            url: Some(format!("https://github.com/acme/{service}/actions/runs/{number}")),
            identity: BTreeMap::new(),
            offers: vec![Offer::open(Verb::Approve, Risk::High), Offer::open(Verb::Reject, Risk::Low)],
        }
    };
    let cannot =
        Eligibility::Cannot { why: "you started this run".into(), ask: vec![Person::new("lee"), Person::new("kim")] };
    vec![
        gate("ledger", 812, now() - chrono::TimeDelta::hours(14), Eligibility::Can),
        gate("gateway", 97, now() - chrono::TimeDelta::minutes(12), cannot),
    ]
}

/// A model that was started and has seen nothing.
pub(crate) fn unseen(columns: u16, rows: u16) -> Model {
    Model::new(session(), now(), (columns, rows))
}

/// 02:07:41: payments does harm, checkout is undecided, search waits, recs has no data; everything is live.
pub(crate) fn board(columns: u16, rows: u16) -> Model {
    let mut model = unseen(columns, rows);
    let seen = |seconds: i64| now() - chrono::TimeDelta::seconds(seconds);
    let window = Window { from: at(1, 17, 0), to: at(2, 7, 30), step: Duration::from_secs(30) };
    hears(&mut model, ("kubernetes-eu", ARGO), seen(1), Ok(vec![Part::whole(ARGO.into(), flights())]));
    hears(&mut model, ("kubernetes-us", ARGO), seen(2), Ok(vec![Part::whole(ARGO.into(), [search()])]));
    let signals = Ok(all_signals());
    update(&mut model, measures("prometheus", seen(4), window, signals));
    hears(&mut model, ("github", "gate"), seen(9), Ok(vec![Part::whole(Family::gate(), gates())]));
    update(&mut model, Msg::Budget { source: "github".into(), left: 0.31 });
    model
}

/// As [`board`], with the cluster hung since twelve seconds and metrics that are old.
pub(crate) fn hung(columns: u16, rows: u16) -> Model {
    let mut model = board(columns, rows);
    let fault = Fault::new(now(), FaultKind::TimedOut, "no answer within 4 s");
    hears(&mut model, ("kubernetes-eu", ARGO), now(), Err(fault));
    update(&mut model, Msg::Tick(now() + chrono::TimeDelta::seconds(12)));
    model
}

/// As [`board`], with so many rollouts in flight beside the others.
pub(crate) fn crowded(columns: u16, rows: u16, count: usize) -> Model {
    let mut model = board(columns, rows);
    let one = |index: usize| {
        let mut rollout =
            rollout("kubernetes-eu", &format!("service-{index:03}"), &Version::tagged("1.0"), &Version::tagged("1.1"));
        rollout.started = None;
        rollout
    };
    let all = flights().into_iter().chain((0..count).map(one));
    hears(&mut model, ("kubernetes-eu", ARGO), now(), Ok(vec![Part::whole(ARGO.into(), all)]));
    model
}

/// The plan of a verb on payments.
pub(crate) fn plan(verb: Verb) -> Plan {
    let rollout = payments();
    let (stable, canary) = (rollout.stable.clone(), rollout.canary.clone());
    let back = verb == Verb::Rollback;
    let call = WireCall {
        words: if back { "abort, then put the template of revision 11 back" } else { "clear the pause conditions" }
            .into(),
        method: "PATCH".into(),
        path: "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/payments/status".into(),
        content_type: "application/merge-patch+json".into(),
        body: r#"{"status":{"pauseConditions":null}}"#.into(),
        fills: vec![Fill::revision("/metadata/resourceVersion")],
        command: "kubectl argo rollouts promote payments -n shop".into(),
        ..WireCall::default()
    };
    Plan {
        verb,
        target: rollout.id.clone(),
        service: rollout.service,
        environment: rollout.environment,
        risk: Risk::High,
        friction: if back { Friction::Reason } else { Friction::ReadBack("a1b2".into()) },
        draft: Draft {
            from: if back { canary.clone() } else { stable.clone() },
            to: if back { stable } else { canary },
            effect: if back { "25 % → 0 % of traffic" } else { "25 % → 50 % of traffic" }.into(),
            steps: vec![step::Step::new(&rollout.id, call)],
            obligations: Vec::new(),
            moment: None,
            bound: [(fact::STEP.to_owned(), "5".to_owned())].into(),
            expect: Expectation {
                all: vec![Expect::is(fact::WEIGHT, if back { 0 } else { 50 })],
                fails_if: Vec::new(),
                frees: None,
                rests: Vec::new(),
                words: None,
                within: Duration::from_secs(30),
                progress: None,
            },
            undo: "abort: all traffic back to 1.41.3".into(),
            notes: if back { vec!["autosync is on: it may put 1.42.0 back".into()] } else { Vec::new() },
        },
        goes_back: false,
        brings_again: false,
        checks: vec!["verdict GO: 0.2 % against 0.2 % on stable".into(), "kubernetes-eu live".into()],
        risks: Vec::new(),
        evidence: Evidence { at: now(), verdict: None, said: String::new(), sources: Vec::new() },
        then: Vec::new(),
    }
}

/// The ask of a verb on payments.
pub(crate) fn ask(verb: Verb) -> Ask {
    Ask::new(verb, payments().id)
}

/// Record 4711: a roll back of payments that came so far, all of it at 02:07:19.
pub(crate) fn record(stages: Vec<Stage>) -> Record {
    let entries = stages.into_iter().map(|stage| Entry { at: at(2, 7, 19), stage }).collect();
    let intent = NewRecord::confirmed(at(2, 7, 19), Person::new("dana"), None, plan(Verb::Rollback));
    Record { id: RecordId(4711), intent, entries }
}

/// As [`record`], as the screens follow it.
pub(crate) fn action(stages: Vec<Stage>) -> Action {
    Action::of(record(stages))
}

/// Lays something over the screen.
pub(crate) fn under(mut model: Model, overlay: Overlay) -> Model {
    model.nav.overlay = Some(overlay);
    model
}
