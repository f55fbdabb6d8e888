//! Which verbs an alias has now, and what stands against each, as a sentence.

use crate::{
    domain::{
        form::{Field, Kind},
        offer::{Offer, Risk},
        rollout::Rollout,
        verb::Verb,
    },
    provider::lambda::{
        DEPLOYER,
        memory::Done,
        normalize::{Mode, View, percent},
    },
};

/// The share that is to be set, in percent.
pub(super) const SHARE: &str = "share";

/// Every verb that it knows, open or with what stands against it.
pub(super) fn offers(view: View<'_>, rollout: &Rollout) -> Vec<Offer> {
    let risk = view.environment.risk;
    let back = risk.min(Risk::Medium);
    let offer = |verb, risk, blocked: Option<String>| {
        let unsure =
            blocked.is_none().then(|| format!("AWS does not say whether you may: it takes {}", right(view, verb)));
        Offer { blocked, unsure, ..Offer::open(verb, risk) }
    };
    vec![
        offer(Verb::Set, risk, set(view)).asking(vec![share(view)]),
        offer(Verb::Promote, risk, Some(promote(view))),
        offer(Verb::PromoteFull, risk, set(view)),
        offer(Verb::Pause, risk, Some(pause(view))),
        offer(Verb::Abort, back, abort(view)),
        offer(Verb::Rollback, back, rollback(view, rollout)),
    ]
}

fn share(view: View<'_>) -> Field {
    let now = view.alias.coming().map(|(version, share)| format!("version {version} has {} now", percent(share)));
    let field = Field::new(SHARE, "share (%)", Kind::Number).required();
    match now {
        Some(now) => field.hint(format!("of invocations, above 0 and below 100; {now}")),
        None => field,
    }
}

/// The right that a verb takes.
fn right(view: View<'_>, verb: Verb) -> &'static str {
    match (view.mode(), verb) {
        (Mode::Deployed(..), _) => "codedeploy:StopDeployment",
        (Mode::Rests, Verb::Rollback) if view.owner.is_some() => {
            "codedeploy:CreateDeployment, GetDeploymentConfig and RegisterApplicationRevision"
        }
        _ => "lambda:UpdateAlias",
    }
}

/// Why what is under way goes nowhere but to where it came from.
pub(super) const NOT_FURTHER: &str =
    "CodeDeploy moves it: abort takes it back to the version before, and then it can go back further";
const NOTHING: &str = "nothing is on its way";

fn set(view: View<'_>) -> Option<String> {
    match view.mode() {
        Mode::Deployed(_, live) => Some(format!(
            "{DEPLOYER} shifts the rest by itself ({}), and takes no other share meanwhile",
            live.deployment.id
        )),
        Mode::Shared => None,
        Mode::Rests => Some(NOTHING.to_owned()),
    }
}

fn promote(view: View<'_>) -> String {
    match view.mode() {
        Mode::Deployed(..) => format!(
            "{DEPLOYER} goes on by its own times, and a deployment to Lambda has nothing to continue past: ContinueDeployment is for EC2 and \
             ECS"
        ),
        Mode::Shared => {
            "no pause holds it: its share stands until somebody changes it; set gives it another one, promote full all of it".to_owned()
        }
        Mode::Rests => NOTHING.to_owned(),
    }
}

fn pause(view: View<'_>) -> String {
    match view.mode() {
        Mode::Deployed(..) => format!("{DEPLOYER} has no pause for Lambda: abort stops it and takes the traffic back"),
        Mode::Shared => "its share stands until somebody changes it: there is nothing to pause".to_owned(),
        Mode::Rests => NOTHING.to_owned(),
    }
}

/// That it goes back already.
pub(super) fn going_back(view: View<'_>) -> Option<String> {
    let Mode::Deployed(_, live) = view.mode() else { return None };
    let id = &live.deployment.id;
    live.is_rollback().then(|| format!("{DEPLOYER} takes it back already, to version {} ({id})", live.to))
}

fn abort(view: View<'_>) -> Option<String> {
    if matches!(view.mode(), Mode::Rests) {
        return Some(
            "nothing is on its way, so there is nothing to abort; roll back puts an earlier version back".to_owned(),
        );
    }
    going_back(view)
}

/// What stands against going back without a named version.
fn rollback(view: View<'_>, rollout: &Rollout) -> Option<String> {
    let there = |live: &Done| rollout.way_back().is_none_or(|arm| arm.hash == live.from);
    let further = match view.mode() {
        Mode::Deployed(_, live) if !there(live) => Some(NOT_FURTHER.to_owned()),
        _ => None,
    };
    let nowhere = || rollout.way_back().is_none().then(|| rollout.no_way_back());
    going_back(view).or_else(nowhere).or(further)
}
