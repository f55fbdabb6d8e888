//! How an earlier version comes back: the job that deployed it runs again, with what its run built then. What is live is the newest of a
//! job's records that ended well; a roll back is bound to it. From the run that is live, and from one whose deployment stopped half way,
//! the way leads to the version before; an older run puts itself back.
//!
//! Flow has no roll back of its own. That the job of an older run runs again under its own id is what its documents say of `rerun`; it was
//! never seen.

use std::time::Duration;

use crate::{
    domain::{
        form::{Field, Kind},
        ids::Person,
        offer::{Offer, Risk},
        pipeline::RunStatus,
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    port::{
        fill::{Fill, Slot, Supply},
        plan::{Ask, Blocked, Draft, Expect, Expectation, Facts, WireCall},
        step::{Step, Watch},
    },
    provider::flow::{
        Pipeline,
        address::Address,
        again::{About, THE_JOB, THE_RUN},
        api,
        call::RERUN_JOB,
        fact as own,
        normalize::state,
        request::Door,
    },
};

/// The field that says which job deploys, of a run that deployed by several.
const DEPLOY: &str = "deploy_job";
/// How long the job that deploys may take.
const DEPLOYED: Duration = Duration::from_mins(30);
/// Records that a card lists.
const LISTED: usize = 5;

/// One time that a job deployed, or tried to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deployed {
    /// By what Flow tells the job from others of its pipeline.
    pub(super) identifier: String,
    /// What it is called.
    pub(super) name: String,
    pub(super) run: u64,
    pub(super) job: u64,
    /// The how manyth time it ran, where Flow counts.
    pub(super) number: Option<u64>,
    pub(super) version: Version,
    pub(super) status: RunStatus,
    pub(super) who: Option<Person>,
    pub(super) when: Option<Timestamp>,
    pub(super) artifact: Option<String>,
    pub(super) script: Option<String>,
}

impl Deployed {
    /// What tells this record from every other.
    pub(super) fn key(&self) -> String {
        key(self.number, self.run, self.job)
    }

    /// `1.4.1 (c0ffee1), run 40, by dana, 2026-03-09 08:00 UTC, artifact checkout.tgz, script deploy.sh`.
    pub(super) fn line(&self) -> String {
        let who = self.who.as_ref().map(|who| format!("by {who}"));
        let when = self.when.map(|when| when.format("%Y-%m-%d %H:%M UTC").to_string());
        let artifact = self.artifact.as_ref().map(|artifact| format!("artifact {artifact}"));
        let script = self.script.as_ref().map(|script| format!("script {script}"));
        let all = [Some(self.version.to_string()), Some(format!("run {}", self.run)), who, when, artifact, script];
        all.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn is_called(&self, name: &str) -> bool {
        self.version.is_called(name) || name.trim_start_matches('#') == self.run.to_string()
    }
}

fn key(number: Option<u64>, run: u64, job: u64) -> String {
    number.map_or_else(|| format!("run {run} job {job}"), |number| number.to_string())
}

/// One way back from a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// What is live, by the job's records.
    pub(super) live: Deployed,
    /// What the run itself has brought there, if it is not that.
    pub(super) half: Option<Deployed>,
    /// What another run has brought to a part of it since, without getting through.
    pub(super) beside: Option<Deployed>,
    /// Its own deployment is under way: that is stopped first.
    pub(super) moves: bool,
    /// What there is to go back to, the default first.
    pub(super) to: Vec<Deployed>,
}

/// The ways back from a run. `records` are those of all deploy jobs, of each the newest first.
pub(super) fn ways(records: &[Deployed], run: u64) -> Vec<Way> {
    let mut identifiers: Vec<&str> = Vec::new();
    for record in records {
        if !identifiers.contains(&record.identifier.as_str()) {
            identifiers.push(&record.identifier);
        }
    }
    identifiers.into_iter().filter_map(|identifier| way(records, identifier, run)).collect()
}

fn way(records: &[Deployed], identifier: &str, run: u64) -> Option<Way> {
    let its: Vec<&Deployed> = records.iter().filter(|record| record.identifier == identifier).collect();
    let good = its.iter().filter(|record| record.status == RunStatus::Succeeded);
    let live = *good.clone().next()?;
    let own = its.iter().find(|record| record.run == run)?;
    // Each version once, by the newest that brought it.
    let mut known: Vec<&Deployed> = Vec::new();
    for record in good {
        if !known.iter().any(|one| one.version.is_same(&record.version) || one.run == record.run) {
            known.push(record);
        }
    }
    // What began at no known moment could not be told from what begins again.
    known.retain(|record| record.when.is_some() || record.run == live.run);
    let place = |wanted: &Deployed| its.iter().position(|record| *record == wanted);
    let ended = own.status.ended() && own.status != RunStatus::Succeeded;
    let half = (ended && place(own) < place(live)).then(|| (**own).clone());
    // What was stopped or failed half way after what is live stands beside it, from whichever record one looks.
    let mut since = its.iter().take_while(|record| **record != live);
    let beside = since.find(|record| record.status != RunStatus::Succeeded && record.run != own.run);
    let beside = beside.map(|record| (**record).clone());
    let to: Vec<Deployed> = if own.run == live.run {
        known.into_iter().filter(|record| record.run != live.run).cloned().collect()
    } else if half.is_some() {
        known.into_iter().filter(|record| record.when.is_some()).cloned().collect()
    } else if own.status == RunStatus::Succeeded && own.when.is_some() && !own.version.is_same(&live.version) {
        vec![(**own).clone()]
    } else {
        Vec::new()
    };
    Some(Way { live: live.clone(), half, beside, moves: !own.status.ended(), to })
}

/// What of a roll back is offered on a run; `ways` may say why its records are not known.
pub(super) fn offer(settings: &Pipeline, ways: Result<&[Way], &str>, door: &Door) -> Offer {
    let (ways, unread) = match ways {
        Ok(ways) => (ways, None),
        Err(why) => (&[][..], Some(why)),
    };
    let risk = |way: &Way| settings.environment(&way.live.name, "").risk;
    let worst = ways.iter().map(risk).max().unwrap_or(Risk::High);
    let blocked = |why: &str| Offer::blocked(Verb::Rollback, worst, why);
    if door.is_older() {
        return blocked(
            "the older API of Flow runs no deploy job again: use a token, or begin a run of the earlier version",
        );
    }
    if let Some(why) = unread {
        return blocked(why);
    }
    let open: Vec<&Way> = ways.iter().filter(|way| !way.to.is_empty()).collect();
    if ways.is_empty() {
        return blocked("no record says that it has deployed anything, so there is nothing to take back");
    }
    if open.is_empty() && ways.iter().any(|way| way.moves) {
        return blocked("its deployment is under way: stop it, and then roll back");
    }
    if open.is_empty() {
        return blocked("Flow has no record of another version that it could be put back to");
    }
    let names: Vec<String> = open.iter().map(|way| way.live.name.clone()).collect();
    // Where there is one job only, nobody has to say which.
    let choice = (names.len() > 1).then(|| Field::new(DEPLOY, "deploy job", Kind::Choice(names)).required());
    Offer::open(Verb::Rollback, worst).asking(choice.into_iter().collect())
}

/// The draft: the job of an earlier run deploys again, as long as what is live is what was seen.
pub(super) fn draft(about: &About<'_>, ask: &Ask, ways: &[Way]) -> Result<Draft, Blocked> {
    let chosen = ask.args.text(DEPLOY);
    let mut open = ways.iter().filter(|way| !way.to.is_empty());
    let way = open.find(|way| chosen.is_none_or(|name| name == way.live.name));
    let way = way.ok_or_else(|| Blocked(format!("nothing is known to go back to from {}", about.name)))?;
    let to = match ask.to() {
        None => way.to.first(),
        Some(name) => way.to.iter().find(|one| one.is_called(name)),
    };
    let to = to.ok_or_else(|| {
        let known: Vec<String> = way.to.iter().map(|one| format!("{} (run {})", one.version, one.run)).collect();
        let name = ask.to().unwrap_or_default();
        Blocked(format!("{} has no record of {name}: it has {}", way.live.name, known.join(", ")))
    })?;
    let (source, pipeline) = (&about.run.id.source, about.at.pipeline);
    let id = pipeline.to_string();
    let path = about.door.on_job(RERUN_JOB, (&id, THE_RUN), THE_JOB);
    let words = format!("run {} of run {} again, which deployed {}", way.live.name, to.run, to.version);
    let plain = about.door.call(RERUN_JOB, words, path, about.base);
    let said = [(to.run.to_string(), "run"), (to.job.to_string(), "job")];
    let command = plain.command.replace(THE_RUN, &to.run.to_string()).replace(THE_JOB, &to.job.to_string());
    let fills = said.map(|(value, name)| Fill { from: Supply::Said(value), into: Slot::Path(name.to_owned()) }).into();
    let call = WireCall { fills, command, ..plain };
    let bound =
        Facts::from([(own::LIVE.to_owned(), way.live.run.to_string()), (own::RECORD.to_owned(), way.live.key())]);
    let place = Address::deploy_id(source, pipeline, &way.live.identifier);
    let watched = Watch::Made(Address::job_id(source, pipeline, to.run, to.job));
    let step = Step { bound, ..Step::new(&place, call).watching(watched) };
    let began = to.when.map_or(0, |when| when.timestamp_millis());
    let expect = Expectation {
        all: vec![Expect::is_not(own::JOB_BEGAN, began), Expect::is(own::JOB_IS, RunStatus::Succeeded)],
        fails_if: [RunStatus::Failed, RunStatus::Cancelled].map(|state| Expect::is(own::JOB_IS, state)).to_vec(),
        // A deployment to hosts may pause between batches again.
        rests: vec![Expect::is(own::PAUSED, true)],
        words: Some(format!("{} is deployed by {}", to.version, way.live.name)),
        within: DEPLOYED,
        ..Expectation::default()
    };
    let from = way.half.as_ref().unwrap_or(&way.live);
    let effect = format!("{} goes back to {}: it runs again as in run {}", way.live.name, to.version, to.run);
    let mut notes = vec![
        "it takes what that run built then: where it is not kept any more, the job fails".to_owned(),
        "a deployment to hosts goes batch by batch again, and may pause between them".to_owned(),
    ];
    if way.half.is_some() {
        notes.insert(
            0,
            format!(
                "{} is on some machines, {} on the others: all of them get {}",
                from.version, way.live.version, to.version
            ),
        );
    }
    if let Some(beside) = &way.beside {
        let what =
            format!("{} of run {} may be on some machines: all of them get {}", beside.version, beside.run, to.version);
        notes.insert(0, what);
    }
    notes.extend(way.to.iter().take(LISTED).map(|record| format!("record: {}", record.line())));
    let plain = Draft::of(&about.run.id, WireCall::default(), effect, about.bound.clone(), expect);
    Ok(Draft {
        from: Some(from.version.clone()),
        to: Some(to.version.clone()),
        steps: vec![step],
        undo: format!("roll back again: to {}", from.version),
        notes,
        ..plain
    })
}

/// The facts of what is live by a job, of its records, the newest first.
pub(super) fn live_facts(records: &[api::Record]) -> Facts {
    let good = |record: &&api::Record| state(record.status.as_deref()) == RunStatus::Succeeded;
    let Some(live) = records.iter().find(good) else { return Facts::new() };
    let (Some(run), Some(job)) = (live.pipeline_run_id, live.job_id) else { return Facts::new() };
    Facts::from([(own::LIVE.to_owned(), run.to_string()), (own::RECORD.to_owned(), key(live.execute_number, run, job))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployed(number: u64, run: u64, tag: &str, status: RunStatus) -> Deployed {
        Deployed {
            identifier: "10_1".into(),
            name: "主机部署".into(),
            run,
            job: run + 100,
            number: Some(number),
            version: Version::of_ref(tag),
            status,
            who: None,
            when: Timestamp::from_timestamp(i64::try_from(number).unwrap(), 0),
            artifact: None,
            script: None,
        }
    }

    #[test]
    fn the_way_back_leads_to_the_version_before_from_what_is_live_and_from_half_of_one() {
        use RunStatus::{Cancelled, Running, Succeeded};
        let all = |newest| {
            vec![
                deployed(6, 43, "v1.4.3", newest),
                deployed(5, 42, "v1.4.2", Succeeded),
                deployed(4, 41, "v1.4.1", Cancelled),
                deployed(3, 40, "v1.4.0", Succeeded),
                deployed(2, 39, "v1.4.2", Succeeded),
            ]
        };
        let to = |records: &[Deployed], run: u64| {
            let way = ways(records, run).pop().unwrap();
            (way.half.map(|half| half.run), way.to.iter().map(|one| one.run).collect::<Vec<_>>())
        };
        let stopped = all(Cancelled);
        assert_eq!(to(&stopped, 43), (Some(43), vec![42, 40]));
        assert_eq!(to(&stopped, 42), (None, vec![40]));
        let beside = |run| ways(&stopped, run).pop().unwrap().beside.map(|beside| beside.run);
        assert_eq!(
            [43, 42, 40].map(beside),
            [None, Some(43), Some(43)],
            "it is on some machines, wherever one looks from"
        );
        assert_eq!(to(&stopped, 41), (None, vec![]), "it stopped, and another one came after it");
        assert_eq!(to(&stopped, 40), (None, vec![40]), "an older run puts itself back");
        assert_eq!(to(&stopped, 39), (None, vec![]), "its version is live");
        assert_eq!(to(&all(Running), 43), (None, vec![]), "it is on its way");
        assert!(ways(&all(Running), 43)[0].moves, "and is stopped first");
        assert_eq!(ways(&stopped, 7), []);
    }
}
