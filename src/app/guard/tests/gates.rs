//! Gates whose runs are being cancelled, or lead to where a way back is under way.

use super::*;

/// A record of a cancel that is under way on the run behind the gate.
fn cancelled() -> Record {
    let mut record = acted((9, now()), ("kim", "wrong"), Verb::Abort, ("c0ffee", None), Stage::Recorded);
    record.intent.plan.verb = Verb::Cancel;
    record.intent.plan.target = ObjectId::new(&"shipper".into(), "run", "shop/7");
    record
}

#[test]
fn a_gate_whose_run_is_being_cancelled_is_not_approved_and_says_who_cancels_it() {
    let mut plain = ship();
    plain.offers = vec![Offer::open(Verb::Approve, Risk::Medium)];
    let mut model = gated(plain);
    let approve = || Ask::new(Verb::Approve, ship().id);
    assert!(super::ask(&model, approve()).is_ok());
    model.actions.recorded(cancelled());
    let refusal = super::ask(&model, approve()).unwrap_err();
    assert_eq!(refusal.reasons, ["its run is being cancelled (kim, 02:07:30)"]);
}

#[test]
fn what_would_come_over_a_way_back_that_is_under_way_says_so_and_is_read_back() {
    let mut plain = ship();
    plain.offers = vec![Offer::open(Verb::Approve, Risk::High)];
    let mut model = gated(plain);
    let approve = |model: &Model| {
        let made = Draft { to: ship().version, ..draft(&payments(), Verb::Approve) };
        plan(model, &Ask::new(Verb::Approve, ship().id), Ok(made)).unwrap()
    };
    assert_eq!(approve(&model).risks, Vec::<String>::new());
    let mut back = acted((3, now()), ("lee", "latency"), Verb::Rollback, ("c0ffee", None), Stage::Recorded);
    (back.intent.plan.service, back.intent.plan.environment) = ("shop".into(), "prod/eu-west-1".into());
    back.intent.plan.draft.to = Some(Version::tagged("4.1.0"));
    model.actions.recorded(back.clone());
    let risk =
        "roll back of shop in prod/eu-west-1 is under way (lee, 02:07:30): what is let through would come over it";
    let card = approve(&model);
    assert_eq!((card.risks, card.friction), (vec![risk.to_owned()], Friction::ReadBackAndReason("c0ff".to_owned())));
    // The way back itself may wait at the gate.
    back.intent.plan.draft.to = ship().version;
    model.actions.recorded(back);
    assert_eq!(approve(&model).risks, Vec::<String>::new());
}

#[test]
fn cancelling_a_run_whose_gate_waits_says_what_does_not_get_there_and_wants_a_reason() {
    let cancel = |gates: &[Gate]| {
        let mut session = blind().session;
        session.sources.push(source("shipper", &[("run", Noun::Run), ("gate", Noun::Gate)], 5));
        let mut model = Model::new(session, now(), (120, 36));
        let runs = [Run { offers: vec![Offer::open(Verb::Cancel, Risk::Medium)], ..run() }];
        let parts = vec![Part::whole(Family::run(), runs), Part::whole(Family::gate(), gates.to_vec())];
        hears(&mut model, ("shipper", "run"), now(), Ok(parts));
        let made = plan(&model, &Ask::new(Verb::Cancel, run().id), Ok(draft(&payments(), Verb::Cancel))).unwrap();
        (made.risk, made.risks, made.friction)
    };
    let waits = Gate { offers: vec![Offer::open(Verb::Approve, Risk::High)], ..ship() };
    let risk = "it waits to go to prod, and that ends with it: 4.2.0 (c0ffee1) does not get there";
    assert_eq!(cancel(&[waits]), (Risk::High, vec![risk.to_owned()], Friction::Reason));
    assert_eq!(cancel(&[]), (Risk::Medium, Vec::new(), Friction::Enter));
}
