//! What Jenkins tells whoever sets it up: who we are to it, and what that is good for. It tells nobody's rights.
//!
//! Sources: `GET /whoAmI/api/json` of the core; the header `X-Jenkins` of every answer, its version.

use futures::{FutureExt, future::BoxFuture};

use super::{api, facade::Jenkins, request, watched::Who};
use crate::{
    domain::text::clean,
    port::examine::{Examine, Finding, Grade, LookedAt},
};

/// What to write where it does not know us.
const SIGN_IN: &str =
    "basic_auth = { username = \"…\", password = { env = \"JENKINS_API_TOKEN\" } }, with an API token of yours";

impl Examine for Jenkins {
    fn examine<'a>(&'a self, _: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let wanted = request::whoami();
            let answer = match self.client().send(&wanted, "who we are").await {
                Ok(answer) => answer,
                Err(error) => return vec![Finding::refused(&error)],
            };
            let version = answer.headers().get("x-jenkins").and_then(|version| version.to_str().ok()).map(clean);
            let reached = if let Some(version) = version {
                Finding::good("reached", format!("it answers, as Jenkins {version}"))
            } else {
                let said = "what answers does not call itself Jenkins: no header X-Jenkins";
                Finding::of(Grade::Unknown, "reached", said, "check `url`: it ends where Jenkins begins")
            };
            let mut found = vec![reached, Finding::clock(answer.headers(), self.clock().now())];
            if !answer.status().is_success() {
                let error = self.client().fault(&answer, &wanted, "who we are");
                found.push(Finding::of(Grade::Broken, "as whom", error.text, SIGN_IN));
                return found;
            }
            let whoami: api::Whoami = serde_json::from_slice(answer.body()).unwrap_or_default();
            let who = Who::of(whoami, self.is_administrator());
            found.push(as_whom(&who));
            found.push(rights(&who));
            found
        }
        .boxed()
    }

    fn grants(&self, acting: bool) -> Option<String> {
        let mut all = vec!["Overall/Read", "Job/Read", "Job/Discover"];
        if acting {
            all.extend(["Job/Build", "Job/Cancel"]);
        }
        let more = if acting { "; for inputs with a `submitter`, to be named there" } else { "" };
        Some(format!("permissions of the user whose API token is used: {}{more}", all.join(", ")))
    }
}

fn as_whom(who: &Who) -> Finding {
    match &who.name {
        Some(name) => Finding::good("as whom", clean(name)),
        None => Finding::of(Grade::Broken, "as whom", "Jenkins takes us for anonymous: nothing can be done", SIGN_IN),
    }
}

/// What we may do is told by nobody; what an administrator's token could do is more than it takes.
fn rights(who: &Who) -> Finding {
    if who.administrator {
        let said = "you say that you administer it: a token with Job/Read, Job/Build and Job/Cancel would do";
        return Finding::of(Grade::Limited, "rights", said, "a user of its own for holdshort");
    }
    let said = "Jenkins does not tell what a user may: Job/Build and Job/Cancel are found out when a verb needs them";
    Finding::of(Grade::Unknown, "rights", said, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_nobody_is_broken_and_what_nobody_tells_is_not_taken_to_be_allowed() {
        let dana = Who { name: Some("dana".into()), ..Who::default() };
        assert_eq!((as_whom(&dana).grade, as_whom(&Who::default()).grade), (Grade::Good, Grade::Broken));
        assert_eq!(rights(&dana).grade, Grade::Unknown);
        assert_eq!(rights(&Who { administrator: true, ..dana }).grade, Grade::Limited);
    }
}
