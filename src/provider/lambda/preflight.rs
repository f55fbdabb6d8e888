//! Whether a version can take the traffic of an alias: is it there and active, is its image, is anything of it kept warm, may it run at all.

use crate::{
    domain::{
        object::ObjectId,
        observed::FaultKind,
        preflight::{About, Check, Grade, Preflight, Takes},
        text::clean,
    },
    port::error::ProviderError,
    provider::lambda::{
        address::Address,
        api::{Published, Reserved, Warm},
        facade::Lambda,
        request,
    },
};

impl Lambda {
    pub(super) async fn preflight(&self, target: &ObjectId, number: &str) -> Result<Preflight, ProviderError> {
        let at = Address::of(target)?;
        let client = self.client();
        let mut checks = vec![match client
            .read::<Published>(&request::version(&at.function, number), &at.function)
            .await
        {
            Ok(version) => there(number, &version),
            Err(error) if error.kind == FaultKind::Missing => {
                Check::new(About::Revision, Grade::Red, format!("version {number} is gone: somebody deleted it"))
                    .mended_by("another version, or publish its code again")
            }
            Err(error) => {
                Check::new(About::Revision, Grade::Unknown, format!("whether it is there is not known: {}", error.text))
            }
        }];
        let warm = client.read::<Warm>(&request::warm(&at.function, None), &at.function).await;
        checks.push(match warm {
            Ok(warm) => kept_warm(&at, number, &warm),
            Err(error) => {
                let words = format!("what is kept warm of it is not known: {}", error.text);
                Check::new(About::Capacity, Grade::Unknown, words)
            }
        });
        match client.read::<Reserved>(&request::reserved(&at.function), &at.function).await {
            Ok(Reserved { reserved_concurrent_executions: Some(0) }) => checks.push(
                Check::new(About::Quota, Grade::Red, "its reserved concurrency is 0: every invocation is throttled")
                    .mended_by("put-function-concurrency with another number, or delete it"),
            ),
            Ok(_) => {}
            Err(error) => {
                let words = format!("whether it may run is not known: {}", error.text);
                checks.push(Check::new(About::Quota, Grade::Unknown, words));
            }
        }
        let (images, interrupts) = (Vec::new(), Vec::new());
        Ok(Preflight { checks, takes: Takes::AtOnce, to_start: 0, images, interrupts })
    }
}

fn there(number: &str, version: &Published) -> Check {
    let made_of = match (version.package_type.as_deref(), version.layers.as_deref().unwrap_or_default()) {
        (Some("Image"), _) => ", a container image".to_owned(),
        (_, []) => String::new(),
        (_, [_]) => ", with a layer".to_owned(),
        (_, layers) => format!(", with {} layers", layers.len()),
    };
    let why = version.state_reason.as_deref().map(|why| format!(": {}", clean(why))).unwrap_or_default();
    let (grade, words) = match version.state.as_deref() {
        Some("Active") => (Grade::Good, format!("version {number} is active{made_of}")),
        Some("Inactive") => (
            Grade::Amber,
            format!(
                "version {number} was not used for long and is inactive{made_of}: its first invocation fails and wakes it{why}"
            ),
        ),
        Some("Pending") => (Grade::Amber, format!("version {number} is still being made{made_of}{why}")),
        Some(state) => (Grade::Red, format!("version {number} is {}{made_of}{why}", clean(state))),
        None => (Grade::Unknown, format!("version {number} does not tell its state{made_of}")),
    };
    Check::new(About::Revision, grade, words)
}

fn kept_warm(at: &Address, number: &str, warm: &Warm) -> Check {
    let of = |qualifier: &str| warm.provisioned_concurrency_configs.iter().find(|one| one.qualifier() == qualifier);
    let others = || !warm.provisioned_concurrency_configs.is_empty() || warm.next_marker.is_some();
    let (grade, words) = match (of(number), of(&at.alias)) {
        (Some(own), _) => {
            let (has, wants) = (
                own.available_provisioned_concurrent_executions.unwrap_or(0),
                own.requested_provisioned_concurrent_executions.unwrap_or(0),
            );
            if own.status.as_deref() == Some("READY") {
                (Grade::Good, format!("{has} of {wants} kept warm"))
            } else {
                let status = own.status.as_deref().unwrap_or("of no known status");
                (Grade::Amber, format!("{has} of {wants} kept warm ({}): the rest starts cold", clean(status)))
            }
        }
        (None, Some(_)) => (
            Grade::Amber,
            format!("what is kept warm belongs to {}: it is made anew, and starts cold until then", at.alias),
        ),
        (None, None) if others() => {
            (Grade::Amber, "nothing of it is kept warm, as of other versions is: it starts cold".to_owned())
        }
        (None, None) => (Grade::Good, "nothing of the function is kept warm: it starts cold as ever".to_owned()),
    };
    Check::new(About::Capacity, grade, words)
}
