//! What each verb would do, drawn up from recorded states without asking again.

use crate::inventory::Listing;
use holdshort::port::inventory::Inventory;
use std::time::Duration;

use holdshort::{
    domain::{form::Args, item::Noun, rollout::Rollout, verb::Verb, version::Version},
    port::{
        fill::Fill,
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, Facts, WireCall, fact},
        step::Step,
    },
};
use serde_json::{Value, json};

use crate::recorded::{BACK, MOVING, PAUSED, STUCK, State, facet, recorded};

const UID: &str = "b10361dd-1647-4c86-8174-039f30c45c46";
const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=holdshort";

async fn first(facet: &dyn Inventory) -> Rollout {
    facet.rollouts().await.unwrap().remove(0)
}

async fn draft_of(deployment: Value, sets: &str, verb: Verb, to: Option<&str>) -> Result<Draft, Blocked> {
    let facet = facet(deployment, recorded(sets));
    let rollout = first(&*facet).await;
    let target = rollout.id.clone();
    facet.draft_for(&rollout, &Ask { args: Args::back_to(to), ..Ask::new(verb, target) })
}

async fn drafted(state: State, verb: Verb, to: Option<&str>) -> Result<Draft, Blocked> {
    draft_of(recorded(state.0), state.1, verb, to).await
}

fn facts(pairs: &[(&str, &str)]) -> Facts {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn at_most(fact: &str, most: i64) -> Expect {
    Expect { fact: fact.into(), condition: Condition::AtMost(most) }
}

fn operations(draft: &Draft) -> Value {
    serde_json::from_str(draft.steps[0].call.body.sent().unwrap()).unwrap()
}

/// What a client that did the same sent, and a real API server took.
fn recorded_patch() -> Value {
    serde_json::from_str(recorded("rollback-3-json-patch.meta")["request"]["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_roll_back_puts_the_recorded_template_and_its_change_cause_back_in_one_call() {
    let cause = "/metadata/annotations/kubernetes.io~1change-cause";
    let body = json!([
        recorded_patch()[0],
        {"op": "replace", "path": cause, "value": "web 1.5.0 (build 812)"},
    ]);
    let draft = drafted(STUCK, Verb::Rollback, None).await.unwrap();
    assert_eq!(operations(&draft), body);
    let expected = Draft {
        from: Some(Version::tagged("1.6.0-crash")),
        to: Some(Version::tagged("1.5.0")),
        effect: "0 % of its pods, as now, on 1.6.0-crash; 1.5.0 everywhere".into(),
        steps: vec![Step::new(
            &"eu/deployment/shop/web".parse().unwrap(),
            WireCall {
                words: "put the template of web-64cdd77f66 back".into(),
                method: "PATCH".into(),
                path: WEB.into(),
                content_type: "application/json-patch+json".into(),
                body: draft.steps[0].call.body.clone(),
                fills: vec![Fill::revision("/metadata/resourceVersion")],
                command: "kubectl -n shop rollout undo deployment/web --to-revision=2".into(),
                ..WireCall::default()
            },
        )],
        obligations: Vec::new(),
        moment: None,
        bound: facts(&[(fact::UID, UID), (fact::CANARY, "56576f8d66")]),
        expect: Expectation {
            all: vec![
                Expect::is(fact::CANARY, "64cdd77f66"),
                Expect::is("spec taken up by the controller", true),
                at_most("updated pods missing", 0),
                at_most(fact::OTHER_PODS, 0),
                Expect::is(fact::PHASE, "healthy"),
                Expect { fact: fact::UPDATED_READY.into(), condition: Condition::AtLeast(1) },
            ],
            fails_if: vec![],
            frees: None,
            rests: vec![],
            words: Some("3 of 3 pods on 1.5.0".into()),
            within: Duration::from_mins(1),
            progress: Some((fact::UPDATED_READY.into(), "pods".into())),
        },
        undo: "roll back to 1.6.0-crash".into(),
        notes: vec![],
    };
    assert_eq!(draft, expected);
}

#[tokio::test]
async fn a_paused_deployment_is_resumed_and_put_back_in_the_same_call() {
    let draft = drafted(PAUSED, Verb::Rollback, Some("1.5.0")).await.unwrap();
    let body = operations(&draft);
    assert_eq!(draft.steps.len(), 1);
    assert_eq!(body[0], recorded_patch()[0]);
    assert_eq!(body[1], json!({"op": "replace", "path": "/spec/paused", "value": false}));
    assert_eq!(draft.notes, ["the person's pause is ended in the same call: it would hold the way back up"]);
    // kubectl refuses to undo what is paused, so the plain command is the patch itself, with the template from where it stands.
    let command = &draft.steps[0].call.command;
    assert!(command.starts_with("kubectl -n shop get replicasets.apps web-"), "{command}");
    assert!(command.ends_with(" | kubectl -n shop patch deployments.apps web --type=json --patch-file=/dev/stdin"));
}

#[tokio::test]
async fn a_roll_back_of_what_asks_for_no_pods_can_come_true_and_says_how_many_are_asked_for() {
    let mut deployment = recorded(BACK.0);
    deployment["spec"]["replicas"] = json!(0);
    let none = draft_of(deployment, BACK.1, Verb::Rollback, None).await.unwrap();
    let least = |least| Expect { fact: fact::UPDATED_READY.into(), condition: Condition::AtLeast(least) };
    assert!(none.expect.all.contains(&least(0)), "{:?}", none.expect.all);
    assert_eq!(none.expect.words.as_deref(), Some("the spec holds 1.4.0; 0 pods are asked for"));
    let some = drafted(BACK, Verb::Rollback, None).await.unwrap();
    assert!(some.expect.all.contains(&least(1)), "{:?}", some.expect.all);
}

#[tokio::test]
async fn abort_puts_back_what_served_before_and_says_so() {
    let abort = drafted(STUCK, Verb::Abort, None).await.unwrap();
    let mut back = drafted(STUCK, Verb::Rollback, None).await.unwrap();
    back.notes = vec!["a Deployment cannot be aborted: the version that served before is put back".into()];
    assert_eq!(abort, back);
    let why = "nothing is on its way, so there is nothing to abort; roll back puts an earlier version back";
    assert_eq!(drafted(BACK, Verb::Abort, None).await, Err(Blocked(why.into())));
}

#[tokio::test]
async fn a_version_is_put_back_by_any_of_its_names() {
    for name in ["1.4.0", "1", "9ddcd666c"] {
        let draft = drafted(STUCK, Verb::Rollback, Some(name)).await.unwrap();
        assert_eq!(draft.to, Some(Version::tagged("1.4.0")), "{name}");
    }
    let refused = |why: &str| Err(Blocked(why.into()));
    assert_eq!(
        drafted(STUCK, Verb::Rollback, Some("1.6.0-crash")).await,
        refused("the spec holds 1.6.0-crash already")
    );
    let history = "'0.9' is not in its history: 1.6.0-crash (revision 3), 1.5.0 (revision 2), 1.4.0 (revision 1)";
    assert_eq!(drafted(STUCK, Verb::Rollback, Some("0.9")).await, refused(history));
    assert_eq!(drafted(STUCK, Verb::Pause, Some("1.4.0")).await, refused("pause takes no version"));
}

#[tokio::test]
async fn a_pause_says_that_both_versions_go_on_serving_and_a_resume_is_bound_to_all_on_screen() {
    let pause = drafted(MOVING, Verb::Pause, None).await.unwrap();
    assert_eq!(pause.notes, ["both versions go on serving meanwhile"]);
    assert_eq!(
        (pause.effect.as_str(), pause.undo.as_str()),
        ("stays at 0 % of its pods until somebody resumes it", "resume")
    );
    assert_eq!(pause.bound, facts(&[(fact::UID, UID), (fact::CANARY, "64cdd77f66")]));
    let resume = drafted(PAUSED, Verb::Resume, None).await.unwrap();
    let bound = [(fact::UID, UID), (fact::CANARY, "56576f8d66"), (fact::STABLE, "64cdd77f66"), (fact::GENERATION, "5")];
    assert_eq!(resume.bound, facts(&bound));
    assert_eq!(resume.steps[0].call.body.shown(), r#"{"spec":{"paused":null}}"#);
    let expected = [Expect::is(fact::HELD, false), Expect::is("spec taken up by the controller", true)];
    assert_eq!(resume.expect.all, expected);
}

#[tokio::test]
async fn a_restart_is_stamped_with_the_time_and_waits_for_all_pods() {
    let draft = drafted(BACK, Verb::Restart, None).await.unwrap();
    let at = "2026-11-21T06:15:25Z";
    let annotations = json!({"kubectl.kubernetes.io/restartedAt": at});
    assert_eq!(operations(&draft), json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}));
    assert_eq!(draft.expect.all[0], Expect::is("restarted", at));
    assert_eq!(draft.effect, "replaces 4 pods a few at a time; the version stays");
}

#[tokio::test]
async fn verbs_of_other_engines_are_not_offered_and_say_why() {
    let facet = facet(recorded(STUCK.0), recorded(STUCK.1));
    let rollout = first(&*facet).await;
    assert_eq!(facet.tells(), [("deployment".into(), Noun::Rollout)]);
    for verb in [Verb::Promote, Verb::Skip, Verb::PromoteFull, Verb::Retry] {
        assert!(rollout.offers.iter().all(|offer| offer.verb != verb));
        let why = format!("a Deployment has no steps, so there is nothing to {}", verb.words());
        assert_eq!(drafted(STUCK, verb, None).await, Err(Blocked(why)));
    }
}

#[tokio::test]
async fn who_else_writes_the_spec_is_said_before_the_key() {
    let mut deployment = recorded(STUCK.0);
    deployment["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:apps/Deployment:shop/web".into();
    deployment["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "{}".into();
    let draft = draft_of(deployment, STUCK.1, Verb::Rollback, None).await.unwrap();
    let expected = [
        "Argo CD manages this object: with self-heal on it may put its own spec back within seconds",
        "it was made with kubectl apply: applying the same file again brings 1.6.0-crash back",
    ];
    assert_eq!(draft.notes, expected);
}

#[tokio::test]
async fn what_a_real_controller_reached_after_the_recorded_patch_is_what_the_plan_expects() {
    let draft = drafted(STUCK, Verb::Rollback, None).await.unwrap();
    let holds = async |state: State| {
        let facet = facet(recorded(state.0), recorded(state.1));
        let target = first(&*facet).await.id;
        let facts = facet.read(&target).await.unwrap().facts;
        draft.expect.all.iter().filter(|expect| !expect.holds(&facts)).map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(holds(BACK).await, Vec::<String>::new());
    assert_eq!(holds(STUCK).await.len(), 5);
}
