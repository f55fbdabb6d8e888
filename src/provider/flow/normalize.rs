//! Runs, jobs and deploy orders from Flow's wire to our words, facts and runs. Flow writes its states in capitals, in small letters and
//! in Chinese, each API in its own way.

use crate::{
    domain::{
        ids::{Person, SourceName},
        offer::{Offer, Risk},
        pattern::VersionPattern,
        pipeline::{Run, RunStatus},
        text::clean,
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    port::plan::{Facts, fact},
    provider::flow::{
        Pipeline,
        address::Address,
        again,
        api::{self, Does, may},
        fact as own,
    },
};

/// Where something is, as Flow says it.
pub(super) fn state(word: Option<&str>) -> RunStatus {
    match word.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "init" | "queued" | "pending" | "排队中" | "等待运行" | "待部署" | "部署等待中" | "未运行" | "初始化" => {
            RunStatus::Queued
        }
        "running" | "运行中" | "部署中" | "执行中" => RunStatus::Running,
        "waiting" | "等待中" | "待人工确认" | "等待人工卡点" | "待处理" | "暂停" | "已暂停" => {
            RunStatus::Waiting
        }
        "success" | "succeeded" | "成功" | "运行成功" | "已通过" => RunStatus::Succeeded,
        "fail" | "failed" | "failure" | "失败" | "运行失败" | "已拒绝" => RunStatus::Failed,
        "canceled" | "cancelled" | "cancel" | "取消" | "已取消" | "已终止" => RunStatus::Cancelled,
        "skip" | "skipped" | "跳过" | "已跳过" => RunStatus::Skipped,
        _ => RunStatus::Unknown,
    }
}

/// Where a run is. One that runs and has nothing that moves waits for whoever it waits for.
pub(super) fn status(run: &api::Run) -> RunStatus {
    let said = state(run.status.as_deref());
    if said != RunStatus::Running || run.stages.is_none() {
        return said;
    }
    let moves = |job: &api::Job| matches!(job_state(job), RunStatus::Running | RunStatus::Unknown) && !waits(job);
    let any_waits = run.jobs().any(|(_, job)| waits(job) || job_state(job) == RunStatus::Waiting);
    let any_moves = run.jobs().any(|(_, job)| moves(job));
    if any_waits && !any_moves { RunStatus::Waiting } else { said }
}

/// Will a run move no more by itself, and waits for nobody?
pub(super) fn over(run: &api::Run) -> bool {
    state(run.status.as_deref()).ended()
}

/// Where a job is. One that somebody may pass waits, whatever its state is called: that is the proof that Flow gives.
pub(super) fn job_state(job: &api::Job) -> RunStatus {
    let said = state(job.status.as_deref());
    if waits(job) { RunStatus::Waiting } else { said }
}

/// Does this job wait for somebody to pass it?
pub(super) fn waits(job: &api::Job) -> bool {
    may(&job.actions, Does::Pass).is_some() && !state(job.status.as_deref()).ended()
}

/// Does this job wait for somebody to start it?
pub(super) fn is_manual(job: &api::Job) -> bool {
    let open = matches!(state(job.status.as_deref()), RunStatus::Waiting | RunStatus::Queued | RunStatus::Unknown);
    open && !waits(job) && may(&job.actions, Does::Start).is_some()
}

/// Where a deploy order is: `Waiting` means that it pauses between two batches.
pub(super) fn order_is(order: &api::Order) -> String {
    match state(order.status.as_deref()) {
        RunStatus::Waiting => "paused".to_owned(),
        RunStatus::Unknown => clean(order.status.as_deref().unwrap_or("unknown")),
        state => state.to_string(),
    }
}

/// How many machines of an order are done, and how many there are.
pub(super) fn machines(order: &api::Order) -> (usize, usize) {
    let done =
        |machine: &&api::Machine| matches!(state(machine.status.as_deref()), RunStatus::Succeeded | RunStatus::Skipped);
    (order.machines().iter().filter(done).count(), order.machines().len())
}

/// What a run carries: the tag or branch that it ran for, and the commit; or what a pattern reads that somebody chose.
pub(super) fn version(pattern: Option<&VersionPattern>, source: Option<&api::Source>, run: u64) -> Version {
    let branch = source.and_then(api::Source::branch);
    let message = source.and_then(api::Source::message);
    let title = message.as_deref().and_then(|message| message.lines().next());
    let chosen = pattern.and_then(|pattern| pattern.version(branch.as_deref(), title));
    let version = match (chosen, branch.as_deref()) {
        (Some(chosen), _) => Version::tagged(chosen),
        (None, Some(branch)) => Version::of_ref(branch),
        // A run of no code is known by nothing but itself.
        (None, None) => Version::tagged(format!("run {run}")),
    };
    match source.and_then(api::Source::commit) {
        Some(commit) => version.at_commit(commit),
        None => version,
    }
}

/// The facts that a plan for a run is bound to, and what it may expect.
pub(super) fn run_facts(run: &api::Run) -> Facts {
    let status = status(run);
    let stopped = matches!(status, RunStatus::Failed | RunStatus::Cancelled);
    let mut facts =
        Facts::from([(fact::STATUS.to_owned(), status.to_string()), (own::STOPPED.to_owned(), stopped.to_string())]);
    facts.extend(run.pipeline_run_id.map(|id| (own::RUN.to_owned(), id.to_string())));
    facts.extend(run.source().and_then(api::Source::commit).map(|commit| (fact::COMMIT.to_owned(), clean(&commit))));
    facts
}

/// The facts of one of its jobs, beside its own. Of a job that is not there only those of the run.
pub(super) fn job_facts(run: &api::Run, job: Option<&api::Job>) -> Facts {
    let mut facts = run_facts(run);
    let Some(job) = job else { return facts };
    let state = job_state(job);
    let has_run = matches!(state, RunStatus::Running | RunStatus::Succeeded | RunStatus::Failed);
    let validation = match state {
        RunStatus::Waiting => "waits",
        RunStatus::Succeeded | RunStatus::Skipped => "passed",
        RunStatus::Failed | RunStatus::Cancelled => "refused",
        _ => "not reached",
    };
    let mut say = |name: &str, value: String| drop(facts.insert(name.to_owned(), value));
    say(own::JOB_IS, state.to_string());
    say(own::BEGUN, has_run.to_string());
    say(own::VALIDATION, validation.to_owned());
    let began = job.start_time.map_or(0, |at| at.timestamp_millis());
    say(own::JOB_BEGAN, began.to_string());
    if let Some(id) = job.id {
        say(own::JOB, id.to_string());
    }
    facts
}

/// The facts of a deploy order.
pub(super) fn order_facts(order: &api::Order) -> Facts {
    let is = order_is(order);
    let mut facts = Facts::from([
        (own::PAUSED.to_owned(), (is == "paused").to_string()),
        (own::MACHINES.to_owned(), machines(order).0.to_string()),
        (own::ORDER_IS.to_owned(), is),
    ]);
    facts.extend(order.deploy_order_id.map(|id| (own::ORDER.to_owned(), id.to_string())));
    facts.extend(order.current_batch.map(|batch| (own::BATCH.to_owned(), batch.to_string())));
    for machine in order.machines() {
        if let Some(sn) = &machine.sn {
            facts.insert(own::machine(&clean(sn)), state(machine.status.as_deref()).to_string());
        }
    }
    facts
}

/// Who began it: by name, where Flow gives one.
pub(super) fn person(name: Option<&str>, account: Option<&str>) -> Option<Person> {
    let known = [name, account].into_iter().flatten().map(clean).find(|name| !name.is_empty());
    known.map(Person::new)
}

/// What a run is about: what its commit says, or how it began.
fn title(run: &api::Run) -> String {
    let message = run.source().and_then(api::Source::message);
    let first =
        message.as_deref().and_then(|message| message.lines().next()).map(clean).filter(|line| !line.is_empty());
    first.unwrap_or_else(|| {
        match run.trigger_mode {
            Some(1) => "begun by hand",
            Some(2) => "begun on a schedule",
            Some(3) => "begun by a commit",
            Some(5) => "begun by another pipeline",
            Some(6) => "begun by a webhook",
            _ => "",
        }
        .to_owned()
    })
}

/// A pipeline that runs are told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    pub(super) source: &'a SourceName,
    pub(super) settings: &'a Pipeline,
    /// Its id and its name.
    pub(super) id: u64,
    pub(super) name: &'a str,
    /// Where a browser shows it.
    pub(super) web: Option<&'a str>,
}

impl Site<'_> {
    /// `checkout-prod #41`.
    pub(super) fn said(&self, run: u64) -> String {
        clean(&format!("{} #{run}", self.name))
    }

    pub(super) fn url(&self, run: u64) -> Option<String> {
        self.web.map(|web| format!("{web}/pipelines/{}/builds/{run}", self.id))
    }
}

/// A run; `paused` is one whose deployment waits between two batches. `None` when it has no id or no time: nothing could be said of it.
pub(super) fn run(site: &Site<'_>, wire: &api::Run, paused: bool, version: Version, offers: Vec<Offer>) -> Option<Run> {
    let (number, started) = (wire.pipeline_run_id?, wire.create_time?);
    let status = match status(wire) {
        RunStatus::Running if paused => RunStatus::Waiting,
        status => status,
    };
    let moved = wire.jobs().flat_map(|(_, job)| [job.start_time, job.end_time]).flatten().max();
    let updated: Timestamp = wire.update_time.max(moved).unwrap_or(started);
    Some(Run {
        id: Address::run_id(site.source, site.id, number),
        service: site.settings.service(site.name),
        pipeline: clean(site.name),
        number,
        attempt: 1,
        title: title(wire),
        branch: wire.source().and_then(api::Source::branch).map(|branch| clean(&branch)),
        version,
        status,
        raw: wire.status.as_deref().map(clean).filter(|word| !word.is_empty()),
        queued: None,
        started,
        updated: updated.max(started),
        actor: person(wire.creator.as_deref(), wire.creator_account_id.as_deref()),
        url: site.url(number),
        offers,
    })
}

/// What can be done with a run, but for a roll back and its deploy order.
pub(super) fn offers(site: &Site<'_>, wire: &api::Run, older: bool) -> Vec<Offer> {
    let risk = site.settings.risk();
    let ended = over(wire);
    let live: Vec<&api::Job> =
        wire.jobs().map(|(_, job)| job).filter(|job| job_state(job) == RunStatus::Running).collect();
    let cancel = match () {
        () if ended => Offer::blocked(Verb::Cancel, Risk::Medium, "the run has ended"),
        () if older => Offer::open(Verb::Cancel, Risk::Medium),
        () if live.is_empty() => Offer::blocked(Verb::Cancel, Risk::Medium, again::NOTHING_RUNS),
        () if live.iter().all(|job| may(&job.actions, Does::Stop) == Some(false)) => {
            Offer::blocked(Verb::Cancel, Risk::Medium, "Flow does not let you stop what runs of it")
        }
        () => Offer::open(Verb::Cancel, Risk::Medium),
    };
    let rerun = match again::one_that_failed(wire) {
        _ if wire.stages.is_none() || !wire.jobs().any(|(_, job)| again::can_run_again(job)) => Offer::blocked(
            Verb::Rerun,
            risk,
            "no job of it has failed or has deployed, so there is nothing to run again",
        ),
        failed => Offer::open(Verb::Rerun, risk).asking(again::rerunning(failed.and_then(|job| job.id))),
    };
    let skip = if ended || wire.stages.is_none() {
        Offer::blocked(Verb::Skip, risk, "a run that has ended has no job that could be left out")
    } else {
        Offer::open(Verb::Skip, risk).asking(again::naming())
    };
    let play = match wire.jobs().any(|(_, job)| is_manual(job)) {
        true if older => Offer::blocked(Verb::Play, risk, "the older API of Flow starts no jobs: use a token"),
        true => Offer::open(Verb::Play, risk).asking(again::naming()),
        false => Offer::blocked(Verb::Play, risk, "no job of it waits to be started by hand"),
    };
    let branch = wire.source().and_then(api::Source::branch);
    let dispatch = Offer::open(Verb::Dispatch, risk).asking(again::dispatching(branch.as_deref()));
    vec![cancel, rerun, skip, play, dispatch]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_word_has_one_meaning_in_any_letters_and_in_chinese_and_an_unknown_one_is_unknown() {
        let table = [
            ("INIT Queued Pending 待部署", RunStatus::Queued),
            ("RUNNING Running 运行中", RunStatus::Running),
            ("WAITING Waiting 等待中", RunStatus::Waiting),
            ("SUCCESS Success 成功", RunStatus::Succeeded),
            ("FAIL Failed 失败", RunStatus::Failed),
            ("CANCELED Cancelled 已取消", RunStatus::Cancelled),
            ("SKIP Skipped 已跳过", RunStatus::Skipped),
            ("NEW_WORD 某状态", RunStatus::Unknown),
        ];
        for (words, wanted) in table {
            for word in words.split(' ') {
                assert_eq!(state(Some(word)), wanted, "{word}");
            }
        }
        assert_eq!(state(None), RunStatus::Unknown);
    }

    #[test]
    fn an_action_that_passes_it_is_the_proof_that_a_job_waits_whatever_its_state_is_called() {
        let job = |status: &str, disable: bool| {
            let actions = json!([{"type": "PassPipelineValidate", "disable": disable}]);
            serde_json::from_value::<api::Job>(json!({"id": 1, "status": status, "actions": actions})).unwrap()
        };
        for word in ["RUNNING", "INIT", "某状态", "WAITING"] {
            assert_eq!(
                (job_state(&job(word, false)), job_state(&job(word, true))),
                (RunStatus::Waiting, RunStatus::Waiting)
            );
        }
        assert_eq!(job_state(&job("SUCCESS", true)), RunStatus::Succeeded);
    }

    #[test]
    fn a_run_that_waits_beside_a_job_that_runs_runs() {
        let run = |words: &[&str]| {
            let jobs: Vec<_> = words.iter().map(|word| json!({"id": 1, "status": word})).collect();
            let wire = json!({"status": "RUNNING", "stages": [{"name": "s", "stageInfo": {"jobs": jobs}}]});
            status(&serde_json::from_str(&wire.to_string()).unwrap())
        };
        assert_eq!(run(&["SUCCESS", "WAITING", "INIT"]), RunStatus::Waiting);
        assert_eq!(run(&["WAITING", "RUNNING"]), RunStatus::Running);
        assert_eq!(run(&["INIT"]), RunStatus::Running);
    }

    #[test]
    fn a_run_goes_by_its_tag_and_commit_and_one_of_no_code_by_itself() {
        let source = |data| serde_json::from_value::<api::Source>(json!({"data": data})).unwrap();
        let tagged = source(json!({"branch": "v1.4.2", "commint": "{\"commitId\":\"c0ffee1234\"}"}));
        assert_eq!(version(None, Some(&tagged), 41).to_string(), "1.4.2 (c0ffee1)");
        assert_eq!(version(None, None, 41).to_string(), "run 41");
    }
}
