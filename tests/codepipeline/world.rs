//! The pretended CodePipeline against AWS's model and published answers.

use std::collections::BTreeSet;

use bytes::Bytes;
use holdshort::{
    demo::{
        codepipeline::{CodePipeline, spec::KEY},
        system::{Reply, System},
    },
    provider::aws::{Credentials, Purpose, authorize},
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::scene::{ADDRESS, REGION, fixture, spec, start};

fn send(world: &mut CodePipeline, request: &Request<Bytes>) -> Response<Bytes> {
    match world.respond(start(), request) {
        Reply::Whole(response) => response,
        Reply::Stream { .. } => panic!("it has no streams"),
    }
}

/// A signed request of an operation.
fn request(operation: &str, body: &Value) -> Request<Bytes> {
    let request = Request::post(format!("{ADDRESS}/"))
        .header("x-amz-target", format!("CodePipeline_20150709.{operation}"))
        .header("content-type", "application/x-amz-json-1.1");
    let mut request = request.body(Bytes::from(body.to_string())).unwrap();
    let purpose = Purpose { region: REGION, service: "codepipeline", at: start() };
    authorize(&mut request, &Credentials::lasting(KEY.0, KEY.1, "a test"), purpose).unwrap();
    request
}

fn ask(world: &mut CodePipeline, operation: &str, body: &Value) -> (u16, Value) {
    let response = send(world, &request(operation, body));
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
}

fn world() -> CodePipeline {
    CodePipeline::new(&spec(""), start())
}

/// Whether a value is as AWS's model says that a shape is; what is not, by its place.
fn odd(model: &Value, shape: &str, value: &Value, at: &str, found: &mut Vec<String>) {
    let shape = &model["shapes"][shape];
    let name = |of: &Value| of["shape"].as_str().unwrap_or_default().to_owned();
    let fits = match shape["type"].as_str().unwrap_or_default() {
        "structure" => {
            let known = &shape["members"];
            for (key, inner) in value.as_object().into_iter().flatten() {
                match known.get(key) {
                    Some(member) => odd(model, &name(member), inner, &format!("{at}/{key}"), found),
                    None => found.push(format!("{at}/{key} is not in the model")),
                }
            }
            for required in shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if value.get(required).is_none() {
                    found.push(format!("{at}/{required} is missing"));
                }
            }
            value.is_object()
        }
        "list" => {
            for inner in value.as_array().into_iter().flatten() {
                odd(model, &name(&shape["member"]), inner, &format!("{at}[]"), found);
            }
            value.is_array()
        }
        "map" => value.is_object(),
        "timestamp" => value.is_number(),
        "integer" | "long" => value.is_i64(),
        "boolean" => value.is_boolean(),
        _ => {
            let known = shape["enum"].as_array();
            let one_of = known.is_none_or(|known| known.contains(value));
            if !one_of {
                found.push(format!("{at} is {value}"));
            }
            value.is_string()
        }
    };
    if !fits {
        found.push(format!("{at} is {value}"));
    }
}

#[test]
fn every_answer_is_as_awss_model_says() {
    let (mut world, model) = (world(), fixture("service-2.subset"));
    let gateway = json!({"pipelineName": "gateway"});
    let (_, listed) = ask(&mut world, "ListPipelineExecutions", &gateway);
    let id = listed["pipelineExecutionSummaries"][0]["pipelineExecutionId"].clone();
    let asked = [
        ("ListPipelines", json!({})),
        ("GetPipeline", json!({"name": "gateway"})),
        ("GetPipelineState", json!({"name": "gateway"})),
        ("GetPipelineState", json!({"name": "cart"})),
        ("GetPipelineState", json!({"name": "search"})),
        ("ListPipelineExecutions", gateway.clone()),
        ("GetPipelineExecution", json!({"pipelineName": "gateway", "pipelineExecutionId": id})),
        ("ListActionExecutions", gateway),
        ("StartPipelineExecution", json!({"name": "gateway"})),
    ];
    for (operation, body) in asked {
        let (status, answer) = ask(&mut world, operation, &body);
        let output = model["operations"][operation]["output"]["shape"].as_str().unwrap();
        let mut found = Vec::new();
        odd(&model, output, &answer, operation, &mut found);
        assert_eq!((status, found), (200, Vec::<String>::new()));
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_held_transition_and_a_failure_have_the_keys_of_published_answers() {
    let mut world = world();
    let published = fixture("get_pipeline_state_disabled_transition_and_inbound");
    let stage = |state: &Value, place: usize| state["stageStates"][place].clone();
    let (_, held) = ask(&mut world, "GetPipelineState", &json!({"name": "search"}));
    let (theirs, ours) = (stage(&published, 1), stage(&held, 2));
    let transition = |stage: &Value| stage["inboundTransitionState"].clone();
    assert_eq!(keys(&transition(&theirs)), keys(&transition(&ours)));
    let lacking = |theirs: &Value, ours: &Value| -> Vec<String> {
        keys(theirs).difference(&keys(ours)).map(|key| (*key).to_owned()).collect()
    };
    // Nothing has been in it yet.
    assert_eq!(lacking(&theirs, &ours), ["latestExecution"]);
    let failed = fixture("get_pipeline_state_failed");
    let (_, cart) = ask(&mut world, "GetPipelineState", &json!({"name": "cart"}));
    let latest = |stage: &Value| stage["actionStates"][0]["latestExecution"].clone();
    assert_eq!(lacking(&latest(&stage(&failed, 1)), &latest(&stage(&cart, 2))), [""; 0]);
    let actions = fixture("list_action_executions");
    let (_, ours) = ask(&mut world, "ListActionExecutions", &json!({"pipelineName": "cart"}));
    let one = |all: &Value| all["actionExecutionDetails"][0].clone();
    assert_eq!(lacking(&one(&actions), &one(&ours)), [""; 0]);
}

#[test]
fn a_refusal_is_as_recorded_and_nothing_is_answered_without_a_signature() {
    let mut world = world();
    let recorded = fixture("moto_error_pipeline_not_found");
    let (status, body) = ask(&mut world, "GetPipelineState", &json!({"name": "nope"}));
    assert_eq!((u64::from(status), &body), (recorded["status"].as_u64().unwrap(), &recorded["body"]));
    let code = |world: &mut CodePipeline, request: &Request<Bytes>| {
        let response = send(world, request);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), body["__type"].as_str().unwrap().to_owned())
    };
    let good = || request("ListPipelines", &json!({}));
    let mut unsigned = good();
    unsigned.headers_mut().remove("authorization");
    let mut changed = good();
    *changed.body_mut() = Bytes::from_static(b"{\"maxResults\":1}");
    let mut late = good();
    late.headers_mut().insert("x-amz-date", "20260310T100000Z".parse().unwrap());
    let found = [unsigned, changed, late].map(|request| code(&mut world, &request));
    let wanted = ["MissingAuthenticationTokenException", "InvalidSignatureException", "InvalidSignatureException"];
    assert_eq!(found, wanted.map(|name| (400, name.to_owned())));
}
