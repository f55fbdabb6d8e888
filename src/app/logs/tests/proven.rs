//! What follows from the patterns of a release for its verdict, and from which lines nothing does.

use super::*;
use crate::{
    app::{
        drawn::Drawn,
        effect::Effect,
        guard,
        model::Overlay,
        sample::{ask, draft, go, see},
    },
    domain::{evidence::Verdict, place::Coverage, rollout::Rollout, verb::Verb},
    judge::doubt::Doubt,
    words,
};

/// A new pattern, proven.
fn prove(model: &mut Model, asked: &Lines) {
    let vault = pattern(0, "card vault timeout after <*> ms", &[(30, 20, 0), (60, 25, 0)]);
    tell(model, asked, Ok(mined(vec![vault], (0, 60))));
    serve(model, &[30, 60]);
}

fn doubts(model: &Model) -> Vec<String> {
    let all = model.judgements[&payments().id].doubts.iter();
    all.filter(|doubt| matches!(doubt, Doubt::Written(..))).map(words::doubt).collect()
}

#[test]
fn a_pattern_that_is_proven_is_a_doubt_beside_the_verdict_and_never_makes_it_another_one() {
    let (mut model, asked) = looking();
    serve(&mut model, &[30, 60]);
    let before = model.judgements[&payments().id].clone();
    assert_ne!(before.verdict, Verdict::NoGo);
    prove(&mut model, &asked);
    let after = model.judgements[&payments().id].clone();
    let said = "a pattern new in 1.42.0: card vault timeout after <*> ms, 45 lines, 31 for each 1,000 requests";
    assert_eq!((after.verdict, doubts(&model)), (before.verdict, vec![said.to_owned()]));
    assert_eq!((after.harm, after.safe, after.written.len()), (before.harm, before.safe, 1));
    assert!(after.doubts[0].is_strong(), "whoever goes on is told of it");
}

#[test]
fn who_goes_on_is_told_the_doubt_on_the_card_also_where_it_is_found_under_it() {
    let (mut model, asked) = looking();
    // A verdict that rests on what is old would not let anybody go on.
    serve(&mut model, &[570, 600]);
    go(&mut model);
    let drawn = Drawn::whole(&model);
    update(&mut model, Msg::Drawn(drawn));
    update(&mut model, Msg::Intent(Intent::Do(Verb::Promote)));
    let drafted =
        |verb| Msg::Drafted { ask: ask(verb), draft: Box::new(Ok(draft(&payments(), verb))), then: Vec::new() };
    update(&mut model, drafted(Verb::Promote));
    let risks = |model: &Model| match &model.nav.overlay {
        Some(Overlay::Card(card)) => card.plan.risks.clone(),
        other => panic!("{other:?}, {:?}", model.notice),
    };
    let before = risks(&model);
    let vault = pattern(0, "card vault timeout after <*> ms", &[(570, 20, 0), (600, 25, 0)]);
    let (source, question) = ("logs".into(), Question::Lines(asked));
    let told = Ok(Told::Mined(mined(vec![vault], (540, 600))));
    let at = model.now;
    let effects = update(&mut model, Msg::Told { source, at, question, told });
    assert_eq!(effects, [Effect::Draft(ask(Verb::Promote))], "the card is drawn up anew");
    go(&mut model);
    update(&mut model, drafted(Verb::Promote));
    let doubt = "verdict GO has a doubt: a pattern new in 1.42.0: card vault timeout after <*> ms, 45 lines, 31 for each 1,000 requests";
    assert_eq!(risks(&model), [before, vec![doubt.to_owned()]].concat());
    let back = guard::plan(&model, &ask(Verb::Rollback), Ok(draft(&payments(), Verb::Rollback))).unwrap();
    assert_eq!(back.risks, [""; 0], "going back has none");
}

#[test]
fn beside_no_go_a_pattern_is_evidence_and_no_doubt() {
    let (mut model, asked) = looking();
    prove(&mut model, &asked);
    let mut judgement = model.judgements[&payments().id].clone();
    (judgement.verdict, judgement.doubts) = (Verdict::NoGo, Vec::new());
    let written = std::mem::take(&mut judgement.written);
    judgement.hears(written.clone());
    assert_eq!((judgement.doubts, &judgement.written, written.len()), (vec![], &written, 1));
}

#[test]
fn what_an_earlier_version_wrote_says_nothing_of_the_one_on_its_way() {
    let (mut model, asked) = looking();
    prove(&mut model, &asked);
    assert_eq!(proven(&model, &payments()).len(), 1);
    let mut next = payments();
    next.identity.canary_hash = "d00d".to_owned();
    assert_eq!(proven(&model, &next), []);
}

#[test]
fn lines_of_two_environments_that_come_as_one_are_held_against_nobodys_requests() {
    let (mut model, asked) = looking();
    let elsewhere = |environment: &str| {
        let id = ObjectId::new(&payments().id.source, "argo_rollouts", format!("shop/{environment}"));
        Rollout { id, environment: environment.into(), ..payments() }
    };
    see(&mut model, now(), vec![payments(), elsewhere("prod/us")]);
    prove(&mut model, &asked);
    let both = mixed(&model, &payments(), &"logs".into());
    assert_eq!(both, [payments().environment, "prod/us".into()]);
    assert_eq!(proven(&model, &payments()), [], "whose lines they are cannot be told");
    // A source that covers one of them, or tells them apart, is asked by it.
    let cover = |model: &mut Model, coverage: Coverage| {
        let info = model.session.sources.iter_mut().find(|info| info.name.as_str() == "logs").unwrap();
        info.coverage = coverage;
    };
    cover(&mut model, Coverage { environments: vec![payments().environment.to_string()], apart: false });
    assert_eq!(mixed(&model, &payments(), &"logs".into()), []);
    assert!(keeper(&model, Some(&elsewhere("prod/us"))).is_none(), "it has none of the other");
    cover(&mut model, Coverage { environments: Vec::new(), apart: true });
    let info = keeper(&model, Some(&payments())).unwrap();
    assert_eq!(
        (mixed(&model, &payments(), &info.name), named_to(info, &payments().environment)),
        (vec![], Some(payments().environment))
    );
}
