//! From layers to a [`Config`], or to everything that is wrong with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, iter,
    path::PathBuf,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    config::{
        access::Access,
        check::{self, Known},
        expected,
        kind::{self, Connection},
        layer::Layers,
        merge::{NOWHERE, merge},
        note::{nearest, there_are},
        object::{Named, Objects},
        quote, remark, restriction,
        schema::Config,
        source::{Diagnostic, Sources, Weight},
        tree::{self, Node, Problem},
    },
    domain::text::one_line,
};

/// Tables that are read apart from the rest of the schema: its own errors do not list them.
const APART: [&str; 2] = ["connections", "profiles"];

/// A configuration that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The layers it came from, in the order in which they were merged.
    pub layers: Vec<String>,
    /// The profile that was laid over them.
    pub profile: Option<String>,
    /// What holds and was probably not meant.
    pub remarks: Vec<Diagnostic>,
}

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No layer at all.
    #[error("no configuration: looked for {}", paths(.0))]
    Nothing(Vec<PathBuf>),
    /// Layers that do not hold: everything that is wrong, in the order of the layers.
    #[error("{}", lines(.0))]
    Bad(Vec<Diagnostic>),
}

fn paths(all: &[PathBuf]) -> String {
    all.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn lines(all: &[impl fmt::Display]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")
}

/// Reads, merges and checks.
pub fn load(layers: &Layers, known: &Known<'_>) -> Result<Loaded, Failure> {
    let (files, unreadable) = layers.files();
    let variables = layers.variables();
    if files.is_empty() && unreadable.is_empty() && variables.is_empty() {
        return Err(Failure::Nothing(layers.places.all()));
    }
    let mut sources = Sources::default();
    let file_count = files.len();
    files.into_iter().chain(variables).for_each(|source| sources.push(source));
    let mut diagnostics: Vec<Diagnostic> =
        unreadable.iter().map(|message| Diagnostic::error(one_line(message), None)).collect();
    let mut problems = Vec::new();
    let config = read(&sources, file_count, layers.profile.as_deref(), known, &mut problems);
    problems.sort_by_key(|problem| problem.at.as_ref().map_or(0, |at| at.start));
    diagnostics.extend(problems.iter().map(|problem| diagnose(problem, &sources)));
    diagnostics.dedup();
    match config {
        Some((config, remarks)) if diagnostics.is_empty() => Ok(Loaded {
            config,
            remarks: remarks
                .iter()
                .map(|remark| Diagnostic { weight: Weight::Warning, ..diagnose(remark, &sources) })
                .collect(),
            layers: sources.iter().map(|(_, source)| source.name.clone()).collect(),
            profile: layers.profile.clone(),
        }),
        _ => Err(Failure::Bad(diagnostics)),
    }
}

/// The first `files` sources are files, the rest is the environment; the profile lies between them.
fn read(
    sources: &Sources,
    files: usize,
    profile: Option<&str>,
    known: &Known<'_>,
    problems: &mut Vec<Problem>,
) -> Option<(Config, Vec<Problem>)> {
    let mut layers = Vec::new();
    for (base, source) in sources.iter() {
        match tree::parse(&source.text, base) {
            Ok(table) => layers.push(table),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if !problems.is_empty() {
        // What is missing from a text that cannot be parsed would be told as errors that are none.
        return None;
    }
    let steps = (1..files).filter(|step| *step < layers.len());
    for step in steps {
        let (before, after) =
            (merge(layers.iter().take(step), problems)?, merge(layers.iter().take(step + 1), problems)?);
        restriction::compare(&before.tree(), &after.tree(), sources, files, problems);
    }
    let merged = merge(layers.iter().take(files), problems)?;
    let mut base = merged.tree();
    let profiles = take_profiles(&mut base, problems);
    if let Some(name) = profile
        && !profiles.contains_key(name)
    {
        let known: Vec<&str> = profiles.keys().map(String::as_str).collect();
        let message = format!("there is no profile '{name}'; {}", there_are(&known));
        problems.push(Problem { message, at: None, path: Vec::new() });
    }
    for (name, overlay) in &profiles {
        let over = merge([&base, overlay], problems)?;
        restriction::compare(&base, &over.tree(), sources, files, problems);
        // Every profile must hold, the one in use and the others: they are needed at night.
        if profile != Some(name.as_str()) {
            settings(over.tree(), known, problems);
        }
    }
    let overlay = profile.and_then(|name| profiles.get(name));
    let before = merge(iter::once(&base).chain(overlay), problems)?;
    let environment = layers.iter().skip(files);
    let all = merge(iter::once(&base).chain(overlay).chain(environment), problems)?;
    restriction::compare(&before.tree(), &all.tree(), sources, files, problems);
    let config = settings(all.tree(), known, problems)?;
    let whole = Spanned::new(NOWHERE, DeValue::Table(all.tree()));
    let remarks = remark::remarks(&config, &whole);
    Some((config, remarks))
}

fn take_profiles<'i>(root: &mut DeTable<'i>, problems: &mut Vec<Problem>) -> BTreeMap<String, DeTable<'i>> {
    let mut profiles = BTreeMap::new();
    let Some(all) = root.remove("profiles") else { return profiles };
    let at = all.span();
    let mut wrong = |at, path: Vec<String>| {
        problems.push(Problem { message: "a profile is a table: [profiles.NAME]".to_owned(), at: Some(at), path });
    };
    let DeValue::Table(all) = all.into_inner() else {
        wrong(at, vec!["profiles".to_owned()]);
        return profiles;
    };
    for (name, overlay) in all {
        let at = overlay.span();
        match overlay.into_inner() {
            DeValue::Table(overlay) => {
                profiles.insert(name.into_inner().into_owned(), overlay);
            }
            _ => wrong(at, vec!["profiles".to_owned(), name.into_inner().into_owned()]),
        }
    }
    profiles
}

/// Reads a merged tree and checks what it says.
fn settings(merged: DeTable<'_>, known: &Known<'_>, problems: &mut Vec<Problem>) -> Option<Config> {
    let whole: Node<'_> = Spanned::new(NOWHERE, DeValue::Table(merged.clone()));
    let mut rest = merged;
    let connections = rest.remove("connections");
    let objects = take_objects(&mut rest);
    let before = problems.len();
    let mut config: Config = tree::read(Spanned::new(NOWHERE, DeValue::Table(rest)), &[], problems)?;
    for (service, objects, node) in objects {
        let read = named(&service, objects, node, problems);
        if let Some((service, read)) = config.services.get_mut(&service).zip(read) {
            service.objects.insert(objects.key, read);
        }
    }
    if let Some(connections) = connections {
        let at = connections.span();
        match connections.into_inner() {
            DeValue::Table(all) => {
                for (name, node) in all {
                    let read = connection(&name, node, problems);
                    config.connections.extend(read.map(|read| (name.into_inner().into_owned(), read)));
                }
            }
            _ => problems.push(Problem {
                message: "a connection is a table: [connections.NAME]".to_owned(),
                at: Some(at),
                path: vec!["connections".to_owned()],
            }),
        }
    }
    check::check(&config, &whole, known, problems);
    (problems.len() == before).then_some(config)
}

/// Takes out what services name of systems, which the kinds of connections have the keys of.
fn take_objects<'i>(root: &mut DeTable<'i>) -> Vec<(String, &'static Objects, Node<'i>)> {
    let mut taken: Vec<(String, &'static Objects, Node<'i>)> = Vec::new();
    let services = root.get_mut("services").map(Spanned::get_mut);
    let Some(DeValue::Table(services)) = services else { return taken };
    for (name, service) in services.iter_mut() {
        let DeValue::Table(service) = service.get_mut() else { continue };
        for (_, objects) in kind::objects() {
            taken.extend(service.remove(objects.key).map(|node| (name.get_ref().to_string(), objects, node)));
        }
    }
    taken
}

/// What a service names under a key.
fn named(service: &str, objects: &Objects, node: Node<'_>, problems: &mut Vec<Problem>) -> Option<Named> {
    let under = ["services", service, objects.key];
    if objects.several {
        tree::read(node, &under, problems).map(Named::Several)
    } else {
        tree::read(node, &under, problems).map(Named::One)
    }
}

fn connection(name: &Spanned<impl AsRef<str>>, node: Node<'_>, problems: &mut Vec<Problem>) -> Option<Connection> {
    let under = ["connections", name.get_ref().as_ref()];
    let at = node.span();
    let mut wrong = |message: String, at| {
        problems.push(Problem { message, at: Some(at), path: under.iter().map(|part| (*part).to_owned()).collect() });
    };
    let DeValue::Table(mut table) = node.into_inner() else {
        wrong("a connection is a table: [connections.NAME]".to_owned(), at);
        return None;
    };
    let Some(kind) = table.remove("kind") else {
        wrong(format!("the connection has no `kind`: {}", kind::names().join(", ")), name.span());
        return None;
    };
    let shared = Spanned::new(at.clone(), DeValue::Table(Access::split(&mut table)));
    let node = Spanned::new(at, DeValue::Table(table));
    let Some(known) = kind.get_ref().as_str().and_then(kind::named) else {
        let names = kind::names();
        let near = kind.get_ref().as_str().and_then(|written| nearest(written, &names));
        let hint = near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
        wrong(format!("a connection's kind is one of {}{hint}", names.join(", ")), kind.span());
        return None;
    };
    let read = (known.read)(node, &under, problems);
    // Both are read, so that every error is told.
    let access: Option<Access> = tree::read(shared, &under, problems);
    Some(read?.reached(access?))
}

/// A problem as people read it: what it quotes is clean, and no secret.
fn diagnose(problem: &Problem, sources: &Sources) -> Diagnostic {
    let place = problem.at.as_ref().and_then(|at| sources.place(at));
    // What may not be quoted is out of it before anything is made of it.
    let message = one_line(&explain(&quote::message(&problem.message, &problem.path), &problem.path));
    Diagnostic::error(message, place.map(|place| quote::quoted(place, &problem.path)))
}

/// serde's words for what is wrong, as a sentence with a way out.
fn explain(message: &str, path: &[String]) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let what = ["unknown field ", "unknown variant "].into_iter().find(|begin| message.starts_with(begin));
    if let (Some(what), Some(written)) = (what, quoted.next()) {
        let at_top = path.len() <= 1 && what == "unknown field ";
        let of_a = |table: &str| matches!(path, [first, _, _] if first == table) && what == "unknown field ";
        let shared = Access::KEYS.into_iter().filter(|_| of_a("connections"));
        let objects: BTreeSet<&str> = kind::objects().map(|(_, objects)| objects.key).collect();
        let objects = objects.into_iter().filter(|_| of_a("services"));
        let known: Vec<&str> =
            quoted.chain(APART.into_iter().filter(|_| at_top)).chain(shared).chain(objects).collect();
        let noun = if what == "unknown field " { "key" } else { "value" };
        return match nearest(written, &known) {
            Some(near) => format!("unknown {noun} `{written}`, did you mean `{near}`?"),
            None => format!("unknown {noun} `{written}`; {}", there_are(&known)),
        };
    }
    if let Some(field) = message.strip_prefix("missing field ") {
        let whose = if path.is_empty() { "the configuration".to_owned() } else { path.join(".") };
        return format!("{whose} needs {field}");
    }
    expected::sentence(message, path).unwrap_or_else(|| message.to_owned())
}
