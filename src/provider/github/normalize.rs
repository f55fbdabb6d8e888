//! Runs and jobs from GitHub's wire to ours.

use chrono::TimeDelta;

use crate::{
    domain::{
        changes::{Change, Changes},
        ids::{Person, SourceName},
        keys,
        offer::{Offer, Risk},
        pipeline::{Run, RunStatus},
        text::clean,
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    provider::github::{
        Repository,
        address::Address,
        again, api,
        workflow::{Asks, BY_HAND},
    },
};

/// Days for which GitHub lets a run be started again.
const RERUNNABLE_DAYS: i64 = 30;

/// GitHub's two words for where something is, as one of ours.
pub(super) fn status(status: Option<&str>, conclusion: Option<&str>) -> RunStatus {
    let status = status.unwrap_or_default().to_ascii_lowercase();
    match status.as_str() {
        "queued" | "requested" | "pending" => RunStatus::Queued,
        "in_progress" => RunStatus::Running,
        "waiting" => RunStatus::Waiting,
        "completed" => concluded(conclusion.unwrap_or_default()),
        // A filtered list may put the conclusion here.
        other => concluded(other),
    }
}

fn concluded(conclusion: &str) -> RunStatus {
    match conclusion.to_ascii_lowercase().as_str() {
        "success" => RunStatus::Succeeded,
        "failure" | "timed_out" | "startup_failure" => RunStatus::Failed,
        "cancelled" => RunStatus::Cancelled,
        "skipped" | "neutral" | "stale" => RunStatus::Skipped,
        "action_required" => RunStatus::Waiting,
        _ => RunStatus::Unknown,
    }
}

/// GitHub's own word: the conclusion once there is one.
pub(super) fn word<'a>(status: Option<&'a str>, conclusion: Option<&'a str>) -> &'a str {
    let over = status.is_some_and(|status| status.eq_ignore_ascii_case("completed"));
    conclusion.filter(|_| over).or(status).unwrap_or_default()
}

/// Where a run is.
pub(super) fn status_of(run: &api::Run) -> RunStatus {
    status(run.status.as_deref(), run.conclusion.as_deref())
}

/// Will it move no more by itself, whatever its conclusion means?
pub(super) fn over(run: &api::Run) -> bool {
    run.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("completed")) || status_of(run).ended()
}

/// Does it begin only once somebody has pressed "Approve and run"? A pull request of somebody new, or of a bot, does.
pub(super) fn unapproved(run: &api::Run) -> bool {
    let asks = |word: &Option<String>| word.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("action_required"));
    asks(&run.conclusion) || asks(&run.status)
}

/// Who started this attempt.
pub(super) fn starter(run: &api::Run) -> Option<Person> {
    let account = run.triggering_actor.as_ref().or(run.actor.as_ref())?;
    account.login.as_ref().map(Person::new)
}

/// The pipeline's name: the workflow's, or its file's.
pub(super) fn pipeline(run: &api::Run) -> String {
    let file = || {
        let file = run.path.as_deref()?.rsplit('/').next()?;
        Some(file.split('.').next().unwrap_or(file).to_owned())
    };
    let name = run.name.clone().filter(|name| !name.is_empty()).or_else(file);
    clean(&name.or_else(|| Some(format!("workflow {}", run.workflow_id?))).unwrap_or_else(|| "workflow".to_owned()))
}

/// What a run carries: the tag or branch that it ran for, and the commit. GitHub knows no version, and a number in a title may
/// be a dependency's, a span, an address: none is looked for there, but by a pattern that somebody chose for the repository.
pub(super) fn version(repo: &Repository, run: &api::Run) -> Version {
    let named = run.head_branch.as_deref().filter(|name| !name.is_empty());
    let chosen = repo.version.as_ref().and_then(|pattern| pattern.version(named, title(run)));
    let version = chosen.map_or_else(|| Version::of_ref(named.unwrap_or("no branch")), Version::tagged);
    match &run.head_sha {
        Some(sha) => version.at_commit(sha),
        None => version,
    }
}

/// What people call it: its title, or the first line of its commit's message.
fn title(run: &api::Run) -> Option<&str> {
    let subject = || run.head_commit.as_ref()?.message.as_ref()?.lines().next();
    run.display_title.as_deref().or_else(subject)
}

/// A run; `asks` is what its workflow asks for, or why that is not known. `None` when it has no id or no time: nothing could be said of
/// it.
pub(super) fn run(
    source: &SourceName,
    repo: &Repository,
    wire: &api::Run,
    asks: Result<&Asks, &str>,
    now: Timestamp,
) -> Option<Run> {
    let started = wire.run_started_at.or(wire.created_at).or(wire.updated_at)?;
    let status = status_of(wire);
    Some(Run {
        id: Address::run_id(source, &repo.owner, &repo.repo, wire.id?),
        service: repo.service.clone(),
        pipeline: pipeline(wire),
        number: wire.run_number.unwrap_or_default(),
        attempt: wire.run_attempt.unwrap_or(1),
        title: clean(title(wire).unwrap_or_default()),
        branch: wire.head_branch.as_deref().map(clean),
        version: version(repo, wire),
        status,
        raw: Some(clean(word(wire.status.as_deref(), wire.conclusion.as_deref()))).filter(|word| !word.is_empty()),
        queued: None,
        started,
        updated: wire.updated_at.unwrap_or(started),
        actor: starter(wire),
        url: wire.html_url.as_deref().map(clean),
        offers: offers(repo, wire, asks, now),
    })
}

/// A run may deploy wherever its repository does, so a mistake costs what the riskiest environment there costs.
pub(super) fn risk(repo: &Repository) -> Risk {
    repo.environments.values().map(|environment| environment.risk).max().unwrap_or(Risk::High)
}

/// What can be done with a run.
fn offers(repo: &Repository, wire: &api::Run, asks: Result<&Asks, &str>, now: Timestamp) -> Vec<Offer> {
    let risk = risk(repo);
    if unapproved(wire) {
        let cancel =
            Offer::blocked(Verb::Cancel, Risk::Medium, "it has not begun: approve it, or close its pull request");
        return vec![cancel, Offer::blocked(Verb::Rerun, risk, "it has not begun: approve it")];
    }
    let cancel = if over(wire) {
        Offer::blocked(Verb::Cancel, Risk::Medium, "the run has ended")
    } else {
        Offer::open(Verb::Cancel, Risk::Medium).asking(again::cancelling())
    };
    let old = wire.created_at.is_some_and(|at| now - at > TimeDelta::days(RERUNNABLE_DAYS));
    let rerun = if !over(wire) {
        Offer::blocked(Verb::Rerun, risk, "the run has not ended; cancel it first")
    } else if old {
        Offer::blocked(Verb::Rerun, risk, "GitHub starts a run again for 30 days only; start a new one")
    } else {
        Offer::open(Verb::Rerun, risk).asking(again::rerunning(status_of(wire)))
    };
    vec![cancel, rerun, dispatch(risk, wire, asks)]
}

/// Starting its workflow anew, with what that asks for, as far as its file was read.
fn dispatch(risk: Risk, wire: &api::Run, asks: Result<&Asks, &str>) -> Offer {
    if asks.is_ok_and(|asks| !asks.by_hand) {
        let file = clean(wire.path.as_deref().unwrap_or_default());
        let why = format!("it is not started by hand: {file} has no `{BY_HAND}` on the default branch");
        return Offer::blocked(Verb::Dispatch, risk, why);
    }
    let by_hand = asks.is_ok() || wire.event.as_deref() == Some(BY_HAND);
    let unsure = (!by_hand).then(|| "GitHub does not say whether this workflow can be started by hand".to_owned());
    let form = again::dispatching(wire.head_branch.as_deref(), asks);
    Offer { unsure, ..Offer::open(Verb::Dispatch, risk).asking(form) }
}

/// Files that GitHub tells of at most.
const MOST_FILES: usize = 300;

/// What lies between two commits.
pub(super) fn changes(wire: &api::Compared) -> Changes {
    let one = |listed: &api::Listed| {
        let commit = listed.commit.as_ref();
        let message = commit.and_then(|commit| commit.message.as_deref()).unwrap_or_default();
        let author = commit.and_then(|commit| commit.author.as_ref());
        let login = listed.author.as_ref().and_then(|account| account.login.as_ref());
        let named = login.or_else(|| author.and_then(|author| author.name.as_ref()));
        Some(Change {
            commit: clean(listed.sha.as_deref()?),
            title: clean(message.lines().next().unwrap_or_default()),
            by: named.map(Person::new),
            at: author.and_then(|author| author.date),
        })
    };
    let commits: Vec<Change> = wire.commits.iter().filter_map(one).collect();
    Changes {
        count: wire.total_commits.unwrap_or(commits.len()).max(commits.len()),
        behind: wire.behind_by.unwrap_or_default(),
        files: wire.files.iter().filter_map(|file| file.filename.as_deref()).map(clean).collect(),
        all_files: wire.files.len() < MOST_FILES,
        keys: wire.files.iter().filter_map(settings).collect(),
        commits,
    }
}

/// The settings that differ in a file, where it has such and GitHub tells what differs.
fn settings(file: &api::File) -> Option<(String, Vec<String>)> {
    let (name, patch) = (file.filename.as_deref()?, file.patch.as_deref()?);
    Some((clean(name), keys::changed(name, patch)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        form::{Field, Kind},
        pattern::{VersionPattern, Written},
    };

    #[test]
    fn githubs_words_for_a_status_have_one_meaning_each() {
        let table = [
            ("queued", None, RunStatus::Queued),
            ("requested", None, RunStatus::Queued),
            ("pending", None, RunStatus::Queued),
            ("In_Progress", None, RunStatus::Running),
            ("waiting", None, RunStatus::Waiting),
            ("completed", Some("success"), RunStatus::Succeeded),
            ("completed", Some("failure"), RunStatus::Failed),
            ("completed", Some("timed_out"), RunStatus::Failed),
            ("completed", Some("startup_failure"), RunStatus::Failed),
            ("completed", Some("CANCELLED"), RunStatus::Cancelled),
            ("completed", Some("skipped"), RunStatus::Skipped),
            ("completed", Some("neutral"), RunStatus::Skipped),
            ("completed", Some("stale"), RunStatus::Skipped),
            ("completed", Some("action_required"), RunStatus::Waiting),
            ("completed", None, RunStatus::Unknown),
            ("failure", None, RunStatus::Failed),
            ("a new word", None, RunStatus::Unknown),
        ];
        for (word, conclusion, wanted) in table {
            assert_eq!(status(Some(word), conclusion), wanted, "{word} {conclusion:?}");
        }
        assert_eq!(status(None, Some("success")), RunStatus::Unknown);
    }

    #[test]
    fn a_run_that_github_has_completed_is_over_even_if_its_conclusion_is_strange() {
        let run = |status: &str, conclusion: Option<&str>| api::Run {
            status: Some(status.to_owned()),
            conclusion: conclusion.map(str::to_owned),
            ..api::Run::default()
        };
        for conclusion in [Some("success"), Some("action_required"), Some("a new word"), None] {
            assert!(over(&run("completed", conclusion)), "{conclusion:?}");
        }
        for status in ["queued", "in_progress", "waiting", "a new word"] {
            assert!(!over(&run(status, None)), "{status}");
        }
    }

    #[test]
    fn a_workflow_is_offered_to_be_started_as_far_as_its_file_says_and_where_it_is_not_known_that_is_said() {
        let wire = |event: &str| api::Run {
            path: Some(".github/workflows/ci.yml".to_owned()),
            event: Some(event.to_owned()),
            ..api::Run::default()
        };
        let offered = |event: &str, asks: Result<&Asks, &str>| {
            let offer = dispatch(Risk::Low, &wire(event), asks);
            (offer.blocked, offer.unsure, offer.form.last().map(|field| field.name.clone()))
        };
        let no = "it is not started by hand: .github/workflows/ci.yml has no `workflow_dispatch` on the default branch";
        assert_eq!(offered("push", Ok(&Asks::default())), (Some(no.to_owned()), None, None));
        let asks = Asks { by_hand: true, inputs: vec![Field::new("level", "level", Kind::Text)] };
        assert_eq!(offered("push", Ok(&asks)), (None, None, Some("level".to_owned())));
        let unsure = "GitHub does not say whether this workflow can be started by hand";
        assert_eq!(offered("push", Err("404")), (None, Some(unsure.to_owned()), Some("inputs".to_owned())));
        assert_eq!(offered(BY_HAND, Err("404")), (None, None, Some("inputs".to_owned())));
    }

    #[test]
    fn a_run_goes_by_its_tag_or_branch_and_never_by_a_number_in_its_title() {
        let run = |branch: Option<&str>, title: &str| api::Run {
            head_branch: branch.map(str::to_owned),
            display_title: Some(title.to_owned()),
            head_sha: Some("c0ffee1".into()),
            ..api::Run::default()
        };
        let table = [
            (run(Some("v4.2.0"), "Release"), "4.2.0 (c0ffee1)"),
            (run(Some("4.2.0-rc.1"), "Release"), "4.2.0-rc.1 (c0ffee1)"),
            (run(Some("release-3.12.6"), "chore(release): 3.12.6"), "release-3.12.6 (c0ffee1)"),
            (run(Some("ledger/v4.2.0"), "Release"), "ledger/v4.2.0 (c0ffee1)"),
            (run(Some("dependabot/npm/left-pad-8.57.0"), "Bump"), "dependabot/npm/left-pad-8.57.0 (c0ffee1)"),
            (run(Some("main"), "Bump left-pad from 8.56.0 to 8.57.0 (#123)"), "main (c0ffee1)"),
            (run(Some("main"), "Release (4.2.0-rc.1)"), "main (c0ffee1)"),
            (run(Some("main"), "Allow 10.20.0.7 in the firewall"), "main (c0ffee1)"),
            (run(None, "nightly 1.2.3"), "no branch (c0ffee1)"),
            (run(Some(""), "nightly"), "no branch (c0ffee1)"),
        ];
        let mut repo = Repository {
            owner: "acme".into(),
            repo: "ledger".into(),
            service: "ledger".into(),
            environments: std::collections::BTreeMap::new(),
            version: None,
        };
        for (run, wanted) in table {
            assert_eq!(version(&repo, &run).to_string(), wanted);
        }
        // A pattern that was chosen says where it stands; what it does not match goes by its tag or branch.
        repo.version = VersionPattern::new(Written::Title, r"^ledger (?P<version>\S+)$").ok();
        for (title, wanted) in [("ledger 4.2.0", "4.2.0 (c0ffee1)"), ("Bump left-pad to 8.57.0", "main (c0ffee1)")] {
            assert_eq!(version(&repo, &run(Some("main"), title)).to_string(), wanted);
        }
        repo.version = VersionPattern::new(Written::Branch, r"^release-(?P<version>\S+)$").ok();
        assert_eq!(version(&repo, &run(Some("release-4.2.0"), "9.9.9")).to_string(), "4.2.0 (c0ffee1)");
    }
}
