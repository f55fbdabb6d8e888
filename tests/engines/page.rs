//! `docs/engines.md`.

use std::fmt::Write as _;

use holdshort::{
    domain::{text::one_line, verb::Verb},
    port::plan::Draft,
};

use super::{ENGINES, Engine, State, drafted};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/engines.md");

const HEAD: &str = "# Engines: what each verb does in each state

Made by a test (`UPDATE=1 cargo test --test engines` writes it anew) of objects in the state that is named: what is open is drawn up as it
would be sent, what is not is refused with the sentence whose number stands in its place. Every call carries the revision that was seen
right before it, where the engine's API takes one; the command beside it is what `--print-commands` prints. Rights and settings stand in
the page of each system.
";

/// Sentences of one engine, each with its number.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn number(&mut self, sentence: String) -> usize {
        let known = self.0.iter().position(|one| *one == sentence);
        known.unwrap_or_else(|| {
            self.0.push(sentence);
            self.0.len() - 1
        }) + 1
    }
}

fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}

/// What is sent, as a list; one line a call.
fn calls(draft: &Draft) -> Vec<String> {
    let step = |step: &holdshort::port::step::Step| {
        let when: Vec<String> = step.when.iter().map(ToString::to_string).collect();
        let when = if when.is_empty() { String::new() } else { format!(" (only where {})", when.join(", ")) };
        let path = step.call.path.split('?').next().unwrap_or_default();
        format!("`{} {}` {}{when}", step.call.method, cell(path), cell(&step.call.words))
    };
    let owed = |owed: &holdshort::port::step::Obligation| format!("*owed:* {}", cell(&owed.note()));
    draft.steps.iter().map(step).chain(draft.obligations.iter().map(owed)).collect()
}

/// What a verb sends, what it is called in the places where it does, and what undoes it.
struct Sent {
    verb: Verb,
    calls: Vec<String>,
    undo: String,
    body: String,
    states: Vec<&'static str>,
}

async fn section(engine: &Engine) -> String {
    let states: Vec<State> = (engine.states)().await;
    let mut verbs: Vec<Verb> = Vec::new();
    for verb in states.iter().flat_map(|state| state.item.offers().iter().map(|offer| offer.verb)) {
        if !verbs.contains(&verb) {
            verbs.push(verb);
        }
    }
    let (mut notes, mut sent) = (Notes::default(), Vec::<Sent>::new());
    let mut text = format!("\n## {}\n\n{}\n\n| state |", engine.name, engine.about);
    for verb in &verbs {
        let _ = write!(text, " {} |", verb.words());
    }
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(verbs.len()));
    for state in &states {
        let _ = write!(text, "| {} |", cell(state.name));
        for verb in &verbs {
            let cell = match drafted(state, *verb) {
                Ok(draft) => {
                    note(&mut sent, *verb, &draft, state.name);
                    "✔".to_owned()
                }
                Err(why) => notes.number(why).to_string(),
            };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text += "\nNot open, because:\n\n";
    for (index, sentence) in notes.0.iter().enumerate() {
        let _ = writeln!(text, "{}. {}", index + 1, cell(sentence));
    }
    text += "\n| verb | sends | body | way back |\n|---|---|---|---|\n";
    sent.sort_by_key(|one| verbs.iter().position(|verb| *verb == one.verb));
    let first = |verb: Verb, index: usize, sent: &[Sent]| sent.iter().position(|one| one.verb == verb) == Some(index);
    for (index, one) in sent.iter().enumerate() {
        let alone = first(one.verb, index, &sent);
        let verb = if alone { one.verb.words().to_owned() } else { format!("{}, {}", one.verb.words(), one.states[0]) };
        let _ = writeln!(text, "| {} | {} | {} | {} |", cell(&verb), one.calls.join("<br>"), one.body, cell(&one.undo));
    }
    text
}

/// Keeps what a verb sends, once for each form that it has.
fn note(sent: &mut Vec<Sent>, verb: Verb, draft: &Draft, state: &'static str) {
    let form =
        |step: &holdshort::port::step::Step| format!("{} {}", step.call.method, step.call.path.contains("/status"));
    let forms: Vec<String> = draft.steps.iter().map(form).collect();
    let known =
        sent.iter_mut().find(|one| one.verb == verb && one.calls.len() == forms.len() + draft.obligations.len());
    match known {
        Some(one) => one.states.push(state),
        None => sent.push(Sent {
            verb,
            calls: calls(draft),
            undo: draft.undo.clone(),
            body: bodies(draft),
            states: vec![state],
        }),
    }
}

/// The bodies as a record shows them, where they are short.
fn bodies(draft: &Draft) -> String {
    const LONGEST: usize = 120;
    let shown = draft.steps.iter().map(|step| step.call.body.shown().to_owned());
    let shown =
        shown.map(|body| if body.len() > LONGEST { "the template".to_owned() } else { format!("`{}`", cell(&body)) });
    shown.filter(|body| body != "``").collect::<Vec<_>>().join("<br>")
}

#[tokio::test(start_paused = true)]
async fn the_page_of_engines_says_what_each_verb_does_in_each_state() {
    let mut expected = HEAD.to_owned();
    for engine in ENGINES {
        expected += &section(engine).await;
    }
    if std::env::vars().any(|(name, _)| name == "UPDATE") {
        std::fs::write(PAGE, &expected).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    let differs = expected.lines().zip(written.lines()).find(|(expected, written)| expected != written);
    assert_eq!(differs, None, "`UPDATE=1 cargo test --test engines` writes it anew");
    assert_eq!(written.len(), expected.len(), "`UPDATE=1 cargo test --test engines` writes it anew");
}
