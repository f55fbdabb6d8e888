//! Names over models: what each stands for, and what is said of those that stand for nothing or for several.

use super::*;
use crate::{
    app::sample::hears,
    cli::sample,
    domain::{
        gate::Gate,
        object::Family,
        offer::Offer,
        rollout::{Phase, Rollout, Strategy},
    },
    port::inventory::Part,
};

fn resolved(verb: Verb, name: &str) -> Result<String, String> {
    resolve(&sample::model(), verb, name, None).map(|target| target.to_string()).map_err(|e| {
        assert_eq!(e.exit, Exit::Usage);
        e.text().to_owned()
    })
}

#[test]
fn a_verb_picks_what_it_can_act_on() {
    let (eu, us) = ("eu/argo_rollouts/shop/payments", "us/argo_rollouts/shop/payments");
    let (gate, run) = ("github/gate/acme/ledger/812/prod", "github/run/acme/ledger/812");
    let table = [
        (Verb::Abort, "payments@prod/eu", eu),
        (Verb::Abort, us, us),
        // Only the one in eu waits for a human.
        (Verb::Approve, "payments", eu),
        (Verb::Approve, "ledger", gate),
        (Verb::Approve, "ledger@prod", gate),
        (Verb::Reject, "ledger@prod/eu", gate),
        // 811 has ended and cannot be cancelled.
        (Verb::Cancel, "ledger", run),
        (Verb::Cancel, gate, run),
        (Verb::Rerun, "ledger@prod/eu", run),
        (Verb::Rerun, "ledger#811", "github/run/acme/ledger/811"),
        (Verb::Approve, "ledger#812", gate),
        // A full id is taken at its word; the guard says what does not work on it.
        (Verb::Abort, gate, gate),
    ];
    for (verb, name, expected) in table {
        assert_eq!(resolved(verb, name), Ok(expected.to_owned()), "{verb} {name}");
    }
}

#[test]
fn what_exchanges_versions_is_meant_before_the_source_that_declares_them_and_whichever_alone_has_the_verb() {
    let mut model = sample::model();
    let mut eu = sample::rollout(&"eu".into(), Phase::Paused);
    eu.offers.retain(|offer| offer.verb != Verb::Sync);
    sample::sees(&mut model, "eu", eu.clone());
    let id = ObjectId::new(&"eu".into(), "argo_rollouts", "argocd/payments");
    let offers = [Verb::Pause, Verb::Sync].map(|verb| Offer::open(verb, crate::domain::offer::Risk::High)).to_vec();
    sample::sees(&mut model, "eu", Rollout { id: id.clone(), strategy: Strategy::Declared, offers, ..eu });
    let named = |verb, name: &str| resolve(&model, verb, name, None).map_err(|error| error.text().to_owned());
    assert_eq!(named(Verb::Pause, "payments@prod/eu"), Ok(sample::payments("eu")));
    assert_eq!(named(Verb::Abort, "payments@prod/eu"), Ok(sample::payments("eu")));
    assert_eq!(named(Verb::Sync, "payments@prod/eu"), Ok(id.clone()));
    assert_eq!(named(Verb::Pause, &id.to_string()), Ok(id));
}

#[test]
fn an_ambiguous_name_lists_the_candidates() {
    let said = "'payments@prod' is more than one thing to abort; name one:\
                \n  payments@prod/eu  eu/argo_rollouts/shop/payments  1.41.3 → 1.42.0\
                \n  payments@prod/us  us/argo_rollouts/shop/payments  1.41.3 → 1.42.0";
    assert_eq!(resolved(Verb::Abort, "payments@prod"), Err(said.to_owned()));
}

#[test]
fn of_several_runs_none_is_picked_to_run_again() {
    let said = "'ledger' is more than one thing to rerun; name one:\
                \n  ledger#811  github/run/acme/ledger/811  release, main\
                \n  ledger#812  github/run/acme/ledger/812  release, main";
    assert_eq!(resolved(Verb::Rerun, "ledger"), Err(said.to_owned()));
}

#[test]
fn of_several_the_only_one_that_can_be_of_the_expected_version_is_taken() {
    let mut model = sample::model();
    let eu = sample::rollout(&"eu".into(), Phase::Paused);
    sample::sees(&mut model, "eu", Rollout { canary: Some(Version::tagged("1.43.0")), ..eu.clone() });
    let take = |model: &Model, version: &str| resolve(model, Verb::Abort, "payments", Some(version));
    assert_eq!(take(&model, "1.43.0"), Ok(sample::payments("eu")));
    assert_eq!(take(&model, "1.42.0"), Ok(sample::payments("us")));
    let none = take(&model, "1.44.0").unwrap_err();
    assert_eq!(none.exit, Exit::Changed);
    assert!(
        none.text().starts_with("nothing of 'payments' to abort is 1.44.0; there is:\n  payments@prod/eu"),
        "{none}"
    );
    let unknown = Rollout { stable: None, canary: None, ..eu };
    sample::sees(&mut model, "eu", unknown);
    let open = take(&model, "1.42.0").unwrap_err();
    assert_eq!(open.exit, Exit::Usage, "what it is there is not known, so it may be that: {open}");
}

#[test]
fn an_unknown_name_lists_what_there_is() {
    let said = "there is no 'ledgre' to reject; there is:\
                \n  ledger@prod/eu  github/gate/acme/ledger/812/prod  deploy #812, main (a1b2c3d)";
    assert_eq!(resolved(Verb::Reject, "ledgre"), Err(said.to_owned()));
    assert!(resolved(Verb::Abort, "payments@pro").is_err(), "a stage is named whole");
}

#[test]
fn a_gate_that_somebody_opened_meanwhile_is_no_mistake_of_whoever_names_it() {
    let mut model = sample::model();
    let at = model.now;
    hears(&mut model, ("github", "run"), at, Ok(vec![Part::whole(Family::gate(), Vec::<Gate>::new())]));
    let gone = resolve(&model, Verb::Approve, "github/gate/acme/ledger/812/prod", None).unwrap_err();
    assert_eq!(gone.exit, Exit::Changed);
    let said = "there is no 'github/gate/acme/ledger/812/prod' to approve: it was opened or ended meanwhile, or never was there";
    assert_eq!(gone.text(), said);
    let gone = resolve(&model, Verb::Approve, "ledger", None).unwrap_err();
    assert_eq!(gone.exit, Exit::Changed);
    assert_eq!(gone.text(), "nothing of 'ledger' waits to be let through: it was, or has ended");
    assert_eq!(resolve(&model, Verb::Approve, "ledgre", None).unwrap_err().exit, Exit::Usage);
}

#[test]
fn what_never_waited_for_a_human_has_no_gate_and_what_just_came_past_one_had() {
    let mut model = sample::model();
    let mut rollout = sample::rollout(&"eu".into(), Phase::Progressing);
    (rollout.pause, rollout.step) = (None, Some(rollout.steps.len()));
    let error = |model: &Model| resolve(model, Verb::Approve, "payments@prod/eu", None).unwrap_err();
    rollout.steps.iter_mut().for_each(|step| step.kind = StepKind::SetWeight(50));
    sample::sees(&mut model, "eu", rollout.clone());
    assert_eq!(error(&model).exit, Exit::Usage);
    let said = "no gate here: 'payments@prod/eu' waits for nobody, and nothing says that it ever did; there is:";
    assert!(error(&model).text().starts_with(said), "{}", error(&model));
    rollout.steps[0].kind = StepKind::Pause(None);
    rollout.step_times = [(1, model.now)].into();
    sample::sees(&mut model, "eu", rollout);
    assert_eq!(error(&model).exit, Exit::Changed);
}

#[test]
fn a_bare_name_picks_nothing_while_a_cluster_that_may_have_another_has_not_answered() {
    let mut model = sample::silent();
    let parts = vec![Part::whole("argo_rollouts".into(), [sample::rollout(&"us".into(), Phase::Progressing)])];
    let at = model.now;
    hears(&mut model, ("us", "argo_rollouts"), at, Ok(parts));
    let error = resolve(&model, Verb::Rollback, "payments", None).unwrap_err();
    assert_eq!(error.exit, Exit::Unreachable);
    let said = "'payments' may be more than one thing to roll back: not everything could be looked at.\
                \n  eu: has not answered yet\
                \nname it fully:\
                \n  payments@prod/us  us/argo_rollouts/shop/payments  1.41.3 → 1.42.0";
    assert_eq!(error.text(), said);
    for named in ["payments@prod/us", "us/argo_rollouts/shop/payments"] {
        assert_eq!(resolve(&model, Verb::Rollback, named, None).unwrap().to_string(), "us/argo_rollouts/shop/payments");
    }
    let elsewhere = resolve(&model, Verb::Rollback, "payments@prod/eu", None).unwrap_err();
    assert_eq!(elsewhere.exit, Exit::Unreachable, "eu is not read, not empty");
}

#[test]
fn a_name_is_not_called_unknown_while_nobody_has_answered() {
    let error = resolve(&sample::silent(), Verb::Abort, "payments", None).unwrap_err();
    assert_eq!(error.exit, Exit::Unreachable);
    assert!(error.text().starts_with("cannot look for 'payments' everywhere:\n  eu: has not answered yet"), "{error}");
}
