//! What GitLab tells whoever sets it up: whose token it is, what it may and until when, and the role in each project.
//!
//! Source: `GET /user`, `GET /personal_access_tokens/self` (`docs.gitlab.com/api/personal_access_tokens/`), `maxAccessLevel` of a project.

use chrono::NaiveDate;
use futures::{FutureExt, future::BoxFuture};

use super::{
    api,
    client::Told,
    facade::Gitlab,
    request::{self, scope},
};
use crate::port::examine::{Examine, Finding, Grade, LookedAt};

/// Days before its end in which a token is said to end soon.
const SOON: i64 = 14;

impl Examine for Gitlab {
    fn examine<'a>(&'a self, _: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let wanted = request::user();
            let answer = match self.client().send(&wanted, "the token").await {
                Ok(answer) => answer,
                Err(error) => return vec![Finding::refused(&error)],
            };
            let user: Result<api::User, _> = self.client().json(&answer, "the token");
            if let (true, Err(error)) = (answer.status().is_success(), &user) {
                return vec![Finding::refused(error)];
            }
            let mut found = vec![Finding::good("reached", "it answers"), Finding::clock(answer.headers(), self.now())];
            if !answer.status().is_success() {
                let error = self.client().fault(&answer, &wanted, "the token");
                found.push(Finding::of(
                    Grade::Broken,
                    "as whom",
                    error.text,
                    "a token with the scope read_api, or api to act",
                ));
                return found;
            }
            found.push(match user.unwrap_or_default().username {
                Some(name) => Finding::good("as whom", name),
                None => Finding::of(Grade::Unknown, "as whom", "it does not say whose token it is", ""),
            });
            match self.client().read::<api::Token>(&request::token(), "the token").await {
                Ok(token) => {
                    found.push(rights(token.scopes));
                    found.extend(end(token.expires_at.as_deref(), self.now().date_naive()));
                }
                Err(error) => found.push(Finding::of(Grade::Unknown, "rights", error.text, "")),
            }
            for watched in self.watched() {
                found.extend(self.role(watched.path()).await);
            }
            found
        }
        .boxed()
    }

    fn grants(&self, acting: bool) -> Option<String> {
        let look = "a personal, group or project access token with the scope read_api, and the role Reporter in each project\n\
                    (Developer where its pipelines are not public)\n";
        let act = "a personal access token with the scope api, and the role Developer in each project; to deploy, one that the\n\
                   protected environment allows to deploy; to approve, one that its approval rules name (Premium);\n\
                   to see deploy freezes, the role Maintainer\n";
        Some(if acting { act } else { look }.to_owned())
    }
}

impl Gitlab {
    /// The role in one project, where it is less than what acting takes.
    async fn role(&self, path: &str) -> Option<Finding> {
        let told = self.client().ask::<api::Projects>(&request::look(&[path]), path).await;
        let project = match told {
            Ok(Told::Answer(told)) => told.projects.and_then(|all| all.nodes.read.into_iter().next()),
            Ok(Told::TooMuch(error)) | Err(error) => return Some(Finding::of(Grade::Broken, path, error.text, "")),
        };
        let Some(project) = project else {
            let said = "there is no such project that the token may see";
            return Some(Finding::of(Grade::Broken, path, said, "mend the name, or let the token's user into it"));
        };
        match project.max_access_level.and_then(|level| level.integer_value) {
            Some(level) if level >= 30 => None,
            Some(_) => Some(Finding::of(
                Grade::Limited,
                path,
                "the role is less than Developer: no verb",
                "the role Developer",
            )),
            None => Some(Finding::of(Grade::Unknown, path, "it does not say which role the token has there", "")),
        }
    }
}

/// What a token may do.
fn rights(scopes: Option<Vec<String>>) -> Finding {
    let Some(scopes) = scopes else {
        return Finding::of(Grade::Unknown, "rights", "this kind of token does not say what it may", "");
    };
    let has = |scope: &str| scopes.iter().any(|known| known == scope);
    if has("sudo") || has("admin_mode") {
        let said = format!("the token may act as anybody, which nothing here needs: scopes {}", scopes.join(", "));
        return Finding::of(Grade::Limited, "rights", said, "a token with the scope api alone");
    }
    match (has(scope::ACT), has(scope::READ)) {
        (true, _) => Finding::good("rights", format!("scopes {}", scopes.join(", "))),
        (false, true) => {
            Finding::of(Grade::Limited, "rights", "the token lacks api: no verb", "a token with the scope api")
        }
        (false, false) => {
            let said = format!("the token lacks read_api: nothing is seen with {}", scopes.join(", "));
            Finding::of(Grade::Broken, "rights", said, "a token with the scope read_api")
        }
    }
}

/// When it ends, where that is soon.
fn end(expires: Option<&str>, today: NaiveDate) -> Option<Finding> {
    let day: NaiveDate = expires?.parse().ok()?;
    let left = (day - today).num_days();
    if left > SOON {
        return None;
    }
    let (grade, said) = if left <= 0 {
        (Grade::Broken, format!("the token ended on {day}"))
    } else {
        (Grade::Limited, format!("the token ends on {day}, in {left} days"))
    };
    Some(Finding::of(grade, "token", said, "a new token, or one that is rotated"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_what_it_lacks_or_has_too_much_of_and_one_that_says_nothing_is_not_taken_to_be_allowed() {
        let of = |scopes: &[&str]| rights(Some(scopes.iter().map(|one| (*one).to_owned()).collect())).grade;
        assert_eq!(of(&["api"]), Grade::Good);
        assert_eq!(of(&["read_api"]), Grade::Limited);
        assert_eq!(of(&["read_repository"]), Grade::Broken);
        assert_eq!(of(&["api", "sudo"]), Grade::Limited);
        assert_eq!(rights(None).grade, Grade::Unknown);
    }

    #[test]
    fn the_end_of_a_token_is_said_while_something_can_be_done_about_it() {
        let today: NaiveDate = "2026-03-10".parse().unwrap();
        let of = |day: &str| end(Some(day), today).map(|found| (found.grade, found.said));
        assert_eq!(of("2026-03-31"), None);
        assert_eq!(of("2026-03-20"), Some((Grade::Limited, "the token ends on 2026-03-20, in 10 days".into())));
        assert_eq!(of("2026-03-10"), Some((Grade::Broken, "the token ended on 2026-03-10".into())));
        assert_eq!((end(None, today), of("soon")), (None, None));
    }
}
