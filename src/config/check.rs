//! What the types cannot say: names that must exist, addresses, keys. Every problem, at the value that has it.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use toml::de::ValueDeserializer;

use crate::config::{
    access,
    schema::{Config, Connection, Kubernetes, Prometheus, Queries, RolloutRef},
    standard::{Rule, Wrong},
    tree::{self, Node, Problem},
};

/// Names that other rooms know; the configuration only compares.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The metrics presets that come with the program.
    pub presets: &'a [String],
    /// The themes that come with the program.
    pub themes: &'a [String],
    /// What is wrong with keys (`intent → chord`).
    pub keys: &'a dyn Fn(&BTreeMap<String, String>) -> Vec<BadKey>,
    /// What a kubeconfig has, by its path or where it usually is; `None` where only this configuration is looked at.
    pub contexts: Option<ReadContexts<'a>>,
}

/// Reads the contexts of a kubeconfig, or says in a sentence why not.
pub type ReadContexts<'a> = &'a dyn Fn(Option<&Path>) -> Result<Contexts, String>;

/// The contexts of a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contexts {
    /// Their names.
    pub names: Vec<String>,
    /// The one that is taken where none is named.
    pub current: Option<String>,
}

impl std::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").field("presets", &self.presets).field("themes", &self.themes).finish_non_exhaustive()
    }
}

/// A key that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadKey {
    /// The intent's name, as it stands under `keys`.
    pub id: String,
    /// Why not.
    pub why: String,
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

/// Where the problems of one check go.
struct Notes<'a, 'i> {
    tree: &'a Node<'i>,
    problems: &'a mut Vec<Problem>,
}

impl Notes<'_, '_> {
    fn add(&mut self, path: &[&str], message: String) {
        // A value that nobody wrote (a default) is told at the table it is missing from.
        let at = (0..=path.len()).rev().find_map(|length| tree::find(self.tree, path.get(..length)?));
        let at = at.map(Node::span).filter(|at| !at.is_empty());
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        self.problems.push(Problem { message, at, path });
    }
}

/// Checks what was read against itself and against what is known.
pub(super) fn check(config: &Config, tree: &Node<'_>, known: &Known<'_>, problems: &mut Vec<Problem>) {
    let mut notes = Notes { tree, problems };
    for (name, connection) in &config.connections {
        let under = ["connections", name.as_str()];
        let of_access = match connection {
            Connection::Kubernetes(it) if it.server.is_none() => it.access.beside_a_kubeconfig(),
            Connection::Kubernetes(it) => it.access.wrong(it.server.as_deref().unwrap_or_default()),
            Connection::Github(it) => it.access.wrong(&it.base_url),
            Connection::Prometheus(it) => it.access.wrong(&it.url),
        };
        for access::Wrong { path, why } in of_access {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            notes.add(&[&under[..], &path].concat(), why);
        }
        match connection {
            Connection::Kubernetes(it) => {
                if let Some(server) = &it.server {
                    address(&mut notes, &[&under[..], &["server"]].concat(), server);
                    if it.kubeconfig.is_some() || it.context.is_some() {
                        let message = "`server` stands instead of `kubeconfig` and `context`: keep one".to_owned();
                        notes.add(&[&under[..], &["server"]].concat(), message);
                    }
                } else if let Some(read) = known.contexts {
                    contexts(&mut notes, &under, it, read);
                }
            }
            Connection::Github(it) => {
                address(&mut notes, &[&under[..], &["base_url"]].concat(), &it.base_url);
                repositories(&mut notes, &under);
            }
            Connection::Prometheus(it) => prometheus(&mut notes, &under, it, known),
        }
    }
    services(&mut notes, config);
    standards(&mut notes, config);
    if let Some(theme) = &config.theme {
        one_of(&mut notes, &["theme"], "theme", theme, known.themes);
    }
    if let Some(world) = &config.world {
        address(&mut notes, &["world", "clock"], &world.clock);
        if !world.speed.is_finite() || world.speed <= 0.0 {
            notes.add(&["world", "speed"], "the speed of time is a number above 0".to_owned());
        }
    }
    for bad in (known.keys)(&config.keys) {
        notes.add(&["keys", &bad.id], bad.why);
    }
}

/// Is the context there? With neither a file nor a context named we may run in a pod, which has no kubeconfig.
fn contexts(notes: &mut Notes<'_, '_>, under: &[&str], it: &Kubernetes, read: ReadContexts<'_>) {
    match (read(it.kubeconfig.as_deref()), &it.context) {
        (Ok(found), Some(context)) => {
            one_of(notes, &[under, &["context"]].concat(), "context", context, &found.names);
        }
        (Ok(Contexts { names, current }), None) => match current {
            Some(current) if names.contains(&current) => {}
            Some(current) => {
                let message = format!("the kubeconfig's current context '{current}' is not in it: set `context`");
                notes.add(under, message);
            }
            None => notes.add(under, "the kubeconfig has no current context: set `context`".to_owned()),
        },
        (Err(why), _) if it.kubeconfig.is_some() => notes.add(&[under, &["kubeconfig"]].concat(), why),
        (Err(why), Some(_)) => {
            notes.add(
                &[under, &["context"]].concat(),
                format!("the kubeconfig that would have it cannot be read: {why}"),
            );
        }
        (Err(_), None) => {}
    }
}

fn prometheus(notes: &mut Notes<'_, '_>, under: &[&str], it: &Prometheus, known: &Known<'_>) {
    address(notes, &[under, &["url"]].concat(), &it.url);
    match (&it.preset, &it.queries) {
        (Some(preset), None) => {
            one_of(notes, &[under, &["preset"]].concat(), "metrics preset", preset, known.presets);
        }
        (None, Some(_)) => {}
        (Some(_), Some(_)) => {
            let message = "`queries` stand instead of a `preset`: keep one".to_owned();
            notes.add(&[under, &["preset"]].concat(), message);
        }
        (None, None) => {
            let known: Vec<&str> = known.presets.iter().map(String::as_str).collect();
            notes.add(under, format!("{} needs `preset` or `queries`; presets: {}", under.join("."), known.join(", ")));
        }
    }
    for (index, label) in it.strata.iter().enumerate() {
        if !is_label(label) {
            let message = format!("'{label}' is not the name of a label: letters, digits and '_', no digit first");
            notes.add(&[under, &["strata", &index.to_string()]].concat(), message);
        }
    }
    if let Some(queries) = &it.queries {
        counters(notes, &[under, &["queries"]].concat(), queries);
    }
    for (index, matcher) in it.matchers.iter().enumerate() {
        if !matcher.contains('=') && !matcher.contains('~') {
            let message = format!("'{matcher}' is not a matcher: write e.g. namespace=\"shop\"");
            notes.add(&[under, &["matchers", &index.to_string()]].concat(), message);
        }
    }
}

/// Counts need both of requests and errors; response times are counted beside them.
fn counters(notes: &mut Notes<'_, '_>, under: &[&str], it: &Queries) {
    let times = it.buckets_total.as_ref().map(|_| "buckets_total");
    let times = times.or(it.histogram_total.as_ref().map(|_| "histogram_total"));
    let missing = match (&it.requests_total, &it.errors_total, times) {
        (None, None, None) | (Some(_), Some(_), _) => None,
        (Some(_), None, _) => Some(("requests_total", "`errors_total`")),
        (None, Some(_), _) => Some(("errors_total", "`requests_total`")),
        (None, None, Some(times)) => Some((times, "`requests_total` and `errors_total`")),
    };
    if it.buckets_total.is_some() && it.histogram_total.is_some() {
        let message = "`histogram_total` and `buckets_total` both count response times: leave one of them out";
        notes.add(&[under, &["histogram_total"]].concat(), message.to_owned());
    }
    if let Some((written, missing)) = missing {
        notes.add(&[under, &[written]].concat(), format!("`{written}` counts nothing without {missing}: add it"));
    }
    if let Some(label) = it.pod_label.as_ref().filter(|label| !is_label(label)) {
        let message = format!("'{label}' is not the name of a label: letters, digits and '_', no digit first");
        notes.add(&[under, &["pod_label"]].concat(), message);
    }
}

/// A label's name, as Prometheus' data model has it (before UTF-8 names, which must be quoted in PromQL).
fn is_label(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(plain)
}

/// The items of a list as they were written: those with an error of their own are still there, at their places.
fn items<'t, 'i>(tree: &'t Node<'i>, path: &[&str]) -> Vec<(String, &'t Node<'i>)> {
    let array = tree::find(tree, path).and_then(|node| node.get_ref().as_array());
    array.into_iter().flat_map(|array| array.iter()).enumerate().map(|(i, node)| (i.to_string(), node)).collect()
}

fn repositories(notes: &mut Notes<'_, '_>, under: &[&str]) {
    let list = [under, &["repos"]].concat();
    for (index, node) in items(notes.tree, &list) {
        let Some(name) = tree::find(node, &["name"]).and_then(|node| node.get_ref().as_str()) else { continue };
        if !matches!(name.split('/').collect::<Vec<_>>().as_slice(), [owner, name] if !owner.is_empty() && !name.is_empty())
        {
            notes.add(&[&list[..], &[&index, "name"]].concat(), format!("'{name}' is not of the form OWNER/NAME"));
        }
    }
}

fn services(notes: &mut Notes<'_, '_>, config: &Config) {
    // By the tree's names: a connection with an error of its own is still there.
    let kinds = |kind: &str| -> Vec<String> {
        let Some(all) = tree::find(notes.tree, &["connections"]).and_then(|node| node.get_ref().as_table()) else {
            return Vec::new();
        };
        let is = |node: &Node<'_>| tree::find(node, &["kind"]).and_then(|node| node.get_ref().as_str()) == Some(kind);
        all.iter().filter(|(_, node)| is(node)).map(|(name, _)| name.get_ref().to_string()).collect()
    };
    let (clusters, forges) = (kinds("kubernetes"), kinds("github"));
    for (name, service) in &config.services {
        let under = ["services", name.as_str(), "rollouts"];
        for (index, node) in items(notes.tree, &under) {
            let written = node.get_ref().as_str().map(|text| RolloutRef::try_from(text.to_owned()));
            if let Some(Ok(rollout)) = written {
                let path = [&under[..], &[&index]].concat();
                one_of(notes, &path, "kubernetes connection", &rollout.connection, &clusters);
            }
        }
        if let Some(repository) = &service.repository {
            let path = ["services", name, "repository"];
            one_of(notes, &path, "github connection", &repository.connection, &forges);
        }
    }
}

/// Objectives and rules. Each rule is read from the tree: one with an error of its own is still there, at its place.
fn standards(notes: &mut Notes<'_, '_>, config: &Config) {
    for (name, service) in &config.services {
        let under = ["services", name.as_str()];
        if let Some(slo) = &service.slo
            && let Err(Wrong { path, why }) = slo.read()
        {
            notes.add(&[&under[..], &["slo"], &path].concat(), why);
        }
        let list = [&under[..], &["rules"]].concat();
        for (index, node) in items(notes.tree, &list) {
            let rule = Rule::deserialize(ValueDeserializer::from(node.clone()));
            if let Ok(Err(Wrong { path, why })) = rule.map(|rule| rule.read()) {
                notes.add(&[&list[..], &[&index], &path].concat(), why);
            }
        }
    }
}

fn one_of(notes: &mut Notes<'_, '_>, path: &[&str], noun: &str, written: &str, known: &[String]) {
    if known.iter().any(|name| name == written) {
        return;
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let hint = match nearest(written, &known) {
        Some(near) => format!(", did you mean '{near}'?"),
        None => format!("; {}", there_are(&known)),
    };
    notes.add(path, format!("there is no {noun} '{written}'{hint}"));
}

fn address(notes: &mut Notes<'_, '_>, path: &[&str], written: &str) {
    match url::Url::parse(written) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") || url.host().is_none() => {
            notes.add(path, format!("an address begins with https:// or http://, not with {}:", url.scheme()));
        }
        Ok(url) if url.password().is_some() || !url.username().is_empty() => {
            notes.add(
                path,
                "a password never stands in an address: take it out and use `token` or `basic_auth`".to_owned(),
            );
        }
        Ok(_) => {}
        Err(e) => notes.add(path, format!("not an address ({e}): write e.g. https://example.com")),
    }
}
