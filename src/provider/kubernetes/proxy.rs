//! Services of a cluster, reached through the API server: what is asked of one, and whether it says yes.

use http::StatusCode;
use serde_json::Value;

use super::{cluster::Cluster, error, request};
use crate::{
    domain::observed::FaultKind,
    port::{error::ProviderError, wire::Class},
    provider::http::page,
};

/// Is this a path of a service, behind the API server?
pub(super) fn is_proxied(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts.as_slice(), ["", "api", "v1", "namespaces", _, "services", _, "proxy", ..])
}

impl Cluster {
    /// Asks a service something that changes nothing: does it say yes? A 403 of its own is a no; one that the API server gives is
    /// none.
    ///
    /// # Errors
    /// When it could not be asked, or said something else.
    pub async fn ask_service(&self, path: &str, question: &Value) -> Result<bool, ProviderError> {
        let request = request::ask_about_us(path, question)?;
        let client = self.about(&request, None);
        let answer = client.send(request).await?;
        let is_page = page::is_page(answer.headers(), answer.body());
        match answer.status() {
            status if status.is_success() && is_page => {
                let text = format!("{}: {}", self.scope.cluster, error::PAGE);
                Err(ProviderError::new(FaultKind::Unreadable, text))
            }
            status if status.is_success() => Ok(true),
            StatusCode::FORBIDDEN if error::told(answer.body()).is_none() && !is_page => Ok(false),
            _ => Err(client.fault(&answer, Class::Read)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        domain::offer::Risk,
        provider::{
            http::testing::{Jumping, reply, scripted},
            kubernetes::Scope,
        },
    };

    #[tokio::test]
    async fn a_no_of_the_service_is_an_answer_and_a_no_of_the_api_server_is_none() {
        let json = [("content-type", "application/json")];
        let forbidden = r#"{"kind":"Status","code":403,"message":"services \"lt:80\" is forbidden: User \"dana\" cannot create resource \"services/proxy\" in API group \"\" in the namespace \"test\""}"#;
        let missing = r#"{"kind":"Status","code":404,"message":"services \"lt\" not found"}"#;
        let table = [
            (reply(200, &[], "Approved"), Ok(true)),
            (reply(403, &[], "Forbidden"), Ok(false)),
            (
                reply(403, &json, forbidden),
                Err("dana may not create services/proxy in test on eu: ask who administers it for that right"),
            ),
            (reply(404, &json, missing), Err("not there on eu: services \"lt\" not found")),
            (reply(503, &[], "no endpoints available"), Err("eu failed with 503: no endpoints available")),
        ];
        for (answer, expected) in table {
            let (leaf, _) = scripted([answer]);
            let scope = Scope::new("eu".into(), "prod/eu".into(), Risk::High, Vec::new());
            let cluster = Cluster::new(leaf, scope, Jumping::shared());
            let path = "/api/v1/namespaces/test/services/lt:80/proxy/gate/check";
            let said = cluster.ask_service(path, &json!({"name": "a"})).await;
            assert_eq!(said.map_err(|error| error.text), expected.map_err(str::to_owned));
        }
    }

    #[test]
    fn a_path_of_a_service_is_told_from_one_of_an_object() {
        assert!(is_proxied("/api/v1/namespaces/test/services/lt:80/proxy/gate/open"));
        assert!(!is_proxied(
            "/apis/flagger.app/v1beta1/namespaces/test/canaries/podinfo/status?fieldManager=holdshort"
        ));
    }
}
