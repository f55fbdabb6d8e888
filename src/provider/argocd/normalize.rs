//! From an Application to the domain: what git wants is the version on its way, what was deployed last is the stable one, and the entries of
//! the history are what there is to go back to.

use std::collections::BTreeMap;

use crate::{
    domain::{
        hand::{By, Did, Hand},
        ids::{Person, ServiceName, SourceName},
        rollout::{Arm, Event, Identity, Role, Rollout, Share, Strategy, Weight, Written},
        service::Environment,
        text::clean,
        upkeep::Upkeep,
    },
    provider::argocd::{
        CALLED,
        address::Address,
        api::{Application, Deployed, Initiator},
        facts::deployed,
        offers,
        phase::{message, phase, started, troubles, unknown},
        rights::Rights,
        version::{Side, Tags},
    },
};

/// Entries of the history that are told as events.
const EVENTS: usize = 10;

/// An Application with all that is known around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) source: &'a SourceName,
    pub(super) app: &'a Application,
    pub(super) at: &'a Address,
    pub(super) service: &'a ServiceName,
    pub(super) environment: &'a Environment,
    /// What was seen to run, by what tells versions apart.
    pub(super) tags: &'a Tags,
    pub(super) rights: &'a Rights,
    /// Of the Application that made it, where that may be seen: whether it heals itself.
    pub(super) parent_heals: Option<bool>,
    /// Does this Argo CD know `automated.enabled`?
    pub(super) has_enabled: bool,
}

/// An Application in the domain's words, offers included.
pub(super) fn rollout(view: View<'_>) -> Rollout {
    let app = view.app;
    let (wanted, there) = (Side::wanted(app), deployed(app));
    let (phase, pause) = phase(app);
    let taken_back = crate::provider::argocd::phase::is_taken_back(app);
    let mut rollout = Rollout {
        id: view.at.id(view.source),
        service: view.service.clone(),
        environment: view.environment.name.clone(),
        system: CALLED.to_owned(),
        strategy: Strategy::Declared,
        stable: there.version(view.tags),
        canary: wanted.version(view.tags),
        phase,
        message: Some(message(app)),
        steps: Vec::new(),
        step: None,
        // Nobody here splits traffic, and what does is told of by itself.
        weight: Weight { declared: 100, actual: Share::Unknown, max: 100 },
        pause,
        held: false,
        aborted_in_spec: taken_back && app.automated().is_none(),
        arms: arms(view, &wanted, &there),
        replicas: 0,
        started: started(app),
        step_times: BTreeMap::new(),
        settled: None,
        analyses: Vec::new(),
        events: events(view),
        troubles: troubles(app),
        unknown: unknown(app),
        lag: None,
        written: written(app),
        hands: hands(app),
        identity: Identity {
            uid: clean(&app.metadata.uid),
            generation: app.metadata.generation,
            revision: clean(&app.metadata.resource_version),
            canary_hash: wanted.key,
            stable_hash: there.key,
        },
        offers: Vec::new(),
    };
    rollout.offers = offers::offers(view, &rollout);
    rollout
}

/// Each version of its history once, the newest first; before them the one that git wants, where it was never deployed.
fn arms(view: View<'_>, wanted: &Side<'_>, there: &Side<'_>) -> Vec<Arm> {
    let mut arms: Vec<Arm> = Vec::new();
    for entry in view.app.status.history.iter().rev() {
        let side = Side::of(entry);
        if let Some(known) = arms.iter_mut().find(|arm| arm.hash == side.key) {
            known.earlier_revisions.push(entry.id);
            continue;
        }
        let role = match () {
            () if side.key == there.key => Role::Stable,
            () if side.key == wanted.key => Role::Canary,
            () => Role::Old,
        };
        let name = format!("history {}", entry.id);
        arms.push(Arm { revision: Some(entry.id), created: entry.deployed_at, ..arm(view, &side, role, name) });
    }
    for arm in arms.iter_mut().filter(|arm| arm.role == Role::Canary) {
        // It was deployed, and is not: its number is one that it had, not one that it has.
        arm.earlier_revisions.insert(0, arm.revision.take().unwrap_or_default());
    }
    if wanted.is_known() && !arms.iter().any(|arm| arm.hash == wanted.key) {
        let role = if wanted.key == there.key { Role::Stable } else { Role::Canary };
        arms.insert(0, arm(view, wanted, role, String::new()));
    }
    arms
}

fn arm(view: View<'_>, side: &Side<'_>, role: Role, name: String) -> Arm {
    Arm {
        role,
        version: side.version(view.tags),
        hash: side.key.clone(),
        name,
        revision: None,
        earlier_revisions: Vec::new(),
        // It has none of its own; what it manages has.
        pods: None,
        created: None,
        scale_down_at: None,
    }
}

/// Who began something: a name, or the controller by itself.
pub(super) fn who(by: &Initiator) -> String {
    match clean(&by.username) {
        _ if by.automated => "auto-sync".to_owned(),
        name if name.is_empty() => "somebody".to_owned(),
        name => name,
    }
}

/// Kinds whose objects other connections tell of, and put back by hand.
const KEPT: [&str; 4] = ["Deployment", "Rollout", "StatefulSet", "DaemonSet"];

/// What it keeps as git says, while it does so by itself.
pub(super) fn upkeep(view: View<'_>) -> Option<Upkeep> {
    let heals = view.app.automated()?.self_heal == Some(true);
    let kept = view.app.status.resources.iter().filter(|one| KEPT.contains(&one.kind.as_str()));
    let keeps: Vec<String> = kept.map(|one| clean(&format!("{}/{}", one.namespace, one.name))).collect();
    let undoes = if heals {
        "within seconds: auto-sync is on, and self-heal with it"
    } else {
        "with the next change in git: auto-sync is on"
    };
    Some(Upkeep {
        by: view.at.id(view.source),
        called: format!("{CALLED} {}", view.at.path()),
        environment: view.environment.name.clone(),
        keeps,
        undoes: undoes.to_owned(),
    })
}

fn written(app: &Application) -> Option<Written> {
    let last = app.status.history.last()?;
    Some(Written { at: last.deployed_at?, by: who(&last.initiated_by) })
}

/// Who put what is deployed there, as its history names them.
fn hands(app: &Application) -> Vec<Hand> {
    let by = |by: &Initiator| match clean(&by.username) {
        _ if by.automated => By::Client("auto-sync".to_owned()),
        name if name.is_empty() => By::NotTold,
        name => By::Person(Person::new(name)),
    };
    let put = |last: &Deployed| Hand { did: Did::Put, by: by(&last.initiated_by), at: last.deployed_at, whole: false };
    app.status.history.last().map(put).into_iter().collect()
}

/// Its history, newest first.
fn events(view: View<'_>) -> Vec<Event> {
    let event = |entry: &Deployed| {
        let side = Side::of(entry);
        let version = side.version(view.tags).map_or_else(|| "unknown".to_owned(), |version| version.to_string());
        let by = who(&entry.initiated_by);
        let message = format!("entry {} of its history: {version}, revision {}, by {by}", entry.id, side.short());
        Some(Event { at: entry.deployed_at?, reason: "Deployed".to_owned(), message, warning: false, count: 1 })
    };
    view.app.status.history.iter().rev().take(EVENTS).filter_map(event).collect()
}
