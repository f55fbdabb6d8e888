//! What a scenario says about Lambda and CodeDeploy: its table of `[[systems]]`, and the actions of its script.
//!
//! Only data and its reading live here. How deployments move is in `deploy`.

use serde::Deserialize;

use crate::demo::time::Offset;

/// What there is in one region of one account.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Who signs.
    pub user: String,
    /// The region.
    #[serde(default = "region")]
    pub region: String,
    /// The account.
    #[serde(default = "account")]
    pub account: String,
    /// The rights that whoever signs has not: `lambda:UpdateAlias`.
    #[serde(default)]
    pub denied: Vec<String>,
    /// How many requests a second it takes.
    #[serde(default)]
    pub limit: Option<u32>,
    /// The functions.
    #[serde(default)]
    pub functions: Vec<FunctionSpec>,
    /// The deployment groups of CodeDeploy.
    #[serde(default)]
    pub groups: Vec<GroupSpec>,
}

fn region() -> String {
    "eu-west-1".to_owned()
}

fn account() -> String {
    "123456789012".to_owned()
}

impl Spec {
    /// The ARN of a user of the account.
    pub(super) fn user(&self) -> String {
        format!("arn:aws:iam::{}:user/{}", self.account, self.user)
    }

    /// The ARN of a function.
    pub(super) fn function(&self, name: &str) -> String {
        format!("arn:aws:lambda:{}:{}:function:{name}", self.region, self.account)
    }
}

/// A function.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FunctionSpec {
    /// Its name.
    pub name: String,
    /// What is kept free for it; 0 throttles it.
    pub reserved: Option<u32>,
    /// Made of a container image.
    pub image: bool,
    /// What was published, in any order.
    pub versions: Vec<VersionSpec>,
    /// Its aliases.
    pub aliases: Vec<AliasSpec>,
}

/// A published version.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VersionSpec {
    /// Its number.
    pub number: u64,
    /// What people say of it.
    pub description: String,
    /// When it was published.
    pub published: Offset,
    /// `Active` where nothing is said.
    pub state: Option<String>,
    /// How many layers it has.
    pub layers: usize,
    /// How many of it are kept warm.
    pub warm: Option<u32>,
}

/// An alias.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AliasSpec {
    /// Its name.
    pub name: String,
    /// The version that it points at.
    pub version: String,
    /// A version beside it.
    pub canary: Option<u64>,
    /// The share of that, 0 to 1.
    pub share: f64,
    /// The environment that it is, for the configuration that looks at this.
    pub environment: Option<String>,
    /// How many of it are kept warm.
    pub warm: Option<u32>,
}

/// A deployment group.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupSpec {
    /// Its application.
    pub application: String,
    /// Its name.
    pub name: String,
    /// Whose alias it moves.
    pub function: String,
    /// The alias.
    pub alias: String,
    /// How it shifts: `CodeDeployDefault.LambdaCanary10Percent5Minutes`.
    pub config: String,
    /// The alarms that watch it.
    pub alarms: Vec<String>,
    /// Does it go back by itself?
    pub automatic: bool,
    /// What it deployed, and deploys.
    pub deployments: Vec<DeploymentSpec>,
}

/// A deployment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeploymentSpec {
    /// From which version.
    pub from: String,
    /// To which.
    pub to: String,
    /// When it was begun.
    pub started: Offset,
    /// Who began it: `user`, `CloudFormation`.
    pub by: Option<String>,
    /// What is said of it.
    pub description: String,
    /// How it ended, where it is long over; else it runs from its begin on.
    pub ended: Option<String>,
}

/// Something that somebody does, past us.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// A version is published.
    Publish {
        /// Of this function.
        function: String,
        /// Under this number.
        number: u64,
        /// With these words.
        description: String,
    },
    /// Somebody writes an alias.
    Shift {
        /// Of this function.
        function: String,
        /// The alias.
        alias: String,
        /// It points at this.
        #[serde(default)]
        version: Option<String>,
        /// And this has a share.
        #[serde(default)]
        canary: Option<u64>,
        /// Of so much, 0 to 1.
        #[serde(default)]
        share: f64,
    },
    /// A deployment is begun.
    Deploy {
        /// By this group's application.
        application: String,
        /// To this version.
        to: String,
    },
    /// An alarm goes off: what the application's groups deploy is stopped and goes back.
    Alarm {
        /// Of this application.
        application: String,
    },
    /// Somebody stops what the application's groups deploy, and has nothing taken back.
    Stop {
        /// Of this application.
        application: String,
    },
    /// An alias is deleted.
    Forget {
        /// Of this function.
        function: String,
        /// This one.
        alias: String,
    },
    /// A version is deleted.
    Delete {
        /// Of this function.
        function: String,
        /// This number.
        number: u64,
    },
}
