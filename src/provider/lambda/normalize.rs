//! From an alias to the domain: the version that it points at is the stable one, the version beside it the one on its way in, and the
//! versions of the function are what there is to go back to.

use std::collections::BTreeMap;

use crate::{
    domain::{
        ids::{ServiceName, SourceName},
        pattern::VersionPattern,
        rollout::{Arm, Event, Identity, Pause, PauseReason, Phase, Role, Rollout, Share, Strategy, Unknown, Weight},
        service::Environment,
        text::clean,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::lambda::{
        CALLED, DEPLOYER,
        address::Address,
        api::{Alias, Published, moment},
        fact as own,
        memory::{Done, Function, Owner, is_live},
        offers,
        steps::{Shifting, shifting},
    },
};

/// Everything, in the units of a share: a tenth of a percent.
const ALL: u32 = 1000;
/// What an alias may point at that changes with every upload.
pub(super) const LATEST: &str = "$LATEST";
/// Earlier versions that are told.
const ARMS: usize = 20;
/// The digits of a whole commit.
const COMMIT: usize = 40;

/// An alias with all that is known around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) source: &'a SourceName,
    pub(super) at: &'a Address,
    pub(super) function: &'a Function,
    pub(super) alias: &'a Alias,
    pub(super) service: &'a ServiceName,
    pub(super) environment: &'a Environment,
    pub(super) pattern: Option<&'a VersionPattern>,
    pub(super) owner: Option<&'a Owner>,
    /// Why it is not known who moves it.
    pub(super) unknown_owner: Option<&'a str>,
    /// Groups that have deployed nothing yet, and may be whose it is.
    pub(super) silent: &'a [String],
    /// How AWS's own command is begun: `aws --region eu-west-1`.
    pub(super) aws: &'a str,
}

/// What moves it now.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode<'a> {
    /// A deployment of CodeDeploy.
    Deployed(&'a Owner, &'a Done),
    /// Nobody: two versions share it until somebody writes it.
    Shared,
    /// Nothing: one version has it.
    Rests,
}

impl<'a> View<'a> {
    pub(super) fn mode(&self) -> Mode<'a> {
        let here = |one: &&Done| one.function == self.at.function && one.alias == self.at.alias;
        let live = self.owner.and_then(|owner| Some((owner, owner.live().filter(here)?)));
        match live {
            Some((owner, live)) => Mode::Deployed(owner, live),
            None if self.alias.coming().is_some() => Mode::Shared,
            None => Mode::Rests,
        }
    }

    /// The version of a number, as far as its description says more.
    pub(super) fn version(&self, number: &str) -> Version {
        self.function.version(number).map_or_else(|| Version::tagged(number), |one| named(one, self.pattern))
    }
}

/// A version by what people say of it: a release number in its description, a commit; else by its number.
fn named(published: &Published, pattern: Option<&VersionPattern>) -> Version {
    let said = clean(published.description.as_deref().unwrap_or_default());
    let by_pattern = pattern.and_then(|pattern| pattern.version(Some(&said), Some(&said))).map(Version::of_ref);
    let hex = |word: &&str| word.len() == COMMIT && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let commit = said.split(|c: char| !c.is_ascii_alphanumeric()).find(hex);
    let rest = commit.map_or_else(|| said.clone(), |commit| said.replace(commit, ""));
    let whole = Version::of_ref(rest.trim());
    let version = by_pattern
        .or_else(|| whole.numbers().is_some().then_some(whole))
        .unwrap_or_else(|| Version::tagged(&published.version));
    match commit {
        Some(commit) => version.at_commit(commit),
        None => version,
    }
}

/// A share as people write it: `10`, `0.5`.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn units(share: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let units = (share.clamp(0.0, 1.0) * f64::from(ALL)).round() as u32;
    if share > 0.0 { units.max(1) } else { 0 }
}

/// An alias in the domain's words, offers included.
pub(super) fn rollout(view: View<'_>) -> Rollout {
    let (alias, mode) = (view.alias, view.mode());
    let (canary, share) = alias.coming().unwrap_or((&alias.function_version, 1.0));
    // One that has not begun to shift is on its way all the same.
    let coming = match mode {
        Mode::Deployed(_, live) if alias.coming().is_none() && live.to != alias.function_version => Some(&live.to),
        _ => None,
    };
    let (canary, share) = coming.map_or((canary, share), |to| (to.as_str(), 0.0));
    let shifting = match mode {
        Mode::Deployed(owner, live) => shifting(owner, live, if coming.is_some() { 0.0 } else { share }),
        _ => Shifting::default(),
    };
    let (phase, pause) = match mode {
        Mode::Deployed(..) if shifting.pause.is_some() => (Phase::Paused, shifting.pause),
        Mode::Deployed(..) => (Phase::Progressing, None),
        Mode::Shared => (Phase::Paused, Some(Pause { reason: PauseReason::Other, since: None, until: None })),
        Mode::Rests => (Phase::Healthy, None),
    };
    let mut rollout = Rollout {
        id: view.at.id(view.source),
        service: view.service.clone(),
        environment: view.environment.name.clone(),
        system: CALLED.to_owned(),
        strategy: Strategy::Canary,
        stable: Some(view.version(&alias.function_version)),
        canary: Some(view.version(canary)),
        phase,
        message: Some(message(view)),
        steps: shifting.steps,
        step: shifting.step,
        weight: Weight { declared: units(share), actual: Share::Told(units(share)), max: ALL },
        pause,
        held: false,
        hands: Vec::new(),
        aborted_in_spec: false,
        arms: arms(view, canary),
        replicas: 0,
        started: match mode {
            Mode::Deployed(_, live) => moment(live.deployment.create_time),
            _ => None,
        },
        step_times: BTreeMap::new(),
        settled: None,
        analyses: Vec::new(),
        events: events(view),
        troubles: troubles(view, canary),
        unknown: unknown(view),
        lag: None,
        written: None,
        identity: Identity {
            uid: clean(&alias.arn),
            generation: 0,
            revision: alias.revision_id.clone().unwrap_or_default(),
            canary_hash: canary.to_owned(),
            stable_hash: alias.function_version.clone(),
        },
        offers: Vec::new(),
    };
    rollout.offers = offers::offers(view, &rollout);
    rollout
}

/// Each version once, the newest first. Which of them the alias pointed at before, only CodeDeploy tells; so what is newer than what it
/// points at counts as never seen there, unless a deployment brought it.
fn arms(view: View<'_>, canary: &str) -> Vec<Arm> {
    let stable = &view.alias.function_version;
    let now = canary.parse::<u64>().ok().max(stable.parse().ok());
    let brought = |number: &str| view.owner.is_some_and(|owner| owner.done.iter().any(|one| one.to == number));
    let arm = |number: &str, made| {
        let role = match number {
            _ if number == *stable => Role::Stable,
            _ if number == canary => Role::Canary,
            _ => Role::Old,
        };
        let revision = number.parse::<u64>().ok().filter(|own| Some(*own) <= now || brought(number));
        Arm {
            role,
            version: Some(view.version(number)),
            hash: number.to_owned(),
            name: format!("version {number}"),
            revision,
            earlier_revisions: Vec::new(),
            // It has none; what is kept warm of it is told by the pre-flight.
            pods: None,
            created: made,
            scale_down_at: None,
        }
    };
    let mut all: Vec<Arm> = Vec::new();
    for number in [canary, stable] {
        if view.function.version(number).is_none() && !all.iter().any(|arm| arm.hash == number) {
            all.push(Arm { name: String::new(), ..arm(number, None) });
        }
    }
    let kept = view.function.versions.iter().map(|one| arm(&one.version, one.made()));
    let (serving, old): (Vec<Arm>, Vec<Arm>) = kept.partition(|arm| arm.role != Role::Old);
    all.extend(serving);
    // What was published since, and never seen there, is nothing to go back to.
    all.extend(old.into_iter().filter(|arm| arm.revision.is_some()).take(ARMS));
    all.sort_by_key(|arm| std::cmp::Reverse(arm.hash.parse::<u64>().ok()));
    // What serves although a newer one was there before was put back: it counts as newer than that, and as older, too.
    let newest = all.iter().filter_map(|arm| arm.revision).max();
    if let Some(serving) = all.iter_mut().find(|arm| arm.hash == canary)
        && let (Some(own), Some(newest)) = (serving.revision, newest)
        && own < newest
        && canary == stable
    {
        serving.earlier_revisions.push(own);
        serving.revision = Some(newest + 1);
    }
    all
}

/// Who moves it, and where that is.
fn message(view: View<'_>) -> String {
    let alias = view.alias;
    let shares = match alias.coming() {
        Some((version, share)) => {
            let rest = percent(1.0 - share);
            format!("{} % of invocations on version {version}, {rest} % on {}", percent(share), alias.function_version)
        }
        None => format!("all invocations on version {}", alias.function_version),
    };
    let by = match view.mode() {
        Mode::Deployed(owner, live) => {
            let deployment = &live.deployment;
            let config = deployment.config_name.as_deref().unwrap_or("a way that is not told");
            let hook = live.hook().map(|hook| format!(", hook {} runs", clean(hook))).unwrap_or_default();
            format!(
                "{DEPLOYER} {} of {} is {}{hook}, by {}; {}",
                deployment.id,
                clean(&owner.called()),
                clean(&deployment.status),
                clean(config),
                automatic(owner)
            )
        }
        _ => owned(view),
    };
    format!("{shares}; {by}")
}

/// When a deployment goes back by itself.
fn automatic(owner: &Owner) -> String {
    let alarms = owner.group.alarm_configuration.as_ref().filter(|one| one.enabled);
    let names: Vec<String> =
        alarms.into_iter().flat_map(|one| &one.alarms).filter_map(|one| one.name.as_deref().map(clean)).collect();
    let back = owner.group.auto_rollback_configuration.as_ref().filter(|one| one.enabled);
    let on = |event: &str| back.is_some_and(|back| back.events.iter().any(|one| one == event));
    let alarmed =
        if names.is_empty() { "no alarm watches it".to_owned() } else { format!("alarms {}", names.join(", ")) };
    match (on("DEPLOYMENT_FAILURE"), on("DEPLOYMENT_STOP_ON_ALARM") && !names.is_empty()) {
        (true, true) => format!("{alarmed}; it goes back by itself on failure and on alarm"),
        (true, false) => format!("{alarmed}; it goes back by itself on failure only"),
        (false, true) => format!("{alarmed}; it goes back by itself on alarm only"),
        (false, false) => format!("{alarmed}; it does not go back by itself"),
    }
}

/// Whose the alias is, as far as anything tells.
fn owned(view: View<'_>) -> String {
    if let Some(owner) = view.owner {
        let stack = if by_stack(owner) { ", begun by CloudFormation" } else { "" };
        return format!("{DEPLOYER} {} moves it{stack}", clean(&owner.called()));
    }
    match (view.unknown_owner, view.silent.len()) {
        (Some(_), _) => format!("whether {DEPLOYER} moves it is not known"),
        (None, 0) => format!("no deployment of {DEPLOYER} is of it: whoever writes the alias moves it"),
        (None, many) => format!(
            "no deployment of {DEPLOYER} is of it; {many} of its groups have deployed nothing yet, and do not tell whose they are"
        ),
    }
}

/// Are its deployments begun by a stack, whose template brings its own version again?
pub(super) fn by_stack(owner: &Owner) -> bool {
    owner.last().and_then(|one| one.deployment.creator.as_deref()).is_some_and(|by| by.starts_with("CloudFormation"))
}

fn events(view: View<'_>) -> Vec<Event> {
    let owner = view.owner.into_iter();
    let mut events: Vec<Event> = owner.flat_map(|owner| &owner.done).filter_map(event).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events
}

fn event(one: &Done) -> Option<Event> {
    let deployment = &one.deployment;
    let said = deployment.description.as_deref().map(clean).filter(|said| !said.is_empty());
    let trouble = deployment.error_information.as_ref().and_then(|trouble| trouble.message.as_deref()).map(clean);
    let back = deployment.rollback_info.as_ref();
    let undone =
        back.and_then(|back| back.rollback_deployment_id.as_deref()).map(|id| format!("undone by {}", clean(id)));
    let undoes = back
        .and_then(|back| back.rollback_triggering_deployment_id.as_deref())
        .map(|id| format!("undoes {}", clean(id)));
    let by = deployment.creator.as_deref().map(|by| format!("by {}", clean(by)));
    let more: Vec<String> = [by, said, trouble, undone, undoes].into_iter().flatten().collect();
    let id = clean(&deployment.id);
    Some(Event {
        at: moment(deployment.complete_time).or_else(|| moment(deployment.create_time))?,
        reason: clean(&deployment.status),
        message: format!("{id}: version {} to {}; {}", clean(&one.from), clean(&one.to), more.join("; ")),
        warning: matches!(deployment.status.as_str(), "Failed" | "Stopped"),
        count: 1,
    })
}

/// What is wrong with what serves, the worst first.
fn troubles(view: View<'_>, canary: &str) -> Vec<String> {
    let mut all = Vec::new();
    if let Ok(Some(0)) = view.function.reserved {
        all.push("its reserved concurrency is 0: every invocation is throttled".to_owned());
    }
    let mut serving = vec![view.alias.function_version.as_str()];
    serving.extend((canary != view.alias.function_version).then_some(canary));
    for number in &serving {
        let Some(version) = view.function.version(number) else { continue };
        if let Some(state) = version.state.as_deref().filter(|state| *state != "Active") {
            let why = version.state_reason.as_deref().map(|why| format!(" ({})", clean(why))).unwrap_or_default();
            all.push(format!("version {number} is {}{why}", clean(state)));
        }
    }
    serving.push(&view.at.alias);
    for qualifier in serving {
        let Some(warm) = view.function.warm(qualifier) else { continue };
        let status = warm.status.as_deref().unwrap_or("of no known status");
        if status != "READY" {
            let why = warm.status_reason.as_deref().map(|why| format!(" ({})", clean(why))).unwrap_or_default();
            let (has, wants) = (
                warm.available_provisioned_concurrent_executions.unwrap_or(0),
                warm.requested_provisioned_concurrent_executions.unwrap_or(0),
            );
            all.push(format!("{has} of {wants} kept warm for {qualifier}: {}{why}", clean(status)));
        }
    }
    all
}

fn unknown(view: View<'_>) -> Vec<Unknown> {
    let mut all = Vec::new();
    let mut say = |what: String, way: &str| all.push(Unknown { what, way: way.to_owned() });
    if let Some(why) = view.unknown_owner {
        let what = format!("whether {DEPLOYER} moves it is not known: {why}");
        say(what, "the rights of `holdshort doctor --rbac`, and look again");
    }
    if view.alias.function_version == LATEST {
        let what = format!("it points at {LATEST}, which changes with every upload: which version runs is not known");
        say(what, "point it at a published version");
    }
    if view.alias.others().count() > 1 {
        say("more than two versions share it: which is on its way is not known".to_owned(), "look at the alias itself");
    }
    if let Some(why) = &view.function.unread {
        say(format!("not all of its versions are known: {why}"), "look again in a moment");
    }
    all
}

/// What plans are bound to, of the alias as it was read just now, and of what CodeDeploy does with it.
pub(super) fn facts(alias: &Alias, owner: Option<&Owner>) -> Facts {
    let last = owner.and_then(|owner| owner.group.last_attempted_deployment.as_ref());
    let live = last.filter(|last| is_live(&last.status));
    let to = live.and_then(|live| owner?.done.iter().find(|one| one.deployment.id == live.deployment_id));
    let to = to.map_or(&alias.function_version, |one| &one.to);
    let (canary, share) = alias.coming().unwrap_or((to, 0.0));
    let mut facts = Facts::from(
        [
            (fact::UID, clean(&alias.arn)),
            (fact::STABLE, alias.function_version.clone()),
            (fact::CANARY, canary.to_owned()),
            (fact::WEIGHT, percent(share)),
            (own::DEPLOYMENT, live.map_or_else(|| "none".to_owned(), |live| live.deployment_id.clone())),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    if let Some(last) = last.filter(|last| matches!(last.status.as_str(), "Failed" | "Stopped")) {
        facts.insert(own::FAILED.to_owned(), last.deployment_id.clone());
    }
    facts
}
