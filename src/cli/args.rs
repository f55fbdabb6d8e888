//! What can be written on the command line. Types and their parsers only: nothing here does anything. Over 500 lines, for each command's help
//! stands beside what it takes.

mod examples;
mod verbs;

use std::{collections::BTreeMap, ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};

use self::examples::{
    DRIFT_EXAMPLE, ENVIRONMENT, FOUND, INIT_EXAMPLE, LOGS_EXAMPLE, RUN_EXAMPLE, RUNS_EXAMPLE, STATUS_EXAMPLE,
};
pub use self::verbs::{DoArgs, RollbackArgs, VerbArgs};
use crate::{
    cli::{
        doctor::DoctorArgs,
        emergency::{self, EmergencyArgs},
        exit::Exit,
        gate::args::GateArgs,
        init::InitArgs,
        judge::args::{EXAMPLE as JUDGE_EXAMPLE, JudgeArgs},
        logs,
        shell::{self, ManArgs, Shell},
        value::{
            Moment, Size, Snapshotted, VIEWS, View, ago, chords, level, lines, run_status, seed, since_start, speed,
        },
    },
    domain::{line::Level, pipeline::RunStatus, verb::Verb},
    keymap::chord::Chord,
};

/// The scenario that a bare `--demo` and `holdshort demo serve` fly: scripts rely on one rollout in one cell.
pub const FIRST_SCENARIO: &str = "bad-canary";

/// The scenario that `holdshort demo` opens: the same night, in the company that it happens in. For people, who want to see what
/// their own board would look like.
pub const SHOWN_SCENARIO: &str = "fleet";

/// What stands below all of the help: what the program reads beside its arguments, and how it ends.
fn below() -> String {
    format!("{ENVIRONMENT}\n\n{}", Exit::table())
}

/// A terminal release cockpit: is it the release, what waits for a human, what may I safely do?
#[derive(Clone, Debug, PartialEq, Parser)]
#[command(name = "holdshort", version, after_help = Exit::table(), after_long_help = below())]
pub struct Cli {
    /// Write everything that happens to FILE, for `holdshort replay`
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Flags of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do; without it the cockpit opens on the configuration that is found.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command.
#[derive(Clone, Debug, PartialEq, Args)]
#[command(next_help_heading = "Flags of every command")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct Globals {
    /// Read this configuration too; the last one wins
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Vec<PathBuf>,
    /// The texts of those that were handed over open (`--config <(…)`), which can be read once only. No flag.
    #[arg(skip)]
    pub given: BTreeMap<PathBuf, String>,
    /// Lay this profile of the configuration over it
    #[arg(long, value_name = "NAME", global = true, env = "HOLDSHORT_PROFILE")]
    pub profile: Option<String>,
    /// Look only: every verb is refused
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Colour the output
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Draw with ASCII only
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Draw in this theme (`holdshort themes list`); without it the terminal is asked whether it is light
    #[arg(long, value_name = "NAME", global = true, env = "HOLDSHORT_THEME")]
    pub theme: Option<String>,
    /// Draw no screen: a line for each thing, and then for each change; what prints a table names each value instead
    #[arg(long, global = true)]
    pub linear: bool,
    /// Send little to the terminal, in 256 colours at most: for slow lines
    #[arg(long, global = true)]
    pub slow: bool,
    /// Neither show what was seen last nor keep it: it is in ~/.cache/holdshort
    #[arg(long, global = true)]
    pub no_cache: bool,
    /// Say more, on stderr and in the log, which is ~/.local/state/holdshort/log; twice: everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Look at the built-in world instead of real systems
    #[arg(
        long, value_name = "SCENARIO", global = true, num_args = 0..=1, require_equals = true,
        default_missing_value = FIRST_SCENARIO
    )]
    pub demo: Option<String>,
    /// Write what logs say into the recording, too: it may hold anything
    #[arg(long, global = true)]
    pub record_logs: bool,
    /// The built-in world's seed
    #[arg(long, value_name = "N", global = true, value_parser = seed)]
    pub seed: Option<u64>,
    /// The built-in world's time since its start, reached at once: +20m
    #[arg(long, value_name = "+TIME", global = true, value_parser = since_start)]
    pub at: Option<Duration>,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal that shows colours, unless the environment says otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Command {
    /// Open the cockpit on a built-in world: nothing real is touched
    Demo(DemoArgs),
    /// Show what is in flight, its verdict, and what waits
    #[command(after_help = STATUS_EXAMPLE, after_long_help = STATUS_EXAMPLE)]
    Status {
        /// Only this: SERVICE, SERVICE@ENVIRONMENT, or a full id
        service: Option<String>,
        /// Exit with 3, 4 or 5 by the worst verdict (NO-GO, WAIT, NO DATA), 8 when something could not be read
        #[arg(long)]
        exit_code: bool,
        /// As JSON (`holdshort/status/v1`)
        #[arg(long)]
        json: bool,
    },
    /// Show everything that waits for a human
    Inbox {
        /// As JSON (`holdshort/inbox/v1`)
        #[arg(long)]
        json: bool,
    },
    /// List the runs of every pipeline that is looked at: what failed and waits first
    #[command(after_help = RUNS_EXAMPLE, after_long_help = RUNS_EXAMPLE)]
    Runs(RunsArgs),
    /// Show one run: its jobs and steps as a tree, or the log of one of its jobs
    #[command(after_help = RUN_EXAMPLE, after_long_help = RUN_EXAMPLE)]
    Run(RunArgs),
    /// Show what the versions of a service write, or the patterns that only one of them does
    #[command(after_help = LOGS_EXAMPLE, after_long_help = LOGS_EXAMPLE)]
    Logs(LogsArgs),
    /// Show which settings differ between two environments of a service: names, never values
    #[command(after_help = DRIFT_EXAMPLE, after_long_help = DRIFT_EXAMPLE)]
    Drift(DriftArgs),
    /// Say what runs and how to go back by hand, with whatever is broken: configuration, systems, journal or network
    #[command(after_help = emergency::EXAMPLE, after_long_help = emergency::EXAMPLE)]
    Emergency(EmergencyArgs),
    /// Wait for the verdict on a release, and end by it
    Gate(GateArgs),
    /// Let a gate pass
    Approve(VerbArgs),
    /// Close a gate for good
    Reject(VerbArgs),
    /// Continue past this pause, no further
    Promote(VerbArgs),
    /// Leave out the running step
    Skip(VerbArgs),
    /// Skip every pause, step and analysis that is left
    PromoteFull(VerbArgs),
    /// Hold the rollout where it is; traffic stays as it is
    #[command(alias = "suspend")]
    Pause(VerbArgs),
    /// Undo a person's pause
    Resume(VerbArgs),
    /// Send all traffic back to stable, now
    Abort(VerbArgs),
    /// Put an earlier version back
    Rollback(RollbackArgs),
    /// Try the aborted version again, from its first step
    Retry(VerbArgs),
    /// Replace the pods, no more at once than may be missing
    Restart(VerbArgs),
    /// Run the pipeline again
    Rerun(VerbArgs),
    /// Stop the run
    Cancel(VerbArgs),
    /// Ask for any verb that a system offers, by its name
    Do(DoArgs),
    /// Carry on what a killed session left half-way, where it would still be the same act today
    #[command(mut_arg("targets", |arg| {
        arg.value_name("ID").num_args(1).help("The record's number, as `audit list` shows it")
    }))]
    Takeover(VerbArgs),
    /// Judge a canary by numbers that are handed in: one case, or one case a line
    #[command(after_long_help = JUDGE_EXAMPLE)]
    Judge(JudgeArgs),
    /// Draw one screen
    Snapshot(SnapshotArgs),
    /// Walk through a recording: step by step, at a speed, back; without a terminal, draw its last screen
    Replay {
        /// What `--record` wrote
        file: PathBuf,
        /// Up to this moment: +20m since its start, or 2026-03-10T02:07:00Z. On a terminal it begins there
        #[arg(long, value_name = "TIME")]
        until: Option<Moment>,
        /// How fast it plays; 1 is as it happened
        #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
        speed: f64,
    },
    /// Read the record of who did what, with what evidence, and how it ended
    #[command(subcommand)]
    Audit(AuditCommand),
    /// List the keys
    Keys {
        /// As JSON (`holdshort/keys/v1`)
        #[arg(long)]
        json: bool,
    },
    /// List and check themes
    #[command(subcommand)]
    Themes(ThemesCommand),
    /// Write a configuration of what this machine tells of: clusters, metrics, repositories
    #[command(after_help = FOUND, after_long_help = FOUND)]
    Init(InitArgs),
    /// Say what keeps this configuration from working here, and what mends it
    Doctor(DoctorArgs),
    /// Print what completes a command line in this shell
    #[command(after_help = shell::COMPLETIONS, after_long_help = shell::COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the page for man, of all or of one command
    #[command(after_help = shell::MAN, after_long_help = shell::MAN)]
    Man(ManArgs),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make the place that a team's records are kept in
    #[command(subcommand)]
    State(StateCommand),
    /// Carry out a recorded action; started by holdshort itself
    #[command(hide = true)]
    Executor {
        /// The record's number
        id: u64,
    },
}

/// `runs`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct RunsArgs {
    /// Only those in this state: queued, running, waiting, succeeded, failed, cancelled, skipped, unknown
    #[arg(long, value_name = "STATUS", value_parser = run_status)]
    pub status: Option<RunStatus>,
    /// Only those of this service
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Only those of this branch or tag
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<String>,
    /// Look into those that failed, the newest 20, for the jobs and tests that it was: a few requests each
    #[arg(long)]
    pub jobs: bool,
    /// As JSON (`holdshort/runs/v1`)
    #[arg(long)]
    pub json: bool,
}

/// `run`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct RunArgs {
    /// The run's id as `runs` prints it, or SERVICE#NUMBER
    pub id: String,
    /// Print the log of this job: its name as the tree shows it, `STAGE / JOB` where two have one name
    #[arg(long, value_name = "JOB")]
    pub log: Option<String>,
    /// Go on printing what is added to the log, until the job has ended
    #[arg(long, requires = "log", conflicts_with = "json")]
    pub follow: bool,
    /// As JSON (`holdshort/run/v1`)
    #[arg(long)]
    pub json: bool,
}

/// `logs`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct LogsArgs {
    /// SERVICE, SERVICE@ENVIRONMENT, or a rollout's id as `status --json` prints it
    #[arg(value_name = "SERVICE")]
    pub target: String,
    /// Only this version, as the logs call it
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// Since so long ago
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = ago)]
    pub since: Duration,
    /// At least so bad: trace, debug, info, warn, error, fatal. A line that does not say is never left out
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    pub level: Option<Level>,
    /// Only lines with this in them, in any letters
    #[arg(long = "match", alias = "text", value_name = "TEXT")]
    pub text: Option<String>,
    /// So many lines at most: the newest
    #[arg(long, value_name = "N", default_value_t = logs::MOST, value_parser = lines)]
    pub most: usize,
    /// Go on printing what is written
    #[arg(long, conflicts_with_all = ["json", "patterns"])]
    pub follow: bool,
    /// Count the patterns of both versions of a release, and hold them against their requests
    #[arg(long, conflicts_with_all = ["version", "most"])]
    pub patterns: bool,
    /// As JSON (`holdshort/logs/v1`)
    #[arg(long)]
    pub json: bool,
}

/// `drift`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct DriftArgs {
    /// SERVICE, or SERVICE@ENVIRONMENT where it has several that others come before
    #[arg(value_name = "SERVICE")]
    pub target: String,
    /// Compare with this environment; without it with the one that the configuration names, else the next one of lower risk
    #[arg(long, value_name = "ENVIRONMENT")]
    pub from: Option<String>,
    /// Exit with 1 where something differs that is not meant to
    #[arg(long)]
    pub exit_code: bool,
    /// As JSON (`holdshort/drift/v1`)
    #[arg(long)]
    pub json: bool,
}

/// `demo`.
#[derive(Clone, Debug, PartialEq, Args)]
#[command(args_conflicts_with_subcommands = false)]
pub struct DemoArgs {
    /// A scenario's name, or a file
    #[arg(long, value_name = "NAME|FILE", global = true)]
    pub scenario: Option<String>,
    /// How fast the world's time goes; 1 is real time
    #[arg(long, value_name = "X", global = true, value_parser = speed)]
    pub speed: Option<f64>,
    /// List the scenarios
    #[arg(long)]
    pub list: bool,
    /// Write everything that happens to FILE, for `holdshort replay`
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Something else than the cockpit.
    #[command(subcommand)]
    pub command: Option<DemoCommand>,
}

/// `demo …`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum DemoCommand {
    /// Serve the built-in world on this machine, for the systems' own clients and curl
    Serve {
        /// Where: 127.0.0.1:8080; port 0 takes a free one
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// Let it all happen now: its time is this machine's, so that its addresses alone lead to it, as to any system
        #[arg(long)]
        now: bool,
    },
}

/// `snapshot`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct SnapshotArgs {
    /// Which screen
    #[arg(long, default_value = "board", help = format!("Which screen: {VIEWS}"))]
    pub view: View,
    /// Columns and rows
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "120x36")]
    pub size: Size,
    /// In which form
    #[arg(long, value_enum, default_value_t = Snapshotted::Txt)]
    pub format: Snapshotted,
    /// Keys pressed before: "j Enter"
    #[arg(long, value_name = "KEYS", value_parser = chords)]
    pub keys: Option<Keys>,
    /// Write to FILE instead of stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Keys in the order in which they are pressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(pub Vec<Chord>);

/// `audit …`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum AuditCommand {
    /// List every record, the newest first
    List {
        /// As JSON (`holdshort/audit/v1`)
        #[arg(long)]
        json: bool,
    },
    /// Show one record
    Show {
        /// Its number
        id: u64,
        /// As JSON (`holdshort/audit/v1`)
        #[arg(long)]
        json: bool,
    },
    /// Check that no byte of the journal was changed, and whose keys signed it
    Verify {
        /// Hold it also against what the machine's log was told: `journalctl -t holdshort | holdshort audit verify --heads -`
        #[arg(long, value_name = "FILE")]
        heads: Option<PathBuf>,
        /// As JSON (`holdshort/audit/v1`)
        #[arg(long)]
        json: bool,
    },
    /// Print the key that signs your records, and who you are to others
    Key,
    /// Vouch for your key with your SSH key, for all whose `state.signers` lists that
    Vouch {
        /// The SSH key, public or private half; without it the agent's first
        #[arg(long, value_name = "FILE")]
        with: Option<PathBuf>,
    },
    /// Trust another user's key from now on
    Trust {
        /// The key, as `audit key` prints it there
        key: String,
        /// Whose it is
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
}

/// `state …`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum StateCommand {
    /// Make a folder in which everybody in a group writes one journal, whatever their umask, and nobody else
    #[command(after_help = INIT_EXAMPLE, after_long_help = INIT_EXAMPLE)]
    Init {
        /// The group, by name or number
        #[arg(long, value_name = "GROUP")]
        group: String,
        /// The folder; without it state.path of the configuration, else /var/lib/holdshort
        #[arg(long, value_name = "DIR")]
        path: Option<PathBuf>,
    },
}

/// `themes …`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ThemesCommand {
    /// List the themes that come with holdshort
    List,
    /// Check a theme file, or all themes that come with holdshort
    Check {
        /// The theme
        file: Option<PathBuf>,
    },
}

/// `config …`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Check it; errors point at file, line and column
    Check {
        /// Read this one too, as with --config; the last one wins
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Show what is in force, without secrets
    Show,
    /// Print every setting with its type, its default and an example, as Markdown
    Schema,
}

impl Cli {
    /// Does it take the terminal for a screen? Then nothing else may be written there.
    pub fn draws(&self) -> bool {
        match &self.command {
            None => true,
            Some(Command::Demo(demo)) => demo.command.is_none() && !demo.list,
            Some(_) => false,
        }
    }
}

impl Command {
    /// The verb, its arguments, and the version to roll back to.
    pub fn verb(&self) -> Option<(Verb, &VerbArgs, Option<&str>)> {
        let (verb, args) = match self {
            Self::Rollback(args) => return Some((Verb::Rollback, &args.verb, args.to.as_deref())),
            Self::Do(args) => (args.name, &args.verb),
            Self::Approve(args) => (Verb::Approve, args),
            Self::Reject(args) => (Verb::Reject, args),
            Self::Promote(args) => (Verb::Promote, args),
            Self::Skip(args) => (Verb::Skip, args),
            Self::PromoteFull(args) => (Verb::PromoteFull, args),
            Self::Pause(args) => (Verb::Pause, args),
            Self::Resume(args) => (Verb::Resume, args),
            Self::Abort(args) => (Verb::Abort, args),
            Self::Retry(args) => (Verb::Retry, args),
            Self::Restart(args) => (Verb::Restart, args),
            Self::Rerun(args) => (Verb::Rerun, args),
            Self::Cancel(args) => (Verb::Cancel, args),
            _ => return None,
        };
        Some((verb, args, None))
    }
}

/// Reads a command line, the program's name first. Help and version come back as errors, as clap has it: their
/// `exit_code` is 0 and they go to stdout.
pub fn parse(line: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
    let cli = Cli::try_parse_from(line)?;
    let wrong = |text: &str| Err(Cli::command().error(ErrorKind::ArgumentConflict, text));
    let in_demo = cli.globals.demo.is_some() || matches!(cli.command, Some(Command::Demo(_)));
    if !in_demo && (cli.globals.seed.is_some() || cli.globals.at.is_some()) {
        return wrong("--seed and --at belong to the built-in world: add --demo");
    }
    if cli.record.is_some() && cli.command.is_some() {
        return wrong("--record belongs to the cockpit and to `holdshort demo`: write it after `demo`");
    }
    if let (Some(_), Some(Command::Demo(DemoArgs { scenario: Some(_), .. }))) = (&cli.globals.demo, &cli.command) {
        return wrong("--demo and --scenario both name a scenario: keep one");
    }
    if let Some(Command::Demo(DemoArgs {
        speed: Some(_), command: Some(DemoCommand::Serve { now: true, .. }), ..
    })) = &cli.command
    {
        return wrong("--now and --speed exclude each other: now goes as fast as it goes");
    }
    Ok(cli)
}
