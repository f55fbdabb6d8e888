//! What can be written behind a verb.

use clap::Args;

use crate::{
    cli::value::{Wait, named, target, verb, version},
    domain::verb::Verb,
};

/// What every verb takes.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct VerbArgs {
    /// SERVICE, SERVICE@ENVIRONMENT, SERVICE#NUMBER of a run, or a full id as `status --json` prints it; of several each once the
    /// one before is verified, and cells of one service that go back at once
    #[arg(value_name = "TARGET", required = true, value_parser = target)]
    pub targets: Vec<String>,
    /// Refuse unless this is the version it would act on: version, tag, or the start of its commit or digest; of several targets
    /// one for all of them, or one for each in their order. Of several things of one name it picks the only one of that version
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub expect: Vec<String>,
    /// Print the plain commands that would do the same, and stop
    #[arg(long, conflicts_with_all = ["dry_run", "json"])]
    pub print_commands: bool,
    /// Why: goes into the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Answer what the verb asks for; a name that it does not know lists those that it does
    #[arg(long, value_name = "NAME=VALUE", value_parser = named)]
    pub set: Vec<(String, String)>,
    /// A secret that it asks for, from where it stands: - is standard input
    #[arg(long, value_name = "NAME=@FILE|env:VARIABLE|-", value_parser = named)]
    pub secret: Vec<(String, String)>,
    /// Go forward although the verdict is WAIT: not known yet whether it does harm; needs --reason
    #[arg(long)]
    pub accept_wait: bool,
    /// Roll back although it is known what stands in the way, or to a version that was left for cause: SERVICE is its service, typed out; needs --reason
    #[arg(long, value_name = "SERVICE")]
    pub force: Option<String>,
    /// Of several targets that go back, leave those that are refused, each with its reason, and go on with the others; ends with 9 then
    #[arg(long)]
    pub leave_refused: bool,
    /// Do not ask; going back, rejecting and --accept-wait need --reason then
    #[arg(long, short)]
    pub yes: bool,
    /// Print the plan, and stop
    #[arg(long)]
    pub dry_run: bool,
    /// As JSON (`holdshort/action/v1`)
    #[arg(long)]
    pub json: bool,
    /// Wait until it is verified, or at most this long, and then end with 4; 0s does not wait
    #[arg(
        long, value_name = "DURATION", num_args = 0..=1, require_equals = true,
        default_value = "verified", default_missing_value = "verified"
    )]
    pub wait: Wait,
}

impl VerbArgs {
    /// The version that is expected of so manieth target: one said once is said of all of them.
    pub fn expected(&self, index: usize) -> Option<&str> {
        self.expect.get(index).or(self.expect.first()).map(String::as_str)
    }
}

/// `rollback`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct RollbackArgs {
    /// What every verb takes.
    #[command(flatten)]
    pub verb: VerbArgs,
    /// The version to put back; without it the last one known good that is not the current one
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub to: Option<String>,
}

/// `do`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct DoArgs {
    /// The verb, as `status --json` and the menu on screen name it: play, sync, off, …
    #[arg(value_parser = verb)]
    pub name: Verb,
    /// What every verb takes.
    #[command(flatten)]
    pub verb: VerbArgs,
}
