//! What a verb would do: the calls, what they are bound to, what must be seen afterwards; and everything that can be sent at all. Pure,
//! from the last observed Application.
//!
//! A roll back is a sync of an entry of the history. Argo CD takes none while auto-sync is on, so that is switched off first: before an
//! operation that runs is ended, since auto-sync would begin the next one. It also takes one that a sync window forbids, and does nothing
//! then until the window opens; so whether one is closed is read right before each call.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    domain::{
        object::ObjectId,
        offer::{Offer, open_for},
        rollout::{Arm, Rollout},
        text::{clean, shell_word},
        verb::Verb,
    },
    port::{
        body::Body,
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, Facts, WireCall, fact},
        shape::Shape,
        step::{Due, Obligation, Step},
        takeover::Takeover,
    },
    provider::argocd::{
        address::Address,
        automation, fact as own,
        facts::began,
        normalize::View,
        offers::{PRUNE, denied, is_half_way, waits},
        phase::{Operation, automation as automation_words, is_new},
        request::{self, JSON},
        version::Side,
    },
};

const POST: &str = "POST";
const PATCH: &str = "PATCH";
const DELETE: &str = "DELETE";

/// How long a sync may take, with its hooks and until it is healthy.
const SYNCED: Duration = Duration::from_mins(15);
/// How long an operation may take to end once it was told to.
const ENDED: Duration = Duration::from_mins(5);
/// How long a setting may take to be read back.
const SET: Duration = Duration::from_secs(20);

/// Everything that a verb can send for a target.
pub(super) fn shapes(target: &ObjectId, verb: Verb) -> Vec<Shape> {
    let Some(at) = Address::parse(target) else { return Vec::new() };
    match verb {
        Verb::Sync => vec![posted(&at, "sync", &["/project", "/appNamespace", "/revision", "/prune", "/infos"])],
        Verb::Abort => vec![ended(&at)],
        Verb::Rollback => {
            let back = posted(&at, "rollback", &["/project", "/appNamespace", "/id", "/prune"]);
            let switches = automation::patches().into_iter().map(|patch| switch_shape(&at, patch));
            [ended(&at), back].into_iter().chain(switches).collect()
        }
        _ => Vec::new(),
    }
}

fn held(at: &Address) -> Vec<(&'static str, String)> {
    let namespace = at.namespace.clone().map(|namespace| ("/appNamespace", namespace));
    std::iter::once(("/project", at.project.clone())).chain(namespace).collect()
}

fn posted(at: &Address, what: &str, writes: &'static [&'static str]) -> Shape {
    let path = format!("{}/{what}", request::path(at));
    Shape { method: POST, path, content_type: JSON, writes, holds: held(at), ..Shape::default() }
}

fn ended(at: &Address) -> Shape {
    Shape { method: DELETE, path: operation_path(at), content_type: JSON, ..Shape::default() }
}

fn switch_shape(at: &Address, patch: String) -> Shape {
    let mut holds = held(at);
    holds.extend([("/name", at.name.clone()), ("/patchType", "merge".to_owned()), ("/patch", patch)]);
    let writes = &["/name", "/project", "/appNamespace", "/patchType", "/patch"];
    Shape { method: PATCH, path: request::path(at), content_type: JSON, writes, holds, ..Shape::default() }
}

fn operation_path(at: &Address) -> String {
    format!("{}/operation{}", request::path(at), request::whose(at))
}

/// A body that says whose the Application is, and this.
fn body(at: &Address, rest: Value) -> Body {
    let mut fields = Map::new();
    fields.insert("project".to_owned(), at.project.clone().into());
    fields.extend(at.namespace.clone().map(|namespace| ("appNamespace".to_owned(), namespace.into())));
    if let Value::Object(rest) = rest {
        fields.extend(rest);
    }
    Value::Object(fields).to_string().into()
}

/// A call, and the command that does the same by hand.
fn call(base: &str, words: String, (method, path): (&str, String), body: Body) -> WireCall {
    let said = if body.shown().is_empty() { String::new() } else { format!(" -d {}", shell_word(body.shown())) };
    let address = shell_word(&format!("{}{path}", base.trim_end_matches('/')));
    let command = format!(
        "curl --fail-with-body -X {method} -H \"Authorization: Bearer $ARGOCD_AUTH_TOKEN\" -H 'Content-Type: {JSON}'{said} {address}"
    );
    let (method, content_type) = (method.to_owned(), JSON.to_owned());
    WireCall { words, method, path, content_type, body, command, ..WireCall::default() }
}

/// The draft; the Application as it was on screen is `rollout`, the view may be newer.
pub(super) fn draft(view: View<'_>, rollout: &Rollout, ask: &Ask, base: &str) -> Result<Draft, Blocked> {
    if let Some(takeover) = ask.takes_over.as_ref().filter(|takeover| takeover.releases) {
        return Stage { view, rollout, base }.release(takeover);
    }
    if ask.verb == Verb::Rollback && ask.to().is_some() {
        // A version that is named may be there where the default one is not.
        let against = denied(view, ask.verb).or_else(|| waits(view));
        against.map_or(Ok(()), |why| Err(Blocked(why)))?;
    } else {
        let offers: &[Offer] = &rollout.offers;
        open_for(offers, ask.verb, "an Application of Argo CD").map_err(Blocked)?;
    }
    if ask.to().is_some() && ask.verb != Verb::Rollback {
        return Err(Blocked(format!("{} takes no version", ask.verb.words())));
    }
    let stage = Stage { view, rollout, base };
    match ask.verb {
        Verb::Sync => Ok(stage.sync(ask)),
        Verb::Abort => Ok(stage.abort()),
        Verb::Rollback => stage.back(ask),
        _ => Err(Blocked(format!("an Application cannot {}", ask.verb.words()))),
    }
}

struct Stage<'a> {
    view: View<'a>,
    rollout: &'a Rollout,
    base: &'a str,
}

impl Stage<'_> {
    fn name(&self) -> &str {
        &self.view.at.name
    }

    /// The object and what git wants of it: what a way back is bound to.
    fn identity(&self) -> Facts {
        let identity = &self.rollout.identity;
        [(fact::UID, &identity.uid), (fact::CANARY, &identity.canary_hash)]
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .into()
    }

    /// The id that the next entry of the history has at least.
    fn next_id(&self) -> i64 {
        let last = self.view.app.status.history.last().map(|entry| entry.id);
        last.map_or(0, |last| i64::try_from(last).unwrap_or(i64::MAX).saturating_add(1))
    }

    /// That this version is deployed anew, and well; an operation that fails is another one than the last.
    fn deployed(&self, key: &str, words: String) -> Expectation {
        let there = Expect { fact: own::entry(key), condition: Condition::AtLeast(self.next_id()) };
        let before = began(self.view.app).unwrap_or_else(|| "never".to_owned());
        Expectation {
            all: vec![there.clone(), Expect::is(own::SETTLED, true), Expect::is(own::HEALTH, "Healthy")],
            fails_if: vec![Expect::is_not(own::FAILED, before), Expect::is(own::BLOCKED, true)],
            // What it manages may itself wait for somebody: a Rollout that pauses is Suspended.
            frees: None,
            rests: vec![there, Expect::is(own::SETTLED, true), Expect::is(own::HEALTH, "Suspended")],
            words: Some(words),
            within: SYNCED,
            progress: Some((own::HEALTH.to_owned(), String::new())),
        }
    }

    fn sync(&self, ask: &Ask) -> Draft {
        let (app, at) = (self.view.app, self.view.at);
        let wanted = Side::wanted(app);
        let version = version_words(self.rollout.canary.as_ref());
        let automated = app.automated().is_some();
        let mut rest = json!({"prune": ask.args.is_set(PRUNE)});
        // With auto-sync on it takes no revision but the one that it follows.
        let exact = match wanted.revisions.as_slice() {
            [one] if !automated && app.spec.sources.is_empty() => Some((*one).to_owned()),
            _ => None,
        };
        let mut put = |field: &str, value: Value| {
            if let Value::Object(fields) = &mut rest {
                fields.insert(field.to_owned(), value);
            }
        };
        if let Some(revision) = &exact {
            put("revision", revision.clone().into());
        }
        if let Some(reason) = ask.comment().map(str::trim).filter(|reason| !reason.is_empty()) {
            put("infos", json!([{"name": "Reason", "value": reason}]));
        }
        let path = format!("{}/sync", request::path(at));
        let call = call(self.base, format!("sync {} to {}", self.name(), wanted.short()), (POST, path), body(at, rest));
        let words = format!("{} is synced to {version}, and healthy", self.name());
        let mut bound = self.identity();
        bound.insert(fact::STABLE.to_owned(), self.rollout.identity.stable_hash.clone());
        bound.insert(own::OPERATION.to_owned(), Operation::of(app).to_string());
        bound.insert(own::AUTO_SYNC.to_owned(), if automated { "on" } else { "off" }.to_owned());
        let effect = format!("{} becomes what git wants: {version} (revision {})", self.name(), wanted.short());
        let expect = self.deployed(&wanted.key, words);
        let mut notes = vec![format!("it follows {}", clean(&app.follows()))];
        notes.extend(exact.is_none().then(|| {
            "it syncs what that is when it begins: if git moves before that, it is another revision than the one here".to_owned()
        }));
        notes.extend(self.hydrated());
        notes.push(windows_note());
        notes.extend(stays(ask));
        Draft {
            from: self.rollout.stable.clone(),
            to: self.rollout.canary.clone(),
            undo: format!("roll back to {}", version_words(self.rollout.stable.as_ref())),
            notes,
            ..Draft::of(&self.rollout.id, call, effect, bound, expect)
        }
    }

    /// The call that ends the operation which runs, and what must be seen of it.
    fn end(&self) -> Step {
        let words = format!("end the operation that runs on {}", self.name());
        let call = call(self.base, words, (DELETE, operation_path(self.view.at)), "".into());
        let over = ["running", "terminating", "asked"].map(|word| Expect::is_not(own::OPERATION, word));
        let expect = Expectation {
            all: over.into(),
            words: Some("its operation is over".to_owned()),
            within: ENDED,
            ..Expectation::default()
        };
        Step::new(&self.rollout.id, call).then(expect)
    }

    fn abort(&self) -> Draft {
        let step = self.end();
        let began = began(self.view.app).unwrap_or_default();
        let bound = [(own::OPERATION, "running".to_owned()), (own::BEGAN, began.clone())]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        let expect = Expectation {
            all: vec![Expect::is(own::FAILED, began)],
            fails_if: vec![Expect::is(own::OPERATION, "succeeded")],
            words: Some(format!("the operation on {} is ended", self.name())),
            within: ENDED,
            ..Expectation::default()
        };
        let effect = format!("the operation that runs on {} ends; what it has applied so far stays", self.name());
        let plain = Draft::of(&self.rollout.id, WireCall::default(), effect, self.identity(), expect);
        let mut notes = vec!["it puts nothing back: roll back does, and ends the operation itself".to_owned()];
        notes.extend(self.view.app.automated().map(|_| format!("{}: it may begin again by itself", self.automation())));
        notes.push("one that waits for a sync window ends only once that opens".to_owned());
        Draft {
            from: self.rollout.canary.clone(),
            to: self.rollout.stable.clone(),
            steps: vec![Step { bound, expect: None, ..step }],
            undo: "sync: it begins again".to_owned(),
            notes,
            ..plain
        }
    }

    fn automation(&self) -> &'static str {
        automation_words(self.view.app)
    }

    /// Switches auto-sync off or on.
    fn switch(&self, on: bool) -> Option<Step> {
        let was = self.view.app.automated()?;
        let patch =
            if on { automation::on(self.view.has_enabled, was) } else { automation::off(self.view.has_enabled) };
        Some(self.switched(on, &patch))
    }

    /// Ends what an act that has ended holds. How auto-sync was is gone once it is off: only the record has it, and of all that could have
    /// been it is what goes out.
    fn release(&self, takeover: &Takeover) -> Result<Draft, Blocked> {
        let (app, name) = (self.view.app, self.name());
        if let Some(why) = self.view.rights.against(&["update"], self.view.at).0 {
            return Err(Blocked(why));
        }
        let could: Vec<Step> = automation::all_on().iter().map(|patch| self.switched(true, patch)).collect();
        let comes = is_new(app).then(|| version_words(self.rollout.canary.as_ref()));
        let effect = match &comes {
            Some(version) => format!("auto-sync of {name} is on again: it brings {version}, as git says"),
            None => format!("auto-sync of {name} is on again: it keeps what git says"),
        };
        let draft = takeover.release(&could, effect)?;
        let lasting = comes.map(|version| {
            format!("git still says {version}: it comes within minutes of this, unless that is reverted there first")
        });
        Ok(Draft {
            from: self.rollout.stable.clone(),
            to: self.rollout.canary.clone(),
            undo: "roll back switches it off again".to_owned(),
            notes: lasting.into_iter().collect(),
            ..draft
        })
    }

    fn switched(&self, on: bool, patch: &str) -> Step {
        let at = self.view.at;
        let rest = json!({"name": at.name, "patchType": "merge", "patch": patch});
        let words = format!("switch auto-sync of {} {}", self.name(), if on { "on again" } else { "off" });
        let call = call(self.base, words, (PATCH, request::path(at)), body(at, rest));
        let (before, after) = if on { ("off", "on") } else { ("on", "off") };
        let expect = Expectation {
            all: vec![Expect::is(own::AUTO_SYNC, after)],
            words: Some(format!("auto-sync of {} is {after}, read back", self.name())),
            within: SET,
            ..Expectation::default()
        };
        Step::new(&self.rollout.id, call).when(vec![Expect::is(own::AUTO_SYNC, before)]).then(expect)
    }

    fn back(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let (app, at) = (self.view.app, self.view.at);
        let target = self.target(ask.to())?;
        let id = newest_id(app, &target.hash)
            .ok_or_else(|| Blocked(format!("its history has no {}: {}", target.called(), self.rollout.history())))?;
        let (from, to) = (version_words(self.rollout.canary.as_ref()), target.called());
        let open = Facts::from([(own::CLOSED.to_owned(), "no".to_owned())]);
        let mut steps: Vec<Step> = Vec::new();
        let mut obligations = Vec::new();
        if let (Some(off), Some(on)) = (self.switch(false), self.switch(true)) {
            let words = format!("auto-sync of {} is off", self.name());
            obligations.push(Obligation { after: 0, due: Due::OnRelease, owner: None, words, step: on });
            steps.push(off);
        }
        if Operation::of(app) == Operation::Running {
            steps.push(self.end().when(vec![Expect::is(own::OPERATION, "running")]));
        }
        let rest = json!({"id": id, "prune": ask.args.is_set(PRUNE)});
        let path = format!("{}/rollback", request::path(at));
        let words = format!("put entry {id} of the history of {} back: {to}", self.name());
        let call = call(self.base, words, (POST, path), body(at, rest));
        let expect = self.deployed(&target.hash, format!("{} runs {to} (entry {id} of its history)", self.name()));
        // Not once more, where it was deployed anew since.
        let newest = i64::try_from(id).unwrap_or(i64::MAX);
        let mut when = vec![Expect { fact: own::entry(&target.hash), condition: Condition::AtMost(newest) }];
        when.extend(app.automated().map(|_| Expect::is(own::AUTO_SYNC, "off")));
        when.extend((Operation::of(app) == Operation::Running).then(|| Expect::is_not(own::OPERATION, "running")));
        // What the last of several brings about is said of it too: one before it may be left out.
        let last = Step::new(&self.rollout.id, call).when(when);
        steps.push(if steps.is_empty() { last } else { last.then(expect.clone()) });
        for step in &mut steps {
            step.bound.clone_from(&open);
        }
        let revision = app.status.history.iter().find(|entry| entry.id == id).map(|entry| Side::of(entry).short());
        let revision = revision.unwrap_or_default();
        let effect = format!("{} goes back from {from} to {to} (entry {id}, revision {revision})", self.name());
        let plain = Draft::of(&self.rollout.id, WireCall::default(), effect, self.identity(), expect);
        Ok(Draft {
            from: self.rollout.canary.clone(),
            to: target.version.clone(),
            steps,
            obligations,
            undo: format!("sync: {from} comes again, as git says"),
            notes: self.back_notes(ask, &from),
            ..plain
        })
    }

    fn back_notes(&self, ask: &Ask, from: &str) -> Vec<String> {
        let app = self.view.app;
        let mut notes = Vec::new();
        if app.automated().is_some() {
            notes.push(format!(
                "{}: it would put {from} back within minutes, so it is off until somebody ends that",
                self.automation()
            ));
        }
        notes.push(format!("git still says {from}: it is OutOfSync from then on, and lasting is only a revert there"));
        notes.push("hooks do not run in a roll back: what a migration changed stays changed".to_owned());
        notes.push(windows_note());
        notes.extend(stays(ask));
        if let (Some(parent), Some(_), None) = (app.parent(), app.automated(), self.view.parent_heals) {
            notes.push(format!(
                "the Application {} made it, and cannot be seen here: where that heals itself, it switches auto-sync on again",
                clean(parent)
            ));
        }
        notes.extend(self.hydrated());
        notes
    }

    fn hydrated(&self) -> Option<String> {
        let hydrated = self.view.app.spec.source_hydrator.is_some();
        hydrated.then(|| "its revisions are of what was hydrated, not of what people write".to_owned())
    }

    /// The version to go back to: the one that is named, or the one that was deployed last and well.
    fn target(&self, to: Option<&str>) -> Result<&Arm, Blocked> {
        let (rollout, app) = (self.rollout, self.view.app);
        let identity = &rollout.identity;
        let by_id = |name: &str| {
            let id: u64 = name.parse().ok()?;
            let entry = app.status.history.iter().find(|entry| entry.id == id)?;
            let key = Side::of(entry).key;
            rollout.arms.iter().find(|arm| arm.hash == key)
        };
        let found = match to {
            Some(name) => rollout.arm_called(name).or_else(|| by_id(name)),
            None if is_half_way(self.view) => rollout.arms.iter().find(|arm| arm.hash == identity.stable_hash),
            None => rollout.way_back(),
        };
        let half_way = is_half_way(self.view);
        match (found, to) {
            (Some(arm), _) if arm.hash == identity.stable_hash && !half_way => {
                Err(Blocked(format!("{} is deployed already", arm.called())))
            }
            (Some(arm), _) if arm.hash == identity.canary_hash && arm.hash != identity.stable_hash => {
                Err(Blocked(format!("{} is what git wants: sync brings it, and that goes forward", arm.called())))
            }
            (Some(arm), _) => Ok(arm),
            (None, Some(name)) => {
                Err(Blocked(format!("'{}' is not in its history: {}", clean(name), rollout.history())))
            }
            (None, None) => Err(Blocked(rollout.no_way_back())),
        }
    }
}

/// The newest entry of the history with this version.
fn newest_id(app: &crate::provider::argocd::api::Application, key: &str) -> Option<u64> {
    app.status.history.iter().rev().find(|entry| Side::of(entry).key == key).map(|entry| entry.id)
}

fn version_words(version: Option<&crate::domain::version::Version>) -> String {
    version.map_or_else(|| "an unknown version".to_owned(), ToString::to_string)
}

fn windows_note() -> String {
    "whether a sync window forbids it is asked right before, and where one does nothing is sent".to_owned()
}

/// What stays, where nothing is pruned.
fn stays(ask: &Ask) -> Option<String> {
    let what = if ask.verb == Verb::Sync { "git does not have any more" } else { "only the version that is left has" };
    (!ask.args.is_set(PRUNE)).then(|| format!("what {what} stays: prune=true deletes it"))
}
