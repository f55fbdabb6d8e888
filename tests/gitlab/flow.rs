//! Our client over the pretended GitLab: gates, verbs, ways back, logs.

use std::time::Duration;

use futures::StreamExt;
use holdshort::{
    domain::{
        form::{TO, Value},
        gate::{Eligibility, Gate},
        ids::Person,
        log::Mark,
        object::ObjectId,
        offer::{Offer, Risk, offer_for},
        pipeline::{LogRef, NodeKind},
        verb::Verb,
    },
    port::{
        fill::Supplies,
        lookup::{Question, Told},
        plan::{Ask, Condition, Draft, Expect, Expectation},
        shape::Checked,
        step::Watch,
    },
};

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{SCENARIO, Scene, ask, project},
};

const SITE: &str = "/api/v4/projects/acme%2Fshop%2Fsite";

/// Sends a step of a draft.
async fn send(scene: &Scene, ask: &Ask, draft: &Draft, step: usize) {
    let inventory = scene.inventory();
    let checked = Checked::of(&draft.steps[step], ask.verb, inventory, &Supplies::default()).unwrap();
    inventory.send(checked).await.unwrap();
}

fn offer(offers: &[Offer], verb: Verb) -> &Offer {
    offer_for(offers, verb).unwrap()
}

async fn facts(scene: &Scene, target: &ObjectId) -> Vec<String> {
    let reading = scene.inventory().read(target).await.unwrap();
    reading.facts.into_iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

#[tokio::test]
async fn the_draft_of_an_approval_is_whole_and_starts_the_job_only_where_no_more_are_missing() {
    let scene = Scene::new();
    let gate = scene.gate("site #812 to production").await;
    let mut wanted = ask(Verb::Approve, &gate.id);
    wanted.reason = Some("it's tested".to_owned());
    let draft = scene.inventory().draft_for(&gate, &wanted).unwrap();
    let (deployment, job) = (&gate.identity["deployment"], &gate.identity["job"]);
    let [approve, play] = draft.steps.as_slice() else { panic!("{draft:#?}") };
    assert_eq!(
        (approve.call.line(), play.call.line()),
        (
            format!(r#"POST {SITE}/deployments/{deployment}/approval {{"comment":"it's tested","status":"approved"}}"#),
            format!("POST {SITE}/jobs/{job}/play "),
        )
    );
    let command = format!(
        "curl --fail-with-body -X POST -H \"Authorization: Bearer $GITLAB_TOKEN\" 'https://gitlab.example{SITE}/jobs/{job}/play'"
    );
    assert_eq!(play.call.command, command);
    let enough = Expect { fact: "approvals".into(), condition: Condition::AtLeast(2) };
    assert_eq!((&approve.when, &play.when), (&vec![], &vec![enough, Expect::is("job is", "manual")]));
    let lost = ["failed", "canceled", "skipped"].map(|word| Expect::is("job is", word)).to_vec();
    let counted = Expectation {
        all: vec![Expect::is("your approval is", "approved")],
        fails_if: lost.clone(),
        words: Some("your approval is counted".into()),
        within: Duration::from_mins(1),
        ..Expectation::default()
    };
    assert_eq!(approve.expect, Some(counted));
    let begins = Expectation {
        all: vec![Expect::is("job has begun", "true")],
        fails_if: lost,
        within: Duration::from_mins(1),
        ..Expectation::default()
    };
    assert_eq!((&draft.expect, &draft.bound), (&begins, &gate.identity));
    assert_eq!(draft.effect, "site #812 to production is approved and starts: 2.8.0 (c0ffee1)");
    assert_eq!((&draft.from, &draft.to), (&gate.live, &gate.version));
    assert_eq!(gate.live.as_ref().map(ToString::to_string).as_deref(), Some("2.7.0 (bbbb222)"));
    assert!(draft.notes[1].starts_with("1 newer deployment waits for prod/eu: "), "{:?}", draft.notes);
}

#[tokio::test]
async fn an_approval_that_is_not_the_last_is_counted_and_says_how_many_there_are() {
    let scene = Scene::of(&SCENARIO.replace("needed = 2", "needed = 3"), vec![project("acme/*")]);
    let gate = scene.gate("site #812 to production").await;
    let wanted = ask(Verb::Approve, &gate.id);
    let draft = scene.inventory().draft_for(&gate, &wanted).unwrap();
    assert_eq!(draft.effect, "2 of 3 have approved site #812 to production; it starts once all have");
    send(&scene, &wanted, &draft, 0).await;
    let now = facts(&scene, &gate.id).await;
    assert!(
        now.contains(&"approvals: 2".to_owned()) && now.contains(&"your approval is: approved".to_owned()),
        "{now:?}"
    );
    let again = scene.gate("site #812 to production").await;
    let why = "you have approved it already; ask release-managers";
    assert_eq!(offer(&again.offers, Verb::Approve).blocked.as_deref(), Some(why));
    assert_eq!(again.approvals.unwrap().said(), "2 of 3 of release-managers: lee, dana");
}

#[tokio::test]
async fn nobody_approves_their_own_and_may_still_reject_it() {
    let scene = Scene::new();
    let gate = scene.gate("site #813 to production").await;
    let why = "you began this pipeline, and its project lets nobody approve their own";
    let ask_them = vec![Person::new("release-managers")];
    assert_eq!(gate.eligible, Eligibility::Cannot { why: why.to_owned(), ask: ask_them });
    let blocked = format!("{why}; ask release-managers");
    assert_eq!(offer(&gate.offers, Verb::Approve).blocked.as_deref(), Some(blocked.as_str()));
    let wanted = ask(Verb::Reject, &gate.id);
    let draft = scene.inventory().draft_for(&gate, &wanted).unwrap();
    send(&scene, &wanted, &draft, 0).await;
    let now = facts(&scene, &gate.id).await;
    assert!(now.contains(&"job is: failed".to_owned()), "{now:?}");
    let allowed = SCENARIO.replace("path = \"acme/shop/site\"", "path = \"acme/shop/site\"\nown_approval = true");
    let gate = Scene::of(&allowed, vec![project("acme/*")]).gate("site #813 to production").await;
    assert_eq!(gate.eligible, Eligibility::Can);
}

#[tokio::test]
async fn who_is_in_no_rule_is_told_whom_to_ask_and_a_token_that_may_only_look_what_it_lacks() {
    let scene = Scene::of(&SCENARIO.replace(r#"user = "dana""#, r#"user = "eve""#), vec![project("acme/*")]);
    let gate = scene.gate("site #812 to production").await;
    let why = "none of its approval rules names you; ask release-managers";
    assert_eq!(offer(&gate.offers, Verb::Approve).blocked.as_deref(), Some(why));
    let reader = format!("scopes = ['read_api']\n{SCENARIO}");
    let scene = Scene::of(&reader, vec![project("acme/*")]);
    let (gate, run) = (scene.gate("site #812 to production").await, scene.run(813).await);
    let lacks = Some("your token lacks the scope api");
    assert_eq!(offer(&gate.offers, Verb::Approve).blocked.as_deref(), lacks);
    assert_eq!(offer(&run.offers, Verb::Dispatch).blocked.as_deref(), lacks);
}

#[tokio::test]
async fn a_job_that_its_pipeline_needs_waits_for_a_hand_and_one_that_it_does_not_is_no_gate() {
    let scene = Scene::new();
    let gates = scene.inventory().gates().await.unwrap();
    let named: Vec<_> =
        gates.iter().map(|gate| (gate.title.as_str(), gate.environment.as_str(), gate.newer_behind)).collect();
    let expected = [
        ("site #813 to production", "prod/eu", 0),
        ("site #812 to production", "prod/eu", 1),
        ("gateway #78: go-live", "go-live", 0),
        ("gateway #76: go-live", "go-live", 1),
    ];
    assert_eq!(named, expected);
    let gate: &Gate = &gates[3];
    assert_eq!((&gate.eligible, gate.offers[0].risk), (&Eligibility::Can, Risk::High));
    let wanted = ask(Verb::Approve, &gate.id);
    let draft = scene.inventory().draft_for(gate, &wanted).unwrap();
    send(&scene, &wanted, &draft, 0).await;
    let job = &gate.identity["job"];
    assert_eq!(scene.diary.writes()[0].line, format!("POST /api/v4/projects/acme%2Fgateway/jobs/{job}/play"));
    assert!(draft.expect.all[0].holds(&scene.inventory().read(&gate.id).await.unwrap().facts));
    let reject = scene.inventory().draft_for(gate, &ask(Verb::Reject, &gate.id)).unwrap_err();
    assert_eq!(reject.0, "GitLab knows no 'no' to a job that is started by hand: leave it, or cancel its pipeline");
}

#[tokio::test]
async fn a_freeze_holds_what_goes_forward_says_when_it_opens_and_lets_go_back() {
    let frozen = |zone: &str| {
        let freeze = format!(
            "path = \"acme/shop/site\"\nfreezes = [{{ start = '0 6 * * *', end = '0 12 * * *', zone = '{zone}' }}]"
        );
        Scene::of(&SCENARIO.replace("path = \"acme/shop/site\"", &freeze), vec![project("acme/*")])
    };
    let scene = frozen("UTC");
    let (gate, run) = (scene.gate("site #812 to production").await, scene.run(805).await);
    let why = "a deploy freeze of the project is in force: it opens at 2026-03-10 12:00 UTC";
    for (offers, verb) in [(&gate.offers, Verb::Approve), (&run.offers, Verb::Dispatch), (&run.offers, Verb::Rerun)] {
        assert_eq!(offer(offers, verb).blocked.as_deref(), Some(why), "{verb}");
    }
    assert_eq!(offer(&run.offers, Verb::Rollback).blocked, None);
    assert_eq!(offer(&gate.offers, Verb::Reject).blocked, None);
    let gate = frozen("Berlin").gate("site #812 to production").await;
    let unsure = "it has a deploy freeze in the time zone 'Berlin', which is not reckoned with here";
    assert_eq!(offer(&gate.offers, Verb::Approve).unsure.as_deref(), Some(unsure));
    let developer = SCENARIO.replace("path = \"acme/shop/site\"", "path = \"acme/shop/site\"\naccess = 30");
    let gate = Scene::of(&developer, vec![project("acme/*")]).gate("site #812 to production").await;
    let unsure = "whether a deploy freeze is in force GitLab tells only to the role Maintainer";
    assert_eq!(offer(&gate.offers, Verb::Approve).unsure.as_deref(), Some(unsure));
}

#[tokio::test]
async fn the_earlier_version_comes_back_by_the_job_that_deployed_it_as_long_as_what_is_live_was_seen() {
    let scene = Scene::new();
    let run = scene.run(805).await;
    let wanted = ask(Verb::Rollback, &run.id);
    let draft = scene.inventory().draft_for(&run, &wanted).unwrap();
    assert_eq!(draft.effect, "production goes back to 2.6.0 (aaaa111) by the job that deployed it before");
    let version = |version: &Option<_>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    assert_eq!(
        (version(&draft.from), version(&draft.to)),
        ("2.7.0 (bbbb222)".to_owned(), "2.6.0 (aaaa111)".to_owned())
    );
    let step = &draft.steps[0];
    assert_eq!(step.target.to_string(), "gitlab/gate/acme/shop/site/environment-production");
    let live = scene.inventory().read(&step.target).await.unwrap().facts;
    assert_eq!((&step.bound["deployment"], &live["commit"]), (&live["deployment"], &draft.bound["commit"]));
    assert_eq!(step.watch, Watch::Made("gitlab/gate/acme/shop/site/801/job-{made}".parse().unwrap()));
    // Approvals are asked for anew: it rests there.
    assert_eq!(draft.expect.rests, [Expect::is("job is", "manual")]);
    send(&scene, &wanted, &draft, 0).await;
    assert!(scene.diary.writes()[0].line.ends_with("/retry"), "{:?}", scene.diary.writes());
    let to = |name: &str| {
        let plain = ask(Verb::Rollback, &run.id);
        Ask { args: plain.args.clone().with(TO, Value::Text(name.into())), ..plain }
    };
    assert!(scene.inventory().draft_for(&run, &to("aaaa1111")).is_ok());
    let none = scene.inventory().draft_for(&run, &to("2.5.0")).unwrap_err();
    assert_eq!(none.0, "production had no 2.5.0: it had 2.6.0 (aaaa111)");
}

#[tokio::test]
async fn what_is_live_nowhere_or_has_nothing_before_it_or_may_not_be_tried_again_is_said() {
    let scene = Scene::new();
    let why =
        async |scene: &Scene, number| offer(&scene.run(number).await.offers, Verb::Rollback).blocked.clone().unwrap();
    let nowhere = "what it built is live nowhere, so there is nothing to take back";
    assert_eq!((why(&scene, 812).await.as_str(), why(&scene, 801).await.as_str()), (nowhere, nowhere));
    let first = SCENARIO.lines().filter(|line| !line.contains("id = 801")).collect::<Vec<_>>().join("\n");
    let scene = Scene::of(&first, vec![project("acme/*")]);
    assert_eq!(why(&scene, 805).await, "GitLab knows no earlier version that was deployed there");
    let barred = SCENARIO.replace("path = \"acme/shop/site\"", "path = \"acme/shop/site\"\nrollback = false");
    let scene = Scene::of(&barred, vec![project("acme/*")]);
    assert!(why(&scene, 805).await.starts_with("the project does not allow that the job of an earlier deployment"));
}

#[tokio::test]
async fn a_failed_pipeline_goes_on_and_one_of_its_jobs_is_tried_again_as_another_one() {
    let scene = Scene::new();
    let run = scene.run(77).await;
    let wanted = ask(Verb::Rerun, &run.id);
    let draft = scene.inventory().draft_for(&run, &wanted).unwrap();
    assert_eq!(draft.steps[0].call.line(), "POST /api/v4/projects/acme%2Fgateway/pipelines/77/retry ");
    send(&scene, &wanted, &draft, 0).await;
    assert!(draft.expect.all[0].holds(&scene.inventory().read(&run.id).await.unwrap().facts));
    let scene = Scene::new();
    let tree = scene.connection.lookups[0].jobs(&run.id).await.unwrap();
    let job = tree[0].nodes[0].log.clone().unwrap();
    let one = |job: &str| {
        let args = wanted.args.clone().with("jobs", Value::OneOf("one".into())).with("job", Value::Text(job.into()));
        Ask { args, ..wanted.clone() }
    };
    let run = scene.run(77).await;
    let draft = scene.inventory().draft_for(&run, &one(job.as_str())).unwrap();
    assert_eq!(draft.steps[0].watch, Watch::Made("gitlab/gate/acme/gateway/77/job-{made}".parse().unwrap()));
    send(&scene, &one(job.as_str()), &draft, 0).await;
    assert!(scene.diary.writes()[0].line.ends_with(&format!("/jobs/{}/retry", job.as_str())));
    let odd = scene.inventory().draft_for(&run, &one("../5")).unwrap_err();
    assert_eq!(odd.0, "'../5' is no id of a job: it is a number");
}

#[tokio::test]
async fn a_pipeline_is_cancelled_and_one_that_only_waits_says_why_it_is_not() {
    let scene = Scene::new();
    let run = scene.run(79).await;
    let wanted = ask(Verb::Cancel, &run.id);
    let draft = scene.inventory().draft_for(&run, &wanted).unwrap();
    send(&scene, &wanted, &draft, 0).await;
    scene.clock.pass(Duration::from_secs(5));
    assert!(draft.expect.all[0].holds(&scene.inventory().read(&run.id).await.unwrap().facts));
    let waits = scene.run(78).await;
    let why = "nothing of it runs: GitLab cancels no job that waits for a hand; reject its deployment, or leave it";
    assert_eq!(offer(&waits.offers, Verb::Cancel).blocked.as_deref(), Some(why));
}

#[tokio::test]
async fn a_new_pipeline_begins_at_a_branch_with_variables() {
    let scene = Scene::new();
    let run = scene.run(79).await;
    let plain = ask(Verb::Dispatch, &run.id);
    let args = plain.args.clone().over(&offer(&run.offers, Verb::Dispatch).form);
    let wanted = Ask { args: args.with("variables", Value::Text("LEVEL=warn".into())), ..plain };
    let draft = scene.inventory().draft_for(&run, &wanted).unwrap();
    let body = r#"{"ref":"main","variables":[{"key":"LEVEL","value":"warn"}]}"#;
    assert_eq!(draft.steps[0].call.line(), format!("POST /api/v4/projects/acme%2Fgateway/pipeline {body}"));
    send(&scene, &wanted, &draft, 0).await;
    assert_eq!(scene.run(80).await.actor, Some(Person::new("dana")));
}

#[tokio::test]
async fn a_log_is_followed_to_its_end_with_its_sections() {
    let scene = Scene::new();
    let run = scene.run(812).await;
    let tree = scene.connection.lookups[0].jobs(&run.id).await.unwrap();
    let kinds: Vec<_> = tree.iter().map(|node| (node.kind, node.name.as_str())).collect();
    assert_eq!(kinds, [(NodeKind::Stage, "build"), (NodeKind::Stage, "deploy"), (NodeKind::Stage, "after")]);
    let lines = scene.connection.lookups[0].log(&run.id, tree[0].nodes[0].log.as_ref().unwrap(), 99).await.unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.mark, line.grouped, line.text.as_str())).collect();
    let expected = [
        (Mark::Plain, false, "Running with gitlab-runner 18.5.0"),
        (Mark::Group, false, "Executing \"step_script\" stage of the job script"),
        (Mark::Command, true, "$ make build"),
        (Mark::Plain, true, "pushed site"),
        (Mark::Plain, false, "Job succeeded"),
    ];
    assert_eq!(told, expected);
    // One that runs is followed: the job of pipeline 79 has four minutes left.
    let run = scene.run(79).await;
    let job = scene.connection.lookups[0].jobs(&run.id).await.unwrap()[0].nodes[0].log.clone().unwrap();
    let question = Question::Log { run: run.id.clone(), log: job, most: 99 };
    let pieces: Vec<_> = scene.connection.lookups[0].ask(question).collect().await;
    let pieces: Vec<_> = pieces
        .into_iter()
        .map(|told| match told.unwrap() {
            Told::Log(piece) => piece,
            other => panic!("{other:?}"),
        })
        .collect();
    let last = pieces.last().unwrap();
    assert!(!pieces[0].goes_on && pieces[0].lines.len() == 3 && !pieces[0].over, "{pieces:#?}");
    assert!(last.over && last.goes_on && last.lines.last().unwrap().text == "Job succeeded", "{pieces:#?}");
    assert_eq!(pieces.iter().filter(|piece| piece.over).count(), 1);
}

#[tokio::test]
async fn what_lies_between_what_is_live_and_what_waits_is_told() {
    let scene = Scene::new();
    let question = Question::Changes {
        run: "gitlab/run/acme/shop/site/812".parse().unwrap(),
        base: "bbbb2222bbbb2222bbbb2222bbbb2222bbbb2222".into(),
        head: "c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11".into(),
    };
    let told: Vec<_> = scene.connection.lookups[0].ask(question).collect().await;
    let [Ok(Told::Changes(changes))] = told.as_slice() else { panic!("{told:?}") };
    let titles: Vec<_> = changes.commits.iter().map(|commit| commit.title.as_str()).collect();
    assert_eq!((titles, changes.count, changes.behind), (vec!["site 2.8.0"], 1, 0));
}

#[tokio::test]
async fn what_is_not_looked_at_is_neither_told_nor_acted_on() {
    let scene = Scene::of(SCENARIO, vec![project("acme/shop/*")]);
    let runs = scene.inventory().runs().await.unwrap();
    assert!(runs.iter().all(|run| run.id.path.starts_with("acme/shop/site/")), "{runs:#?}");
    for (target, verb) in [
        ("gitlab/run/acme/gateway/79", Verb::Cancel),
        ("gitlab/run/acme/shop/site/812", Verb::Approve),
        ("gitlab/gate/acme/shop/site/812/job-7", Verb::Reject),
        ("gitlab/gate/acme/shop/site/environment-production", Verb::Approve),
    ] {
        assert_eq!(scene.inventory().shapes(&target.parse().unwrap(), verb), [], "{target}");
    }
    let unknown = LogRef::new("1");
    let error = scene.connection.lookups[0].log(&"gitlab/run/acme/shop/site/812".parse().unwrap(), &unknown, 9).await;
    assert_eq!(
        error.unwrap_err().text,
        "GitLab, acme/shop/site job 1: it has nothing there that the token may see (404 Not Found); check the name"
    );
}

#[tokio::test]
async fn a_job_of_another_pipeline_is_not_what_the_plan_is_bound_to() {
    let scene = Scene::new();
    let (run, other) = (scene.run(805).await, scene.gate("site #812 to production").await);
    let plain = ask(Verb::Rerun, &run.id);
    let args = plain.args.clone().with("jobs", Value::OneOf("one".into()));
    let args = args.with("job", Value::Text(other.identity["job"].clone()));
    let draft = scene.inventory().draft_for(&run, &Ask { args, ..plain }).unwrap();
    let step = &draft.steps[0];
    let now = scene.inventory().read(&step.target).await.unwrap().facts;
    let bound = step.bound.get("pipeline").map(String::as_str);
    assert_eq!((bound, now.get("pipeline").map(String::as_str)), (Some("805"), Some("812")));
}
