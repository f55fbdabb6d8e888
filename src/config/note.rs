//! What a check says: problems, each at the value that has it, in the words that every kind of value shares.

use std::collections::BTreeSet;

use crate::config::tree::{self, Node, Problem};

/// Something that is wrong with a connection: the path below it, and why with the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Keys and indices; nothing for the connection itself.
    pub path: Vec<String>,
    /// Why, as a sentence.
    pub why: String,
}

/// Something that is wrong at this path.
pub(super) fn wrong(path: &[&str], why: impl Into<String>) -> Wrong {
    Wrong { path: path.iter().map(|part| (*part).to_owned()).collect(), why: why.into() }
}

/// The known name that was probably meant.
pub(super) fn nearest<'n>(written: &str, known: &[&'n str]) -> Option<&'n str> {
    /// Less alike than this is another word.
    const ALIKE: f64 = 0.8;
    let alike = |name: &&'n str| (strsim::jaro_winkler(&written.to_lowercase(), name), *name);
    let best = known.iter().map(alike).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= ALIKE).then_some(best.1)
}

/// `there are: a, b`, or that there are none.
pub(super) fn there_are(known: &[&str]) -> String {
    if known.is_empty() { "there are none".to_owned() } else { format!("there are: {}", known.join(", ")) }
}

/// Why a name is none of those there are: `None` where it is one.
pub(super) fn none_of(noun: &str, written: &str, known: &[String]) -> Option<String> {
    if known.iter().any(|name| name == written) {
        return None;
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let hint = match nearest(written, &known) {
        Some(near) => format!(", did you mean '{near}'?"),
        None => format!("; {}", there_are(&known)),
    };
    Some(format!("there is no {noun} '{written}'{hint}"))
}

/// That a name stands a second time where each stands once.
pub(super) fn twice(name: &str) -> String {
    format!("'{name}' is here twice: keep one")
}

/// Where the problems of one check go, below one path of the configuration.
pub(super) struct Notes<'a, 'i> {
    tree: &'a Node<'i>,
    problems: &'a mut Vec<Problem>,
    under: Vec<String>,
}

impl<'a, 'i> Notes<'a, 'i> {
    /// For the whole of a configuration.
    pub(super) fn new(tree: &'a Node<'i>, problems: &'a mut Vec<Problem>) -> Self {
        Self { tree, problems, under: Vec::new() }
    }

    /// For what is at this path.
    pub(super) fn under(&mut self, path: &[&str]) -> Notes<'_, 'i> {
        let under = self.under.iter().cloned().chain(path.iter().map(|part| (*part).to_owned())).collect();
        Notes { tree: self.tree, problems: self.problems, under }
    }

    /// What it is for: `connections.eu`.
    pub(super) fn name(&self) -> String {
        self.under.join(".")
    }

    /// What is written at a path.
    pub(super) fn written(&self, path: &[&str]) -> Option<&'a Node<'i>> {
        let under: Vec<&str> = self.under.iter().map(String::as_str).chain(path.iter().copied()).collect();
        tree::find(self.tree, &under)
    }

    /// The items of a list as they were written: those with an error of their own are still there, at their places.
    pub(super) fn items(&self, path: &[&str]) -> Vec<(String, &'a Node<'i>)> {
        let array = self.written(path).and_then(|node| node.get_ref().as_array());
        array.into_iter().flat_map(|array| array.iter()).enumerate().map(|(i, node)| (i.to_string(), node)).collect()
    }

    /// What stands twice in a list of names is said, for one of both would count: which, nobody would know.
    pub(super) fn once(&mut self, path: &[&str]) {
        let mut seen = BTreeSet::new();
        for (index, node) in self.items(path) {
            let Some(name) = node.get_ref().as_str() else { continue };
            if !seen.insert(name.to_owned()) {
                self.add(&[path, &[index.as_str()]].concat(), twice(name));
            }
        }
    }

    /// Something is wrong at a path.
    pub(super) fn add(&mut self, path: &[&str], message: impl Into<String>) {
        let whole: Vec<String> = self.under.iter().cloned().chain(path.iter().map(|part| (*part).to_owned())).collect();
        let parts: Vec<&str> = whole.iter().map(String::as_str).collect();
        // A value that nobody wrote (a default) is told at the table it is missing from.
        let at = (0..=parts.len()).rev().find_map(|length| tree::find(self.tree, parts.get(..length)?));
        let at = at.map(Node::span).filter(|at| !at.is_empty());
        self.problems.push(Problem { message: message.into(), at, path: whole });
    }

    /// Whatever is wrong of these.
    pub(super) fn all(&mut self, wrong: Vec<Wrong>) {
        for Wrong { path, why } in wrong {
            self.add(&path.iter().map(String::as_str).collect::<Vec<_>>(), why);
        }
    }

    /// A name must be one of those there are.
    pub(super) fn one_of(&mut self, path: &[&str], noun: &str, written: &str, known: &[String]) {
        if let Some(why) = none_of(noun, written, known) {
            self.add(path, why);
        }
    }

    /// An address must be one that can be asked.
    pub(super) fn address(&mut self, path: &[&str], written: &str) {
        match url::Url::parse(written) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") || url.host().is_none() => {
                self.add(path, format!("an address begins with https:// or http://, not with {}:", url.scheme()));
            }
            Ok(url) if url.password().is_some() || !url.username().is_empty() => {
                self.add(path, "a password never stands in an address: take it out and use `token` or `basic_auth`");
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                let setting = path.last().copied().unwrap_or_default();
                self.add(
                    path,
                    format!("`{setting}` is an address without a query: paths are put behind it; take out what begins with '?' or '#'"),
                );
            }
            Ok(_) => {}
            Err(e) => self.add(path, format!("not an address ({e}): write e.g. https://example.com")),
        }
    }
}
