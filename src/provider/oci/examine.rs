//! What a registry tells whoever sets it up: is it reached, does it let us in, and which images are looked for there.

use futures::{FutureExt, future::BoxFuture};

use super::{Registry, request};
use crate::port::examine::{Examine, Finding, LookedAt};

impl Examine for Registry {
    fn examine<'a>(&'a self, _: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let answer = match self.client.ask("", request::base).await {
                Ok(answer) if answer.status().is_success() => answer,
                Ok(answer) => return vec![Finding::refused(&self.client.fault(&answer))],
                Err(error) => return vec![Finding::refused(&error)],
            };
            let reached = match answer.headers().get("docker-distribution-api-version") {
                Some(_) => "it answers, as a registry does",
                None => "it answers",
            };
            let hosts = format!("those that begin with {}", self.settings.hosts.join(", "));
            vec![Finding::good("reached", reached), Finding::good("images", hosts)]
        }
        .boxed()
    }
}
