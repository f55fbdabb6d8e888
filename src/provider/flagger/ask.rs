//! What is asked about one canary beside its objects: what splits its traffic while a version is on its way, and whether its gates
//! are open, which only the load tester knows.

use serde_json::{Value, json};

use super::{
    api::{Canary, Word},
    gate::{self, Gate},
    router::{self, Router},
};
use crate::{
    domain::observed::FaultKind,
    provider::kubernetes::{Cluster, facade::Told},
};

/// The canary's share in percent, as what splits the traffic has it.
pub(super) const WEIGHT: &str = "weight";

/// What a gate is called among what was asked.
pub(super) const fn name(gate: Gate) -> &'static str {
    match gate {
        Gate::Confirm => "gate",
        Gate::Rollback => "rollback gate",
    }
}

/// What is open, as it is said among what was asked.
pub(super) const OPEN: &str = "open";
/// What is closed.
pub(super) const CLOSED: &str = "closed";

/// Asks all of it.
pub(super) async fn ask(cluster: &Cluster, canary: &Canary) -> Told {
    let both = [Gate::Confirm, Gate::Rollback].map(|gate| async move { (gate, gate_of(cluster, canary, gate).await) });
    let (weight, gates) = futures::join!(weight(cluster, canary), futures::future::join_all(both));
    let gates = gates.into_iter().filter_map(|(gate, said)| Some((name(gate).to_owned(), said?)));
    weight.map(|said| (WEIGHT.to_owned(), said)).into_iter().chain(gates).collect()
}

/// The body of every question to a load tester, and of every order.
pub(super) fn about(canary: &Canary) -> Value {
    json!({"name": canary.metadata.name, "namespace": canary.metadata.namespace})
}

/// Is a gate open? None where it has no such gate that can be reached.
async fn gate_of(cluster: &Cluster, canary: &Canary, gate: Gate) -> Option<Result<String, String>> {
    let tester = gate::of(canary, gate)?;
    let said = cluster.ask_service(&tester.path(gate, "check"), &about(canary)).await;
    let state = |yes| if yes { OPEN } else { CLOSED };
    Some(said.map(|yes| state(yes).to_owned()).map_err(|error| error.text))
}

/// The share, where something that can be read splits the traffic; none where nothing is known to.
async fn weight(cluster: &Cluster, canary: &Canary) -> Option<Result<String, String>> {
    if !may_be_split(canary) {
        return None;
    }
    let namespace = &canary.metadata.namespace;
    let sought = router::routers(canary);
    let named = !canary.spec.provider.is_empty();
    let mut missing: Option<&Router> = None;
    for one in &sought {
        match cluster.get::<Value>(one.resource, namespace, &one.name).await {
            Ok(object) => match router::weight(canary, one, &object) {
                Some(weight) => return Some(Ok(weight.to_string())),
                None => missing = Some(one),
            },
            Err(error) if error.kind == FaultKind::Missing => missing = missing.or(Some(one)),
            // Of a provider that nobody names any of them may be the one: not to be allowed to see it is not to know.
            Err(error) => return Some(Err(error.text)),
        }
    }
    let one = missing.filter(|_| named)?;
    let what = one.resource.plural;
    Some(Err(format!("there is none of {what} called {namespace}/{} that splits between primary and canary", one.name)))
}

/// Can traffic be on the canary at all, and by weight?
fn may_be_split(canary: &Canary) -> bool {
    let flows = matches!(
        canary.word(),
        Some(Word::Progressing | Word::WaitingPromotion | Word::Promoting | Word::Finalising | Word::Failed)
    );
    flows && !canary.is_by_match() && !canary.is_unrouted()
}
