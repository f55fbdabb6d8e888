//! What AWS tells whoever sets it up: who we are there, what the clock says, and which of the rights that reading takes are missing. What
//! acting takes it tells nobody: a policy is found out by using it.

use futures::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

use super::{client::Client, facade::CodePipeline, request};
use crate::{
    domain::observed::FaultKind,
    port::{
        error::ProviderError,
        examine::{Examine, Finding, Fit, Grade, LookedAt, Survey},
    },
    provider::aws,
};

/// What looking takes.
const LOOKING: [&str; 6] = [
    "codepipeline:ListPipelines",
    "codepipeline:GetPipeline",
    "codepipeline:GetPipelineState",
    "codepipeline:GetPipelineExecution",
    "codepipeline:ListPipelineExecutions",
    "codepipeline:ListActionExecutions",
];
/// What the logs of actions take.
const LOGS: [&str; 2] = ["codebuild:BatchGetBuilds", "logs:GetLogEvents"];
/// What acting takes beside that.
const ACTING: [&str; 7] = [
    "codepipeline:PutApprovalResult",
    "codepipeline:DisableStageTransition",
    "codepipeline:EnableStageTransition",
    "codepipeline:StopPipelineExecution",
    "codepipeline:RetryStageExecution",
    "codepipeline:RollbackStage",
    "codepipeline:StartPipelineExecution",
];
/// Executions that nobody has: what is asked about them is refused for want of the right, or because they are not there.
const NOBODYS: &str = "00000000-0000-4000-8000-000000000000";

impl Examine for CodePipeline {
    fn examine<'a>(&'a self, _: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>> {
        async {
            let Client(http) = self.client();
            let (who, answer) = match aws::identity(http).await {
                Ok(found) => found,
                Err(error) => return vec![Finding::refused(&error)],
            };
            let mut found = vec![
                Finding::good("reached", format!("it answers, in {}", self.region())),
                Finding::clock(answer.headers(), self.clock().now()),
                as_whom(&who),
            ];
            found.push(self.rights().await);
            let names: Vec<String> = self.seen().iter().map(|seen| seen.name.clone()).collect();
            for name in names {
                if let Err(error) = self.client().done(&request::state(&name), &name).await
                    && error.kind == FaultKind::Missing
                {
                    let way = "check its name in `pipelines`, and the region";
                    found.push(Finding::of(Grade::Broken, "pipelines", error.text, way));
                }
            }
            found
        }
        .boxed()
    }

    fn survey(&self) -> BoxFuture<'_, Result<Survey, ProviderError>> {
        async {
            let mut names = self.names().await?;
            let all = names.len();
            names.sort();
            let why = format!("{all} pipelines are in {}", self.region());
            let found = if names.is_empty() { Vec::new() } else { vec![format!("{why}: {}", names.join(", "))] };
            let missing = if all == 0 {
                vec![format!("there is no pipeline in {}: is that the region?", self.region())]
            } else {
                Vec::new()
            };
            let settings = vec![("region".to_owned(), Fit::One(self.region().to_owned()), why)];
            Ok(Survey { settings, found, missing })
        }
        .boxed()
    }

    fn grants(&self, acting: bool) -> Option<String> {
        let partition = aws::partition(self.region());
        let names: Vec<String> = self.seen().iter().map(|seen| seen.name.clone()).collect();
        let arn = |name: &str| format!("arn:{partition}:codepipeline:{}:*:{name}", self.region());
        // A pipeline, and its stages and actions behind it.
        let of_pipelines = || -> Vec<String> {
            if names.is_empty() {
                return vec![arn("*")];
            }
            names.iter().flat_map(|name| [arn(name), arn(&format!("{name}/*"))]).collect()
        };
        let mut statements = vec![
            json!({"Sid": "Look", "Effect": "Allow", "Action": LOOKING, "Resource": "*"}),
            json!({"Sid": "Logs", "Effect": "Allow", "Action": LOGS, "Resource": "*"}),
        ];
        if acting {
            statements.push(json!({"Sid": "Act", "Effect": "Allow", "Action": ACTING, "Resource": of_pipelines()}));
        }
        let policy: Value = json!({"Version": "2012-10-17", "Statement": statements});
        serde_json::to_string_pretty(&policy).ok()
    }
}

impl CodePipeline {
    /// Which rights to look are missing, by trying each on something that is there, or on nothing.
    async fn rights(&self) -> Finding {
        let names = match self.names().await {
            Ok(names) => names,
            Err(error) if error.kind == FaultKind::Forbidden => Vec::new(),
            Err(error) => return Finding::refused(&error),
        };
        let one = self.seen().first().map(|seen| seen.name.clone()).or_else(|| names.first().cloned());
        let mut missing: Vec<String> = Vec::new();
        let mut wanted = vec![request::pipelines(None)];
        if let Some(name) = &one {
            wanted.extend([
                request::definition(name),
                request::state(name),
                request::execution(name, NOBODYS),
                request::executions(name, None),
                request::actions(name, NOBODYS, None),
            ]);
        }
        wanted.extend([request::build("holdshort:00000000"), request::events("holdshort", "none", 1, None)]);
        for wanted in wanted {
            if let Err(error) = self.client().done(&wanted, "rights").await
                && error.kind == FaultKind::Forbidden
            {
                missing.push(wanted.right());
            }
        }
        if missing.is_empty() {
            let said = "it lets us look at everything; what acting takes, AWS tells nobody before";
            return Finding::of(Grade::Unknown, "rights", said, "`holdshort doctor --rbac` prints both policies");
        }
        let needs_listing = missing.iter().any(|right| right == LOOKING[0]);
        let grade =
            if missing.iter().all(|right| LOGS.contains(&right.as_str()) || needs_listing && right == LOOKING[0]) {
                Grade::Limited
            } else {
                Grade::Broken
            };
        let said = format!("these are missing: {}", missing.join(", "));
        Finding::of(grade, "rights", said, "`holdshort doctor --rbac` prints the policy")
    }
}

/// Who we are; the account's own user is more than anybody should be.
fn as_whom(who: &aws::Identity) -> Finding {
    let said = format!("{} in account {}", who.arn, who.account);
    if who.arn.ends_with(":root") {
        let way = "a role of its own for holdshort: `holdshort doctor --rbac` prints what it needs";
        return Finding::of(
            Grade::Limited,
            "as whom",
            format!("{said}: the account's own user may do everything"),
            way,
        );
    }
    Finding::good("as whom", said)
}
