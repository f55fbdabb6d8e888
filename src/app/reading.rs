//! Where somebody is in a run: which of its nodes is chosen, whose log that shows, and where in that log they are. What a run has and
//! what its logs say stands in the store.

use crate::{
    app::{
        model::{Model, Screen},
        pane::Pane,
        store::inside::Log,
    },
    domain::{
        form::Value,
        line::Level,
        log::Line,
        object::ObjectId,
        offer::offer_for,
        pipeline::{LogRef, Node, RunStatus, rows},
    },
    port::plan::Ask,
};

/// A node of a tree, known by the names above it and its own; several that are called so are told apart by their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeKey {
    path: Vec<String>,
    nth: usize,
}

/// Where somebody is in the run that is on screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Which run; one that is opened anew is read from the start.
    run: Option<ObjectId>,
    /// The node that was chosen, if somebody chose one.
    chosen: Option<NodeKey>,
    /// Where they are in the log.
    pub pane: Pane,
    /// Lines of it that are at least so bad.
    pub level: Option<Level>,
}

/// A row of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow<'a> {
    /// By what it is known.
    pub key: NodeKey,
    /// How deep it stands.
    pub depth: usize,
    /// The node.
    pub node: &'a Node,
    /// The log that it shows: its own, or that of the job that it is a step of.
    pub log: Option<&'a LogRef>,
}

/// The rows of the run's tree, from the top; none where it was not read.
pub fn node_rows<'a>(model: &'a Model, run: &ObjectId) -> Vec<NodeRow<'a>> {
    let nodes = model.store.inside.tree(run).and_then(|tree| tree.nodes.as_deref()).unwrap_or_default();
    let (mut path, mut logs): (Vec<String>, Vec<Option<&LogRef>>) = (Vec::new(), Vec::new());
    let mut all: Vec<NodeRow<'a>> = Vec::new();
    for (depth, node) in rows(nodes) {
        path.truncate(depth);
        logs.truncate(depth);
        let above = logs.last().copied().flatten();
        path.push(node.name.clone());
        logs.push(node.log.as_ref().or(above));
        let nth = all.iter().filter(|row| row.key.path == path).count();
        let key = NodeKey { path: path.clone(), nth };
        all.push(NodeRow { key, depth, node, log: logs.last().copied().flatten() });
    }
    all
}

/// The field in which a verb of a run takes the job that it is about.
const JOB: &str = "job";

/// Lines that a run's screen has besides those of its log: title, rules, path, what is new, heading, status bar, footer.
const AROUND: usize = 9;

/// Lines of the log that there is room for on a screen with so many rows.
pub fn log_room(rows: u16) -> usize {
    usize::from(rows).saturating_sub(AROUND).max(1)
}

impl Reading {
    /// Begins with a run, if it is another one than before.
    pub fn open(&mut self, run: &ObjectId) {
        if self.run.as_ref() != Some(run) {
            *self = Self { run: Some(run.clone()), ..Self::default() };
        }
    }

    /// The place of the chosen node among the rows; where nobody chose one, of the first job that failed, else of one that runs or
    /// waits, else of the first.
    pub fn at(&self, rows: &[NodeRow<'_>]) -> usize {
        let chosen = self.chosen.as_ref().and_then(|key| rows.iter().position(|row| row.key == *key));
        let telling =
            |wanted: fn(&Node) -> bool| rows.iter().position(|row| row.node.log.is_some() && wanted(row.node));
        chosen
            .or_else(|| telling(|node| node.status.is_failure()))
            .or_else(|| telling(|node| node.status.state == RunStatus::Running))
            .or_else(|| rows.iter().position(|row| row.node.status.state == RunStatus::Waiting))
            .unwrap_or_default()
    }

    /// The next of the levels: everything, what may be wrong, what went wrong.
    pub fn turn_level(&mut self) {
        self.level = Level::next_least(self.level);
        self.pane.renew();
    }

    /// Chooses a row. Another log is read from its end.
    pub fn choose(&mut self, rows: &[NodeRow<'_>], place: usize) {
        let before = rows.get(self.at(rows)).and_then(|row| row.log);
        let Some(row) = rows.get(place) else { return };
        if row.log != before {
            self.pane.renew();
        }
        self.chosen = Some(row.key.clone());
    }
}

/// The log that the run on screen shows.
pub fn shown_log(model: &Model, run: &ObjectId) -> Option<LogRef> {
    let rows = node_rows(model, run);
    rows.get(model.reading.at(&rows)).and_then(|row| row.log.cloned())
}

/// The ask with the job that is chosen on the run's screen, where its verb takes one.
pub fn asked(model: &Model, ask: Ask) -> Ask {
    let here = matches!(model.nav.screen(), Screen::Run(id) if *id == ask.target);
    let offer = model.store.run(&ask.target).and_then(|run| offer_for(&run.offers, ask.verb));
    let takes = offer.is_some_and(|offer| offer.form.iter().any(|field| field.name == JOB));
    match shown_log(model, &ask.target).filter(|_| here && takes) {
        Some(job) => Ask { args: ask.args.clone().with(JOB, Value::Text(job.as_str().to_owned())), ..ask },
        None => ask,
    }
}

/// The same, as far as it was read.
pub fn log<'a>(model: &'a Model, run: &ObjectId) -> Option<&'a Log> {
    model.store.inside.log(run, &shown_log(model, run)?)
}

/// The lines of it that are shown.
pub fn lines<'a>(model: &'a Model, run: &ObjectId) -> Vec<&'a Line> {
    log(model, run).map(|log| log.at_least(model.reading.level)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::sample::{now, seeing},
        domain::pipeline::{NodeKind, Status},
    };

    fn job(name: &str, state: RunStatus) -> Node {
        let step = Node::new(NodeKind::Step, "run", Status::said(state, ""));
        let log = Some(LogRef::new(name));
        Node { log, nodes: vec![step], ..Node::new(NodeKind::Job, name, Status::said(state, "")) }
    }

    fn reading(nodes: Vec<Node>) -> (Model, ObjectId) {
        let mut model = seeing(Vec::new());
        let run = ObjectId::new(&"forge".into(), "run", "acme/ledger/1");
        model.store.inside.take_tree(&run, now(), Ok(nodes));
        model.reading.open(&run);
        (model, run)
    }

    #[test]
    fn the_log_of_what_failed_is_shown_first_and_a_step_shows_that_of_its_job() {
        let nodes = vec![job("build", RunStatus::Succeeded), Node::stage("test", vec![job("unit", RunStatus::Failed)])];
        let (mut model, run) = reading(nodes.clone());
        assert_eq!(shown_log(&model, &run), Some(LogRef::new("unit")));
        let rows = node_rows(&model, &run);
        let shown: Vec<_> =
            rows.iter().map(|row| (row.depth, row.node.name.as_str(), row.log.map(LogRef::as_str))).collect();
        assert_eq!(
            shown,
            [
                (0, "build", Some("build")),
                (1, "run", Some("build")),
                (0, "test", None),
                (1, "unit", Some("unit")),
                (2, "run", Some("unit")),
            ]
        );
        let mut chosen = model.reading.clone();
        chosen.choose(&rows, 1);
        model.reading = chosen;
        assert_eq!(shown_log(&model, &run), Some(LogRef::new("build")));
        // A job that comes in before it does not take its place.
        model.store.inside.take_tree(&run, now(), Ok([vec![job("lint", RunStatus::Running)], nodes].concat()));
        assert_eq!(shown_log(&model, &run), Some(LogRef::new("build")));
        model.reading.open(&ObjectId::new(&"forge".into(), "run", "acme/ledger/2"));
        assert_eq!(model.reading.chosen, None);
    }

    #[test]
    fn of_two_nodes_with_one_name_each_can_be_chosen() {
        let (mut model, run) = reading(vec![job("unit", RunStatus::Succeeded), job("unit", RunStatus::Succeeded)]);
        let rows = node_rows(&model, &run);
        let mut reading = model.reading.clone();
        reading.choose(&rows, 2);
        assert_eq!(reading.at(&rows), 2);
        reading.choose(&rows, 3);
        assert_eq!(reading.at(&rows), 3);
        model.reading = reading;
        assert_eq!(log(&model, &run), None);
    }
}
