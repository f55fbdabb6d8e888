//! What Flow tells whoever sets it up: whose token it is, whether the organisation is right, what the credential may read, and whether the
//! clock is good enough to sign with.
//!
//! Source: `GET /oapi/v1/platform/user`, which every token may ask; nothing tells what a token may, so each right is tried by a read.

use futures::{FutureExt, future::BoxFuture};

use super::{
    api,
    facade::Flow,
    request::{Page, right},
};
use crate::{
    domain::observed::FaultKind,
    port::examine::{Examine, Finding, Grade, LookedAt},
};

/// Where tokens are made, and what one needs.
const TOKEN: &str =
    "a personal token (云效 个人设置 > 个人访问令牌) with pipelines and their runs, read (流水线, 流水线运行实例 只读)";
const KEY: &str = "an access key of a RAM user that is a member of the organisation: basic_auth = { username = its id, password = its secret }";

impl Examine for Flow {
    fn examine<'a>(&'a self, _: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let door = &self.client().door;
            let first = door.user().unwrap_or_else(|| door.list("", None, &Page::default()));
            let what = if door.is_older() { "the access key" } else { "the token" };
            let answer = match self.client().send(&first, what).await {
                Ok(answer) => answer,
                Err(error) => return vec![Finding::refused(&error)],
            };
            let read: Result<serde_json::Value, _> = self.client().json(&answer, &first, what);
            if let (true, Err(error)) = (answer.status().is_success(), &read) {
                return vec![Finding::refused(error)];
            }
            let mut found = vec![Finding::good("reached", "it answers"), Finding::clock(answer.headers(), self.now())];
            if let Some(error) = self.client().said_no(&answer, &first, what) {
                let way = if door.is_older() { KEY } else { TOKEN };
                found.push(Finding::of(Grade::Broken, "as whom", error.text, way));
                return found;
            }
            found.push(if door.is_older() {
                Finding::of(Grade::Unknown, "as whom", "the older API does not say whose access key it is", "")
            } else {
                whose(read.ok().and_then(|user| serde_json::from_value(user).ok()))
            });
            found.extend(self.rights().await);
            found
        }
        .boxed()
    }

    fn grants(&self, acting: bool) -> Option<String> {
        let (token, key) = if acting {
            (
                "a personal token (云效 个人访问令牌) of somebody with the role member or higher in each pipeline, with\n\
                 pipelines, read (流水线 只读)\n\
                 runs of pipelines, read and write (流水线运行实例 读写)\n\
                 jobs of runs, read and write (流水线运行任务 读写)\n\
                 deployments to hosts, read and write (主机部署 读写)\n\
                 groups of variables, read (变量组 只读), to compare environments\n\
                 to pass a validation, the validation itself must name them (人工卡点 验证者)\n",
                "an access key of a RAM user with the role member or higher in each pipeline, and AliyunRDCFullAccess\n",
            )
        } else {
            (
                "a personal token (云效 个人访问令牌) of somebody with the role viewer in each pipeline, with\n\
                 pipelines, read (流水线 只读)\n\
                 runs of pipelines, read (流水线运行实例 只读)\n\
                 jobs of runs, read (流水线运行任务 只读)\n\
                 deployments to hosts, read (主机部署 只读)\n\
                 groups of variables, read (变量组 只读), to compare environments\n",
                "an access key of a RAM user with the role viewer in each pipeline, and AliyunRDCReadOnlyAccess\n",
            )
        };
        Some(if self.client().door.is_older() { key } else { token }.to_owned())
    }
}

/// Whose token it is.
fn whose(user: Option<api::User>) -> Finding {
    let user = user.unwrap_or_default();
    match user.name.or(user.username).or(user.id).filter(|name| !name.is_empty()) {
        Some(name) => Finding::good("as whom", crate::domain::text::clean(&name)),
        None => Finding::of(Grade::Unknown, "as whom", "it does not say whose token it is", ""),
    }
}

impl Flow {
    /// What can be read: the pipelines, the runs of one, and its jobs that deploy.
    async fn rights(&self) -> Vec<Finding> {
        let (client, door) = (self.client(), &self.client().door);
        let list =
            client.page::<api::Pipeline>(&door.list("", None, &Page::default()), &Page::default(), "pipelines").await;
        let pipelines = match list {
            Ok((pipelines, _)) => pipelines.read,
            Err(error) => {
                let about = if error.kind == FaultKind::Missing { "organisation" } else { "rights" };
                let way = match (error.kind, door.organization()) {
                    (FaultKind::Missing, Some(_)) => {
                        "organization = the id in the address of devops.aliyun.com/organization/ID".to_owned()
                    }
                    (FaultKind::Missing, None) => {
                        "organization = \"…\": only a region of one's own leaves it out of its paths".to_owned()
                    }
                    _ => format!("a token with {}", right::PIPELINES),
                };
                return vec![Finding::of(Grade::Broken, about, error.text, way)];
            }
        };
        let Some(id) = pipelines.iter().find_map(|pipeline| pipeline.pipeline_id) else {
            let said = "the organisation has no pipeline that we may see";
            return vec![Finding::of(Grade::Limited, "organisation", said, "a role in a pipeline, viewer at least")];
        };
        let tries = [
            (door.runs(id, &Page::default(), 1), "runs of a pipeline", right::RUNS),
            (door.deploys(id), "jobs that deploy: no roll back", right::JOBS),
        ];
        let mut found = Vec::new();
        for (wanted, what, right) in tries {
            match client.done(&wanted, what).await {
                Ok(_) => {}
                Err(error) if error.kind == FaultKind::Forbidden => {
                    let grade = if right == right::RUNS { Grade::Broken } else { Grade::Limited };
                    found.push(Finding::of(grade, "rights", error.text, format!("a token with {right}")));
                }
                Err(error) => found.push(Finding::of(Grade::Unknown, "rights", error.text, "")),
            }
        }
        if found.is_empty() {
            let said = "pipelines, runs and jobs can be read; whether it may act is seen when it does, or by what Flow says of each";
            found.push(Finding::good("rights", said));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_said_to_be_of_whom_flow_says_and_one_that_says_nothing_of_nobody() {
        let user = |name: &str| Some(api::User { name: Some(name.to_owned()), ..api::User::default() });
        assert_eq!(
            (whose(user("黄丹")).said, whose(user("")).grade, whose(None).grade),
            ("黄丹".into(), Grade::Unknown, Grade::Unknown)
        );
    }
}
