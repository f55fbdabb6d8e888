//! What AWS tells whoever sets it up: who we are there, what the clock says, and which of the rights that reading takes are missing. What
//! acting takes it tells nobody: a policy is found out by using it.

use futures::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

use super::{address::Address, client::Client, facade::Lambda, request};
use crate::{
    domain::observed::FaultKind,
    port::{
        error::ProviderError,
        examine::{Examine, Finding, Fit, Grade, LookedAt, Survey},
    },
    provider::aws,
};

/// What looking takes of functions.
const LOOKING: [&str; 6] = [
    "lambda:ListAliases",
    "lambda:GetAlias",
    "lambda:ListVersionsByFunction",
    "lambda:GetFunctionConfiguration",
    "lambda:ListProvisionedConcurrencyConfigs",
    "lambda:GetFunctionConcurrency",
];
/// What takes no function: all of a region.
const LISTING: &str = "lambda:ListFunctions";
/// What looking takes of deployments.
const DEPLOYMENTS: [&str; 9] = [
    "codedeploy:ListApplications",
    "codedeploy:BatchGetApplications",
    "codedeploy:ListDeploymentGroups",
    "codedeploy:BatchGetDeploymentGroups",
    "codedeploy:ListDeployments",
    "codedeploy:BatchGetDeployments",
    "codedeploy:ListDeploymentTargets",
    "codedeploy:BatchGetDeploymentTargets",
    "codedeploy:GetDeploymentConfig",
];
/// What acting takes of deployments beside that.
const DEPLOYING: [&str; 3] =
    ["codedeploy:StopDeployment", "codedeploy:CreateDeployment", "codedeploy:RegisterApplicationRevision"];

impl Examine for Lambda {
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
            for name in self.named() {
                if let Err(error) = self.client().done(&request::aliases(&name, None), &name).await
                    && error.kind == FaultKind::Missing
                {
                    let way = "check its name in `functions`, and the region";
                    found.push(Finding::of(Grade::Broken, "functions", error.text, way));
                }
            }
            found.push(self.rights().await);
            found
        }
        .boxed()
    }

    fn survey(&self) -> BoxFuture<'_, Result<Survey, ProviderError>> {
        async {
            let (mut names, more) = self.names().await?;
            let all = names.len();
            names.sort();
            names.truncate(20);
            let why = format!("{}{all} functions are in {}", if more { "more than " } else { "" }, self.region());
            let found = if names.is_empty() { Vec::new() } else { vec![format!("{why}: {}", names.join(", "))] };
            let missing = if all == 0 {
                vec![format!("there is no function in {}: is that the region?", self.region())]
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
        let arn = |name: &str| format!("arn:{partition}:lambda:{}:*:function:{name}", self.region());
        // A function, and its versions and aliases behind it.
        let named = self.named();
        let functions: Vec<String> = if named.is_empty() {
            vec![arn("*")]
        } else {
            named.iter().flat_map(|name| [arn(name), arn(&format!("{name}:*"))]).collect()
        };
        let mut statements = vec![
            json!({"Sid": "Look", "Effect": "Allow", "Action": LOOKING, "Resource": functions}),
            json!({"Sid": "Deployments", "Effect": "Allow", "Action": DEPLOYMENTS, "Resource": "*"}),
        ];
        if named.is_empty() {
            statements.push(json!({"Sid": "List", "Effect": "Allow", "Action": LISTING, "Resource": "*"}));
        }
        if acting {
            statements
                .push(json!({"Sid": "Move", "Effect": "Allow", "Action": "lambda:UpdateAlias", "Resource": functions}));
            statements.push(json!({"Sid": "Deploy", "Effect": "Allow", "Action": DEPLOYING, "Resource": "*"}));
        }
        let policy: Value = json!({"Version": "2012-10-17", "Statement": statements});
        serde_json::to_string_pretty(&policy).ok()
    }
}

impl Lambda {
    /// Which rights to look are missing, by trying each on something that is there, or on nothing.
    async fn rights(&self) -> Finding {
        let named = self.named();
        let name = match named.first() {
            Some(name) => name.clone(),
            None => match self.names().await {
                Ok((found, _)) => found.into_iter().next().unwrap_or_else(|| "holdshort".to_owned()),
                Err(error) => return Finding::refused(&error),
            },
        };
        let nobody = ["d-000000000".to_owned()];
        let at = Address { function: name.clone(), alias: "holdshort".to_owned() };
        let wanted = [
            request::aliases(&name, None),
            request::alias(&at),
            request::versions(&name, None),
            request::version(&name, "1"),
            request::warm(&name, None),
            request::reserved(&name),
            request::applications(None),
            request::platforms(&["holdshort".to_owned()]),
            request::group_names("holdshort", None),
            request::groups("holdshort", &["holdshort".to_owned()]),
            request::deployments("holdshort", "holdshort"),
            request::deployment(&nobody),
            request::target_ids(&nobody[0]),
            request::targets(&nobody[0], &nobody),
            request::config("CodeDeployDefault.LambdaAllAtOnce"),
        ];
        let mut missing: Vec<String> = Vec::new();
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
        let said = format!("these are missing: {}", missing.join(", "));
        Finding::of(Grade::Broken, "rights", said, "`holdshort doctor --rbac` prints the policy")
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
