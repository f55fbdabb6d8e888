//! The file of a workflow, as the interface for contents gives it, and what it says against the inputs of somebody who starts it.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::demo::{
    github::{
        repo::{Repo, Workflow},
        spec::{InputSpec, WorkflowSpec},
        wire::{API, WEB},
    },
    rest::{Refused, fnv},
};

/// The lines that base64 is cut into.
const LINE: usize = 60;

/// `GET /repos/{owner}/{repo}/contents/.github/workflows/{file}`, as GitHub documents it for a file.
pub(super) fn contents(repo: &Repo, workflow: &Workflow) -> Value {
    let (full, file) = (repo.full_name(), &workflow.plan.file);
    let text = text(&workflow.plan);
    let encoded = STANDARD.encode(&text);
    let lines: Vec<String> =
        encoded.as_bytes().chunks(LINE).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let path = format!(".github/workflows/{file}");
    let sha = format!("{:040x}", fnv(3, [text.as_str()]));
    let url = format!("{API}/repos/{full}/contents/{path}?ref=main");
    let git = format!("{API}/repos/{full}/git/blobs/{sha}");
    let html = format!("{WEB}/{full}/blob/main/{path}");
    json!({
        "name": file,
        "path": path,
        "sha": sha,
        "size": text.len(),
        "url": url,
        "html_url": html,
        "git_url": git,
        "download_url": null,
        "type": "file",
        "content": lines.join("\n") + "\n",
        "encoding": "base64",
        "_links": { "self": url, "git": git, "html": html },
    })
}

/// YAML; a text in it is written as JSON has it, which is YAML too.
fn text(plan: &WorkflowSpec) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let mut text = format!(
        "name: {}\n\non:\n  push:\n    branches: [main]\n    tags: ['v*']\n  workflow_dispatch:\n",
        quoted(&plan.name)
    );
    if !plan.inputs.is_empty() {
        text += "    inputs:\n";
    }
    for input in &plan.inputs {
        let (name, kind, required) = (quoted(&input.name), &input.r#type, input.required);
        let described = input.description.iter().map(|it| format!("        description: {}\n", quoted(it)));
        let preset = input.default.iter().map(|it| format!("        default: {}\n", quoted(it)));
        text.extend([format!("      {name}:\n        type: {kind}\n        required: {required}\n")]);
        text.extend(described.chain(preset));
        if !input.options.is_empty() {
            text += "        options:\n";
            text.extend(input.options.iter().map(|option| format!("          - {}\n", quoted(option))));
        }
    }
    text += "\njobs:\n";
    text.extend(plan.jobs.iter().map(|job| format!("  {}:\n    runs-on: ubuntu-latest\n", quoted(&job.name))));
    text
}

/// Why a workflow does not start with these inputs, in GitHub's words; the first of them was recorded, the others are as its
/// documentation and its clients quote them.
pub(super) fn check(plan: &WorkflowSpec, given: Option<&Value>) -> Result<(), Refused> {
    let none = Map::new();
    let given = given.and_then(Value::as_object).unwrap_or(&none);
    let unfit = |message: String| Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    let unknown: Vec<&String> =
        given.keys().filter(|name| !plan.inputs.iter().any(|input| input.name == **name)).collect();
    if !unknown.is_empty() {
        return unfit(format!("Unexpected inputs provided: {}", json!(unknown)));
    }
    for InputSpec { name, required, default, options, r#type, .. } in &plan.inputs {
        let value = given.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            if *required && default.is_none() {
                return unfit(format!("Required input '{name}' not provided"));
            }
            continue;
        };
        let fits = match r#type.as_str() {
            "choice" => options.contains(&value),
            "boolean" => matches!(value.as_str(), "true" | "false"),
            "number" => value.parse::<f64>().is_ok(),
            _ => true,
        };
        if !fits {
            return unfit(format!("Provided value '{value}' for input '{name}' not in the list of allowed values"));
        }
    }
    Ok(())
}
