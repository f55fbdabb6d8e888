//! What is known of the way to a version: by hand, of payments 1.41.3 → 1.42.0 at 25 %.

use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    app::{
        guard,
        intent::Intent,
        lineage::Between,
        msg::Msg,
        sample::{ask, draft, now, payments, seeing, source},
        update::update,
        wants::wants,
    },
    domain::{
        changes::Changes,
        files::PathPattern,
        observed::{Fault, FaultKind},
        pipeline::Run,
        preflight::{Image, Kept},
    },
    port::{inventory::Part, lookup::Told, plan::Friction},
};

const IMAGE: &str = "registry.test/shop/payments:1.41.3";

/// The cluster answers what stands in the way, a registry which images are kept.
fn model(rollout: Rollout) -> Model {
    let mut model = seeing(vec![rollout]);
    for info in model.session.sources.iter_mut().filter(|info| info.name.as_str() == "kubernetes-eu") {
        info.answers.push(Topic::Preflight);
    }
    let images = crate::app::store::SourceInfo { answers: vec![Topic::Image], ..source("images", &[], 60) };
    model.session.sources.push(images);
    model
}

fn told(checks: Vec<Check>, to_start: u32) -> Preflight {
    let takes = if to_start == 0 { Takes::AtOnce } else { Takes::About { span: Duration::from_secs(8), batches: 1 } };
    let images = vec![Image { name: IMAGE.to_owned(), runs: None }];
    Preflight { checks, takes, to_start, images, interrupts: vec!["1 of 12 pods is missing".to_owned()] }
}

/// The cluster tells it of the way back.
fn tell(model: &mut Model, preflight: Preflight) {
    let question = Question::Preflight { rollout: payments().id, hash: "ba5e".to_owned(), heading: Heading::Back };
    let msg = Msg::Told { source: payments().id.source, at: model.now, question, told: Ok(Told::Preflight(preflight)) };
    update(model, msg);
}

/// The registry tells it of the image.
fn keep(model: &mut Model, kept: Result<Kept, Fault>) {
    let question = Question::Image { name: IMAGE.to_owned() };
    update(model, Msg::Told { source: "images".into(), at: model.now, question, told: kept.map(Told::Image) });
}

fn words(model: &Model) -> (Grade, String) {
    let rollout = model.store.rollout(&payments().id).unwrap();
    let outlook = back(model, rollout).unwrap();
    (outlook.grade(), outlook.words())
}

fn asked(model: &Model) -> Vec<String> {
    let questions = wants(model).questions.into_iter();
    let one = |(source, question): (SourceName, Question)| match question {
        Question::Preflight { hash, heading, .. } => Some(format!("{source}: {heading} to {hash}")),
        Question::Image { name } => Some(format!("{source}: {name}")),
        _ => None,
    };
    questions.filter_map(one).collect()
}

#[test]
fn what_flies_is_asked_about_once_in_a_while_and_its_image_once_it_is_known() {
    let mut model = model(payments());
    assert_eq!(asked(&model), ["kubernetes-eu: back to ba5e"]);
    tell(&mut model, told(Vec::new(), 3));
    assert_eq!(asked(&model), [format!("images: {IMAGE}")]);
    keep(&mut model, Ok(Kept::Elsewhere));
    assert_eq!(asked(&model), Vec::<String>::new());
    model.now += TimeDelta::seconds(20);
    assert_eq!(asked(&model), Vec::<String>::new());
    update(&mut model, Msg::Intent(Intent::Open));
    assert_eq!(asked(&model), ["kubernetes-eu: back to ba5e"], "somebody looks at it");
    update(&mut model, Msg::Intent(Intent::Back));
    model.now += TimeDelta::seconds(30);
    assert_eq!(asked(&model), ["kubernetes-eu: back to ba5e"]);
}

#[test]
fn the_worst_of_what_is_known_is_what_is_said_and_how_long_it_takes_where_it_works() {
    let mut model = model(payments());
    assert_eq!(words(&model), (Grade::Good, "9 of 12 pods ready".to_owned()));
    tell(&mut model, told(vec![Check::new(About::Quota, Grade::Good, "the quota leaves room")], 3));
    assert_eq!(words(&model), (Grade::Good, "9 of 12 pods ready; about 8 s".to_owned()));
    keep(&mut model, Ok(Kept::There { digest: None, tags: Ok(3) }));
    let few = format!("only 3 tags are kept beside {IMAGE}: a clean-up may take it; about 8 s");
    assert_eq!(words(&model), (Grade::Amber, few));
    keep(&mut model, Err(Fault::new(now(), FaultKind::Forbidden, "403")));
    assert_eq!(words(&model).0, Grade::Amber, "an error clears nothing");
    keep(&mut model, Ok(Kept::Gone));
    let gone = format!("the image {IMAGE} is gone, and 3 pods would have to start");
    assert_eq!(words(&model), (Grade::Red, gone));
    tell(&mut model, told(Vec::new(), 0));
    let later = format!("the image {IMAGE} is gone: a pod that must start anew cannot; at once");
    assert_eq!(words(&model), (Grade::Amber, later));
}

#[test]
fn a_tag_that_stands_for_another_image_than_the_one_that_runs_is_said() {
    let mut model = model(payments());
    let runs = Some("sha256:aaaaaaaaaaaaaaaa".to_owned());
    let images = vec![Image { name: IMAGE.to_owned(), runs }];
    tell(&mut model, Preflight { images, ..told(Vec::new(), 0) });
    let there = |digest: &str| Ok(Kept::There { digest: Some(digest.to_owned()), tags: Ok(9) });
    keep(&mut model, there("sha256:AAAAAAAAAAAAAAAA"));
    assert_eq!(words(&model).0, Grade::Good);
    keep(&mut model, there("sha256:bbbbbbbbbbbbbbbb"));
    let moved = format!(
        "{IMAGE} stands for another image now (aaaaaaaaaaaa → bbbbbbbbbbbb): a pod that starts anew runs that; at once"
    );
    assert_eq!(words(&model), (Grade::Amber, moved));
}

#[test]
fn what_nobody_can_tell_is_unknown_and_what_was_told_long_ago_too() {
    let mut model = model(payments());
    let question = Question::Preflight { rollout: payments().id, hash: "ba5e".to_owned(), heading: Heading::Back };
    let fault = Fault::new(now(), FaultKind::TimedOut, "no answer within 4 s");
    let msg = Msg::Told { source: payments().id.source, at: now(), question, told: Err(fault) };
    update(&mut model, msg);
    let unknown = "what else stands in the way is not known: no answer within 4 s".to_owned();
    assert_eq!(words(&model), (Grade::Unknown, unknown));
    tell(&mut model, told(vec![Check::new(About::Configuration, Grade::Red, "ConfigMap env is not there")], 3));
    assert_eq!(words(&model).0, Grade::Red);
    model.now += OLD;
    let old = "ConfigMap env is not there: that was so at 02:07, and was not read since".to_owned();
    assert_eq!(words(&model), (Grade::Unknown, old));
}

/// Its image is gone, with pods that must start.
fn without_its_image() -> Model {
    let mut model = model(payments());
    tell(&mut model, told(vec![Check::new(About::Automation, Grade::Amber, "Flux manages it")], 3));
    keep(&mut model, Ok(Kept::Gone));
    model
}

#[test]
fn a_red_way_back_is_refused_with_every_reason_and_what_is_safe_instead() {
    let mut model = without_its_image();
    let refusal = guard::ask(&model, ask(Verb::Rollback)).unwrap_err();
    let reasons = [
        format!("image: the image {IMAGE} is gone, and 3 pods would have to start (push it again)"),
        "automation: Flux manages it".to_owned(),
    ];
    assert_eq!(refusal.reasons, reasons);
    let ways = [
        "switch off what 1.42.0 brought, where a flag does that".to_owned(),
        "go on: release a version that mends 1.42.0".to_owned(),
        format!("abort is open, and no safer: the image {IMAGE} is gone, and 3 pods would have to start"),
    ];
    assert_eq!(refusal.ways, ways, "what stands as badly is not called safe");
    assert_eq!(refusal.forces.as_deref(), Some(&Ask { force: true, ..ask(Verb::Rollback) }));
    assert!(guard::ask(&model, ask(Verb::Abort)).is_ok(), "what ends the harm now is never refused");
    // The same in a place where little is at stake: a card, with it as a risk.
    let mut low = payments();
    low.offers.iter_mut().for_each(|offer| offer.risk = Risk::Low);
    crate::app::sample::see(&mut model, now(), vec![low.clone()]);
    let plan = guard::plan(&model, &ask(Verb::Rollback), Ok(draft(&low, Verb::Rollback))).unwrap();
    assert_eq!(plan.risks, [format!("the image {IMAGE} is gone, and 3 pods would have to start")]);
}

#[test]
fn an_abort_that_writes_nothing_anew_is_safe_where_only_automation_is_in_the_way_of_the_spec() {
    let mut model = model(payments());
    tell(&mut model, told(vec![Check::new(About::Automation, Grade::Red, "Flux puts it back at once")], 3));
    keep(&mut model, Ok(Kept::There { digest: None, tags: Ok(9) }));
    let refusal = guard::ask(&model, ask(Verb::Rollback)).unwrap_err();
    let way = "abort: 1.42.0 to 0 %, and it is held there; 1.41.3: 9 of 12 pods ready; about 8 s";
    assert_eq!(refusal.ways[0], way);
}

#[test]
fn what_is_not_known_never_stops_anybody_on_the_way_back() {
    let mut model = model(payments());
    tell(&mut model, told(vec![Check::new(About::Quota, Grade::Unknown, "whether a quota leaves room")], 3));
    keep(&mut model, Err(Fault::new(now(), FaultKind::Unreachable, "down")));
    assert!(guard::ask(&model, ask(Verb::Rollback)).is_ok());
    let plan = guard::plan(&model, &ask(Verb::Rollback), Ok(draft(&payments(), Verb::Rollback))).unwrap();
    assert_eq!((plan.friction, plan.risks), (Friction::Reason, Vec::new()));
    let note = format!("whether a quota leaves room; whether {IMAGE} can be pulled is not known: down");
    assert!(plan.draft.notes.contains(&note), "{:?}", plan.draft.notes);
}

#[test]
fn once_more_the_same_key_asks_for_it_all_the_same_and_wants_the_service_typed() {
    let mut model = without_its_image();
    let press = |model: &mut Model| update(model, Msg::Intent(Intent::Do(Verb::Rollback)));
    assert_eq!(press(&mut model), []);
    assert!(matches!(&model.nav.overlay, Some(Overlay::Refused(_))));
    let forced = Ask { force: true, ..ask(Verb::Rollback) };
    assert_eq!(press(&mut model), [crate::app::effect::Effect::Draft(forced.clone())]);
    let plan = guard::plan(&model, &forced, Ok(draft(&payments(), Verb::Rollback))).unwrap();
    assert_eq!(plan.friction, Friction::ReadBackAndReason("payments".to_owned()));
    assert_eq!(plan.risks, [format!("the image {IMAGE} is gone, and 3 pods would have to start")]);
}

#[test]
fn a_card_that_was_open_before_it_was_known_sends_nothing() {
    let mut model = model(payments());
    crate::app::sample::go(&mut model);
    let effects = update(&mut model, Msg::Intent(Intent::Do(Verb::Rollback)));
    assert_eq!(effects, [crate::app::effect::Effect::Draft(ask(Verb::Rollback))]);
    let drafted = |model: &mut Model| {
        let draft = Box::new(Ok(draft(&payments(), Verb::Rollback)));
        update(model, Msg::Drafted { ask: ask(Verb::Rollback), draft, then: Vec::new() })
    };
    drafted(&mut model);
    assert!(matches!(&model.nav.overlay, Some(Overlay::Card(card)) if card.moved.is_none()));
    tell(&mut model, told(vec![Check::new(About::Configuration, Grade::Red, "ConfigMap env is not there")], 3));
    drafted(&mut model);
    let Some(Overlay::Card(card)) = &model.nav.overlay else { panic!("{:?}", model.nav.overlay) };
    assert_eq!(card.moved.as_deref(), Some("settings: ConfigMap env is not there"));
}

#[test]
fn what_goes_forward_says_that_there_is_no_safe_way_back() {
    let mut model = without_its_image();
    crate::app::sample::go(&mut model);
    let plan = guard::plan(&model, &ask(Verb::Promote), Ok(draft(&payments(), Verb::Promote))).unwrap();
    let red = format!("no safe way back to 1.41.3: the image {IMAGE} is gone, and 3 pods would have to start");
    assert_eq!(plan.risks, [red]);
}

/// A run that built 1.42.0, in a forge that compares commits; the service declares what cannot be taken back.
fn declaring() -> Model {
    let mut model = model(payments());
    let forge = crate::app::store::SourceInfo {
        answers: vec![Topic::Changes],
        ..source("forge", &[("run", crate::domain::item::Noun::Run)], 30)
    };
    model.session.sources.push(forge);
    model.store = crate::app::store::Store::of(&model.session.sources);
    crate::app::sample::see(&mut model, now(), vec![payments()]);
    let id = ObjectId::new(&"forge".into(), "run", "acme/payments/1");
    let run = Run { id, service: "payments".into(), version: payments().canary.unwrap(), ..crate::app::sample::run() };
    let part = Part::whole("run".into(), [run]);
    crate::app::sample::hears(&mut model, ("forge", "run"), now(), Ok(vec![part]));
    let pattern = PathPattern::try_from("migrations/**drop*".to_owned()).unwrap();
    model.session.files.irreversible = BTreeMap::from([("payments".into(), vec![pattern])]);
    model
}

fn between_them() -> Between {
    let commit = |version: &Option<crate::domain::version::Version>| version.as_ref().unwrap().commit.clone().unwrap();
    Between {
        run: ObjectId::new(&"forge".into(), "run", "acme/payments/1"),
        base: commit(&payments().stable),
        head: commit(&payments().canary),
    }
}

#[test]
fn what_a_service_declares_irreversible_is_red_where_the_version_changed_it_and_unknown_where_nobody_can_say() {
    let mut model = declaring();
    let question = between_them().question();
    assert!(wants(&model).questions.contains(&("forge".into(), question.clone())));
    let mut answer = |files: &[&str], all_files: bool| {
        let files = files.iter().map(|file| (*file).to_owned()).collect();
        let changes = Changes { count: 1, files, all_files, ..Changes::default() };
        let told = Ok(Told::Changes(changes));
        update(&mut model, Msg::Told { source: "forge".into(), at: now(), question: question.clone(), told });
        words(&model)
    };
    let red = "1.42.0 changed what cannot be taken back: migrations/0042_drop.sql".to_owned();
    assert_eq!(answer(&["src/a.rs", "migrations/0042_drop.sql"], true), (Grade::Red, red));
    assert_eq!(answer(&["src/a.rs"], true), (Grade::Good, "9 of 12 pods ready".to_owned()));
    let some = "whether 1.42.0 changed what cannot be taken back is not known: not all files are told".to_owned();
    assert_eq!(answer(&["src/a.rs"], false), (Grade::Unknown, some));
    let mut untold = declaring();
    untold.session.sources.retain(|info| info.name.as_str() != "forge");
    assert_eq!(words(&untold).0, Grade::Unknown);
}

/// A run of a forge that deploys payments again, its image gone where it goes.
fn forge(mut model: Model) -> (Model, ObjectId) {
    let forge = crate::app::store::SourceInfo { ..source("forge", &[("run", crate::domain::item::Noun::Run)], 30) };
    model.session.sources.push(forge);
    let answers = model.session.sources.clone();
    model.store = crate::app::store::Store::of(&answers);
    crate::app::sample::see(&mut model, now(), vec![payments()]);
    let id = ObjectId::new(&"forge".into(), "run", "acme/payments/1");
    let offers = vec![crate::domain::offer::Offer::open(Verb::Rollback, Risk::High)];
    let run = Run { id: id.clone(), service: "payments".into(), offers, ..crate::app::sample::run() };
    let part = Part::whole("run".into(), [run]);
    crate::app::sample::hears(&mut model, ("forge", "run"), now(), Ok(vec![part]));
    (model, id)
}

#[test]
fn a_run_that_puts_a_version_back_is_refused_for_what_refuses_the_engine_and_asked_once_more_it_is_read_back() {
    let (mut model, run) = forge(model(payments()));
    let asked = Ask::new(Verb::Rollback, run);
    let drafted = || Ok(draft(&payments(), Verb::Rollback));
    // Nobody looked into it yet: that forbids nothing.
    let plan = guard::plan(&model, &asked, drafted()).unwrap();
    let card = crate::app::card::Card::new(asked.clone(), plan);
    tell(&mut model, told(vec![Check::new(About::Configuration, Grade::Red, "ConfigMap env is not there")], 3));
    let refusal = guard::plan(&model, &asked, drafted()).unwrap_err();
    let why = "1.41.3 (9f8e7d6) cannot serve in prod/eu-west-1: settings: ConfigMap env is not there";
    assert_eq!(refusal.reasons, [why]);
    let abort = "abort is open, and no safer: ConfigMap env is not there".to_owned();
    assert_eq!(refusal.ways.last(), Some(&abort));
    let forced = Ask { force: true, ..asked.clone() };
    assert_eq!(refusal.forces.as_deref(), Some(&forced));
    let plan = guard::plan(&model, &forced, drafted()).unwrap();
    assert_eq!(plan.friction, Friction::ReadBackAndReason("payments".to_owned()));
    assert_eq!(plan.risks, ["1.41.3 (9f8e7d6) cannot serve in prod/eu-west-1: ConfigMap env is not there"]);
    // A card that was drawn before it was known sends nothing.
    let mut card = card;
    card.reason = Some(0);
    assert_eq!(guard::confirm(&model, &card).unwrap_err().reasons, [why]);
}

#[test]
fn where_the_card_of_a_run_leads_is_asked_what_stands_in_the_way_there() {
    let (mut model, run) = forge(model(with_older()));
    crate::app::sample::see(&mut model, now(), vec![with_older()]);
    let asked_for = Ask::new(Verb::Rollback, run);
    let mut drafted = draft(&payments(), Verb::Rollback);
    drafted.to = Some(crate::domain::version::Version::tagged("1.40.0"));
    let plan = guard::plan(&model, &asked_for, Ok(drafted)).unwrap();
    model.nav.overlay = Some(Overlay::Card(Box::new(crate::app::card::Card::new(asked_for, plan))));
    assert!(asked(&model).contains(&"kubernetes-eu: back to 0lder".to_owned()), "{:?}", asked(&model));
}

fn with_older() -> Rollout {
    crate::app::sample::with_an_older_one(payments())
}
