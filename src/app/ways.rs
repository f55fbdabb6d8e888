//! The ways back from what runs, for whoever must go by hand: which verbs would go back, to which version, and what was drafted for
//! each. Nothing is asked of policy here, for nothing is sent; but a version that was left for cause is nobody's default, and what is known
//! to stand in the way is told with each.
//!
//! Here must not live: whether a verb may run now, which is for `guard`.

use std::collections::BTreeSet;

use crate::{
    app::{
        model::Model,
        preflight,
        quarantine::{PutBack, Quarantine, WayBack},
    },
    domain::{
        form::{TO, Value},
        ids::{EnvironmentName, ServiceName},
        item::Item,
        preflight::{About, Check, Grade, Heading},
        rollout::{Arm, Rollout},
        verb::{Direction, Verb},
        version::Version,
    },
    port::{
        cached::{Standing, Way},
        commands,
        plan::{Ask, Blocked, Draft},
    },
};

/// A way back as it is wanted for later.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// This is to be drafted, and so it stands with the versions that it may lead to: one without a name is whichever it is.
    Draft(Box<Ask>, Vec<(Option<Version>, Standing)>),
    /// There is none, and this says why.
    Nothing(Box<Way>),
}

/// What is to be drafted for an object, in the order of what is quickest; or, where it is known already that there is no such way,
/// why not.
pub fn wanted(model: &Model, item: &Item) -> Vec<Wanted> {
    let goes = |verb: &Verb| goes_back(model, item, *verb);
    let verbs: BTreeSet<Verb> = item.offers().iter().map(|offer| offer.verb).filter(goes).collect();
    let each = |verb| {
        let form = item.offers().iter().find(|offer| offer.verb == verb).map(|offer| offer.form.as_slice());
        let ask = Ask::new(verb, item.id().clone());
        let ask = Ask { args: ask.args.over(form.unwrap_or_default()), ..ask };
        match (item, verb) {
            (Item::Rollout(rollout), Verb::Rollback) => back_to(model, rollout, ask),
            (Item::Rollout(rollout), _) => vec![to_be_drafted(model, rollout, ask)],
            (Item::Gate(gate), _) => {
                let known = of_others(model, &gate.service, Some(&gate.environment), verb);
                vec![Wanted::Draft(Box::new(ask), known)]
            }
            (Item::Run(run), _) => vec![Wanted::Draft(Box::new(ask), of_others(model, &run.service, None, verb))],
        }
    };
    verbs.into_iter().flat_map(each).collect()
}

fn to_be_drafted(model: &Model, rollout: &Rollout, ask: Ask) -> Wanted {
    let standing = standing(model, rollout, &ask);
    Wanted::Draft(Box::new(ask), vec![(None, standing)])
}

/// How it stands with a way back of a rollout: what its pre-flight tells, and whether it leads to what was left for cause.
fn standing(model: &Model, rollout: &Rollout, ask: &Ask) -> Standing {
    let outlook = preflight::of_ask(model, rollout, ask);
    let hash = outlook.as_ref().map(|outlook| &outlook.arm.hash);
    let quarantine = Quarantine::of(&model.actions, rollout);
    let left = hash.and_then(|hash| Some((hash, quarantine.of_hash(hash)?)));
    let left = left.map(|(hash, left)| {
        let arm = rollout.arms.iter().find(|arm| arm.hash == *hash);
        format!("it goes to {}, and {left}", arm.map_or_else(|| "it".to_owned(), Arm::called))
    });
    let mut checks = outlook.map(|outlook| outlook.checks).unwrap_or_default();
    checks.extend((!preflight::is_told(model, rollout, ask)).then(unread));
    // Whoever names an older one goes further back, which is another word.
    let by_itself = ask.verb != Verb::PromoteFull && ask.to().is_none();
    let put_back = quarantine.put_back().filter(|_| by_itself).map(ToString::to_string);
    stands(checks, left.into_iter().chain(put_back).collect(), || {
        let ways = preflight::safe_ways(model, rollout).into_iter();
        let itself = [format!("{}: ", ask.verb.words()), format!("{} is open", ask.verb.words())];
        ways.filter(|way| !itself.iter().any(|itself| way.starts_with(itself))).collect()
    })
}

/// That nobody looked, which is not good.
fn unread() -> Check {
    Check::new(About::Revision, Grade::Unknown, "what else stands in the way was not looked into")
}

/// Of what was looked at, what is worth a word; what is safe instead is told where something forbids it.
fn stands(mut checks: Vec<Check>, against: Vec<String>, instead: impl Fn() -> Vec<String>) -> Standing {
    checks.retain(|check| check.grade != Grade::Good);
    checks.sort_by_key(|check| std::cmp::Reverse(check.grade));
    let standing = Standing { checks, against, instead: Vec::new() };
    if standing.grade() == Grade::Red { Standing { instead: instead(), ..standing } } else { standing }
}

/// How it stands with the versions that a run or a gate may put back, where the service runs.
fn of_others(
    model: &Model,
    service: &ServiceName,
    environment: Option<&EnvironmentName>,
    verb: Verb,
) -> Vec<(Option<Version>, Standing)> {
    let rollouts = preflight::there(model, service, environment).filter(|_| verb == Verb::Rollback);
    let arms = rollouts.flat_map(|rollout| {
        rollout.arms.iter().filter_map(move |arm| {
            let outlook = preflight::to(model, rollout, arm, Heading::Back);
            let untold = (!preflight::is_told_to(model, rollout, arm, Heading::Back)).then(unread);
            let place = |check: Check| {
                let words = format!("{}: {}", rollout.environment, check.words);
                Check { words, ..check }
            };
            let checks = outlook.leaving_the_spec().checks.into_iter().chain(untold).map(place).collect();
            Some((Some(arm.version.clone()?), stands(checks, Vec::new(), || preflight::safe_ways(model, rollout))))
        })
    });
    arms.collect()
}

/// What was drafted for one of them.
pub fn drafted(ask: &Ask, known: Vec<(Option<Version>, Standing)>, draft: Result<Draft, Blocked>) -> Way {
    let draft = match draft {
        Ok(draft) => draft,
        Err(Blocked(said)) => return none(ask, said),
    };
    let called = |version: &Option<Version>| version.as_ref().map(ToString::to_string);
    let is_meant = |of: &Option<Version>| match (of, &draft.to) {
        (None, _) => true,
        (Some(of), Some(to)) => of.is_same(to),
        (Some(_), None) => false,
    };
    let mut standing = Standing::default();
    let known: Vec<Standing> = known.into_iter().filter(|(of, _)| is_meant(of)).map(|(_, one)| one).collect();
    standing.checks.extend(known.is_empty().then(unread));
    for one in known {
        standing.checks.extend(one.checks);
        standing.against.extend(one.against);
        standing.instead.extend(one.instead);
    }
    standing.checks.sort_by_key(|check| std::cmp::Reverse(check.grade));
    let commands = commands::lines(&draft, 0);
    let (from, to) = (called(&draft.from), called(&draft.to));
    Way { target: ask.target.clone(), verb: ask.verb, from, to, said: draft.effect, commands, standing }
}

/// That there is no such way, and why.
fn none(ask: &Ask, said: String) -> Way {
    let (target, verb, standing) = (ask.target.clone(), ask.verb, Standing::default());
    Way { target, verb, from: None, to: None, said, commands: Vec::new(), standing }
}

/// Is this a way back from it? What is steady cannot be aborted, and of runs and gates only those go back that say they can. Where a way
/// back still goes through the steps, what ends it at once is one too.
fn goes_back(model: &Model, item: &Item, verb: Verb) -> bool {
    let open = || item.offers().iter().any(|offer| offer.verb == verb && offer.blocked.is_none());
    match item {
        Item::Rollout(rollout) if verb == Verb::PromoteFull => {
            open() && Quarantine::of(&model.actions, rollout).homeward(rollout).is_some()
        }
        _ if verb.direction() != Direction::Back => false,
        Item::Rollout(rollout) => verb != Verb::Abort || rollout.in_flight(),
        Item::Gate(_) | Item::Run(_) => open(),
    }
}

/// A roll back that names no version, to what the guard would take. From what was put back nobody goes further by default; but where
/// that is broken too, the next older one is what there is.
fn back_to(model: &Model, rollout: &Rollout, ask: Ask) -> Vec<Wanted> {
    let quarantine = Quarantine::of(&model.actions, rollout);
    let to = |arm: &Arm, ask: &Ask| {
        let args = ask.args.clone().with(TO, Value::Text(arm.hash.clone()));
        to_be_drafted(model, rollout, Ask { args, ..ask.clone() })
    };
    let nothing = |said| Wanted::Nothing(Box::new(none(&ask, said)));
    match quarantine.way_back(rollout) {
        WayBack::Usual(_) => vec![to_be_drafted(model, rollout, ask)],
        WayBack::Older(arm, _) => vec![to(arm, &ask)],
        WayBack::OnlyLeft(arm, left) => {
            vec![nothing(format!("the only way back is to {}, and {left}", arm.called()))]
        }
        WayBack::PutBack(back, older) => {
            let said = nothing(format!("{back}: there is nothing to go back from"));
            std::iter::once(said).chain(older.map(|arm| further(to(arm, &ask), back))).collect()
        }
        WayBack::None => vec![nothing(rollout.no_way_back())],
    }
}

/// The same, with a word that it goes further than back to what was put back already.
fn further(wanted: Wanted, back: &PutBack) -> Wanted {
    let Wanted::Draft(ask, mut known) = wanted else { return wanted };
    for (_, standing) in &mut known {
        let words = format!("this goes further back: {}", back.said());
        standing.checks.push(Check::new(About::Revision, Grade::Amber, words));
    }
    Wanted::Draft(ask, known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            msg::Msg,
            sample::{acted, draft, now, payments, seeing},
            update::update,
        },
        domain::{
            offer::{Offer, Risk},
            preflight::{Preflight, Takes},
            rollout::Role,
        },
        port::{
            lookup::{Question, Told, Topic},
            record::Stage,
        },
    };

    #[test]
    fn what_flies_is_aborted_or_rolled_back_and_what_is_steady_is_only_rolled_back() {
        let verbs = |rollout: Rollout| {
            let model = seeing(vec![rollout.clone()]);
            let wanted = wanted(&model, &rollout.into());
            let verb = |one| match one {
                Wanted::Draft(ask, _) => ask.verb,
                Wanted::Nothing(way) => way.verb,
            };
            wanted.into_iter().map(verb).collect::<Vec<_>>()
        };
        assert_eq!(verbs(payments()), [Verb::Abort, Verb::Rollback]);
        let mut steady = payments();
        steady.identity.stable_hash.clone_from(&steady.identity.canary_hash);
        steady.phase = crate::domain::rollout::Phase::Healthy;
        assert!(!steady.in_flight());
        assert_eq!(verbs(steady), [Verb::Rollback]);
    }

    #[test]
    fn a_way_says_what_it_does_with_its_commands_or_why_there_are_none() {
        let ask = Ask::new(Verb::Abort, payments().id);
        let way = drafted(&ask, Vec::new(), Ok(draft(&payments(), Verb::Abort)));
        let commands = commands::lines(&draft(&payments(), Verb::Abort), 0);
        assert!(!way.commands.is_empty() && way.commands == commands, "{way:?}");
        assert_eq!(way.said, draft(&payments(), Verb::Abort).effect);
        let none = drafted(&ask, Vec::new(), Err(Blocked("nothing is on its way".to_owned())));
        assert_eq!((none.said.as_str(), none.commands.len()), ("nothing is on its way", 0));
    }

    fn ways_of(model: &Model, rollout: &Rollout) -> Vec<Way> {
        let one = |wanted| match wanted {
            Wanted::Draft(ask, known) => {
                let draft = draft(rollout, ask.verb);
                drafted(&ask, known, Ok(draft))
            }
            Wanted::Nothing(way) => *way,
        };
        wanted(model, &rollout.clone().into()).into_iter().map(one).collect()
    }

    #[test]
    fn a_way_that_the_verb_would_be_refused_says_so_with_the_reasons_and_what_is_safe_and_one_not_looked_into_is_not_good()
     {
        let mut model = seeing(vec![payments()]);
        model.session.sources.iter_mut().for_each(|info| info.answers.push(Topic::Preflight));
        let grades = |model: &Model| {
            ways_of(model, &payments()).into_iter().map(|way| (way.verb, way.standing.grade())).collect::<Vec<_>>()
        };
        assert_eq!(grades(&model), [(Verb::Abort, Grade::Unknown), (Verb::Rollback, Grade::Unknown)]);
        let checks = vec![Check::new(About::Automation, Grade::Red, "Flux puts it back at once")];
        let told = Preflight { checks, takes: Takes::AtOnce, to_start: 0, images: Vec::new(), interrupts: Vec::new() };
        let question = Question::Preflight { rollout: payments().id, hash: "ba5e".to_owned(), heading: Heading::Back };
        let told = Ok(Told::Preflight(told));
        update(&mut model, Msg::Told { source: payments().id.source, at: now(), question, told });
        assert_eq!(grades(&model), [(Verb::Abort, Grade::Good), (Verb::Rollback, Grade::Red)]);
        let back = &ways_of(&model, &payments())[1];
        assert_eq!(back.standing.checks[0].words, "Flux puts it back at once");
        assert!(back.standing.instead[0].starts_with("abort: 1.42.0 to 0 %"), "{back:?}");
    }

    /// What was put back goes through the steps; what was left still counts as stable.
    fn on_its_way_back() -> Rollout {
        let mut rollout = payments();
        rollout.arms.reverse();
        (rollout.arms[0].role, rollout.arms[1].role) = (Role::Canary, Role::Stable);
        (rollout.arms[0].revision, rollout.arms[1].revision) = (Some(4), Some(3));
        std::mem::swap(&mut rollout.identity.canary_hash, &mut rollout.identity.stable_hash);
        std::mem::swap(&mut rollout.canary, &mut rollout.stable);
        rollout.offers.push(Offer::open(Verb::PromoteFull, Risk::High));
        rollout
    }

    /// After somebody rolled back from 1.42.0 to 1.41.3.
    fn rolled_back(rollout: &Rollout) -> Model {
        let mut model = seeing(vec![rollout.clone()]);
        let end = Stage::Done { said: "verified".to_owned() };
        let record = acted((1, now()), ("dana", "errors"), Verb::Rollback, ("c0ffee", Some("ba5e")), end);
        update(&mut model, Msg::Recorded(Box::new(record)));
        model
    }

    #[test]
    fn from_what_was_put_back_the_next_older_version_is_told_as_going_further() {
        let mut rollout = on_its_way_back();
        let oldest = Arm { role: Role::Old, hash: "0lder".to_owned(), revision: Some(1), ..rollout.arms[1].clone() };
        rollout.arms.push(oldest);
        let ways: Vec<Way> = ways_of(&rolled_back(&rollout), &rollout);
        let back: Vec<&Way> = ways.iter().filter(|way| way.verb == Verb::Rollback).collect();
        let [nothing, further] = back.as_slice() else { panic!("{ways:#?}") };
        assert!(
            nothing.commands.is_empty() && nothing.said.ends_with("there is nothing to go back from"),
            "{nothing:?}"
        );
        let why = "this goes further back: 1.41.3 (9f8e7d6) was put back on 2026-03-10 at 02:07 by dana";
        assert!(!further.commands.is_empty());
        let check = Check::new(About::Revision, Grade::Amber, why);
        assert!(further.standing.checks.contains(&check), "{further:?}");
        assert!(further.standing.grade() != Grade::Red, "{further:?}");
    }

    #[test]
    fn an_abort_that_leads_to_what_was_left_says_so_and_what_finishes_the_way_back_is_named() {
        let rollout = on_its_way_back();
        let ways = ways_of(&rolled_back(&rollout), &rollout);
        let told: Vec<_> = ways.iter().map(|way| (way.verb, way.standing.against.len())).collect();
        assert_eq!(told, [(Verb::PromoteFull, 0), (Verb::Abort, 2), (Verb::Rollback, 0)]);
        let why = "it goes to 1.42.0 (a1b2c3d), and dana left it on 2026-03-10 at 02:07 (errors)";
        assert_eq!(ways[1].standing.against[0], why);
        assert_eq!(ways[1].standing.grade(), Grade::Red);
    }
}
