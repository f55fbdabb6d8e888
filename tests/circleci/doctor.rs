//! What CircleCI tells whoever sets it up.

use bytes::Bytes;
use holdshort::port::{
    examine::{Finding, Grade, LookedAt},
    facet::Connection,
};
use http::Response;
use serde_json::json;

use crate::scene::{ALL, Diary, HandClock, SCENARIO, Scene, connect, project, transport};

async fn examined(connection: &Connection) -> Vec<Finding> {
    connection.examiner.as_ref().unwrap().examine(&LookedAt::default()).await
}

/// What was found about this.
fn about<'a>(all: &'a [Finding], about: &str) -> Vec<(Grade, &'a str)> {
    all.iter().filter(|one| one.about == about).map(|one| (one.grade, one.said.as_str())).collect()
}

#[tokio::test]
async fn a_token_may_all_that_its_owner_may_and_that_is_said_to_be_too_much() {
    let found = examined(&Scene::new().connection).await;
    assert_eq!(about(&found, "as whom"), [(Grade::Good, "dana")]);
    let said = "the token may do all that its owner may: CircleCI has none that may only look";
    assert_eq!(about(&found, "rights"), [(Grade::Limited, said)]);
    let rights = found.iter().find(|one| one.about == "rights").unwrap();
    assert!(rights.way.as_ref().unwrap().starts_with("`read_only = true` in the configuration"), "{rights:?}");
    assert_eq!(about(&found, "/api/v3").first().map(|one| one.0), Some(Grade::Good));
    // Which definitions there are is told where one must be named.
    let undefined = found.iter().find(|one| one.about == ALL[2]).unwrap();
    assert_eq!(undefined.grade, Grade::Limited);
    let way = undefined.way.as_ref().unwrap();
    assert!(way.starts_with("one of ") && way.ends_with(" (\"default\")"), "{way}");
}

#[tokio::test]
async fn what_a_server_without_the_third_interface_loses_is_said() {
    let scene = Scene::of(&format!("v3 = false\n{SCENARIO}"), ALL.map(project).to_vec());
    let found = examined(&scene.connection).await;
    let [(grade, said)] = about(&found, "/api/v3")[..] else { panic!("{found:#?}") };
    assert_eq!(grade, Grade::Limited);
    assert!(said.contains("no logs") && said.contains("each project is asked by itself"), "{said}");
}

#[tokio::test]
async fn a_project_that_is_not_seen_and_a_token_that_is_not_taken_are_broken() {
    let hidden = SCENARIO.replace("slug = \"gh/acme/billing\"", "slug = \"gh/acme/billing\"\nhidden = true");
    let found = examined(&Scene::of(&hidden, vec![project("gh/acme/billing")]).connection).await;
    let [(grade, said)] = about(&found, "gh/acme/billing")[..] else { panic!("{found:#?}") };
    assert_eq!((grade, said.contains("not found, or no permission to see it")), (Grade::Broken, true), "{said}");
    let over = transport(&Diary::default(), |_| {
        let body = Bytes::from(json!({"message": "Unauthorized"}).to_string());
        Ok(Response::builder().status(401).header("content-type", "application/json").body(body).unwrap())
    });
    let found = examined(&connect(over, vec![project("gh/acme/site")], &HandClock::new())).await;
    let said = "CircleCI, the token: the token is not accepted (Unauthorized); put a valid personal one into the configuration";
    assert_eq!(about(&found, "as whom"), [(Grade::Broken, said)]);
}

#[test]
fn the_least_rights_are_told_for_looking_and_for_acting() {
    let connection = Scene::new().connection;
    let examiner = connection.examiner.unwrap();
    let (look, act) = (examiner.grants(false).unwrap(), examiner.grants(true).unwrap());
    assert!(look.contains("read_only = true") && act.contains("who may push") && act.contains("context's group"));
}
