//! What each verb would do, drawn up from documented states without asking again.

use std::time::Duration;

use holdshort::{
    domain::{form::Args, item::Noun, verb::Verb, version::Version},
    port::{
        fill::Fill,
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, Facts, WireCall, fact},
        step::Step,
    },
};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use crate::{
    inventory::Listing,
    stage::{Held, NEW, OLD, UID, facet, fluentd, web},
};

const WEB: &str = "/apis/apps/v1/namespaces/shop/statefulsets/web?fieldManager=holdshort";

async fn drafted(held: &Held, verb: Verb, to: Option<&str>) -> Result<Draft, Blocked> {
    let facet = facet(held);
    let rollout = facet.rollouts().await.unwrap().remove(0);
    let target = rollout.id.clone();
    facet.draft_for(&rollout, &Ask { args: Args::back_to(to), ..Ask::new(verb, target) })
}

fn body(draft: &Draft) -> Value {
    serde_json::from_str(draft.steps[0].call.body.sent().unwrap()).unwrap()
}

fn command(draft: &Draft) -> &str {
    &draft.steps[0].call.command
}

fn facts(pairs: &[(&str, &str)]) -> Facts {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn at_most(fact: &str, most: i64) -> Expect {
    Expect { fact: fact.into(), condition: Condition::AtMost(most) }
}

/// A person has paused `web` at this partition, where it was another one before.
fn paused(mut held: Held, before: &str) -> Held {
    held.stateful.as_mut().unwrap()["metadata"]["annotations"] = json!({"holdshort.dev/partition-before": before});
    held
}

#[tokio::test]
async fn a_roll_back_puts_the_kept_template_back_and_names_the_pod_that_is_in_its_way() {
    let held = web(5, 2, 4, 0);
    let draft = drafted(&held, Verb::Rollback, None).await.unwrap();
    let mut template = held.revisions[1]["data"]["spec"]["template"].clone();
    template.as_object_mut().unwrap().remove("$patch");
    assert_eq!(body(&draft), json!([{"op": "replace", "path": "/spec/template", "value": template}]));
    let taken_up = [Expect::is(fact::CANARY, OLD), Expect::is("spec taken up by the controller", true)];
    let expected = Draft {
        from: Some(Version::tagged("0.24")),
        to: Some(Version::tagged("0.21")),
        effect: "25 % → 0 % of its pods on 0.24; 0.21 everywhere".into(),
        steps: vec![Step::new(
            &"eu/stateful_set/shop/web".parse().unwrap(),
            WireCall {
                words: "put the template of web-7b5d4f6c9d back".into(),
                method: "PATCH".into(),
                path: WEB.into(),
                content_type: "application/json-patch+json".into(),
                body: draft.steps[0].call.body.clone(),
                fills: vec![Fill::revision("/metadata/resourceVersion")],
                command: "kubectl -n shop rollout undo statefulset/web --to-revision=2".into(),
                ..WireCall::default()
            },
        )],
        obligations: Vec::new(),
        moment: None,
        bound: facts(&[(fact::UID, UID), (fact::CANARY, NEW)]),
        expect: Expectation {
            all: vec![
                taken_up[0].clone(),
                taken_up[1].clone(),
                at_most("updated pods missing", 0),
                at_most(fact::OTHER_PODS, 0),
                Expect::is(fact::PHASE, "healthy"),
                Expect { fact: fact::UPDATED_READY.into(), condition: Condition::AtLeast(1) },
            ],
            fails_if: vec![],
            rests: taken_up.into_iter().chain([Expect::is("a pod that is not ready is in the way", true)]).collect(),
            frees: Some("delete it, nothing else frees it: kubectl -n shop delete pod web-3".into()),
            words: Some("5 of 5 pods on 0.21".into()),
            within: Duration::from_mins(20),
            progress: Some((fact::UPDATED_READY.into(), "pods".into())),
        },
        undo: "roll back to 0.24".into(),
        notes: vec![
            "the controller waits until web-3 is ready before it puts any pod back, which a broken pod never is \
             (kubernetes#67250): once this is sent, delete it: kubectl -n shop delete pod web-3"
                .into(),
            "how long it takes is not known: pods go one after the other, and none of them has a deadline".into(),
        ],
    };
    assert_eq!(draft, expected);
}

#[tokio::test]
async fn pods_that_go_all_at_once_have_nothing_in_their_way() {
    let mut held = web(5, 2, 4, 0);
    held.stateful.as_mut().unwrap()["spec"]["podManagementPolicy"] = "Parallel".into();
    let draft = drafted(&held, Verb::Abort, None).await.unwrap();
    assert_eq!(draft.expect.rests, []);
    assert_eq!(draft.notes[0], "a StatefulSet cannot be aborted: the version that served before is put back");
    assert!(draft.notes.iter().all(|note| !note.contains("67250")), "{:?}", draft.notes);
}

#[tokio::test]
async fn a_pause_moves_the_partition_to_what_is_updated_and_keeps_what_it_was() {
    let pause = drafted(&web(5, 2, 5, 0), Verb::Pause, None).await.unwrap();
    let partition = |at: u32| json!({"updateStrategy": {"rollingUpdate": {"partition": at}}});
    let mark = |was: Value| json!({"annotations": {"holdshort.dev/partition-before": was}});
    assert_eq!(body(&pause), json!({"metadata": mark("0".into()), "spec": partition(3)}));
    let resume = drafted(&paused(web(5, 2, 5, 3), "0"), Verb::Resume, None).await.unwrap();
    assert_eq!(body(&resume), json!({"metadata": mark(Value::Null), "spec": partition(0)}));
    assert_eq!(resume.effect, "goes on from 40 % of its pods");
    // What the partition was before is where it goes on to, and no further.
    let resume = drafted(&paused(web(5, 2, 5, 3), "1"), Verb::Resume, None).await.unwrap();
    assert_eq!(
        (body(&resume)["spec"].clone(), resume.effect.as_str()),
        (partition(1), "goes on from 40 % of its pods, up to 4 of 5")
    );
    let idle = drafted(&web(5, 5, 5, 0), Verb::Pause, None).await.unwrap();
    assert_eq!(idle.effect, "the next version stops at 0 of 5 pods until somebody resumes it");
}

#[tokio::test]
async fn a_way_back_ends_a_person_s_pause_in_the_same_call() {
    let draft = drafted(&paused(web(5, 2, 5, 3), "0"), Verb::Abort, None).await.unwrap();
    let operations = body(&draft);
    assert_eq!(
        operations[1],
        json!({"op": "replace", "path": "/spec/updateStrategy/rollingUpdate/partition", "value": 0})
    );
    assert_eq!(operations[2], json!({"op": "remove", "path": "/metadata/annotations/holdshort.dev~1partition-before"}));
    let by_hand =
        "kubectl -n shop rollout undo statefulset/web --to-revision=2 && kubectl -n shop patch statefulsets.apps web";
    assert!(command(&draft).starts_with(by_hand), "{}", command(&draft));
}

#[tokio::test]
async fn promote_and_next_go_past_a_partition_of_the_spec_and_are_bound_to_all_on_screen() {
    let held = web(5, 2, 5, 3);
    let promote = drafted(&held, Verb::Promote, None).await.unwrap();
    let bound = [(fact::UID, UID), (fact::CANARY, NEW), (fact::STABLE, OLD), (fact::GENERATION, "2")];
    assert_eq!((promote.bound.clone(), promote.effect.as_str()), (facts(&bound), "2 → 5 of 5 pods on 0.24"));
    assert_eq!(body(&promote), json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}));
    let next = drafted(&held, Verb::Next, None).await.unwrap();
    assert_eq!(next.effect, "2 → 3 of 5 pods on 0.24");
    assert_eq!(body(&next), json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 2}}}}));
}

#[tokio::test]
async fn a_daemon_set_is_put_back_as_kubectl_does() {
    let held = fluentd(3, 1, 3);
    let draft = drafted(&held, Verb::Abort, None).await.unwrap();
    assert_eq!(command(&draft), "kubectl -n shop rollout undo daemonset/fluentd-elasticsearch --to-revision=1");
    assert_eq!((draft.to.clone(), draft.expect.rests.clone()), (Some(Version::tagged("v2.5.1")), Vec::new()));
    let restart = drafted(&fluentd(3, 3, 3), Verb::Restart, None).await.unwrap();
    assert_eq!(command(&restart), "kubectl -n shop rollout restart daemonset/fluentd-elasticsearch");
}

/// Every verb in every state: open, or the beginning of why not.
#[tokio::test]
async fn every_verb_is_open_or_says_why_not_in_every_state() {
    const MOVES: &str = "nothing is on its way";
    const EXCHANGED: &str = "pods are being exchanged";
    const NO_PARTITION: &str = "no partition holds it";
    const BY_HAND: &str = "its update strategy is OnDelete";
    const HOLDS: &str = "a DaemonSet has nothing that holds it";
    let mut on_delete = web(5, 2, 5, 0);
    on_delete.stateful.as_mut().unwrap()["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    // Promote, next, pause, resume, abort, roll back, restart.
    let table: [(&str, Held, [Option<&str>; 7]); 6] = [
        (
            "at rest",
            web(5, 5, 5, 0),
            [Some(NO_PARTITION), Some(NO_PARTITION), None, Some("no person has paused it"), Some(MOVES), None, None],
        ),
        (
            "moving",
            web(5, 2, 4, 0),
            [
                Some(NO_PARTITION),
                Some(NO_PARTITION),
                None,
                Some("no person has paused it"),
                None,
                None,
                Some(EXCHANGED),
            ],
        ),
        (
            "held by its spec",
            web(5, 2, 5, 3),
            [None, None, Some("it stays at 2 of 5"), Some("no pause of a person's"), None, None, Some(EXCHANGED)],
        ),
        (
            "paused",
            paused(web(5, 2, 5, 3), "0"),
            [
                Some("a person has paused it: resume"),
                None,
                Some("a person has paused it already"),
                None,
                None,
                None,
                Some("it is paused"),
            ],
        ),
        (
            "on delete",
            on_delete,
            [Some(BY_HAND), Some(BY_HAND), Some(BY_HAND), Some("no person has paused it"), None, None, Some(BY_HAND)],
        ),
        (
            "daemon set",
            fluentd(3, 1, 3),
            [Some(HOLDS), Some(HOLDS), Some(HOLDS), Some(HOLDS), None, None, Some(EXCHANGED)],
        ),
    ];
    let verbs = [Verb::Promote, Verb::Next, Verb::Pause, Verb::Resume, Verb::Abort, Verb::Rollback, Verb::Restart];
    for (state, held, expected) in table {
        for (verb, expected) in verbs.into_iter().zip(expected) {
            let drafted = drafted(&held, verb, None).await;
            match (&drafted, expected) {
                (Ok(_), None) => {}
                (Err(Blocked(why)), Some(begins)) => assert!(why.starts_with(begins), "{state}, {verb}: {why}"),
                (got, expected) => panic!("{state}, {verb}: {got:?}, not {expected:?}"),
            }
        }
        for verb in Verb::iter().filter(|verb| !verbs.contains(verb)) {
            let Err(Blocked(why)) = drafted(&held, verb, None).await else { panic!("{state}: {verb} is open") };
            let kind = if held.daemon.is_some() { "a DaemonSet " } else { "a StatefulSet " };
            assert!(why.starts_with(kind), "{state}, {verb}: {why}");
        }
    }
}

#[tokio::test]
async fn they_tell_of_rollouts_of_their_own_families() {
    assert_eq!(facet(&web(3, 3, 3, 0)).tells(), [("stateful_set".into(), Noun::Rollout)]);
    assert_eq!(facet(&fluentd(3, 3, 3)).tells(), [("daemon_set".into(), Noun::Rollout)]);
}
