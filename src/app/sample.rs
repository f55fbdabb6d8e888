//! Hand-made observations for tests of the pure rooms: one rollout of `payments` at 25 %, and a model that saw it.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    app::{
        drawn::Drawn,
        effect::Effect,
        model::{Model, Session},
        msg::Msg,
        store::SourceInfo,
        update::update,
    },
    domain::{
        evidence::{Evidence, Verdict},
        form::{Field, Kind},
        gate::{Behind, Eligibility, Gate},
        ids::SourceName,
        item::Noun,
        object::{Family, ObjectId},
        observed::Fault,
        offer::{Offer, Risk},
        pipeline::{Run, RunStatus},
        place::Coverage,
        rollout::{
            Arm, Identity, Pause, PauseReason, Phase, Pods, Role, Rollout, Share, Step, StepKind, Strategy, Weight,
        },
        signal::ServiceSignals,
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    port::{
        facet::Window,
        fill::Fill,
        inventory::{Part, Scope},
        lookup::{Question, Told, Topic},
        plan::{Ask, Blocked, Draft, Expect, Expectation, Facts, Friction, Plan, WireCall, fact},
        record::{Entry, NewRecord, Record, RecordId, Stage},
        step,
    },
};

/// 2026-03-10T02:07:30Z, when the demo opens.
pub(crate) fn now() -> Timestamp {
    "2026-03-10T02:07:30Z".parse().unwrap()
}

/// `payments` 1.41.3 → 1.42.0, paused at 25 % by step 5 of 8.
pub(crate) fn payments() -> Rollout {
    let set = |name: &str, revision, role, version: &Version, pods| Arm {
        name: format!("payments-{name}"),
        hash: name.to_owned(),
        revision: Some(revision),
        earlier_revisions: Vec::new(),
        role,
        version: Some(version.clone()),
        pods: Some(Pods { desired: pods, current: pods, ready: pods, available: pods }),
        created: None,
        scale_down_at: None,
    };
    let stable = Version::tagged("1.41.3").at_commit("9f8e7d6c5b4a39281706f5e4d3c2b1a098765432");
    let canary = Version::tagged("1.42.0").at_commit("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678");
    let since = "2026-03-10T01:47:00Z".parse().unwrap();
    Rollout {
        id: ObjectId::new(&"kubernetes-eu".into(), "argo_rollouts", "shop/payments"),
        service: "payments".into(),
        environment: "prod/eu-west-1".into(),
        system: "Argo Rollouts".to_owned(),
        strategy: Strategy::Canary,
        phase: Phase::Paused,
        message: Some("CanaryPauseStep".to_owned()),
        steps: steps(),
        step: Some(5),
        weight: Weight { declared: 25, actual: Share::Told(25), max: 100 },
        pause: Some(Pause {
            reason: PauseReason::Step,
            since: Some(since),
            until: Some(since + Duration::from_mins(30)),
        }),
        held: false,
        aborted_in_spec: false,
        arms: vec![set("c0ffee", 3, Role::Canary, &canary, 3), set("ba5e", 2, Role::Stable, &stable, 9)],
        replicas: 12,
        started: Some(since - Duration::from_mins(5)),
        step_times: BTreeMap::from([(5, since)]),
        settled: None,
        analyses: Vec::new(),
        events: Vec::new(),
        troubles: Vec::new(),
        unknown: Vec::new(),
        lag: None,
        written: None,
        hands: Vec::new(),
        identity: Identity {
            uid: "uid-1".to_owned(),
            generation: 3,
            revision: "81723".to_owned(),
            canary_hash: "c0ffee".to_owned(),
            stable_hash: "ba5e".to_owned(),
        },
        offers: [Verb::Promote, Verb::Abort, Verb::Rollback].map(|verb| Offer::open(verb, Risk::High)).to_vec(),
        stable: Some(stable),
        canary: Some(canary),
    }
}

fn steps() -> Vec<Step> {
    let weight = |w| Step { label: format!("setWeight: {w}"), kind: StepKind::SetWeight(w) };
    let pause = |minutes: Option<u64>| Step {
        label: minutes.map_or_else(|| "pause".to_owned(), |m| format!("pause: {m}m")),
        kind: StepKind::Pause(minutes.map(Duration::from_mins)),
    };
    vec![weight(5), pause(Some(2)), weight(10), pause(Some(2)), weight(25), pause(Some(30)), weight(50), pause(None)]
}

/// A connection with one inventory, or with none.
pub(crate) fn source(name: &str, tells: &[(&str, Noun)], seconds: u64) -> SourceInfo {
    let tells: Vec<_> = tells.iter().map(|(family, noun)| (Family::new(family), *noun)).collect();
    SourceInfo {
        name: name.into(),
        inventories: if tells.is_empty() { Vec::new() } else { vec![tells] },
        answers: Vec::new(),
        interval: Duration::from_secs(seconds),
        coverage: Coverage::default(),
    }
}

/// The same in another place of the same connection.
pub(crate) fn in_cell(environment: &str, rollout: Rollout) -> Rollout {
    let name = environment.rsplit('/').next().unwrap_or_default();
    let id = ObjectId::new(&rollout.id.source, rollout.id.family.clone(), format!("{name}/payments"));
    Rollout { id, environment: environment.into(), ..rollout }
}

/// The same with all traffic on its canary since a moment, or with no canary beside what was stable.
pub(crate) fn settled(mut rollout: Rollout, on_canary: bool, since: Timestamp) -> Rollout {
    if on_canary {
        rollout.stable.clone_from(&rollout.canary);
        rollout.identity.stable_hash.clone_from(&rollout.identity.canary_hash);
        (rollout.arms[0].role, rollout.arms[1].role) = (Role::Stable, Role::Old);
        rollout.arms[1].pods = Some(Pods::default());
    } else {
        rollout.canary.clone_from(&rollout.stable);
        rollout.identity.canary_hash.clone_from(&rollout.identity.stable_hash);
        rollout.arms.remove(0);
    }
    rollout.arms[0].created = Some(since);
    rollout.step_times = BTreeMap::from([(rollout.steps.len(), since)]);
    (rollout.phase, rollout.pause) = (Phase::Healthy, None);
    rollout
}

/// What a connection whose inventory has one scope tells of it.
pub(crate) fn hears(
    model: &mut Model,
    (source, inventory): (&str, &str),
    at: Timestamp,
    parts: Result<Vec<Part>, Fault>,
) -> Vec<Effect> {
    let (source, inventory) = (SourceName::new(source), Family::new(inventory));
    let scope = Scope::all(&inventory);
    update(model, Msg::Discovered { source: source.clone(), inventory, scopes: Ok(vec![scope.clone()]) });
    let of_source = |info: &&SourceInfo| info.name == source;
    let interval = model.session.sources.iter().find(of_source).map(|info| info.interval).unwrap_or_default();
    update(model, Msg::Heard { source, scope, at, due: at + interval, parts })
}

/// A model that has a cluster and metrics, and has seen nothing; it is on screen.
pub(crate) fn blind() -> Model {
    let session = Session {
        who: "dana".into(),
        profile: "demo".to_owned(),
        read_only: false,
        sources: vec![
            source("kubernetes-eu", &[("argo_rollouts", Noun::Rollout)], 5),
            SourceInfo { answers: vec![Topic::Signals], ..source("prometheus", &[], 5) },
        ],
        signal_step: Duration::from_secs(30),
        most_targets: 5,
        files: crate::domain::files::Files::default(),
        comparing: crate::domain::setting::Comparing::default(),
        watch: crate::domain::watch::Watch::default(),
        waves: crate::domain::wave::Waves::default(),
    };
    let mut model = Model::new(session, now(), (120, 36));
    model.drawn = Drawn::whole(&model);
    model
}

/// A model that has just seen these rollouts.
pub(crate) fn seeing(rollouts: Vec<Rollout>) -> Model {
    let mut model = blind();
    see(&mut model, now(), rollouts);
    model
}

/// Everything that is judged in this model is judged well, whatever was measured.
pub(crate) fn go(model: &mut Model) {
    for judgement in model.judgements.values_mut() {
        judgement.verdict = Verdict::Go;
        judgement.missing.clear();
        judgement.eta = None;
        judgement.canary.requests = judgement.canary.requests.max(4_000);
    }
}

/// What a source answers that is asked for signals.
pub(crate) fn measures(
    source: &str,
    at: Timestamp,
    window: Window,
    signals: Result<Vec<ServiceSignals>, Fault>,
) -> Msg {
    let services = signals.iter().flatten().map(|one| one.service.clone()).collect();
    let question = Question::Signals { services, window, environment: None };
    Msg::Told { source: source.into(), at, question, told: signals.map(Told::Signals) }
}

/// A rollout with an earlier version, 1.40.0, still in its history.
pub(crate) fn with_an_older_one(mut rollout: Rollout) -> Rollout {
    let mut older = rollout.arms[1].clone();
    (older.hash, older.role, older.version) = ("0lder".to_owned(), Role::Old, Some(Version::tagged("1.40.0")));
    (older.revision, older.earlier_revisions) = (Some(1), Vec::new());
    rollout.arms.push(older);
    rollout
}

/// Lets the model see these rollouts, at a time.
pub(crate) fn see(model: &mut Model, at: Timestamp, rollouts: Vec<Rollout>) -> Vec<Effect> {
    update(model, Msg::Tick(at));
    let parts = Ok(vec![Part::whole("argo_rollouts".into(), rollouts)]);
    hears(model, ("kubernetes-eu", "argo_rollouts"), at, parts)
}

/// What somebody did for a reason about the version with this hash, perhaps to put another one back, and how it ended.
pub(crate) fn acted(
    (id, at): (u64, Timestamp),
    (who, reason): (&str, &str),
    verb: Verb,
    (about, put_back): (&str, Option<&str>),
    end: Stage,
) -> Record {
    let rollout = payments();
    let mut draft = draft(&rollout, verb);
    draft.bound.insert(fact::CANARY.to_owned(), about.to_owned());
    draft.expect.all.extend(put_back.map(|hash| Expect::is(fact::CANARY, hash)));
    let plan = Plan {
        verb,
        target: rollout.id,
        service: rollout.service,
        environment: rollout.environment,
        risk: Risk::High,
        friction: Friction::Reason,
        draft,
        goes_back: false,
        brings_again: false,
        checks: Vec::new(),
        risks: Vec::new(),
        evidence: Evidence { at, verdict: None, said: String::new(), sources: Vec::new() },
        then: Vec::new(),
    };
    let intent = NewRecord::confirmed(at, who.into(), Some(reason.to_owned()), plan);
    Record { id: RecordId(id), intent, entries: vec![Entry { at, stage: end }] }
}

/// What a provider would draft for a verb on a rollout: bound to its identity as the engine binds it.
pub(crate) fn draft(rollout: &Rollout, verb: Verb) -> Draft {
    let identity = &rollout.identity;
    let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let call = WireCall {
        words: "change it".to_owned(),
        method: "PATCH".to_owned(),
        path: "/rollouts/payments".to_owned(),
        content_type: "application/merge-patch+json".to_owned(),
        body: "{}".into(),
        fills: vec![Fill::revision("/metadata/resourceVersion")],
        command: "kubectl patch".to_owned(),
        ..WireCall::default()
    };
    let (from, to) = match verb {
        Verb::Rollback | Verb::Abort => (rollout.canary.clone(), rollout.stable.clone()),
        _ => (rollout.stable.clone(), rollout.canary.clone()),
    };
    Draft {
        from,
        to,
        effect: "25 % → 0 %".to_owned(),
        steps: vec![step::Step::new(&rollout.id, call)],
        obligations: Vec::new(),
        moment: None,
        bound: Facts::from([fact(fact::UID, &identity.uid), fact(fact::CANARY, &identity.canary_hash)]),
        expect: Expectation {
            all: vec![Expect::is(fact::WEIGHT, 0)],
            fails_if: Vec::new(),
            rests: Vec::new(),
            frees: None,
            words: None,
            within: Duration::from_mins(1),
            progress: None,
        },
        undo: "retry".to_owned(),
        notes: Vec::new(),
    }
}

/// Somebody types this, and the provider answers at once whenever something is to be drafted for it.
pub(crate) fn types(model: &mut Model, text: &str) {
    for c in text.chars() {
        let effects = update(model, Msg::Typed(c));
        assert_eq!(answer(model, effects), []);
    }
}

/// The provider answers whatever is to be drafted; what else is to be done comes back.
pub(crate) fn answer(model: &mut Model, effects: Vec<Effect>) -> Vec<Effect> {
    let mut others = Vec::new();
    for effect in effects {
        match effect {
            Effect::Draft(ask) => {
                let drawn_up = if ask.target == ship().id { shipped(&ask) } else { Ok(draft(&payments(), ask.verb)) };
                let draft = Box::new(drawn_up);
                others.extend(update(model, Msg::Drafted { ask, draft, then: Vec::new() }));
            }
            other => others.push(other),
        }
    }
    others
}

/// A gate of a system that asks for everything that there is to ask for.
pub(crate) fn ship() -> Gate {
    let places = ["blue", "green"].map(str::to_owned).to_vec();
    let form = vec![
        Field::new("note", "Release note", Kind::Text).required().hint("stands in the change log"),
        Field::new("place", "Place", Kind::Choice(places)).default("blue"),
        Field::new("drain", "Drain first", Kind::Flag),
        Field::new("pin", "PIN", Kind::Secret).required(),
    ];
    Gate {
        id: ObjectId::new(&"shipper".into(), Family::gate(), "shop/7"),
        service: "shop".into(),
        environment: "prod".into(),
        system: "Shipper step".to_owned(),
        title: "ship #7".to_owned(),
        version: Some(Version::tagged("4.2.0").at_commit("c0ffee1")),
        since: now(),
        eligible: Eligibility::Can,
        approvals: None,
        behind: Behind::Run(ObjectId::new(&"shipper".into(), "run", "shop/7")),
        newer_behind: 0,
        live: None,
        url: None,
        identity: BTreeMap::new(),
        offers: vec![
            Offer::open(Verb::Approve, Risk::Medium).asking(form),
            Offer::blocked(Verb::Play, Risk::Low, "it runs already"),
        ],
    }
}

/// The run that waits behind it.
pub(crate) fn run() -> Run {
    Run {
        id: ObjectId::new(&"shipper".into(), Family::run(), "shop/7"),
        service: "shop".into(),
        pipeline: "deploy".into(),
        number: 7,
        attempt: 1,
        title: String::new(),
        branch: None,
        version: Version::tagged("4.2.0").at_commit("c0ffee1"),
        status: RunStatus::Waiting,
        raw: None,
        queued: None,
        started: now(),
        updated: now(),
        actor: None,
        url: None,
        offers: Vec::new(),
    }
}

/// A model that has just seen this gate.
pub(crate) fn gated(gate: Gate) -> Model {
    let mut session = blind().session;
    session.sources.push(source("shipper", &[("gate", Noun::Gate)], 5));
    let mut model = Model::new(session, now(), (120, 36));
    model.drawn = Drawn::whole(&model);
    hears(&mut model, ("shipper", "gate"), now(), Ok(vec![Part::whole(Family::gate(), [gate])]));
    model
}

/// What that system would do. It takes nothing on green that was not drained.
fn shipped(ask: &Ask) -> Result<Draft, Blocked> {
    if ask.args.text("place") == Some("green") && !ask.args.is_set("drain") {
        return Err(Blocked("green takes only what was drained".to_owned()));
    }
    let said: Vec<String> = ask.args.iter().map(|arg| format!("{}={}", arg.name, arg.value)).collect();
    let mut draft = draft(&payments(), ask.verb);
    (draft.from, draft.to) = (None, ship().version);
    draft.effect = format!("ships with {}", said.join(", "));
    draft.bound = Facts::from([("step".to_owned(), "7".to_owned())]);
    Ok(draft)
}

/// An ask for a verb on `payments`.
pub(crate) fn ask(verb: Verb) -> Ask {
    Ask::new(verb, payments().id)
}
