//! A version that is being left: where it goes back to, and what of it is left. From what is observed and what our record says;
//! the words are the view's.

use std::borrow::Cow;

use crate::{
    app::{
        action::Action,
        model::Model,
        quarantine::{self, Quarantine},
    },
    domain::{
        evidence::Verdict,
        rollout::{Arm, Phase, Role, Rollout, Share},
        verb::Direction,
    },
    port::record::Stage,
};

/// A version on its way out, and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoingBack {
    /// The version that is left: `1.42.0`.
    pub from: String,
    /// The version that takes its place.
    pub to: String,
    /// The percent of the traffic that is not on the version that takes its place; `None` where nobody says it.
    pub share: Option<u32>,
    /// Pods of the version that is left; `None` where that is not known.
    pub pods: Option<u32>,
    /// May somebody still be sent to it? Unknown counts as yes.
    pub serves: bool,
    /// It did harm, or somebody left it: our record or a verdict says so.
    pub for_cause: bool,
}

/// What is left, and what takes its place.
struct Leaving<'a> {
    arms: Vec<&'a Arm>,
    to: Option<&'a Arm>,
    /// The share that is not on what takes its place, and whether whoever splits the traffic said so.
    share: (Option<u32>, bool),
}

/// Is a version of this rollout being left, and is anything of it still there, or not known to have gone?
pub(super) fn going_back(model: &Model, rollout: &Rollout) -> Option<GoingBack> {
    let action = under_way(model, rollout);
    if rollout.is_declared() {
        return declared(rollout, action.as_deref()?);
    }
    let leaving = leaving(model, rollout, action.as_deref())?;
    let (share, told) = leaving.share;
    let pods = leaving.arms.iter().try_fold(0, |sum, arm| Some(sum + arm.pods?.current));
    let available = leaving.arms.iter().any(|arm| arm.pods.is_none_or(|pods| pods.available > 0));
    let serves = match share {
        Some(share) if told || share > 0 => share > 0,
        Some(_) => available,
        None => pods != Some(0) || leaving.arms.is_empty(),
    };
    let gone = !serves && pods.is_none_or(|pods| pods == 0);
    if gone && action.is_none() {
        return None;
    }
    let most = leaving.arms.iter().max_by_key(|arm| arm.pods.map(|pods| pods.current));
    let from = most.copied().or_else(|| model.taken_back(rollout));
    let quarantine = Quarantine::of(&model.actions, rollout);
    let left = leaving.arms.iter().any(|arm| quarantine.of_hash(&arm.hash).is_some());
    let harmful = model.verdict(&rollout.id) == Some(Verdict::NoGo);
    let tag = |arm: Option<&Arm>| arm.map_or_else(|| "another version".to_owned(), Arm::tag);
    Some(GoingBack {
        from: tag(from),
        to: tag(leaving.to),
        share,
        pods,
        serves,
        for_cause: left || harmful || action.is_some(),
    })
}

/// The same of what only declares: it has no pods and splits no traffic, so that what is left of it is for others to say. It goes back as
/// long as our act there does; what is wanted stays the version that is left, and what is deployed tells how far that is.
fn declared(rollout: &Rollout, action: &Action) -> Option<GoingBack> {
    let draft = &action.plan.draft;
    let (from, to) = (draft.from.as_ref()?, draft.to.as_ref()?);
    let is_there = rollout.stable.as_ref().is_some_and(|there| there.is_same(to));
    Some(GoingBack {
        from: from.tag.clone(),
        to: to.tag.clone(),
        share: None,
        pods: None,
        serves: !is_there || rollout.phase == Phase::Degraded,
        for_cause: true,
    })
}

/// The act that goes back here and was taken by the system, as long as something comes of it.
fn under_way<'a>(model: &'a Model, rollout: &Rollout) -> Option<Cow<'a, Action>> {
    let action = model.actions.running_on(&rollout.id)?.on(&rollout.id)?;
    let taken = |stage: &Stage| matches!(stage, Stage::Accepted { .. } | Stage::Moving { .. });
    let back = action.plan.direction() == Direction::Back;
    let stuck = action.latest().is_some_and(|entry| matches!(entry.stage, Stage::NotMoving { .. }));
    let goes = back
        && !action.releases()
        && !stuck
        && action.lost.is_none()
        && action.entries.iter().any(|entry| taken(&entry.stage));
    goes.then_some(action)
}

fn leaving<'a>(model: &Model, rollout: &'a Rollout, action: Option<&Action>) -> Option<Leaving<'a>> {
    let (canary, stable) = (rollout.side(Role::Canary), rollout.side(Role::Stable));
    let told = matches!(rollout.weight.actual, Share::Told(_));
    let share = rollout.weight.reached();
    let rest = share.map(|share| 100 - share);
    if rollout.identity.canary_hash == rollout.identity.stable_hash {
        let stays = |arm: &Arm| arm.role != Role::Old || is_replaced(arm, stable);
        let arms: Vec<&Arm> = rollout.arms.iter().filter(|arm| arm.may_run() && !stays(arm)).collect();
        let nothing = arms.is_empty() && !(told && rest != Some(0)) && action.is_none();
        return (!nothing).then_some(Leaving { arms, to: stable, share: (rest, told) });
    }
    if rollout.phase != Phase::Aborted && goes_home(model, rollout, action) {
        return Some(Leaving { arms: stable.into_iter().collect(), to: canary, share: (rest, told) });
    }
    (rollout.phase == Phase::Aborted || action.is_some()).then(|| Leaving {
        arms: canary.into_iter().collect(),
        to: stable,
        share: (share, told),
    })
}

/// Has what is on its way been here before what still counts as stable? Then somebody goes back to it through the steps.
fn goes_home(model: &Model, rollout: &Rollout, action: Option<&Action>) -> bool {
    let Some(canary) = rollout.side(Role::Canary) else { return false };
    let sent_there = action.is_some_and(|action| quarantine::goes_to(&action.plan).as_ref() == Some(&canary.hash));
    let came_back = || rollout.side(Role::Stable).is_some_and(|stable| rollout.was_taken_back(stable));
    let recorded = || Quarantine::of(&model.actions, rollout).homeward(rollout).is_some();
    sent_there || came_back() || (!canary.earlier_revisions.is_empty() && recorded())
}

/// Is that the version that a newer one has just replaced for good? Nobody went back then: its last pods only go.
fn is_replaced(old: &Arm, stable: Option<&Arm>) -> bool {
    let Some(stable) = stable else { return false };
    let newer = old.revision.zip(stable.revision).is_some_and(|(old, new)| old < new);
    let older_made = old.created.zip(stable.created).is_none_or(|(old, new)| old <= new);
    newer && older_made && stable.earlier_revisions.is_empty()
}
