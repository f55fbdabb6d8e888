//! What can be written behind `gate`.

use std::time::Duration;

use clap::Args;

use crate::{
    cli::value::{ago, interval, target, verb, version},
    domain::verb::Verb,
};

/// `gate`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLE, after_long_help = EXAMPLE)]
pub struct GateArgs {
    /// SERVICE, SERVICE@ENVIRONMENT, or a full id as `status --json` prints it; behind a gate or a run stands its release
    #[arg(value_name = "TARGET", value_parser = target)]
    pub target: String,
    /// Ask also whether this verb would be let through there, as with --dry-run: promote, approve, …
    #[arg(long = "for", value_name = "VERB", value_parser = verb)]
    pub verb: Option<Verb>,
    /// Only the verdict on this version counts: version, tag, or the start of its commit or digest; without it the first one that
    /// is seen on its way
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub expect: Option<String>,
    /// Wait at most so long; 0s looks once
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = ago)]
    pub timeout: Duration,
    /// Look again after so long
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = interval)]
    pub interval: Duration,
    /// As JSON (`holdshort/gate/v1`), a line for each change
    #[arg(long)]
    pub json: bool,
}

/// Below `gate --help`.
const EXAMPLE: &str = "\
In a pipeline, behind the step that deploys 1.42.0:
  holdshort gate payments@prod --expect 1.42.0 --for promote --timeout 30m

GO ends it with 0 and NO-GO with 3, at once. Whatever else stands in the way may pass, and counts only when the time is up: 4 WAIT,
5 NO DATA, 8 something could not be read, 9 the verb would be refused. Another version in its place ends it with 6.
It sends nothing. examples/gate has steps for pipelines of several systems.";
