//! The tree of a run: its stages, their jobs, the steps of those that were asked for, the machines of a deployment to hosts, and what
//! was deployed before by the same job, each of which leads to its run.

use crate::{
    domain::{
        ids::SourceName,
        pipeline::{LogRef, Node, NodeKind, RunStatus, Status},
        text::clean,
    },
    port::fill::is_part,
    provider::flow::{
        address::Address,
        api,
        back::Deployed,
        normalize::{job_state, order_is, state},
    },
};

/// What a job is called.
pub(super) fn called(job: &api::Job) -> String {
    let name = job.name.as_deref().map(clean).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| job.id.map_or_else(|| "job".to_owned(), |id| format!("job {id}")))
}

/// Where a log is: of a job, of one of its steps, of a machine of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A job's: `111`.
    Job(u64),
    /// A step's: `111.step-0-77`, with its index and its build.
    Step(u64, u64, u64),
    /// A machine's: `machine-9001-sn1`.
    Machine(u64, String),
}

impl Place {
    pub(super) fn reference(&self) -> LogRef {
        LogRef::new(match self {
            Self::Job(job) => job.to_string(),
            Self::Step(job, index, build) => format!("{job}.step-{index}-{build}"),
            Self::Machine(order, sn) => format!("machine-{order}-{sn}"),
        })
    }

    /// The place that a reference, or whoever typed one, names.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("machine-") {
            let (order, sn) = rest.split_once('-')?;
            return Some(Self::Machine(order.parse().ok()?, is_part(sn).then(|| sn.to_owned())?));
        }
        let Some((job, step)) = text.split_once(".step-") else { return Some(Self::Job(text.parse().ok()?)) };
        let (index, build) = step.split_once('-')?;
        Some(Self::Step(job.parse().ok()?, index.parse().ok()?, build.parse().ok()?))
    }
}

/// What is known of one job beside its run.
#[derive(Clone, Debug, Default)]
pub(super) struct Inside {
    pub(super) steps: Vec<api::Steps>,
    pub(super) order: Option<api::Order>,
    /// What it has deployed, newest first.
    pub(super) records: Vec<Deployed>,
}

/// The tree of a run; `inside` says what is known of each job.
pub(super) fn tree(
    (source, pipeline): (&SourceName, u64),
    run: &api::Run,
    inside: impl Fn(&api::Job) -> Inside,
) -> Vec<Node> {
    let stages = run.stages.iter().flat_map(|stages| &stages.read);
    stages
        .map(|stage| {
            let jobs: Vec<Node> = stage.jobs().iter().map(|job| node(source, pipeline, job, &inside(job))).collect();
            let plain = Node::stage(clean(stage.called()), jobs);
            let Some(info) = &stage.stage_info else { return plain };
            let told = state(info.status.as_deref());
            // What its jobs say goes before its own word: it runs while one of them waits for somebody.
            let word = info.status.as_deref().unwrap_or_default();
            let state = if plain.nodes.is_empty() { told } else { plain.status.state };
            let (started, ended) = (info.start_time.or(plain.started), info.end_time.or(plain.ended));
            let ended = ended.filter(|_| state.ended());
            Node { status: Status::said(state, word), started, ended, ..plain }
        })
        .collect()
}

fn node(source: &SourceName, pipeline: u64, job: &api::Job, inside: &Inside) -> Node {
    let (mut state, word) = (job_state(job), job.status.as_deref().unwrap_or_default());
    if state == RunStatus::Running && inside.order.as_ref().is_some_and(|order| order_is(order) == "paused") {
        state = RunStatus::Waiting;
    }
    let steps = inside.steps.iter().flat_map(|steps| self::steps(job, steps));
    let batches = inside.order.iter().flat_map(machines);
    let records = (!inside.records.is_empty()).then(|| history(source, pipeline, &inside.records));
    Node {
        started: job.start_time,
        ended: job.end_time,
        log: job.id.map(|id| Place::Job(id).reference()),
        nodes: steps.chain(batches).chain(records).collect(),
        ..Node::new(NodeKind::Job, called(job), Status::said(state, word))
    }
}

fn steps(job: &api::Job, steps: &api::Steps) -> Vec<Node> {
    let listed = steps.build_process_nodes.as_ref().filter(|listed| !listed.is_empty()).or(steps.listed.as_ref());
    let each = listed.into_iter().flat_map(|listed| &listed.read);
    each.map(|step| {
        let index = step.index.or(step.node_index);
        let log = job.id.zip(index).zip(steps.build_id).map(|((job, index), build)| Place::Step(job, index, build));
        let word = step.status.as_deref().unwrap_or_default();
        let state = match state(step.status.as_deref()) {
            RunStatus::Unknown if step.running == Some(true) => RunStatus::Running,
            state => state,
        };
        let name = step.name.as_deref().or(step.node_name.as_deref()).map(clean).filter(|name| !name.is_empty());
        Node {
            log: log.map(|place| place.reference()),
            ..Node::new(NodeKind::Step, name.unwrap_or_else(|| "step".to_owned()), Status::said(state, word))
        }
    })
    .collect()
}

/// The batches of a deployment to hosts, with their machines.
fn machines(order: &api::Order) -> Vec<Node> {
    let mut numbers: Vec<u64> = order.machines().iter().map(|machine| machine.batch_num.unwrap_or(1)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let total = order.total_batch.unwrap_or(numbers.len() as u64);
    let of_batch = |number: u64| {
        let its = order.machines().iter().filter(|machine| machine.batch_num.unwrap_or(1) == number);
        Node::stage(format!("batch {number} of {total}"), its.map(|machine| one(order, machine)).collect())
    };
    numbers.into_iter().map(of_batch).collect()
}

fn one(order: &api::Order, machine: &api::Machine) -> Node {
    let sn = machine.sn.as_deref().map(clean).unwrap_or_default();
    let ip = machine.ip.as_deref().map(clean).filter(|ip| !ip.is_empty());
    let reached = machine.client_status.as_deref() != Some("error");
    let name = match (ip, reached) {
        (Some(ip), true) => format!("{ip} ({sn})"),
        (Some(ip), false) => format!("{ip} ({sn}), not reached"),
        (None, _) => sn.clone(),
    };
    let log = order.deploy_order_id.filter(|_| is_part(&sn)).map(|order| Place::Machine(order, sn.clone()));
    let state = state(machine.status.as_deref());
    let begun = !matches!(state, RunStatus::Queued | RunStatus::Unknown);
    Node {
        started: machine.create_time.filter(|_| begun),
        ended: machine.update_time.filter(|_| state.ended()),
        runner: (!sn.is_empty()).then_some(sn),
        log: log.map(|place| place.reference()),
        ..Node::new(NodeKind::Step, name, Status::said(state, machine.status.as_deref().unwrap_or_default()))
    }
}

/// What the job has deployed, newest first: version, who, artifact and script, as far as Flow tells. Each leads to its run, where
/// `roll back` puts it back.
fn history(source: &SourceName, pipeline: u64, records: &[Deployed]) -> Node {
    let one = |record: &Deployed| Node {
        run: Some(Address::run_id(source, pipeline, record.run)),
        ..Node::new(NodeKind::Child, record.line(), Status::said(record.status, ""))
    };
    let nodes: Vec<Node> = records.iter().map(one).collect();
    let status = Status::said(RunStatus::Succeeded, "");
    Node { nodes, ..Node::new(NodeKind::Stage, "deploy records", status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_found_again_by_its_reference() {
        for place in [Place::Job(111), Place::Step(111, 0, 77), Place::Machine(9001, "sn-1".into())] {
            assert_eq!(Place::parse(place.reference().as_str()), Some(place));
        }
        for odd in ["", "x", "111.step-0", "machine-9001", "machine-9001-a/b", "machine-x-sn"] {
            assert_eq!(Place::parse(odd), None, "{odd}");
        }
    }
}
