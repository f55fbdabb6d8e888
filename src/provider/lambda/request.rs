//! What is asked: pure builders. The path names the service, and behind it what is meant (`provider::aws`): Lambda has a path for each of
//! its objects, CodeDeploy an operation with a body.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use serde_json::{Value, json};

use crate::{
    domain::observed::FaultKind,
    port::{error::ProviderError, fill::Outgoing, wire::Class},
    provider::{
        http::{USER_AGENT, client::part},
        lambda::address::Address,
    },
};

/// As many things are on a page of Lambda's at most.
const PAGE: usize = 50;

/// A request, before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) class: Class,
    method: Method,
    /// `/lambda/2015-03-31/functions/payments/aliases`, `/codedeploy/ListApplications`
    pub(super) path: String,
    pub(super) body: String,
    /// The right that it takes, as policies name it.
    right: &'static str,
}

impl Wanted {
    fn get(path: String, right: &'static str) -> Self {
        Self { class: Class::Read, method: Method::GET, path, body: String::new(), right }
    }

    fn ask(operation: &str, right: &'static str, body: &Value) -> Self {
        let path = format!("/codedeploy/{operation}");
        Self { class: Class::Read, method: Method::POST, path, body: body.to_string(), right }
    }

    /// A call of a plan.
    pub(super) fn call(outgoing: &Outgoing<'_>) -> Self {
        let path = outgoing.path.clone();
        let right = match path.as_str() {
            STOP => "codedeploy:StopDeployment",
            CREATE => "codedeploy:CreateDeployment",
            _ => "lambda:UpdateAlias",
        };
        let method = if path.starts_with("/lambda/") { Method::PUT } else { Method::POST };
        Self { class: Class::Write, method, path, body: outgoing.body.clone(), right }
    }

    /// The right that it takes: `lambda:GetAlias`.
    pub(super) fn right(&self) -> String {
        self.right.to_owned()
    }

    /// The request with its class.
    pub(super) fn request(&self) -> Result<Request<Bytes>, ProviderError> {
        let unfit = || ProviderError::new(FaultKind::Rejected, format!("'{}' cannot be sent to AWS", self.path));
        let mut request = Request::new(Bytes::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse().map_err(|_| unfit())?;
        request.extensions_mut().insert(self.class);
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        Ok(request)
    }
}

/// Where a deployment is stopped.
pub(super) const STOP: &str = "/codedeploy/StopDeployment";
/// Where one is begun.
pub(super) const CREATE: &str = "/codedeploy/CreateDeployment";

fn function(name: &str) -> String {
    format!("/lambda/2015-03-31/functions/{name}")
}

/// An alias, to be read and written.
pub(super) fn alias_path(at: &Address) -> String {
    format!("{}/aliases/{}", function(&at.function), at.alias)
}

fn paged(path: &str, marker: Option<&str>) -> String {
    let from = marker.map(|marker| format!("&Marker={}", part(marker))).unwrap_or_default();
    let and = if path.contains('?') { '&' } else { '?' };
    format!("{path}{and}MaxItems={PAGE}{from}")
}

/// Every function of the region.
pub(super) fn functions(marker: Option<&str>) -> Wanted {
    Wanted::get(paged("/lambda/2015-03-31/functions", marker), "lambda:ListFunctions")
}

/// One alias.
pub(super) fn alias(at: &Address) -> Wanted {
    Wanted::get(alias_path(at), "lambda:GetAlias")
}

/// The aliases of a function.
pub(super) fn aliases(name: &str, marker: Option<&str>) -> Wanted {
    Wanted::get(paged(&format!("{}/aliases", function(name)), marker), "lambda:ListAliases")
}

/// Its versions, the oldest first.
pub(super) fn versions(name: &str, marker: Option<&str>) -> Wanted {
    Wanted::get(paged(&format!("{}/versions", function(name)), marker), "lambda:ListVersionsByFunction")
}

/// One version. Not `GetFunction`: that lends a way to the code, too.
pub(super) fn version(name: &str, number: &str) -> Wanted {
    let path = format!("{}/configuration?Qualifier={}", function(name), part(number));
    Wanted::get(path, "lambda:GetFunctionConfiguration")
}

/// What is kept warm of a function.
pub(super) fn warm(name: &str, marker: Option<&str>) -> Wanted {
    let path = format!("/lambda/2019-09-30/functions/{name}/provisioned-concurrency?List=ALL");
    Wanted::get(paged(&path, marker), "lambda:ListProvisionedConcurrencyConfigs")
}

/// What is kept free for a function.
pub(super) fn reserved(name: &str) -> Wanted {
    let path = format!("/lambda/2019-09-30/functions/{name}/concurrency");
    Wanted::get(path, "lambda:GetFunctionConcurrency")
}

fn with_token(mut body: Value, token: Option<&str>) -> Value {
    if let (Some(fields), Some(token)) = (body.as_object_mut(), token) {
        fields.insert("nextToken".to_owned(), token.into());
    }
    body
}

/// The applications of CodeDeploy.
pub(super) fn applications(token: Option<&str>) -> Wanted {
    Wanted::ask("ListApplications", "codedeploy:ListApplications", &with_token(json!({}), token))
}

/// What these deploy to.
pub(super) fn platforms(names: &[String]) -> Wanted {
    Wanted::ask("BatchGetApplications", "codedeploy:BatchGetApplications", &json!({"applicationNames": names}))
}

/// The deployment groups of an application.
pub(super) fn group_names(application: &str, token: Option<&str>) -> Wanted {
    let body = with_token(json!({"applicationName": application}), token);
    Wanted::ask("ListDeploymentGroups", "codedeploy:ListDeploymentGroups", &body)
}

/// How these are set, and what each has tried last.
pub(super) fn groups(application: &str, names: &[String]) -> Wanted {
    let body = json!({"applicationName": application, "deploymentGroupNames": names});
    Wanted::ask("BatchGetDeploymentGroups", "codedeploy:BatchGetDeploymentGroups", &body)
}

/// What a group has deployed, newest first.
pub(super) fn deployments(application: &str, group: &str) -> Wanted {
    let body = json!({"applicationName": application, "deploymentGroupName": group});
    Wanted::ask("ListDeployments", "codedeploy:ListDeployments", &body)
}

/// These deployments.
pub(super) fn deployment(ids: &[String]) -> Wanted {
    Wanted::ask("BatchGetDeployments", "codedeploy:BatchGetDeployments", &json!({"deploymentIds": ids}))
}

/// What a deployment is about.
pub(super) fn target_ids(deployment: &str) -> Wanted {
    let body = json!({"deploymentId": deployment});
    Wanted::ask("ListDeploymentTargets", "codedeploy:ListDeploymentTargets", &body)
}

/// Where these of it are.
pub(super) fn targets(deployment: &str, ids: &[String]) -> Wanted {
    let body = json!({"deploymentId": deployment, "targetIds": ids});
    Wanted::ask("BatchGetDeploymentTargets", "codedeploy:BatchGetDeploymentTargets", &body)
}

/// How traffic is shifted by that name.
pub(super) fn config(name: &str) -> Wanted {
    Wanted::ask("GetDeploymentConfig", "codedeploy:GetDeploymentConfig", &json!({"deploymentConfigName": name}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_read_names_what_is_meant_and_its_right() {
        let at = Address { function: "pay".into(), alias: "live".into() };
        let table = [
            (functions(Some("a/b=")), "GET", "/lambda/2015-03-31/functions?MaxItems=50&Marker=a%2Fb%3D", ""),
            (alias(&at), "GET", "/lambda/2015-03-31/functions/pay/aliases/live", ""),
            (
                version("pay", "$LATEST"),
                "GET",
                "/lambda/2015-03-31/functions/pay/configuration?Qualifier=%24LATEST",
                "",
            ),
            (
                warm("pay", None),
                "GET",
                "/lambda/2019-09-30/functions/pay/provisioned-concurrency?List=ALL&MaxItems=50",
                "",
            ),
            (applications(Some("t")), "POST", "/codedeploy/ListApplications", r#"{"nextToken":"t"}"#),
        ];
        for (wanted, method, path, body) in table {
            let request = wanted.request().unwrap();
            assert_eq!((request.method().as_str(), wanted.path.as_str(), wanted.body.as_str()), (method, path, body));
        }
        assert_eq!([alias(&at).right(), config("x").right()], ["lambda:GetAlias", "codedeploy:GetDeploymentConfig"]);
    }
}
