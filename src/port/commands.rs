//! What would be sent, as plain lines for a shell: for whoever does by hand what holdshort cannot do just now.
//!
//! Here must not live: what a command says. Each provider writes it beside its call.

use super::{
    plan::Draft,
    step::{Obligation, Step},
};

/// The calls of a draft as lines, without the first so many.
pub fn lines(draft: &Draft, after: usize) -> Vec<String> {
    if draft.steps.is_empty() {
        return draft.sends().flat_map(|step| written(0, step)).collect();
    }
    let steps = draft.steps.iter().enumerate().skip(after);
    let owed = draft.obligations.iter().flat_map(owed);
    steps.flat_map(|(place, step)| written(place, step)).chain(owed).collect()
}

/// What is owed afterwards: nobody waits there until the rest has taken effect, so it is a comment that a person takes the sign from.
fn owed(owed: &Obligation) -> Vec<String> {
    let command = owed.step.call.command.lines().map(|line| format!("# {line}"));
    let words =
        format!("# once that has taken effect, and also where it has not ({}), {}:", owed.words, owed.step.call.words);
    std::iter::once(words).chain(command).collect()
}

/// A step as lines for a shell. What it depends on nobody looks at there, and what somebody typed is printed nowhere: both are said,
/// and a command that is not to be sent as it stands is a comment that a person takes the sign from.
fn written(place: usize, step: &Step) -> Vec<String> {
    let command = &step.call.command;
    let secrets: Vec<&str> = step.call.fills.iter().filter_map(|fill| fill.from.secret()).collect();
    let when: Vec<String> = step.when.iter().map(ToString::to_string).collect();
    let mut lines = Vec::new();
    if !when.is_empty() {
        lines.push(format!("# only where {}:", when.join(", ")));
    }
    if !secrets.is_empty() {
        lines.push(format!(
            "# {} is not printed, its place is empty: put it in, then take the sign away:",
            secrets.join(", ")
        ));
    }
    if secrets.is_empty() && (when.is_empty() || place == 0) {
        lines.extend(command.lines().map(str::to_owned));
    } else {
        lines.extend(command.lines().map(|line| format!("# {line}")));
    }
    lines
}
