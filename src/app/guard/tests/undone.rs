//! Who undoes a way back by themselves, as its card says it.

use super::*;
use crate::domain::{rollout::Strategy, upkeep::Upkeep};

#[test]
fn going_back_says_by_name_who_puts_back_what_is_left_as_long_as_somebody_does() {
    let mut session = blind().session;
    session.sources.push(source("cd", &[("application", Noun::Rollout)], 30));
    let mut model = Model::new(session, now(), (120, 36));
    see(&mut model, now(), vec![open(payments())]);
    let by = ObjectId::new(&"cd".into(), "application", "shop/payments-prod");
    let application = Rollout { id: by.clone(), strategy: Strategy::Declared, ..payments() };
    let upkeep = Upkeep {
        by,
        called: "Argo CD shop/payments-prod".to_owned(),
        environment: payments().environment,
        keeps: vec![payments().id.path],
        undoes: "within seconds: it heals itself".to_owned(),
    };
    let said = |model: &Model, verb| {
        let notes = plan(model, &ask_for(verb), Ok(draft(&payments(), verb))).unwrap().draft.notes;
        notes.into_iter().filter(|note| note.contains("puts")).collect::<Vec<_>>()
    };
    let tell = |model: &mut Model, upkeep: Vec<Upkeep>| {
        let part = Part::whole("application".into(), [application.clone()]).keeping(upkeep);
        hears(model, ("cd", "application"), now(), Ok(vec![part]));
    };
    assert_eq!(said(&model, Verb::Rollback), Vec::<String>::new());
    tell(&mut model, vec![upkeep]);
    let back = "Argo CD shop/payments-prod puts 1.42.0 (a1b2c3d) back within seconds: it heals itself";
    assert_eq!(said(&model, Verb::Rollback), [back]);
    assert_eq!(said(&model, Verb::Pause), Vec::<String>::new(), "that is none of its business");
    tell(&mut model, Vec::new());
    assert_eq!(said(&model, Verb::Rollback), Vec::<String>::new(), "it does so no more");
}
