//! What Buildkite tells whoever sets it up: whose token it is and what it may.
//!
//! Source: `GET /v2/access-token` (buildkite.com/docs/apis/rest-api/access-token).

use futures::{FutureExt, future::BoxFuture};

use super::{api, facade::Buildkite, request};
use crate::port::examine::{Examine, Finding, Grade, LookedAt};

impl Examine for Buildkite {
    fn examine<'a>(&'a self, _: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let wanted = request::token();
            let answer = match self.client().send(&wanted, "the token").await {
                Ok(answer) => answer,
                Err(error) => return vec![Finding::refused(&error)],
            };
            let token: Result<api::Token, _> = self.client().json(&answer, "the token");
            if let (true, Err(error)) = (answer.status().is_success(), &token) {
                return vec![Finding::refused(error)];
            }
            let mut found = vec![Finding::good("reached", "it answers"), Finding::clock(answer.headers(), self.now())];
            if !answer.status().is_success() {
                let error = self.client().fault(&answer, &wanted, "the token");
                found.push(Finding::of(
                    Grade::Broken,
                    "as whom",
                    error.text,
                    "a token with read_builds and write_builds",
                ));
                return found;
            }
            let token = token.unwrap_or_default();
            found.push(match token.user.and_then(|user| user.name) {
                Some(name) => Finding::good("as whom", name),
                None => Finding::of(Grade::Unknown, "as whom", "it does not say whose token it is", ""),
            });
            found.push(rights(token.scopes));
            found
        }
        .boxed()
    }
}

/// What a token may do.
fn rights(scopes: Option<Vec<String>>) -> Finding {
    let Some(scopes) = scopes else {
        return Finding::of(Grade::Unknown, "rights", "this kind of token does not say what it may", "");
    };
    let lacks = |scope: &&str| !scopes.iter().any(|known| known == scope);
    let missing = |grade, scope: &str, what: &str| {
        let said = format!("the token lacks {scope}: {what}");
        Finding::of(grade, "rights", said, format!("a token with the scope {scope}"))
    };
    match ["read_builds", request::scope::ACT].into_iter().find(lacks) {
        Some("read_builds") => missing(Grade::Broken, "read_builds", "nothing of its builds is seen"),
        Some(scope) => missing(Grade::Limited, scope, "no verb"),
        None => Finding::good("rights", format!("scopes {}", scopes.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_what_it_lacks_and_one_that_says_nothing_is_not_taken_to_be_allowed() {
        let of = |scopes: &[&str]| rights(Some(scopes.iter().map(|one| (*one).to_owned()).collect())).grade;
        assert_eq!(of(&["read_builds", "write_builds"]), Grade::Good);
        assert_eq!(of(&["read_builds"]), Grade::Limited);
        assert_eq!(of(&["write_builds"]), Grade::Broken);
        assert_eq!(rights(None).grade, Grade::Unknown);
    }
}
