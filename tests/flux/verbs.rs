//! What each verb would do in each state, drawn up without asking again; and what is refused, with the way out.

use std::time::Duration;

use holdshort::{
    domain::{
        form::Value as Answer,
        offer::offer_for,
        rollout::{Pause, PauseReason, Phase},
        verb::Verb,
        version::Version,
    },
    port::{
        fill::Fill,
        plan::{Ask, Draft, Expect, Expectation, Facts, WireCall, fact},
        step::Step,
    },
    provider::flux,
};
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    scene::{BAD, GOOD, Holds, at, condition, drafted, git, object, settled, suspended},
};

const CHECKOUT: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/checkout?fieldManager=flux-client-side-apply";
const TOKEN: &str = "2026-11-30T09:00:00.000000000Z";

fn facts(pairs: &[(&str, &str)]) -> Facts {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn version(revision: &str) -> Version {
    Version::tagged("main").at_commit(revision.rsplit(':').next().unwrap())
}

fn call(words: &str, path: &str, body: &Value, command: &str) -> WireCall {
    WireCall {
        words: words.into(),
        method: "PATCH".into(),
        path: path.into(),
        content_type: "application/merge-patch+json".into(),
        body: body.to_string().as_str().into(),
        fills: vec![Fill::revision("/metadata/resourceVersion")],
        command: format!("kubectl -n flux-system patch {command} --field-manager=flux-client-side-apply"),
        ..WireCall::default()
    }
}

#[tokio::test(start_paused = true)]
async fn pause_suspends_and_says_what_that_does_not_do() {
    let (inventory, rollout) = Holds::these(vec![settled(), git(GOOD)]).only(flux::kustomizations).await;
    let patch = call(
        "suspend it",
        CHECKOUT,
        &json!({"spec": {"suspend": true}}),
        "kustomizations.kustomize.toolkit.fluxcd.io checkout --type=merge -p '{\"spec\":{\"suspend\":true}}'",
    );
    let expected = Draft {
        from: Some(version(GOOD)),
        to: Some(version(GOOD)),
        effect: "nothing is applied any more; main (450796d) stays as it runs".into(),
        steps: vec![Step::new(&rollout.id, patch)],
        obligations: Vec::new(),
        moment: None,
        bound: facts(&[(fact::UID, "uid-checkout"), (fact::HELD, "false")]),
        expect: Expectation {
            all: vec![Expect::is(fact::HELD, true)],
            within: Duration::from_secs(30),
            ..Expectation::default()
        },
        undo: "resume".into(),
        notes: vec![
            "what is being applied right now is not stopped by it".into(),
            "whatever is changed by hand meanwhile stays changed: nobody puts it right until it is resumed".into(),
            "it manages 2 objects, every 10m: Deployment shop/checkout".into(),
        ],
    };
    assert_eq!(drafted(&*inventory, &rollout, Verb::Pause), Ok(expected));
}

#[tokio::test(start_paused = true)]
async fn resume_says_which_revision_it_applies_and_is_done_when_that_is_ready() {
    let (inventory, rollout) = Holds::these(vec![suspended(), git(BAD)]).only(flux::kustomizations).await;
    let pause = Pause { reason: PauseReason::Person, since: Some(at("2026-11-27T09:00:00Z")), until: None };
    assert_eq!((rollout.phase, rollout.held, rollout.pause), (Phase::Paused, true, Some(pause)));
    assert_eq!(rollout.message.as_deref(), Some("suspended by kim"));
    assert_eq!(rollout.troubles, ["its source holds main (67e2c98), and resume applies it"]);
    let draft = drafted(&*inventory, &rollout, Verb::Resume).unwrap();
    assert_eq!(draft.effect, "applies at once what its source holds: main (67e2c98)");
    assert_eq!((draft.from, draft.to), (Some(version(GOOD)), Some(version(BAD))));
    let expect = Expectation {
        all: vec![Expect::is(fact::HELD, false), Expect::is("outcome of generation", "4 ready")],
        fails_if: vec![Expect::is("outcome of generation", "4 failed")],
        words: Some("resumed, and what its source holds is applied".into()),
        within: Duration::from_mins(3),
        ..Expectation::default()
    };
    assert_eq!(draft.expect, expect);
    let bound = facts(&[
        (fact::UID, "uid-checkout"),
        ("revision tried", GOOD),
        ("revision applied", GOOD),
        (fact::GENERATION, "3"),
        ("revision of its source", BAD),
    ]);
    assert_eq!(draft.bound, bound, "a source that moves between makes it another act");
    let body = draft.steps[0].call.body.sent().unwrap();
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json!({"spec": {"suspend": null}}));
}

#[tokio::test(start_paused = true)]
async fn reconcile_asks_with_a_token_and_is_done_when_that_very_request_is_answered() {
    let (inventory, rollout) = Holds::these(vec![settled(), git(GOOD)]).only(flux::kustomizations).await;
    let draft = drafted(&*inventory, &rollout, Verb::Reconcile).unwrap();
    let body = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": TOKEN}}});
    let patch = call(
        "ask for a reconciliation",
        CHECKOUT,
        &body,
        &format!("kustomizations.kustomize.toolkit.fluxcd.io checkout --type=merge -p '{body}'"),
    );
    assert_eq!(draft.steps, [Step::new(&rollout.id, patch)]);
    assert_eq!(draft.effect, "applies what was fetched last: main (450796d), which is applied");
    assert_eq!(draft.moment, Some(at("2026-11-30T09:00:00Z")));
    let answer = |outcome: &str| Expect::is("answer to the request", format!("{TOKEN} {outcome}"));
    assert_eq!((&draft.expect.all, &draft.expect.fails_if), (&vec![answer("ready")], &vec![answer("failed")]));
    let reading = inventory.read(&rollout.id).await.unwrap();
    assert_eq!(reading.facts["answer to the request"], "2026-11-29T09:00:00Z ready", "the one before is no answer");
}

fn with_source(rollout: &holdshort::domain::rollout::Rollout) -> Ask {
    let mut ask = Ask::new(Verb::Reconcile, rollout.id.clone());
    ask.args = ask.args.with("source", Answer::Flag(true));
    ask
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_fetched_first_is_waited_for_before_anything_is_applied() {
    let (inventory, rollout) = Holds::these(vec![settled(), git(GOOD)]).only(flux::kustomizations).await;
    let draft = inventory.draft_for(&rollout, &with_source(&rollout)).unwrap();
    let [fetch, apply] = draft.steps.as_slice() else { panic!("{:?}", draft.steps) };
    let path = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/shop?fieldManager=flux-client-side-apply";
    assert_eq!((fetch.call.path.as_str(), fetch.call.fills.as_slice()), (path, [].as_slice()));
    let answer = |outcome: &str| Expect::is("answer of GitRepository flux-system/shop", format!("{TOKEN} {outcome}"));
    let expect = fetch.expect.as_ref().unwrap();
    assert_eq!((&expect.all, &expect.fails_if), (&vec![answer("ready")], &vec![answer("failed")]));
    assert_eq!((apply.call.path.as_str(), &apply.expect), (CHECKOUT, &None));
    assert_eq!(draft.effect, "fetches GitRepository flux-system/shop, and applies what is there then");
    assert_eq!(draft.bound, facts(&[(fact::UID, "uid-checkout"), (fact::GENERATION, "3")]));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_suspended_is_not_fetched_and_is_a_hold_of_what_takes_from_it() {
    let mut source = git(GOOD);
    source["spec"]["suspend"] = true.into();
    let (inventory, rollout) = Holds::these(vec![settled(), source]).only(flux::kustomizations).await;
    let said = "GitRepository flux-system/shop is suspended: nothing new is fetched";
    assert_eq!((rollout.phase, rollout.message.as_deref()), (Phase::Paused, Some(said)));
    let why = inventory.draft_for(&rollout, &with_source(&rollout)).unwrap_err();
    assert_eq!(why.0, "GitRepository flux-system/shop is suspended, so nothing would be fetched");
}

/// A release of Helm, and the sources that its template names.
fn release() -> Vec<Value> {
    let ready = condition("Ready", "True", "UpgradeSucceeded", "Helm upgrade succeeded");
    let of = |version: u64, chart: &str, state: &str| {
        json!({"name": "cart", "namespace": "shop", "version": version, "status": state, "chartName": "cart",
            "chartVersion": chart, "appVersion": "1.42.0", "configDigest": "sha256:e15c415d62760896"})
    };
    let source = json!({"kind": "HelmRepository", "name": "charts"});
    let release = object(
        "helm.toolkit.fluxcd.io/v2",
        "HelmRelease",
        "cart",
        json!({"interval": "10m0s", "timeout": "4m0s", "chart": {"spec": {"chart": "cart", "version": "2.x", "sourceRef": source}}}),
        json!({
            "observedGeneration": 3, "conditions": [ready], "lastAttemptedRevision": "2.1.0",
            "lastAttemptedConfigDigest": "sha256:e15c415d62760896", "helmChart": "flux-system/flux-system-cart",
            "history": [of(7, "2.1.0", "deployed"), of(6, "2.0.3", "superseded")],
        }),
    );
    let fetched = condition("Ready", "True", "Succeeded", "stored artifact");
    let held = |version: &str, kind: &str, name: &str, form: &str, revision: &str| {
        object(
            version,
            kind,
            name,
            json!({"type": form}),
            json!({
                "observedGeneration": 3, "conditions": [fetched], "artifact": {"revision": revision},
            }),
        )
    };
    vec![
        release,
        held("source.toolkit.fluxcd.io/v1", "HelmRepository", "charts", "oci", ""),
        held("source.toolkit.fluxcd.io/v1", "HelmChart", "flux-system-cart", "", "2.1.0"),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_release_can_be_forced_and_its_failures_forgotten_and_only_what_a_controller_follows_is_fetched() {
    let (inventory, rollout) = Holds::these(release()).only(flux::helm_releases).await;
    let names: Vec<&str> =
        offer_for(&rollout.offers, Verb::Reconcile).unwrap().form.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["source", "force", "reset"]);
    let mut ask = with_source(&rollout);
    ask.args = ask.args.with("force", Answer::Flag(true)).with("reset", Answer::Flag(true));
    let draft = inventory.draft_for(&rollout, &ask).unwrap();
    let [chart, own] = draft.steps.as_slice() else { panic!("{:?}", draft.steps) };
    assert_eq!(chart.call.words, "ask for HelmChart flux-system/flux-system-cart to be fetched");
    let body: Value = serde_json::from_str(own.call.body.sent().unwrap()).unwrap();
    let asked = json!({"metadata": {"annotations": {
        "reconcile.fluxcd.io/requestedAt": TOKEN, "reconcile.fluxcd.io/forceAt": TOKEN, "reconcile.fluxcd.io/resetAt": TOKEN,
    }}});
    assert_eq!(body, asked);
    assert_eq!(draft.notes[0], "a Helm upgrade is made even where nothing changed");
    assert_eq!(draft.expect.within, Duration::from_mins(5));
}

#[tokio::test(start_paused = true)]
async fn going_back_is_refused_with_the_lasting_way_and_the_one_for_an_emergency() {
    let automation = object(
        "image.toolkit.fluxcd.io/v1",
        "ImageUpdateAutomation",
        "tags",
        json!({"interval": "30m", "sourceRef": {"kind": "GitRepository", "name": "shop"}}),
        json!({}),
    );
    let (inventory, rollout) = Holds::these(vec![settled(), git(GOOD), automation]).only(flux::kustomizations).await;
    let why = "Flux goes back only where its source does: revert the commit in git, and reconcile; ImageUpdateAutomation \
               flux-system/tags writes a reverted tag again: suspend it before; in an emergency `holdshort pause \
               eu/kustomization/flux-system/checkout`, then roll back what it manages, mend git, and `holdshort resume \
               eu/kustomization/flux-system/checkout`";
    for verb in [Verb::Rollback, Verb::Abort] {
        assert_eq!(drafted(&*inventory, &rollout, verb).unwrap_err().0, why);
        assert_eq!(offer_for(&rollout.offers, verb).unwrap().blocked.as_deref(), Some(why));
    }
    let named = Ask {
        args: holdshort::domain::form::Args::back_to(Some("main")),
        ..Ask::new(Verb::Rollback, rollout.id.clone())
    };
    assert_eq!(inventory.draft_for(&rollout, &named).unwrap_err().0, why);
    let pause = drafted(&*inventory, &rollout, Verb::Pause).unwrap();
    let writes = "ImageUpdateAutomation flux-system/tags goes on writing new tags into its source meanwhile";
    assert!(pause.notes.contains(&writes.to_owned()), "{:?}", pause.notes);
    let (helm, cart) = Holds::these(release()).only(flux::helm_releases).await;
    let why = drafted(&*helm, &cart, Verb::Rollback).unwrap_err().0;
    assert!(why.contains("then `helm rollback -n shop cart 6`, mend git"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn what_would_do_nothing_is_refused_and_says_what_does() {
    let blocked = |verb: Verb, objects: Vec<Value>| async move {
        let (inventory, rollout) = Holds::these(objects).only(flux::kustomizations).await;
        let why = drafted(&*inventory, &rollout, verb).unwrap_err().0;
        assert_eq!(offer_for(&rollout.offers, verb).unwrap().blocked.as_ref(), Some(&why));
        why
    };
    let held = || vec![suspended(), git(GOOD)];
    assert_eq!(blocked(Verb::Pause, held()).await, "it is suspended already by kim");
    let first = "it is suspended, so nothing would be done: resume applies what its source holds";
    assert_eq!(blocked(Verb::Reconcile, held()).await, first);
    assert_eq!(blocked(Verb::Resume, vec![settled(), git(GOOD)]).await, "it is not suspended");
    let mut fresh = settled();
    fresh["status"] = json!({"observedGeneration": -1});
    let nobody = "no controller has taken it up, so nothing that is asked of it would happen";
    assert_eq!(blocked(Verb::Reconcile, vec![fresh, git(GOOD)]).await, nobody);
    let mut going = settled();
    going["metadata"]["deletionTimestamp"] = "2026-11-30T08:59:00Z".into();
    assert_eq!(blocked(Verb::Pause, vec![going, git(GOOD)]).await, "it is being deleted");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_another_kustomization_applies_says_who_writes_over_what_is_set_here() {
    let mut object = settled();
    object["metadata"]["labels"] =
        json!({"kustomize.toolkit.fluxcd.io/name": "cluster", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
    let (inventory, rollout) = Holds::these(vec![object, git(GOOD)]).only(flux::kustomizations).await;
    let draft = drafted(&*inventory, &rollout, Verb::Pause).unwrap();
    let parent = "Kustomization flux-system/cluster applies this object: where git says `suspend`, its next interval writes over \
                  what is set here";
    assert!(draft.notes.contains(&parent.to_owned()), "{:?}", draft.notes);
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_blocks_what_patches_and_says_so() {
    let mut object = settled();
    object["status"]["conditions"] = json!([condition("Ready", "False", "BuildFailed", "kustomize build failed")]);
    let holds = Holds { read_only: true, ..Holds::these(vec![object, git(GOOD)]) };
    let (inventory, rollout) = holds.only(flux::kustomizations).await;
    let why = "you may not patch kustomizations in flux-system on eu: ask who administers it for that right";
    for verb in [Verb::Pause, Verb::Reconcile] {
        assert_eq!(drafted(&*inventory, &rollout, verb).unwrap_err().0, why);
    }
}
