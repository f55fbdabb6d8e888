//! Builds and jobs from Buildkite's wire to our runs and jobs.

use crate::{
    domain::{
        ids::{Person, SourceName},
        offer::{Offer, Risk},
        pattern::VersionPattern,
        pipeline::{Run, RunStatus},
        text::clean,
        verb::Verb,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::buildkite::{Watched, address::Address, again, api, fact as own},
};

/// A commit cut shorter than this names nothing; a build that was just made may carry the word `HEAD`.
const LEAST_COMMIT: usize = 7;

/// What Buildkite promises of cancelling.
const UNPROMISED: &str = "Buildkite promises it for builds that are scheduled, running or failing only";

/// Where a build is. One that waits for a block step keeps the state that it had before, `passed` as a rule.
pub(super) fn status(build: &api::Build) -> RunStatus {
    let state = build.state.as_deref().unwrap_or_default();
    match state {
        "canceled" => RunStatus::Cancelled,
        "canceling" => RunStatus::Running,
        _ if build.blocked == Some(true) => RunStatus::Waiting,
        "blocked" => RunStatus::Waiting,
        "creating" | "scheduled" | "waiting" => RunStatus::Queued,
        "running" | "started" | "failing" => RunStatus::Running,
        "passed" => RunStatus::Succeeded,
        "failed" | "waiting_failed" => RunStatus::Failed,
        "skipped" | "not_run" => RunStatus::Skipped,
        _ => RunStatus::Unknown,
    }
}

/// Does this job wait for somebody to unblock it now, as far as Buildkite says? One whose turn has not come is blocked, too.
pub(super) fn waits(job: &api::Job) -> bool {
    job.is_block() && job.state.as_deref() == Some("blocked") && job.unblockable != Some(false)
}

/// Where a block step is: `blocked`, `unblocked`, or whatever else Buildkite says.
pub(super) fn step_state(job: &api::Job) -> String {
    match job.state.as_deref().unwrap_or("unknown") {
        "blocked" if waits(job) => "blocked".to_owned(),
        "blocked" => "not reached".to_owned(),
        "unblocked" | "unblocked_failed" | "finished" | "passed" => "unblocked".to_owned(),
        other => clean(other),
    }
}

/// Will it move no more by itself, and waits for nobody?
pub(super) fn over(build: &api::Build) -> bool {
    status(build).ended()
}

/// The facts that a plan for a build is bound to, and what it may expect.
pub(super) fn facts(build: &api::Build) -> Facts {
    let mut facts = Facts::new();
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), clean(&value));
        }
    };
    say(own::BUILD, build.number.map(|number| number.to_string()));
    say(own::BUILD_ID, build.id.clone());
    say(fact::COMMIT, build.commit.clone());
    say(fact::STATUS, Some(status(build).to_string()));
    facts
}

/// What a build carries: the tag or branch that it ran for, and the commit. Buildkite knows no version, and a number in a message
/// may be a dependency's: none is looked for there, but by a pattern that somebody chose for the pipeline.
pub(super) fn version(pattern: Option<&VersionPattern>, build: &api::Build) -> Version {
    let named = build.branch.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let title = build.message.as_deref().and_then(|message| message.lines().next());
    let chosen = pattern.and_then(|pattern| pattern.version(named, title));
    let version = chosen.map_or_else(|| Version::of_ref(named.unwrap_or("no branch")), Version::tagged);
    let is_commit = |text: &&str| text.len() >= LEAST_COMMIT && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match build.commit.as_deref().filter(is_commit) {
        Some(commit) => version.at_commit(commit),
        None => version,
    }
}

/// A name as people read it: `:rocket: Deploy` is `Deploy`, for Buildkite draws the first as a picture.
pub(super) fn plain(name: &str) -> String {
    let is_picture = |word: &&str| {
        let inner = word.strip_prefix(':').and_then(|word| word.strip_suffix(':')).unwrap_or_default();
        !inner.is_empty() && inner.chars().all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c))
    };
    let cleaned = clean(name);
    let words: Vec<&str> = cleaned.split_whitespace().filter(|word| !is_picture(word)).collect();
    if words.is_empty() { cleaned } else { words.join(" ") }
}

/// A build as a run. `None` when it has no pipeline, number or time: nothing could be said of it.
pub(super) fn run(source: &SourceName, watched: &Watched<'_>, build: &api::Build) -> Option<Run> {
    let started = build.started_at.or(build.created_at)?;
    let jobs = build.jobs().iter().flat_map(|job| [job.started_at, job.finished_at]).flatten().max();
    let message = build.message.as_deref().unwrap_or_default();
    Some(Run {
        id: Address::run_id(source, watched.organization, watched.pipeline, build.number?),
        service: watched.service(),
        pipeline: clean(watched.pipeline),
        number: build.number?,
        attempt: 1,
        title: plain(message.lines().next().unwrap_or_default()),
        branch: build.branch.as_deref().map(clean),
        version: version(watched.settings.version.as_ref(), build),
        status: status(build),
        raw: build.state.as_deref().map(clean).filter(|word| !word.is_empty()),
        queued: build.scheduled_at.or(build.created_at).filter(|_| build.started_at.is_some()),
        started,
        updated: build.finished_at.max(jobs).unwrap_or(started).max(started),
        actor: build.creator.as_ref().and_then(api::Person::called).map(Person::new),
        url: build.web_url.as_deref().map(clean),
        offers: offers(watched, build),
    })
}

/// What can be done with a build.
fn offers(watched: &Watched<'_>, build: &api::Build) -> Vec<Offer> {
    let risk = watched.risk();
    let cancel = match build.state.as_deref().unwrap_or_default() {
        _ if over(build) => Offer::blocked(Verb::Cancel, Risk::Medium, "the build has ended"),
        "canceling" => Offer::blocked(Verb::Cancel, Risk::Medium, "it is being cancelled"),
        "scheduled" | "running" | "failing" => Offer::open(Verb::Cancel, Risk::Medium),
        _ => Offer { unsure: Some(UNPROMISED.to_owned()), ..Offer::open(Verb::Cancel, Risk::Medium) },
    };
    let rerun = if over(build) {
        Offer::open(Verb::Rerun, risk).asking(again::rerunning())
    } else {
        Offer::blocked(Verb::Rerun, risk, "the build has not ended; cancel it first")
    };
    let dispatch = Offer::open(Verb::Dispatch, risk).asking(again::dispatching(build.branch.as_deref()));
    [cancel, rerun, dispatch].map(|offer| watched.allowed(offer)).to_vec()
}

/// What a job is called: its label, its command, or what kind it is of.
pub(super) fn called(job: &api::Job) -> String {
    let first_line = |command: &String| command.lines().next().map(str::to_owned);
    let all = [job.label.clone(), job.name.clone(), job.step_key.clone(), job.command.as_ref().and_then(first_line)];
    let named = all.into_iter().flatten().map(|name| plain(&name)).find(|name| !name.is_empty());
    let kind = || if job.is_block() { "block step".to_owned() } else { "job".to_owned() };
    named.unwrap_or_else(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pattern::Written;

    fn build(state: &str, blocked: Option<bool>) -> api::Build {
        api::Build { state: Some(state.to_owned()), blocked, ..api::Build::default() }
    }

    #[test]
    fn each_word_for_a_build_has_one_meaning_and_an_unknown_one_is_unknown() {
        let table = [
            ("creating", RunStatus::Queued),
            ("scheduled", RunStatus::Queued),
            ("waiting", RunStatus::Queued),
            ("running", RunStatus::Running),
            ("failing", RunStatus::Running),
            ("canceling", RunStatus::Running),
            ("blocked", RunStatus::Waiting),
            ("passed", RunStatus::Succeeded),
            ("failed", RunStatus::Failed),
            ("waiting_failed", RunStatus::Failed),
            ("canceled", RunStatus::Cancelled),
            ("skipped", RunStatus::Skipped),
            ("not_run", RunStatus::Skipped),
            ("a new word", RunStatus::Unknown),
            ("", RunStatus::Unknown),
        ];
        for (state, wanted) in table {
            assert_eq!(status(&build(state, Some(false))), wanted, "{state}");
        }
        assert_eq!(status(&api::Build::default()), RunStatus::Unknown);
    }

    #[test]
    fn a_build_that_is_blocked_waits_whatever_state_it_kept() {
        for state in ["passed", "failed", "running", "a new word"] {
            assert_eq!(status(&build(state, Some(true))), RunStatus::Waiting, "{state}");
        }
        assert_eq!(status(&build("canceled", Some(true))), RunStatus::Cancelled);
    }

    #[test]
    fn a_build_goes_by_its_tag_or_branch_and_a_commit_that_is_one() {
        let of = |branch: Option<&str>, commit: &str| {
            let (branch, commit) = (branch.map(str::to_owned), Some(commit.to_owned()));
            let message = Some("Bump left-pad from 8.56.0 to 8.57.0".to_owned());
            version(None, &api::Build { message, commit, branch, ..api::Build::default() }).to_string()
        };
        let table = [
            (Some("v4.2.0"), "c0ffee1234", "4.2.0 (c0ffee1)"),
            (Some("4.2.0-rc.1"), "c0ffee1", "4.2.0-rc.1 (c0ffee1)"),
            (Some("main"), "HEAD", "main"),
            (Some("release/4.2"), "", "release/4.2"),
            (None, "c0ffee1", "no branch (c0ffee1)"),
            (Some(" "), "c0ffee1", "no branch (c0ffee1)"),
        ];
        for (branch, commit, wanted) in table {
            assert_eq!(of(branch, commit), wanted);
        }
        let pattern = VersionPattern::new(Written::Title, r"^ledger (?P<version>\S+)$").unwrap();
        let message = Some("ledger 4.2.0\n\nand more".to_owned());
        let build = api::Build { message, branch: Some("main".to_owned()), ..api::Build::default() };
        assert_eq!(version(Some(&pattern), &build).to_string(), "4.2.0");
    }

    #[test]
    fn pictures_are_left_out_of_names_that_say_something_else_too() {
        for (name, wanted) in [
            (":rocket: Deploy :+1:", "Deploy"),
            (":rocket:", ":rocket:"),
            ("a:b: c", "a:b: c"),
            ("Deploy\u{1b}[31m!", "Deploy!"),
        ] {
            assert_eq!(plain(name), wanted);
        }
    }
}
