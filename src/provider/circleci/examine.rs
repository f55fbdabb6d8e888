//! What CircleCI tells whoever sets it up: whose token it is, what it may (everything that its owner may: there is no lesser one), whether
//! `/api/v3` is there, and which projects it may see.
//!
//! Source: `GET /api/v2/me`, `GET /api/v2/project/SLUG`, `GET /api/v2/projects/ID/pipeline-definitions`.

use futures::{FutureExt, future::BoxFuture};

use super::{api, facade::Circleci, project::Watched, request};
use crate::{
    domain::text::clean,
    port::{
        error::ProviderError,
        examine::{Examine, Finding, Grade, LookedAt},
    },
};

/// What mends a token that may too much.
const LESS: &str = "`read_only = true` in the configuration keeps holdshort from acting with it; a user of its own with fewer projects may do less";

impl Examine for Circleci {
    fn examine<'a>(&'a self, _: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let wanted = request::me();
            let answer = match self.client().send(&wanted, "the token").await {
                Ok(answer) => answer,
                Err(error) => return vec![Finding::refused(&error)],
            };
            let me: Result<api::Me, ProviderError> = self.client().json(&answer, "the token");
            if let (true, Err(error)) = (answer.status().is_success(), &me) {
                return vec![Finding::refused(error)];
            }
            let mut found = vec![Finding::good("reached", "it answers"), Finding::clock(answer.headers(), self.now())];
            if !answer.status().is_success() {
                let error = self.client().fault(&answer, &wanted, "the token");
                found.push(Finding::of(Grade::Broken, "as whom", error.text, "a personal API token"));
                return found;
            }
            let me = me.unwrap_or_default();
            found.push(match me.login.or(me.name) {
                Some(name) => Finding::good("as whom", clean(&name)),
                None => Finding::of(Grade::Unknown, "as whom", "it does not say whose token it is", ""),
            });
            let said = "the token may do all that its owner may: CircleCI has none that may only look";
            found.push(Finding::of(Grade::Limited, "rights", said, LESS));
            found.push(match self.has_v3().await {
                Ok(true) => Finding::good("/api/v3", "it is there: many projects in one answer, and logs"),
                Ok(false) => Finding::of(
                    Grade::Limited,
                    "/api/v3",
                    "it is not there: each project is asked by itself, no logs, what holds for long is seen among the newest pipelines \
                     only, and what others run again is seen some minutes later",
                    "a newer Server",
                ),
                Err(error) => Finding::of(Grade::Unknown, "/api/v3", error.text, ""),
            });
            for one in self.projects() {
                found.extend(self.project(one).await);
            }
            found
        }
        .boxed()
    }

    fn grants(&self, acting: bool) -> Option<String> {
        let look = "a personal API token of somebody who may see each project (Server: the same); it may do all that its owner may, for\n\
                    CircleCI has none that may only look: read_only = true in the configuration keeps holdshort from acting with it\n";
        let act = "a personal API token of somebody who may push to each project; to approve what a restricted context is behind,\n\
                   also in that context's group; to put a version back, deploy markers and a rollback pipeline of the project's own\n";
        Some(if acting { act } else { look }.to_owned())
    }
}

impl Circleci {
    /// Whether a project is seen, and by which definition a new pipeline of it begins, where nobody has said so.
    async fn project(&self, one: &Watched) -> Option<Finding> {
        let slug = one.slug();
        let ids = match one.resolve(self.client()).await {
            Ok(ids) => ids,
            Err(error) => {
                let way = "mend the slug, or let the token's owner into the project: a restricted one answers as one that is not there";
                return Some(Finding::of(Grade::Broken, slug, error.text, way));
            }
        };
        if one.settings.definition.is_some() || !slug.starts_with("circleci/") {
            return None;
        }
        let pages = self.client().pages::<api::Named>(&request::definitions(&ids.project), slug).await.ok()?;
        let known = pages.all.read.into_iter().filter_map(|one| {
            Some(format!("{} (\"{}\")", clean(&one.id?), clean(one.name.as_deref().unwrap_or_default())))
        });
        let known: Vec<String> = known.collect();
        let said = "`definitions` does not say by which pipeline definition a new pipeline of it begins: no dispatch";
        Some(Finding::of(Grade::Limited, slug, said, format!("one of {}", known.join(", "))))
    }
}
