//! Builds from Jenkins' wire to our runs.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    domain::{
        ids::{Person, SourceName},
        offer::Offer,
        pattern::VersionPattern,
        pipeline::{Run, RunStatus},
        text::clean,
        time::{Timestamp, after},
        verb::Verb,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::jenkins::{address::Address, again, api, fact as own, watched::Watched},
};

/// What Jenkins tells of nobody's rights.
pub(super) const MAY_BUILD: &str = "Jenkins does not say whether you may: it takes Job/Build";
const MAY_CANCEL: &str = "Jenkins does not say whether you may: it takes Job/Cancel";
/// What an input is, where it is.
pub(super) const WAITS: &str = "waiting";
pub(super) const ANSWERED: &str = "answered";
pub(super) const OVER: &str = "ended with its build";

/// Where a build is.
pub(super) fn status(build: &api::Build) -> RunStatus {
    if build.building == Some(true) || build.in_progress == Some(true) {
        let waits = build.inputs().next().is_some();
        return if waits { RunStatus::Waiting } else { RunStatus::Running };
    }
    match build.result.as_deref().unwrap_or_default().to_ascii_uppercase().as_str() {
        "SUCCESS" => RunStatus::Succeeded,
        // It went to its end, and something in it failed.
        "UNSTABLE" | "FAILURE" => RunStatus::Failed,
        "ABORTED" => RunStatus::Cancelled,
        "NOT_BUILT" => RunStatus::Skipped,
        _ => RunStatus::Unknown,
    }
}

/// Will it move no more by itself, and waits for nobody?
pub(super) fn over(build: &api::Build) -> bool {
    status(build).ended()
}

/// Jenkins' own word for where it is.
fn raw(build: &api::Build) -> Option<String> {
    let running = || (build.building == Some(true)).then(|| "building".to_owned());
    build.result.as_deref().map(clean).filter(|word| !word.is_empty()).or_else(running)
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
    say(own::BEGAN, build.timestamp.map(|at| at.timestamp_millis().to_string()));
    say(fact::COMMIT, commit(build, None));
    say(fact::STATUS, Some(status(build).to_string()));
    say(own::ENDED, Some(over(build).to_string()));
    facts
}

/// The commit that was built. A library that the pipeline loads is checked out, too: where several commits were and nothing says
/// which one is meant, it is not known.
pub(super) fn commit(build: &api::Build, branch: Option<&str>) -> Option<String> {
    let all = build.actions().iter().filter_map(|action| action.last_built_revision.as_ref());
    let is_commit = |text: &&String| text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let ours = |revision: &&api::Revision| branch.is_none_or(|branch| names(revision).any(|name| name == branch));
    let of = |revisions: Vec<&api::Revision>| {
        let all: BTreeSet<&String> =
            revisions.into_iter().filter_map(|one| one.sha1.as_ref()).filter(is_commit).collect();
        (all.len() == 1).then(|| all.first().map(|commit| (*commit).clone())).flatten()
    };
    of(all.clone().filter(ours).collect()).or_else(|| of(all.collect()))
}

/// The branches of a revision, without where they come from.
fn names(revision: &api::Revision) -> impl Iterator<Item = &str> {
    let all = revision.branch.iter().flatten().filter_map(|branch| branch.name.as_deref());
    all.map(|name| {
        let name = name.strip_prefix("refs/remotes/").unwrap_or(name);
        let name = name.strip_prefix("origin/").or_else(|| name.strip_prefix("refs/heads/")).unwrap_or(name);
        name.strip_prefix("refs/tags/").unwrap_or(name)
    })
}

/// The branch that it ran for: that of a multibranch project, or the only one that was checked out.
fn branch(watched: &Watched<'_>, build: &api::Build) -> Option<String> {
    let checked_out = || {
        let all = build.actions().iter().filter_map(|action| action.last_built_revision.as_ref());
        let all: BTreeSet<&str> = all.flat_map(names).filter(|name| *name != "detached").collect();
        (all.len() == 1).then(|| all.first().map(|name| clean(name))).flatten()
    };
    watched.branch().map(|name| clean(&name)).or_else(checked_out)
}

/// What people call it, where somebody gave it a name of its own.
fn named(build: &api::Build) -> Option<String> {
    let usual = build.number.map(|number| format!("#{number}"));
    let own = build.display_name.as_deref().map(clean).filter(|name| !name.is_empty());
    own.filter(|name| Some(name) != usual.as_ref())
}

/// What it is about: what is said of it, or why it began.
fn about(build: &api::Build) -> Option<String> {
    let said = build.description.as_deref().map(plain).filter(|said| !said.is_empty());
    said.or_else(|| causes(build).find_map(|cause| cause.short_description.as_deref()).map(plain))
}

/// Its own name, or what it is about.
fn title(build: &api::Build) -> String {
    named(build).or_else(|| about(build)).unwrap_or_default()
}

pub(super) fn causes(build: &api::Build) -> impl Iterator<Item = &api::Cause> {
    build.actions().iter().flat_map(|action| action.causes.iter().flatten())
}

/// Its parameters, as a pattern for versions may look at them: `VERSION=1.42.0 REGION=eu`.
fn given(build: &api::Build) -> String {
    let all = build.actions().iter().flat_map(|action| action.parameters.iter().flatten());
    let one = |parameter: &api::Valued| {
        let value = match parameter.value.as_ref()? {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(format!("{}={value}", parameter.name.as_deref()?))
    };
    clean(&all.filter_map(one).collect::<Vec<_>>().join(" "))
}

/// What a build carries. Jenkins knows no version: a pattern that somebody chose finds it in the branch, or in the build's name and
/// parameters; else it goes by its branch, or the name that the pipeline gave it.
fn version(pattern: Option<&VersionPattern>, build: &api::Build, branch: Option<&str>) -> Version {
    let chosen = pattern.and_then(|pattern| {
        let title = title(build);
        let found = pattern.version(branch, Some(&title)).map(str::to_owned);
        found.or_else(|| pattern.version(None, Some(&given(build))).map(str::to_owned))
    });
    let other = || branch.map(str::to_owned).or_else(|| named(build));
    let version = chosen.map(Version::tagged).or_else(|| other().map(|name| Version::of_ref(&name)));
    let number = build.number.unwrap_or_default();
    let version = version.unwrap_or_else(|| Version::tagged(format!("build {number}")));
    match commit(build, branch) {
        Some(commit) => version.at_commit(commit),
        None => version,
    }
}

/// The version of a build of this job.
pub(super) fn version_of(watched: &Watched<'_>, build: &api::Build) -> Version {
    version(watched.settings.version.as_ref(), build, branch(watched, build).as_deref())
}

/// A text without the tags of markup, and with this in the place of each.
pub(super) fn untagged(text: &str, blank: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        kept.push_str(before);
        let named = tag.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!'));
        rest = match tag.split_once('>') {
            Some((_, after)) if named => {
                kept.push_str(blank);
                after
            }
            _ => {
                kept.push('<');
                tag
            }
        };
    }
    kept.push_str(rest);
    kept
}

/// A text as one line, without the markup that Jenkins lets people write.
pub(super) fn plain(text: &str) -> String {
    clean(&untagged(text, " ")).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A build as a run. `None` when it has no number or time: nothing could be said of it.
pub(super) fn run(source: &SourceName, watched: &Watched<'_>, build: &api::Build, known: &[Version]) -> Option<Run> {
    let (number, started) = (build.number?, build.timestamp?);
    let branch = branch(watched, build);
    let version = version_of(watched, build);
    Some(Run {
        id: Address::run_id(source, watched.job, number),
        service: watched.service(),
        pipeline: clean(&watched.pipeline()),
        number,
        attempt: 1,
        // A name that only says the version is said by that.
        title: named(build).filter(|name| *name != version.tag).or_else(|| about(build)).unwrap_or_default(),
        status: status(build),
        raw: raw(build),
        queued: None,
        started,
        updated: ended(build).unwrap_or(started),
        actor: actor(build),
        url: build.url.as_deref().map(clean),
        offers: offers(watched, build, &version, known),
        branch,
        version,
    })
}

/// When it ended, if it has.
fn ended(build: &api::Build) -> Option<Timestamp> {
    let took = u64::try_from(build.duration?).ok().filter(|millis| *millis > 0 && over(build))?;
    Some(after(build.timestamp?, Duration::from_millis(took)))
}

fn actor(build: &api::Build) -> Option<Person> {
    causes(build).find_map(|cause| cause.user_id.as_deref().or(cause.user_name.as_deref())).map(Person::new)
}

/// What can be done with a build; `known` are the versions of this service whose builds went well.
fn offers(watched: &Watched<'_>, build: &api::Build, version: &Version, known: &[Version]) -> Vec<Offer> {
    let risk = watched.risk();
    let ended = over(build);
    let cancel = if ended {
        Offer::blocked(Verb::Cancel, risk, "the build has ended")
    } else {
        Offer { unsure: Some(MAY_CANCEL.to_owned()), ..Offer::open(Verb::Cancel, risk) }.asking(again::stopping())
    };
    let may_build = |verb| Offer { unsure: Some(MAY_BUILD.to_owned()), ..Offer::open(verb, risk) };
    let rerun = if ended {
        may_build(Verb::Rerun).asking(again::rerunning(build))
    } else {
        Offer::blocked(Verb::Rerun, risk, "the build has not ended; cancel it first")
    };
    let dispatch = match again::undispatchable(watched.parameters) {
        Some(why) => Offer::blocked(Verb::Dispatch, risk, why),
        None => may_build(Verb::Dispatch).asking(again::dispatching(watched.parameters)),
    };
    let back = watched.settings.rollback.as_ref().map(|_| {
        let earlier: Vec<&Version> = known.iter().filter(|one| !one.is_same(version)).collect();
        may_build(Verb::Rollback).asking(again::back(&earlier))
    });
    let all = [cancel, rerun, dispatch].into_iter().chain(back);
    let allowed = |offer: Offer| match watched.who.may_not() {
        Some(why) if offer.blocked.is_none() => Offer { blocked: Some(why), unsure: None, ..offer },
        _ => offer,
    };
    all.map(allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pattern::Written;

    fn build(text: &str) -> api::Build {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn each_word_for_a_build_has_one_meaning_and_an_unknown_one_is_unknown() {
        let of = |result: &str| status(&build(&format!(r#"{{"building": false, "result": {result}}}"#)));
        let table = [
            ("\"SUCCESS\"", RunStatus::Succeeded),
            ("\"UNSTABLE\"", RunStatus::Failed),
            ("\"FAILURE\"", RunStatus::Failed),
            ("\"ABORTED\"", RunStatus::Cancelled),
            ("\"NOT_BUILT\"", RunStatus::Skipped),
            ("\"A_NEW_WORD\"", RunStatus::Unknown),
            ("null", RunStatus::Unknown),
        ];
        for (result, wanted) in table {
            assert_eq!(of(result), wanted, "{result}");
        }
        assert_eq!(status(&build(r#"{"building": true}"#)), RunStatus::Running);
        let waits = r#"{"building": true, "actions": [{"executions": [{"id": "A", "input": {"id": "A"}}]}]}"#;
        assert_eq!(status(&build(waits)), RunStatus::Waiting);
    }

    #[test]
    fn which_of_several_commits_was_built_is_told_by_the_branch_or_not_known() {
        let revision = |sha: &str, branch: &str| {
            format!(r#"{{"lastBuiltRevision": {{"SHA1": "{sha}", "branch": [{{"name": "{branch}"}}]}}}}"#)
        };
        let (library, own) = (revision("aaaaaaa1", "master"), revision("c0ffee11", "refs/remotes/origin/main"));
        let of = |actions: &[&String], branch| {
            let actions: Vec<&str> = actions.iter().map(|one| one.as_str()).collect();
            commit(&build(&format!(r#"{{"actions": [{}]}}"#, actions.join(","))), branch)
        };
        assert_eq!(of(&[&own], None).as_deref(), Some("c0ffee11"));
        assert_eq!(of(&[&library, &own], Some("main")).as_deref(), Some("c0ffee11"));
        assert_eq!((of(&[&library, &own], None), of(&[], None)), (None, None));
        assert_eq!(of(&[&revision("HEAD", "main")], None), None);
    }

    #[test]
    fn a_version_is_read_by_a_pattern_or_goes_by_the_branch_or_the_name_that_somebody_gave() {
        let named = build(r#"{"number": 7, "displayName": "1.42.0"}"#);
        let plain = build(r##"{"number": 7, "displayName": "#7"}"##);
        let given = r#"{"number": 7, "actions": [{"parameters": [{"name": "VERSION", "value": "1.41.3"}, {"name": "DRY", "value": true}]}]}"#;
        let pattern = VersionPattern::new(Written::Title, r"VERSION=(?P<version>\S+)").unwrap();
        let of = |build: &api::Build, branch| version(None, build, branch).to_string();
        assert_eq!(of(&plain, Some("v4.2.0")), "4.2.0");
        assert_eq!((of(&named, None), of(&plain, None)), ("1.42.0".into(), "build 7".into()));
        assert_eq!(version(Some(&pattern), &build(given), None).to_string(), "1.41.3");
    }

    #[test]
    fn markup_that_people_write_is_left_out_of_what_is_shown() {
        for (text, wanted) in
            [("<b>Ship</b> to<br/>prod", "Ship to prod"), ("1 < 2 <3", "1 < 2 <3"), ("a\u{1b}[2Jb", "ab")]
        {
            assert_eq!(super::plain(text), wanted);
        }
    }
}
