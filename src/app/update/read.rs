//! Reading a run: the nodes of its tree, and the log beside it. Nothing here leads to a call.

use crate::{
    app::{
        intent::Intent,
        model::{Model, Screen},
        pane::contains,
        reading::{self, log_room, node_rows},
    },
    domain::object::ObjectId,
};

/// The pane of the tree, and that of the log.
const TREE: usize = 0;
const LOG: usize = 1;

/// The run on screen, where nothing lies over it.
fn run(model: &Model) -> Option<ObjectId> {
    match model.nav.screen() {
        Screen::Run(id) if model.nav.overlay.is_none() => Some(id.clone()),
        _ => None,
    }
}

/// Begins with the run on screen, if it is another one than before.
pub(super) fn open(model: &mut Model) {
    if let Screen::Run(id) = model.nav.screen() {
        let id = id.clone();
        model.reading.open(&id);
    }
}

/// Takes an intent that means something else in a run than elsewhere; false where it does not.
pub(super) fn intent(model: &mut Model, intent: Intent) -> bool {
    let Some(run) = run(model) else { return false };
    let page = isize::try_from(log_room(model.size.1).saturating_sub(1).max(1)).unwrap_or(isize::MAX);
    let in_log = model.nav.pane == LOG;
    match intent {
        Intent::Section => model.nav.pane = if in_log { TREE } else { LOG },
        Intent::Open if !in_log => go_on(model, &run),
        Intent::Down if in_log => scroll(model, &run, 1),
        Intent::Up if in_log => scroll(model, &run, -1),
        Intent::PageDown if in_log => scroll(model, &run, page),
        Intent::PageUp if in_log => scroll(model, &run, -page),
        Intent::HalfDown if in_log => scroll(model, &run, page / 2),
        Intent::HalfUp if in_log => scroll(model, &run, -(page / 2)),
        Intent::Top if in_log => model.reading.pane.begin(),
        Intent::Bottom if in_log => model.reading.pane.end(),
        Intent::Down => step(model, &run, 1),
        Intent::Up => step(model, &run, -1),
        Intent::PageDown => step(model, &run, page),
        Intent::PageUp => step(model, &run, -page),
        Intent::HalfDown => step(model, &run, page / 2),
        Intent::HalfUp => step(model, &run, -(page / 2)),
        Intent::Top => step(model, &run, isize::MIN),
        Intent::Bottom => step(model, &run, isize::MAX),
        Intent::Logs => model.nav.pane = LOG,
        Intent::Filter => {
            model.nav.pane = LOG;
            model.reading.pane.begin_search();
        }
        Intent::FindNext => find(model, &run, false),
        Intent::FindBefore => find(model, &run, true),
        Intent::Follow => follow(model, &run),
        Intent::Level => {
            model.nav.pane = LOG;
            model.reading.turn_level();
        }
        Intent::Send if model.reading.pane.typing => {
            model.reading.pane.typing = false;
            find(model, &run, false);
        }
        Intent::Erase if model.reading.pane.typing => {
            model.reading.pane.search.pop();
        }
        Intent::Back if model.reading.pane.typing || !model.reading.pane.search.is_empty() => {
            model.reading.pane.search.clear();
            model.reading.pane.typing = false;
        }
        Intent::Back if in_log => model.nav.pane = TREE,
        _ => return false,
    }
    true
}

/// Takes a character of what is looked for; false where nothing is.
pub(super) fn typed(model: &mut Model, c: char) -> bool {
    run(model).is_some() && model.reading.pane.typed(c)
}

/// Opens the run that a node began, or goes on to the log of the node.
fn go_on(model: &mut Model, run: &ObjectId) {
    let rows = node_rows(model, run);
    let Some(row) = rows.get(model.reading.at(&rows)) else { return };
    let child = row.node.run.clone();
    let (log, words) = (row.log.is_some(), row.node.status.words());
    match child {
        Some(child) if model.store.run(&child).is_some() => {
            model.nav.open(Screen::Run(child));
        }
        Some(child) => {
            model.say(format!("{child} is not looked at: the configuration does not name it, or it is too old"));
        }
        None if log => model.nav.pane = LOG,
        None => model.say(format!("it has no log: it is {words}")),
    }
}

fn step(model: &mut Model, run: &ObjectId, by: isize) {
    let mut reading = std::mem::take(&mut model.reading);
    let rows = node_rows(model, run);
    let place = reading.at(&rows).saturating_add_signed(by).min(rows.len().saturating_sub(1));
    reading.choose(&rows, place);
    model.reading = reading;
    model.notice = None;
}

/// How many lines the log has, and for how many there is room.
fn extent(model: &Model, run: &ObjectId) -> (usize, usize) {
    (reading::lines(model, run).len(), log_room(model.size.1))
}

fn scroll(model: &mut Model, run: &ObjectId, by: isize) {
    let extent = extent(model, run);
    model.reading.pane.scroll(extent, by);
}

fn follow(model: &mut Model, run: &ObjectId) {
    let (lines, rows) = extent(model, run);
    model.nav.pane = LOG;
    model.reading.pane.follow(lines, rows);
    let over = reading::log(model, run).is_some_and(|log| log.over);
    if over && model.reading.pane.follows() {
        model.say("this is its end: the job has ended, nothing is added");
    }
}

/// Goes to the next line that holds what is looked for; where nothing is, to the next one about what went wrong.
fn find(model: &mut Model, run: &ObjectId, back: bool) {
    let extent = extent(model, run);
    let mut pane = std::mem::take(&mut model.reading.pane);
    let search = pane.search.clone();
    let lines = reading::lines(model, run);
    let wanted = |place: usize| {
        lines
            .get(place)
            .is_some_and(|line| if search.is_empty() { line.is_trouble() } else { contains(&line.text, &search) })
    };
    let found = pane.find(extent, wanted, back);
    model.reading.pane = pane;
    model.nav.pane = LOG;
    if !found {
        let cut = reading::log(model, run).is_some_and(|log| log.cut);
        let within = if cut { format!(" in its last {} lines", extent.0) } else { String::new() };
        model.say(match search.as_str() {
            _ if extent.0 == 0 => "there are no lines here".to_owned(),
            "" => format!("no line reads like an error{within}"),
            search => format!("no line contains '{search}'{within}"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            drawn::Drawn,
            msg::Msg,
            sample::{self, hears, now, seeing, source},
            update::update,
            wants::wants,
        },
        domain::{
            item::Noun,
            log::Line,
            object::Family,
            pipeline::{LogRef, Node, NodeKind, Run, RunStatus, Status},
            version::Version,
        },
        port::{
            inventory::Part,
            lookup::{LogPiece, Question, Told},
        },
    };

    fn id() -> ObjectId {
        ObjectId::new(&"forge".into(), "run", "acme/ledger/7")
    }

    fn run_in(status: RunStatus) -> Run {
        Run { id: id(), service: "ledger".into(), version: Version::tagged("main"), status, ..sample::run() }
    }

    /// A run on screen with two jobs, of which the second failed.
    fn reading(status: RunStatus) -> Model {
        let mut session = seeing(Vec::new()).session;
        session.sources.push(source("forge", &[("run", Noun::Run)], 30));
        let mut model = Model::new(session, now(), (120, 36));
        hears(&mut model, ("forge", "run"), now(), Ok(vec![Part::whole(Family::run(), [run_in(status)])]));
        model.nav.open(Screen::Run(id()));
        let drawn = Drawn::whole(&model);
        update(&mut model, Msg::Drawn(drawn));
        let job = |name: &str, state| Node {
            log: Some(LogRef::new(name)),
            ..Node::new(NodeKind::Job, name, Status::said(state, ""))
        };
        let nodes = vec![job("build", RunStatus::Succeeded), job("unit", RunStatus::Failed)];
        told(&mut model, Question::Jobs { run: id() }, Told::Jobs(nodes));
        model
    }

    fn told(model: &mut Model, question: Question, told: Told) {
        update(model, Msg::Told { source: "forge".into(), at: now(), question, told: Ok(told) });
    }

    fn writes(model: &mut Model, log: &str, lines: &[&str], (goes_on, over): (bool, bool)) {
        let question = Question::Log { run: id(), log: LogRef::new(log), most: 9 };
        let lines = lines.iter().map(|text| Line::plain(text)).collect();
        told(model, question, Told::Log(LogPiece { lines, goes_on, cut: false, over }));
    }

    fn press(model: &mut Model, intents: &[Intent]) {
        for intent in intents {
            let drawn = Drawn::whole(model);
            update(model, Msg::Drawn(drawn));
            update(model, Msg::Intent(*intent));
        }
    }

    fn asked(model: &Model) -> Vec<String> {
        let one = |question: &Question| match question {
            Question::Jobs { .. } => "jobs".to_owned(),
            Question::Log { log, .. } => log.as_str().to_owned(),
            other => format!("{other:?}"),
        };
        let questions = wants(model).questions;
        questions.iter().filter(|(source, _)| source.as_str() == "forge").map(|(_, question)| one(question)).collect()
    }

    #[test]
    fn only_what_is_on_screen_is_asked_for_and_nothing_that_cannot_change_any_more() {
        let mut model = reading(RunStatus::Running);
        assert_eq!(asked(&model), ["jobs", "unit"]);
        press(&mut model, &[Intent::Up]);
        assert_eq!(asked(&model), ["jobs", "build"]);
        writes(&mut model, "build", &["done"], (false, true));
        assert_eq!(asked(&model), ["jobs"], "that log is over");
        press(&mut model, &[Intent::Back]);
        assert_eq!(asked(&model), [""; 0]);
        let model = reading(RunStatus::Failed);
        assert_eq!(asked(&model), ["unit"], "its tree was read after it had ended");
    }

    #[test]
    fn tab_goes_to_the_log_where_keys_move_the_text_and_back_to_the_tree() {
        let mut model = reading(RunStatus::Running);
        let lines: Vec<String> = (0..100).map(|line| format!("line {line}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        writes(&mut model, "unit", &lines, (false, false));
        let top = |model: &Model| model.reading.pane.window(100, log_room(36)).start;
        assert_eq!(top(&model), 73);
        press(&mut model, &[Intent::Section, Intent::Up, Intent::PageUp]);
        assert_eq!((model.nav.pane, top(&model), model.reading.pane.follows()), (LOG, 46, false));
        press(&mut model, &[Intent::Follow]);
        assert_eq!((top(&model), model.reading.pane.follows()), (73, true));
        press(&mut model, &[Intent::Back]);
        assert_eq!((model.nav.pane, model.nav.screen()), (TREE, &Screen::Run(id())));
    }

    #[test]
    fn of_a_log_only_what_may_be_wrong_or_went_wrong_is_shown_where_somebody_wants_that() {
        let mut model = reading(RunStatus::Failed);
        writes(&mut model, "unit", &["compile", "1 test failed", "link"], (false, false));
        let shown = |model: &Model| -> Vec<String> {
            reading::lines(model, &id()).iter().map(|line| line.text.clone()).collect()
        };
        assert_eq!(shown(&model).len(), 3);
        press(&mut model, &[Intent::Level]);
        assert_eq!((model.nav.pane, shown(&model)), (LOG, vec!["1 test failed".to_owned()]));
        writes(&mut model, "unit", &["error: no such vault", "done"], (true, true));
        press(&mut model, &[Intent::FindNext]);
        assert_eq!((shown(&model).len(), model.reading.pane.found()), (2, Some(0)));
        press(&mut model, &[Intent::Level, Intent::Level]);
        assert_eq!((shown(&model).len(), model.reading.pane.found()), (5, None));
    }

    #[test]
    fn what_is_looked_for_is_typed_found_and_left_again_and_without_it_errors_are_found() {
        let mut model = reading(RunStatus::Failed);
        writes(&mut model, "unit", &["compile", "error: no such vault", "vault again"], (false, true));
        press(&mut model, &[Intent::FindNext]);
        assert_eq!(model.reading.pane.found(), Some(1));
        press(&mut model, &[Intent::Filter]);
        assert!(model.is_typing());
        for c in "AGAIN".chars() {
            update(&mut model, Msg::Typed(c));
        }
        press(&mut model, &[Intent::Erase, Intent::Send]);
        assert_eq!((model.reading.pane.search.as_str(), model.reading.pane.found()), ("AGAI", Some(2)));
        assert!(!model.is_typing());
        press(&mut model, &[Intent::Back, Intent::FindNext]);
        assert_eq!((model.reading.pane.search.as_str(), model.reading.pane.found()), ("", Some(1)));
        writes(&mut model, "unit", &["calm"], (false, true));
        press(&mut model, &[Intent::FindNext]);
        assert_eq!(model.notice.as_ref().unwrap().text, "no line reads like an error");
    }
}
