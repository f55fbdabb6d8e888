//! Which environment is compared with which, whom to ask, and what their answers come to.

use super::*;
use crate::{
    app::{
        model::Model,
        msg::Msg,
        sample::{hears, now, payments, see, seeing, ship, source},
        update::update,
    },
    domain::{
        gate::Gate,
        object::Family,
        observed::Fault,
        service::Environment,
        setting::{Compared, Mark, NamePattern, Settings, Weight},
    },
    port::{inventory::Part, lookup::Told},
};

fn configured(environments: &[(&str, Risk)]) -> Vec<Environment> {
    environments.iter().map(|(name, risk)| Environment { name: (*name).into(), risk: *risk }).collect()
}

fn gate(environment: &str) -> Gate {
    Gate {
        id: ObjectId::new(&"forge".into(), Family::gate(), "acme/payments/1"),
        service: "payments".into(),
        environment: environment.into(),
        version: payments().canary,
        ..ship()
    }
}

/// Payments in prod, and in staging with what waits to go to prod; a forge and two clusters tell what it is given.
fn model() -> Model {
    let mut session = seeing(Vec::new()).session;
    session.comparing.environments = configured(&[("staging", Risk::Low), ("prod", Risk::High)]);
    session.sources.push(source("forge", &[("run", Noun::Run), ("gate", Noun::Gate)], 30));
    session.sources.push(source("kubernetes-staging", &[("argo_rollouts", Noun::Rollout)], 5));
    for info in session.sources.iter_mut().filter(|info| info.name.as_str() != "prometheus") {
        info.answers.push(Topic::Settings);
    }
    let mut model = Model::new(session, now(), (120, 36));
    see(&mut model, now(), vec![payments()]);
    let mut staged = payments();
    staged.id = ObjectId::new(&"kubernetes-staging".into(), "argo_rollouts", "shop/payments");
    (staged.environment, staged.stable) = ("staging".into(), payments().canary);
    hears(
        &mut model,
        ("kubernetes-staging", "argo_rollouts"),
        now(),
        Ok(vec![Part::whole("argo_rollouts".into(), vec![staged])]),
    );
    let parts = vec![
        Part::whole(Family::run(), Vec::<crate::domain::pipeline::Run>::new()),
        Part::whole(Family::gate(), vec![gate("prod")]),
    ];
    hears(&mut model, ("forge", "run"), now(), Ok(parts));
    model
}

fn settings(all: &[(&str, Option<u64>)], unread: &[&str]) -> Settings {
    let one = |(name, mark): &(&str, Option<u64>)| {
        Setting::new(name, "somewhere", mark.map_or(Content::Hidden, |mark| Content::Marked(Mark(mark))))
    };
    Settings { all: all.iter().map(one).collect(), unread: unread.iter().map(|it| (*it).to_owned()).collect() }
}

fn tells(model: &mut Model, source: &str, environment: &str, told: Result<Settings, Fault>) {
    let question = Question::Settings { service: "payments".into(), environment: environment.into() };
    let told = told.map(Told::Settings);
    update(model, Msg::Told { source: source.into(), at: now(), question, told });
}

/// Whoever can be asked answers, each with nothing but what is given here.
fn told(here: &[(&str, Option<u64>)], there: &[(&str, Option<u64>)]) -> Model {
    let mut model = model();
    tells(&mut model, "forge", "prod", Ok(settings(here, &[])));
    tells(&mut model, "forge", "staging", Ok(settings(there, &[])));
    tells(&mut model, "kubernetes-eu", "prod/eu-west-1", Ok(Settings::default()));
    tells(&mut model, "kubernetes-staging", "staging", Ok(Settings::default()));
    model
}

fn said(model: &Model) -> String {
    of(model, &gate("prod").id).unwrap().words()
}

#[test]
fn each_environment_is_compared_with_the_one_of_next_lower_risk_or_that_usually_comes_before_it_or_that_is_named() {
    type Case<'a> = (&'a [(&'a str, Risk)], &'a str, Option<&'a str>);
    let table: [Case<'_>; 7] = [
        (&[("dev", Risk::Low), ("staging", Risk::Medium), ("prod", Risk::High)], "prod", Some("staging")),
        (&[("dev", Risk::Low), ("staging", Risk::Low), ("prod", Risk::High)], "prod", Some("staging")),
        (&[("qa", Risk::High), ("stage", Risk::High), ("production", Risk::High)], "production", Some("stage")),
        (&[("staging", Risk::Low), ("prod", Risk::High)], "prod/eu-west-1", Some("staging")),
        (&[("staging", Risk::Low), ("prod", Risk::High)], "staging", None),
        (&[("blue", Risk::High), ("green", Risk::High)], "green", None),
        (&[], "prod", None),
    ];
    for (environments, here, expected) in table {
        let mut model = seeing(Vec::new());
        model.session.comparing.environments = configured(environments);
        let pair = pair_of(&model, &"payments".into(), &here.into(), None);
        assert_eq!(pair.map(|pair| pair.there), expected.map(Into::into), "{here} of {environments:?}");
    }
    let mut model = seeing(Vec::new());
    let of = Compared { from: Some("green".into()), expected: Vec::new() };
    model.session.comparing.services.insert("payments".into(), of);
    let pair =
        |model: &Model, there: Option<&EnvironmentName>| pair_of(model, &"payments".into(), &"blue".into(), there);
    assert_eq!(pair(&model, None).unwrap().there, "green".into());
    assert_eq!(pair(&model, Some(&"red".into())).unwrap().there, "red".into());
    assert_eq!(pair(&model, Some(&"blue/eu".into())), None, "it is a part of it");
}

#[test]
fn a_cluster_is_asked_where_it_runs_the_service_and_a_forge_for_both_environments() {
    let model = model();
    let pair = pair(&model, &gate("prod").id).unwrap();
    let asked: Vec<String> =
        questions(&model, &pair).iter().map(|(source, place)| format!("{source} {place}")).collect();
    let expected = [
        "forge payments in prod",
        "forge payments in staging",
        "kubernetes-eu payments in prod/eu-west-1",
        "kubernetes-staging payments in staging",
    ];
    assert_eq!(asked, expected);
    assert_eq!(unread(&model, &pair).len(), 4);
}

#[test]
fn what_was_answered_is_asked_again_only_once_it_is_old_and_an_error_counts_as_an_answer() {
    let mut model = told(&[], &[]);
    let pair = pair(&model, &gate("prod").id).unwrap();
    tells(&mut model, "forge", "prod", Err(Fault::new(now(), FaultKind::Server, "502")));
    assert_eq!(unread(&model, &pair), []);
    update(&mut model, Msg::Tick(now() + FRESH));
    assert_eq!(unread(&model, &pair).len(), 4);
}

#[test]
fn settings_are_compared_name_by_name_and_only_what_is_known_to_be_alike_is() {
    let here = [("A", Some(1)), ("B", Some(2)), ("C", None), ("E", Some(5))];
    let there = [("A", Some(1)), ("B", Some(3)), ("C", None), ("D", Some(4))];
    let model = told(&here, &there);
    let drift = of(&model, &gate("prod").id).unwrap();
    let rows: Vec<_> = drift.rows.iter().map(|row| (row.name, row.kind, row.unsure)).collect();
    let expected = [
        ("D", Kind::MissingHere, false),
        ("B", Kind::Differs, false),
        ("E", Kind::MissingThere, false),
        ("C", Kind::Hidden, false),
    ];
    assert_eq!((rows.as_slice(), drift.same, drift.reading), (expected.as_slice(), 1, false));
    let words = "same artifact, 3 settings differ from staging: D (not set in prod), B, E (not set in staging); 1 cannot be compared";
    assert_eq!(said(&model), words);
}

#[test]
fn what_nobody_shows_is_the_same_where_both_are_given_the_very_same_one() {
    let given = |marks: &[(&str, u64)]| {
        let one = |(name, mark): &(&str, u64)| Setting::new(name, "of the project", Content::HiddenOne(Mark(*mark)));
        Settings { all: marks.iter().map(one).collect(), unread: Vec::new() }
    };
    let mut model = told(&[], &[]);
    tells(&mut model, "forge", "prod", Ok(given(&[("PIN", 1), ("KEY", 2)])));
    tells(&mut model, "forge", "staging", Ok(given(&[("PIN", 1), ("KEY", 3)])));
    let drift = of(&model, &gate("prod").id).unwrap();
    let rows: Vec<_> = drift.rows.iter().map(|row| (row.name, row.kind)).collect();
    assert_eq!((rows, drift.same), (vec![("KEY", Kind::Hidden)], 1));
}

#[test]
fn what_is_meant_to_differ_is_listed_and_counted_nowhere() {
    let mut model = told(&[("DB_HOST", Some(1)), ("MODE", Some(2))], &[("DB_HOST", Some(3)), ("MODE", Some(2))]);
    assert_eq!(said(&model), "same artifact, 1 setting differs from staging: DB_HOST");
    let expected = vec![NamePattern::try_from("*_HOST".to_owned()).unwrap()];
    model.session.comparing.services.insert("payments".into(), Compared { from: None, expected });
    assert_eq!(said(&model), "no setting is known to differ from staging, 1 are the same");
    assert_eq!(of(&model, &gate("prod").id).unwrap().rows.len(), 1);
}

#[test]
fn what_cannot_be_read_is_said_and_never_counts_as_equal() {
    let mut model = told(&[("A", Some(1))], &[("A", Some(1)), ("B", Some(2))]);
    tells(
        &mut model,
        "forge",
        "prod",
        Ok(settings(&[("A", Some(1))], &["variables of the organisation cannot be read: no"])),
    );
    let words = "same artifact, 1 setting differs from staging: B (perhaps not set in prod); variables of the organisation cannot be read: no";
    assert_eq!(said(&model), words);
    let mut model = super::tests::model();
    let refused = || Err(Fault::new(now(), FaultKind::Forbidden, "it needs Variables: read"));
    for (source, environment) in [
        ("forge", "prod"),
        ("forge", "staging"),
        ("kubernetes-eu", "prod/eu-west-1"),
        ("kubernetes-staging", "staging"),
    ] {
        assert!(of(&model, &gate("prod").id).unwrap().reading);
        tells(&mut model, source, environment, refused());
    }
    let drift = of(&model, &gate("prod").id).unwrap();
    assert!(!drift.is_compared() && !drift.reading);
    let words = "whether settings differ from staging is not known; settings of prod cannot be read: it needs Variables: read; and 1 more cannot be said";
    assert_eq!(drift.words(), words);
}

#[test]
fn what_only_one_environment_has_somebody_to_tell_of_is_not_taken_to_be_missing_in_the_other() {
    let mut model = told(&[("A", Some(1))], &[("A", Some(1))]);
    tells(&mut model, "kubernetes-eu", "prod/eu-west-1", Ok(settings(&[("X", Some(1))], &[])));
    tells(&mut model, "kubernetes-staging", "staging", Err(Fault::new(now(), FaultKind::Missing, "nothing runs it")));
    let drift = of(&model, &gate("prod").id).unwrap();
    assert_eq!((drift.rows.len(), drift.same), (0, 1));
    assert_eq!(
        drift.unknown,
        ["what workloads of payments are given in staging is not known: no connection tells of it"]
    );
}

#[test]
fn a_failure_clears_nothing_that_was_read_and_says_so() {
    let mut model = told(&[("A", Some(1))], &[("A", Some(2))]);
    tells(&mut model, "forge", "prod", Err(Fault::new(now(), FaultKind::Server, "502")));
    assert_eq!(said(&model), "same artifact, 1 setting differs from staging: A; settings of prod cannot be read: 502");
}

#[test]
fn an_approval_has_the_difference_as_a_note_and_where_policy_says_so_as_a_risk() {
    let planned = |mut model: Model, weight: Weight| {
        model.session.comparing.weight = weight;
        let gate = gate("prod");
        let ask = crate::port::plan::Ask::new(crate::domain::verb::Verb::Approve, gate.id.clone());
        let draft = crate::app::sample::draft(&payments(), ask.verb);
        let plan = crate::app::guard::plan(&model, &ask, Ok(draft)).unwrap();
        (plan.draft.notes, plan.risks)
    };
    let compared = || told(&[("A", Some(1))], &[("A", Some(2))]);
    let words = "same artifact, 1 setting differs from staging: A".to_owned();
    let (notes, risks) = planned(compared(), Weight::Note);
    assert!(notes.contains(&words) && !risks.contains(&words), "{notes:?} {risks:?}");
    let (notes, risks) = planned(compared(), Weight::Risk);
    assert!(!notes.contains(&words) && risks.contains(&words), "{notes:?} {risks:?}");
    // Where it counts as a risk, that nobody has answered yet is one, too.
    let unread = "settings of prod and staging are being read".to_owned();
    let counts = |weight| planned(model(), weight).1.contains(&unread);
    assert_eq!([Weight::Note, Weight::Risk].map(counts), [false, true]);
}
