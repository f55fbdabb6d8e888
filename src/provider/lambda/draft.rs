//! What a verb would do: the call, what it is bound to, what must be seen afterwards; and everything that can be sent at all. Pure, from the
//! last observed alias.
//!
//! An alias is written with its revision: one that somebody else wrote meanwhile answers with a conflict. What CodeDeploy moves is stopped
//! there, and taken back by it; it takes no share of anybody else's.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    domain::{
        offer::open_for,
        rollout::{Arm, Role, Rollout},
        text::{clean, shell_word},
        verb::{Direction, Verb},
    },
    port::{
        fill::Fill,
        plan::{Ask, Blocked, Draft, Expect, Expectation, Facts, WireCall, fact, moves},
        shape::Shape,
    },
    provider::lambda::{
        CALLED, DEPLOYER,
        address::Address,
        fact as own,
        memory::{Done, Owner},
        normalize::{LATEST, Mode, View, by_stack, percent},
        offers::{NOT_FURTHER, SHARE, going_back},
        request::{CREATE, STOP, alias_path},
    },
};

const PUT: &str = "PUT";
const POST: &str = "POST";
/// The content types of Lambda and of CodeDeploy.
const JSON: &str = "application/json";
const AMZ_JSON: &str = "application/x-amz-json-1.1";
/// An alias is as it was written at once; reading it back may lag.
const WRITTEN: Duration = Duration::from_secs(30);
/// How long CodeDeploy may take to take it back.
const TAKEN_BACK: Duration = Duration::from_mins(10);
/// How a roll back shifts: all of it at once.
const AT_ONCE: &str = "CodeDeployDefault.LambdaAllAtOnce";
/// The longest description that CodeDeploy takes here.
const LONGEST: usize = 200;
/// In the place of a deployment: none.
const NONE: &str = "none";

/// Everything that a verb can send for a target: `live` is the deployment that moves it, `owner` who does.
pub(super) fn shapes(at: &Address, verb: Verb, live: Option<&str>, owner: Option<&Owner>) -> Vec<Shape> {
    let write = |writes| Shape {
        method: PUT,
        path: alias_path(at),
        content_type: JSON,
        writes,
        fills: &["/RevisionId"],
        ..Shape::default()
    };
    let stop = || {
        live.map(|id| Shape {
            method: POST,
            path: STOP.to_owned(),
            content_type: AMZ_JSON,
            writes: &["/deploymentId", "/autoRollbackEnabled"],
            holds: vec![("/deploymentId", id.to_owned())],
            ..Shape::default()
        })
    };
    let create = || {
        owner.map(|owner| Shape {
            method: POST,
            path: CREATE.to_owned(),
            content_type: AMZ_JSON,
            writes: &[
                "/applicationName",
                "/deploymentGroupName",
                "/deploymentConfigName",
                "/description",
                "/revision/revisionType",
                "/revision/appSpecContent/content",
            ],
            holds: vec![
                ("/applicationName", owner.group.application_name.clone()),
                ("/deploymentGroupName", owner.group.deployment_group_name.clone()),
            ],
            ..Shape::default()
        })
    };
    match verb {
        Verb::Set => vec![write(&["/RoutingConfig/AdditionalVersionWeights"])],
        Verb::PromoteFull => vec![write(&["/FunctionVersion", "/RoutingConfig/AdditionalVersionWeights"])],
        Verb::Abort => std::iter::once(write(&["/RoutingConfig/AdditionalVersionWeights"])).chain(stop()).collect(),
        Verb::Rollback => {
            let all = std::iter::once(write(&["/FunctionVersion", "/RoutingConfig/AdditionalVersionWeights"]));
            all.chain(stop()).chain(create()).collect()
        }
        _ => Vec::new(),
    }
}

/// The draft; the alias as it was on screen is `rollout`, the view may be newer.
pub(super) fn draft(view: View<'_>, rollout: &Rollout, ask: &Ask) -> Result<Draft, Blocked> {
    if ask.verb == Verb::Rollback && ask.to().is_some() {
        // A version that is named may be there where none is the way back by itself.
        going_back(view).map_or(Ok(()), |why| Err(Blocked(why)))?;
    } else {
        open_for(&rollout.offers, ask.verb, &format!("an alias of {CALLED}")).map_err(Blocked)?;
    }
    if ask.to().is_some() && ask.verb != Verb::Rollback {
        return Err(Blocked(format!("{} takes no version", ask.verb.words())));
    }
    let stage = Stage { view, rollout };
    match (ask.verb, view.mode()) {
        (Verb::Set, _) => stage.set(ask),
        (Verb::PromoteFull, _) => Ok(stage.promote()),
        (Verb::Abort, Mode::Deployed(_, live)) => Ok(stage.stop(live)),
        (Verb::Abort, _) => Ok(stage.abort()),
        (Verb::Rollback, _) => stage.back(ask),
        (verb, _) => Err(Blocked(format!("an alias cannot {}", verb.words()))),
    }
}

struct Stage<'a> {
    view: View<'a>,
    rollout: &'a Rollout,
}

impl Stage<'_> {
    fn at(&self) -> &Address {
        self.view.at
    }

    /// `live of payments`
    fn name(&self) -> String {
        format!("{} of {}", self.at().alias, self.at().function)
    }

    fn coming(&self) -> &str {
        &self.rollout.identity.canary_hash
    }

    fn share(&self) -> f64 {
        self.view.alias.coming().map_or(0.0, |(_, share)| share)
    }

    fn bound(&self, direction: Direction) -> Facts {
        let identity = &self.rollout.identity;
        let live = match self.view.mode() {
            Mode::Deployed(_, live) => live.deployment.id.clone(),
            _ => NONE.to_owned(),
        };
        let mut bound = Facts::from(
            [(fact::UID, identity.uid.clone()), (fact::CANARY, identity.canary_hash.clone()), (own::DEPLOYMENT, live)]
                .map(|(name, value)| (name.to_owned(), value)),
        );
        if direction == Direction::Forward {
            bound.insert(fact::STABLE.to_owned(), identity.stable_hash.clone());
            bound.insert(fact::WEIGHT.to_owned(), percent(self.share()));
        }
        bound
    }

    /// The call that writes the alias, guarded by its revision.
    fn write(&self, words: String, body: &Value) -> WireCall {
        let mut input = json!({"FunctionName": self.at().function, "Name": self.at().alias});
        if let (Some(all), Some(fields)) = (input.as_object_mut(), body.as_object()) {
            all.extend(fields.clone());
        }
        let command =
            format!("{} lambda update-alias --cli-input-json {}", self.view.aws, shell_word(&input.to_string()));
        WireCall {
            words,
            method: PUT.to_owned(),
            path: alias_path(self.at()),
            content_type: JSON.to_owned(),
            body: body.to_string().into(),
            fills: vec![Fill::revision("/RevisionId")],
            command,
            ..WireCall::default()
        }
    }

    fn ask(&self, words: String, (path, command): (&str, &str), body: &Value) -> WireCall {
        let body = body.to_string();
        let command = format!("{} deploy {command} --cli-input-json {}", self.view.aws, shell_word(&body));
        let (method, path, content_type) = (POST.to_owned(), path.to_owned(), AMZ_JSON.to_owned());
        WireCall { words, method, path, content_type, body: body.into(), command, ..WireCall::default() }
    }

    /// That one version has all of it.
    fn alone(&self, number: &str, within: Duration) -> Expectation {
        Expectation {
            all: vec![
                Expect::is(fact::STABLE, number),
                Expect::is(fact::CANARY, number),
                Expect::is(own::DEPLOYMENT, NONE),
            ],
            words: Some(format!("all invocations of {} go to version {number}", self.name())),
            within,
            progress: Some((fact::WEIGHT.to_owned(), " %".to_owned())),
            ..Expectation::default()
        }
    }

    /// That a share of the invocations goes from one percentage to another, at the end of a sentence.
    fn moved(now: &str, then: &str) -> String {
        moves(&format!("{now} %"), &format!("{then} %"), " of invocations").trim_end_matches(',').to_owned()
    }

    fn called(&self, number: &str) -> String {
        let version = self.view.version(number);
        if version.tag == number { format!("version {number}") } else { format!("{version} (version {number})") }
    }

    fn set(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let share = match ask.args.text(SHARE).map(str::trim).filter(|text| !text.is_empty()) {
            None => self.share(),
            Some(text) => {
                let share = text.trim_end_matches('%').trim().parse::<f64>().ok();
                let fits = share.filter(|share| (0.01..=99.99).contains(share));
                let wrong = || {
                    format!(
                        "'{}' is no share: above 0 and below 100; abort gives it none, promote full all",
                        clean(text)
                    )
                };
                fits.ok_or_else(|| Blocked(wrong()))? / 100.0
            }
        };
        let (number, now) = (self.coming(), percent(self.share()));
        let then = percent(share);
        let body = json!({"RoutingConfig": {"AdditionalVersionWeights": {number: share}}});
        let call = self.write(format!("give version {number} {then} % of {}", self.name()), &body);
        let expect = Expectation {
            all: vec![Expect::is(fact::WEIGHT, &then), Expect::is(fact::CANARY, number)],
            words: Some(format!("{then} % of invocations go to version {number}")),
            within: WRITTEN,
            progress: Some((fact::WEIGHT.to_owned(), " %".to_owned())),
            ..Expectation::default()
        };
        let effect = format!("{}: {}", self.called(number), Self::moved(&now, &then));
        let bound = self.bound(Direction::Forward);
        Ok(Draft {
            from: self.rollout.stable.clone(),
            to: self.rollout.canary.clone(),
            undo: "abort gives all of it to the version before, set gives another share".to_owned(),
            notes: self.notes(number),
            ..Draft::of(&self.rollout.id, call, effect, bound, expect)
        })
    }

    fn promote(&self) -> Draft {
        let number = self.coming();
        let body = json!({"FunctionVersion": number, "RoutingConfig": {"AdditionalVersionWeights": {}}});
        let call = self.write(format!("point {} at version {number}", self.name()), &body);
        let effect = format!("{}: {}", self.called(number), Self::moved(&percent(self.share()), "100"));
        let expect = Expectation { progress: None, ..self.alone(number, WRITTEN) };
        Draft {
            from: self.rollout.stable.clone(),
            to: self.rollout.canary.clone(),
            undo: format!("roll back to {}", self.called(&self.rollout.identity.stable_hash)),
            notes: self.notes(number),
            ..Draft::of(&self.rollout.id, call, effect, self.bound(Direction::Forward), expect)
        }
    }

    fn abort(&self) -> Draft {
        let stable = &self.rollout.identity.stable_hash;
        let call = self.write(
            format!("take version {} out of {}", self.coming(), self.name()),
            &json!({"RoutingConfig": {"AdditionalVersionWeights": {}}}),
        );
        let effect = format!("{}: {}", self.called(self.coming()), Self::moved(&percent(self.share()), "0"));
        Draft {
            from: self.rollout.canary.clone(),
            to: self.rollout.stable.clone(),
            undo: "whoever brought it gives it a share again: an alias remembers nothing".to_owned(),
            notes: self.notes(stable),
            ..Draft::of(&self.rollout.id, call, effect, self.bound(Direction::Back), self.alone(stable, WRITTEN))
        }
    }

    /// Stops the deployment that is under way; CodeDeploy itself takes the alias back.
    fn stop(&self, live: &Done) -> Draft {
        let id = &live.deployment.id;
        let words = format!("stop deployment {id}, and roll it back");
        let body = json!({"deploymentId": id, "autoRollbackEnabled": true});
        let call = self.ask(words, (STOP, "stop-deployment"), &body);
        let stable = if live.from.is_empty() { &self.rollout.identity.stable_hash } else { &live.from };
        let share = if self.view.alias.function_version == live.to { 1.0 } else { self.share() };
        let effect = format!("{}: {}", self.called(self.coming()), Self::moved(&percent(share), "0"));
        let mut notes = self.notes(stable);
        notes.push(format!("{DEPLOYER} takes it back by a deployment of its own"));
        Draft {
            from: self.rollout.canary.clone(),
            to: Some(self.view.version(stable)),
            undo: format!("a new deployment of version {}", live.to),
            notes,
            ..Draft::of(&self.rollout.id, call, effect, self.bound(Direction::Back), self.alone(stable, TAKEN_BACK))
        }
    }

    fn back(&self, ask: &Ask) -> Result<Draft, Blocked> {
        let arm = &self.target(ask)?;
        let number = &arm.hash;
        match (self.view.mode(), self.view.owner) {
            (Mode::Deployed(_, live), _) if arm.hash == live.from => Ok(self.stop(live)),
            (Mode::Deployed(..), _) => Err(Blocked(NOT_FURTHER.to_owned())),
            (Mode::Rests, Some(owner)) => Ok(self.deploy(owner, arm)),
            _ => {
                let body = json!({"FunctionVersion": number, "RoutingConfig": {"AdditionalVersionWeights": {}}});
                let call = self.write(format!("point {} at version {number}", self.name()), &body);
                Ok(self.backwards(arm, call, self.alone(number, WRITTEN)))
            }
        }
    }

    /// The version that is gone back to: a named one by its number or what people call it, of all that the function has.
    fn target(&self, ask: &Ask) -> Result<Arm, Blocked> {
        let arm = match ask.to().map(str::trim) {
            None => self.rollout.way_back().cloned().ok_or_else(|| Blocked(self.rollout.no_way_back()))?,
            Some(name) => self.called_so(name).ok_or_else(|| {
                let (name, function) = (clean(name), &self.at().function);
                Blocked(format!("no version '{name}' of {function} is known: {}", self.rollout.history()))
            })?,
        };
        let rests = self.rollout.identity.canary_hash == self.rollout.identity.stable_hash;
        if arm.hash == self.rollout.identity.canary_hash {
            let why = if rests { "runs already" } else { "is the one on its way in" };
            return Err(Blocked(format!("{} {why}", self.called(&arm.hash))));
        }
        if arm.hash == LATEST {
            return Err(Blocked(format!("{LATEST} is no version: it changes with every upload")));
        }
        if arm.name.is_empty() && self.view.function.unread.is_none() {
            return Err(Blocked(format!("version {} of {} is gone", arm.hash, self.at().function)));
        }
        Ok(arm)
    }

    fn called_so(&self, name: &str) -> Option<Arm> {
        let arms = &self.rollout.arms;
        let current = &self.rollout.identity.canary_hash;
        let is_called = |arm: &&Arm| arm.version.as_ref().is_some_and(|version| version.is_called(name));
        let known = arms.iter().find(|arm| arm.hash == name);
        let known = known.or_else(|| arms.iter().find(|arm| is_called(arm) && arm.hash != *current));
        if let Some(known) = known.or_else(|| arms.iter().find(is_called)) {
            return Some(known.clone());
        }
        let mut versions = self.view.function.versions.iter();
        let published = versions.find(|one| one.version == name || self.view.version(&one.version).is_called(name))?;
        Some(Arm {
            role: Role::Old,
            version: Some(self.view.version(&published.version)),
            hash: published.version.clone(),
            name: format!("version {}", published.version),
            revision: None,
            earlier_revisions: Vec::new(),
            pods: None,
            created: published.made(),
            scale_down_at: None,
        })
    }

    /// A deployment to the earlier version, all at once.
    fn deploy(&self, owner: &Owner, arm: &Arm) -> Draft {
        let (at, number) = (self.at(), &arm.hash);
        let current = &self.rollout.identity.stable_hash;
        let properties = json!({
            "Name": at.function, "Alias": at.alias, "CurrentVersion": current, "TargetVersion": number,
        });
        let resource = json!({"Type": "AWS::Lambda::Function", "Properties": properties});
        let content = json!({"version": 0.0, "Resources": [{&*at.function: resource}]}).to_string();
        let description: String =
            format!("rolled back to version {number} with holdshort").chars().take(LONGEST).collect();
        let body = json!({
            "applicationName": owner.group.application_name,
            "deploymentGroupName": owner.group.deployment_group_name,
            "deploymentConfigName": AT_ONCE,
            "description": description,
            "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
        });
        let words = format!("deploy version {number} to {} by {}", self.name(), clean(&owner.called()));
        let call = self.ask(words, (CREATE, "create-deployment"), &body);
        let failed = owner.last().filter(|last| matches!(last.deployment.status.as_str(), "Failed" | "Stopped"));
        let before = failed.map_or(NONE, |last| last.deployment.id.as_str());
        let mut expect = self.alone(number, TAKEN_BACK);
        expect.fails_if = vec![Expect::is_not(own::FAILED, before)];
        let mut draft = self.backwards(arm, call, expect);
        draft.notes.push(format!("{DEPLOYER} does it all at once ({AT_ONCE}), without the hooks of the release"));
        if by_stack(owner) {
            draft.notes.push(format!(
                "its deployments are begun by CloudFormation: the stack still names version {current}, and its next update brings that again"
            ));
        }
        draft
    }

    fn backwards(&self, arm: &Arm, call: WireCall, expect: Expectation) -> Draft {
        let number = &arm.hash;
        let current = self.coming();
        let effect = format!("{} → {}: all invocations", self.called(current), self.called(number));
        let mut notes = self.notes(number);
        if arm.role == Role::Old && !self.was_there(number) {
            notes.push(format!(
                "that version {number} was ever behind {} is not known: an alias keeps no history",
                self.at().alias
            ));
        }
        Draft {
            from: self.rollout.canary.clone(),
            to: arm.version.clone(),
            undo: format!("roll back to {}", self.called(current)),
            notes,
            ..Draft::of(&self.rollout.id, call, effect, self.bound(Direction::Back), expect)
        }
    }

    /// Did CodeDeploy bring the alias there, or away from there?
    fn was_there(&self, number: &str) -> bool {
        let done = self.view.owner.into_iter().flat_map(|owner| &owner.done);
        done.into_iter().any(|one| one.to == number || one.from == number)
    }

    /// What is to be known of the version that gets more.
    fn notes(&self, number: &str) -> Vec<String> {
        let function = self.view.function;
        let warm = |qualifier: &str| function.warm(qualifier).is_some();
        let mut notes = Vec::new();
        match &function.warm {
            Err(why) => notes.push(format!("what is kept warm of it is not known: {why}")),
            Ok(_) if warm(&self.at().alias) => notes.push(format!(
                "what is kept warm belongs to the alias: it is made anew for version {number}, and until then its first invocations start cold"
            )),
            Ok(_) if !warm(number) && warm(self.coming()) => {
                notes.push(format!("nothing is kept warm of version {number}: its first invocations start cold"));
            }
            Ok(_) => {}
        }
        if self.view.unknown_owner.is_some() {
            notes.push(format!("whether {DEPLOYER} moves it is not known: if it does, its deployment fails over this"));
        }
        notes
    }
}
