//! A lookup as most tests want it: the only answer to one question.

#![allow(dead_code, reason = "not every test asks everything")]

use futures::{FutureExt, StreamExt, future::BoxFuture};
use holdshort::{
    domain::{
        ids::ServiceName,
        log::Line,
        object::ObjectId,
        pipeline::{LogRef, Node, NodeKind, rows},
        runners::Runners,
        setting::Settings,
        signal::ServiceSignals,
    },
    port::{
        error::ProviderError,
        facet::{Connection, Window},
        lookup::{Lookup, Question, Told},
    },
};

/// An answer of one kind.
type Only<'a, T> = BoxFuture<'a, Result<T, ProviderError>>;

pub(crate) trait Asking {
    fn jobs<'a>(&'a self, run: &'a ObjectId) -> Only<'a, Vec<Node>>;
    fn log<'a>(&'a self, run: &'a ObjectId, log: &'a LogRef, most: usize) -> Only<'a, Vec<Line>>;
    fn signals<'a>(&'a self, services: &'a [ServiceName], window: Window) -> Only<'a, Vec<ServiceSignals>>;
    fn settings<'a>(&'a self, service: &'a str, environment: &'a str) -> Only<'a, Settings>;
}

/// The jobs of a run by name, each with what is said of runners for it.
pub(crate) async fn waiting(connection: &Connection, run: &str) -> Vec<(String, Option<String>)> {
    let run = ObjectId::new(&connection.name, "run", run);
    let nodes = connection.lookups[0].jobs(&run).await.unwrap();
    let jobs = rows(&nodes).into_iter().filter(|(_, node)| node.kind == NodeKind::Job);
    jobs.map(|(_, node)| (node.name.clone(), node.runners.as_ref().map(Runners::words))).collect()
}

/// The same as it is expected.
pub(crate) fn waits(all: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    all.iter().map(|(name, words)| ((*name).to_owned(), words.map(str::to_owned))).collect()
}

impl Asking for dyn Lookup + '_ {
    fn jobs<'a>(&'a self, run: &'a ObjectId) -> Only<'a, Vec<Node>> {
        only(self, Question::Jobs { run: run.clone() }, |told| match told {
            Told::Jobs(jobs) => Some(jobs),
            _ => None,
        })
    }

    fn log<'a>(&'a self, run: &'a ObjectId, log: &'a LogRef, most: usize) -> Only<'a, Vec<Line>> {
        only(self, Question::Log { run: run.clone(), log: log.clone(), most }, |told| match told {
            Told::Log(piece) => Some(piece.lines),
            _ => None,
        })
    }

    fn signals<'a>(&'a self, services: &'a [ServiceName], window: Window) -> Only<'a, Vec<ServiceSignals>> {
        only(self, Question::Signals { services: services.to_vec(), window, environment: None }, |told| match told {
            Told::Signals(signals) => Some(signals),
            _ => None,
        })
    }

    fn settings<'a>(&'a self, service: &'a str, environment: &'a str) -> Only<'a, Settings> {
        let question = Question::Settings { service: service.into(), environment: environment.into() };
        only(self, question, |told| match told {
            Told::Settings(settings) => Some(settings),
            _ => None,
        })
    }
}

fn only<'a, T: 'a>(lookup: &'a (dyn Lookup + 'a), question: Question, of: fn(Told) -> Option<T>) -> Only<'a, T> {
    async move {
        // What is followed has no end that could be waited for.
        let is_followed = matches!(question, Question::Log { .. });
        let told: Vec<_> = lookup.ask(question).take(if is_followed { 1 } else { 2 }).collect().await;
        let [only] = <[_; 1]>::try_from(told).unwrap();
        only.map(|told| of(told).unwrap())
    }
    .boxed()
}
