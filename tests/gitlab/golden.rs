//! Our client against written answers: what each of them means.

use holdshort::{
    domain::{
        gate::{Approvals, Behind, Eligibility, Rule},
        ids::Person,
        offer::{Offer, Risk},
        pipeline::{Flag, LogRef, NodeKind, RunStatus, Status},
        verb::Verb,
        version::Version,
    },
    port::{facet::Connection, plan::Facts},
};
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{Diary, HandClock, connect, fixture, project, saying},
};

/// A look at one project, in which this pipeline waits, and what is deployed in production.
fn look(pipelines: &Value) -> Value {
    json!({"data": {"projects": {"nodes": [{
        "fullPath": "foo/bar",
        "webUrl": "https://example.com/foo/bar",
        "maxAccessLevel": {"integerValue": 30},
        "newest": {"nodes": pipelines},
        "waiting": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": []},
        "running": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": []},
        "environments": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": [{
            "name": "production",
            "live": {"id": "gid://gitlab/Deployment/34", "sha": "416d8ea11849050d3d1f5104cf8cf51053e790ab", "ref": "v1.0.0"},
            "blocked": {"id": "gid://gitlab/Deployment/42"},
        }]},
    }]}}})
}

/// Both questions of GraphQL come to one path: this answers the one about many.
fn over(looked: Value, more: Vec<(&'static str, Value)>) -> Connection {
    let given = more.into_iter().map(|(path, body)| (path, (200, Vec::new(), body)));
    let answers = given.chain([
        ("/user", (200, Vec::new(), json!({"username": "dana"}))),
        ("/self", (200, Vec::new(), json!({"scopes": ["api"]}))),
        ("/graphql", (200, Vec::new(), looked)),
        ("/foo%2Fbar", (200, Vec::new(), json!({"ci_forward_deployment_rollback_allowed": true}))),
        ("/freeze_periods", (200, Vec::new(), json!([]))),
    ]);
    connect(saying(&Diary::default(), answers.collect()), vec![project("foo/bar")], &HandClock::new())
}

#[tokio::test]
async fn a_deployment_that_waits_says_whose_approvals_are_missing() {
    let blocked = fixture("deployment_blocked");
    let more = vec![("/deployments", json!([blocked])), ("/deployments/42", blocked.clone())];
    let (items, unread) = over(look(&json!([])), more).inventories[0].look().await;
    assert_eq!(unread, [""; 0]);
    let [gate] = items.iter().filter_map(|item| item.gate()).collect::<Vec<_>>()[..] else { panic!("{items:#?}") };
    let rule = |who: &str, needed, given: &[&str]| Rule {
        who: who.to_owned(),
        needed,
        given: given.iter().map(|who| Person::new(*who)).collect(),
    };
    let rules = vec![rule("qa-group", 1, &[]), rule("security-group", 2, &["security-user-1"])];
    assert_eq!(gate.approvals, Some(Approvals { rules, expires: None }));
    let sha = "a91957a858320c0e17f3a0eca7cfacbff50ea29a";
    assert_eq!(
        (gate.id.to_string().as_str(), gate.title.as_str(), gate.environment.as_str(), gate.version.clone()),
        (
            "gitlab/gate/foo/bar/42/deployment-42",
            "bar #42 to production",
            "prod/eu",
            Some(Version::tagged("main").at_commit(sha)),
        )
    );
    assert_eq!(gate.behind, Behind::Run("gitlab/run/foo/bar/42".parse().unwrap()));
    let live = Version::tagged("1.0.0").at_commit("416d8ea11849050d3d1f5104cf8cf51053e790ab");
    assert_eq!(gate.live, Some(live));
    // The question about who may was answered with something else: that is not known, and no yes.
    assert_eq!(gate.eligible, Eligibility::Unknown { why: "GitLab does not say whether you may".to_owned() });
    let bound: Facts = [
        ("commit", sha),
        ("deployment", "42"),
        ("deployment is", "blocked"),
        ("job", "664"),
        ("job is", "manual"),
        ("your approval is", "not given"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    assert_eq!(gate.identity, bound);
}

#[tokio::test]
async fn a_pipeline_is_a_run_and_a_word_that_we_do_not_know_stays_readable() {
    let nodes = json!([
        {"id": "gid://gitlab/Ci::Pipeline/48", "status": "HALF_DONE", "sha": "eb94b618fb5865b26e80fdd8ae531b7a63ad851a",
         "ref": "v1.2.0", "path": "/foo/bar/-/pipelines/48", "createdAt": "2026-03-10T09:00:00Z",
         "startedAt": "2026-03-10T09:00:06Z", "finishedAt": null, "updatedAt": "2026-03-10T09:04:00Z",
         "user": {"username": "kim"}, "commit": {"title": "Release 1.2.0"}},
        {"id": "gid://gitlab/Ci::Pipeline/47", "status": "PENDING", "createdAt": "2026-03-10T08:00:00Z"},
        {"id": null, "status": "RUNNING"},
    ]);
    let (items, unread) = over(look(&nodes), vec![("/deployments", json!([]))]).inventories[0].look().await;
    assert_eq!(unread, ["GitLab, foo/bar: 1 of its pipelines cannot be read"]);
    let runs: Vec<_> = items.iter().filter_map(|item| item.run()).collect();
    let told: Vec<_> = runs.iter().map(|run| (run.number, run.status, run.version.to_string())).collect();
    assert_eq!(
        told,
        [(48, RunStatus::Unknown, "1.2.0 (eb94b61)".to_owned()), (47, RunStatus::Queued, "no branch".to_owned())]
    );
    let first = runs[0];
    assert_eq!(first.status_words(), "half_done (unknown)");
    assert_eq!((first.title.as_str(), first.actor.as_ref().map(Person::as_str)), ("Release 1.2.0", Some("kim")));
    assert_eq!(first.url.as_deref(), Some("https://example.com/foo/bar/-/pipelines/48"));
    assert_eq!(first.waited().map(|span| span.as_secs()), Some(6));
    let rerun = first.offers.iter().find(|offer| offer.verb == Verb::Rerun);
    let blocked = Offer::blocked(Verb::Rerun, Risk::Medium, "the pipeline has not ended; cancel it first");
    assert_eq!(rerun, Some(&blocked));
}

#[tokio::test]
async fn the_published_pipelines_and_deployments_are_facts() {
    let more = vec![
        ("/pipelines/287", fixture("pipeline_single")),
        ("/deployments/42", fixture("deployment_single")),
        ("/jobs/1", fixture("job_play_response")),
    ];
    let connection = over(look(&json!([])), more);
    let facts = async |id: &str| {
        let reading = connection.inventories[0].read(&id.parse().unwrap()).await.unwrap();
        reading.facts.into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ")
    };
    let pipeline = "commit: 50f0acb76a40e34a4ff304f7347dcc6587da8a14; pipeline: 287; status: succeeded";
    assert_eq!(facts("gitlab/run/foo/bar/287").await, pipeline);
    let deployment = "approvals: 0; commit: a91957a858320c0e17f3a0eca7cfacbff50ea29a; deployment: 42; deployment is: success; \
                      job: 664; job has begun: true; job is: success; your approval is: not given";
    assert_eq!(facts("gitlab/gate/foo/bar/42/deployment-42").await, deployment);
    let job = "commit: 0ff3ae198f8601a285adcf5c0fff204ee6fba5fd; job: 1; job has begun: true; job is: pending";
    assert_eq!(facts("gitlab/gate/foo/bar/6/job-1").await, job);
}

#[tokio::test]
async fn jobs_stand_below_their_stages_and_a_bridge_leads_to_what_it_began() {
    let bridge = json!([{"id": 9, "name": "fleet", "stage": "after", "status": "success", "downstream_pipeline":
        {"id": 5, "status": "running", "web_url": "https://example.com/acme/deploy/fleet/-/pipelines/5"}}]);
    let more = vec![("/pipelines/6/jobs", fixture("pipeline_jobs")), ("/pipelines/6/bridges", bridge)];
    let connection = over(look(&json!([])), more);
    let nodes = connection.lookups[0].jobs(&"gitlab/run/foo/bar/6".parse().unwrap()).await.unwrap();
    let names: Vec<_> = nodes.iter().map(|stage| (stage.kind, stage.name.as_str(), stage.nodes.len())).collect();
    assert_eq!(names, [(NodeKind::Stage, "test", 2), (NodeKind::Stage, "after", 1)]);
    let job = &nodes[0].nodes[0];
    let status = Status::said(RunStatus::Failed, "failed").with(Flag::TimedOut, true);
    assert_eq!((job.name.as_str(), &job.status, &job.log), ("rspec:other", &status, &Some(LogRef::new("6"))));
    let child = &nodes[1].nodes[0].nodes[0];
    assert_eq!((child.kind, child.name.as_str()), (NodeKind::Child, "acme/deploy/fleet pipeline 5"));
    assert_eq!(child.run, Some("gitlab/run/acme/deploy/fleet/5".parse().unwrap()));
}
