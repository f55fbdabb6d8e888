//! What splits the traffic, read where it stands: the status of a Canary says 0 while traffic still flows, in every phase but three
//! (fluxcd/flagger#1819). Sources: `pkg/router/{gateway_api,istio,smi_v1alpha2,ingress}.go`.

use serde_json::Value;

use super::api::Canary;
use crate::provider::kubernetes::request::Resource;

/// Routes of the Gateway API.
pub const HTTP_ROUTES: Resource =
    Resource { group: "gateway.networking.k8s.io", version: "v1", plural: "httproutes", product: "Gateway API" };
const HTTP_ROUTES_BEFORE: Resource =
    Resource { group: "gateway.networking.k8s.io", version: "v1beta1", plural: "httproutes", product: "Gateway API" };
/// Istio's routes.
pub const VIRTUAL_SERVICES: Resource =
    Resource { group: "networking.istio.io", version: "v1beta1", plural: "virtualservices", product: "Istio" };
/// Splits of the service mesh interface.
pub const TRAFFIC_SPLITS: Resource =
    Resource { group: "split.smi-spec.io", version: "v1alpha2", plural: "trafficsplits", product: "SMI" };
const TRAFFIC_SPLITS_BEFORE: Resource =
    Resource { group: "split.smi-spec.io", version: "v1alpha1", plural: "trafficsplits", product: "SMI" };
const TRAFFIC_SPLITS_AFTER: Resource =
    Resource { group: "split.smi-spec.io", version: "v1alpha3", plural: "trafficsplits", product: "SMI" };
/// Ingresses, which nginx splits by an annotation.
pub const INGRESSES: Resource = Resource {
    group: "networking.k8s.io",
    version: "v1",
    plural: "ingresses",
    product: "Kubernetes networking.k8s.io/v1",
};

/// The object that splits, where it is one that we can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Router {
    /// Of which kind.
    pub resource: Resource,
    /// Its name, in the Canary's namespace.
    pub name: String,
}

/// What may split the traffic of a canary, in the order in which it is looked for. Of those that name no provider the controller's
/// own setting counts, which nobody can read: what is there tells.
pub(super) fn routers(canary: &Canary) -> Vec<Router> {
    let apex = |resource| Router { resource, name: canary.apex().to_owned() };
    let ingress = || {
        let of = canary.spec.ingress_ref.as_ref()?;
        Some(Router { resource: INGRESSES, name: format!("{}-canary", of.name) })
    };
    match canary.spec.provider.as_str() {
        "istio" => vec![apex(VIRTUAL_SERVICES)],
        "nginx" => ingress().into_iter().collect(),
        "linkerd" => vec![apex(TRAFFIC_SPLITS_BEFORE)],
        "osm" => vec![apex(TRAFFIC_SPLITS)],
        smi if smi.starts_with("smi:v1alpha1") => vec![apex(TRAFFIC_SPLITS_BEFORE)],
        smi if smi.starts_with("smi:v1alpha2") => vec![apex(TRAFFIC_SPLITS)],
        smi if smi.starts_with("smi:v1alpha3") => vec![apex(TRAFFIC_SPLITS_AFTER)],
        gateway if gateway.starts_with("gatewayapi:v1beta1") => vec![apex(HTTP_ROUTES_BEFORE)],
        gateway if gateway.starts_with("gatewayapi:v1") => vec![apex(HTTP_ROUTES)],
        "" => ingress().into_iter().chain([VIRTUAL_SERVICES, HTTP_ROUTES, TRAFFIC_SPLITS].map(apex)).collect(),
        _ => Vec::new(),
    }
}

/// The canary's share in percent, as the object has it; none where it splits nothing between the two.
pub(super) fn weight(canary: &Canary, router: &Router, object: &Value) -> Option<u32> {
    let of_routes = |list, field, name| of_routes(canary, object, list, field, name);
    match router.resource.plural {
        "httproutes" => of_routes("/spec/rules", "backendRefs", "/name"),
        "virtualservices" => {
            let tcp = || of_routes("/spec/tcp", "route", "/destination/host");
            of_routes("/spec/http", "route", "/destination/host").or_else(tcp)
        }
        "trafficsplits" => share(canary, object.pointer("/spec/backends")?.as_array()?, "/service"),
        _ => of_annotation(object),
    }
}

/// Of several routes the one that splits between the two: with sticky sessions there is one more, which keeps users where they are,
/// and weighs it all to one side.
fn of_routes(canary: &Canary, object: &Value, list: &str, field: &str, name: &str) -> Option<u32> {
    let routes = object.pointer(list).and_then(Value::as_array)?;
    let mut found: Option<u32> = None;
    for backends in routes.iter().filter_map(|route| route.get(field)?.as_array()) {
        let Some(share) = share(canary, backends, name) else { continue };
        let decides = found.is_none() || has_own_headers(backends);
        found = if decides { Some(share) } else { found };
    }
    found
}

/// The weighted route of sticky sessions is the one whose backends set a cookie.
fn has_own_headers(backends: &[Value]) -> bool {
    let sets = |one: &Value| {
        let filters = one.get("filters").and_then(Value::as_array);
        one.get("headers").is_some() || filters.is_some_and(|filters| !filters.is_empty())
    };
    backends.iter().any(sets)
}

/// The canary's part of these backends, in percent. Both must be there: a route to one of them splits nothing.
fn share(canary: &Canary, backends: &[Value], name: &str) -> Option<u32> {
    let apex = canary.apex();
    let of = |side: &str| {
        let wanted = format!("{apex}-{side}");
        let called = |one: &&Value| one.pointer(name).and_then(Value::as_str) == Some(&wanted);
        backends.iter().find(called).map(number)
    };
    let (primary, canary) = (of("primary")??, of("canary")??);
    let whole = primary + canary;
    (whole > 0).then(|| u32::try_from((canary * 100 + whole / 2) / whole).unwrap_or(100))
}

/// A weight that is left out is 1 in the Gateway API and nothing elsewhere; Flagger writes all of them. The older splits have
/// quantities, which may be text.
fn number(backend: &Value) -> Option<u64> {
    match backend.get("weight") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(weight) => weight.as_u64(),
        None => Some(0),
    }
}

/// nginx: the annotation of the canary's own ingress. Whoever operates it may have given its annotations another prefix.
fn of_annotation(object: &Value) -> Option<u32> {
    let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object)?;
    let of = |end: &str| annotations.iter().find(|(key, _)| key.ends_with(end)).and_then(|(_, value)| value.as_str());
    if of("/canary") == Some("false") {
        return Some(0);
    }
    of("/canary-weight")?.parse().ok().filter(|weight| *weight <= 100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canary(provider: &str) -> Canary {
        let spec = json!({"provider": provider, "targetRef": {"kind": "Deployment", "name": "podinfo"},
            "ingressRef": {"kind": "Ingress", "name": "web"}});
        serde_json::from_value(json!({"metadata": {"name": "podinfo"}, "spec": spec})).unwrap()
    }

    fn read(provider: &str, object: &Value) -> Option<u32> {
        let canary = canary(provider);
        weight(&canary, &routers(&canary)[0], object)
    }

    #[test]
    fn each_router_says_the_share_of_the_canary_in_its_own_form() {
        let backend = |name: &str, weight: u32| json!({"name": name, "port": 9898, "weight": weight});
        let route = |both: [u32; 2]| json!({"backendRefs": [backend("podinfo-primary", both[0]), backend("podinfo-canary", both[1])]});
        assert_eq!(read("gatewayapi:v1", &json!({"spec": {"rules": [route([50, 50])]}})), Some(50));
        let to = |name: &str, weight: u32| json!({"destination": {"host": name}, "weight": weight});
        let http = json!({"spec": {"http": [{"route": [to("podinfo-primary", 85), to("podinfo-canary", 15)]}]}});
        assert_eq!(read("istio", &http), Some(15));
        let tcp = json!({"spec": {"tcp": [{"route": [to("podinfo-primary", 0), to("podinfo-canary", 100)]}]}});
        assert_eq!(read("istio", &tcp), Some(100));
        let split = json!({"spec": {"backends": [{"service": "podinfo-canary", "weight": "20"},
            {"service": "podinfo-primary", "weight": "80"}]}});
        assert_eq!(read("linkerd", &split), Some(20));
        let ingress = |canary: &str| {
            let annotations = json!({"nginx.ingress.kubernetes.io/canary": canary,
                "nginx.ingress.kubernetes.io/canary-weight": "30"});
            json!({"metadata": {"annotations": annotations}})
        };
        assert_eq!((read("nginx", &ingress("true")), read("nginx", &ingress("false"))), (Some(30), Some(0)));
    }

    #[test]
    fn what_splits_nothing_between_the_two_says_nothing_and_never_zero() {
        let one = json!({"spec": {"rules": [{"backendRefs": [{"name": "podinfo-primary", "weight": 100}]}]}});
        for object in [json!({}), one, json!({"spec": {"rules": []}})] {
            assert_eq!(read("gatewayapi:v1", &object), None, "{object}");
        }
    }

    #[test]
    fn of_sticky_sessions_the_route_that_sets_the_cookie_counts() {
        let to = |name: &str, weight: u32, headers: &Value| {
            let mut to = json!({"destination": {"host": name}, "weight": weight});
            to.as_object_mut().unwrap().extend(headers.as_object().unwrap().clone());
            to
        };
        let (none, cookie) = (json!({}), json!({"headers": {"response": {"add": {"Set-Cookie": "x"}}}}));
        let sticky = json!({"route": [to("podinfo-primary", 0, &none), to("podinfo-canary", 100, &none)]});
        let weighted = json!({"route": [to("podinfo-primary", 60, &none), to("podinfo-canary", 40, &cookie)]});
        assert_eq!(read("istio", &json!({"spec": {"http": [sticky, weighted]}})), Some(40));
    }

    #[test]
    fn who_names_no_provider_is_looked_for_and_what_we_cannot_read_is_not() {
        let of = |provider: &str| routers(&canary(provider)).iter().map(|it| it.resource.plural).collect::<Vec<_>>();
        assert_eq!(of(""), ["ingresses", "virtualservices", "httproutes", "trafficsplits"]);
        assert_eq!((of("contour"), of("kubernetes")), (vec![], vec![]));
        assert_eq!(of("smi:v1alpha3:mesh"), ["trafficsplits"]);
    }
}
