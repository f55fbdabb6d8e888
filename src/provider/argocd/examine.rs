//! What Argo CD tells whoever sets it up: whose token it is, which version it has, what the token may do in each project, and what of what is
//! named is there.

use std::collections::BTreeSet;

use futures::{FutureExt, future::BoxFuture};

use crate::{
    port::examine::{Examine, Finding, Grade, LookedAt},
    provider::argocd::{address::Address, api::User, facade::ArgoCd, request},
};

/// How a policy of a project's role is written that may do what is needed.
const LOOK: &str = "p, proj:PROJECT:holdshort, applications, get, PROJECT/*, allow\n";
const ACT: &str = "p, proj:PROJECT:holdshort, applications, get, PROJECT/*, allow\n\
                   p, proj:PROJECT:holdshort, applications, sync, PROJECT/*, allow\n\
                   p, proj:PROJECT:holdshort, applications, rollback, PROJECT/*, allow\n\
                   p, proj:PROJECT:holdshort, applications, update, PROJECT/*, allow\n";

impl Examine for ArgoCd {
    fn examine<'a>(&'a self, _: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let wanted = request::user();
            let answer = match self.client.send(&wanted, "the token").await {
                Ok(answer) => answer,
                Err(error) => return vec![Finding::refused(&error)],
            };
            if !answer.status().is_success() {
                return vec![Finding::refused(&self.client.fault(&answer, &wanted, "the token"))];
            }
            let user: User = match self.client.json(&answer, "the token") {
                Ok(user) => user,
                Err(error) => return vec![Finding::refused(&error)],
            };
            let mut found =
                vec![Finding::good("reached", "it answers"), Finding::clock(answer.headers(), self.clock.now())];
            let way =
                "a token of a project's role (`argocd proj role create-token PROJECT ROLE`), or of a local account";
            if !user.logged_in {
                found.push(Finding::of(Grade::Broken, "as whom", "it does not take the token for anybody's", way));
                return found;
            }
            found.push(match user.username.as_str() {
                "" => Finding::of(Grade::Unknown, "as whom", "it does not say whose token it is", ""),
                name => Finding::good("as whom", name),
            });
            self.learn_version().await;
            let version = self.memory().version.clone();
            found.push(match version {
                Some(version) => Finding::good("version", version),
                None => Finding::of(
                    Grade::Unknown,
                    "version",
                    "it does not tell its version: auto-sync is switched off by taking \
                    its block away",
                    "",
                ),
            });
            for project in self.projects() {
                found.extend(self.rights(project.as_deref()).await);
            }
            found
        }
        .boxed()
    }

    fn grants(&self, acting: bool) -> Option<String> {
        Some(if acting { ACT } else { LOOK }.to_owned())
    }
}

impl ArgoCd {
    /// What is there, and what the token may do with it.
    async fn rights(&self, project: Option<&str>) -> Vec<Finding> {
        let about = project.unwrap_or("applications");
        let looked = match self.look(project).await {
            Ok(looked) => looked,
            Err(error) => {
                return vec![Finding::of(Grade::Broken, about, error.text, "the right `applications, get, PROJECT/*`")];
            }
        };
        let many = looked.part.items.len();
        let mut found: Vec<Finding> = Vec::new();
        if many > 0 {
            found.push(Finding::good(about, format!("{many} Applications are looked at")));
        }
        let way = "mend the name, or give the token's role the right to see it";
        found.extend(looked.part.unread.into_iter().flatten().map(|said| Finding::of(Grade::Broken, about, said, way)));
        let (mut denied, mut unsure) = (BTreeSet::new(), BTreeSet::new());
        {
            let memory = self.memory();
            for at in memory.apps.values().map(|known| Address::of(&known.app)) {
                let (no, unknown) = memory.rights.against(&["sync", "rollback", "update"], &at);
                denied.extend(no);
                unsure.extend(unknown);
            }
        }
        let way = "the policy that `holdshort doctor --rbac` prints";
        found.extend(denied.into_iter().map(|said| Finding::of(Grade::Limited, "rights", said, way)));
        found.extend(unsure.into_iter().take(1).map(|said| Finding::of(Grade::Unknown, "rights", said, way)));
        found
    }
}
