//! The headline in words, for each cause.

use super::*;
use crate::{
    app::sample::hears,
    judge::{
        doubt::{Doubt, OnePod},
        split::Uneven,
    },
    port::inventory::Part,
    view::sample,
};

fn only(rollouts: Vec<Rollout>) -> Model {
    let mut model = sample::board(120, 36);
    sees(&mut model, rollouts);
    model
}

/// One cluster tells of these rollouts, the other one of none.
fn sees(model: &mut Model, rollouts: Vec<Rollout>) {
    let engine = sample::payments().id.family;
    for (source, all) in [("kubernetes-eu", rollouts), ("kubernetes-us", Vec::new())] {
        hears(model, (source, engine.as_str()), sample::now(), Ok(vec![Part::whole(engine.clone(), all)]));
    }
}

#[test]
fn a_release_that_does_harm_is_named_with_its_numbers_and_its_beginning() {
    assert_eq!(
        headline_text(&sample::board(120, 36)),
        "LIKELY THE RELEASE payments 1.42.0 (a1b2c3d), canary 25 %: errors 3.1 % against 0.2 % on stable in 19 min, n 27,972, \
             ratio 16 (12–21). Goes on to 50 % by itself in 9 min. Began 2 min after step 5, 01:48. Ruled out: what hits both (stable 0.2 % since, 0.2 % before), other rollouts (search 7.1.0 at \
             01:47 and 2 more: stable would show it)."
    );
}

#[test]
fn a_pause_that_ends_by_itself_says_when_and_where_that_leads_only_where_nothing_lies_between() {
    let said = |change: &dyn Fn(&mut Rollout)| {
        let mut payments = sample::payments();
        change(&mut payments);
        let mut model = sample::board(120, 36);
        sees(&mut model, vec![payments]);
        let text = headline_text(&model);
        text.split(". ").find(|sentence| sentence.starts_with("Goes on")).map(str::to_owned)
    };
    assert_eq!(said(&|_| ()).as_deref(), Some("Goes on to 50 % by itself in 9 min"));
    assert_eq!(said(&|it| it.steps[6].kind = StepKind::Analysis).as_deref(), Some("Goes on by itself in 9 min"));
    assert_eq!(said(&|it| it.held = true), None);
    assert_eq!(said(&|it| it.pause.iter_mut().for_each(|pause| pause.until = None)), None);
}

#[test]
fn the_strongest_doubt_decides_the_word() {
    let mut model = sample::board(120, 36);
    let said = |model: &mut Model, doubt: Doubt| {
        let judgement = model.judgements.values_mut().find(|it| it.verdict == Verdict::NoGo).unwrap();
        judgement.doubts = vec![doubt, Doubt::WarmUp(Duration::from_mins(2))];
        let text = headline_text(model);
        text.split(" payments").next().unwrap().to_owned()
    };
    let pod = |without| OnePod { pod: "payments-x2".to_owned(), errors: 800, of: 865, pods: 3, without };
    let table = [
        (Doubt::Pod(pod(Some(0.95))), "LIKELY ONE POD, NOT THE RELEASE"),
        (Doubt::Pod(pod(Some(6.0))), "LIKELY THE RELEASE"),
        (Doubt::Pod(pod(None)), "PERHAPS THE RELEASE"),
        (Doubt::Split(Uneven { got: 0.02, declared: 0.25 }), "PERHAPS THE RELEASE"),
        (Doubt::Bursts(3.0), "LIKELY THE RELEASE"),
    ];
    for (doubt, word) in table {
        assert_eq!(said(&mut model, doubt.clone()), word, "{doubt:?}");
    }
}

#[test]
fn what_is_not_seen_is_said_and_why() {
    assert_eq!(
        headline_text(&sample::unseen(120, 36)),
        "NOT SEEN YET: No answer yet from github, kubernetes-eu, kubernetes-us, prometheus."
    );
    let stable = crate::domain::version::Version::tagged("5.6.0");
    let canary = crate::domain::version::Version::tagged("5.7.0");
    let recs = sample::rollout("kubernetes-eu", "recs", &stable, &canary);
    let text = headline_text(&only(vec![recs]));
    assert!(
        text.starts_with("CANNOT TELL WHETHER IT IS THE RELEASE recs 5.7.0, canary 25 %: requests (canary)"),
        "{text}"
    );
}

#[test]
fn a_stable_version_that_was_not_seen_is_no_green_headline() {
    let mut unseen = sample::rollout(
        "kubernetes-eu",
        "pay",
        &crate::domain::version::Version::tagged("1"),
        &crate::domain::version::Version::tagged("2"),
    );
    unseen.arms.retain(|arm| arm.role != rollout::Role::Stable);
    let hash = unseen.identity.stable_hash.clone();
    let text = headline_text(&only(vec![unseen]));
    let said = format!("NO DATA: Argo Rollouts names {hash} as the stable version, and its pods were not seen.");
    assert!(text.starts_with("CANNOT TELL WHETHER IT IS THE RELEASE pay 2") && text.contains(&said), "{text}");
}

#[test]
fn an_aborted_release_goes_back_until_nothing_is_sent_to_it_and_its_spec_is_not_forgotten() {
    let mut aborted = sample::payments();
    (aborted.phase, aborted.aborted_in_spec) = (Phase::Aborted, true);
    let said = |aborted: &Rollout| headline_text(&only(vec![aborted.clone()]));
    let judged = "errors 3.1 % against 0.2 % on stable in 19 min, n 27,972, ratio 16 (12–21).";
    let held = "The spec still holds 1.42.0.";
    assert_eq!(
        said(&aborted),
        format!("GOING BACK payments 1.42.0 → 1.41.3, 25 % left: {judged} 3 pods of 1.42.0 still run. {held}")
    );
    aborted.weight.actual = rollout::Share::Unknown;
    assert!(said(&aborted).starts_with("GOING BACK payments 1.42.0 → 1.41.3, ? % left: "), "{}", said(&aborted));
    aborted.weight.actual = rollout::Share::Told(0);
    assert_eq!(
        said(&aborted),
        format!(
            "GOING BACK payments 1.42.0 → 1.41.3, no traffic left, 3 pods left: 3 pods of 1.42.0 still run. {held}"
        )
    );
    aborted.arms[0].pods = Some(rollout::Pods::default());
    assert_eq!(
        said(&aborted),
        "NO RELEASE IN FLIGHT SHOWS HARM 1 in flight: payments: 1.42.0 is aborted, the spec still holds it."
    );
    assert_eq!(headline_text(&only(Vec::new())), "NO RELEASE IN FLIGHT SHOWS HARM nothing is in flight");
}

#[test]
fn without_metrics_what_is_wrong_with_the_pods_comes_before_the_connection_that_is_missing() {
    let mut model = sample::board(120, 36);
    let mut broken = sample::payments();
    broken.phase = Phase::Degraded;
    broken.message = Some("ProgressDeadlineExceeded".to_owned());
    broken.troubles = vec!["3 of 3 pods of 1.42.0: ImagePullBackOff".to_owned()];
    model.session.sources.retain(|source| !source.measures());
    let mut model = Model::new(model.session, model.now, model.size);
    sees(&mut model, vec![broken]);
    let text = headline_text(&model);
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
    assert!(place("ProgressDeadlineExceeded") < place("no metrics are connected"), "{text}");
    assert!(place("ImagePullBackOff") < place("no metrics are connected"), "{text}");
}

#[test]
fn a_good_verdict_that_nothing_new_was_told_of_is_no_reason_for_calm() {
    let mut model = only(vec![sample::payments()]);
    for judgement in model.judgements.values_mut() {
        (judgement.verdict, judgement.at) = (Verdict::Go, Some(sample::now() - Duration::from_secs(75)));
        (judgement.missing, judgement.doubts) = (Vec::new(), Vec::new());
    }
    let since = (sample::now() - Duration::from_secs(75)).format("%H:%M:%S");
    assert_eq!(
        headline_text(&model),
        format!(
            "CANNOT TELL WHETHER IT IS THE RELEASE payments 1.42.0 (a1b2c3d), canary 25 %: verdict GO is 75 s old: \
                 prometheus has told nothing since {since}."
        )
    );
}
