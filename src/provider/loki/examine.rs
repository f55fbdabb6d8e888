//! What a Loki tells whoever sets it up: is it reached, and by which label services are told apart there.

use futures::{FutureExt, future::BoxFuture};

use super::{Loki, api, request};
use crate::port::examine::{Examine, Finding, Grade, LookedAt};

impl Examine for Loki {
    fn examine<'a>(&'a self, _: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let asked = match request::labels(self.clock.now()) {
                Ok(request) => self.client.done(request).await,
                Err(error) => Err(error),
            };
            let answer = match asked {
                Ok(answer) => answer,
                Err(error) => return vec![Finding::refused(&error)],
            };
            if let Err(error) = self.client.json::<api::Labels>(&answer) {
                return vec![Finding::refused(&error)];
            }
            let clock = Finding::clock(answer.headers(), self.clock.now());
            let label = match &self.settings.service_label {
                Some(label) => Ok(label.clone()),
                None => self.service_label().await,
            };
            let label = match label {
                Ok(label) => Finding::good("services", format!("told apart by the label {label}")),
                Err(error) => Finding::of(Grade::Limited, "services", error.text, "service_label = \"…\""),
            };
            vec![Finding::good("reached", "it answers"), clock, label]
        }
        .boxed()
    }
}
