//! What stands below the help of commands: lines to begin with, and what their ends mean.

/// Below `status --help`.
pub(super) const STATUS_EXAMPLE: &str = "\
In scripts:
  holdshort status --exit-code && deploy

Without --exit-code a look that worked ends with 0, whatever was seen: `holdshort status && deploy` would deploy on NO-GO;
where not everything could be read it ends with 8.
With --exit-code 0 is GO, or nothing in flight to be judged; 3 NO-GO, 4 WAIT, 5 NO DATA; 8 when something could not be read.";

/// Below `runs --help`.
pub(super) const RUNS_EXAMPLE: &str = "\
Examples:
  holdshort runs --status failed
  holdshort runs --service ledger --branch main --json
  holdshort runs --service ledger --jobs      which jobs fail, and which of them for no reason of their own

A run that failed is flaky where another run of the same commit passed.

A system tells of the newest runs of each pipeline, and of all that are not over. Where one of them cannot be read, what is known
is printed, and the exit code is 8.";

/// Below `run --help`.
pub(super) const RUN_EXAMPLE: &str = "\
Examples:
  holdshort run forge/run/acme/ledger/812
  holdshort run 'ledger#812' --log 'test / unit'
  holdshort run 'ledger#812' --log deploy --follow

Some systems give the log of a job only once the job has ended, and say so; others while it is written: --follow goes on.";

/// Below `logs --help`.
pub(super) const LOGS_EXAMPLE: &str = "\
Examples:
  holdshort logs payments --patterns --level warn
  holdshort logs payments --version 1.42.0 --level error --follow

A pattern is `new` where only the canary writes it, and `more` where it writes it more often for each request, each where that is
no chance: any of them is wrong in at most 1 of 100 releases. Where lines were left out, the exit code is 8.";

/// Below `drift --help`.
pub(super) const DRIFT_EXAMPLE: &str = "\
Examples:
  holdshort drift payments
  holdshort drift payments@prod --from staging --exit-code && deploy

Values are compared without being kept or shown. What is meant to differ is named in the configuration:
  [services.payments]
  drift.expected = [\"DATABASE_URL\", \"*_HOST\"]

What a system gives to nobody, as secrets, cannot be compared: it is said. Where something could not be read, the exit code is 8.";

/// Below `init --help`. The names of variables are what those who use them call them.
pub(super) const FOUND: &str = "\
Example:
  PROMETHEUS_URL=https://prometheus.example.com holdshort init --yes && holdshort doctor && holdshort status

What it looks at, on this machine and in the clusters that it finds:
  KUBECONFIG, else ~/.kube/config, else the account of the pod that it runs in
  PROMETHEUS_URL, for what is measured; a cluster's own is named where there is one, for it cannot be reached from outside
  the git remotes of this folder, and the tokens that their systems' own variables and clients hold: by their names, never copied

The file is ~/.config/holdshort/config.toml. What was not found is in it as a comment, with what to write.";

/// Below `holdshort --help`.
pub(super) const ENVIRONMENT: &str = "\
Environment:
  HOLDSHORT_KEY       any key of the configuration: HOLDSHORT_OPERATOR=dana says whose acts these are (else USER, else the
                      account's name), HOLDSHORT_READ_ONLY=true refuses every verb, __ stands between table and key
  HOLDSHORT_PROFILE   as --profile
  HOLDSHORT_THEME     as --theme
  HOLDSHORT_LOG       how much goes into the log: error, warn, info, debug or trace
  KUBECONFIG          where clusters are looked for that the configuration does not name
  XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME
                      where the configuration, the journal and what was seen last are; else below HOME
  NO_COLOR            no colours";

/// Below `state init --help`.
pub(super) const INIT_EXAMPLE: &str = "\
Example, as root:
  groupadd ops && usermod -aG ops dana && usermod -aG ops lee
  holdshort state init --group ops

What it prints belongs into the configuration of everybody in the group. Doing it again changes nothing, and puts right what
is not as it was made.";
