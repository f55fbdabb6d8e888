//! The pretended Lambda and CodeDeploy against AWS's models.

use bytes::Bytes;
use holdshort::{
    demo::{
        aws::KEY,
        lambda::Lambda,
        system::{Reply, System},
    },
    provider::aws::{Credentials, Purpose, authorize},
};
use http::{Method, Request, Response};
use serde_json::{Value, json};

use crate::scene::{ADDRESS, REGION, fixture, spec, start};

fn send(world: &mut Lambda, request: &Request<Bytes>) -> Response<Bytes> {
    match world.respond(start(), request) {
        Reply::Whole(response) => response,
        Reply::Stream { .. } => panic!("it has no streams"),
    }
}

/// A signed request: of a path, or of an operation of CodeDeploy.
fn request(method: Method, what: &str, body: &Value) -> Request<Bytes> {
    let by_path = what.starts_with('/');
    let at = if by_path { format!("{ADDRESS}{what}") } else { format!("{ADDRESS}/") };
    let mut request = Request::builder().method(method).uri(at).header("content-type", "application/x-amz-json-1.1");
    if !by_path {
        request = request.header("x-amz-target", format!("CodeDeploy_20141006.{what}"));
    }
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let mut request = request.body(body).unwrap();
    let service = if by_path { "lambda" } else { "codedeploy" };
    let purpose = Purpose { region: REGION, service, at: start() };
    authorize(&mut request, &Credentials::lasting(KEY.0, KEY.1, "a test"), purpose).unwrap();
    request
}

fn ask(world: &mut Lambda, method: Method, what: &str, body: &Value) -> (u16, Value) {
    let response = send(world, &request(method, what, body));
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
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
        "integer" | "long" => value.is_i64(),
        "timestamp" | "double" => value.is_number(),
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

/// What of an answer is not as a model says.
fn misfits(model: &Value, operation: &str, answer: &Value) -> Vec<String> {
    let output = model["operations"][operation]["output"]["shape"].as_str().unwrap();
    let mut found = Vec::new();
    odd(model, output, answer, operation, &mut found);
    found
}

#[test]
fn every_answer_is_as_awss_models_say() {
    let mut world = Lambda::new(&spec(""), start());
    let model = fixture("lambda-service-2.subset");
    let of = |rest: &str| format!("/2015-03-31/functions/{rest}");
    let newer = |rest: &str| format!("/2019-09-30/functions/{rest}");
    let paths = [
        ("ListFunctions", of("?MaxItems=2").replace("/?", "?")),
        ("ListAliases", of("search/aliases")),
        ("GetAlias", of("search/aliases/live")),
        ("ListVersionsByFunction", of("payments/versions")),
        ("GetFunctionConfiguration", of("payments/configuration?Qualifier=12")),
        ("ListProvisionedConcurrencyConfigs", newer("payments/provisioned-concurrency?List=ALL")),
        ("GetFunctionConcurrency", newer("thumbs/concurrency")),
    ];
    for (operation, path) in paths {
        let (status, answer) = ask(&mut world, Method::GET, &path, &Value::Null);
        assert_eq!((status, misfits(&model, operation, &answer)), (200, Vec::new()), "{operation}: {answer}");
    }
    let model = fixture("codedeploy-service-2.subset");
    let group = json!({"applicationName": "cart", "deploymentGroupName": "cart-live"});
    let (_, listed) = ask(&mut world, Method::POST, "ListDeployments", &group);
    let id = listed["deployments"][0].clone();
    let (_, targets) = ask(&mut world, Method::POST, "ListDeploymentTargets", &json!({"deploymentId": id}));
    let asked = [
        ("ListApplications", json!({})),
        ("BatchGetApplications", json!({"applicationNames": ["cart"]})),
        ("ListDeploymentGroups", json!({"applicationName": "cart"})),
        ("BatchGetDeploymentGroups", json!({"applicationName": "cart", "deploymentGroupNames": ["cart-live"]})),
        ("ListDeployments", group),
        ("BatchGetDeployments", json!({"deploymentIds": [id]})),
        ("ListDeploymentTargets", json!({"deploymentId": id})),
        ("BatchGetDeploymentTargets", json!({"deploymentId": id, "targetIds": targets["targetIds"]})),
        ("GetDeploymentConfig", json!({"deploymentConfigName": "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"})),
    ];
    for (operation, body) in asked {
        let (status, answer) = ask(&mut world, Method::POST, operation, &body);
        assert_eq!((status, misfits(&model, operation, &answer)), (200, Vec::new()), "{operation}: {answer}");
    }
}

#[test]
fn an_alias_is_written_under_its_revision_only_and_nothing_is_answered_without_a_signature() {
    let mut world = Lambda::new(&spec(""), start());
    let path = "/2015-03-31/functions/search/aliases/live";
    let (_, alias) = ask(&mut world, Method::GET, path, &Value::Null);
    let body = json!({"RoutingConfig": {"AdditionalVersionWeights": {"6": 0.5}}, "RevisionId": alias["RevisionId"]});
    let (status, written) = ask(&mut world, Method::PUT, path, &body);
    assert_eq!((status, &written["RoutingConfig"]["AdditionalVersionWeights"]["6"]), (200, &json!(0.5)));
    assert_eq!(ask(&mut world, Method::PUT, path, &body).0, 412, "the revision is gone");
    let gone = json!({"FunctionVersion": "99"});
    assert_eq!(ask(&mut world, Method::PUT, path, &gone).0, 404);
    let mut changed = request(Method::PUT, path, &json!({"FunctionVersion": "4"}));
    *changed.body_mut() = Bytes::from_static(br#"{"FunctionVersion":"6"}"#);
    let response = send(&mut world, &changed);
    let said = response.headers()["x-amzn-errortype"].to_str().unwrap();
    assert_eq!((response.status().as_u16(), said), (403, "InvalidSignatureException"));
}
