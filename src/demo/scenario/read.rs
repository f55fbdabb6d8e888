//! From text to a scenario. Each system's table goes to its kind, with the places that errors point at.

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer, Error},
};

use super::{Part, Scenario};
use crate::demo::{
    blueprint::{Kind, Node},
    registry::KINDS,
};

/// Reads a scenario. The error is a sentence, with line and column where it is about the text.
pub(super) fn scenario(text: &str) -> Result<Scenario, String> {
    let placed = |mut error: Error| {
        error.set_input(Some(text));
        error.to_string()
    };
    let mut root = DeTable::parse(text).map_err(placed)?;
    let systems = match root.get_mut().remove("systems") {
        Some(listed) => self::listed(listed, text)?,
        None => self::former(root.get_mut())?,
    };
    let mut scenario = Scenario::deserialize(Deserializer::from(root)).map_err(placed)?;
    for (kind, node) in systems {
        scenario.systems.push(Part { kind, system: (kind.read)(node).map_err(placed)? });
    }
    Ok(scenario)
}

/// The tables of `[[systems]]`, by kind.
fn listed<'i>(listed: Node<'i>, text: &str) -> Result<Vec<(&'static Kind, Node<'i>)>, String> {
    let DeValue::Array(array) = listed.into_inner() else { return Err("systems are listed: [[systems]]".to_owned()) };
    array.into_iter().map(|node| of_kind(node, text)).collect()
}

fn of_kind<'i>(node: Node<'i>, text: &str) -> Result<(&'static Kind, Node<'i>), String> {
    let at = node.span();
    let line = text.get(..at.start).unwrap_or_default().matches('\n').count() + 1;
    let known = KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    let DeValue::Table(mut table) = node.into_inner() else {
        return Err(format!("line {line}: a system is a table: [[systems]]"));
    };
    let Some(named) = table.remove("kind") else {
        return Err(format!("line {line}: the system has no `kind`: {known}"));
    };
    let Some(kind) = KINDS.iter().find(|kind| named.get_ref().as_str() == Some(kind.name)) else {
        return Err(format!("line {line}: a system's `kind` is one of {known}"));
    };
    Ok((kind, Spanned::new(at, DeValue::Table(table))))
}

/// What a scenario without `[[systems]]` says of systems: each kind knows how it was said.
fn former<'i>(root: &mut DeTable<'i>) -> Result<Vec<(&'static Kind, Node<'i>)>, String> {
    let mut found = Vec::new();
    for kind in &KINDS {
        found.extend((kind.former)(root)?.into_iter().map(|node| (kind, node)));
    }
    Ok(found)
}
