//! What only holds back: read-only, what a mistake costs, what a service is held to. A later layer may tighten it, never
//! loosen it: a variable that was left over from somewhere, or a user's file over the machine's, must not open what was
//! closed on purpose.
//!
//! One thing may loosen: a profile what its own file says, for both are read together and written by the same hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use toml::de::{DeTable, DeValue};

use crate::config::{
    kind,
    object::{Object, Objects},
    source::Sources,
    tree::{Node, Problem},
};

/// What a mistake costs, as it is written, the least first.
const RISKS: [&str; 3] = ["low", "medium", "high"];
/// What it costs where nobody says so.
const UNSAID: usize = 2;

/// Something that holds back, as some layers have it.
#[derive(Clone, Debug)]
struct Held {
    /// The more, the tighter.
    level: f64,
    /// As it is written.
    said: String,
    /// Where.
    at: Option<Range<usize>>,
    /// The environment that it comes from, and where that was named.
    environment: Option<(String, Range<usize>)>,
}

/// Everything that some layers hold back, by what it is. What several go back to stands before them: one value is told once.
type All = BTreeMap<(u8, String), Held>;

/// Notes what the last layer loosened of what was there before. The layers from `files` on are the environment: one origin.
pub(super) fn compare(
    before: &DeTable<'_>,
    after: &DeTable<'_>,
    sources: &Sources,
    files: usize,
    problems: &mut Vec<Problem>,
) {
    let origin = |at: &Range<usize>| sources.number(at).map(|number| number.min(files));
    let now = held(after, before);
    for (what, was) in held(before, after) {
        let Some(is) = now.get(&what).filter(|is| is.level < was.level) else { continue };
        let both = was.environment.as_ref().zip(is.environment.as_ref());
        let moved = both.is_some_and(|(was, is)| was.0 != is.0);
        let place = |held: &Held| {
            let named = held.environment.as_ref().map(|it| it.1.clone());
            if moved { named.or(held.at.clone()) } else { held.at.clone().or(named) }
        };
        let (from, to) = (place(&was), place(is));
        if from.as_ref().and_then(origin) == to.as_ref().and_then(origin)
            || problems.iter().any(|known| known.at.is_some() && known.at == to)
        {
            continue;
        }
        let first = from
            .and_then(|at| sources.place(&at))
            .map_or_else(String::new, |at| format!(" in {}:{}:{}", at.name, at.line, at.column));
        let message = format!(
            "{} is {}{first}; a later layer may tighten that, never loosen it to {}: change it there, or take this out",
            what.1, was.said, is.said
        );
        problems.push(Problem { message, at: to, path: Vec::new() });
    }
}

/// What a tree holds back, of everything that it or the `other` names.
fn held(tree: &DeTable<'_>, other: &DeTable<'_>) -> All {
    let mut all = All::new();
    if let Some(node) = tree.get("read_only")
        && let DeValue::Boolean(truth) = node.get_ref()
    {
        let level = f64::from(u8::from(*truth));
        all.insert((0, "`read_only`".to_owned()), plain(level, truth.to_string(), node));
    } else {
        all.insert(
            (0, "`read_only`".to_owned()),
            Held { level: 0.0, said: "false".to_owned(), at: None, environment: None },
        );
    }
    all.extend(most_targets(tree).map(|held| ((5, "`policy.most_targets`".to_owned()), held)));
    waves(tree, other, &mut all);
    connections(tree, other, &mut all);
    services(tree, other, &mut all);
    all
}

/// As many objects as one act may touch, where somebody says so: fewer is tighter.
fn most_targets(tree: &DeTable<'_>) -> Option<Held> {
    let node = table(tree, "policy")?.get("most_targets")?;
    let most = number(node)?;
    Some(plain(-most, most.to_string(), node))
}

/// Each order of waves at its place: what stands before it may be of the same services, and counts first. A list is replaced as a
/// whole, so that a later layer writes what was there and adds to it.
fn waves(tree: &DeTable<'_>, other: &DeTable<'_>, all: &mut All) {
    let list = |of: &DeTable<'_>| -> Vec<(String, Range<usize>)> {
        let waves = table(of, "policy").and_then(|policy| policy.get("waves")?.get_ref().as_array());
        waves.into_iter().flatten().map(|node| (written(node), node.span())).collect()
    };
    let (here, there) = (list(tree), list(other));
    let key = |index: usize, order: &str| (5, format!("number {} of `policy.waves`, {order},", index + 1));
    let at = here.first().map(|(_, at)| at.clone());
    for (index, (order, _)) in there.iter().enumerate() {
        let none = Held { level: 0.0, said: "none".to_owned(), at: at.clone(), environment: None };
        all.insert(key(index, order), none);
    }
    for (index, (order, at)) in here.into_iter().enumerate() {
        let held = Held { level: 1.0, said: "in force".to_owned(), at: Some(at), environment: None };
        all.insert(key(index, &order), held);
    }
}

fn plain(level: f64, said: String, node: &Node<'_>) -> Held {
    Held { level, said, at: Some(node.span()), environment: None }
}

/// The risk of each environment, cluster and pipeline that is named.
fn connections(tree: &DeTable<'_>, other: &DeTable<'_>, all: &mut All) {
    for name in table(tree, "environments").into_iter().flat_map(DeTable::keys) {
        let name = name.get_ref().to_string();
        all.insert((1, format!("the risk of environment '{name}'")), risk_of(tree, &name, None));
    }
    for (name, node) in table(tree, "connections").into_iter().flatten() {
        let Some(settings) = node.get_ref().as_table() else { continue };
        let what = (2, format!("the risk of connection '{}'", name.get_ref()));
        let environment = settings.get("environment").and_then(|node| Some((text(node)?, node.span())));
        if let Some(held) = settings.get("risk").and_then(risk) {
            all.insert(what, held);
        } else if let Some((named, at)) = environment {
            all.insert((1, format!("the risk of environment '{named}'")), risk_of(tree, &named, Some(at.clone())));
            all.insert(what, risk_of(tree, &named, Some(at)));
        }
        let kind = settings.get("kind").and_then(|kind| kind.get_ref().as_str()).and_then(kind::named);
        if let Some(objects) = kind.and_then(|kind| kind.objects.as_ref()) {
            listed(objects, (tree, other), (name.get_ref(), settings), all);
        }
    }
}

/// The environments of what a connection lists, by the names that we give them; one that is not listed keeps its own.
fn listed(
    objects: &Objects,
    (tree, other): (&DeTable<'_>, &DeTable<'_>),
    (connection, settings): (&str, &DeTable<'_>),
    all: &mut All,
) {
    let Some(list) = objects.list else { return };
    let there = table(other, "connections").and_then(|it| it.get(connection)?.get_ref().as_table());
    let own = mapped(settings, list);
    let (entries, named) = (entries(settings, list), named(tree, objects.key, connection));
    let mut pairs = environments(settings, list);
    // What the other one lists apart from a whole, or has other names for.
    pairs.extend(there.into_iter().flat_map(|there| environments(there, list)));
    let wholes: Vec<(String, String)> = pairs.iter().cloned().collect();
    let apart = there.map(|there| self::entries(there, list)).unwrap_or_default();
    for part in entries.keys().chain(apart.keys()) {
        let of_its_whole = wholes.iter().filter(|(object, _)| Some(object) == Object::whole(part).as_ref());
        pairs.extend(of_its_whole.map(|(_, environment)| (part.clone(), environment.clone())));
    }
    for (object, name) in pairs {
        let mut entry = [Some(object.clone()), Object::whole(&object)].into_iter().flatten();
        let entry = entry.find_map(|entry| entries.get_key_value(&entry));
        let Some(at) = entry.map(|(_, at)| at).or_else(|| named.get(&object)) else { continue };
        let ours = own.iter().find(|(of, theirs, _)| entry.is_some_and(|(entry, _)| entry == of) && *theirs == name);
        let ours = ours.map(|(_, _, node)| *node);
        let environment = ours.and_then(text).unwrap_or_else(|| name.clone());
        let held = risk_of(tree, &environment, Some(ours.map_or_else(|| at.clone(), Node::span)));
        all.insert((3, format!("the risk of {object}'s environment '{name}'")), held);
    }
}

/// What a connection lists, with each environment that it has a name for.
fn environments(settings: &DeTable<'_>, list: &str) -> BTreeSet<(String, String)> {
    mapped(settings, list).into_iter().map(|(object, environment, _)| (object, environment)).collect()
}

/// What a connection lists, and where.
fn entries(settings: &DeTable<'_>, list: &str) -> BTreeMap<String, Range<usize>> {
    let entries = settings.get(list).and_then(|node| node.get_ref().as_array()).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.get_ref().as_table()?.get("name"));
    names.filter_map(|node| Some((text(node)?, node.span()))).collect()
}

/// What services name of a connection, and where.
fn named(tree: &DeTable<'_>, key: &str, connection: &str) -> BTreeMap<String, Range<usize>> {
    let services = table(tree, "services").into_iter().flat_map(DeTable::values);
    let written = services.filter_map(|service| service.get_ref().as_table()?.get(key));
    let each = written.flat_map(|node| match node.get_ref() {
        DeValue::Array(all) => all.iter().collect(),
        _ => vec![node],
    });
    each.filter_map(|node| Some((text(node)?.strip_prefix(connection)?.strip_prefix('/')?.to_owned(), node.span())))
        .collect()
}

/// Object, its name of an environment, and ours.
fn mapped<'t, 'i>(settings: &'t DeTable<'i>, list: &str) -> Vec<(String, String, &'t Node<'i>)> {
    let entries = settings.get(list).and_then(|node| node.get_ref().as_array()).into_iter().flatten();
    let tables = entries.filter_map(|entry| entry.get_ref().as_table());
    let of = |entry: &'t DeTable<'i>| {
        let name = entry.get("name").and_then(text)?;
        let all = table(entry, "environments")?;
        Some(all.iter().map(move |(theirs, ours)| (name.clone(), theirs.get_ref().to_string(), ours)))
    };
    tables.filter_map(of).flatten().collect()
}

/// What services are held to: an objective that only rises, and limits that only grow in number.
fn services(tree: &DeTable<'_>, other: &DeTable<'_>, all: &mut All) {
    for (name, node) in table(tree, "services").into_iter().flatten() {
        let Some(settings) = node.get_ref().as_table() else { continue };
        let name = name.get_ref();
        for (path, rises) in [(&["objective"][..], 1.0), (&["latency", "objective"], 1.0), (&["latency", "le"], -1.0)] {
            let found = settings.get("slo").and_then(|slo| find(slo, path));
            if let Some((node, number)) = found.and_then(|node| Some((node, number(node)?))) {
                let what = (4, format!("`services.{name}.slo.{}`", path.join(".")));
                all.insert(what, plain(number * rises, number.to_string(), node));
            }
        }
        let rules = |of: &DeTable<'_>| -> Vec<String> {
            let rules = of.get("rules").and_then(|node| node.get_ref().as_array());
            rules.into_iter().flatten().map(written).collect()
        };
        let there = table(other, "services").and_then(|it| it.get(name.as_ref())?.get_ref().as_table());
        let (here, there) = (rules(settings), there.map(rules).unwrap_or_default());
        for rule in here.iter().chain(&there) {
            let is_here = here.contains(rule);
            let said = if is_here { "in force" } else { "none" };
            let held = Held { level: f64::from(u8::from(is_here)), said: said.to_owned(), at: None, environment: None };
            let at = settings.get("rules").map(Node::span);
            all.insert((4, format!("the rule {rule} of service '{name}'")), Held { at, ..held });
        }
    }
}

fn find<'t, 'i>(node: &'t Node<'i>, path: &[&str]) -> Option<&'t Node<'i>> {
    path.iter().try_fold(node, |node, key| node.get_ref().as_table()?.get(*key))
}

fn number(node: &Node<'_>) -> Option<f64> {
    match node.get_ref() {
        DeValue::Float(number) => number.to_string().parse().ok(),
        DeValue::Integer(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// A value without its places.
fn written(node: &Node<'_>) -> String {
    match node.get_ref() {
        DeValue::Table(table) => {
            let all: Vec<String> = table.iter().map(|(key, it)| format!("{}={}", key.get_ref(), written(it))).collect();
            format!("{{{}}}", all.join(","))
        }
        DeValue::Array(all) => format!("[{}]", all.iter().map(written).collect::<Vec<_>>().join(",")),
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Datetime(time) => time.to_string(),
    }
}

/// As `Config::risk_of` has it, with the place that says so.
fn risk_of(tree: &DeTable<'_>, environment: &str, named: Option<Range<usize>>) -> Held {
    let environment_at = named.map(|at| (environment.to_owned(), at));
    let entry = |name: &str| table(tree, "environments")?.get(name)?.get_ref().as_table()?.get("risk").and_then(risk);
    let mut name = environment;
    loop {
        if let Some(held) = entry(name) {
            return Held { environment: environment_at, ..held };
        }
        match name.rsplit_once('/') {
            Some((before, _)) => name = before,
            None => return Held { environment: environment_at, ..of_risk(UNSAID, None) },
        }
    }
}

fn risk(node: &Node<'_>) -> Option<Held> {
    let written = text(node)?;
    let level = RISKS.iter().position(|risk| *risk == written)?;
    Some(of_risk(level, Some(node.span())))
}

fn of_risk(level: usize, at: Option<Range<usize>>) -> Held {
    let said = RISKS.get(level).map_or_else(String::new, |risk| (*risk).to_owned());
    Held { level: u8::try_from(level).map_or(f64::MAX, f64::from), said, at, environment: None }
}

fn table<'t, 'i>(tree: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    tree.get(key)?.get_ref().as_table()
}

fn text(node: &Node<'_>) -> Option<String> {
    node.get_ref().as_str().map(str::to_owned)
}
