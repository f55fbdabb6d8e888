//! How CodeDeploy shifts the traffic of an alias, as steps: so much, then a pause of so many minutes.

use std::time::Duration;

use crate::{
    domain::{
        rollout::{Pause, PauseReason, Step, StepKind},
        time::after,
    },
    provider::lambda::{
        api::Shift,
        memory::{Done, Owner},
    },
};

/// The most steps that are shown one by one.
const MOST: u32 = 100;

/// How the deployment that is under way moves: its steps, which of them runs, and the pause in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shifting {
    pub(super) steps: Vec<Step>,
    pub(super) step: Option<usize>,
    pub(super) pause: Option<Pause>,
}

fn weight(share: u32) -> Step {
    Step { label: format!("{share} % of invocations"), kind: StepKind::SetWeight(share * 10) }
}

fn pause(minutes: u32) -> Step {
    let span = Duration::from_mins(minutes.into());
    Step { label: format!("{minutes} min"), kind: StepKind::Pause(Some(span)) }
}

/// The shares that it goes through, and for how many minutes it stays at each.
fn shares(shift: &Shift) -> (Vec<u32>, u32) {
    match (shift.kind.as_str(), shift.time_based_canary, shift.time_based_linear) {
        ("TimeBasedCanary", Some(canary), _) => (vec![canary.canary_percentage], canary.canary_interval),
        ("TimeBasedLinear", _, Some(linear)) if linear.linear_percentage > 0 => {
            let each = (1..MOST).map(|place| place.saturating_mul(linear.linear_percentage));
            (each.take_while(|share| *share < 100).collect(), linear.linear_interval)
        }
        _ => (Vec::new(), 0),
    }
}

/// Where it is; `share` is what has been reached, 0 to 1.
pub(super) fn shifting(owner: &Owner, live: &Done, share: f64) -> Shifting {
    let shift = owner.config.as_ref().and_then(|config| config.traffic_routing_config.as_ref());
    let Some((shares, minutes)) = shift.map(shares) else { return Shifting::default() };
    let mut steps: Vec<Step> = shares.iter().flat_map(|share| [weight(*share), pause(minutes)]).collect();
    steps.push(weight(100));
    let reached = shares.iter().take_while(|one| f64::from(**one) <= share * 100.0 + 0.001).count();
    let hooked_after = live.hook() == Some("AfterAllowTraffic");
    let step = match reached {
        _ if hooked_after => steps.len(),
        0 => 0,
        reached => reached * 2 - 1,
    };
    let places = u32::try_from(reached).unwrap_or(u32::MAX);
    let ends = live.shifting_since().filter(|_| reached > 0).map(|since| {
        let so_far = |many: u32| after(since, Duration::from_mins(u64::from(minutes) * u64::from(many)));
        Pause { reason: PauseReason::Step, since: Some(so_far(places - 1)), until: Some(so_far(places)) }
    });
    Shifting { steps, step: Some(step), pause: ends.filter(|_| !hooked_after) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::lambda::api::{Canary, Config, Lifecycle, Linear};

    fn at(shift: Shift, share: f64) -> (Vec<String>, Option<usize>, Option<i64>) {
        let config = Some(Config { traffic_routing_config: Some(shift) });
        let owner = Owner { config, ..Owner::default() };
        let began = Lifecycle { name: "AllowTraffic".into(), start_time: Some(0.0), status: None };
        let live = Done { events: vec![began], ..Done::default() };
        let told = shifting(&owner, &live, share);
        let until = told.pause.and_then(|pause| pause.until).map(|at| at.timestamp());
        (told.steps.into_iter().map(|step| step.label).collect(), told.step, until)
    }

    #[test]
    fn a_canary_waits_once_and_a_linear_shift_at_each_of_its_shares() {
        let canary = Shift {
            kind: "TimeBasedCanary".into(),
            time_based_canary: Some(Canary { canary_percentage: 10, canary_interval: 5 }),
            ..Shift::default()
        };
        let steps = ["10 % of invocations", "5 min", "100 % of invocations"].map(str::to_owned).to_vec();
        assert_eq!(at(canary.clone(), 0.0), (steps.clone(), Some(0), None));
        assert_eq!(at(canary, 0.1), (steps, Some(1), Some(300)));
        let linear = Shift {
            kind: "TimeBasedLinear".into(),
            time_based_linear: Some(Linear { linear_percentage: 40, linear_interval: 1 }),
            ..Shift::default()
        };
        let (steps, step, until) = at(linear, 0.8);
        assert_eq!((steps.len(), step, until), (5, Some(3), Some(120)));
        let at_once = Shift { kind: "AllAtOnce".into(), ..Shift::default() };
        assert_eq!(at(at_once, 0.0), (vec!["100 % of invocations".to_owned()], Some(0), None));
    }
}
