//! What GitHub tells whoever sets it up: whose token it is, what it may, and whether each repository is seen.
//!
//! Source: the header `x-oauth-scopes` of a classic token (docs.github.com, "Scopes for OAuth apps"); fine-grained tokens have none.

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};

use super::{api, facade::GitHub, request};
use crate::port::{
    error::ProviderError,
    examine::{Examine, Finding, Grade, LookedAt},
};

/// The header that says what a classic token may.
const SCOPES: &str = "x-oauth-scopes";
/// The scope without which private repositories are not seen, and nothing is approved or run again.
const ACT: &str = "repo";
/// Repositories that are asked for at the same time.
const AT_ONCE: usize = 4;

impl Examine for GitHub {
    fn examine<'a>(&'a self, _: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let answer = match self.client().send(request::user(), "the token").await {
                Ok(answer) => answer,
                Err(error) => return vec![Finding::refused(&error)],
            };
            // Without a token it says 401, an app's token has no person: 403. Both let public things be seen.
            let status = answer.status().as_u16();
            let account: Result<api::Account, _> = self.client().json(&answer, "the token");
            if let (true, Err(error)) = (answer.status().is_success(), &account) {
                return vec![Finding::refused(error)];
            }
            let mut found = vec![Finding::good("reached", "it answers"), Finding::clock(answer.headers(), self.now())];
            if status == 403 {
                found.push(Finding::good("as whom", "an app, not a person"));
            } else if !answer.status().is_success() {
                let error = self.client().fault(&answer, "the token");
                let way = "token = { command = [\"gh\", \"auth\", \"token\"] }, or { env = \"GH_TOKEN\" }";
                found.push(Finding::of(Grade::Broken, "as whom", error.text, way));
                return found;
            } else {
                found.push(match account.ok().and_then(|account| account.login) {
                    Some(login) => Finding::good("as whom", login),
                    None => Finding::of(Grade::Unknown, "as whom", "it does not say whose token it is", ""),
                });
            }
            found.push(scopes(answer.headers().get(SCOPES).and_then(|said| said.to_str().ok())));
            found.extend(self.seen().await);
            found
        }
        .boxed()
    }
}

/// What a token may, as far as it says.
fn scopes(said: Option<&str>) -> Finding {
    match said.map(|said| said.split(',').map(str::trim).filter(|scope| !scope.is_empty()).collect::<Vec<_>>()) {
        None => Finding::of(Grade::Unknown, "rights", "this kind of token does not say what it may", ""),
        Some(scopes) if scopes.contains(&ACT) => Finding::good("rights", format!("scopes {}", scopes.join(", "))),
        Some(scopes) => {
            let said = format!("its scopes are {}: no private repository, and no verb", list(&scopes));
            Finding::of(Grade::Limited, "rights", said, "the scope repo, or `gh auth refresh --scopes repo`")
        }
    }
}

fn list(scopes: &[&str]) -> String {
    if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") }
}

impl GitHub {
    async fn sees(&self, owner: &str, repo: &str) -> Result<(), ProviderError> {
        let about = format!("{owner}/{repo}");
        self.client().done(request::newest_runs(owner, repo), &about).await.map(drop)
    }

    /// Each repository that cannot be seen.
    async fn seen(&self) -> Vec<Finding> {
        let named = self.named();
        let count = named.len();
        let mut each: Vec<BoxFuture<'_, Option<ProviderError>>> = Vec::new();
        for (owner, repo) in named {
            each.push(async move { self.sees(&owner, &repo).await.err() }.boxed());
        }
        let each: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
        let lost = each.into_iter().flatten();
        let lost: Vec<Finding> = lost
            .map(|error| Finding::of(Grade::Broken, "repositories", error.text, "the name, or a token that sees it"))
            .collect();
        if lost.is_empty() && count > 0 {
            return vec![Finding::good("repositories", format!("all {count} that are named are seen"))];
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_does_not_say_what_it_may_is_not_taken_to_be_allowed() {
        assert_eq!(scopes(None).grade, Grade::Unknown);
        assert_eq!(scopes(Some("read:org, repo")).grade, Grade::Good);
        let public = scopes(Some(""));
        assert_eq!((public.grade, public.way.is_some()), (Grade::Limited, true));
        assert!(public.said.contains("its scopes are none"), "{}", public.said);
    }
}
