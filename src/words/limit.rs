//! Where the limits of a service and its error budget stand.

use super::number::{Bounds, Short, Span, percent};
use crate::{
    domain::{objective::Objective, standard::Rule},
    judge::{
        rule::{Limit, Standing},
        slo::{
            Budget, Lack,
            burn::{Alert, Severity, State, Watch},
            cost::{Basis, Bounded, Cost},
        },
    },
};

/// What something is about in a word, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `budget`, `page`, `ticket`.
    pub about: &'static str,
    /// The sentence.
    pub text: String,
}

/// `error ratio 0.031 is above 0.01, 3 windows of 5 min in a row`, or how it is held, or what is missing.
pub fn limit(limit: &Limit) -> String {
    let Limit { rule, standing } = limit;
    let name = rule.signal.words();
    let row = |windows: u32| match windows {
        1 => format!("in the last {}", Span(rule.window)),
        more => format!("{more} windows of {} in a row", Span(rule.window)),
    };
    match standing {
        Standing::Broken { value } => {
            format!("{name} {} is {}, {}", Short(*value), side(rule, *value), row(rule.consecutive))
        }
        Standing::Held { value, violations: 0 } => format!("{name} {} is {}", Short(*value), side(rule, *value)),
        Standing::Held { value, violations } => {
            let (value, side, windows) = (Short(*value), side(rule, *value), rule.consecutive);
            format!("{name} {value} is {side}, {}; {windows} break the rule", row(*violations))
        }
        Standing::NoData(why) => format!("{name}: {}", lack(why)),
    }
}

fn side(rule: &Rule, value: f64) -> String {
    match (rule.min, rule.max) {
        (_, Some(max)) if value > max => format!("above {max}"),
        (Some(min), _) if value < min => format!("below {min}"),
        (Some(min), Some(max)) => format!("within {min} and {max}"),
        (None, Some(max)) => format!("at most {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, None) => "not limited".to_owned(),
    }
}

/// What is missing for an answer.
pub fn lack(lack: &Lack) -> String {
    match lack {
        Lack::Nothing => "nothing was measured".to_owned(),
        Lack::NoTraffic { window } => format!("no requests in {}", Span(*window)),
        Lack::Partial { window, covered } => format!("only {} of {} are known", Span(*covered), Span(*window)),
        Lack::Stale { age } => format!("the newest interval ended {} ago", Span(*age)),
        Lack::NoNumber(value) => format!("the newest value is {value}, which is no number"),
        Lack::Beyond { bound } => {
            format!("it is at least {bound} s, where the histogram ends: whether it is above the limit cannot be told")
        }
        Lack::NoComparison => "no interval in which the canary and stable both had requests".to_owned(),
        Lack::NoBound { le, bounds } => {
            format!("the histogram has no bucket bound at {le} s; it has {}", Bounds(bounds))
        }
    }
}

/// What the canary costs of the error budget, then each alert on the budget's burning that fires.
pub fn budget(budget: &Budget) -> Vec<Line> {
    let whole = Line { about: "budget", text: cost(&budget.objective, &budget.cost) };
    std::iter::once(whole).chain(budget.fires.iter().map(alert)).collect()
}

/// `this canary costs 0.8 %/h of 30 d (0.5 to 1.1), 0.2 % so far`, or that no cost is shown, or what is missing.
pub fn cost(objective: &Objective, cost: &Result<Cost, Lack>) -> String {
    let cost = match cost {
        Ok(cost) => cost,
        Err(why) => return format!("what this canary costs cannot be told: {}", lack(why)),
    };
    let period = Span(objective.period());
    let so_far = format!("{} % so far", percent(cost.used.value));
    let projected = match cost.basis {
        Basis::Measured => String::new(),
        Basis::Projected(known) => format!(", with the traffic of {} for all of it", Span(known)),
    };
    match &cost.hourly {
        Err(why) => format!("what waiting costs cannot be told: {}; {so_far} of {period}{projected}", lack(why)),
        Ok(Bounded { low: Some(low), value, high }) if *low > 0.0 => format!(
            "this canary costs {} %/h of {period} ({} to {}), {so_far}{projected}",
            percent(*value),
            percent(*low),
            percent(*high),
        ),
        Ok(Bounded { high, .. }) => {
            let at_most = percent(high.max(0.0));
            format!("no cost of this canary is shown, at most {at_most} %/h of {period}{projected}")
        }
    }
}

/// Whom an alert wakes, and `burning 15 × (1 h) and 20 × (5 min), both at least 14.4`, or why it says nothing.
pub fn alert(alert: &Alert) -> Line {
    let Watch { severity, long, short, at_least } = alert.watch;
    let about = match severity {
        Severity::Page => "page",
        Severity::Ticket => "ticket",
    };
    let burn = |burn: &Result<f64, Lack>, window| match burn {
        Ok(burn) => format!("{} × ({})", Short(*burn), Span(window)),
        Err(why) => format!("unknown ({}: {})", Span(window), lack(why)),
    };
    let ending = match alert.state {
        State::Fires => format!("both at least {at_least}"),
        State::Quiet => format!("not both {at_least}"),
        State::Unknown => format!("whether both reach {at_least} cannot be told"),
    };
    Line { about, text: format!("burning {} and {}, {ending}", burn(&alert.long, long), burn(&alert.short, short)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::standard::{IfBroken, Importance, Measure};

    /// At most 1 % errors in five minutes.
    fn rule() -> Rule {
        Rule {
            signal: Measure::ErrorRatio,
            min: None,
            max: Some(0.01),
            window: Duration::from_mins(5),
            importance: Importance::Required,
            consecutive: 1,
            if_broken: IfBroken::Wait,
        }
    }

    #[test]
    fn a_limit_is_said_with_its_value_its_bound_and_how_often() {
        let three = Rule { consecutive: 3, ..rule() };
        let busy = Rule { signal: Measure::RequestRate, min: Some(1.0), max: None, ..rule() };
        let depth = Rule { signal: Measure::Series("queue".to_owned()), min: Some(0.0), max: Some(5.0), ..rule() };
        let held = |value, violations| Standing::Held { value, violations };
        let broken = |value| Standing::Broken { value };
        let table = [
            (rule(), held(0.01, 0), "error ratio 0.01 is at most 0.01"),
            (rule(), broken(0.031), "error ratio 0.031 is above 0.01, in the last 5 min"),
            (
                three.clone(),
                held(0.03, 2),
                "error ratio 0.03 is above 0.01, 2 windows of 5 min in a row; 3 break the rule",
            ),
            (three, broken(0.03), "error ratio 0.03 is above 0.01, 3 windows of 5 min in a row"),
            (busy, broken(0.0), "request rate 0 is below 1, in the last 5 min"),
            (depth, held(3.0, 0), "queue 3 is within 0 and 5"),
            (rule(), Standing::NoData(Lack::Nothing), "error ratio: nothing was measured"),
        ];
        for (rule, standing, text) in table {
            assert_eq!(limit(&Limit { rule, standing }), text);
        }
    }

    #[test]
    fn what_is_missing_for_an_answer_is_named() {
        let minutes = Duration::from_mins;
        let table = [
            (Lack::NoTraffic { window: minutes(5) }, "no requests in 5 min"),
            (Lack::Partial { window: minutes(6), covered: minutes(4) }, "only 4 min of 6 min are known"),
            (Lack::Stale { age: minutes(15) }, "the newest interval ended 15 min ago"),
            (Lack::NoNumber(f64::NAN), "the newest value is NaN, which is no number"),
            (
                Lack::NoBound { le: 0.3, bounds: vec![0.1, 0.5, 1.0] },
                "the histogram has no bucket bound at 0.3 s; it has 0.1, 0.5, 1 s",
            ),
        ];
        for (why, text) in table {
            assert_eq!(lack(&why), text);
        }
    }

    #[test]
    fn what_a_canary_costs_is_said_with_its_bounds_and_what_fires_with_both_windows() {
        let objective = Objective::new(0.999, Duration::from_hours(720)).unwrap();
        let bounded = |low, value, high| Bounded { low, value, high };
        let costs = |hourly, basis| {
            let used = bounded(Some(0.02), 0.04, 0.05);
            let excess = bounded(None, 40.0, 50.0);
            cost(&objective, &Ok(Cost { excess, used, hourly, left_out: 0, basis }))
        };
        let known = Basis::Projected(Duration::from_mins(10));
        let hour = Ok(bounded(Some(0.14), 0.24, 0.3));
        assert_eq!(costs(hour.clone(), Basis::Measured), "this canary costs 24 %/h of 30 d (14 to 30), 4 % so far");
        let said = costs(hour, known);
        assert!(said.ends_with("4 % so far, with the traffic of 10 min for all of it"), "{said}");
        let none = costs(Ok(bounded(None, 0.0, 0.0)), Basis::Measured);
        assert_eq!(none, "no cost of this canary is shown, at most 0 %/h of 30 d");
        let old = costs(Err(Lack::Stale { age: Duration::from_mins(20) }), Basis::Measured);
        let text = "what waiting costs cannot be told: the newest interval ended 20 min ago; 4 % so far of 30 d";
        assert_eq!(old, text);
        let (long, short) = (Duration::from_hours(1), Duration::from_mins(5));
        let watch = Watch { severity: Severity::Page, long, short, at_least: 14.4 };
        let fires = Alert { watch, long: Ok(20.0), short: Ok(20.0), state: State::Fires };
        let text = "burning 20 × (1 h) and 20 × (5 min), both at least 14.4".to_owned();
        let cost = Err(Lack::NoComparison);
        let whole = Line {
            about: "budget",
            text: "what this canary costs cannot be told: no interval in which the canary and stable both had requests"
                .to_owned(),
        };
        let said = budget(&Budget { objective, cost, fires: vec![fires] });
        assert_eq!(said, [whole, Line { about: "page", text }]);
    }
}
