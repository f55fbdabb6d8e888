//! What can be written behind `judge`.

use std::path::PathBuf;

use clap::Args;

/// Below `judge --help`.
pub const EXAMPLE: &str = r#"Examples:
  echo '{"name":"errors","intervals":[{"canary":{"requests":300,"errors":9},
         "baseline":{"requests":2700,"errors":6}}]}' | holdshort judge
  echo '{"method":"aca","metrics":[{"name":"latency","groups":["app"],
         "control":[10,11,12,10,11],"experiment":[20,21,22,20,21]}]}' | holdshort judge

Exit code 0 if every case was answered, whatever the verdict; 2 if any was malformed, which its answer says in `error`.
docs/judge.md describes cases and answers."#;

/// `judge`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct JudgeArgs {
    /// The cases as JSON; without it, or with -, they are read from standard input
    pub file: Option<PathBuf>,
    /// As JSON (`holdshort/judge/v1`), one line a case
    #[arg(long)]
    pub json: bool,
    /// Judge Kayenta's own files as its `NetflixACAJudge` would
    #[arg(
        long, num_args = 2, value_names = ["CANARY_CONFIG.json", "METRIC_SET_PAIRS.json"], conflicts_with = "file"
    )]
    pub kayenta: Vec<PathBuf>,
}
