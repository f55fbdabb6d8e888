//! What a verb asks for, on its card: a line a field, with what is answered, what it can be, and what is missing.

use crate::{
    app::card::Card,
    domain::form::{Field, Kind, Value},
    view::{
        measure,
        span::{Line, Role},
    },
};

/// Cells of a field's name at most.
const NAME: usize = 24;

/// The fields, one below the other. What is typed is never cut: it wraps.
pub(super) fn lines(card: &Card, width: usize) -> Vec<Line> {
    let names = card.form.iter().map(|field| measure::width(&field.label)).max().unwrap_or_default().min(NAME);
    card.form.iter().flat_map(|field| one(card, field, names, width)).collect()
}

fn one(card: &Card, field: &Field, names: usize, width: usize) -> Vec<Line> {
    let here = card.is_in(field);
    let begin = Line::of(Role::Accent, if here { " ›" } else { "  " })
        .join(Line::of(if here { Role::Strong } else { Role::Text }, measure::cut(&field.label, names)).pad(names + 2));
    let indent = begin.width();
    let room = width.saturating_sub(indent + 2);
    let hint = field.hint.as_deref().filter(|_| here || answer(card, field).is_none());
    let mut lines = match &field.kind {
        Kind::Choice(options) => choice(card, field, options, begin, width),
        Kind::Flag => {
            let set = card.ask.args.is_set(&field.name);
            vec![option(option(begin, "yes", set), "no", !set)]
        }
        Kind::Secret => {
            let given = answer(card, field).is_some();
            let words = if given { "set, not shown" } else { "" };
            vec![cursor(begin.and(Role::Strong, words), here).join(lack(field, !given, here))]
        }
        Kind::Text | Kind::Number => {
            let text = card.ask.args.text(&field.name).unwrap_or_default();
            let mut wrapped = measure::wrap(text, room).into_iter();
            let mut lines = vec![begin.and(Role::Strong, wrapped.next().unwrap_or_default())];
            lines.extend(wrapped.map(|text| Line::new().gap(indent).and(Role::Strong, text)));
            let last = lines.pop().unwrap_or_default();
            lines.push(cursor(last, here).join(lack(field, text.trim().is_empty(), here)));
            lines
        }
    };
    if let Some(hint) = hint {
        let fits = lines.last().is_some_and(|last| last.width() + 3 + measure::width(hint) < width);
        match lines.pop() {
            Some(last) if fits => lines.push(last.gap(2).and(Role::Dim, hint.to_owned())),
            last => {
                lines.extend(last);
                let wrapped = measure::wrap(hint, room).into_iter();
                lines.extend(wrapped.map(|text| Line::new().gap(indent).and(Role::Dim, text)));
            }
        }
    }
    lines
}

fn answer<'a>(card: &'a Card, field: &Field) -> Option<&'a Value> {
    card.ask.args.get(&field.name)
}

fn cursor(line: Line, here: bool) -> Line {
    if here { line.and(Role::Accent, "▏") } else { line }
}

/// That nothing is said yet, and whether something must be.
fn lack(field: &Field, is_empty: bool, here: bool) -> Line {
    match (is_empty, field.required) {
        (false, _) => Line::new(),
        (true, true) => Line::of(Role::Warn, if here { " must be filled in" } else { "must be filled in" }),
        (true, false) if here => Line::new(),
        (true, false) => Line::of(Role::Dim, "—"),
    }
}

/// `● blue  green`: every option where they fit, else the chosen one and how many there are.
fn choice(card: &Card, field: &Field, options: &[String], begin: Line, width: usize) -> Vec<Line> {
    let chosen = card.ask.args.text(&field.name);
    let all = options.iter().fold(begin.clone(), |line, name| option(line, name, chosen == Some(name)));
    if all.width() < width && !options.is_empty() {
        let all = if chosen.is_none() { all.gap(1).join(lack(field, true, true)) } else { all };
        return vec![all];
    }
    let indent = begin.width();
    let words = chosen.unwrap_or("none chosen");
    let mut wrapped = measure::wrap(words, width.saturating_sub(indent + 2)).into_iter();
    let mut lines = vec![begin.and(Role::Strong, wrapped.next().unwrap_or_default())];
    lines.extend(wrapped.map(|text| Line::new().gap(indent).and(Role::Strong, text)));
    let at = options.iter().position(|option| chosen == Some(option)).map_or(0, |at| at + 1);
    lines.push(Line::new().gap(indent).and(Role::Dim, format!("{at} of {}: Left and Right choose", options.len())));
    lines
}

fn option(line: Line, name: &str, chosen: bool) -> Line {
    let role = if chosen { Role::Strong } else { Role::Dim };
    let mark = if chosen { "● " } else { "  " };
    line.and(Role::Accent, mark).and(role, name.to_owned()).gap(2)
}
